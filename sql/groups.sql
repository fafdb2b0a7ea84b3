-- ---------------------------------------------------------------------------------------------------------------------
-- Rows to one row a group: the sufficient statistics, from plain sums in one group-by.
--
-- Values are taken as deviations from an origin, so that a common offset costs no digits. The relation _pool_origin is
-- that of the query around; all its relations and all private columns have names that begin with _pool_.
-- ---------------------------------------------------------------------------------------------------------------------

-- The value; NaN and infinite ones count as missing with nan := 'null'.
CREATE OR REPLACE MACRO _pool_value(value, nan) AS
    CASE WHEN nan <> 'null' OR isfinite(TRY_CAST(value AS DOUBLE)) THEN TRY_CAST(value AS DOUBLE) END;

-- DuckDB refuses the variance of infinite values in words of its own; here they are found by the mean.
CREATE OR REPLACE MACRO _pool_finite(x) AS CASE WHEN isfinite(x) THEN x END;

-- Whether a weight, a count, a variance or a standard error is none.
CREATE OR REPLACE MACRO _pool_improper(x) AS x IS NULL OR NOT (x >= 0 AND x < 'infinity'::DOUBLE);

-- Whether every group has a variance of its own.
CREATE OR REPLACE MACRO _pool_own_variance(sigma2) AS _pool_name(sigma2) IN ('separate', 'squeezed');

-- The precision that stands for se = 0: it outweighs any other, and its products stay finite.
CREATE OR REPLACE MACRO _pool_exact() AS 2.0::DOUBLE ** 500;

-- Types that hold more digits than DOUBLE: BIGINT, wider integers, and decimals of more than 15 digits.
CREATE OR REPLACE MACRO _pool_is_wide(type) AS
    type IN ('BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT', 'BIGNUM')
    OR type LIKE 'DECIMAL%' AND TRY_CAST(regexp_extract(type, '[0-9]+') AS INTEGER) > 15;

-- One row: the offset that the first values have in common, 0 where there is none, as DOUBLE and as text without
-- rounding, and the scale of a decimal. Models of an `over` may lie at quite different places, so they have none, but
-- where the first values have more digits than DOUBLE. From 2^20 on the offset of wide types has no decimal places, so
-- that DOUBLE holds it exactly; beyond 2^100 no DOUBLE is near enough, and it is the first value itself.
CREATE OR REPLACE MACRO _pool_origin_from(firsts) AS TABLE
    WITH starts AS (
        SELECT any_value(first_y) AS start, any_value(first_written) AS written, any_value(type) AS type,
            avg(abs(y - first_y)) < abs(start) / 8 AND min(abs(y)) >= any_value(least) AS near,
            _pool_is_wide(any_value(type)) AND abs(start) >= 2.0 ** 20 AS rounds
        FROM (SELECT *, first(y) OVER () AS first_y, first(written) OVER () AS first_written
            FROM query_table(firsts))
    ),
    origins AS (
        SELECT *, CASE
                WHEN rounds AND type = 'BIGINT' THEN least(start, 9223372036854774784.0)  -- the largest DOUBLE in it
                WHEN rounds THEN floor(start)
                ELSE start
            END AS origin
        FROM starts
    )
    SELECT CASE WHEN near THEN origin ELSE 0.0 END AS _pool_origin,
        CASE
            WHEN near AND rounds AND abs(origin) < 2.0 ** 100 THEN origin::HUGEINT::VARCHAR
            WHEN near THEN written
            ELSE '0'
        END AS _pool_start,
        TRY_CAST(_pool_start AS BIGINT) AS _pool_bigint,
        TRY_CAST(regexp_extract(type, ',([0-9]+)', 1) AS INTEGER) AS _pool_scale
    FROM origins;

