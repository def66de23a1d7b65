--
-- Statements that change sources, each in a transaction of its own, and all in one: with IMATs over one, two and three tables, by group and
-- by row, by every strategy, and over IMATs.
--
SELECT oracle.write('setup', $script$
CREATE SCHEMA ways
SET search_path = ways, public
CREATE TABLE a (id int PRIMARY KEY, k int, v int)
CREATE TABLE b (id int PRIMARY KEY, a int, w int)
CREATE TABLE parent (id int PRIMARY KEY)
CREATE TABLE child (id int PRIMARY KEY, c int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE,
    n int REFERENCES parent ON DELETE SET NULL ON UPDATE SET NULL, d int DEFAULT 6 REFERENCES parent ON DELETE SET DEFAULT ON UPDATE SET DEFAULT,
    l int REFERENCES parent ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)
CREATE SEQUENCE numbers
CREATE TABLE numbered (id int DEFAULT nextval('numbers'), k int)
ALTER SEQUENCE numbers OWNED BY numbered.id
INSERT INTO a SELECT i, i % 4, i FROM generate_series(1, 12) i
INSERT INTO b SELECT i, i % 8 + 1, i * 10 FROM generate_series(1, 12) i
INSERT INTO parent SELECT generate_series(1, 9)
INSERT INTO child SELECT i, i % 3 + 1, i % 2 + 1, i % 4 + 1, i % 5 + 1 FROM generate_series(1, 24) i
SELECT imat.create('sums', 'SELECT k, sum(v) AS s, count(*) AS n FROM a GROUP BY k')
SELECT imat.create('means', 'SELECT k, avg(v) AS a, count(DISTINCT v) AS d, max(v) AS m FROM a GROUP BY k')
SELECT imat.create('lists', 'SELECT k, string_agg(v::text, '','' ORDER BY id) AS l FROM a GROUP BY k')
SELECT imat.create('ranks', 'SELECT id, rank() OVER (ORDER BY w, id) AS r FROM b')
SELECT imat.create('joined', 'SELECT a.k, sum(w) AS w, count(*) AS n FROM a JOIN b ON b.a = a.id GROUP BY a.k')
SELECT imat.create('outer_rows', 'SELECT a.id, b.id AS other, w FROM a LEFT JOIN b ON b.a = a.id')
SELECT imat.create('there', 'SELECT a.id, a.v FROM a WHERE EXISTS (SELECT FROM b WHERE b.a = a.id)')
SELECT imat.create('first_ones', 'SELECT k, sum(v) AS s FROM a GROUP BY k ORDER BY s DESC NULLS LAST, k LIMIT 3')
SELECT imat.create('kept_joined', 'SELECT b.w, sum(q.s) AS s, count(*) AS n FROM b JOIN (SELECT k, sum(v) AS s FROM a GROUP BY k) q ON q.k = b.a GROUP BY b.w')
SELECT imat.create('kept_last', 'SELECT v, count(*) AS n FROM (SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY id DESC) AS r FROM a) q WHERE r = 1 GROUP BY v')
SELECT imat.create('over', 'SELECT n, count(*) AS groups, sum(w) AS w FROM joined GROUP BY n')
SELECT imat.create('family', 'SELECT c, n, d, l, count(*) AS r, sum(id) AS s FROM child GROUP BY c, n, d, l')
SELECT imat.create('parents', 'SELECT p.id, count(*) AS n FROM parent p JOIN child c ON c.c = p.id GROUP BY p.id')
SELECT imat.create('counted', 'SELECT k, count(*) AS n, max(id) AS m FROM numbered GROUP BY k')
CREATE VIEW simple AS SELECT id, k, v FROM a WHERE k > 0
CREATE VIEW both_of AS SELECT a.id, a.k, b.w FROM a JOIN b ON b.a = a.id
CREATE FUNCTION writes(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO ways.b VALUES ($1 + 1000, 2, $1); RETURN $1; END'
CREATE FUNCTION both_insert() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO ways.a VALUES (NEW.id, NEW.k, NEW.w); INSERT INTO ways.b VALUES (NEW.id, NEW.id, NEW.w); RETURN NEW; END'
CREATE TRIGGER both_insert INSTEAD OF INSERT ON both_of FOR EACH ROW EXECUTE FUNCTION both_insert()
CREATE FUNCTION before_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.v = 666 THEN RETURN NULL; END IF; NEW.v := NEW.v * 2; RETURN NEW; END'
CREATE FUNCTION ping() RETURNS trigger LANGUAGE plpgsql AS $f$
    BEGIN
        IF NEW.id < 3000 THEN
            EXECUTE format('INSERT INTO ways.%I SELECT $1 + 700, 2, 1', CASE TG_TABLE_NAME WHEN 'a' THEN 'b' ELSE 'a' END) USING NEW.id;
        END IF;
        RETURN NULL;
    END $f$
CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO ways.a VALUES (NEW.id + 5000, 1, 1); RETURN NULL; END'
CREATE FUNCTION last_word() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE ways.b SET w = w + 1 WHERE id < 4; RETURN NULL; END'
CREATE FUNCTION by_table() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO ways.b SELECT id + 900, id, (SELECT count(*) FROM ways.sums) FROM added; RETURN NULL; END'
CREATE FUNCTION looks() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.w := (SELECT count(*) FROM ways.joined); UPDATE ways.a SET v = v + 1 WHERE id = NEW.a; RETURN NEW; END'
CREATE FUNCTION writes_sql(int) RETURNS bigint LANGUAGE sql AS 'INSERT INTO ways.b VALUES ($1 + 1000, 5, $1); UPDATE ways.a SET v = v + 1 WHERE k = 1; SELECT count(*) FROM ways.joined'
CREATE FUNCTION removes(int) RETURNS SETOF int LANGUAGE plpgsql AS 'BEGIN RETURN QUERY DELETE FROM ways.b WHERE id = $1 + 1000 RETURNING id; END'
CREATE VIEW calls AS SELECT writes(550) AS x
CREATE TABLE defaulted (x int DEFAULT writes(570), y int DEFAULT 575 CHECK (writes(y) > 0))
CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree ON DELETE CASCADE ON UPDATE CASCADE)
INSERT INTO tree SELECT i, nullif(i / 2, 0) FROM generate_series(1, 15) i
SELECT imat.create('leaves', 'SELECT p.id, count(*) AS n FROM tree p JOIN tree c ON c.parent = p.id GROUP BY p.id')
PREPARE put(int, int) AS INSERT INTO b VALUES ($1, $2, $1)
$script$);
SELECT oracle.write('steps', $script$
-- plain ones
INSERT INTO a VALUES (13, 1, 13), (14, NULL, 14), (15, 4, NULL)
UPDATE a SET v = v + 100 WHERE k = 1
UPDATE a SET k = k + 1 WHERE id % 2 = 0
UPDATE a SET id = id + 100 WHERE id = 3
DELETE FROM b WHERE w < 30
DELETE FROM a USING b WHERE b.a = a.id AND b.w = 70
INSERT INTO a SELECT id + 200, k, v FROM a WHERE k = 1
-- several statements over several sources, sent at once
DELETE FROM b WHERE id = 4; INSERT INTO a VALUES (20, 7, 20); INSERT INTO b VALUES (20, 20, 20), (21, 5, 21); UPDATE a SET k = 7 WHERE k = 3
INSERT INTO b VALUES (22, 20, 22); DELETE FROM a WHERE id = 20; UPDATE b SET a = 5 WHERE a = 20
-- writable CTEs
WITH x AS (INSERT INTO a SELECT i, i % 3, i FROM generate_series(30, 35) i RETURNING *) INSERT INTO b SELECT id, id, v * 10 FROM x
WITH x AS (UPDATE a SET k = 5, v = v + 1 WHERE k = 1 RETURNING *), y AS (DELETE FROM b WHERE id = 31 RETURNING *), z AS (INSERT INTO a SELECT id + 70, 5, 1 FROM y RETURNING *)
    UPDATE b SET w = w + (SELECT count(*) FROM z) WHERE a = 5
WITH x AS (DELETE FROM a WHERE id = 32 RETURNING *) SELECT count(*) FROM x
-- ON CONFLICT
INSERT INTO a VALUES (5, 8, 8), (40, 8, 8) ON CONFLICT (id) DO UPDATE SET k = EXCLUDED.k, v = a.v + EXCLUDED.v
INSERT INTO a VALUES (5, 9, 9), (41, 9, 9) ON CONFLICT DO NOTHING
INSERT INTO a VALUES (40, 9, 9), (41, 8, 8) ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v WHERE a.k = 9
-- foreign keys that cascade, set NULL and the default
DELETE FROM parent WHERE id = 1
UPDATE parent SET id = 30 WHERE id = 3
DELETE FROM parent WHERE id IN (4, 5)
INSERT INTO child VALUES (100, 2, 2, 2, 2), (101, 6, 6, 6, 6); UPDATE parent SET id = 31 WHERE id = 2
-- deferred ones: met in the end, and not
INSERT INTO child VALUES (102, 6, 6, 6, 77); INSERT INTO parent VALUES (77)
!INSERT INTO child VALUES (103, 6, 6, 6, 78); SET CONSTRAINTS ALL IMMEDIATE
INSERT INTO child VALUES (103, 6, 6, 6, 79); UPDATE child SET l = 7 WHERE id = 103
-- triggers: before, after, recursive, of constraints, deferred
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE ON a FOR EACH ROW EXECUTE FUNCTION before_row()
INSERT INTO a VALUES (50, 1, 666), (51, 1, 5); UPDATE a SET v = v + 1 WHERE id = 40
DROP TRIGGER before_row ON a
CREATE TRIGGER ping AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION ping(); CREATE TRIGGER ping AFTER INSERT ON b FOR EACH ROW EXECUTE FUNCTION ping()
INSERT INTO a VALUES (52, 5, 1), (53, 7, 1)
DROP TRIGGER ping ON a; DROP TRIGGER ping ON b
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON parent DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit()
INSERT INTO parent VALUES (601), (602); SET CONSTRAINTS ALL IMMEDIATE
DROP TRIGGER at_commit ON parent
CREATE TRIGGER last_word AFTER DELETE OR TRUNCATE ON a FOR EACH STATEMENT EXECUTE FUNCTION last_word()
DELETE FROM a WHERE id = 5601
-- rules and views
CREATE RULE too AS ON DELETE TO a DO ALSO DELETE FROM b WHERE a = OLD.id; CREATE RULE instead AS ON UPDATE TO b WHERE NEW.w < 0 DO INSTEAD INSERT INTO a VALUES (NEW.id + 4000, 3, NEW.w)
DELETE FROM a WHERE k = 2 AND id < 100; UPDATE b SET w = -w WHERE id > 30
DROP RULE too ON a; DROP RULE instead ON b
INSERT INTO simple VALUES (60, 1, 60); UPDATE simple SET v = v + 1, k = 3 WHERE id = 60; DELETE FROM simple WHERE id = 13
INSERT INTO both_of VALUES (61, 1, 61)
-- COPY: to a table, to a view with a trigger, frozen
COPY a FROM PROGRAM 'printf "70\t1\t70\n71\t\\N\t71\n"'
COPY both_of FROM PROGRAM 'printf "72\t1\t72\n73\t4\t73\n"'
TRUNCATE numbered; COPY numbered FROM PROGRAM 'printf "1\t1\n2\t2\n"' WITH (FREEZE)
-- TRUNCATE: one, RESTART IDENTITY, CASCADE, with rows before and after it
INSERT INTO numbered (k) VALUES (3), (3); TRUNCATE numbered RESTART IDENTITY; INSERT INTO numbered (k) VALUES (1), (2), (2)
TRUNCATE parent CASCADE
INSERT INTO parent VALUES (1), (2), (6); INSERT INTO child SELECT i, 1, 2, 6, i % 2 + 1 FROM generate_series(1, 9) i
INSERT INTO b VALUES (80, 5, 1); TRUNCATE b; INSERT INTO b SELECT i, i, i FROM generate_series(1, 9) i
-- functions, DO with handlers, prepared statements, cursors
UPDATE a SET v = writes(id) WHERE k = 4
SELECT writes(300), (SELECT count(*) FROM ranks)
EXECUTE put(90, 5); EXECUTE put(91, 6)
DO $f$ BEGIN FOR i IN 400..406 LOOP BEGIN INSERT INTO ways.b VALUES (i, 5, i); IF i % 2 = 0 THEN RAISE 'x'; END IF; DELETE FROM ways.b WHERE id = i - 400;
    EXCEPTION WHEN OTHERS THEN UPDATE ways.a SET v = v + (SELECT count(*) FROM ways.joined) WHERE id = 60; END; END LOOP; END $f$
DO $f$ BEGIN INSERT INTO ways.a VALUES (410, 1, 1); BEGIN INSERT INTO ways.b VALUES (410, 410, 1); PERFORM count(*) FROM ways.there; INSERT INTO ways.a SELECT i, 1, 1 / (i - 412) FROM generate_series(411, 413) i;
    EXCEPTION WHEN division_by_zero THEN INSERT INTO ways.b VALUES (411, 410, 2); END; END $f$
DO $f$ DECLARE c CURSOR FOR SELECT id FROM ways.a WHERE k = 1 FOR UPDATE; BEGIN FOR r IN c LOOP UPDATE ways.a SET v = v + 1 WHERE CURRENT OF c; PERFORM count(*) FROM ways.sums; END LOOP; END $f$
DECLARE held CURSOR WITH HOLD FOR SELECT k, w FROM joined ORDER BY k; UPDATE b SET w = w + 1000 WHERE a = 5; CLOSE held
DECLARE held CURSOR WITH HOLD FOR SELECT writes(i) FROM generate_series(500, 502) i; MOVE ALL FROM held; CLOSE held
EXPLAIN (ANALYZE) INSERT INTO a VALUES (800, 1, 1)
CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT writes(510)
COPY (DELETE FROM a WHERE id = 410 RETURNING id) TO PROGRAM 'cat >/dev/null'; COPY (SELECT writes(520)) TO PROGRAM 'cat >/dev/null'
COPY b FROM PROGRAM 'printf "950\t5\t1\n951\t5\t2\n"' WHERE w > 1
SELECT writes_sql(530); SELECT count(*) FROM a, LATERAL writes_sql(a.id + 600) WHERE a.k = 1
VALUES (writes(540)), (writes(541)); SELECT count(x) FROM calls; SELECT removes(540), (SELECT count(*) FROM joined)
INSERT INTO defaulted DEFAULT VALUES; INSERT INTO defaulted VALUES (1, 580)
DECLARE c CURSOR FOR SELECT writes(i) FROM generate_series(560, 562) i; FETCH 2 FROM c; SELECT count(*) FROM joined; FETCH 1 FROM c; CLOSE c
DECLARE c CURSOR FOR SELECT k, n FROM joined ORDER BY k; FETCH 1 FROM c; UPDATE b SET w = w + 1; DELETE FROM a WHERE k = 1; SELECT count(*) FROM ranks; FETCH ALL FROM c; CLOSE c
CREATE TRIGGER by_table AFTER INSERT ON a REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION by_table(); CREATE TRIGGER looks BEFORE INSERT ON b FOR EACH ROW EXECUTE FUNCTION looks()
INSERT INTO a VALUES (54, 5, 1), (55, 7, 1); INSERT INTO b VALUES (54, 54, 0), (55, 54, 0)
DROP TRIGGER by_table ON a; DROP TRIGGER looks ON b
DELETE FROM tree WHERE id = 3; UPDATE tree SET id = id + 100 WHERE id = 2
-- statements that fail half-way
!INSERT INTO a SELECT i, 5, 100 / (i - 2005) FROM generate_series(2000, 2010) i
!INSERT INTO b VALUES (2000, 1, 1); INSERT INTO a VALUES (2000, 1, 1), (5, 1, 1)
!WITH x AS (DELETE FROM a RETURNING id) INSERT INTO b SELECT id, 1, 1 / (id - 60) FROM x
!INSERT INTO a VALUES (2001, 1, 1); SELECT count(*) FROM over; SELECT 1 / 0
UPDATE a SET v = v - 1; UPDATE b SET w = w - 1
-- the other source's rows, and all of them
TRUNCATE a
INSERT INTO a SELECT i, i % 4, i FROM generate_series(1, 12) i
$script$);
SELECT oracle.write('end', $script$
DROP SCHEMA ways CASCADE
DEALLOCATE put
$script$);
\i test/regress/both_ways.psql
