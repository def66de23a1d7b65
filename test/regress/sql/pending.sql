--
-- What a transaction has changed is applied at its commit, or before it first reads an IMAT; never lost, never twice.
--
CREATE SCHEMA pend; SET search_path = pend, public;
CREATE TABLE src (id serial PRIMARY KEY, k int NOT NULL, v int NOT NULL);
INSERT INTO src (k, v) SELECT i % 3, i FROM generate_series(1, 9) i;
SELECT imat.create('d', 'SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k');
SELECT imat.create('st', 'SELECT k, avg(v) AS a FROM src GROUP BY k');
SELECT imat.create('keyed', 'SELECT k, min(v) AS m FROM src GROUP BY k', strategy => 'keyed');
SELECT imat.create('w', 'SELECT k, min(v) AS m FROM src GROUP BY k', strategy => 'swap');
CREATE VIEW over_d AS SELECT sum(n)::int AS n FROM d;
SELECT oracle.strategy('d'), oracle.strategy('st'), oracle.strategy('keyed'), oracle.strategy('w');
SELECT * FROM oracle.all_same('pend');

-- Many statements, one application
BEGIN;
INSERT INTO src (k, v) VALUES (1, 1);
INSERT INTO src (k, v) VALUES (1, 2);
UPDATE src SET v = v + 1 WHERE k = 1;
DELETE FROM src WHERE k = 2;
INSERT INTO src (k, v) VALUES (5, 5);
COMMIT;
SELECT * FROM oracle.all_same('pend');
-- changes that cancel out, groups born and dead within the transaction
BEGIN;
INSERT INTO src (k, v) VALUES (6, 6), (7, 7);
DELETE FROM src WHERE k IN (6, 7);
UPDATE src SET v = v + 1; UPDATE src SET v = v - 1;
COMMIT;
SELECT * FROM oracle.all_same('pend');

-- Savepoints: kept, undone, nested, released
BEGIN;
INSERT INTO src (k, v) VALUES (10, 1);
SAVEPOINT a;
INSERT INTO src (k, v) VALUES (10, 10);
SAVEPOINT b;
INSERT INTO src (k, v) VALUES (10, 100), (11, 100);
ROLLBACK TO b;
INSERT INTO src (k, v) VALUES (10, 1000);
RELEASE b;
SAVEPOINT c;
DELETE FROM src WHERE k = 10;
ROLLBACK TO a;
INSERT INTO src (k, v) VALUES (10, 20000);
COMMIT;
SELECT s, n FROM d WHERE k >= 10;
SELECT * FROM oracle.all_same('pend');
BEGIN;
SAVEPOINT a;
INSERT INTO src (k, v) VALUES (10, 5);
RELEASE a;
SAVEPOINT a;
INSERT INTO src (k, v) VALUES (10, 5);
ROLLBACK TO a;
COMMIT;
SELECT s, n FROM d WHERE k >= 10;
SELECT * FROM oracle.all_same('pend');
BEGIN; INSERT INTO src (k, v) VALUES (10, 1); ROLLBACK;
SELECT * FROM oracle.all_same('pend');

-- Exception blocks: one caught, one row at a time, nested
DO $$
BEGIN
    FOR i IN 1..6 LOOP
        BEGIN
            INSERT INTO pend.src (k, v) VALUES (20, i);
            BEGIN
                INSERT INTO pend.src (k, v) VALUES (21, 100);
                IF i % 2 = 0 THEN RAISE 'inner'; END IF;
            EXCEPTION WHEN raise_exception THEN NULL;
            END;
            IF i % 3 = 0 THEN RAISE 'outer'; END IF;
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
    END LOOP;
END $$;
SELECT * FROM d WHERE k >= 20 ORDER BY k;   -- 1 + 2 + 4 + 5; i in 1, 5
SELECT * FROM oracle.all_same('pend');

