/*
 * indexes.cpp - making the indexes by which maintenance finds rows.
 *
 * Where the group keys are shown, a unique index over them decides which row a group has: a primary key where
 * none of them can be NULL, else a unique index that takes NULLs as equal.  Releases that have no NULLS NOT
 * DISTINCT get the expression ARRAY[column] in place of a column that may be NULL, for arrays compare NULLs
 * as equal.  Of an array column there is no such array; its NULLs are kept unique by the lock under which a
 * group is born, or computed anew, alone.  A view of a single group without keys has an index on the constant
 * (true), which lets one row in.  An index that has the hash of a key, or not all of so many keys, isn't
 * unique (key_index.cpp).  Where keys are not shown, rows are found by their values, for which a unique index
 * of the owner's will do, else one over a hash of the row (which PostgreSQL 14 and later can compute).
 *
 * An index that is there already and serves is used (key_index.cpp); none is made for a view that is not
 * maintained by delta.
 */
#include <algorithm>

#include "pg/list.hpp"
#include "pg/lookup.hpp"
#include "rebuild/parts.hpp"

namespace rebuild {

namespace {

/* A free name for an index of the table, in the schema where the table is. */
PG_GUARDED char *index_name(Oid table, const char *suffix)
{
    return ChooseRelationName(get_rel_name(table), nullptr, suffix, get_rel_namespace(table), true);
}

PG_GUARDED IndexElem *index_element(char *column, Node *expression)
{
    IndexElem *element = makeNode(IndexElem);
    element->name = column;
    element->expr = expression;
    element->ordering = SORTBY_DEFAULT;
    element->nulls_ordering = SORTBY_NULLS_DEFAULT;
    return element;
}

PG_GUARDED IndexStmt *index_statement(Oid table, const char *suffix, const char *method, List *elements)
{
    IndexStmt *statement = makeNode(IndexStmt);
    statement->idxname = index_name(table, suffix);
    statement->relation = makeRangeVar(get_namespace_name(get_rel_namespace(table)), get_rel_name(table), -1);
    statement->accessMethod = pstrdup(method);
    statement->indexParams = elements;
    statement->transformed = true;
    const Oid tablespace = get_rel_tablespace(table);
    /* Not that of default_tablespace: whoever changes a source may have set that. */
    statement->tableSpace = get_tablespace_name(OidIsValid(tablespace) ? tablespace : MyDatabaseTableSpace);
    return statement;
}

/* ARRAY[column] */
PG_GUARDED Node *wrapped(const model::Key &key, AttrNumber column)
{
    ArrayExpr *array = makeNode(ArrayExpr);
    array->array_typeid = get_array_type(key.type);
    array->array_collid = key.collation;
    array->element_typeid = key.type;
    array->elements = list_make1(makeVar(1, column, key.type, key.typmod, key.collation, 0));
    array->location = -1;
    return reinterpret_cast<Node *>(array);
}

/* What the index has of a key; nulls_equal: all NULLs are the same to it, or it makes no difference. */
PG_GUARDED IndexElem *key_element(Oid table, const model::Key &key, AttrNumber column, bool nulls_equal)
{
    if (key.hashed)
        return index_element(nullptr, catalog::key_hash(key, column));
    return key.nullable && !nulls_equal && catalog::can_be_wrapped(key)
               ? index_element(nullptr, wrapped(key, column))
               : index_element(get_attname(table, column, false), nullptr);
}

PG_GUARDED bool keys_are_not_null(const model::View &view)
{
    return std::none_of(view.row_keys().begin(), view.row_keys().end(),
                        [](const model::Key &key) { return key.nullable; });
}

/* Can an index over the keys tell rows by itself? */
PG_GUARDED bool can_be_unique(const model::Array<model::Key> &keys)
{
    return keys.size <= INDEX_MAX_KEYS &&
           std::none_of(keys.begin(), keys.end(), [](const model::Key &key) { return key.hashed; });
}

/* The index over the keys: unique, if it can be. */
PG_GUARDED IndexStmt *key_index_statement(Oid table, const model::View &view, bool of_state)
{
    const AttrNumber *columns = catalog::key_columns(view, of_state);
    const model::Array<model::Key> &keys = view.row_keys();
    const bool not_null = keys_are_not_null(view);
    const bool unique = can_be_unique(keys);
    IndexStmt *statement = index_statement(
        table, unique && not_null && keys.size > 0 && !of_state ? "pkey" : "key", "btree", NIL);
    statement->unique = unique;
    /* A key that is never NULL may be so later: a child without that constraint is a change of rows first. */
    const bool nulls_equal =
        (of_state || !not_null) && (!statement->unique || pg::set_nulls_not_distinct(statement));
    Bitmapset *covered = nullptr;
    for (int i = 0; i < keys.size && list_length(statement->indexParams) < INDEX_MAX_KEYS; i++) {
        if (columns[i] == 0 || bms_is_member(columns[i], covered))
            continue;
        covered = bms_add_member(covered, columns[i]);
        statement->indexParams =
            lappend(statement->indexParams, key_element(table, keys[i], columns[i], nulls_equal));
    }
    if (keys.size == 0)
        statement->indexParams = list_make1(index_element(nullptr, makeBoolConst(true, false)));
    return statement;
}

/* Can a hash of the column's values be computed, whatever is in them? */
PG_GUARDED bool is_hashable(TupleDesc type, int i)
{
    Form_pg_attribute attribute = TupleDescAttr(type, i);
    return !attribute->attisdropped && !pg::is_virtual(type, static_cast<AttrNumber>(i + 1)) &&
           OidIsValid(
               lookup_type_cache(attribute->atttypid, TYPECACHE_HASH_EXTENDED_PROC)->hash_extended_proc);
}

/* hash_record_extended(ROW(...), 0) over those of the first columns that can be hashed; NULL: none can. */
PG_GUARDED Node *hash_of_row(TupleDesc type, int columns)
{
    RowExpr *row = makeNode(RowExpr);
    for (int i = 0; i < columns; i++) {
        Form_pg_attribute attribute = TupleDescAttr(type, i);
        if (!is_hashable(type, i))
            continue;
        row->args = lappend(row->args, makeVar(1, attribute->attnum, attribute->atttypid,
                                               attribute->atttypmod, attribute->attcollation, 0));
        row->colnames = lappend(row->colnames, makeString(psprintf("f%d", list_length(row->args))));
    }
    row->row_typeid = RECORDOID;
    row->row_format = COERCE_EXPLICIT_CALL;
    row->location = -1;
    return row->args == NIL ? nullptr : pg::hash_of_record(reinterpret_cast<Expr *>(row));
}

/* The most bytes that fixed columns take in an index over values. */
constexpr int widest_row = 1000;

/* Without a hash of rows: the columns of a fixed size, or the first that can be hashed. */
PG_GUARDED IndexStmt *column_index_statement(Oid table, TupleDesc type, int columns)
{
    List *elements = NIL;
    IndexElem *hashed = nullptr;
    int width = 0;
    for (int i = 0; i < columns; i++) {
        Form_pg_attribute attribute = TupleDescAttr(type, i);
        if (!is_hashable(type, i))
            continue;
        const bool fixed =
            attribute->attlen > 0 && OidIsValid(GetDefaultOpClass(attribute->atttypid, BTREE_AM_OID));
        if (fixed && width + attribute->attlen <= widest_row && list_length(elements) < INDEX_MAX_KEYS) {
            elements = lappend(elements, index_element(pstrdup(NameStr(attribute->attname)), nullptr));
            width += attribute->attlen;
        } else if (hashed == nullptr && OidIsValid(GetDefaultOpClass(attribute->atttypid, HASH_AM_OID))) {
            hashed = index_element(pstrdup(NameStr(attribute->attname)), nullptr);
        }
    }
    if (elements != NIL)
        return index_statement(table, "idx", "btree", elements);
    return hashed == nullptr ? nullptr : index_statement(table, "idx", "hash", list_make1(hashed));
}

/* The view as the index over its keys sees it, if that is to be built of rows that are there. */
PG_GUARDED const model::View &view_for_index(Relation table, const model::View &view, bool of_state,
                                             bool build)
{
    return build && !of_state && holds_long_keys(table, view) ? *catalog::view_by_hash(view) : view;
}

/*
 * The index over values; NULL where no column has a suitable type.  Its entries are short, whatever is in the
 * table: a row must not be refused because an index of ours can't take it.
 */
PG_GUARDED IndexStmt *row_index_statement(Relation table, const model::View &view)
{
    TupleDesc type = RelationGetDescr(table);
    const int columns = Min(type->natts, catalog::shown_columns(view));
    if (!pg::has_hash_of_record())
        return column_index_statement(RelationGetRelid(table), type, columns);
    Node *hash = hash_of_row(type, columns);
    return hash == nullptr ? nullptr
                           : index_statement(RelationGetRelid(table), "idx", "btree",
                                             list_make1(index_element(nullptr, hash)));
}

/* The index over the keys by which rows are told that are computed anew together. */
PG_GUARDED IndexStmt *lookup_index_statement(Oid table, const model::View &view)
{
    IndexStmt *statement = index_statement(table, "idx", view.lookup_hashed ? "hash" : "btree", NIL);
    Bitmapset *covered = nullptr;
    for (const model::Column column : catalog::lookup_columns(view)) {
        if (!bms_is_member(column, covered))
            statement->indexParams =
                lappend(statement->indexParams, index_element(get_attname(table, column, false), nullptr));
        covered = bms_add_member(covered, column);
    }
    return statement;
}

/* Is there an index that tells rows of the view apart, or finds them by all of their values? */
PG_GUARDED bool has_index(Relation table, const model::View &view, bool of_state)
{
    if (of_state || view.keys_visible)
        return OidIsValid(catalog::find_key_index(table, view, of_state));
    const Oid index = catalog::find_row_index(table, catalog::shown_columns(view));
    return OidIsValid(index) && catalog::is_selective(table, index);
}

/* Constraints of the table with an index: Oids, and those of the indexes. */
PG_GUARDED List *unique_constraints(Oid table, List **indexes)
{
    List *constraints = NIL;
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
    Relation catalog_table = table_open(ConstraintRelationId, AccessShareLock);
    SysScanDesc scan =
        systable_beginscan(catalog_table, ConstraintRelidTypidNameIndexId, true, nullptr, 1, &key);
    for (HeapTuple row = systable_getnext(scan); HeapTupleIsValid(row); row = systable_getnext(scan)) {
        const auto *form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(row));
        if (form->contype != CONSTRAINT_PRIMARY && form->contype != CONSTRAINT_UNIQUE)
            continue;
        constraints = lappend_oid(constraints, form->oid);
        *indexes = lappend_oid(*indexes, form->conindid);
    }
    systable_endscan(scan);
    table_close(catalog_table, AccessShareLock);
    return constraints;
}

/* A statement that would create a unique index with the plain columns and the name of this one. */
PG_GUARDED IndexStmt *plain_copy(Oid table, Oid index_oid)
{
    List *elements = NIL;
    Relation index = index_open(index_oid, AccessShareLock);
    for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
        elements = lappend(
            elements, index_element(get_attname(table, index->rd_index->indkey.values[i], false), nullptr));
    IndexStmt *statement = index_statement(table, "key", "btree", elements);
    statement->idxname = pstrdup(RelationGetRelationName(index));
    statement->unique = true;
    if (pg::nulls_not_distinct(index))
        pg::set_nulls_not_distinct(statement);
    index_close(index, AccessShareLock);
    return statement;
}

} // namespace

