-- ---------------------------------------------------------------------------------------------------------------------
-- One row per model of rates or counts: the prior and its error.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per model: the prior, its errors and the log likelihood.
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
    facts AS MATERIALIZED (FROM _pool_rates_starts('known', 'numbered', 'classes', 'exposures', 'many', family)),
    maxima AS MATERIALIZED (FROM _pool_rates_maximum('facts', 'classes', 'exposures', 'many', family)),
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
        FROM facts AS f LEFT JOIN maxima USING (model)
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
        sqrt(_pool_rate_variance_of_log(CASE WHEN family = 'rates' THEN other ELSE 0.0 END, var_u, cov, var_v))
            AS _pool_se_log_alpha,
        sqrt(_pool_rate_variance_of_log(CASE WHEN family = 'rates' THEN -mean ELSE -1.0 END, var_u, cov, var_v))
            AS _pool_se_log_beta,
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
