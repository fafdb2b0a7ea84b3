-- ---------------------------------------------------------------------------------------------------------------------
-- One row per model: variances, coefficients, and what inference adds.
-- ---------------------------------------------------------------------------------------------------------------------

-- Models with the result columns of inference. Those without the predictor give its share of tau2.
CREATE OR REPLACE MACRO _pool_toward_inferred(uncertain, elsewhere, standard, level, test, method, limits) AS TABLE
    WITH closed_forms AS MATERIALIZED (FROM _pool_toward_closed_forms(uncertain, elsewhere, method, test)),
    required AS (FROM _pool_toward_required('closed_forms', level, test, method, limits)),
    tails AS MATERIALIZED (FROM _pool_tails_and_quantiles('required')),
    ends AS (FROM _pool_toward_limits('closed_forms', standard, 'tails', level, method, limits)),
    gathered AS (
        SELECT id // 8 AS model, max(result) FILTER (id % 8 = 0) AS q_tail, max(result) FILTER (id % 8 = 1) AS qm_tail
        FROM tails GROUP BY ALL
    ),
    without AS (SELECT pair, tau2_ * unit_ * unit_ AS tau2_without FROM query_table(uncertain) WHERE p = 1),
    compared AS (
        SELECT *, CASE WHEN q = 0 THEN 1.0 ELSE q_tail END AS q_p,
            CASE WHEN isinf(qm) THEN 0.0 WHEN qm = 0 THEN 1.0 ELSE qm_tail END AS qm_p,
            _pool_finite(pool_log_likelihood(deviance, numbers) - numbers * ln(unit_)) AS log_likelihood,
            CASE WHEN _pool_is_likelihood(method) AND known AND df > 0 AND vmax > 0
                THEN _pool_finite(pool_likelihood_ratio(profile_0, profile_at_best)) END AS lrt,
            CASE WHEN method <> 'known' AND regular
                THEN _pool_toward_explained(tau2_ * unit_ * unit_, tau2_without) END AS r2
        FROM closed_forms LEFT JOIN gathered USING (model) LEFT JOIN ends USING (model) LEFT JOIN without USING (pair)
        WHERE p = 2
    )
    SELECT *, _pool_finite(pool_i2(tau2_, typical)) AS i2, _pool_finite(pool_h2(tau2_, typical)) AS h2,
        sqrt(error2_) * unit_ * unit_ AS se_tau2, _pool_finite(lower_ * unit_ * unit_) AS tau2_lower,
        _pool_finite(upper_ * unit_ * unit_) AS tau2_upper,
        pool_akaike(log_likelihood, p + on_rows::INTEGER + (method <> 'known')::INTEGER) AS aic,
        CASE WHEN lrt IS NOT NULL THEN pool_half_half(lrt, 2 * _pool_normal_tail(least(sqrt(lrt), 40.0))) END AS lrt_p
    FROM compared;

