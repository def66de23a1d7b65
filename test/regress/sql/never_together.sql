--
-- Rows that were never there together: what can't be computed of these is no error.
--
CREATE SCHEMA never; SET search_path = never, public;
CREATE TABLE t (id int PRIMARY KEY, ref int, v int);
INSERT INTO t VALUES (1, NULL, 1), (2, 1, 2), (3, 2, 3);
SELECT imat.create('rows_', 'SELECT x.id, y.id AS yid, 10 / (x.v - y.v) AS r FROM t x JOIN t y ON y.id = x.ref');
SELECT imat.create('filtered', 'SELECT x.id, x.v FROM t x JOIN t y ON y.id = x.ref WHERE 10 / (x.v - y.v) > 0');
SELECT imat.create('grouped', 'SELECT y.id, sum(ln(x.v - y.v)) AS s, count(*) AS n FROM t x JOIN t y ON y.id = x.ref GROUP BY y.id');
SELECT imat.create('outer_', 'SELECT x.id, y.id AS yid, y.v FROM t x LEFT JOIN t y ON y.id = x.ref AND 10 / (x.v - y.v) > 3');
SELECT imat.create('texts', 'SELECT x.ref, string_agg((10 / (x.v - y.v))::text, '','' ORDER BY x.id) AS s FROM t x JOIN t y ON y.id = x.ref GROUP BY x.ref');
SELECT imat.create('above', 'SELECT r.yid, count(*) AS n, sum(10 / (r.r - g.n + 2)) AS s FROM rows_ r JOIN grouped g ON g.id = r.yid GROUP BY r.yid');
SELECT c.mv_name, oracle.strategy(imat) FROM imat.imat_config c WHERE agg_schema_name = 'never' ORDER BY 1;
UPDATE t SET v = v + 1;
SELECT * FROM oracle.all_same('never');
BEGIN;
UPDATE t SET v = v * 2;
SELECT * FROM rows_ ORDER BY id;
SAVEPOINT s;
UPDATE t SET v = v + 4;
SELECT * FROM outer_ ORDER BY id;
ROLLBACK TO s;
INSERT INTO t VALUES (4, 3, 100), (5, 4, 160);
UPDATE t SET v = v - 2;
COMMIT;
SELECT * FROM oracle.all_same('never');
SET pg_imat.flush = 'statement';
UPDATE t SET v = v + 2;
SELECT * FROM oracle.all_same('never');
RESET pg_imat.flush;
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE t SET v = v + 2;
SELECT * FROM grouped ORDER BY id;
UPDATE t SET v = v + 2;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
UPDATE t SET v = v + 2;
COMMIT;
SELECT * FROM oracle.all_same('never');
BEGIN;
UPDATE t SET v = v + 2;
PREPARE TRANSACTION 'never';
COMMIT PREPARED 'never';
SELECT * FROM oracle.all_same('never');
-- what the query can't compute is one
UPDATE t SET v = 5;
SELECT errors > 0 AS counted, last_error FROM imat.status WHERE imat = 'never.rows_'::regclass;
SELECT * FROM oracle.all_same('never');
-- two tables, and what one of them says of the other
CREATE TABLE attr (id int PRIMARY KEY, kind text); CREATE TABLE val (id int PRIMARY KEY, attr int, txt text);
INSERT INTO attr VALUES (1, 'text'); INSERT INTO val VALUES (1, 1, 'abc');
SELECT imat.create('kinds', $$SELECT attr.id, sum(CASE attr.kind WHEN 'int' THEN val.txt::int ELSE 0 END) AS s FROM attr JOIN val ON val.attr = attr.id GROUP BY attr.id$$);
BEGIN; UPDATE val SET txt = '5'; UPDATE attr SET kind = 'int'; COMMIT;
TABLE kinds;
SELECT oracle.same('kinds');
UPDATE val SET txt = 'x';
SELECT oracle.same('kinds');
SELECT imat.drop('above'), imat.drop('grouped');
-- what functions of users say is taken like that; and after an error at COMMIT the session goes on
CREATE FUNCTION positive(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF $1 <= 0 THEN RAISE EXCEPTION '% is not positive', $1; END IF; RETURN $1; END $$;
SELECT imat.create('positives', 'SELECT x.id, positive(x.v - y.v) AS d FROM t x JOIN t y ON y.id = x.ref');
UPDATE t SET v = v + 1000;
SELECT oracle.same('positives');
BEGIN;
INSERT INTO t VALUES (20, 1, -5000);
COMMIT;
SELECT oracle.same('positives');
BEGIN;
SAVEPOINT s;
INSERT INTO t VALUES (20, 1, -5000);
COMMIT;
SELECT oracle.same('positives');
BEGIN;
INSERT INTO t VALUES (20, 1, -5000);
PREPARE TRANSACTION 'never';
-- an error that says nothing of what is computed
CREATE FUNCTION clashes(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF $1 = 7777 THEN RAISE EXCEPTION 'a clash' USING ERRCODE = '40001'; END IF; RETURN $1; END $$;
SELECT imat.create('clashing', 'SELECT x.id, clashes(x.v) AS s FROM t x JOIN t y ON y.id = x.ref');
BEGIN;
INSERT INTO t VALUES (30, 1, 7777);
COMMIT;
BEGIN;
SAVEPOINT s;
INSERT INTO t VALUES (30, 1, 7777);
COMMIT;
BEGIN;
SELECT count(*) FROM t WHERE id IN (20, 30);
COMMIT;
SELECT oracle.same('clashing');
SELECT imat.drop('clashing'), imat.drop('positives');
-- a flush that is due, and has been left undone by a session that didn't know of it: not when the state of the transaction is in between
\c -
SET pg_imat.flush = 'statement';
BEGIN; SAVEPOINT s; INSERT INTO never.t VALUES (10, 1, 20); COMMIT;
\c -
SET pg_imat.flush = 'statement';
BEGIN; SAVEPOINT s; INSERT INTO never.t VALUES (11, 1, 21); RELEASE s; SAVEPOINT s; COMMIT;
\c -
SET pg_imat.flush = 'statement';
BEGIN; SAVEPOINT r; INSERT INTO never.t VALUES (12, 1, 22); ROLLBACK TO r; UPDATE never.t SET v = v + 1 WHERE id = 10; COMMIT;
\c -
SET pg_imat.flush = 'statement';
BEGIN; INSERT INTO never.t VALUES (13, 1, 23); SAVEPOINT s; ROLLBACK TO s; PREPARE TRANSACTION 'never'; COMMIT PREPARED 'never';
SELECT * FROM oracle.all_same('never');
SET client_min_messages = warning;
DROP SCHEMA never CASCADE;
