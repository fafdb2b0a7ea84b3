-- ---------------------------------------------------------------------------------------------------------------------
-- Rates and counts: the prior of every model, and every group's posterior: beta with trials, gamma with an exposure.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---- the components -------------------------------------------------------------------------------------------------

-- One row a model: the prior, and what the data say of it.
CREATE OR REPLACE MACRO _pool_rate_components(groups, prior, family) AS TABLE
    WITH pairs AS MATERIALIZED (FROM _pool_rate_pairs(groups)),
    sound AS MATERIALIZED (FROM _pool_rates_sound(groups, family)),
    models AS MATERIALIZED (FROM _pool_rate_models('pairs', 'sound')),
    numbered AS MATERIALIZED (FROM _pool_rate_numbered('pairs', 'models')),
    known AS MATERIALIZED (FROM _pool_rate_facts('models', 'numbered', prior, family)),
    counted AS (
        SELECT model, kind, m, sum(k) AS k, sum(few) AS few
        FROM (
            SELECT model, k, CASE WHEN _pool_is_many(x, n, family) THEN 0.0 ELSE k END AS few,
                unnest([1, 2, 3]) AS kind, unnest([x, n - x, n]) AS m
            FROM numbered
            WHERE n > 0
        )
        WHERE m > CASE WHEN few = 0 THEN 0 ELSE 1 END AND (family = 'rates' OR kind = 1)
        GROUP BY ALL
    ),
    classes AS MATERIALIZED (
        FROM counted
        UNION ALL
        SELECT model, kind, 0, -sum(k), 0 FROM counted GROUP BY model, kind
    ),
    exposures AS MATERIALIZED (
        SELECT model, n, sum(k) AS k, sum(k * x) AS xs
        FROM numbered
        WHERE n > 0 AND family = 'counts' AND NOT _pool_is_many(x, n, family)
        GROUP BY ALL
    ),
    many AS MATERIALIZED (FROM _pool_rates_many('numbered', 'models', family)),
    alone AS (SELECT model, fsum(k * (rest - deviance)) AS alone FROM many GROUP BY model),
    facts AS MATERIALIZED (FROM _pool_rates_begun('known', 'numbered', 'classes', 'exposures', 'many', family)),
    found AS MATERIALIZED (FROM _pool_rates_found('facts', 'classes', 'exposures', 'many', family)),
    -- the mean and its complement, the size, and the prior's two numbers
    placed AS (
        SELECT f.*, done, 0 AS point,
            CASE way
                WHEN 'known' THEN CASE WHEN family = 'rates'
                    THEN known_a / (known_a + known_b) ELSE known_a / known_b END
                WHEN 'split' THEN CASE WHEN _pool_name(prior) = 'moments' THEN pi ELSE whole / j END
                WHEN 'searched' THEN
                    pi * exp(u) / CASE WHEN family = 'rates' THEN 1 + pi * pool_expm1(u) ELSE 1.0 END
                ELSE pi
            END AS mean,
            CASE way
                WHEN 'known' THEN CASE WHEN family = 'rates'
                    THEN known_b / (known_a + known_b) END
                WHEN 'split' THEN CASE WHEN _pool_name(prior) = 'moments' THEN 1 - pi ELSE none / j END
                WHEN 'searched' THEN (1 - pi) / (1 + pi * pool_expm1(u))
                ELSE 1 - pi
            END AS other,
            CASE way
                WHEN 'known' THEN known_a
                    + CASE WHEN family = 'rates' THEN known_b ELSE 0.0 END
                WHEN 'pooled' THEN 'infinity'::DOUBLE
                WHEN 'split' THEN 0.0
                WHEN 'moments' THEN size_of_moments
                WHEN 'searched' THEN exp(v)
            END AS size,
            CASE WHEN way = 'known' THEN known_a
                WHEN family = 'counts' OR size = 0 OR size = 'infinity'::DOUBLE THEN size
                ELSE mean * size END AS alpha,
            CASE WHEN way = 'known' THEN known_b
                WHEN size = 0 OR size = 'infinity'::DOUBLE THEN size
                WHEN family = 'counts' THEN size / mean
                ELSE other * size END AS beta,
            CASE WHEN way <> 'searched' THEN mean - pi WHEN family = 'rates'
                THEN pi * (1 - pi) * pool_expm1(u) / (1 + pi * pool_expm1(u)) ELSE pi * pool_expm1(u) END AS moved
        FROM facts AS f LEFT JOIN found USING (model)
    ),
    points AS MATERIALIZED (FROM placed),
    risen AS (
        SELECT p.*, s.* EXCLUDE (model, point), b.* EXCLUDE (model, point), alone
        FROM points AS p
            LEFT JOIN (FROM _pool_rises('points', 'classes')) AS s USING (model, point)
            LEFT JOIN (FROM _pool_rates_by_pairs('points', 'many', family)) AS b USING (model, point)
            LEFT JOIN alone USING (model)
    ),
    of_rates AS (
        SELECT *, NULL::DOUBLE AS fall, NULL::DOUBLE AS poisson, NULL::DOUBLE AS pull2, NULL::DOUBLE AS lag,
            NULL::DOUBLE AS weight
        FROM risen
    ),
    of_counts AS (
        SELECT r.*, e.* EXCLUDE (model, point)
        FROM risen AS r LEFT JOIN (FROM _pool_exposed('points', 'exposures')) AS e USING (model, point)
    ),
    -- the independent trials, or the exposure, that determine the mean as well: infinite where it is known
    determined AS (
        SELECT model, sum(k * CASE
                WHEN way = 'known' THEN 'infinity'::DOUBLE
                WHEN family = 'rates' THEN pool_rate_effective_trials(n, size)
                ELSE pool_rate_effective_exposure(n, beta)
            END) AS effective
        FROM points JOIN numbered USING (model)
        GROUP BY model
    ),
    -- minus the Hessian by logit, or log, of the mean and the log of the size
    bent AS (
        SELECT *,
            coalesce(many_h_uu, 0.0) + CASE WHEN family = 'rates'
                THEN other * other * (few_xs - coalesce(bend_x, 0.0))
                    + mean * mean * (few_ns - few_xs - coalesce(bend_y, 0.0))
                ELSE coalesce(weight, 0.0) END AS h_uu,
            coalesce(many_h_uv, 0.0) + CASE WHEN family = 'rates' THEN mean * coalesce(slope_y + bend_y, 0.0)
                    - other * coalesce(slope_x + bend_x, 0.0)
                ELSE -coalesce(pull2, 0.0) END AS h_uv,
            coalesce(many_h_vv, 0.0) + CASE WHEN family = 'rates' THEN coalesce(slope_n + bend_n, 0.0)
                    - coalesce(slope_x + bend_x, 0.0) - coalesce(slope_y + bend_y, 0.0)
                ELSE coalesce(poisson + lag + pull2, 0.0) - coalesce(slope_x + bend_x, 0.0) END AS h_vv,
            h_uu * h_vv - h_uv * h_uv AS det,
            CASE WHEN h_uu > 0 AND det > 0 AND way = 'searched' THEN h_vv / det END AS var_u,
            -h_uv / det AS cov,
            h_uu / det AS var_v
        FROM query_table('of_' || family)
    )
    SELECT model, _pool_model, j AS _pool_groups, ns AS _pool_trials, alpha AS _pool_alpha, beta AS _pool_beta,
        mean AS _pool_mu, size AS _pool_size,
        sqrt(CASE WHEN family = 'rates' THEN other * other * var_u + 2 * other * cov + var_v
            WHEN var_u IS NOT NULL THEN var_v END) AS _pool_se_log_alpha,
        sqrt(CASE WHEN family = 'rates' THEN mean * mean * var_u - 2 * mean * cov + var_v
            ELSE var_u - 2 * cov + var_v END) AS _pool_se_log_beta,
        CASE WHEN family = 'rates' THEN 1 / (1 + size)
            WHEN size > 0 THEN 1 / size END AS _pool_rho,
        CASE
            WHEN j = 0 THEN NULL
            WHEN way = 'split' AND xs <> 0 AND whole + none = j THEN whole * ln(mean) + none * ln(other)
            WHEN way = 'split' THEN '-infinity'::DOUBLE
            ELSE constant + coalesce(rise, 0.0)
                + CASE WHEN few_xs > 0 THEN few_xs * ln(mean) ELSE 0.0 END
                + CASE
                    WHEN family = 'counts' THEN of_exposure - mean * few_ns - coalesce(fall, 0.0)
                    WHEN few_xs < few_ns THEN (few_ns - few_xs) * ln(other)
                    ELSE 0.0
                END
                + coalesce(CASE WHEN size = 'infinity'::DOUBLE THEN alone ELSE many_height END, 0.0)
        END AS _pool_log_likelihood,
        CASE way WHEN 'searched' THEN done ELSE way <> 'nothing' END AS _pool_converged, effective AS _pool_effective
    FROM bent LEFT JOIN determined USING (model);

