-- ---------------------------------------------------------------------------------------------------------------------
-- Mixtures of normals over the nodes of tau.
--
-- At a node of tau (quadrature.sql) all distributions are normal, so mu, the mean of a group and the mean of a new
-- group are mixtures of normals over the nodes of their model. An item is one of these quantities. y, less the pivot,
-- and v are the mean of a group and its sampling variance; v is infinite for a new group, and `varies` is 0 for mu.
-- `extra` is the variance that a prediction adds.
--
-- What is computed once per item is a sum over the nodes of its model as a list: without a GROUP BY of items times
-- nodes it takes less time and memory. The steps of a search are such a GROUP BY, whose columns are faster than lists.
-- ---------------------------------------------------------------------------------------------------------------------

-- Mean and standard deviation of an item at a node.
CREATE OR REPLACE MACRO _pool_mean_at(y, v, mu_, pooling) AS
    CASE WHEN y IS NULL OR isinf(v) THEN mu_ ELSE y - pooling * (y - mu_) END;
CREATE OR REPLACE MACRO _pool_sd_at(v, varies, extra, tau2, variance, pooling) AS
    sqrt(CASE WHEN v = 0 THEN 0.0 ELSE varies * tau2 * pooling + pooling * pooling * variance END + extra);

-- One row per model: its nodes, as a list.
CREATE OR REPLACE MACRO _pool_node_lists(nodes) AS TABLE
    SELECT model, list({p: p, tau2: tau * tau, mu: mu_, variance: variance}) AS node_list
    FROM query_table(nodes)
    GROUP BY model;

-- The normal of an item at each node: weight p, mean m and standard deviation s.
CREATE OR REPLACE MACRO _pool_parts(node_list, y, v, varies, extra) AS
    list_transform(
        list_transform(node_list, lambda _n: {p: _n.p, tau2: _n.tau2, mu: _n.mu, variance: _n.variance,
            pooling: pool_pooling(_n.tau2, v)}),
        lambda _n: {p: _n.p, m: _pool_mean_at(y, v, _n.mu, _n.pooling),
            s: _pool_sd_at(v, varies, extra, _n.tau2, _n.variance, _n.pooling)}
    );

-- Items with mean and variance, their weight, their typical and widest sd.
CREATE OR REPLACE MACRO _pool_mixed(items, node_lists) AS TABLE
    SELECT * EXCLUDE (node_list, parts),
        list_sum(list_transform(parts, lambda _c: _c.p * (_c.s * _c.s + (_c.m - mean_) * (_c.m - mean_)))) AS variance_
    FROM (
        SELECT *, list_sum(list_transform(parts, lambda _c: _c.p * _c.m)) AS mean_,
            list_sum(list_transform(node_list, lambda _n: _n.p * pool_weight(_n.tau2, v))) AS weight_,
            exp(list_sum(list_transform(parts, lambda _c: _c.p * ln(greatest(_c.s, 1e-300))))
                / list_sum(list_transform(node_list, lambda _n: _n.p))) AS typical,
            list_max(list_transform(parts, lambda _c: _c.s)) AS widest
        FROM (
            SELECT *, _pool_parts(node_list, y, v, varies, extra) AS parts
            FROM query_table(items) JOIN query_table(node_lists) USING (model)
        )
    );

-- The probability of more than `beyond` of each item.
CREATE OR REPLACE MACRO _pool_exceeding(items, node_lists) AS TABLE
    SELECT id, list_sum(list_transform(parts, lambda _c:
            CASE WHEN _c.s > 0 THEN _c.p * abs((_c.z > 0)::DOUBLE - _pool_normal_tail(_c.far))
                WHEN _c.m > beyond THEN _c.p ELSE 0.0 END)) AS above
    FROM (
        SELECT id, beyond, list_transform(
            list_transform(_pool_parts(node_list, y, v, varies, extra),
                lambda _c: {p: _c.p, m: _c.m, s: _c.s, z: (_c.m - beyond) / _c.s}),
            lambda _c: {p: _c.p, m: _c.m, s: _c.s, z: _c.z, far: least(abs(_c.z), 40e0)}
        ) AS parts
        FROM query_table(items) JOIN query_table(node_lists) USING (model)
    );

