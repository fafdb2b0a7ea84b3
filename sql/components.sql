-- ---------------------------------------------------------------------------------------------------------------------
-- One row a group to one row a model: sigma2, tau2 and mu of every model at once.
--
-- With one sigma2 the groups enter only through their size, so they are grouped once more by n: ten million groups
-- become about a thousand classes of k groups each. What follows are sums over the classes of each model. Which
-- estimator is read is decided by query_table(CASE ...) when the query is planned: the others are not even bound.
-- ---------------------------------------------------------------------------------------------------------------------

-- About a known mu, restricted maximum likelihood is maximum likelihood.
CREATE OR REPLACE MACRO _pool_method(tau2, mu) AS
    CASE WHEN _pool_name(tau2) = 'reml' AND _pool_number(mu) IS NOT NULL THEN 'ml' ELSE _pool_name(tau2) END;

-- Groups of equal size in one row: how many, the mean and the spread of their means, their mean squares within, and how
-- many of the means are no numbers.
CREATE OR REPLACE MACRO _pool_sizes(groups) AS TABLE
    SELECT *, struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT COLUMNS('^_pool_over'), _pool_n AS n, _pool_n AS w, count(_pool_y)::DOUBLE AS k, avg(_pool_y) AS y,
            avg(_pool_squares) AS squares, NULL::DOUBLE AS v, var_pop(_pool_finite(_pool_y)) AS spread,
            count_if(NOT isfinite(_pool_y)) AS odd
        FROM query_table(groups)
        WHERE _pool_sized
        GROUP BY ALL
    );

-- Each group for itself where it has a variance of its own. Published estimates weigh n, 1 where it is unknown.
CREATE OR REPLACE MACRO _pool_singles(groups) AS TABLE
    SELECT coalesce(_pool_n, 1.0) AS n, CASE WHEN _pool_v IS NULL THEN _pool_w ELSE coalesce(_pool_n, 1.0) END AS w,
        CASE WHEN _pool_w > 0 THEN 1.0 ELSE 0.0 END AS k, _pool_y AS y, coalesce(_pool_squares, 0.0) AS squares,
        _pool_v AS v, 0.0 AS spread, (NOT isfinite(_pool_y))::BIGINT AS odd, _pool_model
    FROM query_table(groups)
    WHERE NOT _pool_sized;

-- The models by number, if their data are sound.
CREATE OR REPLACE MACRO _pool_models(sizes, singles, weighed) AS TABLE
    WITH checked AS MATERIALIZED (
        SELECT _pool_model, sum(odd) AS odd
        FROM (
            SELECT _pool_model, odd FROM query_table(sizes)
            UNION ALL
            SELECT _pool_model, odd FROM query_table(singles)
        )
        GROUP BY _pool_model
    )
    SELECT _pool_model, row_number() OVER () AS model
    FROM checked, _pool_sound('checked', weighed)
    WHERE sound;

-- The classes of every model: groups of equal size, or single groups.
CREATE OR REPLACE MACRO _pool_classes(sizes, singles, models) AS TABLE
    SELECT model, n, w, k, y, squares, v, spread
    FROM query_table(models) AS m, (
        SELECT n, w, k, y, squares, v, spread, _pool_model FROM query_table(sizes)
        UNION ALL
        SELECT n, w, k, y, squares, v, spread, _pool_model FROM query_table(singles)
    ) AS c
    WHERE _pool_same(m._pool_model, c._pool_model) AND k > 0;

-- Counts and the variance within of each model; mu spends a degree of freedom unless it is known.
CREATE OR REPLACE MACRO _pool_within(classes, sigma2, mu) AS TABLE
    SELECT model, j, n, ssw, published,
        CASE WHEN NOT published THEN coalesce(_pool_number(sigma2), pool_pooled_variance(ssw, n, j)) END AS pooled,
        CASE WHEN _pool_number(mu) IS NULL THEN 1.0 ELSE 0.0 END AS fitted,
        j - fitted AS df
    FROM (
        SELECT model, sum(k) AS j, sum(k * n) AS n, sum(k * squares) AS ssw FROM query_table(classes) GROUP BY model
    ), (SELECT published FROM _pool_given);

-- Classes with the sampling variance of their groups.
CREATE OR REPLACE MACRO _pool_sampled(classes, counted, sigma2) AS TABLE
    SELECT c.* EXCLUDE (v),
        CASE
            WHEN published THEN v
            WHEN _pool_name(sigma2) = 'separate'
                THEN pool_sampling_variance(pool_separate_variance(n, squares / (n - 1), pooled), w)
            ELSE pool_sampling_variance(pooled, w)
        END AS v
    FROM query_table(classes) AS c JOIN (SELECT model, published, pooled FROM query_table(counted)) USING (model);

