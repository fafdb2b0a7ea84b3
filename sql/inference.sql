-- ---------------------------------------------------------------------------------------------------------------------
-- What is said of the estimates of every model: heterogeneity, errors, likelihoods, tests and intervals.
--
-- Sums over the same classes as the components; what a call does not ask for is not planned. Limits of tau2 are roots,
-- found by the search that finds the estimates.
-- ---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE MACRO _pool_wrong_question(test, limits, tau2) AS
    coalesce(
        _pool_wrong_name('test', test, ['z', 't', 'knha', 'adhoc']),
        CASE WHEN limits IS NOT NULL THEN _pool_wrong_name('limits', limits, ['profile', 'q']) END,
        CASE WHEN limits::VARCHAR = 'profile' AND _pool_name(tau2) NOT IN ('', 'reml', 'ml')
            THEN 'limits=''profile'' does not fit tau2=' || _pool_shown(tau2)
                || ': give limits=''q'', or tau2 as one of ''reml'', ''ml''' END
    );

-- True, or an error: a test of mu and limits of tau2 that there are.
CREATE OR REPLACE MACRO _pool_asked(test, limits, tau2) AS TABLE
    WITH usual AS (SELECT true AS proper),
    unusual AS (
        SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper
        FROM (SELECT _pool_wrong_question(test, limits, tau2) AS complaint)
    )
    FROM query_table(CASE WHEN test::VARCHAR = 'z' AND limits IS NULL THEN 'usual' ELSE 'unusual' END);

-- Probability of a larger Q where tau2 = 0: of df F(df, df2), of chi-square where df2 is infinite; w = log(Q / df).
-- Of the two tails the one on the side of the split where w lies, planned once.
CREATE OR REPLACE MACRO _pool_q_tail(a, b, w) AS
    list_transform(
        list_transform(
            [{a: a, b: b, w: w, side: CASE WHEN w > pool_odds_split(a, b) THEN 1 ELSE -1 END}],
            lambda r: {side: r.side, tail: pool_odds_tail(r.a, r.b, r.w, r.side)}
        ),
        lambda r: CASE WHEN r.side = 1 THEN r.tail ELSE 1 - r.tail END
    )[1];

-- ---- sums over classes ----------------------------------------------------------------------------------------------

-- Classes with the variances of the components: v by the final sigma2, v0 by the mean square, t = tau2, and a, what the
-- estimator of tau2 weighs squares by, s the variance it sees.
CREATE OR REPLACE MACRO _pool_judged(moved, variances, centres, method) AS TABLE
    SELECT model, k, w, spread, y, v, v0, t, sigma2_, known, m, exact, jointly,
        pool_precision(v, t) AS h,
        CASE WHEN v = 0 THEN _pool_exact() ELSE 1 / v END AS p,
        CASE
            WHEN jointly OR method IN ('reml', 'ml', 'pm', 'eb', 'pmm') THEN pool_precision(v, t)
            WHEN method IN ('dl', 'hs', 'hsk') THEN 1 / v
            WHEN method = 'anova' THEN w
            WHEN method = 'sj' THEN pool_precision(v, crude)
            ELSE 1.0
        END AS a,
        CASE WHEN jointly OR method IN ('reml', 'ml', 'pm', 'eb', 'pmm') THEN 1.0 ELSE v + t END AS s
    FROM (
        SELECT c.model, k, w, spread, y, c.v AS v0, tau2_ AS t, sigma2_, known, coalesce(known, own) AS m, exact,
            jointly, CASE WHEN jointly THEN pool_sampling_variance(sigma2_, w) ELSE c.v END AS v,
            plain_squares / j AS crude
        FROM query_table(moved) AS c
        JOIN (SELECT model, tau2_, sigma2_, known, exact, jointly, plain_squares, j FROM query_table(variances))
            USING (model)
        JOIN (SELECT model, own FROM query_table(centres)) USING (model)
    );

-- Of every model the largest of what is summed, and the centres that squares are taken about.
CREATE OR REPLACE MACRO _pool_tops(judged) AS TABLE
    SELECT model, max(p) AS top_p, max(a) AS top_a, max(a * a * s) AS top_b, max(a * a / w) AS top_c,
        coalesce(any_value(known), sum(k * h * y) / sum(k * h)) AS gls,
        coalesce(any_value(known),
            CASE WHEN any_value(exact) > 0 THEN 0.0 ELSE sum(k * y / v0) / sum(k / v0) END) AS centre
    FROM query_table(judged) GROUP BY model;

