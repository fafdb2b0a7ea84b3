{{ config(materialized='ephemeral') }}
SELECT * FROM {{ ref('scores') }} WHERE month > 1
