-- ---------------------------------------------------------------------------------------------------------------------
-- The priors of a posterior, written as text: one row with their numbers and limits.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row: the prior of tau, its numbers a and b and its limits; the power of 1 / tau that it falls by where tau is
-- large, the power of tau that it starts with at 0 (inverse gamma is 0 to any order), where most of it lies if it says
-- so; mean and sd of a normal mu.
CREATE OR REPLACE MACRO _pool_prior(tau2, mu) AS TABLE
    SELECT *,
        CASE family WHEN 'half_t' THEN a + 1 WHEN 'half_cauchy' THEN 2.0 WHEN 'inverse_gamma' THEN 2 * a + 1
            WHEN 'jeffreys' THEN 1.0 WHEN 'uniform_shrinkage' THEN 3.0 WHEN 'dumouchel' THEN 2.0
            WHEN 'uniform' THEN CASE WHEN isinf(upper) THEN 0.0 ELSE 'infinity'::DOUBLE END
            ELSE 'infinity'::DOUBLE END AS tail,
        CASE family WHEN 'jeffreys' THEN -1.0 WHEN 'inverse_gamma' THEN 'infinity'::DOUBLE ELSE 0.0 END AS rise,
        CASE family WHEN 'half_t' THEN b WHEN 'half_cauchy' THEN b WHEN 'half_normal' THEN a
            WHEN 'exponential' THEN 1 / a WHEN 'inverse_gamma' THEN sqrt(b / (a + 0.5)) END AS size,
        family <> '' AND family <> 'jeffreys' AND NOT (family = 'uniform' AND isinf(upper)) AS proper_prior
    FROM (
        SELECT family, CASE family WHEN 'half_cauchy' THEN 1.0 ELSE numbers[1] END AS a,
            CASE family WHEN 'half_cauchy' THEN numbers[1] ELSE numbers[2] END AS b,
            CASE WHEN family = 'uniform' THEN coalesce(numbers[1], 0.0) ELSE 0.0 END AS lower,
            CASE WHEN family = 'uniform' THEN coalesce(numbers[2], 'infinity'::DOUBLE) ELSE 'infinity'::DOUBLE END
                AS upper,
            of_mu[1] AS normal_mean, of_mu[2] AS prior_sd
        FROM (
            SELECT _pool_prior_name(tau2) AS family, _pool_prior_numbers(tau2) AS numbers,
                CASE WHEN _pool_prior_name(mu) = 'normal' THEN _pool_prior_numbers(mu) ELSE []::DOUBLE[] END AS of_mu
        )
    );
