/*
 * bits.cpp - what a group keeps of an input that is looked at bit by bit: bit_and, bit_or, bit_xor, bool_and,
 * every and bool_or.
 *
 * Values are counted as the bits of their own width, those of negative integers in two's complement, so a
 * result is turned back by a cast.  A boolean is one bit.  The results follow int2and, int2or, int2xor and
 * their kin, and bool_alltrue and bool_anytrue (PostgreSQL, utils/adt/int.c, int8.c, bool.c).
 */
#include "delta/accumulator.hpp"

namespace delta {

namespace {

PG_GUARDED uint64 bits_of(Oid type, Datum value)
{
    switch (type) {
    case BOOLOID:
        return DatumGetBool(value) ? 1 : 0;
    case INT2OID:
        return static_cast<uint16>(DatumGetInt16(value));
    case INT4OID:
        return static_cast<uint32>(DatumGetInt32(value));
    default:
        return static_cast<uint64>(DatumGetInt64(value));
    }
}

PG_GUARDED Datum value_of(Oid type, uint64 bits)
{
    switch (type) {
    case BOOLOID:
        return BoolGetDatum(bits != 0);
    case INT2OID:
        return Int16GetDatum(static_cast<int16>(bits));
    case INT4OID:
        return Int32GetDatum(static_cast<int32>(bits));
    default:
        return Int64GetDatum(static_cast<int64>(bits));
    }
}

} // namespace

PG_GUARDED void BitsState::fold(Oid type, Datum value, Sign sign, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    count += as_number(sign);
    if (sign == Sign::In)
        bits.add(bits_of(type, value), memory);
    else
        bits.remove(bits_of(type, value), memory);
}

PG_GUARDED void BitsState::merge(const BitsState &other, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    count += other.count;
    bits.merge(other.bits, memory);
}

PG_GUARDED void BitsState::encode(kernels::Writer &writer) const
{
    writer.signed_varint(count);
    bits.encode(writer);
}

PG_GUARDED void BitsState::decode(kernels::Reader &reader, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    count = reader.signed_varint();
    bits = kernels::BitCounts::decode(reader, memory);
}

PG_GUARDED Datum BitsState::result(model::AggregateFunction function, Oid type, bool * /*null*/) const
{
    using model::AggregateFunction;
    return value_of(type, function == AggregateFunction::BitAnd  ? bits.in_all(count)
                          : function == AggregateFunction::BitOr ? bits.in_any()
                                                                 : bits.in_odd());
}

} // namespace delta
