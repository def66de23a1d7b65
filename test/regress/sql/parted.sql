--
-- Groups and rows of which triggers don't tell everything: they are parted by what is told, and computed anew
--
CREATE SCHEMA parted; SET search_path = parted, public;
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$ SELECT * FROM oracle.all_same('parted') WHERE verdict !~ '^same' OR verdict ~ 'swap' $$;
CREATE TABLE p (id int PRIMARY KEY, a int, b text, x numeric);
CREATE TABLE c (more text) INHERITS (p);
CREATE TABLE pt (id int NOT NULL, a int, k int, x numeric) PARTITION BY LIST (k);
CREATE TABLE pt1 PARTITION OF pt FOR VALUES IN (1);
CREATE TABLE pt2 PARTITION OF pt FOR VALUES IN (2);
CREATE TABLE o (u int PRIMARY KEY, a int, v text);
CREATE INDEX ON p (a);
INSERT INTO p SELECT i, i % 7, 'b' || i % 3, i FROM generate_series(1, 60) i;
INSERT INTO c SELECT i, i % 5, 'b' || i % 4, i, 'more' FROM generate_series(40, 90) i;
INSERT INTO pt SELECT i, i % 5, 1 + i % 2, i FROM generate_series(1, 60) i;
INSERT INTO o SELECT i, i % 6, 'v' || i % 4 FROM generate_series(1, 40) i;

