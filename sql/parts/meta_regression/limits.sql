-- ---------------------------------------------------------------------------------------------------------------------
-- The interval of tau2, by the quantiles of Q or by the profile likelihood.
-- ---------------------------------------------------------------------------------------------------------------------

-- The points of both searches, 2 * model + 1 for the lower limit and + 0 for the upper one. In units of sigma2 where it
-- is estimated with tau2; by Q, of the mean square within.
CREATE OR REPLACE MACRO _pool_toward_limit_points(closed_forms, tails, level, method, limits) AS TABLE
    WITH models AS (
        SELECT model, p, j, n, ssw, jointly, joint_df, x_, plain_squares,
            CASE WHEN jointly THEN pooled ELSE 1.0 END AS mean_square,
            CASE WHEN jointly THEN 1 / wmax ELSE vmax END AS far, profile_at_best
        FROM query_table(closed_forms) WHERE p = 2 AND known AND df > 0 AND vmax > 0
    ),
    by_q AS (
        SELECT 2 * model + is_lower AS search, i, model, p, j, n, ssw, jointly, joint_df,
            (j - p) * ratio * mean_square AS expected, NULL::DOUBLE AS target, 1.0::DOUBLE AS side,
            CASE WHEN i = 0 THEN 0.0 WHEN plain_squares = 0 THEN 1.0 ELSE 1.001 * plain_squares / expected END AS point
        FROM models JOIN (
            SELECT id // 8 AS model, (id % 8 = 4)::BIGINT AS is_lower, exp(result) AS ratio
            FROM query_table(tails) WHERE id % 8 >= 4
        ) USING (model), (SELECT unnest([0, 1]) AS i)
    ),
    by_profile AS (
        SELECT 2 * model + (i < 2)::BIGINT AS search, i, model, p, j, n, ssw, jointly, joint_df,
            NULL::DOUBLE AS expected, profile_at_best + _pool_quantile * _pool_quantile AS target,
            CASE WHEN i < 2 THEN -1.0 ELSE 1.0 END::DOUBLE AS side,
            CASE WHEN i = 0 THEN 0.0 WHEN i <= 2 THEN x_
                ELSE CASE WHEN x_ > 0 THEN x_ ELSE far END * 4.0 ** (i - 2) END AS point
        FROM models, _pool_quantile_of(level), (SELECT unnest(range(0, 64)) AS i)
        WHERE coalesce(limits::VARCHAR = 'profile', jointly) AND (i <> 1 OR x_ > 0)
    ),
    either AS (FROM by_q UNION ALL FROM by_profile)
    SELECT *, 1024 * search + i AS id, false AS closed
    FROM query_table(CASE WHEN _pool_is_likelihood(method) THEN 'either' ELSE 'by_q' END);

-- The limits by model, in the unit of the model. `depth` of a root of the profile is sigma2 there.
CREATE OR REPLACE MACRO _pool_toward_limits(closed_forms, standard, tails, level, method, limits) AS TABLE
    WITH points AS MATERIALIZED (
        FROM _pool_toward_limit_points(closed_forms, tails, level, method, limits)
    ),
    risen AS MATERIALIZED (FROM _pool_toward_risen('points', standard, method, false)),
    roots AS (
        SELECT search, min(x) AS x, arg_min(depth, x) AS sigma2_there
        FROM _pool_toward_roots('risen', standard, method, false) WHERE done GROUP BY search
    )
    SELECT search // 2 AS model, max(limit_) FILTER (search % 2 = 1) AS lower_,
        max(limit_) FILTER (search % 2 = 0) AS upper_
    FROM (
        SELECT search, x * CASE WHEN NOT jointly THEN 1.0 WHEN by_q THEN pooled ELSE sigma2_there END AS limit_
        FROM roots
            JOIN (SELECT search, any_value(expected) IS NOT NULL AS by_q FROM points GROUP BY search) USING (search)
            JOIN (SELECT model, jointly, pooled FROM query_table(closed_forms)) ON model = search // 2
    )
    GROUP BY ALL;
