--
-- Functions in definitions may run queries: while changes are captured, nothing that is pending is applied.
--
CREATE SCHEMA querying; SET search_path = querying, public;
CREATE FUNCTION helper(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
CREATE FUNCTION f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'DECLARE r int; BEGIN SELECT querying.helper($1) INTO r; RETURN r; END';
CREATE FUNCTION twice(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT max(v) || max(v) FROM (SELECT $1 AS v) s WHERE querying.helper(1) = 1 $$;
CREATE TABLE t (id int PRIMARY KEY, g int, name text);
SELECT imat.create('filtered', 'SELECT g, count(*) AS n FROM t WHERE g < f(10) GROUP BY g');
SELECT imat.create('grouped', 'SELECT f(g) AS g, count(*) AS n, max(f(g)) AS m FROM t WHERE g < f(10) GROUP BY 1');
SELECT imat.create('named', 'SELECT twice(name) AS name, count(*) AS n FROM t GROUP BY 1');
SELECT imat.create('united', 'SELECT g FROM t UNION SELECT 0');
SELECT imat.create('joined', 'SELECT t.id, f(u.g) AS g FROM t JOIN t u ON u.id = f(t.id)');
SELECT imat.create('above', 'SELECT f(n::int) AS n, count(*) AS c FROM filtered GROUP BY 1');
INSERT INTO t VALUES (1, 1, 'Zoë');
INSERT INTO t SELECT n, n % 12, 'n' || n % 3 FROM generate_series(2, 60) n;
BEGIN;
UPDATE t SET g = g + 1 WHERE id % 2 = 0;
DELETE FROM t WHERE id % 5 = 0;
SAVEPOINT s;
INSERT INTO t VALUES (100, 5, 'x');
SELECT * FROM above ORDER BY n;
ROLLBACK TO s;
INSERT INTO t VALUES (101, 6, 'y');
COMMIT;
SELECT * FROM oracle.all_same('querying');
\c -
-- plans are made anew while changes are captured, in the middle of a transaction
SET search_path = querying, public;
BEGIN;
INSERT INTO t VALUES (200, 3, 'a');
CREATE INDEX ON t (g);
INSERT INTO t VALUES (201, 3, 'b');
COMMIT;
SELECT * FROM oracle.all_same('querying');
-- one that changes tables is an error, wherever it is called
CREATE TABLE seen (g int);
CREATE FUNCTION note(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO querying.seen VALUES ($1); RETURN $1; END';
CREATE FUNCTION noting(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'DECLARE r int; BEGIN SELECT querying.note($1) INTO r; RETURN r; END';
CREATE TABLE w (g int);
SELECT imat.create('seen_', 'SELECT g, count(*) AS n FROM seen GROUP BY g');
SELECT imat.create('noted', 'SELECT noting(g) AS g, count(*) AS n FROM w GROUP BY 1');
INSERT INTO w VALUES (1);
SELECT imat.drop('noted');
-- errors say whose they are, and are counted
CREATE TABLE o (g int, v int);
SELECT imat.create('over', 'SELECT g, sum(v * 1000000) AS s FROM o GROUP BY g');
INSERT INTO o VALUES (1, 2000000000);
SELECT errors, last_error FROM imat.status WHERE imat = 'over'::regclass;
INSERT INTO o VALUES (1, 2);
SELECT * FROM oracle.all_same('querying');
SET client_min_messages = warning;
DROP SCHEMA querying CASCADE;
