-- ---------------------------------------------------------------------------------------------------------------------
-- Groups with their predictor x. Groups of equal size are one class: their number, and the means and covariances of x
-- and y.
-- ---------------------------------------------------------------------------------------------------------------------

-- The predictor of a row.
CREATE OR REPLACE MACRO _pool_toward_finite(value, toward, nan) AS
    CASE
        WHEN isfinite(TRY_CAST(toward AS DOUBLE)) THEN TRY_CAST(toward AS DOUBLE)
        WHEN _pool_value(value, nan) IS NOT NULL THEN 'infinity'::DOUBLE
    END;

-- Both ends of the predictor in a group. In a row with a value, one that is missing counts as infinite.
CREATE OR REPLACE MACRO _pool_toward_ends(value, toward, nan) AS {
    least: min(_pool_toward_finite(value, toward, nan)), largest: max(_pool_toward_finite(value, toward, nan))
};

-- Classes of groups of equal size.
CREATE OR REPLACE MACRO _pool_toward_sizes(groups) AS TABLE
    SELECT *, struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT COLUMNS('^_pool_over'), _pool_n AS n, _pool_n AS w, count(_pool_y)::DOUBLE AS k,
            favg(_pool_x) AS x, avg(_pool_y) AS y, avg(_pool_squares) AS squares, NULL::DOUBLE AS v,
            var_pop(_pool_x) AS xx, covar_pop(_pool_x, _pool_finite(_pool_y)) AS xy,
            var_pop(_pool_finite(_pool_y)) AS yy, max(abs(_pool_x)) AS reach,
            count_if(NOT isfinite(_pool_y)) AS odd, count_if(_pool_key_more.largest = 'infinity'::DOUBLE) AS missing,
            count_if(_pool_key_more.largest > _pool_key_more.least) AS varying
        FROM (SELECT *, _pool_finite(_pool_key_more.least) AS _pool_x FROM query_table(groups))
        WHERE _pool_sized
        GROUP BY ALL
    );

-- One row per group where each group has its own variance.
CREATE OR REPLACE MACRO _pool_toward_singles(groups) AS TABLE
    SELECT coalesce(_pool_n, 1.0) AS n, CASE WHEN _pool_v IS NULL THEN _pool_w ELSE coalesce(_pool_n, 1.0) END AS w,
        CASE WHEN _pool_w > 0 THEN 1.0 ELSE 0.0 END AS k, _pool_x AS x, _pool_y AS y,
        coalesce(_pool_squares, 0.0) AS squares, _pool_v AS v, 0.0 AS xx, 0.0 AS xy, 0.0 AS yy,
        abs(_pool_x) AS reach, (NOT isfinite(_pool_y))::BIGINT AS odd,
        (_pool_key_more.largest = 'infinity'::DOUBLE)::BIGINT AS missing,
        (_pool_key_more.largest > _pool_key_more.least)::BIGINT AS varying, _pool_model
    FROM (SELECT *, _pool_finite(_pool_key_more.least) AS _pool_x FROM query_table(groups))
    WHERE NOT _pool_sized;

CREATE OR REPLACE MACRO _pool_toward_classes(groups, inputs, sigma2) AS TABLE
    WITH sizes AS NOT MATERIALIZED (FROM _pool_toward_sizes(groups)),
    with_singles AS NOT MATERIALIZED (FROM sizes UNION ALL BY NAME FROM _pool_toward_singles(groups))
    SELECT _pool_model, n, w, k, x, y, squares, v, xx, xy, yy, reach, odd, missing, varying
    FROM _pool_by_input(inputs, CASE WHEN _pool_own_variance(sigma2) THEN 'with_singles' ELSE 'sizes' END,
        'with_singles');

-- The models by number with sums over their groups, if their data are sound.
CREATE OR REPLACE MACRO _pool_toward_models(classes, inputs) AS TABLE
    WITH totals AS MATERIALIZED (
        SELECT _pool_model, sum(odd) AS odd, sum(missing) AS missing, sum(varying) AS varying, sum(k) AS j,
            sum(k * n) AS n, sum(k * squares) AS ssw, min(CASE WHEN k > 0 THEN w END) AS wmin, max(w) AS wmax,
            fsum(k * x) / sum(k) AS mean_x, fsum(k * y) / sum(k) AS mean_y,
            max(CASE WHEN k > 0 THEN reach END) AS reach
        FROM query_table(classes) GROUP BY _pool_model
    )
    SELECT * EXCLUDE (odd, missing, varying, sound, steady), row_number() OVER () AS model
    FROM totals, _pool_sound(inputs, 'totals', '_pool_weighed'), _pool_toward_sound('totals')
    WHERE sound AND steady;
