/*
 * row_search.cpp - finding a row by all of its values, for tables that don't show their group keys.
 *
 * Several groups may show the same row; then any of their rows will do, as long as no two take the same one.
 * So rows that another transaction has locked are passed over.  There is always one left: as many rows show
 * the values as there are groups that do, and each group is changed by one transaction at a time (it holds
 * the lock on the group's state row), which takes one row.  Nobody waits here, so nobody can deadlock here.
 */
#include "apply/row_search.hpp"

namespace apply {

PG_GUARDED bool same_row(TupleTableSlot *left, TupleTableSlot *right)
{
    return left->tts_tupleDescriptor->natts == right->tts_tupleDescriptor->natts && same_columns(left, right);
}

PG_GUARDED bool same_columns(TupleTableSlot *left, TupleTableSlot *right)
{
    slot_getallattrs(left);
    slot_getallattrs(right);
    TupleDesc type = right->tts_tupleDescriptor;
    for (int i = 0; i < type->natts; ++i) {
        const auto *column = TupleDescAttr(type, i);
        if (left->tts_isnull[i] != right->tts_isnull[i])
            return false;
        if (!left->tts_isnull[i] &&
            !pg::datum_image_eq(left->tts_values[i], right->tts_values[i], column->attbyval, column->attlen))
            return false;
    }
    return true;
}

PG_GUARDED RowSearch *RowSearch::open(Relation table)
{
    const Oid index = catalog::find_row_index(table);
    if (!OidIsValid(index))
        ereport(
            ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("incremental materialized table \"%s\" has no index to find its rows by",
                   RelationGetRelationName(table)),
            errdetail("Its group keys are not among its columns, so maintenance finds rows by their values."),
            errhint("Create an index on the column with the most distinct values."));
    auto *search = static_cast<RowSearch *>(palloc0(sizeof(RowSearch)));
    search->table_ = table;
    search->index_ = index_open(index, RowExclusiveLock);
    search->row_ = table_slot_create(table, nullptr);
    search->scan_ = static_cast<ScanKey>(palloc0(sizeof(ScanKeyData) * INDEX_MAX_KEYS));
    return search;
}

PG_GUARDED void RowSearch::close()
{
    ExecDropSingleTupleTableSlot(row_);
    index_close(index_, NoLock);
}

/* The conditions of the scan; *possible is cleared where a hash index can't find a NULL: then all are read.
 */
PG_GUARDED int RowSearch::set_keys(TupleTableSlot *wanted, bool *possible)
{
    const bool hash = index_->rd_rel->relam == HASH_AM_OID;
    const StrategyNumber strategy = hash ? HTEqualStrategyNumber : BTEqualStrategyNumber;
    const int size = IndexRelationGetNumberOfKeyAttributes(index_);
    *possible = true;
    slot_getallattrs(wanted);
    for (int i = 0; i < size; ++i) {
        const AttrNumber column = index_->rd_index->indkey.values[i];
        const Oid type = index_->rd_opcintype[i];
        const Oid equality =
            get_opfamily_member(index_->rd_opfamily[i], type, type, static_cast<int16>(strategy));
        const bool null = wanted->tts_isnull[column - 1];
        const auto position = static_cast<AttrNumber>(i + 1);
        const StrategyNumber searched = null ? StrategyNumber{InvalidStrategy} : strategy;
        ScanKeyEntryInitialize(&scan_[i], null ? SK_ISNULL | SK_SEARCHNULL : 0, position, searched,
                               InvalidOid, index_->rd_indcollation[i],
                               null ? InvalidOid : get_opcode(equality), wanted->tts_values[column - 1]);
        *possible = *possible && !(hash && null);
    }
    return size;
}

PG_GUARDED bool RowSearch::lock_candidate(TupleTableSlot *wanted, ItemPointer where)
{
    if (!same_row(wanted, row_))
        return false;
    *where = row_->tts_tid;
    TM_FailureData failure;
    return table_tuple_lock(table_, where, GetActiveSnapshot(), row_, GetCurrentCommandId(false),
                            LockTupleExclusive, LockWaitSkip, 0, &failure) == TM_Ok;
}

PG_GUARDED bool RowSearch::lock(TupleTableSlot *wanted, ItemPointer where)
{
    bool possible;
    bool found = false;
    const int size = set_keys(wanted, &possible);
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    if (possible) {
        IndexScanDesc scan = pg::index_beginscan(table_, index_, snapshot, size);
        index_rescan(scan, scan_, size, nullptr, 0);
        while (!found && index_getnext_slot(scan, ForwardScanDirection, row_))
            found = lock_candidate(wanted, where);
        ExecClearTuple(row_);
        index_endscan(scan);
    } else {
        TableScanDesc scan = table_beginscan(table_, snapshot, 0, nullptr);
        while (!found && table_scan_getnextslot(scan, ForwardScanDirection, row_))
            found = lock_candidate(wanted, where);
        ExecClearTuple(row_);
        table_endscan(scan);
    }
    UnregisterSnapshot(snapshot);
    return found;
}

} // namespace apply
