/*
 * model.hpp - the vocabulary: what a view is to the code that maintains it.
 *
 * A View is made once from the analysed query (room analyze) and only read afterwards.  It says which
 * relations the query reads, how the query is best maintained and why, and, where that is `delta`, the
 * algebra of it:
 *
 *     source row --(filter)--> keys, inputs --fold--> accumulators of the group --> aggregates --> outputs
 *
 * All of it is plain values in one memory context (no destructors): a View lives as long as that context.
 * Expressions are PostgreSQL's node trees, which this room names but does not look into.
 */
#pragma once

#include <cstddef>
#include <cstdint>

struct Node;
struct Query;
struct List;
struct Bitmapset;

namespace model {

using ObjectId = unsigned int; /* PostgreSQL's Oid */
using Column = short;          /* PostgreSQL's AttrNumber; 0: none */

/* A fixed array in a memory context. */
template <class T>
struct Array {
    T *data = nullptr;
    int size = 0;

    T *begin() const noexcept { return data; }
    T *end() const noexcept { return data + size; }
    T &operator[](int i) const noexcept { return data[i]; }
};

/* How changes of the sources become changes of the table.  The values are what the catalog stores. */
enum class Strategy : char {
    Auto = 'a',  /* asked for, never the outcome: the best that the query allows */
    Delta = 'd', /* add and subtract accumulators per group */
    Keyed = 'k', /* compute the groups anew whose rows changed */
    Swap = 's',  /* build the new contents beside the old */
};

/* When. */
enum class Maintenance : char {
    Immediate = 'i', /* in the transaction that changes a source */
};

/* What is summed up per group.  Each has a kernel (room kernels) except Numeric, whose sums PostgreSQL adds.
 */
enum class AccumulatorKind : char {
    Rows,     /* the number of rows; has no input */
    Count,    /* the number of inputs that are not NULL */
    Integer,  /* that, and the sum of smallint, integer, bigint or money inputs */
    Float4,   /* ... the exact sum of real inputs */
    Float8,   /* ... the exact sum of double precision inputs */
    Numeric,  /* ... the sum of numeric inputs, and how many rows show how many digits */
    Interval, /* ... the sums of the fields of interval inputs */
    Bits,     /* ... how many boolean, smallint, integer or bigint inputs have each bit set */

    /* What the kinds above keep, and the sum of the squares. */
    IntegerMoments,
    Float4Moments,
    Float8Moments,
    NumericMoments,

    Pairs, /* of points, which stand for pairs (x, y): the exact sums of x, y, xx, yy and xy */

    Least,    /* the number of inputs, and the first few in the order of their type */
    Greatest, /* ... in the opposite order */
};

/* Does it keep extremes, of which it may lose sight? */
constexpr bool keeps_extremes(AccumulatorKind kind) noexcept
{
    return kind == AccumulatorKind::Least || kind == AccumulatorKind::Greatest;
}

/* One accumulator of a group.  Aggregates over the same input and filter share one. */
struct Accumulator {
    AccumulatorKind kind;
    Node *input;         /* over the row; NULL where the filter fails; absent for Rows */
    ObjectId input_type; /* 0 for Rows */
    ObjectId collation;  /* that inputs are ordered by; for Least and Greatest */
    int distinct;        /* 0: every input counts; n: each value of View::distincts[n - 1] counts once */

    /*
     * Where no state table is kept, what is visible tells all: the columns (of the table) that show the
     * count and the sum.  count_column 0: every input counts, so the count is that of the rows.
     */
    Column count_column;
    Column sum_column;
};

enum class AggregateFunction : char {
    Count,
    Sum,
    Avg,
    BitAnd, /* of booleans: bool_and, every */
    BitOr,  /* of booleans: bool_or */
    BitXor,
    VarPop,
    VarSamp,
    StddevPop,
    StddevSamp,
    CovarPop, /* this and the rest, of pairs */
    CovarSamp,
    Corr,
    RegrAvgX,
    RegrAvgY,
    RegrSxx,
    RegrSyy,
    RegrSxy,
    RegrR2,
    RegrSlope,
    RegrIntercept,
    Extremum, /* min, max */
};

/* One aggregate of the query, as a function of one accumulator. */
struct Aggregate {
    AggregateFunction function;
    int accumulator; /* index in View::accumulators */
    ObjectId type;   /* of the result */
    int typmod;
    ObjectId collation;
    Node *call; /* the Aggref it stands for, to be shown */
};

/* One group key. */
struct Key {
    Node *expression; /* over the row */
    ObjectId type;
    int typmod;
    ObjectId collation;
    ObjectId equality;  /* the operator that tells groups apart */
    ObjectId less_than; /* the btree order that goes with it; 0: there is none */
    Column column;      /* of the table that shows it; 0: none does */
    bool nullable;      /* false: proven never NULL */
    bool hashed;        /* an index has its hash: its values may be too long for one, or have no order */
};

/*
 * What aggregates with DISTINCT are over: the values of one input, of which each counts once, however many
 * rows of the group have it.  How many do is kept for each value, in a table of its own: the multiplicities.
 */
struct Distinct {
    Key value;       /* its expression is the input of the accumulators; NULL is no value */
    int accumulator; /* the first of those */
};

/*
 * Two ways to tell values apart: by an operator of the query's, or, where it has none, by their image.  Of a
 * key by image, equality and less_than are 0.
 */
inline bool by_image(const Key &key) noexcept
{
    return key.equality == 0;
}

/* How many arguments GROUPING() takes. */
constexpr int most_grouping_arguments = 31;

/* How many keys there can be where there are several grouping sets, besides the number of the set. */
constexpr int most_set_keys = 2 * most_grouping_arguments; /* which two GROUPING() tell of */

/*
 * One of several grouping sets (GROUPING SETS, ROLLUP, CUBE).  A row belongs to one group of each: the first
 * key is the number of the set, and the keys that are not in the set are NULL.
 */
struct GroupingSet {
    int number;            /* the value of the first key */
    std::uint64_t without; /* bit i: key i is not in the set */
    bool empty;            /* no key is: one group, which is there even when there are no rows */

