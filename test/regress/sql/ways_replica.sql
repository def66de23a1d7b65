--
-- Rows that are written as the workers of logical replication do, and triggers that are disabled, each step in a transaction of its own, and
-- all in one
--
SELECT oracle.write('setup', $script$
CREATE SCHEMA ways
SET search_path = ways, public
CREATE TABLE src (id int PRIMARY KEY, k int, v int)
CREATE TABLE dim (k int PRIMARY KEY, name text)
INSERT INTO dim SELECT i, 'name ' || i % 3 FROM generate_series(0, 20) i
SELECT imat.create('sums', 'SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k')
SELECT imat.create('means', 'SELECT k, avg(v) AS a, count(DISTINCT v) AS d, min(v) AS m FROM src GROUP BY k')
SELECT imat.create('lists', 'SELECT k, string_agg(v::text, '','' ORDER BY id) AS l FROM src GROUP BY k')
SELECT imat.create('ranks', 'SELECT id, rank() OVER (ORDER BY v, id) AS r FROM src')
SELECT imat.create('joined', 'SELECT name, sum(v) AS s, count(*) AS n FROM src JOIN dim USING (k) GROUP BY name')
SELECT imat.create('outer_rows', 'SELECT d.k, d.name, s.id FROM dim d LEFT JOIN src s ON s.k = d.k')
SELECT imat.create('kept_joined', 'SELECT name, q.n FROM dim JOIN (SELECT k, count(*) AS n, sum(v) AS s FROM src GROUP BY k) q USING (k) WHERE q.s > 2')
SELECT imat.create('over', 'SELECT n, count(*) AS groups FROM sums GROUP BY n')
$script$);
SELECT oracle.write('steps', $script$
SET LOCAL session_replication_role = replica; INSERT INTO src SELECT i, i % 4, i FROM generate_series(1, 20) i; SET LOCAL session_replication_role = origin
SET LOCAL session_replication_role = replica; UPDATE src SET v = v + 1, k = k + 1 WHERE k = 1; SET LOCAL session_replication_role = origin
SET LOCAL session_replication_role = replica; DELETE FROM src WHERE id > 15; SET LOCAL session_replication_role = origin; INSERT INTO src VALUES (16, 4, 16)
SET LOCAL session_replication_role = replica; INSERT INTO src VALUES (1, 7, 7), (21, 7, 7) ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v; SET LOCAL session_replication_role = origin
SET LOCAL session_replication_role = replica; COPY src FROM PROGRAM 'printf "31\t1\t31\n32\t9\t32\n"'; UPDATE dim SET name = 'other' WHERE k = 9; SET LOCAL session_replication_role = origin
-- both ways in one transaction, never double
INSERT INTO src VALUES (33, 1, 1); SET LOCAL session_replication_role = replica; INSERT INTO src VALUES (34, 1, 10); DELETE FROM src WHERE id = 33; SET LOCAL session_replication_role = origin; UPDATE src SET v = v + 1; SET LOCAL session_replication_role = local; INSERT INTO src VALUES (35, 2, 2)
SET LOCAL session_replication_role = origin; UPDATE src SET k = 3 WHERE id = 35
!SET LOCAL session_replication_role = replica; INSERT INTO src VALUES (36, 1, 10); INSERT INTO src VALUES (36, 1, 10)
!SET LOCAL session_replication_role = replica; DELETE FROM sums
SET LOCAL session_replication_role = replica; TRUNCATE src; INSERT INTO src SELECT i, i % 4, i FROM generate_series(1, 10) i; SET LOCAL session_replication_role = origin
-- triggers that are disabled for a bulk load: repaired when they are enabled
ALTER TABLE src DISABLE TRIGGER ALL; INSERT INTO src SELECT i, i % 4, i FROM generate_series(101, 120) i; ALTER TABLE src ENABLE TRIGGER ALL
INSERT INTO src VALUES (121, 1, 1); ALTER TABLE src DISABLE TRIGGER USER; UPDATE src SET v = v + 1; ALTER TABLE src ENABLE TRIGGER USER; DELETE FROM src WHERE id = 1
ALTER TABLE dim DISABLE TRIGGER imat_capture_update; UPDATE dim SET name = 'x' WHERE k = 2; ALTER TABLE dim ENABLE ALWAYS TRIGGER imat_capture_update
INSERT INTO src VALUES (122, 2, 2); UPDATE dim SET name = 'y' WHERE k = 2
ALTER TABLE sums DISABLE TRIGGER USER; DELETE FROM sums WHERE k = 1; ALTER TABLE sums ENABLE TRIGGER USER
UPDATE src SET v = v + 1 WHERE k = 1
!DROP TRIGGER imat_capture_update ON src
!INSERT INTO src VALUES (123, 2, 2); ALTER TRIGGER imat_capture_update ON src RENAME TO mine
-- an IMAT that becomes a table goes on being a source
SELECT imat.drop('sums', keep => 'table'); INSERT INTO sums VALUES (1001, 1, 1001)
SET LOCAL session_replication_role = replica; INSERT INTO sums VALUES (1002, 1, 1001); SET LOCAL session_replication_role = origin
$script$);
SELECT oracle.write('end', $script$
DROP SCHEMA ways CASCADE
$script$);
\i test/regress/both_ways.psql
