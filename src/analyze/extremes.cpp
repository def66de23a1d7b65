/*
 * extremes.cpp - aggregates that give the first value in an order: min, max, and any_value.
 *
 * min and max are those that say so: CREATE AGGREGATE takes a SORTOP for an aggregate that gives what ORDER
 * BY with that operator puts first (the documentation of CREATE AGGREGATE calls that its contract).  So the
 * aggregates of extensions and of users are among them.
 *
 * Values may be equal and look different: 1.0 and 1.00, text under a nondeterministic collation.  Which of
 * them PostgreSQL's min gives depends on the order of the rows.  Ours gives the first one by what they look
 * like, and for any_value the least, so that contents are determined by the rows; exact.cpp has the contents
 * of all tables, and what they are verified by, computed so.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* Is the type, or what it consists of, a row of fields? */
PG_GUARDED bool is_composite(Oid type)
{
    type = getBaseType(type);
    const Oid element = get_element_type(type);
    if (OidIsValid(element))
        return is_composite(element);
    return type == RECORDOID || type == RECORDARRAYOID || get_typtype(type) == TYPTYPE_COMPOSITE;
}

/* The operator by which an aggregate of one argument puts its result first, or InvalidOid. */
PG_GUARDED Oid sort_operator(Oid function)
{
    HeapTuple row = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(row))
        return InvalidOid;
    const auto *form = reinterpret_cast<Form_pg_aggregate>(GETSTRUCT(row));
    const Oid result = form->aggkind == AGGKIND_NORMAL ? form->aggsortop : InvalidOid;
    ReleaseSysCache(row);
    return result;
}

PG_GUARDED bool is_any_value(Oid function)
{
    return get_func_namespace(function) == PG_CATALOG_NAMESPACE &&
           strcmp(get_func_name(function), "any_value") == 0;
}

} // namespace

/* The image of a composite value may have several forms, since its fields may be compressed. */
PG_GUARDED bool can_keep_values(Oid type)
{
    const TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);
    return OidIsValid(entry->lt_opr) && OidIsValid(entry->gt_opr) && !is_composite(type);
}

/*
 * A dump writes values out as text, but states as they are.  Values of an enum are stored by their labels
 * (delta/values.cpp); those that have Oids of this database in them can't be: of types that others consist
 * of, of tables and functions.
 */
PG_GUARDED bool can_store_values(Oid type)
{
    type = getBaseType(type);
    const char kind = get_typtype(type);
    const Oid element = get_element_type(type);
    if (OidIsValid(element) && (element >= FirstNormalObjectId || !can_store_values(element)))
        return false;
    const bool holds_own_type = type >= FirstNormalObjectId && kind != TYPTYPE_BASE && kind != TYPTYPE_ENUM;
    const bool is_reference =
        type != OIDOID && lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY)->btree_opintype == OIDOID;
    return can_keep_values(type) && !holds_own_type && !is_reference;
}

PG_GUARDED Extremum extremum_of(Oid function, Oid type)
{
    if (const char *exact = exact_name(function))
        return strcmp(exact, "min") == 0   ? Extremum::Least
               : strcmp(exact, "max") == 0 ? Extremum::Greatest
                                           : Extremum::None;
    if (is_any_value(function))
        return can_keep_values(type) ? Extremum::Least : Extremum::None;
    const Oid ordering = sort_operator(function);
    if (!OidIsValid(ordering) || !OidIsValid(type))
        return Extremum::None;
    const TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);
    return ordering == entry->lt_opr   ? Extremum::Least
           : ordering == entry->gt_opr ? Extremum::Greatest
                                       : Extremum::None;
}

PG_GUARDED Oid exact_extremum(Oid function, Oid type, Oid collation)
{
    const Extremum extremum = extremum_of(function, type);
    if (extremum == Extremum::None || exact_name(function) != nullptr || !can_keep_values(type))
        return function;
    Oid family = InvalidOid;
    Oid input = InvalidOid;
    const bool determined = !is_any_value(function) &&
                            pg::ordering_family(sort_operator(function), &family, &input) &&
                            pg::equal_is_image(family, input, collation);
    if (determined)
        return function;
    const Oid any = ANYELEMENTOID;
    const char *name = extremum == Extremum::Least ? "exact_min" : "exact_max";
    return LookupFuncName(list_make2(makeString(pstrdup("imat")), makeString(pstrdup(name))), 1, &any, false);
}

} // namespace analyze
