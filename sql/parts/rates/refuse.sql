-- ---------------------------------------------------------------------------------------------------------------------
-- Data that rates and counts refuse.
-- ---------------------------------------------------------------------------------------------------------------------

-- The sentence for a kind of fault in a number of rows.
CREATE OR REPLACE MACRO _pool_faulty(fault, bad, names, family) AS
    CASE fault
        WHEN 1 THEN 'value=''' || names[1] || ''' is NaN or infinite'
        WHEN 2 THEN CASE WHEN family = 'rates' THEN 'trials' ELSE 'exposure' END
            || '=''' || names[2] || ''' is NaN or infinite'
        WHEN 3 THEN 'value=''' || names[1] || ''' is negative or fractional'
        WHEN 4 THEN CASE WHEN family = 'rates' THEN 'trials=''' || names[2] || ''' is negative or fractional'
            ELSE 'exposure=''' || names[2] || ''' is 0 or negative' END
        ELSE 'value=''' || names[1] || ''' exceeds trials=''' || names[2] || ''''
    END
    || ' in ' || CASE WHEN bad = 1 THEN '1 row' ELSE format('{:,} rows', bad::BIGINT) END || ': '
    || CASE fault
        WHEN 1 THEN 'remove them, or count them as missing with nan=''null'''
        WHEN 2 THEN 'remove them, or count them as missing with nan=''null'''
        WHEN 3 THEN 'a count is a whole number of 0 or more'
        WHEN 4 THEN CASE WHEN family = 'rates' THEN 'trials are a whole number of 0 or more'
            ELSE 'an exposure is a number above 0' END
        ELSE 'there are no more events than trials'
    END;

-- One row: true, or an error if a row has a fault.
CREATE OR REPLACE MACRO _pool_rates_sound(groups, family) AS TABLE
    WITH faults AS (
        SELECT unnest([1, 2, 3, 4, 5]) AS fault, unnest([sum(_pool_faults_1), sum(_pool_faults_2), sum(_pool_faults_3),
            sum(_pool_faults_4), sum(_pool_faults_5)]) AS bad
        FROM query_table(groups)
    ),
    worst AS (SELECT arg_min({fault: fault, bad: bad}, fault) AS worst FROM faults WHERE bad > 0)
    SELECT CASE WHEN worst IS NULL THEN true ELSE error(_pool_faulty(worst.fault, worst.bad, column_names, family)) END
        AS sound
    FROM worst, _pool_given;
