--
-- What PostgreSQL's query can't compute is an error for whoever makes it so; and nothing is lost by that.
--
CREATE SCHEMA over; SET search_path = over, public;
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, i8 bigint, i4 int, d int NOT NULL DEFAULT 1);
SELECT imat.create('s', 'SELECT k, sum(i4) AS s4, count(*) AS n FROM src GROUP BY k');
SELECT imat.create('wide', 'SELECT k, sum(i8) AS s8, avg(i8) AS a8 FROM src GROUP BY k');
SELECT imat.create('narrow', 'SELECT k, sum(i8)::bigint AS s8 FROM src GROUP BY k');
SELECT imat.create('divided', 'SELECT k, 100 / sum(d) AS q FROM src GROUP BY k');
SELECT imat.create('argument', 'SELECT 12 / d AS key, count(*) AS n FROM src GROUP BY 12 / d');
INSERT INTO src VALUES (1, 1, 9223372036854775807, 2147483647);
SELECT * FROM oracle.all_same('over');
-- sum(bigint) is numeric: no overflow; cast to bigint it is one, with PostgreSQL's own words
\set VERBOSITY terse
INSERT INTO src VALUES (2, 1, 1, 1);
SELECT sum(i8)::bigint FROM (SELECT i8 FROM src UNION ALL SELECT 1) x;
SELECT count(*) FROM src;
-- what overflows on the way only is fine
BEGIN; INSERT INTO src VALUES (2, 1, 1, 1); INSERT INTO src VALUES (3, 1, -1, 1); COMMIT;
SELECT * FROM oracle.all_same('over');
INSERT INTO src VALUES (4, 1, 5, 1), (5, 1, -7, 1);
SELECT * FROM oracle.all_same('over');
-- division by zero: in a result, in an argument
INSERT INTO src VALUES (6, 2, 0, 0, 0);
INSERT INTO src VALUES (6, 1, 0, 0, -5);
BEGIN; INSERT INTO src VALUES (6, 2, 0, 0, 1), (7, 2, 0, 0, -1);
SELECT count(*) FROM divided;
ROLLBACK;
BEGIN; INSERT INTO src VALUES (6, 2, 0, 0, 1), (7, 2, 0, 0, -1); UPDATE src SET d = 2 WHERE id = 7; COMMIT;
SELECT * FROM oracle.all_same('over');
SELECT * FROM divided ORDER BY k;
-- the error is the writer's statement's, or its commit's; a savepoint saves what went before
BEGIN;
INSERT INTO src VALUES (8, 3, 1, 1);
SAVEPOINT a;
INSERT INTO src VALUES (9, 3, 1, 1, 0);
ROLLBACK TO a;
INSERT INTO src VALUES (9, 3, 1, 1, 1);
COMMIT;
\set VERBOSITY default
SELECT * FROM oracle.all_same('over');
SELECT s4, n FROM s WHERE k = 3;
-- sums of int are bigint: two billions many times
SELECT s4 > 4294967294 AS beyond_integer, pg_typeof(s4) FROM s WHERE k = 1;
UPDATE src SET i4 = 2147483647 WHERE k = 1;
SELECT s4 > 4294967294 AS beyond_integer, s4 FROM s WHERE k = 1;
SELECT * FROM oracle.all_same('over');
SELECT errors > 0 AS noted, last_error_sqlstate, last_error FROM imat.status WHERE imat = 'narrow'::regclass;

-- money and smallint, whose sums have PostgreSQL's limits
CREATE TABLE cash (id int PRIMARY KEY, k int NOT NULL, m money, i2 smallint);
SELECT imat.create('of_cash', 'SELECT k, sum(m) AS s, sum(i2) AS s2, avg(i2) AS a2 FROM cash GROUP BY k');
INSERT INTO cash VALUES (1, 1, '92233720368547758.07', 32767), (2, 2, '-92233720368547758.08', -32768);
\set VERBOSITY terse
INSERT INTO cash VALUES (3, 1, '0.01', 1);
SELECT sum(m) FROM (SELECT m FROM cash WHERE k = 1 UNION ALL SELECT '0.01') x;
INSERT INTO cash VALUES (3, 2, '-0.01', 1);
\set VERBOSITY default
INSERT INTO cash VALUES (4, 1, '-0.01', 32767), (5, 2, NULL, -32768);
SELECT oracle.same('of_cash');
SELECT * FROM of_cash ORDER BY k;

-- a query that fails already can't be made an IMAT, and leaves nothing
CREATE MATERIALIZED VIEW bad AS SELECT k, 1 / (sum(d) - 3) AS q FROM src WHERE k > 3 GROUP BY k;
SELECT oracle.fingerprint() AS before \gset
SELECT oracle.error('SELECT imat.create(''worse'', ''SELECT k, 1 / (sum(d) - sum(d)) AS q FROM src GROUP BY k'')');
INSERT INTO src VALUES (10, 9, 0, 0, 3);
SELECT oracle.error('SELECT create_imat(''bad'')');
SELECT oracle.fingerprint() = :'before' AS as_before;
INSERT INTO src VALUES (11, 9, 0, 0, 3);
SELECT create_imat('bad');
SELECT oracle.same('bad');
SET client_min_messages = warning;
DROP SCHEMA over CASCADE;
