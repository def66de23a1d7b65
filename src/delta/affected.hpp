/*
 * affected.hpp - changed rows of the sources of a query with options become keys that are computed anew.
 */
#pragma once

#include "delta/groups.hpp"
#include "delta/join.hpp"
#include "delta/plan.hpp"

namespace delta {

/*
 * Add the keys of all rows of the query that the changes may have made come or go, and maybe more.  Runs
 * queries under the snapshot, which has to see the tables as they are after the changes; they are locked.
 * Under as_maintainer.
 */
PG_GUARDED void find_affected(Plan *plan, GroupTable *groups, const model::Array<ChangedTable> &changed,
                              pg::Reading reading);

} // namespace delta
