--
-- The end of an IMAT: imat.drop in its three ways, DROP TABLE, DROP SCHEMA, and dropping what it reads.
--
CREATE SCHEMA gone; SET search_path = gone, public;
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, v float8);
INSERT INTO src SELECT i, i % 3, i FROM generate_series(1, 9) i;
-- What pg_imat has put into the database for this test's tables
CREATE VIEW traces AS
    SELECT relname FROM pg_class WHERE relnamespace = 'imat'::regnamespace AND relname LIKE 'gone\_%'
    UNION ALL SELECT tgname || ' on ' || tgrelid::regclass FROM pg_trigger WHERE tgrelid::regclass::text LIKE '%src%'
    UNION ALL SELECT imat::text FROM imat.registered UNION ALL SELECT source::text FROM imat.source;
CREATE FUNCTION make() RETURNS regclass LANGUAGE plpgsql AS $$
BEGIN
    CREATE MATERIALIZED VIEW gone.gone_v AS SELECT k, sum(v) AS s, avg(v) AS a FROM gone.src GROUP BY k;
    CREATE INDEX gone_v_s ON gone.gone_v (s);
    COMMENT ON MATERIALIZED VIEW gone.gone_v IS 'kept';
    GRANT SELECT ON gone.gone_v TO PUBLIC;
    RETURN create_imat('gone.gone_v');
END $$;
SELECT count(*) FROM traces;

-- nothing is kept
SELECT make();
SELECT count(*) > 3 AS traces FROM traces;
SELECT imat.drop('gone_v');
SELECT to_regclass('gone_v'), count(*) FROM traces;
INSERT INTO src VALUES (10, 1, 1);
-- DROP TABLE does the same
SELECT make();
DROP TABLE gone_v;
SELECT to_regclass('gone_v'), count(*) FROM traces;
-- the table is kept, is an ordinary one, and stays as it is
SELECT make();
SELECT 'gone_v'::regclass::oid AS oid_before \gset
SELECT imat.drop('gone_v', keep => 'table');
SELECT 'gone_v'::regclass::oid = :oid_before AS same_oid, relkind FROM pg_class WHERE oid = 'gone_v'::regclass;
SELECT count(*) FROM traces;
INSERT INTO src VALUES (11, 1, 1000);
SELECT * FROM gone_v ORDER BY k;
UPDATE gone_v SET s = 0 WHERE k = 1;
INSERT INTO gone_v VALUES (100, 1, 1);
SELECT * FROM gone_v ORDER BY k;
SELECT oracle.error('SELECT imat.verify(''gone_v'')');
DROP TABLE gone_v;
DELETE FROM src WHERE id > 9;
-- the materialized view comes back, with its definition and all that was attached to it
SELECT make();
SELECT 'gone_v'::regclass::oid AS oid_before \gset
CREATE VIEW gone_above AS SELECT sum(s) AS s FROM gone_v;
INSERT INTO src VALUES (12, 5, 50);
SELECT imat.drop('gone_v', keep => 'materialized view');
SELECT 'gone_v'::regclass::oid = :oid_before AS same_oid, relkind, relispopulated, relhasrules FROM pg_class WHERE oid = 'gone_v'::regclass;
SELECT count(*) FROM traces;
SELECT btrim(regexp_replace(replace(pg_get_viewdef('gone_v'::regclass), 'src.', ''), '\s+', ' ', 'g')) AS definition;
SELECT * FROM gone_v ORDER BY k;
INSERT INTO src VALUES (13, 6, 60);
SELECT count(*) AS not_maintained FROM gone_v;
REFRESH MATERIALIZED VIEW gone_v;
SELECT count(*) AS refreshed FROM gone_v;
REFRESH MATERIALIZED VIEW CONCURRENTLY gone_v;
SELECT * FROM gone_above;
SELECT obj_description('gone_v'::regclass, 'pg_class'), has_table_privilege('pg_monitor', 'gone_v', 'SELECT'), 'gone_v_s'::regclass;
SELECT oracle.sqlstate('INSERT INTO gone_v VALUES (1, 1, 1)');
-- there and back again
SELECT create_imat('gone_v');
INSERT INTO src VALUES (14, 7, 70);
SELECT oracle.same('gone_v');
SELECT * FROM gone_above;
-- others that depend on it: RESTRICT, CASCADE
SELECT oracle.error('SELECT imat.drop(''gone_v'')');
SELECT oracle.error('DROP TABLE gone_v');
SELECT oracle.same('gone_v');
INSERT INTO src VALUES (15, 7, 70);
SELECT oracle.same('gone_v');
\set VERBOSITY terse
DROP TABLE gone_v CASCADE;
\set VERBOSITY default
SELECT to_regclass('gone_above'), count(*) FROM traces;
-- one IMAT of two on the same table goes: the other one is maintained still
SELECT make();
SELECT imat.create('gone_other', 'SELECT k, count(*) AS n FROM src GROUP BY k');
DROP TABLE gone_v;
INSERT INTO src VALUES (16, 8, 80);
SELECT oracle.same('gone_other');
DROP TABLE gone_other;
SELECT count(*) FROM traces;
-- one of imat.create becomes a materialized view as well
SELECT imat.create('gone_c', 'SELECT k, count(*) AS n FROM src GROUP BY k');
SELECT imat.drop('gone_c', 'materialized view');
INSERT INTO src VALUES (17, 99, 80);
REFRESH MATERIALIZED VIEW gone_c;
SELECT n FROM gone_c WHERE k = 99;
DROP MATERIALIZED VIEW gone_c;
SELECT imat.create('gone_k', 'SELECT k, max(v) AS m FROM src GROUP BY k', strategy => 'keyed');
SELECT imat.create('gone_w', 'SELECT k, max(v) AS m FROM src GROUP BY k', strategy => 'swap');
SELECT oracle.strategy('gone_k'), oracle.strategy('gone_w');
SELECT imat.drop('gone_k', 'materialized view');
SELECT imat.drop('gone_w', 'materialized view');
REFRESH MATERIALIZED VIEW gone_k;
REFRESH MATERIALIZED VIEW gone_w;
DROP MATERIALIZED VIEW gone_k, gone_w;

