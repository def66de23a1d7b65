--
-- Sums and averages of floats are the correctly rounded ones of the rows that are there, whatever happened before.
--
CREATE SCHEMA floa; SET search_path = floa, public;
CREATE TABLE f (id int PRIMARY KEY, k int NOT NULL, x float8, y real);
SELECT imat.create('s', 'SELECT k, sum(x) AS sx, avg(x) AS ax, sum(y) AS sy, avg(y) AS ay, count(*) AS n FROM f GROUP BY k');
SELECT oracle.strategy('s');
-- 1e308 + 1 - 1e308 is 1
INSERT INTO f VALUES (1, 1, 1e308, 3e38), (2, 1, 1, 1), (3, 1, -1e308, -3e38);
SELECT * FROM s;
DELETE FROM f WHERE id = 2;
SELECT * FROM s;
INSERT INTO f VALUES (4, 1, 1e-300, 1e-37);
SELECT * FROM s;
SELECT imat.verify('s');
-- on the way a sum may be beyond all bounds: only what the query would show counts
BEGIN; INSERT INTO f VALUES (5, 1, 1.7e308, 3e38), (6, 1, 1.7e308, 3e38); INSERT INTO f VALUES (7, 1, -1.7e308, -3e38), (8, 1, -1.7e308, -3e38); COMMIT;
SELECT * FROM s;
DELETE FROM f;
-- ... which is an error when the rows that are there have no sum; and it is gone with the statement
INSERT INTO f VALUES (1, 1, 1.7e308, 1);
\set VERBOSITY terse
INSERT INTO f VALUES (2, 1, 1.7e308, 1);
INSERT INTO f VALUES (2, 2, 1, 3e38), (3, 2, 1, 3e38);
\set VERBOSITY default
SELECT * FROM s;
SELECT count(*) FROM f;
DELETE FROM f;
-- Infinities and NaN leave with the rows that brought them
INSERT INTO f VALUES (1, 1, 1.5, 1.5), (2, 1, 'Infinity', 'Infinity'), (3, 1, '-Infinity', '-Infinity'), (4, 1, 'NaN', 'NaN'), (5, 1, 2.5, 2.5), (6, 1, NULL, NULL);
SELECT * FROM s;
SELECT imat.verify('s');
DELETE FROM f WHERE id = 4;
SELECT * FROM s;
DELETE FROM f WHERE id = 3;
SELECT * FROM s;
UPDATE f SET x = '-Infinity' WHERE id = 2;
SELECT * FROM s;
DELETE FROM f WHERE id = 2;
SELECT * FROM s;
DELETE FROM f WHERE id IN (1, 5);
SELECT * FROM s;
SELECT imat.verify('s');
-- zeros, of either sign
UPDATE f SET x = '-0', y = 0;
SELECT sx = 0, ax = 0, sy = 0, ay = 0, n FROM s;
SELECT imat.verify('s');
TRUNCATE f;
-- Ten times 0.1 is 1, after any churn; checked against numeric, in which the values are exact
CREATE FUNCTION exact(float8) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
-- the value of a float8 to the last digit: an integer times a power of two
DECLARE b bit(64) := ('x' || encode(float8send($1), 'hex'))::bit(64);
    e int := (b::bigint >> 52 & 2047)::int;
    m numeric := (b::bigint & 4503599627370495) + CASE WHEN e = 0 THEN 0 ELSE 4503599627370496 END;
    p int := greatest(e, 1) - 1075;
BEGIN
    -- 5 ** -p / 10 ** -p is 2 ** p to the last digit, in numerics of as many digits as that takes
    IF p < 0 THEN
        m := m * 5::numeric ^ (-p);
        RETURN CASE WHEN b::bigint < 0 THEN -1 ELSE 1 END * (trunc(m)::text || 'e' || p)::numeric;
    END IF;
    RETURN CASE WHEN b::bigint < 0 THEN -1 ELSE 1 END * trunc(m * 2::numeric ^ p);
END $$;
SELECT exact(0.1), exact(-1.5), exact(1e22);
INSERT INTO f SELECT i, i % 3, 0.1, 0.1 FROM generate_series(1, 30) i;
SELECT * FROM s ORDER BY k;
INSERT INTO f SELECT 100 + i, i % 3, 1e15 / i, 1e6 / i FROM generate_series(1, 3000) i;
INSERT INTO f SELECT 10000 + i, i % 3, 1 / (i * i * 1e5), 1 / (i * 1e3) FROM generate_series(1, 300) i;
UPDATE f SET x = x * 3, y = y / 3 WHERE id % 7 = 0;
SELECT k, sx = (SELECT sum(exact(x))::float8 FROM f WHERE f.k = s.k) AS sum_is_the_nearest,
       sy = (SELECT sum(exact(y::float8))::real FROM f WHERE f.k = s.k) AS real_as_well,
       ax = (SELECT round(sum(exact(x)) / count(x), 60)::float8 FROM f WHERE f.k = s.k) AS average,
       ay = (SELECT round(sum(exact(y)) / count(y), 60)::float8 FROM f WHERE f.k = s.k) AS average_of_real FROM s ORDER BY k;
DELETE FROM f WHERE id > 100;
SELECT * FROM s ORDER BY k;
SELECT imat.verify('s');
-- ties go to even, and the smallest numbers there are count
TRUNCATE f;
INSERT INTO f VALUES (1, 1, 9007199254740992, 16777216), (2, 1, 1, 1), (3, 2, 9007199254740992, 16777216), (4, 2, 1, 1), (5, 2, 5e-324, 1e-45), (6, 3, 5e-324, 1e-45), (7, 3, 5e-324, 1e-45);
SELECT * FROM s ORDER BY k;
SELECT imat.verify('s');
-- the aggregates themselves
SELECT imat.exact_sum(x), imat.exact_avg(x), imat.exact_sum(y), imat.exact_avg(y) FROM (VALUES (1e308::float8, 1::real), (1, 2), (-1e308, 3)) v (x, y);
SELECT imat.exact_sum(x), imat.exact_avg(x) FROM (SELECT 1.0::float8 WHERE false) v (x);
SELECT i, imat.exact_sum(x) OVER (ORDER BY i ROWS 1 PRECEDING) FROM (VALUES (1, 1e308::float8), (2, 1), (3, 'Infinity'), (4, 0.1), (5, 0.2)) v (i, x);
SELECT imat.create('named', 'SELECT k, imat.exact_sum(x) AS s, imat.exact_avg(y) AS a FROM f GROUP BY k');
INSERT INTO f VALUES (8, 3, 1, 1);
SELECT oracle.strategy('named'), oracle.same('named');
SELECT pg_typeof(sx), pg_typeof(ax), pg_typeof(sy), pg_typeof(ay) FROM s LIMIT 1;
SET client_min_messages = warning;
DROP SCHEMA floa CASCADE;
