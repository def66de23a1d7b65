--
-- NOT NULL that comes and goes: on it depends what a state table has to hold, also where views, children or partitions are in between
-- (state_layout.sql has what is computed anew because of it).  Each step in a transaction of its own, and all in one.
--
SELECT oracle.write('setup', $script$
CREATE SCHEMA ways
SET search_path = ways, public
CREATE TABLE counted (id int NOT NULL, g int, x int NOT NULL, y int)
CREATE TABLE child (LIKE counted)
CREATE TABLE partial (g int, x int NOT NULL, y int) PARTITION BY RANGE (x)
CREATE TABLE partial_1 PARTITION OF partial FOR VALUES FROM (0) TO (10)
CREATE TABLE partial_2 (y int, x int NOT NULL, g int)
INSERT INTO counted VALUES (1, 1, 1, 1), (2, 1, 2, NULL), (3, 2, 3, 3)
INSERT INTO child VALUES (20, 1, 20, 20), (21, 7, 21, NULL)
INSERT INTO partial VALUES (1, 1, 1), (2, 2, NULL)
CREATE VIEW shown AS SELECT g, x, y FROM counted WHERE id > 0
CREATE VIEW shown_more AS SELECT g, x, y, x + 1 AS z FROM shown
SELECT imat.create('counts', 'SELECT g, count(x) AS n FROM counted GROUP BY g')
SELECT imat.create('many', 'SELECT g, count(x) > 2 AS n FROM counted GROUP BY g')
SELECT imat.create('either', 'SELECT g, count(x) + count(y) AS n FROM shown GROUP BY g')
SELECT imat.create('averages', 'SELECT g, avg(x) AS x, avg(y) AS y, count(y) AS n FROM shown GROUP BY g')
SELECT imat.create('averages_more', 'SELECT g, avg(z) AS z, stddev(x) AS s, count(x) AS n FROM shown_more GROUP BY g')
SELECT imat.create('pairs', 'SELECT count(a.x) > 3 AS n, count(b.y) AS m FROM shown a, counted b')
SELECT imat.create('distinct_counts', 'SELECT g, count(DISTINCT y) AS d, count(x) AS n FROM shown GROUP BY g')
SELECT imat.create('having', 'SELECT g, sum(x) AS s FROM shown_more GROUP BY g HAVING count(x) > 1')
SELECT imat.create('largest', 'SELECT g, max(y) AS hi, count(x) AS n FROM shown GROUP BY g')
SELECT imat.create('sets', 'SELECT g, y, sum(x) AS s FROM counted GROUP BY ROLLUP (g, y)')
SELECT imat.create('rows_', 'SELECT id, x FROM counted WHERE g > 0')
SELECT imat.create('over_rows', 'SELECT avg(x) AS a, count(x) AS n FROM rows_')
SELECT imat.create('of_partial', 'SELECT g, avg(x) AS a, sum(y) AS s FROM partial GROUP BY g')
$script$);
SELECT oracle.write('steps', $script$
INSERT INTO counted VALUES (4, 2, 4, NULL)
ALTER TABLE counted ALTER x DROP NOT NULL; INSERT INTO counted VALUES (5, 2, NULL, 5), (6, 3, NULL, NULL)
DELETE FROM counted WHERE id = 1
DELETE FROM counted WHERE x IS NULL; ALTER TABLE counted ALTER x SET NOT NULL; INSERT INTO counted VALUES (7, 2, 7, 7)
DELETE FROM counted WHERE y IS NULL; ALTER TABLE counted ALTER y SET NOT NULL, ALTER x DROP NOT NULL; INSERT INTO counted VALUES (8, 1, NULL, 8), (9, 4, 9, 9)
UPDATE counted SET g = 1 WHERE id IN (7, 8)
INSERT INTO counted VALUES (10, 1, 1, 1); DELETE FROM counted WHERE id = 8; ALTER TABLE counted ALTER x SET NOT NULL; UPDATE counted SET x = x + 1; ALTER TABLE counted ALTER x DROP NOT NULL; INSERT INTO counted VALUES (11, 5, NULL, 1)
!ALTER TABLE counted ALTER x SET NOT NULL
UPDATE counted SET x = 0 WHERE x IS NULL; ALTER TABLE counted ALTER x SET NOT NULL, ALTER g SET NOT NULL; INSERT INTO counted VALUES (12, 5, 5, 5)
ALTER TABLE counted ALTER g DROP NOT NULL, ALTER y DROP NOT NULL; INSERT INTO counted VALUES (13, NULL, 5, NULL), (14, 5, 5, NULL)
ALTER TABLE counted RENAME x TO w; INSERT INTO counted VALUES (15, 5, 5, 5); ALTER TABLE counted RENAME w TO x; DELETE FROM counted WHERE id = 12
SELECT imat.alter('many', strategy => 'swap'); INSERT INTO counted VALUES (16, 5, 5, 5); SELECT imat.alter('many', strategy => 'auto'); ALTER TABLE counted ALTER x DROP NOT NULL; INSERT INTO counted VALUES (17, 5, NULL, 5)
-- with children, of which some may have none, and one that says nothing of it
ALTER TABLE child ALTER x DROP NOT NULL; ALTER TABLE child INHERIT counted; INSERT INTO child VALUES (22, 4, NULL, 22)
INSERT INTO child VALUES (23, 4, NULL, 22); UPDATE counted SET x = 1 WHERE id = 17
!ALTER TABLE counted ALTER x SET NOT NULL
UPDATE counted SET x = 7 WHERE x IS NULL; ALTER TABLE counted ALTER x SET NOT NULL; INSERT INTO child VALUES (24, 4, 4, 4)
ALTER TABLE child NO INHERIT counted; INSERT INTO counted VALUES (25, 1, 23, 23)
INSERT INTO partial VALUES (1, 3, 3); ALTER TABLE partial ALTER x DROP NOT NULL; ALTER TABLE partial ATTACH PARTITION partial_2 DEFAULT; INSERT INTO partial VALUES (1, 11, 11), (3, 12, NULL)
ALTER TABLE partial_2 ALTER x DROP NOT NULL; INSERT INTO partial VALUES (1, NULL, 1); UPDATE partial SET y = 1
DELETE FROM partial WHERE x IS NULL; ALTER TABLE partial ALTER x SET NOT NULL; INSERT INTO partial VALUES (1, 20, 20)
$script$);
SELECT oracle.write('end', $script$
DROP SCHEMA ways CASCADE
$script$);
\i test/regress/both_ways.psql
