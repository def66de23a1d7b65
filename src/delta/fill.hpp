/*
 * fill.hpp - computing all groups of a delta view that keeps a state table.
 *
 * The fill query is the definition with each aggregate replaced by the accumulators it needs: its rows are
 * the keys (GROUPING() of all others in place of the number of a grouping set), then the number of rows, then
 * each further accumulator as imat.accumulate (a bytea) gives it.  So PostgreSQL's own executor does the
 * grouping, spilling to disk where it must, and what stands in the table afterwards went through the same
 * code as every later change.  The tables of multiplicities are filled by a query each, with the values among
 * the keys.
 */
#pragma once

#include "catalog/catalog.hpp"

namespace delta {

struct Filler; /* opaque; lives in the context that was current at begin_fill */

/* The fill query of a delta view. */
PG_GUARDED Query *fill_query(const model::View &view);

/* The call of imat.accumulate that gives an accumulator of the input, which may come from a subquery. */
PG_GUARDED Aggref *accumulate_call(const model::Accumulator &accumulator, Node *input);

/*
 * What fills the table of one of View::distincts: the keys, the value, and the number of rows.  Rows whose
 * value is NULL don't belong there.
 */
PG_GUARDED Query *values_query(const model::View &view, int distinct);

/* Get ready to turn rows of the fill query into rows of the IMAT and of its state table. */
PG_GUARDED Filler *begin_fill(const catalog::Registration &registration, const model::View &view,
                              TupleDesc state);

/* Take the next row of the fill query. */
PG_GUARDED void fill_row(Filler *filler, TupleTableSlot *row);

/* Go on to the next group that the row stands for: there are several where a grouping set is there twice. */
PG_GUARDED bool next_group(Filler *filler);

/* The group's visible row, in a virtual slot of the filler's; NULL: HAVING hides the group. */
PG_GUARDED TupleTableSlot *visible_row(Filler *filler);

/* The group's state row, in a virtual slot of the filler's: the keys, then one bytea. */
PG_GUARDED TupleTableSlot *state_row(Filler *filler);

PG_GUARDED void end_fill(Filler *filler);

} // namespace delta
