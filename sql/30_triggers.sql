/* The functions of the triggers on sources and on IMATs.  See src/entry/triggers.cpp. */

CREATE FUNCTION imat.capture() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'imat_capture';
COMMENT ON FUNCTION imat.capture() IS 'trigger on a table that an incremental materialized table reads: takes note of what a statement did';

CREATE FUNCTION imat.protect() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'imat_protect';
COMMENT ON FUNCTION imat.protect() IS 'trigger on an incremental materialized table: refuses to let it be written directly';
