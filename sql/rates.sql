-- ---------------------------------------------------------------------------------------------------------------------
-- Rates and counts: x of n trials with beta distributed rates (Skellam 1948), and x events in an exposure n with gamma
-- distributed rates (Fisher 1941). `family` is 'rates' or 'counts'.
--
-- A group is known by x and n, so groups are grouped once more by both. The likelihood is a sum over the different x,
-- n - x and n (of counts x and n), and its search costs as many. The prior has a mean and a size: alpha + beta, or the
-- shape. At an infinite size groups are binomial, or Poisson; what is left of that limit is worked out as a small
-- difference, so that a maximum far out keeps its digits.
-- ---------------------------------------------------------------------------------------------------------------------

-- ---- rows to groups -------------------------------------------------------------------------------------------------

-- What is wrong with a row: 1 and 2 no number, 3 and 4 not allowed, 5 more than there are trials.
CREATE OR REPLACE MACRO _pool_fault(x, n, family) AS
    CASE
        WHEN x >= 0 AND n > 0 AND n < 'infinity'::DOUBLE AND floor(x) = x
            AND CASE WHEN family = 'rates' THEN x <= n AND floor(n) = n ELSE x < 'infinity'::DOUBLE END THEN NULL
        WHEN x IS NULL OR n IS NULL THEN NULL
        WHEN NOT isfinite(x) THEN 1
        WHEN NOT isfinite(n) THEN 2
        WHEN x < 0 OR floor(x) <> x THEN 3
        WHEN n < 0 OR CASE WHEN family = 'rates' THEN floor(n) <> n ELSE n = 0 END THEN 4
        WHEN family = 'rates' AND x > n THEN 5
    END;

-- How many rows have a fault of a kind.
CREATE OR REPLACE MACRO _pool_faults(x, n, family, kind) AS
    count(CASE WHEN _pool_fault(x, n, family) = kind THEN 1 END);

-- One row a group: keys, those of the model once more and as one struct, sums of x and n, and the faults by kind. A row
-- that lacks x or n does not count.
CREATE OR REPLACE MACRO _pool_rate_groups(tbl, value, base, "by", over, nan, family) AS TABLE
    SELECT * REPLACE (coalesce(_pool_x, 0.0) AS _pool_x, coalesce(_pool_n, 0.0) AS _pool_n),
        struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT over, "by", over AS _pool_over, sum(_pool_beside(value, base, nan)) AS _pool_x,
            sum(_pool_beside(base, value, nan)) AS _pool_n,
            _pool_faults(_pool_value(value, nan), _pool_value(base, nan), family, 1) AS _pool_faults_1,
            _pool_faults(_pool_value(value, nan), _pool_value(base, nan), family, 2) AS _pool_faults_2,
            _pool_faults(_pool_value(value, nan), _pool_value(base, nan), family, 3) AS _pool_faults_3,
            _pool_faults(_pool_value(value, nan), _pool_value(base, nan), family, 4) AS _pool_faults_4,
            _pool_faults(_pool_value(value, nan), _pool_value(base, nan), family, 5) AS _pool_faults_5
        FROM query_table(tbl)
        GROUP BY ALL
    );

-- Groups of equal x and n in one row: how many (k).
CREATE OR REPLACE MACRO _pool_rate_pairs(groups) AS TABLE
    SELECT x, n, k, struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (
        SELECT COLUMNS('^_pool_over'), _pool_x AS x, _pool_n AS n, count(*)::DOUBLE AS k
        FROM query_table(groups)
        GROUP BY ALL
    );

-- The sentence for a kind of fault in a number of rows.
CREATE OR REPLACE MACRO _pool_faulty(fault, bad, names, family) AS
    CASE fault
        WHEN 1 THEN 'value=''' || names[1] || ''' is NaN or infinite'
        WHEN 2 THEN CASE WHEN family = 'rates' THEN 'trials' ELSE 'exposure' END
            || '=''' || names[2] || ''' is NaN or infinite'
        WHEN 3 THEN 'value=''' || names[1] || ''' is negative or fractional'
        WHEN 4 THEN CASE WHEN family = 'rates' THEN 'trials=''' || names[2] || ''' is negative or fractional'
            ELSE 'exposure=''' || names[2] || ''' is 0 or negative' END
        ELSE 'value=''' || names[1] || ''' exceeds trials=''' || names[2] || ''''
    END
    || ' in ' || CASE WHEN bad = 1 THEN '1 row' ELSE format('{:,} rows', bad::BIGINT) END || ': '
    || CASE fault
        WHEN 1 THEN 'remove them, or count them as missing with nan=''null'''
        WHEN 2 THEN 'remove them, or count them as missing with nan=''null'''
        WHEN 3 THEN 'it counts events, in whole numbers of 0 or more'
        WHEN 4 THEN CASE WHEN family = 'rates' THEN 'it counts trials, in whole numbers of 0 or more'
            ELSE 'an exposure is a number above 0' END
        ELSE 'there are no more successes than trials'
    END;

