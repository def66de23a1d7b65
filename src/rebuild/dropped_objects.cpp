/*
 * dropped_objects.cpp - what a DROP command has dropped.
 *
 * Called by event trigger imat_on_sql_drop after every DROP of the database, so it must cost next to nothing
 * where no IMAT is concerned: the list of dropped objects is asked of PostgreSQL's own function, without a
 * query, and only where a relation is among them that could be part of an IMAT are the IMATs looked through.
 * Parts are: registered tables, relations in schema imat, and views (one may be an old name).
 *
 * Nothing happens while the extension itself is being dropped: then its tables are gone already.
 */
#include "rebuild/parts.hpp"
#include "rebuild/rebuild.hpp"

namespace rebuild {

namespace {

/* Columns of pg_event_trigger_dropped_objects(). */
enum DroppedColumn : int { CLASS = 1, OBJECT = 2, SUB_OBJECT = 3, TYPE = 7, SCHEMA = 8 };

/* The rows of pg_event_trigger_dropped_objects(). */
PG_GUARDED ReturnSetInfo *dropped_objects()
{
    FmgrInfo function;
    LOCAL_FCINFO(call, 0);
    auto *result = makeNode(ReturnSetInfo);
    fmgr_info(F_PG_EVENT_TRIGGER_DROPPED_OBJECTS, &function);
    result->econtext = CreateStandaloneExprContext();
    result->allowedModes = SFRM_Materialize;
    InitFunctionCallInfoData(*call, &function, 0, InvalidOid, nullptr, reinterpret_cast<Node *>(result));
    FunctionCallInvoke(call);
    return result;
}

PG_GUARDED bool text_is(TupleTableSlot *row, int column, const char *wanted)
{
    bool null;
    const Datum value = slot_getattr(row, column, &null);
    return !null && strcmp(TextDatumGetCString(value), wanted) == 0;
}

PG_GUARDED Oid oid_in(TupleTableSlot *row, int column)
{
    bool null;
    return DatumGetObjectId(slot_getattr(row, column, &null));
}

/* Could the dropped object have been part of an IMAT? */
PG_GUARDED bool concerns_us(TupleTableSlot *row)
{
    bool null;
    if (oid_in(row, CLASS) != RelationRelationId || DatumGetInt32(slot_getattr(row, SUB_OBJECT, &null)) != 0)
        return false;
    return text_is(row, SCHEMA, "imat") || text_is(row, TYPE, "view") || catalog::is_imat(oid_in(row, OBJECT));
}

/* Is the extension there, with its tables? */
PG_GUARDED bool is_installed()
{
    const Oid schema = get_namespace_oid("imat", true);
    return OidIsValid(schema) && OidIsValid(get_relname_relid("registered", schema)) &&
           OidIsValid(get_relname_relid("source", schema));
}

} // namespace

PG_GUARDED void on_sql_drop()
{
    if (!is_installed())
        return;
    bool concerned = false;
    const ReturnSetInfo *objects = dropped_objects();
    if (objects->setResult == nullptr)
        return;
    TupleTableSlot *row = MakeSingleTupleTableSlot(objects->setDesc, &TTSOpsMinimalTuple);
    while (!concerned && tuplestore_gettupleslot(objects->setResult, true, false, row))
        concerned = concerns_us(row);
    ExecDropSingleTupleTableSlot(row);
    tuplestore_end(objects->setResult);
    if (concerned)
        after_drop();
}

} // namespace rebuild
