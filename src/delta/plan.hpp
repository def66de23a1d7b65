/*
 * plan.hpp - a view, compiled: what a session keeps to maintain an IMAT without analysing or planning
 * anything a second time.
 *
 * Plans are cached per session, each in a memory context of its own, and dropped when a relation, function or
 * type that they depend on changes.  Pending changes may still be in a dropped plan's layout; so plans are
 * counted, and freed by the last one who lets go.
 */
#pragma once

#include "catalog/catalog.hpp"
#include "delta/layout.hpp"
#include "pg/scope.hpp"

namespace apply {
struct ProbePlan;
}

namespace delta {

struct Limit;

struct Plan {
    MemoryContext memory;
    int references;       /* the cache's, and one for each set of pending changes */
    bool takes_long_keys; /* its indexes were seen to do so */
    bool stale;           /* something that it depends on has changed */

    catalog::Registration registration;
    model::View *view;
    model::Strategy strategy; /* what is done: Delta, Keyed or Swap */
    Oid owner;
    uint64 fingerprint; /* of all that the shape of pending changes depends on */
    bool foreign_code;  /* maintenance runs code that doesn't come with PostgreSQL */

    /* For Delta and Keyed. */
    Layout *layout;
    ExprContext *context;
    List *terms;        /* over a join: of Term, see join.cpp */
    List *join_lookups; /* over a join: of Lookup, see lookup.cpp */

    TupleDesc input_type; /* of what is folded: the keys, then the input of each accumulator but the first */

    /* The keys of a row in one of several grouping sets: room for them. */
    Datum *set_keys;
    bool *set_nulls;

    /* For Delta and Keyed over one table: from its row to keys and inputs. */
    TupleTableSlot *source_row; /* as transition tables have it */
    Bitmapset *columns_read;    /* of it, counted from 0 */
    ExprState *filter;          /* NULL: all rows */
    ProjectionInfo *inputs;     /* to input_type */
    ProjectionInfo *own_inputs; /* the same without the keys, which are NULL: see Folding */

    /* For bags: how output rows are told apart, and how what they are paired by is compared. */
    Layout *rows;
    model::Array<KeyOperations> pairing;

    /* Where there is an upper query: what it shows. */
    TupleDesc shown;
    Limit *limit;       /* see upper.hpp; NULL: nothing is known of it */
    PlannedStmt *upper; /* NULL: not planned yet */
    bool upper_serializable;

    /* For Delta: from a group to the row that shows it. */
    TupleTableSlot *group_row; /* the keys, then the aggregates */
    ExprState *having;         /* NULL: all groups */
    ProjectionInfo *outputs;
    List *lookups; /* of Lookup, see lost.cpp */

    /* For Keyed. */
    TupleDesc visible;    /* the row that shows a group */
    List *recomputations; /* of Recomputation, see recompute.cpp */
    Query *definition;    /* where it is this that computes anew: with exact sums */
    List *shown_keys; /* then: what its columns show of the keys, over FROM of the level that is restricted */
    int parted_depth; /* how many levels are around that one */
    List *searches;   /* there, too: of ReferenceSearch, see affected.cpp */

    /* For room apply: how rows of the table, and of its state table, are found by key; NULL: not found out
     * yet. */
    apply::ProbePlan *row_probe;
    apply::ProbePlan *state_probe;
    apply::ProbePlan **value_probes; /* in the tables of multiplicities, one for each of View::distincts */
};

/* The plan of an IMAT, compiled if need be; NULL where there is no such IMAT any more. */
PG_GUARDED Plan *plan_of(Oid imat);

/* The IMATs that read the table itself: cached. */
PG_GUARDED model::Array<Oid> targets_of(Oid table);

/* Is the table an IMAT?  Cached. */
PG_GUARDED bool is_maintained(Oid table);

/* The table, and all that it is a partition or an inheritance child of, directly or not: cached. */
PG_GUARDED model::Array<Oid> sources_above(Oid table);

/* Other tables that IMATs read, and that share rows with the table: below it, or above its children: cached.
 */
PG_GUARDED model::Array<Oid> sources_beside(Oid table);

/*
 * The partitions below the table that are being detached concurrently, or have been since the transaction's
 * snapshot, and that it has written to, by whatever name, with what is below these.
 */
PG_GUARDED List *leaving_written(Oid table);

/* Compile a view that is registered so, in a memory context below parent.  The cache does not know of it. */
PG_GUARDED Plan *compile(const catalog::Registration &registration, MemoryContext parent);

/* The columns of a bag, or of what an upper query shows, by which a row that goes and one that comes are
 * known to be one that changes. */
inline const model::Array<model::Key> &paired_by(const model::View &view) noexcept
{
    return view.strategy == model::Strategy::Keyed && view.identity.size == 0 && view.upper == nullptr
               ? view.keys
               : view.identity;
}

/* Does the maintenance of the view run code that doesn't come with PostgreSQL? */
PG_GUARDED bool runs_foreign_code(const catalog::Registration &registration, const model::View &view);

/* Hold on to a plan, and let go of it. */
inline Plan *keep(Plan *plan) noexcept
{
    ++plan->references;
    return plan;
}
PG_GUARDED void let_go(Plan *plan);

/* Have the caches hear of changes.  Called once, when the library is loaded. */
PG_GUARDED void watch_for_changes();

/* Run body with the rights and under the settings that the IMAT's expressions are evaluated with. */
template <class Body>
PG_GUARDED void as_maintainer(const Plan &plan, Body body)
{
    pg::with_rights_of(plan.owner, [&] {
        catalog::with_settings(plan.registration.settings, [&] {
            if (plan.foreign_code)
                pg::with_safe_search_path(body);
            else
                body();
        });
    });
}

} // namespace delta
