/*
 * representatives.cpp - what is computed with group keys whose equal values can look different.
 *
 * Of keys that are equal, 1.0 and 1.00, -0 and 0, 'a' and 'A' under a nondeterministic collation, a group
 * shows the one of the row that PostgreSQL happened to read first.  While it is just shown, any of them will
 * do.  But n::text, length(k) or k || '' tell them apart, and there is no such thing as the right one.  For a
 * table that equals its query there has to be: the least by what they look like, which imat.exact_min gives,
 * as for min and max.  It is one of those that the query may show.  So where something is computed with such
 * a key, the key, wherever the query shows it, becomes that aggregate over it; the rest is as with any other
 * aggregate.  What a primary key among the keys determines, and is not grouped by, is treated the same.
 *
 * The same goes for a key that a subquery just shows, and the query around it computes with.
 *
 * In several grouping sets a key is NULL where the set leaves it out, which an aggregate over it is not.
 *
 * Conditions of HAVING without aggregates are left alone where they are conditions on rows (flatten.cpp).
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* A key, as the targets of its query have it. */
struct Grouped {
    SortGroupClause *clause;
    Node *seen;       /* from PostgreSQL 18 on a Var of the grouping step */
    Node *expression; /* what it is */
    bool vague;       /* equal values can look different, and the least of them can be told */
    bool computed;    /* ... and something is computed with it */
};

/* What a walk over the expressions of a query carries along. */
struct Walk {
    Query *query;
    List *keys;   /* of Grouped */
    bool whole;   /* the expression is one key */
    bool changed; /* the query has aggregates now */
};

PG_GUARDED List *keys_of(Query *query)
{
    List *keys = NIL;
    for (auto *clause : pg::each<SortGroupClause>(query->groupClause)) {
        auto *key = static_cast<Grouped *>(palloc0(sizeof(Grouped)));
        key->clause = clause;
        key->seen =
            reinterpret_cast<Node *>(get_sortgroupref_tle(clause->tleSortGroupRef, query->targetList)->expr);
        key->expression = pg::flatten_group_exprs(query, static_cast<Node *>(copyObjectImpl(key->seen)));
        key->vague = is_vague(clause, key->expression);
        keys = lappend(keys, key);
    }
    return keys;
}

/* The key that a node of the targets is, or NULL. */
PG_GUARDED Grouped *key_at(const Walk &walk, const Node *node)
{
    for (auto *key : pg::each<Grouped>(walk.keys))
        if (equal(key->seen, node))
            return key;
    return nullptr;
}

/* Is it a column that is neither a key nor inside an aggregate, and may be shown as such? */
PG_GUARDED bool is_determined_column(const Walk &walk, const Node *node)
{
    if (walk.query->constraintDeps == NIL || !IsA(node, Var))
        return false;
    const auto *var = reinterpret_cast<const Var *>(node);
    if (var->varlevelsup > 0)
        return false;
    const auto *entry = rt_fetch(var->varno, walk.query->rtable);
    const TypeCacheEntry *type = lookup_type_cache(var->vartype, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);
    SortGroupClause clause = {};
    clause.eqop = type->eq_opr;
    clause.sortop = type->lt_opr;
    return entry->rtekind == RTE_RELATION &&
           !(entry->relkind == RELKIND_RELATION && entry->inh && has_subclass(entry->relid)) &&
           is_vague(&clause, static_cast<Node *>(copyObjectImpl(node)));
}

extern "C" {

/* Walker: find the keys that something is computed with. */
PG_GUARDED static bool computed_walker(Node *node, void *context)
{
    auto *walk = static_cast<Walk *>(context);
    if (node == nullptr)
        return false;
    if (Grouped *key = key_at(*walk, node)) {
        key->computed = key->computed || (key->vague && !walk->whole);
        return false;
    }
    walk->whole = false;
    return !IsA(node, Aggref) && !IsA(node, GroupingFunc) &&
           pg::walk_expression(node, computed_walker, context);
}

/* Mutator: the least value in place of such keys. */
PG_GUARDED static Node *representing_mutator(Node *node, void *context)
{
    auto *walk = static_cast<Walk *>(context);
    if (node == nullptr)
        return nullptr;
    if (const Grouped *key = key_at(*walk, node)) {
        if (!key->computed)
            return static_cast<Node *>(copyObjectImpl(node));
        walk->changed = true;
        return representative_of(key->expression, walk->query->groupingSets == NIL ? nullptr : key->clause);
    }
    if (is_determined_column(*walk, node)) {
        walk->changed = true;
        return representative_of(node, nullptr);
    }
    if (IsA(node, Aggref) || IsA(node, GroupingFunc))
        return static_cast<Node *>(copyObjectImpl(node));
    return pg::mutate_expression(node, representing_mutator, context);
}

} // extern "C"

/* Is the target shown, or does it decide on what is? */
PG_GUARDED bool matters(const Query &query, const TargetEntry *target)
{
    const bool decides = query.limitCount != nullptr || query.limitOffset != nullptr || query.hasDistinctOn;
    return !target->resjunk ||
           (decides && target->ressortgroupref != 0 && refers_to(query.sortClause, target->ressortgroupref));
}

/* Find the keys that something is computed with, here or around. */
PG_GUARDED void find_computed(Walk *walk, const Bitmapset *around)
{
    for (auto *target : pg::each<TargetEntry>(walk->query->targetList)) {
        walk->whole = target->resjunk || !bms_is_member(target->resno, around);
        if (matters(*walk->query, target))
            computed_walker(reinterpret_cast<Node *>(target->expr), walk);
    }
    for (auto *condition :
         pg::each<Node>(make_ands_implicit(reinterpret_cast<Expr *>(walk->query->havingQual)))) {
        walk->whole = false;
        if (!is_about_rows(walk->query, condition))
            computed_walker(condition, walk);
    }
}

