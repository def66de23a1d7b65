/*
 * flush.hpp - the front door of room flush: the transaction's pending changes, and when and in which order
 * they are applied.
 */
#pragma once

#include "apply/apply.hpp"
#include "catalog/catalog.hpp"
#include "flush/capture.hpp"
#include "flush/reading.hpp"

namespace flush {

/* Apply whatever is pending, so that the IMATs show it to the next command; the transaction goes on. */
PG_GUARDED void flush_now();

/* The same for all but these, which are made anew after it. */
PG_GUARDED void flush_others(List *left_out);

/* Apply whatever is pending, as the last thing that the transaction does. */
PG_GUARDED void flush_at_commit();

/* Is maintenance under way?  Then queries that are run, by functions that it calls, read what there is. */
inline bool is_at_work() noexcept
{
    return catalog::session.flushing != 0 || catalog::session.capturing != 0;
}

/*
 * Run body, whose queries don't have pending changes applied before they are run: it is about to write what
 * these would be applied to.  After an error the (sub)transaction's end sees to that.
 */
template <class Body>
PG_GUARDED void without_flush(Body body)
{
    const int outer = catalog::session.flushing;
    if (outer == 0)
        catalog::session.flushing = GetCurrentTransactionNestLevel();
    body();
    catalog::session.flushing = outer;
}

/* Have transactions and subtransactions that end be noticed.  Called once, when the library is loaded. */
PG_GUARDED void watch_transactions();

/* What builds the contents of an IMAT anew, and has its indexes take long keys; see rebuild::rebuild and
 * let_in_long_keys.  They are in a room above this one. */
using Rebuild = void (*)(Oid imat, Snapshot snapshot, bool may_exchange);
using LetIn = void (*)(Oid imat);
PG_GUARDED void rebuild_with(Rebuild rebuild, LetIn let_in_long_keys);

} // namespace flush
