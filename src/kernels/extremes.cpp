// The entries behind Extremes: a small array in order, read from the front and cut at the back.
//
// Most values that are folded in lie beyond the horizon of a full array, so that is asked first. The bytes
// are what is known and how far, the number of entries, and these.
#include "extremes.hpp"

#include "integers.hpp"

#include <algorithm>

namespace kernels {

namespace {

constexpr unsigned char flag_bounded = 1;
constexpr unsigned char flag_shown = 2;

} // namespace

// Two states while they are being merged.
struct Extremes::Merged {
    Entry entries[most_extremes];
    bool foreign[most_extremes]; // the value is the other state's, and has to be copied
    int size;
    bool bounded;
};

// Adjusts the entry of the value, or makes one where it belongs; beyond the horizon nothing is done.
void Extremes::add(Word value, std::int64_t times, const ValueOperations &operations, Arena &arena)
{
    unshow();
    int place = size_;
    int order = 1;
    while (place > 0) {
        order = operations.compare(operations.self, value, entries_[place - 1].value);
        if (order >= 0)
            break;
        --place;
    }
    const bool known = place > 0 && order == 0;
    if (bounded_ && place == size_ && !known)
        return;
    if (!known) {
        insert(place, value, times, operations, arena);
        return;
    }
    Entry &entry = entries_[place - 1];
    entry.count = wrapping_add(entry.count, times);
    if (entry.count == 0 && !is_horizon(place - 1))
        erase(place - 1);
}

// Makes an entry at place i. Where there is no room, the last entry goes, and is the horizon no more.
void Extremes::insert(int i, Word value, std::int64_t times, const ValueOperations &operations, Arena &arena)
{
    if (size_ == most_extremes && i == most_extremes) {
        bounded_ = true;
        return;
    }
    const bool full = size_ == most_extremes;
    if (!full)
        reserve(size_ + 1, arena);
    const Word kept =
        operations.copy(operations.self, value, full ? &entries_[most_extremes - 1].value : nullptr, arena);
    std::copy_backward(entries_ + i, entries_ + (full ? most_extremes - 1 : size_),
                       entries_ + (full ? most_extremes : size_ + 1));
    entries_[i] = {kept, times};
    size_ = static_cast<std::int16_t>(full ? most_extremes : size_ + 1);
    bounded_ = bounded_ || full;
}

// Takes an entry out.
void Extremes::erase(int i) noexcept
{
    std::copy(entries_ + i + 1, entries_ + size_, entries_ + i);
    --size_;
}

// Walks through both states in order, up to the nearer horizon or as far as there is room.
void Extremes::merge(const Extremes &other, const ValueOperations &operations, Arena &arena)
{
    if (other.is_zero())
        return;
    unshow();
    auto compare = [&](Word left, Word right) { return operations.compare(operations.self, left, right); };
    Merged merged = {};
    merged.bounded = bounded_ || other.bounded_;
    const int theirs = other.shown_ ? 0 : other.size_;
    int i = 0;
    int j = 0;
    bool known = (size_ > 0 || !bounded_) && (theirs > 0 || !other.bounded_);
    while (known && (i < size_ || j < theirs)) {
        const int order = i == size_    ? 1
                          : j == theirs ? -1
                                        : compare(entries_[i].value, other.entries_[j].value);
        const bool own = order <= 0;
        Entry entry = own ? entries_[i] : other.entries_[j];
        if (order == 0)
            entry.count = wrapping_add(entry.count, other.entries_[j].count);
        const bool last = (order <= 0 && is_horizon(i)) || (order >= 0 && other.bounded_ && j == theirs - 1);
        i += order <= 0 ? 1 : 0;
        j += order >= 0 ? 1 : 0;
        if (entry.count != 0 || last) {
            if (merged.size == most_extremes) {
                merged.bounded = true;
                break;
            }
            merged.entries[merged.size] = entry;
            merged.foreign[merged.size++] = !own;
        }
        known = !last;
    }

    reserve(merged.size, arena);
    for (int k = 0; k < merged.size; ++k)
        if (merged.foreign[k])
            merged.entries[k].value =
                operations.copy(operations.self, merged.entries[k].value, nullptr, arena);
    std::copy(merged.entries, merged.entries + merged.size, entries_);
    size_ = static_cast<std::int16_t>(merged.size);
    bounded_ = merged.bounded;
}

// The entries that are known never exceed what is there; so where they add up to it, there is nothing else.
void Extremes::settle(std::int64_t count) noexcept
{
    std::int64_t sum = 0;
    bool negative = false;
    for (int i = 0; i < size_ && !shown_; ++i) {
        sum = wrapping_add(sum, entries_[i].count);
        negative = negative || entries_[i].count < 0;
    }
    if (negative || sum != count)
        return;
    bounded_ = shown_ = false;
    if (size_ > 0 && entries_[size_ - 1].count == 0)
        --size_;
    if (count == 0)
        size_ = 0;
}

void Extremes::forget() noexcept
{
    size_ = 0;
    bounded_ = true;
    shown_ = false;
}

void Extremes::keep_first(int entries) noexcept
{
    if (entries >= size_)
        return;
    size_ = static_cast<std::int16_t>(entries);
    bounded_ = true;
}

void Extremes::bound() noexcept
{
    bounded_ = bounded_ || size_ > 0;
}

void Extremes::show(Word value, const ValueOperations &operations, Arena &arena)
{
    reserve(1, arena);
    entries_[0] = {operations.copy(operations.self, value, nullptr, arena), 1};
    size_ = 1;
    bounded_ = shown_ = true;
}

// What was shown is not known to hold after a change.
void Extremes::unshow() noexcept
{
    if (shown_)
        forget();
}

const Word *Extremes::extremum() const noexcept
{
    for (int i = 0; i < size_; ++i)
        if (entries_[i].count > 0)
            return &entries_[i].value;
    return nullptr;
}

// Makes room; the only place that allocates for entries.
void Extremes::reserve(int needed, Arena &arena)
{
    if (needed <= capacity_)
        return;
    const int wanted = needed <= 1 ? 1 : needed <= most_extremes / 2 ? most_extremes / 2 : most_extremes;
    auto *room = allocate_array<Entry>(arena, static_cast<std::size_t>(wanted));
    std::copy(entries_, entries_ + size_, room);
    entries_ = room;
    capacity_ = static_cast<std::int16_t>(wanted);
}

void Extremes::encode(Writer &writer, const ValueOperations &operations) const
{
    writer.byte(static_cast<unsigned char>((bounded_ ? flag_bounded : 0) | (shown_ ? flag_shown : 0)));
    writer.varint(static_cast<std::uint64_t>(size_));
    for (int i = 0; i < size_; ++i) {
        writer.signed_varint(entries_[i].count);
        operations.encode(operations.self, entries_[i].value, writer);
    }
}

Extremes Extremes::decode(Reader &reader, const ValueOperations &operations, Arena &arena)
{
    const unsigned char flags = reader.byte();
    const auto size = static_cast<int>(reader.varint_up_to(most_extremes));
    Extremes result;
    result.bounded_ = (flags & flag_bounded) != 0;
    result.shown_ = (flags & flag_shown) != 0;
    if (flags > (flag_bounded | flag_shown) || (result.shown_ && (!result.bounded_ || size != 1)) ||
        static_cast<std::size_t>(size) > reader.remaining())
        reader.fail();
    if (!reader.ok())
        return {};
    result.reserve(size, arena);
    for (int i = 0; i < size; ++i) {
        const std::int64_t count = reader.signed_varint();
        const bool horizon = result.bounded_ && i == size - 1;
        if ((count == 0 && !horizon) || (result.shown_ && count != 1))
            reader.fail();
        if (!reader.ok())
            return {};
        result.entries_[i] = {operations.decode(operations.self, reader, arena), count};
        result.size_ = static_cast<std::int16_t>(i + 1);
    }
    return reader.ok() ? result : Extremes{};
}

} // namespace kernels
