/*
 * rows.cpp - a query without groups, whose rows are the contents.
 *
 * The table is then a bag.  Equal rows in it can't be told apart, and needn't be: what counts is how often a
 * row is there.  Rows are equal if they look the same, in every column, bit for bit; so the outputs need
 * neither operators nor collations, and 1.0 becomes 1.00 when the source's does.
 *
 * Where the outputs show a key of each source, no row is there twice, and a row that changes can be
 * recognized by it: that is the identity.  A source whose key is set equal, by a join condition, to something
 * that the others tell has at most one row for each of theirs, so it needn't show its own: of an order and
 * its customer the order's key will do.  Only unique indexes that hold for every row at every moment count.
 *
 * Where there are options (see options.cpp), rows are computed anew: all that have the same values in some
 * columns, which are the identity, or the shown key of a table that no row lacks, or else what comes nearest
 * to it.
 *
 * Without an identity a row is found by all of its values, or rather by a hash of them
 * (catalog::find_row_index). For that, the same value must always be stored as the same bytes.  That isn't so
 * of composite values: what is in them may or may not be compressed.
 */
#include "analyze/parts.hpp"
#include "pg/lookup.hpp"

namespace analyze {

namespace {

/* The index entry of a key that consists of several sources' columns must not become longer than that. */
constexpr int widest_identity = 2000;

/* The column of the table that shows a column of a reference, or one that a condition sets equal; 0: none
 * does.
 */
PG_GUARDED model::Column column_showing(const FlatQuery &flat, const model::View &view, const Var *wanted)
{
    for (auto *target : pg::each<TargetEntry>(flat.targets))
        if (!target->resjunk && equal(target->expr, wanted))
            return target->resno;
    const Oid equality = lookup_type_cache(wanted->vartype, TYPECACHE_EQ_OPR)->eq_opr;
    for (auto *condition : pg::each<Node>(reinterpret_cast<List *>(view.filter))) {
        if (!IsA(condition, OpExpr) || castNode(OpExpr, condition)->opno != equality)
            continue;
        const List *sides = castNode(OpExpr, condition)->args;
        for (auto *target : pg::each<TargetEntry>(flat.targets))
            if (!target->resjunk &&
                exprCollation(reinterpret_cast<Node *>(target->expr)) == wanted->varcollid &&
                castNode(OpExpr, condition)->inputcollid == wanted->varcollid &&
                ((equal(linitial(sides), wanted) && equal(lsecond(sides), target->expr)) ||
                 (equal(lsecond(sides), wanted) && equal(linitial(sides), target->expr))))
                return target->resno;
    }
    return 0;
}

/* Does the index tell values of its column apart as the type and the column do by default? */
PG_GUARDED bool is_by_default(Relation index, int position, const Var *column)
{
    const Oid type = index->rd_opcintype[position];
    return get_opfamily_member(index->rd_opfamily[position], type, type, BTEqualStrategyNumber) ==
               lookup_type_cache(column->vartype, TYPECACHE_EQ_OPR)->eq_opr &&
           index->rd_indcollation[position] == column->varcollid;
}

/*
 * The keys made of an index's columns (a List of model::Key), if each is shown and, unless that is allowed,
 * never NULL; else NIL.
 */
PG_GUARDED List *keys_of_index(const FlatQuery &flat, const model::View &view, int reference, Relation index,
                               bool may_be_null)
{
    if (!index->rd_index->indisunique || !index->rd_index->indimmediate || !index->rd_index->indisvalid ||
        index->rd_rel->relam != BTREE_AM_OID || RelationGetIndexPredicate(index) != NIL)
        return NIL;
    List *keys = NIL;
    for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++) {
        const AttrNumber number = index->rd_index->indkey.values[i];
        if (number <= 0)
            return NIL;
        Oid type;
        int32 typmod;
        Oid collation;
        get_atttypetypmodcoll(view.references[reference].relation, number, &type, &typmod, &collation);
        Var *column = makeVar(reference + 1, number, type, typmod, collation, 0);
        const model::Column shown = column_showing(flat, view, column);
        const bool nullable = !never_null(flat, reinterpret_cast<Node *>(column));
        if (shown == 0 || !is_by_default(index, i, column) || (nullable && !may_be_null))
            return NIL;
        const TypeCacheEntry *order = lookup_type_cache(type, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);
        auto *key = static_cast<model::Key *>(palloc0(sizeof(model::Key)));
        *key = {.expression = reinterpret_cast<Node *>(column),
                .type = type,
                .typmod = typmod,
                .collation = collation,
                .equality = order->eq_opr,
                .less_than = order->lt_opr,
                .column = shown,
                .nullable = nullable,
                .hashed = false};
        keys = lappend(keys, key);
    }
    return keys;
}

/* The key of a reference that is shown, with the fewest columns; NIL: none is. */
PG_GUARDED List *shown_key(const FlatQuery &flat, const model::View &view, int reference,
                           bool may_be_null = false)
{
    List *best = NIL;
    Relation table = table_open(view.references[reference].relation, NoLock);
    const bool strays = !view.references[reference].only && table->rd_rel->relkind == RELKIND_RELATION &&
                        table->rd_rel->relhassubclass;
    for (const Oid oid : pg::each_oid(strays ? NIL : RelationGetIndexList(table))) {
        Relation index = index_open(oid, AccessShareLock);
        List *keys = keys_of_index(flat, view, reference, index, may_be_null);
        if (keys != NIL && (best == NIL || list_length(keys) < list_length(best)))
            best = keys;
        index_close(index, AccessShareLock);
    }
    table_close(table, NoLock);
    return best;
}

/* Is the reference only read by a subquery in an expression? */
PG_GUARDED bool is_in_subquery(const model::View &view, int reference)
{
    bool found = false;
    for (const model::Option &option : view.options)
        found =
            found || (option.subquery && (option.references & (1U << static_cast<unsigned>(reference))) != 0);
    return found;
}

/* The references (numbers from 1 on) of which these determine the rows, themselves and subqueries included.
 */
PG_GUARDED Bitmapset *determined_by(const model::View &view, const Bitmapset *shown)
{
    Bitmapset *known = bms_copy(shown);
    for (bool grown = true; grown;) {
        grown = false;
        for (int i = 0; i < view.references.size; i++) {
            if (bms_is_member(i + 1, known) || is_in_subquery(view, i) || !is_determined(view, i, known))
                continue;
            known = bms_add_member(known, i + 1);
            grown = true;
        }
    }
    for (int i = 0; i < view.references.size; i++)
        if (is_in_subquery(view, i))
            known = bms_add_member(known, i + 1);
    return known;
}

/* Do the rows of these references determine all else in a row? */
PG_GUARDED bool determines_all(const model::View &view, const Bitmapset *shown)
{
    return view.computed == NIL && bms_num_members(determined_by(view, shown)) == view.references.size;
}

/* The most bytes that a value takes in an index; 0: as many as it likes. */
PG_GUARDED int width_of(const model::Key &key)
{
    const int16 length = get_typlen(key.type);
    const int32 most = length > 0 ? length : type_maximum_size(key.type, key.typmod);
    return Max(most, 0);
}

/*
 * Can the keys be in one index, whatever their values?  The columns of one source are in an index of its own
 * already.
 */
PG_GUARDED bool fits_index(const List *keys, int sources)
{
    int width = 0;
    if (list_length(keys) > INDEX_MAX_KEYS)
        return false;
    for (auto *key : pg::each<model::Key>(keys)) {
        if (width_of(*key) == 0)
            return sources == 1;
        width += width_of(*key);
    }
    return sources == 1 || width <= widest_identity;
}

/* Find the columns that no two rows have in common. */
PG_GUARDED void find_identity(const FlatQuery &flat, model::View *view)
{
    const int count = view->references.size;
    auto **keys = static_cast<List **>(palloc0(sizeof(List *) * static_cast<std::size_t>(count)));
    Bitmapset *shown = nullptr;
    for (int i = 0; i < count; i++) {
        keys[i] = is_in_subquery(*view, i) ? NIL : shown_key(flat, *view, i);
        if (keys[i] != NIL)
            shown = bms_add_member(shown, i + 1);
    }
    if (!determines_all(*view, shown))
        return;
    for (int i = count; i > 0; i--) {
        Bitmapset *fewer = bms_del_member(bms_copy(shown), i);
        if (bms_is_member(i, shown) && determines_all(*view, fewer))
            shown = fewer;
    }
    List *identity = NIL;
    Bitmapset *columns = nullptr;
    for (int i = 0; i < count; i++)
        for (auto *key : pg::each<model::Key>(bms_is_member(i + 1, shown) ? keys[i] : NIL)) {
            if (!bms_is_member(key->column, columns))
                identity = lappend(identity, key);
            columns = bms_add_member(columns, key->column);
        }
    if (fits_index(identity, bms_num_members(shown)))
        view->identity = to_array<model::Key>(identity);
}

/* Make a key of the column that shows a merged column of joins, as USING has it, if there is one. */
PG_GUARDED List *merged_key(const FlatQuery &flat)
{
    for (auto *target : pg::each<TargetEntry>(flat.targets)) {
        const TypeCacheEntry *order = lookup_type_cache(exprType(reinterpret_cast<Node *>(target->expr)),
                                                        TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);
        if (target->resjunk || !IsA(target->expr, CoalesceExpr) || !OidIsValid(order->lt_opr))
            continue;
        auto *expression = reinterpret_cast<Node *>(target->expr);
        auto *key = static_cast<model::Key *>(palloc0(sizeof(model::Key)));
        *key = {.expression = prepare_expression(unwrapped(expression)),
                .type = exprType(expression),
                .typmod = exprTypmod(expression),
                .collation = exprCollation(expression),
                .equality = order->eq_opr,
                .less_than = order->lt_opr,
                .column = target->resno,
                .nullable = true,
                .hashed = false};
        return list_make1(key);
    }
    return NIL;
}

/* The shown key of the reference that determines the most others, of those that no row lacks. */
PG_GUARDED List *best_key(const FlatQuery &flat, const model::View &view)
{
    List *best = NIL;
    int most = 0;
    for (int i = 0; i < view.references.size; i++) {
        List *keys = is_in_subquery(view, i) ? NIL : shown_key(flat, view, i);
        const int determined = bms_num_members(determined_by(view, bms_make_singleton(i + 1)));
        if (keys == NIL || determined <= most || !fits_index(keys, 1))
            continue;
        best = keys;
        most = determined;
    }
    return best;
}

/* The shown keys of all references, any of which a row may lack; NIL: one isn't shown. */
PG_GUARDED List *all_keys(const FlatQuery &flat, const model::View &view)
{
    List *all = NIL;
    int sources = 0;
    for (int i = 0; i < view.references.size; i++) {
        if (is_in_subquery(view, i))
            continue;
        List *keys = shown_key(flat, view, i, true);
        if (keys == NIL)
            return NIL;
        all = list_concat(all, keys);
        sources++;
    }
    return fits_index(all, sources) ? all : NIL;
}

/* Find the columns by which rows that change together are told, where there are options. */
PG_GUARDED const char *find_unit(const FlatQuery &flat, model::View *view)
{
    List *unit = NIL;
    for (model::Key &key : view->identity)
        unit = lappend(unit, &key);
    if (unit == NIL)
        unit = best_key(flat, *view);
    if (unit == NIL)
        unit = merged_key(flat);
    if (unit == NIL)
        unit = all_keys(flat, *view);
    if (unit == NIL)
        return "no key of a table that is always there is shown";
    view->keys = to_array<model::Key>(unit);
    return fits_index(unit, view->identity.size > 0 || IsA(view->keys[0].expression, Var) ? 1 : 2)
               ? nullptr
               : "the columns by which its rows would be found may be too wide for an index";
}

/* Is the same value of the type always stored as the same bytes? */
PG_GUARDED bool is_stored_alike(Oid type)
{
    const Oid base = getBaseType(type);
    const Oid element = get_element_type(base);
    const Oid of_range = get_range_subtype(base);
    if (OidIsValid(element))
        return is_stored_alike(element);
    if (OidIsValid(of_range))
        return is_stored_alike(of_range);
    return !type_is_rowtype(base) && get_typtype(base) != TYPTYPE_PSEUDO;
}

/* Why rows can't be found by their values. */
PG_GUARDED const char *why_not_found(const model::View &view)
{
    bool hashed = false;
    for (const model::Key &key : view.columns) {
        if (!is_stored_alike(key.type))
            return psprintf("rows have no key, and the same value of type %s may be stored in several ways",
                            format_type_be(key.type));
        hashed = hashed ||
                 OidIsValid(lookup_type_cache(key.type, TYPECACHE_HASH_EXTENDED_PROC)->hash_extended_proc);
    }
    return hashed ? nullptr : "rows have no key, and no column is of a type by which rows could be found";
}

/* Make columns of the outputs, and what shows them. */
PG_GUARDED void find_columns(const FlatQuery &flat, model::View *view)
{
    List *columns = NIL;
    for (auto *target : pg::each<TargetEntry>(flat.targets)) {
        if (target->resjunk)
            continue;
        Node *expression = unwrapped(reinterpret_cast<Node *>(target->expr));
        auto *column = static_cast<model::Key *>(palloc0(sizeof(model::Key)));
        *column = {.expression = prepare_expression(expression),
                   .type = exprType(expression),
                   .typmod = exprTypmod(expression),
                   .collation = exprCollation(expression),
                   .equality = InvalidOid,
                   .less_than = InvalidOid,
                   .column = target->resno,
                   .nullable = true,
                   .hashed = false};
        columns = lappend(columns, column);
        Var *shown = makeVar(1, static_cast<AttrNumber>(list_length(columns)), column->type, column->typmod,
                             column->collation, 0);
        view->outputs = lappend(view->outputs, makeTargetEntry(reinterpret_cast<Expr *>(shown), target->resno,
                                                               target->resname, false));
        view->group_targets =
            lappend(view->group_targets, makeTargetEntry(reinterpret_cast<Expr *>(expression), target->resno,
                                                         target->resname, false));
    }
    view->columns = to_array<model::Key>(columns);
}

/* Find what rows are told by, where there are options; or say why these can't be followed. */
PG_GUARDED const char *find_optional_rows(const FlatQuery &flat, model::View *view)
{
    /* What determines what is asked of the conditions of options, too. */
    if (const char *reason = find_options(flat, view))
        return reason;
    find_identity(flat, view);
    view->keys_visible = view->identity.size > 0;
    if (const char *reason = find_unit(flat, view))
        return reason;
    if (const char *reason = find_options(flat, view))
        return reason;
    return view->keys_visible ? nullptr : why_not_found(*view);
}

/* A target that says of which type another one is. */
PG_GUARDED TargetEntry *typed_target(const TargetEntry *target)
{
    const auto *shown = reinterpret_cast<Node *>(target->expr);
    Const *null = makeNullConst(exprType(shown), exprTypmod(shown), exprCollation(shown));
    return makeTargetEntry(&null->xpr, target->resno, target->resname, false);
}

/*
 * Find the columns for an index over the keys: those whose values fit into one, whatever they are; or else
 * the first that can be hashed; or none.
 */
PG_GUARDED void find_lookup(model::View *view)
{
    int width = 0;
    view->lookup.data =
        static_cast<model::Column *>(palloc(sizeof(model::Column) * (view->keys.size + std::size_t{1})));
    for (const model::Key &key : view->keys) {
        if (width_of(key) == 0 || width + width_of(key) > widest_identity || !OidIsValid(key.less_than) ||
            view->lookup.size == INDEX_MAX_KEYS)
            continue;
        width += width_of(key);
        view->lookup[view->lookup.size++] = key.column;
    }
    for (const model::Key &key : view->keys) {
        if (view->lookup.size > 0)
            return;
        view->lookup_hashed = OidIsValid(pg::hash_for_index(key.type));
        if (view->lookup_hashed)
            view->lookup[view->lookup.size++] = key.column;
    }
}

} // namespace

