/*
 * alter.cpp - imat.alter, imat.refresh, and what is to be done when a definition means something else than
 * before.
 *
 * A change of strategy changes what transactions have to capture.  So the sources are locked against
 * writers first, as at creation: whoever has written them has committed by then, and whoever writes them
 * afterwards knows the new strategy.  The contents are recomputed, with the hidden tables that the new
 * strategy needs, without those that the old one needed.
 *
 * Whoever commits a change of a source waits for the lock on the IMAT while holding one on the source.  So
 * sources are always locked before the IMAT.
 *
 * A definition comes to mean something else when a view is replaced that it reads, or a function that it
 * calls, when a policy of a source changes, or a constraint that a proof of ours rests on.  Then everything
 * that follows from it is made anew: triggers on what it reads now, indexes, state table, contents.
 */
#include "analyze/analyze.hpp"
#include "pg/list.hpp"
#include "rebuild/parts.hpp"
#include "rebuild/rebuild.hpp"

#include <algorithm>

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

/* An index that was made for an IMAT that is there, and filled, becomes its primary key, unless it has one.
 */
PG_GUARDED void make_identified(Oid oid, Oid primary_key)
{
    if (!OidIsValid(primary_key))
        return;
    Imat *imat = load(oid);
    if (OidIsValid(catalog::primary_key_index(oid)))
        return;
    finish_keys(imat, primary_key);
    catalog::update(imat->registration);
}

/* It reads other tables now. */
PG_GUARDED void follow_sources(const catalog::Registration &before, const model::View &view)
{
    const model::Array<Oid> sources_before = catalog::sources_of(before.imat);
    capture(view.sources);
    catalog::replace_sources(before.imat, view.sources);
    release(sources_before);
}

/* Change the strategy of an IMAT that is locked, and rebuild it.  By "swap" it keeps no subqueries. */
PG_GUARDED void change_strategy(const Imat &before, model::Strategy asked)
{
    catalog::Registration registration = before.registration;
    registration.strategy = asked;
    const bool swap_or_not =
        (asked == model::Strategy::Swap) != (before.registration.strategy == model::Strategy::Swap);
    const bool otherwise = swap_or_not && keep_subqueries_anew(&registration);
    Imat *imat = describe(registration);
    choose(asked, *imat->view);
    if (imat->strategy == before.strategy && !otherwise) {
        catalog::update(registration);
        return;
    }
    follow_sources(before.registration, *imat->view);
    drop_state(&imat->registration);
    imat->with_state = false;
    Oid primary_key = InvalidOid;
    if (imat->by_group)
        equip(imat, true, &primary_key);
    catalog::update(imat->registration);
    if (otherwise)
        drop_subqueries(before.registration);
    refresh_contents(list_make1_oid(registration.imat));
    make_identified(registration.imat, primary_key);
}

/* Errors unless the caller may recompute the IMAT. */
PG_GUARDED void require_maintenance(Oid imat)
{
    if (!pg::may_maintain(imat, GetUserId()))
        require_owner(imat);
}

/* Is the table the IMAT, or an IMAT that reads it, directly or not? */
PG_GUARDED bool reads(Oid table, Oid imat)
{
    check_stack_depth();
    if (table == imat)
        return true;
    const auto sources = catalog::sources_of(table);
    return std::ranges::any_of(sources, [=](Oid source) { return reads(source, imat); });
}

/* An error where the IMAT would be a source of itself. */
PG_GUARDED void check_acyclic(Oid imat, const model::View &view)
{
    for (const model::Source &source : view.sources)
        if (reads(source.relation, imat))
            ereport(ERROR, errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                    errmsg("incremental materialized table %s would read itself", name_of(imat)),
                    errdetail("It would read %s.", name_of(source.relation)));
}

/* An error where what the definition has become can't be maintained. */
PG_GUARDED void check_maintainable(const catalog::Registration &registration)
{
    const analyze::Refusal *refusal = nullptr;
    const model::View *view = nullptr;
    pg::with_rights_of(pg::owner_of_relation(registration.imat), [&] {
        pg::with_safe_search_path([&] {
            view = analyze::try_understand(analyze::definition_query(registration.maintained()), &refusal);
        });
    });
    if (view == nullptr)
        ereport(ERROR, errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
                errmsg("incremental materialized table %s could not be maintained any more",
                       name_of(registration.imat)),
                errdetail("%s", refusal->message),
                errhint("Drop it with imat.drop first, which can keep it as a table or materialized view."));
    check_acyclic(registration.imat, *view);
}

/* Does a constraint of the table keep NULL out of a key that may be NULL? */
PG_GUARDED bool forbids_nulls(Relation table, const model::View &view)
{
    bool forbids = false;
    const AttrNumber *columns = catalog::key_columns(view, false);
    for (int i = 0; i < view.row_keys().size; i++)
        forbids = forbids || (view.row_keys()[i].nullable && columns[i] > 0 &&
                              pg::is_not_null(RelationGetDescr(table), columns[i]));
    return forbids;
}

/*
 * The index over the keys that are shown, where these told the rows of several grouping sets apart, and do so
 * no more, since one of them may be NULL now.
 */
