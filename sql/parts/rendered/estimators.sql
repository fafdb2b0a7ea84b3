-- Rendered from polars_pool/formulas/estimators.py by `python -m polars_pool.rendering`: edit there.
--
-- The estimators of tau2: what each needs, and its formulas in terms of the columns of fit.sql and search.sql.
--
-- A table macro has one CTE per estimator and reads the one that `method` names when the query is planned: the others
-- are not bound.

-- The estimator that computes tau2: about a known mu some are another one.
CREATE OR REPLACE MACRO _pool_method(tau2, mu) AS
    CASE
        WHEN _pool_name(tau2) = 'reml' AND _pool_number(mu) IS NOT NULL THEN 'ml'
        ELSE _pool_name(tau2)
    END;

-- Whether there are enough groups for an estimator.
CREATE OR REPLACE MACRO _pool_enough(method, j, fitted) AS
    CASE
        WHEN method IN ('js', 'morris') THEN j >= 1 AND j - fitted >= 3
        WHEN method = 'chung' THEN j >= 2 AND j - fitted >= 1
        ELSE j >= 1 AND j - fitted >= 1
    END;

-- Whether sigma2 and tau2 are estimated together from rows with one sigma2.
CREATE OR REPLACE MACRO _pool_is_joint(method) AS
    method IN ('ml', 'reml', 'cv');

-- Whether the estimate is the maximum of a likelihood.
CREATE OR REPLACE MACRO _pool_is_likelihood(method) AS
    method IN ('ml', 'reml');

-- Whether it is the maximum of the restricted likelihood.
CREATE OR REPLACE MACRO _pool_is_restricted(method) AS
    method = 'reml';

-- Whether an estimator fits rows, moments and published estimates, with weights and without.
CREATE OR REPLACE MACRO _pool_fits_every_input(tau2) AS
    _pool_name(tau2) IN ('plugin', 'he', 'dl', 'hs', 'hsk', 'sj', 'js', 'pm', 'eb', 'morris', 'pmm', 'ml', 'reml',
        'chung', 'sure');

-- Whether tau2 is above 0 even where all means agree.
CREATE OR REPLACE MACRO _pool_is_positive(method) AS
    method = 'chung';

-- Whether the weights of the groups use another tau2 than the estimate.
CREATE OR REPLACE MACRO _pool_is_corrected(tau2) AS
    _pool_name(tau2) = 'morris';

-- The tau2 that they use.
CREATE OR REPLACE MACRO _pool_corrected(tau2, estimate, v, df) AS
    CASE
        WHEN _pool_name(tau2) = 'morris'
            THEN CASE WHEN v = 'infinity'::DOUBLE THEN estimate ELSE (df * estimate + 2 * v) / (df - 2) END
        ELSE estimate
    END;

-- Whether the variance of tau2 comes from that of squares with weights.
CREATE OR REPLACE MACRO _pool_error_has_weights(method) AS
    method IN ('anova', 'he', 'dl', 'hs', 'hsk', 'sj', 'ml', 'reml');

-- The weight of a group in these squares; h is 1 / (v + tau2).
CREATE OR REPLACE MACRO _pool_error_weight(method, w, v, crude, h) AS
    CASE
        WHEN method = 'anova' THEN w
        WHEN method = 'he' THEN 1.0
        WHEN method IN ('dl', 'hs', 'hsk') THEN 1 / v
        WHEN method = 'sj' THEN 1 / (v + crude)
        ELSE h
    END;

-- Whether it grows with w; else it grows with the precision.
CREATE OR REPLACE MACRO _pool_error_weighs_w(method) AS
    method = 'anova';

-- Whether the variance of squares is that of means of variance 1.
CREATE OR REPLACE MACRO _pool_error_is_standardised(method) AS
    method IN ('ml', 'reml');

