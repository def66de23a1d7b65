/*
 * nulls.cpp - what is never NULL.
 *
 * Proofs, not guesses: an expression for which nothing is known may be NULL.  What is known comes from NOT
 * NULL constraints of the tables that a row never lacks; from conditions that NULL can't meet (x IS
 * NOT NULL, x = y, x < 1: strict operators); and from a short list of built-in strict functions that have a
 * result for every argument.
 */
#include <algorithm>

#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* Functions of pg_catalog that are never NULL where no argument is; operators by their functions. */
constexpr const char *total[] = {
    "abs",         "bpchar",      "btrim",     "ceil",        "ceiling",   "date",        "date_bin",
    "date_trunc",  "div",         "float4",    "float8",      "float8div", "float8mi",    "float8mul",
    "float8pl",    "floor",       "int2",      "int2mi",      "int2mul",   "int2pl",      "int4",
    "int4div",     "int4mi",      "int4mod",   "int4mul",     "int4pl",    "int8",        "int8div",
    "int8mi",      "int8mod",     "int8mul",   "int8pl",      "interval",  "left",        "length",
    "lower",       "ltrim",       "md5",       "mod",         "numeric",   "numeric_add", "numeric_div",
    "numeric_mul", "numeric_sub", "replace",   "right",       "round",     "rtrim",       "substr",
    "text",        "textcat",     "timestamp", "timestamptz", "timezone",  "trunc",       "upper",
    "varchar"};

/* Is this one of those functions, with such arguments?  JSON has a null of its own, which may become NULL. */
PG_GUARDED bool is_total(Oid function, const List *arguments)
{
    if (get_func_namespace(function) != PG_CATALOG_NAMESPACE)
        return false;
    for (auto *argument : pg::each<Node>(arguments))
        if (exprType(argument) == JSONBOID)
            return false;
    const char *name = get_func_name(function);
    return std::ranges::any_of(total, [name](const char *known) { return strcmp(name, known) == 0; });
}

/* Is the column NOT NULL in every row of the join? */
PG_GUARDED bool column_never_null(const FlatQuery &flat, const Var *var)
{
    for (auto *option : pg::each<model::Option>(flat.options))
        if ((option->references & (1U << (static_cast<unsigned>(var->varno) - 1))) != 0)
            return false;
    const model::Reference *reference = reference_of(flat, var);
    return reference != nullptr && is_not_null(*reference, var->varattno);
}

/* What a strict function or operator, or NOT, is NULL without; NIL where it is none of these. */
PG_GUARDED const List *strict_arguments(const Node *value)
{
    if (IsA(value, OpExpr)) {
        const auto *operation = reinterpret_cast<const OpExpr *>(value);
        return op_strict(operation->opno) ? operation->args : NIL;
    }
    if (IsA(value, FuncExpr)) {
        const auto *call = reinterpret_cast<const FuncExpr *>(value);
        return !call->funcretset && func_strict(call->funcid) ? call->args : NIL;
    }
    if (IsA(value, BoolExpr)) {
        const auto *logic = reinterpret_cast<const BoolExpr *>(value);
        return logic->boolop == NOT_EXPR ? logic->args : NIL;
    }
    return NIL;
}

/* Is a value NULL wherever the expression is? */
PG_GUARDED bool null_with(const Node *value, const Node *expression)
{
    check_stack_depth();
    if (equal(value, expression))
        return true;
    if (IsA(value, RelabelType)) {
        const auto *relabel = reinterpret_cast<const RelabelType *>(value);
        return null_with(reinterpret_cast<const Node *>(relabel->arg), expression);
    }
    bool found = false;
    for (auto *argument : pg::each<Node>(strict_arguments(value)))
        found = found || null_with(argument, expression);
    return found;
}

/* Does a condition, or a conjunct of it, keep NULL out of the expression? */
PG_GUARDED bool kept_out(const Node *condition, const Node *expression)
{
    if (is_andclause(condition)) {
        bool found = false;
        for (auto *part : pg::each<Node>(reinterpret_cast<const BoolExpr *>(condition)->args))
            found = found || kept_out(part, expression);
        return found;
    }
    if (IsA(condition, NullTest)) {
        const auto *test = reinterpret_cast<const NullTest *>(condition);
        return test->nulltesttype == IS_NOT_NULL && !test->argisrow &&
               null_with(reinterpret_cast<const Node *>(test->arg), expression);
    }
    if (IsA(condition, ScalarArrayOpExpr)) {
        const auto *any = reinterpret_cast<const ScalarArrayOpExpr *>(condition);
        return any->useOr && op_strict(any->opno) &&
               null_with(static_cast<const Node *>(linitial(any->args)), expression);
    }
    return null_with(condition, expression);
}

/* Is every one of them never NULL? */
PG_GUARDED bool all_never_null(const FlatQuery &flat, const List *expressions)
{
    bool all = true;
    for (auto *expression : pg::each<Node>(expressions))
        all = all && never_null(flat, expression);
    return all;
}

/* Is one of them never NULL? */
PG_GUARDED bool some_never_null(const FlatQuery &flat, const List *expressions)
{
    bool some = false;
    for (auto *expression : pg::each<Node>(expressions))
        some = some || never_null(flat, expression);
    return some;
}

/* Is every branch of a CASE never NULL? */
PG_GUARDED bool case_never_null(const FlatQuery &flat, const CaseExpr *choice)
{
    for (auto *branch : pg::each<CaseWhen>(choice->args))
        if (!never_null(flat, reinterpret_cast<Node *>(branch->result)))
            return false;
    return choice->defresult != nullptr && never_null(flat, reinterpret_cast<Node *>(choice->defresult));
}

} // namespace

PG_GUARDED bool is_not_null(const model::Reference &reference, AttrNumber column)
{
    Relation table = table_open(reference.relation, NoLock);
    /* A child of an inheritance tree, as opposed to a partition, may lack a constraint of its parent. */
    const bool strays =
        !reference.only && table->rd_rel->relkind == RELKIND_RELATION && table->rd_rel->relhassubclass;
    const bool proven = column > 0 && !strays && pg::is_not_null(RelationGetDescr(table), column);
    table_close(table, NoLock);
    return proven;
}

PG_GUARDED bool never_null(const FlatQuery &flat, Node *expression)
{
    check_stack_depth();
    for (auto *condition : pg::each<Node>(flat.conditions))
        if (kept_out(condition, expression))
            return true;
    switch (nodeTag(expression)) {
    case T_Var:
        return column_never_null(flat, castNode(Var, expression));
    case T_Const:
        return !castNode(Const, expression)->constisnull;
    case T_RelabelType:
        return never_null(flat, reinterpret_cast<Node *>(castNode(RelabelType, expression)->arg));
    case T_FuncExpr: {
        const auto *call = castNode(FuncExpr, expression);
        return !call->funcretset && is_total(call->funcid, call->args) && all_never_null(flat, call->args);
    }
    case T_OpExpr: {
        auto *operation = castNode(OpExpr, expression);
        set_opfuncid(operation);
        return is_total(operation->opfuncid, operation->args) && all_never_null(flat, operation->args);
    }
    case T_CoalesceExpr:
        return some_never_null(flat, castNode(CoalesceExpr, expression)->args);
    case T_MinMaxExpr:
        return some_never_null(flat, castNode(MinMaxExpr, expression)->args);
    case T_CaseExpr:
        return case_never_null(flat, castNode(CaseExpr, expression));
    case T_NullTest:
    case T_BooleanTest:
    case T_RowExpr:
    case T_ArrayExpr:
        return true;
    default:
        return false;
    }
}

} // namespace analyze
