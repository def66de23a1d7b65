--
-- What can't be done is said clearly, with the way out, and leaves everything as it was.
--
CREATE SCHEMA erro; SET search_path = erro, public;
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, v int);
INSERT INTO src SELECT i, i % 3, i FROM generate_series(1, 9) i;
CREATE MATERIALIZED VIEW mv AS SELECT k, sum(v) AS s FROM src GROUP BY k;
SELECT create_imat('mv');
SELECT imat.create('w', 'SELECT k, min(v) AS m FROM src GROUP BY k', strategy => 'swap');

-- An IMAT is not written directly
SELECT oracle.error('INSERT INTO mv VALUES (9, 9)');
SELECT oracle.error('UPDATE mv SET s = 0');
SELECT oracle.error('DELETE FROM mv');
SELECT oracle.error('TRUNCATE mv');
SELECT oracle.error('INSERT INTO mv SELECT * FROM mv ON CONFLICT DO NOTHING');
SELECT oracle.error('UPDATE mv SET s = 0 WHERE false');
SELECT oracle.error('TRUNCATE w');
SELECT oracle.error('WITH x AS (DELETE FROM w RETURNING *) SELECT * FROM x');
-- nor is the state that is kept beside one
SELECT imat.create('st', 'SELECT k, avg(v) AS a FROM src GROUP BY k');
SELECT oracle.error('DELETE FROM imat.st_state');
SELECT oracle.error('TRUNCATE imat.st_state');
SELECT imat.drop('st');
CREATE VIEW writable AS SELECT * FROM mv;
SELECT oracle.error('INSERT INTO writable VALUES (9, 9)');
\set VERBOSITY terse
COPY mv FROM stdin;
7	7
\.
\set VERBOSITY default
CREATE TABLE ref (k int);
SELECT oracle.error('TRUNCATE src, mv');
SELECT * FROM oracle.all_same('erro');
INSERT INTO src VALUES (10, 4, 4);
SELECT * FROM oracle.all_same('erro');

