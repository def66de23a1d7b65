/*
 * order.cpp - aggregates and DISTINCT ON whose outcome depends on the order of rows.
 *
 * array_agg(x) shows its values in the order in which the rows happened to be read, and so does array_agg(x
 * ORDER BY y) for rows with equal y; DISTINCT ON shows whichever comes first of the rows that its ORDER BY
 * doesn't tell apart.  Any of these outcomes is right, and the query gives another one whenever its plan
 * changes.  For a table that equals its query there has to be one.  So where an order is open it is that of
 * the values themselves: the rows are taken as if they were read in the order of all arguments of all such
 * aggregates of the query.  That is one of the query's own outcomes, in which lists that stand next to each
 * other go on to match each other; and rows that are still not told apart make no difference.
 *
 * LIMIT and OFFSET without WITH TIES are the same: of rows that ORDER BY doesn't tell apart, those come first
 * whose values do.
 *
 * Where FROM has something that gives its rows in an order (a subquery with ORDER BY, a function, VALUES),
 * that is meant to be seen in lists without an order of their own.  The order of a subquery that is all there
 * is in FROM becomes that of these lists, and further clauses of DISTINCT ON; any other is left alone.
 *
 * Values are ordered by the order of their type, and where equal ones may look different, or the type has
 * none, by their text.  Aggregates of users are taken not to depend on the order of rows.
 */
#include <algorithm>

