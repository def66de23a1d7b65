/*
 * follow.cpp - what belongs to an IMAT follows it, and it follows what it depends on.
 *
 * An IMAT is unlogged if and only if a table that it reads is, or a partition or child of one: after a crash
 * both are empty, or both are full.
 *
 * Which IMATs depend on a function, a view, a type, ... is known to PostgreSQL, since definitions are views:
 * its dependencies are followed from the object up to the definitions.  That finds more than necessary (a
 * type is found to matter to whoever reads a table with a column of it), which costs a computation, and never
 * less, but for what a function's body calls and PostgreSQL doesn't know of.
 */
#include "pg/list.hpp"
#include "rebuild/parts.hpp"

extern "C" {
#include "catalog/pg_attrdef.h"
#include "catalog/pg_policy.h"
}

namespace rebuild {

namespace {

/* An object met on the way up. */
struct Met {
    Oid class_id;
    Oid object;
};

/* The way up. */
struct Climb {
    List *met;  /* of Met */
    List *next; /* of Met: what depends on them is to be looked for */
};

PG_GUARDED void meet(Climb *climb, Oid class_id, Oid object)
{
    for (auto *known : pg::each<Met>(climb->met))
        if (known->class_id == class_id && known->object == object)
            return;
    auto *met = static_cast<Met *>(palloc(sizeof(Met)));
    *met = {.class_id = class_id, .object = object};
    climb->met = lappend(climb->met, met);
    climb->next = lappend(climb->next, met);
}

/* An Oid in the row of a system catalog that has the Oid of an object; InvalidOid: it is gone. */
PG_GUARDED Oid oid_of_object(Oid class_id, Oid index, AttrNumber own_column, Oid object, AttrNumber column)
{
    Oid found = InvalidOid;
    ScanKeyData key;
    ScanKeyInit(&key, own_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
    Relation table = table_open(class_id, AccessShareLock);
    SysScanDesc scan = systable_beginscan(table, index, true, nullptr, 1, &key);
    HeapTuple row = systable_getnext(scan);
    if (HeapTupleIsValid(row)) {
        bool null;
        found = DatumGetObjectId(heap_getattr(row, column, RelationGetDescr(table), &null));
    }
    systable_endscan(scan);
    table_close(table, AccessShareLock);
    return found;
}

/* Something has changed, or depends on what was met. */
PG_GUARDED void climb_to(Climb *climb, Oid class_id, Oid object)
{
    if (class_id == RewriteRelationId)
        meet(climb, RelationRelationId, relation_of_rule(object));
    else if (class_id == PolicyRelationId)
        meet(climb, RelationRelationId,
             oid_of_object(class_id, PolicyOidIndexId, Anum_pg_policy_oid, object, Anum_pg_policy_polrelid));
    else if (class_id != AttrDefaultRelationId && class_id != TriggerRelationId)
        meet(climb, class_id, object);
}

/*
 * Everything that depends on the object; not by way of an IMAT, which tells its readers itself.  What has the
 * columns of a composite type depends on it, for PostgreSQL.
 */
PG_GUARDED void climb_from(Climb *climb, const Met &met)
{
    if (met.class_id == RelationRelationId && catalog::is_imat(met.object))
        return;
    if (met.class_id == RelationRelationId && get_rel_relkind(met.object) == RELKIND_COMPOSITE_TYPE)
        meet(climb, TypeRelationId, get_rel_type_id(met.object));
    pg::each_dependent(met.class_id, met.object, [&](const FormData_pg_depend &dependent) {
        climb_to(climb, dependent.classid, dependent.objid);
    });
}

/* What belongs to the IMAT belongs to its owner. */
PG_GUARDED void give_to(Oid relation, Oid owner)
{
    if (!OidIsValid(relation) || !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation)) ||
        pg::owner_of_relation(relation) == owner)
        return;
    as_superuser([&] {
        ATExecChangeOwner(relation, owner, true, AccessExclusiveLock);
        return relation;
    });
    CommandCounterIncrement();
}

/* The tables that the IMAT reads. */
PG_GUARDED List *sources_of(Oid imat)
{
    List *sources = NIL;
    for (Oid source : catalog::sources_of(imat))
        sources = lappend_oid(sources, source);
    return sources;
}

} // namespace

