-- ---------------------------------------------------------------------------------------------------------------------
-- Rows to one row per group: the sufficient statistics, from plain sums in one group-by.
--
-- Values are deviations from an offset, so that a common offset costs no digits. The relation _pool_origin is that of
-- the surrounding query. All relations of the macros and all private columns have names that begin with _pool_.
-- ---------------------------------------------------------------------------------------------------------------------

-- Whether every group has a variance of its own.
CREATE OR REPLACE MACRO _pool_own_variance(sigma2) AS _pool_name(sigma2) IN ('separate', 'squeezed');

-- Groups of rows of equal weight, straight from the table: keys, the keys of the model under private names, n, y (the
-- mean less the origin) and var. For other input there are no such groups: the planner sees this from the types and
-- reads nothing.
--
-- `more` is an aggregate of further columns, for models that need one; it is NULL in others.
--
-- From version 2 on, the state of DuckDB's variance holds count, mean and squares in one aggregate (by Welford's
-- updates, which centre before they square). Earlier versions need three aggregates.
CREATE OR REPLACE MACRO _pool_states(tbl, value, "by", over, n, var, se, weights, nan, more := NULL) AS TABLE
    SELECT * EXCLUDE (_pool_state), _pool_state.count::DOUBLE AS _pool_n,
        CASE WHEN _pool_state.count > 0 THEN _pool_state.mean END AS _pool_y,
        CASE WHEN _pool_state.count > 1 THEN _pool_state.dsquared / (_pool_state.count - 1) END AS _pool_var
    FROM (
        SELECT over, "by", over AS _pool_over, more AS _pool_key_more,
            (var_samp(_pool_less_origin(value, nan, _pool_origin, _pool_start, _pool_bigint, _pool_scale)) EXPORT_STATE)
                ::STRUCT(count UBIGINT, mean DOUBLE, dsquared DOUBLE) AS _pool_state
        FROM query_table(tbl), _pool_origin
        WHERE _pool_absent(weights) AND _pool_absent(n) AND _pool_absent(var) AND _pool_absent(se)
        GROUP BY ALL
    );

CREATE OR REPLACE MACRO _pool_aggregates(
    tbl, value, "by", over, n, var, se, weights, nan, more := NULL
) AS TABLE
    SELECT over, "by", over AS _pool_over, more AS _pool_key_more,
        count(_pool_value(value, nan))::DOUBLE AS _pool_n,
        avg(_pool_less_origin(value, nan, _pool_origin, _pool_start, _pool_bigint, _pool_scale)) AS _pool_y,
        var_samp(_pool_finite(_pool_less_origin(
            value, nan, _pool_origin, _pool_start, _pool_bigint, _pool_scale))) AS _pool_var
    FROM query_table(tbl), _pool_origin
    WHERE _pool_absent(weights) AND _pool_absent(n) AND _pool_absent(var) AND _pool_absent(se)
    GROUP BY ALL;

CREATE OR REPLACE MACRO _pool_plain(tbl, value, "by", over, n, var, se, weights, nan, more := NULL) AS TABLE
    WITH _pool_states AS NOT MATERIALIZED (
        FROM _pool_states(tbl, value, "by", over, n, var, se, weights, nan, more := more)
    ),
    _pool_aggregates AS NOT MATERIALIZED (
        FROM _pool_aggregates(tbl, value, "by", over, n, var, se, weights, nan, more := more)
    )
    FROM query_table(CASE WHEN version() LIKE 'v1.%' THEN '_pool_aggregates' ELSE '_pool_states' END);

