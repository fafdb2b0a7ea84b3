-- ---------------------------------------------------------------------------------------------------------------------
-- Wrong values in the data: the message for a number of rows.
-- ---------------------------------------------------------------------------------------------------------------------

-- What the data hold that they must not: the sentence for a number of rows.
CREATE OR REPLACE MACRO _pool_bad_rows(role, name, bad, rule) AS
    CASE WHEN bad > 0 THEN role || '=''' || name || ''' is '
        || CASE WHEN role = 'se' THEN 'null, NaN or negative' ELSE 'null, NaN, negative or infinite' END || ' in '
        || CASE WHEN bad = 1 THEN '1 row' ELSE format('{:,} rows', bad::BIGINT) END || ': ' || rule END;