-- Models with the mean that all means are taken about from here: that of the groups with v = 0, which outweigh all
-- others, else of all; so 1 / v may grow without rounding.
CREATE OR REPLACE MACRO _pool_started(sampled, counted, sigma2, tau2) AS TABLE
    SELECT counted.*, identified, exact, CASE WHEN exact > 0 THEN exact_y / exact ELSE all_y / j END AS start,
        identified AND j > fitted AS estimable,
        estimable AND ssw > 0 AND NOT published AND _pool_name(sigma2) = 'pooled'
            AND _pool_name(tau2) IN ('reml', 'ml', 'cv') AS jointly
    FROM query_table(counted) AS counted JOIN (
        SELECT model, count(v) = count(*) AS identified, sum(CASE WHEN v = 0 THEN k ELSE 0.0 END) AS exact,
            sum(CASE WHEN v = 0 THEN k * y END) AS exact_y, sum(k * y) AS all_y
        FROM query_table(sampled) GROUP BY model
    ) USING (model);

CREATE OR REPLACE MACRO _pool_moved(sampled, started) AS TABLE
    SELECT c.* REPLACE (y - start AS y), CASE WHEN jointly THEN 1 / w ELSE v END AS u
    FROM query_table(sampled) AS c JOIN (SELECT model, start, jointly FROM query_table(started)) USING (model);

-- Models with what the estimators of tau2 look at: the extremes of their groups, their plain mean (the known mu where
-- there is one), the squares about it, a bound on any of these, and whether sigma2 and tau2 are estimated jointly.
CREATE OR REPLACE MACRO _pool_facts(moved, started, mu) AS TABLE
    WITH extremes AS (
        SELECT model, min(y) AS ymin, max(y) AS ymax, max(k * spread) AS spread,
            min(w) AS wmin, max(w) AS wmax, min(u) AS umin, max(v) AS vmax, min(CASE WHEN v > 0 THEN v END) AS vleast,
            sum(k * y) / sum(k) AS mean, sum(k * w * y) / sum(k * w) AS mean_of_rows
        FROM query_table(moved) GROUP BY model
    ),
    centred AS (
        SELECT s.*, e.* EXCLUDE (model),
            _pool_number(mu) - _pool_origin - start AS known, coalesce(known, mean) AS plain
        FROM query_table(started) AS s JOIN extremes AS e USING (model), _pool_origin
    ),
    squares AS (
        SELECT model, sum(k * ((y - plain) * (y - plain) + spread)) AS plain_squares,
            sum(CASE WHEN u = umin THEN k ELSE 0.0 END) AS at_umin
        FROM query_table(moved) JOIN (SELECT model, plain, umin FROM centred) USING (model) GROUP BY model
    )
    SELECT *,
        2 * (_pool_larger((ymax - plain) * (ymax - plain), (ymin - plain) * (ymin - plain)) + spread) AS reach
    FROM centred JOIN squares USING (model);

-- ---- moments: fixed weights, closed forms ---------------------------------------------------------------------------

-- What a group counts in the moments: by its size, alike, or by its precision; sj by a precision with a crude tau2.
CREATE OR REPLACE MACRO _pool_fixed_weight(method, w, v, crude) AS
    CASE
        WHEN method = 'anova' THEN w
        WHEN method IN ('dl', 'hs', 'hsk') THEN CASE WHEN v = 0 THEN 0.0 ELSE 1 / v END
        WHEN method = 'sj' THEN pool_precision(v, CASE WHEN crude = 0 THEN 1.0 ELSE crude END)
        ELSE 1.0
    END;

