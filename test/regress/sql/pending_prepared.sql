--
-- Two-phase commit: what is pending is applied at PREPARE TRANSACTION, and is there, or not, with the rest.
--
SELECT current_setting('max_prepared_transactions')::int = 0 AS none \gset
\if :none
\quit
\endif
CREATE SCHEMA prep; SET search_path = prep, public;
CREATE TABLE src (id serial PRIMARY KEY, k int NOT NULL, v float8 NOT NULL);
INSERT INTO src (k, v) SELECT i % 3, i FROM generate_series(1, 9) i;
SELECT imat.create('d', 'SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k');
SELECT imat.create('keyed', 'SELECT k, min(v) AS m FROM src GROUP BY k', strategy => 'keyed');
SELECT imat.create('w', 'SELECT k, min(v) AS m FROM src GROUP BY k', strategy => 'swap');
BEGIN;
INSERT INTO src (k, v) VALUES (1, 1), (7, 1);
PREPARE TRANSACTION 'imat_1';
SELECT imat, split_part(verdict, ',', 1) AS verdict FROM oracle.all_same('prep');
SELECT count(*) FROM d WHERE k = 7;
SELECT count(*) FROM src WHERE k = 7;
COMMIT PREPARED 'imat_1';
SELECT * FROM oracle.all_same('prep');
SELECT * FROM d WHERE k = 7;
BEGIN;
INSERT INTO src (k, v) VALUES (1, 1), (8, 1);
SELECT count(*) FROM d WHERE k = 8;
SAVEPOINT a;
DELETE FROM src;
ROLLBACK TO a;
INSERT INTO src (k, v) VALUES (8, 1);
PREPARE TRANSACTION 'imat_2';
SELECT imat, split_part(verdict, ',', 1) AS verdict FROM oracle.all_same('prep');
ROLLBACK PREPARED 'imat_2';
SELECT * FROM oracle.all_same('prep');
SELECT count(*) FROM d WHERE k = 8;
-- a failing prepare
ALTER TABLE d ADD CONSTRAINT no_nine CHECK (k <> 9);
\set VERBOSITY terse
BEGIN;
INSERT INTO src (k, v) VALUES (9, 1);
PREPARE TRANSACTION 'imat_3';
\set VERBOSITY default
SELECT gid FROM pg_prepared_xacts WHERE gid LIKE 'imat%';
INSERT INTO src (k, v) VALUES (10, 1);
SELECT * FROM oracle.all_same('prep');
SET client_min_messages = warning;
DROP SCHEMA prep CASCADE;
