/*
 * joins.cpp - how changed rows of one table find the rows of the others.
 *
 * The changed rows are few and the tables are large, so what counts is whether each table that is joined can
 * be entered by an index.  From one reference on, the others are reached one after the other: next comes one
 * that has an index on columns that are set equal to something known by then, else one with such columns but
 * no index, else any.  That is an order that the planner could take, not a promise that it will: it knows the
 * sizes of the tables, while nothing here does.
 *
 * An index serves where its first columns are set equal by operators of its operator family and under its
 * collation, as match_opclause_to_indexcol has it (PostgreSQL, indxpath.c); partial indexes and those on
 * expressions are left out of account.
 */
#include "analyze/parts.hpp"
#include "pg/lookup.hpp"

namespace analyze {

namespace {

/* A column of a reference that is set equal to something known. */
struct Equality {
    AttrNumber column;
    Oid operation; /* column = known */
    Oid collation;
    bool constant; /* known without any row */
};

/* The column of the reference that an expression is, or 0. */
PG_GUARDED AttrNumber column_of(const Node *expression, int reference)
{
    while (IsA(expression, RelabelType))
        expression = reinterpret_cast<const Node *>(reinterpret_cast<const RelabelType *>(expression)->arg);
    if (!IsA(expression, Var))
        return 0;
    const auto *var = reinterpret_cast<const Var *>(expression);
    return static_cast<int>(var->varno) == reference + 1 ? var->varattno : AttrNumber{0};
}

/* Add the column of the reference that a condition sets equal to what is known by then, if it does. */
PG_GUARDED List *add_equality(List *found, const OpExpr *condition, bool commuted, int reference,
                              const Bitmapset *known)
{
    const auto *left =
        static_cast<const Node *>(commuted ? lsecond(condition->args) : linitial(condition->args));
    auto *right = static_cast<Node *>(commuted ? linitial(condition->args) : lsecond(condition->args));
    const Oid operation = commuted ? get_commutator(condition->opno) : condition->opno;
    const Bitmapset *needed = pg::pull_varnos(right);
    const AttrNumber column = column_of(left, reference);
    if (column <= 0 || !OidIsValid(operation) || !bms_is_subset(needed, known) ||
        get_mergejoin_opfamilies(operation) == NIL)
        return found;
    auto *equality = static_cast<Equality *>(palloc(sizeof(Equality)));
    *equality = {.column = column,
                 .operation = operation,
                 .collation = condition->inputcollid,
                 .constant = bms_is_empty(needed)};
    return lappend(found, equality);
}

/* Add the columns of the reference that a condition sets equal. */
PG_GUARDED List *add_equalities(List *found, const Node *condition, int reference, const Bitmapset *known)
{
    if (!IsA(condition, OpExpr))
        return found;
    const auto *operation = reinterpret_cast<const OpExpr *>(condition);
    if (list_length(operation->args) != 2)
        return found;
    found = add_equality(found, operation, false, reference, known);
    return add_equality(found, operation, true, reference, known);
}

/* Is the condition about a subquery that reads the reference? */
PG_GUARDED bool is_within(const model::View &view, const model::Condition &condition, int reference)
{
    bool within = false;
    for (int i = 0; i < view.options.size; i++)
        within = within ||
                 ((condition.options & (1U << static_cast<unsigned>(i))) != 0 && view.options[i].subquery &&
                  (view.options[i].references & (1U << static_cast<unsigned>(reference))) != 0);
    return within;
}

/*
 * The same of the condition of an option, or of its alternatives: where keys are found, there is a join for
 * each (alternatives.cpp).  Rows of a subquery aren't looked up by these; and if they set several columns
 * equal, that is no one index.
 */
PG_GUARDED List *add_alternatives(List *found, const model::View &view, const model::Condition &condition,
                                  int reference, const Bitmapset *known)
{
    const auto *operation = reinterpret_cast<const BoolExpr *>(condition.expression);
    if (!IsA(operation, BoolExpr) || operation->boolop != OR_EXPR)
        return add_equalities(found, condition.expression, reference, known);
    List *alternatives = NIL;
    for (auto *alternative : pg::each<Node>(is_within(view, condition, reference) ? NIL : operation->args))
        alternatives = add_equalities(alternatives, alternative, reference, known);
    return list_length(alternatives) == 1 ? lappend(found, linitial(alternatives)) : found;
}

/* Does the condition of an option hold for every row that has the reference? */
PG_GUARDED bool always_holds(const model::View &view, const model::Condition &condition, int reference)
{
    for (int i = 0; i < view.options.size; i++)
        if ((condition.options & (1U << static_cast<unsigned>(i))) != 0 &&
            (view.options[i].references & (1U << static_cast<unsigned>(reference))) == 0)
            return false;
    return true;
}

/*
 * The columns of a reference that are set equal to what is known by then: a List of Equality.  always: in
 * every row that has the reference.
 */
PG_GUARDED List *equalities(const model::View &view, int reference, const Bitmapset *known,
                            bool always = false)
{
    List *found = NIL;
    for (auto *condition : pg::each<Node>(reinterpret_cast<List *>(view.filter)))
        found = add_equalities(found, condition, reference, known);
    for (const model::Condition &condition : view.conditions)
        if (condition.options != 0 && !always)
            found = add_alternatives(found, view, condition, reference, known);
        else if (condition.options != 0 && always_holds(view, condition, reference))
            found = add_equalities(found, condition.expression, reference, known);
    return found;
}

/* Is a column of the index set equal in a way that it can be searched by? */
PG_GUARDED bool covers(Relation index, int position, const List *columns)
{
    const AttrNumber column = index->rd_index->indkey.values[position];
    const Oid collation = index->rd_indcollation[position];
    bool found = false;
    for (auto *equality : pg::each<Equality>(columns))
        found = found || (equality->column == column &&
                          op_in_opfamily(equality->operation, index->rd_opfamily[position]) &&
                          (!OidIsValid(collation) || collation == equality->collation));
    return found;
}

/* How many of its first columns an index can be searched by. */
PG_GUARDED int covered_columns(Relation index, const List *columns)
{
    const bool searchable = index->rd_rel->relam == BTREE_AM_OID || index->rd_rel->relam == HASH_AM_OID;
    if (!searchable || !index->rd_index->indisvalid || RelationGetIndexPredicate(index) != NIL)
        return 0;
    int covered = 0;
    while (covered < IndexRelationGetNumberOfKeyAttributes(index) && covers(index, covered, columns))
        covered++;
    return covered;
}

/* The index as "table(columns)", of its first columns. */
PG_GUARDED const char *describe_index(Oid table, Relation index, int columns)
{
    StringInfoData text;
    initStringInfo(&text);
    appendStringInfo(&text, "%s(", quote_identifier(get_rel_name(table)));
    for (int i = 0; i < columns; i++)
        appendStringInfo(&text, "%s%s", i > 0 ? ", " : "",
                         quote_identifier(get_attname(table, index->rd_index->indkey.values[i], false)));
    appendStringInfoChar(&text, ')');
    return text.data;
}

/* The index of the table that can be searched by the most of these columns, described; or NULL. */
PG_GUARDED const char *find_index(Oid relation, const List *columns)
{
    const char *best = nullptr;
    int most = 0;
    Relation table = table_open(relation, NoLock);
    List *indexes = RelationGetIndexList(table);
    for (const Oid oid : pg::each_oid(indexes)) {
        Relation index = index_open(oid, AccessShareLock);
        const int covered = covered_columns(index, columns);
        if (covered > most) {
            most = covered;
            best = describe_index(relation, index, covered);
        }
        index_close(index, AccessShareLock);
    }
    table_close(table, NoLock);
    return best;
}

/* The columns that are set equal to columns of other tables, once each. */
PG_GUARDED List *wanted_columns(const List *columns)
{
    List *wanted = NIL;
    for (auto *equality : pg::each<Equality>(columns))
        if (!equality->constant)
            wanted = list_append_unique_int(wanted, equality->column);
    return wanted;
}

/* The step to a reference of which some columns are known. */
PG_GUARDED JoinStep step_by(const model::View &view, int reference, const List *columns)
{
    const Oid relation = view.references[reference].relation;
    JoinStep step = {.reference = reference, .index = nullptr, .wanted = wanted_columns(columns)};
    step.index = find_index(relation, columns);
    return step;
}

/* The step to a reference from what is known. */
PG_GUARDED JoinStep step_to(const model::View &view, int reference, const Bitmapset *known)
{
    return step_by(view, reference, equalities(view, reference, known));
}

/* How good a step is: by an index, by columns that could have one, or neither. */
PG_GUARDED int rank_of(const JoinStep &step)
{
    return step.wanted == NIL ? 0 : step.index == nullptr ? 1 : 2;
}

/* Add the index that a step lacks. */
PG_GUARDED List *add_missing(const model::View &view, const JoinStep &step, List *indexes)
{
    if (step.index != nullptr || step.wanted == NIL)
        return indexes;
    auto *missing = static_cast<MissingIndex *>(palloc(sizeof(MissingIndex)));
    *missing = {.relation = view.references[step.reference].relation, .columns = step.wanted};
    for (auto *other : pg::each<MissingIndex>(indexes))
        if (other->relation == missing->relation && equal(other->columns, missing->columns))
            return indexes;
    return lappend(indexes, missing);
}

/* What is known, and what is computed of it. */
PG_GUARDED Bitmapset *with_computed(const model::View &view, const Bitmapset *known)
{
    Bitmapset *all = bms_copy(known);
    int number = view.references.size;
    for (auto *entry : pg::each<RangeTblEntry>(view.computed)) {
        number++;
        if (bms_is_subset(pg::pull_varnos(computation_of(entry)), all))
            all = bms_add_member(all, number);
    }
    return all;
}

} // namespace

PG_GUARDED model::Array<JoinStep> join_steps(const model::View &view, int changed)
{
    const int count = view.references.size;
    model::Array<JoinStep> steps{
        static_cast<JoinStep *>(palloc0(sizeof(JoinStep) * static_cast<std::size_t>(count))), 0};
    Bitmapset *known = bms_make_singleton(changed + 1);
    while (steps.size < count - 1) {
        JoinStep best = {};
        bool found = false;
        for (int i = 0; i < count; i++) {
            if (bms_is_member(i + 1, known))
                continue;
            const JoinStep step = step_to(view, i, with_computed(view, known));
            if (!found || rank_of(step) > rank_of(best))
                best = step;
            found = true;
        }
        steps.data[steps.size++] = best;
        known = bms_add_member(known, best.reference + 1);
    }
    return steps;
}

PG_GUARDED bool is_determined(const model::View &view, int reference, const Bitmapset *known)
{
    const Oid relation = view.references[reference].relation;
    const List *columns = equalities(view, reference, known, true);
    bool determined = false;
    Relation table = table_open(relation, NoLock);
    /* A unique index of an inheritance parent says nothing of its children. */
    const bool strays = table->rd_rel->relkind == RELKIND_RELATION && table->rd_rel->relhassubclass;
    for (const Oid oid : pg::each_oid(strays ? NIL : RelationGetIndexList(table))) {
        Relation index = index_open(oid, AccessShareLock);
        determined =
            determined || (index->rd_index->indisunique && index->rd_index->indimmediate &&
                           covered_columns(index, columns) == IndexRelationGetNumberOfKeyAttributes(index));
        index_close(index, AccessShareLock);
    }
    table_close(table, NoLock);
    return determined;
}

/* The step to the rows of a group in one reference. */
PG_GUARDED static JoinStep group_step(const model::View &view, int reference)
{
    List *columns = equalities(view, reference, nullptr);
    for (const model::Key &key : view.keys) {
        const AttrNumber column = column_of(key.expression, reference);
        if (column <= 0)
            continue;
        auto *equality = static_cast<Equality *>(palloc(sizeof(Equality)));
        *equality = {
            .column = column, .operation = key.equality, .collation = key.collation, .constant = false};
        columns = lappend(columns, equality);
    }
    return step_by(view, reference, columns);
}

PG_GUARDED JoinStep first_group_step(const model::View &view)
{
    JoinStep best = group_step(view, 0);
    for (int i = 1; i < view.references.size; ++i) {
        const JoinStep step = group_step(view, i);
        if (rank_of(step) > rank_of(best))
            best = step;
    }
    return best;
}

/* Is this column of a btree index the argument, in the order that is asked for, either way? */
PG_GUARDED static bool continues_by(Relation index, int position, AttrNumber column,
                                    const model::Accumulator &accumulator)
{
    if (position >= IndexRelationGetNumberOfKeyAttributes(index) || index->rd_rel->relam != BTREE_AM_OID ||
        index->rd_index->indkey.values[position] != column)
        return false;
    const TypeCacheEntry *type = lookup_type_cache(accumulator.input_type, TYPECACHE_LT_OPR);
    const Oid collation = index->rd_indcollation[position];
    return op_in_opfamily(type->lt_opr, index->rd_opfamily[position]) &&
           (!OidIsValid(collation) || collation == accumulator.collation);
}

/* The columns of the one reference that the group keys are; false: a key is something else. */
PG_GUARDED static bool key_columns(const model::View &view, List **columns)
{
    *columns = equalities(view, 0, nullptr);
    bool all = true;
    for (const model::Key &key : view.keys) {
        auto *equality = static_cast<Equality *>(palloc(sizeof(Equality)));
        *equality = {.column = column_of(key.expression, 0),
                     .operation = key.equality,
                     .collation = key.collation,
                     .constant = false};
        *columns = lappend(*columns, equality);
        all = all && equality->column > 0;
    }
    return all;
}

/* Are the group keys among the first columns of the index? */
PG_GUARDED static bool has_keys(Relation index, int covered, const model::View &view)
{
    bool all = true;
    for (const model::Key &key : view.keys) {
        bool found = false;
        for (int i = 0; i < covered; ++i)
            found = found || index->rd_index->indkey.values[i] == column_of(key.expression, 0);
        all = all && found;
    }
    return all;
}

PG_GUARDED const char *column_names(Oid relation, const List *columns)
{
    StringInfoData text;
    initStringInfo(&text);
    for (int column : pg::each_int(columns))
        appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "",
                         quote_identifier(get_attname(relation, static_cast<AttrNumber>(column), false)));
    return text.data;
}

