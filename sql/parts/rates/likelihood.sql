-- ---------------------------------------------------------------------------------------------------------------------
-- The likelihood of rates with a beta distribution (Skellam 1948), and of counts whose rates have a gamma one (Fisher
-- 1941).
--
-- It is a sum over the different x, n - x and n (of counts x and n), and each step of its search costs as many terms.
-- The prior has a mean and a size: alpha + beta, or the shape. At an infinite size groups are binomial, or Poisson; the
-- difference from that limit is computed as a small number, so that a maximum far out keeps its digits.
--
-- With more than 10,000 trials, or events, the terms are far larger than their sum. There only the part of log Gamma
-- beyond z log z - z is summed by x, n - x and n. The logs are combined pair by pair, as deviances of x, n - x, alpha
-- and beta from their expectation under one rate for all of them (Loader 2000).
-- ---------------------------------------------------------------------------------------------------------------------

-- log(1 + t) - t without the cancellation at small t: a column.
CREATE OR REPLACE MACRO _pool_log1p_rest(t) AS
    CASE
        WHEN abs(t) < 0.0625 THEN -t * t * (1 / 2 - t * (1 / 3 - t * (1 / 4 - t * (1 / 5 - t * (1 / 6 - t * (1 / 7
            - t * (1 / 8 - t * (1 / 9 - t * (1 / 10 - t * (1 / 11 - t * (1 / 12 - t * (1 / 13 - t * (1 / 14
            - t * (1 / 15 - t / 16))))))))))))))
        ELSE ln(1 + t) - t
    END;

-- Stirling's series of log gamma without its logs, and the series of its derivatives by a (minus the first one), at
-- z = 1 / a, q = 1 / a^2 (Abramowitz & Stegun 6.1.41, 6.3.18, 6.4.12). numerics/rising.py has the same coefficients,
-- for arrays; they are written twice because a sum over powers is a loop there and one expression here. A test compares
-- both.
CREATE OR REPLACE MACRO _pool_stirling_rest(z, q) AS
    z * (1 / 12 - q * (1 / 360 - q * (1 / 1260 - q * (1 / 1680 - q * (1 / 1188 - q * (691 / 360360))))));
CREATE OR REPLACE MACRO _pool_stirling_slope(q) AS
    q * (1 / 12 - q * (1 / 120 - q * (1 / 252 - q * (1 / 240 - q * (1 / 132 - q * (691 / 32760))))));
CREATE OR REPLACE MACRO _pool_stirling_bend(z, q) AS
    z * q * (1 / 6 - q * (1 / 30 - q * (1 / 42 - q * (1 / 30 - q * (5 / 66 - q * (691 / 2730))))));

-- log Gamma(z) less (z - 1/2) log z - z + log(2 pi) / 2, and the derivatives of this difference. The derivatives come
-- from the series at y = z, or at y = z + 15 by the recurrence; q = 1 / y^2.
CREATE OR REPLACE MACRO _pool_log_gamma_rest(z, q) AS
    CASE WHEN z > 15 THEN _pool_stirling_rest(1 / z, q)
        ELSE lgamma(z) - (z - 0.5) * ln(z) + z - 0.5 * ln(6.283185307179586) END;
CREATE OR REPLACE MACRO _pool_digamma_rest(z, y, q) AS
    CASE WHEN y = z THEN 0.0
        ELSE ln(y / z) - 0.5 / y + 0.5 / z - list_sum(list_transform(range(15), lambda i: 1 / (z + i))) END
        - _pool_stirling_slope(q);
CREATE OR REPLACE MACRO _pool_trigamma_rest(z, y, q) AS
    CASE WHEN y = z THEN 0.0
        ELSE list_sum(list_transform(range(15), lambda i: 1 / ((z + i) * (z + i))))
            + (1 + 0.5 / y) / y - (1 + 0.5 / z) / z END
        + _pool_stirling_bend(1 / y, q);

-- log x! less x log x - x.
CREATE OR REPLACE MACRO _pool_factorial_rest(x) AS
    CASE WHEN x > 0 THEN 0.5 * ln(6.283185307179586 * x) + _pool_log_gamma_rest(x, 1 / (x * x)) ELSE 0.0 END;

-- x log(x / expected) - excess of x = expected + excess, t = excess / expected.
CREATE OR REPLACE MACRO _pool_deviance_of(t, expected) AS
    expected * CASE WHEN abs(t) < 0.0625 THEN t * t + (1 + t) * _pool_log1p_rest(t)
        WHEN t > -1 THEN (1 + t) * ln(1 + t) - t
        ELSE 1.0 END;

-- log(after / before), from the relative change unless `after` is far below `before`; and this log less the change.
CREATE OR REPLACE MACRO _pool_change_log(after, before, change) AS
    CASE WHEN change < -0.5 THEN ln(after / before) ELSE pool_log1p(change) END;
