-- ---------------------------------------------------------------------------------------------------------------------
-- Roots and maxima: the estimators of tau2 that have no closed form, for all models at once.
--
-- Each is a point where a slope rises through 0: the slope of the deviance (-2 log likelihood, or the leave-one-out
-- error), or Q less its expectation. A likelihood can have two maxima: a grid brackets every minimum of the deviance, a
-- search closes in on each to 1e-13, and the deepest is the estimate. x is tau2, or rho = tau2 / sigma2 where both are
-- estimated jointly.
-- ---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE MACRO _pool_larger(a, b) AS CASE WHEN a > b THEN a ELSE b END;

-- The floor, `steps` steps of equal ratio from low to last, and high.
CREATE OR REPLACE MACRO _pool_point(i, floor, low, last, high, steps, points) AS
    CASE WHEN i = 0 THEN floor WHEN i = points THEN high ELSE low * (last / low) ** ((i - 1) / steps) END;

-- The cells between the points, each with the statistics of its model, and with what follows where the deviance rises
-- from its lower end, or falls to its upper end. From `bend` on, where there is one minimum at most, there is one cell.
-- There the slope is nearly a straight line through f3 at x3, below. A search in a cell of the grid begins at its upper
-- end, because the deviance falls there in most of them.
CREATE OR REPLACE MACRO _pool_cells(facts, method) AS TABLE
    SELECT model * 1000 + i AS id, model, n, ssw, jointly, known, expected, umin, at_umin, j, 1.0::DOUBLE AS side,
        coalesce(known, y_at_umin) AS c, x3, CASE WHEN bend < high AND i = points - 1 THEN f3 END AS f3,
        CASE WHEN i > 0 THEN 'nothing' WHEN pole THEN 'pole' ELSE 'floor' END AS below,
        CASE WHEN i < points - 1 THEN 'nothing' ELSE 'open' END AS beyond,
        _pool_point(i + (i > 0 AND i < points - 1)::INTEGER, floor, low, last, high, steps, points) AS from_x,
        _pool_point(i + (i = 0 OR i = points - 1)::INTEGER, floor, low, last, high, steps, points) AS to_x
    FROM (
        SELECT *, unnest(range(0, points)) AS i
        FROM (
            SELECT *, CASE WHEN bend < high THEN greatest(bend, low) ELSE high END AS last,
                1 + least(ceil(2 * log10(last / low)), 100)::BIGINT AS steps,
                CASE WHEN low >= high OR bend <= 0 THEN 1 WHEN bend < high THEN steps + 2 ELSE steps + 1 END AS points
            FROM _pool_bounds(facts, method)
        )
    );

-- ---- a slope at the points x of a search ----------------------------------------------------------------------------
-- h = 1 / (u + x), where u is v, or v / sigma2 = 1 / w where sigma2 and tau2 are estimated jointly. Squares are summed
-- about c and moved to mu after: sum(h (y - mu)^2) = sum(h d^2) - 2 delta sum(h d) + delta^2 sum(h), d = y - c, delta =
-- mu - c. A search begins at the mean of the most precise groups, where large h lose no digits, and hands on its mu as
-- the next c, so that delta goes to 0 as x settles.

CREATE OR REPLACE MACRO _pool_moved_square(d2, d, one, delta) AS d2 - 2 * delta * d + delta * delta * one;

