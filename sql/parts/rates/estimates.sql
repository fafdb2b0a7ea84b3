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
            (1 + side * _pool_proper_level(level)) / 2 AS p, side * _pool_quantile AS z
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
        SELECT *, (1 - _pool_proper_level(level)) / 2 AS p,
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
