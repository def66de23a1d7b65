/*
 * join_locks.cpp - who has to wait for whom to change the tables of a join.
 *
 * What has to be excluded.  The change of a join is computed under a snapshot that sees everybody who was
 * through before, but not those who are at it at the same time (room delta, join.cpp).  Let T and U be two
 * transactions of which neither sees the other, D_i(T) the rows that T added to or removed from reference i.
 * What both compute is right together if no row of D_i(T) is joined with a row of D_j(U), for any two
 * different references i and j: whatever one of them overlooks is part of a join of such two rows, with any
 * rows of the other references.  Changes of the same reference don't disturb each other; if the join has a
 * table twice, it has two references to it, and they do.
 *
 * So it is for any number of transactions.  A part of the join that is made of rows of several of them, and
 * not empty, has two of each pair that can be joined, so one of each pair sees the other.  Who sees another
 * took his snapshot after that one had committed; so they are in one order, the last of them sees all others
 * and counts that part, and none of the others sees all.
 *
 * Two kinds of locks see to that.  Both are held until the transaction ends, and taken before the snapshot;
 * so of two transactions whose locks conflict, one has committed before the other takes its snapshot.
 *
 * Sources: a lock tag of class imat.source, object the IMAT, sub-object the number of the source.  Who has
 * changed source i takes tag i in RowExclusive mode, and the tag of each other source j in Share mode -
 * unless i and j are joined by a key, and what T did to i is locked by that key.  So who changes i conflicts
 * with who changes j if at least one of them doesn't lock by key.  If T has to take one tag in both modes, it
 * takes it in ShareRowExclusive mode, which is both.
 *
 * Join keys (analyze/join_keys.cpp): for each row that it added or removed, T locks the hash of the key's
 * columns, that is, for an updated row, the hashes of the old and the new row.  A row of D_i(T) and a row of
 * D_j(U) can be joined only if they agree on the key, then they have the same hash, and then the locks
 * conflict.  A row with a NULL in the key is joined with nothing, so it locks nothing.  The lock tag has the
 * IMAT as its class, the hash as its object, and the number of the key as its sub-object.
 *
 * The mode is to be one that members of a key share with their like, but with no other member.  RowExclusive
 * and Share are two such modes; for more than two members there are several tags a hash, one for each binary
 * digit of the member's number: RowExclusive where the digit is 0, Share where it is 1.  Two members differ
 * in a digit, so they conflict there.
 *
 * What is not locked by key: a source of which so many rows were changed that their hashes don't fit into the
 * share of the lock table that a transaction is meant to have, or which is changed after the transaction has
 * taken a few times as many in flushes before; and an IMAT that this flush is yet to write,
 * for the rows are not known.  Pairs of references that no key joins (in a chain a - b - c the outer ones, or
 * where the condition is no equality) never are.
 *
 * A reference that was only added to, and that a foreign key references, counts as not changed
 * (delta/foreign_keys.cpp).
 *
 * All tags of sources are taken before the hashes, each of the two in one order for everyone; so is what
 * comes before and after (locks.cpp).  Hence nobody waits in a circle.
 */
#include "flush/work.hpp"

#include "pg/list.hpp"

