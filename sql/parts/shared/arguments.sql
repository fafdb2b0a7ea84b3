-- ---------------------------------------------------------------------------------------------------------------------
-- Arguments that are numbers or names, and the messages about wrong ones. They need names and types, never data.
-- ---------------------------------------------------------------------------------------------------------------------

-- Whether an argument was left out: it is NULL, or the default of `over`, whose name no key can have.
CREATE OR REPLACE MACRO _pool_absent_type(type) AS type IN ('"NULL"', 'STRUCT(_pool_absent BOOLEAN)');
CREATE OR REPLACE MACRO _pool_absent(x) AS _pool_absent_type(typeof(x));

-- One of two relations: `plain` if all `inputs`, as in [n, var, se, weights], are absent, else `other`. DuckDB chooses
-- the overload while it binds, and binds no other. A list of absent arguments has the type "NULL"[]. An expression on
-- columns does not bind here: its type is unknown, which fits every type, so that the best fit of the names decides.
-- A database file from before DuckDB 1.4 refuses types of parameters: there the macro reads `other`, which has the same
-- rows but takes longer to plan. Connections that loaded the macros have a temporary macro, which comes first.
CREATE OR REPLACE MACRO _pool_by_input(inputs, plain, other) AS TABLE FROM query_table(other);
CREATE OR REPLACE TEMP MACRO _pool_by_input(inputs "NULL"[], plain, other) AS TABLE (FROM query_table(plain)),
    (inputs STRUCT(_pool_absent BOOLEAN)[], plain, other) AS TABLE (FROM query_table(plain)),
    (inputs INTEGER, plain VARCHAR, other VARCHAR) AS TABLE (FROM query_table(other)),
    (inputs, plain, other) AS TABLE (FROM query_table(other));

-- One of two relations: `reading` if the expression of `inputs`, as in ["by"], reads a column, else `other`.
CREATE OR REPLACE MACRO _pool_by_reading(inputs, reading, other) AS TABLE FROM query_table(other);
CREATE OR REPLACE TEMP MACRO _pool_by_reading(inputs "NULL"[], reading VARCHAR, other VARCHAR) AS TABLE
    (FROM query_table(reading)),
    (inputs, reading, other) AS TABLE (FROM query_table(other));

-- A hyperparameter as a number, and as a name.
CREATE OR REPLACE MACRO _pool_number(x) AS CASE WHEN typeof(x) <> 'VARCHAR' THEN TRY_CAST(x AS DOUBLE) END;
CREATE OR REPLACE MACRO _pool_name(x) AS CASE WHEN typeof(x) = 'VARCHAR' THEN x::VARCHAR ELSE '' END;

CREATE OR REPLACE MACRO _pool_is_number(x, least) AS
    coalesce(typeof(x) <> 'BOOLEAN' AND isfinite(_pool_number(x)) AND _pool_number(x) >= least, false);

CREATE OR REPLACE MACRO _pool_shown(x) AS
    CASE WHEN typeof(x) = 'VARCHAR' THEN '''' || x::VARCHAR || '''' ELSE coalesce(x::VARCHAR, 'NULL') END;

CREATE OR REPLACE MACRO _pool_listed(names) AS
    '''' || array_to_string(names, ''', ''') || '''';

