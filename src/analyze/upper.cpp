/*
 * upper.cpp - what a query makes of its groups, where it isn't made of each by itself.
 *
 * LIMIT over groups, DISTINCT over what they show, window functions over them, a query around a subquery that
 * groups: whether and how a group is shown depends on the others.  But all of this is computed from groups,
 * and groups can be maintained.  So the query is parted in two.  One groups, and shows all that is wanted of
 * a group: keys, aggregates, GROUPING().  It is understood like any other, its outputs are the columns that
 * a state table keeps for each group.  The other one, the upper query (in a planner's sense: what comes on
 * top of scans, joins and grouping), is the rest of the definition, over that state table; HAVING is its
 * WHERE.  It is run at a flush that has changed a group (apply/upper.cpp), at the cost of groups, not rows.
 *
 * The level that is parted is the innermost one that groups, if all tables are below it, and nothing else of
 * the query reads any.  Conditions of HAVING that are conditions on rows stay below.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* Do subqueries in the expressions of a level read tables? */
PG_GUARDED bool expressions_read_table(const Query *query)
{
    return query->hasSubLinks &&
           reads_table(reinterpret_cast<Node *>(
               list_make4(query->targetList, query->jointree, query->havingQual, pg::grouping_step(query))));
}

/* The one item of FROM by which a level reads tables, where it is a query; else NULL. */
PG_GUARDED RangeTblEntry *only_reader(Query *query)
{
    RangeTblEntry *only = nullptr;
    const List *items = from_items(query);
    int index = 0;
    if (expressions_read_table(query) || query->hasRecursive || query->setOperations != nullptr)
        return nullptr;
    for (auto *entry : pg::each<RangeTblEntry>(query->rtable)) {
        if (!list_member_int(items, ++index) || reads_no_table(entry))
            continue;
        Query *behind = query_at(query, entry);
        if (behind == nullptr || only != nullptr)
            return nullptr;
        only = entry;
    }
    return only;
}

/* A level that is to be parted. */
struct GroupingLevel {
    Query *query;
    int depth;    /* 0: the outermost */
    bool of_view; /* it is, or is inside of, the query of a view */
};

/* The innermost level that groups and below which all tables are; no query: there is none. */
PG_GUARDED GroupingLevel find_level(Query *query, int depth, bool of_view)
{
    check_stack_depth();
    if (RangeTblEntry *reader = only_reader(query)) {
        const GroupingLevel inner =
            find_level(query_at(query, reader), depth + 1, of_view || OidIsValid(reader->relid));
        if (inner.query != nullptr)
            return inner;
    }
    return {has_groups(query) ? query : nullptr, depth, of_view};
}

/* The columns of an item of FROM that a query computes with. */
struct Uses {
    Query *query;
    int reader;
    Index level; /* how many queries are around what is looked at */
    Bitmapset *columns;
};

/* Is it a column of the item? */
PG_GUARDED bool is_read(const Uses &uses, const Node *node)
{
    return IsA(node, Var) && reinterpret_cast<const Var *>(node)->varlevelsup == uses.level &&
           static_cast<int>(reinterpret_cast<const Var *>(node)->varno) == uses.reader;
}

extern "C" {
PG_GUARDED static bool uses_walker(Node *node, void *context);
}

/* Is it a comparison, in which equal values of a column are the same? */
PG_GUARDED bool compares(const Node *node)
{
    return IsA(node, OpExpr) && pg::is_comparison(reinterpret_cast<const OpExpr *>(node)->opno);
}

/* Look at what is compared, but for columns as they are. */
PG_GUARDED void look_at_compared(OpExpr *comparison, Uses *uses)
{
    for (auto *argument : pg::each<Node>(comparison->args))
        if (!is_read(*uses, argument) || exprCollation(argument) != comparison->inputcollid)
            uses_walker(argument, uses);
}

extern "C" {

/* Walker: take note of columns of the item. */
PG_GUARDED static bool uses_walker(Node *node, void *context)
{
    auto *uses = static_cast<Uses *>(context);
    if (node == nullptr)
        return false;
    if (compares(node)) {
        look_at_compared(castNode(OpExpr, node), uses);
        return false;
    }
    if (IsA(node, Query)) {
        uses->level++;
        pg::walk_query(castNode(Query, node), uses_walker, context, QTW_IGNORE_JOINALIASES);
        uses->level--;
        return false;
    }
    if (!is_read(*uses, node))
        return pg::walk_expression(node, uses_walker, context);
    const AttrNumber column = castNode(Var, node)->varattno;
    const Query *read = query_at(uses->query, rt_fetch(uses->reader, uses->query->rtable));
    uses->columns = column > 0 ? bms_add_member(uses->columns, column)
                               : bms_add_range(uses->columns, 1, list_length(read->targetList));
    return false;
}

} // extern "C"

