/*
 * flatten.cpp - subqueries, views and WITH queries that only filter, project and join disappear.
 *
 * What is left is the inner join of some tables, the conditions on its rows, and the expressions of the
 * grouping level over them: the part of a query that delta can work with.  Whatever stands in the way is told
 * as a reason.
 *
 * Pulling a query up like this is what the planner does (pull_up_simple_subquery; PostgreSQL,
 * prepjointree.c), and right for the same reason: a level without grouping, ordering limits, set-returning
 * functions and sublinks is a function from rows to rows, and a condition of an inner join is one on its
 * rows. Conditions of inner levels come first, so that over a single table an outer expression is not
 * evaluated for a row that an inner condition keeps out.
 *
 * References are numbered within a level from behind its range table on, so that old numbers and new ones
 * can't be taken for each other while some Vars have the ones and some the others; at the end of a level they
 * are brought down to 1, 2, ...  A LATERAL subquery refers to what stands left of it; so the items of a level
 * are replaced from right to left, which replaces too what was just brought in.
 *
 * Functions and VALUES in FROM (computed.cpp) are references without a table until all is flat.
 *
 * Conditions of HAVING that have no aggregate in them are conditions on rows, to which the planner makes them
 * too (subquery_planner; PostgreSQL, planner.c): what they say about a key is said of each row of the group.
 * Where equal keys may differ by a nondeterministic collation, newer planners let them be, and so does this.
 * Where there are several grouping sets, a key may be NULL for a group and not for its rows.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* A join of n tables has a delta of up to 2^n - 1 terms, one for each set of tables that changed. */
constexpr int most_references = model::MAX_REFERENCES;

PG_GUARDED const char *flatten_level(const Level &level, FlatQuery *flat);

/* The query behind an item that has one, as a level; false: it has none. */
PG_GUARDED bool query_behind(const Level &level, const Item &item, Level *inner)
{
    const RangeTblEntry *entry = item.entry;
    if (item.sublink != nullptr) {
        *inner = {castNode(Query, item.sublink->subselect), &level};
        return true;
    }
    if (entry->rtekind == RTE_SUBQUERY) {
        *inner = {entry->subquery, &level};
        return true;
    }
    if (entry->rtekind != RTE_CTE)
        return false;
    const Level *home = nullptr;
    auto *with = static_cast<Query *>(copyObjectImpl(with_query(level, entry, &home)->ctequery));
    *inner = {with, home};
    return true;
}

extern "C" {

/* Walker: is there a Var of a level around this one? */
PG_GUARDED static bool outer_walker(Node *node, void *context)
{
    const Index level = *static_cast<const Index *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, Var))
        return castNode(Var, node)->varlevelsup > level;
    if (!IsA(node, Query))
        return pg::walk_expression(node, outer_walker, context);
    Index inside = level + 1;
    return pg::walk_query(castNode(Query, node), outer_walker, &inside, 0);
}

} // extern "C"

/* Add what has no table to the references. */
PG_GUARDED const char *add_computed(const RangeTblEntry *entry, List **references)
{
    *references = lappend(*references, palloc0(sizeof(model::Reference)));
    return why_not_computed(entry);
}

/* Add a table to the references. */
PG_GUARDED const char *add_table(const RangeTblEntry *entry, List **references)
{
    auto *reference = static_cast<model::Reference *>(palloc0(sizeof(model::Reference)));
    reference->relation = entry->relid;
    reference->only = !entry->inh;
    *references = lappend(*references, reference);
    return why_not_table(entry);
}

