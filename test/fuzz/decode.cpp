// Fuzz target for the parsers of stored state. A state may come from a damaged or hostile dump, so whatever
// the bytes are, decoding them stays within them, and what is accepted is a state like any other: it has
// just this encoding, it can be read, and merged with its inverse it is nothing.
//
// The first byte of the input says how many kernels follow one another in the state, the next ones which;
// the rest are the bytes that delta::GroupRow would read.
#include "kernels/kernels.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace {

using kernels::Arena;
using kernels::Reader;
using kernels::Writer;
using Bytes = std::vector<unsigned char>;

// Each block is an allocation of its own, so that the address sanitizer sees its ends.
class FuzzArena {
  public:
    operator Arena &() { return arena_; } // NOLINT(google-explicit-constructor)

  private:
    static void *allocate(void *self, std::size_t size)
    {
        auto &blocks = static_cast<FuzzArena *>(self)->blocks_;
        blocks.push_back(std::make_unique<unsigned char[]>(size));
        return blocks.back().get();
    }

    std::vector<std::unique_ptr<unsigned char[]>> blocks_;
    Arena arena_{allocate, this};
};

void expect(bool holds)
{
    if (!holds)
        std::abort();
}

template <class State>
Bytes encoded(const State &state)
{
    Writer counter;
    state.encode(counter);
    Bytes bytes(counter.size());
    Writer writer(bytes.data(), bytes.size());
    state.encode(writer);
    expect(writer.fits());
    return bytes;
}

template <class State>
State decoded(Reader &reader, Arena &arena)
{
    if constexpr (requires { State::decode(reader, arena); })
        return State::decode(reader, arena);
    else
        return State::decode(reader);
}

template <class State>
State copied(const State &state, Arena &arena)
{
    if constexpr (requires { state.copy(arena); })
        return state.copy(arena);
    else
        return state;
}

template <class State>
void merge(State &into, const State &from, Arena &arena)
{
    if constexpr (requires { into.merge(from, arena); })
        into.merge(from, arena);
    else
        into.merge(from);
}

void read(const kernels::ExactSum &state)
{
    (void)state.to_double();
    (void)state.to_float();
    for (std::uint64_t n : {UINT64_C(1), UINT64_C(3), UINT64_MAX})
        (void)state.divided_by(n);
}

void read(const kernels::ExactProducts &state)
{
    const kernels::ExactSum nothing{};
    (void)covariance(state, nothing, nothing, 3, 2);
}

void read(const kernels::BitCounts &state)
{
    (void)state.in_all(3);
    (void)state.in_any();
    (void)state.in_odd();
}

void read(const kernels::ScaleCounts &state)
{
    (void)state.max_scale();
}
void read(const kernels::IntegerSum &state)
{
    (void)state.fits_int64();
}
void read(const kernels::IntervalSum &state)
{
    (void)state.fits_interval();
}

void read(const kernels::SquareSum &state)
{
    char text[kernels::SquareSum::text_size];
    expect(std::strlen(state.to_text(text)) > 0);
}

// Decode one state from the reader, which goes over `bytes`; whatever it was, check it.
template <class State>
void check(Reader &reader, std::span<const unsigned char> bytes)
{
    FuzzArena arena;
    const std::size_t first = bytes.size() - reader.remaining();
    State state = decoded<State>(reader, arena);
    if (!reader.ok()) {
        expect(state.is_zero());
        return;
    }
    const std::size_t end = bytes.size() - reader.remaining();
    const Bytes again = encoded(state);
    expect(again.size() == end - first && std::memcmp(again.data(), bytes.data() + first, again.size()) == 0);
    read(state);
    State inverse = copied(state, arena);
    inverse.negate();
    merge(state, inverse, arena);
    expect(state.is_zero());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    using Check = void (*)(Reader &, std::span<const unsigned char>);
    constexpr Check checks[] = {check<kernels::ExactSum>,   check<kernels::ExactProducts>,
                                check<kernels::BitCounts>,  check<kernels::ScaleCounts>,
                                check<kernels::IntegerSum>, check<kernels::IntervalSum>,
                                check<kernels::SquareSum>};
    const std::size_t kinds = size == 0 ? 0 : 1 + data[0] % 4U;
    if (kinds == 0 || size < 1 + kinds)
        return 0;
    const std::span<const unsigned char> bytes(data + 1 + kinds, size - 1 - kinds);
    Reader reader(bytes);
    for (std::size_t i = 0; i < kinds && reader.ok(); ++i)
        checks[data[1 + i] % std::size(checks)](reader, bytes);
    return 0;
}
