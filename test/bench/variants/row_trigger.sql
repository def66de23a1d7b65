-- what most people write: one upsert a row
CREATE TABLE agg AS SELECT grp, count(*) AS n, sum(amount) AS total FROM trips GROUP BY grp;
ALTER TABLE agg ADD PRIMARY KEY (grp);
CREATE FUNCTION maintain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO agg AS a VALUES (NEW.grp, 1, NEW.amount)
        ON CONFLICT (grp) DO UPDATE SET n = a.n + 1, total = a.total + EXCLUDED.total;
    RETURN NULL;
END
$$;
CREATE TRIGGER maintain AFTER INSERT ON trips FOR EACH ROW EXECUTE FUNCTION maintain();
