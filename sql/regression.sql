-- ---------------------------------------------------------------------------------------------------------------------
-- Regression with a varying intercept, y = mu + slope x + b of the group + e, fitted as lme4 fits `y ~ x + (1 | g)`.
--
-- A group is known by its weight w (n without weights), the means of x and y, and the squares and products about them:
-- one group-by. Without weights groups enter only through n and through sums of squares and products of their means, so
-- they are grouped once more by n. rho = tau2 / sigma2 is searched as in search.sql, for all models at once.
-- ---------------------------------------------------------------------------------------------------------------------

-- A value, or NULL where the other of the pair is none: rows count where both are there.
CREATE OR REPLACE MACRO _pool_beside(value, other, nan) AS
    CASE WHEN _pool_value(other, nan) IS NOT NULL THEN _pool_value(value, nan) END;

-- One row: the offsets that the first values of y and x have in common, as _pool_origin_of.
CREATE OR REPLACE MACRO _pool_origins_of(tbl, y, x, over) AS TABLE
    WITH _pool_firsts AS MATERIALIZED (
        SELECT TRY_CAST(y AS DOUBLE) AS _pool_first_y, TRY_CAST(y AS VARCHAR) AS _pool_written_y,
            typeof(y) AS _pool_type_y, TRY_CAST(x AS DOUBLE) AS _pool_first_x,
            TRY_CAST(x AS VARCHAR) AS _pool_written_x, typeof(x) AS _pool_type_x,
            _pool_absent(over) AS _pool_single, CASE WHEN _pool_absent(over) THEN 0.0 ELSE 2.0 ** 53 END AS _pool_least
        FROM query_table(tbl)
        WHERE (_pool_absent(over) OR _pool_is_wide(typeof(y)) OR _pool_is_wide(typeof(x)))
            AND isfinite(TRY_CAST(y AS DOUBLE)) AND isfinite(TRY_CAST(x AS DOUBLE))
        LIMIT 1000
    ),
    _pool_firsts_y AS (
        SELECT _pool_first_y AS y, _pool_written_y AS written, _pool_type_y AS type, _pool_least AS least
        FROM _pool_firsts WHERE _pool_single OR _pool_is_wide(_pool_type_y)
    ),
    _pool_firsts_x AS (
        SELECT _pool_first_x AS y, _pool_written_x AS written, _pool_type_x AS type, _pool_least AS least
        FROM _pool_firsts WHERE _pool_single OR _pool_is_wide(_pool_type_x)
    )
    SELECT of_y._pool_origin AS _pool_origin_y, of_y._pool_start AS _pool_start_y, of_y._pool_bigint AS _pool_bigint_y,
        of_y._pool_scale AS _pool_scale_y, of_x._pool_origin AS _pool_origin_x, of_x._pool_start AS _pool_start_x,
        of_x._pool_bigint AS _pool_bigint_x, of_x._pool_scale AS _pool_scale_x
    FROM _pool_origin_from('_pool_firsts_y') AS of_y, _pool_origin_from('_pool_firsts_x') AS of_x;

-- A value less its offset, or NULL where the other of the pair is none.
CREATE OR REPLACE MACRO _pool_beside_less(value, other, nan, origin, start, whole, scale) AS
    CASE WHEN _pool_value(other, nan) IS NOT NULL
        THEN _pool_less_origin(value, nan, origin, start, whole, scale) END;

-- ---- rows to groups -------------------------------------------------------------------------------------------------

-- Groups of rows that all count alike, straight from the table: by the states of three aggregates, and before version 2
-- of DuckDB, which cannot read states, by six aggregates.
CREATE OR REPLACE MACRO _pool_line_states(tbl, y, x, "by", over, weights, nan) AS TABLE
    SELECT * EXCLUDE (_pool_yx, _pool_yy, _pool_xx, _pool_rows), _pool_yx.count::DOUBLE AS _pool_n,
        CASE WHEN _pool_n > 0 THEN _pool_yx.meanx END AS _pool_x,
        CASE WHEN _pool_n > 0 THEN _pool_yx.meany END AS _pool_y,
        _pool_xx.dsquared AS _pool_sxx, _pool_yx.co_moment AS _pool_sxy, _pool_yy.dsquared AS _pool_syy,
        _pool_rows - _pool_n AS _pool_dropped
    FROM (
        SELECT over, "by", over AS _pool_over, count(*)::DOUBLE AS _pool_rows,
            (covar_samp(_pool_beside_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y), _pool_beside_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x))
                EXPORT_STATE)::STRUCT(count UBIGINT, meanx DOUBLE, meany DOUBLE, co_moment DOUBLE) AS _pool_yx,
            (var_samp(_pool_beside_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y)) EXPORT_STATE)
                ::STRUCT(count UBIGINT, mean DOUBLE, dsquared DOUBLE) AS _pool_yy,
            (var_samp(_pool_beside_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x)) EXPORT_STATE)
                ::STRUCT(count UBIGINT, mean DOUBLE, dsquared DOUBLE) AS _pool_xx
        FROM query_table(tbl), _pool_origins
        WHERE _pool_absent(weights)
        GROUP BY ALL
    );

