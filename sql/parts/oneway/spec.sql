-- ---------------------------------------------------------------------------------------------------------------------
-- The request for a one-way model: arguments that do not fit together or do not fit the columns.
-- ---------------------------------------------------------------------------------------------------------------------

-- Columns that do not go together.
CREATE OR REPLACE MACRO _pool_wrong_columns(has_n, has_var, has_se, has_weights) AS
    CASE
        WHEN has_se AND has_var
            THEN 'var= does not go with se=: published estimates carry their error in se alone'
        WHEN has_se AND has_weights
            THEN 'weights= does not go with se=: published estimates carry their error in se alone'
        WHEN NOT has_se AND has_n AND NOT has_var
            THEN 'n= without var=; stored moments need both, published estimates need se='
        WHEN NOT has_se AND has_var AND NOT has_n
            THEN 'var= without n=; stored moments need both, published estimates need se='
    END;

-- Methods that do not fit the columns.
CREATE OR REPLACE MACRO _pool_misfit(has_n, has_se, has_weights, sigma2, tau2, mu) AS
    CASE
        WHEN has_se AND _pool_name(sigma2) <> 'pooled'
            THEN 'sigma2=' || _pool_shown(sigma2)
                || ' does not go with se=: the sampling variance is known, se squared'
        WHEN has_se AND NOT has_n AND list_contains(pool_methods_by_rows('mu'), _pool_name(mu))
            THEN 'mu=' || _pool_shown(mu) || ' weighs by rows, and se= alone does not tell them: give n=, or one of '
                || _pool_listed(pool_methods_without('mu', pool_methods_by_rows('mu')))
        WHEN has_se AND NOT has_n AND list_contains(pool_methods_by_rows('tau2'), _pool_name(tau2))
            THEN 'tau2=' || _pool_shown(tau2)
                || ' weighs by rows, and se= alone does not tell them: give n=, or one of '
                || _pool_listed(pool_methods_without('tau2',
                    list_concat(pool_methods_by_rows('tau2'), pool_methods_unweighted('tau2'))))
        WHEN (has_se OR _pool_name(sigma2) <> 'pooled')
            AND list_contains(pool_methods_of_rows_alone('tau2'), _pool_name(tau2))
            THEN 'tau2=' || _pool_shown(tau2) || ' does not fit '
                || CASE WHEN has_se THEN 'se=' ELSE 'sigma2=' || _pool_shown(sigma2) END
                || ': give a number, or one of '
                || _pool_listed(pool_methods_without('tau2', pool_methods_of_rows_alone('tau2')))
        WHEN has_weights AND list_contains(pool_methods_unweighted('tau2'), _pool_name(tau2))
            THEN 'tau2=' || _pool_shown(tau2) || ' does not fit weights=: give a number, or one of '
                || _pool_listed(pool_methods_without('tau2', pool_methods_unweighted('tau2')))
    END;

-- Priors beside what they do not go with, and intervals that are of a posterior or are not.
CREATE OR REPLACE MACRO _pool_unsuited(tau2, mu) AS
    CASE
        WHEN _pool_prior_name(mu) = 'normal' AND _pool_name(tau2) <> '' AND NOT _pool_is_tau_prior(tau2)
            THEN 'mu=' || _pool_shown(mu) || ' does not go with tau2=' || _pool_shown(tau2)
                || ', an estimate: give tau2 as a number or a prior such as ''half_cauchy(5)'''
        WHEN _pool_is_tau_prior(tau2) AND list_contains(pool_methods_without('mu', ['gls']), _pool_name(mu))
            THEN 'mu=' || _pool_shown(mu) || ' does not go with a prior of tau2, where mu is integrated out: give '
                || '''gls'', a number, or a prior such as ''normal(0, 5)'''
    END;

CREATE OR REPLACE MACRO _pool_wrong_interval(tau2, mu, "interval") AS
    CASE
        WHEN "interval" IS NULL THEN NULL
        WHEN NOT list_contains(_pool_names_of_interval(), "interval"::VARCHAR)
            THEN _pool_wrong_name('interval', "interval", _pool_names_of_interval())
        WHEN _pool_integrates(tau2, mu) AND list_contains(_pool_names_of_interval_of_estimates(), "interval")
            THEN 'interval=' || _pool_shown("interval")
                || ' does not go with a prior: give ''central'' or ''shortest'''
        WHEN NOT _pool_integrates(tau2, mu) AND list_contains(_pool_names_of_interval_of_posterior(), "interval")
            THEN 'interval=' || _pool_shown("interval")
                || ' is of a posterior: give a prior of tau2 or mu, or ''normal'' or ''robust'''
    END;

