/*
 * locks.cpp - the locks that a flush takes before it reads or writes anything, in one global order.
 *
 * 1. The tables that are read (by rebuilds, by the terms of joins, for lost extremes), AccessShare, in the
 * order of their Oids, each with its children and partitions. Somebody who truncates or drops one of them has
 * to be waited for here, before we hold what he will need. (For extremes, which are seldom lost, there may be
 * too many partitions.)
 * 2. The IMATs, in the order of their Oids: RowExclusive where groups are added, ShareRowExclusive where
 * contents are rebuilt.  So those who add groups don't wait for each other here; who rebuilds waits for all
 * of them and they for him; two who rebuild queue.  Who brings the first group keys that are too long for
 * the indexes takes AccessExclusive, if he knows by then (rebuild/long_keys.cpp); else, over joins and other
 * IMATs, later, out of order, which may be a deadlock.
 * Who waited for one whose transaction has made the definition mean something else, and the state table hold
 * something else, goes by a plan of before: he has to rebuild it, and takes these locks anew.
 * Who waited for one who has made another IMAT over one of these begins anew, with that one; from then on
 * nobody can, as that takes a lock on what it reads.
 * 3. For each IMAT over a join, tags of its sources, then hashes of the join keys of changed rows: see
 * join_locks.cpp.
 * 4. For each IMAT whose groups are computed anew (keyed): a lock tag of class imat.source, object the
 * definition's view, sub-object 0, for all of its groups, in RowExclusive mode; then one of class
 * imat.registered, object the definition's view, sub-object the hash of the key, for each group, Exclusive,
 * in the order of the hashes.  Who changes very many groups, has many locks of this kind, or can't know yet
 * which, since they follow from changes of another IMAT, takes the first in ShareRowExclusive mode and none
 * of the second.  (Room apply has lock tags of class imat.registered whose object is the IMAT.)  So those who
 * change one group queue, from before they take the snapshot that they compute it under.
 *
 * If it turns out that changes of a join can't be told, its IMAT is rebuilt after all, and takes the locks
 * for that late.  Where groups are looked for before anything is written (4.), all begins anew; else it is
 * out of order, which may be a deadlock.
 *
 * All are held until the transaction ends.  The snapshot under which deltas are computed is taken after them:
 * it sees what every transaction did to another source of the same join that has committed, and no other can
 * commit such a change before we have.  Lock tags can be seen in pg_locks (locktype object) and survive
 * PREPARE TRANSACTION.
 */
#include "flush/work.hpp"

#include "pg/list.hpp"

namespace flush {

namespace {

PG_GUARDED bool needs_tables(const WorkItem &item)
{
    return item.swap || is_keyed(item) || item.plan->view->is_join() || item.plan->view->has_extremes();
}

/* Are all of its sources' partitions going to be read? */
PG_GUARDED bool needs_partitions(const WorkItem &item)
{
    return item.swap || is_keyed(item) || item.plan->view->is_join();
}

PG_GUARDED void lock_sources(const Work &work)
{
    List *tables = NIL;
    List *whole = NIL; /* with their partitions */
    for (auto *item : pg::each<WorkItem>(work.items))
        if (needs_tables(*item))
            for (const model::Source &source : item->plan->view->sources) {
                tables = list_append_unique_oid(tables, source.relation);
                if (needs_partitions(*item))
                    whole = list_append_unique_oid(whole, source.relation);
            }
    for (Oid table : catalog::sorted_oids(tables)) {
        LockRelationOid(table, AccessShareLock);
        if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table))) /* the plan is outdated */
            continue;
        if (has_subclass(table) &&
            (list_member_oid(whole, table) || get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE))
            list_free(find_all_inheritors(table, AccessShareLock, nullptr));
    }
}

PG_GUARDED void lock_imats(Work *work)
{
    for (auto *item : pg::each<WorkItem>(by_oid(work->items))) {
        item->locked = item->swap                 ? ShareRowExclusiveLock
                       : needs_longer_keys(*item) ? AccessExclusiveLock
                                                  : RowExclusiveLock;
        LockRelationOid(item->imat, item->locked);
        item->name = get_rel_name(item->imat);
        if (item->name == nullptr)
            work->items = list_delete_ptr(work->items, item);
    }
}

/* Let go of what lock_imats has locked, to come back to it in its order. */
PG_GUARDED void unlock_imats(const Work &work)
{
    for (auto *item : pg::each<WorkItem>(work.items))
        UnlockRelationOid(item->imat, item->locked);
}

/* More groups than that are not locked one by one. */
constexpr int most_keys = 64;

extern "C" {

/* Comparator of hashes. */
PG_GUARDED static int compare_hashes(const void *left, const void *right)
{
    return static_cast<int>(*static_cast<const uint16 *>(left)) -
           static_cast<int>(*static_cast<const uint16 *>(right));
}

} // extern "C"

/* Lock the keys of the item's groups, which are few and known. */
PG_GUARDED void lock_each_key(const WorkItem &item, Oid tags)
{
    uint16 hashes[most_keys];
    int size = 0;
    for (const delta::Group *group : item.groups->in_order())
        hashes[size++] = static_cast<uint16>(group->hash ^ (group->hash >> 16));
    qsort(hashes, static_cast<std::size_t>(size), sizeof(uint16), compare_hashes);
    for (int i = 0; i < size; ++i) {
        if (i > 0 && hashes[i] == hashes[i - 1])
            continue;
        LOCKTAG tag;
        SET_LOCKTAG_OBJECT(tag, MyDatabaseId, tags, item.plan->registration.definition, hashes[i]);
        count_key_lock(LockAcquire(&tag, ExclusiveLock, false, false));
    }
}

/* A transaction that flushes again and again is not to fill the lock table. */
constexpr int shares_of_locks = 4;

} // namespace

PG_GUARDED int more_key_locks()
{
    return Max(0, Min(max_locks_per_xact, shares_of_locks * max_locks_per_xact - catalog::session.key_locks));
}

PG_GUARDED void count_key_lock(LockAcquireResult result)
{
    if (result == LOCKACQUIRE_OK)
        ++catalog::session.key_locks;
}

PG_GUARDED void lock_keys(const Work &work)
{
    const Oid all = catalog::relation_of_ours("source");
    const Oid each = catalog::relation_of_ours("registered");
    for (auto *item : pg::each<WorkItem>(by_oid(work.items))) {
        if (!is_keyed(*item))
            continue;
        const bool by_key = item->depth == 0 && item->groups != nullptr &&
                            item->groups->size() <= Min(most_keys, more_key_locks());
        LOCKTAG tag;
        SET_LOCKTAG_OBJECT(tag, MyDatabaseId, all, item->plan->registration.definition, 0);
        LockAcquire(&tag, by_key ? RowExclusiveLock : ShareRowExclusiveLock, false, false);
        if (by_key)
            lock_each_key(*item, each);
    }
}

PG_GUARDED void lock_work(Work *work)
{
    lock_sources(*work);
    lock_imats(work);
    while (mark_outdated(*work)) {
        unlock_imats(*work);
        lock_sources(*work);
        lock_imats(work);
    }
    lock_joins(work);
}

PG_GUARDED void unlock_work(Work *work)
{
    unlock_joins(work);
    unlock_imats(*work);
}

PG_GUARDED void lock_work_anew(Work *work)
{
    unlock_work(work);
    lock_work(work);
}

} // namespace flush
