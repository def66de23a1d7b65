/*
 * numeric_state.cpp - the final functions of numeric's aggregates, called on sums that were kept elsewhere.
 *
 * How many digits a variance shows, and how its square root is rounded, is decided inside of PostgreSQL
 * (numeric_stddev_internal in utils/adt/numeric.c), and no SQL expression gives the same digits for all
 * numbers.  So its own code is called.  Its state is internal, but parallel aggregation has to send states
 * from process to process as bytes, and numeric_deserialize makes one of the bytes.
 *
 * The bytes are those of the process's own release.  Through its years a release has written them in
 * different ways: the sums as numeric_send does, or with 32 bits a field, which have room for more; and,
 * since PostgreSQL 14, the numbers of infinities.  Which it is in this server is found out by having it write
 * a state, once: all three ways differ in length.  A length that is none of these is an error.
 *
 * These functions insist on being called by an aggregate, which they see by the node in fcinfo->context, and
 * ask it for nothing but a memory context.
 */
#include "pg/numeric_state.hpp"

namespace pg {

namespace {

/* How this server writes a state. */
struct StateFormat {
    bool known;
    bool wide_fields; /* of the sums */
    bool counts_infinities;
};

StateFormat state_format; /* of the process */

/* Call a support function of an aggregate. */
PG_GUARDED Datum call_as_aggregate(PGFunction function, NullableDatum first, NullableDatum second, bool *null)
{
    WindowAggState caller = {};
    NodeSetTag(&caller, T_WindowAggState);
    caller.curaggcontext = CurrentMemoryContext;
    LOCAL_FCINFO(call, 2);
    InitFunctionCallInfoData(*call, nullptr, 2, InvalidOid, reinterpret_cast<Node *>(&caller), nullptr);
    call->args[0] = first;
    call->args[1] = second;
    const Datum result = function(call);
    *null = call->isnull;
    return result;
}

PG_GUARDED NullableDatum argument(Datum value)
{
    NullableDatum result;
    result.value = value;
    result.isnull = false;
    return result;
}

PG_GUARDED NullableDatum no_argument()
{
    NullableDatum result;
    result.value = Datum{};
    result.isnull = true;
    return result;
}

/* Have the server write the state of the one value 1, whose sum and square are 10 bytes long or 18. */
PG_GUARDED StateFormat find_format()
{
    constexpr int counters = sizeof(int64) + sizeof(int32) + 2 * sizeof(int64);
    constexpr int narrow = 4 * sizeof(int16) + sizeof(int16);
    constexpr int wide = 4 * sizeof(int32) + sizeof(int16);
    constexpr int infinities = 2 * sizeof(int64);

    bool null;
    const Datum one = DirectFunctionCall1(int8_numeric, Int64GetDatum(1));
    const Datum state = call_as_aggregate(numeric_accum, no_argument(), argument(one), &null);
    const Datum bytes = call_as_aggregate(numeric_serialize, argument(state), no_argument(), &null);
    const auto size = static_cast<int>(VARSIZE_ANY_EXHDR(DatumGetByteaPP(bytes)));
    if (size == counters + 2 * narrow)
        return {.known = true, .wide_fields = false, .counts_infinities = false};
    if (size == counters + 2 * wide)
        return {.known = true, .wide_fields = true, .counts_infinities = false};
    if (size != counters + 2 * wide + infinities)
        elog(ERROR, "numeric_serialize gives %d bytes, and no one knows which", size);
    return {.known = true, .wide_fields = true, .counts_infinities = true};
}

/* Append a sum, of which numeric_send gives the fields: digits, weight, sign, scale; then the digits. */
PG_GUARDED void send_sum(StringInfo message, Numeric sum, bool wide_fields)
{
    const bytea *sent = DatumGetByteaPP(DirectFunctionCall1(numeric_send, NumericGetDatum(sum)));
    const char *bytes = VARDATA_ANY(sent);
    auto size = static_cast<int>(VARSIZE_ANY_EXHDR(sent));
    for (int field = 0; wide_fields && field < 4; ++field) {
        uint16 value;
        memcpy(&value, bytes, sizeof value);
        pq_sendint32(message, static_cast<uint32>(static_cast<int16>(pg_ntoh16(value))));
        bytes += sizeof value;
        size -= static_cast<int>(sizeof value);
    }
    pq_sendbytes(message, bytes, size);
}

} // namespace

PG_GUARDED Datum moments_result(const NumericMoments &moments, PGFunction final_function, bool *null)
{
    if (!state_format.known)
        state_format = find_format();

    StringInfoData message;
    pq_begintypsend(&message);
    pq_sendint64(&message, moments.finite);
    send_sum(&message, moments.sum, state_format.wide_fields);
    send_sum(&message, moments.squares, state_format.wide_fields);
    pq_sendint32(&message, 0); /* the largest scale and its count serve to take values out again */
    pq_sendint64(&message, 0);
    pq_sendint64(&message, moments.nans);
    if (state_format.counts_infinities) {
        pq_sendint64(&message, moments.positive_infinities);
        pq_sendint64(&message, moments.negative_infinities);
    }
    bytea *bytes = pq_endtypsend(&message);
    const Datum state =
        call_as_aggregate(numeric_deserialize, argument(PointerGetDatum(bytes)), no_argument(), null);
    return call_as_aggregate(final_function, argument(state), no_argument(), null);
}

} // namespace pg
