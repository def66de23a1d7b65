--
-- GROUPING SETS, ROLLUP, CUBE: a row is in one group of each set.  By delta, and by computing groups anew.
--
CREATE SCHEMA sets; SET search_path = sets, public;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b text, c int, d date NOT NULL, n numeric, f float8, m mood, ok bool NOT NULL);
CREATE INDEX ON t (a);
CREATE FUNCTION fill(lo int, hi int) RETURNS void LANGUAGE sql SET search_path = sets AS $$
    INSERT INTO t SELECT k, k % 5, CASE k % 4 WHEN 0 THEN NULL ELSE 'b' || k % 4 END, nullif(k % 6, 5), date '2020-01-01' + k % 3, k / 4.0, k / 7.0,
        (ARRAY['sad', 'ok', 'happy'])[k % 3 + 1]::mood, k % 2 = 0 FROM generate_series(lo, hi) k $$;

-- empty at first: the empty set has its group all the same
SELECT imat.create('rolled', 'SELECT a, b, count(*) AS n, sum(c) AS s, GROUPING(a, b) AS g FROM t GROUP BY ROLLUP (a, b)');
SELECT imat.create('not_null', 'SELECT a, d, count(*) AS n, sum(a) AS s FROM t GROUP BY CUBE (a, d)');
SELECT imat.create('hidden', 'SELECT a, b, c, count(*) AS n, avg(n) AS m, sum(f) AS s FROM t GROUP BY GROUPING SETS ((a, b), (b, c), (c), ())');
SELECT imat.create('hidden_keys', 'SELECT count(*) AS n, sum(c) FILTER (WHERE ok) AS s FROM t GROUP BY CUBE (a, b, c)');
SELECT imat.create('doubled', 'SELECT a, count(*) AS n, sum(n) AS s FROM t GROUP BY GROUPING SETS ((a), (), (a), ())');
SELECT imat.create('groupings', 'SELECT a, m, GROUPING(a) AS ga, GROUPING(m, a) + 10 AS gma, CASE WHEN GROUPING(m) = 1 THEN ''all'' ELSE m::text END AS t, count(c) AS n FROM t WHERE ok GROUP BY ROLLUP (m), ROLLUP (a)');
SELECT imat.create('having_', 'SELECT a, b, sum(c) AS s, count(*) AS n FROM t GROUP BY ROLLUP (a, b) HAVING count(*) > 3 AND (a IS NOT NULL OR GROUPING(a) = 1) AND sum(c) <> 12');
SELECT imat.create('expressions', 'SELECT a % 2 AS k, upper(b) AS u, coalesce(upper(b), ''?'') || a % 2 AS c, bool_or(ok) AS o, stddev(c) AS v FROM t GROUP BY CUBE (a % 2, upper(b))');
SELECT imat.create('mixed', 'SELECT a, b, d, count(*) AS n FROM t GROUP BY d, GROUPING SETS (ROLLUP (a, b), CUBE (b))');
SELECT imat.create('one_set', 'SELECT a, GROUPING(a) AS g, count(*) AS n FROM t GROUP BY GROUPING SETS ((a))');
SELECT imat.create('nothing', 'SELECT count(*) AS n, GROUPING(a) AS g, sum(c) AS s FROM t GROUP BY GROUPING SETS ((a), ()) HAVING GROUPING(a) = 1');
SELECT imat.create('empty_set', 'SELECT count(*) AS n, max(c) AS m FROM t GROUP BY ()');
SELECT imat.create('distincts', 'SELECT DISTINCT a, d, count(*) AS n, GROUPING(a, d) AS g FROM t GROUP BY ROLLUP (a, d)');
SELECT imat.create('k_rolled', 'SELECT a, b, GROUPING(a, b) AS g, max(c) AS hi, min(n) AS lo FROM t GROUP BY ROLLUP (a, b)');
SELECT imat.create('k_not_null', 'SELECT a, d, percentile_disc(0.5) WITHIN GROUP (ORDER BY c) AS p FROM t GROUP BY CUBE (a, d)');
SELECT imat.create('k_hidden', 'SELECT b, c, max(id) AS hi, count(DISTINCT a) AS k FROM t GROUP BY GROUPING SETS ((b), (c), (b, c), ())');
SELECT imat.create('k_no_keys', 'SELECT max(c) AS hi, string_agg(b, '','' ORDER BY id) AS l FROM t WHERE id < 300 GROUP BY CUBE (a, b)');
SELECT imat.create('k_doubled', 'SELECT a, max(id) AS hi FROM t GROUP BY GROUPING SETS ((a), (), (a), ()) HAVING max(id) % 3 > 0 OR GROUPING(a) = 1');
SELECT imat.create('k_expressions', 'SELECT CASE WHEN GROUPING(a) = 1 THEN -1 ELSE a END AS x, b || ''!'' AS y, max(a) - min(a) AS d, GROUPING(b) + max(c) AS z FROM t GROUP BY CUBE (a, b)');
-- a key is NULL in groups of other sets only where it is shown, not wherever something looks like it: a constant, one expression twice, what a subquery computes
SELECT imat.create('constant', 'SELECT ''k''::text AS k, b, coalesce(b, ''b1'') AS c, sum(CASE WHEN b = ''k'' THEN 0 ELSE c END) AS s FROM t GROUP BY ROLLUP (1, b)');
SELECT imat.create('constants', 'SELECT 1 AS one, 1 AS another, NULL::int AS nil, count(*) + 2 AS n FROM t GROUP BY CUBE (1, 2, 3) HAVING count(*) <> 2');
SELECT imat.create('constant_first', 'SELECT k, a, count(*) AS n FROM (SELECT 7 AS k, * FROM t) q GROUP BY ROLLUP (1, 2) ORDER BY n DESC, 2, 1 LIMIT 4');
SELECT imat.create('constant_alone', 'SELECT 1 AS one, count(*) AS n FROM t GROUP BY GROUPING SETS ((1))');
SELECT imat.create('constant_below', 'SELECT k, k || ''!'' AS more, coalesce(b, ''b1'') AS c, sum(c) AS s, GROUPING(k) AS g FROM (SELECT ''b1''::text AS k, * FROM t) q GROUP BY ROLLUP (b, k)');
SELECT imat.create('twice', 'SELECT a AS x, a AS y, sum(c) AS s, GROUPING(a) AS g FROM t GROUP BY ROLLUP (1, 2)');
SELECT imat.create('thrice', 'SELECT a AS x, a AS y, a AS z, sum(c) AS s FROM t GROUP BY GROUPING SETS ((1, 2), (2, 3), (3), ())');
SELECT imat.create('computed_below', 'SELECT b, u, upper(b) AS z, upper(b) || u AS zu, count(*) AS n FROM (SELECT *, upper(b) AS u FROM t) q GROUP BY GROUPING SETS ((b), (u), (b, u))');
SELECT imat.create('k_constant', 'SELECT ''k''::text AS k, b, coalesce(b, ''b1'') AS c, max(c) AS hi FROM t GROUP BY CUBE (1, b)');
SELECT imat.create('k_twice', 'SELECT a AS x, a AS y, max(c) AS hi FROM t GROUP BY GROUPING SETS ((1), (2), (1, 2))');
SELECT imat.create('k_computed_below', 'SELECT b, u, upper(b) AS z, max(c) AS hi FROM (SELECT *, upper(b) AS u FROM t) q GROUP BY GROUPING SETS ((b), (u))');
SELECT c.mv_name, oracle.strategy(imat) FROM imat.imat_config c WHERE agg_schema_name = 'sets' ORDER BY c.mv_name COLLATE "C";
SELECT c.relname, i.indisunique AS is_unique FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
  JOIN imat.imat_config f ON f.imat = c.oid WHERE f.agg_schema_name = 'sets' AND c.relname IN ('not_null', 'hidden', 'k_hidden') ORDER BY c.relname COLLATE "C";
