-- ---------------------------------------------------------------------------------------------------------------------
-- Priors that are written as text: their names and numbers, and the messages about wrong ones.
-- ---------------------------------------------------------------------------------------------------------------------

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