CREATE OR REPLACE MACRO _pool_origin_of(tbl, value, over) AS TABLE
    WITH _pool_firsts AS (
        SELECT TRY_CAST(value AS DOUBLE) AS y, TRY_CAST(value AS VARCHAR) AS written, typeof(value) AS type,
            CASE WHEN _pool_absent(over) THEN 0.0 ELSE 2.0 ** 53 END AS least
        FROM query_table(tbl)
        WHERE (_pool_absent(over) OR _pool_is_wide(typeof(value))) AND isfinite(TRY_CAST(value AS DOUBLE))
        LIMIT 1000
    )
    FROM _pool_origin_from('_pool_firsts');

-- The difference of a decimal and the offset, by the least of these scales that holds both; NULL where none does.
CREATE OR REPLACE MACRO _pool_decimal_less(value, start, scale) AS
    CASE
        WHEN scale <= 2 THEN (TRY_CAST(value AS DECIMAL(38, 2)) - TRY_CAST(start AS DECIMAL(38, 2)))::DOUBLE
        WHEN scale <= 4 THEN (TRY_CAST(value AS DECIMAL(38, 4)) - TRY_CAST(start AS DECIMAL(38, 4)))::DOUBLE
        WHEN scale <= 6 THEN (TRY_CAST(value AS DECIMAL(38, 6)) - TRY_CAST(start AS DECIMAL(38, 6)))::DOUBLE
        WHEN scale <= 9 THEN (TRY_CAST(value AS DECIMAL(38, 9)) - TRY_CAST(start AS DECIMAL(38, 9)))::DOUBLE
        WHEN scale <= 12 THEN (TRY_CAST(value AS DECIMAL(38, 12)) - TRY_CAST(start AS DECIMAL(38, 12)))::DOUBLE
        WHEN scale <= 18 THEN (TRY_CAST(value AS DECIMAL(38, 18)) - TRY_CAST(start AS DECIMAL(38, 18)))::DOUBLE
        WHEN scale <= 27 THEN (TRY_CAST(value AS DECIMAL(38, 27)) - TRY_CAST(start AS DECIMAL(38, 27)))::DOUBLE
        WHEN scale <= 37 THEN (TRY_CAST(value AS DECIMAL(38, 37)) - TRY_CAST(start AS DECIMAL(38, 37)))::DOUBLE
    END;

-- The value less the offset, rounded once: wide types in a type that holds the difference exactly, where DOUBLE shows
-- that it fits; elsewhere the difference is so large that DOUBLE has all the digits of the result.
CREATE OR REPLACE MACRO _pool_less_origin(value, nan, origin, start, whole, scale) AS
    CASE
        WHEN typeof(value) IN ('DOUBLE', 'FLOAT') THEN _pool_value(value, nan) - origin
        WHEN typeof(value) = 'BIGINT' THEN coalesce(
            TRY(TRY_CAST(value AS BIGINT) - whole)::DOUBLE, TRY_CAST(value AS DOUBLE) - origin)
        WHEN origin = 0 THEN TRY_CAST(value AS DOUBLE)
        WHEN typeof(value) IN ('UBIGINT', 'HUGEINT') AND abs(TRY_CAST(value AS DOUBLE) - origin) < 2.0 ** 124
            THEN (TRY_CAST(value AS HUGEINT) - TRY_CAST(start AS HUGEINT))::DOUBLE
        WHEN typeof(value) = 'BIGNUM' THEN coalesce(  -- a cast of it to HUGEINT raises in DuckDB 1, even in TRY_CAST
            TRY(TRY_CAST(TRY_CAST(value AS VARCHAR) AS HUGEINT) - TRY_CAST(start AS HUGEINT))::DOUBLE,
            TRY_CAST(value AS DOUBLE) - origin)
        WHEN typeof(value) = 'UHUGEINT' AND TRY_CAST(value AS UHUGEINT) >= TRY_CAST(start AS UHUGEINT)
            THEN (TRY_CAST(value AS UHUGEINT) - TRY_CAST(start AS UHUGEINT))::DOUBLE
        WHEN typeof(value) = 'UHUGEINT'
            THEN -(TRY_CAST(start AS UHUGEINT) - TRY_CAST(value AS UHUGEINT))::DOUBLE
        WHEN typeof(value) LIKE 'DECIMAL%' AND abs(TRY_CAST(value AS DOUBLE) - origin) < 10.0 ** (36 - scale)
            THEN coalesce(_pool_decimal_less(value, start, scale), TRY_CAST(value AS DOUBLE) - origin)
        ELSE TRY_CAST(value AS DOUBLE) - origin
    END;