-- ONLY: groups, with all that can be made of them; rows; a primary key that tells other columns
SELECT imat.create('only_groups', 'SELECT a, count(*) AS n, sum(x) AS s, max(id) AS m FROM ONLY p GROUP BY a');
SELECT imat.create('only_none', 'SELECT a, count(*) AS n FROM ONLY pt GROUP BY a');
SELECT imat.create('only_listed', 'SELECT b, string_agg(id::text, '','' ORDER BY id) AS ids FROM ONLY p WHERE x > 3 GROUP BY b HAVING count(*) > 1');
SELECT imat.create('only_sets', 'SELECT a, b, count(*) AS n, grouping(a, b) AS g FROM ONLY p GROUP BY ROLLUP (a, b)');
SELECT imat.create('only_all', 'SELECT count(*) AS n, avg(x) AS m FROM ONLY p');
SELECT imat.create('only_distinct', 'SELECT DISTINCT a, b FROM ONLY p');
SELECT imat.create('only_top', 'SELECT a, sum(x) AS s FROM ONLY p GROUP BY a ORDER BY sum(x) DESC, a LIMIT 3');
SELECT imat.create('only_ranked', 'SELECT a, id, rank() OVER (PARTITION BY a ORDER BY x, id) AS r FROM ONLY p');
SELECT imat.create('only_by_key', 'SELECT id, b, sum(x) AS s FROM ONLY p GROUP BY id');
SELECT imat.create('only_rows', 'SELECT id, b, x FROM ONLY p');
SELECT imat.create('only_alike', 'SELECT b, a FROM ONLY p');
SELECT imat.create('only_joined', 'SELECT o.v, count(*) AS n FROM ONLY p JOIN o USING (a) GROUP BY o.v');
SELECT imat.create('only_outer', 'SELECT o.u, p.id FROM o LEFT JOIN ONLY p ON p.a = o.a');
SELECT imat.create('only_absent', 'SELECT u, v FROM o WHERE NOT EXISTS (SELECT FROM ONLY p WHERE p.id = o.u)');
SELECT imat.create('only_twice', 'SELECT s.a, count(*) AS n FROM p s JOIN ONLY p USING (id) GROUP BY s.a');
-- tables: grouped by, in a condition, shown, sorted by, beside windows, below another query
SELECT imat.create('by_table', 'SELECT tableoid AS t, a, count(*) AS n, sum(x) AS s FROM p GROUP BY tableoid, a');
SELECT imat.create('by_part', 'SELECT tableoid::regclass AS t, a, count(*) AS n FROM pt GROUP BY tableoid, a');
SELECT imat.create('of_table', 'SELECT a, count(*) AS n, min(x) AS l FROM p WHERE tableoid = ''c''::regclass GROUP BY a');
SELECT imat.create('table_shown', 'SELECT tableoid AS t, id, x FROM p');
SELECT imat.create('part_shown', 'SELECT DISTINCT tableoid AS t, a FROM pt');
SELECT imat.create('table_first', 'SELECT DISTINCT ON (a) a, id, tableoid AS t FROM p ORDER BY a, tableoid DESC, id');
SELECT imat.create('table_windows', 'SELECT tableoid AS t, a, rank() OVER (PARTITION BY a ORDER BY count(*)) AS r FROM p GROUP BY tableoid, a');
SELECT imat.create('table_below', 'SELECT a, n FROM (SELECT tableoid, a, count(*) AS n FROM p GROUP BY tableoid, a) s WHERE n > 1');
SELECT imat.create('table_joined', 'SELECT p.tableoid AS t, o.v, count(*) AS n FROM p JOIN o USING (a) GROUP BY p.tableoid, o.v');
SELECT imat.create('table_outer', 'SELECT o.u, p.tableoid AS t, count(p.id) AS n FROM o LEFT JOIN p ON p.a = o.a GROUP BY o.u, p.tableoid');
SELECT imat.create('table_in', 'SELECT tableoid AS t, a, count(*) AS n FROM p WHERE EXISTS (SELECT FROM o WHERE o.a = p.a) GROUP BY tableoid, a');
-- nothing tells partitions; the condition that isn't told reads a table, too
SELECT imat.create('one_part', 'SELECT tableoid AS t, count(*) AS n FROM p GROUP BY tableoid');
SELECT imat.create('one_condition', 'SELECT id FROM o s JOIN p USING (a) WHERE id IN (SELECT u FROM o UNION SELECT a FROM pt)');
SELECT imat.create('table_condition', 'SELECT a, count(*) AS n FROM p WHERE tableoid::bigint + 0 * a NOT IN (SELECT u FROM o) GROUP BY a');
-- whole rows, of children, too
SELECT imat.create('whole_partly', 'SELECT (p).a, p IS NULL AS e, count(p) AS n, count(DISTINCT p) AS d FROM p GROUP BY 1, 2');
SELECT imat.create('whole_json', 'SELECT id, to_jsonb(p) AS j FROM p');
SELECT imat.create('whole_inner', 'SELECT o.v, count(DISTINCT p) AS n FROM o JOIN p USING (a) GROUP BY o.v');
SELECT imat.create('whole_outer', 'SELECT o.u, count(p) AS n, count(*) AS m FROM o LEFT JOIN p ON p.id = o.u GROUP BY o.u');
SELECT imat.create('whole_lacking', 'SELECT o.v, to_jsonb(p) AS j FROM o LEFT JOIN p ON p.id = o.u');
-- no key is shown of a table that is always there; some keys of groups aren't shown
SELECT imat.create('without_key', 'SELECT o.v, p.b FROM o LEFT JOIN ONLY p ON p.id = o.u');
SELECT imat.create('some_keys', 'SELECT o.v, count(p.id) AS n FROM o LEFT JOIN p ON p.a = o.a GROUP BY o.v, o.u');
SELECT imat.create('existing', 'SELECT v FROM o WHERE EXISTS (SELECT FROM p WHERE p.id = o.u)');
-- rows that functions return, as they are; with the column that tells nothing besides
SELECT imat.create('returned', 'SELECT id, jsonb_each_text(jsonb_build_object(''a'', a, ''x'', x))::text AS e FROM p');
SELECT imat.create('returned_groups', 'SELECT a, jsonb_each_text(jsonb_build_object(''k'', id % 3, ''b'', left(b, 5)))::text AS e, count(*) AS n FROM p GROUP BY 1, 2');
SELECT imat.create('returned_ranked', 'SELECT a, rank() OVER (PARTITION BY a ORDER BY id) AS r, generate_series(1, a % 3) AS g FROM ONLY p');
SELECT imat.create('returned_alone', 'SELECT jsonb_each_text(jsonb_build_object(''a'', a))::text AS e FROM o');
-- keys and conditions that may fail for rows which are left out, and which triggers are handed
SELECT imat.create('only_quotient', 'SELECT 60 / a AS q, count(*) AS n FROM ONLY p WHERE a <> 0 GROUP BY 1');
SELECT imat.create('only_guarded', 'SELECT id, sum(60 / a) AS q FROM ONLY p WHERE a <> 0 AND 60 / a > 1 GROUP BY id');
SELECT imat.create('table_quotient', 'SELECT id, 60 / a AS q FROM p WHERE a <> 0 AND tableoid = ''p''::regclass');
-- a partition that can't be hashed, and may be long
CREATE TABLE w (id int, d tsvector, t text); CREATE TABLE w_c () INHERITS (w);
SELECT imat.create('unhashed', 'SELECT d, t FROM ONLY w');
SELECT imat.create('unhashed_groups', 'SELECT d, tableoid::int AS o, count(*) AS n FROM w GROUP BY d, tableoid');
SELECT imat, strategy, strategy_reason FROM imat.status WHERE imat IN (SELECT oid FROM pg_class WHERE relnamespace = 'parted'::regnamespace) ORDER BY imat::text COLLATE "C";
SELECT * FROM bad();
SELECT * FROM imat.explain('by_table');
SELECT * FROM imat.explain('only_rows');
SELECT * FROM imat.explain('whole_partly');

