--
-- Types whose definition changes, rows as a whole, and what else may change a result although no table and no column that
-- is read is altered; and text that means the present time.
--
CREATE SCHEMA types; SET search_path = types, public;
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$
    SELECT * FROM oracle.all_same('types') s WHERE s.verdict NOT LIKE 'same%' $$;

-- composite types
CREATE TYPE pair AS (a int, b int);
CREATE TABLE pairs (id int PRIMARY KEY, p pair);
INSERT INTO pairs VALUES (1, (1, 2)), (2, (3, 4)), (3, (1, 3));
SELECT imat.create('by_pair', 'SELECT p, count(*) AS n FROM pairs GROUP BY p');
SELECT imat.create('by_part', 'SELECT (p).a, count(*) AS n FROM pairs GROUP BY (p).a');
SELECT imat.create('by_text', 'SELECT p::text, count(*) AS n, avg(id) AS mean FROM pairs GROUP BY p::text');
SELECT imat.create('by_json', 'SELECT to_jsonb(p) AS j, string_agg(id::text, '','' ORDER BY id) AS ids FROM pairs GROUP BY 1');
ALTER TYPE pair ADD ATTRIBUTE c int;
SELECT * FROM bad();
INSERT INTO pairs VALUES (10, (1, 3, 4));
SELECT * FROM bad();
ALTER TYPE pair DROP ATTRIBUTE b;
SELECT * FROM bad();
SELECT * FROM by_text ORDER BY p COLLATE "C";
ALTER TYPE pair DROP ATTRIBUTE c;
SELECT * FROM bad();
INSERT INTO pairs VALUES (11, ROW(5)), (12, ROW(1));
SELECT * FROM bad();
ALTER TYPE pair RENAME ATTRIBUTE a TO first;
SELECT * FROM bad();
DELETE FROM pairs WHERE id = 2;
SELECT * FROM oracle.all_same('types');
SELECT * FROM by_json ORDER BY j;
SELECT oracle.sqlstate('ALTER TYPE pair DROP ATTRIBUTE first');
BEGIN; ALTER TYPE pair ADD ATTRIBUTE d text; INSERT INTO pairs VALUES (13, (7, 'd')); ROLLBACK;
SELECT * FROM bad();

-- rows of a table as a whole: in the table itself, through a view, and as a column of another one
CREATE TABLE wide (a int, b int, c int);
CREATE VIEW whole AS SELECT wide AS row FROM wide;
CREATE TABLE holder (id int, r wide);
SELECT imat.create('rows_', 'SELECT wide::text AS row, count(*) AS n FROM wide GROUP BY wide::text');
SELECT imat.create('json_rows', 'SELECT to_jsonb(row) AS row, count(*) AS n FROM whole GROUP BY 1');
SELECT imat.create('held', 'SELECT r::text AS row, count(*) AS n FROM holder GROUP BY r::text');
SELECT imat.create('columns', 'SELECT a, count(*) AS n FROM wide GROUP BY a');
INSERT INTO wide VALUES (1, 2, 3), (1, 2, 4), (5, 6, 7);
INSERT INTO holder VALUES (1, (1, 2, 3)), (2, (1, 4, 3));
SELECT * FROM bad();
ALTER TABLE wide ADD COLUMN d int;
SELECT * FROM bad();
INSERT INTO wide VALUES (1, 2, 3, 4); INSERT INTO holder VALUES (3, (1, 2, 3, 4));
SELECT * FROM bad();
ALTER TABLE wide DROP COLUMN b;
SELECT * FROM bad();
ALTER TABLE wide RENAME COLUMN c TO third;
SELECT * FROM bad();
INSERT INTO wide VALUES (8, 9, 10); INSERT INTO holder VALUES (1, (1, 2, 3));
SELECT imat, split_part(verdict, ',', 1) AS verdict FROM oracle.all_same('types') WHERE imat IN ('rows_', 'json_rows', 'held', 'columns');
SELECT * FROM json_rows ORDER BY row;
SELECT * FROM held ORDER BY row COLLATE "C";
SELECT swaps FROM imat.status WHERE imat = 'columns'::regclass;
SET client_min_messages = warning;
DROP TABLE holder CASCADE;
RESET client_min_messages;
ALTER TABLE wide ALTER COLUMN third TYPE numeric(5, 2);
SELECT * FROM bad();
ALTER TABLE wide ADD COLUMN e int DEFAULT 5;
INSERT INTO wide VALUES (8, 9, 10);
SELECT * FROM bad();
SELECT * FROM rows_ ORDER BY row COLLATE "C";

