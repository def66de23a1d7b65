/*
 * told.cpp - what the rows tell that triggers are handed.
 *
 * They have the columns of the table that a statement names.  They don't say which table of a tree they are
 * of, nor what is computed when a row is read; and they are no rows of the table's type.  What asks for that
 * outside of aggregates, which are computed anew, can't be found in changed rows (partitions.cpp does without
 * it).
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* What the columns that are used forbid. */
struct ColumnCheck {
    const FlatQuery *flat;
    const char *reason;
    bool outside; /* of aggregate calls only */
    Index level;  /* how many queries are around what is looked at */
};

/* Why a column of a table can't be computed from the rows of a transition table. */
PG_GUARDED const char *why_not_column(Oid relation, AttrNumber column)
{
    if (column == 0)
        return "the whole row of the table is used as one value";
    if (column < 0)
        return "the rows that are handed to triggers have no tableoid";
    Relation table = table_open(relation, NoLock);
    const bool computed = pg::is_virtual(RelationGetDescr(table), column);
    table_close(table, NoLock);
    return computed ? psprintf("column %s is generated when it is read",
                               quote_identifier(get_attname(relation, column, false)))
                    : nullptr;
}

extern "C" {

/* Walker: are all Vars over columns that the rows of a transition table have?  true: no. */
PG_GUARDED static bool column_walker(Node *node, void *context)
{
    auto *check = static_cast<ColumnCheck *>(context);
    if (node == nullptr || (check->outside && check->level == 0 && IsA(node, Aggref)))
        return false;
    if (IsA(node, Query)) {
        check->level++;
        const bool refused = pg::walk_query(castNode(Query, node), column_walker, context, 0);
        check->level--;
        return refused;
    }
    if (!IsA(node, Var))
        return pg::walk_expression(node, column_walker, context);
    Var var = *castNode(Var, node);
    if (var.varlevelsup != check->level)
        return false;
    var.varlevelsup = 0;
    const model::Reference *table = reference_of(*check->flat, &var);
    check->reason = table != nullptr ? why_not_column(table->relation, var.varattno) : nullptr;
    return check->reason != nullptr;
}

} // extern "C"

} // namespace

PG_GUARDED const char *why_not_told(const RangeTblEntry *entry)
{
    return entry->rtekind == RTE_RELATION && !entry->inh && has_subclass(entry->relid)
               ? psprintf("ONLY %s leaves out rows of its partitions or children, which triggers are handed "
                          "with its own",
                          relation_name(entry->relid))
               : nullptr;
}

PG_GUARDED const char *why_not_columns(const FlatQuery &flat, bool outside)
{
    ColumnCheck check = {.flat = &flat, .reason = nullptr, .outside = outside, .level = 0};
    List *expressions = list_make4(flat.targets, flat.having, flat.conditions, computations_of(flat));
    for (auto *condition : pg::each<Linked>(flat.linked))
        expressions = lappend(expressions, condition->expression);
    column_walker(reinterpret_cast<Node *>(expressions), &check);
    return check.reason;
}

} // namespace analyze
