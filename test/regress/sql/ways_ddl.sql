--
-- DDL on what IMATs read, each step in a transaction of its own, and all in one, with writes before and after it
--
SELECT oracle.write('setup', $script$
CREATE SCHEMA ways
CREATE SCHEMA ways_other
SET search_path = ways, public
CREATE ROLE imat_ways_owner
GRANT USAGE, CREATE ON SCHEMA ways TO imat_ways_owner
CREATE TYPE mood AS ENUM ('calm', 'glad')
CREATE TYPE pair AS (x int, y int)
CREATE DOMAIN small AS int CHECK (VALUE < 100)
CREATE COLLATION mine FROM "C"
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, v int NOT NULL, w float8 NOT NULL, t text, junk int)
CREATE TABLE kinds (id int PRIMARY KEY, m mood, d small, p pair, c text COLLATE mine)
CREATE TABLE keyed_src (id int PRIMARY KEY, code int NOT NULL, v int)
CREATE UNIQUE INDEX keyed_src_code ON keyed_src (code)
CREATE TABLE ruled (id int PRIMARY KEY, k int, v int)
CREATE TABLE secret (id int PRIMARY KEY, k int)
ALTER TABLE secret OWNER TO imat_ways_owner
CREATE VIEW v AS SELECT k, v FROM ruled WHERE v > 3
CREATE VIEW vv AS SELECT k, v FROM v
CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 + 1; END'
INSERT INTO src SELECT i, i % 3, i, i, 't' || i % 2, 1 FROM generate_series(1, 9) i
INSERT INTO kinds VALUES (1, 'calm', 1, (1, 2), 'a'), (2, 'glad', 2, (3, 4), 'B'), (3, 'calm', 3, (1, 3), 'A')
INSERT INTO keyed_src SELECT i, i, i FROM generate_series(1, 5) i
INSERT INTO ruled SELECT i, i % 3, i FROM generate_series(1, 9) i
INSERT INTO secret SELECT i, i % 3 FROM generate_series(1, 30) i
SELECT imat.create('sums', 'SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k')
SELECT imat.create('means', 'SELECT k, sum(v) AS s, avg(w) AS a FROM src GROUP BY k')
SELECT imat.create('lists', 'SELECT k, string_agg(t, '','' ORDER BY id) AS l FROM src GROUP BY k')
SELECT imat.create('ranks', 'SELECT id, t, rank() OVER (ORDER BY t, id) AS r FROM src')
SELECT imat.create('whole', 'SELECT to_jsonb(ruled) AS j, count(*) AS n FROM ruled GROUP BY 1')
SELECT imat.create('joined', 'SELECT s.t, count(*) AS n, sum(r.v) AS v FROM src s JOIN ruled r ON r.k = s.k GROUP BY s.t')
SELECT imat.create('kept_sizes', 'SELECT n, count(*) AS c, sum(s) AS s FROM (SELECT k AS k, count(*) AS n, sum(v) AS s FROM src GROUP BY k) q GROUP BY n')
SELECT imat.create('kept_joined', 'SELECT r.id, q.n FROM ruled r JOIN (SELECT k, count(*) AS n FROM src GROUP BY k) q ON q.k = r.k')
SELECT imat.create('over', 'SELECT n, count(*) AS groups FROM sums GROUP BY n')
SELECT imat.create('by_key', 'SELECT id, v FROM keyed_src')
SELECT imat.create('by_index', 'SELECT code, v FROM keyed_src')
SELECT imat.create('by_outer', 'SELECT s.id, r.v FROM keyed_src s LEFT JOIN ruled r ON r.id = s.code')
SELECT imat.create('by_swap', 'SELECT id, v FROM keyed_src'), imat.create('sums_by_swap', 'SELECT k, sum(v) AS s FROM src GROUP BY k')
SELECT imat.alter('by_swap', strategy => 'swap'), imat.alter('sums_by_swap', strategy => 'swap')
SELECT imat.create('of_view', 'SELECT k, sum(v) AS s FROM vv GROUP BY k')
SELECT imat.create('of_function', 'SELECT f(k) AS k, sum(v) AS s FROM src GROUP BY f(k)')
SELECT imat.create('moods', 'SELECT m, m::text AS t, count(*) AS n, max(d) AS d FROM kinds GROUP BY m')
SELECT imat.create('pairs', 'SELECT p::text AS p, count(*) AS n FROM kinds GROUP BY p::text')
SELECT imat.create('words', 'SELECT min(c) AS least, max(c) AS most FROM kinds')
SET ROLE imat_ways_owner
SELECT imat.create('seen', 'SELECT k, count(*) AS n FROM secret GROUP BY k')
RESET ROLE
$script$);
SELECT oracle.write('steps', $script$
-- columns that don't matter
INSERT INTO src VALUES (10, 1, 1, 1, 't'); ALTER TABLE src ADD COLUMN extra text DEFAULT 'x', ADD COLUMN volatile_one float8 DEFAULT random(); INSERT INTO src VALUES (11, 2, 1, 1, 't')
ALTER TABLE src ALTER COLUMN junk TYPE bigint; UPDATE src SET v = v + 1 WHERE k = 1
ALTER TABLE src DROP COLUMN junk, DROP COLUMN extra; DELETE FROM src WHERE id = 3
-- names, schemas, owners
ALTER TABLE src RENAME COLUMN k TO "key column"; INSERT INTO src (id, "key column", v, w) VALUES (12, 3, 1, 1)
ALTER TABLE src RENAME COLUMN t TO txt; ALTER TABLE src RENAME TO src2; ALTER TABLE src2 SET SCHEMA ways_other; ALTER SCHEMA ways_other RENAME TO ways_third
UPDATE ways_third.src2 SET v = v + 1 WHERE "key column" = 2
ALTER SCHEMA ways_third RENAME TO ways_other; ALTER TABLE ways_other.src2 SET SCHEMA ways; ALTER TABLE src2 RENAME TO src; ALTER TABLE src RENAME COLUMN txt TO t; ALTER TABLE src RENAME COLUMN "key column" TO k
ALTER TABLE src OWNER TO imat_ways_owner; INSERT INTO src VALUES (13, 1, 5, 5, 'u')
ALTER TABLE means OWNER TO imat_ways_owner; INSERT INTO src VALUES (14, 1, 5, 5, 'u')
ALTER TABLE means OWNER TO CURRENT_USER; ALTER TABLE src OWNER TO CURRENT_USER
-- storage
INSERT INTO src VALUES (15, 5, 5, 5, 'u'); CLUSTER src USING src_pkey; DELETE FROM src WHERE id = 15; INSERT INTO src VALUES (16, 5, 5, 5, 'u')
@VACUUM FULL src
ALTER TABLE src SET (fillfactor = 50); ALTER TABLE src SET TABLESPACE pg_default; ALTER TABLE src ADD COLUMN rewritten float8 DEFAULT random(); UPDATE src SET v = 7 WHERE id = 16
INSERT INTO src VALUES (17, 6, 6, 6, 'u'); ALTER TABLE src SET UNLOGGED; INSERT INTO src VALUES (18, 6, 6, 6, 'u')
!ALTER TABLE sums SET LOGGED
UPDATE src SET k = 1 WHERE id = 17; ALTER TABLE src SET LOGGED; DELETE FROM src WHERE id = 18
-- constraints that proofs rest on
ALTER TABLE src ALTER COLUMN v DROP NOT NULL, ALTER COLUMN w DROP NOT NULL; INSERT INTO src (id, k, v, w) VALUES (201, 1, NULL, NULL), (202, 5, NULL, NULL), (203, 6, NULL, 1)
DELETE FROM src WHERE id = 202; ALTER TABLE src ALTER COLUMN k DROP NOT NULL; INSERT INTO src (id, k, v, w) VALUES (214, NULL, 1, 1), (215, NULL, 2, 2)
UPDATE src SET v = 7 WHERE k IS NULL; DELETE FROM src WHERE id = 214
DELETE FROM src WHERE k IS NULL; UPDATE src SET v = 0, w = 0 WHERE v IS NULL OR w IS NULL
ALTER TABLE src ALTER COLUMN k SET NOT NULL, ALTER COLUMN v SET NOT NULL, ALTER COLUMN w SET NOT NULL; INSERT INTO src (id, k, v, w) VALUES (216, 2, 2, 2)
ALTER TABLE keyed_src DROP CONSTRAINT keyed_src_pkey; INSERT INTO keyed_src VALUES (1, 11, 1), (1, 12, NULL), (8, 13, 3)
DROP INDEX keyed_src_code; INSERT INTO keyed_src VALUES (1, 11, 1), (1, 1, 1), (7, 7, 7)
UPDATE keyed_src SET v = v + 1 WHERE id = 1; DELETE FROM keyed_src WHERE code = 11
DELETE FROM keyed_src WHERE id IN (1, 7); ALTER TABLE keyed_src ADD PRIMARY KEY (id); CREATE UNIQUE INDEX keyed_src_code ON keyed_src (code); INSERT INTO keyed_src VALUES (1, 1, 1)
CREATE INDEX passing ON keyed_src (v); DROP INDEX passing; INSERT INTO keyed_src VALUES (20, 20, 20); SELECT imat.alter('by_swap', strategy => 'auto')
ALTER TABLE keyed_src DROP CONSTRAINT keyed_src_pkey; INSERT INTO keyed_src VALUES (1, 21, 1), (20, 22, 20); DROP INDEX keyed_src_code; INSERT INTO keyed_src VALUES (1, 21, 1), (20, 22, 20)
-- what matters: refused
!ALTER TABLE src ALTER COLUMN w TYPE numeric
!ALTER TABLE src DROP COLUMN v
!DROP TABLE src
!INSERT INTO src VALUES (300, 1, 1, 1); DROP TABLE ruled
INSERT INTO src VALUES (301, 1, 1, 1)
-- views, their rules, functions
INSERT INTO ruled VALUES (10, 1, 10); CREATE OR REPLACE VIEW v AS SELECT k, v FROM ruled WHERE v > 5; INSERT INTO ruled VALUES (11, 1, 10)
CREATE OR REPLACE VIEW v AS SELECT k, v, 1 AS one FROM src; INSERT INTO src VALUES (302, 1, 10, 1)
DELETE FROM src WHERE id = 301; CREATE OR REPLACE VIEW v AS SELECT a.k, sum(b.v)::int AS v, count(*)::int AS one FROM ruled a LEFT JOIN ruled b USING (k) GROUP BY a.k; INSERT INTO ruled VALUES (12, 2, 7)
!CREATE OR REPLACE VIEW v AS SELECT k, (random() * 10)::int AS v, 1 AS one FROM ruled
CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO v DO INSTEAD SELECT k % 2 AS k, v * 10 AS v, 1 AS one FROM ruled; DELETE FROM ruled WHERE id = 4
INSERT INTO src VALUES (303, 1, 10, 1); CREATE OR REPLACE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 + 2; END'; INSERT INTO src VALUES (304, 7, 10, 1)
!ALTER FUNCTION f(int) VOLATILE
ALTER FUNCTION f(int) RENAME TO g; DELETE FROM src WHERE id = 304
-- rows as a whole
ALTER TABLE ruled ADD COLUMN d int DEFAULT 5; INSERT INTO ruled VALUES (13, 1, 1, 1)
UPDATE ruled SET d = 6 WHERE id = 13; ALTER TABLE ruled RENAME COLUMN d TO e; INSERT INTO ruled VALUES (14, 1, 1, 1)
INSERT INTO ruled VALUES (15, 1, 1, 1); ALTER TABLE ruled DROP COLUMN e; DELETE FROM ruled WHERE id = 13
-- types, domains, collations
INSERT INTO kinds VALUES (4, 'calm', 4, (1, 2), 'b'); ALTER TYPE mood ADD VALUE 'angry' BEFORE 'calm'; INSERT INTO kinds VALUES (5, 'glad', 4, (1, 2), 'b')
INSERT INTO kinds VALUES (6, 'calm', 4, (1, 2), 'b'); ALTER TYPE mood RENAME VALUE 'calm' TO 'quiet'; INSERT INTO kinds VALUES (7, 'quiet', 9, (1, 2), 'b')
ALTER TYPE pair ADD ATTRIBUTE z int; INSERT INTO kinds VALUES (8, 'glad', 4, (1, 2, 3), 'b')
DELETE FROM kinds WHERE id = 4; ALTER TYPE pair DROP ATTRIBUTE y; UPDATE kinds SET p = ROW(7, 7) WHERE id = 5
ALTER TYPE pair RENAME ATTRIBUTE z TO y; INSERT INTO kinds VALUES (9, 'glad', 4, (1, 2), 'C')
!INSERT INTO kinds VALUES (10, 'glad', 100, (1, 2), 'C')
ALTER DOMAIN small DROP CONSTRAINT small_check; INSERT INTO kinds VALUES (10, 'glad', 100, (1, 2), 'C')
ALTER DOMAIN small ADD CHECK (VALUE < 1000); ALTER DOMAIN small RENAME TO tiny; UPDATE kinds SET d = 101 WHERE id = 10
ALTER COLLATION mine RENAME TO yours; INSERT INTO kinds VALUES (11, 'glad', 1, NULL, 'Z'); ALTER COLLATION yours REFRESH VERSION; INSERT INTO kinds VALUES (12, 'glad', 1, NULL, 'zz')
-- row-level security: the owner's view of the rows
INSERT INTO secret VALUES (31, 4); ALTER TABLE secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; INSERT INTO secret VALUES (32, 4)
CREATE POLICY few ON secret USING (id < 10); INSERT INTO secret VALUES (-5, 7), (50, 8)
DELETE FROM secret WHERE id = 1; ALTER POLICY few ON secret USING (id < 20); UPDATE secret SET k = 9 WHERE id IN (2, 22)
DROP POLICY few ON secret; INSERT INTO secret VALUES (51, 8)
ALTER TABLE secret NO FORCE ROW LEVEL SECURITY; INSERT INTO secret VALUES (60, 9)
-- with CASCADE, what reads it goes, and nothing else
INSERT INTO src VALUES (310, 1, 1, 1); ALTER TABLE src DROP COLUMN w CASCADE; INSERT INTO src VALUES (311, 1, 1)
DROP VIEW v CASCADE
DROP TYPE mood CASCADE; INSERT INTO kinds (id, c) VALUES (20, 'zzz')
DROP TABLE ruled CASCADE; DELETE FROM src WHERE id = 310
DROP FUNCTION g(int) CASCADE
INSERT INTO src VALUES (312, 1, 1)
$script$);
SELECT oracle.write('end', $script$
DROP SCHEMA ways, ways_other CASCADE
DROP ROLE imat_ways_owner
$script$);
\i test/regress/both_ways.psql