-- The other inputs: weighted rows, stored moments and published estimates, as private numbers beside the columns of the
-- table. Keys are read above this relation, in the GROUP BY: there an absent `over` is a constant and costs nothing.
CREATE OR REPLACE MACRO _pool_numbers(tbl, value, n, var, se, weights, nan) AS TABLE
    SELECT _pool_less_origin(value, nan, _pool_origin, _pool_start, _pool_bigint, _pool_scale) AS _pool_x,
        TRY_CAST(n AS DOUBLE) AS _pool_n, TRY_CAST(var AS DOUBLE) AS _pool_var, TRY_CAST(se AS DOUBLE) AS _pool_se,
        TRY_CAST(weights AS DOUBLE) AS _pool_weights, NOT _pool_absent(weights) AS _pool_weighted,
        CASE
            WHEN NOT _pool_absent(se) AND _pool_absent(n) THEN 'published'
            WHEN NOT _pool_absent(se) THEN 'published with n'
            WHEN NOT (_pool_absent(n) AND _pool_absent(var)) THEN 'moments'
            WHEN NOT _pool_absent(weights) THEN 'weighted rows'
            ELSE 'plain rows'
        END AS _pool_input, *
    FROM query_table(tbl), _pool_origin;

-- A sum in which each bad value counts as -2^900 shows how many there are, without another aggregate.
CREATE OR REPLACE MACRO _pool_bad() AS -(2.0::DOUBLE ** 900);
CREATE OR REPLACE MACRO _pool_number_of_bad(total) AS CASE WHEN total < 0 THEN round(total / _pool_bad()) ELSE 0.0 END;

-- Sums of weighted rows by group, from the states of two covariances, or from their results (as in _pool_states).
CREATE OR REPLACE MACRO _pool_weighted_states(rows, "by", over, more := NULL) AS TABLE
    SELECT * EXCLUDE (_pool_of_hx, _pool_of_h), _pool_of_h.count::DOUBLE AS _pool_n,
        _pool_n * _pool_of_hx.meany AS _pool_sum_hx,
        _pool_of_h.co_moment / (_pool_n - 1) AS _pool_cov_h, _pool_of_hx.co_moment / (_pool_n - 1) AS _pool_cov_hx
    FROM (
        SELECT over, "by", over AS _pool_over, more AS _pool_key_more, sum(_pool_h) AS _pool_sum_h,
            (covar_samp(_pool_h, _pool_x) EXPORT_STATE)
                ::STRUCT(count UBIGINT, meanx DOUBLE, meany DOUBLE, co_moment DOUBLE) AS _pool_of_h,
            (covar_samp(_pool_h * _pool_x, _pool_x) EXPORT_STATE)
                ::STRUCT(count UBIGINT, meanx DOUBLE, meany DOUBLE, co_moment DOUBLE) AS _pool_of_hx
        FROM query_table(rows) GROUP BY ALL
    );

CREATE OR REPLACE MACRO _pool_weighted_aggregates(rows, "by", over, more := NULL) AS TABLE
    SELECT over, "by", over AS _pool_over, more AS _pool_key_more, sum(_pool_h) AS _pool_sum_h,
        count(_pool_h)::DOUBLE AS _pool_n, sum(_pool_h * _pool_x) AS _pool_sum_hx,
        covar_samp(_pool_h, _pool_x) AS _pool_cov_h, covar_samp(_pool_h * _pool_x, _pool_x) AS _pool_cov_hx
    FROM query_table(rows) GROUP BY ALL;

-- Groups of weighted rows; a row of weight 0 does not count.
CREATE OR REPLACE MACRO _pool_weighted_rows(numbers, "by", over, more := NULL) AS TABLE
    WITH _pool_rows AS NOT MATERIALIZED (
        SELECT CASE
                WHEN _pool_x IS NULL OR _pool_weights = 0 THEN NULL
                WHEN _pool_weights > 0 AND _pool_weights < 'infinity'::DOUBLE THEN _pool_weights
                ELSE _pool_bad()
            END AS _pool_h, *
        FROM query_table(numbers) WHERE _pool_input = 'weighted rows'
    ),
    _pool_states AS NOT MATERIALIZED (FROM _pool_weighted_states('_pool_rows', "by", over, more := more)),
    _pool_aggregates AS NOT MATERIALIZED (FROM _pool_weighted_aggregates('_pool_rows', "by", over, more := more))
    SELECT COLUMNS(lambda c: _pool_is_key(c)), _pool_n, coalesce(_pool_sum_h, 0.0) AS _pool_w,
        CASE WHEN _pool_n > 0 THEN _pool_sum_hx / _pool_sum_h END AS _pool_y,
        pool_squares_between(_pool_n, _pool_sum_hx, _pool_sum_h, _pool_cov_hx, _pool_cov_h) AS _pool_squares,
        NULL::DOUBLE AS _pool_v, false AS _pool_sized, _pool_number_of_bad(_pool_sum_h) AS _pool_bad_weights
    FROM query_table(CASE WHEN version() LIKE 'v1.%' THEN '_pool_aggregates' ELSE '_pool_states' END);

