--
-- DDL on an IMAT and on what belongs to it: honoured by maintenance, or refused; and the end of the extension.
--
CREATE SCHEMA ddli; SET search_path = ddli, public;
CREATE DOMAIN small_number AS int NOT NULL DEFAULT 5;
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, v numeric, t varchar(10));
INSERT INTO src SELECT i, i % 3, i, 't' || i % 2 FROM generate_series(1, 9) i;
SELECT imat.create('with_state', 'SELECT k, count(*) AS n, avg(v) AS a FROM src GROUP BY k');
SELECT imat.create('without', 'SELECT t, count(*) AS n FROM src GROUP BY t');
SELECT imat.create('keyed', 'SELECT k, string_agg(t, '','' ORDER BY id) AS a FROM src GROUP BY k');
SELECT imat.create('bag', 'SELECT id, v FROM src WHERE k > 0');
SELECT imat.create('w', 'SELECT id, rank() OVER (ORDER BY v, id) AS r FROM src');
CREATE FUNCTION step(what text) RETURNS TABLE (imat text, verdict text) LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '%', what;
    INSERT INTO src SELECT max(id) + 1, max(id) + 1, 1, 'new ' || max(id) FROM src;
    INSERT INTO src SELECT max(id) + 1, 1, 1, 't1' FROM src;
    UPDATE src SET v = v + 1 WHERE k = 2;
    DELETE FROM src WHERE id = (SELECT min(id) FROM src);
    RETURN QUERY SELECT s.imat, split_part(s.verdict, ',', 1) FROM oracle.all_same('ddli') s WHERE s.verdict NOT LIKE 'same%' OR s.verdict LIKE '%untouched';
END $$;
-- columns: more of them, with and without values of their own, and none of them any more
ALTER TABLE with_state ADD COLUMN note text DEFAULT 'x'; ALTER TABLE without ADD COLUMN note text; ALTER TABLE keyed ADD COLUMN note int DEFAULT 7;
ALTER TABLE bag ADD COLUMN twice numeric GENERATED ALWAYS AS (v * 2) STORED; ALTER TABLE w ADD COLUMN x int, ADD COLUMN y text DEFAULT 'y';
CREATE FUNCTION differing() RETURNS TABLE (imat regclass, rows bigint) LANGUAGE sql AS
    'SELECT c.imat, imat.verify(c.imat) FROM imat.imat_config c WHERE imat.verify(c.imat) <> 0';
INSERT INTO src VALUES (20, 1, 1, 't1'), (21, 50, 3, 't3');
SELECT * FROM differing();
UPDATE src SET v = v + 1 WHERE k = 1; DELETE FROM src WHERE id = 2;
SELECT * FROM differing();
SELECT imat.refresh('with_state'), imat.refresh('bag');
SELECT * FROM differing();
SELECT * FROM with_state ORDER BY k;
SELECT * FROM bag WHERE id > 7 ORDER BY id;
ALTER TABLE with_state DROP COLUMN note; ALTER TABLE without DROP COLUMN note; ALTER TABLE keyed DROP COLUMN note; ALTER TABLE bag DROP COLUMN twice;
ALTER TABLE w DROP COLUMN x, DROP COLUMN y;
SELECT * FROM step('columns have come and gone');
-- defaults are of new rows, and stay while a row is updated
ALTER TABLE with_state ADD COLUMN must int NOT NULL DEFAULT 7, ADD COLUMN nr int GENERATED ALWAYS AS IDENTITY; ALTER TABLE without ADD COLUMN must int NOT NULL DEFAULT 7;
ALTER TABLE keyed ADD COLUMN must text NOT NULL DEFAULT 'a' || 'b'; ALTER TABLE bag ADD COLUMN twice numeric GENERATED ALWAYS AS (v * 2) STORED, ADD COLUMN must small_number DEFAULT 7;
ALTER TABLE w ADD COLUMN must int NOT NULL DEFAULT 7;
SELECT * FROM step('defaults');
SELECT * FROM step('other defaults');
ALTER TABLE with_state ALTER COLUMN must SET DEFAULT 8;
CREATE TABLE before AS SELECT k, must, nr FROM with_state;
UPDATE src SET v = v + 1; INSERT INTO src VALUES (30, 60, 1);
SELECT w.must, b.k IS NULL AS new, count(*), bool_and(w.nr IS NOT DISTINCT FROM b.nr) AS kept, count(DISTINCT w.nr) = count(*) AS different FROM with_state w LEFT JOIN before b USING (k, must) GROUP BY 1, 2 ORDER BY 1, 2;
SELECT (SELECT count(*) FROM keyed WHERE must <> 'ab') AS keyed, (SELECT count(*) FROM bag WHERE must <> 7 OR twice <> v * 2) AS bag, (SELECT count(*) FROM w WHERE must <> 7) AS w;
TRUNCATE src; INSERT INTO src SELECT i, i % 40, i, 't' || i % 2 FROM generate_series(1, 100) i;
SELECT must, count(*), count(DISTINCT nr) FROM with_state GROUP BY must;
SELECT * FROM step('computed anew');
ALTER TABLE with_state DROP COLUMN must, DROP COLUMN nr; ALTER TABLE without DROP COLUMN must; ALTER TABLE keyed DROP COLUMN must; ALTER TABLE bag DROP COLUMN twice, DROP COLUMN must; ALTER TABLE w DROP COLUMN must;
SELECT * FROM step('columns have gone again');
-- those that the definition has are kept
SELECT oracle.error('ALTER TABLE with_state DROP COLUMN a');
SELECT oracle.error('ALTER TABLE without ALTER COLUMN t TYPE varchar(20)');
SELECT oracle.sqlstate('ALTER TABLE without ALTER COLUMN n TYPE int'), oracle.sqlstate('ALTER TABLE without ALTER COLUMN t TYPE varchar(10) COLLATE "C"');
ALTER TABLE with_state RENAME COLUMN n TO number; ALTER TABLE with_state RENAME TO renamed; ALTER TABLE renamed RENAME TO with_state;
SELECT imat.verify('with_state');
SELECT * FROM step('renamed');
-- what maintenance keeps for itself
SELECT oracle.error('ALTER TABLE imat.with_state_state DROP COLUMN accumulators');
SELECT oracle.sqlstate('ALTER TABLE imat.with_state_state ADD COLUMN z int'), oracle.sqlstate('DROP TABLE imat.with_state_state'),
    oracle.sqlstate('DROP VIEW imat.with_state_definition'), oracle.sqlstate('DROP INDEX imat.with_state_state_key');
