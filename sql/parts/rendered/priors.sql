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

CREATE OR REPLACE MACRO _pool_prior_defaults(name) AS
    CASE
        WHEN name = 'uniform' THEN [0.0, 'infinity'::DOUBLE]
        ELSE []::DOUBLE[]
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

CREATE OR REPLACE MACRO _pool_prior_tail(name, a, b) AS
    CASE
        WHEN name IN ('half_cauchy', 'dumouchel') THEN 2.0
        WHEN name = 'half_t' THEN a + 1
        WHEN name = 'uniform' THEN CASE WHEN b < 'infinity'::DOUBLE THEN 'infinity'::DOUBLE ELSE 0.0 END
        WHEN name = 'inverse_gamma' THEN 2 * a + 1
        WHEN name = 'jeffreys' THEN 1.0
        WHEN name = 'uniform_shrinkage' THEN 3.0
        ELSE 'infinity'::DOUBLE
    END;

CREATE OR REPLACE MACRO _pool_prior_rise(name, a, b) AS
    CASE
        WHEN name = 'inverse_gamma' THEN 'infinity'::DOUBLE
        WHEN name IN ('jeffreys', 'uniform_shrinkage') THEN 1.0
        ELSE 0.0
    END;

CREATE OR REPLACE MACRO _pool_prior_rise_if_exact(name, a, b) AS
    CASE
        WHEN name = 'inverse_gamma' THEN 'infinity'::DOUBLE
        WHEN name = 'jeffreys' THEN -1.0
        ELSE 0.0
    END;

CREATE OR REPLACE MACRO _pool_prior_size(name, a, b) AS
    CASE
        WHEN name IN ('half_cauchy', 'half_normal') THEN a
        WHEN name = 'half_t' THEN b
        WHEN name = 'exponential' THEN 1 / a
        WHEN name = 'inverse_gamma' THEN sqrt(b / (a + 0.5))
        ELSE NULL
    END;

CREATE OR REPLACE MACRO _pool_prior_lower(name, a, b) AS
    CASE
        WHEN name = 'uniform' THEN a
        ELSE 0.0
    END;

CREATE OR REPLACE MACRO _pool_prior_upper(name, a, b) AS
    CASE
        WHEN name = 'uniform' THEN b
        ELSE 'infinity'::DOUBLE
    END;

CREATE OR REPLACE MACRO _pool_prior_is_proper(name, a, b) AS
    CASE
        WHEN name IN ('half_cauchy', 'half_normal', 'half_t', 'exponential', 'inverse_gamma', 'uniform_shrinkage',
            'dumouchel') THEN true
        WHEN name = 'uniform' THEN b < 'infinity'::DOUBLE
        ELSE false
    END;

CREATE OR REPLACE MACRO _pool_prior_needs_errors(name) AS
    CASE
        WHEN name IN ('uniform_shrinkage', 'dumouchel') THEN true
        ELSE false
    END;

CREATE OR REPLACE MACRO _pool_with_prior_density(points, name) AS TABLE
    WITH half_cauchy AS (
        SELECT *, pool_half_t(tau, 1.0, a) AS log_density
        FROM query_table(points)
    ),
    half_normal AS (
        SELECT *, pool_half_normal(tau, a) AS log_density
        FROM query_table(points)
    ),
    half_t AS (
        SELECT *, pool_half_t(tau, a, b) AS log_density
        FROM query_table(points)
    ),
    exponential AS (
        SELECT *, pool_exponential(tau, a) AS log_density
        FROM query_table(points)
    ),
    uniform AS (
        SELECT *, 0.0 * tau - CASE WHEN b < 'infinity'::DOUBLE THEN ln(b - a) ELSE 0.0 END AS log_density
        FROM query_table(points)
    ),
    inverse_gamma AS (
        SELECT *, pool_inverse_gamma(tau, a, b) AS log_density
        FROM query_table(points)
    ),
    jeffreys AS (
        SELECT *, pool_jeffreys(tau, squared_precisions) AS log_density
        FROM query_table(points)
    ),
    uniform_shrinkage AS (
        SELECT *, pool_uniform_shrinkage(tau, harmonic_mean) AS log_density
        FROM query_table(points)
    ),
    dumouchel AS (
        SELECT *, pool_dumouchel(tau, harmonic_mean) AS log_density
        FROM query_table(points)
    ),
    no_prior AS (
        SELECT *, 0.0 AS log_density
        FROM query_table(points)
    )
    FROM query_table(name);
