/*
 * session.hpp - everything that a backend remembers between two calls of the extension, in one place.
 *
 * Nothing here has a constructor or a destructor: the library may be loaded in the postmaster and forked.
 * What the pointers point to is known to the rooms that they belong to.
 */
#pragma once

#include "pg/seam.hpp"

namespace delta {
struct Plan;
struct CachedPlan;
struct CachedTargets;
} // namespace delta

namespace flush {
struct Layer;
}

namespace catalog {

/* When pending changes are applied (setting pg_imat.flush). */
enum class FlushAt : int { Commit, Statement };

struct Session {
    /* Room delta: compiled views by IMAT, and the IMATs on each table; both filled on demand. */
    HTAB *plans;
    HTAB *targets;
    delta::CachedPlan *first_plan; /* the entries of these, chained */
    delta::CachedTargets *first_targets;
    uint64 invalidations; /* how often something was marked stale: has anything changed since we looked? */

    /* Room flush: this transaction's pending changes, innermost subtransaction first. */
    flush::Layer *pending;
    bool has_written; /* a flush of this transaction has written rows, and there may be another */
    int key_locks;    /* how many locks on hashes of keys it holds; see flush/join_locks.cpp */
    bool loaded_late; /* it had begun before the library was loaded: what it read is not known */
    int flushing;     /* nest level of the flush that is under way, or 0: our own reads are not noticed */
    int capturing;    /* likewise of the capture: what is pending is being made, and not to be applied */
    void (*rebuild)(Oid imat, Snapshot snapshot, bool may_exchange); /* room rebuild's */
    void (*let_in_long_keys)(Oid imat);                              /* likewise */

    /* How many statements are being executed, one inside the other; does the one being made ready run
     * queries? */
    int running;
    bool runs_queries;

    /* How many of those change tables: their changes are captured when they are over, but seen before. */
    int changing;
    bool flush_due; /* as soon as none is left */

    /* Oids of tables that are about to be dropped, whose rows have been captured where they are missed. */
    List *accounted;

    /* Oids of IMATs that a flush leaves out: what they are is about to be found out anew. */
    List *left_out;

    /* The dependencies of all IMATs are recorded; see rebuild/restore.cpp. */
    bool dependencies_known;

    /* Settings. */
    int flush_at;            /* a FlushAt */
    int pending_memory;      /* kB; beyond it pending changes are applied at once */
    bool trust_foreign_keys; /* no row references nothing; see analyze/foreign_keys.cpp */

    /* What hooked before us. */
    ExecutorStart_hook_type next_executor_start;
    object_access_hook_type next_object_access;
    ExecutorRun_hook_type next_executor_run;
    ExecutorFinish_hook_type next_executor_finish;
    ProcessUtility_hook_type next_process_utility;
};

extern constinit Session session;

} // namespace catalog
