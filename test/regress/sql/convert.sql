--
-- create_imat: a materialized view becomes a table in place, and everything that was attached to it goes on.
--
CREATE SCHEMA conv; SET search_path = conv, public;
CREATE ROLE imat_conv_reader;

CREATE TABLE sales (id int PRIMARY KEY, region text NOT NULL, product int, amount int NOT NULL);
INSERT INTO sales SELECT i, 'r' || i % 3, nullif(i % 4, 0), i FROM generate_series(1, 24) i;
CREATE MATERIALIZED VIEW totals AS
    SELECT region, product, count(*) AS n, sum(amount) AS total FROM sales GROUP BY region, product;
CREATE INDEX totals_total ON totals (total DESC) WITH (fillfactor = 70);
CREATE INDEX totals_expr ON totals ((total / n)) WHERE n > 0;
COMMENT ON MATERIALIZED VIEW totals IS 'of sales';
COMMENT ON COLUMN totals.total IS 'in euros';
GRANT SELECT ON totals TO imat_conv_reader;
GRANT SELECT (region) ON totals TO PUBLIC;
ALTER MATERIALIZED VIEW totals ALTER region SET STATISTICS 321;
ALTER MATERIALIZED VIEW totals ALTER region SET (n_distinct = 7);
ALTER MATERIALIZED VIEW totals SET (autovacuum_enabled = false);
CREATE STATISTICS totals_stats ON region, product FROM totals;
ANALYZE totals;
CREATE VIEW above AS SELECT region, sum(total) AS total FROM totals GROUP BY region;
CREATE VIEW whole AS SELECT totals FROM totals;
CREATE MATERIALIZED VIEW frozen AS SELECT max(total) AS most FROM totals;
CREATE FUNCTION most() RETURNS bigint LANGUAGE sql AS 'SELECT max(total)::bigint FROM totals';
CREATE FUNCTION of_row(totals) RETURNS bigint LANGUAGE sql AS 'SELECT $1.total::bigint';
PREPARE prepared AS SELECT count(*), sum(total) FROM totals;
EXECUTE prepared;
SELECT 'totals'::regclass::oid AS oid_before, pg_relation_filenode('totals_total') AS node_before \gset

SELECT create_imat('totals');
SELECT oracle.same('totals'), oracle.strategy('totals');

-- same OID, now a table, and nobody but the extension sees a rule
SELECT 'totals'::regclass::oid = :oid_before AS same_oid, relkind, relhasrules, relispopulated, relnamespace::regnamespace,
       (SELECT count(*) FROM pg_rewrite WHERE ev_class = c.oid) AS rules
  FROM pg_class c WHERE oid = 'totals'::regclass;
-- exactly the columns of the query
SELECT attnum, attname, format_type(atttypid, atttypmod), attnotnull, coalesce(attstattarget = 321, false) AS target,
       (SELECT o FROM unnest(attoptions) o WHERE o LIKE 'n_distinct%') AS options
  FROM pg_attribute WHERE attrelid = 'totals'::regclass AND attnum > 0 ORDER BY attnum;
-- indexes, comments, privileges, options, statistics
SELECT indexrelid::regclass, indisvalid, indisunique FROM pg_index
 WHERE indrelid = 'totals'::regclass AND indexrelid::regclass::text LIKE '%totals\_%' AND NOT indisunique ORDER BY 1::text;
SELECT reloptions FROM pg_class WHERE oid = 'totals_total'::regclass;
SELECT obj_description('totals'::regclass, 'pg_class'), col_description('totals'::regclass, 4);
SELECT has_table_privilege('imat_conv_reader', 'totals', 'SELECT') AS can_read,
       has_table_privilege('imat_conv_reader', 'totals', 'INSERT') AS can_write,
       has_column_privilege('public', 'totals', 'region', 'SELECT') AS all_may_read_region;
