/*
 * accumulator.hpp - what a group keeps of one input, for each kind of input.
 *
 * An accumulator is an element of a commutative group (in the algebraic sense): a value can be folded in and
 * out, two accumulators merge, and the order of all that does not matter.  That is what makes a delta exact.
 * The sums are the kernels'; here they meet PostgreSQL's Datums, and are put to the question that the query
 * asks: sum or average, in the type, with the digits and with the errors that PostgreSQL gives.
 *
 * Accumulators are plain values in an arena; zeroed memory is the empty accumulator, but for the order of
 * values that extremes have to be given (layout.hpp).  Extremes are no group: they forget what is far from
 * the extremum, and may have to be looked for among the rows.
 */
#pragma once

#include "delta/arena.hpp"
#include "delta/values.hpp"
#include "kernels/kernels.hpp"
#include "model/model.hpp"
#include "pg/seam.hpp"

namespace delta {

/* In or out. */
enum class Sign : signed char { In = 1, Out = -1 };

constexpr int64 as_number(Sign sign) noexcept
{
    return static_cast<int64>(sign);
}

/* Rows and Count: how many. */
struct CountState {
    int64 count;

    PG_GUARDED void fold(Oid /*type*/, Datum /*value*/, Sign sign, Arena & /*arena*/)
    {
        count += as_number(sign);
    }
    PG_GUARDED void merge(const CountState &other, Arena & /*arena*/) { count += other.count; }
    PG_GUARDED bool is_zero() const { return count == 0; }
    PG_GUARDED void encode(kernels::Writer &writer) const { writer.signed_varint(count); }
    PG_GUARDED void decode(kernels::Reader &reader, Arena & /*arena*/) { count = reader.signed_varint(); }
    PG_GUARDED Datum sum(Oid type) const;
    PG_GUARDED Datum average(Oid type) const;
};

/* smallint, integer, bigint, money. */
struct IntegerState {
    int64 count;
    kernels::IntegerSum total;

    PG_GUARDED void fold(Oid type, Datum value, Sign sign, Arena &arena);
    PG_GUARDED void merge(const IntegerState &other, Arena &arena);
    PG_GUARDED bool is_zero() const { return count == 0 && total.is_zero(); }
    PG_GUARDED void encode(kernels::Writer &writer) const;
    PG_GUARDED void decode(kernels::Reader &reader, Arena &arena);
    PG_GUARDED Datum sum(Oid type) const;
    PG_GUARDED Datum average(Oid type) const;
};

/* real and double precision. */
struct FloatState {
    int64 count;
    kernels::ExactSum total;

    PG_GUARDED void fold(Oid type, Datum value, Sign sign, Arena &arena);
    PG_GUARDED void merge(const FloatState &other, Arena &arena);
    PG_GUARDED bool is_zero() const { return count == 0 && total.is_zero(); }
    PG_GUARDED void encode(kernels::Writer &writer) const;
    PG_GUARDED void decode(kernels::Reader &reader, Arena &arena);
    PG_GUARDED Datum sum(Oid type) const;
    PG_GUARDED Datum average(Oid type) const;
};

/* numeric: the finite sum as a numeric, exact at any scale; the specials, and the display scales, counted. */
struct NumericState {
    int64 count;
    int64 nans;
    int64 positive_infinities;
    int64 negative_infinities;
    Numeric total; /* NULL: zero; in the arena's context */
    kernels::ScaleCounts scales;

    PG_GUARDED void fold(Oid type, Datum value, Sign sign, Arena &arena);
    PG_GUARDED void merge(const NumericState &other, Arena &arena);
    PG_GUARDED bool is_zero() const;
    PG_GUARDED void encode(kernels::Writer &writer) const;
    PG_GUARDED void decode(kernels::Reader &reader, Arena &arena);
    PG_GUARDED Datum sum(Oid type) const;
    PG_GUARDED Datum average(Oid type) const;

    PG_GUARDED Numeric shown_total() const; /* of the finite values */

