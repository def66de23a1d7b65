/* What maintenance does and did.  See src/observe/observe.hpp and src/entry/status.cpp. */

CREATE FUNCTION imat.effective_strategy(imat pg_catalog.regclass, OUT strategy text, OUT reason text)
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'imat_effective_strategy';

COMMENT ON FUNCTION imat.effective_strategy(pg_catalog.regclass) IS
    'how changes reach the table (delta, keyed or swap), and if not by delta, why; NULLs for any other table';

CREATE FUNCTION imat.counters(imat pg_catalog.regclass,
        OUT flushes bigint, OUT rows_written bigint, OUT merges bigint, OUT exchanges bigint,
        OUT time_spent interval, OUT last_maintained timestamptz,
        OUT errors bigint, OUT last_error_sqlstate text, OUT last_error text, OUT last_error_at timestamptz,
        OUT swap_cost interval, OUT group_cost interval)
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_counters';

COMMENT ON FUNCTION imat.counters(pg_catalog.regclass) IS
    'what maintenance did to the table since the server started; best effort, rolled back work included';

/* Rows are for everyone, as in pg_stat_all_tables; errors may quote data, and are for the owner and pg_read_all_stats. */
CREATE VIEW imat.status AS
    SELECT r.imat,
           CASE r.maintenance WHEN 'i' THEN 'immediate' END AS maintenance,
           e.strategy,
           e.reason AS strategy_reason,
           CASE WHEN c.reltuples >= 0::pg_catalog.float4 THEN c.reltuples::bigint END AS rows,
           CASE r.maintenance WHEN 'i' THEN interval '0' END AS lag,
           n.flushes AS deltas_applied,
           n.rows_written,
           r.swaps,
           n.merges,
           n.exchanges,
           n.time_spent,
           n.last_maintained,
           r.state,
           (SELECT pg_catalog.sum(pg_catalog.pg_total_relation_size(hidden))::bigint
              FROM pg_catalog.unnest(r.state || r.multiplicities) hidden) AS state_size,
           n.errors,
           n.last_error_sqlstate,
           n.last_error,
           n.last_error_at,
           n.swap_cost,
           n.group_cost,
           r.trusted AND NOT EXISTS (
               WITH RECURSIVE below AS (
                   SELECT s AS imat FROM pg_catalog.unnest(r.subqueries) s
                   UNION
                   SELECT s FROM below JOIN imat.registered USING (imat), LATERAL pg_catalog.unnest(subqueries) s)
               SELECT FROM below JOIN imat.registered s USING (imat) WHERE NOT s.trusted) AS trusted
      FROM imat.registered r
      JOIN pg_catalog.pg_class c ON c.oid = r.imat::pg_catalog.oid
     CROSS JOIN LATERAL imat.effective_strategy(r.imat) e
     CROSS JOIN LATERAL imat.counters(r.imat) n;

COMMENT ON VIEW imat.status IS 'incremental materialized tables: how they are maintained and what that has done';
COMMENT ON COLUMN imat.status.strategy IS 'delta: groups are added to and subtracted from; keyed: groups are computed anew; swap: the query is run anew';
COMMENT ON COLUMN imat.status.strategy_reason IS 'why the strategy is not delta';
COMMENT ON COLUMN imat.status.rows IS 'as last estimated by VACUUM or ANALYZE; NULL (before PostgreSQL 14: 0): never';
COMMENT ON COLUMN imat.status.lag IS 'how far the table is behind its sources';
COMMENT ON COLUMN imat.status.deltas_applied IS 'since the server started: how often changes were applied by delta or keyed';
COMMENT ON COLUMN imat.status.rows_written IS 'since the server started: rows of the table that those wrote';
COMMENT ON COLUMN imat.status.swaps IS 'since it was created: how often the contents were computed anew';
COMMENT ON COLUMN imat.status.merges IS 'since the server started: swaps that wrote only the rows that differed';
COMMENT ON COLUMN imat.status.exchanges IS 'since the server started: swaps that put a new heap in place of the old';
COMMENT ON COLUMN imat.status.time_spent IS 'since the server started: by the sessions that changed its sources';
COMMENT ON COLUMN imat.status.swap_cost IS 'what computing the contents anew took lately';
COMMENT ON COLUMN imat.status.group_cost IS
    'what writing one group took lately where many changed at once; so many that together they would cost more than a swap are swapped';
COMMENT ON COLUMN imat.status.state IS 'the table in schema imat that holds what groups need beyond the visible columns';
COMMENT ON COLUMN imat.status.state_size IS 'in bytes, with indexes and the tables of multiplicities (see imat.imat_config) that go with it';
COMMENT ON COLUMN imat.status.errors IS 'since the server started: how often maintenance failed';
COMMENT ON COLUMN imat.status.last_error IS 'for the owner of the table and members of pg_read_all_stats';
COMMENT ON COLUMN imat.status.trusted IS
    'false: triggers have been disabled, so changes may have gone unseen; imat.verify tells by how many rows, imat.refresh repairs it';

GRANT SELECT ON imat.status TO PUBLIC;
