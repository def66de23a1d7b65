/*
 * table_ddl.cpp - what CREATE TABLE and ALTER TABLE mean to IMATs, after the fact and, where that would be
 * too late, before.
 *
 * New children and partitions of sources get our triggers.  A partition or child that comes or goes with its
 * rows changes what the IMATs over its parent should show, and no trigger tells: see hierarchy.cpp.  When the
 * triggers were disabled for a while, the IMATs are computed anew as soon as they aren't any more; until then
 * the IMATs are not to be trusted, which imat.status says.  Columns matter even where no definition names
 * them: to what is made of whole rows, wherever the row's type is used.  Constraints may be what a proof
 * rested on.  Owner and persistence are followed.  Most other alterations are none of our business.
 */
#include "analyze/analyze.hpp"
#include "pg/list.hpp"
#include "pg/lookup.hpp"
#include "rebuild/parts.hpp"
#include "rebuild/rebuild.hpp"

namespace rebuild {

namespace {

/* What an ALTER TABLE did, as far as we care. */
struct Effects {
    bool hierarchy;   /* children or parents came or went */
    bool firing;      /* triggers were enabled or disabled */
    bool persistence; /* it was made logged or unlogged */
    bool constraints; /* columns may be NULL, rows of children have the same keys */
    bool columns;     /* came, went, or have changed */
    bool security;    /* row-level security was switched */
    bool owner;
    bool values; /* of a column, without any trigger being fired */
    List *moves; /* of Move */
};

/* A partition or child that has come, or left. */
struct Move {
    Oid table;
    Oid parent;
    bool come;
    bool followed; /* already, when it began */
};

/* The parent that an INHERIT or NO INHERIT names. */
PG_GUARDED Oid parent_in(const AlterTableCmd *command)
{
    return RangeVarGetRelid(castNode(RangeVar, command->def), NoLock, true);
}

/* The partition that an ATTACH or DETACH names. */
PG_GUARDED Oid partition_in(const AlterTableCmd *command)
{
    return RangeVarGetRelid(castNode(PartitionCmd, command->def)->name, NoLock, true);
}

PG_GUARDED void add_move(Effects *effects, Oid table, Oid parent, bool come, bool followed)
{
    auto *move = static_cast<Move *>(palloc(sizeof(Move)));
    *move = {.table = table, .parent = parent, .come = come, .followed = followed};
    effects->moves = lappend(effects->moves, move);
    effects->hierarchy = true;
}

/* Does the command enable or disable triggers? */
PG_GUARDED bool changes_firing(AlterTableType command)
{
    switch (command) {
    case AT_EnableTrig:
    case AT_EnableAlwaysTrig:
    case AT_EnableReplicaTrig:
    case AT_DisableTrig:
    case AT_EnableTrigAll:
    case AT_DisableTrigAll:
    case AT_EnableTrigUser:
    case AT_DisableTrigUser:
        return true;
    default:
        return false;
    }
}

/* What one of the commands did to the table. */
PG_GUARDED void add_effect(Effects *effects, Oid table, const AlterTableCmd *command)
{
    switch (command->subtype) {
    case AT_AttachPartition:
        add_move(effects, partition_in(command), table, true, false);
        break;
    case AT_DetachPartition:
        add_move(effects, partition_in(command), table, false, pg::detaches_concurrently(command));
        break;
    case AT_AddInherit:
    case AT_DropInherit:
        add_move(effects, table, parent_in(command), command->subtype == AT_AddInherit, false);
        effects->constraints = true;
        break;
    case AT_SetLogged:
    case AT_SetUnLogged:
        effects->persistence = true;
        break;
    case AT_DropNotNull:
        effects->constraints = true;
        break;
    case AT_EnableRowSecurity:
    case AT_DisableRowSecurity:
    case AT_ForceRowSecurity:
    case AT_NoForceRowSecurity:
        effects->security = true;
        break;
    case AT_ChangeOwner:
        effects->owner = true;
        break;
    default:
        if (pg::finalizes_detach(command->subtype))
            add_move(effects, partition_in(command), table, false, true);
        effects->firing = effects->firing || changes_firing(command->subtype);
        effects->values = effects->values || pg::changes_generated(command->subtype);
        effects->columns = effects->columns || pg::changes_columns(command->subtype);
        break;
    }
}

PG_GUARDED Effects effects_of(Oid table, const CollectedCommand *command)
{
    Effects effects = {};
    for (auto *part : pg::each<CollectedATSubcmd>(command->d.alterTable.subcmds))
        if (IsA(part->parsetree, AlterTableCmd))
            add_effect(&effects, table, reinterpret_cast<AlterTableCmd *>(part->parsetree));
    return effects;
}

/* Changes go unseen, or may do so: say it. */
PG_GUARDED void distrust(catalog::Registration registration, const char *disabled)
{
    ereport(WARNING,
            errmsg("incremental materialized table %s can no longer be trusted", name_of(registration.imat)),
            errdetail("With %s disabled, changes go unseen.", disabled),
            errhint("When it is enabled again, the table will be computed anew.  Until then "
                    "imat.verify tells by how many rows it is wrong, and imat.refresh repairs it."));
    registration.trusted = false;
    catalog::update(registration);
}

/* Triggers of the table, or of what is below it, were enabled or disabled: whom can be trusted now? */
PG_GUARDED void follow_firing(Oid table, const List *imats, Changed *changed)
{
    for (Oid child : pg::each_oid(find_all_inheritors(table, NoLock, nullptr)))
        mend_firing(child);
    for (Oid imat : pg::each_oid(imats)) {
        catalog::Registration registration = {};
        if (!catalog::find(imat, &registration))
            continue;
        const char *disabled = find_disabled(imat);
        if (disabled == nullptr && !registration.trusted) {
            ereport(NOTICE,
                    errmsg("incremental materialized table %s is computed anew, since changes may have "
                           "gone unseen",
                           name_of(imat)));
            changed->rows = list_append_unique_oid(changed->rows, imat);
        } else if (disabled != nullptr && registration.trusted) {
            distrust(registration, disabled);
        }
    }
}

/*
 * An error where the table has become a child or partition, and is an IMAT, or its parent is one: an IMAT has
 * no rows but its own, and maintenance writes them without telling those who read a parent.
 */
PG_GUARDED void check_apart(Oid table)
{
    List *parents = parents_of(table);
    for (Oid imat : pg::each_oid(parents == NIL ? NIL : lappend_oid(list_copy(parents), table)))
        if (catalog::is_imat(imat))
            ereport(
                ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
                errmsg("incremental materialized table %s cannot be a partition, or have parents or children",
                       name_of(imat)),
                errhint("Use a view that puts the rows together."));
}

/* Partitions or children have come or gone. */
PG_GUARDED void follow_moves(const Effects &effects, Changed *changed)
{
    for (auto *move : pg::each<Move>(effects.moves)) {
        if (move->come)
            check_apart(move->table);
        if (move->come && readers_of(move->table) != NIL)
            capture_table(move->table);
        if (!move->followed)
            follow_move(move->table, move->parent, move->come, changed);
        for (Oid kin : pg::each_oid(kin_of(move->parent)))
            CacheInvalidateRelcacheByRelid(kin);
        if (!move->come)
            release({.data = &move->table, .size = 1});
    }
}

/* An error where a column that maintenance writes has gone or has another type. */
PG_GUARDED void check_columns(Oid imat)
{
    catalog::Registration registration = {};
    if (!catalog::find(imat, &registration))
        return;
    Relation table = relation_open(imat, AccessShareLock);
    Relation definition = relation_open(registration.definition, AccessShareLock);
    for (int i = 0; i < RelationGetDescr(definition)->natts; i++) {
        const FormData_pg_attribute *wanted = TupleDescAttr(RelationGetDescr(definition), i);
        const FormData_pg_attribute *column = TupleDescAttr(RelationGetDescr(table), i);
        if (column->attisdropped || column->atttypid != wanted->atttypid ||
            column->atttypmod != wanted->atttypmod || column->attcollation != wanted->attcollation)
            ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("cannot drop or alter column %d of incremental materialized table %s", i + 1,
                           name_of(imat)),
                    errdetail("It is what its definition makes of it: %s of type %s.",
                              quote_identifier(NameStr(wanted->attname)),
                              format_type_with_typemod(wanted->atttypid, wanted->atttypmod)),
                    errhint("Make it an ordinary table with imat.drop(..., keep => 'table') first, or create "
                            "it anew."));
    }
    relation_close(definition, NoLock);
    relation_close(table, NoLock);
}

/* The columns were altered of a table in which groups are kept. */
[[noreturn]] PG_GUARDED void refuse_columns(Oid hidden, Oid imat)
{
    ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
            errmsg("cannot add, drop or alter columns of table %s", name_of(hidden)),
            errdetail("It belongs to incremental materialized table %s; maintenance alone needs it.",
                      name_of(imat)));
    pg_unreachable();
}