-- Tail and density of the pending items at their x, and the slope of the density; with side = -1 the tail is the upper
-- one, at -x. `far` is |z|, at most 40, where nothing is left.
CREATE OR REPLACE MACRO _pool_tails(items, nodes) AS TABLE
    WITH joined AS (
        SELECT id, side, target, x, y, v, varies, extra, p, tau * tau AS tau2, mu_, variance,
            pool_pooling(tau2, v) AS pooling
        FROM query_table(items) JOIN query_table(nodes) USING (model)
        WHERE pending
    ),
    parts AS (
        SELECT id, side, target, x, p, _pool_mean_at(y, v, mu_, pooling) AS m,
            greatest(_pool_sd_at(v, varies, extra, tau2, variance, pooling), 1e-300) AS s
        FROM joined
    ),
    placed AS (SELECT id, side, target, p, s, (x - side * m) / s AS z FROM parts),
    -- a filter that keeps all rows: without it DuckDB writes the steps into each other, and plans each mention again
    limited AS (SELECT *, least(abs(z), 40e0) AS far FROM placed WHERE z IS NOT NULL),
    dense AS (
        SELECT id, side, target, p, s, z, _pool_normal_kernel(far) AS kernel, _pool_normal_mills(far) AS mills
        FROM limited
        WHERE far IS NOT NULL
    )
    SELECT id, side, target, sum(p * abs((z > 0)::DOUBLE - kernel * mills)) AS tail,
        3.98942280401432678e-1 * sum(p * kernel / s) AS density_,
        -3.98942280401432678e-1 * sum(p * kernel * z / (s * s)) AS bend
    FROM dense
    GROUP BY id, side, target;

-- Quantiles of items: for each row (target, side, reach), the x with probability `target` below it, or above it where
-- side = -1. `reach` is the normal quantile of the target. Newton's method from the inner side, within a bracket.
CREATE OR REPLACE MACRO _pool_mixture_quantiles(mixed, nodes, targets) AS TABLE
    WITH RECURSIVE _pool_place AS (
        SELECT id, model, y, v, extra, varies, target, side, typical, side * mean_ AS centre,
            side * mean_ + reach * typical AS x, '-infinity'::DOUBLE AS low, 'infinity'::DOUBLE AS high, 0 AS step,
            widest > 0 AS pending
        FROM query_table(mixed), query_table(targets)
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
                )
            )
        )
    )
    SELECT id, side, target, side * x AS x FROM _pool_place WHERE NOT pending;

-- The central interval of items and, starting from it, the shortest one, whose ends have equal densities: Newton's
-- method on the tails and the logarithms of the densities.
CREATE OR REPLACE MACRO _pool_central(mixed, nodes, level) AS TABLE
    WITH targets AS (
        SELECT (1 - _pool_number(level)) / 2 AS target, unnest([1.0, -1.0]) AS side, -_pool_quantile AS reach
        FROM _pool_quantile_of(level)
    ),
    quantiles AS (FROM _pool_mixture_quantiles(mixed, nodes, 'targets'))
    SELECT id, max(x) FILTER (side > 0) AS lower_, max(x) FILTER (side < 0) AS upper_ FROM quantiles GROUP BY id;

CREATE OR REPLACE MACRO _pool_shortest(mixed, nodes, level) AS TABLE
    WITH RECURSIVE _pool_begin AS MATERIALIZED (FROM _pool_central(mixed, nodes, level)),
    _pool_end AS (
        SELECT id, model, y, v, extra, varies, side, 0.0 AS target,
            side * CASE WHEN side > 0 THEN lower_ ELSE upper_ END AS x, 0 AS step, upper_ > lower_ AS pending
        FROM query_table(mixed) JOIN _pool_begin USING (id), (VALUES (1.0), (-1.0)) AS sides(side)
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
                    WINDOW pair AS (PARTITION BY id)
                )
            )
        )
    )
    SELECT id, max(side * x) FILTER (side > 0) AS lower_, max(side * x) FILTER (side < 0) AS upper_
    FROM _pool_end WHERE NOT pending GROUP BY id;
