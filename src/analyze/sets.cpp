/*
 * sets.cpp - GROUPING SETS, ROLLUP, CUBE.
 *
 * A query with several grouping sets is the UNION ALL of one query for each of them, in which the keys that
 * are not in the set are NULL.  That is linear as any one of them is: a row is folded into one group of each
 * set.  What tells groups of different sets apart, also where a key is NULL in the data, is the number of the
 * set, which becomes the first key.  Where a GROUPING() that the query shows has another value for each set,
 * that is the number, and the table shows all keys; so it does where keys that are never NULL of themselves
 * are, or are not, in another combination for each set.
 *
 * One set twice makes each of its rows twice.  They differ in the number of the set, which nothing shows
 * then.
 *
 * GROUPING() is a function of the set: a CASE over its number.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* The sets, as a List of integer Lists of key indexes, which begin with 1; each clause is a key. */
PG_GUARDED List *expand_sets(const Query *query)
{
    List *sets = NIL;
    const List *expanded = pg::expand_grouping_sets(query);
    for (auto *references : pg::each<List>(expanded)) {
        List *keys = NIL;
        int key = 0;
        for (auto *clause : pg::each<SortGroupClause>(query->groupClause)) {
            ++key;
            if (list_member_int(references, static_cast<int>(clause->tleSortGroupRef)))
                keys = lappend_int(keys, key);
        }
        sets = lappend(sets, keys);
    }
    return sets;
}

/* Just one set: the keys are those in it. */
PG_GUARDED void keep_keys(const List *set, model::View *view, List **expressions)
{
    List *kept = NIL;
    List *kept_expressions = NIL;
    for (int i = 0; i < view->keys.size; i++) {
        if (!list_member_int(set, i + 1))
            continue;
        kept = lappend(kept, &view->keys[i]);
        kept_expressions = lappend(kept_expressions, list_nth(*expressions, i));
    }
    view->keys = to_array<model::Key>(kept);
    view->single_group = kept == NIL;
    *expressions = kept_expressions;
}

/* Why keys can't be those of several sets: what an output shows must be one of them, without doubt
 * (set_keys.cpp). */
PG_GUARDED const char *why_not_keys(const List *expressions)
{
    if (list_length(expressions) > model::most_set_keys)
        return psprintf("GROUPING SETS, ROLLUP and CUBE are maintained with up to %d keys",
                        model::most_set_keys);
    const List *seen = NIL;
    for (auto *expression : pg::each<Node>(expressions)) {
        if (IsA(expression, Const) || list_member(seen, expression))
            return "a constant, or what is two keys of GROUPING SETS, ROLLUP or CUBE, is compared or "
                   "computed with";
        seen = lappend(const_cast<List *>(seen), expression);
    }
    return nullptr;
}

/* The set, with the keys behind its number. */
PG_GUARDED model::GroupingSet make_set(const List *keys, int size, int number)
{
    model::GroupingSet set = {.number = number, .without = 0, .empty = keys == NIL};
    for (int key = 1; key <= size; key++)
        if (!list_member_int(keys, key))
            set.without |= std::uint64_t{1} << key;
    return set;
}

/* The value of GROUPING() over these keys. */
PG_GUARDED int grouping_value(const List *keys, const model::GroupingSet &set)
{
    int value = 0;
    for (ListCell *cell = list_head(keys); cell != nullptr; cell = pg::next_cell(keys, cell))
        value = value * 2 + (set.leaves_out(lfirst_int(cell)) ? 1 : 0);
    return value;
}

/* Does GROUPING() over these keys have another value for each set? */
PG_GUARDED bool tells_apart(const model::View &view, const List *keys)
{
    for (const model::GroupingSet &one : view.sets)
        for (const model::GroupingSet &other : view.sets)
            if (&one < &other && grouping_value(keys, one) == grouping_value(keys, other))
                return false;
    return true;
}

/* Number the sets as a GROUPING() that is shown does, if one tells them apart. */
PG_GUARDED void number_as_shown(const FlatQuery &flat, model::View *view)
{
    for (auto *target : pg::each<TargetEntry>(flat.targets)) {
        if (target->resjunk || !IsA(target->expr, GroupingFunc))
            continue;
        const List *keys = keys_of_grouping(flat, reinterpret_cast<GroupingFunc *>(target->expr));
        if (!tells_apart(*view, keys))
            continue;
        for (model::GroupingSet &set : view->sets)
            set.number = grouping_value(keys, set);
        view->keys[0].column = target->resno;
        return;
    }
}

/* Find the keys by whose being NULL the sets are told apart. */
PG_GUARDED void find_telling(model::View *view)
{
    List *telling = NIL;
    for (int key = 1; key < view->keys.size; key++) {
        if (view->keys[key].nullable || view->keys[key].column == 0)
            continue;
        telling = lappend_int(telling, key);
        view->telling |= std::uint64_t{1} << key;
    }
    if (!tells_apart(*view, telling))
        view->telling = 0;
}

