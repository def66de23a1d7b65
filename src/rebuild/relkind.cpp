/*
 * relkind.cpp - a materialized view becomes a table, and a table a materialized view, in place.
 *
 * On disk the two are the same thing.  In the catalogs a materialized view differs by pg_class.relkind and by
 * its _RETURN rule, to whose dependencies it owes that what it reads can't be dropped.  (Our definition view
 * has the same dependencies, and by then exists.)  So the OID, the heap, indexes, privileges, comments,
 * statistics and everything that depends on the relation stay as they are; stored queries that mention it
 * learn the new kind when they are next locked for rewriting (AcquireRewriteLocks).
 *
 * Both need AccessExclusiveLock, which is held until the end of the transaction.
 */
#include "pg/list.hpp"
#include "rebuild/parts.hpp"

namespace rebuild {

namespace {

/* Remove the rule that makes a (materialized) view, with the dependencies that it stands for. */
PG_GUARDED void remove_rule(Oid view)
{
    const Oid rule = get_rewrite_oid(view, ViewSelectRuleName, false);
    deleteDependencyRecordsFor(RewriteRelationId, rule, false);
    DeleteComments(rule, RewriteRelationId, 0);
    as_superuser([&] {
        RemoveRewriteRuleById(rule);
        return rule;
    });
}

/* Write the kind of a relation. */
PG_GUARDED void set_kind(Oid relation, char kind)
{
    Relation classes = table_open(RelationRelationId, RowExclusiveLock);
    HeapTuple row = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(row))
        elog(ERROR, "cache lookup failed for relation %u", relation);
    auto *form = reinterpret_cast<Form_pg_class>(GETSTRUCT(row));
    form->relkind = kind;
    form->relispopulated = true;
    form->relhasrules = false;
    CatalogTupleUpdate(classes, &row->t_self, row);
    heap_freetuple(row);
    table_close(classes, RowExclusiveLock);
    CommandCounterIncrement();
}

PG_GUARDED AlterTableCmd *column_command(AlterTableType type, const char *column)
{
    AlterTableCmd *command = makeNode(AlterTableCmd);
    command->subtype = type;
    command->name = pstrdup(column);
    return command;
}

/* An error for what a materialized view can't have. */
PG_GUARDED void refuse(Relation table, const char *what)
{
    ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("table \"%s\" cannot become a materialized view", RelationGetRelationName(table)),
            errdetail("It has %s, which a materialized view cannot have.", what),
            errhint("Drop that first, or keep it as a table with imat.drop(..., 'table')."));
}

/* Errors for what a materialized view can't have. */
PG_GUARDED void check_plainness(Relation table)
{
    if (table->trigdesc != nullptr)
        refuse(table, "triggers or foreign keys");
    if (table->rd_rel->relhasrules)
        refuse(table, "rules");
    if (table->rd_rel->relrowsecurity)
        refuse(table, "row-level security");
    if (table->rd_rel->relhassubclass || has_superclass(RelationGetRelid(table)))
        refuse(table, "parent or child tables");
    if (table->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
        refuse(table, "no write-ahead log");
    const TupleConstr *constraints = RelationGetDescr(table)->constr;
    if (constraints != nullptr && (constraints->num_defval > 0 || constraints->num_check > 0))
        refuse(table, "column defaults, generated columns or CHECK constraints");
}

} // namespace

PG_GUARDED void make_table_of(Oid materialized_view)
{
    remove_rule(materialized_view);
    set_kind(materialized_view, RELKIND_RELATION);
}

PG_GUARDED void make_materialized_view_of(Oid table)
{
    Relation opened = table_open(table, NoLock);
    check_plainness(opened);
    table_close(opened, NoLock);
    set_kind(table, RELKIND_MATVIEW);
}

/*
 * PostgreSQL wants to report the parts of an ALTER TABLE to event triggers; inside of another command there
 * is none that they would be parts of.
 */
PG_GUARDED void alter_table(Oid table, List *commands)
{
    if (commands == NIL)
        return;
    EventTriggerInhibitCommandCollection();
    AlterTableInternal(table, commands, false);
    EventTriggerUndoInhibitCommandCollection();
    CommandCounterIncrement();
}

PG_GUARDED void set_not_null(Oid table, const AttrNumber *columns, int size)
{
    List *commands = NIL;
    for (int i = 0; i < size; i++)
        commands = lappend(commands, column_command(AT_SetNotNull, get_attname(table, columns[i], false)));
    alter_table(table, commands);
}

PG_GUARDED void drop_not_null(Oid table, int columns)
{
    List *commands = NIL;
    Relation opened = table_open(table, NoLock);
    for (int i = 0; i < Min(columns, RelationGetNumberOfAttributes(opened)); i++) {
        Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(opened), i);
        if (attribute->attnotnull && !attribute->attisdropped)
            commands = lappend(commands, column_command(AT_DropNotNull, NameStr(attribute->attname)));
    }
    table_close(opened, NoLock);
    alter_table(table, commands);
}

} // namespace rebuild
