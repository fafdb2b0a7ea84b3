-- ---------------------------------------------------------------------------------------------------------------------
-- The request for a one-way model: arguments that do not fit together or do not fit the columns.
-- ---------------------------------------------------------------------------------------------------------------------

-- The message about columns that exclude each other.
CREATE OR REPLACE MACRO _pool_wrong_columns(has_n, has_var, has_se, has_weights) AS
    CASE
        WHEN has_se AND has_var THEN _pool_message_with_published('var')
        WHEN has_se AND has_weights THEN _pool_message_with_published('weights')
        WHEN NOT has_se AND has_n AND NOT has_var THEN _pool_message_half_of_moments('n', 'var')
        WHEN NOT has_se AND has_var AND NOT has_n THEN _pool_message_half_of_moments('var', 'n')
    END;

-- The message about methods that do not fit the columns.
CREATE OR REPLACE MACRO _pool_misfit(has_n, has_se, has_weights, sigma2, tau2, mu) AS
    CASE
        WHEN has_se AND _pool_name(sigma2) <> 'pooled' THEN _pool_message_variance_of_published(_pool_shown(sigma2))
        WHEN has_se AND NOT has_n AND list_contains(pool_methods_by_rows('mu'), _pool_name(mu))
            THEN _pool_message_without_counts('mu', _pool_shown(mu),
                _pool_listed(pool_methods_without('mu', pool_methods_by_rows('mu'))))
        WHEN has_se AND NOT has_n AND list_contains(pool_methods_by_rows('tau2'), _pool_name(tau2))
            THEN _pool_message_without_counts('tau2', _pool_shown(tau2), _pool_listed(pool_methods_without('tau2',
                list_concat(pool_methods_by_rows('tau2'), pool_methods_unweighted('tau2')))))
        WHEN (has_se OR _pool_name(sigma2) <> 'pooled')
            AND list_contains(pool_methods_of_rows_alone('tau2'), _pool_name(tau2))
            THEN _pool_message_unfit('tau2', _pool_shown(tau2),
                CASE WHEN has_se THEN 'se=' ELSE 'sigma2=' || _pool_shown(sigma2) END,
                _pool_listed(pool_methods_without('tau2', pool_methods_of_rows_alone('tau2'))))
        WHEN has_weights AND list_contains(pool_methods_unweighted('tau2'), _pool_name(tau2))
            THEN _pool_message_unfit('tau2', _pool_shown(tau2), 'weights=',
                _pool_listed(pool_methods_without('tau2', pool_methods_unweighted('tau2'))))
    END;

-- The message about priors that do not fit other arguments, and about intervals that need a posterior or exclude one.
CREATE OR REPLACE MACRO _pool_unsuited(tau2, mu) AS
    CASE
        WHEN _pool_prior_name(mu) = 'normal' AND _pool_name(tau2) <> '' AND NOT _pool_is_tau_prior(tau2)
            THEN _pool_message_prior_beside_estimate('mu', _pool_shown(mu), _pool_shown(tau2))
        WHEN _pool_is_tau_prior(tau2) AND list_contains(pool_methods_without('mu', ['gls']), _pool_name(mu))
            THEN _pool_message_mu_beside_prior(_pool_shown(mu))
    END;

CREATE OR REPLACE MACRO _pool_wrong_interval(tau2, mu, "interval") AS
    CASE
        WHEN "interval" IS NULL THEN NULL
        WHEN NOT list_contains(_pool_names_of_interval(), "interval"::VARCHAR)
            THEN _pool_wrong_name('interval', "interval", _pool_names_of_interval())
        WHEN _pool_integrates(tau2, mu) AND list_contains(_pool_names_of_interval_of_estimates(), "interval")
            THEN _pool_message_not_of_posterior(_pool_shown("interval"))
        WHEN NOT _pool_integrates(tau2, mu) AND list_contains(_pool_names_of_interval_of_posterior(), "interval")
            THEN _pool_message_of_posterior(_pool_shown("interval"), '''normal'' or ''robust''')
    END;

