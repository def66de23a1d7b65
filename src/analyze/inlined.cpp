/*
 * inlined.cpp - WITH queries and views become subqueries.
 *
 * So does the planner that inlines WITH queries (inline_cte; PostgreSQL, subselect.c): all that is read here
 * can be computed twice.  Of views only those do that belong to the owner of the query, who may then read
 * what they do; where a view hides rows, it stays what it is.
 */
#include "analyze/parts.hpp"
#include "pg/lookup.hpp"

namespace analyze {

namespace {

/* A WITH query that is put in place, from some levels below the one that has it. */
struct Inlining {
    const CommonTableExpr *with;
    Index level;
    int queries; /* how many there are by now */
};

/* More than these aren't made: where each WITH query reads the one before twice, their number doubles. */
constexpr int most_queries = 64;

extern "C" {

/* Walker: entries that read the WITH query become subqueries. */
PG_GUARDED static bool inline_walker(Node *node, void *context)
{
    auto *inlining = static_cast<Inlining *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, RangeTblEntry)) {
        auto *entry = castNode(RangeTblEntry, node);
        if (entry->rtekind != RTE_CTE || entry->ctelevelsup != inlining->level ||
            strcmp(entry->ctename, inlining->with->ctename) != 0)
            return false;
        auto *query = static_cast<Query *>(copyObjectImpl(inlining->with->ctequery));
        IncrementVarSublevelsUp(reinterpret_cast<Node *>(query), static_cast<int>(inlining->level), 1);
        query->canSetTag = true; /* which none has in WITH */
        read_subquery(entry, query);
        entry->ctename = nullptr;
        entry->ctelevelsup = 0;
        entry->coltypes = entry->coltypmods = entry->colcollations = NIL;
        return false;
    }
    if (!IsA(node, Query))
        return pg::walk_expression(node, inline_walker, context);
    if (++inlining->queries > most_queries)
        return true;
    inlining->level++;
    const bool too_many =
        pg::walk_query(castNode(Query, node), inline_walker, context, QTW_EXAMINE_RTES_AFTER);
    inlining->level--;
    return too_many;
}

} // extern "C"

} // namespace

PG_GUARDED void read_subquery(RangeTblEntry *entry, Query *query)
{
    entry->rtekind = RTE_SUBQUERY;
    entry->subquery = query;
    entry->relid = InvalidOid;
    entry->relkind = '\0';
    entry->rellockmode = 0;
    entry->inh = false;
    entry->security_barrier = false;
    entry->alias = static_cast<Alias *>(copyObjectImpl(entry->eref));
}

PG_GUARDED bool inline_with(Query *query)
{
    if (query->hasRecursive)
        return false;
    for (auto *with : pg::each<CommonTableExpr>(query->cteList)) {
        Inlining inlining = {.with = with, .level = 0, .queries = 0};
        if (pg::walk_query(query, inline_walker, &inlining, QTW_EXAMINE_RTES_AFTER))
            return false;
    }
    query->cteList = NIL;
    return true;
}

PG_GUARDED void inline_view(Query *level, RangeTblEntry *entry, Oid owner)
{
    if (entry->rtekind != RTE_RELATION || entry->relkind != RELKIND_VIEW ||
        pg::owner_of_relation(entry->relid) != owner)
        return;
    Relation view = table_open(entry->relid, AccessShareLock);
    const bool barrier = RelationIsSecurityView(view);
    const int columns = RelationGetNumberOfAttributes(view);
    table_close(view, NoLock);
    if (barrier || columns != list_length(entry->eref->colnames) || entry->relid < FirstNormalObjectId)
        return;
    Query *query = standalone_query(entry->relid);
    pg::remove_permissions(level, entry);
    read_subquery(entry, query);
}

} // namespace analyze
