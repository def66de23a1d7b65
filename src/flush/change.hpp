/*
 * change.hpp - something that was done to a source, on its way from whoever noticed it to what is pending.
 */
#pragma once

#include "delta/delta.hpp"

namespace flush {

/* Rows that were added, or removed: those of a tuplestore, or a single one; or none. */
struct Rows {
    Tuplestorestate *store;
    TupleTableSlot *single;

    bool any() const noexcept { return store != nullptr || single != nullptr; }
};

/* Something that was done to a table, or to a table above it. */
struct Change {
    Oid table;
    TupleDesc type;
    Rows removed;
    Rows added;
    bool truncated;
    bool below; /* it was done to tables below that one */

    bool any() const noexcept { return truncated || removed.any() || added.any(); }
};

/* The IMATs over a table above: for them, rows of a partition or child are rows of that one. */
PG_GUARDED void capture_above(const Change &change, Oid ancestor);

/* Something was done to the table, and nobody knows what: the IMATs that read it are to be computed anew. */
PG_GUARDED void capture_unknown(Oid table);

} // namespace flush
