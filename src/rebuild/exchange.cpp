/*
 * exchange.cpp - a new heap beside the old, and the moment they change places.
 *
 * REFRESH MATERIALIZED VIEW keeps readers out while it computes and while it builds the indexes.  Here all
 * of that is done first, on a transient table that nobody else can see: its heap is filled, then a copy of
 * every index is built on it.  Only then readers are locked out, for as long as it takes to swap some rows
 * of pg_class: heap with heap, each index with its copy.  What is swapped is where the contents are
 * (relfilenode, tablespace, toast table, statistics of size, freezing horizon); Oids, names, privileges and
 * dependencies stay.  The transient table, which then has the old contents, is dropped.
 *
 * Rows are written frozen, since the heap is new in this (sub)transaction: if that is rolled back, so is the
 * heap.  As with REFRESH, a transaction whose snapshot is older than ours and that reads the table
 * afterwards sees the new contents.
 *
 * Locks: the caller holds ShareRowExclusiveLock on the table throughout; lock_for_exchange adds what the
 * swap needs, on everything whose pg_class row changes or that goes with the old contents.
 *
 * Follows swap_relation_files and finish_heap_swap (PostgreSQL, commands/cluster.c) with
 * swap_toast_by_content = false, and intorel_receive (commands/createas.c).
 */
#include "rebuild/exchange.hpp"

#include "apply/apply.hpp"
#include "pg/list.hpp"

