/*
 * functions.cpp - is what a query computes determined by what it reads?
 *
 * A table can be kept equal to a query only if the query's result changes when a source changes, and at no
 * other time.  Every function that the query calls, by whatever syntax, is looked up in pg_proc:
 *
 *     IMMUTABLE   determined by its arguments.
 *     VOLATILE    refused.
 *     STABLE      of pg_catalog: refused where its result changes by itself (the table below); the others
 *                 depend on settings such as TimeZone at most, which are pinned.
 *                 Of anybody else: refused, since it may read tables.
 *
 * PostgreSQL marks nearly every aggregate IMMUTABLE, so an aggregate is judged by the functions it is made
 * of.
 *
 * A STABLE function of pg_catalog that takes or gives any type (to_jsonb, format, array_out) goes by the
 * functions that write or read values of that type, and of what these are made of; so do casts by way of
 * text. These functions are judged, too: those of regclass look at the catalogs, wherever one is hidden.
 * Follows contain_mutable_functions (PostgreSQL, optimizer/util/clauses.c).
 */
#include <algorithm>

#include "analyze/parts.hpp"

extern "C" {
#include "catalog/pg_aggregate.h"
}

namespace analyze {

namespace {

/* Why a function's result changes by itself. */
enum class Cause : char { Clock, Session, Catalogs, Relations };

/* STABLE functions of pg_catalog that are refused. */
struct Unsteady {
    const char *name;
    bool prefix; /* every function whose name starts so */
    Cause cause;
};

constexpr Unsteady unsteady[] = {
    {"now", false, Cause::Clock},
    {"transaction_timestamp", false, Cause::Clock},
    {"statement_timestamp", false, Cause::Clock},
    {"mxid_age", false, Cause::Clock},
    {"timetz_in", false, Cause::Clock},
    {"pg_postmaster_start_time", false, Cause::Session},
    {"pg_conf_load_time", false, Cause::Session},
    {"txid_", true, Cause::Session},
    {"pg_current_", true, Cause::Session},
    {"pg_client_encoding", false, Cause::Session},
    {"pg_backend_pid", false, Cause::Session},
    {"pg_my_temp_schema", false, Cause::Session},
    {"pg_trigger_depth", false, Cause::Session},
    {"pg_listening_channels", false, Cause::Session},
    {"pg_cursor", false, Cause::Session},
    {"pg_prepared_statement", false, Cause::Session},
    {"current_database", false, Cause::Session},
    {"current_catalog", false, Cause::Session},
    {"current_schema", false, Cause::Session},
    {"current_schemas", false, Cause::Session},
    {"current_setting", false, Cause::Session},
    {"current_user", false, Cause::Session},
    {"session_user", false, Cause::Session},
    {"system_user", false, Cause::Session},
    {"getpgusername", false, Cause::Session},
    {"inet_client_", true, Cause::Session},
    {"inet_server_", true, Cause::Session},
    {"row_security_active", false, Cause::Session},
    {"version", false, Cause::Session},
    {"has_", true, Cause::Catalogs},
    {"reg", true, Cause::Catalogs},
    {"to_reg", true, Cause::Catalogs},
    {"aclitemin", false, Cause::Catalogs},
    {"aclitemout", false, Cause::Catalogs},
    {"col_description", false, Cause::Catalogs},
    {"obj_description", false, Cause::Catalogs},
    {"shobj_description", false, Cause::Catalogs},
    {"format_type", false, Cause::Catalogs},
    {"oidvectortypes", false, Cause::Catalogs},
    {"enum_first", false, Cause::Catalogs},
    {"enum_last", false, Cause::Catalogs},
    {"enum_range", false, Cause::Catalogs},
    {"table_to_xml", true, Cause::Relations},
    {"schema_to_xml", true, Cause::Relations},
    {"database_to_xml", true, Cause::Relations},
};

/*
 * The STABLE functions whose names start with pg_ look at the server (catalogs, statistics, files), but for
 * these, which look at their argument.
 */
constexpr const char *steady[] = {"pg_typeof", "pg_collation_for", "pg_char_to_encoding",
                                  "pg_encoding_to_char"};

/* What is gathered on the way. */
struct Search {
    bool uses_settings;
    bool writes; /* the expression at hand goes by the output functions of its arguments */
    bool reads;  /* ... by the input function of its result */
    const Level *level;
    const Refusal *refusal;
};

/* The cause as a sentence. */
PG_GUARDED const char *describe(Cause cause)
{
    switch (cause) {
    case Cause::Clock:
        return "Its result changes by itself as time passes.";
    case Cause::Session:
        return "Its result depends on the session or transaction that calls it.";
    case Cause::Catalogs:
        return "It looks at the system catalogs or the state of the server, whose changes cannot be noticed.";
    case Cause::Relations:
        return "It reads tables, whose changes cannot be noticed when they are read in this way.";
    }
    return nullptr;
}

/* The way out, where there is one. */
PG_GUARDED const char *way_out(Cause cause)
{
    switch (cause) {
    case Cause::Clock:
        return "Leave what depends on time out of the definition, and apply it where the table is queried.";
    case Cause::Session:
        return "Leave it out of the definition, and apply it where the table is queried.";
    case Cause::Catalogs:
    case Cause::Relations:
        return nullptr;
    }
    return nullptr;
}

/* A refusal of a function whose result changes by itself. */
PG_GUARDED const Refusal *refuse_unsteady(const char *function, Cause cause)
{
    return refuse(ERRCODE_FEATURE_NOT_SUPPORTED,
                  psprintf("%s cannot be used in an incremental materialized table", function),
                  describe(cause), way_out(cause));
}

/* What is looked up of a function. */
struct Declared {
    const char *name;
    char volatility;
    bool ours; /* of pg_catalog */
    int arguments;
    Oid last; /* type of the last argument */
    bool takes_any, gives_any;
};

/* Is the type any that a caller chooses? */
PG_GUARDED bool is_any(Oid type)
{
    return type != CSTRINGOID && type != INTERNALOID && get_typtype(type) == TYPTYPE_PSEUDO;
}

PG_GUARDED Declared look_up(Oid function)
{
    HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple))
        elog(ERROR, "cache lookup failed for function %u", function);
    const auto *proc = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
    Declared declared = {.name = pstrdup(NameStr(proc->proname)),
                         .volatility = proc->provolatile,
                         .ours = proc->pronamespace == PG_CATALOG_NAMESPACE,
                         .arguments = proc->pronargs,
                         .last = InvalidOid,
                         .takes_any = false,
                         .gives_any = is_any(proc->prorettype)};
    for (int i = 0; i < proc->pronargs; i++) {
        declared.last = proc->proargtypes.values[i];
        declared.takes_any = declared.takes_any || is_any(declared.last);
    }
    ReleaseSysCache(tuple);
    return declared;
}

