/*
 * observe.hpp - what maintenance has done, counted per IMAT for all sessions of the server.
 *
 * Counters live in shared memory since the server started and are best effort: they are found without
 * shared_preload_libraries, in the little shared memory that PostgreSQL leaves spare, for the IMATs used
 * most recently.  Where there is none left, or no slot, counting is skipped without a word; nothing here
 * ever raises an error, waits for another transaction, or is undone by a rollback.
 */
#pragma once

#include "pg/seam.hpp"

namespace observe {

/* What is known of one IMAT of this database. */
struct Counters {
    int64 flushes;        /* changes applied by delta */
    int64 groups;         /* rows of the table that those wrote */
    int64 swaps_merge;    /* rebuilds that wrote only the rows that differ */
    int64 swaps_exchange; /* rebuilds that put a new heap in place of the old */
    int64 microseconds;   /* spent on all of these */
    int64 errors;
    TimestampTz last_maintained; /* 0: never */

    /* What things cost lately, the last time counting for a quarter; 0: not known. */
    int64 swap_microseconds; /* a rebuild */
    int64 group_nanoseconds; /* one group, where many were written at once */
};

/* The last error, of those IMATs that had one lately. */
struct Failure {
    TimestampTz at; /* 0: none; the rest is then empty */
    int sqlstate;
    char message[256]; /* cut to fit */
};

/*
 * Find the counters, once a session; cheap afterwards.  The others do it themselves, except record_error,
 * which is for error paths, where nothing may be tried that could fail: call this before work whose errors
 * shall be seen.
 */
PG_GUARDED void attach();

/* A flush wrote so many rows of the IMAT. */
PG_GUARDED void record_flush(Oid imat, int64 groups, int64 microseconds);

/* The IMAT was rebuilt: by an exchange of heaps, or row by row. */
PG_GUARDED void record_swap(Oid imat, bool exchanged, int64 microseconds);

/* Making the contents, when the IMAT was made, cost that: the first that is known of the cost of a rebuild.
 */
PG_GUARDED void record_fill(Oid imat, int64 microseconds);

/* Would a rebuild cost less than to write so many groups, as far as is known? */
PG_GUARDED bool is_rebuild_cheaper(Oid imat, int64 groups);

/* Maintenance of the IMAT failed.  May be called with the error in flight. */
PG_GUARDED void record_error(Oid imat, int sqlstate, const char *message);

/* The counters of an IMAT; false: nothing was recorded since the server started. */
PG_GUARDED bool read(Oid imat, Counters *counters);

/* Its last error, as far as it is kept. */
PG_GUARDED bool read(Oid imat, Failure *failure);

/* The IMAT is gone, or new: its counters start again. */
PG_GUARDED void forget(Oid imat);

} // namespace observe
