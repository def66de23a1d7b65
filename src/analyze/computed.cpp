/*
 * computed.cpp - functions and VALUES in FROM: unnest(tags), jsonb_array_elements(items), generate_series.
 *
 * They read no table.  Which rows such an item has is determined by the rows of the items beside it, so what
 * it makes of two sets of rows together is what it makes of each: joined with a table it is as linear as a
 * projection.  A changed row of the table is joined with what the item computes of that row, and of no other.
 * Functions are known to be IMMUTABLE by then, or STABLE and dependent on pinned settings only
 * (functions.cpp).
 *
 * That goes for inner joins.  An outer join that finds nothing in such an item has a row nevertheless.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* The new numbers of references and of what is computed, by the old ones. */
struct Numbers {
    Index of[2 * model::MAX_REFERENCES + 1];
};

extern "C" {

/* Mutator: Vars with their new numbers. */
PG_GUARDED static Node *renumber_mutator(Node *node, void *context)
{
    if (node == nullptr)
        return nullptr;
    if (!IsA(node, Var))
        return pg::mutate_expression(node, renumber_mutator, context);
    auto *var = static_cast<Var *>(copyObjectImpl(node));
    if (var->varlevelsup == 0) {
        var->varno = static_cast<int>(static_cast<const Numbers *>(context)->of[var->varno]);
        pg::forget_syntax(var);
    }
    return reinterpret_cast<Node *>(var);
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

PG_GUARDED bool is_computed(const RangeTblEntry *entry)
{
    return entry->rtekind == RTE_FUNCTION || entry->rtekind == RTE_TABLEFUNC || entry->rtekind == RTE_VALUES;
}

PG_GUARDED const char *why_not_computed(const RangeTblEntry *entry)
{
    return has_sublink(computation_of(entry)) ? "a subquery is in a function or VALUES in FROM" : nullptr;
}

PG_GUARDED Node *computation_of(const RangeTblEntry *entry)
{
    switch (entry->rtekind) {
    case RTE_FUNCTION:
        return reinterpret_cast<Node *>(entry->functions);
    case RTE_TABLEFUNC:
        return reinterpret_cast<Node *>(entry->tablefunc);
    default:
        return reinterpret_cast<Node *>(entry->values_lists);
    }
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
