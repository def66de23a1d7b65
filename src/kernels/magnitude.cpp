// How a number loses its redundancy, and how it is divided and rounded.
//
// Rounding is direct: the bits that the format keeps are cut out of the exact number, and the bit below and
// whether anything lies below that decide. So a result is rounded once, to float32 too, never by way of
// float64.
//
// Division keeps the floor of the quotient and whether there was a remainder. That is enough if the quotient
// reaches down to the bit below the last one kept. With 4 digits appended to a number of at least one bit, a
// quotient by less than 2^64 has at least 64 significant bits, and no format here keeps more than 53.
#include "magnitude.hpp"

#include "integers.hpp"

#include <algorithm>
#include <bit>

namespace kernels {

namespace {

// Carries `sign` times the limbs upwards into digits, and returns what is carried out of the highest.
std::int64_t carry_into_digits(const std::int64_t *limbs, int count, std::int64_t sign,
                               std::uint32_t *digits) noexcept
{
    std::int64_t carry = 0;
    for (int k = 0; k < count; ++k) {
        const std::int64_t value = sign * limbs[k] + carry;
        digits[k] = static_cast<std::uint32_t>(value);
        carry = value >> digit_bits; // rounds down, for negative values too
    }
    return carry;
}

} // namespace

// The carry out of two's complement digits is negative exactly if the number is; then its negation is
// carried.
Magnitude Magnitude::of(const std::int64_t *limbs, int limb_count, int lowest_bit) noexcept
{
    Magnitude result;
    std::int64_t carry = carry_into_digits(limbs, limb_count, 1, result.digits);
    if (carry < 0) {
        result.negative = true;
        carry = carry_into_digits(limbs, limb_count, -1, result.digits);
    }
    result.digits[limb_count] = static_cast<std::uint32_t>(carry);
    result.count = limb_count + 1;
    result.lowest_bit = lowest_bit;
    result.drop_leading_zeros();
    return result;
}

// Schoolbook division from the highest digit down, after moving the number up to append the guard digits.
void Magnitude::divide(std::uint64_t n) noexcept
{
    std::copy_backward(digits, digits + count, digits + count + guard_digits);
    std::fill_n(digits, guard_digits, 0);
    count += guard_digits;
    lowest_bit -= guard_digits * digit_bits;
    std::uint64_t remainder = 0;
    for (int k = count - 1; k >= 0; --k) {
        const uint128 dividend = static_cast<uint128>(remainder) << digit_bits | digits[k];
        digits[k] = static_cast<std::uint32_t>(dividend / n);
        remainder = static_cast<std::uint64_t>(dividend % n);
    }
    sticky = sticky || remainder != 0;
    drop_leading_zeros();
}

// With `low` the position of the last kept bit, a float's bits are (low << (precision - 1)) + kept: a normal
// number's leading bit adds the one by which its exponent field exceeds that of the subnormals, and a kept
// that was rounded up to a power of two carries into the exponent by itself.
std::uint64_t Magnitude::round(FloatFormat format) const noexcept
{
    if (count == 0)
        return 0;
    const int low = std::max(top_bit() - (format.precision - 1), format.lowest_bit);
    std::uint64_t kept = bits_from(low);
    const bool half = (bits_from(low - 1) & 1U) != 0;
    const bool odd = (kept & 1U) != 0;
    if (half && (odd || any_below(low - 1)))
        ++kept;
    return (static_cast<std::uint64_t>(low - format.lowest_bit) << (format.precision - 1)) + kept;
}

// Restores that the highest digit is not zero.
void Magnitude::drop_leading_zeros() noexcept
{
    while (count > 0 && digits[count - 1] == 0)
        --count;
}

// Returns the position of the highest bit set of a number that has one.
int Magnitude::top_bit() const noexcept
{
    return lowest_bit + count * digit_bits - 1 - std::countl_zero(digits[count - 1]);
}

// Returns a digit, or zero on either side of those stored.
std::uint32_t Magnitude::digit(int index) const noexcept
{
    return index >= 0 && index < count ? digits[index] : 0;
}

// Returns the 64 bits that start at a position.
std::uint64_t Magnitude::bits_from(int position) const noexcept
{
    const int offset = position - lowest_bit;
    const int index = offset >> 5; // rounds down, for positions below the lowest digit too
    const uint128 bits = static_cast<uint128>(digit(index + 2)) << (2 * digit_bits) |
                         static_cast<uint128>(digit(index + 1)) << digit_bits | digit(index);
    return static_cast<std::uint64_t>(bits >> (offset & (digit_bits - 1)));
}

// Tells whether a bit below a position is set, or was when division cut it off.
bool Magnitude::any_below(int position) const noexcept
{
    if (sticky)
        return true;
    const int offset = position - lowest_bit;
    const int whole = std::clamp(offset >> 5, 0, count);
    if (std::any_of(digits, digits + whole, [](std::uint32_t d) { return d != 0; }))
        return true;
    const std::uint32_t mask = offset > 0 ? (1U << (offset & (digit_bits - 1))) - 1U : 0U;
    return (digit(offset >> 5) & mask) != 0;
}

} // namespace kernels
