// A long non-negative number with a sign, made to be read: rounded, divided, encoded.
//
// ExactSum accumulates in a redundant form (many limb vectors for one number); this is the one form of a
// number without redundancy, and the place where rounding happens. It is built on the stack when a sum is
// read, less than a kilobyte, and holds no memory.
//
// Positions of bits are those of the grid of ExactSum: bit p weighs 2^(p - 1074), so bit 0 is the smallest
// subnormal float64. The digits are 32 bits each, least significant first; digits[0] starts at lowest_bit,
// which division may push below the grid. What division cuts off is remembered in `sticky`: for rounding it
// only matters whether the rest is zero.
#pragma once

#include <cstdint>

namespace kernels {

inline constexpr int digit_bits = 32;
inline constexpr int grid_limbs = 72; // 2304 bits: the 2098 of float64, and room for sums of 2^200 of them
inline constexpr int numerator_limbs = 176; // 5632 bits: products of two such numbers (exact_products.cpp)
inline constexpr int guard_digits = 4;      // digits below its lowest that a division appends

// A binary floating-point format: bits of precision, and where its smallest subnormal lies on the grid.
struct FloatFormat {
    int precision;
    int lowest_bit;
};

inline constexpr FloatFormat float64_format{53, 0};
inline constexpr FloatFormat float32_format{24, 1074 - 149};

struct Magnitude {
    std::uint32_t digits[numerator_limbs + 2 * guard_digits + 1]{}; // may be divided twice
    int count = 0;                                                  // the digit before the end is not zero
    int lowest_bit = 0;
    bool negative = false;
    bool sticky = false;

    // Makes the number from `limbs`, which may be of either sign and overlap (limb k weighs 2^(32 k)).
    static Magnitude of(const std::int64_t *limbs, int limb_count, int lowest_bit) noexcept;

    bool is_zero() const noexcept { return count == 0 && !sticky; }

    // Divides by n > 0, keeping enough digits to round the quotient to any format.
    void divide(std::uint64_t n) noexcept;

    // Rounds the absolute value to nearest, ties to even; returns the bits of the float, which from those of
    // infinity on mean overflow.
    std::uint64_t round(FloatFormat format) const noexcept;

  private:
    void drop_leading_zeros() noexcept;
    int top_bit() const noexcept;
    std::uint32_t digit(int index) const noexcept;
    std::uint64_t bits_from(int position) const noexcept;
    bool any_below(int position) const noexcept;
};

// Returns the number as a float64, rounded to nearest, ties to even.
template <typename Float>
struct Rounded;
Rounded<double> to_float64(const Magnitude &magnitude) noexcept;

} // namespace kernels
