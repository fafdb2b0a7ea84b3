-- ---------------------------------------------------------------------------------------------------------------------
-- Robust intervals: moments of the groups' effects in every model, and the interval of each group.
--
-- A group enters through m alone, so each m of a model is one search: with one sigma2, groups of equal size share it.
-- The formulas and their source are those of pool_noncoverage and the macros after it in formulas.sql.
-- ---------------------------------------------------------------------------------------------------------------------

-- mu2 and kappa of every model; kappa is infinite where all effects are 0.
CREATE OR REPLACE MACRO _pool_effects(estimated) AS TABLE
    SELECT _pool_model AS _pool_model_of_effects, row_number() OVER () AS _pool_kind, mu2 AS _pool_mu2,
        CASE WHEN mu2 > 0 THEN pool_kurtosis(fourths, groups, mu2, v2, v4) ELSE 'infinity'::DOUBLE END AS _pool_kappa
    FROM (
        SELECT *, pool_second_moment(squares, groups, v1, v2) AS mu2
        FROM (
            SELECT _pool_model, count_if(_pool_w > 0)::DOUBLE AS groups, sum(pool_effect_square(d2, v)) AS squares,
                sum(pool_effect_fourth_power(d2, v)) AS fourths, sum(v) AS v1, sum(v * v) AS v2,
                sum(v * v * (v * v)) AS v4
            FROM (
                SELECT _pool_model, _pool_w, CASE WHEN _pool_w > 0 THEN _pool_sampling END AS v,
                    (_pool_mean - _pool_mu) * (_pool_mean - _pool_mu) AS d2
                FROM query_table(estimated)
            )
            GROUP BY _pool_model
        )
    );

-- chi / sqrt(1 + m) of the robust interval, and the largest noncoverage of the ordinary interval, for every m of a
-- model. Above m = 1e20 only the bias counts.
CREATE OR REPLACE MACRO _pool_robust_reaches(groups, level) AS TABLE
    WITH cases AS MATERIALIZED (
        SELECT row_number() OVER () AS id, *, _pool_quantile AS z, 1 - _pool_number(level) AS alpha
        FROM (SELECT DISTINCT _pool_kind, _pool_kappa, _pool_m, _pool_ratio FROM query_table(groups)),
            _pool_quantile_of(level)
        WHERE _pool_m IS NOT NULL
    ),
    searches AS (
        SELECT id, _pool_m AS m, _pool_kappa AS kappa, CASE WHEN critical THEN alpha END AS alpha,
            CASE WHEN critical THEN z ELSE z * sqrt(1 + m * _pool_ratio) END AS chi,
            z AS low, 1.001 * sqrt((1 + m) / alpha) AS high  -- Chebyshev: noncoverage <= (1 + m) / chi^2
        FROM (SELECT *, unnest([true, false]) AS critical FROM cases WHERE _pool_m > 0 AND _pool_m <= 1e20)
    ),
    critical_values AS (
        SELECT id, max(chi) FILTER (alpha IS NOT NULL) AS chi, max(rho) FILTER (alpha IS NULL) AS rho
        FROM _pool_critical_values('searches') GROUP BY id
    )
    SELECT _pool_kind, _pool_m, _pool_ratio,
        CASE WHEN _pool_m = 0 THEN z WHEN _pool_m > 1e20 THEN sqrt(pool_widest(_pool_kappa, alpha))
            ELSE chi / sqrt(1 + _pool_m) END AS _pool_reach,
        CASE WHEN _pool_m = 0 THEN alpha WHEN _pool_ratio IS NULL THEN NULL
            WHEN _pool_m > 1e20 THEN pool_exceeding(z * z * _pool_ratio, _pool_kappa) ELSE rho END AS _pool_noncoverage
    FROM cases LEFT JOIN critical_values USING (id);

-- Estimates with both ends of the robust interval, and the largest noncoverage of the ordinary interval.
CREATE OR REPLACE MACRO _pool_robust(estimates, level) AS TABLE
    WITH estimated AS MATERIALIZED (
        SELECT COLUMNS(lambda c: NOT starts_with(c, '_pool_')), _pool_model, _pool_n, _pool_w, _pool_mean,
            _pool_sampling, _pool_weight, _pool_estimate, _pool_se, _pool_mu, _pool_tau2
        FROM query_table(estimates)
    ),
    effects AS MATERIALIZED (FROM _pool_effects('estimated')),
    groups AS NOT MATERIALIZED (
        SELECT *, pool_bias_moment(_pool_weight, _pool_sampling, _pool_mu2) AS _pool_m,
            CASE WHEN NOT isnan(_pool_tau2 / _pool_mu2) THEN _pool_tau2 / _pool_mu2 END AS _pool_ratio
        FROM estimated, effects WHERE _pool_same(_pool_model, _pool_model_of_effects)
    ),
    reaches AS MATERIALIZED (FROM _pool_robust_reaches('groups', level))
    SELECT *, _pool_estimate - _pool_half AS _pool_lower, _pool_estimate + _pool_half AS _pool_upper
    FROM (
        SELECT g.*, _pool_noncoverage,
            _pool_reach * pool_root_mean_square(_pool_weight, _pool_sampling, _pool_mu2) AS _pool_half
        FROM groups AS g LEFT JOIN reaches AS r ON g._pool_kind = r._pool_kind AND g._pool_m = r._pool_m
            AND g._pool_ratio IS NOT DISTINCT FROM r._pool_ratio
    );
