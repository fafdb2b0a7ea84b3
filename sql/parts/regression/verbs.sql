-- ---------------------------------------------------------------------------------------------------------------------
-- The verbs of regressions.
-- ---------------------------------------------------------------------------------------------------------------------

-- The partially pooled regression y = intercept of the group + slope x, one row per group and term. The intercepts of
-- groups are shrunk toward that of the population; the slope is the same for all groups. `mean` is the group's own
-- intercept at that slope.
CREATE OR REPLACE MACRO pool_regress(
    tbl, y, x, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, weights := NULL, method := 'reml',
    level := 0.95, nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_line_arguments('_pool_schema', y, x, "by", _pool_unnamed, over, weights, method, level, nan, true,
            _pool_columns_of_regress())
    ),
    _pool_origins AS MATERIALIZED (FROM _pool_origins_of(_pool_read(tbl), y, x, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_line_plain(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_weighed AS MATERIALIZED (FROM _pool_line_weighed(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_line_groups('_pool_plain', '_pool_weighed')),
    _pool_components AS MATERIALIZED (FROM _pool_line_components('_pool_groups', method)),
    _pool_sampled AS (
        SELECT g.*, c.* EXCLUDE (_pool_model), _pool_origins.*, _pool_quantile,
            _pool_sigma2 IS NOT NULL AS _pool_identified, _pool_groups = 1 AND _pool_n > 0 AS _pool_alone,
            pool_sampling_variance(_pool_sigma2, _pool_w) AS _pool_v,
            -- the group's own intercept less that of the population, at the centre
            _pool_y - _pool_at_y - _pool_beta * (_pool_x - _pool_at_x) AS _pool_deviation,
            _pool_at_y + _pool_origin_y - _pool_beta * (_pool_at_x + _pool_origin_x) AS _pool_mu,
            CASE WHEN _pool_alone THEN 1.0 ELSE pool_weight(_pool_tau2, _pool_v) END AS _pool_lambda,
            CASE WHEN _pool_alone THEN 0.0 ELSE pool_pooling(_pool_tau2, _pool_v) END AS _pool_left
        FROM _pool_groups AS g, _pool_components AS c, _pool_origins, _pool_quantile_of(level)
        WHERE _pool_same(g._pool_model, c._pool_model)
    ),
    _pool_estimated AS (
        SELECT *,
            CASE WHEN _pool_tau2 = 0 OR _pool_lambda = 0 OR _pool_alone THEN 0.0 ELSE _pool_lambda * _pool_deviation END
                AS _pool_effect,
            -- the lever of the slope's error: from the centre for the pooled part, from the group for the rest
            _pool_left * (_pool_at_x + _pool_origin_x)
                + CASE WHEN _pool_lambda = 0 THEN 0.0 ELSE _pool_lambda * (_pool_x + _pool_origin_x) END AS _pool_arm,
            CASE WHEN _pool_alone THEN _pool_v ELSE pool_conditional_variance(_pool_tau2, _pool_left) END
                + _pool_line_variance_at(_pool_arm, _pool_left * _pool_left * _pool_variance_at, _pool_variance_beta)
                AS _pool_variance
        FROM _pool_sampled
    ),
    _pool_terms AS (
        SELECT *,
            CASE WHEN _pool_varies THEN _pool_mu + CASE WHEN _pool_alone THEN 0.0 ELSE _pool_deviation END END
                AS _pool_mean,
            CASE WHEN _pool_identified THEN CASE WHEN _pool_varies THEN _pool_lambda ELSE 0.0 END END AS _pool_weight,
            CASE WHEN _pool_identified THEN CASE WHEN _pool_varies THEN _pool_effect ELSE 0.0 END END AS _pool_shift,
            CASE WHEN _pool_identified THEN CASE WHEN _pool_varies THEN _pool_mu + _pool_effect ELSE _pool_beta END END
                AS _pool_estimate,
            CASE WHEN _pool_identified
                THEN sqrt(CASE WHEN _pool_varies THEN _pool_variance ELSE _pool_variance_beta END) END
                AS _pool_se
        FROM _pool_estimated, (
            SELECT unnest(['intercept', column_names[2]]) AS _pool_term, unnest([true, false]) AS _pool_varies
            FROM _pool_request
        )
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c))
    FROM (
        SELECT *, _pool_term AS term, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_weight AS weight,
            _pool_shift AS effect, _pool_estimate AS estimate, _pool_se AS se,
            pool_lower(_pool_estimate, _pool_se, _pool_quantile) AS lower,
            pool_upper(_pool_estimate, _pool_se, _pool_quantile) AS upper
        FROM _pool_terms
    )
    WHERE (SELECT proper FROM _pool_request);

-- The population of the regression y = intercept of the group + slope x, one row per model: variances, and the
-- coefficients by term in maps.
CREATE OR REPLACE MACRO pool_regress_components(
    tbl, y, x, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, weights := NULL, method := 'reml',
    level := 0.95, nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_line_arguments('_pool_schema', y, x, "by", _pool_unnamed, over, weights, method, level, nan, false,
            _pool_columns_of_regress_components())
    ),
    _pool_origins AS MATERIALIZED (FROM _pool_origins_of(_pool_read(tbl), y, x, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_line_plain(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_weighed AS MATERIALIZED (FROM _pool_line_weighed(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_line_groups('_pool_plain', '_pool_weighed')),
    _pool_components AS MATERIALIZED (FROM _pool_line_components('_pool_groups', method)),
    _pool_population AS (
        FROM _pool_line_population('_pool_components', '_pool_origins', '_pool_request', level)
    ),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_regress_components())
        UNION ALL
        SELECT unnest(_pool_model), _pool_groups::BIGINT, _pool_rows::BIGINT, _pool_lost::BIGINT, _pool_sigma2,
            map(['intercept'], [_pool_tau2]), map(_pool_names, _pool_mu), map(_pool_names, _pool_se),
            map(_pool_names, [pool_lower(_pool_mu[1], _pool_se[1], _pool_quantile),
                pool_lower(_pool_mu[2], _pool_se[2], _pool_quantile)]),
            map(_pool_names, [pool_upper(_pool_mu[1], _pool_se[1], _pool_quantile),
                pool_upper(_pool_mu[2], _pool_se[2], _pool_quantile)]),
            map(_pool_names, [_pool_two_sided(_pool_mu[1], _pool_se[1]), _pool_two_sided(_pool_mu[2], _pool_se[2])]),
            map(_pool_names, [
                map(_pool_names, [_pool_line_variance_at(_pool_arm, _pool_variance_at, _pool_variance_beta),
                    -_pool_arm * _pool_variance_beta]),
                map(_pool_names, [-_pool_arm * _pool_variance_beta, _pool_variance_beta])]),
            pool_icc(_pool_tau2, _pool_sigma2),
            _pool_finite(pool_regression_r2_marginal(_pool_fixed, _pool_tau2, _pool_sigma2)),
            _pool_finite(pool_regression_r2_conditional(_pool_fixed, _pool_tau2, _pool_sigma2)),
            _pool_log_likelihood, pool_akaike(_pool_log_likelihood, 4.0),
            CASE WHEN _pool_tau2 = 0 THEN 'the intercept does not vary between groups: its variance is 0' END,
            _pool_converged
        FROM _pool_population
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named
    WHERE (SELECT proper FROM _pool_request);

-- The coefficients of the population of the regression y = intercept of the group + slope x with their tests by the
-- normal distribution, one row per model and term.
CREATE OR REPLACE MACRO pool_regress_coefficients(
    tbl, y, x, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, weights := NULL, method := 'reml',
    level := 0.95, nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_line_arguments('_pool_schema', y, x, "by", _pool_unnamed, over, weights, method, level, nan, false,
            _pool_columns_of_regress_coefficients())
    ),
    _pool_origins AS MATERIALIZED (FROM _pool_origins_of(_pool_read(tbl), y, x, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_line_plain(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_weighed AS MATERIALIZED (FROM _pool_line_weighed(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_line_groups('_pool_plain', '_pool_weighed')),
    _pool_components AS MATERIALIZED (FROM _pool_line_components('_pool_groups', method)),
    _pool_terms AS (
        SELECT _pool_model, _pool_quantile, unnest(_pool_names) AS _pool_term, unnest(_pool_mu) AS _pool_estimate,
            unnest(_pool_se) AS _pool_error
        FROM _pool_line_population('_pool_components', '_pool_origins', '_pool_request', level)
    ),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_regress_coefficients())
        UNION ALL
        SELECT unnest(_pool_model), _pool_term, _pool_estimate, _pool_error,
            CASE WHEN _pool_error > 0 OR _pool_estimate <> 0 THEN pool_statistic(_pool_estimate, _pool_error) END,
            NULL, pool_lower(_pool_estimate, _pool_error, _pool_quantile),
            pool_upper(_pool_estimate, _pool_error, _pool_quantile), _pool_two_sided(_pool_estimate, _pool_error)
        FROM _pool_terms
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named
    WHERE (SELECT proper FROM _pool_request);