-- Sums, and those over all but the largest.
CREATE OR REPLACE MACRO _pool_sums_judged(judged, tops) AS TABLE
    SELECT model, sum(k * h) AS s1,
        sum(CASE WHEN v0 > 0 THEN k * ((y - centre) * (y - centre) + spread) / v0 END) AS q_rest,
        sum(CASE WHEN v0 = 0 THEN k * ((y - centre) * (y - centre) + spread) ELSE 0.0 END) AS q_exact,
        sum(k * h * ((y - gls) * (y - gls) + spread)) AS gls_squares,
        sum(k * h * ((y - m) * (y - m) + spread)) AS squares,
        sum(k * CASE WHEN sigma2_ > 0 THEN pool_log_inflation(w, t / sigma2_) END) AS inflation,
        sum(k * CASE WHEN v + t > 0 THEN pool_log_variance(v, t) END) AS logs,
        count(CASE WHEN v + t > 0 THEN 1 END) = count(*) AS positive,
        sum(CASE WHEN v = 0 THEN k ELSE 0.0 END) AS exact_v,
        sum(k * p) AS sum_p, sum(CASE WHEN p = top_p THEN k ELSE 0.0 END) AS at_p,
        sum(CASE WHEN p < top_p THEN k * p ELSE 0.0 END) AS rest_p,
        sum(CASE WHEN p < top_p THEN k * p * p ELSE 0.0 END) AS rest_p2, any_value(top_p) AS top_p,
        sum(k * a) AS sum_a, sum(CASE WHEN a = top_a THEN k ELSE 0.0 END) AS at_a,
        sum(CASE WHEN a < top_a THEN k * a ELSE 0.0 END) AS rest_a,
        sum(CASE WHEN a < top_a THEN k * a * a ELSE 0.0 END) AS rest_a2, any_value(top_a) AS top_a,
        sum(k * a * a * s) AS sum_b, sum(CASE WHEN a * a * s = top_b THEN k ELSE 0.0 END) AS at_b,
        sum(CASE WHEN a * a * s < top_b THEN k * a * a * s ELSE 0.0 END) AS rest_b, any_value(top_b) AS top_b,
        sum(k * a * a / w) AS sum_c, sum(CASE WHEN a * a / w = top_c THEN k ELSE 0.0 END) AS at_c,
        sum(CASE WHEN a * a / w < top_c THEN k * a * a / w ELSE 0.0 END) AS rest_c, any_value(top_c) AS top_c,
        sum(k * a * a * s * s) AS aass, sum(k * a * a / (w * w)) AS aaww
    FROM query_table(judged) JOIN query_table(tops) USING (model) GROUP BY model;

-- The sum over the other groups, without the cancellation where one outweighs all others.
CREATE OR REPLACE MACRO _pool_others(x, top, count, rest, total) AS
    CASE WHEN x = top THEN rest + (count - 1) * top ELSE total - x END;

-- The traces of the variance of squares and of the information.
CREATE OR REPLACE MACRO _pool_traces(judged, sums) AS TABLE
    SELECT model, sum(k * (own * s) * (own * s)) AS diagonal, sum(k * b * other_b) AS off,
        sum(k * own * own / w) AS diagonal_w, sum(k * b * other_c) AS off_w,
        sum(k * own * own / (w * w)) AS diagonal_ww, sum(k * c * other_c) AS off_ww
    FROM (
        SELECT model, k, w, s, a * a * s AS b, a * a / w AS c, a * _pool_others(a, top_a, at_a, rest_a, sum_a) AS own,
            _pool_others(a * a * s, top_b, at_b, rest_b, sum_b) AS other_b,
            _pool_others(a * a / w, top_c, at_c, rest_c, sum_c) AS other_c
        FROM query_table(judged) JOIN query_table(sums) USING (model)
    )
    GROUP BY model;

