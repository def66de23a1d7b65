/*
 * fold.hpp - changed rows of a source become changes of groups.
 */
#pragma once

#include "delta/groups.hpp"
#include "delta/plan.hpp"

namespace delta {

/*
 * One of several views that a change is folded for together, into its own groups.  What the first finds out
 * about a row serves all: whether it passes the filter, its keys, and which group has them.  So the tenth
 * view costs what its own aggregates do.
 */
struct Folding {
    const Plan *plan;
    GroupTable *groups;
};

/*
 * May two views over one table be folded together?  Only if they filter and group the rows alike, their keys
 * are handled alike, and their expressions run with the same rights and settings.
 */
PG_GUARDED bool fold_alike(const Plan &plan, const Plan &other);

/*
 * Fold every row of a transition table into the groups, in or out, for one or several views that fold alike.
 * Runs the views' expressions, so under as_maintainer, with a snapshot active.
 */
PG_GUARDED void fold_rows(const model::Array<Folding> &foldings, Tuplestorestate *rows, Sign sign);

/*
 * Fold both transition tables of an UPDATE, the rows that were out and those that are in.  Where a row has
 * nothing that the view reads changed, which is seen by comparing the first of the one with the first of the
 * other and so on, neither is folded: groups that keep what they have don't become known as changed.
 */
PG_GUARDED void fold_update(const model::Array<Folding> &foldings, Tuplestorestate *removed,
                            Tuplestorestate *added);

/* Fold one row of the source, in a slot of any kind. */
PG_GUARDED void fold_row(const Plan &plan, GroupTable *groups, TupleTableSlot *row, Sign sign);

/* Fold one row of keys and inputs, as plan.inputs makes them. */
PG_GUARDED void fold_inputs(const Plan &plan, GroupTable *groups, const Datum *values, const bool *nulls,
                            Sign sign);

} // namespace delta
