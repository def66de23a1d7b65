/*
 * upper.hpp - the upper query of a view (model::View::upper), planned, and what LIMIT lets one know of it.
 */
#pragma once

#include "delta/groups.hpp"
#include "delta/plan.hpp"
#include "pg/settled.hpp"

namespace delta {

/*
 * Where nothing but LIMIT and OFFSET stands on top of groups: how what a group shows is compared with the
 * last row that is there.  Groups that come behind it make no difference.
 */
struct Limit {
    int64 count;             /* so many rows are shown if there are enough */
    ExprState *having;       /* over what the state table keeps; NULL: all groups */
    ProjectionInfo *targets; /* to what the table shows */
    TupleTableSlot *group;   /* what is kept of a group */
    int size;                /* of what follows */
    int *columns;            /* of the table, from 0 on, that decide on the order, the first ones of it */
    SortSupportData *order;
};

/* Compile what the upper query needs, into plan->rows, plan->pairing, plan->shown and plan->limit. */
PG_GUARDED void compile_upper(Plan *plan);

/* What the state table keeps of each group, as a row type. */
PG_GUARDED TupleDesc kept_type(const Plan &plan);

/*
 * Run the upper query over the state table, as the reading shows it, and fold the rows into the groups, which
 * are of plan->rows.  Under as_maintainer.
 */
PG_GUARDED void fold_upper(Plan *plan, GroupTable *rows, pg::Reading reading);

/* Fold a row that the table shows into such groups, or out of them. */
PG_GUARDED void fold_shown(Plan *plan, GroupTable *rows, TupleTableSlot *row, Sign sign);

} // namespace delta
