/*
 * changes.hpp - the rows of a table that a transaction changed, for those who need the rows themselves.
 *
 * Joins do: their changes are computed when they are applied, from all changed rows and the tables as they
 * are then.  The rows are kept once for all IMATs that read the table, in tuplestores, which spill to disk.
 */
#pragma once

#include "delta/delta.hpp"

namespace flush {

/* What was done to one table, in one layer or one flush. */
struct TableChanges {
    Oid table;
    TupleDesc type;
    Tuplestorestate *added;   /* NULL: none */
    Tuplestorestate *removed; /* NULL: none */
    bool sealed;              /* by the end of the subtransaction that made it: others start their own */
    bool borrowed;            /* the rows belong to another set */
};

/* The open set of a table's changes in a list, or a new one appended to it; in the current memory context. */
PG_GUARDED TableChanges *changes_of(List **list, Oid table, TupleDesc type);

/* Add a row, or all rows of a transition table, to what was added or removed. */
PG_GUARDED void note_row(TableChanges *changes, delta::Sign sign, TupleTableSlot *row);
PG_GUARDED void note_rows(TableChanges *changes, delta::Sign sign, Tuplestorestate *rows);

/* Add to a list of sets what another set has; the rows are shared as long as there is just one set of a
 * table. */
PG_GUARDED void gather(List **list, const TableChanges &changes);

/* The subtransaction that made the set commits: its rows have to outlive the resources that it owned. */
PG_GUARDED void hand_up_rows(TableChanges *changes);

/* Let go of the rows, temporary files included.  Not after an error: abort does it then. */
PG_GUARDED void close_rows(TableChanges *changes);

/* The sets of a list as room delta takes them. */
PG_GUARDED model::Array<delta::ChangedTable> as_changed_tables(const List *list);

} // namespace flush
