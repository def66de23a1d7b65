// ExactSum on random values: the laws of a commutative group, correct rounding against an independent account
// of the exact sum (reference.hpp), failing memory, and hostile bytes.
#include "reference.hpp"
#include "support.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace {

using kernels::ExactSum;

// Returns a finite float64: of any exponent, near 1, or a neighbour of a power of two.
double any_double(Random &random)
{
    const std::uint64_t bits = random.bits();
    switch (random.between(0, 4)) {
    case 0:
        return std::ldexp(static_cast<double>(bits >> 11U), static_cast<int>(random.between(-1074, 970)));
    case 1:
        return std::ldexp(static_cast<double>(random.between(-3, 3)),
                          static_cast<int>(random.between(-1074, 1020)));
    case 2:
        return -std::ldexp(static_cast<double>(bits >> 11U), static_cast<int>(random.between(-1074, -1000)));
    case 3:
        return static_cast<double>(random.between(-1000000, 1000000)) / 100;
    default:
        return static_cast<double>(static_cast<std::int64_t>(bits)) * 0x1p-60;
    }
}

// Returns a value as a column may hold it, now and then NaN or an infinity.
double any_value(Random &random)
{
    constexpr double infinity = std::numeric_limits<double>::infinity();
    switch (random.between(0, 40)) {
    case 0:
        return std::numeric_limits<double>::quiet_NaN();
    case 1:
        return infinity;
    case 2:
        return -infinity;
    default:
        return any_double(random);
    }
}

// Returns a few values; clustered ones make cancellation and ties likely.
std::vector<double> some_values(Random &random, bool finite)
{
    std::vector<double> values(static_cast<std::size_t>(random.between(0, 12)));
    const double centre = any_double(random);
    for (auto &value : values) {
        value = finite ? any_double(random) : any_value(random);
        if (random.coin())
            value = std::ldexp(centre, static_cast<int>(random.between(-60, 0)));
        if (random.coin())
            value = -value;
    }
    return values;
}

// Returns the sum of values.
ExactSum sum_of(const std::vector<double> &values, kernels::Arena &arena)
{
    ExactSum sum;
    for (const double value : values)
        sum.add(value, arena);
    return sum;
}

// float64, float32 and averages are the correct roundings of the exact sum.
TEST(ExactSumLaws, ReadsAreCorrectlyRounded)
{
    Random random;
    for (int round = 0; round < 6000; ++round) {
        TestArena arena;
        const auto values = some_values(random, true);
        const ExactSum sum = sum_of(values, arena);
        Wide exact;
        for (const double value : values)
            exact.add(value);
        ASSERT_EQ(sum.is_zero(), exact == Wide{});
        const auto as_double = sum.to_double();
        ASSERT_TRUE(is_nearest(exact, 1, as_double.value)) << "round " << round;
        ASSERT_EQ(as_double.overflow, std::isinf(as_double.value));
        const auto as_float = sum.to_float();
        ASSERT_TRUE(is_nearest(exact, 1, as_float.value)) << "round " << round;
        ASSERT_EQ(as_float.overflow, std::isinf(as_float.value));
        const std::uint64_t n = std::max<std::uint64_t>(1, random.bits() >> random.between(0, 63));
        ASSERT_TRUE(is_nearest(exact, n, sum.divided_by(n).value)) << "round " << round << " n " << n;
    }
}

// Averages of few small integers are where ties are frequent.
TEST(ExactSumLaws, AveragesOfTies)
{
    Random random;
    for (int round = 0; round < 3000; ++round) {
        TestArena arena;
        const double unit = std::ldexp(1.0, static_cast<int>(random.between(-1074, 900)));
        const std::vector<double> values = {static_cast<double>(random.bits() >> 11U) * unit,
                                            static_cast<double>(random.between(-9, 9)) * unit};
        Wide exact;
        for (const double value : values)
            exact.add(value);
        const auto n = std::uint64_t{1} << random.between(0, 6);
        ASSERT_TRUE(is_nearest(exact, n, sum_of(values, arena).divided_by(n).value)) << "round " << round;
    }
}

// With 2^117 = q * n + a small rest and q a tie of 54 bits, 1 / n is a tie and something beyond all digits of
// the quotient, which only the remainder shows. A copy drops the zero limbs that would give the division more
// digits.
TEST(ExactSumLaws, AveragesNeedTheRemainder)
{
    Random random;
    TestArena arena;
    const double lowest_of_a_limb = 0x1p-18;
    const ExactSum sum = sum_of({lowest_of_a_limb}, arena).copy(arena);
    Wide exact;
    exact.add(lowest_of_a_limb);
    for (int round = 0; round < 1000; ++round) {
        const std::uint64_t q = (std::uint64_t{1} << 53U) | (random.bits() >> 13U << 2U) | 1U;
        const auto n = static_cast<std::uint64_t>((kernels::uint128{1} << 117U) / q);
        ASSERT_TRUE(is_nearest(exact, n, sum.divided_by(n).value)) << "n " << n;
    }
}

