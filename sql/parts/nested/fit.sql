-- ---------------------------------------------------------------------------------------------------------------------
-- The search for the variances of nested levels: Newton's method within a trust region, for all models at once.
--
-- The arguments x1 to x3 are standard deviations, of rows, of the inner level and of the outer one: at 0 the likelihood
-- is quadratic in them. A search is one row: the best point so far, the trial that comes next, and the radius. The
-- modified Cholesky factors of the Hessian (Gill, Murray & Wright 1981, Practical Optimization, section 4.4.2.2) lead
-- away from a saddle. The likelihood can have several maxima, so that a model has several searches.
-- ---------------------------------------------------------------------------------------------------------------------

-- The starts: all combinations of the spread and a tenth of it, or of many classes the spread alone. With `tests` there
-- are searches with tau2 of the inner level held at 0 (kind 1), and with that of the outer level (kind 2).
CREATE OR REPLACE MACRO _pool_nested_starts(started, tests) AS TABLE
    SELECT 16 * model + number AS id, model, kind, size, free1, free2 * (kind <> 1)::INTEGER AS free2,
        free3 * (kind <> 2)::INTEGER AS free3, sqrt(start1) AS x1,
        CASE WHEN kind = 1 THEN 0.0 WHEN s.free2 > 0 THEN inner_share * size ELSE sqrt(start2) END AS x2,
        CASE WHEN kind = 2 THEN 0.0 WHEN s.free3 > 0 THEN outer_share * size ELSE sqrt(start3) END AS x3
    FROM query_table(started) AS s,
        (VALUES (0, 0, 1.0, 1.0), (1, 0, 0.1, 1.0), (2, 0, 1.0, 0.1), (3, 0, 0.1, 0.1), (4, 1, 1.0, 1.0),
            (5, 1, 1.0, 0.1), (6, 1, 1.0, 0.01), (7, 2, 1.0, 1.0), (8, 2, 0.1, 1.0), (9, 2, 0.01, 1.0))
            AS shares (number, kind, inner_share, outer_share)
    WHERE identified
        AND (inner_share = 1 OR s.free2 > 0 AND classes <= 16384)
        AND (outer_share = 1 OR s.free3 > 0 AND classes <= 16384)
        AND CASE kind WHEN 0 THEN true WHEN 1 THEN tests AND s.free2 > 0 ELSE tests AND s.free3 > 0 END;

-- The searches with -2 log L at their trial, its gradient and its Hessian by x1 to x3. Those that are held have a
-- gradient of 0 and a curvature of 1.
CREATE OR REPLACE MACRO _pool_nested_evaluated(search, scaled, started, restricted) AS TABLE
    WITH looking AS (FROM query_table(search) WHERE phase IN ('start', 'descend', 'zero') AND step < 200),
    likelihoods AS (FROM _pool_nested_likelihood('looking', scaled, restricted, true)),
    with_rows AS (
        SELECT looking.*, df, total, mu, slope2, slope3, bend12, bend13, bend22, bend23, bend33,
            value + CASE WHEN given THEN 0.0 ELSE df * ln(x1 * x1) + ssw / (x1 * x1) - logs_of_u END AS value,
            slope1 + CASE WHEN given THEN 0.0 ELSE df / (x1 * x1) - ssw / x1 ** 4 END AS slope1,
            bend11 + CASE WHEN given THEN 0.0 ELSE 2 * ssw / x1 ** 6 - df / x1 ** 4 END AS bend11
        FROM looking JOIN likelihoods USING (id)
            JOIN (SELECT model, given, n - j AS df, ssw, logs_of_u FROM query_table(started)) USING (model)
    )
    SELECT step, phase, id, model, kind, size, free1, free2, free3, radius, length, predicted, best, df, {
            x1: x1, x2: x2, x3: x3, value: value, total: total, mu: mu,
            g1: 2 * free1 * x1 * slope1, g2: 2 * free2 * x2 * slope2, g3: 2 * free3 * x3 * slope3,
            h11: free1 * (4 * x1 * x1 * bend11 + 2 * slope1) + 1 - free1, h12: 4 * free1 * free2 * x1 * x2 * bend12,
            h13: 4 * free1 * free3 * x1 * x3 * bend13, h22: free2 * (4 * x2 * x2 * bend22 + 2 * slope2) + 1 - free2,
            h23: 4 * free2 * free3 * x2 * x3 * bend23, h33: free3 * (4 * x3 * x3 * bend33 + 2 * slope3) + 1 - free3
        } AS trial
    FROM with_rows;

