/*
 * observe.cpp - counters in shared memory.
 *
 * One table of a fixed number of slots serves all databases of the server; it is made in the shared memory
 * that PostgreSQL leaves spare (pg/shared_memory.cpp) by the first session that counts something.  A slot is
 * found by hashing the Oids of database and IMAT and looking at a fixed number of neighbours, all of them
 * each time, so that a slot may be emptied or given to another IMAT without leaving a trail; when all
 * neighbours are taken, the one not used for the longest time is.
 *
 * Locks.  What is in a slot is guarded by its spinlock, its key included; the key may be read without it as
 * a hint, to be checked again under it.  A slot is given to an IMAT under Table::claims too, so that no
 * IMAT gets two.  Order: claims, then slot.  Sections under them are a few dozen instructions, call nothing
 * and can't raise.  So counting costs one uncontended spinlock a flush, and is in no one's transaction:
 * what was counted stays when the transaction is rolled back.
 */
#include "observe/observe.hpp"

#include "pg/shared_memory.hpp"

namespace observe {

namespace {

constexpr int slot_bits = 7;
constexpr int slot_count = 1 << slot_bits;
constexpr int neighbour_count = 16;
constexpr char table_name[] = "pg_imat counters 2"; /* another number when the layout changes */

/* From so many groups on what a flush took says what a group costs; and from so many on a rebuild may pay. */
constexpr int64 many_groups = 1000;

/* What a group costs as long as nothing is known. */
constexpr int64 assumed_nanoseconds = 10000;

struct Slot {
    pg_atomic_uint64 key;  /* 0: free */
    pg_atomic_uint64 used; /* when last, to find the slot that is missed least */
    slock_t lock;
    Counters counters;
};

struct Table {
    slock_t claims;
    Slot slots[slot_count];
};

/* What this session knows of the table. */
struct Attachment {
    bool tried;
    Table *table; /* NULL: none to be had */
};

constinit Attachment attachment{};

PG_GUARDED void initialise(void *place)
{
    auto *table = static_cast<Table *>(place);
    SpinLockInit(&table->claims);
    for (Slot &slot : table->slots) {
        pg_atomic_init_u64(&slot.key, 0);
        pg_atomic_init_u64(&slot.used, 0);
        SpinLockInit(&slot.lock);
        slot.counters = {};
    }
}

PG_GUARDED uint64 key_of(Oid imat)
{
    return (static_cast<uint64>(MyDatabaseId) << 32) | imat;
}

/* The i-th slot that may hold the key; Fibonacci hashing spreads the keys. */
PG_GUARDED Slot *neighbour(Table *table, uint64 key, int i)
{
    const uint64 home = (key * UINT64CONST(0x9E3779B97F4A7C15)) >> (64 - slot_bits);
    return &table->slots[(home + i) % slot_count];
}

/* The slot that holds the key, locked; or NULL. */
PG_GUARDED Slot *lock_existing(Table *table, uint64 key)
{
    for (int i = 0; i < neighbour_count; i++) {
        Slot *slot = neighbour(table, key, i);
        if (pg_atomic_read_u64(&slot->key) != key)
            continue;
        SpinLockAcquire(&slot->lock);
        if (pg_atomic_read_u64(&slot->key) == key)
            return slot;
        SpinLockRelease(&slot->lock);
    }
    return nullptr;
}

/* The slot that holds the key, locked; it is given one if it has none. */
PG_GUARDED Slot *lock_or_claim(Table *table, uint64 key)
{
    if (Slot *slot = lock_existing(table, key))
        return slot;
    SpinLockAcquire(&table->claims);
    Slot *slot = lock_existing(table, key);
    if (slot == nullptr) {
        slot = neighbour(table, key, 0);
        for (int i = 1; i < neighbour_count; i++)
            if (pg_atomic_read_u64(&neighbour(table, key, i)->used) < pg_atomic_read_u64(&slot->used))
                slot = neighbour(table, key, i);
        SpinLockAcquire(&slot->lock);
        pg_atomic_write_u64(&slot->key, key);
        slot->counters = {};
    }
    SpinLockRelease(&table->claims);
    return slot;
}

/* Change the counters of an IMAT, if they can be had. */
template <class Change>
PG_GUARDED void count(Oid imat, TimestampTz now, Change change)
{
    if (attachment.table == nullptr)
        return;
    Slot *slot = lock_or_claim(attachment.table, key_of(imat));
    pg_atomic_write_u64(&slot->used, static_cast<uint64>(now));
    change(slot->counters);
    SpinLockRelease(&slot->lock);
}

/* A mean in which what came last counts most. */
int64 smoothed(int64 mean, int64 latest) noexcept
{
    return mean == 0 ? latest : (3 * mean + latest) / 4;
}

} // namespace

PG_GUARDED void attach()
{
    if (attachment.tried)
        return;
    attachment.tried = true;
    attachment.table = static_cast<Table *>(pg::shared_struct(table_name, sizeof(Table), initialise));
}

PG_GUARDED void record_flush(Oid imat, int64 groups, int64 microseconds)
{
    attach();
    const TimestampTz now = GetCurrentTimestamp();
    count(imat, now, [=](Counters &counters) {
        counters.flushes++;
        counters.groups += groups;
        counters.microseconds += microseconds;
        counters.last_maintained = now;
        if (groups >= many_groups)
            counters.group_nanoseconds = smoothed(counters.group_nanoseconds, microseconds * 1000 / groups);
    });
}

PG_GUARDED void record_swap(Oid imat, bool exchanged, int64 microseconds)
{
    attach();
    const TimestampTz now = GetCurrentTimestamp();
    count(imat, now, [=](Counters &counters) {
        (exchanged ? counters.swaps_exchange : counters.swaps_merge)++;
        counters.microseconds += microseconds;
        counters.last_maintained = now;
        counters.swap_microseconds = smoothed(counters.swap_microseconds, microseconds);
    });
}

PG_GUARDED void record_fill(Oid imat, int64 microseconds)
{
    attach();
    count(imat, GetCurrentTimestamp(),
          [=](Counters &counters) { counters.swap_microseconds = microseconds; });
}

PG_GUARDED bool is_rebuild_cheaper(Oid imat, int64 groups)
{
    Counters counters;
    if (groups < many_groups || !read(imat, &counters) || counters.swap_microseconds == 0)
        return false;
    const int64 each = counters.group_nanoseconds == 0 ? assumed_nanoseconds : counters.group_nanoseconds;
    return groups * each / 1000 > counters.swap_microseconds;
}

PG_GUARDED void record_error(Oid imat, int sqlstate, const char *message)
{
    if (message == nullptr)
        message = "";
    const int room = static_cast<int>(sizeof Counters{}.last_error) - 1;
    const int length = pg_mbcliplen(message, static_cast<int>(strlen(message)), room);
    const TimestampTz now = GetCurrentTimestamp();
    count(imat, now, [=](Counters &counters) {
        counters.errors++;
        counters.last_error_at = now;
        counters.last_error_sqlstate = sqlstate;
        memcpy(counters.last_error, message, length);
        counters.last_error[length] = '\0';
    });
}

PG_GUARDED bool read(Oid imat, Counters *counters)
{
    attach();
    Slot *slot = attachment.table == nullptr ? nullptr : lock_existing(attachment.table, key_of(imat));
    if (slot == nullptr)
        return false;
    *counters = slot->counters;
    SpinLockRelease(&slot->lock);
    return true;
}

PG_GUARDED void forget(Oid imat)
{
    attach();
    Slot *slot = attachment.table == nullptr ? nullptr : lock_existing(attachment.table, key_of(imat));
    if (slot == nullptr)
        return;
    pg_atomic_write_u64(&slot->key, 0);
    pg_atomic_write_u64(&slot->used, 0);
    SpinLockRelease(&slot->lock);
}

} // namespace observe