-- Groups of rows that all count alike, straight from the table: keys, those of the model once more, n, y (the mean less
-- the origin) and var. For other input there are none: the planner sees it by the types and reads nothing.
--
-- From version 2 on the state of DuckDB's variance tells count, mean and squares (by Welford's updates, which centre
-- before they square) in one aggregate; before, it takes three.
CREATE OR REPLACE MACRO _pool_states(tbl, value, "by", over, n, var, se, weights, nan) AS TABLE
    SELECT * EXCLUDE (_pool_state), _pool_state.count::DOUBLE AS _pool_n,
        CASE WHEN _pool_state.count > 0 THEN _pool_state.mean END AS _pool_y,
        CASE WHEN _pool_state.count > 1 THEN _pool_state.dsquared / (_pool_state.count - 1) END AS _pool_var
    FROM (
        SELECT over, "by", over AS _pool_over,
            (var_samp(_pool_less_origin(value, nan, _pool_origin, _pool_start, _pool_bigint, _pool_scale)) EXPORT_STATE)
                ::STRUCT(count UBIGINT, mean DOUBLE, dsquared DOUBLE) AS _pool_state
        FROM query_table(tbl), _pool_origin
        WHERE _pool_absent(weights) AND _pool_absent(n) AND _pool_absent(var) AND _pool_absent(se)
        GROUP BY ALL
    );

CREATE OR REPLACE MACRO _pool_aggregates(tbl, value, "by", over, n, var, se, weights, nan) AS TABLE
    SELECT over, "by", over AS _pool_over,
        count(_pool_value(value, nan))::DOUBLE AS _pool_n,
        avg(_pool_less_origin(value, nan, _pool_origin, _pool_start, _pool_bigint, _pool_scale)) AS _pool_y,
        var_samp(_pool_finite(_pool_less_origin(
            value, nan, _pool_origin, _pool_start, _pool_bigint, _pool_scale))) AS _pool_var
    FROM query_table(tbl), _pool_origin
    WHERE _pool_absent(weights) AND _pool_absent(n) AND _pool_absent(var) AND _pool_absent(se)
    GROUP BY ALL;

CREATE OR REPLACE MACRO _pool_plain(tbl, value, "by", over, n, var, se, weights, nan) AS TABLE
    WITH _pool_states AS NOT MATERIALIZED (FROM _pool_states(tbl, value, "by", over, n, var, se, weights, nan)),
    _pool_aggregates AS NOT MATERIALIZED (FROM _pool_aggregates(tbl, value, "by", over, n, var, se, weights, nan))
    FROM query_table(CASE WHEN version() LIKE 'v1.%' THEN '_pool_aggregates' ELSE '_pool_states' END);

-- The other inputs: weighted rows, stored moments and published estimates, as keys and private numbers.
CREATE OR REPLACE MACRO _pool_numbers(tbl, value, "by", over, n, var, se, weights, nan) AS TABLE
    SELECT over, "by", over AS _pool_over,
        _pool_less_origin(value, nan, _pool_origin, _pool_start, _pool_bigint, _pool_scale) AS _pool_x,
        TRY_CAST(n AS DOUBLE) AS _pool_n, TRY_CAST(var AS DOUBLE) AS _pool_var, TRY_CAST(se AS DOUBLE) AS _pool_se,
        TRY_CAST(weights AS DOUBLE) AS _pool_weights, NOT _pool_absent(weights) AS _pool_weighted,
        CASE
            WHEN NOT _pool_absent(se) THEN 'published'
            WHEN NOT (_pool_absent(n) AND _pool_absent(var)) THEN 'moments'
            WHEN NOT _pool_absent(weights) THEN 'weighted rows'
            ELSE 'plain rows'
        END AS _pool_input
    FROM query_table(tbl), _pool_origin;