-- The variance of tau2 by its estimator.
CREATE OR REPLACE MACRO _pool_error_of_tau2(sums, traces, variances, method) AS TABLE
    SELECT model,
        CASE
            WHEN method IN ('', 'plugin', 'cv') OR NOT estimable THEN NULL
            WHEN jointly AND method = 'reml' THEN pool_variance_by_information(
                (diagonal + off) / (sum_a * sum_a), (diagonal_w + off_w) / (sum_a * sum_a),
                (diagonal_ww + off_ww) / (sum_a * sum_a), (n - j) / (sigma2_ * sigma2_))
            WHEN jointly THEN pool_variance_by_information(aass, sum_c, aaww, (n - j) / (sigma2_ * sigma2_))
            WHEN method = 'ml' THEN 2 / aass
            WHEN method = 'reml' THEN 4 / squares_variance
            WHEN method IN ('pm', 'eb', 'pmm') THEN pool_variance_of_root(j, df, s1)
            WHEN method = 'sj' THEN squares_variance / ((df / crude) * (df / crude))
            WHEN method = 'hs' THEN squares_variance / (sum_a * sum_a)
            WHEN method = 'hsk' THEN squares_variance / (sum_a * sum_a) * (j / df) * (j / df)
            WHEN known IS NOT NULL THEN squares_variance / (sum_a * sum_a)
            ELSE squares_variance / (growth * growth)
        END AS error2
    FROM (
        SELECT *, plain_squares / j AS crude, pool_trace(pool_pairs(at_a, top_a, rest_a, rest_a2), sum_a) AS growth,
            CASE WHEN known IS NULL THEN pool_variance_of_squares(diagonal, off, sum_a) ELSE 2 * aass END
                AS squares_variance
        FROM query_table(variances) JOIN query_table(sums) USING (model) JOIN query_table(traces) USING (model)
    );

-- ---- the interval of tau2 -------------------------------------------------------------------------------------------

-- Both ends by the quantiles of Q, in the units of the search: rho where sigma2 is estimated jointly.
CREATE OR REPLACE MACRO _pool_limits_by_q(models, moved, level) AS TABLE
    WITH quantiles AS MATERIALIZED (
        SELECT m.*, side, side > 0 AS is_upper, df * exp(pool_odds_quantile(df / 2, df2 / 2, share))
            * CASE WHEN jointly THEN pooled ELSE 1.0 END AS expected
        FROM query_table(models) AS m, (VALUES (1.0::DOUBLE, (1 - _pool_number(level)) / 2),
            (-1.0::DOUBLE, (1 + _pool_number(level)) / 2)) AS ends(side, share)
        WHERE by_q AND df > 0 AND df2 > 0
    ),
    bounds AS MATERIALIZED (
        SELECT *, CASE WHEN plain_squares = 0 THEN 1.0 ELSE 1.001 * plain_squares / expected END AS high,
            CASE WHEN jointly OR exact = 0 THEN 0.0 ELSE 1e-30 * high END AS floor
        FROM quantiles
    ),
    cells AS (
        SELECT 2 * model + is_upper::BIGINT AS id, model, n, ssw, jointly, known, expected, umin, at_umin, j, side,
            coalesce(known, 0.0) AS c, true AS is_first, true AS is_last, floor AS lower, high AS upper
        FROM bounds
    )
    SELECT f.model, side, CASE WHEN f.x <= floor THEN 0.0 WHEN jointly THEN f.x * pooled ELSE f.x END AS end_
    FROM _pool_minima('cells', moved, 'pm') AS f JOIN (SELECT model, side, floor, jointly, pooled FROM bounds)
        USING (model, side);

-- The deviance of the profile at its minimum and at 0.
CREATE OR REPLACE MACRO _pool_heights(models, moved, method) AS TABLE
    WITH points AS MATERIALIZED (
        SELECT 2 * model + at_zero::BIGINT AS id, model, n, ssw, jointly, known, 0.0 AS expected, umin, at_umin, j,
            1.0 AS side, CASE WHEN at_zero THEN centre ELSE gls END AS c, 'low' AS phase, CASE WHEN at_zero THEN 0.0 ELSE best END AS x,
            NULL::DOUBLE AS deviance, NULL::DOUBLE AS hd2
        FROM query_table(models), (VALUES (true), (false)) AS two(at_zero)
        WHERE estimable AND best IS NOT NULL AND (exact = 0 OR jointly OR best > 0 AND NOT at_zero)
    )
    SELECT model, max(CASE WHEN id % 2 = 1 THEN deviance END) AS at_zero,
        max(CASE WHEN id % 2 = 0 THEN deviance END) AS at_best
    FROM _pool_evaluated('points', moved, method) GROUP BY model;

