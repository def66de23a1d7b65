/*
 * difference.cpp - by which rows a table differs from the rows that it should have.
 *
 * The rows wanted are put into a hash table, by their key; then each row of the table looks for its like
 * there.  Found and the same: nothing to do.  Found, but different: an update.  Not found: to be deleted.
 * What nobody looked for is to be inserted.  Where there is no key the whole row is the key, and the same
 * row may be wanted several times: then there are no updates, and entries count.
 *
 * "The same" is decided on the bytes of the rows' images: values flattened (no toast pointers, no
 * compression), formed into a minimal tuple, whose padding is zero.  So 1.0 and 1.00, or two spellings that a
 * collation calls equal, do differ, as they should for what is shown.  Equal values with different images
 * cost a needless write, and nothing else.
 *
 * Memory: what the hash table may take is bounded by maintenance_work_mem (or work_mem, if more); wanted
 * rows that don't fit are taken in several rounds, each with the rows of one share of the hash space, and
 * each with a scan of the table under the same snapshot.  Nothing is written to the table here.
 */
#include "rebuild/difference.hpp"

namespace rebuild {

namespace {

/* A wanted row, and how often it is wanted still. */
struct Entry {
    uint64 hash;
    const char *key;
    int key_length;
    int64 wanted; /* 0 after all were found; an unused entry has no key */
    MinimalTuple row;
};

/* The wanted rows of one round: open addressing, linear probing, at most half full. */
struct Wanted {
    Entry *entries;
    uint64 mask;
};

/* One comparison at work. */
struct Comparison {
    Relation table;
    Spool *spool;
    const AttrNumber *key;
    int key_size;
    int rounds;
    int64 limit;
    Difference *difference;
    MemoryContext round_context; /* the hash table and its rows */
    StringInfoData key_image;    /* of the row at hand */
    TupleTableSlot *stored;      /* a row of a tuplestore */
};

/* How many bytes the rows of one round may take. */
PG_GUARDED int64 memory_budget()
{
    return static_cast<int64>(Max(work_mem, maintenance_work_mem)) * 1024;
}

PG_GUARDED bool whole_row_is_key(const Comparison &comparison)
{
    return comparison.key_size < 0;
}

/* Append what a value looks like.  The slot's values are flat. */
PG_GUARDED void append_value_image(StringInfo image, Form_pg_attribute attribute, Datum value, bool null)
{
    appendStringInfoChar(image, static_cast<char>(null));
    if (null)
        return;
    if (attribute->attbyval)
        appendBinaryStringInfo(image, reinterpret_cast<const char *>(&value), sizeof value);
    else
        appendBinaryStringInfo(image, DatumGetPointer(value),
                               static_cast<int>(datumGetSize(value, false, attribute->attlen)));
}

/* The bytes of the key of a flat row. */
PG_GUARDED void make_key_image(Comparison &comparison, TupleTableSlot *row)
{
    resetStringInfo(&comparison.key_image);
    for (int i = 0; i < comparison.key_size; i++) {
        const int column = comparison.key[i] - 1;
        append_value_image(&comparison.key_image, TupleDescAttr(row->tts_tupleDescriptor, column),
                           row->tts_values[column], row->tts_isnull[column]);
    }
}

/* Values of the row, flattened, in the spool's flat slot; in the current memory context. */
PG_GUARDED TupleTableSlot *flatten(Spool *spool, TupleTableSlot *row)
{
    TupleTableSlot *flat = spool->flat;
    ExecClearTuple(flat);
    slot_getsomeattrs(row, spool->type->natts);
    for (int i = 0; i < spool->type->natts; i++) {
        const bool varlena = TupleDescAttr(spool->type, i)->attlen == -1;
        flat->tts_isnull[i] = row->tts_isnull[i];
        if (row->tts_isnull[i])
            flat->tts_values[i] = Datum(0);
        else
            flat->tts_values[i] =
                varlena ? PointerGetDatum(PG_DETOAST_DATUM(row->tts_values[i])) : row->tts_values[i];
    }
    return ExecStoreVirtualTuple(flat);
}

/* The image of a row and of its key: what the hash table works with. */
PG_GUARDED Entry describe_row(Comparison &comparison, TupleTableSlot *flat)
{
    Entry entry = {};
    entry.row = ExecCopySlotMinimalTuple(flat);
    entry.wanted = 1;
    if (whole_row_is_key(comparison)) {
        entry.key = reinterpret_cast<const char *>(entry.row);
        entry.key_length = static_cast<int>(entry.row->t_len);
    } else {
        make_key_image(comparison, flat);
        entry.key = comparison.key_image.data;
        entry.key_length = comparison.key_image.len;
    }
    entry.hash = pg::hash_of_bytes(entry.key, entry.key_length);
    return entry;
}

/* Does the row belong to the round?  The upper half of the hash decides, the lower finds the entry. */
PG_GUARDED bool is_of_round(const Comparison &comparison, const Entry &entry, int round)
{
    return static_cast<int>((entry.hash >> 32) % static_cast<uint64>(comparison.rounds)) == round;
}

/* The entry with the same key, or the unused one where it belongs. */
PG_GUARDED Entry *look_up(const Wanted &wanted, const Entry &like)
{
    for (uint64 i = like.hash & wanted.mask;; i = (i + 1) & wanted.mask) {
        Entry *entry = &wanted.entries[i];
        if (entry->key == nullptr ||
            (entry->hash == like.hash && entry->key_length == like.key_length &&
             memcmp(entry->key, like.key, static_cast<std::size_t>(like.key_length)) == 0))
            return entry;
    }
}

/* Are the rows the same to the last bit? */
PG_GUARDED bool same_row(const Entry &one, const Entry &other)
{
    return one.row->t_len == other.row->t_len && memcmp(one.row, other.row, one.row->t_len) == 0;
}

/* Put the wanted rows of a round into a hash table, in the round's context. */
PG_GUARDED Wanted load_round(Comparison &comparison, int round)
{
    Spool *spool = comparison.spool;
    uint64 size = 64;
    while (size < static_cast<uint64>(spool->count / comparison.rounds + 1) * 3)
        size *= 2;
    Wanted wanted = {.entries = nullptr, .mask = size - 1};
    wanted.entries = static_cast<Entry *>(MemoryContextAllocExtended(
        comparison.round_context, size * sizeof(Entry), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));

    uint64 used = 0;
    tuplestore_rescan(spool->rows);
    while (tuplestore_gettupleslot(spool->rows, true, false, comparison.stored)) {
        MemoryContextReset(spool->scratch);
        MemoryContext caller = MemoryContextSwitchTo(spool->scratch);
        Entry row = describe_row(comparison, flatten(spool, comparison.stored));
        MemoryContextSwitchTo(caller);
        if (!is_of_round(comparison, row, round))
            continue;
        Entry *entry = look_up(wanted, row);
        if (entry->key != nullptr) {
            if (!whole_row_is_key(comparison))
                elog(ERROR, "the definition of \"%s\" has two rows for one key",
                     RelationGetRelationName(comparison.table));
            entry->wanted++;
            continue;
        }
        if (++used == size)
            elog(ERROR, "hash values of rows are not evenly spread");
        caller = MemoryContextSwitchTo(comparison.round_context);
        *entry = row;
        entry->row = static_cast<MinimalTuple>(palloc(row.row->t_len));
        memcpy(entry->row, row.row, row.row->t_len);
        if (whole_row_is_key(comparison)) {
            entry->key = reinterpret_cast<const char *>(entry->row);
        } else {
            auto *key = static_cast<char *>(palloc(static_cast<Size>(row.key_length) + 1));
            memcpy(key, row.key, static_cast<std::size_t>(row.key_length));
            entry->key = key;
        }
        MemoryContextSwitchTo(caller);
    }
    return wanted;
}

PG_GUARDED void add_place(Places &places, const ItemPointerData &place)
{
    if (places.size == places.capacity) {
        places.capacity = Max(places.capacity * 2, 1024);
        const Size bytes = static_cast<Size>(places.capacity) * sizeof(ItemPointerData);
        places.data = static_cast<ItemPointerData *>(places.data == nullptr
                                                         ? MemoryContextAllocHuge(CurrentMemoryContext, bytes)
                                                         : repalloc_huge(places.data, bytes));
    }
    places.data[places.size++] = place;
}

/* Put a row of the hash table into a tuplestore. */
PG_GUARDED void store_row(Comparison &comparison, Tuplestorestate *store, MinimalTuple row)
{
    ExecStoreMinimalTuple(row, comparison.stored, false);
    tuplestore_puttupleslot(store, comparison.stored);
    ExecClearTuple(comparison.stored);
}

/* One row of the table looks for its like. */
PG_GUARDED void match_row(Comparison &comparison, const Wanted &wanted, const Entry &row, ItemPointer place)
{
    Difference *difference = comparison.difference;
    Entry *entry = look_up(wanted, row);
    if (entry->key == nullptr || entry->wanted == 0) {
        add_place(difference->deleted, *place);
        return;
    }
    entry->wanted--;
    if (whole_row_is_key(comparison) || same_row(*entry, row))
        return;
    add_place(difference->updated, *place);
    store_row(comparison, difference->updated_rows, entry->row);
}

PG_GUARDED bool is_over_limit(const Comparison &comparison)
{
    const Difference *difference = comparison.difference;
    return comparison.limit >= 0 &&
           difference->deleted.size + difference->updated.size + difference->inserted > comparison.limit;
}

/* Let each row of the table that belongs to the round look for its like; false: the limit was reached. */
PG_GUARDED bool scan_table(Comparison &comparison, const Wanted &wanted, int round, Snapshot snapshot)
{
    Spool *spool = comparison.spool;
    TupleTableSlot *row = table_slot_create(comparison.table, nullptr);
    TableScanDesc scan = table_beginscan(comparison.table, snapshot, 0, nullptr);
    while (!is_over_limit(comparison) && table_scan_getnextslot(scan, ForwardScanDirection, row)) {
        CHECK_FOR_INTERRUPTS();
        MemoryContextReset(spool->scratch);
        MemoryContext caller = MemoryContextSwitchTo(spool->scratch);
        const Entry image = describe_row(comparison, flatten(spool, row));
        MemoryContextSwitchTo(caller);
        if (is_of_round(comparison, image, round))
            match_row(comparison, wanted, image, &row->tts_tid);
    }
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(row);
    return !is_over_limit(comparison);
}

/* What nobody looked for is to be inserted. */
PG_GUARDED void collect_inserts(Comparison &comparison, const Wanted &wanted)
{
    Difference *difference = comparison.difference;
    for (uint64 i = 0; i <= wanted.mask; i++)
        for (int64 n = 0; n < wanted.entries[i].wanted; n++) {
            store_row(comparison, difference->inserted_rows, wanted.entries[i].row);
            difference->inserted++;
        }
}

} // namespace

PG_GUARDED Spool *begin_spool(TupleDesc type)
{
    auto *spool = static_cast<Spool *>(palloc0(sizeof(Spool)));
    spool->type = CreateTupleDescCopy(type);
    spool->rows = tuplestore_begin_heap(true, false, work_mem);
    spool->flat = MakeSingleTupleTableSlot(spool->type, &TTSOpsVirtual);
    spool->scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_imat row", ALLOCSET_DEFAULT_SIZES);
    return spool;
}

PG_GUARDED void spool_row(void *self, TupleTableSlot *row)
{
    auto *spool = static_cast<Spool *>(self);
    MemoryContextReset(spool->scratch);
    MemoryContext caller = MemoryContextSwitchTo(spool->scratch);
    TupleTableSlot *flat = flatten(spool, row);
    spool->bytes +=
        static_cast<int64>(heap_compute_data_size(spool->type, flat->tts_values, flat->tts_isnull));
    MemoryContextSwitchTo(caller);
    tuplestore_puttupleslot(spool->rows, flat);
    spool->count++;
}

PG_GUARDED void end_spool(Spool *spool)
{
    tuplestore_end(spool->rows);
    ExecDropSingleTupleTableSlot(spool->flat);
    MemoryContextDelete(spool->scratch);
    pfree(spool);
}

PG_GUARDED Difference *compare(Relation table, Spool *spool, const AttrNumber *key, int key_size,
                               Snapshot snapshot, int64 limit)
{
    auto *difference = static_cast<Difference *>(palloc0(sizeof(Difference)));
    difference->updated_rows = tuplestore_begin_heap(true, false, work_mem);
    difference->inserted_rows = tuplestore_begin_heap(true, false, work_mem);

    const int64 bytes = spool->bytes + spool->count * static_cast<int64>(3 * sizeof(Entry) + 64);
    Comparison comparison = {};
    comparison.table = table;
    comparison.spool = spool;
    comparison.key = key;
    comparison.key_size = key_size;
    comparison.rounds = static_cast<int>(Min(bytes / memory_budget() + 1, 1024));
    comparison.limit = limit;
    comparison.difference = difference;
    comparison.stored = MakeSingleTupleTableSlot(spool->type, &TTSOpsMinimalTuple);
    initStringInfo(&comparison.key_image);
    difference->complete = true;
    for (int round = 0; round < comparison.rounds && difference->complete; round++) {
        comparison.round_context =
            AllocSetContextCreate(CurrentMemoryContext, "pg_imat wanted rows", ALLOCSET_DEFAULT_SIZES);
        const Wanted wanted = load_round(comparison, round);
        difference->complete = scan_table(comparison, wanted, round, snapshot);
        if (difference->complete)
            collect_inserts(comparison, wanted);
        difference->complete = difference->complete && !is_over_limit(comparison);
        MemoryContextDelete(comparison.round_context);
    }
    ExecDropSingleTupleTableSlot(comparison.stored);
    pfree(comparison.key_image.data);
    return difference;
}

PG_GUARDED void free_difference(Difference *difference)
{
    tuplestore_end(difference->updated_rows);
    tuplestore_end(difference->inserted_rows);
    if (difference->deleted.data != nullptr)
        pfree(difference->deleted.data);
    if (difference->updated.data != nullptr)
        pfree(difference->updated.data);
    pfree(difference);
}

} // namespace rebuild
