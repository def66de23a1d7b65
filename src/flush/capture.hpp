/*
 * capture.hpp - what was done to a source becomes pending.
 */
#pragma once

#include "pg/seam.hpp"

namespace flush {

/* What the names of the triggers on sources begin with. */
constexpr const char *CAPTURE_TRIGGER_PREFIX = "imat_capture_";
constexpr const char *CAPTURE_INSERT_TRIGGER = "imat_capture_insert";
constexpr const char *CAPTURE_UPDATE_TRIGGER = "imat_capture_update";
constexpr const char *CAPTURE_DELETE_TRIGGER = "imat_capture_delete";

/*
 * Take note of what a statement did, or of one row's change: for the trigger function of sources.  The memory
 * context is one that ends with the execution of the statement.
 */
PG_GUARDED void capture(TriggerData *trigger, MemoryContext statement);

/*
 * Take note that all rows of the tables, of which the first is a partition or child of the parent and the
 * others are below it, have come to the parent, or leave it.  They are locked against writers.
 */
PG_GUARDED void capture_tables(const List *tables, Oid parent, bool come);

/* Take note that IMATs over the parent, and over what is above it, have to be computed anew. */
PG_GUARDED void capture_hierarchy(Oid parent);

/*
 * A statement that changes tables began before our hooks were there to count it: it is the one that had the
 * library loaded.  It is counted for as long as this memory of its execution is there.
 */
PG_GUARDED void count_statement(MemoryContext statement);

/* The IMAT is about to be computed anew, and its pending changes mean nothing to what it is by then. */
PG_GUARDED void forget_pending(Oid imat);

/* The IMAT is computed anew by the next flush, whatever is pending for it. */
PG_GUARDED void rebuild_later(Oid imat);

} // namespace flush