PG_GUARDED JoinStep extremum_step(const model::View &view, const model::Accumulator &accumulator)
{
    JoinStep step = {.reference = 0, .index = nullptr, .wanted = NIL};
    List *columns = NIL;
    const AttrNumber argument = view.is_join() ? AttrNumber{0} : column_of(accumulator.input, 0);
    if (argument <= 0 || !key_columns(view, &columns))
        return step;
    const Oid relation = view.references[0].relation;
    step.wanted = lappend_int(wanted_columns(columns), argument);

    Relation table = table_open(relation, NoLock);
    for (const Oid oid : pg::each_oid(RelationGetIndexList(table))) {
        Relation index = index_open(oid, AccessShareLock);
        const int covered = covered_columns(index, columns);
        if (step.index == nullptr && index->rd_index->indisvalid && RelationGetIndexPredicate(index) == NIL &&
            has_keys(index, covered, view) && continues_by(index, covered, argument, accumulator))
            step.index = describe_index(relation, index, covered + 1);
        index_close(index, AccessShareLock);
    }
    table_close(table, NoLock);
    return step;
}

PG_GUARDED bool index_has_extremes(const model::View &view, const model::Accumulator &accumulator)
{
    return extremum_step(view, accumulator).index != nullptr;
}

PG_GUARDED List *missing_indexes(const model::View &view)
{
    List *indexes = NIL;
    if (view.strategy == model::Strategy::Keyed)
        indexes = add_missing(view, first_group_step(view), indexes);
    bool in_order = false; /* such an index also finds the rows of a group */
    for (const model::Accumulator &accumulator : view.accumulators) {
        if (!model::keeps_extremes(accumulator.kind))
            continue;
        const JoinStep step = extremum_step(view, accumulator);
        indexes = add_missing(view, step, indexes);
        in_order = in_order || step.wanted != NIL;
    }
    if (view.has_extremes() && !in_order)
        indexes = add_missing(view, first_group_step(view), indexes);
    for (int i = 0; i < view.references.size; i++) {
        for (const JoinStep &step : join_steps(view, i))
            indexes = add_missing(view, step, indexes);
    }
    return indexes;
}

PG_GUARDED const char *statement_for(const MissingIndex &index)
{
    return psprintf("CREATE INDEX ON %s (%s)", pg::qualified_name(index.relation),
                    column_names(index.relation, index.columns));
}

} // namespace analyze
