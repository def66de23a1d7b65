/*
 * join.cpp - changed rows of the tables of a join become changes of groups.
 *
 * The argument.  Let R_i be what reference i of the join holds now, D_i = added_i - removed_i what the
 * transaction did to it (bags, with negative counts), so that it held R_i - D_i before.  Join is linear in
 * each of its arguments, hence the join changed by
 *
 *     R_1 .. R_n - (R_1 - D_1) .. (R_n - D_n)
 *         = sum over non-empty sets A of references of  (-1)^(|A| + 1)  join of D_i (i in A) and R_j (j not
 * in A).
 *
 * No state from before is needed, and D_i need not be minimal: a row that was added and removed again
 * cancels. Splitting each D_i into what was added and what was removed gives terms with one sign each.  A
 * term starts from the changed rows and reaches the other tables as the planner sees fit; a few rows of one
 * table whose partners are found by unique indexes don't need it (lookup.cpp).  Terms that are empty
 * because of a foreign key are left out (foreign_keys.cpp).
 *
 * This is exact if between the snapshot and our commit no other transaction changes rows of another table
 * that could be joined with the changed ones; room flush has locks for that (join_locks.cpp).
 *
 * Terms are planned once per session and size of the change, not per statement: the plan lives as long as the
 * compiled view, which is dropped when anything that it depends on changes.
 */
#include "delta/join.hpp"

#include "delta/fold.hpp"
#include "delta/foreign_keys.hpp"
#include "delta/lookup.hpp"
#include "delta/rows_query.hpp"
#include "pg/list.hpp"
#include "pg/query.hpp"

