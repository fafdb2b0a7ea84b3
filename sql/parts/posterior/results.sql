-- ---------------------------------------------------------------------------------------------------------------------
-- The exact posterior: tau, and mu with it, integrated out under priors that are written as text.
--
-- sigma2 is known, or its pooled value is used as if it were known.
-- Source: Gelman et al. (2013), Bayesian Data Analysis, section 5.4.
-- ---------------------------------------------------------------------------------------------------------------------

-- From groups to one relation of their posterior, by name: 'components', 'estimates' or 'density'.
CREATE OR REPLACE MACRO _pool_posterior(
    groups, inputs, curves, sigma2, tau2, mu, level, interval_kind, predict, threshold, relation
) AS TABLE
    WITH sizes AS MATERIALIZED (FROM _pool_sizes(groups)),
    singles AS NOT MATERIALIZED (FROM _pool_singles(groups)),
    classes AS NOT MATERIALIZED (FROM _pool_classes('sizes', 'singles', inputs, sigma2)),
    models AS MATERIALIZED (FROM _pool_models('classes', inputs)),
    within AS (FROM _pool_within('models', sigma2, mu)),
    with_prior AS (FROM _pool_with_prior('classes', 'within')),
    counted AS MATERIALIZED (
        FROM query_table(CASE WHEN _pool_name(sigma2) = 'squeezed' THEN 'with_prior' ELSE 'within' END)
    ),
    sampled AS MATERIALIZED (FROM _pool_sampled('classes', 'counted', inputs, sigma2)),
    started AS MATERIALIZED (FROM _pool_started('sampled', 'counted', 'known', false)),
    moved AS MATERIALIZED (FROM _pool_moved('sampled', 'started')),
    facts AS MATERIALIZED (FROM _pool_facts('moved', 'started')),
    checked AS MATERIALIZED (FROM _pool_checked_posteriors('moved', 'facts', tau2, mu)),
    proper_models AS MATERIALIZED (FROM _pool_proper_posteriors('checked')),
    pivoted AS MATERIALIZED (FROM _pool_pivoted('moved', 'proper_models')),
    integrated AS (FROM _pool_nodes('pivoted', 'proper_models', tau2)),
    known_node AS (FROM _pool_known_node('pivoted', 'proper_models', tau2)),
    nodes AS MATERIALIZED (
        FROM query_table(CASE WHEN _pool_number(tau2) IS NULL THEN 'integrated' ELSE 'known_node' END)
    ),
    plain AS (
        SELECT _pool_model, model AS _pool_id, coalesce(j, 0)::BIGINT AS _pool_groups,
            CASE WHEN has_n THEN coalesce(n, 0)::BIGINT END AS _pool_rows,
            CASE WHEN j IS NULL THEN _pool_number(sigma2) ELSE _pool_finite(pooled) END AS _pool_sigma2,
            df_prior AS _pool_df_prior, sigma2_prior AS _pool_sigma2_prior
        FROM (SELECT model, _pool_model FROM models) LEFT JOIN facts USING (model), (SELECT has_n FROM _pool_request)
    ),
    components AS (
        SELECT _pool_model, _pool_groups, _pool_rows, _pool_sigma2, NULL::DOUBLE AS sigma2_se,
            tau_mean, tau_se, tau_median, tau_lower, tau_upper,
            tau2_mean, tau2_se, tau2_median, tau2_lower_, tau2_upper_, log_tau_mean, mu_mean, mu_se, mu_median, mu_low,
            mu_high, mu_above, new_mean, new_se, new_median, new_low, new_high, new_above, icc,
            _pool_df_prior, _pool_sigma2_prior, log_marginal, bayes_factor, coalesce(settled, false) AS settled
        FROM plain LEFT JOIN _pool_posterior_components('proper_models', 'pivoted', 'nodes', tau2, mu, level) AS c
            ON plain._pool_id = c.model
    ),
    estimates AS (
        FROM _pool_posterior_estimates(
            groups, 'plain', 'proper_models', 'nodes', sigma2, mu, level, interval_kind, predict, threshold)
    ),
    density AS (FROM _pool_posterior_density(curves, 'models', 'proper_models', 'pivoted', 'nodes', tau2))
    FROM query_table(relation);
