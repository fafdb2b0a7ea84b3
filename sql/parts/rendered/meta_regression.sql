-- Rendered from polars_pool/formulas/meta_regression.py by `python -m polars_pool.rendering`: edit there.
--
-- The estimators of tau2 beside one predictor of groups, in terms of the columns of parts/meta_regression.
--
-- Weighted fits at points, and the statistics of their residuals, from sums over the groups.
CREATE OR REPLACE MACRO _pool_toward_statistics(sums) AS TABLE
    SELECT *,
        z1 / s1 AS mean_z,
        r1 / s1 AS mean_r,
        CASE WHEN p = 2 THEN 1 / (zz1 - z1 * z1 / s1) ELSE 0.0 END AS inverse,
        (zr1 - z1 * r1 / s1) * inverse AS slope,
        mean_r - slope * mean_z AS level,
        z2 - mean_z * s2 AS u2,
        zz2 - 2 * mean_z * z2 + mean_z * mean_z * s2 AS uu2,
        zz3 - 2 * mean_z * z3 + mean_z * mean_z * s3 AS uu3,
        rr1 - 2 * level * r1 - 2 * slope * zr1 + level * level * s1 + 2 * level * slope * z1
        + slope * slope * zz1 AS wr2,
        rr2 - 2 * level * r2 - 2 * slope * zr2 + level * level * s2 + 2 * level * slope * z2
        + slope * slope * zz2 AS w2r2,
        s1 - s2 / s1 - uu2 * inverse AS trace,
        s2 - 2 * (s3 / s1 + uu3 * inverse) + s2 / s1 * (s2 / s1) + 2 * u2 * u2 * inverse / s1
        + uu2 * inverse * (uu2 * inverse) AS trace2,
        ln(s1) - CASE WHEN inverse > 0 THEN ln(inverse) ELSE 0.0 END AS log_information
    FROM query_table(sums);

-- The estimators that go with a predictor.
CREATE OR REPLACE MACRO _pool_names_of_toward() AS
    ['reml', 'ml', 'dl', 'he', 'hs', 'sj', 'pm', 'eb'];

-- The estimator that tau2 names, or `known` for a number or a wrong name.
CREATE OR REPLACE MACRO _pool_toward_method(tau2) AS
    CASE WHEN list_contains(_pool_names_of_toward(), _pool_name(tau2)) THEN _pool_name(tau2) ELSE 'known' END;

-- tau2 where every mean is exact.
CREATE OR REPLACE MACRO _pool_toward_plain(method, plain_squares, j, p) AS
    CASE
        WHEN method IN ('reml', 'dl', 'he', 'sj', 'pm', 'eb') THEN plain_squares / (j - p)
        WHEN method IN ('ml', 'hs') THEN plain_squares / j
    END;

-- The degrees of freedom of sigma2 where it is estimated with tau2.
CREATE OR REPLACE MACRO _pool_toward_joint_df(method, n, p) AS
    CASE
        WHEN method = 'reml' THEN n - p
        WHEN method = 'ml' THEN n
    END;

-- R^2, percent of the variance between groups that predictors explain (Raudenbush 2009), never below 0.
CREATE OR REPLACE MACRO _pool_toward_explained(tau2, without) AS
    CASE WHEN without > 0 THEN CASE WHEN tau2 > without THEN 0.0 ELSE 100 * (1 - tau2 / without) END END;

-- 2 tr(PSPS) where the variances S of the means are 1 / w + `change`: P V P = P for V = 1 / w.
CREATE OR REPLACE MACRO _pool_toward_squares_variance(df, trace, trace2, change) AS
    2 * (df + 2 * change * trace + change * change * trace2);

-- tr PPE, the information about tau2 and sigma2, of E = (V - tau2) / sigma2, V = 1 / w.
CREATE OR REPLACE MACRO _pool_toward_once_by_rows(one, two, tau2, sigma2) AS
    (one - tau2 * two) / sigma2;

-- tr PEPE, the information about sigma2 between groups; `count` is J - p, or J for the full likelihood.
CREATE OR REPLACE MACRO _pool_toward_twice_by_rows(one, two, count, tau2, sigma2) AS
    (count - 2 * tau2 * one + tau2 * tau2 * two) / (sigma2 * sigma2);

-- The models that need an estimate, with the range of its search. From `bend` on the deviance has at most one
-- minimum. `expected` is the expectation of Q where its root is the estimate. A closed form has one point.
CREATE OR REPLACE MACRO _pool_toward_ranges(facts, method) AS TABLE
    WITH "known" AS (FROM query_table(facts) WHERE false),
    "reml" AS (
        SELECT *,
            CASE
                WHEN jointly
                    THEN CASE WHEN ssw > 0
                    THEN CASE WHEN 1 / wmin > 2.001 * joint_df * plain_squares / ((j - p) * ssw) THEN 1 / wmin
                    ELSE 2.001 * joint_df * plain_squares / ((j - p) * ssw) END ELSE 10000000000.0 / wmin END
                WHEN vmax + plain_squares = 0 THEN 1.0
                WHEN vmax > 2.001 * plain_squares / (j - p) THEN vmax
                ELSE 2.001 * plain_squares / (j - p)
            END AS high,
            CASE
                WHEN jointly THEN 0.01 / wmax
                WHEN 0.01 * CASE WHEN vmin < high THEN vmin ELSE high END > 1e-18 * high
                    THEN 0.01 * CASE WHEN vmin < high THEN vmin ELSE high END
                ELSE 1e-18 * high
            END AS low,
            CASE
                WHEN jointly
                    THEN CASE WHEN ssw > 0
                    THEN (squares_by_w / plain_squares - 1 / wmax) * (1 + w_squares / ssw) - 1 / wmax
                    ELSE 'infinity'::DOUBLE END
                ELSE v_squares / plain_squares - 2 * vmin
            END AS bend,
            NULL::DOUBLE AS expected
        FROM query_table(facts)
        WHERE estimable AND vmax > 0
    ),
    "ml" AS (FROM "reml"),
    "dl" AS (
        SELECT *, 0.0 AS low, NULL::DOUBLE AS high, NULL::DOUBLE AS bend, NULL::DOUBLE AS expected
        FROM query_table(facts)
        WHERE estimable AND vmax > 0
    ),
    "he" AS (FROM "dl"),
    "hs" AS (FROM "dl"),
    "sj" AS (
        SELECT *, crude AS low, NULL::DOUBLE AS high, NULL::DOUBLE AS bend, NULL::DOUBLE AS expected
        FROM query_table(facts)
        WHERE estimable AND vmax > 0
    ),
    "pm" AS (
        SELECT *,
            0.0 AS low,
            CASE WHEN plain_squares = 0 THEN 1.0 ELSE 1.001 * plain_squares / (j - p) END AS high,
            NULL::DOUBLE AS bend,
            j - p AS expected
        FROM query_table(facts)
        WHERE estimable AND vmax > 0
    ),
    "eb" AS (FROM "pm")
    FROM query_table(method);

