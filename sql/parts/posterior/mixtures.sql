-- ---------------------------------------------------------------------------------------------------------------------
-- Mixtures of normals over the nodes of tau.
--
-- At a node of tau (quadrature.sql) all distributions are normal, so mu, the mean of a group and the mean of a new
-- group are mixtures of normals over the nodes of their model. An item is one of these quantities. y, less the pivot,
-- and v are the mean of a group and its sampling variance; v is infinite for a new group, and `varies` is 0 for mu.
-- `extra` is the variance that a prediction adds.
-- ---------------------------------------------------------------------------------------------------------------------

-- The normal of each pending item at each node: weight p, mean m and standard deviation s.
CREATE OR REPLACE MACRO _pool_parts(items, nodes) AS TABLE
    SELECT * EXCLUDE (pooling, mu_, variance),
        CASE WHEN y IS NULL OR isinf(v) THEN mu_ ELSE y - pooling * (y - mu_) END AS m,
        sqrt(CASE WHEN v = 0 THEN 0.0 ELSE varies * tau * tau * pooling + pooling * pooling * variance END + extra) AS s
    FROM (
        SELECT i.*, p, tau, mu_, variance, pool_pooling(tau * tau, v) AS pooling
        FROM query_table(items) AS i JOIN query_table(nodes) USING (model)
        WHERE pending
    );

-- P(X <= z) of the standard normal distribution; `far` is |z|, at most 40, a column because each mention is planned.
CREATE OR REPLACE MACRO _pool_normal_below(z, far) AS
    abs((z > 0e0)::DOUBLE - _pool_normal_tail(far));

-- Mean and variance of each item, its weight, its typical and widest sd, and the probability of more than `beyond`.
CREATE OR REPLACE MACRO _pool_mixed(items, nodes) AS TABLE
    WITH means AS MATERIALIZED (
        SELECT id, sum(p * m) AS mean_, sum(p * pool_weight(tau * tau, v)) AS weight_,
            exp(sum(p * ln(greatest(s, 1e-300))) / sum(p)) AS typical, max(s) AS widest
        FROM _pool_parts(items, nodes) GROUP BY id
    )
    SELECT id, any_value(mean_) AS mean_, any_value(weight_) AS weight_, any_value(typical) AS typical,
        any_value(widest) AS widest, sum(p * (s * s + (m - mean_) * (m - mean_))) AS variance_,
        sum(p * CASE WHEN s > 0 THEN _pool_normal_below(z, far) WHEN m > beyond THEN 1.0 ELSE 0.0 END) AS above
    FROM (
        SELECT *, least(abs(z), 40e0) AS far
        FROM (
            SELECT *, CASE WHEN s > 0 THEN (m - beyond) / s END AS z
            FROM _pool_parts(items, nodes) JOIN means USING (id)
        )
    )
    GROUP BY id;

-- Tail and density of items at their x; with side = -1 it is the upper tail, at -x.
CREATE OR REPLACE MACRO _pool_tails(items, nodes) AS TABLE
    SELECT id, side, target, sum(p * _pool_normal_below(z, far)) AS tail,
        sum(p * phi / s) AS density_, -sum(p * phi * z / (s * s)) AS bend
    FROM (
        SELECT *, pool_normal_density(z) AS phi, least(abs(z), 40e0) AS far
        FROM (
            SELECT id, side, target, p, greatest(s, 1e-300) AS s, (x - side * m) / greatest(s, 1e-300) AS z
            FROM _pool_parts(items, nodes)
        )
    )
    GROUP BY id, side, target;

