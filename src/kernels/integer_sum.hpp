// The exact sum of 64-bit (and narrower) integers.
//
// PostgreSQL adds bigint values in numeric or in 128 bits; 128 bits hold the sum of any table's bigints. The
// average needs this sum and the group's row count, which is kept elsewhere. A commutative group under
// `merge`: zero is the empty state, and folding a value out is the inverse of folding it in. No memory beyond
// the struct.
#pragma once

#include "codec.hpp"
#include "integers.hpp"

#include <cstdint>
#include <type_traits>

namespace kernels {

struct IntegerSum {
    int128 sum = 0;

    // Folds a value in.
    void add(std::int64_t value) noexcept { sum = wrapping_add<int128>(sum, value); }

    // Folds a value out.
    void subtract(std::int64_t value) noexcept { sum = wrapping_subtract<int128>(sum, value); }

    // Adds another sum.
    void merge(const IntegerSum &other) noexcept { sum = wrapping_add(sum, other.sum); }

    // Makes this the sum that cancels what it was.
    void negate() noexcept { sum = wrapping_subtract<int128>(0, sum); }

    bool is_zero() const noexcept { return sum == 0; }
    bool fits_int64() const noexcept { return kernels::fits<std::int64_t>(sum); }

    // Appends the state.
    void encode(Writer &writer) const noexcept { writer.signed_varint128(sum); }

    // Takes a state; zero if the reader failed.
    static IntegerSum decode(Reader &reader) noexcept { return {.sum = reader.signed_varint128()}; }
};

static_assert(std::is_trivially_copyable_v<IntegerSum> && std::is_trivially_destructible_v<IntegerSum>);

} // namespace kernels
