/*
 * keyed.cpp - can a group be computed anew, by itself?
 *
 * Where an aggregate can't be added to and subtracted from, its group can still be computed from the rows
 * that it has now: the query, restricted to the groups that changed.  The outcome must depend on nothing but
 * the set of the group's rows: what depends on their order is given one (order.cpp), unless a subquery has an
 * order of its own in mind.
 *
 * DISTINCT ON is of this kind.  What it is on is a key, computed from the rows; its groups are the rows, or
 * the groups that GROUP BY makes of them, of which the first is shown.
 *
 * The targets are those of the query, over the row, with constants unfolded: the planner will see to them
 * each time that it plans a recomputation.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* What the search for something that a group doesn't determine carries along. */
struct Search {
    const FlatQuery *flat;
    const model::View *view;
    const List *keys; /* expressions of the keys, or of those of the groups that DISTINCT ON is over */
    bool whole;       /* the output is one key, and nothing is computed with it */
    bool grouped;     /* false: DISTINCT ON takes a row as it is */
    const char *reason;
};

/* Why something that is computed with the key isn't determined by the group. */
PG_GUARDED const char *why_not_key(const Search &search, int index)
{
    if (search.whole || search.view->distinct_on != NIL)
        return nullptr;
    const model::Key &key = search.view->keys[index];
    if (looks_determined(key))
        return nullptr;
    return psprintf("something is computed with key %s, whose equal values of type %s can look different",
                    show_over_row(*search.view, key.expression), format_type_be(key.type));
}

/* Why the outcome of an aggregate call isn't determined. */
PG_GUARDED const char *why_not_call(const Search &search, const Aggref *call)
{
    if (!search.flat->ordered || call->aggorder != NIL || !depends_on_order(call))
        return nullptr;
    return psprintf("%s depends on the order of the rows, which a subquery gives",
                    show_call(call->aggfnoid, call->aggargtypes, call->aggstar));
}

/* Why a column that is neither a key nor inside an aggregate isn't determined by the group. */
PG_GUARDED const char *why_not_shown(const Search &search, const Var *column)
{
    return search.flat->query->constraintDeps != NIL
               ? why_not_by_primary_key(*search.flat, column)
               : "a column is shown that is neither a key nor inside an aggregate";
}

extern "C" {

/* Walker: is there something that the group doesn't determine? */
PG_GUARDED static bool undetermined_walker(Node *node, void *context)
{
    auto *search = static_cast<Search *>(context);
    if (node == nullptr)
        return false;
    int index = 0;
    for (auto *key : pg::each<Node>(search->keys)) {
        if (equal(key, node)) {
            search->reason = why_not_key(*search, index);
            return search->reason != nullptr;
        }
        ++index;
    }
    search->whole = false;
    if (IsA(node, GroupingFunc))
        return false;
    if (IsA(node, Aggref))
        search->reason = why_not_call(*search, castNode(Aggref, node));
    else if (IsA(node, Var) && search->grouped)
        search->reason = why_not_shown(*search, castNode(Var, node));
    else
        return pg::walk_expression(node, undetermined_walker, context);
    return search->reason != nullptr;
}

/* Mutator: have GROUPING() refer to keys. */
PG_GUARDED static Node *grouping_mutator(Node *node, void *context)
{
    if (node == nullptr || !IsA(node, GroupingFunc))
        return node == nullptr ? nullptr : pg::mutate_expression(node, grouping_mutator, context);
    auto *call = static_cast<GroupingFunc *>(copyObjectImpl(node));
    call->refs = keys_of_grouping(*static_cast<const FlatQuery *>(context), call);
    return reinterpret_cast<Node *>(call);
}

} // extern "C"

/* Why an expression isn't determined by the group. */
PG_GUARDED const char *why_not_determined(Search *search, Node *expression)
{
    search->whole = true;
    undetermined_walker(expression, search);
    return search->reason;
}

