-- ---------------------------------------------------------------------------------------------------------------------
-- Data that a regression refuses.
-- ---------------------------------------------------------------------------------------------------------------------

-- True, or an error if a mean is no number, so a value is none, or a weight is not allowed.
CREATE OR REPLACE MACRO _pool_line_sound(counted) AS TABLE
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS sound
    FROM (
        SELECT coalesce(
            _pool_bad_rows('weights', column_names[3], sum(bad_weights),
                'precision weights are finite and not negative; a row of weight 0 does not count'),
            CASE
                WHEN sum(odd_x) > 0 THEN 'the covariate ''' || column_names[2] || ''' holds NaN or infinite numbers: '
                    || 'remove them, or count them as missing with nan=''null'''
                WHEN sum(odd_y) > 0 THEN 'the value ''' || column_names[1] || ''' holds NaN or infinite numbers: '
                    || 'remove them, or count them as missing with nan=''null'''
            END
        ) AS complaint
        FROM query_table(counted), _pool_given
        GROUP BY column_names
    );