// The reference itself refuses the neighbours of the right answer, so that it cannot be content with
// anything.
TEST(ExactSumLaws, ReferenceIsSharp)
{
    Random random;
    for (int round = 0; round < 500; ++round) {
        const double value = any_double(random);
        Wide exact;
        exact.add(value);
        ASSERT_TRUE(is_nearest(exact, 1, value));
        ASSERT_FALSE(is_nearest(exact, 1, std::nextafter(value, HUGE_VAL)));
        ASSERT_FALSE(is_nearest(exact, 1, std::nextafter(value, -HUGE_VAL)));
    }
}

// Sums form a commutative group, and the bytes depend on the sum alone.
TEST(ExactSumLaws, CommutativeGroup)
{
    Random random;
    for (int round = 0; round < 3000; ++round) {
        TestArena arena;
        const ExactSum a = sum_of(some_values(random, false), arena);
        const ExactSum b = sum_of(some_values(random, false), arena);
        const ExactSum c = sum_of(some_values(random, false), arena);
        const auto plus = [&](const ExactSum &x, const ExactSum &y) {
            ExactSum result = x.copy(arena);
            result.merge(y, arena);
            return result;
        };
        ExactSum inverse = a.copy(arena);
        inverse.negate();
        ASSERT_EQ(encoded(plus(a, b)), encoded(plus(b, a)));
        ASSERT_EQ(encoded(plus(plus(a, b), c)), encoded(plus(a, plus(b, c))));
        ASSERT_EQ(encoded(plus(a, ExactSum{})), encoded(a));
        ASSERT_TRUE(plus(a, inverse).is_zero());
        ASSERT_EQ(encoded(plus(plus(b, a), inverse)), encoded(b));
        ASSERT_NO_FATAL_FAILURE(expect_round_trip(a));
    }
}

// Folding out in another order undoes folding in; every way of summing gives the same bytes.
TEST(ExactSumLaws, MillionInAndOut)
{
    Random random;
    TestArena arena;
    std::vector<double> values(1000000);
    std::generate(values.begin(), values.end(), [&] { return any_value(random); });
    ExactSum forward = sum_of(values, arena);
    std::shuffle(values.begin(), values.end(), random.engine());
    ExactSum parts;
    for (auto part = values.begin(); part != values.end(); part += 1000)
        parts.merge(sum_of({part, part + 1000}, arena), arena);
    EXPECT_EQ(encoded(forward), encoded(parts));
    for (const double value : values)
        forward.subtract(value, arena);
    EXPECT_TRUE(forward.is_zero());
    EXPECT_EQ(encoded(forward), encoded(ExactSum{}));
}

// An operation that runs out of memory leaves the sum as it was, and usable.
TEST(ExactSumLaws, FailedAllocationChangesNothing)
{
    Random random;
    int failures = 0;
    for (int round = 0; round < 3000; ++round) {
        TestArena arena;
        ExactSum sum = sum_of(some_values(random, false), arena);
        const ExactSum other = sum_of(some_values(random, false), arena);
        const double value = any_value(random);
        const Bytes before = encoded(sum);
        const bool merging = random.coin();
        for (std::size_t allowed = 0;; ++allowed) {
            arena.allowed = arena.allocations + allowed;
            try {
                merging ? sum.merge(other, arena) : sum.add(value, arena);
                break;
            } catch (const std::bad_alloc &) {
                ++failures;
                ASSERT_EQ(encoded(sum), before);
            }
        }
        arena.allowed = SIZE_MAX;
        ExactSum inverse = other.copy(arena);
        inverse.negate();
        merging ? sum.merge(inverse, arena) : sum.subtract(value, arena);
        ASSERT_EQ(encoded(sum), before);
    }
    EXPECT_GT(failures, 500);
}

// The same where limbs are so full that merging has to propagate first, which allocates up to three times.
TEST(ExactSumLaws, FailedPropagationChangesNothing)
{
    TestArena arena;
    ExactSum sum = sum_of({1.75, 1e90}, arena);
    int failures = 0;
    for (int doubling = 0; doubling < 100; ++doubling) {
        const Bytes before = encoded(sum);
        for (std::size_t allowed = 0;; ++allowed) {
            arena.allowed = arena.allocations + allowed;
            try {
                sum.merge(sum, arena);
                break;
            } catch (const std::bad_alloc &) {
                ++failures;
                ASSERT_EQ(encoded(sum), before);
            }
        }
    }
    EXPECT_GT(failures, 3);
    EXPECT_EQ(sum.to_double().value, std::ldexp(1e90, 100));
}

// No bytes crash the decoder or make it accept a second form of a sum.
TEST(ExactSumLaws, HostileBytes)
{
    Random random;
    TestArena arena;
    std::vector<ExactSum> seeds(100);
    for (auto &seed : seeds)
        seed = sum_of(some_values(random, false), arena);
    expect_robust_decoding(random, seeds);
}

} // namespace
