--
-- IMATs that are computed anew in the middle of a statement: by functions and triggers while rows come and go that are captured later.  Each
-- step in a transaction of its own, and all in one (refresh_midway.sql has it in sessions whose first statement it is, and by isolation level).
--
SELECT oracle.write('setup', $script$
CREATE SCHEMA ways
SET search_path = ways, public
CREATE TABLE src (id int PRIMARY KEY, g int, x int)
CREATE TABLE dim (g int PRIMARY KEY, name text)
CREATE TABLE part (id int, g int, x int) PARTITION BY LIST (g)
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1)
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2)
INSERT INTO src SELECT i, i % 3, i FROM generate_series(1, 9) i
INSERT INTO part SELECT i, i % 2 + 1, i FROM generate_series(1, 9) i
INSERT INTO dim SELECT i, 'd' || i FROM generate_series(0, 9) i
SELECT imat.create('kept_sizes', 'SELECT n, count(*) AS c, sum(s) AS s FROM (SELECT g AS k, count(*) AS n, sum(x) AS s FROM src GROUP BY g) q GROUP BY n')
SELECT imat.create('kept_joined', 'SELECT name, q.n FROM dim JOIN (SELECT g, count(*) AS n FROM part GROUP BY g) q USING (g)')
SELECT imat.create('sums', 'SELECT g, sum(x) AS s, count(*) AS n FROM src GROUP BY g')
SELECT imat.create('averages', 'SELECT g, avg(x) AS a, max(x) AS hi, count(DISTINCT x) AS d FROM src GROUP BY g')
SELECT imat.create('lists', 'SELECT g, array_agg(x ORDER BY x) AS xs FROM src GROUP BY g')
SELECT imat.create('names', 'SELECT d.name, sum(s.x) AS s FROM src s JOIN dim d USING (g) GROUP BY d.name')
SELECT imat.create('outer_rows', 'SELECT d.g, s.id FROM dim d LEFT JOIN src s USING (g)')
SELECT imat.create('rows_', 'SELECT id, g, x FROM src WHERE x > 1')
SELECT imat.create('swapped', 'SELECT g, sum(x) AS s FROM src GROUP BY g', strategy => 'swap')
SELECT imat.create('over_sums', 'SELECT count(*) AS groups, sum(n) AS n FROM sums')
SELECT imat.create('parts', 'SELECT g, sum(x) AS s FROM part GROUP BY g')
CREATE FUNCTION refresh_all() RETURNS void LANGUAGE plpgsql AS $f$
    BEGIN
        PERFORM imat.refresh(imat) FROM imat.imat_config WHERE agg_schema_name = 'ways' ORDER BY imat;
    END $f$
CREATE FUNCTION refreshed(x int, at int) RETURNS int LANGUAGE plpgsql AS 'BEGIN IF x = at THEN PERFORM ways.refresh_all(); END IF; RETURN x; END'
CREATE FUNCTION one_refreshed(x int, at int) RETURNS int LANGUAGE plpgsql AS 'BEGIN IF x = at THEN PERFORM imat.refresh(''ways.sums''); END IF; RETURN x; END'
CREATE FUNCTION altered(x int, at int) RETURNS int LANGUAGE plpgsql AS $f$
    BEGIN
        IF x = at THEN PERFORM imat.alter('ways.rows_', strategy => 'swap'), imat.alter('ways.rows_', strategy => 'auto'); END IF;
        RETURN x;
    END $f$
