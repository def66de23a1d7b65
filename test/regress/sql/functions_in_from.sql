--
-- Functions and VALUES in FROM, and set-returning functions in the select list: a changed row is joined with what is
-- computed of it.
--
CREATE SCHEMA fun; SET search_path = fun, public;
CREATE TABLE posts (id int PRIMARY KEY, author text NOT NULL, tags text[], items jsonb, low int, high int);
CREATE TABLE skus (sku int PRIMARY KEY, name text NOT NULL);
CREATE FUNCTION fill(low int, high int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO posts SELECT i, 'a' || i % 5, CASE i % 11 WHEN 0 THEN NULL WHEN 1 THEN '{}' ELSE ARRAY['t' || i % 3, 't' || i % 7, NULL] END,
        CASE WHEN i % 13 > 0 THEN jsonb_build_array(jsonb_build_object('sku', i % 6, 'qty', i % 9), jsonb_build_object('sku', i % 4, 'qty', 1)) END,
        i % 5, i % 8 FROM generate_series(low, high) i $$;
SELECT fill(1, 200);
INSERT INTO skus SELECT i, 'n' || i / 2 FROM generate_series(0, 4) i;
CREATE FUNCTION pieces(text) RETURNS TABLE (piece text, size int) LANGUAGE sql IMMUTABLE AS $$
    SELECT p, length(p) FROM regexp_split_to_table($1, '') p $$;
SELECT imat.create(name, query) FROM (VALUES
    ('by_tag', 'SELECT tag, count(*) AS n FROM posts, unnest(tags) tag GROUP BY tag'),
    ('by_tag_select', 'SELECT unnest(tags) AS tag, count(*) AS n, min(id) AS lo, max(id) AS hi, sum(low) AS s FROM posts GROUP BY 1'),
    ('by_upper', 'SELECT upper(unnest(tags)) AS tag, count(*) AS n FROM posts GROUP BY 1 HAVING count(*) > 12'),
    ('side_by_side', 'SELECT unnest(tags) AS tag, generate_series(low, high) AS g, count(*) AS n FROM posts GROUP BY 1, 2'),
    ('nested', 'SELECT jsonb_object_keys(jsonb_array_elements(items)) AS k, count(*) AS n FROM posts GROUP BY 1'),
    ('nested_beside', 'SELECT unnest(tags) AS t, regexp_split_to_table(upper(unnest(tags)), ''T'') AS u, generate_series(low, high) AS g, generate_series(1, length(unnest(tags[2:]))) AS l, count(*) AS n FROM posts GROUP BY 1, 2, 3, 4'),
    ('nested_rows', 'SELECT id, jsonb_object_keys(jsonb_array_elements(items)) AS x, unnest(tags) AS t FROM posts'),
    ('distinct_tags', 'SELECT DISTINCT unnest(tags) AS tag, author FROM posts'),
    ('all_tags', 'SELECT id, unnest(tags) AS tag FROM posts'),
    ('all_items', 'SELECT p.id, e.value ->> ''sku'' AS sku, e.ordinality AS o FROM posts p, jsonb_array_elements(p.items) WITH ORDINALITY e'),
    ('filtered', 'SELECT i ->> ''sku'' AS sku, sum((i ->> ''qty'')::int) AS q FROM posts CROSS JOIN LATERAL jsonb_array_elements(items) WITH ORDINALITY AS e (i, o) WHERE o > 1 AND low < 4 GROUP BY 1'),
    ('joined', 'SELECT s.name, sum((i ->> ''qty'')::int) AS q, count(*) AS n FROM posts p, jsonb_array_elements(p.items) i JOIN skus s ON s.sku = (i ->> ''sku'')::int GROUP BY 1'),
    ('joined_lists', 'SELECT s.name, array_agg(p.id ORDER BY p.id, i ->> ''qty'') AS l FROM skus s JOIN (posts p CROSS JOIN jsonb_array_elements(p.items) i) ON s.sku = (i ->> ''sku'')::int GROUP BY 1'),
    ('self_joined', 'WITH e AS (SELECT p.id, t FROM posts p, unnest(p.tags) t) SELECT e.t, f.t AS u, count(*) AS n FROM e JOIN e f ON f.id = e.id AND f.t <> e.t GROUP BY 1, 2'),
    ('in_values', 'SELECT v.label, count(*) AS n, sum(high) AS s FROM posts p JOIN (VALUES (0, ''even''), (1, ''odd'')) v (m, label) ON p.id % 2 = v.m GROUP BY 1'),
    ('lateral_values', 'SELECT v.what, sum(v.x) AS s, count(v.x) AS n FROM posts p, LATERAL (VALUES (''low'', p.low), (''high'', p.high)) v (what, x) GROUP BY 1'),
    ('in_subquery', 'SELECT author, count(DISTINCT x.tag) AS n FROM posts p CROSS JOIN LATERAL (SELECT upper(u) AS tag FROM unnest(p.tags) u WHERE u <> ''t1'') x GROUP BY 1'),
    ('subquery_selects', 'SELECT x, n FROM (SELECT author AS x, unnest(tags) AS t FROM posts) s, generate_series(1, 2) n WHERE t = ''t2'''),
    ('several_columns', 'SELECT k.piece, k.size, count(*) AS n FROM posts, pieces(author || id) k GROUP BY 1, 2'),
    ('rows_from', 'SELECT t, g, count(*) AS n FROM posts, ROWS FROM (unnest(tags), generate_series(low, high)) r (t, g) GROUP BY 1, 2'),
    ('records', 'SELECT r.sku, count(*) AS n, avg(r.qty) AS a FROM posts, jsonb_to_recordset(items) r (sku int, qty numeric) GROUP BY 1'),
    ('cube', 'SELECT author, tag, count(*) AS n, GROUPING(tag) AS g FROM posts, unnest(tags) tag GROUP BY CUBE (author, tag)'),
    ('all_of_them', 'SELECT count(*) AS n, max(tag) AS m, string_agg(tag, '','' ORDER BY tag, id) AS l FROM posts, unnest(tags) tag'),
    ('top_tags', 'SELECT tag, count(*) AS n FROM posts, unnest(tags) tag WHERE tag IS NOT NULL GROUP BY tag ORDER BY n DESC, tag LIMIT 3'),
    ('chained', 'SELECT p.author, l, count(*) AS n FROM posts p, unnest(p.tags) t, LATERAL regexp_split_to_table(t, '''') l GROUP BY 1, 2'),
    ('no_lateral', 'SELECT g, sum(low * g) AS s FROM posts, generate_series(1, 3) g GROUP BY g')) v (name, query);
CREATE VIEW tags AS SELECT id, author, unnest(tags) AS tag FROM posts;
SELECT imat.create('of_view', 'SELECT tag, count(*) AS n, count(DISTINCT author) AS a FROM tags GROUP BY tag');
SELECT imat.create('reader', 'SELECT n, count(*) AS c, string_agg(tag, '','' ORDER BY tag) AS l FROM by_tag GROUP BY n');
SELECT imat.create('reads_lists', 'SELECT u, count(*) AS n FROM joined_lists, unnest(l) u GROUP BY u');
SELECT c.mv_name, oracle.strategy(imat) FROM imat.imat_config c WHERE agg_schema_name = 'fun' ORDER BY c.mv_name COLLATE "C";
CREATE FUNCTION bad() RETURNS TABLE (imat text, verdict text) LANGUAGE sql AS $$
    SELECT * FROM oracle.all_same('fun') a WHERE verdict !~ '^same' OR verdict ~ 'swap|BUT' $$;
SELECT * FROM bad();
SELECT imat, verdict FROM oracle.all_same('fun') WHERE verdict ~ ' 0 rows';
SELECT fill(201, 230);
SELECT imat, verdict FROM oracle.all_same('fun') WHERE verdict !~ '^same.*[0-9]+ delta$';
DELETE FROM posts WHERE id % 7 = 0;
SELECT * FROM bad();
UPDATE posts SET tags = tags || ARRAY['new'], low = low + 1 WHERE id % 10 = 3;
SELECT * FROM bad();
UPDATE posts SET tags = NULL WHERE id % 10 = 4;
UPDATE posts SET items = '[{"sku": 3, "qty": 100}]', author = 'other' WHERE id % 9 = 5;
SELECT * FROM bad();
UPDATE skus SET name = 'changed' WHERE sku = 2;
DELETE FROM skus WHERE sku = 0;
SELECT * FROM bad();
INSERT INTO skus VALUES (0, 'again'), (5, 'five');
SELECT * FROM bad();
BEGIN;
INSERT INTO posts VALUES (1001, 'z', '{z,t1}', '[{"sku": 5, "qty": 7}]', 1, 3);
UPDATE skus SET name = 'two' WHERE sku IN (2, 5);
SELECT * FROM bad();
SAVEPOINT s;
DELETE FROM posts WHERE id < 100;
UPDATE skus SET sku = sku + 10;
SELECT * FROM bad();
ROLLBACK TO s;
SELECT * FROM bad();
UPDATE posts SET id = id + 10000, tags[1] = 'first' WHERE id % 3 = 0;
DELETE FROM skus WHERE sku = 3;
COMMIT;
SELECT * FROM bad();
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE posts SET high = high + 2 WHERE id % 2 = 0;
SELECT * FROM bad();
DELETE FROM posts WHERE id % 5 = 0;
COMMIT;
SELECT * FROM bad();
-- A row with an error in what is computed of it is not inserted
INSERT INTO posts VALUES (2001, 'e', '{e}', '{"sku": 1}', 1, 1);
SELECT * FROM bad();
DELETE FROM posts;
SELECT * FROM bad();
SELECT imat, verdict FROM oracle.all_same('fun') WHERE verdict !~ ' 0 rows';
SELECT fill(1, 60);
SELECT * FROM bad();
TRUNCATE posts;
SELECT imat, verdict FROM oracle.all_same('fun') WHERE verdict !~ '^same' OR verdict ~ 'BUT';
SELECT fill(1, 60);
SELECT * FROM bad();
SELECT imat.refresh(imat) FROM imat.imat_config WHERE agg_schema_name = 'fun' AND mv_name NOT IN ('reader', 'reads_lists');
SELECT count(*) FROM oracle.all_same('fun') WHERE verdict ~ 'BUT';
UPDATE posts SET tags = tags || tags WHERE id < 9;
SELECT * FROM bad();

-- A function in the select list is called for rows that meet all conditions of the join, whichever table it is about
CREATE FUNCTION tenths(d int) RETURNS SETOF int ROWS 1 LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF d = 0 THEN RAISE 'zero'; END IF;
    RETURN NEXT 10 / d;
END $$;
CREATE TABLE many (id int PRIMARY KEY, k int, b int);
CREATE TABLE few (id int PRIMARY KEY, k int, d int);
INSERT INTO many SELECT i, i % 50, 1 FROM generate_series(1, 5000) i;
INSERT INTO few SELECT i, i % 50, i % 7 FROM generate_series(1, 100) i;
ANALYZE many, few;
SELECT imat.create('guarded', 'SELECT m.id, f.id AS f, tenths(f.d) AS t FROM many m JOIN few f ON m.k = f.k WHERE m.b * f.d <> 0');
SELECT imat.create('guarded_groups', 'SELECT tenths(f.d) + generate_series(1, tenths(f.d)) AS t, count(*) AS n FROM many m, few f WHERE m.k = f.k AND m.b * f.d <> 0 GROUP BY 1');
SELECT imat, oracle.strategy(imat) FROM (VALUES ('guarded'::regclass), ('guarded_groups')) v (imat);
INSERT INTO few SELECT i, i % 50, i % 7 FROM generate_series(101, 200) i;
INSERT INTO many SELECT i, i % 50, 1 FROM generate_series(5001, 5600) i;
UPDATE few SET d = d WHERE id % 3 = 0;
UPDATE few SET d = (d + 1) % 7 WHERE id % 3 = 0;
DELETE FROM many WHERE id % 4 = 0;
SELECT * FROM bad();
SELECT imat.explain('guarded_groups');
DROP TABLE many, few CASCADE;

-- Where nothing that is used changes, nothing is written
SELECT rows_written AS before FROM imat.status WHERE imat = 'by_tag'::regclass \gset
UPDATE posts SET low = low + 1;
SELECT rows_written - :before AS written FROM imat.status WHERE imat = 'by_tag'::regclass;

SELECT imat.explain('by_tag_select');
SELECT imat.explain('joined');
SELECT imat.explain('lateral_values');

-- Functions that return rows of several columns, each of which is taken for itself
SELECT imat.create('of_records', 'SELECT (pieces(author)).piece AS p, count(*) AS n FROM posts GROUP BY 1');
SELECT imat.create('record_columns', 'SELECT id, (jsonb_each(details)).*, unnest(tags) AS t FROM (SELECT id, tags, jsonb_build_object(author, low, ''more'', high) AS details FROM posts) p');
SELECT imat.create('record_joined', 'SELECT p.id, (jsonb_each_text(jsonb_build_object(q.author, q.id))).value AS v FROM posts p JOIN posts q ON q.low = p.high AND q.author IS NOT NULL');
SELECT imat, strategy FROM imat.status WHERE imat::text ~ 'record' ORDER BY imat::text;
SELECT fill(71, 90);
UPDATE posts SET author = 'other', low = low + 1 WHERE id % 5 = 0;
DELETE FROM posts WHERE id % 7 = 0;
SELECT imat, verdict FROM oracle.all_same('fun') WHERE imat::text ~ 'record';

-- What is not followed: such rows as they are, functions that are called for what is shown beside a key that is made of them; a
-- volatile function is refused
CREATE FUNCTION same(p posts) RETURNS SETOF posts LANGUAGE sql IMMUTABLE AS 'SELECT p.*';
SELECT imat.create('whole_rows', 'SELECT same(p) AS p FROM posts p');
SELECT imat.create('selected_above', 'SELECT tags, unnest(tags) AS t, upper(unnest(tags)) AS u, count(*) AS n FROM posts GROUP BY tags, 3');
SELECT imat, strategy_reason FROM imat.status WHERE strategy = 'swap' ORDER BY imat::text;
SELECT oracle.error($$SELECT imat.create('refused', 'SELECT g, count(*) FROM posts, generate_series(1, (random() * 3)::int) g GROUP BY g')$$);
SELECT fill(61, 70);
SELECT imat, verdict FROM oracle.all_same('fun') WHERE verdict !~ '^same' OR verdict ~ 'BUT';
SET client_min_messages = warning;
DROP SCHEMA fun CASCADE;