CREATE OR REPLACE MACRO _pool_change_rest(log_of_change, change) AS
    CASE WHEN change < -0.5 THEN log_of_change - change ELSE _pool_log1p_rest(change) END;

-- The pairs with many trials, or events. Rates have two rows per pair: m is x, then n - x. Columns: m less its
-- expectation under the pooled rate, how far the log likelihood at that rate lies below its maximum, and its part
-- without logs.
CREATE OR REPLACE MACRO _pool_rates_many(numbered, models, family) AS TABLE
    WITH pairs AS (
        SELECT model, x, n, k, pi, _pool_rate_excess(x, n, pi) AS over
        FROM query_table(numbered) JOIN (SELECT model, pi FROM query_table(models)) USING (model)
        WHERE _pool_is_many(x, n, family)
    ),
    sides AS (
        SELECT model, n, k, unnest([1.0, -1.0]::DOUBLE[]) AS side, unnest([n * pi, n * (1 - pi)]) AS expected,
            unnest([x, n - x]) AS m, unnest([over, -over]) AS over
        FROM pairs
    ),
    changed AS (SELECT *, over / expected AS t FROM sides WHERE family = 'rates' OR side > 0)
    SELECT model, n, k, side, m, over, CASE WHEN expected > 0 THEN _pool_deviance_of(t, expected) ELSE 0.0 END
            AS deviance,
        CASE WHEN side > 0 AND family = 'rates' THEN _pool_factorial_rest(n) ELSE 0.0 END - _pool_factorial_rest(m)
            AS rest
    FROM changed;

-- The terms of these pairs in the log likelihood, its gradient and minus its Hessian, at every point of a model. A
-- point has a mean, a size and `moved`, the mean less the pooled rate. The Hessian lacks the term with the gradient by
-- the mean, which is 0 at the maximum.
CREATE OR REPLACE MACRO _pool_rates_by_pairs(points, many, family) AS TABLE
    WITH placed AS (
        SELECT model, point, size, k, side, m, deviance, rest, over - side * n * moved AS over,
            CASE WHEN family = 'rates' THEN mean * other ELSE 1.0 END AS pq,
            CASE WHEN family = 'counts' THEN 1.0 WHEN side > 0 THEN mean ELSE other END AS share,
            CASE WHEN family = 'counts' THEN mean * n ELSE n END AS n
        FROM (SELECT model, point, mean, other, size, moved FROM query_table(points)
                WHERE size > 0 AND size < 'infinity'::DOUBLE)
            JOIN query_table(many) USING (model)
    ),
    -- one step per SELECT: an alias is computed again at each mention in the same SELECT
    sized AS (SELECT *, share * size AS a, n + size AS total, over / total AS shift FROM placed),
    shared AS (SELECT *, (a + m) / total AS after, shift / share AS change, size * shift AS apart FROM sized),
    changed AS (
        SELECT *, _pool_change_log(after, share, change) AS log_change, n * after AS n_after, apart / (n * after) AS up
        FROM shared
    ),
    -- after / (1 + change) is the expectation of a, and its deviance is minus g_v
    moved AS (
        SELECT *, CASE WHEN family = 'rates' THEN size * pq * side * log_change ELSE apart END AS g_u,
            a * _pool_change_rest(log_change, change) AS g_v
        FROM changed
    ),
    terms AS (SELECT *, _pool_deviance_of(up, n_after) - g_v AS apart_from FROM moved WHERE total IS NOT NULL)
    SELECT model, point, fsum(k * (rest - apart_from)) AS many_height, fsum(k * (deviance - apart_from)) AS many_gain,
        sum(k * (deviance + apart_from)) AS many_gross, fsum(k * g_u) AS many_g_u, fsum(k * g_v) AS many_g_v,
        fsum(k * CASE WHEN family = 'rates' THEN (1 - share) * (1 - share) * a * m / (a + m)
            ELSE size * n_after / total END) AS many_h_uu,
        fsum(k * CASE WHEN family = 'rates' THEN pq * side * apart * size / (total * after) - g_u
            ELSE -apart * n / total END) AS many_h_uv,
        fsum(k * (-g_v - apart * apart / (total * after))) AS many_h_vv
    FROM terms
    GROUP BY model, point;

