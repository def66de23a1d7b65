--
-- min and max by delta: the first few values are kept; when they have left, the next are looked up.
--
CREATE SCHEMA minmax; SET search_path = minmax, public;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'great');
CREATE DOMAIN short AS varchar(20);
CREATE TABLE t (id int PRIMARY KEY, g int, h text, i int, s smallint, l bigint, o oid, c money, n numeric, f float8, r real, x text, v varchar(30), p char(8), sh short, xc text COLLATE "C",
    d date, ts timestamp, tz timestamptz, ti time, iv interval, m mood, a int[], xa text[], ip inet, b bool);
CREATE FUNCTION fill(lo int, hi int) RETURNS void LANGUAGE sql SET search_path = minmax AS $$
    INSERT INTO t SELECT k, nullif(k % 5, 4), CASE k % 3 WHEN 0 THEN NULL ELSE 'h' || k % 3 END, nullif(j, 17), nullif(j, 18), 10000000000 + j, j, j::money, j / 8.0, nullif(j, 19) / 7.0, j / 4.0,
        repeat(chr(97 + j % 26), j % 4) || j, 'v' || j, 'p' || j, 's' || j, nullif('C' || j, 'C20'), date '2020-01-01' + j, timestamp '2020-01-01' + j * interval '1 hour', timestamptz '2020-01-01 00:00+00' + j * interval '1 min',
        time '00:00' + j * interval '1 min', j * interval '1 hour', (ARRAY['sad', 'ok', 'happy', 'great'])[j % 4 + 1]::mood, ARRAY[j % 7, j], ARRAY['a' || j % 3, NULL, 'b' || j], ('10.0.0.' || j % 256)::inet, k % 2 = 0
      FROM (SELECT k, k * 37 % 211 AS j FROM generate_series(lo, hi) k) q $$;
SELECT fill(1, 150);
SELECT imat.create('numbers', 'SELECT g, min(i), max(i), min(s) AS s1, max(s) AS s2, min(l) AS l1, max(l) AS l2, min(o) AS o1, max(o) AS o2, min(c) AS c1, max(c) AS c2, min(n) AS n1, max(n) AS n2, min(f) AS f1, max(f) AS f2, min(r) AS r1, max(r) AS r2 FROM t GROUP BY g');
SELECT imat.create('texts', 'SELECT g, min(x), max(x), min(v) AS v1, max(v) AS v2, min(p) AS p1, max(p) AS p2, min(sh) AS sh1, max(sh) AS sh2, min(xc) AS xc1, max(xc) AS xc2, max(x COLLATE "C") AS x3 FROM t GROUP BY g');
SELECT imat.create('times', 'SELECT g, h, min(d), max(d), min(ts) AS ts1, max(ts) AS ts2, min(tz) AS tz1, max(tz) AS tz2, min(ti) AS ti1, max(ti) AS ti2, min(iv) AS iv1, max(iv) AS iv2 FROM t GROUP BY g, h');
SELECT imat.create('others', 'SELECT h, min(m), max(m), min(a) AS a1, max(a) AS a2, min(xa) AS xa1, max(xa) AS xa2, min(ip) AS ip1, max(ip) AS ip2 FROM t GROUP BY h');
SELECT imat.create('all_', 'SELECT min(i), max(x), max(n) - min(n) AS span, count(i) AS c FROM t');
SELECT imat.create('filtered', 'SELECT g, min(i) FILTER (WHERE b) AS i1, max(i) FILTER (WHERE i % 3 = 0) AS i2, max(x) FILTER (WHERE h IS NULL) AS x2, count(*) FILTER (WHERE b) AS c FROM t WHERE id % 4 > 0 GROUP BY g');
SELECT imat.create('having_', 'SELECT g, h, max(i), sum(i) AS s FROM t GROUP BY g, h HAVING max(i) > 180 AND min(n) < 10 AND count(*) > 1');
SELECT imat.create('mixed', 'SELECT h, count(*) AS c, count(i) AS ci, sum(i) AS s, avg(n) AS a, min(i) AS lo, max(i) AS hi, max(i) - min(i) AS span, coalesce(max(x), ''none'') || ''!'' AS t, stddev(i) AS sd, bool_or(b) AS bo, bit_and(s) AS bi, min(n) + avg(n) AS na FROM t GROUP BY h');
SELECT imat.create('hidden_key', 'SELECT max(i) AS hi, min(x) AS lo FROM t GROUP BY g, b');
SELECT imat.create('computed', 'SELECT g % 2 AS k, max(i + length(x)) AS m, min(upper(x)) AS u, max(DISTINCT i) AS di, min(CASE WHEN b THEN i END) AS ca FROM t GROUP BY 1');
SELECT imat.create('as_keyed', 'SELECT g, min(i), max(x) FROM t GROUP BY g', strategy => 'keyed');
SELECT c.mv_name, oracle.strategy(imat) FROM imat.imat_config c WHERE agg_schema_name = 'minmax' ORDER BY c.mv_name COLLATE "C";
-- what isn't the same, or was swapped
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$
    SELECT * FROM oracle.all_same('minmax') a WHERE verdict ~ 'swap|BUT' OR verdict !~ '^same' $$;
