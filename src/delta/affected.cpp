/*
 * affected.cpp - changed rows of the sources of a query with options become keys that are computed anew.
 *
 * Room analyze knows the joins that find the keys from the changed rows of one reference (variants.cpp), and
 * why they find all of them.  In these the other references stand for what they are now and what the
 * transaction has removed from them: so there is one query for each choice of one or the other, for each
 * reference from which something was removed.  What was added is there now.  Each choice has the plan that
 * suits it; but where there would be too many, one query has both.
 *
 * As for the terms of inner joins, queries are planned once per session and size of the change, and live as
 * long as the compiled view.
 */
#include "delta/affected.hpp"

#include <bit>

#include "delta/fold.hpp"
#include "delta/keys_query.hpp"
#include "delta/rows_query.hpp"
#include "delta/union_entry.hpp"
#include "pg/list.hpp"
#include "pg/query.hpp"

namespace delta {

namespace {

/* For more references from which something was removed than that, one query has it all. */
constexpr int most_apart = 2;

/* What references stand for, other than for a table as it is now. */
struct Standing {
    model::References removed; /* these for what was removed from them */
    bool together;             /* and also for what is there now */
};

/* A query that was planned. */
struct Planned {
    Standing standing;
    int magnitude;     /* of the number of changed rows, in powers of 32 */
    bool serializable; /* planned in such a transaction; see pg/settled.cpp */
    PlannedStmt *plan;
};

/* A join, and the queries that were made of it. */
struct Way {
    analyze::Reach *reach;
    List *planned; /* of Planned */
};

/* The joins from the changed rows of one reference. */
struct ReferenceSearch {
    int changed;
    List *ways; /* of Way */
};

/* What is needed while keys are found. */
struct Finding {
    Plan *plan;
    GroupTable *groups;
    const model::Array<ChangedTable> *changed;
    const pg::Reading *reading;
    int reference;         /* whose changed rows it starts from */
    Tuplestorestate *rows; /* these */
    Way *way;
    Standing standing;
};

PG_GUARDED bool contains(model::References set, int reference)
{
    return (set & (1U << static_cast<unsigned>(reference))) != 0;
}

PG_GUARDED const ChangedTable *change_of(const Finding &finding, int reference)
{
    for (const ChangedTable &changed : *finding.changed)
        if (changed.table == finding.plan->view->references[reference].relation)
            return &changed;
    return nullptr;
}

PG_GUARDED bool same(Standing a, Standing b)
{
    return a.removed == b.removed && a.together == b.together;
}

/* The changed rows that the present query reads by name. */
PG_GUARDED int named_rows(const Finding &finding, pg::NamedRows *named)
{
    int count = 0;
    for (int i = 0; i < finding.plan->view->references.size; ++i) {
        if (i != finding.reference && !contains(finding.standing.removed, i))
            continue;
        const ChangedTable *changed = change_of(finding, i);
        named[count++] = {.name = psprintf("changed_%d", i),
                          .layout = changed->table,
                          .type = changed->type,
                          .rows = i == finding.reference ? finding.rows : changed->removed};
    }
    return count;
}

PG_GUARDED PlannedStmt *plan_query(const Finding &finding, const pg::NamedRows *named)
{
    const model::View &view = *finding.plan->view;
    List *entries = NIL;
    int next = 0;
    for (int i = 0; i < view.references.size; ++i) {
        const bool changed = i == finding.reference || contains(finding.standing.removed, i);
        RangeTblEntry *entry =
            changed ? pg::named_rows_entry(named[next++]) : reference_entry(view.references[i]);
        if (changed && i != finding.reference && finding.standing.together)
            entry = union_entry(reference_entry(view.references[i]), entry);
        entries = lappend(entries, entry);
    }
    return pg::plan_plain_query(keys_query(view, *finding.way->reach, entries));
}

/* The plan of the present query, from the cache if it may be. */
PG_GUARDED PlannedStmt *plan_for(const Finding &finding, const pg::NamedRows *named, int count)
{
    Plan *plan = finding.plan;
    if (plan->stale)
        return plan_query(finding, named);
    int magnitude = 0;
    for (int i = 0; i < count; ++i)
        for (int64 rows = tuplestore_tuple_count(named[i].rows); rows > 0; rows /= 32)
            ++magnitude;
    for (auto *known : pg::each<Planned>(finding.way->planned))
        if (same(known->standing, finding.standing) && known->magnitude == magnitude &&
            known->serializable == pg::is_serializable())
            return known->plan;

    PlannedStmt *planned = plan_query(finding, named);
    MemoryContext caller = MemoryContextSwitchTo(plan->memory);
    auto *made = static_cast<Planned *>(palloc0(sizeof(Planned)));
    made->standing = finding.standing;
    made->magnitude = magnitude;
    made->serializable = pg::is_serializable();
    made->plan = static_cast<PlannedStmt *>(copyObjectImpl(planned));
    finding.way->planned = lappend(finding.way->planned, made);
    MemoryContextSwitchTo(caller);
    return made->plan;
}

/* A row has the keys once or several times. */
PG_GUARDED void add_keys(void *argument, TupleTableSlot *row)
{
    const auto &finding = *static_cast<Finding *>(argument);
    const int size = finding.plan->view->keys.size;
    CHECK_FOR_INTERRUPTS();
    slot_getallattrs(row);
    ResetExprContext(finding.plan->context);
    for (int first = 0; first < row->tts_tupleDescriptor->natts; first += size)
        fold_inputs(*finding.plan, finding.groups, row->tts_values + first, row->tts_isnull + first,
                    Sign::In);
}

PG_GUARDED void run(Finding *finding)
{
    pg::NamedRows named[model::MAX_REFERENCES];
    const int count = named_rows(*finding, named);
    pg::run_plan(plan_for(*finding, named, count), *finding->reading, named, count,
                 {.consume = add_keys, .self = finding});
}

/* The joined references, others than the one that it starts from, from which something was removed. */
PG_GUARDED model::References removed_from(const Finding &finding)
{
    model::References removed = 0;
    for (int i = 0; i < finding.plan->view->references.size; ++i) {
        const ChangedTable *changed = change_of(finding, i);
        if (i != finding.reference && contains(analyze::references_of(*finding.way->reach), i) &&
            changed != nullptr && changed->removed != nullptr)
            removed |= 1U << static_cast<unsigned>(i);
    }
    return removed;
}

/* All queries of one join. */
PG_GUARDED void follow(Finding *finding)
{
    const model::References all = removed_from(*finding);
    if (std::popcount(all) > most_apart) {
        finding->standing = {.removed = all, .together = true};
        return run(finding);
    }
    for (model::References set = all;; set = (set - 1) & all) {
        finding->standing = {.removed = set, .together = false};
        run(finding);
        if (set == 0)
            break;
    }
}

/* Find the joins from the changed rows of a reference. */
PG_GUARDED ReferenceSearch *make_search(const Plan &plan, int reference)
{
    auto *search = static_cast<ReferenceSearch *>(palloc0(sizeof(ReferenceSearch)));
    List *reaches = NIL;
    analyze::find_reaches(*plan.view, reference, &reaches);
    search->changed = reference;
    for (auto *reach : pg::each<analyze::Reach>(reaches)) {
        auto *way = static_cast<Way *>(palloc0(sizeof(Way)));
        way->reach = reach;
        search->ways = lappend(search->ways, way);
    }
    return search;
}

/* The same from the cache, or put into it, unless the plan is stale: what is NOT NULL may have changed. */
PG_GUARDED ReferenceSearch *search_from(Plan *plan, int reference)
{
    if (plan->stale)
        return make_search(*plan, reference);
    for (auto *search : pg::each<ReferenceSearch>(plan->searches))
        if (search->changed == reference)
            return search;
    MemoryContext caller = MemoryContextSwitchTo(plan->memory);
    ReferenceSearch *search = make_search(*plan, reference);
    plan->searches = lappend(plan->searches, search);
    MemoryContextSwitchTo(caller);
    return search;
}

} // namespace

PG_GUARDED void find_affected(Plan *plan, GroupTable *groups, const model::Array<ChangedTable> &changed,
                              pg::Reading reading)
{
    Finding finding = {};
    finding.plan = plan;
    finding.groups = groups;
    finding.changed = &changed;
    finding.reading = &reading;
    for (int i = 0; i < plan->view->references.size; ++i) {
        const ChangedTable *change = change_of(finding, i);
        if (change == nullptr)
            continue;
        finding.reference = i;
        for (auto *way : pg::each<Way>(search_from(plan, i)->ways)) {
            finding.way = way;
            for (Tuplestorestate *rows : {change->added, change->removed}) {
                finding.rows = rows;
                if (rows != nullptr)
                    follow(&finding);
            }
        }
    }
}

} // namespace delta
