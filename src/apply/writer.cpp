/*
 * writer.cpp - writing rows of a table outside of a ModifyTable plan.
 *
 * What INSERT, DELETE and UPDATE do around the table access method is done here by the same functions of
 * the executor: defaults, generated columns, NOT NULL and CHECK constraints, index entries with their
 * uniqueness, and AFTER ROW triggers, among which are foreign keys in both directions.  BEFORE triggers are
 * not fired: the contents of an IMAT are what its definition says, not what a trigger would rather have.
 * (That an IMAT is written by nobody else is seen to by a BEFORE STATEMENT trigger of ours, which is so not
 * in the way.)
 *
 * Rows that somebody has locked are waited for, unless the caller would rather know.  Memory: everything is
 * in the writer's EState, which is made when it is first needed; close_writer frees it.
 *
 * Follows apply_handle_insert and its siblings (PostgreSQL, replication/logical/worker.c).
 */
#include "apply/writer.hpp"

#include "pg/list.hpp"

namespace apply {

namespace {

/* An error for a table whose columns are no longer those of its definition. */
PG_GUARDED void check_column(Relation table, TupleDesc row_type, int i)
{
    TupleDesc layout = RelationGetDescr(table);
    const FormData_pg_attribute *wanted = TupleDescAttr(row_type, i);
    if (i < layout->natts && !TupleDescAttr(layout, i)->attisdropped &&
        TupleDescAttr(layout, i)->atttypid == wanted->atttypid)
        return;
    ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
            errmsg("the columns of table %s are not those of its definition any more",
                   quote_qualified_identifier(get_namespace_name(RelationGetNamespace(table)),
                                              RelationGetRelationName(table))),
            errdetail("Column %d should be %s of type %s.", i + 1, quote_identifier(NameStr(wanted->attname)),
                      format_type_be(wanted->atttypid)),
            errhint("Undo the change of the column, or give the table up with imat.drop(..., 'table')."));
}

/* What a write came to: an error unless it is done. */
PG_GUARDED void expect_ok(Relation table, TM_Result result)
{
    if (result == TM_Ok)
        return;
    ereport(
        ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
        errmsg("could not write table \"%s\" because of a concurrent change", RelationGetRelationName(table)),
        errdetail("Another transaction has changed, or deleted, a row that this one was about to write."),
        errhint("Retry the transaction."));
}

} // namespace

/* What constraints, index entries and triggers are seen to with.  Most updates need nothing of it. */
PG_GUARDED static void start_executor(Writer *writer)
{
    if (writer->estate != nullptr)
        return;
    MemoryContext caller = MemoryContextSwitchTo(writer->memory);
    writer->estate = pg::create_write_state(writer->table, writer->command);
    MemoryContextSwitchTo(writer->estate->es_query_cxt);
    writer->info = makeNode(ResultRelInfo);
    InitResultRelInfo(writer->info, writer->table, 1, nullptr, 0);
    MemoryContextSwitchTo(caller);
}

PG_GUARDED bool has_row_triggers(Relation table)
{
    const TriggerDesc *triggers = table->trigdesc;
    return triggers != nullptr && (triggers->trig_insert_after_row || triggers->trig_update_after_row ||
                                   triggers->trig_delete_after_row);
}

/* Has the table columns beside the given ones that have values of their own? */
PG_GUARDED static bool has_own_columns(TupleDesc layout, int given)
{
    for (int i = given; i < layout->natts; ++i)
        if (!TupleDescAttr(layout, i)->attisdropped && TupleDescAttr(layout, i)->attgenerated == '\0')
            return true;
    return false;
}

PG_GUARDED Writer *open_writer(Relation table, TupleDesc row_type, bool with_indexes)
{
    for (int i = 0; i < row_type->natts; i++)
        check_column(table, row_type, i);

    auto *writer = static_cast<Writer *>(palloc0(sizeof(Writer)));
    writer->table = table;
    writer->memory = CurrentMemoryContext;
    writer->columns = row_type->natts;
    writer->own_columns = has_own_columns(RelationGetDescr(table), row_type->natts);
    writer->command = GetCurrentCommandId(true);
    writer->slot = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsVirtual);
    writer->slot->tts_tableOid = RelationGetRelid(table);
    writer->with_indexes = with_indexes;
    writer->row_triggers = with_indexes && has_row_triggers(table);
    if (writer->row_triggers) {
        start_executor(writer);
        AfterTriggerBeginQuery();
    }
    return writer;
}