SELECT * FROM bad();
INSERT INTO t (id, g, h, i, n, x) VALUES (1000, 1, 'h1', -1000, -1000, ''), (1001, 1, 'h1', 1000, 1000, 'zzz');
SELECT imat, split_part(verdict, ', ', 2) AS row_count, split_part(verdict, ', ', 3) AS work FROM oracle.all_same('minmax');
SELECT min, max FROM numbers WHERE g = 1; SELECT lo, hi, span, t FROM mixed WHERE h = 'h1';
-- the extremum leaves, and the next, and so on until nothing that was kept is left
DELETE FROM t WHERE id >= 1000;
SELECT * FROM bad();
CREATE FUNCTION peel(rounds int, OUT worst text) LANGUAGE plpgsql AS $$
BEGIN
    FOR round IN 1..rounds LOOP
        DELETE FROM t WHERE id IN (SELECT DISTINCT ON (g) id FROM t ORDER BY g, i DESC NULLS LAST) OR id IN (SELECT DISTINCT ON (h) id FROM t ORDER BY h, n) OR id IN (SELECT DISTINCT ON (g) id FROM t ORDER BY g, x);
        SELECT string_agg(b::text, ' ') INTO worst FROM bad() b;
        EXIT WHEN worst IS NOT NULL;
    END LOOP;
