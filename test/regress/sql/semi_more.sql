--
-- Subqueries in expressions, more of them: what rows with another value decide, what is about groups around them, and what isn't evaluated.
--
CREATE SCHEMA semi_more; SET search_path = semi_more, public;
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$ SELECT * FROM oracle.all_same('semi_more') WHERE verdict !~ '^same' OR verdict ~ 'swap' $$;
CREATE TABLE a (id int PRIMARY KEY, g int, v int);
CREATE TABLE b (id int PRIMARY KEY, g int, v int);
INSERT INTO a VALUES (1, 1, 1), (2, 1, 2), (3, 2, 3), (4, 2, 0), (5, 3, NULL);
INSERT INTO b VALUES (1, 1, 2);
-- a row takes the place of another
SELECT imat.create('first_of', 'SELECT id, v IN (SELECT DISTINCT ON (b.g) b.v FROM b ORDER BY b.g, b.v) AS x FROM a');
SELECT imat.create('sets', 'SELECT id, v IN (SELECT b.v FROM b GROUP BY GROUPING SETS ((b.g, b.v), (b.g))) AS x FROM a');
SELECT imat.create('not_sets', 'SELECT id FROM a WHERE v NOT IN (SELECT b.v FROM b WHERE b.g = a.g GROUP BY GROUPING SETS ((b.g, b.v), (b.g)))');
SELECT imat.create('rolled', 'SELECT id FROM a WHERE v IN (SELECT b.v FROM b GROUP BY ROLLUP (b.v)) IS NULL');
-- about groups of the query around it
SELECT imat.create('sum_in', 'SELECT g, sum(v) IN (SELECT b.v FROM b) AS x FROM a GROUP BY g');
SELECT imat.create('having_more', 'SELECT g, count(*) AS n FROM a GROUP BY g HAVING EXISTS (SELECT FROM b WHERE b.v > sum(a.v))');
SELECT imat.create('counted', 'SELECT g, (SELECT count(*) FROM b WHERE b.v = sum(a.v)) AS n FROM a GROUP BY g');
SELECT imat.create('max_in', 'SELECT g, CASE WHEN max(v) IN (SELECT v FROM b) THEN 1 ELSE 0 END AS x FROM a GROUP BY g');
SELECT imat.create('lateral_', 'SELECT g, (SELECT max(l.w) FROM b, LATERAL (SELECT b.v + sum(a.v) AS w) l) AS x FROM a GROUP BY g');
SELECT imat.create('joined', 'SELECT g, EXISTS (SELECT FROM b LEFT JOIN a a2 ON a2.v = sum(a.v) WHERE a2.id > b.id) AS x FROM a GROUP BY g');
SELECT c.mv_name, oracle.strategy(imat) FROM imat.imat_config c WHERE agg_schema_name = 'semi_more' ORDER BY 1;
INSERT INTO b VALUES (2, 1, 1);
SELECT * FROM bad();
INSERT INTO b VALUES (3, 2, 3), (4, 3, NULL), (5, 4, 0);
SELECT * FROM bad();
UPDATE b SET v = v + 1 WHERE id IN (1, 3);
UPDATE a SET v = 3 WHERE id = 2;
SELECT * FROM bad();
DELETE FROM b WHERE id = 2;
INSERT INTO a VALUES (6, 1, 4), (7, 5, 1);
SELECT * FROM bad();
DELETE FROM b WHERE v IS NULL;
DELETE FROM a WHERE id IN (1, 3);
SELECT * FROM bad();
SELECT * FROM oracle.all_same('semi_more');
-- rows for which the subquery would fail, and is not evaluated
CREATE TABLE val (id int PRIMARY KEY, txt text, n int);
CREATE TABLE names (id int PRIMARY KEY, name text);
INSERT INTO val VALUES (1, 'abc', 0), (2, '5', 1), (3, NULL, 2);
INSERT INTO names VALUES (5, 'five');
SELECT imat.create('cased', $$SELECT id, CASE WHEN txt ~ '^\d+$' THEN (SELECT name FROM names WHERE names.id = val.txt::int) ELSE txt END AS x FROM val$$);
SELECT imat.create('either', 'SELECT id FROM val WHERE n = 0 OR n IN (SELECT names.id FROM names WHERE names.id = 10 / val.n)');
SELECT imat.create('inner_', $$SELECT id, CASE WHEN txt ~ '^\d+$' THEN EXISTS (SELECT FROM names WHERE EXISTS (SELECT FROM a WHERE a.id = names.id AND a.v < val.txt::int)) END AS x FROM val$$);
SELECT imat.create('coalesced', 'SELECT id, coalesce(nullif(txt, ''abc''), (SELECT max(name) FROM names WHERE names.id > n)) AS x FROM val');
SELECT imat.create('counted_if', $$SELECT n, count(*) FILTER (WHERE txt ~ '^\d+$' AND EXISTS (SELECT FROM names WHERE names.id = val.txt::int)) AS c FROM val GROUP BY n$$);
SELECT imat.explain('cased');
INSERT INTO names VALUES (6, 'six'), (1, 'one');
SELECT * FROM bad();
INSERT INTO val VALUES (4, '6', 10), (5, 'xyz', 0);
UPDATE names SET name = upper(name), id = id + 10;
SELECT * FROM bad();
DELETE FROM names WHERE id < 15;
UPDATE a SET v = v + 1;
SELECT * FROM bad();
SELECT * FROM cased ORDER BY id;
SELECT * FROM oracle.all_same('semi_more') WHERE imat IN ('cased', 'either', 'inner_', 'coalesced', 'counted_if');
SET client_min_messages = warning;
DROP SCHEMA semi_more CASCADE;
