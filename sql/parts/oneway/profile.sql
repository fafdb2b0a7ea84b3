-- ---------------------------------------------------------------------------------------------------------------------
-- The tau profile: one row per model and tau.
--
-- On rows, sigma2 is estimated for each tau: the search for the estimates also searches rho = tau2 / sigma2 at a tau,
-- by the full and by the restricted likelihood. Where v is known, the likelihoods are evaluated at tau2.
-- ---------------------------------------------------------------------------------------------------------------------

-- A list of numbers of any type as DOUBLEs; NULL where it is none.
CREATE OR REPLACE MACRO _pool_taus(tau) AS TRY_CAST(tau::VARCHAR AS DOUBLE[]);

CREATE OR REPLACE MACRO _pool_wrong_profile(mu, tau, tau2) AS
    CASE
        WHEN NOT (_pool_absent(tau2) OR _pool_is_tau_prior(tau2))
            THEN _pool_message_profile_tau2(_pool_shown(tau2))
        WHEN list_contains(pool_methods_without('mu', ['gls']), _pool_name(mu))
            OR _pool_absent(tau2) AND _pool_prior_name(mu) = 'normal'
            THEN _pool_message_profile_mu(_pool_shown(mu))
        WHEN typeof(tau) = '"NULL"' THEN NULL
        WHEN typeof(tau) NOT LIKE '%]' THEN _pool_message_taus('tau=' || _pool_shown(tau))
        WHEN len(TRY_CAST(tau::VARCHAR AS VARCHAR[])) = 0 THEN _pool_message_taus('tau=[] is empty')
        WHEN typeof(tau) LIKE 'VARCHAR%'
            THEN _pool_message_taus('tau holds ''' || TRY_CAST(tau::VARCHAR AS VARCHAR[])[1] || '''')
        WHEN typeof(tau) LIKE 'BOOLEAN%'
            THEN _pool_message_taus('tau holds ' || TRY_CAST(tau::VARCHAR AS VARCHAR[])[1])
        ELSE list_transform(
            list_filter(
                list_zip(TRY_CAST(tau::VARCHAR AS VARCHAR[]), _pool_taus(tau)),
                lambda t: t[2] IS NULL OR NOT (t[2] >= 0 AND t[2] < 'infinity'::DOUBLE)
            ),
            lambda t: _pool_message_taus('tau holds ' || coalesce(t[1], 'NULL'))
        )[1]
    END;

-- True, or an error about mu, tau or tau2.
CREATE OR REPLACE MACRO _pool_valid_profile(mu, tau, tau2) AS TABLE
    WITH usual AS (SELECT true AS proper),
    unusual AS (
        SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper
        FROM (SELECT _pool_wrong_profile(mu, tau, tau2) AS complaint)
    )
    FROM query_table(CASE
        WHEN _pool_name(mu) = 'gls' AND _pool_absent(tau) AND _pool_absent(tau2) THEN 'usual' ELSE 'unusual' END);

-- The upper end of the 99 % profile interval of tau2 in every model that has one: nothing else of the inference is
-- planned.
CREATE OR REPLACE MACRO _pool_upper_limits(moved, facts, sigma2, mu, method) AS TABLE
    WITH fitted AS NOT MATERIALIZED (
        SELECT * FROM query_table(facts) WHERE estimable OR separated AND measurable
    ),
    estimates AS (FROM _pool_estimated_by(moved, 'fitted', method)),
    variances AS MATERIALIZED (FROM _pool_variances('fitted', 'estimates', method, method)),
    fitted_classes AS MATERIALIZED (FROM _pool_fitted_classes(moved, 'variances', mu)),
    centres AS (FROM _pool_fitted_centres('fitted_classes')),
    fitted_models AS MATERIALIZED (FROM _pool_fitted_models('variances', 'centres', mu, method, 'profile')),
    sums AS (FROM _pool_fitted_sums('fitted_classes', 'fitted_models')),
    closed_forms AS MATERIALIZED (FROM _pool_closed_forms('fitted_models', 'sums', method, 0.99, 'z'))
    SELECT model, _pool_finite(result * unit_ * unit_) AS upper
    FROM _pool_limits('closed_forms', NULL, moved, sigma2, method, 'profile')
        JOIN (SELECT model, unit_ FROM closed_forms) ON id = 8 * model + 7;

-- The points: the values of the argument tau, or 61 equal steps from 0 to the upper end of the 99 % interval; only 0
-- where there is no interval. `scaled` is tau2 in the unit of the model.
CREATE OR REPLACE MACRO _pool_points(moved, facts, sigma2, mu, tau) AS TABLE
    WITH requested AS (SELECT model, unit_, unnest(_pool_taus(tau)) AS root FROM query_table(facts)),
    reml AS (FROM _pool_upper_limits(moved, facts, sigma2, mu, 'reml')),
    ml AS (FROM _pool_upper_limits(moved, facts, sigma2, mu, 'ml')),
    reached AS (SELECT model, sqrt(upper) AS highest FROM query_table(_pool_method('reml', mu))),
    grid AS (
        SELECT model, unit_, unnest(
            CASE WHEN highest > 0 THEN list_transform(range(61), lambda i: highest * (i / 60)) ELSE [0.0] END) AS root
        FROM query_table(facts) LEFT JOIN reached USING (model)
    )
    SELECT row_number() OVER () AS point, model, root, (root / unit_) * (root / unit_) AS scaled
    FROM query_table(CASE WHEN typeof(tau) = '"NULL"' THEN 'grid' ELSE 'requested' END);

-- A cell for each point and likelihood, the restricted one on the side above: sigma2 >= SSW / n bounds rho.
CREATE OR REPLACE MACRO _pool_cells_at_points(points, facts) AS TABLE
    SELECT 2 * point + (side > 0)::BIGINT AS id, model, n, ssw, jointly, known, scaled AS expected, umin, at_umin, j,
        side, coalesce(known, y_at_umin) AS c, NULL::DOUBLE AS x3, NULL::DOUBLE AS f3,
        'floor' AS below, 'open' AS beyond,
        CASE WHEN jointly THEN 0.0 ELSE scaled END AS from_x,
        CASE WHEN jointly THEN 1.001 * scaled * n / ssw ELSE scaled END AS to_x
    FROM query_table(points) JOIN query_table(facts) USING (model), (VALUES (-1.0), (1.0)) AS sides(side)
    WHERE identified AND (exact = 0 OR scaled > 0);

-- Each point with sigma2 and the log likelihoods there.
CREATE OR REPLACE MACRO _pool_most_likely(points, facts, moved) AS TABLE
    WITH cells AS (FROM _pool_cells_at_points(points, facts)),
    deviances AS (
        SELECT id // 2 AS point, max(deviance) FILTER (side < 0) AS at_full,
            max(deviance) FILTER (side > 0) AS at_restricted, max(hd2) FILTER (side > 0) AS following
        FROM _pool_minima('cells', moved, 'tau') GROUP BY ALL
    ),
    logs AS (SELECT model, sum(k * ln(w)) AS logs FROM query_table(moved) GROUP BY model)
    SELECT point, model, root, scaled, j, known, jointly, identified, exact, start, unit_, df_prior, sigma2_prior,
        CASE WHEN jointly THEN following ELSE pooled END AS sigma2_,
        pool_log_likelihood(at_full + logs_of_w, numbers) - numbers * ln(unit_) AS log_likelihood,
        pool_log_likelihood(at_restricted + logs_of_w - logs_of_j, numbers - fitted)
            - (numbers - fitted) * ln(unit_) AS restricted_log_likelihood
    FROM (
        SELECT *, CASE WHEN jointly THEN n ELSE j END AS numbers, CASE WHEN jointly THEN logs ELSE 0.0 END AS logs_of_w,
            CASE WHEN NOT jointly AND known IS NULL THEN ln(j) ELSE 0.0 END AS logs_of_j
        FROM query_table(points) JOIN query_table(facts) USING (model) JOIN logs USING (model)
        LEFT JOIN deviances USING (point)
    );

-- mu, its variance and Q at each point; at tau = 0 exact groups have infinite weight.
CREATE OR REPLACE MACRO _pool_centred_points(fits, moved) AS TABLE
    WITH weighed AS MATERIALIZED (
        SELECT point, k, y, spread, v, t, known,
            CASE
                WHEN NOT identified THEN 1.0
                WHEN exact > 0 AND t = 0 THEN CASE WHEN v = 0 THEN 1.0 ELSE 0.0 END
                ELSE pool_gls(v, t)
            END AS c
        FROM (
            SELECT point, k, y, spread, scaled AS t, known, identified, exact,
                CASE WHEN jointly THEN pool_sampling_variance(sigma2_, w) ELSE v END AS v
            FROM query_table(moved) JOIN (
                SELECT point, model, scaled, known, identified, exact, jointly, sigma2_ FROM query_table(fits)
            ) USING (model)
        )
    ),
    centres AS MATERIALIZED (
        SELECT point, sum(k * c * y) / sum(k * c) AS own,
            sum(k * pool_centre_error(c, v, t)) / (sum(k * c) * sum(k * c)) AS variance
        FROM weighed GROUP BY point
    )
    SELECT point, any_value(own) AS own, any_value(variance) AS variance,
        CASE WHEN sum(CASE WHEN v + t = 0 THEN d2 ELSE 0.0 END) = 0 AND count(v) = count(*)
            THEN coalesce(sum(CASE WHEN v + t > 0 THEN k * pool_gls(v, t) * d2 END), 0.0) END AS q
    FROM (
        SELECT point, k, v, t, own, variance,
            (y - coalesce(known, own)) * (y - coalesce(known, own)) + spread AS d2
        FROM weighed JOIN centres USING (point)
    )
    GROUP BY point;

-- One row per model and tau, under private names.
CREATE OR REPLACE MACRO _pool_profiled(groups, inputs, sigma2, mu, tau) AS TABLE
    WITH sizes AS MATERIALIZED (FROM _pool_sizes(groups)),
    singles AS NOT MATERIALIZED (FROM _pool_singles(groups)),
    classes AS NOT MATERIALIZED (FROM _pool_classes('sizes', 'singles', inputs, sigma2)),
    models AS MATERIALIZED (FROM _pool_models('classes', inputs)),
    within AS (FROM _pool_within('models', sigma2, mu)),
    with_prior AS (FROM _pool_with_prior('classes', 'within')),
    counted AS MATERIALIZED (
        FROM query_table(CASE WHEN _pool_name(sigma2) = 'squeezed' THEN 'with_prior' ELSE 'within' END)
    ),
    sampled AS MATERIALIZED (FROM _pool_sampled('classes', 'counted', inputs, sigma2)),
    started_by_class AS MATERIALIZED (
        SELECT * REPLACE (jointly OR identified AND ssw > 0 AND on_rows AS jointly)
        FROM _pool_started('sampled', 'counted', 'reml', true)
    ),
    moved_by_class AS NOT MATERIALIZED (FROM _pool_moved('sampled', 'started_by_class')),
    started_by_size AS MATERIALIZED (
        SELECT * REPLACE (identified AND ssw > 0 AND on_rows AS jointly,
            CASE WHEN identified AND ssw > 0 AND on_rows THEN 1 / wmax ELSE vmin END AS umin)
        FROM _pool_started_by_size('models', sigma2, mu, 'reml')
    ),
    moved_by_size AS NOT MATERIALIZED (FROM _pool_moved_by_size('sizes', 'started_by_size')),
    moved AS MATERIALIZED (
        FROM _pool_by_input(inputs, CASE WHEN _pool_own_variance(sigma2) THEN 'moved_by_class' ELSE 'moved_by_size' END,
            'moved_by_class')
    ),
    facts_by_class AS NOT MATERIALIZED (FROM _pool_facts('moved', 'started_by_class')),
    facts_by_size AS NOT MATERIALIZED (FROM started_by_size JOIN _pool_sums_of_classes('moved') USING (model)),
    facts AS MATERIALIZED (
        FROM _pool_by_input(inputs, CASE WHEN _pool_own_variance(sigma2) THEN 'facts_by_class' ELSE 'facts_by_size' END,
            'facts_by_class')
    ),
    points AS MATERIALIZED (FROM _pool_points('moved', 'facts', sigma2, mu, tau)),
    -- no weights identify sigma2 along the curve
    with_v AS NOT MATERIALIZED (
        SELECT * REPLACE (identified AND NOT separated AS identified, jointly AND NOT separated AS jointly) FROM facts
    ),
    fits AS MATERIALIZED (FROM _pool_most_likely('points', 'with_v', 'moved'))
    SELECT _pool_model, j::BIGINT AS _pool_groups, root AS _pool_tau, root * root AS _pool_tau2,
        _pool_finite(sigma2_ * unit_ * unit_) AS _pool_sigma2,
        coalesce(_pool_number(mu), own * unit_ + start + _pool_origin) AS _pool_mu,
        CASE
            WHEN known IS NOT NULL THEN 0.0
            WHEN identified THEN _pool_finite(sqrt(variance) * unit_)
        END AS _pool_se_mu,
        _pool_finite(q) AS _pool_q, _pool_finite(log_likelihood) AS _pool_log_likelihood,
        _pool_finite(restricted_log_likelihood) AS _pool_restricted_log_likelihood,
        df_prior AS _pool_df_prior, sigma2_prior AS _pool_sigma2_prior
    FROM fits JOIN _pool_centred_points('fits', 'moved') USING (point)
    JOIN (SELECT model, _pool_model FROM models) USING (model), _pool_origin;
