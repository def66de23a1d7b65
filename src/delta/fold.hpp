/*
 * fold.hpp - changed rows of a source become changes of groups.
 */
#pragma once

#include "delta/groups.hpp"
#include "delta/plan.hpp"

namespace delta {

/*
 * Fold every row of a transition table into the groups, in or out.  Runs the view's expressions, so under
 * as_maintainer, with a snapshot active.
 */
PG_GUARDED void fold_rows(const Plan &plan, GroupTable *groups, Tuplestorestate *rows, Sign sign);

/*
 * Fold both transition tables of an UPDATE, the rows that were out and those that are in.  Where a row has
 * nothing that the view reads changed, which is seen by comparing the first of the one with the first of the
 * other and so on, neither is folded: groups that keep what they have don't become known as changed.
 */
PG_GUARDED void fold_update(const Plan &plan, GroupTable *groups, Tuplestorestate *removed,
                            Tuplestorestate *added);

/* Fold one row of the source, in a slot of any kind. */
PG_GUARDED void fold_row(const Plan &plan, GroupTable *groups, TupleTableSlot *row, Sign sign);

/* Fold one row of keys and inputs, as plan.inputs makes them. */
PG_GUARDED void fold_inputs(const Plan &plan, GroupTable *groups, const Datum *values, const bool *nulls,
                            Sign sign);

} // namespace delta
