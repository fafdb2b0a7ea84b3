{#- The groups without an estimate, or whose weight, standard error or interval contradict the model. -#}
{% test valid_estimates(model) %}
    SELECT * FROM {{ model }}
    WHERE estimate IS NULL OR isnan(estimate) OR weight NOT BETWEEN 0 AND 1 OR se < 0
        OR estimate NOT BETWEEN lower AND upper
{% endtest %}
