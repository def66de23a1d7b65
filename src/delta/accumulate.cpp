/*
 * accumulate.cpp - accumulators as aggregates of SQL.
 *
 * imat.accumulate gives an accumulator's bytes: the fill query is made of it.  imat.exact_sum and
 * imat.exact_avg are the float aggregates that do not depend on the order of the rows.  The state is
 * PostgreSQL's `internal`: a pointer into the aggregate's own memory context, with an arena on it.
 */
#include "delta/accumulate.hpp"

#include "analyze/analyze.hpp"

namespace delta {

struct Accumulated {
    Arena arena;
    model::AccumulatorKind kind = {};
    Oid type = InvalidOid;
    alignas(16) char state[]; /* state_size(kind) bytes */
};

namespace {

struct Letter {
    char letter;
    model::AccumulatorKind kind;
};

constexpr Letter letters[] = {
    {'c', model::AccumulatorKind::Count},          {'i', model::AccumulatorKind::Integer},
    {'4', model::AccumulatorKind::Float4},         {'8', model::AccumulatorKind::Float8},
    {'n', model::AccumulatorKind::Numeric},        {'v', model::AccumulatorKind::Interval},
    {'b', model::AccumulatorKind::Bits},           {'I', model::AccumulatorKind::IntegerMoments},
    {'f', model::AccumulatorKind::Float4Moments},  {'F', model::AccumulatorKind::Float8Moments},
    {'N', model::AccumulatorKind::NumericMoments}, {'p', model::AccumulatorKind::Pairs},
    {'<', model::AccumulatorKind::Least},          {'>', model::AccumulatorKind::Greatest},
};

/* Can values of the type be folded into an accumulator of the kind?  Who calls imat.accumulate may say
 * anything. */
PG_GUARDED bool takes(model::AccumulatorKind kind, Oid type)
{
    using Kind = model::AccumulatorKind;
    const bool integer = type == INT2OID || type == INT4OID || type == INT8OID;
    switch (kind) {
    case Kind::Rows:
    case Kind::Count:
        return true;
    case Kind::Integer:
        return integer || type == CASHOID;
    case Kind::IntegerMoments:
        return integer;
    case Kind::Bits:
        return integer || type == BOOLOID;
    case Kind::Float4:
    case Kind::Float4Moments:
        return type == FLOAT4OID;
    case Kind::Float8:
    case Kind::Float8Moments:
        return type == FLOAT8OID;
    case Kind::Numeric:
    case Kind::NumericMoments:
        return type == NUMERICOID;
    case Kind::Interval:
        return type == INTERVALOID;
    case Kind::Pairs:
        return type == POINTOID;
    case Kind::Least:
    case Kind::Greatest:
        return analyze::can_store_values(type);
    }
    return false;
}

PG_GUARDED Accumulated *make(FunctionCallInfo call, model::AccumulatorKind kind, Oid type)
{
    MemoryContext context;
    if (AggCheckCallContext(call, &context) == 0)
        ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                errmsg("function can only be called as part of an aggregate"));
    if (!takes(kind, type))
        ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
                errmsg("accumulators of kind \"%c\" do not take values of type %s", letter_of_kind(kind),
                       format_type_be(type)));
    const std::size_t size = offsetof(Accumulated, state) + state_size(kind) + 16;
    char *memory = static_cast<char *>(MemoryContextAllocZero(context, size));
    auto *accumulated = reinterpret_cast<Accumulated *>(TYPEALIGN(16, memory));
    accumulated->arena = Arena(context);
    accumulated->kind = kind;
    accumulated->type = type;
    if (model::keeps_extremes(kind)) {
        MemoryContext caller = MemoryContextSwitchTo(context);
        reinterpret_cast<ExtremesState *>(accumulated->state)->order =
            make_value_order(type, call->fncollation, kind == model::AccumulatorKind::Greatest);
        MemoryContextSwitchTo(caller);
    }
    return accumulated;
}

} // namespace

PG_GUARDED Accumulated *accumulate(FunctionCallInfo call, model::AccumulatorKind kind, Oid type,
                                   NullableDatum state, NullableDatum value)
{
    auto *accumulated =
        state.isnull ? make(call, kind, type) : reinterpret_cast<Accumulated *>(DatumGetPointer(state.value));
    if (kind != accumulated->kind)
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                errmsg("the kind of accumulator must be the same for all rows"));
    if (!value.isnull)
        fold(kind, accumulated->state, type, value.value, Sign::In, accumulated->arena);
    return accumulated;
}

PG_GUARDED void unaccumulate(Accumulated *accumulated, Datum value)
{
    fold(accumulated->kind, accumulated->state, accumulated->type, value, Sign::Out, accumulated->arena);
}

PG_GUARDED Datum accumulated_bytes(Accumulated *accumulated)
{
    return visit(accumulated->kind, static_cast<void *>(accumulated->state), [](const auto &state) {
        kernels::Writer measure;
        state.encode(measure);
        const std::size_t size = measure.size();
        auto *result = static_cast<bytea *>(palloc(VARHDRSZ + size));
        SET_VARSIZE(result, VARHDRSZ + size);
        kernels::Writer writer(reinterpret_cast<unsigned char *>(VARDATA(result)), size);
        state.encode(writer);
        return PointerGetDatum(result);
    });
}

PG_GUARDED Datum accumulated_result(Accumulated *accumulated, model::AggregateFunction function, Oid type,
                                    bool *null)
{
    model::Aggregate aggregate = {};
    aggregate.function = function;
    aggregate.type = type;
    return result_of(aggregate, accumulated->kind, accumulated->state, null);
}

PG_GUARDED model::AccumulatorKind kind_of_letter(char letter)
{
    for (const Letter &known : letters)
        if (known.letter == letter)
            return known.kind;
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
            errmsg("unrecognized kind of accumulator: \"%c\"", letter));
    pg_unreachable();
}

PG_GUARDED char letter_of_kind(model::AccumulatorKind kind)
{
    for (const Letter &known : letters)
        if (known.kind == kind)
            return known.letter;
    elog(ERROR, "accumulator of kind %d has no letter", static_cast<int>(kind));
    pg_unreachable();
}

} // namespace delta
