--
-- Strategy delta: what can be summed up, by what it can be grouped, and what can be made of it.
--
CREATE SCHEMA delt; SET search_path = delt, public;
-- Churn a table through: births, changes, moves between groups, deaths, and everything gone; the oracle after each.
CREATE FUNCTION churn(source regclass, fill text, change text, move text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE step text; bad text; work text;
BEGIN
    FOREACH step IN ARRAY ARRAY[
        format('INSERT INTO %s %s', source, fill),
        format('UPDATE %s SET %s WHERE id %% 2 = 0', source, change),
        format('UPDATE %s SET %s WHERE id %% 3 = 0', source, move),
        format('DELETE FROM %s WHERE id %% 5 = 0', source),
        format('INSERT INTO %s %s ON CONFLICT DO NOTHING', source, fill),
        format('DELETE FROM %s WHERE id < 15', source),
        format('DELETE FROM %s', source),
        format('INSERT INTO %s %s', source, fill)] LOOP
        EXECUTE step;
        FOR bad IN SELECT imat || ': ' || verdict FROM oracle.all_same('delt')
                    WHERE verdict !~ '^same, ' OR verdict ~ 'swap'
                       OR (verdict ~ 'untouched' AND to_regclass('delt.' || imat) IN (SELECT s.imat FROM imat.source s WHERE s.source = $1)) LOOP
            RETURN NEXT step || ' -> ' || bad;
        END LOOP;
    END LOOP;
END $$;

-- Every type that is summed
CREATE TABLE nums (id int PRIMARY KEY, k int, i2 smallint, i4 int, i8 bigint, n numeric, n2 numeric(12,2), f4 real, f8 float8, m money, iv interval, nn int NOT NULL DEFAULT 1);
SELECT imat.create('sums', 'SELECT k, sum(i2) s2, sum(i4) s4, sum(i8) s8, sum(n) sn, sum(n2) sn2, sum(f4) sf4, sum(f8) sf8, sum(m) sm, sum(iv) si, sum(nn) snn FROM nums GROUP BY k');
SELECT imat.create('avgs', 'SELECT k, avg(i2) s2, avg(i4) s4, avg(i8) s8, avg(n) sn, avg(n2) sn2, avg(f4) sf4, avg(f8) sf8, avg(iv) si, avg(nn) snn FROM nums GROUP BY k');
SELECT imat.create('counts', 'SELECT k, count(*) c, count(i2) c2, count(n) cn, count(f8) cf, count(iv) ci, count(nn) cnn, count(1) c1, count(NULL) c0 FROM nums GROUP BY k');
SELECT imat.create('visible', 'SELECT k, count(*) AS n, sum(nn) AS s, avg(nn) AS a, sum(i4) AS s4, count(i4) AS c4, avg(i4) AS a4, sum(i8) AS s8, count(i8) AS c8 FROM nums GROUP BY k');
SELECT imat.create('whole', 'SELECT count(*), sum(i4), avg(n), sum(iv) AS si, avg(f8) AS af FROM nums');
SELECT imat.create('filtered', 'SELECT k, count(*) FILTER (WHERE i4 > 5) AS big, sum(n) FILTER (WHERE i2 IS NOT NULL AND f8 > 0), avg(i8) FILTER (WHERE id % 2 = 0), count(i4) FILTER (WHERE NULL) AS none FROM nums WHERE id <> 7 AND (i4 < 30 OR i4 IS NULL) GROUP BY k');
SELECT imat.create('expressions', 'SELECT k % 2 AS odd, coalesce(i4, -1) / 10 AS tens, sum(i4 * i2 + 1), avg(abs(n) - 3), count(nullif(i4, 5)), sum(CASE WHEN f8 > 2 THEN 1 ELSE 0 END) AS c FROM nums GROUP BY k % 2, coalesce(i4, -1) / 10');
SELECT imat.create('computed', 'SELECT k, sum(i4)::numeric / nullif(count(i4), 0) AS mean, ''k='' || k || '' n='' || count(*) AS label, round(avg(n), 2) AS r, sum(i4) > 10 AS over, coalesce(sum(i8), 0) AS zero, count(*) * 2 + count(i4) AS mix, ARRAY[count(*), sum(nn)] AS a FROM nums GROUP BY k');
SELECT imat.create('unselected', 'SELECT count(*) AS n, sum(nn) AS s FROM nums GROUP BY k, i2 % 2');
SELECT imat.create('one_unselected', 'SELECT k, sum(nn) AS s FROM nums GROUP BY i2 % 2, k');
SELECT imat.create('having', 'SELECT k, sum(nn) AS s FROM nums GROUP BY k HAVING count(*) > 4 AND sum(i4) IS NOT NULL');
SELECT imat.create('having_few', 'SELECT k, sum(nn) AS s FROM nums GROUP BY k HAVING count(*) < 5'); -- which no rows would fulfil
SELECT imat.create('having_whole', 'SELECT sum(nn) AS s FROM nums HAVING count(*) > 12');
SELECT imat.create('no_aggregates', 'SELECT k, i2 % 2 AS odd FROM nums GROUP BY k, i2 % 2');
SELECT imat.create('distinct_rows', 'SELECT DISTINCT k, i4 / 4 AS q FROM nums');
SELECT imat.create('nothing_passes', 'SELECT k, sum(nn) FROM nums WHERE false GROUP BY k');
SELECT imat.create('key_shown_twice', 'SELECT k, k AS again, k + 1 AS next, count(*) FROM nums GROUP BY k');
SELECT imat.create('ordered', 'SELECT k, count(*) FROM nums GROUP BY k ORDER BY count(*) DESC, k');
SELECT imat.create('subquery', 'SELECT x.kk, sum(x.v) AS s FROM (SELECT k * 2 AS kk, i4 + nn AS v FROM nums WHERE id > 3) x WHERE x.v <> 9 GROUP BY x.kk');
SELECT imat.create('cte', 'WITH x AS (SELECT k, i8 FROM nums) SELECT k, sum(i8) FROM x GROUP BY k');
SELECT imat.create('determined', 'SELECT id, k, i4 + nn AS v, count(*), sum(nn) AS s FROM nums GROUP BY id');
SELECT imat.create('by_primary_key', 'SELECT id, sum(nn) AS s FROM nums GROUP BY id');
SELECT imat, oracle.strategy(imat), verdict FROM oracle.all_same('delt') o (name, verdict), to_regclass(format('%I', o.name)) imat ORDER BY name COLLATE "C";
SELECT churn('nums', $$SELECT i, nullif(i % 4, 0), nullif(i % 7, 0), nullif(i, 11), nullif(i * 1000000000::bigint, 12000000000), nullif(i, 13) * 1.10, nullif(i, 14) * 0.25, nullif(i, 15) / 8.0, nullif(i, 16) / 16.0, nullif(i, 17)::money, nullif(i, 18) * interval '1 hour 1 day 1 month' FROM generate_series(1, 40) i$$,
             'i2 = i2 + 1, i4 = -i4, i8 = i8 + 1, n = n + 1.234, n2 = NULL, f4 = f4 * 2, f8 = -f8, m = m * 2, iv = iv - interval ''90 minutes'', nn = 3',
             'k = coalesce(k, 0) + 1, i4 = coalesce(i4, 0) + 1');
SELECT imat, verdict FROM oracle.all_same('delt');
-- types of the results are those of the query, and NULL is NULL
SELECT k, s2, s4, s8, sn, sn2, sf4, sf8, sm, si FROM sums ORDER BY k;
SELECT pg_typeof(s2), pg_typeof(s4), pg_typeof(s8), pg_typeof(sf4), pg_typeof(sm) FROM sums LIMIT 1;
-- all in one transaction, read after each
BEGIN;
DELETE FROM nums WHERE id > 30;
SELECT imat FROM oracle.all_same('delt') WHERE verdict !~ '^same';
UPDATE nums SET k = NULL;
SELECT imat FROM oracle.all_same('delt') WHERE verdict !~ '^same';
INSERT INTO nums (id, k) VALUES (1000, NULL), (1001, 5);
SELECT imat FROM oracle.all_same('delt') WHERE verdict !~ '^same';
DELETE FROM nums;
SELECT imat, verdict FROM oracle.all_same('delt') WHERE verdict !~ '^same' OR imat IN ('whole', 'having_whole', 'sums');
ROLLBACK;
SELECT imat FROM oracle.all_same('delt') WHERE verdict !~ '^same';
SET client_min_messages = warning; DROP TABLE nums CASCADE; RESET client_min_messages;

-- Every type that is grouped by
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); ALTER TYPE mood ADD VALUE 'middling' BEFORE 'ok';
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE pair AS (a int, b text);
CREATE TABLE keys (id int PRIMARY KEY, t text, tc text COLLATE "C", vc varchar(10), c char(5), n numeric, f4 real, f8 float8, b bool, by bytea, u uuid, d date, ts timestamp,
    tz timestamptz, tm time, iv interval, arr int[], tarr text[], r int4range, j jsonb, e mood, dom positive, p pair, o oid, ip inet, nm name, bits bit(4), mac macaddr);
