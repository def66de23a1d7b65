/*
 * exact.cpp - a query whose outcome doesn't depend on the order in which rows are read.
 *
 * PostgreSQL adds floats one after the other and rounds each time, so its sum(float8) is a different one for
 * every order of the same rows, and nothing can be kept equal to it; and so are averages, variances, and what
 * else is computed from sums.  imat.exact_sum and its kin round at the end.  Since they take and give the
 * types that sum and its kin do, a call is exchanged by exchanging its function.  So are min and max of types
 * whose equal values may look different, and any_value (extremes.cpp).
 *
 * Lists, and what DISTINCT ON takes, get an order (order.cpp); of equal keys that something is computed with,
 * the least is taken (representatives.cpp, upper.cpp).
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* Aggregates of one argument, real or double precision. */
constexpr const char *of_one[] = {"sum",      "avg",        "var_pop",     "var_samp",
                                  "variance", "stddev_pop", "stddev_samp", "stddev"};

/* Aggregates of two arguments, both double precision.  regr_count is exact. */
constexpr const char *of_two[] = {"covar_pop", "covar_samp", "corr",          "regr_avgx",
                                  "regr_avgy", "regr_sxx",   "regr_syy",      "regr_sxy",
                                  "regr_r2",   "regr_slope", "regr_intercept"};

constexpr const char *exact_prefix = "exact_";

/* The functions to be exchanged, looked up once a query. */
struct Exchange {
    static constexpr int capacity_ = 2 * lengthof(of_one) + lengthof(of_two);

    Oid from[capacity_];
    Oid to[capacity_];
    int size;
};

/* An aggregate by its qualified name and the type of each of its arguments. */
PG_GUARDED Oid aggregate_of(const char *space, const char *name, int arguments, Oid type)
{
    const Oid types[] = {type, type};
    List *qualified = list_make2(makeString(pstrdup(space)), makeString(pstrdup(name)));
    return LookupFuncName(qualified, arguments, types, false);
}

/* Exchange an aggregate. */
PG_GUARDED void add(Exchange *exchange, const char *name, int arguments, Oid type)
{
    exchange->from[exchange->size] = aggregate_of("pg_catalog", name, arguments, type);
    exchange->to[exchange->size++] =
        aggregate_of("imat", psprintf("%s%s", exact_prefix, name), arguments, type);
}

/* The function to call instead. */
PG_GUARDED Oid exchanged(const Exchange &exchange, Oid function)
{
    for (int i = 0; i < exchange.size; i++)
        if (exchange.from[i] == function)
            return exchange.to[i];
    return function;
}

extern "C" {

/* Mutator: exchange functions at every level of a query that reads a table; others have but one outcome. */
PG_GUARDED static Node *exact_mutator(Node *node, void *context)
{
    const auto &exchange = *static_cast<const Exchange *>(context);
    if (node == nullptr)
        return nullptr;
    if (IsA(node, Query))
        return !reads_table(node) ? static_cast<Node *>(copyObjectImpl(node))
                                  : reinterpret_cast<Node *>(
                                        pg::mutate_query(castNode(Query, node), exact_mutator, context, 0));
    Node *copy = pg::mutate_expression(node, exact_mutator, context);
    if (IsA(copy, Aggref)) {
        auto *call = castNode(Aggref, copy);
        call->aggfnoid = exchanged(exchange, call->aggfnoid);
        if (list_length(call->aggargtypes) == 1 && call->aggorder == NIL)
            call->aggfnoid =
                exact_extremum(call->aggfnoid, linitial_oid(call->aggargtypes), call->inputcollid);
    } else if (IsA(copy, WindowFunc)) {
        auto *call = castNode(WindowFunc, copy);
        call->winfnoid = exchanged(exchange, call->winfnoid);
        if (list_length(call->args) == 1)
            call->winfnoid = exact_extremum(
                call->winfnoid, exprType(static_cast<const Node *>(linitial(call->args))), call->inputcollid);
    }
    return copy;
}

} // extern "C"

} // namespace

PG_GUARDED const char *exact_name(Oid function)
{
    const char *name = get_func_name(function);
    if (strncmp(name, exact_prefix, strlen(exact_prefix)) != 0 ||
        get_func_namespace(function) != get_namespace_oid("imat", true))
        return nullptr;
    return name + strlen(exact_prefix);
}

PG_GUARDED Query *exact_query(const Query *query)
{
    Exchange exchange = {};
    for (const char *name : of_one) {
        add(&exchange, name, 1, FLOAT4OID);
        add(&exchange, name, 1, FLOAT8OID);
    }
    for (const char *name : of_two)
        add(&exchange, name, 2, FLOAT8OID);
    auto *copy = static_cast<Query *>(copyObjectImpl(query));
    bool ignored = false;
    determine_groups(copy, &ignored);
    determine_order(copy);
    return castNode(Query, exact_mutator(reinterpret_cast<Node *>(copy), &exchange));
}

} // namespace analyze
