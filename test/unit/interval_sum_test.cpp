// IntervalSum: fields add apart from each other, infinities leave no trace, and the laws of a group hold.
#include "support.hpp"

namespace {

using kernels::IntervalKind;
using kernels::IntervalSum;
using kernels::IntervalValue;

constexpr IntervalValue forever{.kind = IntervalKind::positive_infinity};
constexpr IntervalValue since_ever{.kind = IntervalKind::negative_infinity};

// Returns an interval, sometimes an infinite one.
IntervalValue any_interval(Random &random)
{
    const auto field = [&] { return static_cast<std::int32_t>(random.integer()); };
    switch (random.between(0, 20)) {
    case 0:
        return forever;
    case 1:
        return since_ever;
    default:
        return {field(), field(), random.integer(), IntervalKind::finite};
    }
}

// Nothing is justified: 30 days are no month, 24 hours no day.
TEST(IntervalSum, FieldsAddApart)
{
    IntervalSum sum;
    sum.add({1, 30, 86400000000, IntervalKind::finite});
    sum.add({-2, 1, 1, IntervalKind::finite});
    const IntervalValue value = sum.to_interval();
    EXPECT_EQ(value.months, -1);
    EXPECT_EQ(value.days, 31);
    EXPECT_EQ(value.microseconds, 86400000001);
    EXPECT_EQ(value.kind, IntervalKind::finite);
}

// Each field may leave its range on the way and come back.
TEST(IntervalSum, FieldsMayLeaveTheirRange)
{
    const IntervalValue extremes[] = {{INT32_MAX, 0, 0, IntervalKind::finite},
                                      {0, INT32_MIN, 0, IntervalKind::finite},
                                      {0, 0, INT64_MAX, IntervalKind::finite}};
    for (const IntervalValue &extreme : extremes) {
        IntervalSum sum;
        sum.add(extreme);
        EXPECT_TRUE(sum.fits_interval());
        sum.add(extreme);
        EXPECT_FALSE(sum.fits_interval());
        sum.subtract(extreme);
        EXPECT_TRUE(sum.fits_interval());
        sum.subtract(extreme);
        EXPECT_TRUE(sum.is_zero());
    }
}

// Infinities decide while they are present.
TEST(IntervalSum, Infinities)
{
    IntervalSum sum;
    sum.add({1, 2, 3, IntervalKind::finite});
    const Bytes before = encoded(sum);
    sum.add(forever);
    EXPECT_EQ(sum.kind(), IntervalKind::positive_infinity);
    sum.add(since_ever);
    EXPECT_EQ(sum.kind(), IntervalKind::undefined);
    sum.subtract(forever);
    EXPECT_EQ(sum.kind(), IntervalKind::negative_infinity);
    sum.subtract(since_ever);
    EXPECT_EQ(sum.kind(), IntervalKind::finite);
    EXPECT_EQ(encoded(sum), before);
}

// Random values against plain additions, and every law.
TEST(IntervalSum, CommutativeGroup)
{
    Random random;
    for (int round = 0; round < 3000; ++round) {
        IntervalSum a;
        IntervalSum b;
        kernels::int128 months = 0;
        for (int k = 0; k < 10; ++k) {
            const IntervalValue in = any_interval(random);
            const IntervalValue out = any_interval(random);
            a.add(in);
            b.subtract(out);
            months += in.months;
            months -= out.months;
        }
        IntervalSum ab = a;
        IntervalSum ba = b;
        ab.merge(b);
        ba.merge(a);
        ASSERT_TRUE(ab.months == months);
        ASSERT_EQ(encoded(ab), encoded(ba));
        ASSERT_NO_FATAL_FAILURE(expect_round_trip(ab));
        ba.negate();
        ab.merge(ba);
        ASSERT_TRUE(ab.is_zero());
    }
}

// No bytes crash the decoder.
TEST(IntervalSum, HostileBytes)
{
    Random random;
    std::vector<IntervalSum> seeds(50);
    for (auto &seed : seeds)
        seed.add(any_interval(random));
    expect_robust_decoding(random, seeds);
}

} // namespace
