/*
 * attempt.cpp - doing something that may turn out to be impossible.
 *
 * This is what PL/pgSQL does for a block with an exception handler (exec_stmt_block; PostgreSQL, pl_exec.c).
 * The subtransaction is undone before any error goes on: whoever handles it next, maybe at COMMIT, takes a
 * subtransaction that he finds for one of the user's.
 */
#include "pg/attempt.hpp"

namespace pg {

namespace {

/* Is the error about others, the server or ourselves, rather than about what is computed?  That a limit is
 * exceeded may be due to either: by too deep a recursion, or by chr(0). */
PG_GUARDED bool is_from_around(const ErrorData *error)
{
    if (error->sqlerrcode == ERRCODE_STATEMENT_TOO_COMPLEX)
        return true;
    switch (ERRCODE_TO_CATEGORY(error->sqlerrcode)) {
    case ERRCODE_TRANSACTION_ROLLBACK:
    case ERRCODE_INSUFFICIENT_RESOURCES:
    case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
    case ERRCODE_OPERATOR_INTERVENTION:
    case ERRCODE_SYSTEM_ERROR:
    case ERRCODE_INTERNAL_ERROR:
        return true;
    default:
        return false;
    }
}

/* Undo the subtransaction that is under way and has failed; the error. */
PG_GUARDED ErrorData *roll_back(MemoryContext caller, ResourceOwner owner)
{
    MemoryContextSwitchTo(caller);
    ErrorData *error = CopyErrorData();
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(caller);
    CurrentResourceOwner = owner;
    return error;
}

} // namespace

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
        ErrorData *error = roll_back(caller, owner);
        if (is_from_around(error))
            ReThrowError(error);
        FreeErrorData(error);
        done = false;
    }
    PG_END_TRY();
    MemoryContextSwitchTo(caller);
    CurrentResourceOwner = owner;
    return done;
}

PG_GUARDED void undo(void (*body)(void *), void *argument)
{
    MemoryContext caller = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(caller);
    PG_TRY();
    {
        body(argument);
        RollbackAndReleaseCurrentSubTransaction();
    }
    PG_CATCH();
    {
        ReThrowError(roll_back(caller, owner));
    }
    PG_END_TRY();
    MemoryContextSwitchTo(caller);
    CurrentResourceOwner = owner;
}

} // namespace pg
