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

constexpr TriggerKind CAPTURE[] = {
    {"imat_capture_insert", "capture", TRIGGER_TYPE_AFTER, TRIGGER_TYPE_INSERT, false, true},
    {"imat_capture_update", "capture", TRIGGER_TYPE_AFTER, TRIGGER_TYPE_UPDATE, true, true},
    {"imat_capture_delete", "capture", TRIGGER_TYPE_AFTER, TRIGGER_TYPE_DELETE, true, false},
    {"imat_capture_truncate", "capture", TRIGGER_TYPE_AFTER, TRIGGER_TYPE_TRUNCATE, false, false},
};

constexpr TriggerKind PROTECT[] = {
    {"imat_protect", "protect", TRIGGER_TYPE_BEFORE,
     TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE, false, false},
    {"imat_protect_truncate", "protect", TRIGGER_TYPE_BEFORE, TRIGGER_TYPE_TRUNCATE, false, false},
};

PG_GUARDED Oid function_of(const TriggerKind &kind)
{
    return LookupFuncName(list_make2(makeString(pstrdup("imat")), makeString(pstrdup(kind.function))), 0, nullptr,
                          false);
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

/* Is the table, or one above it, read by an IMAT? */
PG_GUARDED bool is_read(Oid table)
{
    check_stack_depth();
    if (catalog::imats_on(table).size > 0)
        return true;
    for (Oid parent : pg::each_oid(parents_of(table)))
        if (is_read(parent))
            return true;
    return false;
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

PG_GUARDED void capture(const model::Array<model::Source> &sources)
{
    for (const model::Source &source : sources)
        for (Oid table : pg::each_oid(find_all_inheritors(source.relation, ShareRowExclusiveLock, nullptr))) {
            LockRelationOid(table, ShareRowExclusiveLock);
            check_not_in_use(table);
            for (const TriggerKind &kind : CAPTURE)
                create_trigger(table, kind);
        }
}

PG_GUARDED void release(const model::Array<Oid> &sources)
{
    for (Oid source : sources) {
        if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(source)))
            continue;
        for (Oid table : pg::each_oid(find_all_inheritors(source, AccessExclusiveLock, nullptr)))
            for (const TriggerKind &kind : CAPTURE)
                if (!is_read(table))
                    drop_trigger(table, kind);
    }
}

PG_GUARDED void protect(Oid table)
{
    for (const TriggerKind &kind : PROTECT)
        create_trigger(table, kind);
}

PG_GUARDED void unprotect(Oid table)
{
    for (const TriggerKind &kind : PROTECT)
        drop_trigger(table, kind);
}

} // namespace rebuild