-- One row: true, or an error if a row has a fault.
CREATE OR REPLACE MACRO _pool_rates_sound(groups, family) AS TABLE
    WITH faults AS (
        SELECT unnest([1, 2, 3, 4, 5]) AS fault, unnest([sum(_pool_faults_1), sum(_pool_faults_2), sum(_pool_faults_3),
            sum(_pool_faults_4), sum(_pool_faults_5)]) AS bad
        FROM query_table(groups)
    ),
    worst AS (SELECT arg_min({fault: fault, bad: bad}, fault) AS worst FROM faults WHERE bad > 0)
    SELECT CASE WHEN worst IS NULL THEN true ELSE error(_pool_faulty(worst.fault, worst.bad, column_names, family)) END
        AS sound
    FROM worst, _pool_given;

-- ---- groups to models -----------------------------------------------------------------------------------------------

-- The models by number, with their sums. Without `over` there is one, even of nothing.
CREATE OR REPLACE MACRO _pool_rate_models(pairs, checked) AS TABLE
    WITH counted AS (
        SELECT _pool_model, sum(CASE WHEN n > 0 THEN k ELSE 0.0 END) AS j, sum(k * x) AS xs, sum(k * n) AS ns,
            true AS present
        FROM query_table(pairs)
        GROUP BY _pool_model
    )
    SELECT row_number() OVER () AS model, _pool_model, coalesce(j, 0.0) AS j, coalesce(xs, 0.0) AS xs,
        coalesce(ns, 0.0) AS ns, CASE WHEN ns > 0 THEN xs / ns END AS pi
    FROM (SELECT no_over FROM query_table(checked), _pool_given WHERE sound) LEFT JOIN counted ON true
    WHERE no_over OR present;

CREATE OR REPLACE MACRO _pool_rate_numbered(pairs, models) AS TABLE
    SELECT model, x, n, k, p._pool_model
    FROM query_table(pairs) AS p, query_table(models) AS m
    WHERE _pool_same(m._pool_model, p._pool_model);

-- The known prior as two numbers.
CREATE OR REPLACE MACRO _pool_rate_prior(prior, i) AS
    CASE WHEN _pool_prior_name(prior) IN ('beta', 'gamma') THEN _pool_prior_numbers(prior)[i] END;

-- What can be told before the search: `way` says how the prior is found, also by moments (of rates Kleinman 1973), and
-- `differ` whether x varies by more than chance in the binomial, or Poisson, model of all groups alike, so that the
-- likelihood has a maximum inside (Tarone 1979); with nothing but all and none it grows as the size falls to 0.
CREATE OR REPLACE MACRO _pool_rate_facts(models, numbered, prior, family) AS TABLE
    WITH spread AS (
        SELECT model, fsum(k * (x - n * pi) * (x - n * pi)) AS squares,
            fsum(k * (x - n * pi) * (x - n * pi) / n) AS shares, sum(k * n * n) AS n2,
            sum(CASE WHEN x = n THEN k ELSE 0.0 END) AS whole, sum(CASE WHEN x = 0 THEN k ELSE 0.0 END) AS none,
            fsum(k * CASE WHEN family = 'rates' THEN lgamma(n + 1) - lgamma(x + 1) - lgamma(n - x + 1)
                ELSE -lgamma(x + 1) END) AS constant,
            fsum(CASE WHEN family = 'counts' THEN k * x * ln(n) ELSE 0.0 END) AS of_exposure
        FROM query_table(numbered) JOIN (SELECT model, pi FROM query_table(models)) USING (model)
        WHERE n > 0
        GROUP BY model
    ),
    noise AS (
        SELECT *, CASE WHEN family = 'rates' THEN pi * (1 - pi) ELSE pi END AS pq,
            CASE WHEN family = 'rates'
                THEN (shares - pq * (j - 1)) / (pq * (ns - n2 / ns - (j - 1)))
                ELSE (shares - (j - 1) * pi) / (pi * pi * (ns - n2 / ns)) END AS excess,
            _pool_rate_prior(prior, 1) AS known_a, _pool_rate_prior(prior, 2) AS known_b
        FROM query_table(models) LEFT JOIN spread USING (model)
    )
    SELECT * EXCLUDE (squares, shares, n2, pq, excess), squares > pq * ns * (1 + 1e-12) AS differ,
        CASE
            WHEN known_a IS NOT NULL THEN 'known'
            WHEN j = 0 THEN 'nothing'
            WHEN pq = 0 OR j = 1 OR family = 'rates' AND n2 = ns THEN 'pooled'
            WHEN _pool_name(prior) = 'moments' THEN CASE
                WHEN excess > 1e-12 AND (excess < 1 OR family = 'counts') THEN 'moments'
                WHEN excess > 1e-12 THEN 'split'
                ELSE 'pooled' END
            WHEN family = 'rates' AND whole + none = j THEN 'split'
            ELSE 'searched'
        END AS way,
        CASE
            WHEN excess <= 1e-12 THEN 'infinity'::DOUBLE
            WHEN family = 'rates' THEN greatest((1 - excess) / excess, 0.0)
            ELSE 1 / excess
        END AS size_of_moments
    FROM noise;

-- ---- the likelihood -------------------------------------------------------------------------------------------------

-- log(1 + t) - t without the cancellation at small t, t of 0 or more: a column.
CREATE OR REPLACE MACRO _pool_log1p_rest(t) AS
    CASE
        WHEN t < 0.0625 THEN -t * t * (1 / 2 - t * (1 / 3 - t * (1 / 4 - t * (1 / 5 - t * (1 / 6 - t * (1 / 7
            - t * (1 / 8 - t * (1 / 9 - t * (1 / 10 - t * (1 / 11 - t * (1 / 12 - t * (1 / 13 - t * (1 / 14
            - t * (1 / 15 - t / 16))))))))))))))
        ELSE ln(1 + t) - t
    END;

