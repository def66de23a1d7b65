/*
 * deparse.cpp - expressions as a reader would write them.
 *
 * Expressions of a View refer to its one source as range table entry 1, which is all that ruleutils needs to
 * know.  Those over the group row are put back over the source row first.
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

} // namespace

PG_GUARDED const char *show_over_source(const model::View &view, Node *expression)
{
    List *context = deparse_context_for(get_rel_name(view.source), view.source);
    return deparse_expression(expression, context, false, false);
}

PG_GUARDED const char *show_over_group(const model::View &view, Node *expression)
{
    model::View copy = view;
    return show_over_source(view, ungroup_mutator(expression, &copy));
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
