-- ---------------------------------------------------------------------------------------------------------------------
-- The exact posterior: tau, and mu with it, integrated out under priors that are written as text.
--
-- At a node of tau (quadrature.sql) all is normal, so that mu, the mean of a group and that of a new group are mixtures
-- of normals over the nodes of their model. sigma2 is known, or taken as known at its pooled value.
-- Source: Gelman et al. (2013), Bayesian Data Analysis, section 5.4.
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

-- ---- whether there is one -------------------------------------------------------------------------------------------

-- Models with their priors, the pivot of their means, the power of 1 / tau that the posterior falls by, and what is
-- wrong where its total is infinite.
CREATE OR REPLACE MACRO _pool_questioned(moved, facts, tau2, mu) AS TABLE
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
    SELECT *, CASE WHEN exact = 0 THEN j / precision_ END AS s2,
        known IS NOT NULL OR exact > 0 OR least(j / precision_, prior_sd * prior_sd) < 0.02 * spread_ AS sharp,
        -- a mean that is finite but for a hair lies beyond the largest number there is
        CASE WHEN exponent >= 5.3 THEN 4 WHEN exponent >= 3.3 THEN 2 WHEN exponent >= 2.3 THEN 1 ELSE 0 END AS moment,
        CASE WHEN exact > 0 THEN 1e-30 * _pool_larger(coalesce(vmax, 0.0), _pool_larger(reach, 1e-200)) ELSE 0.0 END
            AS floor,
        CASE
            WHEN family = '' THEN NULL
            WHEN exponent <= 1
                THEN 'tau2=' || _pool_shown(tau2) || ' needs ' || (floor(1 - tail + flat) + 1)::BIGINT
                    || ' groups at least, and there ' || CASE WHEN j = 1 THEN 'is 1' ELSE 'are ' || j::BIGINT END
                    || ': the posterior has no finite total; give a proper prior, such as ''half_cauchy(5)'''
            WHEN exact > 0 AND lower = 0 AND (family IN ('uniform_shrinkage', 'dumouchel')
                OR rise - exact + CASE WHEN known IS NULL THEN 1 ELSE 0 END <= -1
                AND exact_squares <= 16 * 2.220446049250313e-16 * 2.220446049250313e-16 * exact * height2)
                THEN 'tau2=' || _pool_shown(tau2) || ' leaves the posterior improper at tau = 0, which groups without '
                    || 'sampling variance ask for; give tau2 as a number'
        END AS complaint
    FROM joined JOIN sums USING (model);

-- Those that have a posterior, with the range of x in which it lies. For a single model it is an error to have none.
CREATE OR REPLACE MACRO _pool_answerable(questioned) AS TABLE
    SELECT *, CASE WHEN isinf(upper) THEN ln(smallest) - 6 ELSE least(ln(smallest / (upper - lower)), 0.0) - 6 END
            AS lowest,
        CASE WHEN isinf(upper) THEN ln(largest) + 6 ELSE 35.0 END AS highest
    FROM (
        SELECT *,
            coalesce(least(sqrt(vleast), NULLIF(sqrt(reach), 0.0), size), 1.0) AS smallest,
            coalesce(greatest(NULLIF(sqrt(vmax), 0.0), NULLIF(sqrt(reach), 0.0), size,
                abs(prior_mean + around - plain)), 1.0) AS largest
        FROM query_table(questioned)
    )
    WHERE CASE
        WHEN complaint IS NULL THEN true
        WHEN (SELECT no_over FROM _pool_given) THEN error(complaint)
        ELSE false
    END;

-- Classes about the pivots.
CREATE OR REPLACE MACRO _pool_pivoted(moved, models) AS TABLE
    SELECT model, k, v, floor, y - around AS d, (y - around) * (y - around) + spread AS d2
    FROM query_table(moved) JOIN (SELECT model, around, floor FROM query_table(models)) USING (model);

-- ---- mixtures of normals --------------------------------------------------------------------------------------------
-- An item is the mean of a group at y with the sampling variance v: y and v are those of the group, v is infinite for a
-- new one, and `varies` 0 for mu itself; `extra` is the variance of what is predicted beyond it. y is about the pivot.

