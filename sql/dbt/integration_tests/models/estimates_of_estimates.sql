-- A view of a macro over a view of the same macro.
{{ config(materialized='view') }}
{{ polars_pool.shrink(ref('estimates_by_month'), 'estimate', 'school', se='se', where='se > 0') }}
