/*
 * ddl.cpp - what the commands of users do to sources and to IMATs: called by three event triggers.
 *
 * After every DROP (imat_on_sql_drop): IMATs whose tables are gone are forgotten, what else was dropped is
 * mended or refused (drop.cpp).  Before ALTER TABLE and DROP TABLE (imat_before_ddl): what PostgreSQL would
 * refuse without naming the IMAT, and what would be too late afterwards (hierarchy.cpp); before CREATE
 * TRIGGER, too, where sessions that restore a dump have to wait for each other (restore.cpp).  Before
 * anything else that may drop something, the dependencies have to be known that pg_upgrade doesn't carry.
 * After commands that make, alter or replace something that an IMAT may depend on (imat_on_ddl): tables are
 * looked at in table_ddl.cpp; where a view, function, type, collation or policy has changed, the definitions
 * that depend on it may mean something else now, and their IMATs are revised. And when a dump is restored,
 * which ends with the creation of triggers, the dependencies that dumps don't carry are recorded again.
 *
 * All of this must cost next to nothing where no IMAT is concerned.  So what was done is asked of
 * PostgreSQL's own functions, without a query, and each object is looked up in our tables by index.  Nothing
 * happens while the extension itself comes or goes: then its tables aren't there.
 *
 * The event triggers are always enabled, also where session_replication_role is replica.
 */
#include "analyze/analyze.hpp"
#include "flush/flush.hpp"
#include "pg/list.hpp"
#include "rebuild/parts.hpp"
#include "rebuild/rebuild.hpp"

extern "C" {
#include "catalog/pg_policy.h"
}

