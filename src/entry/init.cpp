/*
 * init.cpp - what happens when the library is loaded: settings, callbacks, hooks.
 *
 * The library is loaded by the first trigger of ours that fires in a session, or the first function that is
 * called; shared_preload_libraries is not needed.  A session that loads it late has nothing pending before
 * that.
 */
#include "catalog/catalog.hpp"
#include "delta/delta.hpp"
#include "flush/flush.hpp"
#include "rebuild/rebuild.hpp"

extern "C" {
PG_MODULE_MAGIC;
extern PGDLLEXPORT void _PG_init(void);
}

namespace {

constexpr int default_pending_memory = 64 * 1024; /* kB */
constexpr int least_pending_memory = 64;

const config_enum_entry flush_moments[] = {
    {"commit", static_cast<int>(catalog::FlushAt::Commit), false},
    {"statement", static_cast<int>(catalog::FlushAt::Statement), false},
    {nullptr, 0, false},
};

PG_GUARDED void define_settings()
{
    DefineCustomEnumVariable(
        "pg_imat.flush", "When changes are applied to incremental materialized tables.",
        "commit: once, as the last thing that a transaction does, or before it reads such a "
        "table. statement: after each statement.",
        &catalog::session.flush_at, static_cast<int>(catalog::FlushAt::Commit), flush_moments, PGC_USERSET, 0,
        nullptr, nullptr, nullptr);
    DefineCustomIntVariable("pg_imat.pending_memory",
                            "How much memory the pending changes of a transaction may take.",
                            "Beyond it they are applied before the transaction commits.",
                            &catalog::session.pending_memory, default_pending_memory, least_pending_memory,
                            MAX_KILOBYTES, PGC_USERSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
    DefineCustomBoolVariable(
        "pg_imat.trust_foreign_keys", "Whether rows can be relied on to reference only rows that are there.",
        "Then rows that are added to a referenced table are not joined with the tables that "
        "reference it.  Right if nobody has written rows while foreign keys were not checked.",
        &catalog::session.trust_foreign_keys, false, PGC_SUSET, 0, nullptr, nullptr, nullptr);
    pg::mark_settings_reserved("pg_imat");
}

PG_GUARDED void rebuild_for_flush(Oid imat, Snapshot snapshot, bool may_exchange)
{
    rebuild::rebuild(imat, snapshot, may_exchange);
}

PG_GUARDED void let_in_long_keys_for_flush(Oid imat)
{
    rebuild::let_in_long_keys(imat);
}

} // namespace

void _PG_init(void)
{
    pg::entry([] {
        pg::call([] {
            define_settings();
            delta::watch_for_changes();
            flush::watch_transactions();
            flush::watch_statements();
            flush::rebuild_with(rebuild_for_flush, let_in_long_keys_for_flush);
        });
    });
}
