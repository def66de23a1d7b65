/*
 * upper.cpp - what a view makes of its groups (model::View::upper), once these have changed.
 *
 * The groups are in the state table; the upper query is run over them, and the rows by which its outcome and
 * the table differ are written, as those of a bag are (rows.cpp).  Where just LIMIT is on top, a group that
 * comes behind the last row, as it did before, makes no difference, and nothing is done (delta/upper.cpp).
 *
 * Why this is exact under concurrency.  A lock tag (class imat.registered, object the state table) is taken
 * when all groups are written, after their locks, and held until the transaction ends.  Who finds that its
 * groups make no difference has it in Share mode, who writes the table in Exclusive mode.  Both look at the
 * table under a snapshot that is taken once they have it.  So whoever writes the table sees all groups that
 * others have committed, and all of those others: one of them that has found that it makes no difference has
 * committed, or it will look once more, at the table as it is then.  Who looks finds a table that nobody is
 * about to change; several who make no difference to it make none together: none of them moves its last row.
 *
 * Who finds that it makes a difference lets go of the Share mode first, so no two wait for each other.  The
 * tag comes after the locks on groups of this IMAT, and before all that is locked for the next one.
 *
 * In a transaction with one snapshot that goes on, what others have done meanwhile to groups or to the table
 * must not show: that is an error, unless it makes no difference to the outcome.
 */
#include "apply/upper.hpp"

#include "catalog/catalog.hpp"
#include "delta/delta.hpp"
#include "pg/list.hpp"

