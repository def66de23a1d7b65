/*
 * plan.cpp - compiling a view: expressions become ExprStates.
 *
 * Filter and inputs are evaluated for each changed row, outputs and HAVING for each changed group; both run
 * without an executor state, as the expressions contain nothing that needs one (room analyze sees to that).
 * A filtered aggregate's input is NULL where its filter fails, so every accumulator sees one value a row.
 */
#include "delta/plan.hpp"

#include "analyze/analyze.hpp"
#include "delta/upper.hpp"
#include "pg/list.hpp"
#include "pg/lookup.hpp"

namespace delta {

namespace {

/* The target entries of the keys, then of the inputs. */
PG_GUARDED List *input_targets(const model::View &view)
{
    List *targets = NIL;
    AttrNumber number = 0;
    auto append = [&](Node *expression) {
        targets =
            lappend(targets, makeTargetEntry(reinterpret_cast<Expr *>(expression), ++number, nullptr, false));
    };
    for (const model::Key &key : view.keys)
        append(key.expression);
    for (int i = 1; i < view.accumulators.size; ++i)
        append(view.accumulators[i].input);
    return targets;
}

/* The row type of the group row. */
PG_GUARDED TupleDesc group_row_type(const model::View &view)
{
    TupleDesc type = CreateTemplateTupleDesc(view.group_columns());
    AttrNumber number = 0;
    auto append = [&](Oid column, int32 typmod, Oid collation) {
        TupleDescInitEntry(type, ++number, nullptr, column, typmod, 0);
        TupleDescInitEntryCollation(type, number, collation);
    };
    for (const model::Key &key : view.keys)
        append(key.type, key.typmod, key.collation);
    for (const model::Aggregate &aggregate : view.aggregates)
        append(aggregate.type, aggregate.typmod, aggregate.collation);
    pg::finalize_tuple_desc(type);
    return type;
}

/* The same, with NULL for each key. */
PG_GUARDED List *own_input_targets(const model::View &view)
{
    List *targets = input_targets(view);
    for (auto *target : pg::each<TargetEntry>(targets))
        if (target->resno <= view.keys.size)
            target->expr = reinterpret_cast<Expr *>(
                makeNullConst(exprType(reinterpret_cast<Node *>(target->expr)), -1, InvalidOid));
    return targets;
}

PG_GUARDED ProjectionInfo *project(List *targets, ExprContext *context, TupleDesc from)
{
    TupleTableSlot *result = MakeSingleTupleTableSlot(ExecTypeFromTL(targets), &TTSOpsVirtual);
    return ExecBuildProjectionInfo(targets, context, result, nullptr, from);
}

/* What it costs to check a condition for one row, in the planner's units. */
PG_GUARDED Cost cost_of(Node *condition)
{
    QualCost cost;
    cost_qual_eval_node(&cost, condition, nullptr);
    return cost.per_tuple;
}

/*
 * The conditions in the order in which a scan checks them, the cheapest first (order_qual_clauses;
 * PostgreSQL, createplan.c).  So one that fails for a row that another keeps out fails here where it does
 * there.
 */
PG_GUARDED List *cheapest_first(const List *conditions)
{
    List *ordered = NIL;
    for (auto *condition : pg::each<Node>(conditions)) {
        List *longer = NIL;
        for (auto *other : pg::each<Node>(ordered)) {
            if (condition != nullptr && cost_of(condition) < cost_of(other)) {
                longer = lappend(longer, condition);
                condition = nullptr;
            }
            longer = lappend(longer, other);
        }
        ordered = condition == nullptr ? longer : lappend(longer, condition);
    }
    return ordered;
}

PG_GUARDED ExprState *condition(Node *conditions)
{
    return conditions == nullptr
               ? nullptr
               : ExecInitQual(cheapest_first(reinterpret_cast<List *>(conditions)), nullptr);
}

/* Is there an index that finds the row of a group, or the rows of a bag? */
PG_GUARDED bool has_index(Oid imat, const model::View &view)
{
    Relation table = table_open(imat, AccessShareLock);
    const bool found = catalog::are_rows_found(table, view);
    table_close(table, NoLock);
    return found;
}

/* Does the state table hold what the view has of its groups? */
PG_GUARDED bool is_state_readable(const catalog::Registration &registration, const model::View &view)
{
    return catalog::fits_state(registration, view) && registration.state_layout != nullptr &&
           strcmp(registration.state_layout, analyze::state_layout(view)) == 0 &&
           catalog::state_fits(registration.state, view);
}

/*
 * What is done.  Whether a state table is needed follows from the sources' NOT NULL constraints too, which
 * may have changed since the IMAT was made: one that it has goes on being kept, and one that it lacks can't
 * be made here; then groups are computed anew, if they can be.  One that was filled for other accumulators is
 * filled anew once, with the table, needed or not: it may be again, and must not pass for current then. (Keys
 * that tell grouping sets apart since then have no index that would.)  That a query allows it may be news,
 * too (row security of a source was disabled): then there is no index yet that finds the groups.  And a
 * source may have got a key since: then there is no index over what shows it, and rows are found as before.
 * Who may have missed changes can't add to what there is.
 */
PG_GUARDED model::Strategy strategy_of(const catalog::Registration &registration, model::View *view)
{
    if (registration.strategy == model::Strategy::Swap || view->strategy == model::Strategy::Swap ||
        !registration.trusted)
        return model::Strategy::Swap;
    const bool has_none = view->needs_state && !catalog::fits_state(registration, *view);
    if ((has_none || registration.strategy == model::Strategy::Keyed) && analyze::can_be_keyed(*view))
        analyze::make_keyed(view);
    if (view->telling != 0 && view->keys_visible && !has_index(registration.imat, *view))
        analyze::do_without_telling(view);
    const bool has_state = registration.state_current && is_state_readable(registration, *view);
    if (view->bag && !has_index(registration.imat, *view) &&
        (!analyze::can_do_without_identity(view) || !has_index(registration.imat, *view)))
        return model::Strategy::Swap;
    if ((view->needs_state || registration.state_current) && !has_state)
        return model::Strategy::Swap;
    if (view->strategy == model::Strategy::Keyed && !has_index(registration.imat, *view))
        return model::Strategy::Swap;
    view->needs_state = has_state;
    return view->strategy;
}

/* Of a row that goes and one that comes with the same identity, or else the same keys, one becomes the other.
 */
PG_GUARDED void compile_bag(Plan *plan)
{
    const model::View &view = *plan->view;
    const bool keyed = view.strategy == model::Strategy::Keyed;
    plan->rows = keyed ? make_layout(view.columns, view.accumulators) : plan->layout;
    plan->pairing = make_key_operations(paired_by(view));
}

/*
 * The columns of the source that the view reads, counted from 0.  Whole rows, system columns and columns that
 * are computed when they are read may be any of them.
 */
PG_GUARDED Bitmapset *columns_read(const model::View &view, TupleDesc type)
{
    Bitmapset *numbers = nullptr;
    pull_varattnos(view.filter, 1, &numbers);
    pull_varattnos(reinterpret_cast<Node *>(input_targets(view)), 1, &numbers);
    if (view.partitioned)
        numbers = bms_copy(view.sources[0].columns);
    if (view.strategy == model::Strategy::Keyed) {
        pull_varattnos(reinterpret_cast<Node *>(view.group_targets), 1, &numbers);
        pull_varattnos(view.group_having, 1, &numbers);
    }
    Bitmapset *columns = nullptr;
    int number = -1;
    while ((number = bms_next_member(numbers, number)) >= 0) {
        const int column = number + FirstLowInvalidHeapAttributeNumber;
        if (column <= 0 || pg::is_virtual(type, static_cast<AttrNumber>(column)))
            return bms_add_range(nullptr, 0, type->natts - 1);
        columns = bms_add_member(columns, column - 1);
    }
    return columns;
}

PG_GUARDED void compile_source_side(Plan *plan)
{
    const model::View &view = *plan->view;
    Relation source = table_open(view.references[0].relation, AccessShareLock);
    TupleDesc type = CreateTupleDescCopyConstr(RelationGetDescr(source));
    table_close(source, NoLock);

    plan->source_row = MakeSingleTupleTableSlot(type, &TTSOpsMinimalTuple);
    plan->columns_read = columns_read(view, type);
    plan->filter = condition(view.filter);
    plan->inputs = project(input_targets(view), plan->context, type);
    plan->own_inputs = project(own_input_targets(view), plan->context, type);
}

PG_GUARDED void compile_group_side(Plan *plan)
{
    const model::View &view = *plan->view;
    TupleDesc type = group_row_type(view);
    plan->group_row = MakeSingleTupleTableSlot(type, &TTSOpsVirtual);
    plan->having = condition(view.having);
    plan->outputs = project(view.outputs, plan->context, type);
}

/* What is kept of the values of aggregates with DISTINCT. */
PG_GUARDED void compile_distincts(Plan *plan)
{
    const model::Array<model::Distinct> &distincts = plan->view->distincts;
    plan->layout->values.data = static_cast<Layout **>(palloc0(sizeof(void *) * (distincts.size + 1)));
    for (const model::Distinct &distinct : distincts)
        plan->layout->values.data[plan->layout->values.size++] = make_values_layout(distinct);
    plan->value_probes =
        static_cast<apply::ProbePlan **>(palloc0(sizeof(apply::ProbePlan *) * (distincts.size + 1)));
}

/*
 * Not all that is maintained is read: changes come with the statements of others.  But an owner who has lost
 * the right to read a source isn't shown its rows in that way either.
 */
PG_GUARDED void check_rights(const Plan &plan, const Query *definition)
{
    if (analyze::may_run(definition))
        return;
    const Oid imat = catalog::outermost_keeper(plan.registration.imat);
    ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
            errmsg("incremental materialized table %s cannot be maintained, since its owner may not read its "
                   "sources any more",
                   pg::qualified_name(imat)),
            errdetail("Role %s lacks a privilege that its definition needs.",
                      quote_identifier(GetUserNameFromId(plan.owner, false))),
            errhint("Grant SELECT to the owner, have the table belong to another role, or drop it."));
}

/*
 * What columns of the definition show of the keys.  It is told of the definition as it is: made exact it may
 * show the least of equal keys instead.
 */
PG_GUARDED List *shown_keys(const model::View &view, Query *definition)
{
    List *shown = NIL;
    for (const model::Key &key : view.keys) {
        auto *target = list_nth_node(TargetEntry, definition->targetList, key.column - 1);
        Node *expression = view.partitioned
                               ? analyze::column_below(definition, key.column)
                               : pg::flatten_group_exprs(definition, reinterpret_cast<Node *>(target->expr));
        shown = lappend(shown, copyObjectImpl(expression));
    }
    return shown;
}

/* What is computed where the IMAT isn't rebuilt. */
PG_GUARDED void compile_expressions(Plan *plan, Query *definition)
{
    /* Of what is in subqueries nothing is known here. */
    plan->foreign_code = plan->view->from_definition() || runs_foreign_code(plan->registration, *plan->view);
    plan->layout = make_layout(plan->view->keys, plan->view->accumulators);
    plan->set_keys = static_cast<Datum *>(palloc(sizeof(Datum) * (plan->view->keys.size + 1)));
    plan->set_nulls = static_cast<bool *>(palloc(sizeof(bool) * (plan->view->keys.size + 1)));
    if (plan->view->bag)
        compile_bag(plan);
    if (plan->view->from_definition()) {
        plan->definition = analyze::exact_query(definition);
        plan->shown_keys = shown_keys(*plan->view, definition);
        plan->parted_depth = plan->view->partitioned ? analyze::parted_depth(definition) : 0;
    }
    compile_distincts(plan);
    plan->context = CreateStandaloneExprContext();
    plan->input_type = ExecTypeFromTL(input_targets(*plan->view));
    if (!plan->view->is_join())
        compile_source_side(plan);
    if (plan->strategy == model::Strategy::Delta)
        compile_group_side(plan);
    else
        plan->visible = ExecCleanTypeFromTL(plan->view->group_targets);
    if (plan->view->upper != nullptr)
        compile_upper(plan);
}

/* Plans with the same one can take over each other's pending changes. */
PG_GUARDED uint64 fingerprint_of(const Plan &plan, Query *definition)
{
    const char *text = psprintf("%s%s%d", nodeToString(definition), analyze::state_layout(*plan.view),
                                plan.view->may_fail ? 1 : 0);
    const uint32 query = DatumGetUInt32(pg::hash_bytes(text, strlen(text)));
    return (static_cast<uint64>(query) << 32) ^ (static_cast<uint64>(plan.registration.state) << 8) ^
           static_cast<uint64>(plan.strategy);
}

} // namespace

