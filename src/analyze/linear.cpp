/*
 * linear.cpp - is a level of the query a function from rows to rows, or from rows to groups?
 *
 * Delta adds what a change adds and subtracts what it takes away, so every part of the query has to be
 * linear: what it makes of two sets of rows together is what it makes of each.  Filters, projections and
 * inner joins are; so are groups, at the outermost level.  Whatever isn't is named here, as a reason, but for
 * outer joins and subqueries in expressions: see options.cpp.
 */
#include "analyze/parts.hpp"
#include "pg/lookup.hpp"

namespace analyze {

namespace {

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
    return nullptr;
}

} // namespace

PG_GUARDED bool makes_groups(const Query *query)
{
    return query->groupClause != NIL || query->groupingSets != NIL || query->hasAggs ||
           query->havingQual != nullptr;
}

PG_GUARDED const char *why_not_groups(Query *query)
{
    if (const char *reason = why_not_linear(query))
        return reason;
    if (query->hasDistinctOn && query->groupingSets != NIL)
        return "DISTINCT ON on top of GROUPING SETS, ROLLUP or CUBE takes a row of several sets";
    if (query->hasDistinctOn && makes_groups(query) && query->groupClause == NIL)
        return "DISTINCT ON on top of a single group needs the whole query";
    return nullptr;
}

PG_GUARDED bool has_groups(const Query *query)
{
    return makes_groups(query) || query->distinctClause != NIL;
}

PG_GUARDED const char *why_not_rows(Query *query)
{
    if (const char *reason = why_not_linear(query))
        return psprintf("%s, in a subquery or view", reason);
    if (makes_groups(query))
        return "a subquery or view has groups or aggregates of its own";
    if (query->distinctClause != NIL)
        return "a subquery or view has DISTINCT";
    return nullptr;
}

PG_GUARDED const char *why_not_table(const RangeTblEntry *entry)
{
    return pg::has_row_security(entry->relid)
               ? psprintf("%s has row-level security, whose policies may depend on other tables",
                          relation_name(entry->relid))
               : nullptr;
}

} // namespace analyze
