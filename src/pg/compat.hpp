/*
 * compat.hpp - the differences between PostgreSQL releases, and nothing else.
 *
 * Each function here is what the newest release calls it, made to work on the older ones.  No other file
 * looks at PG_VERSION_NUM.
 */
#pragma once

#ifndef PG_VERSION_NUM
#error "include pg/postgres.hpp instead"
#endif

namespace pg {

/* The cell after this one. */
inline ListCell *next_cell([[maybe_unused]] const List *list, ListCell *cell) noexcept
{
#if PG_VERSION_NUM >= 130000
    return lnext(list, cell);
#else
    return lnext(cell);
#endif
}

/* Plan a rewritten query. */
inline PlannedStmt *plan_query(Query *query, int cursor_options)
{
#if PG_VERSION_NUM >= 130000
    return pg_plan_query(query, "", cursor_options, nullptr);
#else
    return pg_plan_query(query, cursor_options, nullptr);
#endif
}

/* An execution of the plan under the snapshot, without parameters. */
inline QueryDesc *create_query_desc(PlannedStmt *plan, Snapshot snapshot, DestReceiver *destination,
                                    QueryEnvironment *environment)
{
    return CreateQueryDesc(plan, "", snapshot, InvalidSnapshot, destination, nullptr, environment, 0);
}

/* Run an execution to its end. */
inline void execute_all(QueryDesc *execution)
{
#if PG_VERSION_NUM >= 180000
    ExecutorRun(execution, ForwardScanDirection, 0);
#else
    ExecutorRun(execution, ForwardScanDirection, 0, true);
#endif
}

/* Is the numeric an infinity?  Before PostgreSQL 14 none was. */
inline bool numeric_is_inf([[maybe_unused]] Numeric value)
{
#if PG_VERSION_NUM >= 140000
    return ::numeric_is_inf(value);
#else
    return false;
#endif
}

/* Is the numeric below zero? */
inline bool numeric_is_negative(Numeric value)
{
    Numeric sign = DatumGetNumeric(DirectFunctionCall1(numeric_sign, NumericGetDatum(value)));
    return DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(sign))) < 0;
}

/* Is the interval an infinity: -1, 0 (no) or 1?  Before PostgreSQL 17 all were finite. */
inline int interval_infinity([[maybe_unused]] const Interval &interval)
{
#if PG_VERSION_NUM >= 170000
    if (INTERVAL_IS_NOBEGIN(&interval))
        return -1;
    if (INTERVAL_IS_NOEND(&interval))
        return 1;
#endif
    return 0;
}

/* An infinite interval, made in *interval. */
inline Interval *infinite_interval([[maybe_unused]] bool negative, Interval *interval)
{
#if PG_VERSION_NUM >= 170000
    if (negative)
        INTERVAL_NOBEGIN(interval);
    else
        INTERVAL_NOEND(interval);
#endif
    return interval;
}

/* Bytes that a memory context and its children have taken from the system. */
inline std::size_t memory_allocated(MemoryContext context)
{
#if PG_VERSION_NUM >= 130000
    return MemoryContextMemAllocated(context, true);
#else
    MemoryContextCounters counters = {};
    context->methods->stats(context, nullptr, nullptr, &counters);
    return counters.totalspace;
#endif
}

/* A callback of a tree walker, and of a tree mutator. */
using TreeWalker = bool (*)(Node *node, void *context);
using TreeMutator = Node *(*)(Node *node, void *context);

#if PG_VERSION_NUM < 160000
namespace detail {

/* The prototypes without arguments that walkers and mutators had; by way of the type that matches any. */
inline auto untyped(TreeWalker walker) noexcept
{
    return reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker));
}
inline auto untyped(TreeMutator mutator) noexcept
{
    return reinterpret_cast<Node *(*)()>(reinterpret_cast<void (*)()>(mutator));
}

} // namespace detail
#endif

/* expression_tree_walker: visit the children of an expression. */
inline bool walk_expression(Node *node, TreeWalker walker, void *context)
{
#if PG_VERSION_NUM >= 160000
    return expression_tree_walker(node, walker, context);
#else
    return expression_tree_walker(node, detail::untyped(walker), context);
#endif
}

/* expression_tree_mutator: copy an expression, its children changed. */
inline Node *mutate_expression(Node *node, TreeMutator mutator, void *context)
{
#if PG_VERSION_NUM >= 160000
    return expression_tree_mutator(node, mutator, context);
#else
    return expression_tree_mutator(node, detail::untyped(mutator), context);
#endif
}

/* query_tree_walker: visit what a query consists of. */
inline bool walk_query(Query *query, TreeWalker walker, void *context, int flags)
{
#if PG_VERSION_NUM >= 160000
    return query_tree_walker(query, walker, context, flags);
#else
    return query_tree_walker(query, detail::untyped(walker), context, flags);
#endif
}

/* query_tree_mutator: copy a query, what it consists of changed. */
inline Query *mutate_query(Query *query, TreeMutator mutator, void *context, int flags)
{
#if PG_VERSION_NUM >= 160000
    return query_tree_mutator(query, mutator, context, flags);
#else
    return query_tree_mutator(query, detail::untyped(mutator), context, flags);
#endif
}

