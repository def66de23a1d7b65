/*
 * triggers.cpp - the triggers by which changes of sources are noticed, and IMATs are protected.
 *
 * Every table that some IMAT reads has one set of four statement triggers, shared by all IMATs that read it.
 * They are ordinary triggers, which pg_dump writes out, since a restored database must go on maintaining.  A
 * statement addressed to a child table or partition fires the child's triggers only, so children have the
 * set as well.  The set is put there under ShareRowExclusiveLock, which waits for transactions that have
 * written the table and lets none write it until we commit: whoever writes next, fires it.
 *
 * Triggers are taken away when the last IMAT goes that reads the table or one of its parents.
 */
#include "pg/list.hpp"
#include "rebuild/parts.hpp"

namespace rebuild {

namespace {

/* A trigger of ours. */
struct TriggerKind {
    const char *name;
    const char *function;
    int16 timing;
    int16 events;
    bool old_rows;
    bool new_rows;
};

constexpr TriggerKind capture_triggers[] = {
    {"imat_capture_insert", "capture", TRIGGER_TYPE_AFTER, TRIGGER_TYPE_INSERT, false, true},
    {"imat_capture_update", "capture", TRIGGER_TYPE_AFTER, TRIGGER_TYPE_UPDATE, true, true},
    {"imat_capture_delete", "capture", TRIGGER_TYPE_AFTER, TRIGGER_TYPE_DELETE, true, false},
    {"imat_capture_truncate", "capture", TRIGGER_TYPE_AFTER, TRIGGER_TYPE_TRUNCATE, false, false},
};

constexpr TriggerKind protect_triggers[] = {
    {"imat_protect", "protect", TRIGGER_TYPE_BEFORE,
     TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE, false, false},
    {"imat_protect_truncate", "protect", TRIGGER_TYPE_BEFORE, TRIGGER_TYPE_TRUNCATE, false, false},
};

PG_GUARDED Oid function_of(const TriggerKind &kind)
{
    return LookupFuncName(list_make2(makeString(pstrdup("imat")), makeString(pstrdup(kind.function))), 0,
                          nullptr, false);
}

PG_GUARDED TriggerTransition *transition_table(const char *name, bool is_new)
{
    TriggerTransition *transition = makeNode(TriggerTransition);
    transition->name = pstrdup(name);
    transition->isNew = is_new;
    transition->isTable = true;
    return transition;
}

/* Create one trigger, unless it is there. */
PG_GUARDED void create_trigger(Oid table, const TriggerKind &kind)
{
    if (OidIsValid(get_trigger_oid(table, kind.name, true)))
        return;
    CreateTrigStmt *statement = makeNode(CreateTrigStmt);
    statement->trigname = pstrdup(kind.name);
    statement->timing = kind.timing;
    statement->events = kind.events;
    if (kind.old_rows)
        statement->transitionRels = lappend(statement->transitionRels, transition_table("imat_old", false));
    if (kind.new_rows)
        statement->transitionRels = lappend(statement->transitionRels, transition_table("imat_new", true));
    as_superuser([&] {
        return CreateTrigger(statement, "", table, InvalidOid, InvalidOid, InvalidOid, function_of(kind),
                             InvalidOid, nullptr, false, false)
            .objectId;
    });
    CommandCounterIncrement();
}

/* Drop one trigger, if it is there. */
PG_GUARDED void drop_trigger(Oid table, const TriggerKind &kind)
{
    const Oid trigger = get_trigger_oid(table, kind.name, true);
    if (!OidIsValid(trigger))
        return;
    ObjectAddress address;
    ObjectAddressSet(address, TriggerRelationId, trigger);
    performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
}

/* Take the triggers from a table; false: it is in use, and waiting for it could be a deadlock. */
PG_GUARDED bool release_table(Oid table)
{
    if (!try_to_lock(table))
        return false;
    for (const TriggerKind &kind : capture_triggers)
        if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)))
            drop_trigger(table, kind);
    return true;
}