-- what isn't the same, or wasn't done without computing everything; float sums are the exact ones, as imat.verify says
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$
    SELECT * FROM oracle.all_same('sets') a WHERE verdict ~ 'swap|BUT' OR (verdict !~ '^same' AND a.imat <> 'hidden') $$;
CREATE FUNCTION sizes() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(imat || ' ' || split_part(verdict, ', ', 2), ', ' ORDER BY imat COLLATE "C") FROM oracle.all_same('sets') WHERE imat <> 'hidden' $$;
SELECT sizes();
SELECT fill(1, 1);
SELECT * FROM bad();
SELECT sizes();
SELECT fill(2, 200);
SELECT * FROM bad();
SELECT sizes();
SELECT * FROM rolled WHERE a IS NULL OR b IS NULL ORDER BY a, b, g;
-- rows move, within their groups and to others; keys become NULL, and come back
UPDATE t SET c = c + 3, n = n * 1.10, f = f * 2 WHERE id % 5 = 0;
SELECT * FROM bad();
UPDATE t SET a = a + 1 WHERE id % 2 = 0;
SELECT * FROM bad();
UPDATE t SET b = NULL, c = NULL WHERE id < 20;
UPDATE t SET m = 'happy', ok = NOT ok WHERE id % 7 = 0;
SELECT * FROM bad();
UPDATE t SET b = 'b9', d = '2020-02-01', m = NULL WHERE b IS NULL;
SELECT * FROM bad();
-- groups die and are born
DELETE FROM t WHERE a = 2 OR b = 'b2';
SELECT * FROM bad();
INSERT INTO t VALUES (2000, 2, 'b2', 9, '2020-03-01', 1, 1, 'sad', true), (2001, 77, NULL, 10, '2020-03-01', 2.50, 'NaN', NULL, false), (2002, 77, 'b77', NULL, '2020-03-01', NULL, NULL, 'ok', true);
SELECT * FROM bad();
DELETE FROM t WHERE id = 2001;
SELECT * FROM bad();
-- only the groups that changed are written: those of one row, one a set
SELECT rows_written AS before FROM imat.status WHERE imat = 'rolled'::regclass \gset
INSERT INTO t VALUES (2003, 1, 'b1', 1, '2020-03-01', 1, 1, 'ok', true);
SELECT rows_written - :before AS written FROM imat.status WHERE imat = 'rolled'::regclass;
UPDATE t SET n = 5 WHERE id = 2003;
SELECT rows_written - :before AS written FROM imat.status WHERE imat = 'rolled'::regclass;
SELECT * FROM bad();
-- in one transaction, read in between, savepoints
BEGIN;
DELETE FROM t WHERE id IN (SELECT max(id) FROM t GROUP BY a);
SELECT * FROM bad();
SELECT fill(300, 320);
UPDATE t SET c = 1000 WHERE id = 300;
SELECT hi FROM k_rolled WHERE g = 3;
SAVEPOINT s;
UPDATE t SET c = 1001, b = 'b1001' WHERE id = 300;
SELECT * FROM bad();
SAVEPOINT s2;
DELETE FROM t;
SELECT * FROM bad();
SELECT sizes();
ROLLBACK TO s2;
SELECT * FROM bad();
ROLLBACK TO s;
SELECT * FROM bad();
COMMIT;
SELECT * FROM bad();
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE t SET c = 2000 WHERE id = 300;
SELECT hi FROM k_rolled WHERE g = 3;
DELETE FROM t WHERE id = 301;
COMMIT;
SELECT * FROM bad();
-- one expression twice, or a constant, that is also something else: what PostgreSQL makes of it differs between releases
SELECT imat.create('constant_elsewhere', 'SELECT ''b1''::text AS k, b, coalesce(b, ''b1'') AS c, ''b1''::text AS other, sum(c) AS s FROM t GROUP BY ROLLUP (1, b)');
SELECT imat.create('twice_elsewhere', 'SELECT a AS x, a AS y, a + 1 AS z, count(*) AS n FROM t GROUP BY ROLLUP (1, 2)');
SELECT strategy, strategy_reason FROM imat.status WHERE imat IN ('twice_elsewhere'::regclass, 'constant_elsewhere'::regclass);
-- nor does it order by a constant that is NULL in some groups
SELECT imat.create('constant_ordered', 'SELECT 7 AS k, a, count(*) AS n FROM t GROUP BY ROLLUP (1, 2) ORDER BY a, 1, n LIMIT 3');
SELECT strategy, strategy_reason FROM imat.status WHERE imat = 'constant_ordered'::regclass;
UPDATE t SET a = a + 1 WHERE id = 300;
SELECT verdict ~ '^same' AS same FROM oracle.all_same('sets') WHERE imat IN ('twice_elsewhere', 'constant_elsewhere', 'constant_ordered');
SELECT imat.drop('twice_elsewhere'), imat.drop('constant_elsewhere'), imat.drop('constant_ordered');
-- a large change
SELECT fill(10000, 14000);
UPDATE t SET n = n + 1;
SELECT * FROM bad();
DELETE FROM t WHERE id > 9999;
SELECT * FROM bad();
-- all rows leave; rebuilt by TRUNCATE and refresh, the state too
DELETE FROM t;
SELECT * FROM bad();
SELECT sizes();
SELECT fill(1, 30);
SELECT * FROM bad();
TRUNCATE t;
SELECT count(*) FROM oracle.all_same('sets') WHERE verdict !~ '^same';
SELECT fill(1, 30);
SELECT imat.refresh(imat) FROM imat.imat_config WHERE agg_schema_name = 'sets';
SELECT count(*) FROM oracle.all_same('sets') WHERE verdict !~ '^same' AND imat <> 'hidden';
SELECT fill(31, 60);
SELECT * FROM bad();
-- NOT NULL, which told the sets apart, comes and goes: what tells them apart then is kept, and the index that did is dropped
SELECT imat.create('not_null_having', 'SELECT a, d, count(*) AS n FROM t GROUP BY CUBE (a, d) HAVING count(*) > 1');
CREATE FUNCTION told() RETURNS TABLE (imat name, strategy text, by_index bool) LANGUAGE sql AS $$
    SELECT c.mv_name, oracle.strategy(c.imat), EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.imat AND i.indisunique)
      FROM imat.imat_config c WHERE agg_schema_name = 'sets' AND mv_name ~ 'not_null' ORDER BY c.mv_name COLLATE "C" $$;