-- The variance of tau2 where v is known.
CREATE OR REPLACE MACRO _pool_error_variance(method, squares_variance, known_variance, a, trace, plain_squares, j, df,
    s1) AS
    CASE
        WHEN method IN ('anova', 'he', 'dl') THEN squares_variance / (trace * trace)
        WHEN method = 'hs' THEN squares_variance / (a * a)
        WHEN method = 'hsk' THEN squares_variance / (a * a) * (j / df) * (j / df)
        WHEN method = 'sj' THEN squares_variance * (plain_squares / j / df) * (plain_squares / j / df)
        WHEN method IN ('pm', 'eb', 'pmm') THEN 2 * j * j / (df * s1 * s1)
        WHEN method = 'ml' THEN 4 / known_variance
        WHEN method = 'reml' THEN 4 / squares_variance
    END;

-- Minus its bias, to first order.
CREATE OR REPLACE MACRO _pool_error_correction(method, fitted, j, df, s1, s2) AS
    CASE
        WHEN method IN ('pm', 'eb') THEN -2 * (j * s2 - s1 * s1) / (s1 * s1 * s1)
        WHEN method = 'pmm' THEN -2 * (j * s2 - s1 * s1) / (s1 * s1 * s1) - (df - pool_chi_square_median(df)) / s1
        WHEN method = 'ml' THEN fitted * (1 / s1)
        ELSE 0.0
    END;

-- What a group counts in the squares of an estimator: by its size, alike, or by its precision.
CREATE OR REPLACE MACRO _pool_fixed_weight(method, w, v, crude) AS
    CASE
        WHEN method = 'anova' THEN w
        WHEN method IN ('dl', 'hs', 'hsk') THEN CASE WHEN v = 0 THEN 0.0 ELSE 1 / v END
        WHEN method = 'sj' THEN 1 / (v + CASE WHEN crude = 0 THEN 1.0 ELSE crude END)
        ELSE 1.0
    END;

-- Whether groups with v = 0 outweigh all others.
CREATE OR REPLACE MACRO _pool_exact_outweigh(method) AS
    method IN ('dl', 'hs', 'hsk');

-- tau2 of every model from its sums of moments, before it is truncated at 0.
CREATE OR REPLACE MACRO _pool_moment_estimates(sums, method) AS TABLE
    WITH "anova" AS (
        SELECT model,
            CASE
                WHEN known IS NOT NULL THEN (ad2 - av) / a
                ELSE (ad2 - av + a2v / a) * a / pairs
            END AS x
        FROM query_table(sums)
    ),
    "he" AS (FROM "anova"),
    "dl" AS (
        SELECT model,
            CASE
                WHEN exact > fitted THEN exact_d2 / (exact - fitted)
                WHEN exact > 0 THEN (ad2 - j + 1) / (2 * a)
                WHEN known IS NOT NULL THEN (ad2 - j) / a
                ELSE (ad2 - j + a / a) * a / pairs
            END AS x
        FROM query_table(sums)
    ),
    "hs" AS (
        SELECT model,
            CASE
                WHEN exact > fitted THEN exact_d2 / exact
                WHEN exact > 0 THEN 0.0
                ELSE (ad2 - j) / a
            END AS x
        FROM query_table(sums)
    ),
    "hsk" AS (
        SELECT model,
            CASE
                WHEN exact > fitted THEN j / df * exact_d2 / exact
                WHEN exact > 0 THEN 0.0
                ELSE (j / df * ad2 - j) / a
            END AS x
        FROM query_table(sums)
    ),
    "sj" AS (
        SELECT model, plain_squares / j * ad2 / df AS x
        FROM query_table(sums)
    )
    FROM query_table(method);

