/*
 * key_index.cpp - which index finds the row of a group.
 *
 * An index serves as key index if it lets no two rows of one group in, whatever made it: ours, or one that
 * the owner of the materialized view had already.  So it must be complete (valid, ready, without a
 * predicate), immediate, and take the same values as equal as GROUP BY does: the operator class must have
 * the equality operator of the group key, the collation must be the key's, and NULLs must be equal to it or
 * impossible (by NOT NULL, or since the key was proven not to be NULL), or the key be an array, for which no
 * release before 15 has such an index: then it is the lock under which groups are born, or computed anew,
 * that lets no two rows of one group in (rooms apply, flush).  Follows is_usable_unique_index and
 * infer_arbiter_indexes (PostgreSQL, commands/matview.c and optimizer/util/plancat.c).
 *
 * An index can't take everything: values that are too long for it, types without an order, more keys than
 * INDEX_MAX_KEYS.  Then it has, instead of a key, what the hash function of its type gives; and of so many
 * keys the first.  Such an index finds a few rows, of which one may be the one.  It doesn't keep others out,
 * which those locks do.
 */
#include "catalog/key_index.hpp"

#include <algorithm>
#include <string_view>

#include "pg/list.hpp"
#include "pg/lookup.hpp"

namespace catalog {

namespace {

/* Can every row be found through the index? */
PG_GUARDED bool is_complete(Relation index)
{
    Form_pg_index form = index->rd_index;
    return form->indisvalid && form->indisready && form->indislive && RelationGetIndexPredicate(index) == NIL;
}

/* Does an index over the type with this operator family take as equal what the key's operator does? */
PG_GUARDED bool same_equality(Relation index, int position, const model::Key &key)
{
    const Oid family = index->rd_opfamily[position];
    const Oid type = index->rd_opcintype[position];
    const bool hash = index->rd_rel->relam == HASH_AM_OID;
    return get_opfamily_member(family, type, type, hash ? HTEqualStrategyNumber : BTEqualStrategyNumber) ==
               key.equality &&
           index->rd_indcollation[position] == key.collation;
}

/* The same for the expression ARRAY[column]: arrays compare elements by their type's default operator. */
PG_GUARDED bool same_element_equality(Relation index, int position, const model::Key &key)
{
    const Oid equality = get_opfamily_member(index->rd_opfamily[position], index->rd_opcintype[position],
                                             index->rd_opcintype[position], BTEqualStrategyNumber);
    return equality == ARRAY_EQ_OP && lookup_type_cache(key.type, TYPECACHE_EQ_OPR)->eq_opr == key.equality &&
           index->rd_indcollation[position] == key.collation;
}

/* Is the call that of the hash function that goes with a key? */
PG_GUARDED bool is_hash(Node *expression, const model::Key &key)
{
    const auto *call = castNode(FuncExpr, expression);
    return call->funcid == pg::hash_for_index(key.type) && call->inputcollid == key.collation;
}

/* Is the constant expression (true) all that the index is over? */
PG_GUARDED bool is_over_constant(Relation index)
{
    List *expressions = RelationGetIndexExpressions(index);
    return list_length(expressions) == 1 && IsA(linitial(expressions), Const);
}

/* The key that a column of the index stands for, if it tells groups apart as the key does; else -1. */
PG_GUARDED int key_of_index_column(Relation table, Relation index, int position, Node *expression,
                                   const model::View &view, const AttrNumber *columns)
{
    const AttrNumber plain = index->rd_index->indkey.values[position];
    const AttrNumber hashed = plain != 0 ? AttrNumber{0} : hashed_column(expression);
    const AttrNumber column = plain != 0 ? plain : hashed != 0 ? hashed : wrapped_column(expression);
    for (int i = 0; i < view.row_keys().size && column != 0; i++) {
        const model::Key &key = view.row_keys()[i];
        if (columns[i] != column)
            continue;
        if (hashed != 0)
            return is_hash(expression, key) ? i : -1;
        if (plain == 0)
            return same_element_equality(index, position, key) ? i : -1;
        const bool nulls_told_apart = index->rd_index->indisunique && key.nullable && can_be_wrapped(key) &&
                                      !pg::nulls_not_distinct(index) &&
                                      !pg::is_not_null(RelationGetDescr(table), plain);
        return !nulls_told_apart && same_equality(index, position, key) ? i : -1;
    }
    return -1;
}

/*
 * Is the index over the keys, and nothing else?  exact: whatever it finds has the keys that are looked for;
 * else some keys are there as their hashes, or aren't, since there are too many.
 */
PG_GUARDED bool is_over_keys(Relation table, Relation index, const model::View &view,
                             const AttrNumber *columns, bool *exact)
{
    Bitmapset *covered = nullptr;
    *exact = true;
    List *expressions = RelationGetIndexExpressions(index);
    ListCell *cell = list_head(expressions);
    for (int position = 0; position < IndexRelationGetNumberOfKeyAttributes(index); position++) {
        Node *expression = nullptr;
        if (index->rd_index->indkey.values[position] == 0) {
            expression = static_cast<Node *>(lfirst(cell));
            cell = pg::next_cell(expressions, cell);
        }
        const int key = key_of_index_column(table, index, position, expression, view, columns);
        if (key < 0)
            return false;
        *exact = *exact && hashed_column(expression) == 0;
        covered = bms_add_member(covered, columns[key]);
    }
    bool all = true;
    for (int i = 0; i < view.row_keys().size; i++)
        all = all && (columns[i] == 0 || bms_is_member(columns[i], covered));
    *exact = *exact && all;
    return all || IndexRelationGetNumberOfKeyAttributes(index) == INDEX_MAX_KEYS;
}

/* May the index decide which row a group has?  exact: it does so by itself. */
PG_GUARDED bool serves_as_key(Relation table, Relation index, const model::View &view,
                              const AttrNumber *columns, bool *exact)
{
    const bool unique = index->rd_index->indisunique && index->rd_index->indimmediate;
    *exact = true;
    if (index->rd_rel->relam != BTREE_AM_OID || !is_complete(index))
        return false;
    if (view.row_keys().size == 0)
        return unique && is_over_constant(index);
    return is_over_keys(table, index, view, columns, exact) && (unique || !*exact);
}

/* Is the expression over the first columns of the table alone? */
PG_GUARDED bool is_over_first(Node *expression, int columns)
{
    Bitmapset *used = nullptr;
    pull_varattnos(expression, 1, &used);
    for (int member = -1; (member = bms_next_member(used, member)) >= 0;) {
        const int column = member + FirstLowInvalidHeapAttributeNumber;
        if (column <= 0 || column > columns)
            return false;
    }
    return true;
}

constexpr int worth_of_unique = 1000;
constexpr int worth_of_expression = 500;

/* How good the index is for finding rows by value; 0: not at all. */
PG_GUARDED int worth_for_rows(Relation index, int columns)
{
    const Oid method = index->rd_rel->relam;
    const int size = IndexRelationGetNumberOfKeyAttributes(index);
    List *expressions = RelationGetIndexExpressions(index);
    if ((method != BTREE_AM_OID && method != HASH_AM_OID) || !is_complete(index))
        return 0;
    for (auto *expression : pg::each<Node>(expressions))
        if (IsA(expression, Const) || !is_over_first(expression, columns))
            return 0;
    for (int position = 0; position < size; position++) {
        const AttrNumber column = index->rd_index->indkey.values[position];
        if (column < 0 || column > columns)
            return 0;
        const Oid opclass = GetDefaultOpClass(index->rd_opcintype[position], method);
        if (!OidIsValid(opclass) || get_opclass_family(opclass) != index->rd_opfamily[position])
            return 0;
    }
    return (index->rd_index->indisunique ? worth_of_unique : 0) +
           (expressions != NIL ? worth_of_expression : 0) + (method == BTREE_AM_OID ? 100 : 0) + size;
}

} // namespace

PG_GUARDED model::Array<model::Column> lookup_columns(const model::View &view)
{
    if (view.partitioned)
        return view.lookup;
    model::Array<model::Column> columns = {.data = static_cast<model::Column *>(palloc(
                                               sizeof(model::Column) * (view.keys.size + std::size_t{1}))),
                                           .size = 0};
    for (const model::Key &key : view.keys)
        columns[columns.size++] = key.column;
    return columns;
}

PG_GUARDED bool may_be_long(const model::Key &key)
{
    return get_typlen(key.type) < 0;
}

PG_GUARDED model::View *view_by_hash(const model::View &view)
{
    auto *hashed = static_cast<model::View *>(palloc(sizeof(model::View)));
    *hashed = view;
    hashed->keys.data = static_cast<model::Key *>(palloc(sizeof(model::Key) * (view.keys.size + 1)));
    std::copy(view.keys.begin(), view.keys.end(), hashed->keys.data);
    for (model::Key &key : hashed->keys)
        key.hashed = key.hashed || (may_be_long(key) && OidIsValid(pg::hash_for_index(key.type)));
    return hashed;
}

PG_GUARDED AttrNumber *key_columns(const model::View &view, bool of_state)
{
    const model::Array<model::Key> &keys = view.row_keys();
    auto *columns = static_cast<AttrNumber *>(palloc(sizeof(AttrNumber) * (keys.size + 1)));
    for (int i = 0; i < keys.size; i++)
        columns[i] = of_state ? static_cast<AttrNumber>(i + 1) : keys[i].column;
    return columns;
}

PG_GUARDED int shown_columns(const model::View &view)
{
    return view.bag || view.upper != nullptr ? view.columns.size : kept_columns(view);
}

PG_GUARDED int kept_columns(const model::View &view)
{
    int columns = 0;
    for (auto *target : pg::each<TargetEntry>(view.outputs != NIL ? view.outputs : view.group_targets))
        columns += target->resjunk ? 0 : 1;
    return columns;
}

PG_GUARDED bool state_fits(Oid state, const model::View &view)
{
    Relation table = try_relation_open(state, AccessShareLock);
    if (table == nullptr)
        return false; /* dropped by whom we have waited for, with what says that it is the state table */
    TupleDesc type = RelationGetDescr(table);
    const bool keyed = view.strategy == model::Strategy::Keyed;
    const int columns = keyed ? kept_columns(view) : view.upper != nullptr ? 1 + kept_columns(view) : 1;
    const char *first = keyed ? "column_1" : "accumulators";
    const bool fits = type->natts == view.keys.size + columns &&
                      namestrcmp(&TupleDescAttr(type, view.keys.size)->attname, first) == 0;
    relation_close(table, NoLock);
    return fits;
}

PG_GUARDED bool can_be_wrapped(const model::Key &key)
{
    return OidIsValid(get_array_type(key.type));
}

PG_GUARDED AttrNumber wrapped_column(Node *expression)
{
    if (expression == nullptr || !IsA(expression, ArrayExpr))
        return 0;
    const auto *array = reinterpret_cast<ArrayExpr *>(expression);
    if (list_length(array->elements) != 1 || !IsA(linitial(array->elements), Var))
        return 0;
    return static_cast<Var *>(linitial(array->elements))->varattno;
}

PG_GUARDED AttrNumber hashed_column(Node *expression)
{
    if (expression == nullptr || !IsA(expression, FuncExpr) ||
        list_length(castNode(FuncExpr, expression)->args) != 1)
        return 0;
    auto *argument = static_cast<Node *>(linitial(castNode(FuncExpr, expression)->args));
    if (IsA(argument, RelabelType)) /* a dump writes the cast out */
        argument = reinterpret_cast<Node *>(castNode(RelabelType, argument)->arg);
    return IsA(argument, Var) ? castNode(Var, argument)->varattno : AttrNumber{0};
}

PG_GUARDED Node *key_hash(const model::Key &key, AttrNumber column)
{
    const Oid function = pg::hash_for_index(key.type);
    Oid *types = nullptr;
    int count = 0;
    get_func_signature(function, &types, &count);
    auto *argument = reinterpret_cast<Node *>(makeVar(1, column, key.type, key.typmod, key.collation, 0));
    if (!IsPolymorphicType(types[0]) && types[0] != key.type)
        argument = reinterpret_cast<Node *>(makeRelabelType(reinterpret_cast<Expr *>(argument), types[0], -1,
                                                            key.collation, COERCE_IMPLICIT_CAST));
    return reinterpret_cast<Node *>(makeFuncExpr(function, INT4OID, list_make1(argument), InvalidOid,
                                                 key.collation, COERCE_EXPLICIT_CALL));
}

PG_GUARDED model::View *view_of_values(const model::View &view, int distinct)
{
    auto *values = static_cast<model::View *>(palloc(sizeof(model::View)));
    *values = view;
    values->keys.data = static_cast<model::Key *>(palloc(sizeof(model::Key) * (view.keys.size + 1)));
    std::copy(view.keys.begin(), view.keys.end(), values->keys.data);
    values->keys[values->keys.size++] = view.distincts[distinct].value;
    return values;
}

PG_GUARDED Oid find_key_index(Relation table, const model::View &view, bool of_state)
{
    if (view.strategy == model::Strategy::Swap || (!of_state && !view.keys_visible))
        return InvalidOid;
    const AttrNumber *columns = key_columns(view, of_state);
    Oid found = InvalidOid;
    bool found_exact = false;
    for (Oid oid : pg::each_oid(RelationGetIndexList(table))) {
        Relation index = index_open(oid, AccessShareLock);
        bool exact = false;
        if (!found_exact && serves_as_key(table, index, view, columns, &exact) &&
            (exact || !OidIsValid(found))) {
            found = oid;
            found_exact = exact;
        }
        index_close(index, AccessShareLock);
    }
    return found;
}

namespace {

/* How many keys does the index have as their hashes? */
PG_GUARDED int hashes_in(Relation index)
{
    int hashes = 0;
    for (auto *expression : pg::each<Node>(RelationGetIndexExpressions(index)))
        hashes += hashed_column(expression) != 0 ? 1 : 0;
    return hashes;
}

/*
 * Have we made the index, by its name?  A primary key of ours is known otherwise, and what owners put on a
 * materialized view PostgreSQL names in another way, if they don't.
 */
PG_GUARDED bool is_named_by_us(Relation index)
{
    const std::string_view name = RelationGetRelationName(index);
    const auto last = name.find_last_not_of("0123456789");
    const std::string_view bare = name.substr(0, last == std::string_view::npos ? 0 : last + 1);
    return !index->rd_index->indisprimary && (bare.ends_with("_key") || bare.ends_with("_pkey"));
}

} // namespace

PG_GUARDED Oid index_to_hash(Oid oid, const model::View &view, bool of_state, Oid made)
{
    Relation table = table_open(oid, AccessShareLock);
    const Oid found = find_key_index(table, view, of_state);
    bool lacks = false;
    if (OidIsValid(found)) {
        const model::View *hashed = view_by_hash(view);
        const auto wanted = std::count_if(hashed->keys.begin(), hashed->keys.end(),
                                          [](const model::Key &key) { return key.hashed; });
        Relation index = index_open(found, AccessShareLock);
        lacks = hashes_in(index) < wanted && (of_state || found == made || is_named_by_us(index));
        index_close(index, AccessShareLock);
    }
    table_close(table, AccessShareLock);
    return lacks ? found : InvalidOid;
}

PG_GUARDED Oid primary_key_index(Oid oid)
{
    Oid found = InvalidOid;
    Relation table = table_open(oid, AccessShareLock);
    for (Oid index_oid : pg::each_oid(RelationGetIndexList(table))) {
        Relation index = index_open(index_oid, AccessShareLock);
        if (index->rd_index->indisprimary)
            found = index_oid;
        index_close(index, AccessShareLock);
    }
    table_close(table, AccessShareLock);
    return found;
}

PG_GUARDED bool takes_long_keys(const Registration &registration, const model::View &view)
{
    const Oid made = registration.identified ? primary_key_index(registration.imat) : InvalidOid;
    if (OidIsValid(index_to_hash(registration.imat, view, false, made)))
        return false;
    if (!view.needs_state)
        return true;
    bool takes = !OidIsValid(index_to_hash(registration.state, view, true, InvalidOid));
    for (int i = 0; i < view.distincts.size; i++)
        takes = takes && !OidIsValid(index_to_hash(registration.multiplicities[i], *view_of_values(view, i),
                                                   true, InvalidOid));
    return takes;
}

/* Are the first columns of the index those of the keys? */
PG_GUARDED static bool begins_with_keys(Relation index, const model::View &view)
{
    Bitmapset *wanted = nullptr;
    Bitmapset *found = nullptr;
    for (const model::Column column : lookup_columns(view))
        wanted = bms_add_member(wanted, column);
    const Oid method = index->rd_rel->relam;
    if ((method != BTREE_AM_OID && (method != HASH_AM_OID || !view.lookup_hashed)) || !is_complete(index) ||
        IndexRelationGetNumberOfKeyAttributes(index) < bms_num_members(wanted))
        return false;
    for (int position = 0; position < bms_num_members(wanted); position++)
        for (const model::Key &key : view.keys)
            if (key.column == index->rd_index->indkey.values[position] && same_equality(index, position, key))
                found = bms_add_member(found, key.column);
    return bms_equal(wanted, found);
}

PG_GUARDED Oid find_lookup_index(Relation table, const model::View &view)
{
    Oid found = InvalidOid;
    for (Oid oid : pg::each_oid(RelationGetIndexList(table))) {
        Relation index = index_open(oid, AccessShareLock);
        if (!OidIsValid(found) && begins_with_keys(index, view))
            found = oid;
        index_close(index, AccessShareLock);
    }
    return found;
}

PG_GUARDED bool are_rows_found(Relation table, const model::View &view)
{
    if (needs_lookup_index(view) && !OidIsValid(find_lookup_index(table, view)))
        return false;
    if (view.keys_visible)
        return OidIsValid(find_key_index(table, view, false));
    return needs_lookup_index(view) || OidIsValid(find_row_index(table, shown_columns(view)));
}

PG_GUARDED bool is_selective(Relation table, Oid oid)
{
    Relation index = index_open(oid, AccessShareLock);
    const bool selective = worth_for_rows(index, RelationGetNumberOfAttributes(table)) >= worth_of_expression;
    index_close(index, AccessShareLock);
    return selective;
}

PG_GUARDED Oid find_row_index(Relation table, int columns)
{
    Oid found = InvalidOid;
    int worth = 0;
    for (Oid oid : pg::each_oid(RelationGetIndexList(table))) {
        Relation index = index_open(oid, AccessShareLock);
        const int this_worth = worth_for_rows(index, columns);
        if (this_worth > worth) {
            found = oid;
            worth = this_worth;
        }
        index_close(index, AccessShareLock);
    }
    return found;
}

} // namespace catalog
