/*
 * groups.hpp - the groups that a transaction changes, by key.
 *
 * A hash table from key to Group that only grows; it lives in a memory context of its own and ends with it.
 *
 * For aggregates with DISTINCT it has further tables: by group and value, how many more rows of the group
 * have the value.  A group is named there by its number, which it keeps wherever it stands.
 */
#pragma once

#include "delta/layout.hpp"

namespace delta {

class GroupTable {
  public:
    /* Make an empty table for the layout, in a child of the context. */
    PG_GUARDED static GroupTable *create(const Layout *layout, MemoryContext parent);

    /* Free it. */
    PG_GUARDED void destroy() { MemoryContextDelete(memory_); }

    /* The group with the key: found, or added with empty accumulators and a copy of the key. */
    PG_GUARDED Group *find_or_add(const Datum *keys, const bool *nulls);

    /*
     * The same for a group of another table whose keys are handled alike, and have been hashed there.  Where
     * both tables have seen the same groups in the same order, it is known by its number.
     */
    PG_GUARDED Group *find_or_add(const Datum *keys, const bool *nulls, const Group &like);

    /* The groups as they are, in the order of sorted() if nothing was added since. */
    model::Array<Group *> in_order() const noexcept { return {.data = groups_, .size = size_}; }

    /* The place of the group with the key in what sorted() gave last; -1: there is none. */
    PG_GUARDED int find(const Datum *keys, const bool *nulls) const;

    /* The values of the groups for one of View::distincts: the keys are a group's number and a value. */
    GroupTable *values(int distinct) const noexcept { return values_[distinct]; }

    /* So many more rows of the group have the value, which is not NULL. */
    PG_GUARDED void count_value(int distinct, const Group &group, Datum value, int64 rows);

    /* Add all groups of another table with the same layout. */
    PG_GUARDED void merge(const GroupTable &other);

    /* The groups in the order of their keys; the array is the table's own. */
    PG_GUARDED model::Array<Group *> sorted();

    /* From now on add up hashes of the rows that are folded in, and take off those of rows folded out. */
    void keep_digest() noexcept { keeps_digest_ = true; }
    bool keeps_digest() const noexcept { return keeps_digest_; }
    void add_to_digest(uint64 hash) noexcept { digest_ += hash; }
    uint64 digest() const noexcept { return digest_; }

    Arena &arena() noexcept { return arena_; }
    const Layout &layout() const noexcept { return *layout_; }
    int size() const noexcept { return size_; }

    /* How many bytes the keys of a group take at most, but for those that are passed by value. */
    std::size_t longest_keys() const noexcept { return longest_; }

    /* Bytes of memory it takes. */
    PG_GUARDED std::size_t bytes() const { return pg::memory_allocated(memory_); }

  private:
    PG_GUARDED Group *find_or_add(uint32 wanted, const Datum *keys, const bool *nulls);
    PG_GUARDED uint32 hash(const Datum *keys, const bool *nulls) const;
    PG_GUARDED bool matches(const Group &group, uint32 hash, const Datum *keys, const bool *nulls) const;
    PG_GUARDED Group *add(uint32 hash, const Datum *keys, const bool *nulls);
    PG_GUARDED void grow();
    PG_GUARDED void merge_values(const GroupTable &other, const uint32 *numbers);

    MemoryContext memory_;
    const Layout *layout_;
    Arena arena_;
    Group **groups_; /* in the order in which they came */
    int size_;
    uint32 *slots_; /* open addressing: index into groups_ plus one, or 0 */
    uint32 mask_;
    GroupTable **values_; /* one for each of View::distincts */
    std::size_t longest_;
    uint64 digest_;
    bool keeps_digest_;
};

} // namespace delta
