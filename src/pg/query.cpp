/*
 * query.cpp - running an analysed Query and being handed its rows.
 *
 * The executor gives rows to a DestReceiver, a struct of C callbacks; ours forwards them.  The callbacks run
 * inside the crossing that the caller made, so they are guarded code and need no crossing of their own.
 */
#include "pg/query.hpp"

#include "pg/list.hpp"

namespace pg {

namespace {

struct Receiver {
    DestReceiver callbacks; /* first: PostgreSQL sees only this */
    RowConsumer consumer;
};

extern "C" {

static bool receive_row(TupleTableSlot *slot, DestReceiver *self)
{
    const RowConsumer &consumer = reinterpret_cast<Receiver *>(self)->consumer;
    consumer.consume(consumer.self, slot);
    return true;
}

static void receiver_startup(DestReceiver * /*self*/, int /*operation*/, TupleDesc /*type*/) {}

static void receiver_end(DestReceiver * /*self*/) {}

} // extern "C"

/* Rewrite a copy of the query. */
PG_GUARDED Query *rewrite(const Query *query)
{
    auto *copy = static_cast<Query *>(copyObjectImpl(query));
    AcquireRewriteLocks(copy, true, false);
    List *rewritten = QueryRewrite(copy);
    if (list_length(rewritten) != 1)
        elog(ERROR, "unexpected rewrite result for the query of an incremental materialized table");
    CHECK_FOR_INTERRUPTS();
    return static_cast<Query *>(linitial(rewritten));
}

/*
 * Plan for tables whose pages are at hand.  What a few changed rows are joined with was written or read
 * lately, most of the time, and many look-ups share the pages of an index.  With PostgreSQL's default for
 * what such a page costs, that of a disk, a thousand rows are enough for a hash of a whole table of a hundred
 * thousand, which takes several times as long as the look-ups; and it grows with the table.  Whoever has said
 * that it costs less is believed.
 */
PG_GUARDED PlannedStmt *plan_for_cached_pages(Query *query)
{
    const double cost = 1.1 * seq_page_cost;
    if (random_page_cost <= cost)
        return plan_settled_query(query, 0);
    const int level = NewGUCNestLevel();
    set_config_option("random_page_cost", psprintf("%g", cost), PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
                      true, 0, false);
    PlannedStmt *plan = plan_settled_query(query, 0);
    AtEOXact_GUC(false, level);
    return plan;
}

} // namespace

PG_GUARDED void run_query(const Query *query, Reading reading, RowConsumer consumer)
{
    Query *rewritten = rewrite(query);
    run_plan(reading.settled ? plan_settled_query(rewritten, CURSOR_OPT_PARALLEL_OK)
                             : plan_query(rewritten, CURSOR_OPT_PARALLEL_OK),
             reading, nullptr, 0, consumer);
}

PG_GUARDED PlannedStmt *plan_definition(const Query *query)
{
    return plan_for_cached_pages(rewrite(query));
}

PG_GUARDED PlannedStmt *plan_plain_query(const Query *query)
{
    return plan_for_cached_pages(static_cast<Query *>(copyObjectImpl(query)));
}

PG_GUARDED void lock_tables(const PlannedStmt *plan)
{
    for (auto *entry : each<RangeTblEntry>(plan->rtable))
        if (entry->rtekind == RTE_RELATION)
            LockRelationOid(entry->relid, AccessShareLock);
}

PG_GUARDED RangeTblEntry *named_rows_entry(const NamedRows &rows)
{
    auto *entry = makeNode(RangeTblEntry);
    entry->rtekind = RTE_NAMEDTUPLESTORE;
    entry->relid = rows.layout;
    entry->enrname = pstrdup(rows.name);
    entry->enrtuples = static_cast<double>(tuplestore_tuple_count(rows.rows));
    entry->inFromCl = true;
    List *names = NIL;
    for (int i = 0; i < rows.type->natts; ++i) {
        const auto *column = TupleDescAttr(rows.type, i);
        const bool dropped = column->attisdropped;
        names = lappend(names, makeString(pstrdup(dropped ? "" : NameStr(column->attname))));
        entry->coltypes = lappend_oid(entry->coltypes, dropped ? InvalidOid : column->atttypid);
        entry->coltypmods = lappend_int(entry->coltypmods, dropped ? 0 : column->atttypmod);
        entry->colcollations = lappend_oid(entry->colcollations, dropped ? InvalidOid : column->attcollation);
    }
    entry->eref = makeAlias(rows.name, names);
    return entry;
}

PG_GUARDED void run_plan(PlannedStmt *plan, Reading reading, const NamedRows *named, int count,
                         RowConsumer consumer)
{
    Receiver receiver = {};
    receiver.callbacks.receiveSlot = receive_row;
    receiver.callbacks.rStartup = receiver_startup;
    receiver.callbacks.rShutdown = receiver_end;
    receiver.callbacks.rDestroy = receiver_end;
    receiver.callbacks.mydest = DestNone;
    receiver.consumer = consumer;

    QueryEnvironment *environment = count == 0 ? nullptr : create_queryEnv();
    for (int i = 0; i < count; ++i) {
        auto *relation = static_cast<EphemeralNamedRelation>(palloc0(sizeof(EphemeralNamedRelationData)));
        relation->md.name = pstrdup(named[i].name);
        relation->md.reliddesc = InvalidOid;
        relation->md.tupdesc = named[i].type;
        relation->md.enrtype = ENR_NAMED_TUPLESTORE;
        relation->md.enrtuples = static_cast<double>(tuplestore_tuple_count(named[i].rows));
        relation->reldata = named[i].rows;
        register_ENR(environment, relation);
    }

    lock_tables(plan);
    PushCopiedSnapshot(reading.snapshot);
    UpdateActiveSnapshotCommandId();
    const bool settled = reading.settled && is_serializable() && can_read_settled(plan);
    Snapshot snapshot = register_settled({GetActiveSnapshot(), settled});
    QueryDesc *execution = create_query_desc(plan, snapshot, &receiver.callbacks, environment);
    ExecutorStart(execution, 0);
    execute_all(execution);
    ExecutorFinish(execution);
    ExecutorEnd(execution);
    FreeQueryDesc(execution);
    UnregisterSnapshot(snapshot);
    PopActiveSnapshot();
}

} // namespace pg
