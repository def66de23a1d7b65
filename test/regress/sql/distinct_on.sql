--
-- DISTINCT ON, DISTINCT on top of groups, and what depends on the order of rows: an outcome of the query's, always the same one.
--
CREATE SCHEMA firsts; SET search_path = firsts, public;
CREATE TABLE t (id int PRIMARY KEY, a int, b int NOT NULL, c int, x text, n numeric, j json, at timestamp NOT NULL);
CREATE INDEX ON t (a);
CREATE FUNCTION fill(lo int, hi int) RETURNS void LANGUAGE sql SET search_path = firsts AS $$
    INSERT INTO t SELECT k, nullif(k % 7, 0), k % 5, nullif(k % 11, 3), 'x' || k % 13, CASE k % 3 WHEN 0 THEN k % 4 ELSE (k % 4) * 1.00 END,
        json_build_object('k', k % 3), timestamp '2020-01-01' + k % 10 * interval '1 hour' FROM generate_series(lo, hi) k $$;
SELECT fill(1, 100);
-- determined by their ORDER BY, so that the query gives the very same
SELECT imat.create('latest', 'SELECT DISTINCT ON (a) a, id, b, at FROM t ORDER BY a, at DESC, id');
SELECT imat.create('hidden_key', 'SELECT DISTINCT ON (b, x) id, c FROM t ORDER BY x DESC, b, c NULLS FIRST, id DESC');
SELECT imat.create('by_expression', 'SELECT DISTINCT ON (a % 3, upper(x)) id, upper(x) AS u FROM t WHERE c > 2 ORDER BY upper(x), a % 3, c, id');
SELECT imat.create('half_ordered', 'SELECT DISTINCT ON (b, a) a, b FROM t ORDER BY a');
SELECT imat.create('over_groups', 'SELECT DISTINCT ON (a) a, b, count(*) AS n, max(c) AS hi FROM t GROUP BY a, b HAVING count(*) > 1 ORDER BY a, count(*) DESC, b');
SELECT imat.create('over_hidden', 'SELECT DISTINCT ON (a % 2) b, sum(c) AS s FROM t GROUP BY a, b ORDER BY a % 2, sum(c) DESC NULLS LAST, b, a');
SELECT imat.create('distinct_groups', 'SELECT DISTINCT b, a, count(*) AS n, sum(c) AS s FROM t GROUP BY a, b');
SELECT imat.create('distinct_one', 'SELECT DISTINCT count(*) AS n FROM t');
-- not determined by it
SELECT imat.create('any_of_them', 'SELECT DISTINCT ON (a) a, x, n, c, j FROM t');
SELECT imat.create('ties', 'SELECT DISTINCT ON (b) b, at, x, n FROM t ORDER BY b, at');
SELECT imat.create('lists', 'SELECT a, array_agg(c) AS cs, array_agg(x) AS xs, string_agg(x, '','') AS l, count(*) AS k FROM t GROUP BY a');
SELECT imat.create('more_lists', 'SELECT b, json_agg(n) AS jn, jsonb_agg(c) AS jc, array_agg(j) AS js, json_object_agg(x, c) AS o, jsonb_object_agg(x, c) AS ob FROM t WHERE x IS NOT NULL GROUP BY b HAVING cardinality(array_agg(c)) > 1');
SELECT imat.create('ordered_lists', 'SELECT b, array_agg(c ORDER BY at) AS cs, string_agg(x, ''+'' ORDER BY c DESC) AS l, array_agg(id ORDER BY id) AS ids FROM t GROUP BY b');
SELECT imat.create('one_list', 'SELECT array_agg(c) FILTER (WHERE id % 5 = 0) AS cs, array_length(array_agg(n), 1) AS l FROM t');
SELECT imat.create('in_sets', 'SELECT a, b, array_agg(c) AS cs FROM t WHERE id % 4 = 0 GROUP BY ROLLUP (a, b)');
SELECT c.mv_name, oracle.strategy(imat) FROM imat.imat_config c WHERE agg_schema_name = 'firsts' ORDER BY c.mv_name COLLATE "C";
CREATE FUNCTION undetermined(name text) RETURNS bool LANGUAGE sql AS $$ SELECT name IN ('any_of_them', 'ties', 'lists', 'more_lists', 'ordered_lists', 'one_list', 'in_sets') $$;
-- what isn't the same, or wasn't done without computing everything
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$
    SELECT * FROM oracle.all_same('firsts') a WHERE verdict ~ 'swap|BUT' OR (verdict !~ '^same' AND NOT undetermined(a.imat))
    UNION ALL SELECT 'lists', 'other values' FROM (
        (SELECT a, k, (SELECT array_agg(e ORDER BY e) FROM unnest(cs) e), (SELECT array_agg(e ORDER BY e) FROM unnest(xs) e), array_to_string(xs, ',') IS NOT DISTINCT FROM coalesce(l, '') FROM lists
         EXCEPT ALL SELECT a, count(*), array_agg(c ORDER BY c), array_agg(x ORDER BY x), true FROM t GROUP BY a)
        UNION ALL (SELECT a, 0, NULL::int[], ARRAY[c::text, x], true FROM lists, unnest(cs, xs) u (c, x) EXCEPT ALL SELECT a, 0, NULL::int[], ARRAY[c::text, x], true FROM t)) d
    UNION ALL SELECT 'more_lists', 'other values' FROM (
        SELECT b, (SELECT array_agg(e::text ORDER BY e::text) FROM json_array_elements(jn) e), (SELECT array_agg(e::text ORDER BY e::text) FROM unnest(js) e) FROM more_lists
        EXCEPT ALL SELECT b, array_agg(coalesce(to_json(n)::text, 'null') ORDER BY coalesce(to_json(n)::text, 'null')), array_agg(j::text ORDER BY j::text) FROM t WHERE x IS NOT NULL GROUP BY b) d
    UNION ALL SELECT 'ordered_lists', 'other values' FROM (
        SELECT b, (SELECT array_agg(e ORDER BY e) FROM unnest(cs) e), ids FROM ordered_lists
        EXCEPT ALL SELECT b, array_agg(c ORDER BY c), array_agg(id ORDER BY id) FROM t GROUP BY b) d
    UNION ALL SELECT 'ties', 'no first row' FROM ties f WHERE NOT EXISTS (
        SELECT FROM t WHERE (t.b, t.at, t.x, t.n::text) IS NOT DISTINCT FROM (f.b, f.at, f.x, f.n::text) AND NOT EXISTS (SELECT FROM t o WHERE o.b = t.b AND o.at < t.at)) $$;
