// The array behind BitCounts: one counter for each bit up to the highest seen.
//
// The bytes are the number of counters up to the last that is not zero, and these; so they are a function of
// the counts alone, whatever bits were seen and cancelled.
#include "bit_counts.hpp"

#include "integers.hpp"

#include <algorithm>
#include <bit>

namespace kernels {

namespace {

// Returns the bits whose counts satisfy a condition.
template <typename Condition>
std::uint64_t bits_where(const std::int64_t *counts, int size, Condition holds) noexcept
{
    std::uint64_t result = 0;
    for (int bit = 0; bit < size; ++bit)
        if (holds(counts[bit]))
            result |= std::uint64_t{1} << bit;
    return result;
}

} // namespace

// Changes the counts of the bits that are set.
void BitCounts::adjust(std::uint64_t bits, std::int64_t by, Arena &arena)
{
    reserve(counted_bits - std::countl_zero(bits), arena);
    for (std::int64_t *all = counts(); bits != 0; bits &= bits - 1) {
        std::int64_t &count = all[std::countr_zero(bits)];
        count = wrapping_add(count, by);
    }
}

// Adds counter by counter.
void BitCounts::merge(const BitCounts &other, Arena &arena)
{
    reserve(other.used(), arena);
    for (int bit = other.used() - 1; bit >= 0; --bit)
        counts()[bit] = wrapping_add(counts()[bit], other.counts()[bit]);
}

// Changes the sign of every count.
void BitCounts::negate() noexcept
{
    for (int bit = 0; bit < size_; ++bit)
        counts()[bit] = wrapping_subtract<std::int64_t>(0, counts()[bit]);
}

// Copies the counters that are in use.
BitCounts BitCounts::copy(Arena &arena) const
{
    BitCounts result;
    result.merge(*this, arena);
    return result;
}

// A count of n for every bit in question; those beyond the array are zero, which n is not.
std::uint64_t BitCounts::in_all(std::int64_t n) const noexcept
{
    return bits_where(counts(), size_, [n](std::int64_t count) { return count == n; });
}

// A count other than zero.
std::uint64_t BitCounts::in_any() const noexcept
{
    return bits_where(counts(), size_, [](std::int64_t count) { return count != 0; });
}

// An odd count.
std::uint64_t BitCounts::in_odd() const noexcept
{
    return bits_where(counts(), size_, [](std::int64_t count) { return count % 2 != 0; });
}

// Makes counters, zero, for the first `needed` bits; the only place that allocates.
void BitCounts::reserve(int needed, Arena &arena)
{
    if (needed <= size_)
        return;
    if (needed > capacity()) {
        const int wanted = std::clamp(2 * capacity(), needed, counted_bits);
        auto *room = allocate_array<std::int64_t>(arena, static_cast<std::size_t>(wanted));
        std::copy(counts(), counts() + size_, room);
        far_ = room;
        far_capacity_ = wanted;
    }
    std::fill(counts() + size_, counts() + needed, 0);
    size_ = needed;
}

// Returns how many counters there are up to the last that is not zero.
int BitCounts::used() const noexcept
{
    int end = size_;
    while (end > 0 && counts()[end - 1] == 0)
        --end;
    return end;
}

// Appends the counters in order.
void BitCounts::encode(Writer &writer) const noexcept
{
    const int end = used();
    writer.varint(static_cast<unsigned>(end));
    for (int bit = 0; bit < end; ++bit)
        writer.signed_varint(counts()[bit]);
}

// A counter takes a byte or more, so a size is believed, and room made, only if the rest is long enough.
BitCounts BitCounts::decode(Reader &reader, Arena &arena)
{
    const int size = static_cast<int>(reader.varint_up_to(counted_bits));
    if (static_cast<std::size_t>(size) > reader.remaining())
        reader.fail();
    if (!reader.ok())
        return {};
    BitCounts result;
    result.reserve(size, arena);
    for (int bit = 0; bit < size; ++bit)
        result.counts()[bit] = reader.signed_varint();
    if (result.used() != size)
        reader.fail();
    return reader.ok() ? result : BitCounts{};
}

} // namespace kernels
