{#- The coefficients of the regression, one row per model and term: pool_regress_coefficients. Named arguments: over,
    weights, method, level, nan, where. -#}
{% macro regress_coefficients(relation, value, x, by) -%}
    {{ polars_pool.call_macro('regress_coefficients', relation, [value, x, by], kwargs) }}
{%- endmacro %}