/* Flatten what is behind an item, and count its references; or say why that can't be. */
PG_GUARDED const char *flatten_item(const Level &level, Item *item, List **references)
{
    const RangeTblEntry *entry = item->entry;
    item->first = list_length(*references);
    if (entry != nullptr && entry->rtekind == RTE_RELATION)
        return add_table(entry, references);
    if (entry != nullptr && is_computed(entry))
        return add_computed(entry, references);
    Level inner = {};
    if (!query_behind(level, *item, &inner))
        return "FROM has something other than a table";
    if (entry != nullptr && entry->rtekind == RTE_SUBQUERY && entry->security_barrier)
        return psprintf("view %s is a security barrier", quote_identifier(entry->eref->aliasname));
    if (const char *reason = entry == nullptr ? why_not_sublink(inner.query) : why_not_rows(inner.query))
        return reason;
    item->rows = static_cast<FlatQuery *>(palloc0(sizeof(FlatQuery)));
    if (const char *reason = flatten_level(inner, item->rows))
        return reason;
    /* What such a query refers to is found from where it is defined, not from where it is used. */
    Index here = 0;
    if (entry != nullptr && entry->rtekind == RTE_CTE &&
        outer_walker(reinterpret_cast<Node *>(list_make3(item->rows->targets, item->rows->conditions,
                                                         computations_of(*item->rows))),
                     &here))
        return "a WITH query refers to the query around it";
    if (item->options != 0 && item->rows->references == NIL)
        return "a subquery in an outer join or expression reads no table";
    *references = list_concat(*references, item->rows->references);
    return nullptr;
}

/* The expressions of a level while items are replaced in them: linked conditions have their options in a list
 * beside them, and what is computed has its entries. */
struct Expressions {
    Node *targets;
    Node *having;
    List *conditions;
    List *options; /* one for each condition, as an integer */
    List *computations;
    List *entries; /* one for each computation */
};

/* Apply f to the expressions, as one list. */
template <class F>
PG_GUARDED void change_all(Expressions *expressions, F f)
{
    auto *changed = reinterpret_cast<List *>(f(reinterpret_cast<Node *>(list_make4(
        expressions->targets, expressions->having, expressions->conditions, expressions->computations))));
    expressions->targets = static_cast<Node *>(linitial(changed));
    expressions->having = static_cast<Node *>(lsecond(changed));
    expressions->conditions = static_cast<List *>(lthird(changed));
    expressions->computations = static_cast<List *>(lfourth(changed));
}

/* Put conditions with their options before those that are there. */
PG_GUARDED void add_conditions(Expressions *expressions, List *conditions, List *options)
{
    expressions->conditions = list_concat(conditions, expressions->conditions);
    expressions->options = list_concat(options, expressions->options);
}

/* Put what is computed before what is there. */
PG_GUARDED void add_computations(Expressions *expressions, List *computations, List *entries)
{
    expressions->computations = list_concat(computations, expressions->computations);
    expressions->entries = list_concat(list_copy(entries), expressions->entries);
}

/*
 * What is behind an item, with its numbers of references behind the range table of the level that it comes
 * to, and its options behind those of that level: conditions, with their options; and the targets.
 */
PG_GUARDED List *bring_in(const Item &item, int base, int options, Expressions *brought)
{
    FlatQuery &rows = *item.rows;
    List *linked = NIL;
    for (auto *condition : pg::each<Node>(rows.conditions)) {
        linked = lappend(linked, condition);
        brought->options = lappend_int(brought->options, static_cast<int>(item.options));
    }
    for (auto *condition : pg::each<Linked>(rows.linked)) {
        linked = lappend(linked, condition->expression);
        brought->options =
            lappend_int(brought->options, static_cast<int>((condition->options << options) | item.options));
    }
    List *computations = computations_of(rows);
    auto *inner = reinterpret_cast<Node *>(list_make3(rows.targets, linked, computations));
    OffsetVarNodes(inner, base + item.first, 0);
    IncrementVarSublevelsUp(inner, -1, 1);
    brought->conditions = linked;
    brought->computations = computations;
    brought->entries = rows.computed;
    return rows.targets;
}

/* Add the options of an item to those of the level, and its references to those that it is part of. */
PG_GUARDED void add_options(const Item &item, FlatQuery *flat)
{
    const int size = item.rows == nullptr ? 1 : list_length(item.rows->references);
    const model::References all = ((1U << size) - 1) << item.first;
    int number = 0;
    for (auto *option : pg::each<model::Option>(flat->options))
        if ((item.options & (1U << number++)) != 0)
            option->references |= all;
    for (auto *option : pg::each<model::Option>(item.rows == nullptr ? NIL : item.rows->options)) {
        option->references <<= item.first;
        flat->options = lappend(flat->options, option);
    }
    if (flat->reason == nullptr)
        flat->reason = item.rows != nullptr ? item.rows->reason : why_not_told(item.entry);
}

