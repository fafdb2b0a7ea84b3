-- ---------------------------------------------------------------------------------------------------------------------
-- Inferences from fitted nested levels: errors and limits of both tau2, and likelihood-ratio tests.
-- ---------------------------------------------------------------------------------------------------------------------

-- The expected information of sigma2 and both tau2, which is minus half the Hessian of the part of -2 log L that
-- depends on the variances alone. Source: Searle, Casella & McCulloch (1992), section 6.3.
CREATE OR REPLACE MACRO _pool_nested_information(fitted, scaled, restricted) AS TABLE
    WITH points AS (
        SELECT model AS id, model, best.x1 AS x1, best.x2 AS x2, best.x3 AS x3 FROM query_table(fitted) WHERE identified
    ),
    bends AS (FROM _pool_nested_likelihood('points', scaled, restricted, false)),
    information AS (
        SELECT model, bounded, f1, f2, free3, 1 - f1 - f1 / 2
                * (bend11 - CASE WHEN given THEN 0.0 ELSE (n - leaves) / best.x1 ** 4 END) AS i11,
            1 - f2 - f2 / 2 * bend22 AS i22, 1 - free3 - free3 / 2 * bend33 AS i33,
            -f1 * f2 / 2 * bend12 AS i12, -f1 * free3 / 2 * bend13 AS i13, -f2 * free3 / 2 * bend23 AS i23
        FROM (
            SELECT *, CASE WHEN exact THEN 0.0 ELSE free1 END AS f1,
                CASE WHEN exact_leaves > 0 AND best.x2 = 0 THEN 0.0 ELSE free2 END AS f2
            FROM query_table(fitted)
        ) AS f JOIN bends ON f.model = bends.id
    )
    SELECT model,
        CASE WHEN bounded AND f2 > 0 THEN sqrt(_pool_node_inverse(i22, i11, i33, i12, i23, i13)) END AS error2,
        CASE WHEN bounded AND free3 > 0 THEN sqrt(_pool_node_inverse(i33, i11, i22, i13, i23, i12)) END AS error3
    FROM information;

-- One row per model and level: what differs between the levels.
CREATE OR REPLACE MACRO _pool_nested_tests(fitted, information) AS TABLE
    WITH of_levels AS (
        SELECT *, unnest([1, 2]) AS depth FROM query_table(fitted) LEFT JOIN query_table(information) USING (model)
    ),
    chosen AS (
        SELECT *, CASE depth WHEN 1 THEN nodes ELSE leaves END AS groups,
            CASE depth WHEN 1 THEN error3 ELSE error2 END AS error,
            CASE depth WHEN 1 THEN best.x3 ELSE best.x2 END AS x,
            CASE depth WHEN 1 THEN value_without_outer ELSE value_without_inner END AS without,
            CASE WHEN determined2 THEN _pool_tau2_inner ELSE known2 END AS inner_,
            CASE WHEN determined3 THEN _pool_tau2_outer ELSE known3 END AS outer_,
            CASE depth WHEN 1 THEN outer_ ELSE inner_ END AS tau2_,
            CASE
                WHEN NOT published THEN _pool_sigma2
                WHEN exact_leaves > 1 THEN 0.0
                ELSE pool_typical_variance(leaves - 1, CASE WHEN exact_leaves = 1 THEN 2 * w1
                    ELSE pool_trace(w1 * w1 - w2, w1) END) * unit_ * unit_
            END AS typical,
            CASE depth WHEN 1 THEN determined3 AND free3 > 0 ELSE determined2 AND free2 > 0 END AS estimated
        FROM of_levels
    )
    SELECT * EXCLUDE (without),
        CASE WHEN estimated THEN error * unit_ * unit_ END AS se_tau2_,
        _pool_nested_share(tau2_, inner_ + outer_ + typical) AS share_,
        CASE WHEN determined3 THEN CASE WHEN depth = 1 THEN outer_ WHEN determined2 THEN inner_ + outer_ END END
            AS between_,
        CASE
            WHEN NOT (estimated AND bounded) OR exact THEN NULL
            WHEN x = 0 THEN 0.0
            WHEN without - best.value >= -1e-6 THEN pool_likelihood_ratio(without, best.value)
        END AS lrt_,
        CASE WHEN depth = 1 OR exact_leaves = 0 THEN lrt_ END AS tested_
    FROM chosen;
