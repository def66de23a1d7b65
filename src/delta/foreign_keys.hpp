/*
 * foreign_keys.hpp - what foreign keys say about the change of a join.
 */
#pragma once

#include "delta/join.hpp"

namespace delta {

/* How the rows of a reference were changed. */
struct ReferenceChange {
    bool added;
    bool removed;
};

/* The same for all references of the view. */
struct ViewChange {
    ReferenceChange of[model::MAX_REFERENCES];
};

/*
 * How the references were changed by changes of tables, as far as it matters: for the view those that are
 * left out here might as well have been as they are now from the start.
 */
PG_GUARDED ViewChange change_of(const Plan &plan, const model::Array<ChangedTable> &changed);

/* Is a term empty that joins the rows removed from one reference with the whole of the other? */
PG_GUARDED bool is_empty_join(const Plan &plan, const ViewChange &change, int removed, int whole);

} // namespace delta
