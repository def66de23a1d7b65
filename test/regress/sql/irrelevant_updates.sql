-- UPDATEs of columns that no IMAT reads: no trigger of ours is fired, and nothing is missed.
CREATE SCHEMA irrelevant;
SET search_path = irrelevant;

CREATE FUNCTION fired(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || statement LOOP
        IF line LIKE 'Trigger%' THEN
            RETURN NEXT regexp_replace(line, ' on \w+:', ':');
        END IF;
    END LOOP;
    RETURN NEXT 'that is all';
END $$;

CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS
    $$ SELECT * FROM oracle.all_same('irrelevant') WHERE verdict !~ '^same' $$;

CREATE TABLE kinds (kind int PRIMARY KEY, name text NOT NULL, note text);
CREATE TABLE items (id int PRIMARY KEY, kind int REFERENCES kinds, price int, note text, label text, seen int DEFAULT 0);
INSERT INTO kinds SELECT i, 'kind ' || i FROM generate_series(1, 5) i;
INSERT INTO items SELECT i, 1 + i % 5, i, 'note ' || i % 3, 'label' FROM generate_series(1, 50) i;
SELECT imat.create('by_kind', 'SELECT kind, count(*) AS items, sum(price) AS price FROM items GROUP BY kind');
SELECT imat.create('by_name', 'SELECT k.name, max(i.price) AS price FROM items i JOIN kinds k USING (kind) GROUP BY k.name');
SELECT imat.create('noted', 'SELECT kind, string_agg(note, '','' ORDER BY id) AS notes FROM items GROUP BY kind');
SELECT imat.create('swapped', 'SELECT DISTINCT price / 10 AS tens, rank() OVER (ORDER BY price / 10) FROM items', strategy => 'swap');

-- What is read, and what isn't.
SELECT * FROM fired('UPDATE items SET seen = seen + 1');
SELECT * FROM fired('UPDATE items SET label = ''other'', seen = 0 WHERE id < 10');
SELECT * FROM fired('UPDATE items SET label = ''other'', price = price + 1 WHERE id < 10');
SELECT * FROM fired('UPDATE items SET note = ''new'' WHERE id < 10');
SELECT * FROM fired('UPDATE kinds SET note = ''new''');
SELECT * FROM fired('UPDATE kinds SET name = name || ''!''');
SELECT * FROM bad();

-- An upsert, of which only what is inserted counts.
SELECT * FROM fired($$INSERT INTO items VALUES (1, 1, 1), (51, 1, 7) ON CONFLICT (id) DO UPDATE SET seen = items.seen + 1$$);
SELECT * FROM fired($$INSERT INTO items VALUES (1, 1, 1), (52, 1, 7) ON CONFLICT (id) DO UPDATE SET price = excluded.price + 10$$);
SELECT * FROM bad();

-- Parts of one statement share their transition tables.
WITH seen AS (UPDATE items SET price = price + 1 WHERE id < 5 RETURNING id)
UPDATE items SET seen = 1 WHERE id > 40;
SELECT * FROM bad();

-- What is set isn't all that changes: triggers, generated columns.
CREATE FUNCTION dearer() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.price := NEW.price + 1; RETURN NEW; END';
CREATE TRIGGER dearer BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION dearer();
SELECT * FROM fired('UPDATE items SET seen = seen + 1');
SELECT * FROM bad();
DROP TRIGGER dearer ON items;
ALTER TABLE items ADD twice int GENERATED ALWAYS AS (seen * 2) STORED;
SELECT imat.create('by_twice', 'SELECT twice, count(*) FROM items GROUP BY twice');
SELECT * FROM fired('UPDATE items SET seen = seen + 1');
SELECT * FROM bad();
SELECT imat.drop('by_twice');

-- Others who want to know.
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE NOTICE '% rows', (SELECT count(*) FROM after); RETURN NULL; END$$;
CREATE TRIGGER tells AFTER UPDATE ON items REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION tell();
SELECT * FROM fired('UPDATE items SET seen = seen + 1');
DROP TRIGGER tells ON items;
CREATE FUNCTION just_tell() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE 'updated'; RETURN NULL; END$$;
CREATE TRIGGER tells AFTER UPDATE ON items FOR EACH STATEMENT EXECUTE FUNCTION just_tell();
SELECT * FROM fired('UPDATE items SET seen = seen + 1');
DROP TRIGGER tells ON items;
SELECT * FROM bad();

-- One table read twice, by other columns.
SELECT imat.create('pairs', 'SELECT a.kind, count(b.label) AS n, min(b.label) AS m FROM items a JOIN items b ON b.id = a.id GROUP BY a.kind');
SELECT * FROM fired('UPDATE items SET seen = seen + 1');
SELECT * FROM fired('UPDATE items SET label = ''pair''');
SELECT * FROM bad();
SELECT imat.drop('pairs');

-- Whole rows, and columns of nested views.
CREATE VIEW plain AS SELECT kind, label FROM items;
SELECT imat.create('labelled', 'SELECT label, count(*) FROM plain GROUP BY label');
SELECT * FROM fired('UPDATE items SET seen = seen + 1');
SELECT * FROM fired('UPDATE items SET label = seen::text');
SELECT * FROM bad();
SELECT imat.create('whole', 'SELECT kind, max(items::text) AS latest FROM items GROUP BY kind');
SELECT * FROM fired('UPDATE items SET seen = seen + 1');
SELECT * FROM bad();
SELECT imat.drop('whole');

-- What is read changes: the next statement knows.
CREATE OR REPLACE VIEW plain AS SELECT kind, coalesce(label, seen::text) AS label FROM items;
SELECT * FROM fired('UPDATE items SET seen = seen + 1');
SELECT * FROM bad();
SELECT imat.drop('labelled');
SELECT * FROM fired('UPDATE items SET seen = seen + 1');

-- Row security may look at any column.
CREATE TABLE secured (a int, b int);
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY positive ON secured USING (b > 0);
INSERT INTO secured VALUES (1, 1), (2, -1);
SELECT imat.create('of_secured', 'SELECT a, count(*) FROM secured GROUP BY a');
SELECT * FROM fired('UPDATE secured SET b = -b');
SELECT * FROM bad();

-- Partitions: by the name of the parent, by their own; rows that move.
CREATE TABLE parts (region int, value int, note text) PARTITION BY LIST (region);
CREATE TABLE part1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE part2 (note text, gone int, value int, region int);
ALTER TABLE part2 DROP gone;
ALTER TABLE parts ATTACH PARTITION part2 FOR VALUES IN (2);
INSERT INTO parts SELECT 1 + i % 2, i, 'note' FROM generate_series(1, 20) i;
SELECT imat.create('all_parts', 'SELECT value % 3 AS rest, count(*) FROM parts GROUP BY 1');
SELECT * FROM fired('UPDATE parts SET note = ''new''');
SELECT * FROM fired('UPDATE part2 SET note = ''new''');
SELECT * FROM fired('UPDATE parts SET value = value + 1');
SELECT * FROM fired('UPDATE part2 SET value = value + 1');
SELECT * FROM bad();
SELECT imat.create('of_part', 'SELECT count(*) FROM part2');
UPDATE parts SET region = 3 - region WHERE value < 8;
SELECT * FROM bad();
SELECT * FROM fired('UPDATE parts SET note = ''newer''');
SELECT imat.drop('of_part');
CREATE TRIGGER dearer BEFORE UPDATE ON part2 FOR EACH ROW EXECUTE FUNCTION dearer();
CREATE OR REPLACE FUNCTION dearer() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.value := NEW.value + 1; RETURN NEW; END';
UPDATE parts SET note = 'newest';
SELECT * FROM bad();

-- Inheritance children, with columns in another order.
CREATE TABLE parent (a int, b int);
CREATE TABLE child (c int, b int, a int);
ALTER TABLE child INHERIT parent;
INSERT INTO child SELECT i, i, i FROM generate_series(1, 10) i;
INSERT INTO parent SELECT i, i FROM generate_series(1, 10) i;
SELECT imat.create('family', 'SELECT a % 2 AS odd, sum(a) FROM parent GROUP BY 1');
SELECT * FROM fired('UPDATE parent SET b = b + 1');
SELECT * FROM fired('UPDATE child SET b = b + 1, c = 0');
SELECT * FROM fired('UPDATE child SET a = a + 1');
SELECT * FROM fired('UPDATE parent SET a = a + 1');
SELECT * FROM bad();

-- Columns that are generated in a child or partition, and are not in its parent.
CREATE TABLE kin (a int, b int);
CREATE TABLE kin_child (a int, b int GENERATED ALWAYS AS (a * 2) STORED);
DO $$ BEGIN ALTER TABLE kin_child INHERIT kin; EXCEPTION WHEN datatype_mismatch THEN NULL; END $$; -- from 16 on that is refused
INSERT INTO kin_child (a) VALUES (1), (2); INSERT INTO kin VALUES (5, 5);
SELECT imat.create('kin_b', 'SELECT b, count(*) FROM kin GROUP BY b');
UPDATE kin SET a = a + 10;
UPDATE kin_child SET a = a + 10;
SELECT * FROM bad();

SET client_min_messages = warning;
DROP SCHEMA irrelevant CASCADE;
