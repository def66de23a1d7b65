// The bytes of a stored state: what every kernel's encode and decode are made of.
//
// Unsigned integers are LEB128 varints (seven bits a byte, least significant first); signed ones are zigzag
// mapped first (0, -1, 1, -2, ... become 0, 1, 2, 3, ...), so small magnitudes are short. Every value has
// exactly one encoding: the Writer makes the shortest, the Reader rejects any other. Since kernels also
// choose one form a value, equal states are equal byte strings, and can be compared, hashed and deduplicated
// as such.
//
// The Reader distrusts its input, which may come from a damaged or hostile dump. It never looks outside of
// its bytes; the first thing wrong makes it fail for good, after which every read gives zero or nothing. A
// decoder so reads straight through and asks ok() before it believes a length; its caller asks ok() and
// at_end() once.
//
// Neither owns memory: the buffers are the caller's and must outlive them.
#pragma once

#include "integers.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace kernels {

// Appends values to a buffer, like snprintf: what does not fit is not stored but counted, so that a Writer
// without a buffer computes the size of the encoding.
class Writer {
  public:
    Writer() noexcept = default;
    Writer(unsigned char *buffer, std::size_t capacity) noexcept : buffer_(buffer), capacity_(capacity) {}

    // Appends one byte.
    void byte(unsigned char value) noexcept
    {
        if (size_ < capacity_)
            buffer_[size_] = value;
        ++size_;
    }

    void boolean(bool value) noexcept { byte(value ? 1 : 0); }
    void varint(std::uint64_t value) noexcept;
    void signed_varint(std::int64_t value) noexcept { signed_varint128(value); }
    void signed_varint128(int128 value) noexcept;
    void bytes(std::span<const unsigned char> values) noexcept; // as they are: the reader must know how many
    void block(std::span<const unsigned char> values) noexcept; // preceded by their number

    // Returns the size of everything written so far, stored or not.
    std::size_t size() const noexcept { return size_; }

    // Tells whether the buffer holds everything written so far.
    bool fits() const noexcept { return size_ <= capacity_; }

  private:
    unsigned char *buffer_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
};

// Takes values from a byte string in the order in which a Writer appended them.
class Reader {
  public:
    explicit Reader(std::span<const unsigned char> bytes) noexcept : rest_(bytes) {}

    unsigned char byte() noexcept;
    bool boolean() noexcept;
    std::uint64_t varint() noexcept;
    std::uint64_t varint_up_to(std::uint64_t limit) noexcept; // fails on a larger value
    std::int64_t signed_varint() noexcept;
    int128 signed_varint128() noexcept;
    std::span<const unsigned char> bytes(std::size_t count) noexcept;
    std::span<const unsigned char> block(std::size_t max_size) noexcept; // fails on a longer one

    // Declares the input invalid, for what only the kernel can judge.
    void fail() noexcept
    {
        ok_ = false;
        rest_ = {};
    }

    bool ok() const noexcept { return ok_; }
    bool at_end() const noexcept { return rest_.empty(); }
    std::size_t remaining() const noexcept { return rest_.size(); }

  private:
    std::span<const unsigned char> rest_;
    bool ok_ = true;
};

} // namespace kernels
