/*
 * projection.cpp - a query that shows some of the groups of a subquery, one by one.
 *
 * SELECT region, total FROM (SELECT region, sum(price) AS total FROM ... GROUP BY region) s WHERE total > 5
 * makes of each group at most one row, whatever the others are.  So it is a query that groups itself, with
 * its conditions in HAVING, and needs no upper query over all groups (upper.cpp).  So are SELECT ... FROM a
 * view that groups, and DISTINCT in the place of GROUP BY.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* Does a level only filter and project what FROM gives? */
PG_GUARDED bool only_projects(const Query *query)
{
    return !has_groups(query) && query->setOperations == nullptr && !query->hasWindowFuncs &&
           !query->hasTargetSRFs && !query->hasSubLinks && query->limitCount == nullptr &&
           query->limitOffset == nullptr && query->cteList == NIL;
}

/* Does it make groups, and nothing of them? */
PG_GUARDED bool only_groups(const Query *query)
{
    return has_groups(query) && query->groupingSets == NIL &&
           !(makes_groups(query) && query->distinctClause != NIL) && !query->hasDistinctOn &&
           query->setOperations == nullptr && !query->hasWindowFuncs && !query->hasTargetSRFs &&
           query->limitCount == nullptr && query->limitOffset == nullptr;
}

/* The one item of FROM of a query, if it is a subquery; else NULL. */
PG_GUARDED RangeTblEntry *only_subquery(const Query *query, int *index)
{
    const List *items = query->jointree->fromlist;
    if (list_length(items) != 1 || !IsA(linitial(items), RangeTblRef))
        return nullptr;
    *index = linitial_node(RangeTblRef, items)->rtindex;
    RangeTblEntry *entry = rt_fetch(*index, query->rtable);
    return entry->rtekind == RTE_SUBQUERY && !entry->lateral && !entry->security_barrier ? entry : nullptr;
}

/* Have the query that groups show what the one around it does, of the groups that it does. */
PG_GUARDED void take_over(const Query *around, RangeTblEntry *entry, int index, Query *groups)
{
    auto over_groups = [&](void *expression) {
        return pg::replace_vars_from_target_list(static_cast<Node *>(copyObjectImpl(expression)), index,
                                                 entry, groups->targetList);
    };
    List *columns = NIL;
    for (auto *target : pg::each<TargetEntry>(around->targetList))
        if (!target->resjunk)
            columns = lappend(columns, makeTargetEntry(reinterpret_cast<Expr *>(over_groups(target->expr)),
                                                       target->resno, target->resname, false));
    if (around->jointree->quals != nullptr) {
        List *conditions = make_ands_implicit(
            reinterpret_cast<Expr *>(static_cast<Node *>(copyObjectImpl(groups->havingQual))));
        conditions = list_concat(
            conditions, make_ands_implicit(reinterpret_cast<Expr *>(over_groups(around->jointree->quals))));
        groups->havingQual = reinterpret_cast<Node *>(make_ands_explicit(conditions));
    }
    if (groups->distinctClause != NIL) {
        groups->groupClause = groups->distinctClause;
        groups->distinctClause = NIL;
    }
    groups->targetList = with_keys(groups, columns);
    groups->sortClause = NIL;
}

} // namespace

PG_GUARDED Query *merge_projection(const Query *query)
{
    int index = 0;
    RangeTblEntry *entry = only_projects(query) ? only_subquery(query, &index) : nullptr;
    if (entry == nullptr || reads_whole_row(const_cast<Query *>(query), index))
        return nullptr;
    Query *groups = merge_projection(entry->subquery);
    if (groups == nullptr && only_groups(entry->subquery))
        groups = static_cast<Query *>(copyObjectImpl(entry->subquery));
    if (groups == nullptr)
        return nullptr;
    take_over(query, entry, index, groups);
    return groups;
}

} // namespace analyze
