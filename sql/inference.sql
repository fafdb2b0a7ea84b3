-- ---------------------------------------------------------------------------------------------------------------------
-- What is said of the estimates of every model: heterogeneity, errors, likelihoods, tests and intervals.
--
-- Sums over the same classes as the components; what a call does not ask for is not planned. Limits of tau2 are roots,
-- found by the search that finds the estimates.
-- ---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE MACRO _pool_wrong_question(test, limits, tau2, mu) AS
    coalesce(
        _pool_wrong_name('test', test, ['z', 't', 'knha', 'adhoc']),
        CASE WHEN limits IS NOT NULL THEN _pool_wrong_name('limits', limits, ['profile', 'q']) END,
        CASE
            WHEN NOT _pool_integrates(tau2, mu) THEN NULL
            WHEN test::VARCHAR <> 'z'
                THEN 'test=' || _pool_shown(test) || ' does not go with a prior: mu has a posterior'
            WHEN limits IS NOT NULL
                THEN 'limits=' || _pool_shown(limits) || ' does not go with a prior: tau2 has a posterior'
        END,
        CASE WHEN limits::VARCHAR = 'profile' AND _pool_name(tau2) NOT IN ('', 'reml', 'ml')
            THEN 'limits=''profile'' does not fit tau2=' || _pool_shown(tau2)
                || ': give limits=''q'', or tau2 as one of ''reml'', ''ml''' END
    );

-- True, or an error: a test of mu and limits of tau2 that there are.
CREATE OR REPLACE MACRO _pool_asked(test, limits, tau2, mu) AS TABLE
    WITH usual AS (SELECT true AS proper),
    unusual AS (
        SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper
        FROM (SELECT _pool_wrong_question(test, limits, tau2, mu) AS complaint)
    )
    FROM query_table(CASE WHEN test::VARCHAR = 'z' AND limits IS NULL THEN 'usual' ELSE 'unusual' END);

-- ---- sums over classes ----------------------------------------------------------------------------------------------

-- Classes with the variances of the components: v by the final sigma2, v0 by the mean square, t = tau2, the precisions
-- h = 1 / (v + t) and p = 1 / v, whether theirs are the largest, and c, what a group counts in mu.
CREATE OR REPLACE MACRO _pool_judged(moved, variances, mu) AS TABLE
    SELECT model, k, w, y, spread, v, v0, t, sigma2_, is_top, pool_precision(v, t) AS h,
        CASE
            WHEN NOT identified OR t IS NULL THEN 1.0
            ELSE _pool_count(mu, exact > 0 AND t = 0, w, v, t, plugin_v, plugin)
        END AS c
    FROM (
        SELECT m.model, k, w, y, spread, coalesce(m.v, u) AS v0, tau2_ AS t, sigma2_, identified, exact, u = umin AS is_top,
            CASE WHEN jointly THEN pool_sampling_variance(sigma2_, w) ELSE m.v END AS v, plain_squares / df AS plugin,
            CASE WHEN pooled IS NULL THEN m.v ELSE pool_sampling_variance(pooled, w) END AS plugin_v
        FROM query_table(moved) AS m JOIN (
            SELECT model, tau2_, sigma2_, identified, exact, umin, jointly, plain_squares, df, pooled
            FROM query_table(variances)
        ) USING (model)
    );

-- mu and its variance, and the other centres that squares are taken about: gls at tau2, and at 0.
CREATE OR REPLACE MACRO _pool_judged_centres(judged) AS TABLE
    SELECT model, sum(k * c * y) / sum(k * c) AS own,
        sum(k * pool_centre_error(c, v, t)) / (sum(k * c) * sum(k * c)) AS variance,
        sum(k * h * y) / sum(k * h) AS gls, sum(k * y / v0) / sum(k / v0) AS centre
    FROM query_table(judged) GROUP BY model;

-- One row a model: what is asked of it, and all that the answers need.
CREATE OR REPLACE MACRO _pool_judged_models(variances, centres, sigma2, tau2, mu, limits) AS TABLE
    SELECT model, j, n, ssw, df, fitted, exact, known, pooled, sigma2_, tau2_, umin, at_umin, wmax, jointly, identified,
        plain_squares, variance, coalesce(known, own) AS m, coalesce(known, gls) AS gls,
        coalesce(known, CASE WHEN exact > 0 THEN 0.0 ELSE centre END) AS centre,
        coalesce(_pool_number(mu) / unit_, own + start / unit_ + _pool_origin / unit_) AS mu_, unit_,
        NOT published AND _pool_name(sigma2) = 'pooled' AS on_rows,
        CASE WHEN NOT published AND _pool_name(sigma2) = 'pooled' THEN n - j ELSE 'infinity'::DOUBLE END AS df2,
        CASE WHEN jointly THEN x ELSE tau2_ END AS best, estimable AND tau2_ IS NOT NULL AS has_tau2,
        _pool_method(tau2, mu) = 'reml' AS restricted,
        _pool_name(tau2) IN ('reml', 'ml') AND coalesce(limits::VARCHAR = 'profile', jointly) AS by_profile,
        CASE WHEN jointly THEN 1 / wmax WHEN vmax + reach = 0 THEN 1.0 ELSE vmax + reach END AS far
    FROM query_table(variances) JOIN query_table(centres) USING (model), _pool_origin;

