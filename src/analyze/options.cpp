/*
 * options.cpp - outer joins, and subqueries in expressions.
 *
 * Both make a row of the query depend on whether there are certain other rows.  For the nullable side of an
 * outer join these are part of the row, or all NULL in it; what a subquery in an expression reads is never
 * part of it.  Either is an option of the query: some references, and conditions that hold where they are
 * present. What changed rows of an option, or of anything else, have a say in is found out in variants.cpp;
 * here the query is taken apart for that.
 *
 * An outer join whose NULLs a condition around it keeps out is an inner one, as the planner has it
 * (reduce_outer_joins; PostgreSQL, prepjointree.c).
 *
 * A subquery is looked at from the rows that it reads: whatever it makes of them, EXISTS or a sum, for a row
 * of the query around it that depends on those for which its WHERE holds and nothing else.  So what stands in
 * for it in an expression is a parameter that nobody knows the value of, and a condition with such a
 * parameter in it says nothing; nor does one about groups of the query around it, which rows are not yet part
 * of.  Of x IN (SELECT y ...), rows with another y don't matter, unless they are NULL.
 *
 * A subquery that CASE or OR may keep from being evaluated may do so for rows for which its WHERE would fail.
 * Here it is asked of all rows; so what may fail there is left out, and more rows are found.
 *
 * What is computed in a subquery in FROM, on the nullable side of an outer join, is NULL where that is
 * lacking, also if it is a constant.  So it is wrapped in a PlaceHolderVar, as the planner does.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* The entries of the range table that a part of FROM joins. */
PG_GUARDED Bitmapset *entries_of(const Node *item)
{
    if (IsA(item, RangeTblRef))
        return bms_make_singleton(reinterpret_cast<const RangeTblRef *>(item)->rtindex);
    Bitmapset *entries = nullptr;
    if (IsA(item, JoinExpr)) {
        const auto *join = reinterpret_cast<const JoinExpr *>(item);
        return bms_join(entries_of(join->larg), entries_of(join->rarg));
    }
    for (auto *part : pg::each<Node>(reinterpret_cast<const FromExpr *>(item)->fromlist))
        entries = bms_join(entries, entries_of(part));
    return entries;
}

/* The entries of which no row is all NULL in what meets the condition. */
PG_GUARDED Bitmapset *entries_kept(Query *query, const Node *condition)
{
    if (condition == nullptr)
        return nullptr;
    Node *flat = pg::flatten_join_alias_vars(query, static_cast<Node *>(copyObjectImpl(condition)));
    return find_nonnullable_rels(
        reinterpret_cast<Node *>(make_ands_implicit(reinterpret_cast<Expr *>(flat))));
}

/* The kind that the join comes to, as NULLs of the kept entries are kept out above it. */
PG_GUARDED JoinType reduced(const JoinExpr *join, const Bitmapset *kept)
{
    const bool left = bms_overlap(entries_of(join->larg), kept);
    const bool right = bms_overlap(entries_of(join->rarg), kept);
    switch (join->jointype) {
    case JOIN_LEFT:
        return right ? JOIN_INNER : JOIN_LEFT;
    case JOIN_RIGHT:
        return left ? JOIN_INNER : JOIN_RIGHT;
    case JOIN_FULL:
        return left && right ? JOIN_INNER : left ? JOIN_LEFT : right ? JOIN_RIGHT : JOIN_FULL;
    default:
        return join->jointype;
    }
}

/* Make inner joins of outer ones where that makes no difference. */
PG_GUARDED void reduce_joins(Query *query, Node *item, const Bitmapset *kept)
{
    check_stack_depth();
    if (IsA(item, RangeTblRef))
        return;
    if (IsA(item, FromExpr)) {
        auto *from = reinterpret_cast<FromExpr *>(item);
        const Bitmapset *all = bms_union(kept, entries_kept(query, from->quals));
        for (auto *part : pg::each<Node>(from->fromlist))
            reduce_joins(query, part, all);
        return;
    }
    auto *join = castNode(JoinExpr, item);
    join->jointype = reduced(join, kept);
    const Bitmapset *here = entries_kept(query, join->quals);
    const Bitmapset *both = bms_union(kept, here);
    const Bitmapset *none = nullptr;
    const bool inner = join->jointype == JOIN_INNER;
    const bool full = join->jointype == JOIN_FULL;
    const Bitmapset *preserved = full ? none : kept;
    const Bitmapset *nullable = full ? none : here;
    reduce_joins(query, join->larg, inner ? both : join->jointype == JOIN_RIGHT ? nullable : preserved);
    reduce_joins(query, join->rarg, inner ? both : join->jointype == JOIN_RIGHT ? preserved : nullable);
}

