-- ---------------------------------------------------------------------------------------------------------------------
-- One row per model: the estimates of its components, and what inference adds to them.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per model: the result columns between icc and converged, and se_mu by the test; NULL where the data do not
-- identify them.
CREATE OR REPLACE MACRO _pool_inference(
    fitted_classes, moved, variances, centres, sigma2, mu, method, level, test, limits
) AS TABLE
    WITH fitted_models AS MATERIALIZED (FROM _pool_fitted_models(variances, centres, mu, method, limits)),
    sums AS MATERIALIZED (FROM _pool_fitted_sums(fitted_classes, 'fitted_models')),
    closed_forms AS MATERIALIZED (FROM _pool_closed_forms('fitted_models', 'sums', method, level, test)),
    errors AS (FROM _pool_error_of_tau2(fitted_classes, 'fitted_models', 'closed_forms', method)),
    required AS (FROM _pool_required_tails('closed_forms', method, level, test)),
    tails AS MATERIALIZED (FROM _pool_tails_and_quantiles('required')),
    gathered AS (
        SELECT id // 8 AS model, max(result) FILTER (id % 8 = 0) AS q_p, max(result) FILTER (id % 8 = 1) AS student_p,
            max(result) FILTER (id % 8 = 3) AS log_reach2, max(result) FILTER (id % 8 = 6) AS lower,
            max(result) FILTER (id % 8 = 7) AS upper
        FROM (
            SELECT id, result FROM tails
            UNION ALL FROM _pool_limits('closed_forms', 'tails', moved, sigma2, method, limits)
        )
        GROUP BY ALL
    ),
    with_inference AS (
        SELECT model, q, q_exact, q_p, df, df2, tau2_, typical, error2, unit_, has_tau2, by_profile, best, at_best,
            lower, upper, on_rows, lrt, mu_, se, student_p,
            CASE WHEN test = 'z' THEN normal_reach ELSE exp(log_reach2 / 2) END AS reach_,
            -- the normal tails beyond the root of lrt, which is chi-square with 1 degree of freedom, and beyond mu / se
            list_transform([least(sqrt(lrt), 40.0), least(abs(mu_) / se, 40.0)], lambda x: 2 * _pool_normal_tail(x))
                AS normal_p,
            _pool_finite(pool_log_likelihood(deviance, numbers) - numbers * ln(unit_)) AS log_likelihood
        FROM closed_forms LEFT JOIN gathered USING (model) LEFT JOIN errors USING (model)
    )
    SELECT model, q,
        CASE WHEN q IS NULL AND q_exact > 0 AND df2 > 0 THEN 0.0 WHEN q = 0 AND df2 > 0 THEN 1.0 ELSE q_p END AS q_p,
        pool_i2(tau2_, typical) AS i2, _pool_finite(pool_h2(tau2_, typical)) AS h2,
        _pool_finite(sqrt(error2) * unit_ * unit_) AS se_tau2,
        CASE
            WHEN has_tau2 AND by_profile AND best = 0 AND at_best IS NOT NULL AND df2 > 0 THEN 0.0
            ELSE _pool_finite(lower * unit_ * unit_)
        END AS tau2_lower,
        _pool_finite(upper * unit_ * unit_) AS tau2_upper, log_likelihood,
        pool_akaike(log_likelihood, on_rows::INTEGER + (method <> 'known')::INTEGER
            + (_pool_number(mu) IS NULL)::INTEGER) AS aic,
        lrt, CASE WHEN lrt IS NOT NULL THEN pool_half_half(lrt, normal_p[1]) END AS lrt_p,
        CASE WHEN _pool_number(mu) IS NOT NULL THEN mu_ ELSE mu_ - reach_ * se END * unit_ AS mu_lower,
        CASE WHEN _pool_number(mu) IS NOT NULL THEN mu_ ELSE mu_ + reach_ * se END * unit_ AS mu_upper,
        CASE
            WHEN test = 'z' THEN CASE WHEN se > 0 AND mu_ IS NOT NULL THEN normal_p[2] END
            WHEN mu_ = 0 AND se > 0 AND df >= 1 THEN 1.0
            ELSE student_p
        END AS mu_p,
        (mu_ - reach_ * pool_prediction_error(tau2_, se)) * unit_ AS new_lower,
        (mu_ + reach_ * pool_prediction_error(tau2_, se)) * unit_ AS new_upper,
        se * unit_ AS se_mu_
    FROM with_inference;

