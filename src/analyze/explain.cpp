/*
 * explain.cpp - a View, told to whoever wants to know how a query is maintained.
 *
 * One fact a line, each line "what: ...", in the order in which a reader asks.  Nothing here depends on the
 * machine or the contents of tables, so tests compare the lines as they are.
 */
#include "analyze/parts.hpp"
#include "kernels/kernels.hpp"
#include "pg/lookup.hpp"

namespace analyze {

namespace {

using model::AccumulatorKind;
using model::AggregateFunction;

/* The name of a column of the table. */
PG_GUARDED const char *column_name(const model::View &view, model::Column column)
{
    for (auto *output : pg::each<TargetEntry>(view.outputs != NIL ? view.outputs : view.group_targets))
        if (output->resno == column)
            return quote_identifier(output->resname);
    elog(ERROR, "the query has no column %d", column);
}

/* The strategy, and why it isn't another one. */
PG_GUARDED const char *strategy_line(const model::View &view, model::Strategy asked)
{
    using model::Strategy;
    const char *word = word_for(view.strategy);
    if (view.strategy != Strategy::Swap && asked == Strategy::Swap)
        return psprintf("strategy: swap, as asked for (%s could maintain this query)", word);
    if (view.reason != nullptr)
        return psprintf("strategy: %s, since %s", word, view.reason);
    return view.strategy == Strategy::Keyed
               ? "strategy: keyed, as asked for (delta could maintain this query)"
               : "strategy: delta";
}

/* One line a source. */
PG_GUARDED List *source_lines(const model::View &view, List *lines)
{
    for (const model::Source &source : view.sources)
        lines = lappend(lines, source.references > 1
                                   ? psprintf("source: %s, read %d times",
                                              pg::qualified_name(source.relation), source.references)
                                   : psprintf("source: %s", pg::qualified_name(source.relation)));
    return view.sources.size > 0 ? lines : lappend(lines, pstrdup("source: none, the contents never change"));
}

/* A reference with its schema, and what conditions call it where that is another name. */
PG_GUARDED const char *reference_words(const model::View &view, int reference)
{
    const Oid relation = view.references[reference].relation;
    const auto *name = static_cast<const char *>(list_nth(reference_names(view), reference));
    if (strcmp(name, get_rel_name(relation)) == 0)
        return pg::qualified_name(relation);
    return psprintf("%s AS %s", pg::qualified_name(relation), quote_identifier(name));
}

/* The tables that are joined. */
PG_GUARDED const char *join_line(const model::View &view)
{
    StringInfoData line;
    initStringInfo(&line);
    appendStringInfo(&line, "join of %d tables: ", view.references.size);
    for (int i = 0; i < view.references.size; i++)
        appendStringInfo(&line, "%s%s", i > 0 ? ", " : "", reference_words(view, i));
    return line.data;
}

/* What an outer join joins with the rows, of an entry that lateral.cpp has made; NULL: it has made none. */
PG_GUARDED const RangeTblEntry *outer_joined(const RangeTblEntry *entry)
{
    if (entry->rtekind != RTE_SUBQUERY || entry->subquery->rtable == NIL ||
        linitial_node(RangeTblEntry, entry->subquery->rtable)->rtekind != RTE_RESULT)
        return nullptr;
    auto *joined = lsecond_node(RangeTblEntry, entry->subquery->rtable);
    auto *computation = static_cast<Node *>(copyObjectImpl(computation_of(joined)));
    IncrementVarSublevelsUp(computation, -1, 1);
    return with_computation(joined, computation);
}

/* A subquery as it is written. */
PG_GUARDED const char *subquery_words(const model::View &view, Query *query)
{
    auto *sublink = makeNode(SubLink);
    sublink->subLinkType = EXPR_SUBLINK;
    sublink->subselect = reinterpret_cast<Node *>(query);
    return show_over_row(view, reinterpret_cast<Node *>(sublink));
}

/* What an item of FROM computes, in words. */
PG_GUARDED const char *computation_words(const model::View &view, const RangeTblEntry *entry)
{
    if (entry->rtekind == RTE_VALUES)
        return "VALUES";
    if (entry->rtekind == RTE_SUBQUERY)
        return subquery_words(view, entry->subquery);
    if (entry->rtekind != RTE_FUNCTION)
        return "a table function";
    StringInfoData words;
    initStringInfo(&words);
    const char *separator = "";
    for (auto *function : pg::each<RangeTblFunction>(entry->functions)) {
        appendStringInfo(&words, "%s%s", separator, show_over_row(view, function->funcexpr));
        separator = ", ";
    }
    return words.data;
}

/* One line for each item of FROM that is computed. */
PG_GUARDED List *computed_lines(const model::View &view, List *lines)
{
    int number = view.references.size;
    for (auto *entry : pg::each<RangeTblEntry>(view.computed)) {
        const RangeTblEntry *joined = outer_joined(entry);
        const auto *name = static_cast<const char *>(list_nth(reference_names(view), number++));
        lines =
            lappend(lines, psprintf("joined with the rows of: %s AS %s%s",
                                    computation_words(view, joined == nullptr ? entry : joined),
                                    quote_identifier(name), joined == nullptr ? "" : ", or one of NULLs"));
    }
    return lines;
}

/* What tells the rows of a bag apart. */
PG_GUARDED List *row_key_lines(const model::View &view, List *lines)
{
    for (const model::Key &key : view.identity)
        lines = lappend(lines, psprintf("row key: %s, column %s", show_over_row(view, key.expression),
                                        column_name(view, key.column)));
    const bool by_keys = view.partitioned || (view.has_options() && view.identity.size == 0);
    for (const model::Key &key : by_keys ? view.keys : model::Array<model::Key>{})
        lines = lappend(lines,
                        psprintf("%s: %s, column %s", view.partitioned ? "partition" : "rows with the same",
                                 show_over_row(view, key.expression), column_name(view, key.column)));
    if (view.identity.size > 0)
        return lines;
    return lappend(lines, psprintf("row key: none is shown, rows are found by %s",
                                   by_keys ? "these columns" : "all of their values"));
}

/* One line a group key. */
PG_GUARDED List *key_lines(const model::View &view, List *lines)
{
    if (view.bag)
        return row_key_lines(view, lines);
    if (view.sets.size > 0)
        lines = lappend(lines, psprintf("grouping sets: %s, told apart by %s", describe_sets(view),
                                        view.keys[0].column != 0
                                            ? psprintf("column %s", column_name(view, view.keys[0].column))
                                        : view.telling != 0 ? "which keys are NULL"
                                                            : "a hidden number"));
    for (const model::Key &key : view.keys) {
        if (view.sets.size > 0 && &key == view.keys.data)
            continue;
        const char *column = view.upper != nullptr ? "kept"
                             : key.column != 0     ? psprintf("column %s", column_name(view, key.column))
                                                   : "not shown by a column";
        lines = lappend(lines, psprintf("group key: %s, %s, %s", show_over_row(view, key.expression), column,
                                        key.nullable ? "may be NULL" : "never NULL"));
    }
    return view.single_group ? lappend(lines, pstrdup("group key: none, all rows are one group")) : lines;
}

/* What is kept for a variance or something of pairs; else NULL. */
PG_GUARDED const char *describe_moments(const model::Aggregate &aggregate, AccumulatorKind kind)
{
    if (kind == AccumulatorKind::Pairs)
        return "exact sums of both inputs, their squares and their product, and a count";
    if (aggregate.function == AggregateFunction::Sum || aggregate.function == AggregateFunction::Avg)
        return nullptr;
    switch (kind) {
    case AccumulatorKind::IntegerMoments:
        return "a sum, a sum of squares, and a count";
    case AccumulatorKind::Float4Moments:
    case AccumulatorKind::Float8Moments:
        return "exact sums of values and squares, and a count";
    case AccumulatorKind::NumericMoments:
        return "a sum, a sum of squares, the digits shown, and a count";
    default:
        return nullptr;
    }
}

/* What is kept for an aggregate. */
PG_GUARDED const char *describe_accumulator(const model::Aggregate &aggregate, AccumulatorKind kind)
{
    const bool average = aggregate.function == AggregateFunction::Avg;
    if (kind == AccumulatorKind::Rows)
        return "the number of rows";
    if (aggregate.function == AggregateFunction::Count)
        return "a count";
    if (const char *moments = describe_moments(aggregate, kind))
        return moments;
    switch (kind) {
    case AccumulatorKind::Float4:
    case AccumulatorKind::Float8:
    case AccumulatorKind::Float4Moments:
    case AccumulatorKind::Float8Moments:
        return average ? "an exact sum, rounded once, and a count" : "an exact sum, rounded once";
    case AccumulatorKind::Numeric:
    case AccumulatorKind::NumericMoments:
        return average ? "a sum, the digits shown, and a count" : "a sum and the digits shown";
    case AccumulatorKind::Interval:
        return average ? "a sum for each field and a count" : "a sum for each field";
    case AccumulatorKind::Least:
        return psprintf("the %d least values, and a count", kernels::most_extremes);
    case AccumulatorKind::Greatest:
        return psprintf("the %d greatest values, and a count", kernels::most_extremes);
    case AccumulatorKind::Bits:
        return aggregate.type == BOOLOID ? "a count of what is true, and a count"
                                         : "a count for each bit, and a count";
    default:
        return average ? "a sum and a count" : "a sum";
    }
}

/* One line an aggregate. */
PG_GUARDED List *aggregate_lines(const model::View &view, List *lines)
{
    for (const model::Aggregate &aggregate : view.aggregates)
        lines = lappend(
            lines,
            psprintf("aggregate: %s, kept as %s%s", show_over_row(view, aggregate.call),
                     describe_accumulator(aggregate, view.accumulators[aggregate.accumulator].kind),
                     view.accumulators[aggregate.accumulator].distinct != 0 ? ", each value once" : ""));
    return lines;
}

/* The aggregates with DISTINCT that are over the same input. */
PG_GUARDED const char *readers_of(const model::View &view, int distinct)
{
    StringInfoData readers;
    initStringInfo(&readers);
    for (const model::Aggregate &aggregate : view.aggregates)
        if (view.accumulators[aggregate.accumulator].distinct == distinct + 1)
            appendStringInfo(&readers, "%s%s", readers.len > 0 ? ", " : "",
                             show_over_row(view, aggregate.call));
    return readers.data;
}

/* One line for each input of aggregates with DISTINCT. */
PG_GUARDED List *distinct_lines(const model::View &view, List *lines)
{
    for (int i = 0; i < view.distincts.size; i++)
        lines =
            lappend(lines, psprintf("hidden multiplicities: one row a group and value, with the number of "
                                    "rows that have it, for %s",
                                    readers_of(view, i)));
    return lines;
}

extern "C" {

/* Walker: gather the aggregate calls. */
PG_GUARDED static bool call_walker(Node *node, void *context)
{
    auto **calls = static_cast<List **>(context);
    if (node == nullptr)
        return false;
    if (!IsA(node, Aggref))
        return pg::walk_expression(node, call_walker, context);
    *calls = list_append_unique(*calls, node);
    return false;
}

} // extern "C"

/* One line an aggregate of a view whose groups are computed anew. */
PG_GUARDED List *keyed_aggregate_lines(const model::View &view, List *lines)
{
    List *calls = NIL;
    call_walker(reinterpret_cast<Node *>(view.group_targets), &calls);
    call_walker(view.group_having, &calls);
    for (auto *call : pg::each<Node>(calls))
        if (!is_unknown(call))
            lines = lappend(
                lines, psprintf("aggregate: %s, computed anew for each group", show_over_row(view, call)));
    return lines;
}

/* Conditions on rows or on groups, joined by AND. */
PG_GUARDED Node *conjunction(Node *conditions)
{
    return reinterpret_cast<Node *>(make_ands_explicit(reinterpret_cast<List *>(conditions)));
}

/* One line for each outer join, and each subquery in an expression. */
PG_GUARDED List *option_lines(const model::View &view, List *lines)
{
    for (int i = 0; i < view.options.size; i++) {
        StringInfoData line;
        initStringInfo(&line);
        appendStringInfoString(&line,
                               view.options[i].subquery ? "subquery: reads" : "outer join: a row may lack");
        const char *separator = " ";
        for (int reference = 0; reference < view.references.size; reference++) {
            if ((view.options[i].references & (1U << static_cast<unsigned>(reference))) == 0)
                continue;
            appendStringInfo(&line, "%s%s", separator, reference_words(view, reference));
            separator = ", ";
        }
        for (const model::Condition &condition : view.conditions) {
            if (condition.options == 0 || condition.options >> static_cast<unsigned>(i) != 1)
                continue;
            appendStringInfo(&line, "%s%s", strcmp(separator, " and ") == 0 ? separator : ", for ",
                             show_over_row(view, unwrapped(condition.expression)));
            separator = " and ";
        }
        lines = lappend(lines, line.data);
    }
    return lines;
}

/* What delta and keyed have in common. */
PG_GUARDED List *group_lines(const model::View &view, List *lines)
{
    if (view.references.size > 1)
        lines = lappend(lines, const_cast<char *>(join_line(view)));
    lines = computed_lines(view, lines);
    lines = option_lines(view, lines);
    if (view.filter != nullptr)
        lines = lappend(lines, psprintf("row filter: %s", show_over_row(view, conjunction(view.filter))));
    return key_lines(view, lines);
}

/* What is particular to keyed. */
PG_GUARDED List *keyed_lines(const model::View &view, List *lines)
{
    lines = keyed_aggregate_lines(view, lines);
    if (view.group_having != nullptr && !is_unknown(view.group_having))
        lines = lappend(lines, psprintf("group filter: %s", show_over_row(view, view.group_having)));
    if (view.bag)
        return lappend(lines, pstrdup("hidden state: none, rows are computed from those of the sources"));
    return lappend(lines,
                   view.needs_state
                       ? psprintf("hidden state: what each group shows, since %s", view.state_reason)
                       : pstrdup("hidden state: none, groups are computed from the rows that they have"));
}

/* What is particular to delta. */
PG_GUARDED List *delta_lines(const model::View &view, List *lines)
{
    if (view.bag)
        return lappend(lines, pstrdup("hidden state: none, the rows of the table are all there is"));
    lines = aggregate_lines(view, lines);
    if (view.having != nullptr)
        lines = lappend(lines,
                        psprintf("group filter: %s", view.sets.size > 0 && view.group_having != nullptr
                                                         ? show_over_row(view, view.group_having)
                                                         : show_over_group(view, conjunction(view.having))));
    lines = lappend(lines, view.needs_state
                               ? psprintf("hidden state: one row a group, since %s", view.state_reason)
                               : pstrdup("hidden state: none, the columns of the table tell all"));
    return distinct_lines(view, lines);
}

/* One table that changed rows are joined with, and how its rows are found. */
PG_GUARDED const char *step_words(const model::View &view, const JoinStep &step)
{
    const char *name = reference_words(view, step.reference);
    if (step.index != nullptr)
        return psprintf("%s (index: %s)", name, step.index);
    const Oid relation = view.references[step.reference].relation;
    return step.wanted != NIL ? psprintf("%s (no index on %s)", name, column_names(relation, step.wanted))
                              : psprintf("%s (all of it)", name);
}

/* How the keys that changes of one reference have a say in are found. */
PG_GUARDED const char *reach_line(const model::View &view, int changed)
{
    List *reaches = NIL;
    find_reaches(view, changed, &reaches);
    model::References joined = 0;
    for (auto *reach : pg::each<Reach>(reaches))
        joined |= references_of(*reach);
    StringInfoData line;
    initStringInfo(&line);
    appendStringInfo(&line, "on INSERT, UPDATE, DELETE of %s: keys are found in its changed rows",
                     reference_words(view, changed));
    const char *separator = ", joined with ";
    for (const JoinStep &step : join_steps(view, changed)) {
        if ((joined & (1U << static_cast<unsigned>(step.reference))) == 0)
            continue;
        appendStringInfo(&line, "%s%s", separator, step_words(view, step));
        separator = ", ";
    }
    return line.data;
}

/* How changes of one reference are brought together with the others. */
PG_GUARDED const char *term_line(const model::View &view, int changed)
{
    if (view.has_options())
        return reach_line(view, changed);
    StringInfoData line;
    initStringInfo(&line);
    appendStringInfo(&line, "on INSERT, UPDATE, DELETE of %s: its changed rows are joined with ",
                     reference_words(view, changed));
    const char *separator = "";
    for (const JoinStep &step : join_steps(view, changed)) {
        appendStringInfo(&line, "%s%s", separator, step_words(view, step));
        separator = ", ";
    }
    return line.data;
}

/* How the rows of a group are found. */
PG_GUARDED const char *group_rows(const model::View &view)
{
    const JoinStep first = first_group_step(view);
    StringInfoData words;
    initStringInfo(&words);
    appendStringInfoString(&words, step_words(view, first));
    for (const JoinStep &step : join_steps(view, first.reference))
        appendStringInfo(&words, ", %s", step_words(view, step));
    return words.data;
}

/* An aggregate that reads the accumulator. */
PG_GUARDED const model::Aggregate &reader_of(const model::View &view, int accumulator)
{
    for (const model::Aggregate &aggregate : view.aggregates)
        if (aggregate.accumulator == accumulator && aggregate.function == AggregateFunction::Extremum)
            return aggregate;
    elog(ERROR, "nothing reads accumulator %d", accumulator);
    pg_unreachable();
}

/* Where the values come from that follow those that an accumulator keeps; NULL where it keeps none. */
PG_GUARDED const char *next_values(const model::View &view, int accumulator)
{
    if (!model::keeps_extremes(view.accumulators[accumulator].kind))
        return nullptr;
    const JoinStep step = extremum_step(view, view.accumulators[accumulator]);
    return step.index != nullptr ? psprintf("the next are read in order from %s", step_words(view, step))
                                 : psprintf("the rows of the group are read from %s", group_rows(view));
}

/* One line for all extremes whose next values come from the same place. */
PG_GUARDED List *extremum_lines(const model::View &view, List *lines)
{
    Bitmapset *told = nullptr;
    for (int i = 0; i < view.accumulators.size; i++) {
        const char *where = next_values(view, i);
        if (where == nullptr || bms_is_member(i, told))
            continue;
        StringInfoData line;
        initStringInfo(&line);
        const char *separator = "when the values kept of ";
        for (int j = i; j < view.accumulators.size; j++) {
            const char *other = next_values(view, j);
            if (other == nullptr || strcmp(other, where) != 0)
                continue;
            appendStringInfo(&line, "%s%s", separator, show_over_row(view, reader_of(view, j).call));
            separator = ", ";
            told = bms_add_member(told, j);
        }
        appendStringInfo(&line, " have left: %s", where);
        lines = lappend(lines, line.data);
    }
    return lines;
}

/* What writes to the sources lead to. */
PG_GUARDED List *write_lines(const model::View &view, model::Strategy strategy, List *lines)
{
    if (strategy == model::Strategy::Swap)
        return lappend(lines,
                       pstrdup("on INSERT, UPDATE, DELETE, TRUNCATE: the contents are rebuilt (swap)"));
    for (int i = 0; view.references.size > 1 && i < view.references.size; i++)
        lines = lappend(lines, const_cast<char *>(term_line(view, i)));
    const char *changed = view.is_join() ? "joined" : "changed";
    if (strategy == model::Strategy::Keyed) {
        lines = lappend(lines, view.partitioned
                                   ? psprintf("on INSERT, UPDATE, DELETE: the partitions of the %s rows are "
                                              "computed anew (keyed)",
                                              changed)
                               : view.has_options()
                                   ? psprintf("on INSERT, UPDATE, DELETE: the %s of these keys are computed "
                                              "anew (keyed)",
                                              view.bag ? "rows" : "groups")
                                   : psprintf("on INSERT, UPDATE, DELETE: the groups of the %s rows are "
                                              "computed anew (keyed)",
                                              changed));
        lines = lappend(
            lines, psprintf("rows of a %s: %s", view.partitioned ? "partition" : "group", group_rows(view)));
        if (view.may_fail)
            lines = lappend(lines, pstrdup("where a key or condition fails for a row that the query leaves "
                                           "out: the contents are rebuilt (swap)"));
    } else if (view.bag) {
        lines = lappend(lines, psprintf("on INSERT, UPDATE, DELETE: what the %s rows make is added, changed "
                                        "and removed (delta)",
                                        changed));
    } else {
        lines = lappend(
            lines,
            psprintf("on INSERT, UPDATE, DELETE: the groups of the %s rows are adjusted (delta)", changed));
        lines = extremum_lines(view, lines);
    }
    if (view.upper != nullptr)
        lines =
            lappend(lines, psprintf("on top of groups: %s, evaluated over all that are kept where one that "
                                    "changed can make a difference",
                                    view.upper_words));
    lines = lappend(lines, pstrdup("on TRUNCATE: the contents are rebuilt (swap)"));
    for (auto *missing : pg::each<MissingIndex>(missing_indexes(view)))
        lines = lappend(lines, psprintf("advice: %s would help", statement_for(*missing)));
    if (view.upper != nullptr && is_around_groups(view.upper))
        lines = lappend(lines, pstrdup("advice: if there are many groups, make an incremental materialized "
                                       "table of the query that groups, and read that instead"));
    return lines;
}

} // namespace

PG_GUARDED const char *word_for(model::Strategy strategy)
{
    switch (strategy) {
    case model::Strategy::Auto:
        return "auto";
    case model::Strategy::Delta:
        return "delta";
    case model::Strategy::Keyed:
        return "keyed";
    case model::Strategy::Swap:
        return "swap";
    }
    return nullptr;
}

PG_GUARDED List *explain(const model::View &view, model::Strategy asked)
{
    const model::Strategy strategy = asked == model::Strategy::Swap ? asked : view.strategy;
    List *lines = list_make1(const_cast<char *>(strategy_line(view, asked)));
    lines = source_lines(view, lines);
    if (strategy != model::Strategy::Swap)
        lines = group_lines(view, lines);
    if (strategy == model::Strategy::Delta)
        lines = delta_lines(view, lines);
    if (strategy == model::Strategy::Keyed)
        lines = keyed_lines(view, lines);
    lines = lappend(lines,
                    pstrdup(view.uses_settings
                                ? "settings: TimeZone and its like are pinned, since results depend on them"
                                : "settings: none are needed"));
    return view.sources.size > 0 ? write_lines(view, strategy, lines) : lines;
}

} // namespace analyze
