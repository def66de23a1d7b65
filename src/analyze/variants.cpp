/*
 * variants.cpp - which rows of a query with options do changed rows of a reference have a say in?
 *
 * To be found are the keys of all rows that come or go; more of them do no harm, since the groups, or rows,
 * of a key are computed anew.  Let r be a changed row of reference i.
 *
 * A row of the query has some of its options, and lacks others, whose columns are NULL in it; which ones is
 * its variant.  A row of which r is part meets, in its variant, every condition whose options it has; so it
 * is found by an inner join of r with the other references that it has.  These are taken as they are now,
 * with what the transaction has removed from them; so it is found whether it comes or goes.  That nothing
 * else matches where an option is lacking is not asked.
 *
 * A row of which r is not part comes or goes because an option that i belongs to does: r is part of a row d
 * of that option, which meets the condition under which d goes with the rest of the row.  So the row is found
 * by the join for the variant of d, with the columns of that option NULL wherever they stand for the row
 * itself: in its key, and in the conditions that are outside of the option.  Options that i belongs to are
 * one inside the other. For rows of all of them one join will do, in which each condition has to hold with
 * the columns of one of these options NULL, or of none; and which gives the key for each of these.
 *
 * A condition that is false in a variant leaves the variant out; most are, for a condition is usually false
 * for NULL.  An option that no key depends on is left out of the join, with the conditions that it is in,
 * where everything that r reaches it reaches without the option; a subquery in an expression always, for a
 * row that it doesn't read.  What no condition links with anything that keys are computed of is kept apart:
 * all that matters is whether there are such rows, not how many, and how many choices there are of them.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

using model::References;

/* More joins for the changes of one reference than that are too many. */
constexpr int most_variants = 16;

/* What the search for the references of an expression finds, and the making of NULLs is given. */
struct Lacking {
    References references;
};

PG_GUARDED References bit(int number)
{
    return 1U << static_cast<unsigned>(number - 1);
}

/* Are all references of a wrapping lacking? */
PG_GUARDED bool is_lacking(const PlaceHolderVar *wrapping, References lacking)
{
    for (int number = -1; (number = bms_next_member(wrapping->phrels, number)) >= 0;)
        if ((lacking & bit(number)) == 0)
            return false;
    return true;
}

extern "C" {

/* Mutator: columns of references that are lacking are NULL; wrappings go. */
PG_GUARDED static Node *lack_mutator(Node *node, void *context)
{
    const References lacking = static_cast<Lacking *>(context)->references;
    if (node == nullptr)
        return nullptr;
    if (IsA(node, Var) && (lacking & bit(static_cast<int>(castNode(Var, node)->varno))) != 0) {
        const auto *var = castNode(Var, node);
        return reinterpret_cast<Node *>(makeNullConst(var->vartype, var->vartypmod, var->varcollid));
    }
    if (IsA(node, PlaceHolderVar)) {
        auto *wrapping = castNode(PlaceHolderVar, node);
        auto *inside = reinterpret_cast<Node *>(wrapping->phexpr);
        return is_lacking(wrapping, lacking)
                   ? reinterpret_cast<Node *>(
                         makeNullConst(exprType(inside), exprTypmod(inside), exprCollation(inside)))
                   : lack_mutator(inside, context);
    }
    return pg::mutate_expression(node, lack_mutator, context);
}

/* Walker: gather the references that an expression depends on. */
PG_GUARDED static bool reference_walker(Node *node, void *context)
{
    auto *found = static_cast<Lacking *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, Var)) {
        found->references |= bit(static_cast<int>(castNode(Var, node)->varno));
        return false;
    }
    if (IsA(node, PlaceHolderVar))
        for (int number = -1;
             (number = bms_next_member(castNode(PlaceHolderVar, node)->phrels, number)) >= 0;)
            found->references |= bit(number);
    return pg::walk_expression(node, reference_walker, context);
}

} // extern "C"

/* The expression in a row in which these are lacking, with constants folded. */
PG_GUARDED Node *lack(Node *expression, References lacking)
{
    Lacking context = {.references = lacking};
    return eval_const_expressions(nullptr, lack_mutator(expression, &context));
}

PG_GUARDED bool is_false(const Node *condition)
{
    const auto *constant = reinterpret_cast<const Const *>(condition);
    return IsA(condition, Const) && (constant->constisnull || !DatumGetBool(constant->constvalue));
}

