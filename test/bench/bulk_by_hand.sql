WITH i AS (
    INSERT INTO trips (grp, amount, fare)
        SELECT 1 + i % :groups, i % 100, (i % 100) / 7.0 FROM generate_series(1, 100000) i
    RETURNING grp, amount
)
UPDATE agg SET n = agg.n + d.n, total = agg.total + d.total
  FROM (SELECT grp, count(*) AS n, sum(amount) AS total FROM i GROUP BY grp) d
 WHERE agg.grp = d.grp;
