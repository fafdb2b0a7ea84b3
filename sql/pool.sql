-- polars-pool: partial pooling in plain DuckDB macros. In the shell: .read sql/pool.sql
--
--     FROM pool_shrink('warehouse/**/*.parquet', score, school);
--     FROM pool_shrink(scores, log(score), school, over := year, tau2 := 'dl', level := 0.9);
--     FROM pool_shrink(scores, score, COLUMNS(['state', 'school']));          -- several keys keep their names
--     FROM pool_shrink(scores, score, school, groups := 'new_schools');       -- and groups that have no rows yet
--     FROM pool_shrink(scores, score, school, "interval" := 'robust');        -- intervals without normal groups
--     FROM pool_components(scores, score, school);                            -- sigma2, tau2, mu: one row per model
--     FROM pool_profile(scores, score, school, tau := [0, 1, 2]);             -- estimates and likelihood at each tau
--     FROM pool_encode(scores, score, school);                                -- every row with its estimate
--     FROM pool_compare(scores, score, school);                               -- the gain of pooling on held-out rows
--     FROM pool_shrink(schools, effect, school, se := se);                    -- published estimates
--     FROM pool_shrink(schools, effect, school, se := se, tau2 := 'half_cauchy(5)', mu := 'normal(0, 5)'); -- posterior
--     FROM pool_regress(scores, score, hours, school);                        -- lines with varying intercepts
--     FROM pool_regress_components(scores, score, hours, school);             -- its variances and coefficients
--     FROM pool_regress_coefficients(scores, score, hours, school);           -- a table of its coefficients
--     FROM pool_shrink_toward(scores, score, school, income);                 -- toward what a predictor of groups says
--     FROM pool_components_toward(scores, score, school, income);             -- what the predictor leaves and explains
--     FROM pool_coefficients(scores, score, school, income);                  -- its coefficients
--     FROM pool_shrink_nested(scores, score, region, store);                  -- stores in regions
--     FROM pool_components_nested(scores, score, region, store);              -- tau2 of both levels
--     FROM pool_shrink_rates(batting, hits, at_bats, player);                 -- rates: events in trials
--     FROM pool_components_rates(batting, hits, at_bats, player);             -- their distribution: alpha, beta
--     FROM pool_shrink_counts(claims, claims, exposure, district);            -- counts of events in exposures
--     FROM pool_components_counts(claims, claims, exposure, district);        -- their distribution: shape, rate
--     CREATE TABLE states AS FROM pool_moments(scores, score, school);        -- stored moments,
--     FROM pool_merge(states, school);                                        -- which merge exactly,
--     FROM pool_shrink(states, mean, school, n := n, var := var);             -- and are an input too
--
-- The table is a name (of a table, a view or a CTE) or a Parquet glob. Put it in quotes where the same query also
-- reads that table. Value and keys are columns or expressions, without quotes. Several keys are COLUMNS([...]) of
-- their names, in over := too. Every argument after the keys needs its name. A subquery, read_csv(...), an expression
-- among several keys, and a view with the same macro need a name in a CTE first: WITH rows AS (FROM my_view) FROM
-- pool_shrink(rows, ...). The arguments n, var and se choose one of three inputs, as in Python. In pool_shrink,
-- threshold := adds p_above.
-- DuckDB 1 accepts the argument "interval" only in quotes.
-- Moments with precision weights have one more column, w, and macros of their own:
-- pool_weighted_moments(tbl, value, "by", weights), pool_weighted_merge(tbl, "by"). Names that begin with _pool_ are
-- private.
--
-- `python -m polars_pool.rendering` writes this file from the files in parts/: edit those.
--
-- Contents. duckdb_functions() has a comment on each public macro.
--
--     pool_methods: The estimators by name, and the input they fit: groups whose sampling variance is known
--         (published estimates need n= where needs_n), rows with precision weights.
--     pool_shrink: Partially pooled mean of every group, `weight * mean + (1 - weight) * mu`, with its interval.
--     pool_encode: The partially pooled mean of its group as a new column of every row.
--     pool_components: Variance within groups, variance between groups and population mean of every model, with
--         their uncertainty.
--     pool_profile: Likelihood, mu and Q at every tau: the curves behind intervals, tests and standard errors of
--         tau2.
--     pool_compare: Prediction errors without, with complete and with partial pooling, for rows that are held out.
--     pool_moments: Count, mean and sample variance of every group: all statistics of the rows that partial pooling
--         needs.
--     pool_weighted_moments: Count, mean, sample variance and total weight w of every group, of rows with precision
--         weights.
--     pool_merge: Merged moments of disjoint rows: states with equal keys become the moments of their union,
--         exactly.
--     pool_weighted_merge: Stored moments with weights merged: states with equal keys become the moments of their
--         union, exactly.
--     pool_regress: The partially pooled regression y = intercept of the group + slope x, one row per group and
--         term.
--     pool_regress_components: The population of the regression y = intercept of the group + slope x, one row per
--         model: variances, and the coefficients by term in maps.
--     pool_regress_coefficients: The coefficients of the population of the regression y = intercept of the group +
--         slope x with their tests by the normal distribution, one row per model and term.
--     pool_shrink_nested: Partially pooled means of two nested levels, such as stores in regions: each inner group
--         is pulled toward its outer group, and each outer group toward mu.
--     pool_components_nested: The variances of two nested levels, one row per model and level, the outer level
--         first: tau2 with its standard error, profile-likelihood interval and likelihood-ratio test, and the
--         statistics of the model, equal in both rows.
--     pool_shrink_toward: Partially pooled means that are pulled toward what a predictor of the groups says: weight
--         * mean + (1 - weight) * fit, fit = intercept + slope * toward.
--     pool_components_toward: The variances and the fit of every model beside one predictor of its groups: tau2 is
--         what the predictor leaves, r2 the percentage of tau2 that it explains, qm the statistic of its test, and q
--         that of the residual heterogeneity.
--     pool_coefficients: The coefficients of a predictor of groups, one row per model and term, with their intervals
--         and tests.
--     pool_shrink_rates: Partially pooled rates of groups, `value` events in `trials` trials: beta distributed, with
--         their posterior means. `prior` is estimated by 'ml' or 'moments', or known, as in 'beta(2, 5)'.
--     pool_shrink_counts: Partially pooled rates of groups, `value` events in an exposure: gamma distributed rates
--         per unit of exposure. `prior` may be 'gamma(3, 1)', shape and rate.
--     pool_components_rates: The beta distribution of the rates of groups, one row per model.
--     pool_components_counts: The gamma distribution of the rates of groups per unit of exposure, one row per model.
--
--     parts/distributions/elementary.sql: pool_expm1, pool_log1p
--     parts/distributions/normal.sql: pool_normal_cdf, pool_normal_density, pool_normal_quantile
--     parts/distributions/student.sql: pool_student_cdf, pool_student_quantile
--     parts/distributions/gamma.sql: pool_gamma_cdf, pool_gamma_quantile, pool_chi_square_cdf,
--         pool_chi_square_quantile, pool_chi_square_median
--     parts/distributions/beta.sql: pool_beta_cdf, pool_beta_quantile
--     parts/distributions/polygamma.sql: pool_digamma, pool_trigamma, pool_trigamma_inverse
--     parts/distributions/sine_integral.sql: pool_sine_integral
--     formulas.sql: pool_weighted_mean, pool_squares, pool_above_rounding, pool_squares_between, pool_variance,
--         pool_pooled_variance, pool_sampling_variance, pool_separate_variance, pool_centred_log, pool_prior_df,
--         pool_prior_variance, pool_squeezed_variance, pool_precision, pool_pairs, pool_moment_estimate,
--         pool_moment_estimate_known_mu, pool_moment_estimate_one_exact, pool_hunter_schmidt,
--         pool_hunter_schmidt_corrected, pool_sidik_jonkman, pool_excess, pool_log_variance, pool_ml_deviance,
--         pool_reml_deviance, pool_ml_slope, pool_reml_slope, pool_chung_deviance, pool_chung_slope,
--         pool_unbiased_risk, pool_unbiased_risk_slope, pool_james_stein, pool_information, pool_log_inflation,
--         pool_ml_profile, pool_reml_profile, pool_ml_profile_slope, pool_reml_profile_slope,
--         pool_residual_variance, pool_pooling_at, pool_leverage, pool_leverage_slope, pool_squared_residuals,
--         pool_squared_residuals_slope, pool_leave_one_out, pool_leave_one_out_slope, pool_gls, pool_rows,
--         pool_groups, pool_shrunk, pool_centre_error, pool_weight, pool_pooling, pool_estimate,
--         pool_morris_variance, pool_conditional_variance, pool_marginal_variance, pool_lower, pool_upper,
--         pool_predictive_variance, pool_standardised, pool_icc, pool_trace, pool_typical_variance, pool_i2,
--         pool_h2, pool_variance_of_squares, pool_variance_of_root, pool_variance_by_information,
--         pool_log_likelihood, pool_rows_deviance, pool_akaike, pool_likelihood_ratio, pool_half_half,
--         pool_ml_variance_at, pool_reml_variance_at, pool_knapp_hartung, pool_knapp_hartung_at_least,
--         pool_prediction_error, pool_statistic, pool_satterthwaite, pool_variance_with_tau2, pool_error_of_ratio,
--         pool_ml_correction, pool_root_correction, pool_median_correction, pool_effect_square,
--         pool_effect_fourth_power, pool_second_moment, pool_kurtosis, pool_bias_moment, pool_noncoverage,
--         pool_noncoverage_slope, pool_tangent, pool_noncoverage_by_chi, pool_share, pool_mixed, pool_lower_point,
--         pool_balance, pool_exceeding, pool_widest, pool_root_mean_square, pool_missed_of_row, pool_missed_of_mean,
--         pool_held_out_squares, pool_gain, pool_uncertainty_of_effects, pool_uncertainty_of_rows,
--         pool_pooling_factor, pool_half_t, pool_half_normal, pool_exponential, pool_inverse_gamma, pool_jeffreys,
--         pool_uniform_shrinkage, pool_dumouchel, pool_log_likelihood_known_mu, pool_log_likelihood_flat_mu,
--         pool_log_likelihood_normal_mu, pool_mu_given_tau, pool_variance_of_mu_given_tau,
--         pool_log_likelihood_within, pool_regression_slope, pool_regression_squares, pool_regression_ml_deviance,
--         pool_regression_reml_deviance, pool_regression_ml_deviance_slope, pool_regression_reml_deviance_slope,
--         pool_regression_r2_marginal, pool_regression_r2_conditional, pool_rate_weight, pool_rate_pooling,
--         pool_rate_estimate, pool_rate_beta_variance, pool_rate_gamma_variance, pool_rate_effective_trials,
--         pool_rate_effective_exposure, pool_rate_beta_centre, pool_rate_beta_centre_variance,
--         pool_rate_gamma_centre, pool_rate_gamma_centre_variance, pool_rate_location, pool_rate_matched_trials,
--         pool_rate_matched_exposure, pool_rate_beta_spread, pool_rate_gamma_spread, pool_method_names,
--         pool_methods_by_rows, pool_methods_of_rows_alone, pool_methods_unweighted, pool_methods_without_error,
--         pool_methods_without
--     parts/oneway/verbs.sql: pool_moments_of

-- ---------------------------------------------------------------------------------------------------------------------
-- Distributions as scalar macros of DuckDB: normal, Student, chi-square, gamma and beta, and the polygamma functions.
--
-- A missing argument gives a missing result. An argument outside its domain (NaN among them) raises an error that
-- states the domain. Numbers of any type are cast to DOUBLE. Only the macros named at the head of each file are meant
-- to be called. The macros that they need come first, because a macro must be defined after the macros that it calls.
--
-- DuckDB substitutes arguments as text, so a nested call multiplies the terms to plan. An argument that is used many
-- times is bound once, by a lambda over a list of one element. Arithmetic in a lambda takes three times as long per row
-- as outside: what a macro uses a few times is written out.
--
-- DuckDB binds the body of a macro when it is created, up to the first function whose overload depends on an argument,
-- because the type of the argument is not known then. Macros that call many others begin with such a function.
--
-- This file checks domains: each macro returns its argument as DOUBLE or raises one sentence. NaN counts as above all
-- numbers.
-- ---------------------------------------------------------------------------------------------------------------------

-- False. It ends the binding of a macro that is created, and disappears from one that is called.
CREATE OR REPLACE MACRO _pool_unbound(x) AS
    false AND x || '' = '';

-- A number, not NaN.
CREATE OR REPLACE MACRO _pool_demand_number(x, argument) AS
    CASE
        WHEN _pool_unbound(x) THEN NULL
        WHEN isnan(x::DOUBLE) THEN error('The argument ' || argument || ' is NaN: it must be a number.')
        ELSE x::DOUBLE
    END;

-- A number from 0 to 1.
CREATE OR REPLACE MACRO _pool_demand_probability(p, argument) AS
    CASE
        WHEN _pool_unbound(p) THEN NULL
        WHEN p::DOUBLE < 0 OR p::DOUBLE > 1
            THEN error('The argument ' || argument || ' is ' || p::DOUBLE || ': it must lie in [0, 1].')
        ELSE p::DOUBLE
    END;

-- A positive, finite number.
CREATE OR REPLACE MACRO _pool_demand_positive(x, argument) AS
    CASE
        WHEN _pool_unbound(x) THEN NULL
        WHEN x::DOUBLE <= 0 OR x::DOUBLE >= 'infinity'::DOUBLE
            THEN error('The argument ' || argument || ' is ' || x::DOUBLE || ': it must be positive and finite.')
        ELSE x::DOUBLE
    END;

-- ---------------------------------------------------------------------------------------------------------------------
-- Elementary functions that keep their digits near 0.
-- ---------------------------------------------------------------------------------------------------------------------

-- exp(x) - 1, from exp(x) - 1 = 2 sinh(x / 2) exp(x / 2).
CREATE OR REPLACE MACRO pool_expm1(x) AS
    CASE WHEN abs(x) < 1 THEN 2 * sinh(x / 2) * exp(x / 2) ELSE exp(x) - 1 END;

-- log(1 + x) for x > -1, from log(1 + x) = 2 atanh(x / (2 + x)).
CREATE OR REPLACE MACRO pool_log1p(x) AS
    CASE WHEN abs(x) < 0.5 THEN 2 * atanh(x / (2 + x)) ELSE ln(1 + x) END;

-- x - log(1 + x) near 0, about x^2 / 2: z x - 2 (z^3 / 3 + z^5 / 5 + ...) with z = x / (2 + x), q = z^2 (Loader
-- 2000).
CREATE OR REPLACE MACRO _pool_log_excess_series(x, z, q) AS
    z * x - 2 * z * q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11
        + q * (1 / 13 + q * (1 / 15 + q * (1 / 17 + q * (1 / 19 + q / 21)))))))));

-- log(cosh(u)), from cosh(u) = 1 / sqrt(1 - tanh(u)^2) = 1 + 2 sinh(u / 2)^2.
CREATE OR REPLACE MACRO _pool_log_cosh(u) AS
    CASE
        WHEN abs(u) < 1 THEN 2 * atanh(tanh(u / 2) * tanh(u / 2))
        ELSE abs(u) + ln((1 + exp(-2 * abs(u))) / 2)
    END;

-- Gamma(x) over sqrt(2 pi) x^(x - 1/2) exp(-x) for each x > 0 of a list.
CREATE OR REPLACE MACRO _pool_stirling_ratios(xs) AS
    list_transform(
        list_transform(xs, lambda v: {x: v, y: CASE WHEN v >= 10 THEN v ELSE v + 10 END}),
        lambda _e: exp((1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - (1 / 1188 - (691 / 360360 - (1 / (_e.y * _e.y)) / 156) * (1 / (_e.y * _e.y))) * (1 / (_e.y * _e.y))) * (1 / (_e.y * _e.y))) * (1 / (_e.y * _e.y))) * (1 / (_e.y * _e.y))) / _e.y)
            * CASE WHEN _e.x >= 10 THEN 1.0 ELSE (pow(_e.y, _e.y - 0.5) / pow(_e.x, _e.x - 0.5) * (1 + (_e.x - (_e.y - 10)) * (ln(_e.y) + 1 - 0.5 / _e.y))
                * 4.5399929762484851536e-5  
                / (_e.x * (_e.x + 1) * (_e.x + 2) * (_e.x + 3) * (_e.x + 4) * (_e.x + 5) * (_e.x + 6) * (_e.x + 7) * (_e.x + 8) * (_e.x + 9))) END
    );

-- ---------------------------------------------------------------------------------------------------------------------
-- Normal: pool_normal_density(x), pool_normal_cdf(x), pool_normal_quantile(p).
--
-- Mills' ratio and the quantile of a tail are one rational function each, so that few terms are planned. Each meets its
-- exact values at as many Chebyshev points as it has coefficients, computed with 50 digits by
-- tests/vectors/regenerate/normal.py. All coefficients are positive: no digits cancel.
-- ---------------------------------------------------------------------------------------------------------------------

-- Mills' ratio P(X > x) / exp(-x^2 / 2) for x >= 0, to a relative error of 2e-17.
CREATE OR REPLACE MACRO _pool_normal_mills(x) AS
    ((((((((((3.9894228040143268025e-1 * x + 1.1753301477689157538e1) * x + 1.7140657535233894827e2) * x
        + 1.6048107330377902443e3) * x + 1.0591026338864872488e4) * x + 5.1233452088167221782e4) * x
        + 1.8361036854571419193e5) * x + 4.8167960549015778105e5) * x + 8.8856911580996243795e5) * x
        + 1.0493555822252974851e6) * x + 6.1220593378124121061e5)
    / (((((((((((x + 2.9461157804237982574e1) * x + 4.3065256823582995975e2) * x + 4.0521251166706739407e3) * x
        + 2.6975418646305944342e4) * x + 1.3238696127369384177e5) * x + 4.8594140141098614502e5) * x
        + 1.3280642476106547952e6) * x + 2.6386818173147493615e6) * x + 3.6189463379501751278e6) * x
        + 3.075650489642503274e6) * x + 1.2244118675624824177e6);

-- P(X <= x) of a column of DOUBLEs: written out, which takes the least time per row. P(X > 40) is 0.
CREATE OR REPLACE MACRO _pool_normal_cdf_double(x) AS
    abs((x > 0e0)::DOUBLE - ((exp((trunc(least(abs(x), 40e0) * 16e0) * 0.0625e0) * (trunc(least(abs(x), 40e0) * 16e0) * 0.0625e0) * -0.5e0) * exp(((trunc(least(abs(x), 40e0) * 16e0) * 0.0625e0) - least(abs(x), 40e0)) * ((trunc(least(abs(x), 40e0) * 16e0) * 0.0625e0) + least(abs(x), 40e0)) * 0.5e0)) * _pool_normal_mills(least(abs(x), 40e0))));

-- P(X <= x) of the standard normal distribution, to the last digits in the lower tail too.
CREATE OR REPLACE MACRO pool_normal_cdf(x) AS
    abs((_pool_demand_number(x, 'x of pool_normal_cdf') > 0e0)::DOUBLE - list_transform([least(abs(_pool_demand_number(x, 'x of pool_normal_cdf')), 40e0)], lambda v: ((exp((trunc(v * 16e0) * 0.0625e0) * (trunc(v * 16e0) * 0.0625e0) * -0.5e0) * exp(((trunc(v * 16e0) * 0.0625e0) - v) * ((trunc(v * 16e0) * 0.0625e0) + v) * 0.5e0)) * _pool_normal_mills(v)))[1]);

-- Density of the standard normal distribution.
CREATE OR REPLACE MACRO pool_normal_density(x) AS
    CASE
        WHEN abs(_pool_demand_number(x, 'x of pool_normal_density')) > 39 THEN 0.0
        ELSE 3.98942280401432677939946e-1 * (exp((trunc((x::DOUBLE) * 16e0) * 0.0625e0) * (trunc((x::DOUBLE) * 16e0) * 0.0625e0) * -0.5e0) * exp(((trunc((x::DOUBLE) * 16e0) * 0.0625e0) - (x::DOUBLE)) * ((trunc((x::DOUBLE) * 16e0) * 0.0625e0) + (x::DOUBLE)) * 0.5e0))
    END;

-- The quantile of a DOUBLE that is a probability.
CREATE OR REPLACE MACRO _pool_normal_quantile_double(p) AS
    CASE
        WHEN abs(p - 0.5e0) <= 0.425e0 THEN (p - 0.5e0) * list_transform(
            [0.180625e0 - (p - 0.5e0) * (p - 0.5e0)], lambda r: ((((((((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r + 6.7265770927008700853e4) * r
                + 4.5921953931549871457e4) * r + 1.3731693765509461125e4) * r + 1.9715909503065514427e3) * r
                + 1.3314166789178437745e2) * r + 3.3871328727963666080e0)
            / (((((((5.2264952788528545610e3 * r + 2.8729085735721942674e4) * r + 3.9307895800092710610e4) * r
                + 2.1213794301586595867e4) * r + 5.3941960214247511077e3) * r + 6.8718700749205790830e2) * r
                + 4.2313330701600911252e1) * r + 1.0e0))
        )[1]
        WHEN p = 0 OR p = 1 THEN (2 * p - 1) * 'infinity'::DOUBLE
        ELSE sign(p - 0.5e0) * list_transform(
            [sqrt(-ln(least(p, 1 - p))) - 1.6e0], lambda r: ((((((((((((1.4142153958993641301e0 * r + 3.0881169109182935887e2) * r + 2.0823110447030551372e4) * r
                + 6.2024946212409483171e5) * r + 9.6523654596914033321e6) * r + 8.6889961942947999911e7) * r
                + 4.8203418755569094351e8) * r + 1.6972343567073390093e9) * r + 3.7703251029273227244e9) * r
                + 5.0407074069662413012e9) * r + 3.6203998853788509053e9) * r + 1.0370876876772112912e9)
            / ((((((((((r + 2.1676409985007474704e2) * r + 1.4381087374767074548e4) * r + 4.1621389108981013843e5) * r
                + 6.1944857959369493839e6) * r + 5.2375289801301030724e7) * r + 2.6741358443174595923e8) * r
                + 8.4314389986400925936e8) * r + 1.6014731927973566339e9) * r + 1.6693175092208666455e9) * r
                + 7.2857991395981441374e8))
        )[1]
    END;

-- The x with P(X <= x) = p of the standard normal distribution.
--
-- Wichura (1988), "Algorithm AS 241: The percentage points of the normal distribution", in the centre.
CREATE OR REPLACE MACRO pool_normal_quantile(p) AS
    list_transform(
        [_pool_demand_probability(p, 'p of pool_normal_quantile')], lambda v: _pool_normal_quantile_double(v)
    )[1];

-- ---------------------------------------------------------------------------------------------------------------------
-- Tails of the other distributions: one mechanism.
--
-- Each distribution is that of a variable u (arsinh(t / sqrt(df)), log x, or the log odds of x) whose log density is
-- concave. Its tail beyond u is density(u) times Mills' ratio, the integral of density(u + s) / density(u) over s > 0:
-- a smooth function that falls from 1 to 0 in a known window. 48 nodes of Gauss and Legendre give it 15 digits. A
-- concave log density has a concave log tail: Newton's iteration (Halley's, whose curvature costs nothing more) on the
-- log tail finds a quantile, and Mills' ratio is its step.
--
-- Where the density falls slowly, so that the window is wide, integration by parts makes it fall faster: d/du of
-- x^a (1 - x)^b is x^a (1 - x)^b (a - (a + b) x), so 1 / a + integral of x (a + b) / a density(u + s) / density(u).
-- ---------------------------------------------------------------------------------------------------------------------

-- The rule of 48 points as a list of structs.
CREATE OR REPLACE MACRO _pool_gauss_legendre() AS
    list_transform(list_zip(('[
        0.0006144963737869658, 0.003234913866824618, 0.007937708138586574, 0.014704203726876364, 0.023506148419784545,
        0.034306654646722834, 0.047060431642215184, 0.06171398986287607, 0.07820586918780326, 0.09646689798527869,
        0.11642048374212982, 0.13798293453809268, 0.16106381018366805, 0.1855663016117432, 0.21138763695801366,
        0.2384195126388835, 0.2665485476245208, 0.2956567590046416, 0.32562205685391965, 0.3563187563222722,
        0.38761810480265546, 0.41938882196555416, 0.4514976503952687, 0.4838099145185653, 0.5161900854814346,
        0.5485023496047313, 0.5806111780344458, 0.6123818951973445, 0.6436812436777277, 0.6743779431460803,
        0.7043432409953584, 0.7334514523754792, 0.7615804873611165, 0.7886123630419863, 0.8144336983882567,
        0.8389361898163319, 0.8620170654619073, 0.8835795162578701, 0.9035331020147213, 0.9217941308121967,
        0.938286010137124, 0.9529395683577848, 0.9656933453532772, 0.9764938515802155, 0.9852957962731237,
        0.9920622918614135, 0.9967650861331754, 0.999385503626213
    ]'::DOUBLE[]), ('[
        0.0015766730261529192, 0.0036637769506381312, 0.005738617289617269, 0.007789657861471924, 0.009808080228677764,
        0.01178538041966219, 0.013713254854178474, 0.015583613916399045, 0.01738861128238522, 0.019120675532915354,
        0.020772541471732374, 0.02233728042834714, 0.02380832924624524, 0.025179517776927236, 0.026445094742596834,
        0.027599751849992082, 0.028638646050201607, 0.029557419849197818, 0.03035221958294694, 0.031019711579946332,
        0.03155709614312701, 0.03196211929232409, 0.032233082217975044, 0.03236884840634196, 0.03236884840634196,
        0.032233082217975044, 0.03196211929232409, 0.03155709614312701, 0.031019711579946332, 0.03035221958294694,
        0.029557419849197818, 0.028638646050201607, 0.027599751849992082, 0.026445094742596834, 0.025179517776927236,
        0.02380832924624524, 0.02233728042834714, 0.020772541471732374, 0.019120675532915354, 0.01738861128238522,
        0.015583613916399045, 0.013713254854178474, 0.01178538041966219, 0.009808080228677764, 0.007789657861471924,
        0.005738617289617269, 0.0036637769506381312, 0.0015766730261529192
    ]'::DOUBLE[])), lambda g: {y: g[1], weight: g[2]});

-- ---------------------------------------------------------------------------------------------------------------------
-- Student: pool_student_cdf(t, df), pool_student_quantile(p, df) for df >= 1, infinity included.
--
-- t = sqrt(df) sinh(u): u has the density cosh(u)^-df over its integral. df = 2a = 2b of odds.sql, u half the log odds.
-- Symmetry leaves less to compute, and log(cosh(u)) keeps its digits up to any df.
-- ---------------------------------------------------------------------------------------------------------------------

-- Mills' ratio of u >= 0, of its `height` df log(cosh(u)): 1 / df + integral of (1 - tanh) density / density(u).
CREATE OR REPLACE MACRO _pool_student_mills(u, df, height) AS
    list_transform(
        [{u: u, df: df, height: height,
            width: (76 / ((((df + 1) * tanh(u) + 1) / 2) - 19 + sqrt(((((df + 1) * tanh(u) + 1) / 2) - 19) * ((((df + 1) * tanh(u) + 1) / 2) - 19) + 76 * ((((df + 1) * tanh(u) + 1) / 2) + ((df + 1) / (4 * cosh(u) * cosh(u))))))) / 2}],
        lambda _r: 1 / _r.df + _r.width * list_sum(list_transform(
            list_transform(_pool_gauss_legendre(), lambda _g: {u: _r.u + _r.width * _g.y, weight: _g.weight}),
            lambda _g: _g.weight * 2 / (1 + exp(2 * _g.u)) * exp(_r.height - _r.df * _pool_log_cosh(_g.u))
        ))
    )[1];

-- P(T > t) for t = sqrt(df) sinh(u), u >= 0.
CREATE OR REPLACE MACRO _pool_student_tail(u, df) AS
    list_transform(
        [{u: u, df: df, height: df * _pool_log_cosh(u)}],
        lambda _r: CASE
            WHEN _r.height > 745 THEN 0.0
            ELSE exp(-_r.height) * _pool_student_mills(_r.u, _r.df, _r.height) / (sqrt(6.2831853071795864769e0 / _r.df) * list_transform(
                [_pool_stirling_ratios([_r.df / 2, _r.df])], lambda r: r[1] * (r[1] / r[2])
            )[1])
        END
    )[1];

-- P(T <= t) of Student's distribution.
CREATE OR REPLACE MACRO pool_student_cdf(t, df) AS
    list_transform(
        [{
            t: _pool_demand_number(t, 't of pool_student_cdf'),
            df: (CASE
                WHEN _pool_unbound(df) THEN NULL
                WHEN df::DOUBLE < 1 OR isnan(df::DOUBLE)
                    THEN error('The argument ' || 'df of pool_student_cdf' || ' is ' || df::DOUBLE || ': it must be at least 1.')
                ELSE df::DOUBLE
            END)
        }],
        lambda _r: CASE
            WHEN isinf(_r.df) THEN _pool_normal_cdf_double(_r.t)
            WHEN isinf(_r.t) THEN CASE WHEN _r.t > 0 THEN 1.0 ELSE 0.0 END
            WHEN _r.t <= 0 THEN _pool_student_tail(asinh(-_r.t / sqrt(_r.df)), _r.df)
            ELSE 1 - _pool_student_tail(asinh(_r.t / sqrt(_r.df)), _r.df)
        END
    )[1];

-- The t with P(T <= t) = p of Student's distribution.
CREATE OR REPLACE MACRO pool_student_quantile(p, df) AS
    list_transform(
        list_transform(
            [{
                p: _pool_demand_probability(p, 'p of pool_student_quantile'),
                df: (CASE
                    WHEN _pool_unbound(df) THEN NULL
                    WHEN df::DOUBLE < 1 OR isnan(df::DOUBLE)
                        THEN error('The argument ' || 'df of pool_student_quantile' || ' is ' || df::DOUBLE || ': it must be at least 1.')
                    ELSE df::DOUBLE
                END)
            }],
            lambda _r: {p: _r.p, df: _r.df, tail: least(_r.p, 1 - _r.p), integral: (sqrt(6.2831853071795864769e0 / _r.df) * list_transform(
                [_pool_stirling_ratios([_r.df / 2, _r.df])], lambda r: r[1] * (r[1] / r[2])
            )[1])}
        ),
        lambda _r: CASE
            WHEN isinf(_r.df) OR _r.tail = 0 THEN _pool_normal_quantile_double(_r.p)
            WHEN _r.df IS NULL OR _r.p IS NULL THEN NULL
            ELSE sign(_r.p - 0.5) * sqrt(_r.df) * sinh(list_transform(
                [(list_reduce(
                    list_transform(range(60), lambda i: {u: (CASE
                                    WHEN _pool_normal_quantile_double(_r.tail) * _pool_normal_quantile_double(_r.tail) > 40 * _r.df THEN _pool_normal_quantile_double(_r.tail) * _pool_normal_quantile_double(_r.tail) / (2 * _r.df) + 0.7
                                    ELSE acosh(exp(_pool_normal_quantile_double(_r.tail) * _pool_normal_quantile_double(_r.tail) / (2 * _r.df)))
                                END)::DOUBLE, moving: true}),
                    lambda _s, i: CASE
                        WHEN NOT _s.moving THEN _s
                        ELSE list_transform(
                            list_transform(
                                list_transform(
                                    [{u: _s.u, height: _r.df * _pool_log_cosh(_s.u)}],
                                    lambda _m: {u: _m.u, height: _m.height, mills: _pool_student_mills(_m.u, _r.df, _m.height)}
                                ),
                                lambda _m: {
                                    u: _m.u,
                                    mills: _m.mills,
                                    step: ((ln(_m.mills) - _m.height - ln(_r.tail * _r.integral)) * _m.mills / greatest(0.5, 1 + (ln(_m.mills) - _m.height - ln(_r.tail * _r.integral)) * (1 - (_r.df * tanh(_m.u)) * _m.mills) / 2))
                                }
                            ),
                            lambda _m: {u: greatest(0.0, _m.u + _m.step), moving: abs(_m.step) > 1e-6 * _m.mills}
                        )[1]
                    END
                ).u)],
                lambda u: CASE
                    WHEN _r.tail > 0.25 THEN (u + exp(_r.df * _pool_log_cosh(u)) * (((0.5 - _r.tail) * _r.integral) - u * list_sum(list_transform(
                        _pool_gauss_legendre(), lambda _g: _g.weight * exp(-_r.df * _pool_log_cosh(u * _g.y))
                    ))))
                    ELSE u
                END
            )[1])
        END
    )[1];

-- ---------------------------------------------------------------------------------------------------------------------
-- Beta and gamma in one: for shapes a and b, w is the log of the odds x / (1 - x) over a / b, where the density of the
-- log odds has its mode. For infinite b it is the log of x / a, x of the gamma distribution of shape a and rate 1.
-- `side` chooses the tail: -1 is the lower, 1 the upper one.
-- ---------------------------------------------------------------------------------------------------------------------

-- A macro of points takes a list of structs with the fields a, b, w and side, and adds a field to each. So the steps
-- are a chain: DuckDB 2 takes twice as long to plan a lambda with each lambda around it.

-- How far the log density at w lies below that at the mode: near it a D(x / mean) + b D((1 - x) / mean of 1 - x), the
-- deviance of Loader (2000), D(1 + e) = e - log(1 + e). y is x at the mode.
CREATE OR REPLACE MACRO _pool_odds_heights(points) AS
    list_transform(
        list_transform(
            list_transform(
                list_transform(points, lambda _r: {point: _r, e: pool_expm1(_r.w), y: 1 / (1 + _r.b / _r.a)}),
                lambda _r: {point: _r.point, e: _r.e, y: _r.y,
                    above: _r.e / (1 + _r.e * _r.y) / (1 + _r.point.a / _r.point.b),
                    below: -_r.e * _r.y / (1 + _r.e * _r.y)}
            ),
            lambda _r: {point: _r.point, e: _r.e, y: _r.y, above: _r.above, below: _r.below,
                above_z: _r.above / (2 + _r.above), below_z: _r.below / (2 + _r.below)}
        ),
        lambda _r: struct_insert(_r.point, height := CASE
            WHEN abs(_r.point.w) < 0.25 THEN
                _r.point.a * _pool_log_excess_series(_r.above, _r.above_z, _r.above_z * _r.above_z)
                + CASE
                    WHEN isinf(_r.point.b) THEN 0.0
                    ELSE _r.point.b * _pool_log_excess_series(_r.below, _r.below_z, _r.below_z * _r.below_z)
                END
            WHEN isinf(_r.point.b) THEN _r.point.a * (_r.e - _r.point.w)
            WHEN _r.point.a * exp(_r.point.w) <= _r.point.b
                THEN (_r.point.a + _r.point.b) * pool_log1p(_r.e * _r.y) - _r.point.a * _r.point.w
            ELSE (_r.point.a + _r.point.b) * pool_log1p(pool_expm1(-_r.point.w) / (1 + _r.point.a / _r.point.b))
                + _r.point.b * _r.point.w
        END)
    );

-- Mills' ratio of w outward. The odds are turned over where x > 1/2; `mean` is (a + b) x, where x is 0 for infinite b.
CREATE OR REPLACE MACRO _pool_odds_mills(points) AS
    list_transform(
        list_transform(
            list_transform(
                list_transform(
                    list_transform(
                        points,
                        lambda _r: CASE
                            WHEN _r.a * exp(_r.w) > _r.b THEN {point: _r, a: _r.b, b: _r.a, w: -_r.w, side: -_r.side}
                            ELSE {point: _r, a: _r.a, b: _r.b, w: _r.w, side: _r.side}
                        END
                    ),
                    lambda _r: {
                        point: _r.point, a: _r.a, b: _r.b, side: _r.side, n: _r.a + _r.b,
                        mean: _r.a * exp(_r.w) / (1 + pool_expm1(_r.w) / (1 + _r.b / _r.a)),
                        x: exp(_r.w) / (1 + pool_expm1(_r.w) / (1 + _r.b / _r.a)) / (1 + _r.b / _r.a)
                    }
                ),
                lambda _r: {
                    point: _r.point, a: _r.a, side: _r.side, n: _r.n, mean: _r.mean, x: _r.x,
                    first: 1 / CASE WHEN _r.side < 0 THEN _r.a ELSE _r.b END,
                    share: CASE WHEN _r.side < 0 THEN _r.mean / _r.a ELSE (1 - _r.x) * (1 + _r.a / _r.b) END,
                    slope: greatest(0.0,
                        _r.side * (_r.mean - _r.a) + CASE WHEN _r.side < 0 THEN 1 - _r.x ELSE _r.x END),
                    curvature: (_r.mean + _r.x) * (1 - _r.x)
                }
            ),
            lambda _r: {
                point: _r.point, a: _r.a, side: _r.side, n: _r.n, mean: _r.mean, x: _r.x, first: _r.first,
                share: _r.share,
                width: CASE
                    WHEN _r.side > 0 AND (76 / (_r.slope + sqrt(_r.slope * _r.slope + 76 * _r.curvature))) < 2 * ln((1 - _r.x) / _r.x)
                        THEN (76 / (_r.slope + sqrt(_r.slope * _r.slope + 76 * _r.curvature)))
                    ELSE (76 / (_r.slope - 19 + sqrt((_r.slope - 19) * (_r.slope - 19) + 76 * (_r.slope + _r.curvature))))
                END
            }
        ),
        lambda _r: struct_insert(_r.point, mills := _r.first + _r.share * _r.width * list_sum(list_transform(
            list_transform(
                list_transform(_pool_gauss_legendre(), lambda _g: {s: _r.side * _r.width * _g.y, weight: _g.weight}),
                lambda _g: {s: _g.s, e: pool_expm1(_g.s), weight: _g.weight}
            ),
            lambda _g: _g.weight * CASE WHEN _r.side < 0 THEN 1 + _g.e ELSE 1.0 END / (1 + _r.x * _g.e)
                * exp(_r.a * _g.s - CASE WHEN isinf(_r.n) THEN _r.mean * _g.e ELSE _r.n * pool_log1p(_r.x * _g.e) END)
        )))
    );

-- P(W <= w), from the tail on that side of the split where w lies.
CREATE OR REPLACE MACRO _pool_odds_cdf(a, b, w) AS
    CASE
        WHEN _pool_unbound(a) THEN NULL
        ELSE list_transform(
            list_transform(
                _pool_odds_mills(_pool_odds_heights([{
                        a: a, b: b, w: w, side: 2 * (w > ln((1 + 1 / a) / (1 + 1 / b)))::DOUBLE - 1, total: (sqrt(6.2831853071795864769e0 * (1 / a + 1 / b)) * list_transform(
                            [_pool_stirling_ratios([a, b, a + b])], lambda r: r[1] * (r[2] / r[3])
                        )[1])
                    }])),
                lambda _r: struct_insert(
                    _r, tail := CASE WHEN _r.height > 745 THEN 0.0 ELSE exp(-_r.height) * _r.mills / _r.total END)
            ),
            lambda _r: abs((_r.side > 0)::DOUBLE - _r.tail)
        )[1]
    END;

-- The point whose w has the probability p, from the side of the split where it lies. P(W <= split) lies between 0.1 and
-- 0.9 where both shapes are 1 or more. The points have a, b and p.
CREATE OR REPLACE MACRO _pool_odds_quantile(points) AS
    list_reduce(
        list_resize(list_transform(
        list_transform(
            list_transform(
                _pool_odds_mills(_pool_odds_heights(list_transform(points, lambda _r: {
                        a: _r.a, b: _r.b, p: _r.p, total: (sqrt(6.2831853071795864769e0 * (1 / _r.a + 1 / _r.b)) * list_transform(
                            [_pool_stirling_ratios([_r.a, _r.b, _r.a + _r.b])], lambda r: r[1] * (r[2] / r[3])
                        )[1]), split: ln((1 + 1 / _r.a) / (1 + 1 / _r.b)),
                        w: ln((1 + 1 / _r.a) / (1 + 1 / _r.b)), side: -1.0::DOUBLE
                    }))),
                lambda _r: struct_insert(
                    _r, tail := CASE WHEN _r.height > 745 THEN 0.0 ELSE exp(-_r.height) * _r.mills / _r.total END)
            ),
            lambda _r: {
                a: _r.a, b: _r.b, p: _r.p, total: _r.total, split: _r.split, inside: _r.p > 0 AND _r.p < 1,
                side: CASE WHEN _r.p <= _r.tail THEN -1.0::DOUBLE ELSE 1.0::DOUBLE END
            }
        ),
        lambda _r: {
            a: _r.a, b: _r.b, side: _r.side, split: _r.split,
            w: CASE
                WHEN _r.inside THEN (CASE
                    WHEN _r.a < 1 OR _r.b < 1 THEN _r.split
                    ELSE _r.side * greatest(_r.side * _r.split, _r.side * (list_transform(
                        [{
                            z: _pool_normal_quantile_double(_r.p),
                            mean: (1 + 1 / (6 * _r.b)) / (2 * _r.b) - (1 + 1 / (6 * _r.a)) / (2 * _r.a),
                            variance: (1 + (1 / 2 + 1 / (6 * _r.a)) / _r.a) / _r.a + (1 + (1 / 2 + 1 / (6 * _r.b)) / _r.b) / _r.b,
                            third: (1 + (1 + 1 / (2 * _r.b)) / _r.b) / (_r.b * _r.b) - (1 + (1 + 1 / (2 * _r.a)) / _r.a) / (_r.a * _r.a)
                        }],
                        lambda _c: _c.mean + sqrt(_c.variance) * _c.z + _c.third / _c.variance * (_c.z * _c.z - 1) / 6
                    )[1]))
                END)
                WHEN _r.p IS NOT NULL THEN (2 * _r.p - 1) * 'infinity'::DOUBLE
            END,
            target: CASE WHEN _r.inside THEN ln(CASE WHEN _r.side < 0 THEN _r.p ELSE 1 - _r.p END) + ln(_r.total) END,
            moving: coalesce(_r.inside AND _r.total IS NOT NULL, false)
        }
    ), 60),
        lambda _s, i: CASE
            WHEN NOT _s.moving THEN _s
            ELSE list_transform(
                list_transform(
                    list_transform(
                        list_transform(
                            _pool_odds_mills(_pool_odds_heights([_s])),
                            lambda _r: {
                                mills: _r.mills, excess: ln(_r.mills) - _r.height - _r.target, side: _r.side,
                                slope: _r.side * (_r.a / (1 + _r.a / _r.b) * CASE
                                    WHEN _r.w < 0 THEN pool_expm1(_r.w) / (1 + pool_expm1(_r.w) / (1 + _r.b / _r.a))
                                    ELSE -pool_expm1(-_r.w) / (1 + pool_expm1(-_r.w) / (1 + _r.a / _r.b))
                                END), x: 1 / (1 + _r.b / _r.a * exp(-_r.w)),
                                bend: _r.a * exp(_r.w) * (1 + _r.a / _r.b)
                                    / (1 + _r.a / _r.b * exp(_r.w)) / (1 + _r.a / _r.b * exp(_r.w))
                            }
                        ),
                        lambda _m: {
                            mills: _m.mills, excess: _m.excess, slope: _m.slope,
                            series: (list_transform(
                                list_transform(
                                    list_transform(
                                        [{e: _m.excess, m: _m.mills, p: _m.slope * _m.mills, q: _m.bend * _m.mills * _m.mills, r: (_m.side * _m.bend * (1 - 2 * _m.x)) * _m.mills * _m.mills * _m.mills,
                                            t: (_m.bend * (1 - 6 * _m.x * (1 - _m.x))) * _m.mills * _m.mills * _m.mills * _m.mills, f: _m.slope * _m.mills - 1}],
                                        lambda _c: {e: _c.e, m: _c.m, p: _c.p, q: _c.q, r: _c.r, f: _c.f, p1: _c.q + _c.p * _c.f,
                                            q1: _c.r + 2 * _c.q * _c.f, r1: _c.t + 3 * _c.r * _c.f}
                                    ),
                                    lambda _c: {e: _c.e, m: _c.m, p: _c.p, q: _c.q, f: _c.f, p1: _c.p1, q1: _c.q1, r1: _c.r1,
                                        third: _c.f * _c.f + _c.p1, third1: (3 * _c.f + _c.p) * _c.p1 + _c.q1}
                                ),
                                lambda _c: {
                                    step: _c.m * _c.e
                                        * (1 + _c.e / 2 * (_c.f + _c.e / 3 * (_c.third + _c.e / 4 * (_c.f * _c.third + _c.third1)))),
                                    last: _c.m * _c.e * _c.e * _c.e * _c.e * _c.e / 120 * (
                                        _c.f * (_c.f * _c.third + _c.third1) + _c.p1 * _c.third + _c.f * _c.third1 + 4 * _c.p1 * _c.p1
                                        + (3 * _c.f + _c.p) * (_c.q1 + (_c.f + _c.p) * _c.p1) + _c.r1 + 2 * _c.q1 * _c.f + 2 * _c.q * _c.p1)
                                }
                            )[1])
                        }
                    ),
                    lambda _m: CASE
                        WHEN abs(_m.excess) < 0.5 AND abs(_m.series.last) <= 0.01 * _m.mills * abs(_m.excess) THEN {
                            step: _m.series.step + _m.series.last,
                            moving: abs(_m.series.last * _m.excess) > 1e-13 * least(1.0, _m.mills)
                        }
                        ELSE {step: (_m.excess * _m.mills / greatest(0.5, 1 + _m.excess * (1 - _m.slope * _m.mills) / 2)), moving: true}
                    END
                ),
                lambda _m: {a: _s.a, b: _s.b,
                    w: _s.side * greatest(_s.side * _s.split, _s.side * _s.w + _m.step), side: _s.side,
                    split: _s.split, target: _s.target, moving: _m.moving}
            )[1]
        END
    );

-- ---------------------------------------------------------------------------------------------------------------------
-- Gamma of rate 1: pool_gamma_cdf(x, shape), pool_gamma_quantile(p, shape). Chi-square: pool_chi_square_cdf(x, df),
-- pool_chi_square_quantile(p, df), pool_chi_square_median(df). Any positive shape or df.
-- ---------------------------------------------------------------------------------------------------------------------

-- log(x / y) from x - y where they are near each other.
CREATE OR REPLACE MACRO _pool_log_ratio(x, y) AS
    CASE WHEN abs(x - y) < 0.5 * y THEN pool_log1p((x - y) / y) ELSE ln(x / y) END;

-- P(X <= x) of DOUBLEs, the shape in its domain.
CREATE OR REPLACE MACRO _pool_gamma_cdf_double(x, shape) AS
    list_transform(
        [{x: x, a: shape}],
        lambda _r: CASE
            WHEN _r.a IS NULL THEN NULL
            WHEN _r.x <= 0 THEN 0.0
            WHEN _r.x / _r.a >= 'infinity'::DOUBLE THEN 1.0
            ELSE _pool_odds_cdf(_r.a, 'infinity'::DOUBLE, _pool_log_ratio(_r.x, _r.a))
        END
    )[1];

-- The x with P(X <= x) = p, of DOUBLEs that are in the domain.
CREATE OR REPLACE MACRO _pool_gamma_quantile_double(p, shape) AS
    CASE
        WHEN _pool_unbound(shape) THEN NULL
        ELSE list_transform(
            [_pool_odds_quantile([{p: p, a: shape, b: 'infinity'::DOUBLE}])],
            lambda _r: _r.a * exp(_r.w)
        )[1]
    END;

-- P(X <= x) of the gamma distribution of rate 1: the regularised incomplete gamma function P(shape, x).
CREATE OR REPLACE MACRO pool_gamma_cdf(x, shape) AS
    _pool_gamma_cdf_double(
        _pool_demand_number(x, 'x of pool_gamma_cdf'),
        _pool_demand_positive(shape, 'shape of pool_gamma_cdf')
    );

-- The x with P(X <= x) = p of the gamma distribution of rate 1.
CREATE OR REPLACE MACRO pool_gamma_quantile(p, shape) AS
    _pool_gamma_quantile_double(
        _pool_demand_probability(p, 'p of pool_gamma_quantile'),
        _pool_demand_positive(shape, 'shape of pool_gamma_quantile')
    );

-- P(X <= x) of the chi-square distribution: X / 2 is gamma of shape df / 2.
CREATE OR REPLACE MACRO pool_chi_square_cdf(x, df) AS
    _pool_gamma_cdf_double(
        _pool_demand_number(x, 'x of pool_chi_square_cdf') / 2,
        _pool_demand_positive(df, 'df of pool_chi_square_cdf') / 2
    );

-- The x with P(X <= x) = p of the chi-square distribution.
CREATE OR REPLACE MACRO pool_chi_square_quantile(p, df) AS
    2 * _pool_gamma_quantile_double(
        _pool_demand_probability(p, 'p of pool_chi_square_quantile'),
        _pool_demand_positive(df, 'df of pool_chi_square_quantile') / 2
    );

-- Median of the chi-square distribution.
CREATE OR REPLACE MACRO pool_chi_square_median(df) AS
    2 * _pool_gamma_quantile_double(
        0.5::DOUBLE, _pool_demand_positive(df, 'df of pool_chi_square_median') / 2);

-- ---------------------------------------------------------------------------------------------------------------------
-- Beta: pool_beta_cdf(x, a, b), pool_beta_quantile(p, a, b) for any positive a and b.
-- ---------------------------------------------------------------------------------------------------------------------

-- P(X <= x) of the beta distribution: the regularised incomplete beta function.
CREATE OR REPLACE MACRO pool_beta_cdf(x, a, b) AS
    list_transform(
        [{
            x: _pool_demand_number(x, 'x of pool_beta_cdf'),
            a: _pool_demand_positive(a, 'a of pool_beta_cdf'),
            b: _pool_demand_positive(b, 'b of pool_beta_cdf')
        }],
        lambda _r: CASE
            WHEN _r.a IS NULL OR _r.b IS NULL THEN NULL
            WHEN _r.x <= 0 THEN 0.0
            WHEN _r.x >= 1 THEN 1.0
            ELSE _pool_odds_cdf(_r.a, _r.b, _pool_log_ratio(_r.x * _r.b, (1 - _r.x) * _r.a))
        END
    )[1];

-- The x with P(X <= x) = p of the beta distribution.
CREATE OR REPLACE MACRO pool_beta_quantile(p, a, b) AS
    CASE
        WHEN _pool_unbound(p) THEN NULL
        ELSE list_transform(
            [_pool_odds_quantile([{
                p: _pool_demand_probability(p, 'p of pool_beta_quantile'),
                a: _pool_demand_positive(a, 'a of pool_beta_quantile'),
                b: _pool_demand_positive(b, 'b of pool_beta_quantile')
            }])],
            lambda _r: 1 / (1 + _r.b / _r.a * exp(-_r.w))
        )[1]
    END;

-- ---------------------------------------------------------------------------------------------------------------------
-- Derivatives of log gamma: pool_digamma(x), pool_trigamma(x) for x > 0, pool_trigamma_inverse(y) for y > 0.
-- ---------------------------------------------------------------------------------------------------------------------

-- log(x) - digamma(x) - 1 / (2 x) for x >= 10, times x^2, from q = 1 / x^2 (Abramowitz & Stegun 6.3.18).
CREATE OR REPLACE MACRO _pool_digamma_series(q) AS
    1 / 12 - (1 / 120 - (1 / 252 - (1 / 240 - (1 / 132 - (691 / 32760 - q / 12) * q) * q) * q) * q) * q;

-- The derivative of log Gamma(x), x > 0.
CREATE OR REPLACE MACRO pool_digamma(x) AS
    CASE WHEN _pool_demand_positive(x, 'x of pool_digamma') IS NOT NULL THEN (CASE
        WHEN (x::DOUBLE) >= 'infinity'::DOUBLE THEN (x::DOUBLE)
        WHEN (x::DOUBLE) >= 10 THEN ln((x::DOUBLE)) - 0.5 / (x::DOUBLE) - _pool_digamma_series(1 / ((x::DOUBLE) * (x::DOUBLE))) / ((x::DOUBLE) * (x::DOUBLE))
        ELSE list_transform(
            [{x: (x::DOUBLE), d: (x::DOUBLE) - 1.4616321449683622e0 - 9.549995429965697e-17}],
            lambda _r: _r.d
                    * (list_sum(list_transform(range(10), lambda k: 1 / ((_r.x + k) * (1.4616321449683622e0 + k))))
                    + 0.5 / ((_r.x + 10) * 1.14616321449683622e1))
                + pool_log1p(_r.d / 1.14616321449683622e1)
                - _pool_digamma_series(1 / ((_r.x + 10) * (_r.x + 10))) / ((_r.x + 10) * (_r.x + 10))
                + _pool_digamma_series(1 / (1.14616321449683622e1 * 1.14616321449683622e1))
                    / (1.14616321449683622e1 * 1.14616321449683622e1)
        )[1]
    END) END;

-- Trigamma for x >= 10 (Abramowitz & Stegun 6.4.12).
CREATE OR REPLACE MACRO _pool_trigamma_series(x, q) AS
    (1 + (0.5 + (
        1 / 6 - (1 / 30 - (1 / 42 - (1 / 30 - (5 / 66 - (691 / 2730 - 7 / 6 * q) * q) * q) * q) * q) * q
    ) / x) / x) / x;

-- The second derivative of log Gamma(x), of a DOUBLE above 0.
CREATE OR REPLACE MACRO _pool_trigamma_double(x) AS
    CASE
        WHEN x >= 10 THEN _pool_trigamma_series(x, 1 / (x * x))
        ELSE list_transform(
            [x],
            lambda v: list_sum(list_transform(range(10), lambda k: 1 / ((v + k) * (v + k))))
                + _pool_trigamma_series(v + 10, 1 / ((v + 10) * (v + 10)))
        )[1]
    END;

-- Trigamma, the second derivative of log Gamma(x).
CREATE OR REPLACE MACRO pool_trigamma(x) AS
    CASE WHEN _pool_demand_positive(x, 'x of pool_trigamma') IS NOT NULL THEN _pool_trigamma_double(x::DOUBLE) END;

-- The x whose trigamma is y.
CREATE OR REPLACE MACRO pool_trigamma_inverse(y) AS
    CASE
        WHEN y::DOUBLE = 'infinity'::DOUBLE THEN 0.0
        ELSE (list_reduce(
            list_transform(range(200), lambda i: {x: 0.5 + 1 / _pool_demand_positive(y, 'y of pool_trigamma_inverse'), moving: true}),
            lambda _s, i: CASE
                WHEN NOT _s.moving THEN _s
                ELSE list_transform(
                    list_transform(
                        [{x: _s.x, trigamma: _pool_trigamma_double(_s.x)}],
                        lambda _m: {x: _m.x, step: _m.trigamma * (_m.trigamma / _pool_demand_positive(y, 'y of pool_trigamma_inverse') - 1) / (list_sum(list_transform(range(10), lambda k: 2 / ((_m.x + k) * (_m.x + k) * (_m.x + k))))
                            + (1 + (1 + (0.5 - (1 / 6 - 1 / 6 / ((_m.x + 10) * (_m.x + 10))) / ((_m.x + 10) * (_m.x + 10))) / (_m.x + 10)) / (_m.x + 10))
                                / ((_m.x + 10) * (_m.x + 10)))}
                    ),
                    lambda _m: {x: CASE WHEN _m.step < -1e-15 * _m.x THEN _m.x + _m.step ELSE _m.x END,
                        moving: _m.step < -1e-15 * _m.x}
                )[1]
            END
        ).x)
    END;

-- ---------------------------------------------------------------------------------------------------------------------
-- The sine integral Si(x), the integral of sin(t) / t from 0 to x: pool_sine_integral. Give it a column.
-- ---------------------------------------------------------------------------------------------------------------------

-- Si(x) to 1e-14; Si(x) = sign(x) pi / 2 - f(x) cos(x) - g(x) sin(x) (DLMF 6.2.19).
CREATE OR REPLACE MACRO pool_sine_integral(x) AS
    CASE
        WHEN abs(x) <= 6 THEN (x * list_reduce(('[
        -1.257043527311165e-48, 1.9636378862575867e-45, -2.7650265596091116e-42, 3.489798672961197e-39,
        -3.922984005011348e-36, 3.8999872022233505e-33, -3.401366616220572e-30, 2.5787801137537893e-27,
        -1.6818131176655147e-24, 9.32044812542441e-22, -4.326650129802279e-19, 1.6537983849091297e-16,
        -5.0981091545465446e-14, 1.2353110643708935e-11, -2.27746439867652e-09, 3.0619243582206544e-07,
        -2.834467120181406e-05, 0.0016666666666666668, -0.05555555555555555, 1.0
    ]'::DOUBLE[]), lambda _sum, _c: _sum * (x * x) + _c))
        ELSE sign(x) * 1.5707963267948966192e0 - cos(x) / x * (list_reduce(('[
        0.030396929687045576299, 2.9207689742135172234, 39.868507156908118171, 174.05604651183339764,
        313.51507915285414461, 258.42617765433183951, 99.751563191113966723, 16.996005747314168605,
        0.99999999999997456184
    ]'::DOUBLE[]), lambda _sum, _c: _sum * (36 / (x * x)) + _c) / list_reduce(('[
        0.078953229708652668543, 4.1136654434300815683, 46.752244310239634134, 188.51783195981941939,
        326.54083348957852603, 263.71919298288613853, 100.68035363565208599, 17.051561302854373448, 1.0
    ]'::DOUBLE[]), lambda _sum, _c: _sum * (36 / (x * x)) + _c))
            - sin(x) / (x * x) * (list_reduce(('[
        0.042751678170702767732, 5.4676346677054382416, 71.472680820991070798, 286.24281740236865539,
        467.05055804256797328, 347.58103448816051738, 121.20666588685752766, 18.703570681328739569,
        0.99999999999967870812
    ]'::DOUBLE[]), lambda _sum, _c: _sum * (36 / (x * x)) + _c) / list_reduce(('[
        0.32312736610872914197, 11.635324066531600925, 103.96421034230626497, 348.71149236970515687,
        518.47614139882435783, 366.65166584949289058, 124.25911287542248282, 18.870237347800715165, 1.0
    ]'::DOUBLE[]), lambda _sum, _c: _sum * (36 / (x * x)) + _c))
    END;

-- The formulas of partial pooling as scalar macros of DuckDB, one macro per formula, each with its source.
-- Rendered from polars_pool/formulas by `python -m polars_pool.rendering`: edit there. They call parts/distributions.

-- ---------------------------------------------------------------------------------------------------------------------
-- Sufficient statistics of a group: count, mean and variance, of rows, of weighted rows, of other moments.
-- ---------------------------------------------------------------------------------------------------------------------

-- Mean of a group's rows, each of precision weight w.
CREATE OR REPLACE MACRO pool_weighted_mean(w, y) AS
    sum(w::DOUBLE * y) / sum(w::DOUBLE);

-- Sum of squares of a group about its own mean; 0 for a single row, whose var is ignored.
CREATE OR REPLACE MACRO pool_squares(n, var) AS
    CASE WHEN n::DOUBLE > 1 THEN (n::DOUBLE - 1) * var ELSE 0.0 END;

-- Sum of squares; 0 within four units in the last place of the mean, as the mean of equal rows may be rounded.
CREATE OR REPLACE MACRO pool_above_rounding(n, squares, mean) AS
    CASE
        WHEN squares > n * (8.881784197001252e-16 * mean::DOUBLE) * (8.881784197001252e-16 * mean::DOUBLE)
            THEN squares::DOUBLE
        ELSE 0.0
    END;

-- Sum of w (m - mean)^2 over the rows or states of a group, from sum(w m), sum(w), cov(w m, m) and cov(w, m).
--
-- Chan, Golub & LeVeque (1983) for any number of states at once. Covariances centre before they square: no digits are
-- lost to an offset that sum(w m^2) would lose, and equal m give exactly 0.
CREATE OR REPLACE MACRO pool_squares_between(states, wm, w, cov_wm, cov_w) AS
    CASE
        WHEN states::DOUBLE > 1 THEN (states::DOUBLE - 1) * (cov_wm - wm::DOUBLE * cov_w / w)
        ELSE 0.0
    END;

-- Sample variance from the sum of squares about the mean: missing for a single row.
CREATE OR REPLACE MACRO pool_variance(n, squares) AS
    CASE WHEN n::DOUBLE > 1 THEN squares / (n::DOUBLE - 1) END;

-- ---------------------------------------------------------------------------------------------------------------------
-- Variance within groups, and the sampling variance of a group's mean that follows from it.
-- ---------------------------------------------------------------------------------------------------------------------

-- Pooled variance within groups, SSW / (N - J): the mean square within.
CREATE OR REPLACE MACRO pool_pooled_variance(squares, n, groups) AS
    CASE WHEN n::DOUBLE > groups THEN squares / (n::DOUBLE - groups) END;

-- Sampling variance of a group's mean, sigma2 / n (sigma2 / sum(w) for weighted rows); infinite without rows.
CREATE OR REPLACE MACRO pool_sampling_variance(sigma2, w) AS
    CASE WHEN w::DOUBLE = 0 THEN 'infinity'::DOUBLE ELSE sigma2::DOUBLE / w END;

-- A group's own variance; the pooled variance for a single row, which has none.
CREATE OR REPLACE MACRO pool_separate_variance(n, var, sigma2) AS
    CASE WHEN n::DOUBLE > 1 THEN var::DOUBLE ELSE sigma2::DOUBLE END;

-- Log of a group's variance less what a chi-square with df degrees of freedom adds to it on average.
CREATE OR REPLACE MACRO pool_centred_log(var, df) AS
    CASE
        WHEN _pool_unbound(var) THEN NULL
        ELSE ln(var::DOUBLE) - pool_digamma(df::DOUBLE / 2) + ln(df::DOUBLE / 2)
    END;

-- Degrees of freedom of the prior from the variance of centred_log in excess of the mean trigamma(df / 2).
--
-- Infinite where variances differ by no more than chance.
CREATE OR REPLACE MACRO pool_prior_df(excess) AS
    CASE
        WHEN _pool_unbound(excess) THEN NULL
        WHEN excess::DOUBLE > 0
            THEN 2 * pool_trigamma_inverse(CASE WHEN excess::DOUBLE > 0 THEN excess::DOUBLE ELSE 1.0 END)
        ELSE 'infinity'::DOUBLE
    END;

-- The variance that groups are squeezed to, from the mean of centred_log; the plain mean for infinite df_prior.
CREATE OR REPLACE MACRO pool_prior_variance(mean_log, mean, df_prior) AS
    CASE
        WHEN _pool_unbound(mean_log) THEN NULL
        WHEN df_prior < 'infinity'::DOUBLE
            THEN exp(mean_log
            + pool_digamma(CASE WHEN df_prior < 'infinity'::DOUBLE THEN df_prior::DOUBLE ELSE 1.0 END / 2)
            - ln(CASE WHEN df_prior < 'infinity'::DOUBLE THEN df_prior::DOUBLE ELSE 1.0 END / 2))
        ELSE mean::DOUBLE
    END;

-- Mean of a group's variance, of weight n - 1, and the prior, of weight df_prior; the prior for a single row.
CREATE OR REPLACE MACRO pool_squeezed_variance(n, var, df_prior, prior) AS
    CASE
        WHEN n::DOUBLE > 1 THEN prior + (n::DOUBLE - 1) / (n::DOUBLE - 1 + df_prior) * (var::DOUBLE - prior)
        ELSE prior::DOUBLE
    END;

-- ---------------------------------------------------------------------------------------------------------------------
-- Variance between groups when the sampling variances v are known: moments, roots and likelihoods (metafor's rma).
--
-- Every formula is a term of one group, or algebra on sums of terms: s1 = sum(w), s2 = sum(w^2), `wd2` = sum(w (mean -
-- mu)^2), `w2d2` = sum(w^2 (mean - mu)^2), with w = 1 / (v + tau2) by default; `pairs` = sum(w)^2 - sum(w^2), the
-- products of all pairs, from which s1 - s2 / s1 = pairs / s1 without cancellation. Source of all: Viechtbauer (2005),
-- "Bias and efficiency of meta-analytic variance estimators"; Veroniki et al. (2016).
-- ---------------------------------------------------------------------------------------------------------------------

-- Precision of a group's mean about mu, w = 1 / (v + tau2).
CREATE OR REPLACE MACRO pool_precision(v, tau2) AS
    1 / (v::DOUBLE + tau2);

-- sum(w)^2 - sum(w^2), from the `count` groups of largest w = `top` and the sums over the rest.
--
-- The difference itself loses all digits where one group outweighs all others.
CREATE OR REPLACE MACRO pool_pairs(count, top, rest, rest2) AS
    count * (count::DOUBLE - 1) * top * top + 2 * count::DOUBLE * top * rest + rest::DOUBLE * rest - rest2;

-- Generalised method of moments with fixed weights a, from sums (DerSimonian & Kacker 2007).
--
-- dl takes a = 1 / v, he a = 1, anova a = n (Henderson I, Buehlmann-Straub).
CREATE OR REPLACE MACRO pool_moment_estimate(ad2, av, a2v, a, pairs) AS
    (ad2::DOUBLE - av + a2v::DOUBLE / a) * a / pairs;

-- Method of moments about a known mu, which takes no degree of freedom.
CREATE OR REPLACE MACRO pool_moment_estimate_known_mu(ad2, av, a) AS
    (ad2::DOUBLE - av) / a;

-- Limit of dl when the v of one group goes to 0: a = 1 / v and the squares about that group, over the others.
CREATE OR REPLACE MACRO pool_moment_estimate_one_exact(ad2, groups, a) AS
    (ad2::DOUBLE - groups + 1) / (2 * a::DOUBLE);

-- Hunter & Schmidt (1990), a = 1 / v: (Q - J) / sum(a).
CREATE OR REPLACE MACRO pool_hunter_schmidt(ad2, groups, a) AS
    (ad2::DOUBLE - groups) / a;

-- Hunter & Schmidt with the small-sample correction of Brannick et al. (2019).
CREATE OR REPLACE MACRO pool_hunter_schmidt_corrected(ad2, groups, df, a) AS
    (groups::DOUBLE / df * ad2 - groups) / a;

-- One step from a crude tau2 = sum((mean - centre)^2) / J (Sidik & Jonkman 2005): 0 only where all means agree.
CREATE OR REPLACE MACRO pool_sidik_jonkman(tau2, wd2, df) AS
    tau2::DOUBLE * wd2 / df;

-- Generalised Q minus its expectation, whose root is pm (J - 1 expected) or pmm (the median of chi-square).
CREATE OR REPLACE MACRO pool_excess(wd2, expected) AS
    wd2::DOUBLE - expected;

-- Term of one group in log |V|: log(v + tau2).
CREATE OR REPLACE MACRO pool_log_variance(v, tau2) AS
    ln(v::DOUBLE + tau2);

-- -2 log L at the optimal mu, up to a constant, from sum(log(v + tau2)).
CREATE OR REPLACE MACRO pool_ml_deviance(logs, wd2) AS
    logs::DOUBLE + wd2;

-- -2 restricted log L up to a constant; log sum(w) accounts for the fitted mu (Harville 1977).
CREATE OR REPLACE MACRO pool_reml_deviance(logs, wd2, s1) AS
    logs::DOUBLE + wd2 + ln(s1::DOUBLE);

-- Derivative of -2 log L by tau2.
CREATE OR REPLACE MACRO pool_ml_slope(w2d2, s1) AS
    s1::DOUBLE - w2d2;

-- Derivative of -2 restricted log L by tau2, with tr P = s1 - s2 / s1 in place of s1.
CREATE OR REPLACE MACRO pool_reml_slope(w2d2, s1, pairs) AS
    pairs::DOUBLE / s1 - w2d2;

-- -2 (log L + log tau) up to a constant: the prior tau keeps the mode off 0 (Chung et al. 2013, Psychometrika).
CREATE OR REPLACE MACRO pool_chung_deviance(logs, wd2, tau2) AS
    logs::DOUBLE + wd2 - ln(tau2::DOUBLE);

-- Derivative of chung_deviance by tau2; v is the least one, `rest` the sum of w without one group of the least v.
--
-- 1 / (v + tau2) - 1 / tau2 = -v / (tau2 (v + tau2)) without the cancellation where v is 0.
CREATE OR REPLACE MACRO pool_chung_slope(w2d2, rest, v, tau2) AS
    rest - v / (tau2 * (v::DOUBLE + tau2)) - w2d2;

-- Term of one group in Stein's unbiased estimate of the risk, less v (Xie, Kou & Brown 2012, JASA 107, eq. 4).
CREATE OR REPLACE MACRO pool_unbiased_risk(pooling, d2, v, tau2) AS
    pooling::DOUBLE * pooling * d2 + pooling * (tau2::DOUBLE - v);

-- Derivative of unbiased_risk by tau2; at the mu of least risk, sum(pooling^2 mean) / sum(pooling^2), for sums.
CREATE OR REPLACE MACRO pool_unbiased_risk_slope(pooling, d2, w) AS
    2 * pooling::DOUBLE * pooling * (1 - w::DOUBLE * d2);

-- The tau2 whose pooling v / (v + tau2) is that of James & Stein (1961), (df - 2) v / squares, for equal v.
CREATE OR REPLACE MACRO pool_james_stein(squares, df, v) AS
    squares / (df::DOUBLE - 2) - v;

-- ---------------------------------------------------------------------------------------------------------------------
-- One-way random effects on rows: sigma2 and tau2 jointly, profiled over rho = tau2 / sigma2 (lme4: `y ~ 1 + (1 | g)`).
--
-- With h = n / (1 + n rho): R = sum(h (mean - mu)^2), residual = (SSW + R) / df, df = N - 1 (REML) or N (ML). Source:
-- Searle, Casella & McCulloch (1992), Variance Components, section 3.8; n becomes sum(w) with precision weights.
-- ---------------------------------------------------------------------------------------------------------------------

-- Information of a group about mu in units of 1 / sigma2, h = n / (1 + n rho).
CREATE OR REPLACE MACRO pool_information(n, rho) AS
    n / (1 + n::DOUBLE * rho);

-- Term of one group in log |V|: log(1 + n rho).
CREATE OR REPLACE MACRO pool_log_inflation(n, rho) AS
    ln(1 + n::DOUBLE * rho);

-- -2 log L over sigma2 and mu, up to a constant, from SSW, sum(h d^2) and sum(log(1 + n rho)).
CREATE OR REPLACE MACRO pool_ml_profile(squares, hd2, logs, df) AS
    df * ln((squares::DOUBLE + hd2) / df) + logs;

-- -2 restricted log L over sigma2 and mu, up to a constant: log sum(h) accounts for the fitted mu.
CREATE OR REPLACE MACRO pool_reml_profile(squares, hd2, logs, df, h) AS
    df * ln((squares::DOUBLE + hd2) / df) + logs + ln(h::DOUBLE);

-- Derivative of the ML profile by rho.
CREATE OR REPLACE MACRO pool_ml_profile_slope(squares, hd2, h2d2, h, df) AS
    h - df::DOUBLE * h2d2 / (squares::DOUBLE + hd2);

-- Derivative of the REML profile by rho.
CREATE OR REPLACE MACRO pool_reml_profile_slope(squares, hd2, h2d2, h, h2, df) AS
    h - h2::DOUBLE / h - df::DOUBLE * h2d2 / (squares::DOUBLE + hd2);

-- sigma2 at one rho; at the boundary rho = 0 an estimate from all rows.
CREATE OR REPLACE MACRO pool_residual_variance(squares, hd2, df) AS
    (squares::DOUBLE + hd2) / df;

-- ---------------------------------------------------------------------------------------------------------------------
-- Exact leave-one-out error of the partially pooled mean, from moments alone, as a function of rho = tau2 / sigma2.
--
-- A held-out row of group j is predicted by the estimate refitted without it. The fit is linear in the rows, so the
-- error is the residual over 1 - H_j (Allen 1974, PRESS): no refit. `keep` = 1 / (1 + n rho) is the pooling, h = n
-- keep, s = sum(h).
-- ---------------------------------------------------------------------------------------------------------------------

-- Pooling at rho = tau2 / sigma2, the share of the population: keep = 1 / (1 + n rho).
CREATE OR REPLACE MACRO pool_pooling_at(n, rho) AS
    1 / (1 + n::DOUBLE * rho);

-- 1 - H of a row: the share of the fit that comes from other rows, where mu is fitted too.
CREATE OR REPLACE MACRO pool_leverage(n, keep, s) AS
    (n::DOUBLE - 1 + keep) / n - keep::DOUBLE * keep / s;

-- Derivative of 1 - H by rho; s2 = sum(h^2).
CREATE OR REPLACE MACRO pool_leverage_slope(n, keep, s, s2) AS
    keep::DOUBLE * keep * (2 * n::DOUBLE * keep / s - 1 - s2 / (s::DOUBLE * s));

-- Sum of squared residuals of a group's rows: those within it, and those of its mean about its estimate.
CREATE OR REPLACE MACRO pool_squared_residuals(n, keep, squares, d2) AS
    squares + n::DOUBLE * keep * keep * d2;

-- Derivative of the squared residuals by rho, d = mean - mu, mu_slope = -sum(h^2 d) / s.
CREATE OR REPLACE MACRO pool_squared_residuals_slope(n, keep, d, d2, mu_slope) AS
    -2 * n::DOUBLE * keep * keep * (n::DOUBLE * keep * d2 + d::DOUBLE * mu_slope);

-- Squared leave-one-out error of a group's rows.
CREATE OR REPLACE MACRO pool_leave_one_out(residuals, leverage) AS
    residuals / (leverage::DOUBLE * leverage);

-- Derivative of the squared leave-one-out error by rho.
CREATE OR REPLACE MACRO pool_leave_one_out_slope(residuals, leverage, residuals_slope, leverage_slope) AS
    (residuals_slope - 2 * residuals::DOUBLE * leverage_slope / leverage) / (leverage::DOUBLE * leverage);

-- ---------------------------------------------------------------------------------------------------------------------
-- The population mean mu = sum(c mean) / sum(c): the weight c of each group, and the error of mu.
-- ---------------------------------------------------------------------------------------------------------------------

-- Weight by generalised least squares: the precision of a group, 1 / (v + tau2).
CREATE OR REPLACE MACRO pool_gls(v, tau2) AS
    1 / (v::DOUBLE + tau2);

-- Weight where all rows are equal: the number of rows, or the sum of their precision weights.
CREATE OR REPLACE MACRO pool_rows(w) AS
    w::DOUBLE;

-- Weight where all groups are equal: 1, or 0 without rows.
CREATE OR REPLACE MACRO pool_groups(w) AS
    CASE WHEN w::DOUBLE = 0 THEN 0.0::DOUBLE ELSE 1.0 END;

-- Rows times the weight of their group, n weight (Mount 2023, Win Vector: "Partial pooling").
CREATE OR REPLACE MACRO pool_shrunk(w, v, tau2) AS
    w * CASE WHEN v = 'infinity'::DOUBLE THEN 0.0 WHEN v::DOUBLE = 0 THEN 1.0 ELSE tau2 / (tau2::DOUBLE + v) END;

-- Term of a group in the variance of mu, sum(c^2 (v + tau2)) / sum(c)^2; 1 / sum(c) for gls.
CREATE OR REPLACE MACRO pool_centre_error(c, v, tau2) AS
    c::DOUBLE * c * (v::DOUBLE + tau2);

-- ---------------------------------------------------------------------------------------------------------------------
-- Partial pooling: the weight, the estimate and its standard error (Gelman & Hill 2007, formula 12.1).
-- ---------------------------------------------------------------------------------------------------------------------

-- Weight of a group's own mean, tau2 / (tau2 + v): 0 without rows, else 1 where the mean is exact.
CREATE OR REPLACE MACRO pool_weight(tau2, v) AS
    CASE
        WHEN v = 'infinity'::DOUBLE THEN 0.0
        WHEN v::DOUBLE = 0 THEN 1.0
        ELSE tau2 / (tau2::DOUBLE + v)
    END;

-- Weight of the population mean, 1 - weight, without cancellation.
CREATE OR REPLACE MACRO pool_pooling(tau2, v) AS
    CASE
        WHEN v = 'infinity'::DOUBLE THEN 1.0
        WHEN v::DOUBLE = 0 THEN 0.0
        ELSE v / (tau2::DOUBLE + v)
    END;

-- The partially pooled mean, weight * mean + (1 - weight) * mu.
CREATE OR REPLACE MACRO pool_estimate(mean, mu, weight) AS
    CASE
        WHEN weight::DOUBLE = 0 THEN mu::DOUBLE
        WHEN weight::DOUBLE = 1 THEN mean::DOUBLE
        ELSE mu + weight * (mean::DOUBLE - mu)
    END;

-- The variance between groups whose pooling is that of Morris (1983), (df - 2) / df v / (v + tau2).
--
-- The factor makes up for the estimation of tau2, so that a tau2 of 0 does not pool completely; df = J - 1, or J about
-- a known mu. A group without rows has tau2 itself.
CREATE OR REPLACE MACRO pool_morris_variance(tau2, v, df) AS
    CASE
        WHEN v = 'infinity'::DOUBLE THEN tau2::DOUBLE
        ELSE (df::DOUBLE * tau2 + 2 * v::DOUBLE) / (df::DOUBLE - 2)
    END;

-- Variance of the group's true mean where mu is known, weight * v = tau2 * pooling (lme4: condVar).
CREATE OR REPLACE MACRO pool_conditional_variance(tau2, pooling) AS
    CASE WHEN pooling::DOUBLE = 0 THEN 0.0 ELSE tau2::DOUBLE * pooling END;

-- Variance of the estimate with the error of mu (metafor's BLUP; Raudenbush & Bryk 1985).
CREATE OR REPLACE MACRO pool_marginal_variance(tau2, pooling, se_mu) AS
    CASE
        WHEN pooling::DOUBLE = 0 THEN 0.0
        ELSE tau2::DOUBLE * pooling + pooling::DOUBLE * se_mu * (pooling::DOUBLE * se_mu)
    END;

-- Lower end of the interval; `quantile` is the normal quantile of (1 + level) / 2.
CREATE OR REPLACE MACRO pool_lower(estimate, se, quantile) AS
    estimate - quantile::DOUBLE * se;

-- Upper end of the interval; `quantile` is the normal quantile of (1 + level) / 2.
CREATE OR REPLACE MACRO pool_upper(estimate, se, quantile) AS
    estimate + quantile::DOUBLE * se;

-- Variance of a future observation: `noise` is sigma2 for a row, v for a mean.
CREATE OR REPLACE MACRO pool_predictive_variance(variance, noise) AS
    CASE WHEN noise = 'infinity'::DOUBLE THEN NULL ELSE variance::DOUBLE + noise END;

-- Distance z of the estimate above the threshold in standard errors; the normal P(z) is the chance to exceed it.
--
-- Infinite where se = 0, so that the probability is 1 or 0.
CREATE OR REPLACE MACRO pool_standardised(estimate, se, threshold) AS
    CASE
        WHEN se::DOUBLE = 0
            THEN CASE WHEN estimate::DOUBLE > threshold THEN 'infinity'::DOUBLE ELSE '-infinity'::DOUBLE END
        ELSE (estimate::DOUBLE - threshold) / se
    END;

-- Intraclass correlation, the share of the variance of a row that lies between groups.
CREATE OR REPLACE MACRO pool_icc(tau2, sigma2) AS
    CASE WHEN tau2::DOUBLE + sigma2 = 0 THEN NULL ELSE tau2 / (tau2::DOUBLE + sigma2) END;

-- ---------------------------------------------------------------------------------------------------------------------
-- Inference about tau2 and mu: heterogeneity, standard errors, log likelihoods, tests and intervals.
--
-- Terms and sums are named as in between.py (v known: w = 1 / (v + tau2)) and oneway.py (rows: h = n / (1 + n rho)).
-- ---------------------------------------------------------------------------------------------------------------------

-- tr P = s1 - s2 / s1 = pairs / s1: the precision that remains after mu is fitted.
CREATE OR REPLACE MACRO pool_trace(pairs, s1) AS
    pairs::DOUBLE / s1;

-- The typical sampling variance of a model, df / tr P at w = 1 / v.
CREATE OR REPLACE MACRO pool_typical_variance(df, trace) AS
    df::DOUBLE / trace;

-- I^2, percent of the variance of a group's mean that lies between groups.
CREATE OR REPLACE MACRO pool_i2(tau2, typical) AS
    CASE
        WHEN tau2::DOUBLE + typical = 0 THEN NULL
        ELSE 100 * (tau2 / (tau2::DOUBLE + typical))
    END;

-- H^2, variance of a group's mean over its sampling variance.
CREATE OR REPLACE MACRO pool_h2(tau2, typical) AS
    CASE WHEN typical::DOUBLE = 0 THEN NULL ELSE 1 + tau2::DOUBLE / typical END;

-- Variance of sum(a (mean - centre)^2), centre weighted by a: 2 tr(A S A S), the centre projected out of A.
--
-- `diagonal` = sum((a s others(a))^2), `rest` = sum(a^2 s others(a^2 s)), s = v + tau2, others(x) = sum(x) - x.
-- Source: Searle, Casella & McCulloch (1992), theorem S4; DerSimonian & Kacker (2007).
CREATE OR REPLACE MACRO pool_variance_of_squares(diagonal, rest, a) AS
    2 * (diagonal::DOUBLE + rest) / (a::DOUBLE * a);

-- Variance of tau2 by pm, eb and pmm: 2 J^2 / (df s1^2) (Viechtbauer 2010, metafor).
CREATE OR REPLACE MACRO pool_variance_of_root(groups, df, s1) AS
    2 * groups::DOUBLE * groups / (df::DOUBLE * s1 * s1);

-- Variance of tau2 from the joint information: tt, ts, ss of (tau2, sigma2) between groups, `within` = (N - J) /
-- sigma2^2 (Searle, Casella & McCulloch 1992, section 3.8).
CREATE OR REPLACE MACRO pool_variance_by_information(tt, ts, ss, within) AS
    2 * (within::DOUBLE + ss) / (tt::DOUBLE * within + (tt::DOUBLE * ss - ts::DOUBLE * ts));

-- Log likelihood of `df` numbers from -2 log L without its constant.
CREATE OR REPLACE MACRO pool_log_likelihood(deviance, df) AS
    -(deviance + df::DOUBLE * 1.8378770664093456) / 2;

-- -2 log L of rows without its constant at any sigma2, from SSW, sum(h d^2) and sum(log(1 + n rho)).
CREATE OR REPLACE MACRO pool_rows_deviance(squares, hd2, logs, sigma2, df) AS
    df * ln(sigma2::DOUBLE) + logs + (squares::DOUBLE + hd2) / sigma2;

-- Akaike's criterion, -2 log L + 2 for every estimated parameter.
CREATE OR REPLACE MACRO pool_akaike(log_likelihood, parameters) AS
    2 * parameters::DOUBLE - 2 * log_likelihood::DOUBLE;

-- Likelihood-ratio statistic of tau2 = 0, never below 0.
CREATE OR REPLACE MACRO pool_likelihood_ratio(at_zero, at_best) AS
    CASE WHEN at_zero::DOUBLE > at_best THEN at_zero::DOUBLE - at_best ELSE 0.0 END;

-- p of the boundary tau2 = 0: half chi-square of 1 degree, half 0 (Self & Liang 1987; Stram & Lee 1994).
CREATE OR REPLACE MACRO pool_half_half(ratio, upper_tail) AS
    CASE WHEN ratio::DOUBLE > 0 THEN upper_tail::DOUBLE / 2 ELSE 1.0 END;

-- sigma2 that maximises the likelihood among all with tau2 = rho sigma2; the pair traces the profile of tau2.
--
-- `h2d2` = sum(h^2 d^2 / n), `shares` = sum(h / n), `within` = N - J. From the score of sigma2 at fixed tau2.
CREATE OR REPLACE MACRO pool_ml_variance_at(squares, h2d2, shares, within) AS
    (squares::DOUBLE + h2d2) / (within::DOUBLE + shares);

-- sigma2 at rho by the restricted likelihood; `h2` = sum(h^2 / n), `h` = sum(h).
CREATE OR REPLACE MACRO pool_reml_variance_at(squares, h2d2, shares, within, h2, h) AS
    (squares::DOUBLE + h2d2) / (within::DOUBLE + shares - h2::DOUBLE / h);

-- Error of mu scaled by the observed spread (Hartung & Knapp 2001; Sidik & Jonkman 2002).
CREATE OR REPLACE MACRO pool_knapp_hartung(se, wd2, df) AS
    se * sqrt(wd2::DOUBLE / df);

-- Standard error of mu by Knapp & Hartung (2003), never below the error by the model.
CREATE OR REPLACE MACRO pool_knapp_hartung_at_least(se, wd2, df) AS
    se * sqrt(CASE WHEN wd2::DOUBLE > df THEN wd2::DOUBLE / df ELSE 1.0 END);

-- Standard error of a new group's true mean about mu (Higgins, Thompson & Spiegelhalter 2009).
CREATE OR REPLACE MACRO pool_prediction_error(tau2, se) AS
    sqrt(tau2 + se::DOUBLE * se);

-- The estimate in standard errors: z or t of the test of 0.
CREATE OR REPLACE MACRO pool_statistic(estimate, se) AS
    estimate::DOUBLE / se;

-- Degrees of freedom of a variance proportional to sigma2, whose mean square has df: 2 V^2 / Var(V).
--
-- `change` = g' H^-1 g, of the gradient g of log V and the Hessian H of the deviance by the other variance parameters;
-- V and the deviance are those with the best sigma2. Source: Satterthwaite (1946), Biometrics 2; Kuznetsova, Brockhoff
-- & Christensen (2017), "lmerTest", J. Stat. Softw. 82.
CREATE OR REPLACE MACRO pool_satterthwaite(df, change) AS
    1 / (1 / df::DOUBLE + change);

-- ---------------------------------------------------------------------------------------------------------------------
-- How the error of tau2 adds to the error of a group's estimate, by the variance and the bias of tau2.
--
-- Source: Kackar & Harville (1984), "Approximations for standard errors of estimators of fixed and random effects";
-- Prasad & Rao (1990), "The estimation of the mean squared error of small-area estimators"; the bias by Datta, Rao &
-- Smith (2005), "On measuring the variability of small area estimators under a basic area level model".
-- ---------------------------------------------------------------------------------------------------------------------

-- Variance of an estimate with the error of tau2: at most v, the variance of the raw mean; at least `marginal`.
--
-- `error` is the variance of tau2, `correction` minus its bias. The weight has the slope v / (v + tau2)^2 by tau2, so
-- that it moves the estimate by pooling^2 error / (v + tau2); as much again is lost by putting tau2 into the variance.
CREATE OR REPLACE MACRO pool_variance_with_tau2(marginal, v, tau2, pooling, error, correction) AS
    CASE
        WHEN pooling::DOUBLE = 0 THEN 0.0
        WHEN CASE WHEN marginal + pooling::DOUBLE * pooling * (2 * error::DOUBLE / (v::DOUBLE + tau2) + correction) > v
            THEN v::DOUBLE
            ELSE marginal + pooling::DOUBLE * pooling * (2 * error::DOUBLE / (v::DOUBLE + tau2) + correction) END
            < marginal THEN marginal::DOUBLE
        WHEN marginal + pooling::DOUBLE * pooling * (2 * error::DOUBLE / (v::DOUBLE + tau2) + correction) > v
            THEN v::DOUBLE
        ELSE marginal + pooling::DOUBLE * pooling * (2 * error::DOUBLE / (v::DOUBLE + tau2) + correction)
    END;

-- Variance of tau2 - rho sigma2 at fixed rho = tau2 / sigma2: the error of the weights where both are estimated.
--
-- From the joint information, named as in `variance_by_information`.
CREATE OR REPLACE MACRO pool_error_of_ratio(tt, ts, ss, within, rho) AS
    2 * (within::DOUBLE + ss + 2 * rho::DOUBLE * ts + rho::DOUBLE * rho * tt)
        / (tt::DOUBLE * within + (tt::DOUBLE * ss - ts::DOUBLE * ts));

-- Minus the bias of tau2 by maximum likelihood, which ignores that mu is estimated.
CREATE OR REPLACE MACRO pool_ml_correction(s1) AS
    1 / s1::DOUBLE;

-- Minus the bias of tau2 by pm and eb, to first order: their Q is convex in tau2 (Datta, Rao & Smith 2005).
CREATE OR REPLACE MACRO pool_root_correction(groups, s1, s2) AS
    -2 * (groups::DOUBLE * s2 - s1::DOUBLE * s1) / (s1::DOUBLE * s1 * s1);

-- Correction of pmm, whose root lies higher than that of pm because the median of chi-square is below its mean.
CREATE OR REPLACE MACRO pool_median_correction(correction, df, median, s1) AS
    correction - (df::DOUBLE - median) / s1;

-- ---------------------------------------------------------------------------------------------------------------------
-- Intervals that cover at their level for every distribution of the groups' true means, normal or not.
--
-- A group's estimate misses its true mean by a normal error and by a bias, pooling (theta - mu). In units of the normal
-- error's deviation weight sqrt(v), t is the bias squared, m its mean over the groups and kappa that of t^2 over m^2:
-- how often the interval -chi .. chi misses at worst, over all distributions of t with these moments, is `rho`; the
-- robust interval has the chi at which rho is 1 - level. kappa is the kurtosis of theta, 3 if theta is normal. Source:
-- Armstrong, Kolesar & Plagborg-Moller (2022), "Robust empirical Bayes confidence intervals", Econometrica 90.
-- ---------------------------------------------------------------------------------------------------------------------

-- Unbiased (theta - mu)^2 of a group, d2 = (mean - mu)^2.
CREATE OR REPLACE MACRO pool_effect_square(d2, v) AS
    d2::DOUBLE - v;

-- Unbiased (theta - mu)^4 of a group, d2 = (mean - mu)^2.
CREATE OR REPLACE MACRO pool_effect_fourth_power(d2, v) AS
    d2::DOUBLE * d2 - 6 * v::DOUBLE * d2 + 3 * v::DOUBLE * v;

-- mu2, the mean of (theta - mu)^2, from sums over groups; at least what J groups can tell from 0.
CREATE OR REPLACE MACRO pool_second_moment(squares, groups, v, v2) AS
    CASE
        WHEN groups::DOUBLE > 0
            THEN CASE
            WHEN squares > groups * CASE WHEN v::DOUBLE > 0 THEN 2 * v2::DOUBLE / (groups::DOUBLE * v) ELSE 0.0 END
            THEN squares::DOUBLE / groups WHEN v::DOUBLE > 0 THEN 2 * v2::DOUBLE / (groups::DOUBLE * v) ELSE 0.0 END
    END;

-- kappa, the mean of (theta - mu)^4 over mu2^2, from sums over groups; at least what J groups can tell from 1.
CREATE OR REPLACE MACRO pool_kurtosis(fourths, groups, mu2, v2, v4) AS
    CASE
        WHEN fourths / (groups::DOUBLE * mu2 * mu2)
            > 1 + CASE WHEN v2::DOUBLE > 0 THEN 32 * v4::DOUBLE / (mu2::DOUBLE * mu2 * groups * v2) ELSE 0.0 END
            THEN fourths / (groups::DOUBLE * mu2 * mu2)
        ELSE 1 + CASE WHEN v2::DOUBLE > 0 THEN 32 * v4::DOUBLE / (mu2::DOUBLE * mu2 * groups * v2) ELSE 0.0 END
    END;

-- m of a group, (1 / weight - 1)^2 mu2 / v; v / mu2 where the weight is mu2 / (mu2 + v).
CREATE OR REPLACE MACRO pool_bias_moment(weight, v, mu2) AS
    CASE
        WHEN weight::DOUBLE = 1 THEN 0.0
        WHEN weight::DOUBLE = 0 THEN 'infinity'::DOUBLE + mu2
        ELSE (1 - weight::DOUBLE) * (1 - weight::DOUBLE) * mu2 / (weight::DOUBLE * weight * v)
    END;

-- r(t), the probability that an interval misses at a squared bias t.
CREATE OR REPLACE MACRO pool_noncoverage(t, chi) AS
    CASE
        WHEN _pool_unbound(t) THEN NULL
        ELSE _pool_normal_cdf_double(-sqrt(t::DOUBLE) - chi) + _pool_normal_cdf_double(sqrt(t::DOUBLE) - chi)
    END;

-- Derivative of r by t.
CREATE OR REPLACE MACRO pool_noncoverage_slope(t, chi) AS
    CASE
        WHEN _pool_unbound(t) THEN NULL
        WHEN t::DOUBLE > 1e-12
            THEN (pool_normal_density(sqrt(CASE WHEN t::DOUBLE > 1e-12 THEN t::DOUBLE ELSE 1.0 END) - chi)
            - pool_normal_density(sqrt(CASE WHEN t::DOUBLE > 1e-12 THEN t::DOUBLE ELSE 1.0 END) + chi))
            / (2 * sqrt(CASE WHEN t::DOUBLE > 1e-12 THEN t::DOUBLE ELSE 1.0 END))
        ELSE chi * pool_normal_density(chi::DOUBLE)
    END;

-- Rises through 0 at t0, where the line from (0, r(0)) touches r: up to there a spread of t adds to noncoverage.
--
-- t0 is above chi^2 - 3, or 0 where that is below 0, as r is concave then.
CREATE OR REPLACE MACRO pool_tangent(t, at_0, at_t, slope) AS
    at_t - t::DOUBLE * slope - at_0;

-- Derivative of r by chi.
CREATE OR REPLACE MACRO pool_noncoverage_by_chi(t, chi) AS
    CASE
        WHEN _pool_unbound(t) THEN NULL
        ELSE -pool_normal_density(sqrt(t::DOUBLE) + chi) - pool_normal_density(sqrt(t::DOUBLE) - chi)
    END;

-- Probability of x2 in the distribution on x1 and x2 whose mean is m.
CREATE OR REPLACE MACRO pool_share(m, x1, x2) AS
    CASE
        WHEN x2::DOUBLE > x1 THEN (m::DOUBLE - x1) / CASE WHEN x2::DOUBLE > x1 THEN x2::DOUBLE - x1 ELSE 1.0 END
        ELSE 0.0
    END;

-- Mean of the values at x1 and at x2, where x2 has the probability p.
CREATE OR REPLACE MACRO pool_mixed(p, at_x1, at_x2) AS
    at_x1 + p * (at_x2::DOUBLE - at_x1);

-- x1 of the distribution on x1 < m < x2 with moments m and kappa m^2; 0 at x2 = kappa m.
CREATE OR REPLACE MACRO pool_lower_point(x2, m, kappa) AS
    CASE
        WHEN (kappa::DOUBLE - 1) * m * (m / (x2::DOUBLE - m)) < m
            THEN m - (kappa::DOUBLE - 1) * m * (m / (x2::DOUBLE - m))
        ELSE 0.0
    END;

-- Rises through 0 at the worst x2, and only there; where the worst is x2 = kappa m, it is not below 0 there.
--
-- The slope of the chord of r less the mean of its slopes at both ends: 0 where a parabola touches r at both. That of
-- the worst distribution is convex, so that x2 is too far where slope2 is less than slope1. A convex one lies above r
-- elsewhere, and then is the worst: else r less the parabola had five zeros and went from - to + to -, but the third
-- derivative of r goes from + to - to +, as do the second differences of the densities of chi-square at chi^2 with 3,
-- 5, 7 ... degrees of freedom, of which it is a Poisson mixture (Karlin 1968, Total positivity).
--
-- Between two points near 0, the difference of r is smaller than its rounding. The rounding is subtracted, so that its
-- sign does not end the search there.
CREATE OR REPLACE MACRO pool_balance(x1, x2, at_x1, at_x2, slope1, slope2) AS
    (at_x2::DOUBLE - at_x1 - 1e-14 * at_x2::DOUBLE) / (x2::DOUBLE - x1)
        - CASE WHEN slope2::DOUBLE < slope1 THEN slope2::DOUBLE ELSE (slope1::DOUBLE + slope2) / 2 END;

-- rho as m grows and x = chi^2 / m stays: P(t > x m) at most, by Markov or, if kappa binds, by Cantelli.
CREATE OR REPLACE MACRO pool_exceeding(x, kappa) AS
    CASE
        WHEN x::DOUBLE > kappa THEN (kappa::DOUBLE - 1) / (kappa::DOUBLE - 1 + (x::DOUBLE - 1) * (x::DOUBLE - 1))
        ELSE 1 / CASE WHEN x::DOUBLE > 1 THEN x::DOUBLE ELSE 1.0 END
    END;

-- chi^2 / m as m grows: the x that is exceeded with probability alpha.
CREATE OR REPLACE MACRO pool_widest(kappa, alpha) AS
    CASE
        WHEN alpha::DOUBLE * kappa > 1 THEN 1 / alpha::DOUBLE
        ELSE 1 + sqrt((kappa::DOUBLE - 1) * (1 - alpha::DOUBLE) / alpha)
    END;

-- Root mean square error of an estimate: weight sqrt(v) sqrt(1 + m), from normal error and bias; always finite.
CREATE OR REPLACE MACRO pool_root_mean_square(weight, v, mu2) AS
    sqrt(CASE WHEN weight::DOUBLE = 0 THEN 0.0 ELSE weight::DOUBLE * weight * v END
        + (1 - weight::DOUBLE) * (1 - weight::DOUBLE) * mu2);

-- ---------------------------------------------------------------------------------------------------------------------
-- The gain of pooling: the exact error of predicting a row that is held out, and the pooling factor of each level.
--
-- A held-out row of group j is predicted by weight mean + (1 - weight) mu, each without the row, at the same sigma2 and
-- tau2. With c the weight of the group in mu and s = sum(c), and `c_less`, `weight_less`, `s_less` = s - c + c_less for
-- the data without the row, the prediction misses the row by `of_row` (y - mean) + `of_mean` (mean - mu): the squares
-- of a group follow from its moments. weight_less = 1 are raw means, weight_less = 0 with c = n is the grand mean of
-- all rows. Source: Stone (1974), "Cross-validatory choice and assessment of statistical predictions"; for GLS PRESS
-- (Allen 1974).
-- ---------------------------------------------------------------------------------------------------------------------

-- Share of y - mean that a prediction without the row misses; share_less = c_less / s_less, 0 for a known mu.
CREATE OR REPLACE MACRO pool_missed_of_row(n, weight_less, share_less) AS
    1 + (weight_less + (1 - weight_less::DOUBLE) * share_less) / (n::DOUBLE - 1);

-- Share of mean - mu that a prediction without the row misses; s_ratio = s / s_less, 1 for a known mu.
CREATE OR REPLACE MACRO pool_missed_of_mean(weight_less, s_ratio) AS
    (1 - weight_less::DOUBLE) * s_ratio;

-- Squared error of a group's held-out rows; d2 = (mean - mu)^2. Raw means have none for the only row of a group.
CREATE OR REPLACE MACRO pool_held_out_squares(n, squares, d2, of_row, of_mean) AS
    CASE
        WHEN n::DOUBLE > 1 THEN of_row::DOUBLE * of_row * squares + n::DOUBLE * of_mean * of_mean * d2
        ELSE 0.0
    END;

-- By how many per cent an error is smaller than the reference.
CREATE OR REPLACE MACRO pool_gain(error, reference) AS
    CASE WHEN reference::DOUBLE > 0 THEN 100 * (1 - error::DOUBLE / reference) END;

-- Term of a group in the expected spread that estimates of theta - mu lack, mu known: weight v (1 - 1 / J).
CREATE OR REPLACE MACRO pool_uncertainty_of_effects(v, weight, groups) AS
    weight::DOUBLE * v * (1 - 1 / groups::DOUBLE);

-- Term of a group in the expected spread that estimates of y - theta lack, mu known: n weight v (1 - n / N).
CREATE OR REPLACE MACRO pool_uncertainty_of_rows(n, v, weight, rows) AS
    n::DOUBLE * weight * v * (1 - n::DOUBLE / rows);

-- Pooling of a level: 1 - V(E e) / E(V e) = uncertainty / (spread + uncertainty) of its errors e.
--
-- `spread` is the sum of squares of their estimates about their mean, `uncertainty` the expected excess of the
-- squares of the errors themselves. Source: Gelman & Pardoe (2006),
-- "Bayesian measures of explained variance and pooling in multilevel models".
CREATE OR REPLACE MACRO pool_pooling_factor(spread, uncertainty) AS
    CASE
        WHEN spread::DOUBLE + uncertainty > 0 THEN uncertainty / (spread::DOUBLE + uncertainty)
    END;

-- ---------------------------------------------------------------------------------------------------------------------
-- Log densities of tau, the standard deviation between groups, by each prior; tau is above 0.
--
-- Half-t and its special cases: Gelman (2006), "Prior distributions for variance parameters in hierarchical models".
-- The other names are those of Roever (2020), "Bayesian random-effects meta-analysis using the bayesmeta R package".
-- ---------------------------------------------------------------------------------------------------------------------

-- Student's t with df degrees of freedom, the half above 0; of 1 degree it is the half-Cauchy.
CREATE OR REPLACE MACRO pool_half_t(tau, df, scale) AS
    0.6931471805599453 + lgamma((df::DOUBLE + 1) / 2) - lgamma(df::DOUBLE / 2)
        - (ln(df::DOUBLE) + 1.1447298858494002) / 2 - ln(scale::DOUBLE)
        - (df::DOUBLE + 1) / 2 * ln(1 + tau::DOUBLE / scale * (tau::DOUBLE / scale) / df);

-- Normal, the half above 0.
CREATE OR REPLACE MACRO pool_half_normal(tau, scale) AS
    -0.22579135264472744 - ln(scale::DOUBLE) - tau::DOUBLE / scale * (tau::DOUBLE / scale) / 2;

-- Exponential of mean 1 / rate.
CREATE OR REPLACE MACRO pool_exponential(tau, rate) AS
    ln(rate::DOUBLE) - rate::DOUBLE * tau;

-- Inverse gamma on tau squared, as a density of tau.
CREATE OR REPLACE MACRO pool_inverse_gamma(tau, shape, scale) AS
    0.6931471805599453 + shape * ln(scale::DOUBLE) - lgamma(shape::DOUBLE) - (2 * shape::DOUBLE + 1) * ln(tau::DOUBLE)
        - scale / (tau::DOUBLE * tau);

-- Jeffreys' prior, which is improper: the root of the information of tau; `squares` = sum(1 / (v + tau2)^2).
CREATE OR REPLACE MACRO pool_jeffreys(tau, squares) AS
    ln(tau::DOUBLE) + ln(squares::DOUBLE) / 2;

-- Uniform on the weight of a group whose sampling variance is s2, the harmonic mean of all (Daniels 1999).
CREATE OR REPLACE MACRO pool_uniform_shrinkage(tau, s2) AS
    0.6931471805599453 + ln(s2::DOUBLE) + ln(tau::DOUBLE) - 2 * ln(s2 + tau::DOUBLE * tau);

-- Log-logistic with the median sqrt(s2) (DuMouchel & Normand 2000).
CREATE OR REPLACE MACRO pool_dumouchel(tau, s2) AS
    ln(s2::DOUBLE) / 2 - 2 * ln(tau + sqrt(s2::DOUBLE));

-- ---------------------------------------------------------------------------------------------------------------------
-- The posterior of the normal hierarchical model: at each tau it is normal, so that only tau is integrated numerically.
--
-- Sums over groups are those of between.py at this tau: w = 1 / (v + tau2), s1 = sum(w), `centre` = sum(w mean) / s1,
-- `wd2` = sum(w (mean - centre)^2), `logs` = sum(log(v + tau2)). mu is flat, known, or normal with mean m and
-- standard deviation s; flat is the limit of a large s.
-- Source: Gelman et al. (2013), Bayesian Data Analysis, section 5.4.
-- ---------------------------------------------------------------------------------------------------------------------

-- Log density of the means at tau about a known mu.
CREATE OR REPLACE MACRO pool_log_likelihood_known_mu(groups, logs, wd2) AS
    -(groups::DOUBLE * 1.8378770664093456 + logs + wd2) / 2;

-- Log likelihood of tau with mu integrated out under a density of 1 everywhere.
CREATE OR REPLACE MACRO pool_log_likelihood_flat_mu(groups, logs, wd2, s1) AS
    -((groups::DOUBLE - 1) * 1.8378770664093456 + logs + wd2 + ln(s1::DOUBLE)) / 2;

-- Log likelihood of tau with mu integrated out under a normal prior.
CREATE OR REPLACE MACRO pool_log_likelihood_normal_mu(groups, logs, wd2, s1, centre, m, s) AS
    -(groups::DOUBLE * 1.8378770664093456 + logs + wd2 + ln(1 + s::DOUBLE * s * s1)
        + (centre::DOUBLE - m) * (centre::DOUBLE - m) * s1 / (1 + s::DOUBLE * s * s1)) / 2;

-- Posterior mean of a normal mu at tau: partial pooling once more, of the groups' centre toward m.
CREATE OR REPLACE MACRO pool_mu_given_tau(s1, centre, m, s) AS
    centre + (m::DOUBLE - centre) / (1 + s::DOUBLE * s * s1);

-- Posterior variance of a normal mu at tau, 1 / (s1 + 1 / s^2).
CREATE OR REPLACE MACRO pool_variance_of_mu_given_tau(s1, s) AS
    s::DOUBLE * s / (1 + s::DOUBLE * s * s1);

-- Log density of the squares within groups, SSW, at sigma2, without a constant that depends on the data alone.
CREATE OR REPLACE MACRO pool_log_likelihood_within(rows, groups, squares, sigma2) AS
    -((rows::DOUBLE - groups) * (1.8378770664093456 + ln(sigma2::DOUBLE)) + squares::DOUBLE / sigma2) / 2;

-- ---------------------------------------------------------------------------------------------------------------------
-- Regression with a varying intercept: one covariate, profiled over rho = tau2 / sigma2; shares of variance of any fit.
--
-- A group is known by its weight w (n without weights), the means of covariate and value, and the cross-products about
-- them. With h = w / (1 + w rho), as in `oneway`, and sums about means weighed by h: xx = SSx + sum(h dx^2), xy and yy
-- alike, slope = xy / xx, squares = yy - slope xy.
-- Source: Bates, Maechler, Bolker & Walker (2015), J. Stat. Softw. 67, section 3; Searle, Casella & McCulloch (1992).
-- ---------------------------------------------------------------------------------------------------------------------

-- The covariate's coefficient.
CREATE OR REPLACE MACRO pool_regression_slope(xx, xy) AS
    xy::DOUBLE / xx;

-- What covariate and intercept leave of the value's squares.
CREATE OR REPLACE MACRO pool_regression_squares(xx, xy, yy) AS
    yy - xy::DOUBLE * xy / xx;

-- -2 log L over sigma2 and the fixed terms, up to a constant, from sum(log(1 + w rho)); df = N.
CREATE OR REPLACE MACRO pool_regression_ml_deviance(squares, logs, df) AS
    df * ln(squares::DOUBLE / df) + logs;

-- -2 restricted log L, up to a constant, from sum(h) too: log |X' V^-1 X| = log(sum(h) xx); df = N - 2.
CREATE OR REPLACE MACRO pool_regression_reml_deviance(squares, logs, df, h, xx) AS
    df * ln(squares::DOUBLE / df) + logs + ln(h::DOUBLE) + ln(xx::DOUBLE);

-- Derivative of ml_deviance by rho, from sum(h^2 e^2) of the residual means e, and sum(h).
CREATE OR REPLACE MACRO pool_regression_ml_deviance_slope(squares, h2e2, h, df) AS
    h - df::DOUBLE * h2e2 / squares;

-- Derivative of reml_deviance by rho, from sum(h^2) and sum(h^2 dx^2) too.
CREATE OR REPLACE MACRO pool_regression_reml_deviance_slope(squares, h2e2, h, h2, h2dx2, xx, df) AS
    h - df::DOUBLE * h2e2 / squares - h2::DOUBLE / h - h2dx2::DOUBLE / xx;

-- Share of the fixed terms in the variance of a row (Nakagawa & Schielzeth 2013, Methods Ecol. Evol. 4).
CREATE OR REPLACE MACRO pool_regression_r2_marginal(fixed, varying, sigma2) AS
    fixed / (fixed::DOUBLE + varying + sigma2);

-- Share of the fixed and the varying terms (with slopes by Johnson 2014, Methods Ecol. Evol. 5).
CREATE OR REPLACE MACRO pool_regression_r2_conditional(fixed, varying, sigma2) AS
    (fixed::DOUBLE + varying) / (fixed::DOUBLE + varying + sigma2);

-- ---------------------------------------------------------------------------------------------------------------------
-- Partial pooling of rates: the posterior of a group's rate from its events and its trials, or its exposure.
--
-- The prior has a mean and a size: alpha + beta of a beta distribution, the rate of a gamma one. An infinite size pools
-- completely. Source: Skellam (1948), J. R. Stat. Soc. B 10; Clayton & Kaldor (1987), Biometrics 43.
--
-- An estimated mean of the prior is uncertain. It is worth so many trials, or so much exposure, and has the posterior
-- that as many of the common rate have under Jeffreys' prior: Beta(events + 1/2, others + 1/2), or Gamma(events + 1/2,
-- exposure), whose intervals cover well for few events too (Brown, Cai & DasGupta 2001, Stat. Sci. 16). The law of
-- total variance gives the mean and the variance of a group's rate; its distribution is the beta, or gamma, one that
-- has both (Morris 1983, JASA 78, section 4).
-- ---------------------------------------------------------------------------------------------------------------------

-- What a group's own rate keeps, n / (n + size): 0 without trials, or where all pool completely.
CREATE OR REPLACE MACRO pool_rate_weight(n, size) AS
    CASE
        WHEN size = 'infinity'::DOUBLE THEN 0.0
        WHEN n::DOUBLE = 0 THEN 0.0
        ELSE n / (n::DOUBLE + size)
    END;

-- What the mean of the prior contributes to the estimate of a group, 1 - weight.
CREATE OR REPLACE MACRO pool_rate_pooling(n, size) AS
    CASE
        WHEN size = 'infinity'::DOUBLE THEN 1.0
        WHEN n::DOUBLE = 0 THEN 1.0
        ELSE size / (n::DOUBLE + size)
    END;

-- The mean of the posterior, (x + mean size) / (n + size).
CREATE OR REPLACE MACRO pool_rate_estimate(x, n, mean, size) AS
    CASE
        WHEN size = 'infinity'::DOUBLE THEN mean::DOUBLE
        WHEN n::DOUBLE = 0 THEN mean::DOUBLE
        ELSE (x + mean::DOUBLE * size) / (n::DOUBLE + size)
    END;

-- The variance of a beta posterior.
CREATE OR REPLACE MACRO pool_rate_beta_variance(estimate, n, size) AS
    CASE
        WHEN size = 'infinity'::DOUBLE THEN 0.0
        ELSE estimate * (1 - estimate::DOUBLE) / (n::DOUBLE + size + 1)
    END;

-- The variance of a gamma posterior.
CREATE OR REPLACE MACRO pool_rate_gamma_variance(estimate, n, size) AS
    CASE WHEN size = 'infinity'::DOUBLE THEN 0.0 ELSE estimate / (n::DOUBLE + size) END;

-- The independent trials that determine the mean of the prior as well as n trials of one group, n / (1 + (n - 1)
-- rho) with the overdispersion rho = 1 / (1 + size); their sum is mean (1 - mean) / Var(mean).
CREATE OR REPLACE MACRO pool_rate_effective_trials(n, size) AS
    CASE
        WHEN size = 'infinity'::DOUBLE THEN n::DOUBLE
        WHEN n::DOUBLE = 0 THEN 0.0
        ELSE n * ((1 + size::DOUBLE) / (n::DOUBLE + size))
    END;

-- The exposure that determines the mean of the prior as well as an exposure n of one group: mean / Var(mean).
CREATE OR REPLACE MACRO pool_rate_effective_exposure(n, size) AS
    CASE
        WHEN size = 'infinity'::DOUBLE THEN n::DOUBLE
        ELSE n * (size / (n::DOUBLE + size))
    END;

-- The posterior mean of the prior's mean, estimated from so many effective trials; infinite ones: known.
CREATE OR REPLACE MACRO pool_rate_beta_centre(mean, trials) AS
    mean + (0.5 - mean::DOUBLE) / (trials::DOUBLE + 1);

-- The posterior variance of the mean of a beta prior.
CREATE OR REPLACE MACRO pool_rate_beta_centre_variance(centre, trials) AS
    centre * (1 - centre::DOUBLE) / (trials::DOUBLE + 2);

-- The posterior mean of the prior's mean, estimated from so much effective exposure; infinite: known.
CREATE OR REPLACE MACRO pool_rate_gamma_centre(mean, exposure) AS
    mean + 0.5 / exposure::DOUBLE;

-- The posterior variance of the mean of a gamma prior.
CREATE OR REPLACE MACRO pool_rate_gamma_centre_variance(centre, exposure) AS
    centre::DOUBLE / exposure;

-- The mean of a group's rate: the estimate, with the posterior mean of the prior's mean in place of that mean.
CREATE OR REPLACE MACRO pool_rate_location(estimate, pooling, mean, centre) AS
    estimate + pooling * (centre::DOUBLE - mean);

-- alpha + beta of the beta distribution of a group's rate, with this location and the variance [location (1 -
-- location) + (n + size) pooling^2 variance] / (n + size + 1); `variance` is that of the prior's mean.
CREATE OR REPLACE MACRO pool_rate_matched_trials(location, pooling, variance, n, size) AS
    CASE
        WHEN n::DOUBLE + size = 'infinity'::DOUBLE
            THEN (location * (1 - location::DOUBLE) - pooling::DOUBLE * pooling * variance)
            / (pooling::DOUBLE * pooling * variance)
        WHEN n::DOUBLE + size = 0 THEN 0.0
        ELSE (location * (1 - location::DOUBLE) - pooling::DOUBLE * pooling * variance)
            / (location * (1 - location::DOUBLE) / (n::DOUBLE + size) + pooling::DOUBLE * pooling * variance)
    END;

-- The rate of the gamma distribution of a group's rate, with this location and the variance location / (n + size)
-- + pooling^2 variance.
CREATE OR REPLACE MACRO pool_rate_matched_exposure(location, pooling, variance, n, size) AS
    location
        / (CASE WHEN size = 'infinity'::DOUBLE THEN 0.0 ELSE location / (n::DOUBLE + size) END
        + pooling::DOUBLE * pooling * variance);

-- The variance of a beta distribution of this mean and alpha + beta.
CREATE OR REPLACE MACRO pool_rate_beta_spread(location, size) AS
    location * (1 - location::DOUBLE) / (size::DOUBLE + 1);

-- The variance of a gamma distribution of this mean and rate.
CREATE OR REPLACE MACRO pool_rate_gamma_spread(location, rate) AS
    location::DOUBLE / rate;

-- The names of the estimators of a hyperparameter.
CREATE OR REPLACE MACRO pool_method_names(hyperparameter) AS
    CASE hyperparameter
        WHEN 'sigma2' THEN ['pooled', 'separate', 'squeezed']::VARCHAR[]
        WHEN 'tau2'
            THEN ['anova', 'plugin', 'he', 'dl', 'hs', 'hsk', 'sj', 'js', 'pm', 'eb', 'morris', 'pmm', 'ml', 'reml',
            'chung', 'sure', 'cv']::VARCHAR[]
        WHEN 'mu' THEN ['gls', 'rows', 'groups', 'shrunk']::VARCHAR[]
    END;
-- Estimators that weigh by rows, so that published estimates need n.
CREATE OR REPLACE MACRO pool_methods_by_rows(hyperparameter) AS
    CASE hyperparameter
        WHEN 'sigma2' THEN []::VARCHAR[]
        WHEN 'tau2' THEN ['anova']::VARCHAR[]
        WHEN 'mu' THEN ['rows', 'shrunk']::VARCHAR[]
    END;
-- Estimators that need the rows' own variance.
CREATE OR REPLACE MACRO pool_methods_of_rows_alone(hyperparameter) AS
    CASE hyperparameter
        WHEN 'sigma2' THEN []::VARCHAR[]
        WHEN 'tau2' THEN ['cv']::VARCHAR[]
        WHEN 'mu' THEN []::VARCHAR[]
    END;
-- Estimators that do not fit weights.
CREATE OR REPLACE MACRO pool_methods_unweighted(hyperparameter) AS
    CASE hyperparameter
        WHEN 'sigma2' THEN []::VARCHAR[]
        WHEN 'tau2' THEN ['cv']::VARCHAR[]
        WHEN 'mu' THEN []::VARCHAR[]
    END;
-- Estimators whose standard error is not known.
CREATE OR REPLACE MACRO pool_methods_without_error(hyperparameter) AS
    CASE hyperparameter
        WHEN 'sigma2' THEN []::VARCHAR[]
        WHEN 'tau2' THEN ['plugin', 'js', 'morris', 'chung', 'sure', 'cv']::VARCHAR[]
        WHEN 'mu' THEN []::VARCHAR[]
    END;
-- The names of the estimators of a hyperparameter that are not in a list.
CREATE OR REPLACE MACRO pool_methods_without(hyperparameter, names) AS
    list_filter(pool_method_names(hyperparameter), lambda name: NOT list_contains(names, name));
-- The estimators by name, and the input they fit: groups whose sampling variance is known (published estimates need n=
-- where needs_n), rows with precision weights.
CREATE OR REPLACE MACRO pool_methods() AS TABLE
    SELECT * FROM (VALUES
        ('sigma2', 'pooled', 'mean square within', 'one variance for all groups, SSW / (N - J)', false, false, true),
        ('sigma2', 'separate', 'each group''s own variance',
            'metafor''s vi = s^2 / n; a single row takes the pooled one', false, false, true),
        ('sigma2', 'squeezed', 'each group''s own variance, moderated', 'Smyth (2004); squeezeVar of R''s limma',
            false, false, true),
        ('tau2', 'anova', 'analysis of variance (Bühlmann–Straub)', 'Henderson (1953) I; Bühlmann & Straub (1970)',
            true, true, true),
        ('tau2', 'plugin', 'variance of the group means', 'Mount (2023): not reduced by sampling variance', true,
            false, true),
        ('tau2', 'he', 'Hedges', 'Hedges & Olkin (1985)', true, false, true),
        ('tau2', 'dl', 'DerSimonian–Laird', 'DerSimonian & Laird (1986)', true, false, true),
        ('tau2', 'hs', 'Hunter–Schmidt', 'Hunter & Schmidt (1990)', true, false, true),
        ('tau2', 'hsk', 'Hunter–Schmidt, small samples', 'Brannick, Potter, Benitez & Morris (2019)', true, false,
            true),
        ('tau2', 'sj', 'Sidik–Jonkman', 'Sidik & Jonkman (2005)', true, false, true),
        ('tau2', 'js', 'James–Stein, positive part', 'James & Stein (1961); Efron & Morris (1973)', true, false, true),
        ('tau2', 'pm', 'Paule–Mandel', 'Paule & Mandel (1982)', true, false, true),
        ('tau2', 'eb', 'empirical Bayes', 'Morris (1983); the same root as Paule–Mandel', true, false, true),
        ('tau2', 'morris', 'empirical Bayes, weights corrected',
            'Morris (1983): the tau2 of eb, pooling × (J − 3)/(J − 1)', true, false, true),
        ('tau2', 'pmm', 'Paule–Mandel, median-unbiased', 'Viechtbauer (2021)', true, false, true),
        ('tau2', 'ml', 'maximum likelihood', 'Hardy & Thompson (1996); on rows Hartley & Rao (1967)', true, false,
            true),
        ('tau2', 'reml', 'restricted maximum likelihood', 'Raudenbush (2009); on rows Patterson & Thompson (1971)',
            true, false, true),
        ('tau2', 'chung', 'penalised maximum likelihood', 'Chung et al. (2013): likelihood × τ', true, false, true),
        ('tau2', 'sure', 'least unbiased estimate of risk', 'Xie, Kou & Brown (2012)', true, false, true),
        ('tau2', 'cv', 'least leave-one-out error', 'Allen (1974), PRESS', false, false, false),
        ('mu', 'gls', 'generalised least squares', 'weights 1 / (v + tau2); lme4, metafor', true, false, true),
        ('mu', 'rows', 'every row counts alike', 'weights n', true, true, true),
        ('mu', 'groups', 'every group counts alike', 'the mean of group means', true, false, true),
        ('mu', 'shrunk', 'rows weighted by their group''s weight', 'Mount (2023), Win Vector', true, true, true)
    ) AS methods(hyperparameter, name, title, source, given_v, needs_n, weighted);

-- Rendered from polars_pool/formulas by `python -m polars_pool.rendering`: edit there.
--
-- ---------------------------------------------------------------------------------------------------------------------
-- Rates of groups that differ: the excess of events, moments of the prior, errors of its parameters.
--
-- Sources: Dekker (1971), Numerische Mathematik 18; Kleinman (1973), JASA 68; Buehlmann & Straub (1970), Mitt. Ver.
-- Schweiz. Versich.-Math. 70.
-- ---------------------------------------------------------------------------------------------------------------------

-- x - n mean as if the product were exact: the upper half of a double leaves a lower one (Dekker 1971).
CREATE OR REPLACE MACRO _pool_rate_excess(x, n, mean) AS
    x - n::DOUBLE * mean
        - CASE WHEN n::DOUBLE < 1e+290
        THEN (134217729.0 * n::DOUBLE - (134217729.0 * n::DOUBLE - n))
        * (134217729.0 * mean::DOUBLE - (134217729.0 * mean::DOUBLE - mean)) - n::DOUBLE * mean
        + (134217729.0 * n::DOUBLE - (134217729.0 * n::DOUBLE - n))
        * (mean - (134217729.0 * mean::DOUBLE - (134217729.0 * mean::DOUBLE - mean)))
        + (n - (134217729.0 * n::DOUBLE - (134217729.0 * n::DOUBLE - n)))
        * (134217729.0 * mean::DOUBLE - (134217729.0 * mean::DOUBLE - mean))
        + (n - (134217729.0 * n::DOUBLE - (134217729.0 * n::DOUBLE - n)))
        * (mean - (134217729.0 * mean::DOUBLE - (134217729.0 * mean::DOUBLE - mean))) ELSE 0.0 END;

-- ---------------------------------------------------------------------------------------------------------------------
-- A regression with one covariate and a varying intercept: squares about a line, identification, errors.
--
-- DuckDB SQL fits only this regression, by these formulas. The NumPy solver fits any number of covariates and varying
-- terms, by matrices, of which these are the entries.
-- Source: Searle, Casella & McCulloch (1992), Variance Components.
-- ---------------------------------------------------------------------------------------------------------------------

-- Squares of the value about a line of any slope, from squares and products about the means.
CREATE OR REPLACE MACRO _pool_line_squares_about(xx, xy, yy, slope) AS
    yy - 2 * slope::DOUBLE * xy + slope::DOUBLE * slope * xx;

-- ---------------------------------------------------------------------------------------------------------------------
-- Nested levels: a node between its children and its parent.
--
-- A node's mean is that of its children by their precisions w = 1 / (v + tau2), v the sampling variance of a child's
-- mean and tau2 that of the children's level; its own sampling variance is 1 / sum(w). From the model down, a node is
-- pulled toward the estimate of its parent as a group is toward mu (shrink.py), with the parent's standard error for
-- that of mu. Source: Searle, Casella & McCulloch (1992), Variance Components, chapter 7; Harville (1976), Ann. Stat.
-- 4.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- The likelihood of two nested levels by sums over the leaves of each outer node, with exact derivatives.
--
-- A leaf's mean has the sampling variance sigma2 u and the precision w = 1 / (sigma2 u + tau2) about its node, whose
-- own true mean varies about mu with variance t. A node is known by s_p = sum(w^p) and, with x its estimate at mu, by
-- r_p = sum(w^p (m - x)) and q_p = sum(w^p (m - x)^2), p = 1, 2, 3. With kappa = 1 / (1 + t s_1), the node adds
-- sum(log(1 / w)) - log(kappa) + q_1 + t g^2 to -2 log L, where g = r_1 is its precision kappa s_1 times its deviation
-- from mu. In derivatives by sigma2, each w^p gains a factor w u; by tau2, a factor w. Source: Searle, Casella &
-- McCulloch (1992), Variance Components, chapter 6.
-- ---------------------------------------------------------------------------------------------------------------------

-- Second derivative of the same part by sigma2 and tau2, from sums with one more factor of each, or of both.
CREATE OR REPLACE MACRO _pool_node_bend(logs, twice, s, other, q, r, other_r, t, kappa, share) AS
    2 * twice::DOUBLE * kappa * (t + share::DOUBLE * kappa)
        - s::DOUBLE * other * t * kappa * kappa * (t + 2 * share::DOUBLE * kappa) - logs
        + 2 * (q - t::DOUBLE * kappa * r * other_r);

-- Second derivative of -2 log L with the most likely mu, from that at fixed mu.
--
-- `w` and `other_w` are derivatives of W = `total` with the sign changed, `g` and `other_g` half those of the slope
-- by mu.
CREATE OR REPLACE MACRO _pool_node_profiled(bend, w, other_w, g, other_g, total, restricted) AS
    bend - restricted * (w::DOUBLE / total) * (other_w::DOUBLE / total) - 2 * g::DOUBLE * other_g / total;

-- The first element of the inverse of a symmetric matrix of three rows; missing where that is not positive.
CREATE OR REPLACE MACRO _pool_node_inverse(a, b, c, ab, ac, bc) AS
    CASE
        WHEN a * (b::DOUBLE * c - bc::DOUBLE * bc) - ab * (ab::DOUBLE * c - ac::DOUBLE * bc)
            + ac * (ab::DOUBLE * bc - ac::DOUBLE * b) > 0
            THEN (b::DOUBLE * c - bc::DOUBLE * bc)
            / (a * (b::DOUBLE * c - bc::DOUBLE * bc) - ab * (ab::DOUBLE * c - ac::DOUBLE * bc)
            + ac * (ab::DOUBLE * bc - ac::DOUBLE * b))
    END;

-- ---------------------------------------------------------------------------------------------------------------------
-- Compression of the groups of a model: many groups of nearly equal sampling variance become a few pseudo-groups.
--
-- A model needs sums over its groups of f(v) y^q, q = 0, 1, 2, where y is the mean of a group and f is smooth: a power
-- of 1 / (v + tau2), log(v + tau2), a pooling factor. The groups are binned by log v. In a bin, whatever tau2, f equals
-- its polynomial through 8 Chebyshev points up to 1e-12, as all poles of f are at v = -tau2 or below. So the sum over
-- the groups of a bin equals a sum over the points, in which each point has a (signed) count that does not depend on f.
-- At each point of v three points of y have the sums of 1, y and y^2: the mean of the bin, and one standard deviation
-- below and above it. So a bin becomes 24 pseudo-groups. Where v = sigma2 / w, the same holds for bins by log w.
--
-- A bin of not more groups keeps them: sums in which one group outweighs all others stay exact. In a bin with one value
-- of v, two pseudo-groups suffice, each of half the count: one standard deviation below the mean, and one above it.
-- Source: Trefethen (2013), Approximation Theory and Approximation Practice, chapters 2, 4 and 8.
-- ---------------------------------------------------------------------------------------------------------------------

-- T_{p+1} from T_p and T_{p-1}, the Chebyshev polynomials at t; T_0 = 1 and T_1 = t.
CREATE OR REPLACE MACRO _pool_bin_next_polynomial(t, last, before) AS
    2 * t::DOUBLE * last - before;

-- Rendered from polars_pool/formulas/priors.py by `python -m polars_pool.rendering`: edit there.
--
-- Facts about priors by name: of tau2 and mu, their arguments and the defaults of these, the rule that one of the
-- numbers breaks. `a` and `b` are the two numbers of a prior of tau; without a prior, tail and limits are those of any
-- tau. `needs_errors`: the density depends on the harmonic mean of the sampling variances. DuckDB binds the density of
-- the prior in the argument alone.
CREATE OR REPLACE MACRO _pool_priors_of(role) AS
    CASE
        WHEN role = 'tau2'
            THEN ['half_cauchy', 'half_normal', 'half_t', 'exponential', 'uniform', 'inverse_gamma', 'jeffreys',
            'uniform_shrinkage', 'dumouchel']
        WHEN role = 'mu' THEN ['normal', 'flat']
        ELSE []::VARCHAR[]
    END;

CREATE OR REPLACE MACRO _pool_prior_arguments(name) AS
    CASE
        WHEN name IN ('half_cauchy', 'half_normal') THEN ['scale']
        WHEN name = 'half_t' THEN ['df', 'scale']
        WHEN name = 'exponential' THEN ['rate']
        WHEN name = 'uniform' THEN ['lower', 'upper']
        WHEN name = 'inverse_gamma' THEN ['shape', 'scale']
        WHEN name = 'normal' THEN ['mean', 'sd']
        WHEN name = 'beta' THEN ['alpha', 'beta']
        WHEN name = 'gamma' THEN ['shape', 'rate']
        ELSE []::VARCHAR[]
    END;

CREATE OR REPLACE MACRO _pool_wrong_number(name, numbers) AS
    CASE
        WHEN name IN ('half_cauchy', 'half_normal') AND NOT (isfinite(numbers[1]) AND numbers[1] > 0.0)
            THEN 'scale as a finite number above 0'
        WHEN name = 'half_t' AND NOT (isfinite(numbers[1]) AND numbers[1] > 0.0) THEN 'df as a finite number above 0'
        WHEN name = 'exponential' AND NOT (isfinite(numbers[1]) AND numbers[1] > 0.0)
            THEN 'rate as a finite number above 0'
        WHEN name = 'uniform' AND NOT (NOT isnan(numbers[1]) AND numbers[1] >= 0.0 AND numbers[1] < numbers[2])
            THEN 'a lower limit of 0 or more and an upper one above it'
        WHEN name IN ('inverse_gamma', 'gamma') AND NOT (isfinite(numbers[1]) AND numbers[1] > 0.0)
            THEN 'shape as a finite number above 0'
        WHEN name = 'normal' AND NOT (isfinite(numbers[1])) THEN 'a finite mean, and sd as a finite number above 0'
        WHEN name = 'beta' AND NOT (isfinite(numbers[1]) AND numbers[1] > 0.0) THEN 'alpha as a finite number above 0'
        WHEN name IN ('half_t', 'inverse_gamma') AND NOT (isfinite(numbers[2]) AND numbers[2] > 0.0)
            THEN 'scale as a finite number above 0'
        WHEN name = 'uniform' AND NOT (NOT isnan(numbers[2]) AND numbers[2] > numbers[1])
            THEN 'a lower limit of 0 or more and an upper one above it'
        WHEN name = 'normal' AND NOT (isfinite(numbers[2]) AND numbers[2] > 0.0)
            THEN 'a finite mean, and sd as a finite number above 0'
        WHEN name = 'beta' AND NOT (isfinite(numbers[2]) AND numbers[2] > 0.0) THEN 'beta as a finite number above 0'
        WHEN name = 'gamma' AND NOT (isfinite(numbers[2]) AND numbers[2] > 0.0) THEN 'rate as a finite number above 0'
    END;

CREATE OR REPLACE MACRO _pool_empty_components() AS TABLE
    SELECT NULL::BIGINT AS groups, NULL::BIGINT AS n, NULL::DOUBLE AS sigma2, NULL::DOUBLE AS tau2, NULL::DOUBLE AS mu,
        NULL::DOUBLE AS se_mu, NULL::DOUBLE AS icc, NULL::DOUBLE AS df_prior, NULL::DOUBLE AS sigma2_prior,
        NULL::DOUBLE AS q, NULL::DOUBLE AS q_p, NULL::DOUBLE AS i2, NULL::DOUBLE AS h2, NULL::DOUBLE AS se_tau2,
        NULL::DOUBLE AS tau2_lower, NULL::DOUBLE AS tau2_upper, NULL::DOUBLE AS log_likelihood, NULL::DOUBLE AS aic,
        NULL::DOUBLE AS lrt, NULL::DOUBLE AS lrt_p, NULL::DOUBLE AS mu_lower, NULL::DOUBLE AS mu_upper,
        NULL::DOUBLE AS mu_p, NULL::DOUBLE AS new_lower, NULL::DOUBLE AS new_upper, NULL::BOOLEAN AS converged
    WHERE false;

CREATE OR REPLACE MACRO _pool_empty_posterior_components() AS TABLE
    SELECT NULL::BIGINT AS groups, NULL::BIGINT AS n, NULL::DOUBLE AS sigma2, NULL::DOUBLE AS se_sigma2,
        NULL::DOUBLE AS tau, NULL::DOUBLE AS se_tau, NULL::DOUBLE AS tau_median, NULL::DOUBLE AS tau_lower,
        NULL::DOUBLE AS tau_upper, NULL::DOUBLE AS tau2, NULL::DOUBLE AS se_tau2, NULL::DOUBLE AS tau2_median,
        NULL::DOUBLE AS tau2_lower, NULL::DOUBLE AS tau2_upper, NULL::DOUBLE AS log_tau, NULL::DOUBLE AS mu,
        NULL::DOUBLE AS se_mu, NULL::DOUBLE AS mu_median, NULL::DOUBLE AS mu_lower, NULL::DOUBLE AS mu_upper,
        NULL::DOUBLE AS mu_positive, NULL::DOUBLE AS "new", NULL::DOUBLE AS se_new, NULL::DOUBLE AS new_median,
        NULL::DOUBLE AS new_lower, NULL::DOUBLE AS new_upper, NULL::DOUBLE AS new_positive, NULL::DOUBLE AS icc,
        NULL::DOUBLE AS df_prior, NULL::DOUBLE AS sigma2_prior, NULL::DOUBLE AS log_marginal,
        NULL::DOUBLE AS bayes_factor, NULL::BOOLEAN AS converged
    WHERE false;

CREATE OR REPLACE MACRO _pool_empty_profile() AS TABLE
    SELECT NULL::DOUBLE AS tau, NULL::DOUBLE AS sigma2, NULL::DOUBLE AS mu, NULL::DOUBLE AS se_mu, NULL::DOUBLE AS q,
        NULL::DOUBLE AS log_likelihood, NULL::DOUBLE AS restricted_log_likelihood
    WHERE false;

CREATE OR REPLACE MACRO _pool_empty_posterior_profile() AS TABLE
    SELECT NULL::DOUBLE AS tau, NULL::DOUBLE AS sigma2, NULL::DOUBLE AS mu, NULL::DOUBLE AS se_mu, NULL::DOUBLE AS q,
        NULL::DOUBLE AS log_likelihood, NULL::DOUBLE AS restricted_log_likelihood, NULL::DOUBLE AS density
    WHERE false;

CREATE OR REPLACE MACRO _pool_empty_compare() AS TABLE
    SELECT NULL::BIGINT AS groups, NULL::BIGINT AS n, NULL::DOUBLE AS "none", NULL::DOUBLE AS complete,
        NULL::DOUBLE AS partial, NULL::DOUBLE AS gain_on_none, NULL::DOUBLE AS gain_on_complete,
        NULL::DOUBLE AS pooling_rows, NULL::DOUBLE AS pooling_groups
    WHERE false;

CREATE OR REPLACE MACRO _pool_empty_components_nested() AS TABLE
    SELECT NULL::VARCHAR AS level, NULL::BIGINT AS depth, NULL::BIGINT AS groups, NULL::BIGINT AS n,
        NULL::DOUBLE AS sigma2, NULL::DOUBLE AS tau2, NULL::DOUBLE AS share, NULL::DOUBLE AS se_tau2,
        NULL::DOUBLE AS tau2_lower, NULL::DOUBLE AS tau2_upper, NULL::DOUBLE AS lrt, NULL::DOUBLE AS lrt_p,
        NULL::DOUBLE AS log_likelihood, NULL::DOUBLE AS aic, NULL::DOUBLE AS mu, NULL::DOUBLE AS se_mu,
        NULL::DOUBLE AS mu_lower, NULL::DOUBLE AS mu_upper, NULL::DOUBLE AS new_lower, NULL::DOUBLE AS new_upper,
        NULL::BOOLEAN AS converged
    WHERE false;

CREATE OR REPLACE MACRO _pool_empty_shrink_nested() AS TABLE
    SELECT NULL::BIGINT AS n, NULL::DOUBLE AS mean, NULL::DOUBLE AS v, NULL::DOUBLE AS weight,
        NULL::DOUBLE AS estimate, NULL::DOUBLE AS se, NULL::DOUBLE AS lower, NULL::DOUBLE AS upper,
        NULL::DOUBLE AS effect, NULL::DOUBLE AS se_effect, NULL::DOUBLE AS p_above
    WHERE false;

CREATE OR REPLACE MACRO _pool_empty_components_toward() AS TABLE
    SELECT NULL::BIGINT AS groups, NULL::BIGINT AS n, NULL::DOUBLE AS sigma2, NULL::DOUBLE AS tau2,
        NULL::DOUBLE AS icc, NULL::DOUBLE AS df_prior, NULL::DOUBLE AS sigma2_prior, NULL::DOUBLE AS q,
        NULL::DOUBLE AS q_p, NULL::DOUBLE AS i2, NULL::DOUBLE AS h2, NULL::DOUBLE AS se_tau2,
        NULL::DOUBLE AS tau2_lower, NULL::DOUBLE AS tau2_upper, NULL::DOUBLE AS log_likelihood, NULL::DOUBLE AS aic,
        NULL::DOUBLE AS lrt, NULL::DOUBLE AS lrt_p, NULL::DOUBLE AS qm, NULL::DOUBLE AS qm_p, NULL::DOUBLE AS r2,
        NULL::BOOLEAN AS converged
    WHERE false;

CREATE OR REPLACE MACRO _pool_empty_coefficients() AS TABLE
    SELECT NULL::VARCHAR AS term, NULL::DOUBLE AS estimate, NULL::DOUBLE AS se, NULL::DOUBLE AS statistic,
        NULL::DOUBLE AS df, NULL::DOUBLE AS lower, NULL::DOUBLE AS upper, NULL::DOUBLE AS p
    WHERE false;

-- ---------------------------------------------------------------------------------------------------------------------
-- Arguments that are numbers or names, and the messages about wrong ones. They need names and types, never data.
-- ---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE MACRO _pool_absent(x) AS (typeof(x) IN ('"NULL"', 'STRUCT(_pool_absent BOOLEAN)'));

-- One of two relations: `plain` if all `inputs`, as in [n, var, se, weights], are absent, else `other`. DuckDB chooses
-- the overload while it binds, and binds no other. A list of absent arguments has the type "NULL"[]. An expression on
-- columns does not bind here: its type is unknown, which fits every type, so that the best fit of the names decides.
-- A database file from before DuckDB 1.4 refuses types of parameters: there the macro reads `other`, which has the same
-- rows but takes longer to plan. Connections that loaded the macros have a temporary macro, which comes first.
CREATE OR REPLACE MACRO _pool_by_input(inputs, plain, other) AS TABLE FROM query_table(other);
CREATE OR REPLACE TEMP MACRO _pool_by_input(inputs "NULL"[], plain, other) AS TABLE (FROM query_table(plain)),
    (inputs STRUCT(_pool_absent BOOLEAN)[], plain, other) AS TABLE (FROM query_table(plain)),
    (inputs INTEGER, plain VARCHAR, other VARCHAR) AS TABLE (FROM query_table(other)),
    (inputs, plain, other) AS TABLE (FROM query_table(other));

-- One of two relations: `reading` if the expression of `inputs`, as in ["by"], reads a column, else `other`.
CREATE OR REPLACE MACRO _pool_by_reading(inputs, reading, other) AS TABLE FROM query_table(other);
CREATE OR REPLACE TEMP MACRO _pool_by_reading(inputs "NULL"[], reading VARCHAR, other VARCHAR) AS TABLE
    (FROM query_table(reading)),
    (inputs, reading, other) AS TABLE (FROM query_table(other));

-- A hyperparameter as a number, and as a name.
CREATE OR REPLACE MACRO _pool_number(x) AS CASE WHEN typeof(x) <> 'VARCHAR' THEN TRY_CAST(x AS DOUBLE) END;
CREATE OR REPLACE MACRO _pool_name(x) AS CASE WHEN typeof(x) = 'VARCHAR' THEN x::VARCHAR ELSE '' END;

CREATE OR REPLACE MACRO _pool_is_number(x, least) AS
    coalesce(typeof(x) <> 'BOOLEAN' AND isfinite(_pool_number(x)) AND _pool_number(x) >= least, false);

CREATE OR REPLACE MACRO _pool_shown(x) AS
    CASE WHEN typeof(x) = 'VARCHAR' THEN '''' || x::VARCHAR || '''' ELSE coalesce(x::VARCHAR, 'NULL') END;

CREATE OR REPLACE MACRO _pool_listed(names) AS
    '''' || array_to_string(names, ''', ''') || '''';

CREATE OR REPLACE MACRO _pool_nearest(argument, names) AS
    coalesce(list_transform(
        list_sort(list_transform(
            list_filter(names,
                lambda name: 2 * damerau_levenshtein(lower(name), lower(argument)) <= length(name || argument) / 2),
            lambda name:
                {distance: damerau_levenshtein(lower(name), lower(argument)), left_out: -length(name), name: name}
        )),
        lambda _near: '; did you mean ''' || _near.name || '''?'
    )[1], '');

-- The message about a wrong name, level, threshold or flag; NULL where the argument is right.
CREATE OR REPLACE MACRO _pool_wrong_name(role, argument, names) AS
    CASE WHEN NOT list_contains(names, argument::VARCHAR)
        THEN format('{}={}; give one of {}{}', role, _pool_shown(argument), _pool_listed(names), _pool_nearest(argument::VARCHAR, names))
    END;

CREATE OR REPLACE MACRO _pool_is_level(argument) AS
    _pool_is_number(argument, 0) AND _pool_number(argument) > 0 AND _pool_number(argument) < 1;

CREATE OR REPLACE MACRO _pool_wrong_level(argument) AS
    CASE WHEN NOT _pool_is_level(argument)
        THEN format('level={}; give a number between 0 and 1, such as 0.95{}', _pool_shown(argument), (CASE WHEN _pool_number(argument) > 1 AND _pool_number(argument) < 100
                    THEN '; did you mean ' || format('{:g}', _pool_number(argument) / 100) || '?' ELSE '' END))
    END;

CREATE OR REPLACE MACRO _pool_wrong_threshold(argument) AS
    CASE
        WHEN _pool_absent(argument) OR _pool_is_number(argument, '-infinity'::DOUBLE) THEN NULL
        ELSE format('threshold={}; give {}, in units of the value', _pool_shown(argument), (CASE WHEN typeof(argument) <> 'BOOLEAN' AND _pool_number(argument) IS NOT NULL THEN 'a finite number'
                    ELSE 'a number' END))
    END;

-- One row: the normal quantile of an interval. That of the default level is a number, which takes nothing to plan.
CREATE OR REPLACE MACRO _pool_quantile_of(level) AS TABLE
    WITH of_default AS (SELECT 1.959963984540054e0 AS _pool_quantile),
    of_any_level AS (
        SELECT _pool_normal_quantile_double(p) AS _pool_quantile
        FROM (SELECT CASE WHEN _pool_is_level(level) THEN (1 + _pool_number(level)) / 2 END AS p)
    )
    FROM query_table(CASE WHEN _pool_number(level) = 0.95 THEN 'of_default' ELSE 'of_any_level' END);

-- The message about the first role that has several columns or a column that is not numeric; NULL where there is none.
CREATE OR REPLACE MACRO _pool_wrong_type(roles, described) AS
    list_transform(
        list_filter(list_zip(roles, described, true),
            lambda c: len(c[2].names) > 1 OR NOT regexp_full_match((c[2].types[1]),
                'U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|BOOLEAN|BIGNUM|"NULL"')),
        lambda c: CASE
            WHEN len(c[2].names) > 1
                THEN format('{} stands for {} columns, {}; give one', c[1], len(c[2].names), _pool_listed(c[2].names))
            ELSE format('{}={} is {}; give a column of numbers or Booleans', c[1], ('''' || c[2].names[1] || ''''), (c[2].types[1]))
        END
    )[1];

-- ---------------------------------------------------------------------------------------------------------------------
-- Priors that are written as text: their names and numbers, and the messages about wrong ones.
-- ---------------------------------------------------------------------------------------------------------------------

-- From the text of a prior: its name, its numbers with defaults for missing ones, and whether tau or mu is integrated
-- out.
CREATE OR REPLACE MACRO _pool_prior_name(x) AS regexp_extract(_pool_name(x), '^\s*(\w+)\s*(\(.*\))?\s*$', 1);

CREATE OR REPLACE MACRO _pool_prior_numbers(x) AS
    list_concat(
        list_transform((CASE WHEN regexp_matches(_pool_name(x), '^[^(]*\(\s*[^\s].*\)\s*$')
            THEN list_transform(
                string_split(regexp_extract(_pool_name(x), '\((.*)\)\s*$', 1), ','), lambda piece: trim(piece))
            ELSE []::VARCHAR[] END), lambda piece: TRY_CAST(piece AS DOUBLE)),
        (CASE
            WHEN _pool_prior_name(x) = 'uniform' THEN [0.0, 'infinity'::DOUBLE]
            ELSE []::DOUBLE[]
        END)[len((CASE WHEN regexp_matches(_pool_name(x), '^[^(]*\(\s*[^\s].*\)\s*$')
            THEN list_transform(
                string_split(regexp_extract(_pool_name(x), '\((.*)\)\s*$', 1), ','), lambda piece: trim(piece))
            ELSE []::VARCHAR[] END)) + 1:]);
CREATE OR REPLACE MACRO _pool_is_tau_prior(x) AS list_contains(_pool_priors_of('tau2'), _pool_prior_name(x));
CREATE OR REPLACE MACRO _pool_integrates(tau2, mu) AS _pool_is_tau_prior(tau2) OR _pool_prior_name(mu) = 'normal';

CREATE OR REPLACE MACRO _pool_wrong_prior_of(role, priors, value) AS
    list_transform([{name: _pool_prior_name(value), numbers: _pool_prior_numbers(value)}], lambda _prior:
        CASE
            WHEN NOT list_contains(priors, _prior.name)
                THEN format('{}={} is no prior; give one of {}{}', role, _pool_shown(value), array_to_string(list_transform(priors, lambda name: (name || '(' || array_to_string(_pool_prior_arguments(name), ', ') || ')')), ', '), _pool_nearest(trim(split_part(_pool_name(value), '(', 1)), priors))
            WHEN list_contains(list_transform(_prior.numbers, lambda x: x IS NULL), true)
                OR len(_prior.numbers) <> len(_pool_prior_arguments(_prior.name))
                THEN format('{}={}: give {}', role, _pool_shown(value), ((_prior.name || '(' || array_to_string(_pool_prior_arguments(_prior.name), ', ') || ')') || ' with numbers'))
            ELSE format('{}={}: give {}', role, _pool_shown(value), _pool_wrong_number(_prior.name, _prior.numbers))
        END
    )[1];

CREATE OR REPLACE MACRO _pool_wrong_hyperparameter(role, value, least, number) AS
    CASE
        WHEN (list_contains(_pool_priors_of(role), _pool_prior_name(value))
            OR role <> 'sigma2' AND contains(_pool_name(value), '(')
            OR role = 'sigma2' AND _pool_is_tau_prior(value)) THEN (CASE
                WHEN role = 'sigma2' THEN 'sigma2=' || _pool_shown(value) || ' is integrated out in Python alone; give a '
                    || 'number of 0 or more, or one of ' || _pool_listed(pool_method_names('sigma2'))
                ELSE _pool_wrong_prior_of(role, _pool_priors_of(role), value)
            END)
        WHEN NOT (list_contains(pool_method_names(role), _pool_name(value)) OR _pool_is_number(value, least))
        THEN format('{}={}; give {}, or one of {}{}', role, _pool_shown(value), number, _pool_listed(pool_method_names(role)), _pool_nearest(_pool_name(value), pool_method_names(role)))
    END;

-- ---------------------------------------------------------------------------------------------------------------------
-- Arguments that are expressions: the names and types of the columns that they stand for.
--
-- Every public macro reads its table through the CTE _pool_table, and its schema through the CTE _pool_schema. The text
-- of a view is then bound outside of all other macros: DuckDB 2 refuses a macro inside itself. DuckDB 1 has no such
-- rule, but a database file loses its NOT MATERIALIZED. There macros read the table itself, and no copy is held in
-- memory.
-- ---------------------------------------------------------------------------------------------------------------------

-- The table of an argument, as a relation.
CREATE OR REPLACE MACRO _pool_read(tbl) AS
    CASE
        WHEN version() NOT LIKE 'v1.%' THEN ['_pool_table']
        WHEN typeof(tbl) = 'VARCHAR' THEN [tbl::VARCHAR]
        ELSE string_split(regexp_replace(tbl::VARCHAR, '^\[|\]$', '', 'g'), ', ')
    END;

-- The type of an argument's column, and whether its value is not null on a row of nulls: then it reads no column.
CREATE OR REPLACE MACRO _pool_column(argument) AS {type: typeof(argument), known: argument IS NOT NULL};

-- The name of the first column of a described argument that reads no column of the table.
CREATE OR REPLACE MACRO _pool_constant(described) AS
    list_filter(list_zip(described.names, described.known), lambda c: c[2] AND (NOT regexp_matches(
        regexp_replace(c[1], '''([^'']|'''')*''|[\w."]+\(| AS "?[A-Z][\w "]*(\([\d, ]*\))?(\[\d*\])*\)|\$\w+'
            || '|\b\d[\w.]*|\b(?i:true|false|over|select|current_(date|time|timestamp)|localtime(stamp)?)\b', '', 'g'),
        '[[:alpha:]_"]|[^\x00-\x7F]')))[1][1];

-- One row of nulls with the columns of a table: expressions on it have names and types, and nothing is read.
CREATE OR REPLACE MACRO _pool_schema_of(tbl) AS TABLE
    SELECT * EXCLUDE (_pool_one) FROM (SELECT 1 AS _pool_one) LEFT JOIN query_table(tbl) ON false;

-- Whether a column is a key under its own name, and not an absent `over`.
CREATE OR REPLACE MACRO _pool_is_shown(name) AS
    NOT (starts_with(name, '_pool_') OR contains(name, '_pool_absent') OR name = 'NULL');

-- ---------------------------------------------------------------------------------------------------------------------
-- Keys of groups and models: messages about wrong ones, and the equality of two keys.
-- ---------------------------------------------------------------------------------------------------------------------

-- The message about the names of keys: a private name, a name in both `over` and `by`, or the name of a result column.
CREATE OR REPLACE MACRO _pool_wrong_names(over, keys, beside_null, taken, result) AS
    coalesce(
        format('the key ''{}'' bears a private name; rename it first', (list_filter(list_concat(over, keys), lambda name: (starts_with(name, '_pool_') OR name = 'NULL' OR beside_null AND upper(name) = 'NULL'))[1])),
        format('the key {} appears twice in by= and over=; name each key once', ('''' || list_intersect(over, keys)[1] || '''')),
        format('the key {} bears the name of a result column ({}); rename it first', ('''' || (list_filter(taken, lambda key: list_contains(result, lower(key)))[1]) || ''''), _pool_listed(result))
    );

-- One row: the described arguments, whether there is one model, and the message about wrong keys. The first three
-- arguments are by, over, and what follows the keys without a name. Where the keys are columns, without `over`, only
-- their names may be wrong.
CREATE OR REPLACE MACRO _pool_keys_of(
    schema, "by", unnamed, over, of_names, arguments, by_is_shown, result
) AS TABLE
    WITH named AS (
        SELECT described, described[1].names AS by_names, described[2].types = ['"NULL"'] AS beside_null,
            ((described[2].types[1]) IN ('"NULL"', 'STRUCT(_pool_absent BOOLEAN)')) AS no_over,
            CASE WHEN no_over THEN []::VARCHAR[] ELSE described[2].names END AS over_names
        FROM (SELECT list_transform(list_zip(names, list_transform(
            list_filter(range(1, len(columns) + 1), lambda i: columns[i] IS NULL),
            lambda i: columns[i + 1:i + coalesce(list_position(columns[i + 1:], NULL), len(columns) + 1) - 1]
        )), lambda argument: {
                names: argument[1],
                types: list_transform(argument[2], lambda _c: _c.type),
                known: list_transform(argument[2], lambda _c: _c.known)
            }) AS described
        FROM query_table(of_names), (SELECT [*COLUMNS(*)] AS columns FROM query_table(arguments)))
    ),
    with_names AS (
        SELECT *, _pool_wrong_names(over_names, by_names, beside_null,
            CASE WHEN by_is_shown THEN list_concat(over_names, by_names) ELSE over_names END, result) AS wrong_keys
        FROM named
    ),
    with_columns AS (
        SELECT * REPLACE (coalesce(
            CASE WHEN described[3].types <> ['"NULL"'] THEN ('the argument ' || array_to_string((described[3].names), ', ') || ' after the keys has no name; '
                || CASE
                    WHEN _pool_constant(described[3]) IS NOT NULL THEN 'give it one, as in level := 0.9'
                    WHEN NOT list_has_all(columns, list_concat(by_names, (described[3].names)))
                        THEN 'several keys are COLUMNS([...]) of their names, expressions among them named in a CTE before: '
                            || 'WITH named AS (SELECT *, ... AS name FROM ...)'
                    ELSE array_to_string(list_transform(
                        [{before: 'give several keys as ', names: list_concat(by_names, (described[3].names))},
                            {before: 'the keys of models as over := ', names: (described[3].names)}],
                        lambda _meant: _meant.before || (CASE
                            WHEN len(_meant.names) > 1 THEN 'COLUMNS([' || _pool_listed(_meant.names) || '])'
                            WHEN regexp_full_match(_meant.names[1], '[A-Za-z_]\w*') THEN _meant.names[1]
                            ELSE '"' || replace(_meant.names[1], '"', '""') || '"'
                        END)), ', ')
                END) END,
            wrong_keys,
            (list_transform(
                list_filter(
                    [{role: 'over', constant: (CASE WHEN NOT no_over THEN _pool_constant(described[2]) END), texts: list_transform(regexp_extract_all((CASE WHEN NOT no_over THEN _pool_constant(described[2]) END), '''(([^'']|'''')*)''', 1), lambda t: replace(t, '''''', ''''))},
                        {role: 'by', constant: _pool_constant(described[1]), texts: list_transform(regexp_extract_all(_pool_constant(described[1]), '''(([^'']|'''')*)''', 1), lambda t: replace(t, '''''', ''''))}],
                    lambda _key: _key.constant IS NOT NULL),
                lambda _key: _key.role || '=' || regexp_replace(_key.constant, '^(main\.)?list_value\((.*)\)$', '[\2]')
                    || ' reads no column, so it is the same in every row; '
                    || CASE WHEN len(_key.texts) > 0 AND list_has_all(columns, _key.texts)
                        THEN 'did you mean ' || (CASE
                            WHEN len(_key.texts) > 1 THEN 'COLUMNS([' || _pool_listed(_key.texts) || '])'
                            WHEN regexp_full_match(_key.texts[1], '[A-Za-z_]\w*') THEN _key.texts[1]
                            ELSE '"' || replace(_key.texts[1], '"', '""') || '"'
                        END) || '?'
                        ELSE 'give a column, or several as COLUMNS([...]) of their names' END
            )[1])
        ) AS wrong_keys)
        FROM with_names, (SELECT struct_keys(_pool_row) AS columns FROM query_table(schema) AS _pool_row)
    ),
    of_one_model AS (FROM _pool_by_reading(["by"], 'with_names', 'with_columns'))
    SELECT described, no_over, wrong_keys FROM _pool_by_input([unnamed, over], 'of_one_model', 'with_columns');

-- Whether two keys of models are equal. Without `over` there is one model, and the comparison is constant.
CREATE OR REPLACE MACRO _pool_same(model, other) AS
    typeof(model) IN ('STRUCT(_pool_over "NULL")', 'STRUCT(_pool_over STRUCT(_pool_absent BOOLEAN))')
        OR model IS NOT DISTINCT FROM other;

-- ---------------------------------------------------------------------------------------------------------------------
-- Values of a column as DOUBLE: missing, finite, improper and exact ones, and two columns of one row.
-- ---------------------------------------------------------------------------------------------------------------------

-- The value; NaN and infinite ones count as missing with nan := 'null'.
CREATE OR REPLACE MACRO _pool_value(value, nan) AS
    CASE WHEN nan <> 'null' OR isfinite(TRY_CAST(value AS DOUBLE)) THEN TRY_CAST(value AS DOUBLE) END;

-- A finite number, or NULL. The variance of infinite values is an error of DuckDB; here the mean reveals them first.
CREATE OR REPLACE MACRO _pool_finite(x) AS CASE WHEN isfinite(x) THEN x END;

-- Whether a weight, a count, a variance or a standard error is missing, negative, NaN or infinite.
CREATE OR REPLACE MACRO _pool_improper(x) AS x IS NULL OR NOT (x >= 0 AND x < 'infinity'::DOUBLE);

-- ---------------------------------------------------------------------------------------------------------------------
-- The offset that the first values of a column have in common: deviations from it lose no digits.
--
-- The relation _pool_origin is that of the surrounding query.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row: the offset that the first values have in common (0 where there is none), as DOUBLE and as text without
-- rounding, and the scale of a decimal. With `over` the models may lie far from each other: there is an offset only
-- where the first values have more digits than DOUBLE. From 2^20 on the offset of wide types has no decimal places, so
-- that DOUBLE holds it exactly; 2^63 becomes the largest DOUBLE in BIGINT. Beyond 2^100 no DOUBLE is near enough, and
-- the offset is the first value.
CREATE OR REPLACE MACRO _pool_origin_from(firsts) AS TABLE
    WITH starts AS (
        SELECT list(y) AS ys, min(abs(y)) >= any_value(least) AS far, first(written) AS written,
            any_value(wide) AS wide, any_value(scale) AS scale
        FROM query_table(firsts)
    ),
    origins AS (
        SELECT written, scale, ys[1] AS start, wide AND abs(start) >= 1048576.0 AS rounds,
            far AND list_avg(list_transform(ys, lambda _y: abs(_y - ys[1]))) < abs(start) / 8 AS near,
            CASE WHEN NOT rounds THEN start WHEN start = 9223372036854775808.0 THEN 9223372036854774784.0
                ELSE floor(start) END AS origin
        FROM starts
    )
    SELECT CASE WHEN near THEN origin ELSE 0.0 END AS _pool_origin,
        CASE
            WHEN near AND rounds AND abs(origin) < 1267650600228229401496703205376.0 THEN origin::HUGEINT::VARCHAR
            WHEN near THEN written
            ELSE '0'
        END AS _pool_start,
        TRY_CAST(_pool_start AS BIGINT) AS _pool_bigint, scale AS _pool_scale
    FROM origins;

CREATE OR REPLACE MACRO _pool_origin_of(tbl, value, over) AS TABLE
    WITH _pool_firsts AS (
        SELECT TRY_CAST(value AS DOUBLE) AS y, TRY_CAST(value AS VARCHAR) AS written,
            regexp_full_match(typeof(value), 'U?(BIG|HUGE)INT|BIGNUM|DECIMAL\((1[6-9]|[23]\d),\d+\)') AS wide, TRY_CAST(regexp_extract(typeof(value), ',([0-9]+)', 1) AS INTEGER) AS scale,
            CASE WHEN _pool_absent(over) THEN 0.0 ELSE 9007199254740992.0 END AS least
        FROM query_table(tbl)
        WHERE (_pool_absent(over) OR regexp_full_match(typeof(value), 'U?(BIG|HUGE)INT|BIGNUM|DECIMAL\((1[6-9]|[23]\d),\d+\)')) AND isfinite(TRY_CAST(value AS DOUBLE))
        LIMIT 1000
    )
    FROM _pool_origin_from('_pool_firsts');

-- The value less the offset, rounded once. Wide types are subtracted in a type that holds the difference exactly, where
-- DOUBLE shows that it fits. Elsewhere the difference is so large that DOUBLE has all digits of the result.
CREATE OR REPLACE MACRO _pool_less_origin(value, nan, origin, start, whole, scale) AS
    CASE
        WHEN typeof(value) IN ('DOUBLE', 'FLOAT') THEN _pool_value(value, nan) - origin
        WHEN typeof(value) = 'BIGINT' THEN coalesce(
            TRY(TRY_CAST(value AS BIGINT) - whole)::DOUBLE, TRY_CAST(value AS DOUBLE) - origin)
        WHEN origin = 0 THEN TRY_CAST(value AS DOUBLE)
        WHEN typeof(value) IN ('UBIGINT', 'HUGEINT') AND abs(TRY_CAST(value AS DOUBLE) - origin) < 2.0 ** 124
            THEN (TRY_CAST(value AS HUGEINT) - TRY_CAST(start AS HUGEINT))::DOUBLE
        WHEN typeof(value) = 'BIGNUM' THEN coalesce(  -- in DuckDB 1 TRY_CAST of BIGNUM to HUGEINT raises
            TRY(TRY_CAST(TRY_CAST(value AS VARCHAR) AS HUGEINT) - TRY_CAST(start AS HUGEINT))::DOUBLE,
            TRY_CAST(value AS DOUBLE) - origin)
        WHEN typeof(value) = 'UHUGEINT' AND TRY_CAST(value AS UHUGEINT) >= TRY_CAST(start AS UHUGEINT)
            THEN (TRY_CAST(value AS UHUGEINT) - TRY_CAST(start AS UHUGEINT))::DOUBLE
        WHEN typeof(value) = 'UHUGEINT'
            THEN -(TRY_CAST(start AS UHUGEINT) - TRY_CAST(value AS UHUGEINT))::DOUBLE
        WHEN typeof(value) LIKE 'DECIMAL%' AND abs(TRY_CAST(value AS DOUBLE) - origin) < 10.0 ** (36 - scale)
            THEN coalesce((CASE
                WHEN scale <= 2 THEN (TRY_CAST(value AS DECIMAL(38, 2)) - TRY_CAST(start AS DECIMAL(38, 2)))::DOUBLE
                WHEN scale <= 4 THEN (TRY_CAST(value AS DECIMAL(38, 4)) - TRY_CAST(start AS DECIMAL(38, 4)))::DOUBLE
                WHEN scale <= 6 THEN (TRY_CAST(value AS DECIMAL(38, 6)) - TRY_CAST(start AS DECIMAL(38, 6)))::DOUBLE
                WHEN scale <= 9 THEN (TRY_CAST(value AS DECIMAL(38, 9)) - TRY_CAST(start AS DECIMAL(38, 9)))::DOUBLE
                WHEN scale <= 12 THEN (TRY_CAST(value AS DECIMAL(38, 12)) - TRY_CAST(start AS DECIMAL(38, 12)))::DOUBLE
                WHEN scale <= 18 THEN (TRY_CAST(value AS DECIMAL(38, 18)) - TRY_CAST(start AS DECIMAL(38, 18)))::DOUBLE
                WHEN scale <= 27 THEN (TRY_CAST(value AS DECIMAL(38, 27)) - TRY_CAST(start AS DECIMAL(38, 27)))::DOUBLE
                WHEN scale <= 37 THEN (TRY_CAST(value AS DECIMAL(38, 37)) - TRY_CAST(start AS DECIMAL(38, 37)))::DOUBLE
            END), TRY_CAST(value AS DOUBLE) - origin)
        ELSE TRY_CAST(value AS DOUBLE) - origin
    END;

-- ---------------------------------------------------------------------------------------------------------------------
-- Wrong values in the data: the message for a number of rows.
-- ---------------------------------------------------------------------------------------------------------------------

-- A number of rows in words.
CREATE OR REPLACE MACRO _pool_number_of_rows(bad) AS
    CASE WHEN bad = 1 THEN '1 row' ELSE format('{:,} rows', bad::BIGINT) END;

-- A column as a message names it.
CREATE OR REPLACE MACRO _pool_column_of_role(role, name) AS role || '=''' || name || '''';

-- ---------------------------------------------------------------------------------------------------------------------
-- Groups without rows: the keys of another table that are not among the groups.
-- ---------------------------------------------------------------------------------------------------------------------

-- The keys of another table that are not among the groups.
CREATE OR REPLACE MACRO _pool_unseen_keys(tbl, "by", over, seen) AS TABLE
    WITH _pool_new AS (SELECT DISTINCT over, "by", over AS _pool_over FROM query_table(tbl)),
    _pool_left AS (
        SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM (SELECT 1 AS _pool_one) LEFT JOIN _pool_new ON false
    ),
    _pool_right AS (
        SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM (SELECT 1 AS _pool_one) LEFT JOIN query_table(seen) ON false
    ),
    _pool_same_types AS (
        SELECT CASE WHEN (len(of_left.types) = len(of_right.types) AND len(list_filter(list_zip(of_left.types, of_right.types), lambda pair: NOT (
            pair[1] = pair[2]
            OR (regexp_full_match(pair[1], '(TINY|SMALL|BIG)INT|INTEGER|U(TINY|SMALL)INT|UINTEGER') AND regexp_full_match(pair[2], '(TINY|SMALL|BIG)INT|INTEGER|U(TINY|SMALL)INT|UINTEGER'))
            OR (regexp_full_match(pair[1], 'U(TINY|SMALL|BIG)INT|UINTEGER') AND regexp_full_match(pair[2], 'U(TINY|SMALL|BIG)INT|UINTEGER'))
            OR (regexp_full_match(pair[1], 'VARCHAR|(?s)ENUM\(.*\)') AND regexp_full_match(pair[2], 'VARCHAR|(?s)ENUM\(.*\)'))
        ))) = 0) THEN true ELSE error('the keys are '
            || left_type || ' in groups= and ' || right_type || ' in the table; cast one of them') END AS same_types
        FROM (SELECT [*COLUMNS(*)] AS types FROM (SELECT typeof(COLUMNS(*)) FROM _pool_left)) AS of_left,
            (SELECT [*COLUMNS(*)] AS types FROM (SELECT typeof(COLUMNS(*)) FROM _pool_right)) AS of_right,
            (SELECT typeof(_pool_left) AS left_type FROM _pool_left),
            (SELECT typeof(_pool_right) AS right_type FROM _pool_right)
    )
    SELECT * EXCLUDE (_pool_key), struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (SELECT *, struct_pack(*COLUMNS(lambda c: _pool_is_shown(c))) AS _pool_key FROM _pool_new) AS _pool_new
    ANTI JOIN (
        SELECT struct_pack(*COLUMNS(lambda c: _pool_is_shown(c))) AS _pool_key FROM query_table(seen)
    ) AS _pool_old ON _pool_new._pool_key IS NOT DISTINCT FROM _pool_old._pool_key
    WHERE (SELECT same_types FROM _pool_same_types);

-- ---------------------------------------------------------------------------------------------------------------------
-- Tails and quantiles of many beta and gamma distributions at once, one per row, by the formulas of
-- distributions/odds.sql: they are planned once and run column by column.
-- ---------------------------------------------------------------------------------------------------------------------

-- For each id of the requests (id, a, b, w, p, z): where w is not null, the probabilities of more than w (`result`) and
-- of no more (`below`); else the w with probability p below it. A search begins with the tail at w, with the side of p,
-- or near the quantile. It goes outward to the point where `excess` = log tail - log target is 0: by Halley's steps far
-- from it, then by four terms of the quantile's Taylor series (see _pool_outward_series), until a fifth would be too
-- small to be seen.
CREATE OR REPLACE MACRO _pool_tails_and_quantiles(requests) AS TABLE
    WITH RECURSIVE _pool_odds AS (
        FROM (SELECT id, a, b, p, w IS NULL AS searches, split, integral, 0 AS step,
            CASE WHEN CASE WHEN start IS NULL THEN w > split ELSE p > 0.5 END THEN 1.0::DOUBLE ELSE -1.0::DOUBLE END
                AS side,
            CASE WHEN start IS NULL THEN coalesce(w, split) WHEN p > 0.5 THEN greatest(split, start)
                ELSE least(split, start) END AS place,
            CASE WHEN start IS NOT NULL THEN ln(CASE WHEN p > 0.5 THEN 1 - p ELSE p END * integral) END AS target,
            NULL::DOUBLE AS result
        FROM (
            SELECT id, a, b, w, p, ln((1 + u) / (1 + v)) AS split,
                sqrt(6.2831853071795864769e0 * (u + v)) * r[1] * (r[2] / r[3]) AS integral,
                CASE
                    WHEN a >= 1 AND b >= 1 AND abs(p - 0.5) > 0.4
                        THEN (1 + v / 6) * v / 2 - (1 + u / 6) * u / 2 + sqrt(variance) * z
                            + ((1 + (1 + v / 2) * v) * (v * v) - (1 + (1 + u / 2) * u) * (u * u)) / variance
                                * (z * z - 1) / 6
                END AS start
            FROM (
                SELECT id, a, b, w, p, z, 1 / a AS u, 1 / b AS v, _pool_stirling_ratios([a, b, a + b]) AS r,
                    (1 + (0.5 + 1 / (6 * a)) / a) / a + (1 + (0.5 + 1 / (6 * b)) / b) / b AS variance
                FROM query_table(requests)
            )
        ))
        UNION ALL
        SELECT id, a, b, p, searches, split, integral, step + 1,
            CASE WHEN target IS NULL AND p > tail THEN 1.0 ELSE side END, coalesce(moved, place),
            CASE WHEN target IS NOT NULL THEN target WHEN p <= tail THEN ln(p * integral)
                ELSE ln((1 - p) * integral) END,
            CASE
                WHEN NOT searches THEN tail
                WHEN step = 60 OR near AND abs(excess) <= 0.02 AND abs(last) * greatest(1.0, mills) <= 1e-6 THEN moved
            END
        FROM (
            SELECT *, abs(excess) < 0.5 AND abs(last) < 1.2 AS near,
                side * greatest(side * split, side * place + CASE
                    WHEN near THEN mills * excess * (1 + excess / 2 * (d - 1 + excess / 3 * third) + last / 24)
                    ELSE (excess * mills / greatest(0.5, 1 + excess * (1 - slope * mills) / 2)) END) AS moved
            FROM (
                SELECT *, bend + (d - 1) * (2 * d - 1) AS third, excess ** 3 * ((d - 1) * third
                    + (4 * d - 3) * (bend + d * (d - 1)) + bend * (s * (y - x) * mills + 2 * d - 2)) AS last
                FROM (
                    SELECT *, ln(mills) - height - target AS excess, mean * y * mills * mills AS bend,
                        slope * mills AS d,
                        CASE WHEN height > 745 THEN 0.0 ELSE exp(-height) * mills / integral END AS tail
                    FROM (WITH turned AS (
                        SELECT *, CASE WHEN turn THEN b ELSE a END AS a_, CASE WHEN turn THEN a ELSE b END AS b_,
                            CASE WHEN turn THEN -place ELSE place END AS w_, CASE WHEN turn THEN -side ELSE side END AS s
                        FROM (SELECT *, a * exp(place) > b AS turn FROM _pool_odds WHERE result IS NULL)
                    ),
                    placed AS (
                        SELECT *, pool_expm1(w_) AS e, 1 / (1 + a_ * exp(w_) / b_) AS y, a_ * exp(w_) * (1 + a_ / b_) * y AS mean
                        FROM turned
                    ),
                    sloped AS (
                        SELECT *, mean / (a + b) AS x, s * a_ * e * y AS slope,
                            CASE
                                WHEN abs(w_) < 0.25 THEN (a_ / (1 + a_ / b_) * w_ * list_dot_product(('[
        0.08566224618958514, 0.18038078652406936, 0.23395696728634552, 0.23395696728634552, 0.18038078652406936,
        0.08566224618958514
    ]'::DOUBLE[]), list_transform(('[
        0.03376524289842403, 0.16939530676686776, 0.38069040695840156, 0.6193095930415985, 0.8306046932331322,
        0.9662347571015759
    ]'::DOUBLE[]), lambda node:
                                    2 * sinh(w_ * node / 2) / (exp(-w_ * node / 2) / (1 + a_ / b_) + exp(w_ * node / 2) / (1 + b_ / a_)))))
                                WHEN isinf(b_) THEN a_ * (e - w_)
                                ELSE (a + b) * pool_log1p(e / (1 + b_ / a_)) - a_ * w_
                            END AS height
                        FROM placed
                    ),
                    pushed AS (
                        SELECT *, greatest(0.0, slope + CASE WHEN s < 0 THEN y ELSE x END) AS push, (mean + x) * y AS curvature
                        FROM sloped
                    ),
                    windowed AS (
                        SELECT *, CASE
                                WHEN s > 0 AND (76 / (push + sqrt(push * push + 76 * curvature))) < 2 * ln(y / x)
                                    THEN (76 / (push + sqrt(push * push + 76 * curvature)))
                                ELSE (76 / (push - 19 + sqrt((push - 19) * (push - 19) + 76 * (push + curvature))))
                            END AS width
                        FROM pushed
                    )
                    SELECT id, a, b, p, searches, split, integral, step, side, place, target, s, x, y, mean, slope, height,
                        1 / CASE WHEN s < 0 THEN a_ ELSE b_ END
                            + CASE WHEN s < 0 THEN mean / a_ ELSE y * (1 + a_ / b_) END * width
                                * list_dot_product((CASE WHEN a >= 32 AND b >= 32 THEN ('[
        0.0061706148999936, 0.014265694314466832, 0.022138719408709904, 0.02964929245771839, 0.03667324070554015,
        0.04309508076597664, 0.04880932605205694, 0.05372213505798282, 0.0577528340268628, 0.060835236463901696,
        0.06291872817341415, 0.06396909767337608, 0.06396909767337608, 0.06291872817341415, 0.060835236463901696,
        0.0577528340268628, 0.05372213505798282, 0.04880932605205694, 0.04309508076597664, 0.03667324070554015,
        0.02964929245771839, 0.022138719408709904, 0.014265694314466832, 0.0061706148999936
    ]'::DOUBLE[]) ELSE ('[
        0.0015766730261529192, 0.0036637769506381312, 0.005738617289617269, 0.007789657861471924, 0.009808080228677764,
        0.01178538041966219, 0.013713254854178474, 0.015583613916399045, 0.01738861128238522, 0.019120675532915354,
        0.020772541471732374, 0.02233728042834714, 0.02380832924624524, 0.025179517776927236, 0.026445094742596834,
        0.027599751849992082, 0.028638646050201607, 0.029557419849197818, 0.03035221958294694, 0.031019711579946332,
        0.03155709614312701, 0.03196211929232409, 0.032233082217975044, 0.03236884840634196, 0.03236884840634196,
        0.032233082217975044, 0.03196211929232409, 0.03155709614312701, 0.031019711579946332, 0.03035221958294694,
        0.029557419849197818, 0.028638646050201607, 0.027599751849992082, 0.026445094742596834, 0.025179517776927236,
        0.02380832924624524, 0.02233728042834714, 0.020772541471732374, 0.019120675532915354, 0.01738861128238522,
        0.015583613916399045, 0.013713254854178474, 0.01178538041966219, 0.009808080228677764, 0.007789657861471924,
        0.005738617289617269, 0.0036637769506381312, 0.0015766730261529192
    ]'::DOUBLE[]) END), CASE
                                    WHEN (a + b + 1) < 1e4 THEN list_transform((CASE WHEN a >= 32 AND b >= 32 THEN ('[
        0.00240639000148932, 0.012635722014345251, 0.030862723998633622, 0.056792236497799485, 0.08999900701304854,
        0.12993790421072282, 0.17595317403151223, 0.22728926430558022, 0.2831032461869774, 0.3424786601519183,
        0.40444056626319186, 0.4679715535686972, 0.5320284464313028, 0.5955594337368082, 0.6575213398480817,
        0.7168967538130225, 0.7727107356944197, 0.8240468259684878, 0.8700620957892772, 0.9100009929869515,
        0.9432077635022005, 0.9691372760013663, 0.9873642779856547, 0.9975936099985107
    ]'::DOUBLE[]) ELSE ('[
        0.0006144963737869658, 0.003234913866824618, 0.007937708138586574, 0.014704203726876364, 0.023506148419784545,
        0.034306654646722834, 0.047060431642215184, 0.06171398986287607, 0.07820586918780326, 0.09646689798527869,
        0.11642048374212982, 0.13798293453809268, 0.16106381018366805, 0.1855663016117432, 0.21138763695801366,
        0.2384195126388835, 0.2665485476245208, 0.2956567590046416, 0.32562205685391965, 0.3563187563222722,
        0.38761810480265546, 0.41938882196555416, 0.4514976503952687, 0.4838099145185653, 0.5161900854814346,
        0.5485023496047313, 0.5806111780344458, 0.6123818951973445, 0.6436812436777277, 0.6743779431460803,
        0.7043432409953584, 0.7334514523754792, 0.7615804873611165, 0.7886123630419863, 0.8144336983882567,
        0.8389361898163319, 0.8620170654619073, 0.8835795162578701, 0.9035331020147213, 0.9217941308121967,
        0.938286010137124, 0.9529395683577848, 0.9656933453532772, 0.9764938515802155, 0.9852957962731237,
        0.9920622918614135, 0.9967650861331754, 0.999385503626213
    ]'::DOUBLE[]) END), lambda node: exp((s * width * CASE WHEN s < 0 THEN a_ + 1 ELSE a_ END) * node - (a + b + 1) * ln(y + x * exp((s * width) * node))))
                                    WHEN isinf((a + b + 1)) THEN list_transform((CASE WHEN a >= 32 AND b >= 32 THEN ('[
        0.00240639000148932, 0.012635722014345251, 0.030862723998633622, 0.056792236497799485, 0.08999900701304854,
        0.12993790421072282, 0.17595317403151223, 0.22728926430558022, 0.2831032461869774, 0.3424786601519183,
        0.40444056626319186, 0.4679715535686972, 0.5320284464313028, 0.5955594337368082, 0.6575213398480817,
        0.7168967538130225, 0.7727107356944197, 0.8240468259684878, 0.8700620957892772, 0.9100009929869515,
        0.9432077635022005, 0.9691372760013663, 0.9873642779856547, 0.9975936099985107
    ]'::DOUBLE[]) ELSE ('[
        0.0006144963737869658, 0.003234913866824618, 0.007937708138586574, 0.014704203726876364, 0.023506148419784545,
        0.034306654646722834, 0.047060431642215184, 0.06171398986287607, 0.07820586918780326, 0.09646689798527869,
        0.11642048374212982, 0.13798293453809268, 0.16106381018366805, 0.1855663016117432, 0.21138763695801366,
        0.2384195126388835, 0.2665485476245208, 0.2956567590046416, 0.32562205685391965, 0.3563187563222722,
        0.38761810480265546, 0.41938882196555416, 0.4514976503952687, 0.4838099145185653, 0.5161900854814346,
        0.5485023496047313, 0.5806111780344458, 0.6123818951973445, 0.6436812436777277, 0.6743779431460803,
        0.7043432409953584, 0.7334514523754792, 0.7615804873611165, 0.7886123630419863, 0.8144336983882567,
        0.8389361898163319, 0.8620170654619073, 0.8835795162578701, 0.9035331020147213, 0.9217941308121967,
        0.938286010137124, 0.9529395683577848, 0.9656933453532772, 0.9764938515802155, 0.9852957962731237,
        0.9920622918614135, 0.9967650861331754, 0.999385503626213
    ]'::DOUBLE[]) END), lambda node:
                                        exp((s * width * CASE WHEN s < 0 THEN a_ + 1 ELSE a_ END) * node - 2 * mean * sinh((s * width) * node / 2) * exp((s * width) * node / 2)))
                                    ELSE list_transform((CASE WHEN a >= 32 AND b >= 32 THEN ('[
        0.00240639000148932, 0.012635722014345251, 0.030862723998633622, 0.056792236497799485, 0.08999900701304854,
        0.12993790421072282, 0.17595317403151223, 0.22728926430558022, 0.2831032461869774, 0.3424786601519183,
        0.40444056626319186, 0.4679715535686972, 0.5320284464313028, 0.5955594337368082, 0.6575213398480817,
        0.7168967538130225, 0.7727107356944197, 0.8240468259684878, 0.8700620957892772, 0.9100009929869515,
        0.9432077635022005, 0.9691372760013663, 0.9873642779856547, 0.9975936099985107
    ]'::DOUBLE[]) ELSE ('[
        0.0006144963737869658, 0.003234913866824618, 0.007937708138586574, 0.014704203726876364, 0.023506148419784545,
        0.034306654646722834, 0.047060431642215184, 0.06171398986287607, 0.07820586918780326, 0.09646689798527869,
        0.11642048374212982, 0.13798293453809268, 0.16106381018366805, 0.1855663016117432, 0.21138763695801366,
        0.2384195126388835, 0.2665485476245208, 0.2956567590046416, 0.32562205685391965, 0.3563187563222722,
        0.38761810480265546, 0.41938882196555416, 0.4514976503952687, 0.4838099145185653, 0.5161900854814346,
        0.5485023496047313, 0.5806111780344458, 0.6123818951973445, 0.6436812436777277, 0.6743779431460803,
        0.7043432409953584, 0.7334514523754792, 0.7615804873611165, 0.7886123630419863, 0.8144336983882567,
        0.8389361898163319, 0.8620170654619073, 0.8835795162578701, 0.9035331020147213, 0.9217941308121967,
        0.938286010137124, 0.9529395683577848, 0.9656933453532772, 0.9764938515802155, 0.9852957962731237,
        0.9920622918614135, 0.9967650861331754, 0.999385503626213
    ]'::DOUBLE[]) END), lambda node: exp((s * width * CASE WHEN s < 0 THEN a_ + 1 ELSE a_ END) * node - 2 * (a + b + 1)
                                        * atanh(x * sinh((s * width) * node / 2) / (exp(-(s * width) * node / 2) + x * sinh((s * width) * node / 2)))))
                                END)
                            AS mills
                    FROM windowed)
                )
            )
        )
    )
    SELECT id, CASE WHEN searches OR side > 0 THEN result ELSE 1 - result END AS result,
        CASE WHEN side < 0 THEN result ELSE 1 - result END AS below
    FROM _pool_odds WHERE result IS NOT NULL;

-- Rendered from polars_pool/formulas/estimators.py by `python -m polars_pool.rendering`: edit there.
--
-- The estimators of tau2: what each needs, and its formulas in terms of the columns of fit.sql and search.sql.
--
-- A table macro has one CTE per estimator and reads the one that `method` names when the query is planned: the others
-- are not bound.

-- Whether the estimate is the maximum of a likelihood.
CREATE OR REPLACE MACRO _pool_is_likelihood(method) AS
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
            CASE WHEN unequal = 0 THEN x ELSE error('tau2=''' || 'js' || ''' is for groups of equal sampling variance, all of as many rows, and those of '
                || CASE WHEN unequal = 1 THEN '1 model' ELSE format('{:,} models', unequal) END
                || ' differ: ' || '''morris'' and ''chung''' || ' fit them') END AS x
        )
        FROM (
            SELECT model, NULL::DOUBLE AS hd2, NULL::BOOLEAN AS done, plain_squares / (df - 2) - vmax AS x
            FROM query_table(facts)
        ), (SELECT count_if(estimable AND vmax - umin > 1e-12 * vmax) AS unequal FROM query_table(facts))
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
        WHEN list_contains(pool_method_names('tau2'), _pool_name(tau2)) THEN (CASE
            WHEN _pool_name(tau2) = 'reml' AND _pool_number(mu) IS NOT NULL THEN 'ml'
            ELSE _pool_name(tau2)
        END) ELSE 'known'
    END);

-- Rendered from polars_pool/formulas/compression.py by `python -m polars_pool.rendering`: edit there.
--
-- The constants of the compression of groups by their sampling variance.

-- A model with at least so many groups is compressed.
CREATE OR REPLACE MACRO _pool_groups_compressed() AS 4096;

-- ---------------------------------------------------------------------------------------------------------------------
-- The request for a one-way model: arguments that do not fit together or do not fit the columns.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row: `proper`, which input the arguments describe, and the names of columns for messages. A query that reads
-- `proper` fails with the message about the first wrong argument.
CREATE OR REPLACE MACRO _pool_arguments(
    schema, value, "by", unnamed, over, n, var, se, weights, sigma2, tau2, mu, nan, level, uncertainty, "interval",
    predict, threshold, by_is_shown, result
) AS TABLE
    WITH _pool_names AS (
        SELECT [struct_keys(_pool_of_by), struct_keys(_pool_of_over), struct_keys(_pool_of_unnamed),
            struct_keys(_pool_of_value), struct_keys(_pool_of_n), struct_keys(_pool_of_var), struct_keys(_pool_of_se),
            struct_keys(_pool_of_weights)] AS names
        FROM (SELECT "by" FROM query_table(schema)) AS _pool_of_by
            POSITIONAL JOIN (SELECT over FROM query_table(schema)) AS _pool_of_over
            POSITIONAL JOIN (SELECT unnamed FROM query_table(schema)) AS _pool_of_unnamed
            POSITIONAL JOIN (SELECT value FROM query_table(schema)) AS _pool_of_value
            POSITIONAL JOIN (SELECT n FROM query_table(schema)) AS _pool_of_n
            POSITIONAL JOIN (SELECT var FROM query_table(schema)) AS _pool_of_var
            POSITIONAL JOIN (SELECT se FROM query_table(schema)) AS _pool_of_se
            POSITIONAL JOIN (SELECT weights FROM query_table(schema)) AS _pool_of_weights
    ),
    _pool_listed_arguments AS (
        SELECT NULL, _pool_column("by"), NULL, _pool_column(over), NULL, _pool_column(unnamed),
            NULL, _pool_column(value), NULL, _pool_column(n), NULL, _pool_column(var), NULL, _pool_column(se),
            NULL, _pool_column(weights)
        FROM query_table(schema)
    ),
    described AS (
        SELECT no_over, wrong_keys, described[4:] AS roles,
            list_transform(roles, lambda _role: _role.names[1]) AS column_names,
            list_transform(roles, lambda _role: _role.types <> ['"NULL"']) AS present,
            present[2] AS has_n, present[3] AS has_var, present[4] AS has_se, present[5] AS has_weights
        FROM _pool_keys_of(schema, "by", unnamed, over, '_pool_names', '_pool_listed_arguments', by_is_shown, result)
    ),
    of_any AS (
        SELECT no_over, has_n, has_se, has_weights, column_names, coalesce(
            wrong_keys,
            _pool_wrong_type(['value', 'n', 'var', 'se', 'weights'], roles),
            (CASE
                WHEN has_se AND has_var THEN format('{}= does not go with se=: published estimates carry their error in se alone', 'var')
                WHEN has_se AND has_weights THEN format('{}= does not go with se=: published estimates carry their error in se alone', 'weights')
                WHEN NOT has_se AND has_n AND NOT has_var THEN format('{}= without {}=; stored moments need both, published estimates need se=', 'n', 'var')
                WHEN NOT has_se AND has_var AND NOT has_n THEN format('{}= without {}=; stored moments need both, published estimates need se=', 'var', 'n')
            END)
        ) AS complaint
        FROM described
    ),
    of_rows AS (
        SELECT no_over, false AS has_n, false AS has_se, false AS has_weights,
            struct_keys(_pool_of_value) AS column_names,
            coalesce(wrong_keys, (CASE
                WHEN len(column_names) > 1 THEN format('{} stands for {} columns, {}; give one', 'value', len(column_names), _pool_listed(column_names))
                WHEN NOT regexp_full_match(regexp_extract(typeof(_pool_of_value), '(?s)^STRUCT\((?:\w+|"(?:[^"]|"")*") (.*)\)$', 1),
                    'U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|BOOLEAN|BIGNUM|"NULL"')
                    THEN format('{}={} is {}; give a column of numbers or Booleans', 'value', ('''' || column_names[1] || ''''), regexp_extract(typeof(_pool_of_value), '(?s)^STRUCT\((?:\w+|"(?:[^"]|"")*") (.*)\)$', 1))
            END)) AS complaint
        FROM (WITH _pool_of_one_model AS (
            SELECT true AS no_over, CASE
                    WHEN _pool_wrong IS NULL THEN NULL
                    WHEN (starts_with(_pool_wrong, '_pool_') OR _pool_wrong = 'NULL' OR (typeof(over) = '"NULL"') AND upper(_pool_wrong) = 'NULL') THEN format('the key ''{}'' bears a private name; rename it first', _pool_wrong)
                    ELSE format('the key {} bears the name of a result column ({}); rename it first', ('''' || _pool_wrong || ''''), _pool_listed(result))
                END AS wrong_keys
            FROM (
                SELECT list_filter(struct_keys(_pool_of_by), lambda name: (starts_with(name, '_pool_') OR name = 'NULL' OR (typeof(over) = '"NULL"') AND upper(name) = 'NULL')
                    OR by_is_shown AND list_contains(result, lower(name)))[1] AS _pool_wrong
                FROM (SELECT "by" FROM query_table(schema)) AS _pool_of_by
            )
        ),
        _pool_of_models AS (
            SELECT false AS no_over, _pool_wrong_names(struct_keys(_pool_of_over), struct_keys(_pool_of_by), false,
                list_concat(struct_keys(_pool_of_over), CASE WHEN by_is_shown THEN struct_keys(_pool_of_by) END), result)
                AS wrong_keys
            FROM (SELECT "by" FROM query_table(schema)) AS _pool_of_by,
                (SELECT over FROM query_table(schema)) AS _pool_of_over
        )
        FROM _pool_by_input([over], '_pool_of_one_model', '_pool_of_models')),
            (SELECT value FROM query_table(schema)) AS _pool_of_value
    ),
    of_rows_by_columns AS (WITH _pool_by_over AS (FROM _pool_by_reading([over], 'of_rows', 'of_any')),
    _pool_by_both AS (FROM _pool_by_input([over], 'of_rows', '_pool_by_over'))
    FROM _pool_by_reading(["by"], '_pool_by_both', 'of_any')),
    columns AS (FROM _pool_by_input([unnamed, n, var, se, weights], 'of_rows_by_columns', 'of_any')),
    methods AS (
        SELECT * REPLACE (coalesce(
            complaint,
            _pool_wrong_hyperparameter('sigma2', sigma2, 0.0, 'a number of 0 or more'),
            _pool_wrong_hyperparameter('tau2', tau2, 0.0, 'a number of 0 or more'),
            _pool_wrong_hyperparameter('mu', mu, '-infinity'::DOUBLE, 'a number'),
            (CASE
                WHEN _pool_prior_name(mu) = 'normal' AND _pool_name(tau2) <> '' AND NOT _pool_is_tau_prior(tau2)
                    THEN format('{}={} does not go with tau2={}, an estimate: give tau2 as a number or a prior such as '
                        || '''half_cauchy(5)''',
                        'mu', _pool_shown(mu), _pool_shown(tau2))
                WHEN _pool_is_tau_prior(tau2) AND list_contains(pool_methods_without('mu', ['gls']), _pool_name(mu))
                    THEN format('mu={} does not go with a prior of tau2, where mu is integrated out: give ''gls'', a number, or '
                        || 'a prior such as ''normal(0, 5)''',
                        _pool_shown(mu))
            END),
            _pool_wrong_name('nan', nan, ['error', 'null']),
            (CASE
                WHEN has_se AND _pool_name(sigma2) <> 'pooled' THEN format('sigma2={} does not go with se=: the sampling variance is known, se squared', _pool_shown(sigma2))
                WHEN has_se AND NOT has_n AND list_contains(pool_methods_by_rows('mu'), _pool_name(mu))
                    THEN format('{}={} needs row counts, which se= does not give: pass n=, or one of {}', 'mu', _pool_shown(mu), _pool_listed(pool_methods_without('mu', pool_methods_by_rows('mu'))))
                WHEN has_se AND NOT has_n AND list_contains(pool_methods_by_rows('tau2'), _pool_name(tau2))
                    THEN format('{}={} needs row counts, which se= does not give: pass n=, or one of {}', 'tau2', _pool_shown(tau2), _pool_listed(pool_methods_without('tau2',
                                list_concat(pool_methods_by_rows('tau2'), pool_methods_unweighted('tau2')))))
                WHEN (has_se OR _pool_name(sigma2) <> 'pooled')
                    AND list_contains(pool_methods_of_rows_alone('tau2'), _pool_name(tau2))
                    THEN format('{}={} does not fit {}: give a number, or one of {}', 'tau2', _pool_shown(tau2), (CASE WHEN has_se THEN 'se=' ELSE 'sigma2=' || _pool_shown(sigma2) END), _pool_listed(pool_methods_without('tau2', pool_methods_of_rows_alone('tau2'))))
                WHEN has_weights AND list_contains(pool_methods_unweighted('tau2'), _pool_name(tau2))
                    THEN format('{}={} does not fit {}: give a number, or one of {}', 'tau2', _pool_shown(tau2), 'weights=', _pool_listed(pool_methods_without('tau2', pool_methods_unweighted('tau2'))))
            END),
            (CASE
                WHEN "interval" IS NULL THEN NULL
                WHEN NOT list_contains(['normal', 'robust', 'central', 'shortest'], "interval"::VARCHAR)
                    THEN _pool_wrong_name('interval', "interval", ['normal', 'robust', 'central', 'shortest'])
                WHEN _pool_integrates(tau2, mu) AND list_contains(['normal', 'robust'], "interval")
                    THEN format('interval={} does not go with a prior: give ''central'' or ''shortest''', _pool_shown("interval"))
                WHEN NOT _pool_integrates(tau2, mu) AND list_contains(['central', 'shortest'], "interval")
                    THEN format('interval={} applies to a posterior only: give a prior of tau2 or mu, or {}', _pool_shown("interval"), '''normal'' or ''robust''')
            END),
            _pool_wrong_level(level),
            _pool_wrong_name('uncertainty', uncertainty, ['mu', 'conditional', 'tau2']),
            (CASE
                WHEN _pool_integrates(tau2, mu) AND uncertainty <> 'mu'
                    THEN format('{}={} does not go with a prior: {}', 'uncertainty', _pool_shown(uncertainty), 'the posterior holds the errors of mu and tau2')
                WHEN uncertainty = 'tau2' AND list_contains(pool_methods_without_error('tau2'), _pool_name(tau2))
                    THEN format('uncertainty=''tau2'' does not fit tau2={}, which has no standard error: give a number, or one '
                        || 'of {}',
                        _pool_shown(tau2), _pool_listed(pool_methods_without('tau2', pool_methods_without_error('tau2'))))
            END),
            (CASE
                WHEN "interval" = 'robust' AND predict <> 'mean' THEN format('interval=''robust'' does not go with predict={}: it covers the true means; give '
                    || 'predict=''mean''',
                    _pool_shown(predict))
                WHEN predict = 'row' AND has_se THEN ('predict=''row'' does not go with se=: published estimates do not give the variance of a row; '
                    || 'choose ''mean'' or ''replicate''')
                ELSE _pool_wrong_name('predict', predict, ['mean', 'row', 'replicate'])
            END),
            _pool_wrong_threshold(threshold)
        ) AS complaint)
        FROM columns
    ),
    unpooled AS (
        SELECT * REPLACE (coalesce(
            complaint, CASE WHEN has_se THEN format('sigma2={} does not go with se=: the sampling variance is known, se squared', _pool_shown(sigma2)) END
        ) AS complaint)
        FROM columns
    ),
    -- A CTE that is not read is not bound, nor are the conditions in it.
    of_sigma2 AS (
        FROM query_table(CASE
            WHEN _pool_name(sigma2) = 'pooled' THEN 'columns'
            WHEN _pool_own_variance(sigma2) OR _pool_is_number(sigma2, 0) THEN 'unpooled'
            ELSE 'methods'
        END)
    ),
    of_priors AS (
        FROM query_table(CASE
            WHEN (_pool_name(mu) = 'gls' AND (list_transform([_pool_prior_name(tau2)], lambda prior: list_transform([_pool_prior_numbers(tau2)],
                lambda numbers: list_contains(_pool_priors_of('tau2'), prior)
                    AND len(numbers) = len(_pool_prior_arguments(prior))
                    AND len(list_filter(numbers, lambda number: number IS NULL)) = 0
                    AND _pool_wrong_number(prior, numbers) IS NULL
            )[1])[1]) AND uncertainty = 'mu'
            AND list_contains(['central', 'shortest'], coalesce("interval", 'central'))) THEN 'of_sigma2' ELSE 'methods'
        END)
    ),
    of_estimates AS (
        FROM query_table(CASE
            WHEN ((_pool_name(mu) = 'gls' OR _pool_is_number(mu, '-infinity'::DOUBLE))
            AND ((_pool_name(tau2) IN ('plugin', 'he', 'dl', 'hs', 'hsk', 'sj', 'js', 'pm', 'eb', 'morris', 'pmm', 'ml', 'reml',
                'chung', 'sure')) AND uncertainty IN ('mu', 'conditional')
                OR _pool_is_number(tau2, 0) AND list_contains(['mu', 'conditional', 'tau2'], uncertainty))
            AND list_contains(['normal', 'robust'], coalesce("interval", 'normal'))) THEN 'of_sigma2' ELSE 'of_priors'
        END)
    ),
    of_options AS (
        FROM query_table(CASE
            WHEN (list_contains(['error', 'null'], nan) AND _pool_is_level(level) AND predict = 'mean'
            AND (_pool_absent(threshold) OR _pool_is_number(threshold, '-infinity'::DOUBLE))) THEN 'of_estimates' ELSE 'methods'
        END)
    ),
    of_defaults AS (SELECT *, false AS needs_n FROM columns),
    of_others AS (SELECT *, (list_contains(pool_methods_by_rows('tau2'), _pool_name(tau2))
        OR list_contains(pool_methods_by_rows('mu'), _pool_name(mu))) AS needs_n FROM of_options)
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper,
        no_over, has_se AS published, NOT has_se OR has_n AS has_n, needs_n, column_names
    FROM query_table(CASE
        WHEN ([sigma2::VARCHAR, mu::VARCHAR, nan::VARCHAR, typeof(level), level::VARCHAR, uncertainty::VARCHAR, predict::VARCHAR]
            = ['pooled', 'gls', 'error', 'DECIMAL(3,2)', '0.95', 'mu', 'mean']
        AND "interval" IS NULL AND threshold IS NULL)
            AND (_pool_name(tau2) IN ('plugin', 'he', 'dl', 'hs', 'hsk', 'sj', 'js', 'pm', 'eb', 'morris', 'pmm', 'ml', 'reml',
                'chung', 'sure')) THEN 'of_defaults'
        ELSE 'of_others'
    END);

-- True, or an error about the test of mu or the limits of tau2.
CREATE OR REPLACE MACRO _pool_valid_inference(test, limits, tau2, mu) AS TABLE
    WITH usual AS (SELECT true AS proper),
    unusual AS (
        SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper
        FROM (SELECT coalesce(
            _pool_wrong_name('test', test, ['z', 't', 'knha', 'adhoc']),
            CASE WHEN limits IS NOT NULL THEN _pool_wrong_name('limits', limits, ['profile', 'q']) END,
            CASE
                WHEN NOT _pool_integrates(tau2, mu) THEN NULL
                WHEN test::VARCHAR <> 'z'
                    THEN format('{}={} does not go with a prior: {}', 'test', _pool_shown(test), 'mu has a posterior')
                WHEN limits IS NOT NULL
                    THEN format('{}={} does not go with a prior: {}', 'limits', _pool_shown(limits), 'tau2 has a posterior')
            END,
            CASE WHEN limits::VARCHAR = 'profile' AND _pool_name(tau2) <> '' AND NOT _pool_is_likelihood(_pool_name(tau2))
                THEN format('limits=''profile'' does not fit tau2={}: give limits=''q'', or tau2 as one of {}', _pool_shown(tau2), _pool_listed(['reml', 'ml'])) END
        ) AS complaint)
    )
    FROM query_table(CASE WHEN test::VARCHAR = 'z' AND limits IS NULL THEN 'usual' ELSE 'unusual' END);

-- ---------------------------------------------------------------------------------------------------------------------
-- Data that are an error for a one-way model.
-- ---------------------------------------------------------------------------------------------------------------------

-- True, or an error: a mean is not finite because a value is not, or another column has a value that is not allowed.
CREATE OR REPLACE MACRO _pool_sound(inputs, checked, weighed) AS TABLE
    WITH of_values AS (
        SELECT CASE WHEN sum(odd) > 0
                THEN format('the {} {} holds NaN or infinite numbers: remove them, or count them as missing with '
                    || 'nan=''null''',
                    'value', ('''' || any_value(column_names[1]) || ''''))
            END AS complaint
        FROM query_table(checked), _pool_request
    ),
    of_any_input AS (
        SELECT CASE
                WHEN bad_weights > 0 THEN format('{} is null, NaN, negative or infinite in {}: precision weights are finite and not negative; a '
                    || 'row of weight 0 does not count',
                    _pool_column_of_role('weights', column_names[5]), _pool_number_of_rows(bad_weights))
                WHEN bad_n > 0 THEN format('{} is null, NaN, negative or infinite in {}: n is a count of rows, a whole number of 0 or more',
                    _pool_column_of_role('n', column_names[2]), _pool_number_of_rows(bad_n))
                WHEN bad_var > 0 THEN format('{} is null, NaN, negative or infinite in {}: var is a sample variance, 0 or more wherever n > 1',
                    _pool_column_of_role('var', column_names[3]), _pool_number_of_rows(bad_var))
                WHEN bad_se > 0 THEN format('{} is null, NaN or negative in {}: a standard error is 0 or more, and infinite for an estimate '
                    || 'without information; leave out rows without one, with drop_nulls() in Polars or WHERE ... IS '
                    || 'NOT NULL in SQL',
                    _pool_column_of_role('se', column_names[4]), _pool_number_of_rows(bad_se))
                ELSE complaint
            END AS complaint
        FROM of_values, (
            SELECT sum(_pool_bad_weights) AS bad_weights, sum(_pool_bad_n) AS bad_n, sum(_pool_bad_var) AS bad_var,
                sum(_pool_bad_se) AS bad_se
            FROM query_table(weighed)
        ), _pool_request
    )
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS sound
    FROM _pool_by_input(inputs, 'of_values', 'of_any_input');

-- ---------------------------------------------------------------------------------------------------------------------
-- Rows to one row per group: the sufficient statistics, from plain sums in one group-by.
--
-- Values are deviations from an offset, so that a common offset costs no digits. The relation _pool_origin is that of
-- the surrounding query. All relations of the macros and all private columns have names that begin with _pool_.
-- ---------------------------------------------------------------------------------------------------------------------

-- Whether every group has a variance of its own.
CREATE OR REPLACE MACRO _pool_own_variance(sigma2) AS _pool_name(sigma2) IN ('separate', 'squeezed');

-- Groups of rows of equal weight, straight from the table: keys, the keys of the model under private names, n, y (the
-- mean less the origin) and var. For other input there are no such groups: the planner sees this from the types and
-- reads nothing.
--
-- `more` is an aggregate of further columns, for models that need one; it is NULL in others.
--
-- From version 2 on, the state of DuckDB's variance holds count, mean and squares in one aggregate (by Welford's
-- updates, which centre before they square). Earlier versions need three aggregates.
CREATE OR REPLACE MACRO _pool_states(tbl, value, "by", over, n, var, se, weights, nan, more := NULL) AS TABLE
    SELECT * EXCLUDE (_pool_state), _pool_state.count::DOUBLE AS _pool_n,
        CASE WHEN _pool_state.count > 0 THEN _pool_state.mean END AS _pool_y,
        CASE WHEN _pool_state.count > 1 THEN _pool_state.dsquared / (_pool_state.count - 1) END AS _pool_var
    FROM (
        SELECT over, "by", over AS _pool_over, more AS _pool_key_more,
            (var_samp(_pool_less_origin(value, nan, _pool_origin, _pool_start, _pool_bigint, _pool_scale)) EXPORT_STATE)
                ::STRUCT(count UBIGINT, mean DOUBLE, dsquared DOUBLE) AS _pool_state
        FROM query_table(tbl), _pool_origin
        WHERE _pool_absent(weights) AND _pool_absent(n) AND _pool_absent(var) AND _pool_absent(se)
        GROUP BY ALL
    );

CREATE OR REPLACE MACRO _pool_aggregates(
    tbl, value, "by", over, n, var, se, weights, nan, more := NULL
) AS TABLE
    SELECT over, "by", over AS _pool_over, more AS _pool_key_more,
        count(_pool_value(value, nan))::DOUBLE AS _pool_n,
        avg(_pool_less_origin(value, nan, _pool_origin, _pool_start, _pool_bigint, _pool_scale)) AS _pool_y,
        var_samp(_pool_finite(_pool_less_origin(
            value, nan, _pool_origin, _pool_start, _pool_bigint, _pool_scale))) AS _pool_var
    FROM query_table(tbl), _pool_origin
    WHERE _pool_absent(weights) AND _pool_absent(n) AND _pool_absent(var) AND _pool_absent(se)
    GROUP BY ALL;

CREATE OR REPLACE MACRO _pool_plain(tbl, value, "by", over, n, var, se, weights, nan, more := NULL) AS TABLE
    WITH _pool_states AS NOT MATERIALIZED (
        FROM _pool_states(tbl, value, "by", over, n, var, se, weights, nan, more := more)
    ),
    _pool_aggregates AS NOT MATERIALIZED (
        FROM _pool_aggregates(tbl, value, "by", over, n, var, se, weights, nan, more := more)
    )
    FROM query_table(CASE WHEN version() LIKE 'v1.%' THEN '_pool_aggregates' ELSE '_pool_states' END);

-- The other inputs: weighted rows, stored moments and published estimates, as private numbers beside the columns of the
-- table. Keys are read above this relation, in the GROUP BY: there an absent `over` is a constant and costs nothing.
CREATE OR REPLACE MACRO _pool_numbers(tbl, value, n, var, se, weights, nan) AS TABLE
    SELECT _pool_less_origin(value, nan, _pool_origin, _pool_start, _pool_bigint, _pool_scale) AS _pool_x,
        TRY_CAST(n AS DOUBLE) AS _pool_n, TRY_CAST(var AS DOUBLE) AS _pool_var, TRY_CAST(se AS DOUBLE) AS _pool_se,
        TRY_CAST(weights AS DOUBLE) AS _pool_weights, NOT _pool_absent(weights) AS _pool_weighted,
        CASE
            WHEN NOT _pool_absent(se) AND _pool_absent(n) THEN 'published'
            WHEN NOT _pool_absent(se) THEN 'published with n'
            WHEN NOT (_pool_absent(n) AND _pool_absent(var)) THEN 'moments'
            WHEN NOT _pool_absent(weights) THEN 'weighted rows'
            ELSE 'plain rows'
        END AS _pool_input, *
    FROM query_table(tbl), _pool_origin;

-- The groups of one of these inputs: the types of the arguments choose it, and the planner drops the others.
CREATE OR REPLACE MACRO _pool_weighed(
    tbl, value, "by", over, n, var, se, weights, nan, sigma2, tau2, mu, more := NULL
) AS TABLE
    WITH _pool_numbers AS NOT MATERIALIZED (FROM _pool_numbers(tbl, value, n, var, se, weights, nan))
    FROM (WITH _pool_rows AS NOT MATERIALIZED (
        SELECT CASE
                WHEN _pool_x IS NULL OR _pool_weights = 0 THEN NULL
                WHEN _pool_weights > 0 AND _pool_weights < 'infinity'::DOUBLE THEN _pool_weights
                ELSE (-(2.0::DOUBLE ** 900))
            END AS _pool_h, *
        FROM _pool_numbers WHERE _pool_input = 'weighted rows'
    ),
    _pool_states AS NOT MATERIALIZED (SELECT * EXCLUDE (_pool_of_hx, _pool_of_h), _pool_of_h.count::DOUBLE AS _pool_n,
        _pool_n * _pool_of_hx.meany AS _pool_sum_hx,
        _pool_of_h.co_moment / (_pool_n - 1) AS _pool_cov_h, _pool_of_hx.co_moment / (_pool_n - 1) AS _pool_cov_hx
    FROM (
        SELECT over, "by", over AS _pool_over, more AS _pool_key_more, sum(_pool_h) AS _pool_sum_h,
            (covar_samp(_pool_h, _pool_x) EXPORT_STATE)
                ::STRUCT(count UBIGINT, meanx DOUBLE, meany DOUBLE, co_moment DOUBLE) AS _pool_of_h,
            (covar_samp(_pool_h * _pool_x, _pool_x) EXPORT_STATE)
                ::STRUCT(count UBIGINT, meanx DOUBLE, meany DOUBLE, co_moment DOUBLE) AS _pool_of_hx
        FROM _pool_rows GROUP BY ALL
    )),
    _pool_aggregates AS NOT MATERIALIZED (SELECT over, "by", over AS _pool_over, more AS _pool_key_more, sum(_pool_h) AS _pool_sum_h,
        count(_pool_h)::DOUBLE AS _pool_n, sum(_pool_h * _pool_x) AS _pool_sum_hx,
        covar_samp(_pool_h, _pool_x) AS _pool_cov_h, covar_samp(_pool_h * _pool_x, _pool_x) AS _pool_cov_hx
    FROM _pool_rows GROUP BY ALL)
    SELECT COLUMNS(lambda c: (NOT starts_with(c, '_pool_') OR starts_with(c, '_pool_over') OR starts_with(c, '_pool_key_'))), _pool_n, coalesce(_pool_sum_h, 0.0) AS _pool_w,
        CASE WHEN _pool_n > 0 THEN _pool_sum_hx / _pool_sum_h END AS _pool_y,
        pool_squares_between(_pool_n, _pool_sum_hx, _pool_sum_h, _pool_cov_hx, _pool_cov_h) AS _pool_squares,
        NULL::DOUBLE AS _pool_v, false AS _pool_sized, (CASE WHEN _pool_sum_h < 0 THEN round(_pool_sum_h / (-(2.0::DOUBLE ** 900))) ELSE 0.0 END) AS _pool_bad_weights
    FROM query_table(CASE WHEN version() LIKE 'v1.%' THEN '_pool_aggregates' ELSE '_pool_states' END))
    UNION ALL BY NAME FROM (SELECT over, "by", over AS _pool_over, more AS _pool_key_more,
        coalesce(sum(CASE WHEN _pool_h > 0 THEN _pool_n END), 0.0) AS _pool_n,
        coalesce(sum(_pool_h), 0.0) AS _pool_w,
        sum(_pool_h * _pool_x) / sum(_pool_h) AS _pool_y,
        sum(CASE WHEN _pool_h > 0 THEN pool_squares(_pool_n, _pool_var) END) + pool_squares_between(
            count(_pool_h), sum(_pool_h * _pool_x), sum(_pool_h),
            covar_samp(_pool_h * _pool_x, _pool_x), covar_samp(_pool_h, _pool_x)
        ) AS _pool_squares,
        NULL::DOUBLE AS _pool_v, bool_and(NOT _pool_weighted) AND NOT _pool_own_variance(sigma2) AS _pool_sized,
        count_if(_pool_weighted AND _pool_x IS NOT NULL AND _pool_improper(_pool_weights)) AS _pool_bad_weights,
        count_if(_pool_x IS NOT NULL AND (_pool_improper(_pool_n) OR floor(_pool_n) <> _pool_n)) AS _pool_bad_n,
        count_if(_pool_x IS NOT NULL AND _pool_n > 1 AND _pool_improper(_pool_var)) AS _pool_bad_var
    FROM (
        SELECT CASE WHEN _pool_x IS NOT NULL AND _pool_n > 0 AND (_pool_weights > 0 OR NOT _pool_weighted)
                THEN coalesce(_pool_weights, _pool_n) END AS _pool_h, *
        FROM _pool_numbers WHERE _pool_input = 'moments'
    )
    GROUP BY ALL)
    UNION ALL BY NAME FROM (SELECT COLUMNS(lambda c: (NOT starts_with(c, '_pool_') OR starts_with(c, '_pool_over') OR starts_with(c, '_pool_key_'))), CASE WHEN _pool_sum_n > 0 THEN _pool_sum_n END AS _pool_n,
        coalesce(_pool_sum_h, 0.0) AS _pool_w,
        CASE WHEN _pool_sum_h > 0 THEN _pool_sum_hx / _pool_sum_h END AS _pool_y,
        CASE
            WHEN _pool_w = 0 THEN 'infinity'::DOUBLE
            WHEN _pool_w >= (2.0::DOUBLE ** 500) THEN 0.0
            ELSE 1 / _pool_w
        END AS _pool_v,
        NULL::DOUBLE AS _pool_squares, false AS _pool_sized,
        (CASE WHEN _pool_sum_n < 0 THEN round(_pool_sum_n / (-(2.0::DOUBLE ** 900))) ELSE 0.0 END) AS _pool_bad_n, (CASE WHEN _pool_sum_h < 0 THEN round(_pool_sum_h / (-(2.0::DOUBLE ** 900))) ELSE 0.0 END) AS _pool_bad_se
    FROM (WITH _pool_rows AS NOT MATERIALIZED (
        SELECT CASE
                WHEN _pool_x IS NULL THEN NULL
                WHEN _pool_se > 2.0::DOUBLE ** -250 AND _pool_se <= 'infinity'::DOUBLE THEN 1 / (_pool_se * _pool_se)
                WHEN _pool_se >= 0 AND _pool_se <= 'infinity'::DOUBLE THEN (2.0::DOUBLE ** 500)
                ELSE (-(2.0::DOUBLE ** 900))
            END AS _pool_h, *
        FROM _pool_numbers
    )
    SELECT over, "by", over AS _pool_over, more AS _pool_key_more, sum(_pool_h) AS _pool_sum_h,
        sum(_pool_h * _pool_x) AS _pool_sum_hx,
        NULL::DOUBLE AS _pool_sum_n
    FROM _pool_rows WHERE _pool_input = 'published' GROUP BY ALL
    UNION ALL
    SELECT over, "by", over AS _pool_over, more AS _pool_key_more, sum(_pool_h) AS _pool_sum_h,
        sum(_pool_h * _pool_x) AS _pool_sum_hx,
        sum(CASE
            WHEN _pool_x IS NULL THEN NULL
            WHEN ((list_contains(pool_methods_by_rows('tau2'), _pool_name(tau2))
         OR list_contains(pool_methods_by_rows('mu'), _pool_name(mu))) OR _pool_n IS NOT NULL) AND _pool_improper(_pool_n) THEN (-(2.0::DOUBLE ** 900))
            WHEN _pool_h > 0 THEN _pool_n
        END) AS _pool_sum_n
    FROM _pool_rows WHERE _pool_input = 'published with n' GROUP BY ALL));

-- One row per group of any input: keys, the key of the model as one struct, n, w (total precision weight), y, squares,
-- var, v (known for published estimates only), and whether groups of equal n are alike.
CREATE OR REPLACE MACRO _pool_groups(inputs, plain, weighed, sigma2) AS TABLE
    WITH _pool_of_rows AS NOT MATERIALIZED (
        SELECT *, _pool_n AS _pool_w,
            pool_above_rounding(_pool_n, pool_squares(_pool_n, _pool_var), _pool_y) AS _pool_squares,
            NULL::DOUBLE AS _pool_v, NOT _pool_own_variance(sigma2) AS _pool_sized
        FROM query_table(plain)
    ),
    _pool_of_any_input AS NOT MATERIALIZED (
        FROM _pool_of_rows
        UNION ALL BY NAME
        SELECT * EXCLUDE (_pool_bad_weights, _pool_bad_n, _pool_bad_var, _pool_bad_se)
            REPLACE (pool_above_rounding(_pool_n, _pool_squares, _pool_y) AS _pool_squares),
            pool_variance(_pool_n, _pool_squares) AS _pool_var
        FROM query_table(weighed)
    )
    SELECT *, struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM _pool_by_input(inputs, '_pool_of_rows', '_pool_of_any_input');

-- Groups with the components of their models, their mean, sigma2 and sampling variance. A known v is that of a
-- published estimate, or of a group without rows.
CREATE OR REPLACE MACRO _pool_sampled_groups(groups, components, sigma2) AS TABLE
    WITH _pool_pooled_groups AS NOT MATERIALIZED (
        SELECT g.* EXCLUDE (_pool_var, _pool_sized), c.* EXCLUDE (_pool_model), _pool_y + _pool_origin AS _pool_mean,
            _pool_sigma2 AS _pool_own
        FROM query_table(groups) AS g, query_table(components) AS c, _pool_origin
        WHERE _pool_same(g._pool_model, c._pool_model)
    ),
    _pool_separate_groups AS NOT MATERIALIZED (
        SELECT * REPLACE (pool_separate_variance(_pool_n, _pool_squares / (_pool_n - 1), _pool_sigma2) AS _pool_own)
        FROM _pool_pooled_groups
    ),
    _pool_squeezed_groups AS NOT MATERIALIZED (
        SELECT * REPLACE (pool_squeezed_variance(
            _pool_n, _pool_squares / (_pool_n - 1), _pool_df_prior, _pool_sigma2_prior) AS _pool_own)
        FROM _pool_pooled_groups
    )
    SELECT *, coalesce(_pool_v, pool_sampling_variance(_pool_own, _pool_w)) AS _pool_sampling
    FROM query_table(CASE _pool_name(sigma2)
        WHEN 'separate' THEN '_pool_separate_groups'
        WHEN 'squeezed' THEN '_pool_squeezed_groups'
        ELSE '_pool_pooled_groups'
    END);

-- ---------------------------------------------------------------------------------------------------------------------
-- Roots and maxima: the estimators of tau2 that have no closed form, for all models at once.
--
-- Each is a point where a slope rises through 0: the slope of the deviance (-2 log likelihood, or the leave-one-out
-- error), or Q less its expectation. A likelihood can have two maxima: a grid brackets every minimum of the deviance, a
-- search closes in on each to 1e-13, and the deepest is the estimate. x is tau2, or rho = tau2 / sigma2 where both are
-- estimated jointly.
-- ---------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE MACRO _pool_larger(a, b) AS CASE WHEN a > b THEN a ELSE b END;

-- The floor, `steps` steps of equal ratio from low to last, and high.
CREATE OR REPLACE MACRO _pool_point(i, floor, low, last, high, steps, points) AS
    CASE WHEN i = 0 THEN floor WHEN i = points THEN high ELSE low * (last / low) ** ((i - 1) / steps) END;

-- ---- a slope at the points x of a search ----------------------------------------------------------------------------
-- h = 1 / (u + x), where u is v, or v / sigma2 = 1 / w where sigma2 and tau2 are estimated jointly. Squares are summed
-- about c and moved to mu after: sum(h (y - mu)^2) = sum(h d^2) - 2 delta sum(h d) + delta^2 sum(h), d = y - c, delta =
-- mu - c. A search begins at the mean of the most precise groups, where large h lose no digits, and hands on its mu as
-- the next c, so that delta goes to 0 as x settles.

-- ---- sums of one term per group -------------------------------------------------------------------------------------

-- ---- slopes of other searches ---------------------------------------------------------------------------------------

-- ---- the search -----------------------------------------------------------------------------------------------------

-- Chandrupatla (1997): the next point between x1 and x2, as a share of the way from the newest point x1. It comes from
-- inverse quadratic interpolation where that is safe, else it is half way. phi = (f1 - f2) / (f3 - f2), xi = (x1 - x2)
-- / (x3 - x2).
CREATE OR REPLACE MACRO _pool_share(x1, f1, x2, f2, x3, f3, phi, xi, least_share) AS
    CASE
        WHEN phi * phi < xi AND (1 - phi) * (1 - phi) < 1 - xi THEN least(1 - least_share, greatest(least_share,
            f1 / (f1 - f2) * f3 / (f3 - f2) + (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f3 - f2)))
        ELSE 0.5
    END;

-- Whether a bracket, of the newest point x1 and of x2, is as narrow as its tolerance, or x1 is the root.
CREATE OR REPLACE MACRO _pool_tolerance(x1, f1, x2, f2) AS 1e-13 * abs(CASE WHEN abs(f1) < abs(f2) THEN x1 ELSE x2 END);
CREATE OR REPLACE MACRO _pool_is_closed(x1, f1, x2, f2) AS f1 = 0 OR abs(x2 - x1) <= _pool_tolerance(x1, f1, x2, f2);

-- Every local minimum of every model, to 1e-13 of x, with the deviance and hd2 there, and the phase in which its search
-- ended: one that is still between two points did not settle.
CREATE OR REPLACE MACRO _pool_minima(cells, classes, method) AS TABLE
    WITH RECURSIVE _pool_search AS (
        SELECT 0 AS step, 'low' AS phase, * EXCLUDE (x3, f3, from_x, to_x), from_x AS x, NULL::DOUBLE AS x1,
            NULL::DOUBLE AS f1, to_x AS x2, NULL::DOUBLE AS f2, x3, f3, NULL::DOUBLE AS deviance, NULL::DOUBLE AS hd2
        FROM query_table(cells)
        UNION ALL
        SELECT step + 1,
            CASE WHEN phase = 'between' AND _pool_is_closed(x1, f1, x2, f2) THEN 'minimum' ELSE phase END,
            id, model, n, ssw, jointly, known, expected, umin, at_umin, j, side, c, below, beyond,
            CASE
                WHEN phase = 'up' THEN x2
                WHEN phase <> 'between' OR _pool_is_closed(x1, f1, x2, f2) THEN x1
                ELSE x1 + (x2 - x1) * _pool_share(x1, f1, x2, f2, x3, f3, (f1 - f2) / (f3 - f2),
                    (x1 - x2) / (x3 - x2), _pool_tolerance(x1, f1, x2, f2) / 2 / abs(x2 - x1))
            END,
            x1, f1, x2, f2, x3, f3, deviance, hd2
        FROM (
            SELECT step,
                (CASE
                    WHEN phase = 'low' THEN CASE WHEN NOT ((slope < 0) = CASE WHEN phase = 'low' THEN coalesce(x2 >= x, true) ELSE f1 < 0 END) THEN below WHEN f3 IS NOT NULL THEN 'between' ELSE 'up' END
                    WHEN phase = 'up' AND ((slope < 0) = CASE WHEN phase = 'low' THEN coalesce(x2 >= x, true) ELSE f1 < 0 END) THEN beyond
                    ELSE 'between'
                END) AS phase,
                id, model, n, ssw, jointly, known, expected, umin, at_umin, j, side, c + delta AS c, below, beyond,
                x AS x1, slope AS f1,
                CASE WHEN phase = 'low' OR (slope < 0) = (f1 < 0) THEN x2 ELSE x1 END AS x2,
                -- the upper end by the line, which is not evaluated
                CASE
                    WHEN phase = 'low' THEN slope + (slope - f3) / (x - x3) * (x2 - x)
                    WHEN (slope < 0) = (f1 < 0) THEN f2
                    ELSE f1
                END AS f2,
                CASE WHEN phase = 'low' THEN x3 WHEN (slope < 0) = (f1 < 0) THEN x1 ELSE x2 END AS x3,
                CASE WHEN phase = 'low' THEN f3 WHEN (slope < 0) = (f1 < 0) THEN f1 ELSE f2 END AS f3, deviance, hd2
            FROM (WITH about AS (SELECT step, phase, id, model, n, ssw, jointly, known, expected, umin, at_umin, j, side, c, below, beyond, x,
                x1, f1, x2, f2, x3, f3, s1, s2, hd, h2d, logs, delta, pool_pairs(at_umin, top, rest, rest2) AS pairs,
                (at_umin - 1) * top + rest AS others, (hd2 - 2 * delta * hd + delta * delta * s1) AS hd2,
                (h2d2 - 2 * delta * h2d + delta * delta * s2) AS h2d2
            FROM (
                SELECT *, pool_precision(umin, x) AS top, at_umin * top + rest AS s1, at_umin * top * top + rest2 AS s2,
                    CASE WHEN known IS NULL THEN hd / s1 ELSE known - c END AS delta
                FROM (SELECT * EXCLUDE (deviance, hd2) FROM _pool_search) JOIN (SELECT id, sum(k * h * d) AS hd, sum(k * h * h * d) AS h2d, sum(k * h * (d * d + spread)) AS hd2,
                        sum(k * h * h * (d * d + spread)) AS h2d2, sum(k * pool_log_variance(u, x)) AS logs,
                        sum(CASE WHEN u > umin THEN k * h ELSE 0.0 END) AS rest,
                        sum(CASE WHEN u > umin THEN k * h * h ELSE 0.0 END) AS rest2
                    FROM (
                        SELECT id, x, umin, k, u, spread, y - c AS d, pool_precision(u, x) AS h
                        FROM (SELECT id, model, x, c, umin FROM _pool_search WHERE phase IN ('low', 'up', 'between'))
                        JOIN (SELECT model, k, y, spread, u FROM query_table(classes)) USING (model)
                    )
                    GROUP BY id) USING (id)
            )) FROM (WITH "tau" AS (SELECT * EXCLUDE (hd2, sigma2, restricted), sigma2 AS hd2, x * sigma2 - expected AS slope,
                CASE WHEN jointly THEN pool_rows_deviance(ssw, hd2, logs, sigma2, n) ELSE pool_ml_deviance(logs, hd2) END
                    + CASE WHEN restricted THEN ln(s1 / sigma2) ELSE 0.0 END AS deviance
            FROM (
                SELECT *, side > 0 AND known IS NULL AS restricted,
                    CASE
                        WHEN NOT jointly THEN 1.0
                        WHEN side > 0 AND known IS NULL
                            THEN pool_reml_variance_at(ssw, hd2 - x * h2d2, j - x * s1, n - j, s1 - x * s2, s1)
                        ELSE pool_ml_variance_at(ssw, hd2 - x * h2d2, j - x * s1, n - j)
                    END AS sigma2
                FROM about
            )),
            "pm" AS (
                SELECT *, -(hd2 - expected) AS slope, 0.0 AS deviance
                FROM about
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
                FROM about
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
                FROM about
            ),
            "chung" AS (
                SELECT *, others - umin / (x * (umin + x)) - h2d2 AS slope, logs + hd2 - ln(x) AS deviance
                FROM about
            ),
            "_pool_sure_counted" AS (
                SELECT *, pooling * pooling AS counted
                FROM (
                    SELECT *,
                        CASE WHEN u = 'infinity'::DOUBLE THEN 1.0 WHEN u = 0 THEN 0.0 ELSE u / (x + u) END AS pooling,
                        1 / (u + x) AS w
                    FROM (SELECT id, x, known, k, n, y, spread, squares, u
                    FROM (SELECT id, model, x, known FROM about)
                    JOIN (SELECT model, k, n, y, spread, squares, u FROM query_table(classes)) USING (model))
                )
            ),
            "_pool_sure_terms" AS (
                SELECT id, k,
                    2 * pooling * pooling * (1 - w * d2) AS slope,
                    pooling * pooling * d2 + pooling * (x - u) AS deviance
                FROM (WITH sums AS (
                    SELECT id, any_value(known) AS fixed, sum(k * counted) AS s1, sum(k * counted * counted) AS s2,
                        sum(k * counted * y) AS sy, sum(k * counted * counted * y) AS s2y
                    FROM "_pool_sure_counted" GROUP BY id
                ),
                centres AS (
                    SELECT id, coalesce(fixed, sy / NULLIF(s1, 0), 0.0) AS mu,
                        CASE WHEN fixed IS NULL THEN s1 ELSE 'infinity'::DOUBLE END AS s,
                        CASE WHEN fixed IS NULL THEN s2 ELSE 0.0 END AS s2,
                        CASE WHEN fixed IS NULL THEN -(s2y - sy / s1 * sums.s2) / s1 ELSE 0.0 END AS mu_slope
                    FROM sums
                )
                SELECT *, y - mu AS d, (y - mu) * (y - mu) + spread AS d2
                FROM "_pool_sure_counted" JOIN centres USING (id))
            ),
            "sure" AS (
                FROM about JOIN (SELECT id, sum(k * slope) AS slope, sum(k * deviance) AS deviance FROM "_pool_sure_terms" GROUP BY id) USING (id)
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
                        FROM (SELECT id, k, n, squares, u, x, y - mu AS d, (y - mu) * (y - mu) + spread AS d2, s, s2, mu_slope
                        FROM (
                            SELECT id, model, x, coalesce(known, c + hd / s1) AS mu,
                                CASE WHEN known IS NULL THEN s1 ELSE 'infinity'::DOUBLE END AS s,
                                CASE WHEN known IS NULL THEN s2 ELSE 0.0 END AS s2,
                                CASE WHEN known IS NULL THEN -(h2d - hd / s1 * s2) / s1 ELSE 0.0 END AS mu_slope
                            FROM about
                        )
                        JOIN query_table(classes) USING (model))
                    )
                )
            ),
            "cv" AS (
                FROM about JOIN (SELECT id, sum(k * slope) AS slope, sum(k * deviance) AS deviance FROM "_pool_cv_terms" GROUP BY id) USING (id)
            )
            FROM query_table(method)))
        )
        WHERE step < 200 AND phase <> 'nothing'
    )
    SELECT id, model, side, x, deviance, hd2, phase
    FROM _pool_search
    WHERE phase IN ('minimum', 'floor', 'pole', 'open') OR step = 200 AND phase = 'between';

-- The deepest minimum of every model, or 0 where it is at the floor; a minimum at a pole only where there is no other.
CREATE OR REPLACE MACRO _pool_by_search(moved, facts, method) AS TABLE
    WITH cells AS (SELECT model * 1000 + i AS id, model, n, ssw, jointly, known, expected, umin, at_umin, j, 1.0::DOUBLE AS side,
        coalesce(known, y_at_umin) AS c, x3, CASE WHEN bend < high AND i = points - 1 THEN f3 END AS f3,
        CASE WHEN i > 0 THEN 'nothing' WHEN pole THEN 'pole' ELSE 'floor' END AS below,
        CASE WHEN i < points - 1 THEN 'nothing' ELSE 'open' END AS beyond,
        _pool_point(i + (i > 0 AND i < points - 1)::INTEGER, floor, low, last, high, steps, points) AS from_x,
        _pool_point(i + (i = 0 OR i = points - 1)::INTEGER, floor, low, last, high, steps, points) AS to_x
    FROM (
        SELECT *, unnest(range(0, points)) AS i
        FROM (
            SELECT *, CASE WHEN bend < high THEN greatest(bend, low) ELSE high END AS last,
                1 + least(ceil(2 * log10(last / low)), 100)::BIGINT AS steps,
                CASE WHEN low >= high OR bend <= 0 THEN 1 WHEN bend < high THEN steps + 2 ELSE steps + 1 END AS points
            FROM (WITH "pm" AS (
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
            FROM query_table(method))
        )
    )),
    minima AS (
        SELECT model, CASE WHEN phase IN ('floor', 'pole') THEN 0.0 ELSE x END AS x, hd2,
            phase IN ('minimum', 'floor') AS done,
            CASE WHEN phase = 'pole' THEN 'infinity'::DOUBLE ELSE deviance END AS depth
        FROM _pool_minima('cells', moved, method)
    )
    SELECT model, arg_min(x, depth) AS x, arg_min(hd2, depth) AS hd2, arg_min(done, depth) AS done
    FROM minima GROUP BY model;

-- ---------------------------------------------------------------------------------------------------------------------
-- Compression: groups of nearly equal sampling variance become a few pseudo-groups with the same sums.
--
-- The formulas and their source are those of polars_pool/formulas/compression.py: in each bin of u, 3 pseudo-groups at
-- each of 8 points of u. Their counts are signed. u is v, or 1 / w where v = sigma2 / w with one sigma2.
-- ---------------------------------------------------------------------------------------------------------------------

-- Classes in which the single groups of compressed models are pseudo-groups. A bin of few groups keeps them, so that
-- one group that outweighs all others is one class; a bin with one value of u is one class.
CREATE OR REPLACE MACRO _pool_compressed(sampled) AS TABLE
    WITH binned AS MATERIALIZED (SELECT model, w, y, v, u,
        CASE WHEN u > 0 THEN floor(8 * log2(u)) ELSE '-infinity'::DOUBLE END AS bin
    FROM query_table(sampled) WHERE compressed),
    bins AS MATERIALIZED (SELECT *, groups <= 24 AS keeps, coalesce(u_least < u_largest, false) AS varies
    FROM (
        SELECT model, bin, count(*)::DOUBLE AS groups, avg(y) AS mean, stddev_pop(y) AS sd, min(v) AS v_least,
            max(v) AS v_largest, min(u) AS u_least, max(u) AS u_largest
        FROM binned GROUP BY model, bin
    ))
    SELECT model, n, w, k, y, squares, v, spread FROM query_table(sampled) WHERE NOT compressed
    UNION ALL BY NAME
    SELECT model, w, 1.0 AS k, y, v, 0.0 AS spread
    FROM binned JOIN (SELECT model, bin FROM bins WHERE varies AND keeps) USING (model, bin)
    UNION ALL BY NAME
    SELECT model, 1 / u_least AS w, groups AS k, mean AS y, v_least AS v, sd * sd AS spread
    FROM bins WHERE NOT varies
    UNION ALL BY NAME
    FROM (SELECT model, 1 / ((u_least * (1 - x::DOUBLE) + u_largest * (1 + x::DOUBLE)) / 2) AS w,
        CASE side
            WHEN 1 THEN ((second::DOUBLE + first) / 2)
            WHEN -1 THEN ((second::DOUBLE - first) / 2)
            ELSE (one::DOUBLE - second)
        END AS k,
        mean + side * sd AS y, ((v_least * (1 - x::DOUBLE) + v_largest * (1 + x::DOUBLE)) / 2) AS v, 0.0 AS spread
    FROM (
        SELECT *, list_inner_product(counts, ones) AS one, list_inner_product(counts, firsts) AS first,
            list_inner_product(counts, seconds) AS second
        FROM (SELECT model, bin,
            [sum(1.0), sum(t), sum(t2), sum(t3), sum(t4), sum(t5), sum(t6), sum(t7)] AS ones,
            [sum(z), sum(t * z), sum(t2 * z), sum(t3 * z), sum(t4 * z), sum(t5 * z), sum(t6 * z), sum(t7 * z)] AS firsts,
            [sum(z2), sum(t * z2), sum(t2 * z2), sum(t3 * z2), sum(t4 * z2), sum(t5 * z2), sum(t6 * z2), sum(t7 * z2)]
                AS seconds
        FROM (
            SELECT *, 2 * t2 * t3 - t AS t5, 2 * t3 * t3 - 1 AS t6, 2 * t3 * t4 - t AS t7
            FROM (
                SELECT *, 2 * t * t2 - t AS t3, 2 * t2 * t2 - 1 AS t4
                FROM (
                    SELECT *, 2 * t * t - 1 AS t2, z * z AS z2
                    FROM (
                        SELECT model, bin, (CASE
                            WHEN u_largest::DOUBLE > u_least
                                THEN (u::DOUBLE - u_least - (u_largest::DOUBLE - u))
                                / CASE WHEN u_largest::DOUBLE > u_least THEN u_largest::DOUBLE - u_least ELSE 1.0 END
                            ELSE 1.0
                        END) AS t,
                            (CASE
                                WHEN sd::DOUBLE > 0 THEN (y::DOUBLE - mean) / CASE WHEN sd::DOUBLE > 0 THEN sd::DOUBLE ELSE 1.0 END
                                ELSE 0.0
                            END) AS z
                        FROM binned JOIN (
                            SELECT model, bin, mean, sd, u_least, u_largest
                            FROM bins WHERE varies AND NOT keeps
                        ) USING (model, bin)
                    )
                )
            )
        )
        GROUP BY model, bin) JOIN bins USING (model, bin), (SELECT * FROM (VALUES
            (1.0e0,
                [0.07142857142857142e0, 0.14285714285714285e0, 0.14285714285714285e0, 0.14285714285714285e0,
                0.14285714285714285e0, 0.14285714285714285e0, 0.14285714285714285e0, 0.07142857142857142e0]),
            (0.9009688679024191e0,
                [0.14285714285714285e0, 0.2574196765435483e0, 0.1781399433882096e0, 0.06357740970180413e0,
                -0.0635774097018041e0, -0.17813994338820957e0, -0.2574196765435483e0, -0.14285714285714285e0]),
            (0.6234898018587336e0,
                [0.14285714285714285e0, 0.1781399433882096e0, -0.0635774097018041e0, -0.2574196765435483e0,
                -0.2574196765435483e0, -0.06357740970180417e0, 0.17813994338820954e0, 0.14285714285714285e0]),
            (0.22252093395631445e0,
                [0.14285714285714285e0, 0.06357740970180413e0, -0.2574196765435483e0, -0.17813994338820963e0,
                0.17813994338820954e0, 0.25741967654354847e0, -0.06357740970180402e0, -0.14285714285714285e0]),
            (-0.22252093395631434e0,
                [0.14285714285714285e0, -0.0635774097018041e0, -0.2574196765435483e0, 0.17813994338820954e0,
                0.17813994338820963e0, -0.25741967654354825e0, -0.06357740970180423e0, 0.14285714285714285e0]),
            (-0.6234898018587335e0,
                [0.14285714285714285e0, -0.17813994338820957e0, -0.06357740970180417e0, 0.25741967654354847e0,
                -0.25741967654354825e0, 0.06357740970180399e0, 0.1781399433882101e0, -0.14285714285714285e0]),
            (-0.900968867902419e0,
                [0.14285714285714285e0, -0.2574196765435483e0, 0.17813994338820954e0, -0.06357740970180402e0,
                -0.06357740970180423e0, 0.1781399433882101e0, -0.2574196765435484e0, 0.14285714285714285e0]),
            (-1.0e0,
                [0.07142857142857142e0, -0.14285714285714285e0, 0.14285714285714285e0, -0.14285714285714285e0,
                0.14285714285714285e0, -0.14285714285714285e0, 0.14285714285714285e0, -0.07142857142857142e0])
        ) AS points(x, counts))
    ), (VALUES (1), (-1), (0)) AS sides(side));

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

-- Classes with their sampling variance, single groups of large models compressed.
CREATE OR REPLACE MACRO _pool_sampled(classes, counted, inputs, sigma2) AS TABLE
    WITH each AS NOT MATERIALIZED (WITH joined AS (
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
    )),
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
            identified_by_weights AND pooled IS NULL AND on_rows AND (method IN ('ml', 'reml', 'cv')) AS separated,
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
        identified AND measurable AND (CASE
            WHEN method IN ('js', 'morris') THEN j >= 1 AND j - fitted >= 3
            WHEN method = 'chung' THEN j >= 2 AND j - fitted >= 1
            ELSE j >= 1 AND j - fitted >= 1
        END) AS estimable,
        separated AND measurable OR estimable AND scaled.ssw > 0 AND on_rows AND (method IN ('ml', 'reml', 'cv')) AS jointly
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
        SELECT c.*, (CASE
            WHEN method = 'anova' THEN w
            WHEN method IN ('dl', 'hs', 'hsk') THEN CASE WHEN v = 0 THEN 0.0 ELSE 1 / v END
            WHEN method = 'sj' THEN 1 / (v + CASE WHEN (plain_squares / j) = 0 THEN 1.0 ELSE (plain_squares / j) END)
            ELSE 1.0
        END) AS a
        FROM query_table(moved) AS c JOIN (SELECT model, plain_squares, j FROM query_table(facts)) USING (model)
    ),
    centres AS (
        SELECT f.*, top,
            coalesce(known, CASE WHEN exact > 0 AND (method IN ('dl', 'hs', 'hsk')) THEN 0.0 ELSE ay / a END) AS centre
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
    SELECT model, NULL::DOUBLE AS hd2, NULL::BOOLEAN AS done, x FROM (WITH "anova" AS (
        SELECT model,
            CASE
                WHEN known IS NOT NULL THEN (ad2 - av) / a
                ELSE (ad2 - av + a2v / a) * a / pairs
            END AS x
        FROM squares
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
        FROM squares
    ),
    "hs" AS (
        SELECT model,
            CASE
                WHEN exact > fitted THEN exact_d2 / exact
                WHEN exact > 0 THEN 0.0
                ELSE (ad2 - j) / a
            END AS x
        FROM squares
    ),
    "hsk" AS (
        SELECT model,
            CASE
                WHEN exact > fitted THEN j / df * exact_d2 / exact
                WHEN exact > 0 THEN 0.0
                ELSE (j / df * ad2 - j) / a
            END AS x
        FROM squares
    ),
    "sj" AS (
        SELECT model, plain_squares / j * ad2 / df AS x
        FROM squares
    )
    FROM query_table(method));

-- ---- the components -------------------------------------------------------------------------------------------------

-- sigma2 and tau2 of every model, and whether the search settled. Where all rows are equal, means may differ by the
-- rounding of their sums only: then tau2 is 0.
CREATE OR REPLACE MACRO _pool_variances(facts, estimates, tau2, method) AS TABLE
    SELECT model, j, n, ssw, df, fitted, on_rows, known, pooled, exact, wmax, vmax, vleast, umin, at_umin, reach,
        plain_squares, jointly, estimable, identified, unit_, start, df_prior, sigma2_prior, x, sigma2_,
        CASE
            WHEN _pool_number(tau2) IS NOT NULL THEN _pool_number(tau2) / (unit_ * unit_)
            WHEN at_the_end THEN plain_squares / (CASE
                WHEN method = 'ml' THEN n
                WHEN method = 'reml' THEN n - 1
                WHEN method = 'cv' THEN n - j
            END)
            WHEN jointly THEN x * sigma2_
            WHEN estimable THEN CASE WHEN alike OR x_ < 0 THEN 0.0 ELSE x_ END
        END AS tau2_,
        identified AND measurable AND (_pool_number(tau2) IS NOT NULL OR j <= fitted
            OR estimable AND (at_the_end OR alike AND NOT jointly OR coalesce(done, x_ IS NOT NULL))) AS settled
    FROM (
        SELECT *,
            reach <= 4 * 8.881784197001252e-16 * 8.881784197001252e-16
                * _pool_larger((ymax + start / unit_) ** 2, (ymin + start / unit_) ** 2)
                AND (NOT (method = 'chung') OR exact = j) AS alike,
            -- the likelihood of groups with one row may rise up to the end of the grid
            separated AND x * wmin > 0.99e10 AS at_the_end,
            CASE
                WHEN at_the_end THEN 0.0
                WHEN jointly THEN (CASE
                    WHEN method = 'ml' THEN (ssw + hd2) / n
                    WHEN method = 'reml' THEN (ssw + hd2) / (n - 1)
                    WHEN method = 'cv' THEN CASE WHEN n > j THEN ssw / (n - j) END
                END)
                ELSE pooled
            END AS sigma2_,
            coalesce((CASE
                WHEN method = 'sure' THEN CASE WHEN exact = j THEN plain_squares / j END
                WHEN method = 'cv' THEN plain_squares / df
            END), x) AS x_
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

-- ---------------------------------------------------------------------------------------------------------------------
-- The standard error of tau2.
-- ---------------------------------------------------------------------------------------------------------------------

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
        (method = 'reml') AS restricted,
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
        SELECT *, pool_precision(v, t) AS h, CASE WHEN v = 0 THEN (2.0::DOUBLE ** 500) ELSE 1 / v END AS p
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

-- ---------------------------------------------------------------------------------------------------------------------
-- The interval of tau2.
--
-- Each limit is a root in x, which is tau2, or rho = tau2 / sigma2 where both are estimated jointly. `rise` is what
-- rises through 0 there. Cells are searched as in search.sql; a search has few columns, because each is planned in each
-- of its steps: `curve` holds what a model needs at every x.
-- ---------------------------------------------------------------------------------------------------------------------

-- The limits of tau2 in their cells. A search evaluates both ends of its cell, then closes in on the root. The result
-- is 0 where the rise is positive from the floor, and the end of the grid where it is not yet positive there.
CREATE OR REPLACE MACRO _pool_limits_in(cells, classes, restricted) AS TABLE
    WITH RECURSIVE _pool_limit_search AS (
        SELECT 0 AS step, id, model, curve, is_lower, from_floor, open, c, lower AS x, NULL::DOUBLE AS x1,
            NULL::DOUBLE AS f1, upper AS x2, NULL::DOUBLE AS f2, NULL::DOUBLE AS x3, NULL::DOUBLE AS f3,
            NULL::DOUBLE AS result
        FROM query_table(cells)
        UNION ALL
        SELECT step + 1, id, model, curve, is_lower, from_floor, open, c,
            CASE
                WHEN step = 0 THEN x2
                ELSE x1 + (x2 - x1) * _pool_share(x1, f1, x2, f2, x3, f3, (f1 - f2) / (f3 - f2),
                    (x1 - x2) / (x3 - x2), _pool_tolerance(x1, f1, x2, f2) / 2 / abs(x2 - x1))
            END,
            x1, f1, x2, f2, x3, f3,
            CASE
                WHEN CASE step WHEN 0 THEN f1 >= 0 WHEN 200 THEN true
                    ELSE step = 1 AND f1 < 0 OR _pool_is_closed(x1, f1, x2, f2) END
                    THEN CASE WHEN x1 <= curve.floor THEN 0.0 ELSE x1 * coalesce(curve.scale, sigma2) END
            END
        FROM (
            SELECT step, id, model, curve, is_lower, from_floor, open, c, sigma2, x AS x1, rise AS f1,
                CASE WHEN step = 0 OR (rise < 0) = (f1 < 0) THEN x2 ELSE x1 END AS x2,
                CASE WHEN step = 0 OR (rise < 0) = (f1 < 0) THEN f2 ELSE f1 END AS f2,
                CASE WHEN (rise < 0) = (f1 < 0) THEN x1 ELSE x2 END AS x3,
                CASE WHEN (rise < 0) = (f1 < 0) THEN f1 ELSE f2 END AS f3
            FROM (SELECT step, id, model, curve, is_lower, from_floor, open, c + delta AS c, x, x1, f1, x2, f2, x3, f3, sigma2,
                CASE
                    WHEN curve.by_q THEN curve.level - hd2
                    ELSE curve.sign * (
                        CASE WHEN curve.jointly THEN pool_rows_deviance(curve.ssw, hd2, logs, sigma2, curve.n)
                            ELSE pool_ml_deviance(logs, hd2) END
                        + CASE WHEN restricted THEN ln(s1 / sigma2) ELSE 0.0 END - curve.level)
                END AS rise
            FROM (
                SELECT *,
                    CASE
                        WHEN NOT curve.jointly THEN 1.0
                        WHEN restricted
                            THEN pool_reml_variance_at(curve.ssw, hd2 - x * h2d2, curve.j - x * s1, curve.n - curve.j,
                                s1 - x * s2, s1)
                        ELSE pool_ml_variance_at(curve.ssw, hd2 - x * h2d2, curve.j - x * s1, curve.n - curve.j)
                    END AS sigma2
                FROM (
                    SELECT *, (about_c - 2 * delta * hd + delta * delta * s1) AS hd2,
                        (about_c2 - 2 * delta * h2d + delta * delta * s2) AS h2d2
                    FROM (
                        SELECT *, CASE WHEN curve.free THEN hd / s1 ELSE 0.0 END AS delta
                        FROM _pool_limit_search JOIN (SELECT id, sum(k * h) AS s1, sum(k * h * h) AS s2, sum(k * h * d) AS hd, sum(k * h * h * d) AS h2d,
                            sum(k * h * d2) AS about_c, sum(k * h * h * d2) AS about_c2, sum(k * pool_log_variance(u, x)) AS logs
                        FROM (
                            SELECT id, x, k, u, d, d * d + spread AS d2, pool_precision(u, x) AS h
                            FROM (
                                SELECT id, x, k, u, spread, y - c AS d
                                FROM (SELECT id, model, x, c FROM _pool_limit_search WHERE result IS NULL)
                                JOIN (SELECT model, k, y, spread, u FROM query_table(classes)) USING (model)
                            )
                        )
                        GROUP BY id) USING (id)
                    )
                )
            ))
            WHERE CASE step WHEN 0 THEN rise < 0 OR from_floor WHEN 1 THEN rise >= 0 OR open ELSE true END
        )
    )
    SELECT 8 * model + CASE WHEN is_lower THEN 6 ELSE 7 END AS id, result
    FROM _pool_limit_search WHERE result IS NOT NULL;

-- The limits of tau2. id is 8 times the model, plus 6 for the lower and 7 for the upper limit.
CREATE OR REPLACE MACRO _pool_limits(closed_forms, tails, moved, sigma2, method, limits) AS TABLE
    WITH none AS (SELECT NULL::BIGINT AS id, NULL::DOUBLE AS result WHERE false),
    q AS (SELECT 8 * id AS id, model,
        {by_q: true, sign: 1.0::DOUBLE, level: level, scale: unit, floor: floor, n: n, ssw: ssw, j: j, jointly: jointly,
            free: known IS NULL} AS curve,
        id % 8 = 4 AS is_lower, true AS from_floor, true AS open, coalesce(known, 0.0) AS c, floor AS lower,
        CASE WHEN plain_squares = 0 THEN 1.0 ELSE 1.001 * plain_squares / level END AS upper
    FROM (
        SELECT id, model, n, ssw, j, jointly, known, floor, plain_squares,
            CASE WHEN jointly THEN pooled ELSE 1.0 END AS unit, df * exp(result) * unit AS level
        FROM query_table(closed_forms) JOIN query_table(tails) ON model = id // 8 AND id % 8 >= 4
    )),
    profile AS (SELECT 64 * model + i AS id, model,
        {by_q: false, sign: CASE WHEN i = 0 THEN -1.0 ELSE 1.0 END::DOUBLE, level: level,
            scale: CASE WHEN NOT jointly THEN 1.0 END::DOUBLE, floor: floor, n: n, ssw: ssw, j: j, jointly: jointly,
            free: known IS NULL} AS curve,
        i = 0 AS is_lower, i = 0 AS from_floor, i IN (0, 40) AS open, c,
        CASE WHEN i <= 1 THEN floor ELSE step * 8.0 ** (i - 2) END AS lower,
        CASE WHEN i = 0 THEN best ELSE step * 8.0 ** (i - 1) END AS upper
    FROM (
        SELECT model, n, ssw, jointly, known, j, floor, best,
            at_best - CASE WHEN jointly THEN logs_of_w ELSE 0.0 END + normal_reach * normal_reach AS level,
            CASE WHEN exact > 0 THEN coalesce(known, 0.0) ELSE gls END AS c,
            unnest(CASE WHEN best > 0 THEN [0] || range(2, 41) ELSE range(1, 41) END) AS i,
            CASE WHEN best > 0 THEN best ELSE far END AS step
        FROM query_table(closed_forms) WHERE has_tau2 AND by_profile AND at_best IS NOT NULL AND df2 > 0
    )),
    either AS (FROM q UNION ALL FROM profile),
    cells AS (FROM query_table((CASE
        WHEN method = 'known' THEN 'none'
        WHEN limits::VARCHAR = 'profile' AND _pool_is_likelihood(method) THEN 'profile'
        WHEN limits IS NOT NULL OR NOT _pool_is_likelihood(method) OR _pool_name(sigma2) <> 'pooled' THEN 'q'
        ELSE 'either'
    END))),
    roots AS (FROM _pool_limits_in('cells', moved, (method = 'reml')))
    FROM query_table(CASE WHEN (CASE
        WHEN method = 'known' THEN 'none'
        WHEN limits::VARCHAR = 'profile' AND _pool_is_likelihood(method) THEN 'profile'
        WHEN limits IS NOT NULL OR NOT _pool_is_likelihood(method) OR _pool_name(sigma2) <> 'pooled' THEN 'q'
        ELSE 'either'
    END) = 'none' THEN 'none' ELSE 'roots' END);

-- ---------------------------------------------------------------------------------------------------------------------
-- The error of tau2 as far as it affects the estimates of groups.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- One row per model: the estimates of its components, and what inference adds to them.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per model: the components, NULL where the data do not identify them. `detail` chooses further columns: none
-- ('estimates'), the error of tau2 that the estimates of groups need ('errors'), or tests and intervals ('inference').
CREATE OR REPLACE MACRO _pool_results(
    models, moved, facts, sigma2, tau2, mu, method, level, test, limits, detail
) AS TABLE
    WITH estimates AS (FROM _pool_estimated_by(moved, facts, method)),
    variances AS MATERIALIZED (FROM _pool_variances(facts, 'estimates', tau2, method)),
    fitted_classes AS MATERIALIZED (FROM _pool_fitted_classes(moved, 'variances', mu)),
    plain_centres AS (SELECT model, sum(k * c * y) / sum(k * c) AS own,
        sum(k * pool_centre_error(c, v, t)) / (sum(k * c) * sum(k * c)) AS variance
    FROM fitted_classes GROUP BY model),
    fitted_centres AS (FROM _pool_fitted_centres('fitted_classes')),
    centres AS MATERIALIZED (
        FROM query_table(CASE WHEN detail = 'inference' THEN 'fitted_centres' ELSE 'plain_centres' END)
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
        FROM (SELECT model, _pool_model FROM query_table(models)) LEFT JOIN variances USING (model)
            LEFT JOIN centres USING (model), (SELECT has_n FROM _pool_request), _pool_origin
    ),
    errors AS (WITH weighed AS (
        SELECT *, pool_precision(positive, tau2_) AS p,
            (CASE
                WHEN method = 'anova' THEN w
                WHEN method = 'he' THEN 1.0
                WHEN method IN ('dl', 'hs', 'hsk') THEN 1 / positive
                WHEN method = 'sj' THEN 1 / (positive + crude)
                ELSE p
            END) AS a,
            CASE WHEN (method IN ('ml', 'reml')) THEN 1.0 ELSE positive + tau2_ END AS s,
            a * a * s AS r, a * a / w AS q
        FROM (
            SELECT model, k, w, tau2_, plain_squares / j AS crude,
                CASE WHEN jointly THEN pool_sampling_variance(sigma2_, w) WHEN v = 0 THEN 1e-12 * vleast ELSE v
                    END AS positive
            FROM query_table(moved) JOIN (
                SELECT model, tau2_, sigma2_, jointly, vleast, plain_squares, j FROM variances
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
            SELECT *, (CASE WHEN a = ta THEN ra + (na - 1) * ta ELSE sa - a END) AS oa, (CASE WHEN r = tr THEN rr + (nr - 1) * tr ELSE sr - r END) AS other_r,
                (CASE WHEN q = tq THEN rq + (nq - 1) * tq ELSE sq - q END) AS oq
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
        FROM sums JOIN variances USING (model)
    )
    SELECT model,
        CASE
            WHEN vmax = 0 OR sigma2_ = 0 THEN 0.0
            WHEN jointly AND (method = 'reml') THEN pool_error_of_ratio(
                (diagonal + rest) / (total * total), ts / (total * total), ss / (total * total), within,
                tau2_ / sigma2_)
            WHEN jointly THEN pool_error_of_ratio(s2, s2_w, s2_w2, within, tau2_ / sigma2_)
            ELSE _pool_error_variance(method, squares_variance, known_variance, total, trace, plain_squares, j, df, s1)
        END AS error,
        CASE WHEN vmax = 0 OR sigma2_ = 0 THEN 0.0 ELSE (CASE
            WHEN method IN ('pm', 'eb') THEN -2 * (j * s2 - s1 * s1) / (s1 * s1 * s1)
            WHEN method = 'pmm' THEN -2 * (j * s2 - s1 * s1) / (s1 * s1 * s1) - (df - pool_chi_square_median(df)) / s1
            WHEN method = 'ml' THEN fitted * (1 / s1)
            ELSE 0.0
        END) END
            AS correction
    FROM variances_of_squares),
    with_errors AS (
        SELECT plain.*, error * _pool_unit ** 4 AS _pool_error, correction * _pool_unit ** 2 AS _pool_correction
        FROM plain LEFT JOIN errors ON plain._pool_id = errors.model
    ),
    inferred AS (WITH fitted_models AS MATERIALIZED (FROM _pool_fitted_models('variances', 'centres', mu, method, limits)),
        sums AS MATERIALIZED (FROM _pool_fitted_sums('fitted_classes', 'fitted_models')),
        closed_forms AS MATERIALIZED (FROM _pool_closed_forms('fitted_models', 'sums', method, level, test)),
        errors AS (WITH no_error AS (SELECT NULL::BIGINT AS model, NULL::DOUBLE AS error2 WHERE false),
        of_sums AS (
            SELECT model, _pool_error_variance(method, NULL::DOUBLE, NULL::DOUBLE, NULL::DOUBLE, NULL::DOUBLE,
                plain_squares, j, df, s1) AS error2
            FROM closed_forms WHERE has_tau2
        ),
        of_squares AS (WITH weighed AS MATERIALIZED (SELECT *, a * a * s AS b, a * a / w AS c
        FROM (
            SELECT model, k, w, CASE WHEN (method = 'anova') THEN w = wmax ELSE is_top END AS top,
                (CASE
                    WHEN method = 'anova' THEN w
                    WHEN method = 'he' THEN 1.0
                    WHEN method IN ('dl', 'hs', 'hsk') THEN 1 / v
                    WHEN method = 'sj' THEN 1 / (v + crude)
                    ELSE pool_precision(v, t)
                END) AS a,
                CASE WHEN (method IN ('ml', 'reml')) THEN 1.0 ELSE v + t END AS s
            FROM fitted_classes
            JOIN (SELECT model, wmax, plain_squares / j AS crude FROM fitted_models) USING (model)
        ))
        SELECT model,
            CASE
                WHEN jointly AND sigma2_ > 0 AND (method = 'reml') THEN pool_variance_by_information(
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
                SELECT model, j, n, df, known, jointly, sigma2_, plain_squares FROM fitted_models WHERE has_tau2
            ) JOIN (WITH sums AS (
                SELECT model, sum(CASE WHEN top THEN k ELSE 0.0 END) AS at_top,
                    sum(k * a) AS sum_a, sum(CASE WHEN top THEN 0.0 ELSE k * a END) AS rest_a,
                    sum(k * b) AS sum_b, sum(CASE WHEN top THEN 0.0 ELSE k * b END) AS rest_b,
                    sum(k * c) AS sum_c, sum(CASE WHEN top THEN 0.0 ELSE k * c END) AS rest_c,
                    sum(k * a * a * s * s) AS aass, sum(k * a * a / (w * w)) AS aaww
                FROM weighed GROUP BY model
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
                FROM weighed JOIN sums USING (model)
            )
            GROUP BY model) USING (model)
        ))
        FROM query_table(CASE
            WHEN method = 'known' OR list_contains(pool_methods_without_error('tau2'), method) THEN 'no_error'
            WHEN (method IN ('anova', 'he', 'dl', 'hs', 'hsk', 'sj', 'ml', 'reml')) THEN 'of_squares'
            ELSE 'of_sums'
        END)),
        required AS (WITH of_q AS (
            SELECT 8 * model + which AS id, df / 2 AS a, df2 / 2 AS b,
                CASE WHEN which = 0 AND q > 0 THEN ln(q / df) END AS w,
                CASE which WHEN 4 THEN (1 + _pool_number(level)) / 2 WHEN 5 THEN (1 - _pool_number(level)) / 2 END AS p,
                NULL::DOUBLE AS z
            FROM (
                SELECT model, df, df2, q,
                    unnest(CASE WHEN has_tau2 AND method <> 'known' AND NOT by_profile THEN [0, 4, 5] ELSE [0] END) AS which
                FROM closed_forms WHERE df > 0 AND df2 > 0
            )
            WHERE which > 0 OR q > 0
        ),
        of_mu AS (
            SELECT 8 * model + which AS id, 0.5 AS a, df / 2 AS b, CASE WHEN which = 1 THEN 2 * ln(t) END AS w,
                CASE WHEN which = 3 THEN _pool_number(level) END AS p, NULL::DOUBLE AS z
            FROM (
                SELECT model, df, unnest([1, 3]) AS which,
                    CASE WHEN se > 0 AND mu_ <> 0 THEN greatest(least(abs(mu_) / se, 1e300), 1e-300) END AS t
                FROM closed_forms WHERE df >= 1
            )
            WHERE which = 3 OR t > 0
        ),
        of_q_and_mu AS (FROM of_q UNION ALL FROM of_mu)
        FROM query_table(CASE WHEN test = 'z' THEN 'of_q' ELSE 'of_q_and_mu' END)),
        tails AS MATERIALIZED (FROM _pool_tails_and_quantiles('required')),
        gathered AS (
            SELECT id // 8 AS model, max(result) FILTER (id % 8 = 0) AS q_p, max(result) FILTER (id % 8 = 1) AS student_p,
                max(result) FILTER (id % 8 = 3) AS log_reach2, max(result) FILTER (id % 8 = 6) AS lower,
                max(result) FILTER (id % 8 = 7) AS upper
            FROM (
                SELECT id, result FROM tails
                UNION ALL FROM _pool_limits('closed_forms', 'tails', moved, sigma2, method, limits)
            )
            GROUP BY ALL
        ),
        with_inference AS (
            SELECT model, q, q_exact, q_p, df, df2, tau2_, typical, error2, unit_, has_tau2, by_profile, best, at_best,
                lower, upper, on_rows, lrt, mu_, se, student_p,
                CASE WHEN test = 'z' THEN normal_reach ELSE exp(log_reach2 / 2) END AS reach_,
                
                list_transform([least(sqrt(lrt), 40.0), least(abs(mu_) / se, 40.0)], lambda x: 2 * ((exp((trunc(x * 16e0) * 0.0625e0) * (trunc(x * 16e0) * 0.0625e0) * -0.5e0) * exp(((trunc(x * 16e0) * 0.0625e0) - x) * ((trunc(x * 16e0) * 0.0625e0) + x) * 0.5e0)) * _pool_normal_mills(x)))
                    AS normal_p,
                _pool_finite(pool_log_likelihood(deviance, numbers) - numbers * ln(unit_)) AS log_likelihood
            FROM closed_forms LEFT JOIN gathered USING (model) LEFT JOIN errors USING (model)
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
            pool_akaike(log_likelihood, on_rows::INTEGER + (method <> 'known')::INTEGER
                + (_pool_number(mu) IS NULL)::INTEGER) AS aic,
            lrt, CASE WHEN lrt IS NOT NULL THEN pool_half_half(lrt, normal_p[1]) END AS lrt_p,
            CASE WHEN _pool_number(mu) IS NOT NULL THEN mu_ ELSE mu_ - reach_ * se END * unit_ AS mu_lower,
            CASE WHEN _pool_number(mu) IS NOT NULL THEN mu_ ELSE mu_ + reach_ * se END * unit_ AS mu_upper,
            CASE
                WHEN test = 'z' THEN CASE WHEN se > 0 AND mu_ IS NOT NULL THEN normal_p[2] END
                WHEN mu_ = 0 AND se > 0 AND df >= 1 THEN 1.0
                ELSE student_p
            END AS mu_p,
            (mu_ - reach_ * pool_prediction_error(tau2_, se)) * unit_ AS new_lower,
            (mu_ + reach_ * pool_prediction_error(tau2_, se)) * unit_ AS new_upper,
            se * unit_ AS se_mu_
        FROM with_inference),
    with_inference AS (
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
    FROM query_table(CASE detail
        WHEN 'inference' THEN 'with_inference' WHEN 'errors' THEN 'with_errors' ELSE 'plain' END);

-- The same by size where groups of equal size are alike.
CREATE OR REPLACE MACRO _pool_components_by(
    groups, inputs, sigma2, tau2, mu, method, level, test, limits, detail
) AS TABLE
    WITH by_class AS NOT MATERIALIZED (WITH sizes AS MATERIALIZED (FROM _pool_sizes(groups)),
        singles AS NOT MATERIALIZED (FROM _pool_singles(groups)),
        classes AS NOT MATERIALIZED (FROM _pool_classes('sizes', 'singles', inputs, sigma2)),
        models AS MATERIALIZED (FROM _pool_models('classes', inputs)),
        within AS (FROM _pool_within('models', sigma2, mu)),
        with_prior AS (FROM _pool_with_prior('classes', 'within')),
        counted AS MATERIALIZED (
            FROM query_table(CASE WHEN _pool_name(sigma2) = 'squeezed' THEN 'with_prior' ELSE 'within' END)
        ),
        sampled AS MATERIALIZED (FROM _pool_sampled('classes', 'counted', inputs, sigma2)),
        started AS MATERIALIZED (FROM _pool_started('sampled', 'counted', method, true)),
        moved AS MATERIALIZED (FROM _pool_moved('sampled', 'started')),
        facts AS MATERIALIZED (FROM _pool_facts('moved', 'started'))
        FROM _pool_results('models', 'moved', 'facts', sigma2, tau2, mu, method, level, test, limits, detail)),
    by_size AS NOT MATERIALIZED (WITH sizes AS MATERIALIZED (FROM _pool_sizes(groups)),
        models AS MATERIALIZED (FROM _pool_models('sizes', inputs)),
        started AS MATERIALIZED (FROM _pool_started_by_size('models', sigma2, mu, method)),
        moved AS MATERIALIZED (FROM _pool_moved_by_size('sizes', 'started')),
        facts AS MATERIALIZED (FROM started JOIN _pool_sums_of_classes('moved') USING (model))
        FROM _pool_results('models', 'moved', 'facts', sigma2, tau2, mu, method, level, test, limits, detail))
    FROM _pool_by_input(inputs, CASE WHEN _pool_own_variance(sigma2) THEN 'by_class' ELSE 'by_size' END, 'by_class');

-- ---------------------------------------------------------------------------------------------------------------------
-- Groups by size: the fit of plain rows with one sigma2.
--
-- A class is a number of rows here, and v = sigma2 / n. So the range of n gives that of v, and each step is one SELECT
-- of few columns. The columns are those of fit.sql.
-- ---------------------------------------------------------------------------------------------------------------------

-- Models in their unit, less `start`, with the bounds that the estimators of tau2 need.
CREATE OR REPLACE MACRO _pool_started_by_size(models, sigma2, mu, method) AS TABLE
    SELECT model, _pool_model, j, n, fitted, j - fitted AS df, _pool_name(sigma2) = 'pooled' AS on_rows, wmin, wmax,
        exact, unit_, start, measurable, identified, estimable, jointly, false AS separated, ssw, pooled, vmin, vmax,
        CASE WHEN vmin > 0 THEN vmin END AS vleast, ymin, ymax, known, plain,
        CASE WHEN jointly THEN 1 / wmax ELSE vmin END AS umin,
        _pool_larger((ymax - plain) * (ymax - plain), (ymin - plain) * (ymin - plain)) AS reach,
        _pool_larger((ymax - of_rows) * (ymax - of_rows), (ymin - of_rows) * (ymin - of_rows)) AS reach_of_rows,
        NULL::DOUBLE AS df_prior, NULL::DOUBLE AS sigma2_prior
    FROM (
        SELECT model, _pool_model, j, n, wmin, wmax, fitted, unit_, measurable, mean AS start,
            ssw / (unit_ * unit_) AS ssw, pooled / (unit_ * unit_) AS pooled,
            pool_sampling_variance(pooled, wmax) / (unit_ * unit_) AS vmin,
            pool_sampling_variance(pooled, wmin) / (unit_ * unit_) AS vmax,
            CASE WHEN pooled = 0 THEN j ELSE 0.0 END AS exact,
            (ymin - mean) / unit_ AS ymin, (ymax - mean) / unit_ AS ymax,
            (_pool_number(mu) - _pool_origin - mean) / unit_ AS known, coalesce(known, 0.0) AS plain,
            coalesce(known, (mean_of_rows - mean) / unit_) AS of_rows, pooled IS NOT NULL AS identified,
            identified AND measurable AND (CASE
                WHEN method IN ('js', 'morris') THEN j >= 1 AND j - fitted >= 3
                WHEN method = 'chung' THEN j >= 2 AND j - fitted >= 1
                ELSE j >= 1 AND j - fitted >= 1
            END) AS estimable,
            estimable AND scaled.ssw > 0 AND _pool_name(sigma2) = 'pooled' AND (method IN ('ml', 'reml', 'cv')) AS jointly
        FROM (
            -- Whether DOUBLE holds the squares of the spread.
            SELECT *, size > 2.0 ** -506 AND size < 2.0 ** 506 AS measurable,
                CASE
                    WHEN measurable AND NOT size BETWEEN 2.0 ** -100 AND 2.0 ** 100 THEN 2.0 ** round(log2(size))
                    ELSE 1.0
                END AS unit_,
                CASE WHEN _pool_number(mu) IS NULL THEN 1.0 ELSE 0.0 END AS fitted
            FROM (SELECT model, _pool_model, j, n, ssw, wmin, wmax, ymin, ymax, mean, mean_of_rows, pooled,
                CASE
                    WHEN apart > 0 THEN apart
                    WHEN vmax > 0 THEN sqrt(vmax)
                    WHEN abs(ymax) > 0 OR abs(ymin) > 0 THEN greatest(abs(ymax), abs(ymin))
                    ELSE 1.0
                END AS size
            FROM (
                SELECT *, pool_sampling_variance(pooled, wmin) AS vmax,
                    greatest(ymax - ymin, sqrt(coalesce(ssw / n, 0.0)),
                        sqrt(coalesce(pool_sampling_variance(pooled, wmax), 0.0))) AS apart
                FROM (
                    SELECT *, coalesce(_pool_number(sigma2), pool_pooled_variance(ssw, n, j)) AS pooled
                    FROM query_table(models) WHERE j > 0
                )
            ))
        ) AS scaled, _pool_origin
    );

-- Classes less `start` in the unit of their model, as in _pool_moved.
CREATE OR REPLACE MACRO _pool_moved_by_size(sizes, started) AS TABLE
    SELECT model, n, w, k, y, squares, spread, v, plain, CASE WHEN jointly THEN 1 / w ELSE v END AS u,
        CASE WHEN jointly THEN w = wmax ELSE v = vmin END AS is_top
    FROM (
        SELECT model, n, w, k, (y - start) / unit_ AS y, squares / (unit_ * unit_) AS squares,
            spread / (unit_ * unit_) AS spread, pool_sampling_variance(pooled, w) AS v, plain, jointly, wmax, vmin
        FROM (SELECT _pool_model, n, w, k, y, squares, spread FROM query_table(sizes) WHERE k > 0) AS c,
            (SELECT model, _pool_model, start, unit_, pooled, plain, jointly, wmax, vmin FROM query_table(started)) AS m
        WHERE _pool_same(m._pool_model, c._pool_model)
    );

-- ---------------------------------------------------------------------------------------------------------------------
-- The tau profile: one row per model and tau.
--
-- On rows, sigma2 is estimated for each tau: the search for the estimates also searches rho = tau2 / sigma2 at a tau,
-- by the full and by the restricted likelihood. Where v is known, the likelihoods are evaluated at tau2.
-- ---------------------------------------------------------------------------------------------------------------------

-- The upper end of the 99 % profile interval of tau2 in every model that has one: nothing else of the inference is
-- planned.
CREATE OR REPLACE MACRO _pool_upper_limits(moved, facts, sigma2, mu, method) AS TABLE
    WITH fitted AS NOT MATERIALIZED (
        SELECT * FROM query_table(facts) WHERE estimable OR separated AND measurable
    ),
    estimates AS (FROM _pool_estimated_by(moved, 'fitted', method)),
    variances AS MATERIALIZED (FROM _pool_variances('fitted', 'estimates', method, method)),
    fitted_classes AS MATERIALIZED (FROM _pool_fitted_classes(moved, 'variances', mu)),
    centres AS (FROM _pool_fitted_centres('fitted_classes')),
    fitted_models AS MATERIALIZED (FROM _pool_fitted_models('variances', 'centres', mu, method, 'profile')),
    sums AS (FROM _pool_fitted_sums('fitted_classes', 'fitted_models')),
    closed_forms AS MATERIALIZED (FROM _pool_closed_forms('fitted_models', 'sums', method, 0.99, 'z'))
    SELECT model, _pool_finite(result * unit_ * unit_) AS upper
    FROM _pool_limits('closed_forms', NULL, moved, sigma2, method, 'profile')
        JOIN (SELECT model, unit_ FROM closed_forms) ON id = 8 * model + 7;

-- One row per model and tau, under private names.
CREATE OR REPLACE MACRO _pool_profiled(groups, inputs, sigma2, mu, tau) AS TABLE
    WITH sizes AS MATERIALIZED (FROM _pool_sizes(groups)),
    singles AS NOT MATERIALIZED (FROM _pool_singles(groups)),
    classes AS NOT MATERIALIZED (FROM _pool_classes('sizes', 'singles', inputs, sigma2)),
    models AS MATERIALIZED (FROM _pool_models('classes', inputs)),
    within AS (FROM _pool_within('models', sigma2, mu)),
    with_prior AS (FROM _pool_with_prior('classes', 'within')),
    counted AS MATERIALIZED (
        FROM query_table(CASE WHEN _pool_name(sigma2) = 'squeezed' THEN 'with_prior' ELSE 'within' END)
    ),
    sampled AS MATERIALIZED (FROM _pool_sampled('classes', 'counted', inputs, sigma2)),
    started_by_class AS MATERIALIZED (
        SELECT * REPLACE (jointly OR identified AND ssw > 0 AND on_rows AS jointly)
        FROM _pool_started('sampled', 'counted', 'reml', true)
    ),
    moved_by_class AS NOT MATERIALIZED (FROM _pool_moved('sampled', 'started_by_class')),
    started_by_size AS MATERIALIZED (
        SELECT * REPLACE (identified AND ssw > 0 AND on_rows AS jointly,
            CASE WHEN identified AND ssw > 0 AND on_rows THEN 1 / wmax ELSE vmin END AS umin)
        FROM _pool_started_by_size('models', sigma2, mu, 'reml')
    ),
    moved_by_size AS NOT MATERIALIZED (FROM _pool_moved_by_size('sizes', 'started_by_size')),
    moved AS MATERIALIZED (
        FROM _pool_by_input(inputs, CASE WHEN _pool_own_variance(sigma2) THEN 'moved_by_class' ELSE 'moved_by_size' END,
            'moved_by_class')
    ),
    facts_by_class AS NOT MATERIALIZED (FROM _pool_facts('moved', 'started_by_class')),
    facts_by_size AS NOT MATERIALIZED (FROM started_by_size JOIN _pool_sums_of_classes('moved') USING (model)),
    facts AS MATERIALIZED (
        FROM _pool_by_input(inputs, CASE WHEN _pool_own_variance(sigma2) THEN 'facts_by_class' ELSE 'facts_by_size' END,
            'facts_by_class')
    ),
    points AS MATERIALIZED (WITH requested AS (SELECT model, unit_, unnest(TRY_CAST(tau::VARCHAR AS DOUBLE[])) AS root FROM facts),
    reml AS (FROM _pool_upper_limits('moved', 'facts', sigma2, mu, 'reml')),
    ml AS (FROM _pool_upper_limits('moved', 'facts', sigma2, mu, 'ml')),
    reached AS (SELECT model, sqrt(upper) AS highest FROM query_table((CASE
        WHEN _pool_name('reml') = 'reml' AND _pool_number(mu) IS NOT NULL THEN 'ml'
        ELSE _pool_name('reml')
    END))),
    grid AS (
        SELECT model, unit_, unnest(
            CASE WHEN highest > 0 THEN list_transform(range(61), lambda i: highest * (i / 60)) ELSE [0.0] END) AS root
        FROM facts LEFT JOIN reached USING (model)
    )
    SELECT row_number() OVER () AS point, model, root, (root / unit_) * (root / unit_) AS scaled
    FROM query_table(CASE WHEN typeof(tau) = '"NULL"' THEN 'grid' ELSE 'requested' END)),
    -- no weights identify sigma2 along the curve
    with_v AS NOT MATERIALIZED (
        SELECT * REPLACE (identified AND NOT separated AS identified, jointly AND NOT separated AS jointly) FROM facts
    ),
    fits AS MATERIALIZED (WITH cells AS (SELECT 2 * point + (side > 0)::BIGINT AS id, model, n, ssw, jointly, known, scaled AS expected, umin, at_umin, j,
        side, coalesce(known, y_at_umin) AS c, NULL::DOUBLE AS x3, NULL::DOUBLE AS f3,
        'floor' AS below, 'open' AS beyond,
        CASE WHEN jointly THEN 0.0 ELSE scaled END AS from_x,
        CASE WHEN jointly THEN 1.001 * scaled * n / ssw ELSE scaled END AS to_x
    FROM points JOIN with_v USING (model), (VALUES (-1.0), (1.0)) AS sides(side)
    WHERE identified AND (exact = 0 OR scaled > 0)),
    deviances AS (
        SELECT id // 2 AS point, max(deviance) FILTER (side < 0) AS at_full,
            max(deviance) FILTER (side > 0) AS at_restricted, max(hd2) FILTER (side > 0) AS following
        FROM _pool_minima('cells', 'moved', 'tau') GROUP BY ALL
    ),
    logs AS (SELECT model, sum(k * ln(w)) AS logs FROM moved GROUP BY model)
    SELECT point, model, root, scaled, j, known, jointly, identified, exact, start, unit_, df_prior, sigma2_prior,
        CASE WHEN jointly THEN following ELSE pooled END AS sigma2_,
        pool_log_likelihood(at_full + logs_of_w, numbers) - numbers * ln(unit_) AS log_likelihood,
        pool_log_likelihood(at_restricted + logs_of_w - logs_of_j, numbers - fitted)
            - (numbers - fitted) * ln(unit_) AS restricted_log_likelihood
    FROM (
        SELECT *, CASE WHEN jointly THEN n ELSE j END AS numbers, CASE WHEN jointly THEN logs ELSE 0.0 END AS logs_of_w,
            CASE WHEN NOT jointly AND known IS NULL THEN ln(j) ELSE 0.0 END AS logs_of_j
        FROM points JOIN with_v USING (model) JOIN logs USING (model)
        LEFT JOIN deviances USING (point)
    ))
    SELECT _pool_model, j::BIGINT AS _pool_groups, root AS _pool_tau, root * root AS _pool_tau2,
        _pool_finite(sigma2_ * unit_ * unit_) AS _pool_sigma2,
        coalesce(_pool_number(mu), own * unit_ + start + _pool_origin) AS _pool_mu,
        CASE
            WHEN known IS NOT NULL THEN 0.0
            WHEN identified THEN _pool_finite(sqrt(variance) * unit_)
        END AS _pool_se_mu,
        _pool_finite(q) AS _pool_q, _pool_finite(log_likelihood) AS _pool_log_likelihood,
        _pool_finite(restricted_log_likelihood) AS _pool_restricted_log_likelihood,
        df_prior AS _pool_df_prior, sigma2_prior AS _pool_sigma2_prior
    FROM fits JOIN (WITH weighed AS MATERIALIZED (
        SELECT point, k, y, spread, v, t, known,
            CASE
                WHEN NOT identified THEN 1.0
                WHEN exact > 0 AND t = 0 THEN CASE WHEN v = 0 THEN 1.0 ELSE 0.0 END
                ELSE pool_gls(v, t)
            END AS c
        FROM (
            SELECT point, k, y, spread, scaled AS t, known, identified, exact,
                CASE WHEN jointly THEN pool_sampling_variance(sigma2_, w) ELSE v END AS v
            FROM moved JOIN (
                SELECT point, model, scaled, known, identified, exact, jointly, sigma2_ FROM fits
            ) USING (model)
        )
    ),
    centres AS MATERIALIZED (
        SELECT point, sum(k * c * y) / sum(k * c) AS own,
            sum(k * pool_centre_error(c, v, t)) / (sum(k * c) * sum(k * c)) AS variance
        FROM weighed GROUP BY point
    )
    SELECT point, any_value(own) AS own, any_value(variance) AS variance,
        CASE WHEN sum(CASE WHEN v + t = 0 THEN d2 ELSE 0.0 END) = 0 AND count(v) = count(*)
            THEN coalesce(sum(CASE WHEN v + t > 0 THEN k * pool_gls(v, t) * d2 END), 0.0) END AS q
    FROM (
        SELECT point, k, v, t, own, variance,
            (y - coalesce(known, own)) * (y - coalesce(known, own)) + spread AS d2
        FROM weighed JOIN centres USING (point)
    )
    GROUP BY point) USING (point)
    JOIN (SELECT model, _pool_model FROM models) USING (model), _pool_origin;

-- ---------------------------------------------------------------------------------------------------------------------
-- One row per group to one row per model: the error of each way of pooling on rows that are held out, and pooling
-- factors.
-- ---------------------------------------------------------------------------------------------------------------------

-- The weight of a group in mu; at tau2 = 0 exact groups have infinite weight.
CREATE OR REPLACE MACRO _pool_count(mu, outweighed, w, v, tau2, plugin_v, plugin) AS
    CASE
        WHEN _pool_name(mu) = 'groups' THEN pool_groups(w)
        WHEN _pool_name(mu) = 'rows' THEN pool_rows(w)
        WHEN _pool_name(mu) = 'shrunk' AND plugin = 0 AND plugin_v > 0 THEN w
        WHEN _pool_name(mu) = 'shrunk' THEN pool_shrunk(w, plugin_v, plugin)
        WHEN outweighed THEN CASE WHEN v = 0 THEN 1.0 ELSE 0.0 END
        ELSE pool_gls(v, tau2)
    END;

-- One row per model: the errors, gains and pooling factors, NULL where the data do not identify them.
CREATE OR REPLACE MACRO _pool_compared(sizes, singles, components, sigma2, tau2, mu) AS TABLE
    WITH models AS MATERIALIZED (SELECT row_number() OVER () AS model, * FROM query_table(components)),
    classes AS MATERIALIZED (WITH joined AS (
        SELECT m.* EXCLUDE (_pool_model), c.* EXCLUDE (_pool_model),
            _pool_number(mu) - _pool_origin AS known,
            CASE
                WHEN _pool_name(sigma2) = 'separate' THEN pool_separate_variance(n, squares / (n - 1), _pool_sigma2)
                WHEN _pool_name(sigma2) = 'squeezed'
                    THEN pool_squeezed_variance(n, squares / (n - 1), _pool_df_prior, _pool_sigma2_prior)
                ELSE _pool_sigma2
            END AS own
        FROM models AS m, _pool_origin, (
            SELECT n, k, y, squares, spread, _pool_model FROM query_table(sizes)
            UNION ALL
            SELECT n, k, y, squares, spread, _pool_model FROM query_table(singles)
        ) AS c
        WHERE _pool_same(m._pool_model, c._pool_model) AND k > 0
    ),
    totals AS (
        SELECT model, sum(k) AS j, sum(k * n) AS rows_, sum(k * squares) AS ssw,
            coalesce(any_value(known), sum(k * y) / sum(k)) AS plain,
            coalesce(any_value(known), sum(k * n * y) / sum(k * n)) AS grand
        FROM joined GROUP BY model
    ),
    plugins AS (
        SELECT model,
            sum(k * ((y - plain) * (y - plain) + spread)) / any_value(j - CASE WHEN known IS NULL THEN 1 ELSE 0 END)
                AS plugin
        FROM joined JOIN totals USING (model) GROUP BY model
    )
    SELECT *,
        coalesce(_pool_number(sigma2), pool_pooled_variance(ssw, rows_, j)) AS pooled,
        pool_sampling_variance(own, n) AS v,
        pool_sampling_variance(own, n - 1) AS v_less,
        j = 1 AND _pool_tau2 IS NULL AS alone,
        j - CASE WHEN known IS NULL THEN 1 ELSE 0 END AS df
    FROM joined JOIN totals USING (model) JOIN plugins USING (model)),
    counts AS MATERIALIZED (WITH exact AS (
        SELECT model, max(CASE WHEN v = 0 AND _pool_tau2 = 0 THEN 1 ELSE 0 END) = 1 AS outweighed
        FROM classes GROUP BY model
    )
    SELECT *,
        CASE WHEN alone THEN 1.0 ELSE pool_weight((CASE
            WHEN _pool_name(tau2) = 'morris'
                THEN CASE WHEN v = 'infinity'::DOUBLE THEN _pool_tau2 ELSE (df * _pool_tau2 + 2 * v) / (df - 2) END
            ELSE _pool_tau2
        END), v) END AS weight,
        CASE WHEN alone THEN 1.0 ELSE pool_weight((CASE
            WHEN _pool_name(tau2) = 'morris'
                THEN CASE WHEN v_less = 'infinity'::DOUBLE THEN _pool_tau2 ELSE (df * _pool_tau2 + 2 * v_less) / (df - 2) END
            ELSE _pool_tau2
        END), v_less) END AS weight_less,
        CASE
            WHEN _pool_tau2 IS NULL THEN 1.0
            ELSE _pool_count(mu, outweighed, n, v, _pool_tau2, pool_sampling_variance(pooled, n), plugin)
        END AS c,
        CASE
            WHEN _pool_tau2 IS NULL THEN pool_groups(n - 1)
            ELSE _pool_count(mu, outweighed, n - 1, v_less, _pool_tau2, pool_sampling_variance(pooled, n - 1), plugin)
        END AS c_less
    FROM classes JOIN exact USING (model)),
    held_out AS MATERIALIZED (SELECT *,
        (y - centre) * (y - centre) + spread AS d2,
        (y - grand) * (y - grand) + spread AS grand_d2,
        CASE
            WHEN weight_less = 1 THEN 0.0
            WHEN known IS NULL THEN c_less / (s - c + c_less)
            ELSE 0.0
        END AS share,
        CASE WHEN weight_less = 1 THEN 0.0 WHEN known IS NULL THEN s / (s - c + c_less) ELSE 1.0 END AS s_ratio,
        CASE WHEN known IS NULL THEN (n - 1) / (rows_ - 1) ELSE 0.0 END AS grand_share,
        CASE WHEN known IS NULL THEN rows_ / (rows_ - 1) ELSE 1.0 END AS grand_ratio
    FROM counts JOIN (
        SELECT model, sum(k * c) AS s, coalesce(any_value(known), sum(k * c * y) / sum(k * c)) AS centre
        FROM counts GROUP BY model
    ) USING (model)),
    errors AS MATERIALIZED (SELECT model, sum(CASE WHEN n > 1 THEN k * n ELSE 0.0 END) AS compared,
        sum(k * pool_held_out_squares(n, squares, d2, pool_missed_of_row(n, 1.0, 0.0), 0.0)) AS "none",
        sum(k * pool_held_out_squares(n, squares, grand_d2, pool_missed_of_row(n, 0.0, grand_share), grand_ratio))
            AS complete,
        sum(k * pool_held_out_squares(n, squares, d2, pool_missed_of_row(n, weight_less, share),
            pool_missed_of_mean(weight_less, s_ratio))) AS partial,
        sum(k * n * (1 - weight) * (y - centre)) / sum(k * n) AS residual,
        sum(k * weight * (y - centre)) / sum(k) AS effect,
        sum(k * n * (1 - weight)) / sum(k * n) AS mean_pooling,
        sum(k * weight) / sum(k) AS mean_weight
    FROM held_out GROUP BY model),
    spreads AS (SELECT model,
        sum(k * (squares + n * ((1 - weight) * (y - centre) - residual) ** 2 + n * (1 - weight) ** 2 * spread))
            AS of_rows,
        sum(k * ((weight * (y - centre) - effect) ** 2 + weight ** 2 * spread)) AS of_effects,
        sum(k * pool_uncertainty_of_rows(n, v, weight, rows_)) AS unknown_rows,
        sum(k * pool_uncertainty_of_effects(v, weight, j)) AS unknown_effects,
        sum(k * n * (1 - weight - mean_pooling) ** 2) AS shared_rows,
        sum(k * (weight - mean_weight) ** 2) AS shared_effects,
        max(weight) AS most, any_value(_pool_se_mu) AS se_mu
    FROM held_out JOIN (SELECT model, residual, effect, mean_pooling, mean_weight FROM errors)
        USING (model)
    GROUP BY model),
    means AS (
        SELECT model, compared, _pool_finite("none" / nullif(compared, 0)) AS none_,
            _pool_finite(complete / nullif(compared, 0)) AS complete_,
            _pool_finite(partial / nullif(compared, 0)) AS partial_
        FROM errors
    )
    SELECT _pool_model, _pool_groups, coalesce(compared, 0)::BIGINT AS _pool_n,
        none_ AS _pool_none, complete_ AS _pool_complete, partial_ AS _pool_partial,
        _pool_finite(pool_gain(partial_, none_)) AS _pool_gain_on_none,
        _pool_finite(pool_gain(partial_, complete_)) AS _pool_gain_on_complete,
        _pool_finite(pool_pooling_factor(of_rows, unknown_rows + (CASE WHEN shared_rows = 0 THEN 0.0 ELSE se_mu * se_mu * shared_rows END)))
            AS _pool_pooling_rows,
        CASE
            WHEN most = 0 AND _pool_groups > 1 THEN 1.0
            ELSE _pool_finite(pool_pooling_factor(of_effects, unknown_effects + (CASE WHEN shared_effects = 0 THEN 0.0 ELSE se_mu * se_mu * shared_effects END)))
        END AS _pool_pooling_groups
    FROM (SELECT model, _pool_model, _pool_groups FROM models)
        LEFT JOIN means USING (model) LEFT JOIN spreads USING (model);

-- ---------------------------------------------------------------------------------------------------------------------
-- Critical values of robust intervals, by a search.
--
-- The worst distribution of t at a chi lies on two points, x1 and x2: on m alone where m > t0; else on 0 and t0 where
-- kappa m > t0; else on 0 and kappa m, or on the two points that balance. A case without alpha gets rho at its chi. A
-- case with alpha gets the chi at which rho is alpha, by Newton's steps in log rho within a bracket. Each step of the
-- recursion evaluates r at x1 and at x2 = root^2. It has one of these phases, and starts again at the next chi:
--   start      x2 = m, or the lower bound of t0: is m > t0?
--   edge       x2 = kappa m, or the upper bound of t0: is x2 > t0? if not, is x2 the worst point?
--   touching   t0 is searched between two x2
--   balancing  the x2 that balances is searched between two
-- ---------------------------------------------------------------------------------------------------------------------

-- The search: id, alpha, chi and rho of every case.
CREATE OR REPLACE MACRO _pool_critical_values(cases) AS TABLE
    WITH RECURSIVE _pool_critical_search AS (
        SELECT id, 'start' AS phase, m, kappa, alpha, chi, low, high, sqrt(CASE WHEN (kappa - 1) * m > 0 AND chi * chi > 3.0001 THEN _pool_larger(m, chi * chi - 3) ELSE m END) AS root,
            NULL::DOUBLE AS x1, NULL::DOUBLE AS f1, NULL::DOUBLE AS x2, NULL::DOUBLE AS f2, NULL::DOUBLE AS x3,
            NULL::DOUBLE AS f3, NULL::DOUBLE AS rho
        FROM query_table(cases)
        UNION ALL
        SELECT id,
            CASE
                WHEN solved THEN CASE WHEN settled THEN 'settled' ELSE 'start' END
                WHEN phase = 'start' THEN 'edge'
                WHEN phase = 'edge' THEN CASE WHEN beyond THEN 'touching' ELSE 'balancing' END
                ELSE phase
            END,
            m, kappa, alpha, next, low, high,
            CASE
                WHEN solved THEN sqrt(CASE WHEN (kappa - 1) * m > 0 AND next * next > 3.0001 THEN _pool_larger(m, next * next - 3) ELSE m END)
                WHEN phase = 'start' THEN least(sqrt(kappa * m), least(sqrt(2) * chi, chi + 10))
                WHEN x2 IS NULL THEN least(sqrt(2) * chi, chi + 10)
                ELSE x1 + (x2 - x1) * _pool_share(x1, f1, x2, f2, x3, f3, (f1 - f2) / (f3 - f2),
                    (x1 - x2) / (x3 - x2), tolerance / 2 / abs(x2 - x1))
            END,
            x1, f1, x2, f2, x3, f3, rho
        FROM (
            SELECT *,
                alpha IS NULL OR near OR high - low <= 1e-13 * chi AS settled,
                CASE
                    WHEN NOT solved OR alpha IS NULL THEN chi
                    WHEN near OR chi - newton > low AND chi - newton < high THEN chi - newton
                    ELSE (low + high) / 2
                END AS next
            FROM (
                -- After a step this small, the next step would be about its square.
                SELECT *, coalesce(abs(newton) <= _pool_larger(1e-7 * least(chi, 1.0), 1e-13 * chi), false) AS near
                FROM (SELECT * REPLACE (
                        CASE WHEN solved AND rho >= alpha THEN chi ELSE low END AS low,
                        CASE WHEN solved AND rho <= alpha THEN chi ELSE high END AS high),
                    CASE WHEN solved AND rho > 0 AND alpha IS NOT NULL
                        THEN rho * ln(rho / alpha) / pool_mixed(pool_share(m, t1, t2), pool_noncoverage_by_chi(t1, chi),
                            pool_noncoverage_by_chi(t2, chi)) END AS newton
                FROM (
                    SELECT *,
                        coalesce(CASE
                            WHEN phase = 'start' THEN beyond
                            WHEN phase = 'edge' AND NOT beyond THEN f > 0
                            ELSE abs(x2 - x1) <= tolerance
                        END, true) AS solved
                    FROM (
                        SELECT * REPLACE (
                                root AS x1, f AS f1,
                                CASE WHEN opens THEN NULL WHEN keeps THEN x2 ELSE x1 END AS x2,
                                CASE WHEN opens THEN NULL WHEN keeps THEN f2 ELSE f1 END AS f2,
                                CASE WHEN opens THEN NULL WHEN keeps THEN x1 ELSE x2 END AS x3,
                                CASE WHEN opens THEN NULL WHEN keeps THEN f1 ELSE f2 END AS f3),
                            
                            1e-9 * least(root, 1e3) + 4e-16 * root AS tolerance
                        FROM (
                            SELECT *, phase = 'start' OR phase = 'edge' AND NOT beyond AS opens, (f > 0) = (f1 > 0) AS keeps
                            FROM (SELECT *, pool_mixed(pool_share(m, t1, t2), at_t1, at_t2) AS rho,
                                CASE WHEN phase = 'balancing' OR phase = 'edge' AND NOT beyond
                                    THEN pool_balance(t1, t2, at_t1, at_t2, slope1, slope2) ELSE tangent END AS f
                            FROM (
                                SELECT *, pool_tangent(t2, at_t1, at_t2, slope2) AS tangent,
                                    CASE WHEN (kappa - 1) * m > 0 AND chi * chi > 3.0001
                                        THEN tangent >= 0 AND CASE WHEN phase = 'start' THEN m ELSE t2 END >= chi * chi - 3
                                        ELSE true END AS beyond
                                FROM (
                                    SELECT *, pool_noncoverage(t1, chi) AS at_t1, pool_noncoverage(t2, chi) AS at_t2,
                                        pool_noncoverage_slope(t1, chi) AS slope1, pool_noncoverage_slope(t2, chi) AS slope2
                                    FROM (
                                        SELECT * EXCLUDE (rho), root * root AS t2,
                                            CASE WHEN phase = 'balancing' THEN pool_lower_point(t2, m, kappa) ELSE 0.0 END AS t1
                                        FROM _pool_critical_search
                                        WHERE phase <> 'settled'
                                    )
                                )
                            ))
                        )
                    )
                ))
            )
        )
    )
    SELECT id, alpha, chi, rho FROM _pool_critical_search WHERE phase = 'settled';

-- ---------------------------------------------------------------------------------------------------------------------
-- Robust intervals: moments of the groups' effects in every model, and the interval of each group.
--
-- A group enters through m alone, so each m of a model is one search: with one sigma2, groups of equal size share it.
-- The formulas and their source are those of pool_noncoverage and the macros after it in formulas.sql.
-- ---------------------------------------------------------------------------------------------------------------------

-- Estimates with both ends of the robust interval, and the largest noncoverage of the ordinary interval.
CREATE OR REPLACE MACRO _pool_robust(estimates, level) AS TABLE
    WITH estimated AS MATERIALIZED (
        SELECT COLUMNS(lambda c: NOT starts_with(c, '_pool_')), _pool_model, _pool_n, _pool_w, _pool_mean,
            _pool_sampling, _pool_weight, _pool_estimate, _pool_se, _pool_mu, _pool_tau2
        FROM query_table(estimates)
    ),
    effects AS MATERIALIZED (SELECT _pool_model AS _pool_model_of_effects, row_number() OVER () AS _pool_kind, mu2 AS _pool_mu2,
        CASE WHEN mu2 > 0 THEN pool_kurtosis(fourths, groups, mu2, v2, v4) ELSE 'infinity'::DOUBLE END AS _pool_kappa
    FROM (
        SELECT *, pool_second_moment(squares, groups, v1, v2) AS mu2
        FROM (
            SELECT _pool_model, count_if(_pool_w > 0)::DOUBLE AS groups, sum(pool_effect_square(d2, v)) AS squares,
                sum(pool_effect_fourth_power(d2, v)) AS fourths, sum(v) AS v1, sum(v * v) AS v2,
                sum(v * v * (v * v)) AS v4
            FROM (
                SELECT _pool_model, _pool_w, CASE WHEN _pool_w > 0 THEN _pool_sampling END AS v,
                    (_pool_mean - _pool_mu) * (_pool_mean - _pool_mu) AS d2
                FROM estimated
            )
            GROUP BY _pool_model
        )
    )),
    groups AS NOT MATERIALIZED (
        SELECT *, pool_bias_moment(_pool_weight, _pool_sampling, _pool_mu2) AS _pool_m,
            CASE WHEN NOT isnan(_pool_tau2 / _pool_mu2) THEN _pool_tau2 / _pool_mu2 END AS _pool_ratio
        FROM estimated, effects WHERE _pool_same(_pool_model, _pool_model_of_effects)
    ),
    reaches AS MATERIALIZED (WITH cases AS MATERIALIZED (
        SELECT row_number() OVER () AS id, *, _pool_quantile AS z, 1 - _pool_number(level) AS alpha
        FROM (SELECT DISTINCT _pool_kind, _pool_kappa, _pool_m, _pool_ratio FROM groups),
            _pool_quantile_of(level)
        WHERE _pool_m IS NOT NULL
    ),
    searches AS (
        SELECT id, _pool_m AS m, _pool_kappa AS kappa, CASE WHEN critical THEN alpha END AS alpha,
            CASE WHEN critical THEN z ELSE z * sqrt(1 + m * _pool_ratio) END AS chi,
            z AS low, 1.001 * sqrt((1 + m) / alpha) AS high  
        FROM (SELECT *, unnest([true, false]) AS critical FROM cases WHERE _pool_m > 0 AND _pool_m <= 1e20)
    ),
    critical_values AS (
        SELECT id, max(chi) FILTER (alpha IS NOT NULL) AS chi, max(rho) FILTER (alpha IS NULL) AS rho
        FROM _pool_critical_values('searches') GROUP BY id
    )
    SELECT _pool_kind, _pool_m, _pool_ratio,
        CASE WHEN _pool_m = 0 THEN z WHEN _pool_m > 1e20 THEN sqrt(pool_widest(_pool_kappa, alpha))
            ELSE chi / sqrt(1 + _pool_m) END AS _pool_reach,
        CASE WHEN _pool_m = 0 THEN alpha WHEN _pool_ratio IS NULL THEN NULL
            WHEN _pool_m > 1e20 THEN pool_exceeding(z * z * _pool_ratio, _pool_kappa) ELSE rho END AS _pool_noncoverage
    FROM cases LEFT JOIN critical_values USING (id))
    SELECT *, _pool_estimate - _pool_half AS _pool_lower, _pool_estimate + _pool_half AS _pool_upper
    FROM (
        SELECT g.*, _pool_noncoverage,
            _pool_reach * pool_root_mean_square(_pool_weight, _pool_sampling, _pool_mu2) AS _pool_half
        FROM groups AS g LEFT JOIN reaches AS r ON g._pool_kind = r._pool_kind AND g._pool_m = r._pool_m
            AND g._pool_ratio IS NOT DISTINCT FROM r._pool_ratio
    );

-- ---------------------------------------------------------------------------------------------------------------------
-- The priors of a posterior, written as text: one row with their numbers and limits.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- Nodes of tau over its posterior, for all models at once: the trapezoid rule in t, with x = mode + width sinh(t).
--
-- x is log(tau - lower), or the logit of tau between the limits of a bounded prior. In x the density falls
-- exponentially on both sides; in t it falls double exponentially, where the trapezoid rule is optimal (Takahasi & Mori
-- 1974). The step is halved until halving it changes nothing. At a tau the model is a sum over the classes of its
-- groups, of deviations from a pivot: a known mu, or the mean of the most precise groups, so that no digits are lost.
-- ---------------------------------------------------------------------------------------------------------------------

-- tau at x, and the log of its derivative by x.
CREATE OR REPLACE MACRO _pool_tau_at(x, lower, upper) AS
    CASE WHEN isinf(upper) THEN lower + exp(x) ELSE lower + (upper - lower) / (1 + exp(-x)) END;

-- At the pending points (model, i, tau): log likelihood and log prior, and mu less the pivot with its variance. At
-- tau = 0 some priors have no density.
CREATE OR REPLACE MACRO _pool_log_likelihood_at(points, classes, models, tau2) AS TABLE
    WITH precise AS (
        SELECT model, i, tau, k, v, t, d, d2, pool_precision(v, t) AS h
        FROM (
            SELECT model, i, tau, k, v, d, d2, CASE WHEN tau * tau > floor THEN tau * tau ELSE floor END AS t
            FROM query_table(points) JOIN query_table(classes) USING (model)
            WHERE pending
        )
    ),
    summed AS (
        SELECT model, i, any_value(tau) AS tau, sum(k * ln(v + t)) AS logs, sum(k * h) AS s1,
            sum(k * h * h) AS squared_precisions, sum(k * h * d) AS hd, sum(k * h * d2) AS hd2, hd / s1 AS centre
        FROM precise
        GROUP BY model, i
    ),
    joined AS (
        SELECT model, i, tau, logs, s1, squared_precisions, hd, hd2, centre, j, known, a, b, lower, upper, rise,
            prior_mean, prior_sd, harmonic_mean
        FROM summed JOIN query_table(models) USING (model)
    )
    SELECT model, i,
        CASE
            WHEN known IS NOT NULL THEN pool_log_likelihood_known_mu(j, logs, hd2)
            WHEN prior_sd IS NULL THEN pool_log_likelihood_flat_mu(j, logs, hd2 - hd * centre, s1)
            ELSE pool_log_likelihood_normal_mu(j, logs, hd2 - hd * centre, s1, centre, prior_mean, prior_sd)
        END AS log_likelihood,
        CASE WHEN NOT tau BETWEEN lower AND upper OR tau * tau = 0 AND rise > 0 THEN '-infinity'::DOUBLE
            ELSE log_density END AS log_prior,
        CASE WHEN known IS NOT NULL THEN 0.0 WHEN prior_sd IS NULL THEN centre
            ELSE pool_mu_given_tau(s1, centre, prior_mean, prior_sd) END AS mu_,
        CASE WHEN known IS NOT NULL THEN 0.0 WHEN prior_sd IS NULL THEN 1 / s1
            ELSE pool_variance_of_mu_given_tau(s1, prior_sd) END AS variance
    FROM (WITH half_cauchy AS (
        SELECT *, pool_half_t(tau, 1.0, a) AS log_density
        FROM joined
    ),
    half_normal AS (
        SELECT *, pool_half_normal(tau, a) AS log_density
        FROM joined
    ),
    half_t AS (
        SELECT *, pool_half_t(tau, a, b) AS log_density
        FROM joined
    ),
    exponential AS (
        SELECT *, pool_exponential(tau, a) AS log_density
        FROM joined
    ),
    uniform AS (
        SELECT *, 0.0 * tau - CASE WHEN b < 'infinity'::DOUBLE THEN ln(b - a) ELSE 0.0 END AS log_density
        FROM joined
    ),
    inverse_gamma AS (
        SELECT *, pool_inverse_gamma(tau, a, b) AS log_density
        FROM joined
    ),
    jeffreys AS (
        SELECT *, pool_jeffreys(tau, squared_precisions) AS log_density
        FROM joined
    ),
    uniform_shrinkage AS (
        SELECT *, pool_uniform_shrinkage(tau, harmonic_mean) AS log_density
        FROM joined
    ),
    dumouchel AS (
        SELECT *, pool_dumouchel(tau, harmonic_mean) AS log_density
        FROM joined
    ),
    no_prior AS (
        SELECT *, 0.0 AS log_density
        FROM joined
    )
    FROM query_table((CASE WHEN _pool_is_tau_prior(tau2) THEN _pool_prior_name(tau2) ELSE 'no_prior' END)));

-- ---------------------------------------------------------------------------------------------------------------------
-- Quantiles of tau.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- Whether a model has a posterior, and where it lies.
--
-- Source: Gelman et al. (2013), Bayesian Data Analysis, section 5.4.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- Mixtures of normals over the nodes of tau.
--
-- At a node of tau (quadrature.sql) all distributions are normal, so mu, the mean of a group and the mean of a new
-- group are mixtures of normals over the nodes of their model. An item is one of these quantities. y, less the pivot,
-- and v are the mean of a group and its sampling variance; v is infinite for a new group, and `varies` is 0 for mu.
-- `extra` is the variance that a prediction adds.
--
-- What is computed once per item is a sum over the nodes of its model as a list: without a GROUP BY of items times
-- nodes it takes less time and memory. The steps of a search are such a GROUP BY, whose columns are faster than lists.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per model: its nodes, as a list.
CREATE OR REPLACE MACRO _pool_node_lists(nodes) AS TABLE
    SELECT model, list({p: p, tau2: tau * tau, mu: mu_, variance: variance}) AS node_list
    FROM query_table(nodes)
    GROUP BY model;

-- The normal of an item at each node: weight p, mean m and standard deviation s.
CREATE OR REPLACE MACRO _pool_parts(node_list, y, v, varies, extra) AS
    list_transform(
        list_transform(node_list, lambda _n: {p: _n.p, tau2: _n.tau2, mu: _n.mu, variance: _n.variance,
            pooling: pool_pooling(_n.tau2, v)}),
        lambda _n: {p: _n.p, m: (CASE WHEN y IS NULL OR isinf(v) THEN _n.mu ELSE y - _n.pooling * (y - _n.mu) END),
            s: sqrt(CASE WHEN v = 0 THEN 0.0 ELSE varies * _n.tau2 * _n.pooling + _n.pooling * _n.pooling * _n.variance END + extra)}
    );

-- Items with mean and variance, their weight, their typical and widest sd.
CREATE OR REPLACE MACRO _pool_mixed(items, node_lists) AS TABLE
    SELECT * EXCLUDE (node_list, parts),
        list_sum(list_transform(parts, lambda _c: _c.p * (_c.s * _c.s + (_c.m - mean_) * (_c.m - mean_)))) AS variance_
    FROM (
        SELECT *, list_sum(list_transform(parts, lambda _c: _c.p * _c.m)) AS mean_,
            list_sum(list_transform(node_list, lambda _n: _n.p * pool_weight(_n.tau2, v))) AS weight_,
            exp(list_sum(list_transform(parts, lambda _c: _c.p * ln(greatest(_c.s, 1e-300))))
                / list_sum(list_transform(node_list, lambda _n: _n.p))) AS typical,
            list_max(list_transform(parts, lambda _c: _c.s)) AS widest
        FROM (
            SELECT *, _pool_parts(node_list, y, v, varies, extra) AS parts
            FROM query_table(items) JOIN query_table(node_lists) USING (model)
        )
    );

-- The probability of more than `beyond` of each item.
CREATE OR REPLACE MACRO _pool_exceeding(items, node_lists) AS TABLE
    SELECT id, list_sum(list_transform(parts, lambda _c:
            CASE WHEN _c.s > 0 THEN _c.p * abs((_c.z > 0)::DOUBLE - ((exp((trunc(_c.far * 16e0) * 0.0625e0) * (trunc(_c.far * 16e0) * 0.0625e0) * -0.5e0) * exp(((trunc(_c.far * 16e0) * 0.0625e0) - _c.far) * ((trunc(_c.far * 16e0) * 0.0625e0) + _c.far) * 0.5e0)) * _pool_normal_mills(_c.far)))
                WHEN _c.m > beyond THEN _c.p ELSE 0.0 END)) AS above
    FROM (
        SELECT id, beyond, list_transform(
            list_transform(_pool_parts(node_list, y, v, varies, extra),
                lambda _c: {p: _c.p, m: _c.m, s: _c.s, z: (_c.m - beyond) / _c.s}),
            lambda _c: {p: _c.p, m: _c.m, s: _c.s, z: _c.z, far: least(abs(_c.z), 40e0)}
        ) AS parts
        FROM query_table(items) JOIN query_table(node_lists) USING (model)
    );

-- Tail and density of the pending items at their x, and the slope of the density; with side = -1 the tail is the upper
-- one, at -x. `far` is |z|, at most 40, where nothing is left.
CREATE OR REPLACE MACRO _pool_tails(items, nodes) AS TABLE
    WITH joined AS (
        SELECT id, side, target, x, y, v, varies, extra, p, tau * tau AS tau2, mu_, variance,
            pool_pooling(tau2, v) AS pooling
        FROM query_table(items) JOIN query_table(nodes) USING (model)
        WHERE pending
    ),
    parts AS (
        SELECT id, side, target, x, p, (CASE WHEN y IS NULL OR isinf(v) THEN mu_ ELSE y - pooling * (y - mu_) END) AS m,
            greatest(sqrt(CASE WHEN v = 0 THEN 0.0 ELSE varies * tau2 * pooling + pooling * pooling * variance END + extra), 1e-300) AS s
        FROM joined
    ),
    placed AS (SELECT id, side, target, p, s, (x - side * m) / s AS z FROM parts),
    -- a filter that keeps all rows: without it DuckDB writes the steps into each other, and plans each mention again
    limited AS (SELECT *, least(abs(z), 40e0) AS far FROM placed WHERE z IS NOT NULL),
    dense AS (
        SELECT id, side, target, p, s, z, (exp((trunc(far * 16e0) * 0.0625e0) * (trunc(far * 16e0) * 0.0625e0) * -0.5e0) * exp(((trunc(far * 16e0) * 0.0625e0) - far) * ((trunc(far * 16e0) * 0.0625e0) + far) * 0.5e0)) AS kernel, _pool_normal_mills(far) AS mills
        FROM limited
        WHERE far IS NOT NULL
    )
    SELECT id, side, target, sum(p * abs((z > 0)::DOUBLE - kernel * mills)) AS tail,
        3.98942280401432678e-1 * sum(p * kernel / s) AS density_,
        -3.98942280401432678e-1 * sum(p * kernel * z / (s * s)) AS bend
    FROM dense
    GROUP BY id, side, target;

-- Quantiles of items: for each row (target, side, reach), the x with probability `target` below it, or above it where
-- side = -1. `reach` is the normal quantile of the target. Newton's method from the inner side, within a bracket.
CREATE OR REPLACE MACRO _pool_mixture_quantiles(mixed, nodes, targets) AS TABLE
    WITH RECURSIVE _pool_place AS (
        SELECT id, model, y, v, extra, varies, target, side, typical, side * mean_ AS centre,
            side * mean_ + reach * typical AS x, '-infinity'::DOUBLE AS low, 'infinity'::DOUBLE AS high, 0 AS step,
            widest > 0 AS pending
        FROM query_table(mixed), query_table(targets)
        UNION ALL
        SELECT id, model, y, v, extra, varies, target, side, typical, centre,
            CASE
                WHEN near OR moved > low AND moved < high THEN moved
                -- half way by the order of the distance
                ELSE centre
                    + typical * sinh((asinh((low - centre) / typical) + asinh((high - centre) / typical)) / 2)
            END,
            low, high, step + 1,
            NOT (near OR step >= 100 OR high - low <= 1e-15 * (typical + abs(x)))
        FROM (
            SELECT *, abs(excess) <= 1e-9 * target OR abs(moved - x) <= 1e-14 * typical + 4e-16 * abs(x) AS near
            FROM (
                SELECT * REPLACE (CASE WHEN excess <= 0 THEN x ELSE low END AS low,
                        CASE WHEN excess >= 0 THEN x ELSE high END AS high),
                    x - CASE WHEN excess = 0 THEN 0.0 ELSE far * greatest(-1.0, least(1.0, excess / density_ / far)) END
                        AS moved
                FROM (
                    SELECT *, tail - target AS excess, 4 * (typical + abs(x - centre)) AS far
                    FROM _pool_place JOIN _pool_tails('_pool_place', nodes) USING (id, side, target)
                )
            )
        )
    )
    SELECT id, side, target, side * x AS x FROM _pool_place WHERE NOT pending;

-- The central interval of items and, starting from it, the shortest one, whose ends have equal densities: Newton's
-- method on the tails and the logarithms of the densities.
CREATE OR REPLACE MACRO _pool_central(mixed, nodes, level) AS TABLE
    WITH targets AS (
        SELECT (1 - _pool_number(level)) / 2 AS target, unnest([1.0, -1.0]) AS side, -_pool_quantile AS reach
        FROM _pool_quantile_of(level)
    ),
    quantiles AS (FROM _pool_mixture_quantiles(mixed, nodes, 'targets'))
    SELECT id, max(x) FILTER (side > 0) AS lower_, max(x) FILTER (side < 0) AS upper_ FROM quantiles GROUP BY id;

-- ---------------------------------------------------------------------------------------------------------------------
-- One row per model: moments, quantiles and intervals of the posterior of tau, mu and the mean of a new group.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- One row per group: the posterior of its true mean.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- The posterior density of tau at the points of a profile.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- The exact posterior: tau, and mu with it, integrated out under priors that are written as text.
--
-- sigma2 is known, or its pooled value is used as if it were known.
-- Source: Gelman et al. (2013), Bayesian Data Analysis, section 5.4.
-- ---------------------------------------------------------------------------------------------------------------------

-- From groups to one relation of their posterior, by name: 'components', 'estimates' or 'density'.
CREATE OR REPLACE MACRO _pool_posterior(
    groups, inputs, curves, sigma2, tau2, mu, level, interval_kind, predict, threshold, relation
) AS TABLE
    WITH sizes AS MATERIALIZED (FROM _pool_sizes(groups)),
    singles AS NOT MATERIALIZED (FROM _pool_singles(groups)),
    classes AS NOT MATERIALIZED (FROM _pool_classes('sizes', 'singles', inputs, sigma2)),
    models AS MATERIALIZED (FROM _pool_models('classes', inputs)),
    within AS (FROM _pool_within('models', sigma2, mu)),
    with_prior AS (FROM _pool_with_prior('classes', 'within')),
    counted AS MATERIALIZED (
        FROM query_table(CASE WHEN _pool_name(sigma2) = 'squeezed' THEN 'with_prior' ELSE 'within' END)
    ),
    sampled AS MATERIALIZED (FROM _pool_sampled('classes', 'counted', inputs, sigma2)),
    started AS MATERIALIZED (FROM _pool_started('sampled', 'counted', 'known', false)),
    moved AS MATERIALIZED (FROM _pool_moved('sampled', 'started')),
    facts AS MATERIALIZED (FROM _pool_facts('moved', 'started')),
    checked AS MATERIALIZED (WITH joined AS (
        SELECT f.model, j, start, pooled, known, plain, y_at_umin, vleast, vmax, reach, exact,
            plain_squares / j AS spread_, p.*,
            coalesce(known, y_at_umin) AS around, normal_mean - _pool_origin - start - around AS prior_mean,
            CASE WHEN known IS NULL AND prior_sd IS NULL THEN 1.0 ELSE 0.0 END AS flat, tail + j - flat AS exponent,
            _pool_larger((ymax + start) * (ymax + start), (ymin + start) * (ymin + start)) AS height2
        FROM facts AS f, (SELECT *, (CASE
            WHEN prior = 'uniform' THEN a
            ELSE 0.0
        END) AS lower, (CASE
            WHEN prior = 'uniform' THEN b
            ELSE 'infinity'::DOUBLE
        END) AS upper,
            (CASE
                WHEN prior IN ('half_cauchy', 'dumouchel') THEN 2.0
                WHEN prior = 'half_t' THEN a + 1
                WHEN prior = 'uniform' THEN CASE WHEN b < 'infinity'::DOUBLE THEN 'infinity'::DOUBLE ELSE 0.0 END
                WHEN prior = 'inverse_gamma' THEN 2 * a + 1
                WHEN prior = 'jeffreys' THEN 1.0
                WHEN prior = 'uniform_shrinkage' THEN 3.0
                ELSE 'infinity'::DOUBLE
            END) AS tail, (CASE
                WHEN prior = 'inverse_gamma' THEN 'infinity'::DOUBLE
                WHEN prior IN ('jeffreys', 'uniform_shrinkage') THEN 1.0
                ELSE 0.0
            END) AS rise,
            (CASE
                WHEN prior IN ('half_cauchy', 'half_normal') THEN a
                WHEN prior = 'half_t' THEN b
                WHEN prior = 'exponential' THEN 1 / a
                WHEN prior = 'inverse_gamma' THEN sqrt(b / (a + 0.5))
                ELSE NULL
            END) AS size, (CASE
                WHEN prior IN ('half_cauchy', 'half_normal', 'half_t', 'exponential', 'inverse_gamma', 'uniform_shrinkage',
                    'dumouchel') THEN true
                WHEN prior = 'uniform' THEN b < 'infinity'::DOUBLE
                ELSE false
            END) AS proper_prior
        FROM (
            SELECT prior, numbers[1] AS a, numbers[2] AS b, numbers_of_mu[1] AS normal_mean, numbers_of_mu[2] AS prior_sd
            FROM (
                SELECT _pool_prior_name(tau2) AS prior, _pool_prior_numbers(tau2) AS numbers,
                    CASE WHEN _pool_prior_name(mu) = 'normal' THEN _pool_prior_numbers(mu) ELSE []::DOUBLE[] END
                        AS numbers_of_mu
            )
        )) AS p, _pool_origin
        WHERE identified
    ),
    sums AS (
        SELECT model, sum(CASE WHEN v > 0 THEN k / v END) AS precision_,
            sum(CASE WHEN v = 0 THEN k * ((y - about) * (y - about) + spread) ELSE 0.0 END) AS exact_squares
        FROM moved JOIN (SELECT model, coalesce(known, 0.0) AS about FROM joined) USING (model)
        GROUP BY model
    )
    SELECT *, CASE WHEN exact = 0 THEN j / precision_ END AS harmonic_mean,
        known IS NOT NULL OR exact > 0 OR least(j / precision_, prior_sd * prior_sd) < 0.02 * spread_ AS sharp,
        
        CASE WHEN exponent >= 5.3 THEN 4 WHEN exponent >= 3.3 THEN 2 WHEN exponent >= 2.3 THEN 1 ELSE 0 END AS moment,
        CASE WHEN exact > 0 THEN 1e-30 * _pool_larger(coalesce(vmax, 0.0), _pool_larger(reach, 1e-200)) ELSE 0.0 END
            AS floor,
        CASE
            WHEN prior = '' THEN NULL
            WHEN exponent <= 1
                THEN format('tau2={} needs {} groups at least, and there {}: the posterior has no finite total; give a '
                    || 'proper prior, such as ''half_cauchy(5)''',
                    _pool_shown(tau2), ((floor(1 - tail + flat) + 1)::BIGINT), (CASE WHEN j = 1 THEN 'is 1' ELSE 'are ' || j::BIGINT END))
            WHEN exact > 0 AND lower = 0 AND ((CASE
                WHEN prior IN ('uniform_shrinkage', 'dumouchel') THEN true
                ELSE false
            END)
                OR (CASE
                    WHEN prior = 'inverse_gamma' THEN 'infinity'::DOUBLE
                    WHEN prior = 'jeffreys' THEN -1.0
                    ELSE 0.0
                END) - exact + CASE WHEN known IS NULL THEN 1 ELSE 0 END <= -1
                AND exact_squares <= 16 * 2.220446049250313e-16 * 2.220446049250313e-16 * exact * height2)
                THEN format('tau2={} leaves the posterior improper at tau = 0, which groups without sampling variance ask '
                    || 'for; give tau2 as a number',
                    _pool_shown(tau2))
        END AS complaint
    FROM joined JOIN sums USING (model)),
    proper_models AS MATERIALIZED (SELECT *, CASE WHEN isinf(upper) THEN ln(smallest) - 6 ELSE least(ln(smallest / (upper - lower)), 0.0) - 6 END
            AS lowest,
        CASE WHEN isinf(upper) THEN ln(largest) + 6 ELSE 35.0 END AS highest
    FROM (
        SELECT *,
            coalesce(least(sqrt(vleast), NULLIF(sqrt(reach), 0.0), size), 1.0) AS smallest,
            coalesce(greatest(NULLIF(sqrt(vmax), 0.0), NULLIF(sqrt(reach), 0.0), size,
                abs(prior_mean + around - plain)), 1.0) AS largest
        FROM checked
    )
    WHERE CASE
        WHEN complaint IS NULL THEN true
        WHEN (SELECT no_over FROM _pool_request) THEN error(complaint)
        ELSE false
    END),
    pivoted AS MATERIALIZED (SELECT model, k, v, floor, y - around AS d, (y - around) * (y - around) + spread AS d2
    FROM moved JOIN (SELECT model, around, floor FROM proper_models) USING (model)),
    integrated AS (SELECT model, t, tau, mu_, variance, lower, upper, mode, width, (low + high) / steps AS h, settled, f / total AS p,
        top + ln(total * ((low + high) / steps)) AS log_total
    FROM (
        SELECT *, sum(f) OVER (PARTITION BY model) AS total
        FROM (
            SELECT *, exp(height - top) AS f
            FROM (SELECT *, max(height) OVER (PARTITION BY model) AS top FROM (WITH RECURSIVE _pool_modes AS MATERIALIZED (WITH RECURSIVE _pool_peak AS (
                SELECT model, 0 AS step, i, lowest + 0.5 * i AS x, 0.5::DOUBLE AS stride, lower, upper,
                    _pool_tau_at(lowest + 0.5 * i, lower, upper) AS tau, true AS pending
                FROM (
                    SELECT model, lower, upper, lowest, unnest(range(2 + ceil(2 * (highest - lowest))::BIGINT)) AS i
                    FROM proper_models
                )
                UNION ALL
                SELECT model, step, i, x, stride, lower, upper, _pool_tau_at(x, lower, upper), pending
                FROM (
                    SELECT model, step, i, centre + i * stride AS x, stride, lower, upper, pending
                    FROM (
                        SELECT model, step + 1 AS step, lower, upper, centre, width IS NULL AND step < 40 AS pending,
                            unnest(CASE WHEN width IS NULL AND step < 40 THEN range(-4, 5) ELSE [0] END) AS i,
                            CASE WHEN width IS NULL AND step < 40 THEN stride / 4 ELSE coalesce(width, stride) END AS stride
                        FROM (
                            SELECT model, any_value(step) AS step, any_value(lower) AS lower, any_value(upper) AS upper,
                                any_value(stride) AS stride, any_value(x) FILTER (away = 0) AS centre,
                                any_value(stride) * CASE
                                    WHEN (CASE WHEN count_if(away = 4) = 2 THEN max(height) - sum(height) FILTER (away = 4) / 2 END) <= 1 THEN 4
                                    WHEN (CASE WHEN count_if(away = 2) = 2 THEN max(height) - sum(height) FILTER (away = 2) / 2 END) <= 1 THEN 2
                                    WHEN (CASE WHEN count_if(away = 1) = 2 THEN max(height) - sum(height) FILTER (away = 1) / 2 END) <= 1 THEN 1
                                END AS width
                            FROM (
                                SELECT *, abs(i - arg_max(i, height) OVER (PARTITION BY model)) AS away
                                FROM (
                                    SELECT p.*, (CASE WHEN (log_likelihood + log_prior + (CASE WHEN isinf(upper) THEN x ELSE ln(upper - lower) - abs(x) - 2 * pool_log1p(exp(-abs(x))) END)) IS NULL OR isnan((log_likelihood + log_prior + (CASE WHEN isinf(upper) THEN x ELSE ln(upper - lower) - abs(x) - 2 * pool_log1p(exp(-abs(x))) END))) THEN '-infinity'::DOUBLE ELSE (log_likelihood + log_prior + (CASE WHEN isinf(upper) THEN x ELSE ln(upper - lower) - abs(x) - 2 * pool_log1p(exp(-abs(x))) END)) END)
                                        AS height
                                    FROM _pool_peak AS p
                                        JOIN _pool_log_likelihood_at('_pool_peak', 'pivoted', 'proper_models', tau2) USING (model, i)
                                    WHERE pending
                                )
                            )
                            GROUP BY model
                        )
                    )
                )
            )
            SELECT model, x AS mode, stride AS width FROM _pool_peak WHERE NOT pending),
            _pool_node AS (
                SELECT *, _pool_tau_at(x, lower, upper) AS tau, NULL::DOUBLE AS height, NULL::DOUBLE AS mu_,
                    NULL::DOUBLE AS variance, true AS pending, false AS done, false AS settled
                FROM (
                    SELECT *, mode + width * sinh(t) AS x
                    FROM (
                        SELECT *, 32 AS steps, (low + high) * (i / 32) - low AS t
                        FROM (SELECT *, unnest(range(33)) AS i FROM (SELECT *, asinh(45 / width) AS low,
                            asinh(least(45 / least(exponent - 1 - moment, 1.0), 300.0, 650.0 / greatest(moment, 1)) / width) AS high
                        FROM (
                            SELECT model, lower, upper, mode, width, exponent, CASE WHEN isinf(upper) THEN moment ELSE 0 END AS moment,
                                coalesce(sharp, false) AS sharp
                            FROM proper_models JOIN _pool_modes USING (model)
                        )))
                    )
                )
                UNION ALL
                SELECT * EXCLUDE (half, place) REPLACE (
                    place AS t, mode + width * sinh(place) AS x,
                    CASE WHEN half = 1 THEN _pool_tau_at(mode + width * sinh(place), lower, upper) ELSE tau END AS tau,
                    CASE WHEN half = 0 THEN height END AS height, half = 1 AS pending)
                FROM (
                    SELECT * REPLACE (CASE WHEN done THEN steps ELSE 2 * steps END AS steps,
                            CASE WHEN done THEN i ELSE 2 * i + half END AS i),
                        CASE WHEN half = 1 THEN (low + high) * ((2 * i + 1) / (2 * steps)) - low ELSE t END AS place
                    FROM (
                        SELECT *, unnest(CASE WHEN done OR i = steps THEN [0] ELSE [0, 1] END) AS half
                        FROM (
                            SELECT * EXCLUDE (top, f, fx, fm, tolerance, agreed)
                                REPLACE (agreed AND (settled OR NOT sharp) OR steps >= 8192 AS done, agreed AS settled)
                            FROM (
                                SELECT *,
                                    coalesce(abs(2 * (sum(CASE WHEN i % 2 = 0 THEN f ELSE 0.0 END) OVER every) - (sum(f) OVER every)) <= tolerance * (sum(f) OVER every), false)
                                    AND coalesce(abs(2 * (sum(CASE WHEN i % 2 = 0 THEN fx ELSE 0.0 END) OVER every) - (sum(fx) OVER every)) <= tolerance * (sum(abs(fx)) OVER every), false)
                                    AND coalesce(abs(2 * (sum(CASE WHEN i % 2 = 0 THEN fm ELSE 0.0 END) OVER every) - (sum(fm) OVER every)) <= tolerance * (sum(fm) OVER every), false) AS agreed
                                FROM (
                                    SELECT *, f * (x - mode) AS fx, f * exp(moment * (x - mode)) AS fm,
                                        1e-11 + 1e-15 * abs(top) AS tolerance 
                                    FROM (
                                        SELECT *, exp(height - top) AS f
                                        FROM (
                                            SELECT *, max(height) OVER (PARTITION BY model) AS top
                                            FROM (SELECT n.* REPLACE (
                                                CASE WHEN n.pending THEN (CASE WHEN (log_likelihood + log_prior + (CASE WHEN isinf(upper) THEN x ELSE ln(upper - lower) - abs(x) - 2 * pool_log1p(exp(-abs(x))) END)
                                                        + ln(width) + ln(cosh(t))) IS NULL OR isnan((log_likelihood + log_prior + (CASE WHEN isinf(upper) THEN x ELSE ln(upper - lower) - abs(x) - 2 * pool_log1p(exp(-abs(x))) END)
                                                        + ln(width) + ln(cosh(t)))) THEN '-infinity'::DOUBLE ELSE (log_likelihood + log_prior + (CASE WHEN isinf(upper) THEN x ELSE ln(upper - lower) - abs(x) - 2 * pool_log1p(exp(-abs(x))) END)
                                                        + ln(width) + ln(cosh(t))) END) ELSE height END AS height,
                                                CASE WHEN n.pending THEN l.mu_ ELSE n.mu_ END AS mu_,
                                                CASE WHEN n.pending THEN l.variance ELSE n.variance END AS variance)
                                            FROM _pool_node AS n LEFT JOIN _pool_log_likelihood_at('_pool_node', 'pivoted', 'proper_models', tau2) AS l USING (model, i)
                                            WHERE NOT done)
                                        )
                                    )
                                )
                                WINDOW every AS (PARTITION BY model)
                            )
                        )
                    )
                )
            )
            FROM _pool_node WHERE done))
        )
    )
    WHERE f * exp(moment * greatest(x - mode, 0.0)) >= 1e-18 * total),
    known_node AS (WITH points AS (SELECT model, 0 AS i, sqrt(_pool_number(tau2)) AS tau, true AS pending FROM proper_models)
    SELECT model, 0.0 AS t, tau, mu_, variance, NULL::DOUBLE AS lower, NULL::DOUBLE AS upper, NULL::DOUBLE AS mode,
        NULL::DOUBLE AS width, NULL::DOUBLE AS h, true AS settled, 1.0 AS p, log_likelihood AS log_total
    FROM points JOIN _pool_log_likelihood_at('points', 'pivoted', 'proper_models', tau2) USING (model, i)),
    nodes AS MATERIALIZED (
        FROM query_table(CASE WHEN _pool_number(tau2) IS NULL THEN 'integrated' ELSE 'known_node' END)
    ),
    plain AS (
        SELECT _pool_model, model AS _pool_id, coalesce(j, 0)::BIGINT AS _pool_groups,
            CASE WHEN has_n THEN coalesce(n, 0)::BIGINT END AS _pool_rows,
            CASE WHEN j IS NULL THEN _pool_number(sigma2) ELSE _pool_finite(pooled) END AS _pool_sigma2,
            df_prior AS _pool_df_prior, sigma2_prior AS _pool_sigma2_prior
        FROM (SELECT model, _pool_model FROM models) LEFT JOIN facts USING (model), (SELECT has_n FROM _pool_request)
    ),
    components AS (
        SELECT _pool_model, _pool_groups, _pool_rows, _pool_sigma2, NULL::DOUBLE AS sigma2_se,
            tau_mean, tau_se, tau_median, tau_lower, tau_upper,
            tau2_mean, tau2_se, tau2_median, tau2_lower_, tau2_upper_, log_tau_mean, mu_mean, mu_se, mu_median, mu_low,
            mu_high, mu_above, new_mean, new_se, new_median, new_low, new_high, new_above, icc,
            _pool_df_prior, _pool_sigma2_prior, log_marginal, bayes_factor, coalesce(settled, false) AS settled
        FROM plain LEFT JOIN (WITH totals AS MATERIALIZED (
            SELECT model, sum(p * tau) AS tau_, sum(p * (tau * tau)) AS tau2_,
                sum(p * CASE WHEN tau > 0 THEN ln(tau) END) AS log_tau,
                sum(p * pool_icc(tau * tau, pooled)) AS icc, any_value(log_total) AS log_total,
                bool_and(settled) AS settled,
                sum(p * mu_) AS mean_mu, sum(p * variance) AS variance_mu
            FROM nodes JOIN proper_models USING (model)
            GROUP BY model
        ),
        spreads AS (
            SELECT model, sqrt(sum(p * ((tau - tau_) * (tau - tau_)))) AS se_tau,
                sqrt(sum(p * ((tau * tau - tau2_) * (tau * tau - tau2_)))) AS se_tau2,
                sqrt(any_value(variance_mu) + sum(p * ((mu_ - mean_mu) * (mu_ - mean_mu)))) AS se_mu
            FROM nodes JOIN totals USING (model) GROUP BY model
        ),
        heavy_nodes AS MATERIALIZED (FROM nodes WHERE p >= 1e-17),
        searched AS (WITH RECURSIVE _pool_place AS (
                SELECT model, q, 0 AS step, min(t) - h AS low, max(t) + h AS high,
                    arg_min(t, abs(cumulated - p / 2 - q)) AS t, h, false AS done
                FROM (
                    SELECT *, sum(p) OVER (PARTITION BY model ORDER BY t) AS cumulated FROM heavy_nodes
                ), (SELECT unnest([0.5, (1 - _pool_number(level)) / 2, (1 + _pool_number(level)) / 2]) AS q)
                GROUP BY model, q, h
                UNION ALL
                SELECT model, q, step + 1, low, high,
                    CASE WHEN near OR moved > low AND moved < high THEN moved ELSE (low + high) / 2 END, h, near OR step >= 100
                FROM (
                    SELECT *, t - excess / slope AS moved, coalesce(abs(excess) <= 1e-7 * h * slope, false) AS near
                    FROM (
                        SELECT model, q, step, h, t, CASE WHEN excess <= 0 THEN t ELSE low END AS low,
                            CASE WHEN excess >= 0 THEN t ELSE high END AS high, excess, slope
                        FROM (
                            SELECT model, q, any_value(step) AS step, any_value(h) AS h, any_value(t) AS t,
                                any_value(low) AS low, any_value(high) AS high,
                                sum(p * (0.5 + pool_sine_integral(z) / 3.14159265358979324e0)) - q AS excess,
                                sum(p * CASE WHEN z = 0 THEN 1.0 ELSE sin(z) / z END) / any_value(h) AS slope
                            FROM (
                                SELECT a.*, p, 3.14159265358979324e0 * (a.t - n.t) / a.h AS z
                                FROM _pool_place AS a JOIN (SELECT model, t, p FROM heavy_nodes) AS n USING (model)
                                WHERE NOT done
                            )
                            GROUP BY model, q
                        )
                    )
                )
            )
            SELECT model, q, _pool_tau_at(mode + width * sinh(t), lower, upper) AS tau
            FROM _pool_place JOIN (
                SELECT model, any_value(mode) AS mode, any_value(width) AS width, any_value(lower) AS lower,
                    any_value(upper) AS upper
                FROM heavy_nodes GROUP BY model
            ) USING (model)
            WHERE done),
        known AS (
            SELECT model, unnest([0.5, (1 - _pool_number(level)) / 2, (1 + _pool_number(level)) / 2]) AS q, tau
            FROM heavy_nodes
        ),
        quantiles AS (
            SELECT model, max(tau) FILTER (q = 0.5) AS tau_median, min(tau) AS tau_lower, max(tau) AS tau_upper
            FROM query_table(CASE WHEN _pool_number(tau2) IS NULL THEN 'searched' ELSE 'known' END) GROUP BY model
        ),
        items AS MATERIALIZED (
            SELECT 2 * model + varies::BIGINT AS id, model, NULL::DOUBLE AS y, 'infinity'::DOUBLE AS v, 0.0 AS extra,
                varies, -(around + start + _pool_origin) AS beyond
            FROM proper_models, _pool_origin, (VALUES (0.0), (1.0)) AS kinds(varies)
        ),
        node_lists AS MATERIALIZED (FROM _pool_node_lists('heavy_nodes')),
        mixed AS MATERIALIZED (FROM _pool_mixed('items', 'node_lists')),
        exceeding AS (FROM _pool_exceeding('items', 'node_lists')),
        targets AS (
            SELECT (1 - _pool_number(level)) / 2 AS target, unnest([1.0, -1.0]) AS side, -_pool_quantile AS reach
            FROM _pool_quantile_of(level)
            UNION ALL
            SELECT 0.5, 1.0, 0.0
        ),
        placed AS (
            SELECT id, max(x) FILTER (side > 0 AND target < 0.5) AS lower_, max(x) FILTER (side < 0) AS upper_,
                max(x) FILTER (target = 0.5) AS middle_
            FROM _pool_mixture_quantiles('mixed', 'heavy_nodes', 'targets') GROUP BY id
        ),
        mixtures AS (SELECT id // 2 AS model, id % 2 = 1 AS is_new, * EXCLUDE (id) FROM placed JOIN exceeding USING (id)),
        points AS (SELECT model, 0 AS i, 0.0::DOUBLE AS tau, true AS pending FROM proper_models WHERE exact = 0),
        at_zero AS (SELECT model, log_likelihood FROM _pool_log_likelihood_at('points', 'pivoted', 'proper_models', tau2)),
        summed AS (
            SELECT *, _pool_number(tau2) IS NOT NULL AS tau_known, flat = 0 AS mu_firm,
                around + start + _pool_origin AS place, moment AS highest_moment
            FROM proper_models JOIN totals USING (model) JOIN spreads USING (model) JOIN quantiles USING (model)
            LEFT JOIN at_zero USING (model), _pool_origin
        )
        SELECT s.model, CASE WHEN tau_known OR highest_moment >= 1 THEN tau_ END AS tau_mean,
            CASE WHEN tau_known THEN 0.0 WHEN highest_moment >= 2 THEN se_tau END AS tau_se,
            tau_median, tau_lower, tau_upper,
            CASE WHEN tau_known THEN _pool_number(tau2) WHEN highest_moment >= 2 THEN tau2_ END AS tau2_mean,
            CASE WHEN tau_known THEN 0.0 WHEN highest_moment >= 4 THEN se_tau2 END AS tau2_se,
            tau_median * tau_median AS tau2_median, tau_lower * tau_lower AS tau2_lower_,
            tau_upper * tau_upper AS tau2_upper_,
            _pool_finite(log_tau) AS log_tau_mean,
            CASE WHEN mu_firm OR highest_moment >= 1 THEN coalesce(_pool_number(mu), mean_mu + place) END AS mu_mean,
            CASE WHEN mu_firm OR highest_moment >= 2 THEN se_mu END AS mu_se,
            coalesce(_pool_number(mu), m.middle_ + place) AS mu_median,
            coalesce(_pool_number(mu), m.lower_ + place) AS mu_low,
            coalesce(_pool_number(mu), m.upper_ + place) AS mu_high, m.above AS mu_above,
            CASE WHEN highest_moment >= 1 THEN coalesce(_pool_number(mu), mean_mu + place) END AS new_mean,
            CASE WHEN highest_moment >= 2 THEN sqrt(se_mu * se_mu + tau2_) END AS new_se,
            n.middle_ + place AS new_median, n.lower_ + place AS new_low, n.upper_ + place AS new_high,
            n.above AS new_above,
            icc, CASE WHEN tau_known OR proper_prior THEN _pool_finite(log_total) END AS log_marginal,
            CASE WHEN proper_prior AND NOT tau_known THEN exp(log_likelihood - log_total) END AS bayes_factor, settled
        FROM summed AS s JOIN mixtures AS m ON s.model = m.model AND NOT m.is_new
        JOIN mixtures AS n ON s.model = n.model AND n.is_new) AS c
            ON plain._pool_id = c.model
    ),
    estimates AS (WITH sampled AS MATERIALIZED (
            SELECT *, row_number() OVER () AS _pool_item FROM _pool_sampled_groups(groups, 'plain', sigma2)
        ),
        heavy_nodes AS MATERIALIZED (FROM nodes WHERE p >= 1e-17),
        node_lists AS MATERIALIZED (FROM _pool_node_lists('heavy_nodes')),
        
        private AS (SELECT COLUMNS('^_pool_(item|id|y|sampling|own)$') FROM sampled WHERE _pool_sampling IS NOT NULL),
        items AS MATERIALIZED (
            SELECT _pool_item AS id, model, _pool_y - start - around AS y, _pool_sampling AS v,
                CASE predict WHEN 'row' THEN _pool_own WHEN 'replicate' THEN _pool_sampling ELSE 0.0 END AS extra,
                1.0 AS varies,
                _pool_number(threshold) - _pool_origin - start - around AS beyond,
                start + around + _pool_origin AS place, _pool_sampling < 'infinity'::DOUBLE AS seen, moment
            FROM private JOIN proper_models ON _pool_id = model, _pool_origin
        ),
        mixed AS MATERIALIZED (FROM _pool_mixed('items', 'node_lists')),
        no_exceeding AS (SELECT NULL::BIGINT AS id, NULL::DOUBLE AS above WHERE false),
        exceeding AS (FROM _pool_exceeding('items', 'node_lists')),
        no_interval AS (SELECT NULL::BIGINT AS id, NULL::DOUBLE AS lower_, NULL::DOUBLE AS upper_ WHERE false),
        central AS (FROM _pool_central('mixed', 'heavy_nodes', level)),
        shortest AS (WITH RECURSIVE _pool_begin AS MATERIALIZED (FROM _pool_central('mixed', 'heavy_nodes', level)),
        _pool_end AS (
            SELECT id, model, y, v, extra, varies, side, 0.0 AS target,
                side * CASE WHEN side > 0 THEN lower_ ELSE upper_ END AS x, 0 AS step, upper_ > lower_ AS pending
            FROM mixed JOIN _pool_begin USING (id), (VALUES (1.0), (-1.0)) AS sides(side)
            UNION ALL
            SELECT id, model, y, v, extra, varies, side, target, x + move, step + 1,
                NOT (step >= 60 OR largest <= 1e-9 * (1 - _pool_number(level)) / density_)
            FROM (
                SELECT *, greatest(-wide / 4, least(wide / 4, CASE WHEN side > 0 THEN by_low ELSE by_high END)) AS move,
                    greatest(abs(by_low), abs(by_high)) AS largest
                FROM (
                    SELECT *, high_x - low_x AS wide,
                        -(excess * high_slope + apart * high_f) / (low_f * high_slope + high_f * low_slope) AS by_low,
                        -(excess * low_slope - apart * low_f) / (low_f * high_slope + high_f * low_slope) AS by_high
                    FROM (
                        SELECT *, sum(tail) OVER pair - (1 - _pool_number(level)) AS excess,
                            max(density_) FILTER (side > 0) OVER pair AS low_f,
                            max(density_) FILTER (side < 0) OVER pair AS high_f,
                            max(bend / density_) FILTER (side > 0) OVER pair AS low_slope,
                            max(bend / density_) FILTER (side < 0) OVER pair AS high_slope,
                            sum(side * ln(density_)) OVER pair AS apart,
                            max(x) FILTER (side > 0) OVER pair AS low_x, -max(x) FILTER (side < 0) OVER pair AS high_x
                        FROM _pool_end JOIN _pool_tails('_pool_end', 'heavy_nodes') USING (id, side, target)
                        WINDOW pair AS (PARTITION BY id)
                    )
                )
            )
        )
        SELECT id, max(side * x) FILTER (side > 0) AS lower_, max(side * x) FILTER (side < 0) AS upper_
        FROM _pool_end WHERE NOT pending GROUP BY id),
        intervals AS (
            FROM query_table(
                CASE interval_kind WHEN 'central' THEN 'central' WHEN 'shortest' THEN 'shortest' ELSE 'no_interval' END)
        ),
        posteriors AS (
            SELECT id AS _pool_item, weight_ AS _pool_weight, CASE WHEN seen OR moment >= 1 THEN mean_ + place END
                    AS _pool_estimate,
                CASE WHEN seen OR moment >= 2 THEN sqrt(variance_) END AS _pool_se, lower_ + place AS _pool_lower,
                upper_ + place AS _pool_upper, above AS _pool_above
            FROM mixed LEFT JOIN intervals USING (id)
                LEFT JOIN query_table(CASE WHEN _pool_absent(threshold) THEN 'no_exceeding' ELSE 'exceeding' END) USING (id)
        )
        FROM sampled LEFT JOIN posteriors USING (_pool_item)),
    density AS (WITH points AS MATERIALIZED (
        SELECT n.model, row_number() OVER () AS i, _pool_tau AS tau, true AS pending
        FROM (SELECT DISTINCT _pool_model, _pool_tau FROM query_table(curves)) AS c, models AS n
        WHERE _pool_same(n._pool_model, c._pool_model)
    ),
    totals AS (SELECT model, any_value(log_total) AS log_total FROM nodes GROUP BY model)
    SELECT _pool_model AS _pool_model_there, p.tau AS _pool_at,
        exp((CASE WHEN (log_likelihood + log_prior) IS NULL OR isnan((log_likelihood + log_prior)) THEN '-infinity'::DOUBLE ELSE (log_likelihood + log_prior) END) - log_total) AS _pool_density,
        mu_ + around + start + _pool_origin AS _pool_mu_there, sqrt(variance) AS _pool_se_mu_there
    FROM points AS p JOIN _pool_log_likelihood_at('points', 'pivoted', 'proper_models', tau2) AS l USING (model, i)
        JOIN totals USING (model)
    JOIN (SELECT model, around, start FROM proper_models) USING (model) JOIN models USING (model),
        _pool_origin)
    FROM query_table(relation);

-- ---------------------------------------------------------------------------------------------------------------------
-- One row per group: the partially pooled mean with its standard error.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per group: weight, estimate and se, from the groups and the components of their models.
CREATE OR REPLACE MACRO _pool_estimates(groups, components, sigma2, tau2, mu, uncertainty, predict) AS TABLE
    WITH sampled AS (FROM _pool_sampled_groups(groups, components, sigma2)),
    corrected AS (
        SELECT * REPLACE ((CASE
            WHEN _pool_name(tau2) = 'morris'
                THEN CASE WHEN _pool_sampling = 'infinity'::DOUBLE THEN _pool_tau2 ELSE ((_pool_groups - CASE WHEN _pool_number(mu) IS NULL THEN 1.0 ELSE 0.0 END) * _pool_tau2 + 2 * _pool_sampling) / ((_pool_groups - CASE WHEN _pool_number(mu) IS NULL THEN 1.0 ELSE 0.0 END) - 2) END
            ELSE _pool_tau2
        END) AS _pool_tau2)
        FROM sampled
    ),
    -- The only group of a model keeps its own mean, for any tau2.
    weighed AS (
        SELECT *, _pool_groups = 1 AND _pool_tau2 IS NULL AND _pool_w > 0 AS _pool_alone,
            CASE WHEN _pool_alone AND _pool_sampling IS NOT NULL THEN 1.0
                ELSE pool_weight(_pool_tau2, _pool_sampling) END AS _pool_weight,
            pool_pooling(_pool_tau2, _pool_sampling) AS _pool_pooling
        FROM query_table(CASE WHEN (_pool_name(tau2) = 'morris') THEN 'corrected' ELSE 'sampled' END)
    ),
    -- `uncertainty` chooses one of three variances when the query is planned.
    given_mu AS (
        SELECT *, CASE WHEN _pool_alone THEN _pool_sampling
            ELSE pool_conditional_variance(_pool_tau2, _pool_pooling) END AS _pool_variance
        FROM weighed
    ),
    given_tau2 AS (
        SELECT *, CASE WHEN _pool_alone THEN _pool_sampling
            ELSE pool_marginal_variance(_pool_tau2, _pool_pooling, _pool_se_mu) END AS _pool_variance
        FROM weighed
    ),
    given_neither AS (
        SELECT * REPLACE (CASE WHEN _pool_alone THEN _pool_sampling
            ELSE pool_variance_with_tau2(_pool_variance, _pool_sampling, _pool_tau2, _pool_pooling, _pool_error,
                _pool_correction) END AS _pool_variance)
        FROM given_tau2
    ),
    of_mean AS (
        FROM query_table(CASE
            WHEN uncertainty = 'conditional' THEN 'given_mu'
            WHEN uncertainty = 'tau2' AND _pool_name(tau2) <> '' THEN 'given_neither'
            ELSE 'given_tau2'
        END)
    ),
    of_row AS (
        SELECT * REPLACE (pool_predictive_variance(_pool_variance, _pool_own) AS _pool_variance) FROM of_mean
    ),
    of_replicate AS (
        SELECT * REPLACE (pool_predictive_variance(_pool_variance, _pool_sampling) AS _pool_variance) FROM of_mean
    )
    SELECT *,
        pool_estimate(_pool_mean, _pool_mu, CASE WHEN _pool_alone THEN 1.0 ELSE _pool_weight END) AS _pool_estimate,
        sqrt(_pool_variance) AS _pool_se
    FROM query_table(CASE predict WHEN 'row' THEN 'of_row' WHEN 'replicate' THEN 'of_replicate' ELSE 'of_mean' END);

-- Everything from a table to the estimates of its groups: keys under their own names, the rest under private ones.
CREATE OR REPLACE MACRO _pool_pooled(
    tbl, value, "by", unnamed, over, n, var, se, weights, sigma2, tau2, mu, nan, level, uncertainty, "interval",
    predict, threshold, groups, result
) AS TABLE
    WITH _pool_request AS MATERIALIZED (
        FROM _pool_arguments('_pool_schema', value, "by", unnamed, over, n, var, se, weights, sigma2, tau2, mu, nan,
            level, uncertainty, "interval", predict, threshold, true, result)
    ),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(tbl, value, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_plain(tbl, value, "by", over, n, var, se, weights, nan)),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed(tbl, value, "by", over, n, var, se, weights, nan, sigma2, tau2, mu)
    ),
    _pool_seen AS NOT MATERIALIZED (FROM _pool_groups([n, var, se, weights], '_pool_plain', '_pool_weighed', sigma2)),
    _pool_with_unseen AS NOT MATERIALIZED (
        FROM _pool_seen UNION ALL BY NAME FROM (SELECT *, 0.0::DOUBLE AS _pool_n, 0.0::DOUBLE AS _pool_w, NULL::DOUBLE AS _pool_y, NULL::DOUBLE AS _pool_squares,
            NULL::DOUBLE AS _pool_var, 'infinity'::DOUBLE AS _pool_v, false AS _pool_sized
        FROM _pool_unseen_keys('_pool_other_keys', "by", over, '_pool_seen'))
    ),
    _pool_groups AS NOT MATERIALIZED (
        FROM query_table(CASE WHEN _pool_absent(groups) THEN '_pool_seen' ELSE '_pool_with_unseen' END)
    ),
    _pool_components AS MATERIALIZED (
        FROM _pool_components('_pool_groups', [n, var, se, weights, groups], sigma2, tau2, mu, level, 'z', NULL,
            CASE WHEN uncertainty = 'tau2' AND _pool_name(tau2) <> '' THEN 'errors' ELSE 'estimates' END)
    ),
    _pool_estimated AS NOT MATERIALIZED (
        FROM _pool_estimates('_pool_groups', '_pool_components', sigma2, tau2, mu, uncertainty, predict)
    ),
    _pool_integrated AS NOT MATERIALIZED (
        FROM _pool_posterior('_pool_groups', [n, var, se, weights, groups], NULL, sigma2, tau2, mu, level,
            CASE WHEN list_contains(result, 'lower') THEN coalesce("interval", 'central') ELSE '' END,
            predict, threshold, 'estimates')
    )
    FROM query_table(CASE WHEN _pool_integrates(tau2, mu) THEN '_pool_integrated' ELSE '_pool_estimated' END)
    WHERE (SELECT proper FROM _pool_request);

-- ---------------------------------------------------------------------------------------------------------------------
-- One row per group: the sufficient statistics, as a result.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per group, from a table: keys under their own names, moments under private ones.
CREATE OR REPLACE MACRO _pool_moments(tbl, value, "by", unnamed, over, n, var, weights, nan, result) AS TABLE
    WITH _pool_request AS MATERIALIZED (
        FROM _pool_arguments('_pool_schema', value, "by", unnamed, over, n, var, NULL, weights, 'pooled', 'reml', 'gls',
            nan, 0.95, 'mu', NULL, 'mean', NULL, true, result)
    ),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(tbl, value, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_plain(tbl, value, "by", over, n, var, NULL, weights, nan)),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed(tbl, value, "by", over, n, var, NULL, weights, nan, 'pooled', 'reml', 'gls')
    ),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_groups([n, var, weights], '_pool_plain', '_pool_weighed', 'pooled')),
    _pool_checked AS (SELECT count_if(NOT isfinite(_pool_y)) AS odd FROM _pool_groups)
    FROM _pool_groups, _pool_origin
    WHERE (SELECT proper FROM _pool_request) AND (
        SELECT sound FROM _pool_sound([n, var, weights], '_pool_checked', '_pool_weighed'));

CREATE OR REPLACE MACRO _pool_plain_moments(tbl, value, "by", unnamed, n, var, nan) AS TABLE
    SELECT COLUMNS(lambda c: _pool_is_shown(c))
    FROM (
        SELECT *, _pool_n::BIGINT AS n, _pool_y + _pool_origin AS mean, _pool_var AS var
        FROM _pool_moments(tbl, value, "by", unnamed, {'_pool_absent': true}, n, var, NULL, nan,
            ['n', 'mean', 'var'])
    );

CREATE OR REPLACE MACRO _pool_weighted_moments(tbl, value, "by", unnamed, weights, n, var, nan) AS TABLE
    SELECT COLUMNS(lambda c: _pool_is_shown(c))
    FROM (
        SELECT *, _pool_n::BIGINT AS n, _pool_y + _pool_origin AS mean, _pool_var AS var, _pool_w AS w
        FROM _pool_moments(tbl, value, "by", unnamed, {'_pool_absent': true}, n, var, weights, nan,
            ['n', 'mean', 'var', 'w'])
    );

-- ---------------------------------------------------------------------------------------------------------------------
-- The partially pooled mean of its group for every row, from all rows or from those of the other folds.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- The verbs of means, each a table macro: rows, stored moments or published estimates to one row per group or model.
-- ---------------------------------------------------------------------------------------------------------------------

-- Partially pooled mean of every group, weight * mean + (1 - weight) * mu, with its interval. DuckDB 1 takes the name
-- of the argument "interval" in quotes alone: "interval" := 'robust'. A threshold adds p_above, the probability that
-- the quantity named by `predict` exceeds it. `groups` is another table of keys; keys without rows get an estimate too.
CREATE OR REPLACE MACRO pool_shrink(
    tbl, value, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL, se := NULL,
    weights := NULL, sigma2 := 'pooled', tau2 := 'reml', mu := 'gls', nan := 'error', level := 0.95,
    uncertainty := 'mu', "interval" := NULL, predict := 'mean', threshold := NULL, groups := NULL
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_other_keys AS NOT MATERIALIZED (FROM query_table(groups)),
    _pool_shrunk AS NOT MATERIALIZED (
        FROM _pool_pooled(_pool_read(tbl), value, "by", _pool_unnamed, over, n, var, se, weights, sigma2, tau2, mu, nan,
            level, uncertainty, "interval", predict, threshold, groups,
            (CASE
                WHEN "interval" = 'robust' AND _pool_absent(threshold) THEN ['n', 'mean', 'v', 'weight', 'estimate', 'se', 'lower', 'upper', 'noncoverage']
                WHEN "interval" = 'robust' THEN ['n', 'mean', 'v', 'weight', 'estimate', 'se', 'lower', 'upper', 'noncoverage', 'p_above']
                WHEN _pool_absent(threshold) THEN ['n', 'mean', 'v', 'weight', 'estimate', 'se', 'lower', 'upper']
                ELSE ['n', 'mean', 'v', 'weight', 'estimate', 'se', 'lower', 'upper', 'p_above']
            END))
    ),
    _pool_with_normal AS NOT MATERIALIZED (
        SELECT *, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_sampling AS v, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se,
            pool_lower(_pool_estimate, _pool_se, _pool_quantile) AS lower,
            pool_upper(_pool_estimate, _pool_se, _pool_quantile) AS upper
        FROM _pool_shrunk, _pool_quantile_of(level)
    ),
    _pool_with_robust AS NOT MATERIALIZED (
        SELECT *, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_sampling AS v, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se, _pool_lower AS lower, _pool_upper AS upper,
            _pool_noncoverage AS noncoverage
        FROM _pool_robust('_pool_shrunk', level)
    ),
    _pool_with_posterior AS NOT MATERIALIZED (
        SELECT *, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_sampling AS v, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se, _pool_lower AS lower, _pool_upper AS upper
        FROM _pool_shrunk
    ),
    _pool_above_posterior AS NOT MATERIALIZED (
        SELECT *, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_sampling AS v, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se, _pool_lower AS lower, _pool_upper AS upper,
            _pool_above AS p_above
        FROM _pool_shrunk
    ),
    _pool_result AS NOT MATERIALIZED (
        FROM query_table(CASE WHEN "interval" = 'robust' THEN '_pool_with_robust' ELSE '_pool_with_normal' END)
    ),
    _pool_standardised AS NOT MATERIALIZED (
        SELECT *, pool_standardised(estimate, _pool_result.se, _pool_number(threshold)) AS _pool_z
        FROM _pool_result -- `se` without the alias would be the argument
    ),
    _pool_exceeding AS NOT MATERIALIZED (
        SELECT *, _pool_normal_cdf_double(_pool_z) AS p_above FROM _pool_standardised
    ),
    _pool_of_posterior AS NOT MATERIALIZED (
        FROM query_table(CASE WHEN _pool_absent(threshold) THEN '_pool_with_posterior' ELSE '_pool_above_posterior' END)
    ),
    _pool_of_estimates AS NOT MATERIALIZED (
        FROM query_table(CASE WHEN _pool_absent(threshold) THEN '_pool_result' ELSE '_pool_exceeding' END)
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c))
    FROM query_table(CASE WHEN _pool_integrates(tau2, mu) THEN '_pool_of_posterior' ELSE '_pool_of_estimates' END);

-- Every row of a table with the partially pooled mean of its group. The table is read once for the groups and once for
-- the rows. With `folds`, a column or expression, from the rows of all other folds: sigma2, tau2 and mu are refitted
-- without each fold.
CREATE OR REPLACE MACRO pool_encode(
    tbl, value, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, weights := NULL, sigma2 := 'pooled',
    tau2 := 'reml', mu := 'gls', nan := 'error', folds := NULL
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_of_all AS NOT MATERIALIZED (WITH _pool_rows AS (SELECT over AS _pool_key, "by" AS _pool_key, * FROM query_table(_pool_read(tbl))),
        _pool_coded AS (
            SELECT COLUMNS(lambda c: c NOT LIKE '\_pool\_%' ESCAPE '\') AS _pool_key, _pool_estimate
            FROM _pool_pooled(_pool_read(tbl), value, "by", _pool_unnamed, over, NULL, NULL, NULL, weights, sigma2, tau2, mu, nan,
                0.95, 'mu', NULL, 'mean', NULL, NULL, [])
        )
        SELECT COLUMNS(lambda c: c NOT LIKE '\_pool\_%' ESCAPE '\'), _pool_estimate AS estimate
        FROM (SELECT *, struct_pack(*COLUMNS('^_pool_key')) AS _pool_row FROM _pool_rows) AS r
        LEFT JOIN (SELECT _pool_estimate, struct_pack(*COLUMNS('^_pool_key')) AS _pool_group FROM _pool_coded) AS g
            ON r._pool_row IS NOT DISTINCT FROM g._pool_group),
    _pool_out_of_fold AS NOT MATERIALIZED (WITH _pool_request AS MATERIALIZED (
            FROM _pool_arguments('_pool_schema', value, "by", _pool_unnamed, over, NULL, NULL, NULL, weights, sigma2, tau2, mu,
                nan, 0.95, 'mu', NULL, 'mean', NULL, true, [])
        ),
        _pool_keyed AS NOT MATERIALIZED (
            SELECT over AS _pool_model_key, "by" AS _pool_group_key, folds AS _pool_fold, *
            FROM query_table(_pool_read(tbl))
        ),
        _pool_labelled AS NOT MATERIALIZED (
            SELECT {'model': struct_pack(*COLUMNS('^_pool_model_key')), 'fold': _pool_fold} AS "pool model",
                struct_pack(*COLUMNS('^_pool_group_key')) AS "pool group", *
            FROM _pool_keyed
        ),
        _pool_pairs AS MATERIALIZED (WITH _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_labelled'))
            SELECT "pool model", "pool group", _pool_n AS n, _pool_y + _pool_origin AS mean, _pool_var AS var, _pool_w AS w
            FROM _pool_moments(['_pool_labelled'], value, "pool group", NULL, "pool model", NULL, NULL, weights, nan, [])),
        _pool_coded AS NOT MATERIALIZED (WITH _pool_other_keys AS NOT MATERIALIZED (SELECT "pool model", "pool group" FROM _pool_pairs),
            _pool_models AS MATERIALIZED (SELECT DISTINCT "pool model" AS model FROM _pool_pairs),
            _pool_sums AS NOT MATERIALIZED (
                FROM (SELECT "pool model", "pool group", sum(n) OVER others AS n, sum(w) OVER others AS w,
                    count(mean) OVER others AS states, sum(w * mean) OVER others AS wm,
                    sum(pool_squares(n, var)) OVER others AS squares,
                    covar_samp(w * mean, mean) OVER others AS cov_wm, covar_samp(w, mean) OVER others AS cov_w
                FROM _pool_pairs
                WINDOW others AS (
                    PARTITION BY "pool model".model, "pool group"
                    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW
                )) UNION ALL BY NAME FROM (WITH groups AS MATERIALIZED (
                    SELECT "pool model".model AS model, "pool group", sum(n) AS n, sum(w) AS w, count(mean) AS states,
                        sum(w * mean) AS wm, sum(pool_squares(n, var)) AS squares,
                        covar_samp(w * mean, mean) AS cov_wm, covar_samp(w, mean) AS cov_w
                    FROM _pool_pairs GROUP BY ALL
                ),
                every AS NOT MATERIALIZED (
                    SELECT m.model AS "pool model", g.* EXCLUDE (model)
                    FROM groups AS g JOIN _pool_models AS m ON g.model IS NOT DISTINCT FROM m.model.model
                )
                FROM every AS e ANTI JOIN _pool_pairs AS p
                    ON e."pool model" IS NOT DISTINCT FROM p."pool model" AND e."pool group" IS NOT DISTINCT FROM p."pool group")
            ),
            _pool_others AS MATERIALIZED (
                SELECT "pool model", "pool group", n, w, wm / w AS mean,
                    pool_variance(n, squares + pool_squares_between(states, wm, w, cov_wm, cov_w)) AS var
                FROM _pool_sums WHERE w > 0
            ),
            _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_others')),
            _pool_plain_coded AS NOT MATERIALIZED (
                FROM _pool_pooled(['_pool_others'], mean, "pool group", NULL, "pool model", n, var, NULL, NULL, sigma2, tau2,
                    mu, 'error', 0.95, 'mu', NULL, 'mean', NULL, '_pool_other_keys', [])
            ),
            _pool_weighted_coded AS NOT MATERIALIZED (
                FROM _pool_pooled(['_pool_others'], mean, "pool group", NULL, "pool model", n, var, NULL, w, sigma2, tau2,
                    mu, 'error', 0.95, 'mu', NULL, 'mean', NULL, '_pool_other_keys', [])
            ),
            
            _pool_of_estimates AS NOT MATERIALIZED (
                SELECT "pool model" AS _pool_in, "pool group" AS _pool_of, coalesce(_pool_estimate, _pool_mu) AS _pool_estimate
                FROM query_table(CASE WHEN _pool_absent(weights) THEN '_pool_plain_coded' ELSE '_pool_weighted_coded' END)
            ),
            _pool_of_posterior AS NOT MATERIALIZED (
                SELECT "pool model" AS _pool_in, "pool group" AS _pool_of, _pool_estimate
                FROM query_table(CASE WHEN _pool_absent(weights) THEN '_pool_plain_coded' ELSE '_pool_weighted_coded' END)
            )
            FROM query_table(CASE WHEN _pool_integrates(tau2, mu) THEN '_pool_of_posterior' ELSE '_pool_of_estimates' END)),
        _pool_unlabelled AS (
            SELECT count_if(_pool_fold IS NULL) AS bad FROM (SELECT folds AS _pool_fold FROM query_table(_pool_read(tbl)))
        )
        SELECT COLUMNS(lambda c: NOT (starts_with(c, '_pool_') OR starts_with(c, 'pool '))), _pool_estimate AS estimate
        FROM _pool_labelled AS r
        LEFT JOIN _pool_coded AS g
            ON r."pool model" IS NOT DISTINCT FROM g._pool_in AND r."pool group" IS NOT DISTINCT FROM g._pool_of
        WHERE (SELECT proper FROM _pool_request)
            AND (SELECT CASE WHEN bad > 0 THEN error(format('folds= is null in {}: give each row a fold, or leave these rows out', _pool_number_of_rows(bad))) ELSE true END
                FROM _pool_unlabelled)),
    _pool_checked AS (
        SELECT (CASE
            WHEN list_contains(list_transform(struct_keys(_pool_row), lambda c: lower(c)), 'estimate')
                THEN error('the table has a column ''' || 'estimate' || ''' already; rename it first')
            WHEN len(list_filter(struct_keys(_pool_row), lambda c: starts_with(c, '_pool_'))) > 0
                THEN error('the column ''' || list_filter(struct_keys(_pool_row), lambda c: starts_with(c, '_pool_'))[1]
                    || ''' of the table begins with ''_pool_'', as private names do; rename it')
            ELSE true
        END) AS free
        FROM _pool_schema AS _pool_row
    )
    FROM query_table(CASE WHEN _pool_absent(folds) THEN '_pool_of_all' ELSE '_pool_out_of_fold' END)
    WHERE (SELECT free FROM _pool_checked);

-- Variance within groups, variance between them and the population mean of every model.
CREATE OR REPLACE MACRO pool_components(
    tbl, value, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL, se := NULL,
    weights := NULL, sigma2 := 'pooled', tau2 := 'reml', mu := 'gls', nan := 'error', level := 0.95,
    test := 'z', limits := NULL
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_arguments('_pool_schema', value, "by", _pool_unnamed, over, n, var, se, weights, sigma2, tau2, mu,
            nan, level, 'mu', NULL, 'mean', NULL, false, CASE WHEN _pool_integrates(tau2, mu)
                THEN ['groups', 'n', 'sigma2', 'se_sigma2', 'tau', 'se_tau', 'tau_median', 'tau_lower', 'tau_upper', 'tau2', 'se_tau2',
                    'tau2_median', 'tau2_lower', 'tau2_upper', 'log_tau', 'mu', 'se_mu', 'mu_median', 'mu_lower', 'mu_upper',
                    'mu_positive', 'new', 'se_new', 'new_median', 'new_lower', 'new_upper', 'new_positive', 'icc', 'df_prior',
                    'sigma2_prior', 'log_marginal', 'bayes_factor', 'converged'] ELSE ['groups', 'n', 'sigma2', 'tau2', 'mu', 'se_mu', 'icc', 'df_prior', 'sigma2_prior', 'q', 'q_p', 'i2', 'h2',
                        'se_tau2', 'tau2_lower', 'tau2_upper', 'log_likelihood', 'aic', 'lrt', 'lrt_p', 'mu_lower', 'mu_upper', 'mu_p',
                        'new_lower', 'new_upper', 'converged'] END)
    ),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(_pool_read(tbl), value, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_plain(_pool_read(tbl), value, "by", over, n, var, se, weights, nan)),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed(_pool_read(tbl), value, "by", over, n, var, se, weights, nan, sigma2, tau2, mu)
    ),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_groups([n, var, se, weights], '_pool_plain', '_pool_weighed', sigma2)),
    _pool_components AS MATERIALIZED (
        FROM _pool_components('_pool_groups', [n, var, se, weights], sigma2, tau2, mu, level, test, limits, 'inference')
    ),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_components())
        UNION ALL
        SELECT unnest(_pool_model), COLUMNS(* EXCLUDE (_pool_model))
        FROM _pool_components
    ),
    _pool_named_posterior AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_posterior_components())
        UNION ALL
        SELECT unnest(_pool_model), COLUMNS(* EXCLUDE (_pool_model))
        FROM _pool_posterior('_pool_groups', [n, var, se, weights], NULL, sigma2, tau2, mu, level, '', 'mean', NULL,
            'components')
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c))
    FROM query_table(CASE WHEN _pool_integrates(tau2, mu) THEN '_pool_named_posterior' ELSE '_pool_named' END)
    WHERE (SELECT proper FROM _pool_request) AND (SELECT proper FROM _pool_valid_inference(test, limits, tau2, mu));

-- The profile of tau: one row per model and tau, from which intervals, tests and standard errors of tau2 are read.
-- groups := true gives one row per group and tau, with the group's estimate. A prior as tau2 adds the posterior density
-- of tau.
CREATE OR REPLACE MACRO pool_profile(
    tbl, value, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL, se := NULL,
    weights := NULL, sigma2 := 'pooled', mu := 'gls', nan := 'error', tau := NULL, groups := false, tau2 := NULL
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_arguments('_pool_schema', value, "by", _pool_unnamed, over, n, var, se, weights, sigma2,
            CASE WHEN _pool_absent(tau2) THEN 'reml' ELSE tau2 END, mu, nan, 0.95, 'mu',
            NULL, 'mean', NULL, groups, CASE
                WHEN groups THEN ['tau', 'estimate', 'se']
                WHEN _pool_absent(tau2) THEN ['tau', 'sigma2', 'mu', 'se_mu', 'q', 'log_likelihood', 'restricted_log_likelihood']
                ELSE ['tau', 'sigma2', 'mu', 'se_mu', 'q', 'log_likelihood', 'restricted_log_likelihood', 'density'] END)
    ),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(_pool_read(tbl), value, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_plain(_pool_read(tbl), value, "by", over, n, var, se, weights, nan)),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed(_pool_read(tbl), value, "by", over, n, var, se, weights, nan, sigma2, tau2, mu)
    ),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_groups([n, var, se, weights], '_pool_plain', '_pool_weighed', sigma2)),
    _pool_plain_curves AS MATERIALIZED (FROM _pool_profiled('_pool_groups', [n, var, se, weights], sigma2, mu, tau)),
    _pool_curves_of_posterior AS (
        SELECT * REPLACE (coalesce(_pool_mu_there, _pool_mu) AS _pool_mu,
            coalesce(_pool_se_mu_there, _pool_se_mu) AS _pool_se_mu)
        FROM _pool_plain_curves AS c LEFT JOIN (
            FROM _pool_posterior('_pool_groups', [n, var, se, weights], '_pool_plain_curves', sigma2, tau2, mu, 0.95,
                '', 'mean', NULL, 'density')
        ) AS d ON c._pool_tau = d._pool_at AND c._pool_model IS NOT DISTINCT FROM d._pool_model_there
    ),
    _pool_curves AS MATERIALIZED (
        FROM query_table(CASE WHEN _pool_absent(tau2) THEN '_pool_plain_curves' ELSE '_pool_curves_of_posterior' END)
    ),
    _pool_of_groups AS (
        SELECT COLUMNS(lambda c: _pool_is_shown(c))
        FROM (
            SELECT *, _pool_tau AS tau, _pool_estimate AS estimate, _pool_se AS se
            FROM _pool_estimates('_pool_groups', '_pool_curves', sigma2, 0.0, mu, 'mu', 'mean')
        )
    ),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_profile())
        UNION ALL
        SELECT unnest(_pool_model), _pool_tau, _pool_sigma2, _pool_mu, _pool_se_mu, _pool_q, _pool_log_likelihood,
            _pool_restricted_log_likelihood
        FROM _pool_curves
    ),
    _pool_named_density AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_posterior_profile())
        UNION ALL
        SELECT unnest(_pool_model), _pool_tau, _pool_sigma2, _pool_mu, _pool_se_mu, _pool_q, _pool_log_likelihood,
            _pool_restricted_log_likelihood, _pool_density
        FROM _pool_curves
    ),
    _pool_of_models AS (
        SELECT COLUMNS(lambda c: _pool_is_shown(c))
        FROM query_table(CASE WHEN _pool_absent(tau2) THEN '_pool_named' ELSE '_pool_named_density' END)
    )
    FROM query_table(CASE WHEN groups THEN '_pool_of_groups' ELSE '_pool_of_models' END)
    WHERE (SELECT proper FROM _pool_request) AND (SELECT proper FROM (WITH usual AS (SELECT true AS proper),
    unusual AS (
        SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper
        FROM (SELECT (CASE
            WHEN NOT (_pool_absent(tau2) OR _pool_is_tau_prior(tau2))
                THEN format('tau2={} does not fit a profile: give a prior such as ''half_cauchy(5)'', or nothing', _pool_shown(tau2))
            WHEN list_contains(pool_methods_without('mu', ['gls']), _pool_name(mu))
                OR _pool_absent(tau2) AND _pool_prior_name(mu) = 'normal'
                THEN format('mu={} does not fit a profile, where mu is the most likely: give ''gls'' or a number', _pool_shown(mu))
            WHEN typeof(tau) = '"NULL"' THEN NULL
            WHEN typeof(tau) NOT LIKE '%]' THEN format('{}; give a list of numbers, each 0 or more, such as [0, 1, 2]', ('tau=' || _pool_shown(tau)))
            WHEN len(TRY_CAST(tau::VARCHAR AS VARCHAR[])) = 0 THEN format('{}; give a list of numbers, each 0 or more, such as [0, 1, 2]', 'tau=[] is empty')
            WHEN typeof(tau) LIKE 'VARCHAR%'
                THEN format('{}; give a list of numbers, each 0 or more, such as [0, 1, 2]', ('tau holds ''' || TRY_CAST(tau::VARCHAR AS VARCHAR[])[1] || ''''))
            WHEN typeof(tau) LIKE 'BOOLEAN%'
                THEN format('{}; give a list of numbers, each 0 or more, such as [0, 1, 2]', ('tau holds ' || TRY_CAST(tau::VARCHAR AS VARCHAR[])[1]))
            ELSE list_transform(
                list_filter(
                    list_zip(TRY_CAST(tau::VARCHAR AS VARCHAR[]), TRY_CAST(tau::VARCHAR AS DOUBLE[])),
                    lambda t: t[2] IS NULL OR NOT (t[2] >= 0 AND t[2] < 'infinity'::DOUBLE)
                ),
                lambda t: format('{}; give a list of numbers, each 0 or more, such as [0, 1, 2]', ('tau holds ' || coalesce(t[1], 'NULL')))
            )[1]
        END) AS complaint)
    )
    FROM query_table(CASE
        WHEN _pool_name(mu) = 'gls' AND _pool_absent(tau) AND _pool_absent(tau2) THEN 'usual' ELSE 'unusual' END)));

-- The gain of pooling: the error of predicting rows that are held out, by raw means, by the grand mean and by partial
-- pooling, exactly and from moments alone.
CREATE OR REPLACE MACRO pool_compare(
    tbl, value, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL,
    sigma2 := 'pooled', tau2 := 'reml', mu := 'gls', nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_arguments('_pool_schema', value, "by", _pool_unnamed, over, n, var, NULL, NULL, sigma2, tau2, mu,
            nan, 0.95, 'mu', NULL, 'mean', NULL, false, ['groups', 'n', 'none', 'complete', 'partial', 'gain_on_none', 'gain_on_complete', 'pooling_rows',
                'pooling_groups'])
    ),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(_pool_read(tbl), value, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_plain(_pool_read(tbl), value, "by", over, n, var, NULL, NULL, nan)),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed(_pool_read(tbl), value, "by", over, n, var, NULL, NULL, nan, sigma2, tau2, mu)
    ),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_groups([n, var], '_pool_plain', '_pool_weighed', sigma2)),
    _pool_components AS MATERIALIZED (
        FROM _pool_components('_pool_groups', [n, var], sigma2, tau2, mu, 0.95, 'z', NULL, 'estimates')
    ),
    _pool_sizes AS MATERIALIZED (FROM _pool_sizes('_pool_groups')),
    _pool_singles AS NOT MATERIALIZED (FROM _pool_singles('_pool_groups')),
    _pool_compared AS (FROM _pool_compared('_pool_sizes', '_pool_singles', '_pool_components', sigma2, tau2, mu)),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_compare())
        UNION ALL
        SELECT unnest(_pool_model), COLUMNS(* EXCLUDE (_pool_model)) FROM _pool_compared
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named
    WHERE (SELECT proper FROM _pool_request) AND (SELECT proper FROM (WITH usual AS (SELECT true AS proper),
    unusual AS (
        SELECT error(CASE WHEN _pool_is_tau_prior(tau2)
            THEN format('{}={} does not go with {}: give a number or the name of an estimator', 'tau2', _pool_shown(tau2), 'compare')
            ELSE format('{}={} does not go with {}: give a number or the name of an estimator', 'mu', _pool_shown(mu), 'compare') END)::BOOLEAN AS proper
    )
    FROM query_table(CASE WHEN _pool_integrates(tau2, mu) THEN 'unusual' ELSE 'usual' END)));

-- Count, mean and sample variance of every group: the sufficient statistics of partial pooling. With n and var the rows
-- are stored moments of disjoint rows, and those with equal keys become the moments of their union, exactly.
CREATE OR REPLACE MACRO pool_moments(
    tbl, value, "by", _pool_unnamed := NULL, n := NULL, var := NULL, nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table'))
    FROM _pool_plain_moments(_pool_read(tbl), value, "by", _pool_unnamed, n, var, nan);

-- Count, mean, sample variance and total weight w of every group, of rows with precision weights.
CREATE OR REPLACE MACRO pool_weighted_moments(
    tbl, value, "by", weights, _pool_unnamed := NULL, n := NULL, var := NULL, nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table'))
    FROM _pool_weighted_moments(_pool_read(tbl), value, "by", _pool_unnamed, weights, n, var, nan);

-- Stored moments merged, from a table whose columns have the names that pool_moments gives them.
CREATE OR REPLACE MACRO pool_merge(tbl, "by") AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table'))
    FROM _pool_plain_moments(_pool_read(tbl), mean, "by", NULL, n, var, 'error');

-- Stored moments with weights merged: states with equal keys become the moments of their union, exactly.
CREATE OR REPLACE MACRO pool_weighted_merge(tbl, "by") AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table'))
    FROM _pool_weighted_moments(_pool_read(tbl), mean, "by", NULL, w, n, var, 'error');

-- Moments as an aggregate, for any GROUP BY: a struct of n, mean and var.
CREATE OR REPLACE MACRO pool_moments_of(value) AS
    {n: count(value), mean: favg(value::DOUBLE), var: var_samp(value::DOUBLE)};

-- ---------------------------------------------------------------------------------------------------------------------
-- The request for a regression: arguments that do not fit.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row: true or an error about the arguments, whether there is one model, and the names of y, x and weights.
CREATE OR REPLACE MACRO _pool_line_arguments(
    schema, y, x, "by", unnamed, over, weights, method, level, nan, by_is_shown, result
) AS TABLE
    WITH _pool_names AS (
        SELECT [struct_keys(_pool_of_by), struct_keys(_pool_of_over), struct_keys(_pool_of_unnamed),
            struct_keys(_pool_of_y), struct_keys(_pool_of_x), struct_keys(_pool_of_weights)] AS names
        FROM (SELECT "by" FROM query_table(schema)) AS _pool_of_by
            POSITIONAL JOIN (SELECT over FROM query_table(schema)) AS _pool_of_over
            POSITIONAL JOIN (SELECT unnamed FROM query_table(schema)) AS _pool_of_unnamed
            POSITIONAL JOIN (SELECT y FROM query_table(schema)) AS _pool_of_y
            POSITIONAL JOIN (SELECT x FROM query_table(schema)) AS _pool_of_x
            POSITIONAL JOIN (SELECT weights FROM query_table(schema)) AS _pool_of_weights
    ),
    _pool_listed_arguments AS (
        SELECT NULL, _pool_column("by"), NULL, _pool_column(over), NULL, _pool_column(unnamed),
            NULL, _pool_column(y), NULL, _pool_column(x), NULL, _pool_column(weights)
        FROM query_table(schema)
    ),
    checked AS (
        SELECT no_over, list_transform(described[4:], lambda _role: _role.names[1]) AS column_names, coalesce(
            wrong_keys,
            _pool_wrong_type(['value', 'x', 'weights'], described[4:]),
            CASE
                WHEN lower(column_names[2]) = lower(column_names[1]) THEN 'x=''' || column_names[2]
                    || ''' is the value itself; give another covariate'
                WHEN column_names[2] = 'intercept' THEN 'x=''intercept'' bears the name of the intercept: rename it'
            END,
            _pool_wrong_name('method', coalesce(method::VARCHAR, 'NULL'), ['reml', 'ml']),
            _pool_wrong_name('nan', coalesce(nan::VARCHAR, 'NULL'), ['error', 'null']),
            _pool_wrong_level(level)
        ) AS complaint
        FROM _pool_keys_of(schema, "by", unnamed, over, '_pool_names', '_pool_listed_arguments', by_is_shown, result)
    )
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper, no_over,
        CASE WHEN complaint IS NULL THEN column_names ELSE error(complaint) END AS column_names
    FROM checked;

-- ---------------------------------------------------------------------------------------------------------------------
-- The offsets of covariate and value.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row: the common offsets of the first values of y and of x, as in _pool_origin_of.
CREATE OR REPLACE MACRO _pool_origins_of(tbl, y, x, over) AS TABLE
    WITH _pool_firsts AS MATERIALIZED (
        SELECT TRY_CAST(y AS DOUBLE) AS _pool_first_y, TRY_CAST(y AS VARCHAR) AS _pool_written_y,
            regexp_full_match(typeof(y), 'U?(BIG|HUGE)INT|BIGNUM|DECIMAL\((1[6-9]|[23]\d),\d+\)') AS _pool_wide_y, TRY_CAST(regexp_extract(typeof(y), ',([0-9]+)', 1) AS INTEGER) AS _pool_decimals_y,
            TRY_CAST(x AS DOUBLE) AS _pool_first_x, TRY_CAST(x AS VARCHAR) AS _pool_written_x,
            regexp_full_match(typeof(x), 'U?(BIG|HUGE)INT|BIGNUM|DECIMAL\((1[6-9]|[23]\d),\d+\)') AS _pool_wide_x, TRY_CAST(regexp_extract(typeof(x), ',([0-9]+)', 1) AS INTEGER) AS _pool_decimals_x,
            _pool_absent(over) AS _pool_single,
            CASE WHEN _pool_absent(over) THEN 0.0 ELSE 9007199254740992.0 END AS _pool_least
        FROM query_table(tbl)
        WHERE (_pool_absent(over) OR regexp_full_match(typeof(y), 'U?(BIG|HUGE)INT|BIGNUM|DECIMAL\((1[6-9]|[23]\d),\d+\)') OR regexp_full_match(typeof(x), 'U?(BIG|HUGE)INT|BIGNUM|DECIMAL\((1[6-9]|[23]\d),\d+\)'))
            AND isfinite(TRY_CAST(y AS DOUBLE)) AND isfinite(TRY_CAST(x AS DOUBLE))
        LIMIT 1000
    ),
    _pool_firsts_y AS (
        SELECT _pool_first_y AS y, _pool_written_y AS written, _pool_wide_y AS wide,
            _pool_decimals_y AS scale, _pool_least AS least
        FROM _pool_firsts WHERE _pool_single OR _pool_wide_y
    ),
    _pool_firsts_x AS (
        SELECT _pool_first_x AS y, _pool_written_x AS written, _pool_wide_x AS wide,
            _pool_decimals_x AS scale, _pool_least AS least
        FROM _pool_firsts WHERE _pool_single OR _pool_wide_x
    )
    SELECT of_y._pool_origin AS _pool_origin_y, of_y._pool_start AS _pool_start_y, of_y._pool_bigint AS _pool_bigint_y,
        of_y._pool_scale AS _pool_scale_y, of_x._pool_origin AS _pool_origin_x, of_x._pool_start AS _pool_start_x,
        of_x._pool_bigint AS _pool_bigint_x, of_x._pool_scale AS _pool_scale_x
    FROM _pool_origin_from('_pool_firsts_y') AS of_y, _pool_origin_from('_pool_firsts_x') AS of_x;

-- A value less its offset, or NULL where the other value of the row is missing. In DuckDB 1, a TRY inside of a CASE on
-- some rows returns values of other rows, so the offset is subtracted outside of it.
CREATE OR REPLACE MACRO _pool_paired_less(value, other, nan, origin, start, whole, scale) AS
    _pool_less_origin(value, nan, origin, start, whole, scale)
        + CASE WHEN _pool_value(other, nan) IS NOT NULL THEN 0::DOUBLE END;

-- ---------------------------------------------------------------------------------------------------------------------
-- Data that are an error for a regression.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- Regression with a varying intercept, y = mu + slope x + b of the group + e, fitted as lme4 fits `y ~ x + (1 | g)`.
--
-- The statistics of a group are its weight w (n without weights), the means of x and y, and the squares and products
-- about them: one group-by. Without weights, groups enter only through n and through sums of squares and products of
-- their means, so they are grouped once more by n. rho = tau2 / sigma2 is searched as in oneway/search.sql, for all
-- models at once.
-- ---------------------------------------------------------------------------------------------------------------------

-- Groups of rows of equal weight, straight from the table: from the states of three aggregates; before version 2 DuckDB
-- cannot read states, and there are six aggregates.
CREATE OR REPLACE MACRO _pool_line_states(tbl, y, x, "by", over, weights, nan) AS TABLE
    SELECT * EXCLUDE (_pool_yx, _pool_yy, _pool_xx, _pool_rows), _pool_yx.count::DOUBLE AS _pool_n,
        CASE WHEN _pool_n > 0 THEN _pool_yx.meanx END AS _pool_x,
        CASE WHEN _pool_n > 0 THEN _pool_yx.meany END AS _pool_y,
        _pool_xx.dsquared AS _pool_sxx, _pool_yx.co_moment AS _pool_sxy, _pool_yy.dsquared AS _pool_syy,
        _pool_rows - _pool_n AS _pool_dropped
    FROM (
        SELECT over, "by", over AS _pool_over, count(*)::DOUBLE AS _pool_rows,
            (covar_samp(_pool_paired_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y), _pool_paired_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x))
                EXPORT_STATE)::STRUCT(count UBIGINT, meanx DOUBLE, meany DOUBLE, co_moment DOUBLE) AS _pool_yx,
            (var_samp(_pool_paired_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y)) EXPORT_STATE)
                ::STRUCT(count UBIGINT, mean DOUBLE, dsquared DOUBLE) AS _pool_yy,
            (var_samp(_pool_paired_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x)) EXPORT_STATE)
                ::STRUCT(count UBIGINT, mean DOUBLE, dsquared DOUBLE) AS _pool_xx
        FROM query_table(tbl), _pool_origins
        WHERE _pool_absent(weights)
        GROUP BY ALL
    );

CREATE OR REPLACE MACRO _pool_line_aggregates(tbl, y, x, "by", over, weights, nan) AS TABLE
    SELECT over, "by", over AS _pool_over,
        count((CASE WHEN _pool_value(x, nan) IS NOT NULL THEN _pool_value(y, nan) END))::DOUBLE AS _pool_n,
        avg(_pool_paired_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x)) AS _pool_x,
        avg(_pool_paired_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y)) AS _pool_y,
        var_pop(_pool_finite(_pool_paired_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x))) * _pool_n AS _pool_sxx,
        covar_pop(_pool_finite(_pool_paired_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y)),
            _pool_finite(_pool_paired_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x))) * _pool_n AS _pool_sxy,
        var_pop(_pool_finite(_pool_paired_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y))) * _pool_n AS _pool_syy,
        count(*) - _pool_n AS _pool_dropped
    FROM query_table(tbl), _pool_origins
    WHERE _pool_absent(weights)
    GROUP BY ALL;

CREATE OR REPLACE MACRO _pool_line_plain(tbl, y, x, "by", over, weights, nan) AS TABLE
    WITH _pool_line_states AS NOT MATERIALIZED (FROM _pool_line_states(tbl, y, x, "by", over, weights, nan)),
    _pool_line_aggregates AS NOT MATERIALIZED (FROM _pool_line_aggregates(tbl, y, x, "by", over, weights, nan))
    FROM query_table(CASE WHEN version() LIKE 'v1.%' THEN '_pool_line_aggregates' ELSE '_pool_line_states' END);

-- Groups of weighted rows; a row of weight 0 does not count.
CREATE OR REPLACE MACRO _pool_line_weighed(tbl, y, x, "by", over, weights, nan) AS TABLE
    WITH _pool_numbers AS NOT MATERIALIZED (
        SELECT over, "by", over AS _pool_over, _pool_paired_less(
                y, x, nan, _pool_origin_y, _pool_start_y, _pool_bigint_y, _pool_scale_y) AS _pool_y,
            _pool_paired_less(
                x, y, nan, _pool_origin_x, _pool_start_x, _pool_bigint_x, _pool_scale_x) AS _pool_x,
            TRY_CAST(weights AS DOUBLE) AS _pool_weights
        FROM query_table(tbl), _pool_origins
        WHERE NOT _pool_absent(weights)
    ),
    _pool_counted AS NOT MATERIALIZED (
        SELECT *, CASE WHEN _pool_y IS NOT NULL AND _pool_weights > 0 THEN _pool_weights END AS _pool_h
        FROM _pool_numbers
    )
    SELECT COLUMNS(lambda c: (NOT starts_with(c, '_pool_') OR starts_with(c, '_pool_over') OR starts_with(c, '_pool_key_'))),
        count(_pool_h)::DOUBLE AS _pool_n, coalesce(sum(_pool_h), 0.0) AS _pool_w,
        sum(_pool_h * _pool_x) / sum(_pool_h) AS _pool_x, sum(_pool_h * _pool_y) / sum(_pool_h) AS _pool_y,
        pool_squares_between(
            count(_pool_h), sum(_pool_h * _pool_x), sum(_pool_h),
            covar_samp(_pool_h * _pool_x, _pool_x), covar_samp(_pool_h, _pool_x)
        ) AS _pool_sxx,
        pool_squares_between(
            count(_pool_h), sum(_pool_h * _pool_x), sum(_pool_h),
            covar_samp(_pool_h * _pool_x, _pool_y), covar_samp(_pool_h, _pool_y)
        ) AS _pool_sxy,
        pool_squares_between(
            count(_pool_h), sum(_pool_h * _pool_y), sum(_pool_h),
            covar_samp(_pool_h * _pool_y, _pool_y), covar_samp(_pool_h, _pool_y)
        ) AS _pool_syy,
        count_if(_pool_y IS NULL)::DOUBLE AS _pool_dropped,
        count_if(_pool_y IS NOT NULL AND _pool_improper(_pool_weights)) AS _pool_bad_weights
    FROM _pool_counted
    GROUP BY ALL;

-- One row per group, with weights or without. Squares that are only rounding of equal values are 0.
CREATE OR REPLACE MACRO _pool_line_groups(plain, weighed) AS TABLE
    WITH _pool_united AS NOT MATERIALIZED (
        SELECT *, _pool_n AS _pool_w, true AS _pool_sized, 0 AS _pool_bad_weights FROM query_table(plain)
        UNION ALL BY NAME
        SELECT *, false AS _pool_sized FROM query_table(weighed)
    ),
    _pool_rounded AS NOT MATERIALIZED (
        SELECT * REPLACE (
            pool_above_rounding(_pool_n, coalesce(_pool_sxx, 0.0), _pool_x) AS _pool_sxx,
            pool_above_rounding(_pool_n, coalesce(_pool_syy, 0.0), _pool_y) AS _pool_syy)
        FROM _pool_united
    )
    SELECT * REPLACE (CASE WHEN _pool_sxx > 0 AND _pool_syy > 0 THEN _pool_sxy ELSE 0.0 END AS _pool_sxy),
        struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM _pool_rounded;

-- ---------------------------------------------------------------------------------------------------------------------
-- The fit of a regression at a rho, with its profile deviance.
-- ---------------------------------------------------------------------------------------------------------------------

-- The points with these sums about the means with weights h, which become the new centre: hxx, hxy and hyy are those of
-- the groups' means, and the last ones have the weights h^2.
CREATE OR REPLACE MACRO _pool_line_about(points, classes) AS TABLE
    SELECT p.* REPLACE (centre_x + hx / h AS centre_x, centre_y + hy / h AS centre_y), h, h2, logs,
        hx / h AS mx, hy / h AS my, hxx - mx * hx AS hxx, hxy - mx * hy AS hxy, hyy - my * hy AS hyy,
        (h2xx - mx::DOUBLE * h2x - mx::DOUBLE * h2x + mx::DOUBLE * mx * h2) AS h2xx,
        (h2xy - mx::DOUBLE * h2y - my::DOUBLE * h2x + mx::DOUBLE * my * h2) AS h2xy,
        (h2yy - my::DOUBLE * h2y - my::DOUBLE * h2y + my::DOUBLE * my * h2) AS h2yy
    FROM query_table(points) AS p JOIN (SELECT id, sum(k * h) AS h, sum(k * h * dx) AS hx, sum(k * h * dy) AS hy, sum(k * h * (dx * dx + sxx)) AS hxx,
        sum(k * h * (dx * dy + sxy)) AS hxy, sum(k * h * (dy * dy + syy)) AS hyy, sum(k * h * h) AS h2,
        sum(k * h * h * dx) AS h2x, sum(k * h * h * dy) AS h2y, sum(k * h * h * (dx * dx + sxx)) AS h2xx,
        sum(k * h * h * (dx * dy + sxy)) AS h2xy, sum(k * h * h * (dy * dy + syy)) AS h2yy,
        sum(CASE WHEN rho < 'infinity'::DOUBLE THEN k * pool_log_inflation(w, rho) ELSE 0.0 END) AS logs
    FROM (
        SELECT id, rho, k, w, sxx, sxy, syy, x - centre_x AS dx, y - centre_y AS dy,
            CASE WHEN rho < 'infinity'::DOUBLE THEN pool_information(w, rho) ELSE 1.0 END AS h
        FROM (SELECT id, model, rho, centre_x, centre_y FROM query_table(points))
        JOIN (SELECT model, k, w, x, y, sxx, sxy, syy FROM query_table(classes)) USING (model)
    )
    GROUP BY id) AS s USING (id);

-- ---------------------------------------------------------------------------------------------------------------------
-- Regressions before the search: both ends of rho, and what the data identify.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- The search for rho of a regression.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- One row per model: variances, coefficients and their errors.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per model, NULL where the data do not identify it: variances, the slope, the point of the line whose error is
-- independent of the slope's (_pool_at_x, _pool_at_y, less the origins), and the variances of both.
CREATE OR REPLACE MACRO _pool_line_components(groups, method) AS TABLE
    WITH sizes AS MATERIALIZED (SELECT *, struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT COLUMNS('^_pool_over'), _pool_n AS n, _pool_n AS w, count(_pool_y)::DOUBLE AS k,
            favg(_pool_x) AS x, favg(_pool_y) AS y, var_pop(_pool_finite(_pool_x)) AS sxx,
            covar_pop(_pool_finite(_pool_y), _pool_finite(_pool_x)) AS sxy, var_pop(_pool_finite(_pool_y)) AS syy,
            sum(_pool_sxx) AS wxx, sum(_pool_sxy) AS wxy, sum(_pool_syy) AS wyy, sum(_pool_dropped) AS dropped,
            count_if(NOT isfinite(_pool_x)) AS odd_x, count_if(NOT isfinite(_pool_y)) AS odd_y, 0 AS bad_weights
        FROM query_table(groups)
        WHERE _pool_sized
        GROUP BY ALL
    )),
    singles AS NOT MATERIALIZED (SELECT _pool_n AS n, _pool_w AS w, CASE WHEN _pool_w > 0 THEN 1.0 ELSE 0.0 END AS k, _pool_x AS x, _pool_y AS y,
        0.0 AS sxx, 0.0 AS sxy, 0.0 AS syy, _pool_sxx AS wxx, _pool_sxy AS wxy, _pool_syy AS wyy,
        _pool_dropped AS dropped, (NOT isfinite(_pool_x))::BIGINT AS odd_x, (NOT isfinite(_pool_y))::BIGINT AS odd_y,
        _pool_bad_weights AS bad_weights, _pool_model
    FROM query_table(groups)
    WHERE NOT _pool_sized),
    models AS MATERIALIZED (WITH counted AS MATERIALIZED (
        SELECT _pool_model, sum(k) AS j, sum(k * n) AS n, sum(dropped) AS dropped, sum(odd_x) AS odd_x,
            sum(odd_y) AS odd_y, sum(bad_weights) AS bad_weights
        FROM (FROM sizes UNION ALL BY NAME FROM singles)
        GROUP BY _pool_model
    )
    SELECT row_number() OVER () AS model, _pool_model, j, n, dropped
    FROM counted, (SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS sound
    FROM (
        SELECT CASE
                WHEN sum(bad_weights) > 0 THEN format('{} is null, NaN, negative or infinite in {}: precision weights are finite and not negative; a '
                    || 'row of weight 0 does not count',
                    _pool_column_of_role('weights', column_names[3]), _pool_number_of_rows(sum(bad_weights)))
                WHEN sum(odd_x) > 0 THEN format('the {} {} holds NaN or infinite numbers: remove them, or count them as missing with '
                    || 'nan=''null''',
                    'covariate', ('''' || column_names[2] || ''''))
                WHEN sum(odd_y) > 0 THEN format('the {} {} holds NaN or infinite numbers: remove them, or count them as missing with '
                    || 'nan=''null''',
                    'value', ('''' || column_names[1] || ''''))
            END AS complaint
        FROM counted, _pool_request
        GROUP BY column_names
    ))
    WHERE sound),
    classes AS MATERIALIZED (SELECT model, w, k, x, y, sxx, sxy, syy, wxx, wxy, wyy
    FROM models AS m, (FROM sizes UNION ALL BY NAME FROM singles) AS c
    WHERE _pool_same(m._pool_model, c._pool_model) AND k > 0),
    facts AS MATERIALIZED (WITH sums AS (
        SELECT model, sum(k * w) AS w, sum(k * w * x) / sum(k * w) AS centre_x, sum(k * w * y) / sum(k * w) AS centre_y,
            min(w) AS wmin, max(w) AS wmax, max(abs(x)) AS far_x, max(abs(y)) AS far_y,
            sum(wxx) AS wxx, sum(wxy) AS wxy, sum(wyy) AS wyy
        FROM classes GROUP BY model
    ),
    
    
    halves AS (
        SELECT model, n, x, pool_information(c.w, j / s.w) AS h
        FROM classes AS c JOIN sums AS s USING (model) JOIN models USING (model)
        WHERE j >= n AND wmin < wmax
    ),
    curved AS (
        SELECT model, sum(h) AS a, sum(h * h) AS a2, sum(h * h * h) AS a3, sum(h * dx * dx) AS b,
            sum(h * h * dx * dx) AS b2, sum(h * h * h * dx * dx) AS b3, sum(h * h * dx) AS c2,
            (a - a2::DOUBLE / a - b2::DOUBLE / b) AS trace, (a2 - 2 * (a3::DOUBLE / a + b3::DOUBLE / b) + a2::DOUBLE / a * (a2::DOUBLE / a)
                + 2 * c2::DOUBLE * c2 / (a::DOUBLE * b) + b2::DOUBLE / b * (b2::DOUBLE / b)) AS of_square,
            of_square - trace * trace / (any_value(n) - 2) > 1e-10 * a2 AS apart
        FROM (
            SELECT model, n, h, x - sum(h * x) OVER (PARTITION BY model) / sum(h) OVER (PARTITION BY model) AS dx
            FROM halves
        )
        GROUP BY model
    ),
    ends AS (
        SELECT 2 * model + flat AS id, model, centre_x, centre_y,
            CASE WHEN flat = 1 THEN 'infinity'::DOUBLE ELSE 0.0 END AS rho
        FROM sums, (SELECT unnest([0, 1]) AS flat)
    ),
    about AS (FROM _pool_line_about('ends', 'classes')),
    totals AS (
        SELECT model, m._pool_model, j, n, dropped, s.* EXCLUDE (model, centre_x, centre_y),
            a.centre_x AS start_x, a.centre_y AS start_y,
            pool_above_rounding(w, wxx + a.hxx, far_x) AS txx,
            pool_above_rounding(w, wyy + a.hyy, far_y) AS tyy,
            CASE WHEN tyy > 0 THEN wxy + a.hxy ELSE 0.0 END AS txy,
            b.hxx AS bxx, b.hxy AS bxy, b.hyy AS byy
        FROM models AS m
        LEFT JOIN sums AS s USING (model)
        LEFT JOIN (FROM about WHERE rho = 0) AS a USING (model)
        LEFT JOIN (FROM about WHERE rho > 0) AS b USING (model)
    ),
    lines AS (
        SELECT *,
            CASE WHEN txx > 0 THEN pool_regression_slope(txx, txy) END AS start_slope,
            CASE WHEN txx > 0 THEN pool_regression_squares(txx, txy, tyy) END AS line_squares,
            CASE WHEN wxx > 0 THEN pool_regression_squares(wxx, wxy, wyy) ELSE wyy END AS within,
            CASE WHEN wxx > 0 THEN wxy / wxx WHEN bxx > 0 THEN bxy / bxx ELSE 0.0 END AS bound_slope,
            CASE WHEN method = 'reml' THEN n - 2 ELSE n END AS df
        FROM totals
    )
    SELECT lines.*,
        CASE
            WHEN n = 0 THEN 'no rows'
            WHEN txx = 0 AND no_over THEN error('x=''' || column_names[2] || ''' is the same in every row, so it '
                || 'cannot be distinguished from the intercept: leave it out')
            WHEN txx = 0 THEN 'spanned'
            WHEN n <= 2 THEN 'few rows'
            WHEN line_squares <= 1e-14 * tyy THEN 'line'
            WHEN j = 1 THEN 'alone'
            WHEN j >= n AND apart THEN 'searched'
            WHEN j >= n OR within <= 1e-14 * tyy THEN 'unidentified'
            WHEN method = 'reml' AND j = 2 AND wxx = 0 THEN 'unidentified' 
            ELSE 'searched'
        END AS state
    FROM lines LEFT JOIN (SELECT model, apart FROM curved) USING (model), _pool_request),
    rest AS MATERIALIZED (SELECT model, k, w, x - start_x AS x, y - start_y - start_slope * (x - start_x) AS y, sxx,
        sxy - start_slope * sxx AS sxy,
        _pool_larger(_pool_line_squares_about(sxx, sxy, syy, start_slope), 0.0) AS syy
    FROM classes
    JOIN (SELECT model, start_x, start_y, start_slope FROM facts) USING (model)),
    left_over AS MATERIALIZED (SELECT * REPLACE (wxy - start_slope * wxx AS wxy,
        _pool_larger(_pool_line_squares_about(wxx, wxy, wyy, start_slope), within) AS wyy)
    FROM facts),
    cells AS (WITH ranges AS (
        SELECT *, 0.01 / wmax AS low,
            CASE WHEN j >= n THEN 1e10 / wmin ELSE
                _pool_larger(_pool_larger(3 / wmin, CASE WHEN j = 2 AND wxx > 0 THEN 3 * bxx / wxx ELSE 0.0 END),
                    4 * df / within * _pool_larger(_pool_line_squares_about(bxx, bxy, byy, bound_slope), 0.0))
                END AS high,
            1 + least(ceil(2 * log10(high / low)), 100)::BIGINT AS points
        FROM left_over
        WHERE state = 'searched'
    )
    SELECT model * 1000 + i AS id, model, df, wxx, wxy, wyy, 0.0::DOUBLE AS centre_x, 0.0::DOUBLE AS centre_y,
        CASE WHEN i = 0 THEN 'minimum' ELSE 'nothing' END AS below,
        CASE WHEN i < points - 1 THEN 'nothing' ELSE 'open' END AS beyond,
        _pool_point(i, 0.0, low, high, high, points - 1, points) AS lower,
        _pool_point(i + 1, 0.0, low, high, high, points - 1, points) AS upper
    FROM (SELECT *, unnest(range(0, points)) AS i FROM ranges)),
    minima AS MATERIALIZED (
        SELECT model, arg_min({rho: rho, x: centre_x, y: centre_y, done: done}, deviance) AS best
        FROM (WITH RECURSIVE _pool_line_search AS (
            SELECT 0 AS step, 'low' AS phase, * EXCLUDE (lower, upper), lower AS rho, NULL::DOUBLE AS x1,
                NULL::DOUBLE AS f1, upper AS x2, NULL::DOUBLE AS f2, NULL::DOUBLE AS x3, NULL::DOUBLE AS f3,
                NULL::DOUBLE AS deviance
            FROM cells
            UNION ALL
            SELECT step + 1, CASE WHEN phase = 'between' AND closed THEN 'minimum' ELSE phase END, id, model, df, wxx, wxy,
                wyy, centre_x, centre_y, below, beyond,
                CASE
                    WHEN phase = 'up' THEN x2
                    WHEN phase = 'between' AND NOT closed
                        THEN x1 + (x2 - x1) * _pool_share(x1, f1, x2, f2, x3, f3, phi, xi, tolerance / 2 / width)
                    ELSE rho
                END,
                x1, f1, x2, f2, x3, f3, deviance
            FROM (
                SELECT *, abs(x2 - x1) AS width,
                    1e-13 * abs(CASE WHEN abs(f1) < abs(f2) THEN x1 ELSE x2 END) AS tolerance,
                    width <= tolerance OR f1 = 0 AS closed,
                    (f1 - f2) / (f3 - f2) AS phi, (x1 - x2) / (x3 - x2) AS xi
                FROM (
                    SELECT * EXCLUDE (phase, falls, keeps, slope, x1, f1, x2, f2, x3, f3),
                        (CASE
                            WHEN phase = 'low' THEN CASE WHEN NOT falls THEN below WHEN false THEN 'between' ELSE 'up' END
                            WHEN phase = 'up' AND falls THEN beyond
                            ELSE 'between'
                        END) AS phase, rho AS x1, slope AS f1,
                        CASE WHEN keeps THEN x2 ELSE x1 END AS x2,
                        CASE WHEN keeps THEN f2 ELSE f1 END AS f2,
                        CASE WHEN falls = (f1 < 0) THEN x1 ELSE x2 END AS x3,
                        CASE WHEN falls = (f1 < 0) THEN f1 ELSE f2 END AS f3
                    FROM (
                        SELECT *, slope < 0 AS falls, phase = 'low' OR falls = (f1 < 0) AS keeps
                        FROM (WITH looking AS (FROM _pool_line_search WHERE phase IN ('low', 'up', 'between')),
                        about AS (FROM _pool_line_about('looking', 'rest')),
                        fitted AS (
                            SELECT *, wxx + hxx AS xx, pool_regression_slope(xx, wxy + hxy) AS beta,
                                pool_regression_squares(xx, wxy + hxy, wyy + hyy) AS squares,
                                _pool_line_squares_about(h2xx, h2xy, h2yy, beta) AS h2e2
                            FROM about
                        )
                        SELECT * EXCLUDE (deviance, h, h2, logs, mx, my, hxx, hxy, hyy, h2xx, h2xy, h2yy, xx, beta, squares, h2e2),
                            CASE WHEN method = 'reml' THEN pool_regression_reml_deviance_slope(squares, h2e2, h, h2, h2xx, xx, df)
                                ELSE pool_regression_ml_deviance_slope(squares, h2e2, h, df) END AS slope,
                            CASE WHEN method = 'reml' THEN pool_regression_reml_deviance(squares, logs, df, h, xx)
                                ELSE pool_regression_ml_deviance(squares, logs, df) END AS deviance
                        FROM fitted)
                    )
                    WHERE step < 200
                )
                WHERE phase <> 'nothing'
            )
        )
        SELECT model, rho, centre_x, centre_y, deviance, phase = 'minimum' AS done
        FROM _pool_line_search
        WHERE phase IN ('minimum', 'open') OR step = 200 AND phase = 'between') GROUP BY model
    ),
    points AS MATERIALIZED (
        SELECT model AS id, l.*, coalesce(l.j >= l.n AND best.rho * wmin > 0.99e10, false) AS none_within,
            CASE WHEN none_within THEN 1e60 ELSE coalesce(best.rho, 0.0) END AS rho, -- for infinity
            coalesce(best.x, 0.0) AS centre_x, coalesce(best.y, 0.0) AS centre_y,
            coalesce(best.done, false) OR none_within AS done
        FROM left_over AS l LEFT JOIN minima USING (model)
    ),
    about AS (SELECT * EXCLUDE (mx, my) FROM _pool_line_about('points', 'rest')),
    fitted AS (
        SELECT *, wxx + hxx AS xx, pool_regression_squares(xx, wxy + hxy, wyy + hyy) AS squares,
            start_slope + CASE WHEN state = 'searched' THEN pool_regression_slope(xx, wxy + hxy) ELSE 0.0 END
                AS beta,
            CASE state WHEN 'searched' THEN squares / df WHEN 'alone' THEN squares / (n - 2) WHEN 'line' THEN 0.0 END
                AS sigma2,
            CASE state WHEN 'searched' THEN rho * sigma2 WHEN 'line' THEN 0.0 END AS tau2,
            CASE WHEN state = 'searched' AND NOT none_within THEN
                CASE WHEN method = 'reml' THEN pool_regression_reml_deviance(squares, logs, df, h, xx)
                    ELSE pool_regression_ml_deviance(squares, logs, df) END END AS deviance,
            (beta::DOUBLE * beta * txx / w * n / (n::DOUBLE - 1)) AS fixed
        FROM about
    )
    SELECT m._pool_model, m.j AS _pool_groups, m.n AS _pool_rows, m.dropped AS _pool_lost,
        CASE WHEN none_within THEN 0.0 ELSE sigma2 END AS _pool_sigma2, tau2 AS _pool_tau2, beta AS _pool_beta,
        start_x + centre_x AS _pool_at_x, start_y + centre_y + start_slope * centre_x AS _pool_at_y,
        sigma2 / h AS _pool_variance_at, sigma2 / xx AS _pool_variance_beta, fixed AS _pool_fixed,
        pool_log_likelihood(deviance + df, df) AS _pool_log_likelihood,
        coalesce(CASE state WHEN 'searched' THEN done ELSE state IN ('alone', 'line') END, false) AS _pool_converged
    FROM models AS m LEFT JOIN (SELECT * EXCLUDE (j, n, dropped, _pool_model) FROM fitted) AS f USING (model);

-- The same with the coefficients of the terms: their names, values, and standard errors, as lists.
CREATE OR REPLACE MACRO _pool_line_population(components, origins, request, level) AS TABLE
    SELECT c.*, _pool_quantile, ['intercept', column_names[2]] AS _pool_names,
        _pool_at_x + _pool_origin_x AS _pool_arm,
        [_pool_at_y + _pool_origin_y - _pool_beta * _pool_arm, _pool_beta] AS _pool_mu,
        [sqrt((_pool_variance_at + _pool_arm::DOUBLE * _pool_arm * _pool_variance_beta)), sqrt(_pool_variance_beta)]
            AS _pool_se
    FROM query_table(components) AS c, query_table(origins), query_table(request), _pool_quantile_of(level);

-- ---------------------------------------------------------------------------------------------------------------------
-- The verbs of regressions.
-- ---------------------------------------------------------------------------------------------------------------------

-- The partially pooled regression y = intercept of the group + slope x, one row per group and term. The intercepts of
-- groups are shrunk toward that of the population; the slope is the same for all groups. `mean` is the group's own
-- intercept at that slope.
CREATE OR REPLACE MACRO pool_regress(
    tbl, y, x, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, weights := NULL, method := 'reml',
    level := 0.95, nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_line_arguments('_pool_schema', y, x, "by", _pool_unnamed, over, weights, method, level, nan, true,
            ['term', 'n', 'mean', 'weight', 'effect', 'estimate', 'se', 'lower', 'upper'])
    ),
    _pool_origins AS MATERIALIZED (FROM _pool_origins_of(_pool_read(tbl), y, x, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_line_plain(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_weighed AS MATERIALIZED (FROM _pool_line_weighed(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_line_groups('_pool_plain', '_pool_weighed')),
    _pool_components AS MATERIALIZED (FROM _pool_line_components('_pool_groups', method)),
    _pool_sampled AS (
        SELECT g.*, c.* EXCLUDE (_pool_model), _pool_origins.*, _pool_quantile,
            _pool_sigma2 IS NOT NULL AS _pool_identified, _pool_groups = 1 AND _pool_n > 0 AS _pool_alone,
            pool_sampling_variance(_pool_sigma2, _pool_w) AS _pool_v,
            -- the group's own intercept less that of the population, at the centre
            _pool_y - _pool_at_y - _pool_beta * (_pool_x - _pool_at_x) AS _pool_deviation,
            _pool_at_y + _pool_origin_y - _pool_beta * (_pool_at_x + _pool_origin_x) AS _pool_mu,
            CASE WHEN _pool_alone THEN 1.0 ELSE pool_weight(_pool_tau2, _pool_v) END AS _pool_lambda,
            CASE WHEN _pool_alone THEN 0.0 ELSE pool_pooling(_pool_tau2, _pool_v) END AS _pool_left
        FROM _pool_groups AS g, _pool_components AS c, _pool_origins, _pool_quantile_of(level)
        WHERE _pool_same(g._pool_model, c._pool_model)
    ),
    _pool_estimated AS (
        SELECT *,
            CASE WHEN _pool_tau2 = 0 OR _pool_lambda = 0 OR _pool_alone THEN 0.0 ELSE _pool_lambda * _pool_deviation END
                AS _pool_effect,
            -- the lever of the slope's error: from the centre for the pooled part, from the group for the rest
            _pool_left * (_pool_at_x + _pool_origin_x)
                + CASE WHEN _pool_lambda = 0 THEN 0.0 ELSE _pool_lambda * (_pool_x + _pool_origin_x) END AS _pool_arm,
            CASE WHEN _pool_alone THEN _pool_v ELSE pool_conditional_variance(_pool_tau2, _pool_left) END
                + ((_pool_left * _pool_left * _pool_variance_at) + _pool_arm::DOUBLE * _pool_arm * _pool_variance_beta)
                AS _pool_variance
        FROM _pool_sampled
    ),
    _pool_terms AS (
        SELECT *,
            CASE WHEN _pool_varies THEN _pool_mu + CASE WHEN _pool_alone THEN 0.0 ELSE _pool_deviation END END
                AS _pool_mean,
            CASE WHEN _pool_identified THEN CASE WHEN _pool_varies THEN _pool_lambda ELSE 0.0 END END AS _pool_weight,
            CASE WHEN _pool_identified THEN CASE WHEN _pool_varies THEN _pool_effect ELSE 0.0 END END AS _pool_shift,
            CASE WHEN _pool_identified THEN CASE WHEN _pool_varies THEN _pool_mu + _pool_effect ELSE _pool_beta END END
                AS _pool_estimate,
            CASE WHEN _pool_identified
                THEN sqrt(CASE WHEN _pool_varies THEN _pool_variance ELSE _pool_variance_beta END) END
                AS _pool_se
        FROM _pool_estimated, (
            SELECT unnest(['intercept', column_names[2]]) AS _pool_term, unnest([true, false]) AS _pool_varies
            FROM _pool_request
        )
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c))
    FROM (
        SELECT *, _pool_term AS term, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_weight AS weight,
            _pool_shift AS effect, _pool_estimate AS estimate, _pool_se AS se,
            pool_lower(_pool_estimate, _pool_se, _pool_quantile) AS lower,
            pool_upper(_pool_estimate, _pool_se, _pool_quantile) AS upper
        FROM _pool_terms
    )
    WHERE (SELECT proper FROM _pool_request);

-- The population of the regression y = intercept of the group + slope x, one row per model: variances, and the
-- coefficients by term in maps.
CREATE OR REPLACE MACRO pool_regress_components(
    tbl, y, x, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, weights := NULL, method := 'reml',
    level := 0.95, nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_line_arguments('_pool_schema', y, x, "by", _pool_unnamed, over, weights, method, level, nan, false,
            ['groups', 'n', 'dropped', 'sigma2', 'tau2', 'mu', 'se_mu', 'mu_lower', 'mu_upper', 'mu_p', 'cov_mu', 'icc',
                'r2_marginal', 'r2_conditional', 'log_likelihood', 'aic', 'singular', 'converged'])
    ),
    _pool_origins AS MATERIALIZED (FROM _pool_origins_of(_pool_read(tbl), y, x, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_line_plain(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_weighed AS MATERIALIZED (FROM _pool_line_weighed(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_line_groups('_pool_plain', '_pool_weighed')),
    _pool_components AS MATERIALIZED (FROM _pool_line_components('_pool_groups', method)),
    _pool_population AS (
        FROM _pool_line_population('_pool_components', '_pool_origins', '_pool_request', level)
    ),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (SELECT NULL::BIGINT AS groups, NULL::BIGINT AS n, NULL::BIGINT AS dropped, NULL::DOUBLE AS sigma2,
            NULL::MAP(VARCHAR, DOUBLE) AS tau2, NULL::MAP(VARCHAR, DOUBLE) AS mu, NULL::MAP(VARCHAR, DOUBLE) AS se_mu,
            NULL::MAP(VARCHAR, DOUBLE) AS mu_lower, NULL::MAP(VARCHAR, DOUBLE) AS mu_upper,
            NULL::MAP(VARCHAR, DOUBLE) AS mu_p, NULL::MAP(VARCHAR, MAP(VARCHAR, DOUBLE)) AS cov_mu, NULL::DOUBLE AS icc,
            NULL::DOUBLE AS r2_marginal, NULL::DOUBLE AS r2_conditional, NULL::DOUBLE AS log_likelihood,
            NULL::DOUBLE AS aic, NULL::VARCHAR AS singular, NULL::BOOLEAN AS converged
        WHERE false)
        UNION ALL
        SELECT unnest(_pool_model), _pool_groups::BIGINT, _pool_rows::BIGINT, _pool_lost::BIGINT, _pool_sigma2,
            map(['intercept'], [_pool_tau2]), map(_pool_names, _pool_mu), map(_pool_names, _pool_se),
            map(_pool_names, [pool_lower(_pool_mu[1], _pool_se[1], _pool_quantile),
                pool_lower(_pool_mu[2], _pool_se[2], _pool_quantile)]),
            map(_pool_names, [pool_upper(_pool_mu[1], _pool_se[1], _pool_quantile),
                pool_upper(_pool_mu[2], _pool_se[2], _pool_quantile)]),
            map(_pool_names, [(CASE
                WHEN _pool_se[1] > 0 THEN 2 * _pool_normal_cdf_double(-abs(_pool_mu[1]) / _pool_se[1])
                WHEN _pool_se[1] = 0 AND _pool_mu[1] <> 0 THEN 0.0
            END), (CASE
                WHEN _pool_se[2] > 0 THEN 2 * _pool_normal_cdf_double(-abs(_pool_mu[2]) / _pool_se[2])
                WHEN _pool_se[2] = 0 AND _pool_mu[2] <> 0 THEN 0.0
            END)]),
            map(_pool_names, [
                map(_pool_names, [(_pool_variance_at + _pool_arm::DOUBLE * _pool_arm * _pool_variance_beta),
                    -_pool_arm * _pool_variance_beta]),
                map(_pool_names, [-_pool_arm * _pool_variance_beta, _pool_variance_beta])]),
            pool_icc(_pool_tau2, _pool_sigma2),
            _pool_finite(pool_regression_r2_marginal(_pool_fixed, _pool_tau2, _pool_sigma2)),
            _pool_finite(pool_regression_r2_conditional(_pool_fixed, _pool_tau2, _pool_sigma2)),
            _pool_log_likelihood, pool_akaike(_pool_log_likelihood, 4.0),
            CASE WHEN _pool_tau2 = 0 THEN 'the intercept does not vary between groups: its variance is 0' END,
            _pool_converged
        FROM _pool_population
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named
    WHERE (SELECT proper FROM _pool_request);

-- The coefficients of the population of the regression y = intercept of the group + slope x with their tests by the
-- normal distribution, one row per model and term.
CREATE OR REPLACE MACRO pool_regress_coefficients(
    tbl, y, x, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, weights := NULL, method := 'reml',
    level := 0.95, nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_line_arguments('_pool_schema', y, x, "by", _pool_unnamed, over, weights, method, level, nan, false,
            ['term', 'estimate', 'se', 'statistic', 'df', 'lower', 'upper', 'p'])
    ),
    _pool_origins AS MATERIALIZED (FROM _pool_origins_of(_pool_read(tbl), y, x, over)),
    _pool_plain AS MATERIALIZED (FROM _pool_line_plain(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_weighed AS MATERIALIZED (FROM _pool_line_weighed(_pool_read(tbl), y, x, "by", over, weights, nan)),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_line_groups('_pool_plain', '_pool_weighed')),
    _pool_components AS MATERIALIZED (FROM _pool_line_components('_pool_groups', method)),
    _pool_terms AS (
        SELECT _pool_model, _pool_quantile, unnest(_pool_names) AS _pool_term, unnest(_pool_mu) AS _pool_estimate,
            unnest(_pool_se) AS _pool_error
        FROM _pool_line_population('_pool_components', '_pool_origins', '_pool_request', level)
    ),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (SELECT NULL::VARCHAR AS term, NULL::DOUBLE AS estimate, NULL::DOUBLE AS se, NULL::DOUBLE AS statistic,
            NULL::DOUBLE AS df, NULL::DOUBLE AS lower, NULL::DOUBLE AS upper, NULL::DOUBLE AS p
        WHERE false)
        UNION ALL
        SELECT unnest(_pool_model), _pool_term, _pool_estimate, _pool_error,
            CASE WHEN _pool_error > 0 OR _pool_estimate <> 0 THEN pool_statistic(_pool_estimate, _pool_error) END,
            NULL, pool_lower(_pool_estimate, _pool_error, _pool_quantile),
            pool_upper(_pool_estimate, _pool_error, _pool_quantile), (CASE
                WHEN _pool_error > 0 THEN 2 * _pool_normal_cdf_double(-abs(_pool_estimate) / _pool_error)
                WHEN _pool_error = 0 AND _pool_estimate <> 0 THEN 0.0
            END)
        FROM _pool_terms
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named
    WHERE (SELECT proper FROM _pool_request);

-- ---------------------------------------------------------------------------------------------------------------------
-- The request for nested levels: arguments that do not fit.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row: true or an error about the arguments, which input they describe, and the names of columns for messages.
CREATE OR REPLACE MACRO _pool_nested_arguments(
    schema, value, "outer", "inner", unnamed, over, n, var, se, weights, sigma2, tau2, tau2_outer, tau2_inner, nan,
    "at", level, uncertainty, predict, threshold, by_is_shown, result
) AS TABLE
    WITH _pool_names AS (
        SELECT [list_concat(struct_keys(_pool_of_outer), struct_keys(_pool_of_inner)), struct_keys(_pool_of_over),
            struct_keys(_pool_of_unnamed), struct_keys(_pool_of_value), struct_keys(_pool_of_n),
            struct_keys(_pool_of_var), struct_keys(_pool_of_se), struct_keys(_pool_of_weights)] AS names
        FROM (SELECT "outer" FROM query_table(schema)) AS _pool_of_outer
            POSITIONAL JOIN (SELECT "inner" FROM query_table(schema)) AS _pool_of_inner
            POSITIONAL JOIN (SELECT over FROM query_table(schema)) AS _pool_of_over
            POSITIONAL JOIN (SELECT unnamed FROM query_table(schema)) AS _pool_of_unnamed
            POSITIONAL JOIN (SELECT value FROM query_table(schema)) AS _pool_of_value
            POSITIONAL JOIN (SELECT n FROM query_table(schema)) AS _pool_of_n
            POSITIONAL JOIN (SELECT var FROM query_table(schema)) AS _pool_of_var
            POSITIONAL JOIN (SELECT se FROM query_table(schema)) AS _pool_of_se
            POSITIONAL JOIN (SELECT weights FROM query_table(schema)) AS _pool_of_weights
    ),
    _pool_listed_arguments AS (
        SELECT NULL, _pool_column("outer"), _pool_column("inner"), NULL, _pool_column(over), NULL,
            _pool_column(unnamed), NULL, _pool_column(value), NULL, _pool_column(n), NULL, _pool_column(var), NULL,
            _pool_column(se), NULL, _pool_column(weights)
        FROM query_table(schema)
    ),
    described AS (
        SELECT wrong_keys, described[1].names AS by_names, described[4:] AS roles,
            list_transform(roles, lambda _role: _role.names[1]) AS column_names,
            list_transform(roles, lambda _role: _role.types <> ['"NULL"']) AS present,
            present[2] AS has_n, present[3] AS has_var, present[4] AS has_se, present[5] AS has_weights
        FROM _pool_keys_of(schema, "outer", unnamed, over, '_pool_names', '_pool_listed_arguments', by_is_shown, result)
    ),
    checked AS (
        SELECT has_n, has_se, column_names, level_names, coalesce(
            wrong_keys,
            format('the key {} appears twice in by= and over=; name each key once', ('''' || list_filter(
                        by_names, lambda name, i: list_position(by_names, name) < i)[1] || '''')),
            _pool_wrong_type(['value', 'n', 'var', 'se', 'weights'], roles),
            (CASE
                WHEN has_se AND has_var THEN format('{}= does not go with se=: published estimates carry their error in se alone', 'var')
                WHEN has_se AND has_weights THEN format('{}= does not go with se=: published estimates carry their error in se alone', 'weights')
                WHEN NOT has_se AND has_n AND NOT has_var THEN format('{}= without {}=; stored moments need both, published estimates need se=', 'n', 'var')
                WHEN NOT has_se AND has_var AND NOT has_n THEN format('{}= without {}=; stored moments need both, published estimates need se=', 'var', 'n')
            END),
            coalesce(
                CASE WHEN NOT (_pool_is_number(tau2, 0) OR list_contains(['reml', 'ml'], _pool_name(tau2)))
                    THEN format('{}={}; give {}, or one of {}{}', 'tau2', _pool_shown(tau2), 'a number of 0 or more', _pool_listed(['reml', 'ml']), _pool_nearest(_pool_name(tau2), ['reml', 'ml'])) END,
                CASE WHEN NOT (_pool_absent(tau2_outer) OR _pool_is_number(tau2_outer, 0))
                    THEN format('tau2_outer={}; give a number of 0 or more, or leave it out', _pool_shown(tau2_outer)) END,
                CASE WHEN NOT (_pool_absent(tau2_inner) OR _pool_is_number(tau2_inner, 0))
                    THEN format('tau2_inner={}; give a number of 0 or more, or leave it out', _pool_shown(tau2_inner)) END
            ),
            coalesce(
                CASE WHEN NOT (_pool_name(sigma2) = 'pooled' OR _pool_is_number(sigma2, 0))
                    THEN format('sigma2={} does not go with nested levels; give ''pooled'', or a number of 0 or more',
                        _pool_shown(sigma2)) END,
                CASE WHEN has_se AND _pool_name(sigma2) <> 'pooled'
                    THEN format('sigma2={} does not go with se=: the sampling variance is known, se squared', _pool_shown(sigma2)) END,
                _pool_wrong_name('nan', nan, ['error', 'null']),
                _pool_wrong_name('at', "at", ['outer', 'inner']),
                _pool_wrong_level(level),
                _pool_wrong_name('uncertainty', uncertainty, ['mu', 'conditional']),
                (CASE
                    WHEN NULL = 'robust' AND predict <> 'mean' THEN format('interval=''robust'' does not go with predict={}: it covers the true means; give '
                        || 'predict=''mean''',
                        _pool_shown(predict))
                    WHEN predict = 'row' AND has_se THEN ('predict=''row'' does not go with se=: published estimates do not give the variance of a row; '
                        || 'choose ''mean'' or ''replicate''')
                    ELSE _pool_wrong_name('predict', predict, ['mean', 'row', 'replicate'])
                END),
                _pool_wrong_threshold(threshold)
            )
        ) AS complaint
        FROM described, (
            SELECT [array_to_string(struct_keys(_pool_of_outer), ', '),
                array_to_string(struct_keys(_pool_of_inner), ', ')] AS level_names
            FROM (SELECT "outer" FROM query_table(schema)) AS _pool_of_outer,
                (SELECT "inner" FROM query_table(schema)) AS _pool_of_inner
        )
    )
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper, has_se AS published,
        NOT has_se OR has_n AS has_n, column_names, level_names
    FROM checked;

-- ---------------------------------------------------------------------------------------------------------------------
-- Two nested levels: leaves, which are the groups by both keys, in outer nodes, which are those by the outer key.
--
-- Keys have private names until the result, _pool_key_outer and _pool_key_inner. A leaf enters the likelihood through
-- its weight w (n without weights, 1 / se^2 of published estimates), so leaves of one node and of equal size are one
-- class.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- Nested levels before the search: which variances the data determine, and which of these are 0 as values agree.
-- ---------------------------------------------------------------------------------------------------------------------

-- Whether the likelihood is the restricted one; where both tau2 are known, it is the full one.
CREATE OR REPLACE MACRO _pool_nested_is_restricted(tau2, tau2_outer, tau2_inner) AS
    _pool_name(tau2) = 'reml' AND (_pool_number(tau2_outer) IS NULL OR _pool_number(tau2_inner) IS NULL);

-- ---------------------------------------------------------------------------------------------------------------------
-- -2 log L of nested levels at given variances, with its derivatives, by formulas/nodes.py.
-- ---------------------------------------------------------------------------------------------------------------------

-- The points with -2 log L, without the constant of its number of values and without the rows within leaves, and its
-- slopes and bends by a, b and t; with of_values := false, the part that depends on the variances alone.
CREATE OR REPLACE MACRO _pool_nested_likelihood(points, scaled, restricted, of_values) AS TABLE
    WITH sums AS (SELECT id, any_value(a) AS a, any_value(b) AS b, any_value(t) AS t, any_value(centre) AS centre, sum(k) AS s0,
        sum(k1) AS s1, sum(k2) AS s2, sum(k3) AS s3, sum(k1 * d) AS d1, sum(k2 * d) AS d2, sum(k3 * d) AS d3,
        sum(k1 * square) AS e1, sum(k2 * square) AS e2, sum(k3 * square) AS e3, sum(k * ln(v)) AS logs
    FROM (
        SELECT id, node, a, b, t, centre, k, d, d * d + spread AS square, a * u + b AS v, k / v AS k1, k1 / v AS k2,
            k2 / v AS k3
        FROM (SELECT id, model, x1 * x1 AS a, x2 * x2 AS b, x3 * x3 AS t FROM query_table(points))
            JOIN query_table(scaled) USING (model)
    )
    GROUP BY id, node),
    nodes_at AS (WITH weighed AS (
        SELECT *, 1 / (1 + t * s1) AS kappa, s1 / (1 + t * s1) AS w, centre + d1 / s1 AS y FROM sums
    ),
    about AS (
        SELECT *, sum(w) OVER (PARTITION BY id) AS total, sum(w * y) OVER (PARTITION BY id) / total AS mu,
            kappa * (mu - centre) + t * w * (d1 / s1) AS x
        FROM weighed
    )
    SELECT id, a, b, t, s0, s1, s2, s3, logs, kappa, w, total, mu,
        CASE WHEN restricted THEN 1 / total ELSE 0.0 END AS share,
        CASE WHEN of_values THEN w * (y - mu) ELSE 0.0 END AS r1,
        CASE WHEN of_values THEN d2 - x * s2 ELSE 0.0 END AS r2,
        CASE WHEN of_values THEN _pool_line_squares_about(s1, d1, e1, x) ELSE 0.0 END AS q1,
        CASE WHEN of_values THEN _pool_line_squares_about(s2, d2, e2, x) ELSE 0.0 END AS q2,
        CASE WHEN of_values THEN _pool_line_squares_about(s3, d3, e3, x) ELSE 0.0 END AS q3
    FROM about),
    factors AS (SELECT *, ((s0 - b::DOUBLE * s1) / a) AS o1, ((s0 - 2 * b::DOUBLE * s1 + b::DOUBLE * b * s2) / (a::DOUBLE * a)) AS o2,
        ((s1 - b::DOUBLE * s2) / a) AS p1, ((s2 - b::DOUBLE * s3) / a) AS p2,
        ((s1 - 2 * b::DOUBLE * s2 + b::DOUBLE * b * s3) / (a::DOUBLE * a)) AS p3, ((q1 - b::DOUBLE * q2) / a) AS p1q,
        ((q2 - b::DOUBLE * q3) / a) AS p2q, ((q1 - 2 * b::DOUBLE * q2 + b::DOUBLE * b * q3) / (a::DOUBLE * a)) AS p3q,
        ((r1 - b::DOUBLE * r2) / a) AS p1r
    FROM nodes_at),
    totals AS (
        SELECT id, any_value(total) AS total, any_value(mu) AS mu, sum(logs - ln(kappa) + q1 + t * r1 * r1) AS value,
            sum((o1 - p1::DOUBLE * kappa * (t + share::DOUBLE * kappa) - p1q)) AS slope1,
            sum((s1 - s2::DOUBLE * kappa * (t + share::DOUBLE * kappa) - q2)) AS slope2,
            sum(w - w * w * share - r1 * r1) AS slope3,
            sum(_pool_node_bend(o2, p3, p1, p1, p3q, p1r, p1r, t, kappa, share)) AS bend11,
            sum(_pool_node_bend(p1, p2, p1, s2, p2q, p1r, r2, t, kappa, share)) AS bend12,
            sum((kappa * (2 * r1::DOUBLE * p1r - p1::DOUBLE * kappa * (1 - 2 * w::DOUBLE * share)))) AS bend13,
            sum(_pool_node_bend(s2, s3, s2, s2, q3, r2, r2, t, kappa, share)) AS bend22,
            sum((kappa * (2 * r1::DOUBLE * r2 - s2::DOUBLE * kappa * (1 - 2 * w::DOUBLE * share)))) AS bend23,
            sum((kappa * (2 * r1::DOUBLE * (s1 * r1) - (s1 * s1)::DOUBLE * kappa * (1 - 2 * w::DOUBLE * share)))) AS bend33,
            sum(kappa * kappa * p1) AS w1, sum(kappa * kappa * s2) AS w2, sum(w * w) AS w3,
            sum(kappa * p1r) AS g1, sum(kappa * r2) AS g2, sum(w * r1) AS g3
        FROM factors GROUP BY id
    )
    SELECT id, total, mu, value + CASE WHEN restricted THEN ln(total) ELSE 0.0 END AS value, slope1, slope2, slope3,
        _pool_node_profiled(bend11, w1, w1, g1, g1, total, restricted::INTEGER) AS bend11,
        _pool_node_profiled(bend12, w1, w2, g1, g2, total, restricted::INTEGER) AS bend12,
        _pool_node_profiled(bend13, w1, w3, g1, g3, total, restricted::INTEGER) AS bend13,
        _pool_node_profiled(bend22, w2, w2, g2, g2, total, restricted::INTEGER) AS bend22,
        _pool_node_profiled(bend23, w2, w3, g2, g3, total, restricted::INTEGER) AS bend23,
        _pool_node_profiled(bend33, w3, w3, g3, g3, total, restricted::INTEGER) AS bend33
    FROM totals;

-- ---------------------------------------------------------------------------------------------------------------------
-- The search for the variances of nested levels: Newton's method within a trust region, for all models at once.
--
-- The arguments x1 to x3 are standard deviations, of rows, of the inner level and of the outer one: at 0 the likelihood
-- is quadratic in them. A search is one row: the best point so far, the trial that comes next, and the radius. The
-- modified Cholesky factors of the Hessian (Gill, Murray & Wright 1981, Practical Optimization, section 4.4.2.2) lead
-- away from a saddle. The likelihood can have several maxima, so that a model has several searches.
-- ---------------------------------------------------------------------------------------------------------------------

-- The searches after one more evaluation. What a search does next: it descends, tries whether a small standard
-- deviation is 0, begins again with the sigma of single rows at 0, or is done. It ends with a step of less than
-- `settled`; the error of -2 log L is the square of that.
CREATE OR REPLACE MACRO _pool_nested_next(search, scaled, started, restricted, settled) AS TABLE
    WITH evaluated AS (WITH looking AS (FROM query_table(search) WHERE phase IN ('start', 'descend', 'zero') AND step < 200),
    likelihoods AS (FROM _pool_nested_likelihood('looking', scaled, restricted, true)),
    with_rows AS (
        SELECT looking.*, df, total, mu, slope2, slope3, bend12, bend13, bend22, bend23, bend33,
            value + CASE WHEN given THEN 0.0 ELSE df * ln(x1 * x1) + ssw / (x1 * x1) - logs_of_u END AS value,
            slope1 + CASE WHEN given THEN 0.0 ELSE df / (x1 * x1) - ssw / x1 ** 4 END AS slope1,
            bend11 + CASE WHEN given THEN 0.0 ELSE 2 * ssw / x1 ** 6 - df / x1 ** 4 END AS bend11
        FROM looking JOIN likelihoods USING (id)
            JOIN (SELECT model, given, n - j AS df, ssw, logs_of_u FROM query_table(started)) USING (model)
    )
    SELECT step, phase, id, model, kind, size, free1, free2, free3, radius, length, predicted, best, df, {
            x1: x1, x2: x2, x3: x3, value: value, total: total, mu: mu,
            g1: 2 * free1 * x1 * slope1, g2: 2 * free2 * x2 * slope2, g3: 2 * free3 * x3 * slope3,
            h11: free1 * (4 * x1 * x1 * bend11 + 2 * slope1) + 1 - free1, h12: 4 * free1 * free2 * x1 * x2 * bend12,
            h13: 4 * free1 * free3 * x1 * x3 * bend13, h22: free2 * (4 * x2 * x2 * bend22 + 2 * slope2) + 1 - free2,
            h23: 4 * free2 * free3 * x2 * x3 * bend23, h33: free3 * (4 * x3 * x3 * bend33 + 2 * slope3) + 1 - free3
        } AS trial
    FROM with_rows),
    judged AS (SELECT *, CASE WHEN better THEN trial ELSE best END AS point
    FROM (
        SELECT *, best.value - trial.value AS actual, 1e-9 * (1 + abs(best.value)) AS noise,
            trial.g1 * trial.g1 + trial.g2 * trial.g2 + trial.g3 * trial.g3
                <= best.g1 * best.g1 + best.g2 * best.g2 + best.g3 * best.g3 AS flatter,
            isfinite(trial.value + trial.h11 + trial.h12 + trial.h13 + trial.h22 + trial.h23 + trial.h33) AND CASE
                WHEN phase = 'start' THEN true
                WHEN phase = 'zero'
                    THEN (trial.x2 = best.x2 OR trial.h22 >= 0) AND (trial.x3 = best.x3 OR trial.h33 >= 0)
                        OR trial.value <= best.value + 1e-12 * (1 + abs(best.value))
                WHEN predicted < noise THEN actual > -noise AND flatter
                ELSE actual >= 0.1 * predicted
            END AS better
        FROM evaluated
    )),
    moved AS (SELECT step, phase, id, model, kind, size, free1, free2, free3, better, point,
        phase = 'descend' AND length
            <= settled * (1 + sqrt(trial.x1 * trial.x1 + trial.x2 * trial.x2 + trial.x3 * trial.x3)) AS small,
        CASE
            WHEN phase <> 'descend' THEN radius
            WHEN better THEN least(CASE WHEN actual >= 0.7 * predicted THEN 2 ELSE 1 END * radius, 1e3)
            ELSE length / 4
        END AS radius,
        free1 > 0 AND df = 0 AND point.x1 <> 2.0 ** -100 AND abs(point.x1) <= 1e-4 * size AS zero1,
        free2 > 0 AND point.x2 <> 0 AND CASE WHEN phase = 'zero' THEN trial.x2 = 0 AND trial.h22 >= 0
            ELSE abs(point.x2) <= 1e-4 * size END AS zero2,
        free3 > 0 AND point.x3 <> 0 AND CASE WHEN phase = 'zero' THEN trial.x3 = 0 AND trial.h33 >= 0
            ELSE abs(point.x3) <= 1e-4 * size END AS zero3
    FROM judged),
    stepped AS (
        SELECT *, CASE
                WHEN phase = 'start' AND NOT better THEN 'failed'
                WHEN phase <> 'zero' AND NOT small THEN 'descend'
                WHEN settled < 1e-10 AND (zero1 OR zero2 OR zero3) THEN 'zero'
                WHEN free1 > 0 AND point.x1 = 2.0 ** -100 THEN 'start'
                ELSE 'done'
            END AS next_phase
        FROM (WITH first AS (
            SELECT *, 1e-9 * greatest(abs(point.h11), abs(point.h22), abs(point.h33), 1e-290) AS smallest,
                greatest(abs(point.h11), smallest) AS c1, point.h12 / c1 AS l21, point.h13 / c1 AS l31
            FROM moved
        ),
        second AS (
            SELECT *, greatest(abs(point.h22 - l21 * point.h12), smallest) AS c2, (point.h23 - l31 * point.h12) / c2 AS l32,
                l21 * point.g1 - point.g2 AS z2
            FROM first
        ),
        third AS (
            SELECT *, (l31 * point.g1 - point.g3 - l32 * z2)
                / greatest(abs(point.h33 - l31 * point.h13 - l32 * l32 * c2), smallest) AS s3, z2 / c2 - l32 * s3 AS s2
            FROM second
        ),
        solved AS (SELECT *, -point.g1 / c1 - l21 * s2 - l31 * s3 AS s1 FROM third),
        shortened AS (
            SELECT * REPLACE (share * s1 AS s1, share * s2 AS s2, share * s3 AS s3)
            FROM (SELECT *, least(1.0, radius / greatest(sqrt(s1 * s1 + s2 * s2 + s3 * s3), 1e-300)) AS share FROM solved)
        )
        SELECT *, -point.g1 * s1 - point.g2 * s2 - point.g3 * s3
            - (point.h11 * s1 * s1 + point.h22 * s2 * s2 + point.h33 * s3 * s3) / 2
            - point.h12 * s1 * s2 - point.h13 * s1 * s3 - point.h23 * s2 * s3 AS predicted
        FROM shortened)
    )
    SELECT step + 1 AS step, next_phase AS phase, id, model, kind, size,
        CASE WHEN next_phase = 'start' THEN 0.0 ELSE free1 END AS free1, free2, free3,
        CASE WHEN next_phase = 'descend' THEN point.x1 + s1 WHEN zero1 THEN 2.0 ** -100 ELSE point.x1 END AS x1,
        CASE WHEN next_phase = 'descend' THEN point.x2 + s2 WHEN zero2 THEN 0.0 ELSE point.x2 END AS x2,
        CASE WHEN next_phase = 'descend' THEN point.x3 + s3 WHEN zero3 THEN 0.0 ELSE point.x3 END AS x3,
        radius, sqrt(s1 * s1 + s2 * s2 + s3 * s3) AS length, predicted, point AS best
    FROM stepped;

-- ---------------------------------------------------------------------------------------------------------------------
-- Inferences from fitted nested levels: errors and limits of both tau2, and likelihood-ratio tests.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- Limits of both tau2 by the profile likelihood: where -2 log L has risen by a quantile.
--
-- One standard deviation is held at a distance t from its estimate, and a search as in fit.sql finds the minimum over
-- the other variances. The square root of its rise is nearly a straight line in t, so that a secant finds the root.
-- ---------------------------------------------------------------------------------------------------------------------

-- A standard deviation at the start of a search: derivatives vanish at 0, so it begins a little above.
CREATE OR REPLACE MACRO _pool_nested_aside(x, free) AS CASE WHEN free > 0 THEN greatest(abs(x), 0.01) ELSE x END;

-- ---------------------------------------------------------------------------------------------------------------------
-- Nested levels: one row per model, and one per model and level.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per model ('estimates'), or one per model and level with tests and intervals ('inference'), from leaves of
-- any input.
CREATE OR REPLACE MACRO _pool_nested_components(
    of_leaves, inputs, sigma2, tau2, tau2_outer, tau2_inner, level, detail
) AS TABLE
    WITH classes AS NOT MATERIALIZED (SELECT COLUMNS('^_pool_(over|key_outer)'), coalesce(_pool_n, 1.0) AS n, _pool_w AS w,
        count(*) FILTER (_pool_w > 0)::DOUBLE AS k, avg(_pool_y) AS y,
        var_pop(_pool_finite(_pool_y)) AS spread, avg(_pool_squares) AS squares,
        count_if(NOT isfinite(_pool_y)) AS odd
    FROM query_table(of_leaves)
    GROUP BY ALL),
    nodes AS MATERIALIZED (SELECT *, struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT COLUMNS('^_pool_(over|key_outer)'), sum(k) AS leaves, sum(k * n) AS n,
            coalesce(sum(k * squares), 0.0) AS ssw, sum(k * y) / sum(k) AS mean, sum(k * w * y) / sum(k * w) AS centre,
            max(w) AS wmax, min(w) AS wmin, sum(odd) AS odd, list({k: k, w: w, y: y, spread: spread}) AS classes
        FROM classes
        GROUP BY ALL
    )),
    models AS MATERIALIZED (WITH totals AS MATERIALIZED (
        SELECT _pool_model, sum(odd) AS odd, sum(leaves) AS j, count_if(leaves > 0)::DOUBLE AS nodes, sum(n) AS n,
            sum(ssw) AS ssw, sum(leaves * mean) / sum(leaves) AS mean, avg(mean) AS mean_of_nodes
        FROM nodes GROUP BY _pool_model
    )
    SELECT * EXCLUDE (odd, sound), row_number() OVER () AS model
    FROM totals, _pool_sound(inputs, 'totals', '_pool_weighed')
    WHERE sound),
    members AS MATERIALIZED (SELECT model, node, leaves, mean, mean_of_nodes, centre, class.k AS k, class.w AS w,
        class.y - mean_of_model AS y, class.spread AS spread
    FROM (
        SELECT model, row_number() OVER () AS node, leaves, g.mean - m.mean AS mean,
            mean_of_nodes - m.mean AS mean_of_nodes, m.mean AS mean_of_model, centre - m.mean AS centre,
            unnest(classes) AS class
        FROM nodes AS g, models AS m
        WHERE _pool_same(m._pool_model, g._pool_model) AND leaves > 0
    )
    WHERE class.k > 0),
    facts AS MATERIALIZED (WITH known AS (
        SELECT coalesce(_pool_number(tau2_inner), _pool_number(tau2)) AS known2,
            coalesce(_pool_number(tau2_outer), _pool_number(tau2)) AS known3,
            published OR _pool_number(sigma2) IS NOT NULL AS given,
            NOT given AND (known2 IS NULL OR known3 IS NULL) AS estimates
        FROM _pool_request
    ),
    apart AS (
        SELECT model, sqrt(sum(k * (y * y + spread)) / sum(k)) AS spread,
            sum(k * ((y - mean) * (y - mean) + spread)) AS inner_squares,
            sum(k / leaves * (mean - mean_of_nodes) * (mean - mean_of_nodes)) AS outer_squares,
            sum(k / w) AS inverse, sum(k * w) AS total, min(w) AS wmin, max(w) AS wmax,
            sum(k * abs(y)) / sum(k) AS deviation
        FROM members GROUP BY model
    ),
    units AS (
        SELECT *, coalesce(_pool_number(sigma2), 1.0) AS per_weight,
            CASE WHEN NOT given THEN spread WHEN wmax >= (2.0::DOUBLE ** 500) THEN spread
                ELSE greatest(spread, sqrt(per_weight * j / total)) END AS between_means,
            CASE WHEN given THEN between_means ELSE greatest(spread, sqrt(ssw / n)) END AS of_data,
            CASE WHEN of_data > 0 THEN 2.0 ** round(log2(of_data)) ELSE 1.0 END AS unit_,
            deviation = 0 OR deviation BETWEEN 1e-150 AND 1e150 AS in_range
        FROM models JOIN apart USING (model), known
    ),
    scaled AS (
        SELECT model, _pool_model, j, nodes, n, mean, unit_, given, estimates, known2, known3,
            CASE WHEN between_means > 0 THEN between_means / unit_ ELSE 1.0 END AS size, ssw / (unit_ * unit_) AS ssw,
            CASE WHEN given THEN per_weight / (unit_ * unit_) ELSE 1.0 END AS scale,
            CASE WHEN given THEN 1.0 ELSE greatest(
                CASE WHEN n > j THEN ssw / (n - j) ELSE spread * spread * j / inverse END / (unit_ * unit_),
                2.0 ** -200) END AS start1,
            start1 * greatest(scale / wmin, 2.0 ** -200) <= 2.0 ** -199 AS all_exact,
            all_exact AND inner_squares / (unit_ * unit_) <= 2.0 ** -96 AS agree2,
            agree2 AND outer_squares / (unit_ * unit_) <= 2.0 ** -96 AS agree3,
            known2 IS NULL AND known3 IS NULL AND j = nodes AS alone,
            known3 IS NULL AND nodes = 1 AS single,
            in_range AND (given OR n > j OR estimates AND (wmax - wmin > 2.0 ** -40 * wmax AND j > 2
                OR known2 IS NOT NULL AND NOT (known3 IS NULL AND j = nodes))) AS identified
        FROM units
    )
    SELECT * EXCLUDE (all_exact, agree2, agree3, alone, single, estimates),
        known2 IS NOT NULL OR NOT alone AS determined2,
        known3 IS NOT NULL OR NOT (alone OR single) AS determined3,
        (estimates AND start1 > 2.0 ** -200)::INTEGER::DOUBLE AS free1,
        (known2 IS NULL AND NOT alone AND NOT agree2)::INTEGER::DOUBLE AS free2,
        (known3 IS NULL AND NOT single AND NOT agree3)::INTEGER::DOUBLE AS free3,
        coalesce(known2, 0.0) / (unit_ * unit_) AS start2, coalesce(known3, 0.0) / (unit_ * unit_) AS start3,
        NOT given AND start1 = 2.0 ** -200 AS alike
    FROM scaled),
    scaled AS MATERIALIZED (SELECT model, node, k, CASE WHEN alike THEN 1.0 ELSE greatest(scale / w, 2.0 ** -200) END AS u,
        centre / unit_ AS centre, (y - centre) / unit_ AS d, c.spread / (unit_ * unit_) AS spread
    FROM members AS c JOIN (SELECT model, unit_, scale, alike FROM facts) USING (model)),
    started AS MATERIALIZED (FROM facts JOIN (
        SELECT model, sum(k * ln(u)) AS logs_of_u, sum(CASE WHEN exact THEN k ELSE 0.0 END) AS exact_leaves,
            count(DISTINCT CASE WHEN exact THEN node END) AS exact_nodes,
            sum(CASE WHEN exact THEN 0.0 ELSE k / u END) AS w1,
            sum(CASE WHEN exact THEN 0.0 ELSE k / (u * u) END) AS w2, count(*) AS classes
        FROM (SELECT *, u <= 2.0 ** -199 AS exact FROM scaled) GROUP BY model
    ) USING (model)),
    starts AS (SELECT 16 * model + number AS id, model, kind, size, free1, free2 * (kind <> 1)::INTEGER AS free2,
        free3 * (kind <> 2)::INTEGER AS free3, sqrt(start1) AS x1,
        CASE WHEN kind = 1 THEN 0.0 WHEN s.free2 > 0 THEN inner_share * size ELSE sqrt(start2) END AS x2,
        CASE WHEN kind = 2 THEN 0.0 WHEN s.free3 > 0 THEN outer_share * size ELSE sqrt(start3) END AS x3
    FROM started AS s,
        (VALUES (0, 0, 1.0, 1.0), (1, 0, 0.1, 1.0), (2, 0, 1.0, 0.1), (3, 0, 0.1, 0.1), (4, 1, 1.0, 1.0),
            (5, 1, 1.0, 0.1), (6, 1, 1.0, 0.01), (7, 2, 1.0, 1.0), (8, 2, 0.1, 1.0), (9, 2, 0.01, 1.0))
            AS shares (number, kind, inner_share, outer_share)
    WHERE identified
        AND (inner_share = 1 OR s.free2 > 0 AND classes <= 16384)
        AND (outer_share = 1 OR s.free3 > 0 AND classes <= 16384)
        AND CASE kind WHEN 0 THEN true WHEN 1 THEN (detail = 'inference') AND s.free2 > 0 ELSE (detail = 'inference') AND s.free3 > 0 END),
    minima AS MATERIALIZED (WITH RECURSIVE _pool_nested_search AS (
            SELECT 0 AS step, 'start' AS phase, id, model, kind, size, free1, free2, free3, x1, x2, x3,
                1.0::DOUBLE AS radius, 0.0::DOUBLE AS length, 0.0::DOUBLE AS predicted, {
                    x1: x1, x2: x2, x3: x3, value: NULL::DOUBLE, total: NULL::DOUBLE, mu: NULL::DOUBLE, g1: NULL::DOUBLE,
                    g2: NULL::DOUBLE, g3: NULL::DOUBLE, h11: NULL::DOUBLE, h12: NULL::DOUBLE, h13: NULL::DOUBLE,
                    h22: NULL::DOUBLE, h23: NULL::DOUBLE, h33: NULL::DOUBLE
                } AS best
            FROM starts
            UNION ALL
            FROM _pool_nested_next('_pool_nested_search', 'scaled', 'started', _pool_nested_is_restricted(tau2, tau2_outer, tau2_inner), 1e-11)
        )
        SELECT id, model, kind, best, phase = 'done' AS done
        FROM _pool_nested_search
        WHERE phase IN ('done', 'failed') OR step = 200),
    fitted AS MATERIALIZED (WITH lowest AS (WITH found AS (
            SELECT id, model, kind, best, done, coalesce(best.value, 'infinity'::DOUBLE) AS value, (NOT given OR exact_leaves = 0 OR abs(best.x2) >= 2.0 ** -50
                OR exact_leaves = CASE WHEN abs(best.x3) >= 2.0 ** -50 THEN exact_nodes ELSE _pool_nested_is_restricted(tau2, tau2_outer, tau2_inner)::INTEGER END) AS bounded
            FROM minima
                JOIN (SELECT model, given, exact_leaves, exact_nodes FROM started) USING (model)
        ),
        ranked AS (
            SELECT *, bool_or(bounded) OVER (PARTITION BY model, kind) AS some_bounded,
                min(value) OVER (PARTITION BY model, kind, bounded) AS least
            FROM found
        )
        SELECT model, kind, arg_min({best: best, done: done, bounded: bounded}, id) AS lowest
        FROM ranked
        WHERE bounded = some_bounded AND NOT value > least + 1e-9 * (1 + abs(least))
        GROUP BY model, kind),
        of_kinds AS (
            SELECT model, any_value(lowest.best) FILTER (kind = 0) AS best,
                any_value(lowest.done) FILTER (kind = 0) AS done,
                any_value(lowest.bounded) FILTER (kind = 0) AS bounded,
                any_value(lowest.best.value) FILTER (kind = 1) AS value_without_inner,
                any_value(lowest.best.value) FILTER (kind = 2) AS value_without_outer
            FROM lowest GROUP BY model
        ),
        joined AS (
            SELECT m._pool_model, s.* EXCLUDE (_pool_model, j, nodes, n, determined2, determined3), m.j AS leaves,
                m.nodes AS nodes, m.n AS n, m.mean AS mean_of_leaves, best, done, bounded, value_without_inner,
                value_without_outer,
                identified AND s.determined2 AS determined2, identified AND s.determined3 AS determined3,
                identified AND NOT given AND best.x1 = 2.0 ** -100 AS exact,
                m.nodes = 1 AND NOT (identified AND s.determined3) AS only_outer,
                only_outer AND m.j = 1 AND NOT (identified AND s.determined2) AS only_inner,
                s.determined2 OR m.j = 1 AS settled2, s.determined3 OR m.nodes = 1 AS settled3
            FROM models AS m LEFT JOIN started AS s USING (model) LEFT JOIN of_kinds USING (model)
        )
        SELECT * EXCLUDE (mean_of_leaves, done, settled2, settled3),
            CASE
                WHEN leaves = 0 THEN NULL
                WHEN published OR _pool_number(sigma2) IS NOT NULL THEN _pool_number(sigma2)
                WHEN exact THEN 0.0
                ELSE best.x1 * best.x1 * unit_ * unit_
            END AS _pool_sigma2,
            CASE WHEN identified THEN coalesce(known2, best.x2 * best.x2 * unit_ * unit_) END AS _pool_tau2_inner,
            CASE WHEN identified THEN coalesce(known3, best.x3 * best.x3 * unit_ * unit_) END AS _pool_tau2_outer,
            _pool_finite(mean_of_leaves + coalesce(best.mu * unit_, 0.0) + _pool_origin) AS _pool_mu,
            CASE WHEN best.total >= 2.0 ** 200 THEN 0.0 ELSE sqrt(1 / best.total) * unit_ END AS _pool_se_mu,
            only_outer::INTEGER + only_inner::INTEGER AS _pool_only,
            coalesce(done AND identified AND settled2 AND settled3 AND (bounded OR free1 + free2 + free3 = 0), false)
                AS _pool_converged
        FROM joined, _pool_origin, (SELECT published FROM _pool_request)),
    information AS (WITH points AS (
            SELECT model AS id, model, best.x1 AS x1, best.x2 AS x2, best.x3 AS x3 FROM fitted WHERE identified
        ),
        bends AS (FROM _pool_nested_likelihood('points', 'scaled', _pool_nested_is_restricted(tau2, tau2_outer, tau2_inner), false)),
        information AS (
            SELECT model, bounded, f1, f2, free3, 1 - f1 - f1 / 2
                    * (bend11 - CASE WHEN given THEN 0.0 ELSE (n - leaves) / best.x1 ** 4 END) AS i11,
                1 - f2 - f2 / 2 * bend22 AS i22, 1 - free3 - free3 / 2 * bend33 AS i33,
                -f1 * f2 / 2 * bend12 AS i12, -f1 * free3 / 2 * bend13 AS i13, -f2 * free3 / 2 * bend23 AS i23
            FROM (
                SELECT *, CASE WHEN exact THEN 0.0 ELSE free1 END AS f1,
                    CASE WHEN exact_leaves > 0 AND best.x2 = 0 THEN 0.0 ELSE free2 END AS f2
                FROM fitted
            ) AS f JOIN bends ON f.model = bends.id
        )
        SELECT model,
            CASE WHEN bounded AND f2 > 0 THEN sqrt(_pool_node_inverse(i22, i11, i33, i12, i23, i13)) END AS error2,
            CASE WHEN bounded AND free3 > 0 THEN sqrt(_pool_node_inverse(i33, i11, i22, i13, i23, i12)) END AS error3
        FROM information),
    tested AS MATERIALIZED (WITH of_levels AS (
        SELECT *, unnest([1, 2]) AS depth FROM fitted LEFT JOIN information USING (model)
    ),
    chosen AS (
        SELECT *, CASE depth WHEN 1 THEN nodes ELSE leaves END AS groups,
            CASE depth WHEN 1 THEN error3 ELSE error2 END AS error,
            CASE depth WHEN 1 THEN best.x3 ELSE best.x2 END AS x,
            CASE depth WHEN 1 THEN value_without_outer ELSE value_without_inner END AS without,
            CASE WHEN determined2 THEN _pool_tau2_inner ELSE known2 END AS inner_,
            CASE WHEN determined3 THEN _pool_tau2_outer ELSE known3 END AS outer_,
            CASE depth WHEN 1 THEN outer_ ELSE inner_ END AS tau2_,
            CASE
                WHEN NOT published THEN _pool_sigma2
                WHEN exact_leaves > 1 THEN 0.0
                ELSE pool_typical_variance(leaves - 1, CASE WHEN exact_leaves = 1 THEN 2 * w1
                    ELSE pool_trace(w1 * w1 - w2, w1) END) * unit_ * unit_
            END AS typical,
            CASE depth WHEN 1 THEN determined3 AND free3 > 0 ELSE determined2 AND free2 > 0 END AS estimated
        FROM of_levels
    )
    SELECT * EXCLUDE (without),
        CASE WHEN estimated THEN error * unit_ * unit_ END AS se_tau2_,
        (CASE WHEN (inner_ + outer_ + typical)::DOUBLE = 0 THEN NULL ELSE tau2_::DOUBLE / (inner_ + outer_ + typical) END) AS share_,
        CASE WHEN determined3 THEN CASE WHEN depth = 1 THEN outer_ WHEN determined2 THEN inner_ + outer_ END END
            AS between_,
        CASE
            WHEN NOT (estimated AND bounded) OR exact THEN NULL
            WHEN x = 0 THEN 0.0
            WHEN without - best.value >= -1e-6 THEN pool_likelihood_ratio(without, best.value)
        END AS lrt_,
        CASE WHEN depth = 1 OR exact_leaves = 0 THEN lrt_ END AS tested_
    FROM chosen),
    limits AS (WITH RECURSIVE bounds AS (SELECT 4 * model + 2 * depth + (side = 1)::INTEGER AS id, model, 3 - depth AS kind, depth, side, best,
            size, free1, free2 * (2 - depth) AS free2,
            free3 * (depth - 1) AS free3, abs(x) AS centre, best.value AS lowest, _pool_quantile AS enough,
            CASE WHEN side = 1 THEN first ELSE least(first, abs(x)) END AS t, 0.0::DOUBLE AS last_t,
            -_pool_quantile AS last_short, 0.0::DOUBLE AS low, CASE WHEN side = -1 THEN abs(x) END AS high
        FROM (
            SELECT *, sqrt(x * x + _pool_quantile * coalesce(error, 1.0)) - abs(x) AS first
            FROM tested, _pool_quantile_of(level)
            WHERE estimated AND bounded AND NOT exact
        ), (SELECT unnest([-1, 1]) AS side)
        WHERE side = 1 OR lrt_ > _pool_quantile * _pool_quantile),
        _pool_nested_bounding AS (
            SELECT 0 AS step, 'start' AS phase, id, model, kind, size, free1, free2, free3,
                _pool_nested_aside(best.x1, free1) AS x1,
                CASE WHEN kind = 1 THEN centre + side * t ELSE _pool_nested_aside(best.x2, free2) END AS x2,
                CASE WHEN kind = 2 THEN centre + side * t ELSE _pool_nested_aside(best.x3, free3) END AS x3,
                1.0::DOUBLE AS radius, 0.0::DOUBLE AS length, 0.0::DOUBLE AS predicted, best, depth, side, centre, lowest,
                enough, t, last_t, last_short, low, high, 0 AS round
            FROM bounds
            UNION ALL
            FROM (WITH advanced AS (
                SELECT s.*, l.depth, l.side, l.centre, l.lowest, l.enough, l.t, l.last_t, l.last_short, l.low, l.high, l.round,
                    s.phase = 'done' AS arrived, sqrt(greatest(s.best.value - l.lowest, 0.0)) - l.enough AS short,
                    CASE WHEN arrived AND short < 0 THEN l.t ELSE l.low END AS next_low,
                    CASE WHEN arrived AND short >= 0 THEN l.t ELSE l.high END AS next_high,
                    l.t - short * ((l.t - l.last_t) / (short - l.last_short)) AS secant,
                    abs(secant - l.t) <= 1e-8 * (l.centre + l.t) AS close
                FROM _pool_nested_next('_pool_nested_bounding', 'scaled', 'started', _pool_nested_is_restricted(tau2, tau2_outer, tau2_inner), 1e-7) AS s JOIN _pool_nested_bounding AS l USING (id)
            ),
            placed AS (
                SELECT *, CASE
                        WHEN NOT arrived THEN t
                        WHEN close OR secant > next_low AND secant < coalesce(next_high, 10 * t) THEN secant
                        ELSE coalesce((next_low + next_high) / 2, 4 * t)
                    END AS next_t
                FROM advanced
            )
            SELECT CASE WHEN arrived THEN 0 ELSE step END AS step,
                CASE WHEN NOT arrived THEN phase WHEN close THEN 'found' ELSE 'start' END AS phase, id, model, kind, size,
                free1, free2, free3, CASE WHEN arrived THEN _pool_nested_aside(best.x1, free1) ELSE x1 END AS x1,
                CASE WHEN NOT arrived THEN x2 WHEN kind = 1 THEN centre + side * next_t
                    ELSE _pool_nested_aside(best.x2, free2) END AS x2,
                CASE WHEN NOT arrived THEN x3 WHEN kind = 2 THEN centre + side * next_t
                    ELSE _pool_nested_aside(best.x3, free3) END AS x3,
                CASE WHEN arrived THEN 1.0 ELSE radius END AS radius, length, predicted, best, depth, side, centre, lowest,
                enough, next_t AS t, CASE WHEN arrived THEN t ELSE last_t END AS last_t,
                CASE WHEN arrived THEN short ELSE last_short END AS last_short, next_low AS low, next_high AS high,
                round + arrived::INTEGER AS round
            FROM placed) WHERE round < 100
        )
        SELECT model, depth, max(pow(centre + side * t, 2)) FILTER (side = -1) AS lower_,
            max(pow(centre + side * t, 2)) FILTER (side = 1) AS upper_
        FROM _pool_nested_bounding WHERE phase = 'found'
        GROUP BY model, depth),
    of_levels AS (SELECT *, pool_akaike(log_likelihood, 2 - given::INTEGER + free2 + free3) AS aic,
            CASE WHEN NOT only_outer THEN _pool_se_mu END AS se_mu_,
            _pool_quantile * pool_prediction_error(between_, se_mu_) AS reach
        FROM (
            SELECT *, 2 * ((exp((trunc(least(sqrt(tested_), 40.0) * 16e0) * 0.0625e0) * (trunc(least(sqrt(tested_), 40.0) * 16e0) * 0.0625e0) * -0.5e0) * exp(((trunc(least(sqrt(tested_), 40.0) * 16e0) * 0.0625e0) - least(sqrt(tested_), 40.0)) * ((trunc(least(sqrt(tested_), 40.0) * 16e0) * 0.0625e0) + least(sqrt(tested_), 40.0)) * 0.5e0)) * _pool_normal_mills(least(sqrt(tested_), 40.0))) AS tail,
                CASE WHEN given THEN leaves ELSE n END - _pool_nested_is_restricted(tau2, tau2_outer, tau2_inner)::INTEGER AS numbers,
                best.value - CASE WHEN given AND _pool_nested_is_restricted(tau2, tau2_outer, tau2_inner) THEN ln(leaves) ELSE 0.0 END AS deviance,
                CASE WHEN bounded AND NOT (exact OR only_inner)
                    THEN pool_log_likelihood(deviance, numbers) - numbers * ln(unit_) END AS log_likelihood,
                n AS rows_, upper_ * unit_ * unit_ AS tau2_upper_,
                CASE
                    WHEN lrt_ > _pool_quantile * _pool_quantile THEN lower_ * unit_ * unit_
                    WHEN estimated AND bounded AND NOT exact THEN 0.0
                END AS tau2_lower_
            FROM tested LEFT JOIN limits USING (model, depth), _pool_quantile_of(level)
        ))
    FROM query_table(CASE detail WHEN 'inference' THEN 'of_levels' ELSE 'fitted' END);

-- ---------------------------------------------------------------------------------------------------------------------
-- One row per node of a level: the partially pooled mean with its standard error. Up, each outer node sums its leaves;
-- down, each node is pulled toward its parent.
-- ---------------------------------------------------------------------------------------------------------------------

-- The nodes of a level, pulled toward their parent: weight, estimate, standard error, and the effect with its error.
-- The only node of a level keeps its mean. A node without rows has no error where the data do not determine tau2.
CREATE OR REPLACE MACRO _pool_nested_shrunk(nodes) AS TABLE
    SELECT * EXCLUDE (_pool_alone),
        CASE WHEN _pool_alone THEN _pool_mean ELSE pool_estimate(_pool_mean, _pool_parent, _pool_weight) END
            AS _pool_estimate,
        CASE WHEN _pool_alone THEN sqrt(_pool_sampling)
            ELSE sqrt(pool_marginal_variance(_pool_between, _pool_pooling, _pool_se_parent)) END AS _pool_se,
        (CASE WHEN _pool_weight::DOUBLE = 0 THEN 0.0 ELSE _pool_weight * (_pool_mean::DOUBLE - _pool_parent) END) AS _pool_effect,
        CASE WHEN NOT _pool_without_effect
            THEN sqrt((_pool_between::DOUBLE * _pool_pooling + _pool_weight::DOUBLE * _pool_se_parent * (_pool_weight::DOUBLE * _pool_se_parent))) END
            AS _pool_se_effect
    FROM (
        SELECT *, CASE WHEN _pool_mean IS NULL THEN _pool_determined ELSE _pool_tau2 END AS _pool_between,
            pool_pooling(_pool_between, _pool_sampling) AS _pool_pooling,
            CASE WHEN _pool_alone AND _pool_sampling IS NOT NULL THEN 1.0
                ELSE pool_weight(_pool_tau2, _pool_sampling) END AS _pool_weight
        FROM query_table(nodes)
    );

-- ---------------------------------------------------------------------------------------------------------------------
-- The verbs of nested levels.
-- ---------------------------------------------------------------------------------------------------------------------

-- Partially pooled means of two nested levels, such as stores in regions: each inner group is pulled toward its outer
-- group, and each outer group toward mu. The argument `at` chooses the groups of the result: 'inner' (by both keys) or
-- 'outer' (by the outer key). More than two levels need Python.
CREATE OR REPLACE MACRO pool_shrink_nested(
    tbl, value, "outer", "inner", _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL,
    se := NULL, weights := NULL, sigma2 := 'pooled', tau2 := 'reml', tau2_outer := NULL, tau2_inner := NULL,
    "at" := 'inner', nan := 'error', level := 0.95, uncertainty := 'mu', predict := 'mean', threshold := NULL
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_nested_arguments('_pool_schema', value, "outer", "inner", _pool_unnamed, over, n, var, se, weights,
            sigma2, tau2, tau2_outer, tau2_inner, nan, "at", level, uncertainty, predict, threshold, true,
            ['n', 'mean', 'v', 'weight', 'estimate', 'se', 'lower', 'upper', 'effect', 'se_effect', 'p_above'])
    ),
    _pool_keyed AS NOT MATERIALIZED (
        SELECT *, "outer" AS _pool_key_outer, "inner" AS _pool_key_inner FROM query_table(_pool_read(tbl))
    ),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(_pool_read(tbl), value, over)),
    _pool_plain AS MATERIALIZED (
        FROM _pool_plain('_pool_keyed', value, COLUMNS('^_pool_key_'), over, n, var, se, weights, nan)
    ),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed('_pool_keyed', value, COLUMNS('^_pool_key_'), over, n, var, se, weights, nan, 'pooled',
            'reml', 'gls')
    ),
    _pool_leaves AS NOT MATERIALIZED (SELECT *, struct_pack(*COLUMNS('^_pool_key_outer')) AS _pool_outer,
            struct_pack(*COLUMNS('^_pool_key_inner')) AS _pool_inner
        FROM _pool_groups([n, var, se, weights], '_pool_plain', '_pool_weighed', 'pooled')),
    _pool_fitted AS MATERIALIZED (
        FROM _pool_nested_components('_pool_leaves', [n, var, se, weights], sigma2, tau2, tau2_outer, tau2_inner, level,
            'estimates')
    ),
    _pool_estimated AS NOT MATERIALIZED (
        FROM (WITH leaves AS NOT MATERIALIZED (SELECT g._pool_model, _pool_outer, _pool_inner, _pool_n, _pool_y, m.* EXCLUDE (_pool_of_model),
            coalesce(_pool_v, pool_sampling_variance(_pool_sigma2, _pool_w)) AS _pool_sampling
        FROM _pool_leaves AS g, (
            SELECT _pool_model AS _pool_of_model, _pool_sigma2, _pool_tau2_inner, _pool_tau2_outer, _pool_mu, _pool_se_mu,
                _pool_only, CASE WHEN determined2 THEN _pool_tau2_inner ELSE known2 END AS _pool_determined_inner,
                CASE WHEN determined3 THEN _pool_tau2_outer ELSE known3 END AS _pool_determined_outer
            FROM _pool_fitted
        ) AS m
        WHERE _pool_same(_pool_of_model, _pool_model)),
        outer_nodes AS NOT MATERIALIZED (SELECT * EXCLUDE (_pool_precision, _pool_sum, _pool_known, has_n)
            REPLACE (CASE WHEN has_n THEN coalesce(_pool_n, 0.0) END AS _pool_n),
            _pool_sum / _pool_precision + _pool_origin AS _pool_mean,
            CASE WHEN _pool_known THEN (CASE
                WHEN _pool_precision::DOUBLE = 0 THEN 'infinity'::DOUBLE
                WHEN _pool_precision::DOUBLE < 3.273390607896142e+150
                    THEN 1 / CASE WHEN _pool_precision::DOUBLE = 0 THEN 1.0 ELSE _pool_precision::DOUBLE END
                ELSE 0.0
            END) END AS _pool_sampling,
            _pool_mu AS _pool_parent,
            _pool_only >= 1 AND _pool_mean IS NOT NULL AS _pool_alone, _pool_only >= 1 AS _pool_without_effect,
            CASE WHEN uncertainty = 'conditional' THEN 0.0 ELSE _pool_se_mu END AS _pool_se_parent
        FROM (
            SELECT _pool_model, _pool_outer, sum(_pool_w_) AS _pool_precision, sum(_pool_w_ * _pool_y) AS _pool_sum,
                count(*) = count(_pool_sampling) AS _pool_known, sum(_pool_n) AS _pool_n,
                any_value(_pool_tau2_outer) AS _pool_tau2, any_value(_pool_determined_outer) AS _pool_determined,
                any_value(_pool_mu) AS _pool_mu,
                any_value(_pool_se_mu) AS _pool_se_mu, any_value(_pool_only) AS _pool_only,
                any_value(_pool_sigma2) + any_value(_pool_determined_inner) AS _pool_noise
            FROM (SELECT *, (CASE
                WHEN _pool_sampling = 'infinity'::DOUBLE THEN 0.0
                WHEN _pool_sampling::DOUBLE + _pool_tau2_inner > 3.054936363499605e-151
                    THEN 1 / CASE WHEN _pool_sampling::DOUBLE + _pool_tau2_inner > 3.054936363499605e-151 THEN _pool_sampling::DOUBLE + _pool_tau2_inner ELSE 1.0 END
                ELSE 3.273390607896142e+150
            END) AS _pool_w_ FROM leaves)
            GROUP BY ALL
        ), _pool_origin, (SELECT has_n FROM _pool_request)),
        outers AS NOT MATERIALIZED (FROM _pool_nested_shrunk('outer_nodes')),
        inner_nodes AS NOT MATERIALIZED (SELECT l._pool_model, l._pool_outer, _pool_inner, _pool_n, _pool_y + _pool_origin AS _pool_mean,
            _pool_sampling, _pool_tau2_inner AS _pool_tau2, _pool_determined_inner AS _pool_determined,
            _pool_only >= 2 AND _pool_y IS NOT NULL AS _pool_alone, _pool_only >= 2 AS _pool_without_effect,
            _pool_sigma2 AS _pool_noise,
            o._pool_estimate AS _pool_parent, o._pool_se AS _pool_se_parent
        FROM leaves AS l, _pool_origin,
            (SELECT _pool_model, _pool_outer, _pool_estimate, _pool_se FROM outers) AS o
        WHERE _pool_same(o._pool_model, l._pool_model) AND o._pool_outer IS NOT DISTINCT FROM l._pool_outer),
        inners AS NOT MATERIALIZED (FROM _pool_nested_shrunk('inner_nodes')),
        of_mean AS NOT MATERIALIZED (
            FROM query_table(CASE WHEN "at" = 'outer' THEN 'outers' ELSE 'inners' END)
        ),
        of_row AS (
            SELECT * REPLACE (sqrt(pool_predictive_variance(_pool_se * _pool_se, _pool_noise)) AS _pool_se) FROM of_mean
        ),
        of_replicate AS (
            SELECT * REPLACE (sqrt(pool_predictive_variance(_pool_se * _pool_se, _pool_sampling)) AS _pool_se) FROM of_mean
        )
        FROM query_table(CASE predict WHEN 'row' THEN 'of_row' WHEN 'replicate' THEN 'of_replicate' ELSE 'of_mean' END)),
            _pool_quantile_of(level)
    ),
    _pool_standardised AS NOT MATERIALIZED (
        SELECT *, pool_standardised(_pool_estimate, _pool_se, _pool_number(threshold)) AS _pool_z FROM _pool_estimated
    ),
    _pool_without_threshold AS NOT MATERIALIZED (SELECT *, NULL::DOUBLE AS _pool_above FROM _pool_estimated),
    _pool_with_threshold AS NOT MATERIALIZED (
        SELECT *, _pool_normal_cdf_double(_pool_z) AS _pool_above FROM _pool_standardised
    ),
    _pool_result AS NOT MATERIALIZED (
        SELECT _pool_model, COLUMNS('^_pool_(outer|inner)$'), _pool_n::BIGINT, _pool_mean, _pool_sampling, _pool_weight,
            _pool_estimate, _pool_se, pool_lower(_pool_estimate, _pool_se, _pool_quantile),
            pool_upper(_pool_estimate, _pool_se, _pool_quantile), _pool_effect, _pool_se_effect, _pool_above
        FROM query_table(
            CASE WHEN _pool_absent(threshold) THEN '_pool_without_threshold' ELSE '_pool_with_threshold' END)
    ),
    _pool_of_outer AS (
        SELECT * FROM (SELECT over, "outer" FROM _pool_schema), (FROM _pool_empty_shrink_nested())
        UNION ALL
        SELECT unnest(_pool_model), unnest(_pool_outer), COLUMNS(* EXCLUDE (_pool_model, _pool_outer))
        FROM _pool_result
    ),
    _pool_of_inner AS (
        SELECT * FROM (SELECT over, "outer", "inner" FROM _pool_schema), (FROM _pool_empty_shrink_nested())
        UNION ALL
        SELECT unnest(_pool_model), unnest(_pool_outer), unnest(_pool_inner),
            COLUMNS(* EXCLUDE (_pool_model, _pool_outer, _pool_inner))
        FROM _pool_result
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c) AND (c <> 'p_above' OR NOT _pool_absent(threshold)))
    FROM query_table(CASE WHEN "at" = 'outer' THEN '_pool_of_outer' ELSE '_pool_of_inner' END)
    WHERE (SELECT proper FROM _pool_request);

-- The variances of two nested levels, one row per model and level, the outer level first: tau2 with its standard error,
-- profile-likelihood interval and likelihood-ratio test, and the statistics of the model, equal in both rows.
CREATE OR REPLACE MACRO pool_components_nested(
    tbl, value, "outer", "inner", _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL,
    se := NULL, weights := NULL, sigma2 := 'pooled', tau2 := 'reml', tau2_outer := NULL, tau2_inner := NULL,
    nan := 'error', level := 0.95
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_nested_arguments('_pool_schema', value, "outer", "inner", _pool_unnamed, over, n, var, se, weights,
            sigma2, tau2, tau2_outer, tau2_inner, nan, 'inner', level, 'mu', 'mean', NULL, false,
            ['level', 'depth', 'groups', 'n', 'sigma2', 'tau2', 'share', 'se_tau2', 'tau2_lower', 'tau2_upper', 'lrt', 'lrt_p',
                'log_likelihood', 'aic', 'mu', 'se_mu', 'mu_lower', 'mu_upper', 'new_lower', 'new_upper', 'converged'])
    ),
    _pool_keyed AS NOT MATERIALIZED (
        SELECT *, "outer" AS _pool_key_outer, "inner" AS _pool_key_inner FROM query_table(_pool_read(tbl))
    ),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(_pool_read(tbl), value, over)),
    _pool_plain AS MATERIALIZED (
        FROM _pool_plain('_pool_keyed', value, COLUMNS('^_pool_key_'), over, n, var, se, weights, nan)
    ),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed('_pool_keyed', value, COLUMNS('^_pool_key_'), over, n, var, se, weights, nan, 'pooled',
            'reml', 'gls')
    ),
    _pool_leaves AS NOT MATERIALIZED (SELECT *, struct_pack(*COLUMNS('^_pool_key_outer')) AS _pool_outer,
            struct_pack(*COLUMNS('^_pool_key_inner')) AS _pool_inner
        FROM _pool_groups([n, var, se, weights], '_pool_plain', '_pool_weighed', 'pooled')),
    _pool_levels AS MATERIALIZED (
        FROM _pool_nested_components('_pool_leaves', [n, var, se, weights], sigma2, tau2, tau2_outer, tau2_inner, level,
            'inference')
    ),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_components_nested())
        UNION ALL
        SELECT unnest(_pool_model), level_names[depth], depth::BIGINT, groups::BIGINT,
            CASE WHEN has_n THEN round(rows_)::BIGINT END, _pool_sigma2, tau2_, share_, se_tau2_, tau2_lower_,
            tau2_upper_, tested_, CASE WHEN tested_ IS NOT NULL THEN pool_half_half(tested_, tail) END, log_likelihood,
            aic, _pool_mu, se_mu_, _pool_mu - _pool_quantile * se_mu_, _pool_mu + _pool_quantile * se_mu_,
            _pool_mu - reach, _pool_mu + reach, _pool_converged
        FROM _pool_levels, (SELECT has_n, level_names FROM _pool_request)
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named
    WHERE (SELECT proper FROM _pool_request);

-- ---------------------------------------------------------------------------------------------------------------------
-- The request for means beside one predictor of groups: what differs from a one-way model.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row: the name of the predictor, or an error.
CREATE OR REPLACE MACRO _pool_toward_request(schema, value, toward, tau2) AS TABLE
    SELECT CASE WHEN complaint IS NULL THEN names[1] ELSE error(complaint) END AS predictor
    FROM (
        SELECT struct_keys(_pool_of_toward) AS names,
            coalesce(
                CASE WHEN typeof(_pool_of_toward) IS NULL OR regexp_extract(typeof(_pool_of_toward), '(?s)^STRUCT\((?:\w+|"(?:[^"]|"")*") (.*)\)$', 1) = '"NULL"'
                    THEN 'toward=NULL; give the column of a predictor, or call the macro without _toward' END,
                CASE WHEN len(names) > 1
                    THEN format('toward={} has {} columns; a macro has one predictor, Python any number', _pool_listed(names),
                        len(names)) END,
                CASE WHEN NOT regexp_full_match(regexp_extract(typeof(_pool_of_toward), '(?s)^STRUCT\((?:\w+|"(?:[^"]|"")*") (.*)\)$', 1),
                    'U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|BOOLEAN|BIGNUM|"NULL"')
                    THEN format('toward=''{}'' has the type {}; a predictor in SQL holds numbers or Booleans, a factor needs '
                        || 'Python', names[1], regexp_extract(typeof(_pool_of_toward), '(?s)^STRUCT\((?:\w+|"(?:[^"]|"")*") (.*)\)$', 1)) END,
                CASE WHEN lower(names[1]) = lower((struct_keys(_pool_of_value)[1]))
                    THEN format('toward=''{}'' is the value itself; give another column', names[1]) END,
                CASE WHEN names[1] = 'intercept'
                    THEN 'toward=''intercept'' bears the name of the intercept: rename it' END,
                CASE WHEN NOT (_pool_is_number(tau2, 0) OR list_contains(['reml', 'ml', 'dl', 'he', 'hs', 'sj', 'pm', 'eb'], _pool_name(tau2)))
                    THEN format('{}={}; give {}, or one of {}{}', 'tau2', _pool_shown(tau2), 'a number of 0 or more', _pool_listed(['reml', 'ml', 'dl', 'he', 'hs', 'sj', 'pm', 'eb']), _pool_nearest(_pool_name(tau2), ['reml', 'ml', 'dl', 'he', 'hs', 'sj', 'pm', 'eb']))
                        || '; other estimators do not go with toward=' END
            ) AS complaint
        FROM (SELECT toward FROM query_table(schema)) AS _pool_of_toward
            POSITIONAL JOIN (SELECT value FROM query_table(schema)) AS _pool_of_value
    );

-- ---------------------------------------------------------------------------------------------------------------------
-- Data that are an error beside one predictor of groups.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- Groups with their predictor x. Groups of equal size are one class: their number, and the means and covariances of x
-- and y.
-- ---------------------------------------------------------------------------------------------------------------------

-- Both ends of the predictor in a group. In a row with a value, one that is missing counts as infinite.
CREATE OR REPLACE MACRO _pool_toward_ends(value, toward, nan) AS {
    least: min((CASE
        WHEN isfinite(TRY_CAST(toward AS DOUBLE)) THEN TRY_CAST(toward AS DOUBLE)
        WHEN _pool_value(value, nan) IS NOT NULL THEN 'infinity'::DOUBLE
    END)), largest: max((CASE
        WHEN isfinite(TRY_CAST(toward AS DOUBLE)) THEN TRY_CAST(toward AS DOUBLE)
        WHEN _pool_value(value, nan) IS NOT NULL THEN 'infinity'::DOUBLE
    END))
};

-- ---------------------------------------------------------------------------------------------------------------------
-- Which models the data determine, in a standard form: the predictor as z, of mean 0 and mean square 1 over the groups,
-- and the residuals r of the plain fit in place of y, which keep more digits.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- Estimates of tau2, or of rho = tau2 / sigma2 where both are estimated together: the statistics at a point, and the
-- search of roots. A grid brackets every minimum of a deviance, a search closes each bracket, the deepest is the
-- estimate.
-- ---------------------------------------------------------------------------------------------------------------------

-- Points with the sums over the classes of their model, with weights h = 1 / (u + at) and their powers.
CREATE OR REPLACE MACRO _pool_toward_at(points, standard) AS TABLE
    WITH sums AS (
        FROM query_table(points) JOIN (
            SELECT id, sum(k * h) AS s1, sum(k * h * h) AS s2, sum(k * h * h * h) AS s3, sum(kz * h) AS z1,
                sum(kz * h * h) AS z2, sum(kz * h * h * h) AS z3, sum(kzz * h) AS zz1, sum(kzz * h * h) AS zz2,
                sum(kzz * h * h * h) AS zz3, sum(kr * h) AS r1, sum(kr * h * h) AS r2, sum(kzr * h) AS zr1,
                sum(kzr * h * h) AS zr2, sum(krr * h) AS rr1, sum(krr * h * h) AS rr2, -sum(k * ln(h)) AS logs
            FROM (
                SELECT id, k, kz, kr, kzz, kzr, krr, 1 / (u + point) AS h
                FROM (SELECT id, model, point FROM query_table(points) WHERE NOT closed)
                JOIN query_table(standard) USING (model)
            )
            GROUP BY id
        ) USING (id)
    )
    FROM (SELECT *,
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
    FROM sums);

-- Points with the deviance along the profile of tau2, with the most likely sigma2 at each rho.
CREATE OR REPLACE MACRO _pool_toward_profiles(statistics, restricted) AS TABLE
    SELECT *,
        CASE
            WHEN jointly THEN pool_rows_deviance(ssw, wr2, logs, sigma2_at, n)
                + CASE WHEN restricted THEN log_information - p * ln(sigma2_at) ELSE 0.0 END
            ELSE pool_ml_deviance(logs, wr2) + CASE WHEN restricted THEN log_information ELSE 0.0 END
        END AS profile
    FROM (
        SELECT *, pool_ml_variance_at(ssw, wr2 - point * w2r2,
            CASE WHEN restricted THEN j - p - point * trace ELSE j - point * s1 END, n - j) AS sigma2_at
        FROM query_table(statistics)
    );

-- Points with what rises through 0 at a root: of an estimator where `of_estimator`, else the expectation of Q less Q,
-- or the deviance less its target; then `deviance` is sigma2 there.
CREATE OR REPLACE MACRO _pool_toward_risen(points, standard, method, of_estimator) AS TABLE
    WITH statistics AS (FROM _pool_toward_at(points, standard)),
    estimators AS (WITH "known" AS (SELECT *, NULL::DOUBLE AS rise, NULL::DOUBLE AS deviance FROM statistics),
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
        FROM statistics
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
        FROM statistics
    ),
    "dl" AS (FROM "known"),
    "he" AS (FROM "known"),
    "hs" AS (FROM "known"),
    "sj" AS (FROM "known"),
    "pm" AS (FROM "known"),
    "eb" AS (FROM "known")
    FROM query_table(method)),
    limits AS (
        SELECT *, CASE WHEN expected IS NOT NULL THEN expected - wr2 ELSE side * (profile - target) END AS rise,
            sigma2_at AS deviance
        FROM _pool_toward_profiles('statistics', (method = 'reml'))
    )
    FROM query_table(CASE WHEN of_estimator THEN 'estimators' ELSE 'limits' END);

-- The roots of each search: between neighbouring points, at the first point where it does not fall there, or beyond the
-- last one (not done).
CREATE OR REPLACE MACRO _pool_toward_roots(risen, standard, method, of_estimator) AS TABLE
    WITH RECURSIVE pairs AS (
        SELECT *, lead(point) OVER neighbours AS next_at, lead(rise) OVER neighbours AS next_rise
        FROM query_table(risen)
        WHERE NOT isnan(rise)
        WINDOW neighbours AS (PARTITION BY search ORDER BY i)
    ),
    _pool_toward_search AS (
        SELECT 0 AS step, false AS closed, id, search, model, p, j, n, ssw, jointly, joint_df, expected, target, side,
            (point + next_at) / 2 AS point, next_at AS x1, next_rise AS f1, point AS x2, rise AS f2, NULL::DOUBLE AS x3,
            NULL::DOUBLE AS f3, NULL::DOUBLE AS depth
        FROM pairs WHERE rise < 0 AND next_rise >= 0
        UNION ALL
        SELECT step + 1, _pool_is_closed(x1, f1, x2, f2), id, search, model, p, j, n, ssw, jointly, joint_df, expected,
            target, side,
            CASE
                WHEN _pool_is_closed(x1, f1, x2, f2) THEN x1
                ELSE x1 + (x2 - x1) * _pool_share(x1, f1, x2, f2, x3, f3, (f1 - f2) / (f3 - f2),
                    (x1 - x2) / (x3 - x2), _pool_tolerance(x1, f1, x2, f2) / 2 / abs(x2 - x1))
            END,
            x1, f1, x2, f2, x3, f3, depth
        FROM (
            SELECT step, id, search, model, p, j, n, ssw, jointly, joint_df, expected, target, side, deviance AS depth,
                point AS x1, rise AS f1,
                CASE WHEN (rise < 0) = (f1 < 0) THEN x2 ELSE x1 END AS x2,
                CASE WHEN (rise < 0) = (f1 < 0) THEN f2 ELSE f1 END AS f2,
                CASE WHEN (rise < 0) = (f1 < 0) THEN x1 ELSE x2 END AS x3,
                CASE WHEN (rise < 0) = (f1 < 0) THEN f1 ELSE f2 END AS f3
            FROM _pool_toward_risen('_pool_toward_search', standard, method, of_estimator)
        )
        WHERE step < 200
    )
    SELECT search, point AS x, depth, true AS done FROM _pool_toward_search WHERE closed
    UNION ALL
    SELECT search, point, deviance, rise >= 0 FROM pairs WHERE i = 0 AND rise >= 0 OR next_at IS NULL AND rise < 0;

-- ---------------------------------------------------------------------------------------------------------------------
-- One row per model: tau2 with sigma2, and the weighted fit there.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- Heterogeneity, errors and likelihoods of fitted models, in the unit of the model.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- The interval of tau2, by the quantiles of Q or by the profile likelihood.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- One row per model: variances, coefficients, and what inference adds.
-- ---------------------------------------------------------------------------------------------------------------------

-- The components of every model. `detail` chooses further columns: none ('estimates'), the error of tau2 that the
-- estimates of groups need ('errors'), the test of the coefficients ('coefficients'), or all ('inference').
CREATE OR REPLACE MACRO _pool_toward_components(
    groups, inputs, sigma2, tau2, method, level, test, limits, detail
) AS TABLE
    WITH classes AS MATERIALIZED (WITH sizes AS NOT MATERIALIZED (SELECT *, struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT COLUMNS('^_pool_over'), _pool_n AS n, _pool_n AS w, count(_pool_y)::DOUBLE AS k,
            favg(_pool_x) AS x, avg(_pool_y) AS y, avg(_pool_squares) AS squares, NULL::DOUBLE AS v,
            var_pop(_pool_x) AS xx, covar_pop(_pool_x, _pool_finite(_pool_y)) AS xy,
            var_pop(_pool_finite(_pool_y)) AS yy, max(abs(_pool_x)) AS reach,
            count_if(NOT isfinite(_pool_y)) AS odd, count_if(_pool_key_more.largest = 'infinity'::DOUBLE) AS missing,
            count_if(_pool_key_more.largest > _pool_key_more.least) AS varying
        FROM (SELECT *, _pool_finite(_pool_key_more.least) AS _pool_x FROM query_table(groups))
        WHERE _pool_sized
        GROUP BY ALL
    )),
    with_singles AS NOT MATERIALIZED (FROM sizes UNION ALL BY NAME FROM (SELECT coalesce(_pool_n, 1.0) AS n, CASE WHEN _pool_v IS NULL THEN _pool_w ELSE coalesce(_pool_n, 1.0) END AS w,
        CASE WHEN _pool_w > 0 THEN 1.0 ELSE 0.0 END AS k, _pool_x AS x, _pool_y AS y,
        coalesce(_pool_squares, 0.0) AS squares, _pool_v AS v, 0.0 AS xx, 0.0 AS xy, 0.0 AS yy,
        abs(_pool_x) AS reach, (NOT isfinite(_pool_y))::BIGINT AS odd,
        (_pool_key_more.largest = 'infinity'::DOUBLE)::BIGINT AS missing,
        (_pool_key_more.largest > _pool_key_more.least)::BIGINT AS varying, _pool_model
    FROM (SELECT *, _pool_finite(_pool_key_more.least) AS _pool_x FROM query_table(groups))
    WHERE NOT _pool_sized))
    SELECT _pool_model, n, w, k, x, y, squares, v, xx, xy, yy, reach, odd, missing, varying
    FROM _pool_by_input(inputs, CASE WHEN _pool_own_variance(sigma2) THEN 'with_singles' ELSE 'sizes' END,
        'with_singles')),
    models AS MATERIALIZED (WITH totals AS MATERIALIZED (
        SELECT _pool_model, sum(odd) AS odd, sum(missing) AS missing, sum(varying) AS varying, sum(k) AS j,
            sum(k * n) AS n, sum(k * squares) AS ssw, min(CASE WHEN k > 0 THEN w END) AS wmin, max(w) AS wmax,
            fsum(k * x) / sum(k) AS mean_x, fsum(k * y) / sum(k) AS mean_y,
            max(CASE WHEN k > 0 THEN reach END) AS reach
        FROM classes GROUP BY _pool_model
    )
    SELECT * EXCLUDE (odd, missing, varying, sound, steady), row_number() OVER () AS model
    FROM totals, _pool_sound(inputs, 'totals', '_pool_weighed'), (SELECT CASE
            WHEN missing > 0 THEN error(format('toward=''{}'' is null, NaN or infinite in rows of {}: each group needs its predictors; fill '
                || 'them in, or leave these groups out',
                predictor, (CASE WHEN missing = 1 THEN '1 group' ELSE format('{:,} groups', missing::BIGINT) END)))
            WHEN varying > 0 THEN error(format('toward=''{}'' varies within {}: a predictor has one value for each group; regress() has '
                || 'covariates that vary within groups',
                predictor, (CASE WHEN varying = 1 THEN '1 group' ELSE format('{:,} groups', varying::BIGINT) END)))
            ELSE true
        END AS steady
    FROM (SELECT sum(missing) AS missing, sum(varying) AS varying FROM totals), _pool_predictor)
    WHERE sound AND steady),
    within AS (SELECT *, NOT published AND _pool_name(sigma2) = 'pooled' AS on_rows,
        published OR _pool_own_variance(sigma2) AS own_v,
        CASE WHEN NOT published THEN coalesce(_pool_number(sigma2), pool_pooled_variance(ssw, n, j)) END AS pooled,
        NULL::DOUBLE AS df_prior, NULL::DOUBLE AS sigma2_prior
    FROM models, (SELECT published FROM _pool_request)
    WHERE j > 0),
    with_prior AS (FROM _pool_with_prior('classes', 'within')),
    counted AS MATERIALIZED (
        FROM query_table(CASE WHEN _pool_name(sigma2) = 'squeezed' THEN 'with_prior' ELSE 'within' END)
    ),
    sampled AS MATERIALIZED (SELECT model, k, w, x - mean_x AS x, y - mean_y AS y, xx, xy, yy,
        CASE WHEN published THEN v ELSE pool_sampling_variance(CASE _pool_name(sigma2)
            WHEN 'separate' THEN pool_separate_variance(c.n, squares / (c.n - 1), pooled)
            WHEN 'squeezed' THEN pool_squeezed_variance(c.n, squares / (c.n - 1), df_prior, sigma2_prior)
            ELSE pooled
        END, w) END AS v
    FROM classes AS c, (
        SELECT model, _pool_model, published, mean_x, mean_y, pooled, df_prior, sigma2_prior FROM counted
    ) AS m
    WHERE _pool_same(m._pool_model, c._pool_model) AND k > 0),
    identified AS MATERIALIZED (WITH spreads AS (
            SELECT model, count(v) = count(*) AS has_v, min(v) AS vmin, max(v) AS vmax,
                sum(k * (x * x + xx)) / sum(k) AS sxx, sum(k * (x * y + xy)) / sum(k) AS sxy,
                sum(k * (y * y + yy)) / sum(k) AS syy, max(y) - min(y) + sqrt(max(yy)) AS width
            FROM sampled GROUP BY model
        ),
        sized AS (
            SELECT *, p = 2 AND NOT sxx > (8 * 2.220446049250313e-16 * reach) ** 2 AS dependent,
                CASE WHEN p = 1 THEN 0.0 WHEN sxx > 0 THEN 1 / sqrt(sxx) ELSE 1.0 END AS per_x,
                CASE WHEN p = 2 AND sxx > 0 THEN sxy / sxx ELSE 0.0 END AS plain_slope,
                greatest(width, sqrt(ssw / n), CASE WHEN published THEN sqrt(vmin) END) AS apart,
                CASE WHEN apart > 0 THEN apart WHEN published AND vmax > 0 THEN sqrt(vmax) ELSE abs(mean_y) END AS size,
                size = 0 OR size > 2.0 ** -506 AND size < 2.0 ** 506 AS measurable,
                CASE WHEN size = 0 OR size BETWEEN 2.0 ** -100 AND 2.0 ** 100 OR NOT measurable THEN 1.0
                    ELSE 2.0 ** round(log2(size)) END AS unit_, unit_ * unit_ AS square_unit
            FROM counted JOIN spreads USING (model), (SELECT unnest((CASE WHEN detail = 'inference' THEN [2, 1] ELSE [2] END))::DOUBLE AS p)
        )
        SELECT 2 * model + (p = 1)::BIGINT AS model, model AS pair, _pool_model, p, j, n, ssw / square_unit AS ssw, wmin,
            wmax, mean_x, mean_y, published, on_rows, CASE WHEN measurable THEN pooled / square_unit END AS pooled,
            df_prior, sigma2_prior, dependent, per_x, plain_slope, unit_, vmin / square_unit AS vmin,
            vmax / square_unit AS vmax,
            syy / square_unit AS crude, measurable,
            has_v AND measurable AND (vmin > 0 OR vmax = 0 OR coalesce(_pool_number(tau2) > 0, false))
                AND (NOT own_v OR (vmax + coalesce(_pool_number(tau2), vmax) <= 1e8 * (vmin + coalesce(_pool_number(tau2), vmax)))) AS identified, own_v,
            j >= p AND NOT dependent AS regular, identified AND regular AND j - p >= 1 AS estimable,
            estimable AND on_rows AND sized.ssw > 0 AND (method IN ('ml', 'reml', 'cv')) AS jointly,
            (CASE
                WHEN method = 'reml' THEN n - p
                WHEN method = 'ml' THEN n
            END) AS joint_df
        FROM sized),
    standard AS MATERIALIZED (SELECT model, k, w, v, CASE WHEN jointly THEN 1 / w ELSE v END AS u, k * z AS kz, k * (z * z + zz) AS kzz,
        counts * r AS kr, counts * (z * r + zr) AS kzr, counts * (r * r + rr) AS krr
    FROM (
        SELECT *, CASE WHEN max(r * r + rr) OVER models <= max(8 * 2.220446049250313e-16 * abs(y)) OVER models ** 2
            + 8 * 2.220446049250313e-16 * max(yy) OVER models THEN 0.0 ELSE k END AS counts
        FROM (
            SELECT f.model, k, w, v / (unit_ * unit_) AS v, jointly, x * per_x AS z, y / unit_ AS y,
                yy / (unit_ * unit_) AS yy, (y - plain_slope * x) / unit_ AS r, xx * per_x * per_x AS zz,
                (xy - plain_slope * xx) * per_x / unit_ AS zr,
                greatest(yy - plain_slope * (2 * xy - plain_slope * xx), 0.0) / (unit_ * unit_) AS rr
            FROM (SELECT * RENAME (model AS pair) FROM sampled) JOIN (
                SELECT model, pair, per_x, plain_slope, unit_, jointly FROM identified
            ) AS f USING (pair)
        )
        WINDOW models AS (PARTITION BY model)
    )),
    facts AS MATERIALIZED (SELECT * EXCLUDE (no_over, predictor)
    FROM identified JOIN (
        SELECT model, sum(krr) AS plain_squares, sum(krr * v) AS v_squares, sum(krr * w) AS w_squares,
            sum(krr / w) AS squares_by_w, sum(k * ln(w)) AS logs_of_w, sum(k * v) / sum(k) AS v1,
            sum(kz * v) / sum(k) AS vz, sum(kzz * v) / sum(k) AS vzz, sum(k * v * v) / sum(k) AS v2,
            sum(kzz * v * v) / sum(k) AS v2zz
        FROM standard GROUP BY model
    ) USING (model), (SELECT no_over FROM _pool_request), _pool_predictor
    WHERE CASE WHEN dependent AND no_over AND j >= p
        THEN error(format('toward=''{}'' is the same in every group, so it cannot be distinguished from the intercept: '
            || 'leave it out',
            predictor)) ELSE true END),
    estimates AS (WITH points AS (SELECT * EXCLUDE (low, high, bend, last, steps, points), 1024 * model + i AS id, model AS search, false AS closed,
        NULL::DOUBLE AS target, NULL::DOUBLE AS side,
        CASE WHEN high IS NULL THEN low ELSE _pool_point(i, 0.0, low, last, high, steps, points) END AS point
    FROM (
        SELECT *, unnest(range(0, points + 1)) AS i
        FROM (
            SELECT *, CASE WHEN bend < high THEN greatest(bend, low) ELSE high END AS last,
                1 + least(ceil(2 * log10(last / low)), 100)::BIGINT AS steps,
                CASE WHEN high IS NULL THEN 0 WHEN low = 0 OR low >= high OR bend <= 0 THEN 1
                    WHEN bend < high THEN steps + 2 ELSE steps + 1 END AS points
            FROM (WITH "known" AS (FROM facts WHERE false),
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
                FROM facts
                WHERE estimable AND vmax > 0
            ),
            "ml" AS (FROM "reml"),
            "dl" AS (
                SELECT *, 0.0 AS low, NULL::DOUBLE AS high, NULL::DOUBLE AS bend, NULL::DOUBLE AS expected
                FROM facts
                WHERE estimable AND vmax > 0
            ),
            "he" AS (FROM "dl"),
            "hs" AS (FROM "dl"),
            "sj" AS (
                SELECT *, crude AS low, NULL::DOUBLE AS high, NULL::DOUBLE AS bend, NULL::DOUBLE AS expected
                FROM facts
                WHERE estimable AND vmax > 0
            ),
            "pm" AS (
                SELECT *,
                    0.0 AS low,
                    CASE WHEN plain_squares = 0 THEN 1.0 ELSE 1.001 * plain_squares / (j - p) END AS high,
                    NULL::DOUBLE AS bend,
                    j - p AS expected
                FROM facts
                WHERE estimable AND vmax > 0
            ),
            "eb" AS (FROM "pm")
            FROM query_table(method))
        )
    )),
    statistics AS (FROM _pool_toward_at('points', 'standard')),
    closed_forms AS (SELECT *, true AS done FROM (WITH "reml" AS (SELECT model, NULL::DOUBLE AS x FROM statistics WHERE false),
    "ml" AS (FROM "reml"),
    "dl" AS (
        SELECT model, (wr2 - (j - p)) / trace AS x
        FROM statistics
    ),
    "he" AS (
        SELECT model, (plain_squares - (j * v1 - (v1 + vzz))) / (j - p) AS x
        FROM statistics
    ),
    "hs" AS (
        SELECT model, (wr2 - j) / s1 AS x
        FROM statistics
    ),
    "sj" AS (
        SELECT model, crude * wr2 / (j - p) AS x
        FROM statistics
    ),
    "pm" AS (FROM "reml"),
    "eb" AS (FROM "reml")
    FROM query_table(method))),
    risen AS MATERIALIZED (
        FROM _pool_toward_risen('points', 'standard', method, _pool_is_likelihood(method))
    ),
    searched AS (
        SELECT search AS model, arg_min(x, coalesce(depth, 0.0)) AS x, arg_min(done, coalesce(depth, 0.0)) AS done
        FROM _pool_toward_roots('risen', 'standard', method, _pool_is_likelihood(method)) GROUP BY search
    ),
    none AS (SELECT NULL::BIGINT AS model, NULL::DOUBLE AS x, NULL::BOOLEAN AS done WHERE false)
    FROM query_table(CASE
        WHEN method = 'known' THEN 'none'
        WHEN method IN ('reml', 'ml', 'pm', 'eb') THEN 'searched'
        ELSE 'closed_forms'
    END)),
    solved AS MATERIALIZED (SELECT * EXCLUDE (x, done), CASE
            WHEN _pool_number(tau2) IS NOT NULL THEN _pool_number(tau2) / (unit_ * unit_)
            WHEN NOT estimable THEN NULL
            WHEN vmax = 0 THEN greatest((CASE
                WHEN method IN ('reml', 'dl', 'he', 'sj', 'pm', 'eb') THEN plain_squares / (j - p)
                WHEN method IN ('ml', 'hs') THEN plain_squares / j
            END), 0.0)
            WHEN isfinite(x) AND (NOT own_v OR (vmax + (CASE WHEN method IN ('dl', 'hs') THEN 0.0 ELSE greatest(x, 0.0) END) <= 1e8 * (vmin + (CASE WHEN method IN ('dl', 'hs') THEN 0.0 ELSE greatest(x, 0.0) END)))) THEN greatest(x, 0.0)
        END AS x_,
        identified AND regular AND coalesce(done, true) AS settled
    FROM facts LEFT JOIN estimates USING (model)),
    fitted AS MATERIALIZED (WITH points AS (
        SELECT model AS id, model, p, x_ AS point, false AS closed FROM solved
        WHERE identified AND regular AND x_ IS NOT NULL
    ),
    fits AS (
        FROM solved LEFT JOIN (
            SELECT model, s1, s2, wr2, trace, trace2, log_information, logs, inverse, _pool_finite(mean_z) AS z_,
                _pool_finite(mean_r) AS r_, _pool_finite(slope) AS more_slope
            FROM _pool_toward_at('points', 'standard')
        ) USING (model)
    ),
    scaled AS (
        SELECT *, CASE WHEN jointly THEN pool_residual_variance(ssw, wr2, joint_df)
                ELSE pooled END AS sigma2_,
            CASE WHEN jointly THEN sigma2_ ELSE 1.0 END AS scale, x_ * scale AS tau2_,
            identified AND tau2_ IS NOT NULL AS known, vmax = 0 AND x_ = 0 AS all_exact,
            coalesce(z_, 0.0) AS at_z
        FROM fits
    )
    SELECT *, mean_x + CASE WHEN p = 2 THEN at_z / per_x ELSE 0.0 END AS centre,
        CASE WHEN regular AND measurable THEN mean_y + CASE WHEN p = 2 THEN plain_slope * at_z / per_x ELSE 0.0 END
            + coalesce(r_, 0.0) * unit_ END AS level_,
        CASE WHEN regular AND measurable THEN plain_slope + coalesce(more_slope, 0.0) * per_x * unit_ END AS slope_,
        CASE WHEN regular AND known THEN CASE WHEN all_exact THEN 0.0 ELSE scale / s1 * unit_ * unit_ END END
            AS level_variance,
        CASE WHEN regular AND known
            THEN CASE WHEN all_exact THEN 0.0 ELSE scale * inverse * per_x * per_x * unit_ * unit_ END END
            AS slope_variance
    FROM scaled),
    elsewhere AS MATERIALIZED (WITH points AS (
        SELECT 4 * model + which AS id, which, model, p, j, n, ssw, jointly, false AS closed,
            CASE which WHEN 0 THEN x_ WHEN 1 THEN 0.0 ELSE crude END AS point
        FROM fitted, (
            SELECT unnest(CASE WHEN _pool_is_likelihood(method) THEN [0, 1] WHEN method = 'sj' THEN [1, 2] ELSE [1] END)
                AS which
        )
        WHERE identified AND regular AND vmax + point > 0 AND (NOT own_v OR (vmax + point <= 1e8 * (vmin + point)))
    ),
    statistics AS (FROM _pool_toward_at('points', 'standard'))
    SELECT model, which, point, s1, wr2, trace, trace2, profile
    FROM _pool_toward_profiles('statistics', (method = 'reml'))),
    uncertain AS MATERIALIZED (WITH beside AS (
        SELECT f.*, a_s1, a_trace, (2 * ((j - p) + 2 * (tau2_ - a_at) * a_trace + (tau2_ - a_at) * (tau2_ - a_at) * a_trace2))
                AS squares_variance
        FROM fitted AS f LEFT JOIN (
            SELECT model, s1 AS a_s1, trace AS a_trace, trace2 AS a_trace2, point AS a_at FROM elsewhere
            WHERE which = CASE WHEN method = 'sj' THEN 2 ELSE 1 END
        ) USING (model)
    ),
    joint AS (
        SELECT *, (n - j) / (sigma2_ * sigma2_) AS within,
            CASE WHEN (method = 'reml') THEN trace ELSE s1 END / scale AS one,
            CASE WHEN (method = 'reml') THEN trace2 ELSE s2 END / (scale * scale) AS two,
            CASE WHEN (method = 'reml') THEN j - p ELSE j END AS of_groups
        FROM (WITH "known" AS (SELECT *, NULL::DOUBLE AS error2, 0.0 AS bias FROM beside),
        "reml" AS (
            SELECT *, 2 / trace2 AS error2, 0.0 AS bias
            FROM beside
        ),
        "ml" AS (
            SELECT *, 2 / s2 AS error2, (s1 - trace) / s2 AS bias
            FROM beside
        ),
        "dl" AS (
            SELECT *, squares_variance / (a_trace * a_trace) AS error2, 0.0 AS bias
            FROM beside
        ),
        "he" AS (
            SELECT *,
                2
                * (j * v2 - 2 * (v2 + v2zz) + (v1 * v1 + 2 * vz * vz + vzz * vzz)
                + 2 * tau2_ * (j * v1 - (v1 + vzz)) + tau2_ * tau2_ * (j - p)) / ((j - p) * (j - p)) AS error2,
                0.0 AS bias
            FROM beside
        ),
        "hs" AS (
            SELECT *, squares_variance / (a_s1 * a_s1) AS error2, 0.0 AS bias
            FROM beside
        ),
        "sj" AS (
            SELECT *, squares_variance * (crude / (j - p)) * (crude / (j - p)) AS error2, 0.0 AS bias
            FROM beside
        ),
        "pm" AS (
            SELECT *,
                2 * j * j / ((j - p) * s1 * s1) AS error2,
                -2 * (j * s2 - s1 * s1) / (s1 * s1 * s1) AS bias
            FROM beside
        ),
        "eb" AS (FROM "pm")
        FROM query_table(method))
    ),
    informed AS (
        SELECT *, ((one - tau2_ * two) / sigma2_) AS ts,
            ((of_groups - 2 * tau2_ * one + tau2_ * tau2_ * two) / (sigma2_ * sigma2_)) AS ss
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
    FROM informed),
    inferred AS (WITH closed_forms AS MATERIALIZED (WITH beside AS (
            SELECT f.*, j - p AS df, CASE WHEN on_rows THEN n - j ELSE 'infinity'::DOUBLE END AS df2,
                CASE WHEN j > p AND df2 > 0 THEN _pool_finite(q_ / CASE WHEN jointly THEN pooled ELSE 1.0 END) END AS q,
                CASE WHEN known AND regular AND j > p
                    THEN CASE WHEN vmax = 0 THEN 0.0 ELSE pool_typical_variance(j - p, trace_0 / scale) END END AS typical,
                profile_0, profile_at_best, wr2 / scale AS squares,
                logs + j * ln(scale) + wr2 / scale + CASE WHEN (method = 'reml')
                    THEN log_information - p * ln(scale) ELSE 0.0 END AS deviance_of_means
            FROM uncertain AS f LEFT JOIN (
                SELECT model, wr2 AS q_, trace AS trace_0, profile AS profile_0 FROM elsewhere WHERE which = 1
            ) USING (model) LEFT JOIN (
                SELECT model, profile AS profile_at_best FROM elsewhere WHERE which = 0
            ) USING (model)
        )
        SELECT *,
            CASE WHEN known THEN CASE
                WHEN NOT on_rows THEN deviance_of_means - CASE WHEN (method = 'reml') THEN p * ln(j) ELSE 0.0 END
                WHEN sigma2_ > 0 THEN deviance_of_means + (n - j) * ln(sigma2_) + ssw / sigma2_ + logs_of_w
                    - CASE WHEN p = 2 AND (method = 'reml') THEN 2 * ln(per_x) ELSE 0.0 END
            END END AS deviance,
            CASE WHEN on_rows THEN n ELSE j END - CASE WHEN (method = 'reml') THEN p ELSE 0.0 END AS numbers,
            _pool_finite(CASE test
                WHEN 'knha' THEN pool_knapp_hartung(1.0, squares, NULLIF(df, 0.0))
                WHEN 'adhoc' THEN pool_knapp_hartung_at_least(1.0, squares, NULLIF(df, 0.0))
                ELSE 1.0
            END) AS by_spread,
            CASE WHEN slope_variance > 0
                THEN slope_ * slope_ / (slope_variance * by_spread * by_spread) END AS qm
        FROM beside),
        required AS (SELECT 8 * model + which AS id, CASE which WHEN 1 THEN 0.5 ELSE df / 2 END AS a,
            CASE WHEN which <> 1 THEN df2 / 2 WHEN test = 'z' THEN 'infinity'::DOUBLE ELSE df / 2 END AS b,
            CASE which WHEN 0 THEN ln(q / df) WHEN 1 THEN ln(qm) END AS w,
            CASE which WHEN 4 THEN (1 + _pool_number(level)) / 2 WHEN 5 THEN (1 - _pool_number(level)) / 2 END AS p,
            NULL::DOUBLE AS z
        FROM (
            SELECT model, df, df2, q, qm, unnest([0, 1, 4, 5]) AS which, method <> 'known' AND known AND vmax > 0 AND df > 0
                AND (NOT own_v OR (vmax + 0.0 <= 1e8 * (vmin + 0.0)))
                AND NOT (_pool_is_likelihood(method) AND coalesce(limits::VARCHAR = 'profile', jointly)) AS by_q
            FROM closed_forms WHERE p = 2
        )
        WHERE CASE which
            WHEN 0 THEN q > 0
            WHEN 1 THEN qm > 0 AND isfinite(qm) AND (test = 'z' OR df > 0)
            ELSE by_q AND df2 > 0
        END),
        tails AS MATERIALIZED (FROM _pool_tails_and_quantiles('required')),
        ends AS (WITH points AS MATERIALIZED (WITH models AS (
                SELECT model, p, j, n, ssw, jointly, joint_df, x_, plain_squares,
                    CASE WHEN jointly THEN pooled ELSE 1.0 END AS mean_square,
                    CASE WHEN jointly THEN 1 / wmax ELSE vmax END AS far, profile_at_best
                FROM closed_forms WHERE p = 2 AND known AND df > 0 AND vmax > 0
            ),
            by_q AS (
                SELECT 2 * model + is_lower AS search, i, model, p, j, n, ssw, jointly, joint_df,
                    (j - p) * ratio * mean_square AS expected, NULL::DOUBLE AS target, 1.0::DOUBLE AS side,
                    CASE WHEN i = 0 THEN 0.0 WHEN plain_squares = 0 THEN 1.0 ELSE 1.001 * plain_squares / expected END AS point
                FROM models JOIN (
                    SELECT id // 8 AS model, (id % 8 = 4)::BIGINT AS is_lower, exp(result) AS ratio
                    FROM tails WHERE id % 8 >= 4
                ) USING (model), (SELECT unnest([0, 1]) AS i)
            ),
            by_profile AS (
                SELECT 2 * model + (i < 2)::BIGINT AS search, i, model, p, j, n, ssw, jointly, joint_df,
                    NULL::DOUBLE AS expected, profile_at_best + _pool_quantile * _pool_quantile AS target,
                    CASE WHEN i < 2 THEN -1.0 ELSE 1.0 END::DOUBLE AS side,
                    CASE WHEN i = 0 THEN 0.0 WHEN i <= 2 THEN x_
                        ELSE CASE WHEN x_ > 0 THEN x_ ELSE far END * 4.0 ** (i - 2) END AS point
                FROM models, _pool_quantile_of(level), (SELECT unnest(range(0, 64)) AS i)
                WHERE coalesce(limits::VARCHAR = 'profile', jointly) AND (i <> 1 OR x_ > 0)
            ),
            either AS (FROM by_q UNION ALL FROM by_profile)
            SELECT *, 1024 * search + i AS id, false AS closed
            FROM query_table(CASE WHEN _pool_is_likelihood(method) THEN 'either' ELSE 'by_q' END)),
        risen AS MATERIALIZED (FROM _pool_toward_risen('points', 'standard', method, false)),
        roots AS (
            SELECT search, min(x) AS x, arg_min(depth, x) AS sigma2_there
            FROM _pool_toward_roots('risen', 'standard', method, false) WHERE done GROUP BY search
        )
        SELECT search // 2 AS model, max(limit_) FILTER (search % 2 = 1) AS lower_,
            max(limit_) FILTER (search % 2 = 0) AS upper_
        FROM (
            SELECT search, x * CASE WHEN NOT jointly THEN 1.0 WHEN by_q THEN pooled ELSE sigma2_there END AS limit_
            FROM roots
                JOIN (SELECT search, any_value(expected) IS NOT NULL AS by_q FROM points GROUP BY search) USING (search)
                JOIN (SELECT model, jointly, pooled FROM closed_forms) ON model = search // 2
        )
        GROUP BY ALL),
        gathered AS (
            SELECT id // 8 AS model, max(result) FILTER (id % 8 = 0) AS q_tail, max(result) FILTER (id % 8 = 1) AS qm_tail
            FROM tails GROUP BY ALL
        ),
        without AS (SELECT pair, tau2_ * unit_ * unit_ AS tau2_without FROM uncertain WHERE p = 1),
        compared AS (
            SELECT *, CASE WHEN q = 0 THEN 1.0 ELSE q_tail END AS q_p,
                CASE WHEN isinf(qm) THEN 0.0 WHEN qm = 0 THEN 1.0 ELSE qm_tail END AS qm_p,
                _pool_finite(pool_log_likelihood(deviance, numbers) - numbers * ln(unit_)) AS log_likelihood,
                CASE WHEN _pool_is_likelihood(method) AND known AND df > 0 AND vmax > 0
                    THEN _pool_finite(pool_likelihood_ratio(profile_0, profile_at_best)) END AS lrt,
                CASE WHEN method <> 'known' AND regular
                    THEN (CASE WHEN tau2_without > 0 THEN CASE WHEN (tau2_ * unit_ * unit_) > tau2_without THEN 0.0 ELSE 100 * (1 - (tau2_ * unit_ * unit_) / tau2_without) END END) END AS r2
            FROM closed_forms LEFT JOIN gathered USING (model) LEFT JOIN ends USING (model) LEFT JOIN without USING (pair)
            WHERE p = 2
        )
        SELECT *, _pool_finite(pool_i2(tau2_, typical)) AS i2, _pool_finite(pool_h2(tau2_, typical)) AS h2,
            sqrt(error2_) * unit_ * unit_ AS se_tau2, _pool_finite(lower_ * unit_ * unit_) AS tau2_lower,
            _pool_finite(upper_ * unit_ * unit_) AS tau2_upper,
            pool_akaike(log_likelihood, p + on_rows::INTEGER + (method <> 'known')::INTEGER) AS aic,
            CASE WHEN lrt IS NOT NULL THEN pool_half_half(lrt, 2 * ((exp((trunc(least(sqrt(lrt), 40.0) * 16e0) * 0.0625e0) * (trunc(least(sqrt(lrt), 40.0) * 16e0) * 0.0625e0) * -0.5e0) * exp(((trunc(least(sqrt(lrt), 40.0) * 16e0) * 0.0625e0) - least(sqrt(lrt), 40.0)) * ((trunc(least(sqrt(lrt), 40.0) * 16e0) * 0.0625e0) + least(sqrt(lrt), 40.0)) * 0.5e0)) * _pool_normal_mills(least(sqrt(lrt), 40.0)))) END AS lrt_p
        FROM compared),
    chosen AS (
        FROM query_table(CASE detail WHEN 'inference' THEN 'inferred' WHEN 'errors' THEN 'uncertain' ELSE 'fitted' END)
        WHERE p = 2
    )
    SELECT c.* EXCLUDE (_pool_model), m._pool_model, coalesce(c.j, 0)::BIGINT AS _pool_number_of_groups,
        CASE WHEN has_n THEN coalesce(c.n, 0)::BIGINT END AS _pool_rows,
        CASE WHEN c.j IS NULL THEN _pool_number(sigma2) ELSE _pool_finite(sigma2_ * unit_ * unit_) END AS _pool_sigma2,
        CASE WHEN c.j IS NULL THEN _pool_number(tau2) ELSE _pool_finite(tau2_ * unit_ * unit_) END AS _pool_tau2,
        coalesce(settled AND known AND regular, false) AS _pool_converged,
        coalesce(tau2_ IS NULL AND identified AND c.j <= 2, false) AS _pool_only,
        level_ + _pool_origin AS _pool_level
    FROM models AS m LEFT JOIN chosen AS c ON m.model = c.pair, (SELECT has_n FROM _pool_request), _pool_origin;

-- Everything from a table to the components of its models, with the name of the predictor.
CREATE OR REPLACE MACRO _pool_toward_pooled(
    tbl, value, "by", unnamed, toward, over, n, var, se, weights, sigma2, tau2, nan, level, test, limits, result, detail
) AS TABLE
    WITH _pool_request AS MATERIALIZED (
        FROM _pool_arguments('_pool_schema', value, "by", unnamed, over, n, var, se, weights, sigma2, 'reml', 'gls',
            nan, level, 'mu', NULL, 'mean', NULL, false, result)
    ),
    _pool_predictor AS MATERIALIZED (FROM _pool_toward_request('_pool_schema', value, toward, tau2)),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(tbl, value, over)),
    _pool_plain AS MATERIALIZED (
        FROM _pool_plain(tbl, value, "by", over, n, var, se, weights, nan,
            more := _pool_toward_ends(value, toward, nan))
    ),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed(tbl, value, "by", over, n, var, se, weights, nan, sigma2, 'reml', 'gls',
            more := _pool_toward_ends(value, toward, nan))
    ),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_groups([n, var, se, weights], '_pool_plain', '_pool_weighed', sigma2)),
    _pool_models AS NOT MATERIALIZED (
        FROM _pool_toward_components('_pool_groups', [n, var, se, weights], sigma2, tau2, (CASE WHEN list_contains(['reml', 'ml', 'dl', 'he', 'hs', 'sj', 'pm', 'eb'], _pool_name(tau2)) THEN _pool_name(tau2) ELSE 'known' END),
            level, test, limits, detail), _pool_predictor
    )
    -- When the macro is created, the binding ends at the CASE, before that of all others.
    FROM query_table(CASE WHEN level IS NULL THEN NULL ELSE '_pool_models' END)
    WHERE (SELECT proper FROM _pool_request) AND (SELECT predictor IS NOT NULL FROM _pool_predictor)
        AND (SELECT proper FROM _pool_valid_inference(test, limits, tau2, 'gls'));

-- ---------------------------------------------------------------------------------------------------------------------
-- One row per group: pulled toward what its predictor says.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- One row per model and term: the coefficients with their errors and tests.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- The verbs beside one predictor of groups.
-- ---------------------------------------------------------------------------------------------------------------------

-- Partially pooled means that are pulled toward what a predictor of the groups says: weight * mean + (1 - weight) *
-- fit, fit = intercept + slope * toward. Several predictors and factors need Python.
CREATE OR REPLACE MACRO pool_shrink_toward(
    tbl, value, "by", toward, _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL,
    se := NULL, weights := NULL, sigma2 := 'pooled', tau2 := 'reml', nan := 'error', level := 0.95,
    uncertainty := 'mu', predict := 'mean', threshold := NULL
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_arguments('_pool_schema', value, "by", _pool_unnamed, over, n, var, se, weights, sigma2,
            'reml', 'gls', nan, level, uncertainty, NULL, predict, threshold, true,
            ['n', 'mean', 'v', 'weight', 'estimate', 'se', 'lower', 'upper', 'p_above', 'fit', 'se_fit'])
    ),
    _pool_predictor AS MATERIALIZED (FROM _pool_toward_request('_pool_schema', value, toward, tau2)),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(_pool_read(tbl), value, over)),
    _pool_plain AS MATERIALIZED (
        FROM _pool_plain(_pool_read(tbl), value, "by", over, n, var, se, weights, nan,
            more := _pool_toward_ends(value, toward, nan))
    ),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed(_pool_read(tbl), value, "by", over, n, var, se, weights, nan, sigma2, 'reml', 'gls',
            more := _pool_toward_ends(value, toward, nan))
    ),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_groups([n, var, se, weights], '_pool_plain', '_pool_weighed', sigma2)),
    _pool_fitted AS MATERIALIZED (
        FROM _pool_toward_components('_pool_groups', [n, var, se, weights], sigma2, tau2, (CASE WHEN list_contains(['reml', 'ml', 'dl', 'he', 'hs', 'sj', 'pm', 'eb'], _pool_name(tau2)) THEN _pool_name(tau2) ELSE 'known' END),
            level, 'z', NULL,
            CASE WHEN uncertainty = 'tau2' AND _pool_name(tau2) <> '' THEN 'errors' ELSE 'estimates' END)
    ),
    _pool_shrunk AS NOT MATERIALIZED (
        SELECT *, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_sampling AS v, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se,
            pool_lower(_pool_estimate, _pool_se, _pool_quantile) AS lower,
            pool_upper(_pool_estimate, _pool_se, _pool_quantile) AS upper
        FROM (WITH fits AS NOT MATERIALIZED (
            SELECT g.* EXCLUDE (_pool_key_more), _pool_level + slope_ * (_pool_key_more.least - centre) AS _pool_mu,
                sqrt(level_variance + slope_variance * (_pool_key_more.least - centre) ** 2) AS _pool_se_mu
            FROM _pool_groups AS g, (
                SELECT _pool_model AS _pool_of_model, _pool_level, slope_, centre, level_variance, slope_variance
                FROM _pool_fitted
            )
            WHERE _pool_same(_pool_of_model, g._pool_model)
        ),
        variances AS MATERIALIZED (
            SELECT COLUMNS('^_pool_(model|sigma2|tau2|error|correction)$'), df_prior AS _pool_df_prior,
                sigma2_prior AS _pool_sigma2_prior, CASE WHEN _pool_only THEN 1 ELSE 2 END AS _pool_groups
            FROM _pool_fitted
        )
        FROM _pool_estimates('fits', 'variances', sigma2, tau2, 'gls', uncertainty, predict)),
            _pool_quantile_of(level)
    ),
    _pool_without_threshold AS NOT MATERIALIZED (SELECT *, _pool_mu AS fit, _pool_se_mu AS se_fit FROM _pool_shrunk),
    _pool_with_threshold AS NOT MATERIALIZED (
        SELECT *, _pool_normal_cdf_double(_pool_z) AS p_above, _pool_mu AS fit, _pool_se_mu AS se_fit
        FROM (
            SELECT *, pool_standardised(_pool_estimate, _pool_se, _pool_number(threshold)) AS _pool_z FROM _pool_shrunk
        )
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c))
    FROM query_table(
        CASE WHEN _pool_absent(threshold) THEN '_pool_without_threshold' ELSE '_pool_with_threshold' END)
    WHERE (SELECT proper FROM _pool_request) AND (SELECT predictor IS NOT NULL FROM _pool_predictor);

-- The variances and the fit of every model beside one predictor of its groups: tau2 is what the predictor leaves, r2
-- the percentage of tau2 that it explains, qm the statistic of its test, and q that of the residual heterogeneity.
CREATE OR REPLACE MACRO pool_components_toward(
    tbl, value, "by", toward, _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL,
    se := NULL, weights := NULL, sigma2 := 'pooled', tau2 := 'reml', nan := 'error', level := 0.95, test := 'z',
    limits := NULL
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_components_toward())
        UNION ALL
        SELECT unnest(_pool_model), _pool_number_of_groups, _pool_rows, _pool_sigma2, _pool_tau2,
            pool_icc(_pool_tau2, _pool_sigma2), df_prior, sigma2_prior, q, q_p, i2, h2, se_tau2, tau2_lower, tau2_upper,
            log_likelihood, aic, lrt, lrt_p, _pool_finite(qm), qm_p, r2, _pool_converged
        FROM _pool_toward_pooled(_pool_read(tbl), value, "by", _pool_unnamed, toward, over, n, var, se, weights, sigma2,
            tau2, nan, level, test, limits, ['groups', 'n', 'sigma2', 'tau2', 'icc', 'df_prior', 'sigma2_prior', 'q', 'q_p', 'i2', 'h2', 'se_tau2',
                'tau2_lower', 'tau2_upper', 'log_likelihood', 'aic', 'lrt', 'lrt_p', 'qm', 'qm_p', 'r2', 'converged'], 'inference')
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named;

-- The coefficients of a predictor of groups, one row per model and term, with their intervals and tests.
CREATE OR REPLACE MACRO pool_coefficients(
    tbl, value, "by", toward, _pool_unnamed := NULL, over := {'_pool_absent': true}, n := NULL, var := NULL,
    se := NULL, weights := NULL, sigma2 := 'pooled', tau2 := 'reml', nan := 'error', level := 0.95, test := 'z'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_fitted AS MATERIALIZED (
        FROM _pool_toward_pooled(_pool_read(tbl), value, "by", _pool_unnamed, toward, over, n, var, se, weights, sigma2,
            tau2, nan, level, test, NULL, ['term', 'estimate', 'se', 'statistic', 'df', 'lower', 'upper', 'p'], 'coefficients')
    ),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (FROM _pool_empty_coefficients())
        UNION ALL
        SELECT unnest(_pool_model), CASE place WHEN 1 THEN 'intercept' ELSE predictor END, estimate_, se_, statistic_,
            df, pool_lower(estimate_, se_, reach), pool_upper(estimate_, se_, reach), tail_
        FROM (WITH errors AS (
            SELECT *, CASE WHEN test <> 'z' AND j > p THEN j - p END AS df,
                CASE test
                    WHEN 'knha' THEN pool_knapp_hartung(1.0, wr2 / scale, df)
                    WHEN 'adhoc' THEN pool_knapp_hartung_at_least(1.0, coalesce(_pool_finite(wr2), 0.0) / scale, df)
                    ELSE 1.0
                END AS by_spread
            FROM _pool_fitted
        ),
        terms AS MATERIALIZED (
            SELECT model, _pool_model, predictor, df, test = 'z' OR df > 0 AS tested, unnest([1, 2]) AS place,
                unnest([_pool_level - slope_ * centre, slope_]) AS estimate_, _pool_finite(unnest([
                    sqrt(level_variance + slope_variance * centre * centre), sqrt(slope_variance)]) * by_spread) AS se_,
                CASE WHEN se_ > 0 OR estimate_ <> 0 THEN pool_statistic(estimate_, se_) END AS statistic_
            FROM errors
        ),
        required AS (
            SELECT 4 * model + which AS id, 0.5 AS a, coalesce(df / 2, 'infinity'::DOUBLE) AS b,
                CASE WHEN which > 0 THEN 2 * ln(abs(statistic_)) END AS w,
                CASE WHEN which = 0 THEN _pool_number(level) END AS p, NULL::DOUBLE AS z
            FROM terms, (SELECT unnest([0, 1, 2]) AS which)
            WHERE tested AND CASE which WHEN 0 THEN place = 1 ELSE which = place AND abs(statistic_) > 0
                AND isfinite(statistic_) END
        ),
        tails AS MATERIALIZED (FROM _pool_tails_and_quantiles('required'))
        SELECT t.*, CASE WHEN se_ = 0 THEN 0.0 ELSE exp(q.result / 2) END AS reach,
            CASE WHEN isinf(statistic_) THEN 0.0 WHEN statistic_ = 0 AND tested THEN 1.0 ELSE tail.result END AS tail_
        FROM terms AS t LEFT JOIN tails AS q ON q.id = 4 * model LEFT JOIN tails AS tail ON tail.id = 4 * model + place)
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named;

-- ---------------------------------------------------------------------------------------------------------------------
-- The request for rates or counts: arguments that do not fit. `family` is 'rates' or 'counts'.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row: true or an error about the arguments, whether there is one model, and the names of the two columns.
CREATE OR REPLACE MACRO _pool_rate_arguments(
    schema, value, base, "by", unnamed, over, prior, nan, level, threshold, posterior, limits, uncertainty,
    by_is_shown, family,
    result
) AS TABLE
    WITH _pool_names AS (
        SELECT [struct_keys(_pool_of_by), struct_keys(_pool_of_over), struct_keys(_pool_of_unnamed),
            struct_keys(_pool_of_value), struct_keys(_pool_of_base)] AS names
        FROM (SELECT "by" FROM query_table(schema)) AS _pool_of_by
            POSITIONAL JOIN (SELECT over FROM query_table(schema)) AS _pool_of_over
            POSITIONAL JOIN (SELECT unnamed FROM query_table(schema)) AS _pool_of_unnamed
            POSITIONAL JOIN (SELECT value FROM query_table(schema)) AS _pool_of_value
            POSITIONAL JOIN (SELECT base FROM query_table(schema)) AS _pool_of_base
    ),
    _pool_listed_arguments AS (
        SELECT NULL, _pool_column("by"), NULL, _pool_column(over), NULL, _pool_column(unnamed),
            NULL, _pool_column(value), NULL, _pool_column(base)
        FROM query_table(schema)
    ),
    columns AS (
        SELECT no_over, list_transform(described[4:], lambda _role: _role.names[1]) AS column_names, coalesce(
            wrong_keys,
            _pool_wrong_type(['value', CASE WHEN family = 'rates' THEN 'trials' ELSE 'exposure' END], described[4:])
        ) AS complaint
        FROM _pool_keys_of(schema, "by", unnamed, over, '_pool_names', '_pool_listed_arguments', by_is_shown, result)
    ),
    methods AS (
        SELECT * REPLACE (coalesce(
            complaint,
            (CASE
                WHEN list_contains(['ml', 'moments'], _pool_name(prior)) THEN NULL
                WHEN _pool_prior_name(prior) = (CASE WHEN family = 'rates' THEN 'beta' ELSE 'gamma' END) OR contains(_pool_name(prior), '(')
                    THEN _pool_wrong_prior_of('prior', [(CASE WHEN family = 'rates' THEN 'beta' ELSE 'gamma' END)], prior)
                ELSE format('{}={}; give {}, or one of {}{}', 'prior', _pool_shown(prior), ('a known prior, ' || ((CASE WHEN family = 'rates' THEN 'beta' ELSE 'gamma' END) || '(' || array_to_string(_pool_prior_arguments((CASE WHEN family = 'rates' THEN 'beta' ELSE 'gamma' END)), ', ') || ')')), _pool_listed(['ml', 'moments']), _pool_nearest(_pool_name(prior), ['ml', 'moments']))
            END),
            _pool_wrong_name('nan', coalesce(nan::VARCHAR, 'NULL'), ['error', 'null']),
            _pool_wrong_level(level),
            coalesce(
                _pool_wrong_name('uncertainty', uncertainty, ['mu', 'conditional', 'tau2']),
                CASE WHEN uncertainty = 'tau2'
                    THEN format('uncertainty=''tau2'' does not go with {}=: rates have an overdispersion and no tau2; give '
                        || '''mu'' or ''conditional''',
                        (CASE WHEN family = 'rates' THEN 'trials' ELSE 'exposure' END)) END
            ),
            _pool_wrong_threshold(threshold),
            (CASE WHEN typeof(posterior) <> 'BOOLEAN' OR posterior IS NULL
                THEN 'posterior' || '=' || _pool_shown(posterior) || '; give true or false' END),
            (CASE WHEN typeof(limits) <> 'BOOLEAN' OR limits IS NULL
                THEN 'limits' || '=' || _pool_shown(limits) || '; give true or false' END)
        ) AS complaint)
        FROM columns
    )
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper, no_over,
        CASE WHEN complaint IS NULL THEN column_names ELSE error(complaint) END AS column_names
    FROM query_table(CASE
        WHEN (list_contains(['ml', 'moments'], _pool_name(prior)) AND list_contains(['error', 'null'], nan)
        AND _pool_is_level(level)
        AND _pool_absent(threshold) AND uncertainty IN ('mu', 'conditional')
        AND typeof(posterior) = 'BOOLEAN' AND posterior IS NOT NULL AND typeof(limits) = 'BOOLEAN' AND limits IS NOT NULL) THEN 'columns'
        ELSE 'methods'
    END);

-- ---------------------------------------------------------------------------------------------------------------------
-- Data that are an error for rates and counts.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- Rates and counts, rows to models: x of n trials, or x events in an exposure n.
--
-- A group is known by x and n, so groups are grouped once more by both.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per group: its keys, the keys of its model under private names and as one struct, and sums of x and n. A row
-- without x or n does not count.
CREATE OR REPLACE MACRO _pool_rate_groups(tbl, value, base, "by", over, nan, family) AS TABLE
    SELECT * REPLACE (coalesce(_pool_x, 0.0) AS _pool_x, coalesce(_pool_n, 0.0) AS _pool_n),
        struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT over, "by", over AS _pool_over, sum((CASE WHEN _pool_value(base, nan) IS NOT NULL THEN _pool_value(value, nan) END)) AS _pool_x,
            sum((CASE
                WHEN _pool_value(value, nan) >= 0 AND _pool_value(base, nan) > 0 AND _pool_value(base, nan) < 'infinity'::DOUBLE AND floor(_pool_value(value, nan)) = _pool_value(value, nan)
                    AND CASE WHEN family = 'rates' THEN _pool_value(value, nan) <= _pool_value(base, nan) AND floor(_pool_value(base, nan)) = _pool_value(base, nan) ELSE _pool_value(value, nan) < 'infinity'::DOUBLE END THEN _pool_value(base, nan)
                WHEN _pool_value(value, nan) IS NOT NULL AND _pool_value(base, nan) IS NOT NULL THEN coalesce((-(2.0::DOUBLE ** (1020 - 50 * (CASE
                    WHEN NOT isfinite(_pool_value(value, nan)) THEN 1
                    WHEN NOT isfinite(_pool_value(base, nan)) THEN 2
                    WHEN _pool_value(value, nan) < 0 OR floor(_pool_value(value, nan)) <> _pool_value(value, nan) THEN 3
                    WHEN _pool_value(base, nan) < 0 OR CASE WHEN family = 'rates' THEN floor(_pool_value(base, nan)) <> _pool_value(base, nan) ELSE _pool_value(base, nan) = 0 END THEN 4
                    WHEN family = 'rates' AND _pool_value(value, nan) > _pool_value(base, nan) THEN 5
                END)))), _pool_value(base, nan))
            END)) AS _pool_n
        FROM query_table(tbl)
        GROUP BY ALL
    );

-- Groups of equal x and n in one row, with their number k.
CREATE OR REPLACE MACRO _pool_rate_pairs(groups) AS TABLE
    SELECT x, n, k, struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT COLUMNS('^_pool_over'), _pool_x AS x, _pool_n AS n, count(*)::DOUBLE AS k
        FROM query_table(groups)
        GROUP BY ALL
    );

-- ---------------------------------------------------------------------------------------------------------------------
-- Models of rates before the search: their sums, and how the prior is estimated.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- The likelihood of rates with a beta distribution (Skellam 1948), and of counts whose rates have a gamma one (Fisher
-- 1941).
--
-- It is a sum over the different x, n - x and n (of counts x and n), and each step of its search costs as many terms.
-- The prior has a mean and a size: alpha + beta, or the shape. At an infinite size groups are binomial, or Poisson; the
-- difference from that limit is computed as a small number, so that a maximum far out keeps its digits.
--
-- With more than 10,000 trials, or events, the terms are far larger than their sum. There only the part of log Gamma
-- beyond z log z - z is summed by x, n - x and n. The logs are combined pair by pair, as deviances of x, n - x, alpha
-- and beta from their expectation under one rate for all of them (Loader 2000).
-- ---------------------------------------------------------------------------------------------------------------------

-- log(1 + t) - t without the cancellation at small t: a column.
CREATE OR REPLACE MACRO _pool_log1p_rest(t) AS
    CASE
        WHEN abs(t) < 0.0625 THEN -t * t * (1 / 2 - t * (1 / 3 - t * (1 / 4 - t * (1 / 5 - t * (1 / 6 - t * (1 / 7
            - t * (1 / 8 - t * (1 / 9 - t * (1 / 10 - t * (1 / 11 - t * (1 / 12 - t * (1 / 13 - t * (1 / 14
            - t * (1 / 15 - t / 16))))))))))))))
        ELSE ln(1 + t) - t
    END;

-- Stirling's series of log gamma without its logs, and the series of its derivatives by a (minus the first one), at
-- z = 1 / a, q = 1 / a^2 (Abramowitz & Stegun 6.1.41, 6.3.18, 6.4.12). numerics/rising.py has the same coefficients,
-- for arrays; they are written twice because a sum over powers is a loop there and one expression here. A test compares
-- both.
CREATE OR REPLACE MACRO _pool_stirling_rest(z, q) AS
    z * (1 / 12 - q * (1 / 360 - q * (1 / 1260 - q * (1 / 1680 - q * (1 / 1188 - q * (691 / 360360))))));
CREATE OR REPLACE MACRO _pool_stirling_slope(q) AS
    q * (1 / 12 - q * (1 / 120 - q * (1 / 252 - q * (1 / 240 - q * (1 / 132 - q * (691 / 32760))))));
CREATE OR REPLACE MACRO _pool_stirling_bend(z, q) AS
    z * q * (1 / 6 - q * (1 / 30 - q * (1 / 42 - q * (1 / 30 - q * (5 / 66 - q * (691 / 2730))))));

-- log Gamma(z) less (z - 1/2) log z - z + log(2 pi) / 2, and the derivatives of this difference. The derivatives come
-- from the series at y = z, or at y = z + 15 by the recurrence; q = 1 / y^2.
CREATE OR REPLACE MACRO _pool_log_gamma_rest(z, q) AS
    CASE WHEN z > 15 THEN _pool_stirling_rest(1 / z, q)
        ELSE lgamma(z) - (z - 0.5) * ln(z) + z - 0.5 * ln(6.283185307179586) END;
CREATE OR REPLACE MACRO _pool_digamma_rest(z, y, q) AS
    CASE WHEN y = z THEN 0.0
        ELSE ln(y / z) - 0.5 / y + 0.5 / z - list_sum(list_transform(range(15), lambda i: 1 / (z + i))) END
        - _pool_stirling_slope(q);
CREATE OR REPLACE MACRO _pool_trigamma_rest(z, y, q) AS
    CASE WHEN y = z THEN 0.0
        ELSE list_sum(list_transform(range(15), lambda i: 1 / ((z + i) * (z + i))))
            + (1 + 0.5 / y) / y - (1 + 0.5 / z) / z END
        + _pool_stirling_bend(1 / y, q);

-- The pairs with many trials, or events. Rates have two rows per pair: m is x, then n - x. Columns: m less its
-- expectation under the pooled rate, how far the log likelihood at that rate lies below its maximum, and its part
-- without logs.
CREATE OR REPLACE MACRO _pool_rates_many(numbered, models, family) AS TABLE
    WITH pairs AS (
        SELECT model, x, n, k, pi, _pool_rate_excess(x, n, pi) AS over
        FROM query_table(numbered) JOIN (SELECT model, pi FROM query_table(models)) USING (model)
        WHERE (CASE WHEN family = 'rates' THEN n ELSE x END > 1e4)
    ),
    sides AS (
        SELECT model, n, k, unnest([1.0, -1.0]::DOUBLE[]) AS side, unnest([n * pi, n * (1 - pi)]) AS expected,
            unnest([x, n - x]) AS m, unnest([over, -over]) AS over
        FROM pairs
    ),
    changed AS (SELECT *, over / expected AS t FROM sides WHERE family = 'rates' OR side > 0)
    SELECT model, n, k, side, m, over, CASE WHEN expected > 0 THEN (expected * CASE WHEN abs(t) < 0.0625 THEN t * t + (1 + t) * _pool_log1p_rest(t)
        WHEN t > -1 THEN (1 + t) * ln(1 + t) - t
        ELSE 1.0 END) ELSE 0.0 END
            AS deviance,
        CASE WHEN side > 0 AND family = 'rates' THEN (CASE WHEN n > 0 THEN 0.5 * ln(6.283185307179586 * n) + _pool_log_gamma_rest(n, 1 / (n * n)) ELSE 0.0 END) ELSE 0.0 END - (CASE WHEN m > 0 THEN 0.5 * ln(6.283185307179586 * m) + _pool_log_gamma_rest(m, 1 / (m * m)) ELSE 0.0 END)
            AS rest
    FROM changed;

-- ---------------------------------------------------------------------------------------------------------------------
-- The search for the maximum of the likelihood of rates and counts.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------------------------------
-- One row per model of rates or counts: the prior and its error.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per model: the prior, its errors and the log likelihood.
CREATE OR REPLACE MACRO _pool_rate_components(pairs, prior, family) AS TABLE
    WITH sound AS MATERIALIZED (WITH totals AS (SELECT sum(k * n) AS total FROM query_table(pairs) WHERE n < 0),
    faults AS (SELECT total, ceil((1020 - log2(-total)) / 50) AS fault FROM totals),
    counted AS (SELECT fault, round(total / (-(2.0::DOUBLE ** (1020 - 50 * fault)))) AS bad FROM faults)
    SELECT CASE WHEN fault IS NULL THEN true ELSE error((CASE
        WHEN fault = 1
            THEN format('{} is NaN or infinite in {}: remove them, or count them as missing with nan=''null''',
                _pool_column_of_role('value', column_names[1]), _pool_number_of_rows(bad))
        WHEN fault = 2 THEN format('{} is NaN or infinite in {}: remove them, or count them as missing with nan=''null''',
            _pool_column_of_role(CASE WHEN family = 'rates' THEN 'trials' ELSE 'exposure' END, column_names[2]), _pool_number_of_rows(bad))
        WHEN fault = 3 THEN format('{} is negative or fractional in {}: a count is a whole number of 0 or more', _pool_column_of_role('value', column_names[1]), _pool_number_of_rows(bad))
        WHEN fault = 4 AND family = 'rates'
            THEN format('{} is negative or fractional in {}: trials are a whole number of 0 or more', _pool_column_of_role('trials', column_names[2]), _pool_number_of_rows(bad))
        WHEN fault = 4
            THEN format('{} is 0 or negative in {}: an exposure is a number above 0', _pool_column_of_role('exposure', column_names[2]), _pool_number_of_rows(bad))
        ELSE format('{} exceeds {} in {}: there are no more events than trials', _pool_column_of_role('value', column_names[1]), _pool_column_of_role('trials', column_names[2]), _pool_number_of_rows(bad))
    END)) END AS sound
    FROM counted, _pool_request),
    models AS MATERIALIZED (WITH counted AS (
        SELECT _pool_model, sum(CASE WHEN n > 0 THEN k ELSE 0.0 END) AS j, sum(k * x) AS xs, sum(k * n) AS ns,
            true AS present
        FROM query_table(pairs)
        GROUP BY _pool_model
    )
    SELECT row_number() OVER () AS model, _pool_model, coalesce(j, 0.0) AS j, coalesce(xs, 0.0) AS xs,
        coalesce(ns, 0.0) AS ns, CASE WHEN ns > 0 THEN xs / ns END AS pi
    FROM (SELECT no_over FROM sound, _pool_request WHERE sound) LEFT JOIN counted ON true
    WHERE no_over OR present),
    numbered AS MATERIALIZED (SELECT model, x, n, k, p._pool_model
    FROM query_table(pairs) AS p, models AS m
    WHERE _pool_same(m._pool_model, p._pool_model)),
    known AS MATERIALIZED (WITH deviations AS (
        SELECT *, _pool_rate_excess(x, n, pi) AS over, CASE WHEN (CASE WHEN family = 'rates' THEN n ELSE x END > 1e4) THEN 0.0 ELSE k END AS few
        FROM numbered JOIN (SELECT model, pi FROM models) USING (model)
        WHERE n > 0
    ),
    spread AS (
        SELECT model, fsum(k * over * over) AS squares, fsum(k * over * over / n) AS shares, sum(k * n * n) AS n2,
            sum(CASE WHEN x = n THEN k ELSE 0.0 END) AS whole, sum(CASE WHEN x = 0 THEN k ELSE 0.0 END) AS none,
            sum(few * x) AS few_xs, sum(few * n) AS few_ns, fsum(few * over) AS few_over,
            fsum(few * CASE WHEN family = 'rates' THEN lgamma(n + 1) - lgamma(x + 1) - lgamma(n - x + 1)
                ELSE -lgamma(x + 1) END) AS constant,
            fsum(CASE WHEN family = 'counts' THEN few * x * ln(n) ELSE 0.0 END) AS of_exposure
        FROM deviations
        GROUP BY model
    ),
    noise AS (
        SELECT *, CASE WHEN family = 'rates' THEN pi * (1 - pi) ELSE pi END AS pq,
            CASE WHEN family = 'rates' THEN ((shares - pi * (1 - pi::DOUBLE) * (j - 1)) / (pi * (1 - pi::DOUBLE) * ((ns - n2 / ns)::DOUBLE - (j - 1))))
                ELSE ((shares - (j - 1)::DOUBLE * pi) / (pi::DOUBLE * pi * (ns - n2 / ns))) END AS overdispersion,
            (CASE WHEN _pool_prior_name(prior) IN ('beta', 'gamma') THEN _pool_prior_numbers(prior)[1] END) AS known_a, (CASE WHEN _pool_prior_name(prior) IN ('beta', 'gamma') THEN _pool_prior_numbers(prior)[2] END) AS known_b
        FROM models LEFT JOIN spread USING (model)
    )
    SELECT * EXCLUDE (squares, shares, n2, pq, overdispersion), squares > pq * ns * (1 + 1e-12) AS differ,
        CASE
            WHEN known_a IS NOT NULL THEN 'known'
            WHEN j = 0 THEN 'nothing'
            WHEN pq = 0 OR j = 1 OR family = 'rates' AND n2 = ns THEN 'pooled'
            WHEN _pool_name(prior) = 'moments' THEN CASE
                WHEN overdispersion > 1e-12 AND (overdispersion < 1 OR family = 'counts') THEN 'moments'
                WHEN overdispersion > 1e-12 THEN 'split'
                ELSE 'pooled' END
            WHEN family = 'rates' AND whole + none = j THEN 'split'
            ELSE 'searched'
        END AS way,
        CASE
            WHEN overdispersion <= 1e-12 THEN 'infinity'::DOUBLE
            WHEN family = 'rates' THEN greatest((1 - overdispersion) / overdispersion, 0.0)
            ELSE 1 / overdispersion
        END AS size_of_moments
    FROM noise),
    counted AS (
        SELECT model, kind, m, sum(k) AS k, sum(few) AS few
        FROM (
            SELECT model, k, CASE WHEN (CASE WHEN family = 'rates' THEN n ELSE x END > 1e4) THEN 0.0 ELSE k END AS few,
                unnest([1, 2, 3]) AS kind, unnest([x, n - x, n]) AS m
            FROM numbered
            WHERE n > 0
        )
        WHERE m > CASE WHEN few = 0 THEN 0 ELSE 1 END AND (family = 'rates' OR kind = 1)
        GROUP BY ALL
    ),
    classes AS MATERIALIZED (
        FROM counted
        UNION ALL
        SELECT model, kind, 0, -sum(k), 0 FROM counted GROUP BY model, kind
    ),
    exposures AS MATERIALIZED (
        SELECT model, n, sum(k) AS k, sum(k * x) AS xs
        FROM numbered
        WHERE n > 0 AND family = 'counts' AND NOT (CASE WHEN family = 'rates' THEN n ELSE x END > 1e4)
        GROUP BY ALL
    ),
    many AS MATERIALIZED (FROM _pool_rates_many('numbered', 'models', family)),
    alone AS (SELECT model, fsum(k * (rest - deviance)) AS alone FROM many GROUP BY model),
    starts AS MATERIALIZED (WITH sizes AS (
        SELECT model, pi, unnest(range(9)) AS point,
            CASE WHEN point = 0 THEN least(greatest(size_of_moments, 0.1), 1e6) ELSE pow(10, point - 2) END AS size
        FROM known
        WHERE way = 'searched'
    ),
    means AS (
        SELECT model, point, sum(k * x / (n + lag)) / sum(k * n / (n + lag)) AS mean
        FROM (SELECT model, point, size / CASE WHEN family = 'rates' THEN 1.0 ELSE pi END AS lag FROM sizes)
            JOIN numbered USING (model)
        WHERE n > 0
        GROUP BY ALL
    )
    SELECT model, point, ln(size) AS v,
        ln(mean / pi * CASE WHEN family = 'rates' THEN (1 - pi) / (1 - mean) ELSE 1.0 END) AS u
    FROM sizes JOIN means USING (model, point)),
    fitted AS MATERIALIZED (WITH RECURSIVE _pool_rates_search AS (
            SELECT 0 AS step, CASE WHEN way = 'searched' THEN 'starting' ELSE 'final' END AS phase, model, way,
                coalesce(point, 0) AS point, u, v, way <> 'nothing' AS done,
                {u: 0.0::DOUBLE, v: 0.0::DOUBLE, height: '-infinity'::DOUBLE, gain: 0.0::DOUBLE, length: 0.0::DOUBLE,
                    concave: false, hidden: false, du: 0.0::DOUBLE, dv: 0.0::DOUBLE} AS best,
                NULL::STRUCT(mean DOUBLE, other DOUBLE, size DOUBLE, alpha DOUBLE, beta DOUBLE, rise DOUBLE, fall DOUBLE,
                    many_height DOUBLE, h_uu DOUBLE, h_uv DOUBLE, h_vv DOUBLE) AS fitted
            FROM known LEFT JOIN starts USING (model)
            UNION ALL
            SELECT step + 1, next_phase, model, CASE WHEN chance THEN 'pooled' ELSE way END, 0,
                next.u + CASE WHEN next_phase = 'looking' THEN next.du ELSE 0.0 END,
                next.v + CASE WHEN next_phase = 'looking' THEN next.dv ELSE 0.0 END,
                CASE WHEN phase = 'final' THEN done ELSE chance OR peaked END, next, fitted
            FROM (
                SELECT *, phase = 'starting' AND NOT coalesce(differ OR here.height > 1e-12 * (j + abs(constant)), false)
                        AS chance,
                    coalesce(better AND here.concave AND (here.length <= 1e-11
                            OR here.hidden AND here.length <= 1e-3 AND best.hidden AND here.length >= best.length / 2)
                        OR NOT better AND best.concave AND best.hidden AND best.length <= 1e-3, false) AS peaked,
                    CASE
                        WHEN phase = 'final' THEN 'done'
                        WHEN chance OR peaked OR step >= 200 OR greatest(abs(next.du), abs(next.dv)) < 1e-14 THEN 'final'
                        ELSE 'looking'
                    END AS next_phase
                FROM (
                    SELECT *, CASE WHEN better THEN here ELSE
                        {u: best.u, v: best.v, height: best.height, gain: best.gain, length: best.length,
                            concave: best.concave, hidden: best.hidden, du: best.du / 4, dv: best.dv / 4} END AS next
                    FROM (
                        SELECT *, here.height > best.height
                                OR best.hidden AND best.concave AND here.concave AND here.gain <= best.gain AS better,
                            coalesce(arg_max(point, height) OVER (PARTITION BY model), 0) AS best_point
                        FROM (WITH curved AS (
                            SELECT *, greatest(abs(h_uu), 1e-300) AS bend_u, h_vv - h_uv * h_uv / bend_u AS left_v
                            FROM (WITH placed AS (WITH shifted AS (
                                SELECT step, phase, model, way, point, u, v, done, best, pi, j, differ, constant, few_xs, few_ns, few_over,
                                    whole, none, known_a, known_b, size_of_moments, e,
                                    CASE WHEN family = 'rates' THEN 1 + pi * e ELSE 1.0 END AS d
                                FROM (SELECT *, pool_expm1(u) AS e FROM _pool_rates_search WHERE phase <> 'done') AS p
                                    JOIN (SELECT * EXCLUDE (way) FROM known) AS f USING (model)
                            ),
                            sized AS (
                                SELECT *,
                                    CASE way
                                        WHEN 'known' THEN known_a / CASE WHEN family = 'rates' THEN known_a + known_b ELSE known_b END
                                        WHEN 'split' THEN CASE WHEN _pool_name(prior) = 'moments' THEN pi ELSE whole / j END
                                        WHEN 'searched' THEN pi * exp(u) / d
                                        ELSE pi
                                    END AS mean,
                                    CASE way
                                        WHEN 'known' THEN CASE WHEN family = 'rates' THEN known_b / (known_a + known_b) END
                                        WHEN 'split' THEN CASE WHEN _pool_name(prior) = 'moments' THEN 1 - pi ELSE none / j END
                                        WHEN 'searched' THEN (1 - pi) / d
                                        ELSE 1 - pi
                                    END AS other,
                                    CASE way
                                        WHEN 'known' THEN known_a + CASE WHEN family = 'rates' THEN known_b ELSE 0.0 END
                                        WHEN 'pooled' THEN 'infinity'::DOUBLE
                                        WHEN 'split' THEN 0.0
                                        WHEN 'moments' THEN size_of_moments
                                        WHEN 'searched' THEN exp(v)
                                    END AS size
                                FROM shifted
                            )
                            SELECT * EXCLUDE (whole, none, known_a, known_b, size_of_moments, d),
                                CASE WHEN way = 'known' THEN known_a
                                    WHEN family = 'counts' OR size = 0 OR size = 'infinity'::DOUBLE THEN size
                                    ELSE mean * size END AS alpha,
                                CASE WHEN way = 'known' THEN known_b
                                    WHEN size = 0 OR size = 'infinity'::DOUBLE THEN size
                                    WHEN family = 'counts' THEN size / mean
                                    ELSE other * size END AS beta,
                                CASE WHEN way <> 'searched' THEN mean - pi WHEN family = 'rates' THEN pi * (1 - pi) * e / d ELSE pi * e END
                                    AS moved
                            FROM sized),
                            rising_sums AS (
                                SELECT p.* EXCLUDE (pi, e, moved, few_over), coalesce(gross, 0.0) + coalesce(many_gross, 0.0) AS gross,
                                    coalesce(rise, 0.0) AS rise,
                                    coalesce(slope_x, 0.0) AS slope_x, coalesce(slope_y, 0.0) AS slope_y, coalesce(slope_n, 0.0) AS slope_n,
                                    coalesce(bend_x, 0.0) AS bend_x, coalesce(bend_y, 0.0) AS bend_y, coalesce(bend_n, 0.0) AS bend_n,
                                    many_height, coalesce(many_gain, 0.0) AS many_gain, coalesce(many_g_u, 0.0) AS many_g_u,
                                    coalesce(many_g_v, 0.0) AS many_g_v, coalesce(many_h_uu, 0.0) AS many_h_uu,
                                    coalesce(many_h_uv, 0.0) AS many_h_uv, coalesce(many_h_vv, 0.0) AS many_h_vv,
                                    
                                    few_over - few_ns * moved AS drift,
                                    CASE WHEN family = 'rates' THEN few_xs * u - few_ns * pool_log1p(pi * e)
                                        ELSE few_over * u + few_ns * pi * (u - e) END AS common
                                FROM placed AS p
                                    LEFT JOIN (WITH kinds AS (
                                        SELECT model, point, unnest([1, 2, 3]) AS kind, unnest([alpha, beta, size]) AS a
                                        FROM placed
                                    ),
                                    steps AS (
                                        SELECT model, point, kind, a, m, k, few, m / a AS t, a + m AS above,
                                            CASE WHEN a + m > 15 THEN a + m ELSE a + m + 15 END AS y
                                        FROM kinds JOIN classes USING (model, kind)
                                        WHERE a > 0 AND a < 'infinity'::DOUBLE
                                    ),
                                    logs AS (
                                        SELECT *, 1 / above AS w, _pool_log1p_rest(t) AS log1p_rest, pool_log1p(t) AS log1p_t, 1 / (y * y) AS q
                                        FROM steps
                                        WHERE above IS NOT NULL
                                    ),
                                    terms AS (
                                        SELECT model, point, kind,
                                            few * (m * log1p_t + a * log1p_rest) + k * (_pool_log_gamma_rest(above, q) - log1p_t / 2) AS rise,
                                            few * a * log1p_rest + k * (m * w / 2 + a * _pool_digamma_rest(above, y, q)) AS slope,
                                            few * m * m * w + k * (a * a * _pool_trigamma_rest(above, y, q) - m * (2 * a + m) * w * w / 2) AS bend
                                        FROM logs
                                    )
                                    SELECT model, point, fsum(CASE WHEN kind < 3 THEN rise ELSE -rise END) AS rise, sum(abs(rise)) AS gross,
                                        fsum(CASE WHEN kind = 1 THEN slope ELSE 0.0 END) AS slope_x,
                                        fsum(CASE WHEN kind = 2 THEN slope ELSE 0.0 END) AS slope_y,
                                        fsum(CASE WHEN kind = 3 THEN slope ELSE 0.0 END) AS slope_n,
                                        fsum(CASE WHEN kind = 1 THEN bend ELSE 0.0 END) AS bend_x,
                                        fsum(CASE WHEN kind = 2 THEN bend ELSE 0.0 END) AS bend_y,
                                        fsum(CASE WHEN kind = 3 THEN bend ELSE 0.0 END) AS bend_n
                                    FROM terms
                                    GROUP BY model, point) AS s USING (model, point)
                                    LEFT JOIN (WITH placed AS (
                                        SELECT model, point, size, k, side, m, deviance, rest, over - side * n * moved AS over,
                                            CASE WHEN family = 'rates' THEN mean * other ELSE 1.0 END AS pq,
                                            CASE WHEN family = 'counts' THEN 1.0 WHEN side > 0 THEN mean ELSE other END AS share,
                                            CASE WHEN family = 'counts' THEN mean * n ELSE n END AS n
                                        FROM (SELECT model, point, mean, other, size, moved FROM placed
                                                WHERE size > 0 AND size < 'infinity'::DOUBLE)
                                            JOIN many USING (model)
                                    ),
                                    
                                    sized AS (SELECT *, share * size AS a, n + size AS total, over / total AS shift FROM placed),
                                    shared AS (SELECT *, (a + m) / total AS after, shift / share AS change, size * shift AS apart FROM sized),
                                    changed AS (
                                        SELECT *, (CASE WHEN change < -0.5 THEN ln(after / share) ELSE pool_log1p(change) END) AS log_change, n * after AS n_after, apart / (n * after) AS up
                                        FROM shared
                                    ),
                                    
                                    moved AS (
                                        SELECT *, CASE WHEN family = 'rates' THEN size * pq * side * log_change ELSE apart END AS g_u,
                                            a * (CASE WHEN change < -0.5 THEN log_change - change ELSE _pool_log1p_rest(change) END) AS g_v
                                        FROM changed
                                    ),
                                    terms AS (SELECT *, (n_after * CASE WHEN abs(up) < 0.0625 THEN up * up + (1 + up) * _pool_log1p_rest(up)
                                        WHEN up > -1 THEN (1 + up) * ln(1 + up) - up
                                        ELSE 1.0 END) - g_v AS apart_from FROM moved WHERE total IS NOT NULL)
                                    SELECT model, point, fsum(k * (rest - apart_from)) AS many_height, fsum(k * (deviance - apart_from)) AS many_gain,
                                        sum(k * (deviance + apart_from)) AS many_gross, fsum(k * g_u) AS many_g_u, fsum(k * g_v) AS many_g_v,
                                        fsum(k * CASE WHEN family = 'rates' THEN (1 - share) * (1 - share) * a * m / (a + m)
                                            ELSE size * n_after / total END) AS many_h_uu,
                                        fsum(k * CASE WHEN family = 'rates' THEN pq * side * apart * size / (total * after) - g_u
                                            ELSE -apart * n / total END) AS many_h_uv,
                                        fsum(k * (-g_v - apart * apart / (total * after))) AS many_h_vv
                                    FROM terms
                                    GROUP BY model, point) AS b USING (model, point)
                            ),
                            of_rates AS (
                                SELECT *, 0.0 AS fall, common + rise + many_gain AS height,
                                    (1 - mean) * slope_x - mean * slope_y + drift + many_g_u AS g_u,
                                    slope_x + slope_y - slope_n + many_g_v AS g_v,
                                    other * other * (few_xs - bend_x) + mean * mean * (few_ns - few_xs - bend_y) + many_h_uu AS bend,
                                    bend - (1 - 2 * mean) * g_u AS h_uu,
                                    -(1 - mean) * (slope_x + bend_x) + mean * (slope_y + bend_y) + many_h_uv AS h_uv,
                                    (slope_n + bend_n) - (slope_x + bend_x) - (slope_y + bend_y) + many_h_vv AS h_vv
                                FROM rising_sums
                            ),
                            of_counts AS (
                                SELECT r.*, coalesce(e.fall, 0.0) AS fall, common + rise - coalesce(e.fall, 0.0) + many_gain AS height,
                                    drift - coalesce(pull, 0.0) + many_g_u AS g_u,
                                    slope_x - coalesce(poisson, 0.0) + coalesce(pull, 0.0) + many_g_v AS g_v,
                                    coalesce(weight, 0.0) + many_h_uu AS bend, bend AS h_uu, many_h_uv - coalesce(pull2, 0.0) AS h_uv,
                                    coalesce(poisson + lag + pull2, 0.0) - (slope_x + bend_x) + many_h_vv AS h_vv
                                FROM rising_sums AS r LEFT JOIN (WITH steps AS (
                                    SELECT model, point, k, n, xs, size, mean * n AS mu, mu / size AS t, 1 + t AS u
                                    FROM (SELECT model, point, mean, size FROM placed WHERE size > 0 AND size < 'infinity'::DOUBLE)
                                    JOIN exposures USING (model)
                                ),
                                logs AS (
                                    SELECT *, _pool_log1p_rest(t) AS rest, pool_log1p(t) AS log1p_t, xs - k * mu AS beyond
                                    FROM steps
                                    WHERE mu IS NOT NULL
                                )
                                SELECT model, point, fsum(xs * log1p_t + k * size * rest) AS fall, fsum(k * size * rest) AS poisson,
                                    fsum(beyond * t / u) AS pull, fsum(beyond * t / (u * u)) AS pull2, fsum(k * mu * t / u) AS lag,
                                    fsum((k * mu + xs * t) / (u * u)) AS weight
                                FROM logs
                                GROUP BY model, point) AS e USING (model, point)
                            )
                            FROM query_table('of_' || family))
                        ),
                        sized AS (SELECT *, (g_v - h_uv / bend_u * g_u) / greatest(abs(left_v), 1e-300) AS newton_v FROM curved),
                        directed AS (
                            SELECT *, (g_u - h_uv * newton_v) / bend_u AS newton_u, least(1.0, 2 / greatest(abs(newton_u), abs(newton_v), 1e-300)) AS share
                            FROM sized
                        ),
                        moved AS (SELECT *, share * newton_u AS du, share * newton_v AS dv FROM directed)
                        SELECT step, phase, model, way, point, done, best, j, differ, constant, height,
                            {u: u, v: v, height: height, gain: g_u * du + g_v * dv, length: greatest(abs(du), abs(dv)),
                                concave: h_uu > 0 AND left_v > 0, hidden: g_u * du + g_v * dv <= 1e-12 * gross, du: du, dv: dv} AS here,
                            {mean: mean, other: other, size: size, alpha: alpha, beta: beta, rise: rise, fall: fall,
                                many_height: many_height, h_uu: bend, h_uv: h_uv, h_vv: h_vv} AS fitted
                        FROM moved)
                    )
                    WHERE point = best_point
                )
            )
        )
        SELECT model, way, done, unnest(fitted) FROM _pool_rates_search WHERE phase = 'done'),
    -- the independent trials, or the exposure, that determine the mean as well: infinite where it is known
    determined AS (
        SELECT model, sum(k * CASE
                WHEN way = 'known' THEN 'infinity'::DOUBLE
                WHEN family = 'rates' THEN pool_rate_effective_trials(n, size)
                ELSE pool_rate_effective_exposure(n, beta)
            END) AS effective
        FROM fitted JOIN numbered USING (model)
        GROUP BY model
    ),
    -- the inverse of minus the Hessian by logit, or log, of the mean and the log of the size
    varied AS (
        SELECT f.* EXCLUDE (way), p.* EXCLUDE (model), alone, h_uu * h_vv - h_uv * h_uv AS det,
            CASE WHEN h_uu > 0 AND det > 0 AND p.way = 'searched' THEN h_vv / det END AS var_u, -h_uv / det AS cov,
            h_uu / det AS var_v
        FROM known AS f JOIN fitted AS p USING (model) LEFT JOIN alone USING (model)
    )
    SELECT model, _pool_model, j AS _pool_groups, ns AS _pool_trials, alpha AS _pool_alpha, beta AS _pool_beta,
        mean AS _pool_mu, size AS _pool_size,
        sqrt(((CASE WHEN family = 'rates' THEN other ELSE 0.0 END)::DOUBLE * (CASE WHEN family = 'rates' THEN other ELSE 0.0 END) * var_u + 2 * (CASE WHEN family = 'rates' THEN other ELSE 0.0 END)::DOUBLE * cov + var_v))
            AS _pool_se_log_alpha,
        sqrt(((CASE WHEN family = 'rates' THEN -mean ELSE -1.0 END)::DOUBLE * (CASE WHEN family = 'rates' THEN -mean ELSE -1.0 END) * var_u + 2 * (CASE WHEN family = 'rates' THEN -mean ELSE -1.0 END)::DOUBLE * cov + var_v))
            AS _pool_se_log_beta,
        CASE WHEN family = 'rates' THEN 1 / (1 + size)
            WHEN size > 0 THEN 1 / size END AS _pool_rho,
        CASE
            WHEN j = 0 THEN NULL
            WHEN way = 'split' AND xs <> 0 AND whole + none = j THEN whole * ln(mean) + none * ln(other)
            WHEN way = 'split' THEN '-infinity'::DOUBLE
            ELSE constant + rise
                + CASE WHEN few_xs > 0 THEN few_xs * ln(mean) ELSE 0.0 END
                + CASE
                    WHEN family = 'counts' THEN of_exposure - mean * few_ns - fall
                    WHEN few_xs < few_ns THEN (few_ns - few_xs) * ln(other)
                    ELSE 0.0
                END
                + coalesce(CASE WHEN size = 'infinity'::DOUBLE THEN alone ELSE many_height END, 0.0)
        END AS _pool_log_likelihood,
        done AS _pool_converged, effective AS _pool_effective
    FROM varied LEFT JOIN determined USING (model);

-- ---------------------------------------------------------------------------------------------------------------------
-- One row per group: the posterior of its rate, beta with trials, gamma with an exposure.
-- ---------------------------------------------------------------------------------------------------------------------

-- Groups of equal x and n with their posterior: its mean, standard deviation, quantiles and tails at the threshold.
-- _pool_a and _pool_b are its parameters conditional on the prior; a and b include the error of the prior's mean,
-- unless that mean is known or `uncertainty` is 'conditional'.
CREATE OR REPLACE MACRO _pool_rate_posteriors(
    pairs, components, level, threshold, limits, uncertainty, family
) AS TABLE
    WITH placed AS (
        SELECT p._pool_model, x, n, k, c.* EXCLUDE (_pool_model, model),
            CASE WHEN family = 'rates' THEN _pool_size ELSE _pool_beta END AS lag,
            _pool_alpha + x AS _pool_a, _pool_beta + CASE WHEN family = 'rates' THEN n - x ELSE n END AS _pool_b,
            pool_rate_weight(n, lag) AS _pool_weight, pool_rate_estimate(x, n, _pool_mu, lag) AS _pool_estimate
        FROM query_table(pairs) AS p, query_table(components) AS c
        WHERE _pool_same(c._pool_model, p._pool_model)
    ),
    conditional AS (
        SELECT *, _pool_a AS a, _pool_b AS b, _pool_estimate AS location,
            CASE WHEN family = 'rates' THEN pool_rate_beta_variance(_pool_estimate, n, lag)
                ELSE pool_rate_gamma_variance(_pool_estimate, n, lag) END AS variance
        FROM placed
    ),
    centred AS (
        SELECT *, pool_rate_pooling(n, lag) AS pooling, _pool_effective = 'infinity'::DOUBLE OR pooling = 0 AS known,
            CASE WHEN known THEN _pool_mu WHEN family = 'rates' THEN pool_rate_beta_centre(_pool_mu, _pool_effective)
                ELSE pool_rate_gamma_centre(_pool_mu, _pool_effective) END AS centre
        FROM conditional
    ),
    located AS (
        SELECT * REPLACE (CASE WHEN known THEN location
                ELSE pool_rate_location(location, pooling, _pool_mu, centre) END AS location),
            CASE WHEN family = 'rates' THEN pool_rate_beta_centre_variance(centre, _pool_effective)
                ELSE pool_rate_gamma_centre_variance(centre, _pool_effective) END AS error
        FROM centred
    ),
    sized AS (
        SELECT *, CASE
                WHEN known THEN NULL
                WHEN family = 'rates' THEN pool_rate_matched_trials(location, pooling, error, n, lag)
                ELSE pool_rate_matched_exposure(location, pooling, error, n, lag)
            END AS size
        FROM located
    ),
    matched AS (
        SELECT * REPLACE (
                CASE WHEN known THEN a ELSE location * size END AS a,
                CASE WHEN known THEN b WHEN family = 'rates' THEN (1 - location) * size ELSE size END AS b,
                CASE WHEN known THEN variance WHEN family = 'rates' THEN pool_rate_beta_spread(location, size)
                    ELSE pool_rate_gamma_spread(location, size) END AS variance)
        FROM sized
    ),
    -- `fixed`: all probability lies at one point; `twofold`: it lies at 0 and 1
    estimated AS (
        SELECT *, sqrt(variance) AS _pool_se, CASE WHEN family = 'rates' THEN b ELSE 'infinity'::DOUBLE END AS odds_b,
            a = 'infinity'::DOUBLE OR a = 0 OR b = 0 AS fixed, a = 0 AND b = 0 AS twofold
        FROM query_table(CASE WHEN uncertainty = 'mu' THEN 'matched' ELSE 'conditional' END)
    ),
    -- the log odds of the threshold over a / b
    marked AS (
        SELECT *, CASE
                WHEN fixed THEN NULL
                WHEN _pool_number(threshold) <= 0 THEN '-infinity'::DOUBLE
                WHEN family = 'counts' THEN _pool_log_ratio(_pool_number(threshold) * b, a)
                WHEN _pool_number(threshold) >= 1 THEN 'infinity'::DOUBLE
                ELSE _pool_log_ratio(_pool_number(threshold) * b, (1 - _pool_number(threshold)) * a)
            END AS mark
        FROM estimated
    ),
    identified AS MATERIALIZED (
        SELECT *, row_number() OVER () AS id
        FROM query_table(CASE WHEN _pool_absent(threshold) THEN 'estimated' ELSE 'marked' END)
    ),
    _pool_ends AS (
        SELECT 4 * id + (side > 0)::BIGINT AS id, a, odds_b AS b, NULL::DOUBLE AS w,
            (1 + side * (CASE WHEN _pool_is_level(level) THEN _pool_number(level) END)) / 2 AS p, side * _pool_quantile AS z
        FROM identified, _pool_quantile_of(level), (VALUES (-1.0::DOUBLE), (1.0::DOUBLE)) AS sides(side)
        WHERE NOT fixed
    ),
    _pool_beyond AS (
        SELECT 4 * id + 2 AS id, a, odds_b AS b, mark AS w, NULL::DOUBLE AS p, NULL::DOUBLE AS z
        FROM identified
        WHERE isfinite(mark)
    ),
    _pool_ends_and_beyond AS (FROM _pool_ends UNION ALL FROM _pool_beyond),
    placed_odds AS (
        SELECT id // 4 AS id, max(result) FILTER (id % 4 = 0) AS odds_p, max(result) FILTER (id % 4 = 1) AS odds_q,
            max(result) FILTER (id % 4 = 2) AS above, max(below) FILTER (id % 4 = 2) AS below
        FROM _pool_tails_and_quantiles(CASE
            WHEN _pool_absent(threshold) THEN '_pool_ends'
            WHEN TRY_CAST(limits AS BOOLEAN) THEN '_pool_ends_and_beyond'
            ELSE '_pool_beyond' END)
        GROUP BY ALL
    ),
    searched AS (FROM identified LEFT JOIN placed_odds USING (id)),
    stated AS (
        FROM query_table(CASE WHEN TRY_CAST(limits AS BOOLEAN) OR NOT _pool_absent(threshold) THEN 'searched'
            ELSE 'estimated' END)
    ),
    limited AS (
        SELECT *, (1 - (CASE WHEN _pool_is_level(level) THEN _pool_number(level) END)) / 2 AS p,
            CASE WHEN twofold THEN (p > 1 - location)::DOUBLE WHEN fixed THEN location
                WHEN family = 'rates' THEN 1 / (1 + b / a * exp(-odds_p)) ELSE a / b * exp(odds_p) END AS _pool_lower,
            CASE WHEN twofold THEN (1 - p > 1 - location)::DOUBLE WHEN fixed THEN location
                WHEN family = 'rates' THEN 1 / (1 + b / a * exp(-odds_q)) ELSE a / b * exp(odds_q) END AS _pool_upper
        FROM stated
    ),
    unlimited AS (SELECT *, NULL::DOUBLE AS _pool_lower, NULL::DOUBLE AS _pool_upper FROM stated),
    bounded AS (FROM query_table(CASE WHEN TRY_CAST(limits AS BOOLEAN) THEN 'limited' ELSE 'unlimited' END)),
    -- `certain`: the probability that the rate lies above the threshold, where no search determines it
    settled AS (
        SELECT *, CASE
                WHEN isfinite(mark) OR a IS NULL THEN NULL
                WHEN twofold AND _pool_number(threshold) >= 0 AND _pool_number(threshold) < 1 THEN location
                WHEN fixed THEN (location > _pool_number(threshold))::DOUBLE
                ELSE (mark < 0)::DOUBLE
            END AS certain
        FROM bounded
    ),
    tailed AS (
        SELECT *, coalesce(below, 1 - certain) AS _pool_pep, coalesce(above, certain) AS _pool_p_above FROM settled
    ),
    untailed AS (SELECT *, NULL::DOUBLE AS _pool_pep, NULL::DOUBLE AS _pool_p_above FROM bounded)
    SELECT _pool_model, x AS _pool_of_x, n AS _pool_of_n, _pool_weight, _pool_estimate, _pool_se, _pool_lower,
        _pool_upper, _pool_p_above, _pool_pep, _pool_a, _pool_b,
        sum(k * _pool_pep) OVER (PARTITION BY _pool_model ORDER BY _pool_pep)
            / sum(k) OVER (PARTITION BY _pool_model ORDER BY _pool_pep) AS _pool_q_value
    FROM query_table(CASE WHEN _pool_absent(threshold) THEN 'untailed' ELSE 'tailed' END);

-- Keys and all statistics of the groups, under private names.
CREATE OR REPLACE MACRO _pool_rates_pooled(
    tbl, value, base, "by", unnamed, over, prior, level, nan, threshold, groups, posterior, limits, uncertainty, family,
    result
) AS TABLE
    WITH _pool_request AS MATERIALIZED (
        FROM _pool_rate_arguments('_pool_schema', value, base, "by", unnamed, over, prior, nan, level, threshold,
            posterior, limits, uncertainty, true, family, result)
    ),
    _pool_seen AS MATERIALIZED (FROM _pool_rate_groups(tbl, value, base, "by", over, nan, family)),
    _pool_with_unseen AS NOT MATERIALIZED (
        FROM _pool_seen
        UNION ALL BY NAME
        SELECT *, 0.0::DOUBLE AS _pool_x, 0.0::DOUBLE AS _pool_n
        FROM _pool_unseen_keys('_pool_other_keys', "by", over, '_pool_seen')
    ),
    _pool_groups AS NOT MATERIALIZED (
        FROM query_table(CASE WHEN _pool_absent(groups) THEN '_pool_seen' ELSE '_pool_with_unseen' END)
    ),
    _pool_alike AS MATERIALIZED (FROM _pool_rate_pairs('_pool_groups')),
    _pool_components AS MATERIALIZED (FROM _pool_rate_components('_pool_alike', prior, family)),
    _pool_pairs AS MATERIALIZED (
        FROM _pool_rate_posteriors('_pool_alike', '_pool_components', level, threshold, limits, uncertainty, family)
    )
    SELECT g.* EXCLUDE (_pool_model), p.* EXCLUDE (_pool_model, _pool_of_x, _pool_of_n),
        CASE WHEN _pool_n > 0 THEN _pool_x / _pool_n END AS _pool_mean
    FROM _pool_groups AS g, _pool_pairs AS p
    WHERE _pool_same(p._pool_model, g._pool_model) AND _pool_of_x = _pool_x AND _pool_of_n = _pool_n
        AND (SELECT proper FROM _pool_request);

-- ---------------------------------------------------------------------------------------------------------------------
-- The verbs of rates and counts.
-- ---------------------------------------------------------------------------------------------------------------------

-- Partially pooled rates of groups, `value` events in `trials` trials: beta distributed, with their posterior means.
-- `prior` is estimated by 'ml' or 'moments', or known, as in 'beta(2, 5)'. A threshold adds p_above, the probability
-- that the rate lies above it; pep, the probability that it does not; and q_value, the mean pep of all groups of the
-- model whose pep is no larger (Robinson 2017). `groups` is another table of keys; keys without rows get an estimate
-- too. posterior := true adds alpha and beta, by the prior; limits := false leaves lower and upper out. se, lower,
-- upper and p_above include the error of the prior's mean, or treat it as known with uncertainty := 'conditional'.
CREATE OR REPLACE MACRO pool_shrink_rates(
    tbl, value, trials, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, prior := 'ml', level := 0.95,
    nan := 'error', threshold := NULL, groups := NULL, posterior := false, limits := true,
    uncertainty := 'mu'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_other_keys AS NOT MATERIALIZED (FROM query_table(groups)),
    _pool_result AS (
        SELECT *, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se, _pool_lower AS lower, _pool_upper AS upper,
            _pool_p_above AS p_above, _pool_pep AS pep, _pool_q_value AS q_value, _pool_a AS alpha, _pool_b AS beta
        FROM _pool_rates_pooled(_pool_read(tbl), value, trials, "by", _pool_unnamed, over, prior, level, nan,
            threshold, groups, posterior, limits, uncertainty, 'rates',
            ['n', 'mean', 'weight', 'estimate', 'se', 'lower', 'upper', 'p_above', 'pep', 'q_value', 'alpha', 'beta'])
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c) AND (CASE
        WHEN c IN ('p_above', 'pep', 'q_value') THEN NOT _pool_absent(threshold)
        WHEN c IN ('alpha', 'beta', 'shape', 'rate') THEN TRY_CAST(posterior AS BOOLEAN)
        WHEN c IN ('lower', 'upper') THEN TRY_CAST(limits AS BOOLEAN)
        ELSE true
    END))
    FROM _pool_result;

-- Partially pooled rates of groups, `value` events in an exposure: gamma distributed rates per unit of exposure.
-- `prior` may be 'gamma(3, 1)', shape and rate. The other arguments are those of pool_shrink_rates.
CREATE OR REPLACE MACRO pool_shrink_counts(
    tbl, value, exposure, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, prior := 'ml', level := 0.95,
    nan := 'error', threshold := NULL, groups := NULL, posterior := false, limits := true,
    uncertainty := 'mu'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_other_keys AS NOT MATERIALIZED (FROM query_table(groups)),
    _pool_result AS (
        SELECT *, _pool_n AS n, _pool_mean AS mean, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se, _pool_lower AS lower, _pool_upper AS upper,
            _pool_p_above AS p_above, _pool_pep AS pep, _pool_q_value AS q_value, _pool_a AS shape, _pool_b AS rate
        FROM _pool_rates_pooled(_pool_read(tbl), value, exposure, "by", _pool_unnamed, over, prior, level, nan,
            threshold, groups, posterior, limits, uncertainty, 'counts',
            ['n', 'mean', 'weight', 'estimate', 'se', 'lower', 'upper', 'p_above', 'pep', 'q_value', 'shape', 'rate'])
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c) AND (CASE
        WHEN c IN ('p_above', 'pep', 'q_value') THEN NOT _pool_absent(threshold)
        WHEN c IN ('alpha', 'beta', 'shape', 'rate') THEN TRY_CAST(posterior AS BOOLEAN)
        WHEN c IN ('lower', 'upper') THEN TRY_CAST(limits AS BOOLEAN)
        ELSE true
    END))
    FROM _pool_result;

-- The beta distribution of the rates of groups, one row per model.
CREATE OR REPLACE MACRO pool_components_rates(
    tbl, value, trials, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, prior := 'ml', nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_rate_arguments('_pool_schema', value, trials, "by", _pool_unnamed, over, prior, nan, 0.95, NULL,
            false, false, 'mu', false, 'rates',
            ['groups', 'n', 'alpha', 'beta', 'mean', 'se_log_alpha', 'se_log_beta', 'rho', 'log_likelihood', 'converged'])
    ),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_rate_groups(_pool_read(tbl), value, trials, "by", over, nan, 'rates')),
    _pool_alike AS MATERIALIZED (FROM _pool_rate_pairs('_pool_groups')),
    _pool_components AS MATERIALIZED (FROM _pool_rate_components('_pool_alike', prior, 'rates')),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (SELECT NULL::BIGINT AS groups, NULL::BIGINT AS n, NULL::DOUBLE AS alpha, NULL::DOUBLE AS beta,
            NULL::DOUBLE AS mean, NULL::DOUBLE AS se_log_alpha, NULL::DOUBLE AS se_log_beta, NULL::DOUBLE AS rho,
            NULL::DOUBLE AS log_likelihood, NULL::BOOLEAN AS converged
        WHERE false)
        UNION ALL
        SELECT unnest(_pool_model), _pool_groups::BIGINT, _pool_trials::BIGINT, _pool_alpha, _pool_beta, _pool_mu,
            _pool_se_log_alpha, _pool_se_log_beta, _pool_rho, _pool_log_likelihood, _pool_converged
        FROM _pool_components
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named
    WHERE (SELECT proper FROM _pool_request);

-- The gamma distribution of the rates of groups per unit of exposure, one row per model.
CREATE OR REPLACE MACRO pool_components_counts(
    tbl, value, exposure, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, prior := 'ml', nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_request AS MATERIALIZED (
        FROM _pool_rate_arguments('_pool_schema', value, exposure, "by", _pool_unnamed, over, prior, nan, 0.95, NULL,
            false, false, 'mu', false, 'counts',
            ['groups', 'n', 'shape', 'rate', 'mean', 'se_log_shape', 'se_log_rate', 'rho', 'log_likelihood', 'converged'])
    ),
    _pool_groups AS NOT MATERIALIZED (
        FROM _pool_rate_groups(_pool_read(tbl), value, exposure, "by", over, nan, 'counts')
    ),
    _pool_alike AS MATERIALIZED (FROM _pool_rate_pairs('_pool_groups')),
    _pool_components AS MATERIALIZED (FROM _pool_rate_components('_pool_alike', prior, 'counts')),
    _pool_named AS (
        SELECT * FROM (SELECT over FROM _pool_schema), (SELECT NULL::BIGINT AS groups, NULL::DOUBLE AS n, NULL::DOUBLE AS shape, NULL::DOUBLE AS rate,
            NULL::DOUBLE AS mean, NULL::DOUBLE AS se_log_shape, NULL::DOUBLE AS se_log_rate, NULL::DOUBLE AS rho,
            NULL::DOUBLE AS log_likelihood, NULL::BOOLEAN AS converged
        WHERE false)
        UNION ALL
        SELECT unnest(_pool_model), _pool_groups::BIGINT, _pool_trials, _pool_alpha, _pool_beta, _pool_mu,
            _pool_se_log_alpha, _pool_se_log_beta, _pool_rho, _pool_log_likelihood, _pool_converged
        FROM _pool_components
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named
    WHERE (SELECT proper FROM _pool_request);

-- Rendered from verbs and the comments of the other files by `python -m polars_pool.rendering`: edit there.
--
-- A comment on each public macro: FROM duckdb_functions() SELECT function_name, comment.
COMMENT ON MACRO pool_expm1 IS 'exp(x) - 1, from exp(x) - 1 = 2 sinh(x / 2) exp(x / 2).';
COMMENT ON MACRO pool_log1p IS 'log(1 + x) for x > -1, from log(1 + x) = 2 atanh(x / (2 + x)).';
COMMENT ON MACRO pool_normal_cdf IS 'P(X <= x) of the standard normal distribution, to the last digits in the lower tail too.';
COMMENT ON MACRO pool_normal_density IS 'Density of the standard normal distribution.';
COMMENT ON MACRO pool_normal_quantile IS 'The x with P(X <= x) = p of the standard normal distribution.';
COMMENT ON MACRO pool_student_cdf IS 'P(T <= t) of Student''s distribution.';
COMMENT ON MACRO pool_student_quantile IS 'The t with P(T <= t) = p of Student''s distribution.';
COMMENT ON MACRO pool_gamma_cdf IS 'P(X <= x) of the gamma distribution of rate 1: the regularised incomplete gamma function P(shape, x).';
COMMENT ON MACRO pool_gamma_quantile IS 'The x with P(X <= x) = p of the gamma distribution of rate 1.';
COMMENT ON MACRO pool_chi_square_cdf IS 'P(X <= x) of the chi-square distribution: X / 2 is gamma of shape df / 2.';
COMMENT ON MACRO pool_chi_square_quantile IS 'The x with P(X <= x) = p of the chi-square distribution.';
COMMENT ON MACRO pool_chi_square_median IS 'Median of the chi-square distribution.';
COMMENT ON MACRO pool_beta_cdf IS 'P(X <= x) of the beta distribution: the regularised incomplete beta function.';
COMMENT ON MACRO pool_beta_quantile IS 'The x with P(X <= x) = p of the beta distribution.';
COMMENT ON MACRO pool_digamma IS 'The derivative of log Gamma(x), x > 0.';
COMMENT ON MACRO pool_trigamma IS 'Trigamma, the second derivative of log Gamma(x).';
COMMENT ON MACRO pool_trigamma_inverse IS 'The x whose trigamma is y.';
COMMENT ON MACRO pool_sine_integral IS 'Si(x) to 1e-14; Si(x) = sign(x) pi / 2 - f(x) cos(x) - g(x) sin(x) (DLMF 6.2.19).';
COMMENT ON MACRO pool_weighted_mean IS 'Mean of a group''s rows, each of precision weight w.';
COMMENT ON MACRO pool_squares IS 'Sum of squares of a group about its own mean; 0 for a single row, whose var is ignored.';
COMMENT ON MACRO pool_above_rounding IS 'Sum of squares; 0 within four units in the last place of the mean, as the mean of equal rows may be rounded.';
COMMENT ON MACRO pool_squares_between IS 'Sum of w (m - mean)^2 over the rows or states of a group, from sum(w m), sum(w), cov(w m, m) and cov(w, m).';
COMMENT ON MACRO pool_variance IS 'Sample variance from the sum of squares about the mean: missing for a single row.';
COMMENT ON MACRO pool_pooled_variance IS 'Pooled variance within groups, SSW / (N - J): the mean square within.';
COMMENT ON MACRO pool_sampling_variance IS 'Sampling variance of a group''s mean, sigma2 / n (sigma2 / sum(w) for weighted rows); infinite without rows.';
COMMENT ON MACRO pool_separate_variance IS 'A group''s own variance; the pooled variance for a single row, which has none.';
COMMENT ON MACRO pool_centred_log IS 'Log of a group''s variance less what a chi-square with df degrees of freedom adds to it on average.';
COMMENT ON MACRO pool_prior_df IS 'Degrees of freedom of the prior from the variance of centred_log in excess of the mean trigamma(df / 2).';
COMMENT ON MACRO pool_prior_variance IS 'The variance that groups are squeezed to, from the mean of centred_log; the plain mean for infinite df_prior.';
COMMENT ON MACRO pool_squeezed_variance IS 'Mean of a group''s variance, of weight n - 1, and the prior, of weight df_prior; the prior for a single row.';
COMMENT ON MACRO pool_precision IS 'Precision of a group''s mean about mu, w = 1 / (v + tau2).';
COMMENT ON MACRO pool_pairs IS 'sum(w)^2 - sum(w^2), from the `count` groups of largest w = `top` and the sums over the rest.';
COMMENT ON MACRO pool_moment_estimate IS 'Generalised method of moments with fixed weights a, from sums (DerSimonian & Kacker 2007).';
COMMENT ON MACRO pool_moment_estimate_known_mu IS 'Method of moments about a known mu, which takes no degree of freedom.';
COMMENT ON MACRO pool_moment_estimate_one_exact IS 'Limit of dl when the v of one group goes to 0: a = 1 / v and the squares about that group, over the others.';
COMMENT ON MACRO pool_hunter_schmidt IS 'Hunter & Schmidt (1990), a = 1 / v: (Q - J) / sum(a).';
COMMENT ON MACRO pool_hunter_schmidt_corrected IS 'Hunter & Schmidt with the small-sample correction of Brannick et al. (2019).';
COMMENT ON MACRO pool_sidik_jonkman IS 'One step from a crude tau2 = sum((mean - centre)^2) / J (Sidik & Jonkman 2005): 0 only where all means agree.';
COMMENT ON MACRO pool_excess IS 'Generalised Q minus its expectation, whose root is pm (J - 1 expected) or pmm (the median of chi-square).';
COMMENT ON MACRO pool_log_variance IS 'Term of one group in log |V|: log(v + tau2).';
COMMENT ON MACRO pool_ml_deviance IS '-2 log L at the optimal mu, up to a constant, from sum(log(v + tau2)).';
COMMENT ON MACRO pool_reml_deviance IS '-2 restricted log L up to a constant; log sum(w) accounts for the fitted mu (Harville 1977).';
COMMENT ON MACRO pool_ml_slope IS 'Derivative of -2 log L by tau2.';
COMMENT ON MACRO pool_reml_slope IS 'Derivative of -2 restricted log L by tau2, with tr P = s1 - s2 / s1 in place of s1.';
COMMENT ON MACRO pool_chung_deviance IS '-2 (log L + log tau) up to a constant: the prior tau keeps the mode off 0 (Chung et al. 2013, Psychometrika).';
COMMENT ON MACRO pool_chung_slope IS 'Derivative of chung_deviance by tau2; v is the least one, `rest` the sum of w without one group of the least v.';
COMMENT ON MACRO pool_unbiased_risk IS 'Term of one group in Stein''s unbiased estimate of the risk, less v (Xie, Kou & Brown 2012, JASA 107, eq. 4).';
COMMENT ON MACRO pool_unbiased_risk_slope IS 'Derivative of unbiased_risk by tau2; at the mu of least risk, sum(pooling^2 mean) / sum(pooling^2), for sums.';
COMMENT ON MACRO pool_james_stein IS 'The tau2 whose pooling v / (v + tau2) is that of James & Stein (1961), (df - 2) v / squares, for equal v.';
COMMENT ON MACRO pool_information IS 'Information of a group about mu in units of 1 / sigma2, h = n / (1 + n rho).';
COMMENT ON MACRO pool_log_inflation IS 'Term of one group in log |V|: log(1 + n rho).';
COMMENT ON MACRO pool_ml_profile IS '-2 log L over sigma2 and mu, up to a constant, from SSW, sum(h d^2) and sum(log(1 + n rho)).';
COMMENT ON MACRO pool_reml_profile IS '-2 restricted log L over sigma2 and mu, up to a constant: log sum(h) accounts for the fitted mu.';
COMMENT ON MACRO pool_ml_profile_slope IS 'Derivative of the ML profile by rho.';
COMMENT ON MACRO pool_reml_profile_slope IS 'Derivative of the REML profile by rho.';
COMMENT ON MACRO pool_residual_variance IS 'sigma2 at one rho; at the boundary rho = 0 an estimate from all rows.';
COMMENT ON MACRO pool_pooling_at IS 'Pooling at rho = tau2 / sigma2, the share of the population: keep = 1 / (1 + n rho).';
COMMENT ON MACRO pool_leverage IS '1 - H of a row: the share of the fit that comes from other rows, where mu is fitted too.';
COMMENT ON MACRO pool_leverage_slope IS 'Derivative of 1 - H by rho; s2 = sum(h^2).';
COMMENT ON MACRO pool_squared_residuals IS 'Sum of squared residuals of a group''s rows: those within it, and those of its mean about its estimate.';
COMMENT ON MACRO pool_squared_residuals_slope IS 'Derivative of the squared residuals by rho, d = mean - mu, mu_slope = -sum(h^2 d) / s.';
COMMENT ON MACRO pool_leave_one_out IS 'Squared leave-one-out error of a group''s rows.';
COMMENT ON MACRO pool_leave_one_out_slope IS 'Derivative of the squared leave-one-out error by rho.';
COMMENT ON MACRO pool_gls IS 'Weight by generalised least squares: the precision of a group, 1 / (v + tau2).';
COMMENT ON MACRO pool_rows IS 'Weight where all rows are equal: the number of rows, or the sum of their precision weights.';
COMMENT ON MACRO pool_groups IS 'Weight where all groups are equal: 1, or 0 without rows.';
COMMENT ON MACRO pool_shrunk IS 'Rows times the weight of their group, n weight (Mount 2023, Win Vector: "Partial pooling").';
COMMENT ON MACRO pool_centre_error IS 'Term of a group in the variance of mu, sum(c^2 (v + tau2)) / sum(c)^2; 1 / sum(c) for gls.';
COMMENT ON MACRO pool_weight IS 'Weight of a group''s own mean, tau2 / (tau2 + v): 0 without rows, else 1 where the mean is exact.';
COMMENT ON MACRO pool_pooling IS 'Weight of the population mean, 1 - weight, without cancellation.';
COMMENT ON MACRO pool_estimate IS 'The partially pooled mean, weight * mean + (1 - weight) * mu.';
COMMENT ON MACRO pool_morris_variance IS 'The variance between groups whose pooling is that of Morris (1983), (df - 2) / df v / (v + tau2).';
COMMENT ON MACRO pool_conditional_variance IS 'Variance of the group''s true mean where mu is known, weight * v = tau2 * pooling (lme4: condVar).';
COMMENT ON MACRO pool_marginal_variance IS 'Variance of the estimate with the error of mu (metafor''s BLUP; Raudenbush & Bryk 1985).';
COMMENT ON MACRO pool_lower IS 'Lower end of the interval; `quantile` is the normal quantile of (1 + level) / 2.';
COMMENT ON MACRO pool_upper IS 'Upper end of the interval; `quantile` is the normal quantile of (1 + level) / 2.';
COMMENT ON MACRO pool_predictive_variance IS 'Variance of a future observation: `noise` is sigma2 for a row, v for a mean.';
COMMENT ON MACRO pool_standardised IS 'Distance z of the estimate above the threshold in standard errors; the normal P(z) is the chance to exceed it.';
COMMENT ON MACRO pool_icc IS 'Intraclass correlation, the share of the variance of a row that lies between groups.';
COMMENT ON MACRO pool_trace IS 'tr P = s1 - s2 / s1 = pairs / s1: the precision that remains after mu is fitted.';
COMMENT ON MACRO pool_typical_variance IS 'The typical sampling variance of a model, df / tr P at w = 1 / v.';
COMMENT ON MACRO pool_i2 IS 'I^2, percent of the variance of a group''s mean that lies between groups.';
COMMENT ON MACRO pool_h2 IS 'H^2, variance of a group''s mean over its sampling variance.';
COMMENT ON MACRO pool_variance_of_squares IS 'Variance of sum(a (mean - centre)^2), centre weighted by a: 2 tr(A S A S), the centre projected out of A.';
COMMENT ON MACRO pool_variance_of_root IS 'Variance of tau2 by pm, eb and pmm: 2 J^2 / (df s1^2) (Viechtbauer 2010, metafor).';
COMMENT ON MACRO pool_variance_by_information IS 'Variance of tau2 from the joint information: tt, ts, ss of (tau2, sigma2) between groups, `within` = (N - J) / sigma2^2 (Searle, Casella & McCulloch 1992, section 3.8).';
COMMENT ON MACRO pool_log_likelihood IS 'Log likelihood of `df` numbers from -2 log L without its constant.';
COMMENT ON MACRO pool_rows_deviance IS '-2 log L of rows without its constant at any sigma2, from SSW, sum(h d^2) and sum(log(1 + n rho)).';
COMMENT ON MACRO pool_akaike IS 'Akaike''s criterion, -2 log L + 2 for every estimated parameter.';
COMMENT ON MACRO pool_likelihood_ratio IS 'Likelihood-ratio statistic of tau2 = 0, never below 0.';
COMMENT ON MACRO pool_half_half IS 'p of the boundary tau2 = 0: half chi-square of 1 degree, half 0 (Self & Liang 1987; Stram & Lee 1994).';
COMMENT ON MACRO pool_ml_variance_at IS 'sigma2 that maximises the likelihood among all with tau2 = rho sigma2; the pair traces the profile of tau2.';
COMMENT ON MACRO pool_reml_variance_at IS 'sigma2 at rho by the restricted likelihood; `h2` = sum(h^2 / n), `h` = sum(h).';
COMMENT ON MACRO pool_knapp_hartung IS 'Error of mu scaled by the observed spread (Hartung & Knapp 2001; Sidik & Jonkman 2002).';
COMMENT ON MACRO pool_knapp_hartung_at_least IS 'Standard error of mu by Knapp & Hartung (2003), never below the error by the model.';
COMMENT ON MACRO pool_prediction_error IS 'Standard error of a new group''s true mean about mu (Higgins, Thompson & Spiegelhalter 2009).';
COMMENT ON MACRO pool_statistic IS 'The estimate in standard errors: z or t of the test of 0.';
COMMENT ON MACRO pool_satterthwaite IS 'Degrees of freedom of a variance proportional to sigma2, whose mean square has df: 2 V^2 / Var(V).';
COMMENT ON MACRO pool_variance_with_tau2 IS 'Variance of an estimate with the error of tau2: at most v, the variance of the raw mean; at least `marginal`.';
COMMENT ON MACRO pool_error_of_ratio IS 'Variance of tau2 - rho sigma2 at fixed rho = tau2 / sigma2: the error of the weights where both are estimated.';
COMMENT ON MACRO pool_ml_correction IS 'Minus the bias of tau2 by maximum likelihood, which ignores that mu is estimated.';
COMMENT ON MACRO pool_root_correction IS 'Minus the bias of tau2 by pm and eb, to first order: their Q is convex in tau2 (Datta, Rao & Smith 2005).';
COMMENT ON MACRO pool_median_correction IS 'Correction of pmm, whose root lies higher than that of pm because the median of chi-square is below its mean.';
COMMENT ON MACRO pool_effect_square IS 'Unbiased (theta - mu)^2 of a group, d2 = (mean - mu)^2.';
COMMENT ON MACRO pool_effect_fourth_power IS 'Unbiased (theta - mu)^4 of a group, d2 = (mean - mu)^2.';
COMMENT ON MACRO pool_second_moment IS 'mu2, the mean of (theta - mu)^2, from sums over groups; at least what J groups can tell from 0.';
COMMENT ON MACRO pool_kurtosis IS 'kappa, the mean of (theta - mu)^4 over mu2^2, from sums over groups; at least what J groups can tell from 1.';
COMMENT ON MACRO pool_bias_moment IS 'm of a group, (1 / weight - 1)^2 mu2 / v; v / mu2 where the weight is mu2 / (mu2 + v).';
COMMENT ON MACRO pool_noncoverage IS 'r(t), the probability that an interval misses at a squared bias t.';
COMMENT ON MACRO pool_noncoverage_slope IS 'Derivative of r by t.';
COMMENT ON MACRO pool_tangent IS 'Rises through 0 at t0, where the line from (0, r(0)) touches r: up to there a spread of t adds to noncoverage.';
COMMENT ON MACRO pool_noncoverage_by_chi IS 'Derivative of r by chi.';
COMMENT ON MACRO pool_share IS 'Probability of x2 in the distribution on x1 and x2 whose mean is m.';
COMMENT ON MACRO pool_mixed IS 'Mean of the values at x1 and at x2, where x2 has the probability p.';
COMMENT ON MACRO pool_lower_point IS 'x1 of the distribution on x1 < m < x2 with moments m and kappa m^2; 0 at x2 = kappa m.';
COMMENT ON MACRO pool_balance IS 'Rises through 0 at the worst x2, and only there; where the worst is x2 = kappa m, it is not below 0 there.';
COMMENT ON MACRO pool_exceeding IS 'rho as m grows and x = chi^2 / m stays: P(t > x m) at most, by Markov or, if kappa binds, by Cantelli.';
COMMENT ON MACRO pool_widest IS 'chi^2 / m as m grows: the x that is exceeded with probability alpha.';
COMMENT ON MACRO pool_root_mean_square IS 'Root mean square error of an estimate: weight sqrt(v) sqrt(1 + m), from normal error and bias; always finite.';
COMMENT ON MACRO pool_missed_of_row IS 'Share of y - mean that a prediction without the row misses; share_less = c_less / s_less, 0 for a known mu.';
COMMENT ON MACRO pool_missed_of_mean IS 'Share of mean - mu that a prediction without the row misses; s_ratio = s / s_less, 1 for a known mu.';
COMMENT ON MACRO pool_held_out_squares IS 'Squared error of a group''s held-out rows; d2 = (mean - mu)^2.';
COMMENT ON MACRO pool_gain IS 'By how many per cent an error is smaller than the reference.';
COMMENT ON MACRO pool_uncertainty_of_effects IS 'Term of a group in the expected spread that estimates of theta - mu lack, mu known: weight v (1 - 1 / J).';
COMMENT ON MACRO pool_uncertainty_of_rows IS 'Term of a group in the expected spread that estimates of y - theta lack, mu known: n weight v (1 - n / N).';
COMMENT ON MACRO pool_pooling_factor IS 'Pooling of a level: 1 - V(E e) / E(V e) = uncertainty / (spread + uncertainty) of its errors e.';
COMMENT ON MACRO pool_half_t IS 'Student''s t with df degrees of freedom, the half above 0; of 1 degree it is the half-Cauchy.';
COMMENT ON MACRO pool_half_normal IS 'Normal, the half above 0.';
COMMENT ON MACRO pool_exponential IS 'Exponential of mean 1 / rate.';
COMMENT ON MACRO pool_inverse_gamma IS 'Inverse gamma on tau squared, as a density of tau.';
COMMENT ON MACRO pool_jeffreys IS 'Jeffreys'' prior, which is improper: the root of the information of tau; `squares` = sum(1 / (v + tau2)^2).';
COMMENT ON MACRO pool_uniform_shrinkage IS 'Uniform on the weight of a group whose sampling variance is s2, the harmonic mean of all (Daniels 1999).';
COMMENT ON MACRO pool_dumouchel IS 'Log-logistic with the median sqrt(s2) (DuMouchel & Normand 2000).';
COMMENT ON MACRO pool_log_likelihood_known_mu IS 'Log density of the means at tau about a known mu.';
COMMENT ON MACRO pool_log_likelihood_flat_mu IS 'Log likelihood of tau with mu integrated out under a density of 1 everywhere.';
COMMENT ON MACRO pool_log_likelihood_normal_mu IS 'Log likelihood of tau with mu integrated out under a normal prior.';
COMMENT ON MACRO pool_mu_given_tau IS 'Posterior mean of a normal mu at tau: partial pooling once more, of the groups'' centre toward m.';
COMMENT ON MACRO pool_variance_of_mu_given_tau IS 'Posterior variance of a normal mu at tau, 1 / (s1 + 1 / s^2).';
COMMENT ON MACRO pool_log_likelihood_within IS 'Log density of the squares within groups, SSW, at sigma2, without a constant that depends on the data alone.';
COMMENT ON MACRO pool_regression_slope IS 'The covariate''s coefficient.';
COMMENT ON MACRO pool_regression_squares IS 'What covariate and intercept leave of the value''s squares.';
COMMENT ON MACRO pool_regression_ml_deviance IS '-2 log L over sigma2 and the fixed terms, up to a constant, from sum(log(1 + w rho)); df = N.';
COMMENT ON MACRO pool_regression_reml_deviance IS '-2 restricted log L, up to a constant, from sum(h) too: log |X'' V^-1 X| = log(sum(h) xx); df = N - 2.';
COMMENT ON MACRO pool_regression_ml_deviance_slope IS 'Derivative of ml_deviance by rho, from sum(h^2 e^2) of the residual means e, and sum(h).';
COMMENT ON MACRO pool_regression_reml_deviance_slope IS 'Derivative of reml_deviance by rho, from sum(h^2) and sum(h^2 dx^2) too.';
COMMENT ON MACRO pool_regression_r2_marginal IS 'Share of the fixed terms in the variance of a row (Nakagawa & Schielzeth 2013, Methods Ecol. Evol. 4).';
COMMENT ON MACRO pool_regression_r2_conditional IS 'Share of the fixed and the varying terms (with slopes by Johnson 2014, Methods Ecol. Evol. 5).';
COMMENT ON MACRO pool_rate_weight IS 'What a group''s own rate keeps, n / (n + size): 0 without trials, or where all pool completely.';
COMMENT ON MACRO pool_rate_pooling IS 'What the mean of the prior contributes to the estimate of a group, 1 - weight.';
COMMENT ON MACRO pool_rate_estimate IS 'The mean of the posterior, (x + mean size) / (n + size).';
COMMENT ON MACRO pool_rate_beta_variance IS 'The variance of a beta posterior.';
COMMENT ON MACRO pool_rate_gamma_variance IS 'The variance of a gamma posterior.';
COMMENT ON MACRO pool_rate_effective_trials IS 'The independent trials that determine the mean of the prior as well as n trials of one group, n / (1 + (n - 1) rho) with the overdispersion rho = 1 / (1 + size); their sum is mean (1 - mean) / Var(mean).';
COMMENT ON MACRO pool_rate_effective_exposure IS 'The exposure that determines the mean of the prior as well as an exposure n of one group: mean / Var(mean).';
COMMENT ON MACRO pool_rate_beta_centre IS 'The posterior mean of the prior''s mean, estimated from so many effective trials; infinite ones: known.';
COMMENT ON MACRO pool_rate_beta_centre_variance IS 'The posterior variance of the mean of a beta prior.';
COMMENT ON MACRO pool_rate_gamma_centre IS 'The posterior mean of the prior''s mean, estimated from so much effective exposure; infinite: known.';
COMMENT ON MACRO pool_rate_gamma_centre_variance IS 'The posterior variance of the mean of a gamma prior.';
COMMENT ON MACRO pool_rate_location IS 'The mean of a group''s rate: the estimate, with the posterior mean of the prior''s mean in place of that mean.';
COMMENT ON MACRO pool_rate_matched_trials IS 'alpha + beta of the beta distribution of a group''s rate, with this location and the variance [location (1 - location) + (n + size) pooling^2 variance] / (n + size + 1); `variance` is that of the prior''s mean.';
COMMENT ON MACRO pool_rate_matched_exposure IS 'The rate of the gamma distribution of a group''s rate, with this location and the variance location / (n + size) + pooling^2 variance.';
COMMENT ON MACRO pool_rate_beta_spread IS 'The variance of a beta distribution of this mean and alpha + beta.';
COMMENT ON MACRO pool_rate_gamma_spread IS 'The variance of a gamma distribution of this mean and rate.';
COMMENT ON MACRO pool_method_names IS 'The names of the estimators of a hyperparameter.';
COMMENT ON MACRO pool_methods_by_rows IS 'Estimators that weigh by rows, so that published estimates need n.';
COMMENT ON MACRO pool_methods_of_rows_alone IS 'Estimators that need the rows'' own variance.';
COMMENT ON MACRO pool_methods_unweighted IS 'Estimators that do not fit weights.';
COMMENT ON MACRO pool_methods_without_error IS 'Estimators whose standard error is not known.';
COMMENT ON MACRO pool_methods_without IS 'The names of the estimators of a hyperparameter that are not in a list.';
COMMENT ON MACRO TABLE pool_methods IS 'The estimators by name, and the input they fit: groups whose sampling variance is known (published estimates need n= where needs_n), rows with precision weights.';
COMMENT ON MACRO TABLE pool_shrink IS 'Partially pooled mean of every group, `weight * mean + (1 - weight) * mu`, with its interval.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of numbers or Booleans: the value of each row; with `n` and `var` the stored mean; with `se` the published estimate.
by: One or several columns or expressions that define the groups to pool.
over: Keys of independent models, each with its own sigma2, tau2 and mu; thousands of models are one query.
n: Stored count of every group, together with `var`; rows with equal keys are merged exactly. With `se` optional: the number of rows behind a published estimate.
var: Stored sample variance of every group, together with `n`; rows with equal keys are merged exactly.
se: Standard error of a published estimate, in units of the value; repeated keys combine by inverse variance. `n` is optional here and may be null.
weights: Precision weights of rows, Var(row) = sigma2 / weight, not repetitions; with stored moments their total `w`.
sigma2: Variance within groups: `''pooled''` for one variance, `''separate''` for a variance of each group, `''squeezed''` for a variance of each group moderated by all (limma''s squeezeVar), or a known number.
tau2: Variance between groups: the name of an estimator (`''reml''` by default; a guide lists all), a known number, or a prior of tau, `''half_cauchy(5)''`: with a prior all results describe the exact posterior.
mu: Population mean: `''gls''`, `''rows''`, `''groups''`, `''shrunk''`, or a known number; with a prior or a known number for tau2 also a prior, `''normal(0, 5)''` or `''flat()''` (`''gls''` then means `''flat()''`).
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.
level: Probability of the interval, between 0 and 1.
uncertainty: Which errors `se` includes. `''mu''` (default): the error of mu (metafor''s BLUP); `''conditional''`: no error of mu (lme4''s condVar); `''tau2''`: the errors of mu and tau2, up to v at most.
interval: For estimates `''normal''` (default): estimate ± quantile · se, exact where the groups'' true means are normal about mu; or `''robust''`: it covers the true mean at `level` on average over the groups for every distribution of the true means with the second and fourth moment about mu that are estimated, for many groups, some 50 or more.
predict: Chooses the quantity that `se`, `lower`, `upper` and `p_above` describe: the group''s true `''mean''` (default); a new `''row''` of the group, se squared + sigma2 (with weights, a row of weight 1); or a `''replicate''` of its mean, a new observation of the mean with the same v, se squared + v.
threshold: A number in units of the value: adds `p_above`, the probability that the quantity of `predict` exceeds it.
groups: The name of a table with the columns of `by`, and all or none of those of `over`.';
COMMENT ON MACRO TABLE pool_encode IS 'The partially pooled mean of its group as a new column of every row.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of numbers or Booleans: the value of each row.
by: One or several columns or expressions that define the groups to pool.
over: Keys of independent models, each with its own sigma2, tau2 and mu; thousands of models are one query.
weights: Precision weights of rows, Var(row) = sigma2 / weight, not repetitions.
sigma2: Variance within groups: `''pooled''` for one variance, `''separate''` for a variance of each group, `''squeezed''` for a variance of each group moderated by all (limma''s squeezeVar), or a known number.
tau2: Variance between groups: the name of an estimator (`''reml''` by default; a guide lists all), a known number, or a prior of tau, `''half_cauchy(5)''`: with a prior all results describe the exact posterior.
mu: Population mean: `''gls''`, `''rows''`, `''groups''`, `''shrunk''`, or a known number; with a prior or a known number for tau2 also a prior, `''normal(0, 5)''` or `''flat()''` (`''gls''` then means `''flat()''`).
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.
folds: A column or an expression whose values are the folds: each row is encoded from the rows of the other folds, and sigma2, tau2 and mu are estimated again without each fold. By default each row is encoded from all rows of its group, its own included; a model that is trained on these codes sees a part of its target.';
COMMENT ON MACRO TABLE pool_components IS 'Variance within groups, variance between groups and population mean of every model, with their uncertainty.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of numbers or Booleans: the value of each row; with `n` and `var` the stored mean; with `se` the published estimate.
by: One or several columns or expressions that define the groups to pool.
over: Keys of independent models, each with its own sigma2, tau2 and mu; thousands of models are one query.
n: Stored count of every group, together with `var`; rows with equal keys are merged exactly. With `se` optional: the number of rows behind a published estimate.
var: Stored sample variance of every group, together with `n`; rows with equal keys are merged exactly.
se: Standard error of a published estimate, in units of the value; repeated keys combine by inverse variance. `n` is optional here and may be null.
weights: Precision weights of rows, Var(row) = sigma2 / weight, not repetitions; with stored moments their total `w`.
sigma2: Variance within groups: `''pooled''` for one variance, `''separate''` for a variance of each group, `''squeezed''` for a variance of each group moderated by all (limma''s squeezeVar), or a known number.
tau2: Variance between groups: the name of an estimator (`''reml''` by default; a guide lists all), a known number, or a prior of tau, `''half_cauchy(5)''`: with a prior all results describe the exact posterior.
mu: Population mean: `''gls''`, `''rows''`, `''groups''`, `''shrunk''`, or a known number; with a prior or a known number for tau2 also a prior, `''normal(0, 5)''` or `''flat()''` (`''gls''` then means `''flat()''`).
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.
level: Probability of the intervals, between 0 and 1.
test: Test and intervals of mu: `''z''` by the normal distribution (default), `''t''` by Student''s distribution with J - 1 degrees of freedom, `''knha''` by Student''s distribution with the standard error of Knapp & Hartung, `''adhoc''` by the larger of this standard error and the ordinary one.
limits: Interval of tau2: `''profile''` by the profile likelihood (reml and ml), `''q''` by the quantiles of Q; by default profile for reml and ml on rows with a pooled sigma2, else Q.';
COMMENT ON MACRO TABLE pool_profile IS 'Likelihood, mu and Q at every tau: the curves behind intervals, tests and standard errors of tau2.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of numbers or Booleans: the value of each row; with `n` and `var` the stored mean; with `se` the published estimate.
by: One or several columns or expressions that define the groups to pool.
over: Keys of independent models, each with its own sigma2, tau2 and mu; thousands of models are one query.
n: Stored count of every group, together with `var`; rows with equal keys are merged exactly. With `se` optional: the number of rows behind a published estimate.
var: Stored sample variance of every group, together with `n`; rows with equal keys are merged exactly.
se: Standard error of a published estimate, in units of the value; repeated keys combine by inverse variance. `n` is optional here and may be null.
weights: Precision weights of rows, Var(row) = sigma2 / weight, not repetitions; with stored moments their total `w`.
sigma2: Variance within groups: `''pooled''` for one variance, `''separate''` for a variance of each group, `''squeezed''` for a variance of each group moderated by all (limma''s squeezeVar), or a known number.
mu: Population mean: `''gls''`, estimated at each tau, or a known number; with a prior of tau2 also a prior: `mu` and `se_mu` are then posterior mean and standard deviation at each tau.
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.
tau: Standard deviations between groups, in units of the value: a list of numbers, each 0 or more.
groups: True returns one row per group at each tau, with its estimate: the ''effect of tau'' curves.
tau2: A prior of tau, such as `''half_cauchy(5)''`: adds `density`, the posterior density of tau.';
COMMENT ON MACRO TABLE pool_compare IS 'Prediction errors without, with complete and with partial pooling, for rows that are held out.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of numbers or Booleans: the value of each row; with `n` and `var` the stored mean.
by: One or several columns or expressions that define the groups to pool.
over: Keys of independent models, each with its own sigma2, tau2 and mu; thousands of models are one query.
n: Stored count of every group, together with `var`; rows with equal keys are merged exactly.
var: Stored sample variance of every group, together with `n`; rows with equal keys are merged exactly.
sigma2: Variance within groups: `''pooled''` for one variance, `''separate''` for a variance of each group, `''squeezed''` for a variance of each group moderated by all (limma''s squeezeVar), or a known number.
tau2: Variance between groups: the name of an estimator (`''reml''` by default; a guide lists all), a known number, or a prior of tau, `''half_cauchy(5)''`: with a prior all results describe the exact posterior.
mu: Population mean: `''gls''`, `''rows''`, `''groups''`, `''shrunk''`, or a known number; with a prior or a known number for tau2 also a prior, `''normal(0, 5)''` or `''flat()''` (`''gls''` then means `''flat()''`).
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.';
COMMENT ON MACRO TABLE pool_moments IS 'Count, mean and sample variance of every group: all statistics of the rows that partial pooling needs.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of numbers or Booleans, computed row by row; a null does not count.
by: One or several columns or expressions that define the groups.
n: Stored count of every group, together with `var`; rows with equal keys are merged exactly.
var: Stored sample variance of every group, together with `n`; rows with equal keys are merged exactly.
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.';
COMMENT ON MACRO TABLE pool_weighted_moments IS 'Count, mean, sample variance and total weight w of every group, of rows with precision weights.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of numbers or Booleans, computed row by row; a null does not count.
by: One or several columns or expressions that define the groups.
weights: Precision weights, Var(row) = sigma2 / weight: finite, 0 or more.
n: Stored count of every group, together with `var`; rows with equal keys are merged exactly.
var: Stored sample variance of every group, together with `n`; rows with equal keys are merged exactly.
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.';
COMMENT ON MACRO TABLE pool_merge IS 'Merged moments of disjoint rows: states with equal keys become the moments of their union, exactly.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
by: The keys to merge by: the keys of the states, or some of them.';
COMMENT ON MACRO TABLE pool_weighted_merge IS 'Stored moments with weights merged: states with equal keys become the moments of their union, exactly.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
by: The keys to merge by: the keys of the states, or some of them.';
COMMENT ON MACRO pool_moments_of IS 'Moments as an aggregate, for any GROUP BY: a struct of n, mean and var.';
COMMENT ON MACRO TABLE pool_regress IS 'The partially pooled regression y = intercept of the group + slope x, one row per group and term.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
y: Column or expression of numbers or Booleans.
x: The covariate: a column or an expression of numbers or Booleans; a factor needs Python.
by: One or several columns or expressions that define the groups.
over: Keys of independent models.
weights: Precision weights, Var(row) = sigma2 / weight: finite, 0 or more.
method: `''reml''` (default) or `''ml''`.
level: Probability of the interval, between 0 and 1.
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.';
COMMENT ON MACRO TABLE pool_regress_components IS 'The population of the regression y = intercept of the group + slope x, one row per model: variances, and the coefficients by term in maps.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
y: Column or expression of numbers or Booleans.
x: The covariate: a column or an expression of numbers or Booleans; a factor needs Python.
by: One or several columns or expressions that define the groups.
over: Keys of independent models.
weights: Precision weights, Var(row) = sigma2 / weight: finite, 0 or more.
method: `''reml''` (default) or `''ml''`.
level: Probability of the intervals of mu, between 0 and 1.
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.';
COMMENT ON MACRO TABLE pool_regress_coefficients IS 'The coefficients of the population of the regression y = intercept of the group + slope x with their tests by the normal distribution, one row per model and term.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
y: Column or expression of numbers or Booleans.
x: The covariate: a column or an expression of numbers or Booleans; a factor needs Python.
by: One or several columns or expressions that define the groups.
over: Keys of independent models.
weights: Precision weights, Var(row) = sigma2 / weight: finite, 0 or more.
method: `''reml''` (default) or `''ml''`.
level: Probability of the intervals, between 0 and 1.
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.';
COMMENT ON MACRO TABLE pool_shrink_nested IS 'Partially pooled means of two nested levels, such as stores in regions: each inner group is pulled toward its outer group, and each outer group toward mu.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of numbers or Booleans: the value of each row; with `n` and `var` the stored mean; with `se` the published estimate.
outer: Key of the outer level: a column or an expression, or several by name.
inner: Key of the inner level: equal keys in different outer groups are different groups.
over: Keys of independent models, each with its own sigma2, tau2 and mu; thousands of models are one query.
n: Stored count of every group, together with `var`; rows with equal keys are merged exactly. With `se` optional: the number of rows behind a published estimate.
var: Stored sample variance of every group, together with `n`; rows with equal keys are merged exactly.
se: Standard error of a published estimate, in units of the value; repeated keys combine by inverse variance. `n` is optional here and may be null.
weights: Precision weights of rows, Var(row) = sigma2 / weight, not repetitions; with stored moments their total `w`.
sigma2: Variance within groups: `''pooled''` (default) or a known number.
tau2: Variance between groups at both levels: `''reml''` (default) or `''ml''`, or a known number.
tau2_outer: A known variance at the outer level, where the inner one may be estimated.
tau2_inner: A known variance at the inner level, where the outer one may be estimated.
at: The level of the result: `''inner''` (default), one row per pair of keys, or `''outer''`.
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.
level: Probability of the interval, between 0 and 1.
uncertainty: Which errors `se` includes. `''mu''` (default): the error of mu; `''conditional''`: none, as if mu were known.
predict: Chooses the quantity that `se`, `lower`, `upper` and `p_above` describe: the group''s true `''mean''` (default); a new `''row''` of the group, for an outer group in a new inner group; or a `''replicate''` of its mean, a new observation of the mean with the same v.
threshold: A number in units of the value: adds `p_above`, the probability that the quantity of `predict` exceeds it.';
COMMENT ON MACRO TABLE pool_components_nested IS 'The variances of two nested levels, one row per model and level, the outer level first: tau2 with its standard error, profile-likelihood interval and likelihood-ratio test, and the statistics of the model, equal in both rows.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of numbers or Booleans: the value of each row; with `n` and `var` the stored mean; with `se` the published estimate.
outer: Key of the outer level: a column or an expression, or several by name.
inner: Key of the inner level: equal keys in different outer groups are different groups.
over: Keys of independent models, each with its own sigma2, tau2 and mu; thousands of models are one query.
n: Stored count of every group, together with `var`; rows with equal keys are merged exactly. With `se` optional: the number of rows behind a published estimate.
var: Stored sample variance of every group, together with `n`; rows with equal keys are merged exactly.
se: Standard error of a published estimate, in units of the value; repeated keys combine by inverse variance. `n` is optional here and may be null.
weights: Precision weights of rows, Var(row) = sigma2 / weight, not repetitions; with stored moments their total `w`.
sigma2: Variance within groups: `''pooled''` (default) or a known number.
tau2: Variance between groups at both levels: `''reml''` (default) or `''ml''`, or a known number.
tau2_outer: A known variance at the outer level, where the inner one may be estimated.
tau2_inner: A known variance at the inner level, where the outer one may be estimated.
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.
level: Probability of the intervals, between 0 and 1.';
COMMENT ON MACRO TABLE pool_shrink_toward IS 'Partially pooled means that are pulled toward what a predictor of the groups says: weight * mean + (1 - weight) * fit, fit = intercept + slope * toward.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of numbers or Booleans: the value of each row; with `n` and `var` the stored mean; with `se` the published estimate.
by: One or several columns or expressions that define the groups to pool.
toward: The predictor: a column or an expression of numbers or Booleans with one value in each group; several predictors and factors need Python.
over: Keys of independent models, each with its own sigma2, tau2 and mu; thousands of models are one query.
n: Stored count of every group, together with `var`; rows with equal keys are merged exactly. With `se` optional: the number of rows behind a published estimate.
var: Stored sample variance of every group, together with `n`; rows with equal keys are merged exactly.
se: Standard error of a published estimate, in units of the value; repeated keys combine by inverse variance. `n` is optional here and may be null.
weights: Precision weights of rows, Var(row) = sigma2 / weight, not repetitions; with stored moments their total `w`.
sigma2: Variance within groups: `''pooled''` for one variance, `''separate''` for a variance of each group, `''squeezed''` for a variance of each group moderated by all (limma''s squeezeVar), or a known number.
tau2: Variance between groups that the predictor leaves: the name of an estimator (`''reml''` by default; `''ml''`, `''dl''`, `''he''`, `''hs''`, `''sj''`, `''pm''`, `''eb''`) or a known number.
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.
level: Probability of the interval, between 0 and 1.
uncertainty: Which errors `se` includes. `''mu''` (default): the error of the fit; `''conditional''`: none, as if the coefficients were known; `''tau2''`: those of the fit and of tau2.
predict: Chooses the quantity that `se`, `lower`, `upper` and `p_above` describe: the group''s true `''mean''` (default); a new `''row''` of the group, se squared + sigma2 (with weights, a row of weight 1); or a `''replicate''` of its mean, a new observation of the mean with the same v, se squared + v.
threshold: A number in units of the value: adds `p_above`, the probability that the quantity of `predict` exceeds it.';
COMMENT ON MACRO TABLE pool_components_toward IS 'The variances and the fit of every model beside one predictor of its groups: tau2 is what the predictor leaves, r2 the percentage of tau2 that it explains, qm the statistic of its test, and q that of the residual heterogeneity.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of numbers or Booleans: the value of each row; with `n` and `var` the stored mean; with `se` the published estimate.
by: One or several columns or expressions that define the groups to pool.
toward: The predictor: a column or an expression of numbers or Booleans with one value in each group; several predictors and factors need Python.
over: Keys of independent models, each with its own sigma2, tau2 and mu; thousands of models are one query.
n: Stored count of every group, together with `var`; rows with equal keys are merged exactly. With `se` optional: the number of rows behind a published estimate.
var: Stored sample variance of every group, together with `n`; rows with equal keys are merged exactly.
se: Standard error of a published estimate, in units of the value; repeated keys combine by inverse variance. `n` is optional here and may be null.
weights: Precision weights of rows, Var(row) = sigma2 / weight, not repetitions; with stored moments their total `w`.
sigma2: Variance within groups: `''pooled''` for one variance, `''separate''` for a variance of each group, `''squeezed''` for a variance of each group moderated by all (limma''s squeezeVar), or a known number.
tau2: Variance between groups that the predictor leaves: the name of an estimator (`''reml''` by default; `''ml''`, `''dl''`, `''he''`, `''hs''`, `''sj''`, `''pm''`, `''eb''`) or a known number.
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.
level: Probability of the intervals, between 0 and 1.
test: How coefficients are tested: `''z''` (default), `''t''`, or `''knha''` and `''adhoc''` by Knapp & Hartung.
limits: Interval of tau2: `''profile''` by the profile likelihood (reml and ml), `''q''` by the quantiles of Q; by default profile for reml and ml on rows with a pooled sigma2, else Q.';
COMMENT ON MACRO TABLE pool_coefficients IS 'The coefficients of a predictor of groups, one row per model and term, with their intervals and tests.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of numbers or Booleans: the value of each row; with `n` and `var` the stored mean; with `se` the published estimate.
by: One or several columns or expressions that define the groups to pool.
toward: The predictor: a column or an expression of numbers or Booleans with one value in each group; several predictors and factors need Python.
over: Keys of independent models, each with its own sigma2, tau2 and mu; thousands of models are one query.
n: Stored count of every group, together with `var`; rows with equal keys are merged exactly. With `se` optional: the number of rows behind a published estimate.
var: Stored sample variance of every group, together with `n`; rows with equal keys are merged exactly.
se: Standard error of a published estimate, in units of the value; repeated keys combine by inverse variance. `n` is optional here and may be null.
weights: Precision weights of rows, Var(row) = sigma2 / weight, not repetitions; with stored moments their total `w`.
sigma2: Variance within groups: `''pooled''` for one variance, `''separate''` for a variance of each group, `''squeezed''` for a variance of each group moderated by all (limma''s squeezeVar), or a known number.
tau2: Variance between groups that the predictor leaves: the name of an estimator (`''reml''` by default; `''ml''`, `''dl''`, `''he''`, `''hs''`, `''sj''`, `''pm''`, `''eb''`) or a known number.
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.
level: Probability of the interval, between 0 and 1.
test: How coefficients are tested: `''z''` (default), `''t''`, or `''knha''` and `''adhoc''` by Knapp & Hartung.';
COMMENT ON MACRO TABLE pool_shrink_rates IS 'Partially pooled rates of groups, `value` events in `trials` trials: beta distributed, with their posterior means. `prior` is estimated by ''ml'' or ''moments'', or known, as in ''beta(2, 5)''.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of whole numbers: the events of each row.
trials: Column or expression of whole numbers: the value counts events out of this number of trials, and a beta prior pools the rates of the groups.
by: One or several columns or expressions that define the groups to pool.
over: Keys of independent models, each with its own prior.
prior: Prior of rates: `''ml''` (default) estimates it by maximum likelihood, `''moments''` by the variance of the raw rates less the variance by chance; or a known prior, `''beta(2, 5)''` for trials, `''gamma(3, 1)''` for exposure.
level: Probability of the interval, between 0 and 1.
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.
threshold: A rate: adds `p_above`, `pep` and `q_value`.
groups: The name of a table with the columns of `by`, and all or none of those of `over`.
posterior: True adds the parameters of the posterior of every rate, conditional on the prior: `alpha` and `beta`, or `shape` and `rate`.
limits: False leaves lower and upper out.
uncertainty: Which errors `se` includes. `''mu''` (default): the error of the prior''s mean; `''conditional''`: none, as if the estimated prior were known.';
COMMENT ON MACRO TABLE pool_shrink_counts IS 'Partially pooled rates of groups, `value` events in an exposure: gamma distributed rates per unit of exposure. `prior` may be ''gamma(3, 1)'', shape and rate.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of whole numbers: the events of each row.
exposure: Column or expression of numbers above 0: the value counts events in this exposure (time, policies or the like), and a gamma prior pools the rates of the groups.
by: One or several columns or expressions that define the groups to pool.
over: Keys of independent models, each with its own prior.
prior: Prior of rates: `''ml''` (default) estimates it by maximum likelihood, `''moments''` by the variance of the raw rates less the variance by chance; or a known prior, `''beta(2, 5)''` for trials, `''gamma(3, 1)''` for exposure.
level: Probability of the interval, between 0 and 1.
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.
threshold: A rate: adds `p_above`, `pep` and `q_value`.
groups: The name of a table with the columns of `by`, and all or none of those of `over`.
posterior: True adds the parameters of the posterior of every rate, conditional on the prior: `alpha` and `beta`, or `shape` and `rate`.
limits: False leaves lower and upper out.
uncertainty: Which errors `se` includes. `''mu''` (default): the error of the prior''s mean; `''conditional''`: none, as if the estimated prior were known.';
COMMENT ON MACRO TABLE pool_components_rates IS 'The beta distribution of the rates of groups, one row per model.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of whole numbers: the events of each row.
trials: Column or expression of whole numbers: the value counts events out of this number of trials, and a beta prior pools the rates of the groups.
by: One or several columns or expressions that define the groups to pool.
over: Keys of independent models, each with its own prior.
prior: Prior of rates: `''ml''` (default) estimates it by maximum likelihood, `''moments''` by the variance of the raw rates less the variance by chance; or a known prior, `''beta(2, 5)''` for trials, `''gamma(3, 1)''` for exposure.
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.';
COMMENT ON MACRO TABLE pool_components_counts IS 'The gamma distribution of the rates of groups per unit of exposure, one row per model.
tbl: The name of a table, a view or a CTE, or a Parquet glob in quotes.
value: Column or expression of whole numbers: the events of each row.
exposure: Column or expression of numbers above 0: the value counts events in this exposure (time, policies or the like), and a gamma prior pools the rates of the groups.
by: One or several columns or expressions that define the groups to pool.
over: Keys of independent models, each with its own prior.
prior: Prior of rates: `''ml''` (default) estimates it by maximum likelihood, `''moments''` by the variance of the raw rates less the variance by chance; or a known prior, `''beta(2, 5)''` for trials, `''gamma(3, 1)''` for exposure.
nan: `''error''` (default) raises an error for NaN and infinite values when the query runs; `''null''` treats them as missing.';
