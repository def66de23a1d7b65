/*
 * union_entry.hpp - the rows of a table and others of its kind, as one item of FROM.
 */
#pragma once

#include "pg/seam.hpp"

namespace delta {

/* What both have, by UNION ALL.  table: any entry; rows: of rows with names, which say what columns both
 * have. */
PG_GUARDED RangeTblEntry *union_entry(RangeTblEntry *table, RangeTblEntry *rows);

} // namespace delta