-- An error that is asked for and cannot be told; what is wrong with what it is of.
CREATE OR REPLACE MACRO _pool_untold(tau2, mu, uncertainty) AS
    CASE
        WHEN _pool_integrates(tau2, mu) AND uncertainty <> 'mu'
            THEN 'uncertainty=' || _pool_shown(uncertainty)
                || ' does not go with a prior: the posterior holds the errors of mu and tau2'
        WHEN uncertainty = 'tau2' AND list_contains(pool_methods_without_error('tau2'), _pool_name(tau2))
        THEN 'uncertainty=''tau2'' does not fit tau2=' || _pool_shown(tau2)
            || ', which has no standard error: give a number, or one of '
            || _pool_listed(pool_methods_without('tau2', pool_methods_without_error('tau2')))
    END;

CREATE OR REPLACE MACRO _pool_wrong_prediction(predict, "interval", has_se) AS
    CASE
        WHEN "interval" = 'robust' AND predict <> 'mean'
            THEN 'interval=''robust'' does not go with predict=' || _pool_shown(predict)
                || ': it covers the true means; give predict=''mean'''
        WHEN predict = 'row' AND has_se
            THEN 'predict=''row'' does not go with se=: published estimates do not tell the variance of a row; '
                || 'give ''mean'' or ''replicate'''
        ELSE _pool_wrong_name('predict', predict, _pool_names_of_predict())
    END;

-- Whether names and numbers are right and fit any input, so that no sentence about them needs to be planned.
CREATE OR REPLACE MACRO _pool_usual(sigma2, tau2, mu, nan, level, uncertainty, "interval", predict, threshold) AS
    _pool_name(sigma2) = 'pooled' AND _pool_fits_every_input(tau2) AND _pool_name(mu) = 'gls'
    AND list_contains(_pool_names_of_nan(), nan) AND _pool_wrong_level(level) IS NULL
    AND uncertainty IN ('mu', 'conditional') AND predict = 'mean' AND _pool_absent(threshold)
    AND list_contains(_pool_names_of_interval_of_estimates(), coalesce("interval", 'normal'));

-- One row: that the arguments are right, which input they describe, and the names of columns for messages. A query that
-- reads `proper` fails with the sentence of the first thing that is wrong.
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
            list_transform(roles, lambda role: role.names[1]) AS column_names,
            list_transform(roles, lambda role: role.types <> ['"NULL"']) AS given,
            given[2] AS has_n, given[3] AS has_var, given[4] AS has_se, given[5] AS has_weights
        FROM _pool_keys_of(schema, '_pool_names', '_pool_listed_arguments', by_is_shown, result)
    ),
    columns AS (
        SELECT *, coalesce(
            wrong_keys,
            _pool_wrong_type(['value', 'n', 'var', 'se', 'weights'], roles),
            _pool_wrong_columns(has_n, has_var, has_se, has_weights)
        ) AS complaint
        FROM described
    ),
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
            _pool_untold(tau2, mu, uncertainty),
            _pool_wrong_prediction(predict, "interval", has_se),
            _pool_wrong_threshold(threshold)
        ) AS complaint)
        FROM columns
    )
    SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper,
        no_over,
        has_se AS published,
        NOT has_se OR has_n AS has_n,
        list_contains(pool_methods_by_rows('tau2'), _pool_name(tau2))
            OR list_contains(pool_methods_by_rows('mu'), _pool_name(mu)) AS needs_n,
        column_names
    FROM query_table(CASE
        WHEN _pool_usual(sigma2, tau2, mu, nan, level, uncertainty, "interval", predict, threshold) THEN 'columns'
        ELSE 'methods'
    END);

CREATE OR REPLACE MACRO _pool_wrong_question(test, limits, tau2, mu) AS
    coalesce(
        _pool_wrong_name('test', test, _pool_names_of_test()),
        CASE WHEN limits IS NOT NULL THEN _pool_wrong_name('limits', limits, _pool_names_of_limits()) END,
        CASE
            WHEN NOT _pool_integrates(tau2, mu) THEN NULL
            WHEN test::VARCHAR <> 'z'
                THEN 'test=' || _pool_shown(test) || ' does not go with a prior: mu has a posterior'
            WHEN limits IS NOT NULL
                THEN 'limits=' || _pool_shown(limits) || ' does not go with a prior: tau2 has a posterior'
        END,
        CASE WHEN limits::VARCHAR = 'profile' AND _pool_name(tau2) <> '' AND NOT _pool_is_likelihood(tau2)
            THEN 'limits=''profile'' does not fit tau2=' || _pool_shown(tau2)
                || ': give limits=''q'', or tau2 as one of ''reml'', ''ml''' END
    );

-- True, or an error: a test of mu and limits of tau2 that there are.
CREATE OR REPLACE MACRO _pool_asked(test, limits, tau2, mu) AS TABLE
    WITH usual AS (SELECT true AS proper),
    unusual AS (
        SELECT CASE WHEN complaint IS NULL THEN true ELSE error(complaint) END AS proper
        FROM (SELECT _pool_wrong_question(test, limits, tau2, mu) AS complaint)
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
