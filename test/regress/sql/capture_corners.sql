--
-- Ways in which rows of sources change that are seldom met: each step compared with the definitions, in statements of their own and
-- within transactions.
--
\set VERBOSITY terse
CREATE SCHEMA corn; SET search_path = corn, public;
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$
    SELECT * FROM oracle.all_same('corn') s WHERE s.verdict NOT LIKE 'same%' $$;
CREATE TABLE a (id int PRIMARY KEY, k int, v int);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON UPDATE CASCADE ON DELETE SET DEFAULT DEFERRABLE INITIALLY DEFERRED DEFAULT 0, w int);
ALTER TABLE b ALTER a SET DEFAULT 0;
INSERT INTO a VALUES (0,0,0);
SELECT imat.create('d', 'SELECT k, count(*) n, avg(v) s FROM a GROUP BY k');
SELECT imat.create('j', 'SELECT a.k, count(*) n, sum(w) s FROM a JOIN b ON b.a = a.id GROUP BY a.k');
SELECT imat.create('o', 'SELECT a.id, b.id bid, w FROM a LEFT JOIN b ON b.a = a.id');
SELECT imat.create('e', 'SELECT a.id FROM a WHERE EXISTS (SELECT FROM b WHERE b.a = a.id)');
SELECT imat.create('m', 'SELECT a, max(w) m FROM b GROUP BY a');
SELECT imat.create('w', 'SELECT id, rank() over (order by w, id) r FROM b');
SELECT imat.create('u', 'SELECT n, count(*) c FROM j GROUP BY n');
INSERT INTO a SELECT i, i%3, i FROM generate_series(1,20) i; INSERT INTO b SELECT i, i%20+1, i FROM generate_series(1,40) i;
SELECT * FROM bad();
DELETE FROM a WHERE id = 3; SELECT * FROM bad();
UPDATE a SET id = id + 100 WHERE id > 15; SELECT * FROM bad();
BEGIN; DELETE FROM a WHERE id = 4; SELECT * FROM bad(); UPDATE a SET id = 104 WHERE id = 5; SELECT * FROM bad(); SAVEPOINT s; DELETE FROM a WHERE id < 9 AND id > 0; SELECT * FROM bad(); ROLLBACK TO s; SELECT * FROM bad(); COMMIT; SELECT * FROM bad();
-- a deferred constraint that fails at the commit, with IMATs read before
BEGIN; INSERT INTO b VALUES (700, 999, 1); SELECT * FROM bad(); COMMIT; SELECT * FROM bad();
BEGIN; INSERT INTO b VALUES (700, 999, 1); SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK; SELECT * FROM bad();
BEGIN; INSERT INTO b VALUES (700, 999, 1); INSERT INTO a VALUES (999, 1, 1); SET CONSTRAINTS ALL IMMEDIATE; SELECT * FROM bad(); COMMIT; SELECT * FROM bad();
-- statements that fail half-way, in every depth
INSERT INTO a SELECT i, 1, 10 / (710 - i) FROM generate_series(705, 712) i; SELECT * FROM bad();
BEGIN; INSERT INTO b VALUES (701, 999, 1); SAVEPOINT s; WITH x AS (INSERT INTO a VALUES (705, 1, 1) RETURNING id) INSERT INTO b SELECT 702, id, 1 / (id - 705) FROM x; ROLLBACK TO s;
SELECT * FROM bad(); SAVEPOINT t; WITH x AS (INSERT INTO a VALUES (705, 1, 1) RETURNING id) INSERT INTO b SELECT 702, id, 1 FROM x; RELEASE t; SELECT * FROM bad(); ROLLBACK TO s; SELECT * FROM bad();
DELETE FROM b WHERE a = 999; COMMIT; SELECT * FROM bad();
-- a view's trigger that writes two sources, for COPY
CREATE VIEW av AS SELECT * FROM a; CREATE FUNCTION avi() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO corn.a VALUES (NEW.id, NEW.k, NEW.v); INSERT INTO corn.b VALUES (NEW.id+1000, NEW.id, 1); RETURN NEW; END';
CREATE TRIGGER avi INSTEAD OF INSERT ON av FOR EACH ROW EXECUTE FUNCTION avi();
COPY av FROM stdin;
501	1	1
502	2	2
\.
SELECT * FROM bad();
-- functions that write another source, called by whatever statement
CREATE FUNCTION wr(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO corn.b VALUES ($1 + 2000, 0, $1); RETURN $1; END';
UPDATE a SET v = wr(id) WHERE k = 1; SELECT * FROM bad();
INSERT INTO a SELECT 600 + i, 1, 1 FROM generate_series(1,3) i RETURNING wr(id); SELECT * FROM bad();
SELECT wr(7000); SELECT * FROM bad();
BEGIN; SELECT wr(7001), (SELECT count(*) FROM w); SELECT * FROM bad(); COMMIT; SELECT * FROM bad();
-- a cursor WITH HOLD over such a function is run to its end at the commit
BEGIN; DECLARE h CURSOR WITH HOLD FOR SELECT wr(i) FROM generate_series(8000, 8003) i; SELECT * FROM bad(); COMMIT; SELECT * FROM bad(); FETCH ALL FROM h; CLOSE h; SELECT * FROM bad();
-- prepared statements, exception handlers in loops, procedures that commit
PREPARE p(int) AS INSERT INTO b VALUES ($1, 0, $1); EXECUTE p(9500); EXECUTE p(9501); SELECT * FROM bad();
DO $$ BEGIN FOR i IN 9100..9110 LOOP BEGIN INSERT INTO corn.b VALUES (i, 0, i); IF i % 2 = 0 THEN RAISE 'x'; END IF; DELETE FROM corn.b WHERE b.id = i - 100; EXCEPTION WHEN OTHERS THEN UPDATE corn.b SET w = w + 1 WHERE b.id = 9500; END; END LOOP; END $$; SELECT * FROM bad();
CREATE PROCEDURE pr() LANGUAGE plpgsql AS $$ BEGIN FOR i IN 9200..9206 LOOP INSERT INTO corn.b VALUES (i, 0, i); IF i % 3 = 0 THEN ROLLBACK; ELSE COMMIT; END IF; UPDATE corn.a SET v = v + i WHERE id = 1; IF EXISTS (SELECT FROM corn.bad()) THEN RAISE 'differs'; END IF; END LOOP; END $$;
CALL pr(); SELECT * FROM bad();
-- COPY FREEZE into new and emptied partitions; TRUNCATE of one
CREATE TABLE pt (id int, k int) PARTITION BY RANGE (id); SELECT imat.create('p', 'SELECT k, count(*) n FROM pt GROUP BY k');
BEGIN; CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (0) TO (100); COPY pt1 FROM stdin WITH (FREEZE);
1	1
2	2
\.
SELECT * FROM bad();
TRUNCATE pt1; SELECT * FROM bad(); COPY pt1 FROM stdin WITH (FREEZE);
1	1
2	2
\.
COMMIT; SELECT * FROM bad();
BEGIN; TRUNCATE pt1; INSERT INTO pt VALUES (3,3); SELECT * FROM bad(); ROLLBACK; SELECT * FROM bad();
TRUNCATE pt1; SELECT * FROM bad(); INSERT INTO pt VALUES (3,3); SELECT * FROM bad();
BEGIN; INSERT INTO pt VALUES (4,4); SAVEPOINT s; TRUNCATE pt; ROLLBACK TO s; INSERT INTO pt1 VALUES (5,5); COMMIT; SELECT * FROM bad();
-- what writes, or reads, and doesn't look like it
DO $$ BEGIN EXECUTE 'EXPLAIN (ANALYZE) INSERT INTO corn.a VALUES (9999, 1, 1)'; END $$; SELECT * FROM bad();
CREATE TEMP TABLE tt AS SELECT wr(9300); SELECT * FROM bad();
CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM w; REFRESH MATERIALIZED VIEW mv;
BEGIN; INSERT INTO b VALUES (9400, 0, 1); REFRESH MATERIALIZED VIEW mv; SELECT (SELECT count FROM mv) = (SELECT count(*) FROM b); COPY (SELECT count(*) FROM w) TO stdout; CREATE TEMP TABLE t2 AS TABLE w; SELECT (SELECT count(*) FROM t2) = (SELECT count(*) FROM b); COMMIT;
-- owners and roles
CREATE ROLE imat_corn_1; CREATE ROLE imat_corn_2; GRANT USAGE, CREATE ON SCHEMA corn TO imat_corn_1, imat_corn_2;
SET ROLE imat_corn_1; CREATE TABLE os (k int, v int); SELECT imat.create('oi', 'SELECT k, avg(v) a, count(DISTINCT v) n FROM os GROUP BY k'); RESET ROLE;
REASSIGN OWNED BY imat_corn_1 TO imat_corn_2; INSERT INTO os VALUES (1,1); SELECT * FROM bad(); 
SELECT relname, relowner::regrole FROM pg_class WHERE relname ~ '^o(s|i)' AND relkind IN ('r','v') ORDER BY 1;
ALTER ROLE imat_corn_2 RENAME TO imat_corn_3; INSERT INTO os VALUES (1,2); SELECT * FROM bad();
BEGIN; INSERT INTO os VALUES (1,3); REASSIGN OWNED BY imat_corn_3 TO imat_corn_1; INSERT INTO os VALUES (2,3); SELECT * FROM bad(); ALTER ROLE imat_corn_1 RENAME TO imat_corn_4; INSERT INTO os VALUES (3,3); COMMIT; SELECT * FROM bad();
BEGIN; DROP OWNED BY imat_corn_4; SELECT count(*) FROM imat.registered WHERE imat::text = 'oi'; ROLLBACK; INSERT INTO os VALUES (4,3); SELECT * FROM bad();
DROP OWNED BY imat_corn_4; SELECT count(*) FROM imat.registered WHERE imat::text ~ 'oi'; SELECT relname FROM pg_class WHERE relname ~ '^oi'; 
CREATE SCHEMA corn_other; CREATE TABLE corn_other.c1 (LIKE pt); INSERT INTO corn_other.c1 VALUES (200,7); ALTER TABLE pt ATTACH PARTITION corn_other.c1 FOR VALUES FROM (100) TO (300); SELECT * FROM bad(); SET client_min_messages = warning; DROP SCHEMA corn_other CASCADE; SELECT * FROM bad(); SELECT count(*) FROM p;
SELECT imat FROM imat.status WHERE errors > 0 OR NOT trusted;
DROP SCHEMA corn CASCADE; DROP ROLE imat_corn_3, imat_corn_4;
SELECT count(*) FROM imat.registered;
