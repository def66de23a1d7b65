--
-- ALTER EXTENSION and DROP EXTENSION: of pg_imat itself, and of one that sources or definitions belong to, each step in a transaction of its
-- own, and all in one
--
SELECT oracle.write('setup', $script$
CREATE SCHEMA ways
CREATE SCHEMA ways_other
SET search_path = ways, public
CREATE EXTENSION IF NOT EXISTS citext SCHEMA ways
CREATE TABLE src (id int PRIMARY KEY, k int, v int)
CREATE TABLE words (id int PRIMARY KEY, w citext)
CREATE TABLE member (id int PRIMARY KEY, k int)
CREATE VIEW member_view AS SELECT k, v + 1 AS v FROM src
CREATE FUNCTION member_function(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 + 1; END'
INSERT INTO src SELECT i, i % 3, i FROM generate_series(1, 9) i
INSERT INTO words VALUES (1, 'a'), (2, 'B'), (3, 'A')
INSERT INTO member SELECT i, i % 3 FROM generate_series(1, 9) i
SELECT imat.create('kept_sizes', 'SELECT n, count(*) AS c, sum(s) AS s FROM (SELECT k AS k, count(*) AS n, sum(v) AS s FROM src GROUP BY k) q GROUP BY n')
SELECT imat.create('sums', 'SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k')
SELECT imat.create('means', 'SELECT k, avg(v) AS a, count(DISTINCT v) AS d FROM src GROUP BY k')
SELECT imat.create('lists', 'SELECT k, string_agg(v::text, '','' ORDER BY id) AS l FROM src GROUP BY k')
SELECT imat.create('rows_', 'SELECT id, k, v FROM src WHERE v > 2')
SELECT imat.create('ranks', 'SELECT id, rank() OVER (ORDER BY v, id) AS r FROM src')
SELECT imat.create('over', 'SELECT n, count(*) AS groups FROM sums GROUP BY n')
SELECT imat.create('of_words', 'SELECT lower(w::text) AS w, count(*) AS n, max(length(w::text)) AS l FROM words GROUP BY lower(w::text)')
SELECT imat.create('by_citext', 'SELECT w = ''a'' AS is_a, count(*) AS n FROM words GROUP BY w = ''a''')
SELECT imat.create('of_member', 'SELECT m.k, sum(s.v) AS s FROM member m JOIN src s ON s.k = m.k GROUP BY m.k')
SELECT imat.create('of_member_view', 'SELECT member_function(k) AS k, sum(v) AS s FROM member_view GROUP BY 1')
$script$);
SELECT oracle.write('steps', $script$
-- it stays where it is, in this version
!INSERT INTO src VALUES (10, 1, 1); ALTER EXTENSION pg_imat SET SCHEMA ways_other
!INSERT INTO src VALUES (10, 1, 1); ALTER SCHEMA imat RENAME TO not_imat; INSERT INTO src VALUES (11, 1, 1); SELECT 1 / count(*) FROM over WHERE false
!ALTER EXTENSION pg_imat UPDATE TO '999'
!DROP EXTENSION pg_imat
!INSERT INTO src VALUES (10, 1, 1); DROP EXTENSION pg_imat RESTRICT
INSERT INTO src VALUES (10, 1, 1); ALTER EXTENSION pg_imat UPDATE; INSERT INTO src VALUES (11, 2, 1)
-- sources, IMATs, views and functions that belong to an extension, and don't any more
INSERT INTO member VALUES (10, 1); ALTER EXTENSION citext ADD TABLE member; ALTER EXTENSION citext ADD VIEW member_view; ALTER EXTENSION citext ADD FUNCTION member_function(int); INSERT INTO member VALUES (11, 1)
ALTER EXTENSION citext ADD TABLE rows_; ALTER EXTENSION citext ADD TABLE over; UPDATE src SET v = v + 1, k = k + 1 WHERE k = 2
!DROP TABLE member
!INSERT INTO src VALUES (12, 1, 1); DROP EXTENSION citext
INSERT INTO src VALUES (12, 1, 1); ALTER EXTENSION citext DROP TABLE rows_; ALTER EXTENSION citext DROP TABLE over; ALTER EXTENSION citext DROP VIEW member_view; DELETE FROM src WHERE id = 1
CREATE OR REPLACE VIEW member_view AS SELECT k, v + 2 AS v FROM src; INSERT INTO src VALUES (13, 1, 1)
ALTER EXTENSION citext SET SCHEMA ways_other; INSERT INTO words VALUES (4, 'b'); UPDATE words SET w = 'A' WHERE id = 1
ALTER EXTENSION citext UPDATE; INSERT INTO words VALUES (5, 'b'); UPDATE words SET w = 'a' WHERE id = 3
-- what belongs to ours by accident, and doesn't any more
INSERT INTO src VALUES (14, 1, 1); ALTER EXTENSION pg_imat ADD TABLE src; INSERT INTO src VALUES (15, 1, 1); ALTER EXTENSION pg_imat ADD TABLE sums; DELETE FROM src WHERE id = 2
UPDATE src SET v = v + 1; ALTER EXTENSION pg_imat DROP TABLE src; ALTER EXTENSION pg_imat DROP TABLE sums; INSERT INTO src VALUES (16, 1, 1)
-- the other extension goes, and what is made of it; and what belongs to it, with what reads that
INSERT INTO src VALUES (17, 1, 1); INSERT INTO words VALUES (6, 'c'); DROP EXTENSION citext CASCADE; INSERT INTO src VALUES (18, 1, 1)
UPDATE src SET v = v + 1; INSERT INTO words (id) VALUES (7)
-- ours goes, leaves plain tables, and comes again
CREATE TABLE rows_before AS SELECT * FROM rows_; INSERT INTO src VALUES (20, 1, 20); DROP EXTENSION pg_imat CASCADE;
    DO $f$ BEGIN ASSERT NOT EXISTS (SELECT id, k, v FROM ways.src WHERE v > 2 EXCEPT TABLE ways.rows_), 'what was pending is there'; END $f$;
    INSERT INTO src VALUES (21, 1, 1); INSERT INTO sums VALUES (77, 7, 7); CREATE EXTENSION pg_imat SCHEMA public; INSERT INTO src VALUES (22, 1, 1);
    SELECT imat.create('sums_again', 'SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k'); INSERT INTO src VALUES (23, 1, 1)
SELECT imat.create('left_rows', 'SELECT l.id, l.v, b.v AS before FROM rows_ l LEFT JOIN rows_before b USING (id)'); DELETE FROM rows_ WHERE id = 9
SELECT imat.create('over_left', 'SELECT k, sum(s) AS s FROM sums GROUP BY k'); INSERT INTO sums VALUES (78, 7, 7); DELETE FROM sums WHERE k = 77; UPDATE src SET v = v + 1
SELECT imat.create('means_again', 'SELECT k, avg(v) AS a, count(DISTINCT v) AS d FROM src GROUP BY k'), imat.create('over_again', 'SELECT n, count(*) AS groups FROM sums_again GROUP BY n'); DELETE FROM src WHERE k = 1 AND id > 20; INSERT INTO src VALUES (24, 8, 8)
$script$);
SELECT oracle.write('end', $script$
DROP SCHEMA ways, ways_other CASCADE
$script$);
\i test/regress/both_ways.psql
