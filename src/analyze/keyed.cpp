/*
 * keyed.cpp - can a group be computed anew, by itself?
 *
 * Where an aggregate can't be added to and subtracted from, its group can still be computed from the rows
 * that it has now: the query, restricted to the groups that changed.  For that each group needs a key, which
 * a column shows, so that its row can be found; and the outcome must depend on nothing but the set of the
 * group's rows.  So aggregates that put values one behind the other need an ORDER BY inside: without it they
 * show the order in which the rows happened to be read, which is another one for one group than for the whole
 * query.
 *
 * The targets are those of the query, over the row, with constants unfolded: the planner will see to them
 * each time that it plans a recomputation.
 */
#include <algorithm>

#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* Aggregates of pg_catalog whose result depends on the order in which they are given values. */
constexpr const char *ordered[] = {"array_agg",
                                   "string_agg",
                                   "xmlagg",
                                   "any_value",
                                   "json_agg",
                                   "json_agg_strict",
                                   "json_object_agg",
                                   "json_object_agg_strict",
                                   "json_object_agg_unique",
                                   "json_object_agg_unique_strict",
                                   "jsonb_agg",
                                   "jsonb_agg_strict",
                                   "jsonb_object_agg",
                                   "jsonb_object_agg_strict",
                                   "jsonb_object_agg_unique",
                                   "jsonb_object_agg_unique_strict"};

/* Why the result of an aggregate call may be another one for the same rows. */
PG_GUARDED const char *why_not_call(const Aggref *call)
{
    if (call->aggorder != NIL || call->aggdistinct != NIL ||
        get_func_namespace(call->aggfnoid) != PG_CATALOG_NAMESPACE)
        return nullptr;
    const char *name = get_func_name(call->aggfnoid);
    if (!std::ranges::any_of(ordered, [name](const char *known) { return strcmp(name, known) == 0; }))
        return nullptr;
    return psprintf("%s depends on the order of the rows, unless it has ORDER BY inside",
                    show_call(call->aggfnoid, call->aggargtypes, call->aggstar));
}

/* What the search for something that a group doesn't determine carries along. */
struct Search {
    const FlatQuery *flat;
    const model::View *view;
    const List *key_expressions;
    bool whole; /* the output is one key, and nothing is computed with it */
    const char *reason;
};

/* Why something that is computed with the key isn't determined by the group. */
PG_GUARDED const char *why_not_key(const Search &search, int index)
{
    const model::Key &key = search.view->keys[index];
    if (search.whole || looks_determined(key))
        return nullptr;
    return psprintf("something is computed with key %s, whose equal values of type %s can look different",
                    show_over_row(*search.view, key.expression), format_type_be(key.type));
}

extern "C" {

/* Walker: is there something that the group doesn't determine? */
PG_GUARDED static bool undetermined_walker(Node *node, void *context)
{
    auto *search = static_cast<Search *>(context);
    if (node == nullptr)
        return false;
    int index = 0;
    for (auto *key : pg::each<Node>(search->key_expressions)) {
        if (equal(key, node)) {
            search->reason = why_not_key(*search, index);
            return search->reason != nullptr;
        }
        ++index;
    }
    search->whole = false;
    if (IsA(node, Aggref))
        search->reason = why_not_call(castNode(Aggref, node));
    else if (IsA(node, Var))
        search->reason = "a column is shown that is neither a key nor inside an aggregate";
    else if (IsA(node, GroupingFunc))
        search->reason = "GROUPING() tells grouping sets apart";
    else
        return pg::walk_expression(node, undetermined_walker, context);
    return search->reason != nullptr;
}

} // extern "C"

/* Why an expression isn't determined by the group. */
PG_GUARDED const char *why_not_determined(Search *search, Node *expression)
{
    search->whole = true;
    undetermined_walker(expression, search);
    return search->reason;
}

} // namespace

PG_GUARDED const char *find_group_targets(const FlatQuery &flat, const List *key_expressions,
                                          model::View *view)
{
    if (view->keys.size == 0)
        return "all rows are one group";
    if (!view->keys_visible)
        return "not every group key is shown by a column";
    Search search = {};
    search.flat = &flat;
    search.view = view;
    search.key_expressions = key_expressions;
    List *targets = NIL;
    for (auto *target : pg::each<TargetEntry>(flat.targets)) {
        if (target->resjunk)
            continue;
        if (const char *reason = why_not_determined(&search, reinterpret_cast<Node *>(target->expr)))
            return reason;
        auto *shown = reinterpret_cast<Expr *>(unwrapped(reinterpret_cast<Node *>(target->expr)));
        targets = lappend(targets, makeTargetEntry(shown, target->resno, target->resname, false));
    }
    if (const char *reason = why_not_determined(&search, flat.having))
        return reason;
    view->group_targets = targets;
    view->group_having = unwrapped(flat.having);
    return nullptr;
}

PG_GUARDED bool can_be_keyed(const model::View &view)
{
    return view.group_targets != NIL;
}

PG_GUARDED void make_keyed(model::View *view)
{
    auto *rows = static_cast<model::Accumulator *>(palloc0(sizeof(model::Accumulator)));
    rows->kind = model::AccumulatorKind::Rows;
    view->strategy = model::Strategy::Keyed;
    view->accumulators = {.data = rows, .size = 1};
    view->distincts = {};
    view->aggregates = {};
    view->outputs = NIL;
    view->having = nullptr;
    view->needs_state = false;
    view->state_reason = nullptr;
}

} // namespace analyze
