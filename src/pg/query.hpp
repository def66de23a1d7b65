/*
 * query.hpp - running an analysed Query and being handed its rows.
 */
#pragma once

#include "pg/seam.hpp"

namespace pg {

/* Takes the rows of a query, one by one.  consume is guarded code; the slot is the executor's. */
struct RowConsumer {
    void (*consume)(void *self, TupleTableSlot *row);
    void *self;
};

/*
 * Rewrite, plan and run a copy of the query under the snapshot, as the current user; rows go to the consumer.
 * The relations it reads are locked AccessShare until the end of the transaction.
 * Follows refresh_matview_datafill (PostgreSQL, commands/matview.c).
 */
PG_GUARDED void run_query(const Query *query, Snapshot snapshot, RowConsumer consumer);

} // namespace pg
