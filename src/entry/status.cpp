/*
 * status.cpp - the SQL functions behind the view imat.status.
 *
 * A view of everything must not fail because of one row, which may be dropped while it is shown: where there
 * is nothing to say, the results are NULL or 0.
 */
#include "analyze/analyze.hpp"
#include "catalog/catalog.hpp"
#include "observe/observe.hpp"
#include "pg/scope.hpp"

namespace {

/* The row that a function with OUT parameters returns. */
PG_GUARDED Datum composite(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
    TupleDesc type = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &type) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(type), values, nulls));
}

/* The owner of a relation; InvalidOid where there is no such relation. */
PG_GUARDED Oid owner_of(Oid relation)
{
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(tuple))
        return InvalidOid;
    const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
    ReleaseSysCache(tuple);
    return owner;
}

/* May the caller read what errors of the table's maintenance said, which may quote data of others? */
PG_GUARDED bool may_read_errors(Oid imat)
{
    const Oid owner = owner_of(imat);
    return OidIsValid(owner) && (has_privs_of_role(GetUserId(), owner) ||
                                 has_privs_of_role(GetUserId(), pg::role_pg_read_all_stats()));
}

/* How an IMAT is maintained, and why not better. */
struct Effective {
    const char *strategy; /* or NULL */
    const char *reason;   /* or NULL */
};

/* Understand the definition.  That folds constants, and may so call functions of the owner's. */
PG_GUARDED Effective understand(Oid definition, Oid owner, model::Strategy asked)
{
    return pg::with_rights_of(owner, [=] {
        return pg::with_safe_search_path([=] {
            const analyze::Refusal *refusal = nullptr;
            model::View *view = analyze::try_understand(analyze::definition_query(definition), &refusal);
            if (view == nullptr)
                return Effective{.strategy = nullptr, .reason = refusal->message};
            const bool delta = view->strategy == model::Strategy::Delta;
            if (delta && asked == model::Strategy::Keyed && analyze::can_be_keyed(*view))
                return Effective{.strategy = "keyed", .reason = "strategy \"keyed\" was asked for"};
            return Effective{.strategy = analyze::word_for(view->strategy), .reason = view->reason};
        });
    });
}

PG_GUARDED Datum interval_of(int64 microseconds)
{
    auto *interval = static_cast<Interval *>(palloc0(sizeof(Interval)));
    interval->time = microseconds;
    return IntervalPGetDatum(interval);
}

} // namespace

/* imat.effective_strategy(imat, OUT strategy, OUT reason) */
PG_IMAT_FUNCTION(imat_effective_strategy)
{
    const Oid imat = PG_GETARG_OID(0);
    Effective effective{};
    catalog::Registration registration{};
    if (catalog::find(imat, &registration) && OidIsValid(owner_of(imat))) {
        if (registration.strategy == model::Strategy::Swap)
            effective = {.strategy = "swap", .reason = "strategy \"swap\" was asked for"};
        else
            effective = understand(registration.maintained(), owner_of(imat), registration.strategy);
    }

    auto text_of = [](const char *string) {
        return string == nullptr ? Datum{0} : CStringGetTextDatum(string);
    };
    Datum values[] = {text_of(effective.strategy), text_of(effective.reason)};
    bool nulls[] = {effective.strategy == nullptr, effective.reason == nullptr};
    return composite(fcinfo, values, nulls);
}

/* imat.counters(imat, OUT ...): see sql/60_status.sql for the columns */
PG_IMAT_FUNCTION(imat_counters)
{
    const Oid imat = PG_GETARG_OID(0);
    observe::Counters counters{};
    observe::read(imat, &counters);
    observe::Failure failure{};
    observe::read(imat, &failure);
    const bool error_shown = failure.at != 0 && may_read_errors(imat);
    Datum values[] = {
        Int64GetDatum(counters.flushes),
        Int64GetDatum(counters.groups),
        Int64GetDatum(counters.swaps_merge),
        Int64GetDatum(counters.swaps_exchange),
        interval_of(counters.microseconds),
        TimestampTzGetDatum(counters.last_maintained),
        Int64GetDatum(counters.errors),
        error_shown ? CStringGetTextDatum(unpack_sql_state(failure.sqlstate)) : Datum{0},
        error_shown ? CStringGetTextDatum(failure.message) : Datum{0},
        TimestampTzGetDatum(failure.at),
        interval_of(counters.swap_microseconds),
        interval_of((counters.group_nanoseconds + 500) / 1000),
    };
    bool nulls[lengthof(values)] = {};
    nulls[5] = counters.last_maintained == 0;
    nulls[7] = nulls[8] = !error_shown;
    nulls[9] = failure.at == 0;
    nulls[10] = counters.swap_microseconds == 0;
    nulls[11] = counters.group_nanoseconds == 0;
    return composite(fcinfo, values, nulls);
}
