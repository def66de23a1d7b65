/*
 * recompute.hpp - groups that changed are computed anew, from the rows that they have now.
 */
#pragma once

#include "delta/groups.hpp"
#include "delta/plan.hpp"

namespace delta {

/*
 * Compute the groups from first on, count of them, in the order of sorted(), as the snapshot shows the
 * sources, which are locked.  result[i] becomes the row that shows group first + i (of type plan->visible, in
 * the current memory context), or NULL where there is none.  Under as_maintainer.
 */
PG_GUARDED void recompute(Plan *plan, GroupTable *groups, int first, int count, Snapshot snapshot,
                          MinimalTuple *result);

} // namespace delta
