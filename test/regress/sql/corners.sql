--
-- What is seldom met: a partition of more rows than are captured at once, a table that reads another both ways, sums that
-- leave the range of their type only for a while.
--
CREATE SCHEMA corn; SET search_path = corn, public;
CREATE TABLE parts (id int, k int) PARTITION BY LIST (k);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0, 1);
INSERT INTO parts SELECT i, i % 2 FROM generate_series(1, 30000) i;
SELECT imat.create('by_key', 'SELECT k, count(*) AS n, sum(id) AS s, max(id) AS last FROM parts GROUP BY k');
CREATE TABLE parts_1 (id int, k int);
INSERT INTO parts_1 SELECT i, 2 + i % 2 FROM generate_series(1, 21000) i;
ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES IN (2, 3);
SELECT oracle.same('by_key');
ALTER TABLE parts DETACH PARTITION parts_1;
SELECT oracle.same('by_key');
-- one reads the other's reader, too, which is the younger of them
CREATE TABLE t (id int PRIMARY KEY, k int, v int);
INSERT INTO t SELECT i, i % 5, i FROM generate_series(1, 20) i;
SELECT imat.create('first', 'SELECT k, count(*) AS n, sum(v) AS s FROM t GROUP BY k');
CREATE VIEW between_ AS SELECT n, count(*) AS ks FROM first GROUP BY n;
SELECT imat.create('third', 'SELECT a.k, a.s, b.ks FROM first a JOIN between_ b ON b.n = a.n');
SELECT imat.create('fourth', 'SELECT ks, count(*) AS m, sum(s) AS s FROM third GROUP BY ks');
SELECT imat.create('second', 'SELECT n, count(*) AS ks FROM first GROUP BY n');
CREATE OR REPLACE VIEW between_ AS SELECT n, ks FROM second;
SELECT imat, verdict LIKE 'same, %' AS same FROM oracle.all_same('corn');
INSERT INTO t VALUES (21, 1, 5), (22, 7, 5); UPDATE t SET k = 2 WHERE id < 4; DELETE FROM t WHERE id = 10;
SELECT imat, verdict LIKE 'same, %' AS same FROM oracle.all_same('corn');
BEGIN; UPDATE t SET k = k + 1 WHERE id % 2 = 0; SELECT count(*) > 0 AS some FROM fourth; DELETE FROM t WHERE k = 3; COMMIT;
SELECT imat, verdict LIKE 'same, %' AS same FROM oracle.all_same('corn');
TABLE third ORDER BY k; TABLE fourth ORDER BY ks;
-- out of range at the end of the transaction, or only before it
CREATE TABLE spans (id int PRIMARY KEY, k int, iv interval);
INSERT INTO spans VALUES (1, 1, '100000000 years'), (2, 2, '1 day');
SELECT imat.create('span', 'SELECT k, sum(iv) AS s, avg(iv) AS a FROM spans GROUP BY k');
SELECT oracle.error($$INSERT INTO spans VALUES (3, 1, '100000000 years')$$);
BEGIN; INSERT INTO spans VALUES (4, 1, '100000000 years'); DELETE FROM spans WHERE id = 1; COMMIT;
SELECT oracle.same('span');
TABLE span ORDER BY k;
-- conditions are checked as a scan does it, the cheapest first: what fails is kept out by what was written behind it
CREATE TABLE checked (id int PRIMARY KEY, k int, v int);
INSERT INTO checked VALUES (1, 1, 1), (2, 1, -3), (3, 2, -2147483648);
SELECT imat.create('checked_sums', 'SELECT k, sum(v) AS s, count(*) AS n FROM checked WHERE abs(v) < 50 AND k = 1 GROUP BY k');
INSERT INTO checked VALUES (4, 2, -2147483648), (5, 1, 7);
SELECT oracle.same('checked_sums');
SELECT oracle.error('INSERT INTO checked VALUES (6, 1, -2147483648)');
-- ONLY: of a table without children these are all rows; once it had some, from when PostgreSQL notices that they are gone
CREATE TABLE alone (id int PRIMARY KEY, k int, v int);
INSERT INTO alone VALUES (1, 1, 1), (2, 2, 2);
SELECT imat.create('only_alone', 'SELECT k, sum(v) AS s, max(v) AS m, count(*) AS n FROM ONLY alone GROUP BY k');
INSERT INTO alone VALUES (3, 1, 5);
SELECT oracle.same('only_alone');
BEGIN; INSERT INTO alone VALUES (4, 2, 9); CREATE TABLE child () INHERITS (alone); INSERT INTO child VALUES (4, 1, 50); INSERT INTO alone VALUES (5, 2, 7); COMMIT;
UPDATE alone SET v = v + 1;
SELECT oracle.same('only_alone');
SELECT imat.explain('only_alone') LIMIT 1;
DROP TABLE child; ANALYZE alone;
INSERT INTO alone VALUES (6, 2, 9); DELETE FROM alone WHERE id = 3;
SELECT oracle.same('only_alone');
SELECT imat.explain('only_alone') LIMIT 1;
SET client_min_messages = warning;
DROP SCHEMA corn CASCADE;
