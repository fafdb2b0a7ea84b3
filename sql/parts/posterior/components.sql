-- ---------------------------------------------------------------------------------------------------------------------
-- One row per model: moments, quantiles and intervals of the posterior of tau, mu and the mean of a new group.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per model: posterior means, standard deviations, medians and central intervals of tau, tau2, mu and the mean
-- of a new group. Moments that are infinite are NULL.
CREATE OR REPLACE MACRO _pool_posterior_components(models, classes, nodes, tau2, mu, level) AS TABLE
    WITH totals AS MATERIALIZED (
        SELECT model, sum(p * tau) AS tau_, sum(p * (tau * tau)) AS tau2_,
            sum(p * CASE WHEN tau > 0 THEN ln(tau) END) AS log_tau,
            sum(p * pool_icc(tau * tau, pooled)) AS icc, any_value(log_total) AS log_total,
            bool_and(settled) AS settled,
            sum(p * mu_) AS mean_mu, sum(p * variance) AS variance_mu
        FROM query_table(nodes) JOIN query_table(models) USING (model)
        GROUP BY model
    ),
    spreads AS (
        SELECT model, sqrt(sum(p * ((tau - tau_) * (tau - tau_)))) AS se_tau,
            sqrt(sum(p * ((tau * tau - tau2_) * (tau * tau - tau2_)))) AS se_tau2,
            sqrt(any_value(variance_mu) + sum(p * ((mu_ - mean_mu) * (mu_ - mean_mu)))) AS se_mu
        FROM query_table(nodes) JOIN totals USING (model) GROUP BY model
    ),
    heavy_nodes AS MATERIALIZED (FROM query_table(nodes) WHERE p >= 1e-17),
    searched AS (
        FROM _pool_tau_quantiles('heavy_nodes', [0.5, (1 - _pool_number(level)) / 2, (1 + _pool_number(level)) / 2])
    ),
    known AS (
        SELECT model, unnest([0.5, (1 - _pool_number(level)) / 2, (1 + _pool_number(level)) / 2]) AS q, tau
        FROM heavy_nodes
    ),
    quantiles AS (
        SELECT model, max(tau) FILTER (q = 0.5) AS tau_median, min(tau) AS tau_lower, max(tau) AS tau_upper
        FROM query_table(CASE WHEN _pool_number(tau2) IS NULL THEN 'searched' ELSE 'known' END) GROUP BY model
    ),
    items AS MATERIALIZED (
        SELECT 2 * model + varies::BIGINT AS id, model, NULL::DOUBLE AS y, 'infinity'::DOUBLE AS v, 0.0 AS extra,
            varies, -(around + start + _pool_origin) AS beyond
        FROM query_table(models), _pool_origin, (VALUES (0.0), (1.0)) AS kinds(varies)
    ),
    node_lists AS MATERIALIZED (FROM _pool_node_lists('heavy_nodes')),
    mixed AS MATERIALIZED (FROM _pool_mixed('items', 'node_lists')),
    exceeding AS (FROM _pool_exceeding('items', 'node_lists')),
    targets AS (
        SELECT (1 - _pool_number(level)) / 2 AS target, unnest([1.0, -1.0]) AS side, -_pool_quantile AS reach
        FROM _pool_quantile_of(level)
        UNION ALL
        SELECT 0.5, 1.0, 0.0
    ),
    placed AS (
        SELECT id, max(x) FILTER (side > 0 AND target < 0.5) AS lower_, max(x) FILTER (side < 0) AS upper_,
            max(x) FILTER (target = 0.5) AS middle_
        FROM _pool_mixture_quantiles('mixed', 'heavy_nodes', 'targets') GROUP BY id
    ),
    mixtures AS (SELECT id // 2 AS model, id % 2 = 1 AS is_new, * EXCLUDE (id) FROM placed JOIN exceeding USING (id)),
    points AS (SELECT model, 0 AS i, 0.0::DOUBLE AS tau, true AS pending FROM query_table(models) WHERE exact = 0),
    at_zero AS (SELECT model, log_likelihood FROM _pool_log_likelihood_at('points', classes, models, tau2)),
    summed AS (
        SELECT *, _pool_number(tau2) IS NOT NULL AS tau_known, flat = 0 AS mu_firm,
            around + start + _pool_origin AS place, moment AS highest_moment
        FROM query_table(models) JOIN totals USING (model) JOIN spreads USING (model) JOIN quantiles USING (model)
        LEFT JOIN at_zero USING (model), _pool_origin
    )
    SELECT s.model, CASE WHEN tau_known OR highest_moment >= 1 THEN tau_ END AS tau_mean,
        CASE WHEN tau_known THEN 0.0 WHEN highest_moment >= 2 THEN se_tau END AS tau_se,
        tau_median, tau_lower, tau_upper,
        CASE WHEN tau_known THEN _pool_number(tau2) WHEN highest_moment >= 2 THEN tau2_ END AS tau2_mean,
        CASE WHEN tau_known THEN 0.0 WHEN highest_moment >= 4 THEN se_tau2 END AS tau2_se,
        tau_median * tau_median AS tau2_median, tau_lower * tau_lower AS tau2_lower_,
        tau_upper * tau_upper AS tau2_upper_,
        _pool_finite(log_tau) AS log_tau_mean,
        CASE WHEN mu_firm OR highest_moment >= 1 THEN coalesce(_pool_number(mu), mean_mu + place) END AS mu_mean,
        CASE WHEN mu_firm OR highest_moment >= 2 THEN se_mu END AS mu_se,
        coalesce(_pool_number(mu), m.middle_ + place) AS mu_median,
        coalesce(_pool_number(mu), m.lower_ + place) AS mu_low,
        coalesce(_pool_number(mu), m.upper_ + place) AS mu_high, m.above AS mu_above,
        CASE WHEN highest_moment >= 1 THEN coalesce(_pool_number(mu), mean_mu + place) END AS new_mean,
        CASE WHEN highest_moment >= 2 THEN sqrt(se_mu * se_mu + tau2_) END AS new_se,
        n.middle_ + place AS new_median, n.lower_ + place AS new_low, n.upper_ + place AS new_high,
        n.above AS new_above,
        icc, CASE WHEN tau_known OR proper_prior THEN _pool_finite(log_total) END AS log_marginal,
        CASE WHEN proper_prior AND NOT tau_known THEN exp(log_likelihood - log_total) END AS bayes_factor, settled
    FROM summed AS s JOIN mixtures AS m ON s.model = m.model AND NOT m.is_new
    JOIN mixtures AS n ON s.model = n.model AND n.is_new;
