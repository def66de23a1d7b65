--
-- What depends on TimeZone and its like means what it meant to whoever made the IMAT, whoever writes; what changes by itself is refused.
--
CREATE SCHEMA sett; SET search_path = sett, public;
SET TimeZone = 'Europe/Berlin'; SET DateStyle = 'ISO, DMY'; SET IntervalStyle = postgres;
CREATE TABLE src (id int PRIMARY KEY, at timestamptz NOT NULL, shown text, iv interval, v int NOT NULL DEFAULT 1);
INSERT INTO src VALUES (1, '2025-06-01 00:30+02', '01/02/2025', '1 day 2 hours'), (2, '2025-01-01 00:30+01', '02/01/2025', NULL);
SELECT imat.create('by_day', 'SELECT date_trunc(''day'', at) AS day, count(*) AS n, sum(v) AS s FROM src GROUP BY date_trunc(''day'', at)');
SELECT imat.create('by_date', 'SELECT at::date AS day, count(*) AS n FROM src GROUP BY at::date');
SELECT imat.create('by_hour', 'SELECT extract(hour FROM at)::int AS h, sum(v) AS s FROM src WHERE at::date < ''2026-01-01'' GROUP BY extract(hour FROM at)::int HAVING sum(v) > 0');
SELECT imat.create('by_text', 'SELECT at::text AS t, shown::date AS d, iv::text AS i, to_char(at, ''TZ HH24'') AS c FROM src');       -- swap
SELECT imat.create('by_shown', 'SELECT shown::date AS d, count(*) AS n FROM src GROUP BY shown::date');
SELECT imat.create('plain', 'SELECT at AT TIME ZONE ''UTC'' AS utc, count(*) AS n FROM src GROUP BY at AT TIME ZONE ''UTC''');
SELECT c.mv_name, oracle.strategy(imat), settings IS NOT NULL AS pinned, settings && ARRAY['TimeZone=Europe/Berlin'] AS to_berlin FROM imat.imat_config c WHERE agg_schema_name = 'sett' ORDER BY 1;
SELECT * FROM oracle.all_same('sett');
-- a writer elsewhere
SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German, MDY'; SET IntervalStyle = iso_8601;
INSERT INTO src VALUES (3, '2025-06-01 00:30+02', '01/02/2025', '36 hours'), (4, '2025-05-31 23:59:59+02', '03/04/2025', '1 mon'), (5, '2025-03-30 02:59+01', '01/02/2025', '1 s');
SELECT * FROM oracle.all_same('sett');
SHOW TimeZone; SHOW DateStyle; SHOW IntervalStyle;
BEGIN;
SET LOCAL TimeZone = 'America/New_York';
DELETE FROM src WHERE id IN (1, 4);
SELECT day AT TIME ZONE 'Europe/Berlin' AS day, n, s FROM by_day WHERE s > 0 ORDER BY day;
SET LOCAL TimeZone = 'UTC';
UPDATE src SET at = at - interval '3 hours', v = 2;
SELECT * FROM oracle.all_same('sett');
SHOW TimeZone;
COMMIT;
SELECT * FROM oracle.all_same('sett');
SHOW TimeZone;
-- the settings hold after an error, too
\set VERBOSITY terse
INSERT INTO src VALUES (6, '2025-06-01', '30/30/2025');
\set VERBOSITY default
SHOW TimeZone; SHOW DateStyle;
-- rebuilt and verified elsewhere
SELECT imat.refresh('by_day'), imat.refresh('by_text'), imat.verify('by_day'), imat.verify('by_text');
SELECT * FROM oracle.all_same('sett');
SELECT imat.alter('by_day', strategy => 'swap');
INSERT INTO src VALUES (7, '2025-05-31 22:30+00', '02/01/2025');
SELECT imat.alter('by_day', strategy => 'delta');
INSERT INTO src VALUES (8, '2025-05-31 21:30+00', '02/01/2025');
SELECT imat, split_part(verdict, ' rows', 1) FROM oracle.all_same('sett');
SET TimeZone = 'Europe/Berlin'; SET DateStyle = 'ISO, DMY';
SELECT day, n FROM by_day ORDER BY day;
SELECT imat, split_part(verdict, ' rows', 1) FROM oracle.all_same('sett');
-- what PostgreSQL calls IMMUTABLE, though it depends on settings: floats, intervals and bytea as text
SET extra_float_digits = 0; SET IntervalStyle = iso_8601; SET bytea_output = escape;
SELECT imat.create('digits', 'SELECT (id / 3.0::float8)::text AS t, count(*) AS n FROM src GROUP BY (id / 3.0::float8)::text');
SELECT imat.create('intervals', 'SELECT iv::text AS t, count(*) AS n FROM src GROUP BY iv::text');
SELECT imat.create('bytes', 'SELECT ''x'' || convert_to(shown, ''UTF8'')::text AS t, count(*) AS n FROM src GROUP BY ''x'' || convert_to(shown, ''UTF8'')::text');
RESET extra_float_digits; SET IntervalStyle = postgres; RESET bytea_output;
INSERT INTO src VALUES (10, '2025-06-01', '02/01/2025', '1 day');
SELECT oracle.same('digits'), oracle.same('intervals'), oracle.same('bytes');
SELECT t FROM digits WHERE t LIKE '3.3%';
SELECT t FROM intervals WHERE t LIKE '%D' OR t LIKE '%day%' ORDER BY t;
SELECT t FROM bytes WHERE t LIKE 'x02%' OR t LIKE 'x\\%' ORDER BY t;

