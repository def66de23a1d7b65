/*
 * registration.cpp - reading and writing imat.registered and imat.source.
 *
 * They are ordinary tables, accessed as PostgreSQL accesses its own catalogs: index scans under a catalog
 * snapshot, so that what an earlier command of the transaction wrote is seen, and no SQL, so that neither
 * search_path nor privileges matter.
 */
#include "catalog/registration.hpp"

#include <algorithm>

namespace catalog {

namespace {

/* Columns of imat.registered; see sql/20_catalog.sql. */
enum RegisteredColumn : AttrNumber {
    COLUMN_IMAT = 1,
    COLUMN_DEFINITION,
    COLUMN_STATE,
    COLUMN_STATE_CURRENT,
    COLUMN_STATE_LAYOUT,
    COLUMN_MULTIPLICITIES,
    COLUMN_SUBQUERIES,
    COLUMN_OVER_SUBQUERIES,
    COLUMN_OLD_VIEW,
    COLUMN_OLD_SCHEMA,
    COLUMN_MAINTENANCE,
    COLUMN_STRATEGY,
    COLUMN_SETTINGS,
    COLUMN_CREATED_AT,
    COLUMN_SWAPS,
    COLUMN_TRUSTED,
    COLUMN_IDENTIFIED,
    REGISTERED_COLUMNS = COLUMN_IDENTIFIED
};

/* Columns of imat.source. */
enum SourceColumn : AttrNumber { COLUMN_SOURCE_IMAT = 1, COLUMN_SOURCE, SOURCE_COLUMNS = COLUMN_SOURCE };

/* Visit the rows whose column equals the Oid (InvalidOid: all rows), through the index if there is one. */
template <class Visit>
PG_GUARDED void scan(Relation table, const char *index, AttrNumber column, Oid value, Visit visit)
{
    ScanKeyData key;
    ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
    const Oid index_oid = index == nullptr ? InvalidOid : relation_of_ours(index);
    SysScanDesc descriptor =
        systable_beginscan(table, index_oid, OidIsValid(index_oid), nullptr, OidIsValid(value) ? 1 : 0, &key);
    for (HeapTuple row = systable_getnext(descriptor); HeapTupleIsValid(row);
         row = systable_getnext(descriptor))
        visit(row);
    systable_endscan(descriptor);
}

PG_GUARDED Oid oid_or_invalid(Datum value, bool null)
{
    return null ? InvalidOid : DatumGetObjectId(value);
}

/* An array of regclass; NULL stands for the empty one. */
PG_GUARDED model::Array<Oid> oids_in(Datum value, bool null)
{
    Datum *elements = nullptr;
    model::Array<Oid> oids = {};
    if (null)
        return oids;
    deconstruct_array(DatumGetArrayTypeP(value), REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT, &elements,
                      nullptr, &oids.size);
    oids.data = static_cast<Oid *>(palloc(sizeof(Oid) * (oids.size + 1)));
    for (int i = 0; i < oids.size; ++i)
        oids[i] = DatumGetObjectId(elements[i]);
    return oids;
}

PG_GUARDED ArrayType *array_of(const model::Array<Oid> &oids)
{
    auto *elements = static_cast<Datum *>(palloc(sizeof(Datum) * (oids.size + 1)));
    for (int i = 0; i < oids.size; ++i)
        elements[i] = ObjectIdGetDatum(oids[i]);
    return construct_array(elements, oids.size, REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT);
}

PG_GUARDED void read_registration(HeapTuple row, TupleDesc type, Registration *registration)
{
    Datum values[REGISTERED_COLUMNS];
    bool nulls[REGISTERED_COLUMNS];
    heap_deform_tuple(row, type, values, nulls);
    auto value = [&](RegisteredColumn column) { return values[column - 1]; };
    auto null = [&](RegisteredColumn column) { return nulls[column - 1]; };

    registration->imat = DatumGetObjectId(value(COLUMN_IMAT));
    registration->definition = DatumGetObjectId(value(COLUMN_DEFINITION));
    registration->state = oid_or_invalid(value(COLUMN_STATE), null(COLUMN_STATE));
    registration->state_current = DatumGetBool(value(COLUMN_STATE_CURRENT));
    registration->state_layout =
        null(COLUMN_STATE_LAYOUT) ? nullptr : TextDatumGetCString(value(COLUMN_STATE_LAYOUT));
    registration->multiplicities = oids_in(value(COLUMN_MULTIPLICITIES), null(COLUMN_MULTIPLICITIES));
    registration->subqueries = oids_in(value(COLUMN_SUBQUERIES), null(COLUMN_SUBQUERIES));
    registration->over_subqueries =
        oid_or_invalid(value(COLUMN_OVER_SUBQUERIES), null(COLUMN_OVER_SUBQUERIES));
    registration->old_view = oid_or_invalid(value(COLUMN_OLD_VIEW), null(COLUMN_OLD_VIEW));
    namestrcpy(&registration->old_schema, NameStr(*DatumGetName(value(COLUMN_OLD_SCHEMA))));
    registration->maintenance = static_cast<model::Maintenance>(DatumGetChar(value(COLUMN_MAINTENANCE)));
    registration->strategy = static_cast<model::Strategy>(DatumGetChar(value(COLUMN_STRATEGY)));
    registration->settings = null(COLUMN_SETTINGS) ? nullptr : DatumGetArrayTypePCopy(value(COLUMN_SETTINGS));
    registration->created_at = DatumGetTimestampTz(value(COLUMN_CREATED_AT));
    registration->swaps = DatumGetInt64(value(COLUMN_SWAPS));
    registration->trusted = DatumGetBool(value(COLUMN_TRUSTED));
    registration->identified = DatumGetBool(value(COLUMN_IDENTIFIED));
}

PG_GUARDED HeapTuple form_registration(const Registration &registration, TupleDesc type)
{
    Datum values[REGISTERED_COLUMNS];
    bool nulls[REGISTERED_COLUMNS] = {};
    auto set = [&](RegisteredColumn column, Datum value, bool null = false) {
        values[column - 1] = value;
        nulls[column - 1] = null;
    };

    set(COLUMN_IMAT, ObjectIdGetDatum(registration.imat));
    set(COLUMN_DEFINITION, ObjectIdGetDatum(registration.definition));
    set(COLUMN_STATE, ObjectIdGetDatum(registration.state), !OidIsValid(registration.state));
    set(COLUMN_STATE_CURRENT, BoolGetDatum(registration.state_current));
    const char *layout = registration.state_layout;
    set(COLUMN_STATE_LAYOUT, layout == nullptr ? Datum(0) : CStringGetTextDatum(layout), layout == nullptr);
    const model::Array<Oid> &multiplicities = registration.multiplicities;
    set(COLUMN_MULTIPLICITIES, PointerGetDatum(array_of(multiplicities)), multiplicities.size == 0);
    const model::Array<Oid> &subqueries = registration.subqueries;
    set(COLUMN_SUBQUERIES, PointerGetDatum(array_of(subqueries)), subqueries.size == 0);
    set(COLUMN_OVER_SUBQUERIES, ObjectIdGetDatum(registration.over_subqueries),
        !OidIsValid(registration.over_subqueries));
    set(COLUMN_OLD_VIEW, ObjectIdGetDatum(registration.old_view), !OidIsValid(registration.old_view));
    set(COLUMN_OLD_SCHEMA, NameGetDatum(&registration.old_schema));
    set(COLUMN_MAINTENANCE, CharGetDatum(static_cast<char>(registration.maintenance)));
    set(COLUMN_STRATEGY, CharGetDatum(static_cast<char>(registration.strategy)));
    set(COLUMN_SETTINGS, PointerGetDatum(registration.settings), registration.settings == nullptr);
    set(COLUMN_CREATED_AT, TimestampTzGetDatum(registration.created_at));
    set(COLUMN_SWAPS, Int64GetDatum(registration.swaps));
    set(COLUMN_TRUSTED, BoolGetDatum(registration.trusted));
    set(COLUMN_IDENTIFIED, BoolGetDatum(registration.identified));
    return heap_form_tuple(type, values, nulls);
}

/* The Oids in one column of the rows of imat.source whose other column has the value, in order. */
PG_GUARDED model::Array<Oid> related(const char *index, AttrNumber by, Oid value, AttrNumber wanted)
{
    List *found = NIL;
    Relation table = table_open(relation_of_ours("source"), AccessShareLock);
    scan(table, index, by, value, [&](HeapTuple row) {
        bool null;
        found = list_append_unique_oid(
            found, DatumGetObjectId(heap_getattr(row, wanted, RelationGetDescr(table), &null)));
    });
    table_close(table, AccessShareLock);
    return sorted_oids(found);
}

/* Delete the rows of one of our tables that are about the IMAT. */
PG_GUARDED void delete_rows(const char *name, const char *index, AttrNumber column, Oid imat)
{
    Relation table = table_open(relation_of_ours(name), RowExclusiveLock);
    scan(table, index, column, imat, [&](HeapTuple row) { CatalogTupleDelete(table, &row->t_self); });
    table_close(table, RowExclusiveLock);
}

/* Write the tables that it reads. */
PG_GUARDED void insert_sources(Oid imat, const model::Array<model::Source> &sources)
{
    Relation table = table_open(relation_of_ours("source"), RowExclusiveLock);
    for (const model::Source &source : sources) {
        Datum values[SOURCE_COLUMNS] = {ObjectIdGetDatum(imat), ObjectIdGetDatum(source.relation)};
        bool nulls[SOURCE_COLUMNS] = {};
        CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), values, nulls));
        CacheInvalidateRelcacheByRelid(source.relation);
    }
    table_close(table, RowExclusiveLock);
}

