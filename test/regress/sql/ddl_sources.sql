--
-- DDL on what an IMAT reads: it goes on, and the definition follows; or it is refused, with the name of the IMAT.
--
CREATE SCHEMA ddls; SET search_path = ddls, public;
CREATE SCHEMA ddls_other;
CREATE ROLE imat_ddls_owner;
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, v int NOT NULL, w float8 NOT NULL, t text, junk int);
INSERT INTO src SELECT i, i % 3, i, i, 't' || i % 2, 1 FROM generate_series(1, 9) i;
SELECT imat.create('d', 'SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k');
SELECT imat.create('st', 'SELECT k, sum(v) AS s, avg(w) AS a FROM src GROUP BY k');
SELECT imat.create('keyed', 'SELECT k, max(t) AS m FROM src GROUP BY k', strategy => 'keyed');
SELECT imat.create('w', 'SELECT id, t, rank() OVER (ORDER BY t, id) AS r FROM src');
SELECT imat, verdict FROM oracle.all_same('ddls');
CREATE FUNCTION step(what text) RETURNS TABLE (imat text, verdict text) LANGUAGE plpgsql AS $$
DECLARE source text := (SELECT format('%I.%I', relnamespace::regnamespace, relname) FROM pg_class WHERE relname LIKE 'src%' AND relkind = 'r');
BEGIN
    RAISE NOTICE '%', what;
    EXECUTE format('INSERT INTO %s (id, k, v, w) SELECT max(id) + 1, 2, 1, 0.5 FROM %1$s', source);
    RETURN QUERY SELECT * FROM oracle.all_same('ddls');
END $$;

-- columns that don't matter
ALTER TABLE src ADD COLUMN extra text DEFAULT 'x', ADD COLUMN volatile_one float8 DEFAULT random();
SELECT * FROM step('columns added, one by rewriting');
ALTER TABLE src ALTER COLUMN junk TYPE bigint;
SELECT * FROM step('type of an unused column');
ALTER TABLE src DROP COLUMN junk, DROP COLUMN extra;
SELECT * FROM step('unused columns dropped');
BEGIN; INSERT INTO src (id, k, v, w) VALUES (100, 7, 7, 7); ALTER TABLE src ADD COLUMN volatile_two float8 DEFAULT random();
INSERT INTO src (id, k, v, w) VALUES (101, 7, 7, 7); COMMIT;
SELECT * FROM step('rewritten within a transaction');
-- names and owners
ALTER TABLE src RENAME COLUMN k TO "key column"; ALTER TABLE src RENAME COLUMN "key column" TO k;
ALTER TABLE src RENAME COLUMN t TO txt; ALTER TABLE src RENAME TO src2; ALTER TABLE src2 SET SCHEMA ddls_other; ALTER SCHEMA ddls_other RENAME TO ddls_third;
SELECT * FROM step('renamed and moved');
SELECT pg_get_viewdef('imat.w_definition'::regclass) ~ 'ddls_third.src2' AS follows;
ALTER SCHEMA ddls_third RENAME TO ddls_other; ALTER TABLE ddls_other.src2 SET SCHEMA ddls; ALTER TABLE src2 RENAME TO src; ALTER TABLE src RENAME COLUMN txt TO t;
ALTER TABLE src OWNER TO imat_ddls_owner;
SELECT * FROM step('owner of the source');
GRANT USAGE ON SCHEMA ddls TO imat_ddls_owner; GRANT CREATE ON SCHEMA ddls TO imat_ddls_owner;
ALTER TABLE st OWNER TO imat_ddls_owner;
SELECT * FROM step('owner of the IMAT');
SELECT relname, relowner::regrole FROM pg_class WHERE relname IN ('st', 'st_state', 'st_definition') ORDER BY relname COLLATE "C";
ALTER TABLE st OWNER TO CURRENT_USER; ALTER TABLE src OWNER TO CURRENT_USER;
-- storage
CLUSTER src USING src_pkey;
VACUUM FULL src;
ALTER TABLE src SET (fillfactor = 50);
SELECT * FROM step('stored anew');
ALTER TABLE src SET UNLOGGED;
SELECT * FROM step('unlogged');
SELECT relname, relpersistence FROM pg_class WHERE relname IN ('src', 'd', 'st', 'st_state', 'keyed', 'w') ORDER BY relname COLLATE "C";
SELECT oracle.error('ALTER TABLE d SET LOGGED');
ALTER TABLE src SET LOGGED;
SELECT * FROM step('logged');
SELECT relname, relpersistence FROM pg_class WHERE relname IN ('src', 'd', 'st', 'st_state', 'keyed', 'w') ORDER BY relname COLLATE "C";
SELECT oracle.error('ALTER TABLE d SET UNLOGGED');
-- constraints that proofs rest on: of a value, of a key
ALTER TABLE src ALTER COLUMN v DROP NOT NULL, ALTER COLUMN w DROP NOT NULL;
INSERT INTO src (id, k, v, w) VALUES (201, 1, NULL, NULL), (202, 5, NULL, NULL), (203, 6, NULL, 1);
SELECT * FROM step('values may be NULL');
SELECT * FROM d WHERE k >= 5 ORDER BY k;
DELETE FROM src WHERE id = 202; UPDATE src SET v = 1 WHERE id = 203;
SELECT * FROM step('values may be NULL');
ALTER TABLE src ALTER COLUMN k DROP NOT NULL;
INSERT INTO src (id, k, v, w) VALUES (214, NULL, 1, 1), (215, NULL, 2, 2);
SELECT * FROM step('keys may be NULL');
UPDATE src SET v = 7 WHERE k IS NULL; DELETE FROM src WHERE id = 214;
SELECT * FROM step('keys may be NULL');
DELETE FROM src WHERE k IS NULL; UPDATE src SET v = 0, w = 0 WHERE v IS NULL OR w IS NULL;
ALTER TABLE src ALTER COLUMN k SET NOT NULL, ALTER COLUMN v SET NOT NULL, ALTER COLUMN w SET NOT NULL;
SELECT * FROM step('nothing may be NULL');
-- not where somebody else relies on it
CREATE TABLE strict (k int NOT NULL);
SELECT imat.create('referenced', 'SELECT k, count(*) AS n FROM strict GROUP BY k');
CREATE TABLE referring (k int REFERENCES referenced);
SELECT oracle.sqlstate('ALTER TABLE strict ALTER COLUMN k DROP NOT NULL');
INSERT INTO strict VALUES (1);
SELECT oracle.same('referenced');
DROP TABLE referring;
SELECT imat.drop('referenced');
DROP TABLE strict;

