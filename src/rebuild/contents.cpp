/*
 * contents.cpp - computing what an IMAT and its hidden tables hold.
 *
 * Without a state table the rows are those of the definition itself, with float sums made exact; and so they
 * are where an upper query is on top of groups, which are computed besides.  Else, with a state table,
 * the fill query of room delta computes accumulators, from which both the visible rows and the state rows
 * follow: so both come of one reading of the sources, under one snapshot.  Multiplicities are computed by a
 * query for each table, under the same snapshot.  Where groups are computed anew, the query that does so
 * gives what they show and their keys.
 */
#include "rebuild/contents.hpp"

#include "analyze/analyze.hpp"
#include "delta/delta.hpp"
#include "rebuild/parts.hpp"

namespace rebuild {

namespace {

/* The row type of a relation, to stay. */
PG_GUARDED TupleDesc row_type_of(Oid relation)
{
    Relation opened = relation_open(relation, AccessShareLock);
    TupleDesc type = CreateTupleDescCopy(RelationGetDescr(opened));
    relation_close(opened, NoLock);
    return type;
}

/* Between the executor and the two consumers where there is a state table. */
struct Splitter {
    delta::Filler *filler;
    pg::RowConsumer visible;
    pg::RowConsumer state;
};

/* Between the executor and the two consumers where groups are computed anew. */
struct KeyedSplitter {
    int keys;
    TupleTableSlot *shown;
    TupleTableSlot *kept;
    pg::RowConsumer visible;
    pg::RowConsumer state;
};

/* A row of columns and then keys is what the table shows, and what its state keeps, keys first. */
PG_GUARDED void split_group(void *self, TupleTableSlot *row)
{
    const auto *splitter = static_cast<KeyedSplitter *>(self);
    const int keys = splitter->keys;
    const int columns = splitter->shown->tts_tupleDescriptor->natts;
    slot_getallattrs(row);
    ExecClearTuple(splitter->shown);
    ExecClearTuple(splitter->kept);
    for (int i = 0; i < columns; i++) {
        splitter->shown->tts_values[i] = splitter->kept->tts_values[keys + i] = row->tts_values[i];
        splitter->shown->tts_isnull[i] = splitter->kept->tts_isnull[keys + i] = row->tts_isnull[i];
    }
    for (int i = 0; i < keys; i++) {
        splitter->kept->tts_values[i] = row->tts_values[columns + i];
        splitter->kept->tts_isnull[i] = row->tts_isnull[columns + i];
    }
    splitter->visible.consume(splitter->visible.self, ExecStoreVirtualTuple(splitter->shown));
    splitter->state.consume(splitter->state.self, ExecStoreVirtualTuple(splitter->kept));
}

/* Compute what groups show, and by which keys. */
PG_GUARDED void compute_keyed(const Imat &imat, pg::Reading reading, pg::RowConsumer visible,
                              pg::RowConsumer state)
{
    TupleDesc shown =
        imat.view->upper != nullptr ? ExecCleanTypeFromTL(imat.view->group_targets) : imat.visible_type;
    KeyedSplitter splitter = {.keys = imat.view->keys.size,
                              .shown = MakeSingleTupleTableSlot(shown, &TTSOpsVirtual),
                              .kept = MakeSingleTupleTableSlot(imat.hidden[0].type, &TTSOpsVirtual),
                              .visible = visible,
                              .state = state};
    delta::compute_groups(*imat.view, reading, {.consume = split_group, .self = &splitter});
    ExecDropSingleTupleTableSlot(splitter.kept);
    ExecDropSingleTupleTableSlot(splitter.shown);
}

/* Takes rows, and does nothing with them. */
PG_GUARDED void ignore_row(void * /*self*/, TupleTableSlot * /*row*/) {}

/* Turn one row of the fill query into state rows and, unless HAVING hides them, visible rows. */
PG_GUARDED void split_row(void *self, TupleTableSlot *row)
{
    const auto *splitter = static_cast<Splitter *>(self);
    delta::fill_row(splitter->filler, row);
    while (delta::next_group(splitter->filler)) {
        if (TupleTableSlot *visible = delta::visible_row(splitter->filler))
            splitter->visible.consume(splitter->visible.self, visible);
        splitter->state.consume(splitter->state.self, delta::state_row(splitter->filler));
    }
}

/* Passes on the rows whose value is not NULL. */
struct ValueFilter {
    int column;
    pg::RowConsumer values;
};

PG_GUARDED void pass_value(void *self, TupleTableSlot *row)
{
    const auto *filter = static_cast<ValueFilter *>(self);
    slot_getallattrs(row);
    if (!row->tts_isnull[filter->column])
        filter->values.consume(filter->values.self, row);
}

/* The tables that the groups are kept in. */
PG_GUARDED model::Array<Hidden> hidden_tables(const catalog::Registration &registration,
                                              const model::View &view)
{
    const model::Array<Oid> &multiplicities = registration.multiplicities;
    model::Array<Hidden> tables = {
        .data = static_cast<Hidden *>(palloc(sizeof(Hidden) * (multiplicities.size + 1))), .size = 0};
    auto add = [&](Oid table, int keys) {
        tables.data[tables.size++] = {.table = table, .type = row_type_of(table), .keys = keys};
    };
    add(registration.state, view.keys.size);
    for (Oid table : multiplicities)
        add(table, view.keys.size + 1);
    return tables;
}

} // namespace

PG_GUARDED const char *name_of(Oid relation)
{
    return get_rel_name(relation) == nullptr ? psprintf("with OID %u", relation)
                                             : pg::qualified_name(relation);
}

PG_GUARDED Imat *describe(const catalog::Registration &registration)
{
    auto *imat = static_cast<Imat *>(palloc0(sizeof(Imat)));
    imat->registration = registration;
    as_owner(*imat, [&] {
        imat->definition = analyze::definition_query(registration.maintained());
        imat->view = analyze::understand(imat->definition);
    });
    if (registration.strategy == model::Strategy::Keyed && analyze::can_be_keyed(*imat->view))
        analyze::make_keyed(imat->view);
    imat->strategy =
        registration.strategy == model::Strategy::Swap ? model::Strategy::Swap : imat->view->strategy;
    imat->by_group = imat->strategy != model::Strategy::Swap;
    imat->with_state = imat->by_group && catalog::fits_state(registration, *imat->view) &&
                       catalog::state_fits(registration.state, *imat->view);
    imat->visible_type = row_type_of(registration.definition);
    if (imat->with_state)
        imat->hidden = hidden_tables(registration, *imat->view);
    return imat;
}

PG_GUARDED Imat *load(Oid imat)
{
    catalog::Registration registration = {};
    if (!catalog::find(imat, &registration))
        refuse_ordinary(imat);
    return describe(registration);
}

PG_GUARDED void note_state(Imat *imat)
{
    imat->registration.state_current = imat->with_state;
    imat->registration.state_layout = imat->with_state ? analyze::state_layout(*imat->view) : nullptr;
}

PG_GUARDED void compute(const Imat &imat, pg::Reading reading, pg::RowConsumer visible,
                        const pg::RowConsumer *hidden)
{
    if (!imat.with_state || imat.view->upper != nullptr)
        pg::run_query(analyze::exact_query(imat.definition), reading, visible);
    if (!imat.with_state)
        return;
    if (imat.view->upper != nullptr)
        visible = {.consume = ignore_row, .self = nullptr};
    if (imat.strategy == model::Strategy::Keyed)
        return compute_keyed(imat, reading, visible, hidden[0]);
    Splitter splitter = {.filler = delta::begin_fill(imat.registration, *imat.view, imat.hidden[0].type),
                         .visible = visible,
                         .state = hidden[0]};
    pg::run_query(delta::fill_query(*imat.view), reading, {.consume = split_row, .self = &splitter});
    delta::end_fill(splitter.filler);
    for (int i = 0; i < imat.view->distincts.size; i++) {
        ValueFilter filter = {.column = imat.view->keys.size, .values = hidden[i + 1]};
        pg::run_query(delta::values_query(*imat.view, i), reading, {.consume = pass_value, .self = &filter});
    }
}

} // namespace rebuild