CREATE OR REPLACE MACRO _pool_judged_sums(judged, models) AS TABLE
    SELECT model, sum(k * h) AS s1,
        sum(CASE WHEN v0 > 0 THEN k * ((y - centre) * (y - centre) + spread) / v0 END) AS q_rest,
        sum(CASE WHEN v0 = 0 THEN k * ((y - centre) * (y - centre) + spread) ELSE 0.0 END) AS q_exact,
        sum(k / v0) AS s1_at_zero, sum(CASE WHEN v0 > 0 THEN k * ln(v0) END) AS logs_at_zero,
        sum(k * h * ((y - gls) * (y - gls) + spread)) AS gls_squares,
        sum(k * h * ((y - m) * (y - m) + spread)) AS squares,
        sum(k * CASE WHEN sigma2_ > 0 THEN pool_log_inflation(w, t / sigma2_) END) AS inflation,
        sum(k * ln(w)) AS logs_of_w,
        sum(k * CASE WHEN v + t > 0 THEN pool_log_variance(v, t) END) AS logs,
        bool_and(coalesce(v + t > 0, false)) AS positive,
        sum(CASE WHEN v = 0 THEN k ELSE 0.0 END) AS exact_v, sum(k * p) AS sum_p, max(p) AS top_p,
        sum(CASE WHEN is_top THEN 0.0 ELSE k * p END) AS rest_p,
        sum(CASE WHEN is_top THEN 0.0 ELSE k * p * p END) AS rest_p2
    FROM (SELECT *, CASE WHEN v = 0 THEN _pool_exact() ELSE 1 / v END AS p FROM query_table(judged))
    JOIN (SELECT model, m, gls, centre FROM query_table(models)) USING (model)
    GROUP BY model;

-- ---- the error of tau2 ----------------------------------------------------------------------------------------------

-- What the estimator of tau2 weighs squares by, a, and the variance that it sees, s; `top` is a group of the largest a.
CREATE OR REPLACE MACRO _pool_squares_weighed(judged, models, method) AS TABLE
    SELECT *, a * a * s AS b, a * a / w AS c
    FROM (
        SELECT model, k, w, CASE WHEN method = 'anova' THEN w = wmax ELSE is_top END AS top,
            CASE
                WHEN method IN ('reml', 'ml') THEN h
                WHEN method IN ('dl', 'hs', 'hsk') THEN 1 / v
                WHEN method = 'anova' THEN w
                WHEN method = 'sj' THEN pool_precision(v, crude)
                ELSE 1.0
            END AS a,
            CASE WHEN method IN ('reml', 'ml') THEN 1.0 ELSE v + t END AS s
        FROM query_table(judged)
        JOIN (SELECT model, wmax, plain_squares / j AS crude FROM query_table(models)) USING (model)
    );

-- Sums of products of different groups. The others of one that may outweigh them, `alone`, are summed without it.
CREATE OR REPLACE MACRO _pool_squares_traced(weighed) AS TABLE
    WITH sums AS (
        SELECT model, sum(CASE WHEN top THEN k ELSE 0.0 END) AS at_top,
            sum(k * a) AS sum_a, sum(CASE WHEN top THEN 0.0 ELSE k * a END) AS rest_a,
            sum(k * b) AS sum_b, sum(CASE WHEN top THEN 0.0 ELSE k * b END) AS rest_b,
            sum(k * c) AS sum_c, sum(CASE WHEN top THEN 0.0 ELSE k * c END) AS rest_c,
            sum(k * a * a * s * s) AS aass, sum(k * a * a / (w * w)) AS aaww
        FROM query_table(weighed) GROUP BY model
    )
    SELECT model, any_value(sum_a) AS sum_a, any_value(sum_c) AS sum_c, any_value(aass) AS aass,
        any_value(aaww) AS aaww, sum(k * own) AS pairs, sum(k * (own * s) * (own * s)) AS diagonal,
        sum(k * b * other_b) AS off, sum(k * own * own / w) AS diagonal_w, sum(k * b * other_c) AS off_w,
        sum(k * own * own / (w * w)) AS diagonal_ww, sum(k * c * other_c) AS off_ww
    FROM (
        SELECT model, k, w, s, b, c, sum_a, sum_c, aass, aaww, top AND at_top = 1 AS alone,
            a * CASE WHEN alone THEN rest_a ELSE sum_a - a END AS own,
            CASE WHEN alone THEN rest_b ELSE sum_b - b END AS other_b,
            CASE WHEN alone THEN rest_c ELSE sum_c - c END AS other_c
        FROM query_table(weighed) JOIN sums USING (model)
    )
    GROUP BY model;

