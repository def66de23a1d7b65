/*
 * narrowed.cpp - what of a subquery a table shows that is to stand for it.
 *
 * It has the columns of the subquery, in the same places, so that nothing around it changes but the one entry
 * of the range table.  Columns that nothing reads are NULL in it.  Where window functions number the rows,
 * conditions on these alone come along: the first row of each partition is what is kept then, not all rows
 * with numbers that change with every other row; and the columns that tell partitions are shown too, behind
 * the others.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* The columns of an item of FROM that a level reads. */
struct Columns {
    const Query *level;
    int item;
    Index depth; /* how many queries are around what is looked at, below the level */
    bool whole;  /* rows are values, whatever columns they have */
    Bitmapset *read;
};

extern "C" {
PG_GUARDED static bool columns_walker(Node *node, void *context);
}

/* A column of a join is one, or several, of what it joins. */
PG_GUARDED void look_at_join(const RangeTblEntry *join, AttrNumber column, Columns *columns)
{
    if (column <= 0)
        columns->whole = true;
    const Index depth = columns->depth;
    columns->depth = 0;
    columns_walker(column > 0 ? static_cast<Node *>(list_nth(join->joinaliasvars, column - 1))
                              : reinterpret_cast<Node *>(join->joinaliasvars),
                   columns);
    columns->depth = depth;
}

extern "C" {

/* Walker: take note of columns of the item. */
PG_GUARDED static bool columns_walker(Node *node, void *context)
{
    auto *columns = static_cast<Columns *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, Var)) {
        const auto *var = castNode(Var, node);
        if (var->varlevelsup != columns->depth)
            return false;
        const auto number = static_cast<int>(var->varno);
        const RangeTblEntry *entry = rt_fetch(number, columns->level->rtable);
        if (number == columns->item && var->varattno > 0)
            columns->read = bms_add_member(columns->read, var->varattno);
        else if (number == columns->item)
            columns->whole = true;
        else if (entry->rtekind == RTE_JOIN)
            look_at_join(entry, var->varattno, columns);
        return false;
    }
    if (!IsA(node, Query))
        return pg::walk_expression(node, columns_walker, context);
    columns->depth++;
    pg::walk_query(castNode(Query, node), columns_walker, context, QTW_IGNORE_JOINALIASES);
    columns->depth--;
    return false;
}

} // extern "C"

PG_GUARDED Columns columns_read(Query *level, int item)
{
    Columns columns = {.level = level, .item = item, .depth = 0, .whole = false, .read = nullptr};
    pg::walk_query(level, columns_walker, &columns, QTW_IGNORE_JOINALIASES);
    return columns;
}

/* Is the expression a column of the primary key of its table? */
PG_GUARDED bool is_primary_key(const Query *query, const Node *expression)
{
    if (!IsA(expression, Var) || reinterpret_cast<const Var *>(expression)->varlevelsup > 0)
        return false;
    const auto *var = reinterpret_cast<const Var *>(expression);
    const RangeTblEntry *entry = rt_fetch(static_cast<int>(var->varno), query->rtable);
    Oid constraint = InvalidOid;
    return entry->rtekind == RTE_RELATION && entry->relkind != RELKIND_VIEW &&
           bms_is_member(var->varattno - FirstLowInvalidHeapAttributeNumber,
                         get_primary_key_attnos(entry->relid, false, &constraint));
}

/* Is NULL a value of its type, and can a table have that? */
PG_GUARDED bool can_be_null(Node *expression)
{
    const char kind = get_typtype(exprType(expression));
    return kind != TYPTYPE_PSEUDO && kind != TYPTYPE_DOMAIN;
}

/* Has a column that nothing reads no say in which rows the query has, or in how they are found? */
PG_GUARDED bool can_be_left_out(const Query *query, const TargetEntry *target)
{
    auto *expression = reinterpret_cast<Node *>(target->expr);
    return !target->resjunk && target->ressortgroupref == 0 && !expression_returns_set(expression) &&
           can_be_null(expression) && !(query->hasWindowFuncs && is_primary_key(query, expression));
}