/* The columns of the item that a query computes with, if around it is computed with such ones of its own. */
PG_GUARDED Bitmapset *computed_with(Query *query, const RangeTblEntry *reader, const Bitmapset *around)
{
    Uses uses = {.query = query, .reader = 1, .level = 0, .columns = nullptr};
    while (rt_fetch(uses.reader, query->rtable) != reader)
        uses.reader++;
    auto look_at = [&](Node *node) { uses_walker(pg::flatten_join_alias_vars(query, node), &uses); };
    for (auto *target : pg::each<TargetEntry>(query->targetList)) {
        Node *shown = pg::flatten_join_alias_vars(
            query, pg::flatten_group_exprs(query, static_cast<Node *>(copyObjectImpl(target->expr))));
        if (!is_read(uses, shown) || castNode(Var, shown)->varattno <= 0 ||
            bms_is_member(target->resno, around))
            uses_walker(shown, &uses);
    }
    look_at(pg::flatten_group_exprs(query, static_cast<Node *>(copyObjectImpl(query->havingQual))));
    look_at(static_cast<Node *>(copyObjectImpl(query->jointree)));
    for (auto *entry : pg::each<RangeTblEntry>(query->rtable))
        if (reads_no_table(entry))
            look_at(static_cast<Node *>(copyObjectImpl(computation_of(entry))));
    return uses.columns;
}

/* Is it the level of an upper query that is over the table of the groups? */
PG_GUARDED bool is_on_groups(const Query *level)
{
    return list_length(level->rtable) == 1 &&
           linitial_node(RangeTblEntry, level->rtable)->rtekind == RTE_RELATION;
}

/* What is carried along while a level is parted. */
struct Parting {
    Query *query;
    List *keys;    /* expressions of the keys, as its targets have them */
    List *columns; /* TargetEntries of the query that groups */
};

/* The column of the query that groups, over its row, that shows an expression. */
PG_GUARDED Node *column_of(Parting *parting, Node *expression)
{
    AttrNumber number = 0;
    for (auto *column : pg::each<TargetEntry>(parting->columns)) {
        if (equal(column->expr, expression)) {
            number = column->resno;
            break;
        }
    }
    if (number == 0) {
        number = static_cast<AttrNumber>(list_length(parting->columns) + 1);
        parting->columns =
            lappend(parting->columns, makeTargetEntry(static_cast<Expr *>(copyObjectImpl(expression)), number,
                                                      psprintf("column_%d", number), false));
    }
    return reinterpret_cast<Node *>(
        makeVar(1, number, exprType(expression), exprTypmod(expression), exprCollation(expression), 0));
}

extern "C" {

/* Mutator: from over rows to over what the query that groups shows. */
PG_GUARDED static Node *parting_mutator(Node *node, void *context)
{
    auto *parting = static_cast<Parting *>(context);
    if (node == nullptr)
        return nullptr;
    if (list_member(parting->keys, node) || IsA(node, Aggref) || IsA(node, GroupingFunc) || IsA(node, Var))
        return column_of(parting, node);
    return pg::mutate_expression(node, parting_mutator, context);
}

/* Walker: the columns are so many further on. */
PG_GUARDED static bool shift_walker(Node *node, void *context)
{
    if (node == nullptr)
        return false;
    if (!IsA(node, Var))
        return pg::walk_expression(node, shift_walker, context);
    auto *var = castNode(Var, node);
    var->varattno = static_cast<AttrNumber>(var->varattno + *static_cast<const int *>(context));
    return false;
}

} // extern "C"

/* Take from a query what comes on top of its groups. */
PG_GUARDED void strip(Query *query)
{
    query->sortClause = NIL;
    query->limitCount = query->limitOffset = nullptr;
    pg::forget_ties(query);
    query->distinctClause = NIL;
    query->windowClause = NIL;
    query->hasWindowFuncs = query->hasTargetSRFs = query->hasDistinctOn = false;
}

/* Have a level be over one table, that of the groups, which is filled in later. */
PG_GUARDED void put_on_groups(Query *query)
{
    auto *entry = makeNode(RangeTblEntry);
    entry->rtekind = RTE_RELATION;
    entry->relkind = RELKIND_RELATION;
    entry->rellockmode = AccessShareLock;
    entry->inFromCl = true;
    entry->eref = makeAlias("groups", NIL);
    auto *reference = makeNode(RangeTblRef);
    reference->rtindex = 1;
    query->rtable = list_make1(entry);
    pg::forget_grouping(query);
    query->jointree = makeFromExpr(list_make1(reference), query->havingQual);
    query->havingQual = nullptr;
    query->groupClause = query->groupingSets = query->cteList = query->constraintDeps = NIL;
    query->hasAggs = false;
}