PG_GUARDED bool is_known(const Declared &function, const Unsteady &known)
{
    return known.prefix ? strncmp(function.name, known.name, strlen(known.name)) == 0
                        : strcmp(function.name, known.name) == 0;
}

/* Does the function ask at which offset the clocks of a time zone are today? */
PG_GUARDED bool asks_for_offset(const Declared &function)
{
    return (strcmp(function.name, "timetz") == 0 && function.last == TIMEOID) ||
           (strcmp(function.name, "timezone") == 0 && function.last == TIMETZOID);
}

PG_GUARDED bool is_steady(const char *name)
{
    bool is = false;
    for (const char *exception : steady)
        is = is || strcmp(name, exception) == 0;
    return is;
}

/* Does a STABLE function of pg_catalog change its result by itself, and why? */
PG_GUARDED const Unsteady *find_unsteady(const Declared &function)
{
    static constexpr Unsteady by_clock = {"age", false, Cause::Clock};
    static constexpr Unsteady of_the_server = {"pg_", true, Cause::Catalogs};
    for (const Unsteady &known : unsteady)
        if (is_known(function, known))
            return &known;
    if ((is_known(function, by_clock) && function.arguments == 1) || asks_for_offset(function))
        return &by_clock;
    return is_known(function, of_the_server) && !is_steady(function.name) ? &of_the_server : nullptr;
}

/*
 * The command that declares a function IMMUTABLE; NULL for PostgreSQL's functions and those of pg_imat, which
 * are what they are.
 */
