--
-- Aggregates with DISTINCT: how many rows of a group have a value is kept for each value; a change costs the values that it changes.
--
CREATE SCHEMA dist; SET search_path = dist, public;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN short AS varchar(20);
CREATE TABLE t (id int PRIMARY KEY, g int, h text, s smallint, i int, l bigint, m money, n numeric(8,2), u numeric, r real, f float8, x text, v varchar(9), c char(5), b bool, d date,
    ts timestamptz, iv interval, k mood, a int[], at text[], j jsonb, rg int4range, id2 uuid, by bytea, sh short);
CREATE FUNCTION fill(lo int, hi int) RETURNS void LANGUAGE sql SET search_path = dist AS $$
    INSERT INTO t SELECT k, nullif(k % 5, 0), CASE k % 4 WHEN 0 THEN NULL ELSE 'h' || k % 4 END, k % 6, nullif(k % 11, 5), k % 7 * 1000000000000, (k % 8)::numeric::money, k % 9 / 4.0, k % 9 / 4.0,
        k % 5 / 4.0, nullif(k % 13, 3) / 8.0, nullif('x' || k % 14, 'x2'), 'v' || k % 15, 'c' || k % 3, k % 3 = 0, date '2020-01-01' + k % 12, timestamptz '2020-01-01 UTC' + k % 10 * interval '1 day', k % 5 * interval '1 hour',
        (ARRAY['sad', 'ok', 'happy'])[k % 3 + 1]::mood, ARRAY[k % 5, NULL], ARRAY['a' || k % 4], jsonb_build_object('k', k % 6), int4range(k % 4, k % 4 + 2), ('00000000-0000-0000-0000-00000000000' || k % 7)::uuid, decode('0' || k % 6, 'hex'), 's' || k % 5
      FROM generate_series(lo, hi) k $$;
