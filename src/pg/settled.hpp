/*
 * settled.hpp - reading rows that nobody can change, without leaving a trace.
 */
#pragma once

#include "pg/seam.hpp"

namespace pg {

/* Is the transaction SERIALIZABLE? */
inline bool is_serializable() noexcept
{
    return IsolationIsSerializable();
}

/* What a query reads under: a snapshot, and whether the rows that matter to it are settled, as settled.cpp
 * says. */
struct Reading {
    Snapshot snapshot;
    bool settled = false;

    Reading(Snapshot under, bool are_settled = false) noexcept : snapshot(under), settled(are_settled) {}
};

/*
 * Make the latest snapshot the active one.  Who was waited for, by a lock tag, may have given a table one
 * more child, whose rows are in it: plans that don't read the child, and what is known of the table, are no
 * good from then on.  (Locks of relations see to that by themselves; see LockRelationOid, PostgreSQL,
 * storage/lmgr/lmgr.c.)
 */
PG_GUARDED inline void push_latest_snapshot()
{
    AcceptInvalidationMessages();
    PushActiveSnapshot(GetLatestSnapshot());
}

/*
 * The snapshot for reading settled rows of a table from its heap, registered: in a SERIALIZABLE transaction
 * one that takes no predicate locks.
 */
PG_GUARDED Snapshot register_settled(Reading reading);

/* Plan a query so that it can read settled rows without predicate locks, if the transaction is SERIALIZABLE.
 */
PG_GUARDED PlannedStmt *plan_settled_query(Query *query, int cursor_options);

/* Can the plan be run under such a snapshot? */
PG_GUARDED bool can_read_settled(const PlannedStmt *plan);

} // namespace pg
