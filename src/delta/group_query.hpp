/*
 * group_query.hpp - the query that computes groups from their rows.
 */
#pragma once

#include "model/model.hpp"
#include "pg/query.hpp"

namespace delta {

/*
 * The query that computes all groups of one grouping set, or (set is NULL) of a view that has just one.  Its
 * columns are those of the table, then the keys.  With changed, the rows of which are keys, only those
 * groups; nulls tells which keys are NULL in all of them.
 */
PG_GUARDED Query *group_query(const model::View &view, const model::GroupingSet *set,
                              const pg::NamedRows *changed, const Bitmapset *nulls);

/* Compute all groups of a keyed view: rows as of group_query. */
PG_GUARDED void compute_groups(const model::View &view, pg::Reading reading, pg::RowConsumer consumer);

} // namespace delta
