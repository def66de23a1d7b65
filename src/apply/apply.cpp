/*
 * apply.cpp - changes of groups become changes of rows.
 *
 * Why this is exact under concurrency.  Accumulators form a commutative group, so the changes of different
 * transactions may be added in any order; it only matters that none is lost or counted twice.  Each group has
 * one row that stands for it (in the state table if there is one, else in the IMAT).  It is locked, read in
 * its latest version, and written; the lock is held until the transaction ends.  So changes of one group are
 * added one after the other, each to the result of the one before, whatever any snapshot says.
 *
 * Where nobody is at the row, to write it is to lock it: it is read, and replaced without waiting, which
 * fails unless the version that was read is still the latest and nobody has locked it.  Then it is locked
 * first, as above, in a queue.  (What was read and comes out unchanged is not written, nor locked: nothing
 * was added to it.)
 *
 * A group that has no row is made under a lock on its key (a lock tag of class imat.registered, object the
 * IMAT, sub-object the key's hash), held from the last look until the index entry is there.  Whoever comes
 * second finds the row, still uncommitted, and waits for the transaction that made it.  Nobody waits while
 * holding a key lock.
 *
 * What aggregates with DISTINCT are over is kept value by value in further tables, which are written under
 * the lock of the group (multiplicities.cpp).
 *
 * Where an upper query stands on top of groups, what they show is noted, and the table is written once they
 * all are (upper.cpp).
 *
 * Every transaction takes groups in the order of their keys, so no two wait for each other.
 *
 * A group may lose sight of its minimum or maximum (delta/extremes.cpp): then it is looked up among the rows,
 * after the group was locked.  So lost groups are put off; many of them are looked up together, under a
 * snapshot that is taken when they all are locked.  Whoever else has changed rows of such a group either has
 * added his change before we got the lock, and so has committed, and the snapshot shows his rows; or will add
 * it after us, to what we write, and so has not committed, and the snapshot doesn't show them.  (Other tables
 * of a join are held still by the tags of their sources; see flush/locks.cpp.)  Our own changes are all
 * there, and all captured, unless this is in the middle of a statement: then the extremum is shown, as the
 * table's reader sees it in the sources, but no value is kept, so the next change of the group looks it up
 * again.  In a transaction with one snapshot that goes on, nobody has changed the group since
 * (check_snapshot), so both snapshots show the same rows of it.  The multiplicities of a group are changed
 * when the rest of it is, once: not when it is put off.
 */
#include "apply/apply.hpp"

#include "apply/multiplicities.hpp"
#include "apply/probe.hpp"
#include "apply/row_search.hpp"
#include "apply/upper.hpp"
#include "pg/list.hpp"
#include "pg/lookup.hpp"

namespace apply {

namespace {

/* How many lost groups are looked up by one query. */
constexpr int most_postponed = 65536;

/* A group that has lost sight of an extremum. */
struct LostGroup {
    const delta::Group *change;
    bool born; /* its row was made, with the change in it */
};

/* The groups that were put off. */
struct Postponed {
    MemoryContext memory;
    delta::GroupTable *groups; /* what they have lost; NULL: there are none */
    List *changes;             /* of LostGroup, in the order of groups */
};

/* What is open while one IMAT is written. */
struct Target {
    delta::Plan *plan;
    Moment moment;
    const Listener *listener;
    delta::GroupRow *group;

    Relation table;
    Writer *rows;
    Probe *row_by_key;     /* where the keys are visible, else NULL */
    RowSearch *row_by_all; /* where they are not */

    Relation state; /* NULL: the visible row is all there is */
    Writer *states;
    Probe *state_by_key;
    TupleTableSlot *state_row;
    model::Array<Multiplicities *> values; /* one for each of the view's distincts */