/* The tables of which the table is a child or partition. */
PG_GUARDED List *parents_of(Oid table)
{
    List *parents = NIL;
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
    Relation inherits = table_open(InheritsRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, nullptr, 1, &key);
    for (HeapTuple row = systable_getnext(scan); HeapTupleIsValid(row); row = systable_getnext(scan))
        parents = lappend_oid(parents, reinterpret_cast<Form_pg_inherits>(GETSTRUCT(row))->inhparent);
    systable_endscan(scan);
    table_close(inherits, AccessShareLock);
    return parents;
}

/* An error if a statement of this session that is still running uses the table. */
PG_GUARDED void check_not_in_use(Oid table)
{
    Relation opened = table_open(table, NoLock);
    if (opened->rd_refcnt > 1)
        ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE),
                errmsg("cannot maintain an incremental materialized table over \"%s\"",
                       RelationGetRelationName(opened)),
                errdetail("The table is being used by active queries in this session."),
                errhint("Run this as a statement of its own, with no cursor open over the table."));
    table_close(opened, NoLock);
}

} // namespace

PG_GUARDED List *readers_of(Oid table)
{
    check_stack_depth();
    List *readers = NIL;
    for (Oid imat : catalog::imats_on(table))
        readers = list_append_unique_oid(readers, imat);
    for (Oid parent : pg::each_oid(parents_of(table)))
        readers = list_concat_unique_oid(readers, readers_of(parent));
    return readers;
}

PG_GUARDED List *lock_with_children(Oid table, LOCKMODE lock)
{
    LockRelationOid(table, lock);
    return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)) ? find_all_inheritors(table, lock, nullptr)
                                                                  : NIL;
}

PG_GUARDED void capture_table(Oid table)
{
    for (Oid child : pg::each_oid(lock_with_children(table, ShareRowExclusiveLock)))
        for (const TriggerKind &kind : capture_triggers)
            create_trigger(child, kind);
}

PG_GUARDED void capture(const model::Array<model::Source> &sources)
{
    for (const model::Source &source : sources) {
        for (Oid table : pg::each_oid(lock_with_children(source.relation, ShareRowExclusiveLock)))
            check_not_in_use(table);
        capture_table(source.relation);
    }
}

PG_GUARDED void check_captured(Oid source)
{
    for (Oid table : pg::each_oid(find_all_inheritors(source, NoLock, nullptr)))
        for (const TriggerKind &kind : capture_triggers)
            if (!OidIsValid(get_trigger_oid(table, kind.name, true)))
                ereport(
                    ERROR, errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
                    errmsg(
                        "cannot drop trigger %s on table %s because incremental materialized tables read it",
                        quote_identifier(kind.name), name_of(table)),
                    errhint("imat.source lists them.  Use imat.drop to drop them."));
}

PG_GUARDED void release(const model::Array<Oid> &sources)
{
    for (Oid source : sources) {
        if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(source)))
            continue;
        for (Oid table : pg::each_oid(find_all_inheritors(source, NoLock, nullptr)))
            if (readers_of(table) == NIL && !release_table(table))
                ereport(NOTICE,
                        errmsg("triggers of pg_imat remain on table %s, which is in use", name_of(table)),
                        errdetail("They do nothing any more and may be dropped."));
    }
}

PG_GUARDED bool is_protection(const char *name)
{
    return strcmp(name, protect_triggers[0].name) == 0;
}

PG_GUARDED bool is_capture(const char *name)
{
    return strncmp(name, "imat_capture_", strlen("imat_capture_")) == 0;
}

PG_GUARDED void protect(Oid table)
{
    for (const TriggerKind &kind : protect_triggers)
        create_trigger(table, kind);
}

PG_GUARDED void unprotect(Oid table)
{
    for (const TriggerKind &kind : protect_triggers)
        drop_trigger(table, kind);
}

} // namespace rebuild
