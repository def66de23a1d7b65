// BitCounts: the laws of a group, and AND, OR, XOR against the values themselves.
#include "support.hpp"

namespace {

using kernels::BitCounts;

// Returns a value of a random width.
std::uint64_t random_bits(Random &random)
{
    return random.bits() >> static_cast<unsigned>(random.between(0, 63));
}

// Random values come and go; the answers are those of the values that are there.
TEST(BitCounts, AnswersForThePresentValues)
{
    Random random;
    for (int round = 0; round < 2000; ++round) {
        TestArena arena;
        BitCounts counts;
        std::vector<std::uint64_t> present;
        for (int step = 0; step < 30; ++step) {
            if (present.empty() || random.coin()) {
                present.push_back(random_bits(random) | (random.coin() ? 5U : 0U));
                counts.add(present.back(), arena);
            } else {
                const std::size_t leaver = random.bits() % present.size();
                counts.remove(present[leaver], arena);
                present[leaver] = present.back();
                present.pop_back();
            }
            if (present.empty()) {
                ASSERT_TRUE(counts.is_zero());
                continue;
            }
            std::uint64_t all = UINT64_MAX;
            std::uint64_t any = 0;
            std::uint64_t odd = 0;
            for (const std::uint64_t value : present) {
                all &= value;
                any |= value;
                odd ^= value;
            }
            ASSERT_EQ(counts.in_all(static_cast<std::int64_t>(present.size())), all);
            ASSERT_EQ(counts.in_any(), any);
            ASSERT_EQ(counts.in_odd(), odd);
        }
        ASSERT_NO_FATAL_FAILURE(expect_round_trip(counts));
    }
}

// Merging is commutative, has inverses, and may be with itself; copies are independent.
TEST(BitCounts, CommutativeGroup)
{
    Random random;
    for (int round = 0; round < 2000; ++round) {
        TestArena arena;
        BitCounts a;
        BitCounts b;
        for (int k = 0; k < 5; ++k) {
            a.add(random_bits(random), arena);
            b.remove(random_bits(random), arena);
        }
        BitCounts ab = a.copy(arena);
        ab.merge(b, arena);
        BitCounts ba = b.copy(arena);
        ba.merge(a, arena);
        ASSERT_EQ(encoded(ab), encoded(ba));
        BitCounts twice = a.copy(arena);
        twice.merge(twice, arena);
        BitCounts sum = a.copy(arena);
        sum.merge(a, arena);
        ASSERT_EQ(encoded(twice), encoded(sum));
        ba.negate();
        ab.merge(ba, arena);
        ASSERT_TRUE(ab.is_zero());
        ASSERT_EQ(encoded(ab), encoded(BitCounts{}));
    }
}

// An operation whose allocation fails leaves the state as it was.
TEST(BitCounts, NoMemory)
{
    TestArena arena;
    BitCounts counts;
    counts.add(3, arena);
    const Bytes before = encoded(counts);
    arena.allowed = arena.allocations;
    EXPECT_THROW(counts.add(UINT64_MAX, arena), std::bad_alloc);
    EXPECT_EQ(encoded(counts), before);
}

TEST(BitCounts, HostileBytes)
{
    Random random;
    TestArena arena;
    BitCounts flags;
    flags.add(1, arena);
    BitCounts wide;
    wide.remove(UINT64_MAX, arena);
    expect_robust_decoding<BitCounts>(random, {BitCounts{}, flags, wide});
}

} // namespace