SELECT * FROM told();
ALTER TABLE t ALTER d DROP NOT NULL, ALTER a DROP NOT NULL;
SELECT * FROM told();
INSERT INTO t SELECT id + 1000, a, b, c, d, n, f, m, ok FROM t;
SELECT imat, verdict FROM oracle.all_same('sets') WHERE verdict !~ '^same' AND imat <> 'hidden';
INSERT INTO t (id, ok) VALUES (500, true), (501, true);
UPDATE t SET d = NULL WHERE id % 10 = 0;
SELECT * FROM bad();
DELETE FROM t WHERE a IS NULL OR d IS NULL;
ALTER TABLE t ALTER d SET NOT NULL, ALTER a SET NOT NULL;
UPDATE t SET a = a + 1, c = c + 1 WHERE id % 3 = 0;
SELECT * FROM bad();
SELECT * FROM told();
ALTER TABLE t ALTER a DROP NOT NULL, ALTER d DROP NOT NULL;
UPDATE t SET a = NULL WHERE id % 10 = 1;
SELECT * FROM bad();
SELECT imat.refresh(imat) FROM imat.imat_config WHERE agg_schema_name = 'sets' AND mv_name ~ 'not_null';
SELECT imat, verdict FROM oracle.all_same('sets') WHERE imat ~ 'not_null';
UPDATE t SET d = NULL WHERE id % 10 = 2;
SELECT * FROM bad();
DROP FUNCTION told();

