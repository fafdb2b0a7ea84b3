-- ---------------------------------------------------------------------------------------------------------------------
-- One row per group to one row per model: sigma2, tau2 and mu of every model at once.
--
-- With one sigma2 the groups enter only through their size, so they are grouped once more by n: ten million groups
-- become about a thousand classes of k groups each. All later sums are over the classes of each model. query_table(CASE
-- ...) chooses the estimator when the query is planned: DuckDB does not bind the others.
-- ---------------------------------------------------------------------------------------------------------------------

-- Groups of equal size in one row: their number, the mean, the spread and the ends of their means, their squares
-- within, and how many means are not finite.
CREATE OR REPLACE MACRO _pool_sizes(groups) AS TABLE
    SELECT *, struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT COLUMNS('^_pool_over'), _pool_n AS n, _pool_n AS w, count(_pool_y)::DOUBLE AS k, avg(_pool_y) AS y,
            avg(_pool_squares) AS squares, NULL::DOUBLE AS v, var_pop(_pool_finite(_pool_y)) AS spread,
            min(_pool_y) AS ymin, max(_pool_y) AS ymax, count_if(NOT isfinite(_pool_y)) AS odd, false AS single
        FROM query_table(groups)
        WHERE _pool_sized
        GROUP BY ALL
    );

-- One row per group where each group has its own variance. A published estimate has weight n, or 1 where n is unknown.
CREATE OR REPLACE MACRO _pool_singles(groups) AS TABLE
    SELECT coalesce(_pool_n, 1.0) AS n, CASE WHEN _pool_v IS NULL THEN _pool_w ELSE coalesce(_pool_n, 1.0) END AS w,
        CASE WHEN _pool_w > 0 THEN 1.0 ELSE 0.0 END AS k, _pool_y AS y, coalesce(_pool_squares, 0.0) AS squares,
        _pool_v AS v, 0.0 AS spread, _pool_y AS ymin, _pool_y AS ymax, (NOT isfinite(_pool_y))::BIGINT AS odd,
        true AS single, _pool_model
    FROM query_table(groups)
    WHERE NOT _pool_sized;

-- All classes: groups of equal size, and single groups. Plain rows with one sigma2 have no single groups.
CREATE OR REPLACE MACRO _pool_classes(sizes, singles, inputs, sigma2) AS TABLE
    WITH with_singles AS NOT MATERIALIZED (FROM query_table(sizes) UNION ALL BY NAME FROM query_table(singles))
    SELECT _pool_model, n, w, k, y, squares, v, spread, ymin, ymax, odd, single
    FROM _pool_by_input(inputs, CASE WHEN _pool_own_variance(sigma2) THEN 'with_singles' ELSE sizes END,
        'with_singles');

-- The models by number with sums over their groups, if their data are sound.
CREATE OR REPLACE MACRO _pool_models(classes, inputs) AS TABLE
    WITH totals AS MATERIALIZED (
        SELECT _pool_model, sum(odd) AS odd, sum(k) AS j, sum(k * n) AS n, sum(k * squares) AS ssw,
            min(NULLIF(w, 0)) AS wmin, max(w) AS wmax, min(ymin) AS ymin, max(ymax) AS ymax,
            fsum(k * y) / sum(k) AS mean, sum(k * w * y) / sum(k * w) AS mean_of_rows
        FROM query_table(classes) GROUP BY _pool_model
    )
    SELECT * EXCLUDE (odd, sound), row_number() OVER () AS model
    FROM totals, _pool_sound(inputs, 'totals', '_pool_weighed')
    WHERE sound;

