{#- The variances within and between groups and the population mean, one row per model: pool_components. Named
    arguments: over, n, var, se, weights, sigma2, tau2, mu, nan, level, test, limits, where. -#}
{% macro components(relation, value, by) -%}
    {{ polars_pool.call_macro('components', relation, [value, by], kwargs) }}
{%- endmacro %}
