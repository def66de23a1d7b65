--
-- What roles do that have few rights, each step in a transaction of its own, and all in one
--
SELECT oracle.write('setup', $script$
CREATE SCHEMA ways
SET search_path = ways, public
CREATE ROLE imat_ways_owner
CREATE ROLE imat_ways_writer
CREATE ROLE imat_ways_group
GRANT USAGE, CREATE ON SCHEMA ways TO imat_ways_owner
GRANT USAGE ON SCHEMA ways TO imat_ways_writer
CREATE TABLE src (id int PRIMARY KEY, k int, v int)
INSERT INTO src SELECT i, i % 4, i FROM generate_series(1, 12) i
GRANT SELECT, INSERT, UPDATE, DELETE ON src TO imat_ways_writer
GRANT SELECT, TRIGGER ON src TO imat_ways_group
GRANT imat_ways_group TO imat_ways_owner
SET ROLE imat_ways_owner
CREATE FUNCTION plain(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN abs($1); END'
SELECT imat.create('kept_sizes', 'SELECT n, count(*) AS c, sum(s) AS s FROM (SELECT k AS k, count(*) AS n, sum(v) AS s FROM src GROUP BY k) q GROUP BY n')
SELECT imat.create('sums', 'SELECT k, sum(v) AS s, count(*) AS n FROM ways.src WHERE v > ways.plain(0) GROUP BY k')
SELECT imat.create('means', 'SELECT k, avg(v) AS a, count(DISTINCT v) AS d FROM ways.src GROUP BY k')
SELECT imat.create('lists', 'SELECT k, string_agg(v::text, '','' ORDER BY id) AS l FROM ways.src GROUP BY k')
SELECT imat.create('rows_', 'SELECT id, ways.plain(v) AS v FROM ways.src')
SELECT imat.create('ranks', 'SELECT id, rank() OVER (ORDER BY ways.plain(v), id) AS r FROM ways.src')
SELECT imat.create('joined', 'SELECT a.k, count(*) AS n FROM ways.src a JOIN ways.src b ON a.k = b.k GROUP BY a.k')
CREATE INDEX ON sums (plain(k))
CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM abs(NEW.k); IF current_user <> ''imat_ways_owner'' THEN RAISE ''as %'', current_user; END IF; RETURN NULL; END'
CREATE TRIGGER fired AFTER INSERT OR UPDATE ON sums FOR EACH ROW EXECUTE FUNCTION fired()
RESET ROLE
CREATE SCHEMA trap AUTHORIZATION imat_ways_writer
GRANT USAGE ON SCHEMA trap TO PUBLIC
SET ROLE imat_ways_writer
CREATE FUNCTION trap.abs(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped as %'', current_user; END'
CREATE FUNCTION trap.plus(int, int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped as %'', current_user; END'
CREATE OPERATOR trap.+ (FUNCTION = trap.plus, LEFTARG = int, RIGHTARG = int)
RESET ROLE
$script$);
SELECT oracle.write('steps', $script$
-- a writer with no right on the tables, and with names in the way
SET LOCAL ROLE imat_ways_writer; INSERT INTO src VALUES (13, 1, 13), (14, NULL, 14); SET LOCAL ROLE NONE
SET LOCAL ROLE imat_ways_writer; SET LOCAL search_path = trap, pg_catalog, ways; UPDATE src SET v = 100 WHERE k = 1; DELETE FROM src WHERE id = 2; SET LOCAL search_path = ways, public; SET LOCAL ROLE NONE
!SET LOCAL ROLE imat_ways_writer; SELECT * FROM sums
!SET LOCAL ROLE imat_ways_writer; INSERT INTO src VALUES (15, 1, 15); DELETE FROM sums
!SET LOCAL ROLE imat_ways_writer; SELECT imat.create('ways.mine', 'SELECT k, count(*) AS n FROM ways.src GROUP BY k')
!SET LOCAL ROLE imat_ways_writer; SELECT imat.refresh('sums')
!SET LOCAL ROLE imat_ways_writer; SELECT imat.verify('sums')
!SET LOCAL ROLE imat_ways_writer; SELECT imat.drop('sums')
!SET LOCAL ROLE imat_ways_writer; UPDATE imat.registered SET trusted = true
!SET LOCAL ROLE imat_ways_owner; DELETE FROM sums
SET LOCAL ROLE imat_ways_owner; SELECT imat.refresh('sums'), imat.alter('lists', strategy => 'swap'); SET LOCAL ROLE NONE; UPDATE src SET v = 7 WHERE id = 3
-- an owner who has lost the right to read: whoever writes is told, and nothing changes, until it is back
!REVOKE SELECT ON src FROM imat_ways_group; INSERT INTO src VALUES (20, 7, 7); SELECT count(*) FROM sums
!REVOKE imat_ways_group FROM imat_ways_owner; DELETE FROM src; SELECT count(*) FROM ranks
REVOKE SELECT ON src FROM imat_ways_group; GRANT SELECT ON src TO imat_ways_group; INSERT INTO src VALUES (20, 7, 7)
-- row-level security of the source is the owner's, and of the IMAT its reader's; policies come and go
ALTER TABLE src ENABLE ROW LEVEL SECURITY; CREATE POLICY writers ON src TO imat_ways_writer USING (k = 1) WITH CHECK (true); CREATE POLICY owners ON src TO imat_ways_owner USING (k < 5)
SET LOCAL ROLE imat_ways_writer; INSERT INTO src VALUES (21, 1, 21), (22, 7, 22); UPDATE src SET v = v OPERATOR(pg_catalog.+) 1; DELETE FROM src WHERE id = 5; SET LOCAL ROLE NONE
UPDATE src SET k = 8 WHERE id = 21; UPDATE src SET k = 1 WHERE id = 22
ALTER POLICY owners ON src USING (k > 0); INSERT INTO src VALUES (23, 0, 23), (24, 9, 24)
GRANT SELECT ON sums TO imat_ways_writer; ALTER TABLE sums ENABLE ROW LEVEL SECURITY; CREATE POLICY readers ON sums FOR SELECT TO imat_ways_writer USING (k = 7); SET LOCAL ROLE imat_ways_writer; INSERT INTO src VALUES (25, 7, 25); SELECT * FROM sums; SET LOCAL ROLE NONE
DROP POLICY owners ON src; INSERT INTO src VALUES (26, 1, 26)
ALTER TABLE src DISABLE ROW LEVEL SECURITY; INSERT INTO src VALUES (27, 1, 27)
-- another owner
ALTER TABLE means OWNER TO CURRENT_USER; ALTER TABLE lists OWNER TO CURRENT_USER; SET LOCAL ROLE imat_ways_writer; DELETE FROM src WHERE id = 26; SET LOCAL ROLE NONE
$script$);
SELECT oracle.write('end', $script$
DROP SCHEMA trap, ways CASCADE
DROP OWNED BY imat_ways_owner, imat_ways_writer, imat_ways_group
DROP ROLE imat_ways_owner, imat_ways_writer, imat_ways_group
$script$);
\i test/regress/both_ways.psql
