--
-- MERGE and its kin with RETURNING, virtual generated columns, keys WITHOUT OVERLAPS, NOT NULL NOT VALID: since versions 17 and 18
--
SELECT current_setting('server_version_num')::int < 180000 AS too_old \gset
\if :too_old
\quit
\endif
CREATE SCHEMA eighteen; SET search_path = eighteen, public;
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$
    SELECT * FROM oracle.all_same('eighteen') s WHERE s.verdict NOT LIKE 'same%' $$;
CREATE TABLE src (id int PRIMARY KEY, k int, v int, twice int GENERATED ALWAYS AS (v * 2) VIRTUAL, kept int GENERATED ALWAYS AS (v + 1) STORED);
INSERT INTO src SELECT i, i % 3, i FROM generate_series(1, 20) i;
CREATE TABLE dim (k int PRIMARY KEY, twice text GENERATED ALWAYS AS ('k' || k) VIRTUAL);
INSERT INTO dim SELECT generate_series(0, 5);
SELECT imat.create('d', 'SELECT k, sum(twice) AS s, sum(kept) AS t, count(*) AS n FROM src GROUP BY k');
SELECT imat.create('by_virtual', 'SELECT twice % 3 AS t, avg(v) AS a FROM src GROUP BY twice % 3');
SELECT imat.create('keyed', 'SELECT k, array_agg(twice ORDER BY id) AS l FROM src GROUP BY k');
SELECT imat.create('shown', 'SELECT id, twice FROM src WHERE twice > 10');
SELECT imat.create('highest', 'SELECT k, max(twice) AS m FROM src GROUP BY k');
SELECT imat.create('ranked', 'SELECT id, rank() OVER (ORDER BY twice, id) AS r FROM src');
SELECT imat.create('joined', 'SELECT d.twice AS name, sum(s.twice) AS s FROM src s JOIN dim d ON d.k = s.k GROUP BY d.twice');
SELECT imat.create('outer_joined', 'SELECT d.k, d.twice AS name, s.twice FROM dim d LEFT JOIN src s ON s.twice = d.k');
SELECT imat.create('whole', 'SELECT to_jsonb(src) AS j, count(*) AS n FROM src GROUP BY 1');
SELECT * FROM oracle.all_same('eighteen');
INSERT INTO src VALUES (21, 1, 2), (22, 7, NULL) RETURNING OLD.id, NEW.twice;
SELECT * FROM bad();
UPDATE src SET v = v + 1 WHERE k = 1 AND id < 8 RETURNING OLD.twice, NEW.twice;
SELECT * FROM bad();
INSERT INTO src VALUES (21, 2, 3), (23, 1, 1) ON CONFLICT (id) DO UPDATE SET k = EXCLUDED.k, v = EXCLUDED.v RETURNING OLD.k, NEW.k;
SELECT * FROM bad();
DELETE FROM src WHERE id = 22 RETURNING OLD.id, NEW.id;
SELECT * FROM bad();
WITH changed AS (MERGE INTO src USING generate_series(18, 25) n ON n = src.id
    WHEN MATCHED AND n = 18 THEN DELETE WHEN MATCHED THEN UPDATE SET v = 100 + n WHEN NOT MATCHED THEN INSERT (id, k, v) VALUES (n, 1, n)
    WHEN NOT MATCHED BY SOURCE AND src.id < 3 THEN DELETE RETURNING merge_action() AS what, OLD.id AS gone, NEW.k)
