--
-- What has to be kept of a group depends on NOT NULL: to count such a column is to count rows.  When NOT NULL comes or
-- goes, what is kept has to be computed anew, once, before anything is added to it.
--
CREATE SCHEMA layout; SET search_path = layout, public;
CREATE TABLE counted (id int NOT NULL, g int, x int NOT NULL, y int);
INSERT INTO counted VALUES (1, 1, 1, 1), (2, 1, 2, NULL), (3, 2, 3, 3);
SELECT imat.create(name, query) FROM (VALUES
    ('counts', 'SELECT g, count(x) AS n FROM counted GROUP BY g'),
    ('many', 'SELECT g, count(x) > 2 AS n FROM counted GROUP BY g'),
    ('either', 'SELECT g, count(x) + count(y) AS n FROM counted GROUP BY g'),
    ('averages', 'SELECT g, avg(x) AS x, avg(y) AS y, count(y) AS n FROM counted GROUP BY g'),
    ('pairs', 'SELECT count(a.x) > 3 AS n FROM counted a, counted b'),
    ('distinct_counts', 'SELECT g, count(DISTINCT y) AS d, count(x) AS n FROM counted GROUP BY g'),
    ('having', 'SELECT g, sum(x) AS s FROM counted GROUP BY g HAVING count(x) > 1'),
    ('largest', 'SELECT g, max(y) AS hi, count(x) AS n FROM counted GROUP BY g')) v (name, query);
CREATE FUNCTION wrong() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT imat || ': ' || verdict FROM oracle.all_same('layout') WHERE verdict !~ '^same' OR verdict ~ 'verify' $$;
-- ... or how many were computed anew, which is to be seen once after each change of layouts
CREATE FUNCTION swapped() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT imat || ': ' || verdict FROM oracle.all_same('layout') WHERE verdict !~ '^same' OR verdict ~ 'verify|swap' $$;
INSERT INTO counted VALUES (4, 2, 4, NULL);
SELECT swapped();

ALTER TABLE counted ALTER x DROP NOT NULL;
INSERT INTO counted VALUES (5, 2, NULL, 5), (6, 3, NULL, NULL);
SELECT swapped();
DELETE FROM counted WHERE id = 1;
SELECT swapped();

DELETE FROM counted WHERE x IS NULL;
SELECT swapped();
ALTER TABLE counted ALTER x SET NOT NULL;
INSERT INTO counted VALUES (7, 2, 7, 7);
SELECT swapped();
DELETE FROM counted WHERE y IS NULL;
SELECT swapped();

-- as many of each kind as before, but of other columns
ALTER TABLE counted ALTER y SET NOT NULL, ALTER x DROP NOT NULL;
INSERT INTO counted VALUES (8, 1, NULL, 8), (9, 4, 9, 9);
SELECT swapped();
DELETE FROM counted WHERE id = 8;
SELECT swapped();
ALTER TABLE counted ALTER x SET NOT NULL;
UPDATE counted SET g = 1 WHERE id = 7;
SELECT swapped();

-- in one transaction, with changes before and after, undone and not
BEGIN;
INSERT INTO counted VALUES (10, 1, 10, 10);
SAVEPOINT s;
ALTER TABLE counted ALTER x DROP NOT NULL;
INSERT INTO counted VALUES (11, 1, NULL, 11);
SELECT wrong();
ROLLBACK TO s;
INSERT INTO counted VALUES (12, 5, 12, 12);
SELECT wrong();
ALTER TABLE counted ALTER y DROP NOT NULL;
INSERT INTO counted VALUES (13, 5, 13, NULL);
SELECT wrong();
UPDATE counted SET x = x + 1;
COMMIT;
SELECT wrong();
INSERT INTO counted VALUES (14, 1, 14, NULL);
SELECT swapped();

-- a first child says nothing of NOT NULL; and takes what it said along when it leaves
CREATE TABLE counted_child (LIKE counted);
INSERT INTO counted_child VALUES (20, 1, 20, 20);
BEGIN;
ALTER TABLE counted_child INHERIT counted;
SELECT wrong();
COMMIT;
INSERT INTO counted VALUES (21, 1, 21, 21); INSERT INTO counted_child VALUES (22, 4, 22, 22);
SELECT wrong();
ALTER TABLE counted_child NO INHERIT counted;
INSERT INTO counted VALUES (23, 1, 23, 23);
SELECT wrong();

-- renaming changes nothing; what says of a state table what is in it goes with it
ALTER TABLE counted RENAME x TO z;
INSERT INTO counted VALUES (24, 1, 24, 24);
SELECT swapped();
SELECT imat, state IS NOT NULL AS state, state_layout IS NOT NULL AS layout FROM imat.registered
 WHERE imat IN ('counts'::regclass, 'many'::regclass) ORDER BY imat::text;
SELECT imat.alter('many', strategy => 'swap');
SELECT state IS NOT NULL AS state, state_layout IS NOT NULL AS layout FROM imat.registered WHERE imat = 'many'::regclass;
SELECT imat.alter('many', strategy => 'auto');
INSERT INTO counted VALUES (25, 1, 25, 25);
SELECT * FROM oracle.all_same('layout');

SET client_min_messages = warning;
DROP SCHEMA layout CASCADE;
