-- ---------------------------------------------------------------------------------------------------------------------
-- The standard error of tau2.
-- ---------------------------------------------------------------------------------------------------------------------

-- The weight a of a square in the estimator of tau2, and its variance s; `top` marks the groups with the largest a.
CREATE OR REPLACE MACRO _pool_squares_weighed(fitted_classes, models, method) AS TABLE
    SELECT *, a * a * s AS b, a * a / w AS c
    FROM (
        SELECT model, k, w, CASE WHEN _pool_error_weighs_w(method) THEN w = wmax ELSE is_top END AS top,
            _pool_error_weight(method, w, v, crude, pool_precision(v, t)) AS a,
            CASE WHEN _pool_error_is_standardised(method) THEN 1.0 ELSE v + t END AS s
        FROM query_table(fitted_classes)
        JOIN (SELECT model, wmax, plain_squares / j AS crude FROM query_table(models)) USING (model)
    );

-- Sums of products of different groups. One group (`alone`) may have a far larger weight than all others: the sum over
-- the others is then computed without it, not by subtraction.
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

-- The variance of an estimator of tau2 that is a weighted sum of squares.
CREATE OR REPLACE MACRO _pool_error_of_squares(fitted_classes, models, method) AS TABLE
    WITH weighed AS MATERIALIZED (FROM _pool_squares_weighed(fitted_classes, models, method))
    SELECT model,
        CASE
            WHEN jointly AND sigma2_ > 0 AND _pool_is_restricted(method) THEN pool_variance_by_information(
                (diagonal + off) / (sum_a * sum_a), (diagonal_w + off_w) / (sum_a * sum_a),
                (diagonal_ww + off_ww) / (sum_a * sum_a), (n - j) / (sigma2_ * sigma2_))
            WHEN jointly AND sigma2_ > 0
                THEN pool_variance_by_information(aass, sum_c, aaww, (n - j) / (sigma2_ * sigma2_))
            ELSE _pool_error_variance(method, squares_variance, known_variance, sum_a, trace, plain_squares, j, df,
                NULL::DOUBLE)
        END AS error2
    FROM (
        SELECT *, 2 * aass AS known_variance,
            CASE WHEN known IS NULL THEN pool_variance_of_squares(diagonal, off, sum_a) ELSE 2 * aass END
                AS squares_variance,
            CASE WHEN known IS NULL THEN pool_trace(pairs, sum_a) ELSE sum_a END AS trace
        FROM (
            SELECT model, j, n, df, known, jointly, sigma2_, plain_squares FROM query_table(models) WHERE has_tau2
        ) JOIN _pool_squares_traced('weighed') USING (model)
    );

-- The variance of tau2, chosen by the name of the estimator: DuckDB plans only what this estimator needs.
CREATE OR REPLACE MACRO _pool_error_of_tau2(fitted_classes, models, closed_forms, method) AS TABLE
    WITH no_error AS (SELECT NULL::BIGINT AS model, NULL::DOUBLE AS error2 WHERE false),
    of_sums AS (
        SELECT model, _pool_error_variance(method, NULL::DOUBLE, NULL::DOUBLE, NULL::DOUBLE, NULL::DOUBLE,
            plain_squares, j, df, s1) AS error2
        FROM query_table(closed_forms) WHERE has_tau2
    ),
    of_squares AS (FROM _pool_error_of_squares(fitted_classes, models, method))
    FROM query_table(CASE
        WHEN method = 'known' OR list_contains(pool_methods_without_error('tau2'), method) THEN 'no_error'
        WHEN _pool_error_has_weights(method) THEN 'of_squares'
        ELSE 'of_sums'
    END);
