{#- The partially pooled rate of every group, of events per exposure: pool_shrink_counts. Named arguments: over,
    prior, level, nan, threshold, groups, posterior, limits, uncertainty, where. -#}
{% macro shrink_counts(relation, value, exposure, by) -%}
    {{ polars_pool.call_macro('shrink_counts', relation, [value, exposure, by], kwargs) }}
{%- endmacro %}