CREATE OR REPLACE MACRO _pool_line_aggregates(tbl, y, x, "by", over, weights, nan) AS TABLE
    SELECT over, "by", over AS _pool_over,
        count(_pool_beside(y, x, nan))::DOUBLE AS _pool_n,
        avg(_pool_beside_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x)) AS _pool_x,
        avg(_pool_beside_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y)) AS _pool_y,
        var_pop(_pool_finite(_pool_beside_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x))) * _pool_n AS _pool_sxx,
        covar_pop(_pool_finite(_pool_beside_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y)),
            _pool_finite(_pool_beside_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x))) * _pool_n AS _pool_sxy,
        var_pop(_pool_finite(_pool_beside_less(
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
        SELECT over, "by", over AS _pool_over, _pool_beside_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y) AS _pool_y,
            _pool_beside_less(
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

-- One row a group of either kind. What is rounding of equal values is 0.
CREATE OR REPLACE MACRO _pool_line_groups(plain, weighed) AS TABLE
    WITH _pool_found AS NOT MATERIALIZED (
        SELECT *, _pool_n AS _pool_w, true AS _pool_sized, 0 AS _pool_bad_weights FROM query_table(plain)
        UNION ALL BY NAME
        SELECT *, false AS _pool_sized FROM query_table(weighed)
    ),
    _pool_rounded AS NOT MATERIALIZED (
        SELECT * REPLACE (
            pool_above_rounding(_pool_n, coalesce(_pool_sxx, 0.0), _pool_x) AS _pool_sxx,
            pool_above_rounding(_pool_n, coalesce(_pool_syy, 0.0), _pool_y) AS _pool_syy)
        FROM _pool_found
    )
    SELECT * REPLACE (CASE WHEN _pool_sxx > 0 AND _pool_syy > 0 THEN _pool_sxy ELSE 0.0 END AS _pool_sxy),
        struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM _pool_rounded;

-- ---- groups to classes and models -----------------------------------------------------------------------------------

-- Groups of equal size in one row: how many (k), the means of their means and what these spread (sxx, sxy, syy), the
-- sums of squares and products within (wxx, wxy, wyy). With weights each group is a class of its own.
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

-- True, or an error if a mean is no number, so a value is none, or a weight is not allowed.
CREATE OR REPLACE MACRO _pool_line_sound(counted) AS TABLE
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS sound
    FROM (
        SELECT coalesce(
            _pool_bad_rows('weights', column_names[3], sum(bad_weights),
                'precision weights are finite and not negative; a row of weight 0 does not count'),
            CASE
                WHEN sum(odd_x) > 0 THEN 'the covariate ''' || column_names[2] || ''' holds NaN or infinite numbers: '
                    || 'remove them, or count them as missing with nan=''null'''
                WHEN sum(odd_y) > 0 THEN 'the value ''' || column_names[1] || ''' holds NaN or infinite numbers: '
                    || 'remove them, or count them as missing with nan=''null'''
            END
        ) AS complaint
        FROM query_table(counted), _pool_given
        GROUP BY column_names
    );

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

-- ---- the fit at a given rho -----------------------------------------------------------------------------------------

-- What the groups of a model tell at the rho of a point, h = w / (1 + w rho), or all alike where rho is infinite: sums
-- about the point's centre, which may lie anywhere among the groups.
CREATE OR REPLACE MACRO _pool_line_sums(points, classes) AS TABLE
    SELECT id, sum(k * h) AS h, sum(k * h * dx) AS hx, sum(k * h * dy) AS hy, sum(k * h * (dx * dx + sxx)) AS hxx,
        sum(k * h * (dx * dy + sxy)) AS hxy, sum(k * h * (dy * dy + syy)) AS hyy, sum(k * h * h) AS h2,
        sum(k * h * h * dx) AS h2x, sum(k * h * h * dy) AS h2y, sum(k * h * h * (dx * dx + sxx)) AS h2xx,
        sum(k * h * h * (dx * dy + sxy)) AS h2xy, sum(k * h * h * (dy * dy + syy)) AS h2yy,
        sum(CASE WHEN rho < 'infinity'::DOUBLE THEN k * pool_log_inflation(w, rho) ELSE 0.0 END) AS logs
    FROM (
        SELECT id, rho, k, w, sxx, sxy, syy, x - centre_x AS dx, y - centre_y AS dy,
            CASE WHEN rho < 'infinity'::DOUBLE THEN pool_information(w, rho) ELSE 1.0 END AS h
        FROM (SELECT id, model, rho, centre_x, centre_y FROM query_table(points))
        JOIN (SELECT model, k, w, x, y, sxx, sxy, syy FROM query_table(classes)) USING (model)
    )
    GROUP BY id;

-- The points with these sums about the means weighed by h, which become the new centre: (hxx, hxy, hyy) of the groups'
-- means alone, and of the squares of h.
CREATE OR REPLACE MACRO _pool_line_about(points, classes) AS TABLE
    SELECT p.* REPLACE (centre_x + hx / h AS centre_x, centre_y + hy / h AS centre_y), h, h2, logs,
        hx / h AS mx, hy / h AS my, hxx - mx * hx AS hxx, hxy - mx * hy AS hxy, hyy - my * hy AS hyy,
        h2xx - 2 * mx * h2x + mx * mx * h2 AS h2xx,
        h2xy - mx * h2y - my * h2x + mx * my * h2 AS h2xy,
        h2yy - 2 * my * h2y + my * my * h2 AS h2yy
    FROM query_table(points) AS p JOIN (FROM _pool_line_sums(points, classes)) AS s USING (id);

-- ---- what is known before the search --------------------------------------------------------------------------------

-- Models at both ends: all rows alike (rho = 0), where the centre is kept and the line of least squares, and all groups
-- alike (rho infinite), which bounds the search. `state` says what can be told; an earlier answer goes before a later.
CREATE OR REPLACE MACRO _pool_line_facts(models, classes, method) AS TABLE
    WITH sums AS (
        SELECT model, sum(k * w) AS w, sum(k * w * x) / sum(k * w) AS centre_x, sum(k * w * y) / sum(k * w) AS centre_y,
            min(w) AS wmin, max(w) AS wmax, max(abs(x)) AS far_x, max(abs(y)) AS far_y,
            sum(wxx) AS wxx, sum(wxy) AS wxy, sum(wyy) AS wyy
        FROM query_table(classes) GROUP BY model
    ),
    -- Single rows: whether the variances have curvature apart from each other, tr(PP) - tr(P)^2 / df, at rho = 1 / mean(w).
    halves AS (
        SELECT model, n, x, pool_information(c.w, j / s.w) AS h
        FROM query_table(classes) AS c JOIN sums AS s USING (model) JOIN query_table(models) USING (model)
        WHERE j >= n AND wmin < wmax
    ),
    curved AS (
        SELECT model, sum(h) AS a, sum(h * h) AS a2, sum(h * h * h) AS a3, sum(h * dx * dx) AS b,
            sum(h * h * dx * dx) AS b2, sum(h * h * h * dx * dx) AS b3, sum(h * h * dx) AS c2,
            a - a2 / a - b2 / b AS trace,
            a2 - 2 * (a3 / a + b3 / b) + pow(a2 / a, 2) + 2 * c2 * c2 / (a * b) + pow(b2 / b, 2) AS of_square,
            of_square - trace * trace / (any_value(n) - 2) > 1e-10 * a2 AS apart
        FROM (
            SELECT model, n, h, x - sum(h * x) OVER (PARTITION BY model) / sum(h) OVER (PARTITION BY model) AS dx
            FROM halves
        )
        GROUP BY model
    ),
    ends AS (
        SELECT 2 * model + flat AS id, model, centre_x, centre_y,
            CASE WHEN flat = 1 THEN 'infinity'::DOUBLE ELSE 0.0 END AS rho
        FROM sums, (SELECT unnest([0, 1]) AS flat)
    ),
    about AS (FROM _pool_line_about('ends', classes)),
    totals AS (
        SELECT model, m._pool_model, j, n, dropped, s.* EXCLUDE (model, centre_x, centre_y),
            a.centre_x AS start_x, a.centre_y AS start_y,
            pool_above_rounding(w, wxx + a.hxx, far_x) AS txx,
            pool_above_rounding(w, wyy + a.hyy, far_y) AS tyy,
            CASE WHEN tyy > 0 THEN wxy + a.hxy ELSE 0.0 END AS txy,
            b.hxx AS bxx, b.hxy AS bxy, b.hyy AS byy
        FROM query_table(models) AS m
        LEFT JOIN sums AS s USING (model)
        LEFT JOIN (FROM about WHERE rho = 0) AS a USING (model)
        LEFT JOIN (FROM about WHERE rho > 0) AS b USING (model)
    ),
    lines AS (
        SELECT *,
            CASE WHEN txx > 0 THEN pool_regression_slope(txx, txy) END AS start_slope,
            CASE WHEN txx > 0 THEN pool_regression_squares(txx, txy, tyy) END AS line_squares,
            CASE WHEN wxx > 0 THEN pool_regression_squares(wxx, wxy, wyy) ELSE wyy END AS within,
            CASE WHEN wxx > 0 THEN wxy / wxx WHEN bxx > 0 THEN bxy / bxx ELSE 0.0 END AS bound_slope,
            CASE WHEN method = 'reml' THEN n - 2 ELSE n END AS df
        FROM totals
    )
    SELECT lines.*,
        CASE
            WHEN n = 0 THEN 'no rows'
            WHEN txx = 0 AND no_over THEN error('x=''' || column_names[2] || ''' is the same in every row, so it '
                || 'cannot be told from the intercept: leave it out')
            WHEN txx = 0 THEN 'spanned'
            WHEN n <= 2 THEN 'few rows'
            WHEN line_squares <= 1e-14 * tyy THEN 'line'
            WHEN j = 1 THEN 'alone'
            WHEN j >= n AND apart THEN 'searched'
            WHEN j >= n OR within <= 1e-14 * tyy THEN 'untold'
            WHEN method = 'reml' AND j = 2 AND wxx = 0 THEN 'untold' -- the line meets both groups, whatever rho
            ELSE 'searched'
        END AS state
    FROM lines LEFT JOIN (SELECT model, apart FROM curved) USING (model), _pool_given;

-- The classes less the line of least squares over all rows, about its centre: what is left loses no digits to it.
CREATE OR REPLACE MACRO _pool_line_rest(classes, facts) AS TABLE
    SELECT model, k, w, x - start_x AS x, y - start_y - start_slope * (x - start_x) AS y, sxx,
        sxy - start_slope * sxx AS sxy,
        _pool_larger(syy - 2 * start_slope * sxy + start_slope * start_slope * sxx, 0.0) AS syy
    FROM query_table(classes)
    JOIN (SELECT model, start_x, start_y, start_slope FROM query_table(facts)) USING (model);

-- The same of the sums within.
CREATE OR REPLACE MACRO _pool_line_left(facts) AS TABLE
    SELECT * REPLACE (wxy - start_slope * wxx AS wxy,
        _pool_larger(wyy - 2 * start_slope * wxy + start_slope * start_slope * wxx, within) AS wyy)
    FROM query_table(facts);

-- ---- the search -----------------------------------------------------------------------------------------------------

-- Where to look. For r the squares of the groups' means about a line with the slope within groups, the profile rises
-- beyond 3 / min(w) and 4 df r / squares within; of two groups also beyond thrice the squares of x between by those
-- within. Of single rows it may fall for ever, to sigma2 = 0.
CREATE OR REPLACE MACRO _pool_line_cells(searched) AS TABLE
    WITH ranges AS (
        SELECT *, 0.01 / wmax AS low,
            CASE WHEN j >= n THEN 1e10 / wmin ELSE
                _pool_larger(_pool_larger(3 / wmin, CASE WHEN j = 2 AND wxx > 0 THEN 3 * bxx / wxx ELSE 0.0 END),
                    4 * df / within * _pool_larger(byy - 2 * bound_slope * bxy + bound_slope * bound_slope * bxx, 0.0))
                END AS high,
            1 + least(ceil(2 * log10(high / low)), 100)::BIGINT AS points
        FROM query_table(searched)
        WHERE state = 'searched'
    )
    SELECT model * 1000 + i AS id, model, df, wxx, wxy, wyy, 0.0::DOUBLE AS centre_x, 0.0::DOUBLE AS centre_y,
        i = 0 AS is_first, i = points - 1 AS is_last,
        _pool_point(i, 0.0, low, high, points) AS lower, _pool_point(i + 1, 0.0, low, high, points) AS upper
    FROM (SELECT *, unnest(range(0, points)) AS i FROM ranges);

-- The points of a search with the profile deviance and its slope.
CREATE OR REPLACE MACRO _pool_line_evaluated(search, classes, method) AS TABLE
    WITH looking AS (FROM query_table(search) WHERE phase IN ('low', 'up', 'between')),
    about AS (FROM _pool_line_about('looking', classes)),
    fitted AS (
        SELECT *, wxx + hxx AS xx, pool_regression_slope(xx, wxy + hxy) AS beta,
            pool_regression_squares(xx, wxy + hxy, wyy + hyy) AS squares,
            h2yy - 2 * beta * h2xy + beta * beta * h2xx AS h2e2
        FROM about
    )
    SELECT * EXCLUDE (deviance, h, h2, logs, mx, my, hxx, hxy, hyy, h2xx, h2xy, h2yy, xx, beta, squares, h2e2),
        CASE WHEN method = 'reml' THEN pool_regression_reml_deviance_slope(squares, h2e2, h, h2, h2xx, xx, df)
            ELSE pool_regression_ml_deviance_slope(squares, h2e2, h, df) END AS slope,
        CASE WHEN method = 'reml' THEN pool_regression_reml_deviance(squares, logs, df, h, xx)
            ELSE pool_regression_ml_deviance(squares, logs, df) END AS deviance
    FROM fitted;

-- Every local minimum of every model, as _pool_minima.
CREATE OR REPLACE MACRO _pool_line_minima(cells, classes, method) AS TABLE
    WITH RECURSIVE _pool_line_search AS (
        SELECT 0 AS step, 'low' AS phase, * EXCLUDE (lower, upper), lower AS rho, NULL::DOUBLE AS x1,
            NULL::DOUBLE AS f1, upper AS x2, NULL::DOUBLE AS f2, NULL::DOUBLE AS x3, NULL::DOUBLE AS f3,
            NULL::DOUBLE AS deviance
        FROM query_table(cells)
        UNION ALL
        SELECT step + 1, CASE WHEN phase = 'between' AND closed THEN 'found' ELSE phase END, id, model, df, wxx, wxy,
            wyy, centre_x, centre_y, is_first, is_last,
            CASE
                WHEN phase = 'up' THEN x2
                WHEN phase = 'between' AND NOT closed
                    THEN x1 + (x2 - x1) * _pool_share(x1, f1, x2, f2, x3, f3, phi, xi, tolerance / 2 / width)
                ELSE rho
            END,
            x1, f1, x2, f2, x3, f3, deviance
        FROM (
            SELECT *, abs(x2 - x1) AS width,
                1e-13 * abs(CASE WHEN abs(f1) < abs(f2) THEN x1 ELSE x2 END) AS tolerance,
                width <= tolerance OR f1 = 0 AS closed,
                (f1 - f2) / (f3 - f2) AS phi, (x1 - x2) / (x3 - x2) AS xi
            FROM (
                SELECT * EXCLUDE (phase, falls, keeps, slope, x1, f1, x2, f2, x3, f3),
                    _pool_next_phase(phase, falls, is_first, is_last) AS phase, rho AS x1, slope AS f1,
                    CASE WHEN keeps THEN x2 ELSE x1 END AS x2,
                    CASE WHEN keeps THEN f2 ELSE f1 END AS f2,
                    CASE WHEN falls = (f1 < 0) THEN x1 ELSE x2 END AS x3,
                    CASE WHEN falls = (f1 < 0) THEN f1 ELSE f2 END AS f3
                FROM (
                    SELECT *, slope < 0 AS falls, phase = 'low' OR falls = (f1 < 0) AS keeps
                    FROM _pool_line_evaluated('_pool_line_search', classes, method)
                )
                WHERE step < 200
            )
            WHERE phase <> 'nothing'
        )
    )
    SELECT model, rho, centre_x, centre_y, deviance, phase = 'found' AS done
    FROM _pool_line_search
    WHERE phase IN ('found', 'open') OR step = 200 AND phase = 'between';

-- ---- the components -------------------------------------------------------------------------------------------------

-- One row a model, NULL where the data do not say: variances, the slope, the point of the line that is told apart from
-- the slope (_pool_at_x, _pool_at_y), less the origins, and the variances of both.
CREATE OR REPLACE MACRO _pool_line_components(groups, method) AS TABLE
    WITH sizes AS MATERIALIZED (FROM _pool_line_sizes(groups)),
    singles AS NOT MATERIALIZED (FROM _pool_line_singles(groups)),
    models AS MATERIALIZED (FROM _pool_line_models('sizes', 'singles')),
    classes AS MATERIALIZED (FROM _pool_line_classes('sizes', 'singles', 'models')),
    facts AS MATERIALIZED (FROM _pool_line_facts('models', 'classes', method)),
    rest AS MATERIALIZED (FROM _pool_line_rest('classes', 'facts')),
    left_over AS MATERIALIZED (FROM _pool_line_left('facts')),
    cells AS (FROM _pool_line_cells('left_over')),
    found AS MATERIALIZED (
        SELECT model, arg_min({rho: rho, x: centre_x, y: centre_y, done: done}, deviance) AS best
        FROM _pool_line_minima('cells', 'rest', method) GROUP BY model
    ),
    points AS MATERIALIZED (
        SELECT model AS id, l.*, coalesce(l.j >= l.n AND best.rho * wmin > 0.99e10, false) AS none_within,
            CASE WHEN none_within THEN 1e60 ELSE coalesce(best.rho, 0.0) END AS rho, -- for an infinite one
            coalesce(best.x, 0.0) AS centre_x, coalesce(best.y, 0.0) AS centre_y,
            coalesce(best.done, false) OR none_within AS done
        FROM left_over AS l LEFT JOIN found USING (model)
    ),
    about AS (SELECT * EXCLUDE (mx, my) FROM _pool_line_about('points', 'rest')),
    fitted AS (
        SELECT *, wxx + hxx AS xx, pool_regression_squares(xx, wxy + hxy, wyy + hyy) AS squares,
            start_slope + CASE WHEN state = 'searched' THEN pool_regression_slope(xx, wxy + hxy) ELSE 0.0 END
                AS beta,
            CASE state WHEN 'searched' THEN squares / df WHEN 'alone' THEN squares / (n - 2) WHEN 'line' THEN 0.0 END
                AS sigma2,
            CASE state WHEN 'searched' THEN rho * sigma2 WHEN 'line' THEN 0.0 END AS tau2,
            CASE WHEN state = 'searched' AND NOT none_within THEN
                CASE WHEN method = 'reml' THEN pool_regression_reml_deviance(squares, logs, df, h, xx)
                    ELSE pool_regression_ml_deviance(squares, logs, df) END END AS deviance,
            beta * beta * txx / w * n / (n - 1) AS fixed
        FROM about
    )
    SELECT m._pool_model, m.j AS _pool_groups, m.n AS _pool_rows, m.dropped AS _pool_lost,
        CASE WHEN none_within THEN 0.0 ELSE sigma2 END AS _pool_sigma2, tau2 AS _pool_tau2, beta AS _pool_beta,
        start_x + centre_x AS _pool_at_x, start_y + centre_y + start_slope * centre_x AS _pool_at_y,
        sigma2 / h AS _pool_variance_at, sigma2 / xx AS _pool_variance_beta, fixed AS _pool_fixed,
        -(deviance + df * (1 + ln(2 * pi()))) / 2 AS _pool_log_likelihood,
        coalesce(CASE state WHEN 'searched' THEN done ELSE state IN ('alone', 'line') END, false) AS _pool_converged
    FROM models AS m LEFT JOIN (SELECT * EXCLUDE (j, n, dropped, _pool_model) FROM fitted) AS f USING (model);

-- ---- the verbs ------------------------------------------------------------------------------------------------------

-- One row: that the arguments are right, whether there is one model, and the names of y, x and weights.
CREATE OR REPLACE MACRO _pool_line_arguments(
    schema, y, x, "by", unnamed, over, weights, method, level, nan, by_is_shown, result
) AS TABLE
    WITH _pool_names AS (
        SELECT [struct_keys(_pool_of_by), struct_keys(_pool_of_over), struct_keys(_pool_of_unnamed),
            struct_keys(_pool_of_y), struct_keys(_pool_of_x), struct_keys(_pool_of_weights)] AS names
        FROM (SELECT "by" FROM query_table(schema)) AS _pool_of_by
            POSITIONAL JOIN (SELECT over FROM query_table(schema)) AS _pool_of_over
            POSITIONAL JOIN (SELECT unnamed FROM query_table(schema)) AS _pool_of_unnamed
            POSITIONAL JOIN (SELECT y FROM query_table(schema)) AS _pool_of_y
            POSITIONAL JOIN (SELECT x FROM query_table(schema)) AS _pool_of_x
            POSITIONAL JOIN (SELECT weights FROM query_table(schema)) AS _pool_of_weights
    ),
    _pool_listed_arguments AS (
        SELECT NULL, _pool_column("by"), NULL, _pool_column(over), NULL, _pool_column(unnamed),
            NULL, _pool_column(y), NULL, _pool_column(x), NULL, _pool_column(weights)
        FROM query_table(schema)
    ),
    judged AS (
        SELECT no_over, list_transform(described[4:], lambda role: role.names[1]) AS column_names, coalesce(
            wrong_keys,
            _pool_wrong_type(['value', 'x', 'weights'], described[4:]),
            CASE
                WHEN lower(column_names[2]) = lower(column_names[1]) THEN 'x=''' || column_names[2]
                    || ''' is the value itself; give another covariate'
                WHEN column_names[2] = 'intercept' THEN 'x=''intercept'' bears the name of the intercept: rename it'
            END,
            _pool_wrong_name('method', coalesce(method::VARCHAR, 'NULL'), ['reml', 'ml']),
            _pool_wrong_name('nan', coalesce(nan::VARCHAR, 'NULL'), ['error', 'null']),
            _pool_wrong_level(level)
        ) AS complaint
        FROM _pool_keys_of(schema, '_pool_names', '_pool_listed_arguments', by_is_shown, result)
    )
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper, no_over,
        CASE WHEN complaint IS NULL THEN column_names ELSE error(complaint) END AS column_names
    FROM judged;

-- The chance of an estimate as far from 0 on either side, by the normal distribution.
CREATE OR REPLACE MACRO _pool_two_sided(estimate, se) AS
    CASE
        WHEN se > 0 THEN 2 * pool_normal_cdf_double(-abs(estimate) / se)
        WHEN se = 0 AND estimate <> 0 THEN 0.0
    END;

-- The partially pooled regression y = intercept of the group + slope x, one row a group and term: the intercepts of
-- groups are shrunk toward that of the population, the slope is the same for all. `mean` is the group's own intercept
-- beside that slope.
CREATE OR REPLACE MACRO pool_regress(
    tbl, y, x, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, weights := NULL, method := 'reml',
    level := 0.95, nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_given AS MATERIALIZED (
        FROM _pool_line_arguments('_pool_schema', y, x, "by", _pool_unnamed, over, weights, method, level, nan, true,
            ['term', 'n', 'mean', 'weight', 'effect', 'estimate', 'se', 'lower', 'upper'])
    ),
    _pool_origins AS MATERIALIZED (FROM _pool_origins_of(_pool_read(tbl), y, x, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_line_plain(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_weighed AS MATERIALIZED (FROM _pool_line_weighed(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_line_groups('_pool_plain', '_pool_weighed')),
    _pool_components AS MATERIALIZED (FROM _pool_line_components('_pool_groups', method)),
    _pool_sampled AS (
        SELECT g.*, c.* EXCLUDE (_pool_model), _pool_origins.*, _pool_quantile,
            _pool_sigma2 IS NOT NULL AS _pool_told, _pool_groups = 1 AND _pool_n > 0 AS _pool_alone,
            pool_sampling_variance(_pool_sigma2, _pool_w) AS _pool_v,
            -- of the group's own intercept from that of the population, about the centre
            _pool_y - _pool_at_y - _pool_beta * (_pool_x - _pool_at_x) AS _pool_deviation,
            _pool_at_y + _pool_origin_y - _pool_beta * (_pool_at_x + _pool_origin_x) AS _pool_mu,
            CASE WHEN _pool_alone THEN 1.0 ELSE pool_weight(_pool_tau2, _pool_v) END AS _pool_lambda,
            CASE WHEN _pool_alone THEN 0.0 ELSE pool_pooling(_pool_tau2, _pool_v) END AS _pool_left
        FROM _pool_groups AS g, _pool_components AS c, _pool_origins, _pool_quantile_of(level)
        WHERE _pool_same(g._pool_model, c._pool_model)
    ),
    _pool_estimated AS (
        SELECT *,
            CASE WHEN _pool_tau2 = 0 OR _pool_lambda = 0 OR _pool_alone THEN 0.0 ELSE _pool_lambda * _pool_deviation END
                AS _pool_effect,
            -- where the error of the slope acts: far from the centre by what is pooled, from the group by what is not
            _pool_left * (_pool_at_x + _pool_origin_x)
                + CASE WHEN _pool_lambda = 0 THEN 0.0 ELSE _pool_lambda * (_pool_x + _pool_origin_x) END AS _pool_arm,
            CASE WHEN _pool_alone THEN _pool_v ELSE pool_conditional_variance(_pool_tau2, _pool_left) END
                + _pool_left * _pool_left * _pool_variance_at + _pool_arm * _pool_arm * _pool_variance_beta
                AS _pool_variance
        FROM _pool_sampled
    ),
    _pool_terms AS (
        SELECT *,
            CASE WHEN _pool_varies THEN _pool_mu + CASE WHEN _pool_alone THEN 0.0 ELSE _pool_deviation END END
                AS _pool_mean,
            CASE WHEN _pool_told THEN CASE WHEN _pool_varies THEN _pool_lambda ELSE 0.0 END END AS _pool_weight,
            CASE WHEN _pool_told THEN CASE WHEN _pool_varies THEN _pool_effect ELSE 0.0 END END AS _pool_shift,
            CASE WHEN _pool_told THEN CASE WHEN _pool_varies THEN _pool_mu + _pool_effect ELSE _pool_beta END END
                AS _pool_estimate,
            CASE WHEN _pool_told THEN sqrt(CASE WHEN _pool_varies THEN _pool_variance ELSE _pool_variance_beta END) END
                AS _pool_se
        FROM _pool_estimated, (
            SELECT unnest(['intercept', column_names[2]]) AS _pool_term, unnest([true, false]) AS _pool_varies
            FROM _pool_given
        )
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c))
    FROM (
        SELECT *, _pool_term AS term, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_weight AS weight,
            _pool_shift AS effect, _pool_estimate AS estimate, _pool_se AS se,
            pool_lower(_pool_estimate, _pool_se, _pool_quantile) AS lower,
            pool_upper(_pool_estimate, _pool_se, _pool_quantile) AS upper
        FROM _pool_terms
    )
    WHERE (SELECT proper FROM _pool_given);

-- The population of that regression, one row a model: variances, and the coefficients by term in maps. The first SELECT
-- has no rows: it gives the keys of the models their names.
CREATE OR REPLACE MACRO pool_regress_components(
    tbl, y, x, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, weights := NULL, method := 'reml',
    level := 0.95, nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_given AS MATERIALIZED (
        FROM _pool_line_arguments('_pool_schema', y, x, "by", _pool_unnamed, over, weights, method, level, nan, false,
            ['groups', 'n', 'dropped', 'sigma2', 'tau2', 'mu', 'se_mu', 'mu_lower', 'mu_upper', 'mu_p', 'cov_mu', 'icc',
                'r2_marginal', 'r2_conditional', 'log_likelihood', 'aic', 'singular', 'converged'])
    ),
    _pool_origins AS MATERIALIZED (FROM _pool_origins_of(_pool_read(tbl), y, x, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_line_plain(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_weighed AS MATERIALIZED (FROM _pool_line_weighed(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_line_groups('_pool_plain', '_pool_weighed')),
    _pool_components AS MATERIALIZED (FROM _pool_line_components('_pool_groups', method)),
    _pool_placed AS (
        SELECT c.*, _pool_quantile, ['intercept', column_names[2]] AS _pool_names,
            _pool_at_x + _pool_origin_x AS _pool_arm,
            [_pool_at_y + _pool_origin_y - _pool_beta * _pool_arm, _pool_beta] AS _pool_mu,
            [sqrt(_pool_variance_at + _pool_arm * _pool_arm * _pool_variance_beta), sqrt(_pool_variance_beta)]
                AS _pool_se
        FROM _pool_components AS c, _pool_origins, _pool_given, _pool_quantile_of(level)
    ),
    _pool_named AS (
        SELECT over, NULL::BIGINT AS groups, NULL::BIGINT AS n, NULL::BIGINT AS dropped, NULL::DOUBLE AS sigma2,
            NULL::MAP(VARCHAR, DOUBLE) AS tau2, NULL::MAP(VARCHAR, DOUBLE) AS mu, NULL::MAP(VARCHAR, DOUBLE) AS se_mu,
            NULL::MAP(VARCHAR, DOUBLE) AS mu_lower, NULL::MAP(VARCHAR, DOUBLE) AS mu_upper,
            NULL::MAP(VARCHAR, DOUBLE) AS mu_p, NULL::MAP(VARCHAR, MAP(VARCHAR, DOUBLE)) AS cov_mu,
            NULL::DOUBLE AS icc, NULL::DOUBLE AS r2_marginal, NULL::DOUBLE AS r2_conditional,
            NULL::DOUBLE AS log_likelihood, NULL::DOUBLE AS aic, NULL::VARCHAR AS singular, NULL::BOOLEAN AS converged
        FROM _pool_schema WHERE false
        UNION ALL
        SELECT unnest(_pool_model), _pool_groups::BIGINT, _pool_rows::BIGINT, _pool_lost::BIGINT, _pool_sigma2,
            map(['intercept'], [_pool_tau2]), map(_pool_names, _pool_mu), map(_pool_names, _pool_se),
            map(_pool_names, [pool_lower(_pool_mu[1], _pool_se[1], _pool_quantile),
                pool_lower(_pool_mu[2], _pool_se[2], _pool_quantile)]),
            map(_pool_names, [pool_upper(_pool_mu[1], _pool_se[1], _pool_quantile),
                pool_upper(_pool_mu[2], _pool_se[2], _pool_quantile)]),
            map(_pool_names, [_pool_two_sided(_pool_mu[1], _pool_se[1]), _pool_two_sided(_pool_mu[2], _pool_se[2])]),
            map(_pool_names, [
                map(_pool_names, [_pool_variance_at + _pool_arm * _pool_arm * _pool_variance_beta,
                    -_pool_arm * _pool_variance_beta]),
                map(_pool_names, [-_pool_arm * _pool_variance_beta, _pool_variance_beta])]),
            pool_icc(_pool_tau2, _pool_sigma2),
            _pool_finite(pool_regression_r2_marginal(_pool_fixed, _pool_tau2, _pool_sigma2)),
            _pool_finite(pool_regression_r2_conditional(_pool_fixed, _pool_tau2, _pool_sigma2)),
            _pool_log_likelihood, 8 - 2 * _pool_log_likelihood,
            CASE WHEN _pool_tau2 = 0 THEN 'the intercept does not vary between groups: its variance is 0' END,
            _pool_converged
        FROM _pool_placed
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named
    WHERE (SELECT proper FROM _pool_given);
