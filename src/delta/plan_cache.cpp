/*
 * plan_cache.cpp - the session's compiled views, and which IMATs to maintain when a table changes.
 *
 * Invalidation only marks; nothing is freed while somebody may be using it.  And it must not fail, or
 * PostgreSQL's own caches would miss the rest of what has changed: so entries, which are never removed, are
 * chained.  A relation that changes drops the plans that name it; a function, operator, type, schema, role or
 * subscription that changes drops them all: that is rare, and compiling takes less than a millisecond.
 */
#include "catalog/catalog.hpp"
#include "delta/plan.hpp"
#include "pg/list.hpp"

namespace delta {

struct CachedPlan {
    Oid imat; /* the key */
    CachedPlan *next;
    Plan *plan;
};

struct CachedTargets {
    Oid table = InvalidOid; /* the key */
    CachedTargets *next = nullptr;
    bool stale = true;
    bool imat = false; /* is it one? */
    model::Array<Oid> imats;
    model::Array<Oid> sources; /* the table and its ancestors */
    model::Array<Oid> beside;  /* other tables with IMATs that show some of its rows */
    bool has_leaving = false;  /* a partition below it is being detached */
    TimestampTz asked = 0;     /* when the transaction began in which this was found out */
};

namespace {

PG_GUARDED HTAB *make_cache(const char *name, Size entry)
{
    HASHCTL control = {};
    control.keysize = sizeof(Oid);
    control.entrysize = entry;
    control.hcxt = CacheMemoryContext;
    return hash_create(name, 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

PG_GUARDED bool depends_on(const Plan &plan, Oid relation)
{
    bool depends = relation == plan.registration.imat || relation == plan.registration.maintained() ||
                   relation == plan.registration.definition ||
                   catalog::keeps_groups_in(plan.registration, relation);
    for (const model::Source &source : plan.view->sources)
        depends = depends || source.relation == relation;
    return depends;
}

/* InvalidOid: everything. */
PG_GUARDED void mark_stale(Oid relation)
{
    ++catalog::session.invalidations;
    for (CachedPlan *entry = catalog::session.first_plan; entry != nullptr; entry = entry->next)
        if (entry->plan != nullptr && (!OidIsValid(relation) || depends_on(*entry->plan, relation)))
            entry->plan->stale = true;
    for (CachedTargets *entry = catalog::session.first_targets; entry != nullptr; entry = entry->next)
        entry->stale = entry->stale || !OidIsValid(relation) || entry->table == relation;
}

extern "C" {
static void relation_changed(Datum /*argument*/, Oid relation)
{
    pg::entry([=] { pg::call([=] { mark_stale(relation); }); });
}

static void object_changed(Datum /*argument*/, int /*cache*/, uint32 /*hash*/)
{
    pg::entry([] { pg::call([] { mark_stale(InvalidOid); }); });
}
}

/* The parents of a table, and theirs; a table may have several. */
PG_GUARDED List *add_ancestors(List *found, Oid table)
{
    Relation inheritance = table_open(InheritsRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
    SysScanDesc scan = systable_beginscan(inheritance, InheritsRelidSeqnoIndexId, true, nullptr, 1, &key);
    List *parents = NIL;
    for (HeapTuple row = systable_getnext(scan); HeapTupleIsValid(row); row = systable_getnext(scan)) {
        const auto *form = reinterpret_cast<Form_pg_inherits>(GETSTRUCT(row));
        if (!pg::is_leaving(form))
            parents = lappend_oid(parents, form->inhparent);
    }
    systable_endscan(scan);
    table_close(inheritance, AccessShareLock);
    for (Oid parent : pg::each_oid(parents))
        if (!list_member_oid(found, parent))
            found = add_ancestors(lappend_oid(found, parent), parent);
    return found;
}

/*
 * The tables read by IMATs of which some rows are shown by the table, too, though it is not one of theirs:
 * its partitions and children, and what else is above these.
 */
PG_GUARDED List *find_beside(Oid table, const List *sources)
{
    List *beside = NIL;
    if (!has_subclass(table))
        return NIL;
    for (Oid child : pg::each_oid(find_all_inheritors(table, NoLock, nullptr)))
        for (Oid other : pg::each_oid(add_ancestors(list_make1_oid(child), child)))
            if (!list_member_oid(sources, other) && catalog::imats_on(other).size > 0)
                beside = list_append_unique_oid(beside, other);
    return beside;
}

/* The partitions of the table, or of those below it, that are being detached concurrently. */
PG_GUARDED List *find_leaving(Oid table)
{
    if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE)
        return NIL;
    List *leaving = NIL;
    Relation inheritance = table_open(InheritsRelationId, AccessShareLock);
    for (Oid parent : pg::each_oid(find_all_inheritors(table, NoLock, nullptr))) {
        ScanKeyData key;
        ScanKeyInit(&key, Anum_pg_inherits_inhparent, BTEqualStrategyNumber, F_OIDEQ,
                    ObjectIdGetDatum(parent));
        SysScanDesc scan = systable_beginscan(inheritance, InheritsParentIndexId, true, nullptr, 1, &key);
        for (HeapTuple row = systable_getnext(scan); HeapTupleIsValid(row); row = systable_getnext(scan)) {
            const auto *form = reinterpret_cast<Form_pg_inherits>(GETSTRUCT(row));
            if (pg::is_leaving(form))
                leaving = lappend_oid(leaving, form->inhrelid);
        }
        systable_endscan(scan);
    }
    table_close(inheritance, AccessShareLock);
    return leaving;
}

/* The partitions that the active snapshot has below the table, and that are there no more. */
PG_GUARDED List *find_gone(Oid table)
{
    if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE)
        return NIL;
    List *gone = NIL;
    const List *present = find_all_inheritors(table, NoLock, nullptr);
    Relation inheritance = table_open(InheritsRelationId, AccessShareLock);
    for (Oid parent : pg::each_oid(present)) {
        ScanKeyData key;
        ScanKeyInit(&key, Anum_pg_inherits_inhparent, BTEqualStrategyNumber, F_OIDEQ,
                    ObjectIdGetDatum(parent));
        SysScanDesc scan =
            systable_beginscan(inheritance, InheritsParentIndexId, true, GetActiveSnapshot(), 1, &key);
        for (HeapTuple row = systable_getnext(scan); HeapTupleIsValid(row); row = systable_getnext(scan)) {
            const Oid partition = reinterpret_cast<Form_pg_inherits>(GETSTRUCT(row))->inhrelid;
            if (!list_member_oid(present, partition))
                gone = lappend_oid(gone, partition);
        }
        systable_endscan(scan);
    }
    table_close(inheritance, AccessShareLock);
    return gone;
}

/* Does this transaction have the lock on one of the tables that whoever writes takes? */
PG_GUARDED bool is_one_written(const List *tables)
{
    bool written = false;
    for (Oid oid : pg::each_oid(tables)) {
        Relation table = RelationIdGetRelation(oid);
        if (table == nullptr)
            continue;
        written = written || CheckRelationLockedByMe(table, RowExclusiveLock, true);
        RelationClose(table);
    }
    return written;
}

/* A copy in the cache's memory, in place of what was there. */
PG_GUARDED void keep_oids(model::Array<Oid> *kept, const model::Array<Oid> &oids)
{
    auto *copy = static_cast<Oid *>(MemoryContextAlloc(CacheMemoryContext, sizeof(Oid) * (oids.size + 1)));
    memcpy(copy, oids.data, sizeof(Oid) * oids.size);
    if (kept->data != nullptr)
        pfree(kept->data);
    *kept = {.data = copy, .size = oids.size};
}

/* The cached answers about a table, looked up if need be. */
PG_GUARDED CachedTargets *look_up(Oid table)
{
    if (catalog::session.targets == nullptr)
        catalog::session.targets = make_cache("pg_imat targets", sizeof(CachedTargets));
    bool found;
    auto *entry =
        static_cast<CachedTargets *>(hash_search(catalog::session.targets, &table, HASH_ENTER, &found));
    if (!found) {
        *entry = {.table = table,
                  .next = catalog::session.first_targets,
                  .stale = true,
                  .imat = false,
                  .imats = {},
                  .sources = {},
                  .beside = {},
                  .has_leaving = false,
                  .asked = 0};
        catalog::session.first_targets = entry;
    }
    if (!entry->stale)
        return entry;

    model::Array<Oid> imats;
    List *sources;
    List *beside;
    bool has_leaving;
    uint64 before;
    do {
        before = catalog::session.invalidations;
        entry->imat = catalog::is_imat(table);
        imats = catalog::imats_on(table);
        sources = lappend_oid(add_ancestors(NIL, table), table);
        beside = find_beside(table, sources);
        has_leaving = find_leaving(table) != NIL;
    } while (catalog::session.invalidations != before);
    keep_oids(&entry->imats, imats);
    keep_oids(&entry->sources, catalog::sorted_oids(sources));
    keep_oids(&entry->beside, catalog::sorted_oids(beside));
    entry->has_leaving = has_leaving;
    entry->asked = GetCurrentTransactionStartTimestamp();
    entry->stale = false;
    return entry;
}

/* Let go of the plans of IMATs that are gone; a session that lasts may see many come and go. */
PG_GUARDED void forget_gone()
{
    for (CachedPlan *entry = catalog::session.first_plan; entry != nullptr; entry = entry->next)
        if (entry->plan != nullptr && entry->plan->stale &&
            !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(entry->imat))) {
            Plan *gone = entry->plan;
            entry->plan = nullptr;
            let_go(gone);
        }
}

} // namespace

PG_GUARDED void watch_for_changes()
{
    CacheRegisterRelcacheCallback(relation_changed, Datum{});
    CacheRegisterSyscacheCallback(PROCOID, object_changed, Datum{});
    CacheRegisterSyscacheCallback(OPEROID, object_changed, Datum{});
    CacheRegisterSyscacheCallback(TYPEOID, object_changed, Datum{});
    CacheRegisterSyscacheCallback(NAMESPACEOID, object_changed, Datum{});
    CacheRegisterSyscacheCallback(AUTHOID, object_changed, Datum{}); /* rights of owners */
    CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, object_changed, Datum{});
    CacheRegisterSyscacheCallback(SUBSCRIPTIONRELMAP, object_changed, Datum{});
}

