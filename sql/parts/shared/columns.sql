-- ---------------------------------------------------------------------------------------------------------------------
-- Arguments that are expressions: the names and types of the columns that they stand for.
--
-- Every public macro reads its table through the CTE _pool_table, and its schema through the CTE _pool_schema. The text
-- of a view is then bound outside of all other macros: DuckDB 2 refuses a macro inside itself. DuckDB 1 has no such
-- rule, but a database file loses its NOT MATERIALIZED. There macros read the table itself, and no copy is held in
-- memory.
-- ---------------------------------------------------------------------------------------------------------------------

-- The table of an argument, as a relation.
CREATE OR REPLACE MACRO _pool_read(tbl) AS
    CASE
        WHEN version() NOT LIKE 'v1.%' THEN ['_pool_table']
        WHEN typeof(tbl) = 'VARCHAR' THEN [tbl::VARCHAR]
        ELSE string_split(regexp_replace(tbl::VARCHAR, '^\[|\]$', '', 'g'), ', ')
    END;

-- Whether the text of an expression names no column, but only literals, functions, types and signs.
CREATE OR REPLACE MACRO _pool_reads_nothing(expression) AS
    NOT regexp_matches(
        regexp_replace(expression, '''([^'']|'''')*''|[\w."]+\(| AS "?[A-Z][\w "]*(\([\d, ]*\))?(\[\d*\])*\)|\$\w+'
            || '|\b\d[\w.]*|\b(?i:true|false|over|select|current_(date|time|timestamp)|localtime(stamp)?)\b', '', 'g'),
        '[[:alpha:]_"]|[^\x00-\x7F]');

-- The type of an argument's column, and whether its value is not null on a row of nulls: then it reads no column.
CREATE OR REPLACE MACRO _pool_column(argument) AS {type: typeof(argument), known: argument IS NOT NULL};

-- Columns between nulls as one list for each null: the columns that follow it.
CREATE OR REPLACE MACRO _pool_split(columns) AS
    list_transform(
        list_filter(range(1, len(columns) + 1), lambda i: columns[i] IS NULL),
        lambda i: columns[i + 1:i + coalesce(list_position(columns[i + 1:], NULL), len(columns) + 1) - 1]
    );

-- The name of the first column of a described argument that reads no column of the table.
CREATE OR REPLACE MACRO _pool_constant(described) AS
    list_filter(list_zip(described.names, described.known), lambda c: c[2] AND _pool_reads_nothing(c[1]))[1][1];

-- One row: for each argument the names and types of its columns, and whether each is known without reading. `of_names`
-- holds the names; `arguments` has the columns of all arguments, with a null column before each argument.
CREATE OR REPLACE MACRO _pool_described(of_names, arguments) AS TABLE
    SELECT list_transform(list_zip(names, _pool_split(columns)), lambda argument: {
            names: argument[1],
            types: list_transform(argument[2], lambda _c: _c.type),
            known: list_transform(argument[2], lambda _c: _c.known)
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

-- Whether a column is a key: a key of groups under its own name, or one of models or of nested levels under its private
-- name.
CREATE OR REPLACE MACRO _pool_is_key(name) AS
    NOT starts_with(name, '_pool_') OR starts_with(name, '_pool_over') OR starts_with(name, '_pool_key_');

-- Whether a column is a key under its own name, and not an absent `over`.
CREATE OR REPLACE MACRO _pool_is_shown(name) AS
    NOT (starts_with(name, '_pool_') OR contains(name, '_pool_absent') OR name = 'NULL');

-- True, or an error: a result that keeps all columns of a table needs a free name for its own, and no private names.
CREATE OR REPLACE MACRO _pool_free(columns, name) AS
    CASE
        WHEN list_contains(list_transform(columns, lambda c: lower(c)), name)
            THEN error('the table has a column ''' || name || ''' already; rename it first')
        WHEN len(list_filter(columns, lambda c: starts_with(c, '_pool_'))) > 0
            THEN error('the column ''' || list_filter(columns, lambda c: starts_with(c, '_pool_'))[1]
                || ''' of the table begins with ''_pool_'', as private names do; rename it')
        ELSE true
    END;
