/*
 * triggers.cpp - the triggers by which changes of sources are noticed, and IMATs are protected.
 *
 * Every table that some IMAT reads has one set of triggers, shared by all IMATs that read it: four for
 * statements, and one for rows, which fires for replicas only (see flush/capture.cpp); partitioned tables
 * have no rows, but one more for statements (see flush/moves.cpp).  They are ordinary triggers, which pg_dump
 * writes out, since a restored database must go on maintaining.  The set is put there under
 * ShareRowExclusiveLock, which waits for transactions that have written the table and lets none write it
 * until we commit: whoever writes next, fires it.
 *
 * A statement fires the triggers of the table that it names only, which need not be the one where the rows
 * are.  So every table by whose name rows of the source could be written has the set as well: its partitions
 * and children, and whatever those are partitions and children of.  These are its kin.
 *
 * IMATs may be sources, too.  Maintenance tells their readers itself, without triggers; they have the
 * set nevertheless, but for the row trigger, since an IMAT may become an ordinary table one day.
 *
 * Triggers are taken away when the last IMAT goes that reads a table of which this one is kin.
 *
 * IMATs, and the hidden tables of their groups, are protected by BEFORE triggers, which maintenance does not
 * fire: for statements, whatever session_replication_role says; and for rows, which are all that the workers
 * of logical replication fire.
 */
#include "catalog/catalog.hpp"
#include "flush/flush.hpp"
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
    bool by_row;
    char fires;
};

constexpr TriggerKind capture_triggers[] = {
    {flush::CAPTURE_INSERT_TRIGGER, "capture", TRIGGER_TYPE_AFTER, TRIGGER_TYPE_INSERT, false, true, false,
     TRIGGER_FIRES_ON_ORIGIN},
    {flush::CAPTURE_UPDATE_TRIGGER, "capture", TRIGGER_TYPE_AFTER, TRIGGER_TYPE_UPDATE, true, true, false,
     TRIGGER_FIRES_ON_ORIGIN},
    {flush::CAPTURE_DELETE_TRIGGER, "capture", TRIGGER_TYPE_AFTER, TRIGGER_TYPE_DELETE, true, false, false,
     TRIGGER_FIRES_ON_ORIGIN},
    {"imat_capture_truncate", "capture", TRIGGER_TYPE_AFTER, TRIGGER_TYPE_TRUNCATE, false, false, false,
     TRIGGER_FIRES_ALWAYS},
    {"imat_capture_row", "capture", TRIGGER_TYPE_AFTER,
     TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE, false, false, true,
     TRIGGER_FIRES_ON_REPLICA},
    {"imat_capture_before", "capture", TRIGGER_TYPE_BEFORE, TRIGGER_TYPE_UPDATE, false, false, false,
     TRIGGER_FIRES_ON_ORIGIN},
};

