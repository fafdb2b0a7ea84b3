{#- Stored moments merged, one row per group: pool_merge. Named arguments: where. -#}
{% macro merge(relation, by) -%}
    {{ polars_pool.call_macro('merge', relation, [by], kwargs) }}
{%- endmacro %}
