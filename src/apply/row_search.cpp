/*
 * row_search.cpp - finding a row by all of its values, for tables that don't show their group keys.
 *
 * Several groups may show the same row; then any of their rows will do, as long as no two take the same one.
 * So rows that another transaction has locked are passed over.  There is always one left: as many rows show
 * the values as there are groups that do, and each group is changed by one transaction at a time (it holds
 * the lock on the group's state row), which takes one row.  Nobody waits here, so nobody can deadlock here.
 *
 * In a bag there are no groups.  A transaction that removes a row from it has removed a row, or a combination
 * of rows, of the sources that makes this row.  Those that several transactions in flight have removed are
 * all different ones, and for each that was committed the table has a committed row, since both are committed
 * together.  So there are as many committed rows as all transactions in flight may want to take, provided
 * that each takes those first that it has itself made: it may have removed again what made them.  They are
 * searched for under a lock on the values (a lock tag of class imat.registered, object the IMAT, sub-object
 * the hash of the values), as they are now and not as any snapshot has them.  While it is held no other one
 * is taken, so the search finds one that is free, if it is there at all.  It is held for the search only, and
 * nobody waits while holding it.  If none is free, then because somebody else than maintenance has locked
 * rows, with SELECT FOR UPDATE or by a foreign key; he is waited for.
 */
#include "apply/row_search.hpp"

#include "catalog/catalog.hpp"

