{#- The variances of every model beside a predictor of its groups: pool_components_toward. Named arguments: over, n, var,
    se, weights, sigma2, tau2, nan, level, test, limits, where. -#}
{% macro components_toward(relation, value, by, toward) -%}
    {{ polars_pool.call_macro('components_toward', relation, [value, by, toward], kwargs) }}
{%- endmacro %}
