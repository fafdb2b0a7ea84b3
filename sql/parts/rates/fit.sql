-- ---------------------------------------------------------------------------------------------------------------------
-- The search for the maximum of the likelihood of rates and counts.
-- ---------------------------------------------------------------------------------------------------------------------

-- The share of a step that is used, so that no step is longer than 2.
CREATE OR REPLACE MACRO _pool_step_length(u, v) AS
    least(1.0, 2 / greatest(abs(u), abs(v), 1e-300));

-- The best of some sizes, each with its mean: the likelihood may have several maxima. A model whose groups differ by no
-- more than chance is pooled completely, unless one of these sizes has a higher likelihood than an infinite size: a
-- large group can hide the differences of small groups.
CREATE OR REPLACE MACRO _pool_rates_starts(facts, numbered, classes, exposures, many, family) AS TABLE
    WITH sizes AS (
        SELECT model, pi, few_xs, few_ns, few_over, unnest(range(9)) AS point,
            CASE WHEN point = 0 THEN least(greatest(size_of_moments, 0.1), 1e6) ELSE pow(10, point - 2) END AS size
        FROM query_table(facts)
        WHERE way = 'searched'
    ),
    means AS (
        SELECT model, point, sum(k * x / (n + lag)) / sum(k * n / (n + lag)) AS mean
        FROM (SELECT model, point, size / CASE WHEN family = 'rates' THEN 1.0 ELSE pi END AS lag FROM sizes)
            JOIN query_table(numbered) USING (model)
        WHERE n > 0
        GROUP BY ALL
    ),
    begun AS (
        SELECT *, 'looking' AS phase, ln(size) AS v,
            ln(mean / pi * CASE WHEN family = 'rates' THEN (1 - pi) / (1 - mean) ELSE 1.0 END) AS u
        FROM sizes JOIN means USING (model, point)
    ),
    best AS (
        SELECT model, max(height) AS height, arg_max({u: u, v: v}, height) AS start
        FROM _pool_rates_evaluated('begun', classes, exposures, many, family)
        GROUP BY model
    )
    SELECT f.* REPLACE (CASE
            WHEN NOT (way = 'searched' AND NOT differ AND height <= 1e-12 * (j + abs(constant))) THEN way ELSE 'pooled'
        END AS way), start
    FROM query_table(facts) AS f LEFT JOIN best USING (model);

-- Newton's method from the best point of every model, all models at once. Where the likelihood is not concave, the step
-- goes uphill, with the absolute curvature. A step without gain is repeated with a quarter of its length. Where
-- rounding would hide a gain, the gradient decides, until it no longer falls.
CREATE OR REPLACE MACRO _pool_rates_maximum(facts, classes, exposures, many, family) AS TABLE
    WITH RECURSIVE _pool_rates_search AS (
        SELECT 0 AS step, 'looking' AS phase, model, 0 AS point, pi, few_xs, few_ns, few_over, start.u AS u,
            start.v AS v,
            {u: start.u, v: start.v, height: '-infinity'::DOUBLE, gain: 0.0::DOUBLE, length: 0.0::DOUBLE,
                concave: false, hidden: false, du: 0.0::DOUBLE, dv: 0.0::DOUBLE} AS best
        FROM query_table(facts)
        WHERE way = 'searched'
        UNION ALL
        SELECT step + 1,
            CASE
                WHEN better AND here.concave AND (here.length <= 1e-11
                    OR here.hidden AND here.length <= 1e-3 AND best.hidden AND here.length >= best.length / 2)
                    THEN 'maximum'
                WHEN NOT better AND best.concave AND best.hidden AND best.length <= 1e-3 THEN 'maximum'
                WHEN greatest(abs(next.du), abs(next.dv)) < 1e-14 THEN 'lost'
                ELSE 'looking'
            END,
            model, 0, pi, few_xs, few_ns, few_over, next.u + next.du, next.v + next.dv, next
        FROM (
            SELECT *, CASE WHEN better THEN here ELSE
                {u: best.u, v: best.v, height: best.height, gain: best.gain, length: best.length,
                    concave: best.concave, hidden: best.hidden, du: best.du / 4, dv: best.dv / 4} END AS next
            FROM (
                SELECT step, model, pi, few_xs, few_ns, few_over, best, here,
                    here.height > best.height
                        OR best.hidden AND best.concave AND here.concave AND here.gain <= best.gain AS better
                FROM (
                    SELECT step, model, pi, few_xs, few_ns, few_over, best,
                        {u: u, v: v, height: height, gain: g_u * du + g_v * dv,
                            length: greatest(abs(du), abs(dv)), concave: h_uu > 0 AND left_v > 0,
                            hidden: g_u * du + g_v * dv <= 1e-12 * gross, du: du, dv: dv} AS here
                    FROM (
                        SELECT *, _pool_step_length(newton_u, newton_v) AS share, share * newton_u AS du,
                            share * newton_v AS dv
                        FROM (
                            SELECT *, greatest(abs(h_uu), 1e-300) AS bend_u, h_vv - h_uv * h_uv / bend_u AS left_v,
                                (g_v - h_uv / bend_u * g_u) / greatest(abs(left_v), 1e-300) AS newton_v,
                                (g_u - h_uv * newton_v) / bend_u AS newton_u
                            FROM _pool_rates_evaluated('_pool_rates_search', classes, exposures, many, family)
                        )
                    )
                )
            )
        )
        WHERE step < 200
    )
    SELECT model, best.u AS u, best.v AS v, phase = 'maximum' AS done
    FROM _pool_rates_search
    WHERE phase <> 'looking' OR step = 200;
