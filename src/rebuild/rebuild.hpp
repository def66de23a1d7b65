/*
 * rebuild.hpp - the front door of room rebuild: whole contents, put in place at once.
 *
 * Here IMATs come into being (convert, create), are changed (alter) and go (drop, forget); and here is
 * strategy `swap`: the definition is computed anew and takes the place of what the table holds.  How that
 * is done without disturbing readers is told in swap.cpp.
 *
 * Everything is guarded code, and everything is one transaction: where a function raises an error, nothing
 * has happened.  Functions that users call (all but rebuild and forget) check the caller's rights
 * themselves; they take names and words as the users gave them.  Rows are always computed with the rights
 * of the IMAT's owner.
 */
#pragma once

#include "catalog/catalog.hpp"
#include "model/model.hpp"
#include "pg/seam.hpp"
#include "rebuild/verify.hpp"

namespace rebuild {

/* What is left of an IMAT that is dropped. */
enum class Keep : char {
    Nothing,
    Table,            /* an ordinary table that is maintained no more */
    MaterializedView, /* the materialized view that it was (or a new one of the same definition) */
};

/*
 * create_imat: make an IMAT of a materialized view.  target_schema may be NULL: the view's own schema.
 * Locks the view against everything but readers, and its sources against writers, up to the end of the
 * transaction.
 */
PG_GUARDED Oid convert(const char *mv_name, const char *target_schema);

/* imat.create: make an IMAT of a query.  maintenance and strategy are words as for alter, not NULL. */
PG_GUARDED Oid create(const char *name, const char *query, const char *maintenance, const char *strategy);

/* A subquery that would be kept in a table of its own. */
struct KeptSubquery {
    const char *name; /* that the query has for it */
    const model::View *view;
};

/*
 * Look at how a query of the owner's would be understood if it were made an IMAT, with its subqueries kept: a
 * List of KeptSubquery.  What is made for that is there while look runs, and undone.  False: none would be
 * kept, or nothing may be made, as on a standby.
 */
using Look = void (*)(void *self, const model::View &view, const List *subqueries);
PG_GUARDED bool try_subqueries(const Query *query, Oid owner, Look look, void *self);

/* imat.alter: 'immediate'; 'auto', 'delta', 'keyed' or 'swap'; NULL: as it is. */
PG_GUARDED void alter(Oid imat, const char *maintenance, const char *strategy);

/* imat.drop, with the words NULL, 'table' and 'materialized view'. */
PG_GUARDED Keep keep_of(const char *word);
PG_GUARDED void drop(Oid imat, Keep keep);

/* imat.refresh: compute the contents anew, whatever the IMAT's strategy. */
PG_GUARDED void refresh(Oid imat);

/*
 * Make the IMAT (and its state table) equal its definition as the snapshot shows the sources.  For room
 * flush.  The caller holds ShareRowExclusiveLock on the IMAT, has made the transaction's own changes visible
 * (CommandCounterIncrement) and took the snapshot after that; the snapshot must be the latest, or readers of
 * an exchanged table could miss rows.  This function itself takes the owner's rights, the safe search_path
 * and the pinned settings.  It ends with CommandCounterIncrement.
 *
 * may_exchange: an exchange may be tried; it is given up for a merge where another session reads the table,
 * or this one has it open: waiting for it could be a deadlock.
 */
PG_GUARDED void rebuild(Oid imat, Snapshot snapshot, bool may_exchange);

/*
 * Have the indexes of the IMAT, and of the tables of its groups, take group keys of any length.  For room
 * flush, which is about to write such.
 */
PG_GUARDED void let_in_long_keys(Oid imat);

/*
 * Forget an IMAT whose table is gone (DROP TABLE and its like): its registration, definition, state table,
 * old name, and the triggers on sources that no other IMAT needs.  With DROP_CASCADE also what others have
 * made of its definition.  Nothing happens where it is registered no more.
 */
PG_GUARDED void forget(Oid imat, DropBehavior behavior);

/* For the event trigger on sql_drop: forget the IMATs that are gone, and mend or refuse what else the
 * statement dropped. */
PG_GUARDED void on_sql_drop(const Node *statement);

/*
 * For the event trigger on ddl_command_end: triggers for new children of sources, new contents where a child
 * came or went with its rows or a definition means something else now, dependencies where a dump was
 * restored.
 */
PG_GUARDED void on_ddl();

/* Is it a dump that is being restored here? */
PG_GUARDED bool is_restoring();

/* Is the table an IMAT, or does it keep groups of one? */
PG_GUARDED bool is_kept(Oid table);

/* Rows of our tables are about to be restored: one table after the other. */
PG_GUARDED void lock_registrations();

/* Rows of our tables were restored: IMATs of which everything is there now are computed, and followed. */
PG_GUARDED void settle();

/* For the event trigger on ddl_command_start: refusals that PostgreSQL would not explain. */
PG_GUARDED void before_ddl(const Node *statement);

} // namespace rebuild
