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
    Bitmapset *nulls; /* which keys are NULL */
    int magnitude;    /* of the number of groups, in powers of 32: another may want another plan */
    PlannedStmt *plan;
};

/* What is needed while groups are computed. */
struct Computing {
    Plan *plan;
    GroupTable *groups;
    int first;
    int count;
    MinimalTuple *result;
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

PG_GUARDED Node *key_condition(const model::View &view, int i, bool null, int varno, int level)
{
    const model::Key &key = view.keys[i];
    auto *expression = static_cast<Expr *>(copyObjectImpl(key.expression));
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

PG_GUARDED void restrict_to_keys(Query *query, const model::View &view, const Bitmapset *nulls)
{
    auto *reference = makeNode(RangeTblRef);
    reference->rtindex = view.references.size + 1;
    query->jointree->fromlist = lappend(query->jointree->fromlist, reference);

    List *conditions = query->jointree->quals == nullptr ? NIL : list_make1(query->jointree->quals);
    for (int i = 0; i < view.keys.size; ++i)
        conditions =
            lappend(conditions, key_condition(view, i, bms_is_member(i, nulls), reference->rtindex, 0));
    query->jointree->quals = reinterpret_cast<Node *>(make_ands_explicit(conditions));
}

namespace {

PG_GUARDED PlannedStmt *plan_recomputation(const model::View &view, const Bitmapset *nulls,
                                           const pg::NamedRows &keys)
{
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
PG_GUARDED PlannedStmt *plan_for(Plan *plan, const Bitmapset *nulls, const pg::NamedRows &keys)
{
    if (plan->stale)
        return plan_recomputation(*plan->view, nulls, keys);
    int magnitude = 0;
    for (int64 rows = tuplestore_tuple_count(keys.rows); rows > 0; rows /= 32)
        ++magnitude;
    for (auto *known : pg::each<Recomputation>(plan->recomputations))
        if (known->magnitude == magnitude && bms_equal(known->nulls, nulls))
            return known->plan;

    PlannedStmt *planned = plan_recomputation(*plan->view, nulls, keys);
    MemoryContext caller = MemoryContextSwitchTo(plan->memory);
    auto *made = static_cast<Recomputation *>(palloc0(sizeof(Recomputation)));
    made->nulls = bms_copy(nulls);
    made->magnitude = magnitude;
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

/* Compute those of the groups that have the same keys NULL as the given one. */
PG_GUARDED void compute_like(const Computing &computing, const Bitmapset *nulls, TupleDesc type,
                             Group *const *groups, Snapshot snapshot)
{
    const Plan &plan = *computing.plan;
    Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
    for (int i = 0; i < computing.count; ++i)
        if (bms_equal(nulls_of(plan, *groups[i]), nulls))
            tuplestore_putvalues(rows, type, groups[i]->keys(), groups[i]->nulls(*plan.layout));
    const pg::NamedRows keys = {.name = "changed_groups", .layout = InvalidOid, .type = type, .rows = rows};
    pg::run_plan(plan_for(computing.plan, nulls, keys), snapshot, &keys, 1,
                 {.consume = keep_row, .self = const_cast<Computing *>(&computing)});
    tuplestore_end(rows);
}

} // namespace

PG_GUARDED void recompute(Plan *plan, GroupTable *groups, int first, int count, Snapshot snapshot,
                          MinimalTuple *result)
{
    memset(result, 0, sizeof(MinimalTuple) * count);
    Group *const *wanted = groups->in_order().data + first;
    const Computing computing = {.plan = plan,
                                 .groups = groups,
                                 .first = first,
                                 .count = count,
                                 .result = result,
                                 .memory = CurrentMemoryContext,
                                 .keys = static_cast<Datum *>(palloc(sizeof(Datum) * plan->view->keys.size)),
                                 .nulls = static_cast<bool *>(palloc(sizeof(bool) * plan->view->keys.size))};
    TupleDesc type = key_row_type(*plan->view);
    List *done = NIL; /* of Bitmapset */
    for (int i = 0; i < count; ++i) {
        Bitmapset *nulls = nulls_of(*plan, *wanted[i]);
        bool known = false;
        for (auto *other : pg::each<Bitmapset>(done))
            known = known || bms_equal(other, nulls);
        if (known)
            continue;
        compute_like(computing, nulls, type, wanted, snapshot);
        done = lappend(done, nulls);
    }
}

} // namespace delta
