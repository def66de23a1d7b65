/*
 * accumulate.hpp - accumulators as aggregates of SQL: imat.accumulate, imat.exact_sum, imat.exact_avg.
 */
#pragma once

#include "delta/accumulator.hpp"

namespace delta {

/* The transition state of these aggregates; lives in the aggregate's memory context. */
struct Accumulated;

/*
 * Fold a value (NULL: nothing) into the state of an aggregate call, which is made where there is none yet.
 * An error where the caller is no aggregate.
 */
PG_GUARDED Accumulated *accumulate(FunctionCallInfo call, model::AccumulatorKind kind, Oid type,
                                   NullableDatum state, NullableDatum value);

/* Fold a value out again (for moving windows). */
PG_GUARDED void unaccumulate(Accumulated *accumulated, Datum value);

/* The state as bytes (bytea). */
PG_GUARDED Datum accumulated_bytes(Accumulated *accumulated);

/* The sum or the average, in the type; *null is set where nothing was folded in. */
PG_GUARDED Datum accumulated_result(Accumulated *accumulated, model::AggregateFunction function, Oid type,
                                    bool *null);

/* How the fill query names a kind in its calls of imat.accumulate, and back; an error for any other letter.
 */
PG_GUARDED model::AccumulatorKind kind_of_letter(char letter);
PG_GUARDED char letter_of_kind(model::AccumulatorKind kind);

} // namespace delta
