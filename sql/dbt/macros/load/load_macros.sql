{#-
    Loads the DuckDB macros of polars-pool into the target database, unless it has them already.

    The macro _pool_digest, which is created last, holds the digest of the SQL text that was loaded. Another version of
    this package has another text and so loads it again.

    force: true loads the macros in any case, for example after a script has replaced some of them.
-#}
{% macro load_macros(force=false) %}
    {%- if execute -%}
        {%- if target.type != 'duckdb' -%}
            {{ exceptions.raise_compiler_error(
                "polars_pool needs the adapter duckdb, but the target has " ~ target.type
                ~ "; use a target of dbt-duckdb, or set the variable polars_pool_load to false"
            ) }}
        {%- endif -%}
        {%- set text = polars_pool.pool_sql() -%}
        {%- set digest = local_md5(text) -%}
        {%- if force or not polars_pool.has_macros(digest) -%}
            {%- do run_query(text ~ "CREATE OR REPLACE MACRO _pool_digest() AS '" ~ digest ~ "'") -%}
            {%- do log("polars_pool: loaded the DuckDB macros", info=true) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
