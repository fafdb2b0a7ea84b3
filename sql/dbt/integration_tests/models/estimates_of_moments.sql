{{ config(materialized='table') }}
{{ polars_pool.shrink(ref('moments'), 'mean', 'school', n='n', var='var') }}
