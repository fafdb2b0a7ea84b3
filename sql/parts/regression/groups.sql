-- ---------------------------------------------------------------------------------------------------------------------
-- Regression with a varying intercept, y = mu + slope x + b of the group + e, fitted as lme4 fits `y ~ x + (1 | g)`.
--
-- The statistics of a group are its weight w (n without weights), the means of x and y, and the squares and products
-- about them: one group-by. Without weights, groups enter only through n and through sums of squares and products of
-- their means, so they are grouped once more by n. rho = tau2 / sigma2 is searched as in oneway/search.sql, for all
-- models at once.
-- ---------------------------------------------------------------------------------------------------------------------

-- Groups of rows of equal weight, straight from the table: from the states of three aggregates; before version 2 DuckDB
-- cannot read states, and there are six aggregates.
CREATE OR REPLACE MACRO _pool_line_states(tbl, y, x, "by", over, weights, nan) AS TABLE
    SELECT * EXCLUDE (_pool_yx, _pool_yy, _pool_xx, _pool_rows), _pool_yx.count::DOUBLE AS _pool_n,
        CASE WHEN _pool_n > 0 THEN _pool_yx.meanx END AS _pool_x,
        CASE WHEN _pool_n > 0 THEN _pool_yx.meany END AS _pool_y,
        _pool_xx.dsquared AS _pool_sxx, _pool_yx.co_moment AS _pool_sxy, _pool_yy.dsquared AS _pool_syy,
        _pool_rows - _pool_n AS _pool_dropped
    FROM (
        SELECT over, "by", over AS _pool_over, count(*)::DOUBLE AS _pool_rows,
            (covar_samp(_pool_paired_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y), _pool_paired_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x))
                EXPORT_STATE)::STRUCT(count UBIGINT, meanx DOUBLE, meany DOUBLE, co_moment DOUBLE) AS _pool_yx,
            (var_samp(_pool_paired_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y)) EXPORT_STATE)
                ::STRUCT(count UBIGINT, mean DOUBLE, dsquared DOUBLE) AS _pool_yy,
            (var_samp(_pool_paired_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x)) EXPORT_STATE)
                ::STRUCT(count UBIGINT, mean DOUBLE, dsquared DOUBLE) AS _pool_xx
        FROM query_table(tbl), _pool_origins
        WHERE _pool_absent(weights)
        GROUP BY ALL
    );

CREATE OR REPLACE MACRO _pool_line_aggregates(tbl, y, x, "by", over, weights, nan) AS TABLE
    SELECT over, "by", over AS _pool_over,
        count(_pool_paired(y, x, nan))::DOUBLE AS _pool_n,
        avg(_pool_paired_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x)) AS _pool_x,
        avg(_pool_paired_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y)) AS _pool_y,
        var_pop(_pool_finite(_pool_paired_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x))) * _pool_n AS _pool_sxx,
        covar_pop(_pool_finite(_pool_paired_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y)),
            _pool_finite(_pool_paired_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x))) * _pool_n AS _pool_sxy,
        var_pop(_pool_finite(_pool_paired_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y))) * _pool_n AS _pool_syy,
        count(*) - _pool_n AS _pool_dropped
    FROM query_table(tbl), _pool_origins
    WHERE _pool_absent(weights)
    GROUP BY ALL;

CREATE OR REPLACE MACRO _pool_line_plain(tbl, y, x, "by", over, weights, nan) AS TABLE
    WITH _pool_line_states AS NOT MATERIALIZED (FROM _pool_line_states(tbl, y, x, "by", over, weights, nan)),
    _pool_line_aggregates AS NOT MATERIALIZED (FROM _pool_line_aggregates(tbl, y, x, "by", over, weights, nan))
    FROM query_table(CASE WHEN version() LIKE 'v1.%' THEN '_pool_line_aggregates' ELSE '_pool_line_states' END);

-- Groups of weighted rows; a row of weight 0 does not count.
CREATE OR REPLACE MACRO _pool_line_weighed(tbl, y, x, "by", over, weights, nan) AS TABLE
    WITH _pool_numbers AS NOT MATERIALIZED (
        SELECT over, "by", over AS _pool_over, _pool_paired_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y) AS _pool_y,
            _pool_paired_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x) AS _pool_x,
            TRY_CAST(weights AS DOUBLE) AS _pool_weights
        FROM query_table(tbl), _pool_origins
        WHERE NOT _pool_absent(weights)
    ),
    _pool_counted AS NOT MATERIALIZED (
        SELECT *, CASE WHEN _pool_y IS NOT NULL AND _pool_weights > 0 THEN _pool_weights END AS _pool_h
        FROM _pool_numbers
    )
    SELECT COLUMNS(lambda c: _pool_is_key(c)),
        count(_pool_h)::DOUBLE AS _pool_n, coalesce(sum(_pool_h), 0.0) AS _pool_w,
        sum(_pool_h * _pool_x) / sum(_pool_h) AS _pool_x, sum(_pool_h * _pool_y) / sum(_pool_h) AS _pool_y,
        pool_squares_between(
            count(_pool_h), sum(_pool_h * _pool_x), sum(_pool_h),
            covar_samp(_pool_h * _pool_x, _pool_x), covar_samp(_pool_h, _pool_x)
        ) AS _pool_sxx,
        pool_squares_between(
            count(_pool_h), sum(_pool_h * _pool_x), sum(_pool_h),
            covar_samp(_pool_h * _pool_x, _pool_y), covar_samp(_pool_h, _pool_y)
        ) AS _pool_sxy,
        pool_squares_between(
            count(_pool_h), sum(_pool_h * _pool_y), sum(_pool_h),
            covar_samp(_pool_h * _pool_y, _pool_y), covar_samp(_pool_h, _pool_y)
        ) AS _pool_syy,
        count_if(_pool_y IS NULL)::DOUBLE AS _pool_dropped,
        count_if(_pool_y IS NOT NULL AND _pool_improper(_pool_weights)) AS _pool_bad_weights
    FROM _pool_counted
    GROUP BY ALL;

