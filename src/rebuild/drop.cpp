/*
 * drop.cpp - the end of an IMAT, in its three ways, and what DROP TABLE leaves to be done.
 *
 * What PostgreSQL's dependencies do by themselves: the hidden tables and the plain view of the old name go
 * with the table (AUTO), the table goes with its definition (NORMAL), and that with what it reads.  Restored
 * databases have none of the first three, as dumps don't carry them.  So forget does all of it again, as far
 * as it is still to be done; it is called by an event trigger after DROP, whatever the command.
 *
 * Triggers are taken from sources under AccessExclusiveLock, as DROP TRIGGER does.  imat.drop takes it before
 * the lock on the IMAT, in the order in which writers lock the two.  DROP TABLE has locked the IMAT first; so
 * there a source that is in use keeps its triggers, which find nothing to do.
 */
#include "observe/observe.hpp"
#include "pg/list.hpp"
#include "pg/lookup.hpp"
#include "rebuild/parts.hpp"
#include "rebuild/rebuild.hpp"

namespace rebuild {

namespace {

PG_GUARDED bool exists(Oid relation)
{
    return OidIsValid(relation) && SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation));
}

/* Drop a relation that is ours, unless it is gone. */
PG_GUARDED void drop_ours(Oid relation, DropBehavior behavior)
{
    if (!exists(relation))
        return;
    ObjectAddress address;
    ObjectAddressSet(address, RelationRelationId, relation);
    performDeletion(&address, behavior, PERFORM_DELETION_INTERNAL);
}

/* One relation doesn't depend on the other any more. */
PG_GUARDED void forget_dependency(Oid dependent, char type, Oid referenced)
{
    if (exists(dependent) && OidIsValid(referenced))
        deleteDependencyRecordsForSpecific(RelationRelationId, dependent, type, RelationRelationId,
                                           referenced);
}

/* A view, other than the relation itself, that reads the relation, if possible one of users'; or InvalidOid.
 */
PG_GUARDED Oid view_over(Oid relation)
{
    Oid found = InvalidOid;
    pg::each_dependent(RelationRelationId, relation, [&](const FormData_pg_depend &dependent) {
        const Oid view =
            dependent.classid == RewriteRelationId ? relation_of_rule(dependent.objid) : InvalidOid;
        const bool users = OidIsValid(view) && get_rel_namespace(view) != imat_schema();
        if (OidIsValid(view) && view != relation && (users || !OidIsValid(found)))
            found = view;
    });
    return found;
}

/* Drop a definition, unless it is gone.  PostgreSQL's error for what depends on it would talk of a view that
 * nobody wants to drop. */
PG_GUARDED void drop_definition(Oid definition, DropBehavior behavior)
{
    const Oid view = exists(definition) && behavior == DROP_RESTRICT ? view_over(definition) : InvalidOid;
    if (OidIsValid(view))
        ereport(ERROR, errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
                errmsg("cannot drop the definition of an incremental materialized table because other "
                       "objects depend on it"),
                errdetail("%s reads %s, which does not outlive the incremental materialized table.",
                          name_of(view), name_of(definition)),
                errhint("Drop %s first, or with the table by DROP TABLE ... CASCADE.", name_of(view)));
    drop_ours(definition, behavior);
}

/* The registration and everything that only maintenance needed. */
PG_GUARDED void unregister(const catalog::Registration &registration, DropBehavior behavior)
{
    const model::Array<Oid> sources = catalog::sources_of(registration.imat);
    catalog::remove(registration.imat);
    observe::forget(registration.imat);
    forget_dependency(registration.imat, DEPENDENCY_NORMAL, registration.definition);
    CommandCounterIncrement();
    drop_hidden_tables(registration);
    drop_definition(registration.definition, behavior);
    drop_subqueries(registration, behavior);
    release(sources);
}

/* An error for a table that keeps a subquery of another. */
PG_GUARDED void refuse_subquery(Oid imat)
{
    const Oid keeper = catalog::keeper_of(imat);
    if (OidIsValid(keeper))
        ereport(ERROR, errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
                errmsg("cannot drop %s because %s is maintained by it", name_of(imat), name_of(keeper)),
                errdetail("It keeps a subquery of that table's definition."),
                errhint("Drop %s, and it will go as well.", name_of(keeper)));
}

/* The registration of an IMAT that the caller owns, locked. */
PG_GUARDED catalog::Registration lock_own(Oid imat)
{
    catalog::Registration registration = {};
    lock_sources_and(imat, AccessExclusiveLock);
    require_relation(imat);
    require_owner(imat);
    if (!catalog::find(imat, &registration))
        refuse_ordinary(imat);
    refuse_subquery(imat);
    Relation table = table_open(imat, NoLock);
    CheckTableNotInUse(table, "drop");
    table_close(table, NoLock);
    return registration;
}

/* It stays as a table like any other. */
PG_GUARDED void leave_table(const catalog::Registration &registration)
{
    unprotect(registration.imat);
    forget_dependency(registration.old_view, DEPENDENCY_AUTO, registration.imat);
    unregister(registration, DROP_RESTRICT);
    if (catalog::imats_on(registration.imat).size > 0)
        capture_table(registration.imat);
}

/* It stays as a materialized view. */
PG_GUARDED void leave_materialized_view(const catalog::Registration &registration)
{
    unprotect(registration.imat);
    check_plainness(registration.imat, registration.definition);
    constraints_to_indexes(registration.imat);
    drop_not_null(registration.imat, MaxHeapAttributeNumber);
    make_materialized_view_of(registration.imat);
    restore_rule(registration.imat, registration.definition);
    forget_dependency(registration.old_view, DEPENDENCY_AUTO, registration.imat);
    unregister(registration, DROP_RESTRICT);
}