-- The best point of a search after its trial. Differences smaller than 1e-9 are rounding of sums: there the gradient
-- alone decides. At trials with x of 0, the curvature shows whether -2 log L rises from there, where it is not lower
-- there.
CREATE OR REPLACE MACRO _pool_nested_judged(evaluated) AS TABLE
    SELECT *, CASE WHEN better THEN trial ELSE best END AS point
    FROM (
        SELECT *, best.value - trial.value AS actual, 1e-9 * (1 + abs(best.value)) AS noise,
            trial.g1 * trial.g1 + trial.g2 * trial.g2 + trial.g3 * trial.g3
                <= best.g1 * best.g1 + best.g2 * best.g2 + best.g3 * best.g3 AS flatter,
            isfinite(trial.value + trial.h11 + trial.h12 + trial.h13 + trial.h22 + trial.h23 + trial.h33) AND CASE
                WHEN phase = 'start' THEN true
                WHEN phase = 'zero'
                    THEN (trial.x2 = best.x2 OR trial.h22 >= 0) AND (trial.x3 = best.x3 OR trial.h33 >= 0)
                        OR trial.value <= best.value + 1e-12 * (1 + abs(best.value))
                WHEN predicted < noise THEN actual > -noise AND flatter
                ELSE actual >= 0.1 * predicted
            END AS better
        FROM query_table(evaluated)
    );

-- The searches with the next radius, whether the last step was too small to matter, and which standard deviations are 0
-- in a trial that follows; that of single rows is 2^-100 instead.
CREATE OR REPLACE MACRO _pool_nested_moved(judged, settled) AS TABLE
    SELECT step, phase, id, model, kind, size, free1, free2, free3, better, point,
        phase = 'descend' AND length
            <= settled * (1 + sqrt(trial.x1 * trial.x1 + trial.x2 * trial.x2 + trial.x3 * trial.x3)) AS small,
        CASE
            WHEN phase <> 'descend' THEN radius
            WHEN better THEN least(CASE WHEN actual >= 0.7 * predicted THEN 2 ELSE 1 END * radius, 1e3)
            ELSE length / 4
        END AS radius,
        free1 > 0 AND df = 0 AND point.x1 <> 2.0 ** -100 AND abs(point.x1) <= 1e-4 * size AS zero1,
        free2 > 0 AND point.x2 <> 0 AND CASE WHEN phase = 'zero' THEN trial.x2 = 0 AND trial.h22 >= 0
            ELSE abs(point.x2) <= 1e-4 * size END AS zero2,
        free3 > 0 AND point.x3 <> 0 AND CASE WHEN phase = 'zero' THEN trial.x3 = 0 AND trial.h33 >= 0
            ELSE abs(point.x3) <= 1e-4 * size END AS zero3
    FROM query_table(judged);

-- The searches with their next step s1 to s3, no longer than the radius, and the decrease of the quadratic model by it.
-- The Hessian is L C L', C diagonal: each element of C is replaced by its size, as far as that is not too small.
CREATE OR REPLACE MACRO _pool_nested_stepped(moved) AS TABLE
    WITH first AS (
        SELECT *, 1e-9 * greatest(abs(point.h11), abs(point.h22), abs(point.h33), 1e-290) AS smallest,
            greatest(abs(point.h11), smallest) AS c1, point.h12 / c1 AS l21, point.h13 / c1 AS l31
        FROM query_table(moved)
    ),
    second AS (
        SELECT *, greatest(abs(point.h22 - l21 * point.h12), smallest) AS c2, (point.h23 - l31 * point.h12) / c2 AS l32,
            l21 * point.g1 - point.g2 AS z2
        FROM first
    ),
    third AS (
        SELECT *, (l31 * point.g1 - point.g3 - l32 * z2)
            / greatest(abs(point.h33 - l31 * point.h13 - l32 * l32 * c2), smallest) AS s3, z2 / c2 - l32 * s3 AS s2
        FROM second
    ),
    solved AS (SELECT *, -point.g1 / c1 - l21 * s2 - l31 * s3 AS s1 FROM third),
    shortened AS (
        SELECT * REPLACE (share * s1 AS s1, share * s2 AS s2, share * s3 AS s3)
        FROM (SELECT *, least(1.0, radius / greatest(sqrt(s1 * s1 + s2 * s2 + s3 * s3), 1e-300)) AS share FROM solved)
    )
    SELECT *, -point.g1 * s1 - point.g2 * s2 - point.g3 * s3
        - (point.h11 * s1 * s1 + point.h22 * s2 * s2 + point.h33 * s3 * s3) / 2
        - point.h12 * s1 * s2 - point.h13 * s1 * s3 - point.h23 * s2 * s3 AS predicted
    FROM shortened;

