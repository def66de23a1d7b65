/*
 * keys.cpp - what is grouped by.
 *
 * The keys are those of GROUP BY, or all outputs of SELECT DISTINCT, or what DISTINCT ON names.  DISTINCT on
 * top of groups that show their keys removes nothing, and is left out of account.  Groups are told apart by
 * the very operator that the query tells them apart by; a group's row is found and ordered by the btree order
 * that goes with it.  A type without one is hashed, by the query, and for the index as well.
 *
 * Where the keys have the primary key of a table among them, the query may show other columns of the table
 * without grouping by them (check_functional_grouping; PostgreSQL, pg_constraint.c).  They become further
 * keys, behind those of GROUP BY: each group has one value of them, so the groups are the same.  When the
 * value changes, all rows of the group move to another one.  What is shown has to be that very value, not
 * one equal to it as with other keys, so equal values must look the same.  Columns that can't be keys, json
 * for example, are shown by groups that are computed anew (keyed.cpp).
 */
#include "analyze/parts.hpp"
#include "pg/lookup.hpp"

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

/* What a clause tells apart values of the expression by. */
PG_GUARDED model::Key key_of(const SortGroupClause *clause, Node *expression)
{
    return {.expression = expression,
            .type = exprType(expression),
            .typmod = exprTypmod(expression),
            .collation = exprCollation(expression),
            .equality = clause->eqop,
            .less_than = less_than_of(clause, exprType(expression)),
            .column = 0,
            .nullable = true,
            .hashed = false};
}

/* Does the target show the key, or in place of it the least of values that are equal? */
PG_GUARDED bool shows(const FlatQuery &flat, const TargetEntry *target, const SortGroupClause *clause,
                      Node *expression)
{
    if (equal(target->expr, expression))
        return true;
    const bool sets = flat.query->groupingSets != NIL;
    return clause->tleSortGroupRef != 0 && !IsA(target->expr, Var) &&
           equal(target->expr, representative_of(expression, sets ? clause : nullptr));
}

/* The column of the table that shows a key; 0: none does. */
PG_GUARDED model::Column column_showing(const FlatQuery &flat, const SortGroupClause *clause,
                                        Node *expression)
{
    for (auto *target : pg::each<TargetEntry>(flat.targets))
        if (!target->resjunk && shows(flat, target, clause, expression))
            return target->resno;
    return 0;
}

/* Make a key of a clause; or say why it can't be one. */
PG_GUARDED const char *make_key(const FlatQuery &flat, const SortGroupClause *clause, Node *expression,
                                model::Key *key)
{
    *key = key_of(clause, expression);
    key->expression = prepare_expression(unwrapped(expression));
    key->column = column_showing(flat, clause, expression);
    key->nullable = !never_null(flat, expression);
    const Oid type = key->type;
    if (get_typtype(type) == TYPTYPE_PSEUDO)
        return psprintf("a key of type %s cannot be stored", format_type_be(type));
    key->hashed = !OidIsValid(key->less_than);
    if (key->hashed && !OidIsValid(pg::hash_for_index(type)))
        return psprintf("a key of type %s has no btree order", format_type_be(type));
    if (type_is_collatable(type) && !OidIsValid(key->collation))
        return psprintf("a key of type %s has no collation", format_type_be(type));
    return nullptr;
}

/* The clause of SELECT DISTINCT that is about a column of the table. */
PG_GUARDED const SortGroupClause *distinct_clause_of(const FlatQuery &flat, model::Column column)
{
    for (auto *clause : pg::each<SortGroupClause>(flat.query->distinctClause))
        if (get_sortgroupref_tle(clause->tleSortGroupRef, flat.targets)->resno == column)
            return clause;
    return nullptr;
}

/*
 * Why DISTINCT on top of groups isn't for nothing: it is if it sees in the columns that groups differ.  That
 * grouping sets are told apart by NULLs is not relied on, since a NOT NULL constraint that it rests on may
 * go.
 */
PG_GUARDED const char *why_distinct_matters(const FlatQuery &flat, const model::View &view)
{
    if (!view.keys_visible || view.telling != 0)
        return "DISTINCT on top of groups makes one row of several groups";
    for (const model::Key &key : view.keys) {
        const SortGroupClause *clause = key.column == 0 ? nullptr : distinct_clause_of(flat, key.column);
        if (key.column != 0 && (clause == nullptr || clause->eqop != key.equality))
            return "DISTINCT on top of groups takes other values for equal than GROUP BY does";
    }
    return nullptr;
}

