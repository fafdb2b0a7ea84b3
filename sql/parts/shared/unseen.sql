-- ---------------------------------------------------------------------------------------------------------------------
-- Groups without rows: the keys of another table that are not among the groups.
-- ---------------------------------------------------------------------------------------------------------------------

-- Whether the types of keys are equal, or there is one that holds the values of both: a wider integer, or text.
CREATE OR REPLACE MACRO _pool_both(type, other, kind) AS
    regexp_full_match(type, kind) AND regexp_full_match(other, kind);
CREATE OR REPLACE MACRO _pool_one_type(types, others) AS
    len(types) = len(others) AND len(list_filter(list_zip(types, others), lambda pair: NOT (
        pair[1] = pair[2]
        OR _pool_both(pair[1], pair[2], '(TINY|SMALL|BIG)INT|INTEGER|U(TINY|SMALL)INT|UINTEGER')
        OR _pool_both(pair[1], pair[2], 'U(TINY|SMALL|BIG)INT|UINTEGER')
        OR _pool_both(pair[1], pair[2], 'VARCHAR|(?s)ENUM\(.*\)')
    ))) = 0;

-- The keys of another table that are not among the groups.
CREATE OR REPLACE MACRO _pool_unseen_keys(tbl, "by", over, seen) AS TABLE
    WITH _pool_new AS (SELECT DISTINCT over, "by", over AS _pool_over FROM query_table(tbl)),
    _pool_left AS (
        SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM (SELECT 1 AS _pool_one) LEFT JOIN _pool_new ON false
    ),
    _pool_right AS (
        SELECT COLUMNS(lambda c: _pool_is_shown(c)) FROM (SELECT 1 AS _pool_one) LEFT JOIN query_table(seen) ON false
    ),
    _pool_same_types AS (
        SELECT CASE WHEN _pool_one_type(of_left.types, of_right.types) THEN true ELSE error('the keys are '
            || left_type || ' in groups= and ' || right_type || ' in the table; cast one of them') END AS same_types
        FROM (SELECT [*COLUMNS(*)] AS types FROM (SELECT typeof(COLUMNS(*)) FROM _pool_left)) AS of_left,
            (SELECT [*COLUMNS(*)] AS types FROM (SELECT typeof(COLUMNS(*)) FROM _pool_right)) AS of_right,
            (SELECT typeof(_pool_left) AS left_type FROM _pool_left),
            (SELECT typeof(_pool_right) AS right_type FROM _pool_right)
    )
    SELECT * EXCLUDE (_pool_key), struct_pack(*COLUMNS('^_pool_over')) AS _pool_model
    FROM (SELECT *, struct_pack(*COLUMNS(lambda c: _pool_is_shown(c))) AS _pool_key FROM _pool_new) AS _pool_new
    ANTI JOIN (
        SELECT struct_pack(*COLUMNS(lambda c: _pool_is_shown(c))) AS _pool_key FROM query_table(seen)
    ) AS _pool_old ON _pool_new._pool_key IS NOT DISTINCT FROM _pool_old._pool_key
    WHERE (SELECT same_types FROM _pool_same_types);
