--
-- ALTER COLUMN ... SET EXPRESSION, and MERGE ... WHEN NOT MATCHED BY SOURCE, which PostgreSQL has since version 17
--
SELECT current_setting('server_version_num')::int < 170000 AS too_old \gset
\if :too_old
\quit
\endif
CREATE SCHEMA seventeen; SET search_path = seventeen, public;
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, v int, twice int GENERATED ALWAYS AS (v * 2) STORED);
INSERT INTO src SELECT i, i % 3, i FROM generate_series(1, 20) i;
SELECT imat.create('d', 'SELECT k, sum(twice) AS s, count(*) AS n FROM src GROUP BY k');
SELECT imat.create('keyed', 'SELECT k, string_agg(twice::text, '','' ORDER BY id) AS all FROM src GROUP BY k');
SELECT imat.create('w', 'SELECT id, rank() OVER (ORDER BY twice, id) AS r FROM src');
SELECT imat.create('rows_', 'SELECT id, twice FROM src');
ALTER TABLE src ALTER COLUMN twice SET EXPRESSION AS (v * -2);
SELECT * FROM oracle.all_same('seventeen');
SELECT * FROM d ORDER BY k;
UPDATE src SET v = v + 1 WHERE k = 1;
SELECT * FROM oracle.all_same('seventeen');
BEGIN;
INSERT INTO src VALUES (100, 7, 7);
ALTER TABLE src ALTER COLUMN twice SET EXPRESSION AS (v * 3);
INSERT INTO src VALUES (101, 7, 7);
SELECT s, n FROM d WHERE k = 7;
COMMIT;
SELECT * FROM oracle.all_same('seventeen');
MERGE INTO src USING (SELECT i, i % 4 AS k, i * 10 AS v FROM generate_series(15, 25) i) new ON new.i = src.id
    WHEN MATCHED AND src.k = 0 THEN DO NOTHING
    WHEN MATCHED THEN UPDATE SET v = new.v
    WHEN NOT MATCHED BY TARGET THEN INSERT (id, k, v) VALUES (new.i, new.k, new.v)
    WHEN NOT MATCHED BY SOURCE AND src.id < 5 THEN DELETE
    WHEN NOT MATCHED BY SOURCE THEN UPDATE SET k = 9;
SELECT * FROM oracle.all_same('seventeen');
SELECT * FROM d ORDER BY k;
SET client_min_messages = warning;
DROP SCHEMA seventeen CASCADE;
