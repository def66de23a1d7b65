/*
 * fold.cpp - changed rows of a source become changes of groups.
 *
 * The loop over a transition table is the hottest of the extension: for each row, the filter, one projection
 * that yields all keys and inputs, one look-up of the group, one fold for each input that isn't NULL.  The
 * inputs of aggregates with DISTINCT are only counted, by value: which of them come and go is known when they
 * are applied.
 */
#include "delta/fold.hpp"

namespace delta {

namespace {

/* A hash of how the keys and inputs of a row look. */
PG_GUARDED uint64 hash_inputs(const Plan &plan, const Datum *values, const bool *nulls)
{
    uint64 hash = 0;
    for (int i = 0; i < plan.input_type->natts; ++i) {
        const auto *column = TupleDescAttr(plan.input_type, i);
        Datum value = nulls[i] ? 0 : values[i];
        const bool flat = nulls[i] || column->attbyval;
        if (!flat && column->attlen == -1)
            value = PointerGetDatum(PG_DETOAST_DATUM(value));
        const char *bytes = flat ? reinterpret_cast<const char *>(&value) : DatumGetPointer(value);
        const Size size = flat ? sizeof(Datum) : datumGetSize(value, false, column->attlen);
        hash = hash_combine64(hash + (nulls[i] ? 1 : 0), pg::hash_of_bytes(bytes, static_cast<int>(size)));
    }
    return hash;
}

} // namespace

PG_GUARDED void fold_inputs(const Plan &plan, GroupTable *groups, const Datum *values, const bool *nulls,
                            Sign sign)
{
    const Layout &layout = *plan.layout;
    MemoryContext caller = MemoryContextSwitchTo(plan.context->ecxt_per_tuple_memory);
    if (groups->keeps_digest())
        groups->add_to_digest(static_cast<uint64>(as_number(sign)) * hash_inputs(plan, values, nulls));
    Group *group = groups->find_or_add(values, nulls);
    static_cast<CountState *>(group->accumulator(layout, 0))->count += as_number(sign);
    for (int i = 1; i < layout.accumulators.size; ++i) {
        const int column = layout.keys.size + i - 1;
        if (!nulls[column] && layout.accumulators[i].distinct == 0)
            fold(layout.accumulators[i].kind, group->accumulator(layout, i),
                 layout.accumulators[i].input_type, values[column], sign, groups->arena());
    }
    const model::Array<model::Distinct> &distincts = plan.view->distincts;
    for (int i = 0; i < distincts.size; ++i) {
        const int column = layout.keys.size + distincts[i].accumulator - 1;
        if (!nulls[column])
            groups->count_value(i, *group, values[column], as_number(sign));
    }
    MemoryContextSwitchTo(caller);
}

PG_GUARDED void fold_row(const Plan &plan, GroupTable *groups, TupleTableSlot *row, Sign sign)
{
    ExprContext *context = plan.context;
    ResetExprContext(context);
    context->ecxt_scantuple = row;
    if (plan.filter != nullptr && !ExecQual(plan.filter, context))
        return;
    const TupleTableSlot *folded = ExecProject(plan.inputs);
    fold_inputs(plan, groups, folded->tts_values, folded->tts_isnull, sign);
}

PG_GUARDED void fold_rows(const Plan &plan, GroupTable *groups, Tuplestorestate *rows, Sign sign)
{
    tuplestore_select_read_pointer(rows, 0);
    tuplestore_rescan(rows);
    while (tuplestore_gettupleslot(rows, true, false, plan.source_row)) {
        CHECK_FOR_INTERRUPTS();
        fold_row(plan, groups, plan.source_row, sign);
    }
    ExecClearTuple(plan.source_row);
}

} // namespace delta
