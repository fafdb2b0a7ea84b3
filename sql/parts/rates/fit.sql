-- ---------------------------------------------------------------------------------------------------------------------
-- The search for the maximum of the likelihood of rates and counts.
-- ---------------------------------------------------------------------------------------------------------------------

-- The share of a step that is used, so that no step is longer than 2.
CREATE OR REPLACE MACRO _pool_step_length(u, v) AS
    least(1.0, 2 / greatest(abs(u), abs(v), 1e-300));

-- The points where a search begins: some sizes, each with its mean, as the likelihood may have several maxima.
CREATE OR REPLACE MACRO _pool_rates_starts(facts, numbered, family) AS TABLE
    WITH sizes AS (
        SELECT model, pi, unnest(range(9)) AS point,
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
    )
    SELECT model, point, ln(size) AS v,
        ln(mean / pi * CASE WHEN family = 'rates' THEN (1 - pi) / (1 - mean) ELSE 1.0 END) AS u
    FROM sizes JOIN means USING (model, point);

-- The points of a search with Newton's step (du, dv). Where the likelihood is not concave, the step goes uphill, with
-- the absolute curvature.
CREATE OR REPLACE MACRO _pool_rates_stepped(search, facts, classes, exposures, many, prior, family) AS TABLE
    -- one step per SELECT: an alias is planned again at each mention in the same SELECT
    WITH curved AS (
        SELECT *, greatest(abs(h_uu), 1e-300) AS bend_u, h_vv - h_uv * h_uv / bend_u AS left_v
        FROM _pool_rates_evaluated(search, facts, classes, exposures, many, prior, family)
    ),
    sized AS (SELECT *, (g_v - h_uv / bend_u * g_u) / greatest(abs(left_v), 1e-300) AS newton_v FROM curved),
    directed AS (
        SELECT *, (g_u - h_uv * newton_v) / bend_u AS newton_u, _pool_step_length(newton_u, newton_v) AS share
        FROM sized
    ),
    moved AS (SELECT *, share * newton_u AS du, share * newton_v AS dv FROM directed)
    SELECT step, phase, model, way, point, done, best, j, differ, constant, height,
        {u: u, v: v, height: height, gain: g_u * du + g_v * dv, length: greatest(abs(du), abs(dv)),
            concave: h_uu > 0 AND left_v > 0, hidden: g_u * du + g_v * dv <= 1e-12 * gross, du: du, dv: dv} AS here,
        {mean: mean, other: other, size: size, alpha: alpha, beta: beta, rise: rise, fall: fall,
            many_height: many_height, h_uu: bend, h_uv: h_uv, h_vv: h_vv} AS fitted
    FROM moved;

-- The prior of every model, all models at once, with the sums at it. A search starts from the best of its points by
-- Newton's method. A step without gain is repeated with a quarter of its length. Where rounding would hide a gain, the
-- gradient decides, until it no longer falls. A model whose groups differ by no more than chance is pooled completely,
-- unless one of the points has a higher likelihood than an infinite size: a large group can hide the differences of
-- small groups. The last step evaluates the prior ('final'), also of models that need no search.
CREATE OR REPLACE MACRO _pool_rates_fitted(facts, starts, classes, exposures, many, prior, family) AS TABLE
    WITH RECURSIVE _pool_rates_search AS (
        SELECT 0 AS step, CASE WHEN way = 'searched' THEN 'starting' ELSE 'final' END AS phase, model, way,
            coalesce(point, 0) AS point, u, v, way <> 'nothing' AS done,
            {u: 0.0::DOUBLE, v: 0.0::DOUBLE, height: '-infinity'::DOUBLE, gain: 0.0::DOUBLE, length: 0.0::DOUBLE,
                concave: false, hidden: false, du: 0.0::DOUBLE, dv: 0.0::DOUBLE} AS best,
            NULL::STRUCT(mean DOUBLE, other DOUBLE, size DOUBLE, alpha DOUBLE, beta DOUBLE, rise DOUBLE, fall DOUBLE,
                many_height DOUBLE, h_uu DOUBLE, h_uv DOUBLE, h_vv DOUBLE) AS fitted
        FROM query_table(facts) LEFT JOIN query_table(starts) USING (model)
        UNION ALL
        SELECT step + 1, next_phase, model, CASE WHEN chance THEN 'pooled' ELSE way END, 0,
            next.u + CASE WHEN next_phase = 'looking' THEN next.du ELSE 0.0 END,
            next.v + CASE WHEN next_phase = 'looking' THEN next.dv ELSE 0.0 END,
            CASE WHEN phase = 'final' THEN done ELSE chance OR peaked END, next, fitted
        FROM (
            SELECT *, phase = 'starting' AND NOT coalesce(differ OR here.height > 1e-12 * (j + abs(constant)), false)
                    AS chance,
                coalesce(better AND here.concave AND (here.length <= 1e-11
                        OR here.hidden AND here.length <= 1e-3 AND best.hidden AND here.length >= best.length / 2)
                    OR NOT better AND best.concave AND best.hidden AND best.length <= 1e-3, false) AS peaked,
                CASE
                    WHEN phase = 'final' THEN 'done'
                    WHEN chance OR peaked OR step >= 200 OR greatest(abs(next.du), abs(next.dv)) < 1e-14 THEN 'final'
                    ELSE 'looking'
                END AS next_phase
            FROM (
                SELECT *, CASE WHEN better THEN here ELSE
                    {u: best.u, v: best.v, height: best.height, gain: best.gain, length: best.length,
                        concave: best.concave, hidden: best.hidden, du: best.du / 4, dv: best.dv / 4} END AS next
                FROM (
                    SELECT *, here.height > best.height
                            OR best.hidden AND best.concave AND here.concave AND here.gain <= best.gain AS better,
                        coalesce(arg_max(point, height) OVER (PARTITION BY model), 0) AS best_point
                    FROM _pool_rates_stepped('_pool_rates_search', facts, classes, exposures, many, prior, family)
                )
                WHERE point = best_point
            )
        )
    )
    SELECT model, way, done, unnest(fitted) FROM _pool_rates_search WHERE phase = 'done';
