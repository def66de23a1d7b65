--
-- imat.alter: another strategy, for the same contents.
--
CREATE SCHEMA alte; SET search_path = alte, public;
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, v float8);
INSERT INTO src SELECT i, i % 3, i / 8.0 FROM generate_series(1, 9) i;
SELECT imat.create('v', 'SELECT k, avg(v) AS a FROM src GROUP BY k');
SELECT oracle.strategy('v');
INSERT INTO src VALUES (10, 1, 0.125);
SELECT oracle.same('v');
SELECT imat.alter('v', strategy => 'swap');
SELECT oracle.strategy('v'), (SELECT strategy FROM imat.imat_config WHERE imat = 'v'::regclass),
       (SELECT strategy_reason FROM imat.status WHERE imat = 'v'::regclass);
SELECT oracle.same('v') LIKE 'same, 3 rows%' AS same;
INSERT INTO src VALUES (11, 4, 0.125);
SELECT oracle.same('v');
SELECT to_regclass('imat.v_state') AS no_state_table_left;
SELECT imat.alter('v', strategy => 'delta');
SELECT oracle.strategy('v'), oracle.same('v') LIKE 'same, 4 rows%' AS same;
INSERT INTO src VALUES (12, 4, 0.25);
DELETE FROM src WHERE k = 1;
SELECT oracle.same('v');
SELECT imat.alter('v', strategy => 'auto'), imat.alter('v'), imat.alter('v', 'immediate');
INSERT INTO src VALUES (13, 4, 0.25);
SELECT oracle.same('v');
-- in the middle of a transaction's own changes, back and forth, rolled back
BEGIN;
INSERT INTO src VALUES (14, 5, 0.25);
SELECT imat.alter('v', strategy => 'swap');
SELECT oracle.same('v') LIKE 'same, 4 rows%' AS same;
INSERT INTO src VALUES (15, 6, 0.25);
SELECT imat.alter('v', strategy => 'delta');
INSERT INTO src VALUES (16, 6, 0.25);
SELECT oracle.same('v') LIKE 'same, 5 rows%' AS same;
SAVEPOINT s;
SELECT imat.alter('v', strategy => 'swap');
INSERT INTO src VALUES (17, 7, 0.25);
ROLLBACK TO s;
INSERT INTO src VALUES (18, 8, 0.25);
COMMIT;
SELECT oracle.same('v') LIKE 'same, 6 rows%' AS same, oracle.strategy('v');
BEGIN;
INSERT INTO src VALUES (19, 5, 0.25);
SELECT imat.alter('v', strategy => 'swap');
INSERT INTO src VALUES (20, 6, 0.25);
ROLLBACK;
INSERT INTO src VALUES (21, 6, 0.25);
SELECT oracle.same('v') LIKE 'same, 6 rows%' AS same, oracle.strategy('v');
-- keyed instead of delta, and back: with a state table that goes and comes
SELECT imat.alter('v', strategy => 'keyed');
SELECT oracle.strategy('v'), strategy FROM imat.imat_config WHERE imat = 'v'::regclass;
INSERT INTO src VALUES (30, 7, 0.25);
SELECT oracle.same('v') LIKE 'same, 7 rows, 1 delta%' AS same;
SELECT count(*) AS state_tables FROM pg_class WHERE relname = 'v_state';
DELETE FROM src WHERE id = 30;
SELECT oracle.same('v') LIKE 'same, 6 rows, 1 delta' AS same;
SELECT imat.alter('v', strategy => 'auto');
SELECT oracle.strategy('v');
INSERT INTO src VALUES (30, 7, 0.25); DELETE FROM src WHERE id = 30;
SELECT oracle.same('v') LIKE 'same, 6 rows, 2 delta, 1 swap' AS same;
-- what can't be
SELECT oracle.error($$SELECT imat.create('x', 'SELECT k, rank() OVER (ORDER BY v) FROM src', strategy => 'keyed')$$);
SELECT imat.create('w', 'SELECT k, mode() WITHIN GROUP (ORDER BY v) AS m FROM src GROUP BY k');
SELECT oracle.error($$SELECT imat.alter('w', strategy => 'delta')$$);
SELECT oracle.error($$SELECT imat.alter('w', strategy => 'fast')$$);
SELECT oracle.error($$SELECT imat.alter('w', maintenance => 'deferred')$$);
SELECT oracle.error($$SELECT imat.alter('w', maintenance => '')$$);
SELECT oracle.error($$SELECT imat.alter('src', strategy => 'swap')$$);
SELECT oracle.error($$SELECT imat.alter(NULL, strategy => 'swap')$$);
INSERT INTO src VALUES (22, 6, 0.25);
SELECT oracle.same('w');
SET client_min_messages = warning;
DROP SCHEMA alte CASCADE;
