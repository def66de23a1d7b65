/*
 * capture.cpp - what a statement did to a source becomes pending.
 *
 * One set of statement triggers on a table serves all IMATs that read it; which these are is asked here, and
 * answered from a cache.  For `delta` the transition tables are folded into the pending groups at once, so
 * what is kept is as large as the groups that changed, not as the rows.  For `swap` it is enough to know that
 * something changed.
 */
#include "flush/capture.hpp"

#include "catalog/catalog.hpp"
#include "flush/flush.hpp"
#include "flush/pending.hpp"

using catalog::session;

namespace flush {

namespace {

PG_GUARDED void check_call(const TriggerData *trigger)
{
    if (!TRIGGER_FIRED_AFTER(trigger->tg_event) || !TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
        ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                errmsg("function \"imat.capture\" must be fired AFTER a statement"),
                errhint("Its triggers are made by create_imat and imat.create."));
}

/* The rows of a transition table; NULL where there is none, or nothing in it. */
PG_GUARDED Tuplestorestate *rows_of(Tuplestorestate *transition)
{
    return transition != nullptr && tuplestore_tuple_count(transition) > 0 ? transition : nullptr;
}

/* What a statement did to a table, or to a table above it. */
struct Change {
    Oid table;
    TupleDesc type;
    Tuplestorestate *removed;
    Tuplestorestate *added;
    bool truncated;
};

/* Take note of it for one IMAT; true: the rows themselves will be needed. */
PG_GUARDED bool capture_for(Oid imat, const Change &change)
{
    delta::Plan *plan = delta::plan_of(imat);
    if (plan == nullptr)
        return false;
    PendingView *view = pending_view(imat, plan);
    view->swap = view->swap || change.truncated || plan->strategy == model::Strategy::Swap;
    if (view->swap)
        return false;
    if (view->plan->view->is_join())
        return true;
    delta::as_maintainer(*view->plan, [&] {
        delta::GroupTable *groups = groups_of(view);
        if (change.removed != nullptr)
            delta::fold_rows(*view->plan, groups, change.removed, delta::Sign::Out);
        if (change.added != nullptr)
            delta::fold_rows(*view->plan, groups, change.added, delta::Sign::In);
    });
    return false;
}

PG_GUARDED void keep_rows(const Change &change)
{
    TableChanges *pending = pending_rows(change.table, change.type);
    if (change.removed != nullptr)
        note_rows(pending, delta::Sign::Out, change.removed);
    if (change.added != nullptr)
        note_rows(pending, delta::Sign::In, change.added);
}

/* A copy: the cache may be rebuilt under our hands, and what was in it when the statement ended is what
 * counts. */
PG_GUARDED model::Array<Oid> copy_of(const model::Array<Oid> &cached)
{
    auto *copy = static_cast<Oid *>(palloc(sizeof(Oid) * (cached.size + 1)));
    memcpy(copy, cached.data, sizeof(Oid) * cached.size);
    return {.data = copy, .size = cached.size};
}

/* Take note of it for all IMATs that read the table. */
PG_GUARDED void capture_change(const Change &change)
{
    bool rows_needed = false;
    for (Oid imat : copy_of(delta::targets_of(change.table)))
        rows_needed = capture_for(imat, change) || rows_needed;
    if (rows_needed)
        keep_rows(change);
}

/* Rows of a child, as rows of a table above it. */
PG_GUARDED Tuplestorestate *convert(Tuplestorestate *rows, const TupleConversionMap *map)
{
    if (rows == nullptr || map == nullptr)
        return rows;
    Tuplestorestate *converted = tuplestore_begin_heap(false, false, work_mem);
    TupleTableSlot *from = MakeSingleTupleTableSlot(map->indesc, &TTSOpsMinimalTuple);
    TupleTableSlot *to = MakeSingleTupleTableSlot(map->outdesc, &TTSOpsVirtual);
    tuplestore_select_read_pointer(rows, 0);
    tuplestore_rescan(rows);
    while (tuplestore_gettupleslot(rows, true, false, from))
        tuplestore_puttupleslot(converted, pg::convert_slot(map, from, to));
    ExecDropSingleTupleTableSlot(from);
    ExecDropSingleTupleTableSlot(to);
    return converted;
}

/*
 * A statement that names a partition or child fires its triggers only, and its rows are in its own layout:
 * for the IMATs over a table above, they are rows of that one.
 */
PG_GUARDED void capture_above(const Change &change, Oid ancestor)
{
    Relation above = table_open(ancestor, AccessShareLock);
    const TupleConversionMap *map = pg::conversion_map(change.type, RelationGetDescr(above));
    const Change converted = {.table = ancestor,
                              .type = RelationGetDescr(above),
                              .removed = convert(change.removed, map),
                              .added = convert(change.added, map),
                              .truncated = change.truncated};
    capture_change(converted);
    if (converted.removed != change.removed)
        tuplestore_end(converted.removed);
    if (converted.added != change.added)
        tuplestore_end(converted.added);
    table_close(above, NoLock);
}

extern "C" {
static void statement_ends(void * /*argument*/)
{
    --session.changing;
}
}

/*
 * The statement began before our hooks were there to count it: it is the one that had the library loaded.
 * Count it for as long as its memory is there.
 */
PG_GUARDED void count_statement(MemoryContext statement)
{
    auto *callback = static_cast<MemoryContextCallback *>(
        MemoryContextAllocZero(statement, sizeof(MemoryContextCallback)));
    callback->func = statement_ends;
    MemoryContextRegisterResetCallback(statement, callback);
    ++session.changing;
}

} // namespace

PG_GUARDED void capture(TriggerData *trigger, MemoryContext statement)
{
    check_call(trigger);
    if (session.changing == 0)
        count_statement(statement);
    const Change change = {.table = RelationGetRelid(trigger->tg_relation),
                           .type = RelationGetDescr(trigger->tg_relation),
                           .removed = rows_of(trigger->tg_oldtable),
                           .added = rows_of(trigger->tg_newtable),
                           .truncated = static_cast<bool>(TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))};
    if (!change.truncated && change.removed == nullptr && change.added == nullptr)
        return;

    for (Oid table : copy_of(delta::sources_above(change.table))) {
        if (table == change.table)
            capture_change(change);
        else
            capture_above(change, table);
    }
    const bool too_large = pending_bytes() > static_cast<std::size_t>(session.pending_memory) * 1024;
    session.flush_due =
        session.flush_due || too_large || session.flush_at == static_cast<int>(catalog::FlushAt::Statement);
}

} // namespace flush
