/*
 * fill.cpp - computing all groups of a delta view that keeps a state table.
 *
 * The query is built over the one source table, from the same expressions that changed rows go through.  It
 * is run as the IMAT's owner by whoever has checked that the owner may read the definition, so its range
 * table entry asks for no permission of its own.
 */
#include "delta/fill.hpp"

#include "analyze/analyze.hpp"
#include "delta/accumulate.hpp"
#include "delta/group_row.hpp"
#include "delta/rows_query.hpp"

namespace delta {

struct Filler {
    Plan *plan;
    GroupRow *group;
    Datum *keys;
    bool *nulls;
    TupleTableSlot *state_row;
    std::uint64_t without; /* the keys that the row's grouping sets leave out */
    int set;               /* the one that is at hand */
};

namespace {

PG_GUARDED Aggref *count_rows()
{
    Aggref *call = pg::make_aggref(pg::F_COUNT_ROWS, INT8OID, NIL, NIL);
    call->aggstar = true;
    return call;
}

/* DISTINCT over an argument of an aggregate call, of the type. */
PG_GUARDED SortGroupClause *distinct_over(TargetEntry *argument, Index reference, Oid equality, Oid less_than)
{
    auto *clause = makeNode(SortGroupClause);
    clause->tleSortGroupRef = argument->ressortgroupref = reference;
    clause->eqop = equality;
    clause->sortop = less_than;
    return clause;
}

} // namespace

PG_GUARDED Aggref *accumulate_call(const model::Accumulator &accumulator, Node *input)
{
    const Oid types[] = {CHAROID, ANYOID};
    const Oid function = LookupFuncName(
        list_make2(makeString(pstrdup("imat")), makeString(pstrdup("accumulate"))), 2, types, false);
    auto *kind = makeConst(CHAROID, -1, InvalidOid, sizeof(char),
                           CharGetDatum(letter_of_kind(accumulator.kind)), false, true);
    auto *value = static_cast<Expr *>(copyObjectImpl(input));
    List *arguments =
        list_make2(makeTargetEntry(&kind->xpr, 1, nullptr, false), makeTargetEntry(value, 2, nullptr, false));
    Aggref *call =
        pg::make_aggref(function, BYTEAOID, arguments, list_make2_oid(CHAROID, accumulator.input_type));
    call->inputcollid = accumulator.collation;
    return call;
}

namespace {

/* What gives the accumulator of the view's rows, each value of DISTINCT once. */
PG_GUARDED Aggref *accumulator_call(const model::View &view, const model::Accumulator &accumulator)
{
    Aggref *call = accumulate_call(accumulator, accumulator.input);
    if (accumulator.distinct != 0) {
        const model::Key &value = view.distincts[accumulator.distinct - 1].value;
        const TypeCacheEntry *letter = lookup_type_cache(CHAROID, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);
        call->aggdistinct = list_make2(
            distinct_over(linitial_node(TargetEntry, call->args), 1, letter->eq_opr, letter->lt_opr),
            distinct_over(lsecond_node(TargetEntry, call->args), 2, value.equality, value.less_than));
    }
    return call;
}

/* GROUPING() of so many keys from the first one on: which of them the row's set leaves out. */
PG_GUARDED GroupingFunc *call_grouping(const model::View &view, int first)
{
    auto *call = makeNode(GroupingFunc);
    call->location = -1;
    for (int i = first; i < view.keys.size && i < first + model::most_grouping_arguments; ++i) {
        call->args = lappend(call->args, copyObjectImpl(view.keys[i].expression));
        call->refs = lappend_int(call->refs, i + 1);
    }
    return call;
}

/* The keys that are left out, by the value of that. */
PG_GUARDED std::uint64_t left_out(const model::View &view, int first, std::uint32_t value)
{
    std::uint64_t without = 0;
    for (int i = Min(view.keys.size, first + model::most_grouping_arguments) - 1; i >= first;
         --i, value >>= 1)
        without |= std::uint64_t{value & 1} << i;
    return without;
}

/* Are there more keys than one GROUPING() takes?  Another follows behind all else then. */
PG_GUARDED bool has_second_grouping(const model::View &view)
{
    return view.sets.size > 0 && view.keys.size > model::most_grouping_arguments + 1;
}

/* A node of GROUPING SETS. */
PG_GUARDED GroupingSet *grouping_node(GroupingSetKind kind, List *content)
{
    auto *node = makeNode(GroupingSet);
    node->kind = kind;
    node->content = content;
    node->location = -1;
    return node;
}

/* The grouping sets, each once. */
PG_GUARDED GroupingSet *distinct_sets(const model::View &view)
{
    List *nodes = NIL;
    for (const model::GroupingSet &set : view.sets) {
        bool seen = false;
        for (const model::GroupingSet *other = view.sets.begin(); other < &set; ++other)
            seen = seen || other->without == set.without;
        List *references = NIL;
        for (int i = 1; i < view.keys.size; ++i)
            if (!set.leaves_out(i))
                references = lappend_int(references, i + 1);
        if (!seen)
            nodes = lappend(nodes, references == NIL ? grouping_node(GROUPING_SET_EMPTY, NIL)
                                                     : grouping_node(GROUPING_SET_SIMPLE, references));
    }
    return grouping_node(GROUPING_SET_SETS, nodes);
}

/* A query over the rows of the view, grouped by its keys, which are the first targets, and counted. */
PG_GUARDED Query *grouped_query(const model::View &view)
{
    List *entries = NIL;
    for (const model::Reference &reference : view.references)
        entries = lappend(entries, reference_entry(reference));
    Query *query = rows_query(view, entries);
    query->hasAggs = true;

    if (view.sets.size > 0)
        add_target(query, &call_grouping(view, 1)->xpr);
    for (int i = view.sets.size > 0 ? 1 : 0; i < view.keys.size; ++i) {
        TargetEntry *entry = add_target(query, static_cast<Expr *>(copyObjectImpl(view.keys[i].expression)));
        group_by(query, view.keys[i], entry, static_cast<Index>(i) + 1);
    }
    if (view.sets.size > 0)
        query->groupingSets = list_make1(distinct_sets(view));
    add_target(query, &count_rows()->xpr);
    return query;
}

} // namespace

PG_GUARDED Query *fill_query(const model::View &view)
{
    Query *query = grouped_query(view);
    for (int i = 1; i < view.accumulators.size; ++i)
        add_target(query, &accumulator_call(view, view.accumulators[i])->xpr);
    if (has_second_grouping(view))
        add_target(query, &call_grouping(view, 1 + model::most_grouping_arguments)->xpr);
    return query;
}

PG_GUARDED Query *values_query(const model::View &view, int distinct)
{
    return grouped_query(*catalog::view_of_values(view, distinct));
}

PG_GUARDED Filler *begin_fill(const catalog::Registration &registration, const model::View &view,
                              TupleDesc state)
{
    auto *filler = static_cast<Filler *>(palloc0(sizeof(Filler)));
    catalog::Registration filled = registration;
    filled.state_current = filled.trusted = true; /* it will be */
    filled.state_layout = analyze::state_layout(view);
    filler->plan = compile(filled, CurrentMemoryContext);
    filler->group = GroupRow::create(filler->plan, CurrentMemoryContext);
    filler->state_row = MakeSingleTupleTableSlot(state, &TTSOpsVirtual);
    return filler;
}

PG_GUARDED void fill_row(Filler *filler, TupleTableSlot *row)
{
    const int keys = filler->plan->view->keys.size;
    slot_getallattrs(row);
    filler->keys = row->tts_values;
    filler->nulls = row->tts_isnull;
    filler->group->clear();
    filler->group->read_rows(DatumGetInt64(row->tts_values[keys]));
    for (int i = 1; i < filler->plan->view->accumulators.size; ++i)
        filler->group->read_accumulator(i, row->tts_values[keys + i], row->tts_isnull[keys + i]);
    filler->set = -1;
    const model::View &view = *filler->plan->view;
    if (view.sets.size > 0)
        filler->without = left_out(view, 1, DatumGetUInt32(row->tts_values[0]));
    if (has_second_grouping(view))
        filler->without |= left_out(view, 1 + model::most_grouping_arguments,
                                    DatumGetUInt32(row->tts_values[keys + view.accumulators.size]));
}

PG_GUARDED bool next_group(Filler *filler)
{
    const model::View &view = *filler->plan->view;
    if (view.sets.size == 0)
        return ++filler->set == 0;
    while (++filler->set < view.sets.size) {
        if (view.sets[filler->set].without != filler->without)
            continue;
        filler->keys[0] = Int32GetDatum(view.sets[filler->set].number);
        return true;
    }
    return false;
}

PG_GUARDED TupleTableSlot *visible_row(Filler *filler)
{
    return filler->group->visible(filler->keys, filler->nulls);
}

PG_GUARDED TupleTableSlot *state_row(Filler *filler)
{
    const int keys = filler->plan->view->keys.size;
    TupleTableSlot *row = filler->state_row;
    ExecClearTuple(row);
    memcpy(row->tts_values, filler->keys, sizeof(Datum) * keys);
    memcpy(row->tts_isnull, filler->nulls, sizeof(bool) * keys);
    row->tts_values[keys] = filler->group->state();
    row->tts_isnull[keys] = false;
    if (filler->plan->view->upper != nullptr) {
        const TupleTableSlot *shown = visible_row(filler);
        for (int i = 0; i < row->tts_tupleDescriptor->natts - keys - 1; ++i) {
            row->tts_values[keys + 1 + i] = shown->tts_values[i];
            row->tts_isnull[keys + 1 + i] = shown->tts_isnull[i];
        }
    }
    return ExecStoreVirtualTuple(row);
}

PG_GUARDED void end_fill(Filler *filler)
{
    filler->group->destroy();
    ExecDropSingleTupleTableSlot(filler->state_row);
    let_go(filler->plan);
}

} // namespace delta
