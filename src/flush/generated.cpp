/*
 * generated.cpp - generated columns that the rows handed to triggers lack.
 *
 * A row that is inserted by the name of a partitioned table goes to a partition, and stored generated columns
 * are computed there.  The transition table has the row as it was before, if the partition's columns are in
 * another order (tcs_original_insert_tuple; PostgreSQL, execPartition.c and trigger.c): then they are NULL in
 * it.  They can't be computed here, since a partition may compute them by an expression of its own.
 */
#include "flush/generated.hpp"

#include "pg/list.hpp"

namespace flush {

namespace {

/* Has a table that holds rows of the partitioned one its columns in another order? */
PG_GUARDED bool has_other_order(Relation partitioned)
{
    bool has = false;
    for (Oid oid :
         pg::each_oid(find_all_inheritors(RelationGetRelid(partitioned), AccessShareLock, nullptr))) {
        Relation table = table_open(oid, NoLock);
        has = has || (table->rd_rel->relkind != RELKIND_PARTITIONED_TABLE &&
                      pg::conversion_map(RelationGetDescr(partitioned), RelationGetDescr(table)) != nullptr);
        table_close(table, NoLock);
    }
    return has;
}

} // namespace

PG_GUARDED bool lacks_generated(const TriggerData *trigger)
{
    Relation table = trigger->tg_relation;
    const TupleConstr *constraints = RelationGetDescr(table)->constr;
    return TRIGGER_FIRED_BY_INSERT(trigger->tg_event) && trigger->tg_newtable != nullptr &&
           table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE && constraints != nullptr &&
           constraints->has_generated_stored && has_other_order(table);
}

} // namespace flush
