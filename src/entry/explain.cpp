/*
 * explain.cpp - imat.explain, imat.explain_query and imat.advise.
 *
 * What is said about an IMAT is for those who may read it.  Its definition is understood with its owner's
 * rights, since folding constants may call functions of the owner's.
 */
#include "analyze/analyze.hpp"
#include "catalog/catalog.hpp"
#include "pg/list.hpp"
#include "pg/lookup.hpp"
#include "pg/scope.hpp"
#include "rebuild/rebuild.hpp"

namespace {

/* Return lines as the rows of a function that returns SETOF text. */
PG_GUARDED Datum return_lines(FunctionCallInfo fcinfo, const List *lines)
{
    const auto rows = pg::materialize_rows(fcinfo);
    for (auto *line : pg::each<char>(lines)) {
        Datum value = CStringGetTextDatum(line);
        bool null = false;
        tuplestore_putvalues(rows.store, rows.type, &value, &null);
    }
    return Datum{0};
}

/* Raise an error unless the relation is an IMAT that the caller may read; else its registration. */
PG_GUARDED void check_imat(Oid relation, catalog::Registration *registration)
{
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(tuple))
        ereport(ERROR,
                (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relation)));
    const char *name = pstrdup(NameStr(reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relname));
    const char kind = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relkind;
    ReleaseSysCache(tuple);

    const AclResult allowed = pg_class_aclcheck(relation, GetUserId(), ACL_SELECT);
    if (allowed != ACLCHECK_OK)
        aclcheck_error(allowed, get_relkind_objtype(kind), name);
    if (!catalog::find(relation, registration))
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("\"%s\" is not an incremental materialized table", name),
                        errhint("imat.advise() tells about materialized views, imat.explain_query(text) "
                                "about a query.")));
}

/* What is said about an IMAT, and then about the tables that its subqueries are kept in. */
PG_GUARDED List *explain(const catalog::Registration &registration, const char *indent)
{
    check_stack_depth();
    const List *own = pg::with_rights_of(pg::owner_of_relation(registration.imat), [&registration] {
        return pg::with_safe_search_path([&registration] {
            auto *view = analyze::understand(analyze::definition_query(registration.maintained()));
            if (registration.strategy == model::Strategy::Keyed && analyze::can_be_keyed(*view))
                analyze::make_keyed(view);
            return analyze::explain(*view, registration.strategy);
        });
    });
    List *lines = NIL;
    for (auto *line : pg::each<char>(own))
        lines = lappend(lines, psprintf("%s%s", indent, line));
    for (Oid table : registration.subqueries) {
        catalog::Registration subquery{};
        if (!catalog::find(table, &subquery))
            continue;
        lines = lappend(
            lines, psprintf("%ssubquery: kept in %s, a table of its own", indent, pg::qualified_name(table)));
        lines = list_concat(lines, explain(subquery, psprintf("%s  ", indent)));
    }
    return lines;
}

/* What is said about a query and its subqueries, which would be kept: rebuild::Look. */
PG_GUARDED void explain_over_subqueries(void *self, const model::View &view, const List *subqueries)
{
    List *lines = analyze::explain(view, model::Strategy::Auto);
    for (auto *subquery : pg::each<rebuild::KeptSubquery>(subqueries)) {
        lines = lappend(lines, psprintf("subquery: %s, would be kept in a table of its own",
                                        quote_identifier(subquery->name)));
        for (auto *line : pg::each<char>(analyze::explain(*subquery->view, model::Strategy::Auto)))
            lines = lappend(lines, psprintf("  %s", line));
    }
    *static_cast<List **>(self) = lines;
}

/* What is advised of a materialized view whose subqueries would be kept: rebuild::Look. */
PG_GUARDED void advise_over_subqueries(void *self, const model::View &view, const List *subqueries)
{
    auto *advice = static_cast<analyze::Advice *>(self);
    List *views = NIL;
    for (auto *subquery : pg::each<rebuild::KeptSubquery>(subqueries))
        views = lappend(views, const_cast<model::View *>(subquery->view));
    analyze::advise_again(advice, view, views);
}

} // namespace

/* imat.explain(imat regclass) */
PG_IMAT_FUNCTION(imat_explain)
{
    catalog::Registration registration{};
    check_imat(PG_GETARG_OID(0), &registration);
    return return_lines(fcinfo, explain(registration, ""));
}

/* imat.explain_query(query text) */
PG_IMAT_FUNCTION(imat_explain_query)
{
    const Query *query = analyze::query_of_text(text_to_cstring(PG_GETARG_TEXT_PP(0)));
    List *lines = nullptr;
    const auto *view = analyze::understand(query);
    if (!rebuild::try_subqueries(query, GetUserId(), explain_over_subqueries, &lines))
        lines = analyze::explain(*view, model::Strategy::Auto);
    return return_lines(fcinfo, lines);
}

/* imat.advise() */
PG_IMAT_FUNCTION(imat_advise)
{
    const auto rows = pg::materialize_rows(fcinfo);
    auto text_of = [](const char *string) {
        return string == nullptr ? Datum{0} : CStringGetTextDatum(string);
    };
    for (auto *advice : pg::each<analyze::Advice>(analyze::advise())) {
        if (advice->convertible)
            rebuild::try_subqueries(analyze::definition_query(advice->view),
                                    pg::owner_of_relation(advice->view), advise_over_subqueries, advice);
        Datum values[] = {ObjectIdGetDatum(advice->view), BoolGetDatum(advice->convertible),
                          text_of(advice->strategy), text_of(advice->reason), text_of(advice->advice)};
        bool nulls[] = {false, false, advice->strategy == nullptr, advice->reason == nullptr,
                        advice->advice == nullptr};
        tuplestore_putvalues(rows.store, rows.type, values, nulls);
    }
    return Datum{0};
}
