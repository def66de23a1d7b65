/*
 * aggregates.cpp - the support functions of imat.accumulate, imat.exact_sum and its kin.
 */
#include "analyze/analyze.hpp"
#include "delta/delta.hpp"

using delta::Accumulated;

namespace {

/* The transition state, which may be absent. */
PG_GUARDED NullableDatum argument(FunctionCallInfo fcinfo, int n)
{
    NullableDatum result;
    result.value = PG_ARGISNULL(n) ? Datum{} : PG_GETARG_DATUM(n);
    result.isnull = PG_ARGISNULL(n);
    return result;
}

PG_GUARDED Accumulated *state_of(FunctionCallInfo fcinfo)
{
    return reinterpret_cast<Accumulated *>(PG_GETARG_POINTER(0));
}

/* The sum or average, or NULL. */
PG_GUARDED Datum result(FunctionCallInfo fcinfo, model::AggregateFunction function, Oid type)
{
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    bool null;
    const Datum value = delta::accumulated_result(state_of(fcinfo), function, type, &null);
    if (null)
        PG_RETURN_NULL();
    return value;
}

} // namespace

/* imat.accumulate_step(internal, kind "char", value "any"): fold a value in. */
PG_IMAT_FUNCTION(imat_accumulate_step)
{
    const model::AccumulatorKind kind = delta::kind_of_letter(PG_GETARG_CHAR(1));
    const Oid type = get_fn_expr_argtype(fcinfo->flinfo, 2);
    PG_RETURN_POINTER(delta::accumulate(fcinfo, kind, type, argument(fcinfo, 0), argument(fcinfo, 2)));
}

/* imat.accumulate_final(internal): the bytes, or NULL where there was no row. */
PG_IMAT_FUNCTION(imat_accumulate_final)
{
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    return delta::accumulated_bytes(state_of(fcinfo));
}

/* imat.exact_step(internal, real) and (internal, double precision): fold a value in. */
PG_IMAT_FUNCTION(imat_exact_step_float4)
{
    PG_RETURN_POINTER(delta::accumulate(fcinfo, model::AccumulatorKind::Float4, FLOAT4OID,
                                        argument(fcinfo, 0), argument(fcinfo, 1)));
}

PG_IMAT_FUNCTION(imat_exact_step_float8)
{
    PG_RETURN_POINTER(delta::accumulate(fcinfo, model::AccumulatorKind::Float8, FLOAT8OID,
                                        argument(fcinfo, 0), argument(fcinfo, 1)));
}

/* imat.exact_unstep(internal, double precision), and for real: fold a value out, for moving windows. */
PG_IMAT_FUNCTION(imat_exact_unstep)
{
    if (!PG_ARGISNULL(1))
        delta::unaccumulate(state_of(fcinfo), PG_GETARG_DATUM(1));
    PG_RETURN_POINTER(state_of(fcinfo));
}

PG_IMAT_FUNCTION(imat_exact_sum_float4)
{
    return result(fcinfo, model::AggregateFunction::Sum, FLOAT4OID);
}

PG_IMAT_FUNCTION(imat_exact_sum_float8)
{
    return result(fcinfo, model::AggregateFunction::Sum, FLOAT8OID);
}

PG_IMAT_FUNCTION(imat_exact_avg)
{
    return result(fcinfo, model::AggregateFunction::Avg, FLOAT8OID);
}

/* imat.exact_moments_step(internal, real) and (internal, double precision): fold a value and its square in.
 */
PG_IMAT_FUNCTION(imat_exact_moments_step_float4)
{
    PG_RETURN_POINTER(delta::accumulate(fcinfo, model::AccumulatorKind::Float4Moments, FLOAT4OID,
                                        argument(fcinfo, 0), argument(fcinfo, 1)));
}

PG_IMAT_FUNCTION(imat_exact_moments_step_float8)
{
    PG_RETURN_POINTER(delta::accumulate(fcinfo, model::AccumulatorKind::Float8Moments, FLOAT8OID,
                                        argument(fcinfo, 0), argument(fcinfo, 1)));
}

/* imat.exact_pairs_step(internal, y double precision, x double precision): fold a pair in. */
PG_IMAT_FUNCTION(imat_exact_pairs_step)
{
    Point point = {};
    NullableDatum pair;
    pair.isnull = PG_ARGISNULL(1) || PG_ARGISNULL(2);
    pair.value = PointPGetDatum(&point);
    if (!pair.isnull) {
        point.y = PG_GETARG_FLOAT8(1);
        point.x = PG_GETARG_FLOAT8(2);
    }
    PG_RETURN_POINTER(
        delta::accumulate(fcinfo, model::AccumulatorKind::Pairs, POINTOID, argument(fcinfo, 0), pair));
}

/* The final functions: those of moments, then those of pairs. */
#define EXACT_RESULT(name, function)                                                                         \
    PG_IMAT_FUNCTION(name)                                                                                   \
    {                                                                                                        \
        return result(fcinfo, model::AggregateFunction::function, FLOAT8OID);                                \
    }

EXACT_RESULT(imat_exact_var_pop, VarPop)
EXACT_RESULT(imat_exact_var_samp, VarSamp)
EXACT_RESULT(imat_exact_stddev_pop, StddevPop)
EXACT_RESULT(imat_exact_stddev_samp, StddevSamp)
EXACT_RESULT(imat_exact_covar_pop, CovarPop)
EXACT_RESULT(imat_exact_covar_samp, CovarSamp)
EXACT_RESULT(imat_exact_corr, Corr)
EXACT_RESULT(imat_exact_regr_avgx, RegrAvgX)
EXACT_RESULT(imat_exact_regr_avgy, RegrAvgY)
EXACT_RESULT(imat_exact_regr_sxx, RegrSxx)
EXACT_RESULT(imat_exact_regr_syy, RegrSyy)
EXACT_RESULT(imat_exact_regr_sxy, RegrSxy)
EXACT_RESULT(imat_exact_regr_r2, RegrR2)
EXACT_RESULT(imat_exact_regr_slope, RegrSlope)
EXACT_RESULT(imat_exact_regr_intercept, RegrIntercept)

namespace {

/* The one of two values of a type that comes first in an order, which is kept for the next call. */
PG_GUARDED Datum first_of(FunctionCallInfo fcinfo, bool greatest_first)
{
    FmgrInfo *function = fcinfo->flinfo;
    if (function->fn_extra == nullptr) {
        const Oid type = get_fn_expr_argtype(function, 0);
        if (!analyze::can_keep_values(type))
            ereport(
                ERROR, errcode(ERRCODE_UNDEFINED_FUNCTION),
                errmsg("values of type %s can't be compared by what they look like", format_type_be(type)));
        MemoryContext caller = MemoryContextSwitchTo(function->fn_mcxt);
        function->fn_extra = delta::make_value_order(type, PG_GET_COLLATION(), greatest_first);
        MemoryContextSwitchTo(caller);
    }
    const auto &order = *static_cast<const delta::ValueOrder *>(function->fn_extra);
    const Datum first = PG_GETARG_DATUM(0);
    const Datum value = PG_GETARG_DATUM(1);
    return delta::comes_before(order, value, first) ? value : first;
}

} // namespace

/* imat.lesser(anyelement, anyelement) and imat.greater */
PG_IMAT_FUNCTION(imat_lesser)
{
    return first_of(fcinfo, false);
}

PG_IMAT_FUNCTION(imat_greater)
{
    return first_of(fcinfo, true);
}
