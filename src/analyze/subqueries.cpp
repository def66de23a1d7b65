/*
 * subqueries.cpp - subqueries that are kept in tables of their own.
 *
 * A query that joins subqueries which group, or groups what they show, isn't linear; but it is over the
 * groups.  So a table can stand for such a subquery, maintained like any other, and the query read that.
 * This is where they are found, and put in place; which of them is worth it is seen by who makes the tables
 * (rebuild/subqueries.cpp).
 *
 * What a table shows has the columns of the subquery, in the same places, so that nothing around it changes
 * but the one entry of the range table.  Columns that nothing reads are NULL in it.  Where window functions
 * number the rows, conditions on these alone come along: the first row of each partition is what is kept
 * then, not all rows with numbers that change with every other row; and the columns that tell partitions are
 * shown too, behind the others.
 *
 * WITH queries become subqueries first, as the planner has it that inlines them (inline_cte; PostgreSQL,
 * subselect.c): all that is read here can be computed twice.  So do views, if they belong to the owner of the
 * query, who may then read what they do; a table that stands for another one is a table of SELECT ... FROM
 * it.
 */
#include "analyze/parts.hpp"

#include <algorithm>

#include "pg/lookup.hpp"

namespace analyze {

namespace {

/* -- WITH -- */

/* A WITH query that is put in place, from some levels below the one that has it. */
struct Inlining {
    const CommonTableExpr *with;
    Index level;
    int queries; /* how many there are by now */
};

/* More than these aren't made: where each WITH query reads the one before twice, their number doubles. */
constexpr int most_queries = 64;

/* An entry reads a subquery, under the names that it had before. */
PG_GUARDED void read_subquery(RangeTblEntry *entry, Query *query)
{
    entry->rtekind = RTE_SUBQUERY;
    entry->subquery = query;
    entry->inh = false;
    entry->security_barrier = false;
    entry->alias = static_cast<Alias *>(copyObjectImpl(entry->eref));
}

extern "C" {

/* Walker: entries that read the WITH query become subqueries. */
PG_GUARDED static bool inline_walker(Node *node, void *context)
{
    auto *inlining = static_cast<Inlining *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, RangeTblEntry)) {
        auto *entry = castNode(RangeTblEntry, node);
        if (entry->rtekind != RTE_CTE || entry->ctelevelsup != inlining->level ||
            strcmp(entry->ctename, inlining->with->ctename) != 0)
            return false;
        auto *query = static_cast<Query *>(copyObjectImpl(inlining->with->ctequery));
        IncrementVarSublevelsUp(reinterpret_cast<Node *>(query), static_cast<int>(inlining->level), 1);
        query->canSetTag = true; /* which none has in WITH */
        read_subquery(entry, query);
        entry->ctename = nullptr;
        entry->ctelevelsup = 0;
        entry->coltypes = entry->coltypmods = entry->colcollations = NIL;
        return false;
    }
    if (!IsA(node, Query))
        return pg::walk_expression(node, inline_walker, context);
    if (++inlining->queries > most_queries)
        return true;
    inlining->level++;
    const bool too_many =
        pg::walk_query(castNode(Query, node), inline_walker, context, QTW_EXAMINE_RTES_AFTER);
    inlining->level--;
    return too_many;
}

} // extern "C"

/* Make subqueries of the WITH queries of a level; false: that can't be, or would be too many. */
PG_GUARDED bool inline_with(Query *query)
{
    if (query->hasRecursive)
        return false;
    for (auto *with : pg::each<CommonTableExpr>(query->cteList)) {
        Inlining inlining = {.with = with, .level = 0, .queries = 0};
        if (pg::walk_query(query, inline_walker, &inlining, QTW_EXAMINE_RTES_AFTER))
            return false;
    }
    query->cteList = NIL;
    return true;
}

/* -- which columns are read -- */

/* The columns of an item of FROM that a level reads. */
struct Columns {
    const Query *level;
    int item;
    Index depth; /* how many queries are around what is looked at, below the level */
    bool whole;  /* rows are values, whatever columns they have */
    Bitmapset *read;
};

extern "C" {
PG_GUARDED static bool columns_walker(Node *node, void *context);
}