constexpr TriggerKind protect_triggers[] = {
    {"imat_protect", "protect", TRIGGER_TYPE_BEFORE,
     TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE, false, false, false,
     TRIGGER_FIRES_ALWAYS},
    {"imat_protect_row", "protect", TRIGGER_TYPE_BEFORE,
     TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE, false, false, true,
     TRIGGER_FIRES_ALWAYS},
    {"imat_protect_truncate", "protect", TRIGGER_TYPE_BEFORE, TRIGGER_TYPE_TRUNCATE, false, false, false,
     TRIGGER_FIRES_ALWAYS},
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

/* Is the trigger one that the table should have? */
PG_GUARDED bool is_wanted(Oid table, const TriggerKind &kind)
{
    if (kind.timing == TRIGGER_TYPE_BEFORE)
        return get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE;
    return !kind.by_row || (get_rel_relkind(table) == RELKIND_RELATION && !catalog::is_imat(table));
}

/* Have the trigger fire when it should. */
PG_GUARDED void set_firing(Oid table, const TriggerKind &kind)
{
    AlterTableCmd *command = makeNode(AlterTableCmd);
    command->subtype = kind.fires == TRIGGER_FIRES_ALWAYS       ? AT_EnableAlwaysTrig
                       : kind.fires == TRIGGER_FIRES_ON_REPLICA ? AT_EnableReplicaTrig
                                                                : AT_EnableTrig;
    command->name = pstrdup(kind.name);
    as_superuser([&] {
        alter_table(table, list_make1(command));
        return table;
    });
}

/* The trigger of this kind's name on the table; false: there is none. */
PG_GUARDED bool find_trigger(Oid table, const TriggerKind &kind, FormData_pg_trigger *found)
{
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
    ScanKeyInit(&keys[1], Anum_pg_trigger_tgname, BTEqualStrategyNumber, F_NAMEEQ,
                CStringGetDatum(kind.name));
    return copy_trigger(TriggerRelidNameIndexId, keys, 2, found);
}

/* Has a trigger the function, the events and the timing of its kind, and nothing else? */
PG_GUARDED bool fits(const TriggerKind &kind, const FormData_pg_trigger &trigger)
{
    const auto type = static_cast<int16>(kind.timing | kind.events | (kind.by_row ? TRIGGER_TYPE_ROW : 0));
    return trigger.tgfoid == function_of(kind) && trigger.tgtype == type &&
           !OidIsValid(trigger.tgconstraint) && !trigger.tgdeferrable;
}

/* Create one trigger, unless it is there; an error where another has its name. */
PG_GUARDED void create_trigger(Oid table, const TriggerKind &kind)
{
    FormData_pg_trigger found;
    if (find_trigger(table, kind, &found)) {
        if (fits(kind, found))
            return;
        ereport(ERROR, errcode(ERRCODE_DUPLICATE_OBJECT),
                errmsg("trigger %s on table %s is not one of pg_imat", quote_identifier(kind.name),
                       name_of(table)),
                errhint("Rename or drop it."));
    }
    CreateTrigStmt *statement = makeNode(CreateTrigStmt);
    statement->trigname = pstrdup(kind.name);
    statement->timing = kind.timing;
    statement->events = kind.events;
    statement->row = kind.by_row;
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
    if (kind.fires != TRIGGER_FIRES_ON_ORIGIN)
        set_firing(table, kind);
}

/* Drop one trigger, if it is there and ours. */
PG_GUARDED void drop_trigger(Oid table, const TriggerKind &kind)
{
    FormData_pg_trigger found;
    if (!find_trigger(table, kind, &found) || !fits(kind, found))
        return;
    ObjectAddress address;
    ObjectAddressSet(address, TriggerRelationId, found.oid);
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

/* Add the table, and all that it is a partition or child of, directly or not. */
PG_GUARDED void add_with_ancestors(List **found, Oid table)
{
    check_stack_depth();
    if (list_member_oid(*found, table))
        return;
    for (Oid parent : pg::each_oid(parents_of(table)))
        add_with_ancestors(found, parent);
    *found = lappend_oid(*found, table);
}

/* When the table's trigger of this kind fires (pg_trigger.tgenabled), or 0 if there is none. */
PG_GUARDED char firing_of(Oid table, const TriggerKind &kind)
{
    FormData_pg_trigger found;
    return find_trigger(table, kind, &found) ? found.tgenabled : '\0';
}

/* The kind of trigger of that name, or NULL. */
PG_GUARDED const TriggerKind *kind_named(const char *name)
{
    for (const TriggerKind &kind : capture_triggers)
        if (strcmp(kind.name, name) == 0)
            return &kind;
    for (const TriggerKind &kind : protect_triggers)
        if (strcmp(kind.name, name) == 0)
            return &kind;
    return nullptr;
}

/* The name of a trigger function of ours, or NULL. */
PG_GUARDED const char *function_of_ours(Oid function)
{
    for (const TriggerKind *kind : {&capture_triggers[0], &protect_triggers[0]})
        if (function_of(*kind) == function)
            return kind->function;
    return nullptr;
}

/* An error for a child, or other kin, of sources that can't be followed. */
PG_GUARDED void check_kind(Oid table)
{
    const bool foreign = get_rel_relkind(table) == RELKIND_FOREIGN_TABLE;
    const bool temporary = get_rel_persistence(table) == RELPERSISTENCE_TEMP;
    if (!foreign && !temporary)
        return;
    const List *readers = readers_of(table);
    ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
            errmsg("%s table %s cannot share rows with a source of an incremental materialized table",
                   foreign ? "foreign" : "temporary", quote_identifier(get_rel_name(table))),
            readers == NIL ? 0 : errdetail("%s reads it.", name_of(linitial_oid(readers))),
            errhint(foreign ? "Changes made on the foreign server cannot be noticed."
                            : "Other sessions cannot see it."));
}

/* The IMAT, and the tables that its groups are kept in, as far as there are any. */
PG_GUARDED List *protected_of(Oid imat)
{
    catalog::Registration registration = {};
    List *tables = list_make1_oid(imat);
    if (!catalog::find(imat, &registration) || !OidIsValid(registration.state))
        return tables;
    tables = lappend_oid(tables, registration.state);
    for (Oid table : registration.multiplicities)
        tables = lappend_oid(tables, table);
    return tables;
}

/* Let visit see each trigger that protects the IMAT or captures changes of its sources, as it should be. */
template <class Visit>
PG_GUARDED void each_trigger(Oid imat, Visit visit)
{
    for (Oid table : pg::each_oid(protected_of(imat)))
        for (const TriggerKind &kind : protect_triggers)
            visit(table, kind);
    for (Oid source : catalog::sources_of(imat))
        for (Oid table : pg::each_oid(kin_of(source)))
            for (const TriggerKind &kind : capture_triggers)
                if (is_wanted(table, kind))
                    visit(table, kind);
}

/* An error if a statement of this session that is still running uses the table. */
PG_GUARDED void check_not_in_use(Oid table)
{
    if (is_in_use(table))
        ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE),
                errmsg("cannot maintain an incremental materialized table over \"%s\"", get_rel_name(table)),
                errdetail("The table is being used by active queries in this session."),
                errhint("Run this as a statement of its own, with no cursor open over the table."));
}

} // namespace

