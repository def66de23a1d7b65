// Multiplicities: a set that follows a bag change by change is the set of the bag, and a sum over it the sum.
#include "support.hpp"

#include <limits>
#include <map>
#include <numeric>
#include <set>

namespace {

using kernels::change_count;
using kernels::Passage;

using Bag = std::map<int, std::int64_t>;

// What is kept while a bag changes: its counts, the values that occur, and the sum of them.
struct Followed {
    Bag counts;
    std::set<int> values;
    std::int64_t sum = 0;

    // Adds a change of the bag; false where it is impossible.
    bool add(const Bag &change)
    {
        for (const auto &[value, by] : change) {
            switch (change_count(counts[value], by)) {
            case Passage::enters:
                EXPECT_TRUE(values.insert(value).second);
                sum += value;
                break;
            case Passage::leaves:
                EXPECT_EQ(values.erase(value), 1U);
                sum -= value;
                break;
            case Passage::stays:
                break;
            case Passage::impossible:
                return false;
            }
        }
        return true;
    }
};

// Returns the values that occur in a bag.
std::set<int> occurring(const Bag &bag)
{
    std::set<int> values;
    for (const auto &[value, count] : bag)
        if (count > 0)
            values.insert(value);
    return values;
}

// Changes a bag at random, one value at a time and never below zero, and notes what was done.
Bag change_some(Random &random, Bag &bag)
{
    Bag change;
    for (std::int64_t k = random.between(0, 30); k > 0; --k) {
        const auto value = static_cast<int>(random.between(-5, 5));
        const std::int64_t by = random.coin() || bag[value] == 0 ? 1 : -1;
        bag[value] += by;
        change[value] += by;
    }
    return change;
}

// A value enters with its first occurrence and leaves with its last.
TEST(Multiplicity, OnlyTheFirstAndTheLastCount)
{
    std::int64_t count = 0;
    EXPECT_EQ(change_count(count, 0), Passage::stays);
    EXPECT_EQ(change_count(count, 3), Passage::enters);
    EXPECT_EQ(change_count(count, -2), Passage::stays);
    EXPECT_EQ(change_count(count, 0), Passage::stays);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(change_count(count, -1), Passage::leaves);
    EXPECT_EQ(count, 0);
}

// What can't be is told, and changes nothing.
TEST(Multiplicity, ImpossibleCounts)
{
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
    std::int64_t count = 2;
    EXPECT_EQ(change_count(count, -3), Passage::impossible);
    EXPECT_EQ(change_count(count, least), Passage::impossible);
    EXPECT_EQ(change_count(count, most), Passage::impossible);
    EXPECT_EQ(count, 2);
    EXPECT_EQ(change_count(count, most - 2), Passage::stays);
    EXPECT_EQ(change_count(count, 1), Passage::impossible);
    EXPECT_EQ(change_count(count, -most), Passage::leaves);
    count = -1;
    EXPECT_EQ(change_count(count, 5), Passage::impossible);
}

// Following a bag change by change gives its set and its sum.
TEST(Multiplicity, FollowsTheBag)
{
    Random random;
    for (int round = 0; round < 500; ++round) {
        Bag bag;
        Followed followed;
        for (int step = 0; step < 20; ++step) {
            ASSERT_TRUE(followed.add(change_some(random, bag)));
            const std::set<int> expected = occurring(bag);
            ASSERT_EQ(followed.values, expected);
            ASSERT_EQ(followed.sum, std::accumulate(expected.begin(), expected.end(), std::int64_t{0}));
        }
    }
}

// Changes may be merged before they are added: the outcome is that of one after the other.
TEST(Multiplicity, ChangesAddUp)
{
    Random random;
    for (int round = 0; round < 500; ++round) {
        Bag bag;
        Followed apart;
        Followed together;
        const Bag start = change_some(random, bag);
        ASSERT_TRUE(apart.add(start) && together.add(start));
        const Bag first = change_some(random, bag);
        const Bag second = change_some(random, bag);
        Bag merged = first;
        for (const auto &[value, by] : second)
            merged[value] += by;
        ASSERT_TRUE(apart.add(first) && apart.add(second) && together.add(merged));
        ASSERT_EQ(apart.values, together.values);
        ASSERT_EQ(apart.sum, together.sum);
        ASSERT_EQ(occurring(apart.counts), occurring(together.counts));
    }
}

// What was taken out of the empty bag is noticed, wherever it is.
TEST(Multiplicity, NoticesWhatWasNeverThere)
{
    Random random;
    Bag bag;
    Followed followed;
    ASSERT_TRUE(followed.add(change_some(random, bag)));
    const std::int64_t count = followed.counts[3];
    EXPECT_FALSE(followed.add({{3, -count - 1}}));
    EXPECT_EQ(followed.values, occurring(bag));
}

} // namespace
