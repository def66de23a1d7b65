/* pg_imat: the install script is made of the files of sql/, in the order of their numbers. */
\echo Use "CREATE EXTENSION pg_imat" to load this file. \quit

/* What is meant by a name in what follows isn't for those to say who may create objects in other schemas. */
SET LOCAL search_path = pg_catalog, pg_temp;

/*
 * Schema imat may be there already, and so may a table imat.imat_config (people who kept such a table by hand
 * before).  Whoever owns the schema could put other things in place of ours, so it has to belong to a superuser;
 * who had it may go on creating objects in it.  The table has to make room: an empty one is dropped, one with
 * rows is kept under another name, and so is what is no table: to look into a view would be to run its owner's code.
 */
DO $$
DECLARE
    owner oid := (SELECT nspowner FROM pg_namespace WHERE nspname = 'imat');
    kind "char";
    filled boolean := true;
BEGIN
    IF owner IS NULL THEN
        CREATE SCHEMA imat;
    ELSIF NOT (SELECT rolsuper FROM pg_authid WHERE oid = owner) THEN
        ALTER SCHEMA imat OWNER TO CURRENT_USER;
        EXECUTE format('GRANT USAGE, CREATE ON SCHEMA imat TO %I', pg_get_userbyid(owner));
        RAISE NOTICE 'schema "imat" belongs to % now; % may go on creating objects in it', quote_ident(current_user), quote_ident(pg_get_userbyid(owner));
    END IF;
    IF to_regclass('imat.imat_config') IS NOT NULL THEN
        LOCK TABLE imat.imat_config;
        kind := (SELECT relkind FROM pg_class WHERE oid = to_regclass('imat.imat_config')::oid);
        IF kind = 'r' THEN
            EXECUTE 'SELECT EXISTS (SELECT FROM ONLY imat.imat_config)' INTO filled;
        END IF;
        IF filled THEN
            ALTER TABLE imat.imat_config RENAME TO imat_config_before_pg_imat;
            RAISE NOTICE '% "imat.imat_config" was renamed to "imat_config_before_pg_imat"', CASE kind WHEN 'r' THEN 'table' ELSE 'relation' END;
        ELSE
            DROP TABLE imat.imat_config;
        END IF;
    END IF;
END
$$;

GRANT USAGE ON SCHEMA imat TO PUBLIC;