/* Delete them. */
PG_GUARDED void delete_sources(Oid imat)
{
    const model::Array<Oid> sources = sources_of(imat);
    delete_rows("source", nullptr, COLUMN_SOURCE_IMAT, imat);
    for (Oid source : sources)
        if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(source)))
            CacheInvalidateRelcacheByRelid(source);
}

} // namespace

PG_GUARDED model::Array<Oid> in_order(const List *list)
{
    model::Array<Oid> result = {.data = static_cast<Oid *>(palloc(sizeof(Oid) * (list_length(list) + 1))),
                                .size = 0};
    for (Oid oid : pg::each_oid(list))
        result.data[result.size++] = oid;
    return result;
}

PG_GUARDED model::Array<Oid> sorted_oids(List *list)
{
    model::Array<Oid> result = in_order(list);
    qsort(result.data, result.size, sizeof(Oid), oid_cmp);
    list_free(list);
    return result;
}

PG_GUARDED bool is_installed()
{
    const Oid schema = get_namespace_oid("imat", true);
    return OidIsValid(schema) && OidIsValid(get_relname_relid("registered", schema)) &&
           OidIsValid(get_relname_relid("source", schema)) &&
           OidIsValid(get_relname_relid("registered_pkey", schema)) &&
           OidIsValid(get_relname_relid("source_pkey", schema));
}

