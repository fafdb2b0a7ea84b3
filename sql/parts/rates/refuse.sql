-- ---------------------------------------------------------------------------------------------------------------------
-- Data that are an error for rates and counts.
-- ---------------------------------------------------------------------------------------------------------------------

-- The sentence for a kind of fault in a number of rows.
CREATE OR REPLACE MACRO _pool_faulty(fault, bad, names, family) AS
    CASE
        WHEN fault = 1
            THEN _pool_message_not_finite_in_rows(_pool_column_of_role('value', names[1]), _pool_number_of_rows(bad))
        WHEN fault = 2 THEN _pool_message_not_finite_in_rows(
            _pool_column_of_role(CASE WHEN family = 'rates' THEN 'trials' ELSE 'exposure' END, names[2]),
            _pool_number_of_rows(bad))
        WHEN fault = 3 THEN _pool_message_no_count(_pool_column_of_role('value', names[1]), _pool_number_of_rows(bad))
        WHEN fault = 4 AND family = 'rates'
            THEN _pool_message_no_trials(_pool_column_of_role('trials', names[2]), _pool_number_of_rows(bad))
        WHEN fault = 4
            THEN _pool_message_no_exposure(_pool_column_of_role('exposure', names[2]), _pool_number_of_rows(bad))
        ELSE _pool_message_more_than_trials(_pool_column_of_role('value', names[1]),
            _pool_column_of_role('trials', names[2]), _pool_number_of_rows(bad))
    END;

-- One row: true, or an error if a row has a fault.
CREATE OR REPLACE MACRO _pool_rates_sound(groups, family) AS TABLE
    WITH faults AS (
        SELECT fault, count(*) AS bad
        FROM (SELECT unnest(_pool_faults) AS fault FROM query_table(groups) WHERE _pool_faults IS NOT NULL)
        GROUP BY fault
    ),
    worst AS (SELECT arg_min({fault: fault, bad: bad}, fault) AS worst FROM faults)
    SELECT CASE WHEN worst IS NULL THEN true ELSE error(_pool_faulty(worst.fault, worst.bad, column_names, family)) END
        AS sound
    FROM worst, _pool_request;