SELECT * FROM bad();
SELECT imat, split_part(verdict, ', ', 2) AS size FROM oracle.all_same('firsts');
-- another order of rows is none of the table's business
SELECT c::text AS before FROM (SELECT string_agg(l::text, ' ' ORDER BY a) FROM lists l) x (c) \gset
SELECT c::text AS ties_before FROM (SELECT string_agg(l::text, ' ' ORDER BY b) FROM ties l) x (c) \gset
CREATE TEMP TABLE copy AS SELECT * FROM t;
BEGIN; DELETE FROM t; INSERT INTO t SELECT * FROM copy ORDER BY md5(id::text); COMMIT;
SELECT * FROM bad();
SELECT c = :'before' AS unchanged FROM (SELECT string_agg(l::text, ' ' ORDER BY a) FROM lists l) x (c);
SELECT c = :'ties_before' AS unchanged FROM (SELECT string_agg(l::text, ' ' ORDER BY b) FROM ties l) x (c);
-- the first row leaves, another comes before it, one behind it changes nothing
INSERT INTO t VALUES (1000, 1, 1, 1, 'x1', 1, NULL, '2020-01-02');
SELECT * FROM bad();
DELETE FROM t WHERE id = 1000;
SELECT * FROM bad();
SELECT rows_written AS before FROM imat.status WHERE imat = 'latest'::regclass \gset
INSERT INTO t VALUES (1001, 1, 1, 1, 'x1', 1, NULL, '2000-01-01');
SELECT rows_written - :before AS written FROM imat.status WHERE imat = 'latest'::regclass;
UPDATE t SET at = at + interval '1 day' WHERE id % 10 = 3;
SELECT * FROM bad();
UPDATE t SET a = a + 1, b = b + 1 WHERE id % 4 = 0;
SELECT * FROM bad();
UPDATE t SET a = NULL, c = NULL, x = NULL WHERE id < 20;
UPDATE t SET n = n + 0.00 WHERE id % 2 = 0;
SELECT * FROM bad();
DELETE FROM t WHERE a = 2 OR b = 3;
SELECT * FROM bad();
SELECT fill(200, 300);
SELECT * FROM bad();
BEGIN;
DELETE FROM t WHERE id IN (SELECT id FROM latest);
SELECT * FROM bad();
SAVEPOINT s;
DELETE FROM t;
SELECT * FROM bad();
SELECT imat, split_part(verdict, ', ', 2) AS size FROM oracle.all_same('firsts');
ROLLBACK TO s;
SELECT * FROM bad();
COMMIT;
SELECT * FROM bad();
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE t SET c = c - 5, at = at + interval '1 year' WHERE id % 9 = 0;
SELECT count(*) > 0 AS some FROM hidden_key;
DELETE FROM t WHERE id % 11 = 0;
COMMIT;
SELECT * FROM bad();
SELECT imat.refresh(imat) FROM imat.imat_config WHERE agg_schema_name = 'firsts';
SELECT count(*) FROM oracle.all_same('firsts') WHERE verdict ~ 'BUT';
SELECT fill(400, 420);
SELECT * FROM bad();
SELECT imat.alter('hidden_key', strategy => 'swap');
SELECT imat.alter('hidden_key', strategy => 'auto');
SELECT oracle.strategy('hidden_key');
SELECT count(*) FROM oracle.all_same('firsts') WHERE verdict ~ 'BUT';
DELETE FROM t WHERE id % 13 = 0;
SELECT * FROM bad();

