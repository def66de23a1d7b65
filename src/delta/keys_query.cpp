/*
 * keys_query.cpp - the query that finds the keys that changed rows of a reference have a say in.
 *
 * Which keys there are is all that matters, and not how often each is found.  So what is not linked with them
 * is asked for by EXISTS, which is evaluated once, and ends with the first row.  And of many changed rows,
 * those that are the same in all that is linked with others or in a key are read once: else a thousand rows
 * of one value, joined with a thousand others of it, would be a million.
 *
 * That is not asked of few changed rows, for it costs something; nor of columns whose equal values may look
 * different, since what is computed of them may differ.
 */
#include "delta/keys_query.hpp"

#include "delta/rows_query.hpp"
#include "pg/list.hpp"

namespace delta {

namespace {

/* Fewer changed rows than that are read as they are: plans of more are others (affected.cpp). */
constexpr double many_rows = 32;

/* A subquery in the making: rows of an entry, of which each is read once. */
struct Distinct {
    int index;     /* of the entry */
    List *inside;  /* conditions on nothing else */
    List *outside; /* the others */
};

/* The columns of the entry that are used outside; false: one of them can't be grouped by. */
PG_GUARDED bool find_columns(const Query *query, const Distinct &distinct, List **columns)
{
    List *used = list_make2(query->targetList, distinct.outside);
    for (auto *var : pg::each<Var>(pull_var_clause(reinterpret_cast<Node *>(used), 0))) {
        model::Key key = {};
        if (static_cast<int>(var->varno) != distinct.index)
            continue;
        if (var->varattno <= 0 || !analyze::make_plain_key(reinterpret_cast<Node *>(var), &key))
            return false;
        *columns = list_append_unique(*columns, var);
    }
    return *columns != NIL;
}

/* The columns of the entry, in their places, grouped by those that are used; in place of the others is NULL.
 */
PG_GUARDED Query *grouped(RangeTblEntry *entry, Distinct *distinct, const List *columns)
{
    auto *query = makeNode(Query);
    query->commandType = CMD_SELECT;
    query->rtable = list_make1(entry);
    for (int i = 1; i <= list_length(entry->coltypes); ++i)
        add_target(query, reinterpret_cast<Expr *>(makeNullConst(INT4OID, -1, InvalidOid)));
    for (auto *column : pg::each<Var>(columns)) {
        model::Key key = {};
        auto *target = list_nth_node(TargetEntry, query->targetList, column->varattno - 1);
        target->expr = static_cast<Expr *>(copyObjectImpl(column));
        analyze::make_plain_key(reinterpret_cast<Node *>(target->expr), &key);
        group_by(query, key, target, static_cast<Index>(target->resno));
    }
    auto *reference = makeNode(RangeTblRef);
    reference->rtindex = distinct->index;
    query->jointree = makeFromExpr(
        list_make1(reference),
        distinct->inside == NIL ? nullptr : reinterpret_cast<Node *>(make_ands_explicit(distinct->inside)));
    ChangeVarNodes(reinterpret_cast<Node *>(query), distinct->index, 1, 0);
    return query;
}

/* Have the query read changed rows once that are the same to it; the conditions that are left to it. */
PG_GUARDED List *read_once(Query *query, int index, List *conditions)
{
    RangeTblEntry *entry = rt_fetch(index, query->rtable);
    if (entry->rtekind != RTE_NAMEDTUPLESTORE || entry->enrtuples < many_rows)
        return conditions;
    Distinct distinct = {.index = index, .inside = NIL, .outside = NIL};
    const model::References own = 1U << static_cast<unsigned>(index - 1);
    for (auto *condition : pg::each<Node>(conditions)) {
        List **place = analyze::references_in(condition) == own ? &distinct.inside : &distinct.outside;
        *place = lappend(*place, condition);
    }
    List *columns = NIL;
    if (!find_columns(query, distinct, &columns))
        return conditions;
    auto *once = makeNode(RangeTblEntry);
    once->rtekind = RTE_SUBQUERY;
    once->eref = static_cast<Alias *>(copyObjectImpl(entry->eref));
    once->inFromCl = true;
    once->subquery = grouped(entry, &distinct, columns);
    lfirst(list_nth_cell(query->rtable, index - 1)) = once;
    return distinct.outside;
}

/* The query of a join that shows the keys. */
PG_GUARDED Query *join_query(const model::View &view, const analyze::Join &join, const List *entries,
                             const List *keys)
{
    Query *query = rows_query(view, static_cast<List *>(copyObjectImpl(entries)));
    auto *conditions = static_cast<List *>(copyObjectImpl(join.conditions));
    List *from = NIL;
    for (auto *way : pg::each<List>(keys))
        for (auto *key : pg::each<Expr>(way))
            add_target(query, static_cast<Expr *>(copyObjectImpl(key)));
    for (int i = 1; i <= view.references.size; ++i) {
        if ((join.references & (1U << static_cast<unsigned>(i - 1))) == 0)
            continue;
        conditions = read_once(query, i, conditions);
        auto *reference = makeNode(RangeTblRef);
        reference->rtindex = i;
        from = lappend(from, reference);
    }
    query->jointree = makeFromExpr(
        from, conditions == NIL ? nullptr : reinterpret_cast<Node *>(make_ands_explicit(conditions)));
    return query;
}

/* Does the query of a join have a row? */
PG_GUARDED Node *exists(Query *query)
{
    auto *link = makeNode(SubLink);
    link->subLinkType = EXISTS_SUBLINK;
    link->subselect = reinterpret_cast<Node *>(query);
    link->location = -1;
    return reinterpret_cast<Node *>(link);
}

} // namespace

PG_GUARDED Query *keys_query(const model::View &view, const analyze::Reach &reach, const List *entries)
{
    Query *query = join_query(view, reach.joined, entries, reach.keys);
    for (auto *existing : pg::each<analyze::Join>(reach.existing)) {
        Node *condition = exists(join_query(view, *existing, entries, NIL));
        query->jointree->quals = make_and_qual(query->jointree->quals, condition);
        query->hasSubLinks = true;
    }
    return query;
}

} // namespace delta