PG_GUARDED bool is_true(const Node *condition)
{
    return IsA(condition, Const) && !is_false(condition);
}

/* What is joined for the changes of one reference. */
struct Search {
    const model::View *view;
    References changed;
    References keys;    /* that keys depend on */
    References omitted; /* left out, and nothing is said about them */
    unsigned others;    /* options that vary: not those the reference is part of, nor those left out */
    List *reaches;      /* of Reach */
};

/* All references that the given ones are linked with, by conditions that have no omitted one in them. */
PG_GUARDED References linked_with(const List *conditions, References start, References omitted)
{
    References reached = start;
    for (bool grown = true; grown;) {
        grown = false;
        for (auto *condition : pg::each<Node>(conditions)) {
            const References linked = references_in(condition);
            if ((linked & omitted) != 0 || (linked & reached) == 0 || (linked & ~reached) == 0)
                continue;
            reached |= linked;
            grown = true;
        }
    }
    return reached;
}

/* Leave out what can be, and find the options that are left. */
PG_GUARDED void omit_options(Search *search)
{
    const model::View &view = *search->view;
    List *conditions = NIL;
    for (const model::Condition &condition : view.conditions)
        conditions = lappend(conditions, condition.expression);
    for (const model::Option &option : view.options)
        if (option.subquery && (option.references & search->changed) == 0)
            search->omitted |= option.references;
    const References all = linked_with(conditions, search->changed, search->omitted);
    for (const model::Option &option : view.options) {
        const References without = search->omitted | option.references;
        if ((option.references & (search->changed | search->keys)) == 0 &&
            linked_with(conditions, search->changed, without) == (all & ~without))
            search->omitted = without;
    }
    for (int i = 0; i < view.options.size; i++)
        if ((view.options[i].references & search->changed) == 0 &&
            (view.options[i].references & ~search->omitted) != 0)
            search->others |= 1U << static_cast<unsigned>(i);
}

/* Does a condition with these options hold for a row in which the references are lacking? */
PG_GUARDED bool holds(const model::View &view, unsigned options, References lacking)
{
    for (int i = 0; i < view.options.size; i++)
        if ((options & (1U << static_cast<unsigned>(i))) != 0 && (view.options[i].references & ~lacking) == 0)
            return false;
    return true;
}

/* The variants, given as what is lacking, of rows that the join stands for; the first is the join's own. */
PG_GUARDED model::Array<References> variants_of(const Search &search, References lacking)
{
    const model::View &view = *search.view;
    model::Array<References> variants = {
        .data = static_cast<References *>(
            palloc(sizeof(References) * (static_cast<std::size_t>(view.options.size) + 1))),
        .size = 0};
    variants[variants.size++] = lacking;
    for (const model::Option &option : view.options)
        if ((option.references & search.changed) != 0)
            variants[variants.size++] = lacking | option.references;
    return variants;
}

/* Add the condition as it has to hold in the join; false: it doesn't, in any variant. */
PG_GUARDED bool add_condition(const Search &search, const model::Condition &condition,
                              const model::Array<References> &variants, List **conditions)
{
    const model::View &view = *search.view;
    if ((condition.references & search.omitted) != 0 ||
        !holds(view, condition.options, variants[0] | search.omitted))
        return true;
    List *ways = NIL;
    for (References lacking : variants) {
        if (!holds(view, condition.options, lacking))
            continue;
        Node *way = lack(condition.expression, lacking);
        if (is_true(way))
            return true;
        if (!is_false(way))
            ways = list_append_unique(ways, way);
    }
    if (ways != NIL)
        *conditions = lappend(*conditions, list_length(ways) == 1 ? linitial(ways) : make_orclause(ways));
    return ways != NIL;
}

/* Take from the references those that are linked with the given ones, and the conditions that link them. */
PG_GUARDED Join take_linked(References start, Join *from)
{
    Join linked = {.references = linked_with(from->conditions, start, 0) & from->references,
                   .conditions = NIL};
    List *others = NIL;
    for (auto *condition : pg::each<Node>(from->conditions)) {
        List **conditions =
            (references_in(condition) & ~linked.references) == 0 ? &linked.conditions : &others;
        *conditions = lappend(*conditions, condition);
    }
    *from = {.references = from->references & ~linked.references, .conditions = others};
    return linked;
}

