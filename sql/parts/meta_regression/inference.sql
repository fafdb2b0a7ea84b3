-- ---------------------------------------------------------------------------------------------------------------------
-- Heterogeneity, errors and likelihoods of fitted models, in the unit of the model.
-- ---------------------------------------------------------------------------------------------------------------------

-- The statistics at the estimate (0), at tau2 = 0 (1), and at the weights of an estimator with weights of its own (2).
CREATE OR REPLACE MACRO _pool_toward_elsewhere(fitted, standard, method) AS TABLE
    WITH points AS (
        SELECT 4 * model + which AS id, which, model, p, j, n, ssw, jointly, false AS closed,
            CASE which WHEN 0 THEN x_ WHEN 1 THEN 0.0 ELSE crude END AS point
        FROM query_table(fitted), (
            SELECT unnest(CASE WHEN _pool_is_likelihood(method) THEN [0, 1] WHEN method = 'sj' THEN [1, 2] ELSE [1] END)
                AS which
        )
        WHERE identified AND regular AND vmax + point > 0 AND (NOT own_v OR _pool_toward_keeps(vmin, vmax, point))
    ),
    statistics AS (FROM _pool_toward_at('points', standard))
    SELECT model, which, point, s1, wr2, trace, trace2, profile
    FROM _pool_toward_profiles('statistics', _pool_is_restricted(method));

-- Fitted models with the variance of tau2, that of its part at fixed rho, and minus its bias; `_pool_error` is what the
-- errors of estimates need, 0 where every mean is exact.
CREATE OR REPLACE MACRO _pool_toward_uncertain(fitted, elsewhere, method) AS TABLE
    WITH beside AS (
        SELECT f.*, a_s1, a_trace, _pool_toward_squares_variance(j - p, a_trace, a_trace2, tau2_ - a_at)
                AS squares_variance
        FROM query_table(fitted) AS f LEFT JOIN (
            SELECT model, s1 AS a_s1, trace AS a_trace, trace2 AS a_trace2, point AS a_at FROM query_table(elsewhere)
            WHERE which = CASE WHEN method = 'sj' THEN 2 ELSE 1 END
        ) USING (model)
    ),
    joint AS (
        SELECT *, (n - j) / (sigma2_ * sigma2_) AS within,
            CASE WHEN _pool_is_restricted(method) THEN trace ELSE s1 END / scale AS one,
            CASE WHEN _pool_is_restricted(method) THEN trace2 ELSE s2 END / (scale * scale) AS two,
            CASE WHEN _pool_is_restricted(method) THEN j - p ELSE j END AS of_groups
        FROM _pool_toward_errors('beside', method)
    ),
    informed AS (
        SELECT *, _pool_toward_once_by_rows(one, two, tau2_, sigma2_) AS ts,
            _pool_toward_twice_by_rows(one, two, of_groups, tau2_, sigma2_) AS ss
        FROM joint
    )
    SELECT * EXCLUDE (error2, bias, within, one, two, of_groups, ts, ss),
        CASE WHEN known AND j > p THEN _pool_finite(CASE WHEN jointly
            THEN pool_variance_by_information(two, ts, ss, within) ELSE error2 END) END AS error2_,
        CASE
            WHEN method = 'known' OR vmax = 0 THEN 0.0
            WHEN known AND j > p THEN CASE WHEN jointly THEN pool_error_of_ratio(two, ts, ss, within, x_)
                ELSE error2 END * unit_ ** 4
        END AS _pool_error,
        CASE WHEN known AND j > p AND vmax > 0 THEN bias * scale * unit_ * unit_ ELSE 0.0 END AS _pool_correction
    FROM informed;

