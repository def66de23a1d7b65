/*
 * text.cpp - the query that a text consists of.
 *
 * The text is parsed and analysed by PostgreSQL itself, with the caller's search_path, and run by nobody.
 * Since what is told about a query tells something about the tables it reads, the caller must be one who may
 * run it: permissions are checked as the executor does, on every level of the rewritten query.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

extern "C" {

/* Walker: true where the user may not read what a level reads, unless that is to be an error. */
PG_GUARDED static bool permission_walker(Node *node, void *complain)
{
    if (node == nullptr)
        return false;
    if (!IsA(node, Query))
        return pg::walk_expression(node, permission_walker, complain);
    return !pg::check_permissions(castNode(Query, node), *static_cast<bool *>(complain)) ||
           pg::walk_query(castNode(Query, node), permission_walker, complain, 0);
}

} // extern "C"

/* Permissions on what every level of the rewritten query reads. */
PG_GUARDED bool check_may_run(const Query *query, bool complain)
{
    auto *copy = static_cast<Query *>(copyObjectImpl(query));
    AcquireRewriteLocks(copy, true, false);
    bool refused = false;
    for (auto *rewritten : pg::each<Query>(QueryRewrite(copy)))
        refused = refused || permission_walker(reinterpret_cast<Node *>(rewritten), &complain);
    return !refused;
}

} // namespace

PG_GUARDED bool may_run(const Query *query)
{
    return check_may_run(query, false);
}

PG_GUARDED Query *query_of_text(const char *text)
{
    const List *statements = pg::raw_parser(text);
    if (list_length(statements) != 1)
        ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("the text must be exactly one query"),
                        errdetail_plural("It has %d statement.", "It has %d statements.",
                                         static_cast<unsigned long>(list_length(statements)),
                                         list_length(statements)),
                        errhint("Give one SELECT.")));
    Query *query = pg::parse_analyze_fixedparams(linitial_node(RawStmt, statements), text);
    if (query->commandType != CMD_SELECT)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("the text must be a query"),
                        errdetail("The statement is no SELECT, or does more than read."),
                        errhint("Give one SELECT.")));
    check_may_run(query, true);
    return query;
}

} // namespace analyze
