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
    shown text;
    wanted text;
BEGIN
    SELECT * INTO config FROM imat.imat_config c WHERE c.imat = which;
    IF NOT FOUND THEN
        RETURN 'no IMAT';
    END IF;
    -- the columns of the definition come first; the owner may have added others
    SELECT string_agg('compared_row.' || quote_ident(attname), ', ' ORDER BY attnum) INTO shown FROM pg_attribute
     WHERE attrelid = which AND attnum BETWEEN 1 AND (SELECT relnatts FROM pg_class WHERE oid = config.definition) AND NOT attisdropped;
    shown := CASE how WHEN 'text' THEN format('ROW(%s)::text', shown) ELSE shown END;
    FOREACH setting IN ARRAY coalesce(config.settings, '{}') LOOP
        name := split_part(setting, '=', 1);
        kept := kept || (name || '=' || current_setting(name));
        PERFORM set_config(name, substr(setting, length(name) + 2), true);
    END LOOP;
    -- (an alias that is no column's name, since that would be taken for the column)
    wanted := CASE how WHEN 'text' THEN 'compared_row::text' ELSE 'compared_row.*' END;
    EXECUTE format('SELECT count(*) FROM (SELECT %s FROM %s compared_row EXCEPT ALL SELECT %s FROM %s compared_row) d',
                   shown, which, wanted, config.definition) INTO extra;
    EXECUTE format('SELECT count(*) FROM (SELECT %s FROM %s compared_row EXCEPT ALL SELECT %s FROM %s compared_row) d',
                   wanted, config.definition, shown, which) INTO missing;
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
    -- not ON CONFLICT: that locks the row first, and where a savepoint that then updated it was undone, an assertion of PostgreSQL's fails
    DELETE FROM oracle.seen s WHERE s.imat = which;
    INSERT INTO oracle.seen VALUES (which, status.deltas, status.swaps);

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
--
-- Steps that are played in several ways (both_ways.psql says in which): each statement by itself, all in one transaction.  Every IMAT that
-- there is is compared after each, and in the end all have the same contents, whichever way was played.
--
CREATE TABLE oracle.script (part text, n int, command text NOT NULL, fails boolean NOT NULL, alone boolean NOT NULL, PRIMARY KEY (part, n));
CREATE TABLE oracle.outcome (way text, step int, imat text, rows bigint NOT NULL, contents text, PRIMARY KEY (way, step, imat));
CREATE SEQUENCE oracle.comparison;

-- A step is a line, with the indented ones that follow it; comments are left out.  A ! before it: it fails; a @: it can't be part of a
-- transaction, and changes no rows.
CREATE FUNCTION oracle.write(which text, lines text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO oracle.script
        SELECT which, coalesce((SELECT max(n) FROM oracle.script WHERE part = which), 0) + row_number() OVER (ORDER BY position),
               btrim(command, E'!@ \n'), command LIKE '!%', command LIKE '@%'
          FROM regexp_split_to_table(lines, '\n(?=\S)') WITH ORDINALITY line (command, position)
         WHERE command !~ '^(--|\s*$)';
$$;

-- Compare every IMAT with its definition, and note what it has.
CREATE FUNCTION oracle.compare(played text, at int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    which regclass;
    verdict text;
    total bigint;
    digest text;
BEGIN
    DELETE FROM oracle.outcome WHERE way = played AND step = at;
    FOR which IN SELECT c.imat FROM imat.imat_config c ORDER BY c.imat::text COLLATE "C" LOOP
        verdict := oracle.same(which);
        IF verdict NOT LIKE 'same,%' THEN
            RAISE INFO '%, step % (%): % is %', played, at, (SELECT command FROM oracle.script WHERE part = 'steps' AND n = at), which, verdict;
        END IF;
        PERFORM nextval('oracle.comparison');
        EXECUTE format('SELECT count(*), md5(string_agg(compared_row::text, '','' ORDER BY compared_row::text COLLATE "C")) FROM %s compared_row', which) INTO total, digest;
        INSERT INTO oracle.outcome VALUES (played, at, which::text, total, digest);
    END LOOP;
END
$$;

-- The statements of a way in which the steps are played, comparisons included.
CREATE FUNCTION oracle.play(way text) RETURNS TABLE (command text) LANGUAGE plpgsql AS $$
DECLARE
    step record;
    compare text;
BEGIN
    FOR step IN SELECT * FROM oracle.script WHERE part = 'steps' AND (way = 'autocommit' OR NOT alone) ORDER BY n LOOP
        compare := format('SELECT oracle.compare(%L, %s)', way, step.n);
        IF step.fails AND way <> 'autocommit' THEN
            RETURN QUERY VALUES ('SAVEPOINT failing'), (step.command), ('ROLLBACK TO failing'), ('RELEASE failing');
            RETURN QUERY SELECT compare WHERE way NOT IN ('read at the end', 'undone');
        ELSIF way = 'savepoints' THEN
            -- undone first: half of them with a look at what is undone
            RETURN QUERY VALUES ('SAVEPOINT undone'), (step.command), (CASE step.n % 2 WHEN 0 THEN compare ELSE 'SELECT' END),
                ('ROLLBACK TO undone'), (compare), ('SAVEPOINT kept'), (step.command), ('RELEASE kept'), (compare), ('RELEASE undone');
        ELSIF way IN ('read at the end', 'undone') THEN
            RETURN QUERY VALUES (step.command);
        ELSE
            RETURN QUERY VALUES (step.command), (compare);
        END IF;
    END LOOP;
    compare := format('SELECT oracle.compare(%L, max(n)) FROM oracle.script WHERE part = ''steps''', way);
    IF way = 'undone' THEN
        RETURN QUERY VALUES (compare), ('ROLLBACK');
    ELSIF way <> 'autocommit' THEN
        RETURN QUERY VALUES ('COMMIT');
    END IF;
    RETURN QUERY VALUES (compare);
END
$$;

-- The commands of another part of the script.
CREATE FUNCTION oracle.run(which text) RETURNS TABLE (command text) LANGUAGE sql AS $$
    SELECT command FROM oracle.script WHERE part = which ORDER BY n
$$;

-- What a way has come to after a step, where that isn't what the first has.
CREATE FUNCTION oracle.differing_outcomes() RETURNS TABLE (way text, step int, imat text, rows bigint, of_autocommit bigint) LANGUAGE sql AS $$
    WITH compared AS (SELECT DISTINCT o.way, o.step FROM oracle.outcome o WHERE o.way NOT IN ('autocommit', 'undone') AND o.step > 0),
         wanted AS (SELECT c.way, c.step, o.imat, o.rows, o.contents FROM compared c JOIN oracle.outcome o ON o.way = 'autocommit' AND o.step = c.step),
         found AS (SELECT o.* FROM compared JOIN oracle.outcome o USING (way, step))
    SELECT way, step, imat, f.rows, w.rows FROM wanted w FULL JOIN found f USING (way, step, imat)
     WHERE f.contents IS DISTINCT FROM w.contents OR f.rows IS DISTINCT FROM w.rows ORDER BY 1, 2, 3
$$;

-- The steps after which, played one by one, every IMAT had what it had before.
CREATE FUNCTION oracle.idle_steps() RETURNS TABLE (n int, command text) LANGUAGE sql AS $$
    SELECT s.n, s.command FROM oracle.script s
     WHERE s.part = 'steps' AND NOT s.fails AND NOT s.alone AND NOT EXISTS (
        SELECT FROM oracle.outcome o LEFT JOIN oracle.outcome b ON b.way = o.way AND b.imat = o.imat AND b.step = s.n - 1
         WHERE o.way = 'autocommit' AND o.step = s.n AND (b.step IS NULL OR o.contents IS DISTINCT FROM b.contents))
     ORDER BY s.n
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
-- the steps, too: one that nobody sees, and one that has another effect by itself than in a transaction
SELECT oracle.write('setup', $script$
CREATE SCHEMA tried
CREATE TABLE tried.src (k int NOT NULL)
CREATE TABLE tried.txn (id bigint)
SELECT imat.create('tried.counted', 'SELECT k, count(*) AS n FROM tried.src GROUP BY k')
$script$);
SELECT oracle.write('steps', $script$
-- a comment
INSERT INTO tried.src VALUES (1);
    INSERT INTO tried.src VALUES (1)
!INSERT INTO tried.src VALUES (NULL)
SELECT oracle.unseen('tried.src', 'INSERT INTO tried.src VALUES (3)')
INSERT INTO tried.txn SELECT txid_current()
INSERT INTO tried.src SELECT 4 FROM tried.txn WHERE id = txid_current()
$script$);
SELECT oracle.write('end', $script$
DROP SCHEMA tried CASCADE
$script$);
\i test/regress/both_ways.psql
