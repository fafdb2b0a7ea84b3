-- ---------------------------------------------------------------------------------------------------------------------
-- Wrong values in the data: the message for a number of rows.
-- ---------------------------------------------------------------------------------------------------------------------

-- A number of rows in words.
CREATE OR REPLACE MACRO _pool_number_of_rows(bad) AS
    CASE WHEN bad = 1 THEN '1 row' ELSE format('{:,} rows', bad::BIGINT) END;

-- A column as a message names it.
CREATE OR REPLACE MACRO _pool_column_of_role(role, name) AS role || '=''' || name || '''';
