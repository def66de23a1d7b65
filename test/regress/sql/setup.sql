--
-- The oracle.  Everything is tested against one sentence: the table equals its definition.
--
-- oracle.same says so without the help of maintenance or imat.verify: rows of the table and of the view that
-- holds its definition are compared as text (so 1.0 isn't 1.00), as multisets, under the settings that
-- are pinned for the IMAT.  It adds what imat.verify says where that is anything but 0, the number of rows, so that
-- emptiness shows, and what maintenance has done since the last call: by delta, by swap, or nothing at all.
--
CREATE EXTENSION pg_imat;
CREATE SCHEMA oracle;

CREATE TABLE oracle.seen (imat oid PRIMARY KEY, deltas bigint NOT NULL, swaps bigint NOT NULL);

-- how: 'text', or 'equal' where a group shows one of several equal keys, and the query may show another
CREATE FUNCTION oracle.same(which regclass, how text DEFAULT 'text') RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    config record;
    status record;
    before record;
    setting text;
    name text;
    kept text[] := '{}';
    extra bigint;
    missing bigint;
    total bigint;
    verified bigint;
    work text := '';
BEGIN
    SELECT * INTO config FROM imat.imat_config c WHERE c.imat = which;
    IF NOT FOUND THEN
        RETURN 'no IMAT';
    END IF;
    FOREACH setting IN ARRAY coalesce(config.settings, '{}') LOOP
        name := split_part(setting, '=', 1);
        kept := kept || (name || '=' || current_setting(name));
        PERFORM set_config(name, substr(setting, length(name) + 2), true);
    END LOOP;
    EXECUTE format('SELECT count(*) FROM (SELECT %1$s FROM %2$s t EXCEPT ALL SELECT %1$s FROM %3$s t) d',
                   CASE how WHEN 'text' THEN 't::text' ELSE 't.*' END, which, config.definition) INTO extra;
    EXECUTE format('SELECT count(*) FROM (SELECT %1$s FROM %3$s t EXCEPT ALL SELECT %1$s FROM %2$s t) d',
                   CASE how WHEN 'text' THEN 't::text' ELSE 't.*' END, which, config.definition) INTO missing;
    EXECUTE format('SELECT count(*) FROM %s', which) INTO total;
    FOREACH setting IN ARRAY kept LOOP
        name := split_part(setting, '=', 1);
        PERFORM set_config(name, substr(setting, length(name) + 2), true);
    END LOOP;
    verified := imat.verify(which);

    SELECT coalesce(s.deltas_applied, 0) AS deltas, coalesce(s.merges + s.exchanges, 0) AS swaps
      INTO status FROM imat.status s WHERE s.imat = which;
    SELECT * INTO before FROM oracle.seen s WHERE s.imat = which;
    IF status.deltas > coalesce(before.deltas, 0) THEN
        work := format(', %s delta', status.deltas - coalesce(before.deltas, 0));
    END IF;
    IF status.swaps > coalesce(before.swaps, 0) THEN
        work := work || format(', %s swap', status.swaps - coalesce(before.swaps, 0));
    END IF;
    INSERT INTO oracle.seen VALUES (which, status.deltas, status.swaps)
        ON CONFLICT (imat) DO UPDATE SET deltas = EXCLUDED.deltas, swaps = EXCLUDED.swaps;

    RETURN format('%s, %s rows%s',
                  CASE WHEN extra = 0 AND missing = 0 THEN 'same'
                       ELSE format('DIFFERENT (%s only in the table, %s only in the definition)', extra, missing) END
                  || CASE WHEN verified = 0 THEN '' ELSE format(' BUT imat.verify SAYS %s', verified) END,
                  total, coalesce(nullif(work, ''), ', untouched'));
END
$$;

-- Every IMAT whose table is in the schema.
CREATE FUNCTION oracle.all_same(which regnamespace, how text DEFAULT 'text')
    RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$
    SELECT c.mv_name, oracle.same(c.imat, how) FROM imat.imat_config c
     WHERE c.agg_schema_name = which::text ORDER BY c.mv_name COLLATE "C"
$$;

-- Run a command that should fail; show all of its error, which psql's own settings can't do without line numbers.
CREATE FUNCTION oracle.error(command text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; detail text; hint text;
BEGIN
    EXECUTE command;
    RETURN NEXT 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT state || ': ' || message;
    IF detail <> '' THEN RETURN NEXT 'DETAIL: ' || detail; END IF;
    IF hint <> '' THEN RETURN NEXT 'HINT: ' || hint; END IF;
END
$$;

-- Only the SQLSTATE; 00000: no error.
CREATE FUNCTION oracle.sqlstate(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RETURN '00000';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;

-- Change a table behind everybody's back: as if it had no triggers at all.
CREATE FUNCTION oracle.unseen(which regclass, command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE pg_catalog.pg_class SET relhastriggers = false WHERE oid = which;
    EXECUTE command;
    UPDATE pg_catalog.pg_class SET relhastriggers = true WHERE oid = which;
END
$$;

-- The strategy that an IMAT has, and whether it has a state table.
CREATE FUNCTION oracle.strategy(which regclass) RETURNS text LANGUAGE sql AS $$
    SELECT s.strategy || CASE WHEN s.state IS NULL THEN '' ELSE ' with state' END FROM imat.status s WHERE s.imat = which
$$;

-- A fingerprint of everything in the database that a failed command must not leave behind.
CREATE FUNCTION oracle.fingerprint() RETURNS text LANGUAGE sql AS $$
    SELECT md5(string_agg(line, e'\n' ORDER BY line COLLATE "C")) FROM (
        SELECT format('class %s %s %s %s %s', oid, relname, relkind, relnamespace, relacl) AS line FROM pg_class
         WHERE relnamespace <> 'pg_toast'::regnamespace AND NOT pg_is_other_temp_schema(relnamespace)
        UNION ALL SELECT format('trigger %s %s', tgrelid, tgname) FROM pg_trigger
        UNION ALL SELECT format('rule %s %s', ev_class, rulename) FROM pg_rewrite
        UNION ALL SELECT format('constraint %s %s', conrelid, conname) FROM pg_constraint
        UNION ALL SELECT format('notnull %s %s', attrelid, attname) FROM pg_attribute WHERE attnotnull
        UNION ALL SELECT format('imat %s', r::text) FROM imat.registered r
        UNION ALL SELECT format('source %s', s::text) FROM imat.source s) lines
$$;
GRANT USAGE ON SCHEMA oracle TO PUBLIC;
GRANT ALL ON oracle.seen TO PUBLIC;

-- The oracle itself: does it see what is wrong?  (Nobody is protected from a superuser who wants it so.)
CREATE TABLE oracle.source (k int NOT NULL, v int NOT NULL);
INSERT INTO oracle.source VALUES (1, 10), (1, 20), (2, 30);
SELECT imat.create('oracle.tried', 'SELECT k, sum(v) AS s, count(*) AS n FROM oracle.source GROUP BY k');
SELECT oracle.same('oracle.tried');
INSERT INTO oracle.source VALUES (2, 5);
SELECT oracle.same('oracle.tried');
SELECT oracle.same('oracle.tried');
SELECT oracle.unseen('oracle.source', 'INSERT INTO oracle.source VALUES (3, 7)');
SELECT oracle.same('oracle.tried');
SELECT oracle.unseen('oracle.tried', 'INSERT INTO oracle.tried VALUES (3, 8, 1)');
SELECT oracle.same('oracle.tried');
SELECT oracle.unseen('oracle.tried', 'UPDATE oracle.tried SET s = 7 WHERE k = 3');
SELECT oracle.same('oracle.tried');
SELECT oracle.same('oracle.source');
SELECT imat.drop('oracle.tried');
DROP TABLE oracle.source;
SELECT oracle.error('SELECT 1/0');
SELECT oracle.error('SELECT 1'), oracle.sqlstate('SELECT 1/0'), oracle.sqlstate('SELECT 1');
