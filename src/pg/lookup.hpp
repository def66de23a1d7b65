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

/* How many triggers are being executed, one inside the other. */
PG_GUARDED inline int trigger_depth()
{
    LOCAL_FCINFO(call, 0);
    InitFunctionCallInfoData(*call, nullptr, 0, InvalidOid, nullptr, nullptr);
    return DatumGetInt32(pg_trigger_depth(call));
}

} // namespace pg