PG_GUARDED const char *find_rows(const FlatQuery &flat, model::View *view)
{
    view->bag = true;
    find_columns(flat, view);
    if (view->columns.size == 0)
        return "the table has no columns";
    auto *rows = static_cast<model::Accumulator *>(palloc0(sizeof(model::Accumulator)));
    rows->kind = model::AccumulatorKind::Rows;
    view->accumulators = {.data = rows, .size = 1};
    if (flat.options != NIL) {
        const char *reason = find_optional_rows(flat, view);
        if (reason != nullptr)
            view->group_targets = NIL;
        return reason == nullptr ? flat.reason : psprintf("%s; and %s", flat.reason, reason);
    }
    view->group_targets = NIL;
    if (flat.reason != nullptr)
        return flat.reason;
    view->keys = view->columns;
    find_identity(flat, view);
    view->keys_visible = view->identity.size > 0;
    return view->keys_visible ? nullptr : why_not_found(*view);
}

PG_GUARDED const char *find_partition_rows(const Query &query, const FlatQuery *flat, model::View *view)
{
    view->bag = true;
    view->columns = columns_of(query);
    for (auto *target : pg::each<TargetEntry>(query.targetList))
        if (!target->resjunk)
            view->group_targets = lappend(view->group_targets, typed_target(target));
    find_lookup(view);
    if (view->lookup.size == 0)
        return "its partitions are told by no column that an index could find them by";
    if (flat != nullptr)
        find_identity(*flat, view);
    view->keys_visible = view->identity.size > 0;
    return view->keys_visible ? nullptr : why_not_found(*view);
}

PG_GUARDED model::Array<model::Key> columns_of(const Query &query)
{
    List *columns = NIL;
    for (auto *target : pg::each<TargetEntry>(query.targetList)) {
        const auto *expression = reinterpret_cast<Node *>(target->expr);
        auto *column = static_cast<model::Key *>(palloc0(sizeof(model::Key)));
        column->type = exprType(expression);
        column->typmod = exprTypmod(expression);
        column->collation = exprCollation(expression);
        column->column = target->resno;
        column->nullable = true;
        if (!target->resjunk)
            columns = lappend(columns, column);
    }
    return to_array<model::Key>(columns);
}

PG_GUARDED bool can_do_without_identity(model::View *view)
{
    view->identity = {};
    view->keys_visible = false;
    return why_not_found(*view) == nullptr;
}

} // namespace analyze