-- What the nodes make of each item that is pending: weight p, mean m and standard deviation s.
CREATE OR REPLACE MACRO _pool_parts(items, nodes) AS TABLE
    SELECT *,
        sqrt(CASE WHEN v = 0 THEN 0.0 ELSE varies * tau * tau * pooling + pooling * pooling * variance END + extra) AS s
    FROM (
        SELECT *, CASE WHEN y IS NULL OR isinf(v) THEN mu_ ELSE y - pooling * (y - mu_) END AS m
        FROM (
            SELECT i.*, p, tau, mu_, variance, pool_pooling(tau * tau, v) AS pooling
            FROM (FROM query_table(items) WHERE pending) AS i
            JOIN (SELECT model, p, tau, mu_, variance FROM query_table(nodes)) USING (model)
        )
    );

-- Mean and variance of each item, its weight, its typical and widest sd, and the probability of more than `beyond`.
CREATE OR REPLACE MACRO _pool_mixed(items, nodes) AS TABLE
    WITH means AS MATERIALIZED (
        SELECT id, sum(p * m) AS mean_, sum(p * pool_weight(tau * tau, v)) AS weight_,
            exp(sum(p * ln(greatest(s, 1e-300))) / sum(p)) AS typical, max(s) AS widest
        FROM _pool_parts(items, nodes) GROUP BY id
    )
    SELECT id, any_value(mean_) AS mean_, any_value(weight_) AS weight_, any_value(typical) AS typical,
        any_value(widest) AS widest, sum(p * (s * s + (m - mean_) * (m - mean_))) AS variance_,
        sum(p * CASE WHEN s > 0 THEN pool_normal_cdf_double(z) WHEN m > beyond THEN 1.0 ELSE 0.0 END) AS above
    FROM (
        SELECT *, CASE WHEN s > 0 THEN (m - beyond) / s END AS z
        FROM _pool_parts(items, nodes) JOIN means USING (id)
    )
    GROUP BY id;

-- Tail and density of items at their x, turned over (side = -1) where it is the tail above that is asked.
CREATE OR REPLACE MACRO _pool_tails(items, nodes) AS TABLE
    SELECT id, side, target, sum(p * pool_normal_cdf_double(z)) AS tail,
        sum(p * pool_normal_density(z) / s) AS density_, -sum(p * pool_normal_density(z) * z / (s * s)) AS bend
    FROM (
        SELECT * EXCLUDE (s), greatest(s, 1e-300) AS s, (x - side * m) / greatest(s, 1e-300) AS z
        FROM _pool_parts(items, nodes)
    )
    GROUP BY id, side, target;

-- Quantiles of items: for each target of (target, side, reach), reach being its normal quantile, the x below which that
-- much lies, or above which where side = -1. Newton's method from the inner side, within what is known of both.
CREATE OR REPLACE MACRO _pool_mixture_quantiles(items, nodes, mixed, targets) AS TABLE
    WITH RECURSIVE _pool_place AS (
        SELECT id, model, y, v, extra, varies, target, side, typical, side * mean_ AS centre,
            side * mean_ + reach * typical AS x, '-infinity'::DOUBLE AS low, 'infinity'::DOUBLE AS high, 0 AS step,
            widest > 0 AS pending
        FROM query_table(items) JOIN query_table(mixed) USING (id), query_table(targets)
        UNION ALL
        SELECT id, model, y, v, extra, varies, target, side, typical, centre,
            CASE
                WHEN near OR moved > low AND moved < high THEN moved
                -- half way by the order of the distance
                ELSE centre
                    + typical * sinh((asinh((low - centre) / typical) + asinh((high - centre) / typical)) / 2)
            END,
            low, high, step + 1,
            NOT (near OR step >= 100 OR high - low <= 1e-15 * (typical + abs(x)))
        FROM (
            SELECT *, abs(excess) <= 1e-9 * target OR abs(moved - x) <= 1e-14 * typical + 4e-16 * abs(x) AS near
            FROM (
                SELECT * REPLACE (CASE WHEN excess <= 0 THEN x ELSE low END AS low,
                        CASE WHEN excess >= 0 THEN x ELSE high END AS high),
                    x - CASE WHEN excess = 0 THEN 0.0 ELSE far * greatest(-1.0, least(1.0, excess / density_ / far)) END
                        AS moved
                FROM (
                    SELECT *, tail - target AS excess, 4 * (typical + abs(x - centre)) AS far
                    FROM _pool_place JOIN _pool_tails('_pool_place', nodes) USING (id, side, target)
                    WHERE pending
                )
            )
        )
    )
    SELECT id, side, target, side * x AS x FROM _pool_place WHERE NOT pending;