-- Counts and the variance within of each model; mu costs a degree of freedom unless it is known. Groups with one row
-- each identify sigma2 and tau2 where their weights differ, because Var(y) = tau2 + sigma2 / w. A model is compressed
-- where the weights that its estimators need depend on v alone.
CREATE OR REPLACE MACRO _pool_within(models, sigma2, mu) AS TABLE
    SELECT * EXCLUDE (needs_n, sigma2_known, same), j - fitted AS df,
        CASE
            WHEN published THEN NULL
            WHEN sigma2_known IS NOT NULL THEN sigma2_known
            WHEN identified_by_weights AND same THEN 0.0
            ELSE pool_pooled_variance(ssw, n, j)
        END AS pooled,
        j >= _pool_groups_compressed() AND NOT (own_v AND needs_n) AS compresses,
        NULL::DOUBLE AS df_prior, NULL::DOUBLE AS sigma2_prior
    FROM (
        SELECT model, _pool_model, j, n, ssw, ymin, ymax, mean, mean_of_rows, published, needs_n,
            _pool_number(mu) AS mu_known, CASE WHEN mu_known IS NULL THEN 1.0 ELSE 0.0 END AS fitted,
            -- Two variances need two deviations from mu; weights that are equal up to rounding identify only their sum.
            NOT published AND n = j AND j - fitted >= 2 AND wmax - wmin > 1e-12 * wmax AS identified_by_weights,
            ymax - ymin <= 8.881784197001252e-16 * _pool_larger(abs(ymax), abs(ymin)) AS same,
            NOT published AND _pool_name(sigma2) = 'pooled' AS on_rows,
            published OR _pool_own_variance(sigma2) AS own_v, _pool_number(sigma2) AS sigma2_known
        FROM query_table(models), (SELECT published, needs_n FROM _pool_request)
        WHERE j > 0
    );

-- Counts with the prior to which the variances of the groups are squeezed. A variance of 0 has no logarithm: it counts
-- as 1e-5 times the median, or times the median of the others where the median is 0. A single variance is its own
-- prior, with weight 0.
CREATE OR REPLACE MACRO _pool_with_prior(classes, counted) AS TABLE
    WITH variances AS (
        SELECT model, n - 1 AS own_df, squares / (n - 1) AS var
        FROM query_table(classes) AS c JOIN (SELECT model, _pool_model FROM query_table(counted)) AS m
            ON _pool_same(m._pool_model, c._pool_model)
        WHERE n > 1 AND k > 0
    ),
    floors AS (
        SELECT model, count(*) AS variances, sum(var) AS total, median(var) AS middle,
            median(CASE WHEN var > 0 THEN var END) AS positive,
            1e-5 * CASE WHEN total = 0 THEN 1.0 WHEN middle = 0 THEN positive ELSE middle END AS floor
        FROM variances GROUP BY model
    ),
    moments AS (
        SELECT model, any_value(variances) AS variances, any_value(total) AS total,
            avg(pool_centred_log(floored, own_df)) AS mean_log, avg(floored) AS mean,
            var_samp(pool_centred_log(floored, own_df)) - avg(pool_trigamma(own_df / 2)) AS excess
        FROM (SELECT *, _pool_larger(var, floor) AS floored FROM variances JOIN floors USING (model))
        GROUP BY model
    ),
    priors AS (
        SELECT *, CASE WHEN variances = 1 THEN 0.0 WHEN total = 0 THEN 'infinity'::DOUBLE ELSE pool_prior_df(excess) END
            AS df_prior
        FROM moments
    )
    SELECT c.* REPLACE (
        p.df_prior AS df_prior,
        CASE WHEN variances = 1 OR total = 0 THEN total ELSE pool_prior_variance(mean_log, p.mean, p.df_prior) END
            AS sigma2_prior)
    FROM query_table(counted) AS c LEFT JOIN priors AS p USING (model);

-- Classes with the number of their model and the sampling variance of their groups.
CREATE OR REPLACE MACRO _pool_each_sampled(classes, counted, sigma2) AS TABLE
    WITH joined AS (
        SELECT c.* EXCLUDE (_pool_model, ymin, ymax, odd, single), single AND compresses AS compressed,
            m.* EXCLUDE (_pool_model)
        FROM query_table(classes) AS c, (
            SELECT model, _pool_model, published, compresses, own_v, pooled, df_prior, sigma2_prior
            FROM query_table(counted)
        ) AS m
        WHERE _pool_same(m._pool_model, c._pool_model) AND k > 0
    ),
    together AS (SELECT *, pooled AS own FROM joined),
    separate AS (SELECT *, pool_separate_variance(n, squares / (n - 1), pooled) AS own FROM joined),
    squeezed AS (SELECT *, pool_squeezed_variance(n, squares / (n - 1), df_prior, sigma2_prior) AS own FROM joined)
    SELECT *, CASE WHEN own_v THEN v ELSE 1 / w END AS u
    FROM (
        SELECT model, n, w, k, y, squares, spread, compressed, own_v,
            CASE WHEN published THEN v ELSE pool_sampling_variance(own, w) END AS v
        FROM query_table(CASE WHEN _pool_own_variance(sigma2) THEN _pool_name(sigma2) ELSE 'together' END)
    );