-- What Stirling's series of log gamma, and of its derivatives by a (the first less its sign), has beyond logs: at
-- z = 1 / a, q = 1 / a^2 (Abramowitz & Stegun 6.1.41, 6.3.18, 6.4.12).
CREATE OR REPLACE MACRO _pool_stirling_rest(z, q) AS
    z * (1 / 12 - q * (1 / 360 - q * (1 / 1260 - q * (1 / 1680 - q * (1 / 1188 - q * (691 / 360360))))));
CREATE OR REPLACE MACRO _pool_stirling_slope(q) AS
    q * (1 / 12 - q * (1 / 120 - q * (1 / 252 - q * (1 / 240 - q * (1 / 132 - q * (691 / 32760))))));
CREATE OR REPLACE MACRO _pool_stirling_bend(z, q) AS
    z * q * (1 / 6 - q * (1 / 30 - q * (1 / 42 - q * (1 / 30 - q * (5 / 66 - q * (691 / 2730))))));

-- At every point of a model: log(Gamma(a + m) / Gamma(a) / a^m) of every class, a that of its kind (1 alpha or the shape, 2 beta, 3 alpha + beta),
-- with a times its derivative and a^2 times the second, summed by kind: all are small where a is far larger than m.
CREATE OR REPLACE MACRO _pool_rises(points, classes) AS TABLE
    WITH kinds AS (
        SELECT model, point, unnest([1, 2, 3]) AS kind, unnest([alpha, beta, size]) AS a
        FROM query_table(points)
    ),
    bases AS (
        SELECT *, 1 / a AS z, a > 30 AS far, CASE WHEN NOT far THEN lgamma(a) END AS log_gamma_a,
            CASE WHEN NOT far THEN pool_digamma_double(a) END AS digamma_a,
            CASE WHEN NOT far THEN pool_trigamma_double(a) END AS trigamma_a
        FROM kinds
        WHERE a > 0 AND a < 'infinity'::DOUBLE
    ),
    steps AS (
        SELECT *, m / a AS t, a + m AS above, 1 / above AS w FROM bases JOIN query_table(classes) USING (model, kind)
    ),
    logs AS (
        SELECT *, CASE WHEN far THEN _pool_log1p_rest(t) END AS rest, CASE WHEN far THEN pool_log1p(t) END AS log1p_t
        FROM steps
    ),
    terms AS (
        SELECT model, point, kind, k,
            CASE WHEN far THEN m * log1p_t + a * rest - log1p_t / 2
                    + (_pool_stirling_rest(w, w * w) - _pool_stirling_rest(z, z * z))
                ELSE lgamma(above) - log_gamma_a - m * ln(a) END AS rise,
            CASE WHEN far THEN a * rest + m * w / 2 - a * (_pool_stirling_slope(w * w) - _pool_stirling_slope(z * z))
                ELSE a * (pool_digamma_double(above) - digamma_a) - m END AS slope,
            CASE WHEN far THEN m * m * w - m * (2 * a + m) * w * w / 2
                    + a * a * (_pool_stirling_bend(w, w * w) - _pool_stirling_bend(z, z * z))
                ELSE a * a * (pool_trigamma_double(above) - trigamma_a) + m END AS bend
        FROM logs
    )
    SELECT model, point, fsum(CASE WHEN kind < 3 THEN k * rise ELSE -k * rise END) AS rise, sum(k * rise) AS gross,
        fsum(CASE WHEN kind = 1 THEN k * slope ELSE 0.0 END) AS slope_x,
        fsum(CASE WHEN kind = 2 THEN k * slope ELSE 0.0 END) AS slope_y,
        fsum(CASE WHEN kind = 3 THEN k * slope ELSE 0.0 END) AS slope_n,
        fsum(CASE WHEN kind = 1 THEN k * bend ELSE 0.0 END) AS bend_x,
        fsum(CASE WHEN kind = 2 THEN k * bend ELSE 0.0 END) AS bend_y,
        fsum(CASE WHEN kind = 3 THEN k * bend ELSE 0.0 END) AS bend_n
    FROM terms
    GROUP BY model, point;

-- The same of what depends on exposures, with mu = mean n and t = mu / size: sums over groups of k with events xs.
CREATE OR REPLACE MACRO _pool_exposed(points, exposures) AS TABLE
    WITH steps AS (
        SELECT model, point, k, n, xs, size, mean * n AS mu, mu / size AS t, 1 + t AS u
        FROM (SELECT model, point, mean, size FROM query_table(points) WHERE size > 0 AND size < 'infinity'::DOUBLE)
        JOIN query_table(exposures) USING (model)
    ),
    logs AS (SELECT *, _pool_log1p_rest(t) AS rest, pool_log1p(t) AS log1p_t, xs - k * mu AS beyond FROM steps)
    SELECT model, point, fsum(xs * log1p_t + k * size * rest) AS fall, fsum(k * size * rest) AS poisson,
        fsum(beyond * t / u) AS pull, fsum(beyond * t / (u * u)) AS pull2, fsum(k * mu * t / u) AS lag,
        fsum((k * mu + xs * t) / (u * u)) AS weight
    FROM logs
    GROUP BY model, point;