-- One row per group, with weights or without. Squares that are only rounding of equal values are 0.
CREATE OR REPLACE MACRO _pool_line_groups(plain, weighed) AS TABLE
    WITH _pool_united AS NOT MATERIALIZED (
        SELECT *, _pool_n AS _pool_w, true AS _pool_sized, 0 AS _pool_bad_weights FROM query_table(plain)
        UNION ALL BY NAME
        SELECT *, false AS _pool_sized FROM query_table(weighed)
    ),
    _pool_rounded AS NOT MATERIALIZED (
        SELECT * REPLACE (
            pool_above_rounding(_pool_n, coalesce(_pool_sxx, 0.0), _pool_x) AS _pool_sxx,
            pool_above_rounding(_pool_n, coalesce(_pool_syy, 0.0), _pool_y) AS _pool_syy)
        FROM _pool_united
    )
    SELECT * REPLACE (CASE WHEN _pool_sxx > 0 AND _pool_syy > 0 THEN _pool_sxy ELSE 0.0 END AS _pool_sxy),
        struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM _pool_rounded;

-- Groups of equal size in one row: their number k, the means of their means, the squares and products about these (sxx,
-- sxy, syy), and the sums of squares and products within (wxx, wxy, wyy). With weights each group is its own class.
CREATE OR REPLACE MACRO _pool_line_sizes(groups) AS TABLE
    SELECT *, struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT COLUMNS('^_pool_over'), _pool_n AS n, _pool_n AS w, count(_pool_y)::DOUBLE AS k,
            favg(_pool_x) AS x, favg(_pool_y) AS y, var_pop(_pool_finite(_pool_x)) AS sxx,
            covar_pop(_pool_finite(_pool_y), _pool_finite(_pool_x)) AS sxy, var_pop(_pool_finite(_pool_y)) AS syy,
            sum(_pool_sxx) AS wxx, sum(_pool_sxy) AS wxy, sum(_pool_syy) AS wyy, sum(_pool_dropped) AS dropped,
            count_if(NOT isfinite(_pool_x)) AS odd_x, count_if(NOT isfinite(_pool_y)) AS odd_y, 0 AS bad_weights
        FROM query_table(groups)
        WHERE _pool_sized
        GROUP BY ALL
    );

CREATE OR REPLACE MACRO _pool_line_singles(groups) AS TABLE
    SELECT _pool_n AS n, _pool_w AS w, CASE WHEN _pool_w > 0 THEN 1.0 ELSE 0.0 END AS k, _pool_x AS x, _pool_y AS y,
        0.0 AS sxx, 0.0 AS sxy, 0.0 AS syy, _pool_sxx AS wxx, _pool_sxy AS wxy, _pool_syy AS wyy,
        _pool_dropped AS dropped, (NOT isfinite(_pool_x))::BIGINT AS odd_x, (NOT isfinite(_pool_y))::BIGINT AS odd_y,
        _pool_bad_weights AS bad_weights, _pool_model
    FROM query_table(groups)
    WHERE NOT _pool_sized;

-- The models by number, with their counts.
CREATE OR REPLACE MACRO _pool_line_models(sizes, singles) AS TABLE
    WITH counted AS MATERIALIZED (
        SELECT _pool_model, sum(k) AS j, sum(k * n) AS n, sum(dropped) AS dropped, sum(odd_x) AS odd_x,
            sum(odd_y) AS odd_y, sum(bad_weights) AS bad_weights
        FROM (FROM query_table(sizes) UNION ALL BY NAME FROM query_table(singles))
        GROUP BY _pool_model
    )
    SELECT row_number() OVER () AS model, _pool_model, j, n, dropped
    FROM counted, _pool_line_sound('counted')
    WHERE sound;

CREATE OR REPLACE MACRO _pool_line_classes(sizes, singles, models) AS TABLE
    SELECT model, w, k, x, y, sxx, sxy, syy, wxx, wxy, wyy
    FROM query_table(models) AS m, (FROM query_table(sizes) UNION ALL BY NAME FROM query_table(singles)) AS c
    WHERE _pool_same(m._pool_model, c._pool_model) AND k > 0;
