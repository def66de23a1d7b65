/*
 * hierarchy.cpp - partitions and inheritance children that come to a parent with their rows, or leave it.
 *
 * To the IMATs over the parent that is a change of these rows, and captured as one (flush/whole_tables.cpp).
 * Where the rows are more than those that the parent has otherwise, it costs less to compute the IMATs anew;
 * so are they where a table has several parents, since its rows may be the parent's by another way too.
 *
 * Mostly this is done after the fact, when what is left by it and what came is locked and known.  Two
 * commands have to be met before: DROP TABLE, after which there are no rows to read; and DETACH ...
 * CONCURRENTLY, which commits half-way.  From that moment on queries don't see the partition, so that is when
 * the IMATs must not show it either.  To read what it has, writers are locked out of the partition until
 * then, and no longer: the wait for those who still see it comes after that.
 */
#include "delta/delta.hpp"
#include "flush/flush.hpp"
#include "pg/list.hpp"
#include "rebuild/parts.hpp"

namespace rebuild {

namespace {

/* The size of the tables, but for those that are excepted, in blocks.  Whoever is about to replace the
 * contents of a table isn't waited for. */
PG_GUARDED uint64 blocks_of(const List *tables, const List *excepted)
{
    uint64 blocks = 0;
    for (Oid oid : pg::each_oid(tables)) {
        if (list_member_oid(excepted, oid) || get_rel_relkind(oid) != RELKIND_RELATION ||
            !ConditionalLockRelationOid(oid, AccessShareLock))
            continue;
        if (Relation table = try_relation_open(oid, NoLock)) {
            blocks += RelationGetNumberOfBlocks(table);
            relation_close(table, NoLock);
        }
        UnlockRelationOid(oid, AccessShareLock);
    }
    return blocks;
}

/* Is it less to read these tables than what else is below the parent, or below what is above it? */
PG_GUARDED bool are_smaller(const List *tables, Oid parent)
{
    uint64 others = 0;
    for (Oid above : catalog::copy_of(delta::sources_above(parent)))
        if (catalog::imats_on(above).size > 0)
            others = Max(others, blocks_of(find_all_inheritors(above, NoLock, nullptr), tables));
    return blocks_of(tables, NIL) <= others;
}

/* Has one of the tables a parent that is none of them? */
PG_GUARDED bool have_other_parents(const List *tables, Oid besides)
{
    for (Oid table : pg::each_oid(tables))
        for (Oid parent : pg::each_oid(parents_of(table)))
            if (parent != besides && !list_member_oid(tables, parent))
                return true;
    return false;
}

/* Can the rows of the tables be captured, and is that better than to compute IMATs anew? */
PG_GUARDED bool are_captured(const List *tables, Oid parent)
{
    return !have_other_parents(tables, parent) && are_smaller(tables, parent);
}

/* Other sessions are to find out anew what is above the tables. */
PG_GUARDED void forget_ancestors(const List *tables)
{
    for (Oid table : pg::each_oid(tables))
        CacheInvalidateRelcacheByRelid(table);
}

/* Snapshots from now on take what this transaction does for done, as they would if it had committed. */
PG_GUARDED void be_seen_by_snapshots()
{
    MemoryContext caller = CurrentMemoryContext;
    ResourceOwner owner = CurrentResourceOwner;
    GetTopTransactionId();
    BeginInternalSubTransaction(nullptr);
    GetCurrentTransactionId();
    RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(caller);
    CurrentResourceOwner = owner;
}

/* May the current user drop the table?  PostgreSQL is going to say so; but only then is it locked here. */
PG_GUARDED bool may_drop(Oid table)
{
    return pg::owns_relation(table, GetUserId()) || pg::owns_schema(get_rel_namespace(table), GetUserId());
}

PG_GUARDED void account_for(const List *tables)
{
    MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
    catalog::session.accounted = list_concat_unique_oid(catalog::session.accounted, tables);
    MemoryContextSwitchTo(caller);
}

/* A table is about to be dropped by its name: capture its rows for the tables above. */
PG_GUARDED void before_drop_of(const RangeVar *name)
{
    const Oid table = RangeVarGetRelid(name, NoLock, true);
    if (!OidIsValid(table) || !may_drop(table))
        return;
    if (readers_of(table) == NIL) {
        if (catalog::is_imat(table))
            account_for(list_make1_oid(table));
        return;
    }
    for (Oid parent : pg::each_oid(parents_of(table)))
        LockRelationOid(parent, get_rel_relkind(parent) == RELKIND_PARTITIONED_TABLE ? AccessExclusiveLock
                                                                                     : AccessShareLock);
    const List *all = lock_with_children(table, AccessExclusiveLock);
    const List *parents = parents_of(table);
    const List *tables = list_difference_oid(all, catalog::session.accounted);
    if (RangeVarGetRelid(name, NoLock, true) != table || list_length(parents) > 1)
        return;
    const Oid parent = parents == NIL ? InvalidOid : linitial_oid(parents);
    if (have_other_parents(all, parent))
        return;
    if (OidIsValid(parent) && readers_above(parent) != NIL) {
        if (!are_smaller(tables, parent))
            return;
        flush::capture_tables(tables, parent, false);
    }
    account_for(tables);
}

} // namespace

PG_GUARDED void follow_move(Oid table, Oid parent, bool come, Changed *changed)
{
    if (readers_above(parent) == NIL)
        return;
    const List *tables = lock_with_children(table, ShareRowExclusiveLock);
    forget_ancestors(tables);
    if (are_captured(tables, parent))
        flush::capture_tables(tables, parent, come);
    else
        changed->rows = list_concat_unique_oid(changed->rows, readers_above(parent));
}

PG_GUARDED void before_detach(Oid parent, Oid partition)
{
    if (readers_above(parent) == NIL || !pg::owns_relation(parent, GetUserId()))
        return;
    LockRelationOid(parent, ShareUpdateExclusiveLock);
    const List *tables = lock_with_children(partition, ShareRowExclusiveLock);
    if (!list_member_oid(parents_of(partition), parent))
        return;
    forget_ancestors(tables);
    forget_ancestors(kin_of(parent));
    be_seen_by_snapshots();
    if (are_captured(tables, parent))
        flush::capture_tables(tables, parent, false);
    else
        flush::capture_hierarchy(parent);
}

PG_GUARDED void before_drop(const DropStmt *statement)
{
    if (statement->removeType != OBJECT_TABLE)
        return;
    for (auto *name : pg::each<List>(statement->objects))
        before_drop_of(makeRangeVarFromNameList(name));
}

PG_GUARDED bool is_accounted(Oid table)
{
    return list_member_oid(catalog::session.accounted, table);
}

PG_GUARDED void forget_accounted()
{
    list_free(catalog::session.accounted);
    catalog::session.accounted = NIL;
}

} // namespace rebuild
