-- Rendered from polars_pool/formulas/messages.py by `python -m polars_pool.rendering`: edit there.
--
-- The sentences that SQL raises as Python does. Arguments are texts, filled in as they are shown.
CREATE OR REPLACE MACRO _pool_message_one_of(role, argument, names, nearest) AS
    role || '=' || argument || '; give one of ' || names || nearest;
CREATE OR REPLACE MACRO _pool_message_number_or_one_of(role, argument, number, names, nearest) AS
    role || '=' || argument || '; give ' || number || ', or one of ' || names || nearest;
CREATE OR REPLACE MACRO _pool_message_level(argument, nearest) AS
    'level=' || argument || '; give a number between 0 and 1, such as 0.95' || nearest;
CREATE OR REPLACE MACRO _pool_message_threshold(argument, number) AS
    'threshold=' || argument || '; give ' || number || ', in units of the value';
CREATE OR REPLACE MACRO _pool_message_taus(tau) AS
    tau || '; give a list of numbers, each 0 or more, such as [0, 1, 2]';
CREATE OR REPLACE MACRO _pool_message_no_prior(role, argument, forms, nearest) AS
    role || '=' || argument || ' is no prior; give one of ' || forms || nearest;
CREATE OR REPLACE MACRO _pool_message_wrong_prior(role, argument, rule) AS
    role || '=' || argument || ': give ' || rule;
CREATE OR REPLACE MACRO _pool_message_several_columns(role, count, names) AS
    role || ' stands for ' || count || ' columns, ' || names || '; give one';
CREATE OR REPLACE MACRO _pool_message_no_numbers(role, name, type) AS
    role || '=' || name || ' is ' || type || '; give a column of numbers or Booleans';
CREATE OR REPLACE MACRO _pool_message_key_twice(key) AS
    'the key ' || key || ' appears twice in by= and over=; name each key once';
CREATE OR REPLACE MACRO _pool_message_key_of_result(key, names) AS
    'the key ' || key || ' bears the name of a result column (' || names || '); rename it first';
CREATE OR REPLACE MACRO _pool_message_with_published(role) AS
    role || '= does not go with se=: published estimates carry their error in se alone';
CREATE OR REPLACE MACRO _pool_message_half_of_moments(role, missing) AS
    role || '= without ' || missing || '=; stored moments need both, published estimates need se=';
CREATE OR REPLACE MACRO _pool_message_variance_of_published(argument) AS
    'sigma2=' || argument || ' does not go with se=: the sampling variance is known, se squared';
CREATE OR REPLACE MACRO _pool_message_without_counts(role, argument, names) AS
    role || '=' || argument || ' needs row counts, which se= does not give: pass n=, or one of ' || names;
CREATE OR REPLACE MACRO _pool_message_unfit(role, argument, source, names) AS
    role || '=' || argument || ' does not fit ' || source || ': give a number, or one of ' || names;
CREATE OR REPLACE MACRO _pool_message_prior_beside_estimate(role, argument, tau2) AS
    role || '=' || argument || ' does not go with tau2=' || tau2
        || ', an estimate: give tau2 as a number or a prior such as ''half_cauchy(5)''';
CREATE OR REPLACE MACRO _pool_message_mu_beside_prior(argument) AS
    'mu=' || argument || ' does not go with a prior of tau2, where mu is integrated out: give ''gls'', a '
        || 'number, or a prior such as ''normal(0, 5)''';
CREATE OR REPLACE MACRO _pool_message_prior_refused(role, argument, verb) AS
    role || '=' || argument || ' does not go with ' || verb || ': give a number or the name of an estimator';
CREATE OR REPLACE MACRO _pool_message_beside_prior(role, argument, reason) AS
    role || '=' || argument || ' does not go with a prior: ' || reason;
CREATE OR REPLACE MACRO _pool_message_mu_has_posterior() AS
    'mu has a posterior';
CREATE OR REPLACE MACRO _pool_message_tau2_has_posterior() AS
    'tau2 has a posterior';
CREATE OR REPLACE MACRO _pool_message_posterior_holds_errors() AS
    'the posterior holds the errors of mu and tau2';
CREATE OR REPLACE MACRO _pool_message_not_of_posterior(argument) AS
    'interval=' || argument || ' does not go with a prior: give ''central'' or ''shortest''';