PG_GUARDED Oid outlived_index(Relation table, const model::View &view)
{
    if (view.sets.size == 0 || view.keys_visible)
        return InvalidOid;
    model::View told = view;
    told.keys_visible = true;
    for (int i = 1; i < view.keys.size; i++)
        told.keys_visible = told.keys_visible && view.keys[i].column != 0;
    return catalog::find_key_index(table, told, false);
}

/*
 * Does a key of ours keep out rows that the definition may show?  So it may where it is of no use to
 * maintenance: where a strategy without keys was asked for, or is all that is left.  A key of the owner's is
 * what it is for others, something that the contents have to meet.
 */
PG_GUARDED bool forbids_rows(const Imat &imat)
{
    const model::View &view = *imat.view;
    if (view.strategy == model::Strategy::Swap)
        return imat.registration.identified;
    Relation table = table_open(imat.registration.imat, AccessShareLock);
    const bool identified = view.keys_visible && OidIsValid(catalog::find_key_index(table, view, false));
    const bool forbids =
        (imat.registration.identified &&
         ((view.bag && OidIsValid(catalog::primary_key_index(imat.registration.imat)) && !identified) ||
          forbids_nulls(table, view))) ||
        OidIsValid(outlived_index(table, view));
    table_close(table, NoLock);
    return forbids;
}

/* Drop what forbids them: the key, and NOT NULL.  Foreign keys that refer to it are an error. */
PG_GUARDED void allow_rows(Imat *imat)
{
    if (!forbids_rows(*imat))
        return;
    Relation table = table_open(imat->registration.imat, AccessShareLock);
    const Oid index =
        imat->view->strategy == model::Strategy::Swap ? InvalidOid : outlived_index(table, *imat->view);
    table_close(table, NoLock);
    if (OidIsValid(index))
        return drop_index(index);
    drop_primary_key(imat->registration.imat);
    drop_not_null(imat->registration.imat, imat->visible_type->natts);
    imat->registration.identified = false;
}

/* Is there an index that finds the rows, by their key or, of a bag, by their values? */
PG_GUARDED bool rows_are_found(const Imat &imat)
{
    Relation table = table_open(imat.registration.imat, AccessShareLock);
    const model::View &view = *imat.view;
    const bool by_state = !view.bag && !view.keys_visible;
    const bool found = by_state || catalog::are_rows_found(table, view);
    table_close(table, NoLock);
    return found;
}

/* Has the state table an index that finds each group? */
PG_GUARDED bool state_is_indexed(const Imat &imat)
{
    Relation state = table_open(imat.registration.state, AccessShareLock);
    const bool indexed = OidIsValid(catalog::find_key_index(state, *imat.view, true));
    table_close(state, NoLock);
    return indexed;
}

/* The IMAT, behind the tables that its subqueries are kept in, each of which is behind those that it reads.
 */
PG_GUARDED List *with_subqueries(Oid imat, List *tables)
{
    check_stack_depth();
    catalog::Registration registration = {};
    if (catalog::find(imat, &registration))
        for (Oid subquery : registration.subqueries)
            tables = with_subqueries(subquery, tables);
    return list_append_unique_oid(tables, imat);
}

} // namespace

PG_GUARDED bool fits(Oid oid)
{
    const Imat *imat = load(oid);
    if (forbids_rows(*imat))
        return false;
    if (!imat->by_group)
        return true;
    if (!rows_are_found(*imat))
        return false;
    return imat->with_state ? state_is_indexed(*imat) : !imat->view->needs_state;
}

PG_GUARDED void revise(Oid oid)
{
    catalog::Registration registration = {};
    if (!catalog::find(oid, &registration))
        return;
    const catalog::Registration before = registration;
    lock_sources_and(oid, ShareRowExclusiveLock);
    const bool otherwise = keep_subqueries_anew(&registration);
    check_maintainable(registration);
    Imat *imat = describe(registration);
    follow_sources(before, *imat->view);
    drop_state(&imat->registration);
    allow_rows(imat);
    Oid primary_key = InvalidOid;
    if (imat->by_group)
        equip(imat, true, &primary_key);
    if (imat->view->uses_settings && imat->registration.settings == nullptr)
        imat->registration.settings = catalog::current_settings();
    catalog::update(imat->registration);
    if (otherwise)
        drop_subqueries(before);
    distrust_if_disabled(oid);
    refresh_with_readers(oid);
    make_identified(oid, primary_key);
}

PG_GUARDED void alter(Oid imat, const char *maintenance, const char *strategy)
{
    require_relation(imat);
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
    require_relation(imat);
    require_maintenance(imat);
    const List *tables;
    do { /* they may be others by the time they are locked */
        tables = with_subqueries(imat, NIL);
        /* in the order in which who writes them locks them */
        for (Oid table : catalog::sorted_oids(list_copy(tables)))
            LockRelationOid(table, ShareRowExclusiveLock);
    } while (!equal(tables, with_subqueries(imat, NIL)));
    load(imat);
    refresh_contents(tables);
}

} // namespace rebuild
