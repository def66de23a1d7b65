/*
 * multiset.hpp - two multisets of rows, compared.
 *
 * Add the rows of the one, remove those of the other; what is left over is by what they differ.  Rows are
 * equal if all columns are, each by the rule given for it; NULLs are equal.
 */
#pragma once

#include "model/model.hpp"
#include "pg/seam.hpp"

namespace rebuild {

/* When are two values of a column equal? */
enum class Compare : char {
    Equality, /* by the type's own equality, under the column's collation; by Text for types without one */
    Text,     /* when they are written alike */
    Bits,     /* real and double precision: to the last bit; NaNs are equal */
    Roughly,  /* real and double precision: to 5 and 12 significant digits */
    Ignored,  /* always */
};

struct RowMultiset; /* opaque; lives in a memory context of its own, below the one current at its making */

/*
 * An empty multiset of rows that have the first columns of the type, one for each rule, and maybe more.
 * Types with an Equality or Text rule call functions of the types, with the current user's rights.
 */
PG_GUARDED RowMultiset *make_multiset(TupleDesc type, const model::Array<Compare> &rules);

PG_GUARDED void add(RowMultiset *multiset, TupleTableSlot *row);

PG_GUARDED void remove(RowMultiset *multiset, TupleTableSlot *row);

/* How many rows were added more often than removed, or removed more often than added, and how much so. */
PG_GUARDED int64 leftovers(RowMultiset *multiset);

PG_GUARDED void free_multiset(RowMultiset *multiset);

} // namespace rebuild