/* Other clauses than GROUP BY refer to the target under another number from now on. */
PG_GUARDED void renumber(const List *clauses, Index from, Index to)
{
    for (auto *clause : pg::each<SortGroupClause>(clauses))
        if (clause->tleSortGroupRef == from)
            clause->tleSortGroupRef = to;
}

/* A target that shows such a key is to be grouped by no more: a hidden one is instead. */
PG_GUARDED void part_from_key(Query *query, TargetEntry *target, Index reference)
{
    const Index from = target->ressortgroupref;
    TargetEntry *hidden =
        makeTargetEntry(static_cast<Expr *>(copyObjectImpl(target->expr)),
                        static_cast<AttrNumber>(list_length(query->targetList) + 1), nullptr, true);
    hidden->ressortgroupref = from;
    query->targetList = lappend(query->targetList, hidden);
    target->ressortgroupref = reference;
    renumber(query->sortClause, from, reference);
    renumber(query->distinctClause, from, reference);
    for (auto *window : pg::each<WindowClause>(query->windowClause)) {
        renumber(window->partitionClause, from, reference);
        renumber(window->orderClause, from, reference);
    }
}

/* Put the least values in place of such keys. */
PG_GUARDED void represent(Query *query, Walk *walk)
{
    Index reference = 0;
    for (auto *target : pg::each<TargetEntry>(query->targetList))
        reference = Max(reference, target->ressortgroupref);
    const List *targets = list_copy(query->targetList);
    for (auto *target : pg::each<TargetEntry>(targets)) {
        if (!matters(*query, target))
            continue;
        const Grouped *key = key_at(*walk, reinterpret_cast<Node *>(target->expr));
        if (key != nullptr && key->computed && refers_to(query->groupClause, target->ressortgroupref))
            part_from_key(query, target, ++reference);
        target->expr =
            reinterpret_cast<Expr *>(representing_mutator(reinterpret_cast<Node *>(target->expr), walk));
    }
    List *conditions = NIL;
    for (auto *condition : pg::each<Node>(make_ands_implicit(reinterpret_cast<Expr *>(query->havingQual))))
        conditions = lappend(
            conditions, is_about_rows(query, condition) ? condition : representing_mutator(condition, walk));
    if (conditions != NIL)
        query->havingQual = reinterpret_cast<Node *>(make_ands_explicit(conditions));
    query->hasAggs = query->hasAggs || walk->changed;
}

} // namespace

PG_GUARDED bool refers_to(const List *clauses, Index reference)
{
    bool found = false;
    for (auto *clause : pg::each<SortGroupClause>(clauses))
        found = found || clause->tleSortGroupRef == reference;
    return found;
}

PG_GUARDED Node *representative_of(Node *expression, const SortGroupClause *clause)
{
    const Oid any = ANYELEMENTOID;
    const Oid type = exprType(expression);
    const Oid function = LookupFuncName(
        list_make2(makeString(pstrdup("imat")), makeString(pstrdup("exact_min"))), 1, &any, false);
    auto *argument = static_cast<Expr *>(copyObjectImpl(expression));
    Aggref *call = pg::make_aggref(function, type, list_make1(makeTargetEntry(argument, 1, nullptr, false)),
                                   list_make1_oid(type));
    call->inputcollid = call->aggcollid = exprCollation(expression);
    if (clause == nullptr)
        return reinterpret_cast<Node *>(call);
    auto *grouping = makeNode(GroupingFunc);
    grouping->args = list_make1(copyObjectImpl(expression));
    grouping->refs = list_make1_int(static_cast<int>(clause->tleSortGroupRef));
    grouping->location = -1;
    auto *in_set = makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(0), false, true);
    CaseWhen *branch = makeNode(CaseWhen);
    branch->expr = make_opclause(Int4EqualOperator, BOOLOID, false, reinterpret_cast<Expr *>(grouping),
                                 &in_set->xpr, InvalidOid, InvalidOid);
    branch->result = reinterpret_cast<Expr *>(call);
    branch->location = -1;
    CaseExpr *choice = makeNode(CaseExpr);
    choice->casetype = type;
    choice->casecollid = call->aggcollid;
    choice->args = list_make1(branch);
    choice->defresult =
        reinterpret_cast<Expr *>(makeNullConst(type, exprTypmod(expression), call->aggcollid));
    choice->location = -1;
    return reinterpret_cast<Node *>(choice);
}

PG_GUARDED bool is_about_rows(Query *query, Node *condition)
{
    if (contain_aggs_of_level(condition, 0) || query->groupingSets != NIL || query->groupClause == NIL ||
        query->hasDistinctOn)
        return false;
    bool same = true;
    for (auto *clause : pg::each<SortGroupClause>(query->groupClause)) {
        const Oid collation = exprCollation(
            reinterpret_cast<Node *>(get_sortgroupref_tle(clause->tleSortGroupRef, query->targetList)->expr));
        same = same && (!OidIsValid(collation) || get_collation_isdeterministic(collation));
    }
    return same;
}

PG_GUARDED bool determine_keys(Query *query, const Bitmapset *around)
{
    const bool distinct = query->distinctClause != NIL && !query->hasDistinctOn && !query->hasWindowFuncs &&
                          !query->hasTargetSRFs && !makes_groups(query);
    if (distinct && !bms_is_empty(around)) {
        query->groupClause = query->distinctClause;
        query->distinctClause = NIL;
    }
    if (!makes_groups(query) || (query->hasDistinctOn && query->groupClause == NIL))
        return false;
    Walk walk = {.query = query, .keys = keys_of(query), .whole = false, .changed = false};
    find_computed(&walk, around);
    represent(query, &walk);
    return walk.changed;
}

} // namespace analyze
