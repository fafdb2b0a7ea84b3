-- Rendered from polars_pool/verbs by `python -m polars_pool.rendering`: edit there.
--
-- The columns of results after the keys: their names in order, and for results with one row per model, or of nested
-- levels, an empty relation of their names and types.
CREATE OR REPLACE MACRO _pool_columns_of_moments() AS ['n', 'mean', 'var'];
CREATE OR REPLACE MACRO _pool_columns_of_weighted_moments() AS ['n', 'mean', 'var', 'w'];
CREATE OR REPLACE MACRO _pool_columns_of_shrink() AS ['n', 'mean', 'v', 'weight', 'estimate', 'se', 'lower', 'upper'];
CREATE OR REPLACE MACRO _pool_columns_of_shrink_robust() AS
    ['n', 'mean', 'v', 'weight', 'estimate', 'se', 'lower', 'upper', 'noncoverage'];
CREATE OR REPLACE MACRO _pool_columns_of_shrink_threshold() AS
    ['n', 'mean', 'v', 'weight', 'estimate', 'se', 'lower', 'upper', 'p_above'];
CREATE OR REPLACE MACRO _pool_columns_of_shrink_robust_threshold() AS
    ['n', 'mean', 'v', 'weight', 'estimate', 'se', 'lower', 'upper', 'noncoverage', 'p_above'];
CREATE OR REPLACE MACRO _pool_columns_of_shrink_toward() AS
    ['n', 'mean', 'v', 'weight', 'estimate', 'se', 'lower', 'upper', 'p_above', 'fit', 'se_fit'];
CREATE OR REPLACE MACRO _pool_columns_of_profile_of_groups() AS ['tau', 'estimate', 'se'];
CREATE OR REPLACE MACRO _pool_columns_of_shrink_rates() AS
    ['n', 'mean', 'weight', 'estimate', 'se', 'lower', 'upper', 'p_above', 'pep', 'q_value', 'alpha', 'beta'];
CREATE OR REPLACE MACRO _pool_columns_of_shrink_counts() AS
    ['n', 'mean', 'weight', 'estimate', 'se', 'lower', 'upper', 'p_above', 'pep', 'q_value', 'shape', 'rate'];
CREATE OR REPLACE MACRO _pool_columns_of_regress() AS
    ['term', 'n', 'mean', 'weight', 'effect', 'estimate', 'se', 'lower', 'upper'];
CREATE OR REPLACE MACRO _pool_columns_of_components() AS
    ['groups', 'n', 'sigma2', 'tau2', 'mu', 'se_mu', 'icc', 'df_prior', 'sigma2_prior', 'q', 'q_p', 'i2', 'h2',
        'se_tau2', 'tau2_lower', 'tau2_upper', 'log_likelihood', 'aic', 'lrt', 'lrt_p', 'mu_lower', 'mu_upper', 'mu_p',
        'new_lower', 'new_upper', 'converged'];
CREATE OR REPLACE MACRO _pool_columns_of_posterior_components() AS
    ['groups', 'n', 'sigma2', 'se_sigma2', 'tau', 'se_tau', 'tau_median', 'tau_lower', 'tau_upper', 'tau2', 'se_tau2',
        'tau2_median', 'tau2_lower', 'tau2_upper', 'log_tau', 'mu', 'se_mu', 'mu_median', 'mu_lower', 'mu_upper',
        'mu_positive', 'new', 'se_new', 'new_median', 'new_lower', 'new_upper', 'new_positive', 'icc', 'df_prior',
        'sigma2_prior', 'log_marginal', 'bayes_factor', 'converged'];
CREATE OR REPLACE MACRO _pool_columns_of_profile() AS
    ['tau', 'sigma2', 'mu', 'se_mu', 'q', 'log_likelihood', 'restricted_log_likelihood'];
CREATE OR REPLACE MACRO _pool_columns_of_posterior_profile() AS
    ['tau', 'sigma2', 'mu', 'se_mu', 'q', 'log_likelihood', 'restricted_log_likelihood', 'density'];
CREATE OR REPLACE MACRO _pool_columns_of_compare() AS
    ['groups', 'n', 'none', 'complete', 'partial', 'gain_on_none', 'gain_on_complete', 'pooling_rows',
        'pooling_groups'];
CREATE OR REPLACE MACRO _pool_columns_of_components_nested() AS
    ['level', 'depth', 'groups', 'n', 'sigma2', 'tau2', 'share', 'se_tau2', 'tau2_lower', 'tau2_upper', 'lrt', 'lrt_p',
        'log_likelihood', 'aic', 'mu', 'se_mu', 'mu_lower', 'mu_upper', 'new_lower', 'new_upper', 'converged'];
