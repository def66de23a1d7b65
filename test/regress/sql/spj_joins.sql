--
-- Views without groups over inner joins: every source may change, several at once, in any order; rows have the sources' keys or are a bag.
--
CREATE SCHEMA spj; SET search_path = spj, public;
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$ SELECT * FROM oracle.all_same('spj') WHERE verdict !~ '^same' OR verdict ~ 'swap' $$;
CREATE TABLE customer (id int PRIMARY KEY, name text NOT NULL, country text);
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL, day date, note text);
CREATE TABLE line (orders int, pos int, amount numeric, PRIMARY KEY (orders, pos));
CREATE TABLE rate (country text, v float8);
INSERT INTO customer SELECT i, 'c' || i, 'k' || i % 3 FROM generate_series(1, 6) i;
INSERT INTO orders SELECT i, 1 + i % 7, '2024-01-01'::date + i, 'o' || i % 2 FROM generate_series(1, 15) i;
INSERT INTO line SELECT i, p, i + p / 10.0 FROM generate_series(1, 16) i, generate_series(1, 3) p;
INSERT INTO rate VALUES ('k0', 1), ('k1', 0.5), ('k1', 2), (NULL, 1);
SELECT imat.create('order_and_customer', 'SELECT o.id, o.day, c.name FROM orders o JOIN customer c ON c.id = o.customer');
SELECT imat.create('both_keys', 'SELECT o.id, c.id AS cid FROM orders o JOIN customer c ON c.id = o.customer');
SELECT imat.create('three', 'SELECT l.orders, l.pos, l.amount, c.name FROM line l JOIN orders o ON o.id = l.orders JOIN customer c ON c.id = o.customer');
SELECT imat.create('key_by_condition', 'SELECT o.id AS oid, l.pos, l.amount FROM line l, orders o WHERE l.orders = o.id AND l.amount > 2');
SELECT imat.create('crossed', 'SELECT a.id AS a, b.id AS b, a.country FROM customer a JOIN customer b ON a.country = b.country');
SELECT imat.create('no_key', 'SELECT c.name, o.note FROM orders o JOIN customer c ON c.id = o.customer');
SELECT imat.create('keyless_source', 'SELECT c.id, r.v FROM customer c JOIN rate r USING (country)');
SELECT imat.create('natural_', 'SELECT * FROM customer NATURAL JOIN rate');
SELECT imat.create('self', 'SELECT o.id, p.day FROM orders o JOIN orders p ON p.id = o.customer');
SELECT imat.create('self_bag', 'SELECT o.note, p.note AS other FROM orders o, orders p WHERE o.customer = p.customer');
SELECT imat.create('theta', 'SELECT o.note FROM orders o JOIN rate r ON length(o.note) + r.v > 3');
SELECT imat.create('constants', 'SELECT 1 AS one FROM orders, rate');
SELECT imat.create('constant_key', 'SELECT l.orders, l.amount FROM line l WHERE l.pos = 1');
CREATE VIEW rich AS SELECT c.id, c.name || '!' AS loud FROM customer c JOIN rate r ON r.country = c.country AND r.v > 0.7;
SELECT imat.create('on_view', 'SELECT o.id, r.loud FROM orders o JOIN rich r ON r.id = o.customer');
SELECT imat.create('on_imat', 'SELECT n.name, r.v, n.id FROM order_and_customer n JOIN rate r ON r.v >= 1');
SELECT imat.create('of_imat', 'SELECT name, count(*) AS n FROM no_key GROUP BY name');
SELECT c.mv_name, oracle.strategy(imat), (SELECT string_agg(substring(indexdef FROM ' (\(.*)$'), ';') FROM pg_indexes i WHERE i.schemaname = 'spj' AND tablename = mv_name AND indexdef ~ 'UNIQUE') AS key FROM imat.imat_config c WHERE agg_schema_name = 'spj' AND mv_name <> 'of_imat' ORDER BY 1;
SELECT imat.explain('three');
SELECT imat.explain('keyless_source');
-- each source changes
UPDATE customer SET name = 'n' || id, country = 'k1' WHERE id < 3; SELECT * FROM bad();
INSERT INTO customer VALUES (7, 'seven', 'k0'); SELECT * FROM bad();
DELETE FROM orders WHERE id IN (2, 3); INSERT INTO orders VALUES (20, 1, NULL, 'o1'); SELECT * FROM bad();
UPDATE orders SET customer = 3, note = 'moved' WHERE id BETWEEN 5 AND 9; SELECT * FROM bad();
UPDATE line SET amount = amount * 1.0 WHERE pos = 2; DELETE FROM line WHERE orders = 4 AND pos < 3; SELECT * FROM bad();
INSERT INTO rate VALUES ('k2', 3), ('k1', 2); DELETE FROM rate WHERE v = 0.5; UPDATE rate SET v = v + 1; SELECT * FROM bad();
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('spj');
-- several in one transaction, read in between
BEGIN;
DELETE FROM customer WHERE id = 1; INSERT INTO customer VALUES (1, 'one', 'k2'); UPDATE orders SET customer = customer + 1; SELECT * FROM bad();
SAVEPOINT s; DELETE FROM orders; DELETE FROM rate; SELECT * FROM bad(); ROLLBACK TO s;
INSERT INTO orders SELECT id + 100, customer, day, note FROM orders; UPDATE line SET orders = orders + 100 WHERE pos = 1; SELECT * FROM bad();
UPDATE customer SET country = NULL WHERE id = 2; INSERT INTO rate SELECT * FROM rate; UPDATE orders SET id = id + 1000 WHERE id > 100;
COMMIT;
SELECT * FROM bad();
WITH a AS (UPDATE customer SET name = upper(name) RETURNING id), b AS (DELETE FROM orders WHERE id < 8 RETURNING customer), c AS (INSERT INTO rate VALUES ('k0', 9) RETURNING v) UPDATE line SET amount = 3 WHERE pos = 3;
SELECT * FROM bad();
-- cascades of foreign keys, keys that trade places
DELETE FROM line WHERE orders NOT IN (SELECT id FROM orders); DELETE FROM orders WHERE customer NOT IN (SELECT id FROM customer); DELETE FROM line WHERE orders NOT IN (SELECT id FROM orders);
ALTER TABLE orders ADD FOREIGN KEY (customer) REFERENCES customer ON UPDATE CASCADE ON DELETE CASCADE; ALTER TABLE line ADD FOREIGN KEY (orders) REFERENCES orders ON UPDATE CASCADE ON DELETE CASCADE;
UPDATE customer SET id = id + 50 WHERE id = 3; DELETE FROM customer WHERE id = 4; UPDATE orders SET id = -id WHERE id > 10;
SELECT * FROM bad();
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('spj');
-- the columns of several keys may be too wide for one index: then there is none over them
CREATE TABLE wide (k text PRIMARY KEY); INSERT INTO wide SELECT repeat(i::text, 900) FROM generate_series(1, 3) i;
SELECT imat.create('wides', 'SELECT a.k AS a, b.k AS b FROM wide a, wide b');
SELECT count(*) AS indexes, count(*) FILTER (WHERE indexdef ~ 'UNIQUE') AS unique FROM pg_indexes WHERE schemaname = 'spj' AND tablename = 'wides';
INSERT INTO wide SELECT string_agg(md5(i::text), '') FROM generate_series(1, 80) i; INSERT INTO wide SELECT string_agg(md5(i::text), '') FROM generate_series(11, 90) i; DELETE FROM wide WHERE k ~ '^1';
SELECT * FROM bad();
-- TRUNCATE
TRUNCATE rate; INSERT INTO rate VALUES ('k1', 1); TRUNCATE line; INSERT INTO line SELECT id, 1, 5 FROM orders;
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('spj');
SET client_min_messages = warning;
DROP SCHEMA spj CASCADE;