SELECT reloptions FROM pg_class WHERE oid = 'totals'::regclass;
SELECT stxname FROM pg_statistic_ext WHERE stxrelid = 'totals'::regclass;
SELECT count(*) > 0 AS analyzed FROM pg_stats WHERE schemaname = 'conv' AND tablename = 'totals';
-- indexes answer, with the rows that are there now
INSERT INTO sales VALUES (100, 'r0', 1, 1000), (101, 'new', NULL, 2000);
SELECT oracle.same('totals');
SET enable_seqscan = off; SET enable_bitmapscan = off;
SELECT region, total FROM totals ORDER BY total DESC LIMIT 2;
RESET enable_seqscan; RESET enable_bitmapscan;
-- what depends on it goes on, with current data
SELECT * FROM above ORDER BY region;
SELECT count(*), count(totals) FROM whole;
SELECT most(), (SELECT of_row(t) FROM totals t WHERE region = 'new');
EXECUTE prepared;
SELECT * FROM frozen;
REFRESH MATERIALIZED VIEW frozen;
SELECT * FROM frozen;
SELECT pg_get_viewdef('above'::regclass) LIKE '%FROM totals%' AS view_names_it;
SET ROLE imat_conv_reader;
SELECT oracle.error('SELECT * FROM conv.totals');
RESET ROLE;
GRANT USAGE ON SCHEMA conv TO imat_conv_reader;
SET ROLE imat_conv_reader;
SELECT count(*) FROM conv.totals;
RESET ROLE;
-- what a table can have
ALTER TABLE totals ADD CONSTRAINT positive CHECK (total > 0);
\set VERBOSITY terse
INSERT INTO sales VALUES (102, 'bad', 1, -50);
\set VERBOSITY default
ALTER TABLE totals DROP CONSTRAINT positive;
SELECT oracle.same('totals');
VACUUM FULL totals; CLUSTER totals USING totals_total; REINDEX TABLE totals; ANALYZE totals;
INSERT INTO sales VALUES (103, 'r1', 2, 3);
SELECT oracle.same('totals');
ALTER TABLE totals RENAME TO sums; ALTER TABLE sales RENAME COLUMN amount TO price; ALTER TABLE sales RENAME TO sold;
INSERT INTO sold VALUES (104, 'r1', 2, 4);
SELECT oracle.same('sums');
SELECT mv_name FROM imat.imat_config WHERE agg_schema_name = 'conv';

-- The key: a primary key where the group columns can't be NULL ...
CREATE MATERIALIZED VIEW by_region AS SELECT region, count(*) AS n FROM sold GROUP BY region;
SELECT create_imat('by_region');
SELECT contype, (SELECT array_agg(attname) FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey))
  FROM pg_constraint WHERE conrelid = 'by_region'::regclass AND contype = 'p';
-- ... else a unique index in which NULLs are equal
SELECT imat.drop('sums', keep => 'table');
SELECT count(*) FROM pg_constraint WHERE conrelid = 'sums'::regclass AND contype = 'p';
SELECT oracle.sqlstate('INSERT INTO sums SELECT * FROM sums WHERE product IS NULL AND region = ''r0''') = '23505' AS nulls_are_equal;
SELECT oracle.sqlstate('INSERT INTO sums SELECT * FROM sums WHERE product = 1 AND region = ''r0''') = '23505' AS unique_at_all;
-- ... and an index that serves already is used
CREATE MATERIALIZED VIEW indexed AS SELECT region AS r, id % 2 AS odd, count(*) AS n FROM sold GROUP BY id % 2, region;
CREATE UNIQUE INDEX indexed_mine ON indexed (odd, r);
SELECT create_imat('indexed');
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'indexed'::regclass ORDER BY 1::text;
CREATE MATERIALIZED VIEW half_indexed AS SELECT region AS r, id % 2 AS odd, count(*) AS n FROM sold GROUP BY id % 2, region;
CREATE UNIQUE INDEX half_indexed_partial ON half_indexed (odd, r) WHERE n > 0;
CREATE UNIQUE INDEX half_indexed_more ON half_indexed (odd, r, n);
SELECT create_imat('half_indexed');
SELECT count(*) AS one_more_was_made FROM pg_index WHERE indrelid = 'half_indexed'::regclass;
INSERT INTO sold VALUES (105, 'r1', 2, 4), (106, 'r9', 2, 4);
DELETE FROM sold WHERE region = 'r2';
SELECT * FROM oracle.all_same('conv');

