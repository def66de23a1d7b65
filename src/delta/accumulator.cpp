/*
 * accumulator.cpp - what a group keeps of one input: dispatch by kind, counts, integers, floats, intervals.
 *
 * The results follow int8_avg, int4_avg_accum, numeric_poly_avg, float8_avg, interval_avg and their kin
 * (PostgreSQL, utils/adt/numeric.c, float.c, timestamp.c); float sums and averages are the correctly rounded
 * ones of the exact sum instead.  numeric has a file of its own, and so have bits,
 * moments and pairs.
 */
#include "delta/accumulator.hpp"

namespace delta {

namespace {

PG_GUARDED int64 integer_value(Oid type, Datum value)
{
    switch (type) {
    case INT2OID:
        return DatumGetInt16(value);
    case INT4OID:
        return DatumGetInt32(value);
    default: /* bigint and money, which is stored as one */
        return DatumGetInt64(value);
    }
}

[[noreturn]] PG_GUARDED void raise_out_of_range(const char *type)
{
    ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("%s out of range", type));
    pg_unreachable();
}

PG_GUARDED kernels::IntervalValue interval_value(const Interval &interval)
{
    using Kind = kernels::IntervalKind;
    const int infinity = pg::interval_infinity(interval);
    const Kind kind = infinity == 0  ? Kind::finite
                      : infinity < 0 ? Kind::negative_infinity
                                     : Kind::positive_infinity;
    return {interval.month, interval.day, interval.time, kind};
}

[[noreturn]] PG_GUARDED void raise_interval_out_of_range()
{
    ereport(ERROR, errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("interval out of range"));
    pg_unreachable();
}

} // namespace

PG_GUARDED Datum numeric_from(kernels::int128 value)
{
    if (value >= PG_INT64_MIN && value <= PG_INT64_MAX)
        return DirectFunctionCall1(int8_numeric, Int64GetDatum(static_cast<int64>(value)));

    char digits[48];
    char *first = digits + sizeof digits - 1;
    *first = '\0';
    const bool negative = value < 0;
    auto rest = negative ? -static_cast<unsigned __int128>(value) : static_cast<unsigned __int128>(value);
    for (; rest != 0; rest /= 10)
        *--first = static_cast<char>('0' + static_cast<int>(rest % 10));
    if (negative)
        *--first = '-';
    return DirectFunctionCall3(numeric_in, CStringGetDatum(first), ObjectIdGetDatum(InvalidOid),
                               Int32GetDatum(-1));
}

PG_GUARDED float8 checked(kernels::Rounded<double> rounded)
{
    if (rounded.overflow)
        float_overflow_error();
    return rounded.value;
}

PG_GUARDED std::size_t state_size(model::AccumulatorKind kind)
{
    alignas(16) char room[1024]; /* for a state of any kind, of which only the size is asked */
    return visit(kind, room, [](auto &state) {
        static_assert(sizeof state <= sizeof room);
        return TYPEALIGN(16, sizeof state);
    });
}

PG_GUARDED void fold(model::AccumulatorKind kind, void *state, Oid type, Datum value, Sign sign, Arena &arena)
{
    visit(kind, state, [&](auto &typed) { typed.fold(type, value, sign, arena); });
}

PG_GUARDED void merge(model::AccumulatorKind kind, void *state, const void *other, Arena &arena)
{
    visit(kind, state, [&](auto &typed) {
        typed.merge(*static_cast<const std::remove_reference_t<decltype(typed)> *>(other), arena);
    });
}

PG_GUARDED Datum result_of(const model::Aggregate &aggregate, model::AccumulatorKind kind, void *state,
                           bool *null)
{
    if (aggregate.function == model::AggregateFunction::Count) {
        *null = false;
        return Int64GetDatum(count_of(state));
    }
    *null = count_of(state) == 0;
    if (*null)
        return Datum{};
    return visit(kind, state, [&](const auto &typed) {
        if constexpr (requires { typed.result(aggregate.function, aggregate.type, null); })
            return typed.result(aggregate.function, aggregate.type, null);
        else
            return aggregate.function == model::AggregateFunction::Sum ? typed.sum(aggregate.type)
                                                                       : typed.average(aggregate.type);
    });
}

PG_GUARDED Datum CountState::sum(Oid type) const
{
    elog(ERROR, "a count has no sum of type %u", type);
    pg_unreachable();
}

