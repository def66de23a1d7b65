/*
 * definition.cpp - the view that keeps the query of an IMAT, and the plain view that takes its old name.
 *
 * A definition is an ordinary view in schema imat, owned by the owner of the IMAT and granted to nobody.  It
 * is made of the analysed Query itself, so no text is parsed anew and nothing can be understood differently
 * than it was when the materialized view was created.  PostgreSQL's rules for views then apply: what the
 * query needs can't be dropped without it, renames are followed, dumps have it.
 *
 * Until PostgreSQL 15 the range table of a view's query begins with two entries for the view itself (OLD and
 * NEW); when a query goes from one relation to another those are turned to the new one.
 *
 * Names in schema imat are made of the table's name.  Two tables of one name (in different schemas) whose
 * IMATs are created at the same time would choose the same; a lock on the name makes them choose one after
 * the other.
 */
#include "pg/list.hpp"
#include "rebuild/parts.hpp"

namespace rebuild {

namespace {

/* Column definitions like the columns of a row type. */
PG_GUARDED List *column_definitions(TupleDesc type)
{
    List *columns = NIL;
    for (int i = 0; i < type->natts; i++) {
        Form_pg_attribute attribute = TupleDescAttr(type, i);
        if (attribute->attisdropped)
            continue;
        columns = lappend(columns, makeColumnDef(NameStr(attribute->attname), attribute->atttypid,
                                                 attribute->atttypmod, attribute->attcollation));
    }
    return columns;
}

/* A view without a query yet, of the owner's alone. */
PG_GUARDED Oid create_empty_view(Oid schema, char *name, Oid owner, List *columns)
{
    CreateStmt *statement = makeNode(CreateStmt);
    statement->relation = makeRangeVar(get_namespace_name(schema), name, -1);
    statement->tableElts = columns;
    statement->oncommit = ONCOMMIT_NOOP;
    const Oid view = as_superuser(
        [&] { return DefineRelation(statement, RELKIND_VIEW, owner, nullptr, nullptr).objectId; });
    CommandCounterIncrement();
    set_privileges(view, 0, nullptr);
    return view;
}

/* The query behind a view or materialized view, as its rule has it. */
PG_GUARDED Query *stored_query(Relation view)
{
    if (view->rd_rules == nullptr || view->rd_rules->numLocks != 1 ||
        list_length(view->rd_rules->rules[0]->actions) != 1)
        elog(ERROR, "relation \"%s\" has no query", RelationGetRelationName(view));
    return static_cast<Query *>(copyObjectImpl(linitial(view->rd_rules->rules[0]->actions)));
}

/* Make the query of one view that of another: what refers to the view itself, and the names of the columns.
 */
PG_GUARDED void retarget(Query *query, Oid from, Relation to)
{
    int column = 0;
    for (RangeTblEntry *entry : pg::each<RangeTblEntry>(query->rtable))
        if (entry->rtekind == RTE_RELATION && entry->relid == from) {
            entry->relid = RelationGetRelid(to);
            entry->relkind = to->rd_rel->relkind;
        }
    for (TargetEntry *target : pg::each<TargetEntry>(query->targetList))
        if (!target->resjunk)
            target->resname = pstrdup(NameStr(TupleDescAttr(RelationGetDescr(to), column++)->attname));
}

/* Give a relation the query as its rule. */
PG_GUARDED void store_rule(Oid relation, Query *query)
{
    as_superuser([&] {
        return DefineQueryRewrite(pstrdup(ViewSelectRuleName), relation, nullptr, CMD_SELECT, true, false,
                                  list_make1(query))
            .objectId;
    });
    CommandCounterIncrement();
}

/* SELECT all columns FROM the table. */
PG_GUARDED Query *select_from(Relation table)
{
    SelectStmt *select = makeNode(SelectStmt);
    for (int i = 0; i < RelationGetNumberOfAttributes(table); i++) {
        Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), i);
        if (attribute->attisdropped)
            continue;
        ColumnRef *column = makeNode(ColumnRef);
        column->fields = list_make1(makeString(pstrdup(NameStr(attribute->attname))));
        column->location = -1;
        ResTarget *target = makeNode(ResTarget);
        target->val = reinterpret_cast<Node *>(column);
        target->location = -1;
        select->targetList = lappend(select->targetList, target);
    }
    select->fromClause = list_make1(makeRangeVar(get_namespace_name(RelationGetNamespace(table)),
                                                 pstrdup(RelationGetRelationName(table)), -1));
    RawStmt *statement = makeNode(RawStmt);
    statement->stmt = reinterpret_cast<Node *>(select);
    return pg::parse_analyze_fixedparams(statement, "");
}

/* The view is open to whom the table is, and is said to be the same; or, unless it is 0, so is its column. */
PG_GUARDED void pass_on(Oid table, Oid view, AttrNumber column)
{
    if (const Acl *privileges = privileges_of(table, column))
        set_privileges(view, column, privileges);
    if (char *comment = GetComment(table, RelationRelationId, column))
        CreateComments(view, RelationRelationId, column, comment);
}

} // namespace

PG_GUARDED char *free_name(const char *table, const char *suffix)
{
    const uint64 hash = pg::hash_of_bytes(table, static_cast<int>(strlen(table)));
    LockDatabaseObject(NamespaceRelationId, imat_schema(), static_cast<uint16>(hash | 1), ExclusiveLock);
    return ChooseRelationName(table, nullptr, suffix, imat_schema(), false);
}

PG_GUARDED Oid create_definition_of(Relation materialized_view)
{
    Query *query = stored_query(materialized_view);
    const Oid definition = create_empty_view(
        imat_schema(), free_name(RelationGetRelationName(materialized_view), "definition"),
        materialized_view->rd_rel->relowner, column_definitions(RelationGetDescr(materialized_view)));
    Relation view = relation_open(definition, AccessShareLock);
    retarget(query, RelationGetRelid(materialized_view), view);
    relation_close(view, NoLock);
    store_rule(definition, query);
    return definition;
}

PG_GUARDED Oid create_definition(const char *name, const char *suffix, Oid owner, const Query *query)
{
    TupleDesc type = ExecCleanTypeFromTL(query->targetList);
    const Oid definition =
        create_empty_view(imat_schema(), free_name(name, suffix), owner, column_definitions(type));
    as_superuser([&] {
        StoreViewQuery(definition, static_cast<Query *>(copyObjectImpl(query)), false);
        return definition;
    });
    CommandCounterIncrement();
    return definition;
}

PG_GUARDED Oid create_old_view(Oid schema, Oid table)
{
    Relation opened = table_open(table, AccessShareLock);
    const Oid view =
        create_empty_view(schema, pstrdup(RelationGetRelationName(opened)), opened->rd_rel->relowner,
                          column_definitions(RelationGetDescr(opened)));
    as_superuser([&] {
        StoreViewQuery(view, select_from(opened), false);
        return view;
    });
    const int columns = RelationGetNumberOfAttributes(opened);
    table_close(opened, NoLock);
    CommandCounterIncrement();

    for (int column = 0; column <= columns; column++)
        pass_on(table, view, static_cast<AttrNumber>(column));
    return view;
}

PG_GUARDED void restore_rule(Oid table, Oid definition)
{
    Relation view = relation_open(definition, AccessShareLock);
    Relation opened = relation_open(table, NoLock);
    Query *query = stored_query(view);
    retarget(query, definition, opened);
    relation_close(opened, NoLock);
    relation_close(view, NoLock);
    store_rule(table, query);
}

} // namespace rebuild
