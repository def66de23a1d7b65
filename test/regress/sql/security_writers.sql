--
-- What an IMAT's owner has added runs with the owner's rights in sessions of others: these neither gain them nor are harmed.
-- Each table is compared with its definition after each step, in statements of their own and within a transaction.
--
CREATE SCHEMA secw; SET search_path = secw, public;
CREATE ROLE imat_secw_owner; CREATE ROLE imat_secw_writer; CREATE ROLE imat_secw_other; CREATE ROLE imat_secw_group;
GRANT USAGE, CREATE ON SCHEMA secw TO imat_secw_owner; GRANT USAGE ON SCHEMA secw TO imat_secw_writer, imat_secw_other;
SET ROLE imat_secw_owner;
CREATE TABLE src (id int PRIMARY KEY, k int, v int);
GRANT SELECT, INSERT, UPDATE, DELETE ON src TO imat_secw_writer;
-- code that says what it means by a name only by search_path
CREATE FUNCTION plain(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN abs($1); END';
SELECT imat.create('folded', 'SELECT k, count(*) AS n FROM src WHERE k > plain(0) GROUP BY k');
SELECT imat.create('folded_rows', 'SELECT id, k FROM src WHERE k > plain(0)');
SELECT imat.create('folded_swap', 'SELECT k, count(*) AS n FROM src WHERE k > plain(0) GROUP BY k', strategy => 'swap');
SELECT imat.create('indexed', 'SELECT k, count(*) AS n FROM src GROUP BY k'); CREATE INDEX ON indexed (plain(k));
SELECT imat.create('part_indexed', 'SELECT k, max(v) AS m FROM src GROUP BY k'); CREATE INDEX ON part_indexed (k) WHERE plain(k) > 0;
SELECT imat.create('checked', 'SELECT k, count(*) AS n FROM src GROUP BY k', strategy => 'keyed'); ALTER TABLE checked ADD CHECK (plain(k) >= 0);
SELECT imat.create('generated', 'SELECT id, k FROM src'); ALTER TABLE generated ADD COLUMN g int GENERATED ALWAYS AS (plain(k)) STORED;
SELECT imat.create('triggered', 'SELECT k, count(*) AS n FROM src GROUP BY k');
CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM abs(NEW.k); RETURN NULL; END';
CREATE TRIGGER fired AFTER INSERT OR UPDATE ON triggered FOR EACH ROW EXECUTE FUNCTION fired();
SELECT imat.create('on_top', 'SELECT k, n, rank() OVER (ORDER BY plain(n::int), k) AS r FROM (SELECT k, count(*) AS n FROM src GROUP BY k) g');
SELECT imat.create('with_state', 'SELECT k, avg(v) AS a FROM src GROUP BY k');
ALTER TABLE imat.with_state_state ADD CHECK (plain(key_1) >= 0);
RESET ROLE;
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$
    SELECT * FROM oracle.all_same('secw') s WHERE s.verdict NOT LIKE 'same%' AND s.imat <> 'generated'
    UNION ALL SELECT 'generated', imat.verify('secw.generated')::text WHERE imat.verify('secw.generated') <> 0 $$;
CREATE SCHEMA trap AUTHORIZATION imat_secw_writer; GRANT USAGE ON SCHEMA trap TO PUBLIC;
SET ROLE imat_secw_writer;
CREATE FUNCTION trap.abs(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped as %'', current_user; END';
SET search_path = trap, pg_catalog, secw;
INSERT INTO src VALUES (1, 1, 1), (2, 2, 2);
RESET ROLE; SELECT * FROM secw.bad(); SET ROLE imat_secw_writer;
UPDATE src SET k = 3 WHERE id OPERATOR(pg_catalog.=) 1;
RESET ROLE; SELECT * FROM secw.bad(); SET ROLE imat_secw_writer;
BEGIN;
INSERT INTO src VALUES (3, 3, 3);
RESET ROLE; SELECT * FROM secw.bad(); SET ROLE imat_secw_writer;
DELETE FROM src WHERE id OPERATOR(pg_catalog.=) 2;
RESET ROLE; SELECT * FROM secw.bad(); SET ROLE imat_secw_writer;
COMMIT;
-- and by what anybody's DDL and the owner's own commands look at
RESET ROLE;
ALTER TABLE src ALTER COLUMN k SET NOT NULL; ALTER TABLE src ALTER COLUMN k DROP NOT NULL;
SELECT imat.refresh(c.imat), imat.verify(c.imat) FROM imat.imat_config c WHERE agg_schema_name = 'secw';
SELECT count(*) FROM imat.status;
SELECT count(*) > 0 AS explained FROM imat.imat_config c, imat.explain(c.imat) WHERE agg_schema_name = 'secw';
SET search_path = secw, public;
SELECT * FROM oracle.all_same('secw') WHERE imat <> 'generated';
SELECT imat.drop('folded_rows'), imat.drop('part_indexed'), imat.drop('checked'), imat.drop('generated'), imat.drop('with_state'), imat.drop('indexed'), imat.drop('folded'), imat.drop('folded_swap'), imat.drop('on_top');

-- a trigger on the IMAT tries everything; what it may do, it does as the owner, and is over with it
SET ROLE imat_secw_owner;
CREATE TABLE deferring (a int);
CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''later, as %'', current_user; RETURN NULL; END';
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON deferring DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION later();
CREATE FUNCTION tries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE command text;
BEGIN
    RAISE NOTICE 'as %', current_user;
    FOREACH command IN ARRAY ARRAY['SET ROLE postgres', 'RESET ROLE', 'SET SESSION AUTHORIZATION DEFAULT', 'LISTEN x', 'PREPARE p AS SELECT 1',
        'DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'CREATE TEMP TABLE t (a int)', 'DISCARD PLANS', 'SET work_mem = ''77MB''', 'SET search_path = trap',
        'INSERT INTO secw.deferring VALUES (1)', 'DELETE FROM secw.triggered', 'DELETE FROM imat.registered', 'ALTER TABLE secw.src DISABLE TRIGGER nobody',
        'DROP TABLE secw.triggered', 'SELECT imat.drop(''secw.triggered'')', 'SELECT imat.refresh(''secw.triggered'')'] LOOP
        BEGIN
            EXECUTE command;
            RAISE NOTICE '%: done', command;
        EXCEPTION WHEN OTHERS THEN
            RAISE NOTICE '%: %', command, SQLSTATE;
        END;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER tries AFTER INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION tries();
RESET ROLE;
INSERT INTO src VALUES (10, 10, 10);
SELECT current_user = session_user AS still_the_writer, current_setting('work_mem') AS work_mem, current_setting('search_path') AS path;
SELECT oracle.same('triggered');
BEGIN;
INSERT INTO src VALUES (11, 11, 10);
SELECT oracle.same('triggered');
COMMIT;
SELECT oracle.same('triggered');
DROP TRIGGER tries ON triggered; DROP TRIGGER fired ON triggered;
-- foreign keys and triggers that are deferred: done at the commit, as the owner
CREATE TABLE allowed (k int PRIMARY KEY);
INSERT INTO allowed SELECT generate_series(0, 20);
ALTER TABLE triggered ADD CONSTRAINT allowed FOREIGN KEY (k) REFERENCES allowed DEFERRABLE INITIALLY DEFERRED;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON triggered DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION later();
INSERT INTO src VALUES (12, 12, 10);
SELECT oracle.same('triggered');
\set VERBOSITY terse
INSERT INTO src VALUES (21, 21, 1);
BEGIN; INSERT INTO src VALUES (21, 21, 1); INSERT INTO allowed VALUES (21); COMMIT;
SELECT oracle.same('triggered');
DELETE FROM allowed WHERE k = 21;
BEGIN; DELETE FROM allowed WHERE k = 21; DELETE FROM src WHERE k = 21; COMMIT;
\set VERBOSITY default
SELECT oracle.same('triggered');

-- an owner who has lost the right to read: nothing more is shown, and whoever writes is told why
SELECT imat.drop('triggered');
ALTER TABLE src OWNER TO imat_secw_other;
GRANT imat_secw_group TO imat_secw_owner; GRANT SELECT, TRIGGER ON src TO imat_secw_group;
CREATE VIEW seen AS SELECT k, v FROM src; ALTER VIEW seen OWNER TO imat_secw_other; GRANT SELECT ON seen TO imat_secw_owner;
CREATE FUNCTION lose(query text, strategy text, revoke text, give text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE imat_secw_owner;
    PERFORM imat.create('secw.lost', query, strategy => strategy);
    RESET ROLE;
    INSERT INTO secw.src VALUES (100, 7, 7);
    RETURN NEXT oracle.same('secw.lost');
    EXECUTE revoke;
    RETURN QUERY SELECT * FROM oracle.error('INSERT INTO secw.src VALUES (101, 7, 7); SET CONSTRAINTS ALL IMMEDIATE; SELECT FROM secw.lost');
    RETURN NEXT (SELECT count(*) FROM secw.lost)::text || ' rows are there still';
    EXECUTE give;
    INSERT INTO secw.src VALUES (101, 8, 8);
    RETURN NEXT oracle.same('secw.lost');
    PERFORM imat.drop('secw.lost');
    DELETE FROM secw.src WHERE id >= 100;
END $$;
SELECT * FROM lose('SELECT k, count(*) AS n FROM secw.src GROUP BY k', 'auto', 'REVOKE SELECT ON secw.src FROM imat_secw_group', 'GRANT SELECT ON secw.src TO imat_secw_group');
SELECT * FROM lose('SELECT k, max(v) AS m FROM secw.src GROUP BY k', 'keyed', 'REVOKE imat_secw_group FROM imat_secw_owner', 'GRANT imat_secw_group TO imat_secw_owner');
SELECT * FROM lose('SELECT id, k FROM secw.src', 'auto', 'REVOKE imat_secw_group FROM imat_secw_owner', 'ALTER TABLE secw.lost OWNER TO CURRENT_USER');
GRANT imat_secw_group TO imat_secw_owner;
SELECT * FROM lose('SELECT k, rank() OVER (ORDER BY v, id) AS r FROM secw.src', 'auto', 'REVOKE SELECT ON secw.src FROM imat_secw_group', 'GRANT SELECT ON secw.src TO imat_secw_group');
SELECT * FROM lose('SELECT a.k, count(*) AS n FROM secw.src a JOIN secw.src b USING (k) GROUP BY a.k', 'auto', 'REVOKE SELECT ON secw.src FROM imat_secw_group', 'GRANT SELECT ON secw.src TO imat_secw_group');
SELECT * FROM lose('SELECT k, count(*) AS n FROM secw.seen GROUP BY k', 'auto', 'REVOKE SELECT ON secw.seen FROM imat_secw_owner', 'GRANT SELECT ON secw.seen TO imat_secw_owner');
-- the owner of a view in between has: the same
ALTER TABLE src OWNER TO CURRENT_USER; REVOKE ALL ON src FROM imat_secw_other; GRANT SELECT ON src TO imat_secw_other;
SELECT * FROM lose('SELECT k, count(*) AS n FROM secw.seen GROUP BY k', 'auto', 'REVOKE SELECT ON secw.src FROM imat_secw_other', 'GRANT SELECT ON secw.src TO imat_secw_other');
-- single columns, and tables that only the owner of a view may read, are enough
REVOKE SELECT ON src FROM imat_secw_writer; GRANT SELECT (id, k) ON src TO imat_secw_writer; REVOKE SELECT ON src FROM imat_secw_group;
SET ROLE imat_secw_owner;
SELECT imat.create('of_seen', 'SELECT k, sum(v) AS s FROM seen GROUP BY k');
SELECT imat.create('of_seen_keyed', 'SELECT k, array_agg(v ORDER BY v) AS l FROM seen GROUP BY k');
SELECT imat.create('of_seen_joined', 'SELECT a.k, b.v FROM seen a LEFT JOIN seen b ON a.k = b.v');
SELECT imat.create('of_seen_swapped', 'SELECT k FROM seen UNION SELECT v FROM seen');
SELECT oracle.sqlstate('SELECT imat.create(''of_src'', ''SELECT k, sum(v) AS s FROM src GROUP BY k'')');
RESET ROLE;
GRANT TRIGGER ON src TO imat_secw_writer; GRANT CREATE ON SCHEMA secw TO imat_secw_writer;
SET ROLE imat_secw_writer; SET search_path = secw, public;
SELECT imat.create('of_columns', 'SELECT k, count(*) AS n FROM src GROUP BY k');
SELECT imat.create('of_columns_keyed', 'SELECT k, array_agg(id ORDER BY id) AS l FROM src GROUP BY k');
SELECT imat.create('of_columns_joined', 'SELECT a.id, b.id AS other FROM src a JOIN src b ON a.k = b.k');
SELECT oracle.sqlstate('SELECT imat.create(''of_other'', ''SELECT k, sum(v) AS s FROM src GROUP BY k'')');
RESET ROLE; SET search_path = secw, public;
INSERT INTO src SELECT i, i % 3, i % 5 FROM generate_series(200, 220) i;
SELECT * FROM oracle.all_same('secw');
UPDATE src SET k = 5 WHERE id > 215; DELETE FROM src WHERE id < 205;
SELECT * FROM oracle.all_same('secw');
-- who restores a dump has row-level security turned off
CREATE TABLE hushed (id int, k int); ALTER TABLE hushed ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON hushed TO imat_secw_owner USING (k < 5);
GRANT SELECT, TRIGGER ON hushed TO imat_secw_owner;
SET ROLE imat_secw_owner;
SELECT imat.create('of_hushed', 'SELECT k, count(*) AS n FROM hushed GROUP BY k');
RESET ROLE;
SET row_security = off;
INSERT INTO hushed SELECT i, i FROM generate_series(1, 9) i;
RESET row_security;
SELECT count(*) FROM of_hushed; SELECT imat.verify('of_hushed');

-- what is others', nobody may touch or look into
CREATE MATERIALIZED VIEW theirs AS SELECT k, count(*) AS n FROM src GROUP BY k; ALTER MATERIALIZED VIEW theirs OWNER TO imat_secw_owner;
SET ROLE imat_secw_other;
SELECT oracle.sqlstate(command), command FROM unnest(ARRAY[
    'SELECT imat.refresh(''of_columns'')', 'SELECT imat.alter(''of_columns'', strategy => ''swap'')', 'SELECT imat.drop(''of_columns'')',
    'SELECT imat.drop(''of_columns'', keep => ''table'')', 'SELECT imat.verify(''of_columns'')', 'SELECT imat.explain(''of_columns'')', 'SELECT create_imat(''theirs'')',
    'SELECT imat.explain_query(''SELECT k FROM secw.of_columns'')', 'SELECT imat.create(''secw.mine'', ''SELECT k FROM secw.of_columns'')',
    'SELECT imat.create(''secw.mine'', ''SELECT k FROM secw.src'')', 'CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION imat.on_ddl()',
    'SELECT imat.on_ddl()', 'SELECT imat.on_sql_drop()', 'SELECT imat.before_ddl()', 'SELECT imat.capture()', 'DROP TABLE secw.of_columns', 'DROP TABLE secw.src', 'DROP EXTENSION pg_imat CASCADE',
    'DROP TRIGGER imat_capture_insert ON secw.src', 'ALTER TABLE secw.src DISABLE TRIGGER ALL', 'DROP VIEW imat.of_columns_definition',
    'CREATE OR REPLACE VIEW imat.of_columns_definition AS SELECT 1 AS k, 2::bigint AS n', 'SELECT * FROM imat.of_columns_definition', 'DELETE FROM imat.registered',
    'UPDATE imat.registered SET trusted = true', 'INSERT INTO imat.source SELECT * FROM imat.source', 'TRUNCATE secw.of_columns', 'SET pg_imat.trust_foreign_keys = on',
    'CREATE FUNCTION imat.f() RETURNS int LANGUAGE sql AS ''SELECT 1''']) command;
SELECT count(*) FROM imat.advise();
RESET ROLE;
SELECT * FROM oracle.all_same('secw') WHERE imat <> 'of_hushed';
-- an owner can't take the table's own parts away; whoever has another query take the place of the definition's has another table
SET ROLE imat_secw_writer;
SELECT oracle.sqlstate('CREATE OR REPLACE VIEW imat.of_columns_definition AS SELECT 1 AS k, 2::bigint AS n'), oracle.sqlstate('DROP VIEW imat.of_columns_definition'),
    oracle.sqlstate('CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO imat.of_columns_definition DO INSTEAD SELECT k, count(*) * 2 AS n FROM secw.src GROUP BY k');
RESET ROLE;
SELECT * FROM oracle.all_same('secw') WHERE imat <> 'of_hushed';
-- a trigger of somebody's that has the name of ours is no trigger of ours
CREATE TABLE fooled (k int);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER imat_capture_insert AFTER INSERT ON fooled EXECUTE FUNCTION nothing();
SELECT oracle.error('SELECT imat.create(''of_fooled'', ''SELECT k, count(*) AS n FROM fooled GROUP BY k'')');
ALTER TRIGGER imat_capture_insert ON fooled RENAME TO mine;
SELECT imat.create('of_fooled', 'SELECT k, count(*) AS n FROM fooled GROUP BY k');
INSERT INTO fooled VALUES (1);
SELECT oracle.same('of_fooled');
-- ours, but disabled
ALTER TABLE fooled DISABLE TRIGGER USER;
SELECT imat.create('again', 'SELECT k, count(*) AS n FROM fooled GROUP BY k');
SELECT imat, trusted FROM imat.status WHERE imat IN ('of_fooled'::regclass, 'again'::regclass) ORDER BY 1;
INSERT INTO fooled VALUES (1);
SELECT imat.verify('of_fooled'), imat.verify('again');
ALTER TABLE fooled ENABLE TRIGGER USER;
SELECT oracle.same('of_fooled'), oracle.same('again');
SET client_min_messages = warning;
DROP SCHEMA trap, secw CASCADE;
DROP OWNED BY imat_secw_owner, imat_secw_writer, imat_secw_other, imat_secw_group;
DROP ROLE imat_secw_owner, imat_secw_writer, imat_secw_other, imat_secw_group;
SELECT count(*) FROM imat.registered;
