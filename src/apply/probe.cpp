/*
 * probe.cpp - finding the row of a group, and locking it in its latest version.
 *
 * The index is read under a dirty snapshot: what other transactions are doing right now is what matters, not
 * what was true when ours began.  Most rows are found where they were found last, without the index
 * (places.cpp).  A row that another is updating is waited for in table_tuple_lock, which queues fairly and
 * then follows the update to the newest version; one that another is inserting is waited for by its
 * transaction.  A dirty snapshot also takes no predicate locks, so that two serializable transactions don't
 * fail for nothing but having looked for the same group. Follows RelationFindReplTupleByIndex (PostgreSQL,
 * executor/execReplication.c).
 */
#include "apply/probe.hpp"

#include "apply/apply.hpp"

namespace apply {

namespace {

/* The operators of an index column that stand for = are the same whatever the search value. */
PG_GUARDED void set_up_column(Relation index, int position, ScanKey scan)
{
    const Oid type = index->rd_opcintype[position];
    const Oid equality = get_opfamily_member(index->rd_opfamily[position], type, type, BTEqualStrategyNumber);
    ScanKeyEntryInitialize(scan, 0, static_cast<AttrNumber>(position + 1), BTEqualStrategyNumber, InvalidOid,
                           index->rd_indcollation[position], get_opcode(equality), Datum{});
}

PG_GUARDED int key_over(const model::View &view, AttrNumber column, const AttrNumber *columns)
{
    for (int i = 0; i < view.row_keys().size; ++i)
        if (columns[i] == column)
            return i;
    elog(ERROR, "column %d of the key index is no group key", column);
    pg_unreachable();
}

[[noreturn]] PG_GUARDED void raise_no_index(Relation table)
{
    ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("incremental materialized table \"%s\" has no index on its group columns",
                   RelationGetRelationName(table)),
            errdetail("Maintenance finds the row of a group by an index, which is gone or invalid."),
            errhint("Run imat.refresh to have it made again."));
    pg_unreachable();
}

/* ARRAY[value], as an index over a nullable column has it where NULLs can't be equal in an index. */
PG_GUARDED Datum wrap(Datum value, bool null, Oid type)
{
    int16 length;
    bool by_value;
    char alignment;
    int dimension = 1;
    int lower_bound = 1;
    get_typlenbyvalalign(type, &length, &by_value, &alignment);
    return PointerGetDatum(
        construct_md_array(&value, &null, 1, &dimension, &lower_bound, type, length, by_value, alignment));
}

PG_GUARDED ProbePlan *make_plan(Relation table, const model::View &view, bool of_state)
{
    const Oid index_oid = catalog::find_key_index(table, view, of_state);
    if (!OidIsValid(index_oid))
        raise_no_index(table);
    Relation index = index_open(index_oid, AccessShareLock);

    const int size = view.row_keys().size == 0 ? 0 : IndexRelationGetNumberOfKeyAttributes(index);
    auto *plan = static_cast<ProbePlan *>(palloc0(sizeof(ProbePlan)));
    plan->index = index_oid;
    plan->size = size;
    plan->scan = static_cast<ScanKey>(palloc0(sizeof(ScanKeyData) * (size + 1)));
    plan->key = static_cast<int *>(palloc0(sizeof(int) * (size + 1)));
    plan->array_of = static_cast<Oid *>(palloc0(sizeof(Oid) * (size + 1)));
    plan->hash = static_cast<FmgrInfo *>(palloc0(sizeof(FmgrInfo) * (size + 1)));
    plan->keys = view.row_keys().size;
    plan->exact = plan->keys <= INDEX_MAX_KEYS;

    const AttrNumber *columns = plan->column = catalog::key_columns(view, of_state);
    List *expressions = RelationGetIndexExpressions(index);
    ListCell *expression = list_head(expressions);
    for (int i = 0; i < size; ++i) {
        AttrNumber column = index->rd_index->indkey.values[i];
        set_up_column(index, i, &plan->scan[i]);
        if (column == 0) {
            auto *over = static_cast<Node *>(lfirst(expression));
            expression = pg::next_cell(expressions, expression);
            column = catalog::wrapped_column(over);
            if (column != 0) {
                plan->array_of[i] = TupleDescAttr(RelationGetDescr(table), column - 1)->atttypid;
            } else {
                column = catalog::hashed_column(over);
                plan->exact = false;
                fmgr_info(castNode(FuncExpr, over)->funcid, &plan->hash[i]);
            }
        }
        plan->key[i] = key_over(view, column, columns);
    }
    index_close(index, NoLock);
    return plan;
}

} // namespace

