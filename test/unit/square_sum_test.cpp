// SquareSum: the laws of a group, and its value against schoolbook arithmetic on decimal text.
#include "support.hpp"

#include <algorithm>

namespace {

using kernels::int128;
using kernels::SquareSum;
using kernels::uint128;

// Returns the number in decimal.
std::string text_of(const SquareSum &sum)
{
    char buffer[SquareSum::text_size];
    return sum.to_text(buffer);
}

// Returns a natural number of up to 128 bits in decimal.
std::string text_of(uint128 value)
{
    std::string result;
    do {
        result.push_back(static_cast<char>('0' + static_cast<int>(value % 10U)));
        value /= 10U;
    } while (value != 0);
    return {result.rbegin(), result.rend()};
}

// Adds natural numbers digit by digit.
std::string add_texts(const std::string &a, const std::string &b)
{
    std::string result;
    int carry = 0;
    for (std::size_t k = 0; k < std::max(a.size(), b.size()) || carry != 0; ++k) {
        const int sum = carry + (k < a.size() ? a[a.size() - 1 - k] - '0' : 0) +
                        (k < b.size() ? b[b.size() - 1 - k] - '0' : 0);
        result.push_back(static_cast<char>('0' + sum % 10));
        carry = sum / 10;
    }
    return {result.rbegin(), result.rend()};
}

TEST(SquareSum, KnownValues)
{
    SquareSum sum;
    EXPECT_EQ(text_of(sum), "0");
    sum.add(-3);
    sum.add(4);
    EXPECT_EQ(text_of(sum), "25");
    sum.subtract(5);
    EXPECT_TRUE(sum.is_zero());
    sum.subtract(1);
    EXPECT_EQ(text_of(sum), "-1");
    for (int k = 0; k < 8; ++k)
        sum.add(INT64_MIN); // 2^126 each: beyond 128 bits
    EXPECT_EQ(text_of(sum), "680564733841876926926749214863536422911");
}

// Random values against plain addition, and every law.
TEST(SquareSum, CommutativeGroup)
{
    Random random;
    for (int round = 0; round < 3000; ++round) {
        SquareSum a;
        SquareSum b;
        std::string expected = "0";
        for (int k = 0; k < 10; ++k) {
            const std::int64_t in = random.integer();
            const std::int64_t other = random.integer();
            a.add(in);
            b.add(other);
            b.subtract(other);
            b.subtract(in);
            expected = add_texts(expected, text_of(static_cast<uint128>(int128{in} * in)));
        }
        ASSERT_EQ(text_of(a), expected);
        ASSERT_NO_FATAL_FAILURE(expect_round_trip(a));
        ASSERT_NO_FATAL_FAILURE(expect_round_trip(b));
        SquareSum ab = a;
        ab.merge(b);
        ASSERT_TRUE(ab.is_zero());
        b.negate();
        ASSERT_EQ(encoded(a), encoded(b));
    }
}

// Bytes may hold any number: doubling the extremes wraps and does not trap.
TEST(SquareSum, HostileBytes)
{
    SquareSum least{.low = 0, .high = static_cast<uint128>(1) << 127U};
    expect_round_trip(least);
    EXPECT_EQ(text_of(least).size(), std::size_t{78});
    least.negate();
    least.merge(least);
    EXPECT_TRUE(least.is_zero());
    Random random;
    SquareSum large;
    large.add(INT64_MAX);
    expect_robust_decoding<SquareSum>(random, {SquareSum{}, large});
}

} // namespace