-- At each point, by its id, the sums over the classes of its model. The groups of the least u are `at_umin` with the
-- largest h, `top`: sum(h) = at_umin * top + rest, sum(h^2) = at_umin * top^2 + rest2.
CREATE OR REPLACE MACRO _pool_sums_at(search, classes) AS TABLE
    SELECT id, sum(k * h * d) AS hd, sum(k * h * h * d) AS h2d, sum(k * h * (d * d + spread)) AS hd2,
        sum(k * h * h * (d * d + spread)) AS h2d2, sum(k * pool_log_variance(u, x)) AS logs,
        sum(CASE WHEN u > umin THEN k * h ELSE 0.0 END) AS rest,
        sum(CASE WHEN u > umin THEN k * h * h ELSE 0.0 END) AS rest2
    FROM (
        SELECT id, x, umin, k, u, spread, y - c AS d, pool_precision(u, x) AS h
        FROM (SELECT id, model, x, c, umin FROM query_table(search) WHERE phase IN ('low', 'up', 'between'))
        JOIN (SELECT model, k, y, spread, u FROM query_table(classes)) USING (model)
    )
    GROUP BY id;

-- The points with their sums about mu = c + delta; `others` is the sum of h without one group of the least u.
CREATE OR REPLACE MACRO _pool_about(search, classes) AS TABLE
    SELECT step, phase, id, model, n, ssw, jointly, known, expected, umin, at_umin, j, side, c, below, beyond, x,
        x1, f1, x2, f2, x3, f3, s1, s2, hd, h2d, logs, delta, pool_pairs(at_umin, top, rest, rest2) AS pairs,
        (at_umin - 1) * top + rest AS others, _pool_moved_square(hd2, hd, s1, delta) AS hd2,
        _pool_moved_square(h2d2, h2d, s2, delta) AS h2d2
    FROM (
        SELECT *, pool_precision(umin, x) AS top, at_umin * top + rest AS s1, at_umin * top * top + rest2 AS s2,
            CASE WHEN known IS NULL THEN hd / s1 ELSE known - c END AS delta
        FROM (SELECT * EXCLUDE (deviance, hd2) FROM query_table(search)) JOIN (
            FROM _pool_sums_at(search, classes)
        ) USING (id)
    );

-- ---- sums of one term per group -------------------------------------------------------------------------------------

-- The groups at each point.
CREATE OR REPLACE MACRO _pool_at_points(about, classes) AS TABLE
    SELECT id, x, known, k, n, y, spread, squares, u
    FROM (SELECT id, model, x, known FROM query_table(about))
    JOIN (SELECT model, k, n, y, spread, squares, u FROM query_table(classes)) USING (model);

-- The groups with deviations from the mu of the search. The weight of a group in a known mu is 0.
CREATE OR REPLACE MACRO _pool_about_gls_mean(about, classes) AS TABLE
    SELECT id, k, n, squares, u, x, y - mu AS d, (y - mu) * (y - mu) + spread AS d2, s, s2, mu_slope
    FROM (
        SELECT id, model, x, coalesce(known, c + hd / s1) AS mu,
            CASE WHEN known IS NULL THEN s1 ELSE 'infinity'::DOUBLE END AS s,
            CASE WHEN known IS NULL THEN s2 ELSE 0.0 END AS s2,
            CASE WHEN known IS NULL THEN -(h2d - hd / s1 * s2) / s1 ELSE 0.0 END AS mu_slope
        FROM query_table(about)
    )
    JOIN query_table(classes) USING (model);

-- The groups with deviations from the mean with weights `counted`; from any mean where all weights are 0.
CREATE OR REPLACE MACRO _pool_about_own_mean(groups) AS TABLE
    WITH sums AS (
        SELECT id, any_value(known) AS fixed, sum(k * counted) AS s1, sum(k * counted * counted) AS s2,
            sum(k * counted * y) AS sy, sum(k * counted * counted * y) AS s2y
        FROM query_table(groups) GROUP BY id
    ),
    centres AS (
        SELECT id, coalesce(fixed, sy / NULLIF(s1, 0), 0.0) AS mu,
            CASE WHEN fixed IS NULL THEN s1 ELSE 'infinity'::DOUBLE END AS s,
            CASE WHEN fixed IS NULL THEN s2 ELSE 0.0 END AS s2,
            CASE WHEN fixed IS NULL THEN -(s2y - sy / s1 * sums.s2) / s1 ELSE 0.0 END AS mu_slope
        FROM sums
    )
    SELECT *, y - mu AS d, (y - mu) * (y - mu) + spread AS d2
    FROM query_table(groups) JOIN centres USING (id);

