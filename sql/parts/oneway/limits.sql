-- ---------------------------------------------------------------------------------------------------------------------
-- The interval of tau2.
--
-- Each limit is a root in x, which is tau2, or rho = tau2 / sigma2 where both are estimated jointly. `rise` is what
-- rises through 0 there. Cells are searched as in search.sql; a search has few columns, because each is planned in each
-- of its steps: `curve` holds what a model needs at every x.
-- ---------------------------------------------------------------------------------------------------------------------

-- Cells for both ends by the quantiles of Q.
CREATE OR REPLACE MACRO _pool_cells_by_q(closed_forms, tails) AS TABLE
    SELECT 8 * id AS id, model,
        {by_q: true, sign: 1.0::DOUBLE, level: level, scale: unit, floor: floor, n: n, ssw: ssw, j: j, jointly: jointly,
            free: known IS NULL} AS curve,
        id % 8 = 4 AS is_lower, true AS from_floor, true AS open, coalesce(known, 0.0) AS c, floor AS lower,
        CASE WHEN plain_squares = 0 THEN 1.0 ELSE 1.001 * plain_squares / level END AS upper
    FROM (
        SELECT id, model, n, ssw, j, jointly, known, floor, plain_squares,
            CASE WHEN jointly THEN pooled ELSE 1.0 END AS unit, df * exp(result) * unit AS level
        FROM query_table(closed_forms) JOIN query_table(tails) ON model = id // 8 AND id % 8 >= 4
    );

-- Cells for both ends where the profile deviance has risen by the quantile of chi-square with 1 degree of freedom: one
-- below the minimum, many of equal ratio above. The deviance here has log(1 / w + rho) in place of log(1 + w rho). A
-- search starts at the mean of exact groups.
CREATE OR REPLACE MACRO _pool_cells_by_profile(closed_forms) AS TABLE
    SELECT 64 * model + i AS id, model,
        {by_q: false, sign: CASE WHEN i = 0 THEN -1.0 ELSE 1.0 END::DOUBLE, level: level,
            scale: CASE WHEN NOT jointly THEN 1.0 END::DOUBLE, floor: floor, n: n, ssw: ssw, j: j, jointly: jointly,
            free: known IS NULL} AS curve,
        i = 0 AS is_lower, i = 0 AS from_floor, i IN (0, 40) AS open, c,
        CASE WHEN i <= 1 THEN floor ELSE step * 8.0 ** (i - 2) END AS lower,
        CASE WHEN i = 0 THEN best ELSE step * 8.0 ** (i - 1) END AS upper
    FROM (
        SELECT model, n, ssw, jointly, known, j, floor, best,
            at_best - CASE WHEN jointly THEN logs_of_w ELSE 0.0 END + normal_reach * normal_reach AS level,
            CASE WHEN exact > 0 THEN coalesce(known, 0.0) ELSE gls END AS c,
            unnest(CASE WHEN best > 0 THEN [0] || range(2, 41) ELSE range(1, 41) END) AS i,
            CASE WHEN best > 0 THEN best ELSE far END AS step
        FROM query_table(closed_forms) WHERE has_tau2 AND by_profile AND at_best IS NOT NULL AND df2 > 0
    );

-- Which of the two a call may need.
CREATE OR REPLACE MACRO _pool_kind_of_limits(sigma2, method, limits) AS
    CASE
        WHEN method = 'known' THEN 'none'
        WHEN limits::VARCHAR = 'profile' AND _pool_is_likelihood(method) THEN 'profile'
        WHEN limits IS NOT NULL OR NOT _pool_is_likelihood(method) OR _pool_name(sigma2) <> 'pooled' THEN 'q'
        ELSE 'either'
    END;

-- At each x of a search, by its id, the sums over the classes of its model.
CREATE OR REPLACE MACRO _pool_limit_sums(search, classes) AS TABLE
    SELECT id, sum(k * h) AS s1, sum(k * h * h) AS s2, sum(k * h * d) AS hd, sum(k * h * h * d) AS h2d,
        sum(k * h * d2) AS about_c, sum(k * h * h * d2) AS about_c2, sum(k * pool_log_variance(u, x)) AS logs
    FROM (
        SELECT id, x, k, u, d, d * d + spread AS d2, pool_precision(u, x) AS h
        FROM (
            SELECT id, x, k, u, spread, y - c AS d
            FROM (SELECT id, model, x, c FROM query_table(search) WHERE result IS NULL)
            JOIN (SELECT model, k, y, spread, u FROM query_table(classes)) USING (model)
        )
    )
    GROUP BY id;

