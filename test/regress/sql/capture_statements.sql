--
-- Every statement that changes a source is taken note of.  IMATs on the same table: by delta, keyed and by swap.
--
CREATE SCHEMA capt; SET search_path = capt, public;
CREATE TABLE src (id int PRIMARY KEY, k int, v int, note text);
SELECT imat.create('d', 'SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k');
SELECT imat.create('keyed', 'SELECT k, max(v) AS m, string_agg(note, '','' ORDER BY id) AS notes FROM src GROUP BY k');
SELECT imat.create('w', 'SELECT k, max(v) AS m, string_agg(note, '','' ORDER BY id) AS notes FROM src GROUP BY k', strategy => 'swap');
-- one set of triggers, whatever the number of IMATs
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'src'::regclass AND NOT tgisinternal \gset
SELECT imat.create('d2', 'SELECT count(*) AS n, sum(v) AS s FROM src');
SELECT count(*) = :triggers AS no_more_triggers FROM pg_trigger WHERE tgrelid = 'src'::regclass AND NOT tgisinternal;
SELECT * FROM oracle.all_same('capt');
-- INSERT: one row, many, none, from a query, with RETURNING
INSERT INTO src VALUES (1, 1, 10, 'a');
SELECT * FROM oracle.all_same('capt');
INSERT INTO src VALUES (2, 1, 20, 'b'), (3, 2, 30, 'c'), (4, NULL, 40, NULL), (5, NULL, NULL, 'e') RETURNING id;
SELECT * FROM oracle.all_same('capt');
INSERT INTO src SELECT i, i % 3, i, i::text FROM generate_series(6, 20) i;
INSERT INTO src SELECT * FROM src WHERE false;
SELECT * FROM oracle.all_same('capt');
SELECT * FROM d ORDER BY k;
-- UPDATE: values, groups that rows move between, to and from NULL, nothing at all, the key of the source, FROM
UPDATE src SET v = v + 100 WHERE k = 1;
SELECT * FROM oracle.all_same('capt');
UPDATE src SET k = k + 1;
SELECT * FROM oracle.all_same('capt');
UPDATE src SET k = NULL WHERE k = 2;
UPDATE src SET k = 9 WHERE k IS NULL AND v > 100;
SELECT * FROM oracle.all_same('capt');
UPDATE src SET v = v;
UPDATE src SET note = 'only the other one shows it' WHERE id = 3;
SELECT * FROM oracle.all_same('capt');
UPDATE src SET v = 0 WHERE false;
SELECT * FROM oracle.all_same('capt');
UPDATE src SET id = -src.id, v = o.x FROM (VALUES (7, 70), (8, 80)) o (id, x) WHERE src.id = o.id;
SELECT * FROM oracle.all_same('capt');
-- DELETE: rows of a group, whole groups, with USING
DELETE FROM src WHERE id IN (1, 9);
SELECT * FROM oracle.all_same('capt');
DELETE FROM src USING (VALUES (9)) o (k) WHERE src.k = o.k;
DELETE FROM src WHERE k IS NULL;
SELECT * FROM oracle.all_same('capt');
SELECT * FROM d ORDER BY k;
-- COPY FROM
COPY src FROM stdin;
101	1	11	copied
102	5	\N	copied
103	\N	13	\N
\.
SELECT * FROM oracle.all_same('capt');
-- ON CONFLICT: rows inserted, rows updated (with and without WHERE), rows left alone
INSERT INTO src VALUES (101, 7, 7, 'x'), (201, 7, 7, 'new') ON CONFLICT (id) DO UPDATE SET k = EXCLUDED.k, v = src.v + EXCLUDED.v;
SELECT * FROM oracle.all_same('capt');
INSERT INTO src VALUES (101, 8, 8, 'x'), (202, 8, 8, 'new') ON CONFLICT DO NOTHING;
SELECT * FROM oracle.all_same('capt');
INSERT INTO src VALUES (101, 8, 8, 'x'), (102, 8, 8, 'x') ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v WHERE src.k = 7;
SELECT * FROM oracle.all_same('capt');
INSERT INTO src VALUES (101, 8, 8, 'x') ON CONFLICT DO NOTHING;
SELECT * FROM oracle.all_same('capt');
-- writable CTEs: several changes of one statement, the same table twice, another table's
CREATE TABLE other (id int PRIMARY KEY, k int);
SELECT imat.create('o', 'SELECT k, count(*) AS n FROM other GROUP BY k');
WITH gone AS (DELETE FROM src WHERE k = 7 RETURNING *), moved AS (UPDATE src SET k = 77 WHERE k = 8 RETURNING *),
     noted AS (INSERT INTO other SELECT id, k FROM gone RETURNING *)
