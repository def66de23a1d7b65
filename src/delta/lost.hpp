/*
 * lost.hpp - extremes that groups have lost sight of are looked up among the rows.
 */
#pragma once

#include "delta/groups.hpp"
#include "delta/plan.hpp"
#include "pg/settled.hpp"

namespace delta {

/*
 * For all groups of the table (as GroupRow::note_lost makes it), put in place of what is lost the accumulator
 * of the rows that the snapshot shows; where these weren't all read, its count is 0.  Where there is no such
 * row, it stays as it is.  The sources are locked.  Under as_maintainer.
 */
PG_GUARDED void find_lost(Plan *plan, GroupTable *lost, pg::Reading reading);

} // namespace delta
