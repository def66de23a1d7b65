/*
 * values.cpp - values of one type as the kernel of extremes takes them.
 *
 * A value that is folded out has to be recognized as the one that was folded in, so what counts as the same
 * is the image: the bytes of the value, decompressed and without its length word, which may have several
 * forms.  A composite value may have fields that are compressed or not, and looks the same; such types are
 * left out.  Stored are these bytes; a value that is passed by value is stored as a number.  Values of an
 * enum are Oids, which are others where a dump is restored: they are stored as their labels.  (ALTER TYPE ...
 * RENAME VALUE has the states computed anew; see rebuild/ddl.cpp.)
 *
 * A copy is an ordinary value with a four-byte length word, aligned as the arena aligns.
 */
#include "delta/values.hpp"

namespace delta {

namespace {

using kernels::Word;

PG_GUARDED const ValueOrder &order_of(const void *self)
{
    return *static_cast<const ValueOrder *>(self);
}

/* The bytes that tell what a value, which is not toasted, looks like. */
PG_GUARDED std::span<const unsigned char> image_of(const ValueOrder &order, Datum value)
{
    const char *bytes = DatumGetPointer(value);
    auto size = static_cast<std::size_t>(order.length);
    if (order.length == -1) {
        size = VARSIZE_ANY_EXHDR(bytes);
        bytes = VARDATA_ANY(bytes);
    } else if (order.length == -2) {
        size = strlen(bytes) + 1;
    }
    return {reinterpret_cast<const unsigned char *>(bytes), size};
}

/* Room that a copy of so many bytes takes, its length word included. */
PG_GUARDED std::size_t room_for(const ValueOrder &order, std::size_t size)
{
    return order.length == -1 ? VARHDRSZ + size : size;
}

/* A value of these bytes in that room. */
PG_GUARDED Datum build(const ValueOrder &order, char *room, std::span<const unsigned char> bytes)
{
    char *data = room;
    if (order.length == -1) {
        SET_VARSIZE(room, VARHDRSZ + bytes.size());
        data = VARDATA(room);
    }
    memmove(data, bytes.data(), bytes.size());
    return PointerGetDatum(room);
}

extern "C" {

PG_GUARDED static int compare_values(const void *self, Word left, Word right)
{
    const ValueOrder &order = order_of(self);
    const int result = ApplySortComparator(left, false, right, false, const_cast<SortSupport>(&order.order));
    if (result != 0 || left == right)
        return result;
    if (order.by_value)
        return left < right ? -1 : 1;
    const std::span<const unsigned char> a = image_of(order, left);
    const std::span<const unsigned char> b = image_of(order, right);
    const int difference = memcmp(a.data(), b.data(), Min(a.size(), b.size()));
    return difference != 0 ? difference : a.size() < b.size() ? -1 : static_cast<int>(a.size() > b.size());
}

PG_GUARDED static Word copy_value(const void *self, Word value, const Word *spare, kernels::Arena &arena)
{
    const ValueOrder &order = order_of(self);
    if (order.by_value)
        return value;
    const std::span<const unsigned char> bytes = image_of(order, value);
    const std::size_t wanted = room_for(order, bytes.size());
    if (spare != nullptr && wanted <= TYPEALIGN(16, room_for(order, image_of(order, *spare).size())))
        return build(order, DatumGetPointer(*spare), bytes);
    return build(order, static_cast<char *>(arena.allocate(arena.self, wanted)), bytes);
}

PG_GUARDED static void encode_value(const void *self, Word value, kernels::Writer &writer)
{
    const ValueOrder &order = order_of(self);
    if (order.by_label) {
        char *label = OutputFunctionCall(const_cast<FmgrInfo *>(&order.output), value);
        writer.block({reinterpret_cast<unsigned char *>(label), strlen(label)});
        pfree(label);
    } else if (order.by_value) {
        writer.signed_varint(static_cast<int64>(value));
    } else {
        writer.block(image_of(order, value));
    }
}

/* The value of an enum with a label. */
PG_GUARDED Word value_of_label(const ValueOrder &order, kernels::Reader &reader)
{
    const std::span<const unsigned char> bytes = reader.block(NAMEDATALEN - 1);
    if (!reader.ok())
        return 0;
    char *label = pnstrdup(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    const Datum value = InputFunctionCall(const_cast<FmgrInfo *>(&order.input), label, order.type, -1);
    pfree(label);
    return value;
}

PG_GUARDED static Word decode_value(const void *self, kernels::Reader &reader, kernels::Arena &arena)
{
    const ValueOrder &order = order_of(self);
    if (order.by_label)
        return value_of_label(order, reader);
    if (order.by_value)
        return static_cast<Word>(reader.signed_varint());
    const std::span<const unsigned char> bytes = reader.block(MaxAllocSize - VARHDRSZ);
    if (order.length > 0 && bytes.size() != static_cast<std::size_t>(order.length))
        reader.fail();
    if (order.length == -2 && (bytes.empty() || bytes.back() != '\0'))
        reader.fail();
    if (!reader.ok())
        return 0;
    return build(order, static_cast<char *>(arena.allocate(arena.self, room_for(order, bytes.size()))),
                 bytes);
}

} // extern "C"

PG_GUARDED void set_up_labels(ValueOrder *order)
{
    bool ignored;
    Oid function;
    order->type = getBaseType(order->type);
    getTypeOutputInfo(order->type, &function, &ignored);
    fmgr_info(function, &order->output);
    Oid element;
    getTypeInputInfo(order->type, &function, &element);
    fmgr_info(function, &order->input);
}

} // namespace

PG_GUARDED ValueOrder *make_value_order(Oid type, Oid collation, bool greatest_first)
{
    char ignored;
    auto *order = static_cast<ValueOrder *>(palloc0(sizeof(ValueOrder)));
    order->type = type;
    get_typlenbyvalalign(type, &order->length, &order->by_value, &ignored);
    order->order.ssup_cxt = CurrentMemoryContext;
    order->order.ssup_collation = collation;
    order->order.abbreviate = false;
    const TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);
    PrepareSortSupportFromOrderingOp(greatest_first ? entry->gt_opr : entry->lt_opr, &order->order);
    order->by_label = type_is_enum(getBaseType(type));
    if (order->by_label)
        set_up_labels(order);
    order->operations = {.compare = compare_values,
                         .copy = copy_value,
                         .encode = encode_value,
                         .decode = decode_value,
                         .self = order};
    return order;
}

PG_GUARDED bool comes_before(const ValueOrder &order, Datum left, Datum right)
{
    if (order.length == -1) {
        left = PointerGetDatum(PG_DETOAST_DATUM_PACKED(left));
        right = PointerGetDatum(PG_DETOAST_DATUM_PACKED(right));
    }
    return compare_values(&order, left, right) < 0;
}

} // namespace delta