-- Reading one's own changes: by query, by view, in a subquery, under EXPLAIN ANALYZE, in a later command
BEGIN;
INSERT INTO src (k, v) VALUES (30, 30);
SELECT s, n FROM d WHERE k = 30;
INSERT INTO src (k, v) VALUES (30, 30);
SELECT n = (SELECT count(*) FROM src) AS by_view FROM over_d;
INSERT INTO src (k, v) VALUES (30, 30);
SELECT (SELECT s FROM d WHERE k = 30) AS in_subquery;
INSERT INTO src (k, v) VALUES (30, 30);
WITH i AS (INSERT INTO src (k, v) VALUES (30, 1000) RETURNING v) SELECT s AS from_before_this_statement FROM d, i WHERE d.k = 30;
SELECT s AS after_it FROM d WHERE k = 30;
INSERT INTO src (k, v) VALUES (30, 30);
\o /dev/null
EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) SELECT * FROM d;
\o
INSERT INTO src (k, v) SELECT 31, s FROM d WHERE k = 30;
SELECT s FROM d WHERE k = 31;
UPDATE src SET v = (SELECT n FROM d WHERE d.k = src.k) WHERE k = 31;
DELETE FROM src USING d WHERE d.k = src.k AND d.s = 1 AND src.k = 31;
SELECT * FROM oracle.all_same('pend');
COMMIT;
SELECT * FROM oracle.all_same('pend');
-- by cursor: opened after the change shows it, opened before doesn't see what comes after
BEGIN;
INSERT INTO src (k, v) VALUES (32, 1);
DECLARE c1 CURSOR FOR SELECT s FROM d WHERE k = 32;
INSERT INTO src (k, v) VALUES (32, 1);
DECLARE c2 CURSOR FOR SELECT s FROM d WHERE k = 32;
INSERT INTO src (k, v) VALUES (32, 1);
FETCH c1; FETCH c2;
DECLARE c3 SCROLL CURSOR WITH HOLD FOR SELECT m, (SELECT s FROM d WHERE k = 32) AS s FROM w WHERE k = 32;
DELETE FROM src WHERE k = 32;
COMMIT;
FETCH c3; CLOSE c3;
SELECT * FROM oracle.all_same('pend');
-- by function: volatile, stable, immutable (which lies), inlined, as a default, in a WHERE; by COPY TO; by PREPARE
CREATE FUNCTION v_fn(int) RETURNS bigint LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN (SELECT s FROM pend.d WHERE k = $1); END';
CREATE FUNCTION s_fn(int) RETURNS bigint LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT s FROM pend.d WHERE k = $1); END';
CREATE FUNCTION s_sql(int) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT s FROM pend.d WHERE k = $1';
CREATE FUNCTION s_set(int) RETURNS SETOF pend.w LANGUAGE sql STABLE AS 'SELECT * FROM pend.w WHERE k = $1';
PREPARE p(int) AS SELECT s FROM d WHERE k = $1;
BEGIN;
INSERT INTO src (k, v) VALUES (33, 1);
SELECT v_fn(33);
INSERT INTO src (k, v) VALUES (33, 1);
SELECT s_fn(33);
INSERT INTO src (k, v) VALUES (33, 1);
SELECT s_sql(33);
INSERT INTO src (k, v) VALUES (33, -1);
SELECT * FROM s_set(33);
EXECUTE p(33);
INSERT INTO src (k, v) VALUES (33, 10);
EXECUTE p(33);
INSERT INTO src (k, v) VALUES (33, 10);
SELECT v FROM src WHERE k = 33 AND v < s_fn(33) ORDER BY v DESC LIMIT 1;
INSERT INTO src (k, v) VALUES (33, 10);
COPY (SELECT s FROM d WHERE k = 33) TO stdout;
INSERT INTO src (k, v) VALUES (33, 10);
COPY (SELECT * FROM d ORDER BY k DESC LIMIT 1) TO stdout;
INSERT INTO src (k, v) VALUES (33, 10);
DO $$ BEGIN RAISE NOTICE 'in a DO block: %', (SELECT s FROM pend.d WHERE k = 33); END $$;
INSERT INTO src (k, v) VALUES (34, s_fn(33)), (34, v_fn(33));
SELECT s, n FROM d WHERE k = 34;
INSERT INTO src (k, v) VALUES (34, 1);
SELECT query_to_xml('SELECT n FROM pend.d WHERE k = 34', true, true, '')::text ~ '<n>3</n>' AS by_a_function_of_postgresql;
SELECT * FROM oracle.all_same('pend');
ROLLBACK;
-- a function that changes and reads by itself, with the snapshot rules of its kind
CREATE FUNCTION change_and_read(int) RETURNS TABLE (before bigint, after bigint) LANGUAGE plpgsql AS $$
BEGIN
    SELECT s INTO before FROM pend.d WHERE k = $1;
    INSERT INTO pend.src (k, v) VALUES ($1, 7);
    SELECT s INTO after FROM pend.d WHERE k = $1;
    RETURN NEXT;
