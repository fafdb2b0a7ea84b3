{#- The partially pooled mean of every group of two nested levels: pool_shrink_nested. Named arguments: over, n, var, se,
    weights, sigma2, tau2, tau2_outer, tau2_inner, at, nan, level, uncertainty, predict, threshold, where. -#}
{% macro shrink_nested(relation, value, outer, inner) -%}
    {{ polars_pool.call_macro('shrink_nested', relation, [value, outer, inner], kwargs) }}
{%- endmacro %}
