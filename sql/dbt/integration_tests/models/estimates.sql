{{ config(materialized='table') }}
{{ polars_pool.shrink(ref('scores'), 'score', 'school', tau2='dl', level=0.9, groups=ref('new_schools')) }}
