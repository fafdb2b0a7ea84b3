-- ---------------------------------------------------------------------------------------------------------------------
-- Nodes of tau over its posterior, for all models at once: the trapezoid rule in t, with x = mode + width sinh(t).
--
-- x is log(tau - lower), or the logit of tau between the limits of a bounded prior. In x the density falls
-- exponentially on both sides; in t it falls double exponentially, where the trapezoid rule is optimal (Takahasi & Mori
-- 1974). The step is halved until halving it changes nothing. At a tau the model is a sum over the classes of its
-- groups, of deviations from a pivot: a known mu, or the mean of the most precise groups, so that no digits are lost.
-- ---------------------------------------------------------------------------------------------------------------------

-- tau at x, and the log of its derivative by x.
CREATE OR REPLACE MACRO _pool_tau_at(x, lower, upper) AS
    CASE WHEN isinf(upper) THEN lower + exp(x) ELSE lower + (upper - lower) / (1 + exp(-x)) END;

CREATE OR REPLACE MACRO _pool_log_slope(x, lower, upper) AS
    CASE WHEN isinf(upper) THEN x ELSE ln(upper - lower) - abs(x) - 2 * pool_log1p(exp(-abs(x))) END;

-- At the pending points (model, i, tau): log likelihood and log prior, and mu less the pivot with its variance. At
-- tau = 0 some priors have no density.
CREATE OR REPLACE MACRO _pool_log_likelihood_at(points, classes, models, tau2) AS TABLE
    WITH precise AS (
        SELECT model, i, tau, k, v, t, d, d2, pool_precision(v, t) AS h
        FROM (
            SELECT model, i, tau, k, v, d, d2, CASE WHEN tau * tau > floor THEN tau * tau ELSE floor END AS t
            FROM query_table(points) JOIN query_table(classes) USING (model)
            WHERE pending
        )
    ),
    summed AS (
        SELECT model, i, any_value(tau) AS tau, sum(k * ln(v + t)) AS logs, sum(k * h) AS s1,
            sum(k * h * h) AS squared_precisions, sum(k * h * d) AS hd, sum(k * h * d2) AS hd2, hd / s1 AS centre
        FROM precise
        GROUP BY model, i
    ),
    joined AS (
        SELECT model, i, tau, logs, s1, squared_precisions, hd, hd2, centre, j, known, a, b, lower, upper, rise,
            prior_mean, prior_sd, harmonic_mean
        FROM summed JOIN query_table(models) USING (model)
    )
    SELECT model, i,
        CASE
            WHEN known IS NOT NULL THEN pool_log_likelihood_known_mu(j, logs, hd2)
            WHEN prior_sd IS NULL THEN pool_log_likelihood_flat_mu(j, logs, hd2 - hd * centre, s1)
            ELSE pool_log_likelihood_normal_mu(j, logs, hd2 - hd * centre, s1, centre, prior_mean, prior_sd)
        END AS log_likelihood,
        CASE WHEN NOT tau BETWEEN lower AND upper OR tau * tau = 0 AND rise > 0 THEN '-infinity'::DOUBLE
            ELSE log_density END AS log_prior,
        CASE WHEN known IS NOT NULL THEN 0.0 WHEN prior_sd IS NULL THEN centre
            ELSE pool_mu_given_tau(s1, centre, prior_mean, prior_sd) END AS mu_,
        CASE WHEN known IS NOT NULL THEN 0.0 WHEN prior_sd IS NULL THEN 1 / s1
            ELSE pool_variance_of_mu_given_tau(s1, prior_sd) END AS variance
    FROM _pool_with_prior_density('joined',
        CASE WHEN _pool_is_tau_prior(tau2) THEN _pool_prior_name(tau2) ELSE 'no_prior' END);

-- A log density that can be compared: NaN and NULL count as minus infinity.
CREATE OR REPLACE MACRO _pool_height(x) AS
    CASE WHEN x IS NULL OR isnan(x) THEN '-infinity'::DOUBLE ELSE x END;

-- How far the points `steps` away on both sides lie below the highest point, on average; NULL where one is missing.
CREATE OR REPLACE MACRO _pool_fall(height, away, steps) AS
    CASE WHEN count_if(away = steps) = 2 THEN max(height) - sum(height) FILTER (away = steps) / 2 END;