-- Classes with their sampling variance, single groups of large models compressed.
CREATE OR REPLACE MACRO _pool_sampled(classes, counted, inputs, sigma2) AS TABLE
    WITH each AS NOT MATERIALIZED (FROM _pool_each_sampled(classes, counted, sigma2)),
    compressed AS NOT MATERIALIZED (FROM _pool_compressed('each'))
    SELECT model, n, w, k, y, squares, v, spread
    FROM _pool_by_input(inputs, CASE WHEN _pool_own_variance(sigma2) THEN 'compressed' ELSE 'each' END, 'compressed');

-- Models with `start`, the centre of all later means: the mean of the groups with v = 0, whose weight is infinite, else
-- of all groups. So 1 / v may grow without rounding errors. Where the fourth power of the spread may overflow or
-- underflow, the model is computed in a unit of its own, a power of two. A posterior is not: its prior has a unit. In
-- this unit, less `start`: the ends of the groups' means, their plain mean and that of the rows, or the known mu.
CREATE OR REPLACE MACRO _pool_started(sampled, counted, method, in_units) AS TABLE
    WITH ranges AS (
        SELECT model, count(v) = count(*) AS has_v, min(w) AS wmin, max(w) AS wmax, min(v) AS vmin, max(v) AS vmax,
            min(CASE WHEN v > 0 THEN v END) AS vleast, sum(CASE WHEN v = 0 THEN k ELSE 0.0 END) AS exact,
            sum(CASE WHEN v = 0 THEN k * y END) AS exact_y
        FROM query_table(sampled) GROUP BY model
    ),
    sized AS (
        -- Squares of values near 0 may be 0 themselves.
        SELECT *, greatest(ymax - ymin, sqrt(coalesce(ssw / n, 0.0)), sqrt(coalesce(vmin, 0.0))) AS apart,
            greatest(abs(ymax), abs(ymin)) AS near_zero,
            CASE WHEN apart > 0 THEN apart WHEN vmax > 0 THEN sqrt(vmax) WHEN near_zero > 0 THEN near_zero ELSE 1.0 END
                AS size
        FROM query_table(counted) JOIN ranges USING (model)
    ),
    scaled AS (
        -- Whether DOUBLE holds the squares of the spread; standard errors a little below 2^-240 are taken as 0.
        SELECT * EXCLUDE (apart, near_zero, mean, has_v, exact_y),
            size > CASE WHEN published THEN 2.0 ** -240 ELSE 2.0 ** -506 END AND size < 2.0 ** 506 AS measurable,
            CASE
                WHEN in_units AND measurable AND NOT size BETWEEN 2.0 ** -100 AND 2.0 ** 100
                    THEN 2.0 ** round(log2(size))
                ELSE 1.0
            END AS unit_, unit_ * unit_ AS square_unit,
            identified_by_weights AND pooled IS NULL AND on_rows AND _pool_is_joint(method) AS separated,
            has_v OR separated AS identified, CASE WHEN exact > 0 THEN exact_y / exact ELSE mean END AS start,
            mean - start AS plain
        FROM sized
    )
    SELECT model, j, n, published, on_rows, fitted, df, df_prior, sigma2_prior, wmin, wmax, exact, size, unit_,
        measurable, separated, identified, start, ssw / square_unit AS ssw, pooled / square_unit AS pooled,
        vmin / square_unit AS vmin, vmax / square_unit AS vmax, vleast / square_unit AS vleast,
        (ymin - start) / unit_ AS ymin, (ymax - start) / unit_ AS ymax,
        (mu_known - _pool_origin - start) / unit_ AS known, coalesce(known, scaled.plain / unit_) AS plain,
        coalesce(known, (mean_of_rows - start) / unit_) AS of_rows,
        identified AND measurable AND _pool_enough(method, j, fitted) AS estimable,
        separated AND measurable OR estimable AND scaled.ssw > 0 AND on_rows AND _pool_is_joint(method) AS jointly
    FROM scaled, _pool_origin;

