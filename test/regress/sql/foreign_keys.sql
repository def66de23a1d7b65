--
-- Joins along foreign keys: terms that an enforced one makes empty are left out, and no others.
--
SET pg_imat.trust_foreign_keys = on;
CREATE SCHEMA fk; SET search_path = fk, public;
CREATE TABLE top (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE mid (id int PRIMARY KEY, top int REFERENCES top ON UPDATE CASCADE ON DELETE CASCADE, w int NOT NULL);
CREATE TABLE low (id int PRIMARY KEY, mid int REFERENCES mid ON DELETE SET NULL, v int NOT NULL);
CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree, v int NOT NULL);
CREATE TABLE pair (a int, b int, name text NOT NULL, PRIMARY KEY (a, b));
CREATE TABLE pairs (a int, b int, v int NOT NULL, FOREIGN KEY (a, b) REFERENCES pair);
SELECT imat.create('three', 'SELECT name, count(*) AS n, sum(v * w) AS s FROM low JOIN mid ON mid.id = low.mid JOIN top ON top.id = mid.top GROUP BY name', strategy => 'delta');
SELECT imat.create('two', 'SELECT top, count(*) AS n, sum(v) AS s FROM mid, low WHERE mid.id = low.mid GROUP BY top', strategy => 'delta');
SELECT imat.create('rows', 'SELECT low.id, v, w FROM low JOIN mid ON mid = mid.id');
SELECT imat.create('extremes', 'SELECT top, min(v), max(v) FROM low JOIN mid ON mid = mid.id GROUP BY top');
SELECT imat.create('own', 'SELECT p.v AS parent, count(*) AS n, sum(c.v) AS s FROM tree c JOIN tree p ON p.id = c.parent GROUP BY p.v', strategy => 'delta');
SELECT imat.create('own3', 'SELECT count(*) AS n, sum(g.v) AS s FROM tree c JOIN tree p ON p.id = c.parent JOIN tree g ON g.id = p.parent', strategy => 'delta');
SELECT imat.create('composite', 'SELECT name, count(*) AS n, sum(v) AS s FROM pairs p JOIN pair q ON p.a = q.a AND p.b = q.b GROUP BY name', strategy => 'delta');
SELECT imat.create('half', 'SELECT name, count(*) AS n, sum(v) AS s FROM pairs p JOIN pair q ON p.a = q.a GROUP BY name', strategy => 'delta');
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$ SELECT * FROM oracle.all_same('fk') WHERE verdict !~ '^same' OR verdict ~ 'swap' $$;
BEGIN;
INSERT INTO top SELECT i, 't' || i % 2 FROM generate_series(1, 5) i;
INSERT INTO mid SELECT i, nullif(i % 6, 0), i FROM generate_series(1, 12) i;
INSERT INTO low SELECT i, nullif(i % 13, 0), i FROM generate_series(1, 50) i;
INSERT INTO tree SELECT i, nullif(i / 2, 0), i % 5 FROM generate_series(1, 20) i;
INSERT INTO pair SELECT i % 3, i, 'p' || i % 4 FROM generate_series(1, 9) i;
INSERT INTO pairs SELECT i % 3, i, i FROM generate_series(1, 9) i UNION ALL SELECT 1, NULL, 7;
COMMIT;
SELECT * FROM bad();
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('fk');
-- added, by themselves and with what references them, read in between
INSERT INTO top VALUES (6, 't0');
BEGIN; INSERT INTO mid VALUES (20, 6, 2); SELECT * FROM bad(); INSERT INTO low VALUES (100, 20, 1), (101, 1, 1); INSERT INTO top VALUES (7, 't1'); COMMIT;
BEGIN; INSERT INTO tree VALUES (30, 3, 9), (31, 30, 8), (32, 31, 7); INSERT INTO pair VALUES (1, 100, 'p0'); INSERT INTO pairs VALUES (1, 100, 5); COMMIT;
SELECT * FROM bad();
-- removed, and what becomes of those that referenced them
DELETE FROM top WHERE id = 7;
DELETE FROM mid WHERE id = 2;
DELETE FROM top WHERE id = 1;
DELETE FROM tree WHERE id IN (31, 32);
BEGIN; DELETE FROM pairs WHERE a = 2; DELETE FROM pair WHERE a = 2; COMMIT;
SELECT * FROM bad();
-- updated, and removed and added again
UPDATE top SET id = id + 100 WHERE id = 3;
UPDATE mid SET w = w + 1; UPDATE top SET name = upper(name); UPDATE tree SET v = v + 1;
BEGIN; UPDATE low SET mid = 20 WHERE id < 10; INSERT INTO mid VALUES (40, 4, 4); UPDATE mid SET top = 5 WHERE id = 3; INSERT INTO top VALUES (8, 'x'); INSERT INTO low VALUES (200, 40, 3); DELETE FROM low WHERE id = 12; COMMIT;
BEGIN; DELETE FROM mid WHERE id = 40; INSERT INTO mid VALUES (40, 5, 5); UPDATE low SET mid = 40 WHERE id = 200; COMMIT;
BEGIN; DELETE FROM top WHERE id = 4; INSERT INTO top VALUES (4, 'again'); INSERT INTO mid VALUES (4, 4, 4); INSERT INTO low VALUES (300, 4, 4); COMMIT;
SELECT * FROM bad();
-- not enforced: a row may wait for the one that it references
ALTER TABLE low DROP CONSTRAINT low_mid_fkey;
INSERT INTO low VALUES (400, 50, 6);
INSERT INTO mid VALUES (50, 5, 2);
SELECT * FROM bad();
INSERT INTO low VALUES (401, 51, 6);
ALTER TABLE low ADD CONSTRAINT late FOREIGN KEY (mid) REFERENCES mid NOT VALID;
INSERT INTO mid VALUES (51, 5, 2);
SELECT * FROM bad();
ALTER TABLE low VALIDATE CONSTRAINT late;
INSERT INTO mid VALUES (52, 5, 2);
ALTER TABLE low ALTER CONSTRAINT late DEFERRABLE INITIALLY DEFERRED;
BEGIN; INSERT INTO low VALUES (402, 53, 6); SELECT * FROM bad(); INSERT INTO mid VALUES (53, 5, 2); COMMIT;
SELECT * FROM bad();
ALTER TABLE low ALTER CONSTRAINT late NOT DEFERRABLE;
BEGIN; ALTER TABLE low DISABLE TRIGGER ALL; INSERT INTO low VALUES (403, 54, 6); SELECT imat FROM bad(); INSERT INTO mid VALUES (54, 5, 2); ALTER TABLE low ENABLE TRIGGER ALL; COMMIT;
SELECT imat.verify('two') AS two, imat.verify('three') AS three;
-- an action that something prevents
CREATE FUNCTION spare() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER spare BEFORE DELETE ON mid FOR EACH ROW EXECUTE FUNCTION spare();
DELETE FROM top WHERE id = 5;
SELECT count(*) > 0 AS left_over FROM mid WHERE top = 5;
SELECT * FROM bad();
INSERT INTO top VALUES (5, 'back');
SELECT * FROM bad();
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('fk');
-- where foreign keys are not trusted, it doesn't matter what was written while they were not checked
RESET pg_imat.trust_foreign_keys;
SET session_replication_role = replica; INSERT INTO mid VALUES (60, 60, 1); INSERT INTO low VALUES (500, 60, 1), (501, 61, 1); RESET session_replication_role;
INSERT INTO top VALUES (60, 'late'); INSERT INTO mid VALUES (61, 60, 1);
SELECT * FROM bad();
SET client_min_messages = warning;
DROP SCHEMA fk CASCADE;