-- Each x with the rise there: the expectation of Q less Q, or the profile deviance of tau2 less its level, whose sign
-- is changed below the minimum. Constants are left out. Squares are moved from c to mu, which is the next c.
CREATE OR REPLACE MACRO _pool_limit_rises(search, classes, restricted) AS TABLE
    SELECT step, id, model, curve, is_lower, from_floor, open, c + delta AS c, x, x1, f1, x2, f2, x3, f3, sigma2,
        CASE
            WHEN curve.by_q THEN curve.level - hd2
            ELSE curve.sign * (
                CASE WHEN curve.jointly THEN pool_rows_deviance(curve.ssw, hd2, logs, sigma2, curve.n)
                    ELSE pool_ml_deviance(logs, hd2) END
                + CASE WHEN restricted THEN ln(s1 / sigma2) ELSE 0.0 END - curve.level)
        END AS rise
    FROM (
        SELECT *,
            CASE
                WHEN NOT curve.jointly THEN 1.0
                WHEN restricted
                    THEN pool_reml_variance_at(curve.ssw, hd2 - x * h2d2, curve.j - x * s1, curve.n - curve.j,
                        s1 - x * s2, s1)
                ELSE pool_ml_variance_at(curve.ssw, hd2 - x * h2d2, curve.j - x * s1, curve.n - curve.j)
            END AS sigma2
        FROM (
            SELECT *, _pool_moved_square(about_c, hd, s1, delta) AS hd2,
                _pool_moved_square(about_c2, h2d, s2, delta) AS h2d2
            FROM (
                SELECT *, CASE WHEN curve.free THEN hd / s1 ELSE 0.0 END AS delta
                FROM query_table(search) JOIN _pool_limit_sums(search, classes) USING (id)
            )
        )
    );

-- The limits of tau2 in their cells. A search evaluates both ends of its cell, then closes in on the root. The result
-- is 0 where the rise is positive from the floor, and the end of the grid where it is not yet positive there.
CREATE OR REPLACE MACRO _pool_limits_in(cells, classes, restricted) AS TABLE
    WITH RECURSIVE _pool_limit_search AS (
        SELECT 0 AS step, id, model, curve, is_lower, from_floor, open, c, lower AS x, NULL::DOUBLE AS x1,
            NULL::DOUBLE AS f1, upper AS x2, NULL::DOUBLE AS f2, NULL::DOUBLE AS x3, NULL::DOUBLE AS f3,
            NULL::DOUBLE AS result
        FROM query_table(cells)
        UNION ALL
        SELECT step + 1, id, model, curve, is_lower, from_floor, open, c,
            CASE
                WHEN step = 0 THEN x2
                ELSE x1 + (x2 - x1) * _pool_share(x1, f1, x2, f2, x3, f3, (f1 - f2) / (f3 - f2),
                    (x1 - x2) / (x3 - x2), _pool_tolerance(x1, f1, x2, f2) / 2 / abs(x2 - x1))
            END,
            x1, f1, x2, f2, x3, f3,
            CASE
                WHEN CASE step WHEN 0 THEN f1 >= 0 WHEN 200 THEN true
                    ELSE step = 1 AND f1 < 0 OR _pool_is_closed(x1, f1, x2, f2) END
                    THEN CASE WHEN x1 <= curve.floor THEN 0.0 ELSE x1 * coalesce(curve.scale, sigma2) END
            END
        FROM (
            SELECT step, id, model, curve, is_lower, from_floor, open, c, sigma2, x AS x1, rise AS f1,
                CASE WHEN step = 0 OR (rise < 0) = (f1 < 0) THEN x2 ELSE x1 END AS x2,
                CASE WHEN step = 0 OR (rise < 0) = (f1 < 0) THEN f2 ELSE f1 END AS f2,
                CASE WHEN (rise < 0) = (f1 < 0) THEN x1 ELSE x2 END AS x3,
                CASE WHEN (rise < 0) = (f1 < 0) THEN f1 ELSE f2 END AS f3
            FROM _pool_limit_rises('_pool_limit_search', classes, restricted)
            WHERE CASE step WHEN 0 THEN rise < 0 OR from_floor WHEN 1 THEN rise >= 0 OR open ELSE true END
        )
    )
    SELECT 8 * model + CASE WHEN is_lower THEN 6 ELSE 7 END AS id, result
    FROM _pool_limit_search WHERE result IS NOT NULL;

-- The limits of tau2. id is 8 times the model, plus 6 for the lower and 7 for the upper limit.
CREATE OR REPLACE MACRO _pool_limits(closed_forms, tails, moved, sigma2, method, limits) AS TABLE
    WITH none AS (SELECT NULL::BIGINT AS id, NULL::DOUBLE AS result WHERE false),
    q AS (FROM _pool_cells_by_q(closed_forms, tails)),
    profile AS (FROM _pool_cells_by_profile(closed_forms)),
    either AS (FROM q UNION ALL FROM profile),
    cells AS (FROM query_table(_pool_kind_of_limits(sigma2, method, limits))),
    roots AS (FROM _pool_limits_in('cells', moved, _pool_is_restricted(method)))
    FROM query_table(CASE WHEN _pool_kind_of_limits(sigma2, method, limits) = 'none' THEN 'none' ELSE 'roots' END);