  private:
    PG_GUARDED void add_to_total(Numeric value, Sign sign, Arena &arena);
    PG_GUARDED Numeric special() const;
};

/* numeric in its binary form, as bytes in a state.  A total that is NULL is zero; so is a result. */
PG_GUARDED void add_numeric(Numeric *total, Numeric value, Sign sign, Arena &arena);
PG_GUARDED void encode_numeric(kernels::Writer &writer, Numeric value);
PG_GUARDED Numeric decode_numeric(kernels::Reader &reader, Arena &arena);

/* interval. */
struct IntervalState {
    int64 count;
    kernels::IntervalSum total;

    PG_GUARDED void fold(Oid type, Datum value, Sign sign, Arena &arena);
    PG_GUARDED void merge(const IntervalState &other, Arena &arena);
    PG_GUARDED bool is_zero() const { return count == 0 && total.is_zero(); }
    PG_GUARDED void encode(kernels::Writer &writer) const;
    PG_GUARDED void decode(kernels::Reader &reader, Arena &arena);
    PG_GUARDED Datum sum(Oid type) const;
    PG_GUARDED Datum average(Oid type) const;
};

/* boolean, smallint, integer, bigint, bit by bit (bits.cpp). */
struct BitsState {
    int64 count;
    kernels::BitCounts bits;

    PG_GUARDED void fold(Oid type, Datum value, Sign sign, Arena &arena);
    PG_GUARDED void merge(const BitsState &other, Arena &arena);
    PG_GUARDED bool is_zero() const { return count == 0 && bits.is_zero(); }
    PG_GUARDED void encode(kernels::Writer &writer) const;
    PG_GUARDED void decode(kernels::Reader &reader, Arena &arena);
    PG_GUARDED Datum result(model::AggregateFunction function, Oid type, bool *null) const;
};

/* smallint, integer, bigint, and their squares (moments.cpp, as what follows). */
struct IntegerMomentsState {
    IntegerState values;
    kernels::SquareSum squares;

    PG_GUARDED void fold(Oid type, Datum value, Sign sign, Arena &arena);
    PG_GUARDED void merge(const IntegerMomentsState &other, Arena &arena);
    PG_GUARDED bool is_zero() const { return values.is_zero() && squares.is_zero(); }
    PG_GUARDED void encode(kernels::Writer &writer) const;
    PG_GUARDED void decode(kernels::Reader &reader, Arena &arena);
    PG_GUARDED Datum result(model::AggregateFunction function, Oid type, bool *null) const;
};

/* real and double precision, and their squares. */
struct FloatMomentsState {
    FloatState values;
    kernels::ExactProducts squares;

    PG_GUARDED void fold(Oid type, Datum value, Sign sign, Arena &arena);
    PG_GUARDED void merge(const FloatMomentsState &other, Arena &arena);
    PG_GUARDED bool is_zero() const { return values.is_zero() && squares.is_zero(); }
    PG_GUARDED void encode(kernels::Writer &writer) const;
    PG_GUARDED void decode(kernels::Reader &reader, Arena &arena);
    PG_GUARDED Datum result(model::AggregateFunction function, Oid type, bool *null) const;
};

/* numeric, and the squares of what is finite. */
struct NumericMomentsState {
    NumericState values;
    Numeric squares; /* NULL: zero; in the arena's context */

    PG_GUARDED void fold(Oid type, Datum value, Sign sign, Arena &arena);
    PG_GUARDED void merge(const NumericMomentsState &other, Arena &arena);
    PG_GUARDED bool is_zero() const;
    PG_GUARDED void encode(kernels::Writer &writer) const;
    PG_GUARDED void decode(kernels::Reader &reader, Arena &arena);
    PG_GUARDED Datum result(model::AggregateFunction function, Oid type, bool *null) const;
};

/* Pairs of double precision, as points (pairs.cpp). */
struct PairsState {
    int64 count;
    kernels::ExactSum x;
    kernels::ExactSum y;
    kernels::ExactProducts xx;
    kernels::ExactProducts yy;
    kernels::ExactProducts xy;

