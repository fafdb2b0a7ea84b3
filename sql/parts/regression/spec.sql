-- ---------------------------------------------------------------------------------------------------------------------
-- The request for a regression: arguments that do not fit.
-- ---------------------------------------------------------------------------------------------------------------------

-- One row: true or an error about the arguments, whether there is one model, and the names of y, x and weights.
CREATE OR REPLACE MACRO _pool_line_arguments(
    schema, y, x, "by", unnamed, over, weights, method, level, nan, by_is_shown, result
) AS TABLE
    WITH _pool_names AS (
        SELECT [struct_keys(_pool_of_by), struct_keys(_pool_of_over), struct_keys(_pool_of_unnamed),
            struct_keys(_pool_of_y), struct_keys(_pool_of_x), struct_keys(_pool_of_weights)] AS names
        FROM (SELECT "by" FROM query_table(schema)) AS _pool_of_by
            POSITIONAL JOIN (SELECT over FROM query_table(schema)) AS _pool_of_over
            POSITIONAL JOIN (SELECT unnamed FROM query_table(schema)) AS _pool_of_unnamed
            POSITIONAL JOIN (SELECT y FROM query_table(schema)) AS _pool_of_y
            POSITIONAL JOIN (SELECT x FROM query_table(schema)) AS _pool_of_x
            POSITIONAL JOIN (SELECT weights FROM query_table(schema)) AS _pool_of_weights
    ),
    _pool_listed_arguments AS (
        SELECT NULL, _pool_column("by"), NULL, _pool_column(over), NULL, _pool_column(unnamed),
            NULL, _pool_column(y), NULL, _pool_column(x), NULL, _pool_column(weights)
        FROM query_table(schema)
    ),
    checked AS (
        SELECT no_over, list_transform(described[4:], lambda _role: _role.names[1]) AS column_names, coalesce(
            wrong_keys,
            _pool_wrong_type(['value', 'x', 'weights'], described[4:]),
            CASE
                WHEN lower(column_names[2]) = lower(column_names[1]) THEN 'x=''' || column_names[2]
                    || ''' is the value itself; give another covariate'
                WHEN column_names[2] = 'intercept' THEN 'x=''intercept'' bears the name of the intercept: rename it'
            END,
            _pool_wrong_name('method', coalesce(method::VARCHAR, 'NULL'), _pool_names_of_method()),
            _pool_wrong_name('nan', coalesce(nan::VARCHAR, 'NULL'), _pool_names_of_nan()),
            _pool_wrong_level(level)
        ) AS complaint
        FROM _pool_keys_of(schema, "by", unnamed, over, '_pool_names', '_pool_listed_arguments', by_is_shown, result)
    )
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper, no_over,
        CASE WHEN complaint IS NULL THEN column_names ELSE error(complaint) END AS column_names
    FROM checked;
