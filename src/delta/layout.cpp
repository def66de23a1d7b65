/*
 * layout.cpp - how a group lies in memory, and what can be done with one as a whole.
 *
 * What counts as the same group is what GROUP BY takes for it: the equality operator of the query, under the
 * collation of the key, NULLs equal; and for rows that aren't grouped, how they look.  The hash function is
 * the one that goes with the operator; a type that has none still works, at the price of comparing with every
 * group.
 */
#include "delta/layout.hpp"

namespace delta {

namespace {

/* Types whose values are equal exactly where their Datums are. */
constexpr Oid plain_types[] = {BOOLOID, CHAROID,      INT2OID,        INT4OID, INT8OID, OIDOID,
                               DATEOID, TIMESTAMPOID, TIMESTAMPTZOID, CASHOID, TIMEOID};

/* The fast path is taken only for the operators that the types come with. */
PG_GUARDED bool is_plain(Oid type, Oid equality_function)
{
    bool plain = false;
    for (Oid known : plain_types)
        plain = plain || known == type;
    return plain && FLOAT8PASSBYVAL && equality_function < FirstNormalObjectId;
}

extern "C" {
/* The order of values that have none: that of their hashes.  Whose are the same, or unknown, may come in any.
 */
PG_GUARDED static int compare_hashes(Datum left, Datum right, SortSupport order)
{
    auto *key = static_cast<KeyOperations *>(order->ssup_extra);
    if (!key->hashable)
        return 0;
    const uint32 one = DatumGetUInt32(FunctionCall1Coll(&key->hash, key->collation, left));
    const uint32 other = DatumGetUInt32(FunctionCall1Coll(&key->hash, key->collation, right));
    return one < other ? -1 : static_cast<int>(one > other);
}
}

PG_GUARDED void set_up_key(const model::Key &key, KeyOperations *operations)
{
    char ignored;
    operations->type = key.type;
    operations->collation = key.collation;
    get_typlenbyvalalign(key.type, &operations->length, &operations->by_value, &ignored);
    operations->image = model::by_image(key);
    operations->plain = operations->image && operations->by_value;
    if (operations->image)
        return;

    const Oid equality = get_opcode(key.equality);
    fmgr_info(equality, &operations->equal);
    operations->plain = is_plain(getBaseType(key.type), equality);

    Oid left;
    Oid right;
    /* Whether arrays and rows can be hashed depends on what is in them. */
    operations->hashable = op_hashjoinable(key.equality, getBaseType(key.type)) &&
                           get_op_hash_functions(key.equality, &left, &right) && left == right;
    if (operations->hashable)
        fmgr_info(left, &operations->hash);

    operations->order.ssup_cxt = CurrentMemoryContext;
    operations->order.ssup_collation = key.collation;
    operations->order.ssup_nulls_first = false;
    operations->order.abbreviate = false;
    if (OidIsValid(key.less_than)) {
        PrepareSortSupportFromOrderingOp(key.less_than, &operations->order);
        return;
    }
    operations->order.ssup_extra = operations;
    operations->order.comparator = compare_hashes;
}

} // namespace

PG_GUARDED model::Array<KeyOperations> make_key_operations(const model::Array<model::Key> &keys)
{
    model::Array<KeyOperations> operations = {
        .data = static_cast<KeyOperations *>(palloc0(sizeof(KeyOperations) * (keys.size + 1))),
        .size = keys.size};
    for (int i = 0; i < keys.size; ++i)
        set_up_key(keys[i], &operations[i]);
    return operations;
}

PG_GUARDED uint32 image_hash(Datum value, const KeyOperations &key)
{
    if (key.length == -1) {
        const auto *flat = reinterpret_cast<varlena *>(PG_DETOAST_DATUM_PACKED(value));
        return DatumGetUInt32(pg::hash_bytes(VARDATA_ANY(flat), VARSIZE_ANY_EXHDR(flat)));
    }
    return DatumGetUInt32(pg::hash_bytes(DatumGetPointer(value), datumGetSize(value, false, key.length)));
}

PG_GUARDED Layout *make_layout(const model::Array<model::Key> &keys,
                               const model::Array<model::Accumulator> &accumulators)
{
    auto *layout = static_cast<Layout *>(palloc0(sizeof(Layout)));
    layout->keys = make_key_operations(keys);

    layout->accumulators = accumulators;
    layout->offsets = static_cast<std::size_t *>(palloc(sizeof(std::size_t) * accumulators.size));
    layout->nulls = sizeof(Group) + sizeof(Datum) * keys.size;
    std::size_t offset = TYPEALIGN(16, layout->nulls + sizeof(bool) * keys.size);
    for (int i = 0; i < accumulators.size; ++i) {
        layout->offsets[i] = offset;
        offset += state_size(accumulators[i].kind);
    }
    layout->size = offset;

    layout->orders = static_cast<ValueOrder **>(palloc0(sizeof(void *) * accumulators.size));
    for (int i = 0; i < accumulators.size; ++i)
        if (model::keeps_extremes(accumulators[i].kind))
            layout->orders[i] = make_value_order(accumulators[i].input_type, accumulators[i].collation,
                                                 accumulators[i].kind == model::AccumulatorKind::Greatest);
    return layout;
}

PG_GUARDED Layout *make_values_layout(const model::Distinct &distinct)
{
    model::Key keys[] = {{}, distinct.value};
    keys[0].type = INT4OID;
    keys[0].equality = Int4EqualOperator;
    keys[0].less_than = Int4LessOperator;
    auto *rows = static_cast<model::Accumulator *>(palloc0(sizeof(model::Accumulator)));
    rows->kind = model::AccumulatorKind::Rows;
    return make_layout({.data = keys, .size = 2}, {.data = rows, .size = 1});
}

PG_GUARDED void prepare_accumulators(const Layout &layout, Group &group)
{
    for (int i = 0; i < layout.accumulators.size; ++i)
        if (layout.orders[i] != nullptr)
            static_cast<ExtremesState *>(group.accumulator(layout, i))->order = layout.orders[i];
}

PG_GUARDED bool is_zero(const Layout &layout, Group &group)
{
    for (int i = 0; i < layout.accumulators.size; ++i) {
        const bool zero = visit(layout.accumulators[i].kind, group.accumulator(layout, i),
                                [](const auto &state) { return state.is_zero(); });
        if (!zero)
            return false;
    }
    return true;
}

PG_GUARDED void merge(const Layout &layout, Group &group, const Group &other, Arena &arena)
{
    for (int i = 0; i < layout.accumulators.size; ++i)
        merge(layout.accumulators[i].kind, group.accumulator(layout, i), other.accumulator(layout, i), arena);
}

PG_GUARDED int compare(const Layout &layout, const Group &left, const Group &right)
{
    for (int i = 0; i < layout.keys.size; ++i) {
        const int order = ApplySortComparator(left.keys()[i], left.nulls(layout)[i], right.keys()[i],
                                              right.nulls(layout)[i], &layout.keys[i].order);
        if (order != 0)
            return order;
    }
    return 0;
}

} // namespace delta
