-- ---------------------------------------------------------------------------------------------------------------------
-- Heterogeneity, errors, likelihoods, tests and intervals of the estimates of every model.
--
-- Sums over the same classes as the components. DuckDB does not plan what a call does not request. Limits of tau2 are
-- roots: the search for the estimates computes them too.
-- ---------------------------------------------------------------------------------------------------------------------

-- mu and its variance, and the other centres of squares: the gls mean at tau2 and at 0.
CREATE OR REPLACE MACRO _pool_fitted_centres(fitted_classes) AS TABLE
    SELECT model, sum(k * c * y) / sum(k * c) AS own,
        sum(k * pool_centre_error(c, v, t)) / (sum(k * c) * sum(k * c)) AS variance,
        sum(k / (v + t) * y) / sum(k / (v + t)) AS gls, sum(k * y / v0) / sum(k / v0) AS centre
    FROM query_table(fitted_classes) GROUP BY model;

-- One row per model: the fitted parameters and statistics that inference needs, and which results the arguments
-- request.
CREATE OR REPLACE MACRO _pool_fitted_models(variances, centres, mu, method, limits) AS TABLE
    SELECT model, j, n, ssw, df, fitted, exact, known, pooled, sigma2_, tau2_, umin, at_umin, wmax, jointly, identified,
        plain_squares, variance, coalesce(known, own) AS m, coalesce(known, gls) AS gls,
        coalesce(known, CASE WHEN exact > 0 THEN 0.0 ELSE centre END) AS centre,
        coalesce(_pool_number(mu) / unit_, own + start / unit_ + _pool_origin / unit_) AS mu_, unit_,
        on_rows, CASE WHEN on_rows THEN n - j ELSE 'infinity'::DOUBLE END AS df2,
        CASE WHEN jointly THEN x ELSE tau2_ END AS best, estimable AND tau2_ IS NOT NULL AS has_tau2,
        _pool_is_restricted(method) AS restricted,
        _pool_is_likelihood(method) AND coalesce(limits::VARCHAR = 'profile', jointly) AS by_profile,
        CASE WHEN jointly THEN 1 / wmax WHEN vmax + reach = 0 THEN 1.0 ELSE vmax + reach END AS far
    FROM query_table(variances) JOIN query_table(centres) USING (model), _pool_origin;

CREATE OR REPLACE MACRO _pool_fitted_sums(fitted_classes, models) AS TABLE
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
    FROM (
        SELECT *, pool_precision(v, t) AS h, CASE WHEN v = 0 THEN _pool_exact() ELSE 1 / v END AS p
        FROM query_table(fitted_classes)
    )
    JOIN (SELECT model, m, gls, centre FROM query_table(models)) USING (model)
    GROUP BY model;

-- Everything that has a closed form: -2 log L at the estimates is `base` and the squares about mu, `at_best` and
-- `at_zero` are those of the gls mean at tau2 and at 0.
CREATE OR REPLACE MACRO _pool_closed_forms(models, sums, method, level, test) AS TABLE
    SELECT model, s1, j, n, ssw, df, df2, known, pooled, tau2_, umin, at_umin, jointly, exact, plain_squares, gls,
        mu_, unit_, on_rows, best, has_tau2, by_profile, far, logs_of_w, q, q_exact, typical,
        _pool_quantile AS normal_reach, _pool_finite(error) AS se,
        CASE WHEN jointly OR exact = 0 THEN 0.0 ELSE 1e-30 * far END AS floor,
        CASE
            WHEN identified AND (sigma2_ > 0 OR NOT on_rows)
                THEN base + squares - CASE WHEN restricted AND NOT on_rows THEN ln(j) ELSE 0.0 END
        END AS deviance,
        CASE WHEN has_tau2 AND (exact = 0 OR jointly OR best > 0) THEN base + gls_squares END AS at_best,
        CASE WHEN deviance IS NOT NULL AND isfinite(at_zero) AND isfinite(at_best)
            THEN CASE WHEN best = 0 THEN 0.0 ELSE pool_likelihood_ratio(at_zero, at_best) END END AS lrt,
        n - CASE WHEN on_rows THEN 0 ELSE n - j END - CASE WHEN restricted THEN 1 ELSE 0 END AS numbers
    FROM (
        SELECT model, s1, j, n, ssw, df, df2, known, pooled, tau2_, umin, at_umin, jointly, exact, plain_squares, gls,
            mu_, unit_, on_rows, best, has_tau2, by_profile, far, logs_of_w, q_exact, identified, sigma2_, restricted,
            squares, gls_squares,
            CASE WHEN df > 0 AND q_exact = 0 AND identified AND df2 > 0 THEN _pool_finite(coalesce(q_rest, 0.0)) END
                AS q,
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
                WHEN NOT has_tau2 OR NOT _pool_is_likelihood(method) THEN NULL
                WHEN jointly AND restricted THEN pool_reml_profile(ssw, coalesce(pooled, 1.0) * q_rest, 0.0, n - 1,
                    coalesce(pooled, 1.0) * s1_at_zero) + (n - 1)
                WHEN jointly THEN pool_ml_profile(ssw, coalesce(pooled, 1.0) * q_rest, 0.0, n) + n
                WHEN exact = 0 THEN pool_ml_deviance(logs_at_zero, q_rest)
                    + CASE WHEN restricted THEN ln(s1_at_zero) ELSE 0.0 END
            END AS at_zero
        FROM query_table(models) JOIN query_table(sums) USING (model)
    ), _pool_quantile_of(level);

-- The tails and quantiles that inference needs. id is 8 times the model, plus 0 for the tail of Q, F(df, df2) or (for
-- infinite df2) chi-square; 1 and 3 for the tail of mu, whose square is F(1, df), and for the quantile of Student's
-- interval of mu; 4 and 5 for the quantiles of Q that limit tau2.
CREATE OR REPLACE MACRO _pool_required_tails(closed_forms, method, level, test) AS TABLE
    WITH of_q AS (
        SELECT 8 * model + which AS id, df / 2 AS a, df2 / 2 AS b,
            CASE WHEN which = 0 AND q > 0 THEN ln(q / df) END AS w,
            CASE which WHEN 4 THEN (1 + _pool_number(level)) / 2 WHEN 5 THEN (1 - _pool_number(level)) / 2 END AS p,
            NULL::DOUBLE AS z
        FROM (
            SELECT model, df, df2, q,
                unnest(CASE WHEN has_tau2 AND method <> 'known' AND NOT by_profile THEN [0, 4, 5] ELSE [0] END) AS which
            FROM query_table(closed_forms) WHERE df > 0 AND df2 > 0
        )
        WHERE which > 0 OR q > 0
    ),
    of_mu AS (
        SELECT 8 * model + which AS id, 0.5 AS a, df / 2 AS b, CASE WHEN which = 1 THEN 2 * ln(t) END AS w,
            CASE WHEN which = 3 THEN _pool_number(level) END AS p, NULL::DOUBLE AS z
        FROM (
            SELECT model, df, unnest([1, 3]) AS which,
                CASE WHEN se > 0 AND mu_ <> 0 THEN greatest(least(abs(mu_) / se, 1e300), 1e-300) END AS t
            FROM query_table(closed_forms) WHERE df >= 1
        )
        WHERE which = 3 OR t > 0
    ),
    of_q_and_mu AS (FROM of_q UNION ALL FROM of_mu)
    FROM query_table(CASE WHEN test = 'z' THEN 'of_q' ELSE 'of_q_and_mu' END);
