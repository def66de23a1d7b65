--
-- The triggers by which changes are noticed.  Where they don't fire, nobody misses it: replicas have triggers of their
-- own, disabled triggers are noticed and what was missed is repaired, dropping them is refused.
--
CREATE SCHEMA trig; SET search_path = trig, public;
CREATE TABLE src (id int PRIMARY KEY, k int, v int);
CREATE TABLE dim (k int PRIMARY KEY, name text);
INSERT INTO dim SELECT i, 'name ' || i % 3 FROM generate_series(0, 20) i;
SELECT imat.create('d', 'SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k');
SELECT imat.create('keyed', 'SELECT k, max(v) AS m FROM src GROUP BY k', strategy => 'keyed');
SELECT imat.create('w', 'SELECT id, rank() OVER (ORDER BY v, id) AS r FROM src');
SELECT imat.create('joined', 'SELECT name, sum(v) AS s, count(*) AS n FROM src JOIN dim USING (k) GROUP BY name');
SELECT imat.create('above', 'SELECT n, count(*) AS groups FROM d GROUP BY n');
CREATE VIEW trusted AS SELECT string_agg(imat::text, ', ' ORDER BY imat::text COLLATE "C") AS untrusted FROM imat.status WHERE NOT trusted;
SELECT tgname, tgenabled, tgtype & 1 AS by_row FROM pg_trigger WHERE tgrelid = 'src'::regclass ORDER BY tgname COLLATE "C";
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'd'::regclass AND tgname LIKE 'imat_capture%' ORDER BY tgname COLLATE "C";

-- Replicas: each kind of statement, alone and in one transaction with the other way, and never twice
SET session_replication_role = replica;
INSERT INTO src SELECT i, i % 4, i FROM generate_series(1, 20) i;
SELECT * FROM oracle.all_same('trig');
UPDATE src SET v = v + 1, k = k + 1 WHERE k = 1;
SELECT * FROM oracle.all_same('trig');
DELETE FROM src WHERE id > 15;
SELECT * FROM oracle.all_same('trig');
INSERT INTO src VALUES (1, 7, 7), (21, 7, 7) ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v;
SELECT * FROM oracle.all_same('trig');
COPY src FROM stdin;
31	1	31
32	9	32
\.
UPDATE dim SET name = 'other' WHERE k = 9;
SELECT * FROM oracle.all_same('trig');
SELECT * FROM d ORDER BY k;
TRUNCATE src;
SELECT * FROM oracle.all_same('trig');
RESET session_replication_role;
BEGIN;
INSERT INTO src VALUES (1, 1, 1);
SET LOCAL session_replication_role = replica;
INSERT INTO src VALUES (2, 1, 10);
SAVEPOINT a;
INSERT INTO src VALUES (3, 1, 100);
ROLLBACK TO a;
SELECT s, n FROM d WHERE k = 1;
SET LOCAL session_replication_role = origin;
UPDATE src SET v = v + 1;
SET LOCAL session_replication_role = local;
INSERT INTO src VALUES (4, 2, 2);
COMMIT;
SELECT * FROM oracle.all_same('trig');
SELECT * FROM trusted;

-- Disabled: said, and by how much; a refresh repairs it for the moment; enabling repairs it for good
ALTER TABLE src DISABLE TRIGGER imat_capture_insert;
SELECT * FROM trusted;
INSERT INTO src VALUES (5, 5, 5), (6, 1, 6);
SELECT imat.verify('d'), imat.verify('keyed'), imat.verify('w'), imat.verify('joined'), imat.verify('above');
SELECT imat.refresh('d');
SELECT imat.verify('d'), imat.verify('keyed'), imat.verify('w');
SELECT * FROM trusted;
-- what is noticed is not added to what is wrong
DELETE FROM src WHERE id = 5;
SELECT * FROM oracle.all_same('trig');
INSERT INTO src VALUES (7, 5, 5);
ALTER TABLE src ENABLE TRIGGER imat_capture_insert;
SELECT * FROM oracle.all_same('trig');
SELECT * FROM trusted;
INSERT INTO src VALUES (8, 5, 5);
SELECT * FROM oracle.all_same('trig');
-- all at once, in one transaction with the change, as bulk loads do
BEGIN;
ALTER TABLE src DISABLE TRIGGER ALL;
INSERT INTO src SELECT i, i % 4, i FROM generate_series(101, 120) i;
ALTER TABLE src ENABLE TRIGGER ALL;
COMMIT;
SELECT * FROM oracle.all_same('trig');
SELECT * FROM trusted;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'src'::regclass ORDER BY tgname COLLATE "C";
INSERT INTO src VALUES (121, 5, 5); SET session_replication_role = replica; INSERT INTO src VALUES (122, 5, 5); RESET session_replication_role;
SELECT * FROM oracle.all_same('trig');
BEGIN; ALTER TABLE src DISABLE TRIGGER USER; ROLLBACK;
SELECT * FROM trusted;
-- for replicas only, or always: put back as it was
ALTER TABLE src ENABLE ALWAYS TRIGGER imat_capture_row;
ALTER TABLE src ENABLE REPLICA TRIGGER imat_capture_delete;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'src'::regclass ORDER BY tgname COLLATE "C";
DELETE FROM src WHERE id = 121;
SELECT * FROM oracle.all_same('trig');
-- the one that counts for replicas, as a replica
SET session_replication_role = replica;
ALTER TABLE src DISABLE TRIGGER imat_capture_row;
INSERT INTO src VALUES (123, 5, 5);
SELECT * FROM trusted;
ALTER TABLE src ENABLE REPLICA TRIGGER imat_capture_row;
RESET session_replication_role;
SELECT * FROM oracle.all_same('trig');
-- the protection of the IMAT itself
ALTER TABLE d DISABLE TRIGGER imat_protect, DISABLE TRIGGER imat_protect_row;
DELETE FROM d WHERE k = 1;
SELECT * FROM trusted;
ALTER TABLE d ENABLE TRIGGER imat_protect;
SELECT * FROM trusted;
ALTER TABLE d ENABLE TRIGGER imat_protect_row;
SELECT * FROM oracle.all_same('trig');
SELECT * FROM trusted;

