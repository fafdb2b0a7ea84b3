-- ---------------------------------------------------------------------------------------------------------------------
-- Two nested levels: leaves, which are the groups by both keys, in outer nodes, which are those by the outer key.
--
-- Keys have private names until the result, _pool_key_outer and _pool_key_inner. A leaf enters the likelihood through
-- its weight w (n without weights, 1 / se^2 of published estimates), so leaves of one node and of equal size are one
-- class.
-- ---------------------------------------------------------------------------------------------------------------------

-- The leaves of any input, with the keys of their levels as one struct each.
CREATE OR REPLACE MACRO _pool_nested_leaves(inputs, plain, weighed) AS TABLE
    SELECT *, struct_pack(*COLUMNS('^_pool_key_outer')) AS _pool_outer,
        struct_pack(*COLUMNS('^_pool_key_inner')) AS _pool_inner
    FROM _pool_groups(inputs, plain, weighed, 'pooled');

-- Classes of leaves: their number k (0 of leaves without rows), the mean and the spread of their means, and the mean of
-- their squares within. An estimate with unknown n counts as one row.
CREATE OR REPLACE MACRO _pool_nested_classes(leaves) AS TABLE
    SELECT COLUMNS('^_pool_(over|key_outer)'), coalesce(_pool_n, 1.0) AS n, _pool_w AS w,
        count(*) FILTER (_pool_w > 0)::DOUBLE AS k, avg(_pool_y) AS y,
        var_pop(_pool_finite(_pool_y)) AS spread, avg(_pool_squares) AS squares,
        count_if(NOT isfinite(_pool_y)) AS odd
    FROM query_table(leaves)
    GROUP BY ALL;

-- Outer nodes with sums over their leaves, the mean of the leaves' means, plain and by precision, and the classes.
CREATE OR REPLACE MACRO _pool_nested_nodes(classes) AS TABLE
    SELECT *, struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT COLUMNS('^_pool_(over|key_outer)'), sum(k) AS leaves, sum(k * n) AS n,
            coalesce(sum(k * squares), 0.0) AS ssw, sum(k * y) / sum(k) AS mean, sum(k * w * y) / sum(k * w) AS centre,
            max(w) AS wmax, min(w) AS wmin, sum(odd) AS odd, list({k: k, w: w, y: y, spread: spread}) AS classes
        FROM query_table(classes)
        GROUP BY ALL
    );

-- The models by number with sums over their nodes, if their data are sound.
CREATE OR REPLACE MACRO _pool_nested_models(nodes, inputs) AS TABLE
    WITH totals AS MATERIALIZED (
        SELECT _pool_model, sum(odd) AS odd, sum(leaves) AS j, count_if(leaves > 0)::DOUBLE AS nodes, sum(n) AS n,
            sum(ssw) AS ssw, sum(leaves * mean) / sum(leaves) AS mean, avg(mean) AS mean_of_nodes
        FROM query_table(nodes) GROUP BY _pool_model
    )
    SELECT * EXCLUDE (odd, sound), row_number() OVER () AS model
    FROM totals, _pool_sound(inputs, 'totals', '_pool_weighed')
    WHERE sound;

-- The classes with leaves, by number of their model and node: deviations from the mean of the model.
CREATE OR REPLACE MACRO _pool_nested_members(nodes, models) AS TABLE
    SELECT model, node, leaves, mean, mean_of_nodes, centre, class.k AS k, class.w AS w,
        class.y - mean_of_model AS y, class.spread AS spread
    FROM (
        SELECT model, row_number() OVER () AS node, leaves, g.mean - m.mean AS mean,
            mean_of_nodes - m.mean AS mean_of_nodes, m.mean AS mean_of_model, centre - m.mean AS centre,
            unnest(classes) AS class
        FROM query_table(nodes) AS g, query_table(models) AS m
        WHERE _pool_same(m._pool_model, g._pool_model) AND leaves > 0
    )
    WHERE class.k > 0;
