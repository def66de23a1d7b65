/*
 * multiplicities.hpp - how many rows of a group have each value that an aggregate with DISTINCT is over.
 */
#pragma once

#include "apply/probe.hpp"
#include "apply/writer.hpp"

namespace apply {

/* One table of multiplicities that is being written, and the changes that are to be made to it. */
class Multiplicities {
  public:
    /* Those of one of the view's distincts; the changes stay as they are until close(). */
    PG_GUARDED static Multiplicities *open(delta::Plan *plan, const delta::GroupTable &changes, int distinct);
    PG_GUARDED void close();

    /* A command of the transaction begins: what is written from now on belongs to it. */
    PG_GUARDED void begin_command() { apply::begin_command(rows_); }

    /* Has any value of the group another multiplicity than before? */
    PG_GUARDED bool has_changes(const delta::Group &change) const;

    /*
     * Change the multiplicities of a group, which is locked, under the keys that it is stored with; what
     * enters and leaves is folded into the group row.  False: what is stored can't be right.
     */
    PG_GUARDED bool adjust(const delta::Group &change, const Datum *keys, const bool *nulls,
                           delta::GroupRow *group);

  private:
    PG_GUARDED bool adjust_value(const delta::Group &entry, delta::GroupRow *group);
    PG_GUARDED void write(bool found, int64 count);

    int distinct_;
    const delta::Layout *layout_;          /* of the changes: see delta/groups.hpp */
    model::Array<delta::Group *> entries_; /* one for each group and value, those of a group together */
    int *starts_;                          /* of a group's entries, by its number */
    Relation table_;
    Writer *rows_;
    Probe *by_value_;
    TupleTableSlot *row_;
    Datum *keys_; /* of the group, then the value */
    bool *nulls_;
    MemoryContext scratch_;
};

} // namespace apply
