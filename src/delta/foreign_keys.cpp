/*
 * foreign_keys.cpp - what foreign keys say about the change of a join.
 *
 * Let reference f have a foreign key to reference d, along which the view joins them
 * (analyze/foreign_keys.cpp).
 *
 * Rows were added to d, and none removed.  Then no row that was in f before, R_f - D_f (join.cpp), references
 * one of them: there was no such key.  So (R_d - D_d) joined with (R_f - D_f) is R_d joined with (R_f - D_f),
 * and the same is true of the view as it was before, whatever else is in it: d might as well have been as it
 * is now from the start.  It is left out of the terms, and nobody has to be kept from changing other tables
 * for its sake. The argument needs what f was before; so where f is left out too, for the sake of a foreign
 * key of another reference to f, d has to come first.  In a circle one of them stays.
 *
 * Why nobody has to be kept from it (join_locks.cpp).  Let U be a transaction that is at it at the same time,
 * and add rows to d only.  The rows of f that T sees, adds or removes were checked before T takes its
 * snapshot: they reference rows that T sees, so none of those of U.  Hence the argument holds for U also
 * where the rows of T are there, and d is left out of what U and T could do to each other.
 *
 * Rows were removed from d, and none added.  Then none that is now in f references one of them: a term with
 * the rows removed from d and the whole of f is empty.  Terms with those removed and the changed rows of f
 * are not; neither is anything where rows of d were updated.
 */
#include "delta/foreign_keys.hpp"

#include <algorithm>

namespace delta {

namespace {

/* What is needed while references are looked at. */
struct Search {
    const model::View *view;
    ViewChange *change;
    bool seen[model::MAX_REFERENCES];
    bool left_out[model::MAX_REFERENCES];
};

/* Can foreign keys be relied on?  Not by a transaction whose own rows may not have been checked. */
PG_GUARDED bool are_reliable(const Plan &plan)
{
    return catalog::session.trust_foreign_keys && !plan.stale &&
           SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA;
}

/* Leave the reference out if that may be, after those that it references. */
PG_GUARDED void look_at(Search *search, int reference)
{
    if (search->seen[reference])
        return;
    search->seen[reference] = true;
    for (const model::ForeignKey &key : search->view->foreign_keys)
        if (key.referencing == reference)
            look_at(search, key.referenced);

    ReferenceChange *own = &search->change->of[reference];
    if (!own->added || own->removed)
        return;
    for (const model::ForeignKey &key : search->view->foreign_keys)
        if (key.referenced == reference && !search->left_out[key.referencing])
            search->left_out[reference] = true;
    if (search->left_out[reference])
        *own = {};
}

} // namespace

PG_GUARDED ViewChange change_of(const Plan &plan, const model::Array<ChangedTable> &changed)
{
    ViewChange change = {};
    const model::View &view = *plan.view;
    for (int i = 0; i < view.references.size; ++i)
        for (const ChangedTable &table : changed)
            if (table.table == view.references[i].relation)
                change.of[i] = {.added = table.added != nullptr, .removed = table.removed != nullptr};
    Search search = {};
    search.view = &view;
    search.change = &change;
    for (int i = 0; i < view.references.size && are_reliable(plan); ++i)
        look_at(&search, i);
    return change;
}

PG_GUARDED bool is_empty_join(const Plan &plan, const ViewChange &change, int removed, int whole)
{
    if (!are_reliable(plan) || change.of[removed].added)
        return false;
    return std::any_of(
        plan.view->foreign_keys.begin(), plan.view->foreign_keys.end(),
        [=](const model::ForeignKey &key) { return key.referenced == removed && key.referencing == whole; });
}

} // namespace delta
