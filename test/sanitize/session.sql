CREATE EXTENSION pg_imat
CREATE TABLE orders (id int PRIMARY KEY, g int, h text, v int NOT NULL, w float8, x numeric, at timestamptz, i interval, b bool)
CREATE TABLE kinds (g int PRIMARY KEY, name text)
INSERT INTO orders SELECT i, i % 4, chr(97 + i % 3), i, i / 3.0, i / 7.0, timestamptz '2024-01-01' + i * interval '1 h', i * interval '1 h', i % 2 = 0 FROM generate_series(1, 60) i
INSERT INTO kinds SELECT i, 'kind ' || i % 3 FROM generate_series(0, 4) i
SELECT imat.create('plain', 'SELECT g, count(*) AS n, sum(v) AS v FROM orders GROUP BY g')
SELECT imat.create('state', 'SELECT h, date_trunc(''day'', at) AS day, avg(w) AS w, sum(x) AS x, stddev(v) AS v, corr(w, v) AS c, sum(i) AS i, bool_and(b) AS b FROM orders GROUP BY 1, 2 HAVING count(*) > 1')
SELECT imat.create('keyed', 'SELECT h, string_agg(v::text, '','' ORDER BY v) AS a FROM orders GROUP BY h')
SELECT imat.create('joined', 'SELECT k.name, count(*) AS n, sum(o.x) AS x FROM orders o JOIN kinds k ON k.g = o.g GROUP BY k.name')
SELECT imat.create('swapped', 'SELECT id, rank() OVER (PARTITION BY g ORDER BY id) AS r FROM orders')
SELECT imat.create('above', 'SELECT n % 2 AS odd, count(*) AS n FROM plain GROUP BY 1')
CREATE MATERIALIZED VIEW converted AS SELECT g, max(v) AS high FROM orders GROUP BY g
CREATE INDEX ON converted (high)
SELECT create_imat('converted')
INSERT INTO orders SELECT i, i % 7, chr(97 + i % 5), i, 1e17 / i, i / 7.0, now(), interval '1 mon', NULL FROM generate_series(100, 400) i
UPDATE orders SET v = v + 1, g = (g + 1) % 5, w = -w WHERE id % 3 = 0
DELETE FROM orders WHERE id % 5 = 0
UPDATE kinds SET name = 'other' WHERE g < 2
DO $$ BEGIN FOR n IN 1..5 LOOP BEGIN UPDATE orders SET v = v + n WHERE id = n; PERFORM * FROM plain; IF n % 2 = 0 THEN PERFORM 1 / 0; END IF; EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$
SELECT sum(imat.verify(imat)) AS differing FROM imat.registered
BEGIN
DELETE FROM orders WHERE h = 'a'
SELECT count(*) FROM state
ROLLBACK
SELECT sum(imat.verify(imat)) AS differing FROM imat.registered
TRUNCATE orders
INSERT INTO orders SELECT i, i % 4, 'q', i, 'NaN', 'NaN', 'infinity', '1 h', true FROM generate_series(1, 30) i
DELETE FROM orders WHERE id > 10
SELECT sum(imat.verify(imat)) AS differing FROM imat.registered
SELECT imat.refresh('state')
SELECT imat.alter('plain', strategy => 'swap')
SELECT e FROM imat.registered, imat.explain(imat) e
SELECT count(*) FROM imat.status
SELECT imat.drop('keyed')
SELECT imat.drop('converted', keep => 'materialized view')
INSERT INTO orders SELECT i, i % 4, 'q', i, i, i, '2024-02-02', '1 h', true FROM generate_series(500, 530) i
SELECT sum(imat.verify(imat)) AS differing FROM imat.registered
DROP TABLE orders CASCADE