-- Groups of stored moments, of weighted rows too.
CREATE OR REPLACE MACRO _pool_stored_moments(numbers, "by", over, sigma2, more := NULL) AS TABLE
    SELECT over, "by", over AS _pool_over, more AS _pool_key_more,
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
        SELECT CASE WHEN _pool_x IS NOT NULL AND _pool_n > 0 AND (_pool_weights > 0 OR NOT _pool_weighted)
                THEN coalesce(_pool_weights, _pool_n) END AS _pool_h, *
        FROM query_table(numbers) WHERE _pool_input = 'moments'
    )
    GROUP BY ALL;

-- Sums of published estimates by group; an estimate with infinite error has no information.
CREATE OR REPLACE MACRO _pool_published_sums(numbers, "by", over, needs_n, more := NULL) AS TABLE
    WITH _pool_rows AS NOT MATERIALIZED (
        SELECT CASE
                WHEN _pool_x IS NULL THEN NULL
                WHEN _pool_se > 2.0::DOUBLE ** -250 AND _pool_se <= 'infinity'::DOUBLE THEN 1 / (_pool_se * _pool_se)
                WHEN _pool_se >= 0 AND _pool_se <= 'infinity'::DOUBLE THEN _pool_exact()
                ELSE _pool_bad()
            END AS _pool_h, *
        FROM query_table(numbers)
    )
    SELECT over, "by", over AS _pool_over, more AS _pool_key_more, sum(_pool_h) AS _pool_sum_h,
        sum(_pool_h * _pool_x) AS _pool_sum_hx,
        NULL::DOUBLE AS _pool_sum_n
    FROM _pool_rows WHERE _pool_input = 'published' GROUP BY ALL
    UNION ALL
    SELECT over, "by", over AS _pool_over, more AS _pool_key_more, sum(_pool_h) AS _pool_sum_h,
        sum(_pool_h * _pool_x) AS _pool_sum_hx,
        sum(CASE
            WHEN _pool_x IS NULL THEN NULL
            WHEN (needs_n OR _pool_n IS NOT NULL) AND _pool_improper(_pool_n) THEN _pool_bad()
            WHEN _pool_h > 0 THEN _pool_n
        END) AS _pool_sum_n
    FROM _pool_rows WHERE _pool_input = 'published with n' GROUP BY ALL;

-- Groups of published estimates, combined by inverse variance.
CREATE OR REPLACE MACRO _pool_published(numbers, "by", over, needs_n, more := NULL) AS TABLE
    SELECT COLUMNS(lambda c: _pool_is_key(c)), CASE WHEN _pool_sum_n > 0 THEN _pool_sum_n END AS _pool_n,
        coalesce(_pool_sum_h, 0.0) AS _pool_w,
        CASE WHEN _pool_sum_h > 0 THEN _pool_sum_hx / _pool_sum_h END AS _pool_y,
        CASE
            WHEN _pool_w = 0 THEN 'infinity'::DOUBLE
            WHEN _pool_w >= _pool_exact() THEN 0.0
            ELSE 1 / _pool_w
        END AS _pool_v,
        NULL::DOUBLE AS _pool_squares, false AS _pool_sized,
        _pool_number_of_bad(_pool_sum_n) AS _pool_bad_n, _pool_number_of_bad(_pool_sum_h) AS _pool_bad_se
    FROM _pool_published_sums(numbers, "by", over, needs_n, more := more);

