--
-- Views without groups over one table: the table is a bag, or has the source's key.
--
CREATE SCHEMA spj; SET search_path = spj, public;
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$ SELECT * FROM oracle.all_same('spj') WHERE verdict !~ '^same' OR verdict ~ 'swap' $$;
CREATE TYPE pair AS (a int, b text);
CREATE TABLE t (id int PRIMARY KEY, a int, n numeric, x text, f float8, j json, p pair, u int NOT NULL UNIQUE);
CREATE TABLE bag (a int, n numeric, x text, j json, q point, b boolean);
INSERT INTO t SELECT i, i % 4, i / 2.0, 'x' || i % 3, i / 4.0, '{"a": 1}', ROW(i, 'p')::pair, i + 100 FROM generate_series(1, 20) i;
INSERT INTO bag SELECT i % 3, 1.5, 'x' || i % 2, '[1]', point(0, 0), i % 5 = 0 FROM generate_series(1, 30) i;
-- shown keys: which, and what of it
SELECT imat.create('all_of_it', 'SELECT * FROM t');
SELECT imat.create('by_id', 'SELECT a, id, n FROM t WHERE a > 0');
SELECT imat.create('by_unique', 'SELECT u, x FROM t');
SELECT imat.create('computed', 'SELECT id, a * 2 AS twice, upper(x) AS "Loud" FROM t WHERE x <> ''x2'' ORDER BY n');
SELECT imat.create('of_view', 'SELECT y.id, y.n + 1 AS n1 FROM (SELECT id, n FROM t WHERE f > 1) y WHERE y.n < 9');
-- no key: computed, left out, none there; types without equality, and values that are equal but look different
SELECT imat.create('no_key', 'SELECT a, x FROM t');
SELECT imat.create('hidden_key', 'SELECT id + 0 AS id, n FROM t');
SELECT imat.create('bag_all', 'SELECT * FROM bag');
SELECT imat.create('bag_some', 'SELECT n, j FROM bag WHERE a <> 1');
SELECT imat.create('bag_json', 'SELECT j, q, b FROM bag');
SELECT imat.create('constants', 'SELECT 1 AS one, ''c'' AS c FROM bag WHERE b');
-- not possible: told
SELECT imat.create('unfindable', 'SELECT j, q FROM bag');
SELECT imat.create('composite', 'SELECT p FROM t');
SELECT imat.create('composite_with_key', 'SELECT id, p FROM t');
SELECT c.mv_name, oracle.strategy(imat) FROM imat.imat_config c WHERE agg_schema_name = 'spj' ORDER BY 1;
SELECT imat.explain('by_id');
SELECT imat.explain('no_key');
SELECT imat.explain('unfindable');
SELECT imat.explain('composite');
SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'spj' AND tablename NOT IN ('t', 'bag') AND indexname !~ '_idx$' AND indexdef ~ 'USING btree \(\w+\)' ORDER BY 1;
SELECT count(*) AS by_value FROM pg_indexes WHERE schemaname = 'spj' AND indexname ~ '_idx$';
DROP TABLE unfindable, composite;
-- changes
INSERT INTO t SELECT i, i % 4, i, 'x' || i % 3, i, '{"a":1}', ROW(i, NULL)::pair, i + 100 FROM generate_series(21, 25) i;
UPDATE t SET n = n + 1 WHERE id % 2 = 0; UPDATE t SET x = NULL WHERE id = 3; DELETE FROM t WHERE id IN (4, 5);
INSERT INTO bag SELECT * FROM bag WHERE a = 0; DELETE FROM bag WHERE ctid IN (SELECT ctid FROM bag LIMIT 7);
UPDATE bag SET x = NULL, j = '[ 1]' WHERE a = 2;
SELECT * FROM bad();
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('spj');
-- keys that move, rows that trade places, one that comes back
UPDATE t SET id = -id; UPDATE t SET id = id + 1000; UPDATE t SET a = a + 1, u = -u;
BEGIN; UPDATE t SET id = 0 WHERE u = -101; UPDATE t SET id = 999 WHERE u = -102; UPDATE t SET id = 998 WHERE u = -101; DELETE FROM t WHERE id = 999; INSERT INTO t (id, u, a) VALUES (999, 77, 1); COMMIT;
SELECT * FROM bad();
-- equal, but not alike
UPDATE t SET n = 1.00 WHERE id = 998; UPDATE t SET n = 1.0 WHERE id = 998; UPDATE bag SET n = 1.50; UPDATE bag SET n = 1.5 WHERE a = 1;
UPDATE t SET f = '-0' WHERE id = 998; UPDATE t SET f = 0 WHERE id = 998; UPDATE t SET f = 'NaN' WHERE id = 998;
SELECT * FROM bad();
SELECT n, count(*) FROM bag_all GROUP BY n::text, n ORDER BY n::text;
-- the transaction sees what it did, again and again, and undoes it
BEGIN;
INSERT INTO bag SELECT 7, 7, 'seven', '7', NULL, true FROM generate_series(1, 5); SELECT count(*) FROM bag_all WHERE a = 7;
DELETE FROM bag WHERE ctid IN (SELECT ctid FROM bag WHERE a = 7 LIMIT 2); SELECT count(*) FROM bag_all WHERE a = 7;
SAVEPOINT s; DELETE FROM bag WHERE a = 7; SELECT count(*) FROM bag_all WHERE a = 7; ROLLBACK TO s;
SELECT count(*) FROM bag_all WHERE a = 7;
UPDATE bag SET a = 8 WHERE a = 7; SELECT a, count(*) FROM bag_all WHERE a > 6 GROUP BY a;
SAVEPOINT s2; UPDATE t SET x = 'new'; SELECT count(*) FROM no_key WHERE x = 'new'; RELEASE s2;
DELETE FROM t WHERE id > 990; SELECT count(*) FROM by_unique;
COMMIT;
SELECT * FROM bad();
-- large values: no index entry is too long, values that are stored out of line or compressed are found
INSERT INTO bag SELECT 1, 10::numeric ^ 30000, string_agg(md5(i::text), ''), to_json(repeat('j', 100000)) FROM generate_series(1, 3000) i;
INSERT INTO bag SELECT 1, 1, repeat('long', 100000); INSERT INTO t (id, u, x, n) SELECT 5000, 5000, string_agg(md5(i::text), ''), 10::numeric ^ 9000 FROM generate_series(1, 1000) i;
SELECT * FROM bad();
UPDATE bag SET b = true WHERE length(x) > 1000; UPDATE t SET a = 5 WHERE id = 5000;
SELECT * FROM bad();
DELETE FROM bag WHERE length(x) > 1000; DELETE FROM t WHERE id = 5000;
SELECT * FROM bad();
-- a row that changes is updated: what the owner has put on the table sees it so
CREATE TABLE refers (id int REFERENCES by_id ON DELETE CASCADE, note text);
INSERT INTO refers SELECT id, 'keep' FROM by_id;
CREATE TABLE log (what text); CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO spj.log VALUES (TG_OP || coalesce(' ' || OLD.id, '') || coalesce(' ' || NEW.id, '')); RETURN NULL; END $$;
CREATE TRIGGER log AFTER INSERT OR UPDATE OR DELETE ON by_id FOR EACH ROW EXECUTE FUNCTION log();
UPDATE t SET n = 5 WHERE id = 982; SELECT * FROM log; TRUNCATE log;
UPDATE t SET a = 0 WHERE id = 984; SELECT * FROM log; TRUNCATE log;
BEGIN; DELETE FROM t WHERE id = 986; INSERT INTO t (id, u, a, n) VALUES (986, 1, 1, 1); COMMIT; SELECT * FROM log; TRUNCATE log;
SELECT (SELECT count(*) FROM refers) = (SELECT count(*) FROM by_id) AS all_kept;
SELECT * FROM bad();
-- others may have locked rows or have more columns, indexes and constraints on the table
ALTER TABLE bag_some ADD extra int GENERATED ALWAYS AS (n::int + 1) STORED; CREATE INDEX ON bag_all (b); CREATE INDEX ON no_key (a);
INSERT INTO bag VALUES (5, 5, 'five', '5'); UPDATE bag SET n = 6 WHERE a = 5; DELETE FROM bag WHERE b; DELETE FROM t WHERE a = 2;
SELECT DISTINCT n, extra FROM bag_some ORDER BY 1, 2; ALTER TABLE bag_some DROP extra;
SELECT * FROM bad();
-- an index of ours goes: told, and swapped
DROP INDEX bag_json_idx; INSERT INTO bag VALUES (9, 9, 'nine', '9');
SELECT imat, split_part(verdict, ',', 1) AS verdict, verdict ~ 'swap' AS swapped FROM oracle.all_same('spj') WHERE imat = 'bag_json';
-- a key comes, and goes
ALTER TABLE bag ADD id serial; CREATE TABLE late (k int, v int); SELECT imat.create('of_late', 'SELECT k, v FROM late');
INSERT INTO late VALUES (1, 1), (2, 1); ALTER TABLE late ADD PRIMARY KEY (k); INSERT INTO late VALUES (3, 1); UPDATE late SET v = k; DELETE FROM late WHERE k = 1;
SELECT imat, split_part(verdict, ' rows', 1) AS verdict, verdict ~ 'swap' AS swapped FROM oracle.all_same('spj') WHERE imat = 'of_late';
-- TRUNCATE and back; emptied
TRUNCATE bag; INSERT INTO bag SELECT i, 1 FROM generate_series(1, 3) i; DELETE FROM t;
SELECT imat, split_part(verdict, ' rows', 1) AS verdict FROM oracle.all_same('spj');
-- DISTINCT goes on as it was, and strategies can be asked for
SELECT imat.create('distinct_', 'SELECT DISTINCT a FROM bag'); SELECT imat.create('swapped', 'SELECT a, n FROM bag', strategy => 'swap');
SELECT oracle.error($$SELECT imat.create('x', 'SELECT a FROM bag', strategy => 'keyed')$$);
INSERT INTO bag VALUES (1, 1); SELECT imat.alter('swapped', strategy => 'delta'); INSERT INTO bag VALUES (1, 1), (1, 1.0); DELETE FROM bag WHERE a = 2;
SELECT imat, split_part(verdict, ' rows', 1) AS verdict, verdict ~ 'delta' AS delta FROM oracle.all_same('spj') WHERE imat IN ('distinct_', 'swapped');
SET client_min_messages = warning;
DROP SCHEMA spj CASCADE;
