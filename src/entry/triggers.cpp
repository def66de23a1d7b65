/*
 * triggers.cpp - the functions of the triggers that create_imat and imat.create make.
 *
 * A trigger function returns a null pointer; an SQL NULL would be an error.
 */
#include "catalog/catalog.hpp"
#include "flush/flush.hpp"
#include "rebuild/rebuild.hpp"

namespace {

PG_GUARDED TriggerData *trigger_data(FunctionCallInfo fcinfo, const char *function)
{
    if (!CALLED_AS_TRIGGER(fcinfo))
        ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                errmsg("function \"%s\" was not called by trigger manager", function));
    return reinterpret_cast<TriggerData *>(fcinfo->context);
}

} // namespace

/* imat.capture(): what a statement did to a source table is taken note of. */
PG_IMAT_FUNCTION(imat_capture)
{
    /* PostgreSQL looks the function up in memory that belongs to the execution of the statement. */
    flush::capture(trigger_data(fcinfo, "imat.capture"), fcinfo->flinfo->fn_mcxt);
    return PointerGetDatum(nullptr);
}

/* The row that a trigger before a change lets go on. */
PG_GUARDED static Datum go_on(const TriggerData *trigger)
{
    if (TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
        return PointerGetDatum(nullptr);
    return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
                                                                      : trigger->tg_trigtuple);
}

/*
 * imat.protect(): nobody but maintenance writes to an IMAT, nor to the state that is kept beside it.  The
 * rows that a dump has for them are skipped.  A table that was restored without the rest is a table like any
 * other.
 */
PG_IMAT_FUNCTION(imat_protect)
{
    const TriggerData *trigger = trigger_data(fcinfo, "imat.protect");
    const RelationData *table = trigger->tg_relation;
    const Oid oid = RelationGetRelid(table);
    if (!rebuild::is_kept(oid))
        return go_on(trigger);
    if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event) && rebuild::is_restoring())
        return PointerGetDatum(nullptr);
    const char *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(table)),
                                                  RelationGetRelationName(table));
    catalog::Registration registration = {};
    if (!catalog::find(oid, &registration))
        ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
                errmsg("cannot change table \"%s\"", RelationGetRelationName(table)),
                errdetail("It belongs to an incremental materialized table; maintenance alone writes to it."),
                errhint("Change the tables that the incremental materialized table reads."));
    ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
            errmsg("cannot change incremental materialized table \"%s\"", RelationGetRelationName(table)),
            errdetail("It always equals its definition; maintenance alone writes to it."),
            errhint("Change the tables that it reads, or make it an ordinary table with "
                    "SELECT imat.drop(%s, keep => 'table').",
                    quote_literal_cstr(name)));
    return PointerGetDatum(nullptr);
}

/* imat.restored(): our tables were written, which is done in SQL by none but a dump. */
PG_IMAT_FUNCTION(imat_restored)
{
    const TriggerData *trigger = trigger_data(fcinfo, "imat.restored");
    const RelationData *table = trigger->tg_relation;
    if (strcmp(get_namespace_name(RelationGetNamespace(table)), "imat") != 0)
        ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                errmsg("function \"imat.restored\" cannot be used by triggers of other tables"));
    if (TRIGGER_FIRED_BEFORE(trigger->tg_event))
        rebuild::lock_registrations();
    else
        rebuild::settle();
    return PointerGetDatum(nullptr);
}
