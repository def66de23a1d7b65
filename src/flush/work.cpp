/*
 * work.cpp - what a flush has to do, in which order.
 *
 * IMATs that read IMATs make a graph, which has no cycles: an IMAT reads only what was there before it.  The
 * work is that graph as far as pending changes reach, in an order in which each comes after what it reads.
 * Where an IMAT is rebuilt, those that read it are too: nothing says which of its rows changed.
 */
#include "flush/work.hpp"

#include <algorithm>

#include "pg/list.hpp"

namespace flush {

namespace {

PG_GUARDED WorkItem *find_item(List *items, Oid imat)
{
    for (auto *item : pg::each<WorkItem>(items))
        if (item->imat == imat)
            return item;
    return nullptr;
}

extern "C" {
static void forget_plan(void *plan)
{
    pg::entry([=] { pg::call([=] { delta::let_go(static_cast<delta::Plan *>(plan)); }); });
}
}

/*
 * Have the item use the plan.  Writing one IMAT may drop the plans of others from the cache, so it is kept
 * for as long as the memory of the work is there, also if that ends with an error.
 */
PG_GUARDED void use_plan(WorkItem *item, delta::Plan *plan)
{
    MemoryContext memory = GetMemoryChunkContext(item);
    auto *callback =
        static_cast<MemoryContextCallback *>(MemoryContextAllocZero(memory, sizeof(MemoryContextCallback)));
    callback->func = forget_plan;
    callback->arg = delta::keep(plan);
    MemoryContextRegisterResetCallback(memory, callback);
    item->plan = plan;
}

/* The item of the IMAT, with those of all its readers below it; NULL where it is gone or left out. */
PG_GUARDED WorkItem *add_item(Work *work, Oid imat, int depth)
{
    WorkItem *item = find_item(work->items, imat);
    if (item == nullptr) {
        delta::Plan *plan = list_member_oid(catalog::session.left_out, imat) ? nullptr : delta::plan_of(imat);
        if (plan == nullptr)
            return nullptr;
        item = static_cast<WorkItem *>(palloc0(sizeof(WorkItem)));
        item->imat = imat;
        use_plan(item, plan);
        work->items = lappend(work->items, item);
        for (Oid reader : delta::targets_of(imat)) {
            WorkItem *added = add_item(work, reader, depth + 1);
            if (added != nullptr)
                item->readers = lappend(item->readers, added);
        }
    } else if (item->depth < depth) {
        for (auto *reader : pg::each<WorkItem>(item->readers))
            add_item(work, reader->imat, depth + 1);
    }
    item->depth = Max(item->depth, depth);
    return item;
}

} // namespace

PG_GUARDED void mark_swap(WorkItem *item)
{
    item->swap = true;
    for (auto *reader : pg::each<WorkItem>(item->readers))
        if (!reader->swap)
            mark_swap(reader);
}

namespace {

/* An IMAT that can't add groups has to be rebuilt when anything that it reads changes. */
PG_GUARDED void mark_swap_readers(WorkItem *item)
{
    for (auto *reader : pg::each<WorkItem>(item->readers)) {
        if (reader->plan->strategy == model::Strategy::Swap)
            mark_swap(reader);
        mark_swap_readers(reader);
    }
}

/* Comparators of pointers to items. */
extern "C" {

PG_GUARDED static int compare_oids(const void *left, const void *right)
{
    const auto *one = *static_cast<WorkItem *const *>(left);
    const auto *other = *static_cast<WorkItem *const *>(right);
    return one->imat < other->imat ? -1 : static_cast<int>(one->imat > other->imat);
}

PG_GUARDED static int compare_depths(const void *left, const void *right)
{
    const auto *one = *static_cast<WorkItem *const *>(left);
    const auto *other = *static_cast<WorkItem *const *>(right);
    return one->depth != other->depth ? one->depth - other->depth : compare_oids(left, right);
}

} // extern "C"

PG_GUARDED List *sorted_by(const List *items, int (*compare)(const void *, const void *))
{
    const int size = list_length(items);
    auto **array = static_cast<WorkItem **>(palloc(sizeof(void *) * static_cast<std::size_t>(size + 1)));
    int filled = 0;
    for (auto *item : pg::each<WorkItem>(items))
        array[filled++] = item;
    qsort(array, static_cast<std::size_t>(size), sizeof(void *), compare);
    List *sorted = NIL;
    for (int i = 0; i < size; ++i)
        sorted = lappend(sorted, array[i]);
    pfree(array);
    return sorted;
}

/* One reader folds the row that was, out, and the row that is, in. */
PG_GUARDED void fold_into(WorkItem *reader, TupleTableSlot *before, TupleTableSlot *after)
{
    if (reader->groups == nullptr)
        reader->groups = delta::GroupTable::create(reader->plan->layout, GetMemoryChunkContext(reader));
    delta::as_maintainer(*reader->plan, [&] {
        if (before != nullptr)
            delta::fold_row(*reader->plan, reader->groups, before, delta::Sign::Out);
        if (after != nullptr)
            delta::fold_row(*reader->plan, reader->groups, after, delta::Sign::In);
    });
}

/* The rows are kept for the readers that are joins. */
PG_GUARDED void keep_rows(const WorkItem &item, TupleTableSlot *before, TupleTableSlot *after)
{
    MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(item.work));
    TupleDesc type = (before != nullptr ? before : after)->tts_tupleDescriptor;
    TableChanges *changes = changes_of(&item.work->tables, item.imat, type);
    if (before != nullptr)
        note_row(changes, delta::Sign::Out, before);
    if (after != nullptr)
        note_row(changes, delta::Sign::In, after);
    MemoryContextSwitchTo(caller);
}

PG_GUARDED void hand_on(void *self, TupleTableSlot *before, TupleTableSlot *after)
{
    const auto *item = static_cast<WorkItem *>(self);
    bool rows_needed = false;
    for (auto *reader : pg::each<WorkItem>(item->readers)) {
        if (reader->swap)
            continue;
        if (reader->plan->view->is_join())
            rows_needed = true;
        else
            fold_into(reader, before, after);
    }
    if (rows_needed)
        keep_rows(*item, before, after);
}

} // namespace