CREATE FUNCTION by_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM ways.refresh_all(); RETURN NEW; END'
$script$);
SELECT oracle.write('steps', $script$
-- by a function that the statement calls: all of them, one of them
INSERT INTO src SELECT i, i % 4, refreshed(i, 13) FROM generate_series(10, 15) i
UPDATE src SET x = refreshed(id, 5) + 1, g = g + 1 WHERE id < 9
DELETE FROM src WHERE refreshed(id, 4) < 8
INSERT INTO src SELECT i, i % 4, one_refreshed(i, 17) FROM generate_series(16, 19) i
UPDATE src SET x = one_refreshed(id, 17) + 1, g = g + 1 WHERE id > 15
INSERT INTO part SELECT i, i % 2 + 1, refreshed(i, 13) FROM generate_series(10, 15) i
UPDATE part SET g = 3 - g WHERE refreshed(id, 4) < 6
WITH more AS (INSERT INTO src SELECT i, 1, refreshed(i, 21) FROM generate_series(20, 22) i RETURNING id) INSERT INTO part SELECT id, 1, refreshed(id, 22) FROM more
-- with changes before and after, of other sources, too; twice in one statement; the last that is done
INSERT INTO src VALUES (29, 1, 29); INSERT INTO src SELECT i, i % 4, refreshed(i, 31) FROM generate_series(30, 33) i; UPDATE dim SET name = 'D' WHERE g = 1; UPDATE src SET x = x + 1 WHERE id > 20
INSERT INTO dim SELECT refreshed(i, 11), 'new' FROM generate_series(10, 12) i; INSERT INTO src SELECT i, i % 12, refreshed(refreshed(i, 42), 43) FROM generate_series(40, 44) i
DELETE FROM src WHERE id = 29; UPDATE src SET g = refreshed(id, 44) % 4 WHERE id >= 40
INSERT INTO src VALUES (1, 1, 1), (40, 1, 40) ON CONFLICT (id) DO UPDATE SET x = refreshed(EXCLUDED.id, 40)
DO $f$ BEGIN INSERT INTO ways.src SELECT i, 1, ways.refreshed(i, 46) FROM generate_series(45, 46) i; BEGIN INSERT INTO ways.src SELECT i, 1, ways.refreshed(i, 47) / (i - 48) FROM generate_series(47, 48) i;
    EXCEPTION WHEN division_by_zero THEN DELETE FROM ways.src WHERE id = 45; END; END $f$
SELECT imat.refresh('sums'), refreshed(1, 1); INSERT INTO src VALUES (48, 1, 1)
!INSERT INTO src SELECT i, 1, refreshed(i, 51) / (i - 52) FROM generate_series(50, 52) i
-- the strategy altered
!INSERT INTO src SELECT i, 1, altered(i, 51) FROM generate_series(50, 52) i
-- by triggers: for each row, before it and after it; of the statement, before our own and after them
CREATE TRIGGER a_row AFTER INSERT OR UPDATE OR DELETE ON src FOR EACH ROW EXECUTE FUNCTION by_trigger()
INSERT INTO src VALUES (50, 1, 50), (51, 2, 51)
UPDATE src SET x = x + 1 WHERE id IN (50, 51)
DROP TRIGGER a_row ON src; CREATE TRIGGER a_row BEFORE INSERT OR UPDATE ON src FOR EACH ROW EXECUTE FUNCTION by_trigger()
INSERT INTO src VALUES (52, 1, 50), (53, 2, 51); UPDATE src SET x = x + 1 WHERE id IN (50, 52)
COPY src FROM PROGRAM 'printf "54\t1\t70\n55\t\\N\t71\n"'
DROP TRIGGER a_row ON src; CREATE TRIGGER a_statement AFTER INSERT OR UPDATE OR DELETE ON src EXECUTE FUNCTION by_trigger()
INSERT INTO src VALUES (56, 1, 50), (57, 2, 51)
DROP TRIGGER a_statement ON src; CREATE TRIGGER z_statement AFTER INSERT OR UPDATE OR DELETE ON src EXECUTE FUNCTION by_trigger()
DELETE FROM src WHERE id > 55
DROP TRIGGER z_statement ON src; CREATE TRIGGER before_statement BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON src EXECUTE FUNCTION by_trigger()
UPDATE src SET x = x + 1
DROP TRIGGER before_statement ON src; CREATE CONSTRAINT TRIGGER deferred AFTER INSERT OR UPDATE OR DELETE ON src DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION by_trigger()
INSERT INTO src VALUES (58, 1, 50); SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; DELETE FROM src WHERE id = 54; SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED
DROP TRIGGER deferred ON src
-- on a table whose rows take others with them, which nobody has captured yet
INSERT INTO dim SELECT i, 'd' || i FROM generate_series(0, 20) i ON CONFLICT DO NOTHING; ALTER TABLE src ADD FOREIGN KEY (g) REFERENCES dim ON DELETE CASCADE ON UPDATE CASCADE; CREATE TRIGGER z_row AFTER UPDATE OR DELETE ON dim FOR EACH ROW EXECUTE FUNCTION by_trigger()
UPDATE dim SET g = g + 30 WHERE g IN (1, 2)
DELETE FROM dim WHERE g IN (3, 31)
DROP TRIGGER z_row ON dim
-- as replicas write
SET LOCAL session_replication_role = replica; INSERT INTO src SELECT i, i % 4, refreshed(i, 62) FROM generate_series(60, 63) i; UPDATE src SET g = g + 1, x = refreshed(id, 61) WHERE id >= 60; SET LOCAL session_replication_role = origin
TRUNCATE src; INSERT INTO src SELECT i, i % 4 + 4, refreshed(i, 2) FROM generate_series(1, 3) i
$script$);
SELECT oracle.write('end', $script$
DROP SCHEMA ways CASCADE
$script$);
\i test/regress/both_ways.psql