-- Whether a column is a key: a group's under its own name, or a model's under its private one.
CREATE OR REPLACE MACRO _pool_is_key(name) AS NOT starts_with(name, '_pool_') OR starts_with(name, '_pool_over');

-- Groups of weighted rows; a row of weight 0 does not count.
CREATE OR REPLACE MACRO _pool_weighted_rows(numbers) AS TABLE
    SELECT COLUMNS(lambda c: _pool_is_key(c)),
        count(_pool_h)::DOUBLE AS _pool_n,
        coalesce(sum(_pool_h), 0.0) AS _pool_w,
        sum(_pool_h * _pool_x) / sum(_pool_h) AS _pool_y,
        pool_squares_between(
            count(_pool_h), sum(_pool_h * _pool_x), sum(_pool_h),
            covar_samp(_pool_h * _pool_x, _pool_x), covar_samp(_pool_h, _pool_x)
        ) AS _pool_squares,
        NULL::DOUBLE AS _pool_v, false AS _pool_sized,
        count_if(_pool_x IS NOT NULL AND _pool_improper(_pool_weights)) AS _pool_bad_weights
    FROM (
        SELECT *, CASE WHEN _pool_x IS NOT NULL AND _pool_weights > 0 THEN _pool_weights END AS _pool_h
        FROM query_table(numbers) WHERE _pool_input = 'weighted rows'
    )
    GROUP BY ALL;

-- Groups of stored moments, of weighted rows too.
CREATE OR REPLACE MACRO _pool_stored_moments(numbers, sigma2) AS TABLE
    SELECT COLUMNS(lambda c: _pool_is_key(c)),
        coalesce(sum(CASE WHEN _pool_h > 0 THEN _pool_n END), 0.0) AS _pool_n,
        coalesce(sum(_pool_h), 0.0) AS _pool_w,
        sum(_pool_h * _pool_x) / sum(_pool_h) AS _pool_y,
        sum(CASE WHEN _pool_h > 0 THEN pool_squares(_pool_n, _pool_var) END) + pool_squares_between(
            count(_pool_h), sum(_pool_h * _pool_x), sum(_pool_h),
            covar_samp(_pool_h * _pool_x, _pool_x), covar_samp(_pool_h, _pool_x)
        ) AS _pool_squares,
        NULL::DOUBLE AS _pool_v, bool_and(NOT _pool_weighted) AND NOT _pool_own_variance(sigma2) AS _pool_sized,
        count_if(_pool_weighted AND _pool_x IS NOT NULL AND _pool_improper(_pool_weights)) AS _pool_bad_weights,
        count_if(_pool_x IS NOT NULL AND (_pool_improper(_pool_n) OR floor(_pool_n) <> _pool_n)) AS _pool_bad_n,
        count_if(_pool_x IS NOT NULL AND _pool_n > 1 AND _pool_improper(_pool_var)) AS _pool_bad_var
    FROM (
        SELECT *,
            CASE WHEN _pool_x IS NOT NULL AND _pool_n > 0 AND (_pool_weights > 0 OR NOT _pool_weighted)
                THEN coalesce(_pool_weights, _pool_n) END AS _pool_h
        FROM query_table(numbers) WHERE _pool_input = 'moments'
    )
    GROUP BY ALL;

