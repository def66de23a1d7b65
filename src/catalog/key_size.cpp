/*
 * key_size.cpp - whether an index has room for the keys of a row.
 *
 * A row of a btree has to fit a third of a page (BTMaxItemSize; PostgreSQL, access/nbtree.h).  Large values
 * are compressed to that end (index_form_tuple; access/common/indextuple.c), and so they are here, where it
 * comes to that.  What surrounds the values is reckoned generously.
 */
#include "catalog/key_index.hpp"

namespace catalog {

namespace {

/* How much room there is for keys, besides the head of the row and a value that isn't one. */
constexpr std::size_t room = BLCKSZ / 3 - 112;

/* What may come on top of a value: alignment, and the head of the array that it is wrapped in. */
constexpr std::size_t around_value = 8 + 24;

/* How many bytes a value of variable length takes, compressed if that is worth it. */
PG_GUARDED std::size_t stored_size(Datum value)
{
    const std::size_t raw = toast_raw_datum_size(value);
    if (raw <= TOAST_INDEX_TARGET)
        return raw;
    auto *flat = reinterpret_cast<varlena *>(PG_DETOAST_DATUM(value));
    const Datum compressed = pg::compress_datum(PointerGetDatum(flat));
    const std::size_t size = DatumGetPointer(compressed) == nullptr ? raw : VARSIZE_ANY(compressed);
    if (DatumGetPointer(compressed) != nullptr)
        pfree(DatumGetPointer(compressed));
    if (PointerGetDatum(flat) != value)
        pfree(flat);
    return size;
}

/* The size of a value, either as it would be stored or, at less expense, at most. */
PG_GUARDED std::size_t size_of(Oid type, Datum value, bool at_most)
{
    const int16 length = get_typlen(type);
    if (length > 0)
        return static_cast<std::size_t>(length);
    if (length == -2)
        return strlen(DatumGetCString(value)) + 1;
    return at_most ? toast_raw_datum_size(value) : stored_size(value);
}

/* The same of all keys, with what is around them. */
PG_GUARDED std::size_t size_of_keys(const model::Array<model::Key> &keys, const Datum *values,
                                    const bool *nulls, bool at_most)
{
    std::size_t size = 0;
    for (int i = 0; i < keys.size; i++)
        size += nulls[i] ? 0 : around_value + size_of(keys[i].type, values[i], at_most);
    return size;
}

} // namespace

PG_GUARDED bool are_too_long(const model::Array<model::Key> &keys, const Datum *values, const bool *nulls)
{
    return size_of_keys(keys, values, nulls, true) > room && size_of_keys(keys, values, nulls, false) > room;
}

} // namespace catalog
