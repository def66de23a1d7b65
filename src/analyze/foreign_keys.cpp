/*
 * foreign_keys.cpp - which rows are certain to find no other to be joined with?
 *
 * A row that was added to a table is joined with no row that references it by a foreign key and was there
 * before; a row that was removed, with no row that references it and is still there.  Room delta leaves out
 * what follows from that (delta/foreign_keys.cpp).  It is so where
 *
 * - the view sets every column of the foreign key equal to the one that it references, by the operator that
 * the foreign key is checked with, under collations for which equal is identical;
 * - the constraint is validated and enforced, its triggers are enabled, and they check at the end of each
 *   statement: it isn't deferrable;
 * - nothing can keep the actions of the foreign key (CASCADE, SET NULL, SET DEFAULT) from being done:
 * triggers BEFORE UPDATE or DELETE could, and rules;
 * - both are plain tables without children: a foreign key says nothing about children, and what partitions
 *   have of it can be disabled for each;
 * - neither is an IMAT: its rows are checked when they are written, which may be after its readers need to
 * know.
 *
 * - nothing is replicated into the tables: rows that are replicated are not checked.
 *
 * What it all relies on is that no row references nothing.  PostgreSQL sees to that, but not while a
 * superuser has triggers disabled, or session_replication_role is replica; and rows that were written then
 * count like all others. So foreign keys are made use of only where pg_imat.trust_foreign_keys says that
 * there are no such rows.
 *
 * A constraint that is dropped, or a trigger or rule that is made or disabled, is a change of the table, so
 * the plan is made anew.
 */
#include "analyze/parts.hpp"

#include "catalog/catalog.hpp"

namespace analyze {

namespace {

/* The triggers that enforce a foreign key: two on each of the tables. */
constexpr int triggers_of_a_foreign_key = 4;

/* Are all triggers of the constraint there and enabled? */
PG_GUARDED bool triggers_fire(Oid constraint)
{
    int enabled = 0;
    Relation triggers = table_open(TriggerRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_trigger_tgconstraint, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(constraint));
    SysScanDesc scan = systable_beginscan(triggers, TriggerConstraintIndexId, true, nullptr, 1, &key);
    for (HeapTuple row = systable_getnext(scan); HeapTupleIsValid(row); row = systable_getnext(scan)) {
        const char when = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row))->tgenabled;
        enabled += when == TRIGGER_FIRES_ON_ORIGIN || when == TRIGGER_FIRES_ALWAYS ? 1 : 0;
    }
    systable_endscan(scan);
    table_close(triggers, AccessShareLock);
    return enabled == triggers_of_a_foreign_key;
}

PG_GUARDED bool only_checks(char action)
{
    return action == FKCONSTR_ACTION_NOACTION || action == FKCONSTR_ACTION_RESTRICT;
}

/* Can something keep a row of the table from being updated or deleted without an error? */
PG_GUARDED bool may_be_spared(Relation table)
{
    const TriggerDesc *triggers = table->trigdesc;
    return table->rd_rel->relhasrules ||
           (triggers != nullptr && (triggers->trig_update_before_row || triggers->trig_delete_before_row));
}

/* Is the constraint enforced, at the end of each statement at the latest? */
PG_GUARDED bool is_enforced(Oid oid, Relation referencing)
{
    HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(oid));
    if (!HeapTupleIsValid(tuple))
        return false;
    const FormData_pg_constraint constraint =
        *reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple)); /* without its last, variable columns */
    ReleaseSysCache(tuple);
    return constraint.convalidated && !constraint.condeferrable && pg::is_plain_and_enforced(constraint) &&
           triggers_fire(oid) &&
           ((only_checks(constraint.confdeltype) && only_checks(constraint.confupdtype)) ||
            !may_be_spared(referencing));
}

/* Does a subscription replicate into the table? */
PG_GUARDED bool is_subscribed(Oid table)
{
    Relation subscribed = table_open(SubscriptionRelRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_subscription_rel_srrelid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(table));
    SysScanDesc scan =
        systable_beginscan(subscribed, SubscriptionRelSrrelidSrsubidIndexId, true, nullptr, 1, &key);
    const bool found = HeapTupleIsValid(systable_getnext(scan));
    systable_endscan(scan);
    table_close(subscribed, AccessShareLock);
    return found;
}