-- The variance of tau2 by its estimator, where it is one of squares.
CREATE OR REPLACE MACRO _pool_error_of_squares(judged, models, method) AS TABLE
    WITH weighed AS MATERIALIZED (FROM _pool_squares_weighed(judged, models, method))
    SELECT model,
        CASE
            WHEN jointly AND sigma2_ > 0 AND method = 'reml' THEN pool_variance_by_information(
                (diagonal + off) / (sum_a * sum_a), (diagonal_w + off_w) / (sum_a * sum_a),
                (diagonal_ww + off_ww) / (sum_a * sum_a), (n - j) / (sigma2_ * sigma2_))
            WHEN jointly AND sigma2_ > 0 THEN pool_variance_by_information(aass, sum_c, aaww, (n - j) / (sigma2_ * sigma2_))
            WHEN method = 'ml' THEN 2 / aass
            WHEN method = 'reml' THEN 4 / squares_variance
            WHEN method = 'sj' THEN squares_variance * (plain_squares / j / df) * (plain_squares / j / df)
            WHEN method = 'hs' THEN squares_variance / (sum_a * sum_a)
            WHEN method = 'hsk' THEN squares_variance / (sum_a * sum_a) * (j / df) * (j / df)
            WHEN known IS NOT NULL THEN squares_variance / (sum_a * sum_a)
            ELSE squares_variance / (pool_trace(pairs, sum_a) * pool_trace(pairs, sum_a))
        END AS error2
    FROM (
        SELECT *, CASE WHEN known IS NULL THEN pool_variance_of_squares(diagonal, off, sum_a) ELSE 2 * aass END
            AS squares_variance
        FROM (
            SELECT model, j, n, df, known, jointly, sigma2_, plain_squares FROM query_table(models) WHERE has_tau2
        ) JOIN _pool_squares_traced('weighed') USING (model)
    );

-- The same, chosen by the name of the estimator: only what it needs is planned.
CREATE OR REPLACE MACRO _pool_error_of_tau2(judged, models, said, method) AS TABLE
    WITH no_error AS (SELECT NULL::BIGINT AS model, NULL::DOUBLE AS error2 WHERE false),
    of_root AS (
        SELECT model, pool_variance_of_root(j, df, s1) AS error2 FROM query_table(said) WHERE has_tau2
    ),
    of_squares AS (FROM _pool_error_of_squares(judged, models, method))
    FROM query_table(CASE
        WHEN method = '' OR list_contains(pool_methods_without_error('tau2'), method) THEN 'no_error'
        WHEN method IN ('pm', 'eb', 'pmm') THEN 'of_root'
        ELSE 'of_squares'
    END);

-- ---- one row a model ------------------------------------------------------------------------------------------------

