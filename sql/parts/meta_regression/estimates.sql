-- ---------------------------------------------------------------------------------------------------------------------
-- One row per group: pulled toward what its predictor says.
-- ---------------------------------------------------------------------------------------------------------------------

-- Groups with x'b in place of mu, and its error. A group of a model whose groups only determine the coefficients keeps
-- its own mean.
CREATE OR REPLACE MACRO _pool_toward_estimates(groups, fitted, sigma2, tau2, uncertainty, predict) AS TABLE
    WITH fits AS NOT MATERIALIZED (
        SELECT g.* EXCLUDE (_pool_key_more), _pool_level + slope_ * (_pool_key_more.least - centre) AS _pool_mu,
            sqrt(level_variance + slope_variance * (_pool_key_more.least - centre) ** 2) AS _pool_se_mu
        FROM query_table(groups) AS g, (
            SELECT _pool_model AS _pool_of_model, _pool_level, slope_, centre, level_variance, slope_variance
            FROM query_table(fitted)
        )
        WHERE _pool_same(_pool_of_model, g._pool_model)
    ),
    variances AS MATERIALIZED (
        SELECT COLUMNS('^_pool_(model|sigma2|tau2|error|correction)$'), df_prior AS _pool_df_prior,
            sigma2_prior AS _pool_sigma2_prior, CASE WHEN _pool_only THEN 1 ELSE 2 END AS _pool_groups
        FROM query_table(fitted)
    )
    FROM _pool_estimates('fits', 'variances', sigma2, tau2, 'gls', uncertainty, predict);
