--
-- Whole rows as keys of groups: made of columns, they are followed by delta. (Before PostgreSQL 14 rows can't be hashed, and are no keys.)
--
CREATE SCHEMA whole; SET search_path = whole, public;
CREATE TABLE p (id int PRIMARY KEY, a int, b text);
CREATE TABLE c (more text) INHERITS (p);
CREATE TABLE n (a int, x numeric);
CREATE TABLE bits (id int, t text, b bit(3));
CREATE TABLE fewer (gone int, a int, b text); ALTER TABLE fewer DROP gone;
INSERT INTO p SELECT i, i % 7, 'b' || i % 3 FROM generate_series(1, 60) i;
INSERT INTO c SELECT i, i % 5, 'b' || i % 4, 'more' FROM generate_series(40, 90) i;
INSERT INTO n VALUES (1, 1.0), (2, 2.0), (2, 2.00), (NULL, NULL);
INSERT INTO fewer VALUES (1, 'x'), (2, NULL), (NULL, NULL);
SELECT imat.create('keys', 'SELECT p, count(*) AS n FROM p GROUP BY p');
SELECT imat.create('below', 'SELECT v.p, count(*) AS n FROM (SELECT p FROM p) v GROUP BY v.p');
SELECT imat.create('hidden', 'SELECT max(id) AS m FROM p GROUP BY p.*');
SELECT imat.create('different', 'SELECT DISTINCT p FROM p');
-- something is computed with rows that can be equal and look different
SELECT imat.create('texts', 'SELECT n::text AS t, count(*) AS c FROM n GROUP BY n');
SELECT imat.create('jdoc', 'SELECT row_to_json(n)::text AS t, count(*) AS c FROM n GROUP BY n');
SELECT imat.create('json_below', 'SELECT row_to_json(s.n)::text AS t FROM (SELECT n, count(*) AS c FROM n GROUP BY n) s');
-- rows that can't be hashed
SELECT imat.create('unhashed', 'SELECT bits, count(*) AS n FROM bits GROUP BY bits');
-- what had another column once is not made of those that are left
SELECT imat.create('complete', 'SELECT count(*) AS n FROM fewer WHERE fewer IS NOT NULL');
SELECT imat.create('told', 'SELECT a, fewer IS NOT NULL AS full_, fewer IS NULL AS none FROM fewer');
SELECT imat.create('grouped', 'SELECT fewer IS NOT NULL AS full_, count(*) AS n FROM fewer GROUP BY 1');
SELECT imat.create('existing', 'SELECT a FROM p WHERE EXISTS (SELECT FROM fewer WHERE fewer.a = p.id AND fewer IS NOT NULL)');
SELECT imat, strategy, strategy_reason FROM imat.status WHERE imat IN (SELECT oid FROM pg_class WHERE relnamespace = 'whole'::regnamespace) ORDER BY imat::text COLLATE "C";
SELECT imat, split_part(verdict, ',', 1) AS verdict FROM oracle.all_same('whole');
INSERT INTO p VALUES (101, 1, 'b1'), (102, NULL, NULL); INSERT INTO c VALUES (101, 1, 'b1', 'm'), (102, NULL, NULL, 'm');
UPDATE p SET a = a + 1 WHERE id IN (3, 45, 50, 70); UPDATE ONLY p SET b = 'x' WHERE a = 2; DELETE FROM p WHERE id % 9 = 0;
UPDATE n SET x = 2.00 WHERE a = 2; DELETE FROM n WHERE a = 1; INSERT INTO n VALUES (3, 3.10), (4, 3.1);
INSERT INTO bits SELECT i, (SELECT string_agg(md5(j::text), '') FROM generate_series(1, 300) j), NULL FROM generate_series(1, 2) i;
INSERT INTO fewer VALUES (3, 'y'), (4, NULL); UPDATE fewer SET b = 'z' WHERE a = 2; DELETE FROM fewer WHERE a = 1;
SELECT imat, split_part(verdict, ',', 1) AS verdict FROM oracle.all_same('whole');
SELECT * FROM texts ORDER BY t COLLATE "C"; SELECT * FROM told ORDER BY a; SELECT * FROM complete;
-- a column comes and another one goes
ALTER TABLE p DROP b;
UPDATE p SET a = a + 1 WHERE id < 20; INSERT INTO p VALUES (103, 1); DELETE FROM c WHERE id < 50;
SELECT imat, split_part(verdict, ',', 1) AS verdict FROM oracle.all_same('whole');
-- rows with a column that has no order, whatever plan suits the number of keys
CREATE TYPE unordered AS (a xid, b int);
CREATE TABLE big (id int PRIMARY KEY, q unordered);
CREATE TABLE beside (id int PRIMARY KEY, big int);
INSERT INTO big SELECT n, ROW((n % 2)::text::xid, n % 2)::unordered FROM generate_series(1, 6) n;
SELECT imat.create('by_unordered', 'SELECT big.q, count(beside.id) AS n FROM big LEFT JOIN beside ON beside.big = big.id GROUP BY big.q');
INSERT INTO big SELECT n, ROW((n % 500)::text::xid, n % 2)::unordered FROM generate_series(21, 5000) n;
INSERT INTO beside SELECT n, n FROM generate_series(1, 3000, 3) n;
SELECT oracle.same('by_unordered');
SET client_min_messages = warning;
DROP SCHEMA whole CASCADE;
