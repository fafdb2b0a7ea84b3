{#- The states whose count, mean and variance no rows can have. -#}
{% test valid_moments(model) %}
    SELECT * FROM {{ model }}
    WHERE n IS NULL OR n < 0 OR n != floor(n) OR var < 0 OR (n > 0 AND mean IS NULL) OR (n > 1 AND var IS NULL)
{% endtest %}