-- Everything that has a closed form: -2 log L at the estimates is `base` and the squares about mu, `at_best` and
-- `at_zero` are those of the gls mean at tau2 and at 0.
CREATE OR REPLACE MACRO _pool_said(models, sums, tau2, mu, level, test) AS TABLE
    WITH closed AS (
        SELECT *,
            CASE WHEN df > 0 AND q_exact = 0 AND identified AND df2 > 0 THEN _pool_finite(coalesce(q_rest, 0.0)) END AS q,
            CASE
                WHEN df <= 0 OR tau2_ IS NULL OR NOT identified THEN NULL
                WHEN exact_v > fitted THEN 0.0
                WHEN known IS NOT NULL THEN pool_typical_variance(df, sum_p)
                ELSE pool_typical_variance(df, pool_trace(pool_pairs(at_umin, top_p, rest_p, rest_p2), sum_p))
            END AS typical,
            CASE
                WHEN known IS NOT NULL THEN 0.0
                WHEN NOT identified OR tau2_ IS NULL THEN NULL
                WHEN test = 'knha' THEN pool_knapp_hartung(sqrt(variance), gls_squares, df)
                WHEN test = 'adhoc' THEN pool_knapp_hartung_at_least(sqrt(variance), gls_squares, df)
                ELSE sqrt(variance)
            END AS error,
            CASE
                WHEN on_rows AND sigma2_ > 0 THEN pool_rows_deviance(ssw, 0.0, inflation, sigma2_, n)
                WHEN positive THEN logs
            END + CASE WHEN restricted THEN ln(s1) ELSE 0.0 END AS base,
            CASE
                WHEN NOT has_tau2 OR _pool_name(tau2) NOT IN ('reml', 'ml') THEN NULL
                WHEN jointly AND restricted
                    THEN pool_reml_profile(ssw, unit * q_rest, 0.0, n - 1, unit * s1_at_zero) + (n - 1)
                WHEN jointly THEN pool_ml_profile(ssw, unit * q_rest, 0.0, n) + n
                WHEN exact = 0 THEN pool_ml_deviance(logs_at_zero, q_rest)
                    + CASE WHEN restricted THEN ln(s1_at_zero) ELSE 0.0 END
            END AS at_zero
        FROM (SELECT *, coalesce(pooled, 1.0) AS unit FROM query_table(models)) JOIN query_table(sums) USING (model)
    )
    SELECT model, s1, j, n, ssw, df, df2, known, pooled, tau2_, umin, at_umin, jointly, exact, plain_squares, gls,
        mu_, unit_, on_rows, best, has_tau2, by_profile, far, logs_of_w, q, q_exact, typical,
        _pool_quantile AS normal_reach,
        _pool_finite(error) AS se,
        CASE WHEN jointly OR exact = 0 THEN 0.0 ELSE 1e-30 * far END AS floor,
        CASE
            WHEN NOT identified OR on_rows AND NOT sigma2_ > 0 THEN NULL
            ELSE base + squares - CASE WHEN restricted AND NOT on_rows THEN ln(j) ELSE 0.0 END
        END AS deviance,
        CASE WHEN has_tau2 AND (exact = 0 OR jointly OR best > 0) THEN base + gls_squares END AS at_best,
        CASE WHEN deviance IS NOT NULL AND isfinite(at_zero) AND isfinite(at_best)
            THEN CASE WHEN best = 0 THEN 0.0 ELSE pool_likelihood_ratio(at_zero, at_best) END END AS lrt,
        n - CASE WHEN on_rows THEN 0 ELSE n - j END - CASE WHEN restricted THEN 1 ELSE 0 END AS numbers
    FROM closed, _pool_quantile_of(level);

-- What is asked of the distributions: by 8 times the model, plus 0 the tail of Q, F(df, df2) or chi-square where df2 is
-- infinite; 1 and 2 those of mu and of the likelihood ratio, whose squares are F(1, df) and chi-square; 3 the reach of
-- Student's interval of mu; 4 and 5 the quantiles of Q that limit tau2.
CREATE OR REPLACE MACRO _pool_questions(said, tau2, level, test) AS TABLE
    SELECT 8 * model + which AS id, a, b, w, p
    FROM (
        SELECT model, unnest(range(6)) AS which, unnest([df / 2, 0.5, 0.5, 0.5, df / 2, df / 2]) AS a,
            unnest([df2 / 2, df_of_test / 2, 'infinity'::DOUBLE, df_of_test / 2, df2 / 2, df2 / 2]) AS b,
            unnest([ln(q / df), 2 * ln(t), ln(lrt), NULL, NULL, NULL]) AS w,
            unnest([NULL, NULL, NULL, CASE WHEN test <> 'z' THEN _pool_number(level) END,
                (1 + level_of_q) / 2, (1 - level_of_q) / 2]) AS p
        FROM (
            SELECT model, CASE WHEN df2 > 0 THEN df END AS df, df2, CASE WHEN q > 0 THEN q END AS q,
                CASE WHEN lrt > 0 THEN lrt END AS lrt,
                CASE WHEN se > 0 AND mu_ <> 0 THEN greatest(least(abs(mu_) / se, 1e300), 1e-300) END AS t,
                CASE WHEN test = 'z' THEN 'infinity'::DOUBLE WHEN df >= 1 THEN df END AS df_of_test,
                CASE WHEN has_tau2 AND _pool_name(tau2) <> '' AND NOT by_profile THEN _pool_number(level) END
                    AS level_of_q
            FROM query_table(said)
        )
    )
    WHERE a IS NOT NULL AND b IS NOT NULL AND (w IS NOT NULL OR p IS NOT NULL);

