/*
 * join.hpp - changed rows of the tables of a join become changes of groups.
 */
#pragma once

#include "delta/groups.hpp"
#include "delta/plan.hpp"
#include "pg/settled.hpp"

namespace delta {

/* What a transaction did to a table: rows that it has now and had not, and the other way round. */
struct ChangedTable {
    Oid table;
    TupleDesc type;
    Tuplestorestate *added;   /* NULL: none */
    Tuplestorestate *removed; /* NULL: none */
};

/*
 * Fold what changes of the tables do to the view.  Runs queries under the snapshot of the reading, which has
 * to see the tables as they are after the changes; they are locked.  Under as_maintainer.
 */
PG_GUARDED void fold_join(Plan *plan, GroupTable *groups, const model::Array<ChangedTable> &changed,
                          pg::Reading reading);

} // namespace delta