#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* Aggregates of pg_catalog whose result depends on the order in which they are given values. */
constexpr const char *order_dependent[] = {"array_agg",
                                           "string_agg",
                                           "xmlagg",
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

/* The calls whose outcome depends on the order of rows, and what they are over. */
struct Calls {
    List *calls;     /* of Aggref */
    List *arguments; /* expressions, each once */
};

PG_GUARDED bool has_order(const RangeTblEntry *entry, void *context);

extern "C" {

/* Walker: gather such calls of this level. */
PG_GUARDED static bool call_walker(Node *node, void *context)
{
    auto *found = static_cast<Calls *>(context);
    if (node == nullptr)
        return false;
    if (!IsA(node, Aggref))
        return pg::walk_expression(node, call_walker, context);
    auto *call = castNode(Aggref, node);
    if (call->agglevelsup > 0 || !depends_on_order(call))
        return false;
    found->calls = lappend(found->calls, call);
    for (auto *argument : pg::each<TargetEntry>(call->args))
        if (!argument->resjunk && !IsA(argument->expr, Const))
            found->arguments = list_append_unique(found->arguments, argument->expr);
    return false;
}

/*
 * Walker: does a query, or one inside, a view's too, order rows, or take them from something that does?
 * context: NULL where that may be in passing, as by GROUP BY.
 */
PG_GUARDED static bool order_walker(Node *node, void *context)
{
    if (node == nullptr)
        return false;
    if (!IsA(node, Query))
        return pg::walk_expression(node, order_walker, context);
    auto *query = reinterpret_cast<Query *>(node);
    for (auto *entry : pg::each<RangeTblEntry>(query->rtable))
        if (has_order(entry, context))
            return true;
    const bool in_passing = query->groupClause != NIL || query->distinctClause != NIL;
    return query->sortClause != NIL || query->windowClause != NIL || (in_passing && context == nullptr) ||
           query->setOperations != nullptr || query->limitCount != nullptr ||
           pg::walk_query(query, order_walker, context, 0);
}

} // extern "C"

/* Does an entry of FROM give its rows in an order? */
PG_GUARDED bool has_order(const RangeTblEntry *entry, void *context)
{
    switch (entry->rtekind) {
    case RTE_FUNCTION:
    case RTE_TABLEFUNC:
    case RTE_VALUES:
        return true;
    case RTE_RELATION:
        return entry->relkind == RELKIND_VIEW && entry->inFromCl &&
               order_walker(reinterpret_cast<Node *>(definition_query(entry->relid)), context);
    default:
        return false;
    }
}

extern "C" {

/* Walker: does what a query shows, or one inside, a view's too, depend on the order of rows? */
PG_GUARDED static bool open_walker(Node *node, void *context)
{
    if (node == nullptr)
        return false;
    if (IsA(node, Aggref) && depends_on_order(castNode(Aggref, node)))
        return true;
    if (!IsA(node, Query))
        return pg::walk_expression(node, open_walker, context);
    auto *query = castNode(Query, node);
    if (query->hasDistinctOn || query->hasWindowFuncs || query->limitCount != nullptr ||
        query->limitOffset != nullptr)
        return true;
    for (auto *entry : pg::each<RangeTblEntry>(query->rtable))
        if (entry->rtekind == RTE_RELATION && entry->relkind == RELKIND_VIEW && entry->inFromCl &&
            open_walker(reinterpret_cast<Node *>(definition_query(entry->relid)), context))
            return true;
    return pg::walk_query(query, open_walker, context, 0);
}

} // extern "C"

/* The targets and clauses that an order is made of. */
struct Order {
    List *targets;
    List *clauses;
};

/* The target that is this expression, a new junk one if need be, with a reference. */
PG_GUARDED TargetEntry *target_of(Order *order, Expr *expression)
{
    Index reference = 0;
    TargetEntry *found = nullptr;
    for (auto *target : pg::each<TargetEntry>(order->targets)) {
        reference = Max(reference, target->ressortgroupref);
        if (found == nullptr && equal(target->expr, expression))
            found = target;
    }
    if (found == nullptr) {
        found = makeTargetEntry(static_cast<Expr *>(copyObjectImpl(expression)),
                                static_cast<AttrNumber>(list_length(order->targets) + 1), nullptr, true);
        order->targets = lappend(order->targets, found);
    }
    if (found->ressortgroupref == 0)
        found->ressortgroupref = reference + 1;
    return found;
}

/* Order by an expression, too, unless that is done already. */
PG_GUARDED void order_by(Order *order, Expr *expression, const TypeCacheEntry *type)
{
    const TargetEntry *target = target_of(order, expression);
    for (auto *clause : pg::each<SortGroupClause>(order->clauses))
        if (clause->tleSortGroupRef == target->ressortgroupref)
            return;
    auto *clause = makeNode(SortGroupClause);
    clause->tleSortGroupRef = target->ressortgroupref;
    clause->eqop = type->eq_opr;
    clause->sortop = type->lt_opr;
    clause->nulls_first = false;
    clause->hashable = false;
    order->clauses = lappend(order->clauses, clause);
}

/* The text of a value, in the order of its bytes. */
PG_GUARDED Expr *text_of(Expr *expression)
{
    auto *text = makeNode(CoerceViaIO);
    text->arg = static_cast<Expr *>(copyObjectImpl(expression));
    text->resulttype = TEXTOID;
    text->resultcollid = C_COLLATION_OID;
    text->coerceformat = COERCE_EXPLICIT_CAST;
    text->location = -1;
    return &text->xpr;
}

/* Order by a value until nothing is left that could make a difference. */
PG_GUARDED void order_by_value(Order *order, Expr *expression)
{
    const Oid type = exprType(reinterpret_cast<Node *>(expression));
    const TypeCacheEntry *entry =
        lookup_type_cache(type, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR | TYPECACHE_BTREE_OPFAMILY);
    const bool sortable = OidIsValid(entry->eq_opr) && OidIsValid(entry->lt_opr);
    if (sortable)
        order_by(order, expression, entry);
    if (!sortable || !pg::equal_is_image(entry->btree_opf, entry->btree_opintype,
                                         exprCollation(reinterpret_cast<Node *>(expression))))
        order_by(order, text_of(expression), lookup_type_cache(TEXTOID, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR));
}

/* Give the call the order that it leaves open. */
PG_GUARDED void order_call(Aggref *call, const List *arguments)
{
    Order order = {.targets = call->args, .clauses = call->aggorder};
    for (auto *argument : pg::each<Expr>(arguments))
        order_by_value(&order, argument);
    call->args = order.targets;
    call->aggorder = order.clauses;
}

/* The clauses of DISTINCT ON that ORDER BY doesn't have come right after it. */
PG_GUARDED void add_distinct_on(Query *query)
{
    for (auto *wanted : pg::each<SortGroupClause>(query->distinctClause)) {
        bool found = false;
        for (auto *clause : pg::each<SortGroupClause>(query->sortClause))
            found = found || clause->tleSortGroupRef == wanted->tleSortGroupRef;
        if (!found)
            query->sortClause = lappend(query->sortClause, copyObjectImpl(wanted));
    }
}

/* Then comes all that is shown. */
PG_GUARDED void order_distinct_on(Query *query)
{
    add_distinct_on(query);
    Order order = {.targets = query->targetList, .clauses = query->sortClause};
    const List *shown = list_copy(query->targetList);
    for (auto *target : pg::each<TargetEntry>(shown))
        if (!target->resjunk)
            order_by_value(&order, target->expr);
    query->targetList = order.targets;
    query->sortClause = order.clauses;
}

} // namespace