-- Many tails and quantiles at once, planned once: for each id the probability of more than w or, where p is given, the
-- w of that probability, by the formulas of the odds in distributions.sql. Each step computes the tail at `place`,
-- outward of one side of the split: the first one answers w, and tells on which side p lies; from the split Halley's
-- iteration then goes outward. a_, b_, w_ and s are a, b, place and side with the odds turned over where x > 1/2.
CREATE OR REPLACE MACRO _pool_odds_answers(questions) AS TABLE
    WITH RECURSIVE _pool_odds AS (
        SELECT id, a, b, w, p, integral, split, 0 AS step, NULL::DOUBLE AS target, NULL::DOUBLE AS answer,
            CASE WHEN w > split THEN 1.0 ELSE -1.0 END AS side, coalesce(w, split) AS place
        FROM (
            SELECT *, pool_odds_split(a, b) AS split,
                sqrt(6.2831853071795864769e0 * (1 / a + 1 / b)) * r[1] * (r[2] / r[3]) AS integral
            FROM (
                SELECT *, list_transform([a, b, a + b], lambda x: pool_stirling_ratio(x)) AS r
                FROM query_table(questions)
            )
        )
        UNION ALL
        SELECT id, a, b, w, p, integral, split, step + 1,
            CASE WHEN step > 0 THEN target WHEN p <= tail THEN ln(p * integral) ELSE ln((1 - p) * integral) END,
            CASE
                WHEN w IS NOT NULL THEN CASE WHEN side > 0 THEN tail ELSE 1 - tail END
                WHEN step = 60 OR abs(move) <= 1e-6 * least(1.0, mills) THEN moved
            END,
            CASE WHEN step = 0 AND p > tail THEN 1.0 ELSE side END,
            coalesce(moved, place)
        FROM (
            SELECT *, CASE WHEN height > 745 THEN 0.0 ELSE exp(-height) * mills / integral END AS tail,
                CASE WHEN step > 0 THEN pool_outward_step(ln(mills) - height - target, mills, s * slope) END AS move,
                side * greatest(side * split, side * place + move) AS moved
            FROM (
                SELECT *, first + share * width * list_sum(list_transform(
                    list_transform(
                        pool_gauss_legendre(),
                        lambda g: {u: s * width * g.y, e: pool_expm1(s * width * g.y), weight: g.weight}
                    ),
                    lambda g: g.weight * CASE WHEN s < 0 THEN 1 + g.e ELSE 1.0 END / (1 + x * g.e)
                        * exp(a_ * g.u - CASE WHEN isinf(b_) THEN mean * g.e ELSE (a_ + b_) * pool_log1p(x * g.e) END)
                )) AS mills
                FROM (
                    SELECT *, CASE WHEN s > 0 AND level < 2 * ln((1 - x) / x) THEN level
                        ELSE pool_window(push, curvature) END AS width
                    FROM (
                        SELECT *, pool_window_level(push, curvature) AS level
                        FROM (
                            SELECT *, 1 / CASE WHEN s < 0 THEN a_ ELSE b_ END AS first,
                                CASE WHEN s < 0 THEN mean / a_ ELSE (1 - x) * (1 + a_ / b_) END AS share,
                                (mean + x) * (1 - x) AS curvature, mean - a_ AS slope,
                                greatest(0.0, s * (mean - a_) + CASE WHEN s < 0 THEN 1 - x ELSE x END) AS push,
                                CASE
                                    WHEN abs(w_) < 0.25 THEN list_sum(list_transform(
                                        [{n: a_, d: e / (1 + a_ / b_) / odds}, {n: b_, d: -e / (1 + b_ / a_) / odds}],
                                        lambda r: CASE WHEN isinf(r.n) THEN 0.0 ELSE r.n * pool_log_excess(r.d) END
                                    ))
                                    WHEN isinf(b_) THEN a_ * (e - w_)
                                    ELSE (a_ + b_) * pool_log1p(e / (1 + b_ / a_)) - a_ * w_
                                END AS height
                            FROM (
                                SELECT *, a_ * exp(w_) / odds AS mean, exp(w_) / odds / (1 + b_ / a_) AS x
                                FROM (
                                    SELECT *, pool_expm1(w_) AS e, 1 + pool_expm1(w_) / (1 + b_ / a_) AS odds
                                    FROM (
                                        SELECT *, CASE WHEN a * exp(place) > b THEN b ELSE a END AS a_,
                                            CASE WHEN a * exp(place) > b THEN a ELSE b END AS b_,
                                            CASE WHEN a * exp(place) > b THEN -place ELSE place END AS w_,
                                            CASE WHEN a * exp(place) > b THEN -side ELSE side END AS s
                                        FROM _pool_odds WHERE answer IS NULL
                                    )
                                )
                            )
                        )
                    )
                )
            )
        )
    )
    SELECT id, answer FROM _pool_odds WHERE answer IS NOT NULL;

-- ---- the interval of tau2 -------------------------------------------------------------------------------------------

