--
-- DETACH PARTITION ... CONCURRENTLY, and CREATE OR REPLACE TRIGGER, which PostgreSQL has since version 14
--
SELECT current_setting('server_version_num')::int < 140000 AS too_old \gset
\if :too_old
\quit
\endif
CREATE SCHEMA part; SET search_path = part, public;
CREATE TABLE root (id int, k int) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF root FOR VALUES FROM (0) TO (100);
CREATE TABLE high PARTITION OF root FOR VALUES FROM (100) TO (200);
INSERT INTO root SELECT i, i % 3 FROM generate_series(0, 199) i;
SELECT imat.create('d', 'SELECT k, count(*) AS n FROM root GROUP BY k');
SELECT imat.create('of_high', 'SELECT k, count(*) AS n FROM high GROUP BY k');
ALTER TABLE root DETACH PARTITION high CONCURRENTLY;
SELECT * FROM oracle.all_same('part');
INSERT INTO high VALUES (150, 7); INSERT INTO root VALUES (50, 7);
SELECT * FROM oracle.all_same('part');
SELECT * FROM d WHERE k = 7;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
SELECT oracle.error('CREATE OR REPLACE TRIGGER imat_capture_insert AFTER INSERT ON low REFERENCING NEW TABLE AS imat_new EXECUTE FUNCTION nothing()');
INSERT INTO low VALUES (51, 7);
SELECT * FROM oracle.all_same('part');
SET client_min_messages = warning;
DROP SCHEMA part CASCADE;
