/*
 * group_row.cpp - one group as it is stored: read it, add a change, show it again.
 *
 * The bytes of a state row are a format number and the accumulators in their order.  They may come from a
 * dump that somebody edited, so reading them trusts nothing.
 */
#include "delta/group_row.hpp"

namespace delta {

namespace {

constexpr unsigned char state_format = 1;

PG_GUARDED std::span<const unsigned char> bytes_of(Datum datum)
{
    const bytea *bytes = DatumGetByteaPP(datum);
    return {reinterpret_cast<const unsigned char *>(VARDATA_ANY(bytes)), VARSIZE_ANY_EXHDR(bytes)};
}

/* The integer that a sum shows.  Those of bigint are numeric, and may have more than 64 bits. */
PG_GUARDED kernels::int128 integer_of(Oid type, Datum value)
{
    if (type != NUMERICOID)
        return DatumGetInt64(value);
    const char *digits = DatumGetCString(DirectFunctionCall1(numeric_out, value));
    const bool negative = *digits == '-';
    kernels::int128 result = 0;
    for (digits += negative ? 1 : 0; *digits >= '0' && *digits <= '9'; ++digits)
        result = result * 10 + (*digits - '0');
    return negative ? -result : result;
}

} // namespace

PG_GUARDED GroupRow *GroupRow::create(const Plan *plan, MemoryContext parent)
{
    MemoryContext memory = AllocSetContextCreate(parent, "pg_imat group row", ALLOCSET_SMALL_SIZES);
    auto *row = static_cast<GroupRow *>(MemoryContextAllocZero(memory, sizeof(GroupRow)));
    row->memory_ = memory;
    row->scratch_ = AllocSetContextCreate(memory, "pg_imat group", ALLOCSET_SMALL_SIZES);
    row->plan_ = plan;
    row->clear();
    return row;
}

PG_GUARDED void GroupRow::clear()
{
    MemoryContextReset(scratch_);
    arena_ = Arena(scratch_);
    group_ = static_cast<Group *>(arena_.allocate(plan_->layout->size));
    memset(static_cast<void *>(group_), 0, plan_->layout->size);
    prepare_accumulators(*plan_->layout, *group_);
}

/* What a column shows is what the accumulator holds: room analyze has made sure that nothing else is needed.
 */
PG_GUARDED void GroupRow::read_visible(TupleTableSlot *row)
{
    const model::Array<model::Accumulator> &accumulators = plan_->layout->accumulators;
    slot_getallattrs(row);
    auto shown = [&](model::Column column, bool *null) {
        *null = row->tts_isnull[column - 1];
        return row->tts_values[column - 1];
    };
    bool null;
    const int64 rows = DatumGetInt64(shown(accumulators[0].count_column, &null));
    for (int i = 0; i < accumulators.size; ++i) {
        const model::Accumulator &accumulator = accumulators[i];
        void *state = group_->accumulator(*plan_->layout, i);
        auto *count = static_cast<int64 *>(state); /* the first member of every state */
        *count = accumulator.count_column == 0 ? rows : DatumGetInt64(shown(accumulator.count_column, &null));
        if (accumulator.sum_column == 0)
            continue;
        const Datum sum = shown(accumulator.sum_column, &null);
        if (null)
            continue;
        const Oid type = TupleDescAttr(row->tts_tupleDescriptor, accumulator.sum_column - 1)->atttypid;
        static_cast<IntegerState *>(state)->total.sum = integer_of(type, sum);
    }
}

PG_GUARDED void GroupRow::finish_reading(const kernels::Reader &reader, bool ok) const
{
    if (ok && reader.ok() && reader.at_end())
        return;
    ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
            errmsg("state of incremental materialized table \"%s\" is damaged",
                   get_rel_name(plan_->registration.imat)),
            errdetail("A row of table \"%s\" can't be decoded.", get_rel_name(plan_->registration.state)),
            errhint("Rebuild it with imat.refresh(%s).",
                    quote_literal_cstr(get_rel_name(plan_->registration.imat))));
}

PG_GUARDED void GroupRow::read_state(Datum state)
{
    MemoryContext caller = MemoryContextSwitchTo(scratch_);
    kernels::Reader reader(bytes_of(state));
    const bool ok = reader.byte() == state_format;
    for (int i = 0; ok && i < plan_->layout->accumulators.size; ++i)
        visit(plan_->layout->accumulators[i].kind, group_->accumulator(*plan_->layout, i),
              [&](auto &typed) { typed.decode(reader, arena_); });
    finish_reading(reader, ok);
    MemoryContextSwitchTo(caller);
}

PG_GUARDED void GroupRow::read_rows(int64 rows)
{
    static_cast<CountState *>(group_->accumulator(*plan_->layout, 0))->count = rows;
}

PG_GUARDED void GroupRow::read_accumulator(int i, Datum bytes, bool null)
{
    if (null)
        return;
    kernels::Reader reader(bytes_of(bytes));
    visit(plan_->layout->accumulators[i].kind, group_->accumulator(*plan_->layout, i),
          [&](auto &typed) { typed.decode(reader, arena_); });
    finish_reading(reader, true);
    if (ExtremesState *state = extremes(i))
        state->settle();
}