/* The key that the number of the set is. */
PG_GUARDED model::Key *number_key()
{
    auto *key = static_cast<model::Key *>(palloc0(sizeof(model::Key)));
    *key = {.expression = reinterpret_cast<Node *>(
                makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(0), false, true)),
            .type = INT4OID,
            .typmod = -1,
            .collation = InvalidOid,
            .equality = Int4EqualOperator,
            .less_than = Int4LessOperator,
            .column = 0,
            .nullable = false,
            .hashed = false};
    return key;
}

/* value = constant */
PG_GUARDED Expr *equals(const Var *value, int constant)
{
    auto *number = makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(constant), false, true);
    return make_opclause(Int4EqualOperator, BOOLOID, false, static_cast<Expr *>(copyObjectImpl(value)),
                         &number->xpr, InvalidOid, InvalidOid);
}

} // namespace

PG_GUARDED const char *find_sets(const FlatQuery &flat, model::View *view, List **expressions)
{
    const List *sets = expand_sets(flat.query);
    if (list_length(sets) == 1) {
        keep_keys(static_cast<List *>(linitial(sets)), view, expressions);
        return nullptr;
    }
    if (const char *reason = why_not_keys(*expressions))
        return reason;

    List *keys = list_make1(number_key());
    for (model::Key &key : view->keys)
        keys = lappend(keys, &key);
    List *numbered = NIL;
    for (auto *members : pg::each<List>(sets)) {
        auto *set = static_cast<model::GroupingSet *>(palloc(sizeof(model::GroupingSet)));
        *set = make_set(members, view->keys.size, list_length(numbered));
        numbered = lappend(numbered, set);
    }
    view->keys = to_array<model::Key>(keys);
    view->sets = to_array<model::GroupingSet>(numbered);
    view->single_group = false;
    *expressions = lcons(makeNode(SetToDefault), *expressions); /* nothing in a query equals that */
    number_as_shown(flat, view);
    if (view->keys[0].column == 0)
        find_telling(view);
    for (const model::GroupingSet &set : view->sets)
        for (int key = 1; key < view->keys.size; key++)
            view->keys[key].nullable = view->keys[key].nullable || set.leaves_out(key);
    return nullptr;
}

PG_GUARDED void do_without_telling(model::View *view)
{
    view->telling = 0;
    view->keys_visible = false;
    view->needs_state = true;
    view->state_reason = why_hidden_key(*view);
}

PG_GUARDED List *keys_of_grouping(const FlatQuery &flat, const GroupingFunc *call)
{
    List *keys = NIL;
    for (ListCell *cell = list_head(call->refs); cell != nullptr; cell = pg::next_cell(call->refs, cell)) {
        int key = 0;
        for (auto *clause : pg::each<SortGroupClause>(flat.query->groupClause)) {
            ++key;
            if (static_cast<int>(clause->tleSortGroupRef) == lfirst_int(cell))
                keys = lappend_int(keys, key);
        }
    }
    return keys;
}

PG_GUARDED Node *grouping_over_group(const FlatQuery &flat, const model::View &view, const GroupingFunc *call)
{
    if (view.sets.size == 0)
        return reinterpret_cast<Node *>(
            makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(0), false, true));
    const List *keys = keys_of_grouping(flat, call);
    Var *number = makeVar(1, 1, INT4OID, -1, InvalidOid, 0);
    bool same = true;
    CaseExpr *choice = makeNode(CaseExpr);
    choice->casetype = INT4OID;
    choice->defresult = reinterpret_cast<Expr *>(makeNullConst(INT4OID, -1, InvalidOid));
    choice->location = -1;
    for (const model::GroupingSet &set : view.sets) {
        const int value = grouping_value(keys, set);
        same = same && value == set.number;
        CaseWhen *branch = makeNode(CaseWhen);
        branch->expr = equals(number, set.number);
        branch->result = reinterpret_cast<Expr *>(
            makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(value), false, true));
        branch->location = -1;
        choice->args = lappend(choice->args, branch);
    }
    return same ? reinterpret_cast<Node *>(number) : reinterpret_cast<Node *>(choice);
}

PG_GUARDED const char *describe_sets(const model::View &view)
{
    StringInfoData text;
    initStringInfo(&text);
    for (const model::GroupingSet &set : view.sets) {
        const char *separator = "";
        appendStringInfo(&text, "%s(", text.len > 0 ? ", " : "");
        for (int key = 1; key < view.keys.size; key++) {
            if (set.leaves_out(key))
                continue;
            appendStringInfo(&text, "%s%s", separator, show_over_row(view, view.keys[key].expression));
            separator = ", ";
        }
        appendStringInfoChar(&text, ')');
    }
    return text.data;
}

} // namespace analyze