END $$;
SELECT peel(1), count(*) FROM t; SELECT peel(12);
SELECT count(*) > 0 AS some_left FROM t;
SELECT peel(12);
SELECT fill(200, 500);
SELECT * FROM bad();
-- duplicates, NULLs, rows that move within their group and to others
INSERT INTO t SELECT 1000 + k, k % 3, 'h1', 5000, 5, 1, 1, 1, 5000, 5000, 5000, 'zzzz' FROM generate_series(1, 12) k;
DELETE FROM t WHERE id IN (1001, 1002, 1003, 1004);
SELECT * FROM bad();
UPDATE t SET i = NULL, n = NULL, x = NULL WHERE id BETWEEN 1005 AND 1010;
SELECT * FROM bad();
UPDATE t SET i = 6000 WHERE i IS NULL;
UPDATE t SET g = g + 1, h = CASE WHEN id % 2 = 0 THEN h END WHERE id % 3 = 0;
SELECT * FROM bad();
UPDATE t SET i = i + 10000, n = n - 10000, x = 'k' || x, d = d + 1, a = a || 1;
SELECT * FROM bad();
UPDATE t SET i = -i, s = -s, f = -f, x = reverse(x), ts = timestamp '2021-01-01' - (ts - timestamp '2020-01-01') WHERE i IS NOT NULL;
SELECT * FROM bad();
UPDATE t SET g = NULL; UPDATE t SET g = id % 5; UPDATE t SET i = NULL;
SELECT * FROM bad();
UPDATE t SET i = id % 100;
SELECT * FROM bad();
-- an update of something else writes nothing
SELECT rows_written AS before FROM imat.status WHERE imat = 'numbers'::regclass \gset
UPDATE t SET b = NOT b WHERE id = 300;
SELECT rows_written - :before AS written FROM imat.status WHERE imat = 'numbers'::regclass;
SELECT * FROM bad();
-- groups die and are born, also with what they lose at once
DELETE FROM t WHERE g = 2;
INSERT INTO t (id, g, h, i, n, x) SELECT 3000 + k, 2, 'new', k, k, 'x' || k FROM generate_series(1, 30) k;
SELECT * FROM bad();
BEGIN;
INSERT INTO t (id, g, h, i, n, x) SELECT 4000 + k, 77, 'newer', k, k, 'x' || k FROM generate_series(1, 30) k;
DELETE FROM t WHERE g = 77 AND i NOT IN (14, 15);
COMMIT;
SELECT * FROM bad();
SELECT min, max FROM numbers WHERE g = 77;
BEGIN;
INSERT INTO t (id, g, h, i, n, x) SELECT 5000 + k, 78, 'newest', k, k, 'x' || k FROM generate_series(1, 30) k;
DELETE FROM t WHERE g = 78;
COMMIT;
SELECT * FROM bad();
-- read in between, savepoints
BEGIN;
DELETE FROM t WHERE i > 50;
SELECT max FROM numbers WHERE g = 2; SELECT min, c FROM all_;
SAVEPOINT a;
DELETE FROM t WHERE i > 20;
SELECT max FROM numbers WHERE g = 2;
SAVEPOINT b;
UPDATE t SET i = i + 100;
INSERT INTO t (id, g, i) VALUES (6000, 2, 1);
ROLLBACK TO b;
SELECT max FROM numbers WHERE g = 2;
SELECT * FROM bad();
ROLLBACK TO a;
SELECT max FROM numbers WHERE g = 2;
UPDATE t SET i = i + 1 WHERE i > 45;
SAVEPOINT c;
DELETE FROM t WHERE i > 30;
RELEASE c;
COMMIT;
SELECT * FROM bad();
SELECT max FROM numbers WHERE g = 2;
BEGIN ISOLATION LEVEL REPEATABLE READ;
DELETE FROM t WHERE i > 12;
SELECT max FROM numbers WHERE g = 2;
DELETE FROM t WHERE i > 6;
SELECT max FROM numbers WHERE g = 2;
COMMIT;
SELECT * FROM bad();
-- in the middle of a statement: what it has done so far is seen, and not counted twice
SELECT fill(7000, 7100);
CREATE FUNCTION purge(which int, over int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE result int;
BEGIN
    DELETE FROM t WHERE g = which AND i > over AND id < 7600;
    SELECT max INTO result FROM numbers WHERE g = which;
    RETURN result;
END $$;
CREATE TABLE notes (k int PRIMARY KEY, seen int);
INSERT INTO notes SELECT k FROM generate_series(0, 3) k;
UPDATE notes SET seen = purge(k, 60 + k);
SELECT n.k, n.seen, t.hi FROM notes n JOIN (SELECT g, max(i) AS hi FROM t GROUP BY g) t ON t.g = n.k ORDER BY 1;
SELECT * FROM bad();
DELETE FROM t WHERE g = 1 AND i > 55; UPDATE t SET i = i - 1 WHERE g = 2 AND i > 50; INSERT INTO t (id, g, i) VALUES (7500, 3, 70);
SELECT * FROM bad();
INSERT INTO t (id, g, i) SELECT 7600 + k, 1, 1000 * k + purge(1, 50 - k) FROM generate_series(1, 3) k;
SELECT id, i FROM t WHERE id > 7600 AND g = 1 ORDER BY 1;
SELECT * FROM bad();
DELETE FROM t WHERE g = 1 AND i > 40;
SELECT * FROM bad();
-- values that are equal and look different: what is shown is one that is there
CREATE TABLE eq (id int PRIMARY KEY, k int, n numeric, f float8, iv interval, p char(3));
SELECT imat.create('looks', 'SELECT k, min(n), max(n), min(f) AS f1, max(f) AS f2, min(iv) AS iv1, max(iv) AS iv2, max(n)::text AS t, min(p) AS p1 FROM eq GROUP BY k');
INSERT INTO eq VALUES (1, 1, 1.0, 0, '1 day', 'a'), (2, 1, 1.00, '-0', '24 hours', 'a '), (3, 1, 1, 0, '1 day', 'a');
SELECT * FROM looks; SELECT oracle.same('looks', 'equal');
DELETE FROM eq WHERE id = 1;
SELECT * FROM looks; SELECT imat.verify('looks');
UPDATE eq SET n = 1.000, f = 'NaN', iv = '-1 mon 31 days' WHERE id = 2;
SELECT * FROM looks; SELECT imat.verify('looks');
DELETE FROM eq WHERE id = 2;
SELECT * FROM looks; SELECT oracle.same('looks');
INSERT INTO eq SELECT 10 + i, 1, round(1.0, i), CASE i % 2 WHEN 0 THEN 0 ELSE '-0' END::float8, i * interval '1 day' + (20 - i) * interval '24 hours' FROM generate_series(0, 20) i;
SELECT * FROM looks; SELECT imat.verify('looks');
DELETE FROM eq WHERE id BETWEEN 11 AND 20;
SELECT imat.verify('looks');
DELETE FROM eq WHERE id < 29;
SELECT * FROM looks; SELECT imat.verify('looks');
-- any_value, where there is one: the least will do
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_proc WHERE proname = 'any_value' AND pronamespace = 'pg_catalog'::regnamespace) THEN RETURN; END IF;
    PERFORM imat.create('minmax.any_', 'SELECT k, any_value(n) AS n, any_value(iv) FILTER (WHERE id < 30) AS iv, any_value(p) AS p FROM minmax.eq GROUP BY k');
    INSERT INTO eq SELECT 40 + i, i % 2, i % 9, i, i * interval '1 hour', 'p' || i FROM generate_series(1, 40) i;
    IF imat.verify('minmax.any_') > 0 OR oracle.strategy('minmax.any_') <> 'delta with state' OR (SELECT count(n) FROM any_) <> 2 THEN RAISE EXCEPTION 'any_value: %', oracle.strategy('minmax.any_'); END IF;
    DELETE FROM eq WHERE id > 40 AND n < 7; UPDATE eq SET k = 3 WHERE id > 40 AND id % 5 = 0;
    IF imat.verify('minmax.any_') > 0 THEN RAISE EXCEPTION 'any_value is wrong'; END IF;
    DELETE FROM eq WHERE id > 40;
    IF imat.verify('minmax.any_') > 0 THEN RAISE EXCEPTION 'any_value is wrong in the end'; END IF;
    PERFORM imat.drop('minmax.any_');
