-- ---------------------------------------------------------------------------------------------------------------------
-- One row per group to one row per model: the error of each way of pooling on rows that are held out, and pooling
-- factors.
-- ---------------------------------------------------------------------------------------------------------------------

-- The classes of every model, by number, with the model's components and the parts of the centre 'shrunk'.
CREATE OR REPLACE MACRO _pool_compared_classes(sizes, singles, components, sigma2, mu) AS TABLE
    WITH joined AS (
        SELECT m.* EXCLUDE (_pool_model), c.* EXCLUDE (_pool_model),
            _pool_number(mu) - _pool_origin AS known,
            CASE
                WHEN _pool_name(sigma2) = 'separate' THEN pool_separate_variance(n, squares / (n - 1), _pool_sigma2)
                WHEN _pool_name(sigma2) = 'squeezed'
                    THEN pool_squeezed_variance(n, squares / (n - 1), _pool_df_prior, _pool_sigma2_prior)
                ELSE _pool_sigma2
            END AS own
        FROM query_table(components) AS m, _pool_origin, (
            SELECT n, k, y, squares, spread, _pool_model FROM query_table(sizes)
            UNION ALL
            SELECT n, k, y, squares, spread, _pool_model FROM query_table(singles)
        ) AS c
        WHERE _pool_same(m._pool_model, c._pool_model) AND k > 0
    ),
    totals AS (
        SELECT model, sum(k) AS j, sum(k * n) AS rows_, sum(k * squares) AS ssw,
            coalesce(any_value(known), sum(k * y) / sum(k)) AS plain,
            coalesce(any_value(known), sum(k * n * y) / sum(k * n)) AS grand
        FROM joined GROUP BY model
    ),
    plugins AS (
        SELECT model,
            sum(k * ((y - plain) * (y - plain) + spread)) / any_value(j - CASE WHEN known IS NULL THEN 1 ELSE 0 END)
                AS plugin
        FROM joined JOIN totals USING (model) GROUP BY model
    )
    SELECT *,
        coalesce(_pool_number(sigma2), pool_pooled_variance(ssw, rows_, j)) AS pooled,
        pool_sampling_variance(own, n) AS v,
        pool_sampling_variance(own, n - 1) AS v_less,
        j = 1 AND _pool_tau2 IS NULL AS alone,
        j - CASE WHEN known IS NULL THEN 1 ELSE 0 END AS df
    FROM joined JOIN totals USING (model) JOIN plugins USING (model);

-- The weight of a group in mu; at tau2 = 0 exact groups have infinite weight.
CREATE OR REPLACE MACRO _pool_count(mu, outweighed, w, v, tau2, plugin_v, plugin) AS
    CASE
        WHEN _pool_name(mu) = 'groups' THEN pool_groups(w)
        WHEN _pool_name(mu) = 'rows' THEN pool_rows(w)
        WHEN _pool_name(mu) = 'shrunk' AND plugin = 0 AND plugin_v > 0 THEN w
        WHEN _pool_name(mu) = 'shrunk' THEN pool_shrunk(w, plugin_v, plugin)
        WHEN outweighed THEN CASE WHEN v = 0 THEN 1.0 ELSE 0.0 END
        ELSE pool_gls(v, tau2)
    END;

-- The weight of a group by the estimator of tau2.
CREATE OR REPLACE MACRO _pool_weight_by(tau2, estimated, v, df) AS
    pool_weight(_pool_corrected(tau2, estimated, v, df), v);

-- The weight of each group in mu, with all its rows and without one row, and the weight of its own mean.
CREATE OR REPLACE MACRO _pool_held_out_counts(classes, tau2, mu) AS TABLE
    WITH exact AS (
        SELECT model, max(CASE WHEN v = 0 AND _pool_tau2 = 0 THEN 1 ELSE 0 END) = 1 AS outweighed
        FROM query_table(classes) GROUP BY model
    )
    SELECT *,
        CASE WHEN alone THEN 1.0 ELSE _pool_weight_by(tau2, _pool_tau2, v, df) END AS weight,
        CASE WHEN alone THEN 1.0 ELSE _pool_weight_by(tau2, _pool_tau2, v_less, df) END AS weight_less,
        CASE
            WHEN _pool_tau2 IS NULL THEN 1.0
            ELSE _pool_count(mu, outweighed, n, v, _pool_tau2, pool_sampling_variance(pooled, n), plugin)
        END AS c,
        CASE
            WHEN _pool_tau2 IS NULL THEN pool_groups(n - 1)
            ELSE _pool_count(mu, outweighed, n - 1, v_less, _pool_tau2, pool_sampling_variance(pooled, n - 1), plugin)
        END AS c_less
    FROM query_table(classes) JOIN exact USING (model);

-- Classes with mu of their model, and the error of predicting a row without using it.
CREATE OR REPLACE MACRO _pool_held_out(counts) AS TABLE
    SELECT *,
        (y - centre) * (y - centre) + spread AS d2,
        (y - grand) * (y - grand) + spread AS grand_d2,
        CASE
            WHEN weight_less = 1 THEN 0.0
            WHEN known IS NULL THEN c_less / (s - c + c_less)
            ELSE 0.0
        END AS share,
        CASE WHEN weight_less = 1 THEN 0.0 WHEN known IS NULL THEN s / (s - c + c_less) ELSE 1.0 END AS s_ratio,
        CASE WHEN known IS NULL THEN (n - 1) / (rows_ - 1) ELSE 0.0 END AS grand_share,
        CASE WHEN known IS NULL THEN rows_ / (rows_ - 1) ELSE 1.0 END AS grand_ratio
    FROM query_table(counts) JOIN (
        SELECT model, sum(k * c) AS s, coalesce(any_value(known), sum(k * c * y) / sum(k * c)) AS centre
        FROM query_table(counts) GROUP BY model
    ) USING (model);

