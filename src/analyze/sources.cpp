/*
 * sources.cpp - which tables a query reads, and whether their changes can be noticed.
 *
 * Works on an expanded query, whose remaining relations are no views.  Only what a FROM clause joins is
 * looked at: before PostgreSQL 16 the queries of views have two more range table entries, which stand for the
 * view itself and are never read.  Tables are named by the root that the query names: partitions and
 * inheritance children are no sources of their own, capture maps them.
 */
#include "analyze/parts.hpp"
#include "catalog/catalog.hpp"

namespace analyze {

namespace {

/* What is gathered on the way. */
struct Search {
    List *sources; /* of model::Source */
    const Refusal *refusal;
};

/* A refusal of a relation. */
PG_GUARDED const Refusal *refuse_relation(int sqlstate, const char *kind, Oid relation, const char *detail,
                                          const char *hint)
{
    return refuse(sqlstate,
                  psprintf("%s %s cannot be a source of an incremental materialized table", kind,
                           relation_name(relation)),
                  detail, hint);
}

/* A foreign table among the partitions or children of the table, or InvalidOid. */
PG_GUARDED Oid foreign_child(Oid table)
{
    if (!has_subclass(table))
        return InvalidOid;
    for (const Oid child : pg::each_oid(find_all_inheritors(table, NoLock, nullptr)))
        if (get_rel_relkind(child) == RELKIND_FOREIGN_TABLE)
            return child;
    return InvalidOid;
}

/* The IMAT whose groups the table keeps, or InvalidOid. */
PG_GUARDED Oid imat_kept_in(Oid table)
{
    for (Oid imat : catalog::all_imats()) {
        catalog::Registration registration = {};
        if (catalog::find(imat, &registration) && catalog::keeps_groups_in(registration, table))
            return imat;
    }
    return InvalidOid;
}

/* Why a table that pg_imat has for itself can't be a source, or NULL: it is another table. */
PG_GUARDED const Refusal *refuse_ours(Oid table)
{
    constexpr int unsupported = ERRCODE_FEATURE_NOT_SUPPORTED;
    if (get_rel_namespace(table) != get_namespace_oid("imat", true))
        return nullptr;
    if (catalog::is_table_of_ours(table))
        return refuse_relation(unsupported, "table", table,
                               "It belongs to pg_imat, which writes to it without telling anybody.", nullptr);
    const Oid imat = imat_kept_in(table);
    if (!OidIsValid(imat))
        return nullptr;
    return refuse_relation(
        unsupported, "table", table,
        psprintf("It belongs to incremental materialized table %s, and is written without telling anybody.",
                 relation_name(imat)),
        psprintf("Read %s instead.", relation_name(imat)));
}

/* Why changes of the relation can't be noticed, or NULL. */
PG_GUARDED const Refusal *refuse_kind(Oid relation, char relkind)
{
    constexpr int wrong_kind = ERRCODE_WRONG_OBJECT_TYPE;
    constexpr int unsupported = ERRCODE_FEATURE_NOT_SUPPORTED;
    if (relation < FirstNormalObjectId || IsCatalogNamespace(get_rel_namespace(relation)) ||
        IsToastNamespace(get_rel_namespace(relation)))
        return refuse_relation(unsupported, "system catalog", relation, "Its changes cannot be noticed.",
                               nullptr);
    if (get_rel_persistence(relation) == RELPERSISTENCE_TEMP)
        return refuse_relation(unsupported, "temporary table", relation,
                               "Other sessions cannot see it, and it is gone when this session ends.",
                               "Use a table that is not temporary.");
    switch (relkind) {
    case RELKIND_RELATION:
    case RELKIND_PARTITIONED_TABLE:
        break;
    case RELKIND_MATVIEW:
        return refuse_relation(
            wrong_kind, "materialized view", relation, "It changes when it is refreshed only.",
            psprintf("Convert it first: SELECT create_imat(%s).",
                     quote_literal_cstr(quote_qualified_identifier(
                         get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation)))));
    case RELKIND_FOREIGN_TABLE:
        return refuse_relation(wrong_kind, "foreign table", relation,
                               "Changes made on the foreign server cannot be noticed.", nullptr);
    case RELKIND_SEQUENCE:
        return refuse_relation(wrong_kind, "sequence", relation, "Its changes cannot be noticed.", nullptr);
    default:
        return refuse_relation(wrong_kind, "relation", relation, "It is not a table.", nullptr);
    }
    const Oid foreign = foreign_child(relation);
    if (OidIsValid(foreign))
        return refuse_relation(wrong_kind, "table", relation,
                               psprintf("Its child %s is a foreign table, whose changes cannot be noticed.",
                                        relation_name(foreign)),
                               nullptr);
    return refuse_ours(relation);
}

/* Count a reference to a table, of which a query selects these columns. */
PG_GUARDED void add_source(Search *search, Oid relation, const Bitmapset *columns)
{
    for (auto *source : pg::each<model::Source>(search->sources)) {
        if (source->relation == relation) {
            source->references++;
            source->columns = bms_add_members(source->columns, columns);
            return;
        }
    }
    auto *source = static_cast<model::Source *>(palloc(sizeof(model::Source)));
    *source = {.relation = relation, .references = 1, .columns = bms_copy(columns)};
    search->sources = lappend(search->sources, source);
}

/* Look at one item of the FROM clause of a query; true: refused. */
PG_GUARDED bool visit_item(Search *search, const Query *query, RangeTblEntry *entry)
{
    if (entry->tablesample != nullptr)
        search->refusal = refuse(ERRCODE_FEATURE_NOT_SUPPORTED,
                                 "TABLESAMPLE cannot be used in an incremental materialized table",
                                 "Which rows it takes is not determined by the rows of the table.", nullptr);
    else if (entry->rtekind == RTE_NAMEDTUPLESTORE)
        search->refusal =
            refuse(ERRCODE_FEATURE_NOT_SUPPORTED,
                   psprintf("transition table %s cannot be a source of an incremental materialized table",
                            quote_identifier(entry->eref->aliasname)),
                   "It is gone when the trigger ends.", nullptr);
    else if (entry->rtekind == RTE_RELATION)
        search->refusal = refuse_kind(entry->relid, get_rel_relkind(entry->relid));
    if (search->refusal != nullptr)
        return true;
    if (entry->rtekind == RTE_RELATION)
        add_source(search, entry->relid, pg::selected_columns(query, entry));
    return false;
}

/* Why a level of the query does more than read, or NULL. */
PG_GUARDED const Refusal *refuse_level(const Query *query)
{
    constexpr int unsupported = ERRCODE_FEATURE_NOT_SUPPORTED;
    if (query->commandType != CMD_SELECT)
        return refuse(unsupported, "an incremental materialized table needs a query that only reads",
                      "A statement in WITH changes data.", nullptr);
    if (query->rowMarks != NIL)
        return refuse(unsupported,
                      "FOR UPDATE and FOR SHARE cannot be used in an incremental materialized table",
                      "They lock the rows that are read.", "Leave the clause out.");
    return nullptr;
}

/* A refusal of a system column. */
PG_GUARDED const Refusal *refuse_system_column(AttrNumber column)
{
    return refuse(ERRCODE_FEATURE_NOT_SUPPORTED,
                  psprintf("system column %s cannot be used in an incremental materialized table",
                           NameStr(SystemAttributeDefinition(column)->attname)),
                  "It describes how a row is stored, and changes without a change of the row.",
                  "Use a column of the table, such as its primary key.");
}

extern "C" {

/* Walker: look at every query, at system columns and at parameters; true: refused. */
PG_GUARDED static bool search_walker(Node *node, void *context)
{
    auto *search = static_cast<Search *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, Query)) {
        auto *query = castNode(Query, node);
        search->refusal = refuse_level(query);
        if (search->refusal != nullptr)
            return true;
        List *items = from_items(query);
        int index = 0;
        for (auto *entry : pg::each<RangeTblEntry>(query->rtable))
            if (list_member_int(items, ++index) && visit_item(search, query, entry))
                return true;
        return pg::walk_query(query, search_walker, context, QTW_IGNORE_JOINALIASES);
    }
    if (IsA(node, Var)) {
        const auto *var = castNode(Var, node);
        if (var->varattno < 0 && var->varattno != TableOidAttributeNumber)
            search->refusal = refuse_system_column(var->varattno);
    } else if (IsA(node, Param) && castNode(Param, node)->paramkind == PARAM_EXTERN) {
        search->refusal = refuse(ERRCODE_FEATURE_NOT_SUPPORTED,
                                 psprintf("parameter $%d cannot be used in an incremental materialized table",
                                          castNode(Param, node)->paramid),
                                 "The query has to stand for itself.", "Write the value into the query.");
    }
    return search->refusal != nullptr || pg::walk_expression(node, search_walker, context);
}

/* Comparator of sources by their Oids. */
PG_GUARDED static int compare_sources(const void *a, const void *b)
{
    const auto left = static_cast<const model::Source *>(a)->relation;
    const auto right = static_cast<const model::Source *>(b)->relation;
    return left < right ? -1 : static_cast<int>(left > right);
}

} // extern "C"

} // namespace

PG_GUARDED const char *relation_name(Oid relation)
{
    const char *space =
        RelationIsVisible(relation) ? nullptr : get_namespace_name(get_rel_namespace(relation));
    return quote_qualified_identifier(space, get_rel_name(relation));
}

PG_GUARDED const Refusal *find_sources(Query *expanded, model::Array<model::Source> *sources)
{
    Search search = {};
    if (search_walker(reinterpret_cast<Node *>(expanded), &search))
        return search.refusal;
    *sources = to_array<model::Source>(search.sources);
    qsort(sources->data, static_cast<std::size_t>(sources->size), sizeof(model::Source), compare_sources);
    return nullptr;
}

} // namespace analyze
