/*
 * ddl.cpp - what the commands of users do to sources and to IMATs: called by two event triggers.
 *
 * After every DROP (imat_on_sql_drop): IMATs whose tables are gone are forgotten, what else was dropped is
 * mended or refused (drop.cpp).  After CREATE TABLE, ALTER TABLE and CREATE TRIGGER (imat_on_ddl): new
 * children and partitions of sources get our triggers.  A partition that comes or goes with its rows changes
 * what the IMATs over its parent should show, and no trigger tells: they are recomputed.  And when a dump is
 * restored, which ends with the creation of triggers, the dependencies that dumps don't carry are recorded
 * again.
 *
 * All of this must cost next to nothing where no IMAT is concerned.  So what was done is asked of
 * PostgreSQL's own functions, without a query, and each object is looked up in our tables by index.  Nothing
 * happens while the extension itself comes or goes: then its tables aren't there.
 */
#include "flush/flush.hpp"
#include "pg/list.hpp"
#include "rebuild/parts.hpp"
#include "rebuild/rebuild.hpp"

namespace rebuild {

namespace {

/* Columns of pg_event_trigger_dropped_objects(). */
namespace dropped {
constexpr int class_id = 1;
constexpr int object = 2;
constexpr int sub_object = 3;
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

/* Is the extension there, with its tables? */
PG_GUARDED bool is_installed()
{
    const Oid schema = get_namespace_oid("imat", true);
    return OidIsValid(schema) && OidIsValid(get_relname_relid("registered", schema)) &&
           OidIsValid(get_relname_relid("source", schema)) &&
           OidIsValid(get_relname_relid("registered_pkey", schema)) &&
           OidIsValid(get_relname_relid("source_pkey", schema));
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

/* Was the dropped object a trigger of ours on a source? */
PG_GUARDED bool is_source_trigger(TupleTableSlot *row)
{
    return oid_in(row, dropped::class_id) == TriggerRelationId && is_capture(text_in(row, dropped::identity));
}

/* Recompute the IMATs in the list, with all that read them. */
PG_GUARDED void recompute_all(const List *imats)
{
    if (imats == NIL)
        return;
    flush::flush_now();
    for (Oid imat : pg::each_oid(imats))
        if (catalog::is_imat(imat))
            refresh_with_readers(imat);
}

/* Triggers of ours were dropped: an error unless they went with their tables. */
PG_GUARDED void check_all_captured()
{
    for (Oid imat : catalog::all_imats())
        for (Oid source : catalog::sources_of(imat))
            check_captured(source);
}

/* The IMATs over tables that have, or had, children. */
PG_GUARDED List *imats_over_parents()
{
    List *found = NIL;
    for (Oid imat : catalog::all_imats())
        for (Oid source : catalog::sources_of(imat))
            if (has_subclass(source))
                found = list_append_unique_oid(found, imat);
    return found;
}

/* Did an ALTER TABLE give the table other children or parents? */
PG_GUARDED bool changes_hierarchy(const CollectedCommand *command)
{
    if (command->type != SCT_AlterTable)
        return false;
    for (auto *part : pg::each<CollectedATSubcmd>(command->d.alterTable.subcmds)) {
        if (!IsA(part->parsetree, AlterTableCmd))
            continue;
        switch (reinterpret_cast<AlterTableCmd *>(part->parsetree)->subtype) {
        case AT_AttachPartition:
        case AT_DetachPartition:
        case AT_AddInherit:
        case AT_DropInherit:
            return true;
        default:
            break;
        }
    }
    return false;
}

/*
 * A table was created, or altered.  Most alterations are none of our business; while a dump is restored the
 * triggers must even be left for it to create.
 */
PG_GUARDED void after_table_command(Oid table, const CollectedCommand *command, List **changed)
{
    const char kind = get_rel_relkind(table);
    if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
        return;
    const bool moved = changes_hierarchy(command);
    if (command->type == SCT_AlterTable && !moved)
        return;
    List *readers = readers_of(table);
    if (readers != NIL)
        capture_table(table);
    if (!moved)
        return;
    *changed = list_concat_unique_oid(*changed, readers);
    if (readers == NIL)
        *changed = list_concat_unique_oid(*changed, imats_over_parents());
}

/* A trigger was created: if it is the one that protects an IMAT, this may be the end of a restoration. */
PG_GUARDED void after_trigger_command(Oid trigger)
{
    Oid table = InvalidOid;
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(trigger));
    Relation triggers = table_open(TriggerRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(triggers, TriggerOidIndexId, true, nullptr, 1, &key);
    HeapTuple row = systable_getnext(scan);
    if (HeapTupleIsValid(row)) {
        const auto *form = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row));
        if (is_protection(NameStr(form->tgname)))
            table = form->tgrelid;
    }
    systable_endscan(scan);
    table_close(triggers, AccessShareLock);

    catalog::Registration registration = {};
    if (OidIsValid(table) && catalog::find(table, &registration) &&
        SearchSysCacheExists1(RELOID, ObjectIdGetDatum(registration.definition)))
        record_dependencies(registration);
}

} // namespace

PG_GUARDED void on_sql_drop()
{
    if (!is_installed())
        return;
    bool part_dropped = false;
    bool source_dropped = false;
    each_row(F_PG_EVENT_TRIGGER_DROPPED_OBJECTS, [&](TupleTableSlot *row) {
        part_dropped = part_dropped || is_part(row);
        source_dropped = source_dropped || is_source_trigger(row);
    });
    if (part_dropped)
        after_drop();
    if (source_dropped) {
        check_all_captured();
        recompute_all(imats_over_parents());
    }
}

PG_GUARDED void on_ddl()
{
    if (!is_installed())
        return;
    List *changed = NIL;
    each_row(F_PG_EVENT_TRIGGER_DDL_COMMANDS, [&](TupleTableSlot *row) {
        bool null;
        const Oid object = oid_in(row, commanded::object);
        const auto *command = reinterpret_cast<CollectedCommand *>(
            DatumGetPointer(slot_getattr(row, commanded::command, &null)));
        if (oid_in(row, commanded::class_id) == RelationRelationId)
            after_table_command(object, command, &changed);
        else if (oid_in(row, commanded::class_id) == TriggerRelationId)
            after_trigger_command(object);
    });
    recompute_all(changed);
}

} // namespace rebuild
