--
-- Group keys that an index can't take as they are: too long, without an order, too many.  Then it has their hashes, or some of them.
--
CREATE SCHEMA long; SET search_path = long, public;
-- a text that doesn't get short by compression
CREATE FUNCTION text_of(length int, seed text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT left(string_agg(md5(seed || g), ''), length) FROM generate_series(1, length / 32 + 1) g $$;
-- two whose hashes are the same
CREATE TABLE alike (one text, other text);
INSERT INTO alike SELECT min(w), max(w) FROM (SELECT md5(g::text) AS w FROM generate_series(1, 300000) g) words GROUP BY hashtext(w) HAVING count(*) > 1 ORDER BY 1 LIMIT 1;
SELECT one <> other AND hashtext(one) = hashtext(other) AS alike FROM alike;
CREATE DOMAIN words AS text CHECK (VALUE <> 'bad');
CREATE TABLE t (id int PRIMARY KEY, a text, b text NOT NULL, w words, l text[], j jsonb, n int);
CREATE FUNCTION add(first int, keys text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO t SELECT first + i, k, coalesce(k, ''), k, ARRAY[k, 'x'], jsonb_build_object('k', k), first % 7 + i FROM unnest(keys) WITH ORDINALITY k (k, i) $$;
SELECT add(0, ARRAY['x', 'y', NULL]);
SELECT imat.create('by_text', 'SELECT a, count(*) AS c, sum(n) AS s FROM t GROUP BY a');
SELECT imat.create('identified', 'SELECT b, count(*) AS c, sum(n) AS s FROM t GROUP BY b');
SELECT imat.create('distinct_', 'SELECT DISTINCT a, b FROM t');
SELECT imat.create('hidden', 'SELECT count(*) AS c FROM t GROUP BY a, n % 2');
SELECT imat.create('multiple', 'SELECT a, count(DISTINCT n) AS c, count(DISTINCT b) AS d FROM t GROUP BY a');
SELECT imat.create('extreme', 'SELECT w, min(n) AS lo, max(b) AS hi FROM t GROUP BY w');
SELECT imat.create('lists', 'SELECT l, string_agg(n::text, '','' ORDER BY id) AS all_n FROM t GROUP BY l');
SELECT imat.create('documents', 'SELECT j, n % 3 AS k, array_agg(id ORDER BY id) AS ids FROM t GROUP BY j, n % 3');
SELECT imat.create('rolled', 'SELECT a, n % 2 AS k, count(*) AS c, GROUPING(a, n % 2) AS g FROM t GROUP BY ROLLUP (a, n % 2)');
SELECT imat.create('first_', 'SELECT a, count(*) AS c FROM t GROUP BY a ORDER BY c DESC, a LIMIT 2');
SELECT imat.create('of_imat', 'SELECT s, a, count(*) AS k FROM by_text GROUP BY s, a');
CREATE MATERIALIZED VIEW converted AS SELECT b, avg(n) AS m FROM t GROUP BY b;
SELECT create_imat('converted');
-- what isn't the same, or was computed as a whole
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$
    SELECT * FROM oracle.all_same('long') a WHERE verdict !~ '^same' OR verdict ~ 'swap|BUT' $$;
-- the indexes that are over keys
CREATE FUNCTION indexes() RETURNS TABLE (tables text, is_unique bool, hashes bool) LANGUAGE sql AS $$
    SELECT string_agg(c.relname, ', ' ORDER BY c.relname COLLATE "C"), i.indisunique, pg_get_indexdef(i.indexrelid) ~ 'hash_?(text|_array|jsonb|array)|jsonb_hash'
      FROM imat.imat_config f, unnest(ARRAY[f.imat, f.state] || f.multiplicities) k (of) JOIN pg_index i ON i.indrelid = k.of JOIN pg_class c ON c.oid = k.of
     WHERE f.agg_schema_name = 'long' AND pg_get_indexdef(i.indexrelid) !~ 'hash_record' AND c.relname NOT IN ('first_', 'hidden') GROUP BY 2, 3 ORDER BY 2, 3 $$;
SELECT * FROM bad();
SELECT * FROM indexes();
SELECT conrelid::regclass, contype FROM pg_constraint WHERE connamespace = 'long'::regnamespace AND contype = 'p' ORDER BY conrelid::regclass::text COLLATE "C";
-- what is undone leaves the indexes as they were
BEGIN;
SELECT add(10, ARRAY['x', text_of(20000)]);
SELECT * FROM bad();
SELECT count(*) FILTER (WHERE is_unique) AS unique_ones FROM indexes();
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT add(10, ARRAY[text_of(20000)]);
SELECT count(*), max(length(a)) FROM by_text;
ROLLBACK TO s;
SELECT add(20, ARRAY['x', 'z']);
COMMIT;
SELECT * FROM bad();
SELECT count(*) FILTER (WHERE is_unique) AS unique_ones FROM indexes();
-- the first that is too long
SELECT add(30, ARRAY['x', text_of(20000), NULL, text_of(1000)]);
SELECT * FROM bad();
SELECT * FROM indexes();
SELECT conrelid::regclass, contype FROM pg_constraint WHERE connamespace = 'long'::regnamespace AND contype = 'p' ORDER BY conrelid::regclass::text COLLATE "C";
-- groups grow, shrink, are told apart though their hashes are the same, die, are born again
SELECT add(40, ARRAY[text_of(20000), text_of(20000, 'b'), 'x', NULL, one, other, one]) FROM alike;
SELECT * FROM bad();
SELECT count(*) AS groups, sum(c) AS rows FROM by_text WHERE a IN (SELECT one FROM alike UNION SELECT other FROM alike);
DELETE FROM t WHERE a = (SELECT one FROM alike) AND id = 45;
UPDATE t SET n = n + 10 WHERE length(a) > 5000 OR a IS NULL;
SELECT * FROM bad();
UPDATE t SET a = a || 'b', b = b || 'c', w = w || 'd', l = l || 'e'::text, j = j || '{"m": 1}' WHERE id % 2 = 0;
SELECT * FROM bad();
DELETE FROM t WHERE a = (SELECT one FROM alike);
DELETE FROM t WHERE length(a) > 5000;
SELECT * FROM bad();
SELECT add(60, ARRAY[text_of(20000), one, other]) FROM alike;
SELECT * FROM bad();
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT add(70, ARRAY[text_of(20000), one, text_of(3000, 'c')]) FROM alike;
SELECT * FROM bad();
COMMIT;
SELECT * FROM bad();
-- computed as a whole, with the indexes that are there, and exchanged
SELECT imat.refresh(imat) FROM imat.imat_config WHERE agg_schema_name = 'long';
INSERT INTO t SELECT 1000 + g, md5(g::text), md5(g::text), g % 10, '{}', '{}', g FROM generate_series(1, 11000) g;
SELECT oracle.unseen('t', 'DELETE FROM t WHERE id > 1000');
SELECT imat.refresh('by_text'), imat.refresh('identified'), imat.refresh('multiple');
DELETE FROM t WHERE id > 1000;
SELECT imat.refresh(imat) FROM imat.imat_config WHERE agg_schema_name = 'long' AND mv_name NOT IN ('by_text', 'identified', 'multiple');
SELECT add(80, ARRAY[text_of(20000), one, other, 'x']) FROM alike;
SELECT imat, verdict FROM oracle.all_same('long') WHERE verdict !~ '^same';
-- they are there from the beginning; another strategy, and back
SELECT imat.create('later', 'SELECT a, count(*) AS c, sum(n) AS s FROM t GROUP BY a');
SELECT imat.create('later_identified', 'SELECT b, count(DISTINCT n) AS s FROM t GROUP BY b');
CREATE MATERIALIZED VIEW later_converted AS SELECT l, j, max(n) AS m FROM t GROUP BY l, j;
SELECT create_imat('later_converted');
SELECT imat.create('swapped', 'SELECT b, sum(n) AS s FROM t GROUP BY b', strategy => 'swap');
SELECT imat.alter('swapped', strategy => 'auto');
SELECT imat.alter('identified', strategy => 'swap');
SELECT imat.alter('identified', strategy => 'auto');
SELECT add(90, ARRAY[text_of(20000), one, other, 'x', text_of(9000)]) FROM alike;
SELECT imat, verdict FROM oracle.all_same('long') WHERE verdict !~ '^same';
SELECT tables, is_unique FROM indexes() WHERE is_unique;
-- where the writer's default_tablespace says doesn't matter
CREATE TABLE placed (a text, n int);
SELECT imat.create('in_place', 'SELECT a, count(*) AS c FROM placed GROUP BY a');
SET default_tablespace = pg_global;
INSERT INTO placed VALUES (text_of(20000), 1), ('x', 2);
RESET default_tablespace;
SELECT * FROM oracle.same('in_place');
-- by a swap: the rows are known only then
CREATE TABLE u (a text NOT NULL, n int);
SELECT imat.create('cleared', 'SELECT a, count(*) AS c FROM u GROUP BY a');
SELECT indexrelid::regclass, indisunique FROM pg_index WHERE indrelid = 'cleared'::regclass;
BEGIN;
TRUNCATE u;
INSERT INTO u VALUES (text_of(20000), 1), ('x', 2);
COMMIT;
SELECT indexrelid::regclass, indisunique FROM pg_index WHERE indrelid = 'cleared'::regclass;
INSERT INTO u VALUES (text_of(20000), 1), ('x', 2);
SELECT * FROM oracle.same('cleared');
-- of the strategy before it was asked for
CREATE TABLE before (a text, n int);
SELECT imat.create('left_over', 'SELECT a, count(*) AS c FROM before GROUP BY a');
SELECT imat.alter('left_over', strategy => 'swap');
SELECT indexrelid::regclass, indisunique FROM pg_index WHERE indrelid = 'left_over'::regclass;
INSERT INTO before VALUES (text_of(20000), 1), ('x', 2);
SELECT * FROM oracle.same('left_over');
-- an index of the owner's stays, and has its limit
CREATE MATERIALIZED VIEW owned AS SELECT a, count(*) AS c FROM u WHERE n < 0 GROUP BY a;
CREATE UNIQUE INDEX owners ON owned (a);
SELECT create_imat('owned');
INSERT INTO u VALUES ('y', -1);
INSERT INTO u VALUES (text_of(20000), -1);
INSERT INTO u VALUES ('y', -1), (text_of(1000), -2);
SELECT * FROM oracle.same('owned');
SELECT indexrelid::regclass, indisunique FROM pg_index WHERE indrelid = 'owned'::regclass;
-- also one that takes NULLs for equal, where there are such
DO $$BEGIN
    CREATE MATERIALIZED VIEW owned_too AS SELECT a, count(*) AS c FROM u WHERE n < 0 GROUP BY a;
    EXECUTE 'CREATE UNIQUE INDEX owners_too ON owned_too (a)' || CASE WHEN current_setting('server_version_num')::int >= 150000 THEN ' NULLS NOT DISTINCT' ELSE '' END;
    PERFORM create_imat('owned_too');
END$$;
SELECT imat.drop('owned');
INSERT INTO u VALUES (text_of(20000), -1);
SELECT indexrelid::regclass, indisunique FROM pg_index WHERE indrelid = 'owned_too'::regclass;
SELECT imat.drop('owned_too'), imat.drop('cleared');
-- keys for which there is room, as they are or compressed, leave the index as it is, also one that others depend on
CREATE TABLE r (k text NOT NULL, v int);
INSERT INTO r VALUES ('a', 1);
SELECT imat.create('roomy', 'SELECT k, count(*) AS c FROM r GROUP BY k');
SELECT imat.create('dependent', 'SELECT y.k, y.c, sum(r.v) AS s FROM roomy y JOIN r ON r.k = y.k GROUP BY y.k');
INSERT INTO r VALUES (text_of(2000), 2), (repeat('x', 100000), 3);
SELECT imat, verdict FROM oracle.all_same('long') WHERE imat IN ('roomy', 'dependent') AND verdict !~ '^same';
SELECT conname FROM pg_constraint WHERE conrelid = 'roomy'::regclass AND contype = 'p';
INSERT INTO r VALUES (text_of(3000), 2);
SELECT imat.drop('dependent');
-- what went with the primary key goes with it: NOT NULL
INSERT INTO r VALUES (text_of(3000), 2);
ALTER TABLE r ALTER k DROP NOT NULL;
INSERT INTO r VALUES (NULL, 5);
SELECT * FROM oracle.same('roomy');
SELECT imat.create('roomy_later', 'SELECT k, sum(v) AS s FROM r WHERE k IS NOT NULL GROUP BY k');
UPDATE r SET k = NULL WHERE v = 1;
SELECT * FROM oracle.same('roomy_later');
-- many that are long together, by delta and as a whole
CREATE TABLE names (k text, n int);
SELECT format('ALTER TABLE names %s', string_agg(format('ADD n%s name', g), ', ')) FROM generate_series(1, 20) g \gexec
SELECT imat.create('by_names', format('SELECT k, %s, count(*) AS c FROM names GROUP BY k, %1$s', string_agg('n' || g, ', '))) FROM generate_series(1, 20) g;
SELECT format('INSERT INTO names (k, n, %s) SELECT text_of(1632), 1, %s', string_agg('n' || g, ', '), string_agg(format('text_of(63, %L)', g), ', ')) FROM generate_series(1, 20) g \gexec
SELECT * FROM oracle.same('by_names');
SELECT imat.create('by_names_later', format('SELECT k, %s, sum(n) AS s FROM names GROUP BY k, %1$s', string_agg('n' || g, ', '))) FROM generate_series(1, 20) g;
INSERT INTO names SELECT * FROM names;
SELECT * FROM oracle.same('by_names_later');
-- a type without an order, and more keys than an index can have
SET client_min_messages = warning;
CREATE TYPE odd;
CREATE FUNCTION odd_in(cstring) RETURNS odd LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION odd_out(odd) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
RESET client_min_messages;
CREATE TYPE odd (INPUT = odd_in, OUTPUT = odd_out, LIKE = text);
CREATE FUNCTION odd_eq(odd, odd) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'byteaeq';
CREATE OPERATOR = (LEFTARG = odd, RIGHTARG = odd, FUNCTION = odd_eq, COMMUTATOR = =, HASHES, RESTRICT = eqsel, JOIN = eqjoinsel);
CREATE FUNCTION odd_hash(odd) RETURNS int LANGUAGE internal STRICT AS 'hashvarlena'; -- volatile, so no index can have it
CREATE OPERATOR CLASS odd_ops DEFAULT FOR TYPE odd USING hash AS OPERATOR 1 =, FUNCTION 1 odd_hash(odd);
CREATE TABLE odds (k odd, n int);
SELECT imat.create('by_odd', 'SELECT k, sum(n) AS s FROM odds GROUP BY k');
INSERT INTO odds VALUES ('a', 1), ('b', 2), ('a', 3);
SELECT verdict FROM oracle.all_same('long') WHERE imat = 'by_odd';
ALTER FUNCTION odd_hash IMMUTABLE;
UPDATE pg_operator SET oprcanhash = false WHERE oprleft = 'odd'::regtype; -- as if it had been created so: GROUP BY doesn't mind
SELECT imat.create('by_odd_later', 'SELECT k, sum(n) AS s FROM odds GROUP BY k');
INSERT INTO odds VALUES ('a', 1), ('c', 1), (NULL, 2), ('c', 4); DELETE FROM odds WHERE k = 'b';
SELECT imat, verdict FROM oracle.all_same('long') WHERE imat ~ 'by_odd_';
CREATE TABLE many (x xid, n int);
SELECT format('ALTER TABLE many %s', string_agg(format('ADD c%s int', g), ', ')) FROM generate_series(1, 40) g \gexec
SELECT imat.create('by_xid', 'SELECT x, count(*) AS c, sum(n) AS s FROM many GROUP BY x');
SELECT imat.create('by_xid_and_more', 'SELECT n, x, max(c1) AS m FROM many GROUP BY x, n HAVING count(*) > 1');
SELECT imat.create('by_xid_distinct', 'SELECT DISTINCT x FROM many');
SELECT imat.create('by_forty', format('SELECT %s, count(*) AS k, sum(n) AS s FROM many GROUP BY %1$s', string_agg('c' || g, ', '))) FROM generate_series(1, 40) g;
SELECT imat.create('by_forty_keyed', format('SELECT %s, array_agg(n ORDER BY n) AS s FROM many GROUP BY %1$s', string_agg('c' || g, ', '))) FROM generate_series(1, 40) g;
SELECT imat.create('by_forty_hidden', format('SELECT count(*) AS k FROM many GROUP BY %s', string_agg('c' || g, ', '))) FROM generate_series(1, 40) g;
SELECT imat.create('by_forty_sets', format('SELECT %s, count(*) AS k, sum(n) AS s FROM many GROUP BY GROUPING SETS ((%1$s), (c2, c39), (c40), ())', string_agg('c' || g, ', '))) FROM generate_series(1, 40) g;
SELECT imat.create('by_forty_sets_keyed', format('SELECT %s, max(n) AS m FROM many GROUP BY GROUPING SETS ((%1$s), (c2, c39), (c40), ())', string_agg('c' || g, ', '))) FROM generate_series(1, 40) g;
INSERT INTO many (x, n, c1, c2, c39) SELECT (g % 5)::text::xid, g % 7, g % 2, g, nullif(g % 3, 2) FROM generate_series(1, 40) g;
INSERT INTO many (x, n, c32, c40) SELECT nullif((g % 5)::text, '3')::xid, g % 7, g % 2, g % 3 FROM generate_series(1, 40) g;
SELECT imat, verdict FROM bad();
UPDATE many SET c40 = c40 + 1, x = '17' WHERE n = 3;
DELETE FROM many WHERE n = 2 OR c39 = 0;
SELECT imat, verdict FROM bad();
DELETE FROM many;
SELECT imat, verdict FROM bad();
INSERT INTO many (x, c40) VALUES ('1', 1), ('1', 2), (NULL, 1), ('1', 1);
SELECT imat, verdict FROM bad();
SELECT c.relname, s.strategy, i.indisunique, i.indnkeyatts FROM imat.status s JOIN pg_class c ON c.oid = s.imat JOIN pg_index i ON i.indrelid = coalesce(s.state, s.imat)
 WHERE c.relname ~ '^by_(xid|forty)' ORDER BY 1;
RESET search_path;
SELECT imat.drop(imat) FROM imat.imat_config WHERE agg_schema_name = 'long' ORDER BY mv_name = 'by_text';
SET client_min_messages = warning;
DROP SCHEMA long CASCADE;
