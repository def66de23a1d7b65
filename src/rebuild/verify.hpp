/*
 * verify.hpp - does a table equal its definition?
 */
#pragma once

#include "pg/seam.hpp"

namespace rebuild {

/*
 * By how many rows an IMAT and its definition differ: rows in the one but not in the other, both ways, each
 * as often as it is.  What this transaction has pending must have been applied, and be visible to a new
 * command.  The caller must own the IMAT or may SELECT from it.
 */
PG_GUARDED int64 verify(Oid imat);

} // namespace rebuild
