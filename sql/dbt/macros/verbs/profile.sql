{#- The likelihood, mu and Q along tau, one row per model and tau: pool_profile. Named arguments: over, n, var,
    se, weights, sigma2, mu, nan, tau, groups, tau2, where. -#}
{% macro profile(relation, value, by) -%}
    {{ polars_pool.call_macro('profile', relation, [value, by], kwargs) }}
{%- endmacro %}