-- what a materialized view can't have: the way out leads there, or it stays a table
CREATE ROLE imat_gone_reader;
CREATE FUNCTION refused() RETURNS SETOF text LANGUAGE sql AS $$ SELECT oracle.error($e$SELECT imat.drop('gone_c', 'materialized view')$e$) $$;
SELECT imat.create('gone_c', 'SELECT k, count(*) AS n, sum(k) AS s FROM src GROUP BY k');
CREATE RULE r AS ON INSERT TO gone_c DO INSTEAD NOTHING;
SELECT refused();
DROP RULE r ON gone_c;
CREATE POLICY p ON gone_c TO imat_gone_reader USING (k = 1);
SELECT refused();
DROP POLICY p ON gone_c;
ALTER TABLE gone_c ENABLE ROW LEVEL SECURITY;
SELECT refused();
ALTER TABLE gone_c DISABLE ROW LEVEL SECURITY;
ALTER TABLE gone_c FORCE ROW LEVEL SECURITY;
SELECT refused();
ALTER TABLE gone_c NO FORCE ROW LEVEL SECURITY;
SET client_min_messages = error; CREATE PUBLICATION imat_gone FOR TABLE gone_c; RESET client_min_messages;
SELECT refused();
DROP PUBLICATION imat_gone;
CREATE TYPE like_gone_c AS (k int, n bigint, s bigint);
ALTER TABLE gone_c OF like_gone_c;
SELECT refused();
ALTER TABLE gone_c NOT OF;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER t AFTER INSERT ON gone_c EXECUTE FUNCTION nothing();
SELECT refused();
DROP TRIGGER t ON gone_c;
ALTER TABLE gone_c ALTER n SET DEFAULT 1;
SELECT refused();
ALTER TABLE gone_c ALTER n DROP DEFAULT, ALTER k ADD GENERATED ALWAYS AS IDENTITY;
SELECT refused();
ALTER TABLE gone_c ALTER k DROP IDENTITY;
SET client_min_messages = warning; ALTER TABLE src SET UNLOGGED; RESET client_min_messages;
SELECT refused();
SET client_min_messages = warning; ALTER TABLE src SET LOGGED; RESET client_min_messages;
-- what was seen of it before has left nothing; a policy of another table's that reads it is none of its own
CREATE TABLE gone_reader (a int);
CREATE POLICY p ON gone_reader USING (a IN (SELECT n FROM gone_c));
SELECT imat.drop('gone_c', 'materialized view');
SELECT create_imat('gone_c');
INSERT INTO src VALUES (100, 1, 1);
DELETE FROM src WHERE id = 100;
SELECT oracle.same('gone_c');
-- columns that were added, even if they are gone
ALTER TABLE gone_c ADD COLUMN "My note" text;
SELECT refused();
ALTER TABLE gone_c DROP COLUMN "My note";
SELECT refused();
SELECT oracle.same('gone_c');
SELECT imat.drop('gone_c', 'table');
DROP TABLE gone_c, gone_reader;
DROP ROLE imat_gone_reader;
DROP FUNCTION refused, nothing; DROP TYPE like_gone_c;

