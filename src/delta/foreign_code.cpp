/*
 * foreign_code.cpp - does maintenance run code that doesn't come with PostgreSQL?
 *
 * It does so with the rights of the IMAT's owner, in sessions of others; where that code names something
 * without a schema, it must not be they who say what is meant.  So it gets a safe search_path, which costs
 * a little, and is spared where there is no such code: in the expressions of the view, and in what its owner
 * has added to the tables that are written, which are constraints, generated columns, expressions of indexes,
 * and triggers (foreign keys among them, since what they change may have triggers of its own).
 */
#include "delta/plan.hpp"
#include "pg/list.hpp"

namespace delta {

namespace {

extern "C" {
PG_GUARDED static bool is_foreign(Oid function, void * /*context*/)
{
    return function >= FirstNormalObjectId;
}

PG_GUARDED static bool find_foreign_code(Node *node, void *context)
{
    if (node == nullptr)
        return false;
    if (IsA(node, Query))
        return pg::walk_query(reinterpret_cast<Query *>(node), find_foreign_code, context, 0);
    return check_functions_in_node(node, is_foreign, context) ||
           pg::walk_expression(node, find_foreign_code, context);
}
}

/* Does a function of the view's expressions? */
PG_GUARDED bool calls_foreign_code(const model::View &view)
{
    bool foreign = find_foreign_code(view.filter, nullptr) || find_foreign_code(view.having, nullptr) ||
                   find_foreign_code(reinterpret_cast<Node *>(view.outputs), nullptr) ||
                   find_foreign_code(reinterpret_cast<Node *>(view.group_targets), nullptr) ||
                   find_foreign_code(view.group_having, nullptr) ||
                   find_foreign_code(reinterpret_cast<Node *>(view.upper), nullptr);
    for (const model::Key &key : view.keys)
        foreign = foreign || find_foreign_code(key.expression, nullptr) || key.type >= FirstNormalObjectId;
    for (const model::Accumulator &accumulator : view.accumulators)
        foreign = foreign || find_foreign_code(accumulator.input, nullptr) ||
                  (model::keeps_extremes(accumulator.kind) && accumulator.input_type >= FirstNormalObjectId);
    for (const model::Distinct &distinct : view.distincts)
        foreign = foreign || distinct.value.type >= FirstNormalObjectId;
    return foreign;
}

/* Has one of the table's indexes an expression or a predicate? */
PG_GUARDED bool has_expression_index(Relation table)
{
    bool found = false;
    for (Oid oid : pg::each_oid(RelationGetIndexList(table))) {
        Relation index = index_open(oid, AccessShareLock);
        found = found || RelationGetIndexExpressions(index) != NIL || RelationGetIndexPredicate(index) != NIL;
        index_close(index, NoLock);
    }
    return found;
}

PG_GUARDED bool has_after_row_triggers(const TriggerDesc *triggers)
{
    return triggers != nullptr && (triggers->trig_insert_after_row || triggers->trig_update_after_row ||
                                   triggers->trig_delete_after_row);
}

/* Does writing the table? */
PG_GUARDED bool writing_runs_code(Oid oid)
{
    Relation table = table_open(oid, AccessShareLock);
    const TupleConstr *constraints = RelationGetDescr(table)->constr;
    const bool constrained =
        constraints != nullptr && (constraints->num_check > 0 || constraints->has_generated_stored);
    const bool runs = constrained || has_after_row_triggers(table->trigdesc) || has_expression_index(table);
    table_close(table, NoLock);
    return runs;
}

} // namespace

PG_GUARDED bool runs_foreign_code(const catalog::Registration &registration, const model::View &view)
{
    bool runs = calls_foreign_code(view) || writing_runs_code(registration.imat) ||
                (OidIsValid(registration.state) && writing_runs_code(registration.state));
    for (Oid table : registration.multiplicities)
        runs = runs || writing_runs_code(table);
    return runs;
}

} // namespace delta