CREATE OR REPLACE MACRO _pool_sums_of_terms(terms) AS TABLE
    SELECT id, sum(k * slope) AS slope, sum(k * deviance) AS deviance FROM query_table(terms) GROUP BY id;

-- ---- slopes of other searches ---------------------------------------------------------------------------------------

-- The slope whose root is the x with tau2 = x sigma2 equal to `expected`, with sigma2 estimated at x; by the restricted
-- likelihood where `side` is positive. hd2 is sigma2.
CREATE OR REPLACE MACRO _pool_by_tau(about) AS TABLE
    SELECT * EXCLUDE (hd2, sigma2, restricted), sigma2 AS hd2, x * sigma2 - expected AS slope,
        CASE WHEN jointly THEN pool_rows_deviance(ssw, hd2, logs, sigma2, n) ELSE pool_ml_deviance(logs, hd2) END
            + CASE WHEN restricted THEN ln(s1 / sigma2) ELSE 0.0 END AS deviance
    FROM (
        SELECT *, side > 0 AND known IS NULL AS restricted,
            CASE
                WHEN NOT jointly THEN 1.0
                WHEN side > 0 AND known IS NULL
                    THEN pool_reml_variance_at(ssw, hd2 - x * h2d2, j - x * s1, n - j, s1 - x * s2, s1)
                ELSE pool_ml_variance_at(ssw, hd2 - x * h2d2, j - x * s1, n - j)
            END AS sigma2
        FROM query_table(about)
    );

-- The slope by one of these searches, or by the estimator that `method` names.
CREATE OR REPLACE MACRO _pool_evaluated(search, classes, method) AS TABLE
    WITH about AS (FROM _pool_about(search, classes)) FROM _pool_slopes('about', classes, method);

-- ---- the search -----------------------------------------------------------------------------------------------------

-- Chandrupatla (1997): the next point between x1 and x2, as a share of the way from the newest point x1. It comes from
-- inverse quadratic interpolation where that is safe, else it is half way. phi = (f1 - f2) / (f3 - f2), xi = (x1 - x2)
-- / (x3 - x2).
CREATE OR REPLACE MACRO _pool_share(x1, f1, x2, f2, x3, f3, phi, xi, least_share) AS
    CASE
        WHEN phi * phi < xi AND (1 - phi) * (1 - phi) < 1 - xi THEN least(1 - least_share, greatest(least_share,
            f1 / (f1 - f2) * f3 / (f3 - f2) + (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f3 - f2)))
        ELSE 0.5
    END;

-- The next phase of a search: `falls` is whether the deviance falls from this end of the cell to the other, or further
-- beyond the other. A search first evaluates both ends of its cell, or the lower end alone where the slope is nearly a
-- straight line. Where the deviance rises from the floor, the floor is the minimum; where it falls to the end of the
-- grid, the minimum lies beyond. At a pole there is none.
CREATE OR REPLACE MACRO _pool_next_phase(phase, falls, straight, below, beyond) AS
    CASE
        WHEN phase = 'low' THEN CASE WHEN NOT falls THEN below WHEN straight THEN 'between' ELSE 'up' END
        WHEN phase = 'up' AND falls THEN beyond
        ELSE 'between'
    END;

-- Whether a bracket, of the newest point x1 and of x2, is as narrow as its tolerance, or x1 is the root.
CREATE OR REPLACE MACRO _pool_tolerance(x1, f1, x2, f2) AS 1e-13 * abs(CASE WHEN abs(f1) < abs(f2) THEN x1 ELSE x2 END);
CREATE OR REPLACE MACRO _pool_is_closed(x1, f1, x2, f2) AS f1 = 0 OR abs(x2 - x1) <= _pool_tolerance(x1, f1, x2, f2);

