/*
 * present.cpp - text that means the present time: 'now', 'today', 'tomorrow', 'yesterday'.
 *
 * PostgreSQL reads such a word as the time at which it becomes a date or a time.  In a literal of that type
 * this is when the query is analysed: a constant like any other.  Where text is converted as the query runs,
 * the result changes by itself.  So a conversion is refused whose text is a constant with such a word in it,
 * or may turn out to be one: a column of a subquery, a WITH query or VALUES is looked up there.  What text
 * the rows hold cannot be known, nor what is computed of it.
 */
#include "analyze/parts.hpp"

namespace analyze {

namespace {

/* A column of an item of FROM; 0: its whole row. */
struct Column {
    const RangeTblEntry *entry;
    AttrNumber number;
};

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

PG_GUARDED List *add_origin(Node *expression, const Level &level, List *found)
{
    if (expression == nullptr) /* a dropped column */
        return found;
    auto *origin = static_cast<Origin *>(palloc(sizeof(Origin)));
    *origin = {.expression = expression, .level = level};
    return lappend(found, origin);
}

/* Add what a query, or each of those that a set operation is over, shows in a column, or in all (0). */
PG_GUARDED List *add_targets(Query *query, const Level *outer, AttrNumber column, List *found)
{
    check_stack_depth();
    auto *level = static_cast<Level *>(palloc(sizeof(Level)));
    *level = {query, outer};
    if (query->setOperations != nullptr) {
        for (auto *entry : pg::each<RangeTblEntry>(query->rtable))
            if (entry->rtekind == RTE_SUBQUERY)
                found = add_targets(entry->subquery, level, column, found);
        return found;
    }
    for (auto *target : pg::each<TargetEntry>(query->targetList))
        if (!target->resjunk && (column == 0 || column == target->resno))
            found = add_origin(reinterpret_cast<Node *>(target->expr), *level, found);
    return found;
}

/* Add one of a list of expressions, or all (0). */
PG_GUARDED List *add_listed(const List *expressions, const Level &level, AttrNumber column, List *found)
{
    int number = 0;
    for (auto *expression : pg::each<Node>(expressions))
        if (++number == column || column == 0)
            found = add_origin(expression, level, found);
    return found;
}

PG_GUARDED List *add_types(const List *types, const Level &level, List *found)
{
    for (Oid type : pg::each_oid(types))
        found = add_origin(reinterpret_cast<Node *>(makeNullConst(type, -1, InvalidOid)), level, found);
    return found;
}

PG_GUARDED List *add_functions(const List *functions, const Level &level, List *found)
{
    for (auto *item : pg::each<RangeTblFunction>(functions)) {
        found = add_origin(item->funcexpr, level, found);
        found = add_types(item->funccoltypes, level, found);
    }
    return found;
}

/* What a column, or all (0), of an entry of the level shows. */
PG_GUARDED List *columns_of_entry(const Level &level, const RangeTblEntry *entry, AttrNumber column)
{
    List *found = NIL;
    const Level *home = nullptr;
    switch (entry->rtekind) {
    case RTE_SUBQUERY:
        return level.query->setOperations != nullptr ? add_targets(level.query, level.outer, column, NIL)
                                                     : add_targets(entry->subquery, &level, column, NIL);
    case RTE_CTE: {
        CommonTableExpr *with = with_query(level, entry, &home);
        return add_targets(castNode(Query, with->ctequery), home, column, NIL);
    }
    case RTE_JOIN:
        return add_listed(entry->joinaliasvars, level, column, NIL);
    case RTE_VALUES:
        for (auto *row : pg::each<List>(entry->values_lists))
            found = add_listed(row, level, column, found);
        return found;
    case RTE_FUNCTION:
        return add_functions(entry->functions, level, NIL);
    case RTE_TABLEFUNC:
        return add_types(entry->tablefunc->coltypes, level, NIL);
    case RTE_RELATION:
    case RTE_NAMEDTUPLESTORE:
    case RTE_RESULT:
        return NIL;
    default:
        return add_listed(pg::grouping_step(level.query), level, column, NIL);
    }
}

/* An expression with what is constant computed, under the settings of today. */
PG_GUARDED Node *fold_constants(Node *expression)
{
    auto *root = makeNode(PlannerInfo);
    root->glob = makeNode(PlannerGlobal);
    return estimate_expression_value(root, static_cast<Node *>(copyObjectImpl(expression)));
}

/* What is looked for on the way. */
struct Look {
    const Level *level;
    Visited *visited;
};

PG_GUARDED bool may_be_present(Node *node, const Look &look);

/* ... one of what is shown in columns. */
PG_GUARDED bool may_show_present(const List *origins, const Look &look)
{
    bool may = false;
    for (auto *origin : pg::each<Origin>(origins))
        may = may || may_be_present(fold_constants(origin->expression), {&origin->level, look.visited});
    return may;
}

/* ... one of the outcomes of CASE. */
PG_GUARDED bool may_show_present(const CaseExpr *expression, const Look &look)
{
    bool may = may_be_present(reinterpret_cast<Node *>(expression->defresult), look);
    for (auto *when : pg::each<CaseWhen>(expression->args))
        may = may || may_be_present(reinterpret_cast<Node *>(when->result), look);
    return may;
}

extern "C" {

/* Walker: may one of the parts come to such a text? */
PG_GUARDED static bool part_walker(Node *node, void *context)
{
    return may_be_present(node, *static_cast<const Look *>(context));
}

} // extern "C"

/* May an expression, in which what is constant has been computed, come to such a text? */
PG_GUARDED bool may_be_present(Node *node, const Look &look)
{
    check_stack_depth();
    Look parts = look;
    if (node == nullptr)
        return false;
    switch (nodeTag(node)) {
    case T_Const:
        return is_present(reinterpret_cast<Const *>(node));
    case T_Var:
        return may_show_present(origins_of(*look.level, reinterpret_cast<Var *>(node), look.visited), look);
    case T_Query:
        return may_show_present(add_targets(reinterpret_cast<Query *>(node), look.level, 0, NIL), look);
    case T_CaseExpr:
        return may_show_present(reinterpret_cast<CaseExpr *>(node), look);
    case T_NullIfExpr:
        return may_be_present(static_cast<Node *>(linitial(reinterpret_cast<NullIfExpr *>(node)->args)),
                              look);
    case T_FuncExpr:
        /* unnest and its like give what they take. */
        return reinterpret_cast<FuncExpr *>(node)->funcretset &&
               pg::walk_expression(node, part_walker, &parts);
    case T_List:
    case T_RelabelType:
    case T_CollateExpr:
    case T_CoerceViaIO:
    case T_CoerceToDomain:
    case T_ArrayExpr:
    case T_ArrayCoerceExpr:
    case T_CoalesceExpr:
    case T_MinMaxExpr:
    case T_SubLink:
        return pg::walk_expression(node, part_walker, &parts);
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

PG_GUARDED bool hold_time(const List *types)
{
    bool hold = false;
    for (Oid type : pg::each_oid(types))
        hold = hold || holds_time(type);
    return hold;
}

/* What a call of an input function, or of one that makes rows of JSON, makes a date or time of; or NULL. */
PG_GUARDED Node *converted_arguments(const FuncExpr *call)
{
    const Oid declared = get_func_rettype(call->funcid);
    bool text = false;
    bool json = false;
    for (auto *argument : pg::each<Node>(call->args)) {
        const Oid type = exprType(argument);
        text = text || type == CSTRINGOID;
        json = json || type == JSONOID || type == JSONBOID;
    }
    return holds_time(call->funcresulttype) && (text || (json && declared == ANYELEMENTOID))
               ? reinterpret_cast<Node *>(call->args)
               : nullptr;
}

/* What a function in FROM makes rows of that hold a date or time, in columns whose types go with the call. */
PG_GUARDED Node *converted_rows(const RangeTblFunction *item)
{
    return IsA(item->funcexpr, FuncExpr) && hold_time(item->funccoltypes)
               ? reinterpret_cast<Node *>(castNode(FuncExpr, item->funcexpr)->args)
               : nullptr;
}

/* The text, or texts, that an expression makes a value of, or NULL where it is none of that kind. */
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
    if (IsA(node, TableFunc))
        return hold_time(castNode(TableFunc, node)->coltypes) ? castNode(TableFunc, node)->docexpr : nullptr;
    if (IsA(node, RangeTblFunction))
        return converted_rows(reinterpret_cast<RangeTblFunction *>(node));
    return IsA(node, FuncExpr) ? converted_arguments(reinterpret_cast<FuncExpr *>(node)) : nullptr;
}

} // namespace

PG_GUARDED List *origins_of(const Level &level, const Var *var, Visited *visited)
{
    const Level *home = &level;
    for (Index up = var->varlevelsup; up > 0; up--)
        home = home->outer;
    const RangeTblEntry *entry = rt_fetch(static_cast<Index>(var->varno), home->query->rtable);
    for (auto *column : pg::each<Column>(visited->columns))
        if (column->entry == entry && column->number == var->varattno)
            return NIL;
    auto *column = static_cast<Column *>(palloc(sizeof(Column)));
    *column = {.entry = entry, .number = var->varattno};
    visited->columns = lappend(visited->columns, column);
    return columns_of_entry(*home, entry, var->varattno);
}

PG_GUARDED bool converts_present(Node *node, const Level &level)
{
    Node *text = converted_text(node);
    Visited visited = {};
    return text != nullptr && may_be_present(fold_constants(text), {&level, &visited});
}

} // namespace analyze
