/*
 * restore.cpp - a dump that is restored in parts: tables and triggers first, data afterwards.
 *
 * In a dump that is restored as a whole the triggers come last, when everything else is there.  Where they
 * are there already (pg_restore --schema-only, then --data-only), the tables are filled one by one, in an
 * order that knows nothing of what they are to each other: sources, IMATs, the tables of their groups, and
 * ours, which say which is which.  From the moment ours say so, sources are followed; what they had before is
 * computed then. So rows that the dump has for an IMAT, or for a table of its groups, are not needed, and are
 * skipped; before that moment they come in, and are replaced.  With pg_restore --disable-triggers nothing of
 * this is noticed, except that triggers are disabled and enabled: in between the table is kept empty, so that
 * there is room for the dump's rows, and computed anew afterwards.
 *
 * Several sessions may do so at once: whoever fills one of ours waits for who fills the other, and so one of
 * the two sees both; and who fills a source is waited for before the IMATs over it are computed.  So that
 * nobody waits for those who wait, whoever makes, enables or disables triggers, or adds a foreign key, which
 * locks two tables, stands in that queue first of all.
 *
 * Privileges are granted last of all.  Where an owner may not read what the definition reads before that, the
 * IMAT is computed when that is granted.
 *
 * pg_upgrade restores the schema and puts the files of our tables in place, as of all others, of which nobody
 * is told.  So what a dump doesn't carry is completed before the first command that needs it.
 *
 * That a session restores a dump is seen by what pg_dump and pg_restore set at its beginning, and hardly
 * anybody else.
 */
#include "pg/list.hpp"
#include "pg/lookup.hpp"
#include "rebuild/parts.hpp"
#include "rebuild/rebuild.hpp"

namespace rebuild {

namespace {

PG_GUARDED bool exists(Oid relation)
{
    return OidIsValid(relation) && SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation));
}

/*
 * Is everything there that the IMAT needs?  A source without triggers is one whose rows are still to come: a
 * dump that is restored as a whole has triggers after the rows, and the contents as they were.
 */
PG_GUARDED bool is_complete(const catalog::Registration &registration)
{
    const model::Array<Oid> sources = catalog::sources_of(registration.imat);
    bool complete = sources.size > 0 && exists(registration.imat) && exists(registration.definition);
    complete = complete && (!OidIsValid(registration.state) || exists(registration.state));
    complete =
        complete && (!OidIsValid(registration.over_subqueries) || exists(registration.over_subqueries));
    for (Oid table : registration.multiplicities)
        complete = complete && exists(table);
    for (Oid source : sources)
        complete = complete && exists(source);
    return complete && has_all_triggers(registration.imat);
}

/* Is it known that the IMAT depends on its definition? */
PG_GUARDED bool depends_on_definition(const catalog::Registration &registration)
{
    bool depends = false;
    pg::each_dependency(RelationRelationId, registration.imat, [&](const FormData_pg_depend &known) {
        depends =
            depends || (known.refclassid == RelationRelationId && known.refobjid == registration.definition);
    });
    return depends;
}

/* Wait for those who are filling the sources, the IMAT, or the tables of its groups. */
PG_GUARDED void lock_all(const catalog::Registration &registration)
{
    lock_sources_and(registration.imat, ShareRowExclusiveLock);
    if (OidIsValid(registration.state))
        LockRelationOid(registration.state, ShareRowExclusiveLock);
    for (Oid table : registration.multiplicities)
        LockRelationOid(table, ShareRowExclusiveLock);
}

/* Delete the rows, and tell nobody. */
PG_GUARDED void empty(Oid oid)
{
    Relation table = table_open(oid, ShareRowExclusiveLock);
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    TupleTableSlot *row = table_slot_create(table, nullptr);
    TableScanDesc scan = table_beginscan(table, snapshot, 0, nullptr);
    while (table_scan_getnextslot(scan, ForwardScanDirection, row)) {
        CHECK_FOR_INTERRUPTS();
        simple_table_tuple_delete(table, &row->tts_tid, snapshot);
    }
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(row);
    UnregisterSnapshot(snapshot);
    table_close(table, NoLock);
    CommandCounterIncrement();
}

} // namespace

PG_GUARDED bool is_restoring()
{
    return !check_function_bodies && strcmp(namespace_search_path, "") == 0;
}

PG_GUARDED bool is_restored(Oid imat)
{
    catalog::Registration registration = {};
    return catalog::find(imat, &registration) && is_complete(registration);
}

PG_GUARDED bool is_kept(Oid table)
{
    return kept_in(table) != NIL;
}

PG_GUARDED void settle()
{
    List *settled = NIL;
    CommandCounterIncrement();
    for (Oid imat : catalog::all_imats()) {
        catalog::Registration registration = {};
        if (!catalog::find(imat, &registration) || !is_complete(registration))
            continue;
        lock_all(registration);
        for (Oid source : catalog::sources_of(imat))
            CacheInvalidateRelcacheByRelid(source);
        CacheInvalidateRelcacheByRelid(imat);
        record_dependencies(registration);
        distrust_if_disabled(imat);
        settled = lappend_oid(settled, imat);
    }
    CommandCounterIncrement();
    for (Oid imat : pg::each_oid(settled))
        refresh_with_readers(imat);
    make_room();
}

PG_GUARDED void postpone(Oid imat)
{
    catalog::Registration registration = {};
    if (!catalog::find(imat, &registration) || !registration.trusted)
        return;
    registration.trusted = false;
    catalog::update(registration);
    CommandCounterIncrement();
}

PG_GUARDED bool is_postponed(Oid imat)
{
    catalog::Registration registration = {};
    return catalog::find(imat, &registration) && !registration.trusted && find_disabled(imat) == nullptr &&
           owner_may_read(imat);
}

PG_GUARDED void complete_dependencies()
{
    if (catalog::session.dependencies_known)
        return;
    bool complete = true;
    for (Oid imat : catalog::all_imats()) {
        catalog::Registration registration = {};
        if (!catalog::find(imat, &registration) || !exists(registration.definition) ||
            depends_on_definition(registration))
            continue;
        record_dependencies(registration);
        complete = false;
    }
    catalog::session.dependencies_known = complete;
}

PG_GUARDED void lock_registrations()
{
    LockRelationOid(catalog::relation_of_ours("registered"), ShareRowExclusiveLock);
}

PG_GUARDED void queue_if_restoring()
{
    const Oid registered = catalog::relation_of_ours("registered");
    if (is_restoring() && pg_class_aclcheck(registered, GetUserId(), ACL_INSERT) == ACLCHECK_OK)
        lock_registrations();
}

PG_GUARDED void make_room()
{
    for (Oid table : pg::each_oid(unprotected_tables()))
        empty(table);
}

} // namespace rebuild
