{#- One column or expression as it is; the names of several columns, a list, as COLUMNS([...]). -#}
{% macro as_columns(columns) -%}
    {%- if columns is string -%}
        {{ polars_pool.one_column(columns) }}
    {%- elif columns is number -%}
        {{ columns }}
    {%- else -%}
        COLUMNS([{% for column in columns %}{{ polars_pool.as_literal(column) }}{{ ', ' if not loop.last }}{% endfor %}])
    {%- endif -%}
{%- endmacro %}
