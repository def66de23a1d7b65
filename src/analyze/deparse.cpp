/*
 * deparse.cpp - expressions as a reader would write them.
 *
 * Expressions of a View refer to its references as range table entries 1, 2, ..., so ruleutils is given such
 * a range table; as for EXPLAIN it makes up names that tell the entries apart.  Columns are shown with the
 * name of their table where there are several.  Expressions over the group row are put back over the row
 * first.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

extern "C" {

/* Mutator: Vars of the group row become what they stand for. */
PG_GUARDED static Node *ungroup_mutator(Node *node, void *context)
{
    const auto &view = *static_cast<const model::View *>(context);
    if (node == nullptr)
        return nullptr;
    if (!IsA(node, Var))
        return pg::mutate_expression(node, ungroup_mutator, context);
    const int index = castNode(Var, node)->varattno - 1;
    return index < view.keys.size ? view.keys[index].expression
                                  : view.aggregates[index - view.keys.size].call;
}

} // extern "C"

/* A range table of the references and what is computed, as far as ruleutils looks into it. */
PG_GUARDED List *range_table(const model::View &view)
{
    List *entries = NIL;
    for (const model::Reference &reference : view.references) {
        RangeTblEntry *entry = makeNode(RangeTblEntry);
        entry->rtekind = RTE_RELATION;
        entry->relid = reference.relation;
        entry->relkind = get_rel_relkind(reference.relation);
        entry->rellockmode = AccessShareLock;
        entry->alias = makeAlias(get_rel_name(reference.relation), NIL);
        entry->eref = entry->alias;
        entry->inFromCl = true;
        entries = lappend(entries, entry);
    }
    return list_concat(entries, view.computed);
}

} // namespace

PG_GUARDED List *reference_names(const model::View &view)
{
    Bitmapset *all = nullptr;
    for (int i = 1; i <= view.references.size + list_length(view.computed); i++)
        all = bms_add_member(all, i);
    return select_rtable_names_for_explain(range_table(view), all);
}

PG_GUARDED const char *show_over_row(const model::View &view, Node *expression)
{
    List *context = pg::deparse_context_for_range_table(range_table(view), reference_names(view));
    return deparse_expression(expression, context, view.is_join(), false);
}

PG_GUARDED const char *show_over_group(const model::View &view, Node *expression)
{
    model::View copy = view;
    return show_over_row(view, ungroup_mutator(expression, &copy));
}

PG_GUARDED const char *show_call(Oid function, const List *argument_types, bool star)
{
    StringInfoData text;
    initStringInfo(&text);
    appendStringInfo(&text, "%s(", quote_identifier(get_func_name(function)));
    const char *separator = "";
    for (const Oid type : pg::each_oid(argument_types)) {
        appendStringInfo(&text, "%s%s", separator, format_type_be(type));
        separator = ", ";
    }
    if (star)
        appendStringInfoChar(&text, '*');
    appendStringInfoChar(&text, ')');
    return text.data;
}

} // namespace analyze
