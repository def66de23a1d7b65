// The exact sum of intervals.
//
// PostgreSQL adds intervals field by field (interval_pl): months to months, days to days, microseconds to
// microseconds, nothing justified, so the sum is three integer sums. Each is an int128, so that an
// intermediate sum beyond the type's range does no harm if later rows bring it back; only reading one asks
// whether it fits. PostgreSQL 17 has infinite intervals. They are counted beside the finite part, so that one
// that is folded out leaves no trace; the caller says which intervals are infinite, for before 17 the same
// bytes were finite.
//
// A commutative group under `merge`, the product of five copies of the integers. No memory beyond the struct.
#pragma once

#include "codec.hpp"
#include "integers.hpp"

#include <cstdint>
#include <type_traits>

namespace kernels {

enum class IntervalKind : std::uint8_t {
    finite,
    positive_infinity,
    negative_infinity,
    undefined, // both infinities are present: PostgreSQL says "interval out of range"
};

// An interval as a plain value; the fields count only if it is finite.
struct IntervalValue {
    std::int32_t months = 0;
    std::int32_t days = 0;
    std::int64_t microseconds = 0;
    IntervalKind kind = IntervalKind::finite;
};

struct IntervalSum {
    int128 months = 0;
    int128 days = 0;
    int128 microseconds = 0;
    std::int64_t positive_infinities = 0;
    std::int64_t negative_infinities = 0;

    // Folds an interval in.
    void add(const IntervalValue &value) noexcept { merge(of(value)); }

    // Folds an interval out.
    void subtract(const IntervalValue &value) noexcept
    {
        IntervalSum inverse = of(value);
        inverse.negate();
        merge(inverse);
    }

    // Adds another sum.
    void merge(const IntervalSum &other) noexcept
    {
        months = wrapping_add(months, other.months);
        days = wrapping_add(days, other.days);
        microseconds = wrapping_add(microseconds, other.microseconds);
        positive_infinities = wrapping_add(positive_infinities, other.positive_infinities);
        negative_infinities = wrapping_add(negative_infinities, other.negative_infinities);
    }

    // Makes this the sum that cancels what it was.
    void negate() noexcept
    {
        months = wrapping_subtract<int128>(0, months);
        days = wrapping_subtract<int128>(0, days);
        microseconds = wrapping_subtract<int128>(0, microseconds);
        positive_infinities = wrapping_subtract<std::int64_t>(0, positive_infinities);
        negative_infinities = wrapping_subtract<std::int64_t>(0, negative_infinities);
    }

    // Tells whether this is the sum of nothing: every field and both counts are zero.
    bool is_zero() const noexcept
    {
        return months == 0 && days == 0 && microseconds == 0 && positive_infinities == 0 &&
               negative_infinities == 0;
    }

    // Tells what the sum is by the infinities that are present.
    IntervalKind kind() const noexcept
    {
        if (positive_infinities > 0 && negative_infinities > 0)
            return IntervalKind::undefined;
        if (positive_infinities > 0)
            return IntervalKind::positive_infinity;
        return negative_infinities > 0 ? IntervalKind::negative_infinity : IntervalKind::finite;
    }

    // Tells whether each field of the finite part has room in an interval.
    bool fits_interval() const noexcept
    {
        return kernels::fits<std::int32_t>(months) && kernels::fits<std::int32_t>(days) &&
               kernels::fits<std::int64_t>(microseconds);
    }

    // Returns the sum as an interval; of a finite sum only if fits_interval().
    IntervalValue to_interval() const noexcept
    {
        return {static_cast<std::int32_t>(months), static_cast<std::int32_t>(days),
                static_cast<std::int64_t>(microseconds), kind()};
    }

    // Appends the state.
    void encode(Writer &writer) const noexcept
    {
        writer.signed_varint128(months);
        writer.signed_varint128(days);
        writer.signed_varint128(microseconds);
        writer.signed_varint(positive_infinities);
        writer.signed_varint(negative_infinities);
    }

    // Takes a state; zero if the reader failed.
    static IntervalSum decode(Reader &reader) noexcept
    {
        IntervalSum result;
        result.months = reader.signed_varint128();
        result.days = reader.signed_varint128();
        result.microseconds = reader.signed_varint128();
        result.positive_infinities = reader.signed_varint();
        result.negative_infinities = reader.signed_varint();
        return reader.ok() ? result : IntervalSum{};
    }

  private:
    // Returns the sum of one interval.
    static IntervalSum of(const IntervalValue &value) noexcept
    {
        IntervalSum result;
        if (value.kind == IntervalKind::finite) {
            result.months = value.months;
            result.days = value.days;
            result.microseconds = value.microseconds;
        }
        result.positive_infinities = value.kind == IntervalKind::positive_infinity ? 1 : 0;
        result.negative_infinities = value.kind == IntervalKind::negative_infinity ? 1 : 0;
        return result;
    }
};

static_assert(std::is_trivially_copyable_v<IntervalSum> && std::is_trivially_destructible_v<IntervalSum>);

} // namespace kernels
