-- ---------------------------------------------------------------------------------------------------------------------
-- The offset that the first values of a column have in common: deviations from it lose no digits.
--
-- The relation _pool_origin is that of the surrounding query.
-- ---------------------------------------------------------------------------------------------------------------------

-- Types that hold more digits than DOUBLE: BIGINT, wider integers, and decimals of more than 15 digits.
CREATE OR REPLACE MACRO _pool_is_wide(type) AS
    regexp_full_match(type, 'U?(BIG|HUGE)INT|BIGNUM|DECIMAL\((1[6-9]|[23]\d),\d+\)');

-- The decimal places of a type.
CREATE OR REPLACE MACRO _pool_scale_of(type) AS TRY_CAST(regexp_extract(type, ',([0-9]+)', 1) AS INTEGER);

-- One row: the offset that the first values have in common (0 where there is none), as DOUBLE and as text without
-- rounding, and the scale of a decimal. With `over` the models may lie far from each other: there is an offset only
-- where the first values have more digits than DOUBLE. From 2^20 on the offset of wide types has no decimal places, so
-- that DOUBLE holds it exactly; 2^63 becomes the largest DOUBLE in BIGINT. Beyond 2^100 no DOUBLE is near enough, and
-- the offset is the first value.
CREATE OR REPLACE MACRO _pool_origin_from(firsts) AS TABLE
    WITH starts AS (
        SELECT list(y) AS ys, min(abs(y)) >= any_value(least) AS far, first(written) AS written,
            any_value(wide) AS wide, any_value(scale) AS scale
        FROM query_table(firsts)
    ),
    origins AS (
        SELECT written, scale, ys[1] AS start, wide AND abs(start) >= 1048576.0 AS rounds,
            far AND list_avg(list_transform(ys, lambda _y: abs(_y - ys[1]))) < abs(start) / 8 AS near,
            CASE WHEN NOT rounds THEN start WHEN start = 9223372036854775808.0 THEN 9223372036854774784.0
                ELSE floor(start) END AS origin
        FROM starts
    )
    SELECT CASE WHEN near THEN origin ELSE 0.0 END AS _pool_origin,
        CASE
            WHEN near AND rounds AND abs(origin) < 1267650600228229401496703205376.0 THEN origin::HUGEINT::VARCHAR
            WHEN near THEN written
            ELSE '0'
        END AS _pool_start,
        TRY_CAST(_pool_start AS BIGINT) AS _pool_bigint, scale AS _pool_scale
    FROM origins;

CREATE OR REPLACE MACRO _pool_origin_of(tbl, value, over) AS TABLE
    WITH _pool_firsts AS (
        SELECT TRY_CAST(value AS DOUBLE) AS y, TRY_CAST(value AS VARCHAR) AS written,
            _pool_is_wide(typeof(value)) AS wide, _pool_scale_of(typeof(value)) AS scale,
            CASE WHEN _pool_absent(over) THEN 0.0 ELSE 9007199254740992.0 END AS least
        FROM query_table(tbl)
        WHERE (_pool_absent(over) OR _pool_is_wide(typeof(value))) AND isfinite(TRY_CAST(value AS DOUBLE))
        LIMIT 1000
    )
    FROM _pool_origin_from('_pool_firsts');

-- A decimal less the offset, with the smallest of these scales that holds both; NULL where none does.
CREATE OR REPLACE MACRO _pool_decimal_less(value, start, scale) AS
    CASE
        WHEN scale <= 2 THEN (TRY_CAST(value AS DECIMAL(38, 2)) - TRY_CAST(start AS DECIMAL(38, 2)))::DOUBLE
        WHEN scale <= 4 THEN (TRY_CAST(value AS DECIMAL(38, 4)) - TRY_CAST(start AS DECIMAL(38, 4)))::DOUBLE
        WHEN scale <= 6 THEN (TRY_CAST(value AS DECIMAL(38, 6)) - TRY_CAST(start AS DECIMAL(38, 6)))::DOUBLE
        WHEN scale <= 9 THEN (TRY_CAST(value AS DECIMAL(38, 9)) - TRY_CAST(start AS DECIMAL(38, 9)))::DOUBLE
        WHEN scale <= 12 THEN (TRY_CAST(value AS DECIMAL(38, 12)) - TRY_CAST(start AS DECIMAL(38, 12)))::DOUBLE
        WHEN scale <= 18 THEN (TRY_CAST(value AS DECIMAL(38, 18)) - TRY_CAST(start AS DECIMAL(38, 18)))::DOUBLE
        WHEN scale <= 27 THEN (TRY_CAST(value AS DECIMAL(38, 27)) - TRY_CAST(start AS DECIMAL(38, 27)))::DOUBLE
        WHEN scale <= 37 THEN (TRY_CAST(value AS DECIMAL(38, 37)) - TRY_CAST(start AS DECIMAL(38, 37)))::DOUBLE
    END;

-- The value less the offset, rounded once. Wide types are subtracted in a type that holds the difference exactly, where
-- DOUBLE shows that it fits. Elsewhere the difference is so large that DOUBLE has all digits of the result.
CREATE OR REPLACE MACRO _pool_less_origin(value, nan, origin, start, whole, scale) AS
    CASE
        WHEN typeof(value) IN ('DOUBLE', 'FLOAT') THEN _pool_value(value, nan) - origin
        WHEN typeof(value) = 'BIGINT' THEN coalesce(
            TRY(TRY_CAST(value AS BIGINT) - whole)::DOUBLE, TRY_CAST(value AS DOUBLE) - origin)
        WHEN origin = 0 THEN TRY_CAST(value AS DOUBLE)
        WHEN typeof(value) IN ('UBIGINT', 'HUGEINT') AND abs(TRY_CAST(value AS DOUBLE) - origin) < 2.0 ** 124
            THEN (TRY_CAST(value AS HUGEINT) - TRY_CAST(start AS HUGEINT))::DOUBLE
        WHEN typeof(value) = 'BIGNUM' THEN coalesce(  -- in DuckDB 1 TRY_CAST of BIGNUM to HUGEINT raises
            TRY(TRY_CAST(TRY_CAST(value AS VARCHAR) AS HUGEINT) - TRY_CAST(start AS HUGEINT))::DOUBLE,
            TRY_CAST(value AS DOUBLE) - origin)
        WHEN typeof(value) = 'UHUGEINT' AND TRY_CAST(value AS UHUGEINT) >= TRY_CAST(start AS UHUGEINT)
            THEN (TRY_CAST(value AS UHUGEINT) - TRY_CAST(start AS UHUGEINT))::DOUBLE
        WHEN typeof(value) = 'UHUGEINT'
            THEN -(TRY_CAST(start AS UHUGEINT) - TRY_CAST(value AS UHUGEINT))::DOUBLE
        WHEN typeof(value) LIKE 'DECIMAL%' AND abs(TRY_CAST(value AS DOUBLE) - origin) < 10.0 ** (36 - scale)
            THEN coalesce(_pool_decimal_less(value, start, scale), TRY_CAST(value AS DOUBLE) - origin)
        ELSE TRY_CAST(value AS DOUBLE) - origin
    END;
