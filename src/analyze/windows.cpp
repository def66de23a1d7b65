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

/* The level behind the one item of FROM, where that is a query that is written right there; else no query. */
PG_GUARDED Level level_behind(const Level &level)
{
    const List *items = from_items(level.query);
    if (list_length(items) != 1)
        return {};
    const auto *entry = rt_fetch(linitial_int(items), level.query->rtable);
    const Level *home = &level;
    if (entry->rtekind == RTE_CTE)
        return {castNode(Query, with_query(level, entry, &home)->ctequery), home};
    return entry->rtekind == RTE_SUBQUERY && !OidIsValid(entry->relid) ? Level{entry->subquery, home}
                                                                       : Level{};
}

/* The query and what is behind it, level by level, down to the last that has windows; NIL: none has. */
PG_GUARDED List *levels_to_windows(Query *query)
{
    List *levels = NIL;
    int found = 0;
    for (Level level = {query, nullptr}; level.query != nullptr;) {
        auto *kept = static_cast<Level *>(palloc(sizeof(Level)));
        *kept = level;
        levels = lappend(levels, kept);
        if (level.query->hasWindowFuncs)
            found = list_length(levels);
        level = level_behind(*kept);
    }
    return list_truncate(levels, found);
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
    bool apart = true;
    for (auto *window : pg::each<WindowClause>(query->windowClause))
        apart = apart && has_clause(query, window->partitionClause, clause, shows);
    return apart;
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
PG_GUARDED List *find_common(const List *levels)
{
    List *common = NIL;
    for (int i = list_length(levels) - 1; i >= 0; i--) {
        Query *query = static_cast<Level *>(list_nth(levels, i))->query;
        const bool innermost = i == list_length(levels) - 1;
        if (needs_more(query) || (innermost && (makes_groups(query) || query->hasTargetSRFs)) ||
            (!innermost && query->hasSubLinks && reads_table(reinterpret_cast<Node *>(query->jointree))))
            return NIL;
        common = innermost ? common_at(query) : common_around(query, common);
    }
    return common;
}

/* Has each row of the query one row of the level of the windows behind it? */
PG_GUARDED bool is_one_to_one(const List *levels)
{
    bool is = true;
    for (auto *level : pg::each<Level>(levels))
        is = is && !makes_groups(level->query) && level->query->distinctClause == NIL &&
             !level->query->hasTargetSRFs;
    return is;
}

/* Does a level refer to rows of those around it? */
PG_GUARDED bool refers_outside(const List *levels)
{
    auto *query = reinterpret_cast<Node *>(static_cast<Level *>(llast(levels))->query);
    for (int up = 1; up < list_length(levels); up++)
        if (contain_vars_of_level(query, up))
            return true;
    return false;
}

/* What the rows below the windows show of a column of the query: nothing if it isn't plainly one of theirs.
 */
PG_GUARDED Expr *shown_below(Query *query, int column)
{
    const auto *target = list_nth_node(TargetEntry, query->targetList, column - 1);
    if (Node *expression = column_below_windows(query, column))
        return reinterpret_cast<Expr *>(expression);
    const auto *shown = reinterpret_cast<Node *>(target->expr);
    return reinterpret_cast<Expr *>(makeNullConst(exprType(shown), exprTypmod(shown), exprCollation(shown)));
}

/* The rows below the windows, as far as columns of the query show them, grouped by the keys. */
PG_GUARDED Query *make_rows(Query *query, const List *common)
{
    auto *rows = static_cast<Query *>(copyObjectImpl(query_with_windows(query)));
    rows->windowClause = rows->sortClause = rows->distinctClause = rows->targetList = NIL;
    rows->hasWindowFuncs = rows->hasDistinctOn = false;
    for (auto *target : pg::each<TargetEntry>(query->targetList))
        if (!target->resjunk)
            rows->targetList =
                lappend(rows->targetList, makeTargetEntry(shown_below(query, target->resno), target->resno,
                                                          target->resname, false));
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

PG_GUARDED Query *query_with_windows(Query *query)
{
    return static_cast<Level *>(llast(levels_to_windows(query)))->query;
}

PG_GUARDED Node *column_below_windows(Query *query, int column)
{
    const List *levels = levels_to_windows(query);
    Node *expression = nullptr;
    for (auto *level : pg::each<Level>(levels)) {
        expression = behind(level->query, list_nth_node(TargetEntry, level->query->targetList, column - 1));
        if (level == llast(levels))
            break;
        if (!IsA(expression, Var) || castNode(Var, expression)->varlevelsup > 0 ||
            castNode(Var, expression)->varattno <= 0)
            return nullptr;
        column = castNode(Var, expression)->varattno;
    }
    return contain_windowfuncs(expression) ? nullptr : expression;
}

PG_GUARDED bool part_windows(Query *query, WindowParts *parts)
{
    const List *levels = levels_to_windows(query);
    const List *common = find_common(levels);
    if (common == NIL || refers_outside(levels))
        return false;
    const Level *around = static_cast<Level *>(llast(levels))->outer;
    *parts = {.rows = {make_rows(query, common), around}, .one_to_one = is_one_to_one(levels)};
    return true;
}

} // namespace analyze
