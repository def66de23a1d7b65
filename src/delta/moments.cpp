/*
 * moments.cpp - what a group keeps of an input whose variance is asked for: the number of the values, their
 * sum and the sum of their squares, all exact.
 *
 * From these three, sum of squared deviations = squares - sum * sum / count, in which nothing cancels as
 * long as nothing was rounded.  Of integers and numeric PostgreSQL computes it from the same three sums
 * (numeric_stddev_internal, utils/adt/numeric.c), and its own code does so here (pg/numeric_state.cpp): the
 * results are the same to the last digit shown.  Of floats it follows the values one by one (float8_accum,
 * utils/adt/float.c); here the variance is the correctly rounded one.
 *
 * NaN and the infinities make every result NaN, and are counted, so that they leave with the rows that
 * brought them.
 */
#include "delta/accumulator.hpp"
#include "pg/numeric_state.hpp"

#include <cmath>

namespace delta {

namespace {

using model::AggregateFunction;

/* PostgreSQL's final function. */
PG_GUARDED PGFunction final_function(AggregateFunction function)
{
    switch (function) {
    case AggregateFunction::VarPop:
        return numeric_var_pop;
    case AggregateFunction::VarSamp:
        return numeric_var_samp;
    case AggregateFunction::StddevPop:
        return numeric_stddev_pop;
    case AggregateFunction::StddevSamp:
        return numeric_stddev_samp;
    default:
        elog(ERROR, "aggregate function %d is none of moments", static_cast<int>(function));
        pg_unreachable();
    }
}

PG_GUARDED bool is_linear(AggregateFunction function)
{
    return function == AggregateFunction::Sum || function == AggregateFunction::Avg;
}

/* Sum or average of the values. */
template <class State>
PG_GUARDED Datum linear_result(const State &values, AggregateFunction function, Oid type)
{
    return function == AggregateFunction::Sum ? values.sum(type) : values.average(type);
}

PG_GUARDED Numeric square_of(Numeric value)
{
    return DatumGetNumeric(DirectFunctionCall2(numeric_mul, NumericGetDatum(value), NumericGetDatum(value)));
}

PG_GUARDED Numeric zero()
{
    return DatumGetNumeric(DirectFunctionCall1(int8_numeric, Int64GetDatum(0)));
}

} // namespace

PG_GUARDED void IntegerMomentsState::fold(Oid type, Datum value, Sign sign, Arena &arena)
{
    const int64 number = type == INT2OID   ? DatumGetInt16(value)
                         : type == INT4OID ? DatumGetInt32(value)
                                           : DatumGetInt64(value);
    values.fold(type, value, sign, arena);
    if (sign == Sign::In)
        squares.add(number);
    else
        squares.subtract(number);
}

PG_GUARDED void IntegerMomentsState::merge(const IntegerMomentsState &other, Arena &arena)
{
    values.merge(other.values, arena);
    squares.merge(other.squares);
}

PG_GUARDED void IntegerMomentsState::encode(kernels::Writer &writer) const
{
    values.encode(writer);
    squares.encode(writer);
}

PG_GUARDED void IntegerMomentsState::decode(kernels::Reader &reader, Arena &arena)
{
    values.decode(reader, arena);
    squares = kernels::SquareSum::decode(reader);
}

PG_GUARDED Datum IntegerMomentsState::result(AggregateFunction function, Oid type, bool *null) const
{
    if (is_linear(function))
        return linear_result(values, function, type);
    char text[kernels::SquareSum::text_size];
    const Datum numeric = DirectFunctionCall3(numeric_in, CStringGetDatum(squares.to_text(text)),
                                              ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
    const pg::NumericMoments moments = {.finite = values.count,
                                        .sum = DatumGetNumeric(numeric_from(values.total.sum)),
                                        .squares = DatumGetNumeric(numeric),
                                        .nans = 0,
                                        .positive_infinities = 0,
                                        .negative_infinities = 0};
    return pg::moments_result(moments, final_function(function), null);
}

PG_GUARDED void FloatMomentsState::fold(Oid type, Datum value, Sign sign, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    const double number = type == FLOAT4OID ? DatumGetFloat4(value) : DatumGetFloat8(value);
    values.fold(type, value, sign, arena);
    if (sign == Sign::In)
        squares.add(number, number, memory);
    else
        squares.subtract(number, number, memory);
}

PG_GUARDED void FloatMomentsState::merge(const FloatMomentsState &other, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    values.merge(other.values, arena);
    squares.merge(other.squares, memory);
}

PG_GUARDED void FloatMomentsState::encode(kernels::Writer &writer) const
{
    values.encode(writer);
    squares.encode(writer);
}

PG_GUARDED void FloatMomentsState::decode(kernels::Reader &reader, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    values.decode(reader, arena);
    squares = kernels::ExactProducts::decode(reader, memory);
}

PG_GUARDED Datum FloatMomentsState::result(AggregateFunction function, Oid type, bool *null) const
{
    if (is_linear(function))
        return linear_result(values, function, type);
    const bool sample = function == AggregateFunction::VarSamp || function == AggregateFunction::StddevSamp;
    const bool root = function == AggregateFunction::StddevPop || function == AggregateFunction::StddevSamp;
    *null = sample && values.count == 1;
    if (*null)
        return Datum{};
    if (values.total.is_special())
        return Float8GetDatum(get_float8_nan());
    const auto n = static_cast<std::uint64_t>(values.count);
    const float8 variance = checked(covariance(squares, values.total, values.total, n, sample ? n - 1 : n));
    return Float8GetDatum(root ? std::sqrt(variance) : variance);
}

PG_GUARDED void NumericMomentsState::fold(Oid type, Datum datum, Sign sign, Arena &arena)
{
    Numeric value = DatumGetNumeric(datum);
    values.fold(type, NumericGetDatum(value), sign, arena);
    if (!numeric_is_nan(value) && !pg::numeric_is_inf(value)) {
        Numeric square = square_of(value);
        add_numeric(&squares, square, sign, arena);
        pfree(square);
    }
    if (reinterpret_cast<Pointer>(value) != DatumGetPointer(datum))
        pfree(value);
}

PG_GUARDED void NumericMomentsState::merge(const NumericMomentsState &other, Arena &arena)
{
    values.merge(other.values, arena);
    if (other.squares != nullptr)
        add_numeric(&squares, other.squares, Sign::In, arena);
}

PG_GUARDED bool NumericMomentsState::is_zero() const
{
    return values.is_zero() &&
           (squares == nullptr || DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(squares),
                                                                    NumericGetDatum(zero()))) == 0);
}

