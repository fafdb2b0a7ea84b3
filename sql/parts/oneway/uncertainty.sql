-- ---------------------------------------------------------------------------------------------------------------------
-- The error of tau2 as far as it affects the estimates of groups.
-- ---------------------------------------------------------------------------------------------------------------------

-- The sum over the other groups, without cancellation where one group has a far larger weight than all others.
CREATE OR REPLACE MACRO _pool_others(x, top, count, rest, total) AS
    CASE WHEN x = top THEN rest + (count - 1) * top ELSE total - x END;

-- Variance of tau2 and minus its bias, one row per model. A negligible v replaces v = 0, where 1 / v is infinite.
CREATE OR REPLACE MACRO _pool_error_and_bias(moved, variances, method) AS TABLE
    WITH weighed AS (
        SELECT *, pool_precision(positive, tau2_) AS p,
            _pool_error_weight(method, w, positive, crude, p) AS a,
            CASE WHEN _pool_error_is_standardised(method) THEN 1.0 ELSE positive + tau2_ END AS s,
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
    variances_of_squares AS (
        SELECT *, 2 * squares AS known_variance,
            CASE WHEN known IS NULL THEN pool_variance_of_squares(diagonal, rest, total) ELSE 2 * squares END
                AS squares_variance,
            CASE WHEN known IS NULL THEN pool_trace(pairs, total) ELSE total END AS trace,
            (n - j) / (sigma2_ * sigma2_) AS within
        FROM sums JOIN query_table(variances) USING (model)
    )
    SELECT model,
        CASE
            WHEN vmax = 0 OR sigma2_ = 0 THEN 0.0
            WHEN jointly AND _pool_is_restricted(method) THEN pool_error_of_ratio(
                (diagonal + rest) / (total * total), ts / (total * total), ss / (total * total), within,
                tau2_ / sigma2_)
            WHEN jointly THEN pool_error_of_ratio(s2, s2_w, s2_w2, within, tau2_ / sigma2_)
            ELSE _pool_error_variance(method, squares_variance, known_variance, total, trace, plain_squares, j, df, s1)
        END AS error,
        CASE WHEN vmax = 0 OR sigma2_ = 0 THEN 0.0 ELSE _pool_error_correction(method, fitted, j, df, s1, s2) END
            AS correction
    FROM variances_of_squares;