-- The approximate mode of each model's posterior in x, and a width at which the density has fallen to about a half: the
-- highest point of a grid, then of finer grids about it, until the neighbours are nearly as high.
CREATE OR REPLACE MACRO _pool_peaks(classes, models, tau2) AS TABLE
    WITH RECURSIVE _pool_peak AS (
        SELECT model, 0 AS step, i, lowest + 0.5 * i AS x, 0.5::DOUBLE AS stride, lower, upper,
            _pool_tau_at(lowest + 0.5 * i, lower, upper) AS tau, true AS pending
        FROM (
            SELECT model, lower, upper, lowest, unnest(range(2 + ceil(2 * (highest - lowest))::BIGINT)) AS i
            FROM query_table(models)
        )
        UNION ALL
        SELECT model, step, i, x, stride, lower, upper, _pool_tau_at(x, lower, upper), pending
        FROM (
            SELECT model, step, i, centre + i * stride AS x, stride, lower, upper, pending
            FROM (
                SELECT model, step + 1 AS step, lower, upper, centre, width IS NULL AND step < 40 AS pending,
                    unnest(CASE WHEN width IS NULL AND step < 40 THEN range(-4, 5) ELSE [0] END) AS i,
                    CASE WHEN width IS NULL AND step < 40 THEN stride / 4 ELSE coalesce(width, stride) END AS stride
                FROM (
                    SELECT model, any_value(step) AS step, any_value(lower) AS lower, any_value(upper) AS upper,
                        any_value(stride) AS stride, any_value(x) FILTER (away = 0) AS centre,
                        any_value(stride) * CASE
                            WHEN _pool_fall(height, away, 4) <= 1 THEN 4
                            WHEN _pool_fall(height, away, 2) <= 1 THEN 2
                            WHEN _pool_fall(height, away, 1) <= 1 THEN 1
                        END AS width
                    FROM (
                        SELECT *, abs(i - arg_max(i, height) OVER (PARTITION BY model)) AS away
                        FROM (
                            SELECT p.*, _pool_height(log_likelihood + log_prior + _pool_log_slope(x, lower, upper))
                                AS height
                            FROM _pool_peak AS p
                                JOIN _pool_log_likelihood_at('_pool_peak', classes, models, tau2) USING (model, i)
                            WHERE pending
                        )
                    )
                    GROUP BY model
                )
            )
        )
    )
    SELECT model, x AS mode, stride AS width FROM _pool_peak WHERE NOT pending;

-- Whether every second node gives the same sum.
CREATE OR REPLACE MACRO _pool_agree(evens, sum_of_all, magnitude, tolerance) AS
    coalesce(abs(2 * evens - sum_of_all) <= tolerance * magnitude, false);

-- The range of the nodes: far enough below the mode for a density that falls as exp(x), and above it for one that falls
-- as exp(-slope x), the slowest fall with a finite moment in the result. Where mu or a group's mean is known almost
-- exactly (`sharp`), a normal distribution at small tau is nearly a step in x, sharper than the density: there the step
-- is halved once more.
CREATE OR REPLACE MACRO _pool_reaches(peaks, models) AS TABLE
    SELECT *, asinh(45 / width) AS low,
        asinh(least(45 / least(exponent - 1 - moment, 1.0), 300.0, 650.0 / greatest(moment, 1)) / width) AS high
    FROM (
        SELECT model, lower, upper, mode, width, exponent, CASE WHEN isinf(upper) THEN moment ELSE 0 END AS moment,
            coalesce(sharp, false) AS sharp
        FROM query_table(models) JOIN query_table(peaks) USING (model)
    );

-- Nodes that are not done yet, with their height, the log density of t.
CREATE OR REPLACE MACRO _pool_heightened(nodes, classes, models, tau2) AS TABLE
    SELECT n.* REPLACE (
        CASE WHEN n.pending THEN _pool_height(log_likelihood + log_prior + _pool_log_slope(x, lower, upper)
            + ln(width) + ln(cosh(t))) ELSE height END AS height,
        CASE WHEN n.pending THEN l.mu_ ELSE n.mu_ END AS mu_,
        CASE WHEN n.pending THEN l.variance ELSE n.variance END AS variance)
    FROM query_table(nodes) AS n LEFT JOIN _pool_log_likelihood_at(nodes, classes, models, tau2) AS l USING (model, i)
    WHERE NOT done;

