/*
 * aggregates.cpp - what is summed up per group, and the outputs as functions of it.
 *
 * Every aggregate call of the outputs and of HAVING becomes a function (count, sum, avg, ...) of an
 * accumulator. An accumulator is told by its argument and filter; calls over the same share one, of a richer
 * kind where one of them needs it: what knows a sum knows the count.  A filter is moved into the input, as
 * CASE WHEN filter THEN argument END, so that the argument is evaluated for the rows that pass only, as the
 * query does, and the other rows count as NULL, which all these aggregates pass over.  What DISTINCT makes of
 * it is in distinct.cpp.
 *
 * Outputs and HAVING are rewritten over the group row: whole expressions that equal a key become the key's
 * Var, aggregates become theirs.  Keys come first, since a key may be any expression; constants are folded
 * after that, so as not to hide that an output equals a key.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

using model::AccumulatorKind;
using model::AggregateFunction;

/* An accumulator in the making. */
struct Draft {
    model::Accumulator accumulator;
    Node *argument;    /* NULL: count(*) */
    Node *filter;      /* NULL: every row */
    model::Key *value; /* of DISTINCT; NULL: every row counts */
};

/* What the rewriting of outputs carries along. */
struct Rewriting {
    const FlatQuery *flat;
    const model::View *view;
    const List *key_expressions;
    List *drafts;     /* of Draft */
    List *aggregates; /* of model::Aggregate */
    bool whole;       /* the output is one key or aggregate, and nothing is computed with it */
    const char *reason;
};

/* The kind of accumulator that sums a type, or Rows where none does. */
PG_GUARDED AccumulatorKind kind_for(Oid type)
{
    switch (type) {
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case CASHOID:
        return AccumulatorKind::Integer;
    case FLOAT4OID:
        return AccumulatorKind::Float4;
    case FLOAT8OID:
        return AccumulatorKind::Float8;
    case NUMERICOID:
        return AccumulatorKind::Numeric;
    case INTERVALOID:
        return AccumulatorKind::Interval;
    default:
        return AccumulatorKind::Rows;
    }
}

/* An aggregate of pg_catalog other than count that is determined by sums or counts. */
struct Linear {
    const char *name;
    AggregateFunction function;
    AccumulatorKind (*kind_for)(Oid type); /* gives Rows for a type that it does not take */
};

/* Integers bit by bit. */
PG_GUARDED AccumulatorKind integer_bits_for(Oid type)
{
    const bool integer = type == INT2OID || type == INT4OID || type == INT8OID;
    return integer ? AccumulatorKind::Bits : AccumulatorKind::Rows;
}

/* Booleans, which are one bit. */
PG_GUARDED AccumulatorKind boolean_bits_for(Oid type)
{
    return type == BOOLOID ? AccumulatorKind::Bits : AccumulatorKind::Rows;
}

/* Sums of squares. */
PG_GUARDED AccumulatorKind moments_for(Oid type)
{
    switch (type) {
    case INT2OID:
    case INT4OID:
    case INT8OID:
        return AccumulatorKind::IntegerMoments;
    case FLOAT4OID:
        return AccumulatorKind::Float4Moments;
    case FLOAT8OID:
        return AccumulatorKind::Float8Moments;
    case NUMERICOID:
        return AccumulatorKind::NumericMoments;
    default:
        return AccumulatorKind::Rows;
    }
}

/* Two inputs, of which the type of the first is given. */
PG_GUARDED AccumulatorKind pairs_for(Oid type)
{
    return type == FLOAT8OID ? AccumulatorKind::Pairs : AccumulatorKind::Rows;
}