PG_GUARDED Plan *compile(const catalog::Registration &registration, MemoryContext parent)
{
    MemoryContext memory = AllocSetContextCreate(parent, "pg_imat plan", ALLOCSET_SMALL_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(memory);
    auto *plan = static_cast<Plan *>(palloc0(sizeof(Plan)));
    plan->memory = memory;
    plan->references = 1;
    plan->registration = registration;
    if (registration.settings != nullptr)
        plan->registration.settings = DatumGetArrayTypePCopy(PointerGetDatum(registration.settings));
    if (registration.state_layout != nullptr)
        plan->registration.state_layout = pstrdup(registration.state_layout);
    plan->registration.multiplicities = catalog::copy_of(registration.multiplicities);
    plan->registration.subqueries = catalog::copy_of(registration.subqueries);
    plan->owner = pg::owner_of_relation(registration.imat);

    /* The expressions are bound to functions, and constants folded, as whom and as what they will run. */
    pg::with_rights_of(plan->owner, [&] {
        pg::with_safe_search_path([&] {
            catalog::with_settings(plan->registration.settings, [&] {
                Query *definition = analyze::definition_query(registration.maintained());
                plan->view = analyze::understand(definition);
                plan->strategy = strategy_of(registration, plan->view);
                check_rights(*plan, definition);
                if (plan->strategy != model::Strategy::Swap)
                    compile_expressions(plan, definition);
                plan->fingerprint = fingerprint_of(*plan, definition);
            });
        });
    });
    MemoryContextSwitchTo(caller);
    return plan;
}

PG_GUARDED void let_go(Plan *plan)
{
    if (--plan->references > 0)
        return;
    if (plan->context != nullptr)
        FreeExprContext(plan->context, true);
    MemoryContextDelete(plan->memory);
}

} // namespace delta