namespace apply {

namespace {

/* Is the row one that this transaction has made? */
PG_GUARDED bool is_own(TupleTableSlot *row)
{
    bool null;
    const Datum maker = slot_getsysattr(row, MinTransactionIdAttributeNumber, &null);
    return TransactionIdIsCurrentTransactionId(DatumGetTransactionId(maker));
}

} // namespace

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

PG_GUARDED RowSearch *RowSearch::open(Relation table, int columns)
{
    const Oid index = catalog::find_row_index(table, columns);
    if (!OidIsValid(index))
        ereport(
            ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("incremental materialized table \"%s\" has no index to find its rows by",
                   RelationGetRelationName(table)),
            errdetail("No key of its rows is among its columns, so maintenance finds rows by their values."),
            errhint("Create an index on the column with the most distinct values."));
    auto *search = static_cast<RowSearch *>(palloc0(sizeof(RowSearch)));
    search->table_ = table;
    search->index_ = index_open(index, RowExclusiveLock);
    search->info_ = BuildIndexInfo(search->index_);
    search->estate_ = CreateExecutorState();
    search->row_ = table_slot_create(table, nullptr);
    search->scan_ = static_cast<ScanKey>(palloc0(sizeof(ScanKeyData) * INDEX_MAX_KEYS));
    return search;
}

PG_GUARDED void RowSearch::close()
{
    ExecDropSingleTupleTableSlot(row_);
    FreeExecutorState(estate_);
    index_close(index_, NoLock);
}

/* The conditions of the scan; *possible is cleared where a hash index can't find a NULL: then all are read.
 */
PG_GUARDED int RowSearch::set_keys(TupleTableSlot *wanted, bool *possible)
{
    const bool hash = index_->rd_rel->relam == HASH_AM_OID;
    const StrategyNumber strategy = hash ? HTEqualStrategyNumber : BTEqualStrategyNumber;
    const int size = IndexRelationGetNumberOfKeyAttributes(index_);
    Datum values[INDEX_MAX_KEYS];
    bool nulls[INDEX_MAX_KEYS];
    *possible = true;
    ResetPerTupleExprContext(estate_);
    GetPerTupleExprContext(estate_)->ecxt_scantuple = wanted;
    FormIndexDatum(info_, wanted, estate_, values, nulls);
    for (int i = 0; i < size; ++i) {
        const Oid type = index_->rd_opcintype[i];
        const Oid equality =
            get_opfamily_member(index_->rd_opfamily[i], type, type, static_cast<int16>(strategy));
        const auto position = static_cast<AttrNumber>(i + 1);
        const StrategyNumber searched = nulls[i] ? StrategyNumber{InvalidStrategy} : strategy;
        ScanKeyEntryInitialize(&scan_[i], nulls[i] ? SK_ISNULL | SK_SEARCHNULL : 0, position, searched,
                               InvalidOid, index_->rd_indcollation[i],
                               nulls[i] ? InvalidOid : get_opcode(equality), values[i]);
        *possible = *possible && !(hash && nulls[i]);
    }
    return size;
}

/* Visit rows that may equal the wanted one until one of them is taken. */
template <class Visit>
PG_GUARDED bool RowSearch::scan(TupleTableSlot *wanted, Snapshot snapshot, Visit visit)
{
    bool possible;
    bool found = false;
    const int size = set_keys(wanted, &possible);
    if (possible) {
        IndexScanDesc scan = pg::index_beginscan(table_, index_, snapshot, size);
        index_rescan(scan, scan_, size, nullptr, 0);
        while (!found && index_getnext_slot(scan, ForwardScanDirection, row_))
            found = visit();
        index_endscan(scan);
    } else {
        TableScanDesc scan = table_beginscan(table_, snapshot, 0, nullptr);
        while (!found && table_scan_getnextslot(scan, ForwardScanDirection, row_))
            found = visit();
        table_endscan(scan);
    }
    if (!found)
        ExecClearTuple(row_);
    return found;
}

PG_GUARDED bool RowSearch::lock_candidate(TupleTableSlot *wanted, ItemPointer where)
{
    if (!same_columns(row_, wanted))
        return false;
    *where = row_->tts_tid;
    TM_FailureData failure;
    return table_tuple_lock(table_, where, GetActiveSnapshot(), row_, GetCurrentCommandId(false),
                            LockTupleExclusive, LockWaitSkip, 0, &failure) == TM_Ok;
}

PG_GUARDED bool RowSearch::lock(TupleTableSlot *wanted, ItemPointer where)
{
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    const bool found = scan(wanted, snapshot, [&] { return lock_candidate(wanted, where); });
    UnregisterSnapshot(snapshot);
    return found;
}

/* Lock one that is there now, and that nobody is about to remove; *taken becomes one that is locked. */
PG_GUARDED bool RowSearch::lock_free(TupleTableSlot *wanted, ItemPointer where, Snapshot shown, bool own,
                                     ItemPointer taken)
{
    SnapshotData dirty;
    InitDirtySnapshot(dirty);
    return scan(wanted, &dirty, [&] {
        CHECK_FOR_INTERRUPTS();
        if (TransactionIdIsValid(dirty.xmin) || TransactionIdIsValid(dirty.xmax) || (own && !is_own(row_)) ||
            (shown != nullptr && !table_tuple_satisfies_snapshot(table_, row_, shown)) ||
            !same_columns(row_, wanted))
            return false;
        *where = row_->tts_tid;
        ItemPointerData candidate = row_->tts_tid;
        TM_FailureData failure;
        const TM_Result result =
            table_tuple_lock(table_, where, GetActiveSnapshot(), row_, GetCurrentCommandId(false),
                             LockTupleExclusive, LockWaitSkip, 0, &failure);
        if (result == TM_WouldBlock)
            *taken = candidate;
        return result == TM_Ok;
    });
}

PG_GUARDED bool RowSearch::lock_one_of(TupleTableSlot *wanted, uint32 hash, ItemPointer where, Snapshot shown)
{
    LOCKTAG values;
    SET_LOCKTAG_OBJECT(values, MyDatabaseId, catalog::relation_of_ours("registered"),
                       RelationGetRelid(table_), static_cast<uint16>(hash ^ (hash >> 16)));
    for (;;) {
        CHECK_FOR_INTERRUPTS();
        ItemPointerData taken;
        ItemPointerSetInvalid(&taken);
        LockAcquire(&values, ExclusiveLock, false, false);
        const bool found = (catalog::session.has_written && lock_free(wanted, where, shown, true, &taken)) ||
                           lock_free(wanted, where, shown, false, &taken);
        LockRelease(&values, ExclusiveLock, false);
        if (found || !ItemPointerIsValid(&taken))
            return found;
        TM_FailureData failure;
        table_tuple_lock(table_, &taken, GetActiveSnapshot(), row_, GetCurrentCommandId(false),
                         LockTupleExclusive, LockWaitBlock, 0, &failure);
    }
}

} // namespace apply
