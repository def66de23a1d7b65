/*
 * layout.hpp - how a group lies in memory: a header, its key, the accumulators.
 */
#pragma once

#include "delta/accumulator.hpp"

namespace delta {

/* How one group key is hashed, compared, ordered and copied. */
struct KeyOperations {
    Oid type;
    Oid collation;
    int16 length;
    bool by_value;
    bool image;    /* told apart by how they look, see model::by_image; they have no order */
    bool plain;    /* equal exactly where the Datums are: no function needs to be called */
    bool hashable; /* else every value hashes alike, and equality has to do all the work */
    FmgrInfo equal;
    FmgrInfo hash;
    SortSupportData order; /* the btree order, NULLs last */
};

/* The shape that all groups of a view have. */
struct Layout {
    model::Array<KeyOperations> keys;
    model::Array<model::Accumulator> accumulators;
    std::size_t *offsets; /* of each accumulator in a group */
    ValueOrder **orders;  /* for each that keeps extremes; else NULL */
    std::size_t nulls;    /* offset of the keys' NULL flags */
    std::size_t size;     /* of a group */

    /* Of what a group table keeps beside the groups, for each of View::distincts: see groups.hpp. */
    model::Array<Layout *> values;
};

/* One group of a view, with the changes (or the contents) of its accumulators.  See Layout for what follows.
 */
struct alignas(8) Group {
    uint32 hash;
    uint32 number; /* of the group in its table; the keys that follow are 8-byte aligned */

    Datum *keys() noexcept { return reinterpret_cast<Datum *>(this + 1); }
    const Datum *keys() const noexcept { return reinterpret_cast<const Datum *>(this + 1); }
    bool *nulls(const Layout &layout) noexcept { return reinterpret_cast<bool *>(at(layout.nulls)); }
    const bool *nulls(const Layout &layout) const noexcept
    {
        return reinterpret_cast<const bool *>(reinterpret_cast<const char *>(this) + layout.nulls);
    }
    void *accumulator(const Layout &layout, int i) noexcept { return at(layout.offsets[i]); }
    const void *accumulator(const Layout &layout, int i) const noexcept
    {
        return reinterpret_cast<const char *>(this) + layout.offsets[i];
    }

    /* How many rows it has, or by how many more. */
    int64 rows(const Layout &layout) const noexcept { return count_of(accumulator(layout, 0)); }

  private:
    char *at(std::size_t offset) noexcept { return reinterpret_cast<char *>(this) + offset; }
};

static_assert(sizeof(Group) == 8 && std::is_trivially_destructible_v<Group>);

/* How keys are handled, in the current memory context. */
PG_GUARDED model::Array<KeyOperations> make_key_operations(const model::Array<model::Key> &keys);

/* The layout of groups with these keys and accumulators, in the current memory context. */
PG_GUARDED Layout *make_layout(const model::Array<model::Key> &keys,
                               const model::Array<model::Accumulator> &accumulators);

/* That of the values of the groups: their keys are the number of the group, and the value. */
PG_GUARDED Layout *make_values_layout(const model::Distinct &distinct);

/* Make the accumulators of a group, which are zero bytes, ready to be used. */
PG_GUARDED void prepare_accumulators(const Layout &layout, Group &group);

/* Are all accumulators of the group zero: has nothing changed? */
PG_GUARDED bool is_zero(const Layout &layout, Group &group);

/* Add the accumulators of another group. */
PG_GUARDED void merge(const Layout &layout, Group &group, const Group &other, Arena &arena);

/* Are the values of a key, none of them NULL, the same? */
PG_GUARDED bool same_key(KeyOperations &key, Datum left, Datum right);

/* A hash of how a value looks, once detoasted. */
PG_GUARDED uint32 image_hash(Datum value, const KeyOperations &key);

/* The order in which groups are locked, by every transaction alike: that of their keys, which are not by
 * image. */
PG_GUARDED int compare(const Layout &layout, const Group &left, const Group &right);

} // namespace delta
