/*
 * shared_memory.cpp - a struct that all processes of the server share, without shared_preload_libraries.
 *
 * PostgreSQL sizes its shared memory generously: 100 kB are added for what it doesn't foresee, and the lock
 * tables start at half of what is set aside for them.  ShmemInitStruct gives out of that at any time, to any
 * process forked by the postmaster, finds by name what is there already, and what it gave lives as long as
 * the server (PostgreSQL, storage/ipc/shmem.c and ipci.c).  So a few ten kB may be had by name, or not: then
 * ShmemInitStruct raises an error, having released its own lock, and this file makes NULL of it.
 *
 * An error that is caught needs no subtransaction if nothing but memory has to be given back.  Here that is
 * so: the one lock taken is released below.
 */
#include "pg/shared_memory.hpp"

namespace pg {

PG_GUARDED void *shared_struct(const char *name, Size size, void (*initialise)(void *place))
{
    /* The postmaster itself must not: it could not be told from a request in shared_preload_libraries. */
    if (IsPostmasterEnvironment && !IsUnderPostmaster)
        return nullptr;

    MemoryContext context = CurrentMemoryContext;
    void *volatile place = nullptr;
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    const uint32 interrupts_held = InterruptHoldoffCount;
    const uint32 cancels_held = QueryCancelHoldoffCount;
    PG_TRY();
    {
        bool found = false;
        void *given = ShmemInitStruct(name, size, &found);
        if (!found)
            initialise(given);
        place = given;
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(context);
        FlushErrorState();
        /* Raising an error zeroes these, but LWLockRelease is going to count down. */
        InterruptHoldoffCount = interrupts_held;
        QueryCancelHoldoffCount = cancels_held;
    }
    PG_END_TRY();
    LWLockRelease(AddinShmemInitLock);
    return place;
}

} // namespace pg