PG_GUARDED Oid relation_of_ours(const char *name)
{
    const Oid schema = get_namespace_oid("imat", true);
    const Oid relation = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
    if (!OidIsValid(relation))
        ereport(
            ERROR, errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation \"imat.%s\" does not exist", name),
            errdetail("It belongs to extension pg_imat, which is not installed in this database or damaged."),
            errhint("Run CREATE EXTENSION pg_imat."));
    return relation;
}

PG_GUARDED bool is_table_of_ours(Oid table)
{
    return table == relation_of_ours("registered") || table == relation_of_ours("source");
}

PG_GUARDED bool find(Oid imat, Registration *registration)
{
    bool found = false;
    Relation table = table_open(relation_of_ours("registered"), AccessShareLock);
    scan(table, "registered_pkey", COLUMN_IMAT, imat, [&](HeapTuple row) {
        read_registration(row, RelationGetDescr(table), registration);
        found = true;
    });
    table_close(table, AccessShareLock);
    return found;
}

PG_GUARDED model::Array<Oid> copy_of(const model::Array<Oid> &oids)
{
    auto *copy = static_cast<Oid *>(palloc(sizeof(Oid) * (oids.size + 1)));
    std::copy(oids.begin(), oids.end(), copy);
    return {.data = copy, .size = oids.size};
}

