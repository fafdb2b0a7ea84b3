-- ---------------------------------------------------------------------------------------------------------------------
-- One row per model of rates or counts: the prior and its error.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per model: the prior, its errors and the log likelihood.
CREATE OR REPLACE MACRO _pool_rate_components(pairs, prior, family) AS TABLE
    WITH sound AS MATERIALIZED (FROM _pool_rates_sound(pairs, family)),
    models AS MATERIALIZED (FROM _pool_rate_models(pairs, 'sound')),
    numbered AS MATERIALIZED (FROM _pool_rate_numbered(pairs, 'models')),
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
    starts AS MATERIALIZED (FROM _pool_rates_starts('known', 'numbered', family)),
    fitted AS MATERIALIZED (
        FROM _pool_rates_fitted('known', 'starts', 'classes', 'exposures', 'many', prior, family)
    ),
    -- the independent trials, or the exposure, that determine the mean as well: infinite where it is known
    determined AS (
        SELECT model, sum(k * CASE
                WHEN way = 'known' THEN 'infinity'::DOUBLE
                WHEN family = 'rates' THEN pool_rate_effective_trials(n, size)
                ELSE pool_rate_effective_exposure(n, beta)
            END) AS effective
        FROM fitted JOIN numbered USING (model)
        GROUP BY model
    ),
    -- the inverse of minus the Hessian by logit, or log, of the mean and the log of the size
    varied AS (
        SELECT f.* EXCLUDE (way), p.* EXCLUDE (model), alone, h_uu * h_vv - h_uv * h_uv AS det,
            CASE WHEN h_uu > 0 AND det > 0 AND p.way = 'searched' THEN h_vv / det END AS var_u, -h_uv / det AS cov,
            h_uu / det AS var_v
        FROM known AS f JOIN fitted AS p USING (model) LEFT JOIN alone USING (model)
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
            ELSE constant + rise
                + CASE WHEN few_xs > 0 THEN few_xs * ln(mean) ELSE 0.0 END
                + CASE
                    WHEN family = 'counts' THEN of_exposure - mean * few_ns - fall
                    WHEN few_xs < few_ns THEN (few_ns - few_xs) * ln(other)
                    ELSE 0.0
                END
                + coalesce(CASE WHEN size = 'infinity'::DOUBLE THEN alone ELSE many_height END, 0.0)
        END AS _pool_log_likelihood,
        done AS _pool_converged, effective AS _pool_effective
    FROM varied LEFT JOIN determined USING (model);
