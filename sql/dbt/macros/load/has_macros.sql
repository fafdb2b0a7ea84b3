{#- Whether the current schema of the target database has the macros that were loaded from the text with this digest. -#}
{% macro has_macros(digest) %}
    {%- set rows = run_query(
        "SELECT count(*) AS macros FROM duckdb_functions() WHERE function_name = '_pool_digest'"
        ~ " AND database_name = current_database() AND schema_name = current_schema()"
        ~ " AND macro_definition = '''" ~ digest ~ "'''"
    ) -%}
    {{ return(rows.columns[0].values()[0] > 0) }}
{% endmacro %}
