-- ---------------------------------------------------------------------------------------------------------------------
-- The offsets of covariate and value.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row: the common offsets of the first values of y and of x, as in _pool_origin_of.
CREATE OR REPLACE MACRO _pool_origins_of(tbl, y, x, over) AS TABLE
    WITH _pool_firsts AS MATERIALIZED (
        SELECT TRY_CAST(y AS DOUBLE) AS _pool_first_y, TRY_CAST(y AS VARCHAR) AS _pool_written_y,
            _pool_is_wide(typeof(y)) AS _pool_wide_y, _pool_scale_of(typeof(y)) AS _pool_decimals_y,
            TRY_CAST(x AS DOUBLE) AS _pool_first_x, TRY_CAST(x AS VARCHAR) AS _pool_written_x,
            _pool_is_wide(typeof(x)) AS _pool_wide_x, _pool_scale_of(typeof(x)) AS _pool_decimals_x,
            _pool_absent(over) AS _pool_single,
            CASE WHEN _pool_absent(over) THEN 0.0 ELSE 9007199254740992.0 END AS _pool_least
        FROM query_table(tbl)
        WHERE (_pool_absent(over) OR _pool_is_wide(typeof(y)) OR _pool_is_wide(typeof(x)))
            AND isfinite(TRY_CAST(y AS DOUBLE)) AND isfinite(TRY_CAST(x AS DOUBLE))
        LIMIT 1000
    ),
    _pool_firsts_y AS (
        SELECT _pool_first_y AS y, _pool_written_y AS written, _pool_wide_y AS wide,
            _pool_decimals_y AS scale, _pool_least AS least
        FROM _pool_firsts WHERE _pool_single OR _pool_wide_y
    ),
    _pool_firsts_x AS (
        SELECT _pool_first_x AS y, _pool_written_x AS written, _pool_wide_x AS wide,
            _pool_decimals_x AS scale, _pool_least AS least
        FROM _pool_firsts WHERE _pool_single OR _pool_wide_x
    )
    SELECT of_y._pool_origin AS _pool_origin_y, of_y._pool_start AS _pool_start_y, of_y._pool_bigint AS _pool_bigint_y,
        of_y._pool_scale AS _pool_scale_y, of_x._pool_origin AS _pool_origin_x, of_x._pool_start AS _pool_start_x,
        of_x._pool_bigint AS _pool_bigint_x, of_x._pool_scale AS _pool_scale_x
    FROM _pool_origin_from('_pool_firsts_y') AS of_y, _pool_origin_from('_pool_firsts_x') AS of_x;

-- A value less its offset, or NULL where the other value of the row is missing. In DuckDB 1, a TRY inside of a CASE on
-- some rows returns values of other rows, so the offset is subtracted outside of it.
CREATE OR REPLACE MACRO _pool_paired_less(value, other, nan, origin, start, whole, scale) AS
    _pool_less_origin(value, nan, origin, start, whole, scale)
        + CASE WHEN _pool_value(other, nan) IS NOT NULL THEN 0::DOUBLE END;