END $$;
SELECT (change_and_read(35)).* FROM generate_series(1, 1);
SELECT c.* FROM generate_series(1, 3) i, LATERAL (SELECT * FROM change_and_read(35 + 0 * i)) c;
SELECT * FROM oracle.all_same('pend');
-- by utility commands
BEGIN;
INSERT INTO src (k, v) VALUES (36, 1);
CREATE TABLE copy_of_d AS SELECT * FROM d;
SELECT count(*) FROM (TABLE d EXCEPT ALL TABLE copy_of_d) x;
SELECT count(*) AS seen FROM copy_of_d WHERE k = 36;
INSERT INTO src (k, v) VALUES (36, 100000);
CREATE INDEX d_s ON d (s);
SET LOCAL enable_seqscan = off;
SELECT k FROM d WHERE s = 100001;
RESET enable_seqscan;
INSERT INTO src (k, v) VALUES (37, 100000);
CREATE UNIQUE INDEX d_k_s ON d (k, s); CREATE STATISTICS d_stat ON s, n FROM d; ANALYZE d;
INSERT INTO src (k, v) VALUES (37, 100000);
ALTER TABLE d ADD CONSTRAINT not_too_much CHECK (s < 1000000);
CREATE MATERIALIZED VIEW mv_of_d AS SELECT max(s) AS m FROM d;
SELECT * FROM mv_of_d;
LOCK TABLE d IN SHARE MODE;
CLUSTER d USING d_s; 
ALTER TABLE src ADD COLUMN extra text;
INSERT INTO src (k, v) VALUES (38, 1);
ALTER TABLE src DROP COLUMN extra;
ALTER TABLE src ALTER COLUMN id TYPE bigint;
UPDATE src SET v = v + 1 WHERE k = 38;
COMMIT;
SELECT * FROM oracle.all_same('pend');
SELECT s FROM d WHERE k = 38;

-- Early application in a subtransaction that is undone: pending again, and only once
BEGIN;
INSERT INTO src (k, v) VALUES (40, 1);
SAVEPOINT a;
INSERT INTO src (k, v) VALUES (40, 10);
SELECT s, n FROM d WHERE k = 40;
INSERT INTO src (k, v) VALUES (40, 100);
ROLLBACK TO a;
INSERT INTO src (k, v) VALUES (40, 1000);
SAVEPOINT b;
SELECT s, n FROM d WHERE k = 40;
RELEASE b;
SELECT s, n FROM d WHERE k = 40;
SAVEPOINT c;
SAVEPOINT d;
INSERT INTO src (k, v) VALUES (40, 10000);
SELECT s, n FROM d WHERE k = 40;
RELEASE d;
INSERT INTO src (k, v) VALUES (40, 5);
ROLLBACK TO c;
SELECT s, n FROM d WHERE k = 40;
COMMIT;
SELECT * FROM oracle.all_same('pend');
DO $$
DECLARE seen bigint;
BEGIN
    INSERT INTO pend.src (k, v) VALUES (41, 1);
    BEGIN
        SELECT s INTO seen FROM pend.d WHERE k = 41;
        INSERT INTO pend.src (k, v) VALUES (41, seen + 1);
        BEGIN
            SELECT s INTO seen FROM pend.d WHERE k = 41;
            INSERT INTO pend.src (k, v) VALUES (41, seen + 1);
            SELECT s INTO seen FROM pend.d WHERE k = 41;
            RAISE NOTICE 'seen in the inner block: %', seen;
            PERFORM 1 / 0;
        EXCEPTION WHEN division_by_zero THEN NULL;
        END;
        SELECT s INTO seen FROM pend.d WHERE k = 41;
        RAISE NOTICE 'seen in the middle block: %', seen;
        INSERT INTO pend.src (k, v) VALUES (41, 100);
        RAISE 'away with it';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    INSERT INTO pend.src (k, v) VALUES (41, 1000);
    SELECT s INTO seen FROM pend.d WHERE k = 41;
    RAISE NOTICE 'seen at the end: %', seen;
END $$;
SELECT * FROM oracle.all_same('pend');
-- an IMAT by swap, the same way
BEGIN;
INSERT INTO src (k, v) VALUES (42, 50);
SAVEPOINT a;
INSERT INTO src (k, v) VALUES (42, 40);
SELECT m FROM w WHERE k = 42;
INSERT INTO src (k, v) VALUES (42, 30);
SAVEPOINT b;
TRUNCATE src;
SELECT count(*) FROM w;
ROLLBACK TO b;
SELECT m FROM w WHERE k = 42;
ROLLBACK TO a;
SELECT m FROM w WHERE k = 42;
COMMIT;
SELECT * FROM oracle.all_same('pend');