namespace rebuild {

namespace {

/* Columns of pg_event_trigger_dropped_objects(). */
namespace dropped {
constexpr int class_id = 1;
constexpr int object = 2;
constexpr int sub_object = 3;
constexpr int original = 4;
constexpr int type = 7;
constexpr int schema = 8;
constexpr int identity = 10;
} // namespace dropped

/* Columns of pg_event_trigger_ddl_commands(). */
namespace commanded {
constexpr int class_id = 1;
constexpr int object = 2;
constexpr int command = 9;
} // namespace commanded

/* Let visit see the rows that one of PostgreSQL's functions for event triggers returns. */
template <class Visit>
PG_GUARDED void each_row(Oid function_oid, Visit visit)
{
    FmgrInfo function;
    LOCAL_FCINFO(call, 0);
    auto *result = makeNode(ReturnSetInfo);
    fmgr_info(function_oid, &function);
    result->econtext = CreateStandaloneExprContext();
    result->allowedModes = SFRM_Materialize;
    InitFunctionCallInfoData(*call, &function, 0, InvalidOid, nullptr, reinterpret_cast<Node *>(result));
    FunctionCallInvoke(call);
    if (result->setResult == nullptr)
        return;
    TupleTableSlot *row = MakeSingleTupleTableSlot(result->setDesc, &TTSOpsMinimalTuple);
    while (tuplestore_gettupleslot(result->setResult, true, false, row))
        visit(row);
    ExecDropSingleTupleTableSlot(row);
    tuplestore_end(result->setResult);
}

/* A text of a row, or an empty one for NULL. */
PG_GUARDED const char *text_in(TupleTableSlot *row, int column)
{
    bool null;
    const Datum value = slot_getattr(row, column, &null);
    return null ? "" : TextDatumGetCString(value);
}

PG_GUARDED Oid oid_in(TupleTableSlot *row, int column)
{
    bool null;
    return DatumGetObjectId(slot_getattr(row, column, &null));
}

/* Could the dropped object have been part of an IMAT? */
PG_GUARDED bool is_part(TupleTableSlot *row)
{
    bool null;
    if (oid_in(row, dropped::class_id) != RelationRelationId ||
        DatumGetInt32(slot_getattr(row, dropped::sub_object, &null)) != 0)
        return false;
    return strcmp(text_in(row, dropped::schema), "imat") == 0 ||
           strcmp(text_in(row, dropped::type), "view") == 0 || catalog::is_imat(oid_in(row, dropped::object));
}

/* Was it an index or a constraint, dropped by its name? */
PG_GUARDED bool is_index_by_itself(TupleTableSlot *row)
{
    bool null;
    const char *type = text_in(row, dropped::type);
    return DatumGetBool(slot_getattr(row, dropped::original, &null)) &&
           (strcmp(type, "index") == 0 || strcmp(type, "table constraint") == 0);
}

/* Was it a table whose rows somebody may miss?  Not an IMAT, which is no partition or child. */
PG_GUARDED bool is_unaccounted(TupleTableSlot *row)
{
    const Oid table = oid_in(row, dropped::object);
    return oid_in(row, dropped::class_id) == RelationRelationId &&
           strcmp(text_in(row, dropped::type), "table") == 0 &&
           strcmp(text_in(row, dropped::schema), "imat") != 0 && !catalog::is_imat(table) &&
           !is_accounted(table);
}

/* Was the dropped object a trigger of ours? */
PG_GUARDED bool is_trigger_of_ours(TupleTableSlot *row)
{
    return oid_in(row, dropped::class_id) == TriggerRelationId && is_ours(text_in(row, dropped::identity));
}

/* Does the statement drop with CASCADE? */
PG_GUARDED DropBehavior behavior_of(const Node *statement)
{
    if (statement == nullptr)
        return DROP_RESTRICT;
    if (IsA(statement, DropStmt))
        return reinterpret_cast<const DropStmt *>(statement)->behavior;
    if (IsA(statement, DropOwnedStmt))
        return reinterpret_cast<const DropOwnedStmt *>(statement)->behavior;
    if (IsA(statement, AlterTableStmt))
        for (auto *command :
             pg::each<AlterTableCmd>(reinterpret_cast<const AlterTableStmt *>(statement)->cmds))
            if (command->behavior == DROP_CASCADE)
                return DROP_CASCADE;
    return DROP_RESTRICT;
}

/* Triggers of ours were dropped: an error unless they went with their tables. */
PG_GUARDED void check_all_captured()
{
    for (Oid imat : catalog::all_imats())
        check_captured(imat);
}

/* The IMATs that can't be maintained as they are any more. */
PG_GUARDED List *misfits()
{
    List *found = NIL;
    for (Oid imat : catalog::all_imats())
        if (!fits(imat))
            found = lappend_oid(found, imat);
    return found;
}

/* Have the IMATs follow what was changed. */
PG_GUARDED void follow(const Changed &changed)
{
    if (changed.rows == NIL && changed.meaning == NIL)
        return;
    /* Of a dump, views that need a primary key are replaced, by what they were, before it has triggers. */
    List *revised = NIL;
    for (Oid imat : pg::each_oid(changed.meaning))
        if (!is_restoring() || has_all_triggers(imat))
            revised = lappend_oid(revised, imat);
    /* Who has written to their sources is waited for while we hold no lock yet that he needs to commit. */
    for (Oid imat : pg::each_oid(revised))
        lock_sources(imat, ShareRowExclusiveLock);
    /* An ATTACH or INHERIT has made changes pending after it has changed what definitions mean, and with that
     * what tells rows apart; of IMATs that these read, too. */
    for (Oid imat : pg::each_oid(changed.meaning))
        flush::forget_pending(imat);
    flush::flush_others(changed.meaning);
    CommandCounterIncrement();
    for (Oid imat : pg::each_oid(revised))
        revise(imat);
    /* Rows that an attribute was dropped from are ordered by those that are left. */
    for (Oid imat : pg::each_oid(changed.order))
        if (catalog::is_imat(imat))
            pg::rebuild_indexes(imat);
    for (Oid imat : pg::each_oid(changed.rows))
        if (!list_member_oid(changed.meaning, imat) && catalog::is_imat(imat))
            refresh_with_readers(imat);
}

/* The row of pg_trigger, copied; false: there is none any more. */
PG_GUARDED bool find_trigger(Oid trigger, FormData_pg_trigger *found)
{
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(trigger));
    return copy_trigger(TriggerOidIndexId, &key, 1, found);
}

/* A trigger was created or renamed: if it is the one that protects an IMAT, this may be the end of a
 * restoration. */
PG_GUARDED void after_trigger_command(Oid trigger)
{
    FormData_pg_trigger form;
    catalog::Registration registration = {};
    if (!find_trigger(trigger, &form))
        return;
    check_trigger(form);
    if (is_protection(NameStr(form.tgname)) && catalog::find(form.tgrelid, &registration) &&
        SearchSysCacheExists1(RELOID, ObjectIdGetDatum(registration.definition)))
        record_dependencies(registration);
}

/* The table of a policy; InvalidOid: it is gone. */
PG_GUARDED Oid table_of_policy(Oid policy)
{
    Oid table = InvalidOid;
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_policy_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(policy));
    Relation policies = table_open(PolicyRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(policies, PolicyOidIndexId, true, nullptr, 1, &key);
    HeapTuple row = systable_getnext(scan);
    if (HeapTupleIsValid(row))
        table = reinterpret_cast<Form_pg_policy>(GETSTRUCT(row))->polrelid;
    systable_endscan(scan);
    table_close(policies, AccessShareLock);
    return table;
}

/* May what the command did change what a definition means?  Not names, nor what is new. */
PG_GUARDED bool changes_meaning(const CollectedCommand *command)
{
    const Node *statement = command->parsetree;
    if (command->type == SCT_AlterTable)
        return true;
    if (command->type != SCT_Simple || statement == nullptr)
        return false;
    switch (nodeTag(statement)) {
    case T_RenameStmt:
    case T_AlterObjectSchemaStmt:
    case T_AlterObjectDependsStmt:
        return false;
    case T_AlterOwnerStmt:
        return reinterpret_cast<const AlterOwnerStmt *>(statement)->objectType == OBJECT_VIEW;
    case T_ViewStmt:
        return reinterpret_cast<const ViewStmt *>(statement)->replace;
    case T_RuleStmt: /* of views; others say what is done when a table is written, which is noticed by itself
                      */
        return reinterpret_cast<const RuleStmt *>(statement)->event == CMD_SELECT;
    case T_CreateFunctionStmt:
        return reinterpret_cast<const CreateFunctionStmt *>(statement)->replace;
    case T_DefineStmt:
        return reinterpret_cast<const DefineStmt *>(statement)->replace;
    case T_AlterEnumStmt: /* a new value is none of a row's yet */
        return reinterpret_cast<const AlterEnumStmt *>(statement)->oldVal != nullptr;
    default:
        return true;
    }
}

/* A view, its rule, a function, type, collation or the like was replaced or altered. */
PG_GUARDED void after_other_command(Oid class_id, Oid object, const CollectedCommand *command,
                                    Changed *changed)
{
    const bool is_relation = class_id == RelationRelationId;
    const char kind = is_relation ? get_rel_relkind(object) : '\0';
    if (kind == RELKIND_COMPOSITE_TYPE) {
        if (command->type == SCT_AlterTable || renames_columns(command))
            after_change_of_columns(object, changed);
    } else if (changes_meaning(command) && (!is_relation || kind == RELKIND_VIEW)) {
        changed->meaning = list_concat_unique_oid(changed->meaning, dependents_of(class_id, object));
    }
}

/* Privileges on tables or views were revoked; or granted, for which a dump's IMATs may have waited. */
PG_GUARDED void after_grant(const InternalGrant &command, Changed *changed)
{
    if (command.objtype != OBJECT_TABLE || (command.is_grant && !is_restoring()))
        return;
    List *imats = NIL;
    for (Oid relation : pg::each_oid(command.objects))
        imats = list_concat_unique_oid(imats, dependents_of(RelationRelationId, relation));
    for (Oid imat : pg::each_oid(imats)) {
        if (!command.is_grant)
            check_owner(imat);
        else if (is_postponed(imat))
            changed->rows = list_append_unique_oid(changed->rows, imat);
    }
}

} // namespace

