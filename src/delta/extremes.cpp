/*
 * extremes.cpp - what a group keeps of an input whose first value in some order is asked for: min and max,
 * and any_value, for which the least will do.
 *
 * The count is kept with every change.  The values are kept as far as the kernel sees; where it has lost
 * sight of the extremum the rows are asked (lost.cpp).
 */
#include "delta/accumulator.hpp"

namespace delta {

namespace {

/* Values that are so large in total are not kept for the future, but for the first. */
constexpr int64 most_bytes = 2048;

} // namespace

PG_GUARDED void ExtremesState::fold(Oid /*type*/, Datum value, Sign sign, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    count += as_number(sign);
    if (order->length == -1)
        value = PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
    values.add(value, as_number(sign), order->operations, memory);
}

PG_GUARDED void ExtremesState::merge(const ExtremesState &other, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    count += other.count;
    values.merge(other.values, order->operations, memory);
}

PG_GUARDED void ExtremesState::encode(kernels::Writer &writer) const
{
    writer.signed_varint(count);
    values.encode(writer, order->operations);
}

PG_GUARDED void ExtremesState::decode(kernels::Reader &reader, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    count = reader.signed_varint();
    values = kernels::Extremes::decode(reader, order->operations, memory);
}

PG_GUARDED Datum ExtremesState::result(model::AggregateFunction /*function*/, Oid /*type*/, bool *null) const
{
    const kernels::Word *extremum = values.extremum();
    *null = extremum == nullptr;
    return *null ? Datum{} : *extremum;
}

PG_GUARDED void ExtremesState::settle()
{
    values.settle(count);
    if (order->by_value)
        return;
    int64 bytes = 0;
    for (int i = 0; i < values.size(); ++i) {
        bytes += static_cast<int64>(datumGetSize(values.value(i), false, order->length));
        if (i > 0 && bytes > most_bytes && values.extremum() != nullptr) {
            values.keep_first(i);
            break;
        }
    }
}

PG_GUARDED bool ExtremesState::take(const ExtremesState &found, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    values = {};
    values.merge(found.values, order->operations, memory);
    settle();
    return found.count == 0 || found.count == count;
}

PG_GUARDED void ExtremesState::show(const ExtremesState &found, Arena &arena)
{
    kernels::Arena memory = arena.for_kernels();
    const kernels::Word *extremum = found.values.extremum();
    if (extremum != nullptr)
        values.show(*extremum, order->operations, memory);
}

} // namespace delta
