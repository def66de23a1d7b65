/*
 * pairs.cpp - what a group keeps of pairs of inputs: covar_pop, covar_samp, corr, and the twelve regr_*.
 *
 * The rows that count are those where neither input is NULL.  Room analyze makes one input of the two, the
 * point (x, y), which is NULL where one of them is; so pairs are folded, filtered and shared like any other
 * input.  SQL names the dependent variable first: regr_slope(y, x).
 *
 * Kept are the number of pairs and the exact sums of x, y, xx, yy and xy.  The sums of products of deviations
 * (regr_sxx, regr_syy, regr_sxy) are correctly rounded, and so are averages and covariances; the rest is
 * computed from these as PostgreSQL does (float8_corr, float8_regr_r2 and their kin, utils/adt/float.c), with
 * its rules for NULL.  A NaN or an infinity among the x makes all that depends on deviations of x NaN.
 */
#include "delta/accumulator.hpp"

#include <cmath>

namespace delta {

namespace {

using kernels::ExactProducts;
using kernels::ExactSum;
using model::AggregateFunction;

/* The covariance with m as in kernels::covariance; NaN where a factor is. */
PG_GUARDED float8 deviation(const ExactProducts &products, const ExactSum &x, const ExactSum &y, int64 n,
                            int64 m)
{
    if (x.is_special() || y.is_special())
        return get_float8_nan();
    return checked(covariance(products, x, y, static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(m)));
}

/* The square root of a product of two numbers that aren't negative, which may be out of range. */
PG_GUARDED float8 root_of_product(float8 a, float8 b)
{
    const float8 product = a * b;
    return std::isnormal(product) ? std::sqrt(product) : std::sqrt(a) * std::sqrt(b);
}

} // namespace

PG_GUARDED void PairsState::fold(Oid /*type*/, Datum value, Sign sign, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    const Point pair = *DatumGetPointP(value);
    const bool in = sign == Sign::In;
    auto fold_value = [&](ExactSum &sum, double v) { in ? sum.add(v, memory) : sum.subtract(v, memory); };
    auto fold_product = [&](ExactProducts &sum, double a, double b) {
        in ? sum.add(a, b, memory) : sum.subtract(a, b, memory);
    };
    count += as_number(sign);
    fold_value(x, pair.x);
    fold_value(y, pair.y);
    fold_product(xx, pair.x, pair.x);
    fold_product(yy, pair.y, pair.y);
    fold_product(xy, pair.x, pair.y);
}

PG_GUARDED void PairsState::merge(const PairsState &other, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    count += other.count;
    x.merge(other.x, memory);
    y.merge(other.y, memory);
    xx.merge(other.xx, memory);
    yy.merge(other.yy, memory);
    xy.merge(other.xy, memory);
}

PG_GUARDED bool PairsState::is_zero() const
{
    return count == 0 && x.is_zero() && y.is_zero() && xx.is_zero() && yy.is_zero() && xy.is_zero();
}

PG_GUARDED void PairsState::encode(kernels::Writer &writer) const
{
    writer.signed_varint(count);
    x.encode(writer);
    y.encode(writer);
    xx.encode(writer);
    yy.encode(writer);
    xy.encode(writer);
}

PG_GUARDED void PairsState::decode(kernels::Reader &reader, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    count = reader.signed_varint();
    x = ExactSum::decode(reader, memory);
    y = ExactSum::decode(reader, memory);
    xx = ExactProducts::decode(reader, memory);
    yy = ExactProducts::decode(reader, memory);
    xy = ExactProducts::decode(reader, memory);
}

PG_GUARDED Datum PairsState::result(AggregateFunction function, Oid /*type*/, bool *null) const
{
    const auto n = static_cast<std::uint64_t>(count);
    auto sxx = [&] { return deviation(xx, x, x, count, 1); };
    auto syy = [&] { return deviation(yy, y, y, count, 1); };
    auto sxy = [&] { return deviation(xy, x, y, count, 1); };
    auto none = [&] {
        *null = true;
        return Datum{};
    };
    switch (function) {
    case AggregateFunction::CovarPop:
        return Float8GetDatum(deviation(xy, x, y, count, count));
    case AggregateFunction::CovarSamp:
        return count == 1 ? none() : Float8GetDatum(deviation(xy, x, y, count, count - 1));
    case AggregateFunction::Corr:
        if (sxx() == 0 || syy() == 0)
            return none();
        return Float8GetDatum(sxy() / root_of_product(sxx(), syy()));
    case AggregateFunction::RegrAvgX:
        return Float8GetDatum(checked(x.divided_by(n)));
    case AggregateFunction::RegrAvgY:
        return Float8GetDatum(checked(y.divided_by(n)));
    case AggregateFunction::RegrSxx:
        return Float8GetDatum(sxx());
    case AggregateFunction::RegrSyy:
        return Float8GetDatum(syy());
    case AggregateFunction::RegrSxy:
        return Float8GetDatum(sxy());
    case AggregateFunction::RegrR2:
        if (sxx() == 0)
            return none();
        if (syy() == 0)
            return Float8GetDatum(1.0);
        return Float8GetDatum((sxy() / sxx()) * (sxy() / syy()));
    case AggregateFunction::RegrSlope:
        return sxx() == 0 ? none() : Float8GetDatum(sxy() / sxx());
    case AggregateFunction::RegrIntercept:
        if (sxx() == 0)
            return none();
        return Float8GetDatum(checked(y.divided_by(n)) - checked(x.divided_by(n)) * (sxy() / sxx()));
    default:
        elog(ERROR, "aggregate function %d is none of pairs", static_cast<int>(function));
        pg_unreachable();
    }
}

} // namespace delta
