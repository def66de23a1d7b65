/*
 * seam.hpp - the one door between C++ and PostgreSQL.
 *
 * PostgreSQL reports an ERROR with siglongjmp, which skips destructors; C++ reports one by unwinding,
 * which PostgreSQL cannot see.  Every crossing is therefore made by one of two functions:
 *
 *   pg::call(f, args...)   C++ -> PostgreSQL.  An ERROR comes out as pg::Error.
 *   pg::entry(body)        PostgreSQL -> C++.  An exception comes out as an ERROR.
 *
 * While pg::Error unwinds, the error itself stays on PostgreSQL's error stack, so SQLSTATE, DETAIL, HINT
 * and CONTEXT arrive whole.
 *
 * Guarded code.  Most of a database extension is loops over tuples and walks over node trees, where every
 * line calls PostgreSQL.  Guarding each of those calls would cost more than the calls.  So a function may
 * be marked PG_GUARDED: it runs inside a crossing, calls PostgreSQL freely, raises errors with ereport, and
 * keeps its data in memory contexts as plain values.  The price is that neither it nor anything alive above
 * it up to the crossing owns an object with a destructor: there is nothing that a jump could skip.
 * tools/check_seam holds the code to that: guarded functions are called only from guarded functions and
 * from pg::call, and declare no variable with a non-trivial destructor.
 */
#pragma once

/* Standard headers first: c.h turns snprintf and its family into macros. */
#include <exception>
#include <type_traits>

#include "pg/postgres.hpp"

/* Marks a function as guarded code: see above. */
#ifdef __clang__
#define PG_GUARDED __attribute__((annotate("pg_guarded")))
#else
#define PG_GUARDED
#endif

namespace pg {

/* An ERROR waits on PostgreSQL's error stack.  Only entry() catches this. */
class Error final : public std::exception {
  public:
    const char *what() const noexcept override { return "a PostgreSQL error is in flight"; }
};

namespace detail {

/* What entry() keeps of an exception once the exception itself is gone. */
struct Pending {
    bool on_error_stack;
    int sqlstate;
    char message[512];
};

void run_guarded(void (*thunk)(void *), void *argument);
Pending describe_current_exception() noexcept;
[[noreturn]] void raise_pending(const Pending &pending);

} // namespace detail

/* Call PostgreSQL.  Nothing inside the call may need a destructor. */
template <class Function, class... Args>
auto call(Function function, Args... args)
{
    using Result = std::invoke_result_t<Function &, Args &...>;
    static_assert(std::is_trivially_destructible_v<Function>, "the jump would skip its destructor");
    static_assert((std::is_trivially_copyable_v<Args> && ...), "pass plain values to PostgreSQL");

    auto guarded = [](auto &&body) {
        detail::run_guarded([](void *b) { (*static_cast<std::remove_reference_t<decltype(body)> *>(b))(); },
                            &body);
    };
    if constexpr (std::is_void_v<Result>) {
        guarded([&] { function(args...); });
    } else {
        static_assert(std::is_trivially_copyable_v<Result>, "take plain values from PostgreSQL");
        Result result{};
        guarded([&] { result = function(args...); });
        return result;
    }
}

/* Be called by PostgreSQL.  When this raises, no C++ object is left alive. */
template <class Body>
auto entry(Body body) -> std::invoke_result_t<Body &>
{
    static_assert(std::is_trivially_destructible_v<Body>);
    detail::Pending pending{};
    try {
        return body();
    } catch (...) {
        pending = detail::describe_current_exception();
    }
    detail::raise_pending(pending);
}

/*
 * Run body(argument).  Where it raises an error, look(argument, error) is called before the error goes its
 * way; it must not raise another.
 */
PG_GUARDED void watch_errors(void (*body)(void *), void (*look)(void *, const ErrorData *), void *argument);

} // namespace pg

/* Define an SQL-callable function whose body is guarded code. */
#define PG_IMAT_FUNCTION(name)                                                                               \
    PG_GUARDED static Datum name##_body(FunctionCallInfo fcinfo);                                            \
    extern "C" {                                                                                             \
    extern PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                         \
    PG_FUNCTION_INFO_V1(name);                                                                               \
    Datum name(PG_FUNCTION_ARGS)                                                                             \
    {                                                                                                        \
        return pg::entry([fcinfo] { return pg::call([fcinfo] { return name##_body(fcinfo); }); });           \
    }                                                                                                        \
    }                                                                                                        \
    PG_GUARDED static Datum name##_body([[maybe_unused]] FunctionCallInfo fcinfo)