-- Groups of published estimates, combined by inverse variance; one of infinite error has no information.
CREATE OR REPLACE MACRO _pool_published(numbers) AS TABLE
    SELECT * EXCLUDE (_pool_sum_n),
        CASE WHEN _pool_sum_n > 0 THEN _pool_sum_n END AS _pool_n,
        CASE
            WHEN _pool_w = 0 THEN 'infinity'::DOUBLE
            WHEN _pool_w >= _pool_exact() THEN 0.0
            ELSE 1 / _pool_w
        END AS _pool_v
    FROM (
        SELECT COLUMNS(lambda c: _pool_is_key(c)),
            sum(CASE WHEN _pool_h > 0 THEN _pool_n END) AS _pool_sum_n,
            coalesce(sum(_pool_h), 0.0) AS _pool_w,
            CASE WHEN sum(_pool_h) > 0 THEN sum(_pool_h * _pool_x) / sum(_pool_h) END AS _pool_y,
            NULL::DOUBLE AS _pool_squares, false AS _pool_sized,
            count_if(_pool_x IS NOT NULL AND _pool_n IS NULL) AS _pool_no_n,
            count_if(_pool_x IS NOT NULL AND _pool_n IS NOT NULL AND _pool_improper(_pool_n)) AS _pool_bad_n,
            count_if(_pool_x IS NOT NULL AND (_pool_se IS NULL OR isnan(_pool_se) OR _pool_se < 0)) AS _pool_bad_se
        FROM (
            SELECT *, CASE
                    WHEN _pool_x IS NULL THEN NULL
                    WHEN _pool_se > 2.0::DOUBLE ** -250 THEN 1 / (_pool_se * _pool_se)
                    ELSE _pool_exact()
                END AS _pool_h
            FROM query_table(numbers) WHERE _pool_input = 'published'
        )
        GROUP BY ALL
    );

-- Groups of whichever of these inputs it is: the types of the arguments leave one, the planner drops the others.
CREATE OR REPLACE MACRO _pool_weighed(tbl, value, "by", over, n, var, se, weights, nan, sigma2) AS TABLE
    WITH _pool_numbers AS NOT MATERIALIZED (FROM _pool_numbers(tbl, value, "by", over, n, var, se, weights, nan))
    FROM _pool_weighted_rows('_pool_numbers')
    UNION ALL BY NAME FROM _pool_stored_moments('_pool_numbers', sigma2)
    UNION ALL BY NAME FROM _pool_published('_pool_numbers');

-- One row a group of either kind: keys, the key of the model as one struct, n, w (total precision weight), y, squares,
-- var, v, which only published estimates tell, and whether groups of equal n are alike.
CREATE OR REPLACE MACRO _pool_groups(plain, weighed, sigma2) AS TABLE
    WITH _pool_found AS NOT MATERIALIZED (
        SELECT *, _pool_n AS _pool_w,
            pool_above_rounding(_pool_n, pool_squares(_pool_n, _pool_var), _pool_y) AS _pool_squares,
            NULL::DOUBLE AS _pool_v, NOT _pool_own_variance(sigma2) AS _pool_sized
        FROM query_table(plain)
        UNION ALL BY NAME
        SELECT * EXCLUDE (_pool_bad_weights, _pool_no_n, _pool_bad_n, _pool_bad_var, _pool_bad_se)
            REPLACE (pool_above_rounding(_pool_n, _pool_squares, _pool_y) AS _pool_squares),
            pool_variance(_pool_n, _pool_squares) AS _pool_var
        FROM query_table(weighed)
    )
    SELECT *, struct_pack(*COLUMNS('^_pool_over')) AS _pool_model FROM _pool_found;

-- Whether a column is a key under its own name, and not an absent `over`.
CREATE OR REPLACE MACRO _pool_is_shown(name) AS
    NOT (starts_with(name, '_pool_') OR contains(name, '_pool_absent') OR name = 'NULL');

-- Whether the types of keys are equal, or there is one that holds the values of both: a wider integer, or text.
CREATE OR REPLACE MACRO _pool_both(type, other, kind) AS
    regexp_full_match(type, kind) AND regexp_full_match(other, kind);