    TupleTableSlot *before; /* a copy of what was visible, or kept for an upper query */
    GroupChanges *upper;    /* NULL: groups are shown as they are */
    Postponed *postponed;
};

PG_GUARDED bool is_empty(const TupleTableSlot *slot)
{
    return TTS_EMPTY(slot);
}

[[noreturn]] PG_GUARDED void raise_mismatch(const Target &target)
{
    const char *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(target.table)),
                                                  RelationGetRelationName(target.table));
    ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
            errmsg("incremental materialized table %s does not match its sources", name),
            errdetail("Rows were removed from a group that does not have so many."),
            errhint("Run SELECT imat.refresh(%s); something changed the sources or the table unnoticed.",
                    quote_literal_cstr(name)));
    pg_unreachable();
}

/* The row that stands for the groups: where it is found, and what writes it. */
PG_GUARDED Probe *primary_probe(const Target &target)
{
    return target.state != nullptr ? target.state_by_key : target.row_by_key;
}

/*
 * In a transaction with one snapshot that goes on, what was locked must be what the snapshot sees: otherwise
 * the transaction would find changes in the group that it can't find in the sources.
 */
PG_GUARDED void check_snapshot(const Target &target, const delta::Group &change, Found found)
{
    if (target.moment == Moment::Commit || !IsolationUsesXactSnapshot())
        return;
    const delta::Layout &layout = *target.plan->layout;
    Probe *probe = primary_probe(target);
    const bool same =
        found == Found::Locked
            ? table_tuple_satisfies_snapshot(target.state != nullptr ? target.state : target.table,
                                             probe->row(), GetTransactionSnapshot())
            : !probe->sees(change.keys(), change.nulls(layout), GetTransactionSnapshot());
    if (!same)
        raise_serialization_failure();
}

/* May a group be written without having been locked?  Multiplicities are written before it, under its lock.
 */
PG_GUARDED bool may_try(const Target &target)
{
    return target.values.size == 0 && (target.moment == Moment::Commit || !IsolationUsesXactSnapshot());
}

/* The lock under which a group is born. */
PG_GUARDED LOCKTAG birth_lock(const Target &target, const delta::Group &change)
{
    LOCKTAG tag;
    SET_LOCKTAG_OBJECT(tag, MyDatabaseId, catalog::relation_of_ours("registered"),
                       RelationGetRelid(target.table),
                       static_cast<uint16>(change.hash ^ (change.hash >> 16)));
    return tag;
}

/*
 * Find the row that stands for the group, and lock it, unless trying may do.  Missing: there is none, and the
 * birth lock is held, so that it can be made.
 */
PG_GUARDED Found find_group(const Target &target, const delta::Group &change, bool trying, LOCKTAG *birth)
{
    const delta::Layout &layout = *target.plan->layout;
    Probe *probe = primary_probe(target);
    if (trying && probe->find_unlocked(change.keys(), change.nulls(layout), change.hash) == Found::Seen)
        return Found::Seen;
    for (;;) {
        if (probe->lock(change.keys(), change.nulls(layout)) == Found::Locked)
            return Found::Locked;
        *birth = birth_lock(target, change);
        LockAcquire(birth, ExclusiveLock, false, false);
        const Found found = probe->try_lock(change.keys(), change.nulls(layout));
        if (found == Found::Missing)
            return found;
        LockRelease(birth, ExclusiveLock, false);
        if (found == Found::Locked)
            return found;
    }
}

/*
 * The keys as they are stored: a group keeps the representative that it was made with.  The number of a
 * grouping set may follow from the others.
 */
PG_GUARDED void stored_keys(const Target &target, Datum *keys, bool *nulls)
{
    const model::View &view = *target.plan->view;
    TupleTableSlot *row = primary_probe(target)->row();
    const AttrNumber *columns = catalog::key_columns(view, target.state != nullptr);
    for (int i = 0; i < view.keys.size; ++i)
        if (columns[i] != 0)
            keys[i] = slot_getattr(row, columns[i], &nulls[i]);
    if (view.keys.size == 0 || columns[0] != 0)
        return;
    const model::GroupingSet *set = view.set_by_nulls(nulls);
    if (set == nullptr)
        raise_mismatch(target);
    keys[0] = Int32GetDatum(set->number);
    nulls[0] = false;
}

/* Keep a copy of the visible row, or of its absence.  The table may have columns that its definition lacks.
 */
