-- ---------------------------------------------------------------------------------------------------------------------
-- Nested levels: one row per model, and one per model and level.
-- ---------------------------------------------------------------------------------------------------------------------

-- The result columns by model and level, in the unit of the data.
CREATE OR REPLACE MACRO _pool_nested_levels(tested, limits, restricted, level) AS TABLE
    SELECT *, pool_akaike(log_likelihood, 2 - given::INTEGER + free2 + free3) AS aic,
        CASE WHEN NOT only_outer THEN _pool_se_mu END AS se_mu_,
        _pool_quantile * pool_prediction_error(between_, se_mu_) AS reach
    FROM (
        SELECT *, 2 * _pool_normal_tail(least(sqrt(tested_), 40.0)) AS tail,
            CASE WHEN given THEN leaves ELSE n END - restricted::INTEGER AS numbers,
            best.value - CASE WHEN given AND restricted THEN ln(leaves) ELSE 0.0 END AS deviance,
            CASE WHEN bounded AND NOT (exact OR only_inner)
                THEN pool_log_likelihood(deviance, numbers) - numbers * ln(unit_) END AS log_likelihood,
            n AS rows_, upper_ * unit_ * unit_ AS tau2_upper_,
            CASE
                WHEN lrt_ > _pool_quantile * _pool_quantile THEN lower_ * unit_ * unit_
                WHEN estimated AND bounded AND NOT exact THEN 0.0
            END AS tau2_lower_
        FROM query_table(tested) LEFT JOIN query_table(limits) USING (model, depth), _pool_quantile_of(level)
    );

-- One row per model ('estimates'), or one per model and level with tests and intervals ('inference'), from leaves of
-- any input.
CREATE OR REPLACE MACRO _pool_nested_components(
    of_leaves, inputs, sigma2, tau2, tau2_outer, tau2_inner, level, detail
) AS TABLE
    WITH classes AS NOT MATERIALIZED (FROM _pool_nested_classes(of_leaves)),
    nodes AS MATERIALIZED (FROM _pool_nested_nodes('classes')),
    models AS MATERIALIZED (FROM _pool_nested_models('nodes', inputs)),
    members AS MATERIALIZED (FROM _pool_nested_members('nodes', 'models')),
    facts AS MATERIALIZED (FROM _pool_nested_facts('models', 'members', sigma2, tau2, tau2_outer, tau2_inner)),
    scaled AS MATERIALIZED (FROM _pool_nested_scaled('members', 'facts')),
    started AS MATERIALIZED (FROM _pool_nested_started('facts', 'scaled')),
    starts AS (FROM _pool_nested_starts('started', detail = 'inference')),
    minima AS MATERIALIZED (
        FROM _pool_nested_minima('starts', 'scaled', 'started',
            _pool_nested_is_restricted(tau2, tau2_outer, tau2_inner))
    ),
    fitted AS MATERIALIZED (
        FROM _pool_nested_fitted('models', 'started', 'minima', sigma2,
            _pool_nested_is_restricted(tau2, tau2_outer, tau2_inner))
    ),
    information AS (
        FROM _pool_nested_information('fitted', 'scaled', _pool_nested_is_restricted(tau2, tau2_outer, tau2_inner))
    ),
    tested AS MATERIALIZED (FROM _pool_nested_tests('fitted', 'information')),
    limits AS (
        FROM _pool_nested_limits('tested', 'scaled', 'started', level,
            _pool_nested_is_restricted(tau2, tau2_outer, tau2_inner))
    ),
    of_levels AS (
        FROM _pool_nested_levels('tested', 'limits', _pool_nested_is_restricted(tau2, tau2_outer, tau2_inner), level)
    )
    FROM query_table(CASE detail WHEN 'inference' THEN 'of_levels' ELSE 'fitted' END);