namespace delta {

namespace {

/* What stands for a reference in a term. */
enum class Part : char { Whole, Added, Removed };

/* A term that was planned. */
struct Term {
    Part parts[model::MAX_REFERENCES];
    int magnitude;     /* of the number of changed rows, in powers of 32: another may want another plan */
    bool serializable; /* planned in such a transaction; see pg/settled.cpp */
    PlannedStmt *plan;
};

/* What is needed while the terms of one change are folded. */
struct Fold {
    Plan *plan;
    GroupTable *groups;
    const model::Array<ChangedTable> *changed;
    ViewChange change;
    const pg::Reading *reading;
    Part parts[model::MAX_REFERENCES];
    Sign sign;
};

PG_GUARDED const ChangedTable *table_of(const Fold &fold, int reference)
{
    for (const ChangedTable &changed : *fold.changed)
        if (changed.table == fold.plan->view->references[reference].relation)
            return &changed;
    return nullptr;
}

/* The changed rows that stand for references in the present term, by name. */
PG_GUARDED int named_rows(const Fold &fold, pg::NamedRows *named)
{
    int count = 0;
    for (int i = 0; i < fold.plan->view->references.size; ++i) {
        if (fold.parts[i] == Part::Whole)
            continue;
        const ChangedTable *changed = table_of(fold, i);
        named[count++] = {.name = psprintf("changed_%d", i),
                          .layout = changed->table,
                          .type = changed->type,
                          .rows = fold.parts[i] == Part::Added ? changed->added : changed->removed};
    }
    return count;
}

PG_GUARDED int magnitude_of(const pg::NamedRows *named, int count)
{
    int magnitude = 0;
    for (int i = 0; i < count; ++i)
        for (int64 rows = tuplestore_tuple_count(named[i].rows); rows > 0; rows /= 32)
            ++magnitude;
    return magnitude;
}

PG_GUARDED PlannedStmt *plan_term(const Fold &fold, const pg::NamedRows *named)
{
    const model::View &view = *fold.plan->view;
    List *entries = NIL;
    int next = 0;
    for (int i = 0; i < view.references.size; ++i)
        entries = lappend(entries, fold.parts[i] == Part::Whole ? reference_entry(view.references[i])
                                                                : pg::named_rows_entry(named[next++]));
    Query *query = rows_query(view, entries);
    for (const model::Key &key : view.keys)
        add_target(query, static_cast<Expr *>(copyObjectImpl(key.expression)));
    for (int i = 1; i < view.accumulators.size; ++i)
        add_target(query, static_cast<Expr *>(copyObjectImpl(view.accumulators[i].input)));
    if (query->targetList == NIL)
        add_target(query, reinterpret_cast<Expr *>(makeBoolConst(true, false)));
    return pg::plan_plain_query(query);
}

/* The plan of the present term, from the cache if it may be. */
PG_GUARDED PlannedStmt *plan_of_term(const Fold &fold, const pg::NamedRows *named, int count)
{
    Plan *plan = fold.plan;
    const std::size_t size = sizeof(Part) * plan->view->references.size;
    const int magnitude = magnitude_of(named, count);
    if (plan->stale)
        return plan_term(fold, named);
    for (auto *term : pg::each<Term>(plan->terms))
        if (memcmp(term->parts, fold.parts, size) == 0 && term->magnitude == magnitude &&
            term->serializable == pg::is_serializable())
            return term->plan;

    MemoryContext caller = MemoryContextSwitchTo(plan->memory);
    auto *term = static_cast<Term *>(palloc0(sizeof(Term)));
    memcpy(term->parts, fold.parts, size);
    term->magnitude = magnitude;
    term->serializable = pg::is_serializable();
    MemoryContextSwitchTo(caller);
    PlannedStmt *planned = plan_term(fold, named);
    MemoryContextSwitchTo(plan->memory);
    term->plan = static_cast<PlannedStmt *>(copyObjectImpl(planned));
    plan->terms = lappend(plan->terms, term);
    MemoryContextSwitchTo(caller);
    return term->plan;
}

PG_GUARDED void fold_result(void *argument, TupleTableSlot *row)
{
    const auto *fold = static_cast<Fold *>(argument);
    CHECK_FOR_INTERRUPTS();
    slot_getallattrs(row);
    ResetExprContext(fold->plan->context);
    fold_inputs(*fold->plan, fold->groups, row->tts_values, row->tts_isnull, fold->sign);
}

/* Fold the term of one changed reference by look-ups; false: it is left to the planner. */
PG_GUARDED bool fold_changed_rows(const Fold &fold, const pg::NamedRows &changed)
{
    if (!is_for_lookup(tuplestore_tuple_count(changed.rows)))
        return false;
    int reference = 0;
    while (fold.parts[reference] == Part::Whole)
        ++reference;
    const Lookup *lookup = lookup_from(fold.plan, reference);
    if (lookup != nullptr)
        fold_by_lookup(*lookup, *fold.plan, fold.groups, changed.type, changed.rows, fold.sign,
                       *fold.reading);
    return lookup != nullptr;
}

/* Is the present term empty for the sake of a foreign key? */
PG_GUARDED bool is_empty(const Fold &fold)
{
    bool empty = false;
    for (int i = 0; i < fold.plan->view->references.size; ++i)
        for (int j = 0; j < fold.plan->view->references.size; ++j)
            empty = empty || (fold.parts[i] == Part::Removed && fold.parts[j] == Part::Whole &&
                              is_empty_join(*fold.plan, fold.change, i, j));
    return empty;
}

PG_GUARDED void fold_term(Fold *fold)
{
    if (is_empty(*fold))
        return;
    pg::NamedRows named[model::MAX_REFERENCES];
    const int count = named_rows(*fold, named);
    if (count == 0)
        return; /* no reference changed: the empty set is not among the terms */
    bool negative = count % 2 == 0;
    for (Part part : fold->parts)
        negative = negative != (part == Part::Removed);
    fold->sign = negative ? Sign::Out : Sign::In;
    if (count > 1 || !fold_changed_rows(*fold, named[0]))
        pg::run_plan(plan_of_term(*fold, named, count), *fold->reading, named, count,
                     {.consume = fold_result, .self = fold});
}

/* All terms in which the references before this one are what fold->parts says. */
PG_GUARDED void fold_terms(Fold *fold, int reference)
{
    if (reference == fold->plan->view->references.size)
        return fold_term(fold);
    const ReferenceChange change = fold->change.of[reference];
    for (Part part : {Part::Whole, Part::Added, Part::Removed}) {
        if ((part == Part::Added && !change.added) || (part == Part::Removed && !change.removed))
            continue;
        fold->parts[reference] = part;
        fold_terms(fold, reference + 1);
    }
    fold->parts[reference] = Part::Whole;
}

} // namespace

PG_GUARDED void fold_join(Plan *plan, GroupTable *groups, const model::Array<ChangedTable> &changed,
                          pg::Reading reading)
{
    Fold fold = {};
    fold.plan = plan;
    fold.groups = groups;
    fold.changed = &changed;
    fold.change = change_of(*plan, changed);
    fold.reading = &reading;
    fold_terms(&fold, 0);
}

} // namespace delta
