/*
 * state.cpp - do the visible columns tell all?
 *
 * A group's accumulators have to be known before a change can be added to them.  Where the columns of the
 * table show them, its row is all there is; else they are kept in a state table beside it.  The columns tell
 * all if, for every group that exists, there is a row (no HAVING), it can be found (every key is shown), it
 * says how many rows the group has, and each accumulator is shown whole: counts by a count, sums of integers
 * by a sum and its count.  Whether a value of DISTINCT is there is never told by them.  Sums of floats are
 * shown rounded, and those of numeric and interval lose what their parts looked like.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

using model::AccumulatorKind;
using model::AggregateFunction;

/* The column that shows a function of an accumulator, with nothing computed from it; 0: none does. */
PG_GUARDED model::Column column_showing(const model::View &view, AggregateFunction function, int accumulator)
{
    for (auto *output : pg::each<TargetEntry>(view.outputs)) {
        if (!IsA(output->expr, Var))
            continue;
        const int index = castNode(Var, output->expr)->varattno - view.keys.size - 1;
        if (index >= 0 && view.aggregates[index].function == function &&
            view.aggregates[index].accumulator == accumulator)
            return output->resno;
    }
    return 0;
}

/* An aggregate that reads the accumulator, as a reader would write it. */
PG_GUARDED const char *show_reader(const model::View &view, int accumulator)
{
    for (const model::Aggregate &aggregate : view.aggregates)
        if (aggregate.accumulator == accumulator)
            return show_over_row(view, aggregate.call);
    return "an aggregate";
}

/* Find the columns that show an accumulator; or say what they don't show. */
PG_GUARDED const char *why_not_shown(const FlatQuery &flat, const model::View &view, int index)
{
    model::Accumulator &accumulator = view.accumulators[index];
    accumulator.count_column = column_showing(view, AggregateFunction::Count, index);
    accumulator.sum_column = column_showing(view, AggregateFunction::Sum, index);
    const char *reader = show_reader(view, index);
    if (accumulator.distinct != 0)
        return psprintf("%s needs to know how often each value occurs", reader);
    switch (accumulator.kind) {
    case AccumulatorKind::Rows:
        return accumulator.count_column == 0 ? "the number of rows of a group is not shown by a column"
                                             : nullptr;
    case AccumulatorKind::Count:
        return accumulator.count_column == 0 ? psprintf("%s is not shown by a column of its own", reader)
                                             : nullptr;
    case AccumulatorKind::Integer:
        if (accumulator.sum_column == 0)
            return psprintf("%s needs the sum, which no column shows", reader);
        if (accumulator.count_column == 0 && !never_null(flat, accumulator.input))
            return psprintf("%s needs the count of what is not NULL, which no column shows", reader);
        return nullptr;
    case AccumulatorKind::Float4:
    case AccumulatorKind::Float8:
        return psprintf("%s needs the exact sum, which a column shows rounded", reader);
    case AccumulatorKind::Numeric:
        return psprintf("%s needs to know how many digits its values show", reader);
    case AccumulatorKind::Interval:
        return psprintf("%s needs the sums of the fields of its values", reader);
    case AccumulatorKind::Bits:
        return psprintf("%s needs to know how many of its values have each bit set", reader);
    case AccumulatorKind::IntegerMoments:
    case AccumulatorKind::Float4Moments:
    case AccumulatorKind::Float8Moments:
    case AccumulatorKind::NumericMoments:
        return psprintf("%s needs the sum of the squares of its values", reader);
    case AccumulatorKind::Pairs:
        return psprintf("%s needs the sums of the squares and products of its values", reader);
    case AccumulatorKind::Least:
    case AccumulatorKind::Greatest:
        return psprintf("%s needs the values that come next", reader);
    }
    return nullptr;
}

/* Why a state table is needed, or NULL. */
PG_GUARDED const char *why_state(const FlatQuery &flat, const model::View &view)
{
    if (view.having != nullptr)
        return "HAVING hides groups that may come back";
    if (const char *reason = why_hidden_key(view))
        return reason;
    for (int i = 0; i < view.accumulators.size; i++)
        if (const char *reason = why_not_shown(flat, view, i))
            return reason;
    return nullptr;
}

/* The GROUPING() that would tell the grouping sets apart; NULL: none would, as one is there twice, or there
 * are too many keys. */
PG_GUARDED const char *missing_grouping(const model::View &view)
{
    StringInfoData call;
    initStringInfo(&call);
    for (const model::GroupingSet &one : view.sets)
        for (const model::GroupingSet &other : view.sets)
            if (&one < &other &&
                (one.without == other.without || view.keys.size > model::most_grouping_arguments + 1))
                return nullptr;
    for (int key = 1; key < view.keys.size && key <= model::most_grouping_arguments; key++)
        appendStringInfo(&call, "%s%s", key > 1 ? ", " : "GROUPING(",
                         show_over_row(view, view.keys[key].expression));
    appendStringInfoChar(&call, ')');
    return call.data;
}

