/*
 * changes.cpp - the rows of a table that a transaction changed.
 *
 * A tuplestore's temporary file belongs to a resource owner, and is closed with a complaint if it is still
 * there when that one is released.  Ours are made under the owner of the (sub)transaction, not of the
 * statement.  When a subtransaction commits, rows that are in a file are copied into one of its parent's; and
 * nothing may be added any more to those in memory, which may go to a file under an owner that is gone: the
 * set is sealed.
 */
#include "flush/changes.hpp"

#include "pg/list.hpp"

namespace flush {

namespace {

PG_GUARDED Tuplestorestate *make_store(ResourceOwner owner)
{
    ResourceOwner caller = CurrentResourceOwner;
    CurrentResourceOwner = owner;
    Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
    CurrentResourceOwner = caller;
    return store;
}

/* The store of one sign, made if need be; one that is borrowed is copied first. */
PG_GUARDED Tuplestorestate *store_of(TableChanges *changes, delta::Sign sign)
{
    MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(changes));
    if (changes->borrowed) {
        const TableChanges lent = *changes;
        changes->borrowed = false;
        changes->added = changes->removed = nullptr;
        if (lent.added != nullptr)
            note_rows(changes, delta::Sign::In, lent.added);
        if (lent.removed != nullptr)
            note_rows(changes, delta::Sign::Out, lent.removed);
    }
    Tuplestorestate *&store = sign == delta::Sign::In ? changes->added : changes->removed;
    if (store == nullptr)
        store = make_store(CurTransactionResourceOwner);
    MemoryContextSwitchTo(caller);
    return store;
}

PG_GUARDED void copy_rows(Tuplestorestate *to, TupleDesc type, Tuplestorestate *rows)
{
    TupleTableSlot *row = MakeSingleTupleTableSlot(type, &TTSOpsMinimalTuple);
    tuplestore_select_read_pointer(rows, 0);
    tuplestore_rescan(rows);
    while (tuplestore_gettupleslot(rows, true, false, row)) {
        CHECK_FOR_INTERRUPTS();
        tuplestore_puttupleslot(to, row);
    }
    ExecDropSingleTupleTableSlot(row);
}

PG_GUARDED void hand_up_store(Tuplestorestate **store, TupleDesc type)
{
    if (*store == nullptr || tuplestore_in_memory(*store))
        return;
    Tuplestorestate *copy = make_store(ResourceOwnerGetParent(CurTransactionResourceOwner));
    copy_rows(copy, type, *store);
    tuplestore_end(*store);
    *store = copy;
}

} // namespace

PG_GUARDED TableChanges *changes_of(List **list, Oid table, TupleDesc type)
{
    for (auto *changes : pg::each<TableChanges>(*list))
        if (changes->table == table && !changes->sealed)
            return changes;
    auto *changes = static_cast<TableChanges *>(palloc0(sizeof(TableChanges)));
    changes->table = table;
    changes->type = CreateTupleDescCopyConstr(type);
    *list = lappend(*list, changes);
    return changes;
}

PG_GUARDED void note_row(TableChanges *changes, delta::Sign sign, TupleTableSlot *row)
{
    tuplestore_puttupleslot(store_of(changes, sign), row);
}

PG_GUARDED void note_rows(TableChanges *changes, delta::Sign sign, Tuplestorestate *rows)
{
    copy_rows(store_of(changes, sign), changes->type, rows);
}

PG_GUARDED void hand_up_rows(TableChanges *changes)
{
    MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(changes));
    hand_up_store(&changes->added, changes->type);
    hand_up_store(&changes->removed, changes->type);
    changes->sealed = true;
    MemoryContextSwitchTo(caller);
}

PG_GUARDED void close_rows(TableChanges *changes)
{
    for (Tuplestorestate **store : {&changes->added, &changes->removed}) {
        if (*store != nullptr && !changes->borrowed)
            tuplestore_end(*store);
        *store = nullptr;
    }
}

PG_GUARDED void gather(List **list, const TableChanges &changes)
{
    for (auto *gathered : pg::each<TableChanges>(*list)) {
        if (gathered->table != changes.table)
            continue;
        if (changes.added != nullptr)
            note_rows(gathered, delta::Sign::In, changes.added);
        if (changes.removed != nullptr)
            note_rows(gathered, delta::Sign::Out, changes.removed);
        return;
    }
    auto *lent = static_cast<TableChanges *>(palloc(sizeof(TableChanges)));
    *lent = changes;
    lent->sealed = false;
    lent->borrowed = true;
    *list = lappend(*list, lent);
}

PG_GUARDED model::Array<delta::ChangedTable> as_changed_tables(const List *list)
{
    model::Array<delta::ChangedTable> tables = {.data = static_cast<delta::ChangedTable *>(palloc(
                                                    sizeof(delta::ChangedTable) * (list_length(list) + 1))),
                                                .size = 0};
    for (auto *changes : pg::each<TableChanges>(list))
        tables.data[tables.size++] = {.table = changes->table,
                                      .type = changes->type,
                                      .added = changes->added,
                                      .removed = changes->removed};
    return tables;
}

} // namespace flush
