--
-- IMATs that read IMATs: chains and diamonds, by delta and by swap, through views.
--
CREATE SCHEMA tower; SET search_path = tower, public;
CREATE TABLE src (id serial PRIMARY KEY, day int NOT NULL, shop int NOT NULL, v int NOT NULL);
INSERT INTO src (day, shop, v) SELECT i % 10, i % 3, i FROM generate_series(1, 30) i;
SELECT imat.create('by_day_shop', 'SELECT day, shop, sum(v) AS v, count(*) AS n FROM src GROUP BY day, shop');
CREATE VIEW between_them AS SELECT day / 5 AS week, * FROM by_day_shop WHERE v > 3;
SELECT imat.create('by_week', 'SELECT week, sum(v) AS v, sum(n) AS n, count(*) AS groups FROM between_them GROUP BY week');
SELECT imat.create('by_shop', 'SELECT shop, max(v) AS most FROM by_day_shop GROUP BY shop', strategy => 'keyed');          -- keyed
SELECT imat.create('total', 'SELECT sum(v) AS v, count(*) AS weeks FROM by_week');
SELECT imat.create('diamond', 'SELECT w.week, s.shop, w.v + s.most AS x FROM by_week w, by_shop s');   -- swap, over both
SELECT imat.create('tip', 'SELECT count(*) AS n, sum(x) AS x FROM diamond');
SELECT c.mv_name, oracle.strategy(imat) FROM imat.imat_config c WHERE agg_schema_name = 'tower' ORDER BY 1;
SELECT * FROM oracle.all_same('tower');
INSERT INTO src (day, shop, v) VALUES (3, 1, 1000);
SELECT * FROM oracle.all_same('tower');
UPDATE src SET shop = 7, day = 11 WHERE v BETWEEN 5 AND 9;
SELECT * FROM oracle.all_same('tower');
DELETE FROM src WHERE day < 5;
SELECT * FROM oracle.all_same('tower');
BEGIN;
INSERT INTO src (day, shop, v) VALUES (1, 1, 50);
SELECT * FROM total;
SAVEPOINT a;
INSERT INTO src (day, shop, v) VALUES (2, 1, 50);
SELECT week, x FROM diamond WHERE shop = 1 ORDER BY 1;
ROLLBACK TO a;
INSERT INTO src (day, shop, v) VALUES (99, 9, 9);
SELECT n FROM tip;
SELECT v FROM by_week WHERE week = 19;
COMMIT;
SELECT * FROM oracle.all_same('tower');
-- reading only the tip is noticed as well
BEGIN; INSERT INTO src (day, shop, v) VALUES (98, 9, 1000); SELECT n, x FROM tip; ROLLBACK;
SELECT n, x FROM tip;
TRUNCATE src;
SELECT * FROM oracle.all_same('tower');
INSERT INTO src (day, shop, v) SELECT i % 20, i % 4, i FROM generate_series(1, 60) i;
SELECT * FROM oracle.all_same('tower');
-- a refresh, and another strategy, in the middle
SELECT oracle.unseen('src', 'UPDATE src SET v = v + 1 WHERE day = 1');
SELECT imat.refresh('by_day_shop');
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('tower');
SELECT imat.alter('by_day_shop', strategy => 'swap');
INSERT INTO src (day, shop, v) VALUES (5, 5, 5);
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('tower');
SELECT imat.alter('by_day_shop', strategy => 'delta');
DELETE FROM src WHERE shop = 2;
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('tower');
-- materialized views over materialized views: converted from below; from above it says what to do
CREATE MATERIALIZED VIEW m1 AS SELECT shop, sum(v) AS v FROM src GROUP BY shop;
CREATE MATERIALIZED VIEW m2 AS SELECT count(*) AS n, sum(v) AS v FROM m1;
SELECT oracle.error('SELECT create_imat(''m2'')');
SELECT create_imat('m1'), create_imat('m2');
INSERT INTO src (day, shop, v) VALUES (5, 55, 5);
SELECT oracle.same('m1'), oracle.same('m2');
-- dropping one below: not while it is read, and together
SELECT oracle.sqlstate('DROP TABLE by_week'), oracle.sqlstate('SELECT imat.drop(''by_week'')'), oracle.sqlstate('SELECT imat.drop(''m1'', ''materialized view'')');
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('tower');
SELECT imat.drop('tip'); SELECT imat.drop('diamond', 'table');
INSERT INTO src (day, shop, v) VALUES (6, 6, 6);
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('tower');
-- a first child takes the key of one that reads another, whose rows come with it
CREATE TABLE parent (id int PRIMARY KEY, a int, b text);
SELECT imat.create('texts_of', 'SELECT b FROM parent GROUP BY b', strategy => 'swap');
SELECT imat.create('these', 'SELECT p.id, p.a FROM parent p WHERE p.b IN (SELECT b FROM texts_of)');
SELECT imat.create('over_these', 'SELECT a, count(*) AS n FROM these GROUP BY a');
BEGIN;
INSERT INTO parent VALUES (1, 10, 'x'), (2, 20, 'y');
CREATE TABLE child (LIKE parent INCLUDING ALL); INSERT INTO child SELECT * FROM parent;
ALTER TABLE child INHERIT parent;
SELECT * FROM these ORDER BY id, a;
COMMIT;
INSERT INTO child VALUES (3, 10, 'x'); UPDATE parent SET a = a + 1 WHERE id = 1;
SELECT oracle.same('these'), oracle.same('over_these'), oracle.same('texts_of');
SET client_min_messages = warning; DROP TABLE parent CASCADE; RESET client_min_messages;
SET client_min_messages = warning;
DROP TABLE by_day_shop CASCADE;
SELECT mv_name FROM imat.imat_config WHERE agg_schema_name = 'tower' ORDER BY 1;
DROP SCHEMA tower CASCADE;
