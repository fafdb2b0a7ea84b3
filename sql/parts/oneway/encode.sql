-- ---------------------------------------------------------------------------------------------------------------------
-- The partially pooled mean of its group for every row, from all rows or from those of the other folds.
-- ---------------------------------------------------------------------------------------------------------------------

-- From all rows of the group.
CREATE OR REPLACE MACRO _pool_encoded(tbl, value, "by", unnamed, over, weights, sigma2, tau2, mu, nan) AS TABLE
    WITH _pool_rows AS (SELECT over AS _pool_key, "by" AS _pool_key, * FROM query_table(_pool_read(tbl))),
    _pool_coded AS (
        SELECT COLUMNS(lambda c: c NOT LIKE '\_pool\_%' ESCAPE '\') AS _pool_key, _pool_estimate
        FROM _pool_pooled(_pool_read(tbl), value, "by", unnamed, over, NULL, NULL, NULL, weights, sigma2, tau2, mu, nan,
            0.95, 'mu', NULL, 'mean', NULL, NULL, [])
    )
    SELECT COLUMNS(lambda c: c NOT LIKE '\_pool\_%' ESCAPE '\'), _pool_estimate AS estimate
    FROM (SELECT *, struct_pack(*COLUMNS('^_pool_key')) AS _pool_row FROM _pool_rows) AS r
    LEFT JOIN (SELECT _pool_estimate, struct_pack(*COLUMNS('^_pool_key')) AS _pool_group FROM _pool_coded) AS g
        ON r._pool_row IS NOT DISTINCT FROM g._pool_group;

-- From the rows of all other folds. Rows become the moments of each group in each fold. Each fold is a model of its
-- own, with the moments of each group in the other folds: time and memory grow with the number of folds times groups.
CREATE OR REPLACE MACRO _pool_encoded_by_folds(
    tbl, value, "by", unnamed, over, weights, sigma2, tau2, mu, nan, folds
) AS TABLE
    WITH _pool_request AS MATERIALIZED (
        FROM _pool_arguments('_pool_schema', value, "by", unnamed, over, NULL, NULL, NULL, weights, sigma2, tau2, mu,
            nan, 0.95, 'mu', NULL, 'mean', NULL, true, [])
    ),
    _pool_keyed AS NOT MATERIALIZED (
        SELECT over AS _pool_model_key, "by" AS _pool_group_key, folds AS _pool_fold, *
        FROM query_table(_pool_read(tbl))
    ),
    _pool_labelled AS NOT MATERIALIZED (
        SELECT {'model': struct_pack(*COLUMNS('^_pool_model_key')), 'fold': _pool_fold} AS "pool model",
            struct_pack(*COLUMNS('^_pool_group_key')) AS "pool group", *
        FROM _pool_keyed
    ),
    _pool_pairs AS MATERIALIZED (
        FROM _pool_moments_of_pairs('_pool_labelled', value, weights, nan)
    ),
    _pool_coded AS NOT MATERIALIZED (
        FROM _pool_without_folds('_pool_pairs', weights, sigma2, tau2, mu)
    ),
    _pool_unlabelled AS (
        SELECT count_if(_pool_fold IS NULL) AS bad FROM (SELECT folds AS _pool_fold FROM query_table(_pool_read(tbl)))
    )
    SELECT COLUMNS(lambda c: NOT (starts_with(c, '_pool_') OR starts_with(c, 'pool '))), _pool_estimate AS estimate
    FROM _pool_labelled AS r
    LEFT JOIN _pool_coded AS g
        ON r."pool model" IS NOT DISTINCT FROM g._pool_in AND r."pool group" IS NOT DISTINCT FROM g._pool_of
    WHERE (SELECT proper FROM _pool_request)
        AND (SELECT CASE WHEN bad > 0 THEN error(_pool_message_no_fold(_pool_number_of_rows(bad))) ELSE true END
            FROM _pool_unlabelled);

-- The moments of each group in each fold; the keys are structs, so that they are one column each.
CREATE OR REPLACE MACRO _pool_moments_of_pairs(tbl, value, weights, nan) AS TABLE
    WITH _pool_schema AS MATERIALIZED (FROM _pool_schema_of(tbl))
    SELECT "pool model", "pool group", _pool_n AS n, _pool_y + _pool_origin AS mean, _pool_var AS var, _pool_w AS w
    FROM _pool_moments([tbl], value, "pool group", NULL, "pool model", NULL, NULL, weights, nan, []);

-- The sums of the moments of the other folds of each pair of a group and a fold. A window without its row merges the
-- other rows of its group, where a difference would lose digits to a fold of large values.
CREATE OR REPLACE MACRO _pool_sums_of_others(pairs) AS TABLE
    SELECT "pool model", "pool group", sum(n) OVER others AS n, sum(w) OVER others AS w,
        count(mean) OVER others AS states, sum(w * mean) OVER others AS wm,
        sum(pool_squares(n, var)) OVER others AS squares,
        covar_samp(w * mean, mean) OVER others AS cov_wm, covar_samp(w, mean) OVER others AS cov_w
    FROM query_table(pairs)
    WINDOW others AS (
        PARTITION BY "pool model".model, "pool group"
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW
    );

-- The same sums of each group that has no rows in a fold: those of all its rows.
CREATE OR REPLACE MACRO _pool_sums_of_absent(pairs, models) AS TABLE
    WITH groups AS MATERIALIZED (
        SELECT "pool model".model AS model, "pool group", sum(n) AS n, sum(w) AS w, count(mean) AS states,
            sum(w * mean) AS wm, sum(pool_squares(n, var)) AS squares,
            covar_samp(w * mean, mean) AS cov_wm, covar_samp(w, mean) AS cov_w
        FROM query_table(pairs) GROUP BY ALL
    ),
    every AS NOT MATERIALIZED (
        SELECT m.model AS "pool model", g.* EXCLUDE (model)
        FROM groups AS g JOIN query_table(models) AS m ON g.model IS NOT DISTINCT FROM m.model.model
    )
    FROM every AS e ANTI JOIN query_table(pairs) AS p
        ON e."pool model" IS NOT DISTINCT FROM p."pool model" AND e."pool group" IS NOT DISTINCT FROM p."pool group";

-- The estimate of each group in each fold from the moments of the other folds.
CREATE OR REPLACE MACRO _pool_without_folds(pairs, weights, sigma2, tau2, mu) AS TABLE
    WITH _pool_other_keys AS NOT MATERIALIZED (SELECT "pool model", "pool group" FROM query_table(pairs)),
    _pool_models AS MATERIALIZED (SELECT DISTINCT "pool model" AS model FROM query_table(pairs)),
    _pool_sums AS NOT MATERIALIZED (
        FROM _pool_sums_of_others(pairs) UNION ALL BY NAME FROM _pool_sums_of_absent(pairs, '_pool_models')
    ),
    _pool_others AS MATERIALIZED (
        SELECT "pool model", "pool group", n, w, wm / w AS mean,
            pool_variance(n, squares + pool_squares_between(states, wm, w, cov_wm, cov_w)) AS var
        FROM _pool_sums WHERE w > 0
    ),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_others')),
    _pool_plain_coded AS NOT MATERIALIZED (
        FROM _pool_pooled(['_pool_others'], mean, "pool group", NULL, "pool model", n, var, NULL, NULL, sigma2, tau2,
            mu, 'error', 0.95, 'mu', NULL, 'mean', NULL, '_pool_other_keys', [])
    ),
    _pool_weighted_coded AS NOT MATERIALIZED (
        FROM _pool_pooled(['_pool_others'], mean, "pool group", NULL, "pool model", n, var, NULL, w, sigma2, tau2,
            mu, 'error', 0.95, 'mu', NULL, 'mean', NULL, '_pool_other_keys', [])
    ),
    -- Where the rows of the other folds determine no variance, the estimate is their mean.
    _pool_of_estimates AS NOT MATERIALIZED (
        SELECT "pool model" AS _pool_in, "pool group" AS _pool_of, coalesce(_pool_estimate, _pool_mu) AS _pool_estimate
        FROM query_table(CASE WHEN _pool_absent(weights) THEN '_pool_plain_coded' ELSE '_pool_weighted_coded' END)
    ),
    _pool_of_posterior AS NOT MATERIALIZED (
        SELECT "pool model" AS _pool_in, "pool group" AS _pool_of, _pool_estimate
        FROM query_table(CASE WHEN _pool_absent(weights) THEN '_pool_plain_coded' ELSE '_pool_weighted_coded' END)
    )
    FROM query_table(CASE WHEN _pool_integrates(tau2, mu) THEN '_pool_of_posterior' ELSE '_pool_of_estimates' END);