PG_GUARDED void remember(const Target &target, TupleTableSlot *visible)
{
    TupleTableSlot *before = ExecClearTuple(target.before);
    if (visible == nullptr)
        return;
    slot_getallattrs(visible);
    for (int i = 0; i < before->tts_tupleDescriptor->natts; ++i) {
        before->tts_isnull[i] = i >= visible->tts_tupleDescriptor->natts || visible->tts_isnull[i];
        before->tts_values[i] = before->tts_isnull[i] ? Datum(0) : visible->tts_values[i];
    }
    ExecMaterializeSlot(ExecStoreVirtualTuple(before));
}

/* What writing one row came to. */
enum class Written : char { No, Yes, Contended };

/*
 * Put a row in place of another (NULL: of none, or nothing in place of it).  Contended: it was only seen, and
 * somebody has come in between; nothing was done.
 */
PG_GUARDED Written write_row(Writer *writer, ItemPointerData where, TupleTableSlot *row, Found found)
{
    Snapshot snapshot = GetActiveSnapshot();
    if (found == Found::Seen) {
        const bool done = row == nullptr ? try_delete_row(writer, &where, snapshot)
                                         : try_update_row(writer, &where, row, snapshot);
        return done ? Written::Yes : Written::Contended;
    }
    if (row == nullptr)
        delete_row(writer, &where, snapshot);
    else
        update_row(writer, &where, row, snapshot);
    return Written::Yes;
}

/*
 * The visible row of a group whose state row was written: so nobody else changes it, though somebody may have
 * locked it.
 */
PG_GUARDED void write_below_state(const Target &target, const Datum *keys, const bool *nulls, uint32 hash,
                                  TupleTableSlot *after)
{
    ItemPointerData where;
    if (target.row_by_key != nullptr) {
        if (may_try(target) && target.row_by_key->find_unlocked(keys, nulls, hash) == Found::Seen &&
            write_row(target.rows, target.row_by_key->row()->tts_tid, after, Found::Seen) == Written::Yes)
            return;
        if (target.row_by_key->lock(keys, nulls) != Found::Locked)
            raise_mismatch(target);
        where = target.row_by_key->row()->tts_tid;
    } else if (!target.row_by_all->lock(target.before, &where)) {
        raise_mismatch(target);
    }
    write_row(target.rows, where, after, Found::Locked);
}

/* Write the visible row: from target.before to after (NULL: none).  found: how the row of the group was. */
PG_GUARDED Written write_visible(const Target &target, const Datum *keys, const bool *nulls, uint32 hash,
                                 TupleTableSlot *after, Found found)
{
    TupleTableSlot *before = is_empty(target.before) ? nullptr : target.before;
    if (before == nullptr && after == nullptr)
        return Written::No;
    if (before != nullptr && after != nullptr && same_row(before, after))
        return Written::No;
    if (target.upper != nullptr) {
        note_group(target.upper, before, after);
        return Written::Yes;
    }
    if (before == nullptr)
        insert_row(target.rows, after);
    else if (target.state != nullptr)
        write_below_state(target, keys, nulls, hash, after);
    else if (write_row(target.rows, target.row_by_key->row()->tts_tid, after, found) == Written::Contended)
        return Written::Contended;
    if (target.listener != nullptr)
        target.listener->row_changed(target.listener->self, before, after);
    return Written::Yes;
}

/* What an upper query gets to see of the group behind its accumulators; of one that is lost yet: nothing. */
PG_GUARDED void add_shown(const Target &target, TupleTableSlot *row, const Datum *keys, const bool *nulls)
{
    const int first = target.plan->view->keys.size + 1;
    TupleTableSlot *shown = target.group->is_lost() ? nullptr : target.group->visible(keys, nulls);
    for (int i = first; i < row->tts_tupleDescriptor->natts; ++i) {
        row->tts_isnull[i] = shown == nullptr || shown->tts_isnull[i - first];
        row->tts_values[i] = row->tts_isnull[i] ? Datum(0) : shown->tts_values[i - first];
    }
}