PG_GUARDED bool is_in_use(Oid table)
{
    Relation opened = table_open(table, AccessShareLock);
    const bool in_use = opened->rd_refcnt > 1;
    table_close(opened, NoLock);
    return in_use;
}

PG_GUARDED List *parents_of(Oid table)
{
    List *parents = NIL;
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
    Relation inherits = table_open(InheritsRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, nullptr, 1, &key);
    for (HeapTuple row = systable_getnext(scan); HeapTupleIsValid(row); row = systable_getnext(scan)) {
        const auto *form = reinterpret_cast<Form_pg_inherits>(GETSTRUCT(row));
        if (!pg::is_leaving(form))
            parents = lappend_oid(parents, form->inhparent);
    }
    systable_endscan(scan);
    table_close(inherits, AccessShareLock);
    return parents;
}

PG_GUARDED List *kin_of(Oid table)
{
    List *kin = NIL;
    for (Oid child : pg::each_oid(find_all_inheritors(table, NoLock, nullptr)))
        add_with_ancestors(&kin, child);
    return kin;
}

PG_GUARDED List *readers_of(Oid table)
{
    List *readers = NIL;
    for (Oid kin : pg::each_oid(kin_of(table)))
        for (Oid imat : catalog::imats_on(kin))
            readers = list_append_unique_oid(readers, imat);
    return readers;
}

PG_GUARDED List *kept_in(Oid table)
{
    List *imats = NIL;
    for (Oid imat : catalog::all_imats()) {
        catalog::Registration registration = {};
        if (imat == table ||
            (catalog::find(imat, &registration) && catalog::keeps_groups_in(registration, table)))
            imats = lappend_oid(imats, imat);
    }
    return imats;
}

PG_GUARDED List *readers_above(Oid table)
{
    List *readers = NIL;
    List *tables = NIL;
    add_with_ancestors(&tables, table);
    for (Oid above : pg::each_oid(tables))
        for (Oid imat : catalog::imats_on(above))
            readers = list_append_unique_oid(readers, imat);
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
    lock_with_children(table, ShareRowExclusiveLock);
    for (Oid kin : pg::each_oid(kin_of(table))) {
        check_kind(kin);
        for (const TriggerKind &kind : capture_triggers)
            if (is_wanted(kin, kind))
                create_trigger(kin, kind);
        CacheInvalidateRelcacheByRelid(kin);
    }
}

PG_GUARDED void capture(const model::Array<model::Source> &sources)
{
    for (const model::Source &source : sources) {
        lock_with_children(source.relation, ShareRowExclusiveLock);
        for (Oid table : pg::each_oid(kin_of(source.relation)))
            check_not_in_use(table);
        capture_table(source.relation);
    }
}

