{#- The gamma distribution of the rates of groups, one row per model: pool_components_counts. Named arguments:
    over, prior, nan, where. -#}
{% macro components_counts(relation, value, exposure, by) -%}
    {{ polars_pool.call_macro('components_counts', relation, [value, exposure, by], kwargs) }}
{%- endmacro %}