/* The equality of a type, as a clause by itself. */
PG_GUARDED SortGroupClause *default_clause(const Node *expression)
{
    const TypeCacheEntry *entry =
        lookup_type_cache(exprType(expression), TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);
    SortGroupClause *clause = makeNode(SortGroupClause);
    clause->eqop = entry->eq_opr;
    clause->sortop = entry->lt_opr;
    return clause;
}

/*
 * Add the key of a clause.  Rows of no named type, GROUP BY ROW(a, b), are equal where each of their columns
 * is, by the equality of its type (record_eq; PostgreSQL, rowtypes.c): so these are the keys.  A row of no
 * columns is a key: without any there would be a group where there are no rows.
 */
PG_GUARDED const char *add_keys(const FlatQuery &flat, const SortGroupClause *clause, Node *expression,
                                List **keys, List **expressions)
{
    if (IsA(expression, RowExpr) && castNode(RowExpr, expression)->row_typeid == RECORDOID &&
        castNode(RowExpr, expression)->args != NIL && flat.query->groupingSets == NIL) {
        for (auto *column : pg::each<Node>(castNode(RowExpr, expression)->args))
            if (!list_member(*expressions, column))
                if (const char *reason = add_keys(flat, default_clause(column), column, keys, expressions))
                    return reason;
        return nullptr;
    }
    auto *key = static_cast<model::Key *>(palloc0(sizeof(model::Key)));
    if (const char *reason = make_key(flat, clause, expression, key))
        return reason;
    if (IsA(expression, RowExpr) && !OidIsValid(pg::hash_for_index(key->type)))
        return psprintf("rows of type %s may be too long for an index, and can't be hashed",
                        format_type_be(key->type));
    *keys = lappend(*keys, key);
    *expressions = lappend(*expressions, expression);
    return nullptr;
}

/* The keys of clauses. */
PG_GUARDED const char *make_keys(const FlatQuery &flat, const List *clauses, model::View *view,
                                 List **expressions)
{
    List *keys = NIL;
    for (auto *clause : pg::each<SortGroupClause>(clauses)) {
        auto *target = get_sortgroupref_tle(clause->tleSortGroupRef, flat.targets);
        if (const char *reason =
                add_keys(flat, clause, reinterpret_cast<Node *>(target->expr), &keys, expressions))
            return reason;
    }
    view->keys = to_array<model::Key>(keys);
    view->single_group = keys == NIL;
    return nullptr;
}

/* What the search for columns outside of keys and aggregates carries along. */
struct Ungrouped {
    const List *keys; /* expressions */
    List *found;      /* of Var */
};

extern "C" {

/* Walker: gather the Vars that are neither in a key nor in an aggregate. */
PG_GUARDED static bool ungrouped_walker(Node *node, void *context)
{
    auto *search = static_cast<Ungrouped *>(context);
    if (node == nullptr || IsA(node, Aggref) || list_member(search->keys, node))
        return false;
    if (!IsA(node, Var))
        return pg::walk_expression(node, ungrouped_walker, context);
    search->found = list_append_unique(search->found, node);
    return false;
}

} // extern "C"

/* The columns in an expression that are neither grouped by nor inside an aggregate. */
PG_GUARDED List *find_ungrouped(const List *keys, Node *expression)
{
    Ungrouped search = {.keys = keys, .found = NIL};
    ungrouped_walker(expression, &search);
    return search.found;
}

/* Make a key of what the other keys determine; or say why it can't be one. */
PG_GUARDED const char *make_determined_key(const FlatQuery &flat, Node *expression, model::Key *key)
{
    if (const char *reason = make_key(flat, default_clause(expression), expression, key))
        return reason;
    if (!looks_determined(*key))
        return psprintf("equal values of type %s can look different", format_type_be(key->type));
    return nullptr;
}

/* Add an expression that the other keys determine to the keys. */
PG_GUARDED const char *add_determined(const FlatQuery &flat, Node *expression, List **keys,
                                      List **expressions)
{
    auto *key = static_cast<model::Key *>(palloc0(sizeof(model::Key)));
    if (const char *reason = make_determined_key(flat, expression, key))
        return reason;
    *keys = lappend(*keys, key);
    *expressions = lappend(*expressions, expression);
    return nullptr;
}