/* Create the index by which rows are found that are computed anew together, unless there is one. */
PG_GUARDED static void create_lookup_index(Oid table, const model::View &view, bool build)
{
    Relation opened = table_open(table, AccessShareLock);
    const bool there = OidIsValid(catalog::find_lookup_index(opened, view));
    table_close(opened, NoLock);
    if (there)
        return;
    pg::define_index(table, lookup_index_statement(table, view), !build);
    CommandCounterIncrement();
}

PG_GUARDED bool create_indexes(Oid table, const model::View &view, bool of_state, bool build,
                               Oid *primary_key)
{
    const bool by_key = of_state || view.keys_visible;
    if (!of_state && catalog::needs_lookup_index(view)) {
        create_lookup_index(table, view, build);
        if (!by_key)
            return true;
    }
    Relation opened = table_open(table, AccessShareLock);
    const bool there = has_index(opened, view, of_state);
    IndexStmt *statement =
        there    ? nullptr
        : by_key ? key_index_statement(table, view_for_index(opened, view, of_state, build), of_state)
                 : row_index_statement(opened, view);
    table_close(opened, NoLock);
    if (there)
        return true;
    if (statement == nullptr)
        return false;
    const Oid index = pg::define_index(table, statement, !build);
    CommandCounterIncrement();
    if (by_key && !of_state && statement->unique && view.row_keys().size > 0 && keys_are_not_null(view))
        *primary_key = index;
    return true;
}

