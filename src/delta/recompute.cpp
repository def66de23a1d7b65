/*
 * recompute.cpp - groups that changed are computed anew, from the rows that they have now.
 *
 * One query computes many groups (group_query.cpp): that of the view, joined with the keys of those groups,
 * which it reads by name from a tuplestore.  The planner reaches their rows through an index on the group
 * columns for a few of them, and reads everything once for many.
 *
 * A key that is NULL is looked for by IS NULL, so groups are computed by one query for each grouping set and
 * each choice of keys that are NULL: of those there are few.  Queries are planned once per session, that
 * choice, and size of the change; the plan lives as long as the compiled view.
 *
 * Of a query with options (outer joins, subqueries in expressions) or partitions it is the definition itself
 * that is so restricted, in its WHERE or in that of the level whose rows are parted.  Where such a query has
 * no groups, or is parted, a key may have several rows, or none; they are compared with those that the table
 * has under the keys, which a query over the table finds the same way.
 *
 * Sums of floats are the exact ones, as in everything else that computes contents.
 */
#include "delta/recompute.hpp"

#include "analyze/analyze.hpp"
#include "delta/group_query.hpp"
#include "delta/rows_query.hpp"
#include "pg/list.hpp"

namespace delta {

namespace {

/* What groups that one query can compute have in common. */
struct Alike {
    const model::GroupingSet *set; /* NULL: the view has just one */
    Bitmapset *nulls;              /* which keys are NULL */
};

/* A recomputation that was planned. */
struct Recomputation {
    Alike alike;
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
    model::Array<PresentRow> *present; /* those that the table has; room for a power of two */
    MinimalTuple *result;              /* else */
    MemoryContext memory;              /* that the result is in; the executor has its own */
    TupleTableSlot *shown;             /* a row of the table */
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

/*
 * Has a value to be shown as of the type that an operator takes?  A row for any record not: as the parser has
 * it (coerce_type; PostgreSQL, parse_coerce.c), the planner then knows of which columns it is, and whether
 * these have an order.
 */
PG_GUARDED static bool has_to_be_shown_as(Oid taken, Oid type)
{
    return taken != type && taken != RECORDOID && !IsPolymorphicType(taken);
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
    if (has_to_be_shown_as(left, key.type))
        expression = reinterpret_cast<Expr *>(
            makeRelabelType(expression, left, -1, key.collation, COERCE_IMPLICIT_CAST));
    if (has_to_be_shown_as(right, key.type))
        value =
            reinterpret_cast<Expr *>(makeRelabelType(value, right, -1, key.collation, COERCE_IMPLICIT_CAST));
    return reinterpret_cast<Node *>(
        make_opclause(key.equality, BOOLOID, false, expression, value, InvalidOid, key.collation));
}

namespace {

PG_GUARDED Alike describe(const Plan &plan, const Group &group)
{
    Alike alike = {.set = nullptr, .nulls = nulls_of(plan, group)};
    if (plan.view->sets.size > 0)
        alike.set = plan.view->set_of(DatumGetInt32(group.keys()[0]));
    return alike;
}

PG_GUARDED bool same(const Alike &one, const Alike &other)
{
    return one.set == other.set && bms_equal(one.nulls, other.nulls);
}

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
    const model::View &view = *plan.view;
    auto *query = static_cast<Query *>(copyObjectImpl(plan.definition));
    Query *level = analyze::level_of(query, plan.parted_depth);
    auto *shown = static_cast<List *>(copyObjectImpl(plan.shown_keys));
    if (!query->hasDistinctOn)
        query->sortClause = NIL;
    level->rtable = lappend(level->rtable, pg::named_rows_entry(keys));
    restrict_to(level, view, nulls, [&](const model::Key &key) {
        return static_cast<Expr *>(list_nth(shown, static_cast<int>(&key - view.keys.data)));
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
    add_target(query, reinterpret_cast<Expr *>(
                          makeVar(1, SelfItemPointerAttributeNumber, TIDOID, -1, InvalidOid, 0)));
    pg::add_permission_entries(query);
    return pg::plan_plain_query(query);
}

PG_GUARDED PlannedStmt *plan_recomputation(const Plan &plan, const Alike &alike, bool present,
                                           const pg::NamedRows &keys)
{
    if (present)
        return plan_present(plan, alike.nulls, keys);
    if (plan.view->from_definition())
        return plan_definition(plan, alike.nulls, keys);
    return pg::plan_plain_query(group_query(*plan.view, alike.set, &keys, alike.nulls));
}

/* The plan for such groups, from the cache if it may be. */
PG_GUARDED PlannedStmt *plan_for(Plan *plan, const Alike &alike, bool present, const pg::NamedRows &keys)
{
    if (plan->stale)
        return plan_recomputation(*plan, alike, present, keys);
    int magnitude = 0;
    for (int64 rows = tuplestore_tuple_count(keys.rows); rows > 0; rows /= 32)
        ++magnitude;
    for (auto *known : pg::each<Recomputation>(plan->recomputations))
        if (known->magnitude == magnitude && known->present == present && same(known->alike, alike) &&
            known->serializable == pg::is_serializable())
            return known->plan;

    PlannedStmt *planned = plan_recomputation(*plan, alike, present, keys);
    MemoryContext caller = MemoryContextSwitchTo(plan->memory);
    auto *made = static_cast<Recomputation *>(palloc0(sizeof(Recomputation)));
    made->alike = {.set = alike.set, .nulls = bms_copy(alike.nulls)};
    made->present = present;
    made->magnitude = magnitude;
    made->serializable = pg::is_serializable();
    made->plan = static_cast<PlannedStmt *>(copyObjectImpl(planned));
    plan->recomputations = lappend(plan->recomputations, made);
    MemoryContextSwitchTo(caller);
    return made->plan;
}

/* The place of the group that a row shows.  The keys come behind it, but in the definition's own rows. */
PG_GUARDED int place_of(const Computing &computing, TupleTableSlot *row, int shown)
{
    const model::View &view = *computing.plan->view;
    if (!view.from_definition())
        return computing.groups->find(row->tts_values + shown, row->tts_isnull + shown);
    auto *keys = static_cast<Datum *>(palloc(sizeof(Datum) * view.keys.size));
    bool *nulls = static_cast<bool *>(palloc(sizeof(bool) * view.keys.size));
    for (int i = 0; i < view.keys.size; ++i) {
        keys[i] = row->tts_values[view.keys[i].column - 1];
        nulls[i] = row->tts_isnull[view.keys[i].column - 1];
    }
    const int place = computing.groups->find(keys, nulls);
    pfree(nulls);
    pfree(keys);
    return place;
}

/* Keep a copy of the row that shows a group, where the group has its place.  The keys come behind it. */
PG_GUARDED void keep_row(void *argument, TupleTableSlot *row)
{
    const auto &computing = *static_cast<Computing *>(argument);
    CHECK_FOR_INTERRUPTS();
    slot_getallattrs(row);
    const int shown = computing.shown->tts_tupleDescriptor->natts;
    const int place = place_of(computing, row, shown) - computing.first;
    if (place < 0 || place >= computing.count)
        elog(ERROR, "a group was computed that was not asked for");
    ExecClearTuple(computing.shown);
    memcpy(computing.shown->tts_values, row->tts_values, sizeof(Datum) * shown);
    memcpy(computing.shown->tts_isnull, row->tts_isnull, sizeof(bool) * shown);
    ExecStoreVirtualTuple(computing.shown);
    MemoryContext caller = MemoryContextSwitchTo(computing.memory);
    computing.result[place] = ExecCopySlotMinimalTuple(computing.shown);
    MemoryContextSwitchTo(caller);
}

/* Take note of a row that the table has.  Its place comes behind its columns. */
PG_GUARDED void note_present(model::Array<PresentRow> *present, const Group *row, TupleTableSlot *read)
{
    constexpr int few = 64;
    if (present->size >= few && (present->size & (present->size - 1)) == 0)
        present->data = static_cast<PresentRow *>(
            repalloc_huge(present->data, sizeof(PresentRow) * 2 * static_cast<std::size_t>(present->size)));
    if (present->data == nullptr)
        present->data = static_cast<PresentRow *>(palloc(sizeof(PresentRow) * few));
    const int columns = read->tts_tupleDescriptor->natts;
    present->data[present->size++] = {
        .row = row, .where = *reinterpret_cast<ItemPointer>(DatumGetPointer(read->tts_values[columns - 1]))};
}

extern "C" {

/* Comparator of present rows: those that look alike follow each other, in the order of their places. */
PG_GUARDED static int compare_present(const void *left, const void *right)
{
    const auto &one = *static_cast<const PresentRow *>(left);
    const auto &other = *static_cast<const PresentRow *>(right);
    if (one.row != other.row)
        return one.row < other.row ? -1 : 1;
    return ItemPointerCompare(const_cast<ItemPointer>(&one.where), const_cast<ItemPointer>(&other.where));
}

} // extern "C"

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
    MemoryContextSwitchTo(computing.memory);
    if (computing.sign == Sign::Out)
        note_present(computing.present, group, row);
    MemoryContextSwitchTo(caller);
}

/* Compute those of the groups that are alike. */
PG_GUARDED void compute_alike(const Computing &computing, const Alike &alike, TupleDesc type,
                              Group *const *groups, pg::Reading reading)
{
    const Plan &plan = *computing.plan;
    Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
    for (int i = 0; i < computing.count; ++i)
        if (same(describe(plan, *groups[i]), alike))
            tuplestore_putvalues(rows, type, groups[i]->keys(), groups[i]->nulls(*plan.layout));
    const pg::NamedRows keys = {.name = "changed_groups", .layout = InvalidOid, .type = type, .rows = rows};
    Computing self = computing;
    if (computing.rows == nullptr) {
        pg::run_plan(plan_for(computing.plan, alike, false, keys), reading, &keys, 1,
                     {.consume = keep_row, .self = &self});
    } else {
        for (const Sign sign : {Sign::In, Sign::Out}) {
            self.sign = sign;
            pg::run_plan(plan_for(computing.plan, alike, sign == Sign::Out, keys), reading, &keys, 1,
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
    List *done = NIL; /* of Alike */
    for (int i = 0; i < computing.count; ++i) {
        auto *alike = static_cast<Alike *>(palloc(sizeof(Alike)));
        *alike = describe(plan, *wanted[i]);
        bool known = false;
        for (auto *other : pg::each<Alike>(done))
            known = known || same(*other, *alike);
        if (known)
            continue;
        compute_alike(computing, *alike, type, wanted, reading);
        done = lappend(done, alike);
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
    computing.shown = MakeSingleTupleTableSlot(plan->visible, &TTSOpsVirtual);
    compute(computing, reading);
    ExecDropSingleTupleTableSlot(computing.shown);
}

PG_GUARDED model::Array<PresentRow> recompute_rows(Plan *plan, GroupTable *keys, int first, int count,
                                                   pg::Reading reading, GroupTable *rows)
{
    model::Array<PresentRow> present = {};
    Computing computing = {};
    computing.plan = plan;
    computing.groups = keys;
    computing.first = first;
    computing.count = count;
    computing.rows = rows;
    computing.present = &present;
    computing.memory = CurrentMemoryContext;
    compute(computing, reading);
    if (present.size > 0)
        qsort(present.data, static_cast<std::size_t>(present.size), sizeof(PresentRow), compare_present);
    return present;
}

} // namespace delta