PG_GUARDED Plan *plan_of(Oid imat)
{
    if (catalog::session.plans == nullptr)
        catalog::session.plans = make_cache("pg_imat plans", sizeof(CachedPlan));

    bool found;
    auto *entry = static_cast<CachedPlan *>(hash_search(catalog::session.plans, &imat, HASH_ENTER, &found));
    if (!found) {
        entry->plan = nullptr;
        entry->next = catalog::session.first_plan;
        catalog::session.first_plan = entry;
        forget_gone();
    }
    if (entry->plan != nullptr && !entry->plan->stale)
        return entry->plan;
    if (entry->plan != nullptr) {
        Plan *stale = entry->plan;
        entry->plan = nullptr;
        let_go(stale);
    }

    catalog::Registration registration = {};
    uint64 before;
    Plan *plan = nullptr;
    do {
        if (plan != nullptr)
            let_go(plan);
        plan = nullptr;
        before = catalog::session.invalidations;
        if (!catalog::find(imat, &registration))
            return nullptr;
        /* Who drops the IMAT, or has its query read something else, may have to be waited for here. */
        LockRelationOid(registration.maintained(), AccessShareLock);
        if (catalog::session.invalidations == before)
            plan = compile(registration, CurrentMemoryContext);
    } while (catalog::session.invalidations != before);

    MemoryContextSetParent(plan->memory, CacheMemoryContext);
    entry = static_cast<CachedPlan *>(hash_search(catalog::session.plans, &imat, HASH_ENTER, &found));
    entry->plan = plan;
    return plan;
}

