/*
 * query.cpp - running an analysed Query and being handed its rows.
 *
 * The executor gives rows to a DestReceiver, a struct of C callbacks; ours forwards them.  The callbacks run
 * inside the crossing that the caller made, so they are guarded code and need no crossing of their own.
 */
#include "pg/query.hpp"

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

} // namespace

PG_GUARDED void run_query(const Query *query, Snapshot snapshot, RowConsumer consumer)
{
    auto *copy = static_cast<Query *>(copyObjectImpl(query));
    AcquireRewriteLocks(copy, true, false);
    List *rewritten = QueryRewrite(copy);
    if (list_length(rewritten) != 1)
        elog(ERROR, "unexpected rewrite result for the query of an incremental materialized table");
    CHECK_FOR_INTERRUPTS();

    PlannedStmt *plan = plan_query(static_cast<Query *>(linitial(rewritten)), CURSOR_OPT_PARALLEL_OK);
    Receiver receiver = {};
    receiver.callbacks.receiveSlot = receive_row;
    receiver.callbacks.rStartup = receiver_startup;
    receiver.callbacks.rShutdown = receiver_end;
    receiver.callbacks.rDestroy = receiver_end;
    receiver.callbacks.mydest = DestNone;
    receiver.consumer = consumer;

    PushCopiedSnapshot(snapshot);
    UpdateActiveSnapshotCommandId();
    QueryDesc *execution = create_query_desc(plan, GetActiveSnapshot(), &receiver.callbacks);
    ExecutorStart(execution, 0);
    execute_all(execution);
    ExecutorFinish(execution);
    ExecutorEnd(execution);
    FreeQueryDesc(execution);
    PopActiveSnapshot();
}

} // namespace pg