DO $$
DECLARE c text;
BEGIN
    FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = 'keys'::regclass AND attnum > 1 ORDER BY attnum LOOP
        PERFORM imat.create('by_' || c, format('SELECT %1$I AS key, count(*) AS n, sum(id) AS s FROM keys GROUP BY %1$I', c));
    END LOOP;
    PERFORM imat.create('by_many', 'SELECT t, b, d, e, p, avg(id) AS a FROM keys GROUP BY t, b, d, e, p');
    PERFORM imat.create('distinct_many', 'SELECT DISTINCT arr, j, r, by, u FROM keys');
END $$;
SELECT imat, oracle.strategy(format('%I', imat)::regclass) FROM oracle.all_same('delt') WHERE oracle.strategy(format('%I', imat)::regclass) <> 'delta';
SELECT churn('keys', $$SELECT i, 't' || i % 3, 't' || i % 4, 'v' || i % 5, 'c' || repeat(' ', i % 3), i % 3, i % 4, i % 5, i % 2 = 0, decode('0' || i % 3, 'hex'), ('00000000-0000-0000-0000-00000000000' || i % 3)::uuid,
        date '2025-01-01' + i % 4, timestamp '2025-01-01' + i % 3 * interval '1 hour', timestamptz '2025-01-01 00:00+00' + i % 3 * interval '1 hour', time '10:00' + i % 2 * interval '1 min',
        i % 3 * interval '1 hour', ARRAY[i % 2, NULL], ARRAY['x', NULL, i % 3 || ''], int4range(1, 2 + i % 3), jsonb_build_object('a', i % 3), (ARRAY['sad', 'ok', 'happy', 'middling'])[i % 4 + 1]::mood,
        1 + i % 3, ROW(i % 2, nullif('x' || i % 2, 'x1'))::pair, i % 3, ('10.0.0.' || i % 3)::inet, 'n' || i % 3, (i % 4)::bit(4), ('08:00:2b:01:02:0' || i % 3)::macaddr FROM generate_series(1, 40) i$$,
     't = NULL, tc = upper(tc), n = -n, f8 = -f8, arr = arr || 1, j = ''[1,2]'', e = ''happy'', dom = NULL, p = NULL, r = ''empty'', d = ''infinity'', b = NULL',
     't = ''moved'', vc = NULL, u = NULL, tz = ''-infinity'', iv = NULL, by = '''', dom = 9, p = ROW(NULL, NULL)');
SELECT imat, verdict FROM oracle.all_same('delt') WHERE verdict !~ '^same, \d+ rows, untouched$';
SELECT * FROM by_e ORDER BY key;
SELECT * FROM by_p ORDER BY key;
SET client_min_messages = warning; DROP TABLE keys CASCADE; RESET client_min_messages;
-- Keys that are equal and don't look alike: a group shows one of them
CREATE TABLE alike (id int PRIMARY KEY, n numeric, f float8, c char(4), iv interval);
SELECT imat.create('alike_n', 'SELECT n, count(*) FROM alike GROUP BY n');
SELECT imat.create('alike_f', 'SELECT f, count(*) FROM alike GROUP BY f');
SELECT imat.create('alike_iv', 'SELECT iv, count(*), sum(id) FROM alike GROUP BY iv');
SELECT imat.create('alike_computed', 'SELECT n::text AS shown, count(*) FROM alike GROUP BY n');
INSERT INTO alike VALUES (1, 1.0, 0, 'a', '24 hours'), (2, 1.00, '-0', 'a ', '1 day'), (3, 'NaN', 'NaN', 'b', '30 days'), (4, 'NaN', 'NaN', 'b', '1 month'), (5, 2, 'Infinity', NULL, NULL);
SELECT * FROM oracle.all_same('delt', 'equal') WHERE imat <> 'alike_computed';
SELECT *, imat.verify('alike_computed') FROM alike_computed ORDER BY shown;
SELECT n, count FROM alike_n WHERE n = 1;
SELECT f, count FROM alike_f ORDER BY f;
DELETE FROM alike WHERE id IN (1, 3);
INSERT INTO alike VALUES (6, 1.000, '0', 'a', '23 hours 60 minutes'), (7, 2.0, '-Infinity', '', '720 hours');
SELECT * FROM oracle.all_same('delt', 'equal') WHERE imat <> 'alike_computed';
SELECT *, imat.verify('alike_computed') FROM alike_computed ORDER BY shown;
UPDATE alike SET n = n * 1.0, f = -f, iv = iv * 1;
SELECT * FROM oracle.all_same('delt', 'equal') WHERE imat <> 'alike_computed';
SELECT *, imat.verify('alike_computed') FROM alike_computed ORDER BY shown;
SELECT imat, oracle.strategy(imat::regclass) FROM oracle.all_same('delt');
DELETE FROM alike;
SELECT * FROM oracle.all_same('delt', 'equal') WHERE imat <> 'alike_computed';
SELECT *, imat.verify('alike_computed') FROM alike_computed ORDER BY shown;
SET client_min_messages = warning; DROP TABLE alike CASCADE; RESET client_min_messages;
-- A type with a hash but no btree order, and one with neither
CREATE TABLE odd (x xid, g point, j json);
SELECT imat.create('by_xid', 'SELECT x, count(*) FROM odd GROUP BY x');
SELECT imat.create('points', 'SELECT g, j FROM odd');
INSERT INTO odd VALUES ('1', '(1,1)', '{"a": 1}'), ('1', '(1,1)', '{"a":1}'), ('2', NULL, NULL), (NULL, '(2,2)', '[]');
UPDATE odd SET g = '(3,3)' WHERE x = '2';
SELECT imat, oracle.strategy(imat::regclass), verdict FROM oracle.all_same('delt');
SET client_min_messages = warning; DROP TABLE odd CASCADE; RESET client_min_messages;
-- Duplicates: rows that are all equal come and go one by one
CREATE TABLE dup (k int, v int);
SELECT imat.create('of_dup', 'SELECT k, v, count(*) AS n FROM dup GROUP BY k, v');
SELECT imat.create('distinct_dup', 'SELECT DISTINCT k, v FROM dup');
INSERT INTO dup SELECT 1, NULL FROM generate_series(1, 3); INSERT INTO dup SELECT NULL, NULL FROM generate_series(1, 2);
SELECT * FROM oracle.all_same('delt');
DELETE FROM dup WHERE ctid IN (SELECT min(ctid) FROM dup GROUP BY k);
SELECT * FROM oracle.all_same('delt');
DELETE FROM dup WHERE ctid IN (SELECT min(ctid) FROM dup GROUP BY k);
SELECT * FROM oracle.all_same('delt');
SELECT * FROM of_dup;
-- Groups of rows that can't be told apart: keys not shown, results equal
CREATE TABLE blind (id int PRIMARY KEY, k int);
SELECT imat.create('of_blind', 'SELECT count(*) AS n FROM blind GROUP BY k');
INSERT INTO blind SELECT i, i % 5 FROM generate_series(1, 25) i;
SELECT oracle.same('of_blind');
DELETE FROM blind WHERE id < 4;
SELECT oracle.same('of_blind');
UPDATE blind SET k = 0 WHERE k = 1;
SELECT oracle.same('of_blind');
SELECT n FROM of_blind ORDER BY n;
SET client_min_messages = warning;
DROP SCHEMA delt CASCADE;
