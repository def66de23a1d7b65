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
#include "pg/lookup.hpp"
#include "rebuild/parts.hpp"

extern "C" {
#include "catalog/pg_policy.h"
#include "catalog/pg_publication_rel.h"
}

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

/* An error for what a materialized view can't have, or be. */
PG_GUARDED void refuse(Relation table, const char *detail, const char *hint)
{
    ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("table \"%s\" cannot become a materialized view", RelationGetRelationName(table)),
            errdetail_internal("%s", detail), errhint("%s", hint));
}

/* The same where there is something to be undone first. */
PG_GUARDED void refuse_for_now(Relation table, const char *detail, const char *undoing)
{
    refuse(table, detail, psprintf("%s first, or keep it as a table with imat.drop(..., 'table').", undoing));
}

/* Is there an object of the catalog, such as a policy, that is part of the table? */
PG_GUARDED bool has_part(Relation table, Oid catalog)
{
    bool found = false;
    pg::each_dependent(RelationRelationId, RelationGetRelid(table), [&](const FormData_pg_depend &dependent) {
        found = found || (dependent.classid == catalog && dependent.deptype == DEPENDENCY_AUTO);
    });
    return found;
}

/* Errors for row-level security, and for policies even where it is disabled. */
PG_GUARDED void check_security(Relation table)
{
    if (has_part(table, PolicyRelationId))
        refuse_for_now(table, "It has policies, which a materialized view cannot have.", "Drop them");
    if (table->rd_rel->relrowsecurity || table->rd_rel->relforcerowsecurity)
        refuse_for_now(table, "It has row-level security, which a materialized view cannot have.",
                       "Use ALTER TABLE ... DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY");
}

/* Errors for what the table is. */
PG_GUARDED void check_kind(Relation table)
{
    if (table->rd_rel->relhassubclass || has_superclass(RelationGetRelid(table)))
        refuse_for_now(table, "It has parent or child tables, which a materialized view cannot have.",
                       "Drop them");
    if (OidIsValid(table->rd_rel->reloftype))
        refuse_for_now(table, "It is a table of a type, which a materialized view cannot be.",
                       "Use ALTER TABLE ... NOT OF");
    if (has_part(table, PublicationRelRelationId))
        refuse_for_now(table, "It is part of a publication, which a materialized view cannot be.",
                       "Use ALTER PUBLICATION ... DROP TABLE");
    if (table->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
        refuse_for_now(table, "It is unlogged, which a materialized view cannot be.",
                       "Use ALTER TABLE ... SET LOGGED for the tables that it reads");
}

/* Errors for what computes or checks values. */
PG_GUARDED void check_values(Relation table)
{
    TupleDesc type = RelationGetDescr(table);
    bool has = type->constr != nullptr && (type->constr->num_defval > 0 || type->constr->num_check > 0);
    for (int i = 0; i < type->natts; i++)
        has = has || TupleDescAttr(type, i)->attidentity != '\0';
    if (has)
        refuse_for_now(table,
                       "It has column defaults, identity columns, generated columns or CHECK constraints, "
                       "which a materialized view cannot have.",
                       "Drop them");
}

/* What is wrong with a column of the table, of which the definition has another, or none (NULL); NULL:
 * nothing. */
PG_GUARDED const char *difference_of(const FormData_pg_attribute &column, const FormData_pg_attribute *wanted)
{
    const char *name = quote_identifier(NameStr(column.attname));
    if (column.attisdropped)
        return "It had a column that was dropped, whose place among the columns stays.";
    if (wanted == nullptr)
        return psprintf("Column %s was added to those of its definition.", name);
    if (column.atttypid == wanted->atttypid)
        return nullptr;
    return psprintf("Column %s is of type %s, but of type %s in its definition.", name,
                    format_type_be(column.atttypid), format_type_be(wanted->atttypid));
}

/* Errors for columns that aren't those of the definition: a materialized view has these, and no others. */
PG_GUARDED void check_columns(Relation table, Oid definition)
{
    Relation view = relation_open(definition, AccessShareLock);
    TupleDesc wanted = RelationGetDescr(view);
    for (int i = 0; i < RelationGetDescr(table)->natts; i++) {
        const char *difference = difference_of(*TupleDescAttr(RelationGetDescr(table), i),
                                               i < wanted->natts ? TupleDescAttr(wanted, i) : nullptr);
        if (difference != nullptr)
            refuse(table, difference,
                   "Keep it as a table with imat.drop(..., 'table'), and create the materialized view anew.");
    }
    relation_close(view, NoLock);
}

} // namespace

PG_GUARDED void make_table_of(Oid materialized_view)
{
    remove_rule(materialized_view);
    set_kind(materialized_view, RELKIND_RELATION);
}

PG_GUARDED void check_plainness(Oid oid, Oid definition)
{
    Relation table = table_open(oid, NoLock);
    check_columns(table, definition);
    /* pg_class only says that it may have these, or once did */
    if (table->trigdesc != nullptr)
        refuse_for_now(table, "It has triggers or foreign keys, which a materialized view cannot have.",
                       "Drop them");
    if (table->rd_rules != nullptr)
        refuse_for_now(table, "It has rules, which a materialized view cannot have.", "Drop them");
    check_security(table);
    check_kind(table);
    check_values(table);
    table_close(table, NoLock);
}

PG_GUARDED void make_materialized_view_of(Oid table)
{
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