-- Arguments
CREATE TABLE "Tab" (a int);
CREATE VIEW plain_view AS SELECT 1 AS a;
CREATE SEQUENCE seq;
CREATE TYPE comp AS (a int);
CREATE INDEX src_v ON src (v);
CREATE TABLE parted (a int, b int) PARTITION BY RANGE (a);
CREATE TEMP TABLE temporary (a int);
CREATE MATERIALIZED VIEW other AS SELECT k, count(*) AS n FROM src GROUP BY k;
CREATE SCHEMA taken; CREATE TABLE taken.other (x int);
SELECT oracle.fingerprint() AS before \gset
SELECT oracle.error('SELECT create_imat(NULL)');
SELECT oracle.error('SELECT create_imat('''')');
SELECT oracle.error('SELECT create_imat(''nosuch'')');
SELECT oracle.error('SELECT create_imat(''erro.nosuch'')');
SELECT oracle.error('SELECT create_imat(''nowhere.other'')');
SELECT oracle.error('SELECT create_imat(''other'', ''nowhere'')');
SELECT oracle.error('SELECT create_imat(''a.b.c.d'')');
SELECT oracle.error('SELECT create_imat(''tab'')');
SELECT oracle.error('SELECT create_imat(''"Tab"'')');
SELECT oracle.error('SELECT create_imat(''plain_view'')');
SELECT oracle.error('SELECT create_imat(''seq'')');
SELECT oracle.error('SELECT create_imat(''comp'')');
SELECT oracle.error('SELECT create_imat(''src_v'')');
SELECT oracle.error('SELECT create_imat(''parted'')');
SELECT oracle.error('SELECT create_imat(''temporary'')');
SELECT oracle.error('SELECT create_imat(''mv'')');
SELECT oracle.error('SELECT create_imat(''pg_catalog.pg_class'')');
SELECT oracle.error('SELECT create_imat(''other'', ''taken'')');
SELECT oracle.error('SELECT create_imat(''other'', ''pg_temp'')');
SELECT oracle.error('SELECT create_imat(''other; DROP TABLE src'')');
SELECT oracle.error('SELECT create_imat(''"other" WHERE false'')');
-- while it is in use
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM other;
SELECT oracle.error('SELECT create_imat(''other'')');
ROLLBACK;
SELECT oracle.fingerprint() = :'before' AS as_before;

-- Sources whose changes can't be noticed
CREATE MATERIALIZED VIEW m_catalog AS SELECT count(*) AS n FROM pg_class;
CREATE MATERIALIZED VIEW m_info AS SELECT count(*) AS n FROM information_schema.tables;
CREATE MATERIALIZED VIEW m_matview AS SELECT sum(n) AS n FROM other;
CREATE MATERIALIZED VIEW m_sequence AS SELECT last_value FROM seq;
SELECT oracle.fingerprint() AS before \gset
SELECT oracle.error('SELECT create_imat(''m_catalog'')');
SELECT (SELECT line FROM oracle.error('SELECT create_imat(''m_info'')') line LIMIT 1) ~ '^(0A000|42809): ' AS refused;
SELECT oracle.error('SELECT create_imat(''m_matview'')');
SELECT oracle.error('SELECT create_imat(''m_sequence'')');
SELECT oracle.error('SELECT imat.create(''m_temp'', ''SELECT * FROM temporary'')');
SELECT oracle.error('SELECT imat.create(''m_own'', ''SELECT * FROM imat.imat_config'')');
SELECT oracle.sqlstate('SELECT imat.create(''pg_temp.m_temp'', ''SELECT * FROM erro.src'')') <> '00000' AS no_temporary_one,
       oracle.sqlstate('SELECT imat.create(''pg_temp.m_temp'', ''SELECT k, count(*) AS n FROM erro.src GROUP BY k'')') <> '00000' AS nor_by_delta;
SELECT oracle.error('SELECT imat.create(''pg_catalog.m'', ''SELECT * FROM erro.src'')');
SELECT oracle.fingerprint() = :'before' AS as_before;
SELECT relkind, count(*) FROM pg_class WHERE relname LIKE 'm\_%' AND relnamespace = 'erro'::regnamespace GROUP BY 1;
-- what pg_imat keeps for itself, which it writes without telling anybody; a definition is a view like any other
SELECT imat.create('kept', 'SELECT k, avg(v) AS a, count(DISTINCT v) AS n FROM erro.src GROUP BY k');
SELECT oracle.error('SELECT imat.create(''m_own'', ''SELECT swaps FROM imat.registered'')');
SELECT oracle.error('SELECT imat.create(''m_own'', ''SELECT count(*) AS n FROM imat.source'')');
SELECT oracle.error('SELECT imat.create(''m_own'', ''SELECT imat FROM imat.status'')');
SELECT oracle.error('SELECT imat.create(''m_own'', ''SELECT count(*) AS n FROM imat.kept_state'')');
SELECT oracle.error('SELECT imat.create(''m_own'', ''SELECT s.k FROM erro.src s LEFT JOIN imat.kept_distinct d ON true'')');
SELECT imat.create('of_definition', 'SELECT sum(n) AS n FROM imat.kept_definition');
SELECT imat.create('of_kept', 'SELECT sum(n) AS n FROM kept');
INSERT INTO src VALUES (100, 7, 7);
SELECT oracle.same('of_definition'), oracle.same('of_kept');
DELETE FROM src WHERE id = 100;
DROP TABLE of_definition, of_kept;
DROP TABLE kept;
-- a foreign table, which needs nothing but a wrapper without a handler
CREATE FOREIGN DATA WRAPPER imat_dummy; CREATE SERVER imat_dummy FOREIGN DATA WRAPPER imat_dummy; CREATE FOREIGN TABLE far (a int) SERVER imat_dummy;
SELECT oracle.error('SELECT create_imat(''far'')');
SELECT oracle.error('SELECT imat.create(''of_far'', ''SELECT a FROM far'')');
CREATE FOREIGN TABLE parted_far PARTITION OF parted FOR VALUES FROM (0) TO (9) SERVER imat_dummy;
SELECT oracle.error('SELECT imat.create(''of_parted'', ''SELECT a FROM parted'')');
SET client_min_messages = warning; DROP FOREIGN DATA WRAPPER imat_dummy CASCADE; RESET client_min_messages;
-- in a transaction that only reads
SELECT oracle.fingerprint() AS before \gset
BEGIN READ ONLY;
SELECT oracle.error('SELECT create_imat(''other'')');
SELECT oracle.error('SELECT imat.create(''m_own'', ''SELECT k FROM erro.src'')');
SELECT oracle.error('SELECT imat.alter(''mv'', strategy => ''keyed'')');
SELECT oracle.error('SELECT imat.drop(''mv'')');
SELECT oracle.error('SELECT imat.refresh(''mv'')');
SELECT imat.verify('mv'), (SELECT count(*) > 0 FROM imat.explain('mv')) AS explained, (SELECT count(*) FROM imat.explain_query('SELECT k FROM src')) > 0 AS query_explained,
       (SELECT count(*) FROM imat.status) > 0 AS status, (SELECT count(*) FROM imat.advise()) > 0 AS advice;
COMMIT;
SELECT oracle.fingerprint() = :'before' AS as_before;
-- what isn't there; and the view that has the old name of what is
SELECT oracle.error('SELECT imat.refresh(12345)');
SELECT oracle.error('SELECT imat.alter(12345, strategy => ''swap'')');
SELECT oracle.error('SELECT imat.drop(12345)');
SELECT oracle.error('SELECT imat.refresh(''plain_view'')');
CREATE SCHEMA elsewhere;
CREATE MATERIALIZED VIEW moved AS SELECT k, count(*) AS n FROM src GROUP BY k;
SELECT create_imat('moved', 'elsewhere');
SELECT oracle.error('SELECT imat.refresh(''erro.moved'')');
SELECT oracle.error('SELECT imat.alter(''erro.moved'', strategy => ''swap'')');
SELECT oracle.error('SELECT imat.drop(''erro.moved'')');
DROP TABLE elsewhere.moved; DROP SCHEMA elsewhere;
-- functions that are for triggers and for maintenance only
SELECT oracle.error('SELECT imat.capture()');
SELECT oracle.error('SELECT imat.protect()');
CREATE TABLE innocent (a int);
SELECT oracle.error('CREATE TRIGGER wrong BEFORE INSERT ON innocent FOR EACH ROW EXECUTE FUNCTION imat.capture()');
INSERT INTO innocent VALUES (1);
SELECT oracle.error('SELECT imat.explain(''src'')');
SELECT oracle.error('SELECT * FROM imat.explain_query(''DELETE FROM erro.src'')');
SELECT oracle.error('SELECT * FROM imat.explain_query(''SELECT now()'')');

-- Privileges
CREATE ROLE imat_erro_owner; CREATE ROLE imat_erro_other;
GRANT USAGE, CREATE ON SCHEMA erro TO imat_erro_owner; GRANT USAGE ON SCHEMA erro TO imat_erro_other;
CREATE TABLE theirs (k int, v int); INSERT INTO theirs VALUES (1, 1); GRANT SELECT ON theirs TO imat_erro_owner, imat_erro_other;
SET ROLE imat_erro_owner;
CREATE MATERIALIZED VIEW of_theirs AS SELECT k, count(*) AS n FROM theirs GROUP BY k;
RESET ROLE;
SELECT oracle.fingerprint() AS before \gset
SET ROLE imat_erro_other;
SELECT oracle.error('SELECT create_imat(''of_theirs'')');
SELECT oracle.error('SELECT imat.create(''mine'', ''SELECT k FROM erro.theirs'')');
SELECT oracle.error('SELECT imat.drop(''mv'')');
SELECT oracle.error('SELECT imat.drop(''mv'', ''table'')');
SELECT oracle.error('SELECT imat.alter(''mv'', strategy => ''swap'')');
SELECT oracle.error('SELECT imat.refresh(''mv'')');
SELECT oracle.error('SELECT imat.verify(''mv'')');
SELECT oracle.error('SELECT * FROM imat.explain_query(''SELECT k FROM erro.src'')');
SET ROLE imat_erro_owner;
SELECT oracle.error('SELECT create_imat(''of_theirs'')');   -- no TRIGGER on the table
SELECT oracle.error('SELECT create_imat(''of_theirs'', ''taken'')');
SELECT oracle.error('SELECT imat.create(''mine'', ''SELECT v FROM erro.src'')');
RESET ROLE;
SELECT oracle.fingerprint() = :'before' AS as_before;
GRANT TRIGGER ON theirs TO imat_erro_owner;
SET ROLE imat_erro_owner;
SELECT create_imat('of_theirs');
SELECT imat.create('mine', 'SELECT v, count(*) AS n FROM theirs GROUP BY v');
SELECT oracle.same('of_theirs'), oracle.same('mine');
RESET ROLE;
SELECT relname, relowner::regrole FROM pg_class WHERE relname IN ('of_theirs', 'mine') AND relnamespace = 'erro'::regnamespace ORDER BY 1;
INSERT INTO theirs VALUES (1, 2), (2, 2);
SELECT oracle.same('of_theirs'), oracle.same('mine');
-- who lost the right to read the source can't have it read for him any more
REVOKE SELECT ON theirs FROM imat_erro_owner;
INSERT INTO src VALUES (11, 1, 1);
SET ROLE imat_erro_owner;
SELECT oracle.error('SELECT imat.refresh(''of_theirs'')');
RESET ROLE;
GRANT SELECT ON theirs TO imat_erro_owner;
INSERT INTO theirs VALUES (3, 3);
-- nor who has come to own the table and has no such right, or never had another than the one of the source's owner
CREATE MATERIALIZED VIEW of_src AS SELECT k, count(*) AS n FROM src GROUP BY k;
SELECT create_imat('of_src');
ALTER TABLE of_src OWNER TO imat_erro_owner;
SELECT oracle.error('INSERT INTO erro.src VALUES (12, 1, 1); SET CONSTRAINTS ALL IMMEDIATE; SELECT FROM erro.of_src');
GRANT SELECT ON src TO imat_erro_owner;
ALTER TABLE of_src OWNER TO CURRENT_USER; ALTER TABLE of_src OWNER TO imat_erro_owner;
REVOKE SELECT ON src FROM imat_erro_owner; DROP TABLE of_src;
SET ROLE imat_erro_owner;
CREATE TABLE own (k int); SELECT imat.create('of_own', 'SELECT k, count(*) AS n FROM own GROUP BY k');
RESET ROLE;
ALTER TABLE own OWNER TO imat_erro_other;
SELECT oracle.error('INSERT INTO erro.own VALUES (12); SET CONSTRAINTS ALL IMMEDIATE; SELECT FROM erro.of_own');
GRANT SELECT ON own TO imat_erro_owner;
ALTER TABLE own OWNER TO imat_erro_owner;
INSERT INTO own VALUES (12);
SELECT * FROM oracle.all_same('erro');
SET client_min_messages = warning;
DROP SCHEMA erro, taken CASCADE;
DROP OWNED BY imat_erro_owner, imat_erro_other;
DROP ROLE imat_erro_owner, imat_erro_other;
