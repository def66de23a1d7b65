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

PG_GUARDED void capture_for(Oid imat, Tuplestorestate *removed, Tuplestorestate *added, bool truncated)
{
    delta::Plan *plan = delta::plan_of(imat);
    if (plan == nullptr)
        return;
    PendingView *view = pending_view(imat, plan);
    view->swap = view->swap || truncated || plan->strategy == model::Strategy::Swap;
    if (view->swap)
        return;
    delta::as_maintainer(*plan, [&] {
        delta::GroupTable *groups = groups_of(view);
        if (removed != nullptr)
            delta::fold_rows(*view->plan, groups, removed, delta::Sign::Out);
        if (added != nullptr)
            delta::fold_rows(*view->plan, groups, added, delta::Sign::In);
    });
}

} // namespace

PG_GUARDED void capture(TriggerData *trigger)
{
    check_call(trigger);
    const bool truncated = TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event);
    Tuplestorestate *removed = rows_of(trigger->tg_oldtable);
    Tuplestorestate *added = rows_of(trigger->tg_newtable);
    if (!truncated && removed == nullptr && added == nullptr)
        return;

    /* The cache may be rebuilt under our hands; what was in it when the statement ended is what counts. */
    const model::Array<Oid> cached = delta::targets_of(RelationGetRelid(trigger->tg_relation));
    const model::Array<Oid> imats = {.data = static_cast<Oid *>(palloc(sizeof(Oid) * (cached.size + 1))),
                                     .size = cached.size};
    memcpy(imats.data, cached.data, sizeof(Oid) * cached.size);
    for (Oid imat : imats)
        capture_for(imat, removed, added, truncated);

    const bool too_large = pending_bytes() > static_cast<std::size_t>(session.pending_memory) * 1024;
    if (too_large || session.flush_at == static_cast<int>(catalog::FlushAt::Statement))
        flush_now();
}

} // namespace flush