SELECT imat.drop('one_part'), imat.drop('one_condition'), imat.drop('table_condition'), imat.drop('returned_alone'), imat.drop('unhashed_groups');
DELETE FROM p WHERE a = 0;
INSERT INTO p VALUES (101, 1, 'b1', 1), (102, 77, 'b77', 2); INSERT INTO c VALUES (101, 1, 'b1', 1, 'm'), (102, 78, 'b78', 2, 'm');
SELECT * FROM bad();
UPDATE p SET a = a + 1 WHERE id IN (3, 45, 50, 70); UPDATE ONLY p SET x = x + 1 WHERE a = 2; UPDATE c SET b = 'b1' WHERE id % 9 = 0;
SELECT * FROM bad();
DELETE FROM p WHERE id IN (5, 55, 75); DELETE FROM ONLY p WHERE a = 3; DELETE FROM c WHERE a = 4;
SELECT * FROM bad();
UPDATE pt SET k = 3 - k WHERE a = 1; UPDATE pt SET k = 1 WHERE id = 2; UPDATE pt1 SET a = a + 1 WHERE id < 9; INSERT INTO pt2 VALUES (90, 9, 2, 9); DELETE FROM pt WHERE a = 3;
SELECT * FROM bad();
UPDATE o SET a = a + 1, v = 'v' || u % 3 WHERE u < 20; DELETE FROM o WHERE u > 30; INSERT INTO o VALUES (41, 1, NULL), (102, 77, 'v77');
SELECT * FROM bad();
BEGIN; INSERT INTO c VALUES (103, 1, 'b1', 5, 'n'); SAVEPOINT s; UPDATE p SET a = 9 WHERE id > 80; ROLLBACK TO s; UPDATE p SET b = NULL WHERE id > 85; COMMIT;
SELECT * FROM bad();
INSERT INTO c VALUES (1, 0, 'b1', 0, 'zero'); INSERT INTO w VALUES (1, 'a b', 't'); INSERT INTO w_c VALUES (1, 'a b', 't');
SELECT * FROM bad();
-- NULLs, and what is longer than an index takes
INSERT INTO p VALUES (201, NULL, NULL, NULL), (202, NULL, NULL, 1); INSERT INTO c VALUES (201, NULL, NULL, NULL, NULL), (202, NULL, NULL, 1, NULL);
INSERT INTO c SELECT 300 + i, 1, repeat(md5(i::text), 120), i, NULL FROM generate_series(1, 2) i; INSERT INTO o VALUES (301, NULL, repeat('v', 3000));
SELECT * FROM oracle.all_same('parted') WHERE verdict !~ '^same';
UPDATE p SET x = x + 1 WHERE id > 200; DELETE FROM p WHERE id = 301; UPDATE o SET a = 1 WHERE u = 301;
SELECT * FROM bad();
-- tables come and go; columns do
ALTER TABLE c NO INHERIT p; ALTER TABLE pt DETACH PARTITION pt1;
SELECT * FROM oracle.all_same('parted') WHERE verdict !~ '^same';
UPDATE p SET a = a + 1 WHERE id < 20; UPDATE c SET a = a + 1; DELETE FROM pt WHERE id < 20; UPDATE pt1 SET a = a + 1;
SELECT * FROM oracle.all_same('parted') WHERE verdict !~ '^same';
SELECT oracle.strategy('only_groups'), oracle.strategy('only_rows'), oracle.strategy('only_outer');
ALTER TABLE c INHERIT p; ALTER TABLE pt ATTACH PARTITION pt1 FOR VALUES IN (1);
SELECT * FROM oracle.all_same('parted') WHERE verdict !~ '^same';
SELECT oracle.strategy('only_groups'), oracle.strategy('only_rows'), oracle.strategy('only_outer');
UPDATE p SET a = a + 1 WHERE id % 3 = 1; UPDATE pt SET a = a + 1;
SELECT * FROM bad();
SET client_min_messages = warning;
ALTER TABLE pt ADD y int DEFAULT 3; ALTER TABLE p DROP b CASCADE;
SELECT * FROM oracle.all_same('parted') WHERE verdict !~ '^same';
UPDATE p SET a = a + 1 WHERE id % 3 = 1; UPDATE pt SET y = 4 WHERE id < 30; INSERT INTO c VALUES (400, 4, 'b', 4, 'm'); UPDATE ONLY p SET id = id + 1000 WHERE id IN (1, 2);
SELECT * FROM bad();
DROP SCHEMA parted CASCADE;