PG_GUARDED const char *declare_immutable(Oid function, const Declared &declared)
{
    const Oid extension = getExtensionOfObject(ProcedureRelationId, function);
    if (declared.ours || (OidIsValid(extension) && extension == get_extension_oid("pg_imat", true)))
        return nullptr;
    return psprintf(
        "If its result depends on nothing but its arguments, say so: ALTER FUNCTION %s IMMUTABLE.",
        format_procedure_qualified(function));
}

/* Functions that are declared IMMUTABLE although what they write depends on settings. */
constexpr const char *settings_readers[] = {"float4out", "float8out", "interval_out", "byteaout"};

PG_GUARDED bool reads_settings(const char *name)
{
    bool reads = false;
    for (const char *reader : settings_readers)
        reads = reads || strcmp(reader, name) == 0;
    return reads;
}

/* Judge a function by its pg_proc row; true: refused. */
PG_GUARDED bool check_declared(Oid function, Search *search)
{
    const Declared declared = look_up(function);
    if (declared.volatility == PROVOLATILE_IMMUTABLE) {
        search->uses_settings = search->uses_settings || (declared.ours && reads_settings(declared.name));
        return false;
    }
    const char *shown = psprintf("function %s", format_procedure(function));
    if (declared.volatility == PROVOLATILE_VOLATILE) {
        search->refusal = refuse(ERRCODE_FEATURE_NOT_SUPPORTED,
                                 psprintf("%s cannot be used in an incremental materialized table", shown),
                                 "It is VOLATILE: its result may be another one each time it is called.",
                                 declare_immutable(function, declared));
    } else if (!declared.ours) {
        search->refusal =
            refuse(ERRCODE_FEATURE_NOT_SUPPORTED,
                   psprintf("%s cannot be used in an incremental materialized table", shown),
                   "It is STABLE: it may read tables, or other things whose changes cannot be noticed.",
                   declare_immutable(function, declared));
    } else if (const Unsteady *known = find_unsteady(declared)) {
        search->refusal = refuse_unsteady(shown, known->cause);
    } else {
        search->uses_settings = true;
        search->writes = search->writes || (declared.takes_any && !is_steady(declared.name));
        search->reads = search->reads || declared.gives_any;
    }
    return search->refusal != nullptr;
}

/* Judge an aggregate by the functions it is made of; true: refused. */
PG_GUARDED bool check_aggregate(Oid aggregate, Search *search)
{
    HeapTuple tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
    if (!HeapTupleIsValid(tuple))
        return false;
    const auto *row = reinterpret_cast<Form_pg_aggregate>(GETSTRUCT(tuple));
    const Oid parts[] = {row->aggtransfn, row->aggfinalfn, row->aggmtransfn, row->aggminvtransfn,
                         row->aggmfinalfn};
    ReleaseSysCache(tuple);
    return std::ranges::any_of(
        parts, [search](Oid part) { return OidIsValid(part) && check_declared(part, search); });
}

extern "C" {

/* Callback of check_functions_in_node; true: refused. */
PG_GUARDED static bool check_one(Oid function, void *context)
{
    auto *search = static_cast<Search *>(context);
    return check_declared(function, search) || check_aggregate(function, search);
}

} // extern "C"

enum class Direction : char { In, Out };

PG_GUARDED bool check_type(Oid type, Direction direction, Search *search);

/* Judge the columns of a row; true: refused. */
PG_GUARDED bool check_columns(TupleDesc row, Direction direction, Search *search)
{
    bool refused = false;
    for (int i = 0; i < row->natts && !refused; i++) {
        const FormData_pg_attribute *column = TupleDescAttr(row, i);
        refused = !column->attisdropped && check_type(column->atttypid, direction, search);
    }
    return refused;
}

/*
 * Judge the functions by which values of a type, and what these are made of, are read from text or written as
 * text; true: refused.
 */