PG_GUARDED void create_plain_index(Oid table, const List *columns)
{
    List *elements = NIL;
    for (int column : pg::each_int(columns))
        elements = lappend(
            elements, index_element(get_attname(table, static_cast<AttrNumber>(column), false), nullptr));
    pg::define_index(table, index_statement(table, "idx", "btree", elements), false);
    CommandCounterIncrement();
}

PG_GUARDED void make_primary_key(Oid table, Oid index)
{
    IndexStmt *statement = makeNode(IndexStmt);
    statement->indexOid = index;
    statement->idxname = get_rel_name(index);
    statement->relation = makeRangeVar(get_namespace_name(get_rel_namespace(table)), get_rel_name(table), -1);
    statement->accessMethod = pstrdup("btree");
    statement->unique = true;
    statement->primary = true;
    statement->isconstraint = true;
    statement->transformed = true;
    AlterTableCmd *command = makeNode(AlterTableCmd);
    command->subtype = AT_AddIndexConstraint;
    command->def = reinterpret_cast<Node *>(statement);
    alter_table(table, list_make1(command));
}

/* Does anything depend on the object that isn't a part of it? */
PG_GUARDED static bool has_dependents(Oid class_id, Oid object)
{
    bool found = false;
    pg::each_dependent(class_id, object, [&](const FormData_pg_depend &dependent) {
        found = found || dependent.deptype == DEPENDENCY_NORMAL;
    });
    return found;
}

