/*
 * analyze.hpp - the front door of room analyze: an analysed Query becomes a model::View, with reasons.
 *
 * Everything here reads nodes and the system catalogs and writes nothing.  Queries are taken as the parser
 * leaves them (analysed, not rewritten), and are never changed: what is changed is a copy.  Results are in
 * the memory context that is current at the call.  Tables and views that a query names are locked
 * AccessShare until the end of the transaction.
 *
 * The expressions of a View are ready for ExecInitExpr: constants are folded, and no sublink, outer reference
 * or grouping-step Var is left in them.  Vars over the row have the varno of their reference, 1, 2, ..., and
 * its attribute numbers, which are those of ordinary columns; Vars over the group row have varno 1 and 1, 2,
 * ... for keys, then aggregates.  View::filter and View::having are lists of conditions that must all be
 * true, cast to Node *: give them back to ExecInitQual as List *.
 *
 * Folding constants may call IMMUTABLE functions that the query calls.  So a query that somebody else wrote
 * is understood with its owner's rights only.
 */
#pragma once

#include "model/model.hpp"
#include "pg/seam.hpp"

namespace analyze {

/* Why a query can't be maintained at all: an error that hasn't been raised. */
struct Refusal {
    int sqlstate;
    const char *message;
    const char *detail; /* or NULL */
    const char *hint;   /* or NULL */
};

/* A copy of the analysed query behind a view or materialized view (its _RETURN rule), not rewritten. */
PG_GUARDED Query *definition_query(Oid view);

/* The same, without the entries that its range table has for the view itself: another may have it. */
PG_GUARDED Query *standalone_query(Oid view);

/*
 * A copy of the query whose outcome doesn't depend on the order in which rows are read: aggregates whose
 * result depends on it, although it needn't, are those of ours (exact.cpp), at every level of it and as
 * window functions too; array_agg and its like, and DISTINCT ON, at the outermost level, have an order.  All
 * else is equal.
 */
PG_GUARDED Query *exact_query(const Query *query);

/* May what the query shows, or one in it, depend on the order of rows nevertheless? */
PG_GUARDED bool leaves_order_open(const Query *query);

/*
 * The query, understood.  Raises an error for a query that can't be maintained at all; one that delta can't
 * take gets Strategy::Keyed or Strategy::Swap, and a reason.
 */
PG_GUARDED model::View *understand(const Query *query);

/* The same, but NULL and the refusal where understand would raise an error. */
PG_GUARDED model::View *try_understand(const Query *query, const Refusal **refusal);

/* May the view's groups be computed anew one by one, whether or not delta could take it? */
PG_GUARDED bool can_be_keyed(const model::View &view);

/* Have the view be maintained so, although delta could take it. */
PG_GUARDED void make_keyed(model::View *view);

/*
 * The upper query of a view (model::View::upper) over the table of its groups, of which the columns begin
 * behind the first so many.
 */
PG_GUARDED Query *upper_over(const Query *upper, RangeTblEntry *groups, int first);

/* Have the rows of a bag be found by their values, although they have a key; false: they can't be. */
PG_GUARDED bool can_do_without_identity(model::View *view);

/* Have the number of a row's grouping set be kept in the state, although the keys tell it. */
PG_GUARDED void do_without_telling(model::View *view);

/*
 * For a view with partitions: how many levels of its definition are around the one whose rows are parted, in
 * WHERE; and what a column of the definition shows of these, as an expression over FROM of that level, or
 * NULL.
 */
PG_GUARDED int parted_depth(Query *query);
PG_GUARDED Node *column_below(Query *query, int column);

/* The level of a query that so many are around. */
PG_GUARDED Query *level_of(Query *query, int depth);

/* A subquery that a table can stand for; see subqueries.cpp. */
struct Subquery {
    Query *level; /* whose FROM has it */
    RangeTblEntry *entry;
    Query *query;    /* what a table shows that is to stand for it; NULL: none can */
    bool restricted; /* that is SELECT ... FROM the subquery WHERE conditions that were around it */
};

/*
 * Find them in a query (a List of Subquery), which is changed: conditions that come along are no more, and
 * WITH and the owner's views are subqueries.  restricted: the query is one with such conditions, and what is
 * in its FROM stays there.
 */
PG_GUARDED List *find_subqueries(Query *query, Oid owner, bool restricted);

/* Have the table stand for it. */
PG_GUARDED void read_table(const Subquery &subquery, Oid table);

/* Have a query stand, wherever the table stands in the given one. */
PG_GUARDED void put_back(Query *query, Oid table, const Query *shown);

/* Does the view show keys whose equal values can look different? */
PG_GUARDED bool shows_arbitrary_keys(const model::View &view);

/* An inner join of references. */
struct Join {
    model::References references;
    List *conditions; /* of Node: all have to hold */
};

/*
 * For a view with options: how rows of the query, whose keys are wanted, are found from changed rows of a
 * reference.  See variants.cpp.
 */
struct Reach {
    Join joined;    /* what keys are computed of, and all that is linked with it */
    List *existing; /* of Join: linked with nothing else, so it only matters whether there are such rows */
    List *keys;     /* of Lists of Node: one expression for each key, in one or several ways */
};

/* All references that have a part in it. */
PG_GUARDED model::References references_of(const Reach &reach);

/* Find all ways from changed rows of the reference (a List of Reach); false: there are too many. */
PG_GUARDED bool find_reaches(const model::View &view, int changed, List **found);

/* The references that an expression, or a List of them, depends on. */
PG_GUARDED model::References references_in(Node *expression);

/* Make a key of an expression by what its type takes for equal; false: there is no such key, or values that
 * are equal may look different. */
PG_GUARDED bool make_plain_key(Node *expression, model::Key *key);

/* Raise a refusal as the error that it is. */
[[noreturn]] PG_GUARDED void raise(const Refusal &refusal);

/* What a reader of imat.explain is told: a List of C strings, one a line.  asked: the strategy asked for. */
PG_GUARDED List *explain(const model::View &view, model::Strategy asked);

/* Can values of the type be kept: is there an order, and only one way in which a value is stored? */
PG_GUARDED bool can_keep_values(Oid type);

/* Can it also be stored in a state, which may be restored in another database? */
PG_GUARDED bool can_store_values(Oid type);

/* Has an index the values, of which the accumulator keeps extremes, in order for each group? */
PG_GUARDED bool index_has_extremes(const model::View &view, const model::Accumulator &accumulator);

/* The query that a text consists of; errors where that isn't one SELECT that the current user may run. */
PG_GUARDED Query *query_of_text(const char *text);

/* May the current user run the query?  Those that it names as views' owners, or otherwise, count in its
 * place. */
PG_GUARDED bool may_run(const Query *query);

/* Does the query of the view make something of whole rows of a table? */
PG_GUARDED bool reads_whole_rows(Oid definition);

/* The word for a strategy. */
PG_GUARDED const char *word_for(model::Strategy strategy);

/*
 * What the state table has of a group, and of which aggregates, in a few numbers: where these are others,
 * what is in it can't be read.  The same definition comes to others when NOT NULL comes or goes.
 */
PG_GUARDED const char *state_layout(const model::View &view);

/* An index of a source that doesn't exist, but would help. */
struct MissingIndex {
    Oid relation;
    List *columns; /* as integers, in this order */
};

/* All of them: a List of MissingIndex. */
PG_GUARDED List *missing_indexes(const model::View &view);

/* What would make a state table unnecessary, in one sentence, or NULL. */
PG_GUARDED const char *advice_on(const model::View &view);

/* What is to be said about turning a materialized view into an IMAT. */
struct Advice {
    Oid view;
    bool convertible;
    const char *strategy; /* "delta", "keyed" or "swap"; or NULL */
    const char *reason;   /* why not delta, why a state table, or why not at all; or NULL */
    const char *advice;   /* or NULL */
};

/* The same for one whose subqueries, a List of model::View, would be kept in tables of their own. */
PG_GUARDED void advise_again(Advice *advice, const model::View &view, const List *subqueries);

/* A List of Advice: every materialized view that the current user owns or may read, by schema and name. */
PG_GUARDED List *advise();

} // namespace analyze