    bool leaves_out(int key) const noexcept { return key <= most_set_keys && (without >> key & 1) != 0; }
};

/* A table that the query reads, through however many views. */
struct Source {
    ObjectId relation;
    int references;     /* how often: more than once is a self-join */
    Bitmapset *columns; /* that the query names, of which some may not be used; as pull_varattnos has them */
};

/* A join of more tables is rebuilt: the terms of its delta would be too many. */
constexpr int MAX_REFERENCES = 8;

/* One occurrence of a table in FROM; entry 1, 2, ... of the range table that expressions over the row refer
 * to. */
struct Reference {
    ObjectId relation;
    bool only; /* without its children and partitions */
};

/* Some of the references: bit i is reference i. */
using References = unsigned;
static_assert(MAX_REFERENCES <= 32);

/*
 * References that a row of the query may lack, all at once: the nullable side of an outer join; or what a
 * subquery in an expression reads, which no row has, and which only has a say in what there is.
 */
struct Option {
    References references;
    bool subquery;
};

/* A condition that holds for a row wherever none of these options (bit i is option i) is lacking. */
struct Condition {
    Node *expression;
    References references; /* that it is over */
    unsigned options;
};

/* A column of a reference, and how its values are hashed: values that are set equal hash alike. */
struct HashedColumn {
    Column column;
    ObjectId hash; /* the function */
    ObjectId collation;
    bool wide; /* may be stored out of line */
};

/* What one reference has of a join key; columns of the same place are set equal in all of its members. */
struct JoinKeyMember {
    int reference;
    Array<HashedColumn> columns;
};

/* What rows of its members have to agree on to be joined. */
struct JoinKey {
    Array<JoinKeyMember> members; /* two or more, in the order of their references */
};

/* One reference has an enforced foreign key to another, and all of its columns are set equal by the filter.
 */
struct ForeignKey {
    int referencing;
    int referenced;
};

/* A query, understood. */
struct View {
    Array<Source> sources;
    Strategy strategy;  /* Delta, Keyed or Swap: the best that this query allows */
    const char *reason; /* why not delta, for the reader of imat.explain; NULL for Delta */
    bool uses_settings; /* has STABLE expressions: TimeZone and its like must be pinned */

    /*
     * The rest is there for Delta and Keyed only.  For Keyed the one accumulator is Rows, and there are no
     * aggregates: it says which groups changed, and that is all that is needed.  "The row" is a row of the
     * inner join of all references, of which reference i is varno i + 1.
     */
    Array<Reference> references;

    /*
     * Functions and VALUES in FROM, whose rows are made of the row: of the columns of the references and of
     * those before them.  As RangeTblEntries; they follow the references in the numbers of Vars.
     */
    List *computed;

    /*
     * Where there are options, the row is one of an outer join, and the query is Keyed.  All conditions that
     * the options have are here, and those of the filter once more; the expressions, and those of the keys,
     * have PlaceHolderVars around what is NULL where a subquery in FROM is lacking.
     */
    Array<Option> options;
    Array<Condition> conditions;
    List *option_keys; /* of Node */

    Array<JoinKey> join_keys;
    Array<int> key_between; /* for each pair of references: see join_key */
    Array<ForeignKey> foreign_keys;
    Node *filter; /* over the row: a list of conditions, join conditions among them; NULL: all rows */
    Array<Key> keys;

