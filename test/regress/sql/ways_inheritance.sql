--
-- Inheritance children, each step in a transaction of its own, and all in one
--
SELECT oracle.write('setup', $script$
CREATE SCHEMA ways
SET search_path = ways, public
CREATE TABLE dim (k int PRIMARY KEY, name text)
INSERT INTO dim SELECT i, 'name ' || i % 3 FROM generate_series(0, 20) i
CREATE TABLE base (id int, k int, v int)
CREATE TABLE other (k int, v int)
CREATE TABLE joins (v int, id int, k int, z int)
INSERT INTO joins VALUES (3, 3, 3, 3), (4, 4, 3, 4)
INSERT INTO base SELECT i, i % 3, i FROM generate_series(1, 9) i
SELECT imat.create('of_base', 'SELECT k, sum(v) AS s, count(*) AS n FROM base GROUP BY k')
SELECT imat.create('of_base_alone', 'SELECT k, sum(v) AS s, count(*) AS n FROM ONLY base GROUP BY k')
SELECT imat.create('of_base_rows', 'SELECT id, k, v FROM base')
SELECT imat.create('kept_sizes', 'SELECT n, count(*) AS c, sum(s) AS s FROM (SELECT k AS k, count(*) AS n, sum(v) AS s FROM base GROUP BY k) q GROUP BY n')
SELECT imat.create('of_other', 'SELECT k, sum(v) AS s, count(*) AS n FROM other GROUP BY k')
CREATE TABLE keyed_base (id int PRIMARY KEY, g int NOT NULL, x int)
CREATE TABLE keyed_child (LIKE keyed_base)
CREATE TABLE keyed_second (x int, id int NOT NULL, g int NOT NULL)
INSERT INTO keyed_base VALUES (1, 1, 1), (2, 2, 2)
INSERT INTO keyed_child VALUES (1, 3, 3), (2, 1, 4)
INSERT INTO keyed_second VALUES (7, 1, 1), (8, 1, 1)
SELECT imat.create('keyed_sums', 'SELECT g, sum(x) AS s, count(*) AS n FROM keyed_base GROUP BY g')
SELECT imat.create('keyed_rows', 'SELECT id, g, x FROM keyed_base')
SELECT imat.create('keyed_groups', 'SELECT id, sum(x) AS s, string_agg(g::text, '','' ORDER BY g, x) AS l FROM keyed_base GROUP BY id')
SELECT imat.create('keyed_pairs', 'SELECT a.id, b.k, b.name FROM keyed_base a LEFT JOIN dim b ON b.k = a.g')
SELECT imat.create('over_rows', 'SELECT g, count(*) AS n FROM keyed_rows GROUP BY g')
SELECT imat.create('rows_again', 'SELECT id, x FROM keyed_rows WHERE id > 0')
SELECT imat.create('alone_rows', 'SELECT id, g, x FROM ONLY keyed_base')
SELECT imat.create('alone_alike', 'SELECT g, x FROM ONLY keyed_base')
SELECT imat.create('alone_ranked', 'SELECT g, id, rank() OVER (PARTITION BY g ORDER BY x, id) AS r FROM ONLY keyed_base')
SELECT imat.create('by_table', 'SELECT tableoid = ''base''::regclass AS own, k, count(*) AS n FROM base GROUP BY tableoid, k')
SELECT imat.create('of_table', 'SELECT id, x FROM keyed_base WHERE tableoid <> ''keyed_second''::regclass')
SELECT imat.create('whole', 'SELECT base, count(*) AS n FROM base GROUP BY base')
$script$);
SELECT oracle.write('steps', $script$
-- children come with rows, by whatever name they are written; of two parents; grandchildren
CREATE TABLE child (extra text) INHERITS (base)
INSERT INTO base VALUES (10, 1, 1); INSERT INTO child VALUES (11, 1, 1, 'e')
UPDATE base SET v = v + 1; UPDATE ONLY base SET v = v + 1; UPDATE child SET v = v + 10
ALTER TABLE joins INHERIT base
UPDATE base SET v = v + 1; DELETE FROM base WHERE k = 1 AND v > 10
INSERT INTO joins VALUES (8, 8, 8, 8); ALTER TABLE joins NO INHERIT base; INSERT INTO joins VALUES (4, 4, 4, 4)
CREATE TABLE both_of () INHERITS (base, other)
INSERT INTO both_of VALUES (1, 2, 3)
UPDATE base SET v = v * 2; UPDATE other SET k = 5
SET LOCAL session_replication_role = replica; UPDATE other SET k = 6; UPDATE base SET v = v + 1; SET LOCAL session_replication_role = origin
CREATE TABLE middle (k int, v int); CREATE TABLE grandchild () INHERITS (middle); INSERT INTO middle VALUES (1, 1); INSERT INTO grandchild VALUES (2, 2); ALTER TABLE grandchild INHERIT other
ALTER TABLE middle INHERIT other
ALTER TABLE grandchild NO INHERIT other
TRUNCATE other
INSERT INTO both_of VALUES (1, 2, 3); INSERT INTO grandchild VALUES (7, 7)
DROP TABLE both_of
ALTER TABLE middle NO INHERIT other
DROP TABLE child
-- a first child with rows that have the same keys, since those of a parent say nothing of it; and all of it again when it has left
INSERT INTO keyed_base VALUES (3, 3, 3); ALTER TABLE keyed_child INHERIT keyed_base; INSERT INTO keyed_child VALUES (3, 3, 3)
INSERT INTO keyed_base VALUES (4, 3, 3); UPDATE keyed_base SET x = x + 1; DELETE FROM keyed_child WHERE id = 2
ALTER TABLE keyed_second INHERIT keyed_base; INSERT INTO keyed_second VALUES (9, 1, 1); UPDATE keyed_base SET id = 1 WHERE id = 4 AND tableoid <> 'keyed_base'::regclass
!INSERT INTO keyed_base VALUES (1, 1, 1)
ALTER TABLE keyed_child NO INHERIT keyed_base; INSERT INTO keyed_base VALUES (5, 1, 1); INSERT INTO keyed_child VALUES (5, 1, 1)
ALTER TABLE keyed_second NO INHERIT keyed_base; UPDATE keyed_base SET g = g + 1
ALTER TABLE keyed_child INHERIT keyed_base; ALTER TABLE keyed_child NO INHERIT keyed_base; INSERT INTO keyed_base VALUES (6, 1, 1)
CREATE TABLE keyed_new () INHERITS (keyed_base); INSERT INTO keyed_new VALUES (6, 1, 1), (6, 1, 1)
DELETE FROM keyed_base WHERE id = 6; TRUNCATE ONLY keyed_base; INSERT INTO keyed_new VALUES (7, 1, 1)
DROP TABLE keyed_new; INSERT INTO keyed_base VALUES (6, 1, 1)
INSERT INTO keyed_base VALUES (7, 1, 1); ANALYZE keyed_base; INSERT INTO keyed_base VALUES (8, 1, 1); UPDATE keyed_base SET x = x + 1; DELETE FROM keyed_base WHERE id = 6
CREATE INDEX passing ON keyed_base (x); DROP INDEX passing; INSERT INTO keyed_base VALUES (9, 1, 1); UPDATE keyed_base SET id = id + 1 WHERE id = 9
INSERT INTO keyed_base VALUES (11, 1, 1); ALTER TABLE keyed_child INHERIT keyed_base; INSERT INTO keyed_child VALUES (11, 1, 1), (11, 1, 1)
$script$);
SELECT oracle.write('end', $script$
DROP SCHEMA ways CASCADE
$script$);
\i test/regress/both_ways.psql
