-- ---------------------------------------------------------------------------------------------------------------------
-- Regressions before the search: both ends of rho, and what the data identify.
-- ---------------------------------------------------------------------------------------------------------------------

-- Models at both ends of rho. At rho = 0 all rows count alike: this gives the centre and the least-squares line. At
-- infinite rho all groups count alike: this bounds the search. `state` is what the data identify; the first branch that
-- holds decides.
CREATE OR REPLACE MACRO _pool_line_facts(models, classes, method) AS TABLE
    WITH sums AS (
        SELECT model, sum(k * w) AS w, sum(k * w * x) / sum(k * w) AS centre_x, sum(k * w * y) / sum(k * w) AS centre_y,
            min(w) AS wmin, max(w) AS wmax, max(abs(x)) AS far_x, max(abs(y)) AS far_y,
            sum(wxx) AS wxx, sum(wxy) AS wxy, sum(wyy) AS wyy
        FROM query_table(classes) GROUP BY model
    ),
    -- Groups with one row each: whether the likelihood separates the two variances, that is whether
    -- tr(PP) - tr(P)^2 / df > 0 at rho = 1 / mean(w).
    halves AS (
        SELECT model, n, x, pool_information(c.w, j / s.w) AS h
        FROM query_table(classes) AS c JOIN sums AS s USING (model) JOIN query_table(models) USING (model)
        WHERE j >= n AND wmin < wmax
    ),
    curved AS (
        SELECT model, sum(h) AS a, sum(h * h) AS a2, sum(h * h * h) AS a3, sum(h * dx * dx) AS b,
            sum(h * h * dx * dx) AS b2, sum(h * h * h * dx * dx) AS b3, sum(h * h * dx) AS c2,
            _pool_line_trace(a, a2, b, b2) AS trace, _pool_line_trace_of_square(a, a2, a3, b, b2, b3, c2) AS of_square,
            of_square - trace * trace / (any_value(n) - 2) > 1e-10 * a2 AS apart
        FROM (
            SELECT model, n, h, x - sum(h * x) OVER (PARTITION BY model) / sum(h) OVER (PARTITION BY model) AS dx
            FROM halves
        )
        GROUP BY model
    ),
    ends AS (
        SELECT 2 * model + flat AS id, model, centre_x, centre_y,
            CASE WHEN flat = 1 THEN 'infinity'::DOUBLE ELSE 0.0 END AS rho
        FROM sums, (SELECT unnest([0, 1]) AS flat)
    ),
    about AS (FROM _pool_line_about('ends', classes)),
    totals AS (
        SELECT model, m._pool_model, j, n, dropped, s.* EXCLUDE (model, centre_x, centre_y),
            a.centre_x AS start_x, a.centre_y AS start_y,
            pool_above_rounding(w, wxx + a.hxx, far_x) AS txx,
            pool_above_rounding(w, wyy + a.hyy, far_y) AS tyy,
            CASE WHEN tyy > 0 THEN wxy + a.hxy ELSE 0.0 END AS txy,
            b.hxx AS bxx, b.hxy AS bxy, b.hyy AS byy
        FROM query_table(models) AS m
        LEFT JOIN sums AS s USING (model)
        LEFT JOIN (FROM about WHERE rho = 0) AS a USING (model)
        LEFT JOIN (FROM about WHERE rho > 0) AS b USING (model)
    ),
    lines AS (
        SELECT *,
            CASE WHEN txx > 0 THEN pool_regression_slope(txx, txy) END AS start_slope,
            CASE WHEN txx > 0 THEN pool_regression_squares(txx, txy, tyy) END AS line_squares,
            CASE WHEN wxx > 0 THEN pool_regression_squares(wxx, wxy, wyy) ELSE wyy END AS within,
            CASE WHEN wxx > 0 THEN wxy / wxx WHEN bxx > 0 THEN bxy / bxx ELSE 0.0 END AS bound_slope,
            CASE WHEN method = 'reml' THEN n - 2 ELSE n END AS df
        FROM totals
    )
    SELECT lines.*,
        CASE
            WHEN n = 0 THEN 'no rows'
            WHEN txx = 0 AND no_over THEN error('x=''' || column_names[2] || ''' is the same in every row, so it '
                || 'cannot be distinguished from the intercept: leave it out')
            WHEN txx = 0 THEN 'spanned'
            WHEN n <= 2 THEN 'few rows'
            WHEN line_squares <= 1e-14 * tyy THEN 'line'
            WHEN j = 1 THEN 'alone'
            WHEN j >= n AND apart THEN 'searched'
            WHEN j >= n OR within <= 1e-14 * tyy THEN 'unidentified'
            WHEN method = 'reml' AND j = 2 AND wxx = 0 THEN 'unidentified' -- the line meets both groups at any rho
            ELSE 'searched'
        END AS state
    FROM lines LEFT JOIN (SELECT model, apart FROM curved) USING (model), _pool_request;

-- The classes less the least-squares line over all rows, about its centre: the residuals keep their digits.
CREATE OR REPLACE MACRO _pool_line_rest(classes, facts) AS TABLE
    SELECT model, k, w, x - start_x AS x, y - start_y - start_slope * (x - start_x) AS y, sxx,
        sxy - start_slope * sxx AS sxy,
        _pool_larger(_pool_line_squares_about(sxx, sxy, syy, start_slope), 0.0) AS syy
    FROM query_table(classes)
    JOIN (SELECT model, start_x, start_y, start_slope FROM query_table(facts)) USING (model);

-- The sums within, less the same line.
CREATE OR REPLACE MACRO _pool_line_left(facts) AS TABLE
    SELECT * REPLACE (wxy - start_slope * wxx AS wxy,
        _pool_larger(_pool_line_squares_about(wxx, wxy, wyy, start_slope), within) AS wyy)
    FROM query_table(facts);
