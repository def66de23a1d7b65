// ExactSum on chosen values: where rounding, cancellation, overflow and the special values are decided. Each
// expectation is worked out by hand, from the format.
#include "support.hpp"

#include <cmath>
#include <initializer_list>
#include <limits>

namespace {

using kernels::ExactSum;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double largest = std::numeric_limits<double>::max();
constexpr double smallest = std::numeric_limits<double>::denorm_min();

class ExactSumTest : public testing::Test {
  protected:
    // Returns the sum of values, in their order.
    ExactSum sum_of(std::initializer_list<double> values)
    {
        ExactSum sum;
        for (const double value : values)
            sum.add(value, arena);
        return sum;
    }

    double total(std::initializer_list<double> values) { return sum_of(values).to_double().value; }
    float total_float(std::initializer_list<double> values) { return sum_of(values).to_float().value; }

    TestArena arena;
};

// Large values that cancel leave what was added to them.
TEST_F(ExactSumTest, CancellationLosesNothing)
{
    EXPECT_EQ(total({1e308, 1, -1e308}), 1);
    EXPECT_EQ(total({1e308, 1e308, 1e308, smallest, -1e308, -1e308, -1e308}), smallest);
    EXPECT_EQ(total({0.1, 0.2, -0.3}), 0x1p-55); // 0.1 and 0.2 lie above, 0.3 below the decimals
    EXPECT_EQ(total({1, 1e100, 1, -1e100}), 2);
    EXPECT_TRUE(sum_of({1e308, 1e-308, -1e308, -1e-308}).is_zero());
}

// A zero is positive and has no trace.
TEST_F(ExactSumTest, Zero)
{
    EXPECT_TRUE(ExactSum{}.is_zero());
    EXPECT_TRUE(sum_of({-0.0, 0.0}).is_zero());
    EXPECT_FALSE(std::signbit(total({-0.0})));
    EXPECT_FALSE(std::signbit(total({-5, 5})));
    EXPECT_EQ(encoded(sum_of({1e300, -1e300})), encoded(ExactSum{}));
    EXPECT_EQ(encoded(ExactSum{}).size(), 1U);
}

// Subnormals are summed like all others, and carry into the normal numbers.
TEST_F(ExactSumTest, Subnormals)
{
    const double largest_subnormal = std::nextafter(std::numeric_limits<double>::min(), 0);
    EXPECT_EQ(total({smallest, smallest, smallest}), 3 * smallest);
    EXPECT_EQ(total({largest_subnormal, smallest}), std::numeric_limits<double>::min());
    EXPECT_EQ(total({std::numeric_limits<double>::min(), -smallest}), largest_subnormal);
    EXPECT_EQ(total({-largest_subnormal, smallest}), -std::nextafter(largest_subnormal, 0));
}

// Halfway goes to the even neighbour; anything beyond halfway, however small, away from it.
TEST_F(ExactSumTest, TiesToEven)
{
    EXPECT_EQ(total({1, 0x1p-53}), 1);
    EXPECT_EQ(total({1, 0x1p-52, 0x1p-53}), 1 + 0x1p-51);
    EXPECT_EQ(total({1, 0x1p-53, smallest}), 1 + 0x1p-52);
    EXPECT_EQ(total({1, 0x1p-52, 0x1p-53, -smallest}), 1 + 0x1p-52);
    EXPECT_EQ(total({-1, -0x1p-53}), -1);
    EXPECT_EQ(total({-1, -0x1p-53, -smallest}), -1 - 0x1p-52);
    EXPECT_EQ(total({0x1p53, 1}), 0x1p53);
    EXPECT_EQ(total({0x1p53, 1, 2}), 0x1p53 + 4);
}

// Rounding up a significand of ones gives the next power of two.
TEST_F(ExactSumTest, RoundingCarriesIntoTheNextBinade)
{
    EXPECT_EQ(total({2 - 0x1p-52, 0x1p-53}), 2);
    EXPECT_EQ(total({-(2 - 0x1p-52), -0x1p-53}), -2);
    EXPECT_EQ(total_float({2 - 0x1p-23, 0x1p-24}), 2.0F);
}

// From halfway between the largest value and the power of two after it, a sum is beyond the type.
TEST_F(ExactSumTest, OverflowBoundary)
{
    const double half_unit = 0x1p970;
    EXPECT_EQ(total({largest, std::nextafter(half_unit, 0)}), largest);
    EXPECT_FALSE(sum_of({largest, half_unit, -smallest}).to_double().overflow);
    EXPECT_EQ(sum_of({largest, half_unit}).to_double().value, infinity);
    EXPECT_TRUE(sum_of({largest, half_unit}).to_double().overflow);
    EXPECT_EQ(sum_of({-largest, -largest}).to_double().value, -infinity);
    EXPECT_TRUE(sum_of({-largest, -largest}).to_double().overflow);
    EXPECT_EQ(total({largest, largest, -largest}), largest);
    EXPECT_EQ(sum_of({largest, largest, largest}).divided_by(3).value, largest);
    EXPECT_FALSE(sum_of({largest, largest, largest}).divided_by(3).overflow);
}

// The same boundary of float32, whose overflow is no overflow of float64.
TEST_F(ExactSumTest, FloatOverflowBoundary)
{
    const double float_largest = std::numeric_limits<float>::max();
    EXPECT_FALSE(sum_of({float_largest, 0x1p103, -smallest}).to_float().overflow);
    EXPECT_EQ(total_float({float_largest, 0x1p103, -smallest}), std::numeric_limits<float>::max());
    EXPECT_TRUE(sum_of({float_largest, 0x1p103}).to_float().overflow);
    EXPECT_FALSE(sum_of({float_largest, 0x1p103}).to_double().overflow);
    EXPECT_TRUE(sum_of({-largest, -largest}).to_float().overflow);
    EXPECT_EQ(sum_of({-1e300}).to_float().value, -std::numeric_limits<float>::infinity());
}

// 1 + 2^-24 + 2^-60 rounds to the tie 1 + 2^-24 in float64, and from there to 1; in one step it rounds up.
TEST_F(ExactSumTest, FloatIsRoundedOnce)
{
    const ExactSum sum = sum_of({1, 0x1p-24, 0x1p-60});
    EXPECT_EQ(static_cast<float>(sum.to_double().value), 1.0F);
    EXPECT_EQ(sum.to_float().value, 1.0F + 0x1p-23F);
    const ExactSum below = sum_of({1, 0x1p-23, 0x1p-24, -0x1p-60});
    EXPECT_EQ(static_cast<float>(below.to_double().value), 1.0F + 0x1p-22F);
    EXPECT_EQ(below.to_float().value, 1.0F + 0x1p-23F);
}

// float32 subnormals, from sums that float64 holds with room to spare.
TEST_F(ExactSumTest, FloatSubnormals)
{
    EXPECT_EQ(total_float({0x1p-149, 0x1p-149}), 0x1p-148F);
    EXPECT_EQ(total_float({0x1p-150}), 0.0F);
    EXPECT_EQ(total_float({0x1p-150, smallest}), 0x1p-149F);
    EXPECT_EQ(total_float({0x1p-149, 0x1p-150}), 0x1p-148F);
    EXPECT_EQ(total_float({smallest}), 0.0F);
    EXPECT_TRUE(std::signbit(total_float({-smallest})));
}

// Averages round the quotient once, ties to even, subnormal quotients included.
TEST_F(ExactSumTest, Averages)
{
    EXPECT_EQ(sum_of({1, 2}).divided_by(2).value, 1.5);
    EXPECT_EQ(sum_of({1}).divided_by(3).value, 1.0 / 3);
    EXPECT_EQ(sum_of({1, 1 + 0x1p-52}).divided_by(2).value, 1);
    EXPECT_EQ(sum_of({1 + 0x1p-52, 1 + 0x1p-51}).divided_by(2).value, 1 + 0x1p-51);
    EXPECT_EQ(sum_of({smallest}).divided_by(2).value, 0);
    EXPECT_EQ(sum_of({3 * smallest}).divided_by(2).value, 2 * smallest);
    EXPECT_EQ(sum_of({5 * smallest}).divided_by(2).value, 2 * smallest);
    EXPECT_EQ(sum_of({2 * smallest}).divided_by(3).value, smallest);
    EXPECT_EQ(sum_of({1}).divided_by(UINT64_MAX).value, 0x1p-64);
    EXPECT_TRUE(std::signbit(sum_of({-smallest}).divided_by(UINT64_MAX).value));
    EXPECT_EQ(ExactSum{}.divided_by(7).value, 0);
    EXPECT_EQ(sum_of({largest}).divided_by(1).value, largest);
}

// Present specials decide; those that leave are gone.
TEST_F(ExactSumTest, SpecialValues)
{
    EXPECT_TRUE(std::isnan(total({1, not_a_number, infinity})));
    EXPECT_TRUE(std::isnan(total({infinity, -infinity})));
    EXPECT_EQ(total({infinity, -largest}), infinity);
    EXPECT_EQ(total_float({-infinity, 1}), -std::numeric_limits<float>::infinity());
    EXPECT_FALSE(sum_of({infinity}).to_double().overflow);
    EXPECT_EQ(sum_of({-infinity}).divided_by(5).value, -infinity);

    ExactSum sum = sum_of({not_a_number, infinity, -infinity, 2.5});
    sum.subtract(not_a_number, arena);
    EXPECT_TRUE(std::isnan(sum.to_double().value));
    sum.subtract(-infinity, arena);
    EXPECT_EQ(sum.to_double().value, infinity);
    sum.subtract(infinity, arena);
    EXPECT_EQ(sum.to_double().value, 2.5);
    EXPECT_EQ(encoded(sum), encoded(sum_of({2.5})));
}

// A delta may remove what only the state that it is merged into has seen.
TEST_F(ExactSumTest, RemovalBeforeAddition)
{
    ExactSum delta;
    delta.subtract(not_a_number, arena);
    delta.subtract(7, arena);
    EXPECT_FALSE(delta.is_zero());
    expect_round_trip(delta);
    ExactSum state = sum_of({not_a_number, 7});
    state.merge(delta, arena);
    EXPECT_TRUE(state.is_zero());
}

// Similar values need no memory; distant ones widen the window towards both ends.
TEST_F(ExactSumTest, WindowGrowsBothWays)
{
    ExactSum sum = sum_of({1, 1e6, 1e-6, 123456789.25});
    EXPECT_EQ(arena.allocations, 0U);
    sum.add(1e60, arena);
    EXPECT_EQ(arena.allocations, 1U);
    sum.add(1e-60, arena);
    sum.add(largest, arena);
    sum.add(smallest, arena);
    EXPECT_LE(arena.bytes, std::size_t{3} * 72 * 8);
    EXPECT_EQ(sum.to_double().value, largest);
    for (const double value : {largest, 1e60, 1.0, 1e6, 123456789.25, 1e-6, 1e-60})
        sum.subtract(value, arena);
    EXPECT_EQ(sum.to_double().value, smallest);
    EXPECT_EQ(encoded(sum), encoded(sum_of({smallest})));
}

// A copy has memory of its own, and no more of it than its value needs.
TEST_F(ExactSumTest, CopyIsIndependent)
{
    ExactSum sum = sum_of({1e200, 1e-200});
    TestArena other;
    ExactSum copy = sum.copy(other);
    sum.subtract(1e200, arena);
    EXPECT_EQ(copy.to_double().value, 1e200);
    copy.subtract(1e-200, other);
    EXPECT_EQ(sum.to_double().value, 1e-200);
    TestArena unused;
    EXPECT_EQ(sum.copy(unused).to_double().value, 1e-200);
    EXPECT_EQ(unused.allocations, 0U);
}

// Doubling by merging with itself passes the limit of carry-save limbs again and again.
TEST_F(ExactSumTest, CarriesArePropagated)
{
    for (const double value : {1.1, -1.1, 1e308, -largest, 3 * smallest}) {
        ExactSum sum = sum_of({value});
        for (int doubling = 0; doubling < 62; ++doubling)
            sum.merge(sum, arena);
        EXPECT_EQ(sum.divided_by(std::uint64_t{1} << 62U).value, value);
        expect_round_trip(sum);
    }
}

} // namespace