-- DROP SCHEMA CASCADE of the schema where the IMAT stands, of that of the old name, of that of the source
SET client_min_messages = warning;
CREATE SCHEMA gone_to;
SELECT make();
SELECT imat.drop('gone_v', 'materialized view');
SELECT create_imat('gone_v', 'gone_to');
DROP SCHEMA gone_to CASCADE;
SELECT to_regclass('gone.gone_v') AS old_name, count(*) FROM traces;
CREATE SCHEMA gone_to;
CREATE MATERIALIZED VIEW gone_to.gone_m AS SELECT k, count(*) AS n FROM src GROUP BY k;
SELECT create_imat('gone_to.gone_m', 'gone');
DROP SCHEMA gone_to CASCADE;
INSERT INTO src VALUES (18, 3, 3);
SELECT oracle.same('gone_m');
DROP TABLE gone_m;
SELECT count(*) FROM traces;
-- a view that was moved, and dropped in its three ways
CREATE SCHEMA gone_to;
CREATE MATERIALIZED VIEW gone_p AS SELECT k, count(*) AS n FROM src GROUP BY k;
SELECT create_imat('gone_p', 'gone_to');
SELECT imat.drop('gone_to.gone_p');
SELECT to_regclass('gone.gone_p'), to_regclass('gone_to.gone_p'), count(*) FROM traces;
CREATE MATERIALIZED VIEW gone_p AS SELECT k, count(*) AS n FROM src GROUP BY k;
SELECT create_imat('gone_p', 'gone_to');
SELECT imat.drop('gone_to.gone_p', 'table');
SELECT relkind, (SELECT count(*) > 0 FROM gone.gone_p) AS answers FROM pg_class WHERE oid = 'gone_to.gone_p'::regclass;
SELECT count(*) FROM traces;
DROP TABLE gone_to.gone_p CASCADE;
CREATE MATERIALIZED VIEW gone_p AS SELECT k, count(*) AS n FROM src GROUP BY k;
SELECT create_imat('gone_p', 'gone_to');
SELECT imat.drop('gone_to.gone_p', 'materialized view');
SELECT relkind, relnamespace::regnamespace FROM pg_class WHERE relname = 'gone_p' ORDER BY 1;
DROP SCHEMA gone_to CASCADE;
DROP VIEW IF EXISTS gone.gone_p;

