--
-- Subqueries in FROM that group, number or choose rows are kept in tables of their own, and the query around them is
-- over these: joins with groups, groups of groups, the last row of each partition.
--
CREATE SCHEMA kept; SET search_path = kept, public;
CREATE TABLE customer (id int PRIMARY KEY, region text, since date NOT NULL DEFAULT '2020-01-01');
CREATE TABLE orders (id int PRIMARY KEY, customer int, status text, price numeric(10, 2), at int);
CREATE INDEX ON orders (customer, at);
CREATE FUNCTION fill(low int, high int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO orders SELECT i, nullif(i % 17, 5), 's' || i % 4, i * 1.25, i * 7 % 101 FROM generate_series(low, high) i $$;
INSERT INTO customer SELECT i, 'r' || i % 3 FROM generate_series(0, 19) i;
SELECT fill(1, 200);
CREATE VIEW totals AS SELECT customer, sum(price) AS total, count(*) AS n FROM orders GROUP BY customer;
CREATE VIEW regions AS SELECT c.region, sum(t.total) AS total FROM customer c JOIN totals t ON t.customer = c.id GROUP BY c.region;
SELECT imat.create(name, query) FROM (VALUES
    ('joined', 'SELECT c.region, sum(o.total) AS total, count(*) AS n FROM customer c JOIN (SELECT customer, sum(price) AS total FROM orders GROUP BY customer) o ON o.customer = c.id GROUP BY c.region'),
    ('listed', 'SELECT c.id, c.region, o.total, o.last FROM customer c LEFT JOIN (SELECT customer, sum(price) AS total, max(at) AS last FROM orders GROUP BY customer) o ON o.customer = c.id'),
    ('listed_using', 'SELECT id, total FROM customer JOIN (SELECT customer, sum(price), count(*) FROM orders GROUP BY 1) o (id, total, n) USING (id)'),
    ('several', 'SELECT c.id, a.n, b.s FROM customer c JOIN (SELECT customer, count(*) AS n FROM orders GROUP BY customer) a ON a.customer = c.id LEFT JOIN (SELECT customer, count(DISTINCT status) AS s FROM orders WHERE at > 30 GROUP BY customer) b ON b.customer = c.id'),
    ('with_chain', 'WITH cheap AS (SELECT * FROM orders WHERE price < 200), per AS (SELECT customer, count(*) AS n FROM cheap GROUP BY customer), sizes AS (SELECT n, count(*) AS m FROM per GROUP BY n) SELECT p.customer, p.n, s.m FROM per p JOIN sizes s ON s.n = p.n'),
    ('with_twice', 'WITH per AS (SELECT customer, sum(price) AS s FROM orders GROUP BY customer) SELECT a.customer, b.customer AS next FROM per a JOIN per b ON b.customer = a.customer + 1 WHERE b.s > a.s'),
    ('sizes', 'SELECT n, count(*) AS customers FROM (SELECT customer, count(*) AS n FROM orders GROUP BY customer) s GROUP BY n'),
    ('deep', 'SELECT m, count(*) AS c FROM (SELECT n, count(*) AS m FROM (SELECT customer, count(*) AS n FROM orders GROUP BY customer) a GROUP BY n) b GROUP BY m'),
    ('last_status', 'SELECT status, count(*) AS n FROM (SELECT DISTINCT ON (customer) customer, status FROM orders ORDER BY customer, at DESC, id) s GROUP BY status'),
    ('last_row', 'SELECT status, sum(price) AS s FROM (SELECT *, row_number() OVER (PARTITION BY customer ORDER BY at DESC, id) AS r FROM orders) s WHERE r = 1 GROUP BY status'),
    ('last_region', 'SELECT c.region, o.status, count(*) AS n FROM customer c JOIN (SELECT status, row_number() OVER (PARTITION BY customer ORDER BY at DESC, id) AS r, customer AS c FROM orders) o ON o.c = c.id AND o.r <= 2 GROUP BY c.region, o.status'),
    ('hidden_partition', 'SELECT status, count(*) AS n FROM (SELECT status, rank() OVER (PARTITION BY customer ORDER BY at DESC) AS r FROM orders) s WHERE r = 1 GROUP BY status'),
    ('shares', 'SELECT customer, status, max(share)::numeric(10, 4) AS most FROM (SELECT customer, status, price / sum(price) OVER (PARTITION BY customer) AS share FROM orders) s GROUP BY customer, status'),
    ('distinct_pairs', 'SELECT status, count(*) AS n FROM (SELECT DISTINCT customer, status FROM orders) s GROUP BY status'),
    ('united', 'SELECT c.region, count(*) AS n FROM customer c JOIN (SELECT customer FROM orders WHERE status = ''s1'' UNION SELECT customer FROM orders WHERE price > 100) u ON u.customer = c.id GROUP BY c.region'),
    ('one_row', 'SELECT o.id, o.price - a.mean AS above FROM orders o CROSS JOIN (SELECT avg(price)::numeric(10, 2) AS mean FROM orders) a WHERE o.at < 20'),
    ('of_view', 'SELECT c.region, max(t.total) AS most FROM customer c JOIN totals t ON t.customer = c.id WHERE t.n > 3 GROUP BY c.region'),
    ('of_views', 'SELECT r.region, c.id, r.total FROM regions r JOIN customer c ON c.region = r.region'),
    ('top_joined', 'SELECT c.region, t.n FROM customer c JOIN (SELECT customer, count(*) AS n FROM orders GROUP BY customer ORDER BY n DESC, customer LIMIT 5) t ON t.customer = c.id'),
    ('inside', 'SELECT region, n FROM (SELECT c.region, s.n FROM customer c JOIN (SELECT customer, count(*) AS n FROM orders GROUP BY customer) s ON s.customer = c.id WHERE c.id > 3) q WHERE n > 2'),
    ('both_sides', 'SELECT region AS what, n FROM (SELECT region, count(*) AS n FROM customer GROUP BY region) a UNION ALL SELECT s.status, c.n FROM (SELECT status, count(*) AS n FROM orders GROUP BY status) s JOIN (SELECT status, count(*) AS n FROM orders GROUP BY status) c USING (status)'),
    ('lists', 'SELECT c.region, l.ids FROM customer c JOIN (SELECT customer, array_agg(id ORDER BY id) AS ids FROM orders GROUP BY customer) l ON l.customer = c.id'),
    ('rolled', 'SELECT c.region, r.status, r.n FROM customer c JOIN (SELECT customer, status, count(*) AS n FROM orders GROUP BY ROLLUP (customer, status)) r ON r.customer = c.id'),
    ('first_or_none', 'SELECT c.id, o.status FROM customer c LEFT JOIN (SELECT customer, status, row_number() OVER (PARTITION BY customer ORDER BY at, id) AS r FROM orders) o ON o.customer = c.id AND o.r = 1 WHERE o.status IS DISTINCT FROM ''s1'' '),
    ('first_where', 'SELECT c.id, o.status FROM customer c LEFT JOIN (SELECT customer, status, row_number() OVER (PARTITION BY customer ORDER BY at, id) AS r FROM orders) o ON o.customer = c.id WHERE coalesce(o.r, 1) = 1'),
    ('by_price', 'SELECT c.region, p.price::text AS price, p.n FROM customer c JOIN (SELECT customer, price * 1.0 AS price, count(*) AS n FROM orders GROUP BY customer, price * 1.0) p ON p.customer = c.id WHERE c.id < 4'),
    ('shown_again', 'SELECT customer, total FROM (SELECT customer, sum(price) AS total, count(*) AS n FROM orders GROUP BY customer) s WHERE n > 9 AND customer <> 4'),
    ('shown_deep', 'SELECT doubled FROM (SELECT customer, total * 2 AS doubled FROM (SELECT customer, sum(at) AS total FROM orders GROUP BY customer) s WHERE total > 100) r WHERE customer > 2'),
    ('with_with', 'WITH a AS (SELECT customer, count(*) AS n FROM orders GROUP BY customer), b AS (SELECT x.customer, x.n FROM (SELECT * FROM a WHERE n > 3) x JOIN customer c ON c.id = x.customer), c AS (SELECT n, count(*) AS m FROM b GROUP BY n) SELECT c.n, c.m, a.customer FROM c JOIN a USING (n)'),
    ('above_mean', 'WITH per AS (SELECT customer, sum(price)::int8 AS total FROM orders GROUP BY customer) SELECT p.customer, p.total FROM per p WHERE p.total > (SELECT avg(total) FROM per)'),
    ('with_outer', 'SELECT c.id, s.n FROM customer c JOIN (SELECT customer, count(*) AS n FROM orders GROUP BY customer) s ON s.customer = c.id WHERE EXISTS (WITH a AS (SELECT o.at FROM orders o WHERE o.customer = c.id AND o.at > 50) SELECT FROM (SELECT * FROM a) z)'),
    ('filtered', 'SELECT c.region, count(*) AS n FROM customer c JOIN (SELECT customer, sum(price) AS s FROM orders GROUP BY customer HAVING count(*) > 5) o ON o.customer = c.id AND o.s > 50 GROUP BY c.region')) v (name, query);
SELECT c.mv_name, oracle.strategy(imat), subqueries FROM imat.imat_config c WHERE agg_schema_name = 'kept' ORDER BY c.mv_name COLLATE "C";
SELECT s.imat, s.strategy FROM imat.status s JOIN imat.imat_config c ON s.imat = ANY (c.subqueries) WHERE s.strategy <> 'delta' ORDER BY s.imat::text COLLATE "C";
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$
    SELECT * FROM oracle.all_same('kept') WHERE verdict ~ 'swap|BUT' OR verdict !~ '^same' OR verdict ~ ' 0 rows' $$;
SELECT * FROM bad();
SELECT fill(201, 230);
SELECT * FROM bad();
DELETE FROM orders WHERE id % 9 = 0;
UPDATE orders SET at = at + 3, status = 's9' WHERE id % 7 = 0;
UPDATE orders SET customer = customer + 1 WHERE id % 11 = 0;
UPDATE customer SET region = 'r7' WHERE id % 4 = 0;
DELETE FROM customer WHERE id = 8;
INSERT INTO customer VALUES (8, 'back'), (40, 'new');
SELECT * FROM bad();
BEGIN;
DELETE FROM orders WHERE customer = 3;
SELECT * FROM listed WHERE id = 3;
SAVEPOINT s;
DELETE FROM orders WHERE customer < 9;
SELECT imat, verdict FROM oracle.all_same('kept') WHERE verdict ~ 'BUT' OR verdict !~ '^same';
ROLLBACK TO s;
INSERT INTO orders SELECT 1000 + i, 40, 's1', 1, i FROM generate_series(1, 10) i;
COMMIT;
SELECT * FROM bad();
-- What is kept shows the columns that are read, the others are NULL
CREATE FUNCTION shown(regclass) RETURNS text LANGUAGE sql AS $$ -- whatever release shows it
    SELECT regexp_replace(regexp_replace(pg_get_viewdef($1), '[\s();]+', ' ', 'g'), '\m(?!imat)\w+\.', '', 'g') $$;
SELECT shown('imat.last_row_s_definition');
SELECT shown('imat.with_chain_over_subqueries');
SELECT e FROM imat.explain('listed') e WHERE e ~ 'strategy|source|subquery|aggregate|no index';
-- they have the indexes that they are looked up by
SELECT imat.create('by_size', 'SELECT p.customer, s.m FROM (SELECT customer, count(*) AS n FROM orders GROUP BY customer) p JOIN (SELECT n, count(*) AS m FROM (SELECT customer, count(*) AS n FROM orders WHERE at > 10 GROUP BY customer) q GROUP BY n) s ON s.n = p.n');
SELECT e FROM imat.explain('by_size') e WHERE e ~ 'joined with|advice';
-- They are the IMAT's alone
SELECT oracle.error('SELECT imat.drop(''imat.sizes_s'')'), oracle.error('DROP TABLE imat.sizes_s');
SELECT oracle.error('DELETE FROM imat.sizes_s');
-- What is in a view that is replaced
CREATE OR REPLACE VIEW totals AS SELECT customer, sum(price) * 2 AS total, count(*) AS n FROM orders GROUP BY customer;
SELECT * FROM oracle.all_same('kept') WHERE imat ~ 'of_view' OR verdict !~ '^same' OR verdict ~ 'BUT';
INSERT INTO orders VALUES (2000, 5, 's2', 1000, 3);
SELECT * FROM bad();
-- By swap without them, and back
SELECT imat.alter('joined', strategy => 'swap');
SELECT c.mv_name, oracle.strategy(imat), subqueries FROM imat.imat_config c WHERE mv_name = 'joined';
INSERT INTO orders VALUES (2001, 6, 's2', 1000, 3);
SELECT oracle.same('joined'), to_regclass('imat.joined_o');
SELECT imat.alter('joined', strategy => 'delta');
SELECT c.mv_name, oracle.strategy(imat), subqueries FROM imat.imat_config c WHERE mv_name = 'joined';
INSERT INTO orders VALUES (2002, 6, 's2', 1000, 3);
SELECT oracle.same('joined');
-- Refreshed with what it reads
SET client_min_messages = error;
ALTER TABLE orders DISABLE TRIGGER ALL;
DELETE FROM orders WHERE id % 5 = 0;
SELECT imat.verify('listed') > 0 AS stale;
SELECT imat.refresh('listed');
SELECT oracle.same('listed'), trusted FROM imat.status WHERE imat = 'listed'::regclass;
ALTER TABLE orders ENABLE TRIGGER ALL;
RESET client_min_messages;
SELECT count(imat.refresh(imat)) FROM imat.imat_config WHERE agg_schema_name = 'kept';
SELECT * FROM bad() WHERE verdict !~ 'swap';
TRUNCATE orders;
SELECT imat, verdict FROM oracle.all_same('kept') WHERE verdict ~ 'BUT' OR verdict !~ '^same';
SELECT fill(1, 50);
SELECT imat, verdict FROM oracle.all_same('kept') WHERE verdict ~ 'BUT' OR verdict !~ '^same';
-- Windows without partitions, of which nothing is gained; whole rows; keys that differ between grouping sets; domains
CREATE DOMAIN always AS int NOT NULL DEFAULT 1;
CREATE DOMAIN maybe AS int;
CREATE TABLE t (id int PRIMARY KEY, g int NOT NULL, v int, d always, d2 maybe, ts timestamptz DEFAULT '2024-01-01 12:00+00', "Odd ""name" text, tableoid_ int);
CREATE TABLE u (id int PRIMARY KEY, g int, w int);
INSERT INTO t SELECT i, i % 10, i % 7, 1, 1 FROM generate_series(1, 60) i;
INSERT INTO u SELECT id, g, v FROM t;
SELECT imat.create(name, query) FROM (VALUES
    ('top_all', 'SELECT id FROM (SELECT id, row_number() OVER (ORDER BY v, id) AS n FROM t) s WHERE n <= 10'),
    ('top_windows', 'SELECT u.id, s.n FROM u JOIN (SELECT id, row_number() OVER (ORDER BY v, id) AS n, rank() OVER (PARTITION BY g ORDER BY id) AS r FROM t) s USING (id) WHERE n <= 10'),
    ('row_grouped', 'SELECT to_jsonb(s) AS j FROM (SELECT g, count(*) AS c FROM t GROUP BY g) s JOIN u USING (g)'),
    ('row_listed', 'SELECT h, json_agg(s ORDER BY g)::text AS l FROM (SELECT g, v % 5 AS h, count(*) AS c FROM t GROUP BY 1, 2) s GROUP BY h'),
    ('row_numbered', 'SELECT to_jsonb(s) AS j FROM (SELECT id, row_number() OVER (PARTITION BY g ORDER BY id) AS n FROM t) s JOIN u USING (id)'),
    ('row_of_join', 'SELECT to_jsonb(j) AS j FROM ((SELECT id, g, row_number() OVER (PARTITION BY g ORDER BY id) AS n FROM t) s JOIN u USING (id, g)) j'),
    ('row_present', 'SELECT s.id FROM (SELECT id, v, row_number() OVER (PARTITION BY g ORDER BY id) AS n FROM t) s WHERE s IS NOT NULL AND n = 1'),
    ('row_present_alone', 'SELECT g FROM (SELECT g, count(*) AS c FROM t GROUP BY g) s WHERE s IS NOT NULL'),
    ('sets_shown', 'SELECT a, a + 1 AS b, c FROM (SELECT g AS a, g + 1 AS e, count(*) AS c FROM t GROUP BY GROUPING SETS ((g), (g + 1))) s'),
    ('sets_constant', 'SELECT a, 1 AS b, c FROM (SELECT v AS a, 1 AS e, count(*) AS c FROM t GROUP BY GROUPING SETS ((v), (2))) s'),
    ('of_domains', 'SELECT u.id, s.id AS i FROM (SELECT DISTINCT ON (g) g, d, d2, id FROM t ORDER BY g, id) s JOIN u USING (g)'),
    ('odd_names', 'SELECT u.id, s."Odd ""name" AS n, s.xmin AS x FROM (SELECT g, max(v) AS xmin, min("Odd ""name") AS "Odd ""name", count(*), count(*) FROM t GROUP BY g) s JOIN u USING (g)'),
    ('far_out', 'SELECT u.id FROM u WHERE EXISTS (SELECT FROM t WHERE t.g = u.g AND EXISTS (SELECT FROM (SELECT g, row_number() OVER (PARTITION BY g ORDER BY id) AS n FROM t) s WHERE s.n = u.w AND s.g = 1))'),
    ('in_zone', 'SELECT u.id, s.tx FROM (SELECT g, ts::text AS tx, count(*) AS c FROM t GROUP BY 1, 2) s JOIN u USING (g)'),
    ('doubling', 'WITH a AS (SELECT g, count(*) AS c FROM t GROUP BY g), b AS (SELECT x.g, sum(x.c + y.c) AS c FROM a x JOIN a y USING (g) GROUP BY x.g), c AS (SELECT x.g, sum(x.c + y.c) AS c FROM b x JOIN b y USING (g) GROUP BY x.g), d AS (SELECT x.g, sum(x.c + y.c) AS c FROM c x JOIN c y USING (g) GROUP BY x.g), e AS (SELECT x.g, sum(x.c + y.c) AS c FROM d x JOIN d y USING (g) GROUP BY x.g), f AS (SELECT x.g, sum(x.c + y.c) AS c FROM e x JOIN e y USING (g) GROUP BY x.g), h AS (SELECT x.g, sum(x.c + y.c) AS c FROM f x JOIN f y USING (g) GROUP BY x.g) SELECT g, c FROM h')) v (name, query);
SELECT c.mv_name, oracle.strategy(imat), subqueries FROM imat.imat_config c WHERE definition::text ~ 'top_(all|win)|row_|sets_|of_dom|odd_|far_|in_zone|doubl' ORDER BY c.mv_name COLLATE "C";
CREATE FUNCTION worse() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$ SELECT * FROM oracle.all_same('kept') WHERE verdict ~ 'BUT' OR verdict !~ '^same' OR (verdict ~ ' 0 rows' AND imat ~ '^(top_all|top_win|row_|sets_|of_dom|odd_|far_|in_)') $$;
SELECT * FROM worse();
DELETE FROM t WHERE id = 2;
UPDATE t SET v = v + 1 WHERE id % 3 = 0;
INSERT INTO t SELECT i, i % 11, i % 6, 1, NULL FROM generate_series(61, 80) i;
SELECT * FROM worse();
ALTER DOMAIN maybe ADD CHECK (VALUE < 100);
SET TimeZone = 'Asia/Tokyo';
SELECT imat.alter('in_zone', strategy => 'swap');
SELECT imat.alter('in_zone', strategy => 'auto');
INSERT INTO t SELECT i, i % 12, i % 6, 1, NULL FROM generate_series(81, 90) i;
SELECT * FROM worse();
RESET TimeZone;
SELECT oracle.error('ALTER TABLE t ALTER COLUMN g TYPE bigint');
SELECT line FROM imat.explain_query('SELECT id FROM (SELECT id, row_number() OVER (ORDER BY v) AS n FROM t) s WHERE n <= 10') line LIMIT 1;
-- What fails in an attempt is undone with it
\set VERBOSITY terse
SET statement_timeout = 1;
DO $$ BEGIN FOR i IN 1 .. 1000 LOOP PERFORM imat.explain_query('SELECT a.g FROM (SELECT g, count(*) FROM t GROUP BY g) a JOIN (SELECT g, sum(v) FROM t GROUP BY g) b USING (g) JOIN (SELECT g, max(v) FROM t GROUP BY g) c USING (g)'); END LOOP; END $$;
RESET statement_timeout;
\set VERBOSITY default
SELECT relname FROM pg_class WHERE relnamespace = 'imat'::regnamespace AND relname ~ '^subquery_';
SET client_min_messages = warning;
DROP TABLE t, u CASCADE;
RESET client_min_messages;
-- The end, in its ways
CREATE MATERIALIZED VIEW converted AS WITH o AS (SELECT customer AS id, sum(price) AS total FROM orders GROUP BY customer) SELECT c.region, sum(o.total) AS total FROM customer c JOIN o USING (id) GROUP BY c.region;
SELECT create_imat('converted');
SELECT oracle.strategy('converted'), shown('imat.converted_definition') AS definition, shown('imat.converted_over_subqueries') AS over_subqueries;
INSERT INTO orders VALUES (3000, 1, 's2', 1000, 3);
SELECT oracle.same('converted');
SELECT imat.drop('converted', keep => 'materialized view');
SELECT shown('converted');
SELECT create_imat('converted');
SELECT imat.drop('converted', keep => 'table');
SELECT count(*) FROM converted;
-- Who isn't a superuser, with a view of another's
CREATE ROLE kept_maker;
GRANT ALL ON SCHEMA kept TO kept_maker;
GRANT SELECT, TRIGGER ON customer, orders TO kept_maker;
GRANT SELECT ON totals TO kept_maker;
SET ROLE kept_maker;
CREATE MATERIALIZED VIEW made AS SELECT c.region, sum(t.total) AS total, sum(o.n) AS n FROM customer c JOIN totals t ON t.customer = c.id JOIN (SELECT customer, count(*) AS n FROM orders GROUP BY customer) o ON o.customer = c.id GROUP BY c.region;
SELECT create_imat('made');
RESET ROLE;
SELECT oracle.strategy('made'), shown('imat.made_t_definition') AS of_view, has_table_privilege('public', 'imat.made_o', 'SELECT') AS open;
INSERT INTO orders VALUES (3002, 2, 's2', 1000, 3);
SELECT oracle.same('made');
CREATE OR REPLACE VIEW totals AS SELECT customer, sum(price) * 3 AS total, count(*) AS n FROM orders GROUP BY customer;
SELECT oracle.same('made');
INSERT INTO orders VALUES (3003, 2, 's2', 1000, 3);
SELECT oracle.same('made');
DROP TABLE made;
SELECT imat.drop('with_chain');
DROP TABLE last_row;
SET client_min_messages = warning;
DROP VIEW totals CASCADE;
SELECT c.mv_name FROM imat.imat_config c WHERE agg_schema_name = 'kept' AND mv_name ~ 'view';
CREATE ROLE kept_owner;
GRANT ALL ON SCHEMA kept TO kept_owner;
ALTER TABLE sizes OWNER TO kept_owner;
SELECT relname, pg_get_userbyid(relowner) = 'kept_owner' AS given FROM pg_class WHERE relnamespace = 'imat'::regnamespace AND relname ~ '^sizes' AND relkind IN ('r', 'v') ORDER BY relname COLLATE "C";
SELECT oracle.error('INSERT INTO orders VALUES (3001, 1, ''s2'', 1000, 3)');
GRANT SELECT ON orders TO kept_owner;
INSERT INTO orders VALUES (3001, 1, 's2', 1000, 3);
SELECT oracle.same('sizes');
-- To one who may read a view, not what it reads: what is in it is kept as the view shows it
CREATE VIEW kept_view AS SELECT customer, sum(price) AS total FROM orders GROUP BY customer;
SELECT imat.create('over_view', 'SELECT c.region, sum(v.total) AS total FROM customer c JOIN kept_view v ON v.customer = c.id GROUP BY c.region');
SELECT shown('imat.over_view_v_definition');
REVOKE SELECT ON orders FROM kept_owner;
GRANT SELECT ON kept_view, customer TO kept_owner;
DROP TABLE sizes;
ALTER TABLE over_view OWNER TO kept_owner;
SELECT c.mv_name, c.subqueries, shown(s.definition) FROM imat.imat_config c JOIN imat.registered s ON s.imat = ANY (c.subqueries) WHERE c.mv_name = 'over_view';
INSERT INTO orders VALUES (3005, 1, 's2', 1000, 3);
SELECT oracle.same('over_view');
DROP TABLE orders CASCADE;
SELECT count(*) FROM imat.imat_config c WHERE agg_schema_name = 'kept';
SELECT relname FROM pg_class WHERE relnamespace = 'imat'::regnamespace AND relname ~ '^(joined|listed|deep|last|with|sizes|of_)';
DROP SCHEMA kept CASCADE;
DROP ROLE kept_owner, kept_maker;
