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
-- rows that it moves between partitions: in a CTE, by rows that have no source, by the name of a view
CREATE TABLE parted (id int, k int, v int) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (100);
CREATE VIEW parted_view AS SELECT * FROM parted WHERE k < 5;
INSERT INTO parted SELECT i, i % 4, i FROM generate_series(1, 20) i;
SELECT imat.create('parts', 'SELECT k, sum(v) AS s, max(v) AS m, count(*) AS n FROM parted GROUP BY k');
SELECT imat.create('part_rows', 'SELECT id, k, v FROM parted');
WITH moved AS (MERGE INTO parted USING (VALUES (1), (12), (50)) n (id) ON n.id = parted.id
    WHEN MATCHED THEN UPDATE SET id = 21 - parted.id, v = 0
    WHEN NOT MATCHED BY SOURCE AND parted.id = 5 THEN UPDATE SET id = 55, k = 7 RETURNING merge_action(), parted.id)
INSERT INTO src (id, k, v) SELECT id + 200, 1, 1 FROM moved;
SELECT * FROM oracle.all_same('seventeen');
BEGIN;
MERGE INTO parted_view USING (VALUES (2), (13)) n (id) ON n.id = parted_view.id WHEN MATCHED THEN UPDATE SET id = 21 - parted_view.id, v = 1;
SELECT * FROM oracle.all_same('seventeen');
WITH moved AS (MERGE INTO parted USING (VALUES (3), (14)) n (id) ON n.id = parted.id WHEN MATCHED THEN UPDATE SET id = 21 - parted.id RETURNING parted.id),
     gone AS (DELETE FROM parted WHERE id IN (4, 15) RETURNING id)
SELECT (SELECT count(*) FROM moved), (SELECT count(*) FROM gone);
SELECT * FROM oracle.all_same('seventeen');
ROLLBACK;
SELECT * FROM oracle.all_same('seventeen');
TABLE parts ORDER BY k;
SET client_min_messages = warning;
DROP SCHEMA seventeen CASCADE;
