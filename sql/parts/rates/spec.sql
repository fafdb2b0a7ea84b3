-- ---------------------------------------------------------------------------------------------------------------------
-- The request for rates or counts: arguments that do not fit. `family` is 'rates' or 'counts'.
-- ---------------------------------------------------------------------------------------------------------------------

-- The distribution of the groups' rates, by the name of its prior.
CREATE OR REPLACE MACRO _pool_law_of(family) AS CASE WHEN family = 'rates' THEN 'beta' ELSE 'gamma' END;

-- The message about a wrong prior.
CREATE OR REPLACE MACRO _pool_wrong_rate_prior(argument, family) AS
    CASE
        WHEN list_contains(_pool_names_of_prior(), _pool_name(argument)) THEN NULL
        WHEN _pool_prior_name(argument) = _pool_law_of(family) OR contains(_pool_name(argument), '(')
            THEN _pool_wrong_prior_of('prior', [_pool_law_of(family)], argument)
        ELSE _pool_message_number_or_one_of('prior', _pool_shown(argument),
            'a known prior, ' || _pool_prior_form(_pool_law_of(family)), _pool_listed(_pool_names_of_prior()),
            _pool_nearest(_pool_name(argument), _pool_names_of_prior()))
    END;

-- The message about a wrong `uncertainty` of rates: the errors that a standard error includes.
CREATE OR REPLACE MACRO _pool_wrong_uncertainty_of_rates(argument, family) AS
    coalesce(
        _pool_wrong_name('uncertainty', argument, _pool_names_of_uncertainty()),
        CASE WHEN argument = 'tau2'
            THEN _pool_message_error_of_rates(CASE WHEN family = 'rates' THEN 'trials' ELSE 'exposure' END) END
    );

-- Whether all names, numbers and flags are right: then DuckDB plans no message about them.
CREATE OR REPLACE MACRO _pool_usual_rates(prior, nan, level, threshold, posterior, limits, uncertainty) AS
    list_contains(_pool_names_of_prior(), _pool_name(prior)) AND list_contains(_pool_names_of_nan(), nan)
    AND _pool_is_level(level)
    AND _pool_absent(threshold) AND uncertainty IN ('mu', 'conditional')
    AND typeof(posterior) = 'BOOLEAN' AND posterior IS NOT NULL AND typeof(limits) = 'BOOLEAN' AND limits IS NOT NULL;

-- One row: true or an error about the arguments, whether there is one model, and the names of the two columns.
CREATE OR REPLACE MACRO _pool_rate_arguments(
    schema, value, base, "by", unnamed, over, prior, nan, level, threshold, posterior, limits, uncertainty,
    by_is_shown, family,
    result
) AS TABLE
    WITH _pool_names AS (
        SELECT [struct_keys(_pool_of_by), struct_keys(_pool_of_over), struct_keys(_pool_of_unnamed),
            struct_keys(_pool_of_value), struct_keys(_pool_of_base)] AS names
        FROM (SELECT "by" FROM query_table(schema)) AS _pool_of_by
            POSITIONAL JOIN (SELECT over FROM query_table(schema)) AS _pool_of_over
            POSITIONAL JOIN (SELECT unnamed FROM query_table(schema)) AS _pool_of_unnamed
            POSITIONAL JOIN (SELECT value FROM query_table(schema)) AS _pool_of_value
            POSITIONAL JOIN (SELECT base FROM query_table(schema)) AS _pool_of_base
    ),
    _pool_listed_arguments AS (
        SELECT NULL, _pool_column("by"), NULL, _pool_column(over), NULL, _pool_column(unnamed),
            NULL, _pool_column(value), NULL, _pool_column(base)
        FROM query_table(schema)
    ),
    columns AS (
        SELECT no_over, list_transform(described[4:], lambda _role: _role.names[1]) AS column_names, coalesce(
            wrong_keys,
            _pool_wrong_type(['value', CASE WHEN family = 'rates' THEN 'trials' ELSE 'exposure' END], described[4:])
        ) AS complaint
        FROM _pool_keys_of(schema, "by", unnamed, over, '_pool_names', '_pool_listed_arguments', by_is_shown, result)
    ),
    methods AS (
        SELECT * REPLACE (coalesce(
            complaint,
            _pool_wrong_rate_prior(prior, family),
            _pool_wrong_name('nan', coalesce(nan::VARCHAR, 'NULL'), _pool_names_of_nan()),
            _pool_wrong_level(level),
            _pool_wrong_uncertainty_of_rates(uncertainty, family),
            _pool_wrong_threshold(threshold),
            _pool_wrong_flag('posterior', posterior),
            _pool_wrong_flag('limits', limits)
        ) AS complaint)
        FROM columns
    )
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper, no_over,
        CASE WHEN complaint IS NULL THEN column_names ELSE error(complaint) END AS column_names
    FROM query_table(CASE
        WHEN _pool_usual_rates(prior, nan, level, threshold, posterior, limits, uncertainty) THEN 'columns'
        ELSE 'methods'
    END);

-- Whether the arguments request a column of the result.
CREATE OR REPLACE MACRO _pool_is_rate_column(name, threshold, posterior, limits) AS
    CASE
        WHEN name IN ('p_above', 'pep', 'q_value') THEN NOT _pool_absent(threshold)
        WHEN name IN ('alpha', 'beta', 'shape', 'rate') THEN TRY_CAST(posterior AS BOOLEAN)
        WHEN name IN ('lower', 'upper') THEN TRY_CAST(limits AS BOOLEAN)
        ELSE true
    END;
