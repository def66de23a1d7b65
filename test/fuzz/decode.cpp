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

template <class State, class... Operations>
Bytes encoded(const State &state, const Operations &...operations)
{
    Writer counter;
    state.encode(counter, operations...);
    Bytes bytes(counter.size());
    Writer writer(bytes.data(), bytes.size());
    state.encode(writer, operations...);
    expect(writer.fits());
    return bytes;
}

void expect_same(const Bytes &again, std::span<const unsigned char> bytes)
{
    expect(again.size() == bytes.size() &&
           (again.empty() || std::memcmp(again.data(), bytes.data(), again.size()) == 0));
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
    expect_same(encoded(state), bytes.subspan(first, end - first));
    read(state);
    State inverse = copied(state, arena);
    inverse.negate();
    merge(state, inverse, arena);
    expect(state.is_zero());
}

// Extremes of numbers, which are the words themselves.
constexpr kernels::ValueOperations number_operations = {
    [](const void * /*self*/, kernels::Word left, kernels::Word right) {
        return left < right ? -1 : static_cast<int>(left > right);
    },
    [](const void * /*self*/, kernels::Word value, const kernels::Word * /*spare*/, Arena & /*arena*/) {
        return value;
    },
    [](const void * /*self*/, kernels::Word value, Writer &writer) { writer.varint(value); },
    [](const void * /*self*/, Reader &reader, Arena & /*arena*/) -> kernels::Word { return reader.varint(); },
    nullptr};

// There is no inverse of a state that does not know everything; but it can be used. (The values may come in
// any order: what a state says is then wrong, but no more than that.)
void check_extremes(Reader &reader, std::span<const unsigned char> bytes)
{
    FuzzArena arena;
    const std::size_t first = bytes.size() - reader.remaining();
    kernels::Extremes state = kernels::Extremes::decode(reader, number_operations, arena);
    if (!reader.ok()) {
        expect(state.is_zero());
        return;
    }
    const std::size_t end = bytes.size() - reader.remaining();
    expect_same(encoded(state, number_operations), bytes.subspan(first, end - first));
    const std::int64_t count = state.size() == 0 ? 3 : state.count(0);
    kernels::Extremes other;
    for (kernels::Word value : {3, 1, 4, 15, 9, 2, 6, 5, 35, 8})
        other.add(value, 2, number_operations, arena);
    other.merge(state, number_operations, arena);
    state.merge(state, number_operations, arena);
    state.settle(count);
    (void)state.is_lost();
    state.keep_first(1);
    state.show(7, number_operations, arena);
    expect(*state.extremum() == 7);
    state.forget();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    using Check = void (*)(Reader &, std::span<const unsigned char>);
    constexpr Check checks[] = {check<kernels::ExactSum>,   check<kernels::ExactProducts>,
                                check<kernels::BitCounts>,  check<kernels::ScaleCounts>,
                                check<kernels::IntegerSum>, check<kernels::IntervalSum>,
                                check<kernels::SquareSum>,  check_extremes};
    const std::size_t kinds = size == 0 ? 0 : 1 + data[0] % 4U;
    if (kinds == 0 || size < 1 + kinds)
        return 0;
    const std::span<const unsigned char> bytes(data + 1 + kinds, size - 1 - kinds);
    Reader reader(bytes);
    for (std::size_t i = 0; i < kinds && reader.ok(); ++i)
        checks[data[1 + i] % std::size(checks)](reader, bytes);
    return 0;
}
