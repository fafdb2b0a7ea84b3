{{ config(materialized='table') }}
{{ polars_pool.encode(ref('late_scores'), 'score', ['month', 'school'], tau2=9.0) }}
