/*
 * capture.cpp - what was done to a source becomes pending.
 *
 * One set of triggers on a table serves all IMATs that read it; which these are is asked here, and answered
 * from a cache.  For `delta` changed rows are folded into the pending groups at once, so what is kept is as
 * large as the groups that changed, not as the rows.  For `swap` it is enough to know that something changed.
 *
 * There are two ways for a change to come here, never both.  Statements fire statement triggers, which have
 * the changed rows in transition tables.  Where session_replication_role is replica, as it is in the workers
 * of logical replication, these are silent (workers never fire them); the row trigger fires, which is enabled
 * for replicas only.  So ordinary sessions don't pay for it.  TRUNCATE is told by a statement trigger that is
 * always enabled.
 *
 * Which rows of which tables a change is about.  Statement triggers are those of the table that the statement
 * names, and so is the layout of the rows, which may be stored in partitions or children of it; row triggers
 * are those of the table where the row is stored.  For the tables above the one named, all rows count.
 * For a source below it, or beside it (a child can have several parents), only some do: those that meet a
 * partition's constraint, for a row is where this says; of inheritance children no one can tell, so their
 * IMATs are rebuilt.
 *
 * A partition that DETACH ... CONCURRENTLY is about to take away belongs to its parent for some and to nobody
 * for others: snapshots differ about it, and what counts for IMATs is the latest.  A statement may have
 * changed rows of it by the name of the parent: if its snapshot still sees it there, if it was planned under
 * one that did, or if it inserts in a transaction with one snapshot, however new that is.  Whether it has the
 * partition's lock tells.  Which rows these are the transition table doesn't say, so then IMATs on both sides
 * are rebuilt.  So they are where the transition table lacks what rows have (generated.cpp).
 */
#include "flush/capture.hpp"

#include "catalog/catalog.hpp"
#include "flush/blame.hpp"
#include "flush/change.hpp"
#include "flush/flush.hpp"
#include "flush/generated.hpp"
#include "flush/pending.hpp"
#include "pg/attempt.hpp"

using catalog::session;

