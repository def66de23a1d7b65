/*
 * expand.cpp - views are replaced by their queries.
 *
 * The rewriter would do this too (fireRIRrules and ApplyRetrieveRule; PostgreSQL, rewriteHandler.c, which
 * this follows), but it also adds the row-level security policies that hold for whoever asks.  What a query
 * is must not depend on who asks, so views are expanded here and policies are looked at in flatten.cpp.  The
 * expanded query is read, never run.
 *
 * Every relation that the query names, views included, is locked AccessShare until the end of the
 * transaction, as the rewriter does, so that what is read here stays true as long as somebody relies on it.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* What the expansion of one query carries along. */
struct Expansion {
    List *active; /* the views that are being expanded: one of them again is a recursion */
    const Refusal *refusal;
};

/* The query of a view's _RETURN rule, as the relation cache has it. */
PG_GUARDED Query *rule_query(Relation view)
{
    const RuleLock *rules = view->rd_rules;
    for (int i = 0; rules != nullptr && i < rules->numLocks; i++) {
        const RewriteRule *rule = rules->rules[i];
        if (rule->event == CMD_SELECT && rule->isInstead && list_length(rule->actions) == 1)
            return linitial_node(Query, rule->actions);
    }
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("\"%s\" is not a view or materialized view", RelationGetRelationName(view)),
                    errdetail("It has no query.")));
}

/* Add the indexes that a part of a FROM clause joins. */
PG_GUARDED List *collect_from_items(const Node *item, List *found)
{
    if (item == nullptr)
        return found;
    switch (nodeTag(item)) {
    case T_RangeTblRef:
        return lappend_int(found, reinterpret_cast<const RangeTblRef *>(item)->rtindex);
    case T_JoinExpr: {
        const auto *join = reinterpret_cast<const JoinExpr *>(item);
        return collect_from_items(join->rarg, collect_from_items(join->larg, found));
    }
    case T_FromExpr:
        for (auto *part : pg::each<Node>(reinterpret_cast<const FromExpr *>(item)->fromlist))
            found = collect_from_items(part, found);
        return found;
    default:
        elog(ERROR, "unrecognized node type in a FROM clause: %d", static_cast<int>(nodeTag(item)));
    }
}

/* Why a view can't be looked through. */
PG_GUARDED const Refusal *refuse_view(Relation view)
{
    const char *name = relation_name(RelationGetRelid(view));
    if (RelationGetRelid(view) < FirstNormalObjectId)
        return refuse(
            ERRCODE_FEATURE_NOT_SUPPORTED,
            psprintf("system view %s cannot be a source of an incremental materialized table", name),
            "Changes of what it shows cannot be noticed.", nullptr);
    if (view->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
        return refuse(
            ERRCODE_FEATURE_NOT_SUPPORTED,
            psprintf("temporary view %s cannot be a source of an incremental materialized table", name),
            "It is gone when the session ends.", "Use a view that is not temporary.");
    return nullptr;
}

PG_GUARDED bool expand_level(Query *query, Expansion *expansion);

extern "C" {

/* Walker: expand the views of every query that is met. */
PG_GUARDED static bool expand_walker(Node *node, void *context)
{
    if (node == nullptr)
        return false;
    if (IsA(node, Query))
        return expand_level(castNode(Query, node), static_cast<Expansion *>(context));
    return pg::walk_expression(node, expand_walker, context);
}

} // extern "C"

/* Turn the entry of a view into one of a subquery; true: refused. */
PG_GUARDED bool expand_entry(RangeTblEntry *entry, Expansion *expansion)
{
    Relation view = table_open(entry->relid, NoLock);
    expansion->refusal = refuse_view(view);
    if (expansion->refusal == nullptr && list_member_oid(expansion->active, entry->relid))
        ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                        errmsg("infinite recursion detected in rules for relation \"%s\"",
                               RelationGetRelationName(view))));
    if (expansion->refusal != nullptr) {
        table_close(view, NoLock);
        return true;
    }
    auto *subquery = static_cast<Query *>(copyObjectImpl(rule_query(view)));
    AcquireRewriteLocks(subquery, false, false);
    entry->rtekind = RTE_SUBQUERY;
    entry->subquery = subquery;
    entry->security_barrier = RelationIsSecurityView(view);
    entry->tablesample = nullptr;
    entry->inh = false;
    /* CREATE OR REPLACE VIEW may have added columns since the query was analysed. */
    while (list_length(entry->eref->colnames) < ExecCleanTargetListLength(subquery->targetList))
        entry->eref->colnames = lappend(entry->eref->colnames, makeString(pstrdup("?column?")));
    table_close(view, NoLock);

    expansion->active = lappend_oid(expansion->active, entry->relid);
    const bool refused = expand_level(subquery, expansion);
    expansion->active = list_delete_oid(expansion->active, entry->relid);
    return refused;
}

/* Expand the views of a query and of all queries inside it; true: refused. */
PG_GUARDED bool expand_level(Query *query, Expansion *expansion)
{
    check_stack_depth();
    List *items = from_items(query);
    int index = 0;
    for (auto *entry : pg::each<RangeTblEntry>(query->rtable)) {
        index++;
        if (entry->rtekind == RTE_RELATION && entry->relkind == RELKIND_VIEW &&
            list_member_int(items, index) && expand_entry(entry, expansion))
            return true;
    }
    return pg::walk_query(query, expand_walker, expansion, QTW_IGNORE_JOINALIASES);
}

} // namespace

PG_GUARDED List *from_items(const Query *query)
{
    return collect_from_items(reinterpret_cast<const Node *>(query->jointree), NIL);
}

PG_GUARDED Query *definition_query(Oid view)
{
    Relation relation = table_open(view, AccessShareLock);
    auto *query = static_cast<Query *>(copyObjectImpl(rule_query(relation)));
    table_close(relation, NoLock);
    return query;
}

PG_GUARDED Query *standalone_query(Oid view)
{
    Query *query = definition_query(view);
    int entries = 0;
    for (auto *entry : pg::each<RangeTblEntry>(query->rtable))
        if (entry->rtekind == RTE_RELATION && entry->relid == view && !entry->inFromCl)
            entries++;
    for (int i = 0; i < entries; i++)
        query->rtable = list_delete_first(query->rtable);
    OffsetVarNodes(reinterpret_cast<Node *>(query), -entries, 0);
    return query;
}

PG_GUARDED Query *expand_views(const Query *query, const Refusal **refusal)
{
    auto *copy = static_cast<Query *>(copyObjectImpl(query));
    AcquireRewriteLocks(copy, false, false);
    Expansion expansion = {};
    if (expand_level(copy, &expansion)) {
        *refusal = expansion.refusal;
        return nullptr;
    }
    return copy;
}

} // namespace analyze
