/*
 * keyed.cpp - groups that were computed anew are put in place of what the table shows.
 *
 * Why this is exact under concurrency.  A transaction that changes rows of a group holds the lock on the
 * group's key (room flush, locks.cpp) from before the snapshot that it computes the group under until it
 * commits.  So those who compute one group do so one after the other, and each sees what all who came before
 * it have committed, and what it did itself.  A row is written by nobody but the holder of that lock; it is
 * locked as well only because its latest version has to be found.
 *
 * In a transaction with one snapshot that goes on, groups are computed under that snapshot, so that the table
 * fits what else the transaction sees; that is an error where somebody else has changed the row since.  Room
 * flush computes them once more at commit, under the latest snapshot.
 *
 * Where the table doesn't show the keys, a state table keeps what each group shows, by key.  A group's row is
 * found by that; of several rows that look so any will do, as long as no two groups take the same one
 * (row_search.cpp).
 *
 * Groups are computed in batches, whose rows are held in memory, and written in the order of their keys.
 */
#include "apply/apply.hpp"

#include "apply/probe.hpp"
#include "apply/row_search.hpp"
#include "apply/upper.hpp"

namespace apply {

namespace {

/* How many groups are computed by one query. */
constexpr int batch_size = 65536;

/* What is open while one IMAT is written. */
struct Target {
    const delta::Plan *plan;
    const Listener *listener;
    bool one_snapshot; /* what is locked must be what the transaction's snapshot sees */
    Relation table;
    Writer *rows;
    Probe *probe;             /* of the table, or of its state table */
    TupleTableSlot *before;   /* a copy of the group's row */
    TupleTableSlot *computed; /* the row that takes its place */

    /* Where the table doesn't show the keys: what each group shows is kept by key. */
    Relation state; /* else NULL */
    Writer *states;
    TupleTableSlot *state_row;
    RowSearch *row_by_all;

    GroupChanges *upper; /* what they show is for an upper query, and the table isn't written; else NULL */
};

/* An error where the group's row isn't what the transaction's snapshot sees. */
PG_GUARDED void check_snapshot(const Target &target, const delta::Group &group, Found found)
{
    if (!target.one_snapshot)
        return;
    const bool same =
        found == Found::Locked
            ? table_tuple_satisfies_snapshot(target.state != nullptr ? target.state : target.table,
                                             target.probe->row(), GetTransactionSnapshot())
            : !target.probe->sees(group.keys(), group.nulls(*target.plan->layout), GetTransactionSnapshot());
    if (!same)
        raise_serialization_failure();
}

[[noreturn]] PG_GUARDED void raise_not_kept(const Target &target)
{
    const char *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(target.table)),
                                                  RelationGetRelationName(target.table));
    ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
            errmsg("incremental materialized table %s does not match its state table", name),
            errdetail("It has no row with what a group of its showed."),
            errhint("Run SELECT imat.refresh(%s); something changed the table unnoticed.",
                    quote_literal_cstr(name)));
    pg_unreachable();
}

/* Copy the group's row, as it is found or kept, and find out where it is in the table. */
PG_GUARDED ItemPointerData remember(const Target &target)
{
    TupleTableSlot *found = target.probe->row();
    if (target.state == nullptr) {
        ExecCopySlot(target.before, found);
        return found->tts_tid;
    }
    const int keys = target.plan->view->keys.size;
    const int columns = target.plan->visible->natts;
    slot_getallattrs(found);
    ExecClearTuple(target.before);
    memcpy(target.before->tts_values, found->tts_values + keys, sizeof(Datum) * columns);
    memcpy(target.before->tts_isnull, found->tts_isnull + keys, sizeof(bool) * columns);
    ExecStoreVirtualTuple(target.before);
    ExecMaterializeSlot(target.before);
    ItemPointerData where = {};
    if (target.upper == nullptr && !target.row_by_all->lock(target.before, &where))
        raise_not_kept(target);
    return where;
}

/* Keep what the group shows now (NULL: nothing) in place of what was found. */
PG_GUARDED void keep(const Target &target, const delta::Group &group, Found found, TupleTableSlot *after)
{
    if (target.state == nullptr)
        return;
    ItemPointerData where = target.probe->row()->tts_tid;
    if (after == nullptr)
        return delete_row(target.states, &where, GetActiveSnapshot());
    const int keys = target.plan->view->keys.size;
    const int columns = target.plan->visible->natts;
    TupleTableSlot *row = target.state_row;
    slot_getallattrs(after);
    ExecClearTuple(row);
    memcpy(row->tts_values, group.keys(), sizeof(Datum) * keys);
    memcpy(row->tts_isnull, group.nulls(*target.plan->layout), sizeof(bool) * keys);
    memcpy(row->tts_values + keys, after->tts_values, sizeof(Datum) * columns);
    memcpy(row->tts_isnull + keys, after->tts_isnull, sizeof(bool) * columns);
    ExecStoreVirtualTuple(row);
    if (found == Found::Locked)
        update_row(target.states, &where, row, GetActiveSnapshot());
    else
        insert_row(target.states, row);
}