/* Part what is joined by what is linked. */
PG_GUARDED void part(Join all, Reach *reach)
{
    reach->joined = take_linked(references_in(reinterpret_cast<Node *>(reach->keys)) & all.references, &all);
    while (all.references != 0) {
        auto *existing = static_cast<Join *>(palloc(sizeof(Join)));
        *existing = take_linked(all.references & -all.references, &all);
        reach->existing = lappend(reach->existing, existing);
    }
}

/* Add the join for rows in which the references are lacking, if there are any. */
PG_GUARDED void add_reach(Search *search, References lacking)
{
    const model::View &view = *search->view;
    const model::Array<References> variants = variants_of(*search, lacking);
    auto *reach = static_cast<Reach *>(palloc0(sizeof(Reach)));
    Join joined = {};
    for (const model::Condition &condition : view.conditions)
        if (!add_condition(*search, condition, variants, &joined.conditions))
            return;
    for (int i = 0; i < view.references.size; i++)
        if (((lacking | search->omitted) & bit(i + 1)) == 0)
            joined.references |= bit(i + 1);
    for (References lacked : variants) {
        List *keys = NIL;
        for (auto *key : pg::each<Node>(view.option_keys))
            keys = lappend(keys, lack(key, lacked));
        reach->keys = list_append_unique(reach->keys, keys);
    }
    for (auto *conditions : pg::each<List>(ways_to_hold(view, joined.conditions))) {
        auto *way = static_cast<Reach *>(palloc(sizeof(Reach)));
        *way = *reach;
        part({.references = joined.references, .conditions = conditions}, way);
        search->reaches = lappend(search->reaches, way);
    }
}

/* Add conditions, one by one, but those that say nothing. */
PG_GUARDED List *split(Node *condition, unsigned options, List *conditions)
{
    for (auto *part : pg::each<Node>(make_ands_implicit(reinterpret_cast<Expr *>(condition)))) {
        if (says_nothing(part))
            continue;
        auto *made = static_cast<model::Condition *>(palloc0(sizeof(model::Condition)));
        *made = {.expression = part, .references = references_in(part), .options = options};
        conditions = lappend(conditions, made);
    }
    return conditions;
}

} // namespace

PG_GUARDED References references_in(Node *expression)
{
    Lacking found = {};
    reference_walker(expression, &found);
    return found.references;
}

PG_GUARDED References references_of(const Reach &reach)
{
    References references = reach.joined.references;
    for (auto *existing : pg::each<Join>(reach.existing))
        references |= existing->references;
    return references;
}

PG_GUARDED bool find_reaches(const model::View &view, int changed, List **found)
{
    Search search = {};
    search.view = &view;
    search.changed = bit(changed + 1);
    search.keys = references_in(reinterpret_cast<Node *>(view.option_keys));
    omit_options(&search);
    List *seen = NIL;
    /* Every set of the options that vary, once for each set of references that are then lacking. */
    for (unsigned set = search.others;; set = (set - 1) & search.others) {
        References lacking = 0;
        for (int i = 0; i < view.options.size; i++)
            if ((set & (1U << static_cast<unsigned>(i))) != 0)
                lacking |= view.options[i].references;
        if (!list_member_int(seen, static_cast<int>(lacking))) {
            seen = lappend_int(seen, static_cast<int>(lacking));
            if (list_length(seen) > most_variants)
                return false;
            add_reach(&search, lacking);
        }
        if (set == 0)
            break;
    }
    *found = search.reaches;
    return true;
}

PG_GUARDED const char *find_options(const FlatQuery &flat, model::View *view)
{
    List *conditions = NIL;
    for (auto *condition : pg::each<Node>(flat.conditions))
        conditions = split(condition, 0, conditions);
    for (auto *condition : pg::each<Linked>(flat.linked))
        conditions = split(condition->expression, condition->options, conditions);
    view->option_keys = NIL;
    view->options = to_array<model::Option>(flat.options);
    view->conditions = to_array<model::Condition>(conditions);
    for (const model::Key &key : view->keys) {
        auto *target = list_nth_node(TargetEntry, flat.targets, key.column - 1);
        if (is_unknown(reinterpret_cast<Node *>(target->expr)))
            return "a key is computed with a subquery";
        view->option_keys = lappend(view->option_keys, target->expr);
    }
    List *ignored = NIL;
    for (int i = 0; i < view->references.size; i++)
        if (!find_reaches(*view, i, &ignored))
            return "it has very many outer joins that depend on each other";
    return nullptr;
}

} // namespace analyze