CREATE OR REPLACE MACRO _pool_columns_of_shrink_nested() AS
    ['n', 'mean', 'v', 'weight', 'estimate', 'se', 'lower', 'upper', 'effect', 'se_effect', 'p_above'];
CREATE OR REPLACE MACRO _pool_columns_of_components_toward() AS
    ['groups', 'n', 'sigma2', 'tau2', 'icc', 'df_prior', 'sigma2_prior', 'q', 'q_p', 'i2', 'h2', 'se_tau2',
        'tau2_lower', 'tau2_upper', 'log_likelihood', 'aic', 'lrt', 'lrt_p', 'qm', 'qm_p', 'r2', 'converged'];
CREATE OR REPLACE MACRO _pool_columns_of_coefficients() AS
    ['term', 'estimate', 'se', 'statistic', 'df', 'lower', 'upper', 'p'];
CREATE OR REPLACE MACRO _pool_columns_of_components_rates() AS
    ['groups', 'n', 'alpha', 'beta', 'mean', 'se_log_alpha', 'se_log_beta', 'rho', 'log_likelihood', 'converged'];
CREATE OR REPLACE MACRO _pool_columns_of_components_counts() AS
    ['groups', 'n', 'shape', 'rate', 'mean', 'se_log_shape', 'se_log_rate', 'rho', 'log_likelihood', 'converged'];
CREATE OR REPLACE MACRO _pool_columns_of_regress_components() AS
    ['groups', 'n', 'dropped', 'sigma2', 'tau2', 'mu', 'se_mu', 'mu_lower', 'mu_upper', 'mu_p', 'cov_mu', 'icc',
        'r2_marginal', 'r2_conditional', 'log_likelihood', 'aic', 'singular', 'converged'];
CREATE OR REPLACE MACRO _pool_columns_of_regress_coefficients() AS
    ['term', 'estimate', 'se', 'statistic', 'df', 'lower', 'upper', 'p'];

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

CREATE OR REPLACE MACRO _pool_empty_components_rates() AS TABLE
    SELECT NULL::BIGINT AS groups, NULL::BIGINT AS n, NULL::DOUBLE AS alpha, NULL::DOUBLE AS beta,
        NULL::DOUBLE AS mean, NULL::DOUBLE AS se_log_alpha, NULL::DOUBLE AS se_log_beta, NULL::DOUBLE AS rho,
        NULL::DOUBLE AS log_likelihood, NULL::BOOLEAN AS converged
    WHERE false;

CREATE OR REPLACE MACRO _pool_empty_components_counts() AS TABLE
    SELECT NULL::BIGINT AS groups, NULL::DOUBLE AS n, NULL::DOUBLE AS shape, NULL::DOUBLE AS rate,
        NULL::DOUBLE AS mean, NULL::DOUBLE AS se_log_shape, NULL::DOUBLE AS se_log_rate, NULL::DOUBLE AS rho,
        NULL::DOUBLE AS log_likelihood, NULL::BOOLEAN AS converged
    WHERE false;

CREATE OR REPLACE MACRO _pool_empty_regress_components() AS TABLE
    SELECT NULL::BIGINT AS groups, NULL::BIGINT AS n, NULL::BIGINT AS dropped, NULL::DOUBLE AS sigma2,
        NULL::MAP(VARCHAR, DOUBLE) AS tau2, NULL::MAP(VARCHAR, DOUBLE) AS mu, NULL::MAP(VARCHAR, DOUBLE) AS se_mu,
        NULL::MAP(VARCHAR, DOUBLE) AS mu_lower, NULL::MAP(VARCHAR, DOUBLE) AS mu_upper,
        NULL::MAP(VARCHAR, DOUBLE) AS mu_p, NULL::MAP(VARCHAR, MAP(VARCHAR, DOUBLE)) AS cov_mu, NULL::DOUBLE AS icc,
        NULL::DOUBLE AS r2_marginal, NULL::DOUBLE AS r2_conditional, NULL::DOUBLE AS log_likelihood,
        NULL::DOUBLE AS aic, NULL::VARCHAR AS singular, NULL::BOOLEAN AS converged
    WHERE false;

CREATE OR REPLACE MACRO _pool_empty_regress_coefficients() AS TABLE
    SELECT NULL::VARCHAR AS term, NULL::DOUBLE AS estimate, NULL::DOUBLE AS se, NULL::DOUBLE AS statistic,
        NULL::DOUBLE AS df, NULL::DOUBLE AS lower, NULL::DOUBLE AS upper, NULL::DOUBLE AS p
    WHERE false;