-- tau2 of every model, before it is truncated at 0. With weights 1 / v exact groups outweigh all others.
CREATE OR REPLACE MACRO _pool_by_moments(moved, facts, method) AS TABLE
    WITH weighed AS (
        SELECT c.*, _pool_fixed_weight(method, w, v, plain_squares / j) AS a
        FROM query_table(moved) AS c JOIN (SELECT model, plain_squares, j FROM query_table(facts)) USING (model)
    ),
    centres AS (
        SELECT f.*, top,
            coalesce(known, CASE WHEN exact > 0 AND method IN ('dl', 'hs', 'hsk') THEN 0.0 ELSE ay / a END) AS centre
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
    )
    SELECT model, NULL::DOUBLE AS hd2, NULL::BOOLEAN AS done,
        CASE
            WHEN method = 'plugin' THEN plain_squares / df
            WHEN method = 'sj' THEN pool_sidik_jonkman(plain_squares / j, ad2, df)
            WHEN method IN ('anova', 'he') AND known IS NOT NULL THEN pool_moment_estimate_known_mu(ad2, av, a)
            WHEN method IN ('anova', 'he')
                THEN pool_moment_estimate(ad2, av, a2v, a, pool_pairs(at_top, top, rest, rest2))
            WHEN method = 'hs' AND exact = 0 THEN pool_hunter_schmidt(ad2, j, a)
            WHEN method = 'hs' AND exact > fitted THEN exact_d2 / exact
            WHEN method = 'hsk' AND exact = 0 THEN pool_hunter_schmidt_corrected(ad2, j, df, a)
            WHEN method = 'hsk' AND exact > fitted THEN j / df * exact_d2 / exact
            WHEN method = 'dl' AND exact > fitted THEN exact_d2 / (exact - fitted)
            WHEN method = 'dl' AND exact > 0 THEN pool_moment_estimate_one_exact(ad2, j, a)
            WHEN method = 'dl' AND known IS NOT NULL THEN pool_moment_estimate_known_mu(ad2, j, a)
            WHEN method = 'dl' THEN pool_moment_estimate(ad2, j, a, a, pool_pairs(at_top, top, rest, rest2))
            ELSE 0.0
        END AS x
    FROM centres JOIN sums USING (model);

-- ---- the components -------------------------------------------------------------------------------------------------

-- sigma2 and tau2 of every model, and whether they settled. Means of equal rows may differ by the rounding of their
-- sums, which says nothing of the groups: then tau2 is 0.
CREATE OR REPLACE MACRO _pool_variances(facts, found, tau2, mu) AS TABLE
    WITH placed AS (
        SELECT *,
            reach <= 4 * 8.881784197001252e-16 * 8.881784197001252e-16
                * _pool_larger((ymax + start) * (ymax + start), (ymin + start) * (ymin + start)) AS alike,
            CASE
                WHEN jointly AND _pool_name(tau2) <> 'cv' THEN
                    pool_residual_variance(ssw, hd2, CASE WHEN _pool_method(tau2, mu) = 'reml' THEN n - 1 ELSE n END)
                ELSE pooled
            END AS sigma2_,
            -- nothing to validate across where no row differs from its group
            CASE WHEN _pool_name(tau2) = 'cv' AND NOT jointly THEN plain_squares / df ELSE x END AS x_
        FROM query_table(facts) LEFT JOIN query_table(found) USING (model)
    )
    SELECT *,
        CASE
            WHEN _pool_number(tau2) IS NOT NULL THEN _pool_number(tau2)
            WHEN jointly THEN x * sigma2_
            WHEN estimable THEN CASE WHEN alike OR x_ < 0 THEN 0.0 ELSE x_ END
        END AS tau2_,
        identified AND (_pool_number(tau2) IS NOT NULL OR NOT estimable OR alike AND NOT jointly
            OR coalesce(done, x_ IS NOT NULL)) AS settled
    FROM placed;

-- What each group counts in mu; at tau2 = 0 exact groups outweigh all others.
CREATE OR REPLACE MACRO _pool_counts(moved, variances, mu) AS TABLE
    SELECT model, k, y, v, tau2_,
        CASE
            WHEN NOT identified OR tau2_ IS NULL OR _pool_name(mu) = 'groups' THEN 1.0
            WHEN _pool_name(mu) = 'rows' THEN pool_rows(w)
            WHEN _pool_name(mu) = 'shrunk' AND plugin = 0 AND plugin_v > 0 THEN w
            WHEN _pool_name(mu) = 'shrunk' THEN pool_shrunk(w, plugin_v, plugin)
            WHEN exact > 0 AND tau2_ = 0 THEN CASE WHEN v = 0 THEN 1.0 ELSE 0.0 END
            ELSE pool_gls(v, tau2_)
        END AS c
    FROM (
        SELECT c.model, k, y, w, tau2_, identified, exact, plain_squares / df AS plugin,
            CASE WHEN jointly THEN pool_sampling_variance(sigma2_, w) ELSE v END AS v,
            CASE WHEN pooled IS NULL THEN v ELSE pool_sampling_variance(pooled, w) END AS plugin_v
        FROM query_table(moved) AS c JOIN query_table(variances) USING (model)
    );

