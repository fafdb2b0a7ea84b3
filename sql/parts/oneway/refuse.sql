-- ---------------------------------------------------------------------------------------------------------------------
-- Data that are an error for a one-way model.
-- ---------------------------------------------------------------------------------------------------------------------

-- True, or an error: a mean is not finite because a value is not, or another column has a value that is not allowed.
CREATE OR REPLACE MACRO _pool_sound(inputs, checked, weighed) AS TABLE
    WITH of_values AS (
        SELECT CASE WHEN sum(odd) > 0
                THEN _pool_message_not_finite('value', '''' || any_value(column_names[1]) || '''')
            END AS complaint
        FROM query_table(checked), _pool_request
    ),
    of_any_input AS (
        SELECT CASE
                WHEN bad_weights > 0 THEN _pool_message_bad_weights(
                    _pool_column_of_role('weights', column_names[5]), _pool_number_of_rows(bad_weights))
                WHEN bad_n > 0 THEN _pool_message_bad_n(
                    _pool_column_of_role('n', column_names[2]), _pool_number_of_rows(bad_n))
                WHEN bad_var > 0 THEN _pool_message_bad_var(
                    _pool_column_of_role('var', column_names[3]), _pool_number_of_rows(bad_var))
                WHEN bad_se > 0 THEN _pool_message_bad_se(
                    _pool_column_of_role('se', column_names[4]), _pool_number_of_rows(bad_se))
                ELSE complaint
            END AS complaint
        FROM of_values, (
            SELECT sum(_pool_bad_weights) AS bad_weights, sum(_pool_bad_n) AS bad_n, sum(_pool_bad_var) AS bad_var,
                sum(_pool_bad_se) AS bad_se
            FROM query_table(weighed)
        ), _pool_request
    )
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS sound
    FROM _pool_by_input(inputs, 'of_values', 'of_any_input');