/* Replace Vars that refer to the grouping step (PostgreSQL 18 has them) by what is grouped by. */
inline Node *flatten_group_exprs([[maybe_unused]] Query *query, Node *node)
{
#if PG_VERSION_NUM >= 180000
    return query->hasGroupRTE ? ::flatten_group_exprs(nullptr, query, node) : node;
#else
    return node;
#endif
}

/* The expressions that Vars of the grouping step stand for; NIL: there is no such step. */
inline List *grouping_step([[maybe_unused]] const Query *query)
{
#if PG_VERSION_NUM >= 180000
    ListCell *cell;
    foreach (cell, query->hasGroupRTE ? query->rtable : NIL)
        if (lfirst_node(RangeTblEntry, cell)->rtekind == RTE_GROUP)
            return lfirst_node(RangeTblEntry, cell)->groupexprs;
#endif
    return NIL;
}

/* Have them stand for others, if there is such a step. */
inline void set_grouping_step([[maybe_unused]] Query *query, [[maybe_unused]] List *expressions)
{
#if PG_VERSION_NUM >= 180000
    ListCell *cell;
    foreach (cell, query->hasGroupRTE ? query->rtable : NIL)
        if (lfirst_node(RangeTblEntry, cell)->rtekind == RTE_GROUP)
            lfirst_node(RangeTblEntry, cell)->groupexprs = expressions;
#endif
}

/* Have a query group by another expression: its n-th clause, which is about the target; the first is 0. */
inline void set_group_key([[maybe_unused]] Query *query, [[maybe_unused]] int number, TargetEntry *target,
                          Expr *expression)
{
#if PG_VERSION_NUM >= 180000
    int step = 0;
    ListCell *cell;
    foreach (cell, query->hasGroupRTE ? query->rtable : NIL) {
        ++step;
        if (lfirst_node(RangeTblEntry, cell)->rtekind != RTE_GROUP)
            continue;
        Node *node = reinterpret_cast<Node *>(expression);
        lfirst(list_nth_cell(lfirst_node(RangeTblEntry, cell)->groupexprs, number)) = expression;
        expression =
            reinterpret_cast<Expr *>(makeVar(step, static_cast<AttrNumber>(number + 1), exprType(node),
                                             exprTypmod(node), exprCollation(node), 0));
    }
#endif
    target->expr = expression;
}

/* The grouping sets of a query, one by one: a List of integer Lists of what SortGroupClauses refer to. */
inline List *expand_grouping_sets(const Query *query)
{
#if PG_VERSION_NUM >= 140000
    return ::expand_grouping_sets(query->groupingSets, query->groupDistinct, -1);
#else
    return ::expand_grouping_sets(query->groupingSets, -1);
#endif
}

/* Replace Vars of a subquery by the expressions of its target list; an error where there is none. */
inline Node *replace_vars_from_target_list(Node *node, int varno, RangeTblEntry *entry, List *target_list)
{
#if PG_VERSION_NUM >= 180000
    return ReplaceVarsFromTargetList(node, varno, 0, entry, target_list, 0, REPLACEVARS_REPORT_ERROR, 0,
                                     nullptr);
#else
    return ReplaceVarsFromTargetList(node, varno, 0, entry, target_list, REPLACEVARS_REPORT_ERROR, 0,
                                     nullptr);
#endif
}

/* The statements of a text, not yet analysed. */
inline List *raw_parser(const char *text)
{
#if PG_VERSION_NUM >= 140000
    return ::raw_parser(text, RAW_PARSE_DEFAULT);
#else
    return ::raw_parser(text);
#endif
}

/* Analyse a statement that has no parameters. */
inline Query *parse_analyze_fixedparams(RawStmt *statement, const char *text)
{
#if PG_VERSION_NUM >= 150000
    return ::parse_analyze_fixedparams(statement, text, nullptr, 0, nullptr);
#else
    return parse_analyze(statement, text, nullptr, 0, nullptr);
#endif
}

/* May the user read what one level of a query reads?  If not so, and told to complain, raise an error. */
inline bool check_permissions(Query *query, bool complain)
{
#if PG_VERSION_NUM >= 160000
    return ExecCheckPermissions(query->rtable, query->rteperminfos, complain);
#else
    return ExecCheckRTPerms(query->rtable, complain);
#endif
}

/* The columns of an entry that a level of a query names, as pull_varattnos has them. */
inline const Bitmapset *selected_columns([[maybe_unused]] const Query *query, RangeTblEntry *entry)
{
#if PG_VERSION_NUM >= 160000
    return getRTEPermissionInfo(query->rteperminfos, entry)->selectedCols;
#else
    return entry->selectedCols;
#endif
}

/* Does the role own the relation? */
inline bool owns_relation(Oid relation, Oid role)
{
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(RelationRelationId, relation, role);
#else
    return pg_class_ownercheck(relation, role);
#endif
}

inline bool owns_schema(Oid schema, Oid role)
{
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(NamespaceRelationId, schema, role);
#else
    return pg_namespace_ownercheck(schema, role);
#endif
}

/* Does a constraint that holds for every row keep NULL out of the column? */
inline bool is_not_null(TupleDesc row, AttrNumber column)
{
#if PG_VERSION_NUM >= 180000
    return TupleDescCompactAttr(row, column - 1)->attnullability == ATTNULLABLE_VALID;
#else
    return TupleDescAttr(row, column - 1)->attnotnull;
#endif
}