-- a key by which the rows of a view without groups were known
CREATE TABLE keyed_src (id int PRIMARY KEY, code int NOT NULL, v int);
CREATE UNIQUE INDEX keyed_src_code ON keyed_src (code);
INSERT INTO keyed_src SELECT i, i, i FROM generate_series(1, 5) i;
SELECT imat.create('by_key', 'SELECT id, v FROM keyed_src');
SELECT imat.create('by_index', 'SELECT code, v FROM keyed_src');
ALTER TABLE keyed_src DROP CONSTRAINT keyed_src_pkey;
INSERT INTO keyed_src VALUES (1, 11, 1), (1, 12, NULL), (8, 13, 3);
SELECT oracle.same('by_key'), oracle.same('by_index');
DROP INDEX keyed_src_code;
INSERT INTO keyed_src VALUES (1, 11, 1), (1, 1, 1), (7, 7, 7);
SELECT oracle.same('by_key'), oracle.same('by_index');
UPDATE keyed_src SET v = v + 1 WHERE id = 1; DELETE FROM keyed_src WHERE code = 11;
SELECT oracle.same('by_key'), oracle.same('by_index');
SELECT imat.drop('by_key'), imat.drop('by_index');
-- keys of ours go with what they rest on, also where another strategy was asked for, or is all that is left; those of the owner's stay
CREATE FUNCTION keys() RETURNS TABLE (imat text, key text, verdict text) LANGUAGE sql AS $$
    SELECT c.mv_name, (SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = c.imat AND contype = 'p'), oracle.same(c.imat)
      FROM imat.imat_config c WHERE c.mv_name LIKE 'key\_%' ORDER BY 1 $$;