PG_GUARDED Datum CountState::average(Oid type) const
{
    return sum(type);
}

PG_GUARDED void IntegerState::fold(Oid type, Datum value, Sign sign, Arena & /*arena*/)
{
    count += as_number(sign);
    if (sign == Sign::In)
        total.add(integer_value(type, value));
    else
        total.subtract(integer_value(type, value));
}

PG_GUARDED void IntegerState::merge(const IntegerState &other, Arena & /*arena*/)
{
    count += other.count;
    total.merge(other.total);
}

PG_GUARDED void IntegerState::encode(kernels::Writer &writer) const
{
    writer.signed_varint(count);
    total.encode(writer);
}

PG_GUARDED void IntegerState::decode(kernels::Reader &reader, Arena & /*arena*/)
{
    count = reader.signed_varint();
    total = kernels::IntegerSum::decode(reader);
}

PG_GUARDED Datum IntegerState::sum(Oid type) const
{
    if (type == NUMERICOID)
        return numeric_from(total.sum);
    if (!total.fits_int64())
        raise_out_of_range(type == CASHOID ? "money" : "bigint");
    return Int64GetDatum(static_cast<int64>(total.sum));
}

PG_GUARDED Datum IntegerState::average(Oid /*type*/) const
{
    return DirectFunctionCall2(numeric_div, numeric_from(total.sum), numeric_from(count));
}

PG_GUARDED void FloatState::fold(Oid type, Datum value, Sign sign, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    const double number = type == FLOAT4OID ? DatumGetFloat4(value) : DatumGetFloat8(value);
    count += as_number(sign);
    if (sign == Sign::In)
        total.add(number, memory);
    else
        total.subtract(number, memory);
}

PG_GUARDED void FloatState::merge(const FloatState &other, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    count += other.count;
    total.merge(other.total, memory);
}

PG_GUARDED void FloatState::encode(kernels::Writer &writer) const
{
    writer.signed_varint(count);
    total.encode(writer);
}

PG_GUARDED void FloatState::decode(kernels::Reader &reader, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    count = reader.signed_varint();
    total = kernels::ExactSum::decode(reader, memory);
}

PG_GUARDED Datum FloatState::sum(Oid type) const
{
    if (type == FLOAT4OID) {
        const kernels::Rounded<float> rounded = total.to_float();
        if (rounded.overflow)
            float_overflow_error();
        return Float4GetDatum(rounded.value);
    }
    return Float8GetDatum(checked(total.to_double()));
}

PG_GUARDED Datum FloatState::average(Oid /*type*/) const
{
    return Float8GetDatum(checked(total.divided_by(static_cast<std::uint64_t>(count))));
}

PG_GUARDED void IntervalState::fold(Oid /*type*/, Datum value, Sign sign, Arena & /*arena*/)
{
    count += as_number(sign);
    if (sign == Sign::In)
        total.add(interval_value(*DatumGetIntervalP(value)));
    else
        total.subtract(interval_value(*DatumGetIntervalP(value)));
}

PG_GUARDED void IntervalState::merge(const IntervalState &other, Arena & /*arena*/)
{
    count += other.count;
    total.merge(other.total);
}

PG_GUARDED void IntervalState::encode(kernels::Writer &writer) const
{
    writer.signed_varint(count);
    total.encode(writer);
}

PG_GUARDED void IntervalState::decode(kernels::Reader &reader, Arena & /*arena*/)
{
    count = reader.signed_varint();
    total = kernels::IntervalSum::decode(reader);
}

PG_GUARDED Datum IntervalState::sum(Oid /*type*/) const
{
    auto *result = static_cast<Interval *>(palloc0(sizeof(Interval)));
    const kernels::IntervalKind kind = total.kind();
    if (kind == kernels::IntervalKind::undefined)
        raise_interval_out_of_range();
    if (kind != kernels::IntervalKind::finite)
        return IntervalPGetDatum(
            pg::infinite_interval(kind == kernels::IntervalKind::negative_infinity, result));
    if (!total.fits_interval())
        raise_interval_out_of_range();
    const kernels::IntervalValue value = total.to_interval();
    *result = Interval{.time = value.microseconds, .day = value.days, .month = value.months};
    return IntervalPGetDatum(result);
}

PG_GUARDED Datum IntervalState::average(Oid type) const
{
    return DirectFunctionCall2(interval_div, sum(type), Float8GetDatum(static_cast<double>(count)));
}

} // namespace delta
