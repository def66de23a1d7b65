/*
 * places.hpp - where the rows of groups were found last.
 */
#pragma once

#include "pg/seam.hpp"

namespace apply {

/*
 * Places in one table, by the hashes of group keys.  A row that is updated without new index entries is still
 * found from the place that its index entry names, so most searches can begin there and spare the index.  A
 * place is a guess: whoever uses it checks that the row there is the one that is wanted.
 *
 * Kept from one transaction to the next, in the memory of a plan.  It is as large as the groups that a
 * session comes back to, and has an upper bound.
 */
class Places {
  public:
    PG_GUARDED static Places *create(MemoryContext memory);

    /* The table has been opened and locked: forget what is not there any more. */
    PG_GUARDED void attach(Relation table);

    /* Where the row of a group with the hash may be, or NULL. */
    PG_GUARDED const ItemPointerData *find(uint32 hash) const;

    /* It was found there: what the index entry says. */
    PG_GUARDED void note(uint32 hash, ItemPointerData where);

  private:
    struct Entry {
        uint32 hash;
        ItemPointerData where; /* invalid: there is none */
    };

    PG_GUARDED void grow();

    MemoryContext memory_;
    Entry *entries_; /* each hash has one possible place */
    uint32 mask_;
    uint32 displaced_;   /* how often one took the place of another since the table grew */
    Oid file_;           /* the table's contents that the places are in */
    BlockNumber blocks_; /* how many pages that has */
};

} // namespace apply
