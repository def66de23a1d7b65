/*
 * flatten.cpp - subqueries, views and WITH queries that only filter and project disappear.
 *
 * What is left is one table, the conditions on its rows, and the expressions of the grouping level over them:
 * the part of a query that delta can work with.  Whatever stands in the way is told as a reason.
 *
 * Pulling a query up like this is what the planner does (pull_up_simple_subquery; PostgreSQL,
 * prepjointree.c), and right for the same reason: a level without grouping, ordering limits, set-returning
 * functions and sublinks is a function from rows to rows.  Conditions of inner levels come first, so that an
 * outer expression is not evaluated for a row that an inner condition keeps out.
 *
 * Conditions of HAVING that have no aggregate in them are conditions on rows, to which the planner makes them
 * too (subquery_planner; PostgreSQL, planner.c): what they say about a key is said of each row of the group.
 * Where equal keys may differ by a nondeterministic collation, newer planners let them be, and so does this.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* A level of the query and the levels around it: WITH queries are looked up along these. */
struct Level {
    Query *query;
    const Level *outer;
};

extern "C" {

/* Walker: is there a sublink? */
PG_GUARDED static bool sublink_walker(Node *node, void *context)
{
    if (node == nullptr)
        return false;
    return IsA(node, SubLink) || pg::walk_expression(node, sublink_walker, context);
}

} // extern "C"

/* Where the sublinks of a level are. */
PG_GUARDED const char *describe_sublinks(Query *query)
{
    if (sublink_walker(reinterpret_cast<Node *>(query->jointree), nullptr))
        return "a subquery in WHERE";
    if (sublink_walker(reinterpret_cast<Node *>(query->targetList), nullptr))
        return "a subquery in the select list";
    if (sublink_walker(query->havingQual, nullptr))
        return "a subquery in HAVING";
    return "a subquery in an expression";
}

/* What no level may have. */
PG_GUARDED const char *why_not_linear(Query *query)
{
    const auto *operation = reinterpret_cast<const SetOperationStmt *>(query->setOperations);
    if (query->hasRecursive)
        return "WITH RECURSIVE needs the whole query";
    if (operation != nullptr)
        return operation->op == SETOP_UNION    ? "the set operation UNION needs the whole query"
               : operation->op == SETOP_EXCEPT ? "the set operation EXCEPT needs the whole query"
                                               : "the set operation INTERSECT needs the whole query";
    if (query->hasWindowFuncs || query->windowClause != NIL)
        return "window functions need the whole query";
    if (query->hasTargetSRFs)
        return "a set-returning function in the select list makes several rows of one";
    if (query->limitCount != nullptr || query->limitOffset != nullptr)
        return "LIMIT and OFFSET need the whole query";
    if (query->hasDistinctOn)
        return "DISTINCT ON needs all rows of a group";
    if (query->groupingSets != NIL)
        return "GROUPING SETS, ROLLUP and CUBE put a row into several groups";
    if (query->hasSubLinks)
        return psprintf("%s may change with other rows", describe_sublinks(query));
    return nullptr;
}

/* What the level that groups may not have, or lacks. */
PG_GUARDED const char *why_not_groups(Query *query)
{
    const bool grouped = query->groupClause != NIL || query->hasAggs || query->havingQual != nullptr;
    if (const char *reason = why_not_linear(query))
        return reason;
    if (query->distinctClause != NIL && grouped)
        return "DISTINCT on top of groups makes one row of several groups";
    if (query->distinctClause == NIL && !grouped)
        return "the query has no GROUP BY, aggregate or DISTINCT";
    return nullptr;
}

/* What a level inside may not have. */
PG_GUARDED const char *why_not_rows(Query *query)
{
    if (const char *reason = why_not_linear(query))
        return psprintf("%s, in a subquery or view", reason);
    if (query->groupClause != NIL || query->hasAggs || query->havingQual != nullptr)
        return "a subquery or view has groups or aggregates of its own";
    if (query->distinctClause != NIL)
        return "a subquery or view has DISTINCT";
    return nullptr;
}

/* The conditions of a FROM clause without joins. */
PG_GUARDED List *collect_conditions(const Node *item, List *found)
{
    if (item == nullptr || !IsA(item, FromExpr))
        return found;
    const auto *from = reinterpret_cast<const FromExpr *>(item);
    for (auto *part : pg::each<Node>(from->fromlist))
        found = collect_conditions(part, found);
    return from->quals != nullptr ? lappend(found, from->quals) : found;
}

/* The WITH query that an entry refers to, and the level around it. */
PG_GUARDED Query *find_cte(const Level *level, const RangeTblEntry *entry, const Level **home)
{
    for (Index up = entry->ctelevelsup; up > 0; up--)
        level = level->outer;
    *home = level;
    for (auto *cte : pg::each<CommonTableExpr>(level->query->cteList))
        if (strcmp(cte->ctename, entry->ctename) == 0)
            return static_cast<Query *>(copyObjectImpl(cte->ctequery));
    elog(ERROR, "could not find CTE \"%s\"", entry->ctename);
}

/* Why delta can't take the rows of a table. */
PG_GUARDED const char *why_not_table(const RangeTblEntry *entry)
{
    const char *name = relation_name(entry->relid);
    if (!entry->inh)
        return psprintf("ONLY %s leaves out rows of its partitions or children", name);
    Relation table = table_open(entry->relid, NoLock);
    const bool secured = table->rd_rel->relrowsecurity;
    table_close(table, NoLock);
    return secured ? psprintf("%s has row-level security, whose policies may depend on other tables", name)
                   : nullptr;
}