END $$;
-- large values: fewer are kept, compressed and out of line in the table
CREATE TABLE big (id int PRIMARY KEY, k int, x text, a text[]);
SELECT imat.create('largest', 'SELECT k, max(x) AS x2, min(x) AS x1, max(a) AS a2 FROM big GROUP BY k');
INSERT INTO big SELECT i, i % 2, i || repeat('x', 500 * i), ARRAY[i || repeat('y', 300 * i), NULL] FROM generate_series(1, 60) i;
SELECT k, length(x2), length(x1), length(a2[1]) FROM largest ORDER BY k; SELECT oracle.same('largest');
ALTER TABLE big ALTER x SET STORAGE EXTERNAL; UPDATE big SET x = x || '!' WHERE id % 3 = 0;
SELECT oracle.same('largest');
DELETE FROM big WHERE left(x, 1) > '5'; DELETE FROM big WHERE left(x, 1) > '3';
SELECT oracle.same('largest');
DELETE FROM big WHERE id > 1;
SELECT k, length(x2), length(x1), length(a2[1]) FROM largest ORDER BY k; SELECT oracle.same('largest');
-- with an index that has the values in order the next ones are read from it, without one the group is read
SELECT * FROM imat.explain('numbers') e WHERE e ~ '^(when|advice)';
CREATE TABLE ix (id int PRIMARY KEY, k int, "V w" int, x text, z int);
SELECT imat.create('indexed', 'SELECT k, min("V w") AS lo, max("V w") AS hi, max(x) AS x2, max("V w") FILTER (WHERE x > '''') AS fi FROM ix WHERE z = 1 GROUP BY k');
SELECT imat.create('indexed_all', 'SELECT min("V w") AS lo, max("V w") AS hi FROM ix');
INSERT INTO ix SELECT i, nullif(i % 4, 3), nullif(i * 37 % 101, 50), 'x' || i % 90, i % 2 FROM generate_series(1, 2000) i;
SELECT * FROM imat.explain('indexed') e WHERE e ~ '^(when|advice)'; SELECT * FROM imat.explain('indexed_all') e WHERE e ~ '^(when|advice)';
CREATE INDEX ON ix (z, k, "V w"); CREATE INDEX ON ix ("V w" DESC); CREATE INDEX ON ix (k, x) WHERE z = 1;
SELECT * FROM imat.explain('indexed') e WHERE e ~ '^(when|advice)'; SELECT * FROM imat.explain('indexed_all') e WHERE e ~ '^(when|advice)';
SELECT oracle.same('indexed'), oracle.same('indexed_all');
DO $$ BEGIN FOR n IN REVERSE 100..5 BY 2 LOOP DELETE FROM minmax.ix WHERE "V w" > n OR "V w" < (100 - n) / 3; IF imat.verify('minmax.indexed') + imat.verify('minmax.indexed_all') > 0 THEN RAISE EXCEPTION '% is wrong', n; END IF; END LOOP; END $$;
SELECT oracle.same('indexed'), oracle.same('indexed_all');
SELECT * FROM indexed_all;
DELETE FROM ix;
SELECT oracle.same('indexed'), oracle.same('indexed_all');
-- what goes with it, and what does not
SELECT q, e AS strategy FROM (VALUES ('SELECT g, max(i) FROM t GROUP BY g'), ('SELECT max(i) FROM t'), ('SELECT g, max(DISTINCT i) FROM t GROUP BY g'), ('SELECT g, max(i), mode() WITHIN GROUP (ORDER BY i) FROM t GROUP BY g')) v (q), LATERAL (SELECT e FROM imat.explain_query(q) e LIMIT 1) x;
SELECT imat.explain('mixed');
-- TRUNCATE: rebuilt, with what is kept
TRUNCATE t;
SELECT imat, split_part(verdict, ', ', 1) AS same, split_part(verdict, ', ', 2) AS row_count FROM oracle.all_same('minmax');
SELECT fill(1, 60); DELETE FROM t WHERE id < 50;
SELECT * FROM bad();

-- Over joins, and over IMATs
CREATE TABLE fact (id int PRIMARY KEY, dim int, v int, x text);
CREATE TABLE dim (id int PRIMARY KEY, name text, region int);
CREATE INDEX ON fact (dim);
SELECT imat.create('j', 'SELECT name, min(v) AS lo, max(v) AS hi, max(x) AS x2, count(*) AS n FROM fact JOIN dim ON dim.id = fact.dim GROUP BY name');
SELECT imat.create('j_self', 'SELECT x.dim, max(y.v) AS m FROM fact x JOIN fact y ON x.v = y.dim GROUP BY x.dim');
SELECT imat.create('j_all', 'SELECT max(v) AS m, min(name) AS n FROM fact, dim WHERE dim.id = fact.dim AND region < 3');
SELECT imat.create('over', 'SELECT hi % 2 AS k, max(name) AS name, min(lo) AS lo, max(hi - lo) AS span FROM j GROUP BY 1');
SELECT imat.create('over_over', 'SELECT max(span) AS m, min(name) AS n, count(*) AS c FROM over');
SELECT imat.create('j_on_imat', 'SELECT region, max(hi) AS m, min(x2) AS l FROM dim JOIN j ON j.name = dim.name GROUP BY region');
SELECT c.mv_name, oracle.strategy(imat) FROM imat.imat_config c WHERE mv_name ~ '^(j|over)' ORDER BY c.mv_name COLLATE "C";
SELECT * FROM imat.explain('j') e WHERE e ~ '^(when|advice)';
INSERT INTO dim SELECT i, nullif('n' || i % 4, 'n3'), i % 4 FROM generate_series(1, 12) i;
INSERT INTO fact SELECT i, nullif(i % 14, 0), i * 37 % 101, 'x' || i FROM generate_series(1, 300) i;
SELECT * FROM bad();
DO $$ BEGIN FOR k IN REVERSE 100..60 BY 3 LOOP DELETE FROM minmax.fact WHERE v > k; IF EXISTS (SELECT FROM minmax.bad()) THEN RAISE EXCEPTION '%: %', k, (SELECT string_agg(b::text, ' ') FROM minmax.bad() b); END IF; END LOOP; END $$;
SELECT * FROM bad();
UPDATE dim SET name = 'renamed' WHERE id IN (3, 5); UPDATE dim SET region = 9 - region;
SELECT * FROM bad();
DELETE FROM dim WHERE id = 1; DELETE FROM fact WHERE v < 30;
SELECT * FROM bad();
BEGIN;
DELETE FROM fact WHERE v > 45; UPDATE dim SET name = 'n0' WHERE id = 2; INSERT INTO dim VALUES (13, 'n13', 1);
SELECT * FROM bad();
SAVEPOINT s;
DELETE FROM fact WHERE v > 35; DELETE FROM dim WHERE id % 2 = 0;
SELECT * FROM bad();
ROLLBACK TO s;
DELETE FROM fact WHERE v BETWEEN 31 AND 36;
COMMIT;
SELECT * FROM bad();
SELECT * FROM over_over;
BEGIN ISOLATION LEVEL SERIALIZABLE;
UPDATE fact SET v = v - 40 WHERE v > 40;
SELECT m FROM over_over;
DELETE FROM fact WHERE v > 0;
COMMIT;
SELECT * FROM bad();
BEGIN; DELETE FROM fact; DELETE FROM dim; COMMIT;
SELECT * FROM oracle.all_same('minmax') WHERE imat ~ '^(j|over)';

-- A table that doesn't fit its sources is not made worse
SET client_min_messages = warning;
CREATE TABLE off (k int, v int);
INSERT INTO off SELECT 1, i FROM generate_series(1, 40) i;
SELECT imat.create('of_off', 'SELECT k, max(v) FROM off GROUP BY k');
SELECT oracle.unseen('off', 'DELETE FROM off WHERE v BETWEEN 10 AND 20');
DELETE FROM off WHERE v > 30;
SELECT imat.refresh('of_off');
DELETE FROM off WHERE v > 30;
SELECT oracle.same('of_off');
DROP SCHEMA minmax CASCADE;