-- What rises through 0 at a minimum of the deviance, and the deviance.
CREATE OR REPLACE MACRO _pool_toward_rises(statistics, method) AS TABLE
    WITH "known" AS (SELECT *, NULL::DOUBLE AS rise, NULL::DOUBLE AS deviance FROM query_table(statistics)),
    "reml" AS (
        SELECT *,
            CASE
                WHEN w2r2 > 0
                    THEN CASE WHEN jointly THEN trace * (ssw + wr2) / (joint_df * w2r2) - 1
                    ELSE trace / w2r2 - 1 END
                ELSE 'infinity'::DOUBLE
            END AS rise,
            CASE
                WHEN jointly THEN joint_df * ln((ssw + wr2) / joint_df) + logs + log_information
                ELSE logs + wr2 + log_information
            END AS deviance
        FROM query_table(statistics)
    ),
    "ml" AS (
        SELECT *,
            CASE
                WHEN w2r2 > 0
                    THEN CASE WHEN jointly THEN s1 * (ssw + wr2) / (joint_df * w2r2) - 1 ELSE s1 / w2r2 - 1 END
                ELSE 'infinity'::DOUBLE
            END AS rise,
            CASE
                WHEN jointly THEN joint_df * ln((ssw + wr2) / joint_df) + logs
                ELSE logs + wr2
            END AS deviance
        FROM query_table(statistics)
    ),
    "dl" AS (FROM "known"),
    "he" AS (FROM "known"),
    "hs" AS (FROM "known"),
    "sj" AS (FROM "known"),
    "pm" AS (FROM "known"),
    "eb" AS (FROM "known")
    FROM query_table(method);

-- tau2 in closed form, before it is truncated at 0.
CREATE OR REPLACE MACRO _pool_toward_moments(statistics, method) AS TABLE
    WITH "reml" AS (SELECT model, NULL::DOUBLE AS x FROM query_table(statistics) WHERE false),
    "ml" AS (FROM "reml"),
    "dl" AS (
        SELECT model, (wr2 - (j - p)) / trace AS x
        FROM query_table(statistics)
    ),
    "he" AS (
        SELECT model, (plain_squares - (j * v1 - (v1 + vzz))) / (j - p) AS x
        FROM query_table(statistics)
    ),
    "hs" AS (
        SELECT model, (wr2 - j) / s1 AS x
        FROM query_table(statistics)
    ),
    "sj" AS (
        SELECT model, crude * wr2 / (j - p) AS x
        FROM query_table(statistics)
    ),
    "pm" AS (FROM "reml"),
    "eb" AS (FROM "reml")
    FROM query_table(method);

-- The variance of tau2 where v is known, and minus its bias.
CREATE OR REPLACE MACRO _pool_toward_errors(fitted, method) AS TABLE
    WITH "known" AS (SELECT *, NULL::DOUBLE AS error2, 0.0 AS bias FROM query_table(fitted)),
    "reml" AS (
        SELECT *, 2 / trace2 AS error2, 0.0 AS bias
        FROM query_table(fitted)
    ),
    "ml" AS (
        SELECT *, 2 / s2 AS error2, (s1 - trace) / s2 AS bias
        FROM query_table(fitted)
    ),
    "dl" AS (
        SELECT *, squares_variance / (a_trace * a_trace) AS error2, 0.0 AS bias
        FROM query_table(fitted)
    ),
    "he" AS (
        SELECT *,
            2
            * (j * v2 - 2 * (v2 + v2zz) + (v1 * v1 + 2 * vz * vz + vzz * vzz)
            + 2 * tau2_ * (j * v1 - (v1 + vzz)) + tau2_ * tau2_ * (j - p)) / ((j - p) * (j - p)) AS error2,
            0.0 AS bias
        FROM query_table(fitted)
    ),
    "hs" AS (
        SELECT *, squares_variance / (a_s1 * a_s1) AS error2, 0.0 AS bias
        FROM query_table(fitted)
    ),
    "sj" AS (
        SELECT *, squares_variance * (crude / (j - p)) * (crude / (j - p)) AS error2, 0.0 AS bias
        FROM query_table(fitted)
    ),
    "pm" AS (
        SELECT *,
            2 * j * j / ((j - p) * s1 * s1) AS error2,
            -2 * (j * s2 - s1 * s1) / (s1 * s1 * s1) AS bias
        FROM query_table(fitted)
    ),
    "eb" AS (FROM "pm")
    FROM query_table(method);
