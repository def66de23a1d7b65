// The array behind ScaleCounts: sorted by scale, no scale twice, no count zero.
//
// These three make the array a function of the multiset alone, and with it the bytes: the number of entries,
// then for each the distance of its scale from the smallest that could follow, and its count.
#include "scale_counts.hpp"

#include "integers.hpp"

#include <algorithm>

namespace kernels {

namespace {

// Orders entries by scale, for searching.
bool has_smaller_scale(const ScaleCount &entry, int scale) noexcept
{
    return entry.scale < scale;
}

} // namespace

// Changes one scale's count; the entry comes and goes with the count's being nonzero.
void ScaleCounts::adjust(int scale, std::int64_t by, Arena &arena)
{
    ScaleCount *end = entries() + size_;
    ScaleCount *found = std::lower_bound(entries(), end, scale, has_smaller_scale);
    if (found != end && found->scale == scale) {
        found->count = wrapping_add(found->count, by);
        if (found->count == 0) {
            std::copy(found + 1, end, found);
            --size_;
        }
        return;
    }
    const auto place = found - entries();
    reserve(size_ + 1, arena);
    found = entries() + place;
    end = entries() + size_;
    std::copy_backward(found, end, end + 1);
    *found = {by, scale};
    ++size_;
}

// Merges the two sorted arrays from their ends into the room behind this one's, as a merge sort would.
void ScaleCounts::merge(const ScaleCounts &other, Arena &arena)
{
    const int merged = size_ + count_missing(other);
    reserve(merged, arena);
    ScaleCount *mine = entries();
    const ScaleCount *theirs = other.entries();
    int i = size_;
    int j = other.size_;
    for (int k = merged; j > 0; --k) {
        if (i > 0 && mine[i - 1].scale == theirs[j - 1].scale) {
            mine[k - 1] = {wrapping_add(mine[i - 1].count, theirs[j - 1].count), mine[i - 1].scale};
            --i;
            --j;
        } else if (i > 0 && mine[i - 1].scale > theirs[j - 1].scale) {
            mine[k - 1] = mine[i - 1];
            --i;
        } else {
            mine[k - 1] = theirs[j - 1];
            --j;
        }
    }
    size_ = merged;
    drop_zeros();
}

// Changes the sign of every count.
void ScaleCounts::negate() noexcept
{
    for (ScaleCount *entry = entries(); entry != entries() + size_; ++entry)
        entry->count = wrapping_subtract<std::int64_t>(0, entry->count);
}

// Copies the entries into memory for just as many.
ScaleCounts ScaleCounts::copy(Arena &arena) const
{
    ScaleCounts result;
    result.reserve(size_, arena);
    std::copy(entries(), entries() + size_, result.entries());
    result.size_ = size_;
    return result;
}

// Makes room for `needed` entries; the only place that allocates.
void ScaleCounts::reserve(int needed, Arena &arena)
{
    if (needed <= capacity())
        return;
    const int wanted = size_ == 0 ? needed : std::max(needed, 2 * capacity());
    auto *room = allocate_array<ScaleCount>(arena, static_cast<std::size_t>(wanted));
    std::copy(entries(), entries() + size_, room);
    far_ = room;
    far_capacity_ = wanted;
}

// Returns how many scales of the other have no entry here.
int ScaleCounts::count_missing(const ScaleCounts &other) const noexcept
{
    const ScaleCount *mine = entries();
    const ScaleCount *end = mine + size_;
    int missing = 0;
    for (const ScaleCount *theirs = other.entries(); theirs != other.entries() + other.size_; ++theirs) {
        while (mine != end && mine->scale < theirs->scale)
            ++mine;
        if (mine == end || mine->scale != theirs->scale)
            ++missing;
    }
    return missing;
}

// Removes the entries whose counts have cancelled.
void ScaleCounts::drop_zeros() noexcept
{
    ScaleCount *end = entries() + size_;
    end = std::remove_if(entries(), end, [](const ScaleCount &entry) { return entry.count == 0; });
    size_ = static_cast<int>(end - entries());
}

// Appends the entries in order.
void ScaleCounts::encode(Writer &writer) const noexcept
{
    writer.varint(static_cast<unsigned>(size_));
    int next = 0;
    for (const ScaleCount *entry = entries(); entry != entries() + size_; ++entry) {
        writer.varint(static_cast<unsigned>(entry->scale - next));
        writer.signed_varint(entry->count);
        next = entry->scale + 1;
    }
}

// An entry takes two bytes or more, so a size is believed, and room made, only if the rest is long enough for
// it.
ScaleCounts ScaleCounts::decode(Reader &reader, Arena &arena)
{
    const int size = static_cast<int>(reader.varint_up_to(max_display_scale + 1));
    if (static_cast<std::size_t>(size) > reader.remaining() / 2)
        reader.fail();
    if (!reader.ok())
        return {};
    ScaleCounts result;
    result.reserve(size, arena);
    int next = 0;
    for (int k = 0; k < size && reader.ok(); ++k) {
        if (next > max_display_scale) {
            reader.fail();
            break;
        }
        const auto limit = static_cast<std::uint64_t>(max_display_scale - next);
        const int scale = next + static_cast<int>(reader.varint_up_to(limit));
        const std::int64_t count = reader.signed_varint();
        if (count == 0)
            reader.fail();
        result.entries()[k] = {count, scale};
        next = scale + 1;
    }
    if (!reader.ok())
        return {};
    result.size_ = size;
    return result;
}

} // namespace kernels
