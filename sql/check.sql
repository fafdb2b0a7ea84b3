-- ---------------------------------------------------------------------------------------------------------------------
-- Arguments: what is wrong with them, in the sentences of the Python package, from names and types and never from data.
-- ---------------------------------------------------------------------------------------------------------------------

-- Whether an argument was left out: it is NULL, or the default of `over`, whose name no key can have.
CREATE OR REPLACE MACRO _pool_absent_type(type) AS type IN ('"NULL"', 'STRUCT(_pool_absent BOOLEAN)');
CREATE OR REPLACE MACRO _pool_absent(x) AS _pool_absent_type(typeof(x));

-- A hyperparameter as the number or the name that is given.
CREATE OR REPLACE MACRO _pool_number(x) AS CASE WHEN typeof(x) <> 'VARCHAR' THEN TRY_CAST(x AS DOUBLE) END;
CREATE OR REPLACE MACRO _pool_name(x) AS CASE WHEN typeof(x) = 'VARCHAR' THEN x::VARCHAR ELSE '' END;

-- Priors as texts: the name of one, its numbers, and whether anything is integrated out.
CREATE OR REPLACE MACRO _pool_tau_priors() AS ['half_cauchy', 'half_normal', 'half_t', 'exponential', 'uniform',
    'inverse_gamma', 'jeffreys', 'uniform_shrinkage', 'dumouchel'];
CREATE OR REPLACE MACRO _pool_prior_name(x) AS regexp_extract(_pool_name(x), '^\s*(\w+)\s*(\(.*\))?\s*$', 1);
CREATE OR REPLACE MACRO _pool_prior_pieces(x) AS
    CASE WHEN regexp_matches(_pool_name(x), '^[^(]*\(\s*[^\s].*\)\s*$')
        THEN list_transform(
            string_split(regexp_extract(_pool_name(x), '\((.*)\)\s*$', 1), ','), lambda piece: trim(piece))
        ELSE []::VARCHAR[] END;
CREATE OR REPLACE MACRO _pool_prior_numbers(x) AS
    list_transform(_pool_prior_pieces(x), lambda piece: TRY_CAST(piece AS DOUBLE));
CREATE OR REPLACE MACRO _pool_is_tau_prior(x) AS list_contains(_pool_tau_priors(), _pool_prior_name(x));
CREATE OR REPLACE MACRO _pool_integrates(tau2, mu) AS _pool_is_tau_prior(tau2) OR _pool_prior_name(mu) = 'normal';

CREATE OR REPLACE MACRO _pool_is_number(x, least) AS
    coalesce(typeof(x) <> 'BOOLEAN' AND isfinite(_pool_number(x)) AND _pool_number(x) >= least, false);

CREATE OR REPLACE MACRO _pool_shown(x) AS
    CASE WHEN typeof(x) = 'VARCHAR' THEN '''' || x::VARCHAR || '''' ELSE coalesce(x::VARCHAR, 'NULL') END;