-- Squared errors of every model over the rows of groups with two rows or more, and the means for _pool_spreads.
CREATE OR REPLACE MACRO _pool_errors(held_out) AS TABLE
    SELECT model, sum(CASE WHEN n > 1 THEN k * n ELSE 0.0 END) AS compared,
        sum(k * pool_held_out_squares(n, squares, d2, pool_missed_of_row(n, 1.0, 0.0), 0.0)) AS "none",
        sum(k * pool_held_out_squares(n, squares, grand_d2, pool_missed_of_row(n, 0.0, grand_share), grand_ratio))
            AS complete,
        sum(k * pool_held_out_squares(n, squares, d2, pool_missed_of_row(n, weight_less, share),
            pool_missed_of_mean(weight_less, s_ratio))) AS partial,
        sum(k * n * (1 - weight) * (y - centre)) / sum(k * n) AS residual,
        sum(k * weight * (y - centre)) / sum(k) AS effect,
        sum(k * n * (1 - weight)) / sum(k * n) AS mean_pooling,
        sum(k * weight) / sum(k) AS mean_weight
    FROM query_table(held_out) GROUP BY model;

-- Sums of squares of the estimated errors at both levels, and how much the true errors exceed them in expectation.
CREATE OR REPLACE MACRO _pool_spreads(held_out, errors) AS TABLE
    SELECT model,
        sum(k * (squares + n * ((1 - weight) * (y - centre) - residual) ** 2 + n * (1 - weight) ** 2 * spread))
            AS of_rows,
        sum(k * ((weight * (y - centre) - effect) ** 2 + weight ** 2 * spread)) AS of_effects,
        sum(k * pool_uncertainty_of_rows(n, v, weight, rows_)) AS unknown_rows,
        sum(k * pool_uncertainty_of_effects(v, weight, j)) AS unknown_effects,
        sum(k * n * (1 - weight - mean_pooling) ** 2) AS shared_rows,
        sum(k * (weight - mean_weight) ** 2) AS shared_effects,
        max(weight) AS most, any_value(_pool_se_mu) AS se_mu
    FROM query_table(held_out) JOIN (SELECT model, residual, effect, mean_pooling, mean_weight FROM query_table(errors))
        USING (model)
    GROUP BY model;

-- The part of mu's error: 0 where all groups have equal pooling, even where that error is unknown.
CREATE OR REPLACE MACRO _pool_shared(se_mu, variation) AS
    CASE WHEN variation = 0 THEN 0.0 ELSE se_mu * se_mu * variation END;

-- One row per model: the errors, gains and pooling factors, NULL where the data do not identify them.
CREATE OR REPLACE MACRO _pool_compared(sizes, singles, components, sigma2, tau2, mu) AS TABLE
    WITH models AS MATERIALIZED (SELECT row_number() OVER () AS model, * FROM query_table(components)),
    classes AS MATERIALIZED (FROM _pool_compared_classes(sizes, singles, 'models', sigma2, mu)),
    counts AS MATERIALIZED (FROM _pool_held_out_counts('classes', tau2, mu)),
    held_out AS MATERIALIZED (FROM _pool_held_out('counts')),
    errors AS MATERIALIZED (FROM _pool_errors('held_out')),
    spreads AS (FROM _pool_spreads('held_out', 'errors')),
    means AS (
        SELECT model, compared, _pool_finite("none" / nullif(compared, 0)) AS none_,
            _pool_finite(complete / nullif(compared, 0)) AS complete_,
            _pool_finite(partial / nullif(compared, 0)) AS partial_
        FROM errors
    )
    SELECT _pool_model, _pool_groups, coalesce(compared, 0)::BIGINT AS _pool_n,
        none_ AS _pool_none, complete_ AS _pool_complete, partial_ AS _pool_partial,
        _pool_finite(pool_gain(partial_, none_)) AS _pool_gain_on_none,
        _pool_finite(pool_gain(partial_, complete_)) AS _pool_gain_on_complete,
        _pool_finite(pool_pooling_factor(of_rows, unknown_rows + _pool_shared(se_mu, shared_rows)))
            AS _pool_pooling_rows,
        CASE
            WHEN most = 0 AND _pool_groups > 1 THEN 1.0
            ELSE _pool_finite(pool_pooling_factor(of_effects, unknown_effects + _pool_shared(se_mu, shared_effects)))
        END AS _pool_pooling_groups
    FROM (SELECT model, _pool_model, _pool_groups FROM models)
        LEFT JOIN means USING (model) LEFT JOIN spreads USING (model);

-- True, or an error: the comparison needs estimates of tau2 and mu, and priors are integrated out.
CREATE OR REPLACE MACRO _pool_estimates_alone(tau2, mu) AS TABLE
    WITH usual AS (SELECT true AS proper),
    unusual AS (
        SELECT error(CASE WHEN _pool_is_tau_prior(tau2)
            THEN _pool_message_prior_refused('tau2', _pool_shown(tau2), 'compare')
            ELSE _pool_message_prior_refused('mu', _pool_shown(mu), 'compare') END)::BOOLEAN AS proper
    )
    FROM query_table(CASE WHEN _pool_integrates(tau2, mu) THEN 'unusual' ELSE 'usual' END);
