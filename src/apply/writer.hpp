/*
 * writer.hpp - writing rows of a table outside of a ModifyTable plan.
 */
#pragma once

#include "pg/seam.hpp"

namespace apply {

/* A table that is being written; lives from open_writer to close_writer. */
struct Writer {
    Relation table;
    MemoryContext memory; /* of what is made later */
    EState *estate;       /* NULL until it is needed */
    ResultRelInfo *info;
    TupleTableSlot *slot; /* a row in the layout of the table */
    int columns;          /* the first so many columns are given; the rest are the owner's own */
    ExprState **defaults; /* what the owner's columns get in new rows, by column; NULL until it is needed */
    TupleTableSlot *old;  /* the row that is updated, of which they are kept; or NULL */
    bool own_columns;     /* there are some that aren't generated */
    CommandId command;
    bool with_indexes; /* they are opened when the first entry is made */
    bool indexes_open;
    bool row_triggers; /* AFTER ROW triggers are queued, and run by close_writer */
};

/*
 * Get ready to write rows of the given type: column i of it is column i of the table.  An error where the
 * table's columns have been altered so that it is not.  with_indexes: index entries and AFTER ROW triggers
 * are taken care of, as is needed unless the row goes into a heap that is nobody's yet.
 */
PG_GUARDED Writer *open_writer(Relation table, TupleDesc row_type, bool with_indexes);

/* A new row in the layout of the table, defaults and generated columns computed, constraints checked:
 * writer->slot. */
PG_GUARDED TupleTableSlot *prepare_row(Writer *writer, TupleTableSlot *row);

PG_GUARDED void insert_row(Writer *writer, TupleTableSlot *row);
PG_GUARDED void delete_row(Writer *writer, ItemPointer where, Snapshot snapshot);
PG_GUARDED void update_row(Writer *writer, ItemPointer where, TupleTableSlot *row, Snapshot snapshot);

/* The same, unless somebody else is at the row or has changed it: then nothing is done, and false. */
PG_GUARDED bool try_delete_row(Writer *writer, ItemPointer where, Snapshot snapshot);
PG_GUARDED bool try_update_row(Writer *writer, ItemPointer where, TupleTableSlot *row, Snapshot snapshot);

/* What is written from here on comes after the present command, whose rows may be written again. */
PG_GUARDED void begin_command(Writer *writer);

PG_GUARDED void close_writer(Writer *writer);

/* Has the table AFTER ROW triggers (those of foreign keys are such) that a write must fire? */
PG_GUARDED bool has_row_triggers(Relation table);

} // namespace apply
