/*
 * set_keys.cpp - what is a key of grouping sets, and what only looks like one.
 *
 * Everywhere in a query that groups, what equals a key is that key.  Without grouping sets it makes no
 * difference.  With them a key is NULL in groups of a set that leaves it out, so here it does: where a
 * subquery shows a || b as ab, and the query around it groups by GROUPING SETS ((a, b), (ab)), its a || b is
 * computed from a and b, and is not ab; PostgreSQL keeps what a subquery shows apart
 * (pull_up_simple_subquery; optimizer/prep/prepjointree.c).  And of two keys that are the same expression
 * each is NULL by itself, in the column of the select list that is grouped by.  What else in the query equals
 * such a pair, or a constant that is a key, PostgreSQL has taken for one thing or another over the years
 * (search_indexed_tlist_for_non_var, optimizer/plan/setrefs.c; substitute_grouped_columns_mutator,
 * parser/parse_agg.c); there these are left alone, and the query isn't taken (sets.cpp).
 *
 * All others are put in a CASE that is always true: to what compares expressions it is another one than any
 * that the query has; by the time it is evaluated, it is gone.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* What was told apart.  The n-th gets n CASEs, which makes all of them different. */
struct Telling {
    List *told; /* expressions, as they are now */
};

/* CASE WHEN true THEN expression END, so many times. */
PG_GUARDED Expr *disguised(Expr *expression, Telling *telling)
{
    for (int i = 0; i <= list_length(telling->told); i++) {
        auto *branch = makeNode(CaseWhen);
        branch->expr = reinterpret_cast<Expr *>(makeBoolConst(true, false));
        branch->result = expression;
        branch->location = -1;
        auto *choice = makeNode(CaseExpr);
        choice->casetype = exprType(reinterpret_cast<Node *>(expression));
        choice->casecollid = exprCollation(reinterpret_cast<Node *>(expression));
        choice->args = list_make1(branch);
        choice->defresult = reinterpret_cast<Expr *>(makeNullConst(
            choice->casetype, exprTypmod(reinterpret_cast<Node *>(expression)), choice->casecollid));
        choice->location = -1;
        expression = reinterpret_cast<Expr *>(choice);
    }
    telling->told = lappend(telling->told, expression);
    return expression;
}

/* Is the query one whose expressions become those of the query around it? */
PG_GUARDED bool is_pulled_up(const Query *query)
{
    return !has_groups(query) && query->setOperations == nullptr && !query->hasWindowFuncs &&
           !query->hasTargetSRFs && query->limitCount == nullptr && query->limitOffset == nullptr;
}

/* What a subquery computes, and a key is made of, is told apart from what looks the same around it. */
PG_GUARDED void tell_column(const Query *query, const Var *column, Telling *telling)
{
    if (column->varlevelsup > 0 || column->varattno <= 0)
        return;
    Query *behind = query_at(query, rt_fetch(column->varno, query->rtable));
    if (behind == nullptr || !is_pulled_up(behind))
        return;
    TargetEntry *target = get_tle_by_resno(behind->targetList, column->varattno);
    auto *shown = pg::flatten_join_alias_vars(behind, reinterpret_cast<Node *>(target->expr));
    if (IsA(shown, Var))
        tell_column(behind, castNode(Var, shown), telling);
    else if (!list_member_ptr(telling->told, target->expr))
        target->expr = disguised(target->expr, telling);
}

extern "C" {

/* Walker: is the expression, which is the context, a part of this one, outside of aggregates? */
PG_GUARDED static bool occurrence_walker(Node *node, void *context)
{
    if (node == nullptr || IsA(node, Aggref) || IsA(node, GroupingFunc))
        return false;
    return equal(node, context) || pg::walk_expression(node, occurrence_walker, context);
}

} // extern "C"

/* An expression of a level that groups, over its rows. */
PG_GUARDED Node *over_rows(Query *query, const void *expression)
{
    return pg::flatten_join_alias_vars(
        query, pg::flatten_group_exprs(query, static_cast<Node *>(copyObjectImpl(expression))));
}

/* The target that a clause is about. */
PG_GUARDED TargetEntry *target_of(const Query *query, const SortGroupClause *clause)
{
    return get_sortgroupref_tle(clause->tleSortGroupRef, query->targetList);
}

/* Is the key something, or a part of something, that isn't grouped by? */
PG_GUARDED bool occurs_elsewhere(Query *query, Node *key)
{
    bool found = occurrence_walker(over_rows(query, query->havingQual), key);
    for (auto *target : pg::each<TargetEntry>(query->targetList))
        if (!refers_to(query->groupClause, target->ressortgroupref))
            found = found || occurrence_walker(over_rows(query, target->expr), key);
    return found;
}

/*
 * Does it matter how groups are ordered, or which of them are alike?  PostgreSQL takes a constant, or one
 * expression, to be the same in all of them there, though it is NULL in some (make_canonical_pathkey and
 * pathkey_is_redundant; optimizer/path/pathkeys.c).
 */
PG_GUARDED bool compares_groups(const Query *query)
{
    return query->limitCount != nullptr || query->limitOffset != nullptr || query->distinctClause != NIL ||
           query->windowClause != NIL;
}

/* Tell those keys of a level apart that are constants, or what a key before them is. */
PG_GUARDED void tell_keys(Query *query, Telling *telling)
{
    if (compares_groups(query))
        return;
    List *keys = NIL;
    for (auto *clause : pg::each<SortGroupClause>(query->groupClause))
        keys = lappend(keys, over_rows(query, target_of(query, clause)->expr));
    int number = 0;
    List *seen = NIL;
    for (auto *clause : pg::each<SortGroupClause>(query->groupClause)) {
        auto *key = static_cast<Node *>(list_nth(keys, number));
        if ((IsA(key, Const) || list_member(seen, key)) && !occurs_elsewhere(query, key))
            pg::set_group_key(query, number, target_of(query, clause),
                              disguised(reinterpret_cast<Expr *>(key), telling));
        seen = lappend(seen, key);
        ++number;
    }
}

extern "C" {

/* Walker: the columns that a key is made of. */
PG_GUARDED static bool columns_walker(Node *node, void *context)
{
    if (node == nullptr)
        return false;
    if (!IsA(node, Var))
        return pg::walk_expression(node, columns_walker, context);
    *static_cast<List **>(context) = list_append_unique(*static_cast<List **>(context), node);
    return false;
}

/* Walker: every level that has grouping sets. */
PG_GUARDED static bool levels_walker(Node *node, void *context)
{
    if (node == nullptr)
        return false;
    if (!IsA(node, Query))
        return pg::walk_expression(node, levels_walker, context);
    auto *query = castNode(Query, node);
    check_stack_depth();
    if (query->groupingSets != NIL) {
        tell_keys(query, static_cast<Telling *>(context));
        List *columns = NIL;
        for (auto *clause : pg::each<SortGroupClause>(query->groupClause))
            columns_walker(over_rows(query, target_of(query, clause)->expr), &columns);
        for (auto *column : pg::each<Var>(columns))
            tell_column(query, column, static_cast<Telling *>(context));
    }
    return pg::walk_query(query, levels_walker, context, QTW_IGNORE_JOINALIASES);
}

} // extern "C"

} // namespace

PG_GUARDED void tell_keys_apart(Query *query)
{
    Telling telling = {.told = NIL};
    levels_walker(reinterpret_cast<Node *>(query), &telling);
}

} // namespace analyze