-- The message about an uncertainty that an estimator does not have, and a quantity that an interval does not describe.
CREATE OR REPLACE MACRO _pool_wrong_uncertainty(tau2, mu, uncertainty) AS
    CASE
        WHEN _pool_integrates(tau2, mu) AND uncertainty <> 'mu'
            THEN _pool_message_beside_prior('uncertainty', _pool_shown(uncertainty),
                _pool_message_posterior_holds_errors())
        WHEN uncertainty = 'tau2' AND list_contains(pool_methods_without_error('tau2'), _pool_name(tau2))
            THEN _pool_message_error_unknown(_pool_shown(tau2),
                _pool_listed(pool_methods_without('tau2', pool_methods_without_error('tau2'))))
    END;

CREATE OR REPLACE MACRO _pool_wrong_prediction(predict, "interval", has_se) AS
    CASE
        WHEN "interval" = 'robust' AND predict <> 'mean' THEN _pool_message_robust_prediction(_pool_shown(predict))
        WHEN predict = 'row' AND has_se THEN _pool_message_row_of_published()
        ELSE _pool_wrong_name('predict', predict, _pool_names_of_predict())
    END;

-- Whether options and methods are the defaults. A text is compared with a text: DuckDB plans this in little time.
CREATE OR REPLACE MACRO _pool_are_defaults(sigma2, mu, nan, level, uncertainty, "interval", predict, threshold) AS
    [sigma2::VARCHAR, mu::VARCHAR, nan::VARCHAR, typeof(level), level::VARCHAR, uncertainty::VARCHAR, predict::VARCHAR]
        = ['pooled', 'gls', 'error', 'DECIMAL(3,2)', '0.95', 'mu', 'mean']
    AND "interval" IS NULL AND threshold IS NULL;

-- Whether options are right and fit any input: then DuckDB plans no message about them.
CREATE OR REPLACE MACRO _pool_usual_options(nan, level, predict, threshold) AS
    list_contains(_pool_names_of_nan(), nan) AND _pool_is_level(level) AND predict = 'mean'
    AND (_pool_absent(threshold) OR _pool_is_number(threshold, '-infinity'::DOUBLE));

-- Whether tau2 and mu are estimates or numbers that are right and fit any input.
CREATE OR REPLACE MACRO _pool_usual_estimates(tau2, mu, uncertainty, "interval") AS
    (_pool_name(mu) = 'gls' OR _pool_is_number(mu, '-infinity'::DOUBLE))
    AND (_pool_fits_every_input(tau2) AND uncertainty IN ('mu', 'conditional')
        OR _pool_is_number(tau2, 0) AND list_contains(_pool_names_of_uncertainty(), uncertainty))
    AND list_contains(_pool_names_of_interval_of_estimates(), coalesce("interval", 'normal'));

-- Whether tau2 is a prior that is right and fits any input.
CREATE OR REPLACE MACRO _pool_usual_prior(tau2, mu, uncertainty, "interval") AS
    _pool_name(mu) = 'gls' AND _pool_is_right_prior(tau2) AND uncertainty = 'mu'
    AND list_contains(_pool_names_of_interval_of_posterior(), coalesce("interval", 'central'));

-- Whether an estimator weighs by rows, so that published estimates need n.
CREATE OR REPLACE MACRO _pool_needs_n(tau2, mu) AS
    list_contains(pool_methods_by_rows('tau2'), _pool_name(tau2))
        OR list_contains(pool_methods_by_rows('mu'), _pool_name(mu));

