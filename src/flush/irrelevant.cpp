/*
 * irrelevant.cpp - UPDATEs of columns that no IMAT reads.
 *
 * A trigger that has transition tables can't be limited to some columns (UPDATE OF), so whatever a statement
 * sets, each row that it changes is stored twice, for us to find that nothing has changed.  Which columns are
 * set is known, however, as soon as the statement is ready to run.  If no IMAT over the table reads one of
 * them, and nobody else wants the transition tables, there need be none, and our trigger need not fire.  What
 * says so is the statement's own copy of the table's triggers, and the state of its ModifyTable node
 * (ExecInitModifyTable, fireASTriggers; PostgreSQL, nodeModifyTable.c).
 *
 * It is left alone where more may change than is set: by triggers BEFORE UPDATE of rows, by columns that are
 * generated, by rows that move to another partition; where several parts of the statement may share the
 * transition tables; and where an IMAT reads what isn't told by columns: whole rows, or what row security
 * lets it.
 */
#include "flush/irrelevant.hpp"

#include "delta/delta.hpp"
#include "flush/capture.hpp"
#include "pg/lookup.hpp"

namespace flush {

namespace {

/* The one part of the statement that changes a table, if it sets columns; else NULL. */
PG_GUARDED ModifyTableState *only_update(const QueryDesc *statement)
{
    if (statement->planstate == nullptr || !IsA(statement->planstate, ModifyTableState) ||
        statement->estate->es_auxmodifytables != NIL)
        return nullptr;
    auto *state = reinterpret_cast<ModifyTableState *>(statement->planstate);
    return state->operation == CMD_UPDATE || state->operation == CMD_INSERT ? state : nullptr;
}

/* Where it has the transition tables of what it updates; NULL there: it has none. */
PG_GUARDED TransitionCaptureState **transition_tables_of(ModifyTableState *update)
{
    return update->operation == CMD_UPDATE ? &update->mt_transition_capture
                                           : &update->mt_oc_transition_capture;
}

PG_GUARDED bool is_ours(const Trigger &trigger)
{
    return strcmp(trigger.tgname, CAPTURE_UPDATE_TRIGGER) == 0;
}

/* Do only we want them? */
PG_GUARDED bool are_only_ours(const TriggerDesc &triggers)
{
    for (int i = 0; i < triggers.numtriggers; ++i) {
        const Trigger &trigger = triggers.triggers[i];
        if (TRIGGER_FOR_UPDATE(trigger.tgtype) && !is_ours(trigger) &&
            (trigger.tgoldtable != nullptr || trigger.tgnewtable != nullptr))
            return false;
    }
    return true;
}

/* Is no other trigger fired after an UPDATE, once for all rows? */
PG_GUARDED bool is_alone_after(const TriggerDesc &triggers)
{
    for (int i = 0; i < triggers.numtriggers; ++i) {
        const Trigger &trigger = triggers.triggers[i];
        if (TRIGGER_TYPE_MATCHES(trigger.tgtype, TRIGGER_TYPE_STATEMENT, TRIGGER_TYPE_AFTER,
                                 TRIGGER_TYPE_UPDATE) &&
            !is_ours(trigger))
            return false;
    }
    return true;
}

/* Is a column of it computed from others?  One of a child may be that isn't in its parent. */
PG_GUARDED bool has_generated(Relation table)
{
    TupleDesc type = RelationGetDescr(table);
    bool has = false;
    for (int i = 0; i < type->natts; ++i)
        has = has || TupleDescAttr(type, i)->attgenerated != '\0';
    return has;
}

/* May rows become others than the statement says, or move? */
PG_GUARDED bool may_change_more(const ModifyTableState *update)
{
    const auto *plan = reinterpret_cast<const ModifyTable *>(update->ps.plan);
    const ResultRelInfo *target = pg::named_target(update);
    const bool partitioned = target->ri_RelationDesc->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
                             update->operation == CMD_INSERT;
    if (plan->partColsUpdated || partitioned)
        return true;
    const auto changes_rows = [](const ResultRelInfo &table) {
        return table.ri_TrigDesc != nullptr && table.ri_TrigDesc->trig_update_before_row;
    };
    bool changes = changes_rows(*target);
    for (int i = 0; i < pg::number_of_targets(update); ++i) {
        const ResultRelInfo &part = update->resultRelInfo[i];
        changes = changes || changes_rows(part) ||
                  (part.ri_RelationDesc != target->ri_RelationDesc && has_generated(part.ri_RelationDesc));
    }
    return changes;
}

/* The number that a column of a source has in the table, which is the source or below it. */
PG_GUARDED AttrNumber number_in(Oid table, Oid source, AttrNumber column)
{
    return table == source ? column : get_attnum(table, get_attname(source, column, false));
}

/* Does an IMAT that reads these columns of a source see what is set in the table? */
PG_GUARDED bool reads_one(const model::Source &source, Relation table, const Bitmapset *set)
{
    TupleDesc type = RelationGetDescr(table);
    int member = -1;
    while ((member = bms_next_member(source.columns, member)) >= 0) {
        const int named = member + FirstLowInvalidHeapAttributeNumber;
        if (named == InvalidAttrNumber)
            return true;
        if (named < 0)
            continue;
        const AttrNumber column =
            number_in(RelationGetRelid(table), source.relation, static_cast<AttrNumber>(named));
        if (column <= 0 || TupleDescAttr(type, column - 1)->attgenerated != '\0' ||
            bms_is_member(column - FirstLowInvalidHeapAttributeNumber, set))
            return true;
    }
    return false;
}

/* Does an IMAT over a source see what is set in the table? */
PG_GUARDED bool concerns(Oid imat, Oid source, Relation table, const Bitmapset *set)
{
    const delta::Plan *plan = delta::plan_of(imat);
    if (plan == nullptr)
        return false;
    for (const model::Source &read : plan->view->sources)
        if (read.relation == source)
            return reads_one(read, table, set);
    return true;
}

/*
 * Does any IMAT?  Of those beside the table, whose columns may be others, it is not asked, nor of those over
 * a partition that only an old snapshot still sees below it.
 */
PG_GUARDED bool concerns_any(Relation table, const Bitmapset *set)
{
    const Oid oid = RelationGetRelid(table);
    if (delta::sources_beside(oid).size > 0 || delta::leaving_written(oid) != NIL)
        return true;
    for (Oid source : catalog::copy_of(delta::sources_above(oid))) {
        const model::Array<Oid> imats = catalog::copy_of(delta::targets_of(source));
        if (imats.size > 0 && pg::has_row_security(source))
            return true;
        for (Oid imat : imats)
            if (concerns(imat, source, table, set))
                return true;
    }
    return false;
}

} // namespace

PG_GUARDED void ignore_irrelevant_update(const QueryDesc *statement)
{
    ModifyTableState *update = only_update(statement);
    if (update == nullptr || *transition_tables_of(update) == nullptr)
        return;
    TriggerDesc *triggers = pg::named_target(update)->ri_TrigDesc;
    if (!are_only_ours(*triggers) || may_change_more(update) ||
        concerns_any(pg::named_target(update)->ri_RelationDesc, pg::columns_set(update)))
        return;
    *transition_tables_of(update) = nullptr;
    if (is_alone_after(*triggers))
        triggers->trig_update_after_statement = false;
}

} // namespace flush