-- Nodes of every model, (model, i, t, x, tau, height, mu_, variance) of the last and finest step.
CREATE OR REPLACE MACRO _pool_halved(classes, models, tau2) AS TABLE
    WITH RECURSIVE _pool_modes AS MATERIALIZED (FROM _pool_peaks(classes, models, tau2)),
    _pool_node AS (
        SELECT *, _pool_tau_at(x, lower, upper) AS tau, NULL::DOUBLE AS height, NULL::DOUBLE AS mu_,
            NULL::DOUBLE AS variance, true AS pending, false AS done, false AS settled
        FROM (
            SELECT *, mode + width * sinh(t) AS x
            FROM (
                SELECT *, 32 AS steps, (low + high) * (i / 32) - low AS t
                FROM (SELECT *, unnest(range(33)) AS i FROM _pool_reaches('_pool_modes', models))
            )
        )
        UNION ALL
        SELECT * EXCLUDE (half, place) REPLACE (
            place AS t, mode + width * sinh(place) AS x,
            CASE WHEN half = 1 THEN _pool_tau_at(mode + width * sinh(place), lower, upper) ELSE tau END AS tau,
            CASE WHEN half = 0 THEN height END AS height, half = 1 AS pending)
        FROM (
            SELECT * REPLACE (CASE WHEN done THEN steps ELSE 2 * steps END AS steps,
                    CASE WHEN done THEN i ELSE 2 * i + half END AS i),
                CASE WHEN half = 1 THEN (low + high) * ((2 * i + 1) / (2 * steps)) - low ELSE t END AS place
            FROM (
                SELECT *, unnest(CASE WHEN done OR i = steps THEN [0] ELSE [0, 1] END) AS half
                FROM (
                    SELECT * EXCLUDE (top, f, fx, fm, tolerance, agreed)
                        REPLACE (agreed AND (settled OR NOT sharp) OR steps >= 8192 AS done, agreed AS settled)
                    FROM (
                        SELECT *,
                            _pool_agree(sum(CASE WHEN i % 2 = 0 THEN f ELSE 0.0 END) OVER every, sum(f) OVER every,
                                sum(f) OVER every, tolerance)
                            AND _pool_agree(sum(CASE WHEN i % 2 = 0 THEN fx ELSE 0.0 END) OVER every,
                                sum(fx) OVER every, sum(abs(fx)) OVER every, tolerance)
                            AND _pool_agree(sum(CASE WHEN i % 2 = 0 THEN fm ELSE 0.0 END) OVER every,
                                sum(fm) OVER every, sum(fm) OVER every, tolerance) AS agreed
                        FROM (
                            SELECT *, f * (x - mode) AS fx, f * exp(moment * (x - mode)) AS fm,
                                1e-11 + 1e-15 * abs(top) AS tolerance -- the rounding of the sums in the likelihood
                            FROM (
                                SELECT *, exp(height - top) AS f
                                FROM (
                                    SELECT *, max(height) OVER (PARTITION BY model) AS top
                                    FROM _pool_heightened('_pool_node', classes, models, tau2)
                                )
                            )
                        )
                        WINDOW every AS (PARTITION BY model)
                    )
                )
            )
        )
    )
    FROM _pool_node WHERE done;

-- Nodes that contribute to the posterior or to a moment in the result, with their probability p; h is their step.
CREATE OR REPLACE MACRO _pool_nodes(classes, models, tau2) AS TABLE
    SELECT model, t, tau, mu_, variance, lower, upper, mode, width, (low + high) / steps AS h, settled, f / total AS p,
        top + ln(total * ((low + high) / steps)) AS log_total
    FROM (
        SELECT *, sum(f) OVER (PARTITION BY model) AS total
        FROM (
            SELECT *, exp(height - top) AS f
            FROM (SELECT *, max(height) OVER (PARTITION BY model) AS top FROM _pool_halved(classes, models, tau2))
        )
    )
    WHERE f * exp(moment * greatest(x - mode, 0.0)) >= 1e-18 * total;

-- The one node where tau is known.
CREATE OR REPLACE MACRO _pool_known_node(classes, models, tau2) AS TABLE
    WITH points AS (SELECT model, 0 AS i, sqrt(_pool_number(tau2)) AS tau, true AS pending FROM query_table(models))
    SELECT model, 0.0 AS t, tau, mu_, variance, NULL::DOUBLE AS lower, NULL::DOUBLE AS upper, NULL::DOUBLE AS mode,
        NULL::DOUBLE AS width, NULL::DOUBLE AS h, true AS settled, 1.0 AS p, log_likelihood AS log_total
    FROM points JOIN _pool_log_likelihood_at('points', classes, models, tau2) USING (model, i);