CREATE OR REPLACE MACRO _pool_centres(counts) AS TABLE
    SELECT model, sum(k * c * y) / sum(k * c) AS own,
        sum(k * pool_centre_error(c, v, tau2_)) / (sum(k * c) * sum(k * c)) AS variance
    FROM query_table(counts) GROUP BY model;

-- ---- the error of tau2, as it bears on estimates --------------------------------------------------------------------

-- Sum over the other groups of each group's model, without the cancellation where one outweighs all others.
CREATE OR REPLACE MACRO _pool_others(x, top, at_top, rest, total) AS
    CASE WHEN x = top THEN rest + (at_top - 1) * top ELSE total - x END;

-- Variance of tau2 and minus its bias, one row a model. What is negligible stands for v = 0, where 1 / v is infinite.
CREATE OR REPLACE MACRO _pool_errors(moved, variances, method) AS TABLE
    WITH weighed AS (
        SELECT *, pool_precision(positive, tau2_) AS p,
            CASE WHEN method IN ('reml', 'ml', 'pm', 'eb', 'pmm') THEN p
                ELSE _pool_fixed_weight(method, w, positive, crude) END AS a,
            CASE WHEN method = 'reml' THEN 1.0 ELSE positive + tau2_ END AS s,
            a * a * s AS r, a * a / w AS q
        FROM (
            SELECT model, k, w, tau2_, plain_squares / j AS crude,
                CASE WHEN jointly THEN pool_sampling_variance(sigma2_, w) WHEN v = 0 THEN 1e-12 * vleast ELSE v
                    END AS positive
            FROM query_table(moved) JOIN (
                SELECT model, tau2_, sigma2_, jointly, vleast, plain_squares, j FROM query_table(variances)
            ) USING (model)
        )
    ),
    tops AS (SELECT model, max(a) AS ta, max(r) AS tr, max(q) AS tq FROM weighed GROUP BY model),
    totals AS (
        SELECT model, any_value(ta) AS ta, any_value(tr) AS tr, any_value(tq) AS tq,
            sum(k * a) AS sa, sum(k * r) AS sr, sum(k * q) AS sq,
            sum(CASE WHEN a = ta THEN k ELSE 0.0 END) AS na, sum(CASE WHEN a < ta THEN k * a ELSE 0.0 END) AS ra,
            sum(CASE WHEN r = tr THEN k ELSE 0.0 END) AS nr, sum(CASE WHEN r < tr THEN k * r ELSE 0.0 END) AS rr,
            sum(CASE WHEN q = tq THEN k ELSE 0.0 END) AS nq, sum(CASE WHEN q < tq THEN k * q ELSE 0.0 END) AS rq
        FROM weighed JOIN tops USING (model) GROUP BY model
    ),
    sums AS (
        SELECT model, any_value(sa) AS total, sum(k * p) AS s1, sum(k * p * p) AS s2,
            sum(k * p * p / w) AS s2_w, sum(k * p * p / (w * w)) AS s2_w2,
            sum(k * a * oa) AS pairs, sum(k * a * s * a * s) AS squares, sum(k * a * s * oa * a * s * oa) AS diagonal,
            sum(k * r * other_r) AS rest, sum(k * a * oa * a * oa / w) + sum(k * r * oq) AS ts,
            sum(k * a * oa * a * oa / (w * w)) + sum(k * q * oq) AS ss
        FROM (
            SELECT *, _pool_others(a, ta, na, ra, sa) AS oa, _pool_others(r, tr, nr, rr, sr) AS other_r,
                _pool_others(q, tq, nq, rq, sq) AS oq
            FROM weighed JOIN totals USING (model)
        )
        GROUP BY model
    ),
    found AS (
        SELECT *,
            CASE WHEN known IS NULL THEN pool_variance_of_squares(diagonal, rest, total) ELSE 2 * squares
                END AS of_squares,
            CASE
                WHEN method = 'hs' THEN total
                WHEN method = 'hsk' THEN total * df / j
                WHEN method = 'sj' THEN df * j / plain_squares
                WHEN known IS NULL THEN pool_trace(pairs, total)
                ELSE total
            END AS slope,
            (n - j) / (sigma2_ * sigma2_) AS within
        FROM sums JOIN query_table(variances) USING (model)
    )
    SELECT model,
        CASE
            WHEN vmax = 0 OR method = 'sj' AND plain_squares = 0 THEN 0.0
            WHEN jointly AND method = 'reml' THEN pool_error_of_ratio(
                (diagonal + rest) / (total * total), ts / (total * total), ss / (total * total), within,
                tau2_ / sigma2_)
            WHEN jointly THEN pool_error_of_ratio(s2, s2_w, s2_w2, within, tau2_ / sigma2_)
            WHEN method = 'reml' THEN 4 / of_squares
            WHEN method = 'ml' THEN 2 / s2
            WHEN method IN ('pm', 'eb', 'pmm') THEN pool_variance_of_root(j, df, s1)
            ELSE of_squares / (slope * slope)
        END AS error,
        CASE
            WHEN vmax = 0 THEN 0.0
            WHEN method = 'ml' AND known IS NULL THEN pool_ml_correction(s1)
            WHEN method IN ('pm', 'eb') THEN pool_root_correction(j, s1, s2)
            WHEN method = 'pmm' THEN pool_median_correction(
                pool_root_correction(j, s1, s2), df, pool_chi_square_median(df), s1)
            ELSE 0.0
        END AS correction
    FROM found;

