// Extremes: what a state says is compared with the whole multiset, kept naively.
//
// Values are pointers to numbers in blocks of their own, so that the address sanitizer sees a value that is
// used after its memory was reused. A number is its order and, in the last digit, its look.
#include "support.hpp"

#include <map>

namespace {

using kernels::Extremes;
using kernels::Word;

std::int64_t number_of(Word value)
{
    return *reinterpret_cast<const std::int64_t *>(value); // NOLINT(performance-no-int-to-ptr)
}

Word word_of(const std::int64_t &number)
{
    return reinterpret_cast<Word>(&number);
}

int compare(const void * /*self*/, Word left, Word right)
{
    return number_of(left) < number_of(right) ? -1 : static_cast<int>(number_of(left) > number_of(right));
}

Word copy(const void * /*self*/, Word value, const Word *spare, kernels::Arena &arena)
{
    auto *room = spare != nullptr
                     ? reinterpret_cast<std::int64_t *>(*spare) // NOLINT(performance-no-int-to-ptr)
                     : kernels::allocate_array<std::int64_t>(arena, 1);
    *room = number_of(value);
    return reinterpret_cast<Word>(room);
}

void encode_value(const void * /*self*/, Word value, kernels::Writer &writer)
{
    writer.signed_varint(number_of(value));
}

Word decode_value(const void * /*self*/, kernels::Reader &reader, kernels::Arena &arena)
{
    auto *room = kernels::allocate_array<std::int64_t>(arena, 1);
    *room = reader.signed_varint();
    return reinterpret_cast<Word>(room);
}

constexpr kernels::ValueOperations operations = {compare, copy, encode_value, decode_value, nullptr};

// A state with its operations, in the form that the checks of encoding take.
struct Numbers {
    Extremes values;

    void add(std::int64_t number, std::int64_t times, TestArena &arena)
    {
        values.add(word_of(number), times, operations, arena);
    }
    void merge(const Numbers &other, TestArena &arena) { values.merge(other.values, operations, arena); }
    bool is_zero() const { return values.is_zero(); }
    void encode(kernels::Writer &writer) const { values.encode(writer, operations); }
    static Numbers decode(kernels::Reader &reader, kernels::Arena &arena)
    {
        return {Extremes::decode(reader, operations, arena)};
    }
};

// The whole multiset: no zeros.
struct Naive {
    std::map<std::int64_t, std::int64_t> counts;

