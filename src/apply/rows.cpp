/*
 * rows.cpp - a bag of rows: some are added, others removed.
 *
 * Why this is exact under concurrency.  The changes of a bag commute, as those of numbers do: it is only to
 * be seen to that each transaction takes rows of its own out of it.
 *
 * Where rows have an identity, each is made by one combination of rows of the sources.  A transaction that
 * changes it has changed one of these, so another that changes the same row has changed the same row of a
 * source, and waited for us or we for it; or has changed another source of the join, and then the locks on
 * sources (room flush, locks.cpp) keep the two apart.  A row with an identity that is just being removed can
 * be made only by who has waited in the unique index of the source for that removal.  So rows are found by
 * their key, nobody waits for them, and their order does not matter.
 *
 * Where they have none, any of several equal rows will do; row_search.cpp says why there always is one.
 *
 * Rows of a query with options (outer joins, subqueries) or window functions are computed anew by their keys,
 * under the locks on these keys (room flush, locks.cpp).  So only one transaction at a time changes rows of a
 * key, and reads what those before it have committed: as with groups that are computed anew, see keyed.cpp.
 * What is added and removed is the difference between what the table has and what it should have; and what it
 * has is still where it was seen.
 *
 * A row that is removed and one that is added under the same identity are one row that changes: it is
 * updated, so that foreign keys and triggers see it so, and nothing is written to indexes that needn't be.
 * Rows are removed first, then updated, then added, so that what has left a unique index of the owner's makes
 * room for what comes.  A row that would change in such an index is removed and added.
 */
#include "apply/apply.hpp"

#include <algorithm>
#include <functional>

#include "apply/probe.hpp"
#include "apply/row_search.hpp"
#include "pg/list.hpp"

namespace apply {

namespace {

/* How many keys have their rows computed by one query. */
constexpr int batch_size = 16384;

/* What is open while one IMAT is written. */
struct Target {
    const delta::Plan *plan;
    const Listener *listener;
    Snapshot shown; /* what is removed must be what this shows; NULL: what is there */
    Relation table;
    Writer *rows;
    TupleTableSlot *before;
    TupleTableSlot *after;

    /* How rows are found: where they were seen, by their identity, or by all of their values. */
    const model::Array<delta::PresentRow> *present; /* NULL, or else what follows is */
    TupleTableSlot *locked;
    Probe *by_key; /* NULL, or else what follows is */
    RowSearch *by_all;
};

/* Output rows that are removed or added, several alike, and the values of what they are paired by. */
struct Change {
    const delta::Group *row;
    int64 count; /* negative: removed */
    Datum *keys;
    bool *nulls;
    const delta::Plan *plan;
    const delta::PresentRow *present; /* the next row of the table that looks so, where these are known */
};

[[noreturn]] PG_GUARDED void raise_mismatch(const Target &target)
{
    if (target.shown != nullptr)
        raise_serialization_failure();
    const char *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(target.table)),
                                                  RelationGetRelationName(target.table));
    ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
            errmsg("incremental materialized table %s does not match its sources", name),
            errdetail("A row has to be removed that it does not have, or not so often."),
            errhint("Run SELECT imat.refresh(%s); something changed the sources or the table unnoticed.",
                    quote_literal_cstr(name)));
    pg_unreachable();
}

/* The row in a slot. */
PG_GUARDED TupleTableSlot *show(const Target &target, const delta::Group &row, TupleTableSlot *slot)
{
    const delta::Layout &layout = *target.plan->rows;
    ExecClearTuple(slot);
    memcpy(slot->tts_values, row.keys(), sizeof(Datum) * layout.keys.size);
    memcpy(slot->tts_isnull, row.nulls(layout), sizeof(bool) * layout.keys.size);
    return ExecStoreVirtualTuple(slot);
}

/* Lock a row where it was seen. */
PG_GUARDED ItemPointerData lock_present(const Target &target, Change *change)
{
    ItemPointerData where = change->present++->where;
    TM_FailureData failure;
    if (table_tuple_lock(target.table, &where, GetActiveSnapshot(), target.locked, GetCurrentCommandId(false),
                         LockTupleExclusive, LockWaitBlock, 0, &failure) != TM_Ok)
        raise_mismatch(target);
    return where;
}

