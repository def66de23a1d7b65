/*
 * numeric.cpp - what a group keeps of a numeric input.
 *
 * numeric_add is exact: it keeps every digit of both.  What is not a matter of value is how many digits are
 * shown (the largest display scale among the values present), and NaN and the infinities, which must leave
 * the sum when they leave the group; both are counted.  The results follow numeric_sum and numeric_avg
 * (PostgreSQL, utils/adt/numeric.c).
 */
#include "delta/accumulator.hpp"

namespace delta {

namespace {

/* No numeric takes more bytes on the wire than this: 131072 digits before the point, 16383 after. */
constexpr std::size_t largest_wire_numeric = std::size_t{128} * 1024;

PG_GUARDED Numeric numeric_constant(const char *text)
{
    return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
                                               ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

PG_GUARDED int display_scale(Numeric value)
{
    return DatumGetInt32(DirectFunctionCall1(numeric_scale, NumericGetDatum(value)));
}

} // namespace

/* The sum is replaced before the old one is freed, so an error in between leaves the state whole. */
PG_GUARDED void add_numeric(Numeric *total, Numeric value, Sign sign, Arena &arena)
{
    MemoryContext caller = MemoryContextSwitchTo(arena.context());
    Numeric before = *total == nullptr ? numeric_constant("0") : *total;
    const PGFunction operation = sign == Sign::In ? numeric_add : numeric_sub;
    *total = DatumGetNumeric(DirectFunctionCall2(operation, NumericGetDatum(before), NumericGetDatum(value)));
    pfree(before);
    MemoryContextSwitchTo(caller);
}

PG_GUARDED void encode_numeric(kernels::Writer &writer, Numeric value)
{
    bytea *wire = DatumGetByteaPP(DirectFunctionCall1(numeric_send, NumericGetDatum(value)));
    writer.block({reinterpret_cast<const unsigned char *>(VARDATA_ANY(wire)), VARSIZE_ANY_EXHDR(wire)});
}

PG_GUARDED Numeric decode_numeric(kernels::Reader &reader, Arena &arena)
{
    const auto wire = reader.block(largest_wire_numeric);
    if (!reader.ok())
        return nullptr;

    MemoryContext caller = MemoryContextSwitchTo(arena.context());
    StringInfoData message;
    initStringInfo(&message);
    appendBinaryStringInfo(&message, reinterpret_cast<const char *>(wire.data()),
                           static_cast<int>(wire.size()));
    Numeric result = DatumGetNumeric(DirectFunctionCall3(numeric_recv, PointerGetDatum(&message),
                                                         ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
    pfree(message.data);
    MemoryContextSwitchTo(caller);
    return result;
}

PG_GUARDED void NumericState::add_to_total(Numeric value, Sign sign, Arena &arena)
{
    add_numeric(&total, value, sign, arena);
}

PG_GUARDED void NumericState::fold(Oid /*type*/, Datum datum, Sign sign, Arena &arena)
{
    Numeric value = DatumGetNumeric(datum);
    kernels::Arena memory = arena.for_kernels();
    count += as_number(sign);
    if (numeric_is_nan(value)) {
        nans += as_number(sign);
    } else if (pg::numeric_is_inf(value)) {
        (pg::numeric_is_negative(value) ? negative_infinities : positive_infinities) += as_number(sign);
    } else {
        add_to_total(value, sign, arena);
        if (sign == Sign::In)
            scales.add(display_scale(value), memory);
        else
            scales.remove(display_scale(value), memory);
    }
    if (reinterpret_cast<Pointer>(value) != DatumGetPointer(datum))
        pfree(value);
}

PG_GUARDED void NumericState::merge(const NumericState &other, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    count += other.count;
    nans += other.nans;
    positive_infinities += other.positive_infinities;
    negative_infinities += other.negative_infinities;
    if (other.total != nullptr)
        add_to_total(other.total, Sign::In, arena);
    scales.merge(other.scales, memory);
}

PG_GUARDED bool NumericState::is_zero() const
{
    return count == 0 && nans == 0 && positive_infinities == 0 && negative_infinities == 0 &&
           scales.is_zero() &&
           (total == nullptr ||
            DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(total),
                                              NumericGetDatum(numeric_constant("0")))) == 0);
}

/* The sum with the digits that the values present show; those beyond are zeros. */
PG_GUARDED Numeric NumericState::shown_total() const
{
    Numeric sum = total == nullptr ? numeric_constant("0") : total;
    return DatumGetNumeric(
        DirectFunctionCall2(numeric_round, NumericGetDatum(sum), Int32GetDatum(Max(scales.max_scale(), 0))));
}

/* The sum where it is NaN or infinite, else NULL. */
PG_GUARDED Numeric NumericState::special() const
{
    if (nans > 0 || (positive_infinities > 0 && negative_infinities > 0))
        return numeric_constant("NaN");
    if (positive_infinities > 0)
        return numeric_constant("Infinity");
    return negative_infinities > 0 ? numeric_constant("-Infinity") : nullptr;
}

PG_GUARDED Datum NumericState::sum(Oid /*type*/) const
{
    Numeric result = special();
    return NumericGetDatum(result != nullptr ? result : shown_total());
}

PG_GUARDED Datum NumericState::average(Oid /*type*/) const
{
    Numeric result = special();
    if (result != nullptr)
        return NumericGetDatum(result);
    return DirectFunctionCall2(numeric_div, NumericGetDatum(shown_total()),
                               DirectFunctionCall1(int8_numeric, Int64GetDatum(count)));
}

PG_GUARDED void NumericState::encode(kernels::Writer &writer) const
{
    writer.signed_varint(count);
    writer.signed_varint(nans);
    writer.signed_varint(positive_infinities);
    writer.signed_varint(negative_infinities);
    scales.encode(writer);
    encode_numeric(writer, shown_total());
}

PG_GUARDED void NumericState::decode(kernels::Reader &reader, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    count = reader.signed_varint();
    nans = reader.signed_varint();
    positive_infinities = reader.signed_varint();
    negative_infinities = reader.signed_varint();
    scales = kernels::ScaleCounts::decode(reader, memory);
    total = decode_numeric(reader, arena);
}

} // namespace delta
