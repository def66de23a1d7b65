/*
 * settled.cpp - reading rows that nobody can change, without leaving a trace.
 *
 * What a SERIALIZABLE transaction reads is remembered in predicate locks, and whoever writes it later comes
 * after that transaction in the order that is to be found.  What maintenance reads must not count: no result
 * of the transaction's own depends on it, and who may do what before whom was settled by the locks that were
 * taken first. In the order that PostgreSQL finds for what the transactions read and wrote themselves, each
 * table that is maintained is what its definition gives at that place, since it is so whenever one of them
 * has committed; a transaction that reads it is put into the order by what is written to its rows.
 *
 * That such a transaction is found takes more than predicate locks on rows: see flush/reading.cpp.  It holds
 * also for what maintenance did early, so that the transaction could read it.
 *
 * Predicate locks are taken under MVCC snapshots only (SerializationNeededForRead; PostgreSQL, predicate.c).
 * So settled rows are read under a snapshot of the kind SELF, which shows what was committed when the row is
 * looked at, and what the transaction did itself.  That is the same as what a snapshot shows that was taken
 * after the locks: settled means that until we commit nobody else can commit a change of a row that matters
 * for the result.  Rows that don't matter may change meanwhile, and be seen twice or never; they don't get
 * into the result.
 *
 * Two things need care.  A row whose place another one takes, after the index was looked at and before the
 * row is: indexes of the kinds btree and hash are kept from being vacuumed meanwhile, so only these are used,
 * and no bitmaps.  And an index alone can't tell whether a row is there: index-only scans work with MVCC
 * snapshots.  Plans that need any of these, or parallel workers, run under the MVCC snapshot, and take
 * predicate locks.
 */
#include "pg/settled.hpp"

#include "pg/list.hpp"

namespace pg {

namespace {

/* Does the index stay as it was read until its rows have been looked at? */
PG_GUARDED bool is_held(Oid index)
{
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
    if (!HeapTupleIsValid(tuple))
        return false;
    const Oid method = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relam;
    ReleaseSysCache(tuple);
    return method == BTREE_AM_OID || method == HASH_AM_OID;
}

PG_GUARDED bool can_read_settled(const Plan *plan);

PG_GUARDED bool all_can(const List *plans)
{
    bool can = true;
    for (auto *plan : each<Plan>(plans))
        can = can && can_read_settled(plan);
    return can;
}

PG_GUARDED bool can_read_settled(const Plan *plan)
{
    if (plan == nullptr)
        return true;
    check_stack_depth();
    switch (nodeTag(plan)) {
    case T_IndexOnlyScan:
    case T_BitmapHeapScan:
    case T_SampleScan:
    case T_TidScan:
    case T_ForeignScan:
    case T_CustomScan:
    case T_Gather:
    case T_GatherMerge:
        return false;
    case T_IndexScan:
        return is_held(reinterpret_cast<const IndexScan *>(plan)->indexid);
    case T_Append:
        return all_can(reinterpret_cast<const Append *>(plan)->appendplans);
    case T_MergeAppend:
        return all_can(reinterpret_cast<const MergeAppend *>(plan)->mergeplans);
    case T_SubqueryScan:
        return can_read_settled(reinterpret_cast<const SubqueryScan *>(plan)->subplan);
    default:
        return can_read_settled(plan->lefttree) && can_read_settled(plan->righttree);
    }
}

PG_GUARDED void turn_off(const char *setting)
{
    set_config_option(setting, "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

} // namespace

PG_GUARDED bool can_read_settled(const PlannedStmt *plan)
{
    return can_read_settled(plan->planTree) && all_can(plan->subplans);
}

PG_GUARDED PlannedStmt *plan_settled_query(Query *query, int cursor_options)
{
    if (!is_serializable())
        return plan_query(query, cursor_options);
    const int level = NewGUCNestLevel();
    turn_off("enable_bitmapscan");
    turn_off("enable_indexonlyscan");
    PlannedStmt *plan = plan_query(query, cursor_options & ~CURSOR_OPT_PARALLEL_OK);
    AtEOXact_GUC(false, level);
    return plan;
}

PG_GUARDED Snapshot register_settled(Reading reading)
{
    if (!reading.settled || !is_serializable())
        return RegisterSnapshot(reading.snapshot);
    SnapshotData settled = *reading.snapshot;
    settled.snapshot_type = SNAPSHOT_SELF;
    settled.copied = false; /* so it is copied now */
    return RegisterSnapshot(&settled);
}

} // namespace pg
