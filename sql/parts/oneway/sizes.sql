-- ---------------------------------------------------------------------------------------------------------------------
-- Groups by size: the fit of plain rows with one sigma2.
--
-- A class is a number of rows here, and v = sigma2 / n. So the range of n gives that of v, and each step is one SELECT
-- of few columns. The columns are those of fit.sql.
-- ---------------------------------------------------------------------------------------------------------------------

-- Models with sigma2, the range of v, and `size`, the scale of the data, as in _pool_started.
CREATE OR REPLACE MACRO _pool_sized_models(models, sigma2) AS TABLE
    SELECT model, _pool_model, j, n, ssw, wmin, wmax, ymin, ymax, mean, mean_of_rows, pooled,
        CASE
            WHEN apart > 0 THEN apart
            WHEN vmax > 0 THEN sqrt(vmax)
            WHEN abs(ymax) > 0 OR abs(ymin) > 0 THEN greatest(abs(ymax), abs(ymin))
            ELSE 1.0
        END AS size
    FROM (
        SELECT *, pool_sampling_variance(pooled, wmin) AS vmax,
            greatest(ymax - ymin, sqrt(coalesce(ssw / n, 0.0)),
                sqrt(coalesce(pool_sampling_variance(pooled, wmax), 0.0))) AS apart
        FROM (
            SELECT *, coalesce(_pool_number(sigma2), pool_pooled_variance(ssw, n, j)) AS pooled
            FROM query_table(models) WHERE j > 0
        )
    );

-- Models in their unit, less `start`, with the bounds that the estimators of tau2 need.
CREATE OR REPLACE MACRO _pool_started_by_size(models, sigma2, mu, method) AS TABLE
    SELECT model, _pool_model, j, n, fitted, j - fitted AS df, _pool_name(sigma2) = 'pooled' AS on_rows, wmin, wmax,
        exact, unit_, start, measurable, identified, estimable, jointly, false AS separated, ssw, pooled, vmin, vmax,
        CASE WHEN vmin > 0 THEN vmin END AS vleast, ymin, ymax, known, plain,
        CASE WHEN jointly THEN 1 / wmax ELSE vmin END AS umin,
        _pool_larger((ymax - plain) * (ymax - plain), (ymin - plain) * (ymin - plain)) AS reach,
        _pool_larger((ymax - of_rows) * (ymax - of_rows), (ymin - of_rows) * (ymin - of_rows)) AS reach_of_rows,
        NULL::DOUBLE AS df_prior, NULL::DOUBLE AS sigma2_prior
    FROM (
        SELECT model, _pool_model, j, n, wmin, wmax, fitted, unit_, measurable, mean AS start,
            ssw / (unit_ * unit_) AS ssw, pooled / (unit_ * unit_) AS pooled,
            pool_sampling_variance(pooled, wmax) / (unit_ * unit_) AS vmin,
            pool_sampling_variance(pooled, wmin) / (unit_ * unit_) AS vmax,
            CASE WHEN pooled = 0 THEN j ELSE 0.0 END AS exact,
            (ymin - mean) / unit_ AS ymin, (ymax - mean) / unit_ AS ymax,
            (_pool_number(mu) - _pool_origin - mean) / unit_ AS known, coalesce(known, 0.0) AS plain,
            coalesce(known, (mean_of_rows - mean) / unit_) AS of_rows, pooled IS NOT NULL AS identified,
            identified AND measurable AND _pool_enough(method, j, fitted) AS estimable,
            estimable AND scaled.ssw > 0 AND _pool_name(sigma2) = 'pooled' AND _pool_is_joint(method) AS jointly
        FROM (
            -- Whether DOUBLE holds the squares of the spread.
            SELECT *, size > 2.0 ** -506 AND size < 2.0 ** 506 AS measurable,
                CASE
                    WHEN measurable AND NOT size BETWEEN 2.0 ** -100 AND 2.0 ** 100 THEN 2.0 ** round(log2(size))
                    ELSE 1.0
                END AS unit_,
                CASE WHEN _pool_number(mu) IS NULL THEN 1.0 ELSE 0.0 END AS fitted
            FROM _pool_sized_models(models, sigma2)
        ) AS scaled, _pool_origin
    );

-- Classes less `start` in the unit of their model, as in _pool_moved.
CREATE OR REPLACE MACRO _pool_moved_by_size(sizes, started) AS TABLE
    SELECT model, n, w, k, y, squares, spread, v, plain, CASE WHEN jointly THEN 1 / w ELSE v END AS u,
        CASE WHEN jointly THEN w = wmax ELSE v = vmin END AS is_top
    FROM (
        SELECT model, n, w, k, (y - start) / unit_ AS y, squares / (unit_ * unit_) AS squares,
            spread / (unit_ * unit_) AS spread, pool_sampling_variance(pooled, w) AS v, plain, jointly, wmax, vmin
        FROM (SELECT _pool_model, n, w, k, y, squares, spread FROM query_table(sizes) WHERE k > 0) AS c,
            (SELECT model, _pool_model, start, unit_, pooled, plain, jointly, wmax, vmin FROM query_table(started)) AS m
        WHERE _pool_same(m._pool_model, c._pool_model)
    );

-- One row per model: the components.
CREATE OR REPLACE MACRO _pool_components_by_size(
    groups, inputs, sigma2, tau2, mu, method, level, test, limits, detail
) AS TABLE
    WITH sizes AS MATERIALIZED (FROM _pool_sizes(groups)),
    models AS MATERIALIZED (FROM _pool_models('sizes', inputs)),
    started AS MATERIALIZED (FROM _pool_started_by_size('models', sigma2, mu, method)),
    moved AS MATERIALIZED (FROM _pool_moved_by_size('sizes', 'started')),
    facts AS MATERIALIZED (FROM started JOIN _pool_sums_of_classes('moved') USING (model))
    FROM _pool_results('models', 'moved', 'facts', sigma2, tau2, mu, method, level, test, limits, detail);
