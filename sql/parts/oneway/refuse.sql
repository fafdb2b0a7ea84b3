-- ---------------------------------------------------------------------------------------------------------------------
-- Data that a one-way model refuses.
-- ---------------------------------------------------------------------------------------------------------------------

-- True, or an error if a mean is no number, so a value is none, or a column beside it holds what it must not.
CREATE OR REPLACE MACRO _pool_sound(checked, weighed) AS TABLE
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS sound
    FROM (
        SELECT coalesce(
            _pool_bad_rows('weights', column_names[5], bad_weights,
                'precision weights are finite and not negative; a row of weight 0 does not count'),
            _pool_bad_rows('n', column_names[2], bad_n + CASE WHEN needs_n THEN coalesce(no_n, 0) ELSE 0 END,
                'n is a count of rows, a whole number of 0 or more'),
            _pool_bad_rows('var', column_names[3], bad_var, 'var is a sample variance, 0 or more wherever n > 1'),
            _pool_bad_rows('se', column_names[4], bad_se,
                'a standard error is 0 or more, and infinite for an estimate without information'),
            CASE WHEN odd > 0 THEN 'the value ''' || column_names[1] || ''' holds NaN or infinite numbers: '
                || 'remove them, or count them as missing with nan=''null''' END
        ) AS complaint
        FROM (SELECT sum(odd) AS odd FROM query_table(checked)), (
            SELECT sum(_pool_bad_weights) AS bad_weights, sum(_pool_no_n) AS no_n, sum(_pool_bad_n) AS bad_n,
                sum(_pool_bad_var) AS bad_var, sum(_pool_bad_se) AS bad_se
            FROM query_table(weighed)
        ), _pool_given
    );