-- Where a search looks: at `floor`, or on a grid from `low` to `high`. At a pole the deviance falls without
-- end: that is no minimum. `expected` is the expectation of Q where its root is the estimate. Above `bend` the
-- deviance has one minimum at most, and its slope is nearly a straight line through f3 at x3 below.
CREATE OR REPLACE MACRO _pool_bounds(facts, method) AS TABLE
    WITH "pm" AS (
        SELECT model, j, n, ssw, known, jointly, umin, at_umin, y_at_umin, high, bend, x3, f3,
            high AS low,
            CASE WHEN exact = 0 THEN 0.0 ELSE 1e-30 * high END AS floor,
            false AS pole,
            df AS expected
        FROM (
            SELECT model, j, n, ssw, df, fitted, exact, known, jointly, wmax, vleast, umin, at_umin, y_at_umin,
                CASE WHEN plain_squares = 0 THEN 1.0 ELSE 1.001 * plain_squares / df END AS high,
                NULL::DOUBLE AS bend,
                NULL::DOUBLE AS x3,
                NULL::DOUBLE AS f3
            FROM query_table(facts)
            WHERE estimable
        )
    ),
    "eb" AS (FROM "pm"),
    "morris" AS (FROM "pm"),
    "pmm" AS (
        SELECT model, j, n, ssw, known, jointly, umin, at_umin, y_at_umin, high, bend, x3, f3,
            high AS low,
            CASE WHEN exact = 0 THEN 0.0 ELSE 1e-30 * high END AS floor,
            false AS pole,
            pool_chi_square_median(df) AS expected
        FROM (
            SELECT model, j, n, ssw, df, fitted, exact, known, jointly, wmax, vleast, umin, at_umin, y_at_umin,
                CASE
                    WHEN plain_squares = 0 THEN 1.0
                    ELSE 1.001 * plain_squares / pool_chi_square_median(df)
                END AS high,
                NULL::DOUBLE AS bend,
                NULL::DOUBLE AS x3,
                NULL::DOUBLE AS f3
            FROM query_table(facts)
            WHERE estimable
        )
    ),
    "ml" AS (
        SELECT model, j, n, ssw, known, jointly, umin, at_umin, y_at_umin, high, bend, x3, f3,
            CASE
                WHEN jointly THEN 0.01 / wmax
                WHEN 0.01 * CASE WHEN vleast < high THEN vleast ELSE high END > 1e-18 * high
                    THEN 0.01 * CASE WHEN vleast < high THEN vleast ELSE high END
                ELSE 1e-18 * high
            END AS low,
            CASE WHEN jointly THEN 0.0 WHEN exact = 0 THEN 0.0 ELSE 1e-30 * high END AS floor,
            CASE WHEN jointly THEN false ELSE exact * fitted > 0 END AS pole,
            NULL::DOUBLE AS expected
        FROM (
            SELECT model, j, n, ssw, df, fitted, exact, known, jointly, wmax, vleast, umin, at_umin, y_at_umin,
                CASE
                    WHEN jointly
                        THEN CASE WHEN ssw > 0
                        THEN CASE WHEN 3 / wmin > 32 * n * reach_of_rows / ssw THEN 3 / wmin
                        ELSE 32 * n * reach_of_rows / ssw END ELSE 10000000000.0 / wmin END
                    WHEN vmax + reach = 0 THEN 1.0
                    ELSE 1.0 * CASE WHEN vmax > 12 * reach THEN vmax ELSE 12 * reach END
                END AS high,
                CASE
                    WHEN jointly
                        THEN CASE WHEN ssw > 0
                        THEN (squares_by_w / plain_squares - w1 / w2) * (1 + w_squares / ssw) - w1 / w2
                        ELSE 'infinity'::DOUBLE END
                    ELSE v_squares / plain_squares - 2 * precision / precision2
                END AS bend,
                CASE WHEN jointly THEN -w1 / w2 ELSE -precision / precision2 END AS x3,
                CASE WHEN jointly THEN j / n - 1 ELSE -1.0 END AS f3
            FROM query_table(facts)
            WHERE jointly OR estimable
        )
    ),
    "reml" AS (
        SELECT model, j, n, ssw, known, jointly, umin, at_umin, y_at_umin, high, bend, x3, f3,
            CASE
                WHEN jointly THEN 0.01 / wmax
                WHEN 0.01 * CASE WHEN vleast < high THEN vleast ELSE high END > 1e-18 * high
                    THEN 0.01 * CASE WHEN vleast < high THEN vleast ELSE high END
                ELSE 1e-18 * high
            END AS low,
            CASE WHEN jointly THEN 0.0 WHEN exact = 0 THEN 0.0 ELSE 1e-30 * high END AS floor,
            false AS pole,
            NULL::DOUBLE AS expected
        FROM (
            SELECT model, j, n, ssw, df, fitted, exact, known, jointly, wmax, vleast, umin, at_umin, y_at_umin,
                CASE
                    WHEN jointly
                        THEN CASE WHEN ssw > 0
                        THEN CASE WHEN 3 / wmin > 32 * (n - 1) * reach_of_rows / ssw THEN 3 / wmin
                        ELSE 32 * (n - 1) * reach_of_rows / ssw END ELSE 10000000000.0 / wmin END
                    WHEN vmax + reach = 0 THEN 1.0
                    ELSE 1.0 * CASE WHEN vmax > 12 * reach THEN vmax ELSE 12 * reach END
                END AS high,
                CASE
                    WHEN jointly
                        THEN CASE WHEN ssw > 0
                        THEN (squares_by_w / plain_squares - w1 / w2) * (1 + w_squares / ssw) - w1 / w2
                        ELSE 'infinity'::DOUBLE END
                    ELSE v_squares / plain_squares - 2 * precision / precision2
                END AS bend,
                CASE WHEN jointly THEN -w1 / w2 ELSE -precision / precision2 END AS x3,
                CASE WHEN jointly THEN j / n - 1 ELSE -1.0 END AS f3
            FROM query_table(facts)
            WHERE jointly OR estimable
        )
    ),
    "chung" AS (
        SELECT model, j, n, ssw, known, jointly, umin, at_umin, y_at_umin, high, bend, x3, f3,
            CASE
                WHEN 0.01 / j * CASE WHEN vleast < high THEN vleast ELSE high END > 1e-18 * high
                    THEN 0.01 / j * CASE WHEN vleast < high THEN vleast ELSE high END
                ELSE 1e-18 * high
            END AS low,
            1e-30 * high AS floor,
            exact > 1 AS pole,
            NULL::DOUBLE AS expected
        FROM (
            SELECT model, j, n, ssw, df, fitted, exact, known, jointly, wmax, vleast, umin, at_umin, y_at_umin,
                CASE
                    WHEN vmax + reach = 0 THEN 1.0
                    ELSE j * CASE WHEN vmax > 12 * reach THEN vmax ELSE 12 * reach END
                END AS high,
                NULL::DOUBLE AS bend,
                NULL::DOUBLE AS x3,
                NULL::DOUBLE AS f3
            FROM query_table(facts)
            WHERE estimable
        )
    ),
    "sure" AS (
        SELECT model, j, n, ssw, known, jointly, umin, at_umin, y_at_umin, high, bend, x3, f3,
            CASE
                WHEN 0.01 * CASE WHEN vleast < high THEN vleast ELSE high END > 1e-18 * high
                    THEN 0.01 * CASE WHEN vleast < high THEN vleast ELSE high END
                ELSE 1e-18 * high
            END AS low,
            CASE WHEN exact = 0 THEN 0.0 ELSE 1e-30 * high END AS floor,
            false AS pole,
            NULL::DOUBLE AS expected
        FROM (
            SELECT model, j, n, ssw, df, fitted, exact, known, jointly, wmax, vleast, umin, at_umin, y_at_umin,
                CASE
                    WHEN vmax + reach = 0 THEN 1.0
                    ELSE 1.0 * CASE WHEN vmax > 12 * reach THEN vmax ELSE 12 * reach END
                END AS high,
                NULL::DOUBLE AS bend,
                NULL::DOUBLE AS x3,
                NULL::DOUBLE AS f3
            FROM query_table(facts)
            WHERE estimable
        )
    ),
    "cv" AS (
        SELECT model, j, n, ssw, known, jointly, umin, at_umin, y_at_umin, high, bend, x3, f3,
            0.01 / wmax AS low,
            0.0 AS floor,
            false AS pole,
            NULL::DOUBLE AS expected
        FROM (
            SELECT model, j, n, ssw, df, fitted, exact, known, jointly, wmax, vleast, umin, at_umin, y_at_umin,
                10000000000.0 / wmin AS high,
                NULL::DOUBLE AS bend,
                NULL::DOUBLE AS x3,
                NULL::DOUBLE AS f3
            FROM query_table(facts)
            WHERE jointly
        )
    )
    FROM query_table(method);

