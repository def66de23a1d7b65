/*
 * computed.cpp - what in FROM reads no table: functions such as unnest(tags) and generate_series, VALUES, and
 * subqueries over such things that are more than a filter and a projection.
 *
 * Which rows such an item has is determined by the rows of the items beside it, so what it makes of two sets
 * of rows together is what it makes of each: joined with a table it is as linear as a projection.  A changed
 * row of the table is joined with what the item computes of that row, and of no other.  Functions are known
 * to be IMMUTABLE by then, or STABLE and dependent on pinned settings only (functions.cpp).
 *
 * That goes for inner joins.  An outer join that finds nothing in such an item has a row nevertheless, which
 * lateral.cpp sees to.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* The new numbers of references and of what is computed, by the old ones. */
struct Numbers {
    Index of[2 * model::MAX_REFERENCES + 1];
    Index level; /* how many queries are around what is renumbered */
};

extern "C" {

/* Mutator: Vars with their new numbers. */
PG_GUARDED static Node *renumber_mutator(Node *node, void *context)
{
    auto *numbers = static_cast<Numbers *>(context);
    if (node == nullptr)
        return nullptr;
    if (IsA(node, Query)) {
        numbers->level++;
        node =
            reinterpret_cast<Node *>(pg::mutate_query(castNode(Query, node), renumber_mutator, context, 0));
        numbers->level--;
        return node;
    }
    if (!IsA(node, Var))
        return pg::mutate_expression(node, renumber_mutator, context);
    auto *var = static_cast<Var *>(copyObjectImpl(node));
    if (var->varlevelsup == numbers->level) {
        var->varno = static_cast<int>(numbers->of[var->varno]);
        pg::forget_syntax(var);
    }
    return reinterpret_cast<Node *>(var);
}

/* Walker: is a table read, or what a WITH query has? */
PG_GUARDED static bool table_walker(Node *node, void *context)
{
    if (node == nullptr)
        return false;
    if (IsA(node, RangeTblEntry)) {
        const RTEKind kind = castNode(RangeTblEntry, node)->rtekind;
        return kind == RTE_RELATION || kind == RTE_CTE || kind == RTE_NAMEDTUPLESTORE;
    }
    if (IsA(node, Query))
        return pg::walk_query(castNode(Query, node), table_walker, context,
                              QTW_EXAMINE_RTES_BEFORE | QTW_IGNORE_JOINALIASES);
    return pg::walk_expression(node, table_walker, context);
}

/* Walker: is there an outer join? */
PG_GUARDED static bool outer_join_walker(Node *node, void *context)
{
    if (node == nullptr)
        return false;
    return (IsA(node, JoinExpr) && castNode(JoinExpr, node)->jointype != JOIN_INNER) ||
           pg::walk_expression(node, outer_join_walker, context);
}

} // extern "C"

/* Tables first, in the order that they have. */
PG_GUARDED Numbers new_numbers(const FlatQuery &flat)
{
    Numbers numbers = {};
    Index old = 0;
    Index tables = 0;
    auto computed = static_cast<Index>(list_length(flat.references) - list_length(flat.computed));
    for (auto *reference : pg::each<model::Reference>(flat.references))
        numbers.of[++old] = OidIsValid(reference->relation) ? ++tables : ++computed;
    return numbers;
}

} // namespace

/* Does the subquery nothing that can't be done by the query around it? */
PG_GUARDED static bool disappears(Query *query)
{
    return !query->hasSubLinks && why_not_rows(query) == nullptr &&
           !outer_join_walker(reinterpret_cast<Node *>(query->jointree), nullptr);
}

PG_GUARDED bool reads_table(Node *node)
{
    return table_walker(node, nullptr);
}

PG_GUARDED bool reads_no_table(const RangeTblEntry *entry)
{
    if (entry->rtekind == RTE_SUBQUERY)
        return !reads_table(reinterpret_cast<Node *>(entry->subquery));
    return entry->rtekind == RTE_FUNCTION || entry->rtekind == RTE_TABLEFUNC ||
           entry->rtekind == RTE_VALUES || entry->rtekind == RTE_RESULT;
}

PG_GUARDED bool is_computed(const RangeTblEntry *entry)
{
    return reads_no_table(entry) && !(entry->rtekind == RTE_SUBQUERY && disappears(entry->subquery));
}

PG_GUARDED const char *why_not_computed(const RangeTblEntry *entry)
{
    return reads_table(computation_of(entry)) ? "a subquery is in a function or VALUES in FROM" : nullptr;
}

PG_GUARDED Node *computation_of(const RangeTblEntry *entry)
{
    switch (entry->rtekind) {
    case RTE_FUNCTION:
        return reinterpret_cast<Node *>(entry->functions);
    case RTE_TABLEFUNC:
        return reinterpret_cast<Node *>(entry->tablefunc);
    case RTE_SUBQUERY:
        return reinterpret_cast<Node *>(list_make1(entry->subquery));
    default:
        return reinterpret_cast<Node *>(entry->values_lists);
    }
}

PG_GUARDED List *computations_of(const FlatQuery &flat)
{
    List *computations = NIL;
    for (auto *entry : pg::each<RangeTblEntry>(flat.computed))
        computations = lappend(computations, computation_of(entry));
    return computations;
}

PG_GUARDED RangeTblEntry *with_computation(const RangeTblEntry *entry, Node *computation)
{
    auto *copy = static_cast<RangeTblEntry *>(copyObjectImpl(entry));
    switch (entry->rtekind) {
    case RTE_FUNCTION:
        copy->functions = reinterpret_cast<List *>(computation);
        break;
    case RTE_TABLEFUNC:
        copy->tablefunc = castNode(TableFunc, computation);
        break;
    case RTE_SUBQUERY:
        copy->subquery = linitial_node(Query, reinterpret_cast<List *>(computation));
        break;
    default:
        copy->values_lists = reinterpret_cast<List *>(computation);
        break;
    }
    copy->lateral = contain_vars_of_level(computation, 0);
    return copy;
}

PG_GUARDED void part_computed(FlatQuery *flat)
{
    Numbers numbers = new_numbers(*flat);
    auto renumbered = [&](Node *node) { return renumber_mutator(node, &numbers); };
    flat->targets = reinterpret_cast<List *>(renumbered(reinterpret_cast<Node *>(flat->targets)));
    flat->having = renumbered(flat->having);
    flat->conditions = reinterpret_cast<List *>(renumbered(reinterpret_cast<Node *>(flat->conditions)));
    List *computed = NIL;
    for (auto *entry : pg::each<RangeTblEntry>(flat->computed))
        computed = lappend(computed, with_computation(entry, renumbered(computation_of(entry))));
    flat->computed = computed;
    List *tables = NIL;
    for (auto *reference : pg::each<model::Reference>(flat->references))
        if (OidIsValid(reference->relation))
            tables = lappend(tables, reference);
    flat->references = tables;
}

} // namespace analyze
