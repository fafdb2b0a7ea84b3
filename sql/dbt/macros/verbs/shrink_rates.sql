{#- The partially pooled rate of every group, of events in trials: pool_shrink_rates. Named arguments: over,
    prior, level, nan, threshold, groups, posterior, limits, uncertainty, where. -#}
{% macro shrink_rates(relation, value, trials, by) -%}
    {{ polars_pool.call_macro('shrink_rates', relation, [value, trials, by], kwargs) }}
{%- endmacro %}
