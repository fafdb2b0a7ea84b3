-- ---------------------------------------------------------------------------------------------------------------------
-- The verbs of means, each a table macro: rows, stored moments or published estimates to one row per group or model.
-- ---------------------------------------------------------------------------------------------------------------------

-- Partially pooled mean of every group, weight * mean + (1 - weight) * mu, with its interval. DuckDB 1 takes the name
-- of the argument "interval" in quotes alone: "interval" := 'robust'. A threshold adds p_above, the probability that
-- the quantity named by `predict` exceeds it. `groups` is another table of keys; keys without rows get an estimate too.
CREATE OR REPLACE MACRO pool_shrink(
    tbl, value, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL, se := NULL,
    weights := NULL, sigma2 := 'pooled', tau2 := 'reml', mu := 'gls', nan := 'error', level := 0.95,
    uncertainty := 'mu', "interval" := NULL, predict := 'mean', threshold := NULL, groups := NULL
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_other_keys AS NOT MATERIALIZED (FROM query_table(groups)),
    _pool_shrunk AS NOT MATERIALIZED (
        FROM _pool_pooled(_pool_read(tbl), value, "by", _pool_unnamed, over, n, var, se, weights, sigma2, tau2, mu, nan,
            level, uncertainty, "interval", predict, threshold, groups,
            _pool_columns_of_estimates("interval", threshold))
    ),
    _pool_with_normal AS NOT MATERIALIZED (
        SELECT *, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_sampling AS v, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se,
            pool_lower(_pool_estimate, _pool_se, _pool_quantile) AS lower,
            pool_upper(_pool_estimate, _pool_se, _pool_quantile) AS upper
        FROM _pool_shrunk, _pool_quantile_of(level)
    ),
    _pool_with_robust AS NOT MATERIALIZED (
        SELECT *, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_sampling AS v, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se, _pool_lower AS lower, _pool_upper AS upper,
            _pool_noncoverage AS noncoverage
        FROM _pool_robust('_pool_shrunk', level)
    ),
    _pool_with_posterior AS NOT MATERIALIZED (
        SELECT *, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_sampling AS v, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se, _pool_lower AS lower, _pool_upper AS upper
        FROM _pool_shrunk
    ),
    _pool_above_posterior AS NOT MATERIALIZED (
        SELECT *, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_sampling AS v, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se, _pool_lower AS lower, _pool_upper AS upper,
            _pool_above AS p_above
        FROM _pool_shrunk
    ),
    _pool_result AS NOT MATERIALIZED (
        FROM query_table(CASE WHEN "interval" = 'robust' THEN '_pool_with_robust' ELSE '_pool_with_normal' END)
    ),
    _pool_standardised AS NOT MATERIALIZED (
        SELECT *, pool_standardised(estimate, _pool_result.se, _pool_number(threshold)) AS _pool_z
        FROM _pool_result -- `se` without the alias would be the argument
    ),
    _pool_exceeding AS NOT MATERIALIZED (
        SELECT *, _pool_normal_cdf_double(_pool_z) AS p_above FROM _pool_standardised
    ),
    _pool_of_posterior AS NOT MATERIALIZED (
        FROM query_table(CASE WHEN _pool_absent(threshold) THEN '_pool_with_posterior' ELSE '_pool_above_posterior' END)
    ),
    _pool_of_estimates AS NOT MATERIALIZED (
        FROM query_table(CASE WHEN _pool_absent(threshold) THEN '_pool_result' ELSE '_pool_exceeding' END)
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c))
    FROM query_table(CASE WHEN _pool_integrates(tau2, mu) THEN '_pool_of_posterior' ELSE '_pool_of_estimates' END);

