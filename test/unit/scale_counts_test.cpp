// ScaleCounts against a std::map of counts: the laws of a group, memory, failing memory, and hostile bytes.
#include "support.hpp"

#include <map>

namespace {

using kernels::ScaleCounts;

using Model = std::map<int, std::int64_t>;

// Changes the count of a scale in the model.
void adjust(Model &model, int scale, std::int64_t by)
{
    if ((model[scale] += by) == 0)
        model.erase(scale);
}

// Returns the bytes of a model, which are a multiset's only ones.
Bytes bytes_of(const Model &model, TestArena &arena)
{
    ScaleCounts counts;
    for (const auto &[scale, count] : model)
        for (std::int64_t k = 0; k < std::abs(count); ++k)
            count > 0 ? counts.add(scale, arena) : counts.remove(scale, arena);
    return encoded(counts);
}

// Changes a multiset and its model alike, at random.
void fold_some(Random &random, ScaleCounts &counts, Model &model, TestArena &arena)
{
    const std::int64_t largest = random.coin() ? 5 : kernels::max_display_scale;
    for (std::int64_t k = random.between(0, 20); k > 0; --k) {
        const auto scale = static_cast<int>(random.between(0, largest));
        const bool in = random.coin();
        in ? counts.add(scale, arena) : counts.remove(scale, arena);
        adjust(model, scale, in ? 1 : -1);
    }
}

// The largest scale goes with the last value that has it.
TEST(ScaleCounts, MaxScaleFollowsTheValues)
{
    TestArena arena;
    ScaleCounts counts;
    EXPECT_EQ(counts.max_scale(), -1);
    counts.add(0, arena);
    EXPECT_EQ(counts.max_scale(), 0);
    counts.add(2, arena);
    counts.add(2, arena);
    counts.remove(2, arena);
    EXPECT_EQ(counts.max_scale(), 2);
    EXPECT_EQ(arena.allocations, 0U);
    counts.add(kernels::max_display_scale, arena);
    EXPECT_EQ(arena.allocations, 1U);
    EXPECT_EQ(counts.max_scale(), kernels::max_display_scale);
    counts.remove(kernels::max_display_scale, arena);
    counts.remove(2, arena);
    EXPECT_EQ(counts.max_scale(), 0);
    counts.remove(0, arena);
    EXPECT_TRUE(counts.is_zero());
}

// Counts may be negative until the delta meets its state.
TEST(ScaleCounts, RemovalBeforeAddition)
{
    TestArena arena;
    ScaleCounts delta;
    delta.remove(3, arena);
    EXPECT_FALSE(delta.is_zero());
    expect_round_trip(delta);
    ScaleCounts state;
    state.add(3, arena);
    state.add(1, arena);
    state.merge(delta, arena);
    EXPECT_EQ(state.max_scale(), 1);
}

// Random histories against the model, and every law.
TEST(ScaleCounts, CommutativeGroup)
{
    Random random;
    for (int round = 0; round < 3000; ++round) {
        TestArena arena;
        ScaleCounts a;
        ScaleCounts b;
        Model model;
        fold_some(random, a, model, arena);
        fold_some(random, b, model, arena);
        ScaleCounts ab = a.copy(arena);
        ScaleCounts ba = b.copy(arena);
        ab.merge(b, arena);
        ba.merge(a, arena);
        ASSERT_EQ(encoded(ab), bytes_of(model, arena));
        ASSERT_EQ(encoded(ba), encoded(ab));
        ASSERT_EQ(ab.max_scale(), model.empty() ? -1 : model.rbegin()->first);
        ASSERT_NO_FATAL_FAILURE(expect_round_trip(ab));
        ScaleCounts twice = a.copy(arena);
        twice.merge(twice, arena);
        ScaleCounts inverse = a.copy(arena);
        inverse.negate();
        twice.merge(inverse, arena);
        ASSERT_EQ(encoded(twice), encoded(a));
        twice.merge(inverse, arena);
        ASSERT_TRUE(twice.is_zero());
    }
}

// Every scale at once, merged from two halves, decoded and removed again.
TEST(ScaleCounts, EveryScale)
{
    TestArena arena;
    ScaleCounts even;
    ScaleCounts odd;
    for (int scale = 0; scale <= kernels::max_display_scale; ++scale)
        (scale % 2 == 0 ? even : odd).add(scale, arena);
    even.merge(odd, arena);
    const Bytes bytes = encoded(even);
    kernels::Reader reader(bytes);
    ScaleCounts back = ScaleCounts::decode(reader, arena);
    ASSERT_TRUE(reader.ok() && reader.at_end());
    for (int scale = kernels::max_display_scale; scale >= 0; --scale) {
        ASSERT_EQ(back.max_scale(), scale);
        back.remove(scale, arena);
    }
    EXPECT_TRUE(back.is_zero());
}

// An operation that runs out of memory leaves the multiset as it was.
TEST(ScaleCounts, FailedAllocationChangesNothing)
{
    Random random;
    int failures = 0;
    for (int round = 0; round < 3000; ++round) {
        TestArena arena;
        Model ignored;
        ScaleCounts counts;
        ScaleCounts other;
        fold_some(random, counts, ignored, arena);
        fold_some(random, other, ignored, arena);
        const Bytes before = encoded(counts);
        arena.allowed = arena.allocations;
        try {
            random.coin() ? counts.merge(other, arena) : counts.add(9999, arena);
        } catch (const std::bad_alloc &) {
            ++failures;
            ASSERT_EQ(encoded(counts), before);
        }
        ASSERT_NO_FATAL_FAILURE(expect_round_trip(counts));
    }
    EXPECT_GT(failures, 100);
}

// No bytes crash the decoder, and a claimed size alone allocates nothing.
TEST(ScaleCounts, HostileBytes)
{
    Random random;
    TestArena arena;
    std::vector<ScaleCounts> seeds(50);
    Model ignored;
    for (auto &seed : seeds)
        fold_some(random, seed, ignored, arena);
    expect_robust_decoding(random, seeds);

    TestArena untouched;
    const Bytes claim{0x80, 0x80, 0x01, 0x00, 0x02};
    kernels::Reader reader(claim);
    EXPECT_TRUE(ScaleCounts::decode(reader, untouched).is_zero());
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(untouched.allocations, 0U);

    const Bytes zero_count{1, 0, 0};
    kernels::Reader second(zero_count);
    EXPECT_TRUE(ScaleCounts::decode(second, untouched).is_zero());
    EXPECT_FALSE(second.ok());
}

} // namespace
