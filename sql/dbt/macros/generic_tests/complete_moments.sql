{#-
    The groups whose stored moments count other rows than the table that they were computed from: a partition is missing,
    is there twice, or has changed since.

    to: the rows, a ref or a source. value, by: as in moments.
-#}
{% test complete_moments(model, to, value, by) %}
    {%- set keys = (by if by is string else by | join(', ')) %}
    WITH stored AS (SELECT {{ keys }}, sum(n) AS n FROM {{ model }} GROUP BY ALL),
    counted AS (SELECT {{ keys }}, count({{ value }}) AS n FROM {{ to }} GROUP BY ALL)
    (FROM stored EXCEPT FROM counted) UNION ALL (FROM counted EXCEPT FROM stored)
{% endtest %}
