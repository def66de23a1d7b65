/*
 * group_row.hpp - one group as it is stored: read it, add a change, show it again.
 */
#pragma once

#include "delta/groups.hpp"
#include "delta/plan.hpp"

namespace delta {

/*
 * The accumulators of one group at a time, between what is stored (the visible row, or the bytes in the state
 * table) and what is to be stored.  Made once for many groups; everything it returns is valid until clear().
 */
class GroupRow {
  public:
    PG_GUARDED static GroupRow *create(const Plan *plan, MemoryContext parent);
    PG_GUARDED void destroy() { MemoryContextDelete(memory_); }

    /* Forget the last group: the accumulators are empty. */
    PG_GUARDED void clear();

    /* Take the accumulators from the visible row of a view without a state table, or from state bytes. */
    PG_GUARDED void read_visible(TupleTableSlot *row);
    PG_GUARDED void read_state(Datum state);

    /* Take one accumulator from bytes that imat.accumulate made; NULL bytes: it is empty. */
    PG_GUARDED void read_rows(int64 rows);
    PG_GUARDED void read_accumulator(int i, Datum bytes, bool null);

    /*
     * Add a change.  False: the outcome has less than no rows, so what is stored can't be right.  What it
     * does to the values of DISTINCT comes by fold_value.
     */
    PG_GUARDED bool add(const Group &change);

    /* A value of one of View::distincts comes into the group, or leaves it. */
    PG_GUARDED void fold_value(int distinct, Datum value, Sign sign);

    /* Has the group as many values of DISTINCT as it may have?  Not less than none, nor more than rows. */
    PG_GUARDED bool has_sound_values() const;

    /*
     * Has it values of which the extremum isn't known?  Then note which, for find_lost; and take what that
     * has found.  shown_only: until the next change.  False: what was found can't be all there is.
     */
    PG_GUARDED bool is_lost() const;
    PG_GUARDED void note_lost(GroupTable *lost, const Datum *keys, const bool *nulls) const;
    PG_GUARDED bool take_found(const Group &found, bool shown_only);

    /* Is nothing in it? */
    PG_GUARDED bool is_zero() const { return delta::is_zero(*plan_->layout, *group_); }

    int64 rows() const noexcept { return group_->rows(*plan_->layout); }

    /* Is the group of this key there also when it has no rows? */
    bool stays(const Datum *keys) const noexcept;

    /* The row that shows the group under this key; NULL: it is empty, or HAVING hides it. */
    PG_GUARDED TupleTableSlot *visible(const Datum *keys, const bool *nulls);

    /* The bytes that the state table keeps: a bytea. */
    PG_GUARDED Datum state();

  private:
    PG_GUARDED ExtremesState *extremes(int i) const;
    PG_GUARDED void finish_reading(const kernels::Reader &reader, bool ok) const;

    MemoryContext memory_;  /* this */
    MemoryContext scratch_; /* the group */
    const Plan *plan_;
    Arena arena_;
    Group *group_;
};

} // namespace delta
