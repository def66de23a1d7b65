--
-- Subqueries in expressions by key: EXISTS, IN, NOT EXISTS, NOT IN with its NULLs, ANY and ALL, scalar ones, in WHERE and elsewhere, with groups and without.
--
CREATE SCHEMA semi; SET search_path = semi, public;
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$ SELECT * FROM oracle.all_same('semi') WHERE verdict !~ '^same' OR verdict ~ 'swap' $$;
CREATE TABLE o (id int PRIMARY KEY, k int, v int, name text);
CREATE TABLE i (id int PRIMARY KEY, o int, k int, w int);
CREATE TABLE j (i int, u int);
INSERT INTO o SELECT n, nullif(n % 5, 0), n % 3, 'o' || n % 4 FROM generate_series(1, 14) n;
INSERT INTO i SELECT n, nullif(n % 9, 0), n % 4, n FROM generate_series(1, 12) n;
INSERT INTO j SELECT n, n % 3 FROM generate_series(1, 9) n;
SELECT imat.create('exists_', 'SELECT * FROM o WHERE EXISTS (SELECT FROM i WHERE i.o = o.id)');
SELECT imat.create('not_exists', 'SELECT id, name FROM o WHERE NOT EXISTS (SELECT FROM i WHERE i.o = o.id AND i.w > o.v)');
SELECT imat.create('in_', 'SELECT id, v FROM o WHERE k IN (SELECT k FROM i)');
SELECT imat.create('not_in', 'SELECT id, k FROM o WHERE k NOT IN (SELECT o FROM i WHERE w < 11)');
SELECT imat.create('in_pair', 'SELECT id FROM o WHERE (k, v) IN (SELECT k, w FROM i)');
SELECT imat.create('any_', 'SELECT id FROM o WHERE v > ANY (SELECT w FROM i WHERE i.k = o.k)');
SELECT imat.create('all_', 'SELECT id FROM o WHERE v <= ALL (SELECT w FROM i WHERE i.k = o.k)');
SELECT imat.create('or_', 'SELECT id FROM o WHERE v = 0 OR EXISTS (SELECT FROM i WHERE i.o = o.id AND i.k = 1) OR k IN (SELECT u FROM j)');
SELECT imat.create('joined', 'SELECT o.id, count(*) AS n FROM o JOIN i ON i.k = o.k WHERE EXISTS (SELECT FROM j WHERE j.i = i.id) GROUP BY o.id');
SELECT imat.create('in_subquery', 'SELECT id FROM o WHERE EXISTS (SELECT FROM i WHERE i.o = o.id AND NOT EXISTS (SELECT FROM j WHERE j.i = i.id AND j.u = o.v))');
SELECT imat.create('joined_inside', 'SELECT id FROM o WHERE EXISTS (SELECT FROM i JOIN j ON j.i = i.id WHERE i.o = o.id)');
SELECT imat.create('left_inside', 'SELECT id FROM o WHERE EXISTS (SELECT FROM i LEFT JOIN j ON j.i = i.id WHERE i.o = o.id AND j.i IS NULL)');
SELECT imat.create('left_outside', 'SELECT o.id, i.w FROM o LEFT JOIN i ON i.o = o.id AND EXISTS (SELECT FROM j WHERE j.i = i.id)');
SELECT imat.create('scalar', 'SELECT id, (SELECT sum(w) FROM i WHERE i.o = o.id) AS s FROM o');
SELECT imat.create('latest', 'SELECT id, (SELECT w FROM i WHERE i.k = o.k ORDER BY w DESC LIMIT 1) AS w FROM o');
SELECT imat.create('compared', 'SELECT id FROM o WHERE (SELECT count(*) FROM i WHERE i.o = o.id) > 1');
SELECT imat.create('uncorrelated', 'SELECT id FROM o WHERE v < (SELECT max(u) FROM j)');
SELECT imat.create('grouped', 'SELECT name, count(*) AS n, sum(v) AS s FROM o WHERE k NOT IN (SELECT k FROM i WHERE i.o = o.id) GROUP BY name');
SELECT imat.create('filtered', 'SELECT name, count(*) FILTER (WHERE EXISTS (SELECT FROM i WHERE i.o = o.id)) AS n FROM o GROUP BY name');
SELECT imat.create('having_', 'SELECT name, count(*) AS n FROM o GROUP BY name HAVING count(*) > (SELECT count(*) FROM j WHERE u = 1)');
SELECT imat.create('in_groups', 'SELECT id FROM o WHERE k IN (SELECT k FROM i GROUP BY k HAVING count(*) > 3)');
SELECT imat.create('self', 'SELECT id, name FROM o WHERE EXISTS (SELECT FROM o p WHERE p.k = o.k AND p.id < o.id)');
CREATE VIEW busy AS SELECT id, k, (SELECT count(*) FROM i WHERE i.o = o.id) AS n FROM o WHERE k IN (SELECT k FROM i);
SELECT imat.create('of_view', 'SELECT b.id, b.n, j.u FROM busy b LEFT JOIN j ON j.i = b.n');
SELECT imat.create('with_', 'WITH w AS (SELECT o FROM i WHERE w > 3) SELECT id FROM o WHERE id IN (SELECT o FROM w) OR k IN (SELECT o FROM w)');
SELECT imat.create('of_imat', 'SELECT k, count(*) AS n FROM o WHERE id IN (SELECT id FROM exists_) GROUP BY k');
SELECT c.mv_name, oracle.strategy(imat) FROM imat.imat_config c WHERE agg_schema_name = 'semi' ORDER BY 1;
SELECT imat.explain('exists_');
SELECT imat.explain('not_in');
SELECT imat.explain('in_subquery');
SELECT imat.explain('grouped');
SELECT q, imat.explain_query(q) FROM (VALUES ('SELECT (SELECT count(*) FROM i WHERE i.o = o.id) AS n, count(*) FROM o GROUP BY 1'), ('SELECT id FROM o WHERE id IN (SELECT o FROM i UNION SELECT u FROM j)'),
    ('SELECT name FROM o WHERE EXISTS (SELECT FROM i WHERE i.o = o.id)'), ('SELECT id FROM o WHERE v > (SELECT 1)')) v (q);