namespace flush {

namespace {

PG_GUARDED void check_call(const TriggerData *trigger)
{
    if (!TRIGGER_FIRED_INSTEAD(trigger->tg_event) &&
        strncmp(trigger->tg_trigger->tgname, CAPTURE_TRIGGER_PREFIX, strlen(CAPTURE_TRIGGER_PREFIX)) == 0)
        return;
    ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
            errmsg("function \"imat.capture\" cannot be used by trigger \"%s\"", trigger->tg_trigger->tgname),
            errhint("Its triggers are made by create_imat and imat.create."));
}

/* The rows of a transition table. */
PG_GUARDED Rows rows_of(Tuplestorestate *transition)
{
    const bool any = transition != nullptr && tuplestore_tuple_count(transition) > 0;
    return {.store = any ? transition : nullptr, .single = nullptr};
}

/* What a statement, or the change of a row, did to the table whose trigger was fired. */
PG_GUARDED Change change_of(const TriggerData *trigger)
{
    Change change = {.table = RelationGetRelid(trigger->tg_relation),
                     .type = RelationGetDescr(trigger->tg_relation),
                     .removed = rows_of(trigger->tg_oldtable),
                     .added = rows_of(trigger->tg_newtable),
                     .truncated = static_cast<bool>(TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event)),
                     .below = false};
    if (TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
        return change;
    if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
        change.added.single = trigger->tg_trigslot;
    else
        change.removed.single = trigger->tg_trigslot;
    if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
        change.added.single = trigger->tg_newslot;
    return change;
}

/*
 * A trigger of an IMAT has changed a source in the middle of a flush.  What this flush is still to read for
 * joins and extremes shows that change already, and its delta would count it twice; so these are rebuilt.
 */
PG_GUARDED bool may_be_read_already(const delta::Plan &plan)
{
    return session.flushing != 0 && (plan.view->is_join() || plan.view->has_extremes());
}

/* Does what was done to tables below the one of a change matter to one that reads that? */
PG_GUARDED bool reads_below(const model::View &view, Oid table)
{
    bool reads = view.references.size == 0; /* what it reads isn't known */
    for (const model::Reference &reference : view.references)
        reads = reads || (reference.relation == table && !reference.only);
    return reads;
}

/* What taking note of a change comes to for one IMAT. */
enum class Needed : char { Nothing, Folding, Rows };

/* Take note of it for one IMAT; its changed rows may have to be folded, or will be needed themselves. */
PG_GUARDED Needed capture_for(Oid imat, const Change &change, PendingView **captured)
{
    delta::Plan *plan = nullptr;
    on_behalf_of(imat, get_rel_name(imat), [&] { plan = delta::plan_of(imat); });
    if (plan == nullptr || (change.below && !reads_below(*plan->view, change.table)))
        return Needed::Nothing;
    PendingView *view = pending_view(imat, plan);
    *captured = view;
    view->swap = view->swap || change.truncated || plan->strategy == model::Strategy::Swap ||
                 may_be_read_already(*plan);
    if (view->swap)
        return Needed::Nothing;
    return view->plan->view->is_join() ? Needed::Rows : Needed::Folding;
}

PG_GUARDED void fold_changes(const model::Array<delta::Folding> &foldings, const Rows &rows, delta::Sign sign)
{
    if (rows.store != nullptr)
        delta::fold_rows(foldings, rows.store, sign);
    if (rows.single != nullptr)
        for (const delta::Folding &folding : foldings)
            delta::fold_row(*folding.plan, folding.groups, rows.single, sign);
}

/* Fold the change for views that fold alike. */
PG_GUARDED void fold_together(const model::Array<delta::Folding> &foldings, const Change &change)
{
    delta::as_maintainer(*foldings[0].plan, [&] {
        if (change.removed.store != nullptr && change.added.store != nullptr)
            return delta::fold_update(foldings, change.removed.store, change.added.store);
        fold_changes(foldings, change.removed, delta::Sign::Out);
        fold_changes(foldings, change.added, delta::Sign::In);
    });
}

/*
 * The same where it may fail for rows that are none of the definition's (model::View::may_fail).  Then the
 * contents have to be computed anew: which groups changed, nobody knows.  Where rows come one by one, that is
 * a subtransaction for each.
 */
PG_GUARDED void fold_if_possible(const model::Array<delta::Folding> &foldings, const Change &change)
{
    if (!foldings[0].plan->view->may_fail)
        return fold_together(foldings, change);
    if (!pg::attempt([&] { fold_together(foldings, change); }))
        for (const delta::Folding &folding : foldings)
            rebuild_later(folding.plan->registration.imat);
}

/* For fewer changed rows it is not worth finding out which views fold alike. */
constexpr int64 few_rows = 8;

PG_GUARDED bool has_many_rows(const Change &change)
{
    int64 rows = 0;
    for (Tuplestorestate *store : {change.removed.store, change.added.store})
        rows += store == nullptr ? 0 : tuplestore_tuple_count(store);
    return rows > few_rows;
}

/* Fold the change for all of the views; in doing so their order is lost. */
PG_GUARDED void fold_all(model::Array<delta::Folding> foldings, const Change &change)
{
    const bool together = has_many_rows(change);
    while (foldings.size > 0) {
        model::Array<delta::Folding> alike = {.data = foldings.data, .size = 1};
        for (int i = 1; together && i < foldings.size; ++i)
            if (delta::fold_alike(*alike[0].plan, *foldings[i].plan))
                std::swap(foldings.data[alike.size++], foldings.data[i]);
        const Oid imat = alike[0].plan->registration.imat;
        on_behalf_of(imat, get_rel_name(imat), [&] { fold_if_possible(alike, change); });
        foldings = {.data = foldings.data + alike.size, .size = foldings.size - alike.size};
    }
}

PG_GUARDED void keep(TableChanges *pending, const Rows &rows, delta::Sign sign)
{
    if (rows.store != nullptr)
        note_rows(pending, sign, rows.store);
    if (rows.single != nullptr)
        note_row(pending, sign, rows.single);
}

/* Take note of it for all IMATs that read the table. */
PG_GUARDED void capture_for_all(const Change &change)
{
    bool rows_needed = false;
    const model::Array<Oid> targets = catalog::copy_of(delta::targets_of(change.table));
    model::Array<delta::Folding> foldings = {
        .data = static_cast<delta::Folding *>(palloc(sizeof(delta::Folding) * (targets.size + 1))),
        .size = 0};
    for (Oid imat : targets) {
        PendingView *view = nullptr;
        const Needed needed = capture_for(imat, change, &view);
        rows_needed = rows_needed || needed == Needed::Rows;
        if (needed == Needed::Folding)
            foldings.data[foldings.size++] = {.plan = view->plan, .groups = groups_of(view)};
    }
    fold_all(foldings, change);
    pfree(foldings.data);
    if (!rows_needed)
        return;
    TableChanges *pending = pending_rows(change.table, change.type);
    keep(pending, change.removed, delta::Sign::Out);
    keep(pending, change.added, delta::Sign::In);
}

/* The same, with nothing else in between: their definitions may call functions that run queries. */
PG_GUARDED void capture_change(const Change &change)
{
    if (session.capturing != 0)
        ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE),
                errmsg("cannot change table \"%s\" while changes of another are captured",
                       get_rel_name(change.table)),
                errdetail("A function that is called by the definition of an incremental materialized table "
                          "changes it."),
                errhint("Functions in definitions must not change tables."));
    session.capturing = GetCurrentTransactionNestLevel();
    capture_for_all(change);
    session.capturing = 0;
}

