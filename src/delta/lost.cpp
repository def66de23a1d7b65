/*
 * lost.cpp - extremes that groups have lost sight of are looked up among the rows.
 *
 * One query looks up many groups: it reads their keys by name from a tuplestore, as in recompute.cpp.  It has
 * one of two forms.
 *
 *     group    the fill query for one accumulator, restricted to these groups; all of their rows are read
 *     first    where an index has the group columns and then the argument: for each group, the first few
 *              rows in the order of the argument.  So many rows as are asked for may not be all that there
 * are of the last value; the accumulator says so (kernels/extremes.hpp).
 *
 * Queries are planned once per session, accumulator, set of keys that are NULL, and size of the change; the
 * plan lives as long as the compiled view, which is dropped when an index of a source comes or goes.
 */
#include "delta/lost.hpp"

#include "analyze/analyze.hpp"
#include "delta/fill.hpp"
#include "delta/recompute.hpp"
#include "delta/rows_query.hpp"
#include "pg/list.hpp"
#include "pg/query.hpp"

namespace delta {

namespace {

/* How many rows of a group the form "first" reads. */
constexpr int64 first_rows = int64{4} * kernels::most_extremes;

/* A lookup that was planned. */
struct Lookup {
    int accumulator;
    Bitmapset *nulls;  /* which keys are NULL */
    int magnitude;     /* of the number of groups, in powers of 32 */
    bool serializable; /* planned in such a transaction; see pg/settled.cpp */
    bool first;        /* the form */
    PlannedStmt *plan;
};

/* What is needed while groups are looked up. */
struct Looking {
    Plan *plan;
    GroupTable *lost;
    int accumulator;
    bool first;
};

PG_GUARDED ExtremesState *state_of(const Looking &looking, int group)
{
    return static_cast<ExtremesState *>(
        looking.lost->in_order()[group]->accumulator(*looking.plan->layout, looking.accumulator));
}

/* Has the group lost it, and was it not found yet? */
PG_GUARDED bool is_wanted(const Looking &looking, int group)
{
    const kernels::Extremes &values = state_of(looking, group)->values;
    return values.bounded() && values.size() == 0;
}

/* A subquery in FROM. */
PG_GUARDED RangeTblEntry *subquery_entry(Query *subquery, bool lateral)
{
    auto *entry = makeNode(RangeTblEntry);
    entry->rtekind = RTE_SUBQUERY;
    entry->subquery = subquery;
    entry->lateral = lateral;
    entry->inFromCl = true;
    List *names = NIL;
    for (auto *target : pg::each<TargetEntry>(subquery->targetList))
        names = lappend(names, makeString(target->resname));
    entry->eref = makeAlias("subquery", names);
    return entry;
}

/* A query over these entries, without a condition. */
PG_GUARDED Query *query_over(List *entries)
{
    auto *query = makeNode(Query);
    query->commandType = CMD_SELECT;
    query->querySource = QSRC_ORIGINAL;
    query->canSetTag = true;
    query->rtable = entries;
    List *from = NIL;
    for (int i = 1; i <= list_length(entries); ++i) {
        auto *reference = makeNode(RangeTblRef);
        reference->rtindex = i;
        from = lappend(from, reference);
    }
    query->jointree = makeFromExpr(from, nullptr);
    pg::add_permission_entries(query);
    return query;
}

/* SELECT input FROM source WHERE it is one of the group's and not NULL ORDER BY input LIMIT first_rows. */
PG_GUARDED Query *first_rows_query(const model::View &view, const model::Accumulator &accumulator,
                                   const Bitmapset *nulls)
{
    Query *query = rows_query(view, list_make1(reference_entry(view.references[0])));
    List *conditions = query->jointree->quals == nullptr ? NIL : list_make1(query->jointree->quals);
    for (int i = 0; i < view.keys.size; ++i)
        conditions = lappend(
            conditions, key_condition(view, i, static_cast<Expr *>(copyObjectImpl(view.keys[i].expression)),
                                      bms_is_member(i, nulls), 1, 2));
    auto *input = static_cast<Expr *>(copyObjectImpl(accumulator.input));
    auto *present = makeNode(NullTest);
    present->arg = static_cast<Expr *>(copyObjectImpl(accumulator.input));
    present->nulltesttype = IS_NOT_NULL;
    present->argisrow = false;
    present->location = -1;
    conditions = lappend(conditions, present);
    query->jointree->quals = reinterpret_cast<Node *>(make_ands_explicit(conditions));

    TargetEntry *target = add_target(query, input);
    const TypeCacheEntry *type =
        lookup_type_cache(accumulator.input_type, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);
    const bool greatest = accumulator.kind == model::AccumulatorKind::Greatest;
    auto *clause = makeNode(SortGroupClause);
    clause->tleSortGroupRef = target->ressortgroupref = 1;
    clause->eqop = type->eq_opr;
    clause->sortop = greatest ? type->gt_opr : type->lt_opr;
    clause->nulls_first = greatest; /* there are none; but so it is the order of a scan of an index */
    pg::set_descending(clause, greatest);
    query->sortClause = list_make1(clause);
    query->limitCount = reinterpret_cast<Node *>(
        makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(first_rows), false, FLOAT8PASSBYVAL));
    return query;
}

/* The query of the form "first": the keys, and what imat.accumulate makes of the first rows. */
PG_GUARDED Query *first_query(const model::View &view, const model::Accumulator &accumulator,
                              const Bitmapset *nulls, const pg::NamedRows &keys)
{
    Query *rows = first_rows_query(view, accumulator, nulls);
    Query *sum = query_over(list_make1(subquery_entry(rows, false)));
    sum->hasAggs = true;
    Var *value = makeVar(1, 1, accumulator.input_type, exprTypmod(accumulator.input),
                         exprCollation(accumulator.input), 0);
    add_target(sum, &accumulate_call(accumulator, reinterpret_cast<Node *>(value))->xpr);
    if (view.keys.size == 0)
        return sum;

    Query *query = query_over(list_make2(pg::named_rows_entry(keys), subquery_entry(sum, true)));
    for (int i = 0; i < view.keys.size; ++i)
        add_target(query,
                   reinterpret_cast<Expr *>(makeVar(1, static_cast<AttrNumber>(i + 1), view.keys[i].type,
                                                    view.keys[i].typmod, view.keys[i].collation, 0)));
    add_target(query, reinterpret_cast<Expr *>(makeVar(2, 1, BYTEAOID, -1, InvalidOid, 0)));
    return query;
}

/* The query of the form "group". */
PG_GUARDED Query *group_query(const model::View &view, const model::Accumulator &accumulator,
                              const Bitmapset *nulls, const pg::NamedRows &keys)
{
    List *entries = NIL;
    for (const model::Reference &reference : view.references)
        entries = lappend(entries, reference_entry(reference));
    Query *query = rows_query(view, entries);
    query->hasAggs = true;
    if (view.keys.size > 0) {
        query->rtable = lappend(query->rtable, pg::named_rows_entry(keys));
        restrict_to_keys(query, view, nulls);
    }
    Index group = 0;
    for (const model::Key &key : view.keys) {
        TargetEntry *entry = add_target(query, static_cast<Expr *>(copyObjectImpl(key.expression)));
        group_by(query, key, entry, ++group);
    }
    add_target(query, &accumulate_call(accumulator, accumulator.input)->xpr);
    return query;
}

PG_GUARDED Lookup *plan_lookup(const model::View &view, int accumulator, const Bitmapset *nulls,
                               const pg::NamedRows &keys)
{
    const model::Accumulator &wanted = view.accumulators[accumulator];
    auto *lookup = static_cast<Lookup *>(palloc0(sizeof(Lookup)));
    lookup->accumulator = accumulator;
    lookup->nulls = bms_copy(nulls);
    lookup->first = analyze::index_has_extremes(view, wanted);
    lookup->plan = pg::plan_plain_query(lookup->first ? first_query(view, wanted, nulls, keys)
                                                      : group_query(view, wanted, nulls, keys));
    return lookup;
}

/* The plan for such groups, from the cache if it may be. */
PG_GUARDED const Lookup *lookup_for(Plan *plan, int accumulator, const Bitmapset *nulls,
                                    const pg::NamedRows &keys)
{
    if (plan->stale)
        return plan_lookup(*plan->view, accumulator, nulls, keys);
    int magnitude = 0;
    for (int64 rows = tuplestore_tuple_count(keys.rows); rows > 0; rows /= 32)
        ++magnitude;
    for (auto *known : pg::each<Lookup>(plan->lookups))
        if (known->accumulator == accumulator && known->magnitude == magnitude &&
            known->serializable == pg::is_serializable() && bms_equal(known->nulls, nulls))
            return known;

    const Lookup *made = plan_lookup(*plan->view, accumulator, nulls, keys);
    MemoryContext caller = MemoryContextSwitchTo(plan->memory);
    auto *kept = static_cast<Lookup *>(palloc(sizeof(Lookup)));
    *kept = *made;
    kept->nulls = bms_copy(nulls);
    kept->magnitude = magnitude;
    kept->serializable = pg::is_serializable();
    kept->plan = static_cast<PlannedStmt *>(copyObjectImpl(made->plan));
    plan->lookups = lappend(plan->lookups, kept);
    MemoryContextSwitchTo(caller);
    return kept;
}

/* Take one group's accumulator. */
PG_GUARDED void take_row(void *argument, TupleTableSlot *row)
{
    const auto &looking = *static_cast<Looking *>(argument);
    const int keys = looking.plan->view->keys.size;
    CHECK_FOR_INTERRUPTS();
    slot_getallattrs(row);
    const int place = looking.lost->find(row->tts_values, row->tts_isnull);
    if (place < 0)
        elog(ERROR, "a group was looked up that was not asked for");
    if (row->tts_isnull[keys])
        return;
    const bytea *bytes = DatumGetByteaPP(row->tts_values[keys]);
    kernels::Reader reader(
        {reinterpret_cast<const unsigned char *>(VARDATA_ANY(bytes)), VARSIZE_ANY_EXHDR(bytes)});
    ExtremesState *state = state_of(looking, place);
    state->decode(reader, looking.lost->arena());
    if (looking.first && state->count >= first_rows) {
        state->count = 0;
        state->values.bound();
    }
}

/* Look up one accumulator of the groups that have lost it, and have the same keys NULL as the given one. */
PG_GUARDED void look_up_like(Looking *looking, const Bitmapset *nulls, TupleDesc type, pg::Reading reading)
{
    Plan *plan = looking->plan;
    const model::Array<Group *> groups = looking->lost->in_order();
    Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
    for (int i = 0; i < groups.size; ++i)
        if (is_wanted(*looking, i) && bms_equal(nulls_of(*plan, *groups[i]), nulls))
            tuplestore_putvalues(rows, type, groups[i]->keys(), groups[i]->nulls(*plan->layout));
    const pg::NamedRows keys = {.name = "lost_groups", .layout = InvalidOid, .type = type, .rows = rows};
    const Lookup *lookup = lookup_for(plan, looking->accumulator, nulls, keys);
    pg::lock_tables(lookup->plan);
    if (plan->stale) /* perhaps because of what had to be waited for */
        lookup = lookup_for(plan, looking->accumulator, nulls, keys);
    looking->first = lookup->first;
    pg::run_plan(lookup->plan, reading, &keys, plan->view->keys.size > 0 ? 1 : 0,
                 {.consume = take_row, .self = looking});
    tuplestore_end(rows);
}

/* Look up one accumulator of all groups that have lost it. */
PG_GUARDED void look_up(Looking *looking, TupleDesc type, pg::Reading reading)
{
    List *done = NIL; /* of Bitmapset */
    for (int i = 0; i < looking->lost->size(); ++i) {
        Bitmapset *nulls = nulls_of(*looking->plan, *looking->lost->in_order()[i]);
        bool known = !is_wanted(*looking, i);
        for (auto *other : pg::each<Bitmapset>(done))
            known = known || bms_equal(other, nulls);
        if (known)
            continue;
        look_up_like(looking, nulls, type, reading);
        done = lappend(done, nulls);
    }
}

} // namespace

PG_GUARDED void find_lost(Plan *plan, GroupTable *lost, pg::Reading reading)
{
    TupleDesc type = key_row_type(*plan->view);
    for (int i = 0; i < plan->view->accumulators.size; ++i) {
        Looking looking = {.plan = plan, .lost = lost, .accumulator = i, .first = false};
        if (plan->layout->orders[i] != nullptr)
            look_up(&looking, type, reading);
    }
}

} // namespace delta