/* Leave out conditions that may fail, with their options. */
PG_GUARDED void leave_out_failing(Expressions *expressions)
{
    Expressions left = {};
    const ListCell *options = list_head(expressions->options);
    for (auto *condition : pg::each<Node>(expressions->conditions)) {
        if (!may_fail(condition)) {
            left.conditions = lappend(left.conditions, condition);
            left.options = lappend_int(left.options, lfirst_int(options));
        }
        options = pg::next_cell(expressions->options, const_cast<ListCell *>(options));
    }
    expressions->conditions = left.conditions;
    expressions->options = left.options;
}

/* Bring in the conditions of a subquery in an expression. */
PG_GUARDED void replace_sublink(Expressions *expressions, const Item &item, int base, int options)
{
    Expressions brought = {};
    const List *targets = bring_in(item, base, options, &brought);
    if (Node *condition = sublink_condition(item, targets)) {
        brought.conditions = lappend(brought.conditions, condition);
        brought.options = lappend_int(brought.options, static_cast<int>(item.options));
    }
    if (item.guarded)
        leave_out_failing(&brought);
    add_conditions(expressions, brought.conditions, brought.options);
    add_computations(expressions, brought.computations, brought.entries);
}

/* The expressions of a level with an item of FROM replaced by what is behind it. */
PG_GUARDED void replace_item(Expressions *expressions, const Item &item, int base, int options)
{
    const int first = base + item.first;
    if (item.rows == nullptr) {
        change_all(expressions, [&](Node *all) {
            ChangeVarNodes(all, item.index, first + 1, 0);
            return all;
        });
        if (is_computed(item.entry))
            add_computations(expressions, list_make1(computation_of(item.entry)), list_make1(item.entry));
        return;
    }
    Expressions brought = {};
    List *targets = bring_in(item, base, options, &brought);
    if (item.options != 0)
        wrap_targets(targets, first, list_length(item.rows->references));
    change_all(expressions, [&](Node *all) {
        return pg::replace_vars_from_target_list(all, item.index, item.entry, targets);
    });
    add_conditions(expressions, brought.conditions, brought.options);
    add_computations(expressions, brought.computations, brought.entries);
}

/* From which number on references are numbered, and how many queries are around. */
struct Numbering {
    int base;
    Index level;
};

extern "C" {

/* Mutator: bring the numbers of references down; their Vars are to be shown as what they are. */
PG_GUARDED static Node *number_mutator(Node *node, void *context)
{
    const auto [base, level] = *static_cast<const Numbering *>(context);
    if (node == nullptr)
        return nullptr;
    if (IsA(node, Query)) {
        Numbering inside = {.base = base, .level = level + 1};
        return reinterpret_cast<Node *>(pg::mutate_query(castNode(Query, node), number_mutator, &inside, 0));
    }
    if (IsA(node, PlaceHolderVar)) {
        auto *wrapping = castNode(PlaceHolderVar, pg::mutate_expression(node, number_mutator, context));
        Bitmapset *numbers = nullptr;
        for (int number = -1; (number = bms_next_member(wrapping->phrels, number)) >= 0;)
            numbers = bms_add_member(numbers, number - base);
        wrapping->phrels = numbers;
        return reinterpret_cast<Node *>(wrapping);
    }
    if (!IsA(node, Var))
        return pg::mutate_expression(node, number_mutator, context);
    auto *var = static_cast<Var *>(copyObjectImpl(node));
    if (var->varlevelsup == level) {
        var->varno -= base;
        pg::forget_syntax(var);
    }
    return reinterpret_cast<Node *>(var);
}

} // extern "C"