/* How rows of one table become rows of another, above or below it; and which do. */
struct Passage {
    const TupleConversionMap *map; /* NULL: they are alike */
    TupleTableSlot *from;          /* as tuplestores have them */
    TupleTableSlot *removed;
    TupleTableSlot *added;
    ResultRelInfo *partition; /* only those that it may hold; NULL: all */
    EState *estate;
};

PG_GUARDED Passage open_passage(TupleDesc from, Relation to, bool partition)
{
    Passage passage = {.map = pg::conversion_map(from, RelationGetDescr(to)),
                       .from = MakeSingleTupleTableSlot(from, &TTSOpsMinimalTuple),
                       .removed = MakeSingleTupleTableSlot(RelationGetDescr(to), &TTSOpsVirtual),
                       .added = MakeSingleTupleTableSlot(RelationGetDescr(to), &TTSOpsVirtual),
                       .partition = nullptr,
                       .estate = nullptr};
    if (partition) {
        passage.estate = CreateExecutorState();
        passage.partition = makeNode(ResultRelInfo);
        InitResultRelInfo(passage.partition, to, 1, nullptr, 0);
    }
    return passage;
}

PG_GUARDED void close_passage(const Passage &passage)
{
    ExecDropSingleTupleTableSlot(passage.from);
    ExecDropSingleTupleTableSlot(passage.removed);
    ExecDropSingleTupleTableSlot(passage.added);
    if (passage.estate != nullptr)
        FreeExecutorState(passage.estate);
}

/* The row on the other side, in the slot if it looks different there; NULL if it doesn't get there. */
PG_GUARDED TupleTableSlot *pass(const Passage &passage, TupleTableSlot *row, TupleTableSlot *to)
{
    TupleTableSlot *passed = passage.map == nullptr ? row : pg::convert_slot(passage.map, row, to);
    if (passage.partition == nullptr)
        return passed;
    ResetPerTupleExprContext(passage.estate);
    return ExecPartitionCheck(passage.partition, passed, passage.estate, false) ? passed : nullptr;
}

PG_GUARDED Rows pass(const Passage &passage, const Rows &rows, TupleTableSlot *to)
{
    if (rows.single != nullptr)
        return {.store = nullptr, .single = pass(passage, rows.single, to)};
    if (rows.store == nullptr || (passage.map == nullptr && passage.partition == nullptr))
        return rows;
    Tuplestorestate *passed = tuplestore_begin_heap(false, false, work_mem);
    tuplestore_select_read_pointer(rows.store, 0);
    tuplestore_rescan(rows.store);
    while (tuplestore_gettupleslot(rows.store, true, false, passage.from)) {
        CHECK_FOR_INTERRUPTS();
        if (TupleTableSlot *row = pass(passage, passage.from, to))
            tuplestore_puttupleslot(passed, row);
    }
    return {.store = passed, .single = nullptr};
}

