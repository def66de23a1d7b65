/*
 * moves.hpp - rows that MERGE moves from one partition to another.
 */
#pragma once

#include "pg/seam.hpp"

namespace flush {

/* The statement is about to fire its AFTER triggers: have those fire, too, that see the rows it moved. */
PG_GUARDED void capture_moves(const QueryDesc *statement);

} // namespace flush
