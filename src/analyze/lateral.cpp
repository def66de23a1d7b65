/*
 * lateral.cpp - outer joins with what is computed, and subqueries in expressions that read no table.
 *
 * What functions, VALUES and subqueries that read no table have for a row is determined by that row alone
 * (computed.cpp), and so is whether they have anything for it.  So an outer join with such an item is a
 * matter of each row by itself, no option of the query (options.cpp): t LEFT JOIN LATERAL unnest(t.tags) tag
 * ON condition is t, LATERAL (SELECT tag FROM (SELECT) one LEFT JOIN unnest(t.tags) tag ON condition), and
 * the subquery is one more item that is computed.
 *
 * An expression over a row with (SELECT max(x) FROM unnest(t.marks) x) in it is such an expression still. The
 * whole of it becomes what LATERAL (SELECT expression) has, and so is evaluated where it was, in the branch
 * of CASE that it was in.  That goes for what is computed of rows: not for what is computed of groups.
 */
#include "analyze/parts.hpp"

namespace analyze {

PG_GUARDED Query *make_query(List *range_table, List *from, List *targets)
{
    auto *query = makeNode(Query);
    query->commandType = CMD_SELECT;
    query->querySource = QSRC_ORIGINAL;
    query->canSetTag = true;
    query->rtable = range_table;
    query->jointree = makeFromExpr(from, nullptr);
    query->targetList = targets;
    return query;
}

PG_GUARDED RangeTblEntry *lateral_entry(Query *query, Alias *names)
{
    auto *entry = makeNode(RangeTblEntry);
    entry->rtekind = RTE_SUBQUERY;
    entry->subquery = query;
    entry->eref = names;
    entry->inFromCl = true;
    entry->lateral = contain_vars_of_level(reinterpret_cast<Node *>(list_make1(query)), 0);
    return entry;
}

PG_GUARDED RangeTblRef *reference_to(int index)
{
    auto *reference = makeNode(RangeTblRef);
    reference->rtindex = index;
    return reference;
}

PG_GUARDED List *columns_shown(RangeTblEntry *entry, int number, int nulling)
{
    List *names = NIL;
    List *columns = NIL;
    List *targets = NIL;
    pg::expand_entry(entry, number, &names, &columns);
    for (auto *column : pg::each<Node>(columns)) {
        const auto shown = static_cast<AttrNumber>(list_length(targets) + 1);
        if (IsA(column, Var) && nulling != 0)
            pg::set_nulling_join(castNode(Var, column), nulling);
        targets = lappend(targets, makeTargetEntry(reinterpret_cast<Expr *>(column), shown,
                                                   strVal(list_nth(names, shown - 1)), false));
    }
    return targets;
}

namespace {

/* A Var that is looked for, from some levels below its own. */
struct Place {
    Index entry;
    Index level;
};

extern "C" {

/* Walker: is the row of the entry used as one value? */
PG_GUARDED static bool whole_row_walker(Node *node, void *context)
{
    auto *place = static_cast<Place *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, Var)) {
        const auto *var = castNode(Var, node);
        return static_cast<Index>(var->varno) == place->entry && var->varlevelsup == place->level &&
               var->varattno == InvalidAttrNumber;
    }
    if (!IsA(node, Query))
        return pg::walk_expression(node, whole_row_walker, context);
    Place inside = {.entry = place->entry, .level = place->level + 1};
    return pg::walk_query(castNode(Query, node), whole_row_walker, &inside, 0);
}

/* Mutator: columns of the entry, which was beside the query, as those of the second entry inside it. */
PG_GUARDED static Node *inside_mutator(Node *node, void *context)
{
    const Index entry = *static_cast<const Index *>(context);
    if (node == nullptr)
        return nullptr;
    if (!IsA(node, Var))
        return pg::mutate_expression(node, inside_mutator, context);
    auto *var = static_cast<Var *>(copyObjectImpl(node));
    if (var->varlevelsup == 1 && static_cast<Index>(var->varno) == entry) {
        var->varlevelsup = 0;
        var->varno = 2;
        pg::forget_syntax(var);
    }
    return reinterpret_cast<Node *>(var);
}

} // extern "C"

/* One row without columns. */
PG_GUARDED RangeTblEntry *one_row()
{
    auto *entry = makeNode(RangeTblEntry);
    entry->rtekind = RTE_RESULT;
    entry->eref = makeAlias("one", NIL);
    return entry;
}

/* The outer join of entries 1 and 2, and the entry that it has itself. */
PG_GUARDED JoinExpr *left_join(Node *condition, RangeTblEntry **entry)
{
    auto *join = makeNode(JoinExpr);
    join->jointype = JOIN_LEFT;
    join->larg = reinterpret_cast<Node *>(reference_to(1));
    join->rarg = reinterpret_cast<Node *>(reference_to(2));
    join->quals = condition;
    join->rtindex = 3;
    *entry = makeNode(RangeTblEntry);
    (*entry)->rtekind = RTE_JOIN;
    (*entry)->jointype = JOIN_LEFT;
    (*entry)->eref = makeAlias("joined", NIL);
    return join;
}

