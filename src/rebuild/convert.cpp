/*
 * convert.cpp - create_imat: a materialized view becomes an IMAT.
 *
 * The name is looked up as the user wrote it: qualified, or in schema imat, then in the target schema, then
 * along the search_path.  Of those that exist the first materialized view is meant; where there is none, the
 * first relation is what the error message talks about.  From the moment it is found the view is locked
 * against everything but reading (ExclusiveLock); that the name still belongs to it once the lock is there
 * is seen to by RangeVarGetRelidExtended.
 */
#include "analyze/analyze.hpp"
#include "pg/list.hpp"
#include "rebuild/parts.hpp"
#include "rebuild/rebuild.hpp"

namespace rebuild {

namespace {

/* Where a name could be found. */
PG_GUARDED List *schemas_to_search(const RangeVar *name, const char *target_schema)
{
    if (name->schemaname != nullptr)
        return list_make1_oid(get_namespace_oid(name->schemaname, false));
    List *schemas = list_make1_oid(imat_schema());
    if (target_schema != nullptr)
        schemas = lappend_oid(schemas, get_namespace_oid(target_schema, false));
    return list_concat(schemas, fetch_search_path(true));
}

/* The schema of the first materialized view of that name, else of the first relation, else InvalidOid. */
PG_GUARDED Oid find_schema(const char *name, const List *schemas)
{
    Oid first = InvalidOid;
    for (Oid schema : pg::each_oid(schemas)) {
        const Oid relation = get_relname_relid(name, schema);
        if (!OidIsValid(relation))
            continue;
        if (get_rel_relkind(relation) == RELKIND_MATVIEW)
            return schema;
        if (!OidIsValid(first))
            first = schema;
    }
    return first;
}

/* What to do instead, for a relation that is no materialized view. */
PG_GUARDED const char *advice_for(char kind)
{
    switch (kind) {
    case RELKIND_VIEW:
        return "Use imat.create(name, query) to make a table of the view's query.";
    case RELKIND_RELATION:
    case RELKIND_PARTITIONED_TABLE:
    case RELKIND_FOREIGN_TABLE:
        return "Create a materialized view over the table, or use imat.create(name, query).";
    default:
        return "Name a materialized view.";
    }
}

/* An error for a relation that is no materialized view. */
PG_GUARDED void refuse_kind(Oid relation)
{
    const char kind = get_rel_relkind(relation);
    const Oid imat = catalog::is_imat(relation) ? relation
                     : kind == RELKIND_VIEW     ? imat_behind(relation)
                                                : InvalidOid;
    if (OidIsValid(imat))
        ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
                errmsg("\"%s\" is an incremental materialized table already", get_rel_name(relation)),
                errdetail("It is the table %s.", name_of(imat)),
                errhint("Use imat.alter to change how it is maintained, imat.refresh to compute it anew."));
    ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
            errmsg("\"%s\" is not a materialized view", get_rel_name(relation)),
            errhint("%s", advice_for(kind)));
}

extern "C" {

/* Before the lock is taken: may the caller have it? */
PG_GUARDED static void check_before_lock(const RangeVar * /*name*/, Oid relation, Oid /*previous*/,
                                         void * /*argument*/)
{
    if (!OidIsValid(relation) || !OidIsValid(get_rel_namespace(relation)))
        return;
    require_owner(relation);
    if (get_rel_relkind(relation) != RELKIND_MATVIEW)
        refuse_kind(relation);
}

} // extern "C"

/* Find and lock the materialized view. */
PG_GUARDED Oid find_and_lock(const RangeVar *name, const char *target_schema)
{
    const Oid schema = find_schema(name->relname, schemas_to_search(name, target_schema));
    if (!OidIsValid(schema))
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE),
                errmsg("materialized view \"%s\" does not exist",
                       NameListToString(name->schemaname == nullptr ? list_make1(makeString(name->relname))
                                                                    : list_make2(makeString(name->schemaname),
                                                                                 makeString(name->relname)))),
                name->schemaname != nullptr
                    ? 0
                    : errdetail("It was looked for in schema imat, in the target schema, and along the "
                                "search_path."),
                errhint("Qualify the name with its schema, or create an IMAT of a query with imat.create."));
    RangeVar *qualified = makeRangeVar(get_namespace_name(schema), name->relname, -1);
    return RangeVarGetRelidExtended(qualified, ExclusiveLock, 0, check_before_lock, nullptr);
}

/* Where the IMAT is to stand; errors if it may not or can't. */
PG_GUARDED Oid target_of(Oid view, const char *target_schema)
{
    const Oid own = get_rel_namespace(view);
    const char *word = target_schema != nullptr ? target_schema : own == imat_schema() ? "public" : nullptr;
    const Oid target = word == nullptr ? own : get_namespace_oid(word, false);
    if (target == own)
        return own;
    require_create(target);
    if (OidIsValid(get_relname_relid(get_rel_name(view), target)))
        ereport(ERROR, errcode(ERRCODE_DUPLICATE_TABLE),
                errmsg("relation \"%s\" already exists in schema \"%s\"", get_rel_name(view), word),
                errhint("Rename or drop it, or name another target schema."));
    return target;
}

} // namespace

PG_GUARDED Oid imat_behind(Oid view)
{
    for (Oid imat : catalog::all_imats()) {
        catalog::Registration registration = {};
        if (catalog::find(imat, &registration) && registration.old_view == view)
            return imat;
    }
    return InvalidOid;
}

PG_GUARDED Oid convert(const char *mv_name, const char *target_schema)
{
    const RangeVar *name = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(mv_name)));
    const Oid oid = find_and_lock(name, target_schema);
    Birth birth = {};
    birth.table = oid;
    birth.target_schema = target_of(oid, target_schema);
    birth.from_materialized_view = true;
    birth.maintenance = model::Maintenance::Immediate;
    birth.strategy = model::Strategy::Auto;
    namestrcpy(&birth.old_schema, get_namespace_name(get_rel_namespace(oid)));

    Relation view = table_open(oid, NoLock);
    birth.definition = create_definition_of(view);
    birth.kept = keep_subqueries(analyze::standalone_query(oid), oid, view->rd_rel->relowner);
    table_close(view, NoLock);
    establish(birth);
    return oid;
}

} // namespace rebuild
