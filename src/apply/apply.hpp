/*
 * apply.hpp - the front door of room apply, the only writer of IMAT rows: changes of groups become changes of
 * rows.
 */
#pragma once

#include "apply/writer.hpp"
#include "delta/delta.hpp"

namespace apply {

/* Is told of every row of an IMAT that appears (before is NULL), changes, or disappears (after is NULL). */
struct Listener {
    void (*row_changed)(void *self, TupleTableSlot *before, TupleTableSlot *after);
    void *self;
};

/* When changes are applied. */
enum class Moment : char {
    Commit, /* nothing of the transaction comes after */
    Early,  /* it goes on, and its snapshot may be older than what others have committed */
};

/* The error of a transaction with one snapshot that would have to see a group as nobody did. */
[[noreturn]] PG_GUARDED void raise_serialization_failure();

/*
 * Add the changes of groups to the rows of the IMAT, in the order of the group keys.  The caller holds
 * RowExclusiveLock on the table and on its state table, has a fresh snapshot active, and is the maintainer
 * (delta::as_maintainer).  Returns how many groups were written.
 *
 * Errors: DATA_CORRUPTED where the table can't be what it should have been before; T_R_SERIALIZATION_FAILURE
 * at Moment::Early in a transaction with one snapshot, where a group was changed by another since then.
 */
PG_GUARDED int64 apply_groups(delta::Plan *plan, delta::GroupTable *changes, Moment moment,
                              const Listener *listener);

/*
 * Add rows to a bag, or what an upper query shows, and remove others: the groups are output rows, with the
 * change of their number.  As apply_groups.
 */
PG_GUARDED int64 apply_rows(delta::Plan *plan, delta::GroupTable *changes, Moment moment,
                            const Listener *listener);

/*
 * Compute the rows of a bag anew that have these keys, and put what comes out in place of them.  As
 * replace_groups.
 */
PG_GUARDED int64 replace_rows(delta::Plan *plan, delta::GroupTable *keys, Moment moment,
                              const Listener *listener);

/*
 * Compute the groups anew, and put what comes out in place of their rows.  As apply_groups; and the caller
 * holds the locks on the keys of the groups, taken before the active snapshot, and AccessShareLock on the
 * sources.
 */
PG_GUARDED int64 replace_groups(delta::Plan *plan, delta::GroupTable *groups, Moment moment,
                                const Listener *listener);

} // namespace apply
