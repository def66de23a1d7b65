--
-- Row-level security: of a source, it is the IMAT owner's that counts; of the IMAT, it is its readers'.
--
CREATE SCHEMA rlse; SET search_path = rlse, public;
CREATE ROLE imat_rlse_owner; CREATE ROLE imat_rlse_writer;
GRANT USAGE ON SCHEMA rlse TO imat_rlse_writer; GRANT USAGE, CREATE ON SCHEMA rlse TO imat_rlse_owner;
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, v float8 NOT NULL);
INSERT INTO src VALUES (1, 1, 1), (2, 7, 2);
GRANT ALL ON src TO imat_rlse_writer, imat_rlse_owner;
SELECT imat.create('d', 'SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k');
SELECT imat.create('keyed', 'SELECT k, max(v) AS s FROM src GROUP BY k', strategy => 'keyed');
SELECT imat.create('w', 'SELECT k, max(v) AS s FROM src GROUP BY k', strategy => 'swap');
SELECT oracle.strategy('d'), oracle.strategy('keyed'), oracle.strategy('w');
-- the IMAT's owner sees all, the writer one group: what he writes counts all the same
ALTER TABLE src ENABLE ROW LEVEL SECURITY;
CREATE POLICY writers ON src TO imat_rlse_writer USING (k = 1) WITH CHECK (true);
SET ROLE imat_rlse_writer;
INSERT INTO src VALUES (20, 1, 1), (21, 7, 7);
UPDATE src SET v = v + 1;
RESET ROLE;
SELECT imat, split_part(verdict, ',', 1) AS verdict FROM oracle.all_same('rlse');
SELECT k, s, n FROM d ORDER BY k;
SET ROLE imat_rlse_writer;
DELETE FROM src;
RESET ROLE;
SELECT imat, split_part(verdict, ',', 1) AS verdict FROM oracle.all_same('rlse');
SELECT k, s, n FROM d ORDER BY k;
-- an owner who is subject to a policy: his IMAT holds what he may see, whoever writes
CREATE POLICY owners ON src TO imat_rlse_owner USING (k > 5) WITH CHECK (true);
SET ROLE imat_rlse_owner;
SELECT imat.create('od', 'SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k');
SELECT imat.create('ok', 'SELECT k, max(v) AS m, count(*) AS n FROM src GROUP BY k');
RESET ROLE;
SELECT oracle.strategy('od'), oracle.strategy('ok');
INSERT INTO src VALUES (30, 1, 1), (31, 7, 7), (32, 8, 8);
SELECT * FROM od ORDER BY k;
SELECT * FROM ok ORDER BY k;
SELECT imat.verify('od'), imat.verify('ok');
UPDATE src SET k = 1 WHERE id = 32;
SELECT * FROM od ORDER BY k;
SELECT * FROM ok ORDER BY k;
SELECT imat.verify('od'), imat.verify('ok'), imat.verify('d'), imat.verify('keyed'), imat.verify('w');
-- row-level security of the IMAT
ALTER TABLE d ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON d FOR SELECT TO imat_rlse_writer USING (k = 7);
GRANT SELECT ON d TO imat_rlse_writer;
SET ROLE imat_rlse_writer;
BEGIN;
INSERT INTO src VALUES (22, 1, 1), (23, 7, 7);
SELECT k, n FROM d;
COMMIT;
RESET ROLE;
SELECT imat.verify('d');
ALTER TABLE src DISABLE ROW LEVEL SECURITY;
INSERT INTO src VALUES (24, 1, 1), (25, 7, 7);
SELECT imat.verify('d'), imat.verify('keyed'), imat.verify('w');
SELECT imat.refresh('od'), imat.refresh('ok');
SELECT imat.verify('od'), imat.verify('ok');
SELECT count(*) FROM od;
SET client_min_messages = warning;
DROP SCHEMA rlse CASCADE;
DROP OWNED BY imat_rlse_owner, imat_rlse_writer;
DROP ROLE imat_rlse_owner, imat_rlse_writer;