/* Does the IMAT keep subqueries, which are those of one owner, who may read what they do? */
PG_GUARDED bool keeps_subqueries(Oid imat)
{
    catalog::Registration registration = {};
    return catalog::find(imat, &registration) && registration.subqueries.size > 0 && owner_may_read(imat);
}

/* An IMAT itself was altered. */
PG_GUARDED void follow_imat(Oid imat, const Effects &effects, Changed *changed)
{
    if (effects.columns)
        check_columns(imat);
    if (effects.owner) {
        follow_owner(imat);
        check_owner(imat);
        for (Oid source : catalog::sources_of(imat))
            if (pg::has_row_security(source))
                changed->meaning = list_append_unique_oid(changed->meaning, imat);
        if (keeps_subqueries(imat))
            changed->meaning = list_append_unique_oid(changed->meaning, imat);
    }
    if (effects.persistence)
        check_persistence(imat);
}

/* The table was altered in a way that may matter to whoever reads it. */
PG_GUARDED void follow_table(Oid table, const Effects &effects, const List *readers, Changed *changed)
{
    for (Oid imat : pg::each_oid(readers)) {
        if (effects.persistence || effects.hierarchy)
            follow_persistence(imat);
        if (effects.constraints && !fits(imat))
            changed->meaning = list_append_unique_oid(changed->meaning, imat);
        if (effects.values)
            changed->rows = list_append_unique_oid(changed->rows, imat);
        if (effects.owner)
            check_owner(imat);
    }
    if (effects.security || (effects.owner && pg::has_row_security(table)))
        after_policy_command(table, changed);
}

