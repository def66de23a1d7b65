--
-- How a query is maintained, and why: imat.explain_query before, imat.explain after; imat.advise of all materialized views; imat.status.
--
CREATE SCHEMA expl; SET search_path = expl, public;
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, n text, v float8, i int, at timestamptz NOT NULL, num numeric);
CREATE TABLE other (id int PRIMARY KEY, title text);
CREATE VIEW view_of_src AS SELECT k AS key, i + 1 AS next, id FROM src WHERE i > 0;
\t on
SELECT imat.explain_query('SELECT k, count(*) AS c, sum(i) AS s, count(i) AS ci FROM src GROUP BY k');
SELECT imat.explain_query('SELECT k, n, avg(v) AS a, sum(num) AS s, count(DISTINCT i) FILTER (WHERE i > 0) AS d FROM src GROUP BY k, n');
SELECT imat.explain_query('SELECT n AS name, avg(v) AS a, sum(num) AS s, count(*) FILTER (WHERE i > 5) AS f FROM src WHERE k > 3 GROUP BY n, k HAVING count(*) > 1');
SELECT imat.explain_query('SELECT date_trunc(''hour'', at) AS h, count(*) FROM src GROUP BY 1');
SELECT imat.explain_query('SELECT count(*), sum(i) FROM src');
SELECT imat.explain_query('SELECT DISTINCT k, n FROM src');
SELECT imat.explain_query('SELECT key, sum(next) FROM view_of_src GROUP BY key');
SELECT imat.explain_query('SELECT k, max(v) FROM src GROUP BY k');
SELECT imat.explain_query('SELECT title, count(*) FROM src JOIN other ON other.id = k GROUP BY title');
SELECT imat.explain_query('SELECT a.k, count(*) FROM src a JOIN src b ON a.k = b.id GROUP BY a.k');
SELECT imat.explain_query('SELECT 1 AS one');
-- one reason for each thing that delta can't take
SELECT q, (SELECT e FROM imat.explain_query(q) e LIMIT 1) FROM (VALUES
    ('SELECT k FROM src'), ('SELECT k, rank() OVER (ORDER BY k) FROM src'), ('SELECT k, count(*) FROM src GROUP BY k LIMIT 3'), ('SELECT DISTINCT ON (k) k, v FROM src ORDER BY k, v'),
    ('SELECT k FROM src UNION SELECT id FROM other'), ('SELECT k, count(*) FROM src GROUP BY ROLLUP (k)'), ('SELECT k, count(*) FROM src WHERE EXISTS (SELECT FROM other WHERE id = k) GROUP BY k'),
    ('SELECT k, string_agg(n, '','') FROM src GROUP BY k'), ('SELECT k, percentile_disc(0.5) WITHIN GROUP (ORDER BY i) FROM src GROUP BY k'), ('SELECT k, sum(DISTINCT i) FROM src GROUP BY k'),
    ('SELECT id, n FROM src GROUP BY id'), ('WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r WHERE x < 3) SELECT * FROM r'),
    ('SELECT k, generate_series(1, k), count(*) FROM src GROUP BY k'), ('SELECT num::text, count(*) FROM src GROUP BY num'), ('SELECT count(*) FROM (SELECT k FROM src GROUP BY k) x'),
    ('SELECT max(v) FROM src'), ('SELECT count(*) FROM src LEFT JOIN other ON true'), ('SELECT id::text::xid, count(*) FROM src GROUP BY 1')) v (q);