PG_GUARDED TupleTableSlot *make_state_row(const Target &target, const Datum *keys, const bool *nulls)
{
    const int size = target.plan->view->keys.size;
    TupleTableSlot *row = target.state_row;
    ExecClearTuple(row);
    memcpy(row->tts_values, keys, sizeof(Datum) * size);
    memcpy(row->tts_isnull, nulls, sizeof(bool) * size);
    row->tts_values[size] = target.group->state();
    row->tts_isnull[size] = false;
    if (target.upper != nullptr)
        add_shown(target, row, keys, nulls);
    return ExecStoreVirtualTuple(row);
}

PG_GUARDED Written write_state(const Target &target, const Datum *keys, const bool *nulls, Found found)
{
    const bool stays = target.group->rows() > 0 || target.group->stays(keys);
    if (found == Found::Missing) {
        insert_row(target.states, make_state_row(target, keys, nulls));
        return Written::Yes;
    }
    TupleTableSlot *row = stays ? make_state_row(target, keys, nulls) : nullptr;
    return write_row(target.states, target.state_by_key->row()->tts_tid, row, found);
}

/* Read the group as it is stored, and what of it is visible. */
PG_GUARDED void read_group(const Target &target, const Datum *keys, const bool *nulls)
{
    if (target.state != nullptr) {
        bool null;
        const int column = target.plan->view->keys.size + 1;
        target.group->read_state(slot_getattr(target.state_by_key->row(), column, &null));
        remember(target, target.group->visible(keys, nulls));
    } else {
        target.group->read_visible(target.row_by_key->row());
        remember(target, target.row_by_key->row());
    }
}

/* Has any value of DISTINCT another multiplicity than before? */
PG_GUARDED bool has_changed_values(const Target &target, const delta::Group &change)
{
    bool changed = false;
    for (const Multiplicities *values : target.values)
        changed = changed || values->has_changes(change);
    return changed;
}

/* Is there anything to be added to the group? */
PG_GUARDED bool has_changes(const Target &target, delta::Group &change)
{
    return !delta::is_zero(*target.plan->layout, change) || has_changed_values(target, change);
}

/* Change the multiplicities of a group that is as it will be but for these. */
PG_GUARDED void adjust_values(const Target &target, const delta::Group &change, const Datum *keys,
                              const bool *nulls)
{
    bool possible = true;
    for (Multiplicities *values : target.values)
        possible = possible && values->adjust(change, keys, nulls, target.group);
    if (!possible || !target.group->has_sound_values())
        raise_mismatch(target);
}

/* Put off a group that is lost; a group that has no row yet gets one, while its birth lock is held. */
PG_GUARDED void postpone(const Target &target, const delta::Group &change, Found found)
{
    const delta::Layout &layout = *target.plan->layout;
    Postponed *postponed = target.postponed;
    if (postponed->groups == nullptr)
        postponed->groups = delta::GroupTable::create(&layout, postponed->memory);
    target.group->note_lost(postponed->groups, change.keys(), change.nulls(layout));
    if (found == Found::Missing)
        write_state(target, change.keys(), change.nulls(layout), found);

    MemoryContext caller = MemoryContextSwitchTo(postponed->memory);
    auto *lost = static_cast<LostGroup *>(palloc(sizeof(LostGroup)));
    *lost = {.change = &change, .born = found == Found::Missing};
    postponed->changes = lappend(postponed->changes, lost);
    MemoryContextSwitchTo(caller);
}

/* Add the change to a group that was put off, with what was found among the rows. */
PG_GUARDED bool apply_lost(const Target &target, const LostGroup &lost, const delta::Group &found)
{
    const delta::Group &change = *lost.change;
    const delta::Layout &layout = *target.plan->layout;
    if (primary_probe(target)->lock(change.keys(), change.nulls(layout)) != Found::Locked)
        raise_mismatch(target);
    auto *keys = static_cast<Datum *>(palloc(sizeof(Datum) * (layout.keys.size + 1)));
    bool *nulls = static_cast<bool *>(palloc(sizeof(bool) * (layout.keys.size + 1)));
    stored_keys(target, keys, nulls);
    target.group->clear();
    read_group(target, keys, nulls);
    if (lost.born)
        ExecClearTuple(target.before);
    else
        target.group->add(change);

    const bool settled = target.moment == Moment::Commit || catalog::session.changing == 0;
    if (!target.group->take_found(found, !settled))
        raise_mismatch(target);
    adjust_values(target, change, keys, nulls);
    write_state(target, keys, nulls, Found::Locked);
    TupleTableSlot *after = target.group->visible(keys, nulls);
    return write_visible(target, keys, nulls, change.hash, after, Found::Locked) == Written::Yes;
}

