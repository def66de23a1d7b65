/*
 * linear.cpp - is a level of the query a function from rows to rows, or from rows to groups?
 *
 * Delta adds what a change adds and subtracts what it takes away, so every part of the query has to be
 * linear: what it makes of two sets of rows together is what it makes of each.  Filters, projections and
 * inner joins are; so are groups, at the outermost level.  Whatever isn't is named here, as a reason.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

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

} // namespace

PG_GUARDED const char *why_not_groups(Query *query)
{
    const bool grouped = query->groupClause != NIL || query->hasAggs || query->havingQual != nullptr;
    if (const char *reason = why_not_linear(query))
        return reason;
    if (query->distinctClause != NIL && grouped)
        return "DISTINCT on top of groups makes one row of several groups";
    return nullptr;
}

PG_GUARDED bool has_groups(const Query *query)
{
    return query->groupClause != NIL || query->hasAggs || query->havingQual != nullptr ||
           query->distinctClause != NIL;
}

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

PG_GUARDED const char *why_not_inner(const Node *item)
{
    if (item != nullptr && IsA(item, JoinExpr)) {
        const auto *join = reinterpret_cast<const JoinExpr *>(item);
        if (join->jointype != JOIN_INNER)
            return psprintf("an outer join (%s) has rows for what finds no match",
                            join->jointype == JOIN_LEFT    ? "LEFT"
                            : join->jointype == JOIN_RIGHT ? "RIGHT"
                                                           : "FULL");
        const char *reason = why_not_inner(join->larg);
        return reason != nullptr ? reason : why_not_inner(join->rarg);
    }
    if (item != nullptr && IsA(item, FromExpr))
        for (auto *part : pg::each<Node>(reinterpret_cast<const FromExpr *>(item)->fromlist))
            if (const char *reason = why_not_inner(part))
                return reason;
    return nullptr;
}

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

} // namespace analyze
