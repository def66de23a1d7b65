/*
 * reading.cpp - noticing that a statement is about to read what is still pending.
 *
 * A transaction that reads an IMAT sees its own changes in it.  So before a statement that may read one with
 * pending changes, they are applied.  That is any statement whose plan names such an IMAT, or calls a
 * function that is not PostgreSQL's own (it may read anything); and every utility command but those of which
 * it is known that they don't look into tables.  A transaction in which nothing is pending pays one
 * comparison.
 *
 * The statement's snapshot was taken before that.  Rows that we wrote are made visible to it by raising its
 * command id.  In READ COMMITTED that is not enough: a group may have been changed by another transaction
 * since the snapshot, and a snapshot that sees our version of the row and the one before the other's sees the
 * group twice.  So the snapshot itself is brought up to date, which is allowed, since the statement has not
 * read anything yet.  With one snapshot for the transaction, room apply refuses such a group.
 *
 * A SERIALIZABLE transaction that reads an IMAT comes before those that change what it read and that it
 * doesn't see.  PostgreSQL finds them by predicate locks on the rows that were read, each on the version that
 * was there; who writes a row is not looked for among versions before the one that he replaces, because that
 * is one that he sees.  Maintenance replaces the latest version, seen or not; and who writes a row himself
 * loses the lock that he has on it.  So a lock on the whole table is taken, which holds for all versions.  A
 * transaction that had read something before it loaded this library takes it on what it writes.
 */
#include "flush/reading.hpp"

#include "catalog/catalog.hpp"
#include "delta/delta.hpp"
#include "flush/flush.hpp"
#include "flush/irrelevant.hpp"
#include "flush/moves.hpp"
#include "flush/pending.hpp"
#include "pg/list.hpp"

using catalog::session;