-- Over joins, and over IMATs
CREATE TABLE fact (id int PRIMARY KEY, dim int, v int);
CREATE TABLE dim (id int PRIMARY KEY, name text, region int);
CREATE INDEX ON fact (dim);
SELECT imat.create('j_delta', 'SELECT region, name, sum(v) AS s, count(*) AS n, GROUPING(region, name) AS g FROM fact JOIN dim ON dim.id = fact.dim GROUP BY ROLLUP (region, name)');
SELECT imat.create('j_keyed', 'SELECT region, name, max(v) AS hi FROM fact JOIN dim ON dim.id = fact.dim GROUP BY ROLLUP (region, name)');
SELECT imat.create('over_sets', 'SELECT g, count(*) AS n, sum(s) AS s FROM j_delta GROUP BY CUBE (g)');
SELECT imat.create('over_keyed', 'SELECT region, max(hi) AS hi, count(*) AS n FROM j_keyed GROUP BY ROLLUP (region)');
SELECT c.mv_name, oracle.strategy(imat) FROM imat.imat_config c WHERE mv_name ~ '^(j|over)_' ORDER BY c.mv_name COLLATE "C";
INSERT INTO dim SELECT i, nullif('n' || i % 4, 'n3'), i % 4 FROM generate_series(1, 12) i;
INSERT INTO fact SELECT i, nullif(i % 14, 0), i % 10 FROM generate_series(1, 100) i;
SELECT * FROM bad() WHERE imat ~ '^(j|over)_';
UPDATE fact SET v = v + 1 WHERE id % 3 = 0; UPDATE dim SET name = 'renamed' WHERE id = 3;
BEGIN;
UPDATE dim SET region = NULL WHERE id = 5;
SELECT * FROM bad() WHERE imat ~ '^(j|over)_';
DELETE FROM dim WHERE id = 1; DELETE FROM fact WHERE v > 8;
COMMIT;
SELECT * FROM bad() WHERE imat ~ '^(j|over)_';
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE fact SET v = 60 WHERE id = 2; UPDATE dim SET region = 3 WHERE region IS NULL;
SELECT max(hi) FROM over_keyed;
DELETE FROM fact WHERE id = 2;
COMMIT;
SELECT * FROM bad() WHERE imat ~ '^(j|over)_';
DELETE FROM fact;
SELECT * FROM oracle.all_same('sets') WHERE imat ~ '^(j|over)_';

