--
-- Any deterministic query: what delta can't take is computed anew, once per transaction, and put in place.
--
CREATE SCHEMA swap; SET search_path = swap, public;
CREATE TABLE emp (id int PRIMARY KEY, boss int, dept int, name text NOT NULL, pay numeric NOT NULL);
CREATE TABLE dept (id int PRIMARY KEY, title text);
INSERT INTO dept VALUES (1, 'one'), (2, 'two'), (3, NULL), (4, 'empty');
INSERT INTO emp SELECT i, nullif(i / 3, 0), nullif(i % 4, 0), 'n' || i % 5, i * 1.50 FROM generate_series(1, 20) i;
CREATE FUNCTION make(name text, query text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE MATERIALIZED VIEW swap.%I AS %s', name, query);
    PERFORM create_imat(format('swap.%I', name));
END $$;
SELECT make('windows', 'SELECT id, rank() OVER (PARTITION BY dept ORDER BY pay, id), sum(pay) OVER (ORDER BY id ROWS 2 PRECEDING) AS run,
                        lag(name) OVER w AS before FROM emp WINDOW w AS (ORDER BY id)'),
       make('set_ops', '(SELECT dept FROM emp UNION SELECT id FROM dept) EXCEPT ALL SELECT 2 UNION ALL (SELECT boss FROM emp INTERSECT SELECT id FROM emp)'),
       make('duplicates', 'SELECT dept, name FROM emp'),
       make('subqueries', 'SELECT d.*, (SELECT count(*) FROM emp e WHERE e.dept = d.id), EXISTS (SELECT FROM emp e WHERE e.dept = d.id AND pay > 20) AS rich
                           FROM dept d WHERE d.id IN (SELECT dept FROM emp) OR d.id > ALL (SELECT e.dept FROM emp e WHERE dept IS NOT NULL)'),
       make('recursion', 'WITH RECURSIVE up AS (SELECT id, boss, 1 AS level FROM emp WHERE boss IS NULL
                           UNION ALL SELECT e.id, e.boss, level + 1 FROM emp e JOIN up ON e.boss = up.id) SELECT level, count(*), array_agg(id ORDER BY id) AS ids FROM up GROUP BY level'),
       make('limited', 'SELECT id, pay FROM emp ORDER BY pay DESC, id LIMIT 3 OFFSET 1'),
       make('first_of', 'SELECT DISTINCT ON (dept) dept, id, pay FROM emp ORDER BY dept, pay DESC, id'),
       make('joined', 'SELECT d.title, count(*), sum(e.pay) FROM emp e JOIN dept d ON d.id = e.dept GROUP BY d.title'),
       make('outer_joined', 'SELECT d.title, e.name, b.name AS boss FROM emp e FULL JOIN dept d ON d.id = e.dept LEFT JOIN emp b ON b.id = e.boss'),
       make('self_joined', 'SELECT a.id, count(b.id) FROM emp a LEFT JOIN emp b ON b.pay > a.pay GROUP BY a.id'),
       make('lateral_joined', 'SELECT d.id, x.* FROM dept d, LATERAL (SELECT name, pay FROM emp WHERE dept = d.id ORDER BY pay DESC, id LIMIT 2) x'),
       make('ctes', 'WITH a AS MATERIALIZED (SELECT dept, sum(pay) AS s FROM emp GROUP BY dept), b AS (SELECT max(s) AS m FROM a) SELECT a.*, b.m FROM a, b'),
       make('with_values', 'SELECT v.x, e.name FROM (VALUES (1, ''a''), (5, ''b''), (99, NULL)) v (x, y) LEFT JOIN emp e ON e.id = v.x'),
       make('grouping_sets', 'SELECT dept, name, count(*), grouping(dept, name) FROM emp GROUP BY CUBE (dept, name)'),
       make('no_subtraction', 'SELECT dept, min(pay), max(name), bool_or(pay > 10), string_agg(name, '','' ORDER BY id), array_agg(DISTINCT name ORDER BY name) AS names,
                               percentile_cont(0.5) WITHIN GROUP (ORDER BY pay) AS median, mode() WITHIN GROUP (ORDER BY name),
                               count(DISTINCT name), round(stddev(pay), 6) AS sd, jsonb_object_agg(id, pay ORDER BY id) AS j FROM emp GROUP BY dept'),
       make('set_returning', 'SELECT id, generate_series(1, id) AS i FROM emp WHERE id < 4'),
       make('ordinality', 'SELECT e.id, t.* FROM emp e, unnest(ARRAY[e.name, ''x'']) WITH ORDINALITY t (v, o)'),
       make('functional_dependency', 'SELECT d.id, d.title, count(e.id) FROM dept d LEFT JOIN emp e ON e.dept = d.id GROUP BY d.id'),
       make('ordered_everything', 'SELECT * FROM emp ORDER BY name, id DESC'),
       make('constant', 'SELECT 1 AS one, ARRAY[1, 2] AS two'),
       make('no_columns', 'SELECT FROM emp WHERE id > 10'),
       make('nothing', 'SELECT id FROM emp WHERE false');
SELECT imat.alter('no_subtraction', strategy => 'swap');   -- keyed would take it
SELECT s.strategy, count(*) FROM imat.status s JOIN imat.imat_config c USING (imat) WHERE c.agg_schema_name = 'swap' GROUP BY 1 ORDER BY 1;
SELECT * FROM oracle.all_same('swap');
INSERT INTO emp VALUES (21, 5, 1, 'n9', 99), (22, NULL, NULL, 'n1', 0), (23, 21, 1, 'n9', 99);
SELECT * FROM oracle.all_same('swap');
UPDATE emp SET dept = dept % 3 + 1, pay = pay + 1 WHERE id % 2 = 0;
SELECT * FROM oracle.all_same('swap');
DELETE FROM emp WHERE id IN (21, 3);
UPDATE dept SET title = 'TWO' WHERE id = 2; DELETE FROM dept WHERE id = 4; INSERT INTO dept VALUES (5, 'five');
SELECT * FROM oracle.all_same('swap');
TRUNCATE dept;
SELECT * FROM oracle.all_same('swap');
-- once per transaction, not per statement
BEGIN;
INSERT INTO dept VALUES (1, 'one');
INSERT INTO dept VALUES (2, 'two');
UPDATE emp SET pay = pay + 1;
DELETE FROM emp WHERE id = 20;
SAVEPOINT s;
DELETE FROM emp;
ROLLBACK TO s;
INSERT INTO emp VALUES (30, 1, 2, 'n3', 3);
COMMIT;
SELECT * FROM oracle.all_same('swap');
-- twice in one transaction, when it reads in between
BEGIN;
INSERT INTO emp VALUES (31, 1, 2, 'n3', 3);
SELECT count(*) FROM windows;
INSERT INTO emp VALUES (32, 1, 2, 'n3', 3);
SELECT count(*) FROM windows;
DELETE FROM emp WHERE id IN (1, 2);
COMMIT;
SELECT imat, verdict FROM oracle.all_same('swap') WHERE imat IN ('windows', 'limited');
SELECT imat, verdict FROM oracle.all_same('swap') WHERE verdict NOT LIKE 'same%';

-- What hangs on the table survives, with many rows (an exchange of heaps) and with few (a merge)
CREATE TABLE big (id int PRIMARY KEY, k int NOT NULL, v int NOT NULL);
INSERT INTO big SELECT i, i % 15000, i FROM generate_series(1, 30000) i;
CREATE ROLE imat_swap_reader;
CREATE MATERIALIZED VIEW large AS SELECT k, min(v) AS lo, max(v) AS hi FROM big GROUP BY k;
CREATE INDEX large_hi ON large (hi);
CREATE UNIQUE INDEX large_k ON large (k);
SELECT create_imat('large');
SELECT imat.alter('large', strategy => 'swap');
GRANT SELECT ON large TO imat_swap_reader;
COMMENT ON TABLE large IS 'large';
ALTER TABLE large ALTER hi SET STATISTICS 50;
CREATE VIEW above AS SELECT sum(hi) AS hi, count(*) AS n FROM large;
ANALYZE large;
CREATE FUNCTION hangs() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', 'large'::regclass::oid, relkind, relacl, obj_description('large'::regclass, 'pg_class'),
        (SELECT array_agg(indexrelid::regclass || ' ' || indisvalid ORDER BY indexrelid) FROM pg_index WHERE indrelid = 'large'::regclass),
        (SELECT attstattarget FROM pg_attribute WHERE attrelid = 'large'::regclass AND attname = 'hi'),
        (SELECT count(*) FROM pg_stats WHERE tablename = 'large' AND schemaname = 'swap'))
      FROM pg_class WHERE oid = 'large'::regclass
$$;
SELECT hangs() AS before \gset
SELECT pg_relation_filenode('large') AS node \gset
SELECT oracle.same('large');
UPDATE big SET v = v + 1 WHERE id < 100;
SELECT oracle.same('large'), pg_relation_filenode('large') = :node AS same_heap, hangs() = :'before' AS as_before;
SELECT * FROM above;
UPDATE big SET v = v + 1;
SELECT oracle.same('large'), pg_relation_filenode('large') = :node AS same_heap, hangs() = :'before' AS as_before;
SELECT * FROM above;
SELECT relpages > 0 AND reltuples = 15000 AS statistics FROM pg_class WHERE oid = 'large'::regclass;
SET enable_seqscan = off; SET enable_bitmapscan = off;
SELECT * FROM large WHERE hi = 30001;
SELECT * FROM large WHERE k = 0;
RESET enable_seqscan; RESET enable_bitmapscan;
SELECT has_table_privilege('imat_swap_reader', 'large', 'SELECT');
-- an exchange that is rolled back, and one in a transaction that read the table before
SELECT pg_relation_filenode('large') AS node \gset
BEGIN;
UPDATE big SET v = v + 1;
SELECT hi, n FROM above;
ROLLBACK;
SELECT hi, n FROM above;
SELECT oracle.same('large') LIKE 'same, 15000 rows%' AS same, pg_relation_filenode('large') = :node AS same_heap;
BEGIN;
DECLARE c CURSOR FOR SELECT count(*) FROM large;
UPDATE big SET v = v + 1;
FETCH c;
COMMIT;
SELECT oracle.same('large') LIKE 'same, 15000 rows%' AS same, hangs() = :'before' AS as_before;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT hi FROM above;
UPDATE big SET v = v + 1;
SELECT hi FROM above;
COMMIT;
SELECT oracle.same('large') LIKE 'same, 15000 rows%' AS same, hangs() = :'before' AS as_before;
DELETE FROM big WHERE k > 3;
SELECT oracle.same('large'), hangs() = :'before' AS as_before;
SELECT * FROM above;
-- unique indexes of the owner's: rows that trade places, and one that is broken
CREATE UNIQUE INDEX large_lo ON large (lo);
UPDATE big SET v = CASE WHEN k = 0 THEN v + 1 ELSE v - 1 END WHERE k IN (0, 1);
SELECT oracle.same('large');
\set VERBOSITY terse
UPDATE big SET v = 5;
\set VERBOSITY default
SELECT oracle.same('large');
SET client_min_messages = warning;
DROP SCHEMA swap CASCADE;
DROP ROLE imat_swap_reader;
