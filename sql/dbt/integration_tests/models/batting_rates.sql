{{ config(materialized='table') }}
{{ polars_pool.shrink_rates(ref('batting'), 'hits', 'at_bats', 'player', threshold=0.3) }}
