--
-- Partitions, each step in a transaction of its own, and all in one
--
SELECT oracle.write('setup', $script$
CREATE SCHEMA ways
SET search_path = ways, public
CREATE TABLE root (id int, k int, v int, x text) PARTITION BY RANGE (id)
CREATE TABLE low PARTITION OF root FOR VALUES FROM (0) TO (100)
CREATE TABLE high (v int, junk int, x text, k int, id int)
ALTER TABLE high DROP COLUMN junk
INSERT INTO high SELECT i, 'z', i % 5, i FROM generate_series(100, 139) i
CREATE TABLE dim (k int PRIMARY KEY, name text)
INSERT INTO dim SELECT i, 'name ' || i % 3 FROM generate_series(0, 20) i
SELECT imat.create('sums', 'SELECT k, sum(v) AS s, count(*) AS n FROM root GROUP BY k')
SELECT imat.create('highest', 'SELECT k, max(v) AS m, count(DISTINCT v) AS d FROM root GROUP BY k')
SELECT imat.create('lists', 'SELECT k, string_agg(x, '','' ORDER BY id, v, x) AS l FROM root GROUP BY k')
SELECT imat.create('ranks', 'SELECT id, k, rank() OVER (ORDER BY v, id) AS r FROM root')
SELECT imat.create('joined', 'SELECT name, sum(v) AS s, count(*) AS n FROM root JOIN dim USING (k) GROUP BY name')
SELECT imat.create('outer_rows', 'SELECT d.k, r.id, r.v FROM dim d LEFT JOIN root r ON r.k = d.k AND r.v < 20')
SELECT imat.create('of_low', 'SELECT k, sum(v) AS s, count(*) AS n FROM low GROUP BY k')
SELECT imat.create('of_high', 'SELECT k, avg(v) AS a, count(*) AS n FROM high GROUP BY k')
SELECT imat.create('kept_outer', 'SELECT d.name, q.n, q.s FROM dim d LEFT JOIN (SELECT k, count(*) AS n, sum(v) AS s FROM root GROUP BY k) q USING (k)')
SELECT imat.create('kept_sizes', 'SELECT n, count(*) AS c, sum(s) AS s FROM (SELECT k AS k, count(*) AS n, sum(v) AS s FROM root GROUP BY k) q GROUP BY n')
SELECT imat.create('over', 'SELECT n, count(*) AS groups FROM sums GROUP BY n')
$script$);
SELECT oracle.write('steps', $script$
-- through the root, straight to the partition
INSERT INTO root SELECT i, i % 5, i, 'x' FROM generate_series(0, 49) i
INSERT INTO low VALUES (1, 7, 7, 'y')
UPDATE low SET v = v + 1 WHERE k = 2
DELETE FROM low WHERE k = 3; INSERT INTO root VALUES (3, 3, 3, 'y')
-- attached with its rows, in another layout; written by each of its names
ALTER TABLE root ATTACH PARTITION high FOR VALUES FROM (100) TO (200)
INSERT INTO high (v, x, k, id) VALUES (1, 'x', 1, 101); INSERT INTO root VALUES (102, 1, 1, 'x'), (2, 1, 1, 'x')
UPDATE root SET v = v + 1 WHERE k = 1
DELETE FROM root WHERE k = 2 AND v % 2 = 0
COPY root FROM PROGRAM 'printf "6\t1\t1\ty\n106\t1\t1\ty\n"'
-- rows that move
UPDATE root SET id = id + 100 WHERE id BETWEEN 40 AND 49
UPDATE root SET id = 199 - id, k = k + 1 WHERE id % 7 = 0
-- new partitions, with writes before and after in the same transaction; DEFAULT; of several levels
CREATE TABLE rest PARTITION OF root DEFAULT
INSERT INTO root VALUES (1000, 1, 1, 'd'); INSERT INTO rest VALUES (1001, 1, 1, 'd')
CREATE TABLE mid PARTITION OF root FOR VALUES FROM (200) TO (300) PARTITION BY LIST (k); CREATE TABLE mid_some PARTITION OF mid FOR VALUES IN (1, 2, 3); CREATE TABLE mid_rest PARTITION OF mid DEFAULT
INSERT INTO root SELECT i, i % 5, i, 'm' FROM generate_series(200, 229) i
INSERT INTO mid_rest VALUES (201, 9, 9, 'q'); INSERT INTO mid VALUES (202, 1, 9, 'q'), (202, 8, 9, 'q')
UPDATE mid SET k = 9 WHERE k = 1; UPDATE root SET k = 1 WHERE k = 9 AND id > 210
SELECT imat.create('of_some', 'SELECT k, sum(v) AS s, count(*) AS n FROM mid_some GROUP BY k')
-- detached, written, attached again
ALTER TABLE mid DETACH PARTITION mid_some
INSERT INTO mid_some VALUES (200, 2, 2, 'x')
ALTER TABLE mid ATTACH PARTITION mid_some FOR VALUES IN (1, 2, 3)
INSERT INTO root VALUES (203, 2, 2, 'x'); ALTER TABLE root DETACH PARTITION mid; INSERT INTO mid VALUES (203, 1, 1, 'q')
UPDATE mid SET v = 7 WHERE id = 203; ALTER TABLE root ATTACH PARTITION mid FOR VALUES FROM (200) TO (300); INSERT INTO mid_some VALUES (204, 1, 1, 'q')
-- truncated: one, through its own parent, with rows before and after; as replicas write
INSERT INTO low VALUES (9, 1, 9, 'l'); TRUNCATE low; INSERT INTO low VALUES (8, 1, 8, 'l')
TRUNCATE mid_some
TRUNCATE mid
INSERT INTO root SELECT i, i % 5, i, 'x' FROM generate_series(0, 299, 17) i
SET LOCAL session_replication_role = replica; INSERT INTO root VALUES (7, 1, 1, 'r'), (107, 1, 1, 'r'), (207, 1, 1, 'r'), (1007, 1, 1, 'r'); SET LOCAL session_replication_role = origin
SET LOCAL session_replication_role = replica; UPDATE root SET id = (id + 100) % 300, v = v + 1 WHERE x = 'r'; DELETE FROM mid WHERE k = 4; UPDATE high SET k = 0 WHERE k = 1; SET LOCAL session_replication_role = origin
-- columns that come, go and have other names, rows that are stored anew
ALTER TABLE root ADD COLUMN extra int DEFAULT 5; ALTER TABLE root RENAME COLUMN x TO y; INSERT INTO root (id, k, v) VALUES (11, 1, 11), (111, 1, 11)
ALTER TABLE root DROP COLUMN extra; UPDATE high SET v = v + 1
-- dropped: some of a partition, a detached one, all of one
DROP TABLE mid_some CASCADE
ALTER TABLE root DETACH PARTITION rest; DROP TABLE rest
DROP TABLE mid CASCADE
-- a partition of a table with its rows elsewhere
CREATE TABLE swapped_in (LIKE low); INSERT INTO swapped_in SELECT i, i % 2, i, 's' FROM generate_series(0, 30) i; ALTER TABLE root DETACH PARTITION low; ALTER TABLE root ATTACH PARTITION swapped_in FOR VALUES FROM (0) TO (100)
INSERT INTO low VALUES (300, 3, 3, 'alone'); INSERT INTO swapped_in VALUES (50, 3, 3, 's')
-- statements that fail half-way
!ALTER TABLE root DETACH PARTITION high; INSERT INTO high (id, k, v) VALUES (1, 1, 1); ALTER TABLE root ATTACH PARTITION high FOR VALUES FROM (100) TO (200)
!INSERT INTO root VALUES (12, 1, 1, 'f'), (5000, 1, 1, 'f')
!CREATE TABLE heir () INHERITS (dim); ALTER TABLE root ATTACH PARTITION dim FOR VALUES FROM (300) TO (400)
TRUNCATE root
INSERT INTO root SELECT i, i % 5, i, 'x' FROM generate_series(90, 110) i
$script$);
SELECT oracle.write('end', $script$
DROP SCHEMA ways CASCADE
$script$);
\i test/regress/both_ways.psql
