/*
 * blame.hpp - errors of maintenance say whose they are.
 */
#pragma once

#include "pg/seam.hpp"

namespace flush {

/* body(argument) maintains the IMAT: an error in it names the IMAT in its context, and is counted as its. */
PG_GUARDED void blame(Oid imat, const char *name, void (*body)(void *), void *argument);

/* The same with a closure.  name: of the IMAT, which can't be looked up when an error is under way. */
template <class Body>
PG_GUARDED void on_behalf_of(Oid imat, const char *name, Body body)
{
    blame(
        imat, name, [](void *closure) { (*static_cast<Body *>(closure))(); }, &body);
}

} // namespace flush