/* Find and lock the row that is to go or to change. */
PG_GUARDED ItemPointerData lock_row(const Target &target, Change *changing)
{
    const Change &change = *changing;
    ItemPointerData where = {};
    TupleTableSlot *wanted = show(target, *change.row, target.before);
    if (target.present != nullptr)
        return lock_present(target, changing);
    if (target.by_key == nullptr) {
        Assert(target.by_all != nullptr);
        if (!target.by_all->lock_one_of(wanted, change.row->hash, &where, target.shown))
            raise_mismatch(target);
        return where;
    }
    if (target.by_key->lock(change.keys, change.nulls) != Found::Locked ||
        (target.shown != nullptr &&
         !table_tuple_satisfies_snapshot(target.table, target.by_key->row(), target.shown)))
        raise_mismatch(target);
    return target.by_key->row()->tts_tid;
}

PG_GUARDED void tell(const Target &target, TupleTableSlot *before, TupleTableSlot *after)
{
    if (target.listener != nullptr)
        target.listener->row_changed(target.listener->self, before, after);
}

PG_GUARDED void remove_rows(const Target &target, Change *change)
{
    for (int64 i = change->count; i < 0; ++i) {
        ItemPointerData where = lock_row(target, change);
        delete_row(target.rows, &where, GetActiveSnapshot());
        tell(target, target.before, nullptr);
    }
}

PG_GUARDED void add_rows(const Target &target, const Change &change)
{
    TupleTableSlot *row = show(target, *change.row, target.after);
    for (int64 i = 0; i < change.count; ++i) {
        insert_row(target.rows, row);
        tell(target, nullptr, row);
    }
}

PG_GUARDED void change_row(const Target &target, Change *from, const Change &to)
{
    ItemPointerData where = lock_row(target, from);
    TupleTableSlot *row = show(target, *to.row, target.after);
    update_row(target.rows, &where, row, GetActiveSnapshot());
    tell(target, target.before, row);
}

PG_GUARDED int compare_keys(const Change &left, const Change &right)
{
    const model::Array<delta::KeyOperations> &operations = left.plan->pairing;
    for (int i = 0; i < operations.size; ++i) {
        const int order = ApplySortComparator(left.keys[i], left.nulls[i], right.keys[i], right.nulls[i],
                                              &operations[i].order);
        if (order != 0)
            return order;
    }
    return 0;
}

extern "C" {

/* Comparator of changes: by what they are paired by, what is removed before what is added. */
PG_GUARDED static int compare_changes(const void *left, const void *right)
{
    const auto &one = *static_cast<const Change *>(left);
    const auto &other = *static_cast<const Change *>(right);
    const int order = compare_keys(one, other);
    return order != 0 ? order : static_cast<int>(one.count > 0) - static_cast<int>(other.count > 0);
}

} // extern "C"

/* The first row of the table that looks like the group; there is one. */
PG_GUARDED const delta::PresentRow *first_present(const model::Array<delta::PresentRow> &present,
                                                  const delta::Group *row)
{
    return std::lower_bound(present.begin(), present.end(), row,
                            [](const delta::PresentRow &one, const delta::Group *wanted) {
                                return std::less<>()(one.row, wanted);
                            });
}

/* What is to be done, in the order of what rows are paired by if there is something. */
PG_GUARDED model::Array<Change> list_changes(const delta::Plan *plan, const delta::GroupTable &groups,
                                             const model::Array<delta::PresentRow> *present)
{
    const model::Array<model::Key> &pairing = delta::paired_by(*plan->view);
    const delta::Layout &layout = *plan->rows;
    const std::size_t size = static_cast<std::size_t>(groups.size()) + 1;
    const std::size_t width = static_cast<std::size_t>(pairing.size) + 1;
    auto allocate = [](std::size_t bytes) { return MemoryContextAllocHuge(CurrentMemoryContext, bytes); };
    model::Array<Change> changes = {.data = static_cast<Change *>(allocate(sizeof(Change) * size)),
                                    .size = 0};
    auto *keys = static_cast<Datum *>(allocate(sizeof(Datum) * size * width));
    auto *nulls = static_cast<bool *>(allocate(sizeof(bool) * size * width));
    for (const delta::Group *group : groups.in_order()) {
        const int64 count = group->rows(layout);
        if (count == 0)
            continue;
        const bool goes = count < 0 && present != nullptr;
        changes[changes.size++] = {.row = group,
                                   .count = count,
                                   .keys = keys,
                                   .nulls = nulls,
                                   .plan = plan,
                                   .present = goes ? first_present(*present, group) : nullptr};
        for (const model::Key &key : pairing) {
            *keys++ = group->keys()[key.column - 1];
            *nulls++ = group->nulls(layout)[key.column - 1];
        }
    }
    if (pairing.size > 0)
        qsort(changes.data, static_cast<std::size_t>(changes.size), sizeof(Change), compare_changes);
    return changes;
}

