/*
 * multiset.cpp - two multisets of rows, compared.
 *
 * An open addressing hash table of distinct rows, each with how often it was added less how often it was
 * removed.  Before a row is looked up its values are put into a canonical form: out-of-line and compressed
 * values are fetched, values compared by Text are replaced by their text, NaNs by one NaN.  Rows are never
 * taken out again, so probing needs no tombstones.  All rows stay in memory: a comparison takes about as
 * much of it as the larger multiset.
 *
 * Roughly equal floats are those in the same cell of a grid: the bits of a float, read as an integer, grow
 * with the number, so cutting the lowest off makes cells of equal relative width.  Two floats next to each
 * other may lie on both sides of a border; so what the first grid leaves over is compared once more on a
 * grid whose borders are in the middle of the first one's cells.
 */
#include "rebuild/multiset.hpp"

#include <cmath>
#include <limits>

namespace rebuild {

namespace {

/* A column, ready to be compared. */
struct ComparedColumn {
    Compare rule;
    Oid type; /* of the canonical value; never a domain */
    int16 length;
    Oid collation;
    FmgrInfo hash;   /* Equality */
    FmgrInfo equal;  /* Equality */
    FmgrInfo output; /* Text */
};

struct Entry {
    HeapTuple row; /* NULL: free */
    int64 count;
    uint32 hash;
};

} // namespace

struct RowMultiset {
    MemoryContext context;
    MemoryContext scratch; /* reset for each row */
    TupleDesc canonical;
    int columns;
    ComparedColumn *column;
    int grid; /* 0 or 1; see above */

    Entry *entries;
    uint64 capacity; /* a power of two */
    uint64 used;

