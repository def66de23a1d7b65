/*
 * parts.hpp - what the files of room analyze hand to each other, in the order of the work.
 *
 *     definition --expand--> query without views --sources, functions--> refused, or
 *                --flatten--> an inner join of tables, its conditions, the expressions over it
 *                --keys, aggregates, state--> model::View, or
 *                --rows--> model::View, where there are no groups
 *
 * Two kinds of "no" are told apart.  A Refusal: the query can't be maintained.  A reason (const char *, NULL
 * where there is none): delta can't take it, keyed or swap can.  Neither is an error until somebody raises
 * it.
 */
#pragma once

#include "analyze/analyze.hpp"
#include "pg/list.hpp"

namespace analyze {

/* A refusal, in the current memory context. */
PG_GUARDED const Refusal *refuse(int sqlstate, const char *message, const char *detail, const char *hint);

/* A List of pointers, or of values that were allocated one by one, as an array. */
template <class T>
PG_GUARDED model::Array<T> to_array(const List *list)
{
    model::Array<T> array{static_cast<T *>(palloc0(sizeof(T) * (list_length(list) + 1))), 0};
    for (auto *element : pg::each<T>(list))
        array.data[array.size++] = *element;
    return array;
}

/* A level of the query and the levels around it: WITH queries are looked up along these. */
struct Level {
    Query *query;
    const Level *outer;
};

/* --- expand.cpp: views are replaced by their queries --- */

/* A copy of the query in which every view is a subquery; NULL and a refusal where a view is none of ours. */
PG_GUARDED Query *expand_views(const Query *query, const Refusal **refusal);

/* The indexes (an integer List) of the range table entries that the FROM clause of this level joins. */
PG_GUARDED List *from_items(const Query *query);

/* --- sources.cpp: which tables are read, and how --- */

/* Look at everything that an expanded query reads; NULL: all of it can be maintained. */
PG_GUARDED const Refusal *find_sources(Query *expanded, model::Array<model::Source> *sources);

/* A relation as PostgreSQL's own messages name it: quoted, and qualified where it has to be. */
PG_GUARDED const char *relation_name(Oid relation);

/* --- functions.cpp: is what is computed determined by what is read? --- */

/* Look at everything that an expanded query calls.  uses_settings: results depend on TimeZone and its like.
 */
PG_GUARDED const Refusal *check_functions(Query *expanded, bool *uses_settings);

/* --- present.cpp: text that means the present time --- */

/* What a column shows, in the level that it is written in. */
struct Origin {
    Node *expression;
    Level level;
};

/* Columns that were looked at. */
struct Visited {
    List *columns;
};

/*
 * What a Var of the level shows, as far as it is neither a table's nor visited already: a List of Origin.  Of
 * what a function gives there is the call, and NULLs of the types that are given with it.
 */
PG_GUARDED List *origins_of(const Level &level, const Var *var, Visited *visited);

/* Does the expression, at its top, make a date or time of such a text? */
PG_GUARDED bool converts_present(Node *node, const Level &level);

/* --- linear.cpp: is a level of the query a function from rows to rows, or from rows to groups? --- */

/* Does a level have GROUP BY, aggregates or HAVING? */
PG_GUARDED bool makes_groups(const Query *query);

/* What the level that groups may not have, or lacks. */
PG_GUARDED const char *why_not_groups(Query *query);

/* Does a level make groups of its rows, or remove duplicates? */
PG_GUARDED bool has_groups(const Query *query);

/* What a level inside may not have. */
PG_GUARDED const char *why_not_rows(Query *query);

/* Why the rows of a table can't be followed. */
PG_GUARDED const char *why_not_table(const RangeTblEntry *entry);

/* --- set_returning.cpp: set-returning functions in the select list --- */

/* Make functions in FROM of them, in the query and the subqueries in its FROM, where that is the same. */
PG_GUARDED void move_to_from(Query *query);

/* --- flatten.cpp: subqueries, views and WITH queries that only filter, project and join disappear --- */

/* A condition that holds only where options are present: bits of FlatQuery::options. */
struct Linked {
    Node *expression;
    unsigned options;
};

/*
 * A query over a join.  All expressions are over its rows: reference i is varno i + 1.  Where there are
 * options (see model::View), subqueries have become parameters of unknown value.
 */
struct FlatQuery {
    Query *query;     /* the level that groups: its clauses refer to the targets */
    List *references; /* of model::Reference */
    List *computed;   /* of RangeTblEntry, see model::View; numbered behind the references */
    List *conditions; /* of WHERE and of inner joins, innermost first: they hold for every row */
    List *targets;    /* of TargetEntry, resjunk ones included */
    Node *having;
    List *options; /* of model::Option */
    List *linked;  /* of Linked: conditions that don't hold for every row */
    /* Why delta can't take it, as there are options, or columns or rows that aren't told; or NULL. */
    const char *reason;
    bool ordered; /* the rows come in an order that may mean something */
    bool more;    /* triggers are handed more rows than it reads, which can't be told from these */
};

/* The WITH query that an entry of the level refers to, and the level that has it. */
PG_GUARDED CommonTableExpr *with_query(const Level &level, const RangeTblEntry *entry, const Level **home);

/* Make a flat query of a level of an expanded one, which is used up; or say why not. */
PG_GUARDED const char *flatten(const Level &level, FlatQuery *flat);

/* The reference to a table that a Var is a column of; NULL: it is computed. */
PG_GUARDED const model::Reference *reference_of(const FlatQuery &flat, const Var *var);

/* Make conditions of HAVING that are about the keys only, which are found by now, conditions on rows. */
PG_GUARDED void lower_having(const model::View &view, FlatQuery *flat);

/* --- lateral.cpp: outer joins with what is computed, subqueries in expressions that read no table --- */

/* Make items of FROM of them that are computed of each row, in the query and the subqueries in its FROM. */
PG_GUARDED void compute_by_row(Query *query);

/* A SELECT over these entries, of which FROM has the items; and an item of FROM that is a query over those
 * beside it. */
PG_GUARDED Query *make_query(List *range_table, List *from, List *targets);
PG_GUARDED RangeTblEntry *lateral_entry(Query *query, Alias *names);
PG_GUARDED RangeTblRef *reference_to(int index);

/* Targets that show all columns of the entry of this number; nulling: the join that may make them NULL, or 0.
 */
PG_GUARDED List *columns_shown(RangeTblEntry *entry, int number, int nulling);

/* --- computed.cpp: what in FROM reads no table --- */

/* Does a query, or a subquery in an expression, read a table? */
PG_GUARDED bool reads_table(Node *node);

/* Does the item of FROM read none? */
PG_GUARDED bool reads_no_table(const RangeTblEntry *entry);

/* Is it computed from the rows beside it, and does not disappear when the query is made flat? */
PG_GUARDED bool is_computed(const RangeTblEntry *entry);

/* Why what the entry computes can't be followed from the rows beside it, or NULL. */
PG_GUARDED const char *why_not_computed(const RangeTblEntry *entry);

/* What an entry computes, as an expression over the rows beside it; what all of a flat query do; and the
 * entry with another one. */
PG_GUARDED Node *computation_of(const RangeTblEntry *entry);
PG_GUARDED List *computations_of(const FlatQuery &flat);
PG_GUARDED RangeTblEntry *with_computation(const RangeTblEntry *entry, Node *computation);

/*
 * Number what is computed behind the tables: of a flat query whose references have no table where something
 * is computed, by these entries in that order.
 */
PG_GUARDED void part_computed(FlatQuery *flat);

/* --- told.cpp: what the rows tell that triggers are handed --- */

/* Why changed rows of an item of FROM can't be told from others, which it leaves out, or NULL. */
PG_GUARDED const char *why_not_told(const RangeTblEntry *entry);

/* Why the columns that are used stand in the way; or, outside of aggregate calls, in that of computing groups
 * anew. */
PG_GUARDED const char *why_not_columns(const FlatQuery &flat, bool outside);

/* --- failing.cpp: which expressions can't fail, whatever they are computed of --- */

/* May an expression, or one in a list, fail for some row; or a condition of a flat query, or what it computes
 * in FROM? */
PG_GUARDED bool may_fail(const void *expressions);
PG_GUARDED bool conditions_may_fail(const FlatQuery &flat);

/* --- options.cpp: outer joins, and subqueries in expressions --- */

/* One thing that a level reads: an item of FROM, or a subquery in an expression. */
struct Item {
    int index; /* in the range table of its level; 0: a subquery in an expression */
    RangeTblEntry *entry;
    SubLink *sublink;
    unsigned options; /* that it is part of */
    int first;        /* number of its first reference */
    FlatQuery *rows;  /* NULL: a table */
    bool wanted_true; /* rows for which the sublink is not true are left out */
    bool guarded;     /* the sublink may not be evaluated for a row */
};

/* What a level of a query consists of, before it is flattened. */
struct Parts {
    List *items;        /* of Item, in the order of FROM */
    List *linked;       /* of Linked: all of its conditions, those without options too */
    int options;        /* how many it has */
    unsigned sublinks;  /* which of them are subqueries in expressions */
    const char *reason; /* see FlatQuery */
};

/* The most options that a query may have. */
constexpr int most_options = 16;

/* Make inner joins of outer ones whose NULLs are kept out, and take a level apart. */
PG_GUARDED Parts take_apart(Query *query);

/*
 * The condition under which a row of the subquery has a say in what the sublink is for a row of the query,
 * with the subquery's targets in it; NULL: none but its own conditions.  It is an OR, maybe of one, where
 * PostgreSQL doesn't look rows of the subquery up by it.
 */
PG_GUARDED Node *sublink_condition(const Item &item, const List *targets);

/* Is there a subquery in the expression? */
PG_GUARDED bool has_sublink(Node *expression);

/* The expression with parameters in place of subqueries, and: are there such parameters? */
PG_GUARDED Node *without_sublinks(Node *expression);
PG_GUARDED bool is_unknown(Node *expression);

/* Has a condition no say in which rows there are, as far as is known?  It is unknown, or about groups of
 * them. */
PG_GUARDED bool says_nothing(Node *condition);

/* Why what a subquery in an expression shows can't be followed from the rows that it reads. */
PG_GUARDED const char *why_not_sublink(Query *query);

/* The expressions wrapped, but for plain columns, so that it is known what they are NULL without. */
PG_GUARDED void wrap_targets(List *targets, int first, int size);

/* An expression without such wrappings. */
PG_GUARDED Node *unwrapped(Node *expression);

/* --- variants.cpp: what changed rows have a say in --- */

/* Give the view, whose keys are found, the options of a flat query; or say why these can't be followed. */
PG_GUARDED const char *find_options(const FlatQuery &flat, model::View *view);

/* --- alternatives.cpp: what is joined where one or another condition holds --- */

/* The conditions in all ways that they can hold together: a List of Lists of Node, of which one has to. */
PG_GUARDED List *ways_to_hold(const model::View &view, const List *conditions);

/* --- nulls.cpp: what is never NULL --- */

/* Is the expression proven to be never NULL for a row that meets the conditions? */
PG_GUARDED bool never_null(const FlatQuery &flat, Node *expression);

/* Is the column NOT NULL in every row that the reference reads? */
PG_GUARDED bool is_not_null(const model::Reference &reference, AttrNumber column);

/* --- keys.cpp: what is grouped by --- */

/* Find the keys; expressions: those of the keys before constants are folded, to be compared with. */
PG_GUARDED const char *find_keys(const FlatQuery &flat, model::View *view, List **expressions);

/*
 * Add the columns that are neither grouped by nor inside an aggregate, which a primary key among the keys
 * determines, as further keys: the groups stay the same.
 */
PG_GUARDED const char *find_determined_keys(const FlatQuery &flat, model::View *view, List **expressions);

/* Why a column isn't determined by it: the primary key of an inheritance parent says nothing of children. */
PG_GUARDED const char *why_not_by_primary_key(const FlatQuery &flat, const Var *column);

/* Do the columns tell all keys? */
PG_GUARDED bool all_keys_shown(const model::View &view);

/* Do equal values of the key look the same, so that expressions over it are the same for a whole group? */
PG_GUARDED bool looks_determined(const model::Key &key);

/* Can equal values of the key look different, and can the least of them be told? */
PG_GUARDED bool is_vague(const SortGroupClause *clause, Node *expression);

/* --- representatives.cpp: what is computed with keys whose equal values can look different --- */

/*
 * Make the outcome determined, of this level alone: the least of equal keys is computed with.  around: the
 * columns that the query around it computes with.  true: it is so somewhere.
 */
PG_GUARDED bool determine_keys(Query *query, const Bitmapset *around);

/* Is a condition of HAVING one on rows, for PostgreSQL too? */
PG_GUARDED bool is_about_rows(Query *query, Node *condition);

/*
 * The aggregate that gives the least of the equal values of a key; clause, if given: NULL in the grouping
 * sets that leave the key out.
 */
PG_GUARDED Node *representative_of(Node *expression, const SortGroupClause *clause);

/* Does one of the SortGroupClauses refer to the target with this number? */
PG_GUARDED bool refers_to(const List *clauses, Index reference);

/* --- upper.cpp: what a query makes of its groups --- */

/* The query behind an item of FROM, if it is written right there; else NULL. */
PG_GUARDED Query *query_at(const Query *query, const RangeTblEntry *entry);

/* Does a query, around which there are so many others, depend on these? */
PG_GUARDED bool refers_outside(Query *query, int depth);

/* The targets of a query that groups like the given one: columns, and hidden ones for keys that are not among
 * these. */
PG_GUARDED List *with_keys(const Query *query, List *columns);

/*
 * Make the outcome determined of a query and of the levels down to the one in it that groups, as far as their
 * keys, LIMIT, and the order of a subquery go.  hidden: what had to be changed for that is in the query of a
 * view.
 */
PG_GUARDED void determine_groups(Query *query, bool *hidden);

/* Is the query that groups a subquery of the upper query? */
PG_GUARDED bool is_around_groups(const Query *upper);

/* Does the upper query compute with what it shows of these columns of the query that groups? */
PG_GUARDED bool computes_with(Query *upper, const Bitmapset *columns);

/*
 * Part a query in the one that groups, and what it makes of the groups (words: in prose), which the given one
 * becomes: see model::View::upper.  false: it can't be parted.
 */
PG_GUARDED bool part_groups(Query *query, Query **groups, const char **words);

/* --- inlined.cpp: WITH queries and views become subqueries --- */

/* An entry reads a subquery, under the names that it had before. */
PG_GUARDED void read_subquery(RangeTblEntry *entry, Query *query);

/* Make subqueries of the WITH queries of a level; false: that can't be, or would be too many. */
PG_GUARDED bool inline_with(Query *query);

/* The same for an entry that is a view of the owner's, if it isn't there to hide rows. */
PG_GUARDED void inline_view(Query *level, RangeTblEntry *entry, Oid owner);

/* --- narrowed.cpp: what a table shows that stands for a subquery --- */

/* Does a level use the row of an item of its FROM as one value? */
PG_GUARDED bool reads_whole_row(Query *level, int item);

/*
 * What it is to show for an item of FROM of a level that so many are around.  restricted: under conditions
 * that the level had, which it has no more.
 */
PG_GUARDED Query *narrowed_query(Query *level, int item, int depth, bool *restricted);

/* --- projection.cpp: a query that shows some of the groups of a subquery, one by one --- */

/* The expanded query as one that groups itself; NULL: it is no such query. */
PG_GUARDED Query *merge_projection(const Query *query);

/* --- partitions.cpp: rows that are computed anew partition by partition --- */

/* A query whose rows are parted. */
struct PartitionedRows {
    Level rows;      /* that the level reads, grouped by what identifies partitions: not to be run */
    bool one_to_one; /* each row of the query is one of these, and shows what they show in the same place */
    bool more;       /* there are rows among these that the query leaves out */
};

/*
 * Part the rows of a query by what its windows partition by, or its groups do, or else by what columns show;
 * columns: by nothing but what these show, NULL: any.  false: they can't be parted.
 */
PG_GUARDED bool part_rows(Query *query, const Bitmapset *columns, PartitionedRows *parts);

/* --- rows.cpp: a query without groups, whose rows are the contents --- */

/* Find the outputs, and what tells rows apart; or say why rows can't be followed. */
PG_GUARDED const char *find_rows(const FlatQuery &flat, model::View *view);

/*
 * The same for rows whose partitions are told by the view's keys: of the query, and of the rows that are
 * parted if these are its own.
 */
PG_GUARDED const char *find_partition_rows(const Query &query, const FlatQuery *flat, model::View *view);

/* The columns that a query shows, to be told apart by how they look. */
PG_GUARDED model::Array<model::Key> columns_of(const Query &query);

/* --- whole_rows.cpp: queries that make something of a whole row of a table --- */

/* Make whole rows of their columns, wherever in the query a row is that may not be lacking. */
PG_GUARDED void spell_out_rows(Query *query);

/* --- set_keys.cpp: what is a key of grouping sets --- */

/* Have nothing equal a key of grouping sets, in the query or one in it, that isn't that key. */
PG_GUARDED void tell_keys_apart(Query *query);

/* --- sets.cpp: GROUPING SETS, ROLLUP, CUBE --- */

/* Find the grouping sets, once the keys are known: these become those of the one set, or get one before them.
 */
PG_GUARDED const char *find_sets(const FlatQuery &flat, model::View *view, List **expressions);

/* The indexes of the keys that a GROUPING() asks for, and its value for a set, for these indexes. */
PG_GUARDED List *keys_of_grouping(const FlatQuery &flat, const GroupingFunc *call);

/* GROUPING() over the group row. */
PG_GUARDED Node *grouping_over_group(const FlatQuery &flat, const model::View &view,
                                     const GroupingFunc *call);

/* What tells the groups of different sets apart, in words. */
PG_GUARDED const char *describe_sets(const model::View &view);

/* --- order.cpp: aggregates and DISTINCT ON whose outcome depends on the order of rows --- */

/* Is it an aggregate call that puts values one behind the other, in an order that it doesn't say all of? */
PG_GUARDED bool depends_on_order(const Aggref *call);

/* Does something in FROM give its rows in an order that may mean something? */
PG_GUARDED bool reads_in_order(const Query *query);

/*
 * Make the outcome of a query, of this level alone, determined by its rows: what depends on their order gets
 * an order.
 */
PG_GUARDED void determine_order(Query *query);

/* Have lists and DISTINCT ON say themselves in which order a subquery gives them their rows. */
PG_GUARDED void take_order(Query *query);

/* ... and of those that LIMIT or OFFSET leaves out. */
PG_GUARDED void order_limit(Query *query);

/* --- aggregates.cpp: what is summed up --- */

/* Find aggregates and accumulators, and write outputs and HAVING over the group row. */
PG_GUARDED const char *find_aggregates(const FlatQuery &flat, const List *key_expressions, model::View *view);

/* Take an expression to the form that ExecInitExpr takes; and conditions to the one of ExecInitQual. */
PG_GUARDED Node *prepare_expression(Node *expression);
PG_GUARDED Node *prepare_conditions(List *conditions);

/* --- distinct.cpp: aggregates with DISTINCT --- */

/* Has the call a DISTINCT that makes a difference? */
PG_GUARDED bool distinct_matters(const Aggref *call);

/* Why the multiplicities of what a call with DISTINCT is over can't be kept; kind: of its accumulator. */
PG_GUARDED const char *why_not_distinct(const model::View &view, const Aggref *call,
                                        model::AccumulatorKind kind);

/* The values that a call with DISTINCT is over, but for the expression. */
PG_GUARDED model::Key *distinct_value(const model::View &view, const Aggref *call);

/* The accumulator, of this index, takes such values: have their multiplicities in the list of Distincts. */
PG_GUARDED void add_distinct(List **distincts, model::Accumulator *accumulator, int index,
                             const model::Key &value);

/* --- join_keys.cpp: what do rows have to agree on to be joined? --- */

/* The column of a reference that an expression is, perhaps under the name of another type; or NULL. */
PG_GUARDED const Var *plain_column(const Node *expression);

/* Find the join keys in the filter. */
PG_GUARDED void find_join_keys(model::View *view);

/* --- foreign_keys.cpp: which rows are certain to find no other to be joined with? --- */

/* Find the foreign keys along which the filter joins, and that are enforced. */
PG_GUARDED void find_foreign_keys(model::View *view);

/* --- keyed.cpp: can a group be computed anew, by itself? --- */

/* Find what groups are computed anew by; or say why they can't be. */
PG_GUARDED const char *find_group_targets(const FlatQuery &flat, const List *key_expressions,
                                          model::View *view);

/* --- state.cpp: do the visible columns tell all? --- */

/* Why the columns don't tell all keys, or NULL. */
PG_GUARDED const char *why_hidden_key(const model::View &view);

/* Have all groups kept, for the upper query. */
PG_GUARDED void keep_groups(model::View *view);

/* Decide on the state table, and find the columns that make it unnecessary. */
PG_GUARDED void decide_state(const FlatQuery &flat, model::View *view);

/* --- joins.cpp: how changed rows of one table find the rows of the others --- */

/* A reference that the changed rows of another one are joined with, in an order that a planner could take. */
struct JoinStep {
    int reference;
    const char *index; /* that finds its rows, as "airports(iata)"; NULL: none does */
    List *wanted;      /* without one: the columns that an index would help on, as integers; or NIL */
};

/* The names of columns of a relation, as "iata, city", quoted as needed. */
PG_GUARDED const char *column_names(Oid relation, const List *columns);

/* The steps from a reference to all others. */
PG_GUARDED model::Array<JoinStep> join_steps(const model::View &view, int changed);

/* The reference at which computing a group starts, and the index on its group columns, or what is wanted. */
PG_GUARDED JoinStep first_group_step(const model::View &view);

/*
 * Is there at most one row of the reference for a row of the known ones (numbers from 1 on), since a unique
 * index of it is set equal to something that these tell?
 */
PG_GUARDED bool is_determined(const model::View &view, int reference, const Bitmapset *known);

/*
 * How the values come next that an accumulator keeps extremes of: by the index that has them in order for
 * each group, or the columns of the one that is wanted; neither where it couldn't help.
 */
PG_GUARDED JoinStep extremum_step(const model::View &view, const model::Accumulator &accumulator);

/* The statement that makes an index. */
PG_GUARDED const char *statement_for(const MissingIndex &index);

/* --- exact.cpp --- */

/* The name of the aggregate that imat.exact_sum or another of ours takes the place of, as "sum"; else NULL.
 */
PG_GUARDED const char *exact_name(Oid function);

/* --- extremes.cpp --- */

/* What an aggregate of one argument of the type gives: the first value in an order, or something else. */
enum class Extremum : char { None, Least, Greatest };
PG_GUARDED Extremum extremum_of(Oid function, Oid type);

/* The aggregate that gives the same whatever the order of the rows; the given one if that does. */
PG_GUARDED Oid exact_extremum(Oid function, Oid type, Oid collation);

/* --- deparse.cpp: expressions as a reader would write them --- */

/* An expression over the row, or over the group row. */
PG_GUARDED const char *show_over_row(const model::View &view, Node *expression);
PG_GUARDED const char *show_over_group(const model::View &view, Node *expression);

/* What expressions call the references: a List of C strings. */
PG_GUARDED List *reference_names(const model::View &view);

/* A function with the types that it is called with, as in "min(integer)". */
PG_GUARDED const char *show_call(Oid function, const List *argument_types, bool star);

} // namespace analyze
