/*
 * difference.hpp - by which rows a table differs from the rows that it should have.  Internal to room
 * rebuild.
 */
#pragma once

#include "pg/seam.hpp"

namespace rebuild {

/* The rows that a table should have, put aside in a tuplestore. */
struct Spool {
    TupleDesc type; /* the first columns of the table */
    Tuplestorestate *rows;
    TupleTableSlot *flat;  /* a row without toast pointers */
    MemoryContext scratch; /* for the making of one row */
    int64 count;
    int64 bytes;
};

PG_GUARDED Spool *begin_spool(TupleDesc type);

/* Put a row aside; a RowConsumer whose self is the Spool. */
PG_GUARDED void spool_row(void *spool, TupleTableSlot *row);

PG_GUARDED void end_spool(Spool *spool);

/* Places of rows in the table. */
struct Places {
    ItemPointerData *data;
    int64 size;
    int64 capacity;
};

/* What would make the table equal the spool. */
struct Difference {
    bool complete; /* false: the limit was reached, and the rest is not filled in */
    Places deleted;
    Places updated;                /* these rows become, in this order, ... */
    Tuplestorestate *updated_rows; /* ... these */
    Tuplestorestate *inserted_rows;
    int64 inserted;
};

/*
 * Compare.  Rows are the same if they are so to the last bit.  key: the columns that tell rows apart (-1: all
 * do), by which a row that changed is recognized.  Given up when more than limit rows differ (-1: never).
 */
PG_GUARDED Difference *compare(Relation table, Spool *spool, const AttrNumber *key, int key_size,
                               Snapshot snapshot, int64 limit);

PG_GUARDED void free_difference(Difference *difference);

} // namespace rebuild
