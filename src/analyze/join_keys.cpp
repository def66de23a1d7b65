/*
 * join_keys.cpp - what do rows of two tables have to agree on to be joined?
 *
 * Conditions that set a column of one reference equal to a column of another make classes of columns whose
 * values are all equal in every row of the join.  Two references are joined by the classes that have a column
 * of both; a row of the one and a row of the other are in one row of the join only if they agree on all of
 * these, and none is NULL.  What room flush locks (join_locks.cpp) are hashes of that, so what counts is that
 * values that agree hash alike: by the two functions that the hash operator family has for the operator,
 * which promises that also across types.  A column is in two conditions the same one only where it is hashed
 * by the same function under the same collation; so that what agrees along a chain of conditions hashes
 * alike, too.
 *
 * That goes for inner joins; a query with options (model::Option) has no join keys here.
 *
 * Left out are operators and functions that don't come with PostgreSQL, and types that are made of others:
 * what these call is not known.  So are expressions: for rows that other conditions keep out of the join,
 * they may be errors.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* A column of a reference in an equality. */
struct Member {
    int reference;
    model::HashedColumn column;
    int equals; /* the number of the class that it is in */
};

/* More conditions than that are not looked at: a set of classes is kept as bits. */
constexpr int most_classes = 64;

/* A join key in the making. */
struct Draft {
    uint64 classes;
    uint32 references;
};

/* Is it certain that values that the operator takes for equal hash alike, and that it never takes a NULL? */
PG_GUARDED bool is_hashable(const OpExpr &equality, Oid *left_hash, Oid *right_hash)
{
    Oid left;
    Oid right;
    const Oid operation = equality.opno;
    const Oid type = exprType(static_cast<const Node *>(linitial(equality.args)));
    if (operation >= FirstNormalObjectId || !op_strict(operation) || !op_hashjoinable(operation, type) ||
        !get_op_hash_functions(operation, left_hash, right_hash))
        return false;
    /* Equality of name and text compares bytes under any collation, but text is hashed by what it is to it.
     */
    if (*left_hash != *right_hash && OidIsValid(equality.inputcollid) &&
        !get_collation_isdeterministic(equality.inputcollid))
        return false;
    op_input_types(operation, &left, &right);
    auto is_simple = [](Oid declared) {
        return declared == ANYENUMOID || (!IsPolymorphicType(declared) && declared != RECORDOID);
    };
    return is_simple(left) && is_simple(right) && *left_hash < FirstNormalObjectId &&
           *right_hash < FirstNormalObjectId;
}

/* The member for the column, made if need be, in a class of its own. */
PG_GUARDED Member *find_member(List **members, const Var *var, Oid hash, Oid collation)
{
    const int reference = static_cast<int>(var->varno) - 1;
    for (auto *member : pg::each<Member>(*members))
        if (member->reference == reference && member->column.column == var->varattno &&
            member->column.hash == hash && member->column.collation == collation)
            return member;
    auto *member = static_cast<Member *>(palloc0(sizeof(Member)));
    member->reference = reference;
    member->column = {.column = var->varattno,
                      .hash = hash,
                      .collation = collation,
                      .wide = get_typlen(var->vartype) == -1};
    member->equals = list_length(*members);
    *members = lappend(*members, member);
    return member;
}

/* Take one condition into account, if it sets columns of two references equal. */
PG_GUARDED List *add_condition(List *members, const Node *condition)
{
    if (!IsA(condition, OpExpr) || list_length(reinterpret_cast<const OpExpr *>(condition)->args) != 2)
        return members;
    const auto *equality = reinterpret_cast<const OpExpr *>(condition);
    const Var *left = plain_column(static_cast<const Node *>(linitial(equality->args)));
    const Var *right = plain_column(static_cast<const Node *>(lsecond(equality->args)));
    Oid left_hash;
    Oid right_hash;
    if (left == nullptr || right == nullptr || left->varno == right->varno ||
        !is_hashable(*equality, &left_hash, &right_hash))
        return members;
    const int into = find_member(&members, left, left_hash, equality->inputcollid)->equals;
    const int from = find_member(&members, right, right_hash, equality->inputcollid)->equals;
    for (auto *member : pg::each<Member>(members))
        if (member->equals == from)
            member->equals = into;
    return members;
}