namespace flush {

namespace {

/* One hash that is to be locked. */
struct KeyLock {
    Oid imat;
    uint32 hash;
    uint16 number; /* of the key and the digit */
    LOCKMODE mode; /* RowExclusive, Share, or ShareRowExclusive for both */
};

/* Those of all IMATs. */
struct KeyLocks {
    KeyLock *locks;
    int size;
    int most;
};

/* How a reference was changed. */
enum class Changed : char { No, ByRows, Unknown };

/* What is known of one IMAT while its locks are found. */
struct Join {
    const Work *work;
    const WorkItem *item;
    const model::View *view;
    Changed changed[model::MAX_REFERENCES];
    List *keyed[model::MAX_REFERENCES]; /* the numbers of the keys by which a reference is locked */
};

/* The rows of the table that were changed; NULL: none were. */
PG_GUARDED const TableChanges *rows_of(const Work &work, Oid table)
{
    for (auto *changes : pg::each<TableChanges>(work.tables))
        if (changes->table == table)
            return changes;
    return nullptr;
}

PG_GUARDED LOCKMODE both(LOCKMODE one, LOCKMODE other)
{
    return one == NoLock || one == other ? other : other == NoLock ? one : ShareRowExclusiveLock;
}

/* The hash of a row's key; false: there is a NULL in it. */
PG_GUARDED bool hash_row(const model::JoinKeyMember &member, TupleTableSlot *row, uint32 *hash)
{
    *hash = 0;
    for (const model::HashedColumn &column : member.columns) {
        bool null;
        const Datum value = slot_getattr(row, column.column, &null);
        if (null)
            return false;
        *hash =
            hash_combine(*hash, DatumGetUInt32(OidFunctionCall1Coll(column.hash, column.collation, value)));
    }
    return true;
}

/* Add a hash to those found since first, if it isn't among them; false: there is no room. */
PG_GUARDED bool add_hash(KeyLocks *found, int first, uint32 hash)
{
    for (int i = found->size - 1; i >= first; --i)
        if (found->locks[i].hash == hash)
            return true;
    if (found->size == found->most)
        return false;
    found->locks[found->size++].hash = hash;
    return true;
}

/* Add the hashes of rows; false: there is no room. */
PG_GUARDED bool add_rows(KeyLocks *found, int first, const model::JoinKeyMember &member, TupleDesc type,
                         Tuplestorestate *rows)
{
    bool fit = true;
    TupleTableSlot *row = MakeSingleTupleTableSlot(type, &TTSOpsMinimalTuple);
    tuplestore_select_read_pointer(rows, 0);
    tuplestore_rescan(rows);
    while (fit && tuplestore_gettupleslot(rows, true, false, row)) {
        uint32 hash;
        fit = !hash_row(member, row, &hash) || add_hash(found, first, hash);
    }
    ExecDropSingleTupleTableSlot(row);
    return fit;
}

/* Make locks of the hashes found since first: one for each binary digit of the member's number. */
PG_GUARDED bool make_locks(KeyLocks *found, int first, Oid imat, int key, const model::JoinKey &of,
                           int member)
{
    int digits = 1;
    while (of.members.size > 1 << digits)
        ++digits;
    const int size = found->size - first;
    if (first + size * digits > found->most)
        return false;
    for (int digit = 0; digit < digits; ++digit)
        for (int i = 0; i < size; ++i)
            found->locks[first + digit * size + i] = {.imat = imat,
                                                      .hash = found->locks[first + i].hash,
                                                      .number = static_cast<uint16>(key * 4 + digit + 1),
                                                      .mode = (member >> digit & 1) == 0 ? RowExclusiveLock
                                                                                         : ShareLock};
    found->size = first + size * digits;
    return true;
}

/* Lock what was done to a member of a key by that key, if its hashes fit. */
PG_GUARDED void lock_member(Join *join, KeyLocks *found, int key, int index)
{
    const model::JoinKey &of = join->view->join_keys[key];
    const model::JoinKeyMember &member = of.members[index];
    const int first = found->size;
    const TableChanges *changes = rows_of(*join->work, join->view->references[member.reference].relation);
    const bool fit =
        (changes->added == nullptr || add_rows(found, first, member, changes->type, changes->added)) &&
        (changes->removed == nullptr || add_rows(found, first, member, changes->type, changes->removed)) &&
        make_locks(found, first, join->item->imat, key, of, index);
    if (fit)
        join->keyed[member.reference] = lappend_int(join->keyed[member.reference], key);
    else
        found->size = first;
}

/* Find the hashes to be locked for one IMAT. */
PG_GUARDED void find_key_locks(Join *join, KeyLocks *found)
{
    for (int key = 0; key < join->view->join_keys.size; ++key) {
        const model::Array<model::JoinKeyMember> &members = join->view->join_keys[key].members;
        for (int i = 0; i < members.size; ++i)
            if (join->changed[members[i].reference] == Changed::ByRows)
                lock_member(join, found, key, i);
    }
}

/* Does what was done to one reference have to keep others from changing the table of another? */
PG_GUARDED bool excludes(const Join &join, int one, int other)
{
    if (one == other || join.changed[one] == Changed::No)
        return false;
    const int key = join.view->join_key(one, other);
    return key < 0 || !list_member_int(join.keyed[one], key);
}

/* Take a tag, and take note of it. */
PG_GUARDED LockAcquireResult take(Work *work, const LOCKTAG &tag, LOCKMODE mode)
{
    auto *held = static_cast<HeldTag *>(palloc(sizeof(HeldTag)));
    *held = {.tag = tag, .mode = mode};
    work->tags = lappend(work->tags, held);
    return LockAcquire(&held->tag, mode, false, false);
}

/* The mode in which the tag of a source is taken. */
PG_GUARDED LOCKMODE source_mode(const Join &join, Oid source)
{
    LOCKMODE mode = NoLock;
    for (int i = 0; i < join.view->references.size; ++i) {
        if (join.view->references[i].relation != source)
            continue;
        if (join.changed[i] != Changed::No)
            mode = both(mode, RowExclusiveLock);
        for (int other = 0; other < join.view->references.size; ++other)
            if (excludes(join, other, i))
                mode = both(mode, ShareLock);
    }
    return mode;
}

PG_GUARDED void lock_sources_of(Work *work, const Join &join, Oid tags)
{
    for (int i = 0; i < join.view->sources.size; ++i) {
        const LOCKMODE mode = source_mode(join, join.view->sources[i].relation);
        LOCKTAG tag;
        SET_LOCKTAG_OBJECT(tag, MyDatabaseId, tags, join.item->imat, static_cast<uint16>(i + 1));
        if (mode != NoLock)
            take(work, tag, mode);
    }
}

extern "C" {

/* Comparator: the order in which hashes are locked. */
PG_GUARDED static int compare_locks(const void *left, const void *right)
{
    const auto *a = static_cast<const KeyLock *>(left);
    const auto *b = static_cast<const KeyLock *>(right);
    if (a->imat != b->imat)
        return a->imat < b->imat ? -1 : 1;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return static_cast<int>(a->number) - static_cast<int>(b->number);
}

} // extern "C"

/* Take them, each once. */
PG_GUARDED void take_key_locks(Work *work, const KeyLocks &found)
{
    qsort(found.locks, static_cast<std::size_t>(found.size), sizeof(KeyLock), compare_locks);
    for (int i = 0; i < found.size; ++i) {
        const KeyLock &lock = found.locks[i];
        if (i + 1 < found.size && compare_locks(&lock, &found.locks[i + 1]) == 0) {
            found.locks[i + 1].mode = both(lock.mode, found.locks[i + 1].mode);
            continue;
        }
        LOCKTAG tag;
        SET_LOCKTAG_OBJECT(tag, MyDatabaseId, lock.imat, lock.hash, lock.number);
        count_key_lock(take(work, tag, lock.mode));
    }
}

/* Is a column of a join key stored out of line, perhaps? */
PG_GUARDED bool has_wide_keys(const model::View &view)
{
    bool wide = false;
    for (const model::JoinKey &key : view.join_keys)
        for (const model::JoinKeyMember &member : key.members)
            for (const model::HashedColumn &column : member.columns)
                wide = wide || column.wide;
    return wide;
}

/* Find out all about one IMAT's locks. */
PG_GUARDED Join plan_locks(const Work &work, const WorkItem &item, KeyLocks *found)
{
    Join join = {};
    join.work = &work;
    join.item = &item;
    join.view = item.plan->view;
    const delta::ViewChange change = delta::change_of(*item.plan, as_changed_tables(work.tables));
    for (int i = 0; i < join.view->references.size; ++i) {
        if (writes_source(work, item, join.view->references[i].relation))
            join.changed[i] = Changed::Unknown;
        else if (change.of[i].added || change.of[i].removed)
            join.changed[i] = Changed::ByRows;
    }
    const bool with_snapshot = has_wide_keys(*join.view) && !ActiveSnapshotSet();
    if (with_snapshot)
        PushActiveSnapshot(GetTransactionSnapshot());
    find_key_locks(&join, found);
    if (with_snapshot)
        PopActiveSnapshot();
    return join;
}

} // namespace

PG_GUARDED void lock_joins(Work *work)
{
    bool any = false;
    for (auto *item : pg::each<WorkItem>(work->items))
        any = any || (!item->swap && item->plan->view->is_join());
    if (!any)
        return;
    const Oid tags = catalog::relation_of_ours("source");
    KeyLocks found = {.locks = nullptr, .size = 0, .most = more_key_locks()};
    found.locks = static_cast<KeyLock *>(palloc(sizeof(KeyLock) * static_cast<std::size_t>(found.most + 1)));
    for (auto *item : pg::each<WorkItem>(by_oid(work->items)))
        if (!item->swap && item->plan->view->is_join())
            lock_sources_of(work, plan_locks(*work, *item, &found), tags);
    take_key_locks(work, found);
}

PG_GUARDED void unlock_joins(Work *work)
{
    for (auto *held : pg::each<HeldTag>(work->tags))
        LockRelease(&held->tag, held->mode, false);
    work->tags = NIL;
}

} // namespace flush
