--
-- Group keys under a collation in which different strings are equal (needs ICU)
--
SELECT NOT EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i') OR getdatabaseencoding() <> 'UTF8' AS no_icu \gset
\if :no_icu
\quit
\endif
CREATE SCHEMA coll; SET search_path = coll, public;
CREATE COLLATION ignore_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE words (id int PRIMARY KEY, w text COLLATE ignore_case, plain text);
SELECT imat.create('by_word', 'SELECT w, count(*) AS n, sum(id) AS s FROM words GROUP BY w');
SELECT imat.create('by_cast', 'SELECT plain COLLATE ignore_case AS w, count(*) AS n FROM words GROUP BY plain COLLATE ignore_case');
SELECT imat.create('words_distinct', 'SELECT DISTINCT w FROM words');
SELECT imat.create('by_c', 'SELECT w COLLATE "C" AS w, count(*) AS n FROM words GROUP BY w COLLATE "C"');
SELECT imat.create('computed', 'SELECT length(w) AS l, upper(w) AS u, count(*) AS n FROM words GROUP BY w');
SELECT imat.create('extremes', 'SELECT id % 2 AS k, min(w), max(w), max(plain COLLATE ignore_case) AS p2, upper(min(w)) AS u FROM words GROUP BY 1');
SELECT imat.create('counted', 'SELECT id > 2 AS late, count(DISTINCT w) AS words, count(DISTINCT w COLLATE "C") AS spellings, count(DISTINCT plain COLLATE ignore_case) AS plain FROM words GROUP BY id > 2');
SELECT oracle.strategy('counted');
INSERT INTO words VALUES (1, 'Abc', 'x'), (2, 'aBC', 'X'), (3, 'abd', 'y'), (4, NULL, NULL);
SELECT * FROM oracle.all_same('coll', 'equal');
SELECT count(*), sum(n) FROM by_word;
SELECT count(*) FROM by_c;
DELETE FROM words WHERE id = 1;
INSERT INTO words VALUES (5, 'ABC', 'Y'), (6, 'ABD', NULL);
SELECT * FROM oracle.all_same('coll', 'equal');
SELECT lower(w COLLATE "C") AS w, n, s FROM by_word ORDER BY 1;
SELECT * FROM counted ORDER BY late;
UPDATE words SET w = upper(w), plain = lower(plain);
SELECT * FROM counted ORDER BY late;
SELECT * FROM oracle.all_same('coll', 'equal');
DELETE FROM words WHERE id > 2;
SELECT * FROM oracle.all_same('coll', 'equal');
INSERT INTO words SELECT 10 + i, CASE i % 3 WHEN 0 THEN 'z' WHEN 1 THEN 'Z' END || i / 4, 'p' FROM generate_series(0, 40) i;
SELECT min, max, p2, u FROM extremes ORDER BY k;
DELETE FROM words WHERE id BETWEEN 20 AND 48;
SELECT min, max, p2, u, imat.verify('extremes') FROM extremes ORDER BY k;
SET client_min_messages = warning;
DROP SCHEMA coll CASCADE;
