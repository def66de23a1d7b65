// The codec: every value has one encoding, and the Reader accepts no other and stays within its bytes.
#include "support.hpp"

#include <limits>

namespace {

using kernels::int128;
using kernels::Reader;
using kernels::uint128;
using kernels::Writer;

constexpr auto largest128 = static_cast<int128>(~static_cast<uint128>(0) >> 1U);

// Returns what `write` appends to a Writer.
template <typename Write>
Bytes written(Write write)
{
    Bytes bytes(64);
    Writer writer(bytes.data(), bytes.size());
    write(writer);
    EXPECT_TRUE(writer.fits());
    bytes.resize(writer.size());
    return bytes;
}

// Expects that a read fails on the bytes, and that the reader stays failed.
template <typename Read>
void expect_rejected(const Bytes &bytes, Read read)
{
    Reader reader(bytes);
    read(reader);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.varint(), 0U);
    EXPECT_FALSE(reader.ok());
}

const auto read_varint = [](Reader &reader) { reader.varint(); };
const auto read_signed = [](Reader &reader) { reader.signed_varint(); };
const auto read_signed128 = [](Reader &reader) { reader.signed_varint128(); };

// Extremes and random values of all three integer forms come back.
TEST(Codec, IntegersRoundTrip)
{
    Random random;
    for (int round = 0; round < 20000; ++round) {
        const std::uint64_t natural = round == 0 ? UINT64_MAX : random.bits() >> random.between(0, 63);
        const std::int64_t integer = round == 0 ? INT64_MIN : round == 1 ? INT64_MAX : random.integer();
        int128 wide = (static_cast<int128>(random.integer()) << random.between(0, 64)) + random.integer();
        if (round < 2)
            wide = round == 0 ? largest128 : -largest128 - 1;
        const Bytes bytes = written([&](Writer &writer) {
            writer.varint(natural);
            writer.signed_varint(integer);
            writer.signed_varint128(wide);
        });
        Reader reader(bytes);
        ASSERT_EQ(reader.varint(), natural);
        ASSERT_EQ(reader.signed_varint(), integer);
        ASSERT_TRUE(reader.signed_varint128() == wide);
        ASSERT_TRUE(reader.ok() && reader.at_end());
    }
}

// The bytes themselves, since they are stored.
TEST(Codec, KnownBytes)
{
    EXPECT_EQ(written([](Writer &w) { w.varint(0); }), (Bytes{0}));
    EXPECT_EQ(written([](Writer &w) { w.varint(127); }), (Bytes{0x7F}));
    EXPECT_EQ(written([](Writer &w) { w.varint(300); }), (Bytes{0xAC, 0x02}));
    EXPECT_EQ(written([](Writer &w) { w.signed_varint(-1); }), (Bytes{1}));
    EXPECT_EQ(written([](Writer &w) { w.signed_varint(1); }), (Bytes{2}));
    EXPECT_EQ(written([](Writer &w) { w.signed_varint128(largest128); }).size(), 19U);
    const Bytes abc{'a', 'b', 'c'};
    EXPECT_EQ(written([&](Writer &w) { w.block(abc); }), (Bytes{3, 'a', 'b', 'c'}));
    EXPECT_EQ(written([](Writer &w) { w.boolean(true); }), (Bytes{1}));
}

// Longer forms of a value, and values beyond the type, are refused.
TEST(Codec, NonCanonicalIntegersAreRejected)
{
    expect_rejected({0x80, 0x00}, read_varint);
    expect_rejected({0xFF, 0x80, 0x00}, read_varint);
    expect_rejected({0x80}, read_varint);
    expect_rejected({}, read_varint);
    expect_rejected({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02}, read_varint);
    expect_rejected(Bytes(30, 0xFF), read_varint);
    expect_rejected(Bytes(30, 0xFF), read_signed);
    expect_rejected(Bytes(30, 0xFF), read_signed128);
    Bytes too_wide(18, 0xFF);
    too_wide.push_back(0x04);
    expect_rejected(too_wide, read_signed128);
    const Bytes beyond_int64 = written([](Writer &w) { w.signed_varint128(int128{INT64_MAX} + 1); });
    expect_rejected(beyond_int64, read_signed);
}

// Lengths are checked against the limit and the input before anything is taken.
TEST(Codec, BlocksAndBooleans)
{
    const Bytes bytes = written([](Writer &writer) {
        writer.block(Bytes{1, 2, 3});
        writer.block({});
        writer.boolean(false);
    });
    Reader reader(bytes);
    EXPECT_EQ(reader.block(3).size(), 3U);
    EXPECT_TRUE(reader.block(3).empty());
    EXPECT_FALSE(reader.boolean());
    EXPECT_TRUE(reader.ok() && reader.at_end());

    expect_rejected(bytes, [](Reader &r) { r.block(2); });
    expect_rejected({3, 1, 2}, [](Reader &r) { r.block(100); });
    expect_rejected({0xFF, 0xFF, 0xFF, 0xFF, 0x0F}, [](Reader &r) { r.block(SIZE_MAX); });
    expect_rejected({2}, [](Reader &r) { r.boolean(); });
    expect_rejected({1, 2}, [](Reader &r) { r.bytes(3); });
    expect_rejected({5}, [](Reader &r) { r.varint_up_to(4); });
}

// What follows a value is left for at_end to find.
TEST(Codec, TrailingBytesAreSeen)
{
    const Bytes bytes{1, 2};
    Reader reader(bytes);
    EXPECT_EQ(reader.varint(), 1U);
    EXPECT_TRUE(reader.ok());
    EXPECT_FALSE(reader.at_end());
    EXPECT_EQ(reader.remaining(), 1U);
}

// A Writer counts beyond its buffer, but stores nothing there.
TEST(Codec, WriterStaysWithinItsBuffer)
{
    std::vector<unsigned char> buffer(3, 0xEE);
    Writer writer(buffer.data(), 2);
    writer.varint(UINT64_MAX);
    EXPECT_EQ(writer.size(), 10U);
    EXPECT_FALSE(writer.fits());
    EXPECT_EQ(buffer[2], 0xEE);
}

} // namespace