PG_GUARDED bool check_type(Oid type, Direction direction, Search *search)
{
    check_stack_depth();
    Oid function;
    Oid parameter;
    bool is_varlena;
    const Oid base = getBaseType(type);
    if (!OidIsValid(base) || base == RECORDOID)
        return false;
    if (const Oid element = get_element_type(base); OidIsValid(element))
        return check_type(element, direction, search);
    if (const Oid bound = pg::range_subtype(base); OidIsValid(bound))
        return check_type(bound, direction, search);
    if (type_is_rowtype(base)) {
        TupleDesc row = lookup_rowtype_tupdesc(base, -1);
        const bool refused = check_columns(row, direction, search);
        ReleaseTupleDesc(row);
        return refused;
    }
    if (direction == Direction::In)
        getTypeInputInfo(base, &function, &parameter);
    else
        getTypeOutputInfo(base, &function, &is_varlena);
    return check_declared(function, search);
}

PG_GUARDED bool check_types(const List *types, Search *search)
{
    bool refused = false;
    for (Oid type : pg::each_oid(types))
        refused = refused || check_type(type, Direction::In, search);
    return refused;
}

/* Judging how an expression is written as text. */
struct Writing {
    Search *search;
    const Level *level;
    Visited *visited;
};

PG_GUARDED bool check_written(Node *expression, const Writing &writing);

extern "C" {

/* Walker: judge how the parts of an expression are written as text; true: refused. */
PG_GUARDED static bool written_walker(Node *node, void *context)
{
    const auto &writing = *static_cast<const Writing *>(context);
    if (node == nullptr || IsA(node, SortGroupClause) ||
        (IsA(node, TargetEntry) && castNode(TargetEntry, node)->resjunk))
        return false;
    if (IsA(node, Query)) {
        const Level level = {castNode(Query, node), writing.level};
        Writing inside = {writing.search, &level, writing.visited};
        return written_walker(reinterpret_cast<Node *>(level.query->targetList), &inside);
    }
    if (IsA(node, List) || IsA(node, TargetEntry) || IsA(node, CaseWhen))
        return pg::walk_expression(node, written_walker, context);
    return check_written(node, writing);
}

} // extern "C"

/* Judge how a row without a type of its own is written: by whatever it is made of; true: refused. */
PG_GUARDED bool check_record(Node *expression, Writing writing)
{
    TupleDesc row = nullptr;
    if (IsA(expression, Var)) {
        bool refused = false;
        for (auto *origin :
             pg::each<Origin>(origins_of(*writing.level, castNode(Var, expression), writing.visited)))
            refused = refused ||
                      check_written(origin->expression, {writing.search, &origin->level, writing.visited});
        return refused;
    }
    if (IsA(expression, FuncExpr) && get_expr_result_type(expression, nullptr, &row) == TYPEFUNC_COMPOSITE &&
        check_columns(row, Direction::Out, writing.search))
        return true;
    return pg::walk_expression(expression, written_walker, &writing);
}

/* Judge how an expression is written as text; true: refused. */
PG_GUARDED bool check_written(Node *expression, const Writing &writing)
{
    check_stack_depth();
    const Oid type = exprType(expression);
    return type == RECORDOID || type == RECORDARRAYOID ? check_record(expression, writing)
                                                       : check_type(type, Direction::Out, writing.search);
}

/* Judge how what goes into an expression is written as text; true: refused. */
PG_GUARDED bool check_arguments(Node *expression, Search *search)
{
    Visited visited = {};
    Writing writing = {search, search->level, &visited};
    return pg::walk_expression(expression, written_walker, &writing);
}

/* Note the conversions that are no function calls. */
PG_GUARDED void note_conversion(Node *node, Search *search)
{
    const bool in_text = IsA(node, CoerceViaIO) || pg::is_sql_json(node);
    const bool of_records =
        IsA(node, ArrayCoerceExpr) &&
        exprType(reinterpret_cast<Node *>(castNode(ArrayCoerceExpr, node)->arg)) == RECORDARRAYOID;
    search->writes = in_text || of_records || IsA(node, XmlExpr);
    search->reads = in_text;
    search->uses_settings =
        search->uses_settings || IsA(node, XmlExpr) || IsA(node, TableFunc) || pg::is_sql_json(node);
}