-- Log likelihood beyond that of all groups alike at their pooled rate, its gradient by (u, v) and minus its Hessian: u
-- is the logit, or log, of the mean less that of the pooled rate, v the log of the size. `drift` is x less what the
-- mean makes of n.
CREATE OR REPLACE MACRO _pool_rates_evaluated(points, classes, exposures, family) AS TABLE
    WITH shifted AS (
        SELECT *, pool_expm1(u) AS e, exp(v) AS size,
            CASE WHEN family = 'rates' THEN 1 + pi * e ELSE 1.0 END AS d
        FROM query_table(points)
        WHERE phase = 'looking'
    ),
    placed AS (
        SELECT *, pi * exp(u) / d AS mean, CASE WHEN family = 'rates' THEN (1 - pi) / d END AS other,
            CASE WHEN family = 'rates' THEN mean * size ELSE size END AS alpha, other * size AS beta,
            CASE WHEN family = 'rates' THEN -ns * pi * (1 - pi) * e / d ELSE -xs * e END AS drift,
            CASE WHEN family = 'rates' THEN xs * u - ns * pool_log1p(pi * e) ELSE xs * (u - e) END AS common
        FROM shifted
    ),
    risen AS (
        SELECT p.*, s.* EXCLUDE (model, point)
        FROM placed AS p LEFT JOIN (FROM _pool_rises('placed', classes)) AS s USING (model, point)
    ),
    of_rates AS (
        SELECT *, common + rise AS height, (1 - mean) * slope_x - mean * slope_y + drift AS g_u,
            slope_x + slope_y - slope_n AS g_v,
            -(1 - 2 * mean) * g_u + other * other * (xs - bend_x) + mean * mean * (ns - xs - bend_y) AS h_uu,
            -(1 - mean) * (slope_x + bend_x) + mean * (slope_y + bend_y) AS h_uv,
            (slope_n + bend_n) - (slope_x + bend_x) - (slope_y + bend_y) AS h_vv
        FROM risen
    ),
    of_counts AS (
        SELECT r.*, common + coalesce(rise, 0.0) - fall AS height, drift - pull AS g_u,
            coalesce(slope_x, 0.0) - poisson + pull AS g_v, weight AS h_uu, -pull2 AS h_uv,
            poisson + lag + pull2 - coalesce(slope_x + bend_x, 0.0) AS h_vv
        FROM risen AS r JOIN (FROM _pool_exposed('placed', exposures)) AS s USING (model, point)
    )
    FROM query_table('of_' || family);

-- ---- the search -----------------------------------------------------------------------------------------------------

-- The share of a step that is taken: none is longer than 2.
CREATE OR REPLACE MACRO _pool_step_length(u, v) AS
    least(1.0, 2 / greatest(abs(u), abs(v), 1e-300));

-- The best of some sizes with the mean that goes with it: there may be several maxima. A model whose groups differ by no
-- more than chance is searched, and not pooled completely, where one of them is higher than an infinite size: a large
-- group can hide how much small ones differ.
CREATE OR REPLACE MACRO _pool_rates_begun(facts, numbered, classes, exposures, family) AS TABLE
    WITH sizes AS (
        SELECT model, pi, xs, ns, unnest(range(9)) AS point,
            CASE WHEN point = 0 THEN least(greatest(size_of_moments, 0.1), 1e6) ELSE pow(10, point - 2) END AS size
        FROM query_table(facts)
        WHERE way = 'searched'
    ),
    means AS (
        SELECT model, point, sum(k * x / (n + lag)) / sum(k * n / (n + lag)) AS mean
        FROM (SELECT model, point, size / CASE WHEN family = 'rates' THEN 1.0 ELSE pi END AS lag FROM sizes)
            JOIN query_table(numbered) USING (model)
        WHERE n > 0
        GROUP BY ALL
    ),
    begun AS (
        SELECT *, 'looking' AS phase, ln(size) AS v,
            ln(mean / pi * CASE WHEN family = 'rates' THEN (1 - pi) / (1 - mean) ELSE 1.0 END) AS u
        FROM sizes JOIN means USING (model, point)
    ),
    best AS (
        SELECT model, max(height) AS height, arg_max({u: u, v: v}, height) AS start
        FROM _pool_rates_evaluated('begun', classes, exposures, family)
        GROUP BY model
    )
    SELECT f.* REPLACE (CASE
            WHEN NOT (way = 'searched' AND NOT differ AND height <= 1e-12 * (j + abs(constant))) THEN way ELSE 'pooled'
        END AS way), start
    FROM query_table(facts) AS f LEFT JOIN best USING (model);

