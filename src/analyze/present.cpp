/*
 * present.cpp - text that means the present time: 'now', 'today', 'tomorrow', 'yesterday'.
 *
 * PostgreSQL reads such a word as the time at which it becomes a date or a time.  In a literal of that type
 * this is when the query is analysed: a constant like any other.  Where text is converted as the query runs,
 * the result changes by itself.  So a conversion is refused whose text is a constant with such a word in it,
 * or may turn out to be one.  What text the rows hold cannot be known.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

constexpr const char *words[] = {"now", "today", "tomorrow", "yesterday"};

PG_GUARDED bool is_word_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Is one of the words in the text, with no letter beside it? */
PG_GUARDED bool has_word(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        for (const char *word : words)
            if ((at == text || !is_word_character(at[-1])) && pg_strncasecmp(at, word, strlen(word)) == 0 &&
                !is_word_character(at[strlen(word)]))
                return true;
    return false;
}

PG_GUARDED bool is_present(const Const *constant)
{
    Oid output;
    bool is_varlena;
    if (constant->constisnull)
        return false;
    getTypeOutputInfo(constant->consttype, &output, &is_varlena);
    return has_word(OidOutputFunctionCall(output, constant->constvalue));
}

/* May an expression, in which what is constant has been computed, come to such a text? */
PG_GUARDED bool may_be_present(Node *node)
{
    check_stack_depth();
    bool may = false;
    if (node == nullptr)
        return false;
    switch (nodeTag(node)) {
    case T_Const:
        return is_present(reinterpret_cast<Const *>(node));
    case T_RelabelType:
        return may_be_present(reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(node)->arg));
    case T_CoalesceExpr:
        for (auto *part : pg::each<Node>(reinterpret_cast<CoalesceExpr *>(node)->args))
            may = may || may_be_present(part);
        return may;
    case T_CaseExpr:
        for (auto *when : pg::each<CaseWhen>(reinterpret_cast<CaseExpr *>(node)->args))
            may = may || may_be_present(reinterpret_cast<Node *>(when->result));
        return may || may_be_present(reinterpret_cast<Node *>(reinterpret_cast<CaseExpr *>(node)->defresult));
    default:
        return false;
    }
}

/* Is a value of the type a date or time, or made of such? */
PG_GUARDED bool holds_time(Oid type)
{
    check_stack_depth();
    const Oid base = getBaseType(type);
    if (const Oid element = get_element_type(base); OidIsValid(element))
        return holds_time(element);
    if (const Oid bound = pg::range_subtype(base); OidIsValid(bound))
        return holds_time(bound);
    return base == DATEOID || base == TIMEOID || base == TIMETZOID || base == TIMESTAMPOID ||
           base == TIMESTAMPTZOID || type_is_rowtype(base);
}

/* The text that an expression makes a value of, or NULL where it is none of that kind. */
PG_GUARDED Node *converted_text(Node *node)
{
    if (IsA(node, CoerceViaIO)) {
        const auto *coercion = reinterpret_cast<CoerceViaIO *>(node);
        return holds_time(coercion->resulttype) ? reinterpret_cast<Node *>(coercion->arg) : nullptr;
    }
    if (IsA(node, ArrayCoerceExpr)) {
        const auto *coercion = reinterpret_cast<ArrayCoerceExpr *>(node);
        return holds_time(coercion->resulttype) &&
                       !holds_time(exprType(reinterpret_cast<Node *>(coercion->arg)))
                   ? reinterpret_cast<Node *>(coercion->arg)
                   : nullptr;
    }
    if (!IsA(node, FuncExpr))
        return nullptr;
    const auto *call = reinterpret_cast<FuncExpr *>(node);
    const bool reads = call->args != NIL && exprType(static_cast<Node *>(linitial(call->args))) == CSTRINGOID;
    return reads && holds_time(call->funcresulttype) ? static_cast<Node *>(linitial(call->args)) : nullptr;
}

} // namespace

PG_GUARDED bool converts_present(Node *node)
{
    Node *text = converted_text(node);
    return text != nullptr &&
           may_be_present(eval_const_expressions(nullptr, static_cast<Node *>(copyObjectImpl(text))));
}

} // namespace analyze
