/*
 * reading.hpp - noticing that a statement is about to read what is still pending.
 */
#pragma once

#include "pg/seam.hpp"

namespace flush {

/* Hook into the executor and into utility commands.  Called once, when the library is loaded. */
PG_GUARDED void watch_statements();

/* Have it known to whom it matters that this transaction, which is SERIALIZABLE, has read the IMAT. */
PG_GUARDED void note_read(Oid imat);

} // namespace flush
