/*
 * numeric_state.hpp - the final functions of numeric's aggregates, called on sums that were kept elsewhere.
 */
#pragma once

#include "pg/seam.hpp"

namespace pg {

/* What PostgreSQL's var_pop, stddev_samp and so on of numeric are computed from. */
struct NumericMoments {
    int64 finite;    /* how many values are neither NaN nor infinite */
    Numeric sum;     /* of these, showing as many digits as any of them */
    Numeric squares; /* the sum of their squares */
    int64 nans;
    int64 positive_infinities;
    int64 negative_infinities;
};

/* The result of numeric_var_pop, numeric_var_samp, numeric_stddev_pop or numeric_stddev_samp. */
PG_GUARDED Datum moments_result(const NumericMoments &moments, PGFunction final_function, bool *null);

} // namespace pg
