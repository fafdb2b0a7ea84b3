-- ---------------------------------------------------------------------------------------------------------------------
-- Values of a column as DOUBLE: missing, finite, improper and exact ones, and two columns of one row.
-- ---------------------------------------------------------------------------------------------------------------------

-- The value; NaN and infinite ones count as missing with nan := 'null'.
CREATE OR REPLACE MACRO _pool_value(value, nan) AS
    CASE WHEN nan <> 'null' OR isfinite(TRY_CAST(value AS DOUBLE)) THEN TRY_CAST(value AS DOUBLE) END;

-- A finite number, or NULL. The variance of infinite values is an error of DuckDB; here the mean reveals them first.
CREATE OR REPLACE MACRO _pool_finite(x) AS CASE WHEN isfinite(x) THEN x END;

-- Whether a weight, a count, a variance or a standard error is missing, negative, NaN or infinite.
CREATE OR REPLACE MACRO _pool_improper(x) AS x IS NULL OR NOT (x >= 0 AND x < 'infinity'::DOUBLE);

-- The precision that represents se = 0: it is larger than any other, and its products stay finite.
CREATE OR REPLACE MACRO _pool_exact() AS 2.0::DOUBLE ** 500;

-- A value, or NULL where the other value of the row is missing: a row counts where both are known.
CREATE OR REPLACE MACRO _pool_paired(value, other, nan) AS
    CASE WHEN _pool_value(other, nan) IS NOT NULL THEN _pool_value(value, nan) END;
