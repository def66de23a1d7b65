/*
 * upper.cpp - the upper query of a view (model::View::upper), planned, and what LIMIT lets one know of it.
 *
 * The query is the definition's own, but that it reads what groups show from the state table instead of
 * computing it.  It is planned once a session, since how many groups there are seldom changes the best plan;
 * a plan lives as long as the compiled view.
 *
 * Where just LIMIT is on top, ORDER BY is a total order as far as it matters (analyze/order.cpp), and its
 * first clauses may be over columns that are shown.  By these a group that changed is compared with the last
 * row of the table: if it came behind it and still does, it was not among the first so many, and won't be;
 * and nor does it change which others are.  Where clauses can't tell, it is taken for one that does.
 */
#include "delta/upper.hpp"

#include "analyze/analyze.hpp"
#include "delta/rows_query.hpp"
#include "pg/query.hpp"

namespace delta {

namespace {

/* The targets and the condition over the groups alone, where there is nothing else but ORDER BY and LIMIT. */
PG_GUARDED bool is_just_limit(const Query &upper)
{
    return upper.limitCount != nullptr && upper.distinctClause == NIL && !upper.hasWindowFuncs &&
           !upper.hasTargetSRFs && !upper.hasAggs && upper.groupClause == NIL && upper.cteList == NIL &&
           list_length(upper.rtable) == 1 &&
           linitial_node(RangeTblEntry, upper.rtable)->rtekind == RTE_RELATION;
}

/* The constant that an expression is; false: it is none. */
PG_GUARDED bool constant_of(Node *expression, int64 *value)
{
    Node *folded = eval_const_expressions(nullptr, expression);
    if (!IsA(folded, Const) || castNode(Const, folded)->constisnull)
        return false;
    *value = DatumGetInt64(castNode(Const, folded)->constvalue);
    return true;
}

/* Take over the clauses of the order for as long as they are over columns that are shown. */
PG_GUARDED void compile_order(const Query &upper, Limit *limit)
{
    const auto size = static_cast<std::size_t>(list_length(upper.sortClause)) + 1;
    limit->columns = static_cast<int *>(palloc0(sizeof(int) * size));
    limit->order = static_cast<SortSupportData *>(palloc0(sizeof(SortSupportData) * size));
    for (auto *clause : pg::each<SortGroupClause>(upper.sortClause)) {
        const TargetEntry *target = get_sortgroupref_tle(clause->tleSortGroupRef, upper.targetList);
        if (target->resjunk)
            return;
        SortSupport order = &limit->order[limit->size];
        order->ssup_cxt = CurrentMemoryContext;
        order->ssup_collation = exprCollation(reinterpret_cast<Node *>(target->expr));
        order->ssup_nulls_first = clause->nulls_first;
        PrepareSortSupportFromOrderingOp(clause->sortop, order);
        limit->columns[limit->size++] = target->resno - 1;
    }
}

PG_GUARDED void compile_limit(Plan *plan, const Query &upper)
{
    int64 count = 0;
    if (!is_just_limit(upper) || !constant_of(upper.limitCount, &count))
        return;
    auto *limit = static_cast<Limit *>(palloc0(sizeof(Limit)));
    limit->count = count;
    compile_order(upper, limit);
    if (limit->size == 0)
        return;
    List *targets = NIL;
    for (auto *target : pg::each<TargetEntry>(upper.targetList))
        if (!target->resjunk)
            targets =
                lappend(targets,
                        makeTargetEntry(expression_planner(static_cast<Expr *>(copyObjectImpl(target->expr))),
                                        target->resno, nullptr, false));
    TupleDesc kept = kept_type(*plan);
    limit->group = MakeSingleTupleTableSlot(kept, &TTSOpsVirtual);
    limit->targets = ExecBuildProjectionInfo(
        targets, plan->context, MakeSingleTupleTableSlot(plan->shown, &TTSOpsVirtual), nullptr, kept);
    if (upper.jointree->quals != nullptr)
        limit->having = ExecInitQual(
            make_ands_implicit(expression_planner(reinterpret_cast<Expr *>(upper.jointree->quals))), nullptr);
    plan->limit = limit;
}

/* Where rows go. */
struct Destination {
    Plan *plan;
    GroupTable *rows;
};

PG_GUARDED void fold_upper_row(void *self, TupleTableSlot *row)
{
    const auto &to = *static_cast<Destination *>(self);
    CHECK_FOR_INTERRUPTS();
    fold_shown(to.plan, to.rows, row, Sign::In);
}

/* The plan of the upper query, from the cache if it may be. */
PG_GUARDED PlannedStmt *plan_for(Plan *plan)
{
    if (!plan->stale && plan->upper != nullptr && plan->upper_serializable == pg::is_serializable())
        return plan->upper;
    const model::View &view = *plan->view;
    const int first = view.keys.size + (plan->strategy == model::Strategy::Delta ? 1 : 0);
    const Query *query = analyze::upper_over(view.upper, table_entry(plan->registration.state), first);
    PlannedStmt *planned = pg::plan_plain_query(analyze::exact_query(query));
    if (plan->stale)
        return planned;
    MemoryContext caller = MemoryContextSwitchTo(plan->memory);
    plan->upper = static_cast<PlannedStmt *>(copyObjectImpl(planned));
    plan->upper_serializable = pg::is_serializable();
    MemoryContextSwitchTo(caller);
    return plan->upper;
}

} // namespace

PG_GUARDED TupleDesc kept_type(const Plan &plan)
{
    return ExecCleanTypeFromTL(plan.strategy == model::Strategy::Delta ? plan.view->outputs
                                                                       : plan.view->group_targets);
}

PG_GUARDED void fold_shown(Plan *plan, GroupTable *rows, TupleTableSlot *row, Sign sign)
{
    slot_getsomeattrs(row, plan->shown->natts);
    ResetExprContext(plan->context);
    MemoryContext caller = MemoryContextSwitchTo(plan->context->ecxt_per_tuple_memory);
    Group *group = rows->find_or_add(row->tts_values, row->tts_isnull);
    fold(model::AccumulatorKind::Rows, group->accumulator(*plan->rows, 0), InvalidOid, Datum{}, sign,
         rows->arena());
    MemoryContextSwitchTo(caller);
}

PG_GUARDED void compile_upper(Plan *plan)
{
    model::View &view = *plan->view;
    plan->rows = make_layout(view.columns, {.data = view.accumulators.data, .size = 1});
    plan->shown = ExecCleanTypeFromTL(view.upper->targetList);
    compile_limit(plan, *castNode(Query, analyze::exact_query(view.upper)));
}

PG_GUARDED void fold_upper(Plan *plan, GroupTable *rows, pg::Reading reading)
{
    Destination to = {.plan = plan, .rows = rows};
    pg::run_plan(plan_for(plan), reading, nullptr, 0, {.consume = fold_upper_row, .self = &to});
}

} // namespace delta
