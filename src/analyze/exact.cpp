/*
 * exact.cpp - float sums and averages that don't depend on the order of the rows.
 *
 * PostgreSQL adds floats one after the other and rounds each time, so its sum(float8) is a different one for
 * every order of the same rows, and nothing can be kept equal to it.  imat.exact_sum and imat.exact_avg round
 * once, at the end.  Since they take and give the types that sum and avg do, a call is exchanged by
 * exchanging its function.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* The functions to be exchanged, looked up once a query. */
struct Exchange {
    Oid from[4];
    Oid to[4];
};

/* An aggregate by its qualified name and argument type. */
PG_GUARDED Oid aggregate_of(const char *space, const char *name, Oid type)
{
    List *qualified = list_make2(makeString(pstrdup(space)), makeString(pstrdup(name)));
    return LookupFuncName(qualified, 1, &type, false);
}

/* The function to call instead. */
PG_GUARDED Oid exchanged(const Exchange &exchange, Oid function)
{
    for (int i = 0; i < 4; i++)
        if (exchange.from[i] == function)
            return exchange.to[i];
    return function;
}

extern "C" {

/* Mutator: exchange functions at every level of a query. */
PG_GUARDED static Node *exact_mutator(Node *node, void *context)
{
    const auto &exchange = *static_cast<const Exchange *>(context);
    if (node == nullptr)
        return nullptr;
    if (IsA(node, Query))
        return reinterpret_cast<Node *>(pg::mutate_query(castNode(Query, node), exact_mutator, context, 0));
    Node *copy = pg::mutate_expression(node, exact_mutator, context);
    if (IsA(copy, Aggref)) {
        auto *call = castNode(Aggref, copy);
        call->aggfnoid = exchanged(exchange, call->aggfnoid);
    } else if (IsA(copy, WindowFunc)) {
        auto *call = castNode(WindowFunc, copy);
        call->winfnoid = exchanged(exchange, call->winfnoid);
    }
    return copy;
}

} // extern "C"

} // namespace

PG_GUARDED bool is_exact_aggregate(Oid function)
{
    const char *name = get_func_name(function);
    return (strcmp(name, "exact_sum") == 0 || strcmp(name, "exact_avg") == 0) &&
           get_func_namespace(function) == get_namespace_oid("imat", true);
}

PG_GUARDED Query *exact_query(const Query *query)
{
    Exchange exchange = {};
    constexpr Oid types[] = {FLOAT4OID, FLOAT8OID};
    int i = 0;
    for (const Oid type : types) {
        exchange.from[i] = aggregate_of("pg_catalog", "sum", type);
        exchange.to[i++] = aggregate_of("imat", "exact_sum", type);
        exchange.from[i] = aggregate_of("pg_catalog", "avg", type);
        exchange.to[i++] = aggregate_of("imat", "exact_avg", type);
    }
    auto *copy = static_cast<Query *>(copyObjectImpl(query));
    return castNode(Query, exact_mutator(reinterpret_cast<Node *>(copy), &exchange));
}

} // namespace analyze