CREATE OR REPLACE MACRO _pool_nearest(argument, names) AS
    coalesce(list_transform(
        list_sort(list_transform(
            list_filter(names,
                lambda name: 2 * damerau_levenshtein(lower(name), lower(argument)) <= length(name || argument) / 2),
            lambda name:
                {distance: damerau_levenshtein(lower(name), lower(argument)), left_out: -length(name), name: name}
        )),
        lambda _near: '; did you mean ''' || _near.name || '''?'
    )[1], '');

-- The message about a wrong name, level, threshold or flag; NULL where the argument is right.
CREATE OR REPLACE MACRO _pool_wrong_name(role, argument, names) AS
    CASE WHEN NOT list_contains(names, argument::VARCHAR)
        THEN _pool_message_one_of(role, _pool_shown(argument), _pool_listed(names),
            _pool_nearest(argument::VARCHAR, names))
    END;

CREATE OR REPLACE MACRO _pool_is_level(argument) AS
    _pool_is_number(argument, 0) AND _pool_number(argument) > 0 AND _pool_number(argument) < 1;

CREATE OR REPLACE MACRO _pool_wrong_level(argument) AS
    CASE WHEN NOT _pool_is_level(argument)
        THEN _pool_message_level(_pool_shown(argument),
            CASE WHEN _pool_number(argument) > 1 AND _pool_number(argument) < 100
                THEN '; did you mean ' || format('{:g}', _pool_number(argument) / 100) || '?' ELSE '' END)
    END;

CREATE OR REPLACE MACRO _pool_wrong_threshold(argument) AS
    CASE
        WHEN _pool_absent(argument) OR _pool_is_number(argument, '-infinity'::DOUBLE) THEN NULL
        ELSE _pool_message_threshold(_pool_shown(argument),
            CASE WHEN typeof(argument) <> 'BOOLEAN' AND _pool_number(argument) IS NOT NULL THEN 'a finite number'
                ELSE 'a number' END)
    END;

CREATE OR REPLACE MACRO _pool_wrong_flag(role, argument) AS
    CASE WHEN typeof(argument) <> 'BOOLEAN' OR argument IS NULL
        THEN role || '=' || _pool_shown(argument) || '; give true or false' END;

-- The level, or NULL where it is wrong: the arguments are checked elsewhere.
CREATE OR REPLACE MACRO _pool_proper_level(level) AS
    CASE WHEN _pool_is_level(level) THEN _pool_number(level) END;

-- One row: the normal quantile of an interval. That of the default level is a number, which takes nothing to plan.
CREATE OR REPLACE MACRO _pool_quantile_of(level) AS TABLE
    WITH of_default AS (SELECT 1.959963984540054e0 AS _pool_quantile),
    of_any_level AS (
        SELECT _pool_normal_quantile_double(p) AS _pool_quantile
        FROM (SELECT CASE WHEN _pool_is_level(level) THEN (1 + _pool_number(level)) / 2 END AS p)
    )
    FROM query_table(CASE WHEN _pool_number(level) = 0.95 THEN 'of_default' ELSE 'of_any_level' END);

CREATE OR REPLACE MACRO _pool_numeric(type) AS
    regexp_full_match(type,
        'U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|BOOLEAN|BIGNUM|"NULL"');

-- The message about the first role that has several columns or a column that is not numeric; NULL where there is none.
CREATE OR REPLACE MACRO _pool_wrong_type(roles, described) AS
    list_transform(
        list_filter(list_zip(roles, described, true),
            lambda c: len(c[2].names) > 1 OR NOT _pool_numeric(c[2].types[1])),
        lambda c: CASE
            WHEN len(c[2].names) > 1
                THEN _pool_message_several_columns(c[1], len(c[2].names), _pool_listed(c[2].names))
            ELSE _pool_message_no_numbers(c[1], '''' || c[2].names[1] || '''', c[2].types[1])
        END
    )[1];

-- The type in a row of one column, whose own type is written as STRUCT(name type).
CREATE OR REPLACE MACRO _pool_type_in(row_type) AS
    regexp_extract(row_type, '(?s)^STRUCT\((?:\w+|"(?:[^"]|"")*") (.*)\)$', 1);

-- The message about a role that has several columns or no numbers, as _pool_wrong_type, from the names
-- and the type of its row.
CREATE OR REPLACE MACRO _pool_wrong_row(role, names, row_type) AS
    CASE
        WHEN len(names) > 1 THEN _pool_message_several_columns(role, len(names), _pool_listed(names))
        WHEN NOT _pool_numeric(_pool_type_in(row_type))
            THEN _pool_message_no_numbers(role, '''' || names[1] || '''', _pool_type_in(row_type))
    END;
