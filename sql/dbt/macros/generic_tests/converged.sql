{#- The models of a table of components whose estimates did not converge. -#}
{% test converged(model) %}
    SELECT * FROM {{ model }} WHERE converged IS NOT true
{% endtest %}