-- domains
CREATE DOMAIN small AS int CHECK (VALUE < 100);
CREATE TABLE smalls (id int PRIMARY KEY, d small, v int);
INSERT INTO smalls VALUES (1, 1, 1), (2, 2, 2);
SELECT imat.create('by_small', 'SELECT d, count(*) AS n FROM smalls GROUP BY d');
SELECT imat.create('to_small', 'SELECT v::small AS d, sum(d) AS s FROM smalls GROUP BY v::small');
SELECT oracle.error('INSERT INTO smalls VALUES (3, 3, 100)');
ALTER DOMAIN small DROP CONSTRAINT small_check;
INSERT INTO smalls VALUES (3, 3, 100);
SELECT * FROM bad();
SELECT oracle.sqlstate('ALTER DOMAIN small ADD CHECK (VALUE < 50)');
-- not even so, since the definition of to_small could not be computed any more
SELECT oracle.sqlstate('ALTER DOMAIN small ADD CONSTRAINT fifty CHECK (VALUE < 50) NOT VALID');
UPDATE smalls SET v = 30, d = 60 WHERE id = 3;
ALTER DOMAIN small ADD CONSTRAINT fifty CHECK (VALUE < 50) NOT VALID;
-- what is there already, and would not come in now, may still go
SELECT oracle.sqlstate('UPDATE smalls SET d = 61 WHERE id = 3');
UPDATE smalls SET d = 4 WHERE id = 1;
SELECT * FROM bad();
DELETE FROM smalls WHERE id = 3;
DELETE FROM smalls WHERE id = 2;
ALTER DOMAIN small SET NOT NULL;
ALTER DOMAIN small RENAME TO tiny;
INSERT INTO smalls VALUES (4, 4, 4);
SELECT * FROM bad();
SELECT * FROM to_small ORDER BY d;

-- collations
CREATE COLLATION mine FROM "C";
CREATE TABLE words (id int PRIMARY KEY, w text COLLATE mine);
INSERT INTO words VALUES (1, 'a'), (2, 'B');
SELECT imat.create('least_word', 'SELECT min(w) AS least FROM words');
SELECT imat.create('by_word', 'SELECT w, count(*) AS n FROM words GROUP BY w');
ALTER COLLATION mine RENAME TO yours;
ALTER COLLATION yours REFRESH VERSION;
INSERT INTO words VALUES (3, 'A');
SELECT * FROM bad();

-- rules of views: what they select, replaced in another way
CREATE TABLE ruled (id int PRIMARY KEY, k int, v int);
INSERT INTO ruled SELECT i, i % 3, i FROM generate_series(1, 9) i;
CREATE VIEW ruled_view AS SELECT k, v FROM ruled WHERE v < 5;
SELECT imat.create('of_ruled', 'SELECT k, sum(v) AS s FROM ruled_view GROUP BY k');
SELECT imat.create('of_ruled_rows', 'SELECT k, v FROM ruled_view');
CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO ruled_view DO INSTEAD SELECT k, v * 10 AS v FROM ruled;
SELECT * FROM bad();
INSERT INTO ruled VALUES (10, 1, 10);
SELECT * FROM bad();
SELECT * FROM of_ruled ORDER BY k;
BEGIN;
DELETE FROM ruled WHERE id < 3;
CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO ruled_view DO INSTEAD SELECT k % 2 AS k, v FROM ruled;
SELECT * FROM bad();
UPDATE ruled SET v = v + 1 WHERE k = 1;
SELECT * FROM bad();
COMMIT;
SELECT * FROM bad();
CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO imat.of_ruled_definition DO INSTEAD SELECT k, count(*) AS s FROM ruled GROUP BY k;
SELECT * FROM bad();
INSERT INTO ruled VALUES (11, 1, 10);
SELECT * FROM bad();
CREATE RULE also AS ON INSERT TO ruled DO ALSO DELETE FROM ruled WHERE id = NEW.id - 10;
INSERT INTO ruled VALUES (15, 1, 10);
SELECT * FROM bad();

