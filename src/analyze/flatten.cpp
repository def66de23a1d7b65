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
 * Conditions of HAVING that have no aggregate in them are conditions on rows, to which the planner makes them
 * too (subquery_planner; PostgreSQL, planner.c): what they say about a key is said of each row of the group.
 * Where equal keys may differ by a nondeterministic collation, newer planners let them be, and so does this.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* A join of n tables has a delta of up to 2^n - 1 terms, one for each set of tables that changed. */
constexpr int most_references = 8;

/* A level of the query and the levels around it: WITH queries are looked up along these. */
struct Level {
    Query *query;
    const Level *outer;
};

/* The conditions of a FROM clause: of WHERE, and of its joins. */
PG_GUARDED List *collect_conditions(const Node *item, List *found)
{
    Node *quals = nullptr;
    if (item != nullptr && IsA(item, JoinExpr)) {
        const auto *join = reinterpret_cast<const JoinExpr *>(item);
        found = collect_conditions(join->rarg, collect_conditions(join->larg, found));
        quals = join->quals;
    } else if (item != nullptr && IsA(item, FromExpr)) {
        const auto *from = reinterpret_cast<const FromExpr *>(item);
        for (auto *part : pg::each<Node>(from->fromlist))
            found = collect_conditions(part, found);
        quals = from->quals;
    }
    return quals != nullptr ? lappend(found, quals) : found;
}

/* The WITH query that an entry refers to, and the level around it. */
PG_GUARDED Query *find_cte(const Level *level, const RangeTblEntry *entry, const Level **home)
{
    for (Index up = entry->ctelevelsup; up > 0; up--)
        level = level->outer;
    *home = level;
    for (auto *cte : pg::each<CommonTableExpr>(level->query->cteList))
        if (strcmp(cte->ctename, entry->ctename) == 0)
            return static_cast<Query *>(copyObjectImpl(cte->ctequery));
    elog(ERROR, "could not find CTE \"%s\"", entry->ctename);
}

PG_GUARDED const char *flatten_level(const Level &level, FlatQuery *flat);

/* One item of a FROM clause: a table, or something that was flattened. */
struct Item {
    int index; /* in the range table of its level */
    RangeTblEntry *entry;
    int first;       /* number of its first reference */
    FlatQuery *rows; /* NULL: a table */
};

/* The query behind an item that has one, as a level; false: it has none. */
PG_GUARDED bool query_behind(const Level &level, const RangeTblEntry *entry, Level *inner)
{
    if (entry->rtekind == RTE_SUBQUERY) {
        *inner = {entry->subquery, &level};
        return true;
    }
    if (entry->rtekind != RTE_CTE)
        return false;
    const Level *home = nullptr;
    Query *with = find_cte(&level, entry, &home);
    *inner = {with, home};
    return true;
}

extern "C" {

/* Walker: is there a Var of a level around this one? */
PG_GUARDED static bool outer_walker(Node *node, void *context)
{
    if (node == nullptr)
        return false;
    return IsA(node, Var) ? castNode(Var, node)->varlevelsup > 0
                          : pg::walk_expression(node, outer_walker, context);
}

} // extern "C"

/* Flatten what is behind an item, and count its references; or say why that can't be. */
PG_GUARDED const char *flatten_item(const Level &level, Item *item, List **references)
{
    RangeTblEntry *entry = item->entry;
    item->first = list_length(*references);
    if (entry->rtekind == RTE_RELATION) {
        auto *reference = static_cast<model::Reference *>(palloc0(sizeof(model::Reference)));
        reference->relation = entry->relid;
        *references = lappend(*references, reference);
        return why_not_table(entry);
    }
    Level inner = {};
    if (!query_behind(level, entry, &inner))
        return describe_entry(entry);
    if (entry->rtekind == RTE_SUBQUERY && entry->security_barrier)
        return psprintf("view %s is a security barrier", quote_identifier(entry->eref->aliasname));
    if (const char *reason = why_not_rows(inner.query))
        return reason;
    item->rows = static_cast<FlatQuery *>(palloc0(sizeof(FlatQuery)));
    if (const char *reason = flatten_level(inner, item->rows))
        return reason;
    /* What such a query refers to is found from where it is defined, not from where it is used. */
    if (entry->rtekind == RTE_CTE &&
        outer_walker(reinterpret_cast<Node *>(list_make2(item->rows->targets, item->rows->conditions)),
                     nullptr))
        return "a WITH query refers to the query around it";
    *references = list_concat(*references, item->rows->references);
    return nullptr;
}

/* The expressions of a level, as one list, with an item replaced by what is behind it. */
PG_GUARDED List *replace_item(List *expressions, const Item &item, int base)
{
    const int first = base + item.first;
    if (item.rows == nullptr) {
        ChangeVarNodes(reinterpret_cast<Node *>(expressions), item.index, first + 1, 0);
        return expressions;
    }
    auto *inner = reinterpret_cast<Node *>(list_make2(item.rows->targets, item.rows->conditions));
    OffsetVarNodes(inner, first, 0);
    IncrementVarSublevelsUp(inner, -1, 1);
    auto *replaced = reinterpret_cast<List *>(pg::replace_vars_from_target_list(
        reinterpret_cast<Node *>(expressions), item.index, item.entry, item.rows->targets));
    auto *conditions = static_cast<List *>(lthird(replaced));
    return list_make3(linitial(replaced), lsecond(replaced), list_concat(item.rows->conditions, conditions));
}

