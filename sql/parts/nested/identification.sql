-- ---------------------------------------------------------------------------------------------------------------------
-- Nested levels before the search: which variances the data determine, and which of these are 0 as values agree.
-- ---------------------------------------------------------------------------------------------------------------------

-- Whether the likelihood is the restricted one; where both tau2 are known, it is the full one.
CREATE OR REPLACE MACRO _pool_nested_is_restricted(tau2, tau2_outer, tau2_inner) AS
    _pool_name(tau2) = 'reml' AND (_pool_number(tau2_outer) IS NULL OR _pool_number(tau2_inner) IS NULL);

-- The models with their unit, a power of two near the spread of the leaves' means. `free1` to `free3` are 1 where the
-- likelihood estimates sigma2, tau2 of the inner level and of the outer one; `start1` to `start3` are the values where
-- these are known. Where each outer node has one leaf, only the sum of both tau2 is determined; mu takes up the only
-- node of a model. Single rows separate sigma2 from the tau2 of their level by unequal weights, or where that tau2 is
-- known. Squares of the deviations have to be within DOUBLE. Sampling variances are not below 2^-200 of the unit, so
-- that powers of their inverse are finite.
CREATE OR REPLACE MACRO _pool_nested_facts(models, members, sigma2, tau2, tau2_outer, tau2_inner) AS TABLE
    WITH known AS (
        SELECT coalesce(_pool_number(tau2_inner), _pool_number(tau2)) AS known2,
            coalesce(_pool_number(tau2_outer), _pool_number(tau2)) AS known3,
            published OR _pool_number(sigma2) IS NOT NULL AS given,
            NOT given AND (known2 IS NULL OR known3 IS NULL) AS estimates
        FROM _pool_request
    ),
    apart AS (
        SELECT model, sqrt(sum(k * (y * y + spread)) / sum(k)) AS spread,
            sum(k * ((y - mean) * (y - mean) + spread)) AS inner_squares,
            sum(k / leaves * (mean - mean_of_nodes) * (mean - mean_of_nodes)) AS outer_squares,
            sum(k / w) AS inverse, sum(k * w) AS total, min(w) AS wmin, max(w) AS wmax,
            sum(k * abs(y)) / sum(k) AS deviation
        FROM query_table(members) GROUP BY model
    ),
    units AS (
        SELECT *, coalesce(_pool_number(sigma2), 1.0) AS per_weight,
            CASE WHEN NOT given THEN spread WHEN wmax >= _pool_exact() THEN spread
                ELSE greatest(spread, sqrt(per_weight * j / total)) END AS between_means,
            CASE WHEN given THEN between_means ELSE greatest(spread, sqrt(ssw / n)) END AS of_data,
            CASE WHEN of_data > 0 THEN 2.0 ** round(log2(of_data)) ELSE 1.0 END AS unit_,
            deviation = 0 OR deviation BETWEEN 1e-150 AND 1e150 AS in_range
        FROM query_table(models) JOIN apart USING (model), known
    ),
    scaled AS (
        SELECT model, _pool_model, j, nodes, n, mean, unit_, given, estimates, known2, known3,
            CASE WHEN between_means > 0 THEN between_means / unit_ ELSE 1.0 END AS size, ssw / (unit_ * unit_) AS ssw,
            CASE WHEN given THEN per_weight / (unit_ * unit_) ELSE 1.0 END AS scale,
            CASE WHEN given THEN 1.0 ELSE greatest(
                CASE WHEN n > j THEN ssw / (n - j) ELSE spread * spread * j / inverse END / (unit_ * unit_),
                2.0 ** -200) END AS start1,
            start1 * greatest(scale / wmin, 2.0 ** -200) <= 2.0 ** -199 AS all_exact,
            all_exact AND inner_squares / (unit_ * unit_) <= 2.0 ** -96 AS agree2,
            agree2 AND outer_squares / (unit_ * unit_) <= 2.0 ** -96 AS agree3,
            known2 IS NULL AND known3 IS NULL AND j = nodes AS alone,
            known3 IS NULL AND nodes = 1 AS single,
            in_range AND (given OR n > j OR estimates AND (wmax - wmin > 2.0 ** -40 * wmax AND j > 2
                OR known2 IS NOT NULL AND NOT (known3 IS NULL AND j = nodes))) AS identified
        FROM units
    )
    SELECT * EXCLUDE (all_exact, agree2, agree3, alone, single, estimates),
        known2 IS NOT NULL OR NOT alone AS determined2,
        known3 IS NOT NULL OR NOT (alone OR single) AS determined3,
        (estimates AND start1 > 2.0 ** -200)::INTEGER::DOUBLE AS free1,
        (known2 IS NULL AND NOT alone AND NOT agree2)::INTEGER::DOUBLE AS free2,
        (known3 IS NULL AND NOT single AND NOT agree3)::INTEGER::DOUBLE AS free3,
        coalesce(known2, 0.0) / (unit_ * unit_) AS start2, coalesce(known3, 0.0) / (unit_ * unit_) AS start3,
        NOT given AND start1 = 2.0 ** -200 AS alike
    FROM scaled;

-- The classes in the unit of their model: u, and deviations from the centre of their node. Leaves whose rows do not
-- differ count alike.
CREATE OR REPLACE MACRO _pool_nested_scaled(members, facts) AS TABLE
    SELECT model, node, k, CASE WHEN alike THEN 1.0 ELSE greatest(scale / w, 2.0 ** -200) END AS u,
        centre / unit_ AS centre, (y - centre) / unit_ AS d, c.spread / (unit_ * unit_) AS spread
    FROM query_table(members) AS c JOIN (SELECT model, unit_, scale, alike FROM query_table(facts)) USING (model);

-- The facts with sums over the scaled classes: of the logarithm of u, of the precisions of leaves whose mean is not
-- exact, the number of the others, and that of their nodes.
CREATE OR REPLACE MACRO _pool_nested_started(facts, scaled) AS TABLE
    FROM query_table(facts) JOIN (
        SELECT model, sum(k * ln(u)) AS logs_of_u, sum(CASE WHEN exact THEN k ELSE 0.0 END) AS exact_leaves,
            count(DISTINCT CASE WHEN exact THEN node END) AS exact_nodes,
            sum(CASE WHEN exact THEN 0.0 ELSE k / u END) AS w1,
            sum(CASE WHEN exact THEN 0.0 ELSE k / (u * u) END) AS w2, count(*) AS classes
        FROM (SELECT *, u <= 2.0 ** -199 AS exact FROM query_table(scaled)) GROUP BY model
    ) USING (model);

-- Whether -2 log L of given means has a limit where the error of the exact ones goes to 0: each logarithm of that error
-- has to have a counterpart in the logarithm of the precision of a node, or of mu.
CREATE OR REPLACE MACRO _pool_nested_is_bounded(x2, x3, given, exact_leaves, exact_nodes, restricted) AS
    NOT given OR exact_leaves = 0 OR abs(x2) >= 2.0 ** -50
        OR exact_leaves = CASE WHEN abs(x3) >= 2.0 ** -50 THEN exact_nodes ELSE restricted::INTEGER END;
