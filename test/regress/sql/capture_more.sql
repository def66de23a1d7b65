--
-- More ways in which statements change sources: several sources at once, in procedures, prepared, half-way.
--
CREATE SCHEMA more; SET search_path = more, public;
CREATE TABLE a (id int PRIMARY KEY, k int, v int);
CREATE TABLE b (id int PRIMARY KEY, k int, w int);
SELECT imat.create('of_a', 'SELECT k, sum(v) AS s, count(*) AS n FROM a GROUP BY k');
SELECT imat.create('joined', 'SELECT a.k, sum(v) AS v, sum(w) AS w, count(*) AS n FROM a JOIN b ON a.k = b.k GROUP BY a.k');
SELECT imat.create('joined_keyed', 'SELECT a.k, max(v) AS v, min(w) AS w FROM a JOIN b ON a.k = b.k GROUP BY a.k', strategy => 'keyed');
SELECT imat.create('outer_joined', 'SELECT a.id, b.id AS other, v, w FROM a LEFT JOIN b ON a.k = b.k');
SELECT imat.create('twice', 'SELECT x.k, count(*) AS n, sum(x.v * y.v) AS s FROM a x JOIN a y ON x.k = y.k GROUP BY x.k');
-- one statement, both sources of a view; the same one twice
WITH x AS (INSERT INTO a SELECT i, i % 3, i FROM generate_series(1, 9) i RETURNING *)
INSERT INTO b SELECT id, k, v * 10 FROM x;
SELECT * FROM oracle.all_same('more');
WITH x AS (UPDATE a SET k = 5, v = v + 1 WHERE k = 1 RETURNING *), y AS (DELETE FROM b WHERE k = 2 RETURNING *),
     z AS (INSERT INTO a SELECT id + 100, 5, 1 FROM y RETURNING *)
UPDATE b SET k = 5, w = w + (SELECT count(*) FROM z) WHERE k = 1;
SELECT * FROM oracle.all_same('more');
SELECT * FROM joined ORDER BY k;
-- one transaction, in any order
BEGIN;
DELETE FROM b WHERE id = 4; INSERT INTO a VALUES (20, 7, 20); INSERT INTO b VALUES (20, 7, 20), (21, 0, 21); UPDATE a SET k = 7 WHERE k = 0;
SELECT * FROM oracle.all_same('more');
UPDATE b SET k = 7; SAVEPOINT s; TRUNCATE b; INSERT INTO b VALUES (1, 5, 5); SELECT * FROM oracle.all_same('more'); ROLLBACK TO s; DELETE FROM a WHERE k = 2;
COMMIT;
SELECT * FROM oracle.all_same('more');
-- triggers that change the other source, and the first one again, to some depth
CREATE FUNCTION ping() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id < 1000 THEN
        EXECUTE format('INSERT INTO more.%I SELECT $1 + 300, $2, 1', CASE TG_TABLE_NAME WHEN 'a' THEN 'b' ELSE 'a' END) USING NEW.id, NEW.k;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ping AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION ping();
CREATE TRIGGER ping AFTER INSERT ON b FOR EACH ROW EXECUTE FUNCTION ping();
INSERT INTO a VALUES (31, 5, 1), (32, 7, 1);
SELECT * FROM oracle.all_same('more');
SELECT count(*) FROM a WHERE id > 600;
DROP TRIGGER ping ON a; DROP TRIGGER ping ON b;
-- a statement that fails half-way, alone and caught
\set VERBOSITY terse
INSERT INTO a SELECT i, 5, 100 / (i - 2005) FROM generate_series(2000, 2010) i;
DO $$
BEGIN
    INSERT INTO more.a VALUES (3000, 5, 1);
    BEGIN
        INSERT INTO more.b VALUES (3000, 5, 1);
        INSERT INTO more.a SELECT i, 5, 100 / (i - 2005) FROM generate_series(2000, 2010) i;
    EXCEPTION WHEN division_by_zero THEN
        INSERT INTO more.b VALUES (3001, 5, 1);
    END;
