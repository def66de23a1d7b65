--
-- An IMAT that is computed anew in the middle of a statement, or of a transaction with one snapshot.
--
-- In the middle of a statement its rows are there, but not captured yet: what is computed then shows them, and what is
-- captured later must not be added to that.
--
CREATE SCHEMA midway; SET search_path = midway, public;
CREATE TABLE src (id int PRIMARY KEY, g int, x int);
CREATE TABLE dim (g int PRIMARY KEY, name text);
CREATE TABLE part (id int, g int, x int) PARTITION BY LIST (g);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
INSERT INTO src SELECT i, i % 3, i FROM generate_series(1, 9) i;
INSERT INTO part SELECT i, i % 2 + 1, i FROM generate_series(1, 9) i;
INSERT INTO dim SELECT i, 'd' || i FROM generate_series(0, 9) i;
SELECT imat.create('sums', 'SELECT g, sum(x) AS s, count(*) AS n FROM src GROUP BY g');
SELECT imat.create('averages', 'SELECT g, avg(x) AS a, max(x) AS hi FROM src GROUP BY g');
SELECT imat.create('lists', 'SELECT g, array_agg(x ORDER BY x) AS xs FROM src GROUP BY g');
SELECT imat.create('names', 'SELECT d.name, sum(s.x) AS s FROM src s JOIN dim d USING (g) GROUP BY d.name');
SELECT imat.create('rows', 'SELECT id, g, x FROM src WHERE x > 1');
SELECT imat.create('swapped', 'SELECT g, sum(x) AS s FROM src GROUP BY g', strategy => 'swap');
SELECT imat.create('over_sums', 'SELECT count(*) AS groups, sum(n) AS n FROM sums');
SELECT imat.create('parts', 'SELECT g, sum(x) AS s FROM part GROUP BY g');
CREATE FUNCTION refresh_all() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM imat.refresh(imat) FROM imat.imat_config WHERE agg_schema_name = 'midway';
END $$;
CREATE FUNCTION refreshed(x int, at int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF x = at THEN PERFORM refresh_all(); END IF;
    RETURN x;
END $$;
CREATE FUNCTION wrong() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT imat || ': ' || verdict FROM oracle.all_same('midway') WHERE verdict !~ '^same' OR verdict ~ 'verify' $$;
SELECT wrong();

-- by a function that the statement calls
INSERT INTO src SELECT i, i % 4, refreshed(i, 13) FROM generate_series(10, 15) i;
SELECT wrong();
UPDATE src SET x = refreshed(id, 5) + 1, g = g + 1 WHERE id < 9;
SELECT wrong();
DELETE FROM src WHERE refreshed(id, 4) < 8;
SELECT wrong();
INSERT INTO part SELECT i, i % 2 + 1, refreshed(i, 13) FROM generate_series(10, 15) i;
SELECT wrong();
UPDATE part SET g = 3 - g WHERE refreshed(id, 4) < 6;
SELECT wrong();
WITH more AS (INSERT INTO src SELECT i, 1, refreshed(i, 21) FROM generate_series(20, 22) i RETURNING id)
INSERT INTO part SELECT id, 1, refreshed(id, 22) FROM more;
SELECT wrong();

-- in a transaction that goes on, and reads
BEGIN;
INSERT INTO src VALUES (29, 1, 29);
INSERT INTO src SELECT i, i % 4, refreshed(i, 31) FROM generate_series(30, 33) i;
SELECT sum(s) = (SELECT sum(x) FROM src) FROM sums;
SELECT wrong();
UPDATE src SET x = x + 1 WHERE id > 20;
SELECT wrong();
SAVEPOINT s;
INSERT INTO src SELECT i, i % 4, refreshed(i, 41) FROM generate_series(40, 43) i;
SELECT wrong();
ROLLBACK TO s;
SELECT wrong();
COMMIT;
SELECT wrong();

-- by triggers of the source, for each row, before our own, after them
CREATE FUNCTION refresh_by_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refresh_all();
    RETURN NULL;
END $$;
CREATE TRIGGER a_row AFTER INSERT OR UPDATE OR DELETE ON src FOR EACH ROW EXECUTE FUNCTION refresh_by_trigger();
INSERT INTO src VALUES (50, 1, 50), (51, 2, 51);
SELECT wrong();
UPDATE src SET x = x + 1 WHERE id IN (50, 51);
SELECT wrong();
DROP TRIGGER a_row ON src;
CREATE TRIGGER a_statement AFTER INSERT OR UPDATE OR DELETE ON src EXECUTE FUNCTION refresh_by_trigger();
INSERT INTO src VALUES (52, 1, 50), (53, 2, 51);
SELECT wrong();
DROP TRIGGER a_statement ON src;
CREATE TRIGGER z_statement AFTER INSERT OR UPDATE OR DELETE ON src EXECUTE FUNCTION refresh_by_trigger();
DELETE FROM src WHERE id > 50;
SELECT wrong();
DROP TRIGGER z_statement ON src;

-- by a trigger on a table whose rows take others with them, which nobody has captured yet
ALTER TABLE src ADD FOREIGN KEY (g) REFERENCES dim ON DELETE CASCADE ON UPDATE CASCADE;
CREATE TRIGGER z_row AFTER UPDATE OR DELETE ON dim FOR EACH ROW EXECUTE FUNCTION refresh_by_trigger();
UPDATE dim SET g = g + 20 WHERE g IN (1, 2);
SELECT wrong();
DELETE FROM dim WHERE g IN (3, 21);
SELECT wrong();

-- in a session whose first statement this is, before it has loaded the library
\c -
SET search_path = midway, public;
DELETE FROM dim WHERE g = 0;
SELECT wrong();
DROP TRIGGER z_row ON dim;
INSERT INTO dim VALUES (0, 'd0'), (1, 'd1') ON CONFLICT DO NOTHING;
ALTER FUNCTION refreshed SET search_path = midway, public;
\c -
INSERT INTO midway.src SELECT i, i % 2, midway.refreshed(i, 62) FROM generate_series(60, 63) i;
SET search_path = midway, public;
SELECT wrong();

-- by COPY, and by what else computes IMATs anew
CREATE FUNCTION altered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 71 THEN
        PERFORM refresh_all();
        PERFORM imat.alter('swapped', strategy => 'auto');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refreshing BEFORE INSERT ON src FOR EACH ROW EXECUTE FUNCTION altered();
INSERT INTO src VALUES (70, 1, 1), (71, 1, 2), (72, 0, 3);
CREATE OR REPLACE FUNCTION altered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 71 THEN PERFORM refresh_all(); END IF;
    RETURN NEW;
END $$;
COPY src FROM stdin;
70	1	1
71	1	2
72	0	3
\.
SELECT wrong();
DROP TRIGGER refreshing ON src;
SELECT * FROM oracle.all_same('midway');

-- In a transaction with one snapshot: what it has applied early, and then computes anew
CREATE TABLE base (id int, g int, x int);
CREATE TABLE child (LIKE base);
CREATE TABLE second (LIKE base);
INSERT INTO base VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO child VALUES (3, 3, 3), (4, 1, 4);
INSERT INTO second VALUES (5, 4, 5);
SELECT imat.create('base_sums', 'SELECT g, sum(x) AS s, count(*) AS n FROM base GROUP BY g');
SELECT imat.create('base_averages', 'SELECT g, avg(x) AS a FROM base GROUP BY g');
SELECT imat.create('base_rows', 'SELECT id, g, x FROM base');
SELECT imat.create('base_lists', 'SELECT g, array_agg(x ORDER BY x) AS xs FROM base GROUP BY g');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM base_sums;
INSERT INTO base VALUES (6, 5, 6);
ALTER TABLE child INHERIT base;
SELECT wrong();
INSERT INTO base VALUES (7, 6, 7);
INSERT INTO child VALUES (8, 7, 8);
COMMIT;
SELECT wrong();
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) FROM base_sums;
DELETE FROM child WHERE g = 7;
INSERT INTO child VALUES (9, 8, 9);
ALTER TABLE child NO INHERIT base;
ALTER TABLE second INHERIT base;
INSERT INTO second VALUES (10, 9, 10);
SELECT wrong();
SELECT imat.refresh('base_sums');
UPDATE base SET x = x + 1;
COMMIT;
SELECT wrong();
SELECT imat, verdict FROM oracle.all_same('midway') WHERE imat LIKE 'base%';