/* Add an item to a list of items in prose. */
PG_GUARDED void add_item(StringInfo items, const char *item)
{
    appendStringInfo(items, "%s%s", items->len > 0 ? ", " : "", item);
}

/* Name what would have to be selected as well so that an accumulator is shown; false: nothing would do. */
PG_GUARDED bool add_missing(const FlatQuery &flat, const model::View &view, int index, StringInfo missing)
{
    const model::Accumulator &accumulator = view.accumulators[index];
    if (why_not_shown(flat, view, index) == nullptr)
        return true;
    if (accumulator.distinct != 0)
        return false;
    if (accumulator.kind == AccumulatorKind::Rows) {
        add_item(missing, "count(*)");
        return true;
    }
    /* A CASE is the likely trace of a filter, and sum(x) FILTER (...) could not be told from sum(CASE ...).
     */
    const bool sums = accumulator.kind == AccumulatorKind::Integer;
    if ((!sums && accumulator.kind != AccumulatorKind::Count) || IsA(accumulator.input, CaseExpr))
        return false;
    const char *input = show_over_row(view, accumulator.input);
    if (sums && accumulator.sum_column == 0)
        add_item(missing, psprintf("sum(%s)", input));
    if (accumulator.count_column == 0 && !never_null(flat, accumulator.input))
        add_item(missing, psprintf("count(%s)", input));
    return true;
}

} // namespace

PG_GUARDED const char *why_hidden_key(const model::View &view)
{
    for (const model::Key &key : view.keys) {
        const bool number = view.sets.size > 0 && &key == view.keys.data;
        if (key.column == 0 && !number)
            return psprintf("group key %s is not shown by a column", show_over_row(view, key.expression));
        if (key.column == 0 && view.telling == 0)
            return "no column tells which grouping set a row belongs to";
    }
    return nullptr;
}

PG_GUARDED const char *advice_on(const model::View &view)
{
    if (view.strategy != model::Strategy::Delta || !view.needs_state || view.having != nullptr ||
        view.upper != nullptr)
        return nullptr;
    StringInfoData missing;
    initStringInfo(&missing);
    for (const model::Key &key : view.keys) {
        const bool number = view.sets.size > 0 && &key == view.keys.data;
        if (key.column != 0 || (number && view.telling != 0))
            continue;
        const char *item = number ? missing_grouping(view) : show_over_row(view, key.expression);
        if (item == nullptr)
            return nullptr;
        add_item(&missing, item);
    }
    FlatQuery flat = {};
    for (model::Reference &reference : view.references)
        flat.references = lappend(flat.references, &reference);
    flat.computed = view.computed;
    flat.conditions = reinterpret_cast<List *>(view.filter);
    const model::Array<model::Accumulator> kept = view.accumulators;
    model::View draft = view;
    List *copies = NIL;
    for (model::Accumulator &accumulator : kept)
        copies = lappend(copies, &accumulator);
    draft.accumulators = to_array<model::Accumulator>(copies);
    for (int i = 0; i < draft.accumulators.size; i++)
        if (!add_missing(flat, draft, i, &missing))
            return nullptr;
    return psprintf("%sselect %s as well, and no state table is needed",
                    view.aggregates.size == 0 ? "use GROUP BY, " : "", missing.data);
}

PG_GUARDED const char *state_layout(const model::View &view)
{
    StringInfoData layout;
    initStringInfo(&layout);
    for (const model::Accumulator &accumulator : view.accumulators)
        appendStringInfo(&layout, "%d.%d%s ", static_cast<int>(accumulator.kind), accumulator.distinct,
                         model::keeps_extremes(accumulator.kind) &&
                                 type_is_enum(getBaseType(accumulator.input_type))
                             ? " by label"
                             : "");
    appendStringInfoChar(&layout, ':');
    for (const model::Aggregate &aggregate : view.aggregates)
        appendStringInfo(&layout, " %d", aggregate.accumulator);
    return layout.data;
}

PG_GUARDED void keep_groups(model::View *view)
{
    for (model::Key &key : view->keys)
        key.column = 0;
    for (model::Accumulator &accumulator : view->accumulators)
        accumulator.count_column = accumulator.sum_column = 0;
    view->telling = 0;
    view->keys_visible = false;
    view->needs_state = true;
    view->state_reason = psprintf("all groups are needed for %s", view->upper_words);
}

PG_GUARDED void decide_state(const FlatQuery &flat, model::View *view)
{
    view->state_reason = why_state(flat, *view);
    view->needs_state = view->state_reason != nullptr;
    if (!view->needs_state)
        return;
    for (model::Accumulator &accumulator : view->accumulators)
        accumulator.count_column = accumulator.sum_column = 0;
}

} // namespace analyze
