/*
 * fold.cpp - changed rows of a source become changes of groups.
 *
 * The loop over a transition table is the hottest of the extension: for each row, the filter, one projection
 * that yields all keys and inputs, one look-up of the group, one fold for each input that isn't NULL.  The
 * inputs of aggregates with DISTINCT are only counted, by value: which of them come and go is known when they
 * are applied.
 *
 * Several views that filter and group alike go through the loop together.  The first does all of that; the
 * others only evaluate their own inputs, and find the group by the number it has in the first one's table.
 * (In lockstep it has the same in theirs; that is checked, and where it isn't so they look for it.)
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

/* Fold a row of keys and inputs; its group, where there is one grouping set. */
PG_GUARDED Group *fold_projected(const Plan &plan, GroupTable *groups, const Datum *values, const bool *nulls,
                                 Sign sign)
{
    Group *group = nullptr;
    MemoryContext caller = MemoryContextSwitchTo(plan.context->ecxt_per_tuple_memory);
    if (groups->keeps_digest())
        groups->add_to_digest(static_cast<uint64>(as_number(sign)) * hash_inputs(plan, values, nulls));
    if (plan.view->sets.size == 0) {
        group = groups->find_or_add(values, nulls);
        fold_group(plan, groups, group, values, nulls, sign);
    }
    for (const model::GroupingSet &set : plan.view->sets) {
        keys_in_set(plan, set, values, nulls);
        fold_group(plan, groups, groups->find_or_add(plan.set_keys, plan.set_nulls), values, nulls, sign);
    }
    MemoryContextSwitchTo(caller);
    return group;
}

/* Fold a row of the source; its group, or NULL where the filter fails it or it has several. */
PG_GUARDED Group *fold_source_row(const Plan &plan, GroupTable *groups, TupleTableSlot *row, Sign sign)
{
    ExprContext *context = plan.context;
    ResetExprContext(context);
    context->ecxt_scantuple = row;
    if (plan.filter != nullptr && !ExecQual(plan.filter, context))
        return nullptr;
    const TupleTableSlot *folded = ExecProject(plan.inputs);
    return fold_projected(plan, groups, folded->tts_values, folded->tts_isnull, sign);
}

/* Fold a row whose keys, and a group that has them, another view has found. */
PG_GUARDED void fold_beside(const Folding &folding, TupleTableSlot *row, const TupleTableSlot *keys,
                            const Group &like, Sign sign)
{
    const Plan &plan = *folding.plan;
    ResetExprContext(plan.context);
    plan.context->ecxt_scantuple = row;
    const TupleTableSlot *folded = ExecProject(plan.own_inputs);
    MemoryContext caller = MemoryContextSwitchTo(plan.context->ecxt_per_tuple_memory);
    Group *group = folding.groups->find_or_add(keys->tts_values, keys->tts_isnull, like);
    fold_group(plan, folding.groups, group, folded->tts_values, folded->tts_isnull, sign);
    MemoryContextSwitchTo(caller);
}

/* Fold a row for all of the views. */
PG_GUARDED void fold_for_all(const model::Array<Folding> &foldings, TupleTableSlot *row, Sign sign)
{
    const Plan &first = *foldings[0].plan;
    const Group *group = fold_source_row(first, foldings[0].groups, row, sign);
    if (group == nullptr)
        return;
    for (int i = 1; i < foldings.size; ++i)
        fold_beside(foldings[i], row, first.inputs->pi_state.resultslot, *group, sign);
}

PG_GUARDED bool same_as_far_as_read(const Plan &plan, TupleTableSlot *one, TupleTableSlot *other)
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

/* Those of the views that see a difference between the row that was and the one that is; into the array. */
PG_GUARDED void find_concerned(const model::Array<Folding> &foldings, TupleTableSlot *before,
                               TupleTableSlot *after, model::Array<Folding> *concerned)
{
    concerned->size = 0;
    for (const Folding &folding : foldings)
        if (!same_as_far_as_read(*folding.plan, before, after))
            concerned->data[concerned->size++] = folding;
}

PG_GUARDED bool same_settings(const ArrayType *one, const ArrayType *other)
{
    if (one == nullptr || other == nullptr)
        return one == other;
    return VARSIZE(one) == VARSIZE(other) && memcmp(one, other, VARSIZE(one)) == 0;
}

} // namespace

PG_GUARDED bool fold_alike(const Plan &plan, const Plan &other)
{
    const model::View &view = *plan.view;
    if (plan.owner != other.owner || plan.foreign_code != other.foreign_code || view.sets.size > 0 ||
        other.view->sets.size > 0 || view.keys.size != other.view->keys.size ||
        view.may_fail != other.view->may_fail ||
        !same_settings(plan.registration.settings, other.registration.settings) ||
        !equal(view.filter, other.view->filter))
        return false;
    for (int i = 0; i < view.keys.size; ++i) {
        const KeyOperations &key = plan.layout->keys[i];
        const KeyOperations &its = other.layout->keys[i];
        if (!equal(view.keys[i].expression, other.view->keys[i].expression) || key.image != its.image ||
            key.plain != its.plain || key.hashable != its.hashable || key.collation != its.collation ||
            key.equal.fn_oid != its.equal.fn_oid || key.hash.fn_oid != its.hash.fn_oid)
            return false;
    }
    return true;
}

PG_GUARDED void fold_inputs(const Plan &plan, GroupTable *groups, const Datum *values, const bool *nulls,
                            Sign sign)
{
    fold_projected(plan, groups, values, nulls, sign);
}

PG_GUARDED void fold_row(const Plan &plan, GroupTable *groups, TupleTableSlot *row, Sign sign)
{
    fold_source_row(plan, groups, row, sign);
}

PG_GUARDED void fold_update(const model::Array<Folding> &foldings, Tuplestorestate *removed,
                            Tuplestorestate *added)
{
    TupleTableSlot *before = foldings[0].plan->source_row;
    TupleTableSlot *after = MakeSingleTupleTableSlot(before->tts_tupleDescriptor, &TTSOpsMinimalTuple);
    model::Array<Folding> concerned = {
        .data = static_cast<Folding *>(palloc(sizeof(Folding) * (foldings.size + 1))), .size = 0};
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
        if (was && is)
            find_concerned(foldings, before, after, &concerned);
        const model::Array<Folding> &folded = was && is ? concerned : foldings;
        if (was && folded.size > 0)
            fold_for_all(folded, before, Sign::Out);
        if (is && folded.size > 0)
            fold_for_all(folded, after, Sign::In);
    }
    ExecClearTuple(before);
    ExecDropSingleTupleTableSlot(after);
}

PG_GUARDED void fold_rows(const model::Array<Folding> &foldings, Tuplestorestate *rows, Sign sign)
{
    TupleTableSlot *row = foldings[0].plan->source_row;
    tuplestore_select_read_pointer(rows, 0);
    tuplestore_rescan(rows);
    while (tuplestore_gettupleslot(rows, true, false, row)) {
        CHECK_FOR_INTERRUPTS();
        fold_for_all(foldings, row, sign);
    }
    ExecClearTuple(row);
}

} // namespace delta
