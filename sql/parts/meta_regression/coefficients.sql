-- ---------------------------------------------------------------------------------------------------------------------
-- One row per model and term: the coefficients with their errors and tests.
-- ---------------------------------------------------------------------------------------------------------------------

-- The tails and quantiles of the coefficients: id is 4 * model, plus 0 for the reach of the interval, 1 for the
-- intercept, 2 for the slope.
CREATE OR REPLACE MACRO _pool_toward_terms(fitted, level, test) AS TABLE
    WITH errors AS (
        SELECT *, CASE WHEN test <> 'z' AND j > p THEN j - p END AS df,
            CASE test
                WHEN 'knha' THEN pool_knapp_hartung(1.0, wr2 / scale, df)
                WHEN 'adhoc' THEN pool_knapp_hartung_at_least(1.0, coalesce(_pool_finite(wr2), 0.0) / scale, df)
                ELSE 1.0
            END AS by_spread
        FROM query_table(fitted)
    ),
    terms AS MATERIALIZED (
        SELECT model, _pool_model, predictor, df, test = 'z' OR df > 0 AS tested, unnest([1, 2]) AS place,
            unnest([_pool_level - slope_ * centre, slope_]) AS estimate_, _pool_finite(unnest([
                sqrt(level_variance + slope_variance * centre * centre), sqrt(slope_variance)]) * by_spread) AS se_,
            CASE WHEN se_ > 0 OR estimate_ <> 0 THEN pool_statistic(estimate_, se_) END AS statistic_
        FROM errors
    ),
    required AS (
        SELECT 4 * model + which AS id, 0.5 AS a, coalesce(df / 2, 'infinity'::DOUBLE) AS b,
            CASE WHEN which > 0 THEN 2 * ln(abs(statistic_)) END AS w,
            CASE WHEN which = 0 THEN _pool_number(level) END AS p, NULL::DOUBLE AS z
        FROM terms, (SELECT unnest([0, 1, 2]) AS which)
        WHERE tested AND CASE which WHEN 0 THEN place = 1 ELSE which = place AND abs(statistic_) > 0
            AND isfinite(statistic_) END
    ),
    tails AS MATERIALIZED (FROM _pool_tails_and_quantiles('required'))
    SELECT t.*, CASE WHEN se_ = 0 THEN 0.0 ELSE exp(q.result / 2) END AS reach,
        CASE WHEN isinf(statistic_) THEN 0.0 WHEN statistic_ = 0 AND tested THEN 1.0 ELSE tail.result END AS tail_
    FROM terms AS t LEFT JOIN tails AS q ON q.id = 4 * model LEFT JOIN tails AS tail ON tail.id = 4 * model + place;
