-- imat.status: what is counted, and for how many tables.
CREATE TABLE src (k int NOT NULL, v int);
INSERT INTO src SELECT i % 5, i FROM generate_series(1, 100) i;
SELECT count(imat.create(format('sums_%s', i), 'SELECT k, sum(v) AS s FROM src GROUP BY k')) FROM generate_series(1, 150) i;
INSERT INTO src VALUES (1, 1), (2, 2);
SELECT count(*) AS tables, sum(deltas_applied) AS deltas, sum(rows_written) AS rows_written, sum(errors) AS errors
  FROM imat.status WHERE imat::text LIKE 'sums_%';

-- the last error, for the owner's eyes
SELECT imat.create('sums', 'SELECT k, sum(v) AS s, sum(v)::int AS narrow FROM src GROUP BY k');
INSERT INTO src VALUES (1, 2147483647);
SELECT errors, last_error_sqlstate, last_error, last_error_at IS NOT NULL AS at FROM imat.status WHERE imat = 'sums'::regclass;
CREATE ROLE regress_imat_other;
SET ROLE regress_imat_other;
SELECT errors, last_error_sqlstate, last_error FROM imat.status WHERE imat = 'sums'::regclass;
RESET ROLE;
DROP ROLE regress_imat_other;

-- it is forgotten with the table
SELECT imat.drop('sums');
SELECT imat.create('sums', 'SELECT k, sum(v) AS s FROM src GROUP BY k');
SELECT errors, deltas_applied, last_error FROM imat.status WHERE imat = 'sums'::regclass;
SET client_min_messages = warning;
DROP TABLE src CASCADE;
