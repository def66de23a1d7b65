--
-- Which keys changed rows have a say in, where subqueries and outer joins are: however many rows are alike, however often a table is read,
-- and however many tables have changed, finding them takes no longer than it should.
--
CREATE SCHEMA affected; SET search_path = affected, public;
SET statement_timeout = '20s'; SET pg_imat.flush = 'statement'; -- the timeout doesn't hold for COMMIT
-- what is linked with nothing: only whether it is there matters
CREATE TABLE t (id int PRIMARY KEY, v int, w int);
INSERT INTO t SELECT n, n % 10, n % 7 FROM generate_series(1, 400) n;
SELECT imat.create('apart', 'SELECT x.id, x.v FROM t x WHERE (SELECT count(*) FROM t p WHERE EXISTS (SELECT FROM t q WHERE (SELECT count(*) FROM t r WHERE r.w = 1) > 1)) > 2');
SELECT imat.create('pairs', 'SELECT x.id, y.w FROM t x JOIN t y ON x.id = y.id AND x.v < 2 WHERE (SELECT count(*) FROM t p JOIN t q ON p.v = q.w) > (SELECT max(w) FROM t r)');
UPDATE t SET v = v + 1;
DELETE FROM t WHERE id > 3;
SELECT count(*) FROM apart;
UPDATE t SET w = 1;
SELECT count(*) FROM apart;
INSERT INTO t SELECT n, n % 10, n % 7 FROM generate_series(4, 120) n;
SELECT count(*) > 100 AS many FROM apart;
SELECT count(*) FROM pairs;
SELECT * FROM oracle.all_same('affected');
-- many rows of one value, joined with many of it
CREATE TABLE x (id int PRIMARY KEY, gone int, k int);
CREATE TABLE p (gone text, id int PRIMARY KEY, k int, v int);
ALTER TABLE x DROP COLUMN gone; ALTER TABLE p DROP COLUMN gone;
INSERT INTO x SELECT n, nullif(n % 4, 3) FROM generate_series(1, 20000) n;
INSERT INTO p SELECT n, nullif(n % 4, 3), n FROM generate_series(1, 20000) n;
CREATE INDEX ON x (k); CREATE INDEX ON p (k);
ANALYZE x, p;
SELECT imat.create('semi', 'SELECT x.id FROM x WHERE EXISTS (SELECT FROM p WHERE p.k = x.k AND p.v > 5)');
SELECT imat.create('other', 'SELECT x.id, x.k FROM x WHERE x.k NOT IN (SELECT p.k FROM p WHERE p.v < 0 AND p.k IS NOT NULL)');
SELECT count(*) FROM semi;
UPDATE p SET v = v - 20000;
SELECT count(*) FROM semi;
UPDATE p SET v = v + 20000 WHERE k = 1;
SELECT count(*) FROM semi;
DELETE FROM p WHERE k = 1;
SELECT count(*) FROM semi;
INSERT INTO p SELECT n, 1, n FROM generate_series(30001, 40000) n;
SELECT count(*) FROM semi;
SELECT * FROM oracle.all_same('affected');
-- equal values that look different are read one by one
CREATE TABLE looks (id int PRIMARY KEY, t text);
CREATE TABLE numbers (id int PRIMARY KEY, n numeric);
INSERT INTO looks VALUES (1, '1'), (2, '1.0'), (3, '1.00'), (4, '2.0');
SELECT imat.create('shown', 'SELECT looks.id FROM looks WHERE EXISTS (SELECT FROM numbers WHERE n::text = looks.t)');
INSERT INTO numbers SELECT n, CASE n % 3 WHEN 0 THEN 1 WHEN 1 THEN 1.0 ELSE 1.00 END FROM generate_series(1, 100) n;
SELECT * FROM shown ORDER BY id;
DELETE FROM numbers WHERE scale(n) > 0;
SELECT * FROM shown ORDER BY id;
SELECT * FROM oracle.all_same('affected');
-- many tables that change together
RESET pg_imat.flush;
CREATE TABLE f (id int PRIMARY KEY, d1 int, d2 int, d3 int, d4 int, d5 int, d6 int, d7 int);
SELECT format('CREATE TABLE d%1$s (gone int, id int PRIMARY KEY, v int); ALTER TABLE d%1$s DROP COLUMN gone; INSERT INTO d%1$s SELECT n, n FROM generate_series(0, 40) n', i)
  FROM generate_series(1, 7) i \gexec
INSERT INTO f SELECT n, n % 50, n % 40, n % 40, n % 40, n % 40, n % 40, n % 50 FROM generate_series(1, 1000) n;
ANALYZE f, d1, d2, d3, d4, d5, d6, d7;
SELECT imat.create('star', 'SELECT d1.v AS v1, d2.v AS v2, d3.v AS v3, d4.v AS v4, d5.v AS v5, d6.v AS v6, d7.v AS v7, count(*) AS c FROM f JOIN d1 ON d1.id = f.d1
    JOIN d2 ON d2.id = f.d2 JOIN d3 ON d3.id = f.d3 JOIN d4 ON d4.id = f.d4 JOIN d5 ON d5.id = f.d5 JOIN d6 ON d6.id = f.d6 LEFT JOIN d7 ON d7.id = f.d7 GROUP BY 1, 2, 3, 4, 5, 6, 7');
CREATE FUNCTION change_all() RETURNS void LANGUAGE sql AS $$
    UPDATE f SET d1 = d1 + 1, d2 = d2 - 1 WHERE id = 7 OR id BETWEEN 500 AND 510;
    UPDATE d1 SET v = v + 100 WHERE id IN (7, 8); UPDATE d2 SET v = v + 100 WHERE id = 6; UPDATE d3 SET v = v + 100 WHERE id = 7;
    DELETE FROM d4 WHERE id = 12; UPDATE d5 SET id = 100 WHERE id = 13; UPDATE d6 SET v = v + 100 WHERE id = 7; DELETE FROM d7 WHERE id = 7; $$;
SELECT sum(c), count(*) FROM star;
SELECT change_all();
SELECT sum(c), count(*) FROM star;
BEGIN;
SELECT change_all();
UPDATE d1 SET v = v + 1; UPDATE d2 SET v = v + 1; UPDATE d3 SET v = v + 1; UPDATE d7 SET v = -v, id = id + 1000;
DELETE FROM f WHERE id % 9 = 2;
COMMIT;
SELECT sum(c), count(*) FROM star;
SELECT * FROM oracle.all_same('affected');
SET client_min_messages = warning;
DROP SCHEMA affected CASCADE;