INSERT INTO dim SELECT DISTINCT 10 + coalesce(k, 0) FROM changed;
SELECT * FROM bad();
BEGIN;
WITH m AS (MERGE INTO src USING dim ON dim.k = src.id WHEN MATCHED THEN UPDATE SET k = src.k + 1 WHEN NOT MATCHED THEN DO NOTHING RETURNING merge_action() AS what)
SELECT what, count(*) FROM m GROUP BY what;
SELECT * FROM bad();
UPDATE src SET v = -v WHERE k = 1;
SELECT * FROM bad();
COMMIT;
SELECT * FROM bad();
SELECT * FROM d ORDER BY k;
-- what a generated column is computed by changes, in the tables and in what is shown
ALTER TABLE src ALTER COLUMN twice SET EXPRESSION AS (v * 3);
SELECT * FROM bad();
BEGIN; INSERT INTO src VALUES (30, 1, 1); ALTER TABLE src ALTER COLUMN twice SET EXPRESSION AS (v * 4); INSERT INTO src VALUES (31, 1, 1); SELECT * FROM bad(); COMMIT;
SELECT * FROM bad();
SELECT oracle.sqlstate('ALTER TABLE src DROP COLUMN twice');
-- generated columns in partitions, which may have expressions of their own
CREATE TABLE parted (id int, v int, g int GENERATED ALWAYS AS (v * 2) VIRTUAL) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_2 (g int GENERATED ALWAYS AS (v * 2) VIRTUAL, v int, id int);
INSERT INTO parted_2 (id, v) VALUES (12, 5);
SELECT imat.create('of_parted', 'SELECT id % 2 AS odd, sum(g) AS s, count(*) AS n FROM parted GROUP BY id % 2');
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (10) TO (20);
SELECT * FROM bad();
INSERT INTO parted VALUES (1, 1), (11, 2); INSERT INTO parted_2 (id, v) VALUES (13, 5); UPDATE parted SET v = v + 1;
SELECT * FROM bad();
CREATE TABLE parted_3 PARTITION OF parted (g GENERATED ALWAYS AS (v * 5) VIRTUAL) FOR VALUES FROM (20) TO (30);
INSERT INTO parted VALUES (21, 1), (22, 2); INSERT INTO parted_3 VALUES (23, 5); UPDATE parted SET v = v + 1 WHERE id IN (13, 21);
SELECT * FROM bad();
UPDATE parted SET id = id + 10 WHERE id IN (11, 12);
SELECT * FROM bad();
ALTER TABLE parted DETACH PARTITION parted_3;
SELECT * FROM bad();
-- keys of periods
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE TABLE room (id int, at int4range, price int, PRIMARY KEY (id, at WITHOUT OVERLAPS));
CREATE TABLE stay (room int, at int4range, guest text, FOREIGN KEY (room, PERIOD at) REFERENCES room (id, PERIOD at));
SELECT imat.create('rooms', 'SELECT id, at, price FROM room');
SELECT imat.create('prices', 'SELECT id, max(price) AS m, count(*) AS n FROM room GROUP BY id');
SELECT imat.create('stays', 'SELECT s.guest, sum(r.price) AS p FROM stay s JOIN room r ON r.id = s.room AND r.at @> s.at GROUP BY s.guest');
INSERT INTO room VALUES (1, '[1,5)', 10), (1, '[5,9)', 20), (2, '[1,9)', 30); INSERT INTO stay VALUES (1, '[2,4)', 'a'), (2, '[3,5)', 'b'), (1, '[3,6)', 'a');
SELECT * FROM bad();
UPDATE room SET at = '[5,12)' WHERE at = '[5,9)'; DELETE FROM stay WHERE at = '[3,6)'; UPDATE room SET at = '[1,4)' WHERE id = 1 AND at = '[1,5)';
SELECT * FROM bad();
ALTER TABLE stay DROP CONSTRAINT stay_room_at_fkey; ALTER TABLE room DROP CONSTRAINT room_pkey;
INSERT INTO room VALUES (1, '[1,4)', 10), (1, '[1,4)', NULL);
SELECT * FROM bad();
-- constraints that hold for new rows only prove nothing, until they are validated
CREATE TABLE loose (id int PRIMARY KEY, k int, v int);
INSERT INTO loose VALUES (1, NULL, NULL), (2, 1, 1);
ALTER TABLE loose ADD CONSTRAINT k_there NOT NULL k NOT VALID, ADD CONSTRAINT v_there NOT NULL v NOT VALID;
SELECT imat.create('of_loose', 'SELECT k, sum(v) AS s FROM loose GROUP BY k');
SELECT imat.create('loose_ones', 'SELECT k, v FROM loose');
INSERT INTO loose VALUES (3, 1, 1); DELETE FROM loose WHERE id = 1;
SELECT * FROM bad();
ALTER TABLE loose VALIDATE CONSTRAINT k_there; ALTER TABLE loose VALIDATE CONSTRAINT v_there;
INSERT INTO loose VALUES (4, 2, 1);
SELECT * FROM bad();
ALTER TABLE loose ALTER COLUMN k DROP NOT NULL; INSERT INTO loose VALUES (5, NULL, 1);
SELECT * FROM bad();
ALTER TABLE loose DROP CONSTRAINT v_there; INSERT INTO loose VALUES (6, NULL, NULL), (7, 7, NULL);
SELECT * FROM bad();
CREATE TABLE foe (id int PRIMARY KEY); INSERT INTO foe VALUES (1), (2);
ALTER TABLE loose ADD FOREIGN KEY (k) REFERENCES foe NOT ENFORCED;
SELECT imat.create('of_foe', 'SELECT f.id, count(*) AS n FROM foe f JOIN loose l ON l.k = f.id GROUP BY f.id');
SET pg_imat.trust_foreign_keys = on;
INSERT INTO foe VALUES (7);
RESET pg_imat.trust_foreign_keys;
SELECT * FROM bad();
SET client_min_messages = warning;
DROP SCHEMA eighteen CASCADE;
SELECT count(*) FROM imat.registered;