-- One row per model: the components, NULL where the data do not identify them. `detail` chooses further columns: none
-- ('estimates'), the error of tau2 that the estimates of groups need ('errors'), or tests and intervals ('inference').
CREATE OR REPLACE MACRO _pool_results(
    models, moved, facts, sigma2, tau2, mu, method, level, test, limits, detail
) AS TABLE
    WITH estimates AS (FROM _pool_estimated_by(moved, facts, method)),
    variances AS MATERIALIZED (FROM _pool_variances(facts, 'estimates', tau2, method)),
    fitted_classes AS MATERIALIZED (FROM _pool_fitted_classes(moved, 'variances', mu)),
    plain_centres AS (FROM _pool_centres('fitted_classes')),
    fitted_centres AS (FROM _pool_fitted_centres('fitted_classes')),
    centres AS MATERIALIZED (
        FROM query_table(CASE WHEN detail = 'inference' THEN 'fitted_centres' ELSE 'plain_centres' END)
    ),
    plain AS (
        SELECT _pool_model, model AS _pool_id,
            coalesce(j, 0)::BIGINT AS _pool_groups,
            CASE WHEN has_n THEN coalesce(n, 0)::BIGINT END AS _pool_rows,
            CASE WHEN j IS NULL THEN _pool_number(sigma2) ELSE _pool_finite(sigma2_ * unit_ * unit_) END
                AS _pool_sigma2,
            coalesce(_pool_number(tau2), _pool_finite(tau2_ * unit_ * unit_)) AS _pool_tau2,
            coalesce(_pool_number(mu), own * unit_ + start + _pool_origin) AS _pool_mu,
            CASE
                WHEN _pool_number(mu) IS NOT NULL THEN 0.0
                WHEN identified AND tau2_ IS NOT NULL THEN _pool_finite(sqrt(variance) * unit_)
            END AS _pool_se_mu,
            pool_icc(tau2_, sigma2_) AS _pool_icc,
            df_prior AS _pool_df_prior,
            sigma2_prior AS _pool_sigma2_prior,
            coalesce(settled, false) AS _pool_converged,
            unit_ AS _pool_unit
        FROM (SELECT model, _pool_model FROM query_table(models)) LEFT JOIN variances USING (model)
            LEFT JOIN centres USING (model), (SELECT has_n FROM _pool_request), _pool_origin
    ),
    errors AS (FROM _pool_error_and_bias(moved, 'variances', method)),
    with_errors AS (
        SELECT plain.*, error * _pool_unit ** 4 AS _pool_error, correction * _pool_unit ** 2 AS _pool_correction
        FROM plain LEFT JOIN errors ON plain._pool_id = errors.model
    ),
    inferred AS (
        FROM _pool_inference('fitted_classes', moved, 'variances', 'centres', sigma2, mu, method, level, test,
            limits)
    ),
    with_inference AS (
        SELECT plain.* EXCLUDE (_pool_converged)
            REPLACE (CASE WHEN _pool_number(mu) IS NOT NULL THEN 0.0 ELSE se_mu_ END AS _pool_se_mu),
            q AS _pool_q, q_p AS _pool_q_p, i2 AS _pool_i2, h2 AS _pool_h2, se_tau2 AS _pool_se_tau2,
            tau2_lower AS _pool_tau2_lower, tau2_upper AS _pool_tau2_upper, log_likelihood AS _pool_log_likelihood,
            aic AS _pool_aic, lrt AS _pool_lrt, lrt_p AS _pool_lrt_p, mu_lower AS _pool_mu_lower,
            mu_upper AS _pool_mu_upper, mu_p AS _pool_mu_p, new_lower AS _pool_new_lower, new_upper AS _pool_new_upper,
            _pool_converged
        FROM plain LEFT JOIN inferred ON plain._pool_id = inferred.model
    )
    SELECT * EXCLUDE (_pool_id, _pool_unit)
    FROM query_table(CASE detail
        WHEN 'inference' THEN 'with_inference' WHEN 'errors' THEN 'with_errors' ELSE 'plain' END);

-- One row per model, from groups of any input.
CREATE OR REPLACE MACRO _pool_components_by_class(
    groups, inputs, sigma2, tau2, mu, method, level, test, limits, detail
) AS TABLE
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
    started AS MATERIALIZED (FROM _pool_started('sampled', 'counted', method, true)),
    moved AS MATERIALIZED (FROM _pool_moved('sampled', 'started')),
    facts AS MATERIALIZED (FROM _pool_facts('moved', 'started'))
    FROM _pool_results('models', 'moved', 'facts', sigma2, tau2, mu, method, level, test, limits, detail);

-- The same by size where groups of equal size are alike.
CREATE OR REPLACE MACRO _pool_components_by(
    groups, inputs, sigma2, tau2, mu, method, level, test, limits, detail
) AS TABLE
    WITH by_class AS NOT MATERIALIZED (
        FROM _pool_components_by_class(groups, inputs, sigma2, tau2, mu, method, level, test, limits, detail)
    ),
    by_size AS NOT MATERIALIZED (
        FROM _pool_components_by_size(groups, inputs, sigma2, tau2, mu, method, level, test, limits, detail)
    )
    FROM _pool_by_input(inputs, CASE WHEN _pool_own_variance(sigma2) THEN 'by_class' ELSE 'by_size' END, 'by_class');
