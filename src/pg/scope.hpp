/*
 * scope.hpp - doing something with another's rights, or other settings, for the length of a function.
 *
 * Guarded code has no destructors, so a scope here is a function that takes its body.  When the body raises
 * an error the restoration is skipped, and done by the abort of the (sub)transaction, which restores the
 * user, the security context and every setting of the nest levels opened in it.
 */
#pragma once

#include "pg/seam.hpp"

namespace pg {

/*
 * Run body as role, in a security-restricted operation: it can't change the role back, create temporary
 * objects or leave anything behind in the session (as REFRESH MATERIALIZED VIEW; PostgreSQL, matview.c).
 */
template <class Body>
PG_GUARDED auto with_rights_of(Oid role, Body body)
{
    Oid caller = InvalidOid;
    int context = 0;
    GetUserIdAndSecContext(&caller, &context);
    SetUserIdAndSecContext(role, context | SECURITY_RESTRICTED_OPERATION);
    if constexpr (std::is_void_v<std::invoke_result_t<Body &>>) {
        body();
        SetUserIdAndSecContext(caller, context);
    } else {
        auto result = body();
        SetUserIdAndSecContext(caller, context);
        return result;
    }
}

/*
 * Run body with a search_path on which only pg_catalog is found, with row-level security as it is for
 * everybody (pg_dump turns it off for the session that restores), and with whatever else it sets undone
 * after.
 */
template <class Body>
PG_GUARDED auto with_safe_search_path(Body body)
{
    const int level = NewGUCNestLevel();
    set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
                      0, false);
    if (!row_security)
        set_config_option("row_security", "on", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
    if constexpr (std::is_void_v<std::invoke_result_t<Body &>>) {
        body();
        AtEOXact_GUC(false, level);
    } else {
        auto result = body();
        AtEOXact_GUC(false, level);
        return result;
    }
}

} // namespace pg