/*
 * The columns (as pull_varattnos has them) of indexes that refuse a row for another one at once, but for
 * those that rows are paired by.  If a row is updated in one of them, it may be for a row that is to be
 * updated, too: ranks, of which each takes the next one's place.
 */
PG_GUARDED Bitmapset *columns_guarded(Relation table, const model::View &view)
{
    Bitmapset *columns = nullptr;
    for (Oid oid : pg::each_oid(RelationGetIndexList(table))) {
        Relation index = index_open(oid, AccessShareLock);
        const FormData_pg_index &form = *index->rd_index;
        const bool guards = (form.indisunique || form.indisexclusion) && form.indimmediate;
        for (int i = 0; guards && i < form.indnkeyatts; ++i)
            columns = bms_add_member(columns, form.indkey.values[i] - FirstLowInvalidHeapAttributeNumber);
        if (guards) {
            pull_varattnos(reinterpret_cast<Node *>(RelationGetIndexExpressions(index)), 1, &columns);
            pull_varattnos(reinterpret_cast<Node *>(RelationGetIndexPredicate(index)), 1, &columns);
        }
        index_close(index, AccessShareLock);
    }
    for (const model::Key &key : delta::paired_by(view))
        columns = bms_del_member(columns, key.column - FirstLowInvalidHeapAttributeNumber);
    return columns;
}

/* Are the rows the same in these columns? */
PG_GUARDED bool same_in(const delta::Plan &plan, const Bitmapset *columns, const Change &one,
                        const Change &other)
{
    const delta::Layout &layout = *plan.rows;
    for (int i = 0; i < layout.keys.size; ++i) {
        if (!bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, columns))
            continue;
        const bool null = one.row->nulls(layout)[i];
        const TypeCacheEntry *type = lookup_type_cache(plan.view->columns[i].type, 0);
        if (null != other.row->nulls(layout)[i] ||
            (!null &&
             !pg::datum_image_eq(one.row->keys()[i], other.row->keys()[i], type->typbyval, type->typlen)))
            return false;
    }
    return true;
}

/* Rows that change: so many that are alike become alike again. */
struct Pair {
    Change *from;
    const Change *to;
    int64 count;
};

/*
 * Find what is removed and what is added under the same key, and take it out of the changes, whose counts are
 * then those of rows that have nothing to be paired with.  Not paired are rows that differ in guarded
 * columns.
 */
PG_GUARDED List *pair_up(const delta::Plan *plan, const model::Array<Change> &changes,
                         const Bitmapset *guarded)
{
    List *pairs = NIL;
    int added = 0;
    for (int removed = 0; removed < changes.size; ++removed) {
        added = Max(added, removed + 1);
        while (changes[removed].count < 0 && added < changes.size &&
               compare_keys(changes[removed], changes[added]) == 0) {
            if (changes[added].count <= 0 || !same_in(*plan, guarded, changes[removed], changes[added])) {
                ++added;
                continue;
            }
            auto *pair = static_cast<Pair *>(palloc(sizeof(Pair)));
            *pair = {.from = &changes[removed],
                     .to = &changes[added],
                     .count = Min(-changes[removed].count, changes[added].count)};
            changes[removed].count += pair->count;
            changes[added].count -= pair->count;
            pairs = lappend(pairs, pair);
        }
    }
    return pairs;
}

