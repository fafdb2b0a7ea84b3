-- ---------------------------------------------------------------------------------------------------------------------
-- One row per model: tau2 with sigma2, and the weighted fit there.
-- ---------------------------------------------------------------------------------------------------------------------

-- The points where an estimator begins: its only one, or a grid from 0 by `low` and `bend` to `high`.
CREATE OR REPLACE MACRO _pool_toward_points(facts, method) AS TABLE
    SELECT * EXCLUDE (low, high, bend, last, steps, points), 1024 * model + i AS id, model AS search, false AS closed,
        NULL::DOUBLE AS target, NULL::DOUBLE AS side,
        CASE WHEN high IS NULL THEN low ELSE _pool_point(i, 0.0, low, last, high, steps, points) END AS point
    FROM (
        SELECT *, unnest(range(0, points + 1)) AS i
        FROM (
            SELECT *, CASE WHEN bend < high THEN greatest(bend, low) ELSE high END AS last,
                1 + least(ceil(2 * log10(last / low)), 100)::BIGINT AS steps,
                CASE WHEN high IS NULL THEN 0 WHEN low = 0 OR low >= high OR bend <= 0 THEN 1
                    WHEN bend < high THEN steps + 2 ELSE steps + 1 END AS points
            FROM _pool_toward_ranges(facts, method)
        )
    );

-- The estimate of each model, and whether its search settled.
CREATE OR REPLACE MACRO _pool_toward_estimated(facts, standard, method) AS TABLE
    WITH points AS (FROM _pool_toward_points(facts, method)),
    statistics AS (FROM _pool_toward_at('points', standard)),
    closed_forms AS (SELECT *, true AS done FROM _pool_toward_moments('statistics', method)),
    risen AS MATERIALIZED (
        FROM _pool_toward_risen('points', standard, method, _pool_is_likelihood(method))
    ),
    searched AS (
        SELECT search AS model, arg_min(x, coalesce(depth, 0.0)) AS x, arg_min(done, coalesce(depth, 0.0)) AS done
        FROM _pool_toward_roots('risen', standard, method, _pool_is_likelihood(method)) GROUP BY search
    ),
    none AS (SELECT NULL::BIGINT AS model, NULL::DOUBLE AS x, NULL::BOOLEAN AS done WHERE false)
    FROM query_table(CASE
        WHEN method = 'known' THEN 'none'
        WHEN method IN ('reml', 'ml', 'pm', 'eb') THEN 'searched'
        ELSE 'closed_forms'
    END);

-- Models with x_, which is tau2 or rho, and whether it settled.
CREATE OR REPLACE MACRO _pool_toward_solved(facts, estimates, tau2, method) AS TABLE
    SELECT * EXCLUDE (x, done), CASE
            WHEN _pool_number(tau2) IS NOT NULL THEN _pool_number(tau2) / (unit_ * unit_)
            WHEN NOT estimable THEN NULL
            WHEN vmax = 0 THEN greatest(_pool_toward_plain(method, plain_squares, j, p), 0.0)
            WHEN isfinite(x) AND (NOT own_v OR _pool_toward_keeps(vmin, vmax,
                CASE WHEN method IN ('dl', 'hs') THEN 0.0 ELSE greatest(x, 0.0) END)) THEN greatest(x, 0.0)
        END AS x_,
        identified AND regular AND coalesce(done, true) AS settled
    FROM query_table(facts) LEFT JOIN query_table(estimates) USING (model);

-- Models with the fit at x_, in the unit of the model: the coefficients as `level` where the predictor is `centre`, and
-- `slope`, whose errors are independent. Where a variance is unknown they are those of the plain fit, without errors;
-- where every mean is exact and tau2 = 0, all residuals are 0, and the plain fit is that of any weights.
CREATE OR REPLACE MACRO _pool_toward_fitted(solved, standard) AS TABLE
    WITH points AS (
        SELECT model AS id, model, p, x_ AS point, false AS closed FROM query_table(solved)
        WHERE identified AND regular AND x_ IS NOT NULL
    ),
    fits AS (
        FROM query_table(solved) LEFT JOIN (
            SELECT model, s1, s2, wr2, trace, trace2, log_information, logs, inverse, _pool_finite(mean_z) AS z_,
                _pool_finite(mean_r) AS r_, _pool_finite(slope) AS more_slope
            FROM _pool_toward_at('points', standard)
        ) USING (model)
    ),
    scaled AS (
        SELECT *, CASE WHEN jointly THEN pool_residual_variance(ssw, wr2, joint_df)
                ELSE pooled END AS sigma2_,
            CASE WHEN jointly THEN sigma2_ ELSE 1.0 END AS scale, x_ * scale AS tau2_,
            identified AND tau2_ IS NOT NULL AS known, vmax = 0 AND x_ = 0 AS all_exact,
            coalesce(z_, 0.0) AS at_z
        FROM fits
    )
    SELECT *, mean_x + CASE WHEN p = 2 THEN at_z / per_x ELSE 0.0 END AS centre,
        CASE WHEN regular AND measurable THEN mean_y + CASE WHEN p = 2 THEN plain_slope * at_z / per_x ELSE 0.0 END
            + coalesce(r_, 0.0) * unit_ END AS level_,
        CASE WHEN regular AND measurable THEN plain_slope + coalesce(more_slope, 0.0) * per_x * unit_ END AS slope_,
        CASE WHEN regular AND known THEN CASE WHEN all_exact THEN 0.0 ELSE scale / s1 * unit_ * unit_ END END
            AS level_variance,
        CASE WHEN regular AND known
            THEN CASE WHEN all_exact THEN 0.0 ELSE scale * inverse * per_x * per_x * unit_ * unit_ END END
            AS slope_variance
    FROM scaled;