-- The level, or NULL where it is wrong, which is said elsewhere.
CREATE OR REPLACE MACRO _pool_proper_level(level) AS
    CASE WHEN _pool_wrong_level(level) IS NULL THEN _pool_number(level) END;

-- Groups of equal x and n with their posterior: its mean, standard deviation, quantiles and tails at the threshold.
-- _pool_a and _pool_b are its parameters given the prior; a and b include the error of the prior's mean, unless that is
-- known or `uncertainty` is 'conditional'.
CREATE OR REPLACE MACRO _pool_rate_posteriors(
    groups, components, level, threshold, limits, uncertainty, family
) AS TABLE
    WITH pairs AS (FROM _pool_rate_pairs(groups)),
    placed AS (
        SELECT p._pool_model, x, n, k, c.* EXCLUDE (_pool_model, model),
            CASE WHEN family = 'rates' THEN _pool_size ELSE _pool_beta END AS lag,
            _pool_alpha + x AS _pool_a, _pool_beta + CASE WHEN family = 'rates' THEN n - x ELSE n END AS _pool_b,
            pool_rate_weight(n, lag) AS _pool_weight, pool_rate_estimate(x, n, _pool_mu, lag) AS _pool_estimate
        FROM pairs AS p, query_table(components) AS c
        WHERE _pool_same(c._pool_model, p._pool_model)
    ),
    given AS (
        SELECT *, _pool_a AS a, _pool_b AS b, _pool_estimate AS location,
            CASE WHEN family = 'rates' THEN pool_rate_beta_variance(_pool_estimate, n, lag)
                ELSE pool_rate_gamma_variance(_pool_estimate, n, lag) END AS variance
        FROM placed
    ),
    centred AS (
        SELECT *, pool_rate_pooling(n, lag) AS pooling, _pool_effective = 'infinity'::DOUBLE OR pooling = 0 AS known,
            CASE WHEN known THEN _pool_mu WHEN family = 'rates' THEN pool_rate_beta_centre(_pool_mu, _pool_effective)
                ELSE pool_rate_gamma_centre(_pool_mu, _pool_effective) END AS centre
        FROM given
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
    -- all of the probability at one point, or at 0 and 1
    estimated AS (
        SELECT *, sqrt(variance) AS _pool_se, CASE WHEN family = 'rates' THEN b ELSE 'infinity'::DOUBLE END AS odds_b,
            a = 'infinity'::DOUBLE OR a = 0 OR b = 0 AS fixed, a = 0 AND b = 0 AS twofold
        FROM query_table(CASE WHEN uncertainty = 'mu' THEN 'matched' ELSE 'given' END)
    ),
    -- pool_odds_quantile by columns, which costs half
    asked AS (
        SELECT *, (1 - _pool_proper_level(level)) / 2 AS p, 1 - p AS q,
            CASE WHEN NOT fixed THEN pool_odds_split(a, odds_b) END AS split
        FROM estimated
    ),
    parted AS (
        SELECT *, CASE WHEN NOT fixed THEN pool_odds_below(a, odds_b, p, split) END AS below FROM asked
    ),
    sided AS (SELECT *, pool_odds_side(p, below) AS side_p, pool_odds_side(q, below) AS side_q FROM parted),
    begun AS (
        SELECT *, pool_odds_begin(a, odds_b, p, split, side_p) AS start_p,
            pool_odds_begin(a, odds_b, q, split, side_q) AS start_q,
            CASE WHEN NOT fixed THEN pool_odds_target(a, odds_b, p, side_p) END AS target_p,
            CASE WHEN NOT fixed THEN pool_odds_target(a, odds_b, q, side_q) END AS target_q
        FROM sided
    ),
    found AS (
        SELECT *,
            CASE WHEN NOT fixed THEN pool_odds_settle(a, odds_b, start_p, split, side_p, target_p) END AS odds_p,
            CASE WHEN NOT fixed THEN pool_odds_settle(a, odds_b, start_q, split, side_q, target_q) END AS odds_q
        FROM begun
    ),
    limited AS (
        SELECT * EXCLUDE (p, q, split, below, side_p, side_q, start_p, start_q, target_p, target_q, odds_p, odds_q),
            CASE WHEN twofold THEN (p > 1 - location)::DOUBLE WHEN fixed THEN location
                WHEN family = 'rates' THEN 1 / (1 + b / a * exp(-odds_p)) ELSE a / b * exp(odds_p) END AS _pool_lower,
            CASE WHEN twofold THEN (q > 1 - location)::DOUBLE WHEN fixed THEN location
                WHEN family = 'rates' THEN 1 / (1 + b / a * exp(-odds_q)) ELSE a / b * exp(odds_q) END AS _pool_upper
        FROM found
    ),
    unlimited AS (SELECT *, NULL::DOUBLE AS _pool_lower, NULL::DOUBLE AS _pool_upper FROM estimated),
    stated AS (FROM query_table(CASE WHEN TRY_CAST(limits AS BOOLEAN) THEN 'limited' ELSE 'unlimited' END)),
    -- the tail on that side of the split where the threshold lies; the other is what it leaves
    marked AS (
        SELECT *, CASE
                WHEN fixed THEN NULL
                WHEN _pool_number(threshold) <= 0 THEN '-infinity'::DOUBLE
                WHEN family = 'counts' THEN pool_log_ratio(_pool_number(threshold) * b, a)
                WHEN _pool_number(threshold) >= 1 THEN 'infinity'::DOUBLE
                ELSE pool_log_ratio(_pool_number(threshold) * b, (1 - _pool_number(threshold)) * a)
            END AS mark,
            CASE WHEN CASE WHEN twofold THEN 0.0 ELSE location END <= _pool_number(threshold) AND fixed THEN 1
                WHEN fixed OR mark <= pool_odds_split(a, odds_b) THEN -1
                WHEN a IS NOT NULL THEN 1 END AS side
        FROM stated
    ),
    cut AS (
        SELECT *, CASE WHEN twofold AND _pool_number(threshold) >= 0 AND _pool_number(threshold) < 1 THEN location
            WHEN fixed OR isinf(mark) THEN 0.0 ELSE pool_odds_tail(a, odds_b, mark, side) END AS tail
        FROM marked
    ),
    tailed AS (
        SELECT *, CASE WHEN side < 0 THEN tail WHEN side > 0 THEN 1 - tail END AS _pool_pep,
            CASE WHEN side > 0 THEN tail WHEN side < 0 THEN 1 - tail END AS _pool_p_above
        FROM cut
    ),
    untailed AS (SELECT *, NULL::DOUBLE AS _pool_pep, NULL::DOUBLE AS _pool_p_above FROM stated)
    SELECT _pool_model, x AS _pool_of_x, n AS _pool_of_n, _pool_weight, _pool_estimate, _pool_se, _pool_lower,
        _pool_upper, _pool_p_above, _pool_pep, _pool_a, _pool_b,
        sum(k * _pool_pep) OVER (PARTITION BY _pool_model ORDER BY _pool_pep)
            / sum(k) OVER (PARTITION BY _pool_model ORDER BY _pool_pep) AS _pool_q_value
    FROM query_table(CASE WHEN _pool_absent(threshold) THEN 'untailed' ELSE 'tailed' END);

-- ---- the verbs ------------------------------------------------------------------------------------------------------

-- The distribution of the groups' rates, as a prior is called.
CREATE OR REPLACE MACRO _pool_law_of(family) AS CASE WHEN family = 'rates' THEN 'beta' ELSE 'gamma' END;

-- What is wrong with the prior.
CREATE OR REPLACE MACRO _pool_wrong_rate_prior(given, family) AS
    CASE
        WHEN _pool_name(given) IN ('ml', 'moments') THEN NULL
        WHEN _pool_prior_name(given) = _pool_law_of(family) OR contains(_pool_name(given), '(')
            THEN _pool_wrong_prior_of('prior', [_pool_law_of(family)], given)
        ELSE 'prior=' || _pool_shown(given) || '; give a known prior, ' || _pool_prior_form(_pool_law_of(family))
            || ', or one of ''ml'', ''moments''' || _pool_nearest(_pool_name(given), ['ml', 'moments'])
    END;

-- What is wrong with the errors that the standard error of a rate is to include.
CREATE OR REPLACE MACRO _pool_wrong_uncertainty_of_rates(given, family) AS
    coalesce(
        _pool_wrong_name('uncertainty', given, ['mu', 'conditional', 'tau2']),
        CASE WHEN given = 'tau2' THEN 'uncertainty=''tau2'' does not go with '
            || CASE WHEN family = 'rates' THEN 'trials' ELSE 'exposure' END
            || '=: rates have an overdispersion and no tau2; give ''mu'' or ''conditional''' END
    );

CREATE OR REPLACE MACRO _pool_wrong_flag(role, given) AS
    CASE WHEN typeof(given) <> 'BOOLEAN' OR given IS NULL
        THEN role || '=' || _pool_shown(given) || '; give true or false' END;

-- One row: that the arguments are right, whether there is one model, and the names of the two columns.
CREATE OR REPLACE MACRO _pool_rate_arguments(
    schema, value, base, "by", unnamed, over, prior, nan, level, threshold, posterior, limits, uncertainty,
    by_is_shown, family,
    result
) AS TABLE
    WITH _pool_names AS (
        SELECT [struct_keys(_pool_of_by), struct_keys(_pool_of_over), struct_keys(_pool_of_unnamed),
            struct_keys(_pool_of_value), struct_keys(_pool_of_base)] AS names
        FROM (SELECT "by" FROM query_table(schema)) AS _pool_of_by
            POSITIONAL JOIN (SELECT over FROM query_table(schema)) AS _pool_of_over
            POSITIONAL JOIN (SELECT unnamed FROM query_table(schema)) AS _pool_of_unnamed
            POSITIONAL JOIN (SELECT value FROM query_table(schema)) AS _pool_of_value
            POSITIONAL JOIN (SELECT base FROM query_table(schema)) AS _pool_of_base
    ),
    _pool_listed_arguments AS (
        SELECT NULL, _pool_column("by"), NULL, _pool_column(over), NULL, _pool_column(unnamed),
            NULL, _pool_column(value), NULL, _pool_column(base)
        FROM query_table(schema)
    ),
    judged AS (
        SELECT no_over, list_transform(described[4:], lambda role: role.names[1]) AS column_names, coalesce(
            wrong_keys,
            _pool_wrong_type(['value', CASE WHEN family = 'rates' THEN 'trials' ELSE 'exposure' END], described[4:]),
            _pool_wrong_rate_prior(prior, family),
            _pool_wrong_name('nan', coalesce(nan::VARCHAR, 'NULL'), ['error', 'null']),
            _pool_wrong_level(level),
            _pool_wrong_uncertainty_of_rates(uncertainty, family),
            _pool_wrong_threshold(threshold),
            _pool_wrong_flag('posterior', posterior),
            _pool_wrong_flag('limits', limits)
        ) AS complaint
        FROM _pool_keys_of(schema, '_pool_names', '_pool_listed_arguments', by_is_shown, result)
    )
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper, no_over,
        CASE WHEN complaint IS NULL THEN column_names ELSE error(complaint) END AS column_names
    FROM judged;

-- Keys and everything that is told of groups, under private names.
CREATE OR REPLACE MACRO _pool_rates_pooled(
    tbl, value, base, "by", unnamed, over, prior, level, nan, threshold, groups, posterior, limits, uncertainty, family,
    result
) AS TABLE
    WITH _pool_given AS MATERIALIZED (
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
    _pool_components AS MATERIALIZED (FROM _pool_rate_components('_pool_groups', prior, family)),
    _pool_pairs AS MATERIALIZED (
        FROM _pool_rate_posteriors('_pool_groups', '_pool_components', level, threshold, limits, uncertainty, family)
    )
    SELECT g.* EXCLUDE (_pool_model), p.* EXCLUDE (_pool_model, _pool_of_x, _pool_of_n),
        CASE WHEN _pool_n > 0 THEN _pool_x / _pool_n END AS _pool_mean
    FROM _pool_groups AS g, _pool_pairs AS p
    WHERE _pool_same(p._pool_model, g._pool_model) AND _pool_of_x = _pool_x AND _pool_of_n = _pool_n
        AND (SELECT proper FROM _pool_given);

-- Whether a column of the result was asked for.
CREATE OR REPLACE MACRO _pool_rate_asked(name, threshold, posterior, limits) AS
    CASE
        WHEN name IN ('p_above', 'pep', 'q_value') THEN NOT _pool_absent(threshold)
        WHEN name IN ('alpha', 'beta', 'shape', 'rate') THEN TRY_CAST(posterior AS BOOLEAN)
        WHEN name IN ('lower', 'upper') THEN TRY_CAST(limits AS BOOLEAN)
        ELSE true
    END;

-- The partially pooled rates of groups with `value` successes in so many trials: beta distributed, with their
-- posterior means. `prior` is estimated by 'ml' or 'moments', or given as 'beta(2, 5)'. With a threshold p_above, how
-- likely the rate lies above it, pep, how likely not, and q_value, the mean pep of all groups of the model whose pep is
-- no larger (Robinson 2017); with groups, another table of keys, those too that have no rows yet; with
-- posterior := true its alpha and beta, given the prior; limits := false leaves lower and upper out. se, lower, upper
-- and p_above include the error of the prior's mean, or take it as known with uncertainty := 'conditional'.
CREATE OR REPLACE MACRO pool_shrink_rates(
    tbl, value, trials, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, prior := 'ml', level := 0.95,
    nan := 'error', threshold := NULL, groups := NULL, posterior := false, limits := true,
    uncertainty := 'mu'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_other_keys AS NOT MATERIALIZED (FROM query_table(groups)),
    _pool_result AS (
        SELECT *, _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se, _pool_lower AS lower, _pool_upper AS upper,
            _pool_p_above AS p_above, _pool_pep AS pep, _pool_q_value AS q_value, _pool_a AS alpha, _pool_b AS beta
        FROM _pool_rates_pooled(_pool_read(tbl), value, trials, "by", _pool_unnamed, over, prior, level, nan, threshold,
            groups, posterior, limits, uncertainty, 'rates',
            ['n', 'mean', 'weight', 'estimate', 'se', 'lower', 'upper', 'p_above', 'pep', 'q_value', 'alpha', 'beta'])
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c) AND _pool_rate_asked(c, threshold, posterior, limits)) FROM _pool_result;

-- The same of counts of events in exposures, with gamma distributed rates per unit of exposure: `prior` may be
-- 'gamma(3, 1)', shape and rate.
CREATE OR REPLACE MACRO pool_shrink_counts(
    tbl, value, exposure, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, prior := 'ml', level := 0.95,
    nan := 'error', threshold := NULL, groups := NULL, posterior := false, limits := true,
    uncertainty := 'mu'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_other_keys AS NOT MATERIALIZED (FROM query_table(groups)),
    _pool_result AS (
        SELECT *, _pool_n AS n, _pool_mean AS mean, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se, _pool_lower AS lower, _pool_upper AS upper,
            _pool_p_above AS p_above, _pool_pep AS pep, _pool_q_value AS q_value, _pool_a AS shape, _pool_b AS rate
        FROM _pool_rates_pooled(_pool_read(tbl), value, exposure, "by", _pool_unnamed, over, prior, level, nan, threshold,
            groups, posterior, limits, uncertainty, 'counts',
            ['n', 'mean', 'weight', 'estimate', 'se', 'lower', 'upper', 'p_above', 'pep', 'q_value', 'shape', 'rate'])
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c) AND _pool_rate_asked(c, threshold, posterior, limits)) FROM _pool_result;

-- The distribution of rates between groups, one row a model. The first SELECT has no rows: it gives the keys of the
-- models their names.
CREATE OR REPLACE MACRO pool_components_rates(
    tbl, value, trials, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, prior := 'ml', nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_given AS MATERIALIZED (
        FROM _pool_rate_arguments('_pool_schema', value, trials, "by", _pool_unnamed, over, prior, nan, 0.95, NULL,
            false, false, 'mu', false, 'rates',
            ['groups', 'n', 'alpha', 'beta', 'mean', 'se_log_alpha', 'se_log_beta', 'rho', 'log_likelihood',
                'converged'])
    ),
    _pool_groups AS MATERIALIZED (FROM _pool_rate_groups(_pool_read(tbl), value, trials, "by", over, nan, 'rates')),
    _pool_components AS MATERIALIZED (FROM _pool_rate_components('_pool_groups', prior, 'rates')),
    _pool_named AS (
        SELECT over, NULL::BIGINT AS groups, NULL::BIGINT AS n, NULL::DOUBLE AS alpha, NULL::DOUBLE AS beta,
            NULL::DOUBLE AS mean, NULL::DOUBLE AS se_log_alpha, NULL::DOUBLE AS se_log_beta, NULL::DOUBLE AS rho,
            NULL::DOUBLE AS log_likelihood, NULL::BOOLEAN AS converged
        FROM _pool_schema WHERE false
        UNION ALL
        SELECT unnest(_pool_model), _pool_groups::BIGINT, _pool_trials::BIGINT, _pool_alpha, _pool_beta, _pool_mu,
            _pool_se_log_alpha, _pool_se_log_beta, _pool_rho, _pool_log_likelihood, _pool_converged
        FROM _pool_components
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named
    WHERE (SELECT proper FROM _pool_given);

-- The same of counts: shape and rate of the gamma distribution of the rates.
CREATE OR REPLACE MACRO pool_components_counts(
    tbl, value, exposure, "by", _pool_unnamed := NULL, over := {'_pool_absent': true}, prior := 'ml', nan := 'error'
) AS TABLE
    WITH _pool_table AS NOT MATERIALIZED (FROM query_table(tbl)),
    _pool_schema AS MATERIALIZED (FROM _pool_schema_of('_pool_table')),
    _pool_given AS MATERIALIZED (
        FROM _pool_rate_arguments('_pool_schema', value, exposure, "by", _pool_unnamed, over, prior, nan, 0.95, NULL,
            false, false, 'mu', false, 'counts',
            ['groups', 'n', 'shape', 'rate', 'mean', 'se_log_shape', 'se_log_rate', 'rho', 'log_likelihood',
                'converged'])
    ),
    _pool_groups AS MATERIALIZED (FROM _pool_rate_groups(_pool_read(tbl), value, exposure, "by", over, nan, 'counts')),
    _pool_components AS MATERIALIZED (FROM _pool_rate_components('_pool_groups', prior, 'counts')),
    _pool_named AS (
        SELECT over, NULL::BIGINT AS groups, NULL::DOUBLE AS n, NULL::DOUBLE AS shape, NULL::DOUBLE AS rate,
            NULL::DOUBLE AS mean, NULL::DOUBLE AS se_log_shape, NULL::DOUBLE AS se_log_rate, NULL::DOUBLE AS rho,
            NULL::DOUBLE AS log_likelihood, NULL::BOOLEAN AS converged
        FROM _pool_schema WHERE false
        UNION ALL
        SELECT unnest(_pool_model), _pool_groups::BIGINT, _pool_trials, _pool_alpha, _pool_beta, _pool_mu,
            _pool_se_log_alpha, _pool_se_log_beta, _pool_rho, _pool_log_likelihood, _pool_converged
        FROM _pool_components
    )
    SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM _pool_named
    WHERE (SELECT proper FROM _pool_given);
