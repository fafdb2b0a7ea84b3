-- Rendered from polars_pool/formulas/messages.py by `python -m polars_pool.rendering`: edit there.
--
-- The sentences that SQL raises as Python does, NULL where an argument is. Arguments are texts, filled in as they are
-- shown. A sentence is one call, because DuckDB binds every ||.
CREATE OR REPLACE MACRO _pool_message_one_of(role, argument, names, nearest) AS
    format('{}={}; give one of {}{}', role, argument, names, nearest);
CREATE OR REPLACE MACRO _pool_message_number_or_one_of(role, argument, number, names, nearest) AS
    format('{}={}; give {}, or one of {}{}', role, argument, number, names, nearest);
CREATE OR REPLACE MACRO _pool_message_level(argument, nearest) AS
    format('level={}; give a number between 0 and 1, such as 0.95{}', argument, nearest);
CREATE OR REPLACE MACRO _pool_message_threshold(argument, number) AS
    format('threshold={}; give {}, in units of the value', argument, number);
CREATE OR REPLACE MACRO _pool_message_taus(tau) AS
    format('{}; give a list of numbers, each 0 or more, such as [0, 1, 2]', tau);
CREATE OR REPLACE MACRO _pool_message_no_prior(role, argument, forms, nearest) AS
    format('{}={} is no prior; give one of {}{}', role, argument, forms, nearest);
CREATE OR REPLACE MACRO _pool_message_wrong_prior(role, argument, rule) AS
    format('{}={}: give {}', role, argument, rule);
CREATE OR REPLACE MACRO _pool_message_several_columns(role, count, names) AS
    format('{} stands for {} columns, {}; give one', role, count, names);
CREATE OR REPLACE MACRO _pool_message_no_numbers(role, name, type) AS
    format('{}={} is {}; give a column of numbers or Booleans', role, name, type);
CREATE OR REPLACE MACRO _pool_message_key_twice(key) AS
    format('the key {} appears twice in by= and over=; name each key once', key);
CREATE OR REPLACE MACRO _pool_message_key_of_result(key, names) AS
    format('the key {} bears the name of a result column ({}); rename it first', key, names);
CREATE OR REPLACE MACRO _pool_message_with_published(role) AS
    format('{}= does not go with se=: published estimates carry their error in se alone', role);
CREATE OR REPLACE MACRO _pool_message_half_of_moments(role, missing) AS
    format('{}= without {}=; stored moments need both, published estimates need se=', role, missing);
CREATE OR REPLACE MACRO _pool_message_variance_of_published(argument) AS
    format('sigma2={} does not go with se=: the sampling variance is known, se squared', argument);
CREATE OR REPLACE MACRO _pool_message_without_counts(role, argument, names) AS
    format('{}={} needs row counts, which se= does not give: pass n=, or one of {}', role, argument, names);
CREATE OR REPLACE MACRO _pool_message_unfit(role, argument, source, names) AS
    format('{}={} does not fit {}: give a number, or one of {}', role, argument, source, names);
CREATE OR REPLACE MACRO _pool_message_prior_beside_estimate(role, argument, tau2) AS
    format('{}={} does not go with tau2={}, an estimate: give tau2 as a number or a prior such as '
        || '''half_cauchy(5)''',
        role, argument, tau2);
CREATE OR REPLACE MACRO _pool_message_mu_beside_prior(argument) AS
    format('mu={} does not go with a prior of tau2, where mu is integrated out: give ''gls'', a number, or '
        || 'a prior such as ''normal(0, 5)''',
        argument);
CREATE OR REPLACE MACRO _pool_message_prior_refused(role, argument, verb) AS
    format('{}={} does not go with {}: give a number or the name of an estimator', role, argument, verb);
CREATE OR REPLACE MACRO _pool_message_beside_prior(role, argument, reason) AS
    format('{}={} does not go with a prior: {}', role, argument, reason);
CREATE OR REPLACE MACRO _pool_message_mu_has_posterior() AS
    'mu has a posterior';
CREATE OR REPLACE MACRO _pool_message_tau2_has_posterior() AS
    'tau2 has a posterior';
CREATE OR REPLACE MACRO _pool_message_posterior_holds_errors() AS
    'the posterior holds the errors of mu and tau2';
CREATE OR REPLACE MACRO _pool_message_not_of_posterior(argument) AS
    format('interval={} does not go with a prior: give ''central'' or ''shortest''', argument);
CREATE OR REPLACE MACRO _pool_message_of_posterior(argument, others) AS
    format('interval={} applies to a posterior only: give a prior of tau2 or mu, or {}', argument, others);
CREATE OR REPLACE MACRO _pool_message_robust_prediction(argument) AS
    format('interval=''robust'' does not go with predict={}: it covers the true means; give '
        || 'predict=''mean''',
        argument);