PG_GUARDED bool is_referred_to(const Query &query, Index reference)
{
    bool found = refers_to(query.sortClause, reference) || refers_to(query.distinctClause, reference);
    for (auto *window : pg::each<WindowClause>(query.windowClause))
        found = found || refers_to(window->partitionClause, reference) ||
                refers_to(window->orderClause, reference);
    return reference != 0 && found;
}

/* Rewrite the targets of the upper query, without those that nothing refers to. */
PG_GUARDED void part_targets(Query *query, Parting *parting)
{
    List *targets = NIL;
    for (auto *target : pg::each<TargetEntry>(query->targetList)) {
        if (target->resjunk && !is_referred_to(*query, target->ressortgroupref))
            continue;
        target->expr =
            reinterpret_cast<Expr *>(parting->keys == NIL && query->hasDistinctOn
                                         ? column_of(parting, reinterpret_cast<Node *>(target->expr))
                                         : parting_mutator(reinterpret_cast<Node *>(target->expr), parting));
        targets = lappend(targets, target);
        target->resno = static_cast<AttrNumber>(list_length(targets));
    }
    query->targetList = targets;
}

/* Part the conditions of HAVING. Which keys there are, the upper query may know no more: nobody wants to see
 * them. */
PG_GUARDED void part_having(Query *query, Query *groups, Parting *parting)
{
    List *below = NIL;
    List *above = NIL;
    for (auto *condition : pg::each<Node>(make_ands_implicit(reinterpret_cast<Expr *>(query->havingQual)))) {
        if (is_about_rows(groups, condition))
            below = lappend(below, condition);
        else
            above = lappend(above, parting_mutator(condition, parting));
    }
    groups->havingQual = below == NIL ? nullptr : reinterpret_cast<Node *>(make_ands_explicit(below));
    query->havingQual = above == NIL ? nullptr : reinterpret_cast<Node *>(make_ands_explicit(above));
}

/* DISTINCT ON under LIMIT: all of it is below, the order as well, and its first rows are ordered once more.
 */
PG_GUARDED Query *part_distinct_on(Query *query)
{
    auto *groups = static_cast<Query *>(copyObjectImpl(query));
    groups->limitCount = groups->limitOffset = nullptr;
    pg::forget_ties(groups);
    Parting parting = {.query = query, .keys = NIL, .columns = NIL};
    for (auto *target : pg::each<TargetEntry>(groups->targetList))
        target->resjunk = false;
    parting.columns = groups->targetList;
    part_targets(query, &parting);
    query->distinctClause = NIL;
    query->hasDistinctOn = false;
    put_on_groups(query);
    return groups;
}

/* Part a level, which becomes the upper query; the query that groups. */
PG_GUARDED Query *part(Query *query)
{
    if (!makes_groups(query) && query->hasDistinctOn)
        return part_distinct_on(query);
    if (!makes_groups(query)) {
        query->groupClause = query->distinctClause;
        query->distinctClause = NIL;
    }
    auto *groups = static_cast<Query *>(copyObjectImpl(query));
    Parting parting = {.query = query, .keys = NIL, .columns = NIL};
    for (auto *clause : pg::each<SortGroupClause>(query->groupClause))
        parting.keys =
            lappend(parting.keys,
                    copyObjectImpl(get_sortgroupref_tle(clause->tleSortGroupRef, query->targetList)->expr));
    const auto *before = static_cast<Query *>(copyObjectImpl(query));
    part_targets(query, &parting);
    part_having(query, groups, &parting);
    if (parting.columns == NIL) /* nothing is wanted but that there is a group */
        column_of(&parting, reinterpret_cast<Node *>(makeBoolConst(true, false)));
    groups->targetList = with_keys(before, parting.columns);
    strip(groups);
    put_on_groups(query);
    return groups;
}

/* Does it group by what a set-returning function gives? */
PG_GUARDED bool groups_by_sets(Query *query)
{
    bool found = false;
    for (auto *clause : pg::each<SortGroupClause>(query->groupClause)) {
        auto *key =
            reinterpret_cast<Node *>(get_sortgroupref_tle(clause->tleSortGroupRef, query->targetList)->expr);
        found = found || expression_returns_set(
                             pg::flatten_group_exprs(query, static_cast<Node *>(copyObjectImpl(key))));
    }
    return found;
}

/* What the upper query does, in a reader's words. */
PG_GUARDED const char *words_for(const GroupingLevel &level)
{
    const Query &query = *level.query;
    if (level.depth > 0)
        return "the query around the one that groups";
    if (query.limitCount != nullptr || query.limitOffset != nullptr)
        return "LIMIT or OFFSET";
    if (query.hasWindowFuncs)
        return "window functions";
    if (query.hasDistinctOn)
        return "DISTINCT ON";
    if (query.distinctClause != NIL)
        return "DISTINCT";
    return query.hasTargetSRFs ? "a set-returning function" : "an expression";
}

} // namespace

