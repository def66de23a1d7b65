/*
 * whole_rows.cpp - does a query make something of a whole row of a table, whatever its columns are?
 *
 * Such a query means something else when columns come, go or change their names, though it names none of
 * them.
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

} // namespace

PG_GUARDED bool reads_whole_rows(Oid definition)
{
    const Refusal *refusal = nullptr;
    Query *expanded = expand_views(definition_query(definition), &refusal);
    return expanded == nullptr || find_whole_row(reinterpret_cast<Node *>(expanded), nullptr);
}

} // namespace analyze