-- At every point of a model and for every kind of a (1 alpha or the shape, 2 beta, 3 alpha + beta): the sums over the
-- classes of log(Gamma(a + m) / Gamma(a) / a^m), of a times its derivative and of a^2 times its second derivative. All
-- are small where a is far larger than m. The logs are added for `few` of the k groups of a class. Gamma(a) is a class
-- with m = 0 and a negative k.
CREATE OR REPLACE MACRO _pool_rises(points, classes) AS TABLE
    WITH kinds AS (
        SELECT model, point, unnest([1, 2, 3]) AS kind, unnest([alpha, beta, size]) AS a
        FROM query_table(points)
    ),
    steps AS (
        SELECT model, point, kind, a, m, k, few, m / a AS t, a + m AS above,
            CASE WHEN a + m > 15 THEN a + m ELSE a + m + 15 END AS y
        FROM kinds JOIN query_table(classes) USING (model, kind)
        WHERE a > 0 AND a < 'infinity'::DOUBLE
    ),
    logs AS (
        SELECT *, 1 / above AS w, _pool_log1p_rest(t) AS log1p_rest, pool_log1p(t) AS log1p_t, 1 / (y * y) AS q
        FROM steps
        WHERE above IS NOT NULL
    ),
    terms AS (
        SELECT model, point, kind,
            few * (m * log1p_t + a * log1p_rest) + k * (_pool_log_gamma_rest(above, q) - log1p_t / 2) AS rise,
            few * a * log1p_rest + k * (m * w / 2 + a * _pool_digamma_rest(above, y, q)) AS slope,
            few * m * m * w + k * (a * a * _pool_trigamma_rest(above, y, q) - m * (2 * a + m) * w * w / 2) AS bend
        FROM logs
    )
    SELECT model, point, fsum(CASE WHEN kind < 3 THEN rise ELSE -rise END) AS rise, sum(abs(rise)) AS gross,
        fsum(CASE WHEN kind = 1 THEN slope ELSE 0.0 END) AS slope_x,
        fsum(CASE WHEN kind = 2 THEN slope ELSE 0.0 END) AS slope_y,
        fsum(CASE WHEN kind = 3 THEN slope ELSE 0.0 END) AS slope_n,
        fsum(CASE WHEN kind = 1 THEN bend ELSE 0.0 END) AS bend_x,
        fsum(CASE WHEN kind = 2 THEN bend ELSE 0.0 END) AS bend_y,
        fsum(CASE WHEN kind = 3 THEN bend ELSE 0.0 END) AS bend_n
    FROM terms
    GROUP BY model, point;

-- The terms that depend on exposures, with mu = mean n and t = mu / size: sums over k groups with xs events in total.
CREATE OR REPLACE MACRO _pool_exposed(points, exposures) AS TABLE
    WITH steps AS (
        SELECT model, point, k, n, xs, size, mean * n AS mu, mu / size AS t, 1 + t AS u
        FROM (SELECT model, point, mean, size FROM query_table(points) WHERE size > 0 AND size < 'infinity'::DOUBLE)
        JOIN query_table(exposures) USING (model)
    ),
    logs AS (
        SELECT *, _pool_log1p_rest(t) AS rest, pool_log1p(t) AS log1p_t, xs - k * mu AS beyond
        FROM steps
        WHERE mu IS NOT NULL
    )
    SELECT model, point, fsum(xs * log1p_t + k * size * rest) AS fall, fsum(k * size * rest) AS poisson,
        fsum(beyond * t / u) AS pull, fsum(beyond * t / (u * u)) AS pull2, fsum(k * mu * t / u) AS lag,
        fsum((k * mu + xs * t) / (u * u)) AS weight
    FROM logs
    GROUP BY model, point;

-- The points of a search: the mean and its complement, the size, the prior's two numbers, and `moved`, the mean less
-- the pooled rate. `way` is how a prior is estimated; a search has the point (u, v).
CREATE OR REPLACE MACRO _pool_rates_placed(points, facts, prior, family) AS TABLE
    WITH shifted AS (
        SELECT step, phase, model, way, point, u, v, done, best, pi, j, differ, constant, few_xs, few_ns, few_over,
            whole, none, known_a, known_b, size_of_moments, e,
            CASE WHEN family = 'rates' THEN 1 + pi * e ELSE 1.0 END AS d
        FROM (SELECT *, pool_expm1(u) AS e FROM query_table(points) WHERE phase <> 'done') AS p
            JOIN (SELECT * EXCLUDE (way) FROM query_table(facts)) AS f USING (model)
    ),
    sized AS (
        SELECT *,
            CASE way
                WHEN 'known' THEN known_a / CASE WHEN family = 'rates' THEN known_a + known_b ELSE known_b END
                WHEN 'split' THEN CASE WHEN _pool_name(prior) = 'moments' THEN pi ELSE whole / j END
                WHEN 'searched' THEN pi * exp(u) / d
                ELSE pi
            END AS mean,
            CASE way
                WHEN 'known' THEN CASE WHEN family = 'rates' THEN known_b / (known_a + known_b) END
                WHEN 'split' THEN CASE WHEN _pool_name(prior) = 'moments' THEN 1 - pi ELSE none / j END
                WHEN 'searched' THEN (1 - pi) / d
                ELSE 1 - pi
            END AS other,
            CASE way
                WHEN 'known' THEN known_a + CASE WHEN family = 'rates' THEN known_b ELSE 0.0 END
                WHEN 'pooled' THEN 'infinity'::DOUBLE
                WHEN 'split' THEN 0.0
                WHEN 'moments' THEN size_of_moments
                WHEN 'searched' THEN exp(v)
            END AS size
        FROM shifted
    )
    SELECT * EXCLUDE (whole, none, known_a, known_b, size_of_moments, d),
        CASE WHEN way = 'known' THEN known_a
            WHEN family = 'counts' OR size = 0 OR size = 'infinity'::DOUBLE THEN size
            ELSE mean * size END AS alpha,
        CASE WHEN way = 'known' THEN known_b
            WHEN size = 0 OR size = 'infinity'::DOUBLE THEN size
            WHEN family = 'counts' THEN size / mean
            ELSE other * size END AS beta,
        CASE WHEN way <> 'searched' THEN mean - pi WHEN family = 'rates' THEN pi * (1 - pi) * e / d ELSE pi * e END
            AS moved
    FROM sized;

