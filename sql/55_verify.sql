/* Does a table equal its definition?  See src/rebuild/verify.cpp. */

CREATE FUNCTION imat.verify(imat pg_catalog.regclass) RETURNS bigint
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'imat_verify';

COMMENT ON FUNCTION imat.verify(pg_catalog.regclass) IS
    'rows by which the table and its definition differ, counted on both sides; 0: they are equal';