constexpr Linear linear_aggregates[] = {
    {"sum", AggregateFunction::Sum, kind_for},
    {"avg", AggregateFunction::Avg, kind_for},
    {"bool_and", AggregateFunction::BitAnd, boolean_bits_for},
    {"every", AggregateFunction::BitAnd, boolean_bits_for},
    {"bool_or", AggregateFunction::BitOr, boolean_bits_for},
    {"bit_and", AggregateFunction::BitAnd, integer_bits_for},
    {"bit_or", AggregateFunction::BitOr, integer_bits_for},
    {"bit_xor", AggregateFunction::BitXor, integer_bits_for},
    {"var_pop", AggregateFunction::VarPop, moments_for},
    {"var_samp", AggregateFunction::VarSamp, moments_for},
    {"variance", AggregateFunction::VarSamp, moments_for},
    {"stddev_pop", AggregateFunction::StddevPop, moments_for},
    {"stddev_samp", AggregateFunction::StddevSamp, moments_for},
    {"stddev", AggregateFunction::StddevSamp, moments_for},
    {"covar_pop", AggregateFunction::CovarPop, pairs_for},
    {"covar_samp", AggregateFunction::CovarSamp, pairs_for},
    {"corr", AggregateFunction::Corr, pairs_for},
    {"regr_count", AggregateFunction::Count, pairs_for},
    {"regr_avgx", AggregateFunction::RegrAvgX, pairs_for},
    {"regr_avgy", AggregateFunction::RegrAvgY, pairs_for},
    {"regr_sxx", AggregateFunction::RegrSxx, pairs_for},
    {"regr_syy", AggregateFunction::RegrSyy, pairs_for},
    {"regr_sxy", AggregateFunction::RegrSxy, pairs_for},
    {"regr_r2", AggregateFunction::RegrR2, pairs_for},
    {"regr_slope", AggregateFunction::RegrSlope, pairs_for},
    {"regr_intercept", AggregateFunction::RegrIntercept, pairs_for},
};

/* Is it the first value in an order, of a type of which values can be stored? */
PG_GUARDED bool is_extremum(const Aggref *call, AggregateFunction *function, AccumulatorKind *kind)
{
    const Oid type = list_length(call->aggargtypes) == 1 ? linitial_oid(call->aggargtypes) : InvalidOid;
    const Extremum extremum = extremum_of(call->aggfnoid, type);
    *function = AggregateFunction::Extremum;
    *kind = extremum == Extremum::Greatest ? AccumulatorKind::Greatest : AccumulatorKind::Least;
    return extremum != Extremum::None && can_store_values(type);
}

/* What an aggregate of pg_catalog, an exact one of ours, or any with a sort operator computes; false: nothing
 * that can be subtracted.
 */
PG_GUARDED bool classify(const Aggref *call, AggregateFunction *function, AccumulatorKind *kind)
{
    const Oid type = call->aggargtypes != NIL ? linitial_oid(call->aggargtypes) : InvalidOid;
    const char *exact = exact_name(call->aggfnoid);
    const char *name = exact != nullptr ? exact : get_func_name(call->aggfnoid);
    if (exact == nullptr && get_func_namespace(call->aggfnoid) != PG_CATALOG_NAMESPACE)
        return is_extremum(call, function, kind);
    *kind = AccumulatorKind::Count;
    *function = AggregateFunction::Count;
    if (strcmp(name, "count") == 0)
        return true;
    for (const Linear &linear : linear_aggregates) {
        if (strcmp(name, linear.name) != 0)
            continue;
        *function = linear.function;
        *kind = linear.kind_for(type);
        return *kind != AccumulatorKind::Rows;
    }
    return is_extremum(call, function, kind);
}

/* Why an aggregate call can't be added to and subtracted from. */
PG_GUARDED const char *why_not_call(const model::View &view, const Aggref *call)
{
    const char *shown = show_call(call->aggfnoid, call->aggargtypes, call->aggstar);
    AggregateFunction function = {};
    AccumulatorKind kind = {};
    if (call->aggkind != AGGKIND_NORMAL)
        return psprintf("aggregate %s needs all rows of its group in order", shown);
    if (call->aggorder != NIL)
        return psprintf("ORDER BY inside aggregate %s needs all rows of its group", shown);
    const bool distinct = distinct_matters(call);
    if (classify(call, &function, &kind))
        return distinct ? why_not_distinct(view, call, kind) : nullptr;
    if (distinct)
        return psprintf("aggregate %s with DISTINCT needs all rows of its group", shown);
    return psprintf("aggregate %s needs all rows of its group", shown);
}

