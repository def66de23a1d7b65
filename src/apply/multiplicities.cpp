/*
 * multiplicities.cpp - how many rows of a group have each value that an aggregate with DISTINCT is over.
 *
 * A table has one row for each group and value that any row of the group has: the group's keys, the value,
 * and the number of those rows.  A value that gets its first row enters what the aggregates are over, one
 * that loses its last leaves it (kernels/multiplicity.hpp); both are folded into the accumulators of the
 * group, and the rest changes nothing but the number.  So a change costs one search in an index for each
 * value that was changed, however many values the group has.
 *
 * Why this is exact under concurrency.  Rows here are read and written by nobody but the holder of the lock
 * on the group's state row, or of the group's birth lock while it has none (apply.cpp).  That lock is held
 * until the transaction ends, and is gotten only when all who had it before have committed or aborted.  So
 * what a search finds is committed or our own, and stays what it is until we write it: nothing has to be
 * locked or waited for here, in whatever order values are taken, and no index has to keep a second row of
 * a value out.  An index that finds values by their hash therefore need not be unique.  Rows of a group that
 * was emptied went with its state row, in the same transaction.
 *
 * Whoever changes a multiplicity writes the state row as well, also where that stays as it was.  So where a
 * transaction with one snapshot finds the state row as its snapshot sees it, the multiplicities are too; it
 * is an error otherwise.
 *
 * The search uses a dirty snapshot, for it must see the latest whatever the transaction's snapshot says, and
 * takes no predicate locks.
 */
#include "apply/multiplicities.hpp"

namespace apply {

PG_GUARDED Multiplicities *Multiplicities::open(delta::Plan *plan, const delta::GroupTable &changes,
                                                int distinct)
{
    const int size = plan->view->keys.size;
    delta::GroupTable *values = changes.values(distinct);
    auto *opened = static_cast<Multiplicities *>(palloc0(sizeof(Multiplicities)));
    opened->distinct_ = distinct;
    opened->layout_ = &values->layout();
    opened->entries_ = values->sorted();
    opened->starts_ = static_cast<int *>(
        MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int) * (static_cast<Size>(changes.size()) + 1)));
    int next = 0;
    for (int number = 0; number <= changes.size(); ++number) {
        opened->starts_[number] = next;
        while (next < opened->entries_.size && DatumGetInt32(opened->entries_[next]->keys()[0]) == number)
            ++next;
    }
    opened->table_ = table_open(plan->registration.multiplicities[distinct], RowExclusiveLock);
    TupleDesc type = RelationGetDescr(opened->table_);
    opened->rows_ = open_writer(opened->table_, type, true);
    opened->by_value_ = Probe::open_values(opened->table_, plan, distinct);
    opened->row_ = MakeSingleTupleTableSlot(type, &TTSOpsVirtual);
    opened->keys_ = static_cast<Datum *>(palloc(sizeof(Datum) * (size + 1)));
    opened->nulls_ = static_cast<bool *>(palloc0(sizeof(bool) * (size + 1)));
    opened->scratch_ =
        AllocSetContextCreate(CurrentMemoryContext, "pg_imat multiplicities", ALLOCSET_SMALL_SIZES);
    return opened;
}

PG_GUARDED void Multiplicities::close()
{
    MemoryContextDelete(scratch_);
    ExecDropSingleTupleTableSlot(row_);
    by_value_->close();
    close_writer(rows_);
    table_close(table_, NoLock);
}

PG_GUARDED bool Multiplicities::has_changes(const delta::Group &change) const
{
    for (int i = starts_[change.number]; i < starts_[change.number + 1]; ++i)
        if (entries_[i]->rows(*layout_) != 0)
            return true;
    return false;
}

PG_GUARDED bool Multiplicities::adjust(const delta::Group &change, const Datum *keys, const bool *nulls,
                                       delta::GroupRow *group)
{
    const int size = row_->tts_tupleDescriptor->natts - 2;
    memcpy(keys_, keys, sizeof(Datum) * size);
    memcpy(nulls_, nulls, sizeof(bool) * size);
    MemoryContext caller = MemoryContextSwitchTo(scratch_);
    bool possible = true;
    for (int i = starts_[change.number]; possible && i < starts_[change.number + 1]; ++i) {
        CHECK_FOR_INTERRUPTS();
        if (entries_[i]->rows(*layout_) != 0)
            possible = adjust_value(*entries_[i], group);
        MemoryContextReset(scratch_);
    }
    MemoryContextSwitchTo(caller);
    return possible;
}

/* Change the multiplicity of one value. */
PG_GUARDED bool Multiplicities::adjust_value(const delta::Group &entry, delta::GroupRow *group)
{
    const int columns = row_->tts_tupleDescriptor->natts;
    const Datum value = entry.keys()[1];
    keys_[columns - 2] = value;
    const bool found = by_value_->look(keys_, nulls_);
    bool null = false;
    int64 count = found ? DatumGetInt64(slot_getattr(by_value_->row(), columns, &null)) : 0;
    switch (kernels::change_count(count, entry.rows(*layout_))) {
    case kernels::Passage::enters:
        group->fold_value(distinct_, value, delta::Sign::In);
        break;
    case kernels::Passage::leaves:
        group->fold_value(distinct_, value, delta::Sign::Out);
        break;
    case kernels::Passage::stays:
        break;
    case kernels::Passage::impossible:
        return false;
    }
    write(found, count);
    return true;
}

/* Write the row of the value that was looked for last: a value keeps the representative that it came with. */
PG_GUARDED void Multiplicities::write(bool found, int64 count)
{
    ItemPointerData where = {};
    if (found)
        where = by_value_->row()->tts_tid;
    if (found && count == 0)
        return delete_row(rows_, &where, GetActiveSnapshot());

    const int columns = row_->tts_tupleDescriptor->natts;
    ExecClearTuple(row_);
    for (int i = 0; i < columns - 1; ++i) {
        row_->tts_isnull[i] = nulls_[i];
        row_->tts_values[i] = found ? slot_getattr(by_value_->row(), i + 1, &row_->tts_isnull[i]) : keys_[i];
    }
    row_->tts_values[columns - 1] = Int64GetDatum(count);
    row_->tts_isnull[columns - 1] = false;
    ExecStoreVirtualTuple(row_);
    if (found)
        update_row(rows_, &where, row_, GetActiveSnapshot());
    else
        insert_row(rows_, row_);
}

} // namespace apply