extern "C" {

/* Mutator: bring the numbers of references down; their Vars are to be shown as what they are. */
PG_GUARDED static Node *number_mutator(Node *node, void *context)
{
    const int base = *static_cast<const int *>(context);
    if (node == nullptr || !IsA(node, Var))
        return node == nullptr ? nullptr : pg::mutate_expression(node, number_mutator, context);
    auto *var = static_cast<Var *>(copyObjectImpl(node));
    if (var->varlevelsup == 0) {
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

/* Make the expressions of a level be over the row of the tables that it reads in the end. */
PG_GUARDED const char *flatten_level(const Level &level, FlatQuery *flat)
{
    check_stack_depth();
    Query *query = level.query;
    auto *from = reinterpret_cast<Node *>(query->jointree);
    if (const char *reason = why_not_inner(from))
        return reason;
    List *items = NIL;
    const List *indexes = from_items(query);
    for (ListCell *cell = list_head(indexes); cell != nullptr; cell = pg::next_cell(indexes, cell)) {
        auto *item = static_cast<Item *>(palloc0(sizeof(Item)));
        item->index = lfirst_int(cell);
        item->entry = rt_fetch(item->index, query->rtable);
        if (const char *reason = flatten_item(level, item, &flat->references))
            return reason;
        items = lcons(item, items);
    }

    const int base = list_length(query->rtable);
    reserve_numbers(query, list_length(flat->references));
    Node *targets = pg::flatten_group_exprs(query, reinterpret_cast<Node *>(query->targetList));
    Node *having = pg::flatten_group_exprs(query, query->havingQual);
    List *expressions = list_make3(targets, having, collect_conditions(from, NIL));
    for (auto *item : pg::each<Item>(items)) {
        /* Each time anew: a LATERAL item may have brought in columns of joins. */
        expressions = reinterpret_cast<List *>(
            pg::flatten_join_alias_vars(query, reinterpret_cast<Node *>(expressions)));
        expressions = replace_item(expressions, *item, base);
    }
    auto *numbered = reinterpret_cast<List *>(
        number_mutator(reinterpret_cast<Node *>(expressions), const_cast<int *>(&base)));
    flat->query = query;
    flat->targets = static_cast<List *>(linitial(numbered));
    flat->having = static_cast<Node *>(lsecond(numbered));
    flat->conditions = static_cast<List *>(lthird(numbered));
    return nullptr;
}

/* What the columns that are used forbid. */
struct ColumnCheck {
    const FlatQuery *flat;
    const char *reason;
};

/* Why a column of a table can't be computed from the rows of a transition table. */
PG_GUARDED const char *why_not_column(Oid relation, AttrNumber column)
{
    if (column == 0)
        return "the whole row of the table is used as one value";
    if (column < 0)
        return "the rows that are handed to triggers have no tableoid";
    Relation table = table_open(relation, NoLock);
    const bool computed = pg::is_virtual(RelationGetDescr(table), column);
    table_close(table, NoLock);
    return computed ? psprintf("column %s is generated when it is read",
                               quote_identifier(get_attname(relation, column, false)))
                    : nullptr;
}

extern "C" {

/* Walker: are all Vars over columns that the rows of a transition table have?  true: no. */
PG_GUARDED static bool column_walker(Node *node, void *context)
{
    auto *check = static_cast<ColumnCheck *>(context);
    if (node == nullptr)
        return false;
    if (!IsA(node, Var))
        return pg::walk_expression(node, column_walker, context);
    const auto *var = castNode(Var, node);
    check->reason = why_not_column(reference_of(*check->flat, var), var->varattno);
    return check->reason != nullptr;
}

} // extern "C"

/* Why the columns that are used stand in the way. */
PG_GUARDED const char *why_not_columns(const FlatQuery &flat)
{
    ColumnCheck check = {.flat = &flat, .reason = nullptr};
    List *expressions = list_make3(flat.targets, flat.having, flat.conditions);
    column_walker(reinterpret_cast<Node *>(expressions), &check);
    return check.reason;
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
    if (count > most_references)
        return psprintf("it is a join of %d tables, and delta takes %d at most", count, most_references);
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
    if (flat->having == nullptr || view.single_group)
        return;
    for (const model::Key &key : view.keys)
        if (OidIsValid(key.collation) && !get_collation_isdeterministic(key.collation))
            return;
    List *kept = NIL;
    for (auto *condition : pg::each<Node>(make_ands_implicit(reinterpret_cast<Expr *>(flat->having)))) {
        if (contain_agg_clause(condition))
            kept = lappend(kept, condition);
        else
            flat->conditions = lappend(flat->conditions, condition);
    }
    flat->having = kept == NIL ? nullptr : reinterpret_cast<Node *>(make_ands_explicit(kept));
}

PG_GUARDED const char *flatten(Query *expanded, FlatQuery *flat)
{
    if (const char *reason = why_not_groups(expanded))
        return reason;
    const Level top = {expanded, nullptr};
    if (const char *reason = flatten_level(top, flat))
        return reason;
    if (const char *reason = why_not_references(*flat))
        return reason;
    return why_not_columns(*flat);
}

PG_GUARDED Oid reference_of(const FlatQuery &flat, const Var *var)
{
    if (var->varlevelsup != 0 || var->varno < 1 ||
        static_cast<int>(var->varno) > list_length(flat.references))
        elog(ERROR, "unexpected column of range table entry %d in a flattened query",
             static_cast<int>(var->varno));
    return static_cast<model::Reference *>(list_nth(flat.references, static_cast<int>(var->varno) - 1))
        ->relation;
}

} // namespace analyze
