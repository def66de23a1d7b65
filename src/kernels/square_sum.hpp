// The exact sum of the squares of 64-bit (and narrower) integers.
//
// The square of a bigint has up to 127 bits, so the sum of a table's needs up to 190: it is kept as an
// integer of 256 bits, in two's complement. With the count n and the sum S (IntegerSum) it gives the variance
// as PostgreSQL defines it, (n * squares - S * S) / (n * n), without cancellation (numeric_stddev_internal in
// utils/adt/numeric.c; that is where the division is done). A commutative group under `merge`: the integers
// modulo 2^256. No memory beyond the struct.
#pragma once

#include "codec.hpp"
#include "integers.hpp"

#include <cstdint>
#include <type_traits>

namespace kernels {

struct SquareSum {
    // The longest text of such a number: 78 digits, a sign, and the end.
    static constexpr int text_size = 80;

    uint128 low = 0;
    uint128 high = 0; // the sign is its highest bit

    // Folds the square of a value in.
    void add(std::int64_t value) noexcept { merge(of(value)); }

    // Folds the square of a value out.
    void subtract(std::int64_t value) noexcept
    {
        SquareSum inverse = of(value);
        inverse.negate();
        merge(inverse);
    }

    // Adds another sum.
    void merge(const SquareSum &other) noexcept
    {
        const uint128 sum = low + other.low;
        high += other.high + (sum < low ? 1U : 0U);
        low = sum;
    }

    // Makes this the sum that cancels what it was.
    void negate() noexcept
    {
        low = ~low + 1U;
        high = ~high + (low == 0 ? 1U : 0U);
    }

    bool is_zero() const noexcept { return low == 0 && high == 0; }
    bool is_negative() const noexcept { return (high >> 127U) != 0; }

    // Writes the number in decimal to the end of a buffer, and returns where it starts.
    const char *to_text(char (&buffer)[text_size]) const noexcept
    {
        SquareSum rest = *this;
        if (is_negative())
            rest.negate();
        char *first = buffer + text_size - 1;
        *first = '\0';
        do
            *--first = static_cast<char>('0' + rest.divide_by_ten());
        while (!rest.is_zero());
        if (is_negative())
            *--first = '-';
        return first;
    }

    // Appends the state: three integers, of which the upper ones are short.
    void encode(Writer &writer) const noexcept
    {
        writer.varint(static_cast<std::uint64_t>(low));
        writer.varint(static_cast<std::uint64_t>(low >> 64U));
        writer.signed_varint128(static_cast<int128>(high));
    }

    // Takes a state; zero if the reader failed.
    static SquareSum decode(Reader &reader) noexcept
    {
        SquareSum result;
        const uint128 lower = reader.varint();
        const uint128 upper = reader.varint();
        result.low = upper << 64U | lower;
        result.high = static_cast<uint128>(reader.signed_varint128());
        return reader.ok() ? result : SquareSum{};
    }

  private:
    // Returns the sum of one square.
    static SquareSum of(std::int64_t value) noexcept
    {
        const int128 wide = value;
        return {.low = static_cast<uint128>(wide * wide)};
    }

    // Divides a number that is not negative, and returns the remainder.
    int divide_by_ten() noexcept
    {
        const uint128 parts[] = {high >> 64U, high & UINT64_MAX, low >> 64U, low & UINT64_MAX};
        uint128 quotients[4] = {};
        uint128 remainder = 0;
        for (int k = 0; k < 4; ++k) {
            const uint128 dividend = remainder << 64U | parts[k];
            quotients[k] = dividend / 10U;
            remainder = dividend % 10U;
        }
        high = quotients[0] << 64U | quotients[1];
        low = quotients[2] << 64U | quotients[3];
        return static_cast<int>(remainder);
    }
};

static_assert(std::is_trivially_copyable_v<SquareSum> && std::is_trivially_destructible_v<SquareSum>);

} // namespace kernels
