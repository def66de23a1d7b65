-- the better trigger: one sorted upsert a statement, from its transition table
CREATE TABLE agg AS SELECT grp, count(*) AS n, sum(amount) AS total FROM trips GROUP BY grp;
ALTER TABLE agg ADD PRIMARY KEY (grp);
CREATE FUNCTION maintain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO agg AS a SELECT grp, count(*), sum(amount) FROM fresh GROUP BY grp ORDER BY grp
        ON CONFLICT (grp) DO UPDATE SET n = a.n + EXCLUDED.n, total = a.total + EXCLUDED.total;
    RETURN NULL;
END
$$;
CREATE TRIGGER maintain AFTER INSERT ON trips REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION maintain();