/* Write the row that shows a group: from before to after, one of which may be NULL. */
PG_GUARDED void write_shown(const Target &target, TupleTableSlot *before, TupleTableSlot *after,
                            ItemPointer where)
{
    if (before == nullptr)
        insert_row(target.rows, after);
    else if (after == nullptr)
        delete_row(target.rows, where, GetActiveSnapshot());
    else
        update_row(target.rows, where, after, GetActiveSnapshot());
}

/* Put the computed row (NULL: none) in place of the group's; true if anything was written. */
PG_GUARDED bool replace_group(const Target &target, const delta::Group &group, MinimalTuple computed)
{
    const Found found = target.probe->lock(group.keys(), group.nulls(*target.plan->layout));
    check_snapshot(target, group, found);
    TupleTableSlot *before = nullptr;
    TupleTableSlot *after = nullptr;
    ItemPointerData where = {};
    if (found == Found::Locked) {
        where = remember(target);
        before = target.before;
    }
    if (computed != nullptr)
        after = ExecStoreMinimalTuple(computed, target.computed, false);

    if (before == nullptr && after == nullptr)
        return false;
    if (before != nullptr && after != nullptr && same_columns(before, after))
        return false;
    if (target.upper == nullptr)
        write_shown(target, before, after, &where);
    keep(target, group, found, after);
    if (target.upper != nullptr) {
        note_group(target.upper, before, after);
        return true;
    }
    if (target.listener != nullptr)
        target.listener->row_changed(target.listener->self, before, after);
    return true;
}

PG_GUARDED Target open_target(delta::Plan *plan, Moment moment, const Listener *listener)
{
    Target target = {};
    target.plan = plan;
    target.listener = listener;
    target.one_snapshot = moment == Moment::Early && IsolationUsesXactSnapshot();
    target.table = table_open(plan->registration.imat, RowExclusiveLock);
    if (plan->view->upper != nullptr)
        target.upper = make_group_changes(CurrentMemoryContext);
    else
        target.rows = open_writer(target.table, plan->visible, true);
    if (plan->view->needs_state) {
        target.state = table_open(plan->registration.state, RowExclusiveLock);
        TupleDesc type = RelationGetDescr(target.state);
        target.states = open_writer(target.state, type, true);
        target.state_row = MakeSingleTupleTableSlot(type, &TTSOpsVirtual);
        target.probe = Probe::open(target.state, plan, true);
        if (target.upper == nullptr)
            target.row_by_all = RowSearch::open(target.table, plan->visible->natts);
    } else {
        target.probe = Probe::open(target.table, plan, false);
    }
    target.before = MakeSingleTupleTableSlot(
        target.state != nullptr ? plan->visible : RelationGetDescr(target.table), &TTSOpsVirtual);
    target.computed = MakeSingleTupleTableSlot(plan->visible, &TTSOpsMinimalTuple);
    return target;
}

PG_GUARDED void close_target(const Target &target)
{
    ExecDropSingleTupleTableSlot(target.computed);
    ExecDropSingleTupleTableSlot(target.before);
    target.probe->close();
    if (target.state != nullptr) {
        if (target.row_by_all != nullptr)
            target.row_by_all->close();
        ExecDropSingleTupleTableSlot(target.state_row);
        close_writer(target.states);
        table_close(target.state, NoLock);
    }
    if (target.rows != nullptr)
        close_writer(target.rows);
    table_close(target.table, NoLock);
}

/* Compute a batch of groups, and put it in place. */
PG_GUARDED int64 replace_batch(const Target &target, delta::Plan *plan, delta::GroupTable *groups, int first,
                               int count)
{
    int64 written = 0;
    auto *computed = static_cast<MinimalTuple *>(palloc(sizeof(MinimalTuple) * count));
    const pg::Reading reading =
        target.one_snapshot ? pg::Reading(GetTransactionSnapshot()) : pg::Reading(GetActiveSnapshot(), true);
    delta::recompute(plan, groups, first, count, reading, computed);
    for (int i = 0; i < count; ++i) {
        CHECK_FOR_INTERRUPTS();
        written += replace_group(target, *groups->in_order()[first + i], computed[i]) ? 1 : 0;
    }
    return written;
}

} // namespace

PG_GUARDED int64 replace_groups(delta::Plan *plan, delta::GroupTable *groups, Moment moment,
                                const Listener *listener)
{
    int64 written = 0;
    const Target target = open_target(plan, moment, listener);
    MemoryContext scratch =
        AllocSetContextCreate(CurrentMemoryContext, "pg_imat keyed", ALLOCSET_DEFAULT_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(scratch);
    const int size = groups->sorted().size;
    for (int first = 0; first < size; first += batch_size) {
        written += replace_batch(target, plan, groups, first, Min(batch_size, size - first));
        MemoryContextReset(scratch);
    }
    MemoryContextSwitchTo(caller);
    MemoryContextDelete(scratch);
    close_target(target);
    return target.upper == nullptr ? written : apply_upper(plan, *target.upper, moment, listener);
}

} // namespace apply