PG_GUARDED model::Array<Oid> targets_of(Oid table)
{
    return look_up(table)->imats;
}

PG_GUARDED bool is_maintained(Oid table)
{
    return catalog::is_installed() && look_up(table)->imat;
}

PG_GUARDED model::Array<Oid> sources_above(Oid table)
{
    return look_up(table)->sources;
}

/*
 * A row that was on its way to the partition while that was being detached, waiting for its lock, gets there
 * though it has been detached by then.  In that case the transaction's snapshot is from before; and what is
 * cached is not.
 */
PG_GUARDED List *leaving_written(Oid table)
{
    const CachedTargets &known = *look_up(table);
    const bool gone = IsolationUsesXactSnapshot() && known.asked == GetCurrentTransactionStartTimestamp();
    if (!known.has_leaving && !gone)
        return NIL;
    List *leaving = known.has_leaving ? find_leaving(table) : NIL;
    if (gone)
        leaving = list_concat_unique_oid(leaving, find_gone(table));
    List *written = NIL;
    for (Oid partition : pg::each_oid(leaving)) {
        List *tables = find_all_inheritors(partition, NoLock, nullptr);
        if (is_one_written(tables))
            written = list_concat_unique_oid(written, tables);
    }
    return written;
}

PG_GUARDED model::Array<Oid> sources_beside(Oid table)
{
    return look_up(table)->beside;
}

} // namespace delta
