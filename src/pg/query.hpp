/*
 * query.hpp - running an analysed Query and being handed its rows.
 */
#pragma once

#include "pg/settled.hpp"

namespace pg {

/* Takes the rows of a query, one by one.  consume is guarded code; the slot is the executor's. */
struct RowConsumer {
    void (*consume)(void *self, TupleTableSlot *row);
    void *self;
};

/*
 * Rewrite, plan and run a copy of the query under the snapshot of the reading, as the current user; rows go
 * to the consumer. The relations it reads are locked AccessShare until the end of the transaction. Follows
 * refresh_matview_datafill (PostgreSQL, commands/matview.c).
 */
PG_GUARDED void run_query(const Query *query, Reading reading, RowConsumer consumer);

/* Rewrite and plan a copy of the query, which is about a few changed rows or keys. */
PG_GUARDED PlannedStmt *plan_definition(const Query *query);

/* Plan such a query that reads tables and tuplestores only: nothing in it is rewritten. */
PG_GUARDED PlannedStmt *plan_plain_query(const Query *query);

/* A plan that is run once more reads partitions and children that nobody has locked in this transaction. */
PG_GUARDED void lock_tables(const PlannedStmt *plan);

/* A set of rows that a query reads by name, as triggers read transition tables. */
struct NamedRows {
    const char *name;
    Oid layout; /* the table whose rows they could be */
    TupleDesc type;
    Tuplestorestate *rows;
};

/* The range table entry of such a set; all of its columns count as visible. */
PG_GUARDED RangeTblEntry *named_rows_entry(const NamedRows &rows);

/*
 * Run a plan under the snapshot of the reading, as the current user; rows go to the consumer.  The tables
 * that the query names have to be locked already; the sets of rows it reads are given.
 */
PG_GUARDED void run_plan(PlannedStmt *plan, Reading reading, const NamedRows *named, int count,
                         RowConsumer consumer);

} // namespace pg