-- One row: `proper`, which input the arguments describe, and the names of columns for messages. A query that reads
-- `proper` fails with the message about the first wrong argument.
CREATE OR REPLACE MACRO _pool_arguments(
    schema, value, "by", unnamed, over, n, var, se, weights, sigma2, tau2, mu, nan, level, uncertainty, "interval",
    predict, threshold, by_is_shown, result
) AS TABLE
    WITH _pool_names AS (
        SELECT [struct_keys(_pool_of_by), struct_keys(_pool_of_over), struct_keys(_pool_of_unnamed),
            struct_keys(_pool_of_value), struct_keys(_pool_of_n), struct_keys(_pool_of_var), struct_keys(_pool_of_se),
            struct_keys(_pool_of_weights)] AS names
        FROM (SELECT "by" FROM query_table(schema)) AS _pool_of_by
            POSITIONAL JOIN (SELECT over FROM query_table(schema)) AS _pool_of_over
            POSITIONAL JOIN (SELECT unnamed FROM query_table(schema)) AS _pool_of_unnamed
            POSITIONAL JOIN (SELECT value FROM query_table(schema)) AS _pool_of_value
            POSITIONAL JOIN (SELECT n FROM query_table(schema)) AS _pool_of_n
            POSITIONAL JOIN (SELECT var FROM query_table(schema)) AS _pool_of_var
            POSITIONAL JOIN (SELECT se FROM query_table(schema)) AS _pool_of_se
            POSITIONAL JOIN (SELECT weights FROM query_table(schema)) AS _pool_of_weights
    ),
    _pool_listed_arguments AS (
        SELECT NULL, _pool_column("by"), NULL, _pool_column(over), NULL, _pool_column(unnamed),
            NULL, _pool_column(value), NULL, _pool_column(n), NULL, _pool_column(var), NULL, _pool_column(se),
            NULL, _pool_column(weights)
        FROM query_table(schema)
    ),
    described AS (
        SELECT no_over, wrong_keys, described[4:] AS roles,
            list_transform(roles, lambda _role: _role.names[1]) AS column_names,
            list_transform(roles, lambda _role: _role.types <> ['"NULL"']) AS present,
            present[2] AS has_n, present[3] AS has_var, present[4] AS has_se, present[5] AS has_weights
        FROM _pool_keys_of(schema, "by", unnamed, over, '_pool_names', '_pool_listed_arguments', by_is_shown, result)
    ),
    of_any AS (
        SELECT no_over, has_n, has_se, has_weights, column_names, coalesce(
            wrong_keys,
            _pool_wrong_type(['value', 'n', 'var', 'se', 'weights'], roles),
            _pool_wrong_columns(has_n, has_var, has_se, has_weights)
        ) AS complaint
        FROM described
    ),
    of_rows AS (
        SELECT no_over, false AS has_n, false AS has_se, false AS has_weights,
            struct_keys(_pool_of_value) AS column_names,
            coalesce(wrong_keys, _pool_wrong_row('value', column_names, typeof(_pool_of_value))) AS complaint
        FROM _pool_usual_keys(schema, "by", over, by_is_shown, result),
            (SELECT value FROM query_table(schema)) AS _pool_of_value
    ),
    of_rows_by_columns AS (FROM _pool_by_keys("by", over, 'of_rows', 'of_any')),
    columns AS (FROM _pool_by_input([unnamed, n, var, se, weights], 'of_rows_by_columns', 'of_any')),
    methods AS (
        SELECT * REPLACE (coalesce(
            complaint,
            _pool_wrong_hyperparameter('sigma2', sigma2, 0.0, 'a number of 0 or more'),
            _pool_wrong_hyperparameter('tau2', tau2, 0.0, 'a number of 0 or more'),
            _pool_wrong_hyperparameter('mu', mu, '-infinity'::DOUBLE, 'a number'),
            _pool_unsuited(tau2, mu),
            _pool_wrong_name('nan', nan, _pool_names_of_nan()),
            _pool_misfit(has_n, has_se, has_weights, sigma2, tau2, mu),
            _pool_wrong_interval(tau2, mu, "interval"),
            _pool_wrong_level(level),
            _pool_wrong_name('uncertainty', uncertainty, _pool_names_of_uncertainty()),
            _pool_wrong_uncertainty(tau2, mu, uncertainty),
            _pool_wrong_prediction(predict, "interval", has_se),
            _pool_wrong_threshold(threshold)
        ) AS complaint)
        FROM columns
    ),
    unpooled AS (
        SELECT * REPLACE (coalesce(
            complaint, CASE WHEN has_se THEN _pool_message_variance_of_published(_pool_shown(sigma2)) END
        ) AS complaint)
        FROM columns
    ),
    -- A CTE that is not read is not bound, nor are the conditions in it.
    of_sigma2 AS (
        FROM query_table(CASE
            WHEN _pool_name(sigma2) = 'pooled' THEN 'columns'
            WHEN _pool_own_variance(sigma2) OR _pool_is_number(sigma2, 0) THEN 'unpooled'
            ELSE 'methods'
        END)
    ),
    of_priors AS (
        FROM query_table(CASE
            WHEN _pool_usual_prior(tau2, mu, uncertainty, "interval") THEN 'of_sigma2' ELSE 'methods'
        END)
    ),
    of_estimates AS (
        FROM query_table(CASE
            WHEN _pool_usual_estimates(tau2, mu, uncertainty, "interval") THEN 'of_sigma2' ELSE 'of_priors'
        END)
    ),
    of_options AS (
        FROM query_table(CASE
            WHEN _pool_usual_options(nan, level, predict, threshold) THEN 'of_estimates' ELSE 'methods'
        END)
    ),
    of_defaults AS (SELECT *, false AS needs_n FROM columns),
    of_others AS (SELECT *, _pool_needs_n(tau2, mu) AS needs_n FROM of_options)
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper,
        no_over, has_se AS published, NOT has_se OR has_n AS has_n, needs_n, column_names
    FROM query_table(CASE
        WHEN _pool_are_defaults(sigma2, mu, nan, level, uncertainty, "interval", predict, threshold)
            AND _pool_fits_every_input(tau2) THEN 'of_defaults'
        ELSE 'of_others'
    END);