-- Both ends where the profile has risen by chi-square of 1 degree: below the minimum in one cell, above it in one of
-- many cells of equal ratio.
CREATE OR REPLACE MACRO _pool_limits_by_profile(models, heights, moved, method, level) AS TABLE
    WITH targets AS MATERIALIZED (
        SELECT m.*, at_best + _pool_quantile * _pool_quantile AS expected,
            CASE WHEN best > 0 THEN best WHEN jointly THEN 1 / wmax ELSE vmax + reach END AS step,
            CASE WHEN jointly OR exact = 0 THEN 0.0 ELSE 1e-30 * step END AS floor
        FROM query_table(models) AS m JOIN query_table(heights) USING (model), _pool_quantile_of(level)
        WHERE by_profile
    ),
    cells AS (
        SELECT 50 * model + i AS id, model, n, ssw, jointly, known, expected, umin, at_umin, j, side,
            gls AS c, side < 0 AS is_first, side < 0 OR i = 40 AS is_last,
            CASE WHEN side < 0 OR i = 1 THEN floor ELSE step * 8.0 ** (i - 2) END AS lower,
            CASE WHEN side < 0 THEN best ELSE step * 8.0 ** (i - 1) END AS upper
        FROM (
            SELECT *, CASE WHEN i = 0 THEN -1.0::DOUBLE ELSE 1.0::DOUBLE END AS side
            FROM (SELECT *, unnest(CASE WHEN best > 0 THEN [0] || range(2, 41) ELSE range(1, 41) END) AS i FROM targets)
        )
    )
    SELECT f.model, side, CASE WHEN f.x <= floor THEN 0.0 WHEN jointly THEN f.x * f.hd2 ELSE f.x END AS end_
    FROM _pool_minima('cells', moved, method) AS f JOIN (SELECT model, floor, jointly FROM targets) USING (model)
    UNION ALL
    SELECT model, -1.0, 0.0 FROM targets WHERE best = 0;

-- ---- together -------------------------------------------------------------------------------------------------------

-- The quantile of the test of mu for each number of degrees of freedom.
CREATE OR REPLACE MACRO _pool_reaches(models, test, level) AS TABLE
    WITH dfs AS MATERIALIZED (SELECT DISTINCT df FROM query_table(models)),
    normal AS (SELECT df, _pool_quantile AS reach_ FROM dfs, _pool_quantile_of(level)),
    student AS (
        SELECT df, pool_student_quantile((1 + _pool_number(level)) / 2, CASE WHEN df >= 1 THEN df END) AS reach_ FROM dfs
    )
    FROM query_table(CASE WHEN test = 'z' THEN 'normal' ELSE 'student' END);

-- The probability of a |t| as large if mu were 0.
CREATE OR REPLACE MACRO _pool_tests(errors, test) AS TABLE
    WITH normal AS (SELECT model, 2 * pool_normal_cdf_double(t) AS mu_p FROM query_table(errors)),
    student AS (
        SELECT model, 2 * pool_student_cdf(t, CASE WHEN df >= 1 THEN df END) AS mu_p FROM query_table(errors)
    )
    FROM query_table(CASE WHEN test = 'z' THEN 'normal' ELSE 'student' END);

