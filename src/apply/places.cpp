/*
 * places.cpp - where the rows of groups were found last: a table of fixed slots, later ones win.
 *
 * A place may have become another row's, or nobody's; only a page that isn't there would be an error.  Pages
 * are cut off under AccessExclusiveLock, so as long as the table is locked it stays as long as it is.
 */
#include "apply/places.hpp"

namespace apply {

namespace {

constexpr uint32 first_size = 256;
constexpr uint32 most_size = 4096;

} // namespace

PG_GUARDED Places *Places::create(MemoryContext memory)
{
    auto *places = static_cast<Places *>(MemoryContextAllocZero(memory, sizeof(Places)));
    places->memory_ = memory;
    places->mask_ = first_size - 1;
    places->entries_ = static_cast<Entry *>(MemoryContextAllocZero(memory, sizeof(Entry) * first_size));
    return places;
}

PG_GUARDED void Places::attach(Relation table)
{
    const Oid file = pg::file_of(table);
    if (file_ != file)
        memset(static_cast<void *>(entries_), 0, sizeof(Entry) * (mask_ + 1));
    file_ = file;
    blocks_ = RelationGetNumberOfBlocks(table);
}

PG_GUARDED const ItemPointerData *Places::find(uint32 hash) const
{
    const Entry &entry = entries_[hash & mask_];
    const bool known = entry.hash == hash && ItemPointerIsValid(&entry.where) &&
                       ItemPointerGetBlockNumber(&entry.where) < blocks_;
    return known ? &entry.where : nullptr;
}

PG_GUARDED void Places::note(uint32 hash, ItemPointerData where)
{
    Entry *entry = &entries_[hash & mask_];
    if (ItemPointerIsValid(&entry->where) && entry->hash != hash && ++displaced_ > mask_ / 4 &&
        mask_ + 1 < most_size) {
        grow();
        entry = &entries_[hash & mask_];
    }
    *entry = {.hash = hash, .where = where};
}

PG_GUARDED void Places::grow()
{
    const uint32 mask = mask_ * 4 + 3;
    auto *entries = static_cast<Entry *>(MemoryContextAllocZero(memory_, sizeof(Entry) * (mask + 1)));
    for (uint32 i = 0; i <= mask_; ++i)
        if (ItemPointerIsValid(&entries_[i].where))
            entries[entries_[i].hash & mask] = entries_[i];
    pfree(entries_);
    entries_ = entries;
    mask_ = mask;
    displaced_ = 0;
}

} // namespace apply