PG_GUARDED Work *plan_work(const Collected &collected)
{
    auto *work = static_cast<Work *>(palloc0(sizeof(Work)));
    work->tables = collected.tables;
    for (auto *view : pg::each<PendingView>(collected.views)) {
        WorkItem *item = add_item(work, view->imat, 0);
        if (item == nullptr)
            continue;
        const bool same = item->plan->fingerprint == view->plan->fingerprint;
        item->groups = same ? view->groups : nullptr;
        if (same) {
            view->plan->foreign_code = view->plan->foreign_code || item->plan->foreign_code;
            use_plan(item, view->plan); /* the groups are in its layout */
        }
        if (!same || view->swap || item->plan->strategy == model::Strategy::Swap)
            mark_swap(item);
    }
    for (auto *item : pg::each<WorkItem>(work->items)) {
        item->work = work;
        mark_swap_readers(item);
    }
    work->items = sorted_by(work->items, compare_depths);
    return work;
}

PG_GUARDED bool knows_all_readers(const Work &work)
{
    for (auto *item : pg::each<WorkItem>(work.items))
        for (Oid reader : delta::targets_of(item->imat))
            if (find_item(work.items, reader) == nullptr &&
                !list_member_oid(catalog::session.left_out, reader) && delta::plan_of(reader) != nullptr)
                return false;
    return true;
}

PG_GUARDED bool mark_outdated(const Work &work)
{
    bool marked = false;
    for (auto *item : pg::each<WorkItem>(work.items)) {
        if (item->swap || !item->plan->stale)
            continue;
        const delta::Plan *now = delta::plan_of(item->imat);
        if (now == nullptr || now->fingerprint == item->plan->fingerprint)
            continue;
        mark_swap(item);
        marked = true;
    }
    return marked;
}

PG_GUARDED bool is_keyed(const WorkItem &item)
{
    return !item.swap && item.plan->strategy == model::Strategy::Keyed;
}

namespace {

/* Has any group keys that an index may be without room for? */
PG_GUARDED bool has_too_long_keys(const delta::Plan &plan, const delta::GroupTable &groups)
{
    if (groups.longest_keys() <= catalog::always_fit)
        return false;
    const auto all = groups.in_order();
    return std::any_of(all.begin(), all.end(), [&](const delta::Group *group) {
        CHECK_FOR_INTERRUPTS();
        return catalog::are_too_long(plan.view->keys, group->keys(), group->nulls(groups.layout()));
    });
}

} // namespace

PG_GUARDED bool needs_longer_keys(const WorkItem &item)
{
    delta::Plan &plan = *item.plan;
    if (item.swap || plan.view->bag || item.groups == nullptr || (plan.takes_long_keys && !plan.stale) ||
        !has_too_long_keys(plan, *item.groups))
        return false;
    plan.takes_long_keys = catalog::takes_long_keys(plan.registration, *plan.view);
    return !plan.takes_long_keys;
}

PG_GUARDED bool has_keyed(const Work &work)
{
    bool keyed = false;
    for (auto *item : pg::each<WorkItem>(work.items))
        keyed = keyed || is_keyed(*item);
    return keyed;
}

PG_GUARDED apply::Listener listener_of(WorkItem *item)
{
    return {.row_changed = hand_on, .self = item};
}

PG_GUARDED List *by_oid(const List *items)
{
    return sorted_by(items, compare_oids);
}

PG_GUARDED bool writes_source(const Work &work, const WorkItem &item, Oid table)
{
    for (auto *other : pg::each<WorkItem>(work.items))
        if (other->imat == table && list_member_ptr(other->readers, &item))
            return true;
    return false;
}

} // namespace flush