/* The entry as it is joined with one row, under a condition that is used up. */
PG_GUARDED RangeTblEntry *joined_with_one(Index index, const RangeTblEntry *entry, Node *condition)
{
    auto *computation = static_cast<Node *>(copyObjectImpl(computation_of(entry)));
    IncrementVarSublevelsUp(computation, 1, 0);
    IncrementVarSublevelsUp(condition, 1, 0);
    RangeTblEntry *computed = with_computation(entry, computation);
    computed->lateral = false;
    RangeTblEntry *joined = nullptr;
    JoinExpr *join = left_join(inside_mutator(condition, &index), &joined);
    Query *query =
        make_query(list_make3(one_row(), computed, joined), list_make1(join), columns_shown(computed, 2, 3));
    query->hasSubLinks = checkExprHasSubLink(reinterpret_cast<Node *>(query));
    return lateral_entry(query, entry->eref);
}

/* Is the item one whose rows are computed, and may be by a subquery? */
PG_GUARDED bool is_joined_by_row(Query *query, const Node *item)
{
    if (!IsA(item, RangeTblRef))
        return false;
    const int index = reinterpret_cast<const RangeTblRef *>(item)->rtindex;
    const RangeTblEntry *entry = rt_fetch(index, query->rtable);
    if (!reads_no_table(entry))
        return false;
    Place place = {.entry = static_cast<Index>(index), .level = 0};
    return why_not_computed(entry) == nullptr && !pg::walk_query(query, whole_row_walker, &place, 0);
}

/*
 * Make an inner join of one with an item that is computed, which has a row of NULLs by itself from then on.
 * Joins of which that was made are added to the done ones.
 */
PG_GUARDED void join_by_row(Query *query, JoinExpr *join, Bitmapset **done)
{
    const Node *item = join->jointype == JOIN_LEFT    ? join->rarg
                       : join->jointype == JOIN_RIGHT ? join->larg
                                                      : nullptr;
    if (item == nullptr || has_sublink(join->quals) || !is_joined_by_row(query, item))
        return;
    const int index = reinterpret_cast<const RangeTblRef *>(item)->rtindex;
    Node *condition = pg::flatten_join_alias_vars(query, static_cast<Node *>(copyObjectImpl(join->quals)));
    const RangeTblEntry *entry = rt_fetch(index, query->rtable);
    lfirst(list_nth_cell(query->rtable, index - 1)) =
        joined_with_one(static_cast<Index>(index), entry, condition);
    if (join->jointype == JOIN_RIGHT)
        std::swap(join->larg, join->rarg); /* what it refers to now has to stand left of it */
    join->jointype = JOIN_INNER;
    join->quals = nullptr;
    rt_fetch(join->rtindex, query->rtable)->jointype = JOIN_INNER;
    *done = bms_add_member(*done, join->rtindex);
}

/* Every join of a part of FROM. */
PG_GUARDED void join_all_by_row(Query *query, Node *item, Bitmapset **done)
{
    check_stack_depth();
    if (IsA(item, FromExpr))
        for (auto *part : pg::each<Node>(castNode(FromExpr, item)->fromlist))
            join_all_by_row(query, part, done);
    if (!IsA(item, JoinExpr))
        return;
    auto *join = castNode(JoinExpr, item);
    join_all_by_row(query, join->larg, done);
    join_all_by_row(query, join->rarg, done);
    join_by_row(query, join, done);
}

/* The expression over a row; if there are subqueries in it, and none reads a table, as a column of an item.
 */
PG_GUARDED Node *lifted(Query *query, Node *expression)
{
    if (expression == nullptr || !has_sublink(expression) || expression_returns_set(expression) ||
        reads_table(expression))
        return expression;
    const Oid type = exprType(expression);
    const int32 typmod = exprTypmod(expression);
    const Oid collation = exprCollation(expression);
    auto *inside = static_cast<Node *>(
        pg::flatten_join_alias_vars(query, static_cast<Node *>(copyObjectImpl(expression))));
    IncrementVarSublevelsUp(inside, 1, 0);
    TargetEntry *target = makeTargetEntry(reinterpret_cast<Expr *>(inside), 1, pstrdup("value"), false);
    Query *subquery = make_query(NIL, NIL, list_make1(target));
    subquery->hasSubLinks = true;
    query->rtable =
        lappend(query->rtable,
                lateral_entry(subquery, makeAlias("computed", list_make1(makeString(pstrdup("value"))))));
    const int index = list_length(query->rtable);
    query->jointree->fromlist = lappend(query->jointree->fromlist, reference_to(index));
    return reinterpret_cast<Node *>(makeVar(index, 1, type, typmod, collation, 0));
}

/* A level that groups, what it groups by, and what has become of that: one item, wherever the key is shown.
 */
struct Grouping {
    Query *query;
    List *keys;
    List *lifted;
};

/* What has become of the key that an expression is; NULL: it is none. */
PG_GUARDED Node *lifted_key(const Grouping &grouping, const Node *expression)
{
    const ListCell *now = list_head(grouping.lifted);
    for (auto *key : pg::each<Node>(grouping.keys)) {
        if (equal(key, expression))
            return static_cast<Node *>(copyObjectImpl(lfirst(now)));
        now = pg::next_cell(grouping.lifted, const_cast<ListCell *>(now));
    }
    return nullptr;
}

