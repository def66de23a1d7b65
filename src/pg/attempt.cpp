/*
 * attempt.cpp - doing something that may turn out to be impossible.
 *
 * This is what PL/pgSQL does for a block with an exception handler (exec_stmt_block; PostgreSQL, pl_exec.c).
 */
#include "pg/attempt.hpp"

namespace pg {

PG_GUARDED bool attempt(void (*body)(void *), void *argument)
{
    MemoryContext caller = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    volatile bool done = true;
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(caller);
    PG_TRY();
    {
        body(argument);
        ReleaseCurrentSubTransaction();
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(caller);
        ErrorData *error = CopyErrorData();
        if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION)
            PG_RE_THROW();
        FlushErrorState();
        FreeErrorData(error);
        RollbackAndReleaseCurrentSubTransaction();
        done = false;
    }
    PG_END_TRY();
    MemoryContextSwitchTo(caller);
    CurrentResourceOwner = owner;
    return done;
}

} // namespace pg