/* Drop it as DROP TABLE does. */
PG_GUARDED void drop_table(const catalog::Registration &registration)
{
    ObjectAddress address;
    ObjectAddressSet(address, RelationRelationId, registration.imat);
    if (exists(registration.old_view)) {
        ObjectAddress old_view;
        ObjectAddressSet(old_view, RelationRelationId, registration.old_view);
        performDeletion(&old_view, DROP_RESTRICT, 0);
    }
    performDeletion(&address, DROP_RESTRICT, 0);
    forget(registration.imat, DROP_RESTRICT);
}

} // namespace

PG_GUARDED void lock_sources(Oid imat, LOCKMODE lock)
{
    check_stack_depth();
    catalog::Registration registration = {};
    if (catalog::find(imat, &registration))
        for (Oid subquery : registration.subqueries)
            lock_sources(subquery, lock);
    for (Oid source : catalog::sources_of(imat))
        lock_with_children(source, lock);
}

PG_GUARDED void lock_sources_and(Oid imat, LOCKMODE lock)
{
    lock_sources(imat, lock);
    LockRelationOid(imat, lock);
}

PG_GUARDED void drop_subqueries(const catalog::Registration &registration, DropBehavior behavior)
{
    forget_dependency(registration.imat, DEPENDENCY_NORMAL, registration.over_subqueries);
    CommandCounterIncrement();
    drop_ours(registration.over_subqueries, behavior);
    /* one that reads others of them was made after these */
    for (int i = registration.subqueries.size - 1; i >= 0; i--) {
        drop_ours(registration.subqueries[i], behavior);
        forget(registration.subqueries[i], behavior);
    }
}

PG_GUARDED void drop_hidden_tables(const catalog::Registration &registration)
{
    drop_ours(registration.state, DROP_RESTRICT);
    for (Oid table : registration.multiplicities)
        drop_ours(table, DROP_RESTRICT);
}

PG_GUARDED void require_relation(Oid relation)
{
    if (!exists(relation))
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE),
                errmsg("relation with OID %u does not exist", relation));
}

PG_GUARDED void refuse_ordinary(Oid relation)
{
    require_relation(relation);
    const Oid imat = imat_behind(relation);
    if (OidIsValid(imat))
        ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
                errmsg("%s is not an incremental materialized table", name_of(relation)),
                errdetail("It is the view under the old name of %s.", name_of(imat)),
                errhint("Name the table instead."));
    ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
            errmsg("%s is not an incremental materialized table", name_of(relation)),
            errhint("imat.imat_config lists the incremental materialized tables of this database."));
}

PG_GUARDED void drop(Oid imat, Keep keep)
{
    const catalog::Registration registration = lock_own(imat);
    switch (keep) {
    case Keep::Nothing:
        return drop_table(registration);
    case Keep::Table:
        return leave_table(registration);
    case Keep::MaterializedView:
        return leave_materialized_view(registration);
    }
}

PG_GUARDED void forget(Oid imat, DropBehavior behavior)
{
    catalog::Registration registration = {};
    if (!catalog::find(imat, &registration))
        return;
    drop_ours(registration.old_view, behavior);
    unregister(registration, behavior);
}

/* Is a table gone that the groups are kept in? */
PG_GUARDED static bool lacks_hidden(const catalog::Registration &registration)
{
    bool lacks = OidIsValid(registration.state) && !exists(registration.state);
    for (Oid table : registration.multiplicities)
        lacks = lacks || !exists(table);
    return lacks;
}

/* What DROP, with RESTRICT or CASCADE, has taken from an IMAT. */
PG_GUARDED static void mend(const catalog::Registration &registration, DropBehavior behavior)
{
    if (!exists(registration.imat)) {
        forget(registration.imat, behavior);
    } else if (!exists(registration.definition) || !exists(registration.maintained())) {
        ereport(
            NOTICE,
            errmsg("%s is an ordinary table now, which is maintained no more", name_of(registration.imat)),
            errdetail("What its definition reads was dropped."));
        leave_table(registration);
    } else if (lacks_hidden(registration)) {
        ereport(ERROR, errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
                errmsg("cannot drop the state table of %s because it is being maintained",
                       name_of(registration.imat)),
                errhint("Use imat.drop to drop the incremental materialized table."));
    } else if (OidIsValid(registration.old_view) && !exists(registration.old_view)) {
        catalog::Registration without = registration;
        without.old_view = InvalidOid;
        catalog::update(without);
    }
}

PG_GUARDED void leave_tables()
{
    for (Oid imat : catalog::all_imats()) {
        catalog::Registration registration = {};
        if (!catalog::find(imat, &registration))
            continue;
        forget_dependency(imat, DEPENDENCY_NORMAL, registration.definition);
        forget_dependency(imat, DEPENDENCY_NORMAL, registration.over_subqueries);
        if (!OidIsValid(catalog::keeper_of(imat)))
            ereport(NOTICE,
                    errmsg("%s is an ordinary table now, which is maintained no more", name_of(imat)));
    }
    CommandCounterIncrement();
}

/* Look through all IMATs; true: there is one no more. */
PG_GUARDED static bool mend_all(DropBehavior behavior)
{
    bool gone = false;
    for (Oid imat : catalog::all_imats()) {
        catalog::Registration registration = {};
        if (!catalog::find(imat, &registration))
            continue;
        mend(registration, behavior);
        gone = gone || !catalog::is_imat(imat);
    }
    return gone;
}

PG_GUARDED void after_drop(DropBehavior behavior)
{
    bool gone = mend_all(behavior);
    /* what read a definition has gone with it, and may have taken others along */
    while (gone && behavior == DROP_CASCADE)
        gone = mend_all(behavior);
}

} // namespace rebuild