/* Is the column computed when it is read?  Before PostgreSQL 18 none was. */
inline bool is_virtual([[maybe_unused]] TupleDesc row, [[maybe_unused]] AttrNumber column)
{
#if PG_VERSION_NUM >= 180000
    return TupleDescAttr(row, column - 1)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL;
#else
    return false;
#endif
}

/* Is this one of the SQL/JSON expressions, which PostgreSQL 16 and 17 brought? */
inline bool is_sql_json([[maybe_unused]] Node *node)
{
#if PG_VERSION_NUM >= 170000
    if (IsA(node, JsonExpr))
        return true;
#endif
#if PG_VERSION_NUM >= 160000
    return IsA(node, JsonConstructorExpr);
#else
    return false;
#endif
}

/*
 * Do values that a btree operator family calls equal look the same, so that one may stand for another?
 * Before PostgreSQL 13 operator families didn't tell: there it is so for the families named here.  Of
 * character and interval some minor releases say so by mistake.
 */
inline bool equal_is_image(Oid family, Oid type, [[maybe_unused]] Oid collation)
{
    if (type == BPCHAROID || type == INTERVALOID)
        return false;
#if PG_VERSION_NUM >= 130000
    const Oid proof = get_opfamily_proc(family, type, type, BTEQUALIMAGE_PROC);
    return OidIsValid(proof) && DatumGetBool(OidFunctionCall1Coll(proof, collation, ObjectIdGetDatum(type)));
#else
    return family == INTEGER_BTREE_FAM_OID || family == OID_BTREE_FAM_OID || family == BOOL_BTREE_FAM_OID ||
           (family == TEXT_BTREE_FAM_OID && get_collation_isdeterministic(collation));
#endif
}

/* A row type made column by column is complete.  Something has to be done about that since PostgreSQL 19. */
inline void finalize_tuple_desc([[maybe_unused]] TupleDesc type)
{
#if PG_VERSION_NUM >= 190000
    TupleDescFinalize(type);
#endif
}

/* The role whose members may read all statistics. */
constexpr Oid role_pg_read_all_stats() noexcept
{
#if PG_VERSION_NUM >= 140000
    return ROLE_PG_READ_ALL_STATS;
#else
    return DEFAULT_ROLE_READ_ALL_STATS;
#endif
}

/* What the role may do in the schema. */
inline AclResult schema_aclcheck(Oid schema, Oid role, AclMode mode)
{
#if PG_VERSION_NUM >= 160000
    return object_aclcheck(NamespaceRelationId, schema, role, mode);
#else
    return pg_namespace_aclcheck(schema, role, mode);
#endif
}

/* May the role maintain (REFRESH and its like) the relation without owning it? */
inline bool may_maintain([[maybe_unused]] Oid relation, [[maybe_unused]] Oid role)
{
#if PG_VERSION_NUM >= 170000
    return pg_class_aclcheck(relation, role, ACL_MAINTAIN) == ACLCHECK_OK;
#else
    return false;
#endif
}

/* A transient heap of the shape of the old one. */
inline Oid make_transient_heap(Relation old, LOCKMODE lock)
{
#if PG_VERSION_NUM >= 150000
    return make_new_heap(RelationGetRelid(old), old->rd_rel->reltablespace, old->rd_rel->relam,
                         old->rd_rel->relpersistence, lock);
#else
    return make_new_heap(RelationGetRelid(old), old->rd_rel->reltablespace, old->rd_rel->relpersistence,
                         lock);
#endif
}

/* The definition of an index, copied onto another heap of the same shape; not built. */
inline Oid copy_index(Relation heap, Relation index, const char *name)
{
#if PG_VERSION_NUM >= 140000
    return index_concurrently_create_copy(heap, RelationGetRelid(index), index->rd_rel->reltablespace, name);
#else
    return index_concurrently_create_copy(heap, RelationGetRelid(index), name);
#endif
}

/* CREATE INDEX, without checks of rights; skip_build: as a catalog entry only. */
inline Oid define_index(Oid table, IndexStmt *statement, bool skip_build)
{
#if PG_VERSION_NUM >= 190000
    return DefineIndex(nullptr, table, statement, InvalidOid, InvalidOid, InvalidOid, -1, false, false, false,
                       skip_build, true)
        .objectId;
#elif PG_VERSION_NUM >= 160000
    return DefineIndex(table, statement, InvalidOid, InvalidOid, InvalidOid, -1, false, false, false,
                       skip_build, true)
        .objectId;
#else
    return DefineIndex(table, statement, InvalidOid, InvalidOid, InvalidOid, false, false, false, skip_build,
                       true)
        .objectId;
#endif
}

/* Build all indexes of a table anew. */
inline void rebuild_indexes(Oid table)
{
#if PG_VERSION_NUM >= 170000
    const ReindexParams parameters = {};
    reindex_relation(nullptr, table, 0, &parameters);
#elif PG_VERSION_NUM >= 140000
    ReindexParams parameters = {};
    reindex_relation(table, 0, &parameters);
#else
    reindex_relation(table, 0, 0);
#endif
}

