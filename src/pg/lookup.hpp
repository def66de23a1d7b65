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

/* Visit what depends on an object, directly: rows of pg_depend (const FormData_pg_depend &). */
template <class Visit>
PG_GUARDED void each_dependent(Oid class_id, Oid object, Visit visit)
{
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(class_id));
    ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
    Relation table = table_open(DependRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(table, DependReferenceIndexId, true, nullptr, 2, keys);
    for (HeapTuple row = systable_getnext(scan); HeapTupleIsValid(row); row = systable_getnext(scan))
        visit(*reinterpret_cast<Form_pg_depend>(GETSTRUCT(row)));
    systable_endscan(scan);
    table_close(table, AccessShareLock);
}

/* How many triggers are being executed, one inside the other. */
PG_GUARDED inline int trigger_depth()
{
    LOCAL_FCINFO(call, 0);
    InitFunctionCallInfoData(*call, nullptr, 0, InvalidOid, nullptr, nullptr);
    return DatumGetInt32(pg_trigger_depth(call));
}

} // namespace pg