-- Quantiles of items: for each row (target, side, reach), the x with probability `target` below it, or above it where
-- side = -1. `reach` is the normal quantile of the target. Newton's method from the inner side, within a bracket.
CREATE OR REPLACE MACRO _pool_mixture_quantiles(items, nodes, mixed, targets) AS TABLE
    WITH RECURSIVE _pool_place AS (
        SELECT id, model, y, v, extra, varies, target, side, typical, side * mean_ AS centre,
            side * mean_ + reach * typical AS x, '-infinity'::DOUBLE AS low, 'infinity'::DOUBLE AS high, 0 AS step,
            widest > 0 AS pending
        FROM query_table(items) JOIN query_table(mixed) USING (id), query_table(targets)
        UNION ALL
        SELECT id, model, y, v, extra, varies, target, side, typical, centre,
            CASE
                WHEN near OR moved > low AND moved < high THEN moved
                -- half way by the order of the distance
                ELSE centre
                    + typical * sinh((asinh((low - centre) / typical) + asinh((high - centre) / typical)) / 2)
            END,
            low, high, step + 1,
            NOT (near OR step >= 100 OR high - low <= 1e-15 * (typical + abs(x)))
        FROM (
            SELECT *, abs(excess) <= 1e-9 * target OR abs(moved - x) <= 1e-14 * typical + 4e-16 * abs(x) AS near
            FROM (
                SELECT * REPLACE (CASE WHEN excess <= 0 THEN x ELSE low END AS low,
                        CASE WHEN excess >= 0 THEN x ELSE high END AS high),
                    x - CASE WHEN excess = 0 THEN 0.0 ELSE far * greatest(-1.0, least(1.0, excess / density_ / far)) END
                        AS moved
                FROM (
                    SELECT *, tail - target AS excess, 4 * (typical + abs(x - centre)) AS far
                    FROM _pool_place JOIN _pool_tails('_pool_place', nodes) USING (id, side, target)
                    WHERE pending
                )
            )
        )
    )
    SELECT id, side, target, side * x AS x FROM _pool_place WHERE NOT pending;

-- The central interval of items and, starting from it, the shortest one, whose ends have equal densities: Newton's
-- method on the tails and the logarithms of the densities.
CREATE OR REPLACE MACRO _pool_central(items, nodes, mixed, level) AS TABLE
    WITH targets AS (
        SELECT (1 - _pool_number(level)) / 2 AS target, unnest([1.0, -1.0]) AS side, -_pool_quantile AS reach
        FROM _pool_quantile_of(level)
    ),
    quantiles AS (FROM _pool_mixture_quantiles(items, nodes, mixed, 'targets'))
    SELECT id, max(x) FILTER (side > 0) AS lower_, max(x) FILTER (side < 0) AS upper_ FROM quantiles GROUP BY id;

CREATE OR REPLACE MACRO _pool_shortest(items, nodes, mixed, level) AS TABLE
    WITH RECURSIVE _pool_begin AS MATERIALIZED (FROM _pool_central(items, nodes, mixed, level)),
    _pool_end AS (
        SELECT id, model, y, v, extra, varies, side, 0.0 AS target,
            side * CASE WHEN side > 0 THEN lower_ ELSE upper_ END AS x, 0 AS step, upper_ > lower_ AS pending
        FROM query_table(items) JOIN _pool_begin USING (id), (VALUES (1.0), (-1.0)) AS sides(side)
        UNION ALL
        SELECT id, model, y, v, extra, varies, side, target, x + move, step + 1,
            NOT (step >= 60 OR largest <= 1e-9 * (1 - _pool_number(level)) / density_)
        FROM (
            SELECT *, greatest(-wide / 4, least(wide / 4, CASE WHEN side > 0 THEN by_low ELSE by_high END)) AS move,
                greatest(abs(by_low), abs(by_high)) AS largest
            FROM (
                SELECT *, high_x - low_x AS wide,
                    -(excess * high_slope + apart * high_f) / (low_f * high_slope + high_f * low_slope) AS by_low,
                    -(excess * low_slope - apart * low_f) / (low_f * high_slope + high_f * low_slope) AS by_high
                FROM (
                    SELECT *, sum(tail) OVER pair - (1 - _pool_number(level)) AS excess,
                        max(density_) FILTER (side > 0) OVER pair AS low_f,
                        max(density_) FILTER (side < 0) OVER pair AS high_f,
                        max(bend / density_) FILTER (side > 0) OVER pair AS low_slope,
                        max(bend / density_) FILTER (side < 0) OVER pair AS high_slope,
                        sum(side * ln(density_)) OVER pair AS apart,
                        max(x) FILTER (side > 0) OVER pair AS low_x, -max(x) FILTER (side < 0) OVER pair AS high_x
                    FROM _pool_end JOIN _pool_tails('_pool_end', nodes) USING (id, side, target)
                    WHERE pending
                    WINDOW pair AS (PARTITION BY id)
                )
            )
        )
    )
    SELECT id, max(side * x) FILTER (side > 0) AS lower_, max(side * x) FILTER (side < 0) AS upper_
    FROM _pool_end WHERE NOT pending GROUP BY id;
