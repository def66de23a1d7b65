/*
 * alternatives.cpp - what is joined where one or another condition holds.
 *
 * A join has no other way to decide x = y OR z = y than for every pair of rows.  And so it is with what a row
 * y of a subquery has a say in, for x NOT IN (SELECT y ...) may be another for it where x = y, or where one
 * of them is NULL.  Where rows are only to be found, no matter how often, several joins do as well, one for
 * each alternative: each is done by what it has, a hash table or an index.
 *
 * So they are taken apart where that helps: where each is an equality that links tables, or is about fewer of
 * them than all together are.  And where none of them can fail, since one may keep another from being
 * evaluated.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* More joins than that are too many. */
constexpr int most_ways = 8;

/* Is this an equality, of a kind that a hash table can be used for, between columns of different tables? */
PG_GUARDED bool links(const Node *condition)
{
    if (!IsA(condition, OpExpr))
        return false;
    const auto *equality = reinterpret_cast<const OpExpr *>(condition);
    if (list_length(equality->args) != 2)
        return false;
    auto *left = static_cast<Node *>(linitial(equality->args));
    const model::References one = references_in(left);
    const model::References other = references_in(static_cast<Node *>(lsecond(equality->args)));
    return one != 0 && other != 0 && (one & other) == 0 && op_hashjoinable(equality->opno, exprType(left));
}

/*
 * Can the alternative not hold, since it is that a column is NULL that never is?  Then it wasn't for rows
 * that the transaction has removed, either: what it did before it changed the column was applied by then, and
 * while it has changed rows, no one else changes the column.
 */
PG_GUARDED bool is_impossible(const model::View &view, const Node *alternative)
{
    if (!IsA(alternative, NullTest))
        return false;
    const auto *test = reinterpret_cast<const NullTest *>(alternative);
    if (test->nulltesttype != IS_NULL || test->argisrow || !IsA(test->arg, Var))
        return false;
    const auto *column = reinterpret_cast<const Var *>(test->arg);
    const auto number = static_cast<int>(column->varno) - 1;
    return number < view.references.size && is_not_null(view.references[number], column->varattno);
}

/* Those alternatives of a condition that can hold; just itself, if it has none. */
PG_GUARDED List *alternatives_of(const model::View &view, Node *condition)
{
    if (!IsA(condition, BoolExpr) || castNode(BoolExpr, condition)->boolop != OR_EXPR)
        return list_make1(condition);
    List *alternatives = NIL;
    for (auto *alternative : pg::each<Node>(castNode(BoolExpr, condition)->args))
        if (!is_impossible(view, alternative))
            alternatives = lappend(alternatives, alternative);
    return alternatives;
}

/* Does it help to have a join for each? */
PG_GUARDED bool are_better_apart(List *alternatives)
{
    const model::References all = references_in(reinterpret_cast<Node *>(alternatives));
    bool better = !may_fail(alternatives);
    for (auto *alternative : pg::each<Node>(alternatives))
        better = better && (links(alternative) || references_in(alternative) != all);
    return better;
}

/* Each of the ways with each of the alternatives. */
PG_GUARDED List *combine(const List *ways, const List *alternatives)
{
    List *combined = NIL;
    for (auto *way : pg::each<List>(ways))
        for (auto *alternative : pg::each<Node>(alternatives))
            combined = lappend(combined, lappend(list_copy(way), alternative));
    return combined;
}

/* The alternatives as one condition. */
PG_GUARDED List *together(List *alternatives)
{
    return list_length(alternatives) > 1 ? list_make1(make_orclause(alternatives)) : alternatives;
}

} // namespace

PG_GUARDED List *ways_to_hold(const model::View &view, const List *conditions)
{
    List *ways = list_make1(NIL);
    for (auto *condition : pg::each<Node>(conditions)) {
        List *alternatives = alternatives_of(view, condition);
        const bool apart =
            list_length(ways) * list_length(alternatives) <= most_ways && are_better_apart(alternatives);
        ways = combine(ways, apart ? alternatives : together(alternatives));
    }
    return ways;
}

} // namespace analyze
