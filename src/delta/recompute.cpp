/*
 * recompute.cpp - groups that changed are computed anew, from the rows that they have now.
 *
 * One query computes many groups: that of the view, joined with the keys of those groups, which it reads by
 * name from a tuplestore.  Every row of the sources belongs to one group, and each key is there once, so the
 * join leaves the groups that are asked for whole, and repeats nothing.  The planner reaches their rows
 * through an index on the group columns for a few of them, and reads everything once for many.
 *
 * A key that is NULL is looked for by IS NULL, so groups are computed by one query for each set of keys that
 * are NULL: of those there are few.  Queries are planned once per session, that set, and size of the change;
 * the plan lives as long as the compiled view.
 *
 * Of a query with options (outer joins, subqueries in expressions) it is the definition itself that is so
 * restricted, as far up as its WHERE.  Where such a query has no groups, a key may have several rows, or
 * none; they are compared with those that the table has under the keys, which a query over the table finds
 * the same way.
 *
 * Sums of floats are the exact ones, as in everything else that computes contents.
 */
#include "delta/recompute.hpp"

#include "analyze/analyze.hpp"
#include "delta/rows_query.hpp"
#include "pg/list.hpp"
#include "pg/query.hpp"

namespace delta {

namespace {

/* A recomputation that was planned. */
struct Recomputation {
    Bitmapset *nulls;  /* which keys are NULL */
    bool present;      /* of what the table has, not of what it should have */
    int magnitude;     /* of the number of groups, in powers of 32: another may want another plan */
    bool serializable; /* planned in such a transaction; see pg/settled.cpp */
    PlannedStmt *plan;
};

/* What is needed while groups are computed. */
struct Computing {
    Plan *plan;
    GroupTable *groups;
    int first;
    int count;
    GroupTable *rows; /* where rows are computed that are not in groups: what they differ by; else NULL */
    Sign sign;
    MinimalTuple *result; /* else */
    MemoryContext memory; /* that the result is in; the executor has its own */
    Datum *keys;          /* of the row that came last */
    bool *nulls;
};

} // namespace

PG_GUARDED Bitmapset *nulls_of(const Plan &plan, const Group &group)
{
    Bitmapset *set = nullptr;
    for (int i = 0; i < plan.view->keys.size; ++i)
        if (group.nulls(*plan.layout)[i])
            set = bms_add_member(set, i);
    return set;
}

PG_GUARDED TupleDesc key_row_type(const model::View &view)
{
    TupleDesc type = CreateTemplateTupleDesc(view.keys.size);
    for (int i = 0; i < view.keys.size; ++i) {
        const auto number = static_cast<AttrNumber>(i + 1);
        TupleDescInitEntry(type, number, psprintf("key_%d", i + 1), view.keys[i].type, view.keys[i].typmod,
                           0);
        TupleDescInitEntryCollation(type, number, view.keys[i].collation);
    }
    pg::finalize_tuple_desc(type);
    return type;
}

PG_GUARDED Node *key_condition(const model::View &view, int i, Expr *expression, bool null, int varno,
                               int level)
{
    const model::Key &key = view.keys[i];
    if (null) {
        auto *test = makeNode(NullTest);
        test->arg = expression;
        test->nulltesttype = IS_NULL;
        test->argisrow = false; /* a row of NULLs is another group than no row at all */
        test->location = -1;
        return reinterpret_cast<Node *>(test);
    }
    Var *wanted = makeVar(varno, static_cast<AttrNumber>(i + 1), key.type, key.typmod, key.collation, level);
    Oid left;
    Oid right;
    op_input_types(key.equality, &left, &right);
    auto *value = reinterpret_cast<Expr *>(wanted);
    if (left != key.type && !IsPolymorphicType(left))
        expression = reinterpret_cast<Expr *>(
            makeRelabelType(expression, left, -1, key.collation, COERCE_IMPLICIT_CAST));
    if (right != key.type && !IsPolymorphicType(right))
        value =
            reinterpret_cast<Expr *>(makeRelabelType(value, right, -1, key.collation, COERCE_IMPLICIT_CAST));
    return reinterpret_cast<Node *>(
        make_opclause(key.equality, BOOLOID, false, expression, value, InvalidOid, key.collation));
}

namespace {

/* Restrict the query to rows of the groups whose keys are in the last range table entry. */
template <class Expression>
PG_GUARDED void restrict_to(Query *query, const model::View &view, const Bitmapset *nulls,
                            Expression expression)
{
    auto *reference = makeNode(RangeTblRef);
    reference->rtindex = list_length(query->rtable);
    query->jointree->fromlist = lappend(query->jointree->fromlist, reference);

    List *conditions = query->jointree->quals == nullptr ? NIL : list_make1(query->jointree->quals);
    for (int i = 0; i < view.keys.size; ++i)
        conditions = lappend(conditions, key_condition(view, i, expression(view.keys[i]),
                                                       bms_is_member(i, nulls), reference->rtindex, 0));
    query->jointree->quals = reinterpret_cast<Node *>(make_ands_explicit(conditions));
}

} // namespace

PG_GUARDED void restrict_to_keys(Query *query, const model::View &view, const Bitmapset *nulls)
{
    restrict_to(query, view, nulls,
                [](const model::Key &key) { return static_cast<Expr *>(copyObjectImpl(key.expression)); });
}

namespace {

/* The query over the definition itself. */
PG_GUARDED PlannedStmt *plan_definition(const Plan &plan, const Bitmapset *nulls, const pg::NamedRows &keys)
{
    auto *query = static_cast<Query *>(copyObjectImpl(plan.definition));
    query->sortClause = NIL;
    query->rtable = lappend(query->rtable, pg::named_rows_entry(keys));
    restrict_to(query, *plan.view, nulls, [query](const model::Key &key) {
        auto *shown = list_nth_node(TargetEntry, query->targetList, key.column - 1);
        return static_cast<Expr *>(
            copyObjectImpl(pg::flatten_group_exprs(query, reinterpret_cast<Node *>(shown->expr))));
    });
    return pg::plan_definition(query);
}

/* The query over the table that gives what it has. */
PG_GUARDED PlannedStmt *plan_present(const Plan &plan, const Bitmapset *nulls, const pg::NamedRows &keys)
{
    auto *query = makeNode(Query);
    query->commandType = CMD_SELECT;
    query->querySource = QSRC_ORIGINAL;
    query->canSetTag = true;
    query->rtable = list_make2(table_entry(plan.registration.imat), pg::named_rows_entry(keys));
    auto *table = makeNode(RangeTblRef);
    table->rtindex = 1;
    query->jointree = makeFromExpr(list_make1(table), nullptr);
    auto column = [](const model::Key &key) {
        return reinterpret_cast<Expr *>(makeVar(1, key.column, key.type, key.typmod, key.collation, 0));
    };
    restrict_to(query, *plan.view, nulls, column);
    for (const model::Key &shown : plan.view->columns)
        add_target(query, column(shown));
    pg::add_permission_entries(query);
    return pg::plan_plain_query(query);
}

PG_GUARDED PlannedStmt *plan_recomputation(const Plan &plan, const Bitmapset *nulls,
                                           const pg::NamedRows &keys)
{
    const model::View &view = *plan.view;
    if (view.has_options())
        return plan_definition(plan, nulls, keys);
    List *entries = NIL;
    for (const model::Reference &reference : view.references)
        entries = lappend(entries, table_entry(reference.relation));
    Query *query = rows_query(view, lappend(entries, pg::named_rows_entry(keys)));
    restrict_to_keys(query, view, nulls);

    query->targetList = static_cast<List *>(copyObjectImpl(view.group_targets));
    query->havingQual = static_cast<Node *>(copyObjectImpl(view.group_having));
    query->hasAggs = true;
    Index group = 0;
    for (const model::Key &key : view.keys) {
        auto *target = list_nth_node(TargetEntry, query->targetList, key.column - 1);
        if (target->ressortgroupref == 0)
            group_by(query, key, target, ++group);
    }
    return pg::plan_plain_query(analyze::exact_query(query));
}

/* The plan for such groups, from the cache if it may be. */
PG_GUARDED PlannedStmt *plan_for(Plan *plan, const Bitmapset *nulls, bool present, const pg::NamedRows &keys)
{
    auto make = present ? plan_present : plan_recomputation;
    if (plan->stale)
        return make(*plan, nulls, keys);
    int magnitude = 0;
    for (int64 rows = tuplestore_tuple_count(keys.rows); rows > 0; rows /= 32)
        ++magnitude;
    for (auto *known : pg::each<Recomputation>(plan->recomputations))
        if (known->magnitude == magnitude && known->present == present && bms_equal(known->nulls, nulls) &&
            known->serializable == pg::is_serializable())
            return known->plan;

    PlannedStmt *planned = make(*plan, nulls, keys);
    MemoryContext caller = MemoryContextSwitchTo(plan->memory);
    auto *made = static_cast<Recomputation *>(palloc0(sizeof(Recomputation)));
    made->nulls = bms_copy(nulls);
    made->present = present;
    made->magnitude = magnitude;
    made->serializable = pg::is_serializable();
    made->plan = static_cast<PlannedStmt *>(copyObjectImpl(planned));
    plan->recomputations = lappend(plan->recomputations, made);
    MemoryContextSwitchTo(caller);
    return made->plan;
}

/* Keep a copy of the row that shows a group, where the group has its place. */
PG_GUARDED void keep_row(void *argument, TupleTableSlot *row)
{
    const auto &computing = *static_cast<Computing *>(argument);
    CHECK_FOR_INTERRUPTS();
    slot_getallattrs(row);
    for (int i = 0; i < computing.plan->view->keys.size; ++i) {
        const int column = computing.plan->view->keys[i].column - 1;
        computing.keys[i] = row->tts_values[column];
        computing.nulls[i] = row->tts_isnull[column];
    }
    const int place = computing.groups->find(computing.keys, computing.nulls) - computing.first;
    if (place < 0 || place >= computing.count)
        elog(ERROR, "a group was computed that was not asked for");
    MemoryContext caller = MemoryContextSwitchTo(computing.memory);
    computing.result[place] = ExecCopySlotMinimalTuple(row);
    MemoryContextSwitchTo(caller);
}

/* Add a row to those that the table should have and hasn't, or to what it has and shouldn't. */
PG_GUARDED void fold_row_image(void *argument, TupleTableSlot *row)
{
    const auto &computing = *static_cast<Computing *>(argument);
    ExprContext *context = computing.plan->context;
    CHECK_FOR_INTERRUPTS();
    slot_getallattrs(row);
    ResetExprContext(context);
    MemoryContext caller = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
    Group *group = computing.rows->find_or_add(row->tts_values, row->tts_isnull);
    fold(model::AccumulatorKind::Rows, group->accumulator(*computing.plan->rows, 0), InvalidOid, Datum{},
         computing.sign, computing.rows->arena());
    MemoryContextSwitchTo(caller);
}

/* Compute those of the groups that have the same keys NULL as the given one. */
PG_GUARDED void compute_like(const Computing &computing, const Bitmapset *nulls, TupleDesc type,
                             Group *const *groups, pg::Reading reading)
{
    const Plan &plan = *computing.plan;
    Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
    for (int i = 0; i < computing.count; ++i)
        if (bms_equal(nulls_of(plan, *groups[i]), nulls))
            tuplestore_putvalues(rows, type, groups[i]->keys(), groups[i]->nulls(*plan.layout));
    const pg::NamedRows keys = {.name = "changed_groups", .layout = InvalidOid, .type = type, .rows = rows};
    Computing self = computing;
    if (computing.rows == nullptr) {
        pg::run_plan(plan_for(computing.plan, nulls, false, keys), reading, &keys, 1,
                     {.consume = keep_row, .self = &self});
    } else {
        for (const Sign sign : {Sign::In, Sign::Out}) {
            self.sign = sign;
            pg::run_plan(plan_for(computing.plan, nulls, sign == Sign::Out, keys), reading, &keys, 1,
                         {.consume = fold_row_image, .self = &self});
        }
    }
    tuplestore_end(rows);
}

/* Compute all of the groups. */
PG_GUARDED void compute(const Computing &computing, pg::Reading reading)
{
    const Plan &plan = *computing.plan;
    Group *const *wanted = computing.groups->in_order().data + computing.first;
    TupleDesc type = key_row_type(*plan.view);
    List *done = NIL; /* of Bitmapset */
    for (int i = 0; i < computing.count; ++i) {
        Bitmapset *nulls = nulls_of(plan, *wanted[i]);
        bool known = false;
        for (auto *other : pg::each<Bitmapset>(done))
            known = known || bms_equal(other, nulls);
        if (known)
            continue;
        compute_like(computing, nulls, type, wanted, reading);
        done = lappend(done, nulls);
    }
}

} // namespace

PG_GUARDED void recompute(Plan *plan, GroupTable *groups, int first, int count, pg::Reading reading,
                          MinimalTuple *result)
{
    memset(result, 0, sizeof(MinimalTuple) * count);
    Computing computing = {};
    computing.plan = plan;
    computing.groups = groups;
    computing.first = first;
    computing.count = count;
    computing.result = result;
    computing.memory = CurrentMemoryContext;
    computing.keys = static_cast<Datum *>(palloc(sizeof(Datum) * plan->view->keys.size));
    computing.nulls = static_cast<bool *>(palloc(sizeof(bool) * plan->view->keys.size));
    compute(computing, reading);
}

PG_GUARDED void recompute_rows(Plan *plan, GroupTable *keys, int first, int count, pg::Reading reading,
                               GroupTable *rows)
{
    Computing computing = {};
    computing.plan = plan;
    computing.groups = keys;
    computing.first = first;
    computing.count = count;
    computing.rows = rows;
    compute(computing, reading);
}

} // namespace delta
