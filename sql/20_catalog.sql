/* What the database remembers about its incremental materialized tables.  See src/catalog/catalog.hpp. */

CREATE TABLE imat.registered (
    imat        regclass PRIMARY KEY,
    definition  regclass NOT NULL,
    state       regclass,
    state_current boolean NOT NULL,
    state_layout text,
    multiplicities regclass[],
    subqueries  regclass[],
    over_subqueries regclass,
    old_view    regclass,
    old_schema  name NOT NULL,
    maintenance "char" NOT NULL,
    strategy    "char" NOT NULL,
    settings    text[],
    created_at  timestamptz NOT NULL,
    swaps       bigint NOT NULL,
    trusted     boolean NOT NULL,
    identified  boolean NOT NULL
);

CREATE TABLE imat.source (
    imat   regclass,
    source regclass,
    PRIMARY KEY (source, imat)
);

COMMENT ON TABLE imat.registered IS 'incremental materialized tables: one row each';
COMMENT ON COLUMN imat.registered.subqueries IS 'incremental materialized tables that keep subqueries of the definition, for this one alone';
COMMENT ON COLUMN imat.registered.over_subqueries IS 'with subqueries: the view of the query that reads these, by which it is maintained';
COMMENT ON COLUMN imat.registered.trusted IS 'false: triggers have been disabled, so changes may have gone unseen';
COMMENT ON COLUMN imat.registered.identified IS 'true: maintenance has made the primary key, and drops it when it doesn''t hold any more';
COMMENT ON TABLE imat.source IS 'the tables that incremental materialized tables read';

/* pg_dump writes the rows: a restored database goes on maintaining. */
SELECT pg_catalog.pg_extension_config_dump('imat.registered', '');
SELECT pg_catalog.pg_extension_config_dump('imat.source', '');

GRANT SELECT ON imat.registered, imat.source TO PUBLIC;

CREATE VIEW imat.imat_config AS
    SELECT c.relname::text AS mv_name,
           r.old_schema::text AS mv_schema_name,
           n.nspname::text AS agg_schema_name,
           r.created_at,
           r.imat,
           r.definition,
           r.state,
           r.multiplicities,
           r.subqueries,
           CASE r.maintenance WHEN 'i' THEN 'immediate' END AS maintenance,
           CASE r.strategy WHEN 'a' THEN 'auto' WHEN 'd' THEN 'delta' WHEN 'k' THEN 'keyed' WHEN 's' THEN 'swap' END AS strategy,
           r.settings
      FROM imat.registered r
      JOIN pg_catalog.pg_class c ON c.oid = r.imat
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE NOT EXISTS (SELECT FROM imat.registered whole WHERE r.imat = ANY (whole.subqueries));

COMMENT ON VIEW imat.imat_config IS 'incremental materialized tables: names, modes and when they were created';
GRANT SELECT ON imat.imat_config TO PUBLIC;
