--
-- Generated columns; constraints that aren't validated, or not enforced; columns that are added to IMATs.  Each step in a transaction of its
-- own, and all in one.
--
-- Before the releases that have them, what PostgreSQL 17 and 18 added is replaced by something that comes to the same.
SELECT oracle.write('setup', $script$
CREATE SCHEMA ways
SET search_path = ways, public
CREATE FUNCTION since(version int, command text, before text) RETURNS void LANGUAGE plpgsql AS $f$
    BEGIN
        EXECUTE CASE WHEN current_setting('server_version_num')::int >= version * 10000 THEN command ELSE before END;
    END $f$
CREATE TABLE counted (id int NOT NULL, g int, x int NOT NULL, y int)
INSERT INTO counted VALUES (1, 1, 1, 1), (2, 1, 2, NULL), (3, 2, 3, 3)
SELECT imat.create('counts', 'SELECT g, count(x) AS n FROM counted GROUP BY g')
SELECT imat.create('averages', 'SELECT g, avg(x) AS x, avg(y) AS y, count(y) AS n FROM counted GROUP BY g')
SELECT imat.create('rows_', 'SELECT id, x FROM counted WHERE g > 0')
SELECT imat.create('over_rows', 'SELECT avg(x) AS a, count(x) AS n FROM rows_')
CREATE TABLE gen (id int PRIMARY KEY, k int, v int, twice int GENERATED ALWAYS AS (v * 2) STORED)
SELECT since(18, 'ALTER TABLE gen ADD COLUMN virtual int GENERATED ALWAYS AS (v + 1) VIRTUAL', 'ALTER TABLE gen ADD COLUMN virtual int GENERATED ALWAYS AS (v + 1) STORED')
INSERT INTO gen SELECT i, i % 3, i FROM generate_series(1, 9) i
SELECT imat.create('gen_sums', 'SELECT k, sum(twice) AS s, avg(virtual) AS a, count(*) AS n FROM gen GROUP BY k')
SELECT imat.create('gen_lists', 'SELECT k, string_agg(twice::text, '','' ORDER BY id) AS l FROM gen GROUP BY k')
SELECT imat.create('gen_by', 'SELECT virtual % 3 AS m, max(twice) AS hi, count(*) AS n FROM gen GROUP BY virtual % 3')
SELECT imat.create('gen_rows', 'SELECT id, twice, virtual FROM gen WHERE twice > 4')
SELECT imat.create('gen_ranks', 'SELECT id, rank() OVER (ORDER BY twice, id) AS r FROM gen')
SELECT imat.create('gen_pairs', 'SELECT a.twice, count(*) AS n FROM gen a JOIN gen b ON a.twice = b.virtual GROUP BY a.twice')
CREATE TABLE friend (id int PRIMARY KEY, name text)
CREATE TABLE loose (id int PRIMARY KEY, friend int, v int)
INSERT INTO friend SELECT i, 'f' || i FROM generate_series(1, 5) i
INSERT INTO loose VALUES (1, 1, 1), (2, NULL, NULL), (3, 9, 3), (4, 2, -4)
SELECT imat.create('friends', 'SELECT f.name, count(*) AS n, sum(l.v) AS s FROM friend f JOIN loose l ON l.friend = f.id GROUP BY f.name')
SELECT imat.create('loose_sums', 'SELECT friend, sum(v) AS s FROM loose GROUP BY friend')
SELECT imat.create('loose_rows', 'SELECT friend, v FROM loose')
CREATE EXTENSION btree_gist SCHEMA public
CREATE TABLE room (id int NOT NULL, at int4range NOT NULL, price int)
SELECT since(18, 'ALTER TABLE room ADD CONSTRAINT room_key PRIMARY KEY (id, at WITHOUT OVERLAPS)', 'ALTER TABLE room ADD CONSTRAINT room_key EXCLUDE USING gist (id WITH =, at WITH &&)')
INSERT INTO room VALUES (1, '[1,5)', 10), (1, '[5,9)', 20), (2, '[1,9)', 30)
SELECT imat.create('rooms', 'SELECT id, at, price FROM room'), imat.create('prices', 'SELECT id, max(price) AS m, count(*) AS n FROM room GROUP BY id')
$script$);
SELECT oracle.write('steps', $script$
-- generated columns: written, stored anew, by another expression, by none
INSERT INTO gen (id, k, v) VALUES (10, 1, 10), (11, 7, NULL); UPDATE gen SET v = v + 1 WHERE k = 1
!UPDATE gen SET twice = 1
UPDATE gen SET id = id + 20, k = 2 WHERE id = 3; DELETE FROM gen WHERE twice = 4
SET LOCAL session_replication_role = replica; INSERT INTO gen (id, k, v) VALUES (13, 1, 10); UPDATE gen SET v = v - 1 WHERE k < 2; SET LOCAL session_replication_role = origin
INSERT INTO gen (id, k, v) VALUES (14, 1, 1); SELECT since(17, 'ALTER TABLE gen ALTER COLUMN twice SET EXPRESSION AS (v * 3)', 'ALTER TABLE gen ALTER COLUMN twice DROP EXPRESSION; UPDATE gen SET twice = v * 3'); UPDATE gen SET k = k + 1
SELECT since(18, 'ALTER TABLE gen ALTER COLUMN virtual SET EXPRESSION AS (v + 2)', 'ALTER TABLE gen ALTER COLUMN virtual DROP EXPRESSION; UPDATE gen SET virtual = v + 2')
INSERT INTO gen (id, k, v) VALUES (15, 1, NULL); SELECT since(17, 'ALTER TABLE gen ALTER COLUMN twice DROP EXPRESSION', 'SELECT'); UPDATE gen SET twice = 0 WHERE id = 4; INSERT INTO gen (id, k, twice) VALUES (16, 1, 1)
ALTER TABLE gen ADD COLUMN more int GENERATED ALWAYS AS (v + 7) STORED; DELETE FROM gen WHERE id = 16; ALTER TABLE gen DROP COLUMN more; INSERT INTO gen (id, k, twice) VALUES (17, 1, 1)
-- constraints that hold for new rows only prove nothing, until they are validated
ALTER TABLE loose ADD CONSTRAINT there FOREIGN KEY (friend) REFERENCES friend NOT VALID, ADD CONSTRAINT positive CHECK (v > 0 AND friend IS NOT NULL) NOT VALID; SET LOCAL pg_imat.trust_foreign_keys = on; INSERT INTO friend VALUES (9, 'nine')
!INSERT INTO loose VALUES (5, 1, -1)
!INSERT INTO loose VALUES (5, 77, 1)
SET LOCAL pg_imat.trust_foreign_keys = on; DELETE FROM loose WHERE id = 2; UPDATE loose SET v = 4 WHERE id = 4; ALTER TABLE loose VALIDATE CONSTRAINT there; INSERT INTO loose VALUES (6, 9, 6)
SET LOCAL pg_imat.trust_foreign_keys = on; ALTER TABLE loose VALIDATE CONSTRAINT positive; INSERT INTO friend VALUES (10, 'ten'); INSERT INTO loose VALUES (7, 10, 7); UPDATE friend SET name = 'X' WHERE id = 9
SET LOCAL pg_imat.trust_foreign_keys = on; INSERT INTO friend VALUES (11, 'eleven'); ALTER TABLE loose DROP CONSTRAINT there, DROP CONSTRAINT positive; INSERT INTO loose VALUES (8, 12, -1), (9, NULL, NULL)
SET LOCAL pg_imat.trust_foreign_keys = on; INSERT INTO friend VALUES (12, 'twelve'); DELETE FROM friend WHERE id = 10
SELECT since(18, 'ALTER TABLE loose ADD CONSTRAINT k_there NOT NULL friend NOT VALID, ADD CONSTRAINT v_there NOT NULL v NOT VALID', 'SELECT'); INSERT INTO loose VALUES (10, 1, 1); DELETE FROM loose WHERE id = 9
SELECT since(18, 'ALTER TABLE loose VALIDATE CONSTRAINT k_there, VALIDATE CONSTRAINT v_there', 'ALTER TABLE loose ALTER friend SET NOT NULL, ALTER v SET NOT NULL'); INSERT INTO loose VALUES (11, 2, 1)
SELECT since(18, 'ALTER TABLE loose DROP CONSTRAINT k_there, DROP CONSTRAINT v_there', 'ALTER TABLE loose ALTER friend DROP NOT NULL, ALTER v DROP NOT NULL'); INSERT INTO loose VALUES (12, NULL, NULL)
SELECT since(18, 'ALTER TABLE loose ADD CONSTRAINT there FOREIGN KEY (friend) REFERENCES friend (id) NOT ENFORCED', 'SELECT'); SET LOCAL pg_imat.trust_foreign_keys = on; INSERT INTO loose VALUES (13, 14, 1); INSERT INTO friend VALUES (14, 'fourteen')
-- keys of periods
UPDATE room SET at = '[5,12)' WHERE at = '[5,9)'; INSERT INTO room VALUES (3, '[1,4)', 7)
!INSERT INTO room VALUES (3, '[2,5)', 7)
DELETE FROM room WHERE id = 2; ALTER TABLE room DROP CONSTRAINT room_key; INSERT INTO room VALUES (3, '[1,4)', 7), (3, '[1,4)', NULL)
-- columns that IMATs get beside those of the definition: with a default, generated, NOT NULL; and lose
ALTER TABLE counts ADD COLUMN note text DEFAULT 'x'; ALTER TABLE averages ADD COLUMN a int NOT NULL DEFAULT 7, ADD COLUMN twice bigint GENERATED ALWAYS AS (n * 2) STORED; INSERT INTO counted VALUES (30, 30, 3, 3)
ALTER TABLE rows_ ADD COLUMN note int; ALTER TABLE gen_ranks ADD COLUMN note int DEFAULT 5; ALTER TABLE gen_lists ADD COLUMN half text GENERATED ALWAYS AS (left(l, 3)) STORED; ALTER TABLE friends ADD COLUMN note text; INSERT INTO gen (id, k, twice) VALUES (18, 9, 1); DELETE FROM loose WHERE id = 4
UPDATE counted SET x = x + 1, g = g + 1; UPDATE gen SET twice = twice + 1; DELETE FROM friend WHERE id = 12
SELECT imat.refresh('counts'), imat.refresh('averages'), imat.refresh('gen_ranks'); INSERT INTO counted VALUES (31, 31, 3, 3); ALTER TABLE counts ALTER note SET DEFAULT 'y'; INSERT INTO counted VALUES (32, 32, 3, 3)
!ALTER TABLE counts DROP COLUMN n
ALTER TABLE counts DROP COLUMN note; ALTER TABLE averages DROP COLUMN a, DROP COLUMN twice; ALTER TABLE rows_ DROP COLUMN note; ALTER TABLE gen_ranks DROP COLUMN note; DELETE FROM counted WHERE id = 31; INSERT INTO gen (id, k, twice) VALUES (19, 9, 1)
ALTER TABLE counts ADD COLUMN note text DEFAULT 'z'; INSERT INTO counted VALUES (33, 33, 3, 3); TRUNCATE counted; INSERT INTO counted VALUES (1, 1, 1, 1), (2, 2, 2, 2)
$script$);
SELECT oracle.write('end', $script$
DROP SCHEMA ways CASCADE
DROP EXTENSION btree_gist
$script$);
\i test/regress/both_ways.psql
