--
-- Group keys of all kinds: what is one group, how its row is found, and rows that move.
--
CREATE SCHEMA keys; SET search_path = keys, public;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (x int, y text);
CREATE TYPE nested AS (p pair, n numeric);
CREATE TYPE bits AS (b bit(3), n int); -- can be sorted, but not hashed
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN short AS varchar(8) COLLATE "C";
CREATE DOMAIN ints AS int[];
-- citext's way without the extension: a collation that takes cases for equal, and one that takes accents too
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION nothing_but_base (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
CREATE TABLE t (id int PRIMARY KEY, pr pair, ns nested, a int[], an int[] NOT NULL, am mood[], ap pair[], r int4range, rs int4range[], j jsonb, m mood, dp positive, ds short, di ints,
    ci text COLLATE nocase, cb text COLLATE nothing_but_base, f float8, f4 float4, n numeric, bp bpchar(4), iv interval, tz timetz, i inet, u uuid, b bit(3), vb varbit, by bytea, nm name, o oid, c "char",
    mo money, ts timestamptz, ub bits, uv varbit[], v int NOT NULL);
CREATE FUNCTION fill(lo int, hi int) RETURNS void LANGUAGE sql SET search_path = keys AS $$
    INSERT INTO t SELECT k,
        CASE k % 5 WHEN 0 THEN NULL WHEN 1 THEN ROW(NULL, NULL)::pair WHEN 2 THEN ROW(1, NULL)::pair ELSE ROW(k % 5, 'y')::pair END,
        CASE k % 4 WHEN 0 THEN NULL WHEN 1 THEN ROW(NULL, 1.0)::nested ELSE ROW(ROW(1, 'z')::pair, (k % 4) * 1.0)::nested END,
        CASE k % 6 WHEN 0 THEN NULL WHEN 1 THEN '{}' WHEN 2 THEN '{NULL}' WHEN 3 THEN '{{1,2},{3,4}}' WHEN 4 THEN '[2:3]={1,2}' ELSE '{1,2}' END::int[],
        CASE k % 3 WHEN 0 THEN '{}' WHEN 1 THEN '{NULL,1}' ELSE '{2}' END::int[],
        CASE k % 3 WHEN 0 THEN NULL WHEN 1 THEN '{sad,NULL}' ELSE '{happy}' END::mood[],
        CASE k % 3 WHEN 0 THEN NULL WHEN 1 THEN ARRAY[ROW(1, 'a')::pair, NULL] ELSE ARRAY[ROW(2, NULL)::pair] END,
        CASE k % 4 WHEN 0 THEN NULL WHEN 1 THEN 'empty' WHEN 2 THEN '[1,5)' ELSE '(0,4]' END::int4range,
        CASE k % 3 WHEN 0 THEN NULL WHEN 1 THEN ARRAY['[1,2]'::int4range] ELSE '{}' END,
        CASE k % 5 WHEN 0 THEN NULL WHEN 1 THEN 'null' WHEN 2 THEN '{"a": 1.0}' WHEN 3 THEN '{"a": 1.00}' ELSE '[1, "x"]' END::jsonb,
        (ARRAY['sad', 'ok', 'happy', NULL])[k % 4 + 1]::mood, nullif(k % 4, 0), (ARRAY['s', 'S', NULL])[k % 3 + 1], CASE WHEN k % 2 = 0 THEN ARRAY[k % 4] END,
        (ARRAY['abc', 'ABC', 'Abc', 'abd', NULL])[k % 5 + 1], (ARRAY['e', 'E', 'é', 'É', NULL])[k % 5 + 1],
        (ARRAY['0', '-0', 'NaN', 'Infinity', '-Infinity', '1e-300', NULL])[k % 7 + 1]::float8, (ARRAY['0', '-0', 'NaN', '1.1', NULL])[k % 5 + 1]::float4,
        (ARRAY['1', '1.0', '1.00', 'NaN', '0', '-0.0', NULL])[k % 7 + 1]::numeric, (ARRAY['a', 'a ', 'b', NULL])[k % 4 + 1],
        (ARRAY['24 hours', '1 day', '1 mon', '30 days', NULL])[k % 5 + 1]::interval, (ARRAY['12:00+00', '13:00+01', NULL])[k % 3 + 1]::timetz, (ARRAY['10.0.0.1', '10.0.0.1/8', NULL])[k % 3 + 1]::inet,
        CASE k % 3 WHEN 0 THEN NULL ELSE ('00000000-0000-0000-0000-00000000000' || k % 3)::uuid END, (ARRAY['000', '101', NULL])[k % 3 + 1]::bit(3), (ARRAY['0', '00', NULL])[k % 3 + 1]::varbit,
        (ARRAY['', '\x00', NULL])[k % 3 + 1]::bytea, (ARRAY['n', 'N', NULL])[k % 3 + 1]::name, (ARRAY['0', '4294967295', NULL])[k % 3 + 1]::oid, (ARRAY['c', '', NULL])[k % 3 + 1]::"char",
        (ARRAY['1.10', '-3', NULL])[k % 3 + 1]::money, (ARRAY['2024-03-31 01:30+00', '2024-10-27 00:30+00', 'infinity', NULL])[k % 4 + 1]::timestamptz,
        CASE k % 3 WHEN 0 THEN NULL ELSE ROW('101', k % 3)::bits END, (ARRAY['{}', '{0,00}', '{NULL}', NULL])[k % 4 + 1]::varbit[], k
      FROM generate_series(lo, hi) k $$;
SELECT fill(1, 60);
-- one IMAT for each column, by delta and by computing anew, with the key shown and not
DO $$
DECLARE k name;
BEGIN
    FOR k IN SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 1 AND attname <> 'v' LOOP
        PERFORM imat.create('d_' || k, format('SELECT %I, count(*) AS size, sum(v) AS total FROM t GROUP BY %I', k, k));
        PERFORM imat.create('k_' || k, format('SELECT %I, max(v) AS most FROM t GROUP BY %I', k, k), strategy => 'keyed');
        PERFORM imat.create('h_' || k, format('SELECT count(*) AS size, avg(v) AS mean FROM t GROUP BY %I', k));
        PERFORM imat.create('s_' || k, format('SELECT DISTINCT %I FROM t', k));
    END LOOP;
END $$;
SELECT imat.create('many', 'SELECT pr, a, r, j, m, f, n, ci, count(*) AS k, sum(v) AS s FROM t GROUP BY pr, a, r, j, m, f, n, ci');
SELECT imat.create('rolled', 'SELECT pr, a, f, count(*) AS k FROM t GROUP BY ROLLUP (pr, a, f)');
SELECT imat.create('of_row', 'SELECT (pr).x, (ns).p.y, upper(r), a[1], an[2], j -> ''a'' AS ja, count(*) AS k FROM t GROUP BY 1, 2, 3, 4, 5, 6');
SELECT imat.create('derived', 'SELECT date_trunc(''day'', ts) AS day, extract(isodow FROM ts) AS dow, ts::date AS d, CASE WHEN v > 30 THEN ''much'' END AS how, count(*) AS k, max(v) AS hi FROM t GROUP BY 1, 2, 3, 4');
SELECT imat.create('two_same', 'SELECT m, m AS again, count(*) AS k FROM t GROUP BY 1, 2');
SELECT imat.create('firsts_', 'SELECT DISTINCT ON (ci, pr) ci, pr, v FROM t ORDER BY ci, pr, v DESC');
SELECT CASE WHEN s.strategy = 'swap' THEN s.strategy_reason ELSE s.strategy END AS how, count(*) FROM imat.status s JOIN imat.imat_config c USING (imat) WHERE c.agg_schema_name = 'keys' GROUP BY 1 ORDER BY 1;
-- of equal keys a group shows any one, so they are compared by equality
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$ SELECT * FROM oracle.all_same('keys', 'equal') WHERE verdict !~ '^same' OR verdict ~ 'swap|BUT' $$;
SELECT * FROM bad();
SELECT imat, split_part(verdict, ', ', 2) AS size FROM oracle.all_same('keys', 'equal') WHERE imat ~ '^d_' OR imat IN ('many', 'of_row', 'derived', 'two_same', 'firsts_');
SET TimeZone = 'America/Los_Angeles';
SELECT fill(61, 100);
RESET TimeZone;
SELECT * FROM bad();
-- nothing relevant changes: no row is touched, though equal keys look different, and nothing is computed where no column that matters changes
CREATE VIEW placed AS SELECT 'd_n' AS imat, ctid AS place FROM d_n UNION ALL SELECT 'd_ci', ctid FROM d_ci UNION ALL SELECT 'k_pr', ctid FROM k_pr UNION ALL SELECT 'derived', ctid FROM derived;
CREATE TEMP TABLE places AS SELECT * FROM placed;
UPDATE t SET by = by WHERE id % 2 = 0;
UPDATE t SET by = 'x', an = '{7}', u = NULL WHERE id % 2 = 0;
SELECT * FROM bad();
UPDATE t SET n = n * 1.000, ci = upper(ci), f = f + 0 WHERE n <> 'NaN';
UPDATE t SET ts = ts, pr = pr;
UPDATE t SET v = v WHERE v > 3;
SELECT imat, count(*) AS moved FROM (SELECT * FROM places EXCEPT SELECT * FROM placed) d GROUP BY imat ORDER BY imat;
SELECT * FROM bad();
-- rows move between groups, from and to NULL
UPDATE t o SET (pr, ns, a, an, am, ap, r, rs, j, m, dp, ds, di, ci, cb, f, f4, n, bp, iv, tz, i, u, b, vb, by, nm, o, c, mo, ts, ub, uv) =
    (SELECT pr, ns, a, an, am, ap, r, rs, j, m, dp, ds, di, ci, cb, f, f4, n, bp, iv, tz, i, u, b, vb, by, nm, o, c, mo, ts, ub, uv FROM t s WHERE s.id = o.id + 1) WHERE id < 100 AND id % 3 = 0;
SELECT * FROM bad();
-- the one that a group shows leaves; the others stay
DELETE FROM t WHERE id % 7 = 1;
SELECT * FROM bad();
BEGIN;
UPDATE t SET pr = ROW(9, NULL), a = '{}', r = NULL, j = '{}', m = NULL, f = '-0', n = 0.000, ci = 'NEW', cb = 'EE', ts = NULL WHERE id % 5 = 0;
SELECT * FROM bad();
SAVEPOINT s;
UPDATE t SET pr = NULL, a = NULL, r = 'empty', j = NULL, m = 'ok', f = 'NaN', n = 'NaN', ci = NULL, v = v + 1;
SELECT * FROM bad();
ROLLBACK TO s;
COMMIT;
SELECT * FROM bad();
DELETE FROM t WHERE id % 2 = 0;
SELECT * FROM bad();
DELETE FROM t;
SELECT * FROM oracle.all_same('keys') WHERE verdict !~ '^same, 0 rows' AND imat <> 'rolled';
SELECT fill(1, 20);
SELECT * FROM bad();
SELECT imat.explain('h_pr');
SET client_min_messages = warning;
DROP SCHEMA keys CASCADE;