/* A column of a join is one, or several, of what it joins. */
PG_GUARDED void look_at_join(const RangeTblEntry *join, AttrNumber column, Columns *columns)
{
    if (column <= 0)
        columns->whole = true;
    const Index depth = columns->depth;
    columns->depth = 0;
    columns_walker(column > 0 ? static_cast<Node *>(list_nth(join->joinaliasvars, column - 1))
                              : reinterpret_cast<Node *>(join->joinaliasvars),
                   columns);
    columns->depth = depth;
}

extern "C" {

/* Walker: take note of columns of the item. */
PG_GUARDED static bool columns_walker(Node *node, void *context)
{
    auto *columns = static_cast<Columns *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, Var)) {
        const auto *var = castNode(Var, node);
        if (var->varlevelsup != columns->depth)
            return false;
        const auto number = static_cast<int>(var->varno);
        const RangeTblEntry *entry = rt_fetch(number, columns->level->rtable);
        if (number == columns->item && var->varattno > 0)
            columns->read = bms_add_member(columns->read, var->varattno);
        else if (number == columns->item)
            columns->whole = true;
        else if (entry->rtekind == RTE_JOIN)
            look_at_join(entry, var->varattno, columns);
        return false;
    }
    if (!IsA(node, Query))
        return pg::walk_expression(node, columns_walker, context);
    columns->depth++;
    pg::walk_query(castNode(Query, node), columns_walker, context, QTW_IGNORE_JOINALIASES);
    columns->depth--;
    return false;
}

} // extern "C"

PG_GUARDED Columns columns_read(Query *level, int item)
{
    Columns columns = {.level = level, .item = item, .depth = 0, .whole = false, .read = nullptr};
    pg::walk_query(level, columns_walker, &columns, QTW_IGNORE_JOINALIASES);
    return columns;
}

} // namespace

PG_GUARDED bool reads_whole_row(Query *level, int item)
{
    return columns_read(level, item).whole;
}

