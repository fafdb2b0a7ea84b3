{#- The coefficients of a predictor of groups, one row per model and term: pool_coefficients. Named arguments: over, n,
    var, se, weights, sigma2, tau2, nan, level, test, where. -#}
{% macro coefficients(relation, value, by, toward) -%}
    {{ polars_pool.call_macro('coefficients', relation, [value, by, toward], kwargs) }}
{%- endmacro %}
