/* pg_imat: the install script is made of the files of sql/, in the order of their numbers. */
\echo Use "CREATE EXTENSION pg_imat" to load this file. \quit

/*
 * Schema imat may be there already, and so may a table imat.imat_config (people who kept such a table by hand
 * before).  A schema of another's is left as it is.  The table has to make room: an empty one is dropped, one
 * with rows is kept under another name.
 */
DO $$
DECLARE
    existing regclass := to_regclass('imat.imat_config');
    filled boolean;
BEGIN
    IF to_regnamespace('imat') IS NULL THEN
        CREATE SCHEMA imat;
    ELSIF existing IS NOT NULL THEN
        EXECUTE pg_catalog.format('SELECT EXISTS (SELECT FROM %s)', existing) INTO filled;
        IF filled THEN
            ALTER TABLE imat.imat_config RENAME TO imat_config_before_pg_imat;
            RAISE NOTICE 'table "imat.imat_config" was renamed to "imat_config_before_pg_imat"';
        ELSE
            DROP TABLE imat.imat_config;
        END IF;
    END IF;
END
$$;

GRANT USAGE ON SCHEMA imat TO PUBLIC;
