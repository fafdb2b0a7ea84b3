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
