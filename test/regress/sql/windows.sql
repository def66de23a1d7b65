--
-- Window functions: partitions are computed anew, and nothing else.
--
CREATE SCHEMA windows; SET search_path = windows, public;
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$ SELECT * FROM oracle.all_same('windows') WHERE verdict !~ '^same' OR verdict ~ 'swap' $$;
CREATE TABLE sales (id int PRIMARY KEY, region text, shop int, amount numeric, sold date, note text);
CREATE TABLE shops (shop int PRIMARY KEY, name text, town text);
CREATE INDEX ON sales (region);
CREATE INDEX ON sales (shop);
INSERT INTO shops SELECT i, 'shop ' || i, 'town ' || i % 3 FROM generate_series(0, 9) i;
INSERT INTO sales SELECT i, CASE WHEN i % 6 > 0 THEN 'region ' || i % 6 END, i % 12, (i * 7919) % 1000 / 10.0, date '2024-01-01' + i % 50, 'note' FROM generate_series(1, 120) i;

-- at the outermost level
SELECT imat.create('ranked', 'SELECT id, region, amount, rank() OVER (PARTITION BY region ORDER BY amount, id) AS r FROM sales');
SELECT imat.create('running', 'SELECT id, region, sold, sum(amount) OVER (PARTITION BY region ORDER BY sold, id) AS total, lag(amount) OVER w AS before, first_value(amount) OVER w AS first FROM sales WINDOW w AS (PARTITION BY region ORDER BY sold, id)');
-- several windows: what they have in common, and is shown
SELECT imat.create('several', 'SELECT region, shop, count(*) OVER (PARTITION BY region, shop) AS n, sum(amount) OVER (PARTITION BY shop) AS s FROM sales');
-- a key that is computed; one that isn't plainly shown; WHERE
SELECT imat.create('by_month', 'SELECT date_trunc(''month'', sold::timestamp) AS month, id, row_number() OVER (PARTITION BY date_trunc(''month'', sold::timestamp) ORDER BY amount, id) AS n FROM sales WHERE amount > 5');
-- around it: the first of each, groups, windows, DISTINCT, WITH, functions that return sets
SELECT imat.create('top3', 'SELECT * FROM (SELECT id, region, amount, row_number() OVER (PARTITION BY region ORDER BY amount DESC, id) AS n FROM sales) s WHERE n <= 3');
SELECT imat.create('of_top3', 'WITH s AS (SELECT region, amount, row_number() OVER (PARTITION BY region ORDER BY amount DESC, id) AS n FROM sales) SELECT region, sum(amount) AS s, count(*) AS n FROM s WHERE n <= 3 GROUP BY region');
SELECT imat.create('again', 'SELECT shop, id, n, rank() OVER (PARTITION BY shop, n % 2 ORDER BY id) AS r FROM (SELECT shop, id, row_number() OVER (PARTITION BY shop ORDER BY sold, id) AS n FROM sales) s');
SELECT imat.create('different', 'SELECT DISTINCT region, count(*) OVER (PARTITION BY region) AS n FROM sales ORDER BY region');
SELECT imat.create('first_of', 'SELECT DISTINCT ON (shop) shop, id, n FROM (SELECT shop, id, count(*) OVER (PARTITION BY shop, region) AS n FROM sales) s ORDER BY shop, id');
SELECT imat.create('repeated', 'SELECT shop, id, generate_series(1, n::int % 3) AS g FROM (SELECT shop, id, count(*) OVER (PARTITION BY shop) AS n FROM sales) s');
SELECT imat.create('chained', 'WITH base AS (SELECT * FROM sales WHERE amount > 1), ranked AS (SELECT region, amount, row_number() OVER (PARTITION BY region ORDER BY amount, id) AS n FROM base), best AS (SELECT * FROM ranked WHERE n <= 2) SELECT region, sum(amount) AS s FROM best GROUP BY region');
SELECT imat.create('inside', 'WITH a AS (SELECT * FROM sales) SELECT y.shop, n FROM (SELECT shop, count(*) OVER (PARTITION BY shop) AS n FROM (SELECT * FROM a WHERE id > 3) x) y');
-- joins, inner and outer; subqueries in WHERE; functions in FROM
SELECT imat.create('joined', 'SELECT s.id, h.town, rank() OVER (PARTITION BY h.town ORDER BY s.amount, s.id) AS r FROM sales s JOIN shops h USING (shop)');
SELECT imat.create('outer_joined', 'SELECT s.id, s.shop, h.name, count(h.name) OVER (PARTITION BY s.shop ORDER BY s.id) AS n FROM sales s LEFT JOIN shops h USING (shop)');
SELECT imat.create('existing', 'SELECT id, region, rank() OVER (PARTITION BY region ORDER BY amount, id) AS r FROM sales s WHERE EXISTS (SELECT FROM shops h WHERE h.shop = s.shop)');
SELECT imat.create('parts', 'SELECT s.shop, u, count(*) OVER (PARTITION BY s.shop ORDER BY u) AS n FROM sales s, unnest(ARRAY[s.id % 4, s.id % 5]) u');
-- rows that are all alike
SELECT imat.create('alike', 'SELECT shop, count(*) OVER (PARTITION BY shop) AS n FROM sales');
SELECT imat, strategy, strategy_reason FROM imat.status WHERE imat IN (SELECT oid FROM pg_class WHERE relnamespace = 'windows'::regnamespace) ORDER BY imat::text COLLATE "C";
SELECT * FROM bad();
SELECT * FROM imat.explain('several');
SELECT * FROM imat.explain('joined');
SELECT c.relname, pg_get_indexdef(indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'windows'::regnamespace AND c.relname IN ('ranked', 'by_month') ORDER BY 1, 2;

INSERT INTO sales VALUES (500, 'region 2', 3, 1.5, '2024-01-20', 'new'), (501, NULL, 11, 99, '2024-02-20', 'new'), (502, 'region new', NULL, NULL, NULL, 'new');
SELECT * FROM bad();
UPDATE sales SET amount = amount + 50 WHERE id < 10;
SELECT * FROM bad();
UPDATE sales SET region = 'region 1', shop = 20 WHERE id BETWEEN 20 AND 25;
UPDATE sales SET region = NULL WHERE id = 40;
SELECT * FROM bad();
DELETE FROM sales WHERE region = 'region 5' OR id % 7 = 0;
SELECT * FROM bad();
UPDATE shops SET town = 'elsewhere', name = 'renamed' WHERE shop = 4;
DELETE FROM shops WHERE shop = 7;
INSERT INTO shops VALUES (11, 'eleven', 'town 1'), (20, 'twenty', 'town 1');
SELECT * FROM bad();
-- what no window reads
UPDATE sales SET note = 'other';
SELECT * FROM bad();
-- in a transaction: what it reads, what it takes back
BEGIN;
INSERT INTO sales VALUES (600, 'region 2', 3, 2.5, '2024-01-20', 'new');
SELECT count(*), max(r) FROM ranked WHERE region = 'region 2';
SAVEPOINT s;
DELETE FROM sales WHERE region = 'region 2';
SELECT count(*), max(r) FROM ranked WHERE region = 'region 2';
ROLLBACK TO s;
UPDATE sales SET amount = -1 WHERE id = 600;
SELECT * FROM ranked WHERE id = 600;
SELECT * FROM bad();
COMMIT;
SELECT * FROM bad();
-- only the partitions that changed are written
CREATE TABLE written (id int, r bigint);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO windows.written VALUES (coalesce(NEW.id, OLD.id), NEW.r); RETURN NULL; END';
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON ranked FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO sales SELECT 700, region, shop, amount, sold, note FROM sales WHERE id = (SELECT id FROM ranked WHERE region = 'region 1' ORDER BY r DESC OFFSET 1 LIMIT 1);
SELECT * FROM written ORDER BY id;
-- an IMAT over one
SELECT imat.create('tops', 'SELECT region, max(amount) AS m FROM top3 GROUP BY region');
UPDATE sales SET amount = 1000 + id WHERE id % 11 = 0;
SELECT * FROM bad();
-- TRUNCATE, and anew
TRUNCATE sales;
SELECT * FROM oracle.all_same('windows') WHERE verdict !~ '^same';
INSERT INTO sales SELECT i, 'region ' || i % 3, i % 5, i, '2024-01-01', 'again' FROM generate_series(1, 20) i;
SELECT * FROM bad();

-- values that are equal and look different; keys too long for a btree
CREATE TABLE odd (id int PRIMARY KEY, n numeric, t text, b bytea);
INSERT INTO odd VALUES (1, 1.0, 'a', 'x'), (2, 1.00, 'a', 'y'), (3, 2, repeat('long', 2000) || '1', 'x');
SELECT imat.create('by_numeric', 'SELECT n, id, count(*) OVER (PARTITION BY n) AS c FROM odd');
SELECT imat.create('by_text', 'SELECT t, id, count(*) OVER (PARTITION BY t) AS c FROM odd');
SELECT imat.create('by_both', 'SELECT t, b, count(*) OVER (PARTITION BY t, b) AS c FROM odd');
INSERT INTO odd SELECT 10 + i, 1.000, string_agg(md5(j::text || i), '' ORDER BY j), 'z' FROM generate_series(1, 3) i, generate_series(1, 400) j GROUP BY i;
INSERT INTO odd SELECT 20 + id, n, t, b FROM odd WHERE id > 10;
UPDATE odd SET b = NULL WHERE id = 12;
SELECT * FROM bad();
SELECT n, count(*), min(c) FROM by_numeric GROUP BY n::text, n ORDER BY n::text;

-- an index of the owner's that lets no rank in twice: each takes the place of the next one
CREATE TABLE race (id int PRIMARY KEY, heat int, time int);
INSERT INTO race SELECT i, i % 5, i FROM generate_series(1, 40) i;
CREATE MATERIALIZED VIEW places AS SELECT heat, id, row_number() OVER (PARTITION BY heat ORDER BY time DESC, id) AS n FROM race;
CREATE UNIQUE INDEX ON places (heat, n);
SELECT create_imat('places');
CREATE MATERIALIZED VIEW times AS SELECT heat, time, row_number() OVER (PARTITION BY heat ORDER BY time DESC, id) AS n FROM race;
CREATE UNIQUE INDEX ON times (heat, n);
SELECT create_imat('times');
UPDATE race SET time = -time;
SELECT * FROM bad();
DELETE FROM race WHERE id % 7 = 0;
UPDATE race SET time = time + 10 WHERE heat = 2;
UPDATE race SET heat = heat + 1;
INSERT INTO race SELECT i, i % 3, 0 FROM generate_series(50, 60) i;
SELECT * FROM bad();
-- and without windows
CREATE TABLE seats (id int PRIMARY KEY, seat int);
INSERT INTO seats VALUES (1, 1), (2, 2), (3, 3);
SELECT imat.create('seated', 'SELECT id, seat FROM seats');
CREATE UNIQUE INDEX ON seated (seat);
UPDATE seats SET seat = CASE seat WHEN 1 THEN 2 WHEN 2 THEN 1 ELSE seat END;
SELECT * FROM bad();

-- what isn't possible, and why; or is, over a subquery that is kept
CREATE FUNCTION strategy_of(query text) RETURNS text LANGUAGE sql AS $$ SELECT e FROM imat.explain_query(query) e LIMIT 1 $$;
SELECT strategy_of('SELECT id, rank() OVER (ORDER BY amount) AS r FROM sales');
SELECT strategy_of('SELECT id, rank() OVER (PARTITION BY region ORDER BY amount) AS r FROM sales');
SELECT strategy_of('SELECT shop, region, rank() OVER (PARTITION BY region ORDER BY amount) AS r, rank() OVER (PARTITION BY shop ORDER BY amount) AS q FROM sales');
SELECT strategy_of('SELECT n, count(*) FROM (SELECT region, rank() OVER (PARTITION BY region ORDER BY amount) AS n FROM sales) s GROUP BY n');
SELECT strategy_of('SELECT region, n FROM (SELECT region, rank() OVER (PARTITION BY region ORDER BY amount) AS n FROM sales) s ORDER BY n LIMIT 3');
SELECT strategy_of('SELECT DISTINCT ON (n) region, n FROM (SELECT region, id, rank() OVER (PARTITION BY region ORDER BY amount) AS n FROM sales) s ORDER BY n, id');
SELECT strategy_of('SELECT region, n, rank() OVER (ORDER BY n) AS q FROM (SELECT region, rank() OVER (PARTITION BY region ORDER BY amount) AS n FROM sales) s');
SELECT strategy_of('SELECT region, rank() OVER (PARTITION BY region ORDER BY amount) AS r, (SELECT count(*) FROM shops) AS n FROM sales');
SELECT strategy_of('SELECT region, sum(amount) OVER (PARTITION BY region ROWS (SELECT count(*) FROM shops) PRECEDING) AS n FROM sales');
SELECT strategy_of('SELECT s.region, s.n FROM (SELECT region, rank() OVER (PARTITION BY region ORDER BY amount) AS n FROM sales) s JOIN shops ON shop = n');
SELECT strategy_of('WITH RECURSIVE a AS (SELECT id, shop FROM sales UNION SELECT id - 1, shop FROM a WHERE id > 118) SELECT shop, count(*) OVER (PARTITION BY shop) AS n FROM a');
SELECT strategy_of('WITH a AS (SELECT shop, count(*) OVER (PARTITION BY shop) AS n FROM sales) SELECT * FROM a WHERE n > (SELECT avg(n) FROM a)');
SELECT strategy_of('WITH a AS (SELECT * FROM sales) SELECT y.shop, n FROM (SELECT shop, count(*) AS n FROM (SELECT * FROM a) x GROUP BY shop LIMIT 3) y');
-- possible, but with fewer keys: DISTINCT ON and GROUP BY by one of two
SELECT * FROM imat.explain_query('SELECT region, max(n) FROM (SELECT region, shop, rank() OVER (PARTITION BY region, shop ORDER BY amount) AS n FROM sales) s GROUP BY region');

SET client_min_messages = warning;
DROP SCHEMA windows CASCADE;
