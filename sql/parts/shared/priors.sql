-- ---------------------------------------------------------------------------------------------------------------------
-- Priors that are written as text: their names and numbers, and the messages about wrong ones.
-- ---------------------------------------------------------------------------------------------------------------------

-- From the text of a prior: its name, its numbers with defaults for missing ones, and whether tau or mu is integrated
-- out.
CREATE OR REPLACE MACRO _pool_prior_name(x) AS regexp_extract(_pool_name(x), '^\s*(\w+)\s*(\(.*\))?\s*$', 1);
CREATE OR REPLACE MACRO _pool_prior_pieces(x) AS
    CASE WHEN regexp_matches(_pool_name(x), '^[^(]*\(\s*[^\s].*\)\s*$')
        THEN list_transform(
            string_split(regexp_extract(_pool_name(x), '\((.*)\)\s*$', 1), ','), lambda piece: trim(piece))
        ELSE []::VARCHAR[] END;
CREATE OR REPLACE MACRO _pool_prior_numbers(x) AS
    list_concat(
        list_transform(_pool_prior_pieces(x), lambda piece: TRY_CAST(piece AS DOUBLE)),
        _pool_prior_defaults(_pool_prior_name(x))[len(_pool_prior_pieces(x)) + 1:]);
CREATE OR REPLACE MACRO _pool_is_tau_prior(x) AS list_contains(_pool_priors_of('tau2'), _pool_prior_name(x));
CREATE OR REPLACE MACRO _pool_integrates(tau2, mu) AS _pool_is_tau_prior(tau2) OR _pool_prior_name(mu) = 'normal';

-- How a prior is written as text, whether a text is meant as a prior, and the message about a wrong one.
CREATE OR REPLACE MACRO _pool_prior_form(name) AS
    name || '(' || array_to_string(_pool_prior_arguments(name), ', ') || ')';
CREATE OR REPLACE MACRO _pool_may_be_prior(role, value) AS
    list_contains(_pool_priors_of(role), _pool_prior_name(value))
        OR role <> 'sigma2' AND contains(_pool_name(value), '(')
        OR role = 'sigma2' AND _pool_is_tau_prior(value);

-- Whether a value is a prior of tau with all its numbers, and these are right. DuckDB computes this while it plans,
-- where a field of a struct would be read as a text.
CREATE OR REPLACE MACRO _pool_is_right_prior(value) AS
    list_transform([_pool_prior_name(value)], lambda prior: list_transform([_pool_prior_numbers(value)],
        lambda numbers: list_contains(_pool_priors_of('tau2'), prior)
            AND len(numbers) = len(_pool_prior_arguments(prior))
            AND len(list_filter(numbers, lambda number: number IS NULL)) = 0
            AND _pool_wrong_number(prior, numbers) IS NULL
    )[1])[1];

CREATE OR REPLACE MACRO _pool_wrong_prior_of(role, priors, value) AS
    list_transform([{name: _pool_prior_name(value), numbers: _pool_prior_numbers(value)}], lambda _prior:
        CASE
            WHEN NOT list_contains(priors, _prior.name)
                THEN _pool_message_no_prior(role, _pool_shown(value),
                    array_to_string(list_transform(priors, lambda name: _pool_prior_form(name)), ', '),
                    _pool_nearest(trim(split_part(_pool_name(value), '(', 1)), priors))
            WHEN list_contains(list_transform(_prior.numbers, lambda x: x IS NULL), true)
                OR len(_prior.numbers) <> len(_pool_prior_arguments(_prior.name))
                THEN _pool_message_wrong_prior(
                    role, _pool_shown(value), _pool_prior_form(_prior.name) || ' with numbers')
            ELSE _pool_message_wrong_prior(role, _pool_shown(value), _pool_wrong_number(_prior.name, _prior.numbers))
        END
    )[1];

CREATE OR REPLACE MACRO _pool_wrong_prior(role, value) AS
    CASE
        WHEN role = 'sigma2' THEN 'sigma2=' || _pool_shown(value) || ' is integrated out in Python alone; give a '
            || 'number of 0 or more, or one of ' || _pool_listed(pool_method_names('sigma2'))
        ELSE _pool_wrong_prior_of(role, _pool_priors_of(role), value)
    END;

CREATE OR REPLACE MACRO _pool_wrong_hyperparameter(role, value, least, number) AS
    CASE
        WHEN _pool_may_be_prior(role, value) THEN _pool_wrong_prior(role, value)
        WHEN NOT (list_contains(pool_method_names(role), _pool_name(value)) OR _pool_is_number(value, least))
        THEN _pool_message_number_or_one_of(role, _pool_shown(value), number, _pool_listed(pool_method_names(role)),
            _pool_nearest(_pool_name(value), pool_method_names(role)))
    END;