CREATE TABLE key_src (id int PRIMARY KEY, k int NOT NULL, v int);
INSERT INTO key_src SELECT i, i, i FROM generate_series(1, 5) i;
SELECT imat.create('key_outer', 'SELECT a.id, b.t FROM key_src a LEFT JOIN src b ON b.id = a.v');
SELECT imat.create('key_rows', 'SELECT id, v FROM key_src'), imat.create('key_swap', 'SELECT id, v FROM key_src'), imat.create('key_group_swap', 'SELECT k, sum(v) AS s FROM key_src GROUP BY k');
SELECT imat.alter('key_swap', strategy => 'swap'), imat.alter('key_group_swap', strategy => 'swap');
SELECT imat.create('key_owner', 'SELECT id, rank() OVER (ORDER BY v, id) AS r FROM key_src'), imat.create('key_owner_bag', 'SELECT v, k FROM key_src');
ALTER TABLE key_owner ADD PRIMARY KEY (r); ALTER TABLE key_owner_bag ADD PRIMARY KEY (v);
SELECT imat.create('key_owner_null', 'SELECT v, count(*) AS n FROM key_src GROUP BY v');
ALTER TABLE key_owner_null ALTER v SET NOT NULL; ALTER TABLE key_rows ADD COLUMN must int NOT NULL DEFAULT 7;
SELECT * FROM keys();
ALTER TABLE key_src DROP CONSTRAINT key_src_pkey, ALTER k DROP NOT NULL;
INSERT INTO key_src VALUES (1, NULL, 10), (1, 6, 11);
SELECT * FROM keys();
SELECT oracle.sqlstate('INSERT INTO key_src VALUES (1, NULL, 10); SELECT * FROM key_owner_bag');
SELECT oracle.sqlstate('INSERT INTO key_src VALUES (1, 7, NULL); SELECT * FROM key_owner_null');
SELECT attrelid::regclass AS imat, attname FROM pg_attribute WHERE attnotnull AND attnum > 0 AND attrelid IN (SELECT c.imat FROM imat.imat_config c WHERE mv_name LIKE 'key\_%') ORDER BY attrelid::regclass::text, 2;
DELETE FROM key_src WHERE id = 1; ALTER TABLE key_src ADD PRIMARY KEY (id), ALTER k SET NOT NULL;
SELECT imat.alter('key_swap', strategy => 'auto'), imat.alter('key_rows', strategy => 'swap'), imat.alter('key_rows', strategy => 'auto'), imat.alter('key_outer', strategy => 'swap'), imat.alter('key_outer', strategy => 'auto');
SELECT * FROM keys();
ALTER TABLE key_src DROP CONSTRAINT key_src_pkey;
INSERT INTO key_src VALUES (2, 6, 12);
SELECT * FROM keys();
SET client_min_messages = warning; DROP TABLE key_src CASCADE; RESET client_min_messages;

-- what matters: refused, with a name and a way out
SELECT oracle.error('ALTER TABLE src ALTER COLUMN w TYPE numeric');
SELECT oracle.sqlstate('ALTER TABLE src DROP COLUMN v'), oracle.sqlstate('DROP TABLE src');
SELECT * FROM step('nothing happened');

