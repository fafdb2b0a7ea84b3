-- ---------------------------------------------------------------------------------------------------------------------
-- The verbs of nested levels.
-- ---------------------------------------------------------------------------------------------------------------------

-- Partially pooled means of nested levels, as of stores in regions: each group by both keys is pulled toward its outer
-- group, and that toward mu. `at` chooses the groups of the result, by both keys ('inner') or by the outer one ('outer').
-- tau2_outer and tau2_inner are known numbers for one level. Deeper trees are those of Python.
CREATE OR REPLACE MACRO pool_shrink_nested(
    tbl, value, "outer", "inner", _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL,
    se := NULL, weights := NULL, sigma2 := 'pooled', tau2 := 'reml', tau2_outer := NULL, tau2_inner := NULL,
    "at" := 'inner', nan := 'error', level := 0.95, uncertainty := 'mu', predict := 'mean', threshold := NULL
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_nested_arguments('_pool_schema', value, "outer", "inner", _pool_unnamed, over, n, var, se, weights,
            sigma2, tau2, tau2_outer, tau2_inner, nan, "at", level, uncertainty, predict, threshold, true,
            _pool_columns_of_shrink_nested())
    ),
    _pool_keyed AS NOT MATERIALIZED (
        SELECT *, "outer" AS _pool_key_outer, "inner" AS _pool_key_inner FROM query_table(_pool_read(tbl))
    ),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(_pool_read(tbl), value, over)),
    _pool_plain AS MATERIALIZED (
        FROM _pool_plain('_pool_keyed', value, COLUMNS('^_pool_key_'), over, n, var, se, weights, nan)
    ),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed('_pool_keyed', value, COLUMNS('^_pool_key_'), over, n, var, se, weights, nan, 'pooled',
            'reml', 'gls')
    ),
    _pool_leaves AS NOT MATERIALIZED (
        FROM _pool_nested_leaves([n, var, se, weights], '_pool_plain', '_pool_weighed')
    ),
    _pool_fits AS MATERIALIZED (
        FROM _pool_nested_fits('_pool_leaves', [n, var, se, weights], sigma2, tau2, tau2_outer, tau2_inner,
            'estimates')
    ),
    _pool_estimated AS NOT MATERIALIZED (
        SELECT *, _pool_n::BIGINT AS n, _pool_estimate AS estimate, _pool_se AS se
        FROM _pool_nested_estimates('_pool_leaves', '_pool_fits', "at", uncertainty, predict)
    )
    SELECT * EXCLUDE (_pool_model) FROM _pool_estimated WHERE (SELECT proper FROM _pool_request);
