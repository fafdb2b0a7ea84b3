{#- The count, mean and sample variance of every group: pool_moments. Named arguments: n, var, nan, where. -#}
{% macro moments(relation, value, by) -%}
    {{ polars_pool.call_macro('moments', relation, [value, by], kwargs) }}
{%- endmacro %}