/* Are NULLs equal to the unique index? */
inline bool nulls_not_distinct([[maybe_unused]] Relation index)
{
#if PG_VERSION_NUM >= 150000
    return index->rd_index->indnullsnotdistinct;
#else
    return false;
#endif
}

/* Make NULLs equal to the unique index that the statement asks for; false: this release can't. */
inline bool set_nulls_not_distinct([[maybe_unused]] IndexStmt *statement)
{
#if PG_VERSION_NUM >= 150000
    statement->nulls_not_distinct = true;
    return true;
#else
    return false;
#endif
}

/* The storage of kept is now what was new in this transaction as transient's, and the other way round. */
inline void note_storage_swap([[maybe_unused]] Relation kept, [[maybe_unused]] Relation transient)
{
#if PG_VERSION_NUM >= 160000
    transient->rd_createSubid = kept->rd_createSubid;
    transient->rd_newRelfilelocatorSubid = kept->rd_newRelfilelocatorSubid;
    transient->rd_firstRelfilelocatorSubid = kept->rd_firstRelfilelocatorSubid;
    RelationAssumeNewRelfilelocator(kept);
#elif PG_VERSION_NUM >= 130000
    transient->rd_createSubid = kept->rd_createSubid;
    transient->rd_newRelfilenodeSubid = kept->rd_newRelfilenodeSubid;
    transient->rd_firstRelfilenodeSubid = kept->rd_firstRelfilenodeSubid;
    RelationAssumeNewRelfilenode(kept);
#endif
}

/* Forget the open files of a relation whose storage was exchanged. */
inline void close_storage([[maybe_unused]] Oid relation)
{
#if PG_VERSION_NUM < 170000
    RelationCloseSmgrByOid(relation);
#endif
}

/* Swap what pg_class counts of all-frozen pages. */
inline void swap_all_frozen([[maybe_unused]] Form_pg_class one, [[maybe_unused]] Form_pg_class other)
{
#if PG_VERSION_NUM >= 180000
    const int32 kept = one->relallfrozen;
    one->relallfrozen = other->relallfrozen;
    other->relallfrozen = kept;
#endif
}

/* An execution state whose one range table entry is the table, of which every column counts as updated. */
inline EState *create_write_state(Relation table, CommandId command)
{
    EState *estate = CreateExecutorState();
    RangeTblEntry *entry = makeNode(RangeTblEntry);
    Bitmapset *columns = nullptr;
    for (int i = 1; i <= RelationGetNumberOfAttributes(table); i++)
        columns = bms_add_member(columns, i - FirstLowInvalidHeapAttributeNumber);
    entry->rtekind = RTE_RELATION;
    entry->relid = RelationGetRelid(table);
    entry->relkind = table->rd_rel->relkind;
    entry->rellockmode = RowExclusiveLock;
#if PG_VERSION_NUM >= 160000
    List *permissions = NIL;
    addRTEPermissionInfo(&permissions, entry)->updatedCols = columns;
#if PG_VERSION_NUM >= 180000
    ExecInitRangeTable(estate, list_make1(entry), permissions, bms_make_singleton(1));
#else
    ExecInitRangeTable(estate, list_make1(entry), permissions);
#endif
#else
    entry->updatedCols = columns;
    ExecInitRangeTable(estate, list_make1(entry));
#endif
    estate->es_output_cid = command;
    return estate;
}

/* Compute the stored generated columns of the row in the slot. */
inline void compute_stored_generated([[maybe_unused]] ResultRelInfo *info, EState *estate,
                                     TupleTableSlot *slot, [[maybe_unused]] CmdType command)
{
#if PG_VERSION_NUM >= 140000
    ExecComputeStoredGenerated(info, estate, slot, command);
#elif PG_VERSION_NUM >= 130000
    estate->es_result_relation_info = info;
    ExecComputeStoredGenerated(estate, slot, command);
#else
    estate->es_result_relation_info = info;
    ExecComputeStoredGenerated(estate, slot);
#endif
}

/* Make index entries for a row that was written; the indexes whose constraints are to be checked later. */
inline List *insert_index_tuples(ResultRelInfo *info, TupleTableSlot *slot, EState *estate,
                                 [[maybe_unused]] bool update, [[maybe_unused]] bool only_summarizing)
{
#if PG_VERSION_NUM >= 160000
    return ExecInsertIndexTuples(info, slot, estate, update, false, nullptr, NIL, only_summarizing);
#elif PG_VERSION_NUM >= 140000
    return ExecInsertIndexTuples(info, slot, estate, update, false, nullptr, NIL);
#else
    estate->es_result_relation_info = info;
    return ExecInsertIndexTuples(slot, estate, false, nullptr, NIL);
#endif
}

/* Which indexes need entries for an updated row. */
enum class IndexesToUpdate : char { None, All, Summarizing };

