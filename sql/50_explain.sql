/* How queries are maintained, and why.  See src/analyze/ and src/entry/explain.cpp. */

CREATE FUNCTION imat.explain(imat pg_catalog.regclass) RETURNS SETOF pg_catalog.text
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'imat_explain';

COMMENT ON FUNCTION imat.explain(pg_catalog.regclass) IS
    'how the table is maintained and why: sources, group keys, aggregates, hidden state, settings';

CREATE FUNCTION imat.explain_query(query pg_catalog.text) RETURNS SETOF pg_catalog.text
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'imat_explain_query';

COMMENT ON FUNCTION imat.explain_query(pg_catalog.text) IS
    'how an incremental materialized table with this query would be maintained and why; creates nothing';

CREATE FUNCTION imat.advise(OUT view pg_catalog.regclass, OUT convertible pg_catalog.bool,
        OUT strategy pg_catalog.text, OUT reason pg_catalog.text, OUT advice pg_catalog.text)
    RETURNS SETOF pg_catalog.record
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'imat_advise';

COMMENT ON FUNCTION imat.advise() IS
    'every materialized view that the caller may read: can it be converted, how would it be maintained, what would help';
