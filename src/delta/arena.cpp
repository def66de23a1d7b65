/*
 * arena.cpp - a memory context as the kernels' source of memory: blocks that double up to a limit.
 */
#include "delta/arena.hpp"

namespace delta {

namespace {
constexpr std::size_t largest_block = std::size_t{256} * 1024;
}

/* What is left of the present block is given up: it is smaller than what was asked for. */
PG_GUARDED void Arena::refill(std::size_t bytes)
{
    const std::size_t size = Max(block_, bytes + 16);
    auto *block = static_cast<char *>(MemoryContextAllocHuge(context_, size));
    auto *start = reinterpret_cast<char *>(TYPEALIGN(16, block));
    next_ = start;
    left_ = size - static_cast<std::size_t>(start - block);
    size_ += size;
    block_ = Min(block_ * 2, largest_block);
}

PG_GUARDED void *Arena::allocate_for_kernel(void *self, std::size_t bytes)
{
    return static_cast<Arena *>(self)->allocate(bytes);
}

} // namespace delta