/* Replace a row; which indexes need new entries is told. */
inline TM_Result update_tuple(Relation table, ItemPointer row, TupleTableSlot *slot, CommandId command,
                              Snapshot snapshot, bool wait, TM_FailureData *failure, IndexesToUpdate *indexes)
{
    LockTupleMode lock_mode;
#if PG_VERSION_NUM >= 160000
    TU_UpdateIndexes update = TU_None;
    const TM_Result result = table_tuple_update(table, row, slot, command, snapshot, InvalidSnapshot, wait,
                                                failure, &lock_mode, &update);
    *indexes = update == TU_None  ? IndexesToUpdate::None
               : update == TU_All ? IndexesToUpdate::All
                                  : IndexesToUpdate::Summarizing;
#else
    bool update = false;
    const TM_Result result = table_tuple_update(table, row, slot, command, snapshot, InvalidSnapshot, wait,
                                                failure, &lock_mode, &update);
    *indexes = update ? IndexesToUpdate::All : IndexesToUpdate::None;
#endif
    return result;
}

/* Queue the AFTER ROW triggers of a deleted row. */
inline void after_row_delete(EState *estate, ResultRelInfo *info, ItemPointer row)
{
#if PG_VERSION_NUM >= 150000
    ExecARDeleteTriggers(estate, info, row, nullptr, nullptr, false);
#else
    ExecARDeleteTriggers(estate, info, row, nullptr, nullptr);
#endif
}

/* Queue the AFTER ROW triggers of an updated row. */
inline void after_row_update(EState *estate, ResultRelInfo *info, ItemPointer row, TupleTableSlot *slot,
                             List *recheck)
{
#if PG_VERSION_NUM >= 150000
    ExecARUpdateTriggers(estate, info, nullptr, nullptr, row, nullptr, slot, recheck, nullptr, false);
#else
    ExecARUpdateTriggers(estate, info, row, nullptr, slot, recheck, nullptr);
#endif
}

/* Is MERGE part of the statement? */
inline bool may_merge([[maybe_unused]] const PlannedStmt *plan)
{
#if PG_VERSION_NUM >= 150000
    return plan->commandType == CMD_MERGE || plan->hasModifyingCTE;
#else
    return false;
#endif
}

/* Is it a MERGE that inserts, updates or deletes, as asked for? */
inline bool merges([[maybe_unused]] const ModifyTableState *state, [[maybe_unused]] CmdType action)
{
#if PG_VERSION_NUM >= 150000
    const int flag = action == CMD_INSERT ? MERGE_INSERT : action == CMD_UPDATE ? MERGE_UPDATE : MERGE_DELETE;
    return state->operation == CMD_MERGE && (state->mt_merge_subcommands & flag) != 0;
#else
    return false;
#endif
}

/* The table that an INSERT or UPDATE names, and the columns of it that are set, as pull_varattnos has them.
 */
inline ResultRelInfo *named_target(const ModifyTableState *state)
{
    return state->rootResultRelInfo != nullptr ? state->rootResultRelInfo : state->resultRelInfo;
}

inline const Bitmapset *columns_set(const ModifyTableState *state)
{
    EState *estate = state->ps.state;
    RangeTblEntry *entry = exec_rt_fetch(named_target(state)->ri_RangeTableIndex, estate);
#if PG_VERSION_NUM >= 160000
    return getRTEPermissionInfo(estate->es_rteperminfos, entry)->updatedCols;
#else
    return entry->updatedCols;
#endif
}

/* The tables, partitions and children whose rows it may change. */
inline int number_of_targets(const ModifyTableState *state)
{
#if PG_VERSION_NUM >= 140000
    return state->mt_nrels;
#else
    return state->mt_nplans;
#endif
}

/* Is the table published for logical replication? */
inline bool is_published(Relation table)
{
#if PG_VERSION_NUM >= 150000
    PublicationDesc description;
    RelationBuildPublicationDesc(table, &description);
    const PublicationActions &actions = description.pubactions;
#else
    const PublicationActions &actions = *GetRelationPublicationActions(table);
#endif
    return actions.pubinsert || actions.pubupdate || actions.pubdelete || actions.pubtruncate;
}

/* A hash of bytes in 64 bits. */
inline uint64 hash_of_bytes(const void *bytes, int length)
{
    return DatumGetUInt64(hash_any_extended(static_cast<const unsigned char *>(bytes), length, 0));
}

/* The Oid of count(*). */
constexpr Oid F_COUNT_ROWS = 2803;

/* point(x, y) of two double precision; its macro has had two names. */
constexpr Oid F_POINT = 1440;

/* A plain call of an aggregate at the query's own level. */
inline Aggref *make_aggref(Oid function, Oid result, List *arguments, List *argument_types)
{
    Aggref *call = makeNode(Aggref);
    call->aggfnoid = function;
    call->aggtype = result;
    call->aggargtypes = argument_types;
    call->args = arguments;
    call->aggkind = AGGKIND_NORMAL;
    call->aggsplit = AGGSPLIT_SIMPLE;
    call->location = -1;
#if PG_VERSION_NUM >= 140000
    call->aggno = -1;
    call->aggtransno = -1;
#endif
    return call;
}

/* Start a scan of an index with so many conditions and no order. */
inline IndexScanDesc index_beginscan(Relation table, Relation index, Snapshot snapshot, int conditions)
{
#if PG_VERSION_NUM >= 190000
    return ::index_beginscan(table, index, snapshot, nullptr, conditions, 0, 0);
#elif PG_VERSION_NUM >= 180000
    return ::index_beginscan(table, index, snapshot, nullptr, conditions, 0);
#else
    return ::index_beginscan(table, index, snapshot, conditions, 0);
#endif
}

