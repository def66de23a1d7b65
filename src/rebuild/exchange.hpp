/*
 * exchange.hpp - a new heap beside the old, and the moment they change places.  Internal to room rebuild.
 */
#pragma once

#include "pg/seam.hpp"

namespace rebuild {

struct NewHeap; /* opaque; in the context that was current at begin_new_heap */

/*
 * Could the table's heap be exchanged at all?  Not if somebody must be told of each row: AFTER ROW triggers,
 * foreign keys, logical replication; not if this session has it open, or triggers of it pending; not with
 * exclusion constraints, whose indexes can't be copied.
 */
PG_GUARDED bool is_exchangeable(Relation table);

/*
 * How full the pages of a new heap are made, in percent: all, where it will be replaced as a whole; most,
 * where rows come and go one by one; half, where one change may touch every group.
 */
enum class Filled : int { All = 100, Most = 80, Half = 50 };

/*
 * A new, empty heap like the table's.  The table stays open and locked ShareRowExclusive at least.  A
 * fillfactor of the table's own comes before what is asked for.
 */
PG_GUARDED NewHeap *begin_new_heap(Relation table, TupleDesc row_type, Filled filled);

/* Add a row; a RowConsumer whose self is the NewHeap. */
PG_GUARDED void add_row(void *new_heap, TupleTableSlot *row);

/* That was the last row: build the indexes. */
PG_GUARDED void end_new_heap(NewHeap *new_heap);

/* Try for some milliseconds to lock, without ever standing in the way of those who hold the lock. */
PG_GUARDED bool try_to_lock(Oid relation);

/* Lock the table and its indexes against readers; without waiting for them unless told so. */
PG_GUARDED bool lock_for_exchange(Relation table, bool wait);

/* The new heap and indexes take the place of the old, which are dropped.  Both tables are closed by this. */
PG_GUARDED void exchange(NewHeap *new_heap);

/* Drop the new heap. */
PG_GUARDED void discard(NewHeap *new_heap);

} // namespace rebuild
