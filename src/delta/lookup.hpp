/*
 * lookup.hpp - the rows of a join that belong to a few changed rows of one table, without the executor.
 */
#pragma once

#include "delta/groups.hpp"
#include "delta/plan.hpp"
#include "pg/settled.hpp"

namespace delta {

/* How the rows of a join are found that belong to changed rows of one reference; opaque. */
struct Lookup;

/*
 * The look-up that starts from a reference, kept with the plan; NULL where the others can't be reached
 * through unique indexes.
 */
PG_GUARDED Lookup *lookup_from(Plan *plan, int reference);

/* Is this the cheaper way for so many changed rows? */
PG_GUARDED bool is_for_lookup(int64 rows);

/*
 * Fold what changed rows of the reference, in its table's layout, make of the join; the other tables are read
 * under the snapshot, and locked.  Under as_maintainer.
 */
PG_GUARDED void fold_by_lookup(const Lookup &lookup, const Plan &plan, GroupTable *groups, TupleDesc type,
                               Tuplestorestate *rows, Sign sign, pg::Reading reading);

} // namespace delta
