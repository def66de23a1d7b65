/*
 * attempt.hpp - doing something that may turn out to be impossible.
 */
#pragma once

#include "pg/seam.hpp"

namespace pg {

/*
 * Run body(argument) in a subtransaction.  False: something could not be computed there, and whatever it did
 * to the transaction is undone.  Errors that say nothing of what is computed go on: deadlocks, say, or a lack
 * of memory.
 */
PG_GUARDED bool attempt(void (*body)(void *), void *argument);

/* Run body(argument) in a subtransaction, and undo whatever it did to the transaction. */
PG_GUARDED void undo(void (*body)(void *), void *argument);

/* The same with closures. */
template <class Body>
PG_GUARDED void undo(Body body)
{
    undo([](void *closure) { (*static_cast<Body *>(closure))(); }, &body);
}
template <class Body>
PG_GUARDED bool attempt(Body body)
{
    return attempt([](void *closure) { (*static_cast<Body *>(closure))(); }, &body);
}

} // namespace pg
