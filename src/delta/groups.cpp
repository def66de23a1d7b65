/*
 * groups.cpp - the groups that a transaction changes, by key: open addressing with linear probing.
 *
 * The slots hold indexes, so that growing them moves four bytes a group, and the groups stay where they are.
 * An ERROR inside leaves at worst a group that was allocated and not entered; the transaction or
 * subtransaction that owned the table is over then anyway.
 */
#include "delta/groups.hpp"

namespace delta {

namespace {

constexpr uint32 first_slots = 16;
constexpr uint32 null_hash = 0x9e3779b9;

/* Spread the bits of a plain Datum over 32 (the finalizer of MurmurHash3). */
uint32 mix(Datum datum) noexcept
{
    uint64 bits = datum;
    bits = (bits ^ (bits >> 33)) * UINT64CONST(0xff51afd7ed558ccd);
    bits = (bits ^ (bits >> 33)) * UINT64CONST(0xc4ceb9fe1a85ec53);
    return static_cast<uint32>(bits ^ (bits >> 33));
}

extern "C" {
PG_GUARDED static int compare_groups(const void *left, const void *right, void *layout)
{
    return compare(*static_cast<const Layout *>(layout), **static_cast<Group *const *>(left),
                   **static_cast<Group *const *>(right));
}
}

} // namespace

PG_GUARDED bool same_key(KeyOperations &key, Datum left, Datum right)
{
    if (key.plain)
        return left == right;
    if (key.image)
        return pg::datum_image_eq(left, right, key.by_value, key.length);
    return DatumGetBool(FunctionCall2Coll(&key.equal, key.collation, left, right));
}

PG_GUARDED GroupTable *GroupTable::create(const Layout *layout, MemoryContext parent)
{
    MemoryContext memory = AllocSetContextCreate(parent, "pg_imat groups", ALLOCSET_SMALL_SIZES);
    auto *table = static_cast<GroupTable *>(MemoryContextAllocZero(memory, sizeof(GroupTable)));
    table->memory_ = memory;
    table->layout_ = layout;
    table->arena_ = Arena(memory);
    table->slots_ = static_cast<uint32 *>(MemoryContextAllocZero(memory, sizeof(uint32) * first_slots));
    table->groups_ = static_cast<Group **>(MemoryContextAlloc(memory, sizeof(void *) * first_slots / 2));
    table->mask_ = first_slots - 1;

    const int distincts = layout->values.size;
    table->values_ = static_cast<GroupTable **>(MemoryContextAlloc(memory, sizeof(void *) * (distincts + 1)));
    for (int i = 0; i < distincts; ++i)
        table->values_[i] = create(layout->values[i], memory);
    return table;
}

PG_GUARDED uint32 GroupTable::hash(const Datum *keys, const bool *nulls) const
{
    uint32 result = 0;
    for (int i = 0; i < layout_->keys.size; ++i) {
        KeyOperations &key = layout_->keys[i];
        uint32 part = 0;
        if (nulls[i])
            part = null_hash;
        else if (key.plain)
            part = mix(keys[i]);
        else if (key.image)
            part = image_hash(keys[i], key);
        else if (key.hashable)
            part = DatumGetUInt32(FunctionCall1Coll(&key.hash, key.collation, keys[i]));
        result = ((result << 1) | (result >> 31)) ^ part;
    }
    return result;
}

PG_GUARDED bool GroupTable::matches(const Group &group, uint32 hash, const Datum *keys,
                                    const bool *nulls) const
{
    if (group.hash != hash)
        return false;
    for (int i = 0; i < layout_->keys.size; ++i)
        if (nulls[i] != group.nulls(*layout_)[i] ||
            (!nulls[i] && !same_key(layout_->keys[i], keys[i], group.keys()[i])))
            return false;
    return true;
}

PG_GUARDED Group *GroupTable::add(uint32 hash, const Datum *keys, const bool *nulls)
{
    auto *group = static_cast<Group *>(arena_.allocate(layout_->size));
    memset(static_cast<void *>(group), 0, layout_->size);
    prepare_accumulators(*layout_, *group);
    group->hash = hash;
    group->number = static_cast<uint32>(size_);
    std::size_t total = 0;
    for (int i = 0; i < layout_->keys.size; ++i) {
        const KeyOperations &key = layout_->keys[i];
        const bool null = nulls[i]; // NOLINT(clang-analyzer-core.*): it loses sight of the number of keys
        group->nulls(*layout_)[i] = null;
        if (null)
            continue;
        if (key.by_value) {
            group->keys()[i] = keys[i];
        } else {
            const Datum flat = key.length == -1 ? PointerGetDatum(PG_DETOAST_DATUM_PACKED(keys[i])) : keys[i];
            const Size length = datumGetSize(flat, false, key.length);
            void *copy = arena_.allocate(length);
            memcpy(copy, DatumGetPointer(flat), length);
            group->keys()[i] = PointerGetDatum(copy);
            total += length;
        }
    }
    longest_ = Max(longest_, total);
    return group;
}

PG_GUARDED void GroupTable::grow()
{
    const uint32 slots = (mask_ + 1) * 2;
    groups_ = static_cast<Group **>(repalloc_huge(groups_, sizeof(void *) * (slots / 2)));
    auto *fresh = static_cast<uint32 *>(
        MemoryContextAllocExtended(memory_, sizeof(uint32) * slots, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
    for (int i = 0; i < size_; ++i) {
        uint32 slot = groups_[i]->hash & (slots - 1);
        while (fresh[slot] != 0)
            slot = (slot + 1) & (slots - 1);
        fresh[slot] = static_cast<uint32>(i) + 1;
    }
    pfree(slots_);
    slots_ = fresh;
    mask_ = slots - 1;
}

PG_GUARDED Group *GroupTable::find_or_add(uint32 wanted, const Datum *keys, const bool *nulls)
{
    uint32 slot = wanted & mask_;
    for (; slots_[slot] != 0; slot = (slot + 1) & mask_) {
        Group *group = groups_[slots_[slot] - 1];
        if (matches(*group, wanted, keys, nulls))
            return group;
    }
    if (static_cast<uint32>(size_) >= (mask_ + 1) / 2) {
        grow();
        for (slot = wanted & mask_; slots_[slot] != 0; slot = (slot + 1) & mask_)
            ;
    }
    Group *group = add(wanted, keys, nulls);
    groups_[size_] = group;
    slots_[slot] = static_cast<uint32>(++size_);
    return group;
}

PG_GUARDED Group *GroupTable::find_or_add(const Datum *keys, const bool *nulls)
{
    return find_or_add(hash(keys, nulls), keys, nulls);
}

PG_GUARDED Group *GroupTable::find_or_add(const Datum *keys, const bool *nulls, const Group &like)
{
    if (like.number < static_cast<uint32>(size_) && matches(*groups_[like.number], like.hash, keys, nulls))
        return groups_[like.number];
    return find_or_add(like.hash, keys, nulls);
}

PG_GUARDED int GroupTable::find(const Datum *keys, const bool *nulls) const
{
    const uint32 wanted = hash(keys, nulls);
    for (uint32 slot = wanted & mask_; slots_[slot] != 0; slot = (slot + 1) & mask_)
        if (matches(*groups_[slots_[slot] - 1], wanted, keys, nulls))
            return static_cast<int>(slots_[slot]) - 1;
    return -1;
}

PG_GUARDED void GroupTable::count_value(int distinct, const Group &group, Datum value, int64 rows)
{
    const Datum keys[] = {Int32GetDatum(static_cast<int32>(group.number)), value};
    const bool nulls[] = {false, false};
    GroupTable *values = values_[distinct];
    Assert(values->layout().keys.size == lengthof(keys));
    Group *entry = values->find_or_add(keys, nulls);
    static_cast<CountState *>(entry->accumulator(values->layout(), 0))->count += rows;
}

/* Add the values of another table, whose groups have other numbers here. */
PG_GUARDED void GroupTable::merge_values(const GroupTable &other, const uint32 *numbers)
{
    for (int i = 0; i < layout_->values.size; ++i) {
        for (const Group *entry : other.values_[i]->in_order()) {
            Group own = {};
            own.number = numbers[DatumGetInt32(entry->keys()[0])];
            count_value(i, own, entry->keys()[1], entry->rows(*layout_->values[i]));
        }
    }
}

PG_GUARDED void GroupTable::merge(const GroupTable &other)
{
    const bool with_values = layout_->values.size > 0;
    auto *numbers =
        with_values
            ? static_cast<uint32 *>(MemoryContextAllocHuge(memory_, sizeof(uint32) * (other.size_ + 1)))
            : nullptr;
    for (int i = 0; i < other.size_; ++i) {
        const Group &group = *other.groups_[i];
        Group *own = find_or_add(group.keys(), group.nulls(*layout_));
        delta::merge(*layout_, *own, group, arena_);
        if (with_values)
            numbers[group.number] = own->number;
    }
    if (with_values) {
        merge_values(other, numbers);
        pfree(numbers);
    }
}

/* Sorting moves the groups under the slots, so nothing can be looked up afterwards: the slots are rebuilt. */
PG_GUARDED model::Array<Group *> GroupTable::sorted()
{
    qsort_arg(groups_, size_, sizeof(void *), compare_groups, const_cast<Layout *>(layout_));
    memset(slots_, 0, sizeof(uint32) * (mask_ + 1));
    for (int i = 0; i < size_; ++i) {
        uint32 slot = groups_[i]->hash & mask_;
        while (slots_[slot] != 0)
            slot = (slot + 1) & mask_;
        slots_[slot] = static_cast<uint32>(i) + 1;
    }
    return {.data = groups_, .size = size_};
}

} // namespace delta
