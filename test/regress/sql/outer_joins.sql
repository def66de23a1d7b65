--
-- Outer joins by key: LEFT, RIGHT, FULL and trees of them, with groups and without; conditions of any kind, NULLs, constants on the nullable side.
--
CREATE SCHEMA outer_; SET search_path = outer_, public;
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$ SELECT * FROM oracle.all_same('outer_') WHERE verdict !~ '^same' OR verdict ~ 'swap' $$;
CREATE TABLE a (id int PRIMARY KEY, x int, name text);
CREATE TABLE b (id int PRIMARY KEY, a int, y int, t text);
CREATE TABLE c (id int PRIMARY KEY, b int, z numeric);
CREATE INDEX ON b (a); CREATE INDEX ON c (b);
INSERT INTO a SELECT i, i % 3, 'a' || i % 4 FROM generate_series(1, 12) i;
INSERT INTO b SELECT i, nullif(i % 10, 0), i % 4, 't' || i % 2 FROM generate_series(1, 15) i;
INSERT INTO c SELECT i, nullif(i % 20, 1), i / 2.0 FROM generate_series(1, 18) i;
-- without groups
SELECT imat.create('many', 'SELECT a.id, a.name, b.id AS bid, b.y FROM a LEFT JOIN b ON b.a = a.id');
SELECT imat.create('to_one', 'SELECT b.id, b.t, a.name FROM b LEFT JOIN a ON a.id = b.a');
SELECT imat.create('right_', 'SELECT b.y, a.id FROM b RIGHT JOIN a ON b.a = a.id AND b.y > 1');
SELECT imat.create('full_', 'SELECT a.id, b.id AS bid, a.x, b.y FROM a FULL JOIN b ON b.a = a.id');
SELECT imat.create('full_using', 'SELECT id, x, y FROM a FULL JOIN b USING (id)');
SELECT imat.create('chain', 'SELECT a.id, b.t, c.z FROM a LEFT JOIN b ON b.a = a.id LEFT JOIN c ON c.b = b.id');
SELECT imat.create('nested', 'SELECT a.id, b.t, c.z FROM a LEFT JOIN (b JOIN c ON c.b = b.id) ON b.a = a.id');
SELECT imat.create('nested_left', 'SELECT a.id, b.id AS bid, c.id AS cid FROM a LEFT JOIN (b LEFT JOIN c ON c.b = b.id AND c.z > 3) ON b.a = a.id AND (c.id IS NULL OR c.z < 8)');
SELECT imat.create('constant', 'SELECT a.id, s.one, s.yy FROM a LEFT JOIN (SELECT a, 1 AS one, coalesce(y, 7) AS yy FROM b WHERE y <> 2) s ON s.a = a.id');
SELECT imat.create('is_null', 'SELECT a.id, a.name FROM a LEFT JOIN b ON b.a = a.id AND b.y = 1 WHERE b.id IS NULL');
SELECT imat.create('or_null', 'SELECT a.id, b.t FROM a LEFT JOIN b ON b.a = a.id WHERE b.y > 1 OR b.y IS NULL OR a.x = 0');
SELECT imat.create('theta', 'SELECT a.id, b.id AS bid FROM a LEFT JOIN b ON b.y > a.x AND b.id < 4');
SELECT imat.create('both_sides', 'SELECT a.id, b.y, c.z FROM c RIGHT JOIN a ON c.id = a.x LEFT JOIN b ON b.id = a.id AND b.y = c.b');
SELECT imat.create('self', 'SELECT a.id, p.name FROM a LEFT JOIN a p ON p.id = a.x');
SELECT imat.create('unconditional', 'SELECT a.id, c.id AS cid FROM a LEFT JOIN c ON c.id > 100');
SELECT imat.create('left_of_inner', 'SELECT a.id, b.id AS bid, c.z FROM a JOIN b ON b.a = a.id LEFT JOIN c ON c.b = b.id');
SELECT imat.create('full_of_left', 'SELECT a.id, b.id AS bid, c.id AS cid FROM (a LEFT JOIN b ON b.a = a.id AND b.y > 0) FULL JOIN c ON c.b = b.id');
CREATE VIEW with_b AS SELECT a.id, b.t, 5 AS five FROM a LEFT JOIN b ON b.a = a.id;
SELECT imat.create('of_view', 'SELECT c.id, w.t, w.five FROM c LEFT JOIN with_b w ON w.id = c.b');
-- with groups
SELECT imat.create('counts', 'SELECT a.id, a.name, count(b.id) AS n, sum(b.y) AS s FROM a LEFT JOIN b ON b.a = a.id GROUP BY a.id, a.name');
SELECT imat.create('by_nullable', 'SELECT b.t, count(*) AS n, min(a.id) AS lo FROM a LEFT JOIN b ON b.a = a.id GROUP BY b.t');
SELECT imat.create('by_constant', 'SELECT s.one, count(*) AS n FROM a LEFT JOIN (SELECT a, 1 AS one FROM b WHERE y = 1) s ON s.a = a.id GROUP BY s.one');
SELECT imat.create('by_both', 'SELECT a.x, c.b, count(*) AS n, sum(c.z) AS z FROM a LEFT JOIN b ON b.a = a.id LEFT JOIN c ON c.b = b.id GROUP BY a.x, c.b');
SELECT imat.create('full_groups', 'SELECT coalesce(a.x, b.y) AS k, count(a.id) AS na, count(b.id) AS nb FROM a FULL JOIN b ON a.x = b.y AND a.id = b.id GROUP BY 1');
SELECT imat.create('distinct_', 'SELECT DISTINCT a.name, b.t FROM a LEFT JOIN b ON b.a = a.id');
SELECT imat.create('having_', 'SELECT a.x, count(b.id) AS n FROM a LEFT JOIN b ON b.a = a.id GROUP BY a.x HAVING count(b.id) > 3');
SELECT imat.create('of_imat', 'SELECT a.name, max(k.n) AS m FROM a LEFT JOIN counts k ON k.id = a.x GROUP BY a.name');
-- outer joins that are none
SELECT imat.create('reduced', 'SELECT a.name, count(*) AS n FROM a LEFT JOIN b ON b.a = a.id WHERE b.y > 0 GROUP BY a.name');
SELECT imat.create('reduced_full', 'SELECT a.id, b.id AS bid FROM a FULL JOIN b ON b.a = a.id WHERE a.x + b.y < 5');
SELECT c.mv_name, oracle.strategy(imat) FROM imat.imat_config c WHERE agg_schema_name = 'outer_' ORDER BY 1;
SELECT imat.explain('many');
SELECT imat.explain('to_one');
SELECT imat.explain('chain');
SELECT imat.explain('nested_left');
SELECT imat.explain('full_');
SELECT imat.explain('counts');
SELECT imat.explain('reduced');
SELECT q, imat.explain_query(q) FROM (VALUES ('SELECT a.name, b.t FROM a LEFT JOIN b ON b.a = a.id'), ('SELECT count(b.id) FROM a LEFT JOIN b ON b.a = a.id'),
    ('SELECT count(*) FROM a LEFT JOIN b ON b.a = a.id GROUP BY b.y + 1 HAVING b.y + 1 > 2')) v (q);