/* Why DISTINCT ON can't be done group by group, where it is on top of GROUP BY. */
PG_GUARDED const char *why_not_distinct_on(const FlatQuery &flat, const List *key_expressions, List **inner)
{
    for (auto *clause : pg::each<SortGroupClause>(flat.query->groupClause)) {
        auto *key =
            reinterpret_cast<Node *>(get_sortgroupref_tle(clause->tleSortGroupRef, flat.targets)->expr);
        Oid family = InvalidOid;
        Oid input = InvalidOid;
        if (!OidIsValid(clause->sortop) || !pg::ordering_family(clause->sortop, &family, &input) ||
            !pg::equal_is_image(family, input, exprCollation(key)))
            return psprintf(
                "DISTINCT ON takes one of several groups whose keys of type %s can be equal and look "
                "different",
                format_type_be(exprType(key)));
        *inner = lappend(*inner, key);
    }
    for (auto *expression : pg::each<Node>(key_expressions))
        if (contain_aggs_of_level(expression, 0))
            return "DISTINCT ON is on an aggregate";
    return nullptr;
}

/* An expression as recomputation takes it. */
PG_GUARDED Node *group_expression(const FlatQuery &flat, Node *expression)
{
    return grouping_mutator(unwrapped(expression), const_cast<FlatQuery *>(&flat));
}

/* Take over what DISTINCT ON says. */
PG_GUARDED void take_distinct_on(const FlatQuery &flat, model::View *view)
{
    view->distinct_on = static_cast<List *>(copyObjectImpl(flat.query->distinctClause));
    view->order = static_cast<List *>(copyObjectImpl(flat.query->sortClause));
    view->inner_groups = static_cast<List *>(copyObjectImpl(flat.query->groupClause));
}

/* Gather the targets, unless one of them, or HAVING, isn't determined by the group. */
PG_GUARDED const char *gather_targets(const FlatQuery &flat, Search *search, model::View *view)
{
    List *targets = NIL;
    for (auto *target : pg::each<TargetEntry>(flat.targets)) {
        if (target->resjunk && view->distinct_on == NIL)
            continue;
        auto *expression = reinterpret_cast<Node *>(target->expr);
        if (const char *reason = why_not_determined(search, expression))
            return reason;
        TargetEntry *copy = makeTargetEntry(reinterpret_cast<Expr *>(group_expression(flat, expression)),
                                            target->resno, target->resname, target->resjunk);
        copy->ressortgroupref = view->distinct_on == NIL ? 0 : target->ressortgroupref;
        targets = lappend(targets, copy);
    }
    if (const char *reason = why_not_determined(search, flat.having))
        return reason;
    view->group_targets = targets;
    return nullptr;
}

} // namespace

PG_GUARDED const char *find_group_targets(const FlatQuery &flat, const List *key_expressions,
                                          model::View *view)
{
    const bool first_only = flat.query->hasDistinctOn;
    if (first_only && flat.ordered)
        return "DISTINCT ON depends on the order of the rows, which a subquery gives";
    if (flat.options != NIL &&
        (first_only || view->sets.size > 0 || view->single_group || !view->keys_visible))
        return "groups of an outer join or subquery are computed anew by keys that columns show";
    Search search = {};
    List *inner = NIL;
    if (first_only) {
        if (const char *reason = why_not_distinct_on(flat, key_expressions, &inner))
            return reason;
        take_distinct_on(flat, view);
    }
    search.flat = &flat;
    search.view = view;
    search.keys = first_only ? inner : key_expressions;
    search.grouped = !first_only || makes_groups(flat.query);
    if (const char *reason = gather_targets(flat, &search, view))
        return reason;
    view->group_having = group_expression(flat, flat.having);
    view->group_keys = static_cast<List *>(copyObjectImpl(key_expressions));
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
    view->state_reason = why_hidden_key(*view);
    view->needs_state = view->state_reason != nullptr;
    if (view->upper != nullptr)
        keep_groups(view);
}

} // namespace analyze