-- views, functions, types in between
CREATE TABLE apart (k int, v int);
INSERT INTO apart VALUES (1, 1), (2, 2);
CREATE VIEW v AS SELECT k, v FROM src WHERE v > 3;
CREATE VIEW vv AS SELECT k, v FROM v;
CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1';
SELECT imat.create('of_view', 'SELECT k, sum(v) AS s FROM vv GROUP BY k');
SELECT imat.create('of_function', 'SELECT f(k) AS k, sum(v) AS s FROM src GROUP BY f(k)');
CREATE OR REPLACE VIEW v AS SELECT k, v FROM src WHERE v > 5;
SELECT oracle.same('of_view');
CREATE OR REPLACE VIEW v AS SELECT k, v, 1 AS one FROM apart;
SELECT oracle.same('of_view');
INSERT INTO apart VALUES (3, 3); INSERT INTO src (id, k, v, w) VALUES (300, 1, 10, 1);
SELECT oracle.same('of_view');
SELECT source FROM imat.source WHERE imat = 'of_view'::regclass;
SELECT oracle.error('CREATE OR REPLACE VIEW v AS SELECT k, v, (random() * 10)::int AS one FROM apart WHERE random() < 2');
CREATE OR REPLACE VIEW v AS SELECT a.k, sum(b.v)::int AS v, count(*)::int AS one FROM apart a LEFT JOIN apart b USING (k) GROUP BY a.k;
SELECT oracle.same('of_view'), oracle.strategy('of_view');
INSERT INTO apart VALUES (3, 30);
SELECT oracle.same('of_view');
CREATE OR REPLACE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 2';
SELECT oracle.same('of_function');
INSERT INTO src (id, k, v, w) VALUES (301, 1, 10, 1);
SELECT oracle.same('of_function');
SELECT oracle.error('ALTER FUNCTION f(int) VOLATILE');
ALTER FUNCTION f(int) RENAME TO g;
INSERT INTO src (id, k, v, w) VALUES (302, 1, 10, 1);
SELECT oracle.same('of_function');
CREATE TYPE mood AS ENUM ('calm', 'glad');
CREATE DOMAIN small AS int CHECK (VALUE < 100);
CREATE TABLE moods (id int, m mood, d small);
INSERT INTO moods VALUES (1, 'calm', 1), (2, 'glad', 2);
SELECT imat.create('as_text', 'SELECT m::text AS m, count(*) AS n, sum(d) AS d FROM moods GROUP BY m::text');
SELECT imat.create('as_enum', 'SELECT m, count(*) AS n, max(d) AS d FROM moods GROUP BY m');
ALTER TYPE mood ADD VALUE 'angry' BEFORE 'calm';
INSERT INTO moods VALUES (3, 'angry', 3);
SELECT oracle.same('as_text'), oracle.same('as_enum');
ALTER TYPE mood RENAME VALUE 'calm' TO 'quiet';
SELECT oracle.same('as_text'), oracle.same('as_enum');
INSERT INTO moods VALUES (4, 'quiet', 3);
SELECT oracle.same('as_text'), oracle.same('as_enum');
ALTER DOMAIN small DROP CONSTRAINT small_check;
INSERT INTO moods VALUES (5, 'quiet', 300);
SELECT oracle.same('as_text'), oracle.same('as_enum');
ALTER DOMAIN small ADD CHECK (VALUE < 1000);
SELECT oracle.same('as_text'), oracle.same('as_enum');

-- row-level security: the owner's view of the rows, and changes of it
CREATE TABLE secret (id int, k int);
INSERT INTO secret SELECT i, i % 3 FROM generate_series(1, 30) i;
ALTER TABLE secret OWNER TO imat_ddls_owner;
SET ROLE imat_ddls_owner;
SELECT imat.create('seen', 'SELECT k, count(*) AS n FROM secret GROUP BY k');
RESET ROLE;
ALTER TABLE secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT oracle.same('seen');
CREATE POLICY few ON secret USING (id < 10);
SELECT oracle.same('seen');
INSERT INTO secret VALUES (5, 7), (50, 8);
SELECT oracle.same('seen');
ALTER POLICY few ON secret USING (id < 20);
SELECT oracle.same('seen');
DROP POLICY few ON secret;
SELECT oracle.same('seen');
ALTER TABLE secret NO FORCE ROW LEVEL SECURITY;
SELECT oracle.same('seen');
INSERT INTO secret VALUES (60, 9);
SELECT oracle.same('seen');

-- with CASCADE all of it goes, and nothing dangles
SET client_min_messages = warning;
ALTER TABLE src DROP COLUMN w CASCADE;
SELECT to_regclass('st'), to_regclass('imat.st_state'), to_regclass('imat.st_definition');
SELECT imat, split_part(verdict, ',', 1) FROM oracle.all_same('ddls');
DROP TYPE mood CASCADE;
DROP TABLE src CASCADE;
DROP VIEW v CASCADE;
DROP TABLE secret CASCADE;
SELECT count(*) AS imats, (SELECT count(*) FROM imat.source) AS sources FROM imat.registered;
SELECT relname FROM pg_class WHERE relnamespace = 'imat'::regnamespace AND relname ~ 'definition|state' ORDER BY 1;
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname LIKE 'imat\_%' ORDER BY 1, 2;
DROP SCHEMA ddls, ddls_other CASCADE;
DROP ROLE imat_ddls_owner;