SELECT * FROM bad();
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('outer_');
-- each side changes
INSERT INTO b VALUES (16, 12, 1, 't9'), (17, 12, NULL, NULL), (18, NULL, 2, 't0'); SELECT * FROM bad();
DELETE FROM b WHERE id IN (1, 2, 16); SELECT * FROM bad();
UPDATE b SET a = a + 1; SELECT * FROM bad();
UPDATE b SET y = CASE y WHEN 1 THEN 2 ELSE 1 END, t = 'u' WHERE id % 3 = 0; SELECT * FROM bad();
INSERT INTO a VALUES (13, NULL, NULL), (20, 1, 'a1'); DELETE FROM a WHERE id IN (3, 4); SELECT * FROM bad();
UPDATE a SET id = id + 100 WHERE id = 5; UPDATE a SET x = x + 1, name = 'z' WHERE id < 3; SELECT * FROM bad();
DELETE FROM c WHERE id < 4; INSERT INTO c VALUES (1, 5, 5), (2, 5, 5), (50, NULL, 1); UPDATE c SET b = b + 1 WHERE id > 10; UPDATE c SET z = z * 1.0; SELECT * FROM bad();
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('outer_');
-- all of them in one transaction, read in between
BEGIN;
DELETE FROM a WHERE id = 7; DELETE FROM b WHERE a = 8; INSERT INTO c SELECT id + 200, id, id FROM b; SELECT * FROM bad();
SAVEPOINT s; DELETE FROM b; SELECT * FROM bad(); UPDATE a SET x = 9; SELECT * FROM bad(); ROLLBACK TO s; SELECT * FROM bad();
INSERT INTO a VALUES (7, 7, 'seven'); UPDATE b SET a = 7 WHERE a = 9; DELETE FROM c WHERE z > 5; UPDATE a SET id = id + 1000 WHERE id = 7; INSERT INTO b VALUES (1, 1007, 1, 'back');
COMMIT;
SELECT * FROM bad();
WITH d AS (DELETE FROM b WHERE id % 2 = 0 RETURNING id), u AS (UPDATE a SET x = x - 1 RETURNING id) INSERT INTO c SELECT id + 500, id, 1 FROM d;
SELECT * FROM bad();
-- rows of the same key become one another: updates, as far as there are
CREATE TABLE log (what text); CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO outer_.log VALUES (TG_OP); RETURN NULL; END $$;
CREATE TRIGGER log AFTER INSERT OR UPDATE OR DELETE ON many FOR EACH ROW EXECUTE FUNCTION log();
UPDATE b SET y = 77 WHERE id = 17; SELECT * FROM log; TRUNCATE log;
DELETE FROM b WHERE a = 11; SELECT what, count(*) FROM log GROUP BY 1; TRUNCATE log;
SELECT * FROM bad();
-- emptied, filled, truncated
DELETE FROM b; SELECT * FROM bad(); DELETE FROM a; SELECT * FROM bad(); DELETE FROM c; SELECT * FROM bad();
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('outer_');
INSERT INTO b SELECT i, i, i % 2, 't' FROM generate_series(1, 4) i; INSERT INTO a SELECT i, i % 2, 'n' FROM generate_series(3, 6) i; INSERT INTO c SELECT i, i, i FROM generate_series(2, 8) i;
SELECT * FROM bad();
TRUNCATE b; INSERT INTO b SELECT i, i, i % 2, 't' FROM generate_series(5, 9) i;
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('outer_');
-- foreign keys that cascade
DELETE FROM b WHERE a NOT IN (SELECT id FROM a); ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a ON DELETE SET NULL ON UPDATE CASCADE;
DELETE FROM a WHERE id = 5; UPDATE a SET id = 66 WHERE id = 6;
SELECT * FROM bad();
-- many rows of few keys: each is changed where it was seen, none is searched for among the others
CREATE TABLE few_rows (id int PRIMARY KEY, x int);
CREATE TABLE many_rows (x int, y int);
INSERT INTO few_rows SELECT i, 1 FROM generate_series(1, 3) i;
INSERT INTO many_rows SELECT 1, i FROM generate_series(1, 20000) i;
SELECT imat.create('few_many', 'SELECT f.id, f.x, m.y FROM few_rows f LEFT JOIN many_rows m USING (x)');
SET statement_timeout = '15s';
UPDATE many_rows SET y = -y;
DELETE FROM many_rows WHERE y % 2 = 0;
SELECT * FROM oracle.all_same('outer_') WHERE imat = 'few_many';
SELECT count(*), count(DISTINCT y), max(y) FROM few_many;
RESET statement_timeout;

SET client_min_messages = warning;
DROP SCHEMA outer_ CASCADE;
