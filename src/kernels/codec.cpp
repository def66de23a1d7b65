// Varints, both ways. One pair of templates serves 64 and 128 bits; what makes an encoding the only one of
// its value is checked in read_varint: no bits beyond the type, and no empty last byte.
#include "codec.hpp"

namespace kernels {

namespace {

constexpr unsigned payload_bits = 7;
constexpr unsigned char payload_mask = 0x7F;
constexpr unsigned char continuation = 0x80;

// Appends the shortest LEB128 form of an unsigned integer.
template <typename Unsigned>
void write_varint(Writer &writer, Unsigned value) noexcept
{
    while (value > payload_mask) {
        writer.byte(static_cast<unsigned char>(static_cast<unsigned char>(value) | continuation));
        value >>= payload_bits;
    }
    writer.byte(static_cast<unsigned char>(value));
}

// Takes an unsigned integer; fails the reader if it is too large for the type or not in its shortest form.
template <typename Unsigned>
Unsigned read_varint(Reader &reader) noexcept
{
    constexpr unsigned width = 8 * sizeof(Unsigned);
    Unsigned value = 0;
    for (unsigned shift = 0; shift < width; shift += payload_bits) {
        const unsigned char next = reader.byte();
        const unsigned payload = next & payload_mask;
        const bool last = (next & continuation) == 0;
        const bool too_large = width - shift < payload_bits && (payload >> (width - shift)) != 0;
        const bool overlong = last && payload == 0 && shift != 0;
        if (too_large || overlong)
            break;
        value |= static_cast<Unsigned>(payload) << shift;
        if (last)
            return reader.ok() ? value : 0;
    }
    reader.fail();
    return 0;
}

} // namespace

// Appends an unsigned integer.
void Writer::varint(std::uint64_t value) noexcept
{
    write_varint(*this, value);
}

// Appends a signed integer; an int64 has the same bytes as the int128 of its value.
void Writer::signed_varint128(int128 value) noexcept
{
    const uint128 sign = value < 0 ? ~static_cast<uint128>(0) : 0;
    write_varint(*this, (static_cast<uint128>(value) << 1U) ^ sign);
}

// Appends bytes as they are.
void Writer::bytes(std::span<const unsigned char> values) noexcept
{
    for (const unsigned char value : values)
        byte(value);
}

// Appends bytes preceded by their number.
void Writer::block(std::span<const unsigned char> values) noexcept
{
    varint(values.size());
    bytes(values);
}

// Takes one byte.
unsigned char Reader::byte() noexcept
{
    if (rest_.empty()) {
        fail();
        return 0;
    }
    const unsigned char value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
}

// Takes a bool; anything but 0 and 1 fails.
bool Reader::boolean() noexcept
{
    const unsigned char value = byte();
    if (value > 1)
        fail();
    return value == 1;
}

// Takes an unsigned integer.
std::uint64_t Reader::varint() noexcept
{
    return read_varint<std::uint64_t>(*this);
}

// Takes an unsigned integer that has to be at most `limit`.
std::uint64_t Reader::varint_up_to(std::uint64_t limit) noexcept
{
    const std::uint64_t value = varint();
    if (value <= limit)
        return value;
    fail();
    return 0;
}

// Takes a signed integer that has to fit 64 bits.
std::int64_t Reader::signed_varint() noexcept
{
    const int128 value = signed_varint128();
    if (kernels::fits<std::int64_t>(value))
        return static_cast<std::int64_t>(value);
    fail();
    return 0;
}

// Takes a signed integer.
int128 Reader::signed_varint128() noexcept
{
    const auto value = read_varint<uint128>(*this);
    const uint128 sign = (value & 1U) != 0 ? ~static_cast<uint128>(0) : 0;
    return static_cast<int128>((value >> 1U) ^ sign);
}

// Takes `count` bytes as they are, a view into the input.
std::span<const unsigned char> Reader::bytes(std::size_t count) noexcept
{
    if (count > rest_.size()) {
        fail();
        return {};
    }
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
}

// Takes bytes preceded by their number, which has to be at most `max_size`; a view into the input.
std::span<const unsigned char> Reader::block(std::size_t max_size) noexcept
{
    return bytes(static_cast<std::size_t>(varint_up_to(max_size)));
}

} // namespace kernels
