/*
 * analyze.cpp - an analysed Query becomes a model::View.
 *
 * The order of the work is the order of parts.hpp: first what may be refused, on the query with all views
 * expanded; then, as far as delta goes, one step after the other.  The first step that says no ends it, and
 * the view is maintained by swap.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

extern "C" {

/* Comparator of sources by their Oids. */
PG_GUARDED static int compare_sources(const void *a, const void *b)
{
    const auto left = static_cast<const model::Source *>(a)->relation;
    const auto right = static_cast<const model::Source *>(b)->relation;
    return left < right ? -1 : static_cast<int>(left > right);
}

} // extern "C"

/* The columns of a table that the query names. */
PG_GUARDED Bitmapset *columns_named(const model::View &view, Oid relation)
{
    for (const model::Source &source : view.sources)
        if (source.relation == relation)
            return source.columns;
    return nullptr;
}

/* Count the references of each table: a WITH query was seen once, but may have been used twice, or never. */
PG_GUARDED model::Array<model::Source> count_sources(const model::View &view)
{
    const auto size = static_cast<std::size_t>(view.references.size);
    model::Array<model::Source> sources{
        static_cast<model::Source *>(palloc0(sizeof(model::Source) * (size + 1))), 0};
    for (const model::Reference &reference : view.references) {
        int i = 0;
        while (i < sources.size && sources[i].relation != reference.relation)
            i++;
        sources[i].relation = reference.relation;
        sources[i].columns = columns_named(view, reference.relation);
        sources[i].references++;
        sources.size = Max(sources.size, i + 1);
    }
    qsort(sources.data, static_cast<std::size_t>(sources.size), sizeof(model::Source), compare_sources);
    return sources;
}

/* The conditions that hold for every row and say something. */
PG_GUARDED Node *filter_of(const FlatQuery &flat)
{
    List *conditions = NIL;
    for (auto *condition : pg::each<Node>(flat.conditions))
        for (auto *part : pg::each<Node>(make_ands_implicit(reinterpret_cast<Expr *>(condition))))
            if (!says_nothing(part))
                conditions = lappend(conditions, unwrapped(part));
    return prepare_conditions(conditions);
}

/* Take over what the rows of a query are made of. */
PG_GUARDED void understand_rows(const FlatQuery &flat, model::View *view)
{
    view->references = to_array<model::Reference>(flat.references);
    view->computed = flat.computed;
    view->sources = count_sources(*view);
    view->filter = filter_of(flat);
}

/*
 * Fill in what delta and keyed need; or say why delta can't take the query.  group_targets are there if keyed
 * can.  reason: why delta can't take its rows, as far as they could be told.
 */
PG_GUARDED const char *understand_groups(Query *expanded, model::View *view)
{
    FlatQuery flat = {};
    List *key_expressions = NIL;
    if (const char *reason = flatten({.query = expanded, .outer = nullptr}, &flat))
        return reason;
    understand_rows(flat, view);
    view->reason = flat.reason;
    view->may_fail = flat.more && conditions_may_fail(flat);
    if (!has_groups(flat.query))
        return find_rows(flat, view);
    if (const char *reason = find_keys(flat, view, &key_expressions))
        return reason;
    lower_having(*view, &flat);
    const char *not_keys = find_determined_keys(flat, view, &key_expressions);
    const char *not_keyed = find_group_targets(flat, key_expressions, view);
    if (not_keyed == nullptr && flat.options != NIL)
        not_keyed = find_options(flat, view);
    view->may_fail = flat.more && (may_fail(key_expressions) || conditions_may_fail(flat));
    if (not_keyed != nullptr)
        view->group_targets = NIL;
    const char *not_delta = flat.reason != nullptr ? flat.reason
                            : not_keys != nullptr  ? not_keys
                                                   : find_aggregates(flat, key_expressions, view);
    view->filter = filter_of(flat);
    if (not_delta == nullptr)
        decide_state(flat, view);
    return not_delta == nullptr || not_keyed == nullptr || strcmp(not_delta, not_keyed) == 0
               ? not_delta
               : psprintf("%s; and %s", not_delta, not_keyed);
}

/* Can columns of the state table keep all that is wanted of the groups? */
PG_GUARDED bool can_be_kept(const Query *groups)
{
    bool can = true;
    for (auto *target : pg::each<TargetEntry>(groups->targetList))
        can = can && (target->resjunk ||
                      get_typtype(exprType(reinterpret_cast<Node *>(target->expr))) != TYPTYPE_PSEUDO);
    return can;
}

/* The columns that show keys whose equal values can look different, of which the least can't be told. */
PG_GUARDED Bitmapset *vague_columns(const model::View &groups)
{
    Bitmapset *columns = nullptr;
    for (const model::Key &key : groups.keys)
        if (key.column != 0 && !looks_determined(key) && !can_keep_values(key.type))
            columns = bms_add_member(columns, key.column);
    return columns;
}

/* Understand a query as groups, and what is made of them; as it is where that isn't possible either. */
PG_GUARDED void understand_parts(Query *expanded, const model::View &view, model::View *groups,
                                 const char **reason)
{
    Query *grouping = nullptr;
    const char *words = nullptr;
    model::View parted = view;
    if (!part_groups(expanded, &grouping, &words) || !can_be_kept(grouping))
        return;
    parted.upper = expanded;
    parted.upper_words = words;
    const char *parted_reason = understand_groups(grouping, &parted);
    if ((parted_reason != nullptr && !can_be_keyed(parted)) || parted.has_options() || parted.bag ||
        computes_with(expanded, vague_columns(parted)))
        return;
    parted.columns = columns_of(*expanded);
    keep_groups(&parted);
    *groups = parted;
    *reason = parted_reason;
}

