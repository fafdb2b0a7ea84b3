-- The plain macro, as a view in another schema.
{{ config(materialized='view', schema='marts') }}
FROM pool_shrink({{ ref('scores') }}, score, school, over := month)