-- Models with heterogeneity, -2 log L and the test of the predictor. Where sigma2 is pooled, Q is that of the mean
-- square within.
CREATE OR REPLACE MACRO _pool_toward_closed_forms(uncertain, elsewhere, method, test) AS TABLE
    WITH beside AS (
        SELECT f.*, j - p AS df, CASE WHEN on_rows THEN n - j ELSE 'infinity'::DOUBLE END AS df2,
            CASE WHEN j > p AND df2 > 0 THEN _pool_finite(q_ / CASE WHEN jointly THEN pooled ELSE 1.0 END) END AS q,
            CASE WHEN known AND regular AND j > p
                THEN CASE WHEN vmax = 0 THEN 0.0 ELSE pool_typical_variance(j - p, trace_0 / scale) END END AS typical,
            profile_0, profile_at_best, wr2 / scale AS squares,
            logs + j * ln(scale) + wr2 / scale + CASE WHEN _pool_is_restricted(method)
                THEN log_information - p * ln(scale) ELSE 0.0 END AS deviance_of_means
        FROM query_table(uncertain) AS f LEFT JOIN (
            SELECT model, wr2 AS q_, trace AS trace_0, profile AS profile_0 FROM query_table(elsewhere) WHERE which = 1
        ) USING (model) LEFT JOIN (
            SELECT model, profile AS profile_at_best FROM query_table(elsewhere) WHERE which = 0
        ) USING (model)
    )
    SELECT *,
        CASE WHEN known THEN CASE
            WHEN NOT on_rows THEN deviance_of_means - CASE WHEN _pool_is_restricted(method) THEN p * ln(j) ELSE 0.0 END
            WHEN sigma2_ > 0 THEN deviance_of_means + (n - j) * ln(sigma2_) + ssw / sigma2_ + logs_of_w
                - CASE WHEN p = 2 AND _pool_is_restricted(method) THEN 2 * ln(per_x) ELSE 0.0 END
        END END AS deviance,
        CASE WHEN on_rows THEN n ELSE j END - CASE WHEN _pool_is_restricted(method) THEN p ELSE 0.0 END AS numbers,
        _pool_finite(CASE test
            WHEN 'knha' THEN pool_knapp_hartung(1.0, squares, NULLIF(df, 0.0))
            WHEN 'adhoc' THEN pool_knapp_hartung_at_least(1.0, squares, NULLIF(df, 0.0))
            ELSE 1.0
        END) AS by_spread,
        CASE WHEN slope_variance > 0
            THEN slope_ * slope_ / (slope_variance * by_spread * by_spread) END AS qm
    FROM beside;

-- The tails and quantiles of tests and limits: id is 8 * model, plus 0 for the tail of Q, 1 for that of QM, 4 and 5 for
-- the quantiles of Q that limit tau2.
CREATE OR REPLACE MACRO _pool_toward_required(closed_forms, level, test, method, limits) AS TABLE
    SELECT 8 * model + which AS id, CASE which WHEN 1 THEN 0.5 ELSE df / 2 END AS a,
        CASE WHEN which <> 1 THEN df2 / 2 WHEN test = 'z' THEN 'infinity'::DOUBLE ELSE df / 2 END AS b,
        CASE which WHEN 0 THEN ln(q / df) WHEN 1 THEN ln(qm) END AS w,
        CASE which WHEN 4 THEN (1 + _pool_number(level)) / 2 WHEN 5 THEN (1 - _pool_number(level)) / 2 END AS p,
        NULL::DOUBLE AS z
    FROM (
        SELECT model, df, df2, q, qm, unnest([0, 1, 4, 5]) AS which, method <> 'known' AND known AND vmax > 0 AND df > 0
            AND (NOT own_v OR _pool_toward_keeps(vmin, vmax, 0.0))
            AND NOT (_pool_is_likelihood(method) AND coalesce(limits::VARCHAR = 'profile', jointly)) AS by_q
        FROM query_table(closed_forms) WHERE p = 2
    )
    WHERE CASE which
        WHEN 0 THEN q > 0
        WHEN 1 THEN qm > 0 AND isfinite(qm) AND (test = 'z' OR df > 0)
        ELSE by_q AND df2 > 0
    END;
