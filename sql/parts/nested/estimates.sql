-- ---------------------------------------------------------------------------------------------------------------------
-- One row per node of a level: the partially pooled mean with its standard error. Up, each outer node sums its leaves;
-- down, each node is pulled toward its parent.
-- ---------------------------------------------------------------------------------------------------------------------

-- The leaves with their sampling variance and the variances and mu of their model.
CREATE OR REPLACE MACRO _pool_nested_sampled(groups, fitted) AS TABLE
    SELECT g._pool_model, _pool_outer, _pool_inner, _pool_n, _pool_y, m.* EXCLUDE (_pool_of_model),
        coalesce(_pool_v, pool_sampling_variance(_pool_sigma2, _pool_w)) AS _pool_sampling
    FROM query_table(groups) AS g, (
        SELECT _pool_model AS _pool_of_model, _pool_sigma2, _pool_tau2_inner, _pool_tau2_outer, _pool_mu, _pool_se_mu,
            _pool_only, CASE WHEN determined2 THEN _pool_tau2_inner ELSE known2 END AS _pool_determined_inner,
            CASE WHEN determined3 THEN _pool_tau2_outer ELSE known3 END AS _pool_determined_outer
        FROM query_table(fitted)
    ) AS m
    WHERE _pool_same(_pool_of_model, _pool_model);

-- The nodes of a level, pulled toward their parent: weight, estimate, standard error, and the effect with its error.
-- The only node of a level keeps its mean. A node without rows has no error where the data do not determine tau2.
CREATE OR REPLACE MACRO _pool_nested_shrunk(nodes) AS TABLE
    SELECT * EXCLUDE (_pool_alone),
        CASE WHEN _pool_alone THEN _pool_mean ELSE pool_estimate(_pool_mean, _pool_parent, _pool_weight) END
            AS _pool_estimate,
        CASE WHEN _pool_alone THEN sqrt(_pool_sampling)
            ELSE sqrt(pool_marginal_variance(_pool_between, _pool_pooling, _pool_se_parent)) END AS _pool_se,
        _pool_nested_effect(_pool_weight, _pool_mean, _pool_parent) AS _pool_effect,
        CASE WHEN NOT _pool_without_effect
            THEN sqrt(_pool_nested_effect_variance(_pool_between, _pool_pooling, _pool_weight, _pool_se_parent)) END
            AS _pool_se_effect
    FROM (
        SELECT *, CASE WHEN _pool_mean IS NULL THEN _pool_determined ELSE _pool_tau2 END AS _pool_between,
            pool_pooling(_pool_between, _pool_sampling) AS _pool_pooling,
            CASE WHEN _pool_alone AND _pool_sampling IS NOT NULL THEN 1.0
                ELSE pool_weight(_pool_tau2, _pool_sampling) END AS _pool_weight
        FROM query_table(nodes)
    );

-- The outer nodes from their leaves.
CREATE OR REPLACE MACRO _pool_nested_outer(leaves, uncertainty) AS TABLE
    SELECT * EXCLUDE (_pool_precision, _pool_sum, _pool_known, has_n)
        REPLACE (CASE WHEN has_n THEN coalesce(_pool_n, 0.0) END AS _pool_n),
        _pool_sum / _pool_precision + _pool_origin AS _pool_mean,
        CASE WHEN _pool_known THEN _pool_nested_sampling_variance(_pool_precision) END AS _pool_sampling,
        _pool_mu AS _pool_parent,
        _pool_only >= 1 AND _pool_mean IS NOT NULL AS _pool_alone, _pool_only >= 1 AS _pool_without_effect,
        CASE WHEN uncertainty = 'conditional' THEN 0.0 ELSE _pool_se_mu END AS _pool_se_parent
    FROM (
        SELECT _pool_model, _pool_outer, sum(_pool_w_) AS _pool_precision, sum(_pool_w_ * _pool_y) AS _pool_sum,
            count(*) = count(_pool_sampling) AS _pool_known, sum(_pool_n) AS _pool_n,
            any_value(_pool_tau2_outer) AS _pool_tau2, any_value(_pool_determined_outer) AS _pool_determined,
            any_value(_pool_mu) AS _pool_mu,
            any_value(_pool_se_mu) AS _pool_se_mu, any_value(_pool_only) AS _pool_only,
            any_value(_pool_sigma2) + any_value(_pool_determined_inner) AS _pool_noise
        FROM (SELECT *, _pool_nested_precision(_pool_sampling, _pool_tau2_inner) AS _pool_w_ FROM query_table(leaves))
        GROUP BY ALL
    ), _pool_origin, (SELECT has_n FROM _pool_request);

-- The leaves under their outer nodes.
CREATE OR REPLACE MACRO _pool_nested_inner(leaves, outers) AS TABLE
    SELECT l._pool_model, l._pool_outer, _pool_inner, _pool_n, _pool_y + _pool_origin AS _pool_mean,
        _pool_sampling, _pool_tau2_inner AS _pool_tau2, _pool_determined_inner AS _pool_determined,
        _pool_only >= 2 AND _pool_y IS NOT NULL AS _pool_alone, _pool_only >= 2 AS _pool_without_effect,
        _pool_sigma2 AS _pool_noise,
        o._pool_estimate AS _pool_parent, o._pool_se AS _pool_se_parent
    FROM query_table(leaves) AS l, _pool_origin,
        (SELECT _pool_model, _pool_outer, _pool_estimate, _pool_se FROM query_table(outers)) AS o
    WHERE _pool_same(o._pool_model, l._pool_model) AND o._pool_outer IS NOT DISTINCT FROM l._pool_outer;

-- The nodes of the level of the result, as estimates of the quantity that `predict` names.
CREATE OR REPLACE MACRO _pool_nested_estimates(groups, fitted, level_of_result, uncertainty, predict) AS TABLE
    WITH leaves AS NOT MATERIALIZED (FROM _pool_nested_sampled(groups, fitted)),
    outer_nodes AS NOT MATERIALIZED (FROM _pool_nested_outer('leaves', uncertainty)),
    outers AS NOT MATERIALIZED (FROM _pool_nested_shrunk('outer_nodes')),
    inner_nodes AS NOT MATERIALIZED (FROM _pool_nested_inner('leaves', 'outers')),
    inners AS NOT MATERIALIZED (FROM _pool_nested_shrunk('inner_nodes')),
    of_mean AS NOT MATERIALIZED (
        FROM query_table(CASE WHEN level_of_result = 'outer' THEN 'outers' ELSE 'inners' END)
    ),
    of_row AS (
        SELECT * REPLACE (sqrt(pool_predictive_variance(_pool_se * _pool_se, _pool_noise)) AS _pool_se) FROM of_mean
    ),
    of_replicate AS (
        SELECT * REPLACE (sqrt(pool_predictive_variance(_pool_se * _pool_se, _pool_sampling)) AS _pool_se) FROM of_mean
    )
    FROM query_table(CASE predict WHEN 'row' THEN 'of_row' WHEN 'replicate' THEN 'of_replicate' ELSE 'of_mean' END);
