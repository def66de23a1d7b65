--
-- Values whose text depends on what nobody is told of are refused wherever text is made of them; and so is what changes as time passes.
--
CREATE SCHEMA unst; SET search_path = unst, public;
CREATE DOMAIN rel_domain AS regclass;
CREATE TYPE pair AS (r regclass, n int);
CREATE TABLE src (id int PRIMARY KEY, rel regclass, ra regclass[], pr pair, dom rel_domain, acl aclitem, fn regproc, ty regtype, ro regrole, t text, j jsonb, x xml,
    clock time, tz timetz, at timestamptz, iv interval, ir int4range, f float8);
CREATE TABLE plain (id int PRIMARY KEY, k int, t text, clock time, tz timetz, at timestamptz, d date, ir int4range, f float8, a int[], j jsonb);
INSERT INTO src (id, rel, ra, dom, clock, tz, t) VALUES (1, 'src', '{src,plain}', 'plain', '10:00', '10:00+02', 'a'), (2, 'plain', '{}', 'src', '11:00', '10:00+02', 'b');
INSERT INTO plain SELECT i, i % 2, 't' || i, '10:00', '10:00+02', '2024-01-01 00:00+00', '2024-01-01', int4range(0, i), i, ARRAY[i], jsonb_build_object('id', i, 'at', '2024-01-01') FROM generate_series(1, 4) i;
CREATE TYPE dated AS (id int, at date);
CREATE VIEW words AS SELECT id, 'now'::text AS w FROM plain;
-- What is said of a query, or the way in which it would be maintained.
CREATE FUNCTION said(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
    PERFORM * FROM imat.explain_query(query);
    RETURN 'accepted';
EXCEPTION WHEN feature_not_supported THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN replace(SQLERRM, ' cannot be used in an incremental materialized table', ': refused') || CASE WHEN hint LIKE '%ALTER FUNCTION%' THEN ' ' || hint ELSE '' END;
END $$;

-- Refused: text is made of what is named in catalogs
SELECT expression, said(format('SELECT %s AS e FROM unst.src', expression)) FROM (VALUES
    ('rel::text'), ('rel || ''a'''), ('''a'' || rel'), ('to_jsonb(src)'), ('to_json(ra)'), ('row_to_json(src)'), ('json_build_object(''r'', rel)'), ('jsonb_build_array(1, pr)'),
    ('json_agg(rel)'), ('jsonb_agg(src)'), ('json_object_agg(id, rel)'), ('jsonb_object_agg(rel, id)'), ('json_agg(rel) FILTER (WHERE id > 1)'), ('json_agg(rel) OVER ()'),
    ('format(''%s'', rel)'), ('concat(rel)'), ('concat_ws('','', id, dom)'), ('quote_literal(rel)'), ('quote_nullable(ro)'), ('ra::text'), ('ra::text[]'), ('pr::text'), ('dom::text'), ('array_to_string(ra, '','')'),
    ('row(rel)::text'), ('row(1, row(rel))::text'), ('to_jsonb(row(id, ra))'), ('ARRAY[row(rel)]::text'), ('ARRAY[row(rel)]::text[]'), ('to_json(array_agg(row(rel)))'), ('(SELECT row(rel))::text'),
    ('CASE WHEN id > 1 THEN row(rel) END::text'), ('xmlelement(name e, rel)'), ('xmlforest(ra)'), ('xmlagg(xmlelement(name e, xmlattributes(rel AS r)))'),
    ('acl::text'), ('concat(acl)'), ('fn || '''''), ('concat(ty)'), ('to_json(ro)'), ('(t || ''c'')::regclass'), ('t::regclass[]'), ('t::unst.pair'), ('t::unst.rel_domain'), ('jsonb_populate_record(NULL::unst.pair, j)'))
    e (expression);
SELECT source, said(format('SELECT %s', source)) FROM (VALUES
    ('e FROM unst.src, jsonb_to_record(src.j) AS x(e regclass)'), ('id FROM unst.src, jsonb_to_recordset(j) AS x(e int, f regclass[])'), ('x FROM unst.src, jsonb_populate_recordset(NULL::unst.pair, j) x'),
    ('e FROM unst.src, XMLTABLE(''/a'' PASSING x COLUMNS e regclass PATH ''.'') x'), ('to_jsonb(s) FROM (SELECT rel FROM unst.src) s'),
    ('s::text FROM (SELECT id, rel FROM unst.src UNION ALL SELECT 1, NULL) s'), ('r::text FROM (SELECT row(1) AS r FROM unst.src UNION ALL SELECT row(rel) FROM unst.src) s'),
    ('to_jsonb(w) FROM (WITH w AS (SELECT rel, id FROM unst.src) SELECT w FROM w) v'), ('v::text FROM unst.src, LATERAL (VALUES (1, rel)) v'), ('count(*) FROM unst.src GROUP BY rel HAVING max(concat(rel)) > '''''),
    ('to_jsonb(v) FROM (unst.src s JOIN unst.src r USING (id)) AS v (i)')) e (source);

-- Accepted: what makes no text of it
SELECT expression, said(format('SELECT %s AS e FROM unst.src', expression)) FROM (VALUES
    ('rel'), ('ra'), ('src'), ('row(rel)'), ('rel = ''unst.src''::regclass'), ('rel::oid::text'), ('count(rel)'), ('count(DISTINCT rel)'), ('array_agg(rel)'), ('jsonb_agg(id ORDER BY rel)'), ('to_json(id)'),
    ('json_agg(id) FILTER (WHERE rel IS NOT NULL)'), ('pg_typeof(rel)'), ('CASE WHEN rel = ''unst.src''::regclass THEN row(id) END::text'), ('ra[1]'), ('ra || rel'), ('coalesce(rel, ''unst.src'')'), ('concat(iv, f, at, ir)'),
    ('to_jsonb(row(at, f, ir))'), ('count(*) OVER (PARTITION BY rel ORDER BY id)'), ('xmlforest(id)')) e (expression);
SELECT source, said(format('SELECT %s', source)) FROM (VALUES ('v::text FROM unst.src, LATERAL (VALUES (1, id)) v'), ('to_jsonb(s) FROM (SELECT id FROM unst.src) s'), ('s::text FROM (SELECT id FROM unst.src UNION ALL SELECT 1) s')) e (source);
SELECT imat.create('by_rel', 'SELECT rel, count(*) AS n, max(id) AS m FROM src GROUP BY rel'), imat.create('rows', 'SELECT id, rel, ra, to_jsonb(plain) AS p FROM src JOIN plain USING (id)');
INSERT INTO src (id, rel) VALUES (3, 'plain'), (4, NULL);
UPDATE plain SET k = k + 1 WHERE id > 2;
SELECT * FROM oracle.all_same('unst');

-- Refused: what depends on the date of today, or on the session
SELECT expression, said(format('SELECT %s AS e FROM unst.plain', expression)) FROM (VALUES
    ('clock::timetz'), ('clock = tz'), ('t::timetz'), ('ARRAY[t]::timetz[]'), ('tz AT TIME ZONE ''Europe/Berlin'''), ('timezone(t, tz)'), ('pg_client_encoding()')) e (expression);
-- Accepted
SELECT expression, said(format('SELECT %s AS e FROM unst.plain', expression)) FROM (VALUES
    ('at::timetz'), ('tz AT TIME ZONE interval ''1 hour'''), ('at AT TIME ZONE ''Europe/Berlin'''), ('tz = ''10:00+02'''), ('tz::text'), ('to_jsonb(plain)'), ('clock::text'), ('t::time'), ('tz::time'), ('tz::timetz(2)')) e (expression);

-- Refused: words that mean the present time, and come to be read on the way
SELECT expression, said(format('SELECT %s', expression)) FROM (VALUES
    ('v.s::timestamptz FROM unst.plain, (VALUES (''now'')) v (s)'), ('v.s::date FROM unst.plain, (VALUES (''2024-01-01''), (''today'')) v (s)'), ('s.w::timestamptz FROM (SELECT ''now''::text AS w FROM unst.plain) s'),
    ('w::timestamptz FROM unst.words'), ('w::timestamptz FROM (WITH c AS (SELECT ''now''::text AS w) SELECT w FROM c, unst.plain) s'), ('(SELECT ''now''::text)::timestamptz FROM unst.plain'),
    ('(SELECT w FROM unst.words LIMIT 1)::timestamptz FROM unst.plain'), ('ARRAY(SELECT ''now''::text)::timestamptz[] FROM unst.plain'), ('concat(''no'', ''w'')::timestamptz FROM unst.plain'), ('nullif(''now'', t)::timestamptz FROM unst.plain'),
    ('unnest(ARRAY[''now''])::timestamptz FROM unst.plain'), ('u::timestamptz FROM unst.plain, unnest(ARRAY[''now'', t]) u'), ('s.w::date FROM (SELECT ''2024-01-01''::text AS w FROM unst.plain UNION ALL SELECT ''now'') s'),
    ('coalesce(t, v.s)::date FROM unst.plain LEFT JOIN (VALUES (''now'')) v (s) ON true'), ('j.s::date FROM (unst.plain p LEFT JOIN (VALUES (1, ''now'')) v (n, s) ON n = k) j'),
    ('r.w::date FROM (WITH RECURSIVE r AS (SELECT t AS w, 1 AS n FROM unst.plain UNION ALL SELECT coalesce(NULL, ''now'' , w), n + 1 FROM r WHERE n < 2) SELECT w FROM r) r'), ('greatest(t, ''now'')::date FROM unst.plain'),
    ('at FROM unst.plain, jsonb_to_record(''{"at": "now"}'') AS x(e date)'), ('jsonb_populate_record(NULL::unst.dated, ''{"at": "now"}'') FROM unst.plain'), ('count(*) FROM unst.words GROUP BY w::timestamptz')) e (expression);
-- Accepted
SELECT expression, said(format('SELECT %s', expression)) FROM (VALUES
    ('v.s::timestamptz FROM unst.plain, (VALUES (''2024-01-01'')) v (s)'), ('nullif(t, ''now'')::timestamptz FROM unst.plain'), ('CASE v.s WHEN ''now'' THEN ''2024-01-01'' ELSE t END::date FROM unst.plain, (VALUES (''now'')) v (s)'),
    ('regexp_replace(t, ''today'', ''2024-01-01'')::date FROM unst.plain'), ('v.d::date FROM unst.plain, (VALUES (''now'', ''2024-01-01'')) v (s, d)'), ('x.e FROM unst.plain, jsonb_to_record(j) AS x(e date)'), ('w FROM unst.words'),
    ('r.w::date FROM (WITH RECURSIVE r AS (SELECT t AS w, 1 AS n FROM unst.plain UNION ALL SELECT w, n + 1 FROM r WHERE n < 2) SELECT w FROM r) r'), ('jsonb_populate_record(NULL::unst.dated, j) FROM unst.plain')) e (expression);

-- No hint to declare what is not one's own
CREATE FUNCTION own(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT $1';
SELECT expression, said(format('SELECT %s FROM unst.plain', expression)) FROM (VALUES ('imat.verify(''unst.src'')'), ('create_imat(t)'), ('random()'), ('unst.own(id)')) e (expression);

-- What a table function reads from text goes by the settings of who made the table
CREATE TABLE docs (id int PRIMARY KEY, x xml);
INSERT INTO docs VALUES (1, '<a>2024-01-01 00:00</a>');
SET TimeZone = 'Asia/Tokyo';
SELECT imat.create('of_docs', $$SELECT id, e FROM docs, XMLTABLE('/a' PASSING x COLUMNS e timestamptz PATH '.') x$$);
SET TimeZone = 'America/New_York';
INSERT INTO docs VALUES (2, '<a>2024-01-01 00:00</a>');
SELECT id, e AT TIME ZONE 'UTC' AS e FROM of_docs ORDER BY id;
RESET TimeZone;
SET client_min_messages = warning;
DROP SCHEMA unst CASCADE;
