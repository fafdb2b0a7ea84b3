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
