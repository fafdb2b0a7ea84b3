-- ---------------------------------------------------------------------------------------------------------------------
-- One row per group: the sufficient statistics, as a result.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per group, from a table: keys under their own names, moments under private ones.
CREATE OR REPLACE MACRO _pool_moments(tbl, value, "by", unnamed, over, n, var, weights, nan, result) AS TABLE
    WITH _pool_request AS MATERIALIZED (
        FROM _pool_arguments('_pool_schema', value, "by", unnamed, over, n, var, NULL, weights, 'pooled', 'reml', 'gls',
            nan, 0.95, 'mu', NULL, 'mean', NULL, true, result)
    ),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(tbl, value, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_plain(tbl, value, "by", over, n, var, NULL, weights, nan)),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed(tbl, value, "by", over, n, var, NULL, weights, nan, 'pooled', 'reml', 'gls')
    ),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_groups([n, var, weights], '_pool_plain', '_pool_weighed', 'pooled')),
    _pool_checked AS (SELECT count_if(NOT isfinite(_pool_y)) AS odd FROM _pool_groups)
    FROM _pool_groups, _pool_origin
    WHERE (SELECT proper FROM _pool_request) AND (
        SELECT sound FROM _pool_sound([n, var, weights], '_pool_checked', '_pool_weighed'));

CREATE OR REPLACE MACRO _pool_plain_moments(tbl, value, "by", unnamed, n, var, nan) AS TABLE
    SELECT COLUMNS(lambda c: _pool_is_shown(c))
    FROM (
        SELECT *, _pool_n::BIGINT AS n, _pool_y + _pool_origin AS mean, _pool_var AS var
        FROM _pool_moments(tbl, value, "by", unnamed, {'_pool_absent': true}, n, var, NULL, nan,
            _pool_columns_of_moments())
    );

CREATE OR REPLACE MACRO _pool_weighted_moments(tbl, value, "by", unnamed, weights, n, var, nan) AS TABLE
    SELECT COLUMNS(lambda c: _pool_is_shown(c))
    FROM (
        SELECT *, _pool_n::BIGINT AS n, _pool_y + _pool_origin AS mean, _pool_var AS var, _pool_w AS w
        FROM _pool_moments(tbl, value, "by", unnamed, {'_pool_absent': true}, n, var, weights, nan,
            _pool_columns_of_weighted_moments())
    );