/* Make room in the range table for the numbers of references: every Var is looked up in it. */
PG_GUARDED void reserve_numbers(Query *query, int count)
{
    for (int i = 0; i < count; i++)
        query->rtable = lappend(query->rtable, makeNode(RangeTblEntry));
}

/* The expressions of a level, before anything in them is replaced; subqueries are looked at one by one. */
PG_GUARDED Expressions expressions_of(Query *query, const Parts &parts)
{
    Expressions expressions = {};
    expressions.targets = without_sublinks(
        pg::flatten_group_exprs(query, reinterpret_cast<Node *>(copyObjectImpl(query->targetList))));
    expressions.having = without_sublinks(
        pg::flatten_group_exprs(query, static_cast<Node *>(copyObjectImpl(query->havingQual))));
    for (auto *condition : pg::each<Linked>(parts.linked)) {
        expressions.conditions = lappend(expressions.conditions, without_sublinks(condition->expression));
        expressions.options = lappend_int(expressions.options, static_cast<int>(condition->options));
    }
    return expressions;
}

/* Sort the conditions into those that always hold and others. */
PG_GUARDED void sort_conditions(const Expressions &expressions, FlatQuery *flat)
{
    const ListCell *options = list_head(expressions.options);
    for (auto *condition : pg::each<Node>(expressions.conditions)) {
        const auto needed = static_cast<unsigned>(lfirst_int(options));
        options = pg::next_cell(expressions.options, const_cast<ListCell *>(options));
        if (needed == 0) {
            flat->conditions = lappend(flat->conditions, condition);
            continue;
        }
        auto *linked = static_cast<Linked *>(palloc(sizeof(Linked)));
        *linked = {.expression = condition, .options = needed};
        flat->linked = lappend(flat->linked, linked);
    }
}

/* The entries with what they compute by now. */
PG_GUARDED List *computed_entries(const Expressions &expressions)
{
    List *computed = NIL;
    const ListCell *computation = list_head(expressions.computations);
    for (auto *entry : pg::each<RangeTblEntry>(expressions.entries)) {
        computed = lappend(computed, with_computation(entry, static_cast<Node *>(lfirst(computation))));
        computation = pg::next_cell(expressions.computations, const_cast<ListCell *>(computation));
    }
    return computed;
}

/* The options that the level itself has. */
PG_GUARDED List *own_options(const Parts &parts)
{
    List *options = NIL;
    for (int i = 0; i < parts.options; i++) {
        auto *option = static_cast<model::Option *>(palloc0(sizeof(model::Option)));
        option->subquery = (parts.sublinks & (1U << i)) != 0;
        options = lappend(options, option);
    }
    return options;
}

/* Make the expressions of a level be over the row of the tables that it reads in the end. */
PG_GUARDED const char *flatten_level(const Level &level, FlatQuery *flat)
{
    check_stack_depth();
    Query *query = level.query;
    const Parts parts = take_apart(query);
    if (parts.options > most_options)
        return psprintf("it has more than %d outer joins and subqueries", most_options);
    flat->query = query;
    flat->reason = parts.reason;
    flat->options = own_options(parts);
    List *backwards = NIL;
    List *before = NIL; /* how many options there were before each item, backwards too */
    for (auto *item : pg::each<Item>(parts.items)) {
        if (const char *reason = flatten_item(level, item, &flat->references))
            return reason;
        if (list_length(flat->references) > most_references)
            return psprintf("it is a join of more than %d tables", most_references);
        before = lcons_int(list_length(flat->options), before);
        add_options(*item, flat);
        if (list_length(flat->options) > most_options)
            return psprintf("it has more than %d outer joins and subqueries", most_options);
        backwards = lcons(item, backwards);
    }

    const int base = list_length(query->rtable);
    reserve_numbers(query, list_length(flat->references));
    Expressions expressions = expressions_of(query, parts);
    ListCell *options = list_head(before);
    for (auto *item : pg::each<Item>(backwards)) {
        /* Each time anew: a LATERAL item may have brought in columns of joins. */
        change_all(&expressions, [&](Node *all) { return pg::flatten_join_alias_vars(query, all); });
        if (item->sublink != nullptr)
            replace_sublink(&expressions, *item, base, lfirst_int(options));
        else
            replace_item(&expressions, *item, base, lfirst_int(options));
        options = pg::next_cell(before, options);
    }
    Numbering numbering = {.base = base, .level = 0};
    change_all(&expressions, [&](Node *all) { return number_mutator(all, &numbering); });
    flat->targets = reinterpret_cast<List *>(expressions.targets);
    flat->having = expressions.having;
    flat->computed = computed_entries(expressions);
    sort_conditions(expressions, flat);
    return nullptr;
}

