// An independent, slow and obvious account of exact float sums, to hold ExactSum against.
//
// Wide is a fixed-width integer of 2560 bits in two's complement, in units of 2^-1074, wide enough for 2^64 *
// 2^64 * 2^1025. It knows nothing of windows, carries or rounding. That a float is the correct rounding of S
// / n is not computed but checked by definition: n times the midpoints between the float and its neighbours
// must lie on both sides of S, and be met only if the float's last bit is even. Doubled, midpoints are sums
// of two floats, so nothing here is ever divided.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <compare>
#include <cstdint>
#include <limits>

class Wide {
  public:
    // Adds sign * 2^exponent * mantissa; the exponent must not be below -1074.
    void add_scaled(std::uint64_t mantissa, int exponent, bool negative)
    {
        Wide term;
        const int place = exponent + 1074;
        for (int bit = 0; bit < 64; ++bit)
            if ((mantissa >> bit & 1U) != 0)
                term.limbs_[static_cast<std::size_t>((place + bit) / 32)] |= 1U << ((place + bit) % 32);
        *this += negative ? -term : term;
    }

    // Adds a finite value, taken apart by the C library.
    void add(double x)
    {
        int exponent = 0;
        const double fraction = std::frexp(std::fabs(x), &exponent);
        auto mantissa = static_cast<std::uint64_t>(std::ldexp(fraction, 53));
        exponent -= 53;
        for (; exponent < -1074; ++exponent)
            mantissa >>= 1U; // zeros, of subnormals
        add_scaled(mantissa, exponent, std::signbit(x));
    }

    // Adds another number.
    Wide &operator+=(const Wide &other)
    {
        std::uint64_t carry = 0;
        for (std::size_t k = 0; k < size; ++k) {
            carry += std::uint64_t{limbs_[k]} + other.limbs_[k];
            limbs_[k] = static_cast<std::uint32_t>(carry);
            carry >>= 32U;
        }
        return *this;
    }

    // Returns the negated number.
    Wide operator-() const
    {
        Wide result;
        for (std::size_t k = 0; k < size; ++k)
            result.limbs_[k] = ~limbs_[k];
        Wide one;
        one.limbs_[0] = 1;
        return result += one;
    }

    // Returns the number times n, by doubling and adding.
    Wide times(std::uint64_t n) const
    {
        Wide result;
        for (int bit = 63; bit >= 0; --bit) {
            result += Wide(result);
            if ((n >> bit & 1U) != 0)
                result += *this;
        }
        return result;
    }

    bool negative() const { return limbs_[size - 1] >> 31U != 0; }
    bool operator==(const Wide &other) const = default;

    // Orders numbers by the sign of their difference.
    std::strong_ordering operator<=>(const Wide &other) const
    {
        if (*this == other)
            return std::strong_ordering::equal;
        Wide difference = -other;
        difference += *this;
        return difference.negative() ? std::strong_ordering::less : std::strong_ordering::greater;
    }

  private:
    static constexpr std::size_t size = 80; // NOLINT(readability-identifier-naming)
    std::array<std::uint32_t, size> limbs_{};
};

// Adds a float, an infinity standing for the power of two after the largest finite value.
template <typename Float>
void add_bound(Wide &wide, Float x)
{
    if (std::isinf(x))
        wide.add_scaled(1, std::numeric_limits<Float>::max_exponent, x < 0);
    else
        wide.add(static_cast<double>(x));
}

// Tells whether the last bit of a float's significand is zero; that of the power of two after the largest is.
template <typename Float>
bool is_even(Float x)
{
    if (x == 0 || std::isinf(x))
        return true;
    constexpr int lowest = std::numeric_limits<Float>::min_exponent - std::numeric_limits<Float>::digits;
    int exponent = 0;
    static_cast<void>(std::frexp(x, &exponent));
    const int unit = std::max(exponent - std::numeric_limits<Float>::digits, lowest);
    return std::fmod(std::ldexp(static_cast<long double>(std::fabs(x)), -unit), 2.0L) == 0;
}

// Tells whether x is sum / n rounded to nearest, ties to even; an infinity means overflow.
template <typename Float>
bool is_nearest(const Wide &sum, std::uint64_t n, Float x)
{
    constexpr Float infinity = std::numeric_limits<Float>::infinity();
    Wide doubled = sum;
    doubled += sum;
    const bool even = is_even(x);
    if (x != -infinity) {
        Wide low;
        add_bound(low, x);
        add_bound(low, std::nextafter(x, -infinity));
        low = low.times(n);
        if (doubled < low || (doubled == low && !even))
            return false;
    }
    if (x != infinity) {
        Wide high;
        add_bound(high, x);
        add_bound(high, std::nextafter(x, infinity));
        high = high.times(n);
        if (doubled > high || (doubled == high && !even))
            return false;
    }
    return true;
}