/* Have columns that nothing reads be NULL; not where they have a say in which rows come first, or in there
 * being one. */
PG_GUARDED void leave_out(Query *query, const Columns &columns)
{
    const bool single_group = query->groupClause == NIL && makes_groups(query);
    if (query->setOperations != nullptr || single_group || query->hasDistinctOn ||
        query->limitCount != nullptr || query->limitOffset != nullptr)
        return;
    for (auto *target : pg::each<TargetEntry>(query->targetList))
        if (can_be_left_out(query, target) && !bms_is_member(target->resno, columns.read)) {
            auto *expression = reinterpret_cast<Node *>(target->expr);
            target->expr = reinterpret_cast<Expr *>(
                makeNullConst(exprType(expression), exprTypmod(expression), exprCollation(expression)));
        }
    auto *targets = reinterpret_cast<Node *>(query->targetList);
    query->hasAggs =
        query->hasAggs &&
        contain_aggs_of_level(reinterpret_cast<Node *>(list_make2(query->targetList, query->havingQual)), 0);
    query->hasWindowFuncs = query->hasWindowFuncs && contain_windowfuncs(targets);
    if (!query->hasWindowFuncs)
        query->windowClause = NIL;
}

/* Show the columns that windows partition by, behind the others. */
PG_GUARDED void show_partitions(Query *query)
{
    List *shown = NIL;
    List *hidden = NIL;
    for (auto *target : pg::each<TargetEntry>(query->targetList)) {
        for (auto *window : pg::each<WindowClause>(query->windowClause))
            if (target->resjunk && refers_to(window->partitionClause, target->ressortgroupref)) {
                target->resjunk = false;
                target->resname = psprintf("partition_%d", list_length(shown) + 1);
            }
        if (target->resjunk)
            hidden = lappend(hidden, target);
        else
            shown = lappend(shown, target);
    }
    query->targetList = list_concat(shown, hidden);
    AttrNumber number = 0;
    for (auto *target : pg::each<TargetEntry>(query->targetList))
        target->resno = ++number;
}

/* Is it a condition on the item alone, which can be checked before the item is joined? */
PG_GUARDED bool is_condition_on(Node *condition, int item, int depth)
{
    int number = 0;
    for (int level = 1; level <= depth; level++)
        if (contain_vars_of_level(condition, level))
            return false;
    return !checkExprHasSubLink(condition) && bms_get_singleton_member(pg::pull_varnos(condition), &number) &&
           number == item;
}

/* Conditions that are taken out of a level that so many are around. */
struct Taking {
    Query *level;
    int item;
    int depth;
    List *taken;
};

/* Take the conditions on the item alone out of a condition; what is left of it. */
PG_GUARDED Node *take_conditions(Taking *taking, Node *condition)
{
    List *left = NIL;
    for (auto *part : pg::each<Node>(make_ands_implicit(reinterpret_cast<Expr *>(condition)))) {
        Node *over_items =
            pg::flatten_join_alias_vars(taking->level, static_cast<Node *>(copyObjectImpl(part)));
        if (is_condition_on(over_items, taking->item, taking->depth))
            taking->taken = lappend(taking->taken, over_items);
        else
            left = lappend(left, part);
    }
    return left == NIL ? nullptr : reinterpret_cast<Node *>(make_ands_explicit(left));
}

/*
 * Take the conditions on the item alone out of a part of FROM, where a row that doesn't meet them has no part
 * in any row; false: the item isn't there, or may be lacking.
 */
PG_GUARDED bool take_from(Taking *taking, Node *from)
{
    if (IsA(from, RangeTblRef))
        return castNode(RangeTblRef, from)->rtindex == taking->item;
    if (IsA(from, FromExpr)) {
        auto *items = castNode(FromExpr, from);
        bool found = false;
        for (auto *part : pg::each<Node>(items->fromlist))
            found = found || take_from(taking, part);
        if (found)
            items->quals = take_conditions(taking, items->quals);
        return found;
    }
    auto *join = castNode(JoinExpr, from);
    const bool inner = join->jointype == JOIN_INNER;
    const bool found = ((inner || join->jointype == JOIN_LEFT) && take_from(taking, join->larg)) ||
                       (inner && take_from(taking, join->rarg));
    if (found && inner)
        join->quals = take_conditions(taking, join->quals);
    return found;
}

