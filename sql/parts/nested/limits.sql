-- ---------------------------------------------------------------------------------------------------------------------
-- Limits of both tau2 by the profile likelihood: where -2 log L has risen by a quantile.
--
-- One standard deviation is held at a distance t from its estimate, and a search as in fit.sql finds the minimum over
-- the other variances. The square root of its rise is nearly a straight line in t, so that a secant finds the root.
-- ---------------------------------------------------------------------------------------------------------------------

-- A standard deviation at the start of a search: derivatives vanish at 0, so it begins a little above.
CREATE OR REPLACE MACRO _pool_nested_aside(x, free) AS CASE WHEN free > 0 THEN greatest(abs(x), 0.01) ELSE x END;

-- The first points of the searches below the estimate (side -1) and above it. Below, -2 log L has risen enough at 0.
-- The first distance is that of a normal estimate of tau2.
CREATE OR REPLACE MACRO _pool_nested_bounds(tested, level) AS TABLE
    SELECT 4 * model + 2 * depth + (side = 1)::INTEGER AS id, model, 3 - depth AS kind, depth, side, best,
        size, free1, free2 * (2 - depth) AS free2,
        free3 * (depth - 1) AS free3, abs(x) AS centre, best.value AS lowest, _pool_quantile AS enough,
        CASE WHEN side = 1 THEN first ELSE least(first, abs(x)) END AS t, 0.0::DOUBLE AS last_t,
        -_pool_quantile AS last_short, 0.0::DOUBLE AS low, CASE WHEN side = -1 THEN abs(x) END AS high
    FROM (
        SELECT *, sqrt(x * x + _pool_quantile * coalesce(error, 1.0)) - abs(x) AS first
        FROM query_table(tested), _pool_quantile_of(level)
        WHERE estimated AND bounded AND NOT exact
    ), (SELECT unnest([-1, 1]) AS side)
    WHERE side = 1 OR lrt_ > _pool_quantile * _pool_quantile;

-- The searches after one more evaluation. Where one has ended, its distance moves to the root of the secant through the
-- last two points, or into the middle of the distances that enclose the root.
CREATE OR REPLACE MACRO _pool_nested_enclosed(search, scaled, started, restricted) AS TABLE
    WITH advanced AS (
        SELECT s.*, l.depth, l.side, l.centre, l.lowest, l.enough, l.t, l.last_t, l.last_short, l.low, l.high, l.round,
            s.phase = 'done' AS arrived, sqrt(greatest(s.best.value - l.lowest, 0.0)) - l.enough AS short,
            CASE WHEN arrived AND short < 0 THEN l.t ELSE l.low END AS next_low,
            CASE WHEN arrived AND short >= 0 THEN l.t ELSE l.high END AS next_high,
            l.t - short * ((l.t - l.last_t) / (short - l.last_short)) AS secant,
            abs(secant - l.t) <= 1e-8 * (l.centre + l.t) AS close
        FROM _pool_nested_next(search, scaled, started, restricted, 1e-7) AS s JOIN query_table(search) AS l USING (id)
    ),
    placed AS (
        SELECT *, CASE
                WHEN NOT arrived THEN t
                WHEN close OR secant > next_low AND secant < coalesce(next_high, 10 * t) THEN secant
                ELSE coalesce((next_low + next_high) / 2, 4 * t)
            END AS next_t
        FROM advanced
    )
    SELECT CASE WHEN arrived THEN 0 ELSE step END AS step,
        CASE WHEN NOT arrived THEN phase WHEN close THEN 'found' ELSE 'start' END AS phase, id, model, kind, size,
        free1, free2, free3, CASE WHEN arrived THEN _pool_nested_aside(best.x1, free1) ELSE x1 END AS x1,
        CASE WHEN NOT arrived THEN x2 WHEN kind = 1 THEN centre + side * next_t
            ELSE _pool_nested_aside(best.x2, free2) END AS x2,
        CASE WHEN NOT arrived THEN x3 WHEN kind = 2 THEN centre + side * next_t
            ELSE _pool_nested_aside(best.x3, free3) END AS x3,
        CASE WHEN arrived THEN 1.0 ELSE radius END AS radius, length, predicted, best, depth, side, centre, lowest,
        enough, next_t AS t, CASE WHEN arrived THEN t ELSE last_t END AS last_t,
        CASE WHEN arrived THEN short ELSE last_short END AS last_short, next_low AS low, next_high AS high,
        round + arrived::INTEGER AS round
    FROM placed;

-- The limits by model and level, in the unit of the model.
CREATE OR REPLACE MACRO _pool_nested_limits(tested, scaled, started, level, restricted) AS TABLE
    WITH RECURSIVE bounds AS (FROM _pool_nested_bounds(tested, level)),
    _pool_nested_bounding AS (
        SELECT 0 AS step, 'start' AS phase, id, model, kind, size, free1, free2, free3,
            _pool_nested_aside(best.x1, free1) AS x1,
            CASE WHEN kind = 1 THEN centre + side * t ELSE _pool_nested_aside(best.x2, free2) END AS x2,
            CASE WHEN kind = 2 THEN centre + side * t ELSE _pool_nested_aside(best.x3, free3) END AS x3,
            1.0::DOUBLE AS radius, 0.0::DOUBLE AS length, 0.0::DOUBLE AS predicted, best, depth, side, centre, lowest,
            enough, t, last_t, last_short, low, high, 0 AS round
        FROM bounds
        UNION ALL
        FROM _pool_nested_enclosed('_pool_nested_bounding', scaled, started, restricted) WHERE round < 100
    )
    SELECT model, depth, max(pow(centre + side * t, 2)) FILTER (side = -1) AS lower_,
        max(pow(centre + side * t, 2)) FILTER (side = 1) AS upper_
    FROM _pool_nested_bounding WHERE phase = 'found'
    GROUP BY model, depth;