-- Classes less `start` in the unit of their model. u is v, or 1 / w where v = sigma2 / w is estimated; `is_top`
-- marks the least u of a model.
CREATE OR REPLACE MACRO _pool_moved(sampled, started) AS TABLE
    SELECT model, n, w, k, (y - start) / unit_ AS y, squares / (unit_ * unit_) AS squares,
        spread / (unit_ * unit_) AS spread, v / (unit_ * unit_) AS v, plain,
        CASE WHEN jointly THEN 1 / w ELSE c.v / (unit_ * unit_) END AS u,
        CASE WHEN jointly THEN w = wmax ELSE c.v / (unit_ * unit_) = vmin END AS is_top
    FROM query_table(sampled) AS c
    JOIN (SELECT model, start, jointly, unit_, plain, wmax, vmin FROM query_table(started)) USING (model);

-- Sums over the classes of each model: the squares about the plain mean (or the known mu), alone and times v, w or
-- 1 / w; 1 / v, w and their squares; and the groups of the least u.
CREATE OR REPLACE MACRO _pool_sums_of_classes(moved) AS TABLE
    SELECT model, sum(k * d2) AS plain_squares, sum(k * d2 * v) AS v_squares, sum(k * d2 * w) AS w_squares,
        sum(k * d2 / w) AS squares_by_w, sum(k / v) AS precision, sum(k / (v * v)) AS precision2, sum(k * w) AS w1,
        sum(k * w * w) AS w2, sum(CASE WHEN is_top THEN k ELSE 0.0 END) AS at_umin,
        avg(CASE WHEN is_top THEN y END) AS y_at_umin
    FROM (SELECT model, k, w, y, v, is_top, (y - plain) * (y - plain) + spread AS d2 FROM query_table(moved))
    GROUP BY model;

-- Models with the statistics that the estimators of tau2 need: these sums, and a bound on each square.
CREATE OR REPLACE MACRO _pool_facts(moved, started) AS TABLE
    SELECT *, CASE WHEN jointly THEN 1 / wmax ELSE vmin END AS umin,
        _pool_larger((ymax - plain) * (ymax - plain), (ymin - plain) * (ymin - plain)) AS reach,
        _pool_larger((ymax - of_rows) * (ymax - of_rows), (ymin - of_rows) * (ymin - of_rows)) AS reach_of_rows
    FROM query_table(started) JOIN _pool_sums_of_classes(moved) USING (model);

-- ---- moments: fixed weights, closed forms ---------------------------------------------------------------------------

-- tau2 of every model, before it is truncated at 0. Where exact groups have infinite weight, their mean is 0 here.
CREATE OR REPLACE MACRO _pool_by_moments(moved, facts, method) AS TABLE
    WITH weighed AS (
        SELECT c.*, _pool_fixed_weight(method, w, v, plain_squares / j) AS a
        FROM query_table(moved) AS c JOIN (SELECT model, plain_squares, j FROM query_table(facts)) USING (model)
    ),
    centres AS (
        SELECT f.*, top,
            coalesce(known, CASE WHEN exact > 0 AND _pool_exact_outweigh(method) THEN 0.0 ELSE ay / a END) AS centre
        FROM query_table(facts) AS f JOIN (
            SELECT model, sum(k * a) AS a, sum(k * a * y) AS ay, max(a) AS top FROM weighed GROUP BY model
        ) USING (model)
    ),
    sums AS (
        SELECT model, sum(k * a * d2) AS ad2, sum(k * a * v) AS av, sum(k * a * a * v) AS a2v, sum(k * a) AS a,
            sum(CASE WHEN v = 0 THEN k * d2 ELSE 0.0 END) AS exact_d2,
            sum(CASE WHEN a = top THEN k ELSE 0.0 END) AS at_top,
            sum(CASE WHEN a < top THEN k * a ELSE 0.0 END) AS rest,
            sum(CASE WHEN a < top THEN k * a * a ELSE 0.0 END) AS rest2
        FROM (
            SELECT w.*, top, (y - centre) * (y - centre) + spread AS d2
            FROM weighed AS w JOIN (SELECT model, top, centre FROM centres) USING (model)
        )
        GROUP BY model
    ),
    squares AS (SELECT *, pool_pairs(at_top, top, rest, rest2) AS pairs FROM centres JOIN sums USING (model))
    SELECT model, NULL::DOUBLE AS hd2, NULL::BOOLEAN AS done, x FROM _pool_moment_estimates('squares', method);