PG_GUARDED Target open_target(delta::Plan *plan, const model::Array<delta::PresentRow> *present,
                              Moment moment, const Listener *listener)
{
    Target target = {};
    target.plan = plan;
    target.present = present;
    target.listener = listener;
    if (moment == Moment::Early && IsolationUsesXactSnapshot())
        target.shown = GetTransactionSnapshot();
    TupleDesc type = plan->view->upper != nullptr ? plan->shown
                     : plan->strategy == model::Strategy::Keyed
                         ? plan->visible
                         : plan->outputs->pi_state.resultslot->tts_tupleDescriptor;
    target.table = table_open(plan->registration.imat, RowExclusiveLock);
    target.rows = open_writer(target.table, type, true);
    if (present != nullptr)
        target.locked = table_slot_create(target.table, nullptr);
    else if (plan->view->keys_visible)
        target.by_key = Probe::open(target.table, plan, false);
    else
        target.by_all = RowSearch::open(target.table, type->natts);
    target.before = MakeSingleTupleTableSlot(type, &TTSOpsVirtual);
    target.after = MakeSingleTupleTableSlot(type, &TTSOpsVirtual);
    return target;
}

PG_GUARDED void close_target(const Target &target)
{
    ExecDropSingleTupleTableSlot(target.after);
    ExecDropSingleTupleTableSlot(target.before);
    if (target.locked != nullptr)
        ExecDropSingleTupleTableSlot(target.locked);
    if (target.by_key != nullptr)
        target.by_key->close();
    if (target.by_all != nullptr)
        target.by_all->close();
    close_writer(target.rows);
    table_close(target.table, NoLock);
}

/* Apply the changes; present: where the rows are that may go, or NULL. */
PG_GUARDED int64 apply_changes(delta::Plan *plan, const delta::GroupTable &changes,
                               const model::Array<delta::PresentRow> *present, Moment moment,
                               const Listener *listener)
{
    const Target target = open_target(plan, present, moment, listener);
    const model::Array<Change> listed = list_changes(plan, changes, present);
    const int64 size = listed.size;
    const bool may_pair = listed.size > 1 && plan->pairing.size > 0;
    const List *pairs = may_pair ? pair_up(plan, listed, columns_guarded(target.table, *plan->view)) : NIL;
    MemoryContext scratch =
        AllocSetContextCreate(CurrentMemoryContext, "pg_imat apply", ALLOCSET_SMALL_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(scratch);
    auto next = [scratch] {
        CHECK_FOR_INTERRUPTS();
        MemoryContextReset(scratch);
    };
    for (Change &change : listed) {
        remove_rows(target, &change);
        next();
    }
    for (auto *pair : pg::each<Pair>(pairs)) {
        for (int64 i = 0; i < pair->count; ++i)
            change_row(target, pair->from, *pair->to);
        next();
    }
    for (const Change &change : listed) {
        add_rows(target, change);
        next();
    }
    MemoryContextSwitchTo(caller);
    MemoryContextDelete(scratch);
    close_target(target);
    return size;
}

} // namespace

PG_GUARDED int64 apply_rows(delta::Plan *plan, delta::GroupTable *changes, Moment moment,
                            const Listener *listener)
{
    return apply_changes(plan, *changes, nullptr, moment, listener);
}

PG_GUARDED int64 replace_rows(delta::Plan *plan, delta::GroupTable *keys, Moment moment,
                              const Listener *listener)
{
    int64 written = 0;
    const bool one_snapshot = moment == Moment::Early && IsolationUsesXactSnapshot();
    const pg::Reading reading =
        one_snapshot ? pg::Reading(GetTransactionSnapshot()) : pg::Reading(GetActiveSnapshot(), true);
    MemoryContext scratch =
        AllocSetContextCreate(CurrentMemoryContext, "pg_imat keyed rows", ALLOCSET_DEFAULT_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(scratch);
    const int size = keys->sorted().size;
    for (int first = 0; first < size; first += batch_size) {
        delta::GroupTable *rows = delta::GroupTable::create(plan->rows, scratch);
        const model::Array<delta::PresentRow> present =
            delta::recompute_rows(plan, keys, first, Min(batch_size, size - first), reading, rows);
        written += apply_changes(plan, *rows, &present, moment, listener);
        MemoryContextReset(scratch);
    }
    MemoryContextSwitchTo(caller);
    MemoryContextDelete(scratch);
    return written;
}

} // namespace apply
