/*
 * keys.cpp - what is grouped by.
 *
 * The keys are those of GROUP BY, or all outputs of SELECT DISTINCT.  Groups are told apart by the very
 * operator that the query tells them apart by; a group's row is found and ordered by the btree order that
 * goes with it.  A type without one can be hashed by the query, but not by an index of the table.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* The btree "less than" that goes with the equality of a clause, whose own order may be descending. */
PG_GUARDED Oid less_than_of(const SortGroupClause *clause, Oid type)
{
    const TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);
    if (entry->eq_opr == clause->eqop && OidIsValid(entry->lt_opr))
        return entry->lt_opr;
    Oid family = InvalidOid;
    Oid input = InvalidOid;
    if (!OidIsValid(clause->sortop) || !pg::ordering_family(clause->sortop, &family, &input))
        return InvalidOid;
    return get_opfamily_member(family, input, input, BTLessStrategyNumber);
}

/* The column of the table that shows an expression; 0: none does. */
PG_GUARDED model::Column column_showing(const FlatQuery &flat, const Node *expression)
{
    for (auto *target : pg::each<TargetEntry>(flat.targets))
        if (!target->resjunk && equal(target->expr, expression))
            return target->resno;
    return 0;
}

/* Make a key of a clause; or say why it can't be one. */
PG_GUARDED const char *make_key(const FlatQuery &flat, const SortGroupClause *clause, Node *expression,
                                model::Key *key)
{
    const Oid type = exprType(expression);
    const Oid collation = exprCollation(expression);
    *key = {.expression = prepare_expression(expression),
            .type = type,
            .typmod = exprTypmod(expression),
            .collation = collation,
            .equality = clause->eqop,
            .less_than = less_than_of(clause, type),
            .column = column_showing(flat, expression),
            .nullable = !never_null(flat, expression)};
    if (get_typtype(type) == TYPTYPE_PSEUDO)
        return psprintf("a key of type %s cannot be stored", format_type_be(type));
    if (!OidIsValid(key->less_than))
        return psprintf("a key of type %s has no btree order", format_type_be(type));
    if (type_is_collatable(type) && !OidIsValid(collation))
        return psprintf("a key of type %s has no collation", format_type_be(type));
    return nullptr;
}

} // namespace

PG_GUARDED bool looks_determined(const model::Key &key)
{
    Oid family = InvalidOid;
    Oid input = InvalidOid;
    return pg::ordering_family(key.less_than, &family, &input) &&
           pg::equal_is_image(family, input, key.collation);
}

PG_GUARDED const char *find_keys(const FlatQuery &flat, model::View *view, List **expressions)
{
    const bool distinct = flat.query->distinctClause != NIL;
    const List *clauses = distinct ? flat.query->distinctClause : flat.query->groupClause;
    List *keys = NIL;
    view->single_group = clauses == NIL;
    view->keys_visible = true;
    for (auto *clause : pg::each<SortGroupClause>(clauses)) {
        auto *target = get_sortgroupref_tle(clause->tleSortGroupRef, flat.targets);
        auto *key = static_cast<model::Key *>(palloc0(sizeof(model::Key)));
        if (const char *reason = make_key(flat, clause, reinterpret_cast<Node *>(target->expr), key))
            return reason;
        view->keys_visible &= key->column != 0;
        keys = lappend(keys, key);
        *expressions = lappend(*expressions, target->expr);
    }
    view->keys = to_array<model::Key>(keys);
    return nullptr;
}

} // namespace analyze
