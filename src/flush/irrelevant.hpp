/*
 * irrelevant.hpp - UPDATEs of columns that no IMAT reads.
 */
#pragma once

#include "pg/seam.hpp"

namespace flush {

/* The statement is ready to run: if it is such an UPDATE, have it spare itself the transition tables. */
PG_GUARDED void ignore_irrelevant_update(const QueryDesc *statement);

} // namespace flush
