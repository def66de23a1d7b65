/*
 * verify.cpp - does a table equal its definition?  The sentence that everything else is tested against.
 *
 * The definition is run as it was written, by the executor, and its rows are compared with those of the
 * table, both under one snapshot.  Nothing that maintenance computes with takes part, with one exception:
 * aggregates that depend on the order of the rows although they needn't (sums of floats and what is computed
 * from them, min and max of what may be equal and look different, any_value) are those of imat.exact_sum and
 * its kin.
 *
 * How values are compared.  Values that tell everything about the rows they come from are compared as they
 * are shown: numeric and interval with their digits and fields (1.0 is not 1.00, 24 hours aren't a day),
 * floats to the last bit.  But of keys that are equal, a group shows an arbitrary one; so what depends on a
 * key is compared by equality.  Of queries that aren't maintained by delta and aggregate, use windows, or
 * remove duplicates, no one knows what is arbitrary: there all is compared by equality, and floats to 12
 * significant digits (real: 5), since the last ones of stddev and its like depend on the order of rows.
 * Types that have no equality are compared by their text.
 *
 * Locks: AccessShare on the tables that the definition reads, in the order of their Oids, then on the IMAT,
 * then the snapshot.  In this order a transaction that has emptied or rewritten one of them is waited for
 * before it can wait for us, and what it did is seen.
 *
 * Rights: the query, and the functions of types, run with the rights of the IMAT's owner, as maintenance
 * does.  All that a caller with SELECT learns is a number.
 */
#include "rebuild/verify.hpp"

#include "analyze/analyze.hpp"
#include "catalog/catalog.hpp"
#include "pg/list.hpp"
#include "pg/lookup.hpp"
#include "pg/query.hpp"
#include "pg/scope.hpp"
#include "rebuild/multiset.hpp"
#include "rebuild/parts.hpp"

namespace rebuild {

namespace {

/* What a column shows. */
enum class Shows : char {
    Itself,         /* nothing arbitrary */
    Representative, /* one of the keys of a group, which are equal but need not be alike */
    Anything,       /* may depend on the order of rows */
};

extern "C" {

/* Does a query depend on more than one combination of rows at a time, or not say? */
PG_GUARDED static bool combines_rows(Node *node, void *context)
{
    if (node == nullptr)
        return false;
    if (!IsA(node, Query))
        return pg::walk_expression(node, combines_rows, context);
    auto *query = reinterpret_cast<Query *>(node);
    if (query->hasAggs || query->hasWindowFuncs || query->groupClause != NIL || query->groupingSets != NIL ||
        query->distinctClause != NIL || query->setOperations != nullptr || query->limitCount != nullptr ||
        query->limitOffset != nullptr)
        return true;
    /* A view may do anything; but a rule's OLD and NEW, which aren't in FROM, stand for nothing. */
    for (auto *entry : pg::each<RangeTblEntry>(query->rtable))
        if (entry->rtekind == RTE_RELATION && entry->relkind == RELKIND_VIEW && entry->inFromCl)
            return true;
    return pg::walk_query(query, combines_rows, context, 0);
}

} // extern "C"

/* Does an output of a delta view depend on a key? */
PG_GUARDED bool depends_on_key(const model::View &view, const TargetEntry *output)
{
    Bitmapset *columns = nullptr;
    pull_varattnos(reinterpret_cast<Node *>(output->expr), 1, &columns);
    for (int key = 1; key <= view.keys.size; key++)
        if (bms_is_member(key - FirstLowInvalidHeapAttributeNumber, columns))
            return true;
    return false;
}

/* The rule to compare a column by. */
PG_GUARDED Compare rule_for(Oid type, Shows shows)
{
    switch (getBaseType(type)) {
    case NUMERICOID:
    case INTERVALOID:
        return shows == Shows::Itself ? Compare::Text : Compare::Equality;
    case FLOAT4OID:
    case FLOAT8OID:
        return shows == Shows::Itself           ? Compare::Bits
               : shows == Shows::Representative ? Compare::Equality
                                                : Compare::Roughly;
    default:
        return Compare::Equality;
    }
}

/* The rules for those columns of the table that the definition has, which are the first. */
PG_GUARDED model::Array<Compare> rules_for(TupleDesc type, const Query &definition)
{
    model::Array<Compare> rules = {
        .data = static_cast<Compare *>(palloc(sizeof(Compare) * (type->natts + 1))), .size = 0};
    const analyze::Refusal *refusal = nullptr;
    const model::View *view = analyze::try_understand(&definition, &refusal);
    if (view != nullptr && (view->strategy != model::Strategy::Delta || view->upper != nullptr))
        view = nullptr;
    Node *query = reinterpret_cast<Node *>(const_cast<Query *>(&definition));
    const Shows usually = view == nullptr && combines_rows(query, nullptr) ? Shows::Anything : Shows::Itself;

    for (auto *output : pg::each<TargetEntry>(view == nullptr ? definition.targetList : view->outputs)) {
        if (output->resjunk || output->resno > type->natts)
            continue;
        const Shows shows =
            view != nullptr && !view->bag && depends_on_key(*view, output) ? Shows::Representative : usually;
        Form_pg_attribute column = TupleDescAttr(type, output->resno - 1);
        rules[output->resno - 1] =
            column->attisdropped ? Compare::Ignored : rule_for(column->atttypid, shows);
        rules.size = Max(rules.size, output->resno);
    }
    return rules;
}

/*
 * What the table is compared with: the query as it was written.  But where a subquery that is kept leaves an
 * order of rows open, it is kept in one of its outcomes, so that has to be the one here.
 */
PG_GUARDED Query *reference_for(const catalog::Registration &registration)
{
    Query *definition = analyze::definition_query(registration.definition);
    return registration.subqueries.size > 0 && analyze::leaves_order_open(definition)
               ? query_with_subqueries(registration)
               : definition;
}

/* Compare the table, which is open, with its definition, under the active snapshot. */
PG_GUARDED int64 differences(Relation table, const catalog::Registration &registration)
{
    Query *definition = reference_for(registration);
    RowMultiset *rows =
        make_multiset(RelationGetDescr(table), rules_for(RelationGetDescr(table), *definition));

    TupleTableSlot *slot = table_slot_create(table, nullptr);
    TableScanDesc scan = table_beginscan(table, GetActiveSnapshot(), 0, nullptr);
    while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
        add(rows, slot);
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);

