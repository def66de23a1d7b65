// The exact sum of products of pairs of float64 values, and with it variances and covariances without
// cancellation.
//
// A variance from sums, (n * sum(x x) - sum(x) * sum(x)) / (n * n), is the textbook's example of
// cancellation: for 100000001, 100000002, 100000003 all digits of the two terms but the last few are equal.
// With exact sums nothing is lost: the numerator is computed as an integer and the quotient is rounded, once.
// PostgreSQL follows R. R. Youngs and E. M. Cramer, "Some Results Relevant to Choice of Sum and
// Sum-of-Product Algorithms" (Technometrics 13, 1971; float8_accum and float8_regr_accum in
// utils/adt/float.c), whose error is small but has no inverse.
//
// The product of two floats is exactly the sum of two: h = round(x y) and fma(x, y, -h), see T. J. Dekker, "A
// floating-point technique for extending the available precision" (1971). Both go into an ExactSum. Products
// that are too large or too small for that have a sum of their own, scaled by a power of two; hardly any data
// has them, so these two are made when needed.
//
// A commutative group under `merge`, the product of the three sums'. NaN and the infinities leave no trace
// here: the sums of the factors know them. See arena.hpp for the lifetime of the memory. An operation that is
// cut short may have reached one of the sums and not another: the state is then to be dropped.
#pragma once

#include "arena.hpp"
#include "codec.hpp"
#include "exact_sum.hpp"

#include <cstdint>
#include <type_traits>

namespace kernels {

class ExactProducts {
  public:
    // Folds the product of two values in.
    void add(double x, double y, Arena &arena) { fold(x, y, false, arena); }

    // Folds the product of two values out.
    void subtract(double x, double y, Arena &arena) { fold(x, y, true, arena); }

    // Adds another sum, which may be this one.
    void merge(const ExactProducts &other, Arena &arena);

    // Makes this the sum that cancels what it was.
    void negate() noexcept;

    // Returns an equal sum with memory of its own.
    ExactProducts copy(Arena &arena) const;

    // Tells whether this is the sum of nothing, or of products that cancel exactly within their scale.
    bool is_zero() const noexcept;

    // Appends the state: equal states have equal bytes.
    void encode(Writer &writer) const noexcept;

    // Takes a state; zero if the reader failed.
    static ExactProducts decode(Reader &reader, Arena &arena);

    // Returns (n * products - x * y) / (n * m), rounded once, for n, m > 0 and the finite parts of x and y.
    // With the sums of n pairs and of their products this is the covariance of the population for m = n, that
    // of a sample for m = n - 1, and the sum of products of deviations from the means for m = 1.
    friend Rounded<double> covariance(const ExactProducts &products, const ExactSum &x, const ExactSum &y,
                                      std::uint64_t n, std::uint64_t m) noexcept;

  private:
    void fold(double x, double y, bool inverse, Arena &arena);
    void fold_scaled(double x, double y, bool inverse, Arena &arena);
    ExactSum &scaled(int which, Arena &arena);

    ExactSum near_;           // of the products as they are
    ExactSum *far_ = nullptr; // two, or none: of products times 2^scale_bits, and times 2^-scale_bits
};

Rounded<double> covariance(const ExactProducts &products, const ExactSum &x, const ExactSum &y,
                           std::uint64_t n, std::uint64_t m) noexcept;

static_assert(std::is_trivially_copyable_v<ExactProducts> && std::is_trivially_destructible_v<ExactProducts>);

} // namespace kernels
