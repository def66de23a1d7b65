/* The functions of the triggers on sources and on IMATs.  See src/entry/triggers.cpp. */

CREATE FUNCTION imat.capture() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'imat_capture';
COMMENT ON FUNCTION imat.capture() IS 'trigger on a table that an incremental materialized table reads: takes note of what a statement did';

CREATE FUNCTION imat.protect() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'imat_protect';
COMMENT ON FUNCTION imat.protect() IS 'trigger on an incremental materialized table: refuses to let it be written directly';

CREATE FUNCTION imat.restored() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'imat_restored';
COMMENT ON FUNCTION imat.restored() IS 'trigger on tables of pg_imat: has incremental materialized tables go on that a dump has brought';
REVOKE EXECUTE ON FUNCTION imat.restored() FROM PUBLIC;

CREATE TRIGGER restored_before BEFORE INSERT ON imat.registered FOR EACH STATEMENT EXECUTE FUNCTION imat.restored();
CREATE TRIGGER restored_after AFTER INSERT ON imat.registered FOR EACH STATEMENT EXECUTE FUNCTION imat.restored();
CREATE TRIGGER restored_before BEFORE INSERT ON imat.source FOR EACH STATEMENT EXECUTE FUNCTION imat.restored();
CREATE TRIGGER restored_after AFTER INSERT ON imat.source FOR EACH STATEMENT EXECUTE FUNCTION imat.restored();
