{#- A relation or its name as it is; the path of files in quotes. -#}
{% macro as_relation(relation) -%}
    {%- if relation is string and modules.re.search('[/*]|[.](parquet|csv|json)$', relation) -%}
        {{ polars_pool.as_literal(relation) }}
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}
