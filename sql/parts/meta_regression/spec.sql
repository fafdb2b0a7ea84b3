-- ---------------------------------------------------------------------------------------------------------------------
-- The request for means beside one predictor of groups: what differs from a one-way model.
-- ---------------------------------------------------------------------------------------------------------------------

-- The message about a predictor or an estimator that does not fit.
CREATE OR REPLACE MACRO _pool_toward_wrong(names, row_type, value_name, tau2) AS
    coalesce(
        CASE WHEN row_type IS NULL OR _pool_type_in(row_type) = '"NULL"'
            THEN 'toward=NULL; give the column of a predictor, or call the macro without _toward' END,
        CASE WHEN len(names) > 1
            THEN format('toward={} has {} columns; a macro has one predictor, Python any number', _pool_listed(names),
                len(names)) END,
        CASE WHEN NOT _pool_numeric(_pool_type_in(row_type))
            THEN format('toward=''{}'' has the type {}; a predictor in SQL holds numbers or Booleans, a factor needs '
                || 'Python', names[1], _pool_type_in(row_type)) END,
        CASE WHEN lower(names[1]) = lower(value_name)
            THEN format('toward=''{}'' is the value itself; give another column', names[1]) END,
        CASE WHEN names[1] = 'intercept'
            THEN 'toward=''intercept'' bears the name of the intercept: rename it' END,
        CASE WHEN NOT (_pool_is_number(tau2, 0) OR list_contains(_pool_names_of_toward(), _pool_name(tau2)))
            THEN _pool_message_number_or_one_of('tau2', _pool_shown(tau2), 'a number of 0 or more',
                _pool_listed(_pool_names_of_toward()), _pool_nearest(_pool_name(tau2), _pool_names_of_toward()))
                || '; other estimators do not go with toward=' END
    );

-- One row: the name of the predictor, or an error.
CREATE OR REPLACE MACRO _pool_toward_request(schema, value, toward, tau2) AS TABLE
    SELECT CASE WHEN complaint IS NULL THEN names[1] ELSE error(complaint) END AS predictor
    FROM (
        SELECT struct_keys(_pool_of_toward) AS names,
            _pool_toward_wrong(names, typeof(_pool_of_toward), struct_keys(_pool_of_value)[1], tau2) AS complaint
        FROM (SELECT toward FROM query_table(schema)) AS _pool_of_toward
            POSITIONAL JOIN (SELECT value FROM query_table(schema)) AS _pool_of_value
    );