PG_GUARDED List *with_keys(const Query *query, List *columns)
{
    List *targets = columns;
    for (auto *clause : pg::each<SortGroupClause>(query->groupClause)) {
        Expr *key = get_sortgroupref_tle(clause->tleSortGroupRef, query->targetList)->expr;
        TargetEntry *shown = nullptr;
        for (auto *target : pg::each<TargetEntry>(targets))
            if (target->ressortgroupref == 0 && equal(target->expr, key))
                shown = target;
        if (shown == nullptr) {
            shown = makeTargetEntry(static_cast<Expr *>(copyObjectImpl(key)),
                                    static_cast<AttrNumber>(list_length(targets) + 1), nullptr, true);
            targets = lappend(targets, shown);
        }
        shown->ressortgroupref = clause->tleSortGroupRef;
    }
    return targets;
}

PG_GUARDED Query *query_at(const Query *query, const RangeTblEntry *entry)
{
    if (entry->rtekind == RTE_SUBQUERY)
        return entry->subquery;
    if (entry->rtekind != RTE_CTE || entry->ctelevelsup > 0 || list_length(query->cteList) != 1)
        return nullptr;
    return castNode(Query, linitial_node(CommonTableExpr, query->cteList)->ctequery);
}

namespace {

extern "C" {

/* Walker: is there a WITH query that is defined around so many levels? */
PG_GUARDED static bool outer_with_walker(Node *node, void *context)
{
    const Index level = *static_cast<const Index *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, RangeTblEntry))
        return castNode(RangeTblEntry, node)->rtekind == RTE_CTE &&
               castNode(RangeTblEntry, node)->ctelevelsup > level;
    if (!IsA(node, Query))
        return pg::walk_expression(node, outer_with_walker, context);
    Index inside = level + 1;
    return pg::walk_query(castNode(Query, node), outer_with_walker, &inside,
                          QTW_EXAMINE_RTES_BEFORE | QTW_IGNORE_JOINALIASES);
}

} // extern "C"

} // namespace

PG_GUARDED bool refers_outside(Query *query, int depth)
{
    for (int level = 1; level <= depth; level++)
        if (contain_vars_of_level(reinterpret_cast<Node *>(query), level))
            return true;
    Index level = 0;
    return pg::walk_query(query, outer_with_walker, &level, QTW_EXAMINE_RTES_BEFORE | QTW_IGNORE_JOINALIASES);
}

PG_GUARDED void determine_groups(Query *query, bool *hidden)
{
    const GroupingLevel level = find_level(query, 0, false);
    const bool above = level.query != nullptr && level.query != query;
    take_order(query);
    order_limit(query);
    determine_keys(query, nullptr);
    *hidden = false;
    if (!above)
        return;
    const Bitmapset *computed = nullptr;
    bool of_view = false;
    while (query != level.query) {
        RangeTblEntry *reader = only_reader(query);
        of_view = of_view || OidIsValid(reader->relid);
        computed = computed_with(query, reader, computed);
        query = query_at(query, reader);
        take_order(query);
        order_limit(query);
        *hidden = (determine_keys(query, computed) && of_view) || *hidden;
    }
}

PG_GUARDED bool part_groups(Query *query, Query **groups, const char **words)
{
    const GroupingLevel level = find_level(query, 0, false);
    if (level.query == nullptr)
        return false;
    Query &parted = *level.query;
    if (parted.hasSubLinks || refers_outside(&parted, level.depth) || groups_by_sets(&parted) ||
        (!makes_groups(&parted) && (parted.hasWindowFuncs || parted.hasTargetSRFs)))
        return false;
    *words = words_for(level);
    *groups = part(&parted);
    return true;
}

PG_GUARDED bool computes_with(Query *upper, const Bitmapset *columns)
{
    Bitmapset *computed = nullptr;
    Query *level = upper;
    while (!is_on_groups(level)) {
        const RangeTblEntry *reader = only_reader(level);
        computed = computed_with(level, reader, computed);
        level = query_at(level, reader);
    }
    computed = computed_with(level, linitial_node(RangeTblEntry, level->rtable), computed);
    return bms_overlap(computed, columns);
}

PG_GUARDED bool is_around_groups(const Query *upper)
{
    return !is_on_groups(upper);
}

PG_GUARDED Query *upper_over(const Query *upper, RangeTblEntry *groups, int first)
{
    auto *copy = static_cast<Query *>(copyObjectImpl(upper));
    Query *level = copy;
    while (!is_on_groups(level))
        level = query_at(level, only_reader(level));
    level->rtable = list_make1(groups);
    pg::add_permission_entries(level);
    shift_walker(reinterpret_cast<Node *>(level->targetList), &first);
    shift_walker(reinterpret_cast<Node *>(level->jointree), &first);
    return copy;
}

} // namespace analyze