CREATE OR REPLACE MACRO _pool_message_row_of_published() AS
    'predict=''row'' does not go with se=: published estimates do not give the variance of a row; '
        || 'choose ''mean'' or ''replicate''';
CREATE OR REPLACE MACRO _pool_message_error_unknown(argument, names) AS
    format('uncertainty=''tau2'' does not fit tau2={}, which has no standard error: give a number, or one '
        || 'of {}',
        argument, names);
CREATE OR REPLACE MACRO _pool_message_error_of_rates(role) AS
    format('uncertainty=''tau2'' does not go with {}=: rates have an overdispersion and no tau2; give '
        || '''mu'' or ''conditional''',
        role);
CREATE OR REPLACE MACRO _pool_message_profile_limits(argument, names) AS
    format('limits=''profile'' does not fit tau2={}: give limits=''q'', or tau2 as one of {}', argument, names);
CREATE OR REPLACE MACRO _pool_message_profile_tau2(argument) AS
    format('tau2={} does not fit a profile: give a prior such as ''half_cauchy(5)'', or nothing', argument);
CREATE OR REPLACE MACRO _pool_message_profile_mu(argument) AS
    format('mu={} does not fit a profile, where mu is the most likely: give ''gls'' or a number', argument);
CREATE OR REPLACE MACRO _pool_message_bad_weights(weights, rows) AS
    format('{} is null, NaN, negative or infinite in {}: precision weights are finite and not negative; a '
        || 'row of weight 0 does not count',
        weights, rows);
CREATE OR REPLACE MACRO _pool_message_bad_n(n, rows) AS
    format('{} is null, NaN, negative or infinite in {}: n is a count of rows, a whole number of 0 or more',
        n, rows);
CREATE OR REPLACE MACRO _pool_message_bad_var(var, rows) AS
    format('{} is null, NaN, negative or infinite in {}: var is a sample variance, 0 or more wherever n > 1',
        var, rows);
CREATE OR REPLACE MACRO _pool_message_bad_se(se, rows) AS
    format('{} is null, NaN or negative in {}: a standard error is 0 or more, and infinite for an estimate '
        || 'without information; leave out rows without one, with drop_nulls() in Polars or WHERE ... IS '
        || 'NOT NULL in SQL',
        se, rows);
CREATE OR REPLACE MACRO _pool_message_not_finite_in_rows(argument, rows) AS
    format('{} is NaN or infinite in {}: remove them, or count them as missing with nan=''null''',
        argument, rows);
CREATE OR REPLACE MACRO _pool_message_no_count(value, rows) AS
    format('{} is negative or fractional in {}: a count is a whole number of 0 or more', value, rows);
CREATE OR REPLACE MACRO _pool_message_no_trials(trials, rows) AS
    format('{} is negative or fractional in {}: trials are a whole number of 0 or more', trials, rows);
CREATE OR REPLACE MACRO _pool_message_no_exposure(exposure, rows) AS
    format('{} is 0 or negative in {}: an exposure is a number above 0', exposure, rows);
CREATE OR REPLACE MACRO _pool_message_no_fold(rows) AS
    format('folds= is null in {}: give each row a fold, or leave these rows out', rows);
CREATE OR REPLACE MACRO _pool_message_more_than_trials(value, trials, rows) AS
    format('{} exceeds {} in {}: there are no more events than trials', value, trials, rows);
CREATE OR REPLACE MACRO _pool_message_not_finite(role, name) AS
    format('the {} {} holds NaN or infinite numbers: remove them, or count them as missing with '
        || 'nan=''null''',
        role, name);
CREATE OR REPLACE MACRO _pool_message_few_groups(argument, least, groups) AS
    format('tau2={} needs {} groups at least, and there {}: the posterior has no finite total; give a '
        || 'proper prior, such as ''half_cauchy(5)''',
        argument, least, groups);
CREATE OR REPLACE MACRO _pool_message_improper_at_zero(argument) AS
    format('tau2={} leaves the posterior improper at tau = 0, which groups without sampling variance ask '
        || 'for; give tau2 as a number',
        argument);
CREATE OR REPLACE MACRO _pool_message_predictor_missing(name, groups) AS
    format('toward=''{}'' is null, NaN or infinite in rows of {}: each group needs its predictors; fill '
        || 'them in, or leave these groups out',
        name, groups);
CREATE OR REPLACE MACRO _pool_message_predictor_varies(name, groups) AS
    format('toward=''{}'' varies within {}: a predictor has one value for each group; regress() has '
        || 'covariates that vary within groups',
        name, groups);
CREATE OR REPLACE MACRO _pool_message_predictor_constant(name) AS
    format('toward=''{}'' is the same in every group, so it cannot be distinguished from the intercept: '
        || 'leave it out',
        name);
