/*
 * observe.cpp - counters in shared memory.
 *
 * Two tables of a fixed number of slots (slots.hpp) serve all databases of the server: one of counters for
 * many IMATs, one of error messages, which take more room, for a few.  They are made in the shared memory
 * that PostgreSQL leaves spare (pg/shared_memory.cpp) by the first session that counts something.
 *
 * Counting costs one uncontended spinlock a flush, and is in no one's transaction: what was counted stays
 * when the transaction is rolled back.
 */
#include "observe/observe.hpp"

#include "observe/slots.hpp"
#include "pg/shared_memory.hpp"

namespace observe {

namespace {

constexpr char table_name[] = "pg_imat counters 3"; /* another number when the layout changes */

/* From so many groups on what a flush took says what a group costs; and from so many on a rebuild may pay. */
constexpr int64 many_groups = 1000;

/* What a group costs as long as nothing is known. */
constexpr int64 assumed_nanoseconds = 10000;

struct Table {
    Slots<Counters, 9> counters;
    Slots<Failure, 5> failures;
};

static_assert(sizeof(Table) < std::size_t{64} * 1024, "more than PostgreSQL leaves spare");

/* What this session knows of the table. */
struct Attachment {
    bool tried;
    Table *table; /* NULL: none to be had */
};

constinit Attachment attachment{};

PG_GUARDED void initialise(void *place)
{
    auto *table = static_cast<Table *>(place);
    table->counters.initialise();
    table->failures.initialise();
}

PG_GUARDED uint64 key_of(Oid imat)
{
    return (static_cast<uint64>(MyDatabaseId) << 32) | imat;
}

/* Change the counters of an IMAT, if they can be had. */
template <class Change>
PG_GUARDED void count(Oid imat, TimestampTz now, Change change)
{
    if (attachment.table != nullptr)
        attachment.table->counters.change(key_of(imat), now, change);
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
    Counters counters{};
    if (groups < many_groups || !read(imat, &counters) || counters.swap_microseconds == 0)
        return false;
    const int64 each = counters.group_nanoseconds == 0 ? assumed_nanoseconds : counters.group_nanoseconds;
    return groups * each / 1000 > counters.swap_microseconds;
}

PG_GUARDED void record_error(Oid imat, int sqlstate, const char *message)
{
    if (attachment.table == nullptr)
        return;
    if (message == nullptr)
        message = "";
    const int room = static_cast<int>(sizeof Failure{}.message) - 1;
    const int length = pg_mbcliplen(message, static_cast<int>(strlen(message)), room);
    const TimestampTz now = GetCurrentTimestamp();
    count(imat, now, [](Counters &counters) { counters.errors++; });
    attachment.table->failures.change(key_of(imat), now, [=](Failure &failure) {
        failure.at = now;
        failure.sqlstate = sqlstate;
        memcpy(failure.message, message, length);
        failure.message[length] = '\0';
    });
}

PG_GUARDED bool read(Oid imat, Counters *counters)
{
    attach();
    return attachment.table != nullptr && attachment.table->counters.read(key_of(imat), counters);
}

PG_GUARDED bool read(Oid imat, Failure *failure)
{
    attach();
    return attachment.table != nullptr && attachment.table->failures.read(key_of(imat), failure);
}

PG_GUARDED void forget(Oid imat)
{
    attach();
    if (attachment.table == nullptr)
        return;
    attachment.table->counters.forget(key_of(imat));
    attachment.table->failures.forget(key_of(imat));
}

} // namespace observe
