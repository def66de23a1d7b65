/*
 * lookup.cpp - the rows of a join that belong to a few changed rows of one table, without the executor.
 *
 * Most changes of a join are a few rows of the table with the facts, and most joins reach the others from
 * there by their primary keys.  To start and end the executor for that costs several times what the index
 * look-ups do.  So where every other reference can be reached, one after the other, through a unique index
 * whose columns are all compared with something that is known by then, that is done here: for each changed
 * row, nested look-ups.
 *
 * What is known of a row of the join is gathered in one wide row, which has a column for each column that the
 * view's expressions use.  They are compiled over that.  The whole filter is evaluated in the end, join
 * conditions included, so the indexes only have to find every candidate: what else they find does no harm,
 * and a row that is not unique, as it may be for a moment, is only slower.
 *
 * The conditions that an index may serve for are those the planner would use it for: the operator is the
 * equality of the index's operator family, and the collation its own.  A table with children, or an index
 * that not every snapshot may use, is left to the planner.
 */
#include "delta/lookup.hpp"

#include "delta/fold.hpp"
#include "pg/list.hpp"

namespace delta {

namespace {

/* For more changed rows, the planner may know a better way. */
constexpr int64 most_rows = 256;

/* A column of a reference that the wide row has. */
struct Known {
    AttrNumber column; /* of the reference */
    int place;         /* in the wide row */
};

/* What of one reference is known once one of its rows has been found. */
struct Reached {
    Oid table = InvalidOid;
    model::Array<Known> columns;
    AttrNumber last = 0; /* the highest of them */
};

/* The next reference is reached through an index. */
struct Step {
    int reference;
    Oid index;
    int size;          /* columns of the index */
    ScanKeyData *scan; /* one for each */
    ExprState **value; /* what it is compared with, over the wide row */
};

} // namespace

struct Lookup {
    int start = 0; /* the reference that it starts from */
    bool possible = false;
    Reached *reached = nullptr; /* of each reference */
    model::Array<Step> steps;
    TupleTableSlot *wide = nullptr;
    ExprState *filter = nullptr;
    ProjectionInfo *inputs = nullptr;
};

namespace {

/* --- planning --------------------------------------------------------------------------------------- */

/* What is needed while a look-up is planned. */
struct Planning {
    const Plan *plan;
    Lookup *lookup;
    List *columns;    /* Vars, one for each column of the wide row */
    bool impossible;  /* a whole row, or a system column is used */
    Bitmapset *bound; /* references that have been reached */
};

PG_GUARDED int place_of(const Planning &planning, const Var &var)
{
    int place = 0;
    for (auto *known : pg::each<Var>(planning.columns)) {
        if (known->varno == var.varno && known->varattno == var.varattno)
            return place;
        ++place;
    }
    return -1;
}

extern "C" {

/* Gather the columns that an expression uses. */
PG_GUARDED static bool gather_columns(Node *node, void *context)
{
    auto *planning = static_cast<Planning *>(context);
    if (node == nullptr)
        return false;
    if (!IsA(node, Var))
        return pg::walk_expression(node, gather_columns, context);
    auto *var = reinterpret_cast<Var *>(node);
    planning->impossible = planning->impossible || var->varattno <= 0 || var->varlevelsup != 0;
    if (place_of(*planning, *var) < 0)
        planning->columns = lappend(planning->columns, var);
    return false;
}

/* Copy an expression, over the wide row instead of the references. */
PG_GUARDED static Node *widen(Node *node, void *context)
{
    const auto *planning = static_cast<Planning *>(context);
    if (node == nullptr)
        return nullptr;
    if (!IsA(node, Var))
        return pg::mutate_expression(node, widen, context);
    const auto *var = reinterpret_cast<Var *>(node);
    const auto place = static_cast<AttrNumber>(place_of(*planning, *var) + 1);
    return reinterpret_cast<Node *>(makeVar(1, place, var->vartype, var->vartypmod, var->varcollid, 0));
}

} // extern "C"

PG_GUARDED TupleDesc wide_type(const List *columns)
{
    TupleDesc type = CreateTemplateTupleDesc(list_length(columns));
    AttrNumber number = 0;
    for (auto *var : pg::each<Var>(columns)) {
        TupleDescInitEntry(type, ++number, nullptr, var->vartype, var->vartypmod, 0);
        TupleDescInitEntryCollation(type, number, var->varcollid);
    }
    pg::finalize_tuple_desc(type);
    return type;
}

PG_GUARDED Reached *reached_by(const Planning &planning)
{
    const model::View &view = *planning.plan->view;
    auto *all = static_cast<Reached *>(palloc0(sizeof(Reached) * view.references.size));
    for (int i = 0; i < view.references.size; ++i) {
        Reached &reached = all[i];
        reached.table = view.references[i].relation;
        reached.columns.data =
            static_cast<Known *>(palloc(sizeof(Known) * (list_length(planning.columns) + 1)));
        int place = 0;
        for (auto *var : pg::each<Var>(planning.columns)) {
            if (static_cast<int>(var->varno) == i + 1) {
                reached.columns.data[reached.columns.size++] = {.column = var->varattno, .place = place};
                reached.last = Max(reached.last, var->varattno);
            }
            ++place;
        }
    }
    return all;
}

PG_GUARDED Node *without_relabel(Node *node)
{
    while (IsA(node, RelabelType))
        node = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(node)->arg);
    return node;
}

PG_GUARDED bool is_column(Node *node, int reference, AttrNumber column)
{
    node = without_relabel(node);
    return IsA(node, Var) && static_cast<int>(reinterpret_cast<Var *>(node)->varno) == reference + 1 &&
           reinterpret_cast<Var *>(node)->varattno == column;
}

/* Does the expression use only what is known? */
PG_GUARDED bool is_known(const Planning &planning, Node *expression)
{
    bool known = true;
    Planning used = {};
    gather_columns(expression, &used);
    for (auto *var : pg::each<Var>(used.columns))
        known = known && bms_is_member(static_cast<int>(var->varno) - 1, planning.bound);
    return known;
}

/* What a condition compares an index column with, if it is one that the index serves for. */
PG_GUARDED Node *compared_with(const Planning &planning, Node *condition, Relation index, int position,
                               int reference, Oid *operation)
{
    if (!IsA(condition, OpExpr))
        return nullptr;
    const auto *expression = reinterpret_cast<OpExpr *>(condition);
    const AttrNumber column = index->rd_index->indkey.values[position];
    const Oid collation = index->rd_indcollation[position];
    if (list_length(expression->args) != 2 || (OidIsValid(collation) && collation != expression->inputcollid))
        return nullptr;
    auto *left = static_cast<Node *>(linitial(expression->args));
    auto *right = static_cast<Node *>(lsecond(expression->args));
    *operation = expression->opno;
    if (!is_column(left, reference, column)) {
        Node *kept = left;
        left = right;
        right = kept;
        *operation = get_commutator(expression->opno);
    }
    const bool serves =
        OidIsValid(*operation) && is_column(left, reference, column) &&
        get_op_opfamily_strategy(*operation, index->rd_opfamily[position]) == BTEqualStrategyNumber &&
        is_known(planning, right);
    return serves ? right : nullptr;
}

/* Plan the search of one index column; false: nothing known is compared with it. */
PG_GUARDED bool plan_column(Planning *planning, Relation index, int position, Step *step)
{
    for (auto *condition : pg::each<Node>(reinterpret_cast<List *>(planning->plan->view->filter))) {
        Oid operation = InvalidOid;
        Node *value = compared_with(*planning, condition, index, position, step->reference, &operation);
        if (value == nullptr)
            continue;
        Oid left;
        Oid right;
        op_input_types(operation, &left, &right);
        ScanKeyEntryInitialize(&step->scan[position], 0, static_cast<AttrNumber>(position + 1),
                               BTEqualStrategyNumber, right, index->rd_indcollation[position],
                               get_opcode(operation), Datum{});
        step->value[position] = ExecInitExpr(reinterpret_cast<Expr *>(widen(value, planning)), nullptr);
        return true;
    }
    return false;
}

/* Is it an index that finds at most one row, for every snapshot? */
PG_GUARDED bool is_simple_unique(Relation index)
{
    const FormData_pg_index *form = index->rd_index;
    bool simple = index->rd_rel->relam == BTREE_AM_OID && form->indisunique && form->indisvalid &&
                  form->indisready && form->indimmediate && !form->indcheckxmin &&
                  RelationGetIndexPredicate(index) == NIL;
    for (int i = 0; i < form->indnkeyatts; ++i)
        simple = simple && form->indkey.values[i] > 0;
    return simple;
}

/* Can the reference be reached through the index? */
PG_GUARDED bool plan_index(Planning *planning, Relation index, Step *step)
{
    step->index = RelationGetRelid(index);
    step->size = IndexRelationGetNumberOfKeyAttributes(index);
    step->scan = static_cast<ScanKey>(palloc0(sizeof(ScanKeyData) * step->size));
    step->value = static_cast<ExprState **>(palloc0(sizeof(ExprState *) * step->size));
    bool planned = is_simple_unique(index);
    for (int i = 0; planned && i < step->size; ++i)
        planned = plan_column(planning, index, i, step);
    return planned;
}

/* Can the reference be reached from what is known? */
PG_GUARDED bool plan_step(Planning *planning, int reference, Step *step)
{
    bool planned = false;
    Relation table = table_open(planning->plan->view->references[reference].relation, AccessShareLock);
    step->reference = reference;
    if (table->rd_rel->relkind == RELKIND_RELATION && !table->rd_rel->relhassubclass) {
        for (Oid oid : pg::each_oid(RelationGetIndexList(table))) {
            Relation index = index_open(oid, AccessShareLock);
            planned = plan_index(planning, index, step);
            index_close(index, NoLock);
            if (planned)
                break;
        }
    }
    table_close(table, NoLock);
    return planned;
}

/* Find an order in which all references are reached. */
PG_GUARDED bool plan_steps(Planning *planning)
{
    Lookup *lookup = planning->lookup;
    const int references = planning->plan->view->references.size;
    lookup->steps.data = static_cast<Step *>(palloc0(sizeof(Step) * references));
    planning->bound = bms_make_singleton(lookup->start);
    for (bool progress = true; progress && lookup->steps.size < references - 1;) {
        progress = false;
        for (int i = 0; i < references; ++i) {
            if (bms_is_member(i, planning->bound) ||
                !plan_step(planning, i, &lookup->steps[lookup->steps.size]))
                continue;
            planning->bound = bms_add_member(planning->bound, i);
            ++lookup->steps.size;
            progress = true;
        }
    }
    return lookup->steps.size == references - 1;
}

/* The keys, then the inputs, over the wide row. */
PG_GUARDED List *wide_targets(Planning *planning)
{
    const model::View &view = *planning->plan->view;
    List *targets = NIL;
    AttrNumber number = 0;
    auto append = [&](Node *expression) {
        auto *wide = reinterpret_cast<Expr *>(widen(expression, planning));
        targets = lappend(targets, makeTargetEntry(wide, ++number, nullptr, false));
    };
    for (const model::Key &key : view.keys)
        append(key.expression);
    for (int i = 1; i < view.accumulators.size; ++i)
        append(view.accumulators[i].input);
    return targets;
}

PG_GUARDED Lookup *plan_lookup(const Plan &plan, int reference)
{
    const model::View &view = *plan.view;
    auto *lookup = static_cast<Lookup *>(palloc0(sizeof(Lookup)));
    Planning planning = {};
    planning.plan = &plan;
    planning.lookup = lookup;
    planning.impossible = view.computed != NIL;
    lookup->start = reference;
    gather_columns(view.filter, &planning);
    for (const model::Key &key : view.keys)
        gather_columns(key.expression, &planning);
    for (const model::Accumulator &accumulator : view.accumulators)
        gather_columns(accumulator.input, &planning);
    if (planning.impossible || planning.columns == NIL || !plan_steps(&planning))
        return lookup;

    TupleDesc type = wide_type(planning.columns);
    List *targets = wide_targets(&planning);
    lookup->reached = reached_by(planning);
    lookup->wide = MakeSingleTupleTableSlot(type, &TTSOpsVirtual);
    lookup->filter = ExecInitQual(reinterpret_cast<List *>(widen(view.filter, &planning)), nullptr);
    lookup->inputs = ExecBuildProjectionInfo(
        targets, plan.context, MakeSingleTupleTableSlot(ExecTypeFromTL(targets), &TTSOpsVirtual), nullptr,
        type);
    lookup->possible = true;
    return lookup;
}

/* --- running ------------------------------------------------------------------------------------------ */

/* A step while the look-up runs. */
struct Open {
    const Step *step;
    Relation table;
    Relation index;
    IndexScanDesc scan;
    ScanKeyData *keys;
    TupleTableSlot *row;
};

struct Run {
    const Lookup *lookup;
    const Plan *plan;
    GroupTable *groups;
    Sign sign;
    Open *open; /* one for each step */
};

PG_GUARDED void open_steps(Run *run, Snapshot snapshot)
{
    const model::Array<Step> &steps = run->lookup->steps;
    run->open = static_cast<Open *>(palloc(sizeof(Open) * (steps.size + 1)));
    for (int i = 0; i < steps.size; ++i) {
        Open &open = run->open[i];
        open.step = &steps[i];
        open.table = table_open(run->lookup->reached[steps[i].reference].table, NoLock);
        open.index = index_open(steps[i].index, AccessShareLock);
        open.scan = pg::index_beginscan(open.table, open.index, snapshot, steps[i].size);
        open.keys = static_cast<ScanKey>(palloc(sizeof(ScanKeyData) * steps[i].size));
        memcpy(open.keys, steps[i].scan, sizeof(ScanKeyData) * steps[i].size);
        open.row = table_slot_create(open.table, nullptr);
    }
}

PG_GUARDED void close_steps(const Run &run)
{
    for (int i = 0; i < run.lookup->steps.size; ++i) {
        ExecDropSingleTupleTableSlot(run.open[i].row);
        index_endscan(run.open[i].scan);
        index_close(run.open[i].index, NoLock);
        table_close(run.open[i].table, NoLock);
    }
}

/* A row of a reference has been found: what of it is used is known from here on. */
PG_GUARDED void take_columns(const Run &run, int reference, TupleTableSlot *row)
{
    const Reached &reached = run.lookup->reached[reference];
    TupleTableSlot *wide = run.lookup->wide;
    slot_getsomeattrs(row, reached.last);
    for (const Known &known : reached.columns) {
        wide->tts_values[known.place] = row->tts_values[known.column - 1];
        wide->tts_isnull[known.place] = row->tts_isnull[known.column - 1];
    }
}

/* Set what the index is searched for; false: a NULL, which equals nothing. */
PG_GUARDED bool set_values(const Run &run, const Open &open)
{
    for (int i = 0; i < open.step->size; ++i) {
        bool null;
        open.keys[i].sk_argument = ExecEvalExprSwitchContext(open.step->value[i], run.plan->context, &null);
        if (null)
            return false;
    }
    return true;
}

/* All references are known: a row of the join, if it passes the filter. */
PG_GUARDED void fold_wide(const Run &run)
{
    if (run.lookup->filter != nullptr && !ExecQual(run.lookup->filter, run.plan->context))
        return;
    const TupleTableSlot *folded = ExecProject(run.lookup->inputs);
    fold_inputs(*run.plan, run.groups, folded->tts_values, folded->tts_isnull, run.sign);
}

PG_GUARDED void take_step(const Run &run, int number)
{
    if (number == run.lookup->steps.size)
        return fold_wide(run);
    const Open &open = run.open[number];
    if (!set_values(run, open))
        return;
    index_rescan(open.scan, open.keys, open.step->size, nullptr, 0);
    while (index_getnext_slot(open.scan, ForwardScanDirection, open.row)) {
        take_columns(run, open.step->reference, open.row);
        take_step(run, number + 1);
    }
}

} // namespace