PG_GUARDED bool depends_on_order(const Aggref *call)
{
    if (call->aggdistinct != NIL || get_func_namespace(call->aggfnoid) != PG_CATALOG_NAMESPACE)
        return false;
    const char *name = get_func_name(call->aggfnoid);
    return std::ranges::any_of(order_dependent,
                               [name](const char *known) { return strcmp(name, known) == 0; });
}

/* The query without what it does to the order of its own rows. */
PG_GUARDED static Node *without_order(const Query *query)
{
    auto *inside = static_cast<Query *>(copyObjectImpl(query));
    inside->sortClause = inside->groupClause = inside->distinctClause = NIL;
    return reinterpret_cast<Node *>(inside);
}

PG_GUARDED bool leaves_order_open(const Query *query)
{
    return open_walker(reinterpret_cast<Node *>(const_cast<Query *>(query)), nullptr);
}

PG_GUARDED bool reads_in_order(const Query *query)
{
    return order_walker(without_order(query), nullptr);
}

namespace {

/* Is it even an order that somebody asked for, and LIMIT is to see? */
PG_GUARDED bool reads_in_wanted_order(const Query *query)
{
    auto *inside = reinterpret_cast<Query *>(without_order(query));
    inside->limitCount = inside->limitOffset = nullptr;
    bool wanted = true;
    return order_walker(reinterpret_cast<Node *>(inside), &wanted);
}

/* The one item of FROM, if it is a subquery, written here, that does nothing to its rows but to order them.
 */
PG_GUARDED RangeTblEntry *ordering_subquery(const Query *query, int *index)
{
    const List *from = query->jointree->fromlist;
    if (list_length(from) != 1 || !IsA(linitial(from), RangeTblRef))
        return nullptr;
    *index = linitial_node(RangeTblRef, from)->rtindex;
    RangeTblEntry *entry = rt_fetch(*index, query->rtable);
    if (entry->rtekind != RTE_SUBQUERY || OidIsValid(entry->relid) || entry->subquery->sortClause == NIL)
        return nullptr;
    const Query *inner = entry->subquery;
    const bool plain = inner->limitCount == nullptr && inner->limitOffset == nullptr &&
                       !inner->hasTargetSRFs && !has_groups(inner) && !inner->hasWindowFuncs &&
                       inner->setOperations == nullptr;
    return plain ? entry : nullptr;
}

/* What a subquery orders by, as targets and clauses of the query around it, which it is shown to. */
PG_GUARDED void add_order_of(RangeTblEntry *entry, int index, Order *order)
{
    for (auto *clause : pg::each<SortGroupClause>(entry->subquery->sortClause)) {
        TargetEntry *inner = get_sortgroupref_tle(clause->tleSortGroupRef, entry->subquery->targetList);
        if (inner->resjunk)
            inner->resname = psprintf("order_%d", inner->resno);
        inner->resjunk = false;
        if (list_length(entry->eref->colnames) < inner->resno)
            entry->eref->colnames = lappend(entry->eref->colnames, makeString(pstrdup(inner->resname)));
        const auto *value = reinterpret_cast<Node *>(inner->expr);
        Var *column =
            makeVar(index, inner->resno, exprType(value), exprTypmod(value), exprCollation(value), 0);
        auto *copy = static_cast<SortGroupClause *>(copyObjectImpl(clause));
        copy->tleSortGroupRef = target_of(order, reinterpret_cast<Expr *>(column))->ressortgroupref;
        bool there = false;
        for (auto *known : pg::each<SortGroupClause>(order->clauses))
            there = there || known->tleSortGroupRef == copy->tleSortGroupRef;
        if (!there)
            order->clauses = lappend(order->clauses, copy);
    }
}

/* Junk targets that are to be shown have to come in the order of their numbers, all of them. */
PG_GUARDED bool can_show_order(const Query *inner)
{
    for (auto *target : pg::each<TargetEntry>(inner->targetList)) {
        bool sorts = false;
        for (auto *clause : pg::each<SortGroupClause>(inner->sortClause))
            sorts = sorts || clause->tleSortGroupRef == target->ressortgroupref;
        if (target->resjunk && !sorts)
            return false;
    }
    return true;
}

} // namespace