PG_GUARDED void add_condition(Parts *parts, Node *condition, unsigned options)
{
    if (condition == nullptr)
        return;
    auto *linked = static_cast<Linked *>(palloc(sizeof(Linked)));
    *linked = {.expression = condition, .options = options};
    parts->linked = lappend(parts->linked, linked);
}

/* One more option. */
PG_GUARDED unsigned add_option(Parts *parts, const char *reason)
{
    if (parts->reason == nullptr)
        parts->reason = reason;
    const auto number = static_cast<unsigned>(parts->options++);
    return 1U << Min(number, static_cast<unsigned>(most_options));
}

/* Gather items and conditions; options: those that this part of FROM belongs to. */
PG_GUARDED void collect(const Query *query, Node *item, unsigned options, Parts *parts)
{
    if (IsA(item, RangeTblRef)) {
        auto *found = static_cast<Item *>(palloc0(sizeof(Item)));
        found->index = castNode(RangeTblRef, item)->rtindex;
        found->entry = rt_fetch(found->index, query->rtable);
        found->options = options;
        parts->items = lappend(parts->items, found);
        return;
    }
    if (IsA(item, FromExpr)) {
        for (auto *part : pg::each<Node>(castNode(FromExpr, item)->fromlist))
            collect(query, part, options, parts);
        return add_condition(parts, castNode(FromExpr, item)->quals, options);
    }
    const auto *join = castNode(JoinExpr, item);
    const JoinType type = join->jointype;
    unsigned left = options;
    unsigned right = options;
    if (type == JOIN_LEFT || type == JOIN_FULL)
        right |=
            add_option(parts, type == JOIN_FULL ? "an outer join (FULL) has rows for what finds no match"
                                                : "an outer join (LEFT) has rows for what finds no match");
    if (type == JOIN_RIGHT || type == JOIN_FULL)
        left |= add_option(parts, "an outer join (RIGHT) has rows for what finds no match");
    collect(query, join->larg, left, parts);
    collect(query, join->rarg, right, parts);
    add_condition(parts, join->quals, left | right);
}

/* The sublinks of an expression: those that may not be evaluated for a row, and others. */
struct Sublinks {
    List *guarded;
    List *others;
    bool in_guard;
};

/* Does it decide, by one part of it, whether another is evaluated? */
PG_GUARDED bool is_guard(const Node *node)
{
    return IsA(node, CaseExpr) || IsA(node, CoalesceExpr) || IsA(node, Aggref) ||
           (IsA(node, BoolExpr) && reinterpret_cast<const BoolExpr *>(node)->boolop != NOT_EXPR);
}

extern "C" {

/* Walker: gather the sublinks, but not those inside of them. */
PG_GUARDED static bool sublink_walker(Node *node, void *context)
{
    auto *found = static_cast<Sublinks *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, SubLink)) {
        List **place = found->in_guard ? &found->guarded : &found->others;
        *place = lappend(*place, node);
        return sublink_walker(castNode(SubLink, node)->testexpr, context);
    }
    const bool outside = found->in_guard;
    found->in_guard = outside || is_guard(node);
    pg::walk_expression(node, sublink_walker, context);
    found->in_guard = outside;
    return false;
}

/* Mutator: a parameter that nobody knows the value of in place of each sublink. */
PG_GUARDED static Node *parameter_mutator(Node *node, void *context)
{
    if (node == nullptr || !IsA(node, SubLink))
        return node == nullptr ? nullptr : pg::mutate_expression(node, parameter_mutator, context);
    auto *parameter = makeNode(Param);
    parameter->paramkind = PARAM_EXTERN;
    parameter->paramid = static_cast<int>((reinterpret_cast<uintptr_t>(parameter) >> 3) & 0x7fffffff);
    parameter->paramtype = exprType(node);
    parameter->paramtypmod = exprTypmod(node);
    parameter->paramcollid = exprCollation(node);
    parameter->location = -1;
    return reinterpret_cast<Node *>(parameter);
}

