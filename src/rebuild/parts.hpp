/*
 * parts.hpp - what the files of room rebuild share.  Internal.
 */
#pragma once

#include "catalog/catalog.hpp"
#include "rebuild/contents.hpp"
#include "rebuild/difference.hpp"
#include "rebuild/exchange.hpp"

namespace rebuild {

/* How full the pages of an IMAT's table are made. */
inline Filled how_full(const Imat &imat) noexcept
{
    if (!imat.by_group)
        return Filled::All;
    return imat.view->bag ? Filled::Most : Filled::Half;
}

/* -- permissions.cpp -- */

PG_GUARDED Oid imat_schema();

/* Errors unless the caller may do that. */
PG_GUARDED void require_owner(Oid relation);
PG_GUARDED void require_create(Oid schema);
PG_GUARDED void require_trigger(const model::Array<model::Source> &sources);

/* May the IMAT's owner still read what the definition reads? */
PG_GUARDED bool owner_may_read(Oid imat);

/* The owner may have lost a right, or there is another one: say if it is one that is needed. */
PG_GUARDED void check_owner(Oid imat);

/* Run body as the one who may create objects in schema imat, wherever no code of users' is run. */
template <class Body>
PG_GUARDED Oid as_superuser(Body body)
{
    Oid caller = InvalidOid;
    int context = 0;
    GetUserIdAndSecContext(&caller, &context);
    SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, context | SECURITY_LOCAL_USERID_CHANGE);
    const Oid result = body();
    SetUserIdAndSecContext(caller, context);
    return result;
}

/* Replace the privileges of a relation or, unless the column is 0, of a column; NULL: the owner's alone. */
PG_GUARDED void set_privileges(Oid relation, AttrNumber column, const Acl *privileges);

/* A copy of them; NULL: the owner's alone. */
PG_GUARDED Acl *privileges_of(Oid relation, AttrNumber column);

/* -- definition.cpp -- */

/* A view in schema imat with the same columns and the same query as the materialized view. */
PG_GUARDED Oid create_definition_of(Relation materialized_view);

/* A view in schema imat of the query, named after the table, and by the suffix. */
PG_GUARDED Oid create_definition(const char *name, const char *suffix, Oid owner, const Query *query);

/* The plain view that takes the old name: SELECT all columns FROM table. */
PG_GUARDED Oid create_old_view(Oid schema, Oid table);

/* Turn the table back into a materialized view of the definition's query. */
PG_GUARDED void restore_rule(Oid table, Oid definition);

/* A free name in schema imat, made of a table's name and a suffix. */
PG_GUARDED char *free_name(const char *table, const char *suffix);

/* -- relkind.cpp -- */

/* The materialized view becomes a table: kind, and no rule any more. */
PG_GUARDED void make_table_of(Oid materialized_view);

/* Errors for what a table of ours can have, and a materialized view of the definition can't. */
PG_GUARDED void check_plainness(Oid table, Oid definition);

/* The table becomes a (populated) materialized view, whose rule the caller restores. */
PG_GUARDED void make_materialized_view_of(Oid table);

/* ALTER TABLE with these commands (of AlterTableCmd). */
PG_GUARDED void alter_table(Oid table, List *commands);
PG_GUARDED void set_not_null(Oid table, const AttrNumber *columns, int size);
PG_GUARDED void drop_not_null(Oid table, int columns);

/* -- triggers.cpp -- */

/* Lock a table, then its children; returns them all, or none if it is gone. */
PG_GUARDED List *lock_with_children(Oid table, LOCKMODE lock);

/* Lock the sources and their children against writers, and put our triggers on them where they aren't yet. */
PG_GUARDED void capture(const model::Array<model::Source> &sources);

/* The same for one table and its kin, whatever uses them. */
PG_GUARDED void capture_table(Oid table);

/* An error unless all triggers are there that tell of changes of the IMAT's sources, or protect it. */
PG_GUARDED void check_captured(Oid imat);

/* Are they all there? */
PG_GUARDED bool has_all_triggers(Oid imat);

/* Does a statement of this session that is still running use the table? */
PG_GUARDED bool is_in_use(Oid table);

/* A trigger of ours that is disabled, so that changes go unseen, or can be made to the IMAT; NULL: there is
 * none.
 */
