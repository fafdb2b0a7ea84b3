-- ---------------------------------------------------------------------------------------------------------------------
-- The interval of tau2.
-- ---------------------------------------------------------------------------------------------------------------------

-- Searches for both ends by the quantiles of Q, in the units of the search: rho where sigma2 is estimated jointly.
CREATE OR REPLACE MACRO _pool_cells_by_q(closed_forms, tails) AS TABLE
    SELECT 8 * id AS id, model, n, ssw, jointly, known,
        df * exp(result) * CASE WHEN jointly THEN pooled ELSE 1.0 END AS expected, umin, at_umin, j,
        CASE WHEN id % 8 = 4 THEN -2.0 ELSE 2.0 END AS side, coalesce(known, 0.0) AS c,
        NULL::DOUBLE AS x3, NULL::DOUBLE AS f3, 'floor' AS below, 'open' AS beyond, floor AS lower,
        CASE WHEN plain_squares = 0 THEN 1.0 ELSE 1.001 * plain_squares / expected END AS upper
    FROM query_table(closed_forms) JOIN query_table(tails) ON model = id // 8 AND id % 8 >= 4;

-- Searches for both ends where the profile deviance has risen by the quantile of chi-square with 1 degree of freedom:
-- one cell below the minimum, many cells of equal ratio above. The search uses log(1 / w + rho) in place of log(1 + w
-- rho). It starts at the mean of exact groups.
CREATE OR REPLACE MACRO _pool_cells_by_profile(closed_forms) AS TABLE
    SELECT 64 * model + i AS id, model, n, ssw, jointly, known, expected, umin, at_umin, j,
        CASE WHEN i = 0 THEN -1.0 ELSE 1.0 END AS side, c, NULL::DOUBLE AS x3, NULL::DOUBLE AS f3,
        CASE WHEN i > 0 THEN 'nothing' ELSE 'floor' END AS below,
        CASE WHEN i IN (0, 40) THEN 'open' ELSE 'nothing' END AS beyond,
        CASE WHEN i <= 1 THEN floor ELSE step * 8.0 ** (i - 2) END AS lower,
        CASE WHEN i = 0 THEN best ELSE step * 8.0 ** (i - 1) END AS upper
    FROM (
        SELECT model, n, ssw, jointly, known, umin, at_umin, j, floor, best,
            at_best - CASE WHEN jointly THEN logs_of_w ELSE 0.0 END + normal_reach * normal_reach AS expected,
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

-- The limits of tau2. id is 8 times the model, plus 6 for the lower and 7 for the upper limit.
CREATE OR REPLACE MACRO _pool_limits(closed_forms, tails, moved, sigma2, method, limits) AS TABLE
    WITH none AS (SELECT NULL::BIGINT AS id, NULL::DOUBLE AS result WHERE false),
    by_q AS (FROM _pool_cells_by_q(closed_forms, tails)),
    by_profile AS (FROM _pool_cells_by_profile(closed_forms)),
    by_either AS (FROM by_q UNION ALL FROM by_profile),
    cells AS (
        FROM query_table(CASE _pool_kind_of_limits(sigma2, method, limits)
            WHEN 'q' THEN 'by_q' WHEN 'profile' THEN 'by_profile' ELSE 'by_either' END)
    ),
    either AS (
        SELECT 8 * model + CASE WHEN side < 0 THEN 6 ELSE 7 END AS id,
            CASE
                WHEN f.x <= floor THEN 0.0
                WHEN NOT jointly THEN f.x
                WHEN abs(side) = 2 THEN f.x * pooled
                ELSE f.x * f.hd2
            END AS result
        FROM _pool_minima('cells', moved, CASE _pool_kind_of_limits(sigma2, method, limits)
            WHEN 'q' THEN 'q'
            ELSE CASE WHEN _pool_is_restricted(method) THEN 'restricted level' ELSE 'level' END END)
        AS f
        JOIN (SELECT model, floor, jointly, pooled FROM query_table(closed_forms)) USING (model)
    )
    FROM query_table(CASE WHEN _pool_kind_of_limits(sigma2, method, limits) = 'none' THEN 'none' ELSE 'either' END);
