-- ---------------------------------------------------------------------------------------------------------------------
-- One row per group: the posterior of its true mean.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per group: keys, n, mean and v; for its true mean the weight, the posterior mean and sd, the ends of the
-- interval (`interval_kind` is 'central', 'shortest' or ''), and the probability of more than the threshold.
CREATE OR REPLACE MACRO _pool_posterior_estimates(
    groups, components, models, nodes, sigma2, mu, level, interval_kind, predict, threshold
) AS TABLE
    WITH sampled AS MATERIALIZED (
        SELECT *, row_number() OVER () AS _pool_item FROM _pool_sampled_groups(groups, components, sigma2)
    ),
    heavy_nodes AS MATERIALIZED (FROM query_table(nodes) WHERE p >= 1e-17),
    node_lists AS MATERIALIZED (FROM _pool_node_lists('heavy_nodes')),
    -- only private columns: keys of groups may have any name
    private AS (SELECT COLUMNS('^_pool_(item|id|y|sampling|own)$') FROM sampled WHERE _pool_sampling IS NOT NULL),
    items AS MATERIALIZED (
        SELECT _pool_item AS id, model, _pool_y - start - around AS y, _pool_sampling AS v,
            CASE predict WHEN 'row' THEN _pool_own WHEN 'replicate' THEN _pool_sampling ELSE 0.0 END AS extra,
            1.0 AS varies,
            _pool_number(threshold) - _pool_origin - start - around AS beyond,
            start + around + _pool_origin AS place, _pool_sampling < 'infinity'::DOUBLE AS seen, moment
        FROM private JOIN query_table(models) ON _pool_id = model, _pool_origin
    ),
    mixed AS MATERIALIZED (FROM _pool_mixed('items', 'node_lists')),
    no_exceeding AS (SELECT NULL::BIGINT AS id, NULL::DOUBLE AS above WHERE false),
    exceeding AS (FROM _pool_exceeding('items', 'node_lists')),
    no_interval AS (SELECT NULL::BIGINT AS id, NULL::DOUBLE AS lower_, NULL::DOUBLE AS upper_ WHERE false),
    central AS (FROM _pool_central('mixed', 'heavy_nodes', level)),
    shortest AS (FROM _pool_shortest('mixed', 'heavy_nodes', level)),
    intervals AS (
        FROM query_table(
            CASE interval_kind WHEN 'central' THEN 'central' WHEN 'shortest' THEN 'shortest' ELSE 'no_interval' END)
    ),
    posteriors AS (
        SELECT id AS _pool_item, weight_ AS _pool_weight, CASE WHEN seen OR moment >= 1 THEN mean_ + place END
                AS _pool_estimate,
            CASE WHEN seen OR moment >= 2 THEN sqrt(variance_) END AS _pool_se, lower_ + place AS _pool_lower,
            upper_ + place AS _pool_upper, above AS _pool_above
        FROM mixed LEFT JOIN intervals USING (id)
            LEFT JOIN query_table(CASE WHEN _pool_absent(threshold) THEN 'no_exceeding' ELSE 'exceeding' END) USING (id)
    )
    FROM sampled LEFT JOIN posteriors USING (_pool_item);