/* The columns that the conditions on an item are over. */
PG_GUARDED Bitmapset *columns_of_conditions(const List *conditions, int item)
{
    Bitmapset *columns = nullptr;
    Bitmapset *numbers = nullptr;
    pull_varattnos(reinterpret_cast<Node *>(const_cast<List *>(conditions)), static_cast<Index>(item),
                   &numbers);
    for (int number = -1; (number = bms_next_member(numbers, number)) >= 0;)
        if (number + FirstLowInvalidHeapAttributeNumber > 0)
            columns = bms_add_member(columns, number + FirstLowInvalidHeapAttributeNumber);
    return columns;
}

/* Does a column tell rows or partitions apart, and so has to be shown? */
PG_GUARDED bool tells_apart(const Query *query, const TargetEntry *target)
{
    bool tells = is_primary_key(query, reinterpret_cast<const Node *>(target->expr));
    for (auto *window : pg::each<WindowClause>(query->windowClause))
        tells = tells || refers_to(window->partitionClause, target->ressortgroupref);
    return tells;
}

/* What a query, an item of FROM, shows under conditions on it; columns: those of it that are wanted. */
PG_GUARDED Query *under_conditions(Query *query, const Alias *names, List *conditions, const Columns &columns)
{
    RangeTblEntry *entry = lateral_entry(query, static_cast<Alias *>(copyObjectImpl(names)));
    List *targets = NIL;
    for (auto *target : pg::each<TargetEntry>(query->targetList)) {
        if (target->resjunk)
            continue;
        auto *shown = reinterpret_cast<Node *>(target->expr);
        const Oid type = exprType(shown);
        const int32 typmod = exprTypmod(shown);
        const Oid collation = exprCollation(shown);
        const bool wanted = bms_is_member(target->resno, columns.read) || !can_be_null(shown);
        void *column = wanted || tells_apart(query, target)
                           ? static_cast<void *>(makeVar(1, target->resno, type, typmod, collation, 0))
                           : makeNullConst(type, typmod, collation);
        if (target->resno > list_length(entry->eref->colnames))
            entry->eref->colnames = lappend(entry->eref->colnames, makeString(target->resname));
        targets = lappend(targets,
                          makeTargetEntry(static_cast<Expr *>(column), target->resno,
                                          strVal(list_nth(entry->eref->colnames, target->resno - 1)), false));
    }
    entry->alias = static_cast<Alias *>(copyObjectImpl(entry->eref));
    ChangeVarNodes(reinterpret_cast<Node *>(conditions), columns.item, 1, 0);
    Query *around = make_query(list_make1(entry), list_make1(reference_to(1)), targets);
    around->jointree->quals = reinterpret_cast<Node *>(make_ands_explicit(conditions));
    return around;
}

} // namespace

PG_GUARDED bool reads_whole_row(Query *level, int item)
{
    return columns_read(level, item).whole;
}

PG_GUARDED Query *narrowed_query(Query *level, int item, int depth, bool *restricted)
{
    const RangeTblEntry *entry = rt_fetch(item, level->rtable);
    auto *query = static_cast<Query *>(copyObjectImpl(entry->subquery));
    Taking taking = {.level = level, .item = item, .depth = depth, .taken = NIL};
    const bool numbers = query->hasWindowFuncs;
    if (numbers)
        take_from(&taking, reinterpret_cast<Node *>(level->jointree));
    const Columns wanted = columns_read(level, item);
    Columns needed = wanted;
    needed.read = bms_union(wanted.read, columns_of_conditions(taking.taken, item));
    leave_out(query, needed);
    if (numbers)
        show_partitions(query);
    *restricted = taking.taken != NIL;
    return *restricted ? under_conditions(query, entry->eref, taking.taken, wanted) : query;
}

} // namespace analyze
