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

/* Fold the inputs, which come after the keys, into a group. */
PG_GUARDED void fold_group(const Plan &plan, GroupTable *groups, Group *group, const Datum *values,
                           const bool *nulls, Sign sign)
{
    const Layout &layout = *plan.layout;
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
}

/* The keys of the row's group in one of several grouping sets. */
PG_GUARDED void keys_in_set(const Plan &plan, const model::GroupingSet &set, const Datum *values,
                            const bool *nulls)
{
    plan.set_keys[0] = Int32GetDatum(set.number);
    plan.set_nulls[0] = false;
    for (int i = 1; i < plan.layout->keys.size; ++i) {
        plan.set_keys[i] = values[i];
        plan.set_nulls[i] = nulls[i] || set.leaves_out(i);
    }
}

} // namespace

PG_GUARDED void fold_inputs(const Plan &plan, GroupTable *groups, const Datum *values, const bool *nulls,
                            Sign sign)
{
    MemoryContext caller = MemoryContextSwitchTo(plan.context->ecxt_per_tuple_memory);
    if (groups->keeps_digest())
        groups->add_to_digest(static_cast<uint64>(as_number(sign)) * hash_inputs(plan, values, nulls));
    if (plan.view->sets.size == 0)
        fold_group(plan, groups, groups->find_or_add(values, nulls), values, nulls, sign);
    for (const model::GroupingSet &set : plan.view->sets) {
        keys_in_set(plan, set, values, nulls);
        fold_group(plan, groups, groups->find_or_add(plan.set_keys, plan.set_nulls), values, nulls, sign);
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

PG_GUARDED static bool same_as_far_as_read(const Plan &plan, TupleTableSlot *one, TupleTableSlot *other)
{
    int column = -1;
    slot_getallattrs(one);
    slot_getallattrs(other);
    while ((column = bms_next_member(plan.columns_read, column)) >= 0) {
        const auto *attribute = TupleDescAttr(one->tts_tupleDescriptor, column);
        if (one->tts_isnull[column] != other->tts_isnull[column])
            return false;
        if (!one->tts_isnull[column] &&
            !pg::datum_image_eq(one->tts_values[column], other->tts_values[column], attribute->attbyval,
                                attribute->attlen))
            return false;
    }
    return true;
}

PG_GUARDED void fold_update(const Plan &plan, GroupTable *groups, Tuplestorestate *removed,
                            Tuplestorestate *added)
{
    TupleTableSlot *before = plan.source_row;
    TupleTableSlot *after = MakeSingleTupleTableSlot(before->tts_tupleDescriptor, &TTSOpsMinimalTuple);
    for (Tuplestorestate *rows : {removed, added}) {
        tuplestore_select_read_pointer(rows, 0);
        tuplestore_rescan(rows);
    }
    for (;;) {
        CHECK_FOR_INTERRUPTS();
        const bool was = tuplestore_gettupleslot(removed, true, false, before);
        const bool is = tuplestore_gettupleslot(added, true, false, after);
        if (!was && !is)
            break;
        if (was && is && same_as_far_as_read(plan, before, after))
            continue;
        if (was)
            fold_row(plan, groups, before, Sign::Out);
        if (is)
            fold_row(plan, groups, after, Sign::In);
    }
    ExecClearTuple(before);
    ExecDropSingleTupleTableSlot(after);
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