-- The central interval of items and, from it, the shortest: its ends are equally dense. Newton's method in the tails and
-- the logarithms of the densities.
CREATE OR REPLACE MACRO _pool_central(items, nodes, mixed, level) AS TABLE
    WITH targets AS (
        SELECT (1 - _pool_number(level)) / 2 AS target, unnest([1.0, -1.0]) AS side, -_pool_quantile AS reach
        FROM _pool_quantile_of(level)
    ),
    found AS (FROM _pool_mixture_quantiles(items, nodes, mixed, 'targets'))
    SELECT id, max(x) FILTER (side > 0) AS lower_, max(x) FILTER (side < 0) AS upper_ FROM found GROUP BY id;

CREATE OR REPLACE MACRO _pool_shortest(items, nodes, mixed, level) AS TABLE
    WITH RECURSIVE _pool_begin AS MATERIALIZED (FROM _pool_central(items, nodes, mixed, level)),
    _pool_end AS (
        SELECT id, model, y, v, extra, varies, side, 0.0 AS target,
            side * CASE WHEN side > 0 THEN lower_ ELSE upper_ END AS x, 0 AS step, upper_ > lower_ AS pending
        FROM query_table(items) JOIN _pool_begin USING (id), (VALUES (1.0), (-1.0)) AS sides(side)
        UNION ALL
        SELECT id, model, y, v, extra, varies, side, target, x + move, step + 1,
            NOT (step >= 60 OR largest <= 1e-9 * (1 - _pool_number(level)) / density_)
        FROM (
            SELECT *, greatest(-wide / 4, least(wide / 4, CASE WHEN side > 0 THEN by_low ELSE by_high END)) AS move,
                greatest(abs(by_low), abs(by_high)) AS largest
            FROM (
                SELECT *, high_x - low_x AS wide,
                    -(excess * high_slope + apart * high_f) / (low_f * high_slope + high_f * low_slope) AS by_low,
                    -(excess * low_slope - apart * low_f) / (low_f * high_slope + high_f * low_slope) AS by_high
                FROM (
                    SELECT *, sum(tail) OVER pair - (1 - _pool_number(level)) AS excess,
                        max(density_) FILTER (side > 0) OVER pair AS low_f,
                        max(density_) FILTER (side < 0) OVER pair AS high_f,
                        max(bend / density_) FILTER (side > 0) OVER pair AS low_slope,
                        max(bend / density_) FILTER (side < 0) OVER pair AS high_slope,
                        sum(side * ln(density_)) OVER pair AS apart,
                        max(x) FILTER (side > 0) OVER pair AS low_x, -max(x) FILTER (side < 0) OVER pair AS high_x
                    FROM _pool_end JOIN _pool_tails('_pool_end', nodes) USING (id, side, target)
                    WHERE pending
                    WINDOW pair AS (PARTITION BY id)
                )
            )
        )
    )
    SELECT id, max(side * x) FILTER (side > 0) AS lower_, max(side * x) FILTER (side < 0) AS upper_
    FROM _pool_end WHERE NOT pending GROUP BY id;

-- ---- what is read from it -------------------------------------------------------------------------------------------

