-- pg_imat, with an average of floats, which is kept exact in a state beside the table
CREATE MATERIALIZED VIEW agg AS
    SELECT grp, count(*) AS n, sum(amount) AS total, avg(fare) AS avg_fare FROM trips GROUP BY grp;
SELECT create_imat(:'variant' || '.agg');