-- Newton's method from the best point of every model, all models at once: where the likelihood is not concave, uphill
-- by the size of its curvature; a step that does not gain is taken again, a quarter as long. Where a gain would be lost
-- in rounding the gradient judges, until it falls no more.
CREATE OR REPLACE MACRO _pool_rates_found(facts, classes, exposures, family) AS TABLE
    WITH RECURSIVE _pool_rates_search AS (
        SELECT 0 AS step, 'looking' AS phase, model, 0 AS point, pi, xs, ns, start.u AS u, start.v AS v,
            {u: start.u, v: start.v, height: '-infinity'::DOUBLE, gain: 0.0::DOUBLE, length: 0.0::DOUBLE,
                concave: false, hidden: false, du: 0.0::DOUBLE, dv: 0.0::DOUBLE} AS best
        FROM query_table(facts)
        WHERE way = 'searched'
        UNION ALL
        SELECT step + 1,
            CASE
                WHEN better AND here.concave AND (here.length <= 1e-11
                    OR here.hidden AND here.length <= 1e-3 AND best.hidden AND here.length >= best.length / 2)
                    THEN 'found'
                WHEN NOT better AND best.concave AND best.hidden AND best.length <= 1e-3 THEN 'found'
                WHEN greatest(abs(next.du), abs(next.dv)) < 1e-14 THEN 'lost'
                ELSE 'looking'
            END,
            model, 0, pi, xs, ns, next.u + next.du, next.v + next.dv, next
        FROM (
            SELECT *, CASE WHEN better THEN here ELSE
                {u: best.u, v: best.v, height: best.height, gain: best.gain, length: best.length,
                    concave: best.concave, hidden: best.hidden, du: best.du / 4, dv: best.dv / 4} END AS next
            FROM (
                SELECT step, model, pi, xs, ns, best, here,
                    here.height > best.height
                        OR best.hidden AND best.concave AND here.concave AND here.gain <= best.gain AS better
                FROM (
                    SELECT step, model, pi, xs, ns, best,
                        {u: u, v: v, height: height, gain: g_u * du + g_v * dv,
                            length: greatest(abs(du), abs(dv)), concave: h_uu > 0 AND left_v > 0,
                            hidden: g_u * du + g_v * dv <= 1e-12 * gross, du: du, dv: dv} AS here
                    FROM (
                        SELECT *, _pool_step_length(newton_u, newton_v) AS share, share * newton_u AS du,
                            share * newton_v AS dv
                        FROM (
                            SELECT *, greatest(abs(h_uu), 1e-300) AS bend_u, h_vv - h_uv * h_uv / bend_u AS left_v,
                                (g_v - h_uv / bend_u * g_u) / greatest(abs(left_v), 1e-300) AS newton_v,
                                (g_u - h_uv * newton_v) / bend_u AS newton_u
                            FROM _pool_rates_evaluated('_pool_rates_search', classes, exposures, family)
                        )
                    )
                )
            )
        )
        WHERE step < 200
    )
    SELECT model, best.u AS u, best.v AS v, phase = 'found' AS done
    FROM _pool_rates_search
    WHERE phase <> 'looking' OR step = 200;

-- ---- the components -------------------------------------------------------------------------------------------------

