{#- Stored moments with weights merged, one row per group: pool_weighted_merge. Named arguments: where. -#}
{% macro weighted_merge(relation, by) -%}
    {{ polars_pool.call_macro('weighted_merge', relation, [by], kwargs) }}
{%- endmacro %}
