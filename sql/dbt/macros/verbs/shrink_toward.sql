{#- The partially pooled mean of every group, pulled toward what a predictor of the groups says: pool_shrink_toward. Named
    arguments: over, n, var, se, weights, sigma2, tau2, nan, level, uncertainty, predict, threshold, where. -#}
{% macro shrink_toward(relation, value, by, toward) -%}
    {{ polars_pool.call_macro('shrink_toward', relation, [value, by, toward], kwargs) }}
{%- endmacro %}
