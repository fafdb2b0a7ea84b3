{#- The beta distribution of the rates of groups, one row per model: pool_components_rates. Named arguments: over,
    prior, nan, where. -#}
{% macro components_rates(relation, value, trials, by) -%}
    {{ polars_pool.call_macro('components_rates', relation, [value, trials, by], kwargs) }}
{%- endmacro %}
