// IntegerSum: the laws of a group, the range of bigint, and its bytes.
#include "support.hpp"

namespace {

using kernels::int128;
using kernels::IntegerSum;

// Sums beyond 64 bits are exact, and come back into range.
TEST(IntegerSum, BeyondInt64)
{
    IntegerSum sum;
    sum.add(INT64_MAX);
    EXPECT_TRUE(sum.fits_int64());
    sum.add(1);
    EXPECT_FALSE(sum.fits_int64());
    EXPECT_TRUE(sum.sum == int128{INT64_MAX} + 1);
    sum.subtract(INT64_MAX);
    EXPECT_TRUE(sum.fits_int64());
    EXPECT_TRUE(sum.sum == 1);
    sum.subtract(INT64_MIN);
    EXPECT_FALSE(sum.fits_int64());
    sum.add(INT64_MIN);
    sum.add(INT64_MIN);
    EXPECT_FALSE(sum.is_zero());
    sum.subtract(1);
    EXPECT_TRUE(sum.fits_int64());
    sum.subtract(1);
    EXPECT_FALSE(sum.fits_int64());
}

// Random values against plain 128-bit addition, and every law.
TEST(IntegerSum, CommutativeGroup)
{
    Random random;
    for (int round = 0; round < 5000; ++round) {
        IntegerSum a;
        IntegerSum b;
        int128 expected = 0;
        for (int k = 0; k < 10; ++k) {
            const std::int64_t in = random.integer();
            const std::int64_t out = random.integer();
            a.add(in);
            b.subtract(out);
            expected += in;
            expected -= out;
        }
        IntegerSum ab = a;
        IntegerSum ba = b;
        ab.merge(b);
        ba.merge(a);
        ASSERT_TRUE(ab.sum == expected && ba.sum == expected);
        ASSERT_NO_FATAL_FAILURE(expect_round_trip(ab));
        ba.negate();
        ab.merge(ba);
        ASSERT_TRUE(ab.is_zero());
    }
}

// Bytes may hold any int128: adding to the extremes wraps and does not trap.
TEST(IntegerSum, HostileBytes)
{
    IntegerSum largest{static_cast<int128>(~static_cast<kernels::uint128>(0) >> 1U)};
    expect_round_trip(largest);
    largest.add(1);
    expect_round_trip(largest);
    largest.negate();
    largest.subtract(1);
    largest.merge(largest);
    Random random;
    expect_robust_decoding<IntegerSum>(random, {IntegerSum{}, IntegerSum{-5}, largest});
}

} // namespace