PG_GUARDED const char *find_disabled(Oid imat);

/* ALTER TABLE ... ENABLE TRIGGER ALL has our triggers fire when they shouldn't: have them fire when they
 * should. */
PG_GUARDED void mend_firing(Oid table);

/* Copy the fixed part of a row of pg_trigger, which is looked up in one of its indexes; false: it isn't
 * there. */
PG_GUARDED bool copy_trigger(Oid index, ScanKeyData *keys, int size, FormData_pg_trigger *found);

/* An error if the trigger, which was just made or renamed, passes for one of ours. */
PG_GUARDED void check_trigger(const FormData_pg_trigger &trigger);

/* The tables by whose names rows of the table could be changed: itself, what is below it, and above that. */
PG_GUARDED List *kin_of(Oid table);

/* The tables of which the table is a child or partition. */
PG_GUARDED List *parents_of(Oid table);

/* The IMATs that read the table or its kin; or the table or what is above it. */
PG_GUARDED List *readers_of(Oid table);
PG_GUARDED List *readers_above(Oid table);

/* The IMAT that the table is, or whose groups it keeps; none for any other table. */
PG_GUARDED List *kept_in(Oid table);

/* The IMATs, and tables of their groups, of which these triggers are disabled. */
PG_GUARDED List *unprotected_tables();

/* Is that the name of the first of the triggers that protect IMATs? */
PG_GUARDED bool is_protection(const char *name);

/* Could the trigger have been one of ours?  Its identity begins with its name. */
PG_GUARDED bool is_ours(const char *identity);

/* Take the triggers from the tables, and their children, that no IMAT reads any more. */
PG_GUARDED void release(const model::Array<Oid> &sources);

/* The triggers that keep users from writing the IMAT. */
PG_GUARDED void protect(Oid table);
PG_GUARDED void unprotect(Oid table);

/* -- state_table.cpp -- */

/* An empty table in schema imat, of the owner's alone; tablespace: InvalidOid for the default one. */
PG_GUARDED Oid create_hidden_table(const char *name, const char *suffix, List *columns, Oid owner,
                                   char persistence, Oid tablespace);

/* Make the tables that the view's groups are kept in, with their indexes, and note them. */
PG_GUARDED void create_hidden_tables(catalog::Registration *registration, const model::View &view,
                                     bool build);

/* -- indexes.cpp -- */

/*
 * Make sure that rows of the view can be found in the table: by a key index, or an index over values.
 * Without build an index is an entry of the catalog only, to be built with a new heap.  A key index that
 * should be primary key is returned, to be made that by make_primary_key once the table is a table.  False:
 * no index is possible.
 */
PG_GUARDED bool create_indexes(Oid table, const model::View &view, bool of_state, bool build,
                               Oid *primary_key);
PG_GUARDED void make_primary_key(Oid table, Oid index);

/* Make an index over columns of the table. */
PG_GUARDED void create_plain_index(Oid table, const List *columns);

/* Put an index that takes keys of any length in place of catalog::index_to_hash, if there is that; the table
 * is locked by this. */
PG_GUARDED bool hash_key_index(Oid table, const model::View &view, bool of_state, bool build, Oid made);

/* Drop the primary key, if there is one. */
PG_GUARDED void drop_primary_key(Oid table);

/* Drop an index, with the constraint that it is of. */
PG_GUARDED void drop_index(Oid index);

/* Make plain unique indexes of the table's constraints. */
PG_GUARDED void constraints_to_indexes(Oid table);

/* Does any unique index exist besides this one? */
PG_GUARDED bool has_other_unique_index(Relation table, Oid own);

/* -- long_keys.cpp -- */

/* Rows on their way, and whether the keys of one are too long for an index. */
struct Measured {
    pg::RowConsumer rows;
    model::Array<model::Key> keys;
    const AttrNumber *columns; /* of the keys; 0: that one isn't among them */
    bool too_long;
};

/* What has rows of the IMAT, or of a table of its groups, measured on their way to a consumer. */
PG_GUARDED pg::RowConsumer measure(const Imat &imat, bool of_state, pg::RowConsumer rows, Measured *measured);

/* Are there rows in the table with keys that are too long for an index? */
PG_GUARDED bool holds_long_keys(Relation table, const model::View &view);