namespace rebuild {

struct NewHeap {
    Relation old;
    Relation heap; /* the transient table */
    apply::Writer *writer;
    BulkInsertState bulk;
    int64 rows;
    List *indexes; /* Oids of the table's indexes */
    List *copies;  /* Oids of their copies, in the same order */
};

namespace {

/* How often, and how long apart, a lock is tried for that must not be waited for. */
constexpr int lock_tries = 20;
constexpr long lock_pause_microseconds = 2000;

/* Has an index of the table an exclusion constraint? */
PG_GUARDED bool has_exclusion_constraint(Relation table)
{
    bool found = false;
    for (Oid oid : pg::each_oid(RelationGetIndexList(table))) {
        Relation index = index_open(oid, AccessShareLock);
        found = found || index->rd_index->indisexclusion;
        index_close(index, NoLock);
    }
    return found;
}

/* A writable copy of the row of pg_class. */
PG_GUARDED HeapTuple class_row(Oid relation)
{
    HeapTuple row = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(row))
        elog(ERROR, "cache lookup failed for relation %u", relation);
    return row;
}

/* Record the size of a heap that has no index whose build would have recorded it. */
PG_GUARDED void record_size(Relation heap, int64 rows)
{
    Relation classes = table_open(RelationRelationId, RowExclusiveLock);
    HeapTuple row = class_row(RelationGetRelid(heap));
    auto *form = reinterpret_cast<Form_pg_class>(GETSTRUCT(row));
    form->relpages = static_cast<int32>(RelationGetNumberOfBlocks(heap));
    form->reltuples = static_cast<float4>(rows);
    CatalogTupleUpdate(classes, &row->t_self, row);
    heap_freetuple(row);
    table_close(classes, RowExclusiveLock);
    CommandCounterIncrement();
}

/* Copy the definition of an index onto the new heap, and build it. */
PG_GUARDED Oid build_copy(NewHeap *new_heap, Oid index_oid)
{
    Relation index = index_open(index_oid, AccessShareLock);
    const Oid copy = pg::copy_index(new_heap->heap, index, psprintf("pg_temp_%u", index_oid));
    index_close(index, NoLock);
    CommandCounterIncrement();

    Relation built = index_open(copy, AccessExclusiveLock);
    index_build(new_heap->heap, built, BuildIndexInfo(built), false, true);
    index_close(built, NoLock);
    CommandCounterIncrement();
    return copy;
}

/* Has the table a fillfactor that somebody gave it? */
PG_GUARDED bool has_fill_factor(HeapTuple class_row)
{
    bool null;
    bool found = false;
    const Datum options = SysCacheGetAttr(RELOID, class_row, Anum_pg_class_reloptions, &null);
    for (auto *option : pg::each<DefElem>(null ? NIL : untransformRelOptions(options)))
        found = found || strcmp(option->defname, "fillfactor") == 0;
    return found;
}

/*
 * Have pages of the heap, which is nobody's yet, not be filled up.  Options of its own go with it.
 *
 * PostgreSQL prunes a page of dead rows whenever it is read with less than a tenth of it free, which in a
 * page that was filled up is at every update; the more room, the more updates share one pruning, which takes
 * as long as the page has rows.  (As a fillfactor of the table itself this would not help: then the page is
 * pruned whenever that much is not free.)  And with room for a second version of every row, a transaction
 * that updates all of them makes no index entries.
 */
PG_GUARDED void leave_room(Oid heap, Filled filled)
{
    HeapTuple row = class_row(heap);
    if (has_fill_factor(row))
        return;
    Relation classes = table_open(RelationRelationId, RowExclusiveLock);
    bool null;
    const Datum options = SysCacheGetAttr(RELOID, row, Anum_pg_class_reloptions, &null);
    Node *percent = reinterpret_cast<Node *>(makeInteger(static_cast<int>(filled)));
    List *added = list_make1(makeDefElem(pstrdup("fillfactor"), percent, -1));
    Datum values[Natts_pg_class] = {};
    bool nulls[Natts_pg_class] = {};
    bool changed[Natts_pg_class] = {};
    changed[Anum_pg_class_reloptions - 1] = true;
    values[Anum_pg_class_reloptions - 1] =
        transformRelOptions(null ? Datum(0) : options, added, nullptr, nullptr, false, false);
    HeapTuple written = heap_modify_tuple(row, RelationGetDescr(classes), values, nulls, changed);
    CatalogTupleUpdate(classes, &written->t_self, written);
    table_close(classes, RowExclusiveLock);
    CommandCounterIncrement();
}

template <class Value>
void swap_values(Value &one, Value &other)
{
    const Value kept = one;
    one = other;
    other = kept;
}

/* Two relations change their places on disk, and for tables their toast tables. */
PG_GUARDED void swap_storage(Oid kept, Oid transient)
{
    Relation classes = table_open(RelationRelationId, RowExclusiveLock);
    HeapTuple kept_row = class_row(kept);
    HeapTuple transient_row = class_row(transient);
    auto *one = reinterpret_cast<Form_pg_class>(GETSTRUCT(kept_row));
    auto *other = reinterpret_cast<Form_pg_class>(GETSTRUCT(transient_row));

    swap_values(one->relfilenode, other->relfilenode);
    swap_values(one->reltablespace, other->reltablespace);
    swap_values(one->relpersistence, other->relpersistence);
    swap_values(one->reltoastrelid, other->reltoastrelid);
    swap_values(one->relpages, other->relpages);
    swap_values(one->reltuples, other->reltuples);
    swap_values(one->relallvisible, other->relallvisible);
    swap_values(one->relfrozenxid, other->relfrozenxid);
    swap_values(one->relminmxid, other->relminmxid);
    pg::swap_all_frozen(one, other);

    Relation kept_relation = relation_open(kept, NoLock);
    Relation transient_relation = relation_open(transient, NoLock);
    pg::note_storage_swap(kept_relation, transient_relation);
    relation_close(transient_relation, NoLock);
    relation_close(kept_relation, NoLock);

    CatalogTupleUpdate(classes, &kept_row->t_self, kept_row);
    CatalogTupleUpdate(classes, &transient_row->t_self, transient_row);
    heap_freetuple(kept_row);
    heap_freetuple(transient_row);
    table_close(classes, RowExclusiveLock);
    pg::close_storage(kept);
    pg::close_storage(transient);
}

/* Toast tables belong to the tables that they are linked to. */
PG_GUARDED void own_toast_table(Oid table, Oid toast)
{
    if (!OidIsValid(toast))
        return;
    deleteDependencyRecordsFor(RelationRelationId, toast, false);
    ObjectAddress owner;
    ObjectAddress owned;
    ObjectAddressSet(owner, RelationRelationId, table);
    ObjectAddressSet(owned, RelationRelationId, toast);
    recordDependencyOn(&owned, &owner, DEPENDENCY_INTERNAL);
}

/* The toast table that came with the new heap gets the name that goes with the table. */
PG_GUARDED void rename_toast_table(Oid table)
{
    Relation opened = table_open(table, NoLock);
    const Oid toast = opened->rd_rel->reltoastrelid;
    table_close(opened, NoLock);
    if (!OidIsValid(toast))
        return;
    const Oid index = toast_get_valid_index(toast, NoLock);
    RenameRelationInternal(toast, psprintf("pg_toast_%u", table), true, false);
    RenameRelationInternal(index, psprintf("pg_toast_%u_index", table), true, true);
    CommandCounterIncrement();
}

/* Everything that lock_for_exchange locks besides the table itself. */
PG_GUARDED List *parts_of(Relation table)
{
    List *parts = list_copy(RelationGetIndexList(table));
    const Oid toast = table->rd_rel->reltoastrelid;
    if (OidIsValid(toast)) {
        parts = lappend_oid(parts, toast);
        parts = lappend_oid(parts, toast_get_valid_index(toast, AccessShareLock));
    }
    return parts;
}

PG_GUARDED void drop_transient(Oid heap)
{
    ObjectAddress address;
    ObjectAddressSet(address, RelationRelationId, heap);
    performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
}

} // namespace

