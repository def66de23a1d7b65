--
-- IMATs over IMATs, and DDL on IMATs, each step in a transaction of its own, and all in one
--
SELECT oracle.write('setup', $script$
CREATE SCHEMA ways
CREATE SCHEMA ways_other
SET search_path = ways, public
CREATE ROLE imat_ways_owner
CREATE ROLE imat_ways_heir
GRANT USAGE, CREATE ON SCHEMA ways, ways_other TO imat_ways_owner, imat_ways_heir
CREATE TABLE src (id int PRIMARY KEY, k int, v int)
CREATE TABLE allowed (k int PRIMARY KEY)
CREATE TABLE noted (k int, n bigint)
INSERT INTO allowed SELECT generate_series(0, 99)
INSERT INTO src SELECT i, i % 4, i FROM generate_series(1, 12) i
SELECT imat.create('sums', 'SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k')
SELECT imat.create('means', 'SELECT k, avg(v) AS a, count(DISTINCT v) AS d FROM src GROUP BY k')
SELECT imat.create('lists', 'SELECT k, string_agg(v::text, '','' ORDER BY id) AS l FROM src GROUP BY k')
SELECT imat.create('kept_sizes', 'SELECT n, count(*) AS c, sum(s) AS s FROM (SELECT k AS k, count(*) AS n, sum(v) AS s FROM src GROUP BY k) q GROUP BY n')
SELECT imat.create('kept_above', 'SELECT s.k, q.c FROM sums s JOIN (SELECT n, count(*) AS c FROM sums GROUP BY n) q ON q.n = s.n')
SELECT imat.create('rows_', 'SELECT id, k, v FROM src WHERE v > 2')
SELECT imat.create('ranks', 'SELECT id, rank() OVER (ORDER BY v, id) AS r FROM src')
CREATE VIEW between_them AS SELECT k / 2 AS half, s, n FROM sums
SELECT imat.create('halves', 'SELECT half, sum(s) AS s, sum(n) AS n FROM between_them GROUP BY half')
SELECT imat.create('highest', 'SELECT k, max(r.v) AS m FROM rows_ r GROUP BY k')
SELECT imat.create('diamond', 'SELECT s.k, s.n, h.m FROM sums s JOIN highest h ON h.k = s.k')
SELECT imat.create('diamond_outer', 'SELECT s.k, s.n, h.m FROM sums s LEFT JOIN highest h ON h.k = s.k')
SELECT imat.create('both_and_src', 'SELECT d.n, count(*) AS c, sum(a.v) AS v FROM diamond d JOIN src a ON a.k = d.k GROUP BY d.n')
SELECT imat.create('over_swap', 'SELECT r % 3 AS r, count(*) AS n FROM ranks GROUP BY r % 3')
SELECT imat.create('tip', 'SELECT count(*) AS n, sum(m) AS m FROM diamond')
CREATE MATERIALIZED VIEW m1 AS SELECT k, sum(v) AS v FROM src GROUP BY k
CREATE MATERIALIZED VIEW m2 AS SELECT count(*) AS n, sum(v) AS v FROM m1
SET ROLE imat_ways_owner
CREATE TABLE theirs (k int, v int)
SELECT imat.create('of_theirs', 'SELECT k, avg(v) AS a FROM theirs GROUP BY k')
RESET ROLE
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO ways.noted VALUES (NEW.k, NEW.n); RETURN NULL; END'
SELECT imat.create('of_noted', 'SELECT k, count(*) AS c, max(n) AS m FROM noted GROUP BY k')
$script$);
SELECT oracle.write('steps', $script$
-- towers and diamonds
INSERT INTO src VALUES (13, 1, 13), (14, 4, 14), (15, NULL, 15)
UPDATE src SET v = v + 100 WHERE k = 1
UPDATE src SET k = k + 1
DELETE FROM src WHERE k = 2; INSERT INTO src VALUES (16, 7, 16)
-- a flush in the middle, by reading the tip alone, and one below
INSERT INTO src VALUES (17, 7, 17); SELECT * FROM tip; UPDATE src SET v = 1 WHERE id = 17; SELECT * FROM halves; DELETE FROM src WHERE id = 16
!INSERT INTO src VALUES (18, 7, 17); SELECT * FROM tip; INSERT INTO src VALUES (18, 7, 17)
TRUNCATE src
INSERT INTO src SELECT i, i % 5, i FROM generate_series(1, 15) i
-- one below computed anew, or by another strategy, and back
SELECT oracle.unseen('ways.src', 'UPDATE ways.src SET v = v + 1 WHERE k = 1'); SELECT imat.refresh(c.imat) FROM imat.imat_config c JOIN imat.source s ON (s.imat = c.imat OR s.imat = ANY (c.subqueries)) AND s.source = 'src'::regclass ORDER BY c.imat
SELECT imat.alter('sums', strategy => 'swap'); INSERT INTO src VALUES (20, 3, 20)
SELECT imat.alter('sums', strategy => 'delta'); DELETE FROM src WHERE id = 20; SELECT imat.alter('rows_', strategy => 'swap')
-- materialized views over each other, from below
INSERT INTO src VALUES (21, 3, 20); SELECT create_imat('m1'), create_imat('m2'); INSERT INTO src VALUES (22, 3, 20)
SELECT imat.drop('m2', keep => 'materialized view'); DELETE FROM src WHERE id = 22
SELECT create_imat('m2', 'ways_other'); INSERT INTO src VALUES (23, 8, 20)
!SELECT imat.drop('m1')
!CREATE OR REPLACE VIEW between_them AS SELECT half, s::bigint AS s, n::bigint AS n FROM halves
!DROP TABLE sums
-- names, schemas, owners
INSERT INTO src VALUES (24, 9, 20); ALTER TABLE sums RENAME TO renamed; ALTER TABLE renamed RENAME COLUMN s TO total; INSERT INTO src VALUES (25, 9, 20)
ALTER TABLE renamed SET SCHEMA ways_other; UPDATE src SET v = v + 1 WHERE k = 9
ALTER TABLE ways_other.renamed SET SCHEMA ways; ALTER TABLE renamed RENAME TO sums; ALTER TABLE sums RENAME COLUMN total TO s; DELETE FROM src WHERE id = 24
INSERT INTO theirs VALUES (1, 1), (2, 2); ALTER ROLE imat_ways_owner RENAME TO imat_ways_renamed; INSERT INTO theirs VALUES (1, 2)
INSERT INTO theirs VALUES (3, 3); REASSIGN OWNED BY imat_ways_renamed TO imat_ways_heir; INSERT INTO theirs VALUES (3, 4)
ALTER ROLE imat_ways_renamed RENAME TO imat_ways_owner; UPDATE theirs SET k = 4 WHERE k = 3
-- indexes, storage, statistics, comments, privileges, publication
INSERT INTO src VALUES (30, 1, 30); CREATE INDEX ON sums (s); CREATE UNIQUE INDEX ON rows_ (v, id) WHERE v > 0; CREATE STATISTICS st ON k, n FROM sums; ANALYZE sums; DELETE FROM src WHERE id = 3
ALTER TABLE sums ALTER COLUMN n SET STATISTICS 10, SET (fillfactor = 60); ALTER TABLE means SET TABLESPACE pg_default; COMMENT ON TABLE sums IS 'c'; COMMENT ON COLUMN sums.s IS 'c'; GRANT SELECT ON sums TO imat_ways_heir; UPDATE src SET v = v + 1 WHERE k = 3
ALTER TABLE rows_ REPLICA IDENTITY FULL; CREATE PUBLICATION imat_ways FOR TABLE sums, rows_; INSERT INTO src VALUES (31, 4, 31)
DROP PUBLICATION imat_ways; ALTER TABLE sums DROP CONSTRAINT IF EXISTS sums_pkey; ALTER TABLE rows_ DROP CONSTRAINT rows__pkey; INSERT INTO src VALUES (32, 5, 32), (33, NULL, 33)
CLUSTER sums USING sums_s_idx; REINDEX TABLE means; UPDATE src SET k = 6 WHERE id = 32
@VACUUM FULL rows_
-- constraints and triggers: honoured
ALTER TABLE means ADD CONSTRAINT below CHECK (a < 1000); ALTER TABLE highest ADD CONSTRAINT there FOREIGN KEY (k) REFERENCES allowed; INSERT INTO src VALUES (34, 7, 34)
!INSERT INTO src VALUES (35, 7, 100000); SELECT count(*) FROM means
!INSERT INTO src VALUES (35, 777, 7); SELECT count(*) FROM highest; SET CONSTRAINTS ALL IMMEDIATE
ALTER TABLE means DROP CONSTRAINT below; ALTER TABLE highest DROP CONSTRAINT there; UPDATE src SET v = 34000 WHERE id = 34
CREATE TRIGGER note AFTER INSERT OR UPDATE ON both_and_src FOR EACH STATEMENT EXECUTE FUNCTION note(); DROP TRIGGER note ON both_and_src; CREATE TRIGGER note AFTER INSERT ON sums FOR EACH ROW EXECUTE FUNCTION note(); INSERT INTO src VALUES (36, 36, 36)
DROP TRIGGER note ON sums; DELETE FROM src WHERE id = 36
-- columns: those of the definition stay; direct DML: refused
!ALTER TABLE sums DROP COLUMN s
!ALTER TABLE means ALTER COLUMN a TYPE float8
!DELETE FROM sums
!INSERT INTO src VALUES (37, 1, 1); UPDATE means SET a = 0
!TRUNCATE rows_
!COPY lists FROM PROGRAM 'echo'
INSERT INTO src VALUES (37, 1, 1)
-- unlogged, and logged again, all of the tower
ALTER TABLE src SET UNLOGGED; INSERT INTO src VALUES (38, 2, 1)
ALTER TABLE src SET LOGGED; DELETE FROM src WHERE id = 37
-- the end of some of them, in several ways
SELECT imat.drop('tip'); INSERT INTO src VALUES (40, 1, 40)
SELECT imat.drop('both_and_src', keep => 'table'), imat.drop('diamond', keep => 'materialized view'); INSERT INTO src VALUES (41, 2, 40)
DROP TABLE highest CASCADE; DELETE FROM src WHERE id = 40
INSERT INTO theirs VALUES (9, 9); ALTER TABLE src OWNER TO imat_ways_heir; ALTER TABLE lists OWNER TO imat_ways_heir; INSERT INTO src VALUES (42, 4, 4)
DROP OWNED BY imat_ways_heir CASCADE
$script$);
SELECT oracle.write('end', $script$
DROP SCHEMA ways, ways_other CASCADE
DROP OWNED BY imat_ways_owner, imat_ways_heir
DROP ROLE imat_ways_owner, imat_ways_heir
$script$);
\i test/regress/both_ways.psql