PG_GUARDED bool GroupRow::add(const Group &change)
{
    MemoryContext caller = MemoryContextSwitchTo(scratch_);
    merge(*plan_->layout, *group_, change, arena_);
    MemoryContextSwitchTo(caller);
    for (int i = 0; i < plan_->layout->accumulators.size; ++i) {
        if (count_of(group_->accumulator(*plan_->layout, i)) < 0)
            return false;
        if (ExtremesState *state = extremes(i))
            state->settle();
    }
    return true;
}

PG_GUARDED void GroupRow::fold_value(int distinct, Datum value, Sign sign)
{
    MemoryContext caller = MemoryContextSwitchTo(scratch_);
    for (int i = 0; i < plan_->layout->accumulators.size; ++i) {
        const model::Accumulator &accumulator = plan_->layout->accumulators[i];
        if (accumulator.distinct == distinct + 1)
            fold(accumulator.kind, group_->accumulator(*plan_->layout, i), accumulator.input_type, value,
                 sign, arena_);
    }
    MemoryContextSwitchTo(caller);
}

PG_GUARDED bool GroupRow::has_sound_values() const
{
    bool sound = true;
    for (int i = 0; i < plan_->layout->accumulators.size; ++i) {
        const int64 count = count_of(group_->accumulator(*plan_->layout, i));
        sound = sound && (plan_->layout->accumulators[i].distinct == 0 || (count >= 0 && count <= rows()));
    }
    return sound;
}

/* The accumulator, if it is one that keeps extremes. */
PG_GUARDED ExtremesState *GroupRow::extremes(int i) const
{
    return plan_->layout->orders[i] == nullptr
               ? nullptr
               : static_cast<ExtremesState *>(group_->accumulator(*plan_->layout, i));
}

PG_GUARDED bool GroupRow::is_lost() const
{
    bool lost = false;
    for (int i = 0; i < plan_->layout->accumulators.size; ++i)
        lost = lost || (extremes(i) != nullptr && extremes(i)->is_lost());
    return lost;
}

PG_GUARDED void GroupRow::note_lost(GroupTable *lost, const Datum *keys, const bool *nulls) const
{
    Group *noted = lost->find_or_add(keys, nulls);
    for (int i = 0; i < plan_->layout->accumulators.size; ++i)
        if (extremes(i) != nullptr && extremes(i)->is_lost())
            static_cast<ExtremesState *>(noted->accumulator(*plan_->layout, i))->values.forget();
}

PG_GUARDED bool GroupRow::take_found(const Group &found, bool shown_only)
{
    bool fits = true;
    for (int i = 0; i < plan_->layout->accumulators.size; ++i) {
        ExtremesState *state = extremes(i);
        if (state == nullptr || !state->is_lost())
            continue;
        const auto *rows = static_cast<const ExtremesState *>(found.accumulator(*plan_->layout, i));
        if (shown_only)
            state->show(*rows, arena_);
        else
            fits = state->take(*rows, arena_) && fits;
    }
    return fits && (shown_only || !is_lost());
}

bool GroupRow::stays(const Datum *keys) const noexcept
{
    const model::View &view = *plan_->view;
    if (view.sets.size == 0)
        return view.single_group;
    const model::GroupingSet *set = view.set_of(DatumGetInt32(keys[0]));
    return set != nullptr && set->empty;
}

PG_GUARDED TupleTableSlot *GroupRow::visible(const Datum *keys, const bool *nulls)
{
    const model::View &view = *plan_->view;
    if (rows() == 0 && !stays(keys))
        return nullptr;

    MemoryContext caller = MemoryContextSwitchTo(scratch_);
    TupleTableSlot *row = plan_->group_row;
    ExecClearTuple(row);
    for (int i = 0; i < view.keys.size; ++i) {
        row->tts_values[i] = keys[i];
        row->tts_isnull[i] = nulls[i];
    }
    for (int i = 0; i < view.aggregates.size; ++i) {
        const model::Aggregate &aggregate = view.aggregates[i];
        const int column = view.keys.size + i;
        row->tts_values[column] =
            result_of(aggregate, view.accumulators[aggregate.accumulator].kind,
                      group_->accumulator(*plan_->layout, aggregate.accumulator), &row->tts_isnull[column]);
    }
    ExecStoreVirtualTuple(row);

    ResetExprContext(plan_->context);
    plan_->context->ecxt_scantuple = row;
    const bool shown = plan_->having == nullptr || ExecQual(plan_->having, plan_->context);
    TupleTableSlot *result = shown ? ExecProject(plan_->outputs) : nullptr;
    MemoryContextSwitchTo(caller);
    return result;
}

PG_GUARDED Datum GroupRow::state()
{
    MemoryContext caller = MemoryContextSwitchTo(scratch_);
    auto encode = [&](kernels::Writer &writer) {
        writer.byte(state_format);
        for (int i = 0; i < plan_->layout->accumulators.size; ++i)
            visit(plan_->layout->accumulators[i].kind, group_->accumulator(*plan_->layout, i),
                  [&](auto &typed) { typed.encode(writer); });
    };
    unsigned char near[256];
    kernels::Writer writer(near, sizeof near);
    encode(writer);

    const std::size_t size = writer.size();
    auto *result = static_cast<bytea *>(palloc(VARHDRSZ + size));
    SET_VARSIZE(result, VARHDRSZ + size);
    if (writer.fits()) {
        memcpy(VARDATA(result), near, size);
    } else {
        kernels::Writer again(reinterpret_cast<unsigned char *>(VARDATA(result)), size);
        encode(again);
    }
    MemoryContextSwitchTo(caller);
    return PointerGetDatum(result);
}

} // namespace delta