/* Does a foreign key say all about the rows of the table? */
PG_GUARDED bool is_plain_table(Relation table)
{
    return table->rd_rel->relkind == RELKIND_RELATION && !table->rd_rel->relhassubclass &&
           !catalog::is_imat(RelationGetRelid(table)) && !is_subscribed(RelationGetRelid(table));
}

PG_GUARDED bool is_plain_table(Oid table)
{
    Relation relation = table_open(table, NoLock);
    const bool plain = is_plain_table(relation);
    table_close(relation, NoLock);
    return plain;
}

/* Are values that are equal under the collation identical? */
PG_GUARDED bool is_exact(Oid collation)
{
    return !OidIsValid(collation) || get_collation_isdeterministic(collation);
}

/* Does the condition say referenced = referencing, of these columns of these references, by this operator? */
PG_GUARDED bool sets_equal(const Node *condition, const model::ForeignKey &key, AttrNumber referenced,
                           AttrNumber referencing, Oid operation)
{
    if (!IsA(condition, OpExpr) || list_length(reinterpret_cast<const OpExpr *>(condition)->args) != 2)
        return false;
    const auto *equality = reinterpret_cast<const OpExpr *>(condition);
    const Var *left = plain_column(static_cast<const Node *>(linitial(equality->args)));
    const Var *right = plain_column(static_cast<const Node *>(lsecond(equality->args)));
    if (left == nullptr || right == nullptr || !is_exact(equality->inputcollid) ||
        !is_exact(left->varcollid) || !is_exact(right->varcollid))
        return false;
    auto is = [](const Var *var, int reference, AttrNumber column) {
        return static_cast<int>(var->varno) == reference + 1 && var->varattno == column;
    };
    if (is(left, key.referenced, referenced) && is(right, key.referencing, referencing))
        return equality->opno == operation;
    return is(left, key.referencing, referencing) && is(right, key.referenced, referenced) &&
           get_commutator(equality->opno) == operation;
}

/* Does the view set all columns of the foreign key equal? */
PG_GUARDED bool joins_along(const model::View &view, const ForeignKeyCacheInfo &constraint,
                            const model::ForeignKey &key)
{
    for (int i = 0; i < constraint.nkeys; ++i) {
        bool found = false;
        for (auto *condition : pg::each<Node>(reinterpret_cast<List *>(view.filter)))
            found = found || sets_equal(condition, key, constraint.confkey[i], constraint.conkey[i],
                                        constraint.conpfeqop[i]);
        if (!found)
            return false;
    }
    return true;
}

/* Add the foreign keys of one reference. */
PG_GUARDED List *add_foreign_keys(List *keys, const model::View &view, int referencing)
{
    Relation table = table_open(view.references[referencing].relation, NoLock);
    List *constraints =
        is_plain_table(table) ? static_cast<List *>(copyObjectImpl(RelationGetFKeyList(table))) : NIL;
    for (auto *constraint : pg::each<ForeignKeyCacheInfo>(constraints)) {
        for (int i = 0; i < view.references.size; ++i) {
            const model::ForeignKey key = {.referencing = referencing, .referenced = i};
            if (i == referencing || view.references[i].relation != constraint->confrelid ||
                !joins_along(view, *constraint, key) || !is_plain_table(constraint->confrelid) ||
                !is_enforced(constraint->conoid, table))
                continue;
            auto *found = static_cast<model::ForeignKey *>(palloc(sizeof(model::ForeignKey)));
            *found = key;
            keys = lappend(keys, found);
        }
    }
    table_close(table, NoLock);
    return keys;
}

} // namespace

PG_GUARDED void find_foreign_keys(model::View *view)
{
    List *keys = NIL;
    for (int i = 0; view->is_join() && !view->has_options() && i < view->references.size; ++i)
        keys = add_foreign_keys(keys, *view, i);
    view->foreign_keys = to_array<model::ForeignKey>(keys);
}

} // namespace analyze