/* Is the column read by the definition itself? */
PG_GUARDED bool reads_column(Oid definition, Oid table, AttrNumber column)
{
    bool reads = false;
    Relation view = relation_open(definition, AccessShareLock);
    const Oid rule = view->rd_rules->rules[0]->ruleId;
    relation_close(view, NoLock);
    pg::each_dependency(RewriteRelationId, rule, [&](const FormData_pg_depend &read) {
        reads = reads || (read.refclassid == RelationRelationId && read.refobjid == table &&
                          read.refobjsubid == column);
    });
    return reads;
}

} // namespace

PG_GUARDED void after_table_command(Oid table, const CollectedCommand *command, Changed *changed)
{
    const char kind = get_rel_relkind(table);
    if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_FOREIGN_TABLE)
        return;
    const bool created = command->type != SCT_AlterTable;
    Effects effects = created ? Effects{} : effects_of(table, command);
    const List *readers = readers_of(table);
    /* A child says nothing of its parents' keys. */
    effects.constraints =
        effects.constraints || (created && readers != NIL && !get_rel_relispartition(table));
    if (created)
        check_apart(table);
    if (readers != NIL && created)
        capture_table(table);
    follow_moves(effects, changed);
    if (created)
        for (Oid imat : pg::each_oid(readers))
            follow_persistence(imat);
    follow_table(table, effects, readers, changed);
    if (effects.columns || renames_columns(command))
        after_change_of_columns(table, changed);
    const List *kept = effects.firing || effects.columns ? kept_in(table) : NIL;
    if (effects.firing)
        follow_firing(table, list_concat_unique_oid(list_copy(kept), readers), changed);
    if (effects.firing && is_restoring() && catalog::is_table_of_ours(table))
        settle();
    if (effects.columns && kept != NIL && linitial_oid(kept) != table)
        refuse_columns(table, linitial_oid(kept));
    if (catalog::is_imat(table))
        follow_imat(table, effects, changed);
}

