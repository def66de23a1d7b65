/*
 * failing.cpp - which expressions can't fail, whatever they are computed of.
 *
 * Where the rows that triggers are handed are more than those that a query reads, as with ONLY a table that
 * has children, what is computed of a row to find what it has a say in may be computed of one that the query
 * never meets.  A division by zero there would be no error of the query's.  Columns can't fail, nor what
 * picks or compares them, nor functions that PostgreSQL knows to tell nothing of their arguments by an error
 * (leakproof).  The comparisons of btree operator classes aren't all of these, but don't fail either.
 * Anything else is left out if it may be, or else computed in a subtransaction (model::View::may_fail).
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

PG_GUARDED bool operator_may_fail(Oid operation)
{
    return !pg::is_comparison(operation) && !get_func_leakproof(get_opcode(operation));
}

/* Is it something that has no function of its own? */
PG_GUARDED bool only_picks(const Node *node)
{
    switch (nodeTag(node)) {
    case T_List:
    case T_TargetEntry:
    case T_Var:
    case T_RelabelType:
    case T_BoolExpr:
    case T_NullTest:
    case T_BooleanTest:
    case T_CaseExpr:
    case T_CaseWhen:
    case T_CoalesceExpr:
    case T_RowExpr:
    case T_PlaceHolderVar:
        return true;
    default:
        return false;
    }
}

extern "C" {

/* Walker: is there something that may fail? */
PG_GUARDED static bool failing_walker(Node *node, void *context)
{
    if (node == nullptr || !contain_var_clause(node))
        return false; /* what isn't computed of the row fails for all of them, or none */
    bool fails = !only_picks(node);
    if (IsA(node, OpExpr) || IsA(node, DistinctExpr) || IsA(node, NullIfExpr))
        fails = operator_may_fail(reinterpret_cast<const OpExpr *>(node)->opno);
    else if (IsA(node, ScalarArrayOpExpr))
        fails = operator_may_fail(castNode(ScalarArrayOpExpr, node)->opno);
    else if (IsA(node, FuncExpr))
        fails = !get_func_leakproof(castNode(FuncExpr, node)->funcid);
    return fails || pg::walk_expression(node, failing_walker, context);
}

} // extern "C"

} // namespace

PG_GUARDED bool may_fail(const void *expressions)
{
    return failing_walker(static_cast<Node *>(const_cast<void *>(expressions)), nullptr);
}

PG_GUARDED bool conditions_may_fail(const FlatQuery &flat)
{
    bool may = flat.computed != NIL || may_fail(flat.conditions);
    for (auto *condition : pg::each<Linked>(flat.linked))
        may = may || may_fail(condition->expression);
    return may;
}

} // namespace analyze
