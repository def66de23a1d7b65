/*
 * advise.cpp - every materialized view, seen as an incremental materialized table.
 *
 * A view that can't be converted must not keep the others from being told about, so refusals are taken as
 * values.  Each definition is understood with the rights of its owner, since folding its constants may call
 * functions of the owner's; names come out qualified, since nothing but pg_catalog is on the search_path.
 */
#include "analyze/parts.hpp"
#include "pg/lookup.hpp"
#include "pg/scope.hpp"

namespace analyze {

namespace {

/* A materialized view and what its row in pg_class says. */
struct Candidate {
    Oid view;
    Oid owner;
    const char *name; /* qualified and quoted */
};

extern "C" {

/* Comparator of list cells by name. */
PG_GUARDED static int compare_candidates(const void *a, const void *b)
{
    return strcmp(static_cast<const Candidate *>(a)->name, static_cast<const Candidate *>(b)->name);
}

} // extern "C"

/* The materialized views that the current user owns or may read, by name. */
PG_GUARDED model::Array<Candidate> find_candidates()
{
    List *found = NIL;
    ScanKeyData is_materialized;
    ScanKeyInit(&is_materialized, Anum_pg_class_relkind, BTEqualStrategyNumber, F_CHAREQ,
                CharGetDatum(RELKIND_MATVIEW));
    Relation pg_class = table_open(RelationRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(pg_class, InvalidOid, false, nullptr, 1, &is_materialized);
    while (HeapTuple tuple = systable_getnext(scan)) {
        const auto *row = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
        const char *schema = get_namespace_name(row->relnamespace);
        if (schema == nullptr || (!pg::owns_relation(row->oid, GetUserId()) &&
                                  pg_class_aclcheck(row->oid, GetUserId(), ACL_SELECT) != ACLCHECK_OK))
            continue;
        auto *candidate = static_cast<Candidate *>(palloc(sizeof(Candidate)));
        *candidate = {.view = row->oid,
                      .owner = row->relowner,
                      .name = quote_qualified_identifier(schema, NameStr(row->relname))};
        found = lappend(found, candidate);
    }
    systable_endscan(scan);
    table_close(pg_class, AccessShareLock);
    auto candidates = to_array<Candidate>(found);
    qsort(candidates.data, static_cast<std::size_t>(candidates.size), sizeof(Candidate), compare_candidates);
    return candidates;
}

/* The reason of a view that delta takes: that of its state table, and how to do without. */
PG_GUARDED const char *delta_reason(const model::View &view)
{
    if (!view.needs_state)
        return nullptr;
    const char *advice = advice_on(view);
    return advice != nullptr ? psprintf("a state table is kept, since %s; %s", view.state_reason, advice)
                             : psprintf("a state table is kept, since %s", view.state_reason);
}

/* The statements to run, as they can be run: indexes that would help, then the conversion. */
PG_GUARDED const char *what_to_do(const char *name, const List *views)
{
    StringInfoData statements;
    initStringInfo(&statements);
    for (auto *view : pg::each<model::View>(views)) {
        if (view->strategy == model::Strategy::Swap)
            continue;
        for (auto *missing : pg::each<MissingIndex>(missing_indexes(*view))) {
            const char *statement = statement_for(*missing);
            if (strstr(statements.data, statement) == nullptr)
                appendStringInfo(&statements, "%s; ", statement);
        }
    }
    appendStringInfo(&statements, "SELECT create_imat(%s)", quote_literal_cstr(name));
    return statements.data;
}

/* What is to be said about one materialized view. */
PG_GUARDED Advice *advise_on(const Candidate &candidate)
{
    auto *advice = static_cast<Advice *>(palloc0(sizeof(Advice)));
    const Refusal *refusal = nullptr;
    model::View *view = try_understand(definition_query(candidate.view), &refusal);
    advice->view = candidate.view;
    advice->convertible = view != nullptr;
    if (view == nullptr) {
        advice->reason = refusal->detail == nullptr ? refusal->message
                                                    : psprintf("%s: %s", refusal->message, refusal->detail);
        advice->advice = refusal->hint;
        return advice;
    }
    const bool delta = view->strategy == model::Strategy::Delta;
    advice->strategy = word_for(view->strategy);
    advice->reason = delta ? delta_reason(*view) : view->reason;
    advice->advice = what_to_do(candidate.name, list_make1(view));
    return advice;
}

/* Is the relation still a materialized view?  It stays one from here on, being locked. */
PG_GUARDED bool still_there(Oid view)
{
    Relation relation = try_relation_open(view, AccessShareLock);
    if (relation == nullptr)
        return false;
    const bool same = relation->rd_rel->relkind == RELKIND_MATVIEW;
    relation_close(relation, NoLock);
    return same;
}

} // namespace

PG_GUARDED void advise_again(Advice *advice, const model::View &view, const List *subqueries)
{
    List *all = lappend(list_copy(subqueries), const_cast<model::View *>(&view));
    const char *kept = "subqueries of it are kept in tables of their own";
    advice->strategy = word_for(view.strategy);
    advice->reason = view.reason == nullptr ? kept : psprintf("%s; %s", view.reason, kept);
    advice->advice = what_to_do(pg::qualified_name(advice->view), all);
}

PG_GUARDED List *advise()
{
    List *all = NIL;
    for (const Candidate &candidate : find_candidates()) {
        if (!still_there(candidate.view))
            continue;
        all = lappend(all, pg::with_rights_of(candidate.owner, [&candidate] {
                          return pg::with_safe_search_path([&candidate] { return advise_on(candidate); });
                      }));
    }
    return all;
}

} // namespace analyze