PG_GUARDED bool is_exchangeable(Relation table)
{
    return table->rd_refcnt == 1 && !AfterTriggerPendingOnRel(RelationGetRelid(table)) &&
           !apply::has_row_triggers(table) && !has_exclusion_constraint(table) &&
           !(RelationIsLogicallyLogged(table) && pg::is_published(table));
}

PG_GUARDED NewHeap *begin_new_heap(Relation table, TupleDesc row_type, Filled filled)
{
    auto *new_heap = static_cast<NewHeap *>(palloc0(sizeof(NewHeap)));
    new_heap->old = table;
    const Oid heap = pg::make_transient_heap(table, ShareRowExclusiveLock);
    if (filled != Filled::All)
        leave_room(heap, filled);
    new_heap->heap = table_open(heap, AccessExclusiveLock);
    new_heap->writer = apply::open_writer(table, row_type, false);
    new_heap->writer->command = GetCurrentCommandId(true);
    new_heap->bulk = GetBulkInsertState();
    return new_heap;
}

PG_GUARDED void add_row(void *self, TupleTableSlot *row)
{
    auto *new_heap = static_cast<NewHeap *>(self);
    TupleTableSlot *slot = apply::prepare_row(new_heap->writer, row);
    table_tuple_insert(new_heap->heap, slot, new_heap->writer->command,
                       TABLE_INSERT_SKIP_FSM | TABLE_INSERT_FROZEN, new_heap->bulk);
    new_heap->rows++;
}

PG_GUARDED void end_new_heap(NewHeap *new_heap)
{
    FreeBulkInsertState(new_heap->bulk);
    table_finish_bulk_insert(new_heap->heap, TABLE_INSERT_SKIP_FSM | TABLE_INSERT_FROZEN);
    apply::close_writer(new_heap->writer);
    CommandCounterIncrement();
    record_size(new_heap->heap, new_heap->rows);

    new_heap->indexes = list_copy(RelationGetIndexList(new_heap->old));
    for (Oid index : pg::each_oid(new_heap->indexes))
        new_heap->copies = lappend_oid(new_heap->copies, build_copy(new_heap, index));
}

PG_GUARDED bool try_to_lock(Oid relation)
{
    for (int i = 0; i < lock_tries; i++) {
        if (ConditionalLockRelationOid(relation, AccessExclusiveLock))
            return true;
        CHECK_FOR_INTERRUPTS();
        pg_usleep(lock_pause_microseconds);
    }
    return false;
}

PG_GUARDED bool lock_for_exchange(Relation table, bool wait)
{
    auto lock = [&](Oid relation) {
        if (!wait)
            return try_to_lock(relation);
        LockRelationOid(relation, AccessExclusiveLock);
        return true;
    };
    bool locked = lock(RelationGetRelid(table));
    List *parts = locked ? parts_of(table) : NIL;
    for (Oid part : pg::each_oid(parts))
        locked = locked && lock(part);
    return locked;
}

PG_GUARDED void exchange(NewHeap *new_heap)
{
    const Oid table = RelationGetRelid(new_heap->old);
    const Oid transient = RelationGetRelid(new_heap->heap);
    const Oid old_toast = new_heap->old->rd_rel->reltoastrelid;
    const Oid new_toast = new_heap->heap->rd_rel->reltoastrelid;

    CheckTableForSerializableConflictIn(new_heap->old);
    TransferPredicateLocksToHeapRelation(new_heap->old);
    pgstat_count_truncate(new_heap->old);
    pgstat_count_heap_insert(new_heap->old, new_heap->rows);
    table_close(new_heap->heap, NoLock);
    table_close(new_heap->old, NoLock);

    swap_storage(table, transient);
    own_toast_table(table, new_toast);
    own_toast_table(transient, old_toast);
    CommandCounterIncrement();

    ListCell *copy = list_head(new_heap->copies);
    for (Oid index : pg::each_oid(new_heap->indexes)) {
        swap_storage(index, lfirst_oid(copy));
        copy = pg::next_cell(new_heap->copies, copy);
    }
    CommandCounterIncrement();
    drop_transient(transient);
    rename_toast_table(table);
}

PG_GUARDED void discard(NewHeap *new_heap)
{
    const Oid transient = RelationGetRelid(new_heap->heap);
    table_close(new_heap->heap, NoLock);
    drop_transient(transient);
}

} // namespace rebuild
