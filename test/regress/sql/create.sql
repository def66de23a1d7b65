--
-- imat.create: a table of a query, from the start.
--
CREATE SCHEMA crea; SET search_path = crea, public;
CREATE TABLE src (id int PRIMARY KEY, k text, v numeric(10,2), at timestamptz);
INSERT INTO src VALUES (1, 'a', 1.50, '2025-01-01 10:00+00'), (2, 'a', 2.25, '2025-01-01 11:00+00'), (3, NULL, 3, NULL);

SELECT imat.create('plain', 'SELECT k, sum(v) AS total, count(*) AS n FROM src GROUP BY k');
SELECT oracle.same('plain'), oracle.strategy('plain');
-- exactly the columns of the query: names, types, typmods, collations
SELECT imat.create('typed', $$ SELECT DISTINCT v, k::varchar(7) AS short, k COLLATE "C" AS c, at AS "At", 1.5::numeric(4,1) AS lit,
    'x' AS unknown, NULL AS nothing, ARRAY[id, 2] AS arr FROM src $$);
SELECT attname, format_type(atttypid, atttypmod), (SELECT collname FROM pg_collation WHERE oid = attcollation) AS collation, attnotnull
  FROM pg_attribute WHERE attrelid = 'typed'::regclass AND attnum > 0 ORDER BY attnum;
INSERT INTO src VALUES (4, 'typed', 9.99, '2025-02-01');
SELECT oracle.same('typed'), oracle.strategy('typed');
-- qualified and quoted names
SELECT imat.create('crea."Q ""x"".y"', 'SELECT count(*) AS n FROM crea.src');
INSERT INTO src VALUES (5, 'q', 1, NULL);
SELECT oracle.same('crea."Q ""x"".y"');
-- a query may end in a semicolon, hold comments, CTEs, VALUES, TABLE
SELECT imat.create('semi', '/* one */ WITH s AS (SELECT k FROM src) -- two
    SELECT k, count(*) AS n FROM s GROUP BY k;');
SELECT imat.create('vals', 'VALUES (1, ''a''), (2, ''b'')');
SELECT imat.create('tabl', 'TABLE src');
SELECT * FROM vals ORDER BY 1;
SELECT imat.create('zero', 'SELECT FROM src');
-- by strategy, by name
SELECT imat.create(name => 'swapped', query => 'SELECT k, count(*) AS n FROM src GROUP BY k', strategy => 'swap');
SELECT imat.create(name => 'by_key', query => 'SELECT k, count(*) AS n FROM src GROUP BY k', strategy => 'keyed');
SELECT oracle.strategy('swapped'), oracle.strategy('by_key');
SELECT imat.create('deltaed', 'SELECT k, count(*) AS n FROM src GROUP BY k', 'immediate', 'delta');
UPDATE src SET k = 'b' WHERE id = 1;
SELECT * FROM oracle.all_same('crea');
SELECT mv_name, mv_schema_name, agg_schema_name, maintenance, strategy FROM imat.imat_config
 WHERE agg_schema_name = 'crea' ORDER BY 1;
-- over a temporary search_path: names are resolved once, when it is created
CREATE SCHEMA crea2; CREATE TABLE crea2.src AS SELECT 1 AS id, 'other'::text AS k;
SET search_path = crea2, crea, public;
SELECT oracle.same('crea.plain');
INSERT INTO crea.src VALUES (6, 'path', 1, NULL);
SELECT oracle.same('crea.plain');
SET search_path = crea, public;

-- refused, with nothing left behind
SELECT oracle.fingerprint() AS before \gset
SELECT oracle.error($$SELECT imat.create('plain', 'SELECT 1 AS one')$$);
SELECT oracle.error($$SELECT imat.create('nowhere.plain', 'SELECT 1 AS one')$$);
SELECT oracle.error($$SELECT imat.create('x', '')$$);
SELECT oracle.error($$SELECT imat.create('x', 'SELECT 1 AS a; SELECT 2 AS a')$$);
SELECT oracle.error($$SELECT imat.create('x', 'DELETE FROM src RETURNING id')$$);
SELECT oracle.error($$SELECT imat.create('x', 'DROP TABLE src')$$);
SELECT oracle.error($$SELECT imat.create('x', 'SELECT id INTO y FROM src')$$);
SELECT oracle.error($$SELECT imat.create('x', 'WITH d AS (DELETE FROM src RETURNING id) SELECT * FROM d')$$);
SELECT oracle.error($$SELECT imat.create('x', 'SELECT id FROM src FOR UPDATE')$$);
SELECT oracle.error($$SELECT imat.create('x', 'SELECT nosuch FROM src')$$);
SELECT oracle.error($$SELECT imat.create('x', 'SELECT * FROM nosuch')$$);
SELECT oracle.error($$SELECT imat.create('x', 'SELECT id, id FROM src')$$);
SELECT oracle.error($$SELECT imat.create('x', 'SELECT id FROM src WHERE id = $1')$$);
SELECT oracle.error($$SELECT imat.create('x', 'SELECT k, mode() WITHIN GROUP (ORDER BY v) FROM src GROUP BY k', strategy => 'delta')$$);
SELECT oracle.error($$SELECT imat.create('x', 'SELECT 1 AS a', strategy => 'Delta')$$);
SELECT oracle.error($$SELECT imat.create('x', 'SELECT 1 AS a', strategy => 'keyed')$$);
SELECT oracle.error($$SELECT imat.create('x', 'SELECT k, rank() OVER (ORDER BY k) AS n FROM src', strategy => 'keyed')$$);
SELECT oracle.error($$SELECT imat.create('x', 'SELECT 1 AS a', maintenance => 'deferred')$$);
SELECT oracle.error($$SELECT imat.create('x', 'SELECT 1 AS a', maintenance => 'someday')$$);
SELECT oracle.error($$SELECT imat.create('x', 'SELECT 1 AS a', strategy => NULL)$$);
SELECT oracle.error($$SELECT imat.create(NULL, 'SELECT 1 AS a')$$);
SELECT oracle.error($$SELECT imat.create('x', NULL)$$);
SELECT oracle.error($$SELECT imat.create('a b', 'SELECT 1 AS a')$$);
SELECT oracle.error($$SELECT imat.create('x', 'SELECT 1/(id - 1) AS a FROM src')$$);
SELECT oracle.fingerprint() = :'before' AS as_before;
-- the sources are as free as they were
INSERT INTO src VALUES (7, 'free', 1, NULL);
SELECT * FROM oracle.all_same('crea');
SET client_min_messages = warning;
DROP SCHEMA crea, crea2 CASCADE;
