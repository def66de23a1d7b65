// ExactProducts: covariances against integer arithmetic that knows no scales, and the laws of a group.
#include "reference.hpp"
#include "support.hpp"

#include <utility>

namespace {

using kernels::ExactProducts;
using kernels::ExactSum;

using Pairs = std::vector<std::pair<double, double>>;

// The three sums of a covariance.
struct Sums {
    ExactSum x;
    ExactSum y;
    ExactProducts xy;

    void add(const std::pair<double, double> &pair, TestArena &arena)
    {
        x.add(pair.first, arena);
        y.add(pair.second, arena);
        xy.add(pair.first, pair.second, arena);
    }
    void subtract(const std::pair<double, double> &pair, TestArena &arena)
    {
        x.subtract(pair.first, arena);
        y.subtract(pair.second, arena);
        xy.subtract(pair.first, pair.second, arena);
    }
    double covariance(std::uint64_t n, std::uint64_t m) const
    {
        return kernels::covariance(xy, x, y, n, m).value;
    }
};

// Returns a float of up to 53 bits, its lowest bit at an exponent of the range.
double random_float(Random &random, int low, int high)
{
    const double mantissa =
        static_cast<double>(random.bits() >> static_cast<unsigned>(random.between(11, 60)));
    return std::ldexp(random.coin() ? mantissa : -mantissa, static_cast<int>(random.between(low, high)));
}

// Adds the product of two floats, bit by bit of one mantissa.
void add_product(Wide &wide, double x, double y, bool negative)
{
    int x_exponent = 0;
    int y_exponent = 0;
    const auto a = static_cast<std::uint64_t>(std::ldexp(std::frexp(std::fabs(x), &x_exponent), 53));
    const auto b = static_cast<std::uint64_t>(std::ldexp(std::frexp(std::fabs(y), &y_exponent), 53));
    const bool sign = (std::signbit(x) != std::signbit(y)) != negative;
    for (int bit = 0; bit < 53; ++bit)
        if ((b >> bit & 1U) != 0)
            wide.add_scaled(a, x_exponent + y_exponent - 106 + bit, sign);
}

// Returns n * sum(x y) - sum(x) * sum(y), as the sum over all i, j of x_i y_i - x_i y_j.
Wide numerator(const Pairs &pairs)
{
    Wide result;
    for (const auto &[x, y] : pairs)
        for (const auto &other : pairs) {
            add_product(result, x, y, false);
            add_product(result, x, other.second, true);
        }
    return result;
}

// No digit is lost where the textbook loses all.
TEST(ExactProducts, NoCancellation)
{
    TestArena arena;
    for (const double offset : {1e8, 1e12, 4e15}) {
        Sums sums;
        for (int k = 1; k <= 3; ++k)
            sums.add({offset + k, offset + k}, arena);
        EXPECT_EQ(sums.covariance(3, 2), 1.0);
        EXPECT_EQ(sums.covariance(3, 1), 2.0);
        EXPECT_EQ(sums.covariance(3, 3), 2.0 / 3.0);
    }
    Sums constant;
    for (int k = 0; k < 10; ++k)
        constant.add({0.1, 0.1}, arena);
    EXPECT_EQ(constant.covariance(10, 10), 0.0);
}

// Random pairs, whose products need all three scales, against the definition; and after churn as well.
TEST(ExactProducts, RoundedOnce)
{
    Random random;
    for (int round = 0; round < 400; ++round) {
        TestArena arena;
        Sums sums;
        Pairs pairs;
        const int low = static_cast<int>(random.between(-510, 400));
        const int high = static_cast<int>(random.coin() ? 550 : low + 10);
        for (std::int64_t n = random.between(1, 8); n > 0; --n) {
            pairs.emplace_back(random_float(random, low, high), random_float(random, low, high));
            sums.add(pairs.back(), arena);
            const std::pair<double, double> visitor{random_float(random, -1074, 900),
                                                    random_float(random, -900, 900)};
            sums.add(visitor, arena);
            sums.subtract(visitor, arena);
        }
        const std::uint64_t n = pairs.size();
        const Wide expected = numerator(pairs);
        for (const std::uint64_t m : {n, std::max(n - 1, std::uint64_t{1}), std::uint64_t{1}}) {
            ASSERT_TRUE(is_nearest(expected, n * m, sums.covariance(n, m)));
        }
        ASSERT_NO_FATAL_FAILURE(expect_round_trip(sums.xy));
    }
}

// Scaling by powers of two scales the result, to the ends of the range.
TEST(ExactProducts, Scales)
{
    Random random;
    for (const int scale : {-1020, -530, -480, -300, 0, 300, 480, 500}) {
        TestArena arena;
        Sums plain;
        Sums scaled;
        for (int k = 0; k < 5; ++k) {
            const double x = 1 + std::ldexp(static_cast<double>(random.bits() >> 12U), -52);
            const double y = 1 + std::ldexp(static_cast<double>(random.bits() >> 12U), -52);
            plain.add({x, y}, arena);
            scaled.add({std::ldexp(x, scale), std::ldexp(y, scale)}, arena);
        }
        const double expected = std::ldexp(plain.covariance(5, 4), 2 * scale);
        const double unit =
            std::fabs(expected) < 0x1p-1022 ? 0x1p-1074 : 0; // ldexp rounds a second time there
        EXPECT_NEAR(scaled.covariance(5, 4), expected, unit) << scale;
    }
    TestArena arena;
    Sums huge;
    huge.add({1e308, 1e308}, arena);
    EXPECT_EQ(huge.covariance(1, 1), 0.0);
    huge.add({-1e308, -1e308}, arena);
    EXPECT_TRUE(kernels::covariance(huge.xy, huge.x, huge.y, 2, 2).overflow);
    huge.subtract({-1e308, -1e308}, arena);
    EXPECT_EQ(huge.covariance(1, 1), 0.0);
    Sums tiny;
    tiny.add({5e-324, 5e-324}, arena);
    EXPECT_EQ(tiny.covariance(1, 1), 0.0);
    EXPECT_FALSE(tiny.xy.is_zero());
    tiny.subtract({5e-324, 5e-324}, arena);
    EXPECT_TRUE(tiny.xy.is_zero());
}

// NaN and the infinities are left to the sums of the factors.
TEST(ExactProducts, SpecialsLeaveNoTrace)
{
    TestArena arena;
    ExactProducts products;
    const double infinity = std::numeric_limits<double>::infinity();
    products.add(infinity, 1, arena);
    products.add(-1, -infinity, arena);
    products.add(std::numeric_limits<double>::quiet_NaN(), 0, arena);
    products.add(infinity, 0, arena);
    products.add(0, 1e308, arena);
    EXPECT_TRUE(products.is_zero());
    EXPECT_EQ(encoded(products), encoded(ExactProducts{}));
}

// Merging is commutative, has inverses, and may be with itself; copies are independent.
TEST(ExactProducts, CommutativeGroup)
{
    Random random;
    for (int round = 0; round < 500; ++round) {
        TestArena arena;
        ExactProducts a;
        ExactProducts b;
        for (int k = 0; k < 4; ++k) {
            a.add(random_float(random, -1074, 970), random_float(random, -1074, 970), arena);
            b.subtract(random_float(random, -1074, 970), random_float(random, -100, 100), arena);
        }
        ExactProducts ab = a.copy(arena);
        ab.merge(b, arena);
        ExactProducts ba = b.copy(arena);
        ba.merge(a, arena);
        ASSERT_EQ(encoded(ab), encoded(ba));
        ExactProducts twice = a.copy(arena);
        twice.merge(twice, arena);
        ExactProducts sum = a.copy(arena);
        sum.merge(a, arena);
        ASSERT_EQ(encoded(twice), encoded(sum));
        ba.negate();
        ab.merge(ba, arena);
        ASSERT_TRUE(ab.is_zero());
        ASSERT_EQ(encoded(ab), encoded(ExactProducts{}));
    }
}

TEST(ExactProducts, HostileBytes)
{
    Random random;
    TestArena arena;
    ExactProducts near;
    near.add(1.5, 3, arena);
    ExactProducts far = near.copy(arena);
    far.add(1e200, 1e200, arena);
    far.add(1e-200, 1e-200, arena);
    expect_robust_decoding<ExactProducts>(random, {ExactProducts{}, near, far});
}

} // namespace