-- A key made of another one, which its set leaves out
CREATE TABLE moments (id int, at timestamptz, v int);
INSERT INTO moments VALUES (1, '2024-03-31 01:30 UTC', 5), (2, NULL, 7), (3, '2024-03-31 18:30 UTC', 2);
SELECT imat.create('moment_keyed', 'SELECT at, at::date AS d, GROUPING(at, at::date) AS g, min(v) FROM moments GROUP BY GROUPING SETS ((at), (at::date), (at, at::date), ())');
SELECT imat.create('moment_delta', 'SELECT at, at::date AS d, GROUPING(at, at::date) AS g, sum(v) FROM moments GROUP BY GROUPING SETS ((at), (at::date), (at, at::date), ())');
UPDATE moments SET v = v + 1;
SELECT * FROM oracle.all_same('sets') WHERE imat ~ '^moment';
DELETE FROM moments WHERE id = 3;
INSERT INTO moments VALUES (4, '2024-04-01 00:30 UTC', 5);
SELECT * FROM oracle.all_same('sets') WHERE imat ~ '^moment';

-- What explain says of it, and what can't be
SELECT imat.explain_query('SELECT a, b, GROUPING(a, b) AS g, count(*) AS n FROM t GROUP BY ROLLUP (a, b) HAVING GROUPING(a) = 0');
SELECT imat.explain_query('SELECT id, ok, count(*) AS n FROM t GROUP BY CUBE (id, ok)');
SELECT imat.explain_query('SELECT a, b, max(c) FROM t GROUP BY ROLLUP (a, b)');
SELECT q, e AS strategy FROM (VALUES ('SELECT ''x'' AS x, count(*) FROM t GROUP BY ROLLUP (1)'), ('SELECT a, a AS a2, a + 1 AS more, count(*) FROM t GROUP BY ROLLUP (1, 2)'),
    ('SELECT DISTINCT b, count(*) FROM t GROUP BY ROLLUP (b)'), ('SELECT DISTINCT id, count(*) FROM t GROUP BY ROLLUP (id)'), ('SELECT DISTINCT ON (a) a, count(*) FROM t GROUP BY ROLLUP (a) ORDER BY a')) v (q), LATERAL (SELECT e FROM imat.explain_query(q) e LIMIT 1) x;
SET client_min_messages = warning;
DROP SCHEMA sets CASCADE;
