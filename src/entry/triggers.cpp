/*
 * triggers.cpp - the functions of the triggers that create_imat and imat.create make.
 *
 * A trigger function returns a null pointer; an SQL NULL would be an error.
 */
#include "catalog/catalog.hpp"
#include "flush/flush.hpp"

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

/* imat.protect(): nobody but maintenance writes to an IMAT, nor to the state that is kept beside it. */
PG_IMAT_FUNCTION(imat_protect)
{
    const RelationData *table = trigger_data(fcinfo, "imat.protect")->tg_relation;
    const char *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(table)),
                                                  RelationGetRelationName(table));
    catalog::Registration registration = {};
    if (!catalog::find(RelationGetRelid(table), &registration))
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