-- and of the tables that its groups are kept in
SELECT imat.create('st', 'SELECT k, avg(v) AS a, count(DISTINCT v) AS n FROM src GROUP BY k');
SELECT state, multiplicities[1] AS multiplicities FROM imat.imat_config WHERE mv_name = 'st' \gset
ALTER TABLE :state DISABLE TRIGGER USER;
SELECT * FROM trusted;
DELETE FROM :state WHERE key_1 = 5;
ALTER TABLE :state ENABLE TRIGGER USER;
SELECT * FROM trusted;
INSERT INTO src VALUES (131, 5, 6);
SELECT oracle.same('st');
ALTER TABLE :multiplicities DISABLE TRIGGER ALL;
SELECT * FROM trusted;
TRUNCATE :multiplicities;
SELECT imat.refresh('st');
SELECT * FROM trusted;
ALTER TABLE :multiplicities ENABLE TRIGGER ALL;
SELECT * FROM trusted;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = :'multiplicities'::regclass ORDER BY tgname COLLATE "C";
DELETE FROM src WHERE id = 131;
SELECT oracle.same('st');
SELECT oracle.error(format('DROP TRIGGER imat_protect ON %s', :'state'));
-- which holds for replicas, too, and by whatever statement
SET session_replication_role = replica;
SELECT oracle.error('DELETE FROM d WHERE k = 1');
SELECT oracle.sqlstate('INSERT INTO d VALUES (1, 1, 1)'), oracle.sqlstate('UPDATE d SET s = 0'), oracle.sqlstate('TRUNCATE d');
SELECT oracle.error(format('DELETE FROM %s', :'state'));
SELECT oracle.sqlstate(format('TRUNCATE %s', :'multiplicities'));
SELECT oracle.same('st'), oracle.same('d');
RESET session_replication_role;
SELECT imat.drop('st');

-- Dropped, renamed, replaced, copied: refused
SELECT oracle.error('DROP TRIGGER imat_capture_update ON src');
SELECT oracle.error('DROP TRIGGER imat_capture_row ON src');
SELECT oracle.error('DROP TRIGGER imat_protect ON d');
SELECT oracle.error('ALTER TRIGGER imat_capture_update ON src RENAME TO mine');
SELECT oracle.error('CREATE TRIGGER mine AFTER DELETE ON src REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION imat.capture()');
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
SELECT oracle.error('CREATE TRIGGER imat_protect BEFORE DELETE ON src EXECUTE FUNCTION nothing()');
SELECT oracle.sqlstate('DROP FUNCTION imat.capture() CASCADE');
CREATE TRIGGER mine AFTER DELETE ON src EXECUTE FUNCTION nothing();
DROP TRIGGER mine ON src;
UPDATE src SET v = v + 1;
SELECT * FROM oracle.all_same('trig');
-- an IMAT that becomes a table goes on being a source, of replicas, too
SELECT imat.drop('d', keep => 'table');
INSERT INTO d VALUES (1001, 1, 1001);
SET session_replication_role = replica;
INSERT INTO d VALUES (1002, 1, 1001);
RESET session_replication_role;
SELECT oracle.same('above');
SET client_min_messages = warning;
DROP SCHEMA trig CASCADE;
SELECT count(*) FROM imat.registered;