    /* The row in hand; and one to compare it with. */
    Datum *values;
    bool *nulls;
    Datum *other_values;
    bool *other_nulls;
};

namespace {

constexpr uint64 first_capacity = 1024;

/* Bits cut off for a grid: 40 of 52 remain for double precision, 19 of 23 for real. */
constexpr int float8_cut = 12;
constexpr int float4_cut = 4;

PG_GUARDED bool has_equality(Oid type, ComparedColumn *column)
{
    TypeCacheEntry *cached = lookup_type_cache(type, TYPECACHE_HASH_PROC_FINFO | TYPECACHE_EQ_OPR_FINFO);
    if (!OidIsValid(cached->hash_proc_finfo.fn_oid) || !OidIsValid(cached->eq_opr_finfo.fn_oid))
        return false;
    fmgr_info(cached->hash_proc_finfo.fn_oid, &column->hash);
    fmgr_info(cached->eq_opr_finfo.fn_oid, &column->equal);
    return true;
}

PG_GUARDED ComparedColumn prepare_column(Form_pg_attribute attribute, Compare rule)
{
    ComparedColumn column{};
    column.rule = attribute->attisdropped ? Compare::Ignored : rule;
    column.type = attribute->attisdropped ? BOOLOID : getBaseType(attribute->atttypid);
    column.collation = attribute->attcollation;
    if (column.rule == Compare::Equality && !has_equality(column.type, &column))
        column.rule = Compare::Text;
    if (column.rule == Compare::Text) {
        Oid output = InvalidOid;
        bool varlena = false;
        getTypeOutputInfo(column.type, &output, &varlena);
        fmgr_info(output, &column.output);
        column.type = TEXTOID;
    }
    column.length = get_typlen(column.type);
    return column;
}

template <class T>
PG_GUARDED T *allocate_array(uint64 size)
{
    return static_cast<T *>(MemoryContextAllocExtended(CurrentMemoryContext, sizeof(T) * Max(size, 1),
                                                       MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
}

/* Columns ready to be compared are given, and owned by a multiset that lives as long. */
PG_GUARDED RowMultiset *make(MemoryContext context, TupleDesc canonical, ComparedColumn *column, int grid)
{
    MemoryContext caller = MemoryContextSwitchTo(context);
    auto *multiset = static_cast<RowMultiset *>(palloc0(sizeof(RowMultiset)));
    multiset->context = context;
    multiset->scratch = AllocSetContextCreate(context, "pg_imat compared row", ALLOCSET_DEFAULT_SIZES);
    multiset->canonical = canonical;
    multiset->columns = canonical->natts;
    multiset->column = column;
    multiset->grid = grid;
    multiset->capacity = first_capacity;
    multiset->entries = allocate_array<Entry>(first_capacity);
    multiset->values = allocate_array<Datum>(multiset->columns);
    multiset->nulls = allocate_array<bool>(multiset->columns);
    multiset->other_values = allocate_array<Datum>(multiset->columns);
    multiset->other_nulls = allocate_array<bool>(multiset->columns);
    MemoryContextSwitchTo(caller);
    return multiset;
}

/* One NaN for all; and where 0 and -0 are the same, 0. */
template <class Float>
PG_GUARDED Float canonical_float(Float number, Compare rule)
{
    if (std::isnan(number))
        return std::numeric_limits<Float>::quiet_NaN();
    return rule == Compare::Roughly && number == 0 ? 0 : number;
}

PG_GUARDED Datum canonical_value(ComparedColumn *column, Datum value)
{
    switch (column->rule) {
    case Compare::Text:
        return CStringGetTextDatum(OutputFunctionCall(&column->output, value));
    case Compare::Bits:
    case Compare::Roughly:
        return column->type == FLOAT4OID
                   ? Float4GetDatum(canonical_float(DatumGetFloat4(value), column->rule))
                   : Float8GetDatum(canonical_float(DatumGetFloat8(value), column->rule));
    case Compare::Equality:
    case Compare::Ignored:
        break;
    }
    return column->length == -1 ? PointerGetDatum(PG_DETOAST_DATUM(value)) : value;
}

/* Take a row in hand. */
PG_GUARDED void take(RowMultiset *multiset, TupleTableSlot *row)
{
    slot_getsomeattrs(row, multiset->columns);
    for (int i = 0; i < multiset->columns; i++) {
        ComparedColumn *column = &multiset->column[i];
        multiset->nulls[i] = row->tts_isnull[i] || column->rule == Compare::Ignored;
        multiset->values[i] = multiset->nulls[i] ? Datum{0} : canonical_value(column, row->tts_values[i]);
    }
}

/* The cell of the grid that a float is in; the float itself for Compare::Bits. */
PG_GUARDED uint64 cell_of(const ComparedColumn &column, int grid, Datum value)
{
    uint64 bits = 0;
    int cut = 0;
    if (column.type == FLOAT4OID) {
        const float4 number = DatumGetFloat4(value);
        uint32 half = 0;
        memcpy(&half, &number, sizeof half);
        bits = half;
        cut = float4_cut;
    } else {
        const float8 number = DatumGetFloat8(value);
        memcpy(&bits, &number, sizeof bits);
        cut = float8_cut;
    }
    if (column.rule == Compare::Bits)
        return bits;
    return (bits + (grid == 0 ? 0 : UINT64CONST(1) << (cut - 1))) >> cut;
}

PG_GUARDED uint64 hash_value(ComparedColumn *column, int grid, Datum value)
{
    switch (column->rule) {
    case Compare::Equality:
        return DatumGetUInt32(FunctionCall1Coll(&column->hash, column->collation, value));
    case Compare::Text: {
        const text *written = DatumGetTextPP(value);
        return pg::hash_of_bytes(VARDATA_ANY(written), static_cast<int>(VARSIZE_ANY_EXHDR(written)));
    }
    case Compare::Bits:
    case Compare::Roughly: {
        const uint64 cell = cell_of(*column, grid, value);
        return pg::hash_of_bytes(&cell, sizeof cell);
    }
    case Compare::Ignored:
        break;
    }
    return 0;
}

/* The hash of the row in hand; the upper half of the products depends on all bits of all columns. */
PG_GUARDED uint32 hash_row(RowMultiset *multiset)
{
    uint64 hash = 0;
    for (int i = 0; i < multiset->columns; i++) {
        const uint64 value =
            multiset->nulls[i] ? 0 : hash_value(&multiset->column[i], multiset->grid, multiset->values[i]);
        hash = ((hash ^ (hash >> 32)) + value + 1) * UINT64CONST(0x9E3779B97F4A7C15);
    }
    return static_cast<uint32>(hash >> 32);
}

PG_GUARDED bool values_equal(ComparedColumn *column, int grid, Datum a, Datum b)
{
    switch (column->rule) {
    case Compare::Equality:
        return DatumGetBool(FunctionCall2Coll(&column->equal, column->collation, a, b));
    case Compare::Text: {
        const text *left = DatumGetTextPP(a);
        const text *right = DatumGetTextPP(b);
        return VARSIZE_ANY_EXHDR(left) == VARSIZE_ANY_EXHDR(right) &&
               memcmp(VARDATA_ANY(left), VARDATA_ANY(right), VARSIZE_ANY_EXHDR(left)) == 0;
    }
    case Compare::Bits:
    case Compare::Roughly:
        return cell_of(*column, grid, a) == cell_of(*column, grid, b);
    case Compare::Ignored:
        break;
    }
    return true;
}

/* Does the row in hand equal this one? */
PG_GUARDED bool equals(RowMultiset *multiset, HeapTuple row)
{
    heap_deform_tuple(row, multiset->canonical, multiset->other_values, multiset->other_nulls);
    for (int i = 0; i < multiset->columns; i++) {
        if (multiset->nulls[i] != multiset->other_nulls[i])
            return false;
        if (!multiset->nulls[i] && !values_equal(&multiset->column[i], multiset->grid, multiset->values[i],
                                                 multiset->other_values[i]))
            return false;
    }
    return true;
}

/* Keep the table at most two thirds full. */
PG_GUARDED void make_room(RowMultiset *multiset)
{
    if ((multiset->used + 1) * 3 <= multiset->capacity * 2)
        return;
    MemoryContext caller = MemoryContextSwitchTo(multiset->context);
    const uint64 capacity = multiset->capacity * 2;
    auto *entries = allocate_array<Entry>(capacity);
    for (uint64 i = 0; i < multiset->capacity; i++) {
        if (multiset->entries[i].row == nullptr)
            continue;
        uint64 place = multiset->entries[i].hash & (capacity - 1);
        while (entries[place].row != nullptr)
            place = (place + 1) & (capacity - 1);
        entries[place] = multiset->entries[i];
    }
    pfree(multiset->entries);
    multiset->entries = entries;
    multiset->capacity = capacity;
    MemoryContextSwitchTo(caller);
}

/* Count the row in hand. */
PG_GUARDED void count(RowMultiset *multiset, int64 times)
{
    make_room(multiset);
    const uint32 hash = hash_row(multiset);
    uint64 place = hash & (multiset->capacity - 1);
    while (multiset->entries[place].row != nullptr) {
        Entry &entry = multiset->entries[place];
        if (entry.hash == hash && equals(multiset, entry.row)) {
            entry.count += times;
            return;
        }
        place = (place + 1) & (multiset->capacity - 1);
    }
    MemoryContext caller = MemoryContextSwitchTo(multiset->context);
    HeapTuple row = heap_form_tuple(multiset->canonical, multiset->values, multiset->nulls);
    MemoryContextSwitchTo(caller);
    multiset->entries[place] = {.row = row, .count = times, .hash = hash};
    multiset->used++;
}

/* Count a row, leaving nothing behind but the count. */
PG_GUARDED void count_row(RowMultiset *multiset, TupleTableSlot *row, int64 times)
{
    CHECK_FOR_INTERRUPTS();
    MemoryContext caller = MemoryContextSwitchTo(multiset->scratch);
    take(multiset, row);
    count(multiset, times);
    MemoryContextSwitchTo(caller);
    MemoryContextReset(multiset->scratch);
}

/* The rows left over, on the other grid. */
PG_GUARDED RowMultiset *shifted(RowMultiset *multiset)
{
    RowMultiset *other = make(multiset->context, multiset->canonical, multiset->column, 1);
    for (uint64 i = 0; i < multiset->capacity; i++) {
        const Entry &entry = multiset->entries[i];
        if (entry.row == nullptr || entry.count == 0)
            continue;
        CHECK_FOR_INTERRUPTS();
        MemoryContext caller = MemoryContextSwitchTo(other->scratch);
        heap_deform_tuple(entry.row, other->canonical, other->values, other->nulls);
        count(other, entry.count);
        MemoryContextSwitchTo(caller);
        MemoryContextReset(other->scratch);
    }
    return other;
}

} // namespace

PG_GUARDED RowMultiset *make_multiset(TupleDesc type, const model::Array<Compare> &rules)
{
    MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "pg_imat compared rows", ALLOCSET_DEFAULT_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(context);
    auto *column = allocate_array<ComparedColumn>(rules.size);
    TupleDesc canonical = CreateTemplateTupleDesc(rules.size);
    for (int i = 0; i < rules.size; i++) {
        column[i] = prepare_column(TupleDescAttr(type, i), rules[i]);
        TupleDescInitEntry(canonical, static_cast<AttrNumber>(i + 1), nullptr, column[i].type, -1, 0);
    }
    pg::finalize_tuple_desc(canonical);
    MemoryContextSwitchTo(caller);
    return make(context, canonical, column, 0);
}

PG_GUARDED void add(RowMultiset *multiset, TupleTableSlot *row)
{
    count_row(multiset, row, 1);
}

PG_GUARDED void remove(RowMultiset *multiset, TupleTableSlot *row)
{
    count_row(multiset, row, -1);
}

PG_GUARDED int64 leftovers(RowMultiset *multiset)
{
    bool rough = false;
    for (int i = 0; i < multiset->columns; i++)
        rough = rough || multiset->column[i].rule == Compare::Roughly;
    if (rough && multiset->grid == 0)
        multiset = shifted(multiset);

    int64 left = 0;
    for (uint64 i = 0; i < multiset->capacity; i++)
        if (multiset->entries[i].row != nullptr)
            left += multiset->entries[i].count < 0 ? -multiset->entries[i].count : multiset->entries[i].count;
    return left;
}

PG_GUARDED void free_multiset(RowMultiset *multiset)
{
    MemoryContextDelete(multiset->context);
}

} // namespace rebuild
