/* Creating, altering and dropping incremental materialized tables.  See src/rebuild/rebuild.hpp. */

CREATE FUNCTION @extschema@.create_imat(mv_name pg_catalog.text, target_schema pg_catalog.text DEFAULT NULL)
    RETURNS pg_catalog.regclass
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'imat_create_imat';

COMMENT ON FUNCTION @extschema@.create_imat(pg_catalog.text, pg_catalog.text) IS
    'turn a materialized view into a table that is kept equal to its query';

CREATE FUNCTION imat.create(name pg_catalog.text, query pg_catalog.text,
        maintenance pg_catalog.text DEFAULT 'immediate', strategy pg_catalog.text DEFAULT 'auto')
    RETURNS pg_catalog.regclass
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'imat_create';

COMMENT ON FUNCTION imat.create(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text) IS
    'create a table that is kept equal to a query';

CREATE FUNCTION imat.alter(imat pg_catalog.regclass, maintenance pg_catalog.text DEFAULT NULL,
        strategy pg_catalog.text DEFAULT NULL)
    RETURNS pg_catalog.void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'imat_alter';

COMMENT ON FUNCTION imat.alter(pg_catalog.regclass, pg_catalog.text, pg_catalog.text) IS
    'change how an incremental materialized table is maintained; NULL: as it is';

CREATE FUNCTION imat.drop(imat pg_catalog.regclass, keep pg_catalog.text DEFAULT NULL)
    RETURNS pg_catalog.void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'imat_drop';

COMMENT ON FUNCTION imat.drop(pg_catalog.regclass, pg_catalog.text) IS
    'drop an incremental materialized table; keep: NULL for nothing, ''table'', or ''materialized view''';

CREATE FUNCTION imat.refresh(imat pg_catalog.regclass)
    RETURNS pg_catalog.void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'imat_refresh';

COMMENT ON FUNCTION imat.refresh(pg_catalog.regclass) IS
    'compute the contents of an incremental materialized table anew';

/* After DROP of a table, of what it reads, or of a schema: what belonged to the IMAT goes, too. */
CREATE FUNCTION imat.on_sql_drop() RETURNS pg_catalog.event_trigger
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'imat_on_sql_drop';

COMMENT ON FUNCTION imat.on_sql_drop() IS 'forgets incremental materialized tables that were dropped';

CREATE EVENT TRIGGER imat_on_sql_drop ON sql_drop EXECUTE FUNCTION imat.on_sql_drop();
ALTER EVENT TRIGGER imat_on_sql_drop ENABLE ALWAYS;

/* Children of sources come and go; what definitions depend on is altered or replaced; rights are granted and revoked; a dump is being restored. */
CREATE FUNCTION imat.on_ddl() RETURNS pg_catalog.event_trigger
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'imat_on_ddl';

COMMENT ON FUNCTION imat.on_ddl() IS
    'notices what is done to tables that incremental materialized tables read, and to what their definitions depend on';

CREATE EVENT TRIGGER imat_on_ddl ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE', 'CREATE SCHEMA', 'CREATE TRIGGER', 'ALTER TRIGGER',
                 'CREATE VIEW', 'ALTER VIEW', 'CREATE RULE', 'CREATE FUNCTION', 'ALTER FUNCTION', 'ALTER ROUTINE', 'CREATE AGGREGATE',
                 'ALTER TYPE', 'ALTER DOMAIN', 'ALTER COLLATION', 'ALTER TEXT SEARCH CONFIGURATION',
                 'ALTER TEXT SEARCH DICTIONARY', 'CREATE POLICY', 'ALTER POLICY', 'GRANT', 'REVOKE')
    EXECUTE FUNCTION imat.on_ddl();
ALTER EVENT TRIGGER imat_on_ddl ENABLE ALWAYS;

CREATE FUNCTION imat.before_ddl() RETURNS pg_catalog.event_trigger
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'imat_before_ddl';

COMMENT ON FUNCTION imat.before_ddl() IS
    'refuses alterations of columns that incremental materialized tables read, and says which do; reads the rows of tables that leave those';

CREATE EVENT TRIGGER imat_before_ddl ON ddl_command_start
    WHEN TAG IN ('ALTER TABLE', 'CREATE TRIGGER', 'DROP TABLE', 'DROP EXTENSION', 'DROP AGGREGATE', 'DROP CAST', 'DROP COLLATION', 'DROP DOMAIN',
                 'DROP FUNCTION', 'DROP LANGUAGE', 'DROP MATERIALIZED VIEW', 'DROP OPERATOR', 'DROP OPERATOR CLASS', 'DROP OPERATOR FAMILY',
                 'DROP OWNED', 'DROP ROUTINE', 'DROP SCHEMA', 'DROP TEXT SEARCH CONFIGURATION', 'DROP TEXT SEARCH DICTIONARY', 'DROP TYPE',
                 'DROP VIEW')
    EXECUTE FUNCTION imat.before_ddl();
ALTER EVENT TRIGGER imat_before_ddl ENABLE ALWAYS;