/* Everything that a FROM clause other than of one table, subquery, view or WITH query may be. */
PG_GUARDED const char *describe_entry(const RangeTblEntry *entry)
{
    switch (entry->rtekind) {
    case RTE_FUNCTION:
    case RTE_TABLEFUNC:
        return "a function in FROM is no table whose changes could be followed";
    case RTE_VALUES:
        return "VALUES in FROM is no table whose changes could be followed";
    default:
        return "FROM has something other than a table";
    }
}

PG_GUARDED const char *flatten_level(const Level &level, FlatQuery *flat);

/* Make the expressions of a level, now over the row of a subquery, be over the row of the table. */
PG_GUARDED const char *pull_up(const Level &inner, int index, RangeTblEntry *entry, FlatQuery *flat)
{
    List *expressions = list_make3(flat->targets, flat->having, flat->conditions);
    if (const char *reason = why_not_rows(inner.query))
        return reason;
    FlatQuery rows = {};
    if (const char *reason = flatten_level(inner, &rows))
        return reason;
    auto *pulled = reinterpret_cast<List *>(
        pg::replace_vars_from_target_list(reinterpret_cast<Node *>(expressions), index, entry, rows.targets));
    flat->source = rows.source;
    flat->targets = static_cast<List *>(linitial(pulled));
    flat->having = static_cast<Node *>(lsecond(pulled));
    flat->conditions = list_concat(rows.conditions, static_cast<List *>(lthird(pulled)));
    return nullptr;
}

/* Make the expressions of a level be over the row of the table that it reads in the end. */
PG_GUARDED const char *flatten_level(const Level &level, FlatQuery *flat)
{
    check_stack_depth();
    Query *query = level.query;
    List *items = from_items(query);
    if (items == NIL)
        return "the query reads no table";
    if (list_length(items) > 1)
        return "joins of several tables are rebuilt";
    const int index = linitial_int(items);
    auto *entry = rt_fetch(index, query->rtable);

    flat->query = query;
    flat->targets =
        reinterpret_cast<List *>(pg::flatten_group_exprs(query, reinterpret_cast<Node *>(query->targetList)));
    flat->having = pg::flatten_group_exprs(query, query->havingQual);
    flat->conditions = collect_conditions(reinterpret_cast<Node *>(query->jointree), NIL);

    switch (entry->rtekind) {
    case RTE_RELATION: {
        if (const char *reason = why_not_table(entry))
            return reason;
        flat->source = entry->relid;
        List *expressions = list_make3(flat->targets, flat->having, flat->conditions);
        if (index != 1)
            ChangeVarNodes(reinterpret_cast<Node *>(expressions), index, 1, 0);
        return nullptr;
    }
    case RTE_SUBQUERY: {
        if (entry->security_barrier)
            return psprintf("view %s is a security barrier", quote_identifier(entry->eref->aliasname));
        const Level inner = {entry->subquery, &level};
        return pull_up(inner, index, entry, flat);
    }
    case RTE_CTE: {
        const Level *home = nullptr;
        Query *with = find_cte(&level, entry, &home);
        const Level inner = {with, home};
        return pull_up(inner, index, entry, flat);
    }
    default:
        return describe_entry(entry);
    }
}

/* What the columns of the source's row forbid. */
struct ColumnCheck {
    TupleDesc row;
    const char *reason;
};

extern "C" {

/* Walker: are all Vars over columns that the rows of a transition table have?  true: no. */
PG_GUARDED static bool column_walker(Node *node, void *context)
{
    auto *check = static_cast<ColumnCheck *>(context);
    if (node == nullptr)
        return false;
    if (!IsA(node, Var))
        return pg::walk_expression(node, column_walker, context);
    const AttrNumber column = castNode(Var, node)->varattno;
    if (column == 0)
        check->reason = "the whole row of the table is used as one value";
    else if (column < 0)
        check->reason = "the rows that are handed to triggers have no tableoid";
    else if (pg::is_virtual(check->row, column))
        check->reason = psprintf("column %s is generated when it is read",
                                 quote_identifier(NameStr(TupleDescAttr(check->row, column - 1)->attname)));
    return check->reason != nullptr;
}

} // extern "C"

/* Why the columns that are used stand in the way. */
PG_GUARDED const char *why_not_columns(const FlatQuery &flat)
{
    Relation table = table_open(flat.source, NoLock);
    ColumnCheck check = {.row = RelationGetDescr(table), .reason = nullptr};
    List *expressions = list_make3(flat.targets, flat.having, flat.conditions);
    column_walker(reinterpret_cast<Node *>(expressions), &check);
    table_close(table, NoLock);
    return check.reason;
}

} // namespace

PG_GUARDED void lower_having(const model::View &view, FlatQuery *flat)
{
    if (flat->having == nullptr || view.single_group)
        return;
    for (const model::Key &key : view.keys)
        if (OidIsValid(key.collation) && !get_collation_isdeterministic(key.collation))
            return;
    List *kept = NIL;
    for (auto *condition : pg::each<Node>(make_ands_implicit(reinterpret_cast<Expr *>(flat->having)))) {
        if (contain_agg_clause(condition))
            kept = lappend(kept, condition);
        else
            flat->conditions = lappend(flat->conditions, condition);
    }
    flat->having = kept == NIL ? nullptr : reinterpret_cast<Node *>(make_ands_explicit(kept));
}

PG_GUARDED const char *flatten(Query *expanded, FlatQuery *flat)
{
    if (const char *reason = why_not_groups(expanded))
        return reason;
    const Level top = {expanded, nullptr};
    if (const char *reason = flatten_level(top, flat))
        return reason;
    return why_not_columns(*flat);
}

} // namespace analyze
