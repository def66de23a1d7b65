/*
 * compat.hpp - the differences between PostgreSQL releases, and nothing else.
 *
 * Each function here is what the newest release calls it, made to work on the older ones.  No other file
 * looks at PG_VERSION_NUM.
 */
#pragma once

#ifndef PG_VERSION_NUM
#error "include pg/postgres.hpp instead"
#endif

namespace pg {

/* The cell after this one. */
inline ListCell *next_cell([[maybe_unused]] const List *list, ListCell *cell) noexcept
{
#if PG_VERSION_NUM >= 130000
    return lnext(list, cell);
#else
    return lnext(cell);
#endif
}

/* Plan a rewritten query. */
inline PlannedStmt *plan_query(Query *query, int cursor_options)
{
#if PG_VERSION_NUM >= 130000
    return pg_plan_query(query, "", cursor_options, nullptr);
#else
    return pg_plan_query(query, cursor_options, nullptr);
#endif
}

/* An execution of the plan under the snapshot, without parameters. */
inline QueryDesc *create_query_desc(PlannedStmt *plan, Snapshot snapshot, DestReceiver *destination)
{
    return CreateQueryDesc(plan, "", snapshot, InvalidSnapshot, destination, nullptr, nullptr, 0);
}

/* Run an execution to its end. */
inline void execute_all(QueryDesc *execution)
{
#if PG_VERSION_NUM >= 180000
    ExecutorRun(execution, ForwardScanDirection, 0);
#else
    ExecutorRun(execution, ForwardScanDirection, 0, true);
#endif
}

} // namespace pg
