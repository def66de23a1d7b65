--
-- MERGE with all its actions, each in a transaction of its own, and all in one
--
SELECT current_setting('server_version_num')::int < 150000 AS no_merge \gset
\if :no_merge
\quit
\endif
SELECT oracle.write('setup', $script$
CREATE SCHEMA ways
SET search_path = ways, public
CREATE FUNCTION since(version int, command text, before text) RETURNS void LANGUAGE plpgsql AS $f$
    BEGIN
        EXECUTE CASE WHEN current_setting('server_version_num')::int >= version * 10000 THEN command ELSE before END;
    END $f$
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, v int)
CREATE TABLE parted (id int, k int, v int) PARTITION BY RANGE (id)
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10)
CREATE TABLE parted_2 (v int, id int, k int) PARTITION BY RANGE (id)
CREATE TABLE parted_2_1 PARTITION OF parted_2 FOR VALUES FROM (10) TO (50)
CREATE TABLE parted_2_2 PARTITION OF parted_2 FOR VALUES FROM (50) TO (100)
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (10) TO (100)
CREATE TABLE news (id int, k int, v int)
CREATE TABLE base (id int, k int, v int)
CREATE TABLE base_child () INHERITS (base)
INSERT INTO base SELECT i, i % 3, i FROM generate_series(1, 4) i
INSERT INTO base_child SELECT i, i % 3, i FROM generate_series(5, 9) i
INSERT INTO src SELECT i, i % 4, i FROM generate_series(1, 12) i
INSERT INTO parted SELECT i, i % 4, i FROM generate_series(1, 20) i
INSERT INTO news VALUES (1, 9, 100), (2, 2, NULL), (3, 0, 3), (20, 1, 20), (21, 21, 21), (22, 0, NULL)
SELECT imat.create('kept_sizes', 'SELECT n, count(*) AS c, sum(s) AS s FROM (SELECT k AS k, count(*) AS n, sum(v) AS s FROM parted GROUP BY k) q GROUP BY n')
SELECT imat.create('sums', 'SELECT k, sum(v) AS s, count(v) AS c, count(*) AS n FROM src GROUP BY k')
SELECT imat.create('lists', 'SELECT k, array_agg(v ORDER BY id) AS a FROM src GROUP BY k')
SELECT imat.create('ranks', 'SELECT id, rank() OVER (ORDER BY v, id) AS r FROM src')
SELECT imat.create('joined', 'SELECT n.k, count(*) AS n, sum(s.v) AS s FROM src s JOIN news n ON n.id = s.id GROUP BY n.k')
SELECT imat.create('parts', 'SELECT k, sum(v) AS s, max(v) AS m, count(*) AS n FROM parted GROUP BY k')
SELECT imat.create('of_part', 'SELECT k, sum(v) AS s, count(*) AS n FROM parted_2 GROUP BY k')
SELECT imat.create('part_rows', 'SELECT id, k, v FROM parted')
SELECT imat.create('parts_joined', 'SELECT n.k, sum(p.v) AS s FROM parted p JOIN news n ON n.k = p.k GROUP BY n.k')
SELECT imat.create('of_base', 'SELECT k, sum(v) AS s, count(*) AS n FROM base GROUP BY k')
SELECT imat.create('news_', 'SELECT k, count(*) AS n FROM news GROUP BY k')
$script$);
SELECT oracle.write('steps', $script$
MERGE INTO src USING news ON src.id = news.id WHEN MATCHED AND news.v IS NULL THEN DELETE WHEN MATCHED AND news.k = 0 THEN DO NOTHING WHEN MATCHED THEN UPDATE SET k = news.k, v = news.v
    WHEN NOT MATCHED AND news.v IS NULL THEN DO NOTHING WHEN NOT MATCHED THEN INSERT VALUES (news.id, news.k, news.v)
MERGE INTO src USING (SELECT generate_series(5, 30)) n (id) ON src.id = n.id WHEN MATCHED THEN UPDATE SET k = k + 1 WHEN NOT MATCHED THEN INSERT VALUES (n.id, n.id % 4, 1)
MERGE INTO src USING news ON true WHEN MATCHED AND src.k = 2 AND news.id = 1 THEN DELETE WHEN NOT MATCHED THEN DO NOTHING
MERGE INTO src USING news ON false WHEN NOT MATCHED THEN INSERT VALUES (news.id + 100, 5, 5)
MERGE INTO src USING news ON src.id = news.id WHEN MATCHED THEN DO NOTHING
!MERGE INTO src USING (SELECT id FROM news UNION ALL SELECT id FROM news) n ON src.id = n.id WHEN MATCHED THEN UPDATE SET v = 0
!MERGE INTO src USING news ON src.id = news.id WHEN NOT MATCHED THEN INSERT VALUES (news.id, 1 / (news.id - 22), 1) WHEN MATCHED THEN DELETE
MERGE INTO parted USING news ON parted.id = news.id WHEN MATCHED AND news.v IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET id = parted.id + 50, v = 0 WHEN NOT MATCHED THEN INSERT VALUES (news.id, news.k, news.v)
-- rows that it moves: with actions of the other kinds beside it, some, and none; through a partition that has partitions
MERGE INTO parted USING (VALUES (4), (12), (99)) n (id) ON parted.id = n.id WHEN MATCHED THEN UPDATE SET id = 21 - parted.id
MERGE INTO parted USING (VALUES (5), (13), (14)) n (id) ON parted.id = n.id WHEN MATCHED AND n.id = 14 THEN DELETE WHEN MATCHED THEN UPDATE SET id = 21 - parted.id, v = v + 1
MERGE INTO parted USING (VALUES (6), (15), (98)) n (id) ON parted.id = n.id WHEN NOT MATCHED THEN INSERT VALUES (n.id, 1, n.id) WHEN MATCHED THEN UPDATE SET id = 21 - parted.id, k = 7
WITH x AS (DELETE FROM parted WHERE id = 11 RETURNING *), y AS (UPDATE parted SET v = 0 WHERE id IN (2, 16) RETURNING *) MERGE INTO parted USING (VALUES (7), (17)) n (id) ON parted.id = n.id WHEN MATCHED THEN UPDATE SET id = 21 - parted.id
WITH x AS (INSERT INTO parted VALUES (3, 3, 3) RETURNING *) MERGE INTO parted USING (VALUES (8), (18)) n (id) ON parted.id = n.id WHEN MATCHED THEN UPDATE SET id = 28 - parted.id
MERGE INTO parted_2 USING (VALUES (10), (20), (50)) n (id) ON parted_2.id = n.id WHEN MATCHED THEN UPDATE SET id = 80 - parted_2.id, k = 3
DO $f$ BEGIN MERGE INTO ways.parted USING (VALUES (1), (19)) n (id) ON parted.id = n.id WHEN MATCHED THEN UPDATE SET id = 21 - parted.id; END $f$
SET LOCAL session_replication_role = replica; MERGE INTO parted USING (VALUES (9), (10), (97)) n (id) ON parted.id = n.id WHEN MATCHED THEN UPDATE SET id = 29 - parted.id WHEN NOT MATCHED THEN INSERT VALUES (n.id, 3, 3); SET LOCAL session_replication_role = origin
MERGE INTO parted USING src ON parted.id = src.id AND src.id < 12 WHEN MATCHED AND parted.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET id = 21 - parted.id, k = src.k
MERGE INTO base USING src ON base.id = src.id WHEN MATCHED AND src.id = 2 THEN DELETE WHEN MATCHED THEN UPDATE SET v = 7, k = src.k WHEN NOT MATCHED THEN INSERT VALUES (src.id, src.k, src.v)
MERGE INTO news USING src ON news.id = src.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED AND src.k = 1 THEN INSERT VALUES (src.id, src.k, src.v)
MERGE INTO src USING news ON src.id = news.id WHEN MATCHED THEN UPDATE SET v = src.v * 2; MERGE INTO news USING src ON news.id = src.id WHEN MATCHED THEN UPDATE SET k = src.k + 1
-- rows that have no source (since PostgreSQL 17; before, what comes to the same), also such as it moves
DELETE FROM news a USING news b WHERE a.id = b.id AND a.ctid > b.ctid; SELECT since(17, 'MERGE INTO src USING news ON src.id = news.id WHEN NOT MATCHED BY SOURCE AND src.id % 2 = 0 THEN DELETE
        WHEN NOT MATCHED BY SOURCE THEN UPDATE SET v = src.v + 1 WHEN MATCHED THEN UPDATE SET k = 1 WHEN NOT MATCHED BY TARGET THEN INSERT VALUES (news.id, 7, 7)',
    'WITH d AS (DELETE FROM src WHERE id % 2 = 0 AND id NOT IN (SELECT id FROM news)), i AS (INSERT INTO src SELECT id, 7, 7 FROM news WHERE id NOT IN (SELECT id FROM src))
        UPDATE src SET v = CASE WHEN id IN (SELECT id FROM news) THEN v ELSE v + 1 END, k = CASE WHEN id IN (SELECT id FROM news) THEN 1 ELSE k END WHERE id % 2 <> 0 OR id IN (SELECT id FROM news)')
INSERT INTO parted VALUES (2, 2, 2), (52, 2, 2); SELECT since(17, 'MERGE INTO parted USING news ON parted.id = news.id WHEN NOT MATCHED BY SOURCE AND parted.id < 5 THEN UPDATE SET id = parted.id + 20 WHEN NOT MATCHED BY SOURCE AND parted.id > 50 THEN DELETE',
    'WITH d AS (DELETE FROM parted WHERE id > 50 AND id NOT IN (SELECT id FROM news)) UPDATE parted SET id = id + 20 WHERE id < 5 AND id NOT IN (SELECT id FROM news)')
SELECT since(17, 'WITH m AS (MERGE INTO parted USING news ON parted.id = news.id WHEN MATCHED THEN UPDATE SET v = 1 WHEN NOT MATCHED BY SOURCE AND parted.id < 25 THEN DELETE RETURNING merge_action(), parted.id) INSERT INTO news SELECT id, 5, 5 FROM m WHERE merge_action = ''DELETE''',
    'WITH u AS (UPDATE parted SET v = 1 WHERE id IN (SELECT id FROM news)), m AS (DELETE FROM parted WHERE id < 25 AND id NOT IN (SELECT id FROM news) RETURNING id) INSERT INTO news SELECT id, 5, 5 FROM m')
!MERGE INTO sums USING news ON sums.k = news.k WHEN MATCHED THEN DELETE
$script$);
SELECT oracle.write('end', $script$
DROP SCHEMA ways CASCADE
$script$);
\i test/regress/both_ways.psql

-- a session whose first statement it is
CREATE SCHEMA ways; SET search_path = ways, public;
CREATE TABLE parted (id int, k int) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20);
INSERT INTO parted SELECT i, i % 3 FROM generate_series(1, 9) i;
SELECT imat.create('parts', 'SELECT id / 10 AS part, count(*) AS n, sum(k) AS s FROM parted GROUP BY id / 10');
SELECT oracle.same('parts');
\c -
MERGE INTO ways.parted USING (VALUES (1), (2)) n (id) ON parted.id = n.id WHEN MATCHED THEN UPDATE SET id = parted.id + 10;
SELECT oracle.same('ways.parts');
\c -
DO $$ BEGIN MERGE INTO ways.parted USING (VALUES (3), (4)) n (id) ON parted.id = n.id WHEN MATCHED THEN UPDATE SET id = parted.id + 10; END $$;
SELECT oracle.same('ways.parts');
TABLE ways.parts ORDER BY part;
-- triggers of others fire as they always do
CREATE FUNCTION ways.tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', TG_OP; RETURN NULL; END';
CREATE TRIGGER tell_insert AFTER INSERT ON ways.parted EXECUTE FUNCTION ways.tell();
CREATE TRIGGER tell_update AFTER UPDATE ON ways.parted EXECUTE FUNCTION ways.tell();
CREATE TRIGGER tell_delete AFTER DELETE ON ways.parted EXECUTE FUNCTION ways.tell();
MERGE INTO ways.parted USING (VALUES (5), (6)) n (id) ON parted.id = n.id WHEN MATCHED THEN UPDATE SET id = parted.id + 10;
WITH x AS (DELETE FROM ways.parted WHERE id = 15 RETURNING *) MERGE INTO ways.parted USING (VALUES (7)) n (id) ON parted.id = n.id WHEN MATCHED THEN UPDATE SET id = parted.id + 10;
SELECT oracle.same('ways.parts');
SET client_min_messages = warning;
DROP SCHEMA ways CASCADE;