SELECT fill(1, 200);
SELECT imat.create('counts', 'SELECT g, count(DISTINCT s) AS s, count(DISTINCT i) AS i, count(DISTINCT l) AS l, count(DISTINCT m) AS m, count(DISTINCT n) AS n, count(DISTINCT u) AS u, count(DISTINCT r) AS r, count(DISTINCT f) AS f,
    count(DISTINCT x) AS x, count(DISTINCT v) AS v, count(DISTINCT c) AS c, count(DISTINCT b) AS b, count(DISTINCT d) AS d, count(DISTINCT ts) AS ts, count(DISTINCT iv) AS iv, count(DISTINCT k) AS k, count(DISTINCT a) AS a, count(DISTINCT at) AS at,
    count(DISTINCT j) AS j, count(DISTINCT rg) AS rg, count(DISTINCT id2) AS id2, count(DISTINCT by) AS by, count(DISTINCT sh) AS sh FROM t GROUP BY g');
SELECT imat.create('sums', 'SELECT g, h, sum(DISTINCT s) AS s, sum(DISTINCT i) AS i, sum(DISTINCT l) AS l, sum(DISTINCT m) AS m, sum(DISTINCT n) AS n, sum(DISTINCT r) AS r, sum(DISTINCT f) AS f,
    avg(DISTINCT i) AS ai, avg(DISTINCT l) AS al, avg(DISTINCT n) AS an, avg(DISTINCT f) AS af, avg(DISTINCT n::numeric(5,1)) AS an1 FROM t GROUP BY g, h');
SELECT imat.create('others', 'SELECT h, var_pop(DISTINCT i) AS v, stddev(DISTINCT n) AS sn, variance(DISTINCT l) AS vl, ' || CASE WHEN current_setting('server_version_num')::int >= 140000 THEN 'bit_xor' ELSE 'bit_or' END || '(DISTINCT i) AS bx, bit_or(DISTINCT i) AS bo, bit_and(DISTINCT i) AS ba, bool_and(DISTINCT b) AS ab, bool_or(DISTINCT i > 3) AS ob FROM t GROUP BY h');
-- with all that goes with every other aggregate
SELECT imat.create('mixed', 'SELECT g, count(*) AS n, count(i) AS c, count(DISTINCT i) AS d, sum(i) AS s, sum(DISTINCT i) AS sd, avg(u) AS a, count(DISTINCT i) FILTER (WHERE b) AS fd, sum(DISTINCT i) FILTER (WHERE b) AS fs, count(DISTINCT x) FILTER (WHERE i > 3) AS fx,
    count(DISTINCT i) * 100 / nullif(count(*), 0) AS percent, coalesce(sum(DISTINCT i + s), -1) AS e, CASE WHEN count(DISTINCT x) > 5 THEN ''many'' ELSE ''few'' END AS w FROM t WHERE id % 10 <> 9 GROUP BY g');
SELECT imat.create('having_', 'SELECT h, sum(i) AS s FROM t GROUP BY h HAVING count(DISTINCT x) FILTER (WHERE b) > 4 AND sum(DISTINCT i) < 54');
SELECT imat.create('whole', 'SELECT count(DISTINCT x) AS x, sum(DISTINCT i) AS i, avg(DISTINCT f) AS f FROM t');
SELECT imat.create('keys', 'SELECT i, count(DISTINCT i) AS same, count(DISTINCT g) AS g, sum(DISTINCT g) AS gs FROM t GROUP BY i');
SELECT imat.create('hidden_key', 'SELECT count(DISTINCT i) AS n, sum(DISTINCT s) AS s FROM t GROUP BY h, k');
SELECT c.mv_name, oracle.strategy(imat), cardinality(multiplicities) AS tables FROM imat.imat_config c WHERE agg_schema_name = 'dist' ORDER BY c.mv_name COLLATE "C";
SELECT imat.explain('mixed');

-- what isn't the same, or wasn't done by delta
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$
    SELECT * FROM oracle.all_same('dist') a WHERE verdict ~ 'swap' OR verdict !~ '^same' $$;
-- the multiplicities of sums over i, in the table and in the rows
CREATE FUNCTION multiplicities() RETURNS TABLE (in_table bigint, in_rows bigint, differ bigint) LANGUAGE plpgsql AS $$
DECLARE name regclass := multiplicities[2] FROM imat.imat_config c WHERE c.imat = 'dist.sums'::regclass;
BEGIN
    RETURN QUERY EXECUTE format($q$WITH kept AS (SELECT key_1, key_2, value, rows FROM %s), counted AS (SELECT g, h, i, count(*) FROM dist.t WHERE i IS NOT NULL GROUP BY 1, 2, 3)
        SELECT (SELECT sum(rows)::bigint FROM kept), (SELECT sum(count)::bigint FROM counted),
               (SELECT count(*) FROM ((TABLE kept EXCEPT ALL TABLE counted) UNION ALL (TABLE counted EXCEPT ALL TABLE kept)) x)$q$, name);
END $$;
SELECT * FROM bad(); SELECT * FROM multiplicities();
INSERT INTO t (id, g, h, i, x) VALUES (1000, 1, 'h1', 1000, 'new'), (1001, 1, 'h1', 1000, 'new'), (1002, 1, 'h1', NULL, NULL);
SELECT * FROM bad(); SELECT * FROM multiplicities();
SELECT d, sd, fd FROM mixed WHERE g = 1;
-- the first leaves, and the last
DELETE FROM t WHERE id = 1000;
SELECT d, sd FROM mixed WHERE g = 1;
DELETE FROM t WHERE id = 1001;
SELECT d, sd FROM mixed WHERE g = 1;
SELECT imat, split_part(verdict, ', ', 2) AS row_count, split_part(verdict, ', ', 3) AS work FROM oracle.all_same('dist');
-- values that change, move to other groups, become NULL and come back
UPDATE t SET i = i + 1, x = x || 'y', f = f * 2 WHERE id % 3 = 0;
SELECT * FROM bad(); SELECT * FROM multiplicities();
UPDATE t SET g = g + 1 WHERE id % 4 = 0;
UPDATE t SET h = 'h9', b = NOT b WHERE id % 7 = 0;
SELECT * FROM bad(); SELECT * FROM multiplicities();
UPDATE t SET i = NULL, x = NULL, g = NULL, n = NULL WHERE id < 40;
SELECT * FROM bad();
UPDATE t SET i = 4, x = 'back', g = 3, n = 4 WHERE id < 40;
SELECT * FROM bad();
-- what changes nothing isn't written
SELECT rows_written AS before FROM imat.status WHERE imat = 'sums'::regclass \gset
UPDATE t SET d = d + 1, i = i + 0;
SELECT rows_written - :before AS written FROM imat.status WHERE imat = 'sums'::regclass;
-- groups die, and are born again
DELETE FROM t WHERE g = 2 OR h = 'h3';
SELECT * FROM bad(); SELECT * FROM multiplicities();
INSERT INTO t (id, g, h, i, x, b) VALUES (2000, 2, 'h3', 9, 'a', true), (2001, 77, NULL, 10, 'b', true), (2002, 77, 'h77', NULL, NULL, NULL);
SELECT * FROM bad(); SELECT * FROM multiplicities();
SELECT fill(300, 340);
SELECT * FROM bad();
-- one transaction: rows that come and go, savepoints, reading in between
BEGIN;
INSERT INTO t (id, g, i, x) VALUES (3000, 1, 3000, 'p'), (3001, 1, 3001, 'p');
DELETE FROM t WHERE id = 3000;
SAVEPOINT a;
INSERT INTO t (id, g, i, x) VALUES (3002, 1, 3000, 'q'), (3003, 88, 3000, 'q');
DELETE FROM t WHERE id = 3001;
SAVEPOINT b;
UPDATE t SET i = 1, x = 'one', g = 88;
ROLLBACK TO b;
RELEASE a;
SAVEPOINT c;
INSERT INTO t (id, g, i, x) VALUES (3004, 1, 3004, 'r');
ROLLBACK TO c;
COMMIT;
SELECT * FROM bad(); SELECT * FROM multiplicities();
BEGIN;
INSERT INTO t (id, g, i, x) VALUES (3010, 1, 3010, 'p');
SELECT d, sd FROM mixed WHERE g = 1;
SAVEPOINT a;
INSERT INTO t (id, g, i, x) VALUES (3011, 1, 3010, 'p'), (3012, 1, 3012, 'p');
DELETE FROM t WHERE id = 3010;
SELECT d, sd FROM mixed WHERE g = 1;
DELETE FROM t;
SELECT * FROM bad();
SELECT count(*) FROM mixed;
ROLLBACK TO a;
SELECT d, sd FROM mixed WHERE g = 1;
SELECT * FROM bad();
DELETE FROM t WHERE id = 3010;
COMMIT;
SELECT * FROM bad(); SELECT * FROM multiplicities();
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE t SET i = 4000 WHERE id = 301;
SELECT d, sd FROM mixed WHERE g = (SELECT g FROM t WHERE id = 301);
UPDATE t SET i = 4 WHERE id = 301;
COMMIT;
SELECT * FROM bad();
-- little memory: applied early, and often
SET pg_imat.pending_memory = '64kB';
BEGIN;
SELECT fill(10000, 12000);
UPDATE t SET x = x || id, l = id WHERE id >= 10000;
DELETE FROM t WHERE id > 11500;
COMMIT;
RESET pg_imat.pending_memory;
SELECT * FROM bad(); SELECT * FROM multiplicities();
SET pg_imat.flush = statement;
UPDATE t SET l = 1 WHERE id > 11000;
DELETE FROM t WHERE id >= 10500;
RESET pg_imat.flush;
SELECT * FROM bad();
BEGIN; INSERT INTO t (id, g, i) VALUES (5000, 1, 5000); ROLLBACK;
SELECT * FROM bad(); SELECT * FROM multiplicities();

-- Long values, which no index would take; and equal values that look different
CREATE TABLE odd (id int PRIMARY KEY, g numeric, t text, n numeric, f float8, c text, a text[]);
SELECT imat.create('odds', 'SELECT g, count(DISTINCT t) AS t, count(DISTINCT n) AS n, count(DISTINCT f) AS f, count(DISTINCT a) AS a FROM odd GROUP BY g');
SELECT oracle.strategy('odds');
INSERT INTO odd SELECT i, i % 2, repeat(md5((i % 5)::text), 1000), ('1.' || repeat('0', i % 4))::numeric, CASE WHEN i % 3 = 0 THEN -0.0 ELSE 0.0 END, NULL, ARRAY[repeat('z', 9000), (i % 3)::text] FROM generate_series(1, 40) i;
INSERT INTO odd SELECT i, '1.00', md5((i % 5)::text), 'NaN', 'NaN', NULL, '{}' FROM generate_series(41, 60) i;
SELECT oracle.same('odds', 'equal');
SELECT * FROM odds ORDER BY g;
UPDATE odd SET f = -f, n = 1.00000, t = t || 'end', g = g + 0.000 WHERE f = 0;
SELECT oracle.same('odds', 'equal');
DELETE FROM odd WHERE id % 5 < 4;
SELECT oracle.same('odds', 'equal');
DELETE FROM odd WHERE id < 41;
SELECT oracle.same('odds', 'equal');
SELECT * FROM odds ORDER BY g;
INSERT INTO odd SELECT i, 1, NULL, NULL, NULL, NULL, NULL FROM generate_series(1, 4) i;
DELETE FROM odd WHERE id > 40;
SELECT oracle.same('odds', 'equal');
SELECT * FROM odds ORDER BY g;
-- hashes that collide
CREATE TABLE collide (id int PRIMARY KEY, x text);
INSERT INTO collide SELECT row_number() OVER (), x FROM (SELECT x, count(*) OVER (PARTITION BY hashtext(x)) AS n FROM (SELECT i::text AS x FROM generate_series(1, 300000) i) s) s WHERE n > 1 ORDER BY x;
SELECT count(*) > 5 AS enough, count(DISTINCT hashtext(x)) < count(*) AS collide FROM collide;
SELECT imat.create('collisions', 'SELECT count(DISTINCT x) AS n FROM collide');
INSERT INTO collide SELECT id + 1000, x FROM collide;
DELETE FROM collide WHERE id % 2 = 0 AND id < 1000;
SELECT oracle.same('collisions');
DELETE FROM collide WHERE id > 1000;
SELECT oracle.same('collisions');

-- Over joins, over IMATs, and IMATs over them
CREATE TABLE fact (id int PRIMARY KEY, dim int, v int);
CREATE TABLE dim (id int PRIMARY KEY, name text, region int);
SELECT imat.create('joined', 'SELECT dim.name, count(DISTINCT v) AS c, sum(DISTINCT v) AS s, count(DISTINCT region) AS r, count(*) AS n FROM fact JOIN dim ON dim.id = fact.dim GROUP BY dim.name');
SELECT imat.create('self', 'SELECT x.dim, count(DISTINCT y.v) AS c FROM fact x JOIN fact y ON x.v = y.dim GROUP BY x.dim');
SELECT imat.create('above', 'SELECT c % 3 AS k, count(DISTINCT n) AS n, sum(DISTINCT s) AS s FROM joined GROUP BY 1');
SELECT imat.create('top', 'SELECT count(DISTINCT k) AS k, sum(n) AS n FROM above');
SELECT c.mv_name, oracle.strategy(imat) FROM imat.imat_config c WHERE mv_name IN ('joined', 'self', 'above', 'top') ORDER BY c.mv_name COLLATE "C";
INSERT INTO dim SELECT i, nullif('n' || i % 4, 'n3'), i % 4 FROM generate_series(1, 12) i;
INSERT INTO fact SELECT i, i % 10, nullif(i % 14, 0) FROM generate_series(1, 100) i;
SELECT * FROM bad(); SELECT * FROM above ORDER BY k;
UPDATE fact SET v = v + 1 WHERE id % 3 = 0; UPDATE dim SET name = 'renamed' WHERE id = 3;
SELECT * FROM bad();
BEGIN;
INSERT INTO dim VALUES (100, 'far', 100); INSERT INTO fact VALUES (1000, 100, 50), (1001, 100, 50);
UPDATE dim SET region = 7 WHERE id < 4; DELETE FROM fact WHERE id % 4 = 0;
SELECT * FROM bad();
UPDATE fact SET dim = 1 WHERE id < 20; DELETE FROM dim WHERE id = 2;
COMMIT;
SELECT * FROM bad(); SELECT * FROM above ORDER BY k;
DELETE FROM fact;
SELECT * FROM bad();

-- Beside min and max: groups that have lost sight of theirs are put off, and their multiplicities with them
CREATE TABLE both_ (id int PRIMARY KEY, g int, v int, x text);
INSERT INTO both_ SELECT i, i % 3, i, 'x' || i % 40 FROM generate_series(1, 300) i;
SELECT imat.create('extremes', 'SELECT g, min(v) AS lo, max(v) AS hi, max(DISTINCT v) AS same, count(DISTINCT x) AS c, sum(DISTINCT v) AS s, count(*) AS n FROM both_ GROUP BY g');
SELECT imat.create('extreme', 'SELECT max(v) AS hi, count(DISTINCT x) AS c, avg(DISTINCT v) AS a FROM both_');
SELECT oracle.strategy('extremes'), oracle.strategy('extreme');
DELETE FROM both_ WHERE v > 150;
SELECT * FROM bad(); SELECT * FROM extremes ORDER BY g;
BEGIN;
DELETE FROM both_ WHERE v > 60;
SELECT * FROM bad();
INSERT INTO both_ SELECT i, i % 4, i, 'y' || i % 7 FROM generate_series(200, 260) i;
SAVEPOINT a;
DELETE FROM both_ WHERE v > 10;
SELECT * FROM bad(); SELECT * FROM extreme;
ROLLBACK TO a;
UPDATE both_ SET v = -v, x = 'z' || v % 3, g = g + 1 WHERE v < 40;
COMMIT;
SELECT * FROM bad(); SELECT * FROM extremes ORDER BY g;
-- a group that is born lost, and one that comes and goes unseen
BEGIN; INSERT INTO both_ SELECT i, 77, i, 'x' || i % 5 FROM generate_series(1000, 1060) i; DELETE FROM both_ WHERE id BETWEEN 1000 AND 1030; COMMIT;
BEGIN; INSERT INTO both_ SELECT i, 78, i, 'x' || i % 5 FROM generate_series(2000, 2060) i; DELETE FROM both_ WHERE id >= 2000; COMMIT;
SELECT * FROM bad(); SELECT * FROM extremes WHERE g > 50;
DELETE FROM both_;
SELECT * FROM bad(); SELECT * FROM extreme;

-- Rebuilt, and then delta again
SELECT imat.refresh('sums'), imat.refresh('counts');
SELECT oracle.same('sums') ~ '^same', oracle.same('counts') ~ '^same'; SELECT * FROM multiplicities();
UPDATE t SET i = i + 1, x = 'z' || x WHERE id % 2 = 0;
SELECT * FROM bad(); SELECT * FROM multiplicities();
SELECT imat.alter('sums', strategy => 'keyed');
SELECT oracle.strategy('sums'), multiplicities FROM imat.imat_config c WHERE c.imat = 'sums'::regclass;
UPDATE t SET i = i + 1 WHERE id % 2 = 1;
SELECT imat.alter('sums', strategy => 'auto');
SELECT oracle.strategy('sums'), cardinality(multiplicities) FROM imat.imat_config c WHERE c.imat = 'sums'::regclass;
SELECT oracle.same('sums') ~ '^same'; SELECT * FROM multiplicities();
DELETE FROM t WHERE id % 5 = 0;
SELECT * FROM bad(); SELECT * FROM multiplicities();
BEGIN; TRUNCATE t; SELECT fill(1, 50); COMMIT;
SELECT imat, split_part(verdict, ', ', 1) AS same FROM oracle.all_same('dist') WHERE verdict !~ '^same'; SELECT * FROM multiplicities();
UPDATE t SET i = i + 1, g = 1 WHERE id % 2 = 0;
SELECT * FROM bad(); SELECT * FROM multiplicities();
TRUNCATE t;
SELECT * FROM oracle.all_same('dist') WHERE imat IN ('whole', 'sums', 'mixed'); SELECT * FROM whole;
INSERT INTO t (id, g, i) VALUES (1, 1, 1), (2, 1, 1);
SELECT * FROM bad(); SELECT * FROM whole;

-- What doesn't fit is noticed
SELECT oracle.unseen('t', 'INSERT INTO t (id, g, i) VALUES (3, 1, 2)');
DELETE FROM t WHERE id = 3;
SELECT count(imat.refresh(c.imat)) FROM imat.imat_config c WHERE agg_schema_name = 'dist';
DELETE FROM t WHERE id = 3;
SELECT imat, verdict FROM oracle.all_same('dist') WHERE verdict !~ '^same'; SELECT * FROM multiplicities();

-- The tables come and go with the IMAT, and belong to its owner alone
SELECT c.relname, c.relkind, r.rolname = current_user AS mine, c.relacl FROM pg_class c JOIN pg_roles r ON r.oid = relowner WHERE relnamespace = 'imat'::regnamespace AND relname ~ '^(keys|whole)_(state|distinct)' AND relkind = 'r' ORDER BY 1;
SELECT state_size = pg_total_relation_size('imat.whole_state') + pg_total_relation_size('imat.whole_distinct') + pg_total_relation_size('imat.whole_distinct1') + pg_total_relation_size('imat.whole_distinct2') AS size FROM imat.status WHERE imat = 'whole'::regclass;
SELECT oracle.error('DROP TABLE imat.whole_distinct1');
SELECT imat.drop('whole', keep => 'table');
SELECT imat.drop('keys', keep => 'materialized view');
SELECT imat.drop('others');
DROP TABLE having_;
SELECT relname FROM pg_class WHERE relnamespace = 'imat'::regnamespace AND relname ~ '^(whole|keys|others|having_)_' ORDER BY 1;
SELECT create_imat('keys');
INSERT INTO t (id, g, i) VALUES (4, 4, 4);
SELECT * FROM bad();
CREATE UNLOGGED TABLE loose (g int, x int);
SELECT imat.create('loosely', 'SELECT g, count(DISTINCT x) AS n FROM loose GROUP BY g');
SELECT relname, relpersistence FROM pg_class WHERE relnamespace = 'imat'::regnamespace AND relname ~ '^loosely' ORDER BY 1;

-- What isn't kept so, and why
CREATE TYPE pair AS (a int, b int);
SELECT q, e AS strategy FROM (VALUES ('sum(DISTINCT u)'), ('avg(DISTINCT u)'), ('stddev(DISTINCT u)'), ('sum(DISTINCT iv)'), ('count(DISTINCT (i, s))'), ('count(DISTINCT ROW(i, s)::dist.pair)'), ('count(DISTINCT tsvector(x))'), ('count(DISTINCT i::bit(3))'),
    ('covar_pop(DISTINCT f, f)'), ('regr_count(DISTINCT f, r)'), ('sum(DISTINCT i ORDER BY i)'), ('string_agg(DISTINCT x, '','')'), ('max(DISTINCT i)'), ('sum(DISTINCT n + 1)'), ('sum(DISTINCT n) FILTER (WHERE b)'), ('bit_or(DISTINCT i)'),
    ('count(DISTINCT u)')) v (q), LATERAL (SELECT e FROM imat.explain_query('SELECT g, ' || q || ' FROM dist.t GROUP BY g') e LIMIT 1) x;
SET client_min_messages = warning;
DROP SCHEMA dist CASCADE;
SELECT relname FROM pg_class WHERE relnamespace = 'imat'::regnamespace AND relname ~ 'distinct';
