-- ---------------------------------------------------------------------------------------------------------------------
-- The verbs of nested levels.
-- ---------------------------------------------------------------------------------------------------------------------

-- Partially pooled means of two nested levels, such as stores in regions: each inner group is pulled toward its outer
-- group, and each outer group toward mu. The argument `at` chooses the groups of the result: 'inner' (by both keys) or
-- 'outer' (by the outer key). More than two levels need Python.
CREATE OR REPLACE MACRO pool_shrink_nested(
    tbl, value, "outer", "inner", _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL,
    se := NULL, weights := NULL, sigma2 := 'pooled', tau2 := 'reml', tau2_outer := NULL, tau2_inner := NULL,
    "at" := 'inner', nan := 'error', level := 0.95, uncertainty := 'mu', predict := 'mean', threshold := NULL
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_nested_arguments('_pool_schema', value, "outer", "inner", _pool_unnamed, over, n, var, se, weights,
            sigma2, tau2, tau2_outer, tau2_inner, nan, "at", level, uncertainty, predict, threshold, true,
            _pool_columns_of_shrink_nested())
    ),
    _pool_keyed AS NOT MATERIALIZED (
        SELECT *, "outer" AS _pool_key_outer, "inner" AS _pool_key_inner FROM query_table(_pool_read(tbl))
    ),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(_pool_read(tbl), value, over)),
    _pool_plain AS MATERIALIZED (
        FROM _pool_plain('_pool_keyed', value, COLUMNS('^_pool_key_'), over, n, var, se, weights, nan)
    ),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed('_pool_keyed', value, COLUMNS('^_pool_key_'), over, n, var, se, weights, nan, 'pooled',
            'reml', 'gls')
    ),
    _pool_leaves AS NOT MATERIALIZED (
        FROM _pool_nested_leaves([n, var, se, weights], '_pool_plain', '_pool_weighed')
    ),
    _pool_fitted AS MATERIALIZED (
        FROM _pool_nested_components('_pool_leaves', [n, var, se, weights], sigma2, tau2, tau2_outer, tau2_inner, level,
            'estimates')
    ),
    _pool_estimated AS NOT MATERIALIZED (
        FROM _pool_nested_estimates('_pool_leaves', '_pool_fitted', "at", uncertainty, predict),
            _pool_quantile_of(level)
    ),
    _pool_standardised AS NOT MATERIALIZED (
        SELECT *, pool_standardised(_pool_estimate, _pool_se, _pool_number(threshold)) AS _pool_z FROM _pool_estimated
    ),
    _pool_without_threshold AS NOT MATERIALIZED (SELECT *, NULL::DOUBLE AS _pool_above FROM _pool_estimated),
    _pool_with_threshold AS NOT MATERIALIZED (
        SELECT *, _pool_normal_cdf_double(_pool_z) AS _pool_above FROM _pool_standardised
    ),
    _pool_result AS NOT MATERIALIZED (
        SELECT _pool_model, COLUMNS('^_pool_(outer|inner)$'), _pool_n::BIGINT, _pool_mean, _pool_sampling, _pool_weight,
            _pool_estimate, _pool_se, pool_lower(_pool_estimate, _pool_se, _pool_quantile),
            pool_upper(_pool_estimate, _pool_se, _pool_quantile), _pool_effect, _pool_se_effect, _pool_above
        FROM query_table(
            CASE WHEN _pool_absent(threshold) THEN '_pool_without_threshold' ELSE '_pool_with_threshold' END)
    ),
    _pool_of_outer AS (
        SELECT * FROM (SELECT over, "outer" FROM _pool_schema), (FROM _pool_empty_shrink_nested())
        UNION ALL
        SELECT unnest(_pool_model), unnest(_pool_outer), COLUMNS(* EXCLUDE (_pool_model, _pool_outer))
        FROM _pool_result
    ),
    _pool_of_inner AS (
        SELECT * FROM (SELECT over, "outer", "inner" FROM _pool_schema), (FROM _pool_empty_shrink_nested())
        UNION ALL
        SELECT unnest(_pool_model), unnest(_pool_outer), unnest(_pool_inner),
            COLUMNS(* EXCLUDE (_pool_model, _pool_outer, _pool_inner))
        FROM _pool_result
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c) AND (c <> 'p_above' OR NOT _pool_absent(threshold)))
    FROM query_table(CASE WHEN "at" = 'outer' THEN '_pool_of_outer' ELSE '_pool_of_inner' END)
    WHERE (SELECT proper FROM _pool_request);

-- The variances of two nested levels, one row per model and level, the outer level first: tau2 with its standard error,
-- profile-likelihood interval and likelihood-ratio test, and the statistics of the model, equal in both rows.
CREATE OR REPLACE MACRO pool_components_nested(
    tbl, value, "outer", "inner", _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL,
    se := NULL, weights := NULL, sigma2 := 'pooled', tau2 := 'reml', tau2_outer := NULL, tau2_inner := NULL,
    nan := 'error', level := 0.95
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_nested_arguments('_pool_schema', value, "outer", "inner", _pool_unnamed, over, n, var, se, weights,
            sigma2, tau2, tau2_outer, tau2_inner, nan, 'inner', level, 'mu', 'mean', NULL, false,
            _pool_columns_of_components_nested())
    ),
    _pool_keyed AS NOT MATERIALIZED (
        SELECT *, "outer" AS _pool_key_outer, "inner" AS _pool_key_inner FROM query_table(_pool_read(tbl))
    ),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(_pool_read(tbl), value, over)),
    _pool_plain AS MATERIALIZED (
        FROM _pool_plain('_pool_keyed', value, COLUMNS('^_pool_key_'), over, n, var, se, weights, nan)
    ),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed('_pool_keyed', value, COLUMNS('^_pool_key_'), over, n, var, se, weights, nan, 'pooled',
            'reml', 'gls')
    ),
    _pool_leaves AS NOT MATERIALIZED (
        FROM _pool_nested_leaves([n, var, se, weights], '_pool_plain', '_pool_weighed')
    ),
    _pool_levels AS MATERIALIZED (
        FROM _pool_nested_components('_pool_leaves', [n, var, se, weights], sigma2, tau2, tau2_outer, tau2_inner, level,
            'inference')
    ),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_components_nested())
        UNION ALL
        SELECT unnest(_pool_model), level_names[depth], depth::BIGINT, groups::BIGINT,
            CASE WHEN has_n THEN round(rows_)::BIGINT END, _pool_sigma2, tau2_, share_, se_tau2_, tau2_lower_,
            tau2_upper_, tested_, CASE WHEN tested_ IS NOT NULL THEN pool_half_half(tested_, tail) END, log_likelihood,
            aic, _pool_mu, se_mu_, _pool_mu - _pool_quantile * se_mu_, _pool_mu + _pool_quantile * se_mu_,
            _pool_mu - reach, _pool_mu + reach, _pool_converged
        FROM _pool_levels, (SELECT has_n, level_names FROM _pool_request)
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named
    WHERE (SELECT proper FROM _pool_request);
