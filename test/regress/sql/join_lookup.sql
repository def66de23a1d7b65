--
-- A few changed rows of a join find their partners by unique indexes, where these serve: every kind of index and
-- condition, and that the planner takes over where they don't.
--
CREATE SCHEMA lookup; SET search_path = lookup, public;
CREATE TABLE fact (id int PRIMARY KEY, big bigint, small smallint, word varchar(10), a int, b text, day date, v int NOT NULL);
CREATE TABLE by_id (id int PRIMARY KEY, name text);
CREATE TABLE by_word (word text PRIMARY KEY, other int, name text);
CREATE TABLE by_two (b varchar(10) NOT NULL, a int NOT NULL, name text, PRIMARY KEY (b, a));
CREATE TABLE nullable (id int UNIQUE, name text);
CREATE TABLE partial (id int, name text);
CREATE UNIQUE INDEX ON partial (id) WHERE name <> 'n0';
CREATE TABLE expression (id int, name text);
CREATE UNIQUE INDEX ON expression ((id + 0));
CREATE TABLE deferred (id int UNIQUE DEFERRABLE INITIALLY DEFERRED, name text);
CREATE TABLE parent (id int PRIMARY KEY, name text);
CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
CREATE TABLE collated (word text COLLATE "C" PRIMARY KEY, name text);
CREATE FUNCTION make(name text, condition text, source text) RETURNS void LANGUAGE sql AS $$
    SELECT imat.create(name, format('SELECT d.name, count(*) AS n, sum(f.v) AS s FROM fact f JOIN %s d ON %s GROUP BY d.name', source, condition));
$$;
SELECT make('wider', 'd.id = f.big', 'by_id'), make('narrower', 'f.small = d.id', 'by_id'), make('relabelled', 'd.word = f.word', 'by_word'),
       make('two', 'd.a = f.a AND f.b = d.b', 'by_two'), make('half', 'd.b = f.b', 'by_two'), make('computed', 'd.id = f.a * 2 + 1', 'by_id'),
       make('nulls', 'd.id = f.a', 'nullable'), make('on_partial', 'd.id = f.a', 'partial'), make('on_expression', 'd.id + 0 = f.a', 'expression'),
       make('on_deferred', 'd.id = f.a', 'deferred'), make('on_parent', 'd.id = f.a', 'parent'), make('range', 'd.id > f.a', 'by_id'),
       make('constant', 'd.id = 3 AND f.a > 1', 'by_id'), make('on_collated', 'd.word = f.word COLLATE "C"', 'collated'),
       make('filtered', 'd.id = f.a AND (f.v > 10 OR d.name = ''n1'')', 'by_id');
