--
-- Strategy delta over joins: every table may change, several at once, one of them several times, in any order.
--
CREATE SCHEMA joins; SET search_path = joins, public;
CREATE TABLE a (id int PRIMARY KEY, b int, c int, v int NOT NULL, f float8);
CREATE TABLE b (id int PRIMARY KEY, c int, name text);
CREATE TABLE c (id int PRIMARY KEY, region text, w int NOT NULL);
SELECT imat.create('ab', 'SELECT b.name, count(*) AS n, sum(a.v) AS s FROM a JOIN b ON b.id = a.b GROUP BY b.name');
SELECT imat.create('abc', 'SELECT c.region, b.name, sum(a.v * c.w) AS s, avg(a.f) AS f FROM a JOIN b ON b.id = a.b JOIN c ON c.id = b.c WHERE a.v > 1 GROUP BY c.region, b.name');
SELECT imat.create('self', 'SELECT x.b, count(*) AS n, sum(y.v) AS s FROM a x, a y WHERE x.c = y.id GROUP BY x.b');
SELECT imat.create('self3', 'SELECT count(*) AS n, sum(x.v + y.v * z.v) AS s FROM a x JOIN a y ON x.c = y.b JOIN a z ON y.c = z.id');
SELECT imat.create('using_', 'SELECT c, count(*) AS n FROM a JOIN b USING (c) GROUP BY c');
SELECT imat.create('natural_', 'SELECT name, sum(v) AS s FROM a NATURAL JOIN b GROUP BY name');
SELECT imat.create('crossed', 'SELECT b.id % 2 AS odd, count(*) AS n FROM b CROSS JOIN c GROUP BY 1');
SELECT imat.create('unequal', 'SELECT c.id, count(*) AS n FROM a JOIN c ON a.v < c.w GROUP BY c.id HAVING count(*) > 1');
SELECT imat.create('determined', 'SELECT b.id, b.name, b.c, count(*) AS n FROM b JOIN a ON a.b = b.id GROUP BY b.id');
SELECT imat.create('distinct_', 'SELECT DISTINCT b.name, c.region FROM b JOIN c ON b.c = c.id');
CREATE VIEW bc AS SELECT b.id AS bid, c.region, c.w FROM b JOIN c ON c.id = b.c;
SELECT imat.create('on_view', 'SELECT region, sum(a.v + w) AS s FROM a JOIN bc ON bid = a.b GROUP BY region');
SELECT imat.create('view_twice', 'SELECT x.region, count(*) AS n FROM bc x JOIN bc y ON x.w = y.w GROUP BY x.region');
SELECT imat.create('on_imat', 'SELECT b.id, ab.s FROM b JOIN ab ON ab.name = b.name GROUP BY b.id, ab.s');
SELECT imat.create('filtered', 'SELECT b.name, count(*) FILTER (WHERE a.v > 5) AS big, sum(CASE WHEN c.w > 2 THEN a.v END) AS s FROM a JOIN b ON a.b = b.id JOIN c ON a.c = c.id AND c.region <> ''x'' GROUP BY b.name');
SELECT c.mv_name, oracle.strategy(imat) FROM imat.imat_config c WHERE agg_schema_name = 'joins' ORDER BY 1;
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$ SELECT * FROM oracle.all_same('joins') WHERE verdict !~ '^same' OR verdict ~ 'swap' $$;
INSERT INTO c SELECT i, 'r' || i % 2, i FROM generate_series(1, 5) i;
INSERT INTO b SELECT i, nullif(i % 6, 0), 'n' || i % 4 FROM generate_series(1, 12) i;
SELECT * FROM bad();
INSERT INTO a SELECT i, nullif(i % 13, 0), i % 7, i % 10, i / 8.0 FROM generate_series(1, 60) i;
SELECT * FROM bad();
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('joins');
-- each table changes
UPDATE a SET v = v + 1 WHERE id % 3 = 0;
UPDATE b SET name = 'renamed' WHERE id = 3; UPDATE c SET region = 'moved', w = w + 1 WHERE id IN (1, 2);
SELECT * FROM bad();
UPDATE a SET b = 1, c = id WHERE id BETWEEN 10 AND 20;
DELETE FROM b WHERE id = 1;
SELECT * FROM bad();
INSERT INTO b VALUES (1, 3, 'back');
DELETE FROM c WHERE id = 3;
SELECT * FROM bad();
-- several in one transaction, several times, read in between or not
BEGIN;
INSERT INTO a VALUES (100, 100, 100, 7, 0.5), (101, 1, 100, 8, 0.25);
INSERT INTO b VALUES (100, 100, 'new');
INSERT INTO c VALUES (100, 'new', 9), (3, 'r1', 3);
UPDATE a SET c = 100 WHERE id < 4;
UPDATE b SET c = 100 WHERE id < 4;
DELETE FROM a WHERE id = 101;
COMMIT;
SELECT * FROM bad();
BEGIN;
DELETE FROM b WHERE id = 100;
SELECT * FROM bad();
INSERT INTO b VALUES (100, 1, 'newer');
UPDATE c SET w = w * 2;
SAVEPOINT s;
DELETE FROM a; DELETE FROM c WHERE id > 2;
SELECT * FROM bad();
ROLLBACK TO s;
UPDATE a SET v = v + 1;
UPDATE b SET name = 'x' || name;
SELECT * FROM bad();
UPDATE b SET c = 4 WHERE c = 100;
COMMIT;
SELECT * FROM bad();
-- one statement that changes all three
WITH x AS (UPDATE a SET b = 2 WHERE b = 5 RETURNING id), y AS (DELETE FROM c WHERE id = 5 RETURNING id), z AS (UPDATE b SET c = 2 WHERE c = 5 RETURNING id)
INSERT INTO a SELECT 1000 + id, 2, 2, 2, 2 FROM x;
SELECT * FROM bad();
-- changes that cancel out, rows that trade places
BEGIN; UPDATE b SET id = CASE id WHEN 4 THEN 6 ELSE 4 END WHERE id IN (-1); UPDATE a SET b = CASE b WHEN 4 THEN 6 WHEN 6 THEN 4 ELSE b END; DELETE FROM b WHERE id = 7; INSERT INTO b VALUES (7, 1, 'again'); COMMIT;
SELECT * FROM bad();
-- everything goes, and comes
BEGIN; DELETE FROM b; DELETE FROM a; COMMIT;
SELECT * FROM bad();
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('joins');
BEGIN; INSERT INTO a SELECT i, i % 5, i % 3, i, i FROM generate_series(1, 20) i; INSERT INTO b SELECT i, i % 3, 'n' || i FROM generate_series(0, 4) i; INSERT INTO c VALUES (0, 'zero', 0); COMMIT;
SELECT * FROM bad();
-- TRUNCATE of one: rebuilt
TRUNCATE b;
SELECT imat, split_part(verdict, ',', 1) AS verdict, verdict ~ 'swap' AS swapped FROM oracle.all_same('joins');
INSERT INTO b SELECT i, i % 3, 'n' || i FROM generate_series(0, 4) i;
SELECT * FROM bad();
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('joins');
-- foreign keys that cascade from one source into another
ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b ON DELETE CASCADE ON UPDATE CASCADE;
DELETE FROM b WHERE id = 2; UPDATE b SET id = 33 WHERE id = 3;
SELECT * FROM bad();
SELECT name, n, s FROM ab ORDER BY 1;
-- flushed again and again, a transaction doesn't fill the lock table
BEGIN;
SET LOCAL pg_imat.flush = statement;
DO $$ BEGIN FOR i IN 1000..1400 LOOP INSERT INTO b VALUES (i, 1, 'n' || i); INSERT INTO a VALUES (i, i, 1, 1, 1); END LOOP; END $$;
SELECT count(*) BETWEEN setting::int AND 5 * setting::int AS bounded FROM pg_locks, pg_settings WHERE locktype = 'object' AND pid = pg_backend_pid() AND name = 'max_locks_per_transaction' GROUP BY setting;
COMMIT;
SELECT * FROM bad();
SET client_min_messages = warning;
DROP SCHEMA joins CASCADE;
