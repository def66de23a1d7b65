/*
 * pending.cpp - what this transaction has changed and not yet applied.
 *
 * All layers are in child contexts of TopTransactionContext, so nothing has to be moved when a subtransaction
 * commits, and everything goes when the transaction does.  session.pending is the innermost layer.
 *
 * Adding one layer to another takes memory, of which there may be none, so it is done while the
 * subtransaction can still abort.  If it does, the outer layer has some of its changes, and nobody knows
 * which: the IMATs in it are computed anew then.  That takes no memory to say.
 */
#include "flush/pending.hpp"

#include "catalog/catalog.hpp"
#include "flush/capture.hpp"
#include "pg/list.hpp"

using catalog::session;

namespace flush {

namespace {

PG_GUARDED void let_go_of_plans(const Layer &layer)
{
    for (auto *view : pg::each<PendingView>(layer.views))
        delta::let_go(view->plan);
}

/* Every set of rows of the layer. */
template <class Visit>
PG_GUARDED void each_table(const Layer &layer, Visit visit)
{
    for (const Layer *part = &layer; part != nullptr; part = part->adopted)
        for (auto *changes : pg::each<TableChanges>(part->tables))
            visit(changes);
}

/* What was in the layer has been applied. */
PG_GUARDED void finish(Layer *layer)
{
    each_table(*layer, close_rows);
    let_go_of_plans(*layer);
    MemoryContextDelete(layer->memory);
}

/* Take the innermost layer off. */
PG_GUARDED void drop_innermost()
{
    Layer *layer = session.pending;
    session.pending = layer->outer;
    let_go_of_plans(*layer);
    MemoryContextDelete(layer->memory);
}

PG_GUARDED Layer *current_layer()
{
    const int level = GetCurrentTransactionNestLevel();
    if (session.pending != nullptr && session.pending->level == level && session.pending->applied_at == 0)
        return session.pending;
    MemoryContext memory =
        AllocSetContextCreate(TopTransactionContext, "pg_imat pending", ALLOCSET_SMALL_SIZES);
    auto *layer = static_cast<Layer *>(MemoryContextAllocZero(memory, sizeof(Layer)));
    layer->outer = session.pending;
    layer->level = level;
    layer->memory = memory;
    session.pending = layer;
    return layer;
}

PG_GUARDED PendingView *find_view(List *views, Oid imat)
{
    for (auto *view : pg::each<PendingView>(views))
        if (view->imat == imat)
            return view;
    return nullptr;
}

PG_GUARDED PendingView *add_view(Layer *layer, Oid imat, delta::Plan *plan)
{
    MemoryContext caller = MemoryContextSwitchTo(layer->memory);
    auto *view = static_cast<PendingView *>(palloc0(sizeof(PendingView)));
    view->imat = imat;
    layer->views = lappend(layer->views, view);
    view->plan = delta::keep(plan);
    MemoryContextSwitchTo(caller);
    return view;
}

PG_GUARDED PendingView *find_or_add(Layer *layer, Oid imat, delta::Plan *plan)
{
    PendingView *view = find_view(layer->views, imat);
    return view != nullptr ? view : add_view(layer, imat, plan);
}

/* The innermost layer, whose views have been merged into the outer one, becomes a part of that. */
PG_GUARDED void adopt_innermost()
{
    Layer *layer = session.pending;
    Layer *outer = layer->outer;
    Assert(outer != nullptr);
    outer->doubtful = false;
    if (layer->tables == NIL && layer->adopted == nullptr)
        return drop_innermost();

    /* The rows stay where they are. */
    let_go_of_plans(*layer);
    layer->views = NIL;
    MemoryContextSetParent(layer->memory, outer->memory);
    Layer *last = layer;
    while (last->adopted != nullptr)
        last = last->adopted;
    last->adopted = outer->adopted;
    outer->adopted = layer;
    session.pending = outer;
}

/* A subtransaction was about to commit into the layer, and aborted. */
PG_GUARDED void distrust(Layer *layer)
{
    for (auto *view : pg::each<PendingView>(layer->views))
        view->swap = true;
    layer->doubtful = false;
}

/* Add a view's changes to a list.  The groups are shared as long as there is just one set of them. */
PG_GUARDED void gather_view(List **views, const PendingView &view)
{
    PendingView *known = find_view(*views, view.imat);
    auto *gathered = static_cast<PendingView *>(palloc(sizeof(PendingView)));
    if (known == nullptr) {
        *gathered = view;
        *views = lappend(*views, gathered);
        return;
    }
    *gathered = PendingView{.imat = view.imat, .plan = view.plan, .groups = nullptr, .swap = false};
    merge_view(gathered, view);
    merge_view(gathered, *known);
    *known = *gathered;
}

} // namespace

PG_GUARDED bool anything_pending()
{
    for (const Layer *layer = session.pending; layer != nullptr; layer = layer->outer)
        if (layer->applied_at == 0)
            return true;
    return false;
}

/*
 * A plan may have been dropped and compiled again since the view's first change.  The groups stay in the old
 * one's layout as long as it means the same; otherwise they mean nothing any more.
 */
PG_GUARDED PendingView *pending_view(Oid imat, delta::Plan *plan)
{
    PendingView *view = find_or_add(current_layer(), imat, plan);
    if (view->plan != plan && view->plan->fingerprint != plan->fingerprint)
        view->swap = true;
    return view;
}

/* Layers of outer subtransactions keep something pending: they outlive what is computed now, if it is undone.
 */
PG_GUARDED void forget_pending(Oid imat)
{
    for (Layer *layer = session.pending; layer != nullptr; layer = layer->outer) {
        PendingView *view = layer->applied_at == 0 ? find_view(layer->views, imat) : nullptr;
        if (view == nullptr)
            continue;
        if (layer->level < GetCurrentTransactionNestLevel()) {
            view->swap = true;
            continue;
        }
        layer->views = list_delete_ptr(layer->views, view);
        delta::let_go(view->plan);
    }
}

PG_GUARDED delta::GroupTable *groups_of(PendingView *view)
{
    if (view->groups == nullptr)
        view->groups = delta::GroupTable::create(view->plan->layout, session.pending->memory);
    return view->groups;
}

PG_GUARDED void merge_view(PendingView *into, const PendingView &from)
{
    into->swap = into->swap || from.swap || into->plan->fingerprint != from.plan->fingerprint;
    if (into->swap || from.groups == nullptr)
        return;
    if (into->groups == nullptr)
        into->groups = delta::GroupTable::create(into->plan->layout, GetMemoryChunkContext(into));
    into->groups->merge(*from.groups);
}

PG_GUARDED TableChanges *pending_rows(Oid table, TupleDesc type)
{
    Layer *layer = current_layer();
    MemoryContext caller = MemoryContextSwitchTo(layer->memory);
    TableChanges *changes = changes_of(&layer->tables, table, type);
    MemoryContextSwitchTo(caller);
    return changes;
}

PG_GUARDED Collected collect()
{
    Collected collected = {};
    for (const Layer *layer = session.pending; layer != nullptr; layer = layer->outer) {
        if (layer->applied_at != 0)
            continue;
        for (auto *view : pg::each<PendingView>(layer->views))
            gather_view(&collected.views, *view);
        each_table(*layer, [&](const TableChanges *changes) { gather(&collected.tables, *changes); });
    }
    return collected;
}

PG_GUARDED void mark_collected()
{
    const int level = GetCurrentTransactionNestLevel();
    for (Layer *layer = session.pending; layer != nullptr; layer = layer->outer)
        if (layer->applied_at == 0)
            layer->applied_at = level;
}

PG_GUARDED void drop_applied()
{
    Layer **link = &session.pending;
    while (*link != nullptr) {
        Layer *layer = *link;
        if (layer->applied_at == 0 || layer->applied_at > layer->level) {
            link = &layer->outer;
            continue;
        }
        *link = layer->outer;
        finish(layer);
    }
}

PG_GUARDED std::size_t pending_bytes()
{
    std::size_t bytes = 0;
    for (const Layer *layer = session.pending; layer != nullptr; layer = layer->outer)
        if (layer->applied_at == 0)
            bytes += pg::memory_allocated(layer->memory);
    return bytes;
}

PG_GUARDED void before_subtransaction_commit(int level)
{
    Layer *layer = session.pending;
    if (layer == nullptr || layer->level < level)
        return;
    each_table(*layer, hand_up_rows);
    Layer *outer = layer->outer;
    if (outer == nullptr || outer->level < level - 1 || outer->applied_at != 0 || layer->applied_at != 0)
        return;
    outer->doubtful = true;
    for (auto *view : pg::each<PendingView>(layer->views))
        merge_view(find_or_add(outer, view->imat, view->plan), *view);
    layer->merged = true;
}

PG_GUARDED void on_subtransaction_commit(int level)
{
    for (Layer *layer = session.pending; layer != nullptr; layer = layer->outer)
        if (layer->applied_at >= level)
            layer->applied_at = level - 1;
    if (session.pending != nullptr && session.pending->level >= level) {
        session.pending->level = level - 1;
        if (session.pending->merged)
            adopt_innermost();
    }
    if (session.flushing == 0)
        drop_applied(); /* else what is being applied is still needed */
}

PG_GUARDED void on_subtransaction_abort(int level)
{
    while (session.pending != nullptr && session.pending->level >= level)
        drop_innermost();
    for (Layer *layer = session.pending; layer != nullptr; layer = layer->outer)
        if (layer->applied_at >= level)
            layer->applied_at = 0;
    if (session.pending != nullptr && session.pending->doubtful)
        distrust(session.pending);
}

PG_GUARDED void on_transaction_end()
{
    while (session.pending != nullptr)
        drop_innermost();
}

} // namespace flush