-- Dropping what it reads: RESTRICT names it, CASCADE takes it along
SELECT make();
SELECT oracle.error('DROP TABLE src');
SELECT oracle.error('ALTER TABLE src DROP COLUMN v');
SELECT oracle.error('ALTER TABLE src ALTER COLUMN v TYPE int');
INSERT INTO src VALUES (19, 3, 3);
SELECT oracle.same('gone_v');
-- a column that it doesn't read is free
ALTER TABLE src ADD COLUMN extra text DEFAULT 'x', ADD COLUMN extra2 int;
INSERT INTO src VALUES (20, 3, 3, 'y', 1);
SELECT oracle.same('gone_v');
ALTER TABLE src DROP COLUMN extra;
INSERT INTO src VALUES (21, 3, 3, 2);
SELECT oracle.same('gone_v');
DROP TABLE src CASCADE;
SELECT to_regclass('gone_v'), count(*) FROM traces;
-- in a transaction that has changed the source
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, v float8);
SELECT make();
BEGIN;
INSERT INTO src VALUES (1, 1, 1);
DROP TABLE gone_v;
INSERT INTO src VALUES (2, 1, 1);
COMMIT;
SELECT count(*) FROM traces;
SELECT make();
BEGIN;
INSERT INTO src VALUES (3, 1, 1);
SELECT imat.drop('gone_v');
ROLLBACK;
SELECT oracle.same('gone_v');
INSERT INTO src VALUES (4, 1, 1);
SELECT oracle.same('gone_v');
BEGIN;
INSERT INTO src VALUES (5, 1, 1);
SAVEPOINT s;
DROP TABLE src CASCADE;
ROLLBACK TO s;
INSERT INTO src VALUES (6, 1, 1);
COMMIT;
SELECT oracle.same('gone_v');
BEGIN;
INSERT INTO src VALUES (7, 1, 1);
DROP TABLE src CASCADE;
COMMIT;
SELECT to_regclass('gone_v'), count(*) FROM imat.registered;
-- what belongs to pg_imat can't be dropped alone
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, v float8);
SELECT make();
SELECT oracle.error('DROP TABLE imat.gone_v_state');
SELECT oracle.sqlstate('DROP VIEW imat.gone_v_definition');
SELECT oracle.sqlstate('DROP EXTENSION pg_imat');
-- a definition that others read: RESTRICT names it, CASCADE takes it along, and what depends on that
CREATE VIEW on_definition AS SELECT sum(s) AS s FROM imat.gone_v_definition;
SELECT imat.create('gone_over', 'SELECT s FROM on_definition');
SELECT oracle.error('SELECT imat.drop(''gone_v'')');
SELECT oracle.error('SELECT imat.drop(''gone_v'', ''table'')');
SELECT oracle.error('SELECT imat.drop(''gone_v'', ''materialized view'')');
SELECT oracle.error('DROP TABLE gone_v');
INSERT INTO src VALUES (9, 1, 1);
SELECT oracle.same('gone_v'), oracle.same('gone_over');
DROP TABLE gone_v CASCADE;
SELECT to_regclass('gone_v'), to_regclass('on_definition'), to_regclass('gone_over'), count(*) FROM traces;
-- also by way of the schema, or of the owner
CREATE SCHEMA gone_to;
SELECT imat.create('gone_to.gone_v', 'SELECT k, count(*) AS n FROM gone.src GROUP BY k');
CREATE MATERIALIZED VIEW on_definition AS SELECT sum(n) AS n FROM imat.gone_v_definition;
SELECT oracle.sqlstate('DROP SCHEMA gone_to');
DROP SCHEMA gone_to CASCADE;
SELECT to_regclass('on_definition'), count(*) FROM traces;
CREATE ROLE imat_gone_owner; GRANT CREATE, USAGE ON SCHEMA gone TO imat_gone_owner; GRANT SELECT, TRIGGER ON src TO imat_gone_owner;
SET ROLE imat_gone_owner;
SELECT imat.create('gone_v', 'SELECT k, count(*) AS n FROM gone.src GROUP BY k');
RESET ROLE;
CREATE VIEW on_definition AS SELECT sum(n) AS n FROM imat.gone_v_definition;
SELECT oracle.sqlstate('DROP OWNED BY imat_gone_owner');
DROP OWNED BY imat_gone_owner CASCADE;
DROP ROLE imat_gone_owner;
SELECT to_regclass('on_definition'), count(*) FROM traces;
SELECT make();
-- wrong arguments
SELECT oracle.error('SELECT imat.drop(''src'')');
SELECT oracle.error('SELECT imat.drop(''nosuch'')');
SELECT oracle.error('SELECT imat.drop(1::regclass)');
SELECT oracle.error('SELECT imat.drop(NULL)');
SELECT oracle.error('SELECT imat.drop(''gone_v'', ''matview'')');
INSERT INTO src VALUES (8, 1, 1);
SELECT oracle.same('gone_v');
DROP SCHEMA gone CASCADE;
SELECT count(*) FROM imat.registered;
