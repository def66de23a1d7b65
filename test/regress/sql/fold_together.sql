-- Views that filter and group alike are folded together, from the ninth changed row on; others are not, and none hears of what is
-- another's.
CREATE SCHEMA together; SET search_path = together, public;
CREATE TABLE src (id int PRIMARY KEY, g int, h text, x int, y numeric, z timestamptz);
INSERT INTO src SELECT i, i % 5, 'h' || i % 3, i, i / 4.0, timestamptz '2020-01-01 UTC' + i * interval '1 hour' FROM generate_series(1, 50) i;
SELECT imat.create('counts', 'SELECT g, count(*) AS n FROM src GROUP BY g');
SELECT imat.create('sums', 'SELECT g, sum(x) AS s, count(x) AS n, avg(y) AS a FROM src GROUP BY g');
SELECT imat.create('filtered', 'SELECT g, sum(y) FILTER (WHERE x > 20) AS s FROM src GROUP BY g HAVING count(*) > 3');
SELECT imat.create('extremes', 'SELECT g, min(x) AS low, max(h) AS high FROM src GROUP BY g');
SELECT imat.create('distincts', 'SELECT g, count(DISTINCT h) AS n, sum(DISTINCT x) AS s FROM src GROUP BY g');
SELECT imat.create('medians', 'SELECT g, percentile_disc(0.5) WITHIN GROUP (ORDER BY x) AS m FROM src GROUP BY g');
SELECT imat.create('other_key', 'SELECT g + 1 AS g, count(*) AS n FROM src GROUP BY g + 1');
SELECT imat.create('other_filter', 'SELECT g, count(*) AS n FROM src WHERE x > 10 GROUP BY g');
SELECT imat.create('same_filter', 'SELECT g, sum(x) AS s FROM src WHERE x > 10 GROUP BY g');
SELECT imat.create('sets', 'SELECT g, count(*) AS n FROM src GROUP BY ROLLUP (g)');
SELECT imat.create('days', 'SELECT date_trunc(''day'', z) AS d, count(*) AS n FROM src GROUP BY 1');
SET timezone = 'Asia/Tokyo';
SELECT imat.create('tokyo_days', 'SELECT date_trunc(''day'', z) AS d, count(*) AS n FROM src GROUP BY 1');
RESET timezone;
SELECT imat.create('names', 'SELECT h, count(*) AS n, max(id) AS last FROM src GROUP BY h');
SELECT imat.create('more_names', 'SELECT h, bool_or(x > 30) AS any_large FROM src GROUP BY h');

INSERT INTO src SELECT i, i % 7, 'h' || i % 4, i, i, timestamptz '2020-01-02 UTC' + i * interval '1 hour' FROM generate_series(101, 150) i;
SELECT * FROM oracle.all_same('together');
UPDATE src SET x = x + 1, g = g + 1 WHERE id % 2 = 0;
SELECT * FROM oracle.all_same('together');
DELETE FROM src WHERE id % 3 = 0;
SELECT * FROM oracle.all_same('together');

-- What concerns only some of them, first: then groups have other numbers in each.
BEGIN;
UPDATE src SET y = y + 1 WHERE g IN (3, 4);
UPDATE src SET x = x + 1 WHERE g IN (2, 5, 6);
UPDATE src SET h = h || '!' WHERE g IN (1, 6);
INSERT INTO src SELECT i, 9 - i % 10, 'h' || i % 4, i, i, now() FROM generate_series(201, 260) i;
SAVEPOINT a;
DELETE FROM src WHERE g IN (5, 9);
UPDATE src SET g = NULL WHERE g = 8;
ROLLBACK TO a;
UPDATE src SET g = NULL, x = NULL WHERE g = 7;
SELECT count(*) FROM sums;
INSERT INTO src SELECT i, 20 - i % 21, NULL, i, i, NULL FROM generate_series(301, 400) i;
COMMIT;
SELECT * FROM oracle.all_same('together');

-- Other owners fold for themselves.
CREATE ROLE regress_together;
GRANT USAGE ON SCHEMA together TO regress_together;
GRANT SELECT, TRIGGER ON src TO regress_together;
ALTER TABLE counts OWNER TO regress_together;
INSERT INTO src SELECT i, i % 7, 'h' || i % 4, i, i, NULL FROM generate_series(401, 450) i;
UPDATE src SET g = g - 1 WHERE x > 100;
SELECT * FROM oracle.all_same('together');

SET client_min_messages = warning;
DROP SCHEMA together CASCADE;
DROP ROLE regress_together;
