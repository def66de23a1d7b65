/*
 * partitions.cpp - rows that are computed anew partition by partition.
 *
 * What a window function gives for a row depends on the rows of its partition, and on no others.  So where
 * rows have changed, the rows of their partitions are all that can come out differently; and these the query
 * gives when the level that has the windows is restricted to them, below the windows, in its WHERE.
 *
 * The same serves groups and plain rows of which not everything is known when a source changes, since the
 * rows that triggers are handed don't tell it: of which table of an inheritance tree they are, say.  What is
 * grouped by besides that, or shown, parts them well enough.
 *
 * What identifies partitions has to be shown by columns of the table, by which their present rows are found.
 * So the keys are those expressions that all windows partition by, or that are grouped by, and that columns
 * show: fewer keys are larger partitions.  Levels around that one may do what keeps partitions apart: filter,
 * project, or have groups, DISTINCT and windows by the keys and more.
 *
 * Which keys changed rows have, a query tells that groups the rows of that level by them: it is understood as
 * any other, and never run.  If conditions of its WHERE can't be told, it has more rows than there are; for
 * these nothing is computed that could fail (failing.cpp), but for the keys: where these do, nobody knows
 * which partitions changed, and the contents are rebuilt (flush/capture.cpp).
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* What identifies partitions, besides others, and which columns of a level show it. */
struct Common {
    SortGroupClause *clause; /* says what it is told apart by */
    Node *expression;        /* over FROM of the level whose rows are parted */
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

/*
 * The query and what is behind it, level by level, down to the one whose rows are parted: the last that has
 * windows; where none has, the first that has groups; and where none has these either, the query itself.
 */
PG_GUARDED List *levels_to_rows(Query *query)
{
    List *levels = NIL;
    int windows = 0;
    int groups = 0;
    for (Level level = {query, nullptr}; level.query != nullptr;) {
        auto *kept = static_cast<Level *>(palloc(sizeof(Level)));
        *kept = level;
        levels = lappend(levels, kept);
        if (level.query->hasWindowFuncs)
            windows = list_length(levels);
        if (groups == 0 && makes_groups(level.query))
            groups = list_length(levels);
        level = level_behind(*kept);
    }
    return list_truncate(levels, windows > 0 ? windows : Max(groups, 1));
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

/* Add what identifies partitions, if the level shows it and keeps it apart. */
PG_GUARDED List *add_common(List *common, Query *query, SortGroupClause *clause, Node *expression)
{
    auto is_expression = [&](Node *other) { return equal(other, expression); };
    Bitmapset *columns = columns_showing(query, is_expression);
    if (columns == nullptr || expression_returns_set(expression) ||
        !keeps_apart(query, clause, is_expression))
        return common;
    auto *found = static_cast<Common *>(palloc(sizeof(Common)));
    *found = {.clause = clause, .expression = expression, .columns = columns};
    return lappend(common, found);
}

/* What all windows of the level partition by, or its groups do, and it shows. */
PG_GUARDED List *common_clauses(Query *query)
{
    const List *clauses = query->groupClause;
    for (auto *window : pg::each<WindowClause>(query->hasWindowFuncs ? query->windowClause : NIL))
        clauses = window->partitionClause;
    List *common = NIL;
    for (auto *clause : pg::each<SortGroupClause>(clauses))
        common = add_common(common, query, clause,
                            behind(query, get_sortgroupref_tle(clause->tleSortGroupRef, query->targetList)));
    return common;
}

/* What the level shows of its rows, as far as it has an order. */
PG_GUARDED List *common_columns(Query *query)
{
    List *common = NIL;
    for (auto *target : pg::each<TargetEntry>(query->targetList)) {
        const TypeCacheEntry *order = lookup_type_cache(exprType(reinterpret_cast<Node *>(target->expr)),
                                                        TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);
        if (target->resjunk || !OidIsValid(order->lt_opr))
            continue;
        auto *clause = makeNode(SortGroupClause);
        clause->eqop = order->eq_opr;
        clause->sortop = order->lt_opr;
        clause->hashable = op_hashjoinable(order->eq_opr, order->type_id);
        common = add_common(common, query, clause, behind(query, target));
    }
    return common;
}

/* What identifies partitions of the level's rows. */
PG_GUARDED List *common_at(Query *query)
{
    return query->hasWindowFuncs || makes_groups(query) ? common_clauses(query) : common_columns(query);
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

/* The rows of a level, without conditions, and without anything shown of them. */
PG_GUARDED Query *rows_of(const Level &level)
{
    auto *rows = static_cast<Query *>(copyObjectImpl(level.query));
    rows->windowClause = rows->sortClause = rows->distinctClause = rows->groupClause = rows->targetList = NIL;
    rows->hasWindowFuncs = rows->hasDistinctOn = rows->hasAggs = rows->hasTargetSRFs = false;
    rows->havingQual = rows->jointree->quals = nullptr;
    pg::forget_grouping_step(rows);
    return rows;
}

/* The rows of the level that changed, with what is shown of them, and the condition; false: these can't be
 * told. */
PG_GUARDED bool can_tell(const Level &level, Node *shown, Node *condition, FlatQuery *flat)
{
    Query *rows = rows_of(level);
    if (shown != nullptr)
        rows->targetList = list_make1(
            makeTargetEntry(static_cast<Expr *>(copyObjectImpl(shown)), 1, pstrdup("shown"), false));
    rows->jointree->quals = static_cast<Node *>(copyObjectImpl(condition));
    return flatten({rows, level.outer}, flat) == nullptr;
}

/* The same, and without ever failing.  more: for rows, too, that the level leaves out. */
PG_GUARDED bool is_told(const Level &level, Node *shown, Node *condition, bool more)
{
    FlatQuery flat = {};
    if (!can_tell(level, shown, condition, &flat))
        return false;
    return (!more && !flat.more) || !(may_fail(flat.targets) || conditions_may_fail(flat));
}

/* Those that can be told of the rows that changed, if they don't fail. */
PG_GUARDED List *told(const Level &level, const List *common)
{
    List *found = NIL;
    for (auto *one : pg::each<Common>(common)) {
        FlatQuery flat = {};
        if (can_tell(level, one->expression, nullptr, &flat))
            found = lappend(found, one);
    }
    return found;
}

/* What is common to the innermost level and those around it; NIL: nothing, or it can't be told. */
PG_GUARDED List *find_common(const List *levels)
{
    const auto &innermost = *static_cast<Level *>(llast(levels));
    if (needs_more(innermost.query))
        return NIL;
    List *common = told(innermost, common_at(innermost.query));
    for (int i = list_length(levels) - 2; i >= 0; i--) {
        Query *query = static_cast<Level *>(list_nth(levels, i))->query;
        if (needs_more(query) ||
            (query->hasSubLinks && reads_table(reinterpret_cast<Node *>(query->jointree))))
            return NIL;
        common = common_around(query, common);
    }
    return common;
}

/* Has each row of the query one row of the innermost level behind it? */
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

/* What the rows of the innermost level show of a column of the query: nothing if it isn't plainly theirs. */
PG_GUARDED Expr *shown_below(Query *query, const Level &innermost, int column, bool more)
{
    const auto *target = list_nth_node(TargetEntry, query->targetList, column - 1);
    Node *expression = column_below(query, column);
    if (expression != nullptr && is_told(innermost, expression, nullptr, more))
        return reinterpret_cast<Expr *>(expression);
    const auto *shown = reinterpret_cast<Node *>(target->expr);
    return reinterpret_cast<Expr *>(makeNullConst(exprType(shown), exprTypmod(shown), exprCollation(shown)));
}

/* The conditions on the rows of a level that can be told of those that changed. */
struct Conditions {
    List *told;
    bool more; /* others can't be, so rows are told of that the level leaves out */
};

/* Find them; false: one that can't be told reads a table, too. */
PG_GUARDED bool find_conditions(const Level &level, Conditions *found)
{
    List *all = make_ands_implicit(reinterpret_cast<Expr *>(level.query->jointree->quals));
    for (auto *condition : pg::each<Node>(all))
        found->more = found->more || !is_told(level, nullptr, condition, false);
    bool possible = true;
    for (auto *condition : pg::each<Node>(all)) {
        const bool told = is_told(level, nullptr, condition, found->more);
        if (told)
            found->told = lappend(found->told, copyObjectImpl(condition));
        possible = possible && (told || !reads_table(condition));
    }
    return possible;
}

/* The rows of the innermost level for which these hold, as far as columns of the query show them, grouped by
 * the keys. */
PG_GUARDED Query *make_rows(Query *query, const Level &innermost, const Conditions &conditions,
                            const List *common)
{
    Query *rows = rows_of(innermost);
    if (conditions.told != NIL)
        rows->jointree->quals = reinterpret_cast<Node *>(make_ands_explicit(conditions.told));
    for (auto *target : pg::each<TargetEntry>(query->targetList))
        if (!target->resjunk)
            rows->targetList =
                lappend(rows->targetList,
                        makeTargetEntry(shown_below(query, innermost, target->resno, conditions.more),
                                        target->resno, target->resname, false));
    Index number = 0;
    for (auto *key : pg::each<Common>(common)) {
        auto *clause = static_cast<SortGroupClause *>(copyObjectImpl(key->clause));
        TargetEntry *target =
            get_tle_by_resno(rows->targetList, static_cast<AttrNumber>(bms_next_member(key->columns, -1)));
        if (target->ressortgroupref != 0)
            continue;
        target->expr = static_cast<Expr *>(copyObjectImpl(key->expression));
        target->ressortgroupref = clause->tleSortGroupRef = ++number;
        rows->groupClause = lappend(rows->groupClause, clause);
    }
    return rows;
}

/* Those that the columns show. */
PG_GUARDED List *shown_by(const Bitmapset *columns, const List *common)
{
    List *found = NIL;
    for (auto *one : pg::each<Common>(common))
        if (bms_overlap(one->columns, columns))
            found = lappend(found, one);
    return found;
}

} // namespace

PG_GUARDED int parted_depth(Query *query)
{
    return list_length(levels_to_rows(query)) - 1;
}

PG_GUARDED Query *level_of(Query *query, int depth)
{
    Level level = {query, nullptr};
    for (; depth > 0; --depth) {
        auto *around = static_cast<Level *>(palloc(sizeof(Level)));
        *around = level;
        level = level_behind(*around);
    }
    return level.query;
}

PG_GUARDED Node *column_below(Query *query, int column)
{
    const List *levels = levels_to_rows(query);
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
    const bool computed = contain_windowfuncs(expression) || contain_aggs_of_level(expression, 0) ||
                          expression_returns_set(expression);
    return computed ? nullptr : expression;
}

PG_GUARDED bool part_rows(Query *query, const Bitmapset *columns, PartitionedRows *parts)
{
    const List *levels = levels_to_rows(query);
    const auto &innermost = *static_cast<Level *>(llast(levels));
    Conditions conditions = {.told = NIL, .more = false};
    if (refers_outside(levels) || !find_conditions(innermost, &conditions))
        return false;
    List *common = find_common(levels);
    if (columns != nullptr)
        common = shown_by(columns, common);
    if (common == NIL)
        return false;
    *parts = {.rows = {make_rows(query, innermost, conditions, common), innermost.outer},
              .one_to_one = is_one_to_one(levels),
              .more = conditions.more};
    return true;
}

} // namespace analyze
