/*
 * swap.cpp - strategy `swap`: the contents are computed anew and put in place.
 *
 * Two ways lead there.  A merge (difference.cpp, merge.cpp) writes only the rows that differ, as ordinary
 * transactional writes: readers are never blocked, and see the change when we commit.  An exchange
 * (exchange.cpp) builds heap and indexes anew and locks readers out for a moment.  The merge is the rule.  An
 * exchange is made where it is allowed and the merge would write about as much as an exchange does, at the
 * price of dead rows: where the table is not small and most of its rows differ, or where the wanted rows
 * exceed the memory that the comparison may take.
 *
 * An exchange called for by a change of a source (room flush) must not wait for readers: a reader may itself
 * be waiting for a lock of ours.  So its lock is only tried for, and when it can't be had the merge is made
 * after all.  imat.refresh, called by a user, waits, but has the merge to turn to as well where the table is
 * not exchangeable.
 *
 * Each hidden table is put in place the same way, as a table in its own right.  Only maintenance reads it,
 * and is kept out by the lock on the IMAT; but dumps read it, too, so it isn't waited for either.
 *
 * The caller holds ShareRowExclusiveLock on the IMAT, so no other maintenance runs, and nobody who has
 * changed a source can commit: all that is read is settled (pg/settled.cpp).  The snapshot is the latest:
 * every row of the table that is not ours is seen by it.  Only where a transaction with one snapshot goes on,
 * it is that one.
 */
#include "rebuild/rebuild.hpp"

#include <algorithm>

#include "apply/apply.hpp"
#include "flush/flush.hpp"
#include "observe/observe.hpp"
#include "pg/list.hpp"
#include "rebuild/parts.hpp"