-- Every row of a table with the partially pooled mean of its group. The table is read once for the groups and once for
-- the rows. With `folds`, a column or expression, from the rows of all other folds: sigma2, tau2 and mu are refitted
-- without each fold.
CREATE OR REPLACE MACRO pool_encode(
    tbl, value, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, weights := NULL, sigma2 := 'pooled',
    tau2 := 'reml', mu := 'gls', nan := 'error', folds := NULL
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_of_all AS NOT MATERIALIZED (
        FROM _pool_encoded(tbl, value, "by", _pool_unnamed, over, weights, sigma2, tau2, mu, nan)
    ),
    _pool_out_of_fold AS NOT MATERIALIZED (
        FROM _pool_encoded_by_folds(tbl, value, "by", _pool_unnamed, over, weights, sigma2, tau2, mu, nan, folds)
    ),
    _pool_checked AS (
        SELECT _pool_free(struct_keys(_pool_row), 'estimate') AS free
        FROM _pool_schema AS _pool_row
    )
    FROM query_table(CASE WHEN _pool_absent(folds) THEN '_pool_of_all' ELSE '_pool_out_of_fold' END)
    WHERE (SELECT free FROM _pool_checked);

-- Variance within groups, variance between them and the population mean of every model.
CREATE OR REPLACE MACRO pool_components(
    tbl, value, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL, se := NULL,
    weights := NULL, sigma2 := 'pooled', tau2 := 'reml', mu := 'gls', nan := 'error', level := 0.95,
    test := 'z', limits := NULL
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_arguments('_pool_schema', value, "by", _pool_unnamed, over, n, var, se, weights, sigma2, tau2, mu,
            nan, level, 'mu', NULL, 'mean', NULL, false, CASE WHEN _pool_integrates(tau2, mu)
                THEN _pool_columns_of_posterior_components() ELSE _pool_columns_of_components() END)
    ),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(_pool_read(tbl), value, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_plain(_pool_read(tbl), value, "by", over, n, var, se, weights, nan)),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed(_pool_read(tbl), value, "by", over, n, var, se, weights, nan, sigma2, tau2, mu)
    ),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_groups([n, var, se, weights], '_pool_plain', '_pool_weighed', sigma2)),
    _pool_components AS MATERIALIZED (
        FROM _pool_components('_pool_groups', [n, var, se, weights], sigma2, tau2, mu, level, test, limits, 'inference')
    ),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_components())
        UNION ALL
        SELECT unnest(_pool_model), COLUMNS(* EXCLUDE (_pool_model))
        FROM _pool_components
    ),
    _pool_named_posterior AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_posterior_components())
        UNION ALL
        SELECT unnest(_pool_model), COLUMNS(* EXCLUDE (_pool_model))
        FROM _pool_posterior('_pool_groups', [n, var, se, weights], NULL, sigma2, tau2, mu, level, '', 'mean', NULL,
            'components')
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c))
    FROM query_table(CASE WHEN _pool_integrates(tau2, mu) THEN '_pool_named_posterior' ELSE '_pool_named' END)
    WHERE (SELECT proper FROM _pool_request) AND (SELECT proper FROM _pool_valid_inference(test, limits, tau2, mu));

-- The profile of tau: one row per model and tau, from which intervals, tests and standard errors of tau2 are read.
-- groups := true gives one row per group and tau, with the group's estimate. A prior as tau2 adds the posterior density
-- of tau.
CREATE OR REPLACE MACRO pool_profile(
    tbl, value, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL, se := NULL,
    weights := NULL, sigma2 := 'pooled', mu := 'gls', nan := 'error', tau := NULL, groups := false, tau2 := NULL
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_arguments('_pool_schema', value, "by", _pool_unnamed, over, n, var, se, weights, sigma2,
            CASE WHEN _pool_absent(tau2) THEN 'reml' ELSE tau2 END, mu, nan, 0.95, 'mu',
            NULL, 'mean', NULL, groups, CASE
                WHEN groups THEN _pool_columns_of_profile_of_groups()
                WHEN _pool_absent(tau2) THEN _pool_columns_of_profile()
                ELSE _pool_columns_of_posterior_profile() END)
    ),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(_pool_read(tbl), value, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_plain(_pool_read(tbl), value, "by", over, n, var, se, weights, nan)),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed(_pool_read(tbl), value, "by", over, n, var, se, weights, nan, sigma2, tau2, mu)
    ),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_groups([n, var, se, weights], '_pool_plain', '_pool_weighed', sigma2)),
    _pool_plain_curves AS MATERIALIZED (FROM _pool_profiled('_pool_groups', [n, var, se, weights], sigma2, mu, tau)),
    _pool_curves_of_posterior AS (
        SELECT * REPLACE (coalesce(_pool_mu_there, _pool_mu) AS _pool_mu,
            coalesce(_pool_se_mu_there, _pool_se_mu) AS _pool_se_mu)
        FROM _pool_plain_curves AS c LEFT JOIN (
            FROM _pool_posterior('_pool_groups', [n, var, se, weights], '_pool_plain_curves', sigma2, tau2, mu, 0.95,
                '', 'mean', NULL, 'density')
        ) AS d ON c._pool_tau = d._pool_at AND c._pool_model IS NOT DISTINCT FROM d._pool_model_there
    ),
    _pool_curves AS MATERIALIZED (
        FROM query_table(CASE WHEN _pool_absent(tau2) THEN '_pool_plain_curves' ELSE '_pool_curves_of_posterior' END)
    ),
    _pool_of_groups AS (
        SELECT COLUMNS(lambda c: _pool_is_shown(c))
        FROM (
            SELECT *, _pool_tau AS tau, _pool_estimate AS estimate, _pool_se AS se
            FROM _pool_estimates('_pool_groups', '_pool_curves', sigma2, 0.0, mu, 'mu', 'mean')
        )
    ),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_profile())
        UNION ALL
        SELECT unnest(_pool_model), _pool_tau, _pool_sigma2, _pool_mu, _pool_se_mu, _pool_q, _pool_log_likelihood,
            _pool_restricted_log_likelihood
        FROM _pool_curves
    ),
    _pool_named_density AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_posterior_profile())
        UNION ALL
        SELECT unnest(_pool_model), _pool_tau, _pool_sigma2, _pool_mu, _pool_se_mu, _pool_q, _pool_log_likelihood,
            _pool_restricted_log_likelihood, _pool_density
        FROM _pool_curves
    ),
    _pool_of_models AS (
        SELECT COLUMNS(lambda c: _pool_is_shown(c))
        FROM query_table(CASE WHEN _pool_absent(tau2) THEN '_pool_named' ELSE '_pool_named_density' END)
    )
    FROM query_table(CASE WHEN groups THEN '_pool_of_groups' ELSE '_pool_of_models' END)
    WHERE (SELECT proper FROM _pool_request) AND (SELECT proper FROM _pool_valid_profile(mu, tau, tau2));

