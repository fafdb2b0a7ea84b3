-- ---------------------------------------------------------------------------------------------------------------------
-- The search for rho of a regression.
-- ---------------------------------------------------------------------------------------------------------------------

-- The cells of the search. With r, the squares of the groups' means about a line with the slope within groups, the
-- profile rises above the larger of 3 / min(w) and 4 df r / (squares within). For two groups the bound is also at least
-- three times the squares of x between groups over those within. For groups with one row each the profile may fall
-- without end, toward sigma2 = 0.
CREATE OR REPLACE MACRO _pool_line_cells(searched) AS TABLE
    WITH ranges AS (
        SELECT *, 0.01 / wmax AS low,
            CASE WHEN j >= n THEN 1e10 / wmin ELSE
                _pool_larger(_pool_larger(3 / wmin, CASE WHEN j = 2 AND wxx > 0 THEN 3 * bxx / wxx ELSE 0.0 END),
                    4 * df / within * _pool_larger(_pool_line_squares_about(bxx, bxy, byy, bound_slope), 0.0))
                END AS high,
            1 + least(ceil(2 * log10(high / low)), 100)::BIGINT AS points
        FROM query_table(searched)
        WHERE state = 'searched'
    )
    SELECT model * 1000 + i AS id, model, df, wxx, wxy, wyy, 0.0::DOUBLE AS centre_x, 0.0::DOUBLE AS centre_y,
        CASE WHEN i = 0 THEN 'minimum' ELSE 'nothing' END AS below,
        CASE WHEN i < points - 1 THEN 'nothing' ELSE 'open' END AS beyond,
        _pool_point(i, 0.0, low, high, high, points - 1, points) AS lower,
        _pool_point(i + 1, 0.0, low, high, high, points - 1, points) AS upper
    FROM (SELECT *, unnest(range(0, points)) AS i FROM ranges);

-- Every local minimum of every model, as in _pool_minima.
CREATE OR REPLACE MACRO _pool_line_minima(cells, classes, method) AS TABLE
    WITH RECURSIVE _pool_line_search AS (
        SELECT 0 AS step, 'low' AS phase, * EXCLUDE (lower, upper), lower AS rho, NULL::DOUBLE AS x1,
            NULL::DOUBLE AS f1, upper AS x2, NULL::DOUBLE AS f2, NULL::DOUBLE AS x3, NULL::DOUBLE AS f3,
            NULL::DOUBLE AS deviance
        FROM query_table(cells)
        UNION ALL
        SELECT step + 1, CASE WHEN phase = 'between' AND closed THEN 'minimum' ELSE phase END, id, model, df, wxx, wxy,
            wyy, centre_x, centre_y, below, beyond,
            CASE
                WHEN phase = 'up' THEN x2
                WHEN phase = 'between' AND NOT closed
                    THEN x1 + (x2 - x1) * _pool_share(x1, f1, x2, f2, x3, f3, phi, xi, tolerance / 2 / width)
                ELSE rho
            END,
            x1, f1, x2, f2, x3, f3, deviance
        FROM (
            SELECT *, abs(x2 - x1) AS width,
                1e-13 * abs(CASE WHEN abs(f1) < abs(f2) THEN x1 ELSE x2 END) AS tolerance,
                width <= tolerance OR f1 = 0 AS closed,
                (f1 - f2) / (f3 - f2) AS phi, (x1 - x2) / (x3 - x2) AS xi
            FROM (
                SELECT * EXCLUDE (phase, falls, keeps, slope, x1, f1, x2, f2, x3, f3),
                    _pool_next_phase(phase, falls, false, below, beyond) AS phase, rho AS x1, slope AS f1,
                    CASE WHEN keeps THEN x2 ELSE x1 END AS x2,
                    CASE WHEN keeps THEN f2 ELSE f1 END AS f2,
                    CASE WHEN falls = (f1 < 0) THEN x1 ELSE x2 END AS x3,
                    CASE WHEN falls = (f1 < 0) THEN f1 ELSE f2 END AS f3
                FROM (
                    SELECT *, slope < 0 AS falls, phase = 'low' OR falls = (f1 < 0) AS keeps
                    FROM _pool_line_evaluated('_pool_line_search', classes, method)
                )
                WHERE step < 200
            )
            WHERE phase <> 'nothing'
        )
    )
    SELECT model, rho, centre_x, centre_y, deviance, phase = 'minimum' AS done
    FROM _pool_line_search
    WHERE phase IN ('minimum', 'open') OR step = 200 AND phase = 'between';
