/*
 * values.hpp - values of one type as the kernel of extremes takes them: ordered, copied, stored.
 */
#pragma once

#include "kernels/kernels.hpp"
#include "pg/seam.hpp"

namespace delta {

struct ValueOrder {
    Oid type;
    int16 length;
    bool by_value;
    SortSupportData order;
    bool by_label; /* an enum, whose values are Oids, but stored as labels */
    FmgrInfo output;
    FmgrInfo input;
    kernels::ValueOperations operations; /* of which self is this */
};

/*
 * The btree order of the type under the collation, or the opposite one; values that are equal but look
 * different are told apart by what they look like.  In the current memory context; stays where it is.
 */
PG_GUARDED ValueOrder *make_value_order(Oid type, Oid collation, bool greatest_first);

/* Comes the left value before the right one? */
PG_GUARDED bool comes_before(const ValueOrder &order, Datum left, Datum right);

} // namespace delta
