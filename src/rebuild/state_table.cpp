/*
 * state_table.cpp - the tables that keep what groups need beyond what the IMAT shows.
 *
 * They stand in schema imat and are named after the IMAT.  The state table has columns key_1, key_2, ... like
 * the group keys, then the accumulators, serialized; or, where groups are computed anew, columns column_1,
 * column_2, ... like those of the IMAT, with what each group shows, by which its row there is found.  Such
 * columns come, too, where an upper query is over what groups show (model::View::upper).  For
 * each input of aggregates with DISTINCT there is a table of multiplicities: the same keys, a value, and the
 * number of rows of the group that have it.  They belong to the IMAT's owner, are granted to nobody, and like
 * the IMAT are written by maintenance alone.  They go with the IMAT (DEPENDENCY_AUTO); a dump has them as
 * ordinary tables.
 */
#include "pg/list.hpp"
#include "rebuild/parts.hpp"

namespace rebuild {

namespace {

/* One column a key, then those given. */
PG_GUARDED List *columns_behind_keys(const model::View &view, List *columns)
{
    List *all = NIL;
    for (int i = 0; i < view.keys.size; i++)
        all = lappend(all, makeColumnDef(psprintf("key_%d", i + 1), view.keys[i].type, view.keys[i].typmod,
                                         view.keys[i].collation));
    return list_concat(all, columns);
}

/* What the state table has behind the keys. */
PG_GUARDED List *state_columns(const model::View &view)
{
    const bool keyed = view.strategy == model::Strategy::Keyed;
    List *columns = keyed ? NIL : list_make1(makeColumnDef("accumulators", BYTEAOID, -1, InvalidOid));
    if (!keyed && view.upper == nullptr)
        return columns;
    for (auto *target : pg::each<TargetEntry>(keyed ? view.group_targets : view.outputs)) {
        auto *value = reinterpret_cast<Node *>(target->expr);
        if (!target->resjunk)
            columns = lappend(columns, makeColumnDef(psprintf("column_%d", target->resno), exprType(value),
                                                     exprTypmod(value), exprCollation(value)));
    }
    return columns;
}

/* A table like the IMAT's, with columns behind the keys, which are never NULL unless the IMAT shows them. */
PG_GUARDED Oid create_table(Oid table, const model::View &view, const char *suffix, List *columns)
{
    const Oid hidden = create_hidden_table(get_rel_name(table), suffix, columns_behind_keys(view, columns),
                                           pg::owner_of_relation(table), get_rel_persistence(table),
                                           get_rel_tablespace(table));
    AttrNumber not_null[2];
    const int size = view.strategy == model::Strategy::Keyed ? 0
                     : view.upper != nullptr                 ? 1
                                                             : list_length(columns);
    for (int i = 0; i < size; i++)
        not_null[i] = static_cast<AttrNumber>(view.keys.size + i + 1);
    set_not_null(hidden, not_null, size);
    protect(hidden);
    return hidden;
}

PG_GUARDED Oid create_state_table(Oid table, const model::View &view)
{
    return create_table(table, view, "state", state_columns(view));
}

PG_GUARDED Oid create_multiplicities(Oid table, const model::View &view, const model::Key &value)
{
    return create_table(table, view, "distinct",
                        list_make2(makeColumnDef("value", value.type, value.typmod, value.collation),
                                   makeColumnDef("rows", INT8OID, -1, InvalidOid)));
}

} // namespace

PG_GUARDED Oid create_hidden_table(const char *name, const char *suffix, List *columns, Oid owner,
                                   char persistence, Oid tablespace)
{
    CreateStmt *statement = makeNode(CreateStmt);
    statement->relation = makeRangeVar(pstrdup("imat"), free_name(name, suffix), -1);
    statement->relation->relpersistence = persistence;
    statement->tableElts = columns;
    statement->oncommit = ONCOMMIT_NOOP;
    if (OidIsValid(tablespace))
        statement->tablespacename = get_tablespace_name(tablespace);
    const Oid table = as_superuser(
        [&] { return DefineRelation(statement, RELKIND_RELATION, owner, nullptr, nullptr).objectId; });
    CommandCounterIncrement();
    NewRelationCreateToastTable(table, Datum(0));
    set_privileges(table, 0, nullptr);
    return table;
}

PG_GUARDED void create_hidden_tables(catalog::Registration *registration, const model::View &view, bool build)
{
    const int distincts = view.distincts.size;
    Oid ignored = InvalidOid;
    registration->state = create_state_table(registration->imat, view);
    create_indexes(registration->state, view, true, build, &ignored);
    registration->multiplicities = {.data = static_cast<Oid *>(palloc(sizeof(Oid) * (distincts + 1))),
                                    .size = distincts};
    for (int i = 0; i < distincts; i++) {
        const Oid table = create_multiplicities(registration->imat, view, view.distincts[i].value);
        create_indexes(table, *catalog::view_of_values(view, i), true, build, &ignored);
        registration->multiplicities[i] = table;
    }
}

} // namespace rebuild
