{{ config(materialized='view') }}
{{ polars_pool.merge(ref('moments'), 'school') }}