/* Part the rows of a query by what these columns show, or any; false: they can't be followed so. */
PG_GUARDED bool part_by(Query *expanded, const Bitmapset *columns, model::View *parted)
{
    PartitionedRows parts = {};
    FlatQuery flat = {};
    List *expressions = NIL;
    auto *query = static_cast<Query *>(copyObjectImpl(expanded));
    if (!part_rows(query, columns, &parts) || flatten(parts.rows, &flat) != nullptr)
        return false;
    understand_rows(flat, parted);
    parted->partitioned = true;
    if (find_keys(flat, parted, &expressions) != nullptr ||
        (flat.options != NIL && find_options(flat, parted) != nullptr) ||
        find_partition_rows(*expanded, parts.one_to_one ? &flat : nullptr, parted) != nullptr)
        return false;
    parted->may_fail = (flat.more || parts.more) && (may_fail(expressions) || conditions_may_fail(flat));
    return true;
}

/* Understand a query as partitions that are computed anew; as it is where that isn't possible. */
PG_GUARDED void understand_partitions(Query *expanded, const model::View &view, model::View *partitions,
                                      const char **reason)
{
    const bool windows = level_of(expanded, parted_depth(expanded))->hasWindowFuncs;
    model::View parted = view;
    if (!part_by(expanded, nullptr, &parted))
        return;
    /* Plain rows that have a key are parted by that alone. */
    Bitmapset *columns = nullptr;
    for (const model::Key &key : parted.identity)
        columns = bms_add_member(columns, key.column);
    model::View by_identity = view;
    if (!windows && columns != nullptr && part_by(expanded, columns, &by_identity))
        parted = by_identity;
    if (windows)
        *reason = "window functions need all rows of a partition";
    else if (partitions->reason != nullptr)
        *reason = partitions->reason;
    *partitions = parted;
}

/* Why this is no query to begin with, or NULL. */
PG_GUARDED const Refusal *refuse_statement(const Query *query)
{
    if (query->commandType == CMD_SELECT)
        return nullptr;
    return refuse(ERRCODE_FEATURE_NOT_SUPPORTED, "an incremental materialized table needs a SELECT",
                  "The statement is not a query, or does more than read.", nullptr);
}

} // namespace

PG_GUARDED const Refusal *refuse(int sqlstate, const char *message, const char *detail, const char *hint)
{
    auto *refusal = static_cast<Refusal *>(palloc(sizeof(Refusal)));
    *refusal = {.sqlstate = sqlstate, .message = message, .detail = detail, .hint = hint};
    return refusal;
}

[[noreturn]] PG_GUARDED void raise(const Refusal &refusal)
{
    ereport(ERROR, (errcode(refusal.sqlstate), errmsg_internal("%s", refusal.message),
                    refusal.detail != nullptr ? errdetail_internal("%s", refusal.detail) : 0,
                    refusal.hint != nullptr ? errhint("%s", refusal.hint) : 0));
    pg_unreachable();
}

/* Understand an expanded query that can be maintained; known: what is known of it already. */
PG_GUARDED static model::View *understand_expanded(Query *expanded, const model::View &known)
{
    auto *view = static_cast<model::View *>(palloc(sizeof(model::View)));
    *view = known;
    bool hidden = false;
    auto *as_written = static_cast<Query *>(copyObjectImpl(expanded));
    tell_keys_apart(expanded);
    move_to_from(expanded);
    compute_by_row(expanded);
    determine_groups(expanded, &hidden);
    auto *again = static_cast<Query *>(copyObjectImpl(expanded));
    model::View groups = *view;
    const char *reason = understand_groups(expanded, &groups);
    view->strategy = model::Strategy::Swap;
    if (reason != nullptr && !can_be_keyed(groups) && !hidden)
        understand_parts(again, *view, &groups, &reason);
    if (reason != nullptr && !can_be_keyed(groups))
        understand_partitions(as_written, *view, &groups, &reason);
    if (reason == nullptr || can_be_keyed(groups)) {
        *view = groups;
        find_join_keys(view);
        find_foreign_keys(view);
        view->strategy = model::Strategy::Delta;
        if (reason != nullptr)
            make_keyed(view);
    }
    view->reason = reason;
    return view;
}

PG_GUARDED model::View *try_understand(const Query *query, const Refusal **refusal)
{
    model::View known = {};
    *refusal = refuse_statement(query);
    if (*refusal != nullptr)
        return nullptr;
    Query *expanded = expand_views(query, refusal);
    if (expanded == nullptr)
        return nullptr;
    *refusal = find_sources(expanded, &known.sources);
    if (*refusal == nullptr)
        *refusal = check_functions(expanded, &known.uses_settings);
    if (*refusal != nullptr)
        return nullptr;

    spell_out_rows(expanded);
    if (Query *merged = merge_projection(expanded)) {
        model::View *view = understand_expanded(merged, known);
        if (view->strategy == model::Strategy::Delta && view->upper == nullptr)
            return view;
    }
    return understand_expanded(expanded, known);
}

PG_GUARDED model::View *understand(const Query *query)
{
    const Refusal *refusal = nullptr;
    model::View *view = try_understand(query, &refusal);
    if (view == nullptr)
        raise(*refusal);
    return view;
}

} // namespace analyze
