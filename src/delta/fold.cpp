/*
 * fold.cpp - changed rows of a source become changes of groups.
 *
 * The loop over a transition table is the hottest of the extension: for each row, the filter, one projection
 * that yields all keys and inputs, one look-up of the group, one fold for each input that isn't NULL.
 */
#include "delta/fold.hpp"

namespace delta {

PG_GUARDED void fold_row(const Plan &plan, GroupTable *groups, TupleTableSlot *row, Sign sign)
{
    ExprContext *context = plan.context;
    const Layout &layout = *plan.layout;
    ResetExprContext(context);
    context->ecxt_scantuple = row;
    if (plan.filter != nullptr && !ExecQual(plan.filter, context))
        return;

    const TupleTableSlot *folded = ExecProject(plan.inputs);
    MemoryContext caller = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
    Group *group = groups->find_or_add(folded->tts_values, folded->tts_isnull);
    static_cast<CountState *>(group->accumulator(layout, 0))->count += as_number(sign);
    for (int i = 1; i < layout.accumulators.size; ++i) {
        const int column = layout.keys.size + i - 1;
        if (!folded->tts_isnull[column])
            fold(layout.accumulators[i].kind, group->accumulator(layout, i),
                 layout.accumulators[i].input_type, folded->tts_values[column], sign, groups->arena());
    }
    MemoryContextSwitchTo(caller);
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
