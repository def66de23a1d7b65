/*
 * windows.cpp - window functions: rows that are computed anew partition by partition.
 *
 * What a window function gives for a row depends on the rows of its partition, and on no others.  So where
 * rows have changed, the rows of their partitions are all that can come out differently; and these the query
 * gives when the level that has the windows is restricted to them, below the windows, in its WHERE.
 *
 * What identifies partitions has to be shown by columns of the table, by which their present rows are found.
 * So the keys are those expressions that all windows partition by and that columns show: fewer keys are
 * larger partitions.  Levels around that of the windows may do what keeps partitions apart: filter, project,
 * or have groups, DISTINCT and windows by the keys and more.
 *
 * Which keys changed rows have, a query tells that groups the rows below the windows by them: it is
 * understood as any other, and never run.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* An expression that all windows partition by, and which columns of a level show it. */
struct Common {
    SortGroupClause *clause;
    Node *expression; /* at the level of the windows */
    Bitmapset *columns;
};

/* The one item of FROM, where it is a query that is written right there; else NULL. */
PG_GUARDED Query *only_query(const Query *query)
{
    const List *items = from_items(query);
    if (list_length(items) != 1)
        return nullptr;
    const auto *entry = rt_fetch(linitial_int(items), query->rtable);
    return OidIsValid(entry->relid) ? nullptr : query_at(query, entry);
}

/* How many levels further in the innermost one with windows is; -1: none has. */
PG_GUARDED int depth_of_windows(const Query *query)
{
    int found = -1;
    for (int depth = 0; query != nullptr; depth++) {
        if (query->hasWindowFuncs)
            found = depth;
        query = only_query(query);
    }
    return found;
}

/* Does a level need more than the rows of a partition, or read more than FROM and WHERE say? */
PG_GUARDED bool needs_more(Query *query)
{
    return query->setOperations != nullptr || query->hasRecursive || query->limitCount != nullptr ||
           query->limitOffset != nullptr || query->groupingSets != NIL ||
           (query->hasSubLinks && reads_table(reinterpret_cast<Node *>(list_make3(
                                      query->targetList, query->windowClause, query->havingQual))));
}

/* The expression behind a target, as it is over FROM. */
PG_GUARDED Node *behind(Query *query, const TargetEntry *target)
{
    return pg::flatten_join_alias_vars(
        query, pg::flatten_group_exprs(query, static_cast<Node *>(copyObjectImpl(target->expr))));
}

/* Does one of the clauses of a level tell values of the expression apart as this one does? */
template <class Shows>
PG_GUARDED bool has_clause(Query *query, const List *clauses, const SortGroupClause *like, Shows shows)
{
    bool has = false;
    for (auto *clause : pg::each<SortGroupClause>(clauses))
        has = has || (clause->eqop == like->eqop &&
                      shows(behind(query, get_sortgroupref_tle(clause->tleSortGroupRef, query->targetList))));
    return has;
}

/* Does what the level makes of several rows keep rows apart that differ in the expression? */
template <class Shows>
PG_GUARDED bool keeps_apart(Query *query, const SortGroupClause *clause, Shows shows)
{
    if (makes_groups(query) && !has_clause(query, query->groupClause, clause, shows))
        return false;
    if (query->distinctClause != NIL && !has_clause(query, query->distinctClause, clause, shows))
        return false;
    for (auto *window : pg::each<WindowClause>(query->windowClause))
        if (!has_clause(query, window->partitionClause, clause, shows))
            return false;
    return true;
}

/* The columns that show what meets the condition. */
template <class Shows>
PG_GUARDED Bitmapset *columns_showing(Query *query, Shows shows)
{
    Bitmapset *columns = nullptr;
    for (auto *target : pg::each<TargetEntry>(query->targetList))
        if (!target->resjunk && shows(behind(query, target)))
            columns = bms_add_member(columns, target->resno);
    return columns;
}

/* What all windows of the level partition by, and it shows. */
PG_GUARDED List *common_at(Query *query)
{
    List *common = NIL;
    for (auto *clause :
         pg::each<SortGroupClause>(linitial_node(WindowClause, query->windowClause)->partitionClause)) {
        Node *expression = behind(query, get_sortgroupref_tle(clause->tleSortGroupRef, query->targetList));
        auto is_expression = [&](Node *other) { return equal(other, expression); };
        Bitmapset *columns = columns_showing(query, is_expression);
        if (columns == nullptr || !keeps_apart(query, clause, is_expression))
            continue;
        auto *found = static_cast<Common *>(palloc(sizeof(Common)));
        *found = {.clause = clause, .expression = expression, .columns = columns};
        common = lappend(common, found);
    }
    return common;
}

