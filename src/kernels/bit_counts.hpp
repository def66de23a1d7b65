// How many of the values present have each bit set: what makes bit_and, bit_or, bit_xor, bool_and and bool_or
// maintainable.
//
// AND and OR forget, so they have no inverse; but they are questions about counts. Over n values a bit of the
// AND is set where the count of that bit is n, of the OR where it is not 0, of the XOR where it is odd (SQL's
// bit_and, bit_or, bit_xor: PostgreSQL, utils/adt/int.c and int8.c; every() is the SQL standard's name of
// bool_and). A boolean is a value of one bit. The number n is kept by the caller, with the group.
//
// It is a function from the bits 0..63 to counts, and such functions are a commutative group under addition
// point by point. Counts may be negative: a delta may remove what it has never seen. The counters are an
// array from bit 0 to the highest bit seen; two fit into the struct, more come from the arena.
#pragma once

#include "arena.hpp"
#include "codec.hpp"

#include <cstdint>
#include <type_traits>

namespace kernels {

inline constexpr int counted_bits = 64;

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): a union has one member to initialise, near_
class BitCounts {
  public:
    // Folds a value in.
    void add(std::uint64_t bits, Arena &arena) { adjust(bits, 1, arena); }

    // Folds a value out.
    void remove(std::uint64_t bits, Arena &arena) { adjust(bits, -1, arena); }

    // Adds the counts of another state, which may be this one.
    void merge(const BitCounts &other, Arena &arena);

    // Makes this the state that cancels what it was.
    void negate() noexcept;

    // Returns an equal state with memory of its own.
    BitCounts copy(Arena &arena) const;

    // Tells whether every count is zero.
    bool is_zero() const noexcept { return used() == 0; }

    // Returns the bits that all of n > 0 values have set.
    std::uint64_t in_all(std::int64_t n) const noexcept;

    // Returns the bits that at least one value has set.
    std::uint64_t in_any() const noexcept;

    // Returns the bits that an odd number of values have set.
    std::uint64_t in_odd() const noexcept;

    // Appends the state: equal states have equal bytes.
    void encode(Writer &writer) const noexcept;

    // Takes a state; zero if the reader failed.
    static BitCounts decode(Reader &reader, Arena &arena);

  private:
    void adjust(std::uint64_t bits, std::int64_t by, Arena &arena);
    void reserve(int needed, Arena &arena);
    int used() const noexcept;

    int capacity() const noexcept { return far_capacity_ == 0 ? 2 : far_capacity_; }
    std::int64_t *counts() noexcept { return far_capacity_ == 0 ? near_ : far_; }
    const std::int64_t *counts() const noexcept { return far_capacity_ == 0 ? near_ : far_; }

    std::int32_t size_ = 0;         // counters there are; all beyond are zero
    std::int32_t far_capacity_ = 0; // how many far_ has room for; 0: they are in near_
    union {
        std::int64_t near_[2] = {};
        std::int64_t *far_;
    };
};

static_assert(std::is_trivially_copyable_v<BitCounts> && std::is_trivially_destructible_v<BitCounts>);

} // namespace kernels
