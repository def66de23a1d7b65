/*
 * pending.hpp - what this transaction has changed and not yet applied.
 *
 * Pending changes are kept in layers, one for each nest level of subtransactions that changed something.  A
 * subtransaction that commits hands its layer to its parent; one that aborts takes it with it.  What can fail
 * is done before it commits: until then it may still abort.
 */
#pragma once

#include "flush/changes.hpp"

namespace flush {

/* The changes of one IMAT in one layer. */
struct PendingView {
    Oid imat;
    delta::Plan *plan;         /* kept; what the groups are laid out by */
    delta::GroupTable *groups; /* NULL: none */
    bool swap;                 /* the contents have to be computed anew: groups don't matter */
};

struct Layer {
    Layer *outer;
    int level; /* of the (sub)transaction that it belongs to */

    /*
     * Its changes were applied by the (sub)transaction of this deeper level, or 0.  If that one aborts, they
     * are pending again; when it has committed up to this layer's own level, the layer is dropped.
     */
    int applied_at;

    MemoryContext memory;
    List *views;  /* of PendingView */
    List *tables; /* of TableChanges: rows that joins need */

    /* The next of the layers, of subtransactions that have committed, whose rows belong to this one. */
    Layer *adopted;

    bool merged;   /* its views have been added to those of the outer layer, as it is about to commit */
    bool doubtful; /* the views of a subtransaction are added, which may yet abort */
};

/* Everything that has not been applied, the layers merged. */
struct Collected {
    List *views;  /* of PendingView */
    List *tables; /* of TableChanges */
};

/* Are there changes that have not been applied? */
PG_GUARDED bool anything_pending();

/* The IMAT's changes in the layer of the current subtransaction; made if need be. */
PG_GUARDED PendingView *pending_view(Oid imat, delta::Plan *plan);

/* The groups of the view, made if need be. */
PG_GUARDED delta::GroupTable *groups_of(PendingView *view);

/* Add the changes of one view to those of another of the same IMAT. */
PG_GUARDED void merge_view(PendingView *into, const PendingView &from);

/* The open set of the table's changed rows in that layer; made if need be. */
PG_GUARDED TableChanges *pending_rows(Oid table, TupleDesc type);

/* All changes that have not been applied, in the current context. */
PG_GUARDED Collected collect();

/* What collect() gave is being applied by the current subtransaction; what comes now is not part of it. */
PG_GUARDED void mark_collected();

/* Layers that were applied at their own level are done with. */
PG_GUARDED void drop_applied();

/* Bytes of memory that pending changes take. */
PG_GUARDED std::size_t pending_bytes();

/* The subtransaction of this level is about to commit, has committed, or aborted; the transaction is over. */
PG_GUARDED void before_subtransaction_commit(int level);
PG_GUARDED void on_subtransaction_commit(int level);
PG_GUARDED void on_subtransaction_abort(int level);
PG_GUARDED void on_transaction_end();

} // namespace flush
