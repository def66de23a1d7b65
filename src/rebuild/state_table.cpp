/*
 * state_table.cpp - the table that keeps what groups need beyond what the IMAT shows.
 *
 * It stands in schema imat and is named after the IMAT: columns key_1, key_2, ... like the group keys, then
 * the accumulators, serialized.  It belongs to the IMAT's owner and is granted to nobody.  It goes with the
 * IMAT (DEPENDENCY_AUTO); a dump has both as ordinary tables.
 */
#include "rebuild/parts.hpp"

namespace rebuild {

namespace {

PG_GUARDED List *state_columns(const model::View &view)
{
    List *columns = NIL;
    for (int i = 0; i < view.keys.size; i++)
        columns = lappend(columns, makeColumnDef(psprintf("key_%d", i + 1), view.keys[i].type,
                                                 view.keys[i].typmod, view.keys[i].collation));
    return lappend(columns, makeColumnDef("accumulators", BYTEAOID, -1, InvalidOid));
}

} // namespace

PG_GUARDED Oid create_state_table(Oid table, const model::View &view)
{
    CreateStmt *statement = makeNode(CreateStmt);
    const char *name = get_rel_name(table);
    statement->relation = makeRangeVar(pstrdup("imat"), free_name(name, "state"), -1);
    statement->relation->relpersistence = get_rel_persistence(table);
    statement->tableElts = state_columns(view);
    statement->oncommit = ONCOMMIT_NOOP;
    const Oid tablespace = get_rel_tablespace(table);
    if (OidIsValid(tablespace))
        statement->tablespacename = get_tablespace_name(tablespace);
    const Oid state = as_superuser([&] {
        return DefineRelation(statement, RELKIND_RELATION, pg::owner_of_relation(table), nullptr, nullptr)
            .objectId;
    });
    CommandCounterIncrement();
    NewRelationCreateToastTable(state, Datum(0));
    set_privileges(state, nullptr);
    const auto accumulators = static_cast<AttrNumber>(view.keys.size + 1);
    set_not_null(state, &accumulators, 1);
    return state;
}

} // namespace rebuild