    /*
     * Several grouping sets; empty: there is just one, of all keys.  The number of the set, which is the
     * first key then, is shown by a column where a GROUPING() of the query tells the sets apart; else it may
     * follow from which of the telling keys are NULL, which never are of themselves (bit i: key i; 0: no).
     */
    Array<GroupingSet> sets;
    std::uint64_t telling;

    Array<Accumulator> accumulators; /* the first is Rows */
    Array<Distinct> distincts;       /* of the accumulators that have such; then needs_state */
    Array<Aggregate> aggregates;

    /*
     * The group row: the keys, then the aggregates, as columns 1, 2, ... of a row whose Vars have varno 1.
     * The outputs, one for each column of the table, and the condition on groups are over it.  For Delta.
     */
    List *outputs; /* of TargetEntry */
    Node *having;  /* NULL: all groups */

    /*
     * The same over the row, with the aggregate calls in them, as the query has them: what a group is
     * computed anew by.  NULL where groups can't be.  Constants are not folded, neither are they in
     * group_keys, so that the keys can be recognized.  A GROUPING() has indexes of keys as its refs.
     */
    List *group_targets; /* of TargetEntry */
    Node *group_having;  /* NULL: all groups */
    List *group_keys;    /* the expressions of the keys */

    /*
     * DISTINCT ON: a group shows the first of its rows, or of the groups that inner_groups make of them.  All
     * are SortGroupClauses that refer to group_targets, which have junk entries then.
     */
    List *distinct_on; /* NIL: the query has no such thing */
    List *order;
    List *inner_groups;

    /*
     * No groups and no DISTINCT: the table is the bag of the rows' outputs.  For Delta a group is then the
     * set of equal output rows: the keys are all of the outputs, by image, and what is known of a group is
     * its number of rows.  identity: the columns that no two rows of the table have in common, shown keys of
     * the sources; empty where these don't show.
     */
    bool bag;
    Array<Key> identity;
    Array<Key> columns; /* of a bag, and of an upper query: all outputs, by image */

    /*
     * A bag whose rows are computed anew partition by partition, as for window functions: the keys tell
     * partitions, and columns show them.  The level of the definition whose rows are parted is restricted to
     * keys in its WHERE.  lookup: those of the columns by which an index finds the rows of a partition; it
     * hashes the one that there is if its values may be long.
     */
    bool partitioned;
    Array<Column> lookup;
    bool lookup_hashed;

    /*
     * What a query makes of its groups where it isn't made of each by itself: LIMIT, DISTINCT on top of them
     * and the like.  All above is about the query that groups then, whose outputs are columns that the state
     * table keeps for each group; and the upper query, which gives the contents, is over these: in the one
     * range table entry without an Oid.  columns: what it shows.  NULL: groups are shown as they are.
     */
    Query *upper;
    const char *upper_words; /* what it does, in prose */

    bool may_fail;     /* what groups are told by, for rows that triggers are handed and it never reads */
    bool single_group; /* no GROUP BY: the one group is there even when there are no rows */
    bool keys_visible; /* the columns tell all row_keys, so a row can be found by them */
    bool needs_state;  /* the visible columns do not determine the accumulators */
    const char *state_reason;

    /* Is it an outer join, or does it have subqueries? */
    bool has_options() const noexcept { return options.size > 0; }

    /* Is it the definition itself that computes rows or groups anew, restricted to keys that changed? */
    bool from_definition() const noexcept { return has_options() || partitioned; }

    /* Are changed rows folded as they are, or joined first, with other tables or what is computed of them? */
    bool is_join() const noexcept { return references.size > 1 || computed != nullptr; }

    /* What tells the rows of the table apart: where keys_visible, there is an index over them. */
    const Array<Key> &row_keys() const noexcept { return bag ? identity : keys; }

    /* Has a group to be looked up in its sources, now and then? */
    bool has_extremes() const noexcept
    {
        bool has = false;
        for (const Accumulator &accumulator : accumulators)
            has = has || keeps_extremes(accumulator.kind);
        return has;
    }

    /* The index of the join key by which two references are joined; -1: they aren't by any. */
    int join_key(int one, int other) const noexcept { return key_between[one * references.size + other]; }

    int group_columns() const noexcept { return keys.size + aggregates.size; }

    /* The set of that number; NULL: there is none. */
    const GroupingSet *set_of(int number) const noexcept
    {
        for (const GroupingSet &set : sets)
            if (set.number == number)
                return &set;
        return nullptr;
    }

    /* The set that a group belongs to, by which of its telling keys are NULL. */
    const GroupingSet *set_by_nulls(const bool *nulls) const noexcept
    {
        for (const GroupingSet &set : sets) {
            bool same = true;
            for (int key = 1; key < keys.size && key <= most_set_keys; ++key)
                same = same && ((telling >> key & 1) == 0 || nulls[key] == set.leaves_out(key));
            if (same)
                return &set;
        }
        return nullptr;
    }
};

} // namespace model
