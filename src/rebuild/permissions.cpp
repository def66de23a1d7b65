/*
 * permissions.cpp - who may do what, and whose things are whose.
 *
 * Creating an IMAT asks for what its parts would ask for if they were made by hand: ownership of the
 * materialized view, CREATE in the schema where the table will stand, TRIGGER on every table it reads and,
 * where that is a partition or child, on those above it.  That the owner may read those is seen when the
 * contents are computed, with the owner's rights.  Schema imat needs no privileges: what is created there is
 * created by the extension.
 */
#include "analyze/analyze.hpp"
#include "rebuild/parts.hpp"

namespace rebuild {

PG_GUARDED Oid imat_schema()
{
    return get_namespace_oid("imat", false);
}

PG_GUARDED void require_owner(Oid relation)
{
    if (!pg::owns_relation(relation, GetUserId()))
        aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relation)),
                       get_rel_name(relation));
}

PG_GUARDED void require_create(Oid schema)
{
    if (isAnyTempNamespace(schema) || IsCatalogNamespace(schema) || IsToastNamespace(schema))
        ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                errmsg("cannot create an incremental materialized table in schema \"%s\"",
                       get_namespace_name(schema)),
                errdetail(isAnyTempNamespace(schema)
                              ? "Others write to the tables that it reads, and could not maintain it."
                              : "That schema is for system catalogs."),
                errhint("Name another schema."));
    const AclResult result = pg::schema_aclcheck(schema, GetUserId(), ACL_CREATE);
    if (result != ACLCHECK_OK)
        aclcheck_error(result, OBJECT_SCHEMA, get_namespace_name(schema));
}

/* The source and its kin, but for what is below it: a right on a table is one on its partitions and children.
 */
PG_GUARDED static List *tables_that_need_right(Oid source)
{
    return lcons_oid(source,
                     list_difference_oid(kin_of(source), find_all_inheritors(source, NoLock, nullptr)));
}

/* An error that says what the caller may not do: reading is not enough. */
PG_GUARDED static void refuse_trigger(Oid table)
{
    ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
            errmsg("permission denied for table %s", get_rel_name(table)),
            errdetail("Triggers on the table tell of its changes, which takes the privilege TRIGGER."),
            errhint("Have its owner run GRANT TRIGGER ON %s TO %s.", name_of(table),
                    quote_identifier(GetUserNameFromId(GetUserId(), false))));
}

PG_GUARDED void require_trigger(const model::Array<model::Source> &sources)
{
    for (const model::Source &source : sources)
        for (Oid table : pg::each_oid(tables_that_need_right(source.relation)))
            if (pg_class_aclcheck(table, GetUserId(), ACL_TRIGGER) != ACLCHECK_OK)
                refuse_trigger(table);
}

/* A copy of the row that has the privileges of a relation or, unless the column is 0, of a column. */
PG_GUARDED static HeapTuple row_with_privileges(Oid relation, AttrNumber column)
{
    HeapTuple row = column == 0
                        ? SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relation))
                        : SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(relation), Int16GetDatum(column));
    if (!HeapTupleIsValid(row))
        elog(ERROR, "cache lookup failed for column %d of relation %u", column, relation);
    return row;
}

PG_GUARDED Acl *privileges_of(Oid relation, AttrNumber column)
{
    bool null;
    HeapTuple row = row_with_privileges(relation, column);
    const Datum privileges = column == 0 ? SysCacheGetAttr(RELOID, row, Anum_pg_class_relacl, &null)
                                         : SysCacheGetAttr(ATTNUM, row, Anum_pg_attribute_attacl, &null);
    Acl *copy = null ? nullptr : DatumGetAclPCopy(privileges);
    heap_freetuple(row);
    return copy;
}

PG_GUARDED void set_privileges(Oid relation, AttrNumber column, const Acl *privileges)
{
    Oid *old_members = nullptr;
    Oid *new_members = nullptr;
    const int old_size = aclmembers(privileges_of(relation, column), &old_members);
    const int new_size = aclmembers(privileges, &new_members);

    Relation catalog = table_open(column == 0 ? RelationRelationId : AttributeRelationId, RowExclusiveLock);
    HeapTuple row = row_with_privileges(relation, column);
    const int place = (column == 0 ? Anum_pg_class_relacl : Anum_pg_attribute_attacl) - 1;
    Datum values[Max(Natts_pg_class, Natts_pg_attribute)] = {};
    bool nulls[lengthof(values)] = {};
    bool replaced[lengthof(values)] = {};
    values[place] = PointerGetDatum(privileges);
    nulls[place] = privileges == nullptr;
    replaced[place] = true;
    row = heap_modify_tuple(row, RelationGetDescr(catalog), values, nulls, replaced);
    CatalogTupleUpdate(catalog, &row->t_self, row);
    table_close(catalog, RowExclusiveLock);

    updateAclDependencies(RelationRelationId, relation, column, pg::owner_of_relation(relation), old_size,
                          old_members, new_size, new_members);
    CommandCounterIncrement();
}

/* May the IMAT's owner still read what the definition reads? */
PG_GUARDED bool owner_may_read(Oid imat)
{
    catalog::Registration registration = {};
    if (!catalog::find(imat, &registration))
        return true;
    return pg::with_rights_of(pg::owner_of_relation(imat), [&] {
        return pg::with_safe_search_path(
            [&] { return analyze::may_run(analyze::definition_query(registration.definition)); });
    });
}

PG_GUARDED void check_owner(Oid imat)
{
    CacheInvalidateRelcacheByRelid(imat); /* plans are to be made anew, and with that rights checked */
    /* What keeps a subquery is a matter of whom it does so for. */
    if (OidIsValid(catalog::keeper_of(imat)) || owner_may_read(imat))
        return;
    ereport(WARNING,
            errmsg("the owner of incremental materialized table %s may not read its sources any more",
                   name_of(imat)),
            errdetail("It cannot be maintained, so whoever changes its sources will get an error."),
            errhint("Grant SELECT to the owner, have the table belong to another role, or drop it."));
}

} // namespace rebuild