-- Refused: what changes by itself
CREATE FUNCTION vol(int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT $1';
CREATE FUNCTION stab(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT count(*)::int FROM sett.src WHERE id < $1';
CREATE FUNCTION immu(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 * 2; END';
CREATE OPERATOR @@+ (FUNCTION = vol, RIGHTARG = int);
CREATE FUNCTION vol_step(int, int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT coalesce($1, 0) + $2';
CREATE AGGREGATE vol_sum(int) (SFUNC = vol_step, STYPE = int);
CREATE SEQUENCE seq;
SELECT oracle.fingerprint() AS before \gset
SELECT e.expression, (SELECT string_agg(line, ' ') FROM oracle.error(format('SELECT imat.create(''refused'', ''SELECT %s AS x FROM sett.src'')', replace(e.expression, '''', ''''''))) line) AS error
  FROM (VALUES ('now()'), ('current_timestamp'), ('current_date'), ('localtime(0)'), ('clock_timestamp()'), ('statement_timestamp()'), ('random()'), ('nextval(''sett.seq'')'), ('currval(''sett.seq'')'),
    ('txid_current()'), ('pg_backend_pid()'), ('current_user'), ('current_schema'), ('current_setting(''TimeZone'')'), ('sett.vol(id)'), ('sett.stab(id)'), ('@@+ id'), ('sett.vol_sum(id)'),
    ('gen_random_uuid()'), ('timeofday()'), ('age(at)'), ('ctid'), ('xmin'), ('(SELECT max(at) FROM sett.src WHERE at < now())'), ('pg_table_size(''sett.src'')'), ('''sett.src''::text::regclass'),
    ('to_regclass(shown)'), ('version()')) e (expression);
SELECT oracle.error('SELECT imat.create(''refused'', ''SELECT id FROM src WHERE at < now()'')');
SELECT oracle.error('SELECT imat.create(''refused'', ''SELECT count(*) FROM src GROUP BY id HAVING max(at) < now()'')');
SELECT oracle.error('SELECT imat.create(''refused'', ''SELECT id FROM src ORDER BY random() LIMIT 1'')');
SELECT oracle.error('SELECT imat.create(''refused'', ''SELECT id FROM src TABLESAMPLE BERNOULLI (10)'')');
CREATE VIEW hidden AS SELECT id, now() AS t FROM src;
SELECT oracle.error('SELECT imat.create(''refused'', ''SELECT id FROM hidden'')');
DROP VIEW hidden;
CREATE MATERIALIZED VIEW mv_now AS SELECT id, now() AS t FROM src;
SELECT oracle.error('SELECT create_imat(''mv_now'')');
SELECT relkind FROM pg_class WHERE oid = 'mv_now'::regclass;
DROP MATERIALIZED VIEW mv_now;
SELECT oracle.fingerprint() = :'before' AS as_before;
-- allowed: what is said to be IMMUTABLE, and calls of it
SELECT imat.create('immutable', 'SELECT immu(id) % 3 AS k, sum(immu(v)) AS s FROM src GROUP BY immu(id) % 3');
INSERT INTO src VALUES (11, '2025-06-01', '02/01/2025');
SELECT oracle.same('immutable'), oracle.strategy('immutable');
SET client_min_messages = warning;
DROP SCHEMA sett CASCADE;