CREATE OR REPLACE MACRO _pool_message_of_posterior(argument, others) AS
    'interval=' || argument || ' applies to a posterior only: give a prior of tau2 or mu, or ' || others;
CREATE OR REPLACE MACRO _pool_message_robust_prediction(argument) AS
    'interval=''robust'' does not go with predict=' || argument
        || ': it covers the true means; give predict=''mean''';
CREATE OR REPLACE MACRO _pool_message_row_of_published() AS
    'predict=''row'' does not go with se=: published estimates do not give the '
        || 'variance of a row; choose ''mean'' or ''replicate''';
CREATE OR REPLACE MACRO _pool_message_error_unknown(argument, names) AS
    'uncertainty=''tau2'' does not fit tau2=' || argument
        || ', which has no standard error: give a number, or one of ' || names;
CREATE OR REPLACE MACRO _pool_message_error_of_rates(role) AS
    'uncertainty=''tau2'' does not go with ' || role
        || '=: rates have an overdispersion and no tau2; give ''mu'' or ''conditional''';
CREATE OR REPLACE MACRO _pool_message_profile_limits(argument, names) AS
    'limits=''profile'' does not fit tau2=' || argument || ': give limits=''q'', or tau2 as one of ' || names;
CREATE OR REPLACE MACRO _pool_message_profile_tau2(argument) AS
    'tau2=' || argument || ' does not fit a profile: give a prior such as ''half_cauchy(5)'', or nothing';
CREATE OR REPLACE MACRO _pool_message_profile_mu(argument) AS
    'mu=' || argument || ' does not fit a profile, where mu is the most likely: give ''gls'' or a number';
CREATE OR REPLACE MACRO _pool_message_bad_weights(weights, rows) AS
    weights || ' is null, NaN, negative or infinite in ' || rows
        || ': precision weights are finite and not negative; a row of weight 0 does not ' || 'count';
CREATE OR REPLACE MACRO _pool_message_bad_n(n, rows) AS
    n || ' is null, NaN, negative or infinite in ' || rows
        || ': n is a count of rows, a whole number of 0 or more';
CREATE OR REPLACE MACRO _pool_message_bad_var(var, rows) AS
    var || ' is null, NaN, negative or infinite in ' || rows
        || ': var is a sample variance, 0 or more wherever n > 1';
CREATE OR REPLACE MACRO _pool_message_bad_se(se, rows) AS
    se || ' is null, NaN or negative in ' || rows
        || ': a standard error is 0 or more, and infinite for an estimate without '
        || 'information; leave out rows without one, with drop_nulls() in Polars or WHERE '
        || '... IS NOT NULL in SQL';
CREATE OR REPLACE MACRO _pool_message_not_finite_in_rows(argument, rows) AS
    argument || ' is NaN or infinite in ' || rows || ': remove them, or count them as missing with nan=''null''';
CREATE OR REPLACE MACRO _pool_message_no_count(value, rows) AS
    value || ' is negative or fractional in ' || rows || ': a count is a whole number of 0 or more';
CREATE OR REPLACE MACRO _pool_message_no_trials(trials, rows) AS
    trials || ' is negative or fractional in ' || rows || ': trials are a whole number of 0 or more';
CREATE OR REPLACE MACRO _pool_message_no_exposure(exposure, rows) AS
    exposure || ' is 0 or negative in ' || rows || ': an exposure is a number above 0';
CREATE OR REPLACE MACRO _pool_message_more_than_trials(value, trials, rows) AS
    value || ' exceeds ' || trials || ' in ' || rows || ': there are no more events than trials';
CREATE OR REPLACE MACRO _pool_message_not_finite(role, name) AS
    'the ' || role || ' ' || name
        || ' holds NaN or infinite numbers: remove them, or count them as missing with ' || 'nan=''null''';
CREATE OR REPLACE MACRO _pool_message_few_groups(argument, least, groups) AS
    'tau2=' || argument || ' needs ' || least || ' groups at least, and there ' || groups
        || ': the posterior has no finite total; give a proper prior, such as ' || '''half_cauchy(5)''';
CREATE OR REPLACE MACRO _pool_message_improper_at_zero(argument) AS
    'tau2=' || argument || ' leaves the posterior improper at tau = 0, which groups without sampling '
        || 'variance ask for; give tau2 as a number';
