/* Variances, covariances and what is computed from them, of floats, from exact sums.  See src/delta/moments.cpp
   and src/delta/pairs.cpp.  They take the place of PostgreSQL's, which depend on the order of the rows. */

CREATE FUNCTION imat.exact_moments_step(internal, real) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_moments_step_float4';
CREATE FUNCTION imat.exact_moments_step(internal, double precision) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_moments_step_float8';
CREATE FUNCTION imat.exact_pairs_step(internal, y double precision, x double precision) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_pairs_step';

CREATE FUNCTION imat.exact_var_pop_result(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_var_pop';
CREATE FUNCTION imat.exact_var_samp_result(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_var_samp';
CREATE FUNCTION imat.exact_stddev_pop_result(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_stddev_pop';
CREATE FUNCTION imat.exact_stddev_samp_result(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_stddev_samp';
CREATE FUNCTION imat.exact_covar_pop_result(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_covar_pop';
CREATE FUNCTION imat.exact_covar_samp_result(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_covar_samp';
CREATE FUNCTION imat.exact_corr_result(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_corr';
CREATE FUNCTION imat.exact_regr_avgx_result(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_regr_avgx';
CREATE FUNCTION imat.exact_regr_avgy_result(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_regr_avgy';
CREATE FUNCTION imat.exact_regr_sxx_result(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_regr_sxx';
CREATE FUNCTION imat.exact_regr_syy_result(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_regr_syy';
CREATE FUNCTION imat.exact_regr_sxy_result(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_regr_sxy';
CREATE FUNCTION imat.exact_regr_r2_result(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_regr_r2';
CREATE FUNCTION imat.exact_regr_slope_result(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_regr_slope';
CREATE FUNCTION imat.exact_regr_intercept_result(internal) RETURNS double precision
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'imat_exact_regr_intercept';

CREATE AGGREGATE imat.exact_var_pop(real) (
    SFUNC = imat.exact_moments_step, STYPE = internal, SSPACE = 256, FINALFUNC = imat.exact_var_pop_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_var_samp(real) (
    SFUNC = imat.exact_moments_step, STYPE = internal, SSPACE = 256, FINALFUNC = imat.exact_var_samp_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_variance(real) (
    SFUNC = imat.exact_moments_step, STYPE = internal, SSPACE = 256, FINALFUNC = imat.exact_var_samp_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_stddev_pop(real) (
    SFUNC = imat.exact_moments_step, STYPE = internal, SSPACE = 256, FINALFUNC = imat.exact_stddev_pop_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_stddev_samp(real) (
    SFUNC = imat.exact_moments_step, STYPE = internal, SSPACE = 256, FINALFUNC = imat.exact_stddev_samp_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_stddev(real) (
    SFUNC = imat.exact_moments_step, STYPE = internal, SSPACE = 256, FINALFUNC = imat.exact_stddev_samp_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_var_pop(double precision) (
    SFUNC = imat.exact_moments_step, STYPE = internal, SSPACE = 256, FINALFUNC = imat.exact_var_pop_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_var_samp(double precision) (
    SFUNC = imat.exact_moments_step, STYPE = internal, SSPACE = 256, FINALFUNC = imat.exact_var_samp_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_variance(double precision) (
    SFUNC = imat.exact_moments_step, STYPE = internal, SSPACE = 256, FINALFUNC = imat.exact_var_samp_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_stddev_pop(double precision) (
    SFUNC = imat.exact_moments_step, STYPE = internal, SSPACE = 256, FINALFUNC = imat.exact_stddev_pop_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_stddev_samp(double precision) (
    SFUNC = imat.exact_moments_step, STYPE = internal, SSPACE = 256, FINALFUNC = imat.exact_stddev_samp_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_stddev(double precision) (
    SFUNC = imat.exact_moments_step, STYPE = internal, SSPACE = 256, FINALFUNC = imat.exact_stddev_samp_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_covar_pop(y double precision, x double precision) (
    SFUNC = imat.exact_pairs_step, STYPE = internal, SSPACE = 512, FINALFUNC = imat.exact_covar_pop_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_covar_samp(y double precision, x double precision) (
    SFUNC = imat.exact_pairs_step, STYPE = internal, SSPACE = 512, FINALFUNC = imat.exact_covar_samp_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_corr(y double precision, x double precision) (
    SFUNC = imat.exact_pairs_step, STYPE = internal, SSPACE = 512, FINALFUNC = imat.exact_corr_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_regr_avgx(y double precision, x double precision) (
    SFUNC = imat.exact_pairs_step, STYPE = internal, SSPACE = 512, FINALFUNC = imat.exact_regr_avgx_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_regr_avgy(y double precision, x double precision) (
    SFUNC = imat.exact_pairs_step, STYPE = internal, SSPACE = 512, FINALFUNC = imat.exact_regr_avgy_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_regr_sxx(y double precision, x double precision) (
    SFUNC = imat.exact_pairs_step, STYPE = internal, SSPACE = 512, FINALFUNC = imat.exact_regr_sxx_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_regr_syy(y double precision, x double precision) (
    SFUNC = imat.exact_pairs_step, STYPE = internal, SSPACE = 512, FINALFUNC = imat.exact_regr_syy_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_regr_sxy(y double precision, x double precision) (
    SFUNC = imat.exact_pairs_step, STYPE = internal, SSPACE = 512, FINALFUNC = imat.exact_regr_sxy_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_regr_r2(y double precision, x double precision) (
    SFUNC = imat.exact_pairs_step, STYPE = internal, SSPACE = 512, FINALFUNC = imat.exact_regr_r2_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_regr_slope(y double precision, x double precision) (
    SFUNC = imat.exact_pairs_step, STYPE = internal, SSPACE = 512, FINALFUNC = imat.exact_regr_slope_result, PARALLEL = SAFE
);
CREATE AGGREGATE imat.exact_regr_intercept(y double precision, x double precision) (
    SFUNC = imat.exact_pairs_step, STYPE = internal, SSPACE = 512, FINALFUNC = imat.exact_regr_intercept_result, PARALLEL = SAFE
);

COMMENT ON AGGREGATE imat.exact_var_pop(real) IS 'var_pop from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_var_samp(real) IS 'var_samp from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_variance(real) IS 'variance from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_stddev_pop(real) IS 'stddev_pop from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_stddev_samp(real) IS 'stddev_samp from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_stddev(real) IS 'stddev from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_var_pop(double precision) IS 'var_pop from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_var_samp(double precision) IS 'var_samp from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_variance(double precision) IS 'variance from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_stddev_pop(double precision) IS 'stddev_pop from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_stddev_samp(double precision) IS 'stddev_samp from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_stddev(double precision) IS 'stddev from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_covar_pop(double precision, double precision) IS 'covar_pop from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_covar_samp(double precision, double precision) IS 'covar_samp from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_corr(double precision, double precision) IS 'corr from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_regr_avgx(double precision, double precision) IS 'regr_avgx from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_regr_avgy(double precision, double precision) IS 'regr_avgy from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_regr_sxx(double precision, double precision) IS 'regr_sxx from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_regr_syy(double precision, double precision) IS 'regr_syy from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_regr_sxy(double precision, double precision) IS 'regr_sxy from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_regr_r2(double precision, double precision) IS 'regr_r2 from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_regr_slope(double precision, double precision) IS 'regr_slope from exact sums, whatever the order of the rows';
COMMENT ON AGGREGATE imat.exact_regr_intercept(double precision, double precision) IS 'regr_intercept from exact sums, whatever the order of the rows';
