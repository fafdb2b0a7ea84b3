{#- The partially pooled regression with one covariate, one row per group and term: pool_regress. Named arguments:
    over, weights, method, level, nan, where. -#}
{% macro regress(relation, value, x, by) -%}
    {{ polars_pool.call_macro('regress', relation, [value, x, by], kwargs) }}
{%- endmacro %}