/* Is the table a partition or child of the other one? */
PG_GUARDED bool is_part_of(Oid child, Oid parent)
{
    return child != parent && has_subclass(parent) &&
           list_member_oid(find_all_inheritors(parent, NoLock, nullptr), child);
}

/* Why the tables can't be joined by delta, or what is lacking. */
PG_GUARDED const char *why_not_references(const FlatQuery &flat)
{
    const int count = list_length(flat.references);
    if (count == 0)
        return "the query reads no table";
    if (flat.computed != NIL && flat.options != NIL)
        return "a function or VALUES in FROM stands beside an outer join or a subquery in an expression";
    for (auto *one : pg::each<model::Reference>(flat.references))
        for (auto *other : pg::each<model::Reference>(flat.references))
            if (is_part_of(one->relation, other->relation))
                return psprintf("%s is joined with %s, of which it is a partition or child",
                                relation_name(one->relation), relation_name(other->relation));
    return nullptr;
}

} // namespace

PG_GUARDED void lower_having(const model::View &view, FlatQuery *flat)
{
    if (flat->having == nullptr || view.single_group || view.sets.size > 0 || flat->query->hasDistinctOn)
        return;
    for (const model::Key &key : view.keys)
        if (OidIsValid(key.collation) && !get_collation_isdeterministic(key.collation))
            return;
    List *kept = NIL;
    for (auto *condition : pg::each<Node>(make_ands_implicit(reinterpret_cast<Expr *>(flat->having)))) {
        if (contain_aggs_of_level(condition, 0))
            kept = lappend(kept, condition);
        else
            flat->conditions = lappend(flat->conditions, condition);
    }
    flat->having = kept == NIL ? nullptr : reinterpret_cast<Node *>(make_ands_explicit(kept));
}

PG_GUARDED CommonTableExpr *with_query(const Level &level, const RangeTblEntry *entry, const Level **home)
{
    *home = &level;
    for (Index up = entry->ctelevelsup; up > 0; up--)
        *home = (*home)->outer;
    for (auto *with : pg::each<CommonTableExpr>((*home)->query->cteList))
        if (strcmp(with->ctename, entry->ctename) == 0)
            return with;
    elog(ERROR, "could not find CTE \"%s\"", entry->ctename);
}

PG_GUARDED const char *flatten(const Level &level, FlatQuery *flat)
{
    if (const char *reason = why_not_groups(level.query))
        return reason;
    flat->ordered = reads_in_order(level.query);
    if (const char *reason = flatten_level(level, flat))
        return reason;
    part_computed(flat);
    if (const char *reason = why_not_references(*flat))
        return reason;
    for (auto *reference : pg::each<model::Reference>(flat->references))
        flat->more = flat->more || (reference->only && has_subclass(reference->relation));
    const char *reason = why_not_columns(*flat, false);
    if (reason == nullptr || flat->options != NIL || why_not_columns(*flat, true) != nullptr)
        return reason;
    flat->reason = reason;
    return nullptr;
}

PG_GUARDED const model::Reference *reference_of(const FlatQuery &flat, const Var *var)
{
    const int number = static_cast<int>(var->varno);
    const int tables = list_length(flat.references);
    if (var->varlevelsup != 0 || number < 1 || number > tables + list_length(flat.computed))
        elog(ERROR, "unexpected column of range table entry %d in a flattened query", number);
    return number <= tables ? static_cast<model::Reference *>(list_nth(flat.references, number - 1))
                            : nullptr;
}

} // namespace analyze
