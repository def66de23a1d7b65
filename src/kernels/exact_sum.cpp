// Accumulating: how values and sums go into an ExactSum. Reading and encoding are in exact_sum_read.cpp.
//
// The number held is the sum of limb[k] * 2^(32 k) over the window. A value's 53 bits, shifted to their
// place, cover three limbs and change each by less than 2^32. weight_ counts in these units: |limb| <=
// weight_ * 2^32, which stays within int64_t while weight_ < 2^31. Propagating moves the upper half of each
// limb to the next one; it leaves limbs in [0, 2^32), but for the highest, which keeps the sign, so weight_
// is then 1.
//
// The grid ends at 72 limbs. A value's highest limb is 65, and a propagation appends one only once 2^31
// values have filled the highest, so no table reaches the end.
#include "exact_sum.hpp"

#include "integers.hpp"
#include "magnitude.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace kernels {

namespace {

constexpr std::uint32_t max_weight = (1U << 31U) - 1;
constexpr std::int64_t half_limb = std::int64_t{1} << 31;
constexpr int value_limbs = 3;
constexpr unsigned exponent_mask = 0x7FF;
constexpr unsigned fraction_bits = 52;
constexpr std::uint64_t leading_bit = std::uint64_t{1} << fraction_bits;

// Adds or takes away one.
void count(std::int64_t &counter, bool inverse) noexcept
{
    counter = wrapping_add<std::int64_t>(counter, inverse ? -1 : 1);
}

} // namespace

// Adds x, or its inverse. The fast path has no call and no loop.
void ExactSum::fold(double x, bool inverse, Arena &arena)
{
    std::uint64_t bits = 0;
    std::memcpy(&bits, &x, sizeof bits);
    const auto exponent = static_cast<unsigned>(bits >> fraction_bits) & exponent_mask;
    if (exponent == exponent_mask)
        return fold_special(x, inverse);
    // Exponent fields 0 and 1 share their place; only the leading bit tells them apart.
    const std::uint64_t fraction = (bits & (leading_bit - 1)) | (exponent == 0 ? 0 : leading_bit);
    if (fraction == 0)
        return;
    const unsigned position = exponent - (exponent == 0 ? 0U : 1U);
    const int first = static_cast<int>(position / digit_bits);
    if (weight_ == max_weight)
        propagate(arena);
    if (first < base_ || first + value_limbs > end())
        widen(first, first + value_limbs, arena);

    const uint128 placed = static_cast<uint128>(fraction) << (position % digit_bits);
    const std::int64_t sign = ((bits >> 63U) != 0) != inverse ? -1 : 0; // (v ^ -1) - -1 is -v
    std::int64_t *limb = limbs() + (first - base_);
    limb[0] += (static_cast<std::int64_t>(static_cast<std::uint32_t>(placed)) ^ sign) - sign;
    limb[1] += (static_cast<std::int64_t>(static_cast<std::uint32_t>(placed >> 32U)) ^ sign) - sign;
    limb[2] += (static_cast<std::int64_t>(placed >> 64U) ^ sign) - sign;
    ++weight_;
}

// Counts a NaN or an infinity in or out.
void ExactSum::fold_special(double x, bool inverse) noexcept
{
    if (std::isnan(x))
        count(nans_, inverse);
    else
        count(x > 0 ? positive_infinities_ : negative_infinities_, inverse);
}

// Adds limb by limb, after making room for the other's window and for the sum of the weights.
void ExactSum::merge(const ExactSum &other, Arena &arena)
{
    if (static_cast<std::uint64_t>(weight_) + other.weight_ > max_weight) {
        ExactSum carried = other.copy(arena);
        carried.propagate(arena);
        propagate(arena);
        return merge(carried, arena);
    }
    if (other.count_ != 0) {
        if (other.base_ < base_ || other.end() > end())
            widen(other.base_, other.end(), arena);
        std::int64_t *target = limbs() + (other.base_ - base_);
        const std::int64_t *source = other.limbs();
        for (int k = 0; k < other.count_; ++k)
            target[k] += source[k];
    }
    weight_ += other.weight_;
    nans_ = wrapping_add(nans_, other.nans_);
    positive_infinities_ = wrapping_add(positive_infinities_, other.positive_infinities_);
    negative_infinities_ = wrapping_add(negative_infinities_, other.negative_infinities_);
}

// Changes the sign of every limb and count.
void ExactSum::negate() noexcept
{
    std::transform(limbs(), limbs() + count_, limbs(), [](std::int64_t limb) { return -limb; });
    nans_ = wrapping_subtract<std::int64_t>(0, nans_);
    positive_infinities_ = wrapping_subtract<std::int64_t>(0, positive_infinities_);
    negative_infinities_ = wrapping_subtract<std::int64_t>(0, negative_infinities_);
}

// Copies the window without the zeros at its ends, so that a sum that has shrunk needs less memory again.
ExactSum ExactSum::copy(Arena &arena) const
{
    const auto is_set = [](std::int64_t limb) { return limb != 0; };
    const std::int64_t *begin = limbs();
    const std::int64_t *end = begin + count_;
    const std::int64_t *first = std::find_if(begin, end, is_set);
    while (end != first && end[-1] == 0)
        --end;

    ExactSum result;
    result.nans_ = nans_;
    result.positive_infinities_ = positive_infinities_;
    result.negative_infinities_ = negative_infinities_;
    if (first == end)
        return result;
    const int base = base_ + static_cast<int>(first - begin);
    result.widen(base, base + static_cast<int>(end - first), arena);
    std::copy(first, end, result.limbs());
    result.weight_ = weight_;
    return result;
}

// Extends the window to hold the limbs [first, end); the only place that allocates.
void ExactSum::widen(int first, int end, Arena &arena)
{
    if (count_ != 0) {
        first = std::min<int>(first, base_);
        end = std::max(end, this->end());
    }
    const int needed = end - first;
    std::int64_t *target = limbs();
    int new_capacity = far_capacity_;
    if (needed > capacity()) {
        new_capacity = std::clamp(2 * capacity(), needed, grid_limbs);
        target = allocate_array<std::int64_t>(arena, static_cast<std::size_t>(new_capacity));
    }
    const int shift = count_ == 0 ? 0 : base_ - first;
    std::memmove(target + shift, limbs(), count_ * sizeof *target);
    std::fill(target, target + shift, 0);
    std::fill(target + shift + count_, target + needed, 0);
    if (new_capacity != far_capacity_)
        far_ = target;
    far_capacity_ = static_cast<std::uint8_t>(new_capacity);
    base_ = static_cast<std::uint8_t>(first);
    count_ = static_cast<std::uint8_t>(needed);
}

// Carries every limb but the highest down to 32 bits; appends a limb first if the highest might exceed weight
// 1.
void ExactSum::propagate(Arena &arena)
{
    if (count_ == 0)
        return;
    if (std::abs(limbs()[count_ - 1]) > half_limb && end() < grid_limbs)
        widen(base_, end() + 1, arena);
    std::int64_t *limb = limbs();
    for (int k = 0; k + 1 < count_; ++k) {
        limb[k + 1] += limb[k] >> digit_bits;
        limb[k] &= 0xFFFFFFFF;
    }
    weight_ = 1;
}

} // namespace kernels