-- groups that show little or nothing of their keys, or have none
CREATE SCHEMA few; SET search_path = few, firsts, public;
SELECT imat.create('one', 'SELECT max(c) AS hi, min(x) AS lo, count(DISTINCT a) AS k FROM t', strategy => 'keyed');
SELECT imat.create('one_having', 'SELECT max(c) AS hi FROM t HAVING max(id) > 400', strategy => 'keyed');
SELECT imat.create('no_key', 'SELECT max(c) AS hi FROM t GROUP BY a', strategy => 'keyed');
SELECT imat.create('some_keys', 'SELECT b, max(c) AS hi, min(n) AS lo FROM t GROUP BY b, upper(x), a', strategy => 'keyed');
SELECT imat.create('short_text', 'SELECT left(max(x), 2) AS l FROM t GROUP BY a, b', strategy => 'keyed');
SELECT imat.create('above', 'SELECT hi % 2 AS k, count(*) AS n, max(hi) AS m FROM no_key GROUP BY 1');
SELECT c.mv_name, oracle.strategy(imat) FROM imat.imat_config c WHERE agg_schema_name = 'few' ORDER BY c.mv_name COLLATE "C";
CREATE FUNCTION few_bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$ SELECT * FROM oracle.all_same('few') WHERE verdict !~ '^same' OR verdict ~ 'swap|BUT' $$;
SELECT * FROM few_bad();
INSERT INTO t VALUES (5000, 1, 1, 500, 'y1', 1, NULL, '2020-01-02');
SELECT * FROM few_bad();
UPDATE t SET c = 499 WHERE id = 5000;
UPDATE t SET c = c + 1 WHERE id % 2 = 0;
SELECT * FROM few_bad();
UPDATE t SET a = a + 1 WHERE id % 3 = 0;
SELECT * FROM few_bad();
BEGIN; UPDATE t SET a = NULL WHERE id % 7 = 0; SELECT * FROM few_bad(); SAVEPOINT s; DELETE FROM t; SELECT * FROM few_bad(); SELECT * FROM one; ROLLBACK TO s; DELETE FROM t WHERE id % 5 = 0; COMMIT;
SELECT * FROM few_bad();
DELETE FROM t;
SELECT * FROM oracle.all_same('few');
SELECT fill(1, 40);
SELECT * FROM few_bad();
-- a table that nobody should have written, and its way out
SELECT oracle.unseen('no_key', 'DELETE FROM no_key WHERE hi = (SELECT max(c) FROM t WHERE a = 1)');
SELECT oracle.error('DELETE FROM t WHERE a = 1');
SELECT imat.refresh('no_key');
DELETE FROM t WHERE a = 1;
SELECT count(*) FROM oracle.all_same('few') WHERE verdict !~ '^same';

-- What it says of itself, and what can't be
SELECT imat.explain_query('SELECT DISTINCT ON (b) a, c FROM t ORDER BY b, c');
SELECT q, e AS strategy FROM (VALUES ('SELECT DISTINCT sum(c) FROM t GROUP BY a'), ('SELECT DISTINCT ON (count(*)) a FROM t GROUP BY a'), ('SELECT DISTINCT ON (n) n, count(*) FROM t GROUP BY n'),
    ('SELECT DISTINCT ON (a) a, c FROM (SELECT * FROM t ORDER BY c) s'), ('SELECT a, array_agg(c) FROM (SELECT * FROM t ORDER BY c DESC) s GROUP BY a'), ('SELECT a, array_agg(c ORDER BY c) FROM (SELECT * FROM t ORDER BY c DESC) s GROUP BY a'), ('SELECT DISTINCT ON (1) count(*) FROM t'))
    v (q), LATERAL (SELECT e FROM imat.explain_query(q) e LIMIT 1) x;
SET client_min_messages = warning;
DROP SCHEMA firsts, few CASCADE;