SELECT * FROM bad();
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('semi');
-- each table changes
INSERT INTO i VALUES (20, 9, 7, 3), (21, 14, NULL, 0), (22, NULL, 1, 5); SELECT * FROM bad();
DELETE FROM i WHERE o IS NULL; SELECT * FROM bad();
UPDATE i SET o = o + 1, k = nullif(k, 2); SELECT * FROM bad();
UPDATE i SET w = w % 4; SELECT * FROM bad();
INSERT INTO o VALUES (15, 1, 1, 'o1'), (16, NULL, NULL, NULL); DELETE FROM o WHERE id IN (2, 3); UPDATE o SET k = k + 1, v = v - 1 WHERE id > 10; SELECT * FROM bad();
UPDATE o SET id = 100 WHERE id = 10; UPDATE o SET name = 'x' WHERE id IN (1, 100); SELECT * FROM bad();
INSERT INTO j VALUES (20, 2), (NULL, NULL), (1, 9); DELETE FROM j WHERE u = 0; UPDATE j SET u = 1 WHERE i = 2; SELECT * FROM bad();
DELETE FROM j WHERE u IS NULL; SELECT * FROM bad();
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('semi');
-- several at once
BEGIN;
DELETE FROM i WHERE id IN (SELECT id FROM i LIMIT 4); INSERT INTO o SELECT id + 200, k, v, name FROM o; SELECT * FROM bad();
SAVEPOINT s; DELETE FROM i; SELECT * FROM bad(); DELETE FROM j; SELECT * FROM bad(); ROLLBACK TO s;
UPDATE i SET o = o + 200 WHERE id > 6; UPDATE j SET i = i + 1; DELETE FROM o WHERE id = 5; INSERT INTO i VALUES (50, 5, 5, 5);
COMMIT;
SELECT * FROM bad();
WITH d AS (DELETE FROM i WHERE w = 1 RETURNING o), u AS (UPDATE j SET u = u + 1 RETURNING i) UPDATE o SET v = v + 1 WHERE k = 2;
SELECT * FROM bad();
-- emptied, filled, truncated
DELETE FROM i; SELECT * FROM bad(); DELETE FROM j; SELECT * FROM bad(); INSERT INTO i SELECT n, n, n % 3, n FROM generate_series(1, 9) n; INSERT INTO j SELECT n, n % 2 FROM generate_series(1, 4) n;
SELECT * FROM bad();
TRUNCATE i; INSERT INTO i VALUES (1, 1, 1, 1);
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('semi');
SELECT * FROM bad();
SET client_min_messages = warning;
DROP SCHEMA semi CASCADE;