-- A first child with rows that have the same keys: what has been captured of them fits nothing that is there
CREATE TABLE keyed_base (id int PRIMARY KEY, g int NOT NULL, x int);
CREATE TABLE keyed_child (LIKE keyed_base);
INSERT INTO keyed_base VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO keyed_child VALUES (1, 3, 3), (2, 1, 4);
SELECT imat.create('keyed_sums', 'SELECT g, sum(x) AS s, count(*) AS n FROM keyed_base GROUP BY g');
SELECT imat.create('keyed_rows', 'SELECT id, g, x FROM keyed_base');
SELECT imat.create('keyed_swap', 'SELECT id, g, x FROM keyed_base', strategy => 'swap');
SELECT imat.create('over_rows', 'SELECT g, count(*) AS n FROM keyed_rows GROUP BY g');
ALTER TABLE keyed_child INHERIT keyed_base;
SELECT wrong();
ALTER TABLE keyed_child NO INHERIT keyed_base;
SELECT imat.drop('over_rows'), imat.drop('keyed_rows');
SELECT imat.create('keyed_rows', 'SELECT id, g, x FROM keyed_base');
BEGIN;
INSERT INTO keyed_base VALUES (3, 3, 3);
SAVEPOINT s;
INSERT INTO keyed_base VALUES (4, 3, 3);
ALTER TABLE keyed_child INHERIT keyed_base;
SELECT wrong();
ROLLBACK TO s;
SELECT wrong();
INSERT INTO keyed_base VALUES (5, 3, 3);
COMMIT;
SELECT wrong();
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM keyed_rows;
INSERT INTO keyed_base VALUES (6, 5, 6);
SELECT count(*) FROM keyed_rows;
ALTER TABLE keyed_child INHERIT keyed_base;
SELECT wrong();
UPDATE keyed_base SET x = x + 1;
COMMIT;
SELECT wrong();
SELECT imat, verdict FROM oracle.all_same('midway') WHERE imat LIKE 'keyed%';

