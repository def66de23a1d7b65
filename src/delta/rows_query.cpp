/*
 * rows_query.cpp - the query whose rows are folded: the join of a view's references.
 *
 * It is run as the IMAT's owner by those who have checked that the owner may read the definition, so its
 * range table entries ask for no permission of their own.
 */
#include "delta/rows_query.hpp"

#include "pg/list.hpp"

namespace delta {

PG_GUARDED RangeTblEntry *table_entry(Oid table)
{
    Relation relation = table_open(table, AccessShareLock);
    auto *entry = makeNode(RangeTblEntry);
    entry->rtekind = RTE_RELATION;
    entry->relid = table;
    entry->relkind = relation->rd_rel->relkind;
    entry->rellockmode = AccessShareLock;
    entry->inh = true;
    entry->inFromCl = true;
    List *columns = NIL;
    for (int i = 0; i < RelationGetNumberOfAttributes(relation); ++i)
        columns = lappend(
            columns, makeString(pstrdup(NameStr(TupleDescAttr(RelationGetDescr(relation), i)->attname))));
    entry->eref = makeAlias(RelationGetRelationName(relation), columns);
    table_close(relation, NoLock);
    return entry;
}

PG_GUARDED RangeTblEntry *reference_entry(const model::Reference &reference)
{
    RangeTblEntry *entry = table_entry(reference.relation);
    entry->inh = !reference.only;
    return entry;
}

PG_GUARDED Query *rows_query(const model::View &view, List *entries)
{
    auto *query = makeNode(Query);
    query->commandType = CMD_SELECT;
    query->querySource = QSRC_ORIGINAL;
    query->canSetTag = true;
    query->rtable = list_concat(entries, static_cast<List *>(copyObjectImpl(view.computed)));

    List *from = NIL;
    for (int i = 0; i < list_length(query->rtable); ++i) {
        auto *reference = makeNode(RangeTblRef);
        reference->rtindex = i + 1;
        from = lappend(from, reference);
    }
    List *conditions = static_cast<List *>(copyObjectImpl(view.filter));
    query->jointree = makeFromExpr(
        from, conditions == NIL ? nullptr : reinterpret_cast<Node *>(make_ands_explicit(conditions)));
    query->hasSubLinks = checkExprHasSubLink(reinterpret_cast<Node *>(query));
    pg::add_permission_entries(query);
    return query;
}

PG_GUARDED TargetEntry *add_target(Query *query, Expr *expression)
{
    const auto number = static_cast<AttrNumber>(list_length(query->targetList) + 1);
    TargetEntry *entry = makeTargetEntry(expression, number, psprintf("column_%d", number), false);
    query->targetList = lappend(query->targetList, entry);
    return entry;
}

PG_GUARDED void group_by(Query *query, const model::Key &key, TargetEntry *target, Index reference)
{
    auto *clause = makeNode(SortGroupClause);
    clause->tleSortGroupRef = target->ressortgroupref = reference;
    clause->eqop = key.equality;
    clause->sortop = key.less_than;
    clause->nulls_first = false;
    /* What has no order is hashed, whether or not its operator says that it can be. */
    clause->hashable = op_hashjoinable(key.equality, key.type) || !OidIsValid(key.less_than);
    query->groupClause = lappend(query->groupClause, clause);
}

} // namespace delta
