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
    const char *name;          /* of the table: error messages can't look it up */
    delta::Plan *plan;         /* kept until the memory of the work is freed */
    delta::GroupTable *groups; /* NULL: none yet */
    bool joined;               /* over a join: its changed rows are in the groups already */
    bool swap;
    LOCKMODE locked;   /* see locks.cpp */
    int depth;         /* 0: reads tables only; else one more than the deepest IMAT that it reads */
    List *readers;     /* of WorkItem: IMATs that read this one */
    struct Work *work; /* that it is a part of */
};

struct Work {
    List *items;  /* of WorkItem, in the order in which they are done: by depth, then by Oid */
    List *tables; /* of TableChanges: rows that joins need; those of IMATs are added as these are written */
    List *tags;   /* of HeldTag: what lock_joins has locked */
};

/* A lock tag that was taken. */
struct HeldTag {
    LOCKTAG tag;
    LOCKMODE mode;
};

/* The work that pending changes make: their IMATs, and all that read these, directly or not. */
PG_GUARDED Work *plan_work(const Collected &collected);

/* Are the item's groups computed anew? */
PG_GUARDED bool is_keyed(const WorkItem &item);
PG_GUARDED bool has_keyed(const Work &work);

/* Has it keys, as far as they are known, that are too long for its indexes as they are? */
PG_GUARDED bool needs_longer_keys(const WorkItem &item);

/* Take the locks that the work needs, but for those on keys; items whose IMAT is gone are dropped.  See
 * locks.cpp. */
PG_GUARDED void lock_work(Work *work);

/* Let go of all but the tags of groups. */
PG_GUARDED void unlock_work(Work *work);

/*
 * The same when items have been marked meanwhile: what was locked is let go of, so that no lock is raised out
 * of order.  Nothing was written yet, and what was found is to be found anew.
 */
PG_GUARDED void lock_work_anew(Work *work);

/* Take the locks of IMATs over joins, and let go of them; a part of lock_work.  See join_locks.cpp. */
PG_GUARDED void lock_joins(Work *work);
PG_GUARDED void unlock_joins(Work *work);

/* How many locks on hashes of keys may one flush take yet?  Those taken are counted. */
PG_GUARDED int more_key_locks();
PG_GUARDED void count_key_lock(LockAcquireResult result);

/* Take the locks on the keys of groups that are computed anew.  See locks.cpp. */
PG_GUARDED void lock_keys(const Work &work);

/* What tells the item's readers of its changed rows; valid as long as the work is. */
PG_GUARDED apply::Listener listener_of(WorkItem *item);

/* The item, and whoever reads it, has to be rebuilt. */
PG_GUARDED void mark_swap(WorkItem *item);

/* Are all IMATs that read one of these among the work?  Others may have made some. */
PG_GUARDED bool knows_all_readers(const Work &work);

/* Mark items whose plan isn't what the definition comes to by now, now that they are locked; true: there are.
 */
PG_GUARDED bool mark_outdated(const Work &work);

/* Is the table an IMAT that the work writes, and the item reads? */
PG_GUARDED bool writes_source(const Work &work, const WorkItem &item, Oid table);

/* A copy of the items, in the order of their Oids. */
PG_GUARDED List *by_oid(const List *items);

} // namespace flush