-- The slope at the points of a search, and the deviance there: by an estimator, or for a known tau.
CREATE OR REPLACE MACRO _pool_slopes(about, classes, method) AS TABLE
    WITH "tau" AS (FROM _pool_by_tau(about)),
    "pm" AS (
        SELECT *, -(hd2 - expected) AS slope, 0.0 AS deviance
        FROM query_table(about)
    ),
    "eb" AS (FROM "pm"),
    "morris" AS (FROM "pm"),
    "pmm" AS (FROM "pm"),
    "ml" AS (
        SELECT *,
            CASE
                WHEN h2d2 > 0 THEN CASE WHEN jointly THEN s1 * (ssw + hd2) / (n * h2d2) - 1 ELSE s1 / h2d2 - 1 END
                ELSE 'infinity'::DOUBLE
            END AS slope,
            CASE WHEN jointly THEN n * ln((ssw + hd2) / n) + logs ELSE logs + hd2 END AS deviance
        FROM query_table(about)
    ),
    "reml" AS (
        SELECT *,
            CASE
                WHEN h2d2 > 0
                    THEN CASE WHEN jointly THEN (s1 - s2 / s1) * (ssw + hd2) / ((n - 1) * h2d2) - 1
                    ELSE pairs / s1 / h2d2 - 1 END
                ELSE 'infinity'::DOUBLE
            END AS slope,
            CASE
                WHEN jointly THEN (n - 1) * ln((ssw + hd2) / (n - 1)) + logs + ln(s1)
                ELSE logs + hd2 + ln(s1)
            END AS deviance
        FROM query_table(about)
    ),
    "chung" AS (
        SELECT *, others - umin / (x * (umin + x)) - h2d2 AS slope, logs + hd2 - ln(x) AS deviance
        FROM query_table(about)
    ),
    "_pool_sure_counted" AS (
        SELECT *, pooling * pooling AS counted
        FROM (
            SELECT *,
                CASE WHEN u = 'infinity'::DOUBLE THEN 1.0 WHEN u = 0 THEN 0.0 ELSE u / (x + u) END AS pooling,
                1 / (u + x) AS w
            FROM _pool_at_points(about, classes)
        )
    ),
    "_pool_sure_terms" AS (
        SELECT id, k,
            2 * pooling * pooling * (1 - w * d2) AS slope,
            pooling * pooling * d2 + pooling * (x - u) AS deviance
        FROM _pool_about_own_mean('_pool_sure_counted')
    ),
    "sure" AS (
        FROM query_table(about) JOIN _pool_sums_of_terms('_pool_sure_terms') USING (id)
    ),
    "_pool_cv_terms" AS (
        SELECT id, k,
            (residuals_slope - 2 * residuals * leverage_slope / leverage) / (leverage * leverage) AS slope,
            residuals / (leverage * leverage) AS deviance
        FROM (
            SELECT *,
                squares + n * keep * keep * d2 AS residuals,
                (n - 1 + keep) / n - keep * keep / s AS leverage,
                -2 * n * keep * keep * (n * keep * d2 + d * mu_slope) AS residuals_slope,
                keep * keep * (2 * n * keep / s - 1 - s2 / (s * s)) AS leverage_slope
            FROM (
                SELECT *, 1 / (1 + n * x) AS keep
                FROM _pool_about_gls_mean(about, classes)
            )
        )
    ),
    "cv" AS (
        FROM query_table(about) JOIN _pool_sums_of_terms('_pool_cv_terms') USING (id)
    )
    FROM query_table(method);

