{{ config(materialized='table') }}
{{ polars_pool.components(ref('scores'), 'score', 'school', over='month') }}