-- Procedures that COMMIT and ROLLBACK on their way
CREATE PROCEDURE in_steps(int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..$1 LOOP
        INSERT INTO pend.src (k, v) VALUES (50, i);
        IF i % 3 = 0 THEN
            ROLLBACK;
        ELSIF i % 2 = 0 THEN
            COMMIT;
        END IF;
        INSERT INTO pend.src (k, v) VALUES (51, 1);
    END LOOP;
END $$;
CALL in_steps(7);
SELECT * FROM d WHERE k IN (50, 51) ORDER BY k;
SELECT * FROM oracle.all_same('pend');
CREATE PROCEDURE in_loop() LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    FOR r IN SELECT id FROM pend.src WHERE k = 50 ORDER BY id LOOP
        UPDATE pend.src SET k = 52 WHERE id = r.id;
        COMMIT;
        IF (SELECT count(*) FROM pend.src WHERE k = 52) <> (SELECT n FROM pend.d WHERE k = 52) THEN RAISE 'not the same'; END IF;
    END LOOP;
END $$;
CALL in_loop();
SELECT * FROM oracle.all_same('pend');
BEGIN; INSERT INTO src (k, v) VALUES (53, 1); COMMIT AND CHAIN; INSERT INTO src (k, v) VALUES (53, 1); ROLLBACK AND CHAIN; INSERT INTO src (k, v) VALUES (53, 1); COMMIT;
SELECT s FROM d WHERE k = 53;

-- After each statement, where that is asked for; and where memory is short
SET pg_imat.flush = statement;
BEGIN;
INSERT INTO src (k, v) VALUES (60, 1);
INSERT INTO src (k, v) VALUES (60, 2);
SAVEPOINT a;
DELETE FROM src WHERE k = 60;
ROLLBACK TO a;
COMMIT;
SELECT * FROM oracle.all_same('pend');
BEGIN; INSERT INTO src (k, v) VALUES (61, 1); SET LOCAL pg_imat.flush = commit; INSERT INTO src (k, v) VALUES (61, 2); COMMIT;
SELECT * FROM oracle.all_same('pend');
RESET pg_imat.flush;
SELECT oracle.error('SET pg_imat.flush = sometimes');
SET pg_imat.pending_memory = '64kB';
BEGIN;
INSERT INTO src (k, v) SELECT 1000 + i, i FROM generate_series(1, 3000) i;
INSERT INTO src (k, v) SELECT 1000 + i, i FROM generate_series(1, 3000) i;
SAVEPOINT a;
UPDATE src SET v = v + 1 WHERE k > 1000;
ROLLBACK TO a;
DELETE FROM src WHERE k BETWEEN 1000 AND 2000;
COMMIT;
SELECT imat, verdict LIKE 'same, %' AS same, verdict LIKE '%4 delta%' AS four_times FROM oracle.all_same('pend');
RESET pg_imat.pending_memory;
SELECT oracle.error('SET pg_imat.pending_memory = 1') LIKE '22023%' AS refused;

-- A failure of maintenance takes the transaction with it; nothing is left over for the next one
ALTER TABLE d ADD CONSTRAINT no_seventy CHECK (k <> 70);
\set VERBOSITY terse
INSERT INTO src (k, v) VALUES (70, 1);
BEGIN; INSERT INTO src (k, v) VALUES (71, 1); INSERT INTO src (k, v) VALUES (70, 1); COMMIT;
BEGIN; INSERT INTO src (k, v) VALUES (71, 1); SAVEPOINT a; INSERT INTO src (k, v) VALUES (70, 1); SELECT count(*) FROM d; ROLLBACK TO a; COMMIT;
\set VERBOSITY default
SELECT * FROM d WHERE k > 69 AND k < 80;
SELECT * FROM oracle.all_same('pend');
SELECT errors > 0 AS counted, last_error_sqlstate, last_error FROM imat.status WHERE imat = 'd'::regclass;
-- two tables, a failing commit by deferred constraint, then a good one
CREATE TABLE unique_later (x int UNIQUE DEFERRABLE INITIALLY DEFERRED);
\set VERBOSITY terse
BEGIN; INSERT INTO src (k, v) VALUES (71, 1); INSERT INTO unique_later VALUES (1), (1); COMMIT;
\set VERBOSITY default
INSERT INTO src (k, v) VALUES (71, 1);
SELECT * FROM oracle.all_same('pend');
-- a flush that the first statement of a session asked for, before the library was there to do it, comes due in a SAVEPOINT
\c -
SET search_path = pend, public; SET pg_imat.flush = 'statement';
BEGIN;
COPY src (k, v) FROM STDIN;
90	1
91	2
\.
SAVEPOINT a;
INSERT INTO src (k, v) VALUES (92, 3);
ROLLBACK TO a;
INSERT INTO src (k, v) VALUES (93, 4);
COMMIT;
SELECT * FROM oracle.all_same('pend');
SET client_min_messages = warning;
DROP SCHEMA pend CASCADE;