CREATE OR REPLACE MACRO _pool_listed(names) AS
    array_to_string(list_transform(names, lambda name: '''' || name || ''''), ', ');

CREATE OR REPLACE MACRO _pool_nearest(given, names) AS
    coalesce(list_transform(
        list_sort(list_transform(
            list_filter(names,
                lambda name: 2 * damerau_levenshtein(lower(name), lower(given)) <= length(name || given) / 2),
            lambda name: {distance: damerau_levenshtein(lower(name), lower(given)), left_out: -length(name), name: name}
        )),
        lambda near: '; did you mean ''' || near.name || '''?'
    )[1], '');

-- What is wrong with a name out of a list, with a hyperparameter, with the level of an interval: NULL if nothing is.
CREATE OR REPLACE MACRO _pool_wrong_name(role, given, names) AS
    CASE WHEN NOT list_contains(names, given::VARCHAR)
        THEN role || '=' || _pool_shown(given) || '; give one of ' || _pool_listed(names)
            || _pool_nearest(given::VARCHAR, names)
    END;

-- How priors are written as texts, what is wrong with the text of one, and whether a text is meant as one.
CREATE OR REPLACE MACRO _pool_prior_arguments(name) AS
    CASE
        WHEN name IN ('half_cauchy', 'half_normal') THEN ['scale']
        WHEN name = 'half_t' THEN ['df', 'scale']
        WHEN name = 'exponential' THEN ['rate']
        WHEN name = 'uniform' THEN ['lower', 'upper']
        WHEN name = 'inverse_gamma' THEN ['shape', 'scale']
        WHEN name = 'normal' THEN ['mean', 'sd']
        WHEN name = 'beta' THEN ['alpha', 'beta']
        WHEN name = 'gamma' THEN ['shape', 'rate']
        ELSE []::VARCHAR[]
    END;
CREATE OR REPLACE MACRO _pool_prior_form(name) AS
    name || '(' || array_to_string(_pool_prior_arguments(name), ', ') || ')';
CREATE OR REPLACE MACRO _pool_priors_of(role) AS
    CASE role WHEN 'tau2' THEN _pool_tau_priors() WHEN 'mu' THEN ['normal', 'flat'] ELSE []::VARCHAR[] END;
CREATE OR REPLACE MACRO _pool_may_be_prior(role, given) AS
    list_contains(_pool_priors_of(role), _pool_prior_name(given))
        OR role <> 'sigma2' AND contains(_pool_name(given), '(')
        OR role = 'sigma2' AND list_contains(_pool_tau_priors(), _pool_prior_name(given));

CREATE OR REPLACE MACRO _pool_wrong_numbers(name, numbers) AS
    CASE
        WHEN name = 'uniform' THEN CASE WHEN NOT (coalesce(numbers[1], 0.0) >= 0
                AND coalesce(numbers[1], 0.0) < coalesce(numbers[2], 'infinity'::DOUBLE)
                AND NOT isnan(coalesce(numbers[1], 0.0)) AND NOT isnan(coalesce(numbers[2], 0.0)))
            THEN 'a lower limit of 0 or more and an upper one above it' END
        WHEN name = 'normal' THEN CASE WHEN NOT (isfinite(numbers[1]) AND isfinite(numbers[2]) AND numbers[2] > 0)
            THEN 'a finite mean, and sd as a finite number above 0' END
        ELSE list_transform(
            list_filter(list_zip(_pool_prior_arguments(name), numbers), lambda x: NOT (isfinite(x[2]) AND x[2] > 0)),
            lambda x: x[1] || ' as a finite number above 0'
        )[1]
    END;

CREATE OR REPLACE MACRO _pool_wrong_prior_of(role, priors, given) AS
    CASE
        WHEN NOT list_contains(priors, _pool_prior_name(given))
            THEN role || '=' || _pool_shown(given) || ' is no prior; give one of '
                || array_to_string(list_transform(priors, lambda name: _pool_prior_form(name)), ', ')
                || _pool_nearest(trim(split_part(_pool_name(given), '(', 1)), priors)
        WHEN list_contains(list_transform(_pool_prior_numbers(given), lambda x: x IS NULL), true)
            OR len(_pool_prior_numbers(given)) > len(_pool_prior_arguments(_pool_prior_name(given)))
            OR len(_pool_prior_numbers(given)) < len(_pool_prior_arguments(_pool_prior_name(given)))
                AND _pool_prior_name(given) <> 'uniform'
            THEN role || '=' || _pool_shown(given) || ': give ' || _pool_prior_form(_pool_prior_name(given))
                || ' with numbers'
        ELSE role || '=' || _pool_shown(given) || ': give '
            || _pool_wrong_numbers(_pool_prior_name(given), _pool_prior_numbers(given))
    END;

CREATE OR REPLACE MACRO _pool_wrong_prior(role, given) AS
    CASE
        WHEN role = 'sigma2' THEN 'sigma2=' || _pool_shown(given) || ' is integrated out in Python alone; give a '
            || 'number of 0 or more, or one of ' || _pool_listed(pool_method_names('sigma2'))
        ELSE _pool_wrong_prior_of(role, _pool_priors_of(role), given)
    END;

CREATE OR REPLACE MACRO _pool_wrong_hyperparameter(role, given, least, wanted) AS
    CASE
        WHEN _pool_may_be_prior(role, given) THEN _pool_wrong_prior(role, given)
        WHEN NOT (list_contains(pool_method_names(role), _pool_name(given)) OR _pool_is_number(given, least))
        THEN role || '=' || _pool_shown(given) || '; give ' || wanted || ', or one of '
            || _pool_listed(pool_method_names(role)) || _pool_nearest(_pool_name(given), pool_method_names(role))
    END;

CREATE OR REPLACE MACRO _pool_wrong_level(given) AS
    CASE WHEN NOT (_pool_is_number(given, 0) AND _pool_number(given) > 0 AND _pool_number(given) < 1)
        THEN 'level=' || _pool_shown(given) || '; give a number between 0 and 1, such as 0.95'
            || CASE WHEN _pool_number(given) > 1 AND _pool_number(given) < 100
                THEN '; did you mean ' || format('{:g}', _pool_number(given) / 100) || '?' ELSE '' END
    END;

CREATE OR REPLACE MACRO _pool_wrong_threshold(given) AS
    CASE
        WHEN _pool_absent(given) OR _pool_is_number(given, '-infinity'::DOUBLE) THEN NULL
        ELSE 'threshold=' || _pool_shown(given) || '; give a '
            || CASE WHEN typeof(given) <> 'BOOLEAN' AND _pool_number(given) IS NOT NULL THEN 'finite ' ELSE '' END
            || 'number, in units of the value'
    END;

CREATE OR REPLACE MACRO _pool_numeric(type) AS
    regexp_full_match(type,
        'U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|BOOLEAN|BIGNUM|"NULL"');

-- What is wrong with columns of numbers, described in the order of their roles: the first that is several or no number.
CREATE OR REPLACE MACRO _pool_wrong_type(roles, described) AS
    list_transform(
        list_filter(list_zip(roles, described), lambda c: len(c[2].names) > 1 OR NOT _pool_numeric(c[2].types[1])),
        lambda c: CASE
            WHEN len(c[2].names) > 1 THEN c[1] || ' stands for ' || len(c[2].names) || ' columns, '
                || _pool_listed(c[2].names) || '; give one'
            ELSE c[1] || '=''' || c[2].names[1] || ''' is ' || c[2].types[1]
                || '; give a column of numbers or Booleans'
        END
    )[1];

-- ---- arguments that are expressions ---------------------------------------------------------------------------------
--
-- Every public macro reads its table as _pool_table, so that no other macro stands around the text of a view (DuckDB 2
-- refuses a macro inside itself), and its _pool_schema. DuckDB 1 has no such rule, but loses NOT MATERIALIZED in files:
-- there macros read the table itself, not a copy in memory.
CREATE OR REPLACE MACRO _pool_read(tbl) AS
    CASE
        WHEN version() NOT LIKE 'v1.%' THEN ['_pool_table']
        WHEN typeof(tbl) = 'VARCHAR' THEN [tbl::VARCHAR]
        ELSE string_split(regexp_replace(tbl::VARCHAR, '^\[|\]$', '', 'g'), ', ')
    END;

-- Whether the text of an expression names no column: literals, functions, types and signs are all there is.
CREATE OR REPLACE MACRO _pool_reads_nothing(expression) AS
    NOT regexp_matches(
        regexp_replace(expression, '''([^'']|'''')*''|[\w."]+\(| AS "?[A-Z][\w "]*(\([\d, ]*\))?(\[\d*\])*\)|\$\w+'
            || '|\b\d[\w.]*|\btrue\b|\bfalse\b', '', 'g'),
        '[[:alpha:]_"]|[^\x00-\x7F]');

-- The type of a column that an argument stands for, and whether it is known where all columns of the table are null.
CREATE OR REPLACE MACRO _pool_column(argument) AS {type: typeof(argument), known: argument IS NOT NULL};

-- Columns between nulls as one list for each null: the columns that follow it.
CREATE OR REPLACE MACRO _pool_split(columns) AS
    list_transform(
        list_filter(range(1, len(columns) + 1), lambda i: columns[i] IS NULL),
        lambda i: columns[i + 1:i + coalesce(list_position(columns[i + 1:], NULL), len(columns) + 1) - 1]
    );

-- One row: of each argument the names and types of the columns that it stands for, and the first that reads no column
-- of the table. Names are the keys of rows; the rest comes as columns of one relation, a null before each argument's.
CREATE OR REPLACE MACRO _pool_described(of_names, arguments) AS TABLE
    SELECT list_transform(list_zip(names, _pool_split(columns)), lambda argument: {
            names: argument[1],
            types: list_transform(argument[2], lambda c: c.type),
            constant: list_filter(list_zip(argument[1], argument[2]),
                lambda c: c[2].known AND _pool_reads_nothing(c[1]))[1][1]
        }) AS described
    FROM query_table(of_names), (SELECT [*COLUMNS(*)] AS columns FROM query_table(arguments));

-- Names as an argument of a macro: one column, or several by name.
CREATE OR REPLACE MACRO _pool_as_argument(names) AS
    CASE
        WHEN len(names) > 1 THEN 'COLUMNS([' || _pool_listed(names) || '])'
        WHEN regexp_full_match(names[1], '[A-Za-z_]\w*') THEN names[1]
        ELSE '"' || replace(names[1], '"', '""') || '"'
    END;

-- The texts in an expression, and what is wrong with keys that read no column.
CREATE OR REPLACE MACRO _pool_texts(expression) AS
    list_transform(regexp_extract_all(expression, '''(([^'']|'''')*)''', 1), lambda t: replace(t, '''''', ''''));
CREATE OR REPLACE MACRO _pool_wrong_constant(over, "by", columns) AS
    list_transform(
        list_filter(
            [{role: 'over', constant: over, texts: _pool_texts(over)},
                {role: 'by', constant: "by", texts: _pool_texts("by")}],
            lambda key: key.constant IS NOT NULL),
        lambda key: key.role || '=' || regexp_replace(key.constant, '^(main\.)?list_value\((.*)\)$', '[\2]')
            || ' reads no column, so it is the same in every row; '
            || CASE WHEN len(key.texts) > 0 AND list_has_all(columns, key.texts)
                THEN 'did you mean ' || _pool_as_argument(key.texts) || '?'
                ELSE 'give a column, or several as COLUMNS([...]) of their names' END
    )[1];

-- What is wrong with an argument that follows the keys without a name, and what was meant.
CREATE OR REPLACE MACRO _pool_wrong_unnamed(keys, unnamed, constant, columns) AS
    'the argument ' || array_to_string(unnamed, ', ') || ' after the keys has no name; '
        || CASE
            WHEN constant IS NOT NULL THEN 'give it one, as in level := 0.9'
            WHEN NOT list_has_all(columns, list_concat(keys, unnamed))
                THEN 'several keys are COLUMNS([...]) of their names, expressions among them named in a CTE before: '
                    || 'WITH named AS (SELECT *, ... AS name FROM ...)'
            ELSE array_to_string(list_transform(
                [{before: 'give several keys as ', names: list_concat(keys, unnamed)},
                    {before: 'the keys of models as over := ', names: unnamed}],
                lambda meant: meant.before || _pool_as_argument(meant.names)), ', ')
        END;

-- One row of nulls with the columns of a table: expressions on it have names and types, and nothing is read.
CREATE OR REPLACE MACRO _pool_schema_of(tbl) AS TABLE
    SELECT * EXCLUDE (_pool_one) FROM (SELECT 1 AS _pool_one) LEFT JOIN query_table(tbl) ON false;

-- The first name that the macros have a use for themselves: NULL is the name of a key that is not given. Names have no
-- case where they stand beside it, as they do with over := NULL.
CREATE OR REPLACE MACRO _pool_first_private(names, beside_null) AS
    list_filter(names, lambda name:
        starts_with(name, '_pool_') OR name = 'NULL' OR beside_null AND upper(name) = 'NULL')[1];

-- What is wrong with the names of keys: those given by over and by, and those that the result has already.
CREATE OR REPLACE MACRO _pool_wrong_names(over, keys, beside_null, taken, result) AS
    coalesce(
        'the key ''' || _pool_first_private(list_concat(over, keys), beside_null)
            || ''' bears a private name; rename it first',
        'the key ''' || list_intersect(over, keys)[1] || ''' is given twice; over=[' || _pool_listed(over)
            || '] and by=[' || _pool_listed(keys) || '] must differ',
        'the key ''' || list_filter(taken, lambda key: list_contains(result, lower(key)))[1]
            || ''' bears the name of a result column (' || _pool_listed(result) || '); rename it first'
    );

-- One row: the arguments as described, whether there is one model, and what is wrong with the keys, from the relations
-- of the arguments, whose first are by, over and what follows the keys without a name.
CREATE OR REPLACE MACRO _pool_keys_of(schema, of_names, arguments, by_is_shown, result) AS TABLE
    WITH named AS (
        SELECT described, described[1].names AS by_names, described[2].types = ['"NULL"'] AS beside_null,
            _pool_absent_type(described[2].types[1]) AS no_over,
            CASE WHEN no_over THEN []::VARCHAR[] ELSE described[2].names END AS over_names, columns
        FROM _pool_described(of_names, arguments),
            (SELECT struct_keys(_pool_row) AS columns FROM query_table(schema) AS _pool_row)
    )
    SELECT described, no_over, coalesce(
        CASE WHEN described[3].types <> ['"NULL"']
            THEN _pool_wrong_unnamed(by_names, described[3].names, described[3].constant, columns) END,
        _pool_wrong_names(over_names, by_names, beside_null,
            CASE WHEN by_is_shown THEN list_concat(over_names, by_names) ELSE over_names END, result),
        _pool_wrong_constant(CASE WHEN NOT no_over THEN described[2].constant END, described[1].constant, columns)
    ) AS wrong_keys
    FROM named;

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
        WHEN NOT list_contains(['normal', 'robust', 'central', 'shortest'], "interval"::VARCHAR)
            THEN _pool_wrong_name('interval', "interval", ['normal', 'robust', 'central', 'shortest'])
        WHEN _pool_integrates(tau2, mu) AND "interval" IN ('normal', 'robust')
            THEN 'interval=' || _pool_shown("interval")
                || ' does not go with a prior: give ''central'' or ''shortest'''
        WHEN NOT _pool_integrates(tau2, mu) AND "interval" IN ('central', 'shortest')
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
        ELSE _pool_wrong_name('predict', predict, ['mean', 'row', 'replicate'])
    END;

-- Whether names and numbers are right and fit any input, so that no sentence about them needs to be planned.
CREATE OR REPLACE MACRO _pool_usual(sigma2, tau2, mu, nan, level, uncertainty, "interval", predict, threshold) AS
    _pool_name(sigma2) = 'pooled' AND _pool_name(tau2) IN ('reml', 'ml', 'dl', 'pm') AND _pool_name(mu) = 'gls'
    AND nan IN ('error', 'null') AND _pool_wrong_level(level) IS NULL AND uncertainty IN ('mu', 'conditional')
    AND coalesce("interval", 'normal') IN ('normal', 'robust') AND predict = 'mean' AND _pool_absent(threshold);

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
            _pool_wrong_name('nan', nan, ['error', 'null']),
            _pool_misfit(has_n, has_se, has_weights, sigma2, tau2, mu),
            _pool_wrong_interval(tau2, mu, "interval"),
            _pool_wrong_level(level),
            _pool_wrong_name('uncertainty', uncertainty, ['mu', 'conditional', 'tau2']),
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

-- That a table whose columns all come back has none of a name yet and no private one, or an error.
CREATE OR REPLACE MACRO _pool_free(columns, name) AS
    CASE
        WHEN list_contains(list_transform(columns, lambda c: lower(c)), name)
            THEN error('the table has a column ''' || name || ''' already; rename it first')
        WHEN len(list_filter(columns, lambda c: starts_with(c, '_pool_'))) > 0
            THEN error('the column ''' || list_filter(columns, lambda c: starts_with(c, '_pool_'))[1]
                || ''' of the table begins with ''_pool_'', as private names do; rename it')
        ELSE true
    END;

-- What the data hold that they must not: the sentence for a number of rows.
CREATE OR REPLACE MACRO _pool_bad_rows(role, name, bad, rule) AS
    CASE WHEN bad > 0 THEN role || '=''' || name || ''' is '
        || CASE WHEN role = 'se' THEN 'null, NaN or negative' ELSE 'null, NaN, negative or infinite' END || ' in '
        || CASE WHEN bad = 1 THEN '1 row' ELSE format('{:,} rows', bad::BIGINT) END || ': ' || rule END;

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

-- Whether two keys of models are equal. Without `over` there is one model, and the planner has nothing to join on.
CREATE OR REPLACE MACRO _pool_same(model, other) AS
    typeof(model) IN ('STRUCT(_pool_over "NULL")', 'STRUCT(_pool_over STRUCT(_pool_absent BOOLEAN))')
        OR model IS NOT DISTINCT FROM other;