-- Both ends by the quantiles of Q, in the units of the search: rho where sigma2 is estimated jointly.
CREATE OR REPLACE MACRO _pool_cells_by_q(said, answers) AS TABLE
    SELECT id, model, n, ssw, jointly, known, expected, umin, at_umin, j, side, coalesce(known, 0.0) AS c,
        true AS is_first, true AS is_last, floor AS lower,
        CASE WHEN plain_squares = 0 THEN 1.0 ELSE 1.001 * plain_squares / expected END AS upper
    FROM (
        SELECT s.*, 8 * id AS id, CASE WHEN id % 8 = 4 THEN -2.0 ELSE 2.0 END AS side,
            df * exp(answer) * CASE WHEN jointly THEN pooled ELSE 1.0 END AS expected
        FROM query_table(said) AS s JOIN query_table(answers) AS a ON s.model = a.id // 8
        WHERE a.id % 8 >= 4
    );

-- Both ends where the profile has risen by chi-square of 1 degree: below the minimum in one cell, above it in one of
-- many cells of equal ratio. The search has log(1 / w + rho) for log(1 + w rho). It starts at the mean of exact groups.
CREATE OR REPLACE MACRO _pool_cells_by_profile(said) AS TABLE
    SELECT 64 * model + i AS id, model, n, ssw, jointly, known,
        at_best - CASE WHEN jointly THEN logs_of_w ELSE 0.0 END + normal_reach * normal_reach AS expected, umin,
        at_umin, j, CASE WHEN i = 0 THEN -1.0 ELSE 1.0 END AS side,
        CASE WHEN exact > 0 THEN coalesce(known, 0.0) ELSE gls END AS c, i = 0 AS is_first,
        i IN (0, 40) AS is_last,
        CASE WHEN i <= 1 THEN floor ELSE step * 8.0 ** (i - 2) END AS lower,
        CASE WHEN i = 0 THEN best ELSE step * 8.0 ** (i - 1) END AS upper
    FROM (
        SELECT *, unnest(CASE WHEN best > 0 THEN [0] || range(2, 41) ELSE range(1, 41) END) AS i,
            CASE WHEN best > 0 THEN best ELSE far END AS step
        FROM query_table(said) WHERE has_tau2 AND by_profile AND at_best IS NOT NULL AND df2 > 0
    );

-- Which of them a call may ask for.
CREATE OR REPLACE MACRO _pool_kind_of_limits(sigma2, tau2, limits) AS
    CASE
        WHEN _pool_name(tau2) = '' THEN 'none'
        WHEN limits::VARCHAR = 'profile' AND _pool_name(tau2) IN ('reml', 'ml') THEN 'profile'
        WHEN limits IS NOT NULL OR _pool_name(tau2) NOT IN ('reml', 'ml') OR _pool_name(sigma2) <> 'pooled' THEN 'q'
        ELSE 'either'
    END;

-- The limits that a call asks for, by 8 times the model, plus 6 the lower one, 7 the upper one.
CREATE OR REPLACE MACRO _pool_limits(said, answers, moved, sigma2, tau2, mu, limits) AS TABLE
    WITH none AS (SELECT NULL::BIGINT AS id, NULL::DOUBLE AS answer WHERE false),
    by_q AS (FROM _pool_cells_by_q(said, answers)),
    by_profile AS (FROM _pool_cells_by_profile(said)),
    by_either AS (FROM by_q UNION ALL FROM by_profile),
    cells AS (
        FROM query_table(CASE _pool_kind_of_limits(sigma2, tau2, limits)
            WHEN 'q' THEN 'by_q' WHEN 'profile' THEN 'by_profile' ELSE 'by_either' END)
    ),
    either AS (
        SELECT 8 * model + CASE WHEN side < 0 THEN 6 ELSE 7 END AS id,
            CASE
                WHEN f.x <= floor THEN 0.0
                WHEN NOT jointly THEN f.x
                WHEN abs(side) = 2 THEN f.x * pooled
                ELSE f.x * f.hd2
            END AS answer
        FROM _pool_minima('cells', moved, CASE _pool_kind_of_limits(sigma2, tau2, limits)
            WHEN 'q' THEN 'pm' ELSE _pool_method(tau2, mu) || ' level' END) AS f
        JOIN (SELECT model, floor, jointly, pooled FROM query_table(said)) USING (model)
    )
    FROM query_table(CASE WHEN _pool_kind_of_limits(sigma2, tau2, limits) = 'none' THEN 'none' ELSE 'either' END);

-- ---- together -------------------------------------------------------------------------------------------------------

