/*
 * set_returning.cpp - set-returning functions in the select list.
 *
 * SELECT unnest(tags) FROM posts gives, for each row of posts, a row for each that the function returns;
 * several functions go side by side, and the shorter ones are filled up with NULLs.  That is what a LATERAL
 * ROWS FROM (...) in FROM does, so it is written as such here, and maintained as such (computed.cpp).  It is
 * the same as long as the functions are called before rows are grouped and duplicates removed: where a level
 * makes no groups, and in what a level groups by.
 *
 * A function whose arguments call others of its kind is called for each row that these make; so the inner
 * ones become one item of FROM, and then the outer ones another, which is what PostgreSQL makes of them, too
 * (split_pathtarget_at_srfs; PostgreSQL, tlist.c).
 *
 * Where they stood, the functions were called for rows of the join that meet all conditions, and only those
 * may be what they can be called for.  In FROM they might be called before one of the tables is joined.  So
 * there the conditions are theirs, too, and what is made of both stays together (OFFSET 0).
 *
 * Of a function that returns rows of several columns each column may be taken: (jsonb_each(j)).key.  Left
 * alone are such rows as they are, and levels where rows are counted off or looked at through windows; there
 * they are computed anew with all that is made of the same rows (partitions.cpp).
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* What is moved from the select list of one level, into one item of FROM. */
struct Moving {
    int entry;    /* the number that the item in FROM will have */
    List *calls;  /* set-returning ones */
    bool inside;  /* of an expression that is computed for each row, before groups are made */
    List *keys;   /* such expressions, where there are groups */
    bool refused; /* there is a call that can't be moved */
};

/* The columns of the rows that a call returns; NULL: it returns values, or rows that aren't known. */
PG_GUARDED TupleDesc columns_returned(const FuncExpr *call)
{
    TupleDesc columns = nullptr;
    const TypeFuncClass kind =
        get_expr_result_type(const_cast<Node *>(reinterpret_cast<const Node *>(call)), nullptr, &columns);
    return kind == TYPEFUNC_COMPOSITE ? columns : nullptr;
}

PG_GUARDED bool returns_values(const FuncExpr *call)
{
    return get_expr_result_type(const_cast<Node *>(reinterpret_cast<const Node *>(call)), nullptr, nullptr) ==
           TYPEFUNC_SCALAR;
}

/* Is it a call that returns sets, whose arguments call none of that kind? */
PG_GUARDED bool is_innermost_call(const Node *node)
{
    return node != nullptr && IsA(node, FuncExpr) && reinterpret_cast<const FuncExpr *>(node)->funcretset &&
           !expression_returns_set(reinterpret_cast<Node *>(reinterpret_cast<const FuncExpr *>(node)->args));
}

/* Is it one column of the rows that such a call returns? */
PG_GUARDED bool is_column_of_call(const Node *node)
{
    if (!IsA(node, FieldSelect))
        return false;
    const auto *call = reinterpret_cast<const Node *>(reinterpret_cast<const FieldSelect *>(node)->arg);
    if (!is_innermost_call(call))
        return false;
    TupleDesc columns = columns_returned(reinterpret_cast<const FuncExpr *>(call));
    bool all = columns != nullptr;
    for (int i = 0; all && i < columns->natts; i++)
        all = !TupleDescAttr(columns, i)->attisdropped;
    return all;
}

/* How many columns the item in FROM has before those of the call, which is added to it. */
PG_GUARDED int columns_before(Moving *moving, FuncExpr *call)
{
    int columns = 0;
    for (auto *known : pg::each<FuncExpr>(moving->calls)) {
        if (equal(known, call))
            return columns;
        TupleDesc returned = columns_returned(known);
        columns += returned == nullptr ? 1 : returned->natts;
    }
    moving->calls = lappend(moving->calls, copyObjectImpl(call));
    return columns;
}