-- The degrees of freedom of sigma2 where it is estimated together with tau2.
CREATE OR REPLACE MACRO _pool_joint_df(method, n, j) AS
    CASE
        WHEN method = 'ml' THEN n
        WHEN method = 'reml' THEN n - 1
        WHEN method = 'cv' THEN n - j
    END;

-- sigma2 where it is estimated together with tau2.
CREATE OR REPLACE MACRO _pool_joint_sigma2(method, ssw, hd2, n, j) AS
    CASE
        WHEN method = 'ml' THEN (ssw + hd2) / n
        WHEN method = 'reml' THEN (ssw + hd2) / (n - 1)
        WHEN method = 'cv' THEN CASE WHEN n > j THEN ssw / (n - j) END
    END;

-- tau2 where v is known and there is nothing to search for, NULL elsewhere: every v is 0, or no row differs
-- from its group and the estimator needs rows that do.
CREATE OR REPLACE MACRO _pool_without_search(method, plain_squares, exact, j, df) AS
    CASE
        WHEN method = 'sure' THEN CASE WHEN exact = j THEN plain_squares / j END
        WHEN method = 'cv' THEN plain_squares / df
    END;

-- x, which is tau2 or rho = tau2 / sigma2, of every model by one estimator; by `known` no estimate. hd2 is the
-- sum of squares there and `done` whether the search settled, NULL for a closed form.
CREATE OR REPLACE MACRO _pool_estimated_by(moved, facts, method) AS TABLE
    WITH "known" AS (
        SELECT model, NULL::DOUBLE AS hd2, NULL::BOOLEAN AS done, NULL::DOUBLE AS x
        FROM query_table(facts)
    ),
    "anova" AS (FROM _pool_by_moments(moved, facts, 'anova')),
    "plugin" AS (
        SELECT model, NULL::DOUBLE AS hd2, NULL::BOOLEAN AS done, plain_squares / df AS x
        FROM query_table(facts)
    ),
    "he" AS (FROM _pool_by_moments(moved, facts, 'he')),
    "dl" AS (FROM _pool_by_moments(moved, facts, 'dl')),
    "hs" AS (FROM _pool_by_moments(moved, facts, 'hs')),
    "hsk" AS (FROM _pool_by_moments(moved, facts, 'hsk')),
    "sj" AS (FROM _pool_by_moments(moved, facts, 'sj')),
    "js" AS (
        SELECT * REPLACE (
            CASE WHEN unequal = 0 THEN x ELSE _pool_unequal('js', '''morris'' and ''chung''', unequal) END AS x
        )
        FROM (
            SELECT model, NULL::DOUBLE AS hd2, NULL::BOOLEAN AS done, plain_squares / (df - 2) - vmax AS x
            FROM query_table(facts)
        ), _pool_unequal_models(facts)
    ),
    "pm" AS (FROM _pool_by_search(moved, facts, 'pm')),
    "eb" AS (FROM _pool_by_search(moved, facts, 'eb')),
    "morris" AS (FROM _pool_by_search(moved, facts, 'morris')),
    "pmm" AS (FROM _pool_by_search(moved, facts, 'pmm')),
    "ml" AS (FROM _pool_by_search(moved, facts, 'ml')),
    "reml" AS (FROM _pool_by_search(moved, facts, 'reml')),
    "chung" AS (FROM _pool_by_search(moved, facts, 'chung')),
    "sure" AS (FROM _pool_by_search(moved, facts, 'sure')),
    "cv" AS (FROM _pool_by_search(moved, facts, 'cv'))
    FROM query_table(method);