-- One row a model: everything between icc and converged, and se_mu by the test; NULL where the data do not say.
CREATE OR REPLACE MACRO _pool_inference(
    judged, moved, variances, centres, sigma2, tau2, mu, level, test, limits
) AS TABLE
    WITH asked AS MATERIALIZED (FROM _pool_judged_models(variances, centres, sigma2, tau2, mu, limits)),
    sums AS MATERIALIZED (FROM _pool_judged_sums(judged, 'asked')),
    said AS MATERIALIZED (FROM _pool_said('asked', 'sums', tau2, mu, level, test)),
    errors AS (FROM _pool_error_of_tau2(judged, 'asked', 'said', _pool_method(tau2, mu))),
    questions AS (FROM _pool_questions('said', tau2, level, test)),
    answers AS MATERIALIZED (FROM _pool_odds_answers('questions')),
    gathered AS (
        SELECT id // 8 AS model, max(answer) FILTER (id % 8 = 0) AS q_p, max(answer) FILTER (id % 8 = 1) AS mu_p,
            max(answer) FILTER (id % 8 = 2) AS lrt_p, max(answer) FILTER (id % 8 = 3) AS log_reach2,
            max(answer) FILTER (id % 8 = 6) AS lower, max(answer) FILTER (id % 8 = 7) AS upper
        FROM (FROM answers UNION ALL FROM _pool_limits('said', 'answers', moved, sigma2, tau2, mu, limits))
        GROUP BY ALL
    ),
    told AS (
        SELECT *, CASE WHEN test = 'z' THEN normal_reach ELSE exp(log_reach2 / 2) END AS reach_,
            _pool_finite(pool_log_likelihood(deviance, numbers) - numbers * ln(unit_)) AS log_likelihood
        FROM said LEFT JOIN gathered USING (model) LEFT JOIN errors USING (model)
    )
    SELECT model, q,
        CASE WHEN q IS NULL AND q_exact > 0 AND df2 > 0 THEN 0.0 WHEN q = 0 AND df2 > 0 THEN 1.0 ELSE q_p END AS q_p,
        pool_i2(tau2_, typical) AS i2, _pool_finite(pool_h2(tau2_, typical)) AS h2,
        _pool_finite(sqrt(error2) * unit_ * unit_) AS se_tau2,
        CASE
            WHEN has_tau2 AND by_profile AND best = 0 AND at_best IS NOT NULL AND df2 > 0 THEN 0.0
            ELSE _pool_finite(lower * unit_ * unit_)
        END AS tau2_lower,
        _pool_finite(upper * unit_ * unit_) AS tau2_upper, log_likelihood,
        pool_akaike(log_likelihood, on_rows::INTEGER + (_pool_name(tau2) <> '')::INTEGER
            + (_pool_number(mu) IS NULL)::INTEGER) AS aic,
        lrt, CASE WHEN lrt IS NOT NULL THEN pool_half_half(lrt, lrt_p) END AS lrt_p,
        CASE WHEN _pool_number(mu) IS NOT NULL THEN mu_ ELSE mu_ - reach_ * se END * unit_ AS mu_lower,
        CASE WHEN _pool_number(mu) IS NOT NULL THEN mu_ ELSE mu_ + reach_ * se END * unit_ AS mu_upper,
        CASE WHEN mu_ = 0 AND se > 0 AND (test = 'z' OR df >= 1) THEN 1.0 ELSE mu_p END AS mu_p,
        (mu_ - reach_ * pool_prediction_error(tau2_, se)) * unit_ AS new_lower,
        (mu_ + reach_ * pool_prediction_error(tau2_, se)) * unit_ AS new_upper,
        se * unit_ AS se_mu_
    FROM told;

