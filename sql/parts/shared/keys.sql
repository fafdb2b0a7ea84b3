-- ---------------------------------------------------------------------------------------------------------------------
-- Keys of groups and models: messages about wrong ones, and the equality of two keys.
-- ---------------------------------------------------------------------------------------------------------------------

-- The texts in an expression, and the message about keys that read no column.
CREATE OR REPLACE MACRO _pool_texts(expression) AS
    list_transform(regexp_extract_all(expression, '''(([^'']|'''')*)''', 1), lambda t: replace(t, '''''', ''''));
CREATE OR REPLACE MACRO _pool_wrong_constant(over, "by", columns) AS
    list_transform(
        list_filter(
            [{role: 'over', constant: over, texts: _pool_texts(over)},
                {role: 'by', constant: "by", texts: _pool_texts("by")}],
            lambda _key: _key.constant IS NOT NULL),
        lambda _key: _key.role || '=' || regexp_replace(_key.constant, '^(main\.)?list_value\((.*)\)$', '[\2]')
            || ' reads no column, so it is the same in every row; '
            || CASE WHEN len(_key.texts) > 0 AND list_has_all(columns, _key.texts)
                THEN 'did you mean ' || _pool_as_argument(_key.texts) || '?'
                ELSE 'give a column, or several as COLUMNS([...]) of their names' END
    )[1];

-- The message about an argument that follows the keys without a name, with a proposal.
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
                lambda _meant: _meant.before || _pool_as_argument(_meant.names)), ', ')
        END;

-- Whether a key has a name that the macros use themselves: a private name, or NULL, the name of a missing key. With
-- over := NULL the name NULL is compared without case.
CREATE OR REPLACE MACRO _pool_is_private(name, beside_null) AS
    starts_with(name, '_pool_') OR name = 'NULL' OR beside_null AND upper(name) = 'NULL';

CREATE OR REPLACE MACRO _pool_message_private(name) AS
    format('the key ''{}'' bears a private name; rename it first', name);
CREATE OR REPLACE MACRO _pool_message_taken(name, result) AS
    _pool_message_key_of_result('''' || name || '''', _pool_listed(result));

-- The message about the names of keys: a private name, a name in both `over` and `by`, or the name of a result column.
CREATE OR REPLACE MACRO _pool_wrong_names(over, keys, beside_null, taken, result) AS
    coalesce(
        _pool_message_private(
            list_filter(list_concat(over, keys), lambda name: _pool_is_private(name, beside_null))[1]),
        _pool_message_key_twice('''' || list_intersect(over, keys)[1] || ''''),
        _pool_message_taken(list_filter(taken, lambda key: list_contains(result, lower(key)))[1], result)
    );

-- One row: the described arguments, whether there is one model, and the message about wrong keys. The first three
-- arguments are by, over, and what follows the keys without a name. Where the keys are columns, without `over`, only
-- their names may be wrong.
CREATE OR REPLACE MACRO _pool_keys_of(
    schema, "by", unnamed, over, of_names, arguments, by_is_shown, result
) AS TABLE
    WITH named AS (
        SELECT described, described[1].names AS by_names, described[2].types = ['"NULL"'] AS beside_null,
            _pool_absent_type(described[2].types[1]) AS no_over,
            CASE WHEN no_over THEN []::VARCHAR[] ELSE described[2].names END AS over_names
        FROM _pool_described(of_names, arguments)
    ),
    with_names AS (
        SELECT *, _pool_wrong_names(over_names, by_names, beside_null,
            CASE WHEN by_is_shown THEN list_concat(over_names, by_names) ELSE over_names END, result) AS wrong_keys
        FROM named
    ),
    with_columns AS (
        SELECT * REPLACE (coalesce(
            CASE WHEN described[3].types <> ['"NULL"'] THEN _pool_wrong_unnamed(
                by_names, described[3].names, _pool_constant(described[3]), columns) END,
            wrong_keys,
            _pool_wrong_constant(
                CASE WHEN NOT no_over THEN _pool_constant(described[2]) END, _pool_constant(described[1]), columns)
        ) AS wrong_keys)
        FROM with_names, (SELECT struct_keys(_pool_row) AS columns FROM query_table(schema) AS _pool_row)
    ),
    of_one_model AS (FROM _pool_by_reading(["by"], 'with_names', 'with_columns'))
    SELECT described, no_over, wrong_keys FROM _pool_by_input([unnamed, over], 'of_one_model', 'with_columns');

-- One of two relations: `columns` if all keys are columns or expressions on them, else `other`. `over` may be absent.
CREATE OR REPLACE MACRO _pool_by_keys("by", over, columns, other) AS TABLE
    WITH _pool_by_over AS (FROM _pool_by_reading([over], columns, other)),
    _pool_by_both AS (FROM _pool_by_input([over], columns, '_pool_by_over'))
    FROM _pool_by_reading(["by"], '_pool_by_both', other);

-- One row for such keys: whether there is one model, and the message about names.
CREATE OR REPLACE MACRO _pool_usual_keys(schema, "by", over, by_is_shown, result) AS TABLE
    WITH _pool_of_one_model AS (
        SELECT true AS no_over, CASE
                WHEN _pool_wrong IS NULL THEN NULL
                WHEN _pool_is_private(_pool_wrong, typeof(over) = '"NULL"') THEN _pool_message_private(_pool_wrong)
                ELSE _pool_message_taken(_pool_wrong, result)
            END AS wrong_keys
        FROM (
            SELECT list_filter(struct_keys(_pool_of_by), lambda name: _pool_is_private(name, typeof(over) = '"NULL"')
                OR by_is_shown AND list_contains(result, lower(name)))[1] AS _pool_wrong
            FROM (SELECT "by" FROM query_table(schema)) AS _pool_of_by
        )
    ),
    _pool_of_models AS (
        SELECT false AS no_over, _pool_wrong_names(struct_keys(_pool_of_over), struct_keys(_pool_of_by), false,
            list_concat(struct_keys(_pool_of_over), CASE WHEN by_is_shown THEN struct_keys(_pool_of_by) END), result)
            AS wrong_keys
        FROM (SELECT "by" FROM query_table(schema)) AS _pool_of_by,
            (SELECT over FROM query_table(schema)) AS _pool_of_over
    )
    FROM _pool_by_input([over], '_pool_of_one_model', '_pool_of_models');

-- Whether two keys of models are equal. Without `over` there is one model, and the comparison is constant.
CREATE OR REPLACE MACRO _pool_same(model, other) AS
    typeof(model) IN ('STRUCT(_pool_over "NULL")', 'STRUCT(_pool_over STRUCT(_pool_absent BOOLEAN))')
        OR model IS NOT DISTINCT FROM other;
