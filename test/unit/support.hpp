// What the unit tests share: an arena that can be told to fail, random numbers with a printed seed, and a
// check of the laws of encoding that holds for every kernel.
#pragma once

#include "kernels/kernels.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <gtest/gtest.h>
#include <iostream>
#include <memory>
#include <new>
#include <random>
#include <span>
#include <string>
#include <vector>

// Memory for one test, released with it. After `allowed` allocations it throws, as PostgreSQL would longjmp.
// Each block is an allocation of its own, so that the address sanitizer sees its ends.
class TestArena {
  public:
    TestArena() : arena_{allocate, this} {}
    TestArena(const TestArena &) = delete;
    TestArena &operator=(const TestArena &) = delete;
    TestArena(TestArena &&) = delete;
    TestArena &operator=(TestArena &&) = delete;
    ~TestArena() = default;

    // Converts to what kernels take.
    operator kernels::Arena &() { return arena_; } // NOLINT(google-explicit-constructor)

    std::size_t allowed = SIZE_MAX;
    std::size_t allocations = 0;
    std::size_t bytes = 0;

  private:
    static void *allocate(void *self, std::size_t size)
    {
        auto &arena = *static_cast<TestArena *>(self);
        if (arena.allocations == arena.allowed)
            throw std::bad_alloc();
        arena.blocks_.push_back(std::make_unique<unsigned char[]>(size));
        ++arena.allocations;
        arena.bytes += size;
        return arena.blocks_.back().get();
    }

    kernels::Arena arena_;
    std::vector<std::unique_ptr<unsigned char[]>> blocks_;
};

// Returns the seed of this run: SEED from the environment, or a new one; printed once.
inline std::uint64_t run_seed()
{
    static const std::uint64_t seed = [] {
        const char *given = std::getenv("SEED"); // NOLINT(concurrency-mt-unsafe)
        const std::uint64_t value =
            given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
        std::cout << "SEED=" << value << '\n';
        return value;
    }();
    return seed;
}

// Random numbers: every test starts its own sequence from the seed of the run.
class Random {
  public:
    // Returns any 64 bits.
    std::uint64_t bits() { return engine_(); }

    // Returns an integer of [low, high].
    std::int64_t between(std::int64_t low, std::int64_t high)
    {
        return std::uniform_int_distribution<std::int64_t>(low, high)(engine_);
    }

    bool coin() { return (bits() & 1U) != 0; }

    // Returns an int64 of a random number of bits, so that small ones and extremes occur.
    std::int64_t integer() { return static_cast<std::int64_t>(bits()) >> between(0, 63); }

    std::mt19937_64 &engine() { return engine_; }

  private:
    std::mt19937_64 engine_{run_seed()};
};

using Bytes = std::vector<unsigned char>;

// Returns a state's encoding, and checks that the size is computed right.
template <typename State>
Bytes encoded(const State &state)
{
    kernels::Writer counter;
    state.encode(counter);
    Bytes bytes(counter.size());
    kernels::Writer writer(bytes.data(), bytes.size());
    state.encode(writer);
    EXPECT_TRUE(writer.fits());
    EXPECT_EQ(writer.size(), bytes.size());
    return bytes;
}

// Takes a state from bytes, whether or not its decode needs an arena.
template <typename State>
State decoded(kernels::Reader &reader, TestArena &arena)
{
    if constexpr (requires { State::decode(reader, arena); })
        return State::decode(reader, arena);
    else
        return State::decode(reader);
}

// Checks that decode inverts encode, and that no proper prefix of an encoding is taken for one.
template <typename State>
void expect_round_trip(const State &state)
{
    TestArena arena;
    const Bytes bytes = encoded(state);
    kernels::Reader reader(bytes);
    const auto back = decoded<State>(reader, arena);
    ASSERT_TRUE(reader.ok() && reader.at_end());
    ASSERT_EQ(encoded(back), bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const Bytes prefix(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        kernels::Reader truncated(prefix);
        EXPECT_TRUE(decoded<State>(truncated, arena).is_zero());
        ASSERT_FALSE(truncated.ok());
    }
}

// Decodes random bytes, and encodings with bytes changed: what is accepted must be canonical, and memory
// stays in proportion to the input.
template <typename State>
void expect_robust_decoding(Random &random, const std::vector<State> &seeds)
{
    for (int round = 0; round < 20000; ++round) {
        Bytes bytes(static_cast<std::size_t>(random.between(0, 40)));
        if (random.coin())
            bytes = encoded(seeds[static_cast<std::size_t>(round) % seeds.size()]);
        else
            for (auto &byte : bytes)
                byte = static_cast<unsigned char>(random.bits() & (random.coin() ? 0xFFU : 0x07U));
        for (std::int64_t changes = random.between(0, 3); changes > 0 && !bytes.empty(); --changes)
            bytes[random.bits() % bytes.size()] = static_cast<unsigned char>(random.bits());
        TestArena arena;
        kernels::Reader reader(bytes);
        const auto state = decoded<State>(reader, arena);
        ASSERT_LE(arena.bytes, 16 * bytes.size() + 600);
        if (reader.ok()) {
            const Bytes used(bytes.begin(), bytes.end() - static_cast<std::ptrdiff_t>(reader.remaining()));
            ASSERT_EQ(encoded(state), used);
        } else {
            ASSERT_TRUE(state.is_zero());
        }
    }
}