PG_GUARDED bool is_for_lookup(int64 rows)
{
    return rows <= most_rows;
}

PG_GUARDED Lookup *lookup_from(Plan *plan, int reference)
{
    if (plan->stale)
        return nullptr;
    for (auto *lookup : pg::each<Lookup>(plan->join_lookups))
        if (lookup->start == reference)
            return lookup->possible ? lookup : nullptr;
    MemoryContext caller = MemoryContextSwitchTo(plan->memory);
    Lookup *lookup = plan_lookup(*plan, reference);
    plan->join_lookups = lappend(plan->join_lookups, lookup);
    MemoryContextSwitchTo(caller);
    return lookup->possible ? lookup : nullptr;
}

PG_GUARDED void fold_by_lookup(const Lookup &lookup, const Plan &plan, GroupTable *groups, TupleDesc type,
                               Tuplestorestate *rows, Sign sign, pg::Reading reading)
{
    Run run = {.lookup = &lookup, .plan = &plan, .groups = groups, .sign = sign, .open = nullptr};
    PushCopiedSnapshot(reading.snapshot);
    UpdateActiveSnapshotCommandId();
    Snapshot snapshot = pg::register_settled({GetActiveSnapshot(), reading.settled});
    open_steps(&run, snapshot);
    TupleTableSlot *row = MakeSingleTupleTableSlot(type, &TTSOpsMinimalTuple);
    ExecStoreVirtualTuple(ExecClearTuple(lookup.wide));
    tuplestore_select_read_pointer(rows, 0);
    tuplestore_rescan(rows);
    while (tuplestore_gettupleslot(rows, true, false, row)) {
        CHECK_FOR_INTERRUPTS();
        ResetExprContext(plan.context);
        plan.context->ecxt_scantuple = lookup.wide;
        take_columns(run, lookup.start, row);
        take_step(run, 0);
    }
    ExecClearTuple(lookup.wide);
    ExecDropSingleTupleTableSlot(row);
    close_steps(run);
    UnregisterSnapshot(snapshot);
    PopActiveSnapshot();
}

} // namespace delta
