/*
 * slots.hpp - a table of a fixed number of slots in shared memory, found by key.
 *
 * A slot is found by hashing the key and looking at a fixed number of neighbours, all of them each time, so
 * that a slot may be emptied or given to another key without leaving a trail; when all neighbours are taken,
 * the one not used for the longest time is.
 *
 * Locks.  What is in a slot is guarded by its spinlock, its key included; the key may be read without it as
 * a hint, to be checked again under it.  A slot is given to a key under `claims` too, so that no key gets
 * two.  Order: claims, then slot.  Sections under them are a few dozen instructions, call nothing and can't
 * raise.
 */
#pragma once

#include "pg/seam.hpp"

namespace observe {

template <class Content, int bits>
struct Slots {
    static constexpr int count = 1 << bits;
    static constexpr int neighbours = 16;
    static_assert(count >= neighbours && std::is_trivially_copyable_v<Content>);

    struct Slot {
        pg_atomic_uint64 key;  /* 0: free */
        pg_atomic_uint64 used; /* when last, to find the slot that is missed least */
        slock_t lock;
        Content content;
    };

    slock_t claims;
    Slot slots[count];

    PG_GUARDED void initialise()
    {
        SpinLockInit(&claims);
        for (Slot &slot : slots) {
            pg_atomic_init_u64(&slot.key, 0);
            pg_atomic_init_u64(&slot.used, 0);
            SpinLockInit(&slot.lock);
            slot.content = {};
        }
    }

    /* The slot that holds the key, locked; or NULL. */
    PG_GUARDED Slot *lock_existing(uint64 key)
    {
        for (int i = 0; i < neighbours; i++) {
            Slot *slot = neighbour(key, i);
            if (pg_atomic_read_u64(&slot->key) != key)
                continue;
            SpinLockAcquire(&slot->lock);
            if (pg_atomic_read_u64(&slot->key) == key)
                return slot;
            SpinLockRelease(&slot->lock);
        }
        return nullptr;
    }

    /* The slot that holds the key, locked; it is given one, with empty content, if it has none. */
    PG_GUARDED Slot *lock_or_claim(uint64 key)
    {
        if (Slot *slot = lock_existing(key))
            return slot;
        SpinLockAcquire(&claims);
        Slot *slot = lock_existing(key);
        if (slot == nullptr) {
            slot = neighbour(key, 0);
            for (int i = 1; i < neighbours; i++)
                if (pg_atomic_read_u64(&neighbour(key, i)->used) < pg_atomic_read_u64(&slot->used))
                    slot = neighbour(key, i);
            SpinLockAcquire(&slot->lock);
            pg_atomic_write_u64(&slot->key, key);
            slot->content = {};
        }
        SpinLockRelease(&claims);
        return slot;
    }

    /* Change what is kept for the key, which is used now. */
    template <class Change>
    PG_GUARDED void change(uint64 key, TimestampTz now, Change change)
    {
        Slot *slot = lock_or_claim(key);
        pg_atomic_write_u64(&slot->used, static_cast<uint64>(now));
        change(slot->content);
        SpinLockRelease(&slot->lock);
    }

    /* A copy of what is kept for the key; false: nothing is. */
    PG_GUARDED bool read(uint64 key, Content *content)
    {
        Slot *slot = lock_existing(key);
        if (slot == nullptr)
            return false;
        *content = slot->content;
        SpinLockRelease(&slot->lock);
        return true;
    }

    PG_GUARDED void forget(uint64 key)
    {
        Slot *slot = lock_existing(key);
        if (slot == nullptr)
            return;
        pg_atomic_write_u64(&slot->key, 0);
        pg_atomic_write_u64(&slot->used, 0);
        SpinLockRelease(&slot->lock);
    }

  private:
    /* The i-th slot that may hold the key; Fibonacci hashing spreads the keys. */
    PG_GUARDED Slot *neighbour(uint64 key, int i)
    {
        const uint64 home = (key * UINT64CONST(0x9E3779B97F4A7C15)) >> (64 - bits);
        return &slots[(home + i) % count];
    }
};

} // namespace observe
