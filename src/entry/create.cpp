/*
 * create.cpp - create_imat, imat.create, imat.alter, imat.drop, imat.refresh, and the event triggers.
 *
 * What this transaction has pending is applied first, so that nothing is left over for an IMAT that changes
 * or goes.
 */
#include "flush/flush.hpp"
#include "rebuild/rebuild.hpp"

namespace {

/* A text argument as a C string; NULL where it is NULL. */
PG_GUARDED const char *optional_text(FunctionCallInfo fcinfo, int number)
{
    return PG_ARGISNULL(number) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(number));
}

/* An argument that must not be NULL. */
PG_GUARDED void require_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
    if (PG_ARGISNULL(number))
        ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name));
}

PG_GUARDED const char *required_text(FunctionCallInfo fcinfo, int number, const char *name)
{
    require_argument(fcinfo, number, name);
    return optional_text(fcinfo, number);
}

PG_GUARDED Oid required_imat(FunctionCallInfo fcinfo)
{
    require_argument(fcinfo, 0, "imat");
    return PG_GETARG_OID(0);
}

PG_GUARDED void require_event_trigger(FunctionCallInfo fcinfo)
{
    if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
        ereport(ERROR, errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
                errmsg("the function was not called by the event trigger manager"));
}

/* A function that writes begins: it may, nothing is pending, and what was is visible. */
PG_GUARDED void begin_writing(const char *function)
{
    PreventCommandIfReadOnly(function);
    flush::flush_now();
    CommandCounterIncrement();
}

} // namespace

/* create_imat(mv_name text, target_schema text) */
PG_IMAT_FUNCTION(imat_create_imat)
{
    begin_writing("create_imat()");
    PG_RETURN_OID(rebuild::convert(required_text(fcinfo, 0, "mv_name"), optional_text(fcinfo, 1)));
}

/* imat.create(name text, query text, maintenance text, strategy text) */
PG_IMAT_FUNCTION(imat_create)
{
    begin_writing("imat.create()");
    PG_RETURN_OID(rebuild::create(required_text(fcinfo, 0, "name"), required_text(fcinfo, 1, "query"),
                                  required_text(fcinfo, 2, "maintenance"),
                                  required_text(fcinfo, 3, "strategy")));
}

/* imat.alter(imat regclass, maintenance text, strategy text) */
PG_IMAT_FUNCTION(imat_alter)
{
    begin_writing("imat.alter()");
    rebuild::alter(required_imat(fcinfo), optional_text(fcinfo, 1), optional_text(fcinfo, 2));
    PG_RETURN_VOID();
}

/* imat.drop(imat regclass, keep text) */
PG_IMAT_FUNCTION(imat_drop)
{
    begin_writing("imat.drop()");
    rebuild::drop(required_imat(fcinfo), rebuild::keep_of(optional_text(fcinfo, 1)));
    PG_RETURN_VOID();
}

/* imat.refresh(imat regclass) */
PG_IMAT_FUNCTION(imat_refresh)
{
    begin_writing("imat.refresh()");
    rebuild::refresh(required_imat(fcinfo));
    PG_RETURN_VOID();
}

/* imat.on_sql_drop(), for event trigger imat_on_sql_drop */
PG_IMAT_FUNCTION(imat_on_sql_drop)
{
    require_event_trigger(fcinfo);
    rebuild::on_sql_drop(reinterpret_cast<EventTriggerData *>(fcinfo->context)->parsetree);
    PG_RETURN_VOID();
}

/* imat.before_ddl(), for event trigger imat_before_ddl */
PG_IMAT_FUNCTION(imat_before_ddl)
{
    require_event_trigger(fcinfo);
    rebuild::before_ddl(reinterpret_cast<EventTriggerData *>(fcinfo->context)->parsetree);
    PG_RETURN_VOID();
}

/* imat.on_ddl(), for event trigger imat_on_ddl */
PG_IMAT_FUNCTION(imat_on_ddl)
{
    require_event_trigger(fcinfo);
    rebuild::on_ddl();
    PG_RETURN_VOID();
}
