/*
 * create.cpp - imat.create: an IMAT is made of the text of a query.
 *
 * The query is analysed as the caller, with the caller's search_path, as CREATE MATERIALIZED VIEW would; from
 * then on there is only the analysed Query.  The table has the columns of the query, and is empty when
 * establish takes over.
 */
#include "analyze/analyze.hpp"
#include "pg/list.hpp"
#include "rebuild/parts.hpp"
#include "rebuild/rebuild.hpp"

namespace rebuild {

namespace {

/* Columns like those of the query's result, as CREATE TABLE AS makes them. */
PG_GUARDED List *columns_of(const Query *query)
{
    List *columns = NIL;
    for (auto *target : pg::each<TargetEntry>(query->targetList)) {
        if (target->resjunk)
            continue;
        Node *expression = reinterpret_cast<Node *>(target->expr);
        ColumnDef *column = makeColumnDef(target->resname, exprType(expression), exprTypmod(expression),
                                          exprCollation(expression));
        if (!OidIsValid(column->collOid) && type_is_collatable(column->typeName->typeOid))
            ereport(ERROR, errcode(ERRCODE_INDETERMINATE_COLLATION),
                    errmsg("no collation was derived for column \"%s\" with collatable type %s",
                           column->colname, format_type_be(column->typeName->typeOid)),
                    errhint("Use the COLLATE clause to set the collation explicitly."));
        columns = lappend(columns, column);
    }
    return columns;
}

/* An empty table with the columns of the query. */
PG_GUARDED Oid create_table(RangeVar *name, const Query *query)
{
    CreateStmt *statement = makeNode(CreateStmt);
    statement->relation = name;
    statement->tableElts = columns_of(query);
    statement->oncommit = ONCOMMIT_NOOP;
    const Oid table = DefineRelation(statement, RELKIND_RELATION, InvalidOid, nullptr, nullptr).objectId;
    CommandCounterIncrement();
    NewRelationCreateToastTable(table, Datum(0));
    return table;
}

} // namespace

PG_GUARDED Oid create(const char *name, const char *query_text, const char *maintenance, const char *strategy)
{
    Birth birth = {};
    birth.maintenance = maintenance_of(maintenance);
    birth.strategy = strategy_of(strategy);
    RangeVar *range = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(name)));
    const Query *query = analyze::query_of_text(query_text);
    require_create(RangeVarGetCreationNamespace(range));

    birth.table = create_table(range, query);
    birth.target_schema = get_rel_namespace(birth.table);
    namestrcpy(&birth.old_schema, get_namespace_name(birth.target_schema));
    birth.definition = create_definition(get_rel_name(birth.table), "definition", GetUserId(), query);
    if (birth.strategy != model::Strategy::Swap)
        birth.kept = keep_subqueries(query, birth.table, GetUserId());
    establish(birth);
    return birth.table;
}

} // namespace rebuild