/* Fetch the version that the snapshot sees of the row that an index entry with this place would find. */
inline bool fetch_version(Relation table, ItemPointerData where, Snapshot snapshot, TupleTableSlot *slot)
{
    bool again = false;
#if PG_VERSION_NUM >= 190000
    IndexFetchTableData *fetch = table_index_fetch_begin(table, 0);
#else
    IndexFetchTableData *fetch = table_index_fetch_begin(table);
#endif
    const bool found = table_index_fetch_tuple(fetch, &where, snapshot, slot, &again, nullptr);
    table_index_fetch_end(fetch);
    return found;
}

/* What names the file that the contents of a table are in, as long as they stay there. */
inline Oid file_of(Relation table)
{
#if PG_VERSION_NUM >= 160000
    return table->rd_locator.relNumber;
#else
    return table->rd_node.relNode;
#endif
}

/* The value, which is not toasted, compressed; NULL where that isn't worth it. */
inline Datum compress_datum(Datum value)
{
#if PG_VERSION_NUM >= 140000
    return toast_compress_datum(value, InvalidCompressionMethod);
#else
    return toast_compress_datum(value);
#endif
}

/* Are the values the same bit for bit, once detoasted?  PostgreSQL 12 knows only the comparison as stored. */
inline bool datum_image_eq(Datum left, Datum right, bool by_value, int length)
{
#if PG_VERSION_NUM >= 130000
    return ::datum_image_eq(left, right, by_value, length);
#else
    if (length == -1) {
        left = PointerGetDatum(PG_DETOAST_DATUM(left));
        right = PointerGetDatum(PG_DETOAST_DATUM(right));
    }
    return datumIsEqual(left, right, by_value, length);
#endif
}

/* Can a hash of a whole row be computed? */
constexpr bool has_hash_of_record() noexcept
{
    return PG_VERSION_NUM >= 140000;
}