    auto take_out = [](void *self, TupleTableSlot *row) { remove(static_cast<RowMultiset *>(self), row); };
    pg::run_query(analyze::exact_query(definition), GetActiveSnapshot(), {.consume = take_out, .self = rows});

    const int64 left = leftovers(rows);
    free_multiset(rows);
    return left;
}

[[noreturn]] PG_GUARDED void raise_not_an_imat(Oid relation)
{
    const char *name = get_rel_name(relation);
    if (name == nullptr)
        ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE),
                errmsg("relation with OID %u does not exist", relation));
    ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
            errmsg("\"%s\" is not an incremental materialized table", name),
            errhint("The view imat.imat_config lists those of this database."));
    pg_unreachable();
}

PG_GUARDED void check_may_read(Oid imat)
{
    if (!has_privs_of_role(GetUserId(), pg::owner_of_relation(imat)) &&
        pg_class_aclcheck(imat, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
        aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(imat));
}

/* Lock what the definition reads, as it was written. */
PG_GUARDED void lock_read(const catalog::Registration &registration)
{
    check_stack_depth();
    for (Oid table : registration.subqueries) {
        catalog::Registration subquery = {};
        if (catalog::find(table, &subquery))
            lock_read(subquery);
    }
    for (Oid source : catalog::sources_of(registration.imat))
        LockRelationOid(source, AccessShareLock);
}

} // namespace

PG_GUARDED int64 verify(Oid imat)
{
    catalog::Registration registration{};
    if (!catalog::find(imat, &registration))
        raise_not_an_imat(imat);
    check_may_read(imat);

    lock_read(registration);
    Relation table = try_relation_open(imat, AccessShareLock);
    /* While we waited for locks it may have been changed, or dropped. */
    if (table == nullptr || !catalog::find(imat, &registration))
        raise_not_an_imat(imat);

    int64 left = 0;
    pg::with_rights_of(table->rd_rel->relowner, [&] {
        pg::with_safe_search_path([&] {
            catalog::with_settings(registration.settings, [&] {
                PushCopiedSnapshot(GetTransactionSnapshot());
                UpdateActiveSnapshotCommandId();
                left = differences(table, registration);
                PopActiveSnapshot();
            });
        });
    });
    table_close(table, NoLock);
    return left;
}

} // namespace rebuild