/* Judge the functions that are called by the expression itself, not by its parts; true: refused. */
PG_GUARDED bool check_called(Node *node, Search *search)
{
    note_conversion(node, search);
    if (check_functions_in_node(node, check_one, search))
        return true;
    const bool reads = search->reads;
    return (search->writes && check_arguments(node, search)) ||
           (reads && check_type(exprType(node), Direction::In, search));
}

/* Judge how the columns of what a function gives as rows are read from text; true: refused. */
PG_GUARDED bool check_rows(Node *node, Search *search)
{
    if (IsA(node, TableFunc))
        return check_types(castNode(TableFunc, node)->coltypes, search);
    if (!IsA(node, RangeTblFunction))
        return false;
    const auto *item = reinterpret_cast<RangeTblFunction *>(node);
    if (item->funccoltypes == NIL)
        return false;
    search->reads = false;
    return check_functions_in_node(item->funcexpr, check_one, search) ||
           (search->reads && check_types(item->funccoltypes, search));
}

/* Judge CURRENT_DATE and its like, which are no function calls. */
PG_GUARDED const Refusal *check_value_function(const SQLValueFunction *function)
{
    switch (function->op) {
    case SVFOP_CURRENT_DATE:
        return refuse_unsteady("CURRENT_DATE", Cause::Clock);
    case SVFOP_CURRENT_TIME:
    case SVFOP_CURRENT_TIME_N:
        return refuse_unsteady("CURRENT_TIME", Cause::Clock);
    case SVFOP_CURRENT_TIMESTAMP:
    case SVFOP_CURRENT_TIMESTAMP_N:
        return refuse_unsteady("CURRENT_TIMESTAMP", Cause::Clock);
    case SVFOP_LOCALTIME:
    case SVFOP_LOCALTIME_N:
        return refuse_unsteady("LOCALTIME", Cause::Clock);
    case SVFOP_LOCALTIMESTAMP:
    case SVFOP_LOCALTIMESTAMP_N:
        return refuse_unsteady("LOCALTIMESTAMP", Cause::Clock);
    case SVFOP_CURRENT_ROLE:
        return refuse_unsteady("CURRENT_ROLE", Cause::Session);
    case SVFOP_CURRENT_USER:
        return refuse_unsteady("CURRENT_USER", Cause::Session);
    case SVFOP_USER:
        return refuse_unsteady("USER", Cause::Session);
    case SVFOP_SESSION_USER:
        return refuse_unsteady("SESSION_USER", Cause::Session);
    case SVFOP_CURRENT_CATALOG:
        return refuse_unsteady("CURRENT_CATALOG", Cause::Session);
    case SVFOP_CURRENT_SCHEMA:
        return refuse_unsteady("CURRENT_SCHEMA", Cause::Session);
    }
    return refuse_unsteady("an SQL value function", Cause::Session);
}

extern "C" {

/* Walker: judge whatever is computed, at every level; true: refused. */
PG_GUARDED static bool function_walker(Node *node, void *context)
{
    auto *search = static_cast<Search *>(context);
    if (node == nullptr)
        return false;
    if (IsA(node, Query)) {
        const Level level = {castNode(Query, node), search->level};
        search->level = &level;
        const bool refused = pg::walk_query(level.query, function_walker, context, QTW_IGNORE_JOINALIASES);
        search->level = level.outer;
        return refused;
    }
    if (IsA(node, SQLValueFunction))
        search->refusal = check_value_function(castNode(SQLValueFunction, node));
    else if (converts_present(node, *search->level))
        search->refusal = refuse_unsteady("text that means the present time, such as 'now',", Cause::Clock);
    else if (IsA(node, NextValueExpr))
        search->refusal = refuse_unsteady("nextval", Cause::Session);
    return search->refusal != nullptr || check_called(node, search) || check_rows(node, search) ||
           pg::walk_expression(node, function_walker, context);
}

} // extern "C"

} // namespace

PG_GUARDED const Refusal *check_functions(Query *expanded, bool *uses_settings)
{
    const Level level = {expanded, nullptr};
    Search search = {};
    search.level = &level;
    pg::walk_query(expanded, function_walker, &search, QTW_IGNORE_JOINALIASES);
    *uses_settings = search.uses_settings;
    return search.refusal;
}

} // namespace analyze