PG_GUARDED Oid unlogged_among(const List *tables)
{
    for (Oid table : pg::each_oid(tables))
        for (Oid child : pg::each_oid(find_all_inheritors(table, NoLock, nullptr)))
            if (get_rel_persistence(child) == RELPERSISTENCE_UNLOGGED)
                return child;
    return InvalidOid;
}

PG_GUARDED void set_persistence(Oid table, char persistence, Oid other)
{
    if (!OidIsValid(table) || get_rel_persistence(table) == persistence)
        return;
    const bool logged = persistence == RELPERSISTENCE_PERMANENT;
    AlterTableCmd *command = makeNode(AlterTableCmd);
    command->subtype = logged ? AT_SetLogged : AT_SetUnLogged;
    as_superuser([&] {
        alter_table(table, list_make1(command));
        return table;
    });
    ereport(NOTICE, logged ? errmsg("table %s is logged, since all that it reads is", name_of(table))
                           : errmsg("table %s is unlogged, since %s is", name_of(table), name_of(other)));
}

PG_GUARDED void follow_persistence(Oid imat)
{
    check_stack_depth();
    catalog::Registration registration = {};
    if (!catalog::find(imat, &registration))
        return;
    const Oid unlogged = unlogged_among(sources_of(imat));
    const char wanted = OidIsValid(unlogged) ? RELPERSISTENCE_UNLOGGED : RELPERSISTENCE_PERMANENT;
    if (get_rel_persistence(imat) == wanted)
        return;
    set_persistence(imat, wanted, unlogged);
    set_persistence(registration.state, wanted, unlogged);
    for (Oid table : registration.multiplicities)
        set_persistence(table, wanted, unlogged);
    for (Oid reader : catalog::imats_on(imat))
        follow_persistence(reader);
}

PG_GUARDED void check_persistence(Oid imat)
{
    const Oid unlogged = unlogged_among(sources_of(imat));
    const char wanted = OidIsValid(unlogged) ? RELPERSISTENCE_UNLOGGED : RELPERSISTENCE_PERMANENT;
    if (get_rel_persistence(imat) == wanted)
        return;
    ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("incremental materialized table %s must be %s", name_of(imat),
                   OidIsValid(unlogged) ? "unlogged" : "logged"),
            OidIsValid(unlogged)
                ? errdetail("It reads %s, which is unlogged: after a crash both have to be empty.",
                            name_of(unlogged))
                : errdetail("All that it reads is logged: after a crash it would be empty."),
            errhint("Alter the tables that it reads; it will follow."));
}

PG_GUARDED void follow_owner(Oid imat)
{
    catalog::Registration registration = {};
    if (!catalog::find(imat, &registration))
        return;
    const Oid owner = pg::owner_of_relation(imat);
    give_to(registration.definition, owner);
    give_to(registration.over_subqueries, owner);
    give_to(registration.state, owner);
    for (Oid table : registration.multiplicities)
        give_to(table, owner);
    give_to(registration.old_view, owner);
    for (Oid subquery : registration.subqueries) {
        give_to(subquery, owner);
        follow_owner(subquery);
    }
}

PG_GUARDED Oid relation_of_rule(Oid rule)
{
    return oid_of_object(RewriteRelationId, RewriteOidIndexId, Anum_pg_rewrite_oid, rule,
                         Anum_pg_rewrite_ev_class);
}

PG_GUARDED List *dependents_of(Oid class_id, Oid object)
{
    Climb climb = {};
    List *found = NIL;
    climb_to(&climb, class_id, object);
    while (climb.next != NIL) {
        auto *met = static_cast<Met *>(linitial(climb.next));
        climb.next = list_delete_first(climb.next);
        climb_from(&climb, *met);
    }
    for (Oid imat : catalog::all_imats()) {
        catalog::Registration registration = {};
        if (!catalog::find(imat, &registration))
            continue;
        for (auto *met : pg::each<Met>(climb.met))
            if (met->class_id == RelationRelationId &&
                (met->object == registration.definition || met->object == registration.over_subqueries))
                found = list_append_unique_oid(found, imat);
    }
    return found;
}

} // namespace rebuild