/* Walker: is there such a parameter? */
PG_GUARDED static bool parameter_walker(Node *node, void *context)
{
    return node != nullptr && ((IsA(node, Param) && castNode(Param, node)->paramkind == PARAM_EXTERN) ||
                               pg::walk_expression(node, parameter_walker, context));
}

/* Mutator: what the subquery shows in place of the parameters that stand for it in the sublink's test. */
PG_GUARDED static Node *test_mutator(Node *node, void *context)
{
    if (node == nullptr)
        return nullptr;
    if (!IsA(node, Param) || castNode(Param, node)->paramkind != PARAM_SUBLINK)
        return pg::mutate_expression(node, test_mutator, context);
    auto *target =
        list_nth_node(TargetEntry, static_cast<const List *>(context), castNode(Param, node)->paramid - 1);
    return static_cast<Node *>(copyObjectImpl(target->expr));
}

/* Mutator: without wrappings. */
PG_GUARDED static Node *unwrap_mutator(Node *node, void *context)
{
    if (node != nullptr && IsA(node, PlaceHolderVar))
        return unwrap_mutator(reinterpret_cast<Node *>(castNode(PlaceHolderVar, node)->phexpr), context);
    return node == nullptr ? nullptr : pg::mutate_expression(node, unwrap_mutator, context);
}

} // extern "C"

/* Is the sublink an operand of AND and OR alone, so that false and unknown are one to the condition? */
PG_GUARDED bool only_truth_matters(const Node *condition, const SubLink *sublink)
{
    check_stack_depth();
    if (condition == nullptr || !IsA(condition, BoolExpr))
        return condition == reinterpret_cast<const Node *>(sublink);
    const auto *operation = reinterpret_cast<const BoolExpr *>(condition);
    bool only = false;
    for (auto *operand : pg::each<Node>(operation->boolop == NOT_EXPR ? NIL : operation->args))
        only = only || only_truth_matters(operand, sublink);
    return only;
}

/* Add the sublinks of an expression as items and options. */
PG_GUARDED void add_sublinks(Parts *parts, Node *expression, unsigned options, bool condition,
                             const char *reason)
{
    Sublinks found = {};
    Node *parts_of = condition
                         ? reinterpret_cast<Node *>(make_ands_implicit(reinterpret_cast<Expr *>(expression)))
                         : expression;
    sublink_walker(parts_of, &found);
    for (auto *sublink : pg::each<SubLink>(list_concat_unique_ptr(list_copy(found.others), found.guarded))) {
        auto *item = static_cast<Item *>(palloc0(sizeof(Item)));
        const unsigned own = add_option(parts, reason);
        parts->sublinks |= own;
        item->sublink = sublink;
        item->guarded = list_member_ptr(found.guarded, sublink);
        item->options = options | own;
        item->wanted_true = condition && only_truth_matters(expression, sublink);
        parts->items = lappend(parts->items, item);
    }
}

/* Is this a comparison that is NULL where one of its sides is, and nowhere else?  Nobody has looked at those
 * that users make. */
PG_GUARDED bool is_plain_comparison(const Node *test)
{
    if (!IsA(test, OpExpr))
        return false;
    const Oid operation = reinterpret_cast<const OpExpr *>(test)->opno;
    return operation < FirstNormalObjectId && pg::is_comparison(operation);
}