-- One row a model: everything between icc and converged, and se_mu by the test; NULL where the data do not say.
CREATE OR REPLACE MACRO _pool_inference(moved, variances, centres, sigma2, tau2, mu, level, test, limits) AS TABLE
    WITH judged AS MATERIALIZED (FROM _pool_judged(moved, variances, centres, _pool_method(tau2, mu))),
    tops AS MATERIALIZED (FROM _pool_tops('judged')),
    sums AS MATERIALIZED (FROM _pool_sums_judged('judged', 'tops')),
    traces AS (FROM _pool_traces('judged', 'sums')),
    errors_of_tau2 AS (FROM _pool_error_of_tau2('sums', 'traces', variances, _pool_method(tau2, mu))),
    models AS MATERIALIZED (
        SELECT * EXCLUDE (estimable), estimable AND tau2_ IS NOT NULL AS estimable,
            NOT published AND _pool_name(sigma2) = 'pooled' AS on_rows,
            CASE WHEN on_rows THEN n - j ELSE 'infinity'::DOUBLE END AS df2,
            CASE WHEN jointly THEN x ELSE tau2_ END AS best,
            v.estimable AND tau2_ IS NOT NULL AND _pool_name(tau2) <> ''
                AND (coalesce(limits::VARCHAR = 'profile', false)
                    OR limits IS NULL AND jointly AND _pool_name(tau2) <> 'cv') AS by_profile,
            v.estimable AND tau2_ IS NOT NULL AND _pool_name(tau2) <> '' AND NOT by_profile AS by_q
        FROM query_table(variances) AS v JOIN (SELECT model, gls, centre FROM tops) USING (model)
    ),
    no_heights AS (SELECT NULL::BIGINT AS model, NULL::DOUBLE AS at_zero, NULL::DOUBLE AS at_best WHERE false),
    some_heights AS (FROM _pool_heights('models', moved, _pool_method(tau2, mu) || ' level')),
    heights AS MATERIALIZED (
        FROM query_table(CASE WHEN _pool_name(tau2) IN ('reml', 'ml') THEN 'some_heights' ELSE 'no_heights' END)
    ),
    no_limits AS (SELECT NULL::BIGINT AS model, NULL::DOUBLE AS side, NULL::DOUBLE AS end_ WHERE false),
    q_limits AS (FROM _pool_limits_by_q('models', moved, level)),
    profile_limits AS (
        FROM _pool_limits_by_profile('models', 'heights', moved, _pool_method(tau2, mu) || ' level', level)
    ),
    limits_by_q AS (
        FROM query_table(CASE WHEN _pool_name(tau2) = '' OR coalesce(limits::VARCHAR = 'profile', false)
            THEN 'no_limits' ELSE 'q_limits' END)
    ),
    limits_by_profile AS (
        FROM query_table(CASE
            WHEN _pool_name(tau2) NOT IN ('reml', 'ml') OR coalesce(limits::VARCHAR = 'q', false)
                OR limits IS NULL AND _pool_name(sigma2) <> 'pooled' THEN 'no_limits'
            ELSE 'profile_limits'
        END)
    ),
    ends AS (
        SELECT model, _pool_finite(max(CASE WHEN side < 0 THEN end_ END)) AS tau2_lower,
            _pool_finite(max(CASE WHEN side > 0 THEN end_ END)) AS tau2_upper
        FROM (FROM limits_by_q UNION ALL FROM limits_by_profile) GROUP BY model
    ),
    errors AS MATERIALIZED (
        SELECT model, f.df,
            coalesce(_pool_number(mu), own + start + _pool_origin) AS mu_,
            CASE
                WHEN _pool_number(mu) IS NOT NULL THEN 0.0
                WHEN NOT identified OR tau2_ IS NULL THEN NULL
                WHEN test = 'knha' THEN _pool_finite(pool_knapp_hartung(sqrt(variance), gls_squares, f.df))
                WHEN test = 'adhoc' THEN _pool_finite(pool_knapp_hartung_at_least(sqrt(variance), gls_squares, f.df))
                ELSE _pool_finite(sqrt(variance))
            END AS se,
            CASE WHEN se > 0 THEN -abs(mu_) / se END AS t
        FROM models AS f JOIN query_table(centres) USING (model) JOIN sums USING (model), _pool_origin
    ),
    said AS (
        SELECT *,
            CASE WHEN df > 0 AND q_exact = 0 AND identified THEN _pool_finite(coalesce(q_rest, 0.0)) END AS q_,
            CASE
                WHEN df <= 0 OR tau2_ IS NULL OR NOT identified THEN NULL
                WHEN exact_v > fitted THEN 0.0
                WHEN known IS NOT NULL THEN pool_typical_variance(df, sum_p)
                ELSE pool_typical_variance(df, pool_trace(pool_pairs(at_p, top_p, rest_p, rest_p2), sum_p))
            END AS typical,
            CASE
                WHEN tau2_ IS NULL OR NOT identified THEN NULL
                WHEN on_rows AND sigma2_ > 0
                    THEN pool_rows_deviance(ssw, sigma2_ * squares, inflation, sigma2_, n)
                        + CASE WHEN _pool_method(tau2, mu) = 'reml' THEN ln(s1) ELSE 0.0 END
                WHEN NOT on_rows AND positive
                    THEN pool_ml_deviance(logs, squares)
                        + CASE WHEN _pool_method(tau2, mu) = 'reml' THEN ln(s1) - ln(j) ELSE 0.0 END
            END AS deviance,
            CASE WHEN on_rows THEN n ELSE j END - CASE WHEN _pool_method(tau2, mu) = 'reml' THEN 1 ELSE 0 END AS numbers
        FROM models JOIN sums USING (model)
    ),
    likely AS (
        SELECT *, _pool_finite(pool_log_likelihood(deviance, numbers)) AS log_likelihood,
            CASE WHEN deviance IS NOT NULL AND isfinite(at_zero) AND isfinite(at_best)
                THEN pool_likelihood_ratio(at_zero, at_best) END AS lrt
        FROM said LEFT JOIN heights USING (model)
    )
    SELECT model, q_ AS q,
        CASE WHEN q_ IS NULL AND q_exact > 0 AND df2 > 0 THEN 0.0 WHEN q_ = 0 AND df2 > 0 THEN 1.0
            WHEN q_ > 0 AND df2 > 0 THEN _pool_q_tail(df / 2, df2 / 2, ln(q_ / df)) END AS q_p,
        pool_i2(tau2_, typical) AS i2, _pool_finite(pool_h2(tau2_, typical)) AS h2,
        _pool_finite(sqrt(error2)) AS se_tau2, tau2_lower, tau2_upper, log_likelihood,
        pool_akaike(log_likelihood, on_rows::INTEGER + (_pool_name(tau2) <> '')::INTEGER
            + (_pool_number(mu) IS NULL)::INTEGER) AS aic,
        lrt, CASE WHEN lrt IS NOT NULL THEN pool_half_half(lrt, 2 * pool_normal_cdf_double(-sqrt(lrt))) END AS lrt_p,
        CASE WHEN _pool_number(mu) IS NOT NULL THEN mu_ ELSE mu_ - reach_ * se END AS mu_lower,
        CASE WHEN _pool_number(mu) IS NOT NULL THEN mu_ ELSE mu_ + reach_ * se END AS mu_upper,
        mu_p,
        mu_ - reach_ * pool_prediction_error(tau2_, se) AS new_lower,
        mu_ + reach_ * pool_prediction_error(tau2_, se) AS new_upper,
        se AS se_mu_
    FROM likely JOIN (SELECT model, mu_, se FROM errors) USING (model)
    LEFT JOIN _pool_tests('errors', test) USING (model)
    LEFT JOIN _pool_reaches('models', test, level) USING (df)
    LEFT JOIN errors_of_tau2 USING (model) LEFT JOIN ends USING (model);

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
    started AS MATERIALIZED (FROM _pool_started('sampled', 'counted', sigma2, tau2)),
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
    centres AS MATERIALIZED (FROM _pool_centres('counts')),
    plain AS (
        SELECT _pool_model, model AS _pool_id,
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
            df_prior AS _pool_df_prior,
            sigma2_prior AS _pool_sigma2_prior,
            coalesce(settled, false) AS _pool_converged
        FROM models LEFT JOIN variances USING (model) LEFT JOIN centres USING (model),
            (SELECT has_n FROM _pool_given), _pool_origin
    ),
    errors AS (FROM _pool_error_and_bias('moved', 'variances', _pool_method(tau2, mu))),
    with_errors AS (
        SELECT plain.*, error AS _pool_error, correction AS _pool_correction
        FROM plain LEFT JOIN errors ON plain._pool_id = errors.model
    ),
    inferred AS (FROM _pool_inference('moved', 'variances', 'centres', sigma2, tau2, mu, level, test, limits)),
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
    SELECT * EXCLUDE (_pool_id)
    FROM query_table(CASE asked WHEN 'inference' THEN 'told' WHEN 'errors' THEN 'with_errors' ELSE 'plain' END);
