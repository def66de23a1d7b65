// The integers that kernels count and add with.
//
// Row counts are int64, sums of 64-bit integers are int128: 2^63 rows of 2^63 still fit. Arithmetic wraps. A
// value read from a damaged dump may sit at the end of the range, and wrapping keeps addition a commutative
// group (the integers modulo a power of two) where overflow of a signed integer would be undefined; honest
// data never gets there.
#pragma once

#include <cstdint>

namespace kernels {

using int128 = __int128;
using uint128 = unsigned __int128;

// Returns a + b modulo the range of the type.
template <typename Int>
constexpr Int wrapping_add(Int a, Int b) noexcept
{
    Int result = 0;
    static_cast<void>(__builtin_add_overflow(a, b, &result));
    return result;
}

// Returns a - b modulo the range of the type.
template <typename Int>
constexpr Int wrapping_subtract(Int a, Int b) noexcept
{
    Int result = 0;
    static_cast<void>(__builtin_sub_overflow(a, b, &result));
    return result;
}

// Tells whether the value can be given as a narrower signed integer without loss.
template <typename Narrow>
constexpr bool fits(int128 value) noexcept
{
    return value == static_cast<Narrow>(value);
}

} // namespace kernels