INSERT INTO src SELECT id + 1000, 78, v, 'again' FROM gone;
SELECT * FROM oracle.all_same('capt');
SELECT * FROM o;
-- rules and views: an updatable view, one that isn't but for its trigger
CREATE VIEW v AS SELECT id, k, v FROM src WHERE k > 0;
INSERT INTO v VALUES (301, 1, 1); UPDATE v SET v = 5 WHERE id = 301; DELETE FROM v WHERE id = 102;
SELECT * FROM oracle.all_same('capt');
CREATE VIEW vg AS SELECT k, sum(v) AS s FROM src GROUP BY k;
CREATE FUNCTION vg_insert() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO capt.src VALUES (302, NEW.k, NEW.s, ''by trigger''); RETURN NEW; END';
CREATE TRIGGER vg_insert INSTEAD OF INSERT ON vg FOR EACH ROW EXECUTE FUNCTION vg_insert();
INSERT INTO vg VALUES (42, 42);
CREATE RULE other_rule AS ON INSERT TO other DO ALSO UPDATE src SET v = v + 1 WHERE k = NEW.k;
INSERT INTO other VALUES (1, 42);
SELECT * FROM oracle.all_same('capt');
SELECT s FROM d WHERE k = 42;
DROP RULE other_rule ON other;
-- triggers of users: BEFORE ones that change the row or skip it, AFTER ones that change the same table again
CREATE FUNCTION before_row() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN IF NEW.v = 666 THEN RETURN NULL; END IF; NEW.v := NEW.v * 2; RETURN NEW; END';
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE ON src FOR EACH ROW EXECUTE FUNCTION before_row();
CREATE FUNCTION after_row() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO capt.src VALUES (NEW.id + 10000, NEW.k, 1, ''again''); RETURN NULL; END';
CREATE TRIGGER after_row AFTER INSERT ON src FOR EACH ROW WHEN (NEW.id < 10000) EXECUTE FUNCTION after_row();
CREATE FUNCTION after_statement() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN UPDATE capt.src SET v = v - 1 WHERE note = ''again''; RETURN NULL; END';
CREATE TRIGGER zz_after AFTER DELETE ON src FOR EACH STATEMENT EXECUTE FUNCTION after_statement();
CREATE TRIGGER aa_after AFTER DELETE ON src FOR EACH STATEMENT EXECUTE FUNCTION after_statement();
INSERT INTO src VALUES (401, 1, 666, 'skipped'), (402, 1, 5, 'doubled');
SELECT * FROM oracle.all_same('capt');
DELETE FROM src WHERE id = 402;
SELECT * FROM oracle.all_same('capt');
DROP TRIGGER before_row ON src; DROP TRIGGER after_row ON src; DROP TRIGGER zz_after ON src; DROP TRIGGER aa_after ON src;
-- a statement that fails changes nothing
\set VERBOSITY terse
INSERT INTO src VALUES (501, 1, 1), (501, 1, 1);
\set VERBOSITY default
SELECT * FROM oracle.all_same('capt');
-- foreign keys that cascade, set NULL and set the default
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 6);
CREATE TABLE child (id int PRIMARY KEY, c int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE,
    n int REFERENCES parent ON DELETE SET NULL ON UPDATE CASCADE, d int DEFAULT 6 REFERENCES parent ON DELETE SET DEFAULT ON UPDATE CASCADE);
