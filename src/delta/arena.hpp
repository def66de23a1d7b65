/*
 * arena.hpp - a memory context as the kernels' source of memory.
 *
 * Pieces are cut from larger blocks and never freed one by one: a pending group costs what it needs, without
 * the chunk header that palloc puts before each piece.  All goes when the context goes.
 */
#pragma once

#include "kernels/kernels.hpp"
#include "pg/seam.hpp"

namespace delta {

class Arena {
  public:
    Arena() noexcept = default;
    explicit Arena(MemoryContext context) noexcept : context_(context) {}

    /* Room for so many bytes, 16-byte aligned, not cleared.  An ERROR when there is no memory. */
    PG_GUARDED void *allocate(std::size_t bytes)
    {
        bytes = TYPEALIGN(16, bytes);
        if (bytes > left_)
            refill(bytes);
        char *piece = next_;
        next_ += bytes;
        left_ -= bytes;
        return piece;
    }

    /* The arena as the kernels see it; valid as long as this object stays where it is. */
    kernels::Arena for_kernels() noexcept { return {allocate_for_kernel, this}; }

    MemoryContext context() const noexcept { return context_; }

    /* Bytes taken from the context so far. */
    std::size_t size() const noexcept { return size_; }

  private:
    PG_GUARDED void refill(std::size_t bytes);
    PG_GUARDED static void *allocate_for_kernel(void *self, std::size_t bytes);

    MemoryContext context_ = nullptr;
    char *next_ = nullptr;
    std::size_t left_ = 0;
    std::size_t block_ = 512;
    std::size_t size_ = 0;
};

static_assert(std::is_trivially_destructible_v<Arena>);

} // namespace delta
