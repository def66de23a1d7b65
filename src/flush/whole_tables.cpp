/*
 * whole_tables.cpp - partitions and inheritance children that come and go are changes of their rows.
 *
 * To the tables above, a partition that is attached is as good as its rows inserted, and one that is detached
 * or dropped as its rows deleted.  No trigger tells, so the rows are read here, a few at a time, and captured
 * like any others.  The caller has locked the tables against writers: what others wrote to them has been
 * committed, so a fresh snapshot shows it; and what this transaction wrote to them while they were not below
 * the parent, nobody has captured for the parent.
 *
 * That costs as much as the rows, while to compute the IMATs anew costs as much as those of the parent.  So
 * the caller asks first which are fewer, and says otherwise only that something has changed.
 */
#include "catalog/catalog.hpp"
#include "flush/capture.hpp"
#include "flush/change.hpp"
#include "pg/list.hpp"

namespace flush {

namespace {

/* So many rows are captured at once. */
constexpr int64 rows_at_once = 10000;

/* A row that can do without what is stored apart from it, which may go with its table. */
PG_GUARDED void put_row(Tuplestorestate *store, TupleTableSlot *row)
{
    bool ours;
    HeapTuple tuple = ExecFetchSlotHeapTuple(row, false, &ours);
    if (HeapTupleHasExternal(tuple)) {
        HeapTuple flat = toast_flatten_tuple(tuple, row->tts_tupleDescriptor);
        tuplestore_puttuple(store, flat);
        heap_freetuple(flat);
    } else {
        tuplestore_puttuple(store, tuple);
    }
    if (ours)
        heap_freetuple(tuple);
}

/* Capture some rows of a table for those above. */
PG_GUARDED void capture_some(Relation table, Tuplestorestate *store, bool come,
                             const model::Array<Oid> &above)
{
    const Rows rows = {.store = store, .single = nullptr};
    const Change change = {.table = RelationGetRelid(table),
                           .type = RelationGetDescr(table),
                           .removed = come ? Rows{} : rows,
                           .added = come ? rows : Rows{},
                           .truncated = false,
                           .below = false};
    for (Oid ancestor : above)
        capture_above(change, ancestor);
}

/* Capture all rows of a table for those above. */
PG_GUARDED void capture_all(Oid oid, Snapshot snapshot, bool come, const model::Array<Oid> &above)
{
    Relation table = table_open(oid, NoLock);
    TupleTableSlot *row = table_slot_create(table, nullptr);
    TableScanDesc scan = table_beginscan(table, snapshot, 0, nullptr);
    Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
    int64 rows = 0;
    while (table_scan_getnextslot(scan, ForwardScanDirection, row)) {
        CHECK_FOR_INTERRUPTS();
        put_row(store, row);
        if (++rows < rows_at_once)
            continue;
        capture_some(table, store, come, above);
        tuplestore_clear(store);
        rows = 0;
    }
    if (rows > 0)
        capture_some(table, store, come, above);
    tuplestore_end(store);
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(row);
    table_close(table, NoLock);
}

} // namespace

PG_GUARDED void capture_tables(const List *tables, Oid parent, bool come)
{
    const model::Array<Oid> above = catalog::copy_of(delta::sources_above(parent));
    CommandCounterIncrement();
    pg::push_latest_snapshot();
    for (Oid table : pg::each_oid(tables))
        if (get_rel_relkind(table) == RELKIND_RELATION)
            capture_all(table, GetActiveSnapshot(), come, above);
    PopActiveSnapshot();
}

PG_GUARDED void capture_hierarchy(Oid parent)
{
    for (Oid ancestor : catalog::copy_of(delta::sources_above(parent)))
        capture_unknown(ancestor);
}

} // namespace flush