namespace {

/* Is the expression a column of the primary key of its table? */
PG_GUARDED bool is_primary_key(const Query *query, const Node *expression)
{
    if (!IsA(expression, Var) || reinterpret_cast<const Var *>(expression)->varlevelsup > 0)
        return false;
    const auto *var = reinterpret_cast<const Var *>(expression);
    const RangeTblEntry *entry = rt_fetch(static_cast<int>(var->varno), query->rtable);
    Oid constraint = InvalidOid;
    return entry->rtekind == RTE_RELATION && entry->relkind != RELKIND_VIEW &&
           bms_is_member(var->varattno - FirstLowInvalidHeapAttributeNumber,
                         get_primary_key_attnos(entry->relid, false, &constraint));
}

/* Is NULL a value of its type, and can a table have that? */
PG_GUARDED bool can_be_null(Node *expression)
{
    const char kind = get_typtype(exprType(expression));
    return kind != TYPTYPE_PSEUDO && kind != TYPTYPE_DOMAIN;
}

/* Has a column that nothing reads no say in which rows the query has, or in how they are found? */
PG_GUARDED bool can_be_left_out(const Query *query, const TargetEntry *target)
{
    auto *expression = reinterpret_cast<Node *>(target->expr);
    return !target->resjunk && target->ressortgroupref == 0 && !expression_returns_set(expression) &&
           can_be_null(expression) && !(query->hasWindowFuncs && is_primary_key(query, expression));
}

/* Have columns that nothing reads be NULL. */
PG_GUARDED void leave_out(Query *query, const Columns &columns)
{
    const bool single_group = query->groupClause == NIL && makes_groups(query);
    if (query->setOperations != nullptr || single_group)
        return;
    for (auto *target : pg::each<TargetEntry>(query->targetList))
        if (can_be_left_out(query, target) && !bms_is_member(target->resno, columns.read)) {
            auto *expression = reinterpret_cast<Node *>(target->expr);
            target->expr = reinterpret_cast<Expr *>(
                makeNullConst(exprType(expression), exprTypmod(expression), exprCollation(expression)));
        }
    auto *targets = reinterpret_cast<Node *>(query->targetList);
    query->hasAggs =
        query->hasAggs &&
        contain_aggs_of_level(reinterpret_cast<Node *>(list_make2(query->targetList, query->havingQual)), 0);
    query->hasWindowFuncs = query->hasWindowFuncs && contain_windowfuncs(targets);
    if (!query->hasWindowFuncs)
        query->windowClause = NIL;
}

/* -- window functions -- */

/* Show the columns that windows partition by, behind the others. */
PG_GUARDED void show_partitions(Query *query)
{
    List *shown = NIL;
    List *hidden = NIL;
    for (auto *target : pg::each<TargetEntry>(query->targetList)) {
        for (auto *window : pg::each<WindowClause>(query->windowClause))
            if (target->resjunk && refers_to(window->partitionClause, target->ressortgroupref)) {
                target->resjunk = false;
                target->resname = psprintf("partition_%d", list_length(shown) + 1);
            }
        if (target->resjunk)
            hidden = lappend(hidden, target);
        else
            shown = lappend(shown, target);
    }
    query->targetList = list_concat(shown, hidden);
    AttrNumber number = 0;
    for (auto *target : pg::each<TargetEntry>(query->targetList))
        target->resno = ++number;
}

/* Is it a condition on the item alone, which can be checked before the item is joined? */
PG_GUARDED bool is_condition_on(Node *condition, int item, int depth)
{
    int number = 0;
    for (int level = 1; level <= depth; level++)
        if (contain_vars_of_level(condition, level))
            return false;
    return !checkExprHasSubLink(condition) && bms_get_singleton_member(pg::pull_varnos(condition), &number) &&
           number == item;
}

/* Conditions that are taken out of a level that so many are around. */
struct Taking {
    Query *level;
    int item;
    int depth;
    List *taken;
};

/* Take the conditions on the item alone out of a condition; what is left of it. */
PG_GUARDED Node *take_conditions(Taking *taking, Node *condition)
{
    List *left = NIL;
    for (auto *part : pg::each<Node>(make_ands_implicit(reinterpret_cast<Expr *>(condition)))) {
        Node *over_items =
            pg::flatten_join_alias_vars(taking->level, static_cast<Node *>(copyObjectImpl(part)));
        if (is_condition_on(over_items, taking->item, taking->depth))
            taking->taken = lappend(taking->taken, over_items);
        else
            left = lappend(left, part);
    }
    return left == NIL ? nullptr : reinterpret_cast<Node *>(make_ands_explicit(left));
}

/*
 * Take the conditions on the item alone out of a part of FROM, where a row that doesn't meet them has no part
 * in any row; false: the item isn't there, or may be lacking.
 */
PG_GUARDED bool take_from(Taking *taking, Node *from)
{
    if (IsA(from, RangeTblRef))
        return castNode(RangeTblRef, from)->rtindex == taking->item;
    if (IsA(from, FromExpr)) {
        auto *items = castNode(FromExpr, from);
        bool found = false;
        for (auto *part : pg::each<Node>(items->fromlist))
            found = found || take_from(taking, part);
        if (found)
            items->quals = take_conditions(taking, items->quals);
        return found;
    }
    auto *join = castNode(JoinExpr, from);
    const bool inner = join->jointype == JOIN_INNER;
    const bool found = ((inner || join->jointype == JOIN_LEFT) && take_from(taking, join->larg)) ||
                       (inner && take_from(taking, join->rarg));
    if (found && inner)
        join->quals = take_conditions(taking, join->quals);
    return found;
}

/* The columns that the conditions on an item are over. */
PG_GUARDED Bitmapset *columns_of_conditions(const List *conditions, int item)
{
    Bitmapset *columns = nullptr;
    Bitmapset *numbers = nullptr;
    pull_varattnos(reinterpret_cast<Node *>(const_cast<List *>(conditions)), static_cast<Index>(item),
                   &numbers);
    for (int number = -1; (number = bms_next_member(numbers, number)) >= 0;)
        if (number + FirstLowInvalidHeapAttributeNumber > 0)
            columns = bms_add_member(columns, number + FirstLowInvalidHeapAttributeNumber);
    return columns;
}

/* Does a column tell rows or partitions apart, and so has to be shown? */
PG_GUARDED bool tells_apart(const Query *query, const TargetEntry *target)
{
    bool tells = is_primary_key(query, reinterpret_cast<const Node *>(target->expr));
    for (auto *window : pg::each<WindowClause>(query->windowClause))
        tells = tells || refers_to(window->partitionClause, target->ressortgroupref);
    return tells;
}

/* What a query, an item of FROM, shows under conditions on it; columns: those of it that are wanted. */
PG_GUARDED Query *under_conditions(Query *query, const Alias *names, List *conditions, const Columns &columns)
{
    RangeTblEntry *entry = lateral_entry(query, static_cast<Alias *>(copyObjectImpl(names)));
    List *targets = NIL;
    for (auto *target : pg::each<TargetEntry>(query->targetList)) {
        if (target->resjunk)
            continue;
        auto *shown = reinterpret_cast<Node *>(target->expr);
        const Oid type = exprType(shown);
        const int32 typmod = exprTypmod(shown);
        const Oid collation = exprCollation(shown);
        const bool wanted = bms_is_member(target->resno, columns.read) || !can_be_null(shown);
        void *column = wanted || tells_apart(query, target)
                           ? static_cast<void *>(makeVar(1, target->resno, type, typmod, collation, 0))
                           : makeNullConst(type, typmod, collation);
        if (target->resno > list_length(entry->eref->colnames))
            entry->eref->colnames = lappend(entry->eref->colnames, makeString(target->resname));
        targets = lappend(targets,
                          makeTargetEntry(static_cast<Expr *>(column), target->resno,
                                          strVal(list_nth(entry->eref->colnames, target->resno - 1)), false));
    }
    entry->alias = static_cast<Alias *>(copyObjectImpl(entry->eref));
    ChangeVarNodes(reinterpret_cast<Node *>(conditions), columns.item, 1, 0);
    Query *around = make_query(list_make1(entry), list_make1(reference_to(1)), targets);
    around->jointree->quals = reinterpret_cast<Node *>(make_ands_explicit(conditions));
    return around;
}

/* -- the subqueries -- */

/* Does what a level shows of a row depend on other rows? */
PG_GUARDED bool combines_rows(const Query *query)
{
    return has_groups(query) || query->setOperations != nullptr || query->hasWindowFuncs ||
           query->limitCount != nullptr || query->limitOffset != nullptr;
}

/* Make a subquery of a view that the owner has as well, and that isn't there to hide rows. */
PG_GUARDED void inline_view(Query *level, RangeTblEntry *entry, Oid owner)
{
    if (entry->rtekind != RTE_RELATION || entry->relkind != RELKIND_VIEW ||
        pg::owner_of_relation(entry->relid) != owner)
        return;
    Relation view = table_open(entry->relid, AccessShareLock);
    const bool barrier = RelationIsSecurityView(view);
    const int columns = RelationGetNumberOfAttributes(view);
    table_close(view, NoLock);
    if (barrier || columns != list_length(entry->eref->colnames) || entry->relid < FirstNormalObjectId)
        return;
    Query *query = standalone_query(entry->relid);
    pg::remove_permissions(level, entry);
    entry->relid = InvalidOid;
    entry->relkind = '\0';
    entry->rellockmode = 0;
    read_subquery(entry, query);
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

/* What a table of the subquery shows, which is an item of FROM of a level that so many are around. */
PG_GUARDED void find_query(Subquery *subquery, int item, int depth)
{
    Query *level = subquery->level;
    const RangeTblEntry *entry = subquery->entry;
    if (reads_whole_row(level, item))
        return;
    if (entry->rtekind == RTE_RELATION) {
        subquery->query = query_of_view(level, entry);
        return;
    }
    auto *query = static_cast<Query *>(copyObjectImpl(entry->subquery));
    Taking taking = {.level = level, .item = item, .depth = depth, .taken = NIL};
    const bool numbers = query->hasWindowFuncs;
    auto *before = static_cast<FromExpr *>(copyObjectImpl(level->jointree));
    if (numbers && !take_from(&taking, reinterpret_cast<Node *>(level->jointree)))
        level->jointree = before;
    const Columns wanted = columns_read(level, item);
    Columns needed = wanted;
    needed.read = bms_union(wanted.read, columns_of_conditions(taking.taken, item));
    leave_out(query, needed);
    if (numbers)
        show_partitions(query);
    subquery->restricted = taking.taken != NIL;
    subquery->query =
        subquery->restricted ? under_conditions(query, entry->eref, taking.taken, wanted) : query;
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
            entry->relid = InvalidOid;
            entry->relkind = '\0';
            entry->rellockmode = 0;
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