-- ---- all of it ------------------------------------------------------------------------------------------------------

-- One row a model: the components, NULL where the data do not say.
CREATE OR REPLACE MACRO _pool_components(groups, weighed, sigma2, tau2, mu, uncertainty) AS TABLE
    WITH sizes AS MATERIALIZED (FROM _pool_sizes(groups)),
    singles AS NOT MATERIALIZED (FROM _pool_singles(groups)),
    models AS MATERIALIZED (FROM _pool_models('sizes', 'singles', weighed)),
    classes AS MATERIALIZED (FROM _pool_classes('sizes', 'singles', 'models')),
    counted AS MATERIALIZED (FROM _pool_within('classes', sigma2, mu)),
    sampled AS NOT MATERIALIZED (FROM _pool_sampled('classes', 'counted', sigma2)),
    started AS MATERIALIZED (FROM _pool_started('sampled', 'counted', sigma2, tau2)),
    moved AS MATERIALIZED (FROM _pool_moved('sampled', 'started')),
    facts AS MATERIALIZED (FROM _pool_facts('moved', 'started', mu)),
    known AS (SELECT model, NULL::DOUBLE AS x, NULL::DOUBLE AS hd2, NULL::BOOLEAN AS done FROM facts),
    by_moments AS (FROM _pool_by_moments('moved', 'facts', _pool_method(tau2, mu))),
    by_search AS (FROM _pool_by_search('moved', 'facts', _pool_method(tau2, mu))),
    found AS (
        FROM query_table(CASE
            WHEN _pool_name(tau2) = '' THEN 'known'
            WHEN _pool_name(tau2) IN ('reml', 'ml', 'pm', 'eb', 'pmm', 'cv') THEN 'by_search'
            ELSE 'by_moments'
        END)
    ),
    variances AS MATERIALIZED (FROM _pool_variances('facts', 'found', tau2, mu)),
    counts AS NOT MATERIALIZED (FROM _pool_counts('moved', 'variances', mu)),
    centres AS (FROM _pool_centres('counts')),
    errors AS (FROM _pool_errors('moved', 'variances', _pool_method(tau2, mu))),
    without_errors AS (SELECT *, 0.0 AS error, 0.0 AS correction FROM centres),
    with_errors AS (FROM centres LEFT JOIN errors USING (model)),
    told AS (
        FROM query_table(CASE
            WHEN uncertainty = 'tau2' AND _pool_name(tau2) <> '' THEN 'with_errors' ELSE 'without_errors'
        END)
    )
    SELECT _pool_model,
        coalesce(j, 0)::BIGINT AS _pool_groups,
        CASE WHEN has_n THEN coalesce(n, 0)::BIGINT END AS _pool_rows,
        CASE WHEN j IS NULL THEN _pool_number(sigma2) ELSE _pool_finite(sigma2_) END AS _pool_sigma2,
        coalesce(_pool_number(tau2), _pool_finite(tau2_)) AS _pool_tau2,
        coalesce(_pool_number(mu), own + start + _pool_origin) AS _pool_mu,
        CASE
            WHEN _pool_number(mu) IS NOT NULL THEN 0.0
            WHEN identified AND tau2_ IS NOT NULL THEN _pool_finite(sqrt(variance))
        END AS _pool_se_mu,
        pool_icc(tau2_, sigma2_) AS _pool_icc,
        coalesce(settled, false) AS _pool_converged,
        CASE WHEN _pool_number(tau2) IS NOT NULL THEN 0.0 ELSE error END AS _pool_error,
        CASE WHEN _pool_number(tau2) IS NOT NULL THEN 0.0 ELSE correction END AS _pool_correction
    FROM models LEFT JOIN variances USING (model) LEFT JOIN told USING (model),
        (SELECT has_n FROM _pool_given), _pool_origin;
