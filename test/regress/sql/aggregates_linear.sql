--
-- Aggregates that are kept as counts and sums: bool_and and bit_and and their kin, variances, covariances, regression.
--
CREATE SCHEMA lin; SET search_path = lin, public;
CREATE TABLE t (id int PRIMARY KEY, k int NOT NULL, b bool, s smallint, i int, l bigint, n numeric, r real, d float8, e float8);

-- The query of some aggregates over some columns, plain or under a filter, as far as this server has them.
CREATE FUNCTION query_of(functions text[], arguments text[]) RETURNS text LANGUAGE sql AS $$
    SELECT 'SELECT k, count(*) AS rows, ' || string_agg(format('%1$s(%2$s) AS %1$s_%3$s, %1$s(%2$s) FILTER (WHERE i %% 2 = 0) AS %1$s_%3$s_even',
                                       f, a, regexp_replace(a, '\W+', '_', 'g')), ', ' ORDER BY f, a) || ' FROM t GROUP BY k'
      FROM unnest(functions) f, unnest(arguments) a
     WHERE EXISTS (SELECT FROM pg_proc p WHERE p.proname = f AND p.prokind = 'a' AND pronamespace = 'pg_catalog'::regnamespace)
$$;
SELECT imat.create('bools', query_of('{bool_and,bool_or,every}', '{b,i > 0}'));
SELECT imat.create('bits', query_of('{bit_and,bit_or,bit_xor,count,sum}', '{s,i,l}'));
SELECT imat.create('exact', query_of('{var_pop,var_samp,variance,stddev_pop,stddev_samp,stddev,sum,avg,count}', '{s,i,l,n}'));
SELECT imat.create('floats', query_of('{var_pop,var_samp,variance,stddev_pop,stddev_samp,stddev,avg,count}', '{r,d}'));
SELECT imat.create('pairs', query_of('{covar_pop,covar_samp,corr,regr_count,regr_avgx,regr_avgy,regr_sxx,regr_syy,regr_sxy,regr_r2,regr_slope,regr_intercept}', '{"d, e"}'));
SELECT imat.create('whole', 'SELECT bool_and(b) AS a, bit_or(i) AS o, stddev(n) AS sn, variance(d) AS vd, corr(d, e) AS c, round(stddev(l), 2) AS rounded FROM t');
SELECT oracle.strategy('bools') AS bools, oracle.strategy('bits') AS bits, oracle.strategy('exact') AS exact,
       oracle.strategy('floats') AS floats, oracle.strategy('pairs') AS pairs, oracle.strategy('whole') AS whole;
-- what is kept is said, once for each
SELECT DISTINCT regexp_replace(line, '.*kept as', 'kept as') FROM unnest('{bools,bits,exact,floats,pairs}'::regclass[]) v,
       LATERAL unnest(string_to_array((SELECT string_agg(x::text, e'\n') FROM imat.explain(v) x), e'\n')) line
 WHERE line LIKE 'aggregate:%' ORDER BY 1;

-- The columns of floats that differ from what PostgreSQL computes by more than the last digits.
CREATE FUNCTION near(a text, b text) RETURNS bool LANGUAGE sql AS $$
    SELECT a IS NOT DISTINCT FROM b OR abs(a::float8 - b::float8) <= 1e-12 * greatest(abs(a::float8), abs(b::float8))
$$;
CREATE FUNCTION far(which regclass) RETURNS TABLE (k text, col text, kept text, wanted text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT a.k::text, x.key, x.value, y.value FROM %s a FULL JOIN %s b USING (k),
            json_each_text(row_to_json(a)) x, json_each_text(row_to_json(b)) y WHERE x.key = y.key AND NOT near(x.value, y.value)',
        which, (SELECT definition FROM imat.imat_config WHERE imat = which));
END $$;
CREATE VIEW verdict AS
    SELECT oracle.same('bools') AS bools, oracle.same('bits') AS bits, oracle.same('exact') AS exact,
           imat.verify('floats') AS floats, (SELECT count(*) FROM far('floats')) AS far,
           imat.verify('pairs') AS pairs, (SELECT count(*) FROM far('pairs')) AS far_pairs, imat.verify('whole') AS whole;