namespace flush {

namespace {

/* Does the IMAT, or anything that it reads, have pending changes? */
PG_GUARDED bool is_stale(Oid relation, Oid imat)
{
    bool stale = relation == imat;
    for (Oid reader : delta::targets_of(imat))
        stale = stale || is_stale(relation, reader);
    return stale;
}

PG_GUARDED bool reads_pending(Oid relation)
{
    bool pending = false;
    for (const Layer *layer = session.pending; layer != nullptr; layer = layer->outer)
        for (auto *view : pg::each<PendingView>(layer->views))
            pending = pending || (layer->applied_at == 0 && is_stale(relation, view->imat));
    return pending;
}

PG_GUARDED bool calls_foreign_functions(const PlannedStmt *plan)
{
    bool foreign = false;
    for (auto *item : pg::each<PlanInvalItem>(plan->invalItems))
        foreign = foreign || item->cacheId == PROCOID;
    return foreign;
}

/* Have it known which IMATs the statement is going to read. */
PG_GUARDED void note_reads(const PlannedStmt *plan)
{
    for (auto *entry : pg::each<RangeTblEntry>(plan->rtable))
        if (entry->rtekind == RTE_RELATION && entry->relkind == RELKIND_RELATION &&
            entry->relid >= FirstNormalObjectId && delta::is_maintained(entry->relid))
            note_read(entry->relid);
}

/* May the statement read an IMAT that has pending changes? */
PG_GUARDED bool may_read_pending(const PlannedStmt *plan)
{
    if (is_at_work() || !anything_pending())
        return false;
    bool may = calls_foreign_functions(plan);
    for (auto *entry : pg::each<RangeTblEntry>(plan->rtable))
        may = may || (entry->rtekind == RTE_RELATION && reads_pending(entry->relid));
    return may;
}

/*
 * Bring the snapshot of a statement that is about to start up to date.  It is changed in place, because its
 * caller holds on to it too.  One that a statement around this one may be reading with is left alone: that is
 * so if there is such a statement, and more than the caller and the executor hold the snapshot.
 */
PG_GUARDED void renew(Snapshot snapshot)
{
    const bool shared = session.running > 0 && snapshot->active_count + snapshot->regd_count > 2;
    if (snapshot->snapshot_type != SNAPSHOT_MVCC || shared)
        return;
    snapshot->curcid = GetCurrentCommandId(false);
    if (IsolationUsesXactSnapshot())
        return;

    /* xmin may stay: it says that everything below is over, and that remains true. */
    const SnapshotData *latest = GetLatestSnapshot();
    auto copy = [](const TransactionId *from, uint32 count) {
        const Size size = sizeof(TransactionId) * (count + 1);
        auto *to = static_cast<TransactionId *>(MemoryContextAlloc(TopTransactionContext, size));
        memcpy(to, from, sizeof(TransactionId) * count);
        return to;
    };
    snapshot->xmax = latest->xmax;
    snapshot->xip = copy(latest->xip, latest->xcnt);
    snapshot->xcnt = latest->xcnt;
    snapshot->subxip = copy(latest->subxip, latest->subxcnt > 0 ? static_cast<uint32>(latest->subxcnt) : 0);
    snapshot->subxcnt = latest->subxcnt;
    snapshot->suboverflowed = latest->suboverflowed;
    snapshot->takenDuringRecovery = latest->takenDuringRecovery;
}

/* Utility commands that don't look into tables, or that run statements which are noticed themselves. */
PG_GUARDED bool may_read_tables(Node *command)
{
    switch (nodeTag(command)) {
    case T_TransactionStmt:
    case T_VariableSetStmt:
    case T_VariableShowStmt:
    case T_ConstraintsSetStmt:
    case T_CallStmt:
    case T_DoStmt:
    case T_PrepareStmt:
    case T_ExecuteStmt:
    case T_DeallocateStmt:
    case T_DeclareCursorStmt:
    case T_FetchStmt:
    case T_ClosePortalStmt:
    case T_ExplainStmt:
    case T_LockStmt:
    case T_ListenStmt:
    case T_NotifyStmt:
    case T_UnlistenStmt:
    case T_DiscardStmt:
    case T_CheckPointStmt:
        return false;
    case T_CopyStmt:
        return !reinterpret_cast<CopyStmt *>(command)->is_from;
    default:
        return true;
    }
}

PG_GUARDED void before_statement(QueryDesc *statement)
{
    if (!may_read_pending(statement->plannedstmt))
        return;
    flush_now();
    if (statement->snapshot != InvalidSnapshot)
        renew(statement->snapshot);
}

/* The statement is ready to run, has read nothing yet, and is going to run queries that nobody has seen. */
PG_GUARDED void before_query_runner(QueryDesc *statement)
{
    session.runs_queries = false;
    if (is_at_work() || !anything_pending())
        return;
    flush_now();
    if (statement->snapshot != InvalidSnapshot)
        renew(statement->snapshot);
}

/* Commands take their snapshot before we are called, and hand it on to the statements in them. */
PG_GUARDED void before_utility()
{
    if (is_at_work() || !anything_pending())
        return;
    flush_now();
    if (ActiveSnapshotSet())
        renew(GetActiveSnapshot());
}

/* Counts something for as long as it lives; on the C++ side of the seam, so errors count it out. */
class Counted {
  public:
    explicit Counted(int *counter, bool counts = true) noexcept : counter_(counter), by_(counts ? 1 : 0)
    {
        *counter_ += by_;
    }
    Counted(const Counted &) = delete;
    Counted &operator=(const Counted &) = delete;
    ~Counted() { *counter_ -= by_; }

