--
-- Partitions and inheritance children: by whatever name rows are written, however they come and go.
--
CREATE SCHEMA part; SET search_path = part, public;
CREATE TABLE root (id int, k int, v int, x text) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF root FOR VALUES FROM (0) TO (100);
CREATE TABLE dim (k int PRIMARY KEY, name text);
INSERT INTO dim SELECT i, 'name ' || i % 3 FROM generate_series(0, 20) i;
SELECT imat.create('d', 'SELECT k, sum(v) AS s, count(*) AS n FROM root GROUP BY k');
SELECT imat.create('keyed', 'SELECT k, max(v) AS m FROM root GROUP BY k', strategy => 'keyed');
SELECT imat.create('w', 'SELECT id, k, rank() OVER (ORDER BY v, id) AS r FROM root');
SELECT imat.create('joined', 'SELECT name, sum(v) AS s, count(*) AS n FROM root JOIN dim USING (k) GROUP BY name');
-- of one partition only
SELECT imat.create('of_low', 'SELECT k, sum(v) AS s, count(*) AS n FROM low GROUP BY k');
SELECT imat.create('of_low_joined', 'SELECT name, sum(v) AS s FROM low JOIN dim USING (k) GROUP BY name');
-- through the root, straight to the partition
INSERT INTO root SELECT i, i % 5, i, 'x' FROM generate_series(0, 99) i;
SELECT * FROM oracle.all_same('part');
INSERT INTO low VALUES (1, 7, 7, 'y'); UPDATE low SET v = v + 1 WHERE k = 2; DELETE FROM low WHERE k = 3;
SELECT * FROM oracle.all_same('part');
SELECT * FROM of_low ORDER BY k;
-- attached with its rows, in another layout
CREATE TABLE high (v int, junk int, x text, k int, id int);
ALTER TABLE high DROP COLUMN junk;
INSERT INTO high SELECT i, 'z', i % 5, i FROM generate_series(100, 199) i;
ALTER TABLE root ATTACH PARTITION high FOR VALUES FROM (100) TO (200);
SELECT * FROM oracle.all_same('part');
SELECT imat.create('of_high', 'SELECT k, sum(v) AS s, count(*) AS n FROM high GROUP BY k');
INSERT INTO high (v, x, k, id) VALUES (1, 'x', 1, 101);
INSERT INTO root VALUES (102, 1, 1, 'x'), (2, 1, 1, 'x'); UPDATE root SET v = v + 1 WHERE k = 1; DELETE FROM root WHERE k = 2;
SELECT * FROM oracle.all_same('part');
-- rows that move between partitions
UPDATE root SET id = id + 100 WHERE id BETWEEN 90 AND 99;
SELECT * FROM oracle.all_same('part');
INSERT INTO root VALUES (5, 1, 1, 'x'), (105, 1, 1, 'x'); COPY root FROM stdin;
6	1	1	y
106	1	1	y
\.
SELECT * FROM oracle.all_same('part');
-- DEFAULT, and partitions of partitions
CREATE TABLE rest PARTITION OF root DEFAULT;
INSERT INTO root VALUES (1000, 1, 1, 'd'); INSERT INTO rest VALUES (1001, 1, 1, 'd');
SELECT imat.create('of_rest', 'SELECT k, sum(v) AS s, count(*) AS n FROM rest GROUP BY k');
INSERT INTO root VALUES (1002, 1, 1, 'd'), (3, 1, 1, 'x');
SELECT * FROM oracle.all_same('part');
CREATE TABLE mid PARTITION OF root FOR VALUES FROM (200) TO (300) PARTITION BY LIST (k);
CREATE TABLE mid_some PARTITION OF mid FOR VALUES IN (1, 2, 3);
CREATE TABLE mid_rest PARTITION OF mid DEFAULT;
SELECT imat.create('of_mid', 'SELECT k, sum(v) AS s, count(*) AS n FROM mid GROUP BY k');
SELECT imat.create('of_some', 'SELECT k, sum(v) AS s, count(*) AS n FROM mid_some GROUP BY k');
INSERT INTO root SELECT i, i % 5, i, 'x' FROM generate_series(200, 299) i;
SELECT * FROM oracle.all_same('part');
INSERT INTO mid_rest VALUES (201, 9, 9, 'q'); INSERT INTO mid VALUES (202, 1, 9, 'q'), (202, 8, 9, 'q');
SELECT * FROM oracle.all_same('part');
UPDATE mid SET k = 9 WHERE k = 1; UPDATE root SET k = 1 WHERE k = 9 AND id > 250;
SELECT * FROM oracle.all_same('part');
-- detached, written, attached again
ALTER TABLE mid DETACH PARTITION mid_some;
SELECT * FROM oracle.all_same('part');
INSERT INTO mid_some VALUES (200, 2, 2, 'x');
SELECT * FROM oracle.all_same('part');
ALTER TABLE mid ATTACH PARTITION mid_some FOR VALUES IN (1, 2, 3);
SELECT * FROM oracle.all_same('part');
ALTER TABLE root DETACH PARTITION mid;
INSERT INTO mid VALUES (203, 1, 1, 'q');
SELECT * FROM oracle.all_same('part');
ALTER TABLE root ATTACH PARTITION mid FOR VALUES FROM (200) TO (300);
INSERT INTO mid_some VALUES (204, 1, 1, 'q');
SELECT * FROM oracle.all_same('part');
-- truncated: one, some, all
TRUNCATE low;
SELECT * FROM oracle.all_same('part');
TRUNCATE mid;
SELECT * FROM oracle.all_same('part');
INSERT INTO root SELECT i, i % 5, i, 'x' FROM generate_series(0, 299, 7) i;
-- as replicas, who write where the rows are
SET session_replication_role = replica;
INSERT INTO root VALUES (7, 1, 1, 'r'), (107, 1, 1, 'r'), (207, 1, 1, 'r'), (1007, 1, 1, 'r');
SELECT * FROM oracle.all_same('part');
UPDATE root SET id = (id + 100) % 300, v = v + 1 WHERE x = 'r'; DELETE FROM mid WHERE k = 3; UPDATE high SET k = 0 WHERE k = 1;
SELECT * FROM oracle.all_same('part');
RESET session_replication_role;
-- dropped
DROP TABLE mid_some CASCADE;
SELECT * FROM oracle.all_same('part');
DROP TABLE mid CASCADE;
SELECT * FROM oracle.all_same('part');
-- in one transaction, with and without a look between, and undone
BEGIN;
INSERT INTO root SELECT i, i % 5, i, 'x' FROM generate_series(0, 99) i;
ALTER TABLE root DETACH PARTITION high;
INSERT INTO high (id, k, v) VALUES (101, 1, 1);
SELECT * FROM oracle.all_same('part');
ALTER TABLE root ATTACH PARTITION high FOR VALUES FROM (100) TO (200);
INSERT INTO root VALUES (101, 1, 1, 'x'), (1, 1, 1, 'x');
SAVEPOINT a;
DROP TABLE low CASCADE;
SELECT * FROM oracle.all_same('part');
ROLLBACK TO a;
INSERT INTO low VALUES (1, 1, 1, 'x');
COMMIT;
SELECT * FROM oracle.all_same('part');
BEGIN; ALTER TABLE root DETACH PARTITION high; INSERT INTO root VALUES (1, 1, 1, 'x'); ROLLBACK;
SELECT * FROM oracle.all_same('part');
-- long values, some of which are kept apart from their rows, which are gone with their table when they are needed
CREATE TABLE long_root (id int, k text) PARTITION BY RANGE (id);
CREATE TABLE long_1 PARTITION OF long_root FOR VALUES FROM (0) TO (10);
CREATE TABLE long_2 PARTITION OF long_root FOR VALUES FROM (10) TO (20);
INSERT INTO long_root SELECT i, (SELECT string_agg(md5(i % 2 || ' ' || j), '') FROM generate_series(1, 400) j) FROM generate_series(0, 19) i;
SELECT imat.create('long_d', 'SELECT md5(k) AS k, max(k) AS m, count(*) AS n FROM long_root GROUP BY md5(k)');
SELECT imat.create('long_joined', 'SELECT md5(a.k) AS k, count(*) AS n FROM long_root a JOIN long_root b ON a.k = b.k AND a.id >= b.id GROUP BY md5(a.k)');
DROP TABLE long_2;
SELECT oracle.same('long_d'), oracle.same('long_joined');
BEGIN; ALTER TABLE long_root DETACH PARTITION long_1; DROP TABLE long_1; COMMIT;
SELECT oracle.same('long_d'), oracle.same('long_joined');
DROP TABLE long_root CASCADE;
-- the many are not read for the few: computed anew
CREATE TABLE many_root (id int, k int) PARTITION BY RANGE (id);
CREATE TABLE few PARTITION OF many_root FOR VALUES FROM (0) TO (10);
CREATE TABLE many PARTITION OF many_root FOR VALUES FROM (10) TO (10000);
INSERT INTO many_root SELECT i, i % 3 FROM generate_series(1, 999) i;
SELECT imat.create('of_many', 'SELECT k, count(*) AS n FROM many_root GROUP BY k');
ALTER TABLE many_root DETACH PARTITION many;
SELECT oracle.same('of_many');
ALTER TABLE many_root ATTACH PARTITION many FOR VALUES FROM (10) TO (10000);
SELECT oracle.same('of_many');
DROP TABLE few;
SELECT oracle.same('of_many');
DROP TABLE many;
SELECT oracle.same('of_many');
DROP TABLE many_root CASCADE;
-- what can't be followed can't become a partition
CREATE FOREIGN DATA WRAPPER part_dummy; CREATE SERVER part_server FOREIGN DATA WRAPPER part_dummy;
SELECT oracle.error('CREATE FOREIGN TABLE far PARTITION OF root FOR VALUES FROM (300) TO (400) SERVER part_server');
CREATE FOREIGN TABLE far (id int, k int, v int, x text) SERVER part_server;
SELECT oracle.error('ALTER TABLE root ATTACH PARTITION far FOR VALUES FROM (300) TO (400)');
-- nor can an IMAT, nor may it be a parent: its rows are its own
SELECT imat.create('alone', 'SELECT id, k, v, x, count(*) AS n FROM root GROUP BY id, k, v, x');
CREATE TABLE like_alone (id int, k int, v int, x text, n bigint) PARTITION BY RANGE (id);
SELECT oracle.error('ALTER TABLE like_alone ATTACH PARTITION alone DEFAULT');
SELECT oracle.error('CREATE TABLE below () INHERITS (alone)');
CREATE TABLE above (id int);
SELECT oracle.error('ALTER TABLE alone INHERIT above'), oracle.error('ALTER TABLE above INHERIT alone');
SELECT oracle.same('alone');
DROP TABLE like_alone, above;
SELECT imat.drop('alone');
SET client_min_messages = warning;
DROP FOREIGN DATA WRAPPER part_dummy CASCADE;
DROP TABLE root CASCADE;
RESET client_min_messages;

