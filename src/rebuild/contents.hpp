/*
 * contents.hpp - computing what an IMAT and its hidden tables hold.  Internal to room rebuild.
 */
#pragma once

#include "catalog/catalog.hpp"
#include "pg/lookup.hpp"
#include "pg/query.hpp"
#include "pg/scope.hpp"

namespace rebuild {

/* A table in schema imat that groups are kept in. */
struct Hidden {
    Oid table;
    TupleDesc type;
    int keys; /* so many columns, the first ones, tell the rows apart */
};

/* An IMAT as rebuilding sees it. */
struct Imat {
    catalog::Registration registration;
    Query *definition; /* analysed, not rewritten */
    model::View *view;
    model::Strategy strategy; /* by which it is maintained */
    bool by_group;            /* by delta or keyed: keys, indexes and state are there for it */
    bool with_state;
    TupleDesc visible_type;      /* the definition's columns */
    model::Array<Hidden> hidden; /* with_state: the state table, then the multiplicities in their order */
};

/* Everything about a registered IMAT, or about one whose registration is being made. */
PG_GUARDED Imat *load(Oid imat);
PG_GUARDED Imat *describe(const catalog::Registration &registration);

/* Run body with the rights of the IMAT's owner, a safe search_path and the IMAT's settings. */
template <class Body>
PG_GUARDED void as_owner(const Imat &imat, Body body)
{
    pg::with_rights_of(pg::owner_of_relation(imat.registration.definition), [&] {
        pg::with_safe_search_path([&] { catalog::with_settings(imat.registration.settings, body); });
    });
}

/*
 * Compute the contents under the snapshot: each row of the IMAT is given to visible, each row of hidden table
 * i to hidden[i].  To be run as_owner.
 */
PG_GUARDED void compute(const Imat &imat, pg::Reading reading, pg::RowConsumer visible,
                        const pg::RowConsumer *hidden);

/* Have the registration say that the state table, if there is one, holds what the view has of its groups. */
PG_GUARDED void note_state(Imat *imat);

/* "schema.table", quoted as needed, for messages. */
PG_GUARDED const char *name_of(Oid relation);

} // namespace rebuild