PG_GUARDED void take_order(Query *query)
{
    int index = 0;
    RangeTblEntry *entry = ordering_subquery(query, &index);
    if (entry == nullptr || !has_groups(query) || !can_show_order(entry->subquery))
        return;
    Calls found = {};
    call_walker(reinterpret_cast<Node *>(query->targetList), &found);
    call_walker(query->havingQual, &found);
    for (auto *call : pg::each<Aggref>(found.calls)) {
        if (call->aggorder != NIL)
            continue;
        Order order = {.targets = call->args, .clauses = NIL};
        add_order_of(entry, index, &order);
        call->args = order.targets;
        call->aggorder = order.clauses;
    }
    if (query->hasDistinctOn && !makes_groups(query)) {
        add_distinct_on(query);
        Order order = {.targets = query->targetList, .clauses = query->sortClause};
        add_order_of(entry, index, &order);
        query->targetList = order.targets;
        query->sortClause = order.clauses;
    }
    entry->subquery->sortClause = NIL;
}

/* The order of those that ORDER BY leaves open is that of what they show; all of it, where that is possible.
 */
PG_GUARDED void order_limit(Query *query)
{
    if ((query->limitCount == nullptr && query->limitOffset == nullptr) || pg::has_ties(query) ||
        query->setOperations != nullptr || query->hasDistinctOn ||
        (!makes_groups(query) && reads_in_wanted_order(query)))
        return;
    const bool shown_only = query->distinctClause != NIL || query->hasTargetSRFs || query->hasWindowFuncs;
    Order order = {.targets = query->targetList, .clauses = query->sortClause};
    const List *shown = list_copy(query->targetList);
    for (auto *target : pg::each<TargetEntry>(shown)) {
        const TypeCacheEntry *type = lookup_type_cache(exprType(reinterpret_cast<Node *>(target->expr)),
                                                       TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);
        if (target->resjunk)
            continue;
        if (!shown_only)
            order_by_value(&order, target->expr);
        else if (OidIsValid(type->eq_opr) && OidIsValid(type->lt_opr))
            order_by(&order, target->expr, type);
    }
    query->targetList = order.targets;
    query->sortClause = order.clauses;
}

PG_GUARDED void determine_order(Query *query)
{
    Calls found = {};
    call_walker(reinterpret_cast<Node *>(query->targetList), &found);
    call_walker(query->havingQual, &found);
    if (found.calls == NIL && !query->hasDistinctOn)
        return;
    const bool ordered = reads_in_order(query);
    const auto *arguments = static_cast<List *>(copyObjectImpl(found.arguments));
    for (auto *call : pg::each<Aggref>(found.calls))
        if (call->aggorder != NIL || !ordered)
            order_call(call, arguments);
    if (query->hasDistinctOn && !ordered)
        order_distinct_on(query);
}

} // namespace analyze
