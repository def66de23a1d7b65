/*
 * subqueries.cpp - the tables of its own that an IMAT keeps subqueries in.
 *
 * They are IMATs like others, in schema imat, named after the IMAT and the subquery, and belong to its owner.
 * Beside the definition there is a second view then, of the query that reads them; by that the IMAT is
 * maintained, so that all that is said of an IMAT over IMATs goes for it: the order of maintenance and of
 * locks, what is dropped and dumped with what.  The registration names both, and they go with the IMAT.
 *
 * Whether a subquery is worth a table is tried: the table is made, empty, and the query understood that reads
 * it.  If that can't be maintained by group, or could be without, the tables go again, and the query stays as
 * it was.  Only then they are filled, and made IMATs, the inner ones first.
 *
 * A group shows one of its keys, which are equal but may look different.  Which, may matter to the query
 * around it; so where that could be, the subquery isn't kept.
 */
#include "analyze/analyze.hpp"
#include "pg/attempt.hpp"
#include "pg/list.hpp"
#include "rebuild/parts.hpp"
#include "rebuild/rebuild.hpp"

namespace rebuild {

namespace {

/* A table that stands for a subquery, not yet an IMAT. */
struct StandIn {
    Oid table;
    const char *name; /* that the query has for it */
    const Query *query;
    const Query *over_subqueries; /* the same, over those of its own */
    List *subqueries;             /* of Oid: those */
};

/* The tables that are being made for an IMAT. */
struct Making {
    const char *name; /* of the IMAT */
    Oid owner;
    Oid tablespace;       /* InvalidOid: the default one */
    bool to_be_looked_at; /* and undone: what else becomes of the tables is made at once */
    List *tables;         /* of StandIn, inner ones first */
};

/* Understand a query as the owner; NULL: it can't be maintained. */
PG_GUARDED model::View *understand(const Query *query, Oid owner)
{
    return pg::with_rights_of(owner, [&] {
        return pg::with_safe_search_path([&] {
            const analyze::Refusal *refusal = nullptr;
            return analyze::try_understand(query, &refusal);
        });
    });
}

/* Can rows or groups be computed one by one, without looking at all the others? */
PG_GUARDED bool is_by_group(const model::View &view)
{
    return view.strategy != model::Strategy::Swap;
}

/* Is all of a change computed from what has changed, and nothing evaluated over all groups? */
PG_GUARDED bool is_group_by_group(const model::View &view)
{
    return is_by_group(view) && view.upper == nullptr;
}

/* Is it a gain that the query is over kept subqueries? */
PG_GUARDED bool gains(const model::View *after, const model::View &before)
{
    return after != nullptr && is_by_group(*after) &&
           (!is_by_group(before) || (after->upper == nullptr && !after->from_definition()));
}

/* Can a table have these columns? */
PG_GUARDED bool can_be_columns(const Query *query)
{
    int columns = 0;
    for (auto *target : pg::each<TargetEntry>(query->targetList)) {
        auto *value = reinterpret_cast<Node *>(target->expr);
        if (target->resjunk)
            continue;
        const bool collated = OidIsValid(exprCollation(value)) || !type_is_collatable(exprType(value));
        if (get_typtype(exprType(value)) == TYPTYPE_PSEUDO || !collated)
            return false;
        columns++;
    }
    return columns > 0 && columns <= MaxHeapAttributeNumber;
}

/* Is the name that of one of the columns, or of the system's? */
PG_GUARDED bool is_taken(const char *name, List *columns)
{
    bool taken = SystemAttributeByName(name) != nullptr;
    for (auto *column : pg::each<ColumnDef>(columns))
        taken = taken || strcmp(column->colname, name) == 0;
    return taken;
}

/* Columns for what the query shows, by the names that the subquery has for them, where these are different.
 */
PG_GUARDED List *columns_for(const Query *query, const List *names)
{
    List *columns = NIL;
    for (auto *target : pg::each<TargetEntry>(query->targetList)) {
        if (target->resjunk)
            continue;
        auto *value = reinterpret_cast<Node *>(target->expr);
        const char *name =
            target->resno <= list_length(names) ? strVal(list_nth(names, target->resno - 1)) : "";
        for (int number = target->resno; *name == '\0' || is_taken(name, columns); number++)
            name = psprintf("column_%d", number);
        columns =
            lappend(columns, makeColumnDef(name, exprType(value), exprTypmod(value), exprCollation(value)));
    }
    return columns;
}

/* Have the query give its columns these names; a view of it can't have two of one name. */
PG_GUARDED void name_columns(Query *query, const List *columns)
{
    for (auto *target : pg::each<TargetEntry>(query->targetList))
        if (!target->resjunk)
            target->resname = list_nth_node(ColumnDef, columns, target->resno - 1)->colname;
}

/* Make an empty table for a subquery. */
PG_GUARDED Oid create_table(const Making &making, const analyze::Subquery &subquery, Query *query)
{
    const Alias *names = subquery.entry->eref;
    List *columns = columns_for(query, names->colnames);
    name_columns(query, columns);
    name_columns(subquery.query, columns);
    return create_hidden_table(making.name, names->aliasname, columns, making.owner, RELPERSISTENCE_PERMANENT,
                               making.tablespace);
}

/* Drop the last of the tables, until there are so many. */
PG_GUARDED void drop_until(Making *making, int size)
{
    while (list_length(making->tables) > size) {
        const auto *last = static_cast<const StandIn *>(llast(making->tables));
        ObjectAddress address;
        ObjectAddressSet(address, RelationRelationId, last->table);
        performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
        CommandCounterIncrement();
        making->tables = list_truncate(making->tables, list_length(making->tables) - 1);
    }
}

/* A table of the same query, as where a WITH query is read twice; NULL: there is none. */
PG_GUARDED const StandIn *find_same(const Making &making, const Query *query)
{
    for (auto *stand_in : pg::each<StandIn>(making.tables))
        if (equal(stand_in->query, query))
            return stand_in;
    return nullptr;
}

/* Give a table the keys that it will have. */
PG_GUARDED void give_keys(Oid table, model::View *view)
{
    Imat imat = {};
    Oid primary_key = InvalidOid;
    imat.registration.imat = table;
    imat.view = view;
    if (create_indexes(table, *view, false, true, &primary_key))
        finish_keys(&imat, primary_key);
}

PG_GUARDED void keep_inside(Making *making, Query **query, bool restricted, List **subqueries);

/* Keep one subquery of a query; false: it can't be maintained so that this is a gain. */
PG_GUARDED bool keep_one(Making *making, const analyze::Subquery &subquery, const model::View &around,
                         List **subqueries)
{
    Query *query = subquery.query;
    auto *stand_in = static_cast<StandIn *>(palloc0(sizeof(StandIn)));
    if (query == nullptr || !can_be_columns(query))
        return false;
    if (const StandIn *same = find_same(*making, query)) {
        *subqueries = list_append_unique_oid(*subqueries, same->table);
        analyze::read_table(subquery, same->table);
        return true;
    }
    stand_in->query = query;
    if (subquery.entry->rtekind == RTE_SUBQUERY) /* what is in the view of another stays there */
        keep_inside(making, &query, subquery.restricted, &stand_in->subqueries);
    model::View *view = understand(query, making->owner);
    if (view == nullptr || !(is_by_group(around) ? is_group_by_group(*view) : is_by_group(*view)) ||
        analyze::shows_arbitrary_keys(*view))
        return false;
    stand_in->table = create_table(*making, subquery, query);
    stand_in->over_subqueries = query;
    stand_in->name = subquery.entry->eref->aliasname;
    if (making->to_be_looked_at)
        give_keys(stand_in->table, view);
    making->tables = lappend(making->tables, stand_in);
    *subqueries = lappend_oid(*subqueries, stand_in->table);
    analyze::read_table(subquery, stand_in->table);
    return true;
}

/* Have the query read tables in place of subqueries, where that is a gain. */
PG_GUARDED void keep_inside(Making *making, Query **query, bool restricted, List **subqueries)
{
    check_stack_depth();
    const model::View *before = understand(*query, making->owner);
    if (before == nullptr || is_group_by_group(*before))
        return;
    const int tables = list_length(making->tables);
    auto *changed = static_cast<Query *>(copyObjectImpl(*query));
    bool kept = true;
    List *found = analyze::find_subqueries(changed, making->owner, restricted);
    for (auto *subquery : pg::each<analyze::Subquery>(found))
        kept = kept && keep_one(making, *subquery, *before, subqueries);
    if (found != NIL && kept && gains(understand(changed, making->owner), *before)) {
        *query = changed;
        return;
    }
    *subqueries = NIL;
    drop_until(making, tables);
}

/* Lock all that the query reads, in the order in which all do, before any of the tables is filled. */
PG_GUARDED void lock_all_sources(const Query *query, Oid owner)
{
    const model::View *view = understand(query, owner);
    for (const model::Source &source : view->sources)
        lock_with_children(source.relation, ShareRowExclusiveLock);
}

/* Can a btree take whatever values the columns have? */
PG_GUARDED bool can_be_indexed(Oid table, const List *columns)
{
    bool can = true;
    for (int column : pg::each_int(columns)) {
        const Oid type = get_atttype(table, static_cast<AttrNumber>(column));
        can = can && get_typlen(type) > 0 && OidIsValid(GetDefaultOpClass(type, BTREE_AM_OID));
    }
    return can;
}

/* Make the indexes of the tables that the query looks for their rows by, besides their keys. */
PG_GUARDED void index_subqueries(const Query *query, Oid owner, const List *subqueries)
{
    const model::View *view = understand(query, owner);
    for (auto *missing : pg::each<analyze::MissingIndex>(analyze::missing_indexes(*view)))
        if (list_member_oid(subqueries, missing->relation) &&
            can_be_indexed(missing->relation, missing->columns))
            as_superuser([&] {
                create_plain_index(missing->relation, missing->columns);
                return missing->relation;
            });
}

/* The view of a query over subqueries, if there are any. */
PG_GUARDED Kept kept(const char *name, Oid owner, const Query *query, List *subqueries)
{
    if (subqueries == NIL)
        return {};
    index_subqueries(query, owner, subqueries);
    return {.subqueries = subqueries, .view = create_definition(name, "over_subqueries", owner, query)};
}

/* Make an IMAT of a table. */
PG_GUARDED void establish_one(const StandIn &stand_in, const Making &making)
{
    Birth birth = {};
    birth.table = stand_in.table;
    birth.target_schema = imat_schema();
    birth.maintenance = model::Maintenance::Immediate;
    birth.strategy = model::Strategy::Auto;
    namestrcpy(&birth.old_schema, get_namespace_name(birth.target_schema));
    const char *name = get_rel_name(birth.table);
    birth.definition = create_definition(name, "definition", making.owner, stand_in.query);
    birth.kept = kept(name, making.owner, stand_in.over_subqueries, stand_in.subqueries);
    establish(birth);
}

} // namespace

PG_GUARDED Kept keep_subqueries(const Query *query, Oid table, Oid owner)
{
    const char *name = get_rel_name(table);
    Making making = {.name = name,
                     .owner = owner,
                     .tablespace = get_rel_tablespace(table),
                     .to_be_looked_at = false,
                     .tables = NIL};
    List *subqueries = NIL;
    auto *over_subqueries = static_cast<Query *>(copyObjectImpl(query));
    keep_inside(&making, &over_subqueries, false, &subqueries);
    if (subqueries != NIL)
        lock_all_sources(query, owner);
    for (auto *stand_in : pg::each<StandIn>(making.tables))
        establish_one(*stand_in, making);
    return kept(name, owner, over_subqueries, subqueries);
}

PG_GUARDED bool try_subqueries(const Query *query, Oid owner, Look look, void *self)
{
    bool kept = false;
    if (RecoveryInProgress() || XactReadOnly || IsInParallelMode())
        return false;
    pg::undo([&] {
        Making making = {.name = "subquery",
                         .owner = owner,
                         .tablespace = InvalidOid,
                         .to_be_looked_at = true,
                         .tables = NIL};
        List *tables = NIL;
        List *subqueries = NIL;
        auto *over_subqueries = static_cast<Query *>(copyObjectImpl(query));
        keep_inside(&making, &over_subqueries, false, &tables);
        kept = tables != NIL;
        if (kept)
            index_subqueries(over_subqueries, owner, tables);
        for (auto *stand_in : pg::each<StandIn>(making.tables)) {
            auto *subquery = static_cast<KeptSubquery *>(palloc(sizeof(KeptSubquery)));
            *subquery = {.name = stand_in->name, .view = understand(stand_in->over_subqueries, owner)};
            subqueries = lappend(subqueries, subquery);
        }
        if (kept)
            look(self, *understand(over_subqueries, owner), subqueries);
    });
    return kept;
}

PG_GUARDED bool keep_subqueries_anew(catalog::Registration *registration)
{
    Kept now = {};
    if (OidIsValid(catalog::keeper_of(registration->imat))) /* that has its own as well, and sees to both */
        return false;
    if (registration->strategy != model::Strategy::Swap)
        catalog::with_settings(registration->settings, [&] {
            now = keep_subqueries(analyze::standalone_query(registration->definition), registration->imat,
                                  pg::owner_of_relation(registration->imat));
        });
    if (now.subqueries == NIL && registration->subqueries.size == 0)
        return false;
    registration->subqueries = catalog::in_order(now.subqueries);
    registration->over_subqueries = now.view;
    if (registration->settings == nullptr)
        registration->settings = settings_of_subqueries(*registration);
    catalog::update(*registration);
    record_dependencies(*registration);
    return true;
}

PG_GUARDED ArrayType *settings_of_subqueries(const catalog::Registration &registration)
{
    catalog::Registration subquery = {};
    for (Oid table : registration.subqueries)
        if (catalog::find(table, &subquery) && subquery.settings != nullptr)
            return subquery.settings;
    return nullptr;
}

PG_GUARDED Query *query_with_subqueries(const catalog::Registration &registration)
{
    check_stack_depth();
    Query *query = analyze::definition_query(registration.maintained());
    for (Oid table : registration.subqueries) {
        catalog::Registration subquery = {};
        if (catalog::find(table, &subquery))
            analyze::put_back(query, table, analyze::exact_query(query_with_subqueries(subquery)));
    }
    return query;
}

} // namespace rebuild
