{#- The variances of two nested levels, one row per model and level: pool_components_nested. Named arguments: over, n, var,
    se, weights, sigma2, tau2, tau2_outer, tau2_inner, nan, level, where. -#}
{% macro components_nested(relation, value, outer, inner) -%}
    {{ polars_pool.call_macro('components_nested', relation, [value, outer, inner], kwargs) }}
{%- endmacro %}