-- The searches after one more evaluation. What a search does next: it descends, tries whether a small standard
-- deviation is 0, begins again with the sigma of single rows at 0, or is done. It ends with a step of less than
-- `settled`; the error of -2 log L is the square of that.
CREATE OR REPLACE MACRO _pool_nested_next(search, scaled, started, restricted, settled) AS TABLE
    WITH evaluated AS (FROM _pool_nested_evaluated(search, scaled, started, restricted)),
    judged AS (FROM _pool_nested_judged('evaluated')),
    moved AS (FROM _pool_nested_moved('judged', settled)),
    stepped AS (
        SELECT *, CASE
                WHEN phase = 'start' AND NOT better THEN 'failed'
                WHEN phase <> 'zero' AND NOT small THEN 'descend'
                WHEN settled < 1e-10 AND (zero1 OR zero2 OR zero3) THEN 'zero'
                WHEN free1 > 0 AND point.x1 = 2.0 ** -100 THEN 'start'
                ELSE 'done'
            END AS next_phase
        FROM _pool_nested_stepped('moved')
    )
    SELECT step + 1 AS step, next_phase AS phase, id, model, kind, size,
        CASE WHEN next_phase = 'start' THEN 0.0 ELSE free1 END AS free1, free2, free3,
        CASE WHEN next_phase = 'descend' THEN point.x1 + s1 WHEN zero1 THEN 2.0 ** -100 ELSE point.x1 END AS x1,
        CASE WHEN next_phase = 'descend' THEN point.x2 + s2 WHEN zero2 THEN 0.0 ELSE point.x2 END AS x2,
        CASE WHEN next_phase = 'descend' THEN point.x3 + s3 WHEN zero3 THEN 0.0 ELSE point.x3 END AS x3,
        radius, sqrt(s1 * s1 + s2 * s2 + s3 * s3) AS length, predicted, point AS best
    FROM stepped;

-- The minimum that each search ends at, and whether it converged.
CREATE OR REPLACE MACRO _pool_nested_minima(starts, scaled, started, restricted) AS TABLE
    WITH RECURSIVE _pool_nested_search AS (
        SELECT 0 AS step, 'start' AS phase, id, model, kind, size, free1, free2, free3, x1, x2, x3,
            1.0::DOUBLE AS radius, 0.0::DOUBLE AS length, 0.0::DOUBLE AS predicted, {
                x1: x1, x2: x2, x3: x3, value: NULL::DOUBLE, total: NULL::DOUBLE, mu: NULL::DOUBLE, g1: NULL::DOUBLE,
                g2: NULL::DOUBLE, g3: NULL::DOUBLE, h11: NULL::DOUBLE, h12: NULL::DOUBLE, h13: NULL::DOUBLE,
                h22: NULL::DOUBLE, h23: NULL::DOUBLE, h33: NULL::DOUBLE
            } AS best
        FROM query_table(starts)
        UNION ALL
        FROM _pool_nested_next('_pool_nested_search', scaled, started, restricted, 1e-11)
    )
    SELECT id, model, kind, best, phase = 'done' AS done
    FROM _pool_nested_search
    WHERE phase IN ('done', 'failed') OR step = 200;

