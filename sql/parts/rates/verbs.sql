-- ---------------------------------------------------------------------------------------------------------------------
-- The verbs of rates and counts.
-- ---------------------------------------------------------------------------------------------------------------------

-- Partially pooled rates of groups, `value` events in `trials` trials: beta distributed, with their posterior means.
-- `prior` is estimated by 'ml' or 'moments', or known, as in 'beta(2, 5)'. A threshold adds p_above, the probability
-- that the rate lies above it; pep, the probability that it does not; and q_value, the mean pep of all groups of the
-- model whose pep is no larger (Robinson 2017). `groups` is another table of keys; keys without rows get an estimate
-- too. posterior := true adds alpha and beta, by the prior; limits := false leaves lower and upper out. se, lower,
-- upper and p_above include the error of the prior's mean, or treat it as known with uncertainty := 'conditional'.
CREATE OR REPLACE MACRO pool_shrink_rates(
    tbl, value, trials, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, prior := 'ml', level := 0.95,
    nan := 'error', threshold := NULL, groups := NULL, posterior := false, limits := true,
    uncertainty := 'mu'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_other_keys AS NOT MATERIALIZED (FROM query_table(groups)),
    _pool_result AS (
        SELECT *, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se, _pool_lower AS lower, _pool_upper AS upper,
            _pool_p_above AS p_above, _pool_pep AS pep, _pool_q_value AS q_value, _pool_a AS alpha, _pool_b AS beta
        FROM _pool_rates_pooled(_pool_read(tbl), value, trials, "by", _pool_unnamed, over, prior, level, nan,
            threshold, groups, posterior, limits, uncertainty, 'rates',
            _pool_columns_of_shrink_rates())
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c) AND _pool_is_rate_column(c, threshold, posterior, limits))
    FROM _pool_result;

-- Partially pooled rates of groups, `value` events in an exposure: gamma distributed rates per unit of exposure.
-- `prior` may be 'gamma(3, 1)', shape and rate. The other arguments are those of pool_shrink_rates.
CREATE OR REPLACE MACRO pool_shrink_counts(
    tbl, value, exposure, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, prior := 'ml', level := 0.95,
    nan := 'error', threshold := NULL, groups := NULL, posterior := false, limits := true,
    uncertainty := 'mu'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_other_keys AS NOT MATERIALIZED (FROM query_table(groups)),
    _pool_result AS (
        SELECT *, _pool_n AS n, _pool_mean AS mean, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se, _pool_lower AS lower, _pool_upper AS upper,
            _pool_p_above AS p_above, _pool_pep AS pep, _pool_q_value AS q_value, _pool_a AS shape, _pool_b AS rate
        FROM _pool_rates_pooled(_pool_read(tbl), value, exposure, "by", _pool_unnamed, over, prior, level, nan,
            threshold, groups, posterior, limits, uncertainty, 'counts',
            _pool_columns_of_shrink_counts())
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c) AND _pool_is_rate_column(c, threshold, posterior, limits))
    FROM _pool_result;

-- The beta distribution of the rates of groups, one row per model.
CREATE OR REPLACE MACRO pool_components_rates(
    tbl, value, trials, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, prior := 'ml', nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_rate_arguments('_pool_schema', value, trials, "by", _pool_unnamed, over, prior, nan, 0.95, NULL,
            false, false, 'mu', false, 'rates',
            _pool_columns_of_components_rates())
    ),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_rate_groups(_pool_read(tbl), value, trials, "by", over, nan, 'rates')),
    _pool_alike AS MATERIALIZED (FROM _pool_rate_pairs('_pool_groups')),
    _pool_components AS MATERIALIZED (FROM _pool_rate_components('_pool_alike', prior, 'rates')),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_components_rates())
        UNION ALL
        SELECT unnest(_pool_model), _pool_groups::BIGINT, _pool_trials::BIGINT, _pool_alpha, _pool_beta, _pool_mu,
            _pool_se_log_alpha, _pool_se_log_beta, _pool_rho, _pool_log_likelihood, _pool_converged
        FROM _pool_components
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named
    WHERE (SELECT proper FROM _pool_request);

-- The gamma distribution of the rates of groups per unit of exposure, one row per model.
CREATE OR REPLACE MACRO pool_components_counts(
    tbl, value, exposure, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, prior := 'ml', nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_rate_arguments('_pool_schema', value, exposure, "by", _pool_unnamed, over, prior, nan, 0.95, NULL,
            false, false, 'mu', false, 'counts',
            _pool_columns_of_components_counts())
    ),
    _pool_groups AS NOT MATERIALIZED (
        FROM _pool_rate_groups(_pool_read(tbl), value, exposure, "by", over, nan, 'counts')
    ),
    _pool_alike AS MATERIALIZED (FROM _pool_rate_pairs('_pool_groups')),
    _pool_components AS MATERIALIZED (FROM _pool_rate_components('_pool_alike', prior, 'counts')),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_components_counts())
        UNION ALL
        SELECT unnest(_pool_model), _pool_groups::BIGINT, _pool_trials, _pool_alpha, _pool_beta, _pool_mu,
            _pool_se_log_alpha, _pool_se_log_beta, _pool_rho, _pool_log_likelihood, _pool_converged
        FROM _pool_components
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named
    WHERE (SELECT proper FROM _pool_request);