-- The components of every model. `detail` chooses further columns: none ('estimates'), the error of tau2 that the
-- estimates of groups need ('errors'), the test of the coefficients ('coefficients'), or all ('inference').
CREATE OR REPLACE MACRO _pool_toward_components(
    groups, inputs, sigma2, tau2, method, level, test, limits, detail
) AS TABLE
    WITH classes AS MATERIALIZED (FROM _pool_toward_classes(groups, inputs, sigma2)),
    models AS MATERIALIZED (FROM _pool_toward_models('classes', inputs)),
    within AS (FROM _pool_toward_within('models', sigma2)),
    with_prior AS (FROM _pool_with_prior('classes', 'within')),
    counted AS MATERIALIZED (
        FROM query_table(CASE WHEN _pool_name(sigma2) = 'squeezed' THEN 'with_prior' ELSE 'within' END)
    ),
    sampled AS MATERIALIZED (FROM _pool_toward_sampled('classes', 'counted', sigma2)),
    identified AS MATERIALIZED (
        FROM _pool_toward_identified('counted', 'sampled', CASE WHEN detail = 'inference' THEN [2, 1] ELSE [2] END,
            tau2, method)
    ),
    standard AS MATERIALIZED (FROM _pool_toward_standard('sampled', 'identified')),
    facts AS MATERIALIZED (FROM _pool_toward_facts('identified', 'standard')),
    estimates AS (FROM _pool_toward_estimated('facts', 'standard', method)),
    solved AS MATERIALIZED (FROM _pool_toward_solved('facts', 'estimates', tau2, method)),
    fitted AS MATERIALIZED (FROM _pool_toward_fitted('solved', 'standard')),
    elsewhere AS MATERIALIZED (FROM _pool_toward_elsewhere('fitted', 'standard', method)),
    uncertain AS MATERIALIZED (FROM _pool_toward_uncertain('fitted', 'elsewhere', method)),
    inferred AS (
        FROM _pool_toward_inferred('uncertain', 'elsewhere', 'standard', level, test, method, limits)
    ),
    chosen AS (
        FROM query_table(CASE detail WHEN 'inference' THEN 'inferred' WHEN 'errors' THEN 'uncertain' ELSE 'fitted' END)
        WHERE p = 2
    )
    SELECT c.* EXCLUDE (_pool_model), m._pool_model, coalesce(c.j, 0)::BIGINT AS _pool_number_of_groups,
        CASE WHEN has_n THEN coalesce(c.n, 0)::BIGINT END AS _pool_rows,
        CASE WHEN c.j IS NULL THEN _pool_number(sigma2) ELSE _pool_finite(sigma2_ * unit_ * unit_) END AS _pool_sigma2,
        CASE WHEN c.j IS NULL THEN _pool_number(tau2) ELSE _pool_finite(tau2_ * unit_ * unit_) END AS _pool_tau2,
        coalesce(settled AND known AND regular, false) AS _pool_converged,
        coalesce(tau2_ IS NULL AND identified AND c.j <= 2, false) AS _pool_only,
        level_ + _pool_origin AS _pool_level
    FROM models AS m LEFT JOIN chosen AS c ON m.model = c.pair, (SELECT has_n FROM _pool_request), _pool_origin;

-- Everything from a table to the components of its models, with the name of the predictor.
CREATE OR REPLACE MACRO _pool_toward_pooled(
    tbl, value, "by", unnamed, toward, over, n, var, se, weights, sigma2, tau2, nan, level, test, limits, result, detail
) AS TABLE
    WITH _pool_request AS MATERIALIZED (
        FROM _pool_arguments('_pool_schema', value, "by", unnamed, over, n, var, se, weights, sigma2, 'reml', 'gls',
            nan, level, 'mu', NULL, 'mean', NULL, false, result)
    ),
    _pool_predictor AS MATERIALIZED (FROM _pool_toward_request('_pool_schema', value, toward, tau2)),
    _pool_origin AS MATERIALIZED (FROM _pool_origin_of(tbl, value, over)),
    _pool_plain AS MATERIALIZED (
        FROM _pool_plain(tbl, value, "by", over, n, var, se, weights, nan,
            more := _pool_toward_ends(value, toward, nan))
    ),
    _pool_weighed AS MATERIALIZED (
        FROM _pool_weighed(tbl, value, "by", over, n, var, se, weights, nan, sigma2, 'reml', 'gls',
            more := _pool_toward_ends(value, toward, nan))
    ),
    _pool_groups AS NOT MATERIALIZED (FROM _pool_groups([n, var, se, weights], '_pool_plain', '_pool_weighed', sigma2)),
    _pool_models AS NOT MATERIALIZED (
        FROM _pool_toward_components('_pool_groups', [n, var, se, weights], sigma2, tau2, _pool_toward_method(tau2),
            level, test, limits, detail), _pool_predictor
    )
    -- When the macro is created, the binding ends at the CASE, before that of all others.
    FROM query_table(CASE WHEN level IS NULL THEN NULL ELSE '_pool_models' END)
    WHERE (SELECT proper FROM _pool_request) AND (SELECT predictor IS NOT NULL FROM _pool_predictor)
        AND (SELECT proper FROM _pool_valid_inference(test, limits, tau2, 'gls'));