/*
 * Why it can't be that where there are several grouping sets: what a group has lost is looked up by all keys,
 * and so are multiplicities.
 */
PG_GUARDED const char *why_not_in_sets(const Aggref *call)
{
    const char *shown = show_call(call->aggfnoid, call->aggargtypes, call->aggstar);
    AggregateFunction function = {};
    AccumulatorKind kind = {};
    if (distinct_matters(call))
        return psprintf("aggregate %s with DISTINCT needs all rows of its group in several grouping sets",
                        shown);
    if (classify(call, &function, &kind) && function == AggregateFunction::Extremum)
        return psprintf("aggregate %s needs all rows of its group in several grouping sets", shown);
    return nullptr;
}

/* CASE WHEN filter THEN argument END. */
PG_GUARDED Node *filtered(Node *filter, Node *argument)
{
    CaseWhen *branch = makeNode(CaseWhen);
    branch->expr = reinterpret_cast<Expr *>(filter);
    branch->result = reinterpret_cast<Expr *>(argument);
    branch->location = -1;
    CaseExpr *choice = makeNode(CaseExpr);
    choice->casetype = exprType(argument);
    choice->casecollid = exprCollation(argument);
    choice->args = list_make1(branch);
    choice->defresult =
        reinterpret_cast<Expr *>(makeNullConst(choice->casetype, exprTypmod(argument), choice->casecollid));
    choice->location = -1;
    return reinterpret_cast<Node *>(choice);
}

/* A new accumulator. */
PG_GUARDED Draft *make_draft(AccumulatorKind kind, Node *argument, Node *filter, model::Key *value)
{
    auto *draft = static_cast<Draft *>(palloc0(sizeof(Draft)));
    draft->argument = argument;
    draft->filter = filter;
    draft->value = value;
    draft->accumulator.kind = kind;
    if (argument == nullptr && filter == nullptr)
        return draft;
    Node *each = argument != nullptr ? argument : makeBoolConst(true, false);
    Node *input = filter != nullptr ? filtered(filter, each) : each;
    draft->accumulator.input = prepare_expression(input);
    draft->accumulator.input_type = exprType(input);
    return draft;
}

/* Does what an accumulator of one kind keeps tell all that one of the other would? */
PG_GUARDED bool covers(AccumulatorKind kind, AccumulatorKind other)
{
    switch (kind) {
    case AccumulatorKind::IntegerMoments:
        return other == kind || other == AccumulatorKind::Count || other == AccumulatorKind::Integer;
    case AccumulatorKind::Float4Moments:
        return other == kind || other == AccumulatorKind::Count || other == AccumulatorKind::Float4;
    case AccumulatorKind::Float8Moments:
        return other == kind || other == AccumulatorKind::Count || other == AccumulatorKind::Float8;
    case AccumulatorKind::NumericMoments:
        return other == kind || other == AccumulatorKind::Count || other == AccumulatorKind::Numeric;
    default:
        return other == kind || other == AccumulatorKind::Count;
    }
}

/*
 * The index of the accumulator for an argument and the call's filter, and the values of DISTINCT (NULL:
 * without), which is made, or made richer, where needed.
 */