namespace rebuild {

namespace {

/* Tables with fewer rows than this are merged, however many differ. */
constexpr int64 rows_worth_an_exchange = 10000;

/* How new contents were put in place. */
enum class How : char {
    Merge,    /* rows that differ were written */
    Exchange, /* new heap and indexes took the place of the old */
};

/* Whether the table may be exchanged. */
enum class Exchanging : char { No, Try, Wait };

/*
 * In a transaction with one snapshot the contents may be those of that snapshot.  What others have committed
 * since is then unknown here, and must not be written over.  (Rows of the snapshot that others have changed
 * are found when they are to be changed.)
 */
PG_GUARDED void check_serializable(Relation table, Snapshot snapshot)
{
    Snapshot latest = RegisterSnapshot(GetLatestSnapshot());
    TupleTableSlot *row = table_slot_create(table, nullptr);
    TableScanDesc scan = table_beginscan(table, latest, 0, nullptr);
    while (table_scan_getnextslot(scan, ForwardScanDirection, row)) {
        CHECK_FOR_INTERRUPTS();
        if (!table_tuple_satisfies_snapshot(table, row, snapshot))
            ereport(
                ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                errmsg("could not serialize access due to concurrent update"),
                errdetail("Incremental materialized table \"%s\" has changed since this transaction began.",
                          RelationGetRelationName(table)),
                errhint("The transaction might succeed if retried."));
    }
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(row);
    UnregisterSnapshot(latest);
}

/* Write the difference. */
PG_GUARDED void write_difference(Relation table, TupleDesc type, Difference *difference, Snapshot snapshot,
                                 Oid key_index)
{
    apply::Writer *writer = apply::open_writer(table, type, true);
    TupleTableSlot *row = MakeSingleTupleTableSlot(type, &TTSOpsMinimalTuple);
    const bool in_place = !has_other_unique_index(table, key_index);

    for (int64 i = 0; i < difference->deleted.size; i++)
        apply::delete_row(writer, &difference->deleted.data[i], snapshot);
    for (int64 i = 0; i < difference->updated.size && !in_place; i++)
        apply::delete_row(writer, &difference->updated.data[i], snapshot);
    for (int64 i = 0; tuplestore_gettupleslot(difference->updated_rows, true, false, row); i++) {
        if (in_place)
            apply::update_row(writer, &difference->updated.data[i], row, snapshot);
        else
            apply::insert_row(writer, row);
    }
    while (tuplestore_gettupleslot(difference->inserted_rows, true, false, row))
        apply::insert_row(writer, row);

    ExecDropSingleTupleTableSlot(row);
    apply::close_writer(writer);
    CommandCounterIncrement();
}

/* Exchange the table's heap for one with the spooled rows; false: readers would have had to be waited for. */
PG_GUARDED bool exchange_for(Relation table, Spool *spool, Filled filled, bool wait)
{
    NewHeap *new_heap = begin_new_heap(table, spool->type, filled);
    TupleTableSlot *row = MakeSingleTupleTableSlot(spool->type, &TTSOpsMinimalTuple);
    tuplestore_rescan(spool->rows);
    while (tuplestore_gettupleslot(spool->rows, true, false, row))
        add_row(new_heap, row);
    ExecDropSingleTupleTableSlot(row);
    end_new_heap(new_heap);
    if (!lock_for_exchange(table, wait)) {
        discard(new_heap);
        return false;
    }
    exchange(new_heap);
    return true;
}

/* How many changed rows are too many for a merge where an exchange may be made; -1: none are. */
PG_GUARDED int64 merge_limit(const Spool *spool, Exchanging exchanging)
{
    if (exchanging == Exchanging::No)
        return -1;
    if (spool->bytes > static_cast<int64>(Max(work_mem, maintenance_work_mem)) * 1024)
        return 0;
    return Max(spool->count, rows_worth_an_exchange) / 2;
}

/* What a table is to hold, and by which of its columns rows are told apart. */
struct Wanted {
    Spool *spool = nullptr;
    Measured measured = {};
    const AttrNumber *key = nullptr;
    int key_size = -1;                 /* -1: by all of them */
    const model::View *view = nullptr; /* whose keys these are, if there are any */
    bool of_state = false;
    Filled filled = Filled::All;
};

/* Make the table hold the rows.  It is closed by this. */
PG_GUARDED How put_in_place(Relation table, const Wanted &wanted, pg::Reading reading, Exchanging exchanging)
{
    Spool *spool = wanted.spool;
    if (!is_exchangeable(table))
        exchanging = Exchanging::No;
    Snapshot snapshot = pg::register_settled(reading);
    Difference *difference =
        compare(table, spool, wanted.key, wanted.key_size, snapshot, merge_limit(spool, exchanging));
    if (!difference->complete) {
        free_difference(difference);
        if (exchange_for(table, spool, wanted.filled, exchanging == Exchanging::Wait)) {
            UnregisterSnapshot(snapshot);
            return How::Exchange;
        }
        difference = compare(table, spool, wanted.key, wanted.key_size, snapshot, -1);
    }
    if (difference->inserted > 0 && IsolationUsesXactSnapshot() && !reading.settled)
        check_serializable(table, snapshot);
    const Oid key_index =
        wanted.key_size < 0 ? InvalidOid : catalog::find_key_index(table, *wanted.view, wanted.of_state);
    write_difference(table, spool->type, difference, snapshot, key_index);
    UnregisterSnapshot(snapshot);
    free_difference(difference);
    table_close(table, NoLock);
    return How::Merge;
}

/* Columns 1, 2, ... */
PG_GUARDED AttrNumber *first_columns(int size)
{
    auto *columns = static_cast<AttrNumber *>(palloc(sizeof(AttrNumber) * (size + 1)));
    for (int i = 0; i < size; i++)
        columns[i] = static_cast<AttrNumber>(i + 1);
    return columns;
}

/* The columns that tell the rows apart: the keys, but not the number of a grouping set that none shows. */
PG_GUARDED int shown_key_columns(const model::View &view, AttrNumber *columns)
{
    int size = 0;
    for (const model::Key &key : view.row_keys())
        if (key.column != 0)
            columns[size++] = key.column;
    return size;
}

/* What the IMAT itself is to hold; its rows are told apart by keys where it shows them. */
PG_GUARDED Wanted want_visible(const Imat &imat)
{
    const model::View &view = *imat.view;
    auto *keys = static_cast<AttrNumber *>(palloc(sizeof(AttrNumber) * (view.row_keys().size + 1)));
    const int size = shown_key_columns(view, keys);
    const bool by_key = imat.by_group && view.keys_visible;
    return {.spool = begin_spool(imat.visible_type),
            .measured = {},
            .key = keys,
            .key_size = by_key ? size : -1,
            .view = &view,
            .of_state = false,
            .filled = how_full(imat)};
}

/* What a table of its groups is to hold: the state table, 0, or multiplicities. */
PG_GUARDED Wanted want_hidden(const Imat &imat, int number)
{
    const Hidden &hidden = imat.hidden[number];
    return {.spool = begin_spool(hidden.type),
            .measured = {},
            .key = first_columns(hidden.keys),
            .key_size = hidden.keys,
            .view = number == 0 ? imat.view : catalog::view_of_values(*imat.view, number - 1),
            .of_state = true,
            .filled = Filled::Half};
}

/* The consumer of the rows. */
PG_GUARDED pg::RowConsumer consumer_of(Wanted *wanted, const Imat &imat)
{
    return measure(imat, wanted->of_state, {.consume = spool_row, .self = wanted->spool}, &wanted->measured);
}

/* Compute the contents and put them in place. */
PG_GUARDED How recompute(Imat *imat, pg::Reading reading, Exchanging exchanging)
{
    const int tables = imat->hidden.size;
    Wanted visible = want_visible(*imat);
    auto *hidden = static_cast<Wanted *>(palloc(sizeof(Wanted) * (tables + 1)));
    auto *consumers = static_cast<pg::RowConsumer *>(palloc(sizeof(pg::RowConsumer) * (tables + 1)));
    for (int i = 0; i < tables; i++) {
        hidden[i] = want_hidden(*imat, i);
        consumers[i] = consumer_of(&hidden[i], *imat);
    }
    compute(*imat, reading, consumer_of(&visible, *imat), consumers);

    Oid ignored = InvalidOid;
    if (visible.measured.too_long ||
        std::any_of(hidden, hidden + tables, [](const Wanted &one) { return one.measured.too_long; }))
        take_long_keys(imat, true, &ignored);

    Relation table = table_open(imat->registration.imat, ShareRowExclusiveLock);
    const How how = put_in_place(table, visible, reading, exchanging);
    end_spool(visible.spool);
    for (int i = 0; i < tables; i++) {
        table = table_open(imat->hidden[i].table, ShareRowExclusiveLock);
        put_in_place(table, hidden[i], reading,
                     exchanging == Exchanging::No ? Exchanging::No : Exchanging::Try);
        end_spool(hidden[i].spool);
    }
    return how;
}

/* The whole of it, in a memory context of its own. */
PG_GUARDED void rebuild_with(Oid oid, Snapshot snapshot, Exchanging exchanging)
{
    const TimestampTz started = GetCurrentTimestamp();
    MemoryContext scratch =
        AllocSetContextCreate(CurrentMemoryContext, "pg_imat rebuild", ALLOCSET_DEFAULT_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(scratch);
    How how = How::Merge;
    Imat *imat = load(oid);
    const bool settled = exchanging != Exchanging::No || !IsolationUsesXactSnapshot();
    PushActiveSnapshot(snapshot);
    as_owner(*imat, [&] { how = recompute(imat, {GetActiveSnapshot(), settled}, exchanging); });
    PopActiveSnapshot();

    imat->registration.swaps++;
    note_state(imat);
    if (!imat->registration.trusted)
        imat->registration.trusted = find_disabled(oid) == nullptr;
    catalog::update(imat->registration);
    MemoryContextSwitchTo(caller);
    MemoryContextDelete(scratch);
    observe::record_swap(oid, how == How::Exchange, GetCurrentTimestamp() - started);
}

} // namespace

PG_GUARDED void rebuild(Oid imat, Snapshot snapshot, bool may_exchange)
{
    rebuild_with(imat, snapshot, may_exchange ? Exchanging::Try : Exchanging::No);
}

/*
 * A statement that began before the library was loaded is not counted yet.  If it may have changed what the
 * IMAT reads, it uses a source, or is the one whose trigger runs us.
 */
PG_GUARDED static void count_early_statement(Oid imat)
{
    bool midway = pg::trigger_depth() > 0;
    for (Oid source : catalog::sources_of(imat))
        for (Oid table : pg::each_oid(find_all_inheritors(source, AccessShareLock, nullptr)))
            midway = midway || is_in_use(table);
    if (midway)
        flush::count_statement(PortalContext != nullptr ? PortalContext : TopTransactionContext);
}

/*
 * May a statement that is still running have changed rows that are not captured yet, but seen by us?  Where a
 * dump is restored, those that run us fill our tables, or make triggers.
 */
PG_GUARDED static bool is_midway(Oid imat)
{
    if (is_restoring())
        return false;
    if (catalog::session.changing == 0 && catalog::session.loaded_late)
        count_early_statement(imat);
    return catalog::session.changing > 0;
}

/*
 * Recompute the contents under the latest snapshot.  In the middle of a statement it is done once more when
 * all that the statement has changed is captured: what is captured by then is partly in the contents already.
 */
PG_GUARDED static void refresh_now(Oid imat, Exchanging exchanging)
{
    CommandCounterIncrement();
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    flush::without_flush([&] { rebuild_with(imat, snapshot, exchanging); });
    UnregisterSnapshot(snapshot);
    if (is_midway(imat))
        flush::rebuild_later(imat);
}

/*
 * The same of those that read the IMAT, but for some; one whose rows its key told apart may have to be
 * maintained otherwise now.  One of which a dump is yet to bring something has its contents from there.
 */
PG_GUARDED static void refresh_readers(Oid imat, const List *but)
{
    for (Oid reader : catalog::imats_on(imat)) {
        if (list_member_oid(but, reader))
            continue;
        if (is_restoring() ? is_restored(reader) : fits(reader))
            refresh_with_readers(reader);
        else if (!is_restoring())
            revise(reader);
    }
}

PG_GUARDED void refresh_contents(const List *imats)
{
    for (Oid imat : pg::each_oid(imats))
        refresh_now(imat, Exchanging::Wait);
    for (Oid imat : pg::each_oid(imats))
        refresh_readers(imat, imats);
}

PG_GUARDED void refresh_with_readers(Oid imat)
{
    check_stack_depth();
    LockRelationOid(imat, ShareRowExclusiveLock);
    if (is_restoring() && !owner_may_read(imat))
        return postpone(imat);
    refresh_now(imat, Exchanging::Try);
    refresh_readers(imat, NIL);
}

} // namespace rebuild