\t off
-- after creating it says the same; and what was asked for
SELECT imat.create('d', 'SELECT k, count(*) AS c, avg(v) AS a FROM src GROUP BY k');
SELECT imat.create('w', 'SELECT k, count(*) AS c, mode() WITHIN GROUP (ORDER BY v) AS a FROM src GROUP BY k');
SELECT imat.create('whole', 'SELECT DISTINCT k, max(v) OVER () AS a FROM src');
SELECT imat.create('asked', 'SELECT k, count(*) AS c FROM src GROUP BY k', strategy => 'swap');
\t on
SELECT imat.explain('d');
SELECT array_agg(e) = (SELECT array_agg(e) FROM imat.explain_query('SELECT k, count(*) AS c, avg(v) AS a FROM src GROUP BY k') e) AS as_before FROM imat.explain('d') e;
SELECT imat.explain('w');
SELECT imat.explain('whole');
SELECT imat.explain('asked');
\t off
-- nothing was created by explaining
SELECT mv_name FROM imat.imat_config WHERE agg_schema_name = 'expl' ORDER BY 1;

-- status: what was done, by which strategy, since when
INSERT INTO src VALUES (1, 1, 'a', 1, 1, '2025-01-01', 1), (2, 2, 'a', 1, 1, '2025-01-01', 1);
INSERT INTO src VALUES (3, 2, 'a', 1, 1, '2025-01-01', 1);
ANALYZE d;
SELECT imat, maintenance, strategy, strategy_reason, CASE WHEN imat = 'd'::regclass THEN rows END AS rows, lag, deltas_applied, rows_written, swaps, merges, exchanges, time_spent > '0' AS took_time,
       last_maintained > now() - interval '1 hour' AS lately, state, state_size > 0 AS has_size, errors, last_error
  FROM imat.status WHERE imat IN ('d'::regclass, 'w'::regclass, 'whole'::regclass, 'asked'::regclass) ORDER BY 1;
ALTER TABLE d ADD CONSTRAINT small CHECK (c < 3);
\set VERBOSITY terse
INSERT INTO src VALUES (4, 2, 'a', 1, 1, '2025-01-01', 1);
\set VERBOSITY default
SELECT errors, last_error_sqlstate, last_error, last_error_at > now() - interval '1 hour' AS lately FROM imat.status WHERE imat = 'd'::regclass;
CREATE ROLE imat_expl_other;
SELECT 'd'::regclass::oid AS d \gset
SET ROLE imat_expl_other;
SELECT errors, last_error_sqlstate, last_error FROM imat.status WHERE imat = :d;   -- the message is not for others
SELECT count(*) FROM imat.imat_config WHERE agg_schema_name = 'expl';
RESET ROLE;
DROP ROLE imat_expl_other;

-- advise: every materialized view, also those that can't be converted
CREATE MATERIALIZED VIEW m_good AS SELECT k, count(*) AS c, sum(i) AS s, count(i) AS ci FROM src GROUP BY k;
CREATE MATERIALIZED VIEW m_state AS SELECT k, sum(i) AS s FROM src GROUP BY k;
CREATE MATERIALIZED VIEW m_keyed AS SELECT k, mode() WITHIN GROUP (ORDER BY v) AS m FROM src GROUP BY k;
CREATE MATERIALIZED VIEW m_swap AS SELECT DISTINCT k, min(v) OVER () AS m FROM src;
CREATE MATERIALIZED VIEW m_never AS SELECT now() AS t, count(*) FROM src;
CREATE MATERIALIZED VIEW "M Quoted" AS SELECT count(*) FROM m_good;
SELECT * FROM imat.advise() WHERE view::text ~ 'm_|M ' ORDER BY view::text COLLATE "C";
-- and the advice is good
SELECT imat.create('advised', 'SELECT k, sum(i) AS s, count(*) AS c, count(i) AS ci FROM src GROUP BY k');
SELECT oracle.strategy('advised');
SELECT create_imat('m_good'), create_imat('m_state'), create_imat('m_keyed'), create_imat('m_swap');
SELECT view, convertible, strategy FROM imat.advise() WHERE view::text ~ 'm_|M ' ORDER BY view::text COLLATE "C";
INSERT INTO src VALUES (9, 3, 'a', 1, 1, '2025-01-01', 1);
SELECT * FROM oracle.all_same('expl');
SET client_min_messages = warning;
DROP SCHEMA expl CASCADE;
