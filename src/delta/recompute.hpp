/*
 * recompute.hpp - groups that changed are computed anew, from the rows that they have now.
 */
#pragma once

#include "delta/groups.hpp"
#include "delta/plan.hpp"
#include "pg/settled.hpp"

namespace delta {

/*
 * Compute the groups from first on, count of them, in the order of sorted(), as the reading shows the
 * sources, which are locked.  result[i] becomes the row that shows group first + i (of type plan->visible, in
 * the current memory context), or NULL where there is none.  Under as_maintainer.
 */
PG_GUARDED void recompute(Plan *plan, GroupTable *groups, int first, int count, pg::Reading reading,
                          MinimalTuple *result);

/* Which keys of a group are NULL. */
PG_GUARDED Bitmapset *nulls_of(const Plan &plan, const Group &group);

/* The type of the rows that hold keys: columns key_1, key_2, ... */
PG_GUARDED TupleDesc key_row_type(const model::View &view);

/*
 * The condition that a row belongs to one of the groups, as far as one key goes, which is this expression.
 * Where it isn't NULL, it is in a row of keys, which is range table entry varno, so many query levels above.
 */
PG_GUARDED Node *key_condition(const model::View &view, int i, Expr *expression, bool null, int varno,
                               int level);

/* Restrict a query over the references to rows of the groups whose keys are in its last range table entry. */
PG_GUARDED void restrict_to_keys(Query *query, const model::View &view, const Bitmapset *nulls);

/* A row that the table has: what it looks like, and its place. */
struct PresentRow {
    const Group *row;
    ItemPointerData where;
};

/*
 * The same where rows are not in groups: compute those that have these keys, read those that the table has
 * under them, and add to rows (of plan->rows) by how much there should be more or less of each.  Those that
 * it has are the result, in the order of row, as pointers have one.
 */
PG_GUARDED model::Array<PresentRow> recompute_rows(Plan *plan, GroupTable *keys, int first, int count,
                                                   pg::Reading reading, GroupTable *rows);

} // namespace delta
