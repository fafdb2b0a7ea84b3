-- A CTE of the model, a macro inside a CTE, and a prior.
WITH late AS (SELECT * FROM {{ ref('scores') }} WHERE month > 1),
estimates AS (
    {{ polars_pool.shrink('late', 'ln(score)', 'school', tau2='half_cauchy(1)', threshold=4.1) }}
)
SELECT * FROM estimates WHERE p_above > 0.5