/* The classes that have a column of the reference. */
PG_GUARDED uint64 classes_of(const List *members, int reference)
{
    uint64 classes = 0;
    for (auto *member : pg::each<Member>(members))
        if (member->reference == reference && member->equals < most_classes)
            classes |= UINT64CONST(1) << member->equals;
    return classes;
}

/* The number of the draft of the key that is made of these classes, made if need be, for these references as
 * well. */
PG_GUARDED int find_draft(List **drafts, uint64 classes, uint32 references)
{
    int index = 0;
    for (auto *draft : pg::each<Draft>(*drafts)) {
        if (draft->classes == classes) {
            draft->references |= references;
            return index;
        }
        ++index;
    }
    auto *draft = static_cast<Draft *>(palloc0(sizeof(Draft)));
    draft->classes = classes;
    draft->references = references;
    *drafts = lappend(*drafts, draft);
    return index;
}

/* What the reference has of the classes: the first column in each. */
PG_GUARDED model::Array<model::HashedColumn> columns_of(const List *members, uint64 classes, int reference)
{
    model::Array<model::HashedColumn> columns{
        static_cast<model::HashedColumn *>(palloc0(sizeof(model::HashedColumn) * most_classes)), 0};
    for (int number = 0; number < most_classes; ++number) {
        if ((classes >> number & 1) == 0)
            continue;
        for (auto *member : pg::each<Member>(members))
            if (member->reference == reference && member->equals == number) {
                columns.data[columns.size++] = member->column;
                break;
            }
    }
    return columns;
}

PG_GUARDED model::JoinKey finish_draft(const model::View &view, const List *members, const Draft &draft)
{
    model::JoinKey key{};
    key.members.data = static_cast<model::JoinKeyMember *>(
        palloc0(sizeof(model::JoinKeyMember) * static_cast<std::size_t>(view.references.size)));
    for (int i = 0; i < view.references.size; ++i)
        if ((draft.references >> i & 1) != 0)
            key.members.data[key.members.size++] = {.reference = i,
                                                    .columns = columns_of(members, draft.classes, i)};
    return key;
}

} // namespace

PG_GUARDED const Var *plain_column(const Node *expression)
{
    while (IsA(expression, RelabelType))
        expression = reinterpret_cast<const Node *>(reinterpret_cast<const RelabelType *>(expression)->arg);
    const auto *var = IsA(expression, Var) ? reinterpret_cast<const Var *>(expression) : nullptr;
    return var != nullptr && var->varattno > 0 ? var : nullptr;
}

PG_GUARDED void find_join_keys(model::View *view)
{
    const int count = view->references.size;
    List *members = NIL;
    List *drafts = NIL;
    for (auto *condition : pg::each<Node>(view->has_options() ? NIL : reinterpret_cast<List *>(view->filter)))
        members = add_condition(members, condition);

    view->key_between = {static_cast<int *>(palloc(sizeof(int) * static_cast<std::size_t>(count * count))),
                         count * count};
    for (int i = 0; i < count; ++i) {
        view->key_between[i * count + i] = -1;
        for (int j = 0; j < i; ++j) {
            const uint64 classes = classes_of(members, i) & classes_of(members, j);
            const int index = classes == 0 ? -1 : find_draft(&drafts, classes, 1U << i | 1U << j);
            view->key_between[i * count + j] = view->key_between[j * count + i] = index;
        }
    }
    view->join_keys.data = static_cast<model::JoinKey *>(
        palloc0(sizeof(model::JoinKey) * static_cast<std::size_t>(list_length(drafts) + 1)));
    for (auto *draft : pg::each<Draft>(drafts))
        view->join_keys.data[view->join_keys.size++] = finish_draft(*view, members, *draft);
}

} // namespace analyze
