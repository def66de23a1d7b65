/*
 * upper.hpp - what a view makes of its groups (model::View::upper), once these have changed.
 */
#pragma once

#include "apply/apply.hpp"

namespace apply {

/* What groups showed and show, as far as it decides on whether the upper query has to be run. */
struct GroupChanges {
    MemoryContext memory;
    int size;
    List *rows; /* of MinimalTuple: what the state table kept, and keeps */
};

PG_GUARDED GroupChanges *make_group_changes(MemoryContext memory);

/* A group that changed: before and after (NULL: it wasn't, or isn't, there). */
PG_GUARDED void note_group(GroupChanges *changes, TupleTableSlot *before, TupleTableSlot *after);

/*
 * Bring the table in line with its groups, where their changes make a difference.  The groups are written and
 * closed.  As apply_groups.
 */
PG_GUARDED int64 apply_upper(delta::Plan *plan, const GroupChanges &changes, Moment moment,
                             const Listener *listener);

} // namespace apply
