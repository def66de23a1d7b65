// Where kernels get memory from.
//
// A kernel state is a plain value: trivially copyable, trivially destructible, all zero bytes being the empty
// state. What does not fit into it comes from an arena that the caller owns (in PostgreSQL a memory context,
// in the unit tests a list of blocks) and that is released as a whole; nothing is given back piece by piece.
// So a state has to outlive nothing, and needs no clean-up when an error unwinds past it.
//
// `allocate` may leave by longjmp or by an exception instead of returning. Every operation of this room that
// changes a state therefore allocates first and modifies afterwards: a state whose operation was cut short
// holds the value that it held before.
//
// Copying a state's bytes makes a second name for the same memory, not a second state: once either name is
// written, the other must not be used. The `copy` members make independent states.
#pragma once

#include <cstddef>

namespace kernels {

// A source of memory: 16-byte aligned blocks that live as long as the arena; never returns on exhaustion.
struct Arena {
    void *(*allocate)(void *self, std::size_t bytes);
    void *self;
};

// Returns uninitialised room for `count` values of a trivial type.
template <typename Value>
Value *allocate_array(Arena &arena, std::size_t count)
{
    static_assert(alignof(Value) <= 16);
    return static_cast<Value *>(arena.allocate(arena.self, count * sizeof(Value)));
}

} // namespace kernels
