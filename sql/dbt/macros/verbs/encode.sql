{#- The rows with the partially pooled mean of their group as a new column, estimate: pool_encode. Named
    arguments: over, weights, sigma2, tau2, mu, nan, folds, where. -#}
{% macro encode(relation, value, by) -%}
    {{ polars_pool.call_macro('encode', relation, [value, by], kwargs) }}
{%- endmacro %}
