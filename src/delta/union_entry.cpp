/*
 * union_entry.cpp - the rows of a table and others of its kind, as one item of FROM.
 *
 * It is made as the parser makes (SELECT ... UNION ALL SELECT ...), of which the planner makes an Append: so
 * indexes of the table serve what is joined with it (pull_up_simple_union_all; PostgreSQL, prepjointree.c).
 */
#include "delta/union_entry.hpp"

#include "delta/rows_query.hpp"
#include "pg/list.hpp"

namespace delta {

namespace {

PG_GUARDED Query *empty_query()
{
    auto *query = makeNode(Query);
    query->commandType = CMD_SELECT;
    query->jointree = makeFromExpr(NIL, nullptr);
    return query;
}

PG_GUARDED RangeTblRef *reference_to(int index)
{
    auto *reference = makeNode(RangeTblRef);
    reference->rtindex = index;
    return reference;
}

/* Have the query show the columns of its first entry, in their places: NULL where one was dropped. */
PG_GUARDED void show_columns(Query *query, const RangeTblEntry *columns)
{
    for (int i = 0; i < list_length(columns->coltypes); ++i) {
        const Oid type = list_nth_oid(columns->coltypes, i);
        add_target(query, OidIsValid(type)
                              ? reinterpret_cast<Expr *>(makeVar(1, static_cast<AttrNumber>(i + 1), type,
                                                                 list_nth_int(columns->coltypmods, i),
                                                                 list_nth_oid(columns->colcollations, i), 0))
                              : reinterpret_cast<Expr *>(makeNullConst(INT4OID, -1, InvalidOid)));
    }
}

PG_GUARDED RangeTblEntry *subquery_entry(Query *subquery, const RangeTblEntry *like)
{
    auto *entry = makeNode(RangeTblEntry);
    entry->rtekind = RTE_SUBQUERY;
    entry->subquery = subquery;
    entry->eref = static_cast<Alias *>(copyObjectImpl(like->eref));
    return entry;
}

/* SELECT all columns FROM the entry, as an entry. */
PG_GUARDED RangeTblEntry *all_of(RangeTblEntry *entry, const RangeTblEntry *columns)
{
    Query *query = empty_query();
    query->rtable = list_make1(entry);
    query->jointree->fromlist = list_make1(reference_to(1));
    show_columns(query, columns);
    pg::add_permission_entries(query);
    return subquery_entry(query, columns);
}

PG_GUARDED SetOperationStmt *union_all(const Query *query)
{
    auto *operation = makeNode(SetOperationStmt);
    operation->op = SETOP_UNION;
    operation->all = true;
    operation->larg = reinterpret_cast<Node *>(reference_to(1));
    operation->rarg = reinterpret_cast<Node *>(reference_to(2));
    for (auto *target : pg::each<TargetEntry>(query->targetList)) {
        auto *shown = reinterpret_cast<Node *>(target->expr);
        operation->colTypes = lappend_oid(operation->colTypes, exprType(shown));
        operation->colTypmods = lappend_int(operation->colTypmods, exprTypmod(shown));
        operation->colCollations = lappend_oid(operation->colCollations, exprCollation(shown));
    }
    return operation;
}

} // namespace

PG_GUARDED RangeTblEntry *union_entry(RangeTblEntry *table, RangeTblEntry *rows)
{
    Query *query = empty_query();
    query->rtable = list_make2(all_of(table, rows), all_of(rows, rows));
    show_columns(query, rows);
    query->setOperations = reinterpret_cast<Node *>(union_all(query));
    RangeTblEntry *entry = subquery_entry(query, rows);
    entry->inFromCl = true;
    return entry;
}

} // namespace delta