/* The digits beyond those of the squares that are there are zeros, and not worth being kept. */
PG_GUARDED void NumericMomentsState::encode(kernels::Writer &writer) const
{
    const int scale = 2 * Max(values.scales.max_scale(), 0);
    values.encode(writer);
    encode_numeric(writer, DatumGetNumeric(DirectFunctionCall2(
                               numeric_round, NumericGetDatum(squares == nullptr ? zero() : squares),
                               Int32GetDatum(scale))));
}

PG_GUARDED void NumericMomentsState::decode(kernels::Reader &reader, Arena &arena)
{
    values.decode(reader, arena);
    squares = decode_numeric(reader, arena);
}

PG_GUARDED Datum NumericMomentsState::result(AggregateFunction function, Oid type, bool *null) const
{
    if (is_linear(function))
        return linear_result(values, function, type);
    const pg::NumericMoments moments = {.finite = values.count - values.nans - values.positive_infinities -
                                                  values.negative_infinities,
                                        .sum = values.shown_total(),
                                        .squares = squares == nullptr ? zero() : squares,
                                        .nans = values.nans,
                                        .positive_infinities = values.positive_infinities,
                                        .negative_infinities = values.negative_infinities};
    return pg::moments_result(moments, final_function(function), null);
}

} // namespace delta