-- One row a model: the prior, and what the data say of it.
CREATE OR REPLACE MACRO _pool_rate_components(groups, prior, family) AS TABLE
    WITH pairs AS MATERIALIZED (FROM _pool_rate_pairs(groups)),
    sound AS MATERIALIZED (FROM _pool_rates_sound(groups, family)),
    models AS MATERIALIZED (FROM _pool_rate_models('pairs', 'sound')),
    numbered AS MATERIALIZED (FROM _pool_rate_numbered('pairs', 'models')),
    known AS MATERIALIZED (FROM _pool_rate_facts('models', 'numbered', prior, family)),
    classes AS MATERIALIZED (
        SELECT model, kind, m, sum(k) AS k
        FROM (
            SELECT model, k, unnest([1, 2, 3]) AS kind, unnest([x, n - x, n]) AS m
            FROM numbered
            WHERE n > 0
        )
        WHERE m > 1 AND (family = 'rates' OR kind = 1)
        GROUP BY ALL
    ),
    exposures AS MATERIALIZED (
        SELECT model, n, sum(k) AS k, sum(k * x) AS xs FROM numbered WHERE n > 0 AND family = 'counts' GROUP BY ALL
    ),
    facts AS MATERIALIZED (FROM _pool_rates_begun('known', 'numbered', 'classes', 'exposures', family)),
    found AS MATERIALIZED (FROM _pool_rates_found('facts', 'classes', 'exposures', family)),
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
                ELSE other * size END AS beta
        FROM facts AS f LEFT JOIN found USING (model)
    ),
    points AS MATERIALIZED (FROM placed),
    risen AS (
        SELECT p.*, s.* EXCLUDE (model, point)
        FROM points AS p LEFT JOIN (FROM _pool_rises('points', 'classes')) AS s USING (model, point)
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
    -- minus the Hessian by logit, or log, of the mean and the log of the size
    bent AS (
        SELECT *,
            CASE WHEN family = 'rates'
                THEN other * other * (xs - coalesce(bend_x, 0.0)) + mean * mean * (ns - xs - coalesce(bend_y, 0.0))
                ELSE weight END AS h_uu,
            CASE WHEN family = 'rates' THEN mean * coalesce(slope_y + bend_y, 0.0)
                    - other * coalesce(slope_x + bend_x, 0.0)
                ELSE -pull2 END AS h_uv,
            CASE WHEN family = 'rates' THEN coalesce(slope_n + bend_n, 0.0)
                    - coalesce(slope_x + bend_x, 0.0) - coalesce(slope_y + bend_y, 0.0)
                ELSE poisson + lag + pull2 - coalesce(slope_x + bend_x, 0.0) END AS h_vv,
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
                + CASE WHEN xs > 0 THEN xs * ln(mean) ELSE 0.0 END
                + CASE
                    WHEN family = 'counts' THEN of_exposure - mean * ns - coalesce(fall, 0.0)
                    WHEN xs < ns THEN (ns - xs) * ln(other)
                    ELSE 0.0
                END
        END AS _pool_log_likelihood,
        CASE way WHEN 'searched' THEN done ELSE way <> 'nothing' END AS _pool_converged
    FROM bent;

-- The level, or NULL where it is wrong, which is said elsewhere.
CREATE OR REPLACE MACRO _pool_proper_level(level) AS
    CASE WHEN _pool_wrong_level(level) IS NULL THEN _pool_number(level) END;

-- Groups of equal x and n with their posterior: its mean, standard deviation, quantiles and tails at the threshold.
CREATE OR REPLACE MACRO _pool_rate_posteriors(groups, components, level, threshold, limits, family) AS TABLE
    WITH pairs AS (FROM _pool_rate_pairs(groups)),
    placed AS (
        SELECT p._pool_model, x, n, k, c.* EXCLUDE (_pool_model, model),
            _pool_alpha + x AS a, _pool_beta + CASE WHEN family = 'rates' THEN n - x ELSE n END AS b,
            CASE WHEN family = 'rates' THEN b ELSE 'infinity'::DOUBLE END AS odds_b,
            _pool_size = 'infinity'::DOUBLE OR a = 0 OR b = 0 AS fixed
        FROM pairs AS p, query_table(components) AS c
        WHERE _pool_same(c._pool_model, p._pool_model)
    ),
    estimated AS (
        SELECT *,
            CASE WHEN n = 0 THEN 0.0
                ELSE n / (n + CASE WHEN family = 'rates' THEN _pool_size ELSE _pool_beta END) END AS _pool_weight,
            CASE
                WHEN _pool_size = 'infinity'::DOUBLE OR n = 0 THEN _pool_mu
                ELSE a / CASE WHEN family = 'rates' THEN a + b ELSE b END
            END AS _pool_estimate,
            CASE
                WHEN _pool_size = 0 AND n = 0 THEN sqrt(_pool_mu * (1 - _pool_mu))
                WHEN fixed THEN 0.0
                WHEN family = 'rates' THEN sqrt(a / (a + b) * (b / (a + b)) / (a + b + 1))
                ELSE sqrt(a) / b
            END AS _pool_se
        FROM placed
    ),
    -- pool_odds_quantile by columns, which costs half
    asked AS (
        SELECT *, (1 - _pool_proper_level(level)) / 2 AS p, 1 - p AS q,
            CASE WHEN NOT fixed THEN pool_odds_split(a, odds_b) END AS split
        FROM estimated
    ),
    sided AS (
        SELECT *, CASE WHEN NOT fixed THEN pool_odds_side(a, odds_b, p, split) END AS side_p,
            CASE WHEN NOT fixed THEN pool_odds_side(a, odds_b, q, split) END AS side_q
        FROM asked
    ),
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
        SELECT * EXCLUDE (p, q, split, side_p, side_q, start_p, start_q, target_p, target_q, odds_p, odds_q),
            CASE WHEN fixed THEN _pool_estimate WHEN family = 'rates' THEN 1 / (1 + b / a * exp(-odds_p))
                ELSE a / b * exp(odds_p) END AS _pool_lower,
            CASE WHEN fixed THEN _pool_estimate WHEN family = 'rates' THEN 1 / (1 + b / a * exp(-odds_q))
                ELSE a / b * exp(odds_q) END AS _pool_upper
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
            CASE WHEN fixed AND _pool_estimate <= _pool_number(threshold) THEN 1
                WHEN fixed OR mark <= pool_odds_split(a, odds_b) THEN -1
                WHEN a IS NOT NULL THEN 1 END AS side
        FROM stated
    ),
    cut AS (
        SELECT *, CASE WHEN fixed OR isinf(mark) THEN 0.0 ELSE pool_odds_tail(a, odds_b, mark, side) END AS tail
        FROM marked
    ),
    tailed AS (
        SELECT *, CASE WHEN side < 0 THEN tail WHEN side > 0 THEN 1 - tail END AS _pool_pep,
            CASE WHEN side > 0 THEN tail WHEN side < 0 THEN 1 - tail END AS _pool_p_above
        FROM cut
    ),
    untailed AS (SELECT *, NULL::DOUBLE AS _pool_pep, NULL::DOUBLE AS _pool_p_above FROM stated)
    SELECT _pool_model, x AS _pool_of_x, n AS _pool_of_n, _pool_weight, _pool_estimate, _pool_se, _pool_lower,
        _pool_upper, _pool_p_above, _pool_pep, a AS _pool_a, b AS _pool_b,
        sum(k * _pool_pep) OVER (PARTITION BY _pool_model ORDER BY _pool_pep)
            / sum(k) OVER (PARTITION BY _pool_model ORDER BY _pool_pep) AS _pool_q_value
    FROM query_table(CASE WHEN _pool_absent(threshold) THEN 'untailed' ELSE 'tailed' END);

-- ---- the verbs ------------------------------------------------------------------------------------------------------

CREATE OR REPLACE MACRO _pool_prior_of_rates(family) AS
    CASE WHEN family = 'rates' THEN 'beta(alpha, beta)' ELSE 'gamma(shape, rate)' END;

-- What is wrong with the prior.
CREATE OR REPLACE MACRO _pool_wrong_rate_prior(given, family) AS
    CASE
        WHEN _pool_name(given) IN ('ml', 'moments') THEN NULL
        WHEN _pool_prior_name(given) <> CASE WHEN family = 'rates' THEN 'beta' ELSE 'gamma' END
            THEN 'prior=' || _pool_shown(given) || '; give one of ''ml'', ''moments'', '''
                || _pool_prior_of_rates(family) || ''''
                || _pool_nearest(trim(split_part(_pool_name(given), '(', 1)),
                    ['ml', 'moments', split_part(_pool_prior_of_rates(family), '(', 1)])
        WHEN len(_pool_prior_numbers(given)) <> 2 OR list_contains(
                list_transform(_pool_prior_numbers(given), lambda x: coalesce(isfinite(x) AND x > 0, false)), false)
            THEN 'prior=' || _pool_shown(given) || ': give ' || _pool_prior_of_rates(family)
                || ' with finite numbers above 0'
    END;

CREATE OR REPLACE MACRO _pool_wrong_flag(role, given) AS
    CASE WHEN typeof(given) <> 'BOOLEAN' OR given IS NULL
        THEN role || '=' || _pool_shown(given) || '; give true or false' END;

-- One row: that the arguments are right, whether there is one model, and the names of the two columns.
CREATE OR REPLACE MACRO _pool_rate_arguments(
    tbl, value, base, "by", over, prior, nan, level, threshold, posterior, limits, by_is_shown, family, result
) AS TABLE
    WITH _pool_over AS (SELECT over, 1 AS _pool_one FROM (SELECT 1 AS _pool_two) LEFT JOIN query_table(tbl) ON false),
    _pool_by AS (SELECT "by" FROM (SELECT 1 AS _pool_one) LEFT JOIN query_table(tbl) ON false),
    _pool_value AS (SELECT value FROM (SELECT 1 AS _pool_one) LEFT JOIN query_table(tbl) ON false),
    _pool_base AS (SELECT base FROM (SELECT 1 AS _pool_one) LEFT JOIN query_table(tbl) ON false),
    _pool_typed AS (
        SELECT [typeof(value), typeof(base)] AS _pool_types
        FROM (SELECT 1 AS _pool_one) LEFT JOIN query_table(tbl) ON false
    ),
    named AS (
        SELECT struct_keys(_pool_over)[:-2] AS over_names, struct_keys(_pool_by) AS by_names,
            [struct_keys(_pool_value)[1], struct_keys(_pool_base)[1]] AS column_names, _pool_types AS types,
            starts_with(typeof(_pool_over), 'STRUCT("NULL" "NULL"') AS no_over
        FROM _pool_over, _pool_by, _pool_value, _pool_base, _pool_typed
    ),
    keyed AS (
        SELECT * REPLACE (CASE WHEN no_over THEN []::VARCHAR[] ELSE over_names END AS over_names) FROM named
    ),
    judged AS (
        SELECT *, coalesce(
            _pool_wrong_keys(over_names, by_names,
                CASE WHEN by_is_shown THEN list_concat(over_names, by_names) ELSE over_names END, result),
            _pool_wrong_type(['value', CASE WHEN family = 'rates' THEN 'trials' ELSE 'exposure' END],
                column_names, types),
            _pool_wrong_rate_prior(prior, family),
            _pool_wrong_name('nan', coalesce(nan::VARCHAR, 'NULL'), ['error', 'null']),
            _pool_wrong_level(level),
            _pool_wrong_threshold(threshold),
            _pool_wrong_flag('posterior', posterior),
            _pool_wrong_flag('limits', limits)
        ) AS complaint
        FROM keyed
    )
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper, no_over,
        CASE WHEN complaint IS NULL THEN column_names ELSE error(complaint) END AS column_names
    FROM judged;

-- Keys and everything that is told of groups, under private names.
CREATE OR REPLACE MACRO _pool_rates_pooled(
    tbl, value, base, "by", over, prior, level, nan, threshold, posterior, limits, family, result
) AS TABLE
    WITH _pool_given AS MATERIALIZED (
        FROM _pool_rate_arguments(tbl, value, base, "by", over, prior, nan, level, threshold, posterior, limits, true,
            family, result)
    ),
    _pool_groups AS MATERIALIZED (FROM _pool_rate_groups(tbl, value, base, "by", over, nan, family)),
    _pool_components AS MATERIALIZED (FROM _pool_rate_components('_pool_groups', prior, family)),
    _pool_pairs AS MATERIALIZED (
        FROM _pool_rate_posteriors('_pool_groups', '_pool_components', level, threshold, limits, family)
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
-- posterior means. `prior` is estimated by 'ml' or 'moments', or given as 'beta(2, 5)'. With a threshold p_above, how likely
-- the rate lies above it, pep, how likely not, and q_value, the mean pep of all groups of the model whose pep is no larger
-- (Robinson 2017); with posterior := true its alpha and beta; limits := false leaves lower and upper out.
CREATE OR REPLACE MACRO pool_shrink_rates(
    tbl, value, trials, "by", over := NULL, prior := 'ml', level := 0.95, nan := 'error', threshold := NULL,
    posterior := false, limits := true
) AS TABLE
    WITH _pool_result AS (
        SELECT COLUMNS(lambda c: _pool_is_shown(c)), _pool_n::BIGINT AS n, _pool_mean AS mean, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se, _pool_lower AS lower, _pool_upper AS upper,
            _pool_p_above AS p_above, _pool_pep AS pep, _pool_q_value AS q_value, _pool_a AS alpha, _pool_b AS beta
        FROM _pool_rates_pooled(tbl, value, trials, "by", over, prior, level, nan, threshold, posterior, limits,
            'rates', ['n', 'mean', 'weight', 'estimate', 'se', 'lower', 'upper', 'p_above', 'pep', 'q_value', 'alpha', 'beta'])
    )
    SELECT COLUMNS(lambda c: _pool_rate_asked(c, threshold, posterior, limits)) FROM _pool_result;

-- The same of counts of events in exposures, with gamma distributed rates per unit of exposure: `prior` may be
-- 'gamma(3, 1)', shape and rate.
CREATE OR REPLACE MACRO pool_shrink_counts(
    tbl, value, exposure, "by", over := NULL, prior := 'ml', level := 0.95, nan := 'error', threshold := NULL,
    posterior := false, limits := true
) AS TABLE
    WITH _pool_result AS (
        SELECT COLUMNS(lambda c: _pool_is_shown(c)), _pool_n AS n, _pool_mean AS mean, _pool_weight AS weight,
            _pool_estimate AS estimate, _pool_se AS se, _pool_lower AS lower, _pool_upper AS upper,
            _pool_p_above AS p_above, _pool_pep AS pep, _pool_q_value AS q_value, _pool_a AS shape, _pool_b AS rate
        FROM _pool_rates_pooled(tbl, value, exposure, "by", over, prior, level, nan, threshold, posterior, limits,
            'counts',
            ['n', 'mean', 'weight', 'estimate', 'se', 'lower', 'upper', 'p_above', 'pep', 'q_value', 'shape', 'rate'])
    )
    SELECT COLUMNS(lambda c: _pool_rate_asked(c, threshold, posterior, limits)) FROM _pool_result;

-- The distribution of rates between groups, one row a model. The first SELECT has no rows: it gives the keys of the
-- models their names.
CREATE OR REPLACE MACRO pool_components_rates(
    tbl, value, trials, "by", over := NULL, prior := 'ml', nan := 'error'
) AS TABLE
    WITH _pool_given AS MATERIALIZED (
        FROM _pool_rate_arguments(tbl, value, trials, "by", over, prior, nan, 0.95, NULL, false, false, false, 'rates',
            ['groups', 'n', 'alpha', 'beta', 'mean', 'se_log_alpha', 'se_log_beta', 'rho', 'log_likelihood',
                'converged'])
    ),
    _pool_groups AS MATERIALIZED (FROM _pool_rate_groups(tbl, value, trials, "by", over, nan, 'rates')),
    _pool_components AS MATERIALIZED (FROM _pool_rate_components('_pool_groups', prior, 'rates')),
    _pool_named AS (
        SELECT over, NULL::BIGINT AS groups, NULL::BIGINT AS n, NULL::DOUBLE AS alpha, NULL::DOUBLE AS beta,
            NULL::DOUBLE AS mean, NULL::DOUBLE AS se_log_alpha, NULL::DOUBLE AS se_log_beta, NULL::DOUBLE AS rho,
            NULL::DOUBLE AS log_likelihood, NULL::BOOLEAN AS converged
        FROM query_table(tbl) WHERE false
        UNION ALL
        SELECT unnest(_pool_model), _pool_groups::BIGINT, _pool_trials::BIGINT, _pool_alpha, _pool_beta, _pool_mu,
            _pool_se_log_alpha, _pool_se_log_beta, _pool_rho, _pool_log_likelihood, _pool_converged
        FROM _pool_components
    )
    SELECT COLUMNS(lambda c: c <> 'NULL') FROM _pool_named
    WHERE (SELECT proper FROM _pool_given);

-- The same of counts: shape and rate of the gamma distribution of the rates.
CREATE OR REPLACE MACRO pool_components_counts(
    tbl, value, exposure, "by", over := NULL, prior := 'ml', nan := 'error'
) AS TABLE
    WITH _pool_given AS MATERIALIZED (
        FROM _pool_rate_arguments(tbl, value, exposure, "by", over, prior, nan, 0.95, NULL, false, false, false,
            'counts', ['groups', 'n', 'shape', 'rate', 'mean', 'se_log_shape', 'se_log_rate', 'rho', 'log_likelihood',
                'converged'])
    ),
    _pool_groups AS MATERIALIZED (FROM _pool_rate_groups(tbl, value, exposure, "by", over, nan, 'counts')),
    _pool_components AS MATERIALIZED (FROM _pool_rate_components('_pool_groups', prior, 'counts')),
    _pool_named AS (
        SELECT over, NULL::BIGINT AS groups, NULL::DOUBLE AS n, NULL::DOUBLE AS shape, NULL::DOUBLE AS rate,
            NULL::DOUBLE AS mean, NULL::DOUBLE AS se_log_shape, NULL::DOUBLE AS se_log_rate, NULL::DOUBLE AS rho,
            NULL::DOUBLE AS log_likelihood, NULL::BOOLEAN AS converged
        FROM query_table(tbl) WHERE false
        UNION ALL
        SELECT unnest(_pool_model), _pool_groups::BIGINT, _pool_trials, _pool_alpha, _pool_beta, _pool_mu,
            _pool_se_log_alpha, _pool_se_log_beta, _pool_rho, _pool_log_likelihood, _pool_converged
        FROM _pool_components
    )
    SELECT COLUMNS(lambda c: c <> 'NULL') FROM _pool_named
    WHERE (SELECT proper FROM _pool_given);
