/*
 * blame.cpp - errors of maintenance say whose they are.
 */
#include "flush/blame.hpp"

#include "observe/observe.hpp"

namespace flush {

namespace {

/* Who is at it, for whoever asks when it fails. */
struct Blamed {
    Oid imat;
    const char *name;
};

/* A body with its argument, and whose it is. */
struct Deed {
    Blamed blamed;
    void (*body)(void *);
    void *argument;
};

PG_GUARDED void carry_out(void *argument)
{
    const auto *deed = static_cast<Deed *>(argument);
    deed->body(deed->argument);
}

PG_GUARDED void note_failure(void *argument, const ErrorData *error)
{
    observe::record_error(static_cast<Deed *>(argument)->blamed.imat, error->sqlerrcode, error->message);
}

extern "C" {
PG_GUARDED static void describe(void *argument)
{
    errcontext("maintenance of incremental materialized table \"%s\"", static_cast<Blamed *>(argument)->name);
}
}

} // namespace

PG_GUARDED void blame(Oid imat, const char *name, void (*body)(void *), void *argument)
{
    Deed deed = {.blamed = {.imat = imat, .name = name}, .body = body, .argument = argument};
    ErrorContextCallback context = {
        .previous = error_context_stack, .callback = describe, .arg = &deed.blamed};
    error_context_stack = &context;
    observe::attach();
    pg::watch_errors(carry_out, note_failure, &deed);
    error_context_stack = context.previous;
}

} // namespace flush