-- One row a model: posterior means, standard deviations, medians and central intervals of tau, tau2, mu and the mean of
-- a new group. Moments that are infinite are NULL.
CREATE OR REPLACE MACRO _pool_posterior_components(models, classes, nodes, tau2, mu, level) AS TABLE
    WITH totals AS MATERIALIZED (
        SELECT model, sum(p * tau) AS tau_, sum(p * (tau * tau)) AS tau2_,
            sum(p * CASE WHEN tau > 0 THEN ln(tau) END) AS log_tau,
            sum(p * pool_icc(tau * tau, pooled)) AS icc, any_value(log_total) AS log_total,
            bool_and(settled) AS settled,
            sum(p * mu_) AS mean_mu, sum(p * variance) AS variance_mu
        FROM query_table(nodes) JOIN (SELECT model, pooled FROM query_table(models)) USING (model)
        GROUP BY model
    ),
    spreads AS (
        SELECT model, sqrt(sum(p * ((tau - tau_) * (tau - tau_)))) AS se_tau,
            sqrt(sum(p * ((tau * tau - tau2_) * (tau * tau - tau2_)))) AS se_tau2,
            sqrt(any_value(variance_mu) + sum(p * ((mu_ - mean_mu) * (mu_ - mean_mu)))) AS se_mu
        FROM query_table(nodes) JOIN totals USING (model) GROUP BY model
    ),
    weighty AS MATERIALIZED (FROM query_table(nodes) WHERE p >= 1e-17),
    searched AS (
        FROM _pool_tau_quantiles('weighty', [0.5, (1 - _pool_number(level)) / 2, (1 + _pool_number(level)) / 2])
    ),
    known AS (
        SELECT model, unnest([0.5, (1 - _pool_number(level)) / 2, (1 + _pool_number(level)) / 2]) AS q, tau
        FROM weighty
    ),
    quantiles AS (
        SELECT model, max(tau) FILTER (q = 0.5) AS tau_median, min(tau) AS tau_lower, max(tau) AS tau_upper
        FROM query_table(CASE WHEN _pool_number(tau2) IS NULL THEN 'searched' ELSE 'known' END) GROUP BY model
    ),
    items AS MATERIALIZED (
        SELECT 2 * model + varies::BIGINT AS id, model, NULL::DOUBLE AS y, 'infinity'::DOUBLE AS v, 0.0 AS extra,
            varies, -(around + start + _pool_origin) AS beyond, true AS pending
        FROM query_table(models), _pool_origin, (VALUES (0.0), (1.0)) AS kinds(varies)
    ),
    mixed AS MATERIALIZED (FROM _pool_mixed('items', 'weighty')),
    targets AS (
        SELECT (1 - _pool_number(level)) / 2 AS target, unnest([1.0, -1.0]) AS side, -_pool_quantile AS reach
        FROM _pool_quantile_of(level)
        UNION ALL
        SELECT 0.5, 1.0, 0.0
    ),
    placed AS (
        SELECT id, max(x) FILTER (side > 0 AND target < 0.5) AS lower_, max(x) FILTER (side < 0) AS upper_,
            max(x) FILTER (target = 0.5) AS middle_
        FROM _pool_mixture_quantiles('items', 'weighty', 'mixed', 'targets') GROUP BY id
    ),
    told AS (SELECT id // 2 AS model, id % 2 = 1 AS is_new, * EXCLUDE (id) FROM placed JOIN mixed USING (id)),
    points AS (SELECT model, 0 AS i, 0.0::DOUBLE AS tau, true AS pending FROM query_table(models) WHERE exact = 0),
    at_zero AS (SELECT model, log_likelihood FROM _pool_likely('points', classes, models)),
    summed AS (
        SELECT *, _pool_number(tau2) IS NOT NULL AS tau_known, flat = 0 AS mu_firm,
            around + start + _pool_origin AS place, moment AS highest_moment
        FROM query_table(models) JOIN totals USING (model) JOIN spreads USING (model) JOIN quantiles USING (model)
        LEFT JOIN at_zero USING (model), _pool_origin
    )
    SELECT s.model, CASE WHEN tau_known OR highest_moment >= 1 THEN tau_ END AS tau_mean,
        CASE WHEN tau_known THEN 0.0 WHEN highest_moment >= 2 THEN se_tau END AS tau_se,
        tau_median, tau_lower, tau_upper,
        CASE WHEN tau_known THEN _pool_number(tau2) WHEN highest_moment >= 2 THEN tau2_ END AS tau2_mean,
        CASE WHEN tau_known THEN 0.0 WHEN highest_moment >= 4 THEN se_tau2 END AS tau2_se,
        tau_median * tau_median AS tau2_median, tau_lower * tau_lower AS tau2_lower_,
        tau_upper * tau_upper AS tau2_upper_,
        _pool_finite(log_tau) AS log_tau_mean,
        CASE WHEN mu_firm OR highest_moment >= 1 THEN coalesce(_pool_number(mu), mean_mu + place) END AS mu_mean,
        CASE WHEN mu_firm OR highest_moment >= 2 THEN se_mu END AS mu_se,
        coalesce(_pool_number(mu), m.middle_ + place) AS mu_median,
        coalesce(_pool_number(mu), m.lower_ + place) AS mu_low,
        coalesce(_pool_number(mu), m.upper_ + place) AS mu_high, m.above AS mu_above,
        CASE WHEN highest_moment >= 1 THEN coalesce(_pool_number(mu), mean_mu + place) END AS new_mean,
        CASE WHEN highest_moment >= 2 THEN sqrt(se_mu * se_mu + tau2_) END AS new_se,
        n.middle_ + place AS new_median, n.lower_ + place AS new_low, n.upper_ + place AS new_high,
        n.above AS new_above,
        icc, CASE WHEN tau_known OR proper_prior THEN _pool_finite(log_total) END AS log_marginal,
        CASE WHEN proper_prior AND NOT tau_known THEN exp(log_likelihood - log_total) END AS bayes_factor, settled
    FROM summed AS s JOIN told AS m ON s.model = m.model AND NOT m.is_new
    JOIN told AS n ON s.model = n.model AND n.is_new;

-- One row a group: keys, n, mean and v, and of its true mean the weight, mean and sd, the ends of the interval that
-- `told` names, and the probability of more than the threshold.
CREATE OR REPLACE MACRO _pool_posterior_estimates(
    groups, components, models, nodes, sigma2, mu, level, told, predict, threshold
) AS TABLE
    WITH sampled AS MATERIALIZED (
        SELECT *, row_number() OVER () AS _pool_item FROM _pool_sampled_groups(groups, components, sigma2)
    ),
    weighty AS MATERIALIZED (FROM query_table(nodes) WHERE p >= 1e-17),
    -- keys of groups may bear any name
    private AS (SELECT COLUMNS('^_pool_(item|id|y|sampling|own)$') FROM sampled WHERE _pool_sampling IS NOT NULL),
    items AS MATERIALIZED (
        SELECT _pool_item AS id, model, _pool_y - start - around AS y, _pool_sampling AS v,
            CASE predict WHEN 'row' THEN _pool_own WHEN 'replicate' THEN _pool_sampling ELSE 0.0 END AS extra,
            1.0 AS varies,
            _pool_number(threshold) - _pool_origin - start - around AS beyond, true AS pending,
            start + around + _pool_origin AS place, _pool_sampling < 'infinity'::DOUBLE AS seen, moment
        FROM private JOIN query_table(models) ON _pool_id = model, _pool_origin
    ),
    mixed AS MATERIALIZED (FROM _pool_mixed('items', 'weighty')),
    no_interval AS (SELECT NULL::BIGINT AS id, NULL::DOUBLE AS lower_, NULL::DOUBLE AS upper_ WHERE false),
    central AS (FROM _pool_central('items', 'weighty', 'mixed', level)),
    shortest AS (FROM _pool_shortest('items', 'weighty', 'mixed', level)),
    intervals AS (
        FROM query_table(CASE told WHEN 'central' THEN 'central' WHEN 'shortest' THEN 'shortest' ELSE 'no_interval' END)
    ),
    answers AS (
        SELECT id AS _pool_item, weight_ AS _pool_weight, CASE WHEN seen OR moment >= 1 THEN mean_ + place END
                AS _pool_estimate,
            CASE WHEN seen OR moment >= 2 THEN sqrt(variance_) END AS _pool_se, lower_ + place AS _pool_lower,
            upper_ + place AS _pool_upper, above AS _pool_above
        FROM items JOIN mixed USING (id) LEFT JOIN intervals USING (id)
    )
    FROM sampled LEFT JOIN answers USING (_pool_item);

-- Posterior density of tau, and mean and sd of mu, at the points of curves.
CREATE OR REPLACE MACRO _pool_posterior_density(curves, numbers, models, classes, nodes) AS TABLE
    WITH points AS MATERIALIZED (
        SELECT n.model, row_number() OVER () AS i, _pool_tau AS tau, true AS pending
        FROM (SELECT DISTINCT _pool_model, _pool_tau FROM query_table(curves)) AS c, query_table(numbers) AS n
        WHERE _pool_same(n._pool_model, c._pool_model)
    ),
    totals AS (SELECT model, any_value(log_total) AS log_total FROM query_table(nodes) GROUP BY model)
    SELECT _pool_model AS _pool_model_there, p.tau AS _pool_at,
        exp(_pool_height(log_likelihood + log_prior) - log_total) AS _pool_density,
        mu_ + around + start + _pool_origin AS _pool_mu_there, sqrt(variance) AS _pool_se_mu_there
    FROM points AS p JOIN _pool_likely('points', classes, models) AS l USING (model, i) JOIN totals USING (model)
    JOIN (SELECT model, around, start FROM query_table(models)) USING (model) JOIN query_table(numbers) USING (model),
        _pool_origin;

-- Everything from groups to what is asked of their posterior: 'components', 'estimates' or 'density'.
CREATE OR REPLACE MACRO _pool_posterior(
    groups, weighed, curves, sigma2, tau2, mu, level, told, predict, threshold, asked
) AS TABLE
    WITH sizes AS MATERIALIZED (FROM _pool_sizes(groups)),
    singles AS NOT MATERIALIZED (FROM _pool_singles(groups)),
    models AS MATERIALIZED (FROM _pool_models('sizes', 'singles', weighed)),
    classes AS MATERIALIZED (FROM _pool_classes('sizes', 'singles', 'models')),
    within AS (FROM _pool_within('classes', sigma2, mu)),
    with_prior AS (FROM _pool_with_prior('classes', 'within')),
    counted AS MATERIALIZED (
        FROM query_table(CASE WHEN _pool_name(sigma2) = 'squeezed' THEN 'with_prior' ELSE 'within' END)
    ),
    sampled AS NOT MATERIALIZED (FROM _pool_sampled('classes', 'counted', sigma2)),
    started AS MATERIALIZED (FROM _pool_started('sampled', 'counted', sigma2, tau2, false)),
    moved AS MATERIALIZED (FROM _pool_moved('sampled', 'started')),
    facts AS MATERIALIZED (FROM _pool_facts('moved', 'started', mu)),
    questioned AS MATERIALIZED (FROM _pool_questioned('moved', 'facts', tau2, mu)),
    answerable AS MATERIALIZED (FROM _pool_answerable('questioned')),
    pivoted AS MATERIALIZED (FROM _pool_pivoted('moved', 'answerable')),
    integrated AS (FROM _pool_nodes('pivoted', 'answerable')),
    given AS (FROM _pool_given_node('pivoted', 'answerable', tau2)),
    nodes AS MATERIALIZED (
        FROM query_table(CASE WHEN _pool_number(tau2) IS NULL THEN 'integrated' ELSE 'given' END)
    ),
    plain AS (
        SELECT _pool_model, model AS _pool_id, coalesce(j, 0)::BIGINT AS _pool_groups,
            CASE WHEN has_n THEN coalesce(n, 0)::BIGINT END AS _pool_rows,
            CASE WHEN j IS NULL THEN _pool_number(sigma2) ELSE _pool_finite(pooled) END AS _pool_sigma2,
            df_prior AS _pool_df_prior, sigma2_prior AS _pool_sigma2_prior
        FROM models LEFT JOIN facts USING (model), (SELECT has_n FROM _pool_given)
    ),
    components AS (
        SELECT _pool_model, _pool_groups, _pool_rows, _pool_sigma2, NULL::DOUBLE AS sigma2_se,
            tau_mean, tau_se, tau_median, tau_lower, tau_upper,
            tau2_mean, tau2_se, tau2_median, tau2_lower_, tau2_upper_, log_tau_mean, mu_mean, mu_se, mu_median, mu_low,
            mu_high, mu_above, new_mean, new_se, new_median, new_low, new_high, new_above, icc,
            _pool_df_prior, _pool_sigma2_prior, log_marginal, bayes_factor, coalesce(settled, false) AS settled
        FROM plain LEFT JOIN _pool_posterior_components('answerable', 'pivoted', 'nodes', tau2, mu, level) AS c
            ON plain._pool_id = c.model
    ),
    estimates AS (
        FROM _pool_posterior_estimates(
            groups, 'plain', 'answerable', 'nodes', sigma2, mu, level, told, predict, threshold)
    ),
    density AS (FROM _pool_posterior_density(curves, 'models', 'answerable', 'pivoted', 'nodes'))
    FROM query_table(asked);