-- Every local minimum of every model, to 1e-13 of x, with the deviance and hd2 there, and the phase in which its search
-- ended: one that is still between two points did not settle.
CREATE OR REPLACE MACRO _pool_minima(cells, classes, method) AS TABLE
    WITH RECURSIVE _pool_search AS (
        SELECT 0 AS step, 'low' AS phase, * EXCLUDE (x3, f3, from_x, to_x), from_x AS x, NULL::DOUBLE AS x1,
            NULL::DOUBLE AS f1, to_x AS x2, NULL::DOUBLE AS f2, x3, f3, NULL::DOUBLE AS deviance, NULL::DOUBLE AS hd2
        FROM query_table(cells)
        UNION ALL
        SELECT step + 1,
            CASE WHEN phase = 'between' AND _pool_is_closed(x1, f1, x2, f2) THEN 'minimum' ELSE phase END,
            id, model, n, ssw, jointly, known, expected, umin, at_umin, j, side, c, below, beyond,
            CASE
                WHEN phase = 'up' THEN x2
                WHEN phase <> 'between' OR _pool_is_closed(x1, f1, x2, f2) THEN x1
                ELSE x1 + (x2 - x1) * _pool_share(x1, f1, x2, f2, x3, f3, (f1 - f2) / (f3 - f2),
                    (x1 - x2) / (x3 - x2), _pool_tolerance(x1, f1, x2, f2) / 2 / abs(x2 - x1))
            END,
            x1, f1, x2, f2, x3, f3, deviance, hd2
        FROM (
            SELECT step,
                _pool_next_phase(phase,
                    (slope < 0) = CASE WHEN phase = 'low' THEN coalesce(x2 >= x, true) ELSE f1 < 0 END,
                    f3 IS NOT NULL, below, beyond) AS phase,
                id, model, n, ssw, jointly, known, expected, umin, at_umin, j, side, c + delta AS c, below, beyond,
                x AS x1, slope AS f1,
                CASE WHEN phase = 'low' OR (slope < 0) = (f1 < 0) THEN x2 ELSE x1 END AS x2,
                -- the upper end by the line, which is not evaluated
                CASE
                    WHEN phase = 'low' THEN slope + (slope - f3) / (x - x3) * (x2 - x)
                    WHEN (slope < 0) = (f1 < 0) THEN f2
                    ELSE f1
                END AS f2,
                CASE WHEN phase = 'low' THEN x3 WHEN (slope < 0) = (f1 < 0) THEN x1 ELSE x2 END AS x3,
                CASE WHEN phase = 'low' THEN f3 WHEN (slope < 0) = (f1 < 0) THEN f1 ELSE f2 END AS f3, deviance, hd2
            FROM _pool_evaluated('_pool_search', classes, method)
        )
        WHERE step < 200 AND phase <> 'nothing'
    )
    SELECT id, model, side, x, deviance, hd2, phase
    FROM _pool_search
    WHERE phase IN ('minimum', 'floor', 'pole', 'open') OR step = 200 AND phase = 'between';

-- The deepest minimum of every model, or 0 where it is at the floor; a minimum at a pole only where there is no other.
CREATE OR REPLACE MACRO _pool_by_search(moved, facts, method) AS TABLE
    WITH cells AS (FROM _pool_cells(facts, method)),
    minima AS (
        SELECT model, CASE WHEN phase IN ('floor', 'pole') THEN 0.0 ELSE x END AS x, hd2,
            phase IN ('minimum', 'floor') AS done,
            CASE WHEN phase = 'pole' THEN 'infinity'::DOUBLE ELSE deviance END AS depth
        FROM _pool_minima('cells', moved, method)
    )
    SELECT model, arg_min(x, depth) AS x, arg_min(hd2, depth) AS hd2, arg_min(done, depth) AS done
    FROM minima GROUP BY model;
