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
CREATE OR REPLACE MACRO _pool_rates_sound(pairs, family) AS TABLE
    WITH totals AS (SELECT sum(k * n) AS total FROM query_table(pairs) WHERE n < 0),
    faults AS (SELECT total, _pool_first_fault(total) AS fault FROM totals),
    counted AS (SELECT fault, round(total / _pool_faulty_n(fault)) AS bad FROM faults)
    SELECT CASE WHEN fault IS NULL THEN true ELSE error(_pool_faulty(fault, bad, column_names, family)) END AS sound
    FROM counted, _pool_request;