PG_GUARDED void on_sql_drop(const Node *statement)
{
    if (!catalog::is_installed())
        return;
    bool part_dropped = false;
    bool trigger_dropped = false;
    bool policy_dropped = false;
    bool index_dropped = false;
    bool unaccounted = false;
    each_row(F_PG_EVENT_TRIGGER_DROPPED_OBJECTS, [&](TupleTableSlot *row) {
        part_dropped = part_dropped || is_part(row);
        trigger_dropped = trigger_dropped || is_trigger_of_ours(row);
        policy_dropped = policy_dropped || oid_in(row, dropped::class_id) == PolicyRelationId;
        index_dropped = index_dropped || is_index_by_itself(row);
        unaccounted = unaccounted || is_unaccounted(row);
    });
    forget_accounted();
    Changed changed = {};
    if (part_dropped)
        after_drop(behavior_of(statement));
    if (trigger_dropped) {
        check_all_captured();
        if (unaccounted)
            changed.rows = imats_over_parents();
    }
    if (policy_dropped)
        changed.meaning = imats_under_policies();
    if (index_dropped)
        changed.meaning = list_concat_unique_oid(changed.meaning, misfits());
    follow(changed);
}

PG_GUARDED void on_ddl()
{
    if (!catalog::is_installed())
        return;
    Changed changed = {};
    bool table_altered = false;
    each_row(F_PG_EVENT_TRIGGER_DDL_COMMANDS, [&](TupleTableSlot *row) {
        bool null;
        const Oid class_id = oid_in(row, commanded::class_id);
        const Oid object = oid_in(row, commanded::object);
        const auto *command = reinterpret_cast<CollectedCommand *>(
            DatumGetPointer(slot_getattr(row, commanded::command, &null)));
        if (command->type == SCT_Grant)
            return after_grant(*command->d.grant.istmt, &changed);
        table_altered = table_altered || command->type == SCT_AlterTable;
        if (class_id == RelationRelationId)
            after_table_command(object, command, &changed);
        if (class_id == TriggerRelationId)
            after_trigger_command(object);
        else if (class_id == PolicyRelationId)
            after_policy_command(table_of_policy(object), &changed);
        else
            after_other_command(class_id, object, command, &changed);
    });
    follow(changed);
    if (table_altered && is_restoring())
        make_room();
}

/* Does the statement drop our extension, whatever depends on it? */
PG_GUARDED static bool drops_extension(const DropStmt *statement)
{
    bool drops = false;
    if (statement->removeType == OBJECT_EXTENSION && statement->behavior == DROP_CASCADE)
        for (auto *name : pg::each<Node>(statement->objects))
            drops = drops || strcmp(strVal(name), "pg_imat") == 0;
    return drops;
}

PG_GUARDED void before_ddl(const Node *statement)
{
    if (statement == nullptr || !catalog::is_installed())
        return;
    if (!IsA(statement, CreateTrigStmt))
        complete_dependencies();
    if (IsA(statement, AlterTableStmt))
        before_alter_table(reinterpret_cast<const AlterTableStmt *>(statement));
    else if (IsA(statement, CreateTrigStmt))
        queue_if_restoring();
    else if (IsA(statement, DropStmt) && drops_extension(reinterpret_cast<const DropStmt *>(statement)))
        leave_tables();
    else if (IsA(statement, DropStmt))
        before_drop(reinterpret_cast<const DropStmt *>(statement));
}

} // namespace rebuild