[[noreturn]] PG_GUARDED void raise_serialization_failure()
{
    ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
            errmsg("could not serialize access due to concurrent update"),
            errdetail("The transaction has to see its own changes of an incremental materialized table, and "
                      "another transaction has changed what they depend on since its snapshot."),
            errhint("Retry the transaction."));
    pg_unreachable();
}

PG_GUARDED Probe *Probe::open_with(Relation table, delta::Plan *plan, ProbePlan *probe_plan)
{
    auto *probe = static_cast<Probe *>(palloc0(sizeof(Probe)));
    probe->plan_ = probe_plan;
    probe->keys_ = plan->view->bag ? plan->pairing : plan->layout->keys;
    probe->table_ = table;
    probe->row_ = table_slot_create(table, nullptr);
    probe->scan_ = static_cast<ScanKey>(palloc(sizeof(ScanKeyData) * (probe_plan->size + 1)));
    memcpy(probe->scan_, probe_plan->scan, sizeof(ScanKeyData) * probe_plan->size);
    if (probe_plan->places != nullptr)
        probe_plan->places->attach(table);
    return probe;
}

PG_GUARDED Relation Probe::index()
{
    if (index_ == nullptr)
        index_ = index_open(plan_->index, RowExclusiveLock);
    return index_;
}

PG_GUARDED Probe *Probe::open(Relation table, delta::Plan *plan, bool of_state)
{
    ProbePlan *&cached = of_state ? plan->state_probe : plan->row_probe;
    if (cached == nullptr || plan->stale) {
        MemoryContext caller = MemoryContextSwitchTo(plan->memory);
        cached = make_plan(table, *plan->view, of_state);
        cached->places = Places::create(plan->memory);
        MemoryContextSwitchTo(caller);
    }
    return open_with(table, plan, cached);
}

PG_GUARDED Probe *Probe::open_values(Relation table, delta::Plan *plan, int distinct)
{
    ProbePlan *&cached = plan->value_probes[distinct];
    if (cached == nullptr || plan->stale) {
        MemoryContext caller = MemoryContextSwitchTo(plan->memory);
        cached = make_plan(table, *catalog::view_of_values(*plan->view, distinct), true);
        MemoryContextSwitchTo(caller);
    }
    Probe *probe = open_with(table, plan, cached);
    probe->value_ = &plan->layout->values[distinct]->keys[1];
    probe->memory_ = CurrentMemoryContext;
    InitDirtySnapshot(probe->dirty_);
    probe->looking_ = pg::index_beginscan(table, probe->index(), &probe->dirty_, cached->size);
    return probe;
}

PG_GUARDED void Probe::close()
{
    if (looking_ != nullptr) {
        ExecClearTuple(row_);
        index_endscan(looking_);
    }
    ExecDropSingleTupleTableSlot(row_);
    if (index_ != nullptr)
        index_close(index_, NoLock);
}

/* How a group key, or the value behind them, is handled. */
PG_GUARDED delta::KeyOperations &Probe::operations(int key) const
{
    return key < keys_.size ? keys_[key] : *value_;
}

PG_GUARDED void Probe::set_keys(const Datum *keys, const bool *nulls)
{
    for (int i = 0; i < plan_->size; ++i) {
        const int key = plan_->key[i];
        scan_[i].sk_argument = keys[key];
        scan_[i].sk_flags &= ~(SK_ISNULL | SK_SEARCHNULL);
        if (OidIsValid(plan_->array_of[i]))
            scan_[i].sk_argument = wrap(keys[key], nulls[key], plan_->array_of[i]);
        else if (nulls[key])
            scan_[i].sk_flags |= SK_ISNULL | SK_SEARCHNULL;
        else if (OidIsValid(plan_->hash[i].fn_oid))
            scan_[i].sk_argument = FunctionCall1Coll(&plan_->hash[i], operations(key).collation, keys[key]);
    }
}

