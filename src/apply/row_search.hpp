/*
 * row_search.hpp - finding a row by all of its values, for tables that don't show their group keys.
 */
#pragma once

#include "catalog/catalog.hpp"
#include "pg/seam.hpp"

namespace apply {

/* Do the rows have the same values in every column, bit for bit? */
PG_GUARDED bool same_row(TupleTableSlot *left, TupleTableSlot *right);

/* The same for the columns that the right one has: the left one may have more of the owner's own. */
PG_GUARDED bool same_columns(TupleTableSlot *left, TupleTableSlot *right);

class RowSearch {
  public:
    /* Rows are given by their first columns, so many.  The table is open and locked. */
    PG_GUARDED static RowSearch *open(Relation table, int columns);
    PG_GUARDED void close();

    /*
     * Find and lock a row that equals the wanted one and that nobody else has locked; *where is its place.
     * False: there is none.
     */
    PG_GUARDED bool lock(TupleTableSlot *wanted, ItemPointer where);

    /*
     * The same for a row of a bag, whose hash is given: one of those that are there now, and that the
     * snapshot shows too if there is one.  Those that this transaction has made come first.
     */
    PG_GUARDED bool lock_one_of(TupleTableSlot *wanted, uint32 hash, ItemPointer where, Snapshot shown);

    /* The row that was locked last. */
    TupleTableSlot *row() const noexcept { return row_; }

  private:
    PG_GUARDED int set_keys(TupleTableSlot *wanted, bool *possible);
    template <class Visit>
    PG_GUARDED bool scan(TupleTableSlot *wanted, Snapshot snapshot, Visit visit);
    PG_GUARDED bool lock_candidate(TupleTableSlot *wanted, ItemPointer where);
    PG_GUARDED bool lock_free(TupleTableSlot *wanted, ItemPointer where, Snapshot shown, bool own,
                              ItemPointer taken);

    Relation table_;
    Relation index_;
    IndexInfo *info_;
    EState *estate_;
    TupleTableSlot *row_;
    ScanKeyData *scan_;
};

} // namespace apply
