/*
 * faults.cpp - the n-th call of PostgreSQL fails, or waits.  Linked into test builds only (make FAULTS=1).
 *
 * Every call that the library makes of a function of PostgreSQL that can raise an error goes through a
 * trampoline (see make_trampolines) and is counted here while faults are armed.  So each such call can
 * be made to fail in turn, and a test needs no sleep to stop a backend at a known place: it waits for an
 * advisory lock that the test holds, which can be seen in pg_locks, and where cancelling and terminating
 * take effect.
 *
 *     imat_fault_arm(n, 'error')    the n-th call from now on fails, as if there were no memory left
 *     imat_fault_arm(n, 'wait')     ... waits for advisory lock 815 before it is made
 *     imat_fault_arm(n, 'error in NAME'), 'wait in NAME': only calls of that function are counted
 *     imat_fault_fired()            what was called then; NULL: n calls were not made
 *     imat_fault_count()            how many were
 *
 * Where PostgreSQL does not expect errors nothing is counted: at the end of a transaction, in critical
 * sections, while interrupts are held off.
 */
#include <cstring>

#include "pg/postgres.hpp"

extern "C" {

bool fault_armed __attribute__((visibility("hidden"))) = false;
void fault_crossing(const char *function) __attribute__((visibility("hidden")));
}

namespace {

constexpr int64 wait_lock = 815;

bool waits;
char only_in[NAMEDATALEN];
int fail_at;
int crossings;
const char *fired;

/* In CommitSubTransaction errors are still possible, though IsTransactionState() denies it. */
bool subtransaction_commits;
SubXactCallback library_callback;

bool may_fail()
{
    return (IsTransactionState() || subtransaction_commits) && InterruptHoldoffCount == 0 &&
           CritSectionCount == 0;
}

extern "C" {

static void watch_subtransaction(SubXactEvent event, SubTransactionId own, SubTransactionId parent,
                                 void *argument)
{
    subtransaction_commits = event == SUBXACT_EVENT_COMMIT_SUB;
    library_callback(event, own, parent, argument);
    subtransaction_commits = false;
}
}

} // namespace

extern "C" {

void fault_crossing(const char *function)
{
    if (!may_fail() || (only_in[0] != '\0' && std::strcmp(only_in, function) != 0) || ++crossings != fail_at)
        return;
    fault_armed = false;
    fired = function;
    if (waits) {
        DirectFunctionCall1(pg_advisory_lock_int8, Int64GetDatum(wait_lock));
        DirectFunctionCall1(pg_advisory_unlock_int8, Int64GetDatum(wait_lock));
        return;
    }
    subtransaction_commits = false;
    ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("injected fault %d, in %s", fail_at, function));
}

void __real_RegisterSubXactCallback(SubXactCallback callback, void *argument);
void __wrap_RegisterSubXactCallback(SubXactCallback callback, void *argument)
    __attribute__((visibility("hidden")));
void __wrap_RegisterSubXactCallback(SubXactCallback callback, void *argument)
{
    library_callback = callback;
    __real_RegisterSubXactCallback(watch_subtransaction, argument);
}

PG_FUNCTION_INFO_V1(imat_fault_arm);
PG_FUNCTION_INFO_V1(imat_fault_fired);
PG_FUNCTION_INFO_V1(imat_fault_count);
PGDLLEXPORT Datum imat_fault_arm(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum imat_fault_fired(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum imat_fault_count(PG_FUNCTION_ARGS);

Datum imat_fault_arm(PG_FUNCTION_ARGS)
{
    fault_armed = false;
    const char *how = text_to_cstring(PG_GETARG_TEXT_PP(1));
    const char *where = std::strstr(how, " in ");
    waits = std::strncmp(how, "wait", 4) == 0;
    strlcpy(only_in, where == nullptr ? "" : where + 4, sizeof only_in);
    fail_at = PG_GETARG_INT32(0);
    crossings = 0;
    fired = nullptr;
    fault_armed = fail_at > 0;
    PG_RETURN_VOID();
}

Datum imat_fault_fired(PG_FUNCTION_ARGS)
{
    fault_armed = false;
    if (fired == nullptr)
        PG_RETURN_NULL();
    PG_RETURN_TEXT_P(cstring_to_text(fired));
}

Datum imat_fault_count(PG_FUNCTION_ARGS)
{
    PG_RETURN_INT32(crossings);
}
}
