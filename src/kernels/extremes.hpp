// The first few values of a multiset in some order, and how often each is there: what makes min and max
// maintainable.
//
// The whole multiset would answer every question, but is as large as the data. What is kept is its beginning:
// a multiset that is known up to a horizon, the last entry. Let M be a function from values to counts, which
// may be negative where a delta removes what it has never seen. The state says of M
//
//   bounded   before the last entry, M is what the entries say, and 0 for every value that has none; at the
//             last entry, M is at least what it says; of what comes after it, nothing is known;
//   else      M is what the entries say, and 0 for every other value.
//
// Adding two such functions point by point keeps that: up to the nearer of the two horizons everything is
// known of both. So folds and merges may come in any order and grouping, and whatever a state says is true;
// what may differ is how far it sees, since entries beyond the first `most_extremes` are forgotten.
// Forgetting more is always allowed. (A horizon is a frontier as in differential dataflow; the multiset is a
// Z-set.)
//
// Where M is the whole contents of a group, and so has no negative counts, the first value with a positive
// count is the extremum. Where there is none although the group is not empty, so many values have left that
// the extremum is lost, and has to be looked for among the rows. settle() finds out what follows from the
// number of values, which the caller keeps: none are left, or all are among the entries; then the horizon
// goes.
//
// Values are words that mean something to the caller only, who orders, copies and stores them. No two that
// look different may be equal in that order, so that what is shown is a value that is really there. As for
// all kernels, zero bytes are the empty state, and memory comes from the arena.
#pragma once

#include "arena.hpp"
#include "codec.hpp"

#include <cstdint>
#include <type_traits>

namespace kernels {

using Word = std::uintptr_t;

// What a caller does with values.
struct ValueOperations {
    // Negative, zero or positive: comes the left one before, is it the same as, or after the right one?
    int (*compare)(const void *self, Word left, Word right);
    // Returns a value that lives as long as the arena; may use the memory of a spare one (nullptr: there is
    // none), which will not be needed any more. Allocates before it overwrites.
    Word (*copy)(const void *self, Word value, const Word *spare, Arena &arena);
    void (*encode)(const void *self, Word value, Writer &writer);
    Word (*decode)(const void *self, Reader &reader, Arena &arena);
    const void *self;
};

// How many values are kept. More make it rarer that the extremum is lost, and every change dearer.
inline constexpr int most_extremes = 8;

class Extremes {
  public:
    // Folds a value in or out so many times (negative: out).
    void add(Word value, std::int64_t times, const ValueOperations &operations, Arena &arena);

    // Adds another state, which may be this one.
    void merge(const Extremes &other, const ValueOperations &operations, Arena &arena);

    // Draws the conclusions from the fact that the multiset is all of a group and has so many values.
    void settle(std::int64_t count) noexcept;

    // Forgets everything.
    void forget() noexcept;

    // Forgets everything behind the first so many entries.
    void keep_first(int entries) noexcept;

    // Of a state that was made of the first values of a multiset only: there may be more, from the last entry
    // on.
    void bound() noexcept;

    // Forgets everything, but for one thing: until the next change, this is the extremum.
    void show(Word value, const ValueOperations &operations, Arena &arena);

    // Is it known that the counts are zero, all of them?
    bool is_zero() const noexcept { return size_ == 0 && !bounded_; }

    // Of a group that is not empty, settled: is the extremum unknown?
    bool is_lost() const noexcept { return extremum() == nullptr; }

    // Of such a group, the extremum; nullptr where it is lost.
    const Word *extremum() const noexcept;

    int size() const noexcept { return size_; }
    Word value(int i) const noexcept { return entries_[i].value; }
    std::int64_t count(int i) const noexcept { return entries_[i].count; }
    bool bounded() const noexcept { return bounded_; }

    // Appends the state.
    void encode(Writer &writer, const ValueOperations &operations) const;

    // Takes a state; zero if the reader failed. The order of the values is not looked at.
    static Extremes decode(Reader &reader, const ValueOperations &operations, Arena &arena);

  private:
    // A value and how often it is there: not 0, unless it is the horizon.
    struct Entry {
        Word value;
        std::int64_t count;
    };
    struct Merged;

    void reserve(int needed, Arena &arena);
    void unshow() noexcept;
    bool is_horizon(int i) const noexcept { return bounded_ && i == size_ - 1; }
    void erase(int i) noexcept;
    void insert(int i, Word value, std::int64_t times, const ValueOperations &operations, Arena &arena);

    Entry *entries_ = nullptr; // in order
    std::int16_t size_ = 0;
    std::int16_t capacity_ = 0;
    bool bounded_ = false;
    bool shown_ = false; // bounded, and the one entry is what show() was told
};

static_assert(std::is_trivially_copyable_v<Extremes> && std::is_trivially_destructible_v<Extremes>);

} // namespace kernels
