/* Aggregates over accumulators.  See src/delta/accumulate.hpp. */

CREATE FUNCTION imat.accumulate_step(internal, kind "char", value "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_accumulate_step';
CREATE FUNCTION imat.accumulate_final(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_accumulate_final';
CREATE AGGREGATE imat.accumulate("char", "any") (
    SFUNC = imat.accumulate_step, STYPE = internal, SSPACE = 256,
    FINALFUNC = imat.accumulate_final, PARALLEL = SAFE
);
COMMENT ON AGGREGATE imat.accumulate("char", "any") IS 'the accumulator of the values, as a state table stores it';

CREATE FUNCTION imat.exact_step(internal, real) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_step_float4';
CREATE FUNCTION imat.exact_unstep(internal, real) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_unstep';
CREATE FUNCTION imat.exact_sum_float4(internal) RETURNS real
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_sum_float4';

CREATE FUNCTION imat.exact_step(internal, double precision) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_step_float8';
CREATE FUNCTION imat.exact_unstep(internal, double precision) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_unstep';
CREATE FUNCTION imat.exact_sum_float8(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_sum_float8';
CREATE FUNCTION imat.exact_avg_float8(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_avg';

CREATE AGGREGATE imat.exact_sum(real) (
    SFUNC = imat.exact_step, STYPE = internal, SSPACE = 160, FINALFUNC = imat.exact_sum_float4,
    MSFUNC = imat.exact_step, MINVFUNC = imat.exact_unstep, MSTYPE = internal, MSSPACE = 160,
    MFINALFUNC = imat.exact_sum_float4, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_sum(double precision) (
    SFUNC = imat.exact_step, STYPE = internal, SSPACE = 160, FINALFUNC = imat.exact_sum_float8,
    MSFUNC = imat.exact_step, MINVFUNC = imat.exact_unstep, MSTYPE = internal, MSSPACE = 160,
    MFINALFUNC = imat.exact_sum_float8, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_avg(real) (
    SFUNC = imat.exact_step, STYPE = internal, SSPACE = 160, FINALFUNC = imat.exact_avg_float8,
    MSFUNC = imat.exact_step, MINVFUNC = imat.exact_unstep, MSTYPE = internal, MSSPACE = 160,
    MFINALFUNC = imat.exact_avg_float8, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_avg(double precision) (
    SFUNC = imat.exact_step, STYPE = internal, SSPACE = 160, FINALFUNC = imat.exact_avg_float8,
    MSFUNC = imat.exact_step, MINVFUNC = imat.exact_unstep, MSTYPE = internal, MSSPACE = 160,
    MFINALFUNC = imat.exact_avg_float8, PARALLEL = SAFE
);
COMMENT ON AGGREGATE imat.exact_sum(real) IS 'the correctly rounded sum, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_sum(double precision) IS 'the correctly rounded sum, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_avg(real) IS 'the correctly rounded average, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_avg(double precision) IS 'the correctly rounded average, whatever the order of the rows';

/* The least and the greatest value; of those that are equal, the first by what they look like. */
CREATE FUNCTION imat.lesser(anyelement, anyelement) RETURNS anyelement
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_lesser';
CREATE FUNCTION imat.greater(anyelement, anyelement) RETURNS anyelement
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_greater';
CREATE AGGREGATE imat.exact_min(anyelement) (
    SFUNC = imat.lesser, STYPE = anyelement, COMBINEFUNC = imat.lesser, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_max(anyelement) (
    SFUNC = imat.greater, STYPE = anyelement, COMBINEFUNC = imat.greater, PARALLEL = SAFE
);
COMMENT ON AGGREGATE imat.exact_min(anyelement) IS 'the least value; of several that are equal, the same one whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_max(anyelement) IS 'the greatest value; of several that are equal, the same one whatever the order of the rows';