-- WITH NO DATA: filled
CREATE MATERIALIZED VIEW unfilled AS SELECT product, sum(price) AS total FROM sold GROUP BY product WITH NO DATA;
SELECT oracle.error('SELECT * FROM unfilled');
SELECT create_imat('conv.unfilled');
SELECT oracle.same('unfilled');
-- A stale view is brought up to date
CREATE MATERIALIZED VIEW stale AS SELECT product, count(*) AS n FROM sold GROUP BY product;
INSERT INTO sold VALUES (107, 'x', 77, 1);
SELECT create_imat('stale');
SELECT oracle.same('stale');

-- Names that have to be quoted
CREATE SCHEMA "Odd ""Schema"".x";
CREATE TABLE "Odd ""Schema"".x"."a'b;--" ("group" int NOT NULL, "Sum(x)" int, "ünï" int);
INSERT INTO "Odd ""Schema"".x"."a'b;--" VALUES (1, 2, 3);
CREATE MATERIALIZED VIEW "Odd ""Schema"".x"."MV '$$"" drop" AS
    SELECT "group", sum("Sum(x)") AS "sum of ""x""", count("ünï") AS "select" FROM "Odd ""Schema"".x"."a'b;--" GROUP BY "group";
SELECT oracle.error('SELECT create_imat(''MV drop'')');
SELECT create_imat('"Odd ""Schema"".x"."MV ''$$"" drop"');
INSERT INTO "Odd ""Schema"".x"."a'b;--" VALUES (1, 5, NULL), (2, 6, 7);
SELECT oracle.same('"Odd ""Schema"".x"."MV ''$$"" drop"');
SELECT mv_name, mv_schema_name, agg_schema_name FROM imat.imat_config WHERE mv_name LIKE 'MV%';
CREATE MATERIALIZED VIEW a_name_of_sixty_three_bytes_which_is_the_most_a_name_can_be_123 AS
    SELECT region, avg(price) AS a FROM sold GROUP BY region;
SELECT create_imat('a_name_of_sixty_three_bytes_which_is_the_most_a_name_can_be_123');
CREATE SCHEMA conv2;
CREATE MATERIALIZED VIEW conv2.a_name_of_sixty_three_bytes_which_is_the_most_a_name_can_be_123 AS
    SELECT region, avg(price) AS a FROM sold GROUP BY region;
SELECT create_imat('conv2.a_name_of_sixty_three_bytes_which_is_the_most_a_name_can_be_123');
INSERT INTO sold VALUES (108, 'long', 1, 1);
SELECT verdict FROM oracle.all_same('conv2');
SELECT oracle.same('a_name_of_sixty_three_bytes_which_is_the_most_a_name_can_be_123');

-- Moved to another schema: the old name goes on answering
CREATE SCHEMA conv_to;
CREATE MATERIALIZED VIEW moved AS SELECT region, sum(price) AS total FROM sold GROUP BY region;
CREATE INDEX moved_total ON moved (total);
CREATE VIEW on_moved AS SELECT count(*) AS n, sum(total) AS total FROM moved;
GRANT SELECT ON moved TO imat_conv_reader;
COMMENT ON MATERIALIZED VIEW moved IS 'goes places';
COMMENT ON COLUMN moved.total IS 'of prices';
CREATE ROLE imat_conv_column; GRANT USAGE ON SCHEMA conv, conv_to TO imat_conv_column;
GRANT SELECT (region) ON moved TO imat_conv_column WITH GRANT OPTION;
SELECT 'moved'::regclass::oid AS oid_before \gset
SELECT create_imat('moved', 'conv_to');
SELECT 'conv_to.moved'::regclass::oid = :oid_before AS same_oid, relkind FROM pg_class WHERE oid = 'conv_to.moved'::regclass;
SELECT relkind FROM pg_class WHERE oid = 'conv.moved'::regclass;
SELECT obj_description('conv_to.moved'::regclass, 'pg_class'), 'conv_to.moved_total'::regclass;
INSERT INTO sold VALUES (109, 'moved', 1, 10000);
SELECT oracle.same('conv_to.moved');
SELECT * FROM conv.moved WHERE region = 'moved';
SELECT count(*) FROM (TABLE conv.moved EXCEPT ALL TABLE conv_to.moved) d;
SELECT n, total > 10000 AS current FROM on_moved;
SELECT mv_name, mv_schema_name, agg_schema_name FROM imat.imat_config WHERE mv_name = 'moved';
-- who could read under the old name still can
SET ROLE imat_conv_reader;
SELECT count(*) > 0 AS answers FROM conv.moved;
RESET ROLE;
-- inside a transaction, both names show the transaction's own changes
BEGIN;
INSERT INTO sold VALUES (110, 'moved', 1, 1);
SELECT total FROM conv.moved WHERE region = 'moved';
INSERT INTO sold VALUES (111, 'moved', 1, 1);
SELECT total FROM conv_to.moved WHERE region = 'moved';
ROLLBACK;
SELECT total FROM conv.moved WHERE region = 'moved';

