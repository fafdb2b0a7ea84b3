-- ---------------------------------------------------------------------------------------------------------------------
-- The posterior density of tau at the points of a profile.
-- ---------------------------------------------------------------------------------------------------------------------

-- Posterior density of tau, and mean and sd of mu, at the points of curves.
CREATE OR REPLACE MACRO _pool_posterior_density(curves, numbers, models, classes, nodes, tau2) AS TABLE
    WITH points AS MATERIALIZED (
        SELECT n.model, row_number() OVER () AS i, _pool_tau AS tau, true AS pending
        FROM (SELECT DISTINCT _pool_model, _pool_tau FROM query_table(curves)) AS c, query_table(numbers) AS n
        WHERE _pool_same(n._pool_model, c._pool_model)
    ),
    totals AS (SELECT model, any_value(log_total) AS log_total FROM query_table(nodes) GROUP BY model)
    SELECT _pool_model AS _pool_model_there, p.tau AS _pool_at,
        exp(_pool_height(log_likelihood + log_prior) - log_total) AS _pool_density,
        mu_ + around + start + _pool_origin AS _pool_mu_there, sqrt(variance) AS _pool_se_mu_there
    FROM points AS p JOIN _pool_log_likelihood_at('points', classes, models, tau2) AS l USING (model, i)
        JOIN totals USING (model)
    JOIN (SELECT model, around, start FROM query_table(models)) USING (model) JOIN query_table(numbers) USING (model),
        _pool_origin;