/* Where is the test not false? */
PG_GUARDED Node *not_false(Node *test)
{
    List *ways = NIL;
    if (IsA(test, BoolExpr) && castNode(BoolExpr, test)->boolop == AND_EXPR) {
        for (auto *part : pg::each<Node>(castNode(BoolExpr, test)->args))
            ways = lappend(ways, not_false(part));
        return reinterpret_cast<Node *>(make_andclause(ways));
    }
    if (!is_plain_comparison(test)) {
        auto *possible = makeNode(BooleanTest);
        possible->arg = reinterpret_cast<Expr *>(test);
        possible->booltesttype = IS_NOT_FALSE;
        possible->location = -1;
        return reinterpret_cast<Node *>(possible);
    }
    ways = list_make1(test);
    for (auto *side : pg::each<Expr>(reinterpret_cast<const OpExpr *>(test)->args)) {
        auto *unknown = makeNode(NullTest);
        unknown->arg = static_cast<Expr *>(copyObjectImpl(side));
        unknown->nulltesttype = IS_NULL;
        unknown->location = -1;
        ways = lappend(ways, unknown);
    }
    return reinterpret_cast<Node *>(make_orclause(ways));
}

} // namespace

PG_GUARDED Parts take_apart(Query *query)
{
    Parts parts = {};
    auto *from = reinterpret_cast<Node *>(query->jointree);
    reduce_joins(query, from, nullptr);
    collect(query, from, 0, &parts);
    if (!query->hasSubLinks)
        return parts;
    for (auto *condition : pg::each<Linked>(parts.linked))
        add_sublinks(&parts, condition->expression, condition->options, true,
                     "a subquery in WHERE may change with other rows");
    Node *targets = pg::flatten_group_exprs(query, reinterpret_cast<Node *>(query->targetList));
    add_sublinks(&parts, targets, 0, false, "a subquery in the select list may change with other rows");
    Node *having = pg::flatten_group_exprs(query, query->havingQual);
    add_sublinks(&parts, having, 0, false, "a subquery in HAVING may change with other rows");
    return parts;
}

PG_GUARDED Node *sublink_condition(const Item &item, const List *targets)
{
    const SubLink *sublink = item.sublink;
    if (sublink->subLinkType != ANY_SUBLINK || sublink->testexpr == nullptr)
        return nullptr;
    const Query *query = castNode(Query, sublink->subselect);
    if (query->hasWindowFuncs || query->hasTargetSRFs || query->hasDistinctOn || query->groupingSets != NIL ||
        query->limitCount != nullptr || query->limitOffset != nullptr)
        return nullptr; /* rows with another y decide whether there is one with it */
    auto *shown = const_cast<List *>(targets);
    if (contain_aggs_of_level(reinterpret_cast<Node *>(shown), 0))
        return nullptr;
    Node *test = test_mutator(without_sublinks(sublink->testexpr), shown);
    if (!item.wanted_true)
        return not_false(test);
    return item.guarded ? reinterpret_cast<Node *>(make_orclause(list_make1(test))) : test;
}

PG_GUARDED bool has_sublink(Node *expression)
{
    Sublinks found = {};
    sublink_walker(expression, &found);
    return found.guarded != NIL || found.others != NIL;
}

PG_GUARDED Node *without_sublinks(Node *expression)
{
    return parameter_mutator(expression, nullptr);
}

PG_GUARDED bool is_unknown(Node *expression)
{
    return parameter_walker(expression, nullptr);
}

PG_GUARDED bool says_nothing(Node *condition)
{
    return is_unknown(condition) || contain_aggs_of_level(condition, 0);
}

PG_GUARDED const char *why_not_sublink(Query *query)
{
    if (query->setOperations != nullptr || query->hasRecursive)
        return "a subquery in an expression has a set operation or recursion";
    if (has_sublink(query->limitCount) || has_sublink(query->limitOffset))
        return "a subquery is in LIMIT or OFFSET";
    return nullptr;
}

PG_GUARDED void wrap_targets(List *targets, int first, int size)
{
    Bitmapset *numbers = nullptr;
    for (int i = 1; i <= size; i++)
        numbers = bms_add_member(numbers, first + i);
    for (auto *target : pg::each<TargetEntry>(targets)) {
        if (IsA(target->expr, Var))
            continue;
        auto *wrapping = makeNode(PlaceHolderVar);
        wrapping->phexpr = target->expr;
        wrapping->phrels = bms_copy(numbers);
        wrapping->phid = static_cast<Index>(reinterpret_cast<uintptr_t>(wrapping) >> 3);
        target->expr = reinterpret_cast<Expr *>(wrapping);
    }
}

PG_GUARDED Node *unwrapped(Node *expression)
{
    return unwrap_mutator(expression, nullptr);
}

} // namespace analyze