ALTER TABLE imat.with_state_state RENAME TO stored; ALTER VIEW imat.with_state_definition RENAME TO defined;
SELECT * FROM step('hidden tables have other names');
-- indexes, constraints, storage
ALTER TABLE with_state ADD CHECK (number < 1000), ALTER COLUMN number SET DEFAULT 5, ALTER COLUMN number SET STATISTICS 10, SET (fillfactor = 60);
CREATE INDEX ON with_state (a); CREATE UNIQUE INDEX bag_both ON bag (v, id); CREATE STATISTICS st ON k, number FROM with_state;
ALTER TABLE with_state REPLICA IDENTITY FULL;
SELECT * FROM step('more of everything');
ALTER TABLE with_state DROP CONSTRAINT with_state_pkey; ALTER TABLE bag DROP CONSTRAINT bag_pkey;
SELECT * FROM step('primary keys dropped');
SELECT indrelid::regclass, count(*) FROM pg_index WHERE indrelid IN ('with_state'::regclass, 'bag'::regclass) AND indisunique GROUP BY 1 ORDER BY 1;
CLUSTER with_state USING with_state_a_idx; VACUUM FULL bag; REINDEX TABLE with_state;
SELECT * FROM step('stored anew');
-- a CHECK that a group fails, and a trigger that refuses: the whole statement fails
ALTER TABLE with_state ADD CONSTRAINT few CHECK (number < 50);
SELECT oracle.sqlstate('INSERT INTO src SELECT i, 1, 1 FROM generate_series(1000, 1100) i; SET CONSTRAINTS ALL IMMEDIATE; SELECT * FROM with_state');
CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
CREATE TRIGGER no AFTER INSERT ON with_state FOR EACH ROW EXECUTE FUNCTION no();
SELECT oracle.error('INSERT INTO src VALUES (2000, 2000, 1); SELECT * FROM with_state');
DROP TRIGGER no ON with_state;
SELECT * FROM step('refused');

-- the extension goes, and leaves tables
SELECT oracle.sqlstate('DROP EXTENSION pg_imat');
BEGIN;
SET LOCAL client_min_messages = error;
DROP EXTENSION pg_imat CASCADE;
SELECT relname, relkind, (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid) AS triggers FROM pg_class c
 WHERE relname IN ('with_state', 'without', 'keyed', 'bag', 'w', 'src') AND relnamespace = 'ddli'::regnamespace ORDER BY relname COLLATE "C";
SELECT to_regnamespace('imat');
INSERT INTO src VALUES (3000, 1, 1);
DELETE FROM without;
SELECT count(*) > 0 AS filled FROM with_state;
ROLLBACK;
SELECT * FROM step('the extension is there still');
SET client_min_messages = warning;
DROP SCHEMA ddli CASCADE;
SELECT count(*) FROM imat.registered;
