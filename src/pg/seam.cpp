/*
 * seam.cpp - the only sigsetjmp of the code base.
 */
#include <csetjmp>
#include <cstring>
#include <new>

#include "pg/seam.hpp"

namespace pg {

namespace {

/* PostgreSQL's handler chain, restored however the frame is left. */
class HandlerChain {
  public:
    HandlerChain() = default;
    HandlerChain(const HandlerChain &) = delete;
    HandlerChain &operator=(const HandlerChain &) = delete;
    ~HandlerChain()
    {
        PG_exception_stack = handler_;
        error_context_stack = context_;
    }

  private:
    sigjmp_buf *handler_ = PG_exception_stack;
    ErrorContextCallback *context_ = error_context_stack;
};

} // namespace

/*
 * Between this frame and the ereport that raises there are only C frames and guarded code, none of which
 * has a destructor to run: a jump C++ allows.
 */
[[gnu::noinline]] void detail::run_guarded(void (*thunk)(void *), void *argument)
{
    HandlerChain chain;
    MemoryContext context = CurrentMemoryContext;
    sigjmp_buf landing;

    if (sigsetjmp(landing, 0) == 0) {
        PG_exception_stack = &landing;
        thunk(argument);
        return;
    }
    CurrentMemoryContext = context;
    throw Error{};
}

detail::Pending detail::describe_current_exception() noexcept
{
    auto describe = [](int sqlstate, const char *message) {
        Pending pending{.on_error_stack = false, .sqlstate = sqlstate, .message = {}};
        std::strncpy(pending.message, message, sizeof pending.message - 1);
        return pending;
    };
    try {
        throw;
    } catch (const Error &) {
        return {.on_error_stack = true, .sqlstate = 0, .message = {}};
    } catch (const std::bad_alloc &) {
        return describe(ERRCODE_OUT_OF_MEMORY, "out of memory");
    } catch (const std::exception &exception) {
        return describe(ERRCODE_INTERNAL_ERROR, exception.what());
    } catch (...) {
        return describe(ERRCODE_INTERNAL_ERROR, "unrecognized C++ exception");
    }
}

void detail::raise_pending(const Pending &pending)
{
    if (pending.on_error_stack)
        PG_RE_THROW();
    ereport(ERROR, errcode(pending.sqlstate), errmsg_internal("%s", pending.message));
    pg_unreachable();
}

PG_GUARDED void watch_errors(void (*body)(void *), void (*look)(void *, const ErrorData *), void *argument)
{
    MemoryContext caller = CurrentMemoryContext;
    PG_TRY();
    {
        body(argument);
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(caller);
        ErrorData *error = CopyErrorData();
        look(argument, error);
        FreeErrorData(error);
        PG_RE_THROW();
    }
    PG_END_TRY();
}

} // namespace pg