INSERT INTO child SELECT i, i % 3 + 1, i % 2 + 1, i % 4 + 1 FROM generate_series(1, 24) i;
SELECT imat.create('of_child', 'SELECT c, n, d, count(*) AS r, sum(id) AS s FROM child GROUP BY c, n, d');
SELECT imat.create('of_parent', 'SELECT count(*) AS n FROM parent');
DELETE FROM parent WHERE id = 1;
SELECT * FROM oracle.all_same('capt');
UPDATE parent SET id = 30 WHERE id = 3;
DELETE FROM parent WHERE id = 4;
SELECT * FROM oracle.all_same('capt');
SELECT count(*), sum(r) FROM of_child;
-- deferred constraints, checked at commit
ALTER TABLE child DROP CONSTRAINT child_c_fkey, ADD FOREIGN KEY (c) REFERENCES parent DEFERRABLE INITIALLY DEFERRED;
\set VERBOSITY terse
BEGIN; INSERT INTO child VALUES (100, 999); COMMIT;
\set VERBOSITY default
BEGIN; INSERT INTO child VALUES (100, 999, 2, 2); INSERT INTO parent VALUES (999); COMMIT;
SELECT * FROM oracle.all_same('capt');
-- a deferred constraint trigger that changes a source again, at commit
CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO capt.src VALUES (NEW.id, 1, 1, ''at commit''); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON parent DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit();
INSERT INTO parent VALUES (601), (602);
SELECT * FROM oracle.all_same('capt');
SET client_min_messages = warning;
DROP TABLE parent CASCADE;
RESET client_min_messages;
-- TRUNCATE, alone and with others, CASCADE
TRUNCATE other;
SELECT * FROM oracle.all_same('capt');
BEGIN;
INSERT INTO src VALUES (701, 1, 1);
TRUNCATE src;
INSERT INTO src VALUES (702, 2, 2);
SELECT * FROM oracle.all_same('capt');
DELETE FROM src; INSERT INTO src VALUES (703, 3, 3), (704, 4, 4);
COMMIT;
SELECT * FROM oracle.all_same('capt');
BEGIN; TRUNCATE src, other; ROLLBACK;
SELECT * FROM oracle.all_same('capt');
CREATE TABLE top (id int PRIMARY KEY); CREATE TABLE below (id int REFERENCES top);
INSERT INTO top VALUES (1), (2); INSERT INTO below VALUES (1), (1), (2);
SELECT imat.create('of_below', 'SELECT id, count(*) AS n FROM below GROUP BY id');
TRUNCATE top CASCADE;
SELECT oracle.same('of_below');
TRUNCATE src RESTART IDENTITY;
SELECT * FROM oracle.all_same('capt');
-- views as sources, nested, are their tables; changing what they select is changing them
CREATE VIEW inner_view AS SELECT id, k AS key, v * 2 AS twice FROM src WHERE v IS NOT NULL;
CREATE VIEW outer_view AS SELECT key, twice FROM inner_view WHERE key <> 13;
SELECT imat.create('on_view', 'SELECT key, sum(twice) AS t, count(*) AS n FROM outer_view GROUP BY key');
SELECT oracle.strategy('on_view');
INSERT INTO src SELECT i, i % 15, nullif(i, 20) FROM generate_series(1, 40) i;
UPDATE src SET k = 13 WHERE k = 12; UPDATE inner_view SET key = 14 WHERE id = 13; DELETE FROM outer_view WHERE key = 1;
SELECT oracle.same('on_view');
-- a view and what it reads can't be pulled from under it
SELECT oracle.sqlstate('DROP VIEW inner_view'), oracle.sqlstate('DROP VIEW outer_view');
SELECT oracle.same('on_view');
SET client_min_messages = warning;
DROP SCHEMA capt CASCADE;