    void add(std::int64_t number, std::int64_t times)
    {
        if ((counts[number] += times) == 0)
            counts.erase(number);
    }
    std::int64_t at(std::int64_t number) const
    {
        const auto found = counts.find(number);
        return found == counts.end() ? 0 : found->second;
    }
    std::int64_t count() const
    {
        std::int64_t sum = 0;
        for (const auto &[number, times] : counts)
            sum += times;
        return sum;
    }
};

// Checks everything that a state says.
void expect_true(const Numbers &state, const Naive &all)
{
    const Extremes &values = state.values;
    for (int i = 0; i < values.size(); ++i) {
        const std::int64_t number = number_of(values.value(i));
        const bool last = i == values.size() - 1;
        if (i > 0) {
            ASSERT_LT(number_of(values.value(i - 1)), number);
        }
        if (last && values.bounded()) {
            ASSERT_LE(values.count(i), all.at(number));
        } else {
            ASSERT_EQ(values.count(i), all.at(number));
            ASSERT_NE(values.count(i), 0);
        }
    }
    std::size_t within = 0;
    for (const auto &[number, times] : all.counts) {
        const bool beyond =
            values.bounded() && (values.size() == 0 || number > number_of(values.value(values.size() - 1)));
        if (beyond)
            break;
        ++within;
        bool found = false;
        for (int i = 0; i < values.size(); ++i)
            found = found || number_of(values.value(i)) == number;
        ASSERT_TRUE(found || (values.bounded() && values.size() == 0)) << number;
    }
    ASSERT_LE(within, static_cast<std::size_t>(kernels::most_extremes));
    if (!values.bounded()) {
        ASSERT_EQ(within, all.counts.size());
    }
}

// Checks a settled state of a group: the extremum, or that it may be lost.
void expect_answer(const Numbers &state, const Naive &all, bool may_be_lost)
{
    const Word *extremum = state.values.extremum();
    if (all.counts.empty()) {
        ASSERT_TRUE(state.is_zero());
    } else if (extremum == nullptr) {
        ASSERT_TRUE(may_be_lost);
    } else {
        ASSERT_EQ(number_of(*extremum), all.counts.begin()->first);
    }
}

// A state of random folds, and the same naively.
Numbers random_state(Random &random, Naive *all, TestArena &arena)
{
    Numbers state;
    const std::int64_t range = random.between(1, 30);
    for (std::int64_t steps = random.between(0, 40); steps > 0; --steps) {
        const std::int64_t number = random.between(-range, range);
        const std::int64_t times = random.coin() ? 1 : -1;
        state.add(number, times, arena);
        all->add(number, times);
    }
    if (random.between(0, 9) == 0)
        state.values.forget();
    if (random.between(0, 5) == 0)
        state.values.keep_first(static_cast<int>(random.between(0, kernels::most_extremes)));
    return state;
}

Naive sum(const Naive &a, const Naive &b)
{
    Naive result = a;
    for (const auto &[number, times] : b.counts)
        result.add(number, times);
    return result;
}

// What a state says after any folds is true, and survives storing; folding out what was folded in leaves
// nothing.
TEST(Extremes, FoldsSayWhatIsTrue)
{
    Random random;
    for (int round = 0; round < 8000; ++round) {
        TestArena arena;
        Naive all;
        const Numbers state = random_state(random, &all, arena);
        ASSERT_NO_FATAL_FAILURE(expect_true(state, all));
        if (round % 50 == 0) {
            ASSERT_NO_FATAL_FAILURE(expect_round_trip(state));
        }
        Numbers few;
        std::vector<std::int64_t> numbers;
        for (int k = 0; k < kernels::most_extremes; ++k) {
            numbers.push_back(random.between(-9, 9));
            few.add(numbers.back(), 1, arena);
        }
        std::shuffle(numbers.begin(), numbers.end(), random.engine());
        for (const std::int64_t number : numbers)
            few.add(number, -1, arena);
        ASSERT_TRUE(few.is_zero());
    }
}

// Merging is commutative; in any grouping what it says is true of the sum.
TEST(Extremes, MergesSayWhatIsTrue)
{
    Random random;
    for (int round = 0; round < 4000; ++round) {
        TestArena arena;
        Naive all[3];
        Numbers states[3];
        for (int k = 0; k < 3; ++k)
            states[k] = random_state(random, &all[k], arena);
        auto merged = [&](const Numbers &left, const Numbers &right) {
            Numbers result;
            result.merge(left, arena);
            result.merge(right, arena);
            return result;
        };
        const Numbers ab = merged(states[0], states[1]);
        ASSERT_EQ(encoded(ab), encoded(merged(states[1], states[0])));
        ASSERT_NO_FATAL_FAILURE(expect_true(ab, sum(all[0], all[1])));
        const Naive total = sum(sum(all[0], all[1]), all[2]);
        ASSERT_NO_FATAL_FAILURE(expect_true(merged(ab, states[2]), total));
        ASSERT_NO_FATAL_FAILURE(expect_true(merged(states[0], merged(states[1], states[2])), total));
        Numbers twice = merged(ab, Numbers{});
        twice.merge(twice, arena);
        ASSERT_NO_FATAL_FAILURE(expect_true(twice, sum(sum(all[0], all[1]), sum(all[0], all[1]))));
    }
}

// A group lives through transactions, each a state of its own that is merged in; it is never wrong, and lost
// only after as many different values as are kept have left since everything was known.
TEST(Extremes, GroupsAreRarelyLost)
{
    Random random;
    int answers = 0;
    int losses = 0;
    for (int round = 0; round < 2000; ++round) {
        TestArena arena;
        Naive group;
        Numbers stored;
        std::int64_t left = 0; // how many values have left since the first `most` were known
        const std::int64_t range = random.between(1, 60);
        for (int step = 0; step < 40; ++step) {
            Numbers delta;
            Naive change;
            for (std::int64_t folds = random.between(0, 6); folds > 0; --folds) {
                const bool out = !group.counts.empty() && random.between(0, 99) < 55;
                std::int64_t number = random.between(0, range);
                if (out) {
                    auto leaver = group.counts.begin();
                    std::advance(leaver, random.between(
                                             0, std::min<std::int64_t>(
                                                    3, static_cast<std::int64_t>(group.counts.size()) - 1)));
                    number = leaver->first;
                    ++left;
                }
                delta.add(number, out ? -1 : 1, arena);
                group.add(number, out ? -1 : 1);
            }
            stored.merge(delta, arena);
            stored.values.settle(group.count());
            ASSERT_NO_FATAL_FAILURE(expect_true(stored, group));
            ASSERT_NO_FATAL_FAILURE(expect_answer(stored, group, left >= kernels::most_extremes));
            if (!stored.values.bounded())
                left = 0;
            ++answers;
            if (!group.counts.empty() && stored.values.is_lost()) {
                ++losses;
                stored = Numbers{};
                for (const auto &[number, times] : group.counts)
                    stored.add(number, times, arena);
                left = 0;
                ASSERT_NO_FATAL_FAILURE(expect_answer(stored, group, false));
            }
        }
    }
    EXPECT_GT(losses, 0);
    EXPECT_LT(losses, answers / 10);
}

// A state may be made of the first rows only.
TEST(Extremes, OfTheFirstRows)
{
    Random random;
    for (int round = 0; round < 5000; ++round) {
        TestArena arena;
        Naive group;
        for (std::int64_t rows = random.between(1, 40); rows > 0; --rows)
            group.add(random.between(0, 20), 1);
        const std::int64_t limit = random.between(1, 40);
        Numbers state;
        std::int64_t read = 0;
        for (const auto &[number, times] : group.counts)
            for (std::int64_t k = 0; k < times && read < limit; ++k, ++read)
                state.add(number, 1, arena);
        if (read == limit)
            state.values.bound();
        state.values.settle(group.count());
        ASSERT_NO_FATAL_FAILURE(expect_true(state, group));
        ASSERT_NO_FATAL_FAILURE(expect_answer(state, group, false));
        while (!group.counts.empty() && !state.values.is_lost()) {
            const std::int64_t number = group.counts.begin()->first;
            state.add(number, -1, arena);
            group.add(number, -1);
            state.values.settle(group.count());
            ASSERT_NO_FATAL_FAILURE(expect_true(state, group));
            ASSERT_NO_FATAL_FAILURE(expect_answer(state, group, true));
        }
    }
}

// What is shown holds until the next change, and is stored; a group that is empty is known again.
TEST(Extremes, Shown)
{
    TestArena arena;
    Numbers state;
    const std::int64_t seven = 7;
    state.add(3, 1, arena);
    state.values.show(word_of(seven), operations, arena);
    state.values.settle(5);
    ASSERT_FALSE(state.values.is_lost());
    EXPECT_EQ(number_of(*state.values.extremum()), 7);
    ASSERT_NO_FATAL_FAILURE(expect_round_trip(state));
    Numbers kept = state;
    state.add(1, 1, arena);
    EXPECT_TRUE(state.values.is_lost());
    EXPECT_FALSE(state.is_zero());
    state.values.settle(0);
    EXPECT_TRUE(state.is_zero());
    kept.merge(Numbers{}, arena);
    EXPECT_FALSE(kept.values.is_lost());
    Numbers other;
    other.add(2, 1, arena);
    other.merge(kept, arena);
    EXPECT_TRUE(other.values.is_lost());
}

// An operation whose allocation fails leaves the state as it was.
TEST(Extremes, NoMemory)
{
    Random random;
    for (int round = 0; round < 500; ++round) {
        TestArena arena;
        Naive ignored;
        Numbers state = random_state(random, &ignored, arena);
        const Numbers other = random_state(random, &ignored, arena);
        const Bytes before = encoded(state);
        arena.allowed = arena.allocations + static_cast<std::size_t>(random.between(0, 3));
        try {
            state.merge(other, arena);
        } catch (const std::bad_alloc &) {
            ASSERT_EQ(encoded(state), before);
        }
    }
}

TEST(Extremes, HostileBytes)
{
    Random random;
    TestArena arena;
    Naive ignored;
    std::vector<Numbers> seeds(1);
    for (int k = 0; k < 5; ++k)
        seeds.push_back(random_state(random, &ignored, arena));
    expect_robust_decoding<Numbers>(random, seeds);
}

} // namespace
