--
-- MERGE, which PostgreSQL has since version 15
--
SELECT current_setting('server_version_num')::int < 150000 AS no_merge \gset
\if :no_merge
\quit
\endif
CREATE SCHEMA merg; SET search_path = merg, public;
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, v int);
INSERT INTO src SELECT i, i % 4, i FROM generate_series(1, 12) i;
CREATE TABLE news (id int, k int, v int);
INSERT INTO news VALUES (1, 9, 100), (2, 2, NULL), (3, 0, 3), (20, 1, 20), (21, 21, 21), (22, 0, NULL);
SELECT imat.create('d', 'SELECT k, sum(v) AS s, count(v) AS c, count(*) AS n FROM src GROUP BY k');
SELECT imat.create('keyed', 'SELECT k, array_agg(v ORDER BY id) AS a FROM src GROUP BY k');
SELECT imat.create('w', 'SELECT k, array_agg(v ORDER BY id) AS a FROM src GROUP BY k', strategy => 'swap');
MERGE INTO src USING news ON src.id = news.id
    WHEN MATCHED AND news.v IS NULL THEN DELETE
    WHEN MATCHED AND news.k = 0 THEN DO NOTHING
    WHEN MATCHED THEN UPDATE SET k = news.k, v = news.v
    WHEN NOT MATCHED AND news.v IS NULL THEN DO NOTHING
    WHEN NOT MATCHED THEN INSERT VALUES (news.id, news.k, news.v);
SELECT * FROM oracle.all_same('merg');
SELECT * FROM d ORDER BY k;
BEGIN;
MERGE INTO src USING (SELECT generate_series(5, 30)) n (id) ON src.id = n.id
    WHEN MATCHED THEN UPDATE SET k = k + 1
    WHEN NOT MATCHED THEN INSERT VALUES (n.id, n.id % 4, 1);
SELECT * FROM oracle.all_same('merg');
SAVEPOINT s;
MERGE INTO src USING news ON true WHEN MATCHED AND src.k = 2 AND news.id = 1 THEN DELETE WHEN NOT MATCHED THEN DO NOTHING;
SELECT * FROM oracle.all_same('merg');
ROLLBACK TO s;
MERGE INTO src USING news ON false WHEN NOT MATCHED THEN INSERT VALUES (news.id + 100, 5, 5);
COMMIT;
SELECT * FROM oracle.all_same('merg');
MERGE INTO src USING news ON src.id = news.id WHEN MATCHED THEN DO NOTHING;
SELECT * FROM oracle.all_same('merg');
SELECT oracle.sqlstate('MERGE INTO d USING news ON d.k = news.k WHEN MATCHED THEN DELETE');
SELECT oracle.sqlstate('MERGE INTO d USING news ON d.k = news.k WHEN MATCHED THEN UPDATE SET s = 0');
SELECT oracle.sqlstate('MERGE INTO d USING news ON false WHEN NOT MATCHED THEN INSERT VALUES (0, 0, 0, 0)');
SELECT * FROM oracle.all_same('merg');
SET client_min_messages = warning;
DROP SCHEMA merg CASCADE;
