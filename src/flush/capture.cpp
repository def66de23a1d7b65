/*
 * capture.cpp - what a statement did to a source becomes pending.
 *
 * One set of statement triggers on a table serves all IMATs that read it; which these are is asked here, and
 * answered from a cache.  For `delta` the transition tables are folded into the pending groups at once, so
 * what is kept is as large as the groups that changed, not as the rows.  For `swap` it is enough to know that
 * something changed.
 */
#include "flush/capture.hpp"

#include "catalog/catalog.hpp"
#include "flush/flush.hpp"
#include "flush/pending.hpp"

using catalog::session;

namespace flush {

namespace {

PG_GUARDED void check_call(const TriggerData *trigger)
{
    if (!TRIGGER_FIRED_AFTER(trigger->tg_event) || !TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
        ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                errmsg("function \"imat.capture\" must be fired AFTER a statement"),
                errhint("Its triggers are made by create_imat and imat.create."));
}

/* The rows of a transition table; NULL where there is none, or nothing in it. */
PG_GUARDED Tuplestorestate *rows_of(Tuplestorestate *transition)
{
    return transition != nullptr && tuplestore_tuple_count(transition) > 0 ? transition : nullptr;
}

/* What a statement did to a table. */
struct Change {
    Relation table;
    Tuplestorestate *removed;
    Tuplestorestate *added;
    bool truncated;
};

/* Take note of it for one IMAT; true: the rows themselves will be needed. */
PG_GUARDED bool capture_for(Oid imat, const Change &change)
{
    delta::Plan *plan = delta::plan_of(imat);
    if (plan == nullptr)
        return false;
    PendingView *view = pending_view(imat, plan);
    view->swap = view->swap || change.truncated || plan->strategy == model::Strategy::Swap;
    if (view->swap)
        return false;
    if (view->plan->view->is_join())
        return true;
    delta::as_maintainer(*plan, [&] {
        delta::GroupTable *groups = groups_of(view);
        if (change.removed != nullptr)
            delta::fold_rows(*view->plan, groups, change.removed, delta::Sign::Out);
        if (change.added != nullptr)
            delta::fold_rows(*view->plan, groups, change.added, delta::Sign::In);
    });
    return false;
}

PG_GUARDED void keep_rows(const Change &change)
{
    TableChanges *pending = pending_rows(RelationGetRelid(change.table), RelationGetDescr(change.table));
    if (change.removed != nullptr)
        note_rows(pending, delta::Sign::Out, change.removed);
    if (change.added != nullptr)
        note_rows(pending, delta::Sign::In, change.added);
}

} // namespace

PG_GUARDED void capture(TriggerData *trigger)
{
    check_call(trigger);
    const Change change = {.table = trigger->tg_relation,
                           .removed = rows_of(trigger->tg_oldtable),
                           .added = rows_of(trigger->tg_newtable),
                           .truncated = static_cast<bool>(TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))};
    if (!change.truncated && change.removed == nullptr && change.added == nullptr)
        return;

    /* The cache may be rebuilt under our hands; what was in it when the statement ended is what counts. */
    const model::Array<Oid> cached = delta::targets_of(RelationGetRelid(change.table));
    const model::Array<Oid> imats = {.data = static_cast<Oid *>(palloc(sizeof(Oid) * (cached.size + 1))),
                                     .size = cached.size};
    memcpy(imats.data, cached.data, sizeof(Oid) * cached.size);
    bool rows_needed = false;
    for (Oid imat : imats)
        rows_needed = capture_for(imat, change) || rows_needed;
    if (rows_needed)
        keep_rows(change);

    const bool too_large = pending_bytes() > static_cast<std::size_t>(session.pending_memory) * 1024;
    if (too_large || session.flush_at == static_cast<int>(catalog::FlushAt::Statement))
        flush_now();
}

} // namespace flush
