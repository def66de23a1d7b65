// The exact sum of any number of float64 values (float32 widens to them without loss), added and removed in
// any order: what makes sum and avg of floats maintainable at all.
//
// Floating-point addition rounds, so it has no inverse: (1e308 + 1) - 1e308 is 0. But every finite float64 is
// an integer multiple of 2^-1074 below 2^1024, so sums can be kept as integers, without rounding, and
// integers are a commutative group. This is the small superaccumulator of R. M. Neal, "Fast exact summation
// using small and large superaccumulators" (2015, arXiv:1505.05571): limbs of 32 bits of that integer, each
// in an int64_t whose upper half takes up the carries of about 2^31 additions before any has to be
// propagated. Unlike Neal's the limbs are not all 67, but the window of them that the values have touched;
// six fit into the struct, which spans any data whose magnitudes differ by less than 2^96, and the window
// grows by memory from the arena.
//
// NaN and the infinities are counted beside the finite part: a NaN that leaves leaves the sum of the others.
//
// Reading rounds once, to nearest with ties to even, whatever the history: -0.0 is the value 0.0 here, and a
// sum that is exactly zero reads +0.0. See arena.hpp for the lifetime of the memory and what copying bytes
// means.
#pragma once

#include "arena.hpp"
#include "codec.hpp"

#include <cstdint>
#include <type_traits>

namespace kernels {

// A sum as a float; an overflow means that finite values have a sum beyond the type (the value is an
// infinity).
template <typename Float>
struct Rounded {
    Float value;
    bool overflow;
};

struct Magnitude;

inline constexpr int inline_limbs = 6;

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): a union has one member to initialise, near_
class ExactSum {
  public:
    // Folds a value in.
    void add(double x, Arena &arena) { fold(x, false, arena); }

    // Folds a value out.
    void subtract(double x, Arena &arena) { fold(x, true, arena); }

    // Adds another sum, which may be this one.
    void merge(const ExactSum &other, Arena &arena);

    // Makes this the sum that cancels what it was.
    void negate() noexcept;

    // Returns an equal sum with memory of its own.
    ExactSum copy(Arena &arena) const;

    // Tells whether this is the sum of nothing, or of values that cancel exactly.
    bool is_zero() const noexcept;

    // Returns the sum: NaN if a NaN or both infinities are present, else an infinity that is, else the
    // rounded.
    Rounded<double> to_double() const noexcept;

    // Returns the sum as a float32, rounded directly.
    Rounded<float> to_float() const noexcept;

    // Returns the sum divided by n > 0, rounded once: the average, which overflows only if n is too small.
    Rounded<double> divided_by(std::uint64_t n) const noexcept;

    // Tells whether a NaN or an infinity is present.
    bool is_special() const noexcept
    {
        return nans_ > 0 || positive_infinities_ > 0 || negative_infinities_ > 0;
    }

    // Returns the sum of the finite values, to be computed with.
    Magnitude finite_part() const noexcept;

    // Appends the state: equal sums have equal bytes.
    void encode(Writer &writer) const noexcept;

    // Takes a state; zero if the reader failed.
    static ExactSum decode(Reader &reader, Arena &arena);

  private:
    void fold(double x, bool inverse, Arena &arena);
    void fold_special(double x, bool inverse) noexcept;
    void widen(int first, int end, Arena &arena);
    void propagate(Arena &arena);
    void encode_finite(Writer &writer) const noexcept;

    int end() const noexcept { return base_ + count_; }
    int capacity() const noexcept { return far_capacity_ == 0 ? inline_limbs : far_capacity_; }
    std::int64_t *limbs() noexcept { return far_capacity_ == 0 ? near_ : far_; }
    const std::int64_t *limbs() const noexcept { return far_capacity_ == 0 ? near_ : far_; }
    bool has_special() const noexcept { return (nans_ | positive_infinities_ | negative_infinities_) != 0; }

    std::int64_t nans_ = 0;
    std::int64_t positive_infinities_ = 0;
    std::int64_t negative_infinities_ = 0;
    std::uint32_t weight_ = 0;      // no limb is larger in magnitude than weight_ * 2^32
    std::uint8_t base_ = 0;         // the window is the limbs [base_, base_ + count_) of the grid
    std::uint8_t count_ = 0;        //
    std::uint8_t far_capacity_ = 0; // how many limbs far_ has room for; 0: they are in near_
    union {
        std::int64_t near_[inline_limbs] = {};
        std::int64_t *far_;
    };
};

static_assert(std::is_trivially_copyable_v<ExactSum> && std::is_trivially_destructible_v<ExactSum>);
static_assert(sizeof(ExactSum) == 80);

} // namespace kernels