-- The number of models whose groups differ in v by more than rounding, for estimators that need equal v; and the error
-- about them.
CREATE OR REPLACE MACRO _pool_unequal_models(facts) AS TABLE
    SELECT count_if(estimable AND vmax - umin > 1e-12 * vmax) AS unequal FROM query_table(facts);

CREATE OR REPLACE MACRO _pool_unequal(method, instead, models) AS
    error('tau2=''' || method || ''' is for groups of equal sampling variance, all of as many rows, and those of '
        || CASE WHEN models = 1 THEN '1 model' ELSE format('{:,} models', models) END
        || ' differ: ' || instead || ' fit them');

-- ---- the components -------------------------------------------------------------------------------------------------

-- sigma2 and tau2 of every model, and whether the search settled. Where all rows are equal, means may differ by the
-- rounding of their sums only: then tau2 is 0.
CREATE OR REPLACE MACRO _pool_variances(facts, estimates, tau2, method) AS TABLE
    SELECT model, j, n, ssw, df, fitted, on_rows, known, pooled, exact, wmax, vmax, vleast, umin, at_umin, reach,
        plain_squares, jointly, estimable, identified, unit_, start, df_prior, sigma2_prior, x, sigma2_,
        CASE
            WHEN _pool_number(tau2) IS NOT NULL THEN _pool_number(tau2) / (unit_ * unit_)
            WHEN at_the_end THEN plain_squares / _pool_joint_df(method, n, j)
            WHEN jointly THEN x * sigma2_
            WHEN estimable THEN CASE WHEN alike OR x_ < 0 THEN 0.0 ELSE x_ END
        END AS tau2_,
        identified AND measurable AND (_pool_number(tau2) IS NOT NULL OR j <= fitted
            OR estimable AND (at_the_end OR alike AND NOT jointly OR coalesce(done, x_ IS NOT NULL))) AS settled
    FROM (
        SELECT *,
            reach <= 4 * 8.881784197001252e-16 * 8.881784197001252e-16
                * _pool_larger((ymax + start / unit_) ** 2, (ymin + start / unit_) ** 2)
                AND (NOT _pool_is_positive(method) OR exact = j) AS alike,
            -- the likelihood of groups with one row may rise up to the end of the grid
            separated AND x * wmin > 0.99e10 AS at_the_end,
            CASE
                WHEN at_the_end THEN 0.0
                WHEN jointly THEN _pool_joint_sigma2(method, ssw, hd2, n, j)
                ELSE pooled
            END AS sigma2_,
            coalesce(_pool_without_search(method, plain_squares, exact, j, df), x) AS x_
        FROM query_table(facts) LEFT JOIN query_table(estimates) USING (model)
    );

-- Classes with the fitted variances: v by the final sigma2, v0 by the mean square, t = tau2, and c, the weight of a
-- group in mu. At tau2 = 0 exact groups have infinite weight.
CREATE OR REPLACE MACRO _pool_fitted_classes(moved, variances, mu) AS TABLE
    SELECT model, k, w, y, spread, v, v0, t, sigma2_, is_top,
        CASE WHEN weighs THEN _pool_count(mu, outweighed, w, v, t, plugin_v, plugin) ELSE 1.0 END AS c
    FROM (
        SELECT model, k, w, y, spread, is_top, coalesce(m.v, u) AS v0, tau2_ AS t, sigma2_,
            CASE WHEN jointly THEN pool_sampling_variance(sigma2_, w) ELSE m.v END AS v,
            identified AND t IS NOT NULL AS weighs, exact > 0 AND t = 0 AS outweighed, plain_squares / df AS plugin,
            CASE WHEN pooled IS NULL THEN m.v ELSE pool_sampling_variance(pooled, w) END AS plugin_v
        FROM query_table(moved) AS m JOIN (
            SELECT model, tau2_, sigma2_, identified, exact, jointly, plain_squares, df, pooled
            FROM query_table(variances)
        ) USING (model)
    );

CREATE OR REPLACE MACRO _pool_centres(fitted_classes) AS TABLE
    SELECT model, sum(k * c * y) / sum(k * c) AS own,
        sum(k * pool_centre_error(c, v, t)) / (sum(k * c) * sum(k * c)) AS variance
    FROM query_table(fitted_classes) GROUP BY model;