    PG_GUARDED void fold(Oid type, Datum value, Sign sign, Arena &arena);
    PG_GUARDED void merge(const PairsState &other, Arena &arena);
    PG_GUARDED bool is_zero() const;
    PG_GUARDED void encode(kernels::Writer &writer) const;
    PG_GUARDED void decode(kernels::Reader &reader, Arena &arena);
    PG_GUARDED Datum result(model::AggregateFunction function, Oid type, bool *null) const;
};

/* Values of any type that has a btree order: the first few (extremes.cpp). */
struct ExtremesState {
    int64 count;
    const ValueOrder *order; /* the layout's */
    kernels::Extremes values;

    PG_GUARDED void fold(Oid type, Datum value, Sign sign, Arena &arena);
    PG_GUARDED void merge(const ExtremesState &other, Arena &arena);
    PG_GUARDED bool is_zero() const { return count == 0 && values.is_zero(); }
    PG_GUARDED void encode(kernels::Writer &writer) const;
    PG_GUARDED void decode(kernels::Reader &reader, Arena &arena);
    PG_GUARDED Datum result(model::AggregateFunction function, Oid type, bool *null) const;

    /* The rest is for the contents of a group, not for a change.  See what follows from the count. */
    PG_GUARDED void settle();

    /* There are values, but which is the first is not known. */
    PG_GUARDED bool is_lost() const { return count > 0 && values.is_lost(); }

    /* Take the values that were found among the rows.  False: they are not as many (0: not counted). */
    PG_GUARDED bool take(const ExtremesState &found, Arena &arena);

    /* Take the first of them only, until the next change. */
    PG_GUARDED void show(const ExtremesState &found, Arena &arena);
};

/* An integer of any size as a numeric. */
PG_GUARDED Datum numeric_from(kernels::int128 value);

/* A float; an error where finite values have a result beyond the type. */
PG_GUARDED float8 checked(kernels::Rounded<double> rounded);

/* Call f with the state as what its kind says it is. */
template <class F>
PG_GUARDED auto visit(model::AccumulatorKind kind, void *state, F f)
{
    using Kind = model::AccumulatorKind;
    switch (kind) {
    case Kind::Rows:
    case Kind::Count:
        break;
    case Kind::Integer:
        return f(*static_cast<IntegerState *>(state));
    case Kind::Float4:
    case Kind::Float8:
        return f(*static_cast<FloatState *>(state));
    case Kind::Numeric:
        return f(*static_cast<NumericState *>(state));
    case Kind::Interval:
        return f(*static_cast<IntervalState *>(state));
    case Kind::Bits:
        return f(*static_cast<BitsState *>(state));
    case Kind::IntegerMoments:
        return f(*static_cast<IntegerMomentsState *>(state));
    case Kind::Float4Moments:
    case Kind::Float8Moments:
        return f(*static_cast<FloatMomentsState *>(state));
    case Kind::NumericMoments:
        return f(*static_cast<NumericMomentsState *>(state));
    case Kind::Pairs:
        return f(*static_cast<PairsState *>(state));
    case Kind::Least:
    case Kind::Greatest:
        return f(*static_cast<ExtremesState *>(state));
    }
    return f(*static_cast<CountState *>(state));
}

/* Bytes that the state of the kind takes, a multiple of 16. */
PG_GUARDED std::size_t state_size(model::AccumulatorKind kind);

/* Fold a value of the type, not NULL, in or out. */
PG_GUARDED void fold(model::AccumulatorKind kind, void *state, Oid type, Datum value, Sign sign,
                     Arena &arena);

/* Add the other state, which is left as it is and shares no memory with the result. */
PG_GUARDED void merge(model::AccumulatorKind kind, void *state, const void *other, Arena &arena);

/* How many values that are not NULL are in it. */
inline int64 count_of(const void *state) noexcept
{
    return *static_cast<const int64 *>(state); /* the first member of every state */
}

/* What the aggregate function of the accumulator gives; *null is set where that is NULL. */
PG_GUARDED Datum result_of(const model::Aggregate &aggregate, model::AccumulatorKind kind, void *state,
                           bool *null);

} // namespace delta
