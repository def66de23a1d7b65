/*
 * group_query.cpp - the query that computes groups from their rows.
 *
 * It is the view's own: the same targets over the same join, grouped by the same keys, which it shows
 * besides. Of several grouping sets it computes one: what the set leaves out is NULL, in what is shown as
 * well, though not inside of aggregates, and GROUPING() is a constant.
 *
 * To compute some groups only, it is joined with their keys, each of which is there once: every row of the
 * sources belongs to one group, so the join leaves the groups that are asked for whole, and repeats nothing.
 */
#include "delta/group_query.hpp"

#include "analyze/analyze.hpp"
#include "delta/recompute.hpp"
#include "delta/rows_query.hpp"
#include "pg/list.hpp"

namespace delta {

namespace {

/* Is it a key of the set's groups, and not their number? */
PG_GUARDED bool is_in_set(const model::GroupingSet *set, int key)
{
    return set == nullptr || (key > 0 && !set->leaves_out(key));
}

/* Restrict the query to rows of the groups whose keys are in the last range table entry. */
PG_GUARDED void restrict_to_set(Query *query, const model::View &view, const model::GroupingSet *set,
                                const Bitmapset *nulls)
{
    auto *reference = makeNode(RangeTblRef);
    reference->rtindex = list_length(query->rtable);
    query->jointree->fromlist = lappend(query->jointree->fromlist, reference);

    List *conditions = query->jointree->quals == nullptr ? NIL : list_make1(query->jointree->quals);
    for (int i = 0; i < view.keys.size; ++i)
        if (is_in_set(set, i))
            conditions =
                lappend(conditions,
                        key_condition(view, i, static_cast<Expr *>(copyObjectImpl(view.keys[i].expression)),
                                      bms_is_member(i, nulls), reference->rtindex, 0));
    if (conditions != NIL)
        query->jointree->quals = reinterpret_cast<Node *>(make_ands_explicit(conditions));
}

/* A view, seen from one of its grouping sets. */
struct InSet {
    const model::View *view;
    const model::GroupingSet *set;
};

PG_GUARDED Node *number_constant(int number)
{
    return reinterpret_cast<Node *>(
        makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(number), false, true));
}

extern "C" {

/* Mutator: an expression of the view as it is in one grouping set.  A key of its own may be made of another,
 * which the set leaves out: it is what it is nevertheless. */
PG_GUARDED static Node *set_mutator(Node *node, void *context)
{
    const auto &in = *static_cast<const InSet *>(context);
    if (node == nullptr)
        return nullptr;
    int i = 0;
    for (auto *expression : pg::each<Node>(in.view->group_keys)) {
        const model::Key &key = in.view->keys[i];
        if (in.set != nullptr && equal(expression, node))
            return in.set->leaves_out(i)
                       ? reinterpret_cast<Node *>(makeNullConst(key.type, key.typmod, key.collation))
                       : static_cast<Node *>(copyObjectImpl(node));
        ++i;
    }
    if (IsA(node, GroupingFunc)) {
        int value = 0;
        const List *keys = castNode(GroupingFunc, node)->refs;
        for (ListCell *cell = list_head(keys); cell != nullptr; cell = pg::next_cell(keys, cell))
            value = value * 2 + (in.set != nullptr && in.set->leaves_out(lfirst_int(cell)) ? 1 : 0);
        return number_constant(value);
    }
    if (IsA(node, Aggref))
        return static_cast<Node *>(copyObjectImpl(node));
    return pg::mutate_expression(node, set_mutator, context);
}

} // extern "C"

/* Add a target of the view, as it is in the set. */
PG_GUARDED void add_own_target(Query *query, const InSet &in, const TargetEntry *target)
{
    Node *expression = set_mutator(reinterpret_cast<Node *>(target->expr), const_cast<InSet *>(&in));
    TargetEntry *added = add_target(query, reinterpret_cast<Expr *>(expression));
    added->ressortgroupref = target->ressortgroupref;
    added->resjunk = target->resjunk;
}

/* Add a key to the targets, and to what is grouped by. */
PG_GUARDED void add_key(Query *query, const InSet &in, int i)
{
    const model::Key &key = in.view->keys[i];
    const auto *own = static_cast<Node *>(list_nth(in.view->group_keys, i));
    if (is_in_set(in.set, i)) {
        TargetEntry *target = add_target(query, static_cast<Expr *>(copyObjectImpl(own)));
        if (in.view->distinct_on == NIL)
            group_by(query, key, target, static_cast<Index>(i) + 1);
        return;
    }
    Node *constant = i == 0 ? number_constant(in.set->number)
                            : reinterpret_cast<Node *>(makeNullConst(key.type, key.typmod, key.collation));
    add_target(query, reinterpret_cast<Expr *>(constant));
}

/* The first of each group is wanted. */
PG_GUARDED void take_first(Query *query, const model::View &view)
{
    query->hasAggs = contain_aggs_of_level(reinterpret_cast<Node *>(query->targetList), 0) ||
                     contain_aggs_of_level(query->havingQual, 0);
    query->hasDistinctOn = true;
    query->distinctClause = static_cast<List *>(copyObjectImpl(view.distinct_on));
    query->sortClause = static_cast<List *>(copyObjectImpl(view.order));
    query->groupClause = static_cast<List *>(copyObjectImpl(view.inner_groups));
}

} // namespace

PG_GUARDED Query *group_query(const model::View &view, const model::GroupingSet *set,
                              const pg::NamedRows *changed, const Bitmapset *nulls)
{
    List *entries = NIL;
    for (const model::Reference &reference : view.references)
        entries = lappend(entries, reference_entry(reference));
    Query *query = rows_query(view, entries);
    if (changed != nullptr) {
        query->rtable = lappend(query->rtable, pg::named_rows_entry(*changed));
        restrict_to_set(query, view, set, nulls);
    }

    InSet in = {.view = &view, .set = set};
    for (auto *target : pg::each<TargetEntry>(view.group_targets))
        if (!target->resjunk)
            add_own_target(query, in, target);
    for (int i = 0; i < view.keys.size; ++i)
        add_key(query, in, i);
    for (auto *target : pg::each<TargetEntry>(view.group_targets))
        if (target->resjunk)
            add_own_target(query, in, target);
    query->havingQual = set_mutator(view.group_having, &in);
    query->hasAggs = true;
    if (view.distinct_on != NIL)
        take_first(query, view);
    return analyze::exact_query(query);
}

PG_GUARDED void compute_groups(const model::View &view, pg::Reading reading, pg::RowConsumer consumer)
{
    const int sets = Max(view.sets.size, 1);
    for (int i = 0; i < sets; ++i) {
        const Query *query =
            group_query(view, view.sets.size > 0 ? &view.sets[i] : nullptr, nullptr, nullptr);
        pg::run_plan(pg::plan_plain_query(query), reading, nullptr, 0, consumer);
    }
}

} // namespace delta