/* The column of the item in FROM that a call becomes. */
PG_GUARDED Node *column_for(Moving *moving, FuncExpr *call)
{
    const auto number = static_cast<AttrNumber>(columns_before(moving, call) + 1);
    return reinterpret_cast<Node *>(
        makeVar(moving->entry, number, call->funcresulttype, -1, call->funccollid, 0));
}

/* The same for one column of the rows that it returns. */
PG_GUARDED Node *column_for(Moving *moving, FieldSelect *field)
{
    const int before = columns_before(moving, castNode(FuncExpr, field->arg));
    return reinterpret_cast<Node *>(makeVar(moving->entry, static_cast<AttrNumber>(before + field->fieldnum),
                                            field->resulttype, field->resulttypmod, field->resultcollid, 0));
}

extern "C" {

/* Mutator: columns in place of calls. */
PG_GUARDED static Node *moving_mutator(Node *node, void *context)
{
    auto *moving = static_cast<Moving *>(context);
    if (node == nullptr || moving->refused)
        return nullptr;
    if (!moving->inside && list_member(moving->keys, node)) {
        Moving key = *moving;
        key.inside = true;
        Node *moved = moving_mutator(node, &key);
        moving->calls = key.calls;
        moving->refused = key.refused;
        return moved;
    }
    if (moving->inside && is_column_of_call(node))
        return column_for(moving, castNode(FieldSelect, node));
    const bool is_call = IsA(node, FuncExpr) && castNode(FuncExpr, node)->funcretset;
    moving->refused = (is_call && (!moving->inside || !returns_values(castNode(FuncExpr, node)))) ||
                      (IsA(node, OpExpr) && castNode(OpExpr, node)->opretset);
    if (!moving->refused && is_innermost_call(node))
        return column_for(moving, castNode(FuncExpr, node));
    return pg::mutate_expression(node, moving_mutator, context);
}

/* Walker: move functions of the subqueries in FROM. */
PG_GUARDED static bool from_walker(Node *node, void *context)
{
    if (node == nullptr || IsA(node, SubLink))
        return false;
    if (!IsA(node, Query))
        return pg::walk_expression(node, from_walker, context);
    move_to_from(castNode(Query, node));
    return false;
}

} // extern "C"

/* The function in FROM that makes the calls. */
PG_GUARDED RangeTblEntry *functions_entry(const List *calls)
{
    auto *entry = makeNode(RangeTblEntry);
    List *names = NIL;
    entry->rtekind = RTE_FUNCTION;
    entry->inFromCl = true;
    for (auto *call : pg::each<FuncExpr>(calls)) {
        TupleDesc columns = columns_returned(call);
        auto *function = makeNode(RangeTblFunction);
        function->funcexpr = reinterpret_cast<Node *>(call);
        function->funccolcount = columns == nullptr ? 1 : columns->natts;
        entry->functions = lappend(entry->functions, function);
        if (columns == nullptr)
            names = lappend(names, makeString(get_func_name(call->funcid)));
        for (int i = 0; columns != nullptr && i < columns->natts; i++)
            names = lappend(names, makeString(pstrdup(NameStr(TupleDescAttr(columns, i)->attname))));
    }
    entry->lateral = contain_vars_of_level(reinterpret_cast<Node *>(entry->functions), 0);
    entry->eref = makeAlias(get_func_name(linitial_node(FuncExpr, calls)->funcid), names);
    return entry;
}

/* Gather the conditions that all rows of a part of FROM meet. */
PG_GUARDED void gather_conditions(const Node *item, List **conditions)
{
    check_stack_depth();
    if (IsA(item, FromExpr)) {
        const auto *from = reinterpret_cast<const FromExpr *>(item);
        for (auto *part : pg::each<Node>(from->fromlist))
            gather_conditions(part, conditions);
        if (from->quals != nullptr)
            *conditions = lappend(*conditions, from->quals);
    }
    if (!IsA(item, JoinExpr) || reinterpret_cast<const JoinExpr *>(item)->jointype != JOIN_INNER)
        return;
    const auto *join = reinterpret_cast<const JoinExpr *>(item);
    gather_conditions(join->larg, conditions);
    gather_conditions(join->rarg, conditions);
    if (join->quals != nullptr)
        *conditions = lappend(*conditions, join->quals);
}