-- One that comes without rows, and gets some then
CREATE TABLE made_base (id int PRIMARY KEY, g int NOT NULL, x int);
INSERT INTO made_base VALUES (1, 1, 1), (2, 2, 2);
SELECT imat.create('made_rows', 'SELECT id, g, x FROM made_base');
SELECT imat.create('made_joined', 'SELECT m.id, m.x, d.name FROM made_base m JOIN dim d USING (g)');
SELECT imat.create('over_made', 'SELECT g, count(*) AS n FROM made_rows GROUP BY g');
BEGIN;
INSERT INTO made_base VALUES (3, 1, 3);
CREATE TABLE made_child () INHERITS (made_base);
INSERT INTO made_child VALUES (3, 1, 4), (3, 1, 5), (1, 2, 6);
SELECT wrong();
UPDATE made_base SET x = x + 1 WHERE id = 3;
ROLLBACK;
SELECT wrong();
CREATE TABLE made_child () INHERITS (made_base);
INSERT INTO made_child SELECT * FROM ONLY made_base;
SELECT wrong();
UPDATE made_child SET id = 1, g = 1;
SELECT wrong();
SELECT imat, verdict FROM oracle.all_same('midway') WHERE imat ~ 'made';

-- A first child that a trigger of a maintained table gives to another source, in the middle of a flush
CREATE TABLE cause (id int);
CREATE TABLE lone_base (id int PRIMARY KEY, g int NOT NULL, x int);
CREATE TABLE lone_child (LIKE lone_base);
INSERT INTO lone_base VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO lone_child VALUES (2, 1, 20), (3, 20, 21);
SELECT imat.create('effect', 'SELECT id FROM cause');
SELECT imat.create('lone_sums', 'SELECT g, sum(x) AS s, count(*) AS n FROM lone_base GROUP BY g');
SELECT imat.create('lone_rows', 'SELECT id, g, x FROM lone_base');
CREATE FUNCTION give() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE midway.lone_child INHERIT midway.lone_base; RETURN NULL; END $$;
CREATE TRIGGER giving AFTER INSERT ON effect FOR EACH ROW EXECUTE FUNCTION give();
INSERT INTO cause VALUES (1);
SELECT wrong();
SELECT imat, verdict FROM oracle.all_same('midway') WHERE imat ~ 'lone|effect';

SET client_min_messages = warning;
DROP SCHEMA midway CASCADE;
