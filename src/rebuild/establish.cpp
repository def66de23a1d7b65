/*
 * establish.cpp - a table, or materialized view, becomes an IMAT.
 *
 * In this order, all in one transaction:
 *
 *   1. the query is understood; what can't be maintained is refused before anything was touched
 *   2. its sources are locked against writers (ShareRowExclusive) and get our triggers
 *   3. state table, multiplicities and indexes are made, empty
 *   4. the contents are computed, into new heaps beside the old; readers go on
 *   5. readers are locked out (AccessExclusive), the heaps are exchanged
 *   6. the materialized view becomes a table; keys become its primary key; it moves to its schema, and a
 * plain view takes the old name
 *   7. it is protected from writes, and registered
 *
 * The snapshot of step 4 is taken after step 2, and is the latest whatever the isolation level: so it sees
 * every change that our triggers didn't, and whatever they see comes after it.  Readers in step 4 may delay
 * step 5, which waits for them while writers of the sources wait for us; a reader that then goes on to write
 * a source would be a deadlock, which PostgreSQL resolves.
 */
#include <algorithm>

#include "analyze/analyze.hpp"
#include "observe/observe.hpp"
#include "pg/list.hpp"
#include "rebuild/parts.hpp"

namespace rebuild {

namespace {

/* The registration as far as it is known before there is a state table. */
PG_GUARDED catalog::Registration registration_of(const Birth &birth)
{
    catalog::Registration registration = {};
    registration.imat = birth.table;
    registration.definition = birth.definition;
    registration.old_schema = birth.old_schema;
    registration.maintenance = birth.maintenance;
    registration.strategy = birth.strategy;
    registration.created_at = GetCurrentTransactionStartTimestamp();
    registration.trusted = true;
    registration.subqueries = catalog::in_order(birth.kept.subqueries);
    registration.over_subqueries = birth.kept.view;
    return registration;
}

/* After a crash the table would be full and its source empty: so it must be unlogged as well. */
PG_GUARDED void match_persistence(Oid table, const model::View &view)
{
    List *sources = NIL;
    for (const model::Source &source : view.sources)
        sources = lappend_oid(sources, source.relation);
    const Oid source = unlogged_among(sources);
    if (OidIsValid(source))
        set_persistence(table, RELPERSISTENCE_UNLOGGED, source);
}

/* The columns of what is to be the primary key are not NULL; an empty table need not be read for that. */
PG_GUARDED void forbid_nulls(const Imat &imat, Oid primary_key)
{
    if (OidIsValid(primary_key))
        set_not_null(imat.registration.imat, catalog::key_columns(*imat.view, false),
                     imat.view->row_keys().size);
}

/* Compute the contents into new heaps, and exchange those for the old. */
PG_GUARDED void fill(Imat *imat, Oid *primary_key)
{
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    PushActiveSnapshot(snapshot);
    as_owner(*imat, [&] {
        const int tables = imat->hidden.size;
        Relation table = table_open(imat->registration.imat, ShareRowExclusiveLock);
        auto *heaps = static_cast<NewHeap **>(palloc(sizeof(void *) * (tables + 1)));
        auto *rows = static_cast<pg::RowConsumer *>(palloc(sizeof(pg::RowConsumer) * (tables + 1)));
        auto *measured = static_cast<Measured *>(palloc(sizeof(Measured) * (tables + 1)));
        heaps[tables] = begin_new_heap(table, imat->visible_type, how_full(*imat));
        rows[tables] = measure(*imat, false, {.consume = add_row, .self = heaps[tables]}, &measured[tables]);
        for (int i = 0; i < tables; i++) {
            heaps[i] = begin_new_heap(table_open(imat->hidden[i].table, ShareRowExclusiveLock),
                                      imat->hidden[i].type, Filled::Half);
            rows[i] = measure(*imat, true, {.consume = add_row, .self = heaps[i]}, &measured[i]);
        }
        compute(*imat, GetActiveSnapshot(), rows[tables], rows);
        if (std::any_of(measured, measured + tables + 1, [](const Measured &one) { return one.too_long; }))
            take_long_keys(imat, false, primary_key);
        end_new_heap(heaps[tables]);
        lock_for_exchange(table, true);
        exchange(heaps[tables]);
        for (int i = 0; i < tables; i++) {
            end_new_heap(heaps[i]);
            exchange(heaps[i]);
        }
    });
    PopActiveSnapshot();
    UnregisterSnapshot(snapshot);
}

/* Move the table to its schema, and let a plain view answer to the old name. */
PG_GUARDED Oid move(const Birth &birth)
{
    const Oid old_schema = get_rel_namespace(birth.table);
    if (old_schema == birth.target_schema)
        return InvalidOid;
    ObjectAddresses *moved = new_object_addresses();
    Relation table = table_open(birth.table, AccessExclusiveLock);
    AlterTableNamespaceInternal(table, old_schema, birth.target_schema, moved);
    table_close(table, NoLock);
    free_object_addresses(moved);
    CommandCounterIncrement();
    return create_old_view(old_schema, birth.table);
}

/* One relation depends on the other, which is recorded once. */
PG_GUARDED void record_dependency(Oid dependent, DependencyType type, Oid referenced)
{
    if (!OidIsValid(dependent) || !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(dependent)))
        return;
    deleteDependencyRecordsForSpecific(RelationRelationId, dependent, static_cast<char>(type),
                                       RelationRelationId, referenced);
    ObjectAddress from;
    ObjectAddress to;
    ObjectAddressSet(from, RelationRelationId, dependent);
    ObjectAddressSet(to, RelationRelationId, referenced);
    recordDependencyOn(&from, &to, type);
}

/* Errors while the session itself still uses what is about to change its kind and its contents. */
PG_GUARDED void check_not_in_use(Oid table)
{
    Relation opened = table_open(table, NoLock);
    CheckTableNotInUse(opened, "convert");
    table_close(opened, NoLock);
}

} // namespace