/*
 * Have the IMAT, and the tables of its groups, take such keys.  Without build indexes are entries of the
 * catalog only.  *primary_key: an index that is to be the primary key, and isn't any more.  The registration
 * is brought up to date, but not its row in the catalog.
 */
PG_GUARDED void take_long_keys(Imat *imat, bool build, Oid *primary_key);

/* -- establish.cpp -- */

/* The tables that subqueries of an IMAT are kept in, and the view of its query over these; or none. */
struct Kept {
    List *subqueries; /* of Oid */
    Oid view;
};

/* What becomes an IMAT: a table or a materialized view, locked, and the definition made of it. */
struct Birth {
    Oid table;
    Oid definition;
    NameData old_schema;
    model::Maintenance maintenance;
    model::Strategy strategy; /* asked for */
    bool from_materialized_view;
    Oid target_schema; /* where it is to stand */
    Kept kept;
};

/* Do all that makes an IMAT of it. */
PG_GUARDED void establish(const Birth &birth);

/*
 * Give an IMAT by group what it needs besides the table, with empty contents: indexes and, if need be, a
 * state table.  Returns whether it is by group still; imat is brought up to date, but not its row in the
 * catalog.
 */
PG_GUARDED bool equip(Imat *imat, bool build, Oid *primary_key);

/* The index that is to be primary key, if there is one, becomes it, where the table stands as a table. */
PG_GUARDED void finish_keys(Imat *imat, Oid primary_key);

/* Dropping what the definition reads drops the IMAT, which takes state table and old name with it. */
PG_GUARDED void record_dependencies(const catalog::Registration &registration);

/* Decide how the view is maintained; an error where it can't be as was asked for. */
PG_GUARDED model::Strategy choose(model::Strategy asked, const model::View &view);

/* -- subqueries.cpp -- */

/* Keep subqueries of the query in tables beside the one that it is of, as IMATs of the owner's, where that is
 * better. */
PG_GUARDED Kept keep_subqueries(const Query *query, Oid table, Oid owner);

/* The same for an IMAT that is there, as it is now; true: those that it had are to be dropped. */
PG_GUARDED bool keep_subqueries_anew(catalog::Registration *registration);

/* The settings that are pinned for subqueries, and so are to be for the query; NULL: none are. */
PG_GUARDED ArrayType *settings_of_subqueries(const catalog::Registration &registration);

/*
 * The query of an IMAT, with its subqueries in their places, each made exact for itself
 * (analyze::exact_query), as they are in the tables.
 */
PG_GUARDED Query *query_with_subqueries(const catalog::Registration &registration);

/* -- convert.cpp -- */

/* The IMAT whose old name the view has, or InvalidOid. */
PG_GUARDED Oid imat_behind(Oid view);

/* -- alter.cpp -- */

/* Have the IMAT follow from its definition as it is now: other sources, other state, other contents. */
PG_GUARDED void revise(Oid imat);

/* Can it be maintained still, now that constraints of its sources have changed? */
PG_GUARDED bool fits(Oid imat);

/* -- follow.cpp -- */

/* The first of the tables, or of their children, whose contents don't survive a crash; or InvalidOid. */
PG_GUARDED Oid unlogged_among(const List *tables);

/* Have a table be logged or unlogged, since another is. */
PG_GUARDED void set_persistence(Oid table, char persistence, Oid other);

/* Be logged, or unlogged, as the sources are; an error if that is what a user has just undone. */
PG_GUARDED void follow_persistence(Oid imat);
PG_GUARDED void check_persistence(Oid imat);

/* Have everything that belongs to the IMAT belong to its owner. */
PG_GUARDED void follow_owner(Oid imat);

/* The relation that a rule is of; InvalidOid: it is gone. */
PG_GUARDED Oid relation_of_rule(Oid rule);

/* The IMATs whose contents depend on the object: a view, a function, a type, ... */
PG_GUARDED List *dependents_of(Oid class_id, Oid object);

/* -- table_ddl.cpp -- */

/* What DDL has changed that IMATs have to follow: lists of their Oids. */
struct Changed {
    List *rows;    /* of their sources: they have to be computed anew */
    List *meaning; /* of their definitions: they have to be revised */
    List *order;   /* of values in them, as their indexes have it: these have to be built anew */
};