extern "C" {

/* Mutator: lift what is computed of rows: arguments of aggregates, and keys. */
PG_GUARDED static Node *grouping_mutator(Node *node, void *context)
{
    auto *grouping = static_cast<Grouping *>(context);
    if (node == nullptr)
        return nullptr;
    if (Node *key = lifted_key(*grouping, node))
        return key;
    if (IsA(node, SubLink))
        return node;
    if (!IsA(node, Aggref))
        return pg::mutate_expression(node, grouping_mutator, context);
    auto *call = static_cast<Aggref *>(copyObjectImpl(node));
    if (call->agglevelsup > 0)
        return reinterpret_cast<Node *>(call);
    for (auto *argument : pg::each<TargetEntry>(call->args))
        argument->expr =
            reinterpret_cast<Expr *>(lifted(grouping->query, reinterpret_cast<Node *>(argument->expr)));
    call->aggfilter =
        reinterpret_cast<Expr *>(lifted(grouping->query, reinterpret_cast<Node *>(call->aggfilter)));
    return reinterpret_cast<Node *>(call);
}

/* Walker: is there a key with a subquery in it? */
PG_GUARDED static bool key_walker(Node *node, void *context)
{
    if (node == nullptr || IsA(node, Aggref) || IsA(node, GroupingFunc))
        return false;
    return list_member(static_cast<List *>(context), node) ? has_sublink(node)
                                                           : pg::walk_expression(node, key_walker, context);
}

} // extern "C"

/*
 * Is a key with a subquery in it, which is NULL in some grouping sets, shown as a part of something?  Before
 * PostgreSQL 18 that is what the subquery gives for one of the rows: NULL in no set.
 */
PG_GUARDED bool shows_part_of_sets(Query *query, List *keys)
{
    bool shows = key_walker(query->havingQual, keys);
    for (auto *target : pg::each<TargetEntry>(query->targetList))
        shows = shows || (!list_member(keys, target->expr) &&
                          key_walker(reinterpret_cast<Node *>(target->expr), keys));
    return shows && query->groupingSets != NIL;
}

/* Lift what the targets and HAVING of a level that groups compute of rows. */
PG_GUARDED void lift_of_groups(Query *query)
{
    List *step = pg::grouping_step(query);
    Grouping grouping = {.query = query, .keys = NIL, .lifted = NIL};
    for (auto *clause : pg::each<SortGroupClause>(step == NIL ? query->groupClause : NIL))
        grouping.keys =
            lappend(grouping.keys, get_sortgroupref_tle(clause->tleSortGroupRef, query->targetList)->expr);
    if (shows_part_of_sets(query, grouping.keys))
        return;
    for (auto *key : pg::each<Node>(grouping.keys))
        grouping.lifted = lappend(grouping.lifted, lifted(query, key));
    query->targetList =
        reinterpret_cast<List *>(grouping_mutator(reinterpret_cast<Node *>(query->targetList), &grouping));
    query->havingQual = grouping_mutator(query->havingQual, &grouping);
    List *keys = NIL;
    for (auto *key : pg::each<Node>(step))
        keys = lappend(keys, lifted(query, key));
    pg::set_grouping_step(query, keys);
}

/* Lift what a level computes of rows. */
PG_GUARDED void lift_subqueries(Query *query)
{
    if (!query->hasSubLinks || query->hasWindowFuncs || query->windowClause != NIL ||
        query->setOperations != nullptr)
        return;
    if (makes_groups(query))
        lift_of_groups(query);
    else
        for (auto *target : pg::each<TargetEntry>(query->targetList))
            target->expr = reinterpret_cast<Expr *>(lifted(query, reinterpret_cast<Node *>(target->expr)));
    List *conditions = NIL;
    for (auto *condition :
         pg::each<Node>(make_ands_implicit(reinterpret_cast<Expr *>(query->jointree->quals))))
        conditions = lappend(conditions, lifted(query, condition));
    query->jointree->quals =
        conditions == NIL ? nullptr : reinterpret_cast<Node *>(make_ands_explicit(conditions));
    query->hasSubLinks = checkExprHasSubLink(reinterpret_cast<Node *>(query));
}

extern "C" {

/* Walker: the subqueries in FROM. */
PG_GUARDED static bool lateral_walker(Node *node, void *context)
{
    if (node == nullptr || IsA(node, SubLink))
        return false;
    if (!IsA(node, Query))
        return pg::walk_expression(node, lateral_walker, context);
    if (reads_table(node))
        compute_by_row(castNode(Query, node));
    return false;
}

} // extern "C"

} // namespace

PG_GUARDED void compute_by_row(Query *query)
{
    check_stack_depth();
    pg::walk_query(query, lateral_walker, nullptr, QTW_IGNORE_JOINALIASES);
    Bitmapset *done = nullptr;
    join_all_by_row(query, reinterpret_cast<Node *>(query->jointree), &done);
    pg::forget_nulling_joins(query, done);
    lift_subqueries(query);
}

} // namespace analyze