\x on
SELECT * FROM verdict;
-- groups are born, of one row, and of NULLs only
INSERT INTO t VALUES (1, 1, true, 5, 100000001, 9223372036854775807, 1.50, 1.5, 100000001, 1), (3, 3, false, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO t VALUES (2, 2);
SELECT * FROM verdict;
-- the digits that cancel
INSERT INTO t VALUES (4, 1, false, -32768, 100000002, -9223372036854775808, 2, 2.5, 100000002, 2), (5, 1, NULL, 32767, 100000003, 9223372036854775807, 3.125, 3.5, 100000003, 4);
SELECT * FROM verdict;
SELECT var_samp_i, stddev_n, var_pop_l, stddev_pop_s FROM exact WHERE k = 1;
SELECT var_samp_d, stddev_samp_d, var_pop_r FROM floats WHERE k = 1;
SELECT corr_d_e AS corr, regr_sxx_d_e AS sxx, regr_syy_d_e AS syy, regr_sxy_d_e AS sxy, regr_r2_d_e AS r2, regr_slope_d_e AS slope,
       regr_intercept_d_e AS intercept, regr_count_d_e AS count FROM pairs WHERE k = 1;
-- many rows of many magnitudes and scales
INSERT INTO t SELECT 100 + g, g % 7, g % 5 <> 0, g * 31 % 30000, hashint4(g), hashint4(g)::bigint * hashint4(-g),
       round(hashint4(g)::numeric / 1000003, g % 12), hashint4(g) / 1e5, hashint4(-g) / 3e3, CASE WHEN g % 10 > 0 THEN hashint4(g + 1) / 1e4 + g END
  FROM generate_series(1, 500) g;
SELECT * FROM verdict;
UPDATE t SET b = NOT b, s = -s, i = i / 2, l = l / 3, n = n * n, r = r / 7, d = e, e = d WHERE id % 3 = 0;
SELECT * FROM verdict;
-- rows change their group; nothing changes; several statements in one transaction
BEGIN;
UPDATE t SET k = k + 1 WHERE id % 11 = 0;
SAVEPOINT a; DELETE FROM t WHERE id % 2 = 0; ROLLBACK TO a;
UPDATE t SET n = n;
DELETE FROM t WHERE k = 6;
INSERT INTO t SELECT 1000 + g, 6 + g, true, g, g, g, g + 0.1, g, g, g FROM generate_series(1, 3) g;
COMMIT;
SELECT * FROM verdict;
-- scales and magnitudes come and go
INSERT INTO t (id, k, n) VALUES (2001, 1, 1e-30), (2002, 1, 1e40), (2003, 2, 0.00000000000000000000), (2004, 2, 12345678901234567890.123456789);
SELECT * FROM verdict;
DELETE FROM t WHERE id > 2000;
SELECT * FROM verdict;
-- NaN and the infinities leave with the rows that brought them
INSERT INTO t (id, k, i, n, r, d, e) VALUES (2001, 1, 2, 'NaN', 'NaN', 'NaN', 1), (2002, 2, 2, 1, 'Infinity', 'Infinity', 1), (2003, 3, 2, 1, '-Infinity', 1, '-Infinity');
SELECT * FROM verdict;
UPDATE t SET n = 3.5, r = 3.5, d = 3.5, e = 3.5 WHERE id > 2000;
SELECT * FROM verdict;
-- equal values have no variance at all, and no line
DELETE FROM t;
INSERT INTO t SELECT g, g % 2, true, 3, 3, 3, 0.1, 0.1, 0.1, g * 0.1 FROM generate_series(1, 20) g;
SELECT stddev_n, var_pop_i FROM exact WHERE k = 1;
SELECT stddev_pop_d, var_samp_r FROM floats WHERE k = 1;
SELECT corr_d_e AS corr, regr_r2_d_e AS r2, regr_slope_d_e AS slope FROM pairs WHERE k = 1;
SELECT imat.verify('floats'), imat.verify('pairs');
-- all groups die
DELETE FROM t;
SELECT * FROM verdict;
SELECT * FROM whole;
-- overflow is the query's own
\set VERBOSITY terse
INSERT INTO t (id, k, d) VALUES (1, 1, 1e300), (2, 1, -1e300);
\set VERBOSITY default
SELECT * FROM verdict;
-- the largest and smallest numbers there are, where their variance is a number
CREATE TABLE u (k int NOT NULL, d float8, e float8, r real);
SELECT imat.create('extremes', 'SELECT k, var_samp(d) AS d, stddev_pop(d) AS sd, var_samp(r) AS r, covar_samp(d, e) AS de, regr_sxy(e, e) AS ee FROM u GROUP BY k');
INSERT INTO u VALUES (1, 1e300, 1e-300, 3e38), (1, 1e300, 2e-300, -3e38), (2, 1e150, 5e-324, 1e-45), (2, 2e150, 5e-324, 3e-45), (3, 1e-200, 1e150, 0), (3, -1e-200, -1e150, 0);
DELETE FROM u WHERE r = 0;
SELECT * FROM extremes ORDER BY k;
SELECT imat.verify('extremes');
-- kinds and types are checked, since anybody may call what fills state tables
SELECT oracle.error('SELECT imat.accumulate(''p'', 5)');
SELECT oracle.error('SELECT imat.accumulate(''n'', 5)');
SELECT oracle.error('SELECT imat.accumulate(c::"char", x) FROM (VALUES (''i'', 1), (''b'', 2)) v (c, x)');
-- the aggregates themselves, and by name
SELECT imat.exact_var_pop(x), imat.exact_var_samp(x), imat.exact_variance(x), imat.exact_stddev_pop(x), imat.exact_stddev_samp(x), imat.exact_stddev(x)
  FROM (VALUES (1e8::float8 + 1), (1e8 + 2), (1e8 + 3), (NULL)) v (x);
SELECT imat.exact_covar_pop(y, x), imat.exact_covar_samp(y, x), imat.exact_corr(y, x), imat.exact_regr_avgx(y, x), imat.exact_regr_avgy(y, x), imat.exact_regr_sxx(y, x), imat.exact_regr_syy(y, x),
       imat.exact_regr_sxy(y, x), imat.exact_regr_r2(y, x), imat.exact_regr_slope(y, x), imat.exact_regr_intercept(y, x)
  FROM (VALUES (1, 2::float8), (2, 4), (3, 6), (NULL, 1), (1, NULL)) v (x, y);
SELECT imat.exact_stddev(x::real), imat.exact_corr(x, x) FROM (VALUES (1::float8)) v (x);
SELECT imat.create('named', 'SELECT k, imat.exact_stddev(d) AS s, imat.exact_corr(d, e) AS c FROM t GROUP BY k');
INSERT INTO t (id, k, d, e) VALUES (1, 1, 1, 2), (2, 1, 2, 3);
SELECT oracle.strategy('named'), oracle.same('named');
-- swap computes the same floats
SELECT imat.create('swapped', 'SELECT k, stddev(d) AS s, corr(d, e) AS c, max(i) AS m FROM t GROUP BY k', strategy => 'swap');
SELECT imat.verify('swapped'), s.s = n.s AS s, s.c = n.c AS c FROM swapped s, named n;
\x off
SET client_min_messages = warning;
DROP SCHEMA lin CASCADE;
