-- AFTER triggers on an IMAT that change the tables it reads: what they do is maintained, too
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA fed;
SET search_path = fed, public;
CREATE TABLE feed (k int NOT NULL, v int NOT NULL);
CREATE TABLE names (k int PRIMARY KEY, name text NOT NULL);
INSERT INTO names SELECT i, 'n' || i % 3 FROM generate_series(0, 9) i;
SELECT imat.create('fed.sums', 'SELECT k, count(*) AS n, sum(v) AS s FROM fed.feed GROUP BY k');
SELECT imat.create('fed.means', 'SELECT k, avg(v::float8) AS a FROM fed.feed GROUP BY k');
SELECT imat.create('fed.extremes', 'SELECT k, min(v) AS lo, max(v) AS hi FROM fed.feed GROUP BY k');
SELECT imat.create('fed.joined', 'SELECT name, count(*) AS n, sum(v) AS s FROM fed.feed JOIN fed.names USING (k) GROUP BY name');
SELECT imat.create('fed.rows', 'SELECT k, name, v FROM fed.feed JOIN fed.names USING (k)');
SELECT imat.create('fed.listed', 'SELECT k, string_agg(v::text, '','' ORDER BY v) AS l FROM fed.feed GROUP BY k');
SELECT imat.create('fed.over', 'SELECT n, count(*) AS groups FROM fed.sums GROUP BY n');

-- each new group feeds the next one, with a subtransaction for each, some of which fail
CREATE FUNCTION feed_next() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.k < 5 AND NEW.n < 3 THEN
        INSERT INTO fed.feed VALUES (NEW.k + 1, 10 * NEW.k);
        BEGIN
            INSERT INTO fed.feed VALUES (NEW.k + 1, NEW.k);
            BEGIN
                INSERT INTO fed.feed VALUES (NEW.k + 1, 1 / (NEW.k % 2));
            EXCEPTION WHEN division_by_zero THEN NULL;
            END;
        END;
        DELETE FROM fed.feed WHERE k = NEW.k + 1 AND v = 10 * NEW.k;
        UPDATE fed.names SET name = name || '!' WHERE k = NEW.k + 1;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER feed_next AFTER INSERT OR UPDATE ON sums FOR EACH ROW EXECUTE FUNCTION feed_next();

INSERT INTO feed VALUES (0, 7);
SELECT * FROM oracle.all_same('fed');
SELECT * FROM sums ORDER BY k;
BEGIN;
INSERT INTO feed VALUES (0, 8);
SELECT * FROM sums ORDER BY k;          -- shows all of it
SELECT * FROM oracle.all_same('fed');
SAVEPOINT a;
INSERT INTO feed VALUES (3, 1), (8, 8);
SELECT * FROM oracle.all_same('fed');
ROLLBACK TO a;
SELECT * FROM oracle.all_same('fed');
INSERT INTO feed VALUES (2, 1);
COMMIT;
SELECT * FROM oracle.all_same('fed');
BEGIN ISOLATION LEVEL REPEATABLE READ;
DELETE FROM feed WHERE k = 1;
SELECT * FROM oracle.all_same('fed');
INSERT INTO feed VALUES (0, 9), (1, 9);
SELECT count(*) > 0 AS there FROM sums;
COMMIT;
SELECT imat, verdict LIKE 'same, %' AS same FROM oracle.all_same('fed');
SET pg_imat.flush = statement;
INSERT INTO feed VALUES (9, 1), (0, 1); DELETE FROM feed WHERE k = 0; INSERT INTO feed VALUES (0, 1);
RESET pg_imat.flush;
SELECT imat, verdict LIKE 'same, %' AS same FROM oracle.all_same('fed');
DROP SCHEMA fed CASCADE;