/* The call hash_record_extended(row, 0). */
inline Node *hash_of_record(Expr *row)
{
    constexpr Oid function = 6193;
    auto *seed = makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(0), false, FLOAT8PASSBYVAL);
    return reinterpret_cast<Node *>(
        makeFuncExpr(function, INT8OID, list_make2(row, seed), InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
}

/* Where a set-returning function puts its rows. */
struct RowStore {
    Tuplestorestate *store;
    TupleDesc type;
};

/* InitMaterializedSRF: return a set as a tuplestore, of the row type that the caller expects. */
inline RowStore materialize_rows(FunctionCallInfo fcinfo)
{
    auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    if (result == nullptr || !IsA(result, ReturnSetInfo) || (result->allowedModes & SFRM_Materialize) == 0 ||
        result->expectedDesc == nullptr)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("set-valued function called in context that cannot accept a set")));
    MemoryContext caller = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
    result->returnMode = SFRM_Materialize;
    result->setDesc = CreateTupleDescCopy(result->expectedDesc);
    result->setResult =
        tuplestore_begin_heap((result->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
    MemoryContextSwitchTo(caller);
    return {result->setResult, result->setDesc};
}

/* A hash of bytes. */
inline Datum hash_bytes(const char *bytes, std::size_t size)
{
    return hash_any(reinterpret_cast<const unsigned char *>(bytes), static_cast<int>(size));
}

/* The parameters of a ProcessUtility hook, and how they are passed on. */
#if PG_VERSION_NUM >= 140000
#define UTILITY_HOOK_PARAMETERS                                                                              \
    PlannedStmt *pstmt, const char *text, bool read_only_tree, ProcessUtilityContext context,                \
        ParamListInfo parameters, QueryEnvironment *environment, DestReceiver *destination,                  \
        QueryCompletion *completion
#define UTILITY_HOOK_ARGUMENTS                                                                               \
    pstmt, text, read_only_tree, context, parameters, environment, destination, completion
#elif PG_VERSION_NUM >= 130000
#define UTILITY_HOOK_PARAMETERS                                                                              \
    PlannedStmt *pstmt, const char *text, ProcessUtilityContext context, ParamListInfo parameters,           \
        QueryEnvironment *environment, DestReceiver *destination, QueryCompletion *completion
#define UTILITY_HOOK_ARGUMENTS pstmt, text, context, parameters, environment, destination, completion
#else
#define UTILITY_HOOK_PARAMETERS                                                                              \
    PlannedStmt *pstmt, const char *text, ProcessUtilityContext context, ParamListInfo parameters,           \
        QueryEnvironment *environment, DestReceiver *destination, char *completion
#define UTILITY_HOOK_ARGUMENTS pstmt, text, context, parameters, environment, destination, completion
#endif

/* Settings with this prefix that nobody has defined are mistakes. */
inline void mark_settings_reserved(const char *prefix)
{
#if PG_VERSION_NUM >= 150000
    MarkGUCPrefixReserved(prefix);
#else
    EmitWarningsOnPlaceholders(prefix);
#endif
}

/* The btree operator family that an ordering operator belongs to, and the type it is declared for. */
inline bool ordering_family(Oid ordering, Oid *family, Oid *type)
{
#if PG_VERSION_NUM >= 180000
    CompareType direction = COMPARE_INVALID;
#else
    int16 direction = 0;
#endif
    return get_ordering_op_properties(ordering, family, type, &direction);
}

/* Say that a clause sorts by a "greater than" operator.  Since PostgreSQL 18 it doesn't go without saying. */
inline void set_descending([[maybe_unused]] SortGroupClause *clause, [[maybe_unused]] bool descending)
{
#if PG_VERSION_NUM >= 180000
    clause->reverse_sort = descending;
#endif
}

/* Give the tables of a query made by hand the permission entries that PostgreSQL 16 wants; they ask for
 * nothing. */
inline void add_permission_entries([[maybe_unused]] Query *query)
{
#if PG_VERSION_NUM >= 160000
    ListCell *cell;
    foreach (cell, query->rtable) {
        auto *entry = static_cast<RangeTblEntry *>(lfirst(cell));
        if (entry->rtekind == RTE_RELATION && entry->perminfoindex == 0)
            addRTEPermissionInfo(&query->rteperminfos, entry)->requiredPerms = 0;
    }
#endif
}

/* Have an entry of the query, which may be a view's, be that of a relation that is read as a whole. */
inline void read_relation([[maybe_unused]] Query *query, RangeTblEntry *entry, Oid relation)
{
#if PG_VERSION_NUM >= 160000
    if (entry->perminfoindex != 0)
        getRTEPermissionInfo(query->rteperminfos, entry)->relid = relation;
    entry->relid = relation;
    if (entry->perminfoindex == 0)
        addRTEPermissionInfo(&query->rteperminfos, entry)->requiredPerms = ACL_SELECT;
#else
    entry->relid = relation;
    entry->requiredPerms = ACL_SELECT;
#endif
}

/* Give the copy of an entry, in another query, what is asked for the entry. */
inline void copy_permissions([[maybe_unused]] const Query *from, [[maybe_unused]] const RangeTblEntry *entry,
                             [[maybe_unused]] Query *to, [[maybe_unused]] RangeTblEntry *copy)
{
#if PG_VERSION_NUM >= 160000
    const RTEPermissionInfo *asked =
        getRTEPermissionInfo(from->rteperminfos, const_cast<RangeTblEntry *>(entry));
    copy->perminfoindex = 0;
    RTEPermissionInfo *info = addRTEPermissionInfo(&to->rteperminfos, copy);
    info->requiredPerms = asked->requiredPerms;
    info->checkAsUser = asked->checkAsUser;
    info->selectedCols = bms_copy(asked->selectedCols);
#endif
}

/* Ask for nothing any more where an entry of the query is read. */
inline void remove_permissions([[maybe_unused]] Query *query, RangeTblEntry *entry)
{
#if PG_VERSION_NUM >= 160000
    const Index removed = entry->perminfoindex;
    query->rteperminfos = list_delete_nth_cell(query->rteperminfos, static_cast<int>(removed) - 1);
    ListCell *cell;
    foreach (cell, query->rtable) {
        auto *other = lfirst_node(RangeTblEntry, cell);
        if (other->perminfoindex > removed)
            other->perminfoindex--;
    }
    entry->perminfoindex = 0;
#else
    entry->requiredPerms = 0;
    entry->checkAsUser = InvalidOid;
    entry->selectedCols = nullptr;
#endif
}

/* Has the LIMIT of the query WITH TIES?  Take that off. */
inline bool has_ties([[maybe_unused]] const Query *query)
{
#if PG_VERSION_NUM >= 130000
    return query->limitOption == LIMIT_OPTION_WITH_TIES;
#else
    return false;
#endif
}

inline void forget_ties([[maybe_unused]] Query *query)
{
#if PG_VERSION_NUM >= 130000
    query->limitOption = LIMIT_OPTION_COUNT;
#endif
}

/* The query groups no more. */
inline void forget_grouping_step([[maybe_unused]] Query *query)
{
#if PG_VERSION_NUM >= 180000
    query->hasGroupRTE = false;
#endif
}

/* The query groups no more, and has another range table. */
inline void forget_grouping([[maybe_unused]] Query *query)
{
    forget_grouping_step(query);
#if PG_VERSION_NUM >= 160000
    query->rteperminfos = NIL;
#endif
}

/* Replace Vars that refer to joins by what they stand for; the range table of the query has to have all
 * others. */
inline Node *flatten_join_alias_vars(Query *query, Node *node)
{
#if PG_VERSION_NUM >= 160000
    return ::flatten_join_alias_vars(nullptr, query, node);
#else
    return ::flatten_join_alias_vars(query, node);
#endif
}

/* The numbers of the range table entries that an expression of this level refers to. */
inline Bitmapset *pull_varnos(Node *node)
{
#if PG_VERSION_NUM >= 140000
    return ::pull_varnos(nullptr, node);
#else
    return ::pull_varnos(node);
#endif
}

/*
 * Have the Var shown as what it refers to, not as what was written in the query; and forget by which joins it
 * may have become NULL.
 */
inline void forget_syntax(Var *var)
{
#if PG_VERSION_NUM >= 160000
    var->varnullingrels = nullptr;
#endif
#if PG_VERSION_NUM >= 130000
    var->varnosyn = static_cast<Index>(var->varno);
    var->varattnosyn = var->varattno;
#else
    var->varnoold = var->varno;
    var->varoattno = var->varattno;
#endif
}

/* Does the operator compare as some order does, or say that values differ in it? */
inline bool is_comparison(Oid operation)
{
#if PG_VERSION_NUM >= 180000
    return get_op_index_interpretation(operation) != NIL;
#else
    return get_op_btree_interpretation(operation) != NIL;
#endif
}

/* Say of a Var that a join may have made it NULL. */
inline void set_nulling_join([[maybe_unused]] Var *var, [[maybe_unused]] int join)
{
#if PG_VERSION_NUM >= 160000
    var->varnullingrels = bms_make_singleton(join);
#endif
}

/* These joins of the query make nothing NULL any more. */
inline void forget_nulling_joins([[maybe_unused]] Query *query, [[maybe_unused]] const Bitmapset *joins)
{
#if PG_VERSION_NUM >= 160000
    if (!bms_is_empty(joins))
        *query = *castNode(Query, remove_nulling_relids(reinterpret_cast<Node *>(query), joins, nullptr));
#endif
}

/* The names of an entry's columns, and Vars of them; of dropped columns, NULLs. */
inline void expand_entry(RangeTblEntry *entry, int number, List **names, List **columns)
{
#if PG_VERSION_NUM >= 180000
    expandRTE(entry, number, 0, VAR_RETURNING_DEFAULT, -1, true, names, columns);
#else
    expandRTE(entry, number, 0, -1, true, names, columns);
#endif
}

/* A context for showing expressions over the range table, whose entries are called so. */
inline List *deparse_context_for_range_table(List *range_table, List *names)
{
#if PG_VERSION_NUM >= 130000
    PlannedStmt *plan = makeNode(PlannedStmt);
    plan->rtable = range_table;
    return deparse_context_for_plan_tree(plan, names);
#else
    return deparse_context_for_plan_rtable(range_table, names);
#endif
}

/* The parameters of an ExecutorRun hook, and how they are passed on. */
#if PG_VERSION_NUM >= 180000
#define EXECUTOR_RUN_PARAMETERS QueryDesc *statement, ScanDirection direction, uint64 count
#define EXECUTOR_RUN_ARGUMENTS statement, direction, count
#else
#define EXECUTOR_RUN_PARAMETERS QueryDesc *statement, ScanDirection direction, uint64 count, bool execute_once
#define EXECUTOR_RUN_ARGUMENTS statement, direction, count, execute_once
#endif

/* Is each row of the constraint's table held to it, by equality?  Before PostgreSQL 18 none was declared
 * otherwise.
 */
inline bool is_plain_and_enforced([[maybe_unused]] const FormData_pg_constraint &constraint) noexcept
{
#if PG_VERSION_NUM >= 180000
    return constraint.conenforced && !constraint.conperiod;
#else
    return true;
#endif
}

/* How rows of one type become rows of another by the names of their columns; NULL: they are the same. */
inline TupleConversionMap *conversion_map(TupleDesc from, TupleDesc to)
{
#if PG_VERSION_NUM >= 130000
    return convert_tuples_by_name(from, to);
#else
    return convert_tuples_by_name(from, to, "the columns of a partition don't match those of its parent");
#endif
}

/* Is that the second half of DETACH PARTITION ... CONCURRENTLY?  PostgreSQL 14. */
inline bool finalizes_detach([[maybe_unused]] AlterTableType type)
{
#if PG_VERSION_NUM >= 140000
    return type == AT_DetachPartitionFinalize;
#else
    return false;
#endif
}

/* The type of the bounds of a range or multirange type; InvalidOid: it is none. */
inline Oid range_subtype(Oid type)
{
#if PG_VERSION_NUM >= 140000
    if (type_is_multirange(type))
        type = get_multirange_range(type);
#endif
    return get_range_subtype(type);
}

/* Does it add, drop or change columns? */
inline bool changes_columns(AlterTableType type)
{
#if PG_VERSION_NUM < 160000
    if (type == AT_AddColumnRecurse || type == AT_DropColumnRecurse)
        return true;
#endif
    return type == AT_AddColumn || type == AT_DropColumn || type == AT_AlterColumnType;
}

/* Is that DETACH PARTITION ... CONCURRENTLY? */
inline bool detaches_concurrently([[maybe_unused]] const AlterTableCmd *command)
{
#if PG_VERSION_NUM >= 140000
    return command->subtype == AT_DetachPartition && castNode(PartitionCmd, command->def)->concurrent;
#else
    return false;
#endif
}

/* Is the partition one that such a command has taken away already, but for those who can see it still? */
inline bool is_leaving([[maybe_unused]] const FormData_pg_inherits *inheritance)
{
#if PG_VERSION_NUM >= 140000
    return inheritance->inhdetachpending;
#else
    return false;
#endif
}

/* Does it change the values of a generated column?  PostgreSQL 17. */
inline bool changes_generated([[maybe_unused]] AlterTableType type)
{
#if PG_VERSION_NUM >= 170000
    return type == AT_SetExpression;
#else
    return false;
#endif
}

/* One row converted so. */
inline TupleTableSlot *convert_slot(const TupleConversionMap *map, TupleTableSlot *from, TupleTableSlot *to)
{
    return execute_attr_map_slot(map->attrMap, from, to);
}

} // namespace pg
