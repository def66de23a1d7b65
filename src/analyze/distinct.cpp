/*
 * distinct.cpp - aggregates with DISTINCT.
 *
 * How many of a group's rows have a value is a count, which can be added to and subtracted from; and the
 * values that any row has at all change only where such a count leaves zero or gets there.  So a call with
 * DISTINCT is over an accumulator that takes each value once, and the counts, the multiplicities, are kept in
 * a table beside the state table.  Calls over the same argument and filter share both; where they need
 * different accumulators (sum and bit_xor do) these still share the multiplicities.
 *
 * Which values are the same is told by the operator that the query tells them apart by.  Of values that are
 * equal but look different the query takes an arbitrary one.  That is no matter to a count, nor to sums of
 * floats, to which 0 and -0 are alike; but a sum of numeric shows the digits of 1.0 or those of 1.00, and one
 * of interval has 24 hours or a day in it: no state could tell which.  Where all values have the same
 * number of digits, as those of a numeric(p, s) do, there is no such choice.
 *
 * Values are found by an index.  One over values of variable length would refuse long ones; so it has their
 * hashes, and a type needs a hash function.
 */
#include <algorithm>

#include "analyze/parts.hpp"

namespace analyze {

namespace {

using model::AccumulatorKind;

/* Aggregates of pg_catalog that a value once taken doesn't change again. */
constexpr const char *idempotent[] = {"min", "max", "bool_and", "bool_or", "every", "bit_and", "bit_or"};

/* Values of more bytes are found by their hash. */
constexpr int longest_indexed = 64;

/* May the result show which of the values that are equal was taken? */
PG_GUARDED bool shows_representative(AccumulatorKind kind, const Node *argument)
{
    switch (kind) {
    case AccumulatorKind::Numeric:
    case AccumulatorKind::NumericMoments:
        return exprTypmod(argument) < 0;
    case AccumulatorKind::Interval:
        return true;
    default:
        return false;
    }
}

/* Would a column of the type keep that of a table from being altered, which is not ours? */
PG_GUARDED bool is_made_of_rows(Oid type)
{
    const Oid element = get_element_type(type);
    return get_typtype(OidIsValid(element) ? getBaseType(element) : type) == TYPTYPE_COMPOSITE;
}

/* Is there a hash function, which an index may have? */
PG_GUARDED bool has_hash(Oid type)
{
    const Oid function = lookup_type_cache(type, TYPECACHE_HASH_PROC)->hash_proc;
    return OidIsValid(function) && func_volatile(function) == PROVOLATILE_IMMUTABLE;
}

/* Why values of the type can't be kept in a table and found in it. */
PG_GUARDED const char *why_not_kept(Oid type)
{
    const char *name = format_type_be(type);
    if (get_typtype(type) == TYPTYPE_PSEUDO)
        return psprintf("values of type %s cannot be stored", name);
    if (is_made_of_rows(type))
        return psprintf("values of type %s would keep it from being altered", name);
    if (type != CASHOID && !has_hash(type)) /* money is as good as the bigint that it is stored as */
        return psprintf("values of type %s cannot be hashed", name);
    return nullptr;
}

/* The multiplicities of an input: where they are kept already, or with those that are. */
PG_GUARDED int place_of(List **distincts, const model::Accumulator &accumulator, int index,
                        const model::Key &value)
{
    int place = 0;
    for (auto *known : pg::each<model::Distinct>(*distincts)) {
        if (equal(known->value.expression, accumulator.input))
            return place;
        place++;
    }
    auto *made = static_cast<model::Distinct *>(palloc0(sizeof(model::Distinct)));
    made->value = value;
    made->value.expression = accumulator.input;
    made->accumulator = index;
    *distincts = lappend(*distincts, made);
    return place;
}

} // namespace

PG_GUARDED bool distinct_matters(const Aggref *call)
{
    if (call->aggdistinct == NIL)
        return false;
    const char *name = get_func_name(call->aggfnoid);
    return get_func_namespace(call->aggfnoid) != PG_CATALOG_NAMESPACE ||
           !std::ranges::any_of(idempotent, [name](const char *known) { return strcmp(name, known) == 0; });
}

PG_GUARDED const char *why_not_distinct(const model::View &view, const Aggref *call, AccumulatorKind kind)
{
    const char *shown = show_call(call->aggfnoid, call->aggargtypes, call->aggstar);
    if (list_length(call->args) != 1)
        return psprintf("aggregate %s with DISTINCT needs all rows of its group", shown);
    const auto *argument = reinterpret_cast<Node *>(linitial_node(TargetEntry, call->args)->expr);
    const Oid type = getBaseType(exprType(argument));
    if (shows_representative(kind, argument))
        return psprintf(
            "aggregate %s with DISTINCT shows one of several values of type %s that are equal but "
            "can look different",
            shown, format_type_be(type));
    if (const char *reason = why_not_kept(type))
        return psprintf("aggregate %s has DISTINCT, and %s", shown, reason);
    if (type_is_collatable(type) && !OidIsValid(call->inputcollid))
        return psprintf("aggregate %s has DISTINCT, and its argument has no collation", shown);
    if (view.keys.size >= INDEX_MAX_KEYS)
        return psprintf("aggregate %s has DISTINCT, and no index can have a value besides all group keys",
                        shown);
    return nullptr;
}

PG_GUARDED model::Key *distinct_value(const model::View &view, const Aggref *call)
{
    const auto *argument = reinterpret_cast<Node *>(linitial_node(TargetEntry, call->args)->expr);
    const auto *clause = linitial_node(SortGroupClause, call->aggdistinct);
    auto *value = static_cast<model::Key *>(palloc0(sizeof(model::Key)));
    value->type = getBaseType(exprType(argument));
    value->typmod = -1;
    value->collation = type_is_collatable(value->type) ? call->inputcollid : InvalidOid;
    value->equality = clause->eqop;
    value->less_than = clause->sortop;
    value->column = static_cast<model::Column>(view.keys.size + 1);
    value->hashed = get_typlen(value->type) < 0 || get_typlen(value->type) > longest_indexed;
    return value;
}

PG_GUARDED void add_distinct(List **distincts, model::Accumulator *accumulator, int index,
                             const model::Key &value)
{
    accumulator->distinct = place_of(distincts, *accumulator, index, value) + 1;
}

} // namespace analyze