PG_GUARDED bool fits_state(const Registration &registration, const model::View &view)
{
    return OidIsValid(registration.state) && registration.multiplicities.size == view.distincts.size;
}

PG_GUARDED bool keeps_groups_in(const Registration &registration, Oid relation)
{
    bool found = OidIsValid(relation) && relation == registration.state;
    for (Oid table : registration.multiplicities)
        found = found || relation == table;
    return found;
}

PG_GUARDED bool is_imat(Oid relation)
{
    Registration ignored = {};
    return find(relation, &ignored);
}

PG_GUARDED void insert(const Registration &registration, const model::Array<model::Source> &sources)
{
    Relation table = table_open(relation_of_ours("registered"), RowExclusiveLock);
    CatalogTupleInsert(table, form_registration(registration, RelationGetDescr(table)));
    table_close(table, RowExclusiveLock);
    insert_sources(registration.imat, sources);
    CacheInvalidateRelcacheByRelid(registration.imat);
    CommandCounterIncrement();
}

PG_GUARDED void replace_sources(Oid imat, const model::Array<model::Source> &sources)
{
    delete_sources(imat);
    CommandCounterIncrement();
    insert_sources(imat, sources);
    CacheInvalidateRelcacheByRelid(imat);
    CommandCounterIncrement();
}

PG_GUARDED void update(const Registration &registration)
{
    Relation table = table_open(relation_of_ours("registered"), RowExclusiveLock);
    scan(table, "registered_pkey", COLUMN_IMAT, registration.imat, [&](HeapTuple row) {
        CatalogTupleUpdate(table, &row->t_self, form_registration(registration, RelationGetDescr(table)));
    });
    table_close(table, RowExclusiveLock);
    CacheInvalidateRelcacheByRelid(registration.imat);
    CommandCounterIncrement();
}

PG_GUARDED void remove(Oid imat)
{
    delete_rows("registered", "registered_pkey", COLUMN_IMAT, imat);
    delete_sources(imat);
    CommandCounterIncrement();
}

PG_GUARDED model::Array<Oid> imats_on(Oid table)
{
    return related("source_pkey", COLUMN_SOURCE, table, COLUMN_SOURCE_IMAT);
}

PG_GUARDED model::Array<Oid> sources_of(Oid imat)
{
    return related(nullptr, COLUMN_SOURCE_IMAT, imat, COLUMN_SOURCE);
}

PG_GUARDED model::Array<Oid> all_imats()
{
    List *found = NIL;
    Relation table = table_open(relation_of_ours("registered"), AccessShareLock);
    scan(table, nullptr, COLUMN_IMAT, InvalidOid, [&](HeapTuple row) {
        bool null;
        found = lappend_oid(found,
                            DatumGetObjectId(heap_getattr(row, COLUMN_IMAT, RelationGetDescr(table), &null)));
    });
    table_close(table, AccessShareLock);
    return sorted_oids(found);
}

PG_GUARDED Oid keeper_of(Oid table)
{
    for (Oid imat : all_imats()) {
        Registration registration = {};
        if (!find(imat, &registration))
            continue;
        for (Oid subquery : registration.subqueries)
            if (subquery == table)
                return imat;
    }
    return InvalidOid;
}

PG_GUARDED Oid outermost_keeper(Oid imat)
{
    for (Oid keeper = keeper_of(imat); OidIsValid(keeper); keeper = keeper_of(imat))
        imat = keeper;
    return imat;
}

} // namespace catalog