-- At the points of a search: the log likelihood less the log likelihood of one pooled rate for all groups, its gradient
-- by (u, v) and minus its Hessian; `bend` is its part without the gradient, which is 0 at the maximum. u is the logit,
-- or log, of the mean less that of the pooled rate; v is the log of the size.
CREATE OR REPLACE MACRO _pool_rates_evaluated(points, facts, classes, exposures, many, prior, family) AS TABLE
    WITH placed AS (FROM _pool_rates_placed(points, facts, prior, family)),
    rising_sums AS (
        SELECT p.* EXCLUDE (pi, e, moved, few_over), coalesce(gross, 0.0) + coalesce(many_gross, 0.0) AS gross,
            coalesce(rise, 0.0) AS rise,
            coalesce(slope_x, 0.0) AS slope_x, coalesce(slope_y, 0.0) AS slope_y, coalesce(slope_n, 0.0) AS slope_n,
            coalesce(bend_x, 0.0) AS bend_x, coalesce(bend_y, 0.0) AS bend_y, coalesce(bend_n, 0.0) AS bend_n,
            many_height, coalesce(many_gain, 0.0) AS many_gain, coalesce(many_g_u, 0.0) AS many_g_u,
            coalesce(many_g_v, 0.0) AS many_g_v, coalesce(many_h_uu, 0.0) AS many_h_uu,
            coalesce(many_h_uv, 0.0) AS many_h_uv, coalesce(many_h_vv, 0.0) AS many_h_vv,
            -- `drift` is x less its expectation at the mean
            few_over - few_ns * moved AS drift,
            CASE WHEN family = 'rates' THEN few_xs * u - few_ns * pool_log1p(pi * e)
                ELSE few_over * u + few_ns * pi * (u - e) END AS common
        FROM placed AS p
            LEFT JOIN (FROM _pool_rises('placed', classes)) AS s USING (model, point)
            LEFT JOIN (FROM _pool_rates_by_pairs('placed', many, family)) AS b USING (model, point)
    ),
    of_rates AS (
        SELECT *, 0.0 AS fall, common + rise + many_gain AS height,
            (1 - mean) * slope_x - mean * slope_y + drift + many_g_u AS g_u,
            slope_x + slope_y - slope_n + many_g_v AS g_v,
            other * other * (few_xs - bend_x) + mean * mean * (few_ns - few_xs - bend_y) + many_h_uu AS bend,
            bend - (1 - 2 * mean) * g_u AS h_uu,
            -(1 - mean) * (slope_x + bend_x) + mean * (slope_y + bend_y) + many_h_uv AS h_uv,
            (slope_n + bend_n) - (slope_x + bend_x) - (slope_y + bend_y) + many_h_vv AS h_vv
        FROM rising_sums
    ),
    of_counts AS (
        SELECT r.*, coalesce(e.fall, 0.0) AS fall, common + rise - coalesce(e.fall, 0.0) + many_gain AS height,
            drift - coalesce(pull, 0.0) + many_g_u AS g_u,
            slope_x - coalesce(poisson, 0.0) + coalesce(pull, 0.0) + many_g_v AS g_v,
            coalesce(weight, 0.0) + many_h_uu AS bend, bend AS h_uu, many_h_uv - coalesce(pull2, 0.0) AS h_uv,
            coalesce(poisson + lag + pull2, 0.0) - (slope_x + bend_x) + many_h_vv AS h_vv
        FROM rising_sums AS r LEFT JOIN (FROM _pool_exposed('placed', exposures)) AS e USING (model, point)
    )
    FROM query_table('of_' || family);
