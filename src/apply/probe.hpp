/*
 * probe.hpp - finding the row of a group, and locking it in its latest version.
 */
#pragma once

#include "apply/places.hpp"
#include "catalog/catalog.hpp"
#include "delta/delta.hpp"

namespace apply {

/* Whether a row was found. */
enum class Found : char {
    Locked,   /* and locked: nobody else changes it until our transaction ends */
    Missing,  /* there is no such row, and nobody is just making one */
    InFlight, /* another transaction is making one (only where the probe may not wait) */
    Seen,     /* in its latest version, and nobody is at it; but it is not locked */
};

/* How rows are found by key, as long as the table's indexes stay what they are. */
struct ProbePlan {
    Oid index;
    int size;                 /* columns of the index */
    ScanKeyData *scan;        /* one for each, in its order */
    int *key;                 /* which group key it is */
    Oid *array_of;            /* element type where the index has ARRAY[column], else InvalidOid */
    FmgrInfo *hash;           /* where the index has the hash of its key, else without a function */
    bool exact;               /* what the index finds has the keys; else they have to be compared */
    int keys;                 /* group keys, and a value, if that is what is looked for */
    const AttrNumber *column; /* of the table, that shows the key; or 0 */
    Places *places;           /* where rows were found; not for multiplicities */
};

/* Looks up rows of one table by group key. */
class Probe {
  public:
    /* For the IMAT itself or for its state table; the table is open and locked. */
    PG_GUARDED static Probe *open(Relation table, delta::Plan *plan, bool of_state);

    /* For a table of multiplicities: keys are those of a group, and behind them a value; only for look(). */
    PG_GUARDED static Probe *open_values(Relation table, delta::Plan *plan, int distinct);
    PG_GUARDED void close();

    /* Find the row with the key, of which the caller knows that nobody else is writing it; it is in row(). */
    PG_GUARDED bool look(const Datum *keys, const bool *nulls);

    /* Find and lock the row with the key; it is in row() if so.  Waits for whoever else has it. */
    PG_GUARDED Found lock(const Datum *keys, const bool *nulls) { return find(keys, nulls, true); }

    /* The same, but never waits for a row that another transaction is making. */
    PG_GUARDED Found try_lock(const Datum *keys, const bool *nulls) { return find(keys, nulls, false); }

    /* Find the row, which is then in row(), without locking it: Seen, or Missing, or InFlight where somebody
     * is at it.  hash: that of the group. */
    PG_GUARDED Found find_unlocked(const Datum *keys, const bool *nulls, uint32 hash);

    /* Is there a row with the key that the snapshot sees? */
    PG_GUARDED bool sees(const Datum *keys, const bool *nulls, Snapshot snapshot);

    /* The row that was found last. */
    TupleTableSlot *row() const noexcept { return row_; }

  private:
    PG_GUARDED static Probe *open_with(Relation table, delta::Plan *plan, ProbePlan *probe_plan);
    PG_GUARDED Relation index();
    PG_GUARDED Found find(const Datum *keys, const bool *nulls, bool wait);
    PG_GUARDED bool fetch(const Datum *keys, const bool *nulls, Snapshot snapshot,
                          const uint32 *note_hash = nullptr);
    PG_GUARDED delta::KeyOperations &operations(int key) const;
    PG_GUARDED bool fetch_known(const Datum *keys, const bool *nulls, uint32 hash, Snapshot snapshot);
    PG_GUARDED bool has_keys(const Datum *keys, const bool *nulls);
    PG_GUARDED void set_keys(const Datum *keys, const bool *nulls);
    PG_GUARDED bool next(bool start);
    PG_GUARDED Found lock_version(ItemPointerData where, bool *retry);

    ProbePlan *plan_;
    model::Array<delta::KeyOperations> keys_; /* how group keys, or what rows are told by, are handled */
    Relation table_;
    Relation index_; /* opened when it is needed */
    TupleTableSlot *row_;
    ScanKeyData *scan_; /* the plan's, with the values that are looked for */

    /* For look(). */
    delta::KeyOperations *value_; /* how the value behind them is */
    SnapshotData dirty_;
    IndexScanDesc looking_;
    MemoryContext memory_; /* that the scan is in: it keeps things there from one search to the next */
};

} // namespace apply
