-- ---------------------------------------------------------------------------------------------------------------------
-- The request for nested levels: arguments that do not fit.
-- ---------------------------------------------------------------------------------------------------------------------

-- The message about a tau2 that is neither a number nor the name of a likelihood, and about one of a level, which has
-- to be a number.
CREATE OR REPLACE MACRO _pool_nested_wrong_tau2(tau2, tau2_outer, tau2_inner) AS
    coalesce(
        CASE WHEN NOT (_pool_is_number(tau2, 0) OR list_contains(_pool_names_of_method(), _pool_name(tau2)))
            THEN _pool_message_number_or_one_of('tau2', _pool_shown(tau2), 'a number of 0 or more',
                _pool_listed(_pool_names_of_method()), _pool_nearest(_pool_name(tau2), _pool_names_of_method())) END,
        CASE WHEN NOT (_pool_absent(tau2_outer) OR _pool_is_number(tau2_outer, 0))
            THEN format('tau2_outer={}; give a number of 0 or more, or leave it out', _pool_shown(tau2_outer)) END,
        CASE WHEN NOT (_pool_absent(tau2_inner) OR _pool_is_number(tau2_inner, 0))
            THEN format('tau2_inner={}; give a number of 0 or more, or leave it out', _pool_shown(tau2_inner)) END
    );

-- The message about any other option.
CREATE OR REPLACE MACRO _pool_nested_wrong_option(has_se, sigma2, nan, "at", level, uncertainty, predict, threshold) AS
    coalesce(
        CASE WHEN NOT (_pool_name(sigma2) = 'pooled' OR _pool_is_number(sigma2, 0))
            THEN format('sigma2={} does not go with nested levels; give ''pooled'', or a number of 0 or more',
                _pool_shown(sigma2)) END,
        CASE WHEN has_se AND _pool_name(sigma2) <> 'pooled'
            THEN _pool_message_variance_of_published(_pool_shown(sigma2)) END,
        _pool_wrong_name('nan', nan, _pool_names_of_nan()),
        _pool_wrong_name('at', "at", ['outer', 'inner']),
        _pool_wrong_level(level),
        _pool_wrong_name('uncertainty', uncertainty, ['mu', 'conditional']),
        _pool_wrong_prediction(predict, NULL, has_se),
        _pool_wrong_threshold(threshold)
    );

-- One row: true or an error about the arguments, which input they describe, and the names of columns for messages.
CREATE OR REPLACE MACRO _pool_nested_arguments(
    schema, value, "outer", "inner", unnamed, over, n, var, se, weights, sigma2, tau2, tau2_outer, tau2_inner, nan,
    "at", level, uncertainty, predict, threshold, by_is_shown, result
) AS TABLE
    WITH _pool_names AS (
        SELECT [list_concat(struct_keys(_pool_of_outer), struct_keys(_pool_of_inner)), struct_keys(_pool_of_over),
            struct_keys(_pool_of_unnamed), struct_keys(_pool_of_value), struct_keys(_pool_of_n),
            struct_keys(_pool_of_var), struct_keys(_pool_of_se), struct_keys(_pool_of_weights)] AS names
        FROM (SELECT "outer" FROM query_table(schema)) AS _pool_of_outer
            POSITIONAL JOIN (SELECT "inner" FROM query_table(schema)) AS _pool_of_inner
            POSITIONAL JOIN (SELECT over FROM query_table(schema)) AS _pool_of_over
            POSITIONAL JOIN (SELECT unnamed FROM query_table(schema)) AS _pool_of_unnamed
            POSITIONAL JOIN (SELECT value FROM query_table(schema)) AS _pool_of_value
            POSITIONAL JOIN (SELECT n FROM query_table(schema)) AS _pool_of_n
            POSITIONAL JOIN (SELECT var FROM query_table(schema)) AS _pool_of_var
            POSITIONAL JOIN (SELECT se FROM query_table(schema)) AS _pool_of_se
            POSITIONAL JOIN (SELECT weights FROM query_table(schema)) AS _pool_of_weights
    ),
    _pool_listed_arguments AS (
        SELECT NULL, _pool_column("outer"), _pool_column("inner"), NULL, _pool_column(over), NULL,
            _pool_column(unnamed), NULL, _pool_column(value), NULL, _pool_column(n), NULL, _pool_column(var), NULL,
            _pool_column(se), NULL, _pool_column(weights)
        FROM query_table(schema)
    ),
    described AS (
        SELECT wrong_keys, described[1].names AS by_names, described[4:] AS roles,
            list_transform(roles, lambda _role: _role.names[1]) AS column_names,
            list_transform(roles, lambda _role: _role.types <> ['"NULL"']) AS present,
            present[2] AS has_n, present[3] AS has_var, present[4] AS has_se, present[5] AS has_weights
        FROM _pool_keys_of(schema, "outer", unnamed, over, '_pool_names', '_pool_listed_arguments', by_is_shown, result)
    ),
    checked AS (
        SELECT has_n, has_se, column_names, level_names, coalesce(
            wrong_keys,
            _pool_message_key_twice('''' || list_filter(
                by_names, lambda name, i: list_position(by_names, name) < i)[1] || ''''),
            _pool_wrong_type(['value', 'n', 'var', 'se', 'weights'], roles),
            _pool_wrong_columns(has_n, has_var, has_se, has_weights),
            _pool_nested_wrong_tau2(tau2, tau2_outer, tau2_inner),
            _pool_nested_wrong_option(has_se, sigma2, nan, "at", level, uncertainty, predict, threshold)
        ) AS complaint
        FROM described, (
            SELECT [array_to_string(struct_keys(_pool_of_outer), ', '),
                array_to_string(struct_keys(_pool_of_inner), ', ')] AS level_names
            FROM (SELECT "outer" FROM query_table(schema)) AS _pool_of_outer,
                (SELECT "inner" FROM query_table(schema)) AS _pool_of_inner
        )
    )
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper, has_se AS published,
        NOT has_se OR has_n AS has_n, column_names, level_names
    FROM checked;
