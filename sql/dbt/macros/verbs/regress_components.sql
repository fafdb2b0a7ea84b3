{#- The variances and coefficients of the regression, one row per model: pool_regress_components. Named arguments:
    over, weights, method, level, nan, where. -#}
{% macro regress_components(relation, value, x, by) -%}
    {{ polars_pool.call_macro('regress_components', relation, [value, x, by], kwargs) }}
{%- endmacro %}
