/*
 * moves.cpp - rows that MERGE moves from one partition to another.
 *
 * A row that UPDATE moves is in the transition tables of UPDATE, like any other that it changes.  One that
 * MERGE moves is in those of DELETE and of INSERT instead, and PostgreSQL fires no trigger that would see
 * them there, unless the statement has such actions, too.  So ours are fired, and nobody else's: as those of
 * the statement itself would be, that is, queued while it ends, to find the complete tables afterwards.
 *
 * For that our hooks have to be there before the statement ends, so partitioned tables have a trigger before
 * UPDATE, which does nothing but have the library loaded.
 */
#include "flush/moves.hpp"

#include "flush/capture.hpp"
#include "pg/list.hpp"

namespace flush {

namespace {

/* Whose transition tables the rows are in. */
constexpr CmdType seeing[] = {CMD_DELETE, CMD_INSERT};

/* The parts of the statement that change tables. */
PG_GUARDED List *parts_of(const QueryDesc *statement)
{
    List *parts = list_copy(statement->estate->es_auxmodifytables);
    if (IsA(statement->planstate, ModifyTableState))
        parts = lappend(parts, statement->planstate);
    return parts;
}

/* Does the statement fire the table's triggers for INSERT, or DELETE, by itself? */
PG_GUARDED bool fires(const List *parts, Oid table, CmdType event)
{
    bool found = false;
    for (auto *part : pg::each<ModifyTableState>(parts))
        found = found || (RelationGetRelid(part->rootResultRelInfo->ri_RelationDesc) == table &&
                          (part->operation == event || pg::merges(part, event)));
    return found;
}

/* Have our trigger for INSERT, or DELETE, see what is in the transition table. */
PG_GUARDED void fire(EState *estate, const ModifyTableState *merge, CmdType event)
{
    const TriggerDesc *all = merge->rootResultRelInfo->ri_TrigDesc;
    TriggerDesc ours = {};
    for (int i = 0; all != nullptr && i < all->numtriggers; ++i)
        if (strcmp(all->triggers[i].tgname,
                   event == CMD_INSERT ? CAPTURE_INSERT_TRIGGER : CAPTURE_DELETE_TRIGGER) == 0)
            ours.triggers = &all->triggers[i];
    if (ours.triggers == nullptr)
        return;
    ours.numtriggers = 1;
    ours.trig_insert_after_statement = ours.trig_delete_after_statement = true;
    ResultRelInfo target = *merge->rootResultRelInfo;
    target.ri_TrigDesc = &ours;
    if (event == CMD_INSERT)
        ExecASInsertTriggers(estate, &target, merge->mt_transition_capture);
    else
        ExecASDeleteTriggers(estate, &target, merge->mt_transition_capture);
}

} // namespace

PG_GUARDED void capture_moves(const QueryDesc *statement)
{
    EState *estate = statement->estate;
    if (!pg::may_merge(statement->plannedstmt) || (estate->es_top_eflags & EXEC_FLAG_SKIP_TRIGGERS) != 0)
        return;
    const List *parts = parts_of(statement);
    List *done = NIL;
    for (auto *part : pg::each<ModifyTableState>(parts)) {
        const RelationData *table = part->rootResultRelInfo->ri_RelationDesc;
        if (!pg::merges(part, CMD_UPDATE) || part->mt_transition_capture == nullptr ||
            table->rd_rel->relkind != RELKIND_PARTITIONED_TABLE ||
            list_member_oid(done, RelationGetRelid(table)))
            continue;
        done = lappend_oid(done, RelationGetRelid(table));
        for (CmdType event : seeing)
            if (!fires(parts, RelationGetRelid(table), event))
                fire(estate, part, event);
    }
}

} // namespace flush