PG_GUARDED int find_draft(Rewriting *rewriting, AccumulatorKind kind, Node *argument, const Aggref *call,
                          model::Key *value)
{
    Node *filter = reinterpret_cast<Node *>(call->aggfilter);
    const bool counts_rows = kind == AccumulatorKind::Count && filter == nullptr && value == nullptr &&
                             (argument == nullptr || never_null(*rewriting->flat, argument));
    if (counts_rows)
        return 0;
    int index = 0;
    for (auto *draft : pg::each<Draft>(rewriting->drafts)) {
        if (draft->accumulator.kind != AccumulatorKind::Rows && equal(draft->argument, argument) &&
            equal(draft->filter, filter) && (draft->value == nullptr) == (value == nullptr) &&
            (covers(draft->accumulator.kind, kind) || covers(kind, draft->accumulator.kind))) {
            if (!covers(draft->accumulator.kind, kind)) {
                draft->accumulator.kind = kind;
                draft->accumulator.collation = call->inputcollid;
            }
            return index;
        }
        index++;
    }
    Draft *draft = make_draft(kind, argument, filter, value);
    draft->accumulator.collation = call->inputcollid;
    rewriting->drafts = lappend(rewriting->drafts, draft);
    return index;
}

/* What an aggregate call is over; NULL: rows.  Of a pair (y, x), the point (x, y), NULL where one of them is.
 */
PG_GUARDED Node *argument_of(const Aggref *call, AccumulatorKind kind)
{
    if (call->aggstar)
        return nullptr;
    auto *first = linitial_node(TargetEntry, call->args)->expr;
    if (kind != AccumulatorKind::Pairs)
        return reinterpret_cast<Node *>(first);
    auto *second = lsecond_node(TargetEntry, call->args)->expr;
    return reinterpret_cast<Node *>(makeFuncExpr(pg::F_POINT, POINTOID, list_make2(second, first), InvalidOid,
                                                 InvalidOid, COERCE_EXPLICIT_CALL));
}

/* The Var of the group row that stands for an aggregate call. */
PG_GUARDED Node *aggregate_var(Rewriting *rewriting, const Aggref *call)
{
    rewriting->reason = why_not_call(*rewriting->view, call);
    if (rewriting->reason == nullptr && rewriting->view->sets.size > 0)
        rewriting->reason = why_not_in_sets(call);
    if (rewriting->reason != nullptr)
        return nullptr;
    int index = 0;
    for (auto *known : pg::each<model::Aggregate>(rewriting->aggregates)) {
        if (equal(known->call, call))
            break;
        index++;
    }
    if (index == list_length(rewriting->aggregates)) {
        auto *aggregate = static_cast<model::Aggregate *>(palloc0(sizeof(model::Aggregate)));
        AccumulatorKind kind = {};
        classify(call, &aggregate->function, &kind);
        model::Key *value = distinct_matters(call) ? distinct_value(*rewriting->view, call) : nullptr;
        aggregate->accumulator = find_draft(rewriting, kind, argument_of(call, kind), call, value);
        aggregate->type = call->aggtype;
        aggregate->typmod = -1;
        aggregate->collation = call->aggcollid;
        aggregate->call = static_cast<Node *>(copyObjectImpl(call));
        rewriting->aggregates = lappend(rewriting->aggregates, aggregate);
    }
    return reinterpret_cast<Node *>(makeVar(1,
                                            static_cast<AttrNumber>(rewriting->view->keys.size + index + 1),
                                            call->aggtype, -1, call->aggcollid, 0));
}

/* The Var of the group row that stands for a key, where the expression is one; else NULL. */
PG_GUARDED Node *key_var(Rewriting *rewriting, const Node *expression)
{
    int index = 0;
    for (auto *known : pg::each<Node>(rewriting->key_expressions)) {
        const model::Key &key = rewriting->view->keys[index++];
        if (!equal(known, expression))
            continue;
        if (!rewriting->whole && !looks_determined(key))
            rewriting->reason = psprintf(
                "something is computed with key %s, whose equal values of type %s can look different",
                show_over_row(*rewriting->view, key.expression), format_type_be(key.type));
        return reinterpret_cast<Node *>(
            makeVar(1, static_cast<AttrNumber>(index), key.type, key.typmod, key.collation, 0));
    }
    return nullptr;
}