CREATE OR REPLACE MACRO _pool_wrong_inference(test, limits, tau2, mu) AS
    coalesce(
        _pool_wrong_name('test', test, _pool_names_of_test()),
        CASE WHEN limits IS NOT NULL THEN _pool_wrong_name('limits', limits, _pool_names_of_limits()) END,
        CASE
            WHEN NOT _pool_integrates(tau2, mu) THEN NULL
            WHEN test::VARCHAR <> 'z'
                THEN _pool_message_beside_prior('test', _pool_shown(test), _pool_message_mu_has_posterior())
            WHEN limits IS NOT NULL
                THEN _pool_message_beside_prior('limits', _pool_shown(limits), _pool_message_tau2_has_posterior())
        END,
        CASE WHEN limits::VARCHAR = 'profile' AND _pool_name(tau2) <> '' AND NOT _pool_is_likelihood(_pool_name(tau2))
            THEN _pool_message_profile_limits(_pool_shown(tau2), _pool_listed(_pool_names_of_method())) END
    );

-- True, or an error about the test of mu or the limits of tau2.
CREATE OR REPLACE MACRO _pool_valid_inference(test, limits, tau2, mu) AS TABLE
    WITH usual AS (SELECT true AS proper),
    unusual AS (
        SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper
        FROM (SELECT _pool_wrong_inference(test, limits, tau2, mu) AS complaint)
    )
    FROM query_table(CASE WHEN test::VARCHAR = 'z' AND limits IS NULL THEN 'usual' ELSE 'unusual' END);

-- The result columns of estimates.
CREATE OR REPLACE MACRO _pool_columns_of_estimates("interval", threshold) AS
    CASE
        WHEN "interval" = 'robust' AND _pool_absent(threshold) THEN _pool_columns_of_shrink_robust()
        WHEN "interval" = 'robust' THEN _pool_columns_of_shrink_robust_threshold()
        WHEN _pool_absent(threshold) THEN _pool_columns_of_shrink()
        ELSE _pool_columns_of_shrink_threshold()
    END;
