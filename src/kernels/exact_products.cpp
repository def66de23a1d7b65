// How products are split, and how a covariance is read.
//
// Splitting. With the factors as fractions of [1/2, 1), h and its rest lie within 2^-108 and 1, whatever the
// exponents were; multiplying both by 2^e is exact while 2^(e - 108) is not below the smallest subnormal,
// 2^-1074, nor 2^e beyond the largest float. Exponents of products go from -2148 to 2048; those outside of
// [-900, 1000] are shifted by 1536, which leaves them in [-612, 636]. Which sum a product goes into is
// decided by the factors alone, so what was folded in is folded out of the same one.
//
// Reading. All terms of the numerator are added up in one array of 32-bit limbs, of either sign, that
// reaches from the lowest bit of the smallest products to the highest of n times the largest. Positions are
// those of Magnitude (bit p weighs 2^(p - 1074)), so two digits at the positions a and b have a product at a
// + b - 1074. Each limb takes in fewer than 300 parts of 32 bits: no int64_t overflows.
#include "exact_products.hpp"

#include "integers.hpp"
#include "magnitude.hpp"

#include <cmath>

namespace kernels {

namespace {

constexpr int scale_bits = 1536;
constexpr int least_exponent = -900;
constexpr int largest_exponent = 1000;
constexpr double plain_least = 0x1p-400; // factors between these have products that need no scale
constexpr double plain_largest = 0x1p400;
constexpr int grid_origin = 1074;
constexpr unsigned small_flag = 1;
constexpr unsigned large_flag = 2;

// Tells whether the magnitude of a factor is an ordinary one.
bool is_plain(double x) noexcept
{
    const double magnitude = std::fabs(x);
    return magnitude >= plain_least && magnitude <= plain_largest;
}

// Folds both parts of a product.
void fold_parts(ExactSum &sum, double product, double rest, bool inverse, Arena &arena)
{
    sum.add(inverse ? -product : product, arena);
    sum.add(inverse ? -rest : rest, arena);
}

// Where its limbs begin.
constexpr int numerator_lowest_bit = -scale_bits;

// The numerator of a covariance, in the making.
struct Numerator {
    std::int64_t limbs[numerator_limbs] = {};

    // Adds or takes away 96 bits at a position on the grid, which is not below the lowest.
    void add(uint128 bits, int position, bool negative) noexcept
    {
        const int offset = position - numerator_lowest_bit;
        std::int64_t *limb = limbs + offset / digit_bits;
        bits <<= static_cast<unsigned>(offset % digit_bits);
        for (; bits != 0; bits >>= static_cast<unsigned>(digit_bits), ++limb) {
            const auto part = static_cast<std::int64_t>(bits & UINT32_MAX);
            *limb += negative ? -part : part;
        }
    }

    // Adds n times a sum of products times 2^scale.
    void add_products(const ExactSum &sum, std::uint64_t n, int scale) noexcept
    {
        const Magnitude part = sum.finite_part();
        for (int k = 0; k < part.count; ++k)
            add(static_cast<uint128>(n) * part.digits[k], part.lowest_bit + scale + k * digit_bits,
                part.negative);
    }

    // Takes the product of two sums away.
    void subtract_product(const ExactSum &x, const ExactSum &y) noexcept
    {
        const Magnitude a = x.finite_part();
        const Magnitude b = y.finite_part();
        const int position = a.lowest_bit + b.lowest_bit - grid_origin;
        for (int i = 0; i < a.count; ++i)
            for (int j = 0; j < b.count; ++j)
                add(static_cast<uint128>(a.digits[i]) * b.digits[j], position + (i + j) * digit_bits,
                    a.negative == b.negative);
    }

