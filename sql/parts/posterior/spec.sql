-- ---------------------------------------------------------------------------------------------------------------------
-- The priors of a posterior, written as text: one row with their numbers and limits.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row: the prior of tau, its numbers a and b and its limits, the power of 1 / tau with which it falls at large tau,
-- a typical size of tau if the prior has one, and whether its integral is finite; mean and sd of a normal prior of mu.
CREATE OR REPLACE MACRO _pool_prior(tau2, mu) AS TABLE
    SELECT *, _pool_prior_lower(prior, a, b) AS lower, _pool_prior_upper(prior, a, b) AS upper,
        _pool_prior_tail(prior, a, b) AS tail, _pool_prior_rise(prior, a, b) AS rise,
        _pool_prior_size(prior, a, b) AS size, _pool_prior_is_proper(prior, a, b) AS proper_prior
    FROM (
        SELECT prior, numbers[1] AS a, numbers[2] AS b, numbers_of_mu[1] AS normal_mean, numbers_of_mu[2] AS prior_sd
        FROM (
            SELECT _pool_prior_name(tau2) AS prior, _pool_prior_numbers(tau2) AS numbers,
                CASE WHEN _pool_prior_name(mu) = 'normal' THEN _pool_prior_numbers(mu) ELSE []::DOUBLE[] END
                    AS numbers_of_mu
        )
    );