/* Is there something to compute or to check, or a NULL to complain of? */
PG_GUARDED static bool needs_checks(const Writer &writer, const TupleTableSlot *row)
{
    TupleDesc layout = RelationGetDescr(writer.table);
    const TupleConstr *constraints = layout->constr;
    if (constraints == nullptr)
        return false;
    if (constraints->has_generated_stored || writer.table->rd_rel->relchecks > 0)
        return true;
    for (int i = 0; i < layout->natts; ++i)
        if (row->tts_isnull[i] && TupleDescAttr(layout, i)->attnotnull)
            return true;
    return false;
}

/* The values of the owner's columns in a new row: their defaults. */
PG_GUARDED static void add_defaults(Writer *writer, TupleTableSlot *slot)
{
    start_executor(writer);
    if (writer->defaults == nullptr) {
        MemoryContext caller = MemoryContextSwitchTo(writer->estate->es_query_cxt);
        TupleDesc layout = RelationGetDescr(writer->table);
        writer->defaults = static_cast<ExprState **>(palloc0(sizeof(ExprState *) * layout->natts));
        for (int i = writer->columns; i < layout->natts; ++i) {
            const FormData_pg_attribute *column = TupleDescAttr(layout, i);
            Node *value = column->attisdropped || column->attgenerated != '\0'
                              ? nullptr
                              : build_column_default(writer->table, i + 1);
            if (value != nullptr)
                writer->defaults[i] =
                    ExecInitExpr(expression_planner(reinterpret_cast<Expr *>(value)), nullptr);
        }
        MemoryContextSwitchTo(caller);
    }
    for (int i = writer->columns; i < slot->tts_tupleDescriptor->natts; ++i)
        if (writer->defaults[i] != nullptr)
            slot->tts_values[i] = ExecEvalExprSwitchContext(
                writer->defaults[i], GetPerTupleExprContext(writer->estate), &slot->tts_isnull[i]);
}

/* The values of the owner's columns in a row that is updated: as they are. */
PG_GUARDED static void keep_own_columns(Writer *writer, TupleTableSlot *slot, ItemPointer where)
{
    if (writer->old == nullptr) {
        MemoryContext caller = MemoryContextSwitchTo(writer->memory);
        writer->old = table_slot_create(writer->table, nullptr);
        MemoryContextSwitchTo(caller);
    }
    if (!table_tuple_fetch_row_version(writer->table, where, SnapshotAny, writer->old))
        return;
    slot_getallattrs(writer->old);
    for (int i = writer->columns; i < slot->tts_tupleDescriptor->natts; ++i) {
        if (TupleDescAttr(slot->tts_tupleDescriptor, i)->attisdropped)
            continue;
        slot->tts_values[i] = writer->old->tts_values[i];
        slot->tts_isnull[i] = writer->old->tts_isnull[i];
    }
}

/* The row in the layout of the table, of which where is the old version; NULL: it is new. */
PG_GUARDED static TupleTableSlot *prepare(Writer *writer, TupleTableSlot *row, ItemPointer where)
{
    TupleTableSlot *slot = writer->slot;

    slot_getallattrs(row);
    ExecClearTuple(slot);
    if (writer->estate != nullptr)
        ResetPerTupleExprContext(writer->estate);
    for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++) {
        slot->tts_isnull[i] = i >= writer->columns || row->tts_isnull[i];
        slot->tts_values[i] = slot->tts_isnull[i] ? Datum(0) : row->tts_values[i];
    }
    if (writer->own_columns && where == nullptr)
        add_defaults(writer, slot);
    else if (writer->own_columns)
        keep_own_columns(writer, slot, where);
    ExecStoreVirtualTuple(slot);
    if (needs_checks(*writer, slot)) {
        start_executor(writer);
        if (RelationGetDescr(writer->table)->constr->has_generated_stored)
            pg::compute_stored_generated(writer->info, writer->estate, slot,
                                         where == nullptr ? CMD_INSERT : CMD_UPDATE);
        ExecConstraints(writer->info, slot, writer->estate);
    }
    return slot;
}

PG_GUARDED TupleTableSlot *prepare_row(Writer *writer, TupleTableSlot *row)
{
    return prepare(writer, row, nullptr);
}

