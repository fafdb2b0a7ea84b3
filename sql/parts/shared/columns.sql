-- ---------------------------------------------------------------------------------------------------------------------
-- Arguments that are expressions: the names and types of the columns that they stand for.
--
-- Every public macro reads its table as _pool_table, so that no other macro stands around the text of a view (DuckDB 2
-- refuses a macro inside itself), and reads its schema as _pool_schema. DuckDB 1 has no such rule, but it loses NOT
-- MATERIALIZED in database files: there macros read the table itself, not a copy in memory.
-- ---------------------------------------------------------------------------------------------------------------------

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

-- One row of nulls with the columns of a table: expressions on it have names and types, and nothing is read.
CREATE OR REPLACE MACRO _pool_schema_of(tbl) AS TABLE
    SELECT * EXCLUDE (_pool_one) FROM (SELECT 1 AS _pool_one) LEFT JOIN query_table(tbl) ON false;

-- Whether a column is a key: a group's under its own name, or a model's under its private one.
CREATE OR REPLACE MACRO _pool_is_key(name) AS NOT starts_with(name, '_pool_') OR starts_with(name, '_pool_over');

-- Whether a column is a key under its own name, and not an absent `over`.
CREATE OR REPLACE MACRO _pool_is_shown(name) AS
    NOT (starts_with(name, '_pool_') OR contains(name, '_pool_absent') OR name = 'NULL');

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
