/*
 * rows_query.hpp - the query whose rows are folded: the join of a view's references, unaggregated or grouped.
 */
#pragma once

#include "model/model.hpp"
#include "pg/seam.hpp"

namespace delta {

/* The range table entry of a whole table, as its owner of the view reads it: no permission is asked for. */
PG_GUARDED RangeTblEntry *table_entry(Oid table);

/* The same of what the view reads of a table. */
PG_GUARDED RangeTblEntry *reference_entry(const model::Reference &reference);

/*
 * A query over the entries, one for each reference in order, and what is computed from them, joined and
 * filtered as the view does.  Its targets are still empty.
 */
PG_GUARDED Query *rows_query(const model::View &view, List *entries);

/* Append a target to the query. */
PG_GUARDED TargetEntry *add_target(Query *query, Expr *expression);

/* Group the query by the key, which is a target of it. */
PG_GUARDED void group_by(Query *query, const model::Key &key, TargetEntry *target, Index reference);

} // namespace delta