-- and who could read some of its columns; what was said of these is kept
SELECT v.attname, v.attacl IS NOT NULL AS granted, v.attacl IS NOT DISTINCT FROM t.attacl AS alike, col_description(v.attrelid, v.attnum)
  FROM pg_attribute v JOIN pg_attribute t USING (attnum) WHERE v.attrelid = 'conv.moved'::regclass AND t.attrelid = 'conv_to.moved'::regclass AND attnum > 0 ORDER BY attnum;
SET ROLE imat_conv_column;
SELECT count(region) > 0 AS answers FROM conv.moved;
SELECT count(region) > 0 AS answers FROM conv_to.moved;
SELECT oracle.sqlstate('SELECT total FROM conv.moved');
RESET ROLE;
SELECT oracle.sqlstate('DROP ROLE imat_conv_column') AS is_needed;

-- Where an unqualified name is looked for: schema imat, the target schema, the search_path
CREATE MATERIALIZED VIEW imat.here AS SELECT 'imat'::text AS place, count(*) AS n FROM sold;
CREATE MATERIALIZED VIEW conv_to.here AS SELECT 'target'::text AS place, count(*) AS n FROM sold;
CREATE MATERIALIZED VIEW conv.here AS SELECT 'path'::text AS place, count(*) AS n FROM sold;
SELECT create_imat('conv.here');
SELECT create_imat('here', 'conv_to');  -- imat.here can't go there
SELECT create_imat('here', 'conv2');
SELECT place, oracle.same('conv2.here') FROM imat.here;
SELECT create_imat('here', 'conv_to');
SELECT place, oracle.same('conv_to.here') FROM conv_to.here;
-- a view in schema imat goes to public by default
CREATE MATERIALIZED VIEW imat.conv_default AS SELECT count(*) AS n FROM sold;
SELECT create_imat('conv_default');
SELECT relnamespace::regnamespace FROM pg_class WHERE oid = 'public.conv_default'::regclass;
SELECT a.n = b.n AS both FROM imat.conv_default a, public.conv_default b;

-- In a transaction that is rolled back, nothing has happened
CREATE MATERIALIZED VIEW undone AS SELECT region, count(*) AS n FROM sold GROUP BY region;
SELECT oracle.fingerprint() AS before \gset
BEGIN;
SELECT create_imat('undone', 'conv_to');
INSERT INTO sold VALUES (112, 'undone', 1, 1);
SELECT oracle.same('conv_to.undone');
ROLLBACK;
SELECT oracle.fingerprint() = :'before' AS as_before;
SELECT count(*) FROM undone WHERE region = 'undone';
REFRESH MATERIALIZED VIEW undone;
-- In one that has written the sources before
BEGIN;
INSERT INTO sold VALUES (113, 'mine', 1, 1);
SELECT create_imat('undone');
SELECT oracle.same('undone');
INSERT INTO sold VALUES (114, 'mine', 1, 1);
COMMIT;
SELECT oracle.same('undone'), (SELECT n FROM undone WHERE region = 'mine');

SELECT * FROM oracle.all_same('conv');
SET client_min_messages = warning;
DROP SCHEMA conv, conv2, conv_to, "Odd ""Schema"".x" CASCADE;
DROP OWNED BY imat_conv_reader, imat_conv_column; DROP ROLE imat_conv_reader, imat_conv_column;
SELECT count(*) FROM imat.imat_config;
SELECT relname FROM pg_class WHERE relnamespace = 'imat'::regnamespace AND relname ~ '(conv|here|mov|sale|MV)';
