/*
 * key_index.hpp - the indexes by which maintenance finds a row.
 *
 * Part of room catalog: whoever writes rows (room apply) and whoever creates tables (room rebuild) must
 * agree on which index serves.
 */
#pragma once

#include "catalog/registration.hpp"
#include "model/model.hpp"
#include "pg/seam.hpp"

namespace catalog {

/*
 * The index that decides which row a group has, or InvalidOid.  Every column of it is a group key, in any
 * order, either plain or (where a release has no NULLS NOT DISTINCT) as the expression ARRAY[column], or as
 * its hash; a view without keys has an index on the constant expression (true).  It is unique, unless there
 * are hashes in it, or more keys than an index can have: then who uses it has to compare.  For a state
 * table (of_state) the keys are columns 1, 2, ...; for the IMAT they are the columns that show them (the
 * number of a grouping set may be told by the others), and there is no such index unless view.keys_visible.
 * The table is open and locked.
 */
PG_GUARDED Oid find_key_index(Relation table, const model::View &view, bool of_state);

/*
 * An index by which a row can be found by the values in its first columns, so many, or InvalidOid: btree or
 * hash, over these columns or expressions over them, every one with an opclass that is its type's default,
 * without a predicate.  A hash index can't find NULLs.  Of several the one with the most columns; those over
 * expressions, among which is ours over a hash of the row, before these, and unique ones first.
 */
PG_GUARDED Oid find_row_index(Relation table, int columns);

/*
 * For views whose rows are computed anew by keys that columns show: an index whose first columns are
 * lookup_columns, in any order, each with the key's equality.
 */
PG_GUARDED Oid find_lookup_index(Relation table, const model::View &view);

/* The columns by which an index finds the rows of a key: those of all keys, or, of partitions, some. */
PG_GUARDED model::Array<model::Column> lookup_columns(const model::View &view);

/*
 * Is there what maintenance finds the table's rows by, wherever it isn't by a state table alone: the index of
 * their keys, of all of their values, or of the keys by which they are computed anew?
 */
PG_GUARDED bool are_rows_found(Relation table, const model::View &view);

/* Are they found by keys that several may have in common, whether or not by another index, too? */
inline bool needs_lookup_index(const model::View &view)
{
    return view.partitioned || (view.has_options() && !view.keys_visible);
}

/* Is that an index which finds few rows, whatever they hold: a unique one, or one over an expression? */
PG_GUARDED bool is_selective(Relation table, Oid index);

/*
 * The view whose groups are the values that each group of the view has of an aggregate with DISTINCT: the
 * keys of the view, and behind them the value.  Its state table is the table of multiplicities, with the
 * number of rows behind the keys.
 */
PG_GUARDED model::View *view_of_values(const model::View &view, int distinct);

/*
 * The columns of the table that the index of find_key_index is over: one for each key, in their order; 0 for
 * the number of a grouping set that no column shows.
 */
PG_GUARDED AttrNumber *key_columns(const model::View &view, bool of_state);

/* How many columns the query has: the table's first. */
PG_GUARDED int shown_columns(const model::View &view);

/* How many columns a group has in the state table, where this keeps what it shows. */
PG_GUARDED int kept_columns(const model::View &view);

/* Has the state table the columns that the view keeps in one? */
PG_GUARDED bool state_fits(Oid state, const model::View &view);

/* Is there an ARRAY[column] for a column of the key's values? */
PG_GUARDED bool can_be_wrapped(const model::Key &key);

/* Is this index column the expression ARRAY[column]?  Then that column, else 0. */
PG_GUARDED AttrNumber wrapped_column(Node *expression);

/* Is it a function of one column?  Then that column, else 0. */
PG_GUARDED AttrNumber hashed_column(Node *expression);

/* So many bytes of values that aren't passed by value an index takes for sure, whatever else there is. */
constexpr std::size_t always_fit = BLCKSZ / 8;

/* May an index be without room for these keys? */
PG_GUARDED bool are_too_long(const model::Array<model::Key> &keys, const Datum *values, const bool *nulls);

/* Can values of the key be long? */
PG_GUARDED bool may_be_long(const model::Key &key);

/* The same view, with all keys hashed that may be long and can be hashed. */
PG_GUARDED model::View *view_by_hash(const model::View &view);

/*
 * The index of find_key_index, if it doesn't take keys of any length and is ours to replace: one of a state
 * table, the one that we have made (an Oid), or one that is named as we do it; else InvalidOid.
 */
PG_GUARDED Oid index_to_hash(Oid table, const model::View &view, bool of_state, Oid made);

/* Is there no such index of the IMAT or of the tables of its groups? */
PG_GUARDED bool takes_long_keys(const Registration &registration, const model::View &view);

/* The index of the table's primary key, or InvalidOid. */
PG_GUARDED Oid primary_key_index(Oid table);

/* The hash of a key that is hashed, which is a column of the table. */
PG_GUARDED Node *key_hash(const model::Key &key, AttrNumber column);

} // namespace catalog
