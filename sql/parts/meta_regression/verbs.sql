-- ---------------------------------------------------------------------------------------------------------------------
-- The verbs beside one predictor of groups.
-- ---------------------------------------------------------------------------------------------------------------------

-- Partially pooled means that are pulled toward what a predictor of the groups says: weight * mean + (1 - weight) *
-- fit, fit = intercept + slope * toward. Several predictors and factors need Python.
CREATE OR REPLACE MACRO pool_shrink_toward(
    tbl, value, "by", toward, _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL,
    se := NULL, weights := NULL, sigma2 := 'pooled', tau2 := 'reml', nan := 'error', level := 0.95,
    uncertainty := 'mu', predict := 'mean', threshold := NULL
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_arguments('_pool_schema', value, "by", _pool_unnamed, over, n, var, se, weights, sigma2,
            'reml', 'gls', nan, level, uncertainty, NULL, predict, threshold, true,
            _pool_columns_of_shrink_toward())
    ),
    _pool_predictor AS MATERIALIZED (FROM _pool_toward_request('_pool_schema', value, toward, tau2)),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(_pool_read(tbl), value, over)),
    _pool_plain AS MATERIALIZED (
        FROM _pool_plain(_pool_read(tbl), value, "by", over, n, var, se, weights, nan,
            more := _pool_toward_ends(value, toward, nan))
    ),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed(_pool_read(tbl), value, "by", over, n, var, se, weights, nan, sigma2, 'reml', 'gls',
            more := _pool_toward_ends(value, toward, nan))
    ),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_groups([n, var, se, weights], '_pool_plain', '_pool_weighed', sigma2)),
    _pool_fitted AS MATERIALIZED (
        FROM _pool_toward_components('_pool_groups', [n, var, se, weights], sigma2, tau2, _pool_toward_method(tau2),
            level, 'z', NULL,
            CASE WHEN uncertainty = 'tau2' AND _pool_name(tau2) <> '' THEN 'errors' ELSE 'estimates' END)
    ),
    _pool_shrunk AS NOT MATERIALIZED (
        SELECT *, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_sampling AS v, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se,
            pool_lower(_pool_estimate, _pool_se, _pool_quantile) AS lower,
            pool_upper(_pool_estimate, _pool_se, _pool_quantile) AS upper
        FROM _pool_toward_estimates('_pool_groups', '_pool_fitted', sigma2, tau2, uncertainty, predict),
            _pool_quantile_of(level)
    ),
    _pool_without_threshold AS NOT MATERIALIZED (SELECT *, _pool_mu AS fit, _pool_se_mu AS se_fit FROM _pool_shrunk),
    _pool_with_threshold AS NOT MATERIALIZED (
        SELECT *, _pool_normal_cdf_double(_pool_z) AS p_above, _pool_mu AS fit, _pool_se_mu AS se_fit
        FROM (
            SELECT *, pool_standardised(_pool_estimate, _pool_se, _pool_number(threshold)) AS _pool_z FROM _pool_shrunk
        )
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c))
    FROM query_table(
        CASE WHEN _pool_absent(threshold) THEN '_pool_without_threshold' ELSE '_pool_with_threshold' END)
    WHERE (SELECT proper FROM _pool_request) AND (SELECT predictor IS NOT NULL FROM _pool_predictor);

-- The variances and the fit of every model beside one predictor of its groups: tau2 is what the predictor leaves, r2
-- the percentage of tau2 that it explains, qm the statistic of its test, and q that of the residual heterogeneity.
CREATE OR REPLACE MACRO pool_components_toward(
    tbl, value, "by", toward, _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL,
    se := NULL, weights := NULL, sigma2 := 'pooled', tau2 := 'reml', nan := 'error', level := 0.95, test := 'z',
    limits := NULL
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_components_toward())
        UNION ALL
        SELECT unnest(_pool_model), _pool_number_of_groups, _pool_rows, _pool_sigma2, _pool_tau2,
            pool_icc(_pool_tau2, _pool_sigma2), df_prior, sigma2_prior, q, q_p, i2, h2, se_tau2, tau2_lower, tau2_upper,
            log_likelihood, aic, lrt, lrt_p, _pool_finite(qm), qm_p, r2, _pool_converged
        FROM _pool_toward_pooled(_pool_read(tbl), value, "by", _pool_unnamed, toward, over, n, var, se, weights, sigma2,
            tau2, nan, level, test, limits, _pool_columns_of_components_toward(), 'inference')
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named;

-- The coefficients of a predictor of groups, one row per model and term, with their intervals and tests.
CREATE OR REPLACE MACRO pool_coefficients(
    tbl, value, "by", toward, _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL,
    se := NULL, weights := NULL, sigma2 := 'pooled', tau2 := 'reml', nan := 'error', level := 0.95, test := 'z'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_fitted AS MATERIALIZED (
        FROM _pool_toward_pooled(_pool_read(tbl), value, "by", _pool_unnamed, toward, over, n, var, se, weights, sigma2,
            tau2, nan, level, test, NULL, _pool_columns_of_coefficients(), 'coefficients')
    ),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_coefficients())
        UNION ALL
        SELECT unnest(_pool_model), CASE place WHEN 1 THEN 'intercept' ELSE predictor END, estimate_, se_, statistic_,
            df, pool_lower(estimate_, se_, reach), pool_upper(estimate_, se_, reach), tail_
        FROM _pool_toward_terms('_pool_fitted', level, test)
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named;