/* Those that the level around shows as well, and keeps apart. */
PG_GUARDED List *common_around(Query *query, const List *inside)
{
    List *common = NIL;
    const auto item = static_cast<Index>(linitial_int(from_items(query)));
    for (auto *one : pg::each<Common>(inside)) {
        auto is_column = [&](Node *node) {
            return IsA(node, Var) && castNode(Var, node)->varlevelsup == 0 &&
                   static_cast<Index>(castNode(Var, node)->varno) == item &&
                   bms_is_member(castNode(Var, node)->varattno, one->columns);
        };
        if (!keeps_apart(query, one->clause, is_column))
            continue;
        one->columns = columns_showing(query, is_column);
        if (one->columns != nullptr)
            common = lappend(common, one);
    }
    return common;
}

/* What is common to the level of the windows and those around it; NIL: nothing, or it can't be told. */
PG_GUARDED List *find_common(Query *query, int depth)
{
    if (needs_more(query))
        return NIL;
    if (depth == 0)
        return makes_groups(query) || query->hasTargetSRFs ? NIL : common_at(query);
    if (query->hasSubLinks && reads_table(reinterpret_cast<Node *>(query->jointree)))
        return NIL;
    return common_around(query, find_common(only_query(query), depth - 1));
}

/* Has each row of the query one row of the level of the windows behind it? */
PG_GUARDED bool is_one_to_one(const Query *query, int depth)
{
    for (; depth >= 0; depth--) {
        if (makes_groups(query) || query->distinctClause != NIL || query->hasTargetSRFs)
            return false;
        query = depth == 0 ? query : only_query(query);
    }
    return true;
}

/* What the rows below the windows show of a column of the query: nothing if it isn't plainly one of theirs.
 */
PG_GUARDED Expr *shown_below(Query *query, int column, int depth)
{
    const auto *target = list_nth_node(TargetEntry, query->targetList, column - 1);
    Node *expression = column_at_depth(query, column, depth);
    if (expression != nullptr && !contain_windowfuncs(expression))
        return static_cast<Expr *>(copyObjectImpl(expression));
    const auto *shown = reinterpret_cast<Node *>(target->expr);
    return reinterpret_cast<Expr *>(makeNullConst(exprType(shown), exprTypmod(shown), exprCollation(shown)));
}

/* The rows below the windows, as far as columns of the query show them, grouped by the keys. */
PG_GUARDED Query *make_rows(Query *query, int depth, const List *common)
{
    auto *rows = static_cast<Query *>(copyObjectImpl(query_at_depth(query, depth)));
    rows->windowClause = rows->sortClause = rows->distinctClause = rows->targetList = NIL;
    rows->hasWindowFuncs = rows->hasDistinctOn = false;
    for (auto *target : pg::each<TargetEntry>(query->targetList))
        if (!target->resjunk)
            rows->targetList =
                lappend(rows->targetList, makeTargetEntry(shown_below(query, target->resno, depth),
                                                          target->resno, target->resname, false));
    Index number = 0;
    for (auto *key : pg::each<Common>(common)) {
        auto *clause = static_cast<SortGroupClause *>(copyObjectImpl(key->clause));
        auto *target = list_nth_node(TargetEntry, rows->targetList, bms_next_member(key->columns, -1) - 1);
        if (target->ressortgroupref != 0)
            continue;
        target->ressortgroupref = clause->tleSortGroupRef = ++number;
        rows->groupClause = lappend(rows->groupClause, clause);
    }
    return rows;
}

} // namespace

PG_GUARDED Query *query_at_depth(Query *query, int depth)
{
    for (; depth > 0; depth--)
        query = only_query(query);
    return query;
}

PG_GUARDED Node *column_at_depth(Query *query, int column, int depth)
{
    for (;; depth--) {
        Node *expression = behind(query, list_nth_node(TargetEntry, query->targetList, column - 1));
        if (depth == 0)
            return expression;
        if (!IsA(expression, Var) || castNode(Var, expression)->varlevelsup > 0 ||
            castNode(Var, expression)->varattno <= 0)
            return nullptr;
        column = castNode(Var, expression)->varattno;
        query = only_query(query);
    }
}

PG_GUARDED bool part_windows(Query *query, WindowParts *parts)
{
    const int depth = depth_of_windows(query);
    const List *common = depth < 0 ? NIL : find_common(query, depth);
    if (common == NIL || refers_outside(query_at_depth(query, depth), depth))
        return false;
    *parts = {
        .rows = make_rows(query, depth, common), .depth = depth, .one_to_one = is_one_to_one(query, depth)};
    return true;
}

} // namespace analyze
