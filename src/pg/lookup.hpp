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

} // namespace pg