/* Add what an expression needs that isn't a key yet: all of it as it is shown, or else its columns. */
PG_GUARDED const char *add_ungrouped(const FlatQuery &flat, Node *expression, bool shown, List **keys,
                                     List **expressions)
{
    const List *columns = find_ungrouped(*expressions, expression);
    for (auto *column : pg::each<Var>(columns))
        if (const char *reason = why_not_by_primary_key(flat, column))
            return reason;
    if (columns == NIL || (shown && !contain_aggs_of_level(expression, 0) &&
                           add_determined(flat, expression, keys, expressions) == nullptr))
        return nullptr;
    for (auto *column : pg::each<Var>(columns))
        if (const char *reason = add_determined(flat, reinterpret_cast<Node *>(column), keys, expressions))
            return psprintf(
                "column %s is determined by the primary key, but not grouped by, and %s",
                quote_identifier(get_attname(reference_of(flat, column)->relation, column->varattno, false)),
                reason);
    return nullptr;
}

/* Do equal values of a character(n) column look the same?  They are filled up with blanks to one length. */
PG_GUARDED bool is_padded_column(const model::Key &key)
{
    return key.type == BPCHAROID && key.typmod >= 0 && IsA(key.expression, Var) &&
           get_collation_isdeterministic(key.collation);
}

} // namespace

PG_GUARDED const char *why_not_by_primary_key(const FlatQuery &flat, const Var *column)
{
    const model::Reference *reference = reference_of(flat, column);
    const Oid table = reference->relation;
    if (get_rel_relkind(table) != RELKIND_RELATION || !has_subclass(table) || reference->only)
        return nullptr;
    return psprintf("column %s is not grouped by, and the primary key of %s does not hold for its children",
                    quote_identifier(get_attname(table, column->varattno, false)), relation_name(table));
}

PG_GUARDED bool looks_determined(const model::Key &key)
{
    if (is_padded_column(key))
        return true;
    Oid family = InvalidOid;
    Oid input = InvalidOid;
    return pg::ordering_family(key.less_than, &family, &input) &&
           pg::equal_is_image(family, input, key.collation);
}

PG_GUARDED bool make_plain_key(Node *expression, model::Key *key)
{
    *key = key_of(default_clause(expression), expression);
    return OidIsValid(key->equality) && OidIsValid(key->less_than) && looks_determined(*key);
}

PG_GUARDED bool is_vague(const SortGroupClause *clause, Node *expression)
{
    const model::Key key = key_of(clause, expression);
    return OidIsValid(key.less_than) && can_keep_values(key.type) && !looks_determined(key);
}

PG_GUARDED bool all_keys_shown(const model::View &view)
{
    for (const model::Key &key : view.keys) {
        const bool told = &key == view.keys.data && view.telling != 0;
        if (key.column == 0 && !told)
            return false;
    }
    return true;
}

PG_GUARDED const char *find_keys(const FlatQuery &flat, model::View *view, List **expressions)
{
    const Query *query = flat.query;
    const bool over_groups = query->distinctClause != NIL && !query->hasDistinctOn && makes_groups(query);
    const bool distinct = query->distinctClause != NIL && !over_groups;
    const List *clauses = distinct ? query->distinctClause : query->groupClause;
    if (const char *reason = make_keys(flat, clauses, view, expressions))
        return reason;
    if (!distinct && query->groupingSets != NIL)
        if (const char *reason = find_sets(flat, view, expressions))
            return reason;
    view->keys_visible = all_keys_shown(*view);
    return over_groups ? why_distinct_matters(flat, *view) : nullptr;
}

PG_GUARDED const char *find_determined_keys(const FlatQuery &flat, model::View *view, List **expressions)
{
    if (flat.query->constraintDeps == NIL || flat.query->hasDistinctOn)
        return nullptr;
    List *keys = NIL;
    List *all = list_copy(*expressions);
    for (model::Key &key : view->keys)
        keys = lappend(keys, &key);
    for (auto *target : pg::each<TargetEntry>(flat.targets))
        if (!target->resjunk)
            if (const char *reason =
                    add_ungrouped(flat, reinterpret_cast<Node *>(target->expr), true, &keys, &all))
                return reason;
    if (const char *reason = add_ungrouped(flat, flat.having, false, &keys, &all))
        return reason;
    *expressions = all;
    view->keys = to_array<model::Key>(keys);
    view->keys_visible = all_keys_shown(*view);
    return nullptr;
}

} // namespace analyze