/* An error where others depend on an index that is to make room for one that can't be unique. */
PG_GUARDED static void check_replaceable(Oid table, Oid index)
{
    if (has_dependents(RelationRelationId, index) ||
        has_dependents(ConstraintRelationId, get_index_constraint(index)))
        ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                errmsg("group keys are too long for the primary key of incremental materialized table %s",
                       name_of(table)),
                errdetail("An index that takes them can't be a primary key, and others depend on this one."),
                errhint("Drop the foreign keys that refer to the table, and the views and tables that group "
                        "by its primary key; or keep such keys out of its sources."));
}

PG_GUARDED bool hash_key_index(Oid table, const model::View &view, bool of_state, bool build, Oid made)
{
    LockRelationOid(table, AccessExclusiveLock);
    const Oid index = catalog::index_to_hash(table, view, of_state, made);
    if (!OidIsValid(index))
        return false;
    check_replaceable(table, index);
    pg::define_index(table, key_index_statement(table, *catalog::view_by_hash(view), of_state), !build);
    CommandCounterIncrement();
    drop_index(index);
    return true;
}

PG_GUARDED void drop_primary_key(Oid table)
{
    LockRelationOid(table, AccessExclusiveLock);
    const Oid index = catalog::primary_key_index(table);
    if (OidIsValid(index))
        drop_index(index);
}

PG_GUARDED void drop_index(Oid index)
{
    const Oid constraint = get_index_constraint(index);
    ObjectAddress address;
    if (OidIsValid(constraint))
        ObjectAddressSet(address, ConstraintRelationId, constraint);
    else
        ObjectAddressSet(address, RelationRelationId, index);
    performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
    CommandCounterIncrement();
}

PG_GUARDED void constraints_to_indexes(Oid table)
{
    List *indexes = NIL;
    List *constraints = unique_constraints(table, &indexes);
    ListCell *index = list_head(indexes);
    for (Oid constraint : pg::each_oid(constraints)) {
        IndexStmt *statement = plain_copy(table, lfirst_oid(index));
        ObjectAddress address;
        ObjectAddressSet(address, ConstraintRelationId, constraint);
        performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
        pg::define_index(table, statement, false);
        CommandCounterIncrement();
        index = pg::next_cell(indexes, index);
    }
}

PG_GUARDED bool has_other_unique_index(Relation table, Oid own)
{
    bool found = false;
    for (Oid oid : pg::each_oid(RelationGetIndexList(table))) {
        Relation index = index_open(oid, AccessShareLock);
        found = found || (oid != own && (index->rd_index->indisunique || index->rd_index->indisexclusion));
        index_close(index, NoLock);
    }
    return found;
}

} // namespace rebuild