-- One row per model and kind: the lowest of its minima, the first of those that are equal except for rounding. Where
-- exact means let the likelihood grow without bound, it is the lowest in the interior, if there is one.
CREATE OR REPLACE MACRO _pool_nested_lowest(minima, started, restricted) AS TABLE
    WITH found AS (
        SELECT id, model, kind, best, done, coalesce(best.value, 'infinity'::DOUBLE) AS value, _pool_nested_is_bounded(
            best.x2, best.x3, given, exact_leaves, exact_nodes, restricted) AS bounded
        FROM query_table(minima)
            JOIN (SELECT model, given, exact_leaves, exact_nodes FROM query_table(started)) USING (model)
    ),
    ranked AS (
        SELECT *, bool_or(bounded) OVER (PARTITION BY model, kind) AS some_bounded,
            min(value) OVER (PARTITION BY model, kind, bounded) AS least
        FROM found
    )
    SELECT model, kind, arg_min({best: best, done: done, bounded: bounded}, id) AS lowest
    FROM ranked
    WHERE bounded = some_bounded AND NOT value > least + 1e-9 * (1 + abs(least))
    GROUP BY model, kind;

-- One row per model: variances and mu in the unit of the data, NULL where the data do not identify them, and what
-- inference needs in the model's own unit: -2 log L at the estimates and with each tau2 at 0. _pool_only is the number
-- of levels, from the outer one, with one node and no tau2.
CREATE OR REPLACE MACRO _pool_nested_fitted(models, started, minima, sigma2, restricted) AS TABLE
    WITH lowest AS (FROM _pool_nested_lowest(minima, started, restricted)),
    of_kinds AS (
        SELECT model, any_value(lowest.best) FILTER (kind = 0) AS best,
            any_value(lowest.done) FILTER (kind = 0) AS done,
            any_value(lowest.bounded) FILTER (kind = 0) AS bounded,
            any_value(lowest.best.value) FILTER (kind = 1) AS value_without_inner,
            any_value(lowest.best.value) FILTER (kind = 2) AS value_without_outer
        FROM lowest GROUP BY model
    ),
    joined AS (
        SELECT m._pool_model, s.* EXCLUDE (_pool_model, j, nodes, n, determined2, determined3), m.j AS leaves,
            m.nodes AS nodes, m.n AS n, m.mean AS mean_of_leaves, best, done, bounded, value_without_inner,
            value_without_outer,
            identified AND s.determined2 AS determined2, identified AND s.determined3 AS determined3,
            identified AND NOT given AND best.x1 = 2.0 ** -100 AS exact,
            m.nodes = 1 AND NOT (identified AND s.determined3) AS only_outer,
            only_outer AND m.j = 1 AND NOT (identified AND s.determined2) AS only_inner,
            s.determined2 OR m.j = 1 AS settled2, s.determined3 OR m.nodes = 1 AS settled3
        FROM query_table(models) AS m LEFT JOIN query_table(started) AS s USING (model) LEFT JOIN of_kinds USING (model)
    )
    SELECT * EXCLUDE (mean_of_leaves, done, settled2, settled3),
        CASE
            WHEN leaves = 0 THEN NULL
            WHEN published OR _pool_number(sigma2) IS NOT NULL THEN _pool_number(sigma2)
            WHEN exact THEN 0.0
            ELSE best.x1 * best.x1 * unit_ * unit_
        END AS _pool_sigma2,
        CASE WHEN identified THEN coalesce(known2, best.x2 * best.x2 * unit_ * unit_) END AS _pool_tau2_inner,
        CASE WHEN identified THEN coalesce(known3, best.x3 * best.x3 * unit_ * unit_) END AS _pool_tau2_outer,
        _pool_finite(mean_of_leaves + coalesce(best.mu * unit_, 0.0) + _pool_origin) AS _pool_mu,
        CASE WHEN best.total >= 2.0 ** 200 THEN 0.0 ELSE sqrt(1 / best.total) * unit_ END AS _pool_se_mu,
        only_outer::INTEGER + only_inner::INTEGER AS _pool_only,
        coalesce(done AND identified AND settled2 AND settled3 AND (bounded OR free1 + free2 + free3 = 0), false)
            AS _pool_converged
    FROM joined, _pool_origin, (SELECT published FROM _pool_request);
