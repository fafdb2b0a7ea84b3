-- ---------------------------------------------------------------------------------------------------------------------
-- Quantiles of tau.
-- ---------------------------------------------------------------------------------------------------------------------

-- The quantiles of tau at some probabilities, by Newton's method in t. The probability below t is the integral of the
-- interpolant of the trapezoid rule (Stenger 1993, Numerical Methods Based on Sinc and Analytic Functions, 3.6).
CREATE OR REPLACE MACRO _pool_tau_quantiles(nodes, probabilities) AS TABLE
    WITH RECURSIVE _pool_place AS (
        SELECT model, q, 0 AS step, min(t) - h AS low, max(t) + h AS high,
            arg_min(t, abs(cumulated - p / 2 - q)) AS t, h, false AS done
        FROM (
            SELECT *, sum(p) OVER (PARTITION BY model ORDER BY t) AS cumulated FROM query_table(nodes)
        ), (SELECT unnest(probabilities) AS q)
        GROUP BY model, q, h
        UNION ALL
        SELECT model, q, step + 1, low, high,
            CASE WHEN near OR moved > low AND moved < high THEN moved ELSE (low + high) / 2 END, h, near OR step >= 100
        FROM (
            SELECT *, t - excess / slope AS moved, coalesce(abs(excess) <= 1e-7 * h * slope, false) AS near
            FROM (
                SELECT model, q, step, h, t, CASE WHEN excess <= 0 THEN t ELSE low END AS low,
                    CASE WHEN excess >= 0 THEN t ELSE high END AS high, excess, slope
                FROM (
                    SELECT model, q, any_value(step) AS step, any_value(h) AS h, any_value(t) AS t,
                        any_value(low) AS low, any_value(high) AS high,
                        sum(p * (0.5 + pool_sine_integral(z) / 3.14159265358979324e0)) - q AS excess,
                        sum(p * CASE WHEN z = 0 THEN 1.0 ELSE sin(z) / z END) / any_value(h) AS slope
                    FROM (
                        SELECT a.*, p, 3.14159265358979324e0 * (a.t - n.t) / a.h AS z
                        FROM _pool_place AS a JOIN (SELECT model, t, p FROM query_table(nodes)) AS n USING (model)
                        WHERE NOT done
                    )
                    GROUP BY model, q
                )
            )
        )
    )
    SELECT model, q, _pool_tau_at(mode + width * sinh(t), lower, upper) AS tau
    FROM _pool_place JOIN (
        SELECT model, any_value(mode) AS mode, any_value(width) AS width, any_value(lower) AS lower,
            any_value(upper) AS upper
        FROM query_table(nodes) GROUP BY model
    ) USING (model)
    WHERE done;