PG_GUARDED void release(const model::Array<Oid> &sources)
{
    for (Oid source : sources) {
        if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(source)))
            continue;
        for (Oid table : pg::each_oid(kin_of(source)))
            if (readers_of(table) == NIL && !release_table(table))
                ereport(NOTICE,
                        errmsg("triggers of pg_imat remain on table %s, which is in use", name_of(table)),
                        errdetail("They do nothing any more and may be dropped."));
    }
}

PG_GUARDED void check_captured(Oid imat)
{
    each_trigger(imat, [imat](Oid table, const TriggerKind &kind) {
        if (firing_of(table, kind) != '\0')
            return;
        ereport(ERROR, errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
                errmsg("cannot drop trigger %s on table %s because incremental materialized table %s depends "
                       "on it",
                       quote_identifier(kind.name), name_of(table), name_of(imat)),
                errhint("Use imat.drop to drop the incremental materialized table."));
    });
}

PG_GUARDED bool has_all_triggers(Oid imat)
{
    bool all = true;
    each_trigger(imat,
                 [&](Oid table, const TriggerKind &kind) { all = all && firing_of(table, kind) != '\0'; });
    return all;
}

PG_GUARDED const char *find_disabled(Oid imat)
{
    const char *disabled = nullptr;
    each_trigger(imat, [&](Oid table, const TriggerKind &kind) {
        if (disabled == nullptr && firing_of(table, kind) == TRIGGER_DISABLED)
            disabled = psprintf("trigger %s on table %s", quote_identifier(kind.name), name_of(table));
    });
    return disabled;
}

PG_GUARDED void mend_firing(Oid table)
{
    auto mend = [&](const TriggerKind &kind) {
        const char fires = firing_of(table, kind);
        if (fires != '\0' && fires != TRIGGER_DISABLED && fires != kind.fires)
            set_firing(table, kind);
    };
    for (const TriggerKind &kind : capture_triggers)
        mend(kind);
    for (const TriggerKind &kind : protect_triggers)
        mend(kind);
}

PG_GUARDED bool copy_trigger(Oid index, ScanKeyData *keys, int size, FormData_pg_trigger *found)
{
    Relation triggers = table_open(TriggerRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(triggers, index, true, nullptr, size, keys);
    HeapTuple row = systable_getnext(scan);
    const bool there = HeapTupleIsValid(row);
    if (there)
        memcpy(found, GETSTRUCT(row), offsetof(FormData_pg_trigger, tgattr));
    systable_endscan(scan);
    table_close(triggers, AccessShareLock);
    return there;
}

PG_GUARDED void check_trigger(const FormData_pg_trigger &trigger)
{
    const char *name = NameStr(trigger.tgname);
    const TriggerKind *kind = kind_named(name);
    const char *function = function_of_ours(trigger.tgfoid);
    if (kind == nullptr && function == nullptr)
        return;
    if (kind != nullptr && fits(*kind, trigger))
        return;
    if (function == nullptr && readers_of(trigger.tgrelid) == NIL && !catalog::is_imat(trigger.tgrelid))
        return;
    ereport(
        ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
        errmsg("cannot change or copy a trigger of pg_imat on table %s", name_of(trigger.tgrelid)),
        errdetail("Trigger %s would not be what create_imat and imat.create make.", quote_identifier(name)),
        errhint("Choose another name, or another function, for a trigger of your own."));
}

PG_GUARDED List *unprotected_tables()
{
    List *found = NIL;
    for (Oid imat : catalog::all_imats())
        for (Oid table : pg::each_oid(protected_of(imat))) {
            bool disabled = true;
            for (const TriggerKind &kind : protect_triggers)
                disabled = disabled && firing_of(table, kind) == TRIGGER_DISABLED;
            if (disabled)
                found = lappend_oid(found, table);
        }
    return found;
}

PG_GUARDED bool is_protection(const char *name)
{
    return strcmp(name, protect_triggers[0].name) == 0;
}

PG_GUARDED bool is_ours(const char *identity)
{
    return strncmp(identity, flush::CAPTURE_TRIGGER_PREFIX, strlen(flush::CAPTURE_TRIGGER_PREFIX)) == 0 ||
           strncmp(identity, protect_triggers[0].name, strlen(protect_triggers[0].name)) == 0;
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