/* Take note of a change for the IMATs that read another table, to which the rows pass. */
PG_GUARDED void capture_through(const Change &change, Relation other, bool partition)
{
    const Passage passage = open_passage(change.type, other, partition);
    const Change passed = {.table = RelationGetRelid(other),
                           .type = RelationGetDescr(other),
                           .removed = pass(passage, change.removed, passage.removed),
                           .added = pass(passage, change.added, passage.added),
                           .truncated = change.truncated,
                           .below = !partition};
    if (passed.any())
        capture_change(passed);
    if (passed.removed.store != change.removed.store)
        tuplestore_end(passed.removed.store);
    if (passed.added.store != change.added.store)
        tuplestore_end(passed.added.store);
    close_passage(passage);
}

} // namespace

PG_GUARDED void capture_unknown(Oid table)
{
    capture_change(
        {.table = table, .type = nullptr, .removed = {}, .added = {}, .truncated = true, .below = false});
}

PG_GUARDED void rebuild_later(Oid imat)
{
    if (delta::Plan *plan = delta::plan_of(imat))
        pending_view(imat, plan)->swap = true;
}

PG_GUARDED void capture_above(const Change &change, Oid ancestor)
{
    Relation above = table_open(ancestor, AccessShareLock);
    capture_through(change, above, false);
    table_close(above, NoLock);
}

namespace {

/* The IMATs over a partition of the table that the statement named, or over another parent of its children.
 */
PG_GUARDED void capture_beside(const Change &change, Oid other)
{
    Relation beside = table_open(other, AccessShareLock);
    bool below = false;
    for (Oid above : delta::sources_above(other))
        below = below || above == change.table;
    if (below && beside->rd_rel->relispartition)
        capture_through(change, beside, true);
    else
        capture_unknown(other);
    table_close(beside, NoLock);
}

extern "C" {
static void statement_ends(void * /*argument*/)
{
    --session.changing;
}
}

} // namespace

PG_GUARDED void count_statement(MemoryContext statement)
{
    auto *callback = static_cast<MemoryContextCallback *>(
        MemoryContextAllocZero(statement, sizeof(MemoryContextCallback)));
    callback->func = statement_ends;
    MemoryContextRegisterResetCallback(statement, callback);
    ++session.changing;
}

PG_GUARDED void capture(TriggerData *trigger, MemoryContext statement)
{
    check_call(trigger);
    const bool by_row = TRIGGER_FIRED_FOR_ROW(trigger->tg_event);
    if (TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
        (by_row && SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA))
        return;
    if (session.changing == 0)
        count_statement(statement);
    Change change = change_of(trigger);
    if (!change.any())
        return;
    const List *leaving = by_row ? NIL : delta::leaving_written(change.table);
    const bool told_by_others = by_row || change.truncated;
    change.truncated = change.truncated || leaving != NIL || lacks_generated(trigger);

    /* Copies: the cache may be rebuilt under our hands, and what was in it when the statement ended is what
     * counts.
     */
    for (Oid table : catalog::copy_of(delta::sources_above(change.table))) {
        if (table == change.table)
            capture_change(change);
        else
            capture_above(change, table);
    }
    for (Oid table : pg::each_oid(leaving))
        capture_unknown(table);
    /* A row trigger is that of the table where the row is; TRUNCATE fires those of all partitions and
     * children.
     */
    if (!told_by_others)
        for (Oid table : catalog::copy_of(delta::sources_beside(change.table)))
            capture_beside(change, table);
    const bool too_large = pending_bytes() > static_cast<std::size_t>(session.pending_memory) * 1024;
    session.flush_due =
        session.flush_due || too_large || session.flush_at == static_cast<int>(catalog::FlushAt::Statement);
}

} // namespace flush