/* The functions with the conditions of a level that joins several items. */
PG_GUARDED RangeTblEntry *guarded(Query *query, RangeTblEntry *functions)
{
    List *conditions = NIL;
    gather_conditions(reinterpret_cast<Node *>(query->jointree), &conditions);
    auto *condition = reinterpret_cast<Node *>(conditions);
    if (list_length(from_items(query)) < 2 || conditions == NIL || has_sublink(condition))
        return functions;
    condition = pg::flatten_join_alias_vars(query, static_cast<Node *>(copyObjectImpl(condition)));
    Node *calls = computation_of(functions);
    IncrementVarSublevelsUp(condition, 1, 0);
    IncrementVarSublevelsUp(calls, 1, 0);
    functions->lateral = false;
    Query *both =
        make_query(list_make1(functions), list_make1(reference_to(1)), columns_shown(functions, 1, 0));
    both->jointree->quals = reinterpret_cast<Node *>(make_ands_explicit(reinterpret_cast<List *>(condition)));
    both->limitOffset = reinterpret_cast<Node *>(
        makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(0), false, FLOAT8PASSBYVAL));
    return lateral_entry(both, functions->eref);
}

/* The expressions that a level groups by, as its targets have them. */
PG_GUARDED List *grouped_by(const Query *query)
{
    List *keys = NIL;
    for (auto *clause : pg::each<SortGroupClause>(query->groupClause))
        keys = lappend(keys, get_sortgroupref_tle(clause->tleSortGroupRef, query->targetList)->expr);
    return keys;
}

/* Move those functions of a level whose arguments call none; false: there is none, or one that can't be
 * moved. */
PG_GUARDED bool move_innermost(Query *query)
{
    List *grouping = pg::grouping_step(query);
    const bool whole = !makes_groups(query);
    Moving moving = {.entry = list_length(query->rtable) + 1,
                     .calls = NIL,
                     .inside = whole,
                     .keys = grouping == NIL ? grouped_by(query) : NIL,
                     .refused = false};
    Node *targets = moving_mutator(reinterpret_cast<Node *>(query->targetList), &moving);
    Node *having = moving_mutator(query->havingQual, &moving);
    moving.inside = true;
    Node *keys = moving_mutator(reinterpret_cast<Node *>(grouping), &moving);
    if (moving.refused || moving.calls == NIL)
        return false;
    query->targetList = reinterpret_cast<List *>(targets);
    query->havingQual = having;
    pg::set_grouping_step(query, reinterpret_cast<List *>(keys));
    query->rtable = lappend(query->rtable, guarded(query, functions_entry(moving.calls)));
    query->jointree->fromlist = lappend(query->jointree->fromlist, reference_to(moving.entry));
    return true;
}

/* Move the functions of one level. */
PG_GUARDED void move_level(Query *query)
{
    auto any_left = [query] {
        return expression_returns_set(
            reinterpret_cast<Node *>(list_make2(query->targetList, pg::grouping_step(query))));
    };
    while (any_left())
        if (!move_innermost(query))
            return;
    query->hasTargetSRFs = false;
}

} // namespace

PG_GUARDED void move_to_from(Query *query)
{
    check_stack_depth();
    if (query->hasTargetSRFs && !query->hasWindowFuncs && query->windowClause == NIL &&
        query->setOperations == nullptr && query->limitCount == nullptr && query->limitOffset == nullptr)
        move_level(query);
    pg::walk_query(query, from_walker, nullptr, QTW_IGNORE_JOINALIASES);
}

} // namespace analyze
