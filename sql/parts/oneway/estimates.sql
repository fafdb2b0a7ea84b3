-- ---------------------------------------------------------------------------------------------------------------------
-- One row per group: the partially pooled mean with its standard error.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per group: weight, estimate and se, from the groups and the components of their models.
CREATE OR REPLACE MACRO _pool_estimates(groups, components, sigma2, tau2, mu, uncertainty, predict) AS TABLE
    WITH sampled AS (FROM _pool_sampled_groups(groups, components, sigma2)),
    corrected AS (
        SELECT * REPLACE (_pool_corrected(tau2, _pool_tau2, _pool_sampling,
            _pool_groups - CASE WHEN _pool_number(mu) IS NULL THEN 1.0 ELSE 0.0 END) AS _pool_tau2)
        FROM sampled
    ),
    -- The only group of a model keeps its own mean, for any tau2.
    weighed AS (
        SELECT *, _pool_groups = 1 AND _pool_tau2 IS NULL AND _pool_w > 0 AS _pool_alone,
            CASE WHEN _pool_alone AND _pool_sampling IS NOT NULL THEN 1.0
                ELSE pool_weight(_pool_tau2, _pool_sampling) END AS _pool_weight,
            pool_pooling(_pool_tau2, _pool_sampling) AS _pool_pooling
        FROM query_table(CASE WHEN _pool_is_corrected(tau2) THEN 'corrected' ELSE 'sampled' END)
    ),
    -- `uncertainty` chooses one of three variances when the query is planned.
    given_mu AS (
        SELECT *, CASE WHEN _pool_alone THEN _pool_sampling
            ELSE pool_conditional_variance(_pool_tau2, _pool_pooling) END AS _pool_variance
        FROM weighed
    ),
    given_tau2 AS (
        SELECT *, CASE WHEN _pool_alone THEN _pool_sampling
            ELSE pool_marginal_variance(_pool_tau2, _pool_pooling, _pool_se_mu) END AS _pool_variance
        FROM weighed
    ),
    given_neither AS (
        SELECT * REPLACE (CASE WHEN _pool_alone THEN _pool_sampling
            ELSE pool_variance_with_tau2(_pool_variance, _pool_sampling, _pool_tau2, _pool_pooling, _pool_error,
                _pool_correction) END AS _pool_variance)
        FROM given_tau2
    ),
    of_mean AS (
        FROM query_table(CASE
            WHEN uncertainty = 'conditional' THEN 'given_mu'
            WHEN uncertainty = 'tau2' AND _pool_name(tau2) <> '' THEN 'given_neither'
            ELSE 'given_tau2'
        END)
    ),
    of_row AS (
        SELECT * REPLACE (pool_predictive_variance(_pool_variance, _pool_own) AS _pool_variance) FROM of_mean
    ),
    of_replicate AS (
        SELECT * REPLACE (pool_predictive_variance(_pool_variance, _pool_sampling) AS _pool_variance) FROM of_mean
    )
    SELECT *,
        pool_estimate(_pool_mean, _pool_mu, CASE WHEN _pool_alone THEN 1.0 ELSE _pool_weight END) AS _pool_estimate,
        sqrt(_pool_variance) AS _pool_se
    FROM query_table(CASE predict WHEN 'row' THEN 'of_row' WHEN 'replicate' THEN 'of_replicate' ELSE 'of_mean' END);

-- Everything from a table to the estimates of its groups: keys under their own names, the rest under private ones.
CREATE OR REPLACE MACRO _pool_pooled(
    tbl, value, "by", unnamed, over, n, var, se, weights, sigma2, tau2, mu, nan, level, uncertainty, "interval",
    predict, threshold, groups, result
) AS TABLE
    WITH _pool_request AS MATERIALIZED (
        FROM _pool_arguments('_pool_schema', value, "by", unnamed, over, n, var, se, weights, sigma2, tau2, mu, nan,
            level, uncertainty, "interval", predict, threshold, true, result)
    ),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(tbl, value, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_plain(tbl, value, "by", over, n, var, se, weights, nan)),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed(tbl, value, "by", over, n, var, se, weights, nan, sigma2, tau2, mu)
    ),
    _pool_seen AS NOT MATERIALIZED (FROM _pool_groups([n, var, se, weights], '_pool_plain', '_pool_weighed', sigma2)),
    _pool_with_unseen AS NOT MATERIALIZED (
        FROM _pool_seen UNION ALL BY NAME FROM _pool_unseen('_pool_other_keys', "by", over, '_pool_seen')
    ),
    _pool_groups AS NOT MATERIALIZED (
        FROM query_table(CASE WHEN _pool_absent(groups) THEN '_pool_seen' ELSE '_pool_with_unseen' END)
    ),
    _pool_components AS MATERIALIZED (
        FROM _pool_components('_pool_groups', [n, var, se, weights, groups], sigma2, tau2, mu, level, 'z', NULL,
            CASE WHEN uncertainty = 'tau2' AND _pool_name(tau2) <> '' THEN 'errors' ELSE 'estimates' END)
    ),
    _pool_estimated AS NOT MATERIALIZED (
        FROM _pool_estimates('_pool_groups', '_pool_components', sigma2, tau2, mu, uncertainty, predict)
    ),
    _pool_integrated AS NOT MATERIALIZED (
        FROM _pool_posterior('_pool_groups', [n, var, se, weights, groups], NULL, sigma2, tau2, mu, level,
            CASE WHEN list_contains(result, 'lower') THEN coalesce("interval", 'central') ELSE '' END,
            predict, threshold, 'estimates')
    )
    FROM query_table(CASE WHEN _pool_integrates(tau2, mu) THEN '_pool_integrated' ELSE '_pool_estimated' END)
    WHERE (SELECT proper FROM _pool_request);
