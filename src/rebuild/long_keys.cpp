/*
 * long_keys.cpp - group keys that are too long for an index.
 *
 * A row of a btree has to fit a third of a page, the keys of a group need not: texts, documents, arrays.  A
 * change of a source must not fail for that.  So before rows with such keys are written, an index that has
 * hashes of the keys takes the place of the one that has the keys themselves (catalog/key_index.cpp).  That
 * happens once in the life of an IMAT, when the first such key comes, and locks everybody out for as long as
 * it takes to build the index.  Then there is no unique index over the keys any more, and no primary key;
 * that there is one row for each group is seen to by locks anyway (apply/apply.cpp, apply/keyed.cpp).
 *
 * An index of the owner's stays as it is, with its limit, as it was for the materialized view.
 */
#include <algorithm>

#include "pg/list.hpp"
#include "rebuild/parts.hpp"
#include "rebuild/rebuild.hpp"

namespace rebuild {

namespace {

/* Are the keys of the row, in these columns, too long for an index? */
PG_GUARDED bool has_too_long_keys(TupleTableSlot *row, const model::Array<model::Key> &keys,
                                  const AttrNumber *columns)
{
    Datum values[MaxTupleAttributeNumber];
    bool nulls[MaxTupleAttributeNumber];
    for (int i = 0; i < keys.size; i++) {
        nulls[i] = true;
        if (columns[i] > 0)
            values[i] = slot_getattr(row, columns[i], &nulls[i]);
    }
    return catalog::are_too_long(keys, values, nulls);
}

PG_GUARDED void measure_row(void *self, TupleTableSlot *row)
{
    auto *measured = static_cast<Measured *>(self);
    measured->too_long = measured->too_long || has_too_long_keys(row, measured->keys, measured->columns);
    measured->rows.consume(measured->rows.self, row);
}

PG_GUARDED bool any_may_be_long(const model::View &view)
{
    return !view.bag && std::any_of(view.keys.begin(), view.keys.end(), catalog::may_be_long);
}

/* Can there be an index over the keys, also one from before strategy `swap` was asked for? */
PG_GUARDED bool has_key_index(const model::View &view, bool of_state)
{
    return view.strategy != model::Strategy::Swap && (of_state || view.keys_visible);
}

} // namespace

PG_GUARDED pg::RowConsumer measure(const Imat &imat, bool of_state, pg::RowConsumer rows, Measured *measured)
{
    const model::View &view = *imat.view;
    *measured = {
        .rows = rows, .keys = view.keys, .columns = catalog::key_columns(view, of_state), .too_long = false};
    if (!has_key_index(view, of_state) || !any_may_be_long(view))
        return rows;
    return {.consume = measure_row, .self = measured};
}

PG_GUARDED bool holds_long_keys(Relation table, const model::View &view)
{
    if (!any_may_be_long(view))
        return false;
    const AttrNumber *columns = catalog::key_columns(view, false);
    bool found = false;
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    TupleTableSlot *row = table_slot_create(table, nullptr);
    TableScanDesc scan = table_beginscan(table, snapshot, 0, nullptr);
    while (!found && table_scan_getnextslot(scan, ForwardScanDirection, row)) {
        CHECK_FOR_INTERRUPTS();
        found = has_too_long_keys(row, view.keys, columns);
    }
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(row);
    UnregisterSnapshot(snapshot);
    return found;
}

PG_GUARDED void take_long_keys(Imat *imat, bool build, Oid *primary_key)
{
    catalog::Registration &registration = imat->registration;
    const model::View &view = *imat->view;
    if (!any_may_be_long(view))
        return;
    const Oid made = registration.identified ? catalog::primary_key_index(registration.imat) : *primary_key;
    if (has_key_index(view, false) && hash_key_index(registration.imat, view, false, build, made)) {
        if (registration.identified || OidIsValid(*primary_key))
            drop_not_null(registration.imat, imat->visible_type->natts);
        registration.identified = false;
        *primary_key = InvalidOid;
    }
    if (!imat->with_state)
        return;
    hash_key_index(registration.state, view, true, build, InvalidOid);
    for (int i = 0; i < view.distincts.size; i++)
        hash_key_index(registration.multiplicities[i], *catalog::view_of_values(view, i), true, build,
                       InvalidOid);
}

PG_GUARDED void let_in_long_keys(Oid oid)
{
    Oid ignored = InvalidOid;
    Imat *imat = load(oid);
    as_owner(*imat, [&] { take_long_keys(imat, true, &ignored); });
    catalog::update(imat->registration);
}

} // namespace rebuild
