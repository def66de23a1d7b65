/*
 * registration.hpp - what the database remembers about its incremental materialized tables.
 *
 * Two tables of schema imat (sql/20_catalog.sql): imat.registered, one row an IMAT, and imat.source, one row
 * a pair of an IMAT and a table that it reads.  Relations are named by Oid (regclass columns, which pg_dump
 * writes as names).  They are written by owners of IMATs through our functions only, so no privilege is
 * checked here.
 */
#pragma once

#include "model/model.hpp"
#include "pg/list.hpp"
#include "pg/seam.hpp"

namespace catalog {

/* A row of imat.registered. */
struct Registration {
    Oid imat;                         /* the table */
    Oid definition;                   /* the view, in schema imat, that holds its query */
    Oid state;                        /* the state table in schema imat, or InvalidOid */
    bool state_current;               /* and it fits the contents: not after these were rebuilt without it */
    const char *state_layout;         /* what it has of each group, see analyze::state_layout; or NULL */
    model::Array<Oid> multiplicities; /* with the state table: the tables of View::distincts, in order */
    model::Array<Oid> subqueries;     /* IMATs that subqueries of it are kept in, inner ones first */
    Oid over_subqueries;              /* with these: the view of the query that reads them */
    Oid old_view;                     /* the plain view that took the old name, or InvalidOid */
    NameData old_schema;              /* where the materialized view stood */
    model::Maintenance maintenance;
    model::Strategy strategy; /* what was asked for: Auto, Delta, Keyed or Swap */
    ArrayType *settings;      /* text[] of name=value, pinned during evaluation; NULL: none needed */
    TimestampTz created_at;
    int64 swaps;     /* how often the contents were rebuilt since it was created */
    bool trusted;    /* false: triggers were disabled, and changes may have gone unseen */
    bool identified; /* the primary key is ours, made of what the sources' keys prove */

    /* The view that holds the query that is maintained. */
    Oid maintained() const noexcept { return OidIsValid(over_subqueries) ? over_subqueries : definition; }
};

/* The registration of an IMAT, in the current memory context; false where the relation is none. */
PG_GUARDED bool find(Oid imat, Registration *registration);

/* A list as an array, in its order. */
PG_GUARDED model::Array<Oid> in_order(const List *list);

/* A copy in the current memory context. */
PG_GUARDED model::Array<Oid> copy_of(const model::Array<Oid> &oids);

/* Is there a state table, with all tables of multiplicities that the view needs? */
PG_GUARDED bool fits_state(const Registration &registration, const model::View &view);

/* Is the relation one of the tables in schema imat that the groups are kept in? */
PG_GUARDED bool keeps_groups_in(const Registration &registration, Oid relation);

/* Is the relation an IMAT? */
PG_GUARDED bool is_imat(Oid relation);

/* Write a new registration, and the tables that it reads. */
PG_GUARDED void insert(const Registration &registration, const model::Array<model::Source> &sources);

/* Overwrite the registration of registration.imat, and make every session forget what it compiled for it. */
PG_GUARDED void update(const Registration &registration);

/* It reads other tables now. */
PG_GUARDED void replace_sources(Oid imat, const model::Array<model::Source> &sources);

/* Delete the registration and its sources; nothing happens where there is none. */
PG_GUARDED void remove(Oid imat);

/* The IMATs that read the table, in the order of their Oids. */
PG_GUARDED model::Array<Oid> imats_on(Oid table);

/* The tables that the IMAT reads, in the order of their Oids. */
PG_GUARDED model::Array<Oid> sources_of(Oid imat);

/* Every IMAT of the database, in the order of their Oids. */
PG_GUARDED model::Array<Oid> all_imats();

/* The Oids of a list, which is freed, in order. */
PG_GUARDED model::Array<Oid> sorted_oids(List *list);

/* Is the extension there, with its tables? */
PG_GUARDED bool is_installed();

/* The Oid of a relation in schema imat; an error where the extension is damaged. */
PG_GUARDED Oid relation_of_ours(const char *name);

/* Is it imat.registered, or imat.source? */
PG_GUARDED bool is_table_of_ours(Oid table);

/* The IMAT that a subquery is kept in the table for; InvalidOid: there is none. */
PG_GUARDED Oid keeper_of(Oid table);

/* The same, where that may be kept for another again; the IMAT itself, if it isn't. */
PG_GUARDED Oid outermost_keeper(Oid imat);

} // namespace catalog
