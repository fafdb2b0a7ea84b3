-- ---------------------------------------------------------------------------------------------------------------------
-- Values of a column as DOUBLE: missing, finite, improper and exact ones, and two columns of one row.
-- ---------------------------------------------------------------------------------------------------------------------

-- The value; NaN and infinite ones count as missing with nan := 'null'.
CREATE OR REPLACE MACRO _pool_value(value, nan) AS
    CASE WHEN nan <> 'null' OR isfinite(TRY_CAST(value AS DOUBLE)) THEN TRY_CAST(value AS DOUBLE) END;

-- DuckDB refuses the variance of infinite values in words of its own; here they are found by the mean.
CREATE OR REPLACE MACRO _pool_finite(x) AS CASE WHEN isfinite(x) THEN x END;

-- Whether a weight, a count, a variance or a standard error is none.
CREATE OR REPLACE MACRO _pool_improper(x) AS x IS NULL OR NOT (x >= 0 AND x < 'infinity'::DOUBLE);

-- The precision that stands for se = 0: it outweighs any other, and its products stay finite.
CREATE OR REPLACE MACRO _pool_exact() AS 2.0::DOUBLE ** 500;

-- A value, or NULL where the other of the pair is none: rows count where both are there.
CREATE OR REPLACE MACRO _pool_paired(value, other, nan) AS
    CASE WHEN _pool_value(other, nan) IS NOT NULL THEN _pool_value(value, nan) END;
