--
-- Where and how sources and IMATs are stored: tablespaces, rewritten tables, indexes, TOAST, access methods.  Each step in a transaction of
-- its own, and all in one
--
SELECT oracle.write('setup', $script$
SET allow_in_place_tablespaces = on
CREATE TABLESPACE imat_ways LOCATION ''
CREATE SCHEMA ways
SET search_path = ways, public
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, v int, t text)
CREATE TABLE dim (k int PRIMARY KEY, name text) TABLESPACE imat_ways
CREATE TABLE root (id int, k int) PARTITION BY RANGE (id) TABLESPACE imat_ways
CREATE TABLE root_1 PARTITION OF root FOR VALUES FROM (0) TO (100)
INSERT INTO src SELECT i, i % 4, i, repeat(md5(i::text), 200) FROM generate_series(1, 12) i
INSERT INTO dim SELECT i, 'name ' || i % 3 FROM generate_series(0, 20) i
INSERT INTO root SELECT i, i % 3 FROM generate_series(1, 20) i
SELECT imat.create('sums', 'SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k')
SELECT imat.create('means', 'SELECT k, avg(v) AS a, count(DISTINCT v) AS d, max(t) AS t FROM src GROUP BY k')
SELECT imat.create('lists', 'SELECT k, string_agg(t, '','' ORDER BY id) AS l FROM src GROUP BY k')
SELECT imat.create('rows_', 'SELECT id, k, t FROM src WHERE v > 2')
SELECT imat.create('ranks', 'SELECT id, rank() OVER (ORDER BY v, id) AS r FROM src')
SELECT imat.create('joined', 'SELECT name, sum(v) AS s, count(*) AS n FROM src JOIN dim USING (k) GROUP BY name')
SELECT imat.create('kept_joined', 'SELECT name, q.n FROM dim JOIN (SELECT k, count(*) AS n, sum(v) AS s FROM src GROUP BY k) q USING (k) WHERE q.s > 2')
SELECT imat.create('over', 'SELECT n, count(*) AS groups FROM sums GROUP BY n')
SELECT imat.create('of_root', 'SELECT k, count(*) AS n FROM root GROUP BY k')
$script$);
SELECT oracle.write('steps', $script$
-- (Where a table is moved by itself, what is written to its indexes then outlives a rollback, and is wrong: PostgreSQL's own way.  So they are
-- moved with it.)
-- tablespaces: of a source, of IMATs and their indexes, of all that is there, of partitions that come, of what is made from now on
INSERT INTO src VALUES (13, 1, 13, 't'); ALTER TABLE src SET TABLESPACE imat_ways; ALTER INDEX src_pkey SET TABLESPACE imat_ways; UPDATE src SET v = v + 1 WHERE k = 1
INSERT INTO src VALUES (14, 1, 13, 't'); ALTER TABLE sums SET TABLESPACE imat_ways; ALTER TABLE ranks SET TABLESPACE imat_ways; ALTER INDEX sums_pkey SET TABLESPACE imat_ways; ALTER TABLE imat.means_state SET TABLESPACE imat_ways; ALTER INDEX imat.means_state_key SET TABLESPACE imat_ways; DELETE FROM src WHERE k = 2
SELECT imat.refresh('sums'), imat.refresh('ranks'), imat.refresh('means'); INSERT INTO src SELECT i, i % 7, i, 't' FROM generate_series(20, 60) i
CREATE TABLE root_2 PARTITION OF root FOR VALUES FROM (100) TO (200); INSERT INTO root VALUES (100, 7); ALTER TABLE root_2 SET TABLESPACE pg_default; UPDATE root SET id = id + 100 WHERE id < 5
SET LOCAL default_tablespace = imat_ways; INSERT INTO src VALUES (15, 1, 13, 't'); SELECT imat.create('made_there', 'SELECT k, avg(v) AS a, array_agg(v ORDER BY v) AS l FROM src GROUP BY k'); INSERT INTO src VALUES (16, 1, 13, 't'); SET LOCAL default_tablespace = ''
ALTER TABLE ALL IN TABLESPACE imat_ways SET TABLESPACE pg_default; ALTER INDEX ALL IN TABLESPACE imat_ways SET TABLESPACE pg_default; DELETE FROM src WHERE id = 16
-- stored anew, with other rows before and after
INSERT INTO src VALUES (70, 5, 5, 'u'); CLUSTER src USING src_pkey; DELETE FROM src WHERE id = 70
CLUSTER rows_ USING rows__pkey; CLUSTER imat.means_state USING means_state_key; UPDATE src SET k = k + 1 WHERE id < 10
INSERT INTO src VALUES (73, 5, 5, 'u'); ALTER TABLE src ADD COLUMN stamp timestamptz DEFAULT clock_timestamp(); UPDATE src SET v = v + 1 WHERE id = 73
@VACUUM FULL src
@VACUUM (FULL, ANALYZE) sums
@VACUUM FULL imat.means_state
@VACUUM FREEZE src
UPDATE src SET v = v + 1 WHERE k = 5
-- indexes
INSERT INTO src VALUES (74, 5, 5, 'u'); REINDEX TABLE src; REINDEX TABLE sums; REINDEX TABLE imat.means_state; DELETE FROM src WHERE id = 74
@REINDEX TABLE CONCURRENTLY src
@REINDEX TABLE CONCURRENTLY means
@REINDEX INDEX CONCURRENTLY sums_pkey
@REINDEX TABLE CONCURRENTLY imat.means_state
@CREATE INDEX CONCURRENTLY sums_s ON sums (s)
@DROP INDEX CONCURRENTLY sums_s
@CREATE UNIQUE INDEX CONCURRENTLY src_again ON src (id)
UPDATE src SET v = v + 1, k = k + 1 WHERE k = 6; ALTER TABLE src DROP CONSTRAINT src_pkey; INSERT INTO src VALUES (75, 5, 5, 'u')
-- values that are stored out of line: kept by updates of other columns, as triggers and as replicas see them
UPDATE src SET v = v + 1 WHERE length(t) > 1000
SET LOCAL session_replication_role = replica; UPDATE src SET v = v + 1 WHERE length(t) > 1000; UPDATE src SET k = k + 1 WHERE id = 1; SET LOCAL session_replication_role = origin
ALTER TABLE src ALTER t SET STORAGE EXTERNAL; UPDATE src SET t = t || 'x' WHERE k > 2; INSERT INTO src SELECT id + 500, k, v, t FROM src WHERE id < 7
ALTER TABLE rows_ ALTER t SET STORAGE EXTERNAL; ALTER TABLE lists ALTER l SET STORAGE MAIN; UPDATE src SET k = 9 WHERE id = 501
UPDATE src SET t = left(t, 10) WHERE k < 3; DELETE FROM src WHERE id > 502
-- unlogged and logged again; another fillfactor
ALTER TABLE dim SET UNLOGGED; UPDATE dim SET name = 'x' WHERE k = 1
ALTER TABLE dim SET (fillfactor = 20, autovacuum_enabled = off); ALTER TABLE joined SET (fillfactor = 20); ALTER TABLE dim SET LOGGED; UPDATE dim SET name = 'y' WHERE k = 2
$script$);
SELECT oracle.write('end', $script$
DROP SCHEMA ways CASCADE
DROP TABLESPACE imat_ways
RESET allow_in_place_tablespaces
$script$);
\i test/regress/both_ways.psql
