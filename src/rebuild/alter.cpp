/*
 * alter.cpp - imat.alter and imat.refresh.
 *
 * A change of strategy changes what transactions have to capture.  So the sources are locked against
 * writers first, as at creation: whoever has written them has committed by then, and whoever writes them
 * afterwards knows the new strategy.  The contents are recomputed, with the hidden tables that the new
 * strategy needs, without those that the old one needed.
 *
 * Whoever commits a change of a source waits for the lock on the IMAT while holding one on the source.  So
 * sources are always locked before the IMAT.
 */
#include "pg/list.hpp"
#include "rebuild/parts.hpp"
#include "rebuild/rebuild.hpp"

namespace rebuild {

namespace {

/* The hidden tables that the old strategy needed go. */
PG_GUARDED void drop_state(catalog::Registration *registration)
{
    if (!OidIsValid(registration->state))
        return;
    const catalog::Registration before = *registration;
    registration->state = InvalidOid;
    registration->multiplicities = {};
    catalog::update(*registration);
    drop_hidden_tables(before);
}

/* Change the strategy of an IMAT that is locked, and rebuild it. */
PG_GUARDED void change_strategy(const Imat &before, model::Strategy asked)
{
    catalog::Registration registration = before.registration;
    registration.strategy = asked;
    Imat *imat = describe(registration);
    choose(asked, *imat->view);
    if (imat->strategy == before.strategy) {
        catalog::update(registration);
        return;
    }
    capture(imat->view->sources);
    if (before.strategy == model::Strategy::Delta)
        drop_state(&imat->registration);
    if (imat->by_group) {
        Oid primary_key = InvalidOid;
        equip(imat, true, &primary_key);
    }
    catalog::update(imat->registration);
    refresh_contents(registration.imat);
}

/* Errors unless the caller may recompute the IMAT. */
PG_GUARDED void require_maintenance(Oid imat)
{
    if (!pg::may_maintain(imat, GetUserId()))
        require_owner(imat);
}

} // namespace

PG_GUARDED void alter(Oid imat, const char *maintenance, const char *strategy)
{
    require_owner(imat);
    lock_sources_and(imat, ShareRowExclusiveLock);
    Imat *loaded = load(imat);
    if (maintenance != nullptr) {
        loaded->registration.maintenance = maintenance_of(maintenance);
        catalog::update(loaded->registration);
    }
    if (strategy != nullptr)
        change_strategy(*loaded, strategy_of(strategy));
}

PG_GUARDED void refresh(Oid imat)
{
    require_maintenance(imat);
    LockRelationOid(imat, ShareRowExclusiveLock);
    load(imat);
    refresh_contents(imat);
}

} // namespace rebuild