/* A column that is neither a key nor inside an aggregate. */
PG_GUARDED const char *describe_ungrouped(const Rewriting *rewriting, const Var *var)
{
    return psprintf(
        "column %s is not grouped by",
        quote_identifier(get_attname(reference_of(*rewriting->flat, var)->relation, var->varattno, false)));
}

extern "C" {

/* Mutator: from over the row to over the group row. */
PG_GUARDED static Node *group_mutator(Node *node, void *context)
{
    auto *rewriting = static_cast<Rewriting *>(context);
    if (node == nullptr || rewriting->reason != nullptr)
        return nullptr;
    if (Node *key = key_var(rewriting, node))
        return key;
    if (IsA(node, Aggref))
        return aggregate_var(rewriting, castNode(Aggref, node));
    if (IsA(node, Var)) {
        rewriting->reason = describe_ungrouped(rewriting, castNode(Var, node));
        return nullptr;
    }
    if (IsA(node, GroupingFunc)) {
        rewriting->whole = false;
        return grouping_over_group(*rewriting->flat, *rewriting->view, castNode(GroupingFunc, node));
    }
    rewriting->whole = false;
    return pg::mutate_expression(node, group_mutator, context);
}

} // extern "C"

/* An expression of the query, over the group row. */
PG_GUARDED Node *over_group(Rewriting *rewriting, Node *expression)
{
    rewriting->whole = true;
    return group_mutator(expression, rewriting);
}

} // namespace

PG_GUARDED Node *prepare_expression(Node *expression)
{
    return reinterpret_cast<Node *>(expression_planner(reinterpret_cast<Expr *>(expression)));
}

PG_GUARDED Node *prepare_conditions(List *conditions)
{
    if (conditions == NIL)
        return nullptr;
    Node *all = prepare_expression(reinterpret_cast<Node *>(make_ands_explicit(conditions)));
    return reinterpret_cast<Node *>(make_ands_implicit(reinterpret_cast<Expr *>(all)));
}

PG_GUARDED const char *find_aggregates(const FlatQuery &flat, const List *key_expressions, model::View *view)
{
    if (flat.query->hasDistinctOn)
        return "DISTINCT ON needs all rows of a group";
    Rewriting rewriting = {};
    rewriting.flat = &flat;
    rewriting.view = view;
    rewriting.key_expressions = key_expressions;
    rewriting.drafts = list_make1(make_draft(AccumulatorKind::Rows, nullptr, nullptr, nullptr));
    view->outputs = NIL;
    for (auto *target : pg::each<TargetEntry>(flat.targets)) {
        if (target->resjunk)
            continue;
        Node *output = over_group(&rewriting, reinterpret_cast<Node *>(target->expr));
        if (rewriting.reason != nullptr)
            return rewriting.reason;
        view->outputs =
            lappend(view->outputs, makeTargetEntry(reinterpret_cast<Expr *>(prepare_expression(output)),
                                                   target->resno, target->resname, false));
    }
    if (flat.having != nullptr) {
        Node *having = over_group(&rewriting, flat.having);
        if (rewriting.reason != nullptr)
            return rewriting.reason;
        view->having = prepare_conditions(list_make1(having));
    }
    view->aggregates = to_array<model::Aggregate>(rewriting.aggregates);
    List *accumulators = NIL;
    List *distincts = NIL;
    for (auto *draft : pg::each<Draft>(rewriting.drafts)) {
        if (draft->value != nullptr)
            add_distinct(&distincts, &draft->accumulator, list_length(accumulators), *draft->value);
        accumulators = lappend(accumulators, &draft->accumulator);
    }
    view->accumulators = to_array<model::Accumulator>(accumulators);
    view->distincts = to_array<model::Distinct>(distincts);
    return nullptr;
}

} // namespace analyze