/* Apply all changes that were put off; the number of groups written. */
PG_GUARDED int64 apply_postponed(const Target &target)
{
    Postponed *postponed = target.postponed;
    if (postponed->groups == nullptr)
        return 0;
    CommandCounterIncrement();
    pg::push_latest_snapshot();
    if (target.rows != nullptr)
        begin_command(target.rows);
    begin_command(target.states);
    for (Multiplicities *values : target.values)
        values->begin_command();
    delta::find_lost(target.plan, postponed->groups, {GetActiveSnapshot(), true});

    int64 written = 0;
    int place = 0;
    MemoryContext scratch =
        AllocSetContextCreate(CurrentMemoryContext, "pg_imat lost groups", ALLOCSET_SMALL_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(scratch);
    for (auto *lost : pg::each<LostGroup>(postponed->changes)) {
        CHECK_FOR_INTERRUPTS();
        written += apply_lost(target, *lost, *postponed->groups->in_order()[place++]) ? 1 : 0;
        MemoryContextReset(scratch);
    }
    MemoryContextSwitchTo(caller);
    MemoryContextDelete(scratch);
    PopActiveSnapshot();
    MemoryContextReset(postponed->memory);
    postponed->groups = nullptr;
    postponed->changes = NIL;
    return written;
}

/* Add one change to its group; Contended only when trying: nothing was done then. */
PG_GUARDED Written add_change(const Target &target, const delta::Group &change, bool trying)
{
    const delta::Layout &layout = *target.plan->layout;
    LOCKTAG birth;
    const Found found = find_group(target, change, trying, &birth);
    check_snapshot(target, change, found);

    auto *keys = static_cast<Datum *>(palloc(sizeof(Datum) * (layout.keys.size + 1)));
    bool *nulls = static_cast<bool *>(palloc(sizeof(bool) * (layout.keys.size + 1)));
    target.group->clear();
    ExecClearTuple(target.before);
    if (found != Found::Missing) {
        stored_keys(target, keys, nulls);
        read_group(target, keys, nulls);
    } else {
        memcpy(keys, change.keys(), sizeof(Datum) * layout.keys.size);
        memcpy(nulls, change.nulls(layout), sizeof(bool) * layout.keys.size);
    }
    if (!target.group->add(change)) {
        if (found == Found::Seen)
            return Written::Contended;
        raise_mismatch(target);
    }
    if (found == Found::Missing && target.group->is_zero() && !has_changed_values(target, change)) {
        LockRelease(&birth, ExclusiveLock, false); /* all that came has left, unseen by extremes */
        return Written::No;
    }
    if (found == Found::Missing && target.group->rows() == 0)
        raise_mismatch(target);

    if (target.group->is_lost()) {
        if (found == Found::Seen)
            return Written::Contended;
        postpone(target, change, found);
        if (found == Found::Missing)
            LockRelease(&birth, ExclusiveLock, false);
        return Written::No;
    }
    adjust_values(target, change, keys, nulls);
    if (target.state != nullptr) {
        if (write_state(target, keys, nulls, found) == Written::Contended)
            return Written::Contended;
        if (found == Found::Missing)
            LockRelease(&birth, ExclusiveLock, false);
    }
    const Written written =
        write_visible(target, keys, nulls, change.hash, target.group->visible(keys, nulls), found);
    if (target.state == nullptr && found == Found::Missing)
        LockRelease(&birth, ExclusiveLock, false);
    return written;
}

/* The same, true if anything was written. */
PG_GUARDED bool apply_group(const Target &target, const delta::Group &change)
{
    Written written = Written::Contended;
    if (may_try(target))
        written = add_change(target, change, true);
    if (written == Written::Contended)
        written = add_change(target, change, false);
    return written == Written::Yes;
}

PG_GUARDED Target open_target(delta::Plan *plan, const delta::GroupTable &changes, Moment moment,
                              const Listener *listener)
{
    Target target = {};
    target.plan = plan;
    target.moment = moment;
    target.listener = listener;
    target.group = delta::GroupRow::create(plan, CurrentMemoryContext);
    target.table = table_open(plan->registration.imat, RowExclusiveLock);
    TupleTableSlot *visible = plan->outputs->pi_state.resultslot;
    if (plan->view->upper != nullptr) {
        target.upper = make_group_changes(CurrentMemoryContext);
    } else {
        target.rows = open_writer(target.table, visible->tts_tupleDescriptor, true);
        if (plan->view->keys_visible)
            target.row_by_key = Probe::open(target.table, plan, false);
        else
            target.row_by_all = RowSearch::open(target.table, RelationGetNumberOfAttributes(target.table));
    }
    target.before = MakeSingleTupleTableSlot(target.upper != nullptr ? visible->tts_tupleDescriptor
                                                                     : RelationGetDescr(target.table),
                                             &TTSOpsVirtual);
    target.postponed = static_cast<Postponed *>(palloc0(sizeof(Postponed)));
    target.postponed->memory =
        AllocSetContextCreate(CurrentMemoryContext, "pg_imat postponed", ALLOCSET_SMALL_SIZES);
    if (plan->view->needs_state) {
        target.state = table_open(plan->registration.state, RowExclusiveLock);
        TupleDesc type = RelationGetDescr(target.state);
        target.states = open_writer(target.state, type, true);
        target.state_by_key = Probe::open(target.state, plan, true);
        target.state_row = MakeSingleTupleTableSlot(type, &TTSOpsVirtual);
        const int distincts = plan->view->distincts.size;
        target.values.data = static_cast<Multiplicities **>(palloc(sizeof(void *) * (distincts + 1)));
        for (int i = 0; i < distincts; ++i)
            target.values.data[target.values.size++] = Multiplicities::open(plan, changes, i);
    }
    return target;
}

PG_GUARDED void close_target(const Target &target)
{
    for (Multiplicities *values : target.values)
        values->close();
    if (target.state != nullptr) {
        ExecDropSingleTupleTableSlot(target.state_row);
        target.state_by_key->close();
        close_writer(target.states);
        table_close(target.state, NoLock);
    }
    ExecDropSingleTupleTableSlot(target.before);
    if (target.row_by_key != nullptr)
        target.row_by_key->close();
    if (target.row_by_all != nullptr)
        target.row_by_all->close();
    if (target.rows != nullptr)
        close_writer(target.rows);
    table_close(target.table, NoLock);
    target.group->destroy();
    MemoryContextDelete(target.postponed->memory);
}

} // namespace

PG_GUARDED int64 apply_groups(delta::Plan *plan, delta::GroupTable *changes, Moment moment,
                              const Listener *listener)
{
    int64 written = 0;
    const Target target = open_target(plan, *changes, moment, listener);
    MemoryContext scratch =
        AllocSetContextCreate(CurrentMemoryContext, "pg_imat apply", ALLOCSET_SMALL_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(scratch);
    for (delta::Group *change : changes->sorted()) {
        CHECK_FOR_INTERRUPTS();
        if (has_changes(target, *change))
            written += apply_group(target, *change) ? 1 : 0;
        MemoryContextReset(scratch);
        if (list_length(target.postponed->changes) >= most_postponed)
            written += apply_postponed(target);
    }
    written += apply_postponed(target);
    MemoryContextSwitchTo(caller);
    MemoryContextDelete(scratch);
    close_target(target);
    return target.upper == nullptr ? written : apply_upper(plan, *target.upper, moment, listener);
}

} // namespace apply
