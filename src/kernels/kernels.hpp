// The front door of the kernels: the accumulators that groups are maintained with.
//
// Each kernel is the state of one family of aggregates and a commutative group: `add` folds a value in,
// `subtract` (or `remove`) folds it out and is its inverse, `merge` combines two states in any order and
// grouping, `negate` gives the inverse, and the empty state is zero. That is all that incremental maintenance
// needs: the delta of a group is itself a state, may remove what it has never seen, and is merged into the
// stored one. A state is read exactly, whatever its history; and `encode` gives equal states equal bytes.
//
//     ExactSum      sum and avg of float4 and float8
//     IntegerSum    sum and avg of smallint, integer, bigint
//     IntervalSum   sum and avg of interval
//     ScaleCounts   how many digits a sum of numeric shows
//     SquareSum     with IntegerSum: variance and stddev of smallint, integer, bigint
//     ExactProducts with ExactSum: variance and stddev of float4 and float8; covar, corr, regr_*
//     BitCounts     bit_and, bit_or and bit_xor of integers; bool_and and bool_or
//     Extremes      min and max, as far as it sees: it is no group, but forgets what is far from the extremum
//     change_count  with each of these: aggregates with DISTINCT (multiplicity.hpp)
//
// Nothing here knows PostgreSQL. Values go in and out plain; memory comes from an Arena (arena.hpp says what
// that asks of a state), bytes through a Writer and a Reader (codec.hpp).
#pragma once

// IWYU pragma: begin_exports
#include "arena.hpp"
#include "bit_counts.hpp"
#include "codec.hpp"
#include "exact_products.hpp"
#include "exact_sum.hpp"
#include "extremes.hpp"
#include "integer_sum.hpp"
#include "integers.hpp"
#include "interval_sum.hpp"
#include "multiplicity.hpp"
#include "scale_counts.hpp"
#include "square_sum.hpp"
// IWYU pragma: end_exports