  private:
    int *counter_;
    int by_;
};

/* Does the statement change tables? */
bool changes_tables(const QueryDesc *statement) noexcept
{
    return statement->operation != CMD_SELECT || statement->plannedstmt->hasModifyingCTE;
}

/* Does the utility command fire the triggers of statements? */
bool changes_tables(const Node *command) noexcept
{
    return (IsA(command, CopyStmt) && reinterpret_cast<const CopyStmt *>(command)->is_from) ||
           IsA(command, TruncateStmt);
}

/*
 * A statement is over: if it or one in it asked for a flush, and none is left whose changes are still to be
 * captured.
 */
void flush_if_due()
{
    if (session.flush_due && session.changing == 0 && IsTransactionState())
        pg::call(flush_now);
}

/*
 * Functions of PostgreSQL's own that run queries they are given, under the snapshot of the statement that
 * calls them: table_to_xml and its family, ts_stat, ts_rewrite.
 */
constexpr Oid query_runners[] = {2923, 2924, 2925, 2929, 2930, 2933, 2935, 2936, 2938, 3685, 3689, 3690};

extern "C" {

/* Called for every function that a statement is going to call, when its execution is made ready. */
static void object_accessed(ObjectAccessType access, Oid class_id, Oid object, int sub_object, void *argument)
{
    if (access == OAT_FUNCTION_EXECUTE && object < FirstGenbkiObjectId)
        for (Oid runner : query_runners)
            session.runs_queries = session.runs_queries || object == runner;
    if (session.next_object_access != nullptr)
        pg::entry([=] {
            pg::call([=] { session.next_object_access(access, class_id, object, sub_object, argument); });
        });
}

static void executor_run(EXECUTOR_RUN_PARAMETERS)
{
    pg::entry([&] {
        const Counted running(&session.running);
        const Counted changing(&session.changing, changes_tables(statement));
        pg::call([&] {
            if (session.next_executor_run != nullptr)
                session.next_executor_run(EXECUTOR_RUN_ARGUMENTS);
            else
                standard_ExecutorRun(EXECUTOR_RUN_ARGUMENTS);
        });
    });
}

static void executor_finish(QueryDesc *statement)
{
    pg::entry([=] {
        {
            const Counted running(&session.running);
            const Counted changing(&session.changing, changes_tables(statement));
            pg::call([=] {
                capture_moves(statement);
                if (session.next_executor_finish != nullptr)
                    session.next_executor_finish(statement);
                else
                    standard_ExecutorFinish(statement);
            });
        }
        flush_if_due();
    });
}

static void executor_start(QueryDesc *statement, int flags)
{
    pg::entry([=] {
        pg::call([=] {
            if (session.pending != nullptr && (flags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
                before_statement(statement);
            if (IsolationIsSerializable() && session.flushing == 0 && !IsParallelWorker() &&
                (flags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
                note_reads(statement->plannedstmt);
            session.runs_queries = false;
            if (session.next_executor_start != nullptr)
                session.next_executor_start(statement, flags);
            else
                standard_ExecutorStart(statement, flags);
            if ((flags & (EXEC_FLAG_EXPLAIN_ONLY | EXEC_FLAG_SKIP_TRIGGERS)) == 0)
                ignore_irrelevant_update(statement);
            if (session.runs_queries && session.pending != nullptr)
                before_query_runner(statement);
        });
    });
}

static void process_utility(UTILITY_HOOK_PARAMETERS)
{
    pg::entry([&] {
        {
            const Counted changing(&session.changing, changes_tables(pstmt->utilityStmt));
            pg::call([&] {
                if (session.pending != nullptr && may_read_tables(pstmt->utilityStmt))
                    before_utility();
                if (session.next_process_utility != nullptr)
                    session.next_process_utility(UTILITY_HOOK_ARGUMENTS);
                else
                    standard_ProcessUtility(UTILITY_HOOK_ARGUMENTS);
            });
        }
        /* Not after COMMIT, SAVEPOINT and the like: what they begin or end has not begun or ended by then. */
        if (!IsA(pstmt->utilityStmt, TransactionStmt))
            flush_if_due();
    });
}

} // extern "C"

} // namespace

PG_GUARDED void note_read(Oid imat)
{
    Relation table = table_open(imat, AccessShareLock);
    PredicateLockRelation(table, GetTransactionSnapshot());
    table_close(table, NoLock);
}

PG_GUARDED void watch_statements()
{
    session.next_executor_start = ExecutorStart_hook;
    ExecutorStart_hook = executor_start;
    session.next_object_access = object_access_hook;
    object_access_hook = object_accessed;
    session.next_executor_run = ExecutorRun_hook;
    ExecutorRun_hook = executor_run;
    session.next_executor_finish = ExecutorFinish_hook;
    ExecutorFinish_hook = executor_finish;
    session.next_process_utility = ProcessUtility_hook;
    ProcessUtility_hook = process_utility;
}

} // namespace flush