namespace {

/*
 * Make index entries for a row that was written; the indexes whose constraints are to be checked later.  Most
 * updates need none, so the indexes are opened only here.
 */
PG_GUARDED List *index_row(Writer *writer, TupleTableSlot *slot, bool update, bool only_summarizing)
{
    if (!writer->with_indexes)
        return NIL;
    start_executor(writer);
    if (!writer->indexes_open) {
        MemoryContext caller = MemoryContextSwitchTo(writer->estate->es_query_cxt);
        ExecOpenIndices(writer->info, false);
        writer->indexes_open = true;
        MemoryContextSwitchTo(caller);
    }
    if (writer->info->ri_NumIndices == 0)
        return NIL;
    return pg::insert_index_tuples(writer->info, slot, writer->estate, update, only_summarizing);
}

PG_GUARDED TM_Result do_delete(Writer *writer, ItemPointer where, Snapshot snapshot, bool wait)
{
    TM_FailureData failure;
    const TM_Result result = table_tuple_delete(writer->table, where, writer->command, snapshot,
                                                InvalidSnapshot, wait, &failure, false);
    if (result == TM_Ok && writer->row_triggers)
        pg::after_row_delete(writer->estate, writer->info, where);
    return result;
}

PG_GUARDED TM_Result do_update(Writer *writer, ItemPointer where, TupleTableSlot *row, Snapshot snapshot,
                               bool wait)
{
    TM_FailureData failure;
    pg::IndexesToUpdate indexes;
    List *recheck = NIL;
    TupleTableSlot *slot = prepare(writer, row, where);
    const TM_Result result =
        pg::update_tuple(writer->table, where, slot, writer->command, snapshot, wait, &failure, &indexes);
    if (result != TM_Ok)
        return result;
    if (indexes != pg::IndexesToUpdate::None)
        recheck = index_row(writer, slot, true, indexes == pg::IndexesToUpdate::Summarizing);
    if (writer->row_triggers)
        pg::after_row_update(writer->estate, writer->info, where, slot, recheck);
    list_free(recheck);
    return result;
}

#ifdef USE_ASSERT_CHECKING
/*
 * Lock the row, if nobody is at it.  heap_update without waiting says so where somebody is, which is what is
 * wanted, but asserts that nobody asks: no caller of PostgreSQL's own does.
 */
PG_GUARDED bool lock_if_free(Writer *writer, ItemPointer where, Snapshot snapshot)
{
    TM_FailureData failure;
    TupleTableSlot *locked = table_slot_create(writer->table, nullptr);
    const TM_Result result = table_tuple_lock(writer->table, where, snapshot, locked, writer->command,
                                              LockTupleNoKeyExclusive, LockWaitSkip, 0, &failure);
    ExecDropSingleTupleTableSlot(locked);
    return result == TM_Ok;
}
#endif

} // namespace

PG_GUARDED void insert_row(Writer *writer, TupleTableSlot *row)
{
    TupleTableSlot *slot = prepare_row(writer, row);
    table_tuple_insert(writer->table, slot, writer->command, 0, nullptr);
    List *recheck = index_row(writer, slot, false, false);
    if (writer->row_triggers)
        ExecARInsertTriggers(writer->estate, writer->info, slot, recheck, nullptr);
    list_free(recheck);
}

PG_GUARDED void delete_row(Writer *writer, ItemPointer where, Snapshot snapshot)
{
    expect_ok(writer->table, do_delete(writer, where, snapshot, true));
}

PG_GUARDED void update_row(Writer *writer, ItemPointer where, TupleTableSlot *row, Snapshot snapshot)
{
    expect_ok(writer->table, do_update(writer, where, row, snapshot, true));
}

PG_GUARDED bool try_delete_row(Writer *writer, ItemPointer where, Snapshot snapshot)
{
    return do_delete(writer, where, snapshot, false) == TM_Ok;
}

PG_GUARDED bool try_update_row(Writer *writer, ItemPointer where, TupleTableSlot *row, Snapshot snapshot)
{
#ifdef USE_ASSERT_CHECKING
    return lock_if_free(writer, where, snapshot) && do_update(writer, where, row, snapshot, true) == TM_Ok;
#else
    return do_update(writer, where, row, snapshot, false) == TM_Ok;
#endif
}

PG_GUARDED void begin_command(Writer *writer)
{
    writer->command = GetCurrentCommandId(true);
    if (writer->estate != nullptr)
        writer->estate->es_output_cid = writer->command;
}

PG_GUARDED static void end_executor(Writer *writer)
{
    if (writer->info->ri_IndexRelationDescs != nullptr)
        ExecCloseIndices(writer->info);
    ExecResetTupleTable(writer->estate->es_tupleTable, false);
    for (ResultRelInfo *info : pg::each<ResultRelInfo>(writer->estate->es_trig_target_relations))
        table_close(info->ri_RelationDesc, NoLock);
    FreeExecutorState(writer->estate);
}

PG_GUARDED void close_writer(Writer *writer)
{
    if (writer->row_triggers)
        AfterTriggerEndQuery(writer->estate);
    if (writer->estate != nullptr)
        end_executor(writer);
    if (writer->old != nullptr)
        ExecDropSingleTupleTableSlot(writer->old);
    ExecDropSingleTupleTableSlot(writer->slot);
    pfree(writer);
}

} // namespace apply
