/*
 * lookup.hpp - small questions to PostgreSQL's system catalogs.
 */
#pragma once

#include "pg/seam.hpp"

namespace pg {

/* The owner of a relation; an error where there is none. */
PG_GUARDED inline Oid owner_of_relation(Oid relation)
{
    HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(row))
        elog(ERROR, "cache lookup failed for relation %u", relation);
    const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->relowner;
    ReleaseSysCache(row);
    return owner;
}

/* "schema.table", quoted as needed. */
PG_GUARDED inline const char *qualified_name(Oid relation)
{
    return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
                                      get_rel_name(relation));
}

/* Is row-level security enabled on the table? */
PG_GUARDED inline bool has_row_security(Oid table)
{
    HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
    if (!HeapTupleIsValid(row))
        elog(ERROR, "cache lookup failed for relation %u", table);
    const bool enabled = reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->relrowsecurity;
    ReleaseSysCache(row);
    return enabled;
}

/* The hash function that goes with the default equality of a type, if an index can have it; or InvalidOid. */
PG_GUARDED inline Oid hash_for_index(Oid type)
{
    const Oid function = lookup_type_cache(type, TYPECACHE_HASH_PROC)->hash_proc;
    return OidIsValid(function) && func_volatile(function) == PROVOLATILE_IMMUTABLE ? function : InvalidOid;
}

namespace detail {

/* Visit the rows of pg_depend that an index finds by an object, in two columns. */
template <class Visit>
PG_GUARDED void each_in_depend(Oid index, AttrNumber class_column, Oid class_id, AttrNumber object_column,
                               Oid object, Visit visit)
{
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], class_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(class_id));
    ScanKeyInit(&keys[1], object_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
    Relation table = table_open(DependRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(table, index, true, nullptr, 2, keys);
    for (HeapTuple row = systable_getnext(scan); HeapTupleIsValid(row); row = systable_getnext(scan))
        visit(*reinterpret_cast<Form_pg_depend>(GETSTRUCT(row)));
    systable_endscan(scan);
    table_close(table, AccessShareLock);
}

} // namespace detail

/* Visit what depends on an object, directly: rows of pg_depend (const FormData_pg_depend &). */
template <class Visit>
PG_GUARDED void each_dependent(Oid class_id, Oid object, Visit visit)
{
    detail::each_in_depend(DependReferenceIndexId, Anum_pg_depend_refclassid, class_id,
                           Anum_pg_depend_refobjid, object, visit);
}

/* The same of what the object depends on. */
template <class Visit>
PG_GUARDED void each_dependency(Oid class_id, Oid object, Visit visit)
{
    detail::each_in_depend(DependDependerIndexId, Anum_pg_depend_classid, class_id, Anum_pg_depend_objid,
                           object, visit);
}

/* How many triggers are being executed, one inside the other. */
PG_GUARDED inline int trigger_depth()
{
    LOCAL_FCINFO(call, 0);
    InitFunctionCallInfoData(*call, nullptr, 0, InvalidOid, nullptr, nullptr);
    return DatumGetInt32(pg_trigger_depth(call));
}

} // namespace pg