PG_GUARDED void record_dependencies(const catalog::Registration &registration)
{
    record_dependency(registration.imat, DEPENDENCY_NORMAL, registration.definition);
    if (OidIsValid(registration.over_subqueries))
        record_dependency(registration.imat, DEPENDENCY_NORMAL, registration.over_subqueries);
    record_dependency(registration.state, DEPENDENCY_AUTO, registration.imat);
    for (Oid table : registration.multiplicities)
        record_dependency(table, DEPENDENCY_AUTO, registration.imat);
    record_dependency(registration.old_view, DEPENDENCY_AUTO, registration.imat);
    CommandCounterIncrement();
}

PG_GUARDED void finish_keys(Imat *imat, Oid primary_key)
{
    if (!OidIsValid(primary_key))
        return;
    forbid_nulls(*imat, primary_key);
    make_primary_key(imat->registration.imat, primary_key);
    imat->registration.identified = true;
}

PG_GUARDED bool equip(Imat *imat, bool build, Oid *primary_key)
{
    catalog::Registration &registration = imat->registration;
    if (imat->by_group && !create_indexes(registration.imat, *imat->view, false, build, primary_key)) {
        ereport(NOTICE, errmsg("table %s will be maintained by swap", name_of(registration.imat)),
                errdetail("No index is possible by which its rows could be found."));
        registration.strategy = model::Strategy::Swap;
        imat->strategy = model::Strategy::Swap;
        imat->by_group = false;
    }
    if (imat->by_group && imat->view->needs_state) {
        create_hidden_tables(&registration, *imat->view, build);
        record_dependencies(registration);
        *imat = *describe(registration);
    }
    return imat->by_group;
}

PG_GUARDED void establish(const Birth &birth)
{
    Imat *imat = describe(registration_of(birth));
    Oid primary_key = InvalidOid;
    choose(birth.strategy, *imat->view);
    require_trigger(imat->view->sources);
    check_not_in_use(birth.table);
    capture(imat->view->sources);

    imat->registration.settings =
        imat->view->uses_settings ? catalog::current_settings() : settings_of_subqueries(imat->registration);
    if (!birth.from_materialized_view)
        match_persistence(birth.table, *imat->view);
    equip(imat, false, &primary_key);
    if (!birth.from_materialized_view)
        forbid_nulls(*imat, primary_key);
    const TimestampTz started = GetCurrentTimestamp();
    fill(imat, &primary_key);
    const TimestampTz filled = GetCurrentTimestamp();
    if (birth.from_materialized_view) {
        make_table_of(birth.table);
        match_persistence(birth.table, *imat->view);
        for (const Hidden &hidden : imat->hidden)
            match_persistence(hidden.table, *imat->view);
    }
    finish_keys(imat, primary_key);
    imat->registration.old_view = move(birth);
    protect(birth.table);
    record_dependencies(imat->registration);
    note_state(imat);
    catalog::insert(imat->registration, imat->view->sources);
    distrust_if_disabled(birth.table);
    observe::forget(birth.table);
    observe::record_fill(birth.table, filled - started);
}

} // namespace rebuild
