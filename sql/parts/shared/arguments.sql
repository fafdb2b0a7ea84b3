-- ---------------------------------------------------------------------------------------------------------------------
-- Arguments that are numbers or names, and the messages about wrong ones: from names and types, never from data.
-- ---------------------------------------------------------------------------------------------------------------------

-- Whether an argument was left out: it is NULL, or the default of `over`, whose name no key can have.
CREATE OR REPLACE MACRO _pool_absent_type(type) AS type IN ('"NULL"', 'STRUCT(_pool_absent BOOLEAN)');
CREATE OR REPLACE MACRO _pool_absent(x) AS _pool_absent_type(typeof(x));

-- A hyperparameter as the number or the name that is given.
CREATE OR REPLACE MACRO _pool_number(x) AS CASE WHEN typeof(x) <> 'VARCHAR' THEN TRY_CAST(x AS DOUBLE) END;
CREATE OR REPLACE MACRO _pool_name(x) AS CASE WHEN typeof(x) = 'VARCHAR' THEN x::VARCHAR ELSE '' END;

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
        THEN _pool_message_one_of(role, _pool_shown(given), _pool_listed(names), _pool_nearest(given::VARCHAR, names))
    END;

CREATE OR REPLACE MACRO _pool_wrong_level(given) AS
    CASE WHEN NOT (_pool_is_number(given, 0) AND _pool_number(given) > 0 AND _pool_number(given) < 1)
        THEN _pool_message_level(_pool_shown(given), CASE WHEN _pool_number(given) > 1 AND _pool_number(given) < 100
            THEN '; did you mean ' || format('{:g}', _pool_number(given) / 100) || '?' ELSE '' END)
    END;

CREATE OR REPLACE MACRO _pool_wrong_threshold(given) AS
    CASE
        WHEN _pool_absent(given) OR _pool_is_number(given, '-infinity'::DOUBLE) THEN NULL
        ELSE _pool_message_threshold(_pool_shown(given),
            CASE WHEN typeof(given) <> 'BOOLEAN' AND _pool_number(given) IS NOT NULL THEN 'a finite number'
                ELSE 'a number' END)
    END;

CREATE OR REPLACE MACRO _pool_wrong_flag(role, given) AS
    CASE WHEN typeof(given) <> 'BOOLEAN' OR given IS NULL
        THEN role || '=' || _pool_shown(given) || '; give true or false' END;

-- The level, or NULL where it is wrong, which is said elsewhere.
CREATE OR REPLACE MACRO _pool_proper_level(level) AS
    CASE WHEN _pool_wrong_level(level) IS NULL THEN _pool_number(level) END;

-- One row: the normal quantile of an interval, read from the one branch of AS 241 that is needed.
CREATE OR REPLACE MACRO _pool_quantile_of(level) AS TABLE
    WITH _pool_upper AS (
        SELECT CASE WHEN _pool_wrong_level(level) IS NULL THEN (1 + _pool_number(level)) / 2 END AS p,
            sqrt(-ln(1 - p)) AS r
    ),
    centre AS (
        SELECT pool_normal_quantile_centre(p - 0.5, 0.180625 - (p - 0.5) * (p - 0.5)) AS _pool_quantile
        FROM _pool_upper
    ),
    tail AS (SELECT pool_normal_quantile_tail(r) AS _pool_quantile FROM _pool_upper)
    FROM query_table(CASE WHEN _pool_number(level) <= 0.85 THEN 'centre' ELSE 'tail' END);

CREATE OR REPLACE MACRO _pool_numeric(type) AS
    regexp_full_match(type,
        'U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|BOOLEAN|BIGNUM|"NULL"');

-- What is wrong with columns of numbers, described in the order of their roles: the first that is several or no number.
CREATE OR REPLACE MACRO _pool_wrong_type(roles, described) AS
    list_transform(
        list_filter(list_zip(roles, described), lambda c: len(c[2].names) > 1 OR NOT _pool_numeric(c[2].types[1])),
        lambda c: CASE
            WHEN len(c[2].names) > 1
                THEN _pool_message_several_columns(c[1], len(c[2].names), _pool_listed(c[2].names))
            ELSE _pool_message_no_numbers(c[1], '''' || c[2].names[1] || '''', c[2].types[1])
        END
    )[1];
