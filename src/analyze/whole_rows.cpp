/*
 * whole_rows.cpp - queries that make something of a whole row of a table, whatever its columns are.
 *
 * Such a query means something else when columns come, go or change their names, though it names none of
 * them.  Until then the row is made of the columns that there are, as in ROW(a, b), and so it is spelled out:
 * the rows that triggers are handed have the columns, but aren't of the table's type.  A row of a child is
 * the same made of the parent's columns.  Left as they are the nullable side of an outer join, since what is
 * lacking is NULL, and no row of NULLs; and tables that had other columns.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

extern "C" {

PG_GUARDED static bool find_whole_row(Node *node, void *context)
{
    if (node == nullptr)
        return false;
    if (IsA(node, Query))
        return pg::walk_query(castNode(Query, node), find_whole_row, context, QTW_IGNORE_JOINALIASES);
    return (IsA(node, Var) && castNode(Var, node)->varattno == InvalidAttrNumber) ||
           pg::walk_expression(node, find_whole_row, context);
}

} // extern "C"

/* A table of a level whose rows are spelled out. */
struct Spelling {
    int entry;
    Oid table;
    Index level; /* how many queries are between it and what is looked at */
};

/* Had the table more columns?  In place of those a row would have NULLs, and not be NOT NULL for that. */
PG_GUARDED bool has_dropped(Oid relation)
{
    bool has = false;
    Relation table = table_open(relation, NoLock);
    for (int i = 0; i < RelationGetNumberOfAttributes(table); ++i)
        has = has || TupleDescAttr(RelationGetDescr(table), i)->attisdropped;
    table_close(table, NoLock);
    return has;
}

/* A row of the table that the Var stands for, made of its columns. */
PG_GUARDED Node *row_of_columns(const Spelling &spelling, const Var *whole)
{
    auto *row = makeNode(RowExpr);
    row->row_typeid = whole->vartype;
    row->row_format = COERCE_IMPLICIT_CAST;
    row->location = -1;
    Relation table = table_open(spelling.table, NoLock);
    TupleDesc type = RelationGetDescr(table);
    for (int i = 0; i < type->natts; ++i) {
        const FormData_pg_attribute *column = TupleDescAttr(type, i);
        row->args = lappend(row->args, makeVar(spelling.entry, column->attnum, column->atttypid,
                                               column->atttypmod, column->attcollation, spelling.level));
    }
    table_close(table, NoLock);
    return reinterpret_cast<Node *>(row);
}

extern "C" {

/* Mutator: rows of the table are made of their columns. */
PG_GUARDED static Node *spelling_mutator(Node *node, void *context)
{
    const auto &spelling = *static_cast<const Spelling *>(context);
    if (node == nullptr)
        return nullptr;
    if (IsA(node, Query)) {
        Spelling inside = spelling;
        ++inside.level;
        return reinterpret_cast<Node *>(
            pg::mutate_query(castNode(Query, node), spelling_mutator, &inside, 0));
    }
    if (IsA(node, Var)) {
        const auto *var = castNode(Var, node);
        if (var->varlevelsup == spelling.level && static_cast<int>(var->varno) == spelling.entry &&
            var->varattno == InvalidAttrNumber)
            return row_of_columns(spelling, var);
    }
    return pg::mutate_expression(node, spelling_mutator, context);
}

/* Walker: is there an outer join in this part of FROM? */
PG_GUARDED static bool find_outer_join(Node *node, void *context)
{
    return node != nullptr && ((IsA(node, JoinExpr) && castNode(JoinExpr, node)->jointype != JOIN_INNER) ||
                               pg::walk_expression(node, find_outer_join, context));
}

/* Walker: spell the rows of tables out at every level. */
PG_GUARDED static bool spell_out_walker(Node *node, void *context)
{
    if (node == nullptr)
        return false;
    if (!IsA(node, Query))
        return pg::walk_expression(node, spell_out_walker, context);
    auto *query = castNode(Query, node);
    const bool outer = find_outer_join(reinterpret_cast<Node *>(query->jointree), nullptr);
    const List *items = outer ? NIL : from_items(query);
    for (int index = 1; index <= list_length(query->rtable); ++index) {
        const RangeTblEntry *entry = rt_fetch(index, query->rtable);
        if (entry->rtekind != RTE_RELATION || !list_member_int(items, index) || has_dropped(entry->relid))
            continue;
        Spelling spelling = {.entry = index, .table = entry->relid, .level = 0};
        pg::mutate_query(query, spelling_mutator, &spelling, QTW_DONT_COPY_QUERY);
    }
    return pg::walk_query(query, spell_out_walker, context, 0);
}

} // extern "C"

} // namespace

PG_GUARDED void spell_out_rows(Query *query)
{
    if (find_whole_row(reinterpret_cast<Node *>(query), nullptr))
        spell_out_walker(reinterpret_cast<Node *>(query), nullptr);
}

PG_GUARDED bool reads_whole_rows(Oid definition)
{
    const Refusal *refusal = nullptr;
    Query *expanded = expand_views(definition_query(definition), &refusal);
    return expanded == nullptr || find_whole_row(reinterpret_cast<Node *>(expanded), nullptr);
}

} // namespace analyze
