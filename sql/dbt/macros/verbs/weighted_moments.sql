{#- The count, mean, sample variance and total weight of every group, of rows with precision weights:
    pool_weighted_moments. Named arguments: n, var, nan, where. -#}
{% macro weighted_moments(relation, value, by, weights) -%}
    {{ polars_pool.call_macro('weighted_moments', relation, [value, by, weights], kwargs) }}
{%- endmacro %}
