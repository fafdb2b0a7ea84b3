-- ---------------------------------------------------------------------------------------------------------------------
-- Data that are an error for a regression.
-- ---------------------------------------------------------------------------------------------------------------------

-- True, or an error: a mean is not finite because a value is not, or a weight is not allowed.
CREATE OR REPLACE MACRO _pool_line_sound(counted) AS TABLE
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS sound
    FROM (
        SELECT CASE
                WHEN sum(bad_weights) > 0 THEN _pool_message_bad_weights(
                    _pool_column_of_role('weights', column_names[3]), _pool_number_of_rows(sum(bad_weights)))
                WHEN sum(odd_x) > 0 THEN _pool_message_not_finite('covariate', '''' || column_names[2] || '''')
                WHEN sum(odd_y) > 0 THEN _pool_message_not_finite('value', '''' || column_names[1] || '''')
            END AS complaint
        FROM query_table(counted), _pool_request
        GROUP BY column_names
    );