SELECT imat.create('chain', 'SELECT x.name, w.name AS word, count(*) AS n, sum(f.v) AS s, avg(f.v) AS m
    FROM fact f, by_word w, by_id x WHERE w.word = f.word AND x.id = w.other GROUP BY 1, 2');
SELECT imat.create('star', 'SELECT x.name, t.name AS two, count(*) AS n, max(f.v) AS m
    FROM fact f, by_two t, by_id x WHERE t.a = f.a AND t.b = f.b AND x.id = f.small GROUP BY 1, 2');
SELECT imat.create('rows_', 'SELECT f.id, x.name, f.v + x.id AS w FROM fact f JOIN by_id x ON x.id = f.a');
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$ SELECT * FROM oracle.all_same('lookup') WHERE verdict !~ '^same' OR verdict ~ 'swap' $$;
INSERT INTO by_id SELECT i, 'n' || i % 4 FROM generate_series(1, 20) i;
INSERT INTO by_word SELECT 'w' || i, i % 25, 'n' || i % 3 FROM generate_series(1, 9) i;
INSERT INTO by_two SELECT 'b' || i % 3, i, 'n' || i % 5 FROM generate_series(1, 20) i;
INSERT INTO nullable SELECT nullif(i, 7), 'n' || i % 4 FROM generate_series(1, 20) i;
INSERT INTO partial SELECT i % 10, CASE WHEN i > 10 THEN 'n0' ELSE 'n1' END FROM generate_series(1, 20) i;
INSERT INTO expression SELECT i, 'n' || i % 4 FROM generate_series(1, 20) i;
INSERT INTO deferred SELECT i, 'n' || i % 4 FROM generate_series(1, 20) i;
INSERT INTO parent SELECT i, 'n' || i % 4 FROM generate_series(1, 10) i;
INSERT INTO child SELECT i, 'n' || i % 4 FROM generate_series(5, 20) i;
INSERT INTO collated SELECT 'w' || i, 'n' || i % 3 FROM generate_series(1, 9) i;
INSERT INTO fact SELECT i, nullif(i % 9, 0), i % 7, 'w' || nullif(i % 11, 0), nullif(i % 21, 0), 'b' || i % 3, date '2020-01-01' + i, i FROM generate_series(1, 60) i;
SELECT * FROM bad();
SELECT imat, split_part(verdict, ',', 1) AS verdict FROM oracle.all_same('lookup');

-- a few rows at a time
INSERT INTO fact VALUES (100, 4, 4, 'w4', 4, 'b1', '2021-01-01', 17), (101, NULL, NULL, NULL, NULL, NULL, NULL, 5);
UPDATE fact SET a = 7, word = 'w2', b = 'b1' WHERE id IN (3, 100);
DELETE FROM fact WHERE id IN (5, 101);
SELECT * FROM bad();
-- values that no narrower column can have
INSERT INTO fact VALUES (102, 5000000000, 30000, 'w3', 20, 'b0', NULL, 1);
SELECT * FROM bad();
-- dimensions change, alone and with the facts
UPDATE by_id SET name = 'n9' WHERE id = 4;
UPDATE by_two SET a = a + 100 WHERE a = 7;
BEGIN;
UPDATE by_word SET other = 3 WHERE word = 'w2';
INSERT INTO fact VALUES (103, 3, 3, 'w2', 3, 'b0', NULL, 2);
DELETE FROM by_id WHERE id = 2;
COMMIT;
SELECT * FROM bad();
-- not unique for a while
BEGIN;
INSERT INTO deferred VALUES (3, 'twice');
INSERT INTO fact (id, a, v) VALUES (104, 3, 1000);
SELECT n, s FROM on_deferred WHERE name = 'twice';
DELETE FROM deferred WHERE name = 'twice';
COMMIT;
SELECT * FROM bad();
-- the index goes, comes back, and duplicates with it
SELECT imat.drop('rows_'); -- has its key from it
ALTER TABLE by_id DROP CONSTRAINT by_id_pkey CASCADE;
INSERT INTO fact (id, a, big, small, v) VALUES (105, 6, 6, 6, 50);
INSERT INTO by_id VALUES (6, 'again');
INSERT INTO fact (id, a, big, small, v) VALUES (106, 6, 6, 6, 51);
SELECT * FROM bad();
SELECT n, s FROM wider WHERE name = 'again';
DELETE FROM by_id WHERE name = 'again';
ALTER TABLE by_id ADD PRIMARY KEY (id);
INSERT INTO fact (id, a, big, small, v) VALUES (107, 6, 6, 6, 52);
SELECT * FROM bad();
-- columns come and go
SET client_min_messages = warning;
ALTER TABLE by_id ADD extra int, DROP COLUMN name CASCADE;
RESET client_min_messages;
SELECT imat.create('later', 'SELECT d.extra, count(*) AS n FROM fact f JOIN by_id d ON d.id = f.a GROUP BY d.extra');
ALTER TABLE fact DROP COLUMN day, ADD more int;
UPDATE by_id SET extra = id % 2;
INSERT INTO fact (id, a, v, more) VALUES (108, 6, 1, 1);
SELECT * FROM bad();
SELECT * FROM later ORDER BY 1;
-- Hundreds of changed rows look their partners up by an index, too, and don't have the whole table read; thousands do
CREATE TABLE placed (id int PRIMARY KEY, day int NOT NULL);
CREATE TABLE line (id int NOT NULL, no int NOT NULL, qty int NOT NULL, PRIMARY KEY (id, no));
INSERT INTO placed SELECT i, i % 10 FROM generate_series(1, 10000) i;
INSERT INTO line SELECT i, n, i % 7 FROM generate_series(1, 10000) i, generate_series(1, 4) n;
ANALYZE placed, line;
SELECT imat.create('by_day', 'SELECT p.day, count(*) AS n, sum(l.qty) AS q FROM placed p JOIN line l USING (id) GROUP BY p.day');
CREATE FUNCTION whole_scans() RETURNS bigint LANGUAGE sql AS $$ SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relid = 'lookup.line'::regclass $$;
BEGIN;
SELECT whole_scans() AS before \gset
UPDATE placed SET day = day + 1 WHERE id <= 400;
SELECT whole_scans() - :before AS hundreds, whole_scans() AS before \gset
SELECT :hundreds AS hundreds;
UPDATE placed SET day = day + 1 WHERE id <= 9000;
SELECT whole_scans() - :before > 0 AS thousands;
COMMIT;
SELECT * FROM oracle.all_same('lookup') WHERE imat = 'by_day';
