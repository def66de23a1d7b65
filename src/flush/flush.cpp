/*
 * flush.cpp - applying what is pending: locks first, then a fresh snapshot, then rows.
 *
 * The locks (locks.cpp) are held before the snapshot is taken, so whoever changed something that we read, and
 * applied it, has committed and is in that snapshot; whoever has not applied it yet will have to wait for us,
 * and then do so on top.
 *
 * IMATs that read other IMATs follow in the same flush: what is written to one is folded into those that read
 * it, which are applied after it.
 */
#include "flush/flush.hpp"

#include "catalog/catalog.hpp"
#include "flush/blame.hpp"
#include "flush/pending.hpp"
#include "flush/reading.hpp"
#include "flush/work.hpp"
#include "observe/observe.hpp"
#include "pg/attempt.hpp"
#include "pg/list.hpp"

using catalog::session;

namespace flush {

namespace {

/* Is there something to apply, and are we not at it already? */
PG_GUARDED bool should_flush()
{
    return !is_at_work() && anything_pending();
}

/*
 * Find the groups of a join that changed, and how; some may be pending already.  What the transaction's own
 * snapshot makes of the change matters as well where it goes on: groups that are computed under that snapshot
 * have to be among those found, and changes of groups have to be the ones that are right for everybody.
 */
PG_GUARDED void find_groups(WorkItem *item, apply::Moment moment)
{
    const model::Array<delta::ChangedTable> changed = as_changed_tables(item->work->tables);
    const bool one_snapshot = moment == apply::Moment::Early && IsolationUsesXactSnapshot();
    delta::GroupTable *pending = item->groups;
    item->groups = delta::GroupTable::create(item->plan->layout, GetMemoryChunkContext(item));
    item->joined = true;
    if (pending != nullptr)
        item->groups->merge(*pending);
    if (one_snapshot && !is_keyed(*item))
        item->groups->keep_digest();
    auto fold = item->plan->view->has_options() ? delta::find_affected : delta::fold_join;
    fold(item->plan, item->groups, changed, {GetActiveSnapshot(), true});
    if (!one_snapshot)
        return;
    if (is_keyed(*item)) {
        fold(item->plan, item->groups, changed, GetTransactionSnapshot());
        return;
    }
    auto *seen = delta::GroupTable::create(item->plan->layout, GetMemoryChunkContext(item));
    seen->keep_digest();
    fold(item->plan, seen, changed, GetTransactionSnapshot());
    if (seen->digest() != item->groups->digest())
        apply::raise_serialization_failure();
    seen->destroy();
}

/*
 * Are the groups found?  What an expression makes of several tables is computed of rows, too, that were never
 * there together, of before and after the change; what can't be computed of these only is no error.  So then
 * they aren't found, and the contents have to be computed anew.
 */
PG_GUARDED bool can_find_groups(WorkItem *item, apply::Moment moment)
{
    bool found = false;
    on_behalf_of(item->imat, item->name, [&] {
        found = pg::attempt([&] { delta::as_maintainer(*item->plan, [&] { find_groups(item, moment); }); });
    });
    return found;
}

/*
 * Before keys are written that an index may not take: see to it that it does.  Where the groups were known
 * when the IMAT was locked, so was whether that is needed.
 */
PG_GUARDED void let_in_long_keys(const WorkItem &item)
{
    const bool known = item.depth == 0 && !item.plan->view->is_join();
    if (known ? item.locked != AccessExclusiveLock : !needs_longer_keys(item))
        return;
    session.let_in_long_keys(item.imat);
    CommandCounterIncrement();
}

/* Apply one IMAT's changes, and hand on to the work that reads it what they did to its rows. */
PG_GUARDED void apply_one(WorkItem *item, apply::Moment moment)
{
    const apply::Listener listener = listener_of(item);
    const TimestampTz start = GetCurrentTimestamp();
    const delta::Plan &plan = *item->plan;
    int64 written = 0;
    delta::as_maintainer(plan, [&] {
        let_in_long_keys(*item);
        const apply::Listener *told = item->readers == NIL ? nullptr : &listener;
        auto put = is_keyed(*item)  ? (plan.view->bag ? apply::replace_rows : apply::replace_groups)
                   : plan.view->bag ? apply::apply_rows
                                    : apply::apply_groups;
        written = put(item->plan, item->groups, moment, told);
    });
    observe::record_flush(item->imat, written, GetCurrentTimestamp() - start);
}

/*
 * Compute one IMAT's contents anew.  In a transaction with one snapshot that goes on, the table has to fit
 * what else the transaction sees, so that snapshot is used; the change stays pending, and commit does it
 * again for good.
 */
PG_GUARDED void rebuild_one(const WorkItem *item, apply::Moment moment)
{
    const bool last = moment == apply::Moment::Commit;
    Snapshot snapshot = !last && IsolationUsesXactSnapshot() ? GetTransactionSnapshot() : GetActiveSnapshot();
    session.rebuild(item->imat, snapshot, last);
}

/* Bring one IMAT up to date. */
PG_GUARDED void maintain(WorkItem *item, apply::Moment moment)
{
    on_behalf_of(item->imat, item->name, [&] {
        if (item->swap)
            rebuild_one(item, moment);
        else if (item->groups != nullptr || item->plan->view->is_join())
            apply_one(item, moment);
    });
    CommandCounterIncrement();
    UpdateActiveSnapshotCommandId();
}

/* What has been computed under an old snapshot has to be computed once more at commit. */
PG_GUARDED void keep_pending(const List *items)
{
    for (auto *item : pg::each<WorkItem>(items)) {
        if (!item->swap && !is_keyed(*item))
            continue;
        PendingView *view = pending_view(item->imat, item->plan);
        view->swap = view->swap || item->swap;
        if (!view->swap && item->groups != nullptr)
            groups_of(view)->merge(*item->groups);
    }
}

/* Have the groups of the work outlive the pending changes that they came from. */
PG_GUARDED void own_groups(const List *items)
{
    for (auto *item : pg::each<WorkItem>(items)) {
        if (!is_keyed(*item) || item->groups == nullptr)
            continue;
        auto *copy = delta::GroupTable::create(item->plan->layout, GetMemoryChunkContext(item));
        copy->merge(*item->groups);
        item->groups = copy;
    }
}

/* Find the groups of joins that are computed anew; false: of some they can't be found, so these are marked.
 */
PG_GUARDED bool find_keyed_groups(const Work &work, apply::Moment moment)
{
    bool found = true;
    CommandCounterIncrement();
    pg::push_latest_snapshot();
    for (auto *item : pg::each<WorkItem>(work.items))
        if (is_keyed(*item) && item->depth == 0 && item->plan->view->is_join() &&
            !can_find_groups(item, moment)) {
            mark_swap(item);
            found = false;
        }
    PopActiveSnapshot();
    return found;
}

/*
 * Groups that are computed anew are locked by their keys, and only then comes the snapshot that they are
 * computed under.  Which groups of a join those are has to be found out first.
 */
PG_GUARDED void lock_groups(Work *work, apply::Moment moment)
{
    while (!find_keyed_groups(*work, moment))
        lock_work_anew(work);
    lock_keys(*work);
}

/*
 * Find the groups of a join, if that is still to be done, or have it rebuilt.  What has been written by then
 * stays locked, so the locks for that may be taken out of order, which may be a deadlock.
 */
PG_GUARDED void find_or_rebuild(Work *work, WorkItem *item, apply::Moment moment)
{
    if (item->swap || item->joined || !item->plan->view->is_join() || can_find_groups(item, moment))
        return;
    mark_swap(item);
    PopActiveSnapshot();
    lock_work(work);
    CommandCounterIncrement();
    pg::push_latest_snapshot();
}

/*
 * A flush in the middle of a statement that changes tables: their contents show all of it, but some of it may
 * be captured yet.  The terms of a join would count that twice, now and then; so joins are rebuilt, now and
 * once more when everything is captured.  Groups over one table are made of captured rows alone.
 */
PG_GUARDED void rebuild_joins(const Work &work)
{
    for (auto *item : pg::each<WorkItem>(work.items))
        if (!item->swap && item->plan->view->is_join())
            mark_swap(item);
}

/*
 * Where so many groups changed that to compute all of them anew costs less, do that.  Not for a transaction
 * that has locked tables in an earlier flush: it would have to raise its locks, out of order.
 */
PG_GUARDED void choose_rebuilds(const Work &work)
{
    if (session.has_written)
        return;
    for (auto *item : pg::each<WorkItem>(work.items))
        if (!item->swap && item->readers == NIL && item->groups != nullptr && !item->plan->view->is_join() &&
            item->plan->registration.strategy == model::Strategy::Auto &&
            observe::is_rebuild_cheaper(item->imat, item->groups->size()))
            mark_swap(item);
}

/* Plan the work, and take the locks that it needs. */
PG_GUARDED Work *plan_and_lock(const Collected &collected, apply::Moment moment, bool settled)
{
    Work *work = plan_work(collected);
    if (moment == apply::Moment::Commit)
        choose_rebuilds(*work);
    if (!settled)
        rebuild_joins(*work);
    lock_work(work);
    if (IsolationIsSerializable() && session.loaded_late)
        for (auto *item : pg::each<WorkItem>(work->items))
            note_read(item->imat);
    if (has_keyed(*work))
        lock_groups(work, moment);
    return work;
}

/*
 * True: AFTER triggers of the IMATs have changed sources meanwhile, which is pending.  What was collected is
 * marked first, so that such changes are told from it.
 */
PG_GUARDED bool work_through(apply::Moment moment)
{
    const bool settled = moment == apply::Moment::Commit || session.changing == 0;
    const Collected collected = collect();
    mark_collected();
    Work *work = plan_and_lock(collected, moment, settled);
    while (!knows_all_readers(*work)) {
        unlock_work(work);
        work = plan_and_lock(collected, moment, settled);
    }
    CommandCounterIncrement();
    pg::push_latest_snapshot();
    for (auto *item : pg::each<WorkItem>(work->items)) {
        CHECK_FOR_INTERRUPTS();
        find_or_rebuild(work, item, moment);
        maintain(item, moment);
    }
    PopActiveSnapshot();
    for (auto *changes : pg::each<TableChanges>(work->tables))
        close_rows(changes);
    const bool again = !settled || (moment == apply::Moment::Early && IsolationUsesXactSnapshot());
    if (again)
        own_groups(work->items);
    drop_applied();
    const bool more = anything_pending();
    if (again)
        keep_pending(work->items);
    return more;
}

/*
 * What was deferred to the commit has been done by now.  What triggers and foreign keys of IMATs would defer
 * is therefore to be done at once; nobody would come back to it.
 */
PG_GUARDED void defer_no_more()
{
    AfterTriggerSetState(makeNode(ConstraintsSetStmt));
}

PG_GUARDED bool flush(apply::Moment moment)
{
    MemoryContext memory =
        AllocSetContextCreate(CurrentMemoryContext, "pg_imat flush", ALLOCSET_DEFAULT_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(memory);
    session.flushing = GetCurrentTransactionNestLevel();
    session.flush_due = false;
    if (moment == apply::Moment::Commit)
        defer_no_more();
    const bool more = work_through(moment);
    session.flushing = 0;
    session.has_written = true;
    MemoryContextSwitchTo(caller);
    MemoryContextDelete(memory);
    return more;
}

extern "C" {

static void transaction_ends(XactEvent event, void * /*argument*/)
{
    pg::entry([=] {
        pg::call([=] {
            switch (event) {
            case XACT_EVENT_PRE_COMMIT:
            case XACT_EVENT_PRE_PREPARE:
                flush_at_commit();
                break;
            case XACT_EVENT_COMMIT:
            case XACT_EVENT_PREPARE:
            case XACT_EVENT_ABORT:
                session.flushing = 0;
                session.capturing = 0;
                session.flush_due = false;
                session.has_written = false;
                session.key_locks = 0;
                session.loaded_late = false;
                session.accounted = NIL;
                session.left_out = NIL;
                on_transaction_end();
                break;
            default: /* a parallel worker's: it has nothing pending */
                break;
            }
        });
    });
}

static void subtransaction_ends(SubXactEvent event, SubTransactionId /*own*/, SubTransactionId /*parent*/,
                                void * /*argument*/)
{
    const int level = GetCurrentTransactionNestLevel();
    pg::entry([=] {
        pg::call([=] {
            if (event == SUBXACT_EVENT_PRE_COMMIT_SUB)
                before_subtransaction_commit(level);
            if (event == SUBXACT_EVENT_COMMIT_SUB)
                on_subtransaction_commit(level);
            if (event == SUBXACT_EVENT_ABORT_SUB) {
                if (session.flushing >= level)
                    session.flushing = 0;
                if (session.capturing >= level)
                    session.capturing = 0;
                session.accounted = NIL;
                if (session.flushing == 0)
                    session.left_out = NIL;
                on_subtransaction_abort(level);
            }
        });
    });
}

} // extern "C"

} // namespace

/* AFTER triggers of IMATs may change sources again: until nothing is left. */
PG_GUARDED void flush_now()
{
    while (should_flush() && flush(apply::Moment::Early))
        CHECK_FOR_INTERRUPTS();
}

PG_GUARDED void flush_others(List *left_out)
{
    session.left_out = left_out;
    flush_now();
    session.left_out = NIL;
}

PG_GUARDED void flush_at_commit()
{
    while (should_flush()) {
        CHECK_FOR_INTERRUPTS();
        flush(apply::Moment::Commit);
    }
}

PG_GUARDED void watch_transactions()
{
    session.loaded_late = IsTransactionState();
    RegisterXactCallback(transaction_ends, nullptr);
    RegisterSubXactCallback(subtransaction_ends, nullptr);
}

PG_GUARDED void rebuild_with(Rebuild rebuild, LetIn let_in_long_keys)
{
    session.rebuild = rebuild;
    session.let_in_long_keys = let_in_long_keys;
}

} // namespace flush
