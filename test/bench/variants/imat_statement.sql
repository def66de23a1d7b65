-- pg_imat, with pg_imat.flush = statement (set for the sessions)
CREATE MATERIALIZED VIEW agg AS SELECT grp, count(*) AS n, sum(amount) AS total FROM trips GROUP BY grp;
SELECT create_imat(:'variant' || '.agg');