CREATE OR REPLACE MACRO _pool_one_type(types, others) AS
    len(types) = len(others) AND len(list_filter(list_zip(types, others), lambda pair: NOT (
        pair[1] = pair[2]
        OR _pool_both(pair[1], pair[2], '(TINY|SMALL|BIG)INT|INTEGER|U(TINY|SMALL)INT|UINTEGER')
        OR _pool_both(pair[1], pair[2], 'U(TINY|SMALL|BIG)INT|UINTEGER')
        OR _pool_both(pair[1], pair[2], 'VARCHAR|(?s)ENUM\(.*\)')
    ))) = 0;

-- The keys of another table that are not among the groups.
CREATE OR REPLACE MACRO _pool_unseen_keys(tbl, "by", over, seen) AS TABLE
    WITH _pool_new AS (SELECT DISTINCT over, "by", over AS _pool_over FROM query_table(tbl)),
    _pool_left AS (
        SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM (SELECT 1 AS _pool_one) LEFT JOIN _pool_new ON false
    ),
    _pool_right AS (
        SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM (SELECT 1 AS _pool_one) LEFT JOIN query_table(seen) ON false
    ),
    _pool_same_types AS (
        SELECT CASE WHEN _pool_one_type(of_left.types, of_right.types) THEN true ELSE error('the keys are '
            || left_type || ' in groups= and ' || right_type || ' in the table; cast one of them') END AS same_types
        FROM (SELECT [*COLUMNS(*)] AS types FROM (SELECT typeof(COLUMNS(*)) FROM _pool_left)) AS of_left,
            (SELECT [*COLUMNS(*)] AS types FROM (SELECT typeof(COLUMNS(*)) FROM _pool_right)) AS of_right,
            (SELECT typeof(_pool_left) AS left_type FROM _pool_left),
            (SELECT typeof(_pool_right) AS right_type FROM _pool_right)
    )
    SELECT * EXCLUDE (_pool_key), struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (SELECT *, struct_pack(*COLUMNS(lambda c: _pool_is_shown(c))) AS _pool_key FROM _pool_new) AS _pool_new
    ANTI JOIN (
        SELECT struct_pack(*COLUMNS(lambda c: _pool_is_shown(c))) AS _pool_key FROM query_table(seen)
    ) AS _pool_old ON _pool_new._pool_key IS NOT DISTINCT FROM _pool_old._pool_key
    WHERE (SELECT same_types FROM _pool_same_types);

-- Groups that have no rows yet, with n = 0.
CREATE OR REPLACE MACRO _pool_unseen(tbl, "by", over, seen) AS TABLE
    SELECT *, 0.0::DOUBLE AS _pool_n, 0.0::DOUBLE AS _pool_w, NULL::DOUBLE AS _pool_y, NULL::DOUBLE AS _pool_squares,
        NULL::DOUBLE AS _pool_var, 'infinity'::DOUBLE AS _pool_v, false AS _pool_sized
    FROM _pool_unseen_keys(tbl, "by", over, seen);

-- Groups with the components of their models, their mean, sigma2 and sampling variance.
CREATE OR REPLACE MACRO _pool_sampled_groups(groups, components, sigma2) AS TABLE
    SELECT g.*, c.* EXCLUDE (_pool_model),
        _pool_y + _pool_origin AS _pool_mean,
        CASE
            WHEN _pool_name(sigma2) = 'separate'
                THEN pool_separate_variance(_pool_n, _pool_squares / (_pool_n - 1), _pool_sigma2)
            WHEN _pool_name(sigma2) = 'squeezed' THEN pool_squeezed_variance(
                _pool_n, _pool_squares / (_pool_n - 1), _pool_df_prior, _pool_sigma2_prior)
            ELSE _pool_sigma2
        END AS _pool_own,
        CASE WHEN _pool_published THEN _pool_v ELSE pool_sampling_variance(_pool_own, _pool_w) END AS _pool_sampling
    FROM query_table(groups) AS g, query_table(components) AS c,
        (SELECT published AS _pool_published FROM _pool_given), _pool_origin
    WHERE _pool_same(g._pool_model, c._pool_model);
