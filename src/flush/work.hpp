/*
 * work.hpp - what a flush has to do, in which order.
 */
#pragma once

#include "apply/apply.hpp"
#include "flush/pending.hpp"

namespace flush {

/* One IMAT that a flush writes. */
struct WorkItem {
    Oid imat;
    const char *name; /* of the table: error messages can't look it up */
    delta::Plan *plan;
    delta::GroupTable *groups; /* NULL: none yet */
    bool swap;
    int depth;     /* 0: reads tables only; else one more than the deepest IMAT that it reads */
    List *readers; /* of WorkItem: IMATs that read this one */
};

struct Work {
    List *items; /* of WorkItem, in the order in which they are done: by depth, then by Oid */
};

/* The work that pending changes make: their IMATs, and all that read these, directly or not. */
PG_GUARDED Work plan_work(List *pending);

/* Lock all tables that are written, in the order of their Oids; items whose IMAT is gone are dropped. */
PG_GUARDED void lock_targets(Work *work);

/* What tells the item's readers of its changed rows; valid as long as the item is. */
PG_GUARDED apply::Listener listener_of(WorkItem *item);

} // namespace flush
