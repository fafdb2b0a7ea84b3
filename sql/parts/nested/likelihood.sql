-- ---------------------------------------------------------------------------------------------------------------------
-- -2 log L of nested levels at given variances, with its derivatives, by formulas/nodes.py.
-- ---------------------------------------------------------------------------------------------------------------------

-- Sums over the leaves of each node at the variances of a point: a of rows, b of the inner level, and t of the outer
-- one. Deviations are from the centre of the node.
CREATE OR REPLACE MACRO _pool_nested_sums(points, scaled) AS TABLE
    SELECT id, any_value(a) AS a, any_value(b) AS b, any_value(t) AS t, any_value(centre) AS centre, sum(k) AS s0,
        sum(k1) AS s1, sum(k2) AS s2, sum(k3) AS s3, sum(k1 * d) AS d1, sum(k2 * d) AS d2, sum(k3 * d) AS d3,
        sum(k1 * square) AS e1, sum(k2 * square) AS e2, sum(k3 * square) AS e3, sum(k * ln(v)) AS logs
    FROM (
        SELECT id, node, a, b, t, centre, k, d, d * d + spread AS square, a * u + b AS v, k / v AS k1, k1 / v AS k2,
            k2 / v AS k3
        FROM (SELECT id, model, x1 * x1 AS a, x2 * x2 AS b, x3 * x3 AS t FROM query_table(points))
            JOIN query_table(scaled) USING (model)
    )
    GROUP BY id, node;

-- The nodes of each point with the most likely mu, and W, the sum of their precisions w about it. `share` is 1 / W for
-- the restricted likelihood, else 0. r1 is w times the deviation of the node from mu; q1 to q3 and r2 are about the
-- node's estimate. They are 0 for the part of -2 log L that depends on the variances alone.
CREATE OR REPLACE MACRO _pool_nested_nodes_at(sums, restricted, of_values) AS TABLE
    WITH weighed AS (
        SELECT *, 1 / (1 + t * s1) AS kappa, s1 / (1 + t * s1) AS w, centre + d1 / s1 AS y FROM query_table(sums)
    ),
    about AS (
        SELECT *, sum(w) OVER (PARTITION BY id) AS total, sum(w * y) OVER (PARTITION BY id) / total AS mu,
            kappa * (mu - centre) + t * w * (d1 / s1) AS x
        FROM weighed
    )
    SELECT id, a, b, t, s0, s1, s2, s3, logs, kappa, w, total, mu,
        CASE WHEN restricted THEN 1 / total ELSE 0.0 END AS share,
        CASE WHEN of_values THEN w * (y - mu) ELSE 0.0 END AS r1,
        CASE WHEN of_values THEN d2 - x * s2 ELSE 0.0 END AS r2,
        CASE WHEN of_values THEN _pool_line_squares_about(s1, d1, e1, x) ELSE 0.0 END AS q1,
        CASE WHEN of_values THEN _pool_line_squares_about(s2, d2, e2, x) ELSE 0.0 END AS q2,
        CASE WHEN of_values THEN _pool_line_squares_about(s3, d3, e3, x) ELSE 0.0 END AS q3
    FROM about;

-- The nodes with their sums for derivatives by a: p has a factor w u more than s.
CREATE OR REPLACE MACRO _pool_nested_factors(nodes) AS TABLE
    SELECT *, _pool_node_by_sigma2(s0, s1, b, a) AS o1, _pool_node_by_sigma2_twice(s0, s1, s2, b, a) AS o2,
        _pool_node_by_sigma2(s1, s2, b, a) AS p1, _pool_node_by_sigma2(s2, s3, b, a) AS p2,
        _pool_node_by_sigma2_twice(s1, s2, s3, b, a) AS p3, _pool_node_by_sigma2(q1, q2, b, a) AS p1q,
        _pool_node_by_sigma2(q2, q3, b, a) AS p2q, _pool_node_by_sigma2_twice(q1, q2, q3, b, a) AS p3q,
        _pool_node_by_sigma2(r1, r2, b, a) AS p1r
    FROM query_table(nodes);

-- The points with -2 log L, without the constant of its number of values and without the rows within leaves, and its
-- slopes and bends by a, b and t; with of_values := false, the part that depends on the variances alone.
CREATE OR REPLACE MACRO _pool_nested_likelihood(points, scaled, restricted, of_values) AS TABLE
    WITH sums AS (FROM _pool_nested_sums(points, scaled)),
    nodes_at AS (FROM _pool_nested_nodes_at('sums', restricted, of_values)),
    factors AS (FROM _pool_nested_factors('nodes_at')),
    totals AS (
        SELECT id, any_value(total) AS total, any_value(mu) AS mu, sum(logs - ln(kappa) + q1 + t * r1 * r1) AS value,
            sum(_pool_node_slope(o1, p1, p1q, t, kappa, share)) AS slope1,
            sum(_pool_node_slope(s1, s2, q2, t, kappa, share)) AS slope2,
            sum(w - w * w * share - r1 * r1) AS slope3,
            sum(_pool_node_bend(o2, p3, p1, p1, p3q, p1r, p1r, t, kappa, share)) AS bend11,
            sum(_pool_node_bend(p1, p2, p1, s2, p2q, p1r, r2, t, kappa, share)) AS bend12,
            sum(_pool_node_bend_by_outer(p1, p1r, r1, w, kappa, share)) AS bend13,
            sum(_pool_node_bend(s2, s3, s2, s2, q3, r2, r2, t, kappa, share)) AS bend22,
            sum(_pool_node_bend_by_outer(s2, r2, r1, w, kappa, share)) AS bend23,
            sum(_pool_node_bend_by_outer(s1 * s1, s1 * r1, r1, w, kappa, share)) AS bend33,
            sum(kappa * kappa * p1) AS w1, sum(kappa * kappa * s2) AS w2, sum(w * w) AS w3,
            sum(kappa * p1r) AS g1, sum(kappa * r2) AS g2, sum(w * r1) AS g3
        FROM factors GROUP BY id
    )
    SELECT id, total, mu, value + CASE WHEN restricted THEN ln(total) ELSE 0.0 END AS value, slope1, slope2, slope3,
        _pool_node_profiled(bend11, w1, w1, g1, g1, total, restricted::INTEGER) AS bend11,
        _pool_node_profiled(bend12, w1, w2, g1, g2, total, restricted::INTEGER) AS bend12,
        _pool_node_profiled(bend13, w1, w3, g1, g3, total, restricted::INTEGER) AS bend13,
        _pool_node_profiled(bend22, w2, w2, g2, g2, total, restricted::INTEGER) AS bend22,
        _pool_node_profiled(bend23, w2, w3, g2, g3, total, restricted::INTEGER) AS bend23,
        _pool_node_profiled(bend33, w3, w3, g3, g3, total, restricted::INTEGER) AS bend33
    FROM totals;
