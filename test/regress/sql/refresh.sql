--
-- imat.refresh and imat.verify: what went wrong behind pg_imat's back is found, and put right.
--
CREATE SCHEMA refr; SET search_path = refr, public;
CREATE TABLE src (id int PRIMARY KEY, k int, v float8 NOT NULL);
INSERT INTO src SELECT i, nullif(i % 5, 0), i / 8.0 FROM generate_series(1, 50) i;
SELECT imat.create('by_delta', 'SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k');
SELECT imat.create('by_swap', 'SELECT k, max(v) AS m FROM src GROUP BY k', strategy => 'swap');
CREATE INDEX by_delta_s ON by_delta (s);
CREATE INDEX by_swap_m ON by_swap (m);
SELECT imat.verify('by_delta'), imat.verify('by_swap');
-- a change that nobody noticed: rows that differ are counted on both sides
SELECT oracle.unseen('src', 'DELETE FROM src WHERE k = 1');            -- 1 group too many
SELECT oracle.unseen('src', 'INSERT INTO src VALUES (101, 77, 5)');    -- 1 group too few
SELECT oracle.unseen('src', 'UPDATE src SET v = v + 1 WHERE k = 2');   -- 1 group differs
SELECT imat.verify('by_delta'), imat.verify('by_swap');
SELECT imat.refresh('by_delta');
SELECT imat.verify('by_delta'), imat.verify('by_swap');
SELECT oracle.same('by_delta');
SELECT imat.refresh('by_swap');
SELECT oracle.same('by_swap');
-- and deltas go on from there: the hidden state was rebuilt, too
DELETE FROM src WHERE k = 2 AND id < 30;
INSERT INTO src VALUES (102, 77, 0.75), (103, NULL, 0.125);
SELECT * FROM oracle.all_same('refr');
-- nothing to do is done as well; in a transaction; after changes of its own
BEGIN;
INSERT INTO src VALUES (104, 3, 0.375);
SELECT imat.refresh('by_delta');
SELECT * FROM oracle.all_same('refr');
INSERT INTO src VALUES (105, 3, 0.375);
SELECT imat.refresh('by_delta'), imat.refresh('by_swap');
COMMIT;
SELECT * FROM oracle.all_same('refr');
BEGIN;
DELETE FROM src;
SELECT imat.refresh('by_delta');
SAVEPOINT s;
INSERT INTO src VALUES (1, 1, 1);
SELECT imat.refresh('by_swap');
ROLLBACK TO s;
SELECT * FROM oracle.all_same('refr');
ROLLBACK;
SELECT * FROM oracle.all_same('refr');
-- a large change takes the exchange of heaps: OID, indexes, privileges stay
GRANT SELECT ON by_delta TO PUBLIC;
SELECT 'by_delta'::regclass::oid AS oid_before, pg_relation_filenode('by_delta') AS node_before, exchanges AS exchanges_before
  FROM imat.status WHERE imat = 'by_delta'::regclass \gset
SELECT oracle.unseen('src', 'INSERT INTO src SELECT i, i, 0.125 FROM generate_series(1001, 31000) i');
SELECT imat.verify('by_delta');
SELECT imat.refresh('by_delta');
SELECT oracle.same('by_delta');
SELECT 'by_delta'::regclass::oid = :oid_before AS same_oid, pg_relation_filenode('by_delta') <> :node_before AS new_heap,
       exchanges = :exchanges_before + 1 AS exchanged, has_table_privilege('pg_monitor', 'by_delta', 'SELECT') AS granted
  FROM imat.status WHERE imat = 'by_delta'::regclass;
SET enable_seqscan = off; SET enable_bitmapscan = off;
SELECT count(*) FROM by_delta WHERE k BETWEEN 20000 AND 20009;
SELECT count(*) FROM by_delta WHERE s = 0.125 AND k > 30990;
RESET enable_seqscan; RESET enable_bitmapscan;
UPDATE src SET v = 0.25 WHERE id = 20000;
DELETE FROM src WHERE id = 20001;
SELECT oracle.same('by_delta');
-- a cursor over it in the same session: not exchanged under its feet, or refused; never wrong
BEGIN;
DECLARE c CURSOR FOR SELECT count(*) FROM by_delta;
SELECT imat.refresh('by_delta');
FETCH ALL FROM c;
COMMIT;
SELECT oracle.same('by_delta');
SELECT oracle.error('SELECT imat.refresh(''src'')');
SELECT oracle.error('SELECT imat.refresh(NULL)');
SELECT oracle.error('SELECT imat.verify(''src'')');
SELECT oracle.error('SELECT imat.verify(1::regclass)');
SELECT imat.verify(NULL) IS NULL AS strict;
SET client_min_messages = warning;
DROP SCHEMA refr CASCADE;
