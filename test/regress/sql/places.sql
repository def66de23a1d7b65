-- Rows are looked for where they were found last.  That place may be another row's by now, or not be there any more.
CREATE SCHEMA places; SET search_path = places, public;
CREATE TABLE src (id int PRIMARY KEY, g text, x int);
INSERT INTO src SELECT i, 'group ' || i % 4, i FROM generate_series(1, 40) i;
SELECT imat.create('groups', 'SELECT g, count(*) AS n, sum(x) AS s FROM src GROUP BY g');
SELECT imat.create('state', 'SELECT g, avg(x::float8) AS a FROM src GROUP BY g');

-- Each group is found by the index, then without it.
INSERT INTO src VALUES (100, 'group 3', 1);
INSERT INTO src VALUES (101, 'group 1', 1);
INSERT INTO src VALUES (102, 'group 1', 1);
INSERT INTO src VALUES (103, 'group 2', 1);
UPDATE src SET x = x + 1 WHERE g = 'group 2';
SELECT * FROM oracle.all_same('places');

-- The group goes, and another takes its place; then it comes back.  VACUUM finds as many rows, pages and transactions as before, so
-- it tells nobody.
VACUUM groups, state;
INSERT INTO src VALUES (104, 'group 1', 1);
INSERT INTO src VALUES (105, 'group 1', 1);
BEGIN;
DELETE FROM src WHERE g = 'group 1';
INSERT INTO src VALUES (201, 'new 1', 1);
COMMIT;
VACUUM groups, state;
INSERT INTO src VALUES (202, 'new 2', 2), (203, 'new 3', 3), (204, 'new 4', 4);
INSERT INTO src VALUES (205, 'group 1', 5);
INSERT INTO src VALUES (206, 'group 1', 5);
SELECT * FROM oracle.all_same('places');

-- Its row gets new entries in indexes, and so another place.
CREATE INDEX by_sum ON groups (s);
INSERT INTO src SELECT 300 + i, 'group 1', i FROM generate_series(1, 20) i;
DO $$
BEGIN
    FOR i IN 1 .. 500 LOOP
        UPDATE src SET x = x + 1 WHERE id IN (301, 103);
        COMMIT;
    END LOOP;
END
$$;
SELECT * FROM oracle.all_same('places');

-- The pages that it was on are cut off.
DELETE FROM src;
VACUUM groups, state;
INSERT INTO src VALUES (401, 'group 1', 1), (402, 'group 2', 1);
SELECT * FROM oracle.all_same('places');

-- The table has another file, or its contents are exchanged.
VACUUM FULL groups;
UPDATE src SET x = x + 1;
SELECT * FROM oracle.all_same('places');
SELECT imat.refresh('groups'), imat.refresh('state');
UPDATE src SET x = x + 1;
SELECT * FROM oracle.all_same('places');
TRUNCATE src;
INSERT INTO src VALUES (501, 'group 1', 1), (502, 'group 2', 1);
INSERT INTO src VALUES (503, 'group 2', 2);
SELECT * FROM oracle.all_same('places');

-- In a subtransaction that is rolled back, its row was elsewhere.
BEGIN;
SAVEPOINT s;
INSERT INTO src VALUES (504, 'group 2', 2), (505, 'group 3', 3);
SELECT count(*) FROM groups;
ROLLBACK TO s;
INSERT INTO src VALUES (506, 'group 2', 2), (507, 'group 3', 3);
COMMIT;
SELECT * FROM oracle.all_same('places');
SET client_min_messages = warning;
DROP SCHEMA places CASCADE;
