{#- The errors of prediction without, with complete and with partial pooling, for rows that are held out:
    pool_compare. Named arguments: over, n, var, sigma2, tau2, mu, nan, where. -#}
{% macro compare(relation, value, by) -%}
    {{ polars_pool.call_macro('compare', relation, [value, by], kwargs) }}
{%- endmacro %}
