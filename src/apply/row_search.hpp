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
    /* The table is open and locked. */
    PG_GUARDED static RowSearch *open(Relation table);
    PG_GUARDED void close();

    /*
     * Find and lock a row that equals the wanted one and that nobody else has locked; *where is its place.
     * False: there is none.
     */
    PG_GUARDED bool lock(TupleTableSlot *wanted, ItemPointer where);

  private:
    PG_GUARDED int set_keys(TupleTableSlot *wanted, bool *possible);
    PG_GUARDED bool lock_candidate(TupleTableSlot *wanted, ItemPointer where);

    Relation table_;
    Relation index_;
    TupleTableSlot *row_;
    ScanKeyData *scan_;
};

} // namespace apply
