/*
 * keys_query.hpp - the query that finds the keys that changed rows of a reference have a say in.
 */
#pragma once

#include "analyze/analyze.hpp"
#include "model/model.hpp"
#include "pg/seam.hpp"

namespace delta {

/*
 * The query whose rows have the keys, in all of the ways that the reach names, one after the other.  entries:
 * what each reference of the view stands for, in order.
 */
PG_GUARDED Query *keys_query(const model::View &view, const analyze::Reach &reach, const List *entries);

} // namespace delta