PG_GUARDED void distrust_if_disabled(Oid imat)
{
    catalog::Registration registration = {};
    const char *disabled = find_disabled(imat);
    if (disabled != nullptr && catalog::find(imat, &registration) && registration.trusted)
        distrust(registration, disabled);
}

PG_GUARDED void after_change_of_columns(Oid relation, Changed *changed)
{
    List *dependents = dependents_of(TypeRelationId, get_rel_type_id(relation));
    changed->order = list_concat_unique_oid(changed->order, dependents);
    changed->meaning = list_concat_unique_oid(changed->meaning, dependents);
    for (Oid imat : pg::each_oid(readers_of(relation))) {
        catalog::Registration registration = {};
        if (catalog::find(imat, &registration) && analyze::reads_whole_rows(registration.definition))
            changed->meaning = list_append_unique_oid(changed->meaning, imat);
    }
}

PG_GUARDED bool renames_columns(const CollectedCommand *command)
{
    if (command->type != SCT_Simple || command->parsetree == nullptr || !IsA(command->parsetree, RenameStmt))
        return false;
    const ObjectType type = reinterpret_cast<const RenameStmt *>(command->parsetree)->renameType;
    return type == OBJECT_COLUMN || type == OBJECT_ATTRIBUTE;
}

PG_GUARDED void after_policy_command(Oid table, Changed *changed)
{
    for (Oid imat : pg::each_oid(readers_of(table))) {
        if (has_bypassrls_privilege(pg::owner_of_relation(imat)))
            continue;
        ereport(NOTICE,
                errmsg("incremental materialized table %s is computed anew, since row-level security of "
                       "table %s has changed",
                       name_of(imat), name_of(table)),
                errdetail("It shows the rows that its owner may see."));
        changed->meaning = list_append_unique_oid(changed->meaning, imat);
    }
}

PG_GUARDED List *imats_over_parents()
{
    List *found = NIL;
    for (Oid imat : catalog::all_imats())
        for (Oid source : catalog::sources_of(imat))
            if (has_subclass(source))
                found = list_append_unique_oid(found, imat);
    return found;
}

PG_GUARDED List *imats_under_policies()
{
    List *found = NIL;
    for (Oid imat : catalog::all_imats())
        for (Oid source : catalog::sources_of(imat))
            if (pg::has_row_security(source))
                found = list_append_unique_oid(found, imat);
    return found;
}

/* Does the command lock a table that others may wait for, and then wait itself? */
PG_GUARDED static bool stands_in_queue(const AlterTableCmd *command)
{
    const bool constrains =
        command->subtype == AT_AddConstraint && command->def != nullptr && IsA(command->def, Constraint);
    return changes_firing(command->subtype) ||
           (constrains && castNode(Constraint, command->def)->contype == CONSTR_FOREIGN);
}

PG_GUARDED void before_alter_table(const AlterTableStmt *statement)
{
    for (auto *command : pg::each<AlterTableCmd>(statement->cmds)) {
        const Oid table = RangeVarGetRelid(statement->relation, NoLock, true);
        if (stands_in_queue(command))
            queue_if_restoring();
        if (OidIsValid(table) && pg::detaches_concurrently(command)) {
            const Oid partition = partition_in(command);
            if (OidIsValid(partition))
                before_detach(table, partition);
        }
        if (command->subtype != AT_AlterColumnType)
            continue;
        const AttrNumber column = OidIsValid(table) ? get_attnum(table, command->name) : InvalidAttrNumber;
        if (column == InvalidAttrNumber)
            return;
        for (Oid imat : catalog::imats_on(table)) {
            catalog::Registration registration = {};
            if (catalog::find(imat, &registration) && reads_column(registration.definition, table, column))
                ereport(
                    ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot alter type of column %s of table %s because incremental materialized "
                           "table %s reads it",
                           quote_identifier(command->name), name_of(table),
                           name_of(catalog::outermost_keeper(imat))),
                    errhint(
                        "Turn it into a materialized view or a table with imat.drop(..., keep => ...), or "
                        "drop it, and create it again afterwards."));
        }
    }
}

} // namespace rebuild
