{#- The partially pooled mean of every group, one row per group: pool_shrink. Named arguments: over, n, var, se,
    weights, sigma2, tau2, mu, nan, level, uncertainty, interval, predict, threshold, groups, where. -#}
{% macro shrink(relation, value, by) -%}
    {{ polars_pool.call_macro('shrink', relation, [value, by], kwargs) }}
{%- endmacro %}