END $$;
\set VERBOSITY default
SELECT * FROM oracle.all_same('more');
-- savepoints, released and undone in every nesting
BEGIN;
SAVEPOINT s1; INSERT INTO a VALUES (41, 5, 1);
SAVEPOINT s2; INSERT INTO b VALUES (41, 5, 1);
SAVEPOINT s3; UPDATE a SET v = v + 1 WHERE k = 5;
RELEASE s3;
ROLLBACK TO s2; INSERT INTO b VALUES (42, 5, 1);
SAVEPOINT s4; DELETE FROM a WHERE k = 5;
SAVEPOINT s5; INSERT INTO a VALUES (43, 5, 1); RELEASE s5;
ROLLBACK TO s4; UPDATE b SET w = 0 WHERE k = 5;
RELEASE s1;
SELECT * FROM oracle.all_same('more');
SAVEPOINT s6; INSERT INTO a VALUES (44, 5, 1); ROLLBACK TO s6;
COMMIT;
SELECT * FROM oracle.all_same('more');
-- COPY into a table that is new in the transaction, frozen
BEGIN;
TRUNCATE b;
COPY b FROM stdin WITH (FREEZE);
1	5	1
2	7	2
\.
COMMIT;
SELECT * FROM oracle.all_same('more');
-- a cursor that outlives the transaction, over an IMAT with pending changes
BEGIN;
INSERT INTO b VALUES (3, 5, 3);
DECLARE held CURSOR WITH HOLD FOR SELECT k, w FROM joined ORDER BY k;
UPDATE b SET w = 100;
COMMIT;
FETCH ALL FROM held;
SELECT k, w FROM joined ORDER BY k;
CLOSE held;
-- procedures that commit between changes of several sources
CREATE PROCEDURE in_steps() LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO more.a VALUES (51, 8, 1); COMMIT;
    INSERT INTO more.b VALUES (51, 8, 1); ROLLBACK;
    INSERT INTO more.b VALUES (52, 8, 2); UPDATE more.a SET v = 9 WHERE k = 8; COMMIT;
END $$;
CALL in_steps();
SELECT * FROM joined WHERE k = 8;
SELECT * FROM oracle.all_same('more');
-- rules that do something instead
CREATE RULE too AS ON DELETE TO a DO ALSO DELETE FROM b WHERE k = OLD.k;
CREATE RULE instead AS ON UPDATE TO b WHERE NEW.w < 0 DO INSTEAD INSERT INTO a VALUES (NEW.id + 5000, NEW.k, NEW.w);
DELETE FROM a WHERE k = 8; UPDATE b SET w = -w WHERE k = 5;
SELECT * FROM oracle.all_same('more');
DROP RULE too ON a; DROP RULE instead ON b;
-- diamonds: two IMATs on one table, one on both, and on the table as well
SELECT imat.create('left_arm', 'SELECT k, sum(v) AS s FROM a GROUP BY k');
SELECT imat.create('right_arm', 'SELECT k, count(*) AS n FROM a GROUP BY k');
SELECT imat.create('tip', 'SELECT l.k % 2 AS odd, sum(l.s) AS s, sum(r.n) AS n FROM left_arm l JOIN right_arm r ON l.k = r.k GROUP BY l.k % 2');
SELECT imat.create('over_all', 'SELECT t.odd, count(*) AS c FROM tip t JOIN a ON a.k % 2 = t.odd GROUP BY t.odd');
INSERT INTO a VALUES (61, 5, 1), (62, 6, 1);
SELECT * FROM oracle.all_same('more');
BEGIN;
UPDATE a SET k = 6 WHERE k = 5; DELETE FROM a WHERE k = 7;
SELECT * FROM tip ORDER BY odd;
INSERT INTO a VALUES (63, 9, 1);
SELECT * FROM oracle.all_same('more');
ROLLBACK;
SELECT * FROM oracle.all_same('more');
-- cycles: a view that is read can't be made to read its reader
CREATE VIEW first_one AS SELECT k, v FROM a;
SELECT imat.create('second_one', 'SELECT k, sum(v) AS v FROM first_one GROUP BY k');
SELECT oracle.error('CREATE OR REPLACE VIEW first_one AS SELECT k, v::int FROM second_one');
INSERT INTO a VALUES (64, 9, 1);
SELECT oracle.same('second_one');
-- DDL on an IMAT below another: it is refused, or both go on
SELECT oracle.sqlstate('DROP TABLE left_arm');
ALTER TABLE left_arm RENAME COLUMN s TO total; ALTER TABLE left_arm RENAME TO arm;
INSERT INTO a VALUES (65, 9, 1);
SELECT * FROM oracle.all_same('more');
SET client_min_messages = warning;
DROP SCHEMA more CASCADE;
SELECT count(*) FROM imat.registered;
