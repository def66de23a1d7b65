// Reading an ExactSum: as a float, as an average, as bytes and back.
//
// All of them go through Magnitude, the one form of the number without redundancy, so neither the rounding
// nor the bytes know how the sum came about.
//
// The bytes: a varint of 4 * n + 2 * (specials present) + (negative); if n > 0, the place of the lowest byte
// on the grid and n bytes of the magnitude, the first and the last of them not zero; then, if present, the
// counts of NaN, +Inf and -Inf, not all zero. A typical sum takes about ten bytes.
#include "exact_sum.hpp"
#include "magnitude.hpp"

#include <cstring>
#include <limits>

namespace kernels {

namespace {

constexpr int limb_bytes = 4;
constexpr unsigned encoded_bytes = 68 * limb_bytes; // 2176 bits: the sum of 2^64 times the largest float64
constexpr unsigned negative_flag = 1;
constexpr unsigned special_flag = 2;
constexpr unsigned flag_bits = 2;

// Rounds to the format of a type, whose bits are as wide as `Bits`.
template <typename Float, typename Bits>
Rounded<Float> rounded(const Magnitude &magnitude, FloatFormat format) noexcept
{
    static_assert(sizeof(Float) == sizeof(Bits));
    constexpr Float infinity = std::numeric_limits<Float>::infinity();
    Bits limit = 0;
    std::memcpy(&limit, &infinity, sizeof limit);
    const std::uint64_t pattern = magnitude.round(format);
    const bool overflow = pattern >= limit;
    const Bits bits = overflow ? limit : static_cast<Bits>(pattern);
    Float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return {magnitude.negative ? -value : value, overflow};
}

// Returns what a sum with these specials present is.
template <typename Float>
Float special_value(bool nan, bool positive, bool negative) noexcept
{
    if (nan || (positive && negative))
        return std::numeric_limits<Float>::quiet_NaN();
    return positive ? std::numeric_limits<Float>::infinity() : -std::numeric_limits<Float>::infinity();
}

// Returns byte k of the digits, the least significant being 0.
unsigned char byte_of(const Magnitude &magnitude, int k) noexcept
{
    return static_cast<unsigned char>(magnitude.digits[k / limb_bytes] >> (8 * (k % limb_bytes)));
}

} // namespace

// The one rounding to float64.
Rounded<double> to_float64(const Magnitude &magnitude) noexcept
{
    return rounded<double, std::uint64_t>(magnitude, float64_format);
}

// The limbs, carried out.
Magnitude ExactSum::finite_part() const noexcept
{
    return Magnitude::of(limbs(), count_, base_ * digit_bits);
}

// A carry-save number may be zero without zero limbs, so it is carried out.
bool ExactSum::is_zero() const noexcept
{
    return !has_special() && finite_part().is_zero();
}

// Specials decide if present; else the exact sum is rounded.
Rounded<double> ExactSum::to_double() const noexcept
{
    return divided_by(1);
}

// The same for float32, from the exact sum and not by way of float64.
Rounded<float> ExactSum::to_float() const noexcept
{
    if (is_special())
        return {special_value<float>(nans_ > 0, positive_infinities_ > 0, negative_infinities_ > 0), false};
    const Magnitude magnitude = finite_part();
    return rounded<float, std::uint32_t>(magnitude, float32_format);
}

// An average that is not zero but rounds to it keeps its sign, as IEEE 754 division does.
Rounded<double> ExactSum::divided_by(std::uint64_t n) const noexcept
{
    if (is_special())
        return {special_value<double>(nans_ > 0, positive_infinities_ > 0, negative_infinities_ > 0), false};
    Magnitude magnitude = finite_part();
    if (n != 1)
        magnitude.divide(n);
    return to_float64(magnitude);
}

// Finite part first, then the counts if there are any.
void ExactSum::encode(Writer &writer) const noexcept
{
    encode_finite(writer);
    if (!has_special())
        return;
    writer.signed_varint(nans_);
    writer.signed_varint(positive_infinities_);
    writer.signed_varint(negative_infinities_);
}

// Appends the header and the magnitude without the zero bytes at its ends.
void ExactSum::encode_finite(Writer &writer) const noexcept
{
    const Magnitude magnitude = finite_part();
    int first = 0;
    int end = magnitude.count * limb_bytes;
    while (end > 0 && byte_of(magnitude, end - 1) == 0)
        --end;
    while (first < end && byte_of(magnitude, first) == 0)
        ++first;
    const unsigned flags = (magnitude.negative ? negative_flag : 0) | (has_special() ? special_flag : 0);
    writer.varint(static_cast<unsigned>(end - first) << flag_bits | flags);
    if (first == end)
        return;
    writer.varint(static_cast<unsigned>(base_ * limb_bytes + first));
    for (int k = first; k < end; ++k)
        writer.byte(byte_of(magnitude, k));
}

// Checks everything before the one allocation, then fills in the limbs byte by byte.
ExactSum ExactSum::decode(Reader &reader, Arena &arena)
{
    const std::uint64_t header =
        reader.varint_up_to(encoded_bytes << flag_bits | special_flag | negative_flag);
    const auto size = static_cast<unsigned>(header >> flag_bits);
    const bool negative = (header & negative_flag) != 0;
    const auto first = size == 0 ? 0 : static_cast<unsigned>(reader.varint_up_to(encoded_bytes - size));
    const auto bytes = reader.bytes(size);
    const bool zero_at_end = !bytes.empty() && (bytes.front() == 0 || bytes.back() == 0);
    ExactSum result;
    if ((header & special_flag) != 0) {
        result.nans_ = reader.signed_varint();
        result.positive_infinities_ = reader.signed_varint();
        result.negative_infinities_ = reader.signed_varint();
        if (!result.has_special())
            reader.fail();
    }
    if (zero_at_end || (negative && size == 0))
        reader.fail();
    if (!reader.ok())
        return {};
    if (size == 0)
        return result;

    const unsigned end = first + size;
    result.widen(static_cast<int>(first / limb_bytes), static_cast<int>((end - 1) / limb_bytes + 1), arena);
    for (unsigned place = first; place < end; ++place) {
        const std::int64_t part = std::int64_t{bytes[place - first]} << (8 * (place % limb_bytes));
        result.limbs()[place / limb_bytes - result.base_] += negative ? -part : part;
    }
    result.weight_ = 1;
    return result;
}

} // namespace kernels
