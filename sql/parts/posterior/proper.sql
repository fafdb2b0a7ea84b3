-- ---------------------------------------------------------------------------------------------------------------------
-- Whether a model has a posterior, and where it lies.
--
-- Source: Gelman et al. (2013), Bayesian Data Analysis, section 5.4.
-- ---------------------------------------------------------------------------------------------------------------------

-- Models with their priors, the pivot of their means, the power of 1 / tau with which the posterior falls, and a
-- message where its integral is infinite.
CREATE OR REPLACE MACRO _pool_checked_posteriors(moved, facts, tau2, mu) AS TABLE
    WITH joined AS (
        SELECT f.model, j, start, pooled, known, plain, y_at_umin, vleast, vmax, reach, exact,
            plain_squares / j AS spread_, p.*,
            coalesce(known, y_at_umin) AS around, normal_mean - _pool_origin - start - around AS prior_mean,
            CASE WHEN known IS NULL AND prior_sd IS NULL THEN 1.0 ELSE 0.0 END AS flat, tail + j - flat AS exponent,
            _pool_larger((ymax + start) * (ymax + start), (ymin + start) * (ymin + start)) AS height2
        FROM query_table(facts) AS f, _pool_prior(tau2, mu) AS p, _pool_origin
        WHERE identified
    ),
    sums AS (
        SELECT model, sum(CASE WHEN v > 0 THEN k / v END) AS precision_,
            sum(CASE WHEN v = 0 THEN k * ((y - about) * (y - about) + spread) ELSE 0.0 END) AS exact_squares
        FROM query_table(moved) JOIN (SELECT model, coalesce(known, 0.0) AS about FROM joined) USING (model)
        GROUP BY model
    )
    SELECT *, CASE WHEN exact = 0 THEN j / precision_ END AS harmonic_mean,
        known IS NOT NULL OR exact > 0 OR least(j / precision_, prior_sd * prior_sd) < 0.02 * spread_ AS sharp,
        -- bounds slightly above 2, 3 and 5: nearer to them a moment is finite but exceeds the largest DOUBLE
        CASE WHEN exponent >= 5.3 THEN 4 WHEN exponent >= 3.3 THEN 2 WHEN exponent >= 2.3 THEN 1 ELSE 0 END AS moment,
        CASE WHEN exact > 0 THEN 1e-30 * _pool_larger(coalesce(vmax, 0.0), _pool_larger(reach, 1e-200)) ELSE 0.0 END
            AS floor,
        CASE
            WHEN prior = '' THEN NULL
            WHEN exponent <= 1
                THEN _pool_message_few_groups(_pool_shown(tau2), (floor(1 - tail + flat) + 1)::BIGINT,
                    CASE WHEN j = 1 THEN 'is 1' ELSE 'are ' || j::BIGINT END)
            WHEN exact > 0 AND lower = 0 AND (_pool_prior_needs_errors(prior)
                OR _pool_prior_rise_if_exact(prior, a, b) - exact + CASE WHEN known IS NULL THEN 1 ELSE 0 END <= -1
                AND exact_squares <= 16 * 2.220446049250313e-16 * 2.220446049250313e-16 * exact * height2)
                THEN _pool_message_improper_at_zero(_pool_shown(tau2))
        END AS complaint
    FROM joined JOIN sums USING (model);

-- The models that have a posterior, with the range of x in which it lies. Without `over`, a model without a posterior
-- is an error.
CREATE OR REPLACE MACRO _pool_proper_posteriors(checked) AS TABLE
    SELECT *, CASE WHEN isinf(upper) THEN ln(smallest) - 6 ELSE least(ln(smallest / (upper - lower)), 0.0) - 6 END
            AS lowest,
        CASE WHEN isinf(upper) THEN ln(largest) + 6 ELSE 35.0 END AS highest
    FROM (
        SELECT *,
            coalesce(least(sqrt(vleast), NULLIF(sqrt(reach), 0.0), size), 1.0) AS smallest,
            coalesce(greatest(NULLIF(sqrt(vmax), 0.0), NULLIF(sqrt(reach), 0.0), size,
                abs(prior_mean + around - plain)), 1.0) AS largest
        FROM query_table(checked)
    )
    WHERE CASE
        WHEN complaint IS NULL THEN true
        WHEN (SELECT no_over FROM _pool_request) THEN error(complaint)
        ELSE false
    END;

-- Classes with deviations from the pivots.
CREATE OR REPLACE MACRO _pool_pivoted(moved, models) AS TABLE
    SELECT model, k, v, floor, y - around AS d, (y - around) * (y - around) + spread AS d2
    FROM query_table(moved) JOIN (SELECT model, around, floor FROM query_table(models)) USING (model);