-- One row a model: the components, NULL where the data do not say. `asked` says what is told besides: nothing
-- ('estimates'), the error of tau2 as it bears on estimates ('errors'), all that is inferred of them ('inference').
CREATE OR REPLACE MACRO _pool_components(groups, weighed, sigma2, tau2, mu, level, test, limits, asked) AS TABLE
    WITH sizes AS MATERIALIZED (FROM _pool_sizes(groups)),
    singles AS NOT MATERIALIZED (FROM _pool_singles(groups)),
    models AS MATERIALIZED (FROM _pool_models('sizes', 'singles', weighed)),
    classes AS MATERIALIZED (FROM _pool_classes('sizes', 'singles', 'models')),
    within AS (FROM _pool_within('classes', sigma2, mu)),
    with_prior AS (FROM _pool_with_prior('classes', 'within')),
    counted AS MATERIALIZED (
        FROM query_table(CASE WHEN _pool_name(sigma2) = 'squeezed' THEN 'with_prior' ELSE 'within' END)
    ),
    sampled AS NOT MATERIALIZED (FROM _pool_sampled('classes', 'counted', sigma2)),
    started AS MATERIALIZED (FROM _pool_started('sampled', 'counted', sigma2, tau2, true)),
    moved AS MATERIALIZED (FROM _pool_moved('sampled', 'started')),
    facts AS MATERIALIZED (FROM _pool_facts('moved', 'started', mu)),
    known AS (SELECT model, NULL::DOUBLE AS x, NULL::DOUBLE AS hd2, NULL::BOOLEAN AS done FROM facts),
    by_moments AS (FROM _pool_by_moments('moved', 'facts', _pool_method(tau2, mu))),
    by_search AS (FROM _pool_by_search('moved', 'facts', _pool_method(tau2, mu))),
    by_james_stein AS (FROM _pool_by_james_stein('facts')),
    found AS (
        FROM query_table(CASE
            WHEN _pool_name(tau2) = '' THEN 'known'
            WHEN _pool_name(tau2) IN ('reml', 'ml', 'pm', 'eb', 'pmm', 'cv', 'chung', 'sure', 'morris') THEN 'by_search'
            WHEN _pool_name(tau2) = 'js' THEN 'by_james_stein'
            ELSE 'by_moments'
        END)
    ),
    variances AS MATERIALIZED (FROM _pool_variances('facts', 'found', tau2, mu)),
    counts AS NOT MATERIALIZED (FROM _pool_counts('moved', 'variances', mu)),
    judged AS MATERIALIZED (FROM _pool_judged('moved', 'variances', mu)),
    plain_centres AS (FROM _pool_centres('counts')),
    judged_centres AS (FROM _pool_judged_centres('judged')),
    centres AS MATERIALIZED (
        FROM query_table(CASE WHEN asked = 'inference' THEN 'judged_centres' ELSE 'plain_centres' END)
    ),
    plain AS (
        SELECT _pool_model, model AS _pool_id,
            coalesce(j, 0)::BIGINT AS _pool_groups,
            CASE WHEN has_n THEN coalesce(n, 0)::BIGINT END AS _pool_rows,
            CASE WHEN j IS NULL THEN _pool_number(sigma2) ELSE _pool_finite(sigma2_ * unit_ * unit_) END
                AS _pool_sigma2,
            coalesce(_pool_number(tau2), _pool_finite(tau2_ * unit_ * unit_)) AS _pool_tau2,
            coalesce(_pool_number(mu), own * unit_ + start + _pool_origin) AS _pool_mu,
            CASE
                WHEN _pool_number(mu) IS NOT NULL THEN 0.0
                WHEN identified AND tau2_ IS NOT NULL THEN _pool_finite(sqrt(variance) * unit_)
            END AS _pool_se_mu,
            pool_icc(tau2_, sigma2_) AS _pool_icc,
            df_prior AS _pool_df_prior,
            sigma2_prior AS _pool_sigma2_prior,
            coalesce(settled, false) AS _pool_converged,
            unit_ AS _pool_unit
        FROM models LEFT JOIN variances USING (model) LEFT JOIN centres USING (model),
            (SELECT has_n FROM _pool_given), _pool_origin
    ),
    errors AS (FROM _pool_error_and_bias('moved', 'variances', _pool_method(tau2, mu))),
    with_errors AS (
        SELECT plain.*, error * _pool_unit ** 4 AS _pool_error, correction * _pool_unit ** 2 AS _pool_correction
        FROM plain LEFT JOIN errors ON plain._pool_id = errors.model
    ),
    inferred AS (
        FROM _pool_inference('judged', 'moved', 'variances', 'centres', sigma2, tau2, mu, level, test, limits)
    ),
    told AS (
        SELECT plain.* EXCLUDE (_pool_converged)
            REPLACE (CASE WHEN _pool_number(mu) IS NOT NULL THEN 0.0 ELSE se_mu_ END AS _pool_se_mu),
            q AS _pool_q, q_p AS _pool_q_p, i2 AS _pool_i2, h2 AS _pool_h2, se_tau2 AS _pool_se_tau2,
            tau2_lower AS _pool_tau2_lower, tau2_upper AS _pool_tau2_upper, log_likelihood AS _pool_log_likelihood,
            aic AS _pool_aic, lrt AS _pool_lrt, lrt_p AS _pool_lrt_p, mu_lower AS _pool_mu_lower,
            mu_upper AS _pool_mu_upper, mu_p AS _pool_mu_p, new_lower AS _pool_new_lower, new_upper AS _pool_new_upper,
            _pool_converged
        FROM plain LEFT JOIN inferred ON plain._pool_id = inferred.model
    )
    SELECT * EXCLUDE (_pool_id, _pool_unit)
    FROM query_table(CASE asked WHEN 'inference' THEN 'told' WHEN 'errors' THEN 'with_errors' ELSE 'plain' END);