-- text search configurations of one's own
CREATE TEXT SEARCH DICTIONARY stop (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION conf (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION conf ALTER MAPPING FOR asciiword WITH stop;
CREATE TABLE texts (id int PRIMARY KEY, t text);
INSERT INTO texts VALUES (1, 'a b'), (2, 'The c');
SELECT imat.create('vectors', 'SELECT to_tsvector(''types.conf'', t) AS v, count(*) AS n FROM texts GROUP BY 1');
ALTER TEXT SEARCH DICTIONARY stop (STOPWORDS = english);
SELECT * FROM bad();
INSERT INTO texts VALUES (3, 'the d');
SELECT * FROM bad();
ALTER TEXT SEARCH CONFIGURATION conf ALTER MAPPING FOR asciiword WITH english_stem;
SELECT * FROM bad();
SELECT * FROM vectors ORDER BY v;

-- roles: what an owner may see when row-level security holds for him no more is shown from the next change on
CREATE ROLE imat_types_owner;
CREATE TABLE secret (id int PRIMARY KEY, k int);
INSERT INTO secret SELECT i, i % 3 FROM generate_series(1, 30) i;
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON secret USING (id < 10);
GRANT SELECT, TRIGGER ON secret TO imat_types_owner; GRANT USAGE, CREATE ON SCHEMA types TO imat_types_owner;
SET ROLE imat_types_owner;
SELECT imat.create('seen', 'SELECT k, count(*) AS n FROM secret GROUP BY k');
RESET ROLE;
SELECT sum(n) FROM seen;
ALTER ROLE imat_types_owner BYPASSRLS;
SELECT imat.verify('seen');
INSERT INTO secret VALUES (40, 7);
SELECT sum(n) FROM seen;
SELECT imat.verify('seen');
ALTER ROLE imat_types_owner NOBYPASSRLS;
SELECT imat.refresh('seen');
SELECT sum(n) FROM seen;
SELECT imat.verify('seen');

-- an attribute of a composite type is dropped, be it of arrays in rows of a domain: rows that are alike then are one group, and indexes
-- that had them in order have another
CREATE TYPE couple AS (a int, b int);
CREATE TYPE deep AS (x int, pairs couple[]);
CREATE DOMAIN deeper AS deep;
CREATE TABLE nested (id int, h int, k couple, d deeper);
INSERT INTO nested SELECT i, i % 4, ROW(i, i % 5)::couple, ROW(i % 3, ARRAY[ROW(i % 7, i % 2)::couple])::deep FROM generate_series(1, 120) i;
SELECT imat.create('of_pairs', 'SELECT k, count(*) AS n FROM nested GROUP BY k'), imat.create('of_deep', 'SELECT d, count(*) AS n FROM nested GROUP BY d'),
    imat.create('kept_deep', 'SELECT d FROM nested GROUP BY d'), imat.create('shown_deep', 'SELECT id, d, k FROM nested'), imat.create('alike_deep', 'SELECT d, h FROM nested'),
    imat.create('distinct_deep', 'SELECT h, count(DISTINCT d) AS n, max(ARRAY[k]) AS m FROM nested GROUP BY h'), imat.create('ranked_deep', 'SELECT d, h, rank() OVER (PARTITION BY d ORDER BY h) AS r FROM nested');
ALTER TYPE couple DROP ATTRIBUTE a;
SELECT * FROM oracle.all_same('types') WHERE verdict !~ '^same';
UPDATE nested SET id = id + 1; UPDATE nested SET k = ROW(1)::couple, d = ROW(2, ARRAY[ROW(1)::couple])::deep WHERE id % 5 = 1; INSERT INTO nested VALUES (0, 0, ROW(9), ROW(2, NULL)); DELETE FROM nested WHERE id % 7 = 1;
SELECT * FROM oracle.all_same('types') WHERE verdict !~ '^same';
ALTER TYPE couple ADD ATTRIBUTE c int;
UPDATE nested SET k = ROW(1, 2)::couple, d = ROW(2, ARRAY[ROW(1, 3)::couple])::deep WHERE id % 5 = 1; DELETE FROM nested WHERE id % 11 = 1;
SELECT * FROM oracle.all_same('types') WHERE verdict !~ '^same';

-- text that means the present time: as a literal it is a constant; where it is converted by the query, it is refused
CREATE TABLE times (id int, t text, ts timestamptz);
SELECT oracle.error($$SELECT imat.create('present', 'SELECT count(*) FROM times WHERE ts < ''now''::text::timestamptz')$$);
SELECT condition, oracle.sqlstate(format('SELECT imat.create(%L, %L)', 'present_' || n, 'SELECT count(*) FROM times WHERE ' || condition))
  FROM unnest(ARRAY['ts < ''now''::timestamptz', 'ts > cast('' Today 10:00'' AS text)::date', 'ts < (''no'' || ''w'')::timestamptz',
    'ts > coalesce(t, ''YESTERDAY'')::timestamptz', 'ts > (CASE WHEN id > 1 THEN t ELSE ''tomorrow'' END)::date',
    'ts < timestamptz_in(''now'', 0, -1)', 'ts = ANY (''{2020-01-01, now}''::text[]::timestamptz[])', 'ts <@ ''[yesterday,)''::text::tstzrange',
    't::time < ''now''::text::time', 't = ''now''', 'ts < ''infinity''::text::timestamptz AND t <> ''nowhere''',
    '(CASE WHEN t = ''now'' THEN ''2020-01-01'' ELSE t END)::date > ts']) WITH ORDINALITY AS tried(condition, n) ORDER BY n;

SET client_min_messages = warning;
DROP SCHEMA types CASCADE;
DROP OWNED BY imat_types_owner; DROP ROLE imat_types_owner;
SELECT count(*) FROM imat.registered;