-- The gain of pooling: the error of predicting rows that are held out, by raw means, by the grand mean and by partial
-- pooling, exactly and from moments alone.
CREATE OR REPLACE MACRO pool_compare(
    tbl, value, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL,
    sigma2 := 'pooled', tau2 := 'reml', mu := 'gls', nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_arguments('_pool_schema', value, "by", _pool_unnamed, over, n, var, NULL, NULL, sigma2, tau2, mu,
            nan, 0.95, 'mu', NULL, 'mean', NULL, false, _pool_columns_of_compare())
    ),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(_pool_read(tbl), value, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_plain(_pool_read(tbl), value, "by", over, n, var, NULL, NULL, nan)),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed(_pool_read(tbl), value, "by", over, n, var, NULL, NULL, nan, sigma2, tau2, mu)
    ),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_groups([n, var], '_pool_plain', '_pool_weighed', sigma2)),
    _pool_components AS MATERIALIZED (
        FROM _pool_components('_pool_groups', [n, var], sigma2, tau2, mu, 0.95, 'z', NULL, 'estimates')
    ),
    _pool_sizes AS MATERIALIZED (FROM _pool_sizes('_pool_groups')),
    _pool_singles AS NOT MATERIALIZED (FROM _pool_singles('_pool_groups')),
    _pool_compared AS (FROM _pool_compared('_pool_sizes', '_pool_singles', '_pool_components', sigma2, tau2, mu)),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_compare())
        UNION ALL
        SELECT unnest(_pool_model), COLUMNS(* EXCLUDE (_pool_model)) FROM _pool_compared
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named
    WHERE (SELECT proper FROM _pool_request) AND (SELECT proper FROM _pool_estimates_alone(tau2, mu));

-- Count, mean and sample variance of every group: the sufficient statistics of partial pooling. With n and var the rows
-- are stored moments of disjoint rows, and those with equal keys become the moments of their union, exactly.
CREATE OR REPLACE MACRO pool_moments(
    tbl, value, "by", _pool_unnamed := NULL, n := NULL, var := NULL, nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table'))
    FROM _pool_plain_moments(_pool_read(tbl), value, "by", _pool_unnamed, n, var, nan);

-- Count, mean, sample variance and total weight w of every group, of rows with precision weights.
CREATE OR REPLACE MACRO pool_weighted_moments(
    tbl, value, "by", weights, _pool_unnamed := NULL, n := NULL, var := NULL, nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table'))
    FROM _pool_weighted_moments(_pool_read(tbl), value, "by", _pool_unnamed, weights, n, var, nan);

-- Stored moments merged, from a table whose columns have the names that pool_moments gives them.
CREATE OR REPLACE MACRO pool_merge(tbl, "by") AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table'))
    FROM _pool_plain_moments(_pool_read(tbl), mean, "by", NULL, n, var, 'error');

-- Stored moments with weights merged: states with equal keys become the moments of their union, exactly.
CREATE OR REPLACE MACRO pool_weighted_merge(tbl, "by") AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table'))
    FROM _pool_weighted_moments(_pool_read(tbl), mean, "by", NULL, w, n, var, 'error');

-- Moments as an aggregate, for any GROUP BY: a struct of n, mean and var.
CREATE OR REPLACE MACRO pool_moments_of(value) AS
    {n: count(value), mean: favg(value::DOUBLE), var: var_samp(value::DOUBLE)};
