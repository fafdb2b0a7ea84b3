-- ---------------------------------------------------------------------------------------------------------------------
-- Compression: groups of nearly equal sampling variance become a few pseudo-groups with the same sums.
--
-- The formulas and their source are those of polars_pool/formulas/compression.py: in each bin of u, 3 pseudo-groups at
-- each of 8 points of u. Their counts are signed. u is v, or 1 / w where v = sigma2 / w with one sigma2.
-- ---------------------------------------------------------------------------------------------------------------------

-- The single groups of compressed models with their bin. u = 0 has a bin of its own.
CREATE OR REPLACE MACRO _pool_binned(sampled) AS TABLE
    SELECT model, w, y, v, u,
        CASE WHEN u > 0 THEN floor(_pool_bins_per_doubling() * log2(u)) ELSE '-infinity'::DOUBLE END AS bin
    FROM query_table(sampled) WHERE compressed;

CREATE OR REPLACE MACRO _pool_bins(binned) AS TABLE
    SELECT *, groups <= _pool_groups_kept() AS keeps, coalesce(u_least < u_largest, false) AS varies
    FROM (
        SELECT model, bin, count(*)::DOUBLE AS groups, avg(y) AS mean, stddev_pop(y) AS sd, min(v) AS v_least,
            max(v) AS v_largest, min(u) AS u_least, max(u) AS u_largest
        FROM query_table(binned) GROUP BY model, bin
    );

-- The sums of T_p(t) z^q over the groups of each bin: t is the place of a group in its bin, T_p a Chebyshev polynomial,
-- z the deviation of y.
CREATE OR REPLACE MACRO _pool_bin_sums(binned, bins) AS TABLE
    SELECT model, bin,
        [sum(1.0), sum(t), sum(t2), sum(t3), sum(t4), sum(t5), sum(t6), sum(t7)] AS ones,
        [sum(z), sum(t * z), sum(t2 * z), sum(t3 * z), sum(t4 * z), sum(t5 * z), sum(t6 * z), sum(t7 * z)] AS firsts,
        [sum(z2), sum(t * z2), sum(t2 * z2), sum(t3 * z2), sum(t4 * z2), sum(t5 * z2), sum(t6 * z2), sum(t7 * z2)]
            AS seconds
    FROM (
        SELECT *, 2 * t2 * t3 - t AS t5, 2 * t3 * t3 - 1 AS t6, 2 * t3 * t4 - t AS t7
        FROM (
            SELECT *, 2 * t * t2 - t AS t3, 2 * t2 * t2 - 1 AS t4
            FROM (
                SELECT *, 2 * t * t - 1 AS t2, z * z AS z2
                FROM (
                    SELECT model, bin, _pool_bin_place(u, u_least, u_largest) AS t,
                        _pool_bin_deviation(y, mean, sd) AS z
                    FROM query_table(binned) JOIN (
                        SELECT model, bin, mean, sd, u_least, u_largest
                        FROM query_table(bins) WHERE varies AND NOT keeps
                    ) USING (model, bin)
                )
            )
        )
    )
    GROUP BY model, bin;

-- The pseudo-groups of each bin whose groups differ in u.
CREATE OR REPLACE MACRO _pool_pseudo_groups(binned, bins) AS TABLE
    SELECT model, 1 / _pool_bin_at_point(x, u_least, u_largest) AS w,
        CASE side
            WHEN 1 THEN _pool_bin_count_above(first, second)
            WHEN -1 THEN _pool_bin_count_below(first, second)
            ELSE _pool_bin_count_at_mean(one, second)
        END AS k,
        mean + side * sd AS y, _pool_bin_at_point(x, v_least, v_largest) AS v, 0.0 AS spread
    FROM (
        SELECT *, list_inner_product(counts, ones) AS one, list_inner_product(counts, firsts) AS first,
            list_inner_product(counts, seconds) AS second
        FROM _pool_bin_sums(binned, bins) JOIN query_table(bins) USING (model, bin), _pool_points_of_bin()
    ), (VALUES (1), (-1), (0)) AS sides(side);

-- Classes in which the single groups of compressed models are pseudo-groups. A bin of few groups keeps them, so that
-- one group that outweighs all others is one class; a bin with one value of u is one class.
CREATE OR REPLACE MACRO _pool_compressed(sampled) AS TABLE
    WITH binned AS MATERIALIZED (FROM _pool_binned(sampled)),
    bins AS MATERIALIZED (FROM _pool_bins('binned'))
    SELECT model, n, w, k, y, squares, v, spread FROM query_table(sampled) WHERE NOT compressed
    UNION ALL BY NAME
    SELECT model, w, 1.0 AS k, y, v, 0.0 AS spread
    FROM binned JOIN (SELECT model, bin FROM bins WHERE varies AND keeps) USING (model, bin)
    UNION ALL BY NAME
    SELECT model, 1 / u_least AS w, groups AS k, mean AS y, v_least AS v, sd * sd AS spread
    FROM bins WHERE NOT varies
    UNION ALL BY NAME
    FROM _pool_pseudo_groups('binned', 'bins');