    // Returns the number, without the zeros below it.
    Magnitude value() const noexcept
    {
        int first = 0;
        int end = numerator_limbs;
        while (end > 0 && limbs[end - 1] == 0)
            --end;
        while (first < end && limbs[first] == 0)
            ++first;
        return Magnitude::of(limbs + first, end - first, numerator_lowest_bit + first * digit_bits);
    }
};

} // namespace

// Ordinary factors take the short way.
void ExactProducts::fold(double x, double y, bool inverse, Arena &arena)
{
    if (!is_plain(x) || !is_plain(y))
        return fold_scaled(x, y, inverse, arena);
    const double product = x * y;
    fold_parts(near_, product, std::fma(x, y, -product), inverse, arena);
}

// Splits the product of the fractions and scales the parts.
void ExactProducts::fold_scaled(double x, double y, bool inverse, Arena &arena)
{
    if (!std::isfinite(x) || !std::isfinite(y) || x == 0 || y == 0)
        return;
    int x_exponent = 0;
    int y_exponent = 0;
    const double x_fraction = std::frexp(x, &x_exponent);
    const double y_fraction = std::frexp(y, &y_exponent);
    const double product = x_fraction * y_fraction;
    const double rest = std::fma(x_fraction, y_fraction, -product);
    int exponent = x_exponent + y_exponent;
    ExactSum *sum = &near_;
    if (exponent < least_exponent) {
        sum = &scaled(0, arena);
        exponent += scale_bits;
    } else if (exponent > largest_exponent) {
        sum = &scaled(1, arena);
        exponent -= scale_bits;
    }
    fold_parts(*sum, std::ldexp(product, exponent), std::ldexp(rest, exponent), inverse, arena);
}

// Returns the sum of small (0) or large (1) products, making both if there are none yet.
ExactSum &ExactProducts::scaled(int which, Arena &arena)
{
    if (far_ == nullptr) {
        auto *sums = allocate_array<ExactSum>(arena, 2);
        sums[0] = sums[1] = ExactSum{};
        far_ = sums;
    }
    return far_[which];
}

// Adds sum by sum.
void ExactProducts::merge(const ExactProducts &other, Arena &arena)
{
    near_.merge(other.near_, arena);
    for (int which = 0; other.far_ != nullptr && which < 2; ++which)
        scaled(which, arena).merge(other.far_[which], arena);
}

// Negates sum by sum.
void ExactProducts::negate() noexcept
{
    near_.negate();
    for (int which = 0; far_ != nullptr && which < 2; ++which)
        far_[which].negate();
}

// Copies the sums that there are.
ExactProducts ExactProducts::copy(Arena &arena) const
{
    ExactProducts result;
    result.near_ = near_.copy(arena);
    for (int which = 0; far_ != nullptr && which < 2; ++which)
        result.scaled(which, arena) = far_[which].copy(arena);
    return result;
}

// Asks sum by sum.
bool ExactProducts::is_zero() const noexcept
{
    return near_.is_zero() && (far_ == nullptr || (far_[0].is_zero() && far_[1].is_zero()));
}

// Which of the scaled sums are not zero, then the sums.
void ExactProducts::encode(Writer &writer) const noexcept
{
    const bool small = far_ != nullptr && !far_[0].is_zero();
    const bool large = far_ != nullptr && !far_[1].is_zero();
    writer.varint((small ? small_flag : 0) | (large ? large_flag : 0));
    near_.encode(writer);
    if (small)
        far_[0].encode(writer);
    if (large)
        far_[1].encode(writer);
}

// A sum that is said to be there must not be zero.
ExactProducts ExactProducts::decode(Reader &reader, Arena &arena)
{
    const std::uint64_t flags = reader.varint_up_to(small_flag | large_flag);
    ExactProducts result;
    result.near_ = ExactSum::decode(reader, arena);
    for (int which = 0; which < 2 && reader.ok(); ++which) {
        if ((flags & (which == 0 ? small_flag : large_flag)) == 0)
            continue;
        ExactSum &sum = result.scaled(which, arena);
        sum = ExactSum::decode(reader, arena);
        if (sum.is_zero())
            reader.fail();
    }
    return reader.ok() ? result : ExactProducts{};
}

// The quotient of the quotient has the same floor as the quotient by the product.
Rounded<double> covariance(const ExactProducts &products, const ExactSum &x, const ExactSum &y,
                           std::uint64_t n, std::uint64_t m) noexcept
{
    Numerator numerator;
    numerator.add_products(products.near_, n, 0);
    if (products.far_ != nullptr) {
        numerator.add_products(products.far_[0], n, -scale_bits);
        numerator.add_products(products.far_[1], n, scale_bits);
    }
    numerator.subtract_product(x, y);
    Magnitude value = numerator.value();
    if (!value.is_zero()) {
        value.divide(n);
        value.divide(m);
    }
    return to_float64(value);
}

} // namespace kernels
