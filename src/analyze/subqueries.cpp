/*
 * subqueries.cpp - subqueries that are kept in tables of their own.
 *
 * A query that joins subqueries which group, or groups what they show, isn't linear; but it is over the
 * groups.  So a table can stand for such a subquery, maintained like any other, and the query read that.
 * This is where they are found, and put in place, once WITH queries and views are subqueries (inlined.cpp);
 * narrowed.cpp says what the tables show.  Which of them is worth it is seen by who makes the tables
 * (rebuild/subqueries.cpp).  For a view of another owner it is a table of SELECT ... FROM the view.
 */
#include "analyze/parts.hpp"

#include <algorithm>

namespace analyze {

namespace {

/* Does what a level shows of a row depend on other rows? */
PG_GUARDED bool combines_rows(const Query *query)
{
    return has_groups(query) || query->setOperations != nullptr || query->hasWindowFuncs ||
           query->limitCount != nullptr || query->limitOffset != nullptr;
}

/* SELECT all columns FROM the view that an entry is. */
PG_GUARDED Query *query_of_view(const Query *level, const RangeTblEntry *entry)
{
    auto *copy = static_cast<RangeTblEntry *>(copyObjectImpl(entry));
    List *targets = columns_shown(copy, 1, 0);
    Query *query = make_query(list_make1(copy), list_make1(reference_to(1)), targets);
    pg::copy_permissions(level, entry, query, copy);
    return query;
}

/* What a table shows that stands for an item of FROM of a level that so many are around. */
PG_GUARDED void find_query(Subquery *subquery, int item, int depth)
{
    if (reads_whole_row(subquery->level, item))
        return;
    subquery->query = subquery->entry->rtekind == RTE_RELATION
                          ? query_of_view(subquery->level, subquery->entry)
                          : narrowed_query(subquery->level, item, depth, &subquery->restricted);
}

/* Is the item a query that stands by itself, and that combines rows? */
PG_GUARDED bool can_be_kept(const RangeTblEntry *entry, int depth)
{
    if (entry->rtekind == RTE_RELATION)
        return entry->relkind == RELKIND_VIEW && combines_rows(definition_query(entry->relid));
    return entry->rtekind == RTE_SUBQUERY && !entry->lateral && combines_rows(entry->subquery) &&
           !refers_outside(entry->subquery, depth + 1);
}

/* What is carried along while subqueries are looked for. */
struct Search {
    Oid owner;
    int depth;          /* how many levels are around this one */
    const Query *known; /* of which FROM can't be kept, only what is inside of that; or NULL */
    List *found;
};

PG_GUARDED void look_for(Query *query, Search *search);

/* Look for them in a query inside a level. */
PG_GUARDED void look_inside(Query *query, Search *search)
{
    search->depth++;
    look_for(query, search);
    search->depth--;
}

extern "C" {

/* Walker: look for them in FROM of the subqueries in an expression. */
PG_GUARDED static bool sublink_walker(Node *node, void *context)
{
    if (node == nullptr || IsA(node, Query))
        return false;
    if (IsA(node, SubLink))
        look_inside(castNode(Query, castNode(SubLink, node)->subselect), static_cast<Search *>(context));
    return pg::walk_expression(node, sublink_walker, context);
}

} // extern "C"

/* Look for them in a level. */
PG_GUARDED void look_for(Query *query, Search *search)
{
    check_stack_depth();
    if (!inline_with(query))
        return;
    const List *items = from_items(query);
    int item = 0;
    for (auto *entry : pg::each<RangeTblEntry>(query->rtable)) {
        item++;
        if (query->setOperations == nullptr && !list_member_int(items, item))
            continue;
        inline_view(query, entry, search->owner);
        if (query->setOperations == nullptr && query != search->known && can_be_kept(entry, search->depth)) {
            auto *subquery = static_cast<Subquery *>(palloc(sizeof(Subquery)));
            *subquery = {.level = query, .entry = entry, .query = nullptr, .restricted = false};
            find_query(subquery, item, search->depth);
            search->found = lappend(search->found, subquery);
        } else if (entry->rtekind == RTE_SUBQUERY) {
            look_inside(entry->subquery, search);
        }
    }
    sublink_walker(
        reinterpret_cast<Node *>(list_make3(query->targetList, query->jointree, query->havingQual)), search);
}

/* A table that is to become a subquery again, and that. */
struct PutBack {
    Oid table;
    const Query *query;
};

extern "C" {

/* Walker: entries that read the table become subqueries. */
PG_GUARDED static bool put_back_walker(Node *node, void *context)
{
    const auto *back = static_cast<const PutBack *>(context);
    if (node == nullptr)
        return false;
    if (!IsA(node, Query))
        return pg::walk_expression(node, put_back_walker, context);
    auto *query = castNode(Query, node);
    pg::walk_query(query, put_back_walker, context, QTW_IGNORE_JOINALIASES);
    for (auto *entry : pg::each<RangeTblEntry>(query->rtable))
        if (entry->rtekind == RTE_RELATION && entry->relid == back->table) {
            pg::remove_permissions(query, entry);
            read_subquery(entry, static_cast<Query *>(copyObjectImpl(back->query)));
        }
    return false;
}

} // extern "C"

} // namespace

PG_GUARDED List *find_subqueries(Query *query, Oid owner, bool restricted)
{
    Search search = {.owner = owner, .depth = 0, .known = restricted ? query : nullptr, .found = NIL};
    look_for(query, &search);
    return search.found;
}

PG_GUARDED void read_table(const Subquery &subquery, Oid table)
{
    RangeTblEntry *entry = subquery.entry;
    Relation opened = table_open(table, AccessShareLock);
    TupleDesc type = RelationGetDescr(opened);
    List *names = NIL;
    for (int i = 0; i < type->natts; i++)
        names = lappend(names, makeString(pstrdup(NameStr(TupleDescAttr(type, i)->attname))));
    table_close(opened, NoLock);
    pg::read_relation(subquery.level, entry, table);
    entry->rtekind = RTE_RELATION;
    entry->relkind = RELKIND_RELATION;
    entry->rellockmode = AccessShareLock;
    entry->inh = true;
    entry->subquery = nullptr;
    entry->security_barrier = false;
    entry->eref->colnames = names;
    if (entry->alias != nullptr)
        entry->alias->colnames = NIL;
}

PG_GUARDED void put_back(Query *query, Oid table, const Query *shown)
{
    PutBack back = {.table = table, .query = shown};
    put_back_walker(reinterpret_cast<Node *>(query), &back);
}

PG_GUARDED bool shows_arbitrary_keys(const model::View &view)
{
    /* What an upper query shows of the keys isn't known here. */
    return std::any_of(view.keys.begin(), view.keys.end(), [&](const model::Key &key) {
        return (key.column != 0 || view.upper != nullptr) && !looks_determined(key);
    });
}

} // namespace analyze