namespace apply {

namespace {

/* More groups that changed are not looked at one by one. */
constexpr int most_looked_at = 1000;

/* What is at hand while the table is brought in line. */
struct Work {
    delta::Plan *plan;
    Relation table;
    Moment moment;
    LOCKTAG tag;
};

/* Fold the rows of the table, as a snapshot has them. */
PG_GUARDED void fold_table(const Work &work, delta::GroupTable *rows, delta::Sign sign, Snapshot snapshot)
{
    TupleTableSlot *row = table_slot_create(work.table, nullptr);
    TableScanDesc scan = table_beginscan(work.table, snapshot, 0, nullptr);
    while (table_scan_getnextslot(scan, ForwardScanDirection, row)) {
        CHECK_FOR_INTERRUPTS();
        delta::fold_shown(work.plan, rows, row, sign);
    }
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(row);
}

/* The order of two rows that the table shows, as far as the limit tells. */
PG_GUARDED int compare(const delta::Limit &limit, const TupleTableSlot *left, const TupleTableSlot *right)
{
    for (int i = 0; i < limit.size; ++i) {
        const int column = limit.columns[i];
        const int order =
            ApplySortComparator(left->tts_values[column], left->tts_isnull[column], right->tts_values[column],
                                right->tts_isnull[column], &limit.order[i]);
        if (order != 0)
            return order;
    }
    return 0;
}

/* Copy the last row of the table, in the order of the limit; how many rows it has. */
PG_GUARDED int64 find_last(const Work &work, Snapshot snapshot, TupleTableSlot *last)
{
    int64 size = 0;
    const delta::Limit &limit = *work.plan->limit;
    TupleTableSlot *row = table_slot_create(work.table, nullptr);
    TableScanDesc scan = table_beginscan(work.table, snapshot, 0, nullptr);
    while (table_scan_getnextslot(scan, ForwardScanDirection, row)) {
        CHECK_FOR_INTERRUPTS();
        slot_getallattrs(row);
        if (size++ > 0 && compare(limit, row, last) <= 0)
            continue;
        ExecClearTuple(last);
        for (int i = 0; i < last->tts_tupleDescriptor->natts; ++i) {
            last->tts_values[i] = row->tts_values[i];
            last->tts_isnull[i] = row->tts_isnull[i];
        }
        ExecMaterializeSlot(ExecStoreVirtualTuple(last));
    }
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(row);
    return size;
}

/* Is what was kept of a group, or is kept, shown behind the last row, or not at all? */
PG_GUARDED bool comes_behind(const Work &work, MinimalTuple kept, TupleTableSlot *holder,
                             const TupleTableSlot *last)
{
    const delta::Limit &limit = *work.plan->limit;
    ExprContext *context = work.plan->context;
    ResetExprContext(context);
    slot_getallattrs(ExecStoreMinimalTuple(kept, holder, false));
    ExecClearTuple(limit.group);
    for (int i = 0; i < holder->tts_tupleDescriptor->natts; ++i) {
        limit.group->tts_values[i] = holder->tts_values[i];
        limit.group->tts_isnull[i] = holder->tts_isnull[i];
    }
    context->ecxt_scantuple = ExecStoreVirtualTuple(limit.group);
    if (limit.having != nullptr && !ExecQual(limit.having, context))
        return true;
    return compare(limit, ExecProject(limit.targets), last) > 0;
}

/* Do all groups that changed come behind the last row of a table that is full, before and after? */
PG_GUARDED bool makes_no_difference(const Work &work, const GroupChanges &changes, Snapshot snapshot)
{
    const delta::Limit &limit = *work.plan->limit;
    bool behind = true;
    TupleTableSlot *last = MakeSingleTupleTableSlot(work.plan->shown, &TTSOpsVirtual);
    TupleTableSlot *holder = MakeSingleTupleTableSlot(limit.group->tts_tupleDescriptor, &TTSOpsMinimalTuple);
    const int64 size = find_last(work, snapshot, last);
    if (size < limit.count)
        behind = false;
    else if (size > 0)
        for (auto *kept : pg::each<MinimalTupleData>(changes.rows))
            behind = behind && comes_behind(work, kept, holder, last);
    ExecDropSingleTupleTableSlot(holder);
    ExecDropSingleTupleTableSlot(last);
    return behind;
}

PG_GUARDED bool can_look(const Work &work, const GroupChanges &changes)
{
    return work.plan->limit != nullptr && changes.size <= most_looked_at &&
           !(work.moment == Moment::Early && IsolationUsesXactSnapshot());
}

/* Look, under the tag in Share mode, which is held on to if there is nothing to be done. */
PG_GUARDED bool look(const Work &work, const GroupChanges &changes)
{
    LockAcquire(&work.tag, ShareLock, false, false);
    Snapshot snapshot = pg::register_settled({GetLatestSnapshot(), true});
    const bool done = makes_no_difference(work, changes, snapshot);
    UnregisterSnapshot(snapshot);
    if (!done)
        LockRelease(&work.tag, ShareLock, false);
    return done;
}

/* By how much the table differs from what it should be. */
PG_GUARDED delta::GroupTable *difference(const Work &work, pg::Reading reading)
{
    auto *rows = delta::GroupTable::create(work.plan->rows, CurrentMemoryContext);
    delta::fold_upper(work.plan, rows, reading);
    Snapshot snapshot = pg::register_settled(reading);
    fold_table(work, rows, delta::Sign::Out, snapshot);
    UnregisterSnapshot(snapshot);
    return rows;
}

/* Has one all rows of the other, as often? */
PG_GUARDED bool has_all(const Work &work, delta::GroupTable *one, const delta::GroupTable &other)
{
    for (const delta::Group *row : other.in_order()) {
        const delta::Group *same = one->find_or_add(row->keys(), row->nulls(*work.plan->rows));
        if (same->rows(*work.plan->rows) != row->rows(*work.plan->rows))
            return false;
    }
    return true;
}

/* The rows of the table, as a snapshot has them. */
PG_GUARDED delta::GroupTable *rows_of_table(const Work &work, Snapshot snapshot)
{
    auto *rows = delta::GroupTable::create(work.plan->rows, CurrentMemoryContext);
    fold_table(work, rows, delta::Sign::In, snapshot);
    return rows;
}

/* An error where what others did meanwhile shows in the table, or in what it should be. */
PG_GUARDED void check_snapshot(const Work &work, delta::GroupTable *latest)
{
    Snapshot own = GetTransactionSnapshot();
    delta::GroupTable *seen = difference(work, own);
    delta::GroupTable *table_seen = rows_of_table(work, own);
    delta::GroupTable *table = rows_of_table(work, GetActiveSnapshot());
    if (!has_all(work, table, *table_seen) || !has_all(work, table_seen, *table) ||
        !has_all(work, latest, *seen) || !has_all(work, seen, *latest))
        raise_serialization_failure();
}

/* Run the upper query, under the tag in Exclusive mode, and write what differs. */
PG_GUARDED int64 bring_in_line(const Work &work, const Listener *listener)
{
    LockAcquire(&work.tag, ExclusiveLock, false, false);
    pg::push_latest_snapshot();
    delta::GroupTable *rows = difference(work, {GetActiveSnapshot(), true});
    if (work.moment == Moment::Early && IsolationUsesXactSnapshot())
        check_snapshot(work, rows);
    const int64 written = apply_rows(work.plan, rows, work.moment, listener);
    PopActiveSnapshot();
    return written;
}

} // namespace

PG_GUARDED GroupChanges *make_group_changes(MemoryContext memory)
{
    auto *changes = static_cast<GroupChanges *>(MemoryContextAllocZero(memory, sizeof(GroupChanges)));
    changes->memory = memory;
    return changes;
}

PG_GUARDED void note_group(GroupChanges *changes, TupleTableSlot *before, TupleTableSlot *after)
{
    if (++changes->size > most_looked_at)
        return;
    MemoryContext caller = MemoryContextSwitchTo(changes->memory);
    for (TupleTableSlot *row : {before, after})
        if (row != nullptr)
            changes->rows = lappend(changes->rows, ExecCopySlotMinimalTuple(row));
    MemoryContextSwitchTo(caller);
}

PG_GUARDED int64 apply_upper(delta::Plan *plan, const GroupChanges &changes, Moment moment,
                             const Listener *listener)
{
    if (changes.size == 0)
        return 0;
    Work work = {.plan = plan,
                 .table = table_open(plan->registration.imat, RowExclusiveLock),
                 .moment = moment,
                 .tag = {}};
    SET_LOCKTAG_OBJECT(work.tag, MyDatabaseId, catalog::relation_of_ours("registered"),
                       plan->registration.state, 0);
    CommandCounterIncrement();
    int64 written = 0;
    if (!can_look(work, changes) || !look(work, changes))
        written = bring_in_line(work, listener);
    table_close(work.table, NoLock);
    return written;
}

} // namespace apply
