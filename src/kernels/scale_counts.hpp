// Which display scales (digits after the point) the numeric values present have, and how often.
//
// The value of a sum of numerics is exact in any order, but how it is shown is not a matter of the value:
// PostgreSQL shows as many digits as the largest display scale among the values added, 1.50 + 2 = 3.50. When
// the last value of the largest scale leaves, the sum has to show fewer; so the scales are kept as a
// multiset.
//
// It is a function from scales to counts with finitely many nonzero values, held as an array of the nonzero
// ones in order of scale. Such functions are a commutative group under addition point by point. Counts may be
// negative: a delta may remove a scale that it has never seen added. Most columns have one or two scales, for
// which there is room in the struct; more come from the arena.
#pragma once

#include "arena.hpp"
#include "codec.hpp"

#include <cstdint>
#include <type_traits>

namespace kernels {

inline constexpr int max_display_scale = 16383;

// A scale and how many values have it.
struct ScaleCount {
    std::int64_t count;
    std::int32_t scale;
};

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): a union has one member to initialise, near_
class ScaleCounts {
  public:
    // Folds a value of this scale in.
    void add(int scale, Arena &arena) { adjust(scale, 1, arena); }

    // Folds a value of this scale out.
    void remove(int scale, Arena &arena) { adjust(scale, -1, arena); }

    // Adds the counts of another multiset, which may be this one.
    void merge(const ScaleCounts &other, Arena &arena);

    // Makes this the multiset that cancels what it was.
    void negate() noexcept;

    // Returns an equal multiset with memory of its own.
    ScaleCounts copy(Arena &arena) const;

    // Tells whether no scale has a count.
    bool is_zero() const noexcept { return size_ == 0; }

    // Returns the largest scale that has a count, or -1 if none has.
    int max_scale() const noexcept { return size_ == 0 ? -1 : entries()[size_ - 1].scale; }

    // Appends the state: equal multisets have equal bytes.
    void encode(Writer &writer) const noexcept;

    // Takes a state; empty if the reader failed.
    static ScaleCounts decode(Reader &reader, Arena &arena);

  private:
    void adjust(int scale, std::int64_t by, Arena &arena);
    void reserve(int needed, Arena &arena);
    int count_missing(const ScaleCounts &other) const noexcept;
    void drop_zeros() noexcept;

    int capacity() const noexcept { return far_capacity_ == 0 ? 2 : far_capacity_; }
    ScaleCount *entries() noexcept { return far_capacity_ == 0 ? near_ : far_; }
    const ScaleCount *entries() const noexcept { return far_capacity_ == 0 ? near_ : far_; }

    std::int32_t size_ = 0;
    std::int32_t far_capacity_ = 0; // how many entries far_ has room for; 0: they are in near_
    union {
        ScaleCount near_[2] = {};
        ScaleCount *far_;
    };
};

static_assert(std::is_trivially_copyable_v<ScaleCounts> && std::is_trivially_destructible_v<ScaleCounts>);

} // namespace kernels