-- The groups of one of these inputs: the types of the arguments choose it, and the planner drops the others.
CREATE OR REPLACE MACRO _pool_weighed(
    tbl, value, "by", over, n, var, se, weights, nan, sigma2, tau2, mu, more := NULL
) AS TABLE
    WITH _pool_numbers AS NOT MATERIALIZED (FROM _pool_numbers(tbl, value, n, var, se, weights, nan))
    FROM _pool_weighted_rows('_pool_numbers', "by", over, more := more)
    UNION ALL BY NAME FROM _pool_stored_moments('_pool_numbers', "by", over, sigma2, more := more)
    UNION ALL BY NAME FROM _pool_published('_pool_numbers', "by", over, _pool_needs_n(tau2, mu), more := more);

-- One row per group of any input: keys, the key of the model as one struct, n, w (total precision weight), y, squares,
-- var, v (known for published estimates only), and whether groups of equal n are alike.
CREATE OR REPLACE MACRO _pool_groups(inputs, plain, weighed, sigma2) AS TABLE
    WITH _pool_of_rows AS NOT MATERIALIZED (
        SELECT *, _pool_n AS _pool_w,
            pool_above_rounding(_pool_n, pool_squares(_pool_n, _pool_var), _pool_y) AS _pool_squares,
            NULL::DOUBLE AS _pool_v, NOT _pool_own_variance(sigma2) AS _pool_sized
        FROM query_table(plain)
    ),
    _pool_of_any_input AS NOT MATERIALIZED (
        FROM _pool_of_rows
        UNION ALL BY NAME
        SELECT * EXCLUDE (_pool_bad_weights, _pool_bad_n, _pool_bad_var, _pool_bad_se)
            REPLACE (pool_above_rounding(_pool_n, _pool_squares, _pool_y) AS _pool_squares),
            pool_variance(_pool_n, _pool_squares) AS _pool_var
        FROM query_table(weighed)
    )
    SELECT *, struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM _pool_by_input(inputs, '_pool_of_rows', '_pool_of_any_input');

-- Groups that have no rows yet, with n = 0.
CREATE OR REPLACE MACRO _pool_unseen(tbl, "by", over, seen) AS TABLE
    SELECT *, 0.0::DOUBLE AS _pool_n, 0.0::DOUBLE AS _pool_w, NULL::DOUBLE AS _pool_y, NULL::DOUBLE AS _pool_squares,
        NULL::DOUBLE AS _pool_var, 'infinity'::DOUBLE AS _pool_v, false AS _pool_sized
    FROM _pool_unseen_keys(tbl, "by", over, seen);

-- Groups with the components of their models, their mean, sigma2 and sampling variance. A known v is that of a
-- published estimate, or of a group without rows.
CREATE OR REPLACE MACRO _pool_sampled_groups(groups, components, sigma2) AS TABLE
    WITH _pool_pooled_groups AS NOT MATERIALIZED (
        SELECT g.* EXCLUDE (_pool_var, _pool_sized), c.* EXCLUDE (_pool_model), _pool_y + _pool_origin AS _pool_mean,
            _pool_sigma2 AS _pool_own
        FROM query_table(groups) AS g, query_table(components) AS c, _pool_origin
        WHERE _pool_same(g._pool_model, c._pool_model)
    ),
    _pool_separate_groups AS NOT MATERIALIZED (
        SELECT * REPLACE (pool_separate_variance(_pool_n, _pool_squares / (_pool_n - 1), _pool_sigma2) AS _pool_own)
        FROM _pool_pooled_groups
    ),
    _pool_squeezed_groups AS NOT MATERIALIZED (
        SELECT * REPLACE (pool_squeezed_variance(
            _pool_n, _pool_squares / (_pool_n - 1), _pool_df_prior, _pool_sigma2_prior) AS _pool_own)
        FROM _pool_pooled_groups
    )
    SELECT *, coalesce(_pool_v, pool_sampling_variance(_pool_own, _pool_w)) AS _pool_sampling
    FROM query_table(CASE _pool_name(sigma2)
        WHEN 'separate' THEN '_pool_separate_groups'
        WHEN 'squeezed' THEN '_pool_squeezed_groups'
        ELSE '_pool_pooled_groups'
    END);
