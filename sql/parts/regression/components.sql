-- ---------------------------------------------------------------------------------------------------------------------
-- One row per model: variances, coefficients and their errors.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per model, NULL where the data do not identify it: variances, the slope, the point of the line whose error is
-- independent of the slope's (_pool_at_x, _pool_at_y, less the origins), and the variances of both.
CREATE OR REPLACE MACRO _pool_line_components(groups, method) AS TABLE
    WITH sizes AS MATERIALIZED (FROM _pool_line_sizes(groups)),
    singles AS NOT MATERIALIZED (FROM _pool_line_singles(groups)),
    models AS MATERIALIZED (FROM _pool_line_models('sizes', 'singles')),
    classes AS MATERIALIZED (FROM _pool_line_classes('sizes', 'singles', 'models')),
    facts AS MATERIALIZED (FROM _pool_line_facts('models', 'classes', method)),
    rest AS MATERIALIZED (FROM _pool_line_rest('classes', 'facts')),
    left_over AS MATERIALIZED (FROM _pool_line_left('facts')),
    cells AS (FROM _pool_line_cells('left_over')),
    minima AS MATERIALIZED (
        SELECT model, arg_min({rho: rho, x: centre_x, y: centre_y, done: done}, deviance) AS best
        FROM _pool_line_minima('cells', 'rest', method) GROUP BY model
    ),
    points AS MATERIALIZED (
        SELECT model AS id, l.*, coalesce(l.j >= l.n AND best.rho * wmin > 0.99e10, false) AS none_within,
            CASE WHEN none_within THEN 1e60 ELSE coalesce(best.rho, 0.0) END AS rho, -- for infinity
            coalesce(best.x, 0.0) AS centre_x, coalesce(best.y, 0.0) AS centre_y,
            coalesce(best.done, false) OR none_within AS done
        FROM left_over AS l LEFT JOIN minima USING (model)
    ),
    about AS (SELECT * EXCLUDE (mx, my) FROM _pool_line_about('points', 'rest')),
    fitted AS (
        SELECT *, wxx + hxx AS xx, pool_regression_squares(xx, wxy + hxy, wyy + hyy) AS squares,
            start_slope + CASE WHEN state = 'searched' THEN pool_regression_slope(xx, wxy + hxy) ELSE 0.0 END
                AS beta,
            CASE state WHEN 'searched' THEN squares / df WHEN 'alone' THEN squares / (n - 2) WHEN 'line' THEN 0.0 END
                AS sigma2,
            CASE state WHEN 'searched' THEN rho * sigma2 WHEN 'line' THEN 0.0 END AS tau2,
            CASE WHEN state = 'searched' AND NOT none_within THEN
                CASE WHEN method = 'reml' THEN pool_regression_reml_deviance(squares, logs, df, h, xx)
                    ELSE pool_regression_ml_deviance(squares, logs, df) END END AS deviance,
            _pool_line_fixed_variance(beta, txx, w, n) AS fixed
        FROM about
    )
    SELECT m._pool_model, m.j AS _pool_groups, m.n AS _pool_rows, m.dropped AS _pool_lost,
        CASE WHEN none_within THEN 0.0 ELSE sigma2 END AS _pool_sigma2, tau2 AS _pool_tau2, beta AS _pool_beta,
        start_x + centre_x AS _pool_at_x, start_y + centre_y + start_slope * centre_x AS _pool_at_y,
        sigma2 / h AS _pool_variance_at, sigma2 / xx AS _pool_variance_beta, fixed AS _pool_fixed,
        pool_log_likelihood(deviance + df, df) AS _pool_log_likelihood,
        coalesce(CASE state WHEN 'searched' THEN done ELSE state IN ('alone', 'line') END, false) AS _pool_converged
    FROM models AS m LEFT JOIN (SELECT * EXCLUDE (j, n, dropped, _pool_model) FROM fitted) AS f USING (model);

-- The same with the coefficients of the terms: their names, values, and standard errors, as lists.
CREATE OR REPLACE MACRO _pool_line_population(components, origins, request, level) AS TABLE
    SELECT c.*, _pool_quantile, ['intercept', column_names[2]] AS _pool_names,
        _pool_at_x + _pool_origin_x AS _pool_arm,
        [_pool_at_y + _pool_origin_y - _pool_beta * _pool_arm, _pool_beta] AS _pool_mu,
        [sqrt(_pool_line_variance_at(_pool_arm, _pool_variance_at, _pool_variance_beta)), sqrt(_pool_variance_beta)]
            AS _pool_se
    FROM query_table(components) AS c, query_table(origins), query_table(request), _pool_quantile_of(level);

-- The two-sided p-value of an estimate, by the normal distribution.
CREATE OR REPLACE MACRO _pool_two_sided(estimate, se) AS
    CASE
        WHEN se > 0 THEN 2 * _pool_normal_cdf_double(-abs(estimate) / se)
        WHEN se = 0 AND estimate <> 0 THEN 0.0
    END;