/* A table was created or altered. */
PG_GUARDED void after_table_command(Oid table, const CollectedCommand *command, Changed *changed);

/* The IMAT was just made, or has other sources: are triggers of these disabled?  Then it can't be trusted. */
PG_GUARDED void distrust_if_disabled(Oid imat);

/* Columns of a table, or attributes of a type, came, went, or have changed; and did a command rename some? */
PG_GUARDED void after_change_of_columns(Oid relation, Changed *changed);
PG_GUARDED bool renames_columns(const CollectedCommand *command);

/* A policy was created, altered or dropped on the table. */
PG_GUARDED void after_policy_command(Oid table, Changed *changed);

/* A table is about to be altered: an error where an IMAT doesn't allow it, which PostgreSQL's would not name.
 */
PG_GUARDED void before_alter_table(const AlterTableStmt *statement);

/* The IMATs over tables that have, or had, children; and over tables with row-level security. */
PG_GUARDED List *imats_over_parents();
PG_GUARDED List *imats_under_policies();

/* -- restore.cpp -- */

/*
 * The owner may not read the sources yet, for a dump's privileges come last: the IMAT is not to be trusted
 * until it has been computed.  Is it one that can be now?
 */
PG_GUARDED void postpone(Oid imat);
PG_GUARDED bool is_postponed(Oid imat);

/* Is everything there that the IMAT needs, where a dump is restored? */
PG_GUARDED bool is_restored(Oid imat);

/* Record the dependencies of IMATs that pg_upgrade has brought, before something is dropped. */
PG_GUARDED void complete_dependencies();

/* Before anything is locked: if it is a dump that is being restored, wait for who computes what it has
 * brought. */
PG_GUARDED void queue_if_restoring();

/* Delete the rows of the IMATs and tables of their groups that a dump's rows are about to come to. */
PG_GUARDED void make_room();

/* -- hierarchy.cpp -- */

/* A partition or child has come to the parent with its rows, or left it. */
PG_GUARDED void follow_move(Oid table, Oid parent, bool come, Changed *changed);

/* ALTER TABLE parent DETACH PARTITION partition CONCURRENTLY is about to begin. */
PG_GUARDED void before_detach(Oid parent, Oid partition);

/* So is DROP.  Has it, by the time the table is gone, been dealt with that its rows are?  Not any more. */
PG_GUARDED void before_drop(const DropStmt *statement);
PG_GUARDED bool is_accounted(Oid table);
PG_GUARDED void forget_accounted();

/* -- words.cpp -- */

PG_GUARDED model::Maintenance maintenance_of(const char *word);
PG_GUARDED model::Strategy strategy_of(const char *word);

/* -- swap.cpp -- */

/* Recompute the contents of IMATs under the latest snapshot, each behind those that it reads, and then of all
 * that read them; waits for readers where that is needed. */
PG_GUARDED void refresh_contents(const List *imats);

/* The same, without waiting, and then for all IMATs that read it; it is locked by this. */
PG_GUARDED void refresh_with_readers(Oid imat);

/* -- drop.cpp -- */

/* Lock what the IMAT reads, and what the tables of its subqueries do; and then the IMAT. */
PG_GUARDED void lock_sources(Oid imat, LOCKMODE lock);
PG_GUARDED void lock_sources_and(Oid imat, LOCKMODE lock);

/* Drop the tables that subqueries are kept in, and the view over them, as far as they are still there. */
PG_GUARDED void drop_subqueries(const catalog::Registration &registration,
                                DropBehavior behavior = DROP_RESTRICT);

/* Drop the tables that groups are kept in, those that are still there. */
PG_GUARDED void drop_hidden_tables(const catalog::Registration &registration);

/* An error where there is no such relation. */
PG_GUARDED void require_relation(Oid relation);

/* An error that says that the relation is no IMAT. */
PG_GUARDED void refuse_ordinary(Oid relation);

/* The extension is about to be dropped, and all that is in its schema: IMATs are tables without it. */
PG_GUARDED void leave_tables();

/* Look through all IMATs for what a DROP, with RESTRICT or CASCADE, has taken from them. */
PG_GUARDED void after_drop(DropBehavior behavior);

} // namespace rebuild