/* Lock the newest version of the row at that place; *retry: it is gone, look again. */
PG_GUARDED Found Probe::lock_version(ItemPointerData where, bool *retry)
{
    TM_FailureData failure;
    const TM_Result result =
        table_tuple_lock(table_, &where, GetActiveSnapshot(), row_, GetCurrentCommandId(false),
                         LockTupleNoKeyExclusive, LockWaitBlock, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
    switch (result) {
    case TM_Ok:
        break;
    case TM_Updated:
    case TM_Deleted:
        *retry = true;
        break;
    default:
        elog(ERROR, "unexpected result %d of locking a row of table \"%s\"", static_cast<int>(result),
             RelationGetRelationName(table_));
    }
    return Found::Locked;
}

/*
 * Fetch the row that the search conditions, which are set for these keys, and the snapshot find.  With a
 * hash, take note of the place that the index has for it.
 */
PG_GUARDED bool Probe::fetch(const Datum *keys, const bool *nulls, Snapshot snapshot, const uint32 *note_hash)
{
    IndexScanDesc scan = pg::index_beginscan(table_, index(), snapshot, plan_->size);
    bool found = false;
    index_rescan(scan, scan_, plan_->size, nullptr, 0);
    while (const ItemPointerData *entry = found ? nullptr : index_getnext_tid(scan, ForwardScanDirection)) {
        const ItemPointerData where = *entry; /* fetching changes it */
        found = index_fetch_heap(scan, row_) && (plan_->exact || has_keys(keys, nulls));
        if (found && note_hash != nullptr)
            plan_->places->note(*note_hash, where);
    }
    index_endscan(scan);
    return found;
}

/* Are the keys those of the row that was found? */
PG_GUARDED bool Probe::has_keys(const Datum *keys, const bool *nulls)
{
    for (int key = 0; key < plan_->keys; ++key) {
        if (plan_->column[key] == 0)
            continue;
        bool null;
        const Datum value = slot_getattr(row_, plan_->column[key], &null);
        if (null != nulls[key] || (!null && !delta::same_key(operations(key), value, keys[key])))
            return false;
    }
    return true;
}

/* Fetch the row from where it was found last; false: who knows. */
PG_GUARDED bool Probe::fetch_known(const Datum *keys, const bool *nulls, uint32 hash, Snapshot snapshot)
{
    const ItemPointerData *where = plan_->places->find(hash);
    return where != nullptr && pg::fetch_version(table_, *where, snapshot, row_) && has_keys(keys, nulls);
}

PG_GUARDED Found Probe::find_unlocked(const Datum *keys, const bool *nulls, uint32 hash)
{
    SnapshotData dirty;
    InitDirtySnapshot(dirty);
    ExecClearTuple(row_); /* a page that is pinned is not pruned */
    if (!fetch_known(keys, nulls, hash, &dirty)) {
        set_keys(keys, nulls);
        if (!fetch(keys, nulls, &dirty, &hash))
            return Found::Missing;
    }
    return TransactionIdIsValid(dirty.xmin) || TransactionIdIsValid(dirty.xmax) ? Found::InFlight
                                                                                : Found::Seen;
}

PG_GUARDED Found Probe::find(const Datum *keys, const bool *nulls, bool wait)
{
    set_keys(keys, nulls);
    for (;;) {
        CHECK_FOR_INTERRUPTS();
        SnapshotData dirty;
        InitDirtySnapshot(dirty);
        const bool found = fetch(keys, nulls, &dirty);
        ItemPointerData where = row_->tts_tid;
        const TransactionId maker = found ? dirty.xmin : InvalidTransactionId;
        ExecClearTuple(row_);

        if (!found)
            return Found::Missing;
        if (TransactionIdIsValid(maker)) {
            if (!wait)
                return Found::InFlight;
            XactLockTableWait(maker, table_, &where, XLTW_InsertIndex);
            continue;
        }
        bool retry = false;
        const Found result = lock_version(where, &retry);
        if (!retry)
            return result;
    }
}

/* The next row, or with start the first one, that the index has for the keys. */
PG_GUARDED bool Probe::next(bool start)
{
    MemoryContext caller = MemoryContextSwitchTo(memory_);
    if (start)
        index_rescan(looking_, scan_, plan_->size, nullptr, 0);
    const bool found = index_getnext_slot(looking_, ForwardScanDirection, row_);
    MemoryContextSwitchTo(caller);
    return found;
}

PG_GUARDED bool Probe::look(const Datum *keys, const bool *nulls)
{
    set_keys(keys, nulls);
    ExecClearTuple(row_);
    for (bool start = true; next(start); start = false)
        if (plan_->exact || has_keys(keys, nulls))
            return true;
    return false;
}

PG_GUARDED bool Probe::sees(const Datum *keys, const bool *nulls, Snapshot snapshot)
{
    set_keys(keys, nulls);
    const bool found = fetch(keys, nulls, snapshot);
    ExecClearTuple(row_);
    return found;
}

} // namespace apply
