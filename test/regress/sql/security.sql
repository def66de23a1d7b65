--
-- Maintenance runs with the rights of the IMAT's owner, under a safe search_path, as a restricted operation.
--
CREATE SCHEMA secu; SET search_path = secu, public;
CREATE ROLE imat_secu_owner; CREATE ROLE imat_secu_writer; CREATE ROLE imat_secu_evil;
GRANT USAGE ON SCHEMA secu TO imat_secu_writer, imat_secu_evil; GRANT USAGE, CREATE ON SCHEMA secu TO imat_secu_owner;
SET ROLE imat_secu_owner;
CREATE TABLE src (id int PRIMARY KEY, k int NOT NULL, v float8 NOT NULL, t text);
CREATE FUNCTION who(int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN current_user; END';
SELECT imat.create('d', 'SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k');
SELECT imat.create('w', 'SELECT k, max(t || ''!'') AS m FROM src GROUP BY k');
SELECT imat.create('by_swap', 'SELECT k, max(t || ''!'') AS m FROM src GROUP BY k', strategy => 'swap');
SELECT imat.create('runs_as', 'SELECT who(id) AS as_, count(*) AS n FROM src GROUP BY who(id)');
SELECT imat.create('runs_as_swap', 'SELECT who(id) AS as_, max(v) AS n FROM src GROUP BY who(id)', strategy => 'swap');
SELECT imat.create('runs_as_keyed', 'SELECT who(id) AS as_, max(v) AS n FROM src GROUP BY who(id)', strategy => 'keyed');
GRANT INSERT, SELECT, UPDATE, DELETE ON src TO imat_secu_writer;
RESET ROLE;
-- a writer who has no right on the IMATs, nor on what belongs to them
SET ROLE imat_secu_writer;
INSERT INTO src VALUES (1, 1, 1, 'a'), (2, 1, 2, 'b');
UPDATE src SET v = 3 WHERE id = 1;
SELECT oracle.error('SELECT * FROM secu.d');
SELECT oracle.error('INSERT INTO secu.d VALUES (1, 1, 1)');
SELECT (SELECT line FROM oracle.error('SELECT * FROM imat.d_state') line LIMIT 1);
SELECT (SELECT line FROM oracle.error('SELECT * FROM imat.d_definition') line LIMIT 1);
SELECT (SELECT line FROM oracle.error('INSERT INTO imat.registered SELECT * FROM imat.registered') line LIMIT 1);
SELECT (SELECT line FROM oracle.error('DELETE FROM imat.source') line LIMIT 1);
SELECT (SELECT line FROM oracle.error('CREATE TABLE imat.mine (a int)') line LIMIT 1);
SELECT current_user;
RESET ROLE;
SELECT * FROM oracle.all_same('secu') WHERE imat IN ('d', 'w', 'by_swap');   -- the others show who runs them: not the oracle's user
SELECT as_ FROM runs_as; SELECT as_ FROM runs_as_swap; SELECT as_ FROM runs_as_keyed;
-- a writer whose search_path is full of traps: functions, operators, casts, tables of the names that maintenance could use
CREATE SCHEMA trap AUTHORIZATION imat_secu_evil;
SET ROLE imat_secu_evil;
CREATE TABLE trap.src AS SELECT 99 AS id, 99 AS k, 99.0::float8 AS v, 'trap'::text AS t;
CREATE TABLE trap.d (k int, s float8, n bigint); CREATE TABLE trap.registered (x int); CREATE TABLE trap.pg_class (x int);
CREATE FUNCTION trap.boom(float8, float8) RETURNS float8 LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
CREATE FUNCTION trap.boom(int, int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
CREATE FUNCTION trap.boom(text, text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
CREATE OPERATOR trap.+ (FUNCTION = trap.boom, LEFTARG = float8, RIGHTARG = float8);
CREATE OPERATOR trap.= (FUNCTION = trap.boom, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR trap.|| (FUNCTION = trap.boom, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION trap.count() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
CREATE FUNCTION trap.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
CREATE FUNCTION trap.who(int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''trapped''::text';
CREATE AGGREGATE trap.max(text) (SFUNC = trap.boom, STYPE = text);
CREATE AGGREGATE trap.sum(float8) (SFUNC = trap.boom, STYPE = float8);
GRANT USAGE ON SCHEMA trap TO PUBLIC;
RESET ROLE;
GRANT INSERT, SELECT, UPDATE, DELETE ON src TO imat_secu_evil;
SET ROLE imat_secu_evil;
SET search_path = trap, pg_catalog, secu;
INSERT INTO secu.src VALUES (3, 2, 2, 'c'), (4, 2, 2, 'd');
UPDATE secu.src SET v = 5 WHERE id OPERATOR(pg_catalog.=) 3;
DELETE FROM secu.src WHERE id OPERATOR(pg_catalog.=) 4;
RESET ROLE;
SELECT imat.refresh('secu.w'), imat.refresh('secu.by_swap'), imat.refresh('secu.d'), imat.verify('secu.w'), imat.verify('secu.by_swap'), imat.verify('secu.d');
SET search_path = secu, public;
SELECT * FROM oracle.all_same('secu') WHERE imat IN ('d', 'w', 'by_swap');   -- the others show who runs them: not the oracle's user
SELECT as_ FROM runs_as; SELECT as_ FROM runs_as_swap; SELECT as_ FROM runs_as_keyed;
-- code of the IMAT's owner must not do with the writer's rights, or behind its back, what the owner may not: owner's functions
-- run restricted, and as the owner
CREATE TABLE prize (x int);
SET ROLE imat_secu_owner;
CREATE FUNCTION grab(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN EXECUTE 'SELECT count(*) FROM secu.prize'; RETURN $1; END $$;
-- (only a VOLATILE function may try at all; an IMMUTABLE one can call it)
CREATE FUNCTION do_escape() RETURNS void LANGUAGE plpgsql AS $$ BEGIN SET LOCAL ROLE postgres; END $$;
CREATE FUNCTION do_reset() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RESET ROLE; END $$;
CREATE FUNCTION do_auth() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RESET SESSION AUTHORIZATION; END $$;
CREATE FUNCTION do_temp() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE temp_of_owner (x int); END $$;
CREATE FUNCTION escape(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF current_setting('secu.armed', true) = 'yes' THEN PERFORM secu.do_escape(); END IF; RETURN $1; END $$;
CREATE FUNCTION reset_role(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF current_setting('secu.armed', true) = 'yes' THEN PERFORM secu.do_reset(); END IF; RETURN $1; END $$;
CREATE FUNCTION reset_auth(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF current_setting('secu.armed', true) = 'yes' THEN PERFORM secu.do_auth(); END IF; RETURN $1; END $$;
CREATE FUNCTION temp(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF current_setting('secu.armed', true) = 'yes' THEN PERFORM secu.do_temp(); END IF; RETURN $1; END $$;
CREATE TABLE a (id int); SELECT imat.create('of_a', 'SELECT reset_auth(id) AS x, count(*) AS n FROM a GROUP BY reset_auth(id)');
CREATE TABLE g (id int); CREATE TABLE e (id int); CREATE TABLE r (id int); CREATE TABLE rw (id int); CREATE TABLE f (id int);
SELECT imat.create('of_e', 'SELECT escape(id) AS x, count(*) AS n FROM e GROUP BY escape(id)');
SELECT imat.create('of_r', 'SELECT reset_role(id) AS x, max(id) AS n FROM r GROUP BY reset_role(id)');
SELECT imat.create('of_rw', 'SELECT reset_role(id) AS x, max(id) AS n FROM rw GROUP BY reset_role(id)', strategy => 'swap');
SELECT imat.create('of_f', 'SELECT temp(id) AS x, count(*) AS n FROM f GROUP BY temp(id)');
SELECT imat.create('of_g', 'SELECT grab(id) AS x, count(*) AS n FROM g GROUP BY grab(id)');
RESET ROLE;
SET secu.armed = 'yes';
\set VERBOSITY terse
INSERT INTO g VALUES (1);
INSERT INTO e VALUES (1);
INSERT INTO r VALUES (1);
INSERT INTO rw VALUES (1);
INSERT INTO f VALUES (1);
INSERT INTO a VALUES (1);
\set VERBOSITY default
SELECT current_user = session_user AS still_the_writer, (SELECT count(*) FROM g) + (SELECT count(*) FROM e) + (SELECT count(*) FROM r) + (SELECT count(*) FROM rw) + (SELECT count(*) FROM f) + (SELECT count(*) FROM a) AS rows;
RESET secu.armed;
-- the owner changes: so do the rights
ALTER TABLE runs_as OWNER TO imat_secu_writer;
SELECT oracle.error('INSERT INTO secu.src VALUES (5, 5, 5)') = 'no error' AS statement_is_fine;
SELECT (SELECT count(*) FROM runs_as WHERE as_ = 'imat_secu_evil') AS never;
SET client_min_messages = warning;
DROP SCHEMA trap, secu CASCADE;
DROP OWNED BY imat_secu_owner, imat_secu_writer, imat_secu_evil;
DROP ROLE imat_secu_owner, imat_secu_writer, imat_secu_evil;
