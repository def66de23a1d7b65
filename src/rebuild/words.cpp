/*
 * words.cpp - the words by which users choose, and what they may not choose.
 */
#include "rebuild/rebuild.hpp"

#include "analyze/analyze.hpp"
#include "rebuild/parts.hpp"

namespace rebuild {

namespace {

/* An error for a word that means nothing. */
[[noreturn]] PG_GUARDED void reject(const char *what, const char *word, const char *hint)
{
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unrecognized %s: \"%s\"", what, word),
            errhint("%s", hint));
    pg_unreachable();
}

} // namespace

PG_GUARDED model::Maintenance maintenance_of(const char *word)
{
    if (strcmp(word, "immediate") == 0)
        return model::Maintenance::Immediate;
    if (strcmp(word, "deferred") == 0)
        ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                errmsg("maintenance \"deferred\" is not supported by this version of pg_imat"),
                errhint("Use 'immediate': the table changes in the transaction that changes its sources."));
    reject("maintenance", word, "It can be 'immediate'.");
}

PG_GUARDED model::Strategy strategy_of(const char *word)
{
    if (strcmp(word, "auto") == 0)
        return model::Strategy::Auto;
    if (strcmp(word, "delta") == 0)
        return model::Strategy::Delta;
    if (strcmp(word, "swap") == 0)
        return model::Strategy::Swap;
    if (strcmp(word, "keyed") == 0)
        return model::Strategy::Keyed;
    reject("strategy", word, "It can be 'auto', 'delta', 'keyed' or 'swap'.");
}

PG_GUARDED Keep keep_of(const char *word)
{
    if (word == nullptr)
        return Keep::Nothing;
    if (strcmp(word, "table") == 0)
        return Keep::Table;
    if (strcmp(word, "materialized view") == 0)
        return Keep::MaterializedView;
    reject("value of keep", word, "It can be NULL, 'table' or 'materialized view'.");
}

PG_GUARDED model::Strategy choose(model::Strategy asked, const model::View &view)
{
    const char *word = analyze::word_for(asked);
    const bool possible = asked == model::Strategy::Delta   ? view.strategy == model::Strategy::Delta
                          : asked == model::Strategy::Keyed ? analyze::can_be_keyed(view)
                                                            : true;
    if (!possible)
        ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                errmsg("this query cannot be maintained by strategy \"%s\"", word),
                view.reason == nullptr ? errdetail("It has to be maintained by delta.")
                                       : errdetail("It would have to be maintained by %s: %s.",
                                                   analyze::word_for(view.strategy), view.reason),
                errhint("Use 'auto' or 'swap'; imat.explain_query says what prevents %s.", word));
    if (asked == model::Strategy::Keyed)
        return asked;
    return asked == model::Strategy::Swap ? model::Strategy::Swap : view.strategy;
}

} // namespace rebuild