-- One row per model: the components by the estimator that tau2 names, or with a known tau2. A wrong name is an
-- error when the query runs.
CREATE OR REPLACE MACRO _pool_components(groups, inputs, sigma2, tau2, mu, level, test, limits, detail) AS TABLE
    WITH "known" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'known', level, test, limits, detail)),
    "anova" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'anova', level, test, limits, detail)),
    "plugin" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'plugin', level, test, limits, detail)),
    "he" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'he', level, test, limits, detail)),
    "dl" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'dl', level, test, limits, detail)),
    "hs" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'hs', level, test, limits, detail)),
    "hsk" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'hsk', level, test, limits, detail)),
    "sj" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'sj', level, test, limits, detail)),
    "js" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'js', level, test, limits, detail)),
    "pm" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'pm', level, test, limits, detail)),
    "eb" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'eb', level, test, limits, detail)),
    "morris" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'morris', level, test, limits, detail)),
    "pmm" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'pmm', level, test, limits, detail)),
    "ml" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'ml', level, test, limits, detail)),
    "reml" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'reml', level, test, limits, detail)),
    "chung" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'chung', level, test, limits, detail)),
    "sure" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'sure', level, test, limits, detail)),
    "cv" AS (FROM _pool_components_by(groups, inputs, sigma2, tau2, mu, 'cv', level, test, limits, detail))
    FROM query_table(CASE
        WHEN list_contains(pool_method_names('tau2'), _pool_name(tau2)) THEN _pool_method(tau2, mu) ELSE 'known'
    END);