-- Inheritance
CREATE TABLE base (id int, k int, v int);
SELECT imat.create('d', 'SELECT k, sum(v) AS s, count(*) AS n FROM base GROUP BY k');
SELECT imat.create('only_base', 'SELECT k, sum(v) AS s, count(*) AS n FROM ONLY base GROUP BY k');
CREATE TABLE child (extra text) INHERITS (base);
SELECT imat.create('of_child', 'SELECT k, sum(v) AS s, max(extra) AS e, count(*) AS n FROM child GROUP BY k');
INSERT INTO base VALUES (1, 1, 1); INSERT INTO child VALUES (1, 1, 1, 'e');
SELECT * FROM oracle.all_same('part');
UPDATE base SET v = v + 1; UPDATE ONLY base SET v = v + 1; UPDATE child SET v = v + 10;
SELECT * FROM oracle.all_same('part');
SELECT * FROM of_child;
CREATE TABLE joins (v int, id int, k int, z int);
INSERT INTO joins VALUES (3, 3, 3, 3);
ALTER TABLE joins INHERIT base;
SELECT * FROM oracle.all_same('part');
UPDATE base SET v = v + 1; DELETE FROM base WHERE k = 1 AND v > 10;
SELECT * FROM oracle.all_same('part');
ALTER TABLE joins NO INHERIT base;
INSERT INTO joins VALUES (4, 4, 4, 4);
SELECT * FROM oracle.all_same('part');
-- a child of two parents, both of which are read
CREATE TABLE other (k int, v int);
SELECT imat.create('of_other', 'SELECT k, sum(v) AS s, count(*) AS n FROM other GROUP BY k');
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE TABLE both_of () INHERITS (base, other);
RESET client_min_messages;
INSERT INTO both_of VALUES (1, 2, 3);
SELECT * FROM oracle.all_same('part');
UPDATE base SET v = v * 2; UPDATE other SET k = 5;
SELECT * FROM oracle.all_same('part');
SET session_replication_role = replica;
UPDATE other SET k = 6; UPDATE base SET v = v + 1;
RESET session_replication_role;
SELECT * FROM oracle.all_same('part');
TRUNCATE other;
SELECT * FROM oracle.all_same('part');
INSERT INTO both_of VALUES (1, 2, 3);
DROP TABLE both_of;
SELECT * FROM oracle.all_same('part');
DROP TABLE child CASCADE;
SELECT * FROM oracle.all_same('part');
-- a grandchild that its grandparent has for a child, too
CREATE TABLE middle (k int, v int);
CREATE TABLE grandchild () INHERITS (middle);
INSERT INTO middle VALUES (1, 1); INSERT INTO grandchild VALUES (2, 2);
ALTER TABLE grandchild INHERIT other;
SELECT oracle.same('of_other');
ALTER TABLE middle INHERIT other;
SELECT oracle.same('of_other');
ALTER TABLE grandchild NO INHERIT other;
SELECT oracle.same('of_other');
ALTER TABLE middle NO INHERIT other;
SELECT oracle.same('of_other');
DROP TABLE middle CASCADE;
SELECT * FROM oracle.all_same('part');
SELECT oracle.error('CREATE TEMP TABLE passing () INHERITS (base)');
-- a first child comes with its rows, and with it the NULLs that its parent doesn't have
CREATE TABLE full_ (id int, k int NOT NULL);
SELECT imat.create('never_null', 'SELECT k, sum(id) AS s FROM full_ GROUP BY k');
BEGIN;
INSERT INTO full_ VALUES (1, 1), (2, 1), (3, 2);
CREATE TABLE strays (LIKE full_); INSERT INTO strays VALUES (4, 2), (5, 3);
ALTER TABLE strays INHERIT full_;
INSERT INTO strays VALUES (6, 3);
COMMIT;
SELECT oracle.same('never_null') LIKE 'same, 3 rows, %' AS same;
ALTER TABLE strays NO INHERIT full_; INSERT INTO strays VALUES (7, 4); INSERT INTO full_ VALUES (8, 4);
SELECT oracle.same('never_null') LIKE 'same, 3 rows, %' AS same;
-- generated columns of rows that are inserted by the name of the parent, where a partition has its columns in another order
CREATE TABLE made (k int, gen int GENERATED ALWAYS AS (k * 2) STORED, v int) PARTITION BY LIST (k);
CREATE TABLE made_1 (v int, k int, gen int GENERATED ALWAYS AS (k * 2) STORED);
ALTER TABLE made ATTACH PARTITION made_1 FOR VALUES IN (1);
CREATE TABLE made_2 PARTITION OF made FOR VALUES IN (2, 3);
SELECT imat.create('of_made', 'SELECT gen, count(*) AS n FROM made GROUP BY gen');
SELECT imat.create('of_made_1', 'SELECT gen, sum(v) AS s FROM made_1 GROUP BY gen');
SELECT imat.create('rows_made', 'SELECT v, gen FROM made');
INSERT INTO made (k, v) VALUES (1, 1), (2, 1), (1, 2);
INSERT INTO made_1 (k, v) VALUES (1, 3);
COPY made (k, v) FROM STDIN;
1	4
3	4
\.
UPDATE made SET k = 1, v = v + 10 WHERE k = 2;
UPDATE made SET k = 2 WHERE v = 2;
TABLE of_made ORDER BY gen;
SELECT imat, verdict ~ '^same' AS same FROM oracle.all_same('part') WHERE imat ~ 'made';
DELETE FROM made WHERE v > 2;
SELECT imat, verdict ~ '^same' AS same FROM oracle.all_same('part') WHERE imat ~ 'made';
SET client_min_messages = warning;
DROP SCHEMA part CASCADE;
SELECT count(*) FROM imat.registered;
